/* store_ts_read.c -- one series out of all its sources, in order of time.
 *
 * Samples are collected source by source, oldest source first, so that where
 * two have the same t the later one is the one to keep.  Mostly they come in
 * order already; if not, a stable sort puts them so. */
#include "base/base_mem.h"
#include "base/base_must.h"
#include "store/store_ts_private.h"

enum {
    READ_ROOM_KEPT = 1 << 16, /* samples: the buffer that stays */
    READ_STEP_MS = 300000,
    READ_STEP_GROWS = 8,
};

struct read {
    struct store_ts *ts;
    const struct store_ts_group *group;
    uint32_t group_id, column;
    int64_t from, to;
    uint64_t limit, gen;
    bool late; /* which list is being walked */
    bool in_order;
    size_t count;
    struct store_ts_head_walk walk;
};

/* --- collecting --- */

/* Merge runs [0, middle) and [middle, count) of at, the left first when equal;
 * room for all of it behind at + count. */
static void
read_merge(struct store_ts_sample *at, size_t middle, size_t count,
           struct store_ts_sample *spare)
{
    size_t left = 0, right = middle, made = 0;
    while (left < middle || right < count)
        if (right == count || (left < middle && at[left].t <= at[right].t))
            spare[made++] = at[left++];
        else
            spare[made++] = at[right++];
    memcpy(at, spare, count * sizeof *at);
}

static void
read_sort(struct store_ts_sample *at, size_t count)
{
    struct store_ts_sample *spare = base_mem_new(count * sizeof *spare);
    for (size_t width = 1; width < count; width *= 2)
        for (size_t i = 0; i + width < count; i += width * 2) {
            size_t part = count - i < width * 2 ? count - i : width * 2;
            if (at[i + width - 1].t > at[i + width].t)
                read_merge(at + i, width, part, spare);
        }
    base_mem_free(spare);
}

/* In order, each t once, the last one kept. */
static void
read_compact(struct read *read)
{
    struct store_ts_sample *at = read->ts->samples;
    if (!read->in_order)
        read_sort(at, read->count);
    size_t made = 0;
    for (size_t i = 0; i < read->count; i++) {
        if (made > 0 && at[made - 1].t == at[i].t)
            made--;
        at[made++] = at[i];
    }
    read->count = made;
    read->in_order = true;
}

static enum err
read_add(struct read *read, int64_t t, struct num value)
{
    struct store_ts *ts = read->ts;
    if (read->count == ts->sample_room) {
        read_compact(read);
        if (read->count > read->limit)
            return ERR_LIMIT;
        if (read->count * 2 >= ts->sample_room) {
            ts->sample_room = ts->sample_room ? ts->sample_room * 2 : 1024;
            ts->samples = base_mem_resize(ts->samples, ts->sample_room *
                                                           sizeof *ts->samples);
        }
    }
    if (read->count > 0 && t < ts->samples[read->count - 1].t)
        read->in_order = false;
    ts->samples[read->count++] =
        (struct store_ts_sample){.t = t, .value = value};
    return ERR_OK;
}

static enum err
read_row(struct store_ts_head_walk *walk, uint32_t ordinal,
         const struct wire_rows_row *row, const struct wire_rows_room *room)
{
    struct read *read = BASE_OUTER(walk, struct read, walk);
    if (row->t < read->from || row->t > read->to)
        return ERR_OK;
    for (uint32_t i = 0; i < row->count; i++) {
        if (room->columns[i] != read->column)
            continue;
        if (store_ts_head_hidden(read->group->hides, read->gen, read->late,
                                 ordinal, read->column, row->t))
            return ERR_OK;
        return read_add(read, row->t, room->values[i]);
    }
    return ERR_OK;
}

static enum err
read_head(struct read *read, const struct store_ts_head *head, uint64_t gen)
{
    read->gen = gen;
    read->late = false;
    read->walk.sorted = true;
    enum err err = store_ts_head_walk(head->main, &read->walk);
    read->late = true;
    read->walk.sorted = false;
    return err != ERR_OK ? err : store_ts_head_walk(head->late, &read->walk);
}

static enum err
read_block(struct read *read, const struct store_ts_file *file,
           const struct store_ts_segment_entry *entry)
{
    struct store_ts_segment_block block;
    struct store_ts_segment_column *column = read->ts->column;
    uint32_t metric = read->group->columns[read->column].metric;
    enum err err = store_ts_segment_block(&file->segment, entry, &block);
    if (err == ERR_OK)
        err = store_ts_segment_column(&block, metric, column);
    if (err == ERR_ABSENT)
        return ERR_OK;
    for (uint32_t i = 0; err == ERR_OK && i < column->count; i++) {
        int64_t t = column->t[i];
        if (t >= read->from && t <= read->to &&
            !store_ts_head_hidden(read->group->hides, file->id, false,
                                  UINT32_MAX, read->column, t))
            err = read_add(read, t, column->values[i]);
    }
    return err;
}

static enum err
read_file(struct read *read, const struct store_ts_file *file)
{
    if (file->t1 < read->from || file->t0 > read->to)
        return ERR_OK;
    enum err err = file->damaged ? ERR_CORRUPT : ERR_OK;
    uint32_t i = 0;
    if (err == ERR_OK)
        i = store_ts_segment_find(&file->segment, read->group_id);
    for (; err == ERR_OK && i < file->segment.blocks; i++) {
        struct store_ts_segment_entry entry =
            store_ts_segment_entry(&file->segment, i);
        if (entry.group != read->group_id || entry.t0 > read->to)
            break;
        if (entry.t1 >= read->from)
            err = read_block(read, file, &entry);
    }
    if (err == ERR_CORRUPT) {
        base_stat_inc(&read->ts->counts.corrupt, 1);
        base_log_say(read->ts->config.log, BASE_LOG_ERROR, "store",
                     "segment_corrupt", "segment=%016llx",
                     (unsigned long long)file->id);
    }
    return err;
}

/* The samples stand in ts->samples[0 .. *ret_count). */
static enum err
read_all(struct store_ts *ts, uint32_t group, uint32_t column, int64_t from,
         int64_t to, uint64_t limit, size_t *ret_count)
{
    struct read read = {
        .ts = ts,
        .group = store_ts_index_group(ts, group),
        .group_id = group,
        .column = column,
        .from = from,
        .to = to,
        .limit = limit,
        .in_order = true,
        .walk = {.scratch = ts->scratch,
                 .from = from,
                 .to = to,
                 .fn = read_row},
    };
    must(column < read.group->column_count);
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < ts->file_count && err == ERR_OK; i++)
        err = read_file(&read, &ts->files[i]);
    if (err == ERR_OK && ts->is_sealing)
        err = read_head(&read, &read.group->sealing, ts->gen - 1);
    if (err == ERR_OK)
        err = read_head(&read, &read.group->active, ts->gen);
    if (err != ERR_OK)
        return err;
    read_compact(&read);
    *ret_count = read.count;
    return read.count > limit ? ERR_LIMIT : ERR_OK;
}

static void
read_done(struct store_ts *ts)
{
    if (ts->sample_room <= READ_ROOM_KEPT)
        return;
    base_mem_free(ts->samples);
    ts->samples = NULL;
    ts->sample_room = 0;
}

enum err
store_ts_read(struct store_ts *ts, uint32_t group, uint32_t column,
              int64_t from, int64_t to, uint64_t limit,
              struct base_arena *arena, struct store_ts_sample **ret_samples,
              uint64_t *ret_count)
{
    size_t count = 0;
    enum err err = read_all(ts, group, column, from, to, limit, &count);
    if (err == ERR_OK) {
        struct store_ts_sample *samples =
            base_arena_alloc(arena, count * sizeof *samples);
        if (!samples)
            err = ERR_LIMIT;
        else if (count > 0)
            memcpy(samples, ts->samples, count * sizeof *samples);
        *ret_samples = samples;
        *ret_count = count;
    }
    read_done(ts);
    return err;
}

/* --- the nearest one --- */

static bool
read_far(int64_t from, int64_t to, int64_t step)
{
    return (uint64_t)to - (uint64_t)from > (uint64_t)step;
}

static int64_t
read_longer(int64_t step)
{
    return step > INT64_MAX / READ_STEP_GROWS ? step : step * READ_STEP_GROWS;
}

/* The newest in [from, to], looked for in growing steps backwards. */
static enum err
read_back(struct store_ts *ts, uint32_t group, uint32_t column, int64_t from,
          int64_t to, struct store_ts_sample *ret_sample)
{
    int64_t step = READ_STEP_MS;
    from = from < ts->first_t ? ts->first_t : from;
    to = to > ts->last_t ? ts->last_t : to;
    while (from <= to) {
        int64_t low = read_far(from, to, step) ? to - step : from;
        size_t count = 0;
        enum err err = read_all(ts, group, column, low, to, UINT64_MAX, &count);
        if (err == ERR_OK && count > 0)
            *ret_sample = ts->samples[count - 1];
        read_done(ts);
        if (err != ERR_OK || count > 0)
            return err;
        if (low == from)
            break;
        to = low - 1;
        step = read_longer(step);
    }
    return ERR_ABSENT;
}

enum err
store_ts_newest(struct store_ts *ts, uint32_t group, uint32_t column_index)
{
    struct store_ts_column *column =
        &store_ts_index_group(ts, group)->columns[column_index];
    struct store_ts_sample sample;
    if (column->t != STORE_TS_UNKNOWN)
        return ERR_OK;
    enum err err =
        read_back(ts, group, column_index, ts->first_t, ts->last_t, &sample);
    if (err == ERR_ABSENT) {
        column->t = STORE_TS_NEVER;
        return ERR_OK;
    }
    if (err != ERR_OK)
        return err;
    column->t = sample.t;
    column->cell = (struct wire_rows_cell){
        .mantissa = sample.value.mantissa,
        .exponent = sample.value.exponent,
        .kind = sample.value.kind,
    };
    return ERR_OK;
}

enum err
store_ts_last(struct store_ts *ts, uint32_t group, uint32_t column_index,
              int64_t t, int64_t lookback, struct store_ts_sample *ret_sample)
{
    const struct store_ts_group *its = store_ts_index_group(ts, group);
    must(column_index < its->column_count);
    const struct store_ts_column *column = &its->columns[column_index];
    int64_t from;
    if (__builtin_sub_overflow(t, lookback, &from))
        from = INT64_MIN;
    from = from < INT64_MAX ? from + 1 : from;
    enum err err = store_ts_newest(ts, group, column_index);
    if (err != ERR_OK || column->t == STORE_TS_NEVER)
        return err != ERR_OK ? err : ERR_ABSENT;
    if (column->t > t)
        return read_back(ts, group, column_index, from, t, ret_sample);
    if (column->t < from)
        return ERR_ABSENT;
    *ret_sample = (struct store_ts_sample){
        .t = column->t,
        .value = {.mantissa = column->cell.mantissa,
                  .exponent = column->cell.exponent,
                  .kind = column->cell.kind},
    };
    return ERR_OK;
}
