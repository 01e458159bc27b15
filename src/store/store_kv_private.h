/* store_kv_private.h -- what the parts of the catalogue share.
 *
 *   store_kv.c         open, shut, read, commit
 *   store_kv_batch.c   batches: encoding, applying
 *   store_kv_env.c     LMDB: the open transaction, storing, rewinding
 *   store_kv_snap.c    views for other threads
 *
 *               commit                 tick: 1 s or 10,000 puts
 *   batch --> journal (promise)   journal synced, then
 *        \--> open transaction ------------------> LMDB (stored)
 *                  ^                                  |
 *                  '------- rewind: replay from ------'
 *
 * applied  the last own record in the open transaction
 * stored   the last own record in LMDB: META "applied"
 * cuts     the journal's number of cuts that the open transaction rests on; if
 *          it rose, the transaction holds what was refused
 *
 * META rows: "version" u32 LE, "store" the journal's 16 bytes, "applied" u64
 * LE. */
#ifndef STORE_KV_PRIVATE_H
#define STORE_KV_PRIVATE_H

#include <lmdb.h>
#include <pthread.h>

#include "base/base_out.h"
#include "store/store_kv.h"

enum {
    STORE_KV_KEY = 480,
    STORE_KV_FULL_KEY = 2 + STORE_KV_KEY, /* with its table */
    STORE_KV_VALUE = 512 << 10,
    STORE_KV_BATCH = 1000000,
    STORE_KV_SNAPS = 126,
    STORE_KV_SCAN = 10000,
    STORE_KV_VERSION = 1,      /* of the environment */
    STORE_KV_BODY_VERSION = 1, /* of an OPAQUE body */
    STORE_KV_PUTS = 10000,     /* in a transaction */
    STORE_KV_TICK_MS = 1000,
};

struct store_kv_snap {
    struct store_kv *kv;
    bool is_now;  /* the owner's: reads kv->txn; the rest is unused */
    MDB_txn *txn; /* NULL: cut */
    struct base_link link;
    pthread_mutex_t lock; /* of txn, ticks and users */
    unsigned ticks, users;
};

struct store_kv_batch {
    struct store_kv *kv;
    uint64_t id;
    struct base_out body;    /* the journal's record */
    struct base_out expects; /* see store_kv_batch.c */
    unsigned puts, dels;
    uint64_t pages; /* that it may touch, at most */
    enum err failed;
};

struct store_kv_counts {
    struct base_stat commits, conflicts, stores, rewinds, full, seconds;
    struct base_stat_histogram histogram;
};

struct store_kv {
    struct store_kv_config config;
    char *folder, *labels;
    struct sys_file *owner; /* the lock file */
    MDB_env *env;
    MDB_dbi dbi;
    MDB_txn *txn; /* begun at first use, on the owner's thread */
    uint64_t applied, stored, cuts;
    unsigned puts;  /* in txn */
    uint64_t pages; /* that txn may have touched, at most */
    bool rewinding; /* config.rewound is still to be called */
    enum err stuck; /* why LMDB could not commit: FULL or IO */
    bool broken;    /* for good */
    struct base_timer tick, tell;
    struct store_kv_snap now;
    struct store_kv_batch *spare;
    uint64_t batches; /* made so far */
    pthread_mutex_t snaps_lock;
    struct base_link snaps;
    unsigned snap_count;
    struct store_kv_counts counts;
};

/* ---- store_kv_env.c ---- */

enum err store_kv_env_error(int code);
/* Opens LMDB, checks META, replays. */
enum err store_kv_env_open(struct store_kv *kv, struct base_note *note);
/* Aborts the transaction and shuts LMDB. */
void store_kv_env_shut(struct store_kv *kv);
/* There is a transaction. */
enum err store_kv_env_begin(struct store_kv *kv);
/* If the journal was cut since, rewind. */
void store_kv_env_look(struct store_kv *kv);
/* Room for so many more pages, storing first if need be. FULL. */
enum err store_kv_env_room(struct store_kv *kv, uint64_t pages, bool frees);
/* Sync the journal up to applied, then commit LMDB. */
enum err store_kv_env_store(struct store_kv *kv);
/* Abort, and replay what the journal has synced. */
void store_kv_env_rewind(struct store_kv *kv);

/* ---- store_kv_batch.c ---- */

void store_kv_batch_put(struct store_kv_batch *batch, uint16_t table,
                        struct bytes key, struct bytes value);
void store_kv_batch_del(struct store_kv_batch *batch, uint16_t table,
                        struct bytes key);
void store_kv_batch_expect(struct store_kv_batch *batch, uint16_t table,
                           struct bytes key, struct bytes value);
void store_kv_batch_drop_spare(struct store_kv *kv);

/* The key of a row in LMDB's one database. */
MDB_val store_kv_batch_key(uint16_t table, struct bytes key,
                           uint8_t to[STORE_KV_FULL_KEY]);
/* Put an OPAQUE body's operations into kv's transaction.  Other owners' bodies
 * are left. */
enum err store_kv_batch_apply(struct store_kv *kv, struct bytes body);
/* CONFLICT: something else is there. */
enum err store_kv_batch_check(struct store_kv_batch *batch);

/* ---- store_kv_snap.c ---- */

/* The transaction to read in; every OK is followed by a leave.  STALE, IO. */
enum err store_kv_snap_enter(struct store_kv_snap *snap, MDB_txn **ret_txn);
void store_kv_snap_leave(struct store_kv_snap *snap);
/* A second has passed. */
void store_kv_snap_tick(struct store_kv *kv);

#endif
