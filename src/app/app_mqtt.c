/* app_mqtt.c -- the MQTT doors, who comes in by them, and this machine as their
 * first client.
 *
 * Who      a device shows its identifier (or a prefix) and its secret, or a
 *          certificate from this node's CA whose key is pinned; an application
 *          any user name and its key as password; a user his name and his
 *          password.  The question goes to the state loop and back; a user's by
 *          way of the pool, where passwords are hashed. */
#include "app/app_host.h"
#include "app/app_node.h"
#include "app/app_parts.h"
#include "base/base_mem.h"
#include "door/mqtt/mqtt_door.h"
#include "sys/sys_random.h"

/* --- who --- */

static void
mqtt_answer(struct base_task *task)
{
    struct mqtt_ask *ask = BASE_OUTER(task, struct mqtt_ask, task);
    ask->done(ask, ask->err);
}

static void
mqtt_answered(struct mqtt_ask *ask, enum err err)
{
    struct app_parts *parts = ask->self;
    ask->err = err;
    ask->task.fn = mqtt_answer;
    base_loop_post(parts->ingest, &ask->task);
}

struct mqtt_checking {
    struct people_check check;
    struct mqtt_ask *ask;
};

static void
mqtt_checked(struct people_check *check, enum err err)
{
    struct mqtt_checking *checking =
        BASE_OUTER(check, struct mqtt_checking, check);
    checking->ask->who = check->who;
    mqtt_answered(checking->ask, err);
}

static void
mqtt_check(struct people *people, struct mqtt_ask *ask)
{
    struct mqtt_checking *checking =
        base_arena_alloc(ask->arena, sizeof *checking);
    if (checking == NULL) {
        mqtt_answered(ask, ERR_LIMIT);
        return;
    }
    *checking = (struct mqtt_checking){.check = {.user = ask->user,
                                                 .password = ask->password,
                                                 .peer = ask->peer,
                                                 .arena = ask->arena,
                                                 .done = mqtt_checked},
                                       .ask = ask};
    people_check(people, &checking->check);
}

/* No user's name has a slash, and a device's secret begins so. */
static bool
mqtt_is_device(const struct mqtt_ask *ask)
{
    return base_bytes_starts(ask->password, base_bytes_text("dgd_")) ||
           base_bytes_find(ask->user, '/') < ask->user.size;
}

static void
mqtt_asked(struct base_task *task)
{
    struct mqtt_ask *ask = BASE_OUTER(task, struct mqtt_ask, task);
    struct people *people = ((struct app_parts *)ask->self)->people.people;
    enum err err = ERR_DENIED;
    if (ask->user.size == 0 && ask->password.size == 0) {
        if (ask->pin)
            err = people_who_pin(people, ask->pin, ask->arena, &ask->who);
    } else if (base_bytes_starts(ask->password, base_bytes_text("dgk_"))) {
        err = people_who_key(people, ask->password, ask->arena, &ask->who);
    } else if (mqtt_is_device(ask)) {
        err = people_who_device(people, ask->user, ask->password, ask->peer,
                                ask->arena, &ask->who);
    } else {
        mqtt_check(people, ask);
        return;
    }
    mqtt_answered(ask, err);
}

static void
mqtt_ask(struct mqtt_ask *ask)
{
    struct app_parts *parts = ask->self;
    ask->task.fn = mqtt_asked;
    base_loop_post(parts->state, &ask->task);
}

struct mqtt_revoked {
    struct base_task task;
    struct app_parts *parts;
    enum model_grant_kind kind;
    size_t size;
    uint8_t name[];
};

static void
mqtt_drop(struct base_task *task)
{
    struct mqtt_revoked *revoked = BASE_OUTER(task, struct mqtt_revoked, task);
    mqtt_door_revoke(revoked->parts->mqtt, revoked->kind,
                     base_bytes(revoked->name, revoked->size));
    base_mem_free(revoked);
}

/* Behind the answers that said yes: they were posted before. */
void
app_mqtt_revoked(void *self, enum model_grant_kind kind, struct bytes name)
{
    struct app_parts *parts = self;
    if (parts->mqtt == NULL)
        return;
    struct mqtt_revoked *revoked = base_mem_zero(sizeof *revoked + name.size);
    revoked->task.fn = mqtt_drop;
    revoked->parts = parts;
    revoked->kind = kind;
    revoked->size = name.size;
    memcpy(revoked->name, name.at, name.size);
    base_loop_post(parts->ingest, &revoked->task);
}

/* --- who is on --- */

static void
mqtt_clients(void *self, const struct model_client_query *query,
             model_client_fn *fn, void *to)
{
    struct app_parts *parts = self;
    if (parts->mqtt != NULL)
        mqtt_list_clients(parts->mqtt, query, fn, to);
}

static void
mqtt_refusals(void *self, model_client_refusal_fn *fn, void *to)
{
    struct app_parts *parts = self;
    if (parts->mqtt != NULL)
        mqtt_list_refusals(parts->mqtt, fn, to);
}

static enum err
mqtt_end(void *self, struct bytes id, struct bytes scope)
{
    struct app_parts *parts = self;
    return parts->mqtt != NULL ? mqtt_list_end(parts->mqtt, id, scope)
                               : ERR_ABSENT;
}

enum err
app_mqtt_routes(struct app_parts *parts)
{
    struct net_http_route routes[API_CONNECTIONS_ROUTES];
    parts->connections = (struct api_connections){
        .list = mqtt_clients,
        .refusals = mqtt_refusals,
        .end = mqtt_end,
        .self = parts,
        .owner = parts->ingest,
        .state = parts->state,
        .audit = &parts->audit.log.model,
    };
    api_connections_routes(&parts->connections, routes);
    return net_http_routes(parts->http, routes, API_CONNECTIONS_ROUTES);
}

/* --- the doors --- */

/* A door that checks asks for certificates. */
enum err
app_mqtt_context(struct app_parts *parts, const struct crypt_cert *cert,
                 struct ssl_ctx_st **ret_context)
{
    struct crypt_tls_config config = {
        .kind = CRYPT_TLS_DOOR,
        .key = parts->keys.tls,
        .cert = cert,
        .ca = parts->keys.ca,
        .ask_client = !parts->config->doors[APP_DOOR_MQTTS].open};
    return crypt_tls_new(&config, ret_context, parts->note);
}

static enum err
mqtt_listen(struct app_parts *parts, enum app_config_door_kind kind,
            struct net_listener **ret_listener)
{
    const struct app_config_door *door = &parts->config->doors[kind];
    if (!door->on)
        return ERR_OK;
    struct mqtt_profile profile =
        door->open ? mqtt_door_profile_open : mqtt_door_profile;
    profile.register_auto = door->auto_register;
    struct mqtt_listener *listener = mqtt_door_listener(parts->mqtt, &profile);
    struct net_listener_config config = {
        .address = parts->config->bind,
        .port = door->port,
        .proto = mqtt_door_proto(listener),
        .door = listener,
        .plain = kind == APP_DOOR_MQTT,
        .tls = kind == APP_DOOR_MQTTS,
        .tls_first = kind == APP_DOOR_MQTTS,
        .connections_max = door->connections,
    };
    enum err err = ERR_OK;
    if (config.tls)
        err = app_mqtt_context(parts, parts->door_cert, &config.context);
    if (err == ERR_OK)
        err = net_listen(parts->ingest_net, &config, ret_listener, parts->note);
    if (config.context)
        crypt_tls_free(config.context);
    return err;
}

enum err
app_mqtt_open(struct app_parts *parts)
{
    const struct app_config *config = parts->config;
    if (!config->doors[APP_DOOR_MQTT].on && !config->doors[APP_DOOR_MQTTS].on)
        return ERR_OK;
    if (parts->stream == NULL)
        return base_err_note(parts->note, ERR_CONFLICT,
                             "the doors mqtt and mqtts need the engine stream");
    struct mqtt_door_config door = {
        .loop = parts->ingest,
        .node = config->node,
        .ask = mqtt_ask,
        .ask_self = parts,
        .stream = parts->stream,
        .keep = parts->keep,
        .ident = parts->ident,
        .random = sys_random(),
        .stats = &parts->stats,
        .log = &parts->log->log,
        .version = "dougong " DOUGONG_VERSION,
        .clients_max = config->doors[APP_DOOR_MQTT].connections +
                       config->doors[APP_DOOR_MQTTS].connections,
    };
    enum err err = mqtt_door_new(&door, &parts->mqtt);
    if (err == ERR_OK)
        err = mqtt_listen(parts, APP_DOOR_MQTT, &parts->mqtt_listener);
    if (err == ERR_OK)
        err = mqtt_listen(parts, APP_DOOR_MQTTS, &parts->mqtts_listener);
    if (err == ERR_OK && config->host)
        err = app_host_new(parts, &parts->host);
    if (err != ERR_OK && parts->note->text[0] == '\0')
        base_err_note(parts->note, err, "MQTT: %s", base_err_text(err));
    return err;
}

static void
mqtt_stop_task(struct base_task *task)
{
    struct app_parts *parts = BASE_OUTER(task, struct app_parts, mqtt_stop);
    mqtt_door_shut(parts->mqtt);
}

void
app_mqtt_stop(struct app_parts *parts)
{
    if (parts->mqtt == NULL)
        return;
    parts->mqtt_stop.fn = mqtt_stop_task;
    base_loop_post(parts->ingest, &parts->mqtt_stop);
}

/* Its loops have ended; before net_free. */
void
app_mqtt_shut(struct app_parts *parts)
{
    if (parts->host != NULL)
        app_host_free(parts->host);
    if (parts->mqtt != NULL && parts->mqtt_stop.fn == NULL)
        mqtt_door_shut(parts->mqtt);
}

/* After net_free. */
void
app_mqtt_free(struct app_parts *parts)
{
    if (parts->mqtt != NULL)
        mqtt_door_free(parts->mqtt);
}
