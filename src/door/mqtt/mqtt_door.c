/* mqtt_door.c -- the door itself: its life, its connections' states, the
 * driver of the [state][packet] table, and the acknowledgements. */
#include "door/mqtt/mqtt_door.h"

#include "base/base_mem.h"
#include "base/base_must.h"
#include "door/mqtt/mqtt_inner.h"

const struct mqtt_profile mqtt_door_profile = {
    .receive_max = 1000,
    .alias_max = 32,
    .packet_max = 262144,
};

const struct mqtt_profile mqtt_door_profile_open = {
    .anonymous = true,
    .test_denials = true,
    .will_wait = true,
    .receive_max = 20,
    .alias_max = 10,
    .keep_alive_max_s = 60,
};

struct mqtt_listener *
mqtt_door_listener_of(struct mqtt_conn *conn)
{
    return net_conn_door(net_conn_of(conn));
}

struct mqtt_door *
mqtt_door_of(struct mqtt_conn *conn)
{
    return mqtt_door_listener_of(conn)->door;
}

/* --- writing --- */

static void
door_count_out(struct mqtt_door *door, struct bytes data)
{
    base_stat_inc(&door->stats.bytes[1], (int64_t)data.size);
}

void
mqtt_door_write(struct mqtt_session *session, struct bytes data)
{
    struct mqtt_door *door = session->door;
    struct net_conn *net = net_conn_of(session->conn);
    if (!base_list_in(&session->corked)) {
        net_conn_cork(net);
        base_list_add(&door->corked, &session->corked);
    }
    door_count_out(door, data);
    net_conn_write(net, data);
}

void
mqtt_door_uncork(struct mqtt_door *door)
{
    struct base_link *link;
    while ((link = base_list_take(&door->corked)) != NULL) {
        struct mqtt_session *session =
            BASE_OUTER(link, struct mqtt_session, corked);
        net_conn_uncork(net_conn_of(session->conn));
    }
}

void
mqtt_door_send(struct mqtt_conn *conn, uint8_t type)
{
    struct mqtt_door *door = mqtt_door_of(conn);
    base_stat_inc(&door->stats.packets[1][type], 1);
    door_count_out(door, base_out_bytes(&door->out));
    net_conn_write(net_conn_of(conn), base_out_bytes(&door->out));
}

/* --- holding the input --- */

void
mqtt_door_hold(struct mqtt_session *session, enum mqtt_hold why)
{
    struct mqtt_door *door = session->door;
    session->hold |= (uint8_t)why;
    net_conn_pause(net_conn_of(session->conn));
    if (why != MQTT_HOLD_BUSY || base_list_in(&session->busy))
        return;
    if (base_list_empty(&door->busy))
        base_loop_timer(door->config.loop, &door->busy_timer, MQTT_BUSY_MS);
    base_list_add(&door->busy, &session->busy);
}

void
mqtt_door_release(struct mqtt_session *session, enum mqtt_hold why)
{
    if (!(session->hold & why))
        return;
    session->hold &= (uint8_t)~why;
    if (session->hold == 0)
        net_conn_resume(net_conn_of(session->conn));
}

static void
door_busy_over(struct base_timer *timer)
{
    struct mqtt_door *door = BASE_OUTER(timer, struct mqtt_door, busy_timer);
    struct base_link *link;
    while ((link = base_list_take(&door->busy)) != NULL)
        mqtt_door_release(BASE_OUTER(link, struct mqtt_session, busy),
                          MQTT_HOLD_BUSY);
}

/* --- ending --- */

/* All of the end but the socket's. */
static void
door_part(struct mqtt_conn *conn, bool will)
{
    struct mqtt_door *door = mqtt_door_of(conn);
    struct mqtt_session *session = mqtt_session_of(conn);
    if (conn->state != MQTT_WAITING) {
        mqtt_ids_remove(&door->ids, conn);
        base_stat_set(&door->stats.connections, (int64_t)door->ids.count);
    }
    conn->state = MQTT_ENDED;
    mqtt_auth_forget(conn);
    if (!session)
        return;
    mqtt_subscribe_drop_all(session);
    mqtt_will_end(session, will);
    mqtt_session_end(session);
}

enum mqtt_step
mqtt_door_end(struct mqtt_conn *conn, uint8_t reason, bool will)
{
    struct mqtt_door *door = mqtt_door_of(conn);
    struct net_conn *net = net_conn_of(conn);
    if (conn->state == MQTT_ENDED)
        return MQTT_END;
    if (reason && conn->version == 5 && conn->state != MQTT_WAITING) {
        base_out_reset(&door->out);
        wire_mqtt_write_disconnect(&door->out, 5, reason);
        mqtt_door_send(conn, WIRE_MQTT_DISCONNECT);
    }
    door_part(conn, will);
    net_conn_close(net, NET_WHY_DONE);
    return MQTT_END;
}

enum mqtt_step
mqtt_door_fault(struct mqtt_conn *conn, uint8_t type,
                enum wire_mqtt_fault fault)
{
    uint8_t code = wire_mqtt_fault_code(type, fault);
    mqtt_stat_refused(mqtt_door_of(conn), type, code);
    return mqtt_door_end(conn, code, true);
}

void
mqtt_door_full(struct mqtt_conn *conn)
{
    struct mqtt_session *session = mqtt_session_make(conn);
    conn->state = MQTT_FULL;
    mqtt_door_hold(session, MQTT_HOLD_FULL);
    unsigned full_s = session->door->config.full_s;
    net_conn_deadline(net_conn_of(conn), full_s ? full_s : MQTT_FULL_S);
}

void
mqtt_door_broken(struct mqtt_door *door)
{
    if (door->shut)
        return;
    base_log_say(door->config.log, BASE_LOG_ERROR, "mqtt", "journal_failed",
                 "clients=%zu", door->ids.count);
    mqtt_door_shut(door);
}

/* --- acknowledgements --- */

static void
door_ack(struct mqtt_session *session, const struct mqtt_owed_entry *entry)
{
    struct mqtt_door *door = session->door;
    bool received = entry->flags & MQTT_OWED_PUBREC;
    uint8_t type = received ? WIRE_MQTT_PUBREC : WIRE_MQTT_PUBACK;
    wire_mqtt_write_ack(&door->out, session->conn->version, type, entry->id,
                        entry->reason);
    base_stat_inc(&door->stats.packets[1][type], 1);
    if (received && entry->reason < 0x80)
        return; /* PUBCOMP ends it */
    if (received && session->taken)
        session->taken[entry->id >> 3] &= (uint8_t) ~(1u << (entry->id & 7));
    if (session->receiving)
        session->receiving--;
}

/* Input that was too far ahead goes on at half. */
static void
door_acked(struct mqtt_session *session, uint32_t before)
{
    uint32_t after = session->owed.count;
    session->owed_bytes = after ? session->owed_bytes / before * after : 0;
    base_stat_inc(&session->door->stats.waiting,
                  (int64_t)after - (int64_t)before);
    if (after <= MQTT_OWED_MAX / 2 &&
        session->owed_bytes <= MQTT_OWED_BYTES / 2)
        mqtt_door_release(session, MQTT_HOLD_OWED);
}

void
mqtt_door_acks(struct mqtt_session *session)
{
    struct mqtt_door *door = session->door;
    struct mqtt_owed_entry entry;
    uint64_t synced = stream_synced(door->config.stream);
    uint32_t before = session->owed.count;
    if (stream_cuts(door->config.stream) != door->cuts)
        return; /* door_synced is on its way */
    door->synced = synced;
    base_out_reset(&door->out);
    while (session->conn->state == MQTT_OPEN &&
           mqtt_owed_next(&session->owed, synced, &entry)) {
        if (entry.reason >= 0x80 && session->conn->version < 5)
            mqtt_door_full(session->conn);
        else
            door_ack(session, &entry);
    }
    if (session->conn->state == MQTT_FULL)
        session->owed.count = 0;
    if (door->out.size)
        mqtt_door_write(session, base_out_bytes(&door->out));
    if (session->owed.count != before)
        door_acked(session, before);
    if (session->owed.count && !base_list_in(&session->owing))
        base_list_add(&door->owing, &session->owing);
}

/* The journal was cut back: sequences are used again, so what is above the
 * last one that was seen synced before the cut is lost, or was written since
 * and cannot be told from it. */
static void
door_cut(struct mqtt_door *door, uint64_t cuts)
{
    struct base_link *link = door->owing.next;
    for (; link != &door->owing; link = link->next)
        mqtt_owed_refuse(&BASE_OUTER(link, struct mqtt_session, owing)->owed,
                         door->synced, WIRE_MQTT_QUOTA);
    door->cuts = cuts;
}

/* All that is owed anything waits for one of two groups at most, the one being
 * written and the one being filled: walking the whole list costs no more than
 * twice what is due. */
static void
door_synced(struct stream_watch *watch)
{
    struct mqtt_door *door = BASE_OUTER(watch, struct mqtt_door, watch);
    struct stream *stream = door->config.stream;
    struct base_link due = {.next = NULL}, *link;
    uint64_t cuts = stream_cuts(stream);
    if (stream_state(stream) == ERR_IO) {
        mqtt_door_broken(door);
        return;
    }
    if (cuts != door->cuts)
        door_cut(door, cuts);
    base_list_init(&due);
    while ((link = base_list_take(&door->owing)) != NULL)
        base_list_add(&due, link);
    while ((link = base_list_take(&due)) != NULL)
        mqtt_door_acks(BASE_OUTER(link, struct mqtt_session, owing));
    mqtt_door_uncork(door);
}

/* --- packets --- */

static enum mqtt_step
door_take_quiet(struct mqtt_conn *conn, const struct wire_mqtt_head *head,
                struct bytes body)
{
    (void)body;
    mqtt_stat_refused(mqtt_door_of(conn), head->type, 0);
    return mqtt_door_end(conn, 0, true);
}

/* PINGREQ, and what a client never sends. */
static enum mqtt_step
door_take_other(struct mqtt_conn *conn, const struct wire_mqtt_head *head,
                struct bytes body)
{
    struct mqtt_door *door = mqtt_door_of(conn);
    enum wire_mqtt_fault fault =
        wire_mqtt_read_other(head->type, head->flags, body);
    if (fault != WIRE_MQTT_OK)
        return mqtt_door_fault(conn, head->type, fault);
    base_out_reset(&door->out);
    wire_mqtt_write_empty(&door->out, WIRE_MQTT_PINGRESP);
    mqtt_door_send(conn, WIRE_MQTT_PINGRESP);
    return MQTT_DONE;
}

static enum mqtt_step
door_take_disconnect(struct mqtt_conn *conn, const struct wire_mqtt_head *head,
                     struct bytes body)
{
    struct wire_mqtt_disconnect packet;
    struct mqtt_session *session = mqtt_session_of(conn);
    enum wire_mqtt_fault fault =
        wire_mqtt_read_disconnect(conn->version, head->flags, body, &packet);
    if (fault == WIRE_MQTT_OK && packet.has_expiry && packet.expiry_s &&
        (!session || session->expiry_s == 0))
        fault = WIRE_MQTT_FAULT_VALUE;
    if (fault != WIRE_MQTT_OK)
        return mqtt_door_fault(conn, head->type, fault);
    if (session && packet.has_expiry)
        session->expiry_s = packet.expiry_s;
    return mqtt_door_end(conn, 0, packet.reason != 0);
}

/* clang-format off */
#define DOOR_ALL(fn) [0 ... 15] = fn
static mqtt_take_fn *const door_table[MQTT_STATES][16] = {
    [MQTT_WAITING] = {
        door_take_quiet,                                 /* type 0 */
        mqtt_connect_take,                               /* CONNECT */
        door_take_quiet,           door_take_quiet,      /* CONNACK PUBLISH */
        door_take_quiet,           door_take_quiet,      /* PUBACK PUBREC */
        door_take_quiet,           door_take_quiet,      /* PUBREL PUBCOMP */
        door_take_quiet,           door_take_quiet,      /* SUBSCRIBE SUBACK */
        door_take_quiet,           door_take_quiet,      /* UNSUBSCRIBE -ACK */
        door_take_quiet,           door_take_quiet,      /* PINGREQ PINGRESP */
        door_take_quiet,           door_take_quiet },    /* DISCONNECT AUTH */
    [MQTT_OPEN] = {
        door_take_other,                                 /* type 0: 82 */
        door_take_quiet,                                 /* a second CONNECT */
        door_take_other,           mqtt_publish_take,    /* CONNACK PUBLISH */
        mqtt_deliver_take_ack,     mqtt_deliver_take_ack,/* PUBACK PUBREC */
        mqtt_publish_take_release, mqtt_deliver_take_ack,/* PUBREL PUBCOMP */
        mqtt_subscribe_take,       door_take_other,      /* SUBSCRIBE SUBACK */
        mqtt_subscribe_take_un,    door_take_other,      /* UNSUBSCRIBE -ACK */
        door_take_other,           door_take_other,      /* PINGREQ PINGRESP */
        door_take_disconnect,      door_take_other },    /* DISCONNECT AUTH */
    [MQTT_FULL]  = { DOOR_ALL(door_take_quiet) },        /* input is held */
    [MQTT_ENDED] = { DOOR_ALL(door_take_quiet) },        /* never called */
};
#undef DOOR_ALL
/* clang-format on */

/* The packet at the start of `in`; *ret_size 0: not all of it is there. */
static enum mqtt_step
door_packet(struct mqtt_conn *conn, struct bytes in, size_t *ret_size)
{
    struct mqtt_listener *listener = mqtt_door_listener_of(conn);
    struct wire_mqtt_head head;
    bool waiting = conn->state == MQTT_WAITING;
    *ret_size = 0;
    enum err err = wire_mqtt_read_head(in, &head);
    if (err == ERR_AGAIN)
        return MQTT_DONE;
    if (err != ERR_OK)
        return mqtt_door_fault(conn, 0, WIRE_MQTT_FAULT_SHAPE);
    size_t size = head.size + (size_t)head.body;
    if (size > listener->proto.partial_max ||
        (waiting && size > MQTT_CONNECT_MAX))
        return mqtt_door_fault(conn, head.type, WIRE_MQTT_FAULT_BIG);
    if (size > in.size)
        return MQTT_DONE;
    enum mqtt_step step = door_table[conn->state][head.type](
        conn, &head, base_bytes(in.at + head.size, head.body));
    if (step == MQTT_AGAIN)
        return step;
    base_stat_inc(&listener->door->stats.packets[0][head.type], 1);
    *ret_size = size;
    return step;
}

/* Something whole has come: the client is alive. */
static void
door_heard(struct mqtt_conn *conn, struct mqtt_session *session)
{
    struct mqtt_door *door = mqtt_door_of(conn);
    uint32_t now_s = (uint32_t)(base_loop_wall(door->config.loop).ms / 1000);
    conn->seen = (uint16_t)now_s;
    if (session)
        session->seen_s = now_s;
    if (conn->keep_alive_s && conn->state == MQTT_OPEN)
        net_conn_deadline(net_conn_of(conn),
                          conn->keep_alive_s + (conn->keep_alive_s + 1u) / 2u);
}

static size_t
door_input(struct net_conn *net, const uint8_t *at, size_t size)
{
    struct mqtt_conn *conn = net_conn_state(net);
    struct mqtt_door *door = mqtt_door_of(conn);
    struct mqtt_session *session = mqtt_session_of(conn);
    enum mqtt_step step = MQTT_DONE;
    size_t taken = 0, packet = 1;
    while (step == MQTT_DONE && packet && taken < size &&
           !(session && session->hold)) {
        step = door_packet(conn, base_bytes(at + taken, size - taken), &packet);
        taken += packet;
        session = mqtt_session_of(conn);
    }
    base_stat_inc(&door->stats.bytes[0], (int64_t)taken);
    if (step != MQTT_END && taken)
        door_heard(conn, session);
    if (session && session->owed.count)
        mqtt_door_acks(session);
    mqtt_door_uncork(door);
    return step == MQTT_END ? size : taken;
}

static bool
door_open(struct net_conn *net, void *listener)
{
    struct mqtt_conn *conn = net_conn_state(net);
    struct mqtt_door *door = ((struct mqtt_listener *)listener)->door;
    conn->since_s = (uint32_t)(base_loop_wall(door->config.loop).ms / 1000);
    conn->seen = (uint16_t)conn->since_s;
    return !door->shut;
}

static void
door_drained(struct net_conn *net)
{
    struct mqtt_session *session = mqtt_session_of(net_conn_state(net));
    if (!session)
        return;
    mqtt_deliver_pump(session);
    mqtt_door_uncork(session->door);
}

static void
door_deadline(struct net_conn *net)
{
    struct mqtt_conn *conn = net_conn_state(net);
    struct mqtt_door *door = mqtt_door_of(conn);
    struct mqtt_session *session = mqtt_session_of(conn);
    if (conn->state == MQTT_OPEN && session && session->hold) {
        door_heard(conn, session); /* we do not listen: no wonder */
        return;
    }
    uint8_t reason = conn->state == MQTT_OPEN ? WIRE_MQTT_KEEP_ALIVE : 0;
    mqtt_stat_refused(door, WIRE_MQTT_PINGREQ, reason);
    mqtt_door_end(conn, reason, true);
    mqtt_door_uncork(door);
}

static void
door_closed(struct net_conn *net, enum net_why why)
{
    struct mqtt_conn *conn = net_conn_state(net);
    struct mqtt_door *door = mqtt_door_of(conn);
    (void)why;
    if (conn->state == MQTT_ENDED)
        return;
    door_part(conn, true);
    mqtt_door_uncork(door);
}

/* --- life --- */

struct mqtt_listener *
mqtt_door_listener(struct mqtt_door *door, const struct mqtt_profile *profile)
{
    struct mqtt_listener *listener = base_mem_zero(sizeof *listener);
    size_t packet_max =
        profile->packet_max ? profile->packet_max : MQTT_PACKET_LIMIT;
    *listener = (struct mqtt_listener){
        .next = door->listeners,
        .door = door,
        .profile = *profile,
        .proto =
            {
                .name = "mqtt",
                .size = sizeof(struct mqtt_conn),
                .partial_max = packet_max,
                .high = MQTT_OUT_MAX / 4,
                .low = MQTT_OUT_MAX / 8,
                .max = packet_max + 2 * (size_t)MQTT_OUT_MAX,
                .open = door_open,
                .input = door_input,
                .drained = door_drained,
                .deadline = door_deadline,
                .closed = door_closed,
            },
    };
    return door->listeners = listener;
}

const struct net_proto *
mqtt_door_proto(const struct mqtt_listener *listener)
{
    return &listener->proto;
}

enum err
mqtt_door_new(const struct mqtt_door_config *config,
              struct mqtt_door **ret_door)
{
    struct mqtt_door *door = base_mem_zero(sizeof *door);
    struct base_random *random = config->random;
    unsigned clients_max = config->clients_max ? config->clients_max : 10000;
    door->config = *config;
    door->started = base_loop_wall(config->loop);
    mqtt_ids_init(&door->ids, clients_max, base_rng_u64(random));
    mqtt_topic_init(&door->topics, base_rng_u64(random));
    mqtt_map_init(&door->map, config->stream, base_rng_u64(random));
    base_map_init(&door->wills, base_rng_u64(random));
    base_list_init(&door->owing);
    base_list_init(&door->busy);
    base_list_init(&door->corked);
    base_out_grow(&door->out, MQTT_PACKET_LIMIT);
    base_out_grow(&door->props, MQTT_PACKET_LIMIT);
    door->refusals = base_mem_zero(MQTT_REFUSALS * sizeof *door->refusals);
    door->busy_timer.fn = door_busy_over;
    mqtt_stat_init(door);
    enum err err = mqtt_retain_load(door);
    if (err != ERR_OK) {
        mqtt_door_free(door);
        return err;
    }
    door->cuts = stream_cuts(config->stream);
    door->synced = stream_synced(config->stream);
    door->watch.fn = door_synced;
    stream_watch(config->stream, &door->watch);
    mqtt_sys_start(door);
    *ret_door = door;
    return ERR_OK;
}

void
mqtt_door_shut(struct mqtt_door *door)
{
    struct mqtt_conn *conn;
    door->shut = true;
    for (size_t i = 0; (conn = mqtt_ids_next(&door->ids, &i)) != NULL;) {
        mqtt_door_end(conn, WIRE_MQTT_SHUTTING_DOWN, true);
        i--; /* the next one may have moved here */
    }
    mqtt_will_done(door);
    base_loop_timer_clear(door->config.loop, &door->sys_timer);
    base_loop_timer_clear(door->config.loop, &door->busy_timer);
    mqtt_door_uncork(door);
}

void
mqtt_door_free(struct mqtt_door *door)
{
    struct mqtt_listener *listener;
    must(door->ids.count == 0);
    while ((listener = door->listeners) != NULL) {
        door->listeners = listener->next;
        base_mem_free(listener);
    }
    mqtt_will_done(door);
    mqtt_retain_done(door);
    mqtt_stat_done(door);
    mqtt_ids_done(&door->ids);
    mqtt_topic_done(&door->topics);
    mqtt_map_done(&door->map);
    base_map_done(&door->wills);
    base_out_done(&door->out);
    base_out_done(&door->props);
    base_mem_free(door->refusals);
    base_mem_free(door);
}
