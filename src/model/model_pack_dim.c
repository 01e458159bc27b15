/* model_pack_dim.c -- the dims of a pack, and their code lists. */
#include "model/model_pack_load.h"

static void
dim_one(struct model_pack_loader *loader, const struct model_yaml_node *node,
        struct model_pack_dim *dim)
{
    struct model_yaml *yaml = &loader->yaml;
    struct bytes text;
    struct model_code_list *list =
        model_pack_load_alloc(loader, 1, sizeof *list);
    dim->name = model_pack_load_name(loader, node);
    dim->list = model_pack_load_file(loader, node);
    if (!model_yaml_ok(yaml))
        return;
    const char *path =
        base_arena_format(yaml->arena, "%s/%s.csv", loader->codes, dim->list);
    enum err err = loader->source->load(loader->source, path, MODEL_YAML_SIZE,
                                        yaml->arena, &text);
    if (err != ERR_OK) {
        model_yaml_fail(yaml, node, err, "the code list %s: %s", path,
                        base_err_text(err));
        return;
    }
    yaml->failed =
        model_code_read(yaml->arena, dim->list, path, text, list, yaml->note);
    if (!model_yaml_ok(yaml))
        return;
    dim->entries = list;
    dim->codes =
        model_pack_load_alloc(loader, list->leaf_count, sizeof *dim->codes);
    dim->leaves =
        model_pack_load_alloc(loader, list->leaf_count, sizeof *dim->leaves);
    for (uint32_t i = 0; dim->codes && dim->leaves && i < list->count; i++)
        if (list->at[i].leaf) {
            dim->leaves[dim->count] = &list->at[i];
            dim->codes[dim->count++] = list->at[i].code;
        }
    if (dim->count == 0)
        model_yaml_fail(yaml, node, ERR_RANGE, "the code list is empty");
}

void
model_pack_dim_load(struct model_pack_loader *loader,
                    const struct model_yaml_node *node)
{
    const struct model_yaml_node *member;
    struct model_pack *pack = loader->pack;
    uint64_t cells = 1;
    for (member = model_yaml_first(node); member; member = member->next) {
        if (pack->dim_count == MODEL_PACK_DIMS)
            model_yaml_fail(&loader->yaml, member, ERR_LIMIT, "at most %d dims",
                            MODEL_PACK_DIMS);
        if (!model_yaml_ok(&loader->yaml))
            return;
        dim_one(loader, member, &pack->dims[pack->dim_count]);
        cells *= pack->dims[pack->dim_count++].count;
        if (model_yaml_ok(&loader->yaml) && cells > MODEL_PACK_CELLS)
            model_yaml_fail(&loader->yaml, member, ERR_LIMIT,
                            "%llu cells: at most 2^20",
                            (unsigned long long)cells);
    }
    pack->cells = (uint32_t)cells;
}
