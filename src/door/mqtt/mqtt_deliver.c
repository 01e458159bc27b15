/* mqtt_deliver.c -- messages out to subscribers, and their acks back in.
 *
 * A QoS 1 or 2 message is sent while the client's window has room; else it
 * waits in the session's queue, its packet id drawn already:
 *
 *     deliver -> [window open] -> sent ----PUBACK, PUBCOMP, PUBREC >= 80-->
 * done
 *          '---> queue ---pump---^
 *
 * What a client's ack does is one table of (packet, what was sent under that
 * id).  Messages are not kept once sent: sessions end with connections. */
#include "base/base_mem.h"
#include "door/mqtt/mqtt_inner.h"

static void
deliver_drop(struct mqtt_door *door, enum mqtt_drop why)
{
    base_stat_inc(&door->stats.dropped[why], 1);
}

/* --- packet ids and the window --- */

static struct mqtt_sent *
deliver_sent(struct mqtt_session *session, uint16_t id)
{
    for (unsigned i = 0; i < session->sent_count; i++)
        if (session->sent[i].id == id)
            return &session->sent[i];
    return NULL;
}

static bool
deliver_is_queued(struct mqtt_session *session, uint16_t id)
{
    /* ids are drawn in a cycle: what is queued lies in one run */
    struct base_link *first = session->queue.next;
    if (first == &session->queue)
        return false;
    uint16_t from = BASE_OUTER(first, struct mqtt_queued, link)->id;
    return (uint16_t)(id - from) <= (uint16_t)(session->next_id - from);
}

static uint16_t
deliver_draw_id(struct mqtt_session *session)
{
    uint16_t id = session->next_id;
    do
        id = id == UINT16_MAX ? 1 : (uint16_t)(id + 1);
    while (deliver_sent(session, id) || deliver_is_queued(session, id));
    return session->next_id = id;
}

static void
deliver_note_sent(struct mqtt_session *session, uint16_t id, uint8_t qos)
{
    if (session->sent_count == session->sent_room) {
        session->sent_room = session->sent_room ? session->sent_room * 2 : 4;
        session->sent = base_mem_resize(
            session->sent, session->sent_room * sizeof *session->sent);
    }
    session->sent[session->sent_count++] = (struct mqtt_sent){
        .id = id, .state = qos == 1 ? MQTT_SENT_QOS1 : MQTT_SENT_QOS2};
}

static bool
deliver_window_open(struct mqtt_session *session)
{
    return session->sent_count < session->window &&
           net_conn_waiting(net_conn_of(session->conn)) < MQTT_OUT_MAX;
}

/* --- writing one PUBLISH --- */

struct deliver_packet {
    uint8_t qos;
    bool retain;
    uint16_t id;
    const uint32_t *subscriptions;
    unsigned count;
};

/* The alias of this topic: 0 none; *ret_known: the client has it already. */
static uint16_t
deliver_alias(struct mqtt_session *session, struct bytes topic, bool *ret_known)
{
    *ret_known = false;
    if (session->alias_max == 0)
        return 0;
    uintptr_t alias = (uintptr_t)base_map_get(&session->aliases_out, topic);
    *ret_known = alias != 0;
    if (alias)
        return (uint16_t)alias;
    return session->alias_count < session->alias_max
               ? (uint16_t)(session->alias_count + 1)
               : 0;
}

/* false: it has expired or is too big, and was dropped. */
static bool
deliver_write(struct mqtt_session *session, const struct mqtt_view *view,
              const struct deliver_packet *packet)
{
    struct mqtt_door *door = session->door;
    uint32_t left;
    bool known = false;
    if (!mqtt_message_left(view, base_loop_wall(door->config.loop), &left)) {
        deliver_drop(door, MQTT_DROP_EXPIRED);
        return false;
    }
    struct wire_mqtt_outgoing out = {
        .version = session->conn->version,
        .qos = packet->qos,
        .retain = packet->retain,
        .id = packet->id,
        .has_expiry = view->has_expiry,
        .expiry_s = left,
        .topic = view->topic,
        .props = view->props,
        .payload = view->payload,
        .subscriptions = packet->subscriptions,
        .subscription_count = (uint16_t)packet->count,
    };
    out.alias = deliver_alias(session, view->topic, &known);
    if (known)
        out.topic.size = 0;
    if (wire_mqtt_write_publish_size(&out) > session->packet_max) {
        deliver_drop(door, MQTT_DROP_BIG);
        return false;
    }
    if (out.alias && !known) {
        session->alias_count = out.alias;
        base_map_put(&session->aliases_out, view->topic,
                     (void *)(uintptr_t)out.alias);
    }
    base_out_reset(&door->out);
    wire_mqtt_write_publish(&door->out, &out);
    base_stat_inc(&door->stats.packets[1][WIRE_MQTT_PUBLISH], 1);
    session->delivered++;
    mqtt_door_write(session, base_out_bytes(&door->out));
    return true;
}

/* --- the queue --- */

static void
deliver_queue(struct mqtt_session *session, struct mqtt_view *view,
              const struct deliver_packet *packet)
{
    struct mqtt_door *door = session->door;
    size_t ids = packet->count * sizeof *packet->subscriptions;
    size_t size = view->topic.size + view->props.size + view->payload.size;
    if (session->queue_count >= MQTT_QUEUE_COUNT ||
        size > MQTT_QUEUE_BYTES - session->queue_bytes) {
        base_stat_inc(&door->stats.limits[MQTT_LIMIT_QUEUE], 1);
        deliver_drop(door, MQTT_DROP_QUEUE);
        return;
    }
    struct mqtt_queued *queued = base_mem_new(sizeof *queued + ids);
    *queued = (struct mqtt_queued){
        .message = mqtt_message_of(view),
        .id = deliver_draw_id(session),
        .subscription_count = (uint16_t)packet->count,
        .qos = packet->qos,
        .retain = packet->retain,
    };
    if (ids)
        memcpy(queued->subscriptions, packet->subscriptions, ids);
    base_list_add(&session->queue, &queued->link);
    session->queue_count++;
    session->queue_bytes += (uint32_t)size;
    base_stat_inc(&door->stats.queued, (int64_t)size);
}

/* The first of the queue, out of it. */
static struct mqtt_queued *
deliver_unqueue(struct mqtt_session *session)
{
    struct base_link *link = base_list_take(&session->queue);
    if (!link)
        return NULL;
    struct mqtt_queued *queued = BASE_OUTER(link, struct mqtt_queued, link);
    const struct mqtt_message *message = queued->message;
    uint32_t size =
        message->topic_size + message->props_size + message->payload_size;
    session->queue_count--;
    session->queue_bytes -= size;
    base_stat_inc(&session->door->stats.queued, -(int64_t)size);
    return queued;
}

static void
deliver_queued_free(struct mqtt_queued *queued)
{
    mqtt_message_drop(queued->message);
    base_mem_free(queued);
}

void
mqtt_deliver_pump(struct mqtt_session *session)
{
    while (deliver_window_open(session)) {
        struct mqtt_queued *queued = deliver_unqueue(session);
        if (!queued)
            break;
        struct mqtt_view view = mqtt_message_view(queued->message);
        struct deliver_packet packet = {
            .qos = queued->qos,
            .retain = queued->retain,
            .id = queued->id,
            .subscriptions = queued->subscriptions,
            .count = queued->subscription_count,
        };
        if (deliver_write(session, &view, &packet))
            deliver_note_sent(session, packet.id, packet.qos);
        deliver_queued_free(queued);
    }
}

void
mqtt_deliver_drop_queue(struct mqtt_session *session)
{
    struct mqtt_queued *queued;
    while ((queued = deliver_unqueue(session)) != NULL)
        deliver_queued_free(queued);
}

/* --- one message to one session --- */

void
mqtt_deliver_to(struct mqtt_session *session, struct mqtt_view *view,
                uint8_t qos, bool retain, const uint32_t *ids, unsigned count)
{
    struct mqtt_door *door = session->door;
    struct deliver_packet packet = {
        .qos = qos < view->qos ? qos : view->qos,
        .retain = retain,
        .subscriptions = ids,
        .count = session->conn->version == 5 ? count : 0,
    };
    if (packet.qos == 0) {
        if (net_conn_waiting(net_conn_of(session->conn)) >= MQTT_OUT_MAX)
            deliver_drop(door, MQTT_DROP_SLOW);
        else
            deliver_write(session, view, &packet);
        return;
    }
    if (!base_list_empty(&session->queue) || !deliver_window_open(session)) {
        deliver_queue(session, view, &packet);
        return;
    }
    packet.id = deliver_draw_id(session);
    if (deliver_write(session, view, &packet))
        deliver_note_sent(session, packet.id, packet.qos);
}

/* --- one message to all --- */

struct deliver_walk {
    struct mqtt_door *door;
    struct mqtt_session *from, *sessions;
    struct mqtt_view *view;
    unsigned count;
};

/* The member whose turn it is; the turn moves on. */
static struct mqtt_sub *
deliver_turn(struct mqtt_share *share)
{
    struct mqtt_sub *sub = share->turn ? share->turn : share->subs;
    share->turn = sub->next;
    return sub;
}

static void
deliver_share(struct deliver_walk *walk, struct mqtt_share *share)
{
    struct mqtt_sub *sub = deliver_turn(share);
    bool retain =
        walk->view->retain && sub->options & WIRE_MQTT_SUB_AS_PUBLISHED;
    walk->count++;
    mqtt_deliver_to(sub->session, walk->view, sub->options & WIRE_MQTT_SUB_QOS,
                    retain, &sub->subscription_id, sub->subscription_id != 0);
}

/* Subscriptions of one session that match are chained in it: it gets one
 * copy. */
static bool
deliver_node(void *self, struct mqtt_topic_node *node)
{
    struct deliver_walk *walk = self;
    for (struct mqtt_sub *sub = node->subs; sub; sub = sub->next) {
        struct mqtt_session *session = sub->session;
        if (session == walk->from && sub->options & WIRE_MQTT_SUB_NO_LOCAL)
            continue;
        if (session->delivery != walk->door->delivery) {
            session->delivery = walk->door->delivery;
            session->match = NULL;
            session->next = walk->sessions;
            walk->sessions = session;
        }
        sub->match = session->match;
        session->match = sub;
    }
    for (struct mqtt_share *share = node->shares; share; share = share->next)
        deliver_share(walk, share);
    return true;
}

static void
deliver_merged(struct mqtt_session *session, struct mqtt_view *view)
{
    uint32_t ids[MQTT_FILTERS_PER_SESSION];
    unsigned count = 0;
    uint8_t qos = 0;
    bool retain = false;
    for (struct mqtt_sub *sub = session->match; sub; sub = sub->match) {
        uint8_t granted = sub->options & WIRE_MQTT_SUB_QOS;
        qos = granted > qos ? granted : qos;
        retain |= (sub->options & WIRE_MQTT_SUB_AS_PUBLISHED) != 0;
        if (sub->subscription_id && count < MQTT_FILTERS_PER_SESSION)
            ids[count++] = sub->subscription_id;
    }
    mqtt_deliver_to(session, view, qos, retain && view->retain, ids, count);
}

unsigned
mqtt_deliver(struct mqtt_door *door, struct mqtt_session *from,
             struct mqtt_view *view)
{
    struct deliver_walk walk = {.door = door, .from = from, .view = view};
    if (base_stat_get(&door->stats.subscriptions) == 0)
        return 0;
    door->delivery++;
    mqtt_topic_match(&door->topics, view->topic, deliver_node, &walk);
    for (struct mqtt_session *session = walk.sessions; session;
         session = session->next) {
        walk.count++;
        deliver_merged(session, view);
    }
    return walk.count;
}

/* --- the client's acks --- */

enum deliver_action {
    DELIVER_IGNORE,
    DELIVER_DONE,
    DELIVER_RELEASE,
    DELIVER_FAULT
};
enum deliver_ack {
    DELIVER_PUBACK,
    DELIVER_PUBREC,
    DELIVER_PUBREC_NO,
    DELIVER_PUBCOMP,
    DELIVER_ACKS
};

/* clang-format off */
static const uint8_t deliver_table[MQTT_SENT_STATES][DELIVER_ACKS] = {
    /*                       PUBACK          PUBREC < 80
                             PUBREC >= 80    PUBCOMP */
    [MQTT_SENT_QOS1]     = { DELIVER_DONE,   DELIVER_FAULT,
                             DELIVER_FAULT,  DELIVER_FAULT },
    [MQTT_SENT_QOS2]     = { DELIVER_FAULT,  DELIVER_RELEASE,
                             DELIVER_DONE,   DELIVER_FAULT },
    [MQTT_SENT_RELEASED] = { DELIVER_FAULT,  DELIVER_RELEASE,
                             DELIVER_DONE,   DELIVER_DONE },
    [MQTT_SENT_UNKNOWN]  = { DELIVER_IGNORE, DELIVER_RELEASE,
                             DELIVER_IGNORE, DELIVER_IGNORE },
};
/* clang-format on */

static enum deliver_ack
deliver_ack_of(uint8_t type, uint8_t reason)
{
    if (type == WIRE_MQTT_PUBACK)
        return DELIVER_PUBACK;
    if (type == WIRE_MQTT_PUBCOMP)
        return DELIVER_PUBCOMP;
    return reason < 0x80 ? DELIVER_PUBREC : DELIVER_PUBREC_NO;
}

enum mqtt_step
mqtt_deliver_take_ack(struct mqtt_conn *conn, const struct wire_mqtt_head *head,
                      struct bytes body)
{
    struct mqtt_door *door = mqtt_door_of(conn);
    struct wire_mqtt_ack ack;
    enum wire_mqtt_fault fault =
        wire_mqtt_read_ack(conn->version, head->type, head->flags, body, &ack);
    if (fault != WIRE_MQTT_OK)
        return mqtt_door_fault(conn, head->type, fault);
    struct mqtt_session *session = mqtt_session_make(conn);
    struct mqtt_sent *sent = deliver_sent(session, ack.id);
    uint8_t state = sent ? sent->state : MQTT_SENT_UNKNOWN;
    switch (deliver_table[state][deliver_ack_of(head->type, ack.reason)]) {
    case DELIVER_FAULT:
        return mqtt_door_fault(conn, head->type, WIRE_MQTT_FAULT_STATE);
    case DELIVER_RELEASE:
        if (sent)
            sent->state = MQTT_SENT_RELEASED;
        base_out_reset(&door->out);
        wire_mqtt_write_ack(&door->out, conn->version, WIRE_MQTT_PUBREL, ack.id,
                            0);
        base_stat_inc(&door->stats.packets[1][WIRE_MQTT_PUBREL], 1);
        mqtt_door_write(session, base_out_bytes(&door->out));
        break;
    case DELIVER_DONE:
        if (sent)
            *sent = session->sent[--session->sent_count];
        mqtt_deliver_pump(session);
        break;
    default:
        break;
    }
    return MQTT_DONE;
}
