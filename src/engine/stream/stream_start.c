/* stream_start.c -- what must be folded after a restart.
 *
 * Two sources, see stream_private.h: (R), the newest sample of every series;
 * and the replayed samples above what rollup has folded.  The latter are kept
 * during the replay as runs: rows of one group within ten minutes. */
#include "base/base_mem.h"
#include "engine/stream/stream_private.h"
#include "model/model_id.h"

enum { START_RUNS_MAX = 1024 }; /* of one group; then they become one */

/* --- during the replay --- */

static bool
start_run_takes(const struct stream_run *run, int64_t t)
{
    int64_t t0 = t < run->t0 ? t : run->t0, t1 = t > run->t1 ? t : run->t1;
    return (uint64_t)t1 - (uint64_t)t0 <= STREAM_RUN_MS;
}

static void
start_run_add(struct stream_run *run, uint64_t sequence0, uint64_t sequence1,
              int64_t t0, int64_t t1)
{
    run->t0 = t0 < run->t0 ? t0 : run->t0;
    run->t1 = t1 > run->t1 ? t1 : run->t1;
    run->sequence0 = sequence0 < run->sequence0 ? sequence0 : run->sequence0;
    run->sequence1 = sequence1 > run->sequence1 ? sequence1 : run->sequence1;
}

static void
start_room(struct stream *stream, uint32_t group)
{
    if (group < stream->run_room)
        return;
    uint32_t room = stream->run_room ? stream->run_room * 2 : 64;
    room = room > group ? room : group + 1;
    stream->runs = base_mem_resize(stream->runs, room * sizeof(void *));
    stream->run_counts =
        base_mem_resize(stream->run_counts, room * sizeof(uint32_t));
    for (uint32_t i = stream->run_room; i < room; i++) {
        stream->runs[i] = NULL;
        stream->run_counts[i] = 0;
    }
    stream->run_room = room;
}

void
stream_replayed(void *self, uint64_t sequence, uint32_t group, int64_t t)
{
    struct stream *stream = self;
    if (!stream->folding)
        return;
    start_room(stream, group);
    struct stream_run *runs = stream->runs[group];
    uint32_t count = stream->run_counts[group];
    if (count > 0 && start_run_takes(&runs[count - 1], t)) {
        start_run_add(&runs[count - 1], sequence, sequence, t, t);
        return;
    }
    if (count == START_RUNS_MAX) {
        for (uint32_t i = 1; i < count; i++)
            start_run_add(&runs[0], runs[i].sequence0, runs[i].sequence1,
                          runs[i].t0, runs[i].t1);
        count = 1;
    }
    if ((count & (count - 1)) == 0)
        stream->runs[group] = runs =
            base_mem_resize(runs, (count ? count * 2 : 1) * sizeof *runs);
    runs[count] = (struct stream_run){t, t, sequence, sequence};
    stream->run_counts[group] = count + 1;
}

/* --- (R) --- */

/* fn for each (lane, series) of the unit that has a sample. */
static void
start_each(struct stream *stream, struct stream_unit *unit,
           void (*fn)(struct stream *stream, struct stream_lane *lane,
                      int64_t newest, const struct stream_want *want))
{
    uint32_t columns = store_ts_columns(stream->ts, unit->group);
    for (uint32_t c = 0; c < columns; c++) {
        const struct stream_feed *feed = stream_feed_of(stream, unit, c);
        int64_t t = feed ? stream_newest(stream, unit->group, c) : STREAM_NEVER;
        if (t == STREAM_NEVER)
            continue;
        for (unsigned p = 0; p < stream->config.packs->count; p++) {
            struct stream_want want = stream_window_want(stream, feed, p);
            unsigned freqs = stream->config.packs->at[p]->freq_count;
            for (unsigned f = 0; want.any && f < freqs; f++)
                fn(stream, stream_window_lane(stream, unit, p, f), t, &want);
        }
    }
}

/* A lane's newest window is the newest of all its series; what ended before
 * now is behind it too. */
static void
start_next(struct stream *stream, struct stream_lane *lane, int64_t newest,
           const struct stream_want *want)
{
    uint32_t now = stream_window_of(stream, lane, stream_wall(stream));
    uint32_t next = stream_window_after(stream, lane,
                                        stream_window_of(stream, lane, newest));
    (void)want;
    next = next > now ? next : now;
    if (!lane->live || next > lane->next)
        lane->next = next;
    lane->live = true;
}

static void
start_marks(struct stream *stream, struct stream_lane *lane, int64_t newest,
            const struct stream_want *want)
{
    uint32_t first = stream_window_of(stream, lane, newest), reach = first;
    if (want->last)
        reach = stream_window_reach(lane, stream, want, newest,
                                    newest + want->last_ms);
    if (reach >= lane->next) /* tails, later */
        reach = lane->next - 1;
    stream_window_marks(stream, lane, first, reach, 0);
}

void
stream_start_unit(struct stream *stream, struct stream_unit *unit)
{
    if (unit->group == UINT32_MAX)
        return;
    start_each(stream, unit, start_next);
    start_each(stream, unit, start_marks);
    for (struct stream_lane *lane = unit->lanes; lane; lane = lane->after)
        stream_window_tail_arm(stream, lane);
}

/* --- the runs --- */

struct start_run {
    struct stream *stream;
    struct stream_unit *unit;
    const struct stream_run *run;
    uint32_t column;
    uint64_t hold;
    struct stream_want want;
};

/* What the sample before the run reached, and what the run changes behind
 * itself; the run's own windows are between. */
static void
start_run_lane(const struct start_run *s, struct stream_lane *lane)
{
    struct stream *stream = s->stream;
    struct store_ts_sample near;
    int64_t t0 = s->run->t0, t1 = s->run->t1;
    uint32_t first = stream_window_of(stream, lane, t0);
    uint32_t last = stream_window_of(stream, lane, t1);
    stream_window_marks(stream, lane, first, last, s->hold);
    if (store_ts_last(stream->ts, s->unit->group, s->column, t0 - 1, INT64_MAX,
                      &near) == ERR_OK) {
        int64_t until = near.t + (s->want.last ? s->want.last_ms : 0);
        until = until < t0 ? until : t0;
        stream_window_marks(
            stream, lane, stream_window_of(stream, lane, near.t),
            stream_window_reach(lane, stream, &s->want, near.t, until),
            s->hold);
    }
    stream_window_behind(stream, lane, s->column, t1, &s->want, s->hold,
                         UINT32_MAX, lane->live ? lane->next : last + 1);
}

static void
start_run(struct stream *stream, struct stream_unit *unit,
          const struct stream_run *run, uint64_t folded)
{
    uint32_t columns = store_ts_columns(stream->ts, unit->group);
    struct start_run s = {
        .stream = stream,
        .unit = unit,
        .run = run,
        .hold = run->sequence0 > folded ? run->sequence0 : folded + 1,
    };
    for (s.column = 0; s.column < columns; s.column++) {
        const struct stream_feed *feed = stream_feed_of(stream, unit, s.column);
        for (unsigned p = 0; feed && p < stream->config.packs->count; p++) {
            unsigned freqs = stream->config.packs->at[p]->freq_count;
            s.want = stream_window_want(stream, feed, p);
            for (unsigned f = 0; s.want.any && f < freqs; f++)
                start_run_lane(&s, stream_window_lane(stream, unit, p, f));
        }
    }
}

static void
start_unit(struct stream *stream, uint32_t group, uint64_t folded)
{
    const struct model_labels *labels = store_ts_labels(stream->ts, group);
    struct model_id parts;
    struct bytes id = {NULL, 0};
    if (labels)
        id = model_label_get(labels, base_bytes_text("id"));
    struct stream_unit *unit = stream_unit_make(stream, id);
    if (!unit || unit->group != UINT32_MAX)
        return;
    /* Of a hosted enterprise's, ident knows whether they are still here. */
    unit->known =
        model_id_parse(id, &parts) == ERR_OK &&
        base_bytes_equal_folded(parts.prefix, stream->config.port->own);
    stream_unit_group(stream, unit, group);
    if (!stream->folding)
        return;
    stream_start_unit(stream, unit);
    uint32_t count = group < stream->run_room ? stream->run_counts[group] : 0;
    for (uint32_t i = 0; i < count; i++)
        if (stream->runs[group][i].sequence1 > folded)
            start_run(stream, unit, &stream->runs[group][i], folded);
}

enum err
stream_start(struct stream *stream, struct store_ts *ts, uint64_t folded)
{
    struct store_journal *journal = stream->config.journal;
    struct store_ts_stats stats;
    stream->ts = ts;
    store_ts_stats(ts, &stats);
    for (uint32_t group = 0; group < stats.groups; group++)
        start_unit(stream, group, folded);
    for (uint32_t i = 0; i < stream->run_room; i++)
        base_mem_free(stream->runs[i]);
    base_mem_free(stream->runs);
    base_mem_free(stream->run_counts);
    stream->runs = NULL;
    stream->run_counts = NULL;
    stream->run_room = 0;
    stream->started = true;
    stream->cuts = store_journal_cuts(journal);
    stream->appended = store_journal_appended(journal, stream->stream);
    if (stream->folding) {
        store_journal_need(journal, stream->stream, STORE_JOURNAL_FOLDED);
        store_journal_pass(journal, stream->stream, STORE_JOURNAL_FOLDED,
                           folded);
    }
    store_journal_watch(journal, stream->stream, &stream->journal_watch);
    stream_fold_schedule(stream);
    return ERR_OK;
}
