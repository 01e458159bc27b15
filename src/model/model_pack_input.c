/* model_pack_input.c -- the inputs of a pack. */
#include "base/base_mem.h"
#include "model/model_pack_load.h"

#define INPUT_STALE_MS (INT64_C(5) * 60000)
#define INPUT_STALE_DELTA_MS (INT64_C(24) * 3600000)
#define INPUT_STALE_MAX_MS (INT64_C(400) * 86400000)
#define INPUT_VALUE_MAX ((INT64_C(1) << 43) - 1)

/* clang-format off */
static const struct model_yaml_key input_keys[] = {
    {"unit", MODEL_PACK_MUST},  {"kind", MODEL_PACK_MUST},
    {"scale", MODEL_PACK_KEY},  {"source", MODEL_PACK_MUST | MODEL_YAML_MAP},
    {"min", MODEL_PACK_KEY},    {"max", MODEL_PACK_KEY},
    {"label", MODEL_PACK_MAP},  {"required", MODEL_PACK_KEY},
    {"base", MODEL_PACK_KEY},   {"help", MODEL_PACK_MAP},
    {"group", MODEL_PACK_MAP},
};

static const struct model_yaml_key source_keys[] = {
    {"series", MODEL_PACK_MUST_MAP},
    {"registry", MODEL_PACK_LATER},  {"figure", MODEL_PACK_LATER},
};

static const struct model_yaml_key series_keys[] = {
    {"match", MODEL_PACK_MUST}, {"fold", MODEL_PACK_MUST},
    {"stale", MODEL_PACK_KEY},  {"wrap", MODEL_PACK_LATER},
    {"in", MODEL_PACK_KEY | MODEL_YAML_LIST}, {"of", MODEL_PACK_KEY},
};

static const char *const input_folds[] = {
    [MODEL_PACK_FOLD_DELTA] = "delta", [MODEL_PACK_FOLD_LAST] = "last",
    [MODEL_PACK_FOLD_COUNT] = "count", [MODEL_PACK_FOLD_SUM] = "sum",
    [MODEL_PACK_FOLD_MIN] = "min",     [MODEL_PACK_FOLD_MAX] = "max",
    [MODEL_PACK_FOLD_TIME_IN] = "time_in",
    [MODEL_PACK_FOLD_INTEGRAL] = "integral",
};

static const char *const input_sources[] = {"return"};

/* What a fold makes. */
static const enum model_pack_kind input_fold_kinds[] = {
    [MODEL_PACK_FOLD_DELTA] = MODEL_PACK_FLOW,
    [MODEL_PACK_FOLD_LAST]  = MODEL_PACK_STOCK,
    [MODEL_PACK_FOLD_COUNT] = MODEL_PACK_COUNT,
    [MODEL_PACK_FOLD_SUM]   = MODEL_PACK_FLOW,
    [MODEL_PACK_FOLD_MIN]   = MODEL_PACK_STOCK,
    [MODEL_PACK_FOLD_MAX]   = MODEL_PACK_STOCK,
    [MODEL_PACK_FOLD_TIME_IN]  = MODEL_PACK_FLOW,
    [MODEL_PACK_FOLD_INTEGRAL] = MODEL_PACK_FLOW,
};
/* clang-format on */

/* min or max: exactly representable at the scale. */
static int64_t
input_bound(struct model_pack_loader *loader,
            const struct model_yaml_node *node, unsigned scale,
            int64_t fallback)
{
    struct dec bound, back;
    int64_t value;
    if (!node)
        return fallback;
    bound = model_yaml_dec(&loader->yaml, node, (struct dec){0});
    if (base_dec_to(bound, scale, BASE_DEC_HALF_EVEN, &value) != ERR_OK ||
        base_dec_from(value, scale, &back) != ERR_OK ||
        base_dec_compare(bound, back) != 0 || value > INPUT_VALUE_MAX ||
        value < -INPUT_VALUE_MAX) {
        model_yaml_fail(&loader->yaml, node, ERR_RANGE,
                        "a bound has at most %u decimals here, and lies "
                        "within 2^43 - 1 of its last place",
                        scale);
        return fallback;
    }
    return value;
}

/* in: [1, 2], or unknown: the time that no state covers. */
static void
input_states(struct model_pack_loader *loader,
             const struct model_yaml_node *node, struct model_pack_input *input)
{
    struct model_yaml *yaml = &loader->yaml;
    const struct model_yaml_node *in = model_yaml_get(node, "in"), *item;
    struct model_unit ms;
    if (!in != (input->fold != MODEL_PACK_FOLD_TIME_IN)) {
        model_yaml_fail(yaml, in ? in : node, ERR_NAME,
                        "the fold time_in, and no other, says in: its states");
        return;
    }
    if (!in || !model_yaml_ok(yaml))
        return;
    model_unit_parse("ms", &ms, NULL);
    if (!model_unit_equal(&ms, &input->unit) || input->scale != 0)
        model_yaml_fail(yaml, node, ERR_UNIT,
                        "the fold time_in gives whole ms: unit ms, scale 0");
    bool unknown = in->kind == MODEL_YAML_SCALAR;
    if ((unknown && strcmp(model_yaml_text(yaml, in, ""), "unknown") != 0) ||
        (!unknown && (in->count == 0 || in->count > MODEL_PACK_STATES))) {
        model_yaml_fail(yaml, in, ERR_TYPE,
                        "expected 1 to %d states, such as [1, 2], or unknown",
                        MODEL_PACK_STATES);
        return;
    }
    int64_t *states = model_pack_load_alloc(loader, in->count + 1, 8);
    for (item = model_yaml_first(in); item && states; item = item->next)
        states[input->state_count++] =
            model_yaml_int(yaml, item, INT32_MIN, INT32_MAX, 0);
    input->states = states;
}

/* of: the series' unit.  Its product with a time is the input's unit. */
static void
input_integral(struct model_pack_loader *loader,
               const struct model_yaml_node *node,
               struct model_pack_input *input)
{
    struct model_yaml *yaml = &loader->yaml;
    const struct model_yaml_node *at = model_yaml_get(node, "of");
    struct model_unit of, ms;
    const __int128 most = (__int128)1 << 28;
    if (!at != (input->fold != MODEL_PACK_FOLD_INTEGRAL)) {
        model_yaml_fail(yaml, at ? at : node, ERR_NAME,
                        "the fold integral, and no other, says of: the unit of "
                        "the samples");
        return;
    }
    if (!at)
        return;
    model_pack_load_unit(loader, at, &of);
    model_unit_parse("ms", &ms, NULL);
    if (!model_yaml_ok(yaml))
        return;
    if (model_unit_multiply(&of, &ms, 1) != ERR_OK ||
        model_unit_multiply(&of, &input->unit, -1) != ERR_OK ||
        !model_unit_same_dimension(&of, &model_unit_one)) {
        model_yaml_fail(yaml, at, ERR_UNIT,
                        "this unit times a time is not the input's, %s",
                        input->unit.text);
        return;
    }
    if (of.num >= most || of.den >= most * most) {
        model_yaml_fail(yaml, at, ERR_RANGE, "the units are too far apart");
        return;
    }
    input->ratio_num = (int64_t)of.num;
    input->ratio_den = (int64_t)of.den;
}

static void
input_series(struct model_pack_loader *loader,
             const struct model_yaml_node *node, struct model_pack_input *input)
{
    struct model_yaml *yaml = &loader->yaml;
    const struct model_yaml_node *fold = model_yaml_get(node, "fold");
    model_yaml_map(yaml, node, series_keys, BASE_COUNT(series_keys), NULL);
    input->fold = (enum model_pack_fold)model_yaml_word(
        yaml, fold, input_folds, BASE_COUNT(input_folds),
        BASE_COUNT(input_folds), MODEL_PACK_FOLD_LAST);
    bool delta = input->fold == MODEL_PACK_FOLD_DELTA;
    input->stale_ms = model_yaml_span(
        yaml, model_yaml_get(node, "stale"), 1, INPUT_STALE_MAX_MS,
        delta ? INPUT_STALE_DELTA_MS : INPUT_STALE_MS);
    if (input_fold_kinds[input->fold] != input->kind)
        model_yaml_fail(yaml, fold, ERR_TYPE,
                        "the fold %s makes a %s, the input is a %s",
                        input_folds[input->fold],
                        model_pack_load_kinds[input_fold_kinds[input->fold]],
                        model_pack_load_kinds[input->kind]);
    input_states(loader, node, input);
    input_integral(loader, node, input);
    if (model_yaml_ok(yaml))
        model_pack_match_load(loader, model_yaml_get(node, "match"), input);
}

static struct model_pack_text
input_text(struct model_pack_loader *loader, const struct model_yaml_node *node)
{
    struct model_pack_text none = {0};
    return node ? model_pack_load_text(loader, node, "") : none;
}

static void
input_one(struct model_pack_loader *loader, const struct model_yaml_node *node,
          struct model_pack_input *input)
{
    struct model_yaml *yaml = &loader->yaml;
    const struct model_yaml_node *source = model_yaml_get(node, "source"),
                                 *max = model_yaml_get(node, "max");
    input->name = model_pack_load_name(loader, node);
    model_yaml_map(yaml, node, input_keys, BASE_COUNT(input_keys), NULL);
    if (!model_yaml_ok(yaml))
        return;
    if (source->kind == MODEL_YAML_MAP)
        model_yaml_map(yaml, source, source_keys, BASE_COUNT(source_keys),
                       NULL);
    else
        input->source = MODEL_PACK_RETURN;
    if (input->source == MODEL_PACK_RETURN)
        model_yaml_word(yaml, source, input_sources, 1, 1, 0);
    model_pack_load_unit(loader, model_yaml_get(node, "unit"), &input->unit);
    input->scale = (unsigned)model_yaml_int(yaml, model_yaml_get(node, "scale"),
                                            0, BASE_DEC_SCALE, 0);
    input->kind = model_pack_load_kind(loader, model_yaml_get(node, "kind"));
    input->required =
        model_yaml_bool(yaml, model_yaml_get(node, "required"), false);
    input->min = input_bound(loader, model_yaml_get(node, "min"), input->scale,
                             -INPUT_VALUE_MAX);
    input->max = input_bound(loader, max, input->scale, INPUT_VALUE_MAX);
    if (input->min > input->max)
        model_yaml_fail(yaml, max, ERR_RANGE, "max is below min");
    input->label = model_pack_load_text(loader, model_yaml_get(node, "label"),
                                        input->name);
    input->help = input_text(loader, model_yaml_get(node, "help"));
    input->group = input_text(loader, model_yaml_get(node, "group"));
    if (input->source == MODEL_PACK_SERIES && model_yaml_ok(yaml))
        input_series(loader, model_yaml_get(source, "series"), input);
}

/* base: true adds the same item of last year's period. */
static void
input_base(struct model_pack_loader *loader, const struct model_yaml_node *node)
{
    struct model_yaml *yaml = &loader->yaml;
    struct model_pack *pack = loader->pack;
    const struct model_yaml_node *base = model_yaml_get(node, "base");
    const struct model_pack_input *item = &pack->inputs[pack->input_count - 1];
    if (!model_yaml_bool(yaml, base, false) || !model_yaml_ok(yaml))
        return;
    if (item->source != MODEL_PACK_RETURN)
        model_yaml_fail(yaml, base, ERR_TYPE, "base is for items of a return");
    if (pack->input_count == MODEL_PACK_INPUTS) {
        model_yaml_fail(yaml, base, ERR_LIMIT,
                        "a pack has 1 to %d inputs, base ones among them",
                        MODEL_PACK_INPUTS);
        return;
    }
    struct model_pack_input *last = &pack->inputs[pack->input_count++];
    *last = *item;
    last->base = true;
    last->required = false;
    last->name = base_arena_format(yaml->arena, "%s_base", item->name);
    last->label.zh =
        base_arena_format(yaml->arena, "%s（上年同期）", item->label.zh);
    last->label.en = base_arena_format(yaml->arena, "%s, same period last year",
                                       item->label.en);
    if (!last->name || !last->label.zh || !last->label.en)
        model_yaml_full(yaml);
}

/* No name twice: YAML sees only those that are written, and only one map. */
static void
input_twice(struct model_pack_loader *loader,
            const struct model_yaml_node *node)
{
    const struct model_pack *pack = loader->pack;
    for (unsigned i = 0; i < pack->input_count; i++)
        if (model_yaml_ok(&loader->yaml) &&
            model_pack_dim_find(pack, base_bytes_text(pack->inputs[i].name)) >=
                0)
            model_yaml_fail(&loader->yaml, node, ERR_NAME,
                            "a dim has the name %s", pack->inputs[i].name);
    for (unsigned i = 0; i < pack->input_count; i++)
        for (unsigned j = 0; j < i; j++)
            if (model_yaml_ok(&loader->yaml) &&
                strcmp(pack->inputs[i].name, pack->inputs[j].name) == 0)
                model_yaml_fail(&loader->yaml, node, ERR_NAME,
                                "the input %s stands twice: base makes one",
                                pack->inputs[i].name);
}

void
model_pack_input_load(struct model_pack_loader *loader,
                      const struct model_yaml_node *node)
{
    const struct model_yaml_node *member;
    struct model_pack *pack = loader->pack;
    if (!model_yaml_ok(&loader->yaml))
        return;
    if (node->count == 0 || node->count > MODEL_PACK_INPUTS)
        model_yaml_fail(&loader->yaml, node, ERR_LIMIT,
                        "a pack has 1 to %d inputs, not %u", MODEL_PACK_INPUTS,
                        node->count);
    else
        pack->inputs = model_pack_load_alloc(loader, MODEL_PACK_INPUTS,
                                             sizeof *pack->inputs);
    for (member = model_yaml_first(node); member; member = member->next) {
        if (model_yaml_ok(&loader->yaml) &&
            pack->input_count == MODEL_PACK_INPUTS)
            model_yaml_fail(&loader->yaml, member, ERR_LIMIT,
                            "a pack has 1 to %d inputs, base ones among them",
                            MODEL_PACK_INPUTS);
        if (!model_yaml_ok(&loader->yaml))
            return;
        input_one(loader, member, &pack->inputs[pack->input_count++]);
        if (model_yaml_ok(&loader->yaml))
            input_base(loader, member);
    }
    input_twice(loader, node);
}
