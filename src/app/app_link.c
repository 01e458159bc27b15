/* app_link.c -- the node's place in the tree: certificates, tier and its rows.
 *
 * Certificates that the node gives itself (doors, and its side of children's
 * links) are made at the start and again every day; what the parent gave is
 * read from disk. */
#include "app/app_node.h"
#include "app/app_parts.h"
#include "base/base_mem.h"
#include "base/base_must.h"
#include "sys/sys_file.h"
#include "sys/sys_random.h"

enum { LINK_RENEW_MS = 24 * 3600 * 1000, LINK_KEY_MAX = 1024 };

static enum err
link_issue(struct app_parts *parts, enum crypt_cert_use use,
           struct crypt_cert **ret_cert)
{
    uint8_t room[LINK_KEY_MAX];
    struct base_out public_der;
    base_out_fixed(&public_der, room, sizeof room);
    enum err err = crypt_key_public(parts->keys.tls, &public_der);
    if (err != ERR_OK)
        return err;
    struct crypt_cert_issue issue = {
        .ca = parts->keys.ca,
        .ca_key = parts->keys.ca_key,
        .use = use,
        .prefix = parts->config->node,
        .names = parts->config->names.at,
        .name_count = parts->config->names.count,
        .public_der = base_out_bytes(&public_der),
        .now = base_loop_wall(parts->state),
        .random = sys_random(),
    };
    return crypt_cert_issue(&issue, ret_cert);
}

static enum err
link_context(struct app_parts *parts, enum crypt_tls_kind kind,
             const struct crypt_cert *cert, const struct crypt_cert *ca,
             struct ssl_ctx_st **ret_context)
{
    struct crypt_tls_config config = {
        .kind = kind, .key = parts->keys.tls, .cert = cert, .ca = ca};
    return crypt_tls_new(&config, ret_context, parts->note);
}

enum err
app_link_certs(struct app_parts *parts)
{
    enum err err = link_issue(parts, CRYPT_CERT_DOOR, &parts->door_cert);
    if (err == ERR_OK)
        err = link_issue(parts, CRYPT_CERT_PARENT, &parts->parent_cert);
    if (err == ERR_OK)
        err = link_context(parts, CRYPT_TLS_DOOR, parts->door_cert,
                           parts->keys.ca, &parts->door_tls);
    if (err == ERR_OK)
        err = link_context(parts, CRYPT_TLS_TIER_PARENT, parts->parent_cert,
                           parts->keys.ca, &parts->parent_tls);
    if (err == ERR_OK && parts->keys.tier != NULL &&
        parts->keys.parent_ca != NULL)
        err = link_context(parts, CRYPT_TLS_TIER_CHILD, parts->keys.tier,
                           parts->keys.parent_ca, &parts->child_tls);
    if (err != ERR_OK && parts->note->text[0] == '\0')
        base_err_note(parts->note, err, "certificates: %s", base_err_text(err));
    return err;
}

/* --- the tier --- */

/* A door's new certificate, on its way to the loop that accepts there. */
struct link_door {
    struct base_task task;
    struct net_listener *listener;
    struct ssl_ctx_st *context;
};

static void
link_door_set(struct base_task *task)
{
    struct link_door *door = BASE_OUTER(task, struct link_door, task);
    net_listener_context(door->listener, door->context);
    crypt_tls_free(door->context);
    base_mem_free(door);
}

static void
link_door_post(struct base_loop *loop, struct net_listener *listener,
               struct ssl_ctx_st *context)
{
    struct link_door *door = base_mem_zero(sizeof *door);
    *door = (struct link_door){.task = {.fn = link_door_set},
                               .listener = listener,
                               .context = context};
    base_loop_post(loop, &door->task);
}

static enum err
link_renew_doors(struct app_parts *parts)
{
    struct crypt_cert *cert = NULL;
    struct ssl_ctx_st *context = NULL;
    enum err err = link_issue(parts, CRYPT_CERT_DOOR, &cert);
    if (err == ERR_OK && parts->http_listener != NULL) {
        err =
            link_context(parts, CRYPT_TLS_DOOR, cert, parts->keys.ca, &context);
        if (err == ERR_OK)
            link_door_post(sys_loop_base(parts->http_loop),
                           parts->http_listener, context);
    }
    if (err == ERR_OK && parts->mqtts_listener != NULL) {
        err = app_mqtt_context(parts, cert, &context);
        if (err == ERR_OK)
            link_door_post(parts->ingest, parts->mqtts_listener, context);
    }
    crypt_cert_free(cert);
    return err;
}

static enum err
link_renew_parent(struct app_parts *parts)
{
    struct crypt_cert *cert = NULL;
    struct ssl_ctx_st *context = NULL;
    enum err err = link_issue(parts, CRYPT_CERT_PARENT, &cert);
    if (err == ERR_OK)
        err = link_context(parts, CRYPT_TLS_TIER_PARENT, cert, parts->keys.ca,
                           &context);
    if (err != ERR_OK) {
        crypt_cert_free(cert);
        return err;
    }
    struct net_listener *door = tier_net_listener(parts->tier_net);
    if (door != NULL)
        net_listener_context(door, context);
    crypt_tls_free(parts->parent_tls);
    crypt_cert_free(parts->parent_cert);
    parts->parent_tls = context;
    parts->parent_cert = cert;
    return ERR_OK;
}

/* As often as a child renews its own, at least daily. */
static int64_t
link_period(const struct app_parts *parts)
{
    int64_t third = parts->config->certificate_ms / 3;
    return third < LINK_RENEW_MS ? third : LINK_RENEW_MS;
}

static void
link_renew(struct base_timer *timer)
{
    struct app_parts *parts = BASE_OUTER(timer, struct app_parts, renew);
    enum err err = link_renew_parent(parts);
    if (err == ERR_OK)
        err = link_renew_doors(parts);
    if (err != ERR_OK)
        base_log_say(&parts->log->log, BASE_LOG_WARN, "node", "cannot_renew",
                     "why=\"%s\"", base_err_text(err));
    base_loop_timer(parts->state, &parts->renew, link_period(parts));
}

static enum err
link_admit(void *self, struct bytes prefix,
           const struct crypt_cert_facts *facts)
{
    struct app_parts *parts = self;
    return ident_admit(parts->ident, prefix, facts);
}

static bool
link_hosts(void *self, struct bytes prefix)
{
    struct app_parts *parts = self;
    return parts->ident && ident_hosts(parts->ident, prefix);
}

static struct tier_config
link_config(struct app_parts *parts)
{
    const struct app_config *config = parts->config;
    const struct app_join *join = &parts->keys.join;
    parts->endpoints[0] =
        base_arena_format(&parts->arena, "%s:%u", config->bind,
                          config->doors[APP_DOOR_TIER].port);
    parts->parents[0] = base_arena_format(&parts->arena, "%s:%u",
                                          join->tier_host, join->tier_port);
    uint8_t room[64];
    struct base_out sign_key;
    base_out_fixed(&sign_key, room, sizeof room);
    must(crypt_key_public(parts->keys.sign, &sign_key) == ERR_OK);
    struct tier_config tier = {
        .sign_key = base_arena_bytes(&parts->arena, base_out_bytes(&sign_key)),
        .prefix = config->node,
        .parent = config->parent_ident,
        .role = config->role,
        .loop = parts->state,
        .random = sys_random(),
        .stats = &parts->stats,
        .log = &parts->log->log,
        .journal = parts->journal,
        .packs = parts->tier_packs,
        .pack_count = parts->packs.count,
        .endpoints = parts->endpoints,
        .endpoint_count = config->doors[APP_DOOR_TIER].on ? 1 : 0,
        .parents = parts->parents,
        .parent_count = join->joined ? 1 : 0,
        .software = 1,
        .build_ms = INT64_C(1000) * APP_NODE_BUILD_S,
        .transport = tier_net_transport(parts->tier_net),
        .admit = link_admit,
        .admit_self = parts,
        .hosts = link_hosts,
        .hosts_self = parts,
    };
    memcpy(tier.kvs, parts->kvs, sizeof parts->kvs);
    return tier;
}

enum err
app_link_open(struct app_parts *parts)
{
    const struct app_config_door *door = &parts->config->doors[APP_DOOR_TIER];
    enum err err =
        tier_net_new(parts->state_net, parts->child_tls, &parts->tier_net);
    if (err != ERR_OK)
        return base_err_note(parts->note, err, "tier: %s", base_err_text(err));
    struct tier_config config = link_config(parts);
    err = tier_new(&config, &parts->tier, parts->note);
    if (err == ERR_OK && door->on)
        err = tier_net_listen(parts->tier_net, parts->tier, parts->config->bind,
                              door->port, parts->parent_tls, parts->note);
    if (err != ERR_OK && parts->note->text[0] == '\0')
        base_err_note(parts->note, err, "tier: %s", base_err_text(err));
    parts->renew.fn = link_renew;
    base_loop_timer(parts->state, &parts->renew, link_period(parts));
    return err;
}

/* After the stores: tier_free touches neither journal nor kv. */
void
app_link_shut(struct app_parts *parts)
{
    if (parts->tier_net != NULL)
        tier_net_free(parts->tier_net);
    if (parts->state_net != NULL)
        net_free(parts->state_net);
    if (parts->tier != NULL)
        tier_free(parts->tier);
    if (parts->door_tls != NULL)
        crypt_tls_free(parts->door_tls);
    if (parts->parent_tls != NULL)
        crypt_tls_free(parts->parent_tls);
    if (parts->child_tls != NULL)
        crypt_tls_free(parts->child_tls);
    crypt_cert_free(parts->door_cert);
    crypt_cert_free(parts->parent_cert);
}

/* --- rows: which engine takes what --- */

static void
link_rollup_rows(struct app_parts *parts)
{
    struct rollup *rollup = parts->rollup;
    struct tier *tier = parts->tier;
    tier_add_log(tier, &(struct model_log_row){
                           .channel = MODEL_CHANNEL_NAMES,
                           .kind = MODEL_KIND_NAMES_UNIT,
                           .max = 4096,
                           .kv = parts->kvs[3],
                           .take = rollup_take_unit,
                           .engine = rollup,
                       });
    tier_add_state(tier, &(struct model_state_row){
                             .channel = MODEL_CHANNEL_FIGURE,
                             .kind = MODEL_KIND_FIGURE_BATCH,
                             .max = 1153434, /* 1.1 MiB */
                             .kv = parts->kvs[3],
                             .next = rollup_next,
                             .acked = rollup_acked,
                             .linked = rollup_linked,
                             .take = rollup_take_batch,
                             .engine = rollup,
                         });
    tier_add_call(tier, &(struct model_call_row){
                            .channel = MODEL_CHANNEL_FIGURE_CALL,
                            .kind = MODEL_KIND_FIGURE_CALL_EXPLAIN,
                            .max = 1153434,
                            .take = rollup_take_explain,
                            .engine = rollup,
                        });
    tier_add_call(tier, &(struct model_call_row){
                            .channel = MODEL_CHANNEL_FIGURE_CALL,
                            .kind = MODEL_KIND_FIGURE_CALL_TABLE,
                            .max = 1153434,
                            .take = rollup_take_table,
                            .engine = rollup,
                        });
    tier_add_event(tier, &(struct model_event_row){
                             .kind = MODEL_EVENT_FOLD,
                             .loop = parts->state,
                             .take = rollup_take_fold,
                             .engine = rollup,
                         });
}

static void
link_stream_rows(struct app_parts *parts)
{
    if (parts->stream == NULL)
        return;
    tier_add_event(parts->tier, &(struct model_event_row){
                                    .kind = MODEL_EVENT_FOLDED,
                                    .loop = parts->ingest,
                                    .take = stream_take_folded,
                                    .engine = parts->stream,
                                });
    tier_add_event(parts->tier, &(struct model_event_row){
                                    .kind = MODEL_EVENT_OBJECT,
                                    .loop = parts->ingest,
                                    .take = stream_take_object,
                                    .engine = parts->stream,
                                });
}

static void
link_denied(void *self, struct bytes prefix)
{
    struct app_parts *parts = self;
    tier_cut(parts->tier, prefix);
}

enum err
app_link_raise(void *self, uint32_t epoch)
{
    struct app_parts *parts = self;
    if (epoch > tier_epoch(parts->tier) && parts->keys.join.joined)
        return ERR_CONFLICT;
    return tier_raise(parts->tier, epoch);
}

/* The next `join --again` counts from the epoch that an import has set. */
static enum err
link_epoch(struct app_parts *parts)
{
    struct app_join *join = &parts->keys.join;
    if (!join->joined || join->epoch >= tier_epoch(parts->tier))
        return ERR_OK;
    join->epoch = tier_epoch(parts->tier);
    return app_keys_joined(sys_file_real(), parts->config, parts->keys.tier,
                           parts->keys.parent_ca, join,
                           base_loop_wall(parts->state), parts->note);
}

/* `join --again`: it is written, so not before the journal takes appends. */
static enum err
link_again(struct app_parts *parts)
{
    if (parts->keys.join.epoch <= tier_epoch(parts->tier))
        return link_epoch(parts);
    enum err err = tier_again(parts->tier);
    return err == ERR_OK ? err
                         : base_err_note(parts->note, err, "join --again: %s",
                                         base_err_text(err));
}

enum err
app_link_rows(struct app_parts *parts)
{
    app_ident_rows(parts);
    app_audit_row(parts);
    app_renew_open(parts);
    link_rollup_rows(parts);
    link_stream_rows(parts);
    parts->tree = (struct app_tree){parts->config, parts->tier, parts->state,
                                    store_journal_store_id(parts->journal),
                                    DOUGONG_VERSION};
    parts->prom =
        (struct api_prom){parts->stream, tier_port(parts->tier), parts->ingest,
                          parts->state, DOUGONG_VERSION};
    struct model_call_row status = app_tree_row(&parts->tree);
    struct model_call_row prom[API_PROM_ROWS];
    api_prom_rows(&parts->prom, prom);
    tier_add_call(parts->tier, &status);
    for (unsigned i = 0; i < BASE_COUNT(prom); i++)
        tier_add_call(parts->tier, &prom[i]);
    ident_denied_watch(parts->ident, link_denied, parts);
    enum err err = ident_start(parts->ident);
    return err == ERR_OK ? link_again(parts) : err;
}
