/* stream.h -- the engine that takes in samples, keeps them, and folds them.
 *
 * Why: doors know protocols, store_ts knows files; between them somebody must
 * know that a sample belongs to an identifier, when it may be acknowledged,
 * and which figure windows it changes.
 *
 * Shape    a sample belongs to an identifier: its series is {id="P/S",
 *          __name__="metric"}.  Written samples are visible at once; they may
 *          be acknowledged when stream_synced() has reached the sequence that
 *          the write returned.
 * Folding  spec rollup 1 and RULINGS 26: a sample at t dirties the windows of
 *          every pack input that matches its metric from t to its series' next
 *          sample, at most t + stale.  At end + due a window is folded by
 *          model_fold from the durable samples and told to rollup
 *          (MODEL_EVENT_FOLD); later changes at most once a second.  Replay
 *          dirties what lies above rollup's FOLDED sequence.
 * Threads  one owner, the ingest loop, unless said otherwise.
 * Limits   1,000 series per identifier; 65,536 dirty windows, store_ts's memory
 *          (then samples are BUSY: come again); times from the retention to
 *          10 min ahead.
 * Errors   ABSENT the identifier is not known here yet (ask ident), NAME a
 *          metric name is unfit, TIME, LIMIT, FULL, BUSY, IO. */
#ifndef STREAM_H
#define STREAM_H

#include "model/model_event.h"
#include "store/store_ts.h"

struct stream;

struct stream_config {
    struct store_ts *ts;
    struct store_journal *journal;
    unsigned shard;
    struct base_loop *loop;
    struct model_port *port;
    const struct model_pack_list *packs;
    struct base_stats *stats;
    struct base_log *log;
    uint64_t seed;
};

/* Before store_ts_open, so that stream_replayed can be given to it; start once
 * ts is there (config.ts may be set late by stream_start). */
enum err stream_new(const struct stream_config *config,
                    struct stream **ret_stream);
void stream_replayed(void *stream, uint64_t sequence, uint32_t group,
                     int64_t t);
/* folded: rollup's durable FOLDED sequence of this shard. */
enum err stream_start(struct stream *stream, struct store_ts *ts,
                      uint64_t folded);
void stream_free(struct stream *stream);

struct stream_point {
    struct bytes metric;
    struct num value;
};

struct stream_sample {
    struct bytes id;
    int64_t t; /* 0: the time of arrival */
    const struct stream_point *points;
    unsigned count;
};

/* Is the identifier registered, as far as this engine knows? */
bool stream_knows(struct stream *stream, struct bytes id);
/* The door has it from ident that this one exists. */
void stream_learn(struct stream *stream, struct bytes id);

/* All points or none.  note (may be NULL) says which point was wrong. */
enum err stream_write(struct stream *stream, const struct stream_sample *sample,
                      uint64_t *ret_sequence, struct base_note *note);

/* The hot way: (id, metric) resolved once, then numbers. */
struct stream_slot {
    uint32_t group, column;
};

enum err stream_resolve(struct stream *stream, struct bytes id,
                        struct bytes metric, struct stream_slot *ret_slot);
enum err stream_write_slot(struct stream *stream, struct stream_slot slot,
                           int64_t t, struct num value, uint64_t *ret_sequence);

/* Durable so far; failed: nothing more will be (answer IO, FULL). */
uint64_t stream_synced(struct stream *stream);
enum err stream_state(struct stream *stream); /* OK FULL IO */
/* Space is short (or gone): what can be done without, dead letters and
 * backfill, is refused. */
bool stream_low(struct stream *stream);
/* Refusals of unsynced writes so far: when it rises, what was owed above
 * stream_synced() is lost and must be refused, never acknowledged. */
uint64_t stream_cuts(struct stream *stream);

/* Called on the ingest loop after each sync. */
struct stream_watch {
    void (*fn)(struct stream_watch *watch);
    struct stream_watch *next; /* stream's */
};

void stream_watch(struct stream *stream, struct stream_watch *watch);

/* Where the samples are, for stream_query.c. */
struct store_ts *stream_ts(struct stream *stream);

/* rollup -> stream, through the port. */
void stream_take_folded(void *stream, struct model_event *event);
void stream_take_object(void *stream, struct model_event *event);

struct stream_stats {
    uint64_t samples, dirty_windows, identifiers;
};

void stream_stats(struct stream *stream, struct stream_stats *ret_stats);

#endif
