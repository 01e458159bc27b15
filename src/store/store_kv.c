/* store_kv.c -- the catalogue as its owner sees it: open, read, commit. */
#include "store/store_kv.h"

#include "base/base_mem.h"
#include "base/base_must.h"
#include "store/store_kv_private.h"

/* ---- open and shut ---- */

static void
kv_count(struct store_kv *kv, bool add)
{
    struct store_kv_counts *counts = &kv->counts;
    const struct base_stat_row rows[] = {
        {&counts->commits, BASE_STAT_COUNTER, "dougong_kv_commits_total",
         kv->labels, "Batches committed"},
        {&counts->conflicts, BASE_STAT_COUNTER, "dougong_kv_conflicts_total",
         kv->labels, "Batches refused because something else was expected"},
        {&counts->stores, BASE_STAT_COUNTER, "dougong_kv_stores_total",
         kv->labels, "Transactions committed by LMDB"},
        {&counts->rewinds, BASE_STAT_COUNTER, "dougong_kv_rewinds_total",
         kv->labels, "Transactions thrown away and replayed"},
        {&counts->full, BASE_STAT_COUNTER, "dougong_kv_map_full_total",
         kv->labels, "Batches refused because the map is nearly full"},
        {&counts->seconds, BASE_STAT_HISTOGRAM, "dougong_kv_store_seconds",
         kv->labels, "Time of an LMDB commit"},
    };
    counts->seconds.histogram = &counts->histogram;
    base_stat_rows(kv->config.stats, rows, BASE_COUNT(rows), add);
}

static void
kv_free(struct store_kv *kv)
{
    struct sys_files *files = sys_file_real();
    must(base_list_empty(&kv->snaps));
    base_loop_timer_clear(kv->config.loop, &kv->tick);
    base_loop_timer_clear(kv->config.loop, &kv->tell);
    store_kv_env_shut(kv);
    files->ops->shut(files, kv->owner);
    store_kv_batch_drop_spare(kv);
    kv_count(kv, false);
    pthread_mutex_destroy(&kv->snaps_lock);
    base_mem_free(kv->labels);
    base_mem_free(kv->folder);
    base_mem_free(kv);
}

static void
kv_tick(struct base_timer *timer)
{
    struct store_kv *kv = BASE_OUTER(timer, struct store_kv, tick);
    struct store_journal *journal = kv->config.journal;
    store_kv_env_look(kv);
    store_kv_snap_tick(kv);
    if (kv->applied != kv->stored) {
        store_kv_env_store(kv);
    } else {
        kv->stuck = ERR_OK;
        /* Nothing of ours is missing in LMDB: others' records up to here need
         * not be kept for us. */
        store_journal_pass(
            journal, STORE_JOURNAL_RECORDS,
            (enum store_journal_reader)kv->config.owner,
            store_journal_synced(journal, STORE_JOURNAL_RECORDS));
    }
    base_loop_timer(kv->config.loop, &kv->tick, STORE_KV_TICK_MS);
}

static void
kv_tell(struct base_timer *timer)
{
    struct store_kv *kv = BASE_OUTER(timer, struct store_kv, tell);
    kv->rewinding = false;
    if (kv->config.rewound)
        kv->config.rewound(kv->config.self);
}

/* The folder, and the lock that keeps a second owner out. */
static enum err
kv_own(struct store_kv *kv, struct base_note *note)
{
    struct sys_files *files = sys_file_real();
    char *path = base_mem_format("%s/owner.lock", kv->folder);
    enum err err = sys_file_folders(files, kv->folder);
    if (err == ERR_OK)
        err = files->ops->open(files, path, SYS_FILE_WRITE, &kv->owner);
    if (err == ERR_BUSY)
        base_err_note_at(note, err, path, 0, 0,
                         "another process has this catalogue open");
    else if (err != ERR_OK)
        base_err_note_at(note, err, path, 0, 0, "%s", base_err_text(err));
    base_mem_free(path);
    return err;
}

enum err
store_kv_open(const struct store_kv_config *config, struct store_kv **ret_kv,
              struct base_note *note)
{
    static const char *const names[] = {"node",   "ident", "stream",
                                        "rollup", "guard", "place"};
    struct store_kv *kv = base_mem_zero(sizeof *kv);
    kv->config = *config;
    kv->folder = base_mem_text(config->folder);
    kv->config.folder = kv->folder;
    kv->now = (struct store_kv_snap){.kv = kv, .is_now = true};
    kv->tick.fn = kv_tick;
    kv->tell.fn = kv_tell;
    must(pthread_mutex_init(&kv->snaps_lock, NULL) == 0);
    base_list_init(&kv->snaps);
    must(config->owner < BASE_COUNT(names));
    kv->labels = base_mem_format("env=\"%s\"", names[config->owner]);
    kv_count(kv, true);
    enum err err = kv_own(kv, note);
    if (err == ERR_OK)
        err = store_kv_env_open(kv, note);
    if (err != ERR_OK) {
        kv_free(kv);
        return err;
    }
    base_loop_timer(config->loop, &kv->tick, STORE_KV_TICK_MS);
    *ret_kv = kv;
    return ERR_OK;
}

void
store_kv_shut(struct store_kv *kv)
{
    if (!kv)
        return;
    store_kv_env_look(kv);
    store_kv_env_store(kv);
    kv_free(kv);
}

void
store_kv_crash(struct store_kv *kv)
{
    if (kv)
        kv_free(kv);
}

struct store_journal *
store_kv_journal(struct store_kv *kv)
{
    return kv->config.journal;
}

/* ---- reading ---- */

struct store_kv_snap *
store_kv_now(struct store_kv *kv)
{
    store_kv_env_look(kv);
    return &kv->now;
}

enum err
store_kv_get(struct store_kv_snap *snap, uint16_t table, struct bytes key,
             struct bytes *ret_value)
{
    uint8_t room[STORE_KV_FULL_KEY];
    MDB_txn *txn;
    if (key.size == 0 || key.size > STORE_KV_KEY)
        return ERR_LIMIT;
    enum err err = store_kv_snap_enter(snap, &txn);
    if (err != ERR_OK)
        return err;
    MDB_val value, at = store_kv_batch_key(table, key, room);
    err = store_kv_env_error(mdb_get(txn, snap->kv->dbi, &at, &value));
    if (err == ERR_OK)
        *ret_value = base_bytes(value.mv_data, value.mv_size);
    store_kv_snap_leave(snap);
    return err;
}

/* The key of a found row, if it is of this table and begins so. */
static bool
kv_row(const MDB_val *at, uint16_t table, struct bytes prefix,
       struct bytes *ret_key)
{
    const uint8_t *bytes = at->mv_data;
    if (at->mv_size < 2 || bytes[0] != table >> 8 || bytes[1] != (uint8_t)table)
        return false;
    *ret_key = base_bytes(bytes + 2, at->mv_size - 2);
    return base_bytes_starts(*ret_key, prefix);
}

struct scan {
    uint16_t table;
    struct bytes prefix, from;
    unsigned limit;
    bool (*fn)(void *self, struct bytes key, struct bytes value);
    void *self;
    struct base_out *next;
};

static enum err
scan_rows(const struct scan *scan, MDB_cursor *cursor)
{
    uint8_t room[STORE_KV_FULL_KEY];
    struct bytes start = scan->from, key;
    if (base_bytes_compare(start, scan->prefix) < 0)
        start = scan->prefix;
    MDB_val value, at = store_kv_batch_key(scan->table, start, room);
    int code = mdb_cursor_get(cursor, &at, &value, MDB_SET_RANGE);
    for (unsigned count = 0; code == 0; count++) {
        if (!kv_row(&at, scan->table, scan->prefix, &key))
            return ERR_OK;
        if (count == scan->limit) {
            if (scan->next) {
                base_out_reset(scan->next);
                base_out_bytes_add(scan->next, key);
            }
            return ERR_AGAIN;
        }
        if (!scan->fn(scan->self, key,
                      base_bytes(value.mv_data, value.mv_size)))
            return ERR_OK;
        code = mdb_cursor_get(cursor, &at, &value, MDB_NEXT);
    }
    enum err err = store_kv_env_error(code);
    return err == ERR_ABSENT ? ERR_OK : err;
}

enum err
store_kv_scan(struct store_kv_snap *snap, uint16_t table, struct bytes prefix,
              struct bytes from, unsigned limit,
              bool (*fn)(void *self, struct bytes key, struct bytes value),
              void *self, struct base_out *next)
{
    const struct scan scan = {table, prefix, from, limit, fn, self, next};
    MDB_txn *txn;
    MDB_cursor *cursor;
    if (limit == 0 || limit > STORE_KV_SCAN || prefix.size > STORE_KV_KEY ||
        from.size > STORE_KV_KEY)
        return ERR_LIMIT;
    enum err err = store_kv_snap_enter(snap, &txn);
    if (err != ERR_OK)
        return err;
    err = store_kv_env_error(mdb_cursor_open(txn, snap->kv->dbi, &cursor));
    if (err == ERR_OK) {
        err = scan_rows(&scan, cursor);
        mdb_cursor_close(cursor);
    }
    store_kv_snap_leave(snap);
    return err;
}

static enum err
last_row(MDB_cursor *cursor, uint16_t table, struct bytes prefix,
         struct bytes key, struct bytes *ret_key, struct bytes *ret_value)
{
    uint8_t room[STORE_KV_FULL_KEY];
    MDB_val value, at = store_kv_batch_key(table, key, room);
    int code = mdb_cursor_get(cursor, &at, &value, MDB_SET_RANGE);
    bool exact = code == 0 && at.mv_size == 2 + key.size &&
                 memcmp(at.mv_data, room, at.mv_size) == 0;
    if (code == 0 && !exact)
        code = mdb_cursor_get(cursor, &at, &value, MDB_PREV);
    else if (code == MDB_NOTFOUND)
        code = mdb_cursor_get(cursor, &at, &value, MDB_LAST);
    if (code != 0)
        return store_kv_env_error(code);
    struct bytes found;
    if (!kv_row(&at, table, prefix, &found))
        return ERR_ABSENT;
    *ret_key = found;
    *ret_value = base_bytes(value.mv_data, value.mv_size);
    return ERR_OK;
}

enum err
store_kv_last(struct store_kv_snap *snap, uint16_t table, struct bytes prefix,
              struct bytes key, struct bytes *ret_key, struct bytes *ret_value)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    if (key.size > STORE_KV_KEY || prefix.size > STORE_KV_KEY)
        return ERR_LIMIT;
    enum err err = store_kv_snap_enter(snap, &txn);
    if (err != ERR_OK)
        return err;
    err = store_kv_env_error(mdb_cursor_open(txn, snap->kv->dbi, &cursor));
    if (err == ERR_OK) {
        err = last_row(cursor, table, prefix, key, ret_key, ret_value);
        mdb_cursor_close(cursor);
    }
    store_kv_snap_leave(snap);
    return err;
}

/* ---- writing ---- */

void
store_kv_put(struct store_kv_batch *batch, uint16_t table, struct bytes key,
             struct bytes value)
{
    store_kv_batch_put(batch, table, key, value);
}

void
store_kv_del(struct store_kv_batch *batch, uint16_t table, struct bytes key)
{
    store_kv_batch_del(batch, table, key);
}

void
store_kv_expect(struct store_kv_batch *batch, uint16_t table, struct bytes key,
                struct bytes value)
{
    store_kv_batch_expect(batch, table, key, value);
}

/* May anything be committed now? */
static enum err
commit_ready(struct store_kv *kv)
{
    store_kv_env_look(kv);
    if (store_journal_state(kv->config.journal) == STORE_JOURNAL_FAILED ||
        kv->broken)
        return ERR_IO;
    if (kv->rewinding) /* what the owner remembers may be of what was lost */
        return ERR_FULL;
    if (kv->stuck != ERR_OK)
        return kv->stuck;
    return store_kv_env_begin(kv);
}

/* Journal first: what cannot be promised leaves no trace in LMDB. */
static enum err
commit_promise(struct store_kv *kv, const struct store_kv_batch *batch,
               uint64_t *ret_sequence)
{
    struct bytes body = base_out_bytes(&batch->body);
    enum err err = store_journal_append_since(
        kv->config.journal, STORE_JOURNAL_RECORDS, kv->cuts,
        STORE_JOURNAL_OPAQUE, &body, 1, ret_sequence);
    if (err != ERR_STALE)
        return err;
    store_kv_env_look(kv);
    return ERR_FULL;
}

/* The promise stands, so what LMDB would not take is replayed. */
static enum err
commit_apply(struct store_kv *kv, const struct store_kv_batch *batch,
             uint64_t sequence)
{
    enum err err = store_kv_batch_apply(kv, base_out_bytes(&batch->body));
    if (err == ERR_OK) {
        kv->applied = sequence;
        return ERR_OK;
    }
    base_log_say(kv->config.log, BASE_LOG_ERROR, "store", "kv_not_applied",
                 "%s err=%s", kv->labels, base_err_name(err));
    err = store_journal_flush(kv->config.journal, STORE_JOURNAL_RECORDS,
                              sequence);
    store_kv_env_rewind(kv);
    return kv->broken ? ERR_IO : err;
}

static enum err
commit_changes(struct store_kv *kv, const struct store_kv_batch *batch,
               uint64_t *ret_sequence)
{
    enum err err = store_kv_env_room(kv, batch->pages, batch->puts == 0);
    if (err == ERR_OK)
        err = commit_promise(kv, batch, ret_sequence);
    if (err == ERR_OK)
        err = commit_apply(kv, batch, *ret_sequence);
    if (err != ERR_OK)
        return err;
    base_stat_inc(&kv->counts.commits, 1);
    if (kv->puts >= STORE_KV_PUTS)
        base_loop_timer(kv->config.loop, &kv->tick, 0);
    return ERR_OK;
}

enum err
store_kv_commit(struct store_kv *kv, struct store_kv_batch *batch,
                struct store_journal_wait *wait, uint64_t *ret_sequence)
{
    struct store_journal *journal = kv->config.journal;
    bool changes = batch->puts + batch->dels > 0;
    uint64_t sequence = kv->applied;
    enum err err = batch->failed;
    if (err == ERR_OK)
        err = commit_ready(kv);
    if (err == ERR_OK)
        err = store_kv_batch_check(batch);
    if (err == ERR_CONFLICT)
        base_stat_inc(&kv->counts.conflicts, 1);
    if (err == ERR_OK && changes)
        err = commit_changes(kv, batch, &sequence);
    store_kv_batch_free(batch);
    if (err != ERR_OK)
        return err;
    if (ret_sequence)
        *ret_sequence = sequence;
    if (wait && changes)
        store_journal_wait(journal, STORE_JOURNAL_RECORDS, sequence, wait);
    else if (wait)
        store_journal_barrier(journal, wait);
    return ERR_OK;
}
