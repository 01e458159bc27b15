/* stream_fold.c -- folding what is due, and what comes back.
 *
 * Economy  model_fold is defined over all samples of [start - stale, end); what
 *          it can see of those before start is one usable sample (delta, and
 *          what holds) or of all the newest usable one (last), so no more is
 *          read.
 * Commit   a fold may have read what is not durable yet: its event waits until
 *          the journal has synced all that was appended when it was read.
 * Pace     64 folds a turn, 256 events that rollup has not answered. */
#include "base/base_mem.h"
#include "base/base_must.h"
#include "crypt/crypt_hash.h"
#include "engine/stream/stream_private.h"

enum {
    FOLD_TURN = 64,
    FOLD_TICK_MS = 1000,
    FOLD_SAMPLES = 1 << 20,
    FOLD_LOOKS = 64, /* backwards past unusable samples */
    FOLD_TEXT = 8 << 20,
};

/* --- reading --- */

struct fold_read {
    struct stream *stream;
    const struct model_pack_input *input;
    uint32_t group, column;
    int64_t start, end;
    struct model_fold_sample *samples;
    size_t count;
    struct base_out text; /* of all that was read */
};

static bool
fold_usable(const struct model_pack_input *input, struct num value)
{
    int64_t rounded;
    return model_fold_round(value, input->scale, &rounded) == ERR_OK &&
           (input->fold != MODEL_PACK_FOLD_DELTA || rounded >= 0);
}

/* The newest usable sample in [from, before). */
static enum err
fold_back(const struct fold_read *read, int64_t from, int64_t before,
          struct model_fold_sample *ret_sample)
{
    struct store_ts_sample sample = {.t = before};
    for (unsigned i = 0; i < FOLD_LOOKS && sample.t > from; i++) {
        enum err err =
            store_ts_last(read->stream->ts, read->group, read->column,
                          sample.t - 1, sample.t - from, &sample);
        if (err != ERR_OK)
            return err;
        if (fold_usable(read->input, sample.value)) {
            *ret_sample = (struct model_fold_sample){sample.t, sample.value};
            return ERR_OK;
        }
    }
    return sample.t > from ? ERR_LIMIT : ERR_ABSENT;
}

/* All of [from, end) behind what is there. */
static enum err
fold_all(struct fold_read *read, int64_t from)
{
    struct base_arena *arena = &read->stream->arena;
    struct model_fold_sample before = {0};
    size_t kept = read->count;
    if (kept > 0)
        before = read->samples[0];
    struct store_ts_sample *samples;
    uint64_t count;
    enum err err =
        store_ts_read(read->stream->ts, read->group, read->column, from,
                      read->end - 1, FOLD_SAMPLES, arena, &samples, &count);
    if (err != ERR_OK)
        return err;
    read->samples =
        base_arena_alloc(arena, (count + kept) * sizeof *read->samples);
    if (!read->samples)
        return ERR_LIMIT;
    if (kept > 0)
        read->samples[0] = before;
    for (uint64_t i = 0; i < count; i++)
        read->samples[kept + i] =
            (struct model_fold_sample){samples[i].t, samples[i].value};
    read->count = kept + count;
    return ERR_OK;
}

static enum err
fold_samples(struct fold_read *read)
{
    const struct model_pack_input *input = read->input;
    int64_t first = read->start - input->stale_ms;
    bool last = input->fold == MODEL_PACK_FOLD_LAST;
    bool before_start = input->fold == MODEL_PACK_FOLD_DELTA ||
                        input->fold == MODEL_PACK_FOLD_TIME_IN ||
                        input->fold == MODEL_PACK_FOLD_INTEGRAL;
    base_arena_reset(&read->stream->arena);
    read->count = 0;
    read->samples =
        base_arena_alloc(&read->stream->arena, sizeof *read->samples);
    if (!last && !before_start)
        return fold_all(read, read->start);
    int64_t before = last ? read->end : read->start;
    int64_t from = last ? read->end - input->stale_ms : first;
    enum err err = fold_back(read, from, before, read->samples);
    if (err == ERR_LIMIT) /* a long run of unusable ones: as it is defined */
        return fold_all(read, first);
    if (err != ERR_OK && err != ERR_ABSENT)
        return err;
    read->count = err == ERR_OK;
    return last ? ERR_OK : fold_all(read, read->start);
}

/* The unit's column that feeds this input; false: none does. */
static bool
fold_column(struct stream *stream, struct stream_unit *unit, unsigned pack,
            unsigned input, uint32_t *ret_column)
{
    uint32_t columns = store_ts_columns(stream->ts, unit->group);
    for (uint32_t c = 0; c < columns; c++) {
        const struct stream_feed *feed = stream_feed_of(stream, unit, c);
        for (unsigned i = 0; feed && i < feed->count; i++)
            if (feed->at[i].pack == pack && feed->at[i].input == input) {
                *ret_column = c;
                return true;
            }
    }
    return false;
}

/* What the figure walks down to: see model_event.h. */
static void
fold_write(struct fold_read *read, struct model_event_fold *event)
{
    char number[BASE_NUM_TEXT];
    if (read->count > 0)
        base_out_format(&read->text, "%s\n", read->input->name);
    for (size_t i = 0; i < read->count; i++) {
        const struct model_fold_sample *sample = &read->samples[i];
        base_out_format(&read->text, "%lld %s\n", (long long)sample->t_ms,
                        base_num_text(sample->num, number));
        if (event->samples++ == 0 || sample->t_ms < event->first_ms)
            event->first_ms = sample->t_ms;
        if (event->samples == 1 || sample->t_ms > event->last_ms)
            event->last_ms = sample->t_ms;
    }
}

static enum err
fold_input(struct fold_read *read, unsigned index,
           struct model_event_fold *event)
{
    int64_t value;
    enum err err = fold_samples(read);
    if (err != ERR_OK)
        return err;
    fold_write(read, event);
    err = model_fold(read->input, (struct wall){read->start},
                     (struct wall){read->end}, read->samples, read->count,
                     &value, NULL);
    if (err == ERR_OK) {
        event->mask |= UINT64_C(1) << index;
        event->values[index] = value;
    } else if (err == ERR_RANGE) {
        base_stat_inc(&read->stream->counts.range, 1);
    }
    return ERR_OK;
}

static enum err
fold_inputs(struct stream *stream, const struct stream_window *window,
            struct model_event_fold *event)
{
    const struct stream_lane *lane = window->lane;
    const struct model_pack *pack = stream_lane_pack(stream, lane);
    struct wall start, end;
    enum err err =
        model_calendar_bounds(&pack->calendar, window->window, &start, &end);
    struct fold_read read = {.stream = stream,
                             .group = lane->unit->group,
                             .start = start.ms,
                             .end = end.ms};
    base_out_grow(&read.text, FOLD_TEXT);
    for (unsigned i = 0; i < pack->input_count && err == ERR_OK; i++) {
        read.input = &pack->inputs[i];
        if (fold_column(stream, lane->unit, lane->pack, i, &read.column))
            err = fold_input(&read, i, event);
    }
    if (base_out_ok(&read.text))
        crypt_hash_sha256(base_out_bytes(&read.text), event->digest);
    else
        event->samples = 0;
    base_out_done(&read.text);
    return err;
}

/* --- telling --- */

/* Every sample up to here has been folded and stored, or is found without the
 * journal; `but` is about to be. */
static uint64_t
fold_sequence(struct stream *stream, struct stream_window *but, uint64_t most)
{
    uint64_t lowest = stream_window_lowest(stream, but);
    return lowest <= most ? lowest - 1 : most;
}

static void
fold_tell(struct stream *stream, struct stream_window *window)
{
    struct model_event_fold *event = window->event;
    struct model_port *port = stream->config.port;
    window->event = NULL;
    window->state = STREAM_TOLD;
    event->sequence = fold_sequence(stream, window, window->read);
    base_stat_inc(&stream->counts.folds, 1);
    port->ops->tell(port, &event->event);
}

static void
fold_one(struct stream *stream, struct stream_window *window)
{
    struct stream_unit *unit = window->lane->unit;
    struct model_event_fold *event = base_mem_zero(sizeof *event);
    base_loop_heap_clear(&stream->dues, &window->due);
    unit->hot_end = INT64_MIN;
    window->again = false;
    window->again_hold = 0;
    window->read = stream->appended;
    enum err err = fold_inputs(stream, window, event);
    if (err != ERR_OK || event->mask == 0) {
        /* Damaged: no figure is better than a wrong one.  Empty: rollup has
         * nothing for it, as samples do not go away. */
        if (err != ERR_OK)
            base_stat_inc(&stream->counts.corrupt, 1);
        base_mem_free(event);
        stream_window_free(stream, window);
        return;
    }
    event->event.kind = MODEL_EVENT_FOLD;
    event->pack = window->lane->pack;
    event->window = window->window;
    event->shard = stream->config.shard;
    event->token = window->token;
    event->unit_size = unit->id_size;
    memcpy(event->unit, unit->id, unit->id_size);
    window->event = event;
    window->state = STREAM_HELD;
    stream->told++;
    base_list_add(&stream->held, &window->link);
}

/* The journal may have cut off what held folds have read: they come again. */
static void
fold_look_for_cut(struct stream *stream)
{
    uint64_t cuts = store_journal_cuts(stream->config.journal);
    if (cuts == stream->cuts)
        return;
    stream->cuts = cuts;
    store_ts_rewind(stream->ts);
    stream->appended =
        store_journal_appended(stream->config.journal, stream->stream);
    while (!base_list_empty(&stream->held)) {
        struct stream_window *window =
            BASE_OUTER(stream->held.next, struct stream_window, link);
        base_list_remove(&window->link);
        base_mem_free(window->event);
        window->event = NULL;
        stream->told--;
        stream_window_dirty(stream, window, 0);
    }
}

static void
fold_release(struct stream *stream)
{
    uint64_t synced = stream_synced(stream);
    fold_look_for_cut(stream); /* after synced was read: it is of this era */
    while (!base_list_empty(&stream->held)) {
        struct stream_window *window =
            BASE_OUTER(stream->held.next, struct stream_window, link);
        if (window->read > synced)
            break; /* the later ones have read later */
        base_list_remove(&window->link);
        fold_tell(stream, window);
    }
}

/* --- when --- */

static void
fold_pass(struct stream *stream)
{
    if (!stream->started || !stream->folding)
        return;
    store_journal_pass(stream->config.journal, stream->stream,
                       STORE_JOURNAL_FOLDED,
                       fold_sequence(stream, NULL, stream_synced(stream)));
    base_stat_set(&stream->counts.dirty, stream->windows);
    base_stat_set(&stream->counts.told, stream->told);
}

static void
fold_run(struct stream *stream)
{
    int64_t now = stream_wall(stream);
    fold_look_for_cut(stream);
    stream_window_tails(stream, now);
    for (unsigned i = 0; i < FOLD_TURN; i++) {
        struct base_timer *first = base_loop_heap_first(&stream->dues);
        if (!first || first->at_ms > now || stream->told >= STREAM_TOLD_MAX)
            break;
        fold_one(stream, BASE_OUTER(first, struct stream_window, due));
    }
    fold_release(stream);
    fold_pass(stream);
}

/* The wall clock went back: what was to come in a second would wait until the
 * clock shows that second again. */
static void
fold_clock(struct stream *stream, int64_t now)
{
    int64_t ahead = now - base_loop_mono(stream->config.loop).ms;
    bool back = ahead < stream->ahead_ms - STREAM_AGAIN_MS;
    stream->ahead_ms = ahead;
    for (uint32_t i = 0; back && i < stream->slot_count; i++)
        if (stream->slots[i] && stream->slots[i]->state == STREAM_DIRTY)
            stream_window_dirty(stream, stream->slots[i], STREAM_AGAIN_MS);
}

void
stream_fold_schedule(struct stream *stream)
{
    int64_t now = stream_wall(stream), at = now + FOLD_TICK_MS;
    fold_clock(stream, now);
    const struct base_timer *due = base_loop_heap_first(&stream->dues);
    const struct base_timer *tail = base_loop_heap_first(&stream->tails);
    if (!stream->started || (!due && !tail))
        return;
    /* At least every second, as the wall clock may jump. */
    if (due && stream->told < STREAM_TOLD_MAX && due->at_ms < at)
        at = due->at_ms;
    if (tail && stream->windows < STREAM_TAILS_MAX && tail->at_ms < at)
        at = tail->at_ms;
    if (at <= now && !stream->task_posted) {
        stream->task_posted = true;
        base_loop_post(stream->config.loop, &stream->task);
    } else if (at > now) {
        base_loop_timer(stream->config.loop, &stream->timer, at - now);
    }
}

void
stream_fold_task(struct base_task *task)
{
    struct stream *stream = BASE_OUTER(task, struct stream, task);
    stream->task_posted = false;
    fold_run(stream);
    stream_fold_schedule(stream);
}

void
stream_fold_timer(struct base_timer *timer)
{
    struct stream *stream = BASE_OUTER(timer, struct stream, timer);
    fold_run(stream);
    stream_fold_schedule(stream);
}

void
stream_fold_synced(struct stream *stream)
{
    fold_release(stream);
    fold_pass(stream);
    stream_fold_schedule(stream);
}

/* --- answers --- */

static void
fold_stored(struct stream *stream, struct stream_window *window)
{
    if (!window->again) {
        stream_window_free(stream, window);
        return;
    }
    base_loop_heap_clear(&stream->holds, &window->hold);
    if (window->again_hold != 0)
        base_loop_heap_set(&stream->holds, &window->hold,
                           (int64_t)window->again_hold);
    stream_window_dirty(stream, window, STREAM_AGAIN_MS);
}

void
stream_take_folded(void *self, struct model_event *event)
{
    struct stream *stream = self;
    const struct model_event_folded *folded =
        BASE_OUTER(event, struct model_event_folded, event);
    struct stream_window *window =
        folded->shard == stream->config.shard
            ? stream_window_find(stream, folded->token)
            : NULL;
    if (!window || window->state != STREAM_TOLD)
        return;
    if (folded->err == ERR_NAME) {
        struct stream_unit *unit = window->lane->unit;
        uint64_t pack = UINT64_C(1) << window->lane->pack;
        unit->out |= pack;
        stream_window_forget(stream, unit, pack);
    } else {
        stream->told--;
        window->state = STREAM_DIRTY;
        if (folded->err == ERR_OK) {
            fold_stored(stream, window);
        } else {
            base_stat_inc(&stream->counts.folds_again, 1);
            stream_window_dirty(stream, window, STREAM_AGAIN_MS);
        }
    }
    fold_pass(stream);
    stream_fold_schedule(stream);
}
