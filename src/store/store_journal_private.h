/* store_journal_private.h -- what the parts of the journal share.
 *
 *   store_journal.c          open, append, waits, shut
 *   store_journal_file.c     a file's bytes
 *   store_journal_recover.c  at open: bounds, torn tails, quarantine
 *   store_journal_replay.c   reading records back
 *   store_journal_commit.c   the committer: rounds, cuts, failure
 *   store_journal_space.c    the spare file, rotation, marks, deletion
 *
 * A stream's two buffers:
 *
 *   fill     takes appends
 *   other    free; or sealed: full, waits for the committer;
 *            or taken: being written and synced
 *
 * Round    the committer takes one buffer of every stream that has data (begin:
 *          written), syncs them (end), and tells.  Rounds are numbered; the
 *          barrier waits for a number.  Between begin and end, in the
 *          simulation, time passes and a crash may fall.
 * Cut      a round that finds no space refuses all that is not synced, in all
 *          streams; failure does the same, and stays.  Until every kv has
 *          rewound (`owed`), nothing is taken in and no barrier passes: nobody
 *          may answer from what was cut.
 * Locks    journal.lock, then stream.lock; never held while a file is touched.
 *          What is marked `committer` has no lock: the committer thread, or
 *          whoever opens and shuts. */
#ifndef STORE_JOURNAL_PRIVATE_H
#define STORE_JOURNAL_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/base_rng.h"
#include "store/store_journal.h"
#include "store/store_journal_file.h"

enum {
    STORE_JOURNAL_GROUP_MAX = 1 << 20,   /* a group's hard cap */
    STORE_JOURNAL_GROUP_GOOD = 64 << 10, /* closes a group */
    STORE_JOURNAL_GROUP_US = 1000,       /* from its first record */
    STORE_JOURNAL_CHECK_US = 1000000,    /* of free space */
};

struct store_journal_buffer {
    uint8_t *at;
    size_t size;
    uint64_t last; /* sequence */
};

/* A file that takes records. */
struct store_journal_tail {
    struct sys_file *file; /* NULL: none; the next group makes one */
    uint32_t seed;
    uint64_t first, gap_after; /* as in its header */
    uint64_t end;              /* after its last synced record */
    uint64_t room;             /* its size */
};

struct store_journal_known { /* a file in the folder */
    uint64_t first, bytes;
};

struct store_journal_stream {
    pthread_mutex_t lock; /* of what follows */
    struct store_journal_buffer buffers[2];
    unsigned fill;
    bool sealed, taken;
    uint64_t tail_left; /* bytes that the tail has room for */
    struct base_link waits;
    struct store_journal_watch *watches;
    _Atomic uint64_t appended, synced;
    _Atomic uint64_t asked; /* close was called up to here */

    char *folder; /* constant */
    unsigned index;

    struct store_journal_tail tail, next; /* committer */
    char *next_path;
    uint64_t written;   /* bytes written behind tail.end, not synced */
    uint64_t gap_after; /* for the next file's header */

    struct store_journal_known *files; /* journal.lock: by first */
    unsigned file_count, file_room;
    uint64_t passed[STORE_JOURNAL_READERS];
    unsigned needed; /* bits by reader */
};

struct store_journal_counts {
    struct base_stat seconds, bytes, groups, cuts, full, busy;
    struct base_stat disk_bytes, disk_files, state;
    struct base_stat_histogram histogram;
};

struct store_journal {
    struct store_journal_config config;
    char *folder;
    struct sys_file *owner; /* the lock file */
    uint8_t store_id[STORE_JOURNAL_FILE_ID];
    unsigned count; /* of streams */
    struct store_journal_stream streams[STORE_JOURNAL_STREAMS];
    int64_t wall_ms, wall_us; /* at the same moment, for created */

    pthread_mutex_t lock;      /* of what follows */
    pthread_cond_t wake, done; /* for the committer, of the committer */
    pthread_t thread;
    bool started, running, stopping;
    int64_t due_us, check_us; /* next round, next look at free space */
    bool trim;                /* a reader has passed */
    uint64_t round;
    bool active;
    struct base_link barriers;
    unsigned rewinders, owed; /* bits by reader */
    struct store_journal_health health;
    _Atomic int state; /* enum store_journal_state */
    _Atomic uint64_t cuts;
    atomic_bool tight; /* no spare file and no space for one */

    enum err round_err; /* committer */
    int64_t round_us;
    struct sys_file *spare;
    uint64_t spare_zeroed;

    struct base_timer timer, check; /* in the simulation */
    struct store_journal_counts counts;
};

/* ---- store_journal.c, for store_kv ---- */

/* No sequence <= this is given again; before start. */
void store_journal_skip(struct store_journal *journal, unsigned stream,
                        uint64_t sequence);
/* This reader answers from what is appended, so it must rewind after a cut. */
void store_journal_rewinder(struct store_journal *journal,
                            enum store_journal_reader reader, bool on);
/* It has rewound to what was synced when cuts was this. */
void store_journal_rewound(struct store_journal *journal,
                           enum store_journal_reader reader, uint64_t cuts);

/* ---- store_journal.c, for the parts ---- */

/* Tell the waits, on their loops. */
void store_journal_tell(struct base_link *waits, enum err err);
/* Tell the stream's watches; stream.lock held. */
void store_journal_tell_watches(struct store_journal_stream *stream);
void store_journal_set_state(struct store_journal *journal,
                             enum store_journal_state state);
/* A round no later than this; any thread, no lock held. */
void store_journal_kick(struct store_journal *journal, int64_t after_us);
char *store_journal_path(const struct store_journal_stream *stream,
                         uint64_t first);

/* ---- store_journal_recover.c ---- */

enum err store_journal_recover(struct store_journal *journal,
                               struct base_note *note);

/* ---- store_journal_commit.c ---- */

/* Take and write what waits; false: nothing waits. */
bool store_journal_commit_begin(struct store_journal *journal);
/* Sync and tell. */
void store_journal_commit_end(struct store_journal *journal);
/* An error of a file that was to keep something: cut (FULL) or fail. */
void store_journal_commit_error(struct store_journal *journal, enum err err);
enum err store_journal_commit_start(struct store_journal *journal);
/* Ends the thread or the timers; what waits stays. */
void store_journal_commit_stop(struct store_journal *journal);
/* The simulation's committer: a round at this time at the latest. */
void store_journal_commit_schedule(struct store_journal *journal,
                                   int64_t after_us);

/* ---- store_journal_space.c ---- */

/* A new tail in stream->next, its header written; not yet named. */
enum err store_journal_space_make(struct store_journal *journal,
                                  struct store_journal_stream *stream,
                                  uint64_t first, uint64_t group_size);
/* next is synced: give it its name and make it the tail. */
enum err store_journal_space_adopt(struct store_journal *journal,
                                   struct store_journal_stream *stream);
/* next is not wanted. */
void store_journal_space_discard(struct store_journal *journal,
                                 struct store_journal_stream *stream);
/* After a cut: the tail ends with its last synced record again, and is zero
 * behind it. */
enum err store_journal_space_repair(struct store_journal *journal,
                                    struct store_journal_stream *stream);
/* Spare file, marks, state. */
void store_journal_space_check(struct store_journal *journal);
/* Zero a little of the spare; false: nothing to do. */
bool store_journal_space_zero(struct store_journal *journal);
/* Remove what all readers have passed. */
void store_journal_space_trim(struct store_journal *journal);
/* At open: remove files that never got a name. */
void store_journal_space_sweep(struct store_journal *journal);
void store_journal_space_known(struct store_journal *journal,
                               struct store_journal_stream *stream,
                               uint64_t first, uint64_t bytes);

#endif
