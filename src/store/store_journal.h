/* store_journal.h -- the one durable log of a node.
 *
 * Why: an acknowledgement means stored, and one fdatasync can store what a
 * thousand senders sent.  Everything a node promises goes through here first;
 * LMDB and segments follow behind and are rebuilt from it (RULINGS 1, 3, 25).
 *
 * Shape    streams: 0 is `records` (kv batches of all environments, OPAQUE),
 *          1.. are sample shards `0`, `1`, ...; each a folder of files named by
 *          their first sequence in 16 hex digits, preallocated 64 MiB, one
 *          spare kept.  Formats are drawn in store_journal_file.h (spec store
 *          2), the inside in store_journal_private.h.
 * Group    per stream two buffers of 1 MiB.  A group closes when
 *          store_journal_close was called (input drained) and the committer is
 *          idle, at 64 KiB, or 1 ms after its first record; hard caps 5 ms and
 *          1 MiB.  One committer writes and syncs all streams that have data.
 *
 *            IDLE     append                -> FILLING
 *            FILLING  close | 64 KiB | 1 ms -> SYNCING (the other buffer fills)
 *            SYNCING  ok     -> `synced` moves, waits are posted
 *            any      no space -> cut back to the last synced record; the
 *                     unsynced are refused with FULL; FULL until there is room
 *            any      write or sync error -> FAILED for ever: IO to everyone,
 *                     and a cut.  A failed sync is never tried again.
 *
 * Threads  append: any thread, one at a time per stream (a lock, short).
 *          Waits and watches are told on the loop they name.
 *          In the simulation (config.threads false) the committer is a task of
 *          config.loop, and nothing else differs.
 * Limits   record 1..1 MiB; both buffers full: BUSY (the caller stops reading);
 *          free space below 64 MiB, or no spare file and the current one
 *          nearly full: FULL, counted, until free space is above the first mark
 *          (5 %, at least 256 MiB).
 * Errors   FULL, BUSY, BIG, IO, CORRUPT (damage at open; see quarantine). */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "base/base_list.h"
#include "base/base_log.h"
#include "base/base_loop.h"
#include "base/base_stat.h"
#include "sys/sys_file.h"

enum { STORE_JOURNAL_RECORDS = 0, STORE_JOURNAL_SAMPLES = 1 };
enum { STORE_JOURNAL_STREAMS = 9, STORE_JOURNAL_RECORD_MAX = 1 << 20 };

enum store_journal_type {
    STORE_JOURNAL_GROUP = 1,
    STORE_JOURNAL_COLUMN = 2,
    STORE_JOURNAL_ROWS = 3,
    STORE_JOURNAL_DROP = 4,
    STORE_JOURNAL_CLEAN = 5,
    STORE_JOURNAL_OPAQUE = 6,
};

/* Who must pass a file before it may go. */
enum store_journal_reader {
    STORE_JOURNAL_NODE, /* environments, by owner (RULINGS 25) */
    STORE_JOURNAL_IDENT,
    STORE_JOURNAL_STREAM,
    STORE_JOURNAL_ROLLUP,
    STORE_JOURNAL_GUARD,
    STORE_JOURNAL_PLACE,
    STORE_JOURNAL_SEGMENTS, /* rows are in manifested segments */
    STORE_JOURNAL_FOLDED,   /* rollup has folded the samples */
    STORE_JOURNAL_READERS
};

struct store_journal;

struct store_journal_config {
    struct sys_files *files;
    struct base_loop *loop;     /* timers, clock; the committer when !threads */
    struct base_random *random; /* store id; sync delays when !threads */
    struct base_stats *stats;
    struct base_log *log;
    const char *folder;  /* DATA/journal */
    unsigned shards;     /* sample streams, 1..8 */
    uint64_t file_bytes; /* 0: 64 MiB */
    bool threads;
    unsigned sync_delay_max_ms; /* simulation only: 0.. at random */
    bool ignore_marks;          /* tests on small disks: no free-space marks */
};

/* Opens or makes the journal, reads every file's bounds, cuts a torn tail,
 * quarantines damage (said in the log and by store_journal_health).  Streams
 * take appends after store_journal_start. */
enum err store_journal_open(const struct store_journal_config *config,
                            struct store_journal **ret_journal,
                            struct base_note *note);
/* Calls fn for each record with sequence > after, in order; stops at its first
 * error and returns it.  CLEAN is not shown.  After start: what was synced when
 * it was called, for readers that rewind. */
enum err store_journal_replay(struct store_journal *journal, unsigned stream,
                              uint64_t after,
                              enum err (*fn)(void *self, uint64_t sequence,
                                             uint8_t type, struct bytes body),
                              void *self);
enum err store_journal_start(struct store_journal *journal);
/* Orderly: syncs what is there, writes CLEAN, frees. */
void store_journal_shut(struct store_journal *journal);
/* As a crash: frees without writing (simulation, tests). */
void store_journal_crash(struct store_journal *journal);

/* 16 bytes, made with the journal, never changed. */
const uint8_t *store_journal_store_id(struct store_journal *journal);

/* Appends one record made of `count` parts.  On OK *ret_sequence is its
 * sequence, counted from 1 per stream. */
enum err store_journal_append(struct store_journal *journal, unsigned stream,
                              uint8_t type, const struct bytes *parts,
                              unsigned count, uint64_t *ret_sequence);
/* The same, but STALE if the journal was cut since store_journal_cuts() said
 * `cuts`: the record may rest on what was refused. */
enum err store_journal_append_since(struct store_journal *journal,
                                    unsigned stream, uint64_t cuts,
                                    uint8_t type, const struct bytes *parts,
                                    unsigned count, uint64_t *ret_sequence);
/* Input is drained: close the group now, or as soon as the committer is idle.
 * Cheap when nothing waits; call it from a loop's idle hook. */
void store_journal_close(struct store_journal *journal, unsigned stream);
/* Last appended, last synced. */
uint64_t store_journal_appended(struct store_journal *journal, unsigned stream);
uint64_t store_journal_synced(struct store_journal *journal, unsigned stream);
/* Block (or, in the simulation, commit inline) until synced >= sequence. */
enum err store_journal_flush(struct store_journal *journal, unsigned stream,
                             uint64_t sequence);

/* One wait for one sequence: fn runs once, on loop, with OK, FULL or IO; at
 * once (inside the call) when it is synced already and the caller is inside
 * that loop. */
struct store_journal_wait {
    void (*fn)(struct store_journal_wait *wait, enum err err);
    struct base_loop *loop;
    /* the journal's: */
    struct base_task task;
    struct base_link link;
    uint64_t sequence;
    enum err err;
};

void store_journal_wait(struct store_journal *journal, unsigned stream,
                        uint64_t sequence, struct store_journal_wait *wait);
/* Output commit: waits until all that was appended to any stream before this
 * call is synced.  Uses the same struct. */
void store_journal_barrier(struct store_journal *journal,
                           struct store_journal_wait *wait);

/* A standing watch of one stream: after syncs, cuts and changes of state
 * (coalesced) fn runs on loop; it reads store_journal_synced and
 * store_journal_state itself.  It must live until the journal is shut.  For the
 * hot door, which keeps its own queue of owed acknowledgements. */
struct store_journal_watch {
    void (*fn)(struct store_journal_watch *watch);
    struct base_loop *loop;
    struct base_task task; /* the journal's */
    struct store_journal_watch *next;
    bool posted;
};

void store_journal_watch(struct store_journal *journal, unsigned stream,
                         struct store_journal_watch *watch);

enum store_journal_state {
    STORE_JOURNAL_OK,
    STORE_JOURNAL_LOW, /* under the first mark: no backfill, no dead letters */
    STORE_JOURNAL_FULLD, /* appends are refused with FULL */
    STORE_JOURNAL_FAILED,
};

enum store_journal_state store_journal_state(struct store_journal *journal);
/* A sequence was appended under this number of refusals ("cuts"): when a cut
 * refuses the unsynced records, of all streams, the number rises and `appended`
 * falls back to `synced`; sequences are then used again.  Waits of refused
 * records are posted before the number rises, watches after. */
uint64_t store_journal_cuts(struct store_journal *journal);

/* reader needs nothing <= sequence of this stream any more.  Readers that were
 * never named for a stream do not hold it. */
void store_journal_need(struct store_journal *journal, unsigned stream,
                        enum store_journal_reader reader);
void store_journal_pass(struct store_journal *journal, unsigned stream,
                        enum store_journal_reader reader, uint64_t sequence);

struct store_journal_health {
    enum store_journal_state state;
    uint64_t files, bytes;
    uint64_t quarantined;           /* files moved aside at open */
    uint64_t lost_first, lost_last; /* their sequences, 0: none */
    char why[160];
};

void store_journal_health(struct store_journal *journal,
                          struct store_journal_health *ret_health);

#endif
