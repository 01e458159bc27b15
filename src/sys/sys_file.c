/* sys_file.c -- the kernel's files, and conveniences over any. */
#include "sys/sys_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/base_mem.h"

struct sys_file {
    int fd;
};

enum { FILE_MODE = 0640, FILE_PRIVATE = 0600, FILE_FOLDER = 0750 };

static enum err
file_error(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return ERR_ABSENT;
    case EEXIST:
    case ENOTEMPTY:
        return ERR_EXISTS;
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case EFBIG:
        return ERR_BIG;
    case EAGAIN:
    case EBUSY:
        return ERR_BUSY;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_DENIED;
    case ENAMETOOLONG:
        return ERR_NAME;
    case EMFILE:
    case ENFILE:
        return ERR_LIMIT;
    default:
        return ERR_IO;
    }
}

static enum err
file_result(int result)
{
    return result < 0 ? file_error(errno) : ERR_OK;
}

static enum err
file_open_as(const char *path, int flags, mode_t mode,
             struct sys_file **ret_file)
{
    int fd;
    do
        fd = open(path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return file_error(errno);
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (writes && flock(fd, LOCK_EX | LOCK_NB) < 0) {
        enum err err = file_error(errno);
        close(fd);
        return err;
    }
    struct sys_file *file = base_mem_new(sizeof *file);
    file->fd = fd;
    *ret_file = file;
    return ERR_OK;
}

static enum err
file_open(struct sys_files *files, const char *path, enum sys_file_mode mode,
          struct sys_file **ret_file)
{
    static const int flags[] = {
        [SYS_FILE_READ] = O_RDONLY,
        [SYS_FILE_WRITE] = O_RDWR | O_CREAT,
        [SYS_FILE_CREATE] = O_RDWR | O_CREAT | O_EXCL,
    };
    (void)files;
    return file_open_as(path, flags[mode], FILE_MODE, ret_file);
}

static void
file_shut(struct sys_files *files, struct sys_file *file)
{
    (void)files;
    if (!file)
        return;
    close(file->fd);
    base_mem_free(file);
}

static enum err
file_write(struct sys_files *files, struct sys_file *file, uint64_t offset,
           struct bytes data)
{
    (void)files;
    while (data.size) {
        ssize_t put = pwrite(file->fd, data.at, data.size, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? file_error(errno) : ERR_IO;
        data.at += put;
        data.size -= (size_t)put;
        offset += (uint64_t)put;
    }
    return ERR_OK;
}

static enum err
file_read(struct sys_files *files, struct sys_file *file, uint64_t offset,
          void *to, size_t size, size_t *ret_size)
{
    (void)files;
    uint8_t *at = to;
    size_t done = 0;
    while (done < size) {
        ssize_t got =
            pread(file->fd, at + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return file_error(errno);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *ret_size = done;
    return ERR_OK;
}

static enum err
file_sync(struct sys_files *files, struct sys_file *file)
{
    (void)files;
    return file_result(fdatasync(file->fd));
}

/* By the call itself where the file system has it: then a full disk says so
 * at once; elsewhere libc writes into every block. */
static enum err
file_reserve(struct sys_files *files, struct sys_file *file, uint64_t size)
{
    (void)files;
    if (size == 0)
        return ERR_OK;
    int result;
    do
        result = fallocate(file->fd, 0, 0, (off_t)size);
    while (result < 0 && errno == EINTR);
    if (result == 0)
        return ERR_OK;
    if (errno != EOPNOTSUPP)
        return file_error(errno);
    result = posix_fallocate(file->fd, 0, (off_t)size);
    return result ? file_error(result) : ERR_OK;
}

static enum err
file_truncate(struct sys_files *files, struct sys_file *file, uint64_t size)
{
    (void)files;
    int result;
    do
        result = ftruncate(file->fd, (off_t)size);
    while (result < 0 && errno == EINTR);
    return file_result(result);
}

static enum err
file_size(struct sys_files *files, struct sys_file *file, uint64_t *ret_size)
{
    (void)files;
    struct stat about;
    if (fstat(file->fd, &about) < 0)
        return file_error(errno);
    *ret_size = (uint64_t)about.st_size;
    return ERR_OK;
}

static enum err
file_map(struct sys_files *files, struct sys_file *file, uint64_t size,
         const uint8_t **ret_at)
{
    (void)files;
    if (size == 0)
        return ERR_RANGE;
    void *at = mmap(NULL, size, PROT_READ, MAP_SHARED, file->fd, 0);
    if (at == MAP_FAILED)
        return file_error(errno);
    *ret_at = at;
    return ERR_OK;
}

static void
file_unmap(struct sys_files *files, const uint8_t *at, uint64_t size)
{
    (void)files;
    munmap((void *)(uintptr_t)at, size);
}

static enum err
file_rename(struct sys_files *files, const char *from, const char *to)
{
    (void)files;
    return file_result(rename(from, to));
}

static enum err
file_remove(struct sys_files *files, const char *path)
{
    (void)files;
    return file_result(remove(path));
}

static enum err
file_sync_folder(struct sys_files *files, const char *path)
{
    (void)files;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return file_error(errno);
    enum err err = file_result(fsync(fd));
    close(fd);
    return err;
}

static enum err
file_make_folder(struct sys_files *files, const char *path)
{
    (void)files;
    return file_result(mkdir(path, FILE_FOLDER));
}

static int
file_name_order(const void *a, const void *b)
{
    char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

/* The names in an open folder, unsorted, in a growing heap array. */
static enum err
file_names(DIR *folder, struct base_arena *arena, char ***ret_names,
           size_t *ret_count)
{
    size_t room = 0, count = 0;
    char **names = NULL;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry)
            break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (count == room) {
            room = room ? room * 2 : 32;
            names = base_mem_resize(names, room * sizeof *names);
        }
        names[count] = base_arena_text(arena, base_bytes_text(entry->d_name));
        if (!names[count++]) {
            base_mem_free(names);
            return ERR_LIMIT;
        }
    }
    int number = errno;
    if (number) {
        base_mem_free(names);
        return file_error(number);
    }
    *ret_names = names;
    *ret_count = count;
    return ERR_OK;
}

static enum err
file_list(struct sys_files *files, const char *path, struct base_arena *arena,
          char ***ret_names, size_t *ret_count)
{
    (void)files;
    DIR *folder = opendir(path);
    if (!folder)
        return file_error(errno);
    char **names = NULL, **copy;
    size_t count = 0;
    enum err err = file_names(folder, arena, &names, &count);
    closedir(folder);
    if (err != ERR_OK)
        return err;
    copy = base_arena_alloc(arena, count * sizeof *copy);
    if (copy && count) {
        qsort(names, count, sizeof *names, file_name_order);
        memcpy(copy, names, count * sizeof *copy);
    }
    base_mem_free(names);
    if (!copy)
        return ERR_LIMIT;
    *ret_names = copy;
    *ret_count = count;
    return ERR_OK;
}

static enum err
file_space(struct sys_files *files, const char *path, uint64_t *ret_free,
           uint64_t *ret_size)
{
    (void)files;
    struct statvfs about;
    if (statvfs(path, &about) < 0)
        return file_error(errno);
    *ret_free = (uint64_t)about.f_bavail * about.f_frsize;
    *ret_size = (uint64_t)about.f_blocks * about.f_frsize;
    return ERR_OK;
}

static const struct sys_files_ops file_ops = {
    .open = file_open,
    .shut = file_shut,
    .write = file_write,
    .read = file_read,
    .sync = file_sync,
    .reserve = file_reserve,
    .truncate = file_truncate,
    .size = file_size,
    .map = file_map,
    .unmap = file_unmap,
    .rename = file_rename,
    .remove = file_remove,
    .sync_folder = file_sync_folder,
    .make_folder = file_make_folder,
    .list = file_list,
    .space = file_space,
};

struct sys_files *
sys_file_real(void)
{
    static struct sys_files kernel = {.ops = &file_ops};
    return &kernel;
}

enum err
sys_file_folders(struct sys_files *files, const char *path)
{
    char part[PATH_MAX];
    size_t size = strlen(path);
    if (size >= sizeof part)
        return ERR_NAME;
    for (size_t at = 1; at <= size; at++) {
        bool ends = path[at] == '/' || path[at] == 0;
        if (!ends || path[at - 1] == '/')
            continue;
        base_bytes_string(base_bytes(path, at), part, sizeof part);
        enum err err = files->ops->make_folder(files, part);
        if (err != ERR_OK && err != ERR_EXISTS)
            return err;
    }
    return ERR_OK;
}

enum err
sys_file_load(struct sys_files *files, const char *path, size_t limit,
              struct base_arena *arena, struct bytes *ret_data)
{
    struct sys_file *file;
    enum err err = files->ops->open(files, path, SYS_FILE_READ, &file);
    if (err != ERR_OK)
        return err;
    uint64_t size = 0;
    size_t got = 0;
    uint8_t *at = NULL;
    err = files->ops->size(files, file, &size);
    if (err == ERR_OK && size > limit)
        err = ERR_BIG;
    if (err == ERR_OK && !(at = base_arena_alloc(arena, (size_t)size)))
        err = ERR_LIMIT;
    if (err == ERR_OK)
        err = files->ops->read(files, file, 0, at, (size_t)size, &got);
    files->ops->shut(files, file);
    if (err == ERR_OK)
        *ret_data = base_bytes(at, got);
    return err;
}

/* The folder that holds path; the caller frees it. */
static char *
file_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return base_mem_text(".");
    size_t size = slash == path ? 1 : (size_t)(slash - path);
    char *folder = base_mem_new(size + 1);
    return base_bytes_string(base_bytes(path, size), folder, size + 1);
}

static enum err
file_write_whole(struct sys_files *files, const char *path, struct bytes data,
                 bool private_)
{
    struct sys_file *file;
    enum err err;
    if (private_ && files->ops == &file_ops)
        err =
            file_open_as(path, O_RDWR | O_CREAT | O_EXCL, FILE_PRIVATE, &file);
    else
        err = files->ops->open(files, path, SYS_FILE_CREATE, &file);
    if (err != ERR_OK)
        return err;
    err = files->ops->write(files, file, 0, data);
    if (err == ERR_OK)
        err = files->ops->sync(files, file);
    files->ops->shut(files, file);
    return err;
}

enum err
sys_file_save(struct sys_files *files, const char *path, struct bytes data,
              bool private_)
{
    char *aside = base_mem_format("%s.new", path);
    char *folder = file_folder_of(path);
    files->ops->remove(files, aside); /* left by a crash */
    enum err err = file_write_whole(files, aside, data, private_);
    if (err == ERR_OK)
        err = files->ops->rename(files, aside, path);
    if (err == ERR_OK)
        err = files->ops->sync_folder(files, folder);
    else
        files->ops->remove(files, aside);
    base_mem_free(aside);
    base_mem_free(folder);
    return err;
}
