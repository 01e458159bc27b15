/* sim_tree_check.c -- see sim_tree_check.h. */
#include "sim_tree_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base_cur.h"
#include "base/base_hash.h"
#include "base/base_mem.h"
#include "base/base_must.h"
#include "engine/rollup/rollup_row.h"

enum {
    CHECK_ARENA = 256 << 20,
    CHECK_SAMPLES = 1 << 20,
    CHECK_MEASURES = 16,
    CHECK_ZONE_MS = 8 * 3600000,
    CHECK_DUE_MS = 60000, /* so long after its due time a window is done */
    CHECK_SEAL_MS = 600000,
    CHECK_SURE_MS = 5400000, /* a clock runs ahead an hour, and then some */
};

/* --- rows --- */

struct check_hash {
    uint64_t rows, hash;
    uint64_t over; /* of windows that are over; DIRTY only */
    int64_t now_ms;
    char *first; /* room for words about the first of them */
};

/* A key of DIRTY is receiver, pack, window, cell. */
static void
check_over(struct check_hash *hash, struct bytes key)
{
    struct wall start, end;
    struct base_cur cur;
    char text[MODEL_WINDOW_TEXT];
    base_cur_init(&cur, key);
    base_cur_take(&cur, base_cur_u8(&cur));
    struct bytes pack = base_cur_take(&cur, base_cur_u8(&cur));
    uint32_t window = base_cur_u32be(&cur), cell = base_cur_u32be(&cur);
    must(base_cur_ok(&cur) &&
         model_window_bounds(window, 0, &start, &end) == ERR_OK);
    if (end.ms + CHECK_DUE_MS > hash->now_ms)
        return;
    if (hash->over++ == 0 && hash->first)
        snprintf(hash->first, SIM_TREE_CHECK_WORDS, "%.*s %s cell %u",
                 (int)pack.size, (const char *)pack.at,
                 model_window_text(window, text), cell);
}

static bool
check_row(void *self, struct bytes key, struct bytes value)
{
    struct check_hash *hash = self;
    hash->rows++;
    if (hash->now_ms)
        check_over(hash, key);
    hash->hash = base_hash_xxh3(hash->hash, key);
    hash->hash = base_hash_xxh3(hash->hash, value);
    return true;
}

static struct check_hash
check_table(const struct sim_tree_node *node, unsigned owner, uint16_t table,
            char *ret_first)
{
    const struct sim_world *world = &node->tree->world;
    struct check_hash hash = {.hash = table, .first = ret_first};
    struct store_kv *kv = node->node.kvs[owner];
    uint8_t rooms[2][480];
    struct base_out next;
    struct bytes from = {0};
    if (!sim_tree_life(node))
        return hash;
    if (table == STORE_TABLE_DIRTY) /* both packs have windows of +08:00 */
        hash.now_ms = world->start_ms + world->now_ms + CHECK_ZONE_MS;
    for (unsigned turn = 0;; turn++) {
        base_out_fixed(&next, rooms[turn % 2], sizeof rooms[0]);
        if (store_kv_scan(store_kv_now(kv), table, (struct bytes){0}, from,
                          10000, check_row, &hash, &next) != ERR_AGAIN)
            return hash;
        from = base_out_bytes(&next);
    }
}

uint64_t
sim_tree_check_rows(const struct sim_tree_node *node, unsigned owner,
                    uint16_t table)
{
    return check_table(node, owner, table, NULL).rows;
}

uint64_t
sim_tree_check_dirty(const struct sim_tree_node *node, char *ret_first)
{
    if (ret_first)
        ret_first[0] = '\0';
    return check_table(node, STORE_JOURNAL_ROLLUP, STORE_TABLE_DIRTY, ret_first)
        .over;
}

uint64_t
sim_tree_check_tables(struct sim_tree *tree)
{
    static const struct {
        uint8_t owner, table;
    } all[] = {
        {STORE_JOURNAL_IDENT, STORE_TABLE_PREFIX},
        {STORE_JOURNAL_IDENT, STORE_TABLE_ID},
        {STORE_JOURNAL_ROLLUP, STORE_TABLE_CONTRIB},
        {STORE_JOURNAL_ROLLUP, STORE_TABLE_TOTAL},
        {STORE_JOURNAL_ROLLUP, STORE_TABLE_DIRTY},
        {STORE_JOURNAL_ROLLUP, STORE_TABLE_VINTAGE},
        {STORE_JOURNAL_ROLLUP, STORE_TABLE_UNIT},
        {STORE_JOURNAL_ROLLUP, STORE_TABLE_FOLDED},
        {STORE_JOURNAL_ROLLUP, STORE_TABLE_CHILD},
        {STORE_JOURNAL_ROLLUP, STORE_TABLE_WINDOW},
    };
    uint64_t hash = 0;
    for (unsigned i = 0; i < SIM_TREE_NODES; i++)
        for (unsigned k = 0; k < BASE_COUNT(all); k++) {
            struct check_hash one =
                check_table(&tree->nodes[i], all[k].owner, all[k].table, NULL);
            hash = base_hash_xxh3(hash, base_bytes(&one.hash, sizeof one.hash));
        }
    return hash;
}

/* --- what is stored --- */

struct check_series {
    struct store_ts_sample *at;
    uint64_t count;
};

static struct check_series
check_read(struct sim_tree_node *node, unsigned unit, unsigned metric,
           int64_t from, struct base_arena *arena)
{
    struct check_series series = {0};
    struct store_ts *ts = sim_tree_life(node)->ts;
    struct model_label label = {base_bytes_text("id"),
                                base_bytes_text(node->sender->units[unit].id)};
    const char *name = sim_tree_sender_metrics[unit][metric];
    const struct model_labels *labels;
    uint32_t group;
    must(model_label_set(arena, &label, 1, &labels, NULL) == ERR_OK);
    if (store_ts_group_find(ts, labels, &group) != ERR_OK)
        return series;
    for (uint32_t i = 0; i < store_ts_columns(ts, group); i++) {
        if (!base_bytes_is(store_ts_metric(ts, group, i), name))
            continue;
        enum err err =
            store_ts_read(ts, group, i, from, INT64_MAX, CHECK_SAMPLES, arena,
                          &series.at, &series.count);
        if (err != ERR_OK)
            sim_tree_wrong(node->tree, "%s %s cannot be read: %s",
                           node->sender->units[unit].id, name,
                           base_err_text(err));
    }
    return series;
}

static struct num
check_plain(struct num num)
{
    while (num.kind == BASE_NUM_DECIMAL && num.exponent > 0 &&
           num.mantissa % 10 == 0) {
        num.mantissa /= 10;
        num.exponent--;
    }
    return num;
}

static bool
check_same(struct num a, struct num b)
{
    a = check_plain(a);
    b = check_plain(b);
    return a.kind == b.kind && a.mantissa == b.mantissa &&
           a.exponent == b.exponent;
}

/* Each that is stored was sent. */
static void
check_sent(struct sim_tree_node *node, unsigned unit, unsigned metric,
           struct check_series series)
{
    for (uint64_t i = 0; i < series.count; i++) {
        const struct sim_tree_sample *sent =
            sim_tree_sender_find(node->sender, unit, series.at[i].t);
        char got[BASE_NUM_TEXT], want[BASE_NUM_TEXT] = "nothing";
        if (sent && sent->mask >> metric & 1) {
            if (check_same(sent->values[metric], series.at[i].value))
                continue;
            base_num_text(sent->values[metric], want);
        }
        sim_tree_wrong(node->tree, "%s %s at %" PRId64 " is %s; sent was %s",
                       node->sender->units[unit].id,
                       sim_tree_sender_metrics[unit][metric], series.at[i].t,
                       base_num_text(series.at[i].value, got), want);
    }
}

/* Each that was acknowledged, from `from` on, is stored. */
static void
check_acknowledged(struct sim_tree_node *node, unsigned unit, unsigned metric,
                   int64_t from, struct check_series series)
{
    const struct sim_tree_unit *sent = &node->sender->units[unit];
    uint64_t at = 0;
    for (uint32_t i = 0; i < sent->count; i++) {
        const struct sim_tree_sample *sample = &sent->samples[i];
        if (sample->t < from || sample->state != SIM_TREE_ACKED ||
            !(sample->mask >> metric & 1))
            continue;
        while (at < series.count && series.at[at].t < sample->t)
            at++;
        if (at < series.count && series.at[at].t == sample->t)
            continue;
        sim_tree_wrong(node->tree,
                       "%s %s at %" PRId64
                       " is lost; it was acknowledged as number %" PRIu64,
                       sent->id, sim_tree_sender_metrics[unit][metric],
                       sample->t, sample->sequence);
    }
}

static void
check_stored(struct sim_tree_node *node, int64_t from)
{
    struct base_arena arena;
    base_arena_init(&arena, CHECK_ARENA);
    for (unsigned i = 0; i < SIM_TREE_UNITS * SIM_TREE_METRICS; i++) {
        unsigned unit = i / SIM_TREE_METRICS, metric = i % SIM_TREE_METRICS;
        base_arena_reset(&arena);
        struct check_series series =
            check_read(node, unit, metric, from, &arena);
        check_sent(node, unit, metric, series);
        check_acknowledged(node, unit, metric, from, series);
    }
    base_arena_done(&arena);
}

/* --- audit --- */

static void
check_difference(void *self, const struct rollup_difference *difference)
{
    struct sim_tree_node *node = self;
    char window[MODEL_WINDOW_TEXT];
    const struct model_figure *live = difference->live;
    for (unsigned i = 0; i < MODEL_FIGURE_SLOTS; i++) {
        struct model_figure_slot got =
            live ? live->slots[i] : (struct model_figure_slot){0};
        struct model_figure_slot want = difference->again->slots[i];
        if (got.n == want.n && got.sum == want.sum)
            continue;
        sim_tree_wrong(node->tree,
                       "audit of %s: %s %s slot %u is n %" PRIu64
                       " sum %" PRId64 "; contributions give n %" PRIu64
                       " sum %" PRId64,
                       node->prefix, difference->pack->name,
                       model_window_text(difference->window, window), i, got.n,
                       (int64_t)got.sum, want.n, (int64_t)want.sum);
    }
}

static void
check_audit(struct sim_tree_node *node)
{
    uint64_t totals;
    enum err err = rollup_audit(sim_tree_life(node)->rollup, check_difference,
                                node, &totals);
    if (err != ERR_OK)
        sim_tree_wrong(node->tree, "audit of %s: %s", node->prefix,
                       base_err_text(err));
}

void
sim_tree_check_start(struct sim_tree_node *node, int64_t from)
{
    check_audit(node);
    if (node->sender)
        check_stored(node, from);
}

/* --- the fold, written again --- */

struct check_sum {
    uint64_t n;
    int64_t sum;
};

struct check_figure { /* of a node and window */
    uint64_t expected, expected_most, reported;
    struct check_sum measures[CHECK_MEASURES];
};

/* Windows first .. first + count - 1 of a pack and frequency. */
struct check_span {
    struct sim_tree *tree;
    const struct model_pack *pack;
    const struct model_pack_freq *freq;
    uint32_t first, count;
    int64_t start_ms, step_ms;    /* wall: of the first window; a window's */
    struct check_figure *figures; /* by node, then window */
};

static struct check_figure *
span_figures(const struct check_span *span, const struct sim_tree_node *node)
{
    return span->figures + (size_t)(node - span->tree->nodes) * span->count;
}

/* Half to even, at 10^-scale; false: no number. */
static bool
check_round(struct num num, unsigned scale, int64_t *ret_value)
{
    int64_t value = num.mantissa, by = 1;
    if (num.kind != BASE_NUM_DECIMAL)
        return false;
    for (unsigned i = num.exponent; i < scale; i++)
        value *= 10;
    for (unsigned i = scale; i < num.exponent; i++)
        by *= 10;
    int64_t whole = value / by, rest = llabs(value % by) * 2;
    if (rest > by || (rest == by && whole % 2 != 0))
        whole += value < 0 ? -1 : 1;
    *ret_value = whole;
    return true;
}

/* Values of one input by window; present by window. */
struct check_input {
    const struct model_pack_input *input;
    int64_t *values;
    bool *present;
};

static void
fold_last(const struct check_span *span, const struct check_input *to,
          int64_t t, int64_t value)
{
    for (uint32_t i = 0; i < span->count; i++) {
        int64_t end = span->start_ms + (int64_t)(i + 1) * span->step_ms;
        if (t >= end || t < end - to->input->stale_ms)
            continue;
        to->values[i] = value; /* samples rise in time */
        to->present[i] = true;
    }
}

static void
fold_in(const struct check_input *to, uint32_t at, int64_t value)
{
    int64_t *sum = &to->values[at];
    switch (to->input->fold) {
    case MODEL_PACK_FOLD_MIN:
        *sum = to->present[at] && *sum < value ? *sum : value;
        break;
    case MODEL_PACK_FOLD_MAX:
        *sum = to->present[at] && *sum > value ? *sum : value;
        break;
    case MODEL_PACK_FOLD_DELTA:
    case MODEL_PACK_FOLD_COUNT:
    case MODEL_PACK_FOLD_SUM:
        *sum += value;
        break;
    case MODEL_PACK_FOLD_LAST:
        break;
    case MODEL_PACK_FOLD_TIME_IN:
    case MODEL_PACK_FOLD_INTEGRAL:
        must(!"a fold of the simulation's packs");
    }
    to->present[at] = true;
}

static void
fold_series(const struct check_span *span, const struct check_input *to,
            struct check_series series)
{
    bool delta = to->input->fold == MODEL_PACK_FOLD_DELTA, before = false;
    int64_t value, last = 0, last_t = 0, scale = 1;
    for (unsigned i = 0; i < to->input->scale; i++)
        scale *= 10;
    for (uint64_t i = 0; i < series.count; i++) {
        int64_t t = series.at[i].t;
        if (!check_round(series.at[i].value, to->input->scale, &value) ||
            (delta && value < 0))
            continue;
        int64_t rise = value < last ? value : value - last;
        if (!before || t - last_t > to->input->stale_ms)
            rise = 0;
        before = true;
        last = value;
        last_t = t;
        int64_t at = (t - span->start_ms) / span->step_ms;
        if (to->input->fold == MODEL_PACK_FOLD_LAST)
            fold_last(span, to, t, value);
        else if (t >= span->start_ms && at < span->count)
            fold_in(to, (uint32_t)at,
                    delta                                      ? rise
                    : to->input->fold == MODEL_PACK_FOLD_COUNT ? scale
                                                               : value);
    }
}

static unsigned
check_measure(const struct model_pack *pack,
              const struct model_pack_input *input)
{
    int at = model_pack_measure_find(pack, base_bytes_text(input->name));
    must(at >= 0 && at < CHECK_MEASURES &&
         pack->measures[at].scale == input->scale &&
         strcmp(pack->measures[at].expr_text, input->name) == 0);
    return (unsigned)at;
}

static void
fold_input(const struct check_span *span, struct sim_tree_node *node,
           unsigned unit, unsigned number, bool *reported)
{
    struct check_input to = {
        .input = &span->pack->inputs[number],
        .values = base_mem_zero(span->count * sizeof *to.values),
        .present = base_mem_zero(span->count * sizeof *to.present),
    };
    unsigned measure = check_measure(span->pack, to.input);
    struct check_figure *figures = span_figures(span, node);
    struct base_arena arena;
    base_arena_init(&arena, CHECK_ARENA);
    for (unsigned i = 0; i < SIM_TREE_METRICS; i++)
        if (base_bytes_is(to.input->metric, sim_tree_sender_metrics[unit][i]))
            fold_series(span, &to,
                        check_read(node, unit, i, INT64_MIN, &arena));
    for (uint32_t i = 0; i < span->count; i++) {
        struct check_sum *sum = &figures[i].measures[measure];
        sum->n += to.present[i];
        sum->sum += to.values[i];
        reported[i] |= to.present[i];
    }
    base_arena_done(&arena);
    base_mem_free(to.values);
    base_mem_free(to.present);
}

static void
fold_unit(const struct check_span *span, struct sim_tree_node *node,
          unsigned number)
{
    const struct sim_tree_unit *unit = &node->sender->units[number];
    struct check_figure *figures = span_figures(span, node);
    bool *reported = base_mem_zero(span->count * sizeof *reported);
    for (unsigned i = 0; i < span->pack->input_count; i++)
        fold_input(span, node, number, i, reported);
    for (uint32_t i = 0; i < span->count; i++) {
        int64_t end = span->start_ms + (int64_t)(i + 1) * span->step_ms;
        bool there = number != SIM_TREE_UNIT_LATE, may = there;
        if (!there && unit->count > 0) {
            may = true;
            there = reported[i] || end > unit->samples[0].t + CHECK_SURE_MS;
        }
        figures[i].reported += reported[i];
        figures[i].expected += there;
        figures[i].expected_most += may;
    }
    base_mem_free(reported);
}

static bool
check_in_scope(const struct model_pack *pack, unsigned unit)
{
    return (unit == SIM_TREE_UNIT_HOST) == (strcmp(pack->name, "host") == 0);
}

/* --- comparing --- */

struct check_got {
    enum err err;
    struct rollup_figure figure;
};

static struct check_got
check_ask(struct sim_tree_node *node, const struct check_span *span,
          uint32_t window, const char *name)
{
    char at[MODEL_WINDOW_TEXT];
    struct rollup_ask ask = {
        .pack = base_bytes_text(span->pack->name),
        .name = base_bytes_text(name),
        .at = base_bytes_text(model_window_text(window, at)),
    };
    struct rollup_answer answer;
    struct base_arena arena;
    struct base_note note;
    struct check_got got = {0};
    base_arena_init(&arena, 1 << 20);
    got.err =
        rollup_show(sim_tree_life(node)->rollup, &ask, &arena, &answer, &note);
    if (got.err == ERR_OK)
        got.figure = answer.figures[0];
    base_arena_done(&arena);
    return got;
}

/* Past its due time it is provisional, and some time after its grace sealed. */
static enum rollup_state
check_state(const struct check_span *span, uint32_t at)
{
    const struct sim_world *world = &span->tree->world;
    int64_t end = span->start_ms + (int64_t)(at + 1) * span->step_ms;
    bool over = end + span->freq->grace_ms + CHECK_SEAL_MS <=
                world->start_ms + world->now_ms;
    return span->freq->seal == MODEL_PACK_SEAL_AUTO && over
               ? ROLLUP_SEALED
               : ROLLUP_PROVISIONAL;
}

static void
check_measure_of(struct sim_tree_node *node, const struct check_span *span,
                 uint32_t at, unsigned measure, struct check_figure *want)
{
    const char *name = span->pack->measures[measure].name;
    const struct check_sum *sum = &want->measures[measure];
    struct check_got got = check_ask(node, span, span->first + at, name);
    const struct rollup_part *part = &got.figure.sum;
    char text[MODEL_WINDOW_TEXT];
    model_window_text(span->first + at, text);
    span->tree->result.figures++;
    if (got.err != ERR_OK) {
        sim_tree_wrong(span->tree, "%s %s %s %s: %s", node->prefix,
                       span->pack->name, text, name, base_err_text(got.err));
        return;
    }
    bool expected = part->expected >= want->expected &&
                    part->expected <= want->expected_most;
    enum rollup_state least = check_state(span, at);
    if (part->a != sum->sum || part->n != sum->n ||
        part->has_a != (sum->n > 0) || part->reported != want->reported ||
        !expected || got.figure.state < least)
        sim_tree_wrong(
            span->tree,
            "%s %s %s %s: got sum %" PRId64 " n %" PRIu64 " reported %" PRIu64
            " expected %" PRIu64 " %s, want sum %" PRId64 " n %" PRIu64
            " reported %" PRIu64 " expected %" PRIu64 "..%" PRIu64,
            node->prefix, span->pack->name, text, name, (int64_t)part->a,
            part->n, part->reported, part->expected,
            rollup_state_name(got.figure.state), sum->sum, sum->n,
            want->reported, want->expected, want->expected_most);
    if (node->sender) /* its parents must have what it has */
        want->expected = want->expected_most = part->expected;
}

static void
check_add(struct check_figure *to, const struct check_figure *from)
{
    to->expected += from->expected;
    to->expected_most += from->expected_most;
    to->reported += from->reported;
    for (unsigned i = 0; i < CHECK_MEASURES; i++) {
        to->measures[i].n += from->measures[i].n;
        to->measures[i].sum += from->measures[i].sum;
    }
}

/* Is the enterprise at or below the node? */
static bool
check_below(const struct sim_tree_node *enterprise,
            const struct sim_tree_node *node)
{
    return enterprise == node || enterprise->above == node ||
           enterprise->above->above == node;
}

static bool
check_slot(const struct rollup_row_total *row, unsigned slot, uint64_t n,
           int64_t sum)
{
    const struct model_figure_slot *got = &row->figure.slots[slot];
    return got->n == n && got->sum == sum &&
           (row->figure.mask >> slot & 1) == (n > 0);
}

/* One cell of a pack that has several. */
static void
check_cell(struct sim_tree_node *node, const struct check_span *span,
           uint32_t at, uint32_t cell, const struct check_figure *want)
{
    struct rollup_row_total row = {0};
    struct rollup_key key;
    struct bytes value;
    unsigned slots = MODEL_FIGURE_MEASURES + span->pack->measure_count;
    char text[MODEL_WINDOW_TEXT];
    rollup_row_total_key(&key, base_bytes_text(span->pack->name),
                         span->first + at, cell);
    enum err err =
        store_kv_get(store_kv_now(node->node.kvs[STORE_JOURNAL_ROLLUP]),
                     STORE_TABLE_TOTAL, base_out_bytes(&key.out), &value);
    if (err == ERR_OK)
        err = rollup_row_read(value, ROLLUP_ROW_IS_TOTAL, &row, slots);
    bool ok = err == ERR_OK || err == ERR_ABSENT;
    ok &= check_slot(&row, MODEL_FIGURE_EXPECTED, want->expected,
                     (int64_t)want->expected);
    ok &= check_slot(&row, MODEL_FIGURE_REPORTED, want->reported,
                     (int64_t)want->reported);
    for (unsigned i = 0; i < span->pack->measure_count; i++)
        ok &= check_slot(&row, MODEL_FIGURE_MEASURES + i, want->measures[i].n,
                         want->measures[i].sum);
    span->tree->result.cells++;
    if (!ok)
        sim_tree_wrong(span->tree,
                       "%s %s %s cell %u: got expected %" PRId64
                       " reported %" PRId64 " first measure %" PRId64
                       ", want %" PRIu64 " %" PRIu64 " %" PRId64,
                       node->prefix, span->pack->name,
                       model_window_text(span->first + at, text), cell,
                       (int64_t)row.figure.slots[MODEL_FIGURE_EXPECTED].sum,
                       (int64_t)row.figure.slots[MODEL_FIGURE_REPORTED].sum,
                       (int64_t)row.figure.slots[MODEL_FIGURE_MEASURES].sum,
                       want->expected, want->reported, want->measures[0].sum);
}

/* The enterprises have been compared: their figures are what they hold. */
static void
check_cells(struct sim_tree_node *node, const struct check_span *span)
{
    struct sim_tree *tree = span->tree;
    for (uint32_t i = 0; i < span->count * span->pack->cells; i++) {
        struct check_figure want = {0};
        uint32_t at = i / span->pack->cells, cell = i % span->pack->cells;
        for (unsigned e = 0; e < SIM_TREE_NODES; e++) {
            struct sim_tree_node *other = &tree->nodes[e];
            if (other->sender && other->cell == cell &&
                check_below(other, node))
                check_add(&want, &span_figures(span, other)[at]);
        }
        check_cell(node, span, at, cell, &want);
    }
}

static void
check_node(struct sim_tree_node *node, const struct check_span *span)
{
    for (uint32_t i = 0; i < span->count; i++) {
        struct check_figure *want = &span_figures(span, node)[i];
        span->tree->result.windows++;
        for (unsigned m = 0; m < span->pack->measure_count; m++)
            check_measure_of(node, span, i, m, want);
        if (node->above)
            check_add(&span_figures(span, node->above)[i], want);
    }
    if (span->pack->cells > 1)
        check_cells(node, span);
}

/* Windows from the world's start to those that must be done. */
static void
span_bounds(struct check_span *span)
{
    const struct sim_world *world = &span->tree->world;
    int64_t zone = (int64_t)span->pack->calendar.zone_s * 1000;
    span->step_ms = span->freq->freq == MODEL_FREQ_MINUTE ? 60000 : 3600000;
    must(span->freq->freq <= MODEL_FREQ_HOUR);
    int64_t done =
        world->start_ms + world->now_ms - span->freq->due_ms - CHECK_DUE_MS;
    int64_t first = (world->start_ms + zone) / span->step_ms;
    int64_t end = (done + zone) / span->step_ms;
    span->first = (uint32_t)span->freq->freq << 28 | (uint32_t)first;
    span->count = end > first ? (uint32_t)(end - first) : 0;
    span->start_ms = first * span->step_ms - zone;
}

static void
check_span(struct check_span *span)
{
    struct sim_tree *tree = span->tree;
    span_bounds(span);
    if (span->count == 0)
        return;
    span->figures = base_mem_zero(SIM_TREE_NODES * (size_t)span->count *
                                  sizeof *span->figures);
    for (unsigned i = SIM_TREE_NODES; i-- > 0;) {
        struct sim_tree_node *node = &tree->nodes[i];
        for (unsigned unit = 0; node->sender && unit < SIM_TREE_UNITS; unit++)
            if (check_in_scope(span->pack, unit))
                fold_unit(span, node, unit);
        check_node(node, span);
    }
    base_mem_free(span->figures);
}

void
sim_tree_check_end(struct sim_tree *tree)
{
    for (unsigned i = 0; i < SIM_TREE_NODES; i++) {
        if (!sim_tree_life(&tree->nodes[i])) {
            sim_tree_wrong(tree, "%s is down", tree->nodes[i].prefix);
            return;
        }
        check_audit(&tree->nodes[i]);
        if (tree->nodes[i].sender)
            check_stored(&tree->nodes[i], INT64_MIN);
    }
    for (unsigned p = 0; p < SIM_TREE_PACKS; p++)
        for (unsigned f = 0; f < tree->packs[p]->freq_count; f++)
            check_span(&(struct check_span){
                .tree = tree,
                .pack = tree->packs[p],
                .freq = &tree->packs[p]->freqs[f],
            });
}
