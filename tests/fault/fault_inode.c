/* fault_inode.c -- see fault_inode.h. */
#include "fault/fault_inode.h"

#include "base/base_mem.h"
#include "base/base_must.h"

enum { SECTOR = 512 };

struct change { /* of a file; a resize has no data */
    struct base_link link;
    bool resize;
    uint64_t offset; /* resize: the new size */
    size_t size;
    uint8_t *data;
};

static void
image_grow(struct fault_inode_image *image, uint64_t to)
{
    if (to > image->room) {
        size_t room = image->room ? image->room : 4096;
        while (room < to)
            room *= 2;
        image->at = base_mem_resize(image->at, room);
        image->room = room;
    }
    if (to > image->written) {
        memset(image->at + image->written, 0, to - image->written);
        image->written = to;
    }
}

static void
image_write(struct fault_inode_image *image, uint64_t offset,
            const uint8_t *data, size_t size)
{
    if (size == 0)
        return;
    image_grow(image, offset + size);
    memcpy(image->at + offset, data, size);
    if (offset + size > image->size)
        image->size = offset + size;
}

static void
image_resize(struct fault_inode_image *image, uint64_t size)
{
    if (size < image->written)
        image->written = size;
    image->size = size;
}

static void
image_copy(struct fault_inode_image *to, const struct fault_inode_image *from)
{
    to->written = 0;
    to->size = 0;
    image_write(to, 0, from->at, (size_t)from->written);
    image_resize(to, from->size);
}

static void
change_do(struct fault_inode_image *image, const struct change *change)
{
    if (change->resize)
        image_resize(image, change->offset);
    else
        image_write(image, change->offset, change->data, change->size);
}

static void
change_free(struct change *change)
{
    base_mem_free(change->data);
    base_mem_free(change);
}

void
fault_inode_change(struct fault_inode *inode, bool resize, uint64_t offset,
                   struct bytes data)
{
    struct change *change = base_mem_zero(sizeof *change);
    change->resize = resize;
    change->offset = offset;
    change->size = data.size;
    if (data.size)
        change->data = base_mem_copy(data.at, data.size);
    base_list_add(&inode->changes, &change->link);
    change_do(&inode->now, change);
}

void
fault_inode_keep(struct fault_inode *inode)
{
    struct base_link *link;
    while ((link = base_list_take(&inode->changes))) {
        struct change *change = BASE_OUTER(link, struct change, link);
        change_do(&inode->kept, change);
        change_free(change);
    }
}

struct fault_inode *
fault_inode_new(bool folder)
{
    struct fault_inode *inode = base_mem_zero(sizeof *inode);
    base_list_init(&inode->changes);
    inode->folder = folder;
    return inode;
}

void
fault_inode_drop(struct fault_inode *inode)
{
    must(inode->uses > 0);
    if (--inode->uses > 0)
        return;
    fault_inode_keep(inode);
    base_mem_free(inode->kept.at);
    base_mem_free(inode->now.at);
    base_mem_free(inode->path);
    base_mem_free(inode);
}

static uint64_t
change_count(const struct fault_inode *inode)
{
    uint64_t count = 0;
    const struct base_link *link = inode->changes.next;
    for (; link != &inode->changes; link = link->next)
        count++;
    return count;
}

/* Any of the sectors that a write touches. */
static void
change_scatter(struct base_rng *rng, struct fault_inode_image *image,
               const struct change *change)
{
    size_t done = 0;
    while (done < change->size) {
        uint64_t offset = change->offset + done;
        size_t part = SECTOR - (size_t)(offset % SECTOR);
        if (part > change->size - done)
            part = change->size - done;
        if (base_rng_below(rng, 2))
            image_write(image, offset, change->data + done, part);
        done += part;
    }
}

void
fault_inode_crash(struct base_rng *rng, struct fault_inode *inode,
                  enum fault_files_loss loss)
{
    uint64_t count = change_count(inode), survive = count;
    if (loss == FAULT_FILES_ALL)
        survive = 0;
    else if (loss != FAULT_FILES_NONE)
        survive = base_rng_below(rng, count + 1);
    struct base_link *link;
    for (uint64_t i = 0; (link = base_list_take(&inode->changes)); i++) {
        struct change *change = BASE_OUTER(link, struct change, link);
        if (loss == FAULT_FILES_SECTORS && !change->resize)
            change_scatter(rng, &inode->kept, change);
        else if (i < survive)
            change_do(&inode->kept, change);
        else if (i == survive && loss == FAULT_FILES_TAIL && !change->resize)
            image_write(&inode->kept, change->offset, change->data,
                        (size_t)base_rng_below(rng, change->size + 1));
        change_free(change);
    }
    image_copy(&inode->now, &inode->kept);
    inode->locked = false;
}

static void
image_rot(struct fault_inode_image *image, uint64_t offset, uint8_t flip)
{
    if (offset >= image->size)
        return;
    image_grow(image, offset + 1);
    image->at[offset] ^= flip;
}

bool
fault_inode_rot(struct fault_inode *inode, uint64_t offset, uint8_t flip)
{
    if (offset >= inode->now.size)
        return false;
    image_rot(&inode->now, offset, flip);
    image_rot(&inode->kept, offset, flip);
    return true;
}
