/* store_ts_open.c -- from what is on disk to a store, and the end of one.
 *
 *   1 dictionary and hides out of TS_STATE, segments out of SEGMENT
 *   2 files: listed ones are mapped, one that is missing refuses the open,
 *     unlisted ones and tmp/ are removed
 *   3 the journal is replayed: names always, rows and drops above the sealed
 *     sequence; every row is also told to `replayed`
 *
 * Table SEGMENT: u64 BE id (its top byte is the shard) -> u8 version 1, u8
 * level, i64 t0, t1, u64 bytes, u32 CRC of the trailer, u64 highest sequence
 * (little-endian).  TS_STATE is drawn in store_ts_private.h. */
#include <stdio.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "store/store_journal_private.h"
#include "store/store_ts_private.h"

enum {
    OPEN_SEAL_MS = 7200000,
    OPEN_HEAD_BYTES = 256 << 20,
    OPEN_SERIES = 1000000,
    OPEN_TIMER_MS = 5000,
    OPEN_SCAN = 10000,
    OPEN_ARENA = 256 << 20,
};

struct open {
    struct store_ts *ts;
    struct store_ts_scratch *scratch; /* of the replay; the head has its own */
    struct base_note *note;
    enum err err;
    void (*replayed)(void *self, uint64_t sequence, uint32_t group, int64_t t);
    void *self;
};

/* --- the dictionary --- */

static struct bytes
open_piece(struct base_cur *cur)
{
    return base_cur_take(cur, (size_t)base_cur_varint(cur));
}

static void
open_state(struct store_ts *ts, struct base_cur *value)
{
    ts->sealed = base_cur_varint(value);
    ts->gen = base_cur_varint(value);
}

static void
open_metric(struct store_ts *ts, struct base_cur *key, struct base_cur *value)
{
    uint32_t id = base_cur_u32be(key);
    struct bytes name = base_cur_rest(value);
    if (!base_cur_ok(key) || id != ts->index.metric_count ||
        store_ts_index_metric(&ts->index, name, true) != id)
        base_cur_fail(value, ERR_CORRUPT);
}

static void
open_group(struct store_ts *ts, struct base_cur *key, struct base_cur *value)
{
    struct model_label labels[MODEL_LABEL_MAX];
    const struct model_labels *set;
    unsigned count = 0;
    uint32_t id = base_cur_u32be(key);
    while (base_cur_left(value) > 0 && count < MODEL_LABEL_MAX &&
           base_cur_ok(value)) {
        labels[count].name = open_piece(value);
        labels[count++].value = open_piece(value);
    }
    base_arena_reset(&ts->arena);
    if (!base_cur_ok(value) || base_cur_left(value) > 0 || !base_cur_ok(key) ||
        model_label_set(&ts->arena, labels, count, &set, NULL) != ERR_OK) {
        base_cur_fail(value, ERR_CORRUPT);
        return;
    }
    struct store_ts_group *group = store_ts_index_add(&ts->index, id, set);
    if (!group)
        base_cur_fail(value, ERR_CORRUPT);
    else
        group->written = group->kept = true;
}

static struct store_ts_group *
open_known(struct store_ts *ts, uint32_t id)
{
    return id < ts->index.group_count ? ts->index.groups[id] : NULL;
}

static void
open_columns(struct store_ts *ts, struct base_cur *key, struct base_cur *value)
{
    uint32_t id = base_cur_u32be(key);
    struct store_ts_group *group = open_known(ts, id);
    while (group && base_cur_left(value) > 0 && base_cur_ok(value)) {
        uint64_t metric = base_cur_varint(value);
        if (metric >= ts->index.metric_count ||
            group->column_count >= WIRE_ROWS_COLUMNS) {
            base_cur_fail(value, ERR_CORRUPT);
            return;
        }
        uint32_t column =
            store_ts_index_column(&ts->index, id, (uint32_t)metric, true);
        group->columns[column].t = STORE_TS_UNKNOWN;
    }
    if (!group)
        base_cur_fail(value, ERR_CORRUPT);
    else
        group->columns_written = group->columns_kept = group->column_count;
}

static void
open_hide(struct store_ts *ts, struct base_cur *key, struct base_cur *value)
{
    struct store_ts_hide *hide = base_mem_zero(sizeof *hide);
    hide->gen = base_cur_u64be(key);
    hide->sequence = base_cur_u64be(key);
    struct store_ts_group *group = open_known(ts, base_cur_u32be(key));
    hide->column = base_cur_u32be(key);
    hide->from = base_cur_zigzag(value);
    hide->to = base_cur_zigzag(value);
    hide->kept = true;
    if (!group || !base_cur_ok(key)) {
        base_mem_free(hide);
        base_cur_fail(value, ERR_CORRUPT);
        return;
    }
    hide->next = group->hides;
    group->hides = hide;
}

static bool
open_row(void *self, struct bytes key_bytes, struct bytes value_bytes)
{
    struct open *open = self;
    struct store_ts *ts = open->ts;
    struct base_cur key, value;
    base_cur_init(&key, key_bytes);
    base_cur_init(&value, value_bytes);
    uint8_t kind = base_cur_u8(&key);
    base_cur_u8(&key);
    switch ((enum store_ts_row_kind)kind) {
    case STORE_TS_ROW_STATE:
        open_state(ts, &value);
        break;
    case STORE_TS_ROW_METRIC:
        open_metric(ts, &key, &value);
        break;
    case STORE_TS_ROW_GROUP:
        open_group(ts, &key, &value);
        break;
    case STORE_TS_ROW_COLUMN:
        open_columns(ts, &key, &value);
        break;
    case STORE_TS_ROW_HIDE:
        open_hide(ts, &key, &value);
        break;
    }
    if (base_cur_ok(&value))
        return true;
    open->err =
        base_err_note_at(open->note, ERR_CORRUPT, "ts_state", 0, 0,
                         "a row of kind %c is not as it was written", kind);
    return false;
}

/* Every row of a table that begins with prefix. */
static enum err
open_scan(struct open *open, uint16_t table, struct bytes prefix,
          bool (*fn)(void *self, struct bytes key, struct bytes value))
{
    uint8_t room[2][480];
    struct bytes from = {NULL, 0};
    enum err err = ERR_AGAIN;
    for (unsigned i = 0; err == ERR_AGAIN && open->err == ERR_OK; i++) {
        struct base_out next;
        base_out_fixed(&next, room[i % 2], sizeof room[0]);
        err = store_kv_scan(store_kv_now(open->ts->config.kv), table, prefix,
                            from, OPEN_SCAN, fn, open, &next);
        from = base_out_bytes(&next);
    }
    return open->err != ERR_OK ? open->err : err;
}

static enum err
open_dictionary(struct open *open)
{
    static const uint8_t kinds[] = {STORE_TS_ROW_STATE, STORE_TS_ROW_METRIC,
                                    STORE_TS_ROW_GROUP, STORE_TS_ROW_COLUMN,
                                    STORE_TS_ROW_HIDE};
    enum err err = ERR_OK;
    for (unsigned i = 0; i < BASE_COUNT(kinds) && err == ERR_OK; i++) {
        uint8_t prefix[2] = {kinds[i], (uint8_t)open->ts->config.shard};
        err = open_scan(open, STORE_TABLE_TS_STATE,
                        base_bytes(prefix, sizeof prefix), open_row);
    }
    open->ts->index.metrics_kept = open->ts->index.metric_count;
    return err;
}

/* --- segments --- */

static bool
open_segment(void *self, struct bytes key_bytes, struct bytes value_bytes)
{
    struct open *open = self;
    struct base_cur key, value;
    base_cur_init(&key, key_bytes);
    base_cur_init(&value, value_bytes);
    struct store_ts_file file = {.id = base_cur_u64be(&key)};
    uint8_t version = base_cur_u8(&value);
    base_cur_u8(&value);
    file.t0 = (int64_t)base_cur_u64le(&value);
    file.t1 = (int64_t)base_cur_u64le(&value);
    file.bytes = base_cur_u64le(&value);
    file.check = base_cur_u32le(&value);
    base_cur_u64le(&value);
    if (version != 1)
        open->err = ERR_VERSION;
    else if (!base_cur_ok(&key) || !base_cur_ok(&value))
        open->err = ERR_CORRUPT;
    else
        open->err = store_ts_seal_map(open->ts, &file);
    if (open->err != ERR_OK) {
        char *path = store_ts_seal_path(open->ts->folder, false, file.id);
        base_err_note_at(open->note, open->err, path, 0, 0,
                         "the manifest names this segment: %s",
                         base_err_text(open->err));
        base_mem_free(path);
        return false;
    }
    store_ts_seal_list(open->ts, &file);
    return true;
}

static bool
open_listed(const struct store_ts *ts, const char *name)
{
    for (uint32_t i = 0; i < ts->file_count; i++) {
        char *path = store_ts_seal_path("", false, ts->files[i].id);
        bool same = strcmp(path + 1, name) == 0;
        base_mem_free(path);
        if (same)
            return true;
    }
    return false;
}

/* Remove this shard's files that no manifest row names. */
static enum err
open_sweep(struct store_ts *ts, bool tmp)
{
    struct sys_files *files = ts->config.files;
    char **names, shard[3];
    size_t count;
    char *folder = base_mem_format("%s%s", ts->folder, tmp ? "/tmp" : "");
    snprintf(shard, sizeof shard, "%02x", ts->config.shard);
    base_arena_reset(&ts->arena);
    enum err err = sys_file_folders(files, folder);
    if (err == ERR_OK)
        err = files->ops->list(files, folder, &ts->arena, &names, &count);
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        struct bytes name = base_bytes_text(names[i]);
        if (name.size != 20 || strcmp(names[i] + 16, ".seg") != 0 ||
            strncmp(names[i], shard, 2) != 0 ||
            (!tmp && open_listed(ts, names[i])))
            continue;
        char *path = base_mem_format("%s/%s", folder, names[i]);
        err = files->ops->remove(files, path);
        base_log_say(ts->config.log, BASE_LOG_INFO, "store", "segment_unlisted",
                     "removed=%s", path);
        base_mem_free(path);
    }
    base_mem_free(folder);
    return err;
}

static enum err
open_segments(struct open *open)
{
    struct store_ts *ts = open->ts;
    uint8_t shard = (uint8_t)ts->config.shard;
    enum err err = open_scan(open, STORE_TABLE_SEGMENT, base_bytes(&shard, 1),
                             open_segment);
    for (unsigned i = 0; i < 2 && err == ERR_OK; i++)
        err = open_sweep(ts, i == 1);
    return err;
}

/* --- replay --- */

static enum err
replay_group(struct store_ts *ts, struct base_cur *cur)
{
    struct wire_rows_group wire;
    struct model_label labels[WIRE_ROWS_LABELS];
    const struct model_labels *set;
    if (!wire_rows_group_read(cur, &wire))
        return ERR_CORRUPT;
    for (uint32_t i = 0; i < wire.count; i++)
        labels[i] =
            (struct model_label){wire.labels[i].name, wire.labels[i].value};
    base_arena_reset(&ts->arena);
    if (wire.group >= ts->config.series_max ||
        model_label_set(&ts->arena, labels, wire.count, &set, NULL) != ERR_OK)
        return ERR_CORRUPT;
    struct store_ts_group *group = open_known(ts, wire.group);
    if (group && model_label_compare(group->labels, set) != 0)
        return ERR_CORRUPT;
    if (!group)
        group = store_ts_index_add(&ts->index, wire.group, set);
    group->written = true;
    return ERR_OK;
}

static enum err
replay_column(struct store_ts *ts, struct base_cur *cur)
{
    struct wire_rows_column wire;
    if (!wire_rows_column_read(cur, &wire) || wire.metric.size == 0)
        return ERR_CORRUPT;
    struct store_ts_group *group = open_known(ts, wire.group);
    if (!group)
        return ERR_CORRUPT;
    uint32_t metric = store_ts_index_metric(&ts->index, wire.metric, true);
    if (store_ts_index_column(&ts->index, wire.group, metric, true) !=
        wire.column)
        return ERR_CORRUPT;
    if (group->columns_written <= wire.column)
        group->columns_written = wire.column + 1;
    return ERR_OK;
}

static enum err
replay_rows(struct open *open, uint64_t sequence, struct base_cur *cur)
{
    struct store_ts *ts = open->ts;
    struct wire_rows_row wire;
    struct wire_rows_room *room = &open->scratch->room;
    while (wire_rows_read(cur, &open->scratch->state, &wire, room)) {
        const struct store_ts_group *group = open_known(ts, wire.group);
        if (!group || room->columns[wire.count - 1] >= group->column_count)
            return ERR_CORRUPT;
        if (open->replayed)
            open->replayed(open->self, sequence, wire.group, wire.t);
        if (sequence <= ts->sealed)
            continue;
        struct store_ts_row row = {.group = wire.group,
                                   .count = wire.count,
                                   .t = wire.t,
                                   .columns = room->columns,
                                   .values = room->values};
        store_ts_insert(ts, &row, 0);
    }
    return base_cur_ok(cur) ? ERR_OK : ERR_CORRUPT;
}

static enum err
replay_drop(struct store_ts *ts, uint64_t sequence, struct base_cur *cur)
{
    struct wire_rows_drop drop;
    if (sequence <= ts->sealed)
        return ERR_OK;
    if (!wire_rows_drop_read(cur, &drop))
        return ERR_CORRUPT;
    return store_ts_hide(ts, &drop, sequence);
}

static enum err
open_replay(void *self, uint64_t sequence, uint8_t type, struct bytes body)
{
    struct open *open = self;
    struct base_cur cur;
    enum err err = ERR_OK;
    base_cur_init(&cur, body);
    if (type == STORE_JOURNAL_GROUP)
        err = replay_group(open->ts, &cur);
    else if (type == STORE_JOURNAL_COLUMN)
        err = replay_column(open->ts, &cur);
    else if (type == STORE_JOURNAL_ROWS)
        err = replay_rows(open, sequence, &cur);
    else if (type == STORE_JOURNAL_DROP)
        err = replay_drop(open->ts, sequence, &cur);
    if (err != ERR_OK) {
        char text[64];
        snprintf(text, sizeof text, "shard %u sequence %llu",
                 open->ts->config.shard, (unsigned long long)sequence);
        base_err_note_at(open->note, err, text, 0, 0,
                         "a record of type %u cannot be replayed", type);
    }
    return err;
}

/* --- open, shut --- */

static void
open_counts(struct store_ts *ts, bool add)
{
    struct store_ts_counts *c = &ts->counts;
    const struct base_stat_row rows[] = {
        {&c->rows, BASE_STAT_COUNTER, "dougong_store_samples_total", "",
         "Samples taken into the head"},
        {&c->late, BASE_STAT_COUNTER, "dougong_store_late_rows_total", "",
         "Rows older than their group's newest"},
        {&c->corrupt, BASE_STAT_COUNTER, "dougong_store_corrupt_total", "",
         "Reads refused because a checksum was wrong"},
        {&c->sealed, BASE_STAT_COUNTER, "dougong_store_seals_total", "",
         "Heads written as segments"},
        {&c->seal_errors, BASE_STAT_COUNTER, "dougong_store_seal_errors_total",
         "", "Seals that failed and are tried again"},
        {&c->dropped, BASE_STAT_COUNTER, "dougong_store_drops_total", "",
         "Series of which a range was dropped"},
        {&c->head_bytes, BASE_STAT_GAUGE, "dougong_store_head_bytes", "",
         "Memory of rows not yet in segments"},
        {&c->series, BASE_STAT_GAUGE, "dougong_store_series", "",
         "Series known"},
        {&c->segments, BASE_STAT_GAUGE, "dougong_store_segments", "",
         "Segment files"},
        {&c->segment_bytes, BASE_STAT_GAUGE, "dougong_store_segment_bytes", "",
         "Size of the segment files"},
        {&c->head_limit, BASE_STAT_COUNTER, "dougong_limit_hit_total",
         "limit=\"store_head\"", "Times a limit was hit"},
        {&c->series_limit, BASE_STAT_COUNTER, "dougong_limit_hit_total",
         "limit=\"store_series\"", "Times a limit was hit"},
    };
    base_stat_rows(ts->config.stats, rows, BASE_COUNT(rows), add);
}

static void
open_timer(struct base_timer *timer)
{
    struct store_ts *ts = BASE_OUTER(timer, struct store_ts, timer);
    store_ts_seal_check(ts);
    base_loop_timer(ts->config.loop, timer, OPEN_TIMER_MS);
}

static struct store_ts *
open_new(const struct store_ts_config *config)
{
    struct store_ts *ts = base_mem_zero(sizeof *ts);
    ts->config = *config;
    ts->folder = base_mem_text(config->folder);
    ts->config.folder = ts->folder;
    ts->stream = STORE_JOURNAL_SAMPLES + config->shard;
    if (config->head_bytes == 0)
        ts->config.head_bytes = OPEN_HEAD_BYTES;
    if (config->seal_ms == 0)
        ts->config.seal_ms = OPEN_SEAL_MS;
    if (config->series_max == 0)
        ts->config.series_max = OPEN_SERIES;
    ts->index.seed = config->seed;
    ts->scratch = store_ts_scratch_new();
    ts->column = base_mem_zero(sizeof *ts->column);
    base_arena_init(&ts->arena, OPEN_ARENA);
    base_out_grow(&ts->out, STORE_JOURNAL_RECORD_MAX);
    base_out_grow(&ts->record, STORE_TS_BATCH_BYTES);
    ts->gen = 1;
    ts->first_t = INT64_MAX;
    ts->last_t = INT64_MIN;
    ts->done_last = &ts->done;
    ts->cuts = store_journal_cuts(config->journal);
    open_counts(ts, true);
    return ts;
}

static void
open_free(struct store_ts *ts)
{
    for (uint32_t i = 0; i < ts->file_count; i++)
        store_ts_seal_unmap(ts, &ts->files[i]);
    open_counts(ts, false);
    store_ts_index_done(&ts->index);
    base_arena_done(&ts->arena);
    base_out_done(&ts->out);
    base_out_done(&ts->record);
    base_mem_free(ts->samples);
    base_mem_free(ts->files);
    base_mem_free(ts->undo);
    base_mem_free(ts->scratch);
    base_mem_free(ts->column);
    base_mem_free(ts->folder);
    base_mem_free(ts);
}

enum err
store_ts_open(const struct store_ts_config *config, struct store_ts **ret_ts,
              void (*replayed)(void *self, uint64_t sequence, uint32_t group,
                               int64_t t),
              void *self, struct base_note *note)
{
    struct store_ts *ts = open_new(config);
    struct open open = {
        .ts = ts, .note = note, .replayed = replayed, .self = self};
    enum err err = open_dictionary(&open);
    if (err == ERR_OK)
        err = open_segments(&open);
    if (err == ERR_OK) {
        open.scratch = store_ts_scratch_new();
        store_journal_skip(config->journal, ts->stream, ts->sealed);
        err = store_journal_replay(config->journal, ts->stream, 0, open_replay,
                                   &open);
        base_mem_free(open.scratch);
    }
    if (err != ERR_OK) {
        open_free(ts);
        return err;
    }
    store_journal_need(config->journal, ts->stream, STORE_JOURNAL_SEGMENTS);
    store_journal_pass(config->journal, ts->stream, STORE_JOURNAL_SEGMENTS,
                       ts->sealed);
    base_stat_set(&ts->counts.series, ts->index.series);
    ts->timer.fn = open_timer;
    base_loop_timer(config->loop, &ts->timer, OPEN_TIMER_MS);
    *ret_ts = ts;
    return ERR_OK;
}

void
store_ts_shut(struct store_ts *ts)
{
    if (!ts)
        return;
    base_loop_timer_clear(ts->config.loop, &ts->timer);
    store_ts_seal_leave(ts, false);
    open_free(ts);
}

void
store_ts_crash(struct store_ts *ts)
{
    if (!ts)
        return;
    base_loop_timer_clear(ts->config.loop, &ts->timer);
    store_ts_seal_leave(ts, true);
    open_free(ts);
}
