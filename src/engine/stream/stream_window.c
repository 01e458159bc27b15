/* stream_window.c -- the dirty set; its rules are in stream_private.h. */
#include "base/base_mem.h"
#include "base/base_must.h"
#include "engine/stream/stream_private.h"

enum {
    WINDOW_STEP_MS = 60000,
    WINDOW_STEP_GROWS = 8,
    WINDOW_SAMPLES = 1 << 20
};

/* Times before this are not folded: windows count from 1970. */
static const int64_t window_first_ms = 172800000;

/* --- times --- */

static const struct model_pack_freq *
window_freq(const struct stream *stream, const struct stream_lane *lane)
{
    return &stream_lane_pack(stream, lane)->freqs[lane->freq];
}

static const struct model_calendar *
window_calendar(const struct stream *stream, const struct stream_lane *lane)
{
    return &stream_lane_pack(stream, lane)->calendar;
}

uint32_t
stream_window_of(struct stream *stream, const struct stream_lane *lane,
                 int64_t t)
{
    uint32_t window = 0;
    if (t < window_first_ms)
        t = window_first_ms;
    enum err err = model_calendar_at(window_calendar(stream, lane),
                                     window_freq(stream, lane)->freq,
                                     (struct wall){t}, &window);
    must(err == ERR_OK);
    return window;
}

static void
window_bounds(struct stream *stream, const struct stream_lane *lane,
              uint32_t window, int64_t *ret_start, int64_t *ret_end)
{
    struct wall start = {0}, end = {0};
    enum err err = model_calendar_bounds(window_calendar(stream, lane), window,
                                         &start, &end);
    must(err == ERR_OK);
    *ret_start = start.ms;
    *ret_end = end.ms;
}

/* The last window that ends by `until`, or begins before, but not before
 * window(t). */
uint32_t
stream_window_reach(const struct stream_lane *lane, struct stream *stream,
                    const struct stream_want *want, int64_t t, int64_t until)
{
    uint32_t first = stream_window_of(stream, lane, t);
    if (want->holds) {
        uint32_t holds = stream_window_of(stream, lane, until - 1);
        return holds > first ? holds : first;
    }
    uint32_t beyond = stream_window_of(stream, lane, until);
    return beyond > first
               ? model_calendar_back(window_calendar(stream, lane), beyond)
               : first;
}

uint32_t
stream_window_after(struct stream *stream, const struct stream_lane *lane,
                    uint32_t window)
{
    return model_calendar_next(window_calendar(stream, lane), window);
}

struct stream_want
stream_window_want(struct stream *stream, const struct stream_feed *feed,
                   unsigned pack)
{
    struct stream_want want = {0};
    for (unsigned i = 0; i < feed->count; i++) {
        if (feed->at[i].pack != pack)
            continue;
        const struct model_pack_input *input =
            &stream->config.packs->at[pack]->inputs[feed->at[i].input];
        want.any = true;
        bool holds = input->fold == MODEL_PACK_FOLD_TIME_IN ||
                     input->fold == MODEL_PACK_FOLD_INTEGRAL;
        want.holds |= holds;
        if (input->fold == MODEL_PACK_FOLD_LAST || holds) {
            want.last = true;
            if (input->scale > want.last_scale)
                want.last_scale = input->scale;
            if (input->stale_ms > want.last_ms)
                want.last_ms = input->stale_ms;
        } else if (input->fold == MODEL_PACK_FOLD_DELTA) {
            want.delta = true;
            if (input->scale > want.delta_scale)
                want.delta_scale = input->scale;
            if (input->stale_ms > want.delta_ms)
                want.delta_ms = input->stale_ms;
        }
    }
    return want;
}

/* --- lanes --- */

struct stream_lane *
stream_window_lane(struct stream *stream, struct stream_unit *unit,
                   unsigned pack, unsigned freq)
{
    struct stream_lane *lane = unit->lanes;
    (void)stream;
    while (lane && (lane->pack != pack || lane->freq != freq))
        lane = lane->after;
    if (lane)
        return lane;
    lane = base_mem_zero(sizeof *lane);
    lane->unit = unit;
    lane->pack = (uint16_t)pack;
    lane->freq = (uint16_t)freq;
    lane->after = unit->lanes;
    unit->lanes = lane;
    return lane;
}

/* Where the window stands in the lane, or should. */
static uint32_t
window_place(const struct stream_lane *lane, uint32_t window)
{
    uint32_t low = 0, high = lane->count;
    if (high > 0 && lane->windows[high - 1]->window < window)
        return high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (lane->windows[middle]->window < window)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* --- the set --- */

static uint64_t
window_token(struct stream *stream, struct stream_window *window)
{
    uint32_t slot;
    if (stream->slots_free_count > 0) {
        slot = stream->slots_free[--stream->slots_free_count];
    } else {
        if (stream->slot_count == stream->slot_room) {
            uint32_t room = stream->slot_room ? stream->slot_room * 2 : 64;
            stream->slots =
                base_mem_resize(stream->slots, room * sizeof(void *));
            stream->slots_free = base_mem_resize(
                stream->slots_free, room * sizeof *stream->slots_free);
            stream->slot_room = room;
        }
        slot = stream->slot_count++;
    }
    stream->slots[slot] = window;
    return (uint64_t)++stream->generation << 32 | slot;
}

struct stream_window *
stream_window_find(struct stream *stream, uint64_t token)
{
    uint32_t slot = (uint32_t)token;
    struct stream_window *window =
        slot < stream->slot_count ? stream->slots[slot] : NULL;
    return window && window->token == token ? window : NULL;
}

void
stream_window_free(struct stream *stream, struct stream_window *window)
{
    struct stream_lane *lane = window->lane;
    uint32_t at = window_place(lane, window->window);
    must(at < lane->count && lane->windows[at] == window);
    memmove(lane->windows + at, lane->windows + at + 1,
            (lane->count - at - 1) * sizeof(void *));
    lane->count--;
    base_loop_heap_clear(&stream->dues, &window->due);
    base_loop_heap_clear(&stream->holds, &window->hold);
    if (window->state == STREAM_HELD)
        base_list_remove(&window->link);
    stream->told -= window->state != STREAM_DIRTY;
    lane->unit->hot_end = INT64_MIN;
    stream->slots[(uint32_t)window->token] = NULL;
    stream->slots_free[stream->slots_free_count++] = (uint32_t)window->token;
    stream->windows--;
    base_mem_free(window->event);
    base_mem_free(window);
}

static void
window_hold(struct stream *stream, struct stream_window *window, uint64_t hold)
{
    bool set = window->hold.index != 0;
    if (hold != 0 && (!set || (int64_t)hold < window->hold.at_ms))
        base_loop_heap_set(&stream->holds, &window->hold, (int64_t)hold);
}

/* For when it is DIRTY again; cleared when it is read. */
static void
window_hold_again(struct stream_window *window, uint64_t hold)
{
    if (window->again && hold != 0 &&
        (window->again_hold == 0 || hold < window->again_hold))
        window->again_hold = hold;
}

uint64_t
stream_window_lowest(struct stream *stream, struct stream_window *but)
{
    int64_t own = 0;
    bool mine = but && but->hold.index != 0;
    if (mine) {
        own = but->hold.at_ms;
        base_loop_heap_clear(&stream->holds, &but->hold);
    }
    const struct base_timer *first = base_loop_heap_first(&stream->holds);
    uint64_t lowest = first ? (uint64_t)first->at_ms : UINT64_MAX;
    if (mine)
        base_loop_heap_set(&stream->holds, &but->hold, own);
    return lowest;
}

void
stream_window_dirty(struct stream *stream, struct stream_window *window,
                    int64_t after_ms)
{
    int64_t start, end, now = stream_wall(stream);
    window_bounds(stream, window->lane, window->window, &start, &end);
    int64_t due = end + window_freq(stream, window->lane)->due_ms;
    if (due < now + after_ms)
        due = now + after_ms;
    window->state = STREAM_DIRTY;
    base_loop_heap_set(&stream->dues, &window->due, due);
}

static struct stream_window *
window_new(struct stream *stream, struct stream_lane *lane, uint32_t number,
           uint32_t at)
{
    struct stream_window *window = base_mem_zero(sizeof *window);
    window->lane = lane;
    window->window = number;
    window->token = window_token(stream, window);
    if (lane->count == lane->room) {
        lane->room = lane->room ? lane->room * 2 : 2;
        lane->windows =
            base_mem_resize(lane->windows, lane->room * sizeof(void *));
    }
    memmove(lane->windows + at + 1, lane->windows + at,
            (lane->count - at) * sizeof(void *));
    lane->windows[at] = window;
    lane->count++;
    stream->windows++;
    return window;
}

bool
stream_window_mark(struct stream *stream, struct stream_lane *lane,
                   uint32_t number, uint64_t hold)
{
    uint32_t at = window_place(lane, number);
    struct stream_window *window =
        at < lane->count && lane->windows[at]->window == number
            ? lane->windows[at]
            : NULL;
    if (window) {
        window_hold(stream, window, hold);
        window->again = window->state != STREAM_DIRTY;
        window_hold_again(window, hold);
        return true;
    }
    int64_t start, end, now = stream_wall(stream);
    window_bounds(stream, lane, number, &start, &end);
    if (end + window_freq(stream, lane)->keep_ms < now) {
        base_stat_inc(&stream->counts.expired, 1);
        return false;
    }
    window = window_new(stream, lane, number, at);
    window_hold(stream, window, hold);
    /* A window that has ended waits a second for more of what is late. */
    stream_window_dirty(stream, window, end <= now ? STREAM_AGAIN_MS : 0);
    return true;
}

void
stream_window_marks(struct stream *stream, struct stream_lane *lane,
                    uint32_t first, uint32_t last, uint64_t hold)
{
    const struct model_pack_freq *freq = window_freq(stream, lane);
    uint32_t kept =
        stream_window_of(stream, lane, stream_wall(stream) - freq->keep_ms);
    if (first < kept && first <= last) {
        base_stat_inc(&stream->counts.expired,
                      (kept < last ? kept : last) - first);
        first = kept;
    }
    uint32_t w = stream_window_after(stream, lane, first - 1);
    for (; w <= last; w = stream_window_after(stream, lane, w))
        stream_window_mark(stream, lane, w, hold);
}

void
stream_window_forget(struct stream *stream, struct stream_unit *unit,
                     uint64_t packs)
{
    for (struct stream_lane *lane = unit->lanes; lane; lane = lane->after) {
        if (!(packs >> lane->pack & 1))
            continue;
        base_loop_heap_clear(&stream->tails, &lane->tail);
        while (lane->count > 0)
            stream_window_free(stream, lane->windows[lane->count - 1]);
        lane->live = false;
    }
}

/* --- tails: windows without a sample that a `last` value still reaches --- */

/* A column's newest sample: now, or before the row under way. */
static int64_t
window_newest(struct stream *stream, const struct stream_unit *unit,
              uint32_t column, bool before)
{
    for (unsigned i = 0; before && i < stream->row_count; i++)
        if (stream->columns[i] == column)
            return stream->newest[i];
    return stream_newest(stream, unit->group, column);
}

/* Does some `last` input of this lane reach the window? */
static bool
window_tail_reaches(struct stream *stream, struct stream_lane *lane,
                    uint32_t number, bool before)
{
    struct stream_unit *unit = lane->unit;
    uint32_t columns = store_ts_columns(stream->ts, unit->group);
    for (uint32_t c = 0; c < columns; c++) {
        const struct stream_feed *feed = stream_feed_of(stream, unit, c);
        if (!feed)
            continue;
        struct stream_want want = stream_window_want(stream, feed, lane->pack);
        if (!want.last)
            continue;
        int64_t t = window_newest(stream, unit, c, before);
        if (t != STREAM_NEVER && stream_window_of(stream, lane, t) <= number &&
            stream_window_reach(lane, stream, &want, t, t + want.last_ms) >=
                number)
            return true;
    }
    return false;
}

void
stream_window_tail_arm(struct stream *stream, struct stream_lane *lane)
{
    int64_t start, end;
    if (!window_tail_reaches(stream, lane, lane->next, false)) {
        base_loop_heap_clear(&stream->tails, &lane->tail);
        return;
    }
    window_bounds(stream, lane, lane->next, &start, &end);
    base_loop_heap_set(&stream->tails, &lane->tail,
                       end + window_freq(stream, lane)->due_ms);
}

void
stream_window_tails(struct stream *stream, int64_t now)
{
    const struct base_timer *first;
    while (stream->windows < STREAM_TAILS_MAX &&
           (first = base_loop_heap_first(&stream->tails)) &&
           first->at_ms <= now) {
        struct base_timer *timer = base_loop_heap_first(&stream->tails);
        struct stream_lane *lane = BASE_OUTER(timer, struct stream_lane, tail);
        /* It reaches `next`: that is why it was armed. */
        stream_window_mark(stream, lane, lane->next, 0);
        lane->next = stream_window_after(stream, lane, lane->next);
        lane->unit->hot_end = INT64_MIN;
        stream_window_tail_arm(stream, lane);
    }
}

/* --- a sample has come in --- */

struct window_sample {
    struct stream *stream;
    struct stream_unit *unit;
    uint32_t column;
    int64_t t, newest;
    uint64_t sequence;
    struct stream_want want;
};

/* Rule 1: what (R) found through the sample at `newest` it finds no more. */
static void
window_hand_over(const struct window_sample *s, struct stream_lane *lane,
                 uint32_t number)
{
    for (uint32_t i = 0; i < lane->count; i++) {
        struct stream_window *window = lane->windows[i];
        if (window->window >= number)
            break;
        /* A hold from before a cut may be higher. */
        window_hold(s->stream, window, s->sequence);
        window_hold_again(window, s->sequence);
    }
}

/* The lane moves on: what tails would have dirtied on the way is dirty now. */
static void
window_move_on(const struct window_sample *s, struct stream_lane *lane,
               uint32_t number)
{
    struct stream *stream = s->stream;
    uint32_t w = lane->next;
    for (; lane->live && w < number; w = stream_window_after(stream, lane, w)) {
        if (!window_tail_reaches(stream, lane, w, true))
            break;
        stream_window_mark(stream, lane, w, s->sequence);
    }
    stream_window_mark(stream, lane, number, 0);
    lane->next = stream_window_after(stream, lane, number);
    lane->live = true;
    stream_window_tail_arm(stream, lane);
}

static void
window_newer(const struct window_sample *s, struct stream_lane *lane,
             uint32_t number)
{
    struct stream *stream = s->stream;
    if (s->newest != STREAM_NEVER &&
        stream_window_of(stream, lane, s->newest) < number)
        window_hand_over(s, lane, number);
    if (!lane->live || number >= lane->next) {
        window_move_on(s, lane, number);
        return;
    }
    /* Another series is ahead.  (R) finds all of this. */
    stream_window_mark(stream, lane, number, 0);
    if (!s->want.last)
        return;
    uint32_t reach = stream_window_reach(lane, stream, &s->want, s->t,
                                         s->t + s->want.last_ms);
    if (reach >= lane->next) {
        reach = lane->next - 1;
        stream_window_tail_arm(stream, lane);
    }
    if (reach > number)
        stream_window_marks(stream, lane, number + 1, reach, 0);
}

/* --- behind a late sample --- */

/* A scan for the next sample that a fold can use; unusable ones are seen on the
 * way.  Usable at the largest scale is usable at all. */
struct window_scan {
    struct stream *stream;
    struct stream_lane *lane;
    uint64_t hold;
    unsigned scale;
    bool delta;
    uint32_t bare; /* a window that needs no hold */
    bool found;
    int64_t t; /* of the one found */
};

static bool
window_scan_one(struct window_scan *scan, const struct store_ts_sample *sample)
{
    int64_t value;
    if (scan->delta) {
        uint32_t number = stream_window_of(scan->stream, scan->lane, sample->t);
        stream_window_mark(scan->stream, scan->lane, number,
                           number == scan->bare ? 0 : scan->hold);
    }
    scan->found =
        model_fold_round(sample->value, scan->scale, &value) == ERR_OK &&
        (!scan->delta || value >= 0);
    scan->t = sample->t;
    return scan->found;
}

static void
window_scan(struct window_scan *scan, uint32_t column, int64_t t,
            int64_t within)
{
    struct stream *stream = scan->stream;
    int64_t end = t + within, step = WINDOW_STEP_MS;
    uint32_t group = scan->lane->unit->group;
    while (t < end) {
        struct store_ts_sample *samples;
        uint64_t count;
        int64_t to = end - t > step ? t + step : end;
        base_arena_reset(&stream->arena);
        if (store_ts_read(stream->ts, group, column, t + 1, to, WINDOW_SAMPLES,
                          &stream->arena, &samples, &count) != ERR_OK)
            return;
        for (uint64_t i = 0; i < count; i++)
            if (window_scan_one(scan, &samples[i]))
                return;
        t = to;
        step *= WINDOW_STEP_GROWS;
    }
}

/* What samples up to t change behind t: the rise of the next usable one, and
 * where a last value reaches before it.  No window >= limit. */
void
stream_window_behind(struct stream *stream, struct stream_lane *lane,
                     uint32_t column, int64_t t, const struct stream_want *want,
                     uint64_t hold, uint32_t bare, uint32_t limit)
{
    struct window_scan scan = {.stream = stream,
                               .lane = lane,
                               .hold = hold,
                               .bare = bare,
                               .delta = true,
                               .scale = want->delta_scale};
    if (want->delta)
        window_scan(&scan, column, t, want->delta_ms);
    if (!want->last)
        return;
    scan.delta = scan.found = false;
    scan.scale = want->last_scale;
    window_scan(&scan, column, t, want->last_ms);
    uint32_t first = stream_window_of(stream, lane, t);
    uint32_t reach = stream_window_reach(
        lane, stream, want, t, scan.found ? scan.t : t + want->last_ms);
    if (reach >= limit)
        reach = limit - 1;
    if (reach > first)
        stream_window_marks(stream, lane, first + 1, reach, hold);
}

/* Rule 2. */
static void
window_late(const struct window_sample *s, struct stream_lane *lane,
            uint32_t number)
{
    uint32_t newest = stream_window_of(s->stream, lane, s->newest);
    stream_window_mark(s->stream, lane, number,
                       number == newest ? 0 : s->sequence);
    stream_window_behind(s->stream, lane, s->column, s->t, &s->want,
                         s->sequence, newest,
                         lane->live ? lane->next : UINT32_MAX);
}

/* Where samples of this unit need no more thought: within the newest window of
 * every lane, as long as that is DIRTY. */
static void
window_hot(struct stream *stream, struct stream_unit *unit)
{
    unit->hot_start = INT64_MIN;
    unit->hot_end = INT64_MAX;
    for (struct stream_lane *lane = unit->lanes; lane; lane = lane->after) {
        if (unit->out >> lane->pack & 1)
            continue;
        const struct stream_window *last =
            lane->count > 0 ? lane->windows[lane->count - 1] : NULL;
        if (!lane->live || !last ||
            stream_window_after(stream, lane, last->window) != lane->next ||
            last->state != STREAM_DIRTY) {
            unit->hot_end = INT64_MIN;
            return;
        }
        int64_t start, end;
        window_bounds(stream, lane, last->window, &start, &end);
        unit->hot_start = start > unit->hot_start ? start : unit->hot_start;
        unit->hot_end = end < unit->hot_end ? end : unit->hot_end;
    }
}

void
stream_window_feed(struct stream *stream, struct stream_unit *unit,
                   uint32_t column, int64_t t, int64_t newest,
                   uint64_t sequence)
{
    const struct stream_feed *feed = stream_feed_of(stream, unit, column);
    struct window_sample s = {.stream = stream,
                              .unit = unit,
                              .column = column,
                              .t = t,
                              .newest = newest,
                              .sequence = sequence};
    if (t < window_first_ms) {
        base_stat_inc(&stream->counts.expired, 1);
        return;
    }
    for (unsigned p = 0; p < stream->config.packs->count; p++) {
        const struct model_pack *pack = stream->config.packs->at[p];
        s.want = stream_window_want(stream, feed, p);
        if (!s.want.any || unit->out >> p & 1)
            continue;
        for (unsigned f = 0; f < pack->freq_count; f++) {
            struct stream_lane *lane = stream_window_lane(stream, unit, p, f);
            uint32_t number = stream_window_of(stream, lane, t);
            if (newest == STREAM_NEVER || t >= newest)
                window_newer(&s, lane, number);
            else
                window_late(&s, lane, number);
        }
    }
    window_hot(stream, unit);
    stream_fold_schedule(stream);
}
