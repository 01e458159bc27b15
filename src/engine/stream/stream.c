/* stream.c -- identifiers, writing, and who is told of syncs.
 *
 * The hot way is stream_write_slot: one table look-up, store_ts_append, and
 * for a series that feeds a figure two comparisons (hot_start, hot_end). */
#include "base/base_mem.h"
#include "base/base_must.h"
#include "engine/stream/stream_move.h"
#include "engine/stream/stream_private.h"
#include "model/model_id.h"

enum { STREAM_ARENA = 64 << 20 };

/* --- identifiers --- */

int64_t
stream_wall(struct stream *stream)
{
    return base_loop_wall(stream->config.loop).ms;
}

/* NULL: not known. */
static struct stream_unit *
unit_find(struct stream *stream, struct bytes id)
{
    uint8_t folded[MODEL_ID_MAX];
    if (id.size == 0 || id.size > sizeof folded)
        return NULL;
    base_bytes_fold(id, folded);
    return base_map_get(&stream->units, base_bytes(folded, id.size));
}

struct stream_unit *
stream_unit_make(struct stream *stream, struct bytes id)
{
    uint8_t folded[MODEL_ID_MAX];
    struct stream_unit *unit = unit_find(stream, id);
    if (unit || id.size == 0 || id.size > sizeof folded)
        return unit;
    unit = base_mem_zero(sizeof *unit + id.size);
    unit->id_size = (uint8_t)id.size;
    unit->group = UINT32_MAX;
    unit->hot_end = INT64_MIN;
    memcpy(unit->id, id.at, id.size);
    base_bytes_fold(id, folded);
    base_map_put(&stream->units, base_bytes(folded, id.size), unit);
    return unit;
}

void
stream_unit_group(struct stream *stream, struct stream_unit *unit,
                  uint32_t group)
{
    if (group >= stream->group_room) {
        uint32_t room = stream->group_room ? stream->group_room * 2 : 64;
        room = room > group ? room : group + 1;
        stream->groups = base_mem_resize(stream->groups, room * sizeof(void *));
        memset(stream->groups + stream->group_room, 0,
               (room - stream->group_room) * sizeof(void *));
        stream->group_room = room;
    }
    stream->groups[group] = unit;
    unit->group = group;
}

bool
stream_knows(struct stream *stream, struct bytes id)
{
    const struct stream_unit *unit = unit_find(stream, id);
    return unit && unit->known;
}

void
stream_learn(struct stream *stream, struct bytes id)
{
    struct stream_unit *unit = stream_unit_make(stream, id);
    if (unit)
        unit->known = !stream_move_is_shut(stream, id);
}

/* The record's spelling, as long as no series carries another. */
static void
stream_spell(struct stream_unit *unit, struct bytes id)
{
    if (unit->group == UINT32_MAX && id.size == unit->id_size)
        memcpy(unit->id, id.at, id.size);
}

void
stream_take_object(void *self, struct model_event *event)
{
    struct stream *stream = self;
    const struct model_event_object *object =
        BASE_OUTER(event, struct model_event_object, event);
    struct bytes id = base_bytes(object->id, object->id_size);
    struct stream_unit *unit = stream_unit_make(stream, id);
    if (!unit)
        return;
    stream_spell(unit, id);
    unit->known = object->active && !stream_move_is_shut(stream, id);
    if (unit->out == 0 || !object->active)
        return;
    /* It may be in scope now: what is open or has just ended is folded. */
    unit->out = 0;
    unit->hot_end = INT64_MIN;
    stream_start_unit(stream, unit);
    stream_fold_schedule(stream);
}

/* --- series --- */

static bool
stream_name_fits(struct bytes metric)
{
    for (size_t i = 0; i < metric.size; i++) {
        int byte = metric.at[i] | 32;
        bool letter = (byte >= 'a' && byte <= 'z') || metric.at[i] == '_';
        bool digit = metric.at[i] >= '0' && metric.at[i] <= '9';
        if (!letter && (!digit || i == 0))
            return false;
    }
    return metric.size > 0 && metric.size <= MODEL_LABEL_NAME;
}

enum err
stream_group(struct stream *stream, struct stream_unit *unit)
{
    struct model_label label = {base_bytes_text("id"),
                                base_bytes(unit->id, unit->id_size)};
    const struct model_labels *labels;
    uint32_t group;
    if (unit->group != UINT32_MAX)
        return ERR_OK;
    base_arena_reset(&stream->arena);
    enum err err = model_label_set(&stream->arena, &label, 1, &labels, NULL);
    if (err == ERR_OK)
        err = store_ts_group(stream->ts, labels, &group);
    if (err == ERR_OK)
        stream_unit_group(stream, unit, group);
    return err;
}

enum err
stream_column(struct stream *stream, struct stream_unit *unit,
              struct bytes metric, uint32_t *ret_column, struct base_note *note)
{
    char name[64];
    base_bytes_string(metric, name, sizeof name);
    if (!stream_name_fits(metric)) {
        base_stat_inc(&stream->counts.refused, 1);
        return base_err_note(
            note, ERR_NAME,
            "\"%s\" is no metric name: [A-Za-z_][A-Za-z0-9_]*, "
            "at most %d bytes",
            name, MODEL_LABEL_NAME);
    }
    uint32_t before = store_ts_columns(stream->ts, unit->group);
    uint32_t limit = before >= STREAM_SERIES_MAX;
    enum err err = ERR_OK;
    if (!limit)
        err = store_ts_column(stream->ts, unit->group, metric, ret_column);
    for (uint32_t i = 0; limit && i < before; i++)
        if (base_bytes_equal(store_ts_metric(stream->ts, unit->group, i),
                             metric)) {
            *ret_column = i;
            return ERR_OK;
        }
    if (!limit && err != ERR_LIMIT)
        return err;
    base_stat_inc(&stream->counts.series_limit, 1);
    return base_err_note(note, ERR_LIMIT, "no more series for \"%s\"", name);
}

enum err
stream_resolve(struct stream *stream, struct bytes id, struct bytes metric,
               struct stream_slot *ret_slot)
{
    struct stream_unit *unit = unit_find(stream, id);
    uint32_t column;
    if (!unit || !unit->known) {
        base_stat_inc(&stream->counts.unknown, 1);
        return ERR_ABSENT;
    }
    enum err err = stream_group(stream, unit);
    if (err == ERR_OK)
        err = stream_column(stream, unit, metric, &column, NULL);
    if (err == ERR_OK)
        *ret_slot = (struct stream_slot){unit->group, column};
    return err;
}

/* --- writing --- */

int64_t
stream_newest(struct stream *stream, uint32_t group, uint32_t column)
{
    struct store_ts_sample sample;
    if (store_ts_last(stream->ts, group, column, INT64_MAX, INT64_MAX,
                      &sample) != ERR_OK)
        return STREAM_NEVER;
    return sample.t;
}

/* count columns in stream->columns, values in stream->values. */
static enum err
stream_append(struct stream *stream, struct stream_unit *unit, int64_t t,
              unsigned count, uint64_t *ret_sequence)
{
    const uint32_t *columns = stream->columns;
    bool fed = false;
    for (unsigned i = 0; i < count; i++) {
        stream->newest[i] = STREAM_NEVER;
        if (!stream->folding || !stream_feed_of(stream, unit, columns[i]))
            continue;
        fed = true;
        stream->newest[i] = stream_newest(stream, unit->group, columns[i]);
    }
    if (fed && stream->windows >= STREAM_WINDOWS_MAX) {
        base_stat_inc(&stream->counts.window_limit, 1);
        return ERR_BUSY;
    }
    enum err err = store_ts_append(stream->ts,
                                   &(struct store_ts_row){
                                       .group = unit->group,
                                       .count = count,
                                       .t = t,
                                       .columns = columns,
                                       .values = stream->values,
                                   },
                                   1, ret_sequence);
    if (err != ERR_OK) {
        base_stat_inc(err == ERR_BUSY ? &stream->counts.busy
                                      : &stream->counts.refused,
                      count);
        return err;
    }
    base_stat_inc(&stream->counts.samples, count);
    stream->appended = *ret_sequence;
    stream->row_count = count;
    for (unsigned i = 0; fed && i < count; i++) {
        int64_t newest = stream->newest[i];
        if (t >= unit->hot_start && t < unit->hot_end &&
            newest >= unit->hot_start && newest < unit->hot_end)
            continue;
        if (stream_feed_of(stream, unit, columns[i]))
            stream_window_feed(stream, unit, columns[i], t, newest,
                               *ret_sequence);
    }
    stream->row_count = 0;
    return ERR_OK;
}

enum err
stream_write_slot(struct stream *stream, struct stream_slot slot, int64_t t,
                  struct num value, uint64_t *ret_sequence)
{
    must(slot.group < stream->group_room && stream->groups[slot.group]);
    struct stream_unit *unit = stream->groups[slot.group];
    if (!unit->known) {
        base_stat_inc(&stream->counts.unknown, 1);
        return ERR_ABSENT;
    }
    stream->columns[0] = slot.column;
    stream->values[0] = value;
    return stream_append(stream, unit, t ? t : stream_wall(stream), 1,
                         ret_sequence);
}

/* The points into stream->columns, each column once, the last value kept. */
static enum err
stream_points(struct stream *stream, struct stream_unit *unit,
              const struct stream_sample *sample, unsigned *ret_count,
              struct base_note *note)
{
    unsigned count = 0;
    for (unsigned i = 0; i < sample->count; i++) {
        const struct stream_point *point = &sample->points[i];
        uint32_t column;
        enum err err =
            stream_column(stream, unit, point->metric, &column, note);
        if (err != ERR_OK)
            return err;
        unsigned at = count;
        for (unsigned k = 0; k < count; k++)
            if (stream->columns[k] == column)
                at = k;
        stream->columns[at] = column;
        stream->values[at] = point->value;
        count += at == count;
    }
    *ret_count = count;
    return ERR_OK;
}

enum err
stream_write(struct stream *stream, const struct stream_sample *sample,
             uint64_t *ret_sequence, struct base_note *note)
{
    struct stream_unit *unit = unit_find(stream, sample->id);
    unsigned count;
    if (!unit || !unit->known) {
        base_stat_inc(&stream->counts.unknown, sample->count);
        return base_err_note(note, ERR_ABSENT,
                             "the identifier is not registered here");
    }
    if (sample->count == 0 || sample->count > STREAM_POINTS_MAX)
        return base_err_note(note, sample->count ? ERR_LIMIT : ERR_SHORT,
                             "%u values in one message: 1 to %d", sample->count,
                             STREAM_POINTS_MAX);
    enum err err = stream_group(stream, unit);
    if (err != ERR_OK)
        return base_err_note(note, err, "no more identifiers with series: %s",
                             base_err_text(err));
    err = stream_points(stream, unit, sample, &count, note);
    if (err != ERR_OK)
        return err;
    err =
        stream_append(stream, unit, sample->t ? sample->t : stream_wall(stream),
                      count, ret_sequence);
    if (err == ERR_TIME)
        return base_err_note(note, err,
                             "the time is older than what is kept, or over 10 "
                             "minutes ahead");
    return err;
}

/* --- syncs --- */

uint64_t
stream_synced(struct stream *stream)
{
    return store_journal_synced(stream->config.journal, stream->stream);
}

enum err
stream_state(struct stream *stream)
{
    switch (store_journal_state(stream->config.journal)) {
    case STORE_JOURNAL_FAILED:
        return ERR_IO;
    case STORE_JOURNAL_FULLD:
        return ERR_FULL;
    case STORE_JOURNAL_OK:
    case STORE_JOURNAL_LOW:
        break;
    }
    return ERR_OK;
}

bool
stream_low(struct stream *stream)
{
    return store_journal_state(stream->config.journal) != STORE_JOURNAL_OK;
}

uint64_t
stream_cuts(struct stream *stream)
{
    return store_journal_cuts(stream->config.journal);
}

void
stream_watch(struct stream *stream, struct stream_watch *watch)
{
    watch->next = stream->watches;
    stream->watches = watch;
}

static void
stream_synced_now(struct store_journal_watch *watch)
{
    struct stream *stream = BASE_OUTER(watch, struct stream, journal_watch);
    stream_fold_synced(stream);
    for (struct stream_watch *w = stream->watches; w; w = w->next)
        w->fn(w);
}

/* --- the whole --- */

struct store_ts *
stream_ts(struct stream *stream)
{
    return stream->ts;
}

void
stream_stats(struct stream *stream, struct stream_stats *ret_stats)
{
    *ret_stats = (struct stream_stats){
        .samples = (uint64_t)base_stat_get(&stream->counts.samples),
        .dirty_windows = stream->windows,
        .identifiers = stream->units.count,
    };
}

static void
stream_count(struct stream *stream, bool add)
{
    struct stream_counts *c = &stream->counts;
    const struct base_stat_row rows[] = {
        {&c->unknown, BASE_STAT_COUNTER, "dougong_ingest_refused_total",
         "why=\"unknown\"", "Samples refused"},
        {&c->busy, BASE_STAT_COUNTER, "dougong_ingest_refused_total",
         "why=\"busy\"", "Samples refused"},
        {&c->refused, BASE_STAT_COUNTER, "dougong_ingest_refused_total",
         "why=\"other\"", "Samples refused"},
        {&c->folds, BASE_STAT_COUNTER, "dougong_fold_windows_total", "",
         "Windows folded and told to rollup"},
        {&c->folds_again, BASE_STAT_COUNTER, "dougong_fold_again_total", "",
         "Folds that had to come again"},
        {&c->expired, BASE_STAT_COUNTER, "dougong_fold_expired_total", "",
         "Windows not folded because the pack keeps none so old"},
        {&c->range, BASE_STAT_COUNTER, "dougong_fold_range_total", "",
         "Inputs left out because their value is out of range"},
        {&c->corrupt, BASE_STAT_COUNTER, "dougong_fold_corrupt_total", "",
         "Windows not folded because their samples are damaged"},
        {&c->dirty, BASE_STAT_GAUGE, "dougong_fold_dirty_windows", "",
         "Windows to be folded"},
        {&c->told, BASE_STAT_GAUGE, "dougong_fold_told_windows", "",
         "Folds that rollup has not answered yet"},
        {&c->series_limit, BASE_STAT_COUNTER, "dougong_limit_hit_total",
         "limit=\"stream_series\"", "Times a limit was hit"},
        {&c->window_limit, BASE_STAT_COUNTER, "dougong_limit_hit_total",
         "limit=\"fold_windows\"", "Times a limit was hit"},
    };
    base_stat_rows(stream->config.stats, rows, BASE_COUNT(rows), add);
}

enum err
stream_new(const struct stream_config *config, struct stream **ret_stream)
{
    struct stream *stream = base_mem_zero(sizeof *stream);
    must(config->packs->count <= STREAM_PACKS_MAX);
    stream->config = *config;
    stream->ts = config->ts;
    stream->stream = STORE_JOURNAL_SAMPLES + config->shard;
    base_map_init(&stream->units, config->seed);
    base_map_init(&stream->shut, config->seed);
    stream_feed_init(&stream->feeds, config->packs, config->seed);
    base_list_init(&stream->held);
    base_arena_init(&stream->arena, STREAM_ARENA);
    stream->timer.fn = stream_fold_timer;
    stream->task.fn = stream_fold_task;
    stream->journal_watch = (struct store_journal_watch){
        .fn = stream_synced_now, .loop = config->loop};
    for (unsigned i = 0; i < config->packs->count; i++)
        stream->folding |= config->packs->at[i]->input_count > 0;
    stream_count(stream, true);
    *ret_stream = stream;
    return ERR_OK;
}

static void
stream_unit_free(struct stream_unit *unit)
{
    for (struct stream_lane *lane = unit->lanes, *after; lane; lane = after) {
        after = lane->after;
        base_mem_free(lane->windows);
        base_mem_free(lane);
    }
    base_mem_free(unit->feeds);
    base_mem_free(unit);
}

void
stream_free(struct stream *stream)
{
    void *unit;
    if (!stream)
        return;
    base_loop_timer_clear(stream->config.loop, &stream->timer);
    base_loop_heap_done(&stream->dues);
    base_loop_heap_done(&stream->tails);
    base_loop_heap_done(&stream->holds);
    for (uint32_t i = 0; i < stream->slot_count; i++) {
        if (stream->slots[i])
            base_mem_free(stream->slots[i]->event);
        base_mem_free(stream->slots[i]);
    }
    for (size_t i = 0; base_map_next(&stream->units, &i, NULL, &unit);)
        stream_unit_free(unit);
    for (uint32_t i = 0; i < stream->run_room; i++)
        base_mem_free(stream->runs[i]);
    base_map_done(&stream->units);
    base_map_done(&stream->shut);
    stream_feed_done(&stream->feeds);
    base_arena_done(&stream->arena);
    base_mem_free(stream->runs);
    base_mem_free(stream->run_counts);
    base_mem_free(stream->slots);
    base_mem_free(stream->slots_free);
    base_mem_free(stream->groups);
    stream_count(stream, false);
    base_mem_free(stream);
}
