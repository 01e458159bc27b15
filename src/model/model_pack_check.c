/* model_pack_check.c -- the checks of a pack.
 *
 *     checks:
 *       cost_below_revenue:
 *         level: soft                    hard, soft, info
 *         assert: "cost <= revenue"      over what measures see
 *         message: {zh: "...", en: "{item} of {value} is above the revenue"}
 *       assets_add_up:
 *         level: hard
 *         hierarchy: {assets: [current_assets, fixed_assets]}
 *         tolerance: 1
 *         message: {zh: "...", en: "{item}: {value}, parts {sum}"}
 *
 * {item} and {value} are the first of `items`; without that key the first item
 * that the assertion names.  In sums they are the total. */
#include "base/base_mem.h"
#include "model/model_near.h"
#include "model/model_pack_load.h"

/* clang-format off */
static const struct model_yaml_key check_keys[] = {
    {"level", MODEL_PACK_MUST},     {"assert", MODEL_PACK_KEY},
    {"hierarchy", MODEL_PACK_MAP},  {"tolerance", MODEL_PACK_KEY},
    {"items", MODEL_YAML_LIST},     {"message", MODEL_PACK_MUST_MAP},
    {"pair", MODEL_PACK_LATER},
};
/* clang-format on */

static const char *const check_levels[] = {
    [MODEL_PACK_HARD] = "hard",
    [MODEL_PACK_SOFT] = "soft",
    [MODEL_PACK_INFO] = "info",
};

static const char *const check_words[] = {"{item}", "{value}", "{sum}",
                                          "{difference}"};

static uint32_t
check_item(struct model_pack_loader *loader, struct bytes name,
           const struct model_yaml_node *at)
{
    const struct model_pack *pack = loader->pack;
    struct model_near near;
    int found = model_pack_input_find(pack, name);
    if (found >= 0)
        return (uint32_t)found;
    model_near_init(&near, name);
    for (unsigned i = 0; i < pack->input_count; i++)
        model_near_offer(&near, pack->inputs[i].name);
    model_yaml_fail(&loader->yaml, at, ERR_NAME, "no input is called %s%s",
                    (const char *)name.at, model_near_hint(&near));
    return 0;
}

static const uint32_t *
check_items(struct model_pack_loader *loader,
            const struct model_yaml_node *list, unsigned *ret_count)
{
    const struct model_yaml_node *item;
    uint32_t *items =
        model_pack_load_alloc(loader, list->count + 1, sizeof *items);
    unsigned count = 0;
    if (list->kind != MODEL_YAML_LIST)
        model_yaml_fail(&loader->yaml, list, ERR_TYPE,
                        "expected a list of inputs");
    for (item = model_yaml_first(list);
         item && items && model_yaml_ok(&loader->yaml); item = item->next)
        if (model_yaml_is(&loader->yaml, item, MODEL_YAML_SCALAR))
            items[count++] = check_item(loader, item->text, item);
    *ret_count = count;
    return items;
}

/* Total and parts are added: they must be in one unit. */
static void
check_sum(struct model_pack_loader *loader, const struct model_yaml_node *node,
          struct model_pack_sum *sum)
{
    const struct model_pack_input *inputs = loader->pack->inputs;
    sum->total = check_item(loader, node->key->text, node->key);
    sum->parts = check_items(loader, node, &sum->count);
    if (model_yaml_ok(&loader->yaml) && sum->count == 0)
        model_yaml_fail(&loader->yaml, node, ERR_TYPE,
                        "expected a list of inputs");
    for (unsigned i = 0; model_yaml_ok(&loader->yaml) && i < sum->count; i++)
        if (!model_unit_equal(&inputs[sum->parts[i]].unit,
                              &inputs[sum->total].unit))
            model_yaml_fail(
                &loader->yaml, node, ERR_UNIT, "%s is not in the unit of %s",
                inputs[sum->parts[i]].name, inputs[sum->total].name);
}

static void
check_sums(struct model_pack_loader *loader, const struct model_yaml_node *map,
           struct model_pack_check *check)
{
    const struct model_yaml_node *member;
    if (map->count == 0 || map->count > MODEL_PACK_SUMS) {
        model_yaml_fail(&loader->yaml, map, ERR_LIMIT,
                        "a hierarchy has 1 to %d totals", MODEL_PACK_SUMS);
        return;
    }
    check->sums =
        model_pack_load_alloc(loader, map->count, sizeof *check->sums);
    for (member = model_yaml_first(map); member && check->sums;
         member = member->next)
        if (model_yaml_ok(&loader->yaml))
            check_sum(loader, member, &check->sums[check->sum_count++]);
}

/* The inputs that the assertion names, in its order; last year's behind. */
static void
check_named(struct model_pack_loader *loader, struct model_pack_check *check)
{
    uint32_t slots[MODEL_PACK_SLOTS];
    unsigned count = model_expr_slots(check->expr, slots, MODEL_PACK_SLOTS),
             kept = 0;
    uint32_t *items = model_pack_load_alloc(loader, count + 1, sizeof *items);
    for (unsigned base = 0; items && base < 2; base++)
        for (unsigned i = 0; i < count; i++)
            if (slots[i] < MODEL_PACK_SLOT_TABLE &&
                loader->pack->inputs[slots[i]].base == base)
                items[kept++] = slots[i];
    check->items = items;
    check->item_count = kept;
}

static void
check_assert(struct model_pack_loader *loader,
             const struct model_yaml_node *node, struct model_pack_check *check)
{
    struct model_expr_name names[MODEL_PACK_SLOTS];
    struct model_expr_scope scope = model_pack_load_scope(loader->pack, names);
    struct model_unit unit;
    struct base_note note;
    check->expr_text = model_yaml_text(&loader->yaml, node, "");
    check->expr = model_pack_load_expr(loader, node, &scope, MODEL_EXPR_BOOL);
    if (check->expr && model_expr_unit(check->expr, model_pack_load_unit_of,
                                       loader->pack, &unit, &note) != ERR_OK)
        model_yaml_fail_in(&loader->yaml, node, &note);
    if (model_yaml_ok(&loader->yaml))
        check_named(loader, check);
}

/* Only words that are filled in. */
static void
check_message(struct model_pack_loader *loader,
              const struct model_yaml_node *map, const char *key, bool sums)
{
    const struct model_yaml_node *node = model_yaml_get(map, key);
    struct bytes rest =
        base_bytes_text(model_yaml_text(&loader->yaml, node, ""));
    unsigned known = sums ? BASE_COUNT(check_words) : 2;
    while (rest.size > 0) {
        size_t open = base_bytes_find(rest, '{');
        rest = base_bytes_slice(rest, open, rest.size);
        unsigned i = 0;
        while (i < known &&
               !base_bytes_starts(rest, base_bytes_text(check_words[i])))
            i++;
        if (rest.size > 0 && i == known) {
            model_yaml_fail(&loader->yaml, node, ERR_NAME,
                            "in a message, {item} and {value} are filled in, "
                            "in a hierarchy's {sum} and {difference} too");
            return;
        }
        rest = base_bytes_slice(rest, 1, rest.size);
    }
}

static void
check_one(struct model_pack_loader *loader, const struct model_yaml_node *node,
          struct model_pack_check *check)
{
    struct model_yaml *yaml = &loader->yaml;
    check->name = model_pack_load_name(loader, node);
    model_yaml_map(yaml, node, check_keys, BASE_COUNT(check_keys), NULL);
    const struct model_yaml_node *expr = model_yaml_get(node, "assert"),
                                 *sums = model_yaml_get(node, "hierarchy"),
                                 *items = model_yaml_get(node, "items"),
                                 *text = model_yaml_get(node, "message"),
                                 *within = model_yaml_get(node, "tolerance");
    check->level = (enum model_pack_level)model_yaml_word(
        yaml, model_yaml_get(node, "level"), check_levels, 3, 3, 0);
    check->message = model_pack_load_text(loader, text, "");
    if (!expr == !sums)
        model_yaml_fail(yaml, node, ERR_TYPE,
                        "a check has either assert or hierarchy");
    if (within && !sums)
        model_yaml_fail(yaml, within, ERR_TYPE, "tolerance is of a hierarchy");
    check->tolerance = model_yaml_dec(yaml, within, (struct dec){0});
    if (!model_yaml_ok(yaml))
        return;
    check_message(loader, text, "zh", sums != NULL);
    check_message(loader, text, "en", sums != NULL);
    if (expr)
        check_assert(loader, expr, check);
    else if (sums)
        check_sums(loader, sums, check);
    if (items && model_yaml_ok(yaml))
        check->items = check_items(loader, items, &check->item_count);
    if (expr && model_yaml_ok(yaml) && check->item_count == 0)
        model_yaml_fail(yaml, expr, ERR_NAME, "the check names no item");
}

void
model_pack_check_load(struct model_pack_loader *loader,
                      const struct model_yaml_node *node)
{
    struct model_pack *pack = loader->pack;
    const struct model_yaml_node *member;
    if (!model_yaml_ok(&loader->yaml) || !node)
        return;
    if (node->count > MODEL_PACK_CHECKS)
        model_yaml_fail(&loader->yaml, node, ERR_LIMIT, "at most %d checks",
                        MODEL_PACK_CHECKS);
    else
        pack->checks =
            model_pack_load_alloc(loader, node->count, sizeof *pack->checks);
    for (member = model_yaml_first(node); member; member = member->next)
        if (model_yaml_ok(&loader->yaml))
            check_one(loader, member, &pack->checks[pack->check_count++]);
}
