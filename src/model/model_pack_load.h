/* model_pack_load.h -- the loader of packs, inside model_pack*.c.
 *
 * Each part reads its node of pack.yaml into loader->pack; errors stay in
 * loader->yaml. */
#ifndef MODEL_PACK_LOAD_H
#define MODEL_PACK_LOAD_H

#include "model/model_pack.h"
#include "model/model_yaml.h"

/* For tables of keys. */
enum {
    MODEL_PACK_KEY = MODEL_YAML_SCALAR,
    MODEL_PACK_MUST = MODEL_YAML_SCALAR | MODEL_YAML_MUST,
    MODEL_PACK_MAP = MODEL_YAML_MAP,
    MODEL_PACK_MUST_MAP = MODEL_YAML_MAP | MODEL_YAML_MUST,
    MODEL_PACK_LATER = MODEL_YAML_LATER,
};

struct model_pack_loader {
    struct model_yaml yaml;
    struct model_source *source;
    struct model_pack *pack;
    const char *codes; /* folder */
};

void model_pack_window_load(struct model_pack_loader *loader,
                            const struct model_yaml_node *node);
/* node: of window.shifts */
void model_pack_shift_load(struct model_pack_loader *loader,
                           const struct model_yaml_node *node);
void model_pack_input_load(struct model_pack_loader *loader,
                           const struct model_yaml_node *node);
void model_pack_match_load(struct model_pack_loader *loader,
                           const struct model_yaml_node *node,
                           struct model_pack_input *input);
void model_pack_dim_load(struct model_pack_loader *loader,
                         const struct model_yaml_node *node);
void model_pack_table_load(struct model_pack_loader *loader,
                           const struct model_yaml_node *node);
void model_pack_check_load(struct model_pack_loader *loader,
                           const struct model_yaml_node *node);
void model_pack_measure_load(struct model_pack_loader *loader,
                             const struct model_yaml_node *node);
void model_pack_metric_load(struct model_pack_loader *loader,
                            const struct model_yaml_node *node);
/* The canonical bytes of doc/formats/shape.md. */
void model_pack_shape_write(struct base_out *out,
                            const struct model_pack *pack);

/* Zeroed memory of the pack; NULL: failed. */
void *model_pack_load_alloc(struct model_pack_loader *loader, size_t count,
                            size_t size);
/* The name that a map's member has: fit to be one, and not reserved. */
const char *model_pack_load_name(struct model_pack_loader *loader,
                                 const struct model_yaml_node *member);
/* The name of a CSV, without folder and .csv. */
const char *model_pack_load_file(struct model_pack_loader *loader,
                                 const struct model_yaml_node *node);
/* {zh, en}; without a node both are the name. */
struct model_pack_text model_pack_load_text(struct model_pack_loader *loader,
                                            const struct model_yaml_node *node,
                                            const char *name);
void model_pack_load_unit(struct model_pack_loader *loader,
                          const struct model_yaml_node *node,
                          struct model_unit *ret_unit);
/* The names that measures and checks may use; names: MODEL_PACK_SLOTS. */
struct model_expr_scope model_pack_load_scope(const struct model_pack *pack,
                                              struct model_expr_name *names);
/* For model_expr_unit, over the same; self: the pack. */
const struct model_unit *model_pack_load_unit_of(void *self, uint32_t slot);
/* An expression of a node's text; NULL: failed. */
const struct model_expr *model_pack_load_expr(
    struct model_pack_loader *loader, const struct model_yaml_node *node,
    const struct model_expr_scope *scope, enum model_expr_type want);
/* flow, count, stock; and those to come. */
enum { MODEL_PACK_KINDS = 11 };
extern const char *const model_pack_load_kinds[MODEL_PACK_KINDS];
enum model_pack_kind model_pack_load_kind(struct model_pack_loader *loader,
                                          const struct model_yaml_node *node);

#endif
