/* mqtt_auth.c -- who a client is, and what its topics belong to.
 *
 * A listener that checks lets CONNECT wait in the input until app has answered;
 * then the same packet is read again, with the answer beside it:
 *
 *     CONNECT -> ask app, pause -> answer, resume -> CONNECT again -> judged
 *                                     ^ revoked meanwhile: asked again
 *
 * Open listeners know nobody: conn->who is NULL, and everything is allowed. */
#include "base/base_mem.h"
#include "door/mqtt/mqtt_inner.h"

enum { AUTH_ARENA = 8192, AUTH_OBJECT = 1 + 2 * MODEL_GRANT_NAME_MAX };

struct mqtt_asking {
    struct mqtt_ask ask; /* first */
    struct base_arena arena;
    struct mqtt_door *door;
    struct mqtt_conn *conn; /* NULL: gone meanwhile */
    char peer[64];
    uint8_t pin[32];
};

/* Who it is: allocated once per connection, kept as long as it. */
struct mqtt_who {
    uint64_t revocations; /* the door's when this was known */
    enum err err;         /* OK: known */
    enum model_grant_kind kind;
    unsigned roles;
    uint16_t name_size, scope_size;
    uint8_t bytes[]; /* name, scope */
};

static struct model_grant_principal
auth_principal(const struct mqtt_who *who)
{
    return (struct model_grant_principal){
        .kind = who->kind,
        .roles = who->roles,
        .name = base_bytes(who->bytes, who->name_size),
        .scope = base_bytes(who->bytes + who->name_size, who->scope_size),
    };
}

static struct mqtt_who *
auth_remember(const struct mqtt_asking *asking, enum err err)
{
    const struct model_grant_principal *from = &asking->ask.who;
    struct bytes name = from->name, scope = from->scope;
    if (err == ERR_OK && (name.size > UINT16_MAX || scope.size > UINT16_MAX))
        err = ERR_BIG;
    if (err != ERR_OK)
        name = scope = (struct bytes){0};
    struct mqtt_who *who = base_mem_zero(sizeof *who + name.size + scope.size);
    who->revocations = asking->door->revocations;
    who->err = err;
    who->kind = from->kind;
    who->roles = from->roles;
    who->name_size = (uint16_t)name.size;
    who->scope_size = (uint16_t)scope.size;
    if (name.size)
        memcpy(who->bytes, name.at, name.size);
    if (scope.size)
        memcpy(who->bytes + name.size, scope.at, scope.size);
    return who;
}

static void
auth_answered(struct mqtt_ask *ask, enum err err)
{
    struct mqtt_asking *asking = BASE_OUTER(ask, struct mqtt_asking, ask);
    struct mqtt_conn *conn = asking->conn;
    if (conn) {
        conn->asking = 0;
        conn->who = auth_remember(asking, err);
        net_conn_resume(net_conn_of(conn));
    }
    base_arena_done(&asking->arena);
    base_mem_free(asking);
}

/* The address alone. */
static struct bytes
auth_peer(struct mqtt_conn *conn, char *room)
{
    struct bytes peer = base_bytes_text(net_conn_peer(net_conn_of(conn), room));
    size_t colon = peer.size;
    while (colon > 0 && peer.at[colon - 1] != ':')
        colon--;
    return base_bytes_slice(peer, 0, colon > 0 ? colon - 1 : peer.size);
}

/* The pin of the certificate that the client has shown; OK: it is good. */
static enum err
auth_pin(struct mqtt_conn *conn, uint8_t pin[32])
{
    struct crypt_cert_facts facts;
    struct ssl_st *ssl = net_conn_ssl(net_conn_of(conn));
    struct wall now = base_loop_wall(mqtt_door_of(conn)->config.loop);
    enum err err = ssl ? crypt_tls_peer(ssl, now, &facts) : ERR_ABSENT;
    if (err == ERR_OK)
        memcpy(pin, facts.pin, 32);
    return err;
}

bool
mqtt_auth_ask(struct mqtt_conn *conn, const struct wire_mqtt_connect *packet)
{
    struct mqtt_door *door = mqtt_door_of(conn);
    uint8_t pin[32] = {0};
    enum err pinned = auth_pin(conn, pin);
    if (!door->config.ask ||
        (pinned == ERR_ABSENT && !packet->has_user && !packet->has_password))
        return false;
    struct mqtt_asking *asking = base_mem_zero(sizeof *asking);
    base_arena_init(&asking->arena, AUTH_ARENA);
    memcpy(asking->pin, pin, sizeof pin);
    asking->door = door;
    asking->conn = conn;
    asking->ask = (struct mqtt_ask){
        .self = door->config.ask_self,
        .arena = &asking->arena,
        .user = base_arena_bytes(&asking->arena, packet->user),
        .password = base_arena_bytes(&asking->arena, packet->password),
        .peer = auth_peer(conn, asking->peer),
        .pin = pinned == ERR_OK ? asking->pin : NULL,
        .done = auth_answered,
    };
    mqtt_auth_forget(conn);
    conn->asking = 1;
    conn->question = asking;
    net_conn_pause(net_conn_of(conn));
    door->config.ask(&asking->ask);
    return true;
}

bool
mqtt_auth_known(const struct mqtt_conn *conn, struct mqtt_door *door,
                enum err *ret_err)
{
    if (!conn->who || conn->asking ||
        conn->who->revocations != door->revocations)
        return false;
    *ret_err = conn->who->err;
    return true;
}

void
mqtt_auth_forget(struct mqtt_conn *conn)
{
    if (conn->asking)
        conn->question->conn = NULL;
    else
        base_mem_free(conn->who);
    conn->asking = 0;
    conn->who = NULL;
}

/* --- what it may --- */

bool
mqtt_auth_id_fits(const struct mqtt_conn *conn, struct bytes id)
{
    const struct mqtt_who *who = conn->who;
    if (!who || who->kind != MODEL_GRANT_DEVICE || id.size == 0)
        return true;
    struct bytes name = auth_principal(who).name;
    return base_bytes_equal_folded(base_bytes_slice(id, 0, name.size), name) &&
           (id.size == name.size || id.at[name.size] == ':');
}

bool
mqtt_auth_id_held(const struct mqtt_conn *conn, const struct mqtt_conn *holder)
{
    const struct mqtt_who *who = conn->who, *other = holder->who;
    if (!who || !other || who->kind == MODEL_GRANT_DEVICE)
        return false;
    return who->kind != other->kind ||
           !base_bytes_equal_folded(auth_principal(who).name,
                                    auth_principal(other).name);
}

bool
mqtt_auth_may(struct mqtt_conn *conn, enum model_grant_action action,
              struct bytes topic)
{
    uint8_t room[AUTH_OBJECT];
    struct base_out out;
    struct base_note note;
    if (!conn->who)
        return true;
    struct model_grant_principal who = auth_principal(conn->who);
    struct model_grant_object object = {0};
    base_out_fixed(&out, room, sizeof room);
    if (mqtt_map_object(topic, &out))
        object.name = base_out_bytes(&out);
    else
        object.name = base_bytes_text(mqtt_door_of(conn)->config.node);
    return model_grant_check(&who, action, &object, &note) == ERR_OK;
}

enum model_grant_kind
mqtt_auth_kind(const struct mqtt_conn *conn)
{
    return conn->who ? conn->who->kind : MODEL_GRANT_NOBODY;
}

struct bytes
mqtt_auth_name(const struct mqtt_conn *conn)
{
    return conn->who ? auth_principal(conn->who).name : base_bytes_text("");
}

/* The node's, if it has none of its own. */
struct bytes
mqtt_auth_scope(struct mqtt_conn *conn)
{
    return conn->who && conn->who->scope_size
               ? auth_principal(conn->who).scope
               : base_bytes_text(mqtt_door_of(conn)->config.node);
}

/* --- revocation --- */

void
mqtt_door_revoke(struct mqtt_door *door, enum model_grant_kind kind,
                 struct bytes name)
{
    struct mqtt_conn *conn;
    door->revocations++;
    for (size_t i = 0; (conn = mqtt_ids_next(&door->ids, &i)) != NULL;) {
        if (!conn->who || conn->who->kind != kind ||
            !base_bytes_equal_folded(auth_principal(conn->who).name, name))
            continue;
        mqtt_stat_refused(door, WIRE_MQTT_CONNECT, WIRE_MQTT_NOT_AUTHORIZED);
        mqtt_door_end(conn, WIRE_MQTT_NOT_AUTHORIZED, true);
        i--; /* the next one may have moved here */
    }
    mqtt_door_uncork(door);
}
