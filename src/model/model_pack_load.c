/* model_pack_load.c -- what the parts of a pack share: names, labels, units,
 * kinds, expressions. */
#include "model/model_pack_load.h"

/* clang-format off */
const char *const model_pack_load_kinds[MODEL_PACK_KINDS] = {
    [MODEL_PACK_FLOW] = "flow", [MODEL_PACK_COUNT] = "count",
    [MODEL_PACK_STOCK] = "stock",
    /* not yet */
    "mean", "moments", "class", "codes", "hist", "minmax", "top", "hll",
};
/* clang-format on */

void *
model_pack_load_alloc(struct model_pack_loader *loader, size_t count,
                      size_t size)
{
    void *at = base_arena_alloc(loader->yaml.arena, count * size);
    if (!at)
        model_yaml_full(&loader->yaml);
    return at;
}

const char *
model_pack_load_name(struct model_pack_loader *loader,
                     const struct model_yaml_node *member)
{
    struct bytes name = member->key->text;
    bool fits = name.size <= 48 && !(name.at[0] >= '0' && name.at[0] <= '9');
    for (size_t i = 0; i < name.size; i++)
        fits = fits &&
               ((name.at[i] >= 'a' && name.at[i] <= 'z') ||
                (name.at[i] >= '0' && name.at[i] <= '9') || name.at[i] == '_');
    if (!fits)
        model_yaml_fail(&loader->yaml, member->key, ERR_NAME,
                        "a name is 1 to 48 of a-z 0-9 _, a letter first");
    if (model_expr_reserved(name))
        model_yaml_fail(&loader->yaml, member->key, ERR_NAME,
                        "%s is a reserved word of CEL, not a name",
                        (const char *)name.at);
    return (const char *)name.at;
}

const char *
model_pack_load_file(struct model_pack_loader *loader,
                     const struct model_yaml_node *node)
{
    const char *name = model_yaml_text(&loader->yaml, node, "");
    for (const char *at = name; *at; at++)
        if (!((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') ||
              *at == '-' || *at == '_'))
            model_yaml_fail(&loader->yaml, node, ERR_NAME,
                            "a file is named by a-z 0-9 - _, without .csv");
    return name;
}

struct model_pack_text
model_pack_load_text(struct model_pack_loader *loader,
                     const struct model_yaml_node *node, const char *name)
{
    static const struct model_yaml_key keys[MODEL_PACK_KINDS] = {
        {"zh", MODEL_PACK_MUST},
        {"en", MODEL_PACK_MUST},
    };
    const struct model_yaml_node *at[2];
    model_yaml_map(&loader->yaml, node, keys, 2, at);
    return (struct model_pack_text){
        model_yaml_text(&loader->yaml, at[0], name),
        model_yaml_text(&loader->yaml, at[1], name),
    };
}

void
model_pack_load_unit(struct model_pack_loader *loader,
                     const struct model_yaml_node *node,
                     struct model_unit *ret_unit)
{
    struct base_note note;
    const char *text = model_yaml_text(&loader->yaml, node, "1");
    *ret_unit = model_unit_one;
    if (model_unit_parse(text, ret_unit, &note) != ERR_OK)
        model_yaml_fail_in(&loader->yaml, node, &note);
}

enum model_pack_kind
model_pack_load_kind(struct model_pack_loader *loader,
                     const struct model_yaml_node *node)
{
    return (enum model_pack_kind)model_yaml_word(
        &loader->yaml, node, model_pack_load_kinds, 3, MODEL_PACK_KINDS, 0);
}

const struct model_expr *
model_pack_load_expr(struct model_pack_loader *loader,
                     const struct model_yaml_node *node,
                     const struct model_expr_scope *scope,
                     enum model_expr_type want)
{
    const struct model_expr *expr = NULL;
    struct base_note note;
    const char *text = model_yaml_text(&loader->yaml, node, NULL);
    if (text && model_expr_compile(loader->yaml.arena, base_bytes_text(text),
                                   scope, want, &expr, &note) != ERR_OK)
        model_yaml_fail_in(&loader->yaml, node, &note);
    return expr;
}

struct model_expr_scope
model_pack_load_scope(const struct model_pack *pack,
                      struct model_expr_name *names)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < pack->input_count; i++)
        names[count++] = (struct model_expr_name){
            pack->inputs[i].name, MODEL_EXPR_NUM, MODEL_PACK_SLOT_INPUT + i};
    for (uint32_t i = 0; i < pack->table_count; i++)
        names[count++] = (struct model_expr_name){
            pack->tables[i].name, MODEL_EXPR_NUM, MODEL_PACK_SLOT_TABLE + i};
    for (uint32_t i = 0; i < pack->dim_count; i++)
        names[count++] = (struct model_expr_name){
            pack->dims[i].name, MODEL_EXPR_STRING, MODEL_PACK_SLOT_DIM + i};
    return (struct model_expr_scope){names, count};
}

const struct model_unit *
model_pack_load_unit_of(void *self, uint32_t slot)
{
    const struct model_pack *pack = self;
    return slot < MODEL_PACK_SLOT_TABLE
               ? &pack->inputs[slot].unit
               : &pack->tables[slot - MODEL_PACK_SLOT_TABLE].unit;
}
