/* store_ts.h -- samples: taken in by rows, kept in segments, read by time.
 *
 * Why: see spec store.  A row is one group's values at one time; a group is a
 * label set without __name__ (usually one machine), its metrics are columns
 * that share the time column.
 *
 *   append -> journal shard -> head (memory, per group) -> segment files
 *
 * Shape    equal (series, t): the last write wins.  Late rows are merged when
 *          read.  Everything not yet in a manifested segment is in the head and
 *          is rebuilt from the journal at open.  Segment and block formats are
 *          drawn in store_ts_segment.c; columns use codec 7 (RAW) for now.
 * Threads  one owner per store_ts (the ingest loop).  Sealing writes its file
 *          on config.worker (a loop that may block) and comes back by post.
 * Memory   head <= config.head_bytes; beyond it segments are written early,
 *          then appends are BUSY until one is; 4,096 columns a group,
 *          config.series_max series.
 * Kept     a segment goes when all in it is older than the newest sample by
 *          more than config.retention_ms and two days (looked for each hour).
 * Limits   32 labels; name 128 B, value 1,024 B, set 4 KiB; time from
 *          now - retention to now + 10 min.
 * Errors   LABEL LIMIT TIME FULL BUSY IO CORRUPT PARTIAL UNSUPPORTED. */
#ifndef STORE_TS_H
#define STORE_TS_H

#include "base/base_num.h"
#include "model/model_label.h"
#include "store/store_journal.h"
#include "store/store_kv.h"

struct store_ts;

struct store_ts_config {
    struct store_journal *journal;
    unsigned shard;           /* stream STORE_JOURNAL_SAMPLES + shard */
    struct store_kv *kv;      /* stream's environment: the manifest */
    struct base_loop *loop;   /* the owner's */
    struct base_loop *worker; /* kv's owner; writes segments */
    struct sys_files *files;
    struct base_stats *stats;
    struct base_log *log;
    const char *folder;  /* DATA/seg */
    uint64_t seed;       /* of the hash tables */
    uint64_t head_bytes; /* 0: 256 MiB */
    int64_t retention_ms;
    int64_t seal_ms;     /* 0: 2 h */
    uint32_t series_max; /* 0: 1,000,000 */
};

/* Reads the manifest, maps segments, replays the journal. Each replayed row is
 * also given to `replayed` (may be NULL), so that stream can mark windows. */
enum err store_ts_open(const struct store_ts_config *config,
                       struct store_ts **ret_ts,
                       void (*replayed)(void *self, uint64_t sequence,
                                        uint32_t group, int64_t t),
                       void *self, struct base_note *note);
void store_ts_shut(struct store_ts *ts);  /* orderly */
void store_ts_crash(struct store_ts *ts); /* frees only */

/* Resolve or make a group; labels sorted, without __name__. */
enum err store_ts_group(struct store_ts *ts, const struct model_labels *labels,
                        uint32_t *ret_group);
/* The group, if it is there. */
enum err store_ts_group_find(struct store_ts *ts,
                             const struct model_labels *labels,
                             uint32_t *ret_group);
/* Resolve or make a column of the group. */
enum err store_ts_column(struct store_ts *ts, uint32_t group,
                         struct bytes metric, uint32_t *ret_column);

struct store_ts_row {
    uint32_t group;
    uint32_t count;
    int64_t t;
    const uint32_t *columns; /* distinct */
    const struct num *values;
};

/* All rows or, on error, none.  Visible at once, durable when the shard's
 * stream has synced *ret_sequence. */
enum err store_ts_append(struct store_ts *ts, const struct store_ts_row *rows,
                         unsigned count, uint64_t *ret_sequence);
/* After a journal cut (store_journal_cuts rose): forget what was not synced. */
void store_ts_rewind(struct store_ts *ts);

/* One selected series, in the order of its labels. */
struct store_ts_series {
    uint32_t group, column;
    struct bytes metric;
    const struct model_labels *labels; /* of the group */
};

/* Series whose labels fit all matchers (on __name__ too), at most limit, into
 * the arena, sorted by labels.  LIMIT when there are more. */
enum err store_ts_match(struct store_ts *ts,
                        const struct model_matcher *matchers, unsigned count,
                        uint32_t limit, struct base_arena *arena,
                        struct store_ts_series **ret_series,
                        uint32_t *ret_count);

struct store_ts_sample {
    int64_t t;
    struct num value;
};

/* Samples of one series with t in [from, to], in t order, each t once, into
 * the arena; LIMIT beyond limit. CORRUPT: a block is damaged. */
enum err store_ts_read(struct store_ts *ts, uint32_t group, uint32_t column,
                       int64_t from, int64_t to, uint64_t limit,
                       struct base_arena *arena,
                       struct store_ts_sample **ret_samples,
                       uint64_t *ret_count);
/* The newest sample with t in (t - lookback, t]. ABSENT. */
enum err store_ts_last(struct store_ts *ts, uint32_t group, uint32_t column,
                       int64_t t, int64_t lookback,
                       struct store_ts_sample *ret_sample);
/* Rows with t in [from, to] of matching series: invisible at return. */
enum err store_ts_drop(struct store_ts *ts,
                       const struct model_matcher *matchers, unsigned count,
                       int64_t from, int64_t to, uint64_t *ret_sequence);
/* Write the head to a segment now; done runs on loop. */
void store_ts_seal(struct store_ts *ts, struct base_task *done);

struct store_ts_stats {
    uint64_t groups, series, head_rows, head_bytes, segments, segment_bytes;
    uint64_t sealed_sequence; /* all up to here is in segments */
    int64_t first_t, last_t;
};

void store_ts_stats(struct store_ts *ts, struct store_ts_stats *ret_stats);
/* Labels of a group, a column's metric. */
const struct model_labels *store_ts_labels(struct store_ts *ts, uint32_t group);
struct bytes store_ts_metric(struct store_ts *ts, uint32_t group,
                             uint32_t column);
uint32_t store_ts_columns(struct store_ts *ts, uint32_t group);

#endif
