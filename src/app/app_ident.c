/* app_ident.c -- the registry of names: what the engine is handed. */
#include "app/app_parts.h"
#include "sys/sys_random.h"

enum { IDENT_ATTRIBUTES = MODEL_ATTR_MAX + 1 };

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

enum err
app_ident_open(struct app_parts *parts)
{
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
        .allow = parts->config->doors[APP_DOOR_MQTT].allow,
        .allow_count = parts->config->doors[APP_DOOR_MQTT].allow_count,
    };
    if (parts->config->children == 0)
        config.ca = NULL; /* its CA is for doors only: nobody joins here */
    enum err err = ident_attributes(parts, &config.attributes);
    if (err == ERR_OK)
        err = ident_new(&config, &parts->ident, parts->note);
    if (err != ERR_OK && parts->note->text[0] == '\0')
        base_err_note(parts->note, err, "ident: %s", base_err_text(err));
    return err;
}
