/* base_stat.c -- the list of counters as OpenMetrics text. */
#include "base/base_stat.h"

#include <stdlib.h>

#include "base/base_mem.h"
#include "base/base_must.h"

void
base_stat_init(struct base_stats *stats)
{
    stats->first = NULL;
    must(pthread_mutex_init(&stats->lock, NULL) == 0);
}

void
base_stat_done(struct base_stats *stats)
{
    stats->first = NULL;
    pthread_mutex_destroy(&stats->lock);
}

void
base_stat_add(struct base_stats *stats, struct base_stat *stat,
              enum base_stat_kind kind, const char *name, const char *labels,
              const char *help)
{
    must(kind != BASE_STAT_HISTOGRAM || stat->histogram);
    stat->name = name;
    stat->labels = labels ? labels : "";
    stat->help = help;
    stat->kind = kind;
    pthread_mutex_lock(&stats->lock);
    stat->prev = NULL;
    stat->next = stats->first;
    if (stats->first)
        stats->first->prev = stat;
    stats->first = stat;
    pthread_mutex_unlock(&stats->lock);
}

void
base_stat_drop(struct base_stats *stats, struct base_stat *stat)
{
    pthread_mutex_lock(&stats->lock);
    if (stat->prev || stats->first == stat) {
        if (stat->prev)
            stat->prev->next = stat->next;
        else
            stats->first = stat->next;
        if (stat->next)
            stat->next->prev = stat->prev;
        stat->prev = stat->next = NULL;
    }
    pthread_mutex_unlock(&stats->lock);
}

void
base_stat_rows(struct base_stats *stats, const struct base_stat_row *rows,
               size_t count, bool add)
{
    for (size_t i = 0; i < count; i++)
        if (add)
            base_stat_add(stats, rows[i].stat, rows[i].kind, rows[i].name,
                          rows[i].labels, rows[i].help);
        else
            base_stat_drop(stats, rows[i].stat);
}

void
base_stat_observe(struct base_stat *stat, int64_t us)
{
    struct base_stat_histogram *h = stat->histogram;
    int64_t bound = 100;
    unsigned at = 0;
    for (; at < BASE_STAT_BUCKETS - 1 && us > bound; bound *= 2)
        at++;
    atomic_fetch_add_explicit(&h->bucket[at], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum_us, us, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->count, 1, memory_order_relaxed);
}

static int
stat_order(const void *a, const void *b)
{
    struct base_stat *const *left = a, *const *right = b;
    int order = strcmp((*left)->name, (*right)->name);
    return order ? order : strcmp((*left)->labels, (*right)->labels);
}

/* A counter's family is its name without "_total". */
static int
stat_family_size(const struct base_stat *stat)
{
    static const char total[] = "_total";
    size_t size = strlen(stat->name), tail = sizeof total - 1;
    if (stat->kind == BASE_STAT_COUNTER && size > tail &&
        strcmp(stat->name + size - tail, total) == 0)
        size -= tail;
    return (int)size;
}

static void
stat_write_head(const struct base_stat *stat, struct base_out *out)
{
    static const char *const kinds[] = {
        [BASE_STAT_COUNTER] = "counter",
        [BASE_STAT_GAUGE] = "gauge",
        [BASE_STAT_HISTOGRAM] = "histogram",
    };
    int size = stat_family_size(stat);
    base_out_format(out, "# TYPE %.*s %s\n", size, stat->name,
                    kinds[stat->kind]);
    if (!stat->help)
        return;
    base_out_format(out, "# HELP %.*s ", size, stat->name);
    for (const char *c = stat->help; *c; c++) {
        if (*c == '\\' || *c == '"')
            base_out_u8(out, '\\');
        if (*c == '\n')
            base_out_text(out, "\\n");
        else
            base_out_u8(out, (uint8_t)*c);
    }
    base_out_u8(out, '\n');
}

/* Buckets are read once each, and _count is their sum: a scrape never shows a
 * count that its buckets deny. */
static void
stat_write_histogram(const struct base_stat *stat, struct base_out *out)
{
    const char *comma = *stat->labels ? "," : "";
    int64_t sum = 0, bound_us = 100;
    for (unsigned i = 0; i < BASE_STAT_BUCKETS; i++, bound_us *= 2) {
        sum += atomic_load_explicit(&stat->histogram->bucket[i],
                                    memory_order_relaxed);
        base_out_format(out, "%s_bucket{%s%sle=\"", stat->name, stat->labels,
                        comma);
        if (i == BASE_STAT_BUCKETS - 1)
            base_out_text(out, "+Inf");
        else
            base_out_format(out, "%lld.%04lld", (long long)(bound_us / 1000000),
                            (long long)(bound_us % 1000000 / 100));
        base_out_format(out, "\"} %lld\n", (long long)sum);
    }
    const char *open = *stat->labels ? "{" : "", *shut = *open ? "}" : "";
    int64_t us =
        atomic_load_explicit(&stat->histogram->sum_us, memory_order_relaxed);
    base_out_format(out, "%s_count%s%s%s %lld\n", stat->name, open,
                    stat->labels, shut, (long long)sum);
    base_out_format(out, "%s_sum%s%s%s %lld.%06lld\n", stat->name, open,
                    stat->labels, shut, (long long)(us / 1000000),
                    (long long)(us % 1000000));
}

static void
stat_write_value(struct base_stat *stat, struct base_out *out)
{
    const char *open = *stat->labels ? "{" : "", *shut = *open ? "}" : "";
    base_out_format(out, "%.*s%s%s%s%s %lld\n", stat_family_size(stat),
                    stat->name, stat->kind == BASE_STAT_COUNTER ? "_total" : "",
                    open, stat->labels, shut, (long long)base_stat_get(stat));
}

void
base_stat_write(struct base_stats *stats, struct base_out *out)
{
    pthread_mutex_lock(&stats->lock);
    size_t count = 0;
    for (struct base_stat *stat = stats->first; stat; stat = stat->next)
        count++;
    struct base_stat **sorted = base_mem_new(count * sizeof *sorted);
    size_t at = 0;
    for (struct base_stat *stat = stats->first; stat; stat = stat->next)
        sorted[at++] = stat;
    qsort(sorted, count, sizeof *sorted, stat_order);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(sorted[i - 1]->name, sorted[i]->name) != 0)
            stat_write_head(sorted[i], out);
        if (sorted[i]->kind == BASE_STAT_HISTOGRAM)
            stat_write_histogram(sorted[i], out);
        else
            stat_write_value(sorted[i], out);
    }
    pthread_mutex_unlock(&stats->lock);
    base_mem_free(sorted);
    base_out_text(out, "# EOF\n");
}
