/* model_pack.c -- loading a pack, and asking it. */
#include "model/model_pack.h"

#include "base/base_mem.h"
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
    {"requires", MODEL_PACK_LATER},  {"weight", MODEL_PACK_LATER},
    {"tables", MODEL_PACK_LATER},    {"states", MODEL_PACK_LATER},
    {"checks", MODEL_PACK_LATER},    {"publish", MODEL_PACK_LATER},
    {"alerts", MODEL_PACK_LATER},
};
/* clang-format on */

static const char *const pack_carries[] = {"partial", "micro"};

static const struct model_expr_name pack_attributes[] = {
    {"class", MODEL_EXPR_STRING, MODEL_PACK_ATTRIBUTE_CLASS},
    {"id", MODEL_EXPR_STRING, MODEL_PACK_ATTRIBUTE_ID},
    {"prefix", MODEL_EXPR_STRING, MODEL_PACK_ATTRIBUTE_PREFIX},
};

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
                                 *grain = model_yaml_get(root, "grain"),
                                 *scope = model_yaml_get(root, "scope");
    struct model_expr_scope names = {pack_attributes,
                                     BASE_COUNT(pack_attributes)};
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
    model_yaml_word(yaml, model_yaml_get(root, "carry"), pack_carries, 1, 2, 0);
    pack->scope_text = model_yaml_text(yaml, scope, "");
    pack->scope = model_pack_load_expr(loader, scope, &names, MODEL_EXPR_BOOL);
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
    model_pack_input_load(loader, model_yaml_get(root, "inputs"));
    model_pack_measure_load(loader, model_yaml_get(root, "measures"));
    model_pack_metric_load(loader, model_yaml_get(root, "metrics"));
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
    struct bytes at[3];
};

static struct model_expr_value
pack_attribute(void *self, uint32_t slot)
{
    struct pack_attributes *attributes = self;
    return (struct model_expr_value){.type = MODEL_EXPR_STRING,
                                     .string = attributes->at[slot]};
}

bool
model_pack_in_scope(const struct model_pack *pack, struct bytes id,
                    struct bytes class_name)
{
    struct pack_attributes attributes = {{
        [MODEL_PACK_ATTRIBUTE_CLASS] = class_name,
        [MODEL_PACK_ATTRIBUTE_ID] = id,
        [MODEL_PACK_ATTRIBUTE_PREFIX] =
            base_bytes_slice(id, 0, base_bytes_find(id, '/')),
    }};
    struct model_expr_value value;
    model_expr_eval(pack->scope, pack_attribute, &attributes, &value);
    return value.err == ERR_OK && value.truth;
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
