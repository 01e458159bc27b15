/* app_config.c -- see app_config.h. */
#include "app/app_config.h"

#include <stdlib.h>

#include "base/base_mem.h"
#include "model/model_grant.h"
#include "model/model_id.h"
#include "model/model_yaml.h"

enum { CONFIG_FILE_MAX = 1 << 20, CONFIG_ARENA = 4 << 20 };

/* Keys of node.yaml; from KEY_ENGINES on they are the role's too. */
enum config_key {
    KEY_NODE,
    KEY_ROLE,
    KEY_DATA,
    KEY_PACKS_DIR,
    KEY_BIND,
    KEY_PORT,
    KEY_NAMES,
    KEY_HOST,
    KEY_PARENTS,
    KEY_CODES,
    KEY_LABELS,
    KEY_DEMONSTRATION,
    KEY_ENGINES,
    KEY_DOORS,
    KEY_PACKS,
    KEY_LIMITS,
    KEY_RETENTION,
    KEY_FORWARD,
    KEY_CHILDREN,
    KEY_AUDIT,
    KEY_ANONYMOUS,
    KEYS
};

static const struct model_yaml_key config_keys[KEYS] = {
    [KEY_NODE] = {"node", MODEL_YAML_SCALAR | MODEL_YAML_MUST},
    [KEY_ROLE] = {"role", MODEL_YAML_SCALAR | MODEL_YAML_MUST},
    [KEY_DATA] = {"data", MODEL_YAML_SCALAR | MODEL_YAML_MUST},
    [KEY_PACKS_DIR] = {"packs_dir", MODEL_YAML_SCALAR | MODEL_YAML_MUST},
    [KEY_BIND] = {"bind", MODEL_YAML_SCALAR},
    [KEY_PORT] = {"port", MODEL_YAML_SCALAR | MODEL_YAML_MUST},
    [KEY_NAMES] = {"names", MODEL_YAML_LIST},
    [KEY_HOST] = {"host", MODEL_YAML_SCALAR},
    [KEY_PARENTS] = {"parents", MODEL_YAML_MAP},
    [KEY_CODES] = {"codes", MODEL_YAML_MAP},
    [KEY_LABELS] = {"labels", MODEL_YAML_LIST},
    [KEY_DEMONSTRATION] = {"demonstration", MODEL_YAML_SCALAR},
    [KEY_ENGINES] = {"engines", MODEL_YAML_LIST | MODEL_YAML_MUST},
    [KEY_DOORS] = {"doors", MODEL_YAML_MAP | MODEL_YAML_MUST},
    [KEY_PACKS] = {"packs", MODEL_YAML_LIST},
    [KEY_LIMITS] = {"limits", MODEL_YAML_MAP},
    [KEY_RETENTION] = {"retention", MODEL_YAML_SCALAR},
    [KEY_FORWARD] = {"forward", MODEL_YAML_LIST},
    [KEY_CHILDREN] = {"children", MODEL_YAML_MAP},
    [KEY_AUDIT] = {"audit", MODEL_YAML_MAP},
    [KEY_ANONYMOUS] = {"anonymous", MODEL_YAML_SCALAR},
};

static const char *const config_engine_names[] = {"ident", "stream", "rollup",
                                                  "guard", "place"};

static const char *const config_anonymous[] = {"nobody", "viewer"};

/* Offsets from the base port: RULINGS 16. */
static const struct {
    const char *name;
    uint16_t offset;
} config_doors[APP_DOORS] = {
    [APP_DOOR_HTTP] = {"http", 0},     [APP_DOOR_MQTT] = {"mqtt", 1},
    [APP_DOOR_MQTTS] = {"mqtts", 6},   [APP_DOOR_TIER] = {"tier", 3},
    [APP_DOOR_HANDLE] = {"handle", 2},
};

static void
config_list(struct model_yaml *yaml, const struct model_yaml_node *list,
            struct app_config_list *ret_list)
{
    const struct model_yaml_node *item;
    for (item = model_yaml_first(list); item != NULL; item = item->next) {
        if (ret_list->count == APP_CONFIG_LIST) {
            model_yaml_fail(yaml, item, ERR_LIMIT, "at most %d entries here",
                            APP_CONFIG_LIST);
            return;
        }
        ret_list->at[ret_list->count++] = model_yaml_text(yaml, item, "");
    }
}

static void
config_engines(struct model_yaml *yaml, const struct model_yaml_node *list,
               struct app_config *config)
{
    const struct model_yaml_node *item;
    for (item = model_yaml_first(list); item != NULL; item = item->next)
        config->engines |=
            1U << model_yaml_word(yaml, item, config_engine_names, 3, 5, 0);
}

static void
config_door(struct model_yaml *yaml, const struct model_yaml_node *map,
            struct app_config *config, struct app_config_door *door)
{
    enum { PORT, PROFILE, REGISTER, ALLOW, CONNECTIONS, DOOR_KEYS };
    static const struct model_yaml_key keys[DOOR_KEYS] = {
        [PORT] = {"port", MODEL_YAML_SCALAR},
        [PROFILE] = {"profile", MODEL_YAML_SCALAR},
        [REGISTER] = {"register", MODEL_YAML_SCALAR},
        [ALLOW] = {"allow", MODEL_YAML_LIST},
        [CONNECTIONS] = {"connections", MODEL_YAML_SCALAR},
    };
    static const char *const profiles[] = {"open", "checked"};
    static const char *const registers[] = {"refuse", "auto"};
    const struct model_yaml_node *at[DOOR_KEYS], *item;
    model_yaml_map(yaml, map, keys, DOOR_KEYS, at);
    door->on = true;
    door->port = (uint16_t)model_yaml_int(yaml, at[PORT], 1, 65535, door->port);
    door->open = model_yaml_word(yaml, at[PROFILE], profiles, 2, 2, 1) == 0;
    door->auto_register =
        model_yaml_word(yaml, at[REGISTER], registers, 2, 2, 0) == 1;
    door->connections =
        (unsigned)model_yaml_int(yaml, at[CONNECTIONS], 1, 1000000, 10000);
    unsigned count = at[ALLOW] != NULL ? at[ALLOW]->count : 0;
    door->allow =
        base_arena_alloc(&config->arena, sizeof *door->allow * (count + 1));
    if (door->allow == NULL) {
        model_yaml_full(yaml);
        return;
    }
    for (item = model_yaml_first(at[ALLOW]); item != NULL; item = item->next)
        door->allow[door->allow_count++] = model_yaml_text(yaml, item, "");
}

static void
config_handle(struct model_yaml *yaml, const struct model_yaml_node *map,
              struct app_config *config, struct app_config_door *door)
{
    enum { PORT, CONNECTIONS, REQUESTS, RATE, BURST, RECURSE, CHINA, FREE };
    enum { HANDLE_KEYS = FREE + 1 };
    static const struct model_yaml_key keys[HANDLE_KEYS] = {
        [PORT] = {"port", MODEL_YAML_SCALAR},
        [CONNECTIONS] = {"connections", MODEL_YAML_SCALAR},
        [REQUESTS] = {"requests", MODEL_YAML_SCALAR},
        [RATE] = {"rate_kib", MODEL_YAML_SCALAR},
        [BURST] = {"burst_kib", MODEL_YAML_SCALAR},
        [RECURSE] = {"recurse", MODEL_YAML_SCALAR},
        [CHINA] = {"china", MODEL_YAML_SCALAR},
        [FREE] = {"free", MODEL_YAML_LIST},
    };
    static const char *const recursions[] = {"local", "all"};
    const struct model_yaml_node *at[HANDLE_KEYS];
    struct app_config_handle *handle = &config->handle;
    model_yaml_map(yaml, map, keys, HANDLE_KEYS, at);
    door->on = true;
    door->port = (uint16_t)model_yaml_int(yaml, at[PORT], 1, 65535, door->port);
    door->connections =
        (unsigned)model_yaml_int(yaml, at[CONNECTIONS], 1, 100000, 1000);
    handle->requests =
        (unsigned)model_yaml_int(yaml, at[REQUESTS], 1, 1000000, 4096);
    handle->rate_bytes =
        model_yaml_int(yaml, at[RATE], 1, 1 << 20, 1024) * 1024;
    handle->burst_bytes =
        model_yaml_int(yaml, at[BURST], 1, 1 << 20, 4096) * 1024;
    handle->recurse =
        model_yaml_word(yaml, at[RECURSE], recursions, 2, 2, 0) == 1;
    handle->china = model_yaml_bool(yaml, at[CHINA], false);
    config_list(yaml, at[FREE], &handle->free);
}

static void
config_doors_read(struct model_yaml *yaml, const struct model_yaml_node *map,
                  struct app_config *config)
{
    struct model_yaml_key keys[APP_DOORS];
    const struct model_yaml_node *at[APP_DOORS];
    for (unsigned i = 0; i < APP_DOORS; i++)
        keys[i] = (struct model_yaml_key){config_doors[i].name, MODEL_YAML_MAP};
    model_yaml_map(yaml, map, keys, APP_DOORS, at);
    for (unsigned i = 0; i < APP_DOORS; i++) {
        config->doors[i].port =
            (uint16_t)(config->port + config_doors[i].offset);
        if (at[i] != NULL && i == APP_DOOR_HANDLE)
            config_handle(yaml, at[i], config, &config->doors[i]);
        else if (at[i] != NULL)
            config_door(yaml, at[i], config, &config->doors[i]);
    }
}

static void
config_limits(struct model_yaml *yaml, const struct model_yaml_node *map,
              struct app_config *config)
{
    enum { SERIES, HEAD, MAP, FILE_MIB, REQUESTS, CACHE, LIMIT_KEYS };
    static const struct model_yaml_key keys[LIMIT_KEYS] = {
        [SERIES] = {"series", MODEL_YAML_SCALAR},
        [HEAD] = {"head_mib", MODEL_YAML_SCALAR},
        [MAP] = {"map_gib", MODEL_YAML_SCALAR},
        [FILE_MIB] = {"journal_file_mib", MODEL_YAML_SCALAR},
        [REQUESTS] = {"requests", MODEL_YAML_SCALAR},
        [CACHE] = {"names_cache_mib", MODEL_YAML_SCALAR},
    };
    const struct model_yaml_node *at[LIMIT_KEYS];
    model_yaml_map(yaml, map, keys, LIMIT_KEYS, at);
    config->series =
        (uint32_t)model_yaml_int(yaml, at[SERIES], 1, 100000000, 1000000);
    config->head_bytes =
        (uint64_t)model_yaml_int(yaml, at[HEAD], 1, 1 << 20, 256) << 20;
    config->map_bytes = (uint64_t)model_yaml_int(yaml, at[MAP], 1, 1 << 16, 256)
                        << 30;
    config->file_bytes =
        (uint64_t)model_yaml_int(yaml, at[FILE_MIB], 1, 1024, 64) << 20;
    config->cache_bytes =
        (uint64_t)model_yaml_int(yaml, at[CACHE], 0, 1 << 20, 0) << 20;
    config->requests =
        (unsigned)model_yaml_int(yaml, at[REQUESTS], 1, 100000, 256);
}

static void
config_parents(struct model_yaml *yaml, const struct model_yaml_node *map,
               struct app_config *config)
{
    enum { IDENT, ROLLUP, GUARD, PLACE, PARENT_KEYS };
    static const struct model_yaml_key keys[PARENT_KEYS] = {
        [IDENT] = {"ident", MODEL_YAML_SCALAR},
        [ROLLUP] = {"rollup", MODEL_YAML_SCALAR},
        [GUARD] = {"guard", MODEL_YAML_SCALAR},
        [PLACE] = {"place", MODEL_YAML_SCALAR},
    };
    const struct model_yaml_node *at[PARENT_KEYS];
    model_yaml_map(yaml, map, keys, PARENT_KEYS, at);
    config->parent_ident = model_yaml_text(yaml, at[IDENT], "");
    config->parent_rollup =
        model_yaml_text(yaml, at[ROLLUP], config->parent_ident);
    for (unsigned i = 0; i < PARENT_KEYS; i++)
        if (at[i] != NULL &&
            strcmp(model_yaml_text(yaml, at[i], ""), config->parent_ident) != 0)
            model_yaml_fail(yaml, at[i], ERR_UNSUPPORTED,
                            "different parents per engine are not supported "
                            "yet: give \"%s\" for all",
                            config->parent_ident);
}

/* Where this node's units belong: a code per dimension. */
static void
config_codes(struct model_yaml *yaml, const struct model_yaml_node *map,
             struct app_config *config)
{
    const struct model_yaml_node *item;
    for (item = model_yaml_first(map); item != NULL; item = item->next) {
        if (config->code_count == APP_CONFIG_CODES) {
            model_yaml_fail(yaml, item, ERR_LIMIT, "at most %d codes",
                            APP_CONFIG_CODES);
            return;
        }
        config->codes[config->code_count++] =
            (struct rollup_code){model_yaml_text(yaml, item->key, ""),
                                 model_yaml_text(yaml, item, "")};
    }
}

static void
config_children(struct model_yaml *yaml, const struct model_yaml_node *map,
                struct app_config *config)
{
    enum { DAY_MS = 86400000 };
    static const struct model_yaml_key keys[] = {
        {"max", MODEL_YAML_SCALAR}, {"certificate", MODEL_YAML_SCALAR}};
    const struct model_yaml_node *at[2];
    model_yaml_map(yaml, map, keys, 2, at);
    config->certificate_ms = model_yaml_span(
        yaml, at[1], 5000, INT64_C(366) * DAY_MS, INT64_C(90) * DAY_MS);
    config->children =
        (unsigned)model_yaml_int(yaml, at[0], 0, 8000, map != NULL ? 8000 : 0);
}

/* When a head of the audit log goes to the parent. */
static void
config_audit(struct model_yaml *yaml, const struct model_yaml_node *map,
             struct app_config *config)
{
    enum { ENTRIES, EVERY, AUDIT_KEYS };
    static const struct model_yaml_key keys[AUDIT_KEYS] = {
        [ENTRIES] = {"entries", MODEL_YAML_SCALAR},
        [EVERY] = {"every", MODEL_YAML_SCALAR},
    };
    const struct model_yaml_node *at[AUDIT_KEYS];
    model_yaml_map(yaml, map, keys, AUDIT_KEYS, at);
    config->audit_entries =
        (unsigned)model_yaml_int(yaml, at[ENTRIES], 1, 1000000, 1000);
    config->audit_ms =
        model_yaml_span(yaml, at[EVERY], 1000, 86400000, 3600000);
}

/* A node that lets itself be broken serves nobody else. */
static void
config_demonstration(struct model_yaml *yaml,
                     const struct model_yaml_node *folder,
                     struct app_config *config)
{
    config->demonstration = model_yaml_text(yaml, folder, "");
    if (config->demonstration[0] == '\0')
        return;
    if (strcmp(config->bind, "127.0.0.1") != 0 &&
        strcmp(config->bind, "::1") != 0)
        model_yaml_fail(yaml, folder, ERR_DENIED,
                        "a demonstration node binds to loopback only, not to "
                        "%s",
                        config->bind);
    if (config->packs.count < APP_CONFIG_LIST)
        config->packs.at[config->packs.count++] = "breakit";
}

static void
config_whole(struct model_yaml *yaml, const struct model_yaml_node *root,
             struct app_config *config)
{
    const struct model_yaml_node *at[KEYS];
    model_yaml_map(yaml, root, config_keys, KEYS, at);
    config->node = model_yaml_text(yaml, at[KEY_NODE], "");
    if (model_yaml_ok(yaml) &&
        model_id_prefix_check(base_bytes_text(config->node)) != ERR_OK)
        model_yaml_fail(yaml, at[KEY_NODE], ERR_NAME,
                        "\"%s\" is no prefix: labels of letters, digits, - and "
                        "_, parted by dots",
                        config->node);
    config->data = model_yaml_text(yaml, at[KEY_DATA], "");
    config->bind = model_yaml_text(yaml, at[KEY_BIND], "127.0.0.1");
    if (strcmp(config->bind, "127.0.0.1") != 0 &&
        strcmp(config->bind, "::1") != 0)
        model_yaml_fail(yaml, at[KEY_BIND], ERR_UNSUPPORTED,
                        "\"%s\": so far a node serves on loopback only",
                        config->bind);
    config->port = (uint16_t)model_yaml_int(yaml, at[KEY_PORT], 1, 65520, 8100);
    config_list(yaml, at[KEY_NAMES], &config->names);
    config->host = model_yaml_bool(yaml, at[KEY_HOST], false);
    config_parents(yaml, at[KEY_PARENTS], config);
    config_codes(yaml, at[KEY_CODES], config);
    if (at[KEY_LABELS] != NULL && at[KEY_LABELS]->count > 0)
        model_yaml_fail(yaml, at[KEY_LABELS], ERR_UNSUPPORTED,
                        "labels from the record are not supported yet");
    config_engines(yaml, at[KEY_ENGINES], config);
    config_doors_read(yaml, at[KEY_DOORS], config);
    config_list(yaml, at[KEY_PACKS], &config->packs);
    config_demonstration(yaml, at[KEY_DEMONSTRATION], config);
    config_limits(yaml, at[KEY_LIMITS], config);
    config->retention_ms =
        model_yaml_span(yaml, at[KEY_RETENTION], 3600000,
                        INT64_C(36500) * 86400000, INT64_C(400) * 86400000);
    if (at[KEY_FORWARD] != NULL && at[KEY_FORWARD]->count > 0)
        model_yaml_fail(yaml, at[KEY_FORWARD], ERR_UNSUPPORTED,
                        "forwarding raw samples is not supported yet");
    config_children(yaml, at[KEY_CHILDREN], config);
    config_audit(yaml, at[KEY_AUDIT], config);
    config->anonymous =
        model_yaml_word(yaml, at[KEY_ANONYMOUS], config_anonymous, 2, 2, 0) == 1
            ? MODEL_GRANT_VIEWER
            : 0;
}

static const struct model_yaml_node *
config_read(struct model_yaml *yaml, struct sys_files *files, const char *path)
{
    struct bytes text;
    enum err err =
        sys_file_load(files, path, CONFIG_FILE_MAX, yaml->arena, &text);
    if (err != ERR_OK) {
        yaml->failed =
            base_err_note_at(yaml->note, err, path, 0, 0, "cannot be read: %s",
                             base_err_text(err));
        return NULL;
    }
    return model_yaml_read(yaml, text, path);
}

/* A role file has no node keys; it is checked by the merged whole, but a key
 * that only a node may have must not hide in it. */
static void
config_role_check(struct model_yaml *yaml, const struct model_yaml_node *role)
{
    for (unsigned key = 0; key < KEY_ENGINES; key++) {
        const struct model_yaml_node *node =
            model_yaml_get(role, config_keys[key].name);
        if (node != NULL)
            model_yaml_fail(yaml, node, ERR_NAME,
                            "\"%s\" belongs in node.yaml, not in a role",
                            config_keys[key].name);
    }
}

enum err
app_config_load(struct sys_files *files, const char *path,
                struct app_config **ret_config, struct base_note *note)
{
    struct app_config *config = base_mem_zero(sizeof *config);
    base_arena_init(&config->arena, CONFIG_ARENA);
    config->path = base_arena_format(&config->arena, "%s", path);
    struct model_yaml yaml = {.arena = &config->arena, .note = note};
    const struct model_yaml_node *node =
        config_read(&yaml, files, config->path);
    config->role = model_yaml_text(&yaml, model_yaml_get(node, "role"), "");
    config->packs_dir =
        model_yaml_text(&yaml, model_yaml_get(node, "packs_dir"), "");
    if (model_yaml_ok(&yaml)) {
        char *role_path = base_arena_format(&config->arena, "%s/roles/%s.yaml",
                                            config->packs_dir, config->role);
        const struct model_yaml_node *role =
            config_read(&yaml, files, role_path);
        config_role_check(&yaml, role);
        node = model_yaml_merge(&yaml, role, node);
    }
    if (model_yaml_ok(&yaml))
        config_whole(&yaml, node, config);
    if (!model_yaml_ok(&yaml)) {
        app_config_free(config);
        return yaml.failed;
    }
    *ret_config = config;
    return ERR_OK;
}

void
app_config_free(struct app_config *config)
{
    if (config == NULL)
        return;
    base_arena_done(&config->arena);
    base_mem_free(config);
}
