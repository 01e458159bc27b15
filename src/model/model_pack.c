/* model_pack.c -- loading a pack, and asking it. */
#include "model/model_pack.h"

#include "base/base_mem.h"
#include "model/model_attr.h"
#include "model/model_id.h"
#include "model/model_pack_load.h"

/* clang-format off */
static const struct model_yaml_key pack_keys[] = {
    {"pack", MODEL_PACK_MUST},       {"version", MODEL_PACK_MUST},
    {"agency", MODEL_PACK_MUST},     {"title", MODEL_PACK_MUST_MAP},
    {"window", MODEL_PACK_MUST_MAP}, {"grain", MODEL_PACK_MUST},
    {"scope", MODEL_PACK_MUST},      {"carry", MODEL_PACK_MUST},
    {"dims", MODEL_PACK_MAP},        {"inputs", MODEL_PACK_MUST_MAP},
    {"metrics", MODEL_PACK_MAP},     {"measures", MODEL_PACK_MUST_MAP},
    {"tables", MODEL_PACK_MAP},      {"checks", MODEL_PACK_MAP},
    {"requires", MODEL_PACK_LATER},  {"weight", MODEL_PACK_LATER},
    {"states", MODEL_PACK_LATER},    {"publish", MODEL_PACK_LATER},
    {"alerts", MODEL_PACK_LATER},
};
/* clang-format on */

static const char *const pack_carries[] = {"partial", "micro"};

enum { PACK_ATTRIBUTES = MODEL_PACK_ATTRIBUTE_DIM + MODEL_PACK_DIMS };

/* class, id, prefix, and the dims. */
static void
pack_scope(struct model_pack_loader *loader, const struct model_yaml_node *node)
{
    struct model_pack *pack = loader->pack;
    struct model_expr_name names[PACK_ATTRIBUTES] = {
        {"class", MODEL_EXPR_STRING, MODEL_PACK_ATTRIBUTE_CLASS},
        {"id", MODEL_EXPR_STRING, MODEL_PACK_ATTRIBUTE_ID},
        {"prefix", MODEL_EXPR_STRING, MODEL_PACK_ATTRIBUTE_PREFIX},
    };
    struct model_expr_scope scope = {names, MODEL_PACK_ATTRIBUTE_DIM +
                                                pack->dim_count};
    for (unsigned d = 0; d < pack->dim_count; d++)
        names[MODEL_PACK_ATTRIBUTE_DIM + d] =
            (struct model_expr_name){pack->dims[d].name, MODEL_EXPR_STRING,
                                     MODEL_PACK_ATTRIBUTE_DIM + d};
    pack->scope_text = model_yaml_text(&loader->yaml, node, "");
    if (model_yaml_ok(&loader->yaml))
        pack->scope =
            model_pack_load_expr(loader, node, &scope, MODEL_EXPR_BOOL);
}

/* packs/stats/industry holds the pack stats/industry. */
static void
pack_name(struct model_pack_loader *loader, const struct model_yaml_node *node,
          const char *folder)
{
    struct bytes name, whole = base_bytes_text(folder);
    loader->pack->name = model_yaml_text(&loader->yaml, node, "");
    name = base_bytes_text(loader->pack->name);
    bool part = false; /* inside a word between slashes */
    for (size_t i = 0; i < name.size; i++) {
        uint8_t byte = name.at[i];
        bool word = (byte >= 'a' && byte <= 'z') || byte == '-' ||
                    (byte >= '0' && byte <= '9');
        if (!word && !(byte == '/' && part))
            model_yaml_fail(&loader->yaml, node, ERR_NAME,
                            "a pack's name is words of a-z 0-9 - parted by /");
        part = word;
    }
    size_t from = whole.size - name.size;
    if (!part || name.size > 64)
        model_yaml_fail(&loader->yaml, node, ERR_NAME,
                        "a pack's name has 1 to 64 characters");
    else if (name.size > whole.size ||
             memcmp(folder + from, name.at, name.size) != 0 ||
             (from > 0 && folder[from - 1] != '/'))
        model_yaml_fail(&loader->yaml, node, ERR_NAME,
                        "the pack %s must stand in a folder of that name, "
                        "not in %s",
                        loader->pack->name, folder);
}

/* Three numbers with dots; no more of semver. */
static void
pack_version(struct model_pack_loader *loader,
             const struct model_yaml_node *node)
{
    struct bytes rest;
    uint64_t number;
    loader->pack->version = model_yaml_text(&loader->yaml, node, "");
    rest = base_bytes_text(loader->pack->version);
    for (unsigned i = 0; i < 3; i++) {
        size_t dot = i < 2 ? base_bytes_find(rest, '.') : rest.size;
        if (base_bytes_u64(base_bytes(rest.at, dot), &number) != ERR_OK)
            model_yaml_fail(&loader->yaml, node, ERR_SYNTAX,
                            "a version is three numbers: 1.0.0");
        rest = base_bytes_slice(rest, dot + 1, rest.size);
    }
}

static void
pack_head(struct model_pack_loader *loader, const struct model_yaml_node *root,
          const char *folder)
{
    struct model_pack *pack = loader->pack;
    struct model_yaml *yaml = &loader->yaml;
    const struct model_yaml_node *agency = model_yaml_get(root, "agency"),
                                 *grain = model_yaml_get(root, "grain");
    pack_name(loader, model_yaml_get(root, "pack"), folder);
    pack_version(loader, model_yaml_get(root, "version"));
    pack->agency = model_yaml_text(yaml, agency, "");
    if (model_id_prefix_check(base_bytes_text(pack->agency)) != ERR_OK)
        model_yaml_fail(yaml, agency, ERR_NAME,
                        "expected a prefix such as 88.31");
    pack->title =
        model_pack_load_text(loader, model_yaml_get(root, "title"), pack->name);
    if (strcmp(model_yaml_text(yaml, grain, ""), "object") != 0)
        model_yaml_fail(yaml, grain, ERR_UNSUPPORTED,
                        "only the grain object is supported yet");
    pack->carry = (enum model_pack_carry)model_yaml_word(
        yaml, model_yaml_get(root, "carry"), pack_carries, 2, 2, 0);
}

/* What is recomputed from returns has nothing else in it. */
static void
pack_micro(struct model_pack_loader *loader, const struct model_yaml_node *node)
{
    const struct model_pack *pack = loader->pack;
    for (unsigned i = 0; i < pack->input_count; i++)
        if (model_yaml_ok(&loader->yaml) && pack->carry == MODEL_PACK_MICRO &&
            pack->inputs[i].source != MODEL_PACK_RETURN)
            model_yaml_fail(&loader->yaml, node, ERR_TYPE,
                            "carry micro sends returns up, but %s is not of a "
                            "return",
                            pack->inputs[i].name);
}

static void
pack_body(struct model_pack_loader *loader, struct bytes text,
          const char *folder, const char *path)
{
    struct model_yaml *yaml = &loader->yaml;
    const struct model_yaml_node *root = model_yaml_read(yaml, text, path);
    model_yaml_map(yaml, root, pack_keys, BASE_COUNT(pack_keys), NULL);
    if (!model_yaml_ok(yaml))
        return;
    pack_head(loader, root, folder);
    model_pack_window_load(loader, model_yaml_get(root, "window"));
    model_pack_dim_load(loader, model_yaml_get(root, "dims"));
    pack_scope(loader, model_yaml_get(root, "scope"));
    model_pack_input_load(loader, model_yaml_get(root, "inputs"));
    pack_micro(loader, model_yaml_get(root, "carry"));
    model_pack_table_load(loader, model_yaml_get(root, "tables"));
    model_pack_measure_load(loader, model_yaml_get(root, "measures"));
    model_pack_metric_load(loader, model_yaml_get(root, "metrics"));
    model_pack_check_load(loader, model_yaml_get(root, "checks"));
}

static void
pack_shape(struct model_pack_loader *loader)
{
    struct model_pack *pack = loader->pack;
    struct base_out out;
    base_out_grow(&out, MODEL_PACK_MEMORY);
    model_pack_shape_write(&out, pack);
    if (!base_out_ok(&out))
        model_yaml_full(&loader->yaml);
    loader->source->sha256(base_out_bytes(&out), pack->shape);
    base_out_done(&out);
    for (unsigned i = 0; i < 8; i++)
        pack->shape8 |= (uint64_t)pack->shape[i] << (8 * i);
}

enum err
model_pack_load(struct model_source *source, const char *folder,
                const char *codes, struct model_pack **ret_pack,
                struct base_note *note)
{
    struct model_pack *pack = base_mem_zero(sizeof *pack);
    base_arena_init(&pack->arena, MODEL_PACK_MEMORY);
    struct model_pack_loader loader = {
        .yaml = {.arena = &pack->arena, .note = note},
        .source = source,
        .pack = pack,
        .codes = codes,
    };
    struct bytes text;
    pack->folder = base_arena_text(&pack->arena, base_bytes_text(folder));
    const char *path = base_arena_format(&pack->arena, "%s/pack.yaml", folder);
    struct model_yaml_node file = {.file = path};
    enum err err =
        source->load(source, path, MODEL_YAML_SIZE, &pack->arena, &text);
    if (err != ERR_OK)
        model_yaml_fail(&loader.yaml, &file, err, "%s", base_err_text(err));
    else
        pack_body(&loader, text, pack->folder, path);
    if (model_yaml_ok(&loader.yaml))
        pack_shape(&loader);
    if (model_yaml_ok(&loader.yaml))
        *ret_pack = pack;
    else
        model_pack_free(pack);
    return loader.yaml.failed;
}

void
model_pack_free(struct model_pack *pack)
{
    if (!pack)
        return;
    for (unsigned i = 0; i < pack->input_count; i++)
        model_matcher_done(pack->inputs[i].matchers,
                           pack->inputs[i].matcher_count);
    base_arena_done(&pack->arena);
    base_mem_free(pack);
}

struct pack_attributes {
    struct bytes at[PACK_ATTRIBUTES];
};

static struct model_expr_value
pack_attribute(void *self, uint32_t slot)
{
    struct pack_attributes *attributes = self;
    return (struct model_expr_value){
        .err = attributes->at[slot].at ? ERR_OK : ERR_ABSENT,
        .type = MODEL_EXPR_STRING,
        .string = attributes->at[slot]};
}

bool
model_pack_in_scope(const struct model_pack *pack, struct bytes id,
                    struct bytes class_name, struct bytes codes)
{
    struct bytes none = base_bytes_text("");
    struct pack_attributes attributes = {{
        [MODEL_PACK_ATTRIBUTE_CLASS] = class_name.at ? class_name : none,
        [MODEL_PACK_ATTRIBUTE_ID] = id,
        [MODEL_PACK_ATTRIBUTE_PREFIX] =
            base_bytes_slice(id, 0, base_bytes_find(id, '/')),
    }};
    struct model_expr_value value;
    for (unsigned d = 0; d < pack->dim_count; d++)
        attributes.at[MODEL_PACK_ATTRIBUTE_DIM + d] =
            model_attr_get(codes, base_bytes_text(pack->dims[d].name));
    model_expr_eval(pack->scope, pack_attribute, &attributes, &value);
    return value.err == ERR_OK && value.truth;
}

/* The leaf's rank; dim->count: it is none. */
static uint32_t
pack_rank(const struct model_pack_dim *dim, struct bytes code)
{
    uint32_t low = 0, high = dim->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order =
            base_bytes_compare(base_bytes_text(dim->codes[middle]), code);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return dim->count;
}

bool
model_pack_cell(const struct model_pack *pack, struct bytes codes,
                uint32_t *ret_cell)
{
    uint32_t cell = 0;
    for (unsigned d = 0; d < pack->dim_count; d++) {
        const struct model_pack_dim *dim = &pack->dims[d];
        uint32_t rank =
            pack_rank(dim, model_attr_get(codes, base_bytes_text(dim->name)));
        if (rank == dim->count)
            return false;
        cell = cell * dim->count + rank;
    }
    *ret_cell = cell;
    return true;
}

const struct model_code *
model_pack_cell_code(const struct model_pack *pack, uint32_t cell, unsigned dim)
{
    for (unsigned d = pack->dim_count; d-- > dim + 1;)
        cell /= pack->dims[d].count;
    return pack->dims[dim].leaves[cell % pack->dims[dim].count];
}

const struct model_pack_freq *
model_pack_freq(const struct model_pack *pack, enum model_freq freq)
{
    for (unsigned i = 0; i < pack->freq_count; i++)
        if (pack->freqs[i].freq == freq)
            return &pack->freqs[i];
    return NULL;
}

int
model_pack_measure_find(const struct model_pack *pack, struct bytes name)
{
    for (unsigned i = 0; i < pack->measure_count; i++)
        if (base_bytes_is(name, pack->measures[i].name))
            return (int)i;
    return -1;
}

int
model_pack_metric_find(const struct model_pack *pack, struct bytes name)
{
    for (unsigned i = 0; i < pack->metric_count; i++)
        if (base_bytes_is(name, pack->metrics[i].name))
            return (int)i;
    return -1;
}

int
model_pack_dim_find(const struct model_pack *pack, struct bytes name)
{
    for (unsigned i = 0; i < pack->dim_count; i++)
        if (base_bytes_is(name, pack->dims[i].name))
            return (int)i;
    return -1;
}

int
model_pack_input_find(const struct model_pack *pack, struct bytes name)
{
    for (unsigned i = 0; i < pack->input_count; i++)
        if (base_bytes_is(name, pack->inputs[i].name))
            return (int)i;
    return -1;
}

struct model_pack *
model_pack_list_find(const struct model_pack_list *list, struct bytes name,
                     unsigned *ret_index)
{
    for (unsigned i = 0; i < list->count; i++) {
        if (!base_bytes_is(name, list->at[i]->name))
            continue;
        if (ret_index)
            *ret_index = i;
        return list->at[i];
    }
    return NULL;
}
