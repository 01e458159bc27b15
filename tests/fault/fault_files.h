/* fault_files.h -- a disk in memory that loses, tears, fills up and fails.
 *
 * Why: "what is acknowledged is stored" can only be shown on a disk that takes
 * every liberty a disk may take.  This one does so from a seed, so a failure
 * can be run again; the unit tests of store and the whole-tree simulation use
 * the same one, one disk per node.
 *
 *            write, reserve, truncate             sync
 *   caller ---------------------------> pending -------> kept
 *                                          |
 *                                   crash: a part of it, by `loss`
 *
 * Reads     see kept and pending: as long as the power is on nothing is lost.
 * Files     a list of pending changes each; sync makes them kept.
 * Names     creations, renames and removals are one ordered list, as in a
 *           journalling file system; sync_folder keeps all up to the last one
 *           that touched this folder; a crash keeps a seeded number of the
 *           rest.  A folder is kept at once.
 * Sparse    only written bytes take memory: a reserved 64 MiB file is cheap.
 * Space     each file takes its size; `fault_files_space` says what there is.
 * Locks     as sys_file_real: a file open for writing is BUSY to other writers.
 * Threads   any; one lock.
 *
 *   struct fault_files *disk = fault_files_new(seed);
 *   config.files = fault_files_base(disk);
 *   ... run; the node dies: store_journal_crash(...) ...
 *   fault_files_crash(disk, FAULT_FILES_TAIL);
 *   ... open again ...
 *   fault_files_free(disk); */
#ifndef FAULT_FILES_H
#define FAULT_FILES_H

#include "sys/sys_file.h"

struct fault_files;

struct fault_files *fault_files_new(uint64_t seed);
void fault_files_free(struct fault_files *disk);
struct sys_files *fault_files_base(struct fault_files *disk);

/* What a loss of power leaves of the pending changes. */
enum fault_files_loss {
    FAULT_FILES_TAIL,    /* a seeded number of them, in order; the first lost
                            write is cut at a seeded byte */
    FAULT_FILES_SECTORS, /* of each write any 512-byte sectors; changes of size
                            in order */
    FAULT_FILES_ALL,     /* nothing */
    FAULT_FILES_NONE,    /* everything: the process died, the kernel did not */
};

/* The power fails and comes back.  Open files answer IO from now on (shut them
 * all the same); locks are free; rules stay. */
void fault_files_crash(struct fault_files *disk, enum fault_files_loss loss);

enum fault_files_call {
    FAULT_FILES_CREATE, /* open of a file that is not there */
    FAULT_FILES_WRITE,
    FAULT_FILES_SYNC,
    FAULT_FILES_RESERVE,
    FAULT_FILES_TRUNCATE,
    FAULT_FILES_RENAME,
    FAULT_FILES_REMOVE,
    FAULT_FILES_SYNC_FOLDER,
    FAULT_FILES_READ,
    FAULT_FILES_CALLS
};

/* The from-th to to-th (from 1, counted from the rule's making) of these calls
 * on paths that contain `path` (NULL: all) answer err and do nothing; a
 * failing write does a seeded part of it first.  A rule lasts until
 * fault_files_clear. */
struct fault_files_rule {
    enum fault_files_call call;
    const char *path;
    uint64_t from, to; /* to 0: for ever */
    enum err err;
};

void fault_files_rule(struct fault_files *disk,
                      const struct fault_files_rule *rule);
void fault_files_clear(struct fault_files *disk);

/* The power fails before the nth (from 1) call from now on that changes
 * anything: it and all that follow answer IO, until fault_files_crash.  For
 * tests that die at every step; 0: never. */
void fault_files_off_at(struct fault_files *disk, uint64_t nth);
bool fault_files_is_off(struct fault_files *disk);

/* Size of the disk (at first 1 TiB), and what others have on it. */
void fault_files_space(struct fault_files *disk, uint64_t size_bytes,
                       uint64_t others_bytes);
/* Calls made so far, failed ones too. */
uint64_t fault_files_count(struct fault_files *disk,
                           enum fault_files_call call);
/* Bit rot: change one byte, in what is kept and in what is pending.  false: no
 * such file or byte. */
bool fault_files_rot(struct fault_files *disk, const char *path,
                     uint64_t offset, uint8_t flip);

#endif
