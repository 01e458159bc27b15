/* rollup_query.c -- reading figures: what a name means, sums, parts. */
#include <stdio.h>
#include <stdlib.h>

#include "base/base_mem.h"
#include "engine/rollup/rollup_inner.h"
#include "model/model_id.h"
#include "model/model_near.h"
#include "model/model_value.h"

enum { QUERY_BACK = 10000, QUERY_LAST = 1000 };

/* --- what a name means --- */

static enum err
query_no_pack(struct rollup *rollup, struct bytes given, struct base_note *note)
{
    char known[200];
    size_t size = 0;
    known[0] = 0;
    for (unsigned i = 0; i < rollup->pack_count && size < sizeof known; i++)
        size += (size_t)snprintf(known + size, sizeof known - size, "%s%s",
                                 i ? ", " : "", rollup->packs[i].pack->name);
    return base_err_note_at(note, ERR_NAME, "pack", 0, 0,
                            "no pack \"%.*s\" here; there %s: %s",
                            (int)given.size, (const char *)given.at,
                            rollup->pack_count == 1 ? "is" : "are", known);
}

static void
query_measure(const struct model_pack *pack, unsigned measure, unsigned *slot,
              unsigned *scale)
{
    *slot = MODEL_FIGURE_MEASURES + measure;
    *scale = pack->measures[measure].scale;
}

static bool
query_find(const struct model_pack *pack, struct bytes name,
           struct rollup_name *to)
{
    static const char *const counts[] = {"expected", "reported"};
    int at = model_pack_metric_find(pack, name);
    *to = (struct rollup_name){.pack = pack, .unit = ""};
    if (at >= 0) {
        to->metric = &pack->metrics[at];
        to->name = to->metric->name;
        to->unit = to->metric->unit ? to->metric->unit : "";
        to->digits = to->metric->digits;
        query_measure(pack, to->metric->a, &to->a, &to->scale_a);
        query_measure(pack, to->metric->b, &to->b, &to->scale_b);
        return true;
    }
    at = model_pack_measure_find(pack, name);
    if (at >= 0) {
        query_measure(pack, (unsigned)at, &to->a, &to->scale_a);
        to->name = pack->measures[at].name;
        to->unit = pack->measures[at].unit.text;
        to->digits = to->scale_a;
        return true;
    }
    for (unsigned i = 0; i < BASE_COUNT(counts) && !to->name; i++)
        if (base_bytes_is(name, counts[i])) {
            to->name = counts[i];
            to->a = i;
        }
    return to->name != NULL;
}

enum err
rollup_query_name(struct rollup *rollup, struct bytes pack_name,
                  struct bytes name, struct rollup_name *ret_name,
                  unsigned *ret_pack, struct base_note *note)
{
    int at = rollup_pack_find(rollup, pack_name);
    if (at < 0)
        return query_no_pack(rollup, pack_name, note);
    const struct model_pack *pack = rollup->packs[at].pack;
    *ret_pack = (unsigned)at;
    if (query_find(pack, name, ret_name))
        return ERR_OK;
    struct model_near near;
    model_near_init(&near, name);
    for (unsigned i = 0; i < pack->metric_count; i++)
        model_near_offer(&near, pack->metrics[i].name);
    for (unsigned i = 0; i < pack->measure_count; i++)
        model_near_offer(&near, pack->measures[i].name);
    return base_err_note_at(note, ERR_NAME, "metric", 0, 0,
                            "pack %s has no metric or measure \"%.*s\"%s",
                            pack->name, (int)name.size, (const char *)name.at,
                            model_near_hint(&near));
}

/* --- which window --- */

/* The last window row of the frequency at or before `window`; ABSENT. */
static enum err
query_back(struct rollup *rollup, unsigned pack, uint32_t window,
           uint32_t *ret_window, struct rollup_row_window *ret_row)
{
    struct rollup_key all, key;
    struct bytes name = rollup->packs[pack].name, found, value;
    enum err err = store_kv_last(
        rollup_snap(rollup), STORE_TABLE_WINDOW,
        rollup_row_window_all(&all, ROLLUP_ROW_WINDOW, name),
        rollup_row_window_key(&key, name, window), &found, &value);
    if (err != ERR_OK)
        return err;
    *ret_window = rollup_row_tail(found);
    if (model_window_freq(*ret_window) != model_window_freq(window))
        return ERR_ABSENT;
    return rollup_row_read(value, ROLLUP_ROW_IS_WINDOW, ret_row, 0);
}

/* How a window stood; at_ms 0: now. */
static enum rollup_state
query_state(struct rollup *rollup, unsigned pack, uint32_t window,
            const struct rollup_row_window *row, int64_t at_ms,
            uint32_t *ret_version)
{
    *ret_version = row->vintage;
    if (at_ms == 0)
        return (enum rollup_state)row->state;
    if (row->vintage && row->sealed_ms > at_ms)
        *ret_version = rollup_seal_version(rollup, pack, window, at_ms);
    if (*ret_version)
        return ROLLUP_SEALED;
    return row->state != ROLLUP_OPEN &&
                   rollup_window_due_ms(rollup, pack, window) <= at_ms
               ? ROLLUP_PROVISIONAL
               : ROLLUP_OPEN;
}

/* The newest that is complete, or was. */
static enum err
query_newest(struct rollup *rollup, unsigned pack, enum model_freq freq,
             int64_t at_ms, uint32_t *ret_window)
{
    struct rollup_row_window row;
    uint32_t at = ((uint32_t)freq << 28) | 0xfffffff, version;
    if (at_ms)
        model_calendar_at(&rollup->packs[pack].pack->calendar, freq,
                          (struct wall){at_ms}, &at);
    for (unsigned i = 0; i < QUERY_BACK; i++, at = *ret_window - 1) {
        enum err err = query_back(rollup, pack, at, ret_window, &row);
        if (err != ERR_OK || query_state(rollup, pack, *ret_window, &row, at_ms,
                                         &version) != ROLLUP_OPEN)
            return err;
    }
    return ERR_ABSENT;
}

static enum err
query_freq(const struct model_pack *pack, struct bytes given,
           enum model_freq *ret_freq, struct base_note *note)
{
    *ret_freq = pack->freqs[0].freq;
    if (given.size == 0)
        return ERR_OK;
    if (model_window_freq_parse(given, ret_freq) == ERR_OK &&
        model_pack_freq(pack, *ret_freq))
        return ERR_OK;
    return base_err_note_at(note, ERR_NAME, "freq", 0, 0,
                            "pack %s has no frequency \"%.*s\"; its first is "
                            "%s",
                            pack->name, (int)given.size, (const char *)given.at,
                            model_window_freq_name(pack->freqs[0].freq));
}

enum err
rollup_query_window(struct rollup *rollup, unsigned at, struct bytes text,
                    struct bytes freq, int64_t at_ms, uint32_t *ret_window,
                    struct base_note *note)
{
    const struct model_pack *pack = rollup->packs[at].pack;
    enum model_freq which;
    enum err err;
    if (text.size > 0) {
        err = model_calendar_parse(&pack->calendar, text, ret_window);
        if (err != ERR_OK)
            return base_err_note_at(
                note, err, "at", 0, 0,
                "\"%.*s\" is no window of pack %s; a minute is "
                "2025-11-22T04:55, "
                "an hour 2025-11-22T04, a shift 2025-11-22.night, a day "
                "2025-11-22, a month 2025-11, months filed together "
                "2025-01..02",
                (int)text.size, (const char *)text.at, pack->name);
        return query_freq(pack,
                          base_bytes_text(model_window_freq_name(
                              model_window_freq(*ret_window))),
                          &which, note);
    }
    err = query_freq(pack, freq, &which, note);
    if (err != ERR_OK)
        return err;
    err = query_newest(rollup, at, which, at_ms, ret_window);
    if (err == ERR_ABSENT)
        base_err_note_at(note, err, "at", 0, 0, "no %s of pack %s %s complete",
                         model_window_freq_name(which), pack->name,
                         at_ms ? "was" : "is");
    return err;
}

/* --- one figure --- */

void
rollup_query_part(const struct rollup_name *name,
                  const struct model_figure *figure, struct rollup_part *part)
{
    const struct model_figure_slot *slots = figure->slots;
    part->has_a = figure->mask >> name->a & 1;
    part->has_b = name->metric && figure->mask >> name->b & 1;
    part->a = part->has_a ? slots[name->a].sum : 0;
    part->b = part->has_b ? slots[name->b].sum : 0;
    part->n = part->has_a ? slots[name->a].n : 0;
    if (name->metric && (!part->has_b || slots[name->b].n < part->n))
        part->n = part->has_b ? slots[name->b].n : 0;
    part->expected = (uint64_t)slots[MODEL_FIGURE_EXPECTED].sum;
    part->reported = (uint64_t)slots[MODEL_FIGURE_REPORTED].sum;
    if (name->metric)
        part->present =
            model_value_metric(name->pack,
                               (unsigned)(name->metric - name->pack->metrics),
                               figure, &part->value) == ERR_OK;
    else
        part->present = part->has_a && base_dec_from(part->a, name->scale_a,
                                                     &part->value) == ERR_OK;
}

struct query_sum {
    struct rollup *rollup;
    const struct rollup_when *when;
    struct model_figure figure;
    struct rollup_figure *to;
    unsigned slots;
    enum err err;
};

static bool
query_total(void *self, struct bytes key, struct bytes value)
{
    struct query_sum *sum = self;
    struct rollup_row_total row;
    int64_t at_ms;
    if (!rollup_past_when(sum->when, rollup_row_tail(key), &at_ms))
        return true;
    sum->err =
        rollup_past_at(sum->rollup, STORE_TABLE_TOTAL, key, at_ms, &value);
    if (sum->err == ERR_ABSENT) {
        sum->err = ERR_OK; /* it came later */
        return true;
    }
    if (sum->err == ERR_OK)
        sum->err =
            rollup_row_read(value, ROLLUP_ROW_IS_TOTAL, &row, sum->slots);
    if (sum->err == ERR_OK)
        sum->err = model_figure_add(&sum->figure, &row.figure, 1);
    if (sum->err != ERR_OK)
        return false;
    sum->to->revision += row.revision;
    if (row.epoch > sum->to->epoch)
        sum->to->epoch = row.epoch;
    return true;
}

static enum err
query_live(struct rollup *rollup, unsigned pack, struct rollup_figure *figure,
           struct query_sum *sum)
{
    struct rollup_key key;
    sum->to = figure;
    enum err err = rollup_scan(
        rollup, STORE_TABLE_TOTAL,
        rollup_row_total_all(&key, rollup->packs[pack].name, figure->window),
        query_total, sum);
    return sum->err != ERR_OK ? sum->err : err;
}

/* A sealed window: the root, and whether the live cells have another. */
static enum err
query_vintage(struct rollup *rollup, unsigned pack, uint32_t version,
              const struct rollup_when *when, struct rollup_figure *figure,
              struct model_figure *ret_sum)
{
    struct rollup_row_vintage head;
    uint8_t root[32];
    uint32_t cells;
    enum err err = rollup_seal_sum(rollup, pack, figure->window, version,
                                   when->only, &head, ret_sum);
    if (err != ERR_OK)
        return err;
    figure->vintage = version;
    figure->sealed_ms = head.sealed_ms;
    memcpy(figure->root, head.root, sizeof figure->root);
    err =
        rollup_seal_root(rollup, pack, figure->window, when->ms, root, &cells);
    figure->pending =
        err == ERR_OK && memcmp(root, head.root, sizeof root) != 0;
    return ERR_OK;
}

/* Can this window tell what it was then? */
static enum err
query_past(struct rollup *rollup, const struct rollup_row_window *row,
           int64_t at_ms)
{
    if (at_ms == 0)
        return ERR_OK;
    if (at_ms < row->made_ms)
        return ERR_ABSENT;
    bool since = at_ms < rollup->applied_ms; /* else the present is meant */
    return since && row->full_ms && at_ms >= row->full_ms ? ERR_LIMIT : ERR_OK;
}

enum err
rollup_query_figure(struct rollup *rollup, const struct rollup_name *name,
                    unsigned pack, uint32_t window, uint32_t vintage,
                    const struct rollup_when *when,
                    struct rollup_figure *ret_figure)
{
    struct rollup_row_window row = {0};
    struct rollup_key key;
    struct query_sum sum = {
        .rollup = rollup, .when = when, .slots = rollup->packs[pack].slots};
    struct model_figure sealed;
    *ret_figure = (struct rollup_figure){
        .window = window,
        .at_ms = when->ms ? when->ms : rollup_past_now(rollup),
    };
    enum err err = rollup_get(
        rollup, STORE_TABLE_WINDOW,
        rollup_row_window_key(&key, rollup->packs[pack].name, window),
        ROLLUP_ROW_IS_WINDOW, &row, 0);
    if (err == ERR_OK &&
        memcmp(row.shape, name->pack->shape, sizeof row.shape) != 0)
        return ERR_MISMATCH;
    bool kept = err == ERR_OK; /* else only its vintages are left */
    uint32_t version = 0;
    if (kept) {
        err = query_past(rollup, &row, when->ms);
        ret_figure->state =
            query_state(rollup, pack, window, &row, when->ms, &version);
    } else if (err == ERR_ABSENT && (vintage || when->ms)) {
        ret_figure->state = ROLLUP_SEALED;
        version = rollup_seal_version(rollup, pack, window,
                                      when->ms ? when->ms : INT64_MAX);
        err = version ? ERR_OK : ERR_ABSENT;
    }
    if (err == ERR_OK && kept)
        err = query_live(rollup, pack, ret_figure, &sum);
    if (err == ERR_OK && vintage)
        version = vintage;
    if (err == ERR_OK && version > 0)
        err = query_vintage(rollup, pack, version, when, ret_figure, &sealed);
    if (err != ERR_OK)
        return err;
    ret_figure->sealed = vintage || !kept;
    rollup_query_part(name, ret_figure->sealed ? &sealed : &sum.figure,
                      &ret_figure->sum);
    return ERR_OK;
}

/* --- parts --- */

struct query_parts {
    struct rollup *rollup;
    const struct rollup_name *name;
    const struct rollup_when *when;
    struct rollup_part *at; /* room for limit */
    unsigned count, limit;
    bool least_first;
    uint64_t left;
    size_t all; /* size of the common part of the keys */
    unsigned slots;
    struct base_arena *arena;
    struct rollup_part now; /* being gathered */
    struct model_figure figure;
    struct bytes child; /* its key, in room; empty: none */
    uint8_t room[MODEL_ID_MAX];
    enum err err;
};

static int
query_most(const void *left, const void *right)
{
    const struct rollup_part *a = left, *b = right;
    __int128 x = a->a < 0 ? -a->a : a->a, y = b->a < 0 ? -b->a : b->a;
    if (x != y)
        return x > y ? -1 : 1;
    return base_bytes_compare(a->from, b->from);
}

static int
query_least(const void *left, const void *right)
{
    const struct rollup_part *a = left, *b = right;
    if (a->a != b->a)
        return a->a < b->a ? -1 : 1;
    return base_bytes_compare(a->from, b->from);
}

/* Keeps the first `limit` in the order asked for. */
static void
query_keep(struct query_parts *parts)
{
    int (*order)(const void *, const void *) =
        parts->least_first ? query_least : query_most;
    unsigned at = parts->count;
    if (parts->limit == 0) {
        parts->left++;
        return;
    }
    if (at == parts->limit) {
        at = 0;
        for (unsigned i = 1; i < parts->count; i++)
            if (order(&parts->at[i], &parts->at[at]) > 0)
                at = i;
        parts->left++;
        if (order(&parts->now, &parts->at[at]) >= 0)
            return;
    } else {
        parts->count++;
    }
    parts->at[at] = parts->now;
    parts->at[at].from = base_arena_bytes(parts->arena, parts->now.from);
    if (!parts->at[at].from.at)
        parts->err = ERR_LIMIT;
}

static void
query_gathered(struct query_parts *parts)
{
    if (parts->child.size == 0)
        return;
    rollup_query_part(parts->name, &parts->figure, &parts->now);
    parts->now.from = parts->child;
    query_keep(parts);
    parts->child = (struct bytes){0};
}

static bool
query_contrib(void *self, struct bytes key, struct bytes value)
{
    struct query_parts *parts = self;
    struct rollup_row_contrib *row = &parts->rollup->merge.old;
    struct rollup_row_source source;
    parts->err = rollup_row_source(key, parts->all, &source);
    if (parts->err == ERR_OK)
        parts->err = rollup_past_contrib(parts->rollup, parts->when, key,
                                         &source, value, parts->slots, row);
    if (parts->err == ERR_ABSENT) {
        parts->err = ERR_OK;
        return true;
    }
    if (parts->err != ERR_OK)
        return false;
    bool same =
        source.child.size > 0 && base_bytes_equal(source.child, parts->child);
    if (!same) {
        query_gathered(parts);
        parts->now = (struct rollup_part){.waiting = true};
        parts->figure = (struct model_figure){0};
    }
    struct rollup_part *now = &parts->now;
    now->waiting = now->waiting && row->flags & ROLLUP_ROW_PLACEHOLDER;
    now->epoch = row->epoch > now->epoch ? row->epoch : now->epoch;
    now->revision += row->revision;
    if (source.child.size > 0) {
        if (!same) {
            memcpy(parts->room, source.child.at, source.child.size);
            parts->child = base_bytes(parts->room, source.child.size);
        }
        parts->err = model_figure_add(&parts->figure, &row->figure, 1);
        return parts->err == ERR_OK;
    }
    now->unit = true;
    now->shard = row->shard;
    now->sequence = row->sequence;
    now->from = row->unit;
    rollup_query_part(parts->name, &row->figure, now);
    query_keep(parts);
    return parts->err == ERR_OK;
}

/* The spelling that a child itself uses. */
static void
query_spell(struct rollup *rollup, struct rollup_part *part,
            struct base_arena *arena)
{
    struct rollup_key key;
    struct rollup_row_child row;
    if (part->unit ||
        rollup_get(rollup, STORE_TABLE_CHILD,
                   rollup_row_child_key(&key, ROLLUP_ROW_CHILD, part->from),
                   ROLLUP_ROW_IS_CHILD, &row, 0) != ERR_OK)
        return;
    struct bytes name = base_arena_bytes(arena, row.name);
    if (name.at)
        part->from = name;
}

enum err
rollup_query_parts(struct rollup *rollup, const struct rollup_name *name,
                   unsigned pack, uint32_t window,
                   const struct rollup_when *when, unsigned limit,
                   bool least_first, struct base_arena *arena,
                   struct rollup_figure *figure)
{
    struct rollup_key key;
    struct bytes all =
        rollup_row_total_all(&key, rollup->packs[pack].name, window);
    struct query_parts *parts = base_mem_zero(sizeof *parts);
    parts->rollup = rollup;
    parts->name = name;
    parts->when = when;
    parts->limit = limit < ROLLUP_PARTS ? limit : ROLLUP_PARTS;
    parts->least_first = least_first;
    parts->all = all.size;
    parts->slots = rollup->packs[pack].slots;
    parts->arena = arena;
    parts->at = base_arena_alloc(arena, (parts->limit + 1) * sizeof *parts->at);
    enum err err = parts->at ? rollup_scan(rollup, STORE_TABLE_CONTRIB, all,
                                           query_contrib, parts)
                             : ERR_LIMIT;
    if (err == ERR_OK)
        query_gathered(parts);
    if (err == ERR_OK)
        err = parts->err;
    if (err == ERR_OK) {
        qsort(parts->at, parts->count, sizeof *parts->at,
              least_first ? query_least : query_most);
        for (unsigned i = 0; i < parts->count; i++)
            query_spell(rollup, &parts->at[i], arena);
        figure->parts = parts->at;
        figure->part_count = parts->count;
        figure->parts_left = parts->left;
    }
    base_mem_free(parts);
    return err;
}

/* --- the question --- */

/* Why there is no figure of this window. */
static enum err
query_none(enum err err, const struct rollup_ask *ask,
           const struct model_pack *pack, uint32_t window,
           struct base_note *note)
{
    char text[MODEL_WINDOW_TEXT], when[BASE_TIME_TEXT];
    model_calendar_text(&pack->calendar, window, text);
    base_time_text((struct wall){ask->asof_ms}, pack->calendar.zone_s, when);
    if (err == ERR_ABSENT && ask->vintage)
        return base_err_note_at(note, err, "vintage", 0, 0,
                                "%s of pack %s has no vintage %u", text,
                                pack->name, ask->vintage);
    if (err == ERR_ABSENT && ask->asof_ms)
        return base_err_note_at(note, err, "asof", 0, 0,
                                "nothing had been reported for %s of pack %s "
                                "at %s",
                                text, pack->name, when);
    if (err == ERR_LIMIT && ask->asof_ms)
        return base_err_note_at(note, err, "asof", 0, 0,
                                "%s of pack %s was changed so often that its "
                                "history ends before %s",
                                text, pack->name, when);
    if (err == ERR_ABSENT)
        return base_err_note_at(note, err, "at", 0, 0,
                                "nothing has been reported for %s of pack %s",
                                text, pack->name);
    if (err == ERR_MISMATCH)
        return base_err_note_at(note, err, "at", 0, 0,
                                "%s was folded under another shape of pack %s",
                                text, pack->name);
    return base_err_note(note, err, "%s", base_err_text(err));
}

/* One window of the answer; the first with its parts. */
static enum err
query_one(struct rollup *rollup, const struct rollup_ask *ask, unsigned pack,
          uint32_t window, const struct rollup_when *when, bool parts,
          struct base_arena *arena, struct rollup_answer *answer)
{
    struct rollup_figure *figure = &answer->figures[answer->count];
    enum err err = rollup_query_figure(rollup, &answer->name, pack, window,
                                       ask->vintage, when, figure);
    struct rollup_when then = *when;
    if (err == ERR_OK && figure->sealed)
        then.ms = figure->sealed_ms;
    if (err == ERR_OK && parts && ask->parts > 0)
        err = rollup_query_parts(rollup, &answer->name, pack, window, &then,
                                 ask->parts, ask->least_first, arena, figure);
    answer->count += err == ERR_OK;
    return err;
}

static enum err
query_asof(struct rollup *rollup, const struct rollup_ask *ask,
           struct base_note *note)
{
    char now[BASE_TIME_TEXT];
    int64_t now_ms = rollup_past_now(rollup);
    if (ask->asof_ms <= now_ms && ask->asof_ms >= 0)
        return ERR_OK;
    return base_err_note_at(note, ERR_RANGE, "asof", 0, 0,
                            "it is %s here: nothing is known of later",
                            base_time_text((struct wall){now_ms}, 0, now));
}

enum err
rollup_query_cells(struct rollup *rollup, const struct rollup_ask *ask,
                   struct model_cells *ret_cells, struct base_note *note)
{
    int pack = rollup_pack_find(rollup, ask->pack);
    *ret_cells = (struct model_cells){0};
    return pack < 0 ? ERR_OK
                    : model_cells_read(ask->cells, rollup->packs[pack].pack,
                                       ret_cells, note);
}

enum err
rollup_query_show(struct rollup *rollup, const struct rollup_ask *ask,
                  const struct rollup_when *when, struct base_arena *arena,
                  struct rollup_answer *ret_answer, struct base_note *note)
{
    struct rollup_row_window row;
    uint32_t window = 0;
    unsigned pack = 0, last = ask->last ? ask->last : 1;
    last = last < QUERY_LAST ? last : QUERY_LAST;
    rollup_fold_flush(rollup);
    *ret_answer = (struct rollup_answer){0};
    enum err err = rollup_query_name(rollup, ask->pack, ask->name,
                                     &ret_answer->name, &pack, note);
    if (err == ERR_OK)
        err = query_asof(rollup, ask, note);
    if (err == ERR_OK)
        err = rollup_query_window(rollup, pack, ask->at, ask->freq,
                                  ask->asof_ms, &window, note);
    if (err != ERR_OK)
        return err;
    ret_answer->figures =
        base_arena_alloc(arena, last * sizeof *ret_answer->figures);
    if (!ret_answer->figures)
        return base_err_note(note, ERR_LIMIT, "too much is asked at once");
    for (unsigned i = 0; i < last && err == ERR_OK; i++) {
        if (i > 0 &&
            query_back(rollup, pack, window - 1, &window, &row) != ERR_OK)
            break;
        err = query_one(rollup, ask, pack, window, when, i == 0, arena,
                        ret_answer);
    }
    if (ret_answer->count == last && window > 0 &&
        query_back(rollup, pack, window - 1, &window, &row) == ERR_OK)
        ret_answer->next = window;
    return ret_answer->count > 0
               ? ERR_OK
               : query_none(err, ask, ret_answer->name.pack, window, note);
}

enum err
rollup_show(struct rollup *rollup, const struct rollup_ask *ask,
            struct base_arena *arena, struct rollup_answer *ret_answer,
            struct base_note *note)
{
    struct model_cells cells;
    enum err err = rollup_query_cells(rollup, ask, &cells, note);
    const struct rollup_when when = {.ms = ask->asof_ms, .only = &cells};
    if (err == ERR_OK)
        err = rollup_query_show(rollup, ask, &when, arena, ret_answer, note);
    if (err == ERR_OK)
        ret_answer->cells = cells;
    return err;
}
