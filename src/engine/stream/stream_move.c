/* stream_move.c -- see stream_move.h. */
#include "engine/stream/stream_move.h"

#include "base/base_mem.h"
#include "engine/stream/stream_private.h"
#include "model/model_id.h"

enum {
    MOVE_SPAN = 1 << 18, /* samples of an identifier in memory */
    MOVE_ROWS = 4096,    /* written in a turn */
    MOVE_BUSY_MS = 20,
};

/* Before and after every sample: times are a retention long at most. */
static const int64_t move_far_ms = INT64_C(1) << 52;

/* --- shut --- */

static struct bytes
move_prefix(struct bytes id)
{
    return base_bytes_slice(id, 0, base_bytes_find(id, '/'));
}

bool
stream_move_is_shut(struct stream *stream, struct bytes id)
{
    uint8_t folded[MODEL_PREFIX_MAX];
    struct bytes prefix = move_prefix(id);
    if (stream->shut.count == 0 || prefix.size > sizeof folded)
        return false;
    base_bytes_fold(prefix, folded);
    return base_map_get(&stream->shut, base_bytes(folded, prefix.size)) != NULL;
}

void
stream_move_shut(struct stream *stream, struct bytes prefix, bool shut)
{
    uint8_t folded[MODEL_PREFIX_MAX];
    struct bytes key, name = base_bytes(folded, prefix.size);
    void *value;
    if (prefix.size > sizeof folded)
        return;
    base_bytes_fold(prefix, folded);
    if (!shut) {
        base_map_remove(&stream->shut, name);
        return;
    }
    base_map_put(&stream->shut, name, stream);
    for (size_t i = 0; base_map_next(&stream->units, &i, &key, &value);) {
        struct stream_unit *unit = value;
        if (base_bytes_equal(move_prefix(key), name))
            unit->known = false;
    }
}

/* --- out --- */

struct move_column {
    struct store_ts_sample *samples;
    uint64_t count, next;
};

struct move_read {
    struct stream_move_out *move;
    uint32_t group, count;
    struct move_column columns[WIRE_SAMPLES_COLUMNS];
    struct wire_rows_cell cells[WIRE_SAMPLES_COLUMNS];
};

/* The columns that have a sample at the least time left; 0: none is. */
static uint32_t
move_next(struct move_read *read, int64_t *ret_t, uint32_t *columns,
          struct num *values)
{
    uint32_t count = 0;
    for (uint32_t c = 0; c < read->count; c++) {
        const struct move_column *column = &read->columns[c];
        if (column->next == column->count)
            continue;
        const struct store_ts_sample *sample = &column->samples[column->next];
        if (count > 0 && sample->t > *ret_t)
            continue;
        if (count > 0 && sample->t < *ret_t)
            count = 0;
        *ret_t = sample->t;
        columns[count] = c;
        values[count++] = sample->value;
    }
    for (uint32_t i = 0; i < count; i++)
        read->columns[columns[i]].next++;
    return count;
}

static enum err
move_block(struct move_read *read)
{
    struct stream_move_out *move = read->move;
    struct wire_rows_state state = {.cells = read->cells,
                                    .stride = sizeof read->cells[0],
                                    .room = read->count};
    uint32_t *columns = move->stream->columns, count;
    struct num *values = move->stream->values;
    int64_t t = 0;
    for (uint32_t c = 0; c < read->count; c++)
        read->cells[c].stamp = 0;
    base_out_reset(&move->rows);
    while ((count = move_next(read, &t, columns, values)) > 0) {
        wire_rows_body_write(&move->rows, &state, false, t, columns, values,
                             count);
        move->samples += count;
    }
    if (move->rows.size > 0)
        wire_samples_block_write(&move->out, base_out_bytes(&move->rows));
    return base_out_ok(&move->rows) ? move->out.failed : move->rows.failed;
}

/* All of [from, to], in halves where that is too much at once. */
static enum err
move_span(struct move_read *read, int64_t from, int64_t to)
{
    struct stream *stream = read->move->stream;
    uint64_t left = MOVE_SPAN;
    enum err err = ERR_OK;
    base_arena_reset(&stream->arena);
    for (uint32_t c = 0; c < read->count && err == ERR_OK; c++) {
        struct move_column *column = &read->columns[c];
        column->next = 0;
        err = store_ts_read(stream->ts, read->group, c, from, to, left,
                            &stream->arena, &column->samples, &column->count);
        left -= err == ERR_OK ? column->count : 0;
    }
    if (err == ERR_OK)
        return move_block(read);
    if (err != ERR_LIMIT || from == to)
        return err;
    int64_t middle = from + (to - from) / 2;
    err = move_span(read, from, middle);
    return err == ERR_OK ? move_span(read, middle + 1, to) : err;
}

/* The windows that this node has not folded, and will not. */
static void
move_windows(struct stream_move_out *move, const struct stream_unit *unit)
{
    for (const struct stream_lane *lane = unit->lanes; lane; lane = lane->after)
        for (uint32_t i = 0; i < lane->count; i++)
            wire_samples_window_write(
                &move->out,
                base_bytes_text(stream_lane_pack(move->stream, lane)->name),
                lane->windows[i]->window);
}

static enum err
move_unit(struct stream_move_out *move, const struct stream_unit *unit)
{
    struct stream *stream = move->stream;
    struct move_read *read = base_mem_zero(sizeof *read);
    struct wire_samples_unit *head = base_mem_zero(sizeof *head);
    read->move = move;
    read->group = unit->group;
    read->count = store_ts_columns(stream->ts, unit->group);
    if (read->count > WIRE_SAMPLES_COLUMNS)
        read->count = WIRE_SAMPLES_COLUMNS; /* STREAM_SERIES_MAX of them */
    head->id = base_bytes(unit->id, unit->id_size);
    head->count = read->count;
    for (uint32_t c = 0; c < read->count; c++)
        head->metrics[c] = store_ts_metric(stream->ts, unit->group, c);
    for (struct stream_lane *lane = unit->lanes; lane; lane = lane->after)
        head->window_count += lane->count;
    enum err err = ERR_OK;
    if (read->count > 0) {
        wire_samples_unit_write(&move->out, head);
        move_windows(move, unit);
        err = move_span(read, -move_far_ms, move_far_ms);
        wire_samples_block_write(&move->out, (struct bytes){0});
    }
    base_mem_free(head);
    base_mem_free(read);
    return err == ERR_OK ? move->out.failed : err;
}

static void
move_out_end(struct stream_move_out *move, enum err err)
{
    base_out_done(&move->rows);
    if (err == ERR_BIG)
        base_err_note(&move->note, err,
                      "its samples: a bundle takes %d MiB, and %llu samples "
                      "did not fit; `prefix resume` takes the export back",
                      STREAM_MOVE_MAX >> 20, (unsigned long long)move->samples);
    else if (err != ERR_OK)
        base_err_note(&move->note, err, "its samples: %s", base_err_text(err));
    move->done(move, err);
}

static void
move_out_turn(struct base_task *task)
{
    struct stream_move_out *move =
        BASE_OUTER(task, struct stream_move_out, task);
    struct stream *stream = move->stream;
    while (move->group < stream->group_room) {
        const struct stream_unit *unit = stream->groups[move->group++];
        if (unit == NULL ||
            !base_bytes_equal_folded(
                move_prefix(base_bytes(unit->id, unit->id_size)), move->prefix))
            continue;
        enum err err = move_unit(move, unit);
        if (err != ERR_OK)
            move_out_end(move, err);
        else
            base_loop_post(stream->config.loop, &move->task);
        return;
    }
    move_out_end(move, ERR_OK);
}

static void
move_out_synced(struct store_journal_wait *wait, enum err err)
{
    struct stream_move_out *move =
        BASE_OUTER(wait, struct stream_move_out, wait);
    if (err != ERR_OK) {
        move_out_end(move, err);
        return;
    }
    base_loop_post(move->stream->config.loop, &move->task);
}

void
stream_move_export(struct stream *stream, struct stream_move_out *move)
{
    move->stream = stream;
    move->task = (struct base_task){.fn = move_out_turn};
    move->wait = (struct store_journal_wait){.fn = move_out_synced,
                                             .loop = stream->config.loop};
    base_out_grow(&move->out, STREAM_MOVE_MAX);
    base_out_grow(&move->rows, STREAM_MOVE_MAX);
    wire_samples_begin(&move->out);
    stream_move_shut(stream, move->prefix, true);
    store_journal_barrier(stream->config.journal, &move->wait);
}

/* --- in --- */

static void
move_in_durable(struct store_journal_wait *wait, enum err err)
{
    struct stream_move_in *move = BASE_OUTER(wait, struct stream_move_in, wait);
    if (err != ERR_OK)
        base_err_note(&move->note, err, "its samples: %s", base_err_text(err));
    move->done(move, err);
}

/* The windows that the host had still to fold, and what a restart finds. */
static void
move_in_windows(struct stream_move_in *move, struct stream_unit *unit)
{
    struct stream *stream = move->stream;
    struct bytes name;
    uint32_t number;
    struct wall start, end;
    while (wire_samples_window(&move->unit, &name, &number))
        for (unsigned p = 0; p < stream->config.packs->count; p++) {
            const struct model_pack *pack = stream->config.packs->at[p];
            if (!base_bytes_is(name, pack->name) ||
                model_calendar_bounds(&pack->calendar, number, &start, &end) !=
                    ERR_OK)
                continue;
            for (unsigned f = 0; f < pack->freq_count; f++)
                if (pack->freqs[f].freq == model_window_freq(number))
                    stream_window_mark(stream,
                                       stream_window_lane(stream, unit, p, f),
                                       number, move->first);
        }
    unit->hot_end = INT64_MIN;
    stream_start_unit(stream, unit);
}

static enum err
move_in_row(struct stream_move_in *move, const struct stream_unit *unit)
{
    struct stream *stream = move->stream;
    const struct wire_rows_row *row = &move->room.row;
    uint64_t sequence;
    for (uint32_t i = 0; i < row->count; i++)
        stream->columns[i] = move->columns[move->room.values.columns[i]];
    enum err err = store_ts_append(stream->ts,
                                   &(struct store_ts_row){
                                       .group = unit->group,
                                       .count = row->count,
                                       .t = row->t,
                                       .columns = stream->columns,
                                       .values = move->room.values.values,
                                   },
                                   1, &sequence);
    if (err == ERR_TIME) {
        move->old += row->count;
        return ERR_OK;
    }
    if (err != ERR_OK)
        return err;
    base_stat_inc(&stream->counts.samples, row->count);
    move->taken += row->count;
    move->last = stream->appended = sequence;
    if (move->first == 0)
        move->first = sequence;
    return ERR_OK;
}

/* The identifier that comes next, with all of its columns; ABSENT: none. */
static enum err
move_in_begin(struct stream_move_in *move)
{
    struct stream *stream = move->stream;
    if (!wire_samples_unit_next(&move->cur, &move->unit))
        return ERR_ABSENT;
    struct stream_unit *unit = stream_unit_make(stream, move->unit.id);
    enum err err = unit ? stream_group(stream, unit) : ERR_NAME;
    for (unsigned i = 0; i < move->unit.count && err == ERR_OK; i++)
        err = stream_column(stream, unit, move->unit.metrics[i],
                            &move->columns[i], NULL);
    base_cur_init(&move->rows, (struct bytes){0});
    move->at = unit;
    move->first = 0;
    move->more = true;
    return err;
}

/* A row, or the end of the identifier. */
static enum err
move_in_one(struct stream_move_in *move)
{
    while (!move->row && move->more) {
        move->row = wire_samples_row(&move->rows, &move->room);
        if (!move->row)
            move->more = wire_samples_block(&move->cur, &move->unit,
                                            &move->room, &move->rows);
    }
    if (move->row) {
        enum err err = move_in_row(move, move->at);
        move->row = err != ERR_OK;
        return err;
    }
    move_in_windows(move, move->at);
    move->at = NULL;
    return ERR_OK;
}

static void
move_in_end(struct stream_move_in *move, enum err err)
{
    struct stream *stream = move->stream;
    stream_fold_schedule(stream);
    if (err != ERR_OK || move->last == 0) {
        if (err != ERR_OK)
            base_err_note(&move->note, err, "its samples: %s",
                          base_err_text(err));
        move->done(move, err);
        return;
    }
    move->wait = (struct store_journal_wait){.fn = move_in_durable,
                                             .loop = stream->config.loop};
    store_journal_wait(stream->config.journal, stream->stream, move->last,
                       &move->wait);
}

static void
move_in_turn(struct base_task *task)
{
    struct stream_move_in *move = BASE_OUTER(task, struct stream_move_in, task);
    enum err err = move->err;
    for (unsigned i = 0; i < MOVE_ROWS && err == ERR_OK; i++) {
        if (move->at == NULL)
            err = move_in_begin(move);
        if (err == ERR_OK)
            err = move_in_one(move);
    }
    if (err == ERR_OK)
        base_loop_post(move->stream->config.loop, &move->task);
    else if (err == ERR_BUSY)
        base_loop_timer(move->stream->config.loop, &move->timer, MOVE_BUSY_MS);
    else
        move_in_end(move, err == ERR_ABSENT ? ERR_OK : err);
}

static void
move_in_again(struct base_timer *timer)
{
    struct stream_move_in *move =
        BASE_OUTER(timer, struct stream_move_in, timer);
    move_in_turn(&move->task);
}

/* Whole, and of this node's own identifiers only. */
static enum err
move_in_check(struct stream_move_in *move)
{
    struct bytes own = move->stream->config.port->own;
    enum err err =
        wire_samples_open(move->samples, &move->unit, &move->room, &move->cur);
    struct base_cur cur = move->cur;
    while (err == ERR_OK && wire_samples_unit_next(&cur, &move->unit)) {
        struct model_id id;
        err = model_id_parse(move->unit.id, &id);
        if (err == ERR_OK && !base_bytes_equal_folded(id.prefix, own))
            err = ERR_DENIED;
        while (wire_samples_block(&cur, &move->unit, &move->room, &move->rows))
            ;
    }
    return err;
}

void
stream_move_import(struct stream *stream, struct stream_move_in *move)
{
    move->stream = stream;
    move->task = (struct base_task){.fn = move_in_turn};
    move->timer = (struct base_timer){.fn = move_in_again};
    move->err = move_in_check(move);
    base_loop_post(stream->config.loop, &move->task);
}
