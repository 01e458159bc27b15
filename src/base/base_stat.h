/* base_stat.h -- counters, gauges and histograms, one list for /metrics.
 *
 * Why: every limit, queue and refusal is counted, and what is counted is seen.
 *
 * Shape    a struct base_stat lives in its owner; base_stat_add enters it in
 *          the node's list under a name, label text (`why="full"` or "") and a
 *          help sentence, all of which must outlive it.  base_stat_drop takes
 *          it out (per-child rows).
 * Threads  values are relaxed atomics; add and drop take a lock.
 * Names    dougong_area_thing[_unit][_total]; limits are
 *          dougong_limit_hit_total{limit="..."}.
 * Source   OpenMetrics 1.0. */
#ifndef BASE_STAT_H
#define BASE_STAT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/base_out.h"

enum base_stat_kind { BASE_STAT_COUNTER, BASE_STAT_GAUGE, BASE_STAT_HISTOGRAM };

enum { BASE_STAT_BUCKETS = 16 }; /* 2^k * 100 us: 0.1 ms .. 1.6 s, +Inf */

struct base_stat {
    const char *name, *labels, *help;
    enum base_stat_kind kind;
    _Atomic int64_t value;
    struct base_stat_histogram *histogram; /* seconds; given by the owner */
    struct base_stat *prev, *next;
};

struct base_stat_histogram {
    _Atomic int64_t bucket[BASE_STAT_BUCKETS];
    _Atomic int64_t count, sum_us;
};

struct base_stats {
    pthread_mutex_t lock;
    struct base_stat *first;
};

void base_stat_init(struct base_stats *stats);
void base_stat_done(struct base_stats *stats);
void base_stat_add(struct base_stats *stats, struct base_stat *stat,
                   enum base_stat_kind kind, const char *name,
                   const char *labels, const char *help);
void base_stat_drop(struct base_stats *stats, struct base_stat *stat);
/* What an owner counts, as a table: added, or dropped. */
struct base_stat_row {
    struct base_stat *stat;
    enum base_stat_kind kind;
    const char *name, *labels, *help;
};

void base_stat_rows(struct base_stats *stats, const struct base_stat_row *rows,
                    size_t count, bool add);
void base_stat_observe(struct base_stat *stat, int64_t us);
/* OpenMetrics text, families sorted by name, "# EOF" at the end. */
void base_stat_write(struct base_stats *stats, struct base_out *out);

static inline void
base_stat_inc(struct base_stat *stat, int64_t by)
{
    atomic_fetch_add_explicit(&stat->value, by, memory_order_relaxed);
}

static inline void
base_stat_set(struct base_stat *stat, int64_t value)
{
    atomic_store_explicit(&stat->value, value, memory_order_relaxed);
}

static inline int64_t
base_stat_get(struct base_stat *stat)
{
    return atomic_load_explicit(&stat->value, memory_order_relaxed);
}

#endif
