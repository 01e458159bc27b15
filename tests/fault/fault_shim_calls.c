/* fault_shim_calls.c -- the functions that stand before the C library's; see
 * fault_shim.h. */
#include "fault/fault_shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int
fault_open(int folder, const char *path, int flags, mode_t mode)
{
    fault_shim_init();
    pthread_mutex_lock(&fault_shim.lock);
    int fd = -1;
    if (flags & O_CREAT && fault_shim_wants(path) && fault_shim_full() &&
        faccessat(folder, path, F_OK, 0) != 0) {
        fault_shim_say("enospc open\n");
        errno = ENOSPC;
    } else {
        fd = fault_shim.real.openat(folder, path, flags, mode);
    }
    int number = errno;
    fault_shim_opened(fd, path, flags);
    pthread_mutex_unlock(&fault_shim.lock);
    errno = number;
    return fd;
}

static mode_t
open_mode(int flags, va_list list)
{
    bool has = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
    return has ? va_arg(list, mode_t) : 0;
}

int
open(const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = open_mode(flags, list);
    va_end(list);
    return fault_open(AT_FDCWD, path, flags, mode);
}

int
openat(int folder, const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = open_mode(flags, list);
    va_end(list);
    return fault_open(folder, path, flags, mode);
}

int
close(int fd)
{
    fault_shim_init();
    pthread_mutex_lock(&fault_shim.lock);
    struct fault_shim_file *file = fault_shim_of(fd);
    if (file) {
        fault_shim.fds[fd].file = NULL;
        file->opens--;
        fault_shim_drop(file);
    }
    pthread_mutex_unlock(&fault_shim.lock);
    return fault_shim.real.close(fd);
}

/* ---- writing ---- */

ssize_t
pwrite(int fd, const void *data, size_t size, off_t offset)
{
    fault_shim_init();
    pthread_mutex_lock(&fault_shim.lock);
    bool ours = fault_shim_of(fd) != NULL;
    ssize_t put = ours ? fault_shim_put(fd, data, size, offset) : 0;
    pthread_mutex_unlock(&fault_shim.lock);
    return ours ? put : fault_shim.real.pwrite(fd, data, size, offset);
}

/* At the descriptor's place, which moves. */
static ssize_t
fault_write(int fd, const void *data, size_t size)
{
    int flags = fcntl(fd, F_GETFL);
    off_t offset = lseek(fd, 0, flags & O_APPEND ? SEEK_END : SEEK_CUR);
    ssize_t put = fault_shim_put(fd, data, size, offset);
    if (put > 0)
        lseek(fd, offset + put, SEEK_SET);
    return put;
}

ssize_t
write(int fd, const void *data, size_t size)
{
    fault_shim_init();
    pthread_mutex_lock(&fault_shim.lock);
    bool ours = fault_shim_of(fd) != NULL;
    ssize_t put = ours ? fault_write(fd, data, size) : 0;
    pthread_mutex_unlock(&fault_shim.lock);
    return ours ? put : fault_shim.real.write(fd, data, size);
}

/* The parts as one. */
static uint8_t *
iovec_join(const struct iovec *parts, int count, size_t *ret_size)
{
    size_t size = 0, at = 0;
    for (int i = 0; i < count; i++)
        size += parts[i].iov_len;
    uint8_t *data = malloc(size + 1);
    if (!data)
        abort();
    for (int i = 0; i < count; at += parts[i++].iov_len)
        memcpy(data + at, parts[i].iov_base, parts[i].iov_len);
    *ret_size = size;
    return data;
}

ssize_t
pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    fault_shim_init();
    pthread_mutex_lock(&fault_shim.lock);
    bool ours = fault_shim_of(fd) != NULL;
    ssize_t put = 0;
    if (ours) {
        size_t size;
        uint8_t *data = iovec_join(parts, count, &size);
        put = offset < 0 ? fault_write(fd, data, size)
                         : fault_shim_put(fd, data, size, offset);
        free(data);
    }
    pthread_mutex_unlock(&fault_shim.lock);
    if (ours)
        return put;
    return offset < 0 ? fault_shim.real.writev(fd, parts, count)
                      : fault_shim.real.pwritev(fd, parts, count, offset);
}

ssize_t
writev(int fd, const struct iovec *parts, int count)
{
    return pwritev(fd, parts, count, -1);
}

/* ---- reading ---- */

ssize_t
pread(int fd, void *to, size_t size, off_t offset)
{
    fault_shim_init();
    ssize_t got = fault_shim.real.pread(fd, to, size, offset);
    pthread_mutex_lock(&fault_shim.lock);
    if (got > 0 && fault_shim_of(fd))
        fault_shim_merge(fault_shim_of(fd), to, (size_t)got, offset);
    pthread_mutex_unlock(&fault_shim.lock);
    return got;
}

ssize_t
read(int fd, void *to, size_t size)
{
    fault_shim_init();
    pthread_mutex_lock(&fault_shim.lock);
    struct fault_shim_file *file = fault_shim_of(fd);
    off_t offset = file ? lseek(fd, 0, SEEK_CUR) : 0;
    pthread_mutex_unlock(&fault_shim.lock);
    ssize_t got = fault_shim.real.read(fd, to, size);
    pthread_mutex_lock(&fault_shim.lock);
    if (got > 0 && fault_shim_of(fd))
        fault_shim_merge(fault_shim_of(fd), to, (size_t)got, offset);
    pthread_mutex_unlock(&fault_shim.lock);
    return got;
}

/* ---- sync, size, names ---- */

static int
fault_sync(int fd, int (*sync)(int))
{
    pthread_mutex_lock(&fault_shim.lock);
    struct fault_shim_file *file = fault_shim_of(fd);
    int result = file ? fault_shim_sync(file, sync, fd) : 0;
    pthread_mutex_unlock(&fault_shim.lock);
    return file ? result : sync(fd);
}

int
fdatasync(int fd)
{
    fault_shim_init();
    return fault_sync(fd, fault_shim.real.fdatasync);
}

int
fsync(int fd)
{
    fault_shim_init();
    return fault_sync(fd, fault_shim.real.fsync);
}

/* false: no space, by our doing. */
static bool
fault_reserve(int fd)
{
    pthread_mutex_lock(&fault_shim.lock);
    bool full = fault_shim_of(fd) && fault_shim_full();
    if (full)
        fault_shim_say("enospc fallocate\n");
    pthread_mutex_unlock(&fault_shim.lock);
    return !full;
}

int
fallocate(int fd, int mode, off_t offset, off_t size)
{
    fault_shim_init();
    if (fault_reserve(fd))
        return fault_shim.real.fallocate(fd, mode, offset, size);
    errno = ENOSPC;
    return -1;
}

int
posix_fallocate(int fd, off_t offset, off_t size)
{
    fault_shim_init();
    return fault_reserve(fd) ? fault_shim.real.posix_fallocate(fd, offset, size)
                             : ENOSPC;
}

int
ftruncate(int fd, off_t size)
{
    fault_shim_init();
    pthread_mutex_lock(&fault_shim.lock);
    if (fault_shim_of(fd))
        fault_shim_cut(fault_shim_of(fd), size);
    pthread_mutex_unlock(&fault_shim.lock);
    return fault_shim.real.ftruncate(fd, size);
}

void *
mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    fault_shim_init();
    if (fd >= 0) { /* else it may be an allocator's */
        pthread_mutex_lock(&fault_shim.lock);
        if (fault_shim_of(fd))
            fault_shim_release(fault_shim_of(fd));
        pthread_mutex_unlock(&fault_shim.lock);
    }
    return fault_shim.real.mmap(at, size, protection, flags, fd, offset);
}

/* A name goes; power may fail before it does. */
static void
fault_name(const char *what, const char *from, const char *to)
{
    fault_shim_init();
    pthread_mutex_lock(&fault_shim.lock);
    if (fault_shim_wants(from) || (to && fault_shim_wants(to)))
        fault_shim_step(what);
    fault_shim_path(to ? to : from);
    pthread_mutex_unlock(&fault_shim.lock);
}

int
unlink(const char *path)
{
    fault_name("unlink", path, NULL);
    return fault_shim.real.unlink(path);
}

int
remove(const char *path)
{
    fault_name("unlink", path, NULL);
    return fault_shim.real.remove(path);
}

int
rename(const char *from, const char *to)
{
    fault_name("rename", from, to);
    return fault_shim.real.rename(from, to);
}

int
statvfs(const char *path, struct statvfs *to)
{
    fault_shim_init();
    int result = fault_shim.real.statvfs(path, to);
    if (result == 0 && fault_shim_full())
        to->f_bavail = to->f_bfree = 0;
    return result;
}

/* ---- the other names of the same functions ---- */

int open64(const char *, int, ...) __attribute__((alias("open")));
int openat64(int, const char *, int, ...) __attribute__((alias("openat")));
ssize_t pwrite64(int, const void *, size_t, off64_t)
    __attribute__((alias("pwrite")));
ssize_t pread64(int, void *, size_t, off64_t) __attribute__((alias("pread")));
ssize_t pwritev64(int, const struct iovec *, int, off64_t)
    __attribute__((alias("pwritev")));
int fallocate64(int, int, off64_t, off64_t) __attribute__((alias("fallocate")));
int posix_fallocate64(int, off64_t, off64_t)
    __attribute__((alias("posix_fallocate")));
int ftruncate64(int, off64_t) __attribute__((alias("ftruncate")));
void *mmap64(void *, size_t, int, int, int, off64_t)
    __attribute__((alias("mmap")));

/* The same struct on 64 bits, but another type. */
int
statvfs64(const char *path, struct statvfs64 *to)
{
    struct statvfs about;
    int result = statvfs(path, &about);
    if (result == 0)
        memcpy(to, &about, sizeof *to);
    return result;
}

_Static_assert(sizeof(struct statvfs) == sizeof(struct statvfs64),
               "statvfs64 is statvfs");

/* What _FORTIFY_SOURCE calls. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int folder, const char *path, int flags);
int __openat64_2(int folder, const char *path, int flags);
ssize_t __read_chk(int fd, void *to, size_t size, size_t room);
ssize_t __pread_chk(int fd, void *to, size_t size, off_t offset, size_t room);
ssize_t __pread64_chk(int fd, void *to, size_t size, off_t offset, size_t room)
    __attribute__((alias("__pread_chk")));

int
__open_2(const char *path, int flags)
{
    return fault_open(AT_FDCWD, path, flags, 0);
}

int
__open64_2(const char *path, int flags)
{
    return fault_open(AT_FDCWD, path, flags, 0);
}

int
__openat_2(int folder, const char *path, int flags)
{
    return fault_open(folder, path, flags, 0);
}

int
__openat64_2(int folder, const char *path, int flags)
{
    return fault_open(folder, path, flags, 0);
}

ssize_t
__read_chk(int fd, void *to, size_t size, size_t room)
{
    if (size > room)
        abort();
    return read(fd, to, size);
}

ssize_t
__pread_chk(int fd, void *to, size_t size, off_t offset, size_t room)
{
    if (size > room)
        abort();
    return pread(fd, to, size, offset);
}
