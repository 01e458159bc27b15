/* app_ident.c -- the registry of names: what the engine is handed. */
#include "app/app_parts.h"
#include "sys/sys_random.h"

enum {
    IDENT_ATTRIBUTES = MODEL_ATTR_MAX + 1,
    IDENT_CODES_MAX = 4 << 20,
    IDENT_CODES_ARENA = 32 << 20,
};

/* node.yaml `codes` as a line of model_attr: keys in byte order. */
static enum err
ident_attributes(struct app_parts *parts, struct bytes *ret_line)
{
    struct app_config *config = parts->config;
    const struct rollup_code *codes[APP_CONFIG_CODES];
    struct base_out out;
    for (unsigned i = 0; i < config->code_count; i++) {
        unsigned at = i;
        for (; at > 0 && strcmp(config->codes[i].dim, codes[at - 1]->dim) < 0;
             at--)
            codes[at] = codes[at - 1];
        codes[at] = &config->codes[i];
    }
    base_out_fixed(&out, base_arena_alloc(&parts->arena, IDENT_ATTRIBUTES),
                   IDENT_ATTRIBUTES);
    for (unsigned i = 0; i < config->code_count; i++)
        base_out_format(&out, "%s%s=%s", i > 0 ? "," : "", codes[i]->dim,
                        codes[i]->code);
    *ret_line = base_out_bytes(&out);
    return out.failed;
}

/* A list of packs_dir/codes, if it is there: an application's code is then held
 * against it. */
static enum err
ident_codes(struct app_parts *parts, const char *name,
            struct model_code_list *list,
            const struct model_code_list **ret_list)
{
    struct bytes text;
    const char *file = base_arena_format(&parts->arena, "%s/codes/%s.csv",
                                         parts->config->packs_dir, name);
    enum err err = sys_file_load(parts->files, file, IDENT_CODES_MAX,
                                 &parts->codes, &text);
    if (err == ERR_ABSENT)
        return ERR_OK;
    if (err == ERR_OK)
        err =
            model_code_read(&parts->codes, name, file, text, list, parts->note);
    *ret_list = err == ERR_OK ? list : NULL;
    return err;
}

enum err
app_ident_open(struct app_parts *parts)
{
    const struct app_config_door *handle =
        &parts->config->doors[APP_DOOR_HANDLE];
    struct ident_config config = {
        .prefix = parts->config->node,
        .kv = parts->kvs[1],
        .loop = parts->state,
        .port = tier_port(parts->tier),
        .random = sys_random(),
        .stats = &parts->stats,
        .log = &parts->log->log,
        .ca_key = parts->keys.ca_key,
        .ca = parts->keys.ca,
        .tls_key = parts->keys.tls,
        .certificate_ms = parts->config->certificate_ms,
        .allow = parts->config->doors[APP_DOOR_MQTT].allow,
        .allow_count = parts->config->doors[APP_DOOR_MQTT].allow_count,
    };
    config.cache_bytes = parts->config->cache_bytes;
    config.site = (struct ident_site){
        .address = parts->config->bind,
        .http_port = parts->config->doors[APP_DOOR_HTTP].port,
        .handle_port = handle->on ? handle->port : 0,
        .keys = {parts->keys.handle, parts->keys.tls, parts->keys.sign},
    };
    if (parts->config->children == 0)
        config.ca = NULL; /* its CA is for doors only: nobody joins here */
    config.audit = &parts->audit.log.model;
    enum err err = ident_attributes(parts, &config.attributes);
    if (err == ERR_OK && config.ca != NULL) {
        base_arena_init(&parts->codes, IDENT_CODES_ARENA);
        err = ident_codes(parts, "gbt4754", &parts->industries,
                          &config.industries);
        if (err == ERR_OK)
            err =
                ident_codes(parts, "gbt2260", &parts->regions, &config.regions);
    }
    if (err == ERR_OK)
        err = ident_new(&config, &parts->ident, parts->note);
    if (err != ERR_OK && parts->note->text[0] == '\0')
        base_err_note(parts->note, err, "ident: %s", base_err_text(err));
    return err;
}

void
app_ident_rows(struct app_parts *parts)
{
    static const struct {
        uint8_t kind;
        uint32_t max;
        enum model_took (*take)(void *engine,
                                const struct model_message *message,
                                struct store_kv_batch *batch,
                                enum err *ret_code);
    } logs[] = {
        {MODEL_KIND_NAMES_PREFIX, 160 << 10, ident_take_prefix},
        {MODEL_KIND_NAMES_SITE, 64 << 10, ident_take_site},
    };
    for (size_t i = 0; i < BASE_COUNT(logs); i++)
        tier_add_log(parts->tier, &(struct model_log_row){
                                      .channel = MODEL_CHANNEL_NAMES,
                                      .kind = logs[i].kind,
                                      .max = logs[i].max,
                                      .kv = parts->kvs[1],
                                      .take = logs[i].take,
                                      .engine = parts->ident,
                                  });
    tier_add_call(parts->tier, &(struct model_call_row){
                                   .channel = MODEL_CHANNEL_NAME_CALL,
                                   .kind = MODEL_KIND_NAME_CALL_RESOLVE,
                                   .max = 256 << 10,
                                   .take = ident_take_resolve,
                                   .engine = parts->ident,
                               });
    tier_add_hint(parts->tier, &(struct model_hint_row){
                                   .channel = MODEL_CHANNEL_HINT,
                                   .kind = MODEL_KIND_HINT_INVALIDATE,
                                   .max = 64 << 10,
                                   .take = ident_take_hint,
                                   .engine = parts->ident,
                               });
}

enum err
app_ident_http(struct app_parts *parts)
{
    struct net_http_route routes[API_HANDLES_ROUTES];
    parts->api_handles.ident = parts->ident;
    api_handles_routes(&parts->api_handles, parts->state, routes);
    return net_http_routes(parts->http, routes, API_HANDLES_ROUTES);
}
