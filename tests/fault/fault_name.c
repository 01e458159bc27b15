/* fault_name.c -- see fault_name.h. */
#include "fault/fault_name.h"

#include "base/base_mem.h"

struct renaming { /* a change of names: "" is nowhere */
    struct base_link link;
    char *from, *to;
    struct fault_inode *inode; /* a creation's */
};

/* Where path is, or would be. */
static size_t
table_place(const struct fault_name_table *table, const char *path)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(table->names[middle].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct fault_inode *
fault_name_get(const struct fault_name_table *table, const char *path)
{
    size_t at = table_place(table, path);
    bool there = at < table->count && strcmp(table->names[at].path, path) == 0;
    return there ? table->names[at].inode : NULL;
}

static void
table_remove(struct fault_name_table *table, const char *path)
{
    size_t at = table_place(table, path);
    if (at >= table->count || strcmp(table->names[at].path, path) != 0)
        return;
    base_mem_free(table->names[at].path);
    fault_inode_drop(table->names[at].inode);
    table->count--;
    memmove(table->names + at, table->names + at + 1,
            (table->count - at) * sizeof *table->names);
}

void
fault_name_put(struct fault_name_table *table, const char *path,
               struct fault_inode *inode)
{
    inode->uses++;
    table_remove(table, path);
    size_t at = table_place(table, path);
    if (table->count == table->room) {
        table->room = table->room ? table->room * 2 : 16;
        table->names =
            base_mem_resize(table->names, table->room * sizeof *table->names);
    }
    memmove(table->names + at + 1, table->names + at,
            (table->count - at) * sizeof *table->names);
    table->names[at] = (struct fault_name){base_mem_text(path), inode};
    table->count++;
}

static void
table_done(struct fault_name_table *table)
{
    while (table->count > 0)
        table_remove(table, table->names[table->count - 1].path);
    base_mem_free(table->names);
}

static void
renaming_do(struct fault_name_table *table, const struct renaming *renaming)
{
    struct fault_inode *inode = renaming->inode;
    if (!inode)
        inode = fault_name_get(table, renaming->from);
    if (*renaming->to && inode)
        fault_name_put(table, renaming->to, inode);
    if (*renaming->from)
        table_remove(table, renaming->from);
}

static void
renaming_free(struct renaming *renaming)
{
    if (renaming->inode)
        fault_inode_drop(renaming->inode);
    base_mem_free(renaming->from);
    base_mem_free(renaming->to);
    base_mem_free(renaming);
}

void
fault_name_change(struct fault_names *names, const char *from, const char *to,
                  struct fault_inode *inode)
{
    struct renaming *renaming = base_mem_zero(sizeof *renaming);
    renaming->from = base_mem_text(from);
    renaming->to = base_mem_text(to);
    renaming->inode = inode;
    if (inode)
        inode->uses++;
    else
        inode = fault_name_get(&names->now, from);
    if (inode && *to) {
        base_mem_free(inode->path);
        inode->path = base_mem_text(to);
    }
    base_list_add(&names->renamings, &renaming->link);
    renaming_do(&names->now, renaming);
}

/* The first `count` pending changes of names are kept. */
static void
names_keep(struct fault_names *names, uint64_t count)
{
    struct base_link *link;
    while (count-- > 0 && (link = base_list_take(&names->renamings))) {
        struct renaming *renaming = BASE_OUTER(link, struct renaming, link);
        renaming_do(&names->kept, renaming);
        renaming_free(renaming);
    }
}

bool
fault_name_in(const char *path, const char *folder)
{
    const char *slash = strrchr(path, '/');
    size_t size = strlen(folder);
    return slash && (size_t)(slash - path) == size &&
           memcmp(path, folder, size) == 0;
}

/* All up to the last that touched the folder. */
void
fault_name_sync(struct fault_names *names, const char *folder)
{
    uint64_t count = 0, keep = 0;
    struct base_link *link = names->renamings.next;
    for (; link != &names->renamings; link = link->next) {
        const struct renaming *renaming =
            BASE_OUTER(link, struct renaming, link);
        count++;
        if (fault_name_in(renaming->from, folder) ||
            fault_name_in(renaming->to, folder))
            keep = count;
    }
    names_keep(names, keep);
}

void
fault_name_crash(struct fault_names *names, struct base_rng *rng,
                 enum fault_files_loss loss)
{
    uint64_t count = 0, survive = 0;
    const struct base_link *link = names->renamings.next;
    for (; link != &names->renamings; link = link->next)
        count++;
    if (loss == FAULT_FILES_NONE)
        survive = count;
    else if (loss != FAULT_FILES_ALL)
        survive = base_rng_below(rng, count + 1);
    names_keep(names, survive);
    struct base_link *lost;
    while ((lost = base_list_take(&names->renamings)))
        renaming_free(BASE_OUTER(lost, struct renaming, link));
    table_done(&names->now);
    names->now = (struct fault_name_table){0};
    for (size_t i = 0; i < names->kept.count; i++) {
        const struct fault_name *name = &names->kept.names[i];
        fault_name_put(&names->now, name->path, name->inode);
        base_mem_free(name->inode->path);
        name->inode->path = base_mem_text(name->path);
    }
}

void
fault_name_init(struct fault_names *names)
{
    *names = (struct fault_names){0};
    base_list_init(&names->renamings);
}

void
fault_name_done(struct fault_names *names)
{
    struct base_link *link;
    while ((link = base_list_take(&names->renamings)))
        renaming_free(BASE_OUTER(link, struct renaming, link));
    table_done(&names->now);
    table_done(&names->kept);
}
