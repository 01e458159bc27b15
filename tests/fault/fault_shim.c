/* fault_shim.c -- settings and pending writes; see fault_shim.h. */
#include "fault/fault_shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECTOR = 512 };

struct fault_shim fault_shim = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- start and end ---- */

static void
real_find(const char *name, void *to)
{
    void *function = dlsym(RTLD_NEXT, name);
    memcpy(to, &function, sizeof function);
}

static void
real_init(void)
{
    real_find("open", &fault_shim.real.open);
    real_find("openat", &fault_shim.real.openat);
    real_find("close", &fault_shim.real.close);
    real_find("write", &fault_shim.real.write);
    real_find("pwrite", &fault_shim.real.pwrite);
    real_find("writev", &fault_shim.real.writev);
    real_find("pwritev", &fault_shim.real.pwritev);
    real_find("read", &fault_shim.real.read);
    real_find("pread", &fault_shim.real.pread);
    real_find("fdatasync", &fault_shim.real.fdatasync);
    real_find("fsync", &fault_shim.real.fsync);
    real_find("fallocate", &fault_shim.real.fallocate);
    real_find("posix_fallocate", &fault_shim.real.posix_fallocate);
    real_find("ftruncate", &fault_shim.real.ftruncate);
    real_find("mmap", &fault_shim.real.mmap);
    real_find("unlink", &fault_shim.real.unlink);
    real_find("remove", &fault_shim.real.remove);
    real_find("rename", &fault_shim.real.rename);
    real_find("statvfs", &fault_shim.real.statvfs);
}

static uint64_t
setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static char *
setting_text(const char *name)
{
    const char *text = getenv(name);
    return text && *text ? strdup(text) : NULL;
}

void
fault_shim_init(void)
{
    if (!fault_shim.real.open)
        real_init();
}

/* Not before: a sanitizer calls us when there is no environment yet. */
__attribute__((constructor)) static void
fault_start(void)
{
    fault_shim_init();
    fault_shim.process = getpid();
    fault_shim.full_file = setting_text("FAULT_ENOSPC_FILE");
    fault_shim.log_file = setting_text("FAULT_LOG");
    fault_shim.random = setting("FAULT_SEED", 1) * 0x9E3779B97F4A7C15U + 1;
    fault_shim.tear = setting("FAULT_TEAR", 0);
    fault_shim.scatter = setting("FAULT_SCATTER", 0);
    fault_shim.sync_fail_at = setting("FAULT_SYNC_FAIL_AT", 0);
    fault_shim.kill_at = setting("FAULT_KILL_AT", 0);
    fault_shim.full_from = fault_shim.full_to = setting("FAULT_ENOSPC_AT", 0);
    const char *range = getenv("FAULT_ENOSPC_AT");
    const char *dots = range ? strstr(range, "..") : NULL;
    if (dots)
        fault_shim.full_to = strtoull(dots + 2, NULL, 10);
    fault_shim.paths = setting_text("FAULT_PATHS");
}

static uint64_t
fault_random(uint64_t bound)
{
    fault_shim.random ^= fault_shim.random >> 12;
    fault_shim.random ^= fault_shim.random << 25;
    fault_shim.random ^= fault_shim.random >> 27;
    return (fault_shim.random * 2685821657736338717U >> 11) % bound;
}

__attribute__((format(printf, 1, 2))) void
fault_shim_say(const char *fmt, ...)
{
    if (!fault_shim.log_file)
        return;
    char line[256];
    va_list list;
    va_start(list, fmt);
    int size = vsnprintf(line, sizeof line, fmt, list);
    va_end(list);
    int fd = fault_shim.real.open(fault_shim.log_file,
                                  O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd >= 0 && size > 0)
        (void)!fault_shim.real.write(fd, line, (size_t)size);
    if (fd >= 0)
        fault_shim.real.close(fd);
}

/* A step at which the power may fail; lock held. */
void
fault_shim_step(const char *what)
{
    if (++fault_shim.steps == fault_shim.kill_at) {
        fault_shim_say("kill before %s %llu\n", what,
                       (unsigned long long)fault_shim.steps);
        kill(getpid(), SIGKILL);
        for (;;)
            pause();
    }
}

bool
fault_shim_full(void)
{
    return fault_shim.full_file && access(fault_shim.full_file, F_OK) == 0;
}

bool
fault_shim_wants(const char *path)
{
    const char *lock = strstr(path, "lock.mdb");
    if (lock && lock[8] == 0)
        return false; /* its locks would go with our own descriptor */
    for (const char *at = fault_shim.paths; at && path;) {
        size_t size = strcspn(at, ":");
        if (size > 0 && memmem(path, strlen(path), at, size))
            return true;
        at = at[size] ? at + size + 1 : NULL;
    }
    return false;
}

/* ---- pending writes; all with the lock held ---- */

struct fault_shim_file *
fault_shim_of(int fd)
{
    return fd >= 0 && fd < FAULT_SHIM_FDS ? fault_shim.fds[fd].file : NULL;
}

static struct fault_shim_file *
file_find(const struct stat *about)
{
    struct fault_shim_file *file = fault_shim.files;
    while (file &&
           (file->device != about->st_dev || file->inode != about->st_ino))
        file = file->next;
    return file;
}

static void
file_write(int fd, const uint8_t *data, size_t size, off_t offset)
{
    while (size > 0) {
        ssize_t put = fault_shim.real.pwrite(fd, data, size, offset);
        if (put <= 0)
            return;
        data += put;
        size -= (size_t)put;
        offset += put;
    }
}

static void
file_forget(struct fault_shim_file *file)
{
    while (file->first) {
        struct fault_shim_pending *pending = file->first;
        file->first = pending->next;
        free(pending);
    }
    file->last = &file->first;
}

/* All that is pending goes into the file. */
void
fault_shim_release(struct fault_shim_file *file)
{
    for (struct fault_shim_pending *at = file->first; at; at = at->next)
        if (!at->lost)
            file_write(file->fd, at->data, at->size, at->offset);
    file_forget(file);
}

void
fault_shim_drop(struct fault_shim_file *file)
{
    if (file->opens > 0 || file->first)
        return;
    struct fault_shim_file **at = &fault_shim.files;
    while (*at != file)
        at = &(*at)->next;
    *at = file->next;
    fault_shim.real.close(file->fd);
    free(file);
}

/* A random beginning, or random sectors, of what is pending, reaches the
 * disk. */
static void
file_tear(struct fault_shim_file *file)
{
    uint64_t count = 0, keep, i = 0;
    for (struct fault_shim_pending *at = file->first; at; at = at->next)
        count++;
    keep = fault_random(count);
    for (struct fault_shim_pending *at = file->first; at && i <= keep;
         at = at->next) {
        size_t size = at->size;
        if (i++ == keep)
            size = (size_t)fault_random(size + 1);
        if (!at->lost)
            file_write(file->fd, at->data, size, at->offset);
    }
    fault_shim_say("tear inode=%llu writes=%llu of %llu\n",
                   (unsigned long long)file->inode, (unsigned long long)keep,
                   (unsigned long long)count);
}

static void
file_scatter(struct fault_shim_file *file)
{
    for (struct fault_shim_pending *at = file->first; at; at = at->next)
        for (size_t done = 0; done < at->size && !at->lost;) {
            off_t offset = at->offset + (off_t)done;
            size_t part = SECTOR - (size_t)(offset % SECTOR);
            if (part > at->size - done)
                part = at->size - done;
            if (fault_random(2))
                file_write(file->fd, at->data + done, part, offset);
            done += part;
        }
    fault_shim_say("scatter inode=%llu\n", (unsigned long long)file->inode);
}

static void
file_grow(struct fault_shim_file *file, off_t size)
{
    struct stat about;
    if (fstat(file->fd, &about) == 0 && about.st_size < size)
        (void)!fault_shim.real.ftruncate(file->fd, size);
}

static ssize_t
file_hold(struct fault_shim_file *file, const void *data, size_t size,
          off_t offset)
{
    struct fault_shim_pending *pending = malloc(sizeof *pending + size);
    if (!pending)
        abort();
    *pending = (struct fault_shim_pending){.offset = offset, .size = size};
    memcpy(pending->data, data, size);
    *file->last = pending;
    file->last = &pending->next;
    file_grow(file, offset + (off_t)size);
    if (fault_shim.tear && fault_random(fault_shim.tear) == 0)
        file_tear(file);
    if (fault_shim.scatter && fault_random(fault_shim.scatter) == 0)
        file_scatter(file);
    return (ssize_t)size;
}

/* One write of a watched file, whatever the call was. */
ssize_t
fault_shim_put(int fd, const void *data, size_t size, off_t offset)
{
    struct fault_shim_file *file = fault_shim_of(fd);
    fault_shim.writes++;
    fault_shim_step("write");
    bool full = fault_shim.writes >= fault_shim.full_from &&
                fault_shim.writes <= fault_shim.full_to && fault_shim.full_from;
    if (full || fault_shim_full()) {
        fault_shim_say("enospc write=%llu\n",
                       (unsigned long long)fault_shim.writes);
        errno = ENOSPC;
        return -1;
    }
    if (fault_shim.fds[fd].dsync) {
        file_write(file->fd, data, size, offset);
        return fault_shim.real.fdatasync(file->fd) == 0 ? (ssize_t)size : -1;
    }
    return file_hold(file, data, size, offset);
}

/* What was read, with what is pending on top. */
void
fault_shim_merge(const struct fault_shim_file *file, uint8_t *to, size_t size,
                 off_t offset)
{
    for (const struct fault_shim_pending *at = file->first; at; at = at->next) {
        off_t from = at->offset > offset ? at->offset : offset;
        off_t end = at->offset + (off_t)at->size;
        if (end > offset + (off_t)size)
            end = offset + (off_t)size;
        if (from < end)
            memcpy(to + (from - offset), at->data + (from - at->offset),
                   (size_t)(end - from));
    }
}

int
fault_shim_sync(struct fault_shim_file *file, int (*sync)(int), int fd)
{
    fault_shim.syncs++;
    fault_shim_step("sync");
    if (fault_shim.syncs == fault_shim.sync_fail_at) {
        for (struct fault_shim_pending *at = file->first; at; at = at->next)
            at->lost = true;
        fault_shim_say("sync_fail sync=%llu\n",
                       (unsigned long long)fault_shim.syncs);
        errno = EIO;
        return -1;
    }
    struct fault_shim_pending **at = &file->first;
    while (*at) {
        struct fault_shim_pending *pending = *at;
        if (pending->lost) {
            at = &pending->next;
            continue;
        }
        file_write(file->fd, pending->data, pending->size, pending->offset);
        *at = pending->next;
        free(pending);
    }
    file->last = at;
    return sync(fd);
}

void
fault_shim_cut(struct fault_shim_file *file, off_t size)
{
    struct fault_shim_pending **at = &file->first;
    while (*at) {
        struct fault_shim_pending *pending = *at;
        if (pending->offset >= size) {
            *at = pending->next;
            free(pending);
            continue;
        }
        if (pending->offset + (off_t)pending->size > size)
            pending->size = (size_t)(size - pending->offset);
        at = &pending->next;
    }
    file->last = at;
}

/* The file that a path names is about to go or to be seen otherwise. */
void
fault_shim_path(const char *path)
{
    struct stat about;
    if (!fault_shim.paths || stat(path, &about) != 0)
        return;
    struct fault_shim_file *file = file_find(&about);
    if (file) {
        fault_shim_release(file);
        fault_shim_drop(file);
    }
}

void
fault_shim_opened(int fd, const char *path, int flags)
{
    struct stat about;
    char own[64];
    if (fd < 0 || fd >= FAULT_SHIM_FDS || !fault_shim_wants(path) ||
        fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
        return;
    struct fault_shim_file *file = file_find(&about);
    if (!file) {
        file = calloc(1, sizeof *file);
        if (!file)
            abort();
        file->device = about.st_dev;
        file->inode = about.st_ino;
        file->last = &file->first;
        snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
        file->fd = fault_shim.real.open(own, O_RDWR | O_CLOEXEC);
        if (file->fd < 0) { /* read only: nothing of it can be pending */
            free(file);
            return;
        }
        file->next = fault_shim.files;
        fault_shim.files = file;
    }
    file->opens++;
    if (flags & O_TRUNC)
        file_forget(file);
    fault_shim.fds[fd].file = file;
    fault_shim.fds[fd].dsync = flags & O_DSYNC;
}

__attribute__((destructor)) static void
fault_end(void)
{
    if (getpid() != fault_shim.process)
        return; /* a child's copy */
    pthread_mutex_lock(&fault_shim.lock);
    for (struct fault_shim_file *file = fault_shim.files; file;
         file = file->next)
        fault_shim_release(file);
    pthread_mutex_unlock(&fault_shim.lock);
}
