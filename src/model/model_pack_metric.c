/* model_pack_metric.c -- the metrics of a pack. */
#include "base/base_mem.h"
#include "model/model_near.h"
#include "model/model_pack_load.h"

/* clang-format off */
static const struct model_yaml_key metric_keys[] = {
    {"ratio", MODEL_YAML_LIST},          {"unit", MODEL_PACK_MUST},
    {"minus", MODEL_PACK_KEY},           {"times", MODEL_PACK_KEY},
    {"digits", MODEL_PACK_KEY},          {"label", MODEL_PACK_MUST_MAP},
    {"derived", MODEL_PACK_KEY},         {"cumulative", MODEL_PACK_LATER},
    {"grain_to_date", MODEL_PACK_LATER}, {"lag", MODEL_PACK_LATER},
    {"yoy", MODEL_PACK_LATER},           {"ytd", MODEL_PACK_LATER},
    {"mean", MODEL_PACK_LATER},          {"delta", MODEL_PACK_LATER},
    {"streak", MODEL_PACK_LATER},        {"share", MODEL_PACK_LATER},
    {"rank", MODEL_PACK_LATER},          {"breadth", MODEL_PACK_LATER},
    {"pull", MODEL_PACK_LATER},          {"contribution", MODEL_PACK_LATER},
    {"change", MODEL_PACK_LATER},
};
/* clang-format on */

static uint32_t
metric_operand(struct model_pack_loader *loader,
               const struct model_yaml_node *node)
{
    const char *name = model_yaml_text(&loader->yaml, node, "");
    struct model_near near;
    int found = model_pack_measure_find(loader->pack, base_bytes_text(name));
    if (found >= 0)
        return (uint32_t)found;
    model_near_init(&near, base_bytes_text(name));
    for (unsigned i = 0; i < loader->pack->measure_count; i++)
        model_near_offer(&near, loader->pack->measures[i].name);
    model_yaml_fail(&loader->yaml, node, ERR_NAME, "no measure is called %s%s",
                    name, model_near_hint(&near));
    return 0;
}

/* (a / b - minus) * times must come out in the declared unit, factor and
 * all: a / b = times * unit.  With minus, a / b is a plain number. */
static void
metric_check(struct model_pack_loader *loader,
             const struct model_yaml_node *node,
             const struct model_pack_metric *metric)
{
    const struct model_pack_measure *measures = loader->pack->measures;
    const struct model_yaml_node *declared_at = model_yaml_get(node, "unit");
    /* times = count * 10^-12 */
    struct model_unit unit = measures[metric->a].unit, declared,
                      count = {.num = metric->times.count, .den = 1},
                      tiny = {.num = 1, .den = INT64_C(1000000000000)};
    char text[MODEL_UNIT_TEXT];
    model_pack_load_unit(loader, declared_at, &declared);
    if (metric->times.count <= 0) {
        model_yaml_fail(&loader->yaml, model_yaml_get(node, "times"), ERR_RANGE,
                        "times is greater than 0");
        return;
    }
    enum err err = model_unit_multiply(&unit, &measures[metric->b].unit, -1);
    bool plain = err == ERR_OK && model_unit_equal(&unit, &model_unit_one);
    if (err == ERR_OK)
        err = model_unit_multiply(&unit, &tiny, -1);
    if (err == ERR_OK)
        err = model_unit_multiply(&unit, &count, -1);
    if (err != ERR_OK)
        model_yaml_fail(&loader->yaml, node, ERR_UNIT,
                        "the ratio's unit is beyond its range");
    else if (metric->minus.count != 0 && !plain)
        model_yaml_fail(&loader->yaml, model_yaml_get(node, "minus"), ERR_UNIT,
                        "minus is for ratios of one unit");
    else if (!model_unit_equal(&unit, &declared))
        model_yaml_fail(&loader->yaml, declared_at, ERR_UNIT,
                        "the value is in %s, the metric is declared in %s",
                        model_unit_name(&unit, text), declared.text);
}

/* --- derived --- */

struct metric_units { /* parsed once: units of ratios are texts */
    const struct model_pack *pack;
    struct model_unit units[MODEL_PACK_METRICS];
};

static const struct model_unit *
metric_unit_of(void *self, uint32_t slot)
{
    struct metric_units *units = self;
    if (slot >= MODEL_PACK_METRIC_SLOT_MEASURE)
        return &units->pack->measures[slot - MODEL_PACK_METRIC_SLOT_MEASURE]
                    .unit;
    model_unit_parse(units->pack->metrics[slot].unit, &units->units[slot],
                     NULL);
    return &units->units[slot];
}

/* Ratios that stand before it, and measures: so there is no circle. */
static struct model_expr_scope
metric_scope(const struct model_pack *pack, struct model_expr_name *names)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i + 1 < pack->metric_count; i++)
        if (!pack->metrics[i].derived)
            names[count++] =
                (struct model_expr_name){pack->metrics[i].name, MODEL_EXPR_NUM,
                                         MODEL_PACK_METRIC_SLOT_METRIC + i};
    for (uint32_t i = 0; i < pack->measure_count; i++)
        names[count++] =
            (struct model_expr_name){pack->measures[i].name, MODEL_EXPR_NUM,
                                     MODEL_PACK_METRIC_SLOT_MEASURE + i};
    return (struct model_expr_scope){names, count};
}

/* From the expression's unit to the declared one. */
static void
metric_convert(struct model_pack_loader *loader,
               const struct model_yaml_node *node, struct model_unit *unit,
               struct model_pack_metric *metric)
{
    struct model_yaml *yaml = &loader->yaml;
    struct model_unit declared;
    char text[MODEL_UNIT_TEXT];
    model_pack_load_unit(loader, node, &declared);
    if (!model_unit_same_dimension(unit, &declared))
        model_yaml_fail(yaml, node, ERR_UNIT,
                        "the value is in %s, the metric is declared in %s",
                        model_unit_name(unit, text), declared.text);
    else if (model_unit_multiply(unit, &declared, -1) != ERR_OK ||
             base_dec_from(unit->num, 0, &metric->num) != ERR_OK ||
             base_dec_from(unit->den, 0, &metric->den) != ERR_OK)
        model_yaml_fail(yaml, node, ERR_UNIT, "the units are too far apart");
}

/* What stands beside it in explanations: its first ratio, or a measure. */
static void
metric_operands(struct model_pack_loader *loader,
                const struct model_yaml_node *node,
                struct model_pack_metric *metric)
{
    uint32_t slots[MODEL_PACK_METRICS];
    unsigned count =
        model_expr_slots(metric->derived, slots, MODEL_PACK_METRICS);
    for (unsigned i = 0; i < count; i++)
        if (slots[i] < MODEL_PACK_METRIC_SLOT_MEASURE) {
            metric->a = loader->pack->metrics[slots[i]].a;
            metric->b = loader->pack->metrics[slots[i]].b;
            return;
        }
    if (count > 0)
        metric->a = metric->b = slots[0] - MODEL_PACK_METRIC_SLOT_MEASURE;
    else
        model_yaml_fail(&loader->yaml, node, ERR_NAME,
                        "a derived metric names a ratio or a measure");
}

static void
metric_derived(struct model_pack_loader *loader,
               const struct model_yaml_node *map,
               struct model_pack_metric *metric)
{
    const struct model_yaml_node *node = model_yaml_get(map, "derived");
    struct model_expr_name *names =
        model_pack_load_alloc(loader, MODEL_PACK_METRIC_SLOTS, sizeof *names);
    struct metric_units *units =
        model_pack_load_alloc(loader, 1, sizeof *units);
    struct model_unit unit;
    struct base_note note;
    if (!names || !units)
        return;
    struct model_expr_scope scope = metric_scope(loader->pack, names);
    units->pack = loader->pack;
    metric->derived_text = model_yaml_text(&loader->yaml, node, "");
    metric->derived =
        model_pack_load_expr(loader, node, &scope, MODEL_EXPR_NUM);
    if (metric->derived && model_expr_unit(metric->derived, metric_unit_of,
                                           units, &unit, &note) != ERR_OK)
        model_yaml_fail_in(&loader->yaml, node, &note);
    if (model_yaml_ok(&loader->yaml))
        metric_convert(loader, model_yaml_get(map, "unit"), &unit, metric);
    if (model_yaml_ok(&loader->yaml))
        metric_operands(loader, node, metric);
}

static void
metric_one(struct model_pack_loader *loader, const struct model_yaml_node *node,
           struct model_pack_metric *metric)
{
    struct model_yaml *yaml = &loader->yaml;
    const struct model_yaml_node *ratio = model_yaml_get(node, "ratio");
    struct dec zero = {0}, one = {INT64_C(1000000000000)};
    metric->name = model_pack_load_name(loader, node);
    if (model_pack_measure_find(loader->pack, node->key->text) >= 0)
        model_yaml_fail(yaml, node->key, ERR_NAME,
                        "a measure has the name %s already", metric->name);
    model_yaml_map(yaml, node, metric_keys, BASE_COUNT(metric_keys), NULL);
    metric->minus = model_yaml_dec(yaml, model_yaml_get(node, "minus"), zero);
    metric->times = model_yaml_dec(yaml, model_yaml_get(node, "times"), one);
    metric->digits = (unsigned)model_yaml_int(
        yaml, model_yaml_get(node, "digits"), 0, BASE_DEC_SCALE, 2);
    metric->unit = model_yaml_text(yaml, model_yaml_get(node, "unit"), "1");
    metric->label = model_pack_load_text(loader, model_yaml_get(node, "label"),
                                         metric->name);
    const struct model_yaml_node *derived = model_yaml_get(node, "derived"),
                                 *beside = model_yaml_get(node, "times");
    beside = beside ? beside : model_yaml_get(node, "minus");
    if (!ratio == !derived)
        model_yaml_fail(yaml, node, ERR_NAME,
                        "a metric has either ratio or derived");
    else if (derived && beside)
        model_yaml_fail(yaml, beside, ERR_NAME,
                        "times and minus are of ratios");
    if (model_yaml_ok(yaml) && derived)
        metric_derived(loader, node, metric);
    if (!model_yaml_ok(yaml) || derived || !ratio)
        return;
    if (ratio->count != 2) {
        model_yaml_fail(yaml, ratio, ERR_TYPE,
                        "a ratio is of two measures: [above, below]");
        return;
    }
    metric->a = metric_operand(loader, ratio->first);
    metric->b = metric_operand(loader, ratio->first->next);
    if (model_yaml_ok(yaml))
        metric_check(loader, node, metric);
}

void
model_pack_metric_load(struct model_pack_loader *loader,
                       const struct model_yaml_node *node)
{
    struct model_pack *pack = loader->pack;
    const struct model_yaml_node *member;
    if (!model_yaml_ok(&loader->yaml) || !node)
        return;
    if (node->count > MODEL_PACK_METRICS)
        model_yaml_fail(&loader->yaml, node, ERR_LIMIT, "at most %d metrics",
                        MODEL_PACK_METRICS);
    else
        pack->metrics =
            model_pack_load_alloc(loader, node->count, sizeof *pack->metrics);
    for (member = model_yaml_first(node); member; member = member->next)
        if (model_yaml_ok(&loader->yaml))
            metric_one(loader, member, &pack->metrics[pack->metric_count++]);
}
