/* fault_files.c -- the functions of sys_files over inodes and names, with rules
 * in front of them. */
#include "fault/fault_files.h"

#include <pthread.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "base/base_rng.h"
#include "fault/fault_inode.h"
#include "fault/fault_name.h"

enum { RULES = 32 };

struct rule {
    struct fault_files_rule rule;
    uint64_t seen;
};

struct fault_files {
    struct sys_files base;
    pthread_mutex_t lock;
    struct base_rng rng;
    struct fault_names names;
    struct rule rules[RULES];
    unsigned rule_count;
    uint64_t calls[FAULT_FILES_CALLS];
    uint64_t size_bytes, others_bytes;
    uint64_t off_at; /* changes left until the power fails + 1; 0 never */
    bool off;
    unsigned boot; /* crashes so far */
};

struct sys_file {
    struct fault_inode *inode;
    unsigned boot;
    bool writer;
};

static struct fault_files *
disk_of(struct sys_files *files)
{
    return BASE_OUTER(files, struct fault_files, base);
}

/* ---- rules ---- */

static bool
call_changes(enum fault_files_call call)
{
    return call != FAULT_FILES_READ;
}

/* Count the call; its error by power or rule, else OK. */
static enum err
fault_check(struct fault_files *disk, enum fault_files_call call,
            const char *path)
{
    disk->calls[call]++;
    if (disk->off_at > 1 && call_changes(call) && --disk->off_at == 1)
        disk->off = true;
    if (disk->off)
        return ERR_IO;
    enum err err = ERR_OK;
    for (unsigned i = 0; i < disk->rule_count; i++) {
        struct rule *at = &disk->rules[i];
        if (at->rule.call != call ||
            (at->rule.path && !strstr(path, at->rule.path)))
            continue;
        at->seen++;
        bool hit = at->seen >= at->rule.from &&
                   (at->rule.to == 0 || at->seen <= at->rule.to);
        if (hit && err == ERR_OK)
            err = at->rule.err;
    }
    return err;
}

static uint64_t
space_used(const struct fault_files *disk)
{
    uint64_t used = disk->others_bytes;
    for (size_t i = 0; i < disk->names.now.count; i++)
        used += disk->names.now.names[i].inode->now.size;
    return used;
}

/* May this file become this long? */
static bool
space_fits(const struct fault_files *disk, const struct fault_inode *inode,
           uint64_t size)
{
    if (size <= inode->now.size)
        return true;
    return space_used(disk) + (size - inode->now.size) <= disk->size_bytes;
}

static enum err
handle_check(struct fault_files *disk, const struct sys_file *file,
             enum fault_files_call call)
{
    if (file->boot != disk->boot)
        return ERR_IO;
    return fault_check(disk, call, file->inode->path);
}

/* ---- the functions of sys_files ---- */

static enum err
disk_open_locked(struct fault_files *disk, const char *path,
                 enum sys_file_mode mode, struct sys_file **ret_file)
{
    struct fault_inode *inode = fault_name_get(&disk->names.now, path);
    if (inode && inode->folder)
        return mode == SYS_FILE_READ ? ERR_IO : ERR_EXISTS;
    if (inode && mode == SYS_FILE_CREATE)
        return ERR_EXISTS;
    if (!inode && mode == SYS_FILE_READ)
        return disk->off ? ERR_IO : ERR_ABSENT;
    if (inode && mode == SYS_FILE_WRITE && inode->locked)
        return ERR_BUSY;
    if (!inode) {
        enum err err = fault_check(disk, FAULT_FILES_CREATE, path);
        if (err != ERR_OK)
            return err;
        inode = fault_inode_new(false);
        fault_name_change(&disk->names, "", path, inode);
    }
    struct sys_file *file = base_mem_zero(sizeof *file);
    file->inode = inode;
    inode->uses++;
    file->boot = disk->boot;
    file->writer = mode != SYS_FILE_READ;
    inode->locked |= file->writer;
    *ret_file = file;
    return ERR_OK;
}

static enum err
disk_open(struct sys_files *files, const char *path, enum sys_file_mode mode,
          struct sys_file **ret_file)
{
    struct fault_files *disk = disk_of(files);
    pthread_mutex_lock(&disk->lock);
    enum err err = disk_open_locked(disk, path, mode, ret_file);
    pthread_mutex_unlock(&disk->lock);
    return err;
}

static void
disk_shut(struct sys_files *files, struct sys_file *file)
{
    struct fault_files *disk = disk_of(files);
    if (!file)
        return;
    pthread_mutex_lock(&disk->lock);
    if (file->writer && file->boot == disk->boot)
        file->inode->locked = false;
    fault_inode_drop(file->inode);
    pthread_mutex_unlock(&disk->lock);
    base_mem_free(file);
}

static enum err
disk_write_locked(struct fault_files *disk, struct sys_file *file,
                  uint64_t offset, struct bytes data)
{
    enum err err = handle_check(disk, file, FAULT_FILES_WRITE);
    if (err == ERR_OK && !file->writer)
        err = ERR_IO;
    if (err == ERR_OK && !space_fits(disk, file->inode, offset + data.size))
        err = ERR_FULL;
    bool dead = disk->off || file->boot != disk->boot || !file->writer;
    if (err != ERR_OK && !dead) /* some of it got through */
        data.size = (size_t)base_rng_below(&disk->rng, data.size + 1);
    if (!dead && space_fits(disk, file->inode, offset + data.size))
        fault_inode_change(file->inode, false, offset, data);
    return err;
}

static enum err
disk_write(struct sys_files *files, struct sys_file *file, uint64_t offset,
           struct bytes data)
{
    struct fault_files *disk = disk_of(files);
    pthread_mutex_lock(&disk->lock);
    enum err err = disk_write_locked(disk, file, offset, data);
    pthread_mutex_unlock(&disk->lock);
    return err;
}

static enum err
disk_read(struct sys_files *files, struct sys_file *file, uint64_t offset,
          void *to, size_t size, size_t *ret_size)
{
    struct fault_files *disk = disk_of(files);
    pthread_mutex_lock(&disk->lock);
    enum err err = handle_check(disk, file, FAULT_FILES_READ);
    const struct fault_inode_image *image = &file->inode->now;
    if (err == ERR_OK) {
        size_t got = 0, real = 0;
        if (offset < image->size)
            got = size < image->size - offset ? size
                                              : (size_t)(image->size - offset);
        if (offset < image->written)
            real = got < image->written - offset
                       ? got
                       : (size_t)(image->written - offset);
        if (real)
            memcpy(to, image->at + offset, real);
        if (got > real)
            memset((uint8_t *)to + real, 0, got - real);
        *ret_size = got;
    }
    pthread_mutex_unlock(&disk->lock);
    return err;
}

/* A failed sync keeps nothing and drops nothing: the caller cannot know. */
static enum err
disk_sync(struct sys_files *files, struct sys_file *file)
{
    struct fault_files *disk = disk_of(files);
    pthread_mutex_lock(&disk->lock);
    enum err err = handle_check(disk, file, FAULT_FILES_SYNC);
    if (err == ERR_OK)
        fault_inode_keep(file->inode);
    pthread_mutex_unlock(&disk->lock);
    return err;
}

static enum err
disk_reserve(struct sys_files *files, struct sys_file *file, uint64_t size)
{
    struct fault_files *disk = disk_of(files);
    pthread_mutex_lock(&disk->lock);
    enum err err = handle_check(disk, file, FAULT_FILES_RESERVE);
    if (err == ERR_OK && !space_fits(disk, file->inode, size))
        err = ERR_FULL;
    if (err == ERR_OK && size > file->inode->now.size)
        fault_inode_change(file->inode, true, size, base_bytes(NULL, 0));
    pthread_mutex_unlock(&disk->lock);
    return err;
}

static enum err
disk_truncate(struct sys_files *files, struct sys_file *file, uint64_t size)
{
    struct fault_files *disk = disk_of(files);
    pthread_mutex_lock(&disk->lock);
    enum err err = handle_check(disk, file, FAULT_FILES_TRUNCATE);
    if (err == ERR_OK)
        fault_inode_change(file->inode, true, size, base_bytes(NULL, 0));
    pthread_mutex_unlock(&disk->lock);
    return err;
}

static enum err
disk_size(struct sys_files *files, struct sys_file *file, uint64_t *ret_size)
{
    struct fault_files *disk = disk_of(files);
    pthread_mutex_lock(&disk->lock);
    *ret_size = file->inode->now.size;
    pthread_mutex_unlock(&disk->lock);
    return ERR_OK;
}

/* A copy: what is mapped here is never written again. */
static enum err
disk_map(struct sys_files *files, struct sys_file *file, uint64_t size,
         const uint8_t **ret_at)
{
    if (size == 0)
        return ERR_RANGE;
    uint8_t *at = base_mem_zero((size_t)size);
    size_t got;
    enum err err = disk_read(files, file, 0, at, (size_t)size, &got);
    if (err != ERR_OK)
        base_mem_free(at);
    else
        *ret_at = at;
    return err;
}

static void
disk_unmap(struct sys_files *files, const uint8_t *at, uint64_t size)
{
    (void)files, (void)size;
    base_mem_free((void *)(uintptr_t)at);
}

static enum err
disk_rename(struct sys_files *files, const char *from, const char *to)
{
    struct fault_files *disk = disk_of(files);
    pthread_mutex_lock(&disk->lock);
    enum err err = fault_check(disk, FAULT_FILES_RENAME, from);
    if (err == ERR_OK && !fault_name_get(&disk->names.now, from))
        err = ERR_ABSENT;
    if (err == ERR_OK && strcmp(from, to) != 0)
        fault_name_change(&disk->names, from, to, NULL);
    pthread_mutex_unlock(&disk->lock);
    return err;
}

static enum err
disk_remove(struct sys_files *files, const char *path)
{
    struct fault_files *disk = disk_of(files);
    pthread_mutex_lock(&disk->lock);
    enum err err = fault_check(disk, FAULT_FILES_REMOVE, path);
    if (err == ERR_OK && !fault_name_get(&disk->names.now, path))
        err = ERR_ABSENT;
    if (err == ERR_OK)
        fault_name_change(&disk->names, path, "", NULL);
    pthread_mutex_unlock(&disk->lock);
    return err;
}

static enum err
disk_sync_folder(struct sys_files *files, const char *path)
{
    struct fault_files *disk = disk_of(files);
    pthread_mutex_lock(&disk->lock);
    enum err err = fault_check(disk, FAULT_FILES_SYNC_FOLDER, path);
    if (err == ERR_OK)
        fault_name_sync(&disk->names, path);
    pthread_mutex_unlock(&disk->lock);
    return err;
}

static enum err
disk_make_folder(struct sys_files *files, const char *path)
{
    struct fault_files *disk = disk_of(files);
    enum err err = ERR_OK;
    pthread_mutex_lock(&disk->lock);
    if (disk->off)
        err = ERR_IO;
    else if (fault_name_get(&disk->names.now, path))
        err = ERR_EXISTS;
    if (err == ERR_OK) {
        struct fault_inode *inode = fault_inode_new(true);
        fault_name_put(&disk->names.now, path, inode);
        fault_name_put(&disk->names.kept, path, inode);
    }
    pthread_mutex_unlock(&disk->lock);
    return err;
}

static enum err
disk_list_locked(struct fault_files *disk, const char *path,
                 struct base_arena *arena, char ***ret_names, size_t *ret_count)
{
    const struct fault_inode *folder = fault_name_get(&disk->names.now, path);
    if (!folder || !folder->folder)
        return ERR_ABSENT;
    size_t count = 0;
    char **names =
        base_arena_alloc(arena, (disk->names.now.count + 1) * sizeof *names);
    if (!names)
        return ERR_LIMIT;
    for (size_t i = 0; i < disk->names.now.count; i++) {
        const char *at = disk->names.now.names[i].path;
        if (!fault_name_in(at, path))
            continue;
        names[count] =
            base_arena_text(arena, base_bytes_text(at + strlen(path) + 1));
        if (!names[count++])
            return ERR_LIMIT;
    }
    *ret_names = names;
    *ret_count = count;
    return ERR_OK;
}

static enum err
disk_list(struct sys_files *files, const char *path, struct base_arena *arena,
          char ***ret_names, size_t *ret_count)
{
    struct fault_files *disk = disk_of(files);
    pthread_mutex_lock(&disk->lock);
    enum err err = disk_list_locked(disk, path, arena, ret_names, ret_count);
    pthread_mutex_unlock(&disk->lock);
    return err;
}

static enum err
disk_space(struct sys_files *files, const char *path, uint64_t *ret_free,
           uint64_t *ret_size)
{
    struct fault_files *disk = disk_of(files);
    (void)path;
    pthread_mutex_lock(&disk->lock);
    uint64_t used = space_used(disk);
    *ret_size = disk->size_bytes;
    *ret_free = used < disk->size_bytes ? disk->size_bytes - used : 0;
    pthread_mutex_unlock(&disk->lock);
    return ERR_OK;
}

static const struct sys_files_ops disk_ops = {
    .open = disk_open,
    .shut = disk_shut,
    .write = disk_write,
    .read = disk_read,
    .sync = disk_sync,
    .reserve = disk_reserve,
    .truncate = disk_truncate,
    .size = disk_size,
    .map = disk_map,
    .unmap = disk_unmap,
    .rename = disk_rename,
    .remove = disk_remove,
    .sync_folder = disk_sync_folder,
    .make_folder = disk_make_folder,
    .list = disk_list,
    .space = disk_space,
};

/* ---- the disk itself ---- */

struct fault_files *
fault_files_new(uint64_t seed)
{
    struct fault_files *disk = base_mem_zero(sizeof *disk);
    disk->base.ops = &disk_ops;
    must(pthread_mutex_init(&disk->lock, NULL) == 0);
    base_rng_seed(&disk->rng, seed);
    fault_name_init(&disk->names);
    disk->size_bytes = (uint64_t)1 << 40;
    return disk;
}

void
fault_files_free(struct fault_files *disk)
{
    if (!disk)
        return;
    fault_name_done(&disk->names);
    pthread_mutex_destroy(&disk->lock);
    base_mem_free(disk);
}

struct sys_files *
fault_files_base(struct fault_files *disk)
{
    return &disk->base;
}

void
fault_files_crash(struct fault_files *disk, enum fault_files_loss loss)
{
    pthread_mutex_lock(&disk->lock);
    disk->boot++;
    disk->off = false;
    disk->off_at = 0;
    fault_name_crash(&disk->names, &disk->rng, loss);
    for (size_t i = 0; i < disk->names.now.count; i++)
        fault_inode_crash(&disk->rng, disk->names.now.names[i].inode, loss);
    pthread_mutex_unlock(&disk->lock);
}

void
fault_files_rule(struct fault_files *disk, const struct fault_files_rule *rule)
{
    pthread_mutex_lock(&disk->lock);
    must(disk->rule_count < RULES && rule->from > 0 && rule->err != ERR_OK);
    disk->rules[disk->rule_count++] = (struct rule){.rule = *rule};
    pthread_mutex_unlock(&disk->lock);
}

void
fault_files_clear(struct fault_files *disk)
{
    pthread_mutex_lock(&disk->lock);
    disk->rule_count = 0;
    pthread_mutex_unlock(&disk->lock);
}

void
fault_files_off_at(struct fault_files *disk, uint64_t nth)
{
    pthread_mutex_lock(&disk->lock);
    disk->off_at = nth ? nth + 1 : 0;
    pthread_mutex_unlock(&disk->lock);
}

bool
fault_files_is_off(struct fault_files *disk)
{
    pthread_mutex_lock(&disk->lock);
    bool off = disk->off;
    pthread_mutex_unlock(&disk->lock);
    return off;
}

void
fault_files_space(struct fault_files *disk, uint64_t size_bytes,
                  uint64_t others_bytes)
{
    pthread_mutex_lock(&disk->lock);
    disk->size_bytes = size_bytes;
    disk->others_bytes = others_bytes;
    pthread_mutex_unlock(&disk->lock);
}

uint64_t
fault_files_count(struct fault_files *disk, enum fault_files_call call)
{
    pthread_mutex_lock(&disk->lock);
    uint64_t count = disk->calls[call];
    pthread_mutex_unlock(&disk->lock);
    return count;
}

bool
fault_files_rot(struct fault_files *disk, const char *path, uint64_t offset,
                uint8_t flip)
{
    pthread_mutex_lock(&disk->lock);
    struct fault_inode *inode = fault_name_get(&disk->names.now, path);
    bool done = inode && fault_inode_rot(inode, offset, flip);
    pthread_mutex_unlock(&disk->lock);
    return done;
}
