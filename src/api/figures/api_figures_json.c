/* api_figures_json.c -- see api_figures_json.h. */
#include "api/figures/api_figures_json.h"

#include <limits.h>
#include <stdio.h>

#include "base/base_b64.h"
#include "wire/figure/wire_explain.h"
#include "wire/return/wire_return.h"

static json_t *
json_text(struct bytes text)
{
    return json_stringn((const char *)text.at, text.size);
}

static json_t *
json_dec(bool present, struct dec value, unsigned digits)
{
    char text[BASE_DEC_TEXT];
    return present ? json_string(base_dec_text(value, (int)digits, text))
                   : json_null();
}

/* A sum of integers of 10^-scale, as it is. */
static json_t *
json_sum(bool has, __int128 sum, unsigned scale)
{
    struct dec value = {0};
    bool fits = has && base_dec_from(sum, scale, &value) == ERR_OK;
    return json_dec(fits, value, scale);
}

json_t *
api_figures_json_label(struct model_pack_text label)
{
    return json_pack("{s:s*, s:s*}", "zh", label.zh, "en", label.en);
}

static void
json_number(json_t *to, const char *key, uint64_t value)
{
    json_object_set_new(to, key, json_integer((json_int_t)value));
}

/* NULL: one of the built-in counts. */
static const struct model_pack_measure *
json_measure(const struct rollup_name *name, bool a)
{
    unsigned slot = a ? name->a : name->b;
    return slot < MODEL_FIGURE_MEASURES
               ? NULL
               : &name->pack->measures[slot - MODEL_FIGURE_MEASURES];
}

json_t *
api_figures_json_name(const struct rollup_name *name)
{
    const struct model_pack_measure *measure = json_measure(name, true);
    json_t *to =
        json_pack("{s:s, s:s, s:s, s:i}", "pack", name->pack->name, "name",
                  name->name, "unit", name->unit, "digits", (int)name->digits);
    if (name->metric || measure)
        json_object_set_new(to, "label",
                            api_figures_json_label(name->metric
                                                       ? name->metric->label
                                                       : measure->label));
    return to;
}

void
api_figures_json_cell(json_t *to, const struct model_cells *cells)
{
    json_t *list = json_array();
    for (unsigned d = 0; d < MODEL_PACK_DIMS; d++) {
        const struct model_code *code = cells->codes[d];
        if (!code)
            continue;
        json_t *one = json_pack("{s:s, s:s}", "dim", cells->pack->dims[d].name,
                                "code", code->code);
        json_object_set_new(one, "label",
                            api_figures_json_label(
                                (struct model_pack_text){code->zh, code->en}));
        json_array_append_new(list, one);
    }
    json_object_set_new(to, "cell", list);
}

static void
json_counts(json_t *to, const struct rollup_name *name,
            const struct rollup_part *part)
{
    json_object_set_new(to, "value",
                        json_dec(part->present, part->value, name->digits));
    json_number(to, "n", part->n);
    json_number(to, "reported", part->reported);
    json_number(to, "expected", part->expected);
}

void
api_figures_json_window(json_t *to, const struct rollup_name *name,
                        const struct rollup_figure *figure)
{
    char text[MODEL_WINDOW_TEXT], hex[65];
    struct wall start = {0}, end = {0};
    const struct model_calendar *calendar = &name->pack->calendar;
    model_calendar_bounds(calendar, figure->window, &start, &end);
    json_object_set_new(
        to, "window",
        json_string(model_calendar_text(calendar, figure->window, text)));
    json_object_set_new(
        to, "freq",
        json_string(model_window_freq_name(model_window_freq(figure->window))));
    json_object_set_new(to, "from", json_integer(start.ms));
    json_object_set_new(to, "to", json_integer(end.ms));
    json_counts(to, name, &figure->sum);
    json_number(to, "epoch", figure->epoch);
    json_number(to, "revision", figure->revision);
    json_object_set_new(
        to, "shape",
        json_string(base_b64_hex(base_bytes(name->pack->shape, 32), hex)));
    json_object_set_new(to, "state",
                        json_string(rollup_state_name(figure->state)));
    json_object_set_new(to, "vintage",
                        figure->vintage ? json_integer(figure->vintage)
                                        : json_null());
    json_object_set_new(to, "pending", json_boolean(figure->pending));
    json_object_set_new(to, "asof", json_integer(figure->at_ms));
    if (!figure->vintage)
        return;
    json_object_set_new(to, "sealed", json_integer(figure->sealed_ms));
    json_object_set_new(
        to, "root",
        json_string(base_b64_hex(base_bytes(figure->root, 32), hex)));
}

static bool
json_may_name(const struct net_http_request *request, struct bytes unit)
{
    return !request ||
           net_http_may(request, MODEL_GRANT_NAMES, unit, NULL) == ERR_OK;
}

json_t *
api_figures_json_parts(const struct rollup_name *name,
                       const struct rollup_figure *figure,
                       const struct net_http_request *request)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < figure->part_count; i++) {
        const struct rollup_part *part = &figure->parts[i];
        json_t *one = json_object();
        json_object_set_new(one, "kind",
                            json_string(part->unit ? "unit" : "node"));
        bool named = !part->unit || json_may_name(request, part->from);
        json_object_set_new(one, "from",
                            named ? json_text(part->from) : json_null());
        json_counts(one, name, part);
        json_object_set_new(one, "a",
                            json_sum(part->has_a, part->a, name->scale_a));
        if (name->metric)
            json_object_set_new(one, "b",
                                json_sum(part->has_b, part->b, name->scale_b));
        json_number(one, "epoch", part->epoch);
        json_number(one, "revision", part->revision);
        json_object_set_new(one, "waiting", json_boolean(part->waiting));
        json_array_append_new(list, one);
    }
    return list;
}

static void
json_by_sum(json_t *to, const struct rollup_name *name,
            const struct rollup_part *sum)
{
    json_counts(to, name, sum);
    json_object_set_new(to, "a", json_sum(sum->has_a, sum->a, name->scale_a));
    if (name->metric)
        json_object_set_new(to, "b",
                            json_sum(sum->has_b, sum->b, name->scale_b));
}

/* A figure of some cells, and a row for each code. */
json_t *
api_figures_json_by(const struct rollup_by *by)
{
    const struct rollup_name *name = &by->name;
    const struct model_calendar *calendar = &name->pack->calendar;
    char text[MODEL_WINDOW_TEXT];
    json_t *to = api_figures_json_name(name), *rows = json_array();
    api_figures_json_cell(to, &by->cells);
    json_object_set_new(
        to, "window",
        json_string(model_calendar_text(calendar, by->window, text)));
    json_object_set_new(to, "asof", json_integer(by->at_ms));
    json_by_sum(to, name, &by->sum);
    for (unsigned i = 0; i < by->count; i++) {
        const struct model_code *code = by->rows[i].code;
        json_t *row = json_object();
        json_object_set_new(row, "code", json_string(code->code));
        json_object_set_new(row, "parent",
                            by->rows[i].parent ? json_string(by->rows[i].parent)
                                               : json_null());
        json_object_set_new(row, "label",
                            api_figures_json_label(
                                (struct model_pack_text){code->zh, code->en}));
        json_by_sum(row, name, &by->rows[i].sum);
        json_array_append_new(rows, row);
    }
    json_object_set_new(to, "rows", rows);
    return to;
}

json_t *
api_figures_json_operand(const struct rollup_name *name, bool a, bool has,
                         __int128 sum)
{
    const struct model_pack_measure *measure = json_measure(name, a);
    json_t *to = json_object();
    unsigned scale = a ? name->scale_a : name->scale_b;
    json_object_set_new(to, "name",
                        json_string(measure ? measure->name : name->name));
    json_object_set_new(to, "unit",
                        json_string(measure ? measure->unit.text : ""));
    json_object_set_new(to, "scale", json_integer(scale));
    json_object_set_new(to, "sum", json_sum(has, sum, scale));
    if (measure) {
        json_object_set_new(to, "expr", json_string(measure->expr_text));
        json_object_set_new(to, "label",
                            api_figures_json_label(measure->label));
    }
    return to;
}

/* --- an explanation --- */

static void
json_input(json_t *to, const struct model_pack *pack, struct bytes name)
{
    for (unsigned i = 0; i < pack->input_count; i++) {
        const struct model_pack_input *input = &pack->inputs[i];
        if (!base_bytes_is(name, input->name))
            continue;
        json_object_set_new(to, "unit", json_string(input->unit.text));
        json_object_set_new(to, "metric", json_text(input->metric));
        json_object_set_new(to, "label", api_figures_json_label(input->label));
    }
}

/* A signed batch or return: all that somebody needs who would check it
 * himself. */
static json_t *
json_batch(const struct wire_explain_entry *entry)
{
    static const char *const verdicts[] = {
        [WIRE_EXPLAIN_UNKNOWN] = "unknown",
        [WIRE_EXPLAIN_SIGNED] = "signed",
        [WIRE_EXPLAIN_GONE] = "gone",
        [WIRE_EXPLAIN_WRONG] = "wrong",
    };
    struct base_out key, batch;
    bool filed = entry->kind == WIRE_EXPLAIN_RETURN;
    char id[17];
    snprintf(id, sizeof id, "%016llx", (unsigned long long)entry->key_id);
    base_out_grow(&key, 1024);
    base_out_grow(&batch, 2 * WIRE_EXPLAIN_PROOF_MAX);
    base_b64_write(&key, BASE_B64_STANDARD, entry->key);
    base_b64_write(&batch, BASE_B64_STANDARD, entry->batch);
    json_t *to = json_pack(
        "{s:s, s:o, s:I, s:I, s:s, s:s, s:s%, s:s%}", "kind",
        filed ? "return" : "batch", "name", json_text(entry->name), "epoch",
        (json_int_t)entry->epoch, filed ? "revision" : "seq",
        (json_int_t)entry->seq, "verdict", verdicts[entry->verdict], "key_id",
        id, "key", base_out_bytes(&key).at ? (const char *)key.at : "",
        key.size, filed ? "return" : "batch",
        base_out_bytes(&batch).at ? (const char *)batch.at : "", batch.size);
    if (filed) {
        char hex[65];
        json_object_set_new(to, "filed_at", json_integer(entry->filed_ms));
        json_object_set_new(to, "sha256",
                            json_string(base_b64_hex(entry->digest, hex)));
        json_object_set_new(
            to, "receipt",
            json_string(wire_return_verdict_name(entry->receipt)));
    }
    base_out_done(&batch);
    base_out_done(&key);
    return to;
}

static json_t *
json_entry(const struct rollup_name *name,
           const struct wire_explain_entry *entry)
{
    static const char *const kinds[] = {
        [WIRE_EXPLAIN_NODE] = "node",     [WIRE_EXPLAIN_PART] = "part",
        [WIRE_EXPLAIN_UNIT] = "unit",     [WIRE_EXPLAIN_INPUT] = "input",
        [WIRE_EXPLAIN_WINDOW] = "window",
    };
    if (entry->kind == WIRE_EXPLAIN_BATCH || entry->kind == WIRE_EXPLAIN_RETURN)
        return json_batch(entry);
    bool input = entry->kind == WIRE_EXPLAIN_INPUT;
    bool has = (entry->has & WIRE_EXPLAIN_VALUE) != 0;
    json_t *to = json_object();
    json_object_set_new(to, "kind", json_string(kinds[entry->kind]));
    json_object_set_new(to, "name", json_text(entry->name));
    if (input) {
        char text[BASE_DEC_TEXT];
        base_dec_text(entry->value, -1, text);
        json_object_set_new(to, "value", has ? json_string(text) : json_null());
        json_object_set(to, "a", json_object_get(to, "value"));
        json_input(to, name->pack, entry->name);
        return to;
    }
    json_counts(to, name,
                &(struct rollup_part){.present = has,
                                      .value = entry->value,
                                      .n = entry->n,
                                      .reported = entry->reported,
                                      .expected = entry->expected});
    json_object_set_new(
        to, "a",
        json_sum(entry->has & WIRE_EXPLAIN_A, entry->a, name->scale_a));
    if (name->metric)
        json_object_set_new(
            to, "b",
            json_sum(entry->has & WIRE_EXPLAIN_B, entry->b, name->scale_b));
    json_number(to, "epoch", entry->epoch);
    json_number(to, "revision", entry->revision);
    if (entry->why != ERR_OK)
        json_object_set_new(to, "why",
                            json_string(base_err_name((enum err)entry->why)));
    if (entry->has & WIRE_EXPLAIN_CHANGED)
        json_object_set_new(to, "changed", json_true());
    if (entry->has & WIRE_EXPLAIN_SAMPLE) {
        json_number(to, "shard", entry->shard);
        json_number(to, "sequence", entry->sequence);
    }
    if (entry->has & WIRE_EXPLAIN_DIGEST) {
        char hex[65];
        json_number(to, "samples", entry->samples);
        json_object_set_new(to, "first", json_integer(entry->first_ms));
        json_object_set_new(to, "last", json_integer(entry->last_ms));
        json_object_set_new(to, "digest",
                            json_string(base_b64_hex(entry->digest, hex)));
    }
    return to;
}

/* A unit that may not be named: its counts, and nothing below it. */
static void
json_unnamed(json_t *one)
{
    json_object_set_new(one, "name", json_null());
    json_object_del(one, "shard");
    json_object_del(one, "sequence");
    json_object_del(one, "digest");
}

json_t *
api_figures_entries(const struct rollup_name *name, struct bytes entries,
                    const struct net_http_request *request)
{
    json_t *lists[WIRE_EXPLAIN_DEPTH + 2] = {json_array()};
    unsigned hidden = UINT_MAX; /* the depth of a unit without a name */
    struct wire_explain_entry entry;
    struct base_cur cur;
    if (wire_explain_open(entries, &cur) != ERR_OK)
        return lists[0];
    while (wire_explain_next(&cur, &entry)) {
        if (entry.depth > hidden)
            continue;
        json_t *one = json_entry(name, &entry), *below = json_array();
        hidden = UINT_MAX;
        if (entry.kind == WIRE_EXPLAIN_UNIT &&
            !json_may_name(request, entry.name)) {
            hidden = entry.depth;
            json_unnamed(one);
        }
        json_object_set_new(one, "below", below);
        json_array_append_new(lists[entry.depth], one);
        lists[entry.depth + 1] = below; /* open checked the depths */
    }
    return lists[0];
}
