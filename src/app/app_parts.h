/* app_parts.h -- what a node is made of; for app's own files only.
 *
 * Why: wiring is one struct and a list of steps (app_node.c), so that the order
 * in which parts are opened, started and closed can be read in one place.
 *
 * Shape    each part is NULL until its step has run, so that a start which
 *          fails half-way closes what there is.
 * Threads  what a part points to belongs to the loop that owns it. */
#ifndef APP_PARTS_H
#define APP_PARTS_H

#include "api/connections/api_connections.h"
#include "api/est/api_est.h"
#include "api/handles/api_handles.h"
#include "api/prom/api_prom.h"
#include "api/returns/api_returns.h"
#include "api/tree/api_tree.h"
#include "app/app_audit.h"
#include "app/app_config.h"
#include "app/app_fault.h"
#include "app/app_keys.h"
#include "app/app_log.h"
#include "app/app_people.h"
#include "app/app_source.h"
#include "app/app_renew.h"
#include "app/app_tree.h"
#include "engine/rollup/rollup.h"
#include "engine/stream/stream.h"
#include "engine/stream/stream_keep.h"
#include "store/store_once.h"
#include "net/http/net_http.h"
#include "tier/tier.h"
#include "tier/tier_net.h"

enum { APP_OWNERS = TIER_OWNERS };

struct handle_door;
struct mqtt_door;
struct app_host;

struct app_parts {
    struct app_config *config;
    struct app_log *log;
    struct base_note *note; /* of the step under way */
    struct sys_files *files;
    struct base_arena arena; /* paths and names, as long as the node */
    struct base_stats stats;
    struct app_keys keys;
    struct app_source source;

    struct sys_loop *state_loop, *ingest_loop, *http_loop;
    struct base_loop *state, *ingest;
    struct net *state_net, *ingest_net, *http_net;
    bool ingest_runs, http_runs;

    struct ssl_ctx_st *door_tls, *parent_tls, *child_tls;
    struct crypt_cert *door_cert, *parent_cert;
    struct base_timer renew, stop;
    struct base_task mqtt_stop;

    struct store_journal *journal;
    struct base_idle state_idle, ingest_idle;
    struct store_kv *kvs[APP_OWNERS];
    struct store_ts *ts;

    struct model_pack_list packs;
    struct tier_pack *tier_packs;
    const char *endpoints[1], *parents[1];
    struct tier_net *tier_net;
    struct tier *tier;
    struct base_arena codes;
    struct model_code_list industries, regions; /* of applications */
    struct ident *ident;
    struct rollup *rollup;
    struct stream *stream;
    struct stream_keep *keep;
    struct mqtt_door *mqtt;
    struct sys_loop *handle_loop; /* NULL: no such door */
    struct net *handle_net;
    struct handle_door *handle;
    bool handle_runs;
    struct app_host *host;

    struct net_http *http;
    struct net_listener *http_listener, *mqtt_listener, *mqtts_listener;
    struct app_audit audit;
    struct store_once once;
    struct app_fault fault;
    struct app_tree tree;
    struct app_renew renewal;
    struct api_tree api_tree;
    struct api_est api_est;
    struct api_handles api_handles;
    struct api_prom prom;
    struct api_returns returns;
    struct api_connections connections;
    struct app_people people;
    struct base_stat rss, cpu, up;
    int64_t started_ms;
};

/* app_http.c: every route of the node; then it listens. */
enum err app_http_open(struct app_parts *parts);
/* app_engines.c: the routes of the engines' api folders. */
enum err app_engines_http(struct app_parts *parts);
void app_http_free(struct app_parts *parts);
/* app_ident.c: the registry of names. */
enum err app_ident_open(struct app_parts *parts);
void app_ident_rows(struct app_parts *parts);
enum err app_ident_http(struct app_parts *parts);
/* app_mqtt.c: the MQTT doors and the host's client; nothing if the role has
 * neither. */
enum err app_mqtt_open(struct app_parts *parts);
void app_mqtt_shut(struct app_parts *parts);
void app_mqtt_stop(struct app_parts *parts); /* state loop: clients are told */
void app_mqtt_free(struct app_parts *parts);
enum err app_mqtt_routes(struct app_parts *parts);
/* What its TLS listener shows. */
enum err app_mqtt_context(struct app_parts *parts,
                          const struct crypt_cert *cert,
                          struct ssl_ctx_st **ret_context);
/* For people's config; self: app_parts. */
void app_mqtt_revoked(void *self, enum model_grant_kind kind,
                      struct bytes name);
/* app_handle.c: the Handle door; nothing if the role has none. */
enum err app_handle_open(struct app_parts *parts);
enum err app_handle_start(struct app_parts *parts);
void app_handle_stop(struct app_parts *parts);
void app_handle_shut(struct app_parts *parts);
void app_handle_free(struct app_parts *parts);
/* app_link.c: certificates of the doors and the tier, the tier and its rows. */
enum err app_link_certs(struct app_parts *parts);
enum err app_link_open(struct app_parts *parts);
enum err app_link_rows(struct app_parts *parts);
/* For an import before the node joins: its epoch becomes this. */
enum err app_link_raise(void *parts, uint32_t epoch);
void app_link_shut(struct app_parts *parts);

#endif
