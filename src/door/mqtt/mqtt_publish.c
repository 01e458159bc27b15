/* mqtt_publish.c -- a PUBLISH from the wire to the store, to subscribers, and
 * to the queue of owed acknowledgements.
 *
 * Nothing is changed before the store has taken the message, so that a PUBLISH
 * that must wait (an unknown identifier, a busy store) is simply read again. */
#include <stdio.h>

#include "base/base_mem.h"
#include "door/mqtt/mqtt_inner.h"

/* What a verdict other than "taken" means to the sender. */
struct publish_refusal {
    const char *what;
    uint8_t code;        /* 5.0 */
    bool letter;         /* 3.x cannot be told: among the dead letters */
    bool close;          /* 3.x: closed instead */
    enum mqtt_drop drop; /* QoS 0 */
};

/* clang-format off */
static const struct publish_refusal publish_refusals[MQTT_VERDICTS] = {
    [MQTT_REFUSED] = {"unregistered", WIRE_MQTT_NOT_AUTHORIZED, false, true,
                      MQTT_DROP_REFUSED},
    [MQTT_BAD]     = {"payload", WIRE_MQTT_PAYLOAD_INVALID, true, false,
                      MQTT_DROP_REFUSED},
    [MQTT_OVER]    = {"limit", WIRE_MQTT_QUOTA, true, false,
                      MQTT_DROP_REFUSED},
    [MQTT_NO_ROOM] = {"space", WIRE_MQTT_QUOTA, false, false,
                      MQTT_DROP_SPACE},
};
static const struct publish_refusal publish_denied = {
    "denied", WIRE_MQTT_NOT_AUTHORIZED, false, true, MQTT_DROP_REFUSED};
/* clang-format on */

bool
mqtt_publish_is_denied(struct bytes topic)
{
    static const char bridge[] = "$SYS/broker/connection/", state[] = "/state";
    struct bytes tail = base_bytes_text(state);
    if (topic.size == 0 || topic.at[0] != '$')
        return false;
    if (base_bytes_starts(topic, base_bytes_text("$share/")) ||
        base_bytes_is(topic, "$share"))
        return true;
    if (!base_bytes_starts(topic, base_bytes_text("$SYS/")) &&
        !base_bytes_is(topic, "$SYS"))
        return false;
    if (!base_bytes_starts(topic, base_bytes_text(bridge)))
        return true;
    struct bytes rest = base_bytes_slice(topic, sizeof bridge - 1, topic.size);
    size_t name = base_bytes_find(rest, '/');
    return name == 0 ||
           !base_bytes_equal(base_bytes_slice(rest, name, rest.size), tail);
}

/* --- for the console --- */

void
mqtt_publish_note(struct mqtt_door *door, const char *what, struct bytes client,
                  struct bytes topic, struct bytes payload, const char *why)
{
    struct mqtt_refusal *r =
        &door->refusals[door->refusal_count++ % MQTT_REFUSALS];
    client = base_bytes_slice(client, 0, sizeof r->client);
    topic = base_bytes_slice(topic, 0, sizeof r->topic);
    payload = base_bytes_slice(payload, 0, sizeof r->payload);
    r->t_ms = base_loop_wall(door->config.loop).ms;
    r->what = what;
    r->client_size = (uint8_t)client.size;
    r->topic_size = (uint16_t)topic.size;
    r->payload_size = (uint8_t)payload.size;
    memcpy(r->client, client.at ? client.at : r->client, client.size);
    memcpy(r->topic, topic.at ? topic.at : r->topic, topic.size);
    memcpy(r->payload, payload.at ? payload.at : r->payload, payload.size);
    snprintf(r->why, sizeof r->why, "%s", why);
}

/* --- owing --- */

/* An ack is owed for this PUBLISH; returns its ticket. */
static uint32_t
publish_owe(struct mqtt_session *session,
            const struct wire_mqtt_publish *packet, uint64_t sequence,
            uint8_t flags, uint8_t reason)
{
    struct mqtt_owed_entry entry = {
        .sequence = (uint32_t)sequence,
        .id = packet->id,
        .reason = reason,
        .flags = flags,
    };
    if (packet->qos == 2)
        entry.flags |= MQTT_OWED_PUBREC;
    session->receiving++;
    session->owed_bytes += packet->topic.size + packet->payload.size + 8;
    base_stat_inc(&session->door->stats.waiting, 1);
    uint32_t ticket = mqtt_owed_push(&session->owed, entry);
    if (session->owed.count >= MQTT_OWED_MAX ||
        session->owed_bytes >= MQTT_OWED_BYTES) {
        base_stat_inc(&session->door->stats.limits[MQTT_LIMIT_INPUT], 1);
        mqtt_door_hold(session, MQTT_HOLD_OWED);
    }
    return ticket;
}

/* --- incoming QoS 2: ids between PUBLISH and PUBREL --- */

static bool
publish_is_taken(const struct mqtt_session *session, uint16_t id)
{
    return session->taken && session->taken[id >> 3] >> (id & 7) & 1;
}

static void
publish_set_taken(struct mqtt_session *session, uint16_t id)
{
    if (!session->taken)
        session->taken = base_mem_zero(65536 / 8);
    session->taken[id >> 3] |= (uint8_t)(1u << (id & 7));
}

static enum mqtt_step
publish_again(struct mqtt_session *session,
              const struct wire_mqtt_publish *packet)
{
    publish_owe(session, packet, 0, MQTT_OWED_FREE, 0);
    session->receiving--; /* it is the same one */
    return MQTT_DONE;
}

enum mqtt_step
mqtt_publish_take_release(struct mqtt_conn *conn,
                          const struct wire_mqtt_head *head, struct bytes body)
{
    struct mqtt_door *door = mqtt_door_of(conn);
    struct mqtt_session *session = mqtt_session_make(conn);
    struct wire_mqtt_ack ack;
    enum wire_mqtt_fault fault =
        wire_mqtt_read_ack(conn->version, head->type, head->flags, body, &ack);
    if (fault != WIRE_MQTT_OK)
        return mqtt_door_fault(conn, head->type, fault);
    if (publish_is_taken(session, ack.id)) {
        session->taken[ack.id >> 3] &= (uint8_t) ~(1u << (ack.id & 7));
        session->receiving--;
    }
    base_out_reset(&door->out);
    wire_mqtt_write_ack(&door->out, conn->version, WIRE_MQTT_PUBCOMP, ack.id,
                        0);
    base_stat_inc(&door->stats.packets[1][WIRE_MQTT_PUBCOMP], 1);
    mqtt_door_write(session, base_out_bytes(&door->out));
    return MQTT_DONE;
}

/* --- the unknown identifier --- */

static void
publish_ensured(struct ident_ensure *call, enum err err)
{
    struct mqtt_ensure *ensure = (struct mqtt_ensure *)(void *)call;
    struct mqtt_session *session = ensure->session;
    struct mqtt_door *door = ensure->door;
    struct bytes topic = base_bytes(ensure->topic, ensure->topic_size);
    if (err == ERR_OK)
        mqtt_map_learn(&door->map, topic, base_bytes(call->id, call->id_size));
    else
        mqtt_map_refuse(&door->map, topic, err,
                        base_loop_mono(door->config.loop));
    if (session) {
        session->ensure = NULL;
        mqtt_door_release(session, MQTT_HOLD_ENSURE);
    }
    base_mem_free(ensure);
}

static enum mqtt_step
publish_ensure(struct mqtt_session *session, struct bytes topic,
               const struct mqtt_map_entry *entry)
{
    struct mqtt_door *door = session->door;
    struct bytes id = mqtt_map_id(entry);
    struct mqtt_ensure *ensure = base_mem_zero(sizeof *ensure + topic.size);
    ensure->door = door;
    ensure->session = session;
    ensure->topic_size = (uint16_t)topic.size;
    memcpy(ensure->topic, topic.at, topic.size);
    ensure->call.done = publish_ensured;
    ensure->call.loop = door->config.loop;
    ensure->call.create =
        mqtt_door_listener_of(session->conn)->profile.register_auto;
    ensure->call.id_size = (uint8_t)id.size;
    memcpy(ensure->call.id, id.at, id.size);
    session->ensure = ensure;
    mqtt_door_hold(session, MQTT_HOLD_ENSURE);
    ident_ensure(door->config.ident, &ensure->call);
    return MQTT_AGAIN;
}

/* --- one PUBLISH --- */

/* Topic by alias; the alias is set when both are there. */
static enum wire_mqtt_fault
publish_alias(struct mqtt_session *session, struct wire_mqtt_publish *packet,
              uint32_t **ret_hint)
{
    unsigned max = mqtt_door_listener_of(session->conn)->profile.alias_max;
    uint32_t number =
        wire_mqtt_props_number(&packet->props, WIRE_MQTT_ALIAS, 0);
    *ret_hint = &session->hint;
    if (number == 0)
        return WIRE_MQTT_OK;
    if (number > max)
        return WIRE_MQTT_FAULT_ALIAS;
    if (!session->aliases)
        session->aliases = base_mem_zero(max * sizeof *session->aliases);
    struct mqtt_alias **at = &session->aliases[number - 1];
    if (packet->topic.size == 0 && !*at)
        return WIRE_MQTT_FAULT_UNSET;
    if (packet->topic.size &&
        !(*at && base_bytes_equal(packet->topic,
                                  base_bytes((*at)->topic, (*at)->size)))) {
        base_mem_free(*at);
        *at = base_mem_zero(sizeof **at + packet->topic.size);
        (*at)->size = (uint16_t)packet->topic.size;
        memcpy((*at)->topic, packet->topic.at, packet->topic.size);
    }
    packet->topic = base_bytes((*at)->topic, (*at)->size);
    *ret_hint = &(*at)->hint;
    return WIRE_MQTT_OK;
}

static enum mqtt_step
publish_refuse(struct mqtt_session *session,
               const struct wire_mqtt_publish *packet,
               const struct publish_refusal *refusal, const char *why)
{
    struct mqtt_door *door = session->door;
    struct mqtt_conn *conn = session->conn;
    mqtt_publish_note(door, refusal->what, session->id, packet->topic,
                      packet->payload, why);
    mqtt_stat_refused(door, WIRE_MQTT_PUBLISH, refusal->code);
    if (packet->qos == 0) {
        base_stat_inc(&door->stats.dropped[refusal->drop], 1);
        return conn->version < 5 && refusal->close && refusal == &publish_denied
                   ? mqtt_door_end(conn, 0, true)
                   : MQTT_DONE;
    }
    if (conn->version == 5) {
        publish_owe(session, packet, 0, MQTT_OWED_FREE, refusal->code);
        return MQTT_DONE;
    }
    if (refusal->close)
        return mqtt_door_end(conn, 0, true);
    if (!refusal->letter || !mqtt_retain_has_letters(door)) {
        mqtt_door_full(conn);
        return MQTT_DONE;
    }
    if (packet->qos == 2)
        publish_set_taken(session, packet->id);
    uint32_t ticket =
        publish_owe(session, packet, 0, MQTT_OWED_FREE | MQTT_OWED_HELD, 0);
    mqtt_retain_letter(door, session, ticket, packet->topic, packet->payload,
                       why);
    return MQTT_DONE;
}

static struct mqtt_view
publish_view(struct mqtt_door *door, const struct wire_mqtt_publish *packet,
             struct wall now)
{
    const struct wire_mqtt_props *props = &packet->props;
    struct mqtt_view view = {
        .topic = packet->topic,
        .payload = packet->payload,
        .qos = packet->qos,
        .retain = packet->retain,
        .has_expiry = wire_mqtt_props_has(props, WIRE_MQTT_MESSAGE_EXPIRY),
        .expiry_s = wire_mqtt_props_number(props, WIRE_MQTT_MESSAGE_EXPIRY, 0),
        .arrived_ms = now.ms,
    };
    if (props->seen) {
        base_out_reset(&door->props);
        wire_mqtt_props_forward(props->raw, &door->props);
        view.props = base_out_bytes(&door->props);
    }
    return view;
}

/* The store has it, or there is nothing to store: serve and owe. */
static enum mqtt_step
publish_accept(struct mqtt_session *session,
               const struct wire_mqtt_publish *packet,
               const struct mqtt_map_taken *taken, struct wall now)
{
    struct mqtt_door *door = session->door;
    struct mqtt_view view = publish_view(door, packet, now);
    bool kept = taken->samples > 0;
    if (packet->retain && mqtt_retain_set(door, &view) != ERR_OK)
        return publish_refuse(session, packet, &publish_refusals[MQTT_OVER],
                              "retained messages: too many, or too big");
    unsigned receivers = mqtt_deliver(door, session, &view);
    uint32_t ticket = 0;
    if (packet->qos) {
        bool held = packet->retain && door->config.keep;
        uint8_t flags = (uint8_t)((kept ? 0 : MQTT_OWED_FREE) |
                                  (held ? MQTT_OWED_HELD : 0));
        bool alone =
            packet->qos == 1 && receivers == 0 && taken->verdict != MQTT_KEPT;
        ticket = publish_owe(session, packet, taken->sequence, flags,
                             alone ? WIRE_MQTT_NO_SUBSCRIBERS : 0);
        if (packet->qos == 2)
            publish_set_taken(session, packet->id);
    }
    session->messages++;
    if (packet->retain)
        mqtt_retain_keep(door, packet->qos ? session : NULL, ticket, &view);
    mqtt_message_drop(view.message);
    return MQTT_DONE;
}

/* What the map says, done. */
static enum mqtt_step
publish_judged(struct mqtt_session *session,
               const struct wire_mqtt_publish *packet,
               const struct mqtt_map_taken *taken, struct wall now)
{
    struct mqtt_door *door = session->door;
    switch (taken->verdict) {
    case MQTT_LATER:
        mqtt_door_hold(session, MQTT_HOLD_BUSY);
        return MQTT_AGAIN;
    case MQTT_UNKNOWN:
        if (door->config.ident)
            return publish_ensure(session, packet->topic, taken->entry);
        return publish_refuse(session, packet, &publish_refusals[MQTT_REFUSED],
                              "not registered");
    case MQTT_BROKEN:
        mqtt_door_broken(door);
        return MQTT_END;
    case MQTT_REFUSED:
    case MQTT_BAD:
    case MQTT_OVER:
    case MQTT_NO_ROOM:
        return publish_refuse(session, packet,
                              &publish_refusals[taken->verdict],
                              door->map.note.text);
    case MQTT_UNMAPPED:
        base_stat_inc(&door->stats.unmapped, 1);
        mqtt_publish_note(door, "unmapped", session->id, packet->topic,
                          packet->payload, "no mapping fits this topic");
        break;
    case MQTT_KEPT:
        base_stat_inc(&door->stats.samples, taken->samples);
        break;
    case MQTT_UNTOUCHED:
    case MQTT_VERDICTS:
        break;
    }
    return publish_accept(session, packet, taken, now);
}

enum mqtt_step
mqtt_publish_take(struct mqtt_conn *conn, const struct wire_mqtt_head *head,
                  struct bytes body)
{
    struct mqtt_listener *listener = mqtt_door_listener_of(conn);
    struct mqtt_door *door = listener->door;
    struct wire_mqtt_publish packet;
    uint32_t *hint;
    enum wire_mqtt_fault fault =
        wire_mqtt_read_publish(conn->version, head->flags, body, &packet);
    if (fault != WIRE_MQTT_OK)
        return mqtt_door_fault(conn, head->type, fault);
    struct mqtt_session *session = mqtt_session_make(conn);
    bool again = packet.qos == 2 && publish_is_taken(session, packet.id);
    if (conn->version == 5 && packet.qos && !again &&
        session->receiving >= listener->profile.receive_max)
        return mqtt_door_fault(conn, head->type, WIRE_MQTT_FAULT_RECEIVE);
    fault = publish_alias(session, &packet, &hint);
    if (fault != WIRE_MQTT_OK)
        return mqtt_door_fault(conn, head->type, fault);
    if (again)
        return publish_again(session, &packet);
    if (mqtt_publish_is_denied(packet.topic))
        return publish_refuse(session, &packet, &publish_denied,
                              "nobody may publish there");
    if (!mqtt_auth_may(conn, MODEL_GRANT_INGEST, packet.topic))
        return publish_refuse(session, &packet, &publish_denied,
                              "outside what this credential may send");
    if (packet.retain && door->keeps >= MQTT_KEEPS) {
        base_stat_inc(&door->stats.limits[MQTT_LIMIT_KEEPS], 1);
        mqtt_door_hold(session, MQTT_HOLD_BUSY);
        return MQTT_AGAIN;
    }
    struct wall now = base_loop_wall(door->config.loop);
    struct mqtt_map_taken taken =
        mqtt_map_take(&door->map, packet.topic, packet.payload, now,
                      base_loop_mono(door->config.loop), hint);
    return publish_judged(session, &packet, &taken, now);
}

/* --- from inside --- */

void
mqtt_publish_inner(struct mqtt_door *door, struct mqtt_view *view, bool keep)
{
    uint32_t hint = 0;
    struct mqtt_map_taken taken =
        mqtt_map_take(&door->map, view->topic, view->payload,
                      base_loop_wall(door->config.loop),
                      base_loop_mono(door->config.loop), &hint);
    if (taken.verdict == MQTT_KEPT)
        base_stat_inc(&door->stats.samples, taken.samples);
    if (view->retain && mqtt_retain_set(door, view) == ERR_OK && keep)
        mqtt_retain_keep(door, NULL, 0, view);
    mqtt_deliver(door, NULL, view);
}

void
mqtt_publish_own(struct mqtt_door *door, struct bytes topic,
                 struct bytes payload, bool retain)
{
    struct mqtt_view view = {
        .topic = topic,
        .payload = payload,
        .retain = retain,
        .arrived_ms = base_loop_wall(door->config.loop).ms,
    };
    mqtt_publish_inner(door, &view, false);
    mqtt_message_drop(view.message);
    mqtt_door_uncork(door);
}
