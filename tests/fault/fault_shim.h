/* fault_shim.h -- libfault.so: a worse disk below any program, by LD_PRELOAD.
 *
 * Why: what fault_files shows for the journal in memory must also hold for a
 * whole process on a real disk, LMDB included.  A killed process loses nothing
 * that it wrote, as the kernel lives on; power loss takes what was not synced.
 * So the shim holds writes back until they are synced: kill -9 then is a power
 * failure.
 *
 *   write, pwrite, writev, pwritev --> pending, in memory, by file
 *   fdatasync, fsync               --> pending is written, then synced
 *   a write through an O_DSYNC descriptor is not held back
 *   read, pread                    --> the file with pending on top of it
 *   mmap, unlink, rename, exit     --> pending is written, not synced
 *   ftruncate                      --> at once; pending behind it is dropped
 *
 * The size grows at once, so a lost write leaves zeros.  LMDB reads by mmap,
 * but never a page before the sync of the transaction that wrote it (unless it
 * spills, beyond 100,000 dirty pages), so it does not notice.
 *
 * Environment, read once when the program starts:
 *
 *   FAULT_PATHS=a:b       files whose path contains one of these; without it
 *                         the shim does nothing.  e.g. /journal/:data.mdb
 *   FAULT_SEED=n          of all that is random; 1
 *   FAULT_TEAR=n          after one write in n, a random beginning of the
 *                         file's pending writes reaches the disk early, its
 *                         last one cut at a random byte (they stay pending)
 *   FAULT_SCATTER=n       the same with random 512-byte sectors of all of them
 *   FAULT_SYNC_FAIL_AT=n  the nth sync (from 1) says EIO; what was pending is
 *                         never written, though reads go on seeing it, and the
 *                         next sync says that all is well, as Linux does
 *   FAULT_ENOSPC_AT=n..m  writes n to m (from 1; n alone: that one) say ENOSPC
 *   FAULT_ENOSPC_FILE=p   while the file p exists, writes, fallocate and the
 *                         creation of files say ENOSPC, statvfs says 0 free
 *   FAULT_KILL_AT=n       SIGKILL before the nth write, sync, rename or unlink
 *   FAULT_LOG=p           a line per fault is appended to the file p
 *
 * Parts    fault_shim.c: the settings and what is pending; fault_shim_calls.c:
 *          the functions that take the C library's place.
 * Limits   descriptors below 65,536; lock.mdb is left alone; not seen: dup,
 *          sendfile, copy_file_range, io_uring, stdio.  Programs that map files
 *          must sync before they read through the map what they wrote by a
 *          call.  With ASan set ASAN_OPTIONS=verify_asan_link_order=0.
 * Globals  one struct: a preloaded library has nobody to hand it one. */
#ifndef FAULT_SHIM_H
#define FAULT_SHIM_H

#include <stdbool.h>
#include <stdint.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>

enum { FAULT_SHIM_FDS = 65536 };

struct fault_shim_pending {
    struct fault_shim_pending *next;
    off_t offset;
    size_t size;
    bool lost; /* its sync failed: seen by reads, never written */
    uint8_t data[];
};

struct fault_shim_file {
    struct fault_shim_file *next;
    dev_t device;
    ino_t inode;
    unsigned opens;
    struct fault_shim_pending *first, **last;
    int fd; /* our own, for writing after the program has closed its */
};

struct fault_shim {
    pthread_mutex_t lock;
    pid_t process;
    char *paths; /* NULL: off */
    char *full_file, *log_file;
    uint64_t random;
    uint64_t tear, scatter, sync_fail_at, kill_at, full_from, full_to;
    uint64_t writes, syncs, steps;
    struct fault_shim_file *files;
    struct {
        struct fault_shim_file *file;
        bool dsync;
    } fds[FAULT_SHIM_FDS];
    struct {
        int (*open)(const char *, int, ...);
        int (*openat)(int, const char *, int, ...);
        int (*close)(int);
        ssize_t (*write)(int, const void *, size_t);
        ssize_t (*pwrite)(int, const void *, size_t, off_t);
        ssize_t (*writev)(int, const struct iovec *, int);
        ssize_t (*pwritev)(int, const struct iovec *, int, off_t);
        ssize_t (*read)(int, void *, size_t);
        ssize_t (*pread)(int, void *, size_t, off_t);
        int (*fdatasync)(int);
        int (*fsync)(int);
        int (*fallocate)(int, int, off_t, off_t);
        int (*posix_fallocate)(int, off_t, off_t);
        int (*ftruncate)(int, off_t);
        void *(*mmap)(void *, size_t, int, int, int, off_t);
        int (*unlink)(const char *);
        int (*remove)(const char *);
        int (*rename)(const char *, const char *);
        int (*statvfs)(const char *, struct statvfs *);
    } real;
};

extern struct fault_shim fault_shim;

/* Find the C library's functions; others' constructors may call before ours. */
void fault_shim_init(void);

/* All that follows with the lock held. */

__attribute__((format(printf, 1, 2))) void fault_shim_say(const char *fmt, ...);
/* The power may fail before this. */
void fault_shim_step(const char *what);
/* The control file is there. */
bool fault_shim_full(void);
bool fault_shim_wants(const char *path);
void fault_shim_opened(int fd, const char *path, int flags);
/* NULL: not a watched file's descriptor. */
struct fault_shim_file *fault_shim_of(int fd);
ssize_t fault_shim_put(int fd, const void *data, size_t size, off_t offset);
/* Lay what is pending over what was read. */
void fault_shim_merge(const struct fault_shim_file *file, uint8_t *to,
                      size_t size, off_t offset);
int fault_shim_sync(struct fault_shim_file *file, int (*sync)(int), int fd);
/* The file ends here now. */
void fault_shim_cut(struct fault_shim_file *file, off_t size);
/* All that is pending goes into the file. */
void fault_shim_release(struct fault_shim_file *file);
/* Forget a file that nobody has open and of which nothing is pending. */
void fault_shim_drop(struct fault_shim_file *file);
/* Release the file of this name, which is about to go. */
void fault_shim_path(const char *path);

#endif
