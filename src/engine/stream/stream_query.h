/* stream_query.h -- PromQL over the local series: selectors for now.
 *
 * Why: one reading of a query for HTTP, for dougong query, and for questions
 * that come down the tree (channel 20).
 *
 * Shape    instant: newest sample in (t - lookback, t], nothing if stale; range
 *          query: that at start, start + step, ... end; results sorted by
 *          labels.  wire/promql parses; what is not a selector yet is refused
 *          naming the feature.
 * Limits   11,000 points per series, 50,000 series, query 64 KiB; the arena of
 *          the caller.  Messages as Prometheus words them (spec store 10).
 * Errors   SYNTAX ("1:7: parse error: ..."), UNSUPPORTED, RANGE (too many
 *          points), LIMIT, CORRUPT; note->where is "query" when the text itself
 *          is at fault.
 * Threads  the ingest loop. */
#ifndef STREAM_QUERY_H
#define STREAM_QUERY_H

#include "engine/stream/stream.h"

enum stream_query_type {
    STREAM_QUERY_SCALAR,
    STREAM_QUERY_STRING,
    STREAM_QUERY_VECTOR,
    STREAM_QUERY_MATRIX
};

struct stream_query_series {
    const struct model_labels *labels; /* with __name__ */
    struct store_ts_sample *samples;
    uint64_t count;
};

struct stream_query_result {
    enum stream_query_type type;
    struct stream_query_series *series;
    uint32_t count;
    double scalar;
    struct bytes string;
    int64_t t;
};

struct stream_query {
    struct bytes text;
    int64_t start, end, step; /* step 0: instant at end */
    int64_t lookback;         /* 0: 5 min */
    uint32_t limit;           /* series; 0: 50,000 */
};

/* stream NULL: no series are kept here; selectors find none. */
enum err stream_query_run(struct stream *stream,
                          const struct stream_query *query,
                          struct base_arena *arena,
                          struct stream_query_result *ret_result,
                          struct base_note *note);
/* match[] selectors (any of them) in [start, end] -> label sets. */
enum err stream_query_series_of(struct stream *stream,
                                const struct bytes *selectors, unsigned count,
                                int64_t start, int64_t end, uint32_t limit,
                                struct base_arena *arena,
                                const struct model_labels ***ret_labels,
                                uint32_t *ret_count, struct base_note *note);
/* The Prometheus JSON data of a result: {"resultType":...,"result":[...]}. */
enum err stream_query_json(const struct stream_query_result *result,
                           struct base_out *out);

#endif
