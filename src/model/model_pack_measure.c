/* model_pack_measure.c -- the measures of a pack. */
#include "base/base_mem.h"
#include "model/model_pack_load.h"

/* clang-format off */
static const struct model_yaml_key measure_keys[] = {
    {"agg", MODEL_PACK_MUST},   {"expr", MODEL_PACK_MUST},
    {"unit", MODEL_PACK_MUST},  {"scale", MODEL_PACK_KEY},
    {"by", MODEL_PACK_LATER},   {"label", MODEL_PACK_MUST_MAP},
    {"score", MODEL_PACK_LATER}, {"weight", MODEL_PACK_LATER},
};
/* clang-format on */

/* The expression's unit is the measure's; a bare input's kind too. */
static void
measure_check(struct model_pack_loader *loader,
              const struct model_yaml_node *node,
              const struct model_pack_measure *measure)
{
    struct model_unit unit;
    struct base_note note;
    char text[MODEL_UNIT_TEXT];
    uint32_t slot;
    if (model_expr_unit(measure->expr, model_pack_load_unit_of, loader->pack,
                        &unit, &note) != ERR_OK)
        model_yaml_fail_in(&loader->yaml, model_yaml_get(node, "expr"), &note);
    else if (!model_unit_equal(&unit, &measure->unit))
        model_yaml_fail(&loader->yaml, model_yaml_get(node, "unit"), ERR_UNIT,
                        "the expression is in %s, the measure in %s",
                        model_unit_name(&unit, text), measure->unit.text);
    if (model_expr_is_name(measure->expr, &slot) &&
        slot < MODEL_PACK_SLOT_TABLE &&
        loader->pack->inputs[slot].kind != measure->agg)
        model_yaml_fail(&loader->yaml, model_yaml_get(node, "agg"), ERR_TYPE,
                        "the input %s is added up in another way",
                        loader->pack->inputs[slot].name);
}

static void
measure_one(struct model_pack_loader *loader,
            const struct model_yaml_node *node,
            const struct model_expr_scope *scope,
            struct model_pack_measure *measure)
{
    struct model_yaml *yaml = &loader->yaml;
    const struct model_yaml_node *expr = model_yaml_get(node, "expr");
    measure->name = model_pack_load_name(loader, node);
    model_yaml_map(yaml, node, measure_keys, BASE_COUNT(measure_keys), NULL);
    measure->agg = model_pack_load_kind(loader, model_yaml_get(node, "agg"));
    measure->scale = (unsigned)model_yaml_int(
        yaml, model_yaml_get(node, "scale"), 0, BASE_DEC_SCALE, 0);
    model_pack_load_unit(loader, model_yaml_get(node, "unit"), &measure->unit);
    measure->label = model_pack_load_text(loader, model_yaml_get(node, "label"),
                                          measure->name);
    measure->expr_text = model_yaml_text(yaml, expr, "");
    measure->expr = model_pack_load_expr(loader, expr, scope, MODEL_EXPR_NUM);
    if (model_yaml_ok(yaml))
        measure_check(loader, node, measure);
}

void
model_pack_measure_load(struct model_pack_loader *loader,
                        const struct model_yaml_node *node)
{
    struct model_pack *pack = loader->pack;
    struct model_expr_name names[MODEL_PACK_SLOTS];
    struct model_expr_scope scope;
    const struct model_yaml_node *member;
    if (!model_yaml_ok(&loader->yaml))
        return;
    scope = model_pack_load_scope(pack, names);
    if (node->count == 0 || node->count > MODEL_PACK_MEASURES)
        model_yaml_fail(&loader->yaml, node, ERR_LIMIT,
                        "a pack has 1 to %d measures, not %u",
                        MODEL_PACK_MEASURES, node->count);
    else
        pack->measures =
            model_pack_load_alloc(loader, node->count, sizeof *pack->measures);
    for (member = model_yaml_first(node); member; member = member->next)
        if (model_yaml_ok(&loader->yaml))
            measure_one(loader, member, &scope,
                        &pack->measures[pack->measure_count++]);
}
