/* app_audit.c -- see app_audit.h. */
#include "app/app_audit.h"

#include "app/app_parts.h"
#include "crypt/crypt_hash.h"

enum { AUDIT_FACT = 128 };

/* --- what api/audit may not know --- */

static uint64_t
audit_size(void *self)
{
    struct app_audit *audit = self;
    return store_audit_size(&audit->log);
}

static enum err
audit_head(void *self, struct wire_head *ret_head)
{
    struct app_audit *audit = self;
    return store_audit_head(&audit->log, ret_head);
}

static enum err
audit_list(void *self, uint64_t start, unsigned limit,
           bool (*fn)(void *to, uint64_t index, struct bytes entry), void *to)
{
    struct app_audit *audit = self;
    return store_audit_list(&audit->log, start, limit, fn, to);
}

static enum err
audit_proof(void *self, const uint8_t leaf[32], uint64_t size,
            uint64_t *ret_index, struct base_out *ret_path)
{
    struct app_audit *audit = self;
    return store_audit_proof(&audit->log, leaf, size, ret_index, ret_path);
}

static enum err
audit_consistency(void *self, uint64_t first, uint64_t second,
                  struct base_out *ret_path)
{
    struct app_audit *audit = self;
    return store_audit_consistency(&audit->log, first, second, ret_path);
}

static enum err
audit_sent(void *self, uint64_t start, unsigned limit,
           bool (*fn)(void *to, const struct wire_head *head), void *to)
{
    struct app_audit *audit = self;
    return store_audit_send_list(&audit->log, start, limit, fn, to);
}

struct audit_kept {
    bool (*fn)(void *to, const struct api_audit_kept *kept);
    void *to;
};

static bool
audit_kept_one(void *self, const struct store_audit_kept *kept)
{
    static const char *const states[] = {
        [STORE_AUDIT_KEEP_FIRST] = "first",
        [STORE_AUDIT_KEEP_PROVEN] = "proven",
        [STORE_AUDIT_KEEP_UNPROVEN] = "unproven",
        [STORE_AUDIT_KEEP_RESTARTED] = "restarted",
        [STORE_AUDIT_KEEP_FORK] = "fork",
    };
    const struct audit_kept *walk = self;
    bool known = kept->state < BASE_COUNT(states) && states[kept->state];
    const struct api_audit_kept one = {
        .number = kept->number,
        .state = known ? states[kept->state] : "unknown",
        .epoch = kept->epoch,
        .kept_ms = kept->kept_ms,
        .head = kept->head,
        .public_der = kept->public_der,
    };
    return walk->fn(walk->to, &one);
}

static enum err
audit_kept(void *self, struct bytes child, uint64_t start, unsigned limit,
           bool (*fn)(void *to, const struct api_audit_kept *kept), void *to)
{
    struct app_audit *audit = self;
    struct audit_kept walk = {fn, to};
    return store_audit_keep_list(&audit->keep, child, start, limit,
                                 audit_kept_one, &walk);
}

/* --- opening --- */

static void
audit_alert(void *self, const char *event, const char *text)
{
    struct app_parts *parts = self;
    tier_alert(parts->tier, event, text);
}

static uint32_t
audit_epoch(void *self)
{
    struct app_parts *parts = self;
    return tier_epoch(parts->tier);
}

enum err
app_audit_open(struct app_parts *parts)
{
    struct app_audit *audit = &parts->audit;
    struct base_out public_der;
    const struct store_audit_config config = {
        .node = parts->config->node,
        .kv = parts->kvs[0],
        .loop = parts->state,
        .key = parts->keys.sign,
    };
    store_audit_init(&audit->log, &config);
    audit->send = (struct store_audit_send){
        .audit = &audit->log,
        .port = tier_port(parts->tier),
        .epoch = audit_epoch,
        .epoch_self = parts,
        .entries = parts->config->audit_entries,
        .every_ms = parts->config->audit_ms,
    };
    audit->keep = (struct store_audit_keep){parts->kvs[0], parts->state,
                                            audit_alert, parts};
    base_out_fixed(&public_der, audit->public_der, sizeof audit->public_der);
    enum err err = crypt_key_public(parts->keys.sign, &public_der);
    audit->api = (struct api_audit){
        .node = parts->config->node,
        .key_id = crypt_key_id(parts->keys.sign),
        .public_der = base_out_bytes(&public_der),
        .size = audit_size,
        .head = audit_head,
        .list = audit_list,
        .proof = audit_proof,
        .consistency = audit_consistency,
        .sent = audit_sent,
        .kept = audit_kept,
        .self = audit,
    };
    return err;
}

void
app_audit_row(struct app_parts *parts)
{
    tier_add_log(parts->tier, &(struct model_log_row){
                                  .channel = MODEL_CHANNEL_AUDIT,
                                  .kind = MODEL_KIND_AUDIT_HEAD,
                                  .max = WIRE_HEAD_MESSAGE_MAX,
                                  .kv = parts->kvs[0],
                                  .take = store_audit_keep_take,
                                  .engine = &parts->audit.keep,
                              });
}

enum err
app_audit_http(struct app_parts *parts)
{
    struct net_http_route routes[API_AUDIT_ROUTES];
    api_audit_routes(&parts->audit.api, parts->state, routes);
    return net_http_routes(parts->http, routes, API_AUDIT_ROUTES);
}

/* --- what the node itself has to say --- */

static enum err
audit_say(struct app_parts *parts, const char *action, const char *object,
          const char *reason)
{
    const struct model_grant_principal self = {
        .kind = MODEL_GRANT_NODE, .name = base_bytes_text(parts->config->node)};
    return store_audit_append(&parts->audit.log,
                              &(struct model_audit_event){
                                  .actor = &self,
                                  .action = action,
                                  .object = base_bytes_text(object),
                                  .reason = base_bytes_text(reason),
                              },
                              NULL, NULL);
}

/* An entry when this digest of it is another than at the last start. */
static enum err
audit_fact(struct app_parts *parts, const char *action, const char *object,
           const char *name, const uint8_t digest[32])
{
    const struct model_grant_principal self = {
        .kind = MODEL_GRANT_NODE, .name = base_bytes_text(parts->config->node)};
    uint8_t key[AUDIT_FACT], old[32];
    struct base_out out;
    struct bytes before = {0}, after = base_bytes(digest, 32);
    base_out_fixed(&out, key, sizeof key);
    base_out_format(&out, "audit %s", name);
    enum err err = store_kv_get(store_kv_now(parts->kvs[0]), STORE_TABLE_NODE,
                                base_out_bytes(&out), &before);
    if (err != ERR_OK && err != ERR_ABSENT)
        return err;
    if (base_bytes_equal(before, after))
        return ERR_OK;
    if (before.size == sizeof old)
        memcpy(old, before.at, sizeof old);
    struct store_kv_batch *batch = store_kv_batch_new(parts->kvs[0]);
    store_kv_put(batch, STORE_TABLE_NODE, base_out_bytes(&out), after);
    return store_audit_append(
        &parts->audit.log,
        &(struct model_audit_event){
            .actor = &self,
            .action = action,
            .object = base_bytes_text(object),
            .before = base_bytes(old, before.size == sizeof old ? 32 : 0),
            .after = after,
        },
        batch, NULL);
}

static enum err
audit_joined(struct app_parts *parts)
{
    const struct app_join *join = &parts->keys.join;
    uint8_t digest[32];
    if (!join->joined)
        return ERR_OK;
    const char *text = base_arena_format(&parts->arena, "%s epoch %u",
                                         join->parent, join->epoch);
    crypt_hash_sha256(base_bytes_text(text), digest);
    return audit_fact(parts, "node.join", text, "joined", digest);
}

static enum err
audit_packs(struct app_parts *parts)
{
    enum err err = ERR_OK;
    for (unsigned i = 0; i < parts->packs.count && err == ERR_OK; i++) {
        const struct model_pack *pack = parts->packs.at[i];
        const char *object = base_arena_format(&parts->arena, "%s %s",
                                               pack->name, pack->version);
        const char *name =
            base_arena_format(&parts->arena, "pack %s", pack->name);
        err = audit_fact(parts, "pack.load", object, name, pack->shape);
    }
    return err;
}

enum err
app_audit_start(struct app_parts *parts)
{
    enum err err = audit_joined(parts);
    if (err == ERR_OK)
        err = audit_packs(parts);
    if (err == ERR_OK)
        err = audit_say(parts, "node.start", parts->config->node,
                        "dougong " DOUGONG_VERSION);
    if (err == ERR_OK)
        store_audit_send_start(&parts->audit.send);
    return err;
}

void
app_audit_stop(struct app_parts *parts)
{
    audit_say(parts, "node.stop", parts->config->node, "told to stop");
}
