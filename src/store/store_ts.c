/* store_ts.c -- taking in: groups, rows, drops; and taking back.
 *
 * One append is one ROWS record of rows that stand alone (doc/formats/rows.md),
 * written before anything changes here, so that the head never holds what the
 * journal has refused. */
#include "base/base_mem.h"
#include "base/base_must.h"
#include "store/store_ts_private.h"

enum { TS_TRIES = 4, TS_UNDO_FIRST = 1024 };

/* --- groups and columns --- */

enum err
store_ts_group_find(struct store_ts *ts, const struct model_labels *labels,
                    uint32_t *ret_group)
{
    uint32_t group = store_ts_index_find(&ts->index, labels);
    if (group == STORE_TS_ALL)
        return ERR_ABSENT;
    *ret_group = group;
    return ERR_OK;
}

static enum err
ts_series_room(struct store_ts *ts)
{
    if (ts->index.series < ts->config.series_max)
        return ERR_OK;
    base_stat_inc(&ts->counts.series_limit, 1);
    return ERR_LIMIT;
}

enum err
store_ts_group(struct store_ts *ts, const struct model_labels *labels,
               uint32_t *ret_group)
{
    if (store_ts_group_find(ts, labels, ret_group) == ERR_OK)
        return ERR_OK;
    if (model_label_get(labels, base_bytes_text("__name__")).size > 0 ||
        labels->count > WIRE_ROWS_LABELS)
        return ERR_LABEL;
    /* A group has a series or will have one. */
    if (ts->index.group_count >= ts->config.series_max) {
        base_stat_inc(&ts->counts.series_limit, 1);
        return ERR_LIMIT;
    }
    uint32_t group = ts->index.group_count;
    must(store_ts_index_add(&ts->index, group, labels));
    *ret_group = group;
    return ERR_OK;
}

enum err
store_ts_column(struct store_ts *ts, uint32_t group, struct bytes metric,
                uint32_t *ret_column)
{
    const struct store_ts_group *its = store_ts_index_group(ts, group);
    uint32_t number = store_ts_index_metric(&ts->index, metric, false);
    uint32_t column =
        number == STORE_TS_ALL
            ? STORE_TS_ALL
            : store_ts_index_column(&ts->index, group, number, false);
    if (column == STORE_TS_ALL) {
        if (metric.size == 0 || metric.size > MODEL_LABEL_VALUE ||
            !base_bytes_utf8(metric) ||
            base_bytes_find(metric, 0) < metric.size)
            return ERR_LABEL;
        if (its->column_count >= WIRE_ROWS_COLUMNS ||
            ts_series_room(ts) != ERR_OK)
            return ERR_LIMIT;
        number = store_ts_index_metric(&ts->index, metric, true);
        column = store_ts_index_column(&ts->index, group, number, true);
        base_stat_set(&ts->counts.series, ts->index.series);
    }
    *ret_column = column;
    return ERR_OK;
}

/* --- undo --- */

static void
ts_undo_trim(struct store_ts *ts)
{
    uint64_t synced = store_journal_synced(ts->config.journal, ts->stream);
    while (ts->undo_count > 0 && ts->undo[ts->undo_first].sequence <= synced) {
        ts->undo_first = (ts->undo_first + 1) & (ts->undo_room - 1);
        ts->undo_count--;
    }
}

static void
ts_undo_note(struct store_ts *ts, enum store_ts_undo_kind kind,
             uint64_t sequence, uint32_t group, uint32_t before)
{
    if (ts->undo_count == ts->undo_room) {
        ts_undo_trim(ts);
        if (ts->undo_count * 2 >= ts->undo_room) {
            size_t room = ts->undo_room ? ts->undo_room * 2 : TS_UNDO_FIRST;
            struct store_ts_undo *more = base_mem_new(room * sizeof *more);
            for (size_t i = 0; i < ts->undo_count; i++)
                more[i] = ts->undo[(ts->undo_first + i) & (ts->undo_room - 1)];
            base_mem_free(ts->undo);
            ts->undo = more;
            ts->undo_room = room;
            ts->undo_first = 0;
        }
    }
    size_t at = (ts->undo_first + ts->undo_count++) & (ts->undo_room - 1);
    ts->undo[at] = (struct store_ts_undo){
        .sequence = sequence,
        .gen = ts->gen,
        .group = group,
        .before = before,
        .kind = kind,
    };
}

static void
ts_undo_row(struct store_ts *ts, const struct store_ts_undo *undo)
{
    struct store_ts_group *group = store_ts_index_group(ts, undo->group);
    bool active = undo->gen == ts->gen;
    bool late = undo->kind == STORE_TS_UNDO_LATE;
    uint32_t bytes = store_ts_head_undo(
        active ? &group->active : &group->sealing, late, undo->before);
    *(active ? &ts->head_bytes : &ts->sealing_bytes) -= bytes;
    --*(active ? &ts->head_rows : &ts->sealing_rows);
    group->fresh = true;
    for (uint32_t i = 0; i < group->column_count; i++) {
        group->columns[i].t = STORE_TS_UNKNOWN;
        group->columns[i].cell.stamp = 0;
    }
}

static void
ts_undo_drop(struct store_ts *ts, uint64_t sequence)
{
    for (uint32_t i = 0; i < ts->index.group_count; i++) {
        struct store_ts_group *group = ts->index.groups[i];
        struct store_ts_hide **at = group ? &group->hides : NULL;
        while (at && *at) {
            struct store_ts_hide *hide = *at;
            if (hide->sequence != sequence) {
                at = &hide->next;
                continue;
            }
            if (hide->column < group->column_count)
                group->columns[hide->column].t = STORE_TS_UNKNOWN;
            *at = hide->next;
            base_mem_free(hide);
        }
    }
}

static void
ts_undo_one(struct store_ts *ts, const struct store_ts_undo *undo)
{
    struct store_ts_group *group;
    switch (undo->kind) {
    case STORE_TS_UNDO_MAIN:
    case STORE_TS_UNDO_LATE:
        ts_undo_row(ts, undo);
        break;
    case STORE_TS_UNDO_GROUP:
        store_ts_index_group(ts, undo->group)->written = false;
        break;
    case STORE_TS_UNDO_COLUMN:
        group = store_ts_index_group(ts, undo->group);
        if (undo->before < group->columns_written)
            group->columns_written = undo->before;
        break;
    case STORE_TS_UNDO_DROP:
        ts_undo_drop(ts, undo->sequence);
        break;
    }
}

void
store_ts_rewind(struct store_ts *ts)
{
    uint64_t cuts = store_journal_cuts(ts->config.journal);
    if (cuts == ts->cuts)
        return;
    /* Since ts->cuts nothing was appended by us: `appended` is what the cut
     * has left. */
    uint64_t left = store_journal_appended(ts->config.journal, ts->stream);
    while (ts->undo_count > 0) {
        size_t at = (ts->undo_first + ts->undo_count - 1) & (ts->undo_room - 1);
        if (ts->undo[at].sequence <= left)
            break;
        struct store_ts_undo undo = ts->undo[at];
        ts->undo_count--;
        ts_undo_one(ts, &undo);
    }
    ts->cuts = cuts;
}

/* --- append --- */

static enum err
ts_journal(struct store_ts *ts, enum store_journal_type type,
           uint64_t *ret_sequence)
{
    if (!base_out_ok(&ts->record))
        return ERR_BIG;
    struct bytes part = base_out_bytes(&ts->record);
    return store_journal_append_since(ts->config.journal, ts->stream, ts->cuts,
                                      (uint8_t)type, &part, 1, ret_sequence);
}

static enum err
ts_write_group(struct store_ts *ts, uint32_t id, struct store_ts_group *group)
{
    struct wire_rows_group wire = {.group = id, .count = group->labels->count};
    uint64_t sequence;
    for (uint32_t i = 0; i < wire.count; i++)
        wire.labels[i] = (struct wire_rows_pair){group->labels->at[i].name,
                                                 group->labels->at[i].value};
    base_out_reset(&ts->record);
    wire_rows_group_write(&ts->record, &wire);
    enum err err = ts_journal(ts, STORE_JOURNAL_GROUP, &sequence);
    if (err != ERR_OK)
        return err;
    group->written = true;
    ts_undo_note(ts, STORE_TS_UNDO_GROUP, sequence, id, 0);
    return ERR_OK;
}

/* What a replay must know before it meets a row of this group. */
static enum err
ts_write_names(struct store_ts *ts, uint32_t id, struct store_ts_group *group)
{
    enum err err = ERR_OK;
    if (!group->written)
        err = ts_write_group(ts, id, group);
    while (err == ERR_OK && group->columns_written < group->column_count) {
        uint32_t column = group->columns_written;
        uint64_t sequence;
        base_out_reset(&ts->record);
        wire_rows_column_write(
            &ts->record,
            &(struct wire_rows_column){
                .group = id,
                .column = column,
                .metric = ts->index.metrics[group->columns[column].metric]});
        err = ts_journal(ts, STORE_JOURNAL_COLUMN, &sequence);
        if (err != ERR_OK)
            break;
        group->columns_written++;
        ts_undo_note(ts, STORE_TS_UNDO_COLUMN, sequence, id, column);
    }
    return err;
}

static enum err
ts_append_once(struct store_ts *ts, const struct store_ts_row *rows,
               unsigned count, uint64_t *ret_sequence)
{
    for (unsigned i = 0; i < count; i++) {
        struct store_ts_group *group = store_ts_index_group(ts, rows[i].group);
        if (group->written && group->columns_written == group->column_count)
            continue;
        enum err err = ts_write_names(ts, rows[i].group, group);
        if (err != ERR_OK)
            return err;
    }
    base_out_reset(&ts->record);
    for (unsigned i = 0; i < count; i++) {
        base_out_varint(&ts->record, rows[i].group);
        wire_rows_lone_write(&ts->record, rows[i].t, rows[i].columns,
                             rows[i].values, rows[i].count);
    }
    return ts_journal(ts, STORE_JOURNAL_ROWS, ret_sequence);
}

enum err
store_ts_insert(struct store_ts *ts, const struct store_ts_row *row,
                uint64_t sequence)
{
    struct store_ts_group *group = store_ts_index_group(ts, row->group);
    for (uint32_t i = 0; i < row->count; i++) /* damage: late, that is all */
        (void)store_ts_newest(ts, row->group, row->columns[i]);
    bool late = store_ts_head_late(group, row);
    uint32_t before;
    store_ts_head_add(ts, group, late, row, &before);
    if (ts->head_rows++ == 0)
        ts->head_since_ms = base_loop_mono(ts->config.loop).ms;
    ts->first_t = row->t < ts->first_t ? row->t : ts->first_t;
    ts->last_t = row->t > ts->last_t ? row->t : ts->last_t;
    base_stat_inc(&ts->counts.late, late);
    if (sequence > 0)
        ts_undo_note(ts, late ? STORE_TS_UNDO_LATE : STORE_TS_UNDO_MAIN,
                     sequence, row->group, before);
    return ERR_OK;
}

/* Columns must rise strictly; rows that do not are copied in order. */
static const struct store_ts_row *
ts_rows_rising(struct store_ts *ts, const struct store_ts_row *rows,
               unsigned count)
{
    bool rising = true;
    for (unsigned i = 0; i < count && rising; i++)
        for (uint32_t k = 1; k < rows[i].count && rising; k++)
            rising = rows[i].columns[k] > rows[i].columns[k - 1];
    if (rising)
        return rows;
    struct store_ts_row *copy =
        base_arena_alloc(&ts->arena, count * sizeof *copy);
    for (unsigned i = 0; i < count && copy; i++) {
        copy[i] = rows[i];
        uint32_t *columns =
            base_arena_alloc(&ts->arena, rows[i].count * sizeof *columns);
        struct num *values =
            base_arena_alloc(&ts->arena, rows[i].count * sizeof *values);
        if (!columns || !values)
            return NULL;
        for (uint32_t k = 0; k < rows[i].count; k++) {
            uint32_t at = k, column = rows[i].columns[k];
            for (; at > 0 && columns[at - 1] > column; at--) {
                columns[at] = columns[at - 1];
                values[at] = values[at - 1];
            }
            must(at == 0 || columns[at - 1] < column);
            columns[at] = column;
            values[at] = rows[i].values[k];
        }
        copy[i].columns = columns;
        copy[i].values = values;
    }
    return copy;
}

static enum err
ts_append_check(struct store_ts *ts, const struct store_ts_row *rows,
                unsigned count)
{
    int64_t now = base_loop_wall(ts->config.loop).ms;
    int64_t oldest =
        ts->config.retention_ms > 0 ? now - ts->config.retention_ms : INT64_MIN;
    for (unsigned i = 0; i < count; i++) {
        const struct store_ts_group *group =
            store_ts_index_group(ts, rows[i].group);
        must(rows[i].count > 0);
        for (uint32_t k = 0; k < rows[i].count; k++)
            must(rows[i].columns[k] < group->column_count);
        /* The two lowest times mean something else. */
        if (rows[i].t > now + STORE_TS_AHEAD_MS || rows[i].t < oldest ||
            rows[i].t <= STORE_TS_UNKNOWN)
            return ERR_TIME;
    }
    if (ts->head_bytes + ts->sealing_bytes > ts->config.head_bytes) {
        base_stat_inc(&ts->counts.head_limit, 1);
        store_ts_seal_check(ts);
        return ERR_BUSY;
    }
    return ERR_OK;
}

enum err
store_ts_append(struct store_ts *ts, const struct store_ts_row *rows,
                unsigned count, uint64_t *ret_sequence)
{
    uint64_t sequence = 0;
    must(count > 0);
    enum err err = ts_append_check(ts, rows, count);
    if (err != ERR_OK)
        return err;
    base_arena_reset(&ts->arena);
    rows = ts_rows_rising(ts, rows, count);
    if (!rows)
        return ERR_BIG;
    err = ERR_STALE;
    for (unsigned i = 0; i < TS_TRIES && err == ERR_STALE; i++) {
        store_ts_rewind(ts);
        err = ts_append_once(ts, rows, count, &sequence);
    }
    if (err != ERR_OK)
        return err == ERR_STALE ? ERR_FULL : err;
    uint64_t samples = 0;
    for (unsigned i = 0; i < count; i++) {
        store_ts_insert(ts, &rows[i], sequence);
        samples += rows[i].count;
    }
    base_stat_inc(&ts->counts.rows, (int64_t)samples);
    if (!ts->job && ts->head_bytes > ts->config.head_bytes / 2)
        store_ts_seal_check(ts);
    *ret_sequence = sequence;
    return ERR_OK;
}

/* --- drop --- */

struct ts_hiding {
    struct store_ts *ts;
    const struct wire_rows_drop *drop;
    uint64_t sequence;
};

static bool
ts_hide_series(void *self, uint32_t group_id, uint32_t column)
{
    const struct ts_hiding *hiding = self;
    struct store_ts *ts = hiding->ts;
    struct store_ts_group *group = store_ts_index_group(ts, group_id);
    struct store_ts_hide *hide = base_mem_new(sizeof *hide);
    *hide = (struct store_ts_hide){
        .next = group->hides,
        .from = hiding->drop->from,
        .to = hiding->drop->to,
        .gen = ts->gen,
        .sequence = hiding->sequence,
        .column = column,
        .main_rows = group->active.main_rows,
        .late_rows = group->active.late_rows,
    };
    group->hides = hide;
    group->columns[column].t = STORE_TS_UNKNOWN;
    group->columns[column].cell.stamp = 0;
    base_stat_inc(&ts->counts.dropped, 1);
    return true;
}

enum err
store_ts_hide(struct store_ts *ts, const struct wire_rows_drop *drop,
              uint64_t sequence)
{
    struct model_matcher matchers[WIRE_ROWS_LABELS] = {0};
    struct ts_hiding hiding = {.ts = ts, .drop = drop, .sequence = sequence};
    for (uint32_t i = 0; i < drop->count; i++) {
        matchers[i].name = drop->matchers[i].name;
        matchers[i].value = drop->matchers[i].value;
        matchers[i].op = (enum model_matcher_op)drop->matchers[i].op;
    }
    enum err err = model_matcher_ready(matchers, drop->count, NULL);
    if (err != ERR_OK)
        return err;
    base_arena_reset(&ts->arena);
    err = store_ts_index_each(ts, matchers, drop->count, &ts->arena,
                              ts_hide_series, &hiding);
    model_matcher_done(matchers, drop->count);
    return err;
}

enum err
store_ts_drop(struct store_ts *ts, const struct model_matcher *matchers,
              unsigned count, int64_t from, int64_t to, uint64_t *ret_sequence)
{
    struct wire_rows_drop drop = {.from = from, .to = to, .count = count};
    if (count > WIRE_ROWS_LABELS)
        return ERR_LIMIT;
    for (unsigned i = 0; i < count; i++) {
        drop.matchers[i].op = (uint8_t)matchers[i].op;
        drop.matchers[i].name = matchers[i].name;
        drop.matchers[i].value = matchers[i].value;
    }
    enum err err = ERR_STALE;
    uint64_t sequence = 0;
    for (unsigned i = 0; i < TS_TRIES && err == ERR_STALE; i++) {
        store_ts_rewind(ts);
        base_out_reset(&ts->record);
        wire_rows_drop_write(&ts->record, &drop);
        err = ts_journal(ts, STORE_JOURNAL_DROP, &sequence);
    }
    if (err != ERR_OK)
        return err == ERR_STALE ? ERR_FULL : err;
    ts_undo_note(ts, STORE_TS_UNDO_DROP, sequence, 0, 0);
    err = store_ts_hide(ts, &drop, sequence);
    if (err == ERR_OK)
        *ret_sequence = sequence;
    return err;
}

/* --- small questions --- */

const struct model_labels *
store_ts_labels(struct store_ts *ts, uint32_t group)
{
    if (group >= ts->index.group_count || !ts->index.groups[group])
        return NULL;
    return ts->index.groups[group]->labels;
}

struct bytes
store_ts_metric(struct store_ts *ts, uint32_t group, uint32_t column)
{
    const struct store_ts_group *its = store_ts_index_group(ts, group);
    must(column < its->column_count);
    return ts->index.metrics[its->columns[column].metric];
}

uint32_t
store_ts_columns(struct store_ts *ts, uint32_t group)
{
    return store_ts_index_group(ts, group)->column_count;
}

void
store_ts_stats(struct store_ts *ts, struct store_ts_stats *ret_stats)
{
    *ret_stats = (struct store_ts_stats){
        .groups = ts->index.group_count,
        .series = ts->index.series,
        .head_rows = ts->head_rows + ts->sealing_rows,
        .head_bytes = ts->head_bytes + ts->sealing_bytes,
        .segments = ts->file_count,
        .sealed_sequence = ts->sealed,
        .first_t = ts->first_t,
        .last_t = ts->last_t,
    };
    for (uint32_t i = 0; i < ts->file_count; i++)
        ret_stats->segment_bytes += ts->files[i].bytes;
}
