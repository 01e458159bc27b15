/* sys_file.h -- files as a struct of functions.
 *
 * Why: the store must be shown right on disks that tear, lose, fill and fail;
 * the simulation hands in files that do.  sys_file_real() is the kernel's.
 *
 * Paths    are given whole.  Names in list() are without the folder, sorted in
 *          byte order, without "." and "..".
 * Locks    a real file open for writing is locked (flock): a second open for
 *          writing, by whichever process, is BUSY.  Readers are not kept out.
 * Errors   ABSENT, EXISTS, FULL (ENOSPC, EDQUOT), IO, BUSY (lock held), DENIED,
 *          NAME (too long), LIMIT (descriptors; the arena of list and load). */
#ifndef SYS_FILE_H
#define SYS_FILE_H

#include "base/base_arena.h"

struct sys_file; /* an open file */
struct sys_files;

enum sys_file_mode {
    SYS_FILE_READ,
    SYS_FILE_WRITE,  /* read and write, made if absent */
    SYS_FILE_CREATE, /* read and write, must not exist */
};

struct sys_files_ops {
    enum err (*open)(struct sys_files *files, const char *path,
                     enum sys_file_mode mode, struct sys_file **ret_file);
    void (*shut)(struct sys_files *files, struct sys_file *file);
    /* Whole or an error. */
    enum err (*write)(struct sys_files *files, struct sys_file *file,
                      uint64_t offset, struct bytes data);
    /* *ret_size may be less than size at the end of the file. */
    enum err (*read)(struct sys_files *files, struct sys_file *file,
                     uint64_t offset, void *to, size_t size, size_t *ret_size);
    enum err (*sync)(struct sys_files *files, struct sys_file *file);
    /* Space for size bytes from 0, the file becoming that long. */
    enum err (*reserve)(struct sys_files *files, struct sys_file *file,
                        uint64_t size);
    enum err (*truncate)(struct sys_files *files, struct sys_file *file,
                         uint64_t size);
    enum err (*size)(struct sys_files *files, struct sys_file *file,
                     uint64_t *ret_size);
    /* Shared and read-only, until unmap. */
    enum err (*map)(struct sys_files *files, struct sys_file *file,
                    uint64_t size, const uint8_t **ret_at);
    void (*unmap)(struct sys_files *files, const uint8_t *at, uint64_t size);
    enum err (*rename)(struct sys_files *files, const char *from,
                       const char *to);
    enum err (*remove)(struct sys_files *files, const char *path);
    enum err (*sync_folder)(struct sys_files *files, const char *path);
    enum err (*make_folder)(struct sys_files *files, const char *path);
    /* names: arena array of arena strings */
    enum err (*list)(struct sys_files *files, const char *path,
                     struct base_arena *arena, char ***ret_names,
                     size_t *ret_count);
    /* Bytes free to us, and size, of the file system that holds path. */
    enum err (*space)(struct sys_files *files, const char *path,
                      uint64_t *ret_free, uint64_t *ret_size);
};

struct sys_files {
    const struct sys_files_ops *ops;
};

struct sys_files *sys_file_real(void);

/* Conveniences over any sys_files. */
/* Make path and what leads to it. */
enum err sys_file_folders(struct sys_files *files, const char *path);
/* A whole small file into the arena; BIG beyond limit. */
enum err sys_file_load(struct sys_files *files, const char *path, size_t limit,
                       struct base_arena *arena, struct bytes *ret_data);
/* Write aside, sync, rename, sync the folder: old or new, never half.
 * private_: mode 0600 (real files only). */
enum err sys_file_save(struct sys_files *files, const char *path,
                       struct bytes data, bool private_);

#endif
