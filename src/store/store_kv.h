/* store_kv.h -- the catalogue: small ordered keys and values, never lost.
 *
 * Why: engines keep absolute states; a state change and what must be sent
 * because of it go down together or not at all.  LMDB holds the tables, the
 * journal holds the promise: a commit is put into an open LMDB transaction and
 * journalled as one OPAQUE record; its callback comes at the journal's sync.
 * LMDB itself commits every second or 10,000 puts, and only what the journal
 * has synced (RULINGS 1, 2, 25).
 *
 * Shape    one environment per owner; keys are (table u16 big-endian, key) in
 *          LMDB's main database; table numbers come from store_table.h.
 *          OPAQUE body: owner u8, version u8, {op u8 1 put 2 del, table u16 LE,
 *          varint key length, key, [varint value length, value]}.
 * Reads    store_kv_now() is the owner's own view: all it has committed, synced
 *          or not.  What leaves the node must wait (store_journal_barrier).
 *          store_kv_snap_begin gives another thread a read-only view of what
 *          LMDB has committed; STALE after 10 s.
 * Threads  everything but snapshots: the owner's thread (config.loop).
 * Rewind   when the journal cuts back (no space) or an LMDB commit fails, the
 *          open transaction is aborted and replayed from the journal; callbacks
 *          of lost batches get FULL or IO, then config.rewound is called: the
 *          owner drops what it remembers and reads again.
 * Limits   key 1..480 B, value <= 512 KiB, batch <= 1,000,000 B encoded, scan
 *          <= 10,000 rows, 126 snapshots.
 * Errors   ABSENT CONFLICT BIG LIMIT FULL BUSY IO STALE CORRUPT VERSION. */
#ifndef STORE_KV_H
#define STORE_KV_H

#include "store/store_journal.h"
#include "store/store_table.h"

struct store_kv;
struct store_kv_batch;

struct store_kv_config {
    struct store_journal *journal;
    struct base_loop *loop;
    struct base_stats *stats;
    struct base_log *log;
    const char *folder; /* DATA/kv/NAME */
    uint8_t owner;      /* RULINGS 25: 0 node 1 ident 2 stream 3 rollup ... */
    uint64_t map_bytes; /* 0: 256 GiB; tests 64 MiB */
    bool no_sync;       /* simulation: MDB_NOSYNC */
    void (*rewound)(void *self);
    void *self;
};

/* Opens, locks (BUSY), checks the version (VERSION) and the journal's store id
 * (MISMATCH), replays the journal.  On the owner's thread, or before its loop
 * runs; before store_journal_start. */
enum err store_kv_open(const struct store_kv_config *config,
                       struct store_kv **ret_kv, struct base_note *note);
/* Orderly: commits what the journal has synced.  Before store_journal_shut; on
 * the owner's thread, because LMDB's writer lock belongs to it. */
void store_kv_shut(struct store_kv *kv);
/* As a crash: aborts the open transaction. */
void store_kv_crash(struct store_kv *kv);

struct store_kv_snap;

struct store_kv_snap *store_kv_now(struct store_kv *kv);
enum err store_kv_snap_begin(struct store_kv *kv,
                             struct store_kv_snap **ret_snap);
void store_kv_snap_end(struct store_kv_snap *snap);

/* The value points into the map: valid until the next commit on this kv or the
 * next turn of its loop (now), or until snap_end, at most 10 s. */
enum err store_kv_get(struct store_kv_snap *snap, uint16_t table,
                      struct bytes key, struct bytes *ret_value);

/* Rows of a table in byte order, keys that start with prefix, from the key
 * `from` (inclusive; empty: the first), at most limit (<= 10,000); fn returns
 * false to stop.  fn must not commit on this kv.  If there is more, the next
 * key is put into next (fixed, 480 B; may be NULL) and AGAIN is returned. */
enum err store_kv_scan(struct store_kv_snap *snap, uint16_t table,
                       struct bytes prefix, struct bytes from, unsigned limit,
                       bool (*fn)(void *self, struct bytes key,
                                  struct bytes value),
                       void *self, struct base_out *next);
/* The last row whose key starts with prefix and is <= key. */
enum err store_kv_last(struct store_kv_snap *snap, uint16_t table,
                       struct bytes prefix, struct bytes key,
                       struct bytes *ret_key, struct bytes *ret_value);

/* A batch collects; nothing is visible before commit. Errors stick in it and
 * are returned by commit. */
struct store_kv_batch *store_kv_batch_new(struct store_kv *kv);
void store_kv_batch_free(struct store_kv_batch *batch);
void store_kv_put(struct store_kv_batch *batch, uint16_t table,
                  struct bytes key, struct bytes value);
void store_kv_del(struct store_kv_batch *batch, uint16_t table,
                  struct bytes key);
/* value {NULL, 0}: expected to be absent. */
void store_kv_expect(struct store_kv_batch *batch, uint16_t table,
                     struct bytes key, struct bytes value);
/* Its number, never 0, that no other batch of this kv has: addresses are used
 * again. */
uint64_t store_kv_batch_id(const struct store_kv_batch *batch);
/* Bytes encoded so far. */
size_t store_kv_batch_size(const struct store_kv_batch *batch);

/* Takes the batch.  OK: applied, visible to now(), journalled as *ret_sequence
 * (may be NULL) of STORE_JOURNAL_RECORDS; wait (may be NULL; its loop set by
 * the caller) is told when it is durable, which may be inside the call.
 * Otherwise nothing happened, and wait is not told.  A batch without puts or
 * dels waits for what was read.  Between a cut and config.rewound: FULL. */
enum err store_kv_commit(struct store_kv *kv, struct store_kv_batch *batch,
                         struct store_journal_wait *wait,
                         uint64_t *ret_sequence);

struct store_journal *store_kv_journal(struct store_kv *kv);

#endif
