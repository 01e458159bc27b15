/* store_kv_env.c -- LMDB: one environment, one open write transaction.
 *
 * Flags    MDB_NOTLS, so that a snapshot may be read by any thread;
 *          MDB_NORDAHEAD, because catalogues are read at random and may be
 *          larger than memory.  Not MDB_WRITEMAP: a stray pointer would write
 *          into the file.
 * Threads  LMDB's writer lock belongs to the thread that begins a transaction,
 *          so it is begun at first use, not at open. */
#include "store/store_kv_private.h"

#include <errno.h>

#include "base/base_cur.h"
#include "base/base_mem.h"
#include "base/base_must.h"
#include "store/store_journal_private.h"
#include "sys/sys_thread.h"

enum { ENV_MODE = 0640, ENV_RESERVE = 1 << 20 };

static const uint64_t env_map = (uint64_t)256 << 30;

enum err
store_kv_env_error(int code)
{
    switch (code) {
    case MDB_SUCCESS:
        return ERR_OK;
    case MDB_NOTFOUND:
        return ERR_ABSENT;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case MDB_READERS_FULL:
        return ERR_LIMIT;
    case MDB_VERSION_MISMATCH:
        return ERR_VERSION;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
        return ERR_CORRUPT;
    default:
        return ERR_IO;
    }
}

/* ---- META ---- */

static enum err
meta_get(struct store_kv *kv, const char *name, struct bytes *ret_value)
{
    uint8_t room[STORE_KV_FULL_KEY];
    MDB_val value,
        key = store_kv_batch_key(STORE_TABLE_META, base_bytes_text(name), room);
    enum err err = store_kv_env_error(mdb_get(kv->txn, kv->dbi, &key, &value));
    if (err == ERR_OK)
        *ret_value = base_bytes(value.mv_data, value.mv_size);
    return err;
}

static enum err
meta_put(struct store_kv *kv, const char *name, struct bytes data)
{
    uint8_t room[STORE_KV_FULL_KEY];
    MDB_val key =
        store_kv_batch_key(STORE_TABLE_META, base_bytes_text(name), room);
    MDB_val value = {data.size, (void *)(uintptr_t)data.at};
    return store_kv_env_error(mdb_put(kv->txn, kv->dbi, &key, &value, 0));
}

static enum err
meta_put_number(struct store_kv *kv, const char *name, uint64_t number,
                bool wide)
{
    uint8_t room[8];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    if (wide)
        base_out_u64le(&out, number);
    else
        base_out_u32le(&out, (uint32_t)number);
    return meta_put(kv, name, base_out_bytes(&out));
}

/* A new environment learns whose it is. */
static enum err
meta_make(struct store_kv *kv)
{
    struct bytes id =
        base_bytes(store_journal_store_id(kv->config.journal), 16);
    enum err err = meta_put_number(kv, "version", STORE_KV_VERSION, false);
    if (err == ERR_OK)
        err = meta_put(kv, "store", id);
    if (err == ERR_OK)
        err = meta_put_number(kv, "applied", 0, true);
    return err;
}

static enum err
meta_check(struct store_kv *kv, struct base_note *note)
{
    struct bytes version, id, applied;
    struct base_cur cur;
    enum err err = meta_get(kv, "version", &version);
    if (err == ERR_ABSENT)
        err = meta_make(kv);
    if (err == ERR_OK)
        err = meta_get(kv, "version", &version);
    if (err == ERR_OK)
        err = meta_get(kv, "store", &id);
    if (err == ERR_OK)
        err = meta_get(kv, "applied", &applied);
    if (err != ERR_OK)
        return base_err_note_at(note, err, kv->folder, 0, 0,
                                "its META rows cannot be read: %s",
                                base_err_text(err));
    base_cur_init(&cur, version);
    uint32_t number = base_cur_u32le(&cur);
    if (!base_cur_ok(&cur) || number > STORE_KV_VERSION)
        return base_err_note_at(note, ERR_VERSION, kv->folder, 0, 0,
                                "made by a newer program: version %u, known "
                                "up to %u",
                                number, STORE_KV_VERSION);
    if (!base_bytes_equal(
            id, base_bytes(store_journal_store_id(kv->config.journal), 16)))
        return base_err_note_at(note, ERR_MISMATCH, kv->folder, 0, 0,
                                "it belongs to another journal than the one "
                                "beside it");
    base_cur_init(&cur, applied);
    kv->stored = kv->applied = base_cur_u64le(&cur);
    return base_cur_ok(&cur) ? ERR_OK
                             : base_err_note_at(note, ERR_CORRUPT, kv->folder,
                                                0, 0, "META applied");
}

/* ---- transactions ---- */

enum err
store_kv_env_begin(struct store_kv *kv)
{
    if (kv->txn)
        return ERR_OK;
    if (kv->broken)
        return ERR_IO;
    enum err err =
        store_kv_env_error(mdb_txn_begin(kv->env, NULL, 0, &kv->txn));
    if (err != ERR_OK)
        kv->txn = NULL;
    return err;
}

static void
env_abort(struct store_kv *kv)
{
    if (kv->txn)
        mdb_txn_abort(kv->txn);
    kv->txn = NULL;
    kv->puts = 0;
    kv->pages = 0;
    kv->applied = kv->stored;
}

/* Commit LMDB: all in the transaction is synced in the journal. */
static enum err
env_commit(struct store_kv *kv)
{
    int64_t start_us = sys_thread_now_us();
    enum err err = meta_put_number(kv, "applied", kv->applied, true);
    if (err == ERR_OK) {
        err = store_kv_env_error(mdb_txn_commit(kv->txn));
        kv->txn = NULL; /* either way */
    }
    if (err != ERR_OK)
        return err;
    kv->stored = kv->applied;
    kv->puts = 0;
    kv->pages = 0;
    base_stat_inc(&kv->counts.stores, 1);
    base_stat_observe(&kv->counts.seconds, sys_thread_now_us() - start_us);
    store_journal_pass(kv->config.journal, STORE_JOURNAL_RECORDS,
                       (enum store_journal_reader)kv->config.owner, kv->stored);
    return ERR_OK;
}

/* ---- replay and rewind ---- */

static enum err
env_replayed(void *self, uint64_t sequence, uint8_t type, struct bytes body)
{
    struct store_kv *kv = self;
    if (type != STORE_JOURNAL_OPAQUE || body.size < 2 ||
        body.at[0] != kv->config.owner)
        return ERR_OK;
    enum err err = store_kv_env_begin(kv);
    if (err == ERR_OK)
        err = store_kv_batch_apply(kv, body);
    if (err != ERR_OK)
        return err;
    kv->applied = sequence;
    return kv->puts >= STORE_KV_PUTS ? env_commit(kv) : ERR_OK;
}

/* All that the journal has synced and LMDB has not. */
static enum err
env_replay(struct store_kv *kv)
{
    return store_journal_replay(kv->config.journal, STORE_JOURNAL_RECORDS,
                                kv->stored, env_replayed, kv);
}

/* Afterwards, not from within what the owner is doing; the waits of the lost
 * batches were posted before. */
static void
env_tell_later(struct store_kv *kv)
{
    kv->rewinding = true;
    base_loop_timer(kv->config.loop, &kv->tell, 1);
}

void
store_kv_env_rewind(struct store_kv *kv)
{
    struct store_journal *journal = kv->config.journal;
    uint64_t cuts;
    enum err err;
    do {
        cuts = store_journal_cuts(journal);
        env_abort(kv);
        err = env_replay(kv);
    } while (cuts != store_journal_cuts(journal));
    if (err != ERR_OK) {
        env_abort(kv);
        kv->broken = true;
        base_log_say(kv->config.log, BASE_LOG_ERROR, "store", "kv_broken",
                     "%s err=%s", kv->labels, base_err_name(err));
    }
    kv->cuts = cuts;
    store_journal_rewound(journal, (enum store_journal_reader)kv->config.owner,
                          cuts);
    base_stat_inc(&kv->counts.rewinds, 1);
    base_log_say(kv->config.log, BASE_LOG_WARN, "store", "kv_rewound",
                 "%s applied=%llu", kv->labels,
                 (unsigned long long)kv->applied);
    env_tell_later(kv);
}

void
store_kv_env_look(struct store_kv *kv)
{
    if (kv->cuts != store_journal_cuts(kv->config.journal))
        store_kv_env_rewind(kv);
}

enum err
store_kv_env_store(struct store_kv *kv)
{
    struct store_journal *journal = kv->config.journal;
    if (!kv->txn || kv->applied == kv->stored)
        return ERR_OK;
    enum err err =
        store_journal_flush(journal, STORE_JOURNAL_RECORDS, kv->applied);
    if (kv->cuts != store_journal_cuts(journal)) {
        store_kv_env_rewind(kv); /* some of it was refused */
        return err == ERR_OK ? ERR_FULL : err;
    }
    if (err == ERR_OK)
        err = env_commit(kv);
    if (err == ERR_OK) {
        kv->stuck = ERR_OK;
        return ERR_OK;
    }
    kv->stuck = err == ERR_FULL ? ERR_FULL : ERR_IO;
    base_log_say(kv->config.log, BASE_LOG_ERROR, "store", "kv_not_stored",
                 "%s err=%s", kv->labels, base_err_name(err));
    store_kv_env_rewind(kv);
    return kv->stuck;
}

/* ---- room ---- */

static uint64_t
env_pages_left(struct store_kv *kv, bool frees)
{
    MDB_envinfo info;
    MDB_stat stat;
    if (mdb_env_info(kv->env, &info) != 0 || mdb_env_stat(kv->env, &stat) != 0)
        return 0;
    uint64_t all = info.me_mapsize / stat.ms_psize;
    uint64_t reserve = ENV_RESERVE / stat.ms_psize;
    if (reserve < all / 16)
        reserve = all / 16;
    if (frees) /* deletions may use the last pages: they give them back */
        reserve = 0;
    uint64_t used = info.me_last_pgno + 1 + kv->pages + reserve;
    return used < all ? all - used : 0;
}

enum err
store_kv_env_room(struct store_kv *kv, uint64_t pages, bool frees)
{
    if (env_pages_left(kv, frees) >= pages)
        return ERR_OK;
    enum err err = store_kv_env_store(kv); /* then the count is exact */
    if (err == ERR_OK)
        err = store_kv_env_begin(kv);
    if (err == ERR_OK && env_pages_left(kv, frees) < pages) {
        base_stat_inc(&kv->counts.full, 1);
        err = ERR_FULL;
    }
    return err;
}

/* ---- open and shut ---- */

static enum err
env_open_lmdb(struct store_kv *kv)
{
    const struct store_kv_config *config = &kv->config;
    unsigned flags = MDB_NOTLS | MDB_NORDAHEAD;
    if (config->no_sync)
        flags |= MDB_NOSYNC;
    uint64_t map = config->map_bytes ? config->map_bytes : env_map;
    int code = mdb_env_create(&kv->env);
    if (code == 0)
        code = mdb_env_set_mapsize(kv->env, (size_t)map);
    if (code == 0)
        code = mdb_env_set_maxreaders(kv->env, STORE_KV_SNAPS);
    if (code == 0)
        code = mdb_env_open(kv->env, kv->folder, flags, ENV_MODE);
    if (code == 0)
        code = mdb_txn_begin(kv->env, NULL, 0, &kv->txn);
    if (code == 0)
        code = mdb_dbi_open(kv->txn, NULL, 0, &kv->dbi);
    return store_kv_env_error(code);
}

/* The names that LMDB has made last as long as what is in them. */
static enum err
env_sync_folders(struct store_kv *kv)
{
    struct sys_files *files = sys_file_real();
    const char *slash = strrchr(kv->folder, '/');
    enum err err = files->ops->sync_folder(files, kv->folder);
    if (err == ERR_OK && slash && slash != kv->folder) {
        char *above =
            base_mem_format("%.*s", (int)(slash - kv->folder), kv->folder);
        err = files->ops->sync_folder(files, above);
        base_mem_free(above);
    }
    return err;
}

static enum err
env_commit_meta(struct store_kv *kv)
{
    enum err err = store_kv_env_error(mdb_txn_commit(kv->txn));
    kv->txn = NULL;
    return err;
}

enum err
store_kv_env_open(struct store_kv *kv, struct base_note *note)
{
    struct store_journal *journal = kv->config.journal;
    enum store_journal_reader reader =
        (enum store_journal_reader)kv->config.owner;
    enum err err = env_open_lmdb(kv);
    if (err != ERR_OK)
        return base_err_note_at(note, err, kv->folder, 0, 0,
                                "LMDB cannot be opened: %s",
                                base_err_text(err));
    err = meta_check(kv, note);
    if (err != ERR_OK)
        return err;
    err = env_commit_meta(kv);
    if (err == ERR_OK)
        err = env_sync_folders(kv);
    uint64_t synced = store_journal_synced(journal, STORE_JOURNAL_RECORDS);
    if (err == ERR_OK && kv->stored > synced) {
        /* The journal's end was lost; its numbers must not come again. */
        if (journal->started)
            return base_err_note_at(note, ERR_CORRUPT, kv->folder, 0, 0,
                                    "it has applied more than the journal has");
        store_journal_skip(journal, STORE_JOURNAL_RECORDS, kv->stored);
    }
    kv->cuts = store_journal_cuts(journal);
    store_journal_need(journal, STORE_JOURNAL_RECORDS, reader);
    store_journal_pass(journal, STORE_JOURNAL_RECORDS, reader, kv->stored);
    if (err == ERR_OK)
        err = env_replay(kv);
    if (err == ERR_OK && kv->txn)
        err = env_commit(kv);
    if (err != ERR_OK)
        return base_err_note_at(note, err, kv->folder, 0, 0,
                                "replaying the journal after sequence %llu: %s",
                                (unsigned long long)kv->stored,
                                base_err_text(err));
    store_journal_rewinder(journal, reader, true);
    return ERR_OK;
}

void
store_kv_env_shut(struct store_kv *kv)
{
    store_journal_rewinder(kv->config.journal,
                           (enum store_journal_reader)kv->config.owner, false);
    env_abort(kv);
    if (kv->env)
        mdb_env_close(kv->env);
    kv->env = NULL;
}
