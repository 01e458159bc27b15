/* mqtt_connect.c -- CONNECT, step by step: read, refuse, take over, accept. */
#include <stdio.h>

#include "door/mqtt/mqtt_inner.h"

enum { CONNECT_AUTO_ID = 41 }; /* "auto-" and a UUID */

/* Answers of 3.x and 5.0 to the same thing. */
enum connect_answer {
    CONNECT_OK,
    CONNECT_BAD_ID,
    CONNECT_BUSY,
    CONNECT_SLOWED,
    CONNECT_WRONG,
    CONNECT_DENIED,
    CONNECT_BAD_METHOD,
    CONNECT_ANSWERS
};

static const uint8_t connect_codes[CONNECT_ANSWERS][2] = {
    [CONNECT_OK] = {0, 0},
    [CONNECT_BAD_ID] = {2, 0x85},
    [CONNECT_BUSY] = {3, 0x89},
    [CONNECT_SLOWED] = {3, WIRE_MQTT_TOO_OFTEN},
    [CONNECT_WRONG] = {4, WIRE_MQTT_BAD_CREDENTIALS},
    [CONNECT_DENIED] = {5, WIRE_MQTT_NOT_AUTHORIZED},
    [CONNECT_BAD_METHOD] = {5, WIRE_MQTT_BAD_AUTH_METHOD},
};

static enum connect_answer
connect_judge(struct mqtt_door *door, const struct wire_mqtt_connect *packet)
{
    if (wire_mqtt_props_has(&packet->props, WIRE_MQTT_AUTH_METHOD))
        return CONNECT_BAD_METHOD;
    if (packet->id.size > MQTT_ID_MAX)
        return CONNECT_BAD_ID;
    if (packet->id.size == 0 &&
        (packet->version == 3 || (packet->version == 4 && !packet->clean)))
        return CONNECT_BAD_ID;
    if (packet->will && mqtt_publish_is_denied(packet->will_topic))
        return CONNECT_DENIED;
    if (door->shut || (door->ids.count >= door->ids.max &&
                       !mqtt_ids_find(&door->ids, packet->id))) {
        base_stat_inc(&door->stats.limits[MQTT_LIMIT_CLIENTS], 1);
        return CONNECT_BUSY;
    }
    return CONNECT_OK;
}

/* What follows from who it is; OK: it may come in. */
static enum connect_answer
connect_who(struct mqtt_conn *conn, const struct wire_mqtt_connect *packet,
            enum err known)
{
    if (known != ERR_OK)
        return known == ERR_BUSY ? CONNECT_SLOWED : CONNECT_WRONG;
    const struct mqtt_conn *holder =
        mqtt_ids_find(&mqtt_door_of(conn)->ids, packet->id);
    if (!mqtt_auth_id_fits(conn, packet->id) ||
        (holder && mqtt_auth_id_held(conn, holder)))
        return CONNECT_BAD_ID;
    if (packet->will &&
        !mqtt_auth_may(conn, MODEL_GRANT_INGEST, packet->will_topic))
        return CONNECT_DENIED;
    return CONNECT_OK;
}

static void
connect_write(struct mqtt_conn *conn, uint8_t version,
              const struct wire_mqtt_connack *packet)
{
    struct mqtt_door *door = mqtt_door_of(conn);
    base_out_reset(&door->out);
    wire_mqtt_write_connack(&door->out, version, packet);
    mqtt_door_send(conn, WIRE_MQTT_CONNACK);
}

static enum mqtt_step
connect_refuse(struct mqtt_conn *conn, const struct wire_mqtt_connect *packet,
               enum connect_answer answer)
{
    uint8_t code = connect_codes[answer][packet->version == 5];
    mqtt_stat_refused(mqtt_door_of(conn), WIRE_MQTT_CONNECT, code);
    connect_write(conn, packet->version,
                  &(struct wire_mqtt_connack){.code = code});
    return mqtt_door_end(conn, 0, false);
}

/* A name for who has none; to: CONNECT_AUTO_ID + 1 bytes. */
static struct bytes
connect_make_id(struct mqtt_door *door, char *to)
{
    uint8_t r[16];
    door->config.random->fill(door->config.random, r, sizeof r);
    r[6] = (uint8_t)((r[6] & 0x0F) | 0x40);
    r[8] = (uint8_t)((r[8] & 0x3F) | 0x80);
    snprintf(to, CONNECT_AUTO_ID + 1,
             "auto-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
             "%02x%02x%02x%02x%02x%02x",
             r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10],
             r[11], r[12], r[13], r[14], r[15]);
    return base_bytes(to, CONNECT_AUTO_ID);
}

/* What CONNACK says; spec connect 2: only what differs from the default. */
static struct wire_mqtt_connack
connect_answer_of(const struct mqtt_profile *profile,
                  const struct wire_mqtt_connect *packet, struct bytes made_id)
{
    uint16_t max = profile->keep_alive_max_s;
    struct wire_mqtt_connack answer = {
        .alias_max = profile->alias_max,
        .receive_max = profile->receive_max,
        .packet_max = profile->packet_max,
        .assigned_id = made_id,
    };
    if (max && (packet->keep_alive_s == 0 || packet->keep_alive_s > max)) {
        answer.has_keep_alive = true;
        answer.keep_alive_s = max;
    }
    answer.has_expiry = wire_mqtt_props_number(
                            &packet->props, WIRE_MQTT_SESSION_EXPIRY, 0) != 0;
    return answer;
}

static bool
connect_answer_fits(struct mqtt_door *door,
                    const struct wire_mqtt_connect *packet,
                    const struct wire_mqtt_connack *answer)
{
    base_out_reset(&door->out);
    wire_mqtt_write_connack(&door->out, packet->version, answer);
    return door->out.size <= wire_mqtt_props_number(&packet->props,
                                                    WIRE_MQTT_PACKET_MAX,
                                                    UINT32_MAX);
}

/* The same client id is here already: it goes.  Its will goes out only if its
 * session ends by that, and no reconnection was to cancel it. */
static void
connect_take_over(struct mqtt_door *door, struct bytes id, bool clean)
{
    struct mqtt_conn *old = mqtt_ids_find(&door->ids, id);
    if (!old)
        return;
    struct mqtt_session *session = mqtt_session_of(old);
    bool ends = clean || !session || session->expiry_s == 0;
    bool will = session && session->will && ends && !session->will->any;
    if (will)
        session->will->delay_s = 0;
    mqtt_stat_refused(door, WIRE_MQTT_CONNECT, WIRE_MQTT_TAKEN_OVER);
    mqtt_door_end(old, WIRE_MQTT_TAKEN_OVER, will);
}

/* What asks for more than the defaults needs a session. */
static void
connect_session(struct mqtt_conn *conn, const struct wire_mqtt_connect *packet,
                const struct mqtt_profile *profile)
{
    const struct wire_mqtt_props *props = &packet->props;
    uint32_t expiry =
        wire_mqtt_props_number(props, WIRE_MQTT_SESSION_EXPIRY, 0);
    uint32_t receive =
        wire_mqtt_props_number(props, WIRE_MQTT_RECEIVE_MAX, UINT16_MAX);
    uint32_t size =
        wire_mqtt_props_number(props, WIRE_MQTT_PACKET_MAX, UINT32_MAX);
    uint32_t alias = wire_mqtt_props_number(props, WIRE_MQTT_ALIAS_MAX, 0);
    if (!packet->will && !expiry && receive >= MQTT_WINDOW &&
        size == UINT32_MAX && !alias)
        return;
    struct mqtt_session *session = mqtt_session_make(conn);
    session->expiry_s = expiry;
    session->window = (uint16_t)(receive < MQTT_WINDOW ? receive : MQTT_WINDOW);
    session->packet_max = size;
    session->alias_max =
        (uint16_t)(alias < MQTT_ALIASES_OUT ? alias : MQTT_ALIASES_OUT);
    if (packet->will)
        mqtt_will_set(session, packet, profile);
}

static void
connect_accept(struct mqtt_conn *conn, const struct wire_mqtt_connect *packet,
               const struct wire_mqtt_connack *answer, struct bytes id)
{
    struct mqtt_door *door = mqtt_door_of(conn);
    struct net_conn *net = net_conn_of(conn);
    connect_take_over(door, id, packet->clean);
    mqtt_will_back(door, id, packet->clean);
    conn->version = packet->version & 7u;
    conn->bridge = packet->bridge && packet->version < 5;
    conn->keep_alive_s = answer->has_keep_alive && packet->version == 5
                             ? answer->keep_alive_s
                             : packet->keep_alive_s;
    mqtt_session_set_id(conn, id);
    connect_session(conn, packet, &mqtt_door_listener_of(conn)->profile);
    mqtt_ids_put(&door->ids, conn);
    if (door->ids.count > door->stats.clients_most)
        door->stats.clients_most = door->ids.count;
    base_stat_set(&door->stats.connections, (int64_t)door->ids.count);
    conn->state = MQTT_OPEN;
    net_conn_greeted(net);
    net_conn_deadline(net, 0); /* keep alive is set behind this packet */
    connect_write(conn, packet->version, answer);
}

static enum mqtt_step
connect_fault(struct mqtt_conn *conn, enum wire_mqtt_fault fault)
{
    mqtt_stat_refused(mqtt_door_of(conn), WIRE_MQTT_CONNECT,
                      fault == WIRE_MQTT_FAULT_LEVEL);
    if (fault == WIRE_MQTT_FAULT_LEVEL)
        connect_write(conn, 4, &(struct wire_mqtt_connack){.code = 1});
    return mqtt_door_end(conn, 0, false);
}

enum mqtt_step
mqtt_connect_take(struct mqtt_conn *conn, const struct wire_mqtt_head *head,
                  struct bytes body)
{
    const struct mqtt_profile *profile = &mqtt_door_listener_of(conn)->profile;
    struct mqtt_door *door = mqtt_door_of(conn);
    struct wire_mqtt_connect packet;
    char made[CONNECT_AUTO_ID + 1];
    enum wire_mqtt_fault fault =
        wire_mqtt_read_connect(head->flags, body, &packet);
    if (fault != WIRE_MQTT_OK)
        return connect_fault(conn, fault);
    enum connect_answer answer = connect_judge(door, &packet);
    enum err known;
    if (answer == CONNECT_OK && !profile->anonymous) {
        if (mqtt_auth_known(conn, door, &known))
            answer = connect_who(conn, &packet, known);
        else if (mqtt_auth_ask(conn, &packet))
            return MQTT_AGAIN;
        else
            answer = CONNECT_DENIED;
    }
    if (answer != CONNECT_OK)
        return connect_refuse(conn, &packet, answer);
    struct bytes id = packet.id, made_id = {NULL, 0};
    if (id.size == 0)
        id = made_id = connect_make_id(door, made);
    struct wire_mqtt_connack connack =
        connect_answer_of(profile, &packet, made_id);
    if (!connect_answer_fits(door, &packet, &connack))
        return connect_fault(conn, WIRE_MQTT_FAULT_BIG);
    connect_accept(conn, &packet, &connack, id);
    return MQTT_DONE;
}
