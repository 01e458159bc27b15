/* stream_query.c -- see stream_query.h.
 *
 * parse (wire/promql) -> scalars are worked out at once; a selector is matched
 * once, each series read once over the whole range, and stepped through.  What
 * else parses is refused by name. */
#include "engine/stream/stream_query.h"

#include <math.h>
#include <stdlib.h>

#include "base/base_mem.h"
#include "wire/promql/wire_promql.h"

enum {
    QUERY_POINTS_MAX = 11000,
    QUERY_SERIES_MAX = 50000,
    QUERY_MATCHERS = 64,
    QUERY_MESSAGE = 400,
};

static const int64_t query_lookback_ms = 5 * 60 * 1000;
static const uint64_t query_samples_max = 50000000;

struct query_run {
    struct store_ts *ts;
    const struct stream_query *query;
    struct base_arena *arena;
    struct base_note *note;
    int64_t lookback;
    uint32_t limit;
    uint64_t samples; /* loaded so far */
};

static enum err
query_unsupported(struct query_run *run, const struct wire_promql_node *node)
{
    char what[128];
    return base_err_note(run->note, ERR_UNSUPPORTED,
                         "%s is not supported yet: selectors and arithmetic "
                         "on numbers are",
                         wire_promql_feature(node, what, sizeof what));
}

/* The parser's note as Prometheus words it, in the note itself. */
static enum err
query_parse_failed(struct base_note *note, enum err err)
{
    char text[QUERY_MESSAGE];
    struct base_note copy = *note;
    wire_promql_message(&copy, text, sizeof text);
    return base_err_note_at(note, err, "query", copy.line, copy.column, "%s",
                            text);
}

/* --- numbers --- */

static double
query_binary(enum wire_promql_op op, double a, double b)
{
    switch (op) {
    case WIRE_PROMQL_ADD:
        return a + b;
    case WIRE_PROMQL_SUB:
        return a - b;
    case WIRE_PROMQL_MUL:
        return a * b;
    case WIRE_PROMQL_DIV:
        return a / b;
    case WIRE_PROMQL_MOD:
        return fmod(a, b);
    case WIRE_PROMQL_POW:
        return pow(a, b);
    case WIRE_PROMQL_ATAN2:
        return atan2(a, b);
    case WIRE_PROMQL_EQ:
        return a == b;
    case WIRE_PROMQL_NE:
        return a != b;
    case WIRE_PROMQL_LT:
        return a < b;
    case WIRE_PROMQL_LE:
        return a <= b;
    case WIRE_PROMQL_GT:
        return a > b;
    case WIRE_PROMQL_GE:
        return a >= b;
    case WIRE_PROMQL_AND:
    case WIRE_PROMQL_UNLESS:
    case WIRE_PROMQL_OR:
        break; /* the parser lets no scalars through */
    }
    return (double)NAN;
}

/* Depth is bounded by the parser's. */
static enum err
query_scalar(struct query_run *run, const struct wire_promql_node *node,
             double *ret_value)
{
    double a = 0, b = 0;
    enum err err;
    switch (node->kind) {
    case WIRE_PROMQL_NUMBER:
        *ret_value = node->number;
        return ERR_OK;
    case WIRE_PROMQL_PAREN:
        return query_scalar(run, node->args[0], ret_value);
    case WIRE_PROMQL_UNARY:
        err = query_scalar(run, node->args[0], &a);
        *ret_value = node->op == WIRE_PROMQL_SUB ? -a : a;
        return err;
    case WIRE_PROMQL_BINARY:
        err = query_scalar(run, node->args[0], &a);
        if (err == ERR_OK)
            err = query_scalar(run, node->args[1], &b);
        *ret_value = query_binary(node->op, a, b);
        return err;
    case WIRE_PROMQL_TEXT_LITERAL:
    case WIRE_PROMQL_SELECTOR:
    case WIRE_PROMQL_SUBQUERY:
    case WIRE_PROMQL_CALL:
    case WIRE_PROMQL_AGGREGATE:
        break;
    }
    return query_unsupported(run, node);
}

/* --- selectors --- */

/* Does some matcher refuse the empty value?  The parser cannot ask those that
 * are regular expressions. */
static bool
query_selective(const struct model_matcher *matchers, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!model_matcher_fits(&matchers[i], (struct bytes){NULL, 0}))
            return true;
    return false;
}

static enum err
query_match(struct query_run *run, const struct wire_promql_node *node,
            struct store_ts_series **ret_series, uint32_t *ret_count)
{
    struct model_matcher matchers[QUERY_MATCHERS];
    if (node->matcher_count > QUERY_MATCHERS)
        return base_err_note(run->note, ERR_LIMIT, "at most %d matchers",
                             QUERY_MATCHERS);
    for (uint32_t i = 0; i < node->matcher_count; i++)
        matchers[i] = (struct model_matcher){
            .name = node->matchers[i].name,
            .value = node->matchers[i].value,
            .op = (enum model_matcher_op)node->matchers[i].op,
        };
    enum err err =
        model_matcher_ready(matchers, node->matcher_count, run->note);
    if (err != ERR_OK)
        return err;
    if (!query_selective(matchers, node->matcher_count)) {
        model_matcher_done(matchers, node->matcher_count);
        return base_err_note_at(run->note, ERR_SYNTAX, "query", 1, 1,
                                "1:1: parse error: vector selector must "
                                "contain at least one non-empty matcher");
    }
    err = store_ts_match(run->ts, matchers, node->matcher_count, run->limit,
                         run->arena, ret_series, ret_count);
    model_matcher_done(matchers, node->matcher_count);
    if (err == ERR_LIMIT)
        return base_err_note(run->note, err,
                             "the selector matches more than %u series",
                             run->limit);
    return err;
}

/* The group's labels and __name__, in order. */
static const struct model_labels *
query_labels(struct base_arena *arena, const struct store_ts_series *series)
{
    uint32_t count = series->labels->count + 1, at = 0;
    struct model_labels *labels =
        base_arena_alloc(arena, sizeof *labels + count * sizeof labels->at[0]);
    if (labels == NULL)
        return NULL;
    struct model_label name = {base_bytes_text("__name__"), series->metric};
    labels->count = count;
    for (uint32_t i = 0; i < series->labels->count; i++) {
        if (at == i &&
            base_bytes_compare(name.name, series->labels->at[i].name) < 0)
            labels->at[at++] = name;
        labels->at[at++] = series->labels->at[i];
    }
    if (at < count)
        labels->at[at] = name;
    return labels;
}

/* The evaluation time of a selector at step time t. */
static int64_t
query_time(const struct query_run *run, const struct wire_promql_time *time,
           int64_t t)
{
    switch (time->at) {
    case WIRE_PROMQL_AT_TIME:
        t = time->at_ms;
        break;
    case WIRE_PROMQL_AT_START:
        t = run->query->step > 0 ? run->query->start : run->query->end;
        break;
    case WIRE_PROMQL_AT_END:
        t = run->query->end;
        break;
    case WIRE_PROMQL_AT_NONE:
        break;
    }
    return t - time->offset_ms;
}

static enum err
query_read(struct query_run *run, const struct store_ts_series *series,
           int64_t from, int64_t to, struct store_ts_sample **ret_samples,
           uint64_t *ret_count)
{
    enum err err = store_ts_read(run->ts, series->group, series->column, from,
                                 to, query_samples_max - run->samples,
                                 run->arena, ret_samples, ret_count);
    if (err == ERR_LIMIT)
        return base_err_note(run->note, err,
                             "query processing would load too many samples "
                             "into memory in query execution");
    if (err == ERR_CORRUPT)
        return base_err_note(run->note, err,
                             "a block of samples is damaged; dougong doctor "
                             "tells which");
    if (err == ERR_OK)
        run->samples += *ret_count;
    return err;
}

/* Raw samples of the range, without stale markers. */
static enum err
query_raw(struct query_run *run, const struct wire_promql_node *node,
          const struct store_ts_series *series,
          struct stream_query_series *ret_series)
{
    int64_t to = query_time(run, &node->time, run->query->end);
    uint64_t kept = 0;
    enum err err = query_read(run, series, to - node->time.range_ms + 1, to,
                              &ret_series->samples, &ret_series->count);
    if (err != ERR_OK)
        return err;
    for (uint64_t i = 0; i < ret_series->count; i++)
        if (ret_series->samples[i].value.kind != BASE_NUM_STALE)
            ret_series->samples[kept++] = ret_series->samples[i];
    ret_series->count = kept;
    return ERR_OK;
}

/* The newest sample in (t - lookback, t] at each step; stale: nothing. */
static enum err
query_steps(struct query_run *run, const struct wire_promql_node *node,
            const struct store_ts_series *series,
            struct stream_query_series *ret_series)
{
    const struct stream_query *query = run->query;
    int64_t start = query->step > 0 ? query->start : query->end;
    int64_t step = query->step > 0 ? query->step : 1;
    uint64_t steps = (uint64_t)((query->end - start) / step) + 1, at = 0;
    struct store_ts_sample *samples;
    uint64_t count;
    int64_t first = query_time(run, &node->time, start);
    int64_t last = query_time(run, &node->time, query->end);
    enum err err = query_read(run, series, first - run->lookback + 1, last,
                              &samples, &count);
    if (err != ERR_OK || count == 0)
        return err;
    ret_series->samples = base_arena_alloc(run->arena, steps * sizeof *samples);
    if (ret_series->samples == NULL)
        return base_err_note(run->note, ERR_LIMIT,
                             "the answer would be too large");
    for (uint64_t k = 0; k < steps; k++) {
        int64_t t = start + (int64_t)k * step;
        int64_t when = query_time(run, &node->time, t);
        while (at < count && samples[at].t <= when)
            at++;
        if (at == 0 || samples[at - 1].t <= when - run->lookback ||
            samples[at - 1].value.kind == BASE_NUM_STALE)
            continue;
        ret_series->samples[ret_series->count++] =
            (struct store_ts_sample){t, samples[at - 1].value};
    }
    return ERR_OK;
}

static enum err
query_selector(struct query_run *run, const struct wire_promql_node *node,
               struct stream_query_result *result)
{
    struct store_ts_series *series;
    uint32_t count;
    bool raw = node->time.range_ms > 0;
    result->type =
        raw || run->query->step > 0 ? STREAM_QUERY_MATRIX : STREAM_QUERY_VECTOR;
    if (!run->ts)
        return ERR_OK;
    enum err err = query_match(run, node, &series, &count);
    if (err != ERR_OK)
        return err;
    result->series =
        base_arena_alloc(run->arena, (count + 1) * sizeof *result->series);
    if (result->series == NULL)
        return base_err_note(run->note, ERR_LIMIT,
                             "the answer would be too large");
    for (uint32_t i = 0; i < count && err == ERR_OK; i++) {
        struct stream_query_series *one = &result->series[result->count];
        *one = (struct stream_query_series){0};
        err = raw ? query_raw(run, node, &series[i], one)
                  : query_steps(run, node, &series[i], one);
        if (err != ERR_OK || one->count == 0)
            continue;
        one->labels = query_labels(run->arena, &series[i]);
        if (one->labels == NULL)
            return base_err_note(run->note, ERR_LIMIT,
                                 "the answer would be too large");
        result->count++;
    }
    return err;
}

/* --- the whole --- */

static enum err
query_bounds(const struct stream_query *query, struct base_note *note)
{
    if (query->step < 0)
        return base_err_note(note, ERR_RANGE,
                             "zero or negative query resolution step widths "
                             "are not accepted. Try a positive integer");
    if (query->step == 0)
        return ERR_OK;
    if (query->end < query->start)
        return base_err_note(note, ERR_RANGE,
                             "end timestamp must not be before start time");
    if ((query->end - query->start) / query->step + 1 > QUERY_POINTS_MAX)
        return base_err_note(
            note, ERR_RANGE,
            "exceeded maximum resolution of 11,000 points per timeseries. Try "
            "decreasing the query resolution (?step=XX)");
    return ERR_OK;
}

/* A number in a range query: one series without labels. */
static enum err
query_constant(struct query_run *run, struct stream_query_result *result)
{
    const struct stream_query *query = run->query;
    uint64_t steps = (uint64_t)((query->end - query->start) / query->step) + 1;
    struct model_labels *none = base_arena_alloc(run->arena, sizeof *none);
    result->series = base_arena_alloc(run->arena, sizeof *result->series);
    if (none == NULL || result->series == NULL)
        return ERR_LIMIT;
    struct stream_query_series *one = result->series;
    one->labels = none;
    one->samples = base_arena_alloc(run->arena, steps * sizeof *one->samples);
    if (one->samples == NULL)
        return ERR_LIMIT;
    for (uint64_t k = 0; k < steps; k++)
        one->samples[k] =
            (struct store_ts_sample){query->start + (int64_t)k * query->step,
                                     base_num_double(result->scalar)};
    one->count = steps;
    result->count = 1;
    result->type = STREAM_QUERY_MATRIX;
    return ERR_OK;
}

static enum err
query_evaluate(struct query_run *run, const struct wire_promql_node *node,
               struct stream_query_result *result)
{
    bool range = run->query->step > 0;
    while (node->kind == WIRE_PROMQL_PAREN)
        node = node->args[0];
    if (range &&
        (node->type == WIRE_PROMQL_MATRIX || node->type == WIRE_PROMQL_STRING))
        return base_err_note_at(
            run->note, ERR_TYPE, "query", 0, 0,
            "invalid expression type \"%s\" for range query, must be Scalar or "
            "instant Vector",
            node->type == WIRE_PROMQL_MATRIX ? "range vector" : "string");
    if (node->kind == WIRE_PROMQL_SELECTOR)
        return query_selector(run, node, result);
    if (node->kind == WIRE_PROMQL_TEXT_LITERAL) {
        result->type = STREAM_QUERY_STRING;
        result->string = node->text;
        return ERR_OK;
    }
    if (node->type != WIRE_PROMQL_SCALAR)
        return query_unsupported(run, node);
    result->type = STREAM_QUERY_SCALAR;
    enum err err = query_scalar(run, node, &result->scalar);
    if (err == ERR_OK && range)
        err = query_constant(run, result);
    return err;
}

enum err
stream_query_run(struct stream *stream, const struct stream_query *query,
                 struct base_arena *arena,
                 struct stream_query_result *ret_result, struct base_note *note)
{
    const struct wire_promql_node *node;
    struct query_run run = {
        .ts = stream ? stream_ts(stream) : NULL,
        .query = query,
        .arena = arena,
        .note = note,
        .lookback = query->lookback > 0 ? query->lookback : query_lookback_ms,
        .limit = query->limit > 0 ? query->limit : QUERY_SERIES_MAX,
    };
    *ret_result = (struct stream_query_result){.t = query->end};
    enum err err = query_bounds(query, note);
    if (err != ERR_OK)
        return err;
    err = wire_promql_parse(arena, query->text, &node, note);
    if (err != ERR_OK)
        return query_parse_failed(note, err);
    return query_evaluate(&run, node, ret_result);
}

/* --- series --- */

struct query_set {
    const struct model_labels **labels;
    uint32_t count, room;
};

static int
query_labels_order(const void *a, const void *b)
{
    return model_label_compare(*(const struct model_labels *const *)a,
                               *(const struct model_labels *const *)b);
}

static enum err
query_series_add(struct query_run *run, struct bytes selector,
                 struct query_set *set)
{
    const struct wire_promql_node *node;
    struct store_ts_series *series;
    uint32_t count = 0;
    enum err err = wire_promql_selector(run->arena, selector, &node, run->note);
    if (err != ERR_OK)
        return query_parse_failed(run->note, err);
    err = query_match(run, node, &series, &count);
    for (uint32_t i = 0; i < count && err == ERR_OK; i++) {
        struct store_ts_sample last;
        enum err there = store_ts_last(
            run->ts, series[i].group, series[i].column, run->query->end,
            run->query->end - run->query->start + 1, &last);
        if (there == ERR_ABSENT)
            continue;
        if (there != ERR_OK || set->count == set->room)
            return there != ERR_OK
                       ? there
                       : base_err_note(run->note, ERR_LIMIT,
                                       "more than %u series; add matchers, or "
                                       "a limit",
                                       set->room);
        set->labels[set->count] = query_labels(run->arena, &series[i]);
        if (set->labels[set->count++] == NULL)
            return ERR_LIMIT;
    }
    return err;
}

enum err
stream_query_series_of(struct stream *stream, const struct bytes *selectors,
                       unsigned count, int64_t start, int64_t end,
                       uint32_t limit, struct base_arena *arena,
                       const struct model_labels ***ret_labels,
                       uint32_t *ret_count, struct base_note *note)
{
    struct stream_query query = {.start = start, .end = end};
    struct query_run run = {
        .ts = stream_ts(stream),
        .query = &query,
        .arena = arena,
        .note = note,
        .limit = QUERY_SERIES_MAX,
    };
    struct query_set set = {.room = QUERY_SERIES_MAX};
    set.labels = base_mem_new(set.room * sizeof *set.labels);
    enum err err = ERR_OK;
    for (unsigned i = 0; i < count && err == ERR_OK; i++)
        err = query_series_add(&run, selectors[i], &set);
    uint32_t kept = 0;
    if (err == ERR_OK && set.count > 0)
        qsort(set.labels, set.count, sizeof *set.labels, query_labels_order);
    for (uint32_t i = 0; i < set.count; i++)
        if (kept == 0 ||
            model_label_compare(set.labels[kept - 1], set.labels[i]) != 0)
            set.labels[kept++] = set.labels[i];
    if (limit > 0 && kept > limit)
        kept = limit;
    *ret_count = kept;
    *ret_labels = base_arena_alloc(arena, (kept + 1) * sizeof *set.labels);
    if (*ret_labels == NULL)
        err = ERR_LIMIT;
    else if (kept > 0)
        memcpy(*ret_labels, set.labels, kept * sizeof *set.labels);
    base_mem_free(set.labels);
    return err;
}
