/* stream_private.h -- what the parts of stream share.
 *
 *   stream.c         identifiers, writing, watches
 *   stream_feed.c    which metrics feed which inputs of which packs
 *   stream_window.c  the dirty set: which windows must be folded again
 *   stream_fold.c    folding them, telling rollup, its answers
 *   stream_start.c   what to fold after a restart
 *   stream_move.c    all samples of a prefix, out and in
 *   stream_query.c, stream_answer.c, stream_keep.c   on their own
 *
 * Lanes    a unit's figures in one (pack, frequency).  A lane's `next` is the
 *          first window that no sample has reached yet; next - 1 is its newest.
 *
 *   window   DIRTY --due, read--> HELD --synced--> TOLD --OK--> gone
 *              ^                   | cut             | BUSY, FULL
 *              '-------------------+-----------------'
 *            a sample that comes in HELD or TOLD sets `again`: DIRTY after OK
 *
 * Holds    rollup keeps, as FOLDED, the sequence W that a fold event carries;
 *          after a crash the samples above W are looked at again.  So W must
 *          stay below the *hold* of every window that would be lost otherwise.
 *          What needs no hold is what stream_start finds without the journal:
 *
 *          (R) for every series its newest sample, at T: window(T), and for
 *              `last` inputs all windows that end by T + stale; where a value
 *              holds (time_in, integral), all that begin before.
 *
 *          Hence the rules when sample x (time t, sequence q) arrives in a
 *          series whose newest was at T:
 *          1. t >= T: window(t) needs no hold, (R) will find it.  But (R) finds
 *             window(T) and its tail no more: every dirty window of the lane
 *             before window(t) that has no hold gets q.  Replaying x marks
 *             window(T) and its tail, as the sample before x is at T.
 *          2. t < T: x changes window(t), the window of the next sample (its
 *             rise), for `last` those up to it; all get q, unless it is
 *             window(T).
 *          W = min(sequence seen at the fold's read, all other holds - 1).
 *          A window leaves the set only when rollup has it durably.
 *
 * The journal may go up to W too (STORE_JOURNAL_FOLDED), even when no event
 * carries it: what is below needs no second look. */
#ifndef STREAM_PRIVATE_H
#define STREAM_PRIVATE_H

#include "base/base_map.h"
#include "engine/stream/stream.h"
#include "model/model_fold.h"

enum {
    STREAM_SERIES_MAX = 1000,   /* of one identifier */
    STREAM_WINDOWS_MAX = 65536, /* dirty */
    STREAM_TAILS_MAX = 16384,   /* above it, tails wait */
    STREAM_TOLD_MAX = 256,      /* folds held, or not answered by rollup */
    STREAM_PACKS_MAX = 64,
    STREAM_POINTS_MAX = 4096, /* of one message */
    STREAM_RUN_MS = 600000,
    STREAM_AGAIN_MS = 1000,
};

#define STREAM_NEVER INT64_MIN

/* --- stream_feed.c --- */

struct stream_feed { /* a set of inputs; shared by all series that feed it */
    unsigned count;
    struct stream_feed_input {
        uint16_t pack, input;
    } at[]; /* by pack */
};

enum { STREAM_FEED_UNKNOWN, STREAM_FEED_NONE, STREAM_FEED_FIRST };

struct stream_feeds {
    struct stream_feed **at;
    unsigned count;
    struct base_map metrics; /* those that some input asks for */
};

void stream_feed_init(struct stream_feeds *feeds,
                      const struct model_pack_list *packs, uint64_t seed);
void stream_feed_done(struct stream_feeds *feeds);

/* --- units --- */

struct stream_window;

struct stream_lane {
    struct stream_lane *after; /* of the same unit */
    struct stream_unit *unit;
    uint16_t pack, freq;
    bool live; /* next is set */
    uint32_t next;
    struct stream_window **windows; /* dirty ones, by window */
    uint32_t count, room;
    struct base_timer tail; /* when `next` may need a fold of its own */
};

struct stream_run { /* replayed rows, close in time */
    int64_t t0, t1;
    uint64_t sequence0, sequence1;
};

struct stream_unit {
    uint8_t id_size;
    bool known;
    uint32_t group; /* UINT32_MAX: none yet */
    uint32_t feed_count;
    uint16_t *feeds;            /* by column: UNKNOWN, NONE, FIRST + index */
    int64_t hot_start, hot_end; /* samples within change no window's state */
    uint64_t out;               /* packs that will not have it */
    struct stream_lane *lanes;
    uint8_t id[]; /* registered spelling */
};

/* The feed of a column, or NULL: nobody asks for it. */
const struct stream_feed *stream_feed_of(struct stream *stream,
                                         struct stream_unit *unit,
                                         uint32_t column);

/* --- stream_window.c --- */

enum stream_window_state { STREAM_DIRTY, STREAM_HELD, STREAM_TOLD };

struct stream_window {
    struct stream_lane *lane;
    uint32_t window;
    enum stream_window_state state;
    bool again;
    uint64_t again_hold; /* of what came in since it was read; 0: none */
    uint64_t token;
    uint64_t read; /* journal's sequence when the samples were read */
    struct model_event_fold *event; /* HELD */
    struct base_link link;          /* HELD: in stream->held */
    struct base_timer due;          /* wall ms; DIRTY */
    struct base_timer hold;         /* its sequence; set or not */
};

/* A sample has been appended; newest: of its series, before it. */
void stream_window_feed(struct stream *stream, struct stream_unit *unit,
                        uint32_t column, int64_t t, int64_t newest,
                        uint64_t sequence);
/* Dirty it; hold 0: none is needed.  false: too old to be folded. */
bool stream_window_mark(struct stream *stream, struct stream_lane *lane,
                        uint32_t window, uint64_t hold);
/* All of [first, last]. */
void stream_window_marks(struct stream *stream, struct stream_lane *lane,
                         uint32_t first, uint32_t last, uint64_t hold);
void stream_window_free(struct stream *stream, struct stream_window *window);
struct stream_window *stream_window_find(struct stream *stream, uint64_t token);
/* DIRTY again; after_ms from now, but not before it is due. */
void stream_window_dirty(struct stream *stream, struct stream_window *window,
                         int64_t after_ms);
struct stream_lane *stream_window_lane(struct stream *stream,
                                       struct stream_unit *unit, unsigned pack,
                                       unsigned freq);
void stream_window_forget(struct stream *stream, struct stream_unit *unit,
                          uint64_t packs);
/* What a lane's inputs want of one column. */
struct stream_want {
    bool any, last, delta;            /* last: or it holds */
    bool holds;                       /* into windows that end later, too */
    int64_t last_ms, delta_ms;        /* the longest stale */
    unsigned last_scale, delta_scale; /* the largest */
};

/* Windows that a sample at t reaches, whose value counts until then: the last
 * one. */
uint32_t stream_window_reach(const struct stream_lane *lane,
                             struct stream *stream,
                             const struct stream_want *want, int64_t t,
                             int64_t until);
uint32_t stream_window_of(struct stream *stream, const struct stream_lane *lane,
                          int64_t t);
/* The next window, as the pack's calendar has it; window may be none. */
uint32_t stream_window_after(struct stream *stream,
                             const struct stream_lane *lane, uint32_t window);
/* Tails whose window has ended become dirty, as far as there is room. */
void stream_window_tails(struct stream *stream, int64_t now);
void stream_window_tail_arm(struct stream *stream, struct stream_lane *lane);
/* The lowest hold but this window's own; UINT64_MAX: none. */
uint64_t stream_window_lowest(struct stream *stream, struct stream_window *but);

struct stream_want stream_window_want(struct stream *stream,
                                      const struct stream_feed *feed,
                                      unsigned pack);

/* Samples up to t have changed: what that changes behind t's own window.  bare:
 * a window that needs no hold; limit: none from there on. */
void stream_window_behind(struct stream *stream, struct stream_lane *lane,
                          uint32_t column, int64_t t,
                          const struct stream_want *want, uint64_t hold,
                          uint32_t bare, uint32_t limit);

/* --- stream_fold.c --- */

void stream_fold_schedule(struct stream *stream);
void stream_fold_timer(struct base_timer *timer);
void stream_fold_task(struct base_task *task);
/* After a sync, or a cut. */
void stream_fold_synced(struct stream *stream);

/* --- stream_start.c --- */

/* (R), for one unit. */
void stream_start_unit(struct stream *stream, struct stream_unit *unit);

/* --- the whole --- */

struct stream_counts {
    struct base_stat samples, unknown, busy, refused, folds, folds_again,
        expired, range, corrupt, dirty, told, series_limit, window_limit;
};

struct stream {
    struct stream_config config;
    struct store_ts *ts;
    unsigned stream;             /* of the journal */
    struct base_map units;       /* folded identifier -> unit */
    struct base_map shut;        /* folded prefixes that are moving away */
    struct stream_unit **groups; /* by group */
    uint32_t group_room;
    struct stream_feeds feeds;

    /* The row under way; newest: of each series, before it. */
    unsigned row_count;
    uint32_t columns[STREAM_POINTS_MAX];
    struct num values[STREAM_POINTS_MAX];
    int64_t newest[STREAM_POINTS_MAX];

    struct base_loop_heap dues, tails, holds;
    struct stream_window **slots; /* by token's low half */
    uint32_t *slots_free;
    uint32_t slot_count, slot_room, slots_free_count;
    uint32_t generation, windows, told; /* told: HELD ones too */
    uint64_t appended;                  /* our last sample's sequence */
    struct base_link held;
    struct base_arena arena;
    struct base_timer timer;
    struct base_task task;
    bool task_posted, started, folding;
    int64_t ahead_ms; /* the wall clock of the mono clock, as last seen */

    struct stream_run **runs; /* by group, during replay */
    uint32_t *run_counts, run_room;

    uint64_t cuts;
    struct store_journal_watch journal_watch;
    struct stream_watch *watches;
    struct stream_counts counts;
};

struct stream_unit *stream_unit_make(struct stream *stream, struct bytes id);
void stream_unit_group(struct stream *stream, struct stream_unit *unit,
                       uint32_t group);
/* Its group, made if need be; LIMIT. */
enum err stream_group(struct stream *stream, struct stream_unit *unit);
/* A column of it; note may be NULL.  NAME LIMIT. */
enum err stream_column(struct stream *stream, struct stream_unit *unit,
                       struct bytes metric, uint32_t *ret_column,
                       struct base_note *note);
/* Of the series, or STREAM_NEVER; damage counts as never. */
int64_t stream_newest(struct stream *stream, uint32_t group, uint32_t column);
int64_t stream_wall(struct stream *stream);

static inline const struct model_pack *
stream_lane_pack(const struct stream *stream, const struct stream_lane *lane)
{
    return stream->config.packs->at[lane->pack];
}

#endif
