/* mqtt_retain.c -- retained messages: in the topic tree, and on disk.
 *
 * Kept by stream_keep, kind RETAINED, name = topic; value, version 1:
 *
 *     offset size
 *          0    1  version, 1
 *          1    1  bits 0-1 QoS, bit 2 an expiry follows from the sender
 *          2    8  arrival, wall ms, big-endian
 *         10    4  expiry in seconds, big-endian (0 without one)
 *         14    4  size of the properties, big-endian
 *         18    p  properties as forwarded
 *       18+p       payload
 *
 * Dead letters (kind DEADLETTER) are a ring of 1,000 names, "0".."999"; value,
 * version 1: version u8, number u64 and time u64 big-endian, then four strings
 * with sizes u16 big-endian: client id, topic, why, payload (cut to 60,000).
 *
 * An acknowledgement owed for one of these is released when it is durable. */
#include <stdio.h>

#include "base/base_mem.h"
#include "door/mqtt/mqtt_inner.h"

enum { RETAIN_VERSION = 1, RETAIN_EXPIRES = 4, LETTER_PAYLOAD = 60000 };

/* --- in the tree --- */

/* The node holds this message from now on, or none. */
static void
retain_replace(struct mqtt_door *door, struct mqtt_topic_node *node,
               struct mqtt_message *message)
{
    struct mqtt_message *old = node->retained;
    node->retained = message;
    if (old) {
        door->retained_count--;
        door->retained_bytes -= mqtt_message_size(old);
        mqtt_message_drop(old);
    }
    if (message) {
        door->retained_count++;
        door->retained_bytes += mqtt_message_size(message);
    }
    if (message && message->has_expiry) {
        int64_t end = message->arrived_ms + (int64_t)message->expiry_s * 1000;
        if (!door->retained_expiry_ms || end < door->retained_expiry_ms)
            door->retained_expiry_ms = end;
    }
    base_stat_set(&door->stats.retained, door->retained_count);
    if (!message)
        mqtt_topic_drop(&door->topics, node);
}

enum err
mqtt_retain_set(struct mqtt_door *door, struct mqtt_view *view)
{
    if (view->payload.size == 0) {
        struct mqtt_topic_node *node =
            mqtt_topic_find(&door->topics, view->topic);
        if (node && node->retained)
            retain_replace(door, node, NULL);
        return ERR_OK;
    }
    size_t size = view->topic.size + view->props.size + view->payload.size;
    struct mqtt_topic_node *node = NULL;
    if (size <= MQTT_KEEP_BYTES && door->retained_count < MQTT_RETAINED_COUNT &&
        size <= MQTT_RETAINED_BYTES - door->retained_bytes)
        node = mqtt_topic_make(&door->topics, view->topic);
    if (!node) {
        base_stat_inc(&door->stats.limits[MQTT_LIMIT_RETAINED], 1);
        return ERR_LIMIT;
    }
    retain_replace(door, node, mqtt_message_of(view));
    return ERR_OK;
}

/* --- to a new subscriber --- */

struct retain_walk {
    struct mqtt_sub *sub;
    struct wall now;
};

static bool
retain_send(void *self, struct mqtt_topic_node *node)
{
    struct retain_walk *walk = self;
    struct mqtt_sub *sub = walk->sub;
    struct mqtt_view view = mqtt_message_view(node->retained);
    uint32_t left;
    if (mqtt_message_left(&view, walk->now, &left))
        mqtt_deliver_to(sub->session, &view, sub->options & WIRE_MQTT_SUB_QOS,
                        true, &sub->subscription_id, sub->subscription_id != 0);
    return true;
}

void
mqtt_retain_send(struct mqtt_sub *sub, struct bytes filter)
{
    struct mqtt_door *door = sub->session->door;
    struct retain_walk walk = {.sub = sub,
                               .now = base_loop_wall(door->config.loop)};
    mqtt_topic_scan(&door->topics, filter, retain_send, &walk);
}

/* --- expired ones --- */

enum { RETAIN_SWEEP = 256 };

struct retain_sweep {
    struct wall now;
    int64_t next_ms;
    struct mqtt_topic_node *expired[RETAIN_SWEEP];
    unsigned count;
};

static bool
retain_sweep_one(void *self, struct mqtt_topic_node *node)
{
    struct retain_sweep *sweep = self;
    struct mqtt_view view = mqtt_message_view(node->retained);
    int64_t end = view.arrived_ms + (int64_t)view.expiry_s * 1000;
    uint32_t left;
    if (!view.has_expiry)
        return true;
    if (mqtt_message_left(&view, sweep->now, &left)) {
        if (!sweep->next_ms || end < sweep->next_ms)
            sweep->next_ms = end;
        return true;
    }
    sweep->expired[sweep->count++] = node;
    return sweep->count < RETAIN_SWEEP;
}

void
mqtt_retain_sweep(struct mqtt_door *door)
{
    struct retain_sweep sweep = {.now = base_loop_wall(door->config.loop)};
    if (!door->retained_expiry_ms || sweep.now.ms < door->retained_expiry_ms)
        return;
    mqtt_topic_scan(&door->topics, (struct bytes){NULL, 0}, retain_sweep_one,
                    &sweep);
    door->retained_expiry_ms =
        sweep.count == RETAIN_SWEEP ? sweep.now.ms : sweep.next_ms;
    for (unsigned i = 0; i < sweep.count; i++) {
        struct mqtt_message *message = sweep.expired[i]->retained;
        struct mqtt_view gone = mqtt_message_view(message);
        message->references++; /* its topic is needed below */
        retain_replace(door, sweep.expired[i], NULL);
        gone.payload.size = 0;
        mqtt_retain_keep(door, NULL, 0, &gone);
        mqtt_message_drop(message);
        door->stats.expired++;
    }
}

/* --- on disk --- */

static void
retain_kept(struct stream_keep_call *call, enum err err)
{
    struct mqtt_keep *keep = (struct mqtt_keep *)(void *)call;
    struct mqtt_door *door = keep->door;
    struct mqtt_session *session = keep->session;
    door->keeps--;
    if (base_list_in(&keep->link))
        base_list_remove(&keep->link);
    if (session) {
        mqtt_owed_release(&session->owed, keep->ticket,
                          err == ERR_OK ? 0 : WIRE_MQTT_QUOTA);
        mqtt_door_acks(session);
        mqtt_door_uncork(door);
    }
    if (err != ERR_OK)
        base_log_say(door->config.log, BASE_LOG_WARN, "mqtt", "not_kept",
                     "error=%s", base_err_name(err));
    base_mem_free(keep);
    if (err == ERR_IO)
        mqtt_door_broken(door);
}

static void
retain_put(struct mqtt_door *door, struct mqtt_session *session,
           uint32_t ticket, enum stream_keep_kind kind, struct bytes name,
           struct bytes value)
{
    struct mqtt_keep *keep = base_mem_zero(sizeof *keep);
    keep->call.done = retain_kept;
    keep->door = door;
    keep->session = session;
    keep->ticket = ticket;
    if (session)
        base_list_add(&session->keeps, &keep->link);
    door->keeps++;
    stream_keep_put(door->config.keep, &keep->call, kind, name, value);
}

void
mqtt_retain_keep(struct mqtt_door *door, struct mqtt_session *session,
                 uint32_t ticket, const struct mqtt_view *view)
{
    struct base_out *out = &door->out;
    if (!door->config.keep || door->shut)
        return; /* what a shutdown retains lives on in memory only */
    base_out_reset(out);
    if (view->payload.size) {
        base_out_u8(out, RETAIN_VERSION);
        base_out_u8(out, (uint8_t)(view->qos |
                                   (view->has_expiry ? RETAIN_EXPIRES : 0)));
        base_out_u64be(out, (uint64_t)view->arrived_ms);
        base_out_u32be(out, view->has_expiry ? view->expiry_s : 0);
        base_out_u32be(out, (uint32_t)view->props.size);
        base_out_bytes_add(out, view->props);
        base_out_bytes_add(out, view->payload);
    }
    struct bytes value = base_out_bytes(out);
    if (value.size == 0)
        value.at = NULL; /* deletes */
    retain_put(door, session, ticket, STREAM_KEEP_RETAINED, view->topic, value);
}

static void
retain_load_one(void *self, struct bytes name, struct bytes value)
{
    struct mqtt_door *door = self;
    struct base_cur cur;
    uint32_t left;
    base_cur_init(&cur, value);
    uint8_t version = base_cur_u8(&cur), flags = base_cur_u8(&cur);
    struct mqtt_view view = {
        .topic = name,
        .qos = flags & 3,
        .retain = true,
        .has_expiry = (flags & RETAIN_EXPIRES) != 0,
        .arrived_ms = (int64_t)base_cur_u64be(&cur),
        .expiry_s = base_cur_u32be(&cur),
    };
    view.props = base_cur_take(&cur, base_cur_u32be(&cur));
    view.payload = base_cur_rest(&cur);
    if (!base_cur_ok(&cur) || version != RETAIN_VERSION ||
        !mqtt_message_left(&view, door->started, &left))
        return;
    mqtt_retain_set(door, &view);
    mqtt_message_drop(view.message);
}

/* --- dead letters --- */

static void
retain_letter_text(struct base_out *out, struct bytes text)
{
    text = base_bytes_slice(text, 0, LETTER_PAYLOAD);
    base_out_u16be(out, (uint16_t)text.size);
    base_out_bytes_add(out, text);
}

bool
mqtt_retain_has_letters(struct mqtt_door *door)
{
    if (!door->config.keep)
        return false;
    if (!stream_low(door->config.stream))
        return true;
    base_stat_inc(&door->stats.limits[MQTT_LIMIT_LETTERS], 1);
    return false;
}

void
mqtt_retain_letter(struct mqtt_door *door, struct mqtt_session *session,
                   uint32_t ticket, struct bytes topic, struct bytes payload,
                   const char *why)
{
    char name[16];
    struct base_out *out = &door->out;
    int size = snprintf(name, sizeof name, "%u",
                        (unsigned)(door->letter % MQTT_DEADLETTERS));
    base_out_reset(out);
    base_out_u8(out, RETAIN_VERSION);
    base_out_u64be(out, door->letter++);
    base_out_u64be(out, (uint64_t)base_loop_wall(door->config.loop).ms);
    retain_letter_text(out, session->id);
    retain_letter_text(out, topic);
    retain_letter_text(out, base_bytes_text(why));
    retain_letter_text(out, payload);
    base_stat_inc(&door->stats.deadletters, 1);
    retain_put(door, session, ticket, STREAM_KEEP_DEADLETTER,
               base_bytes(name, (size_t)size), base_out_bytes(out));
}

static void
retain_load_letter(void *self, struct bytes name, struct bytes value)
{
    struct mqtt_door *door = self;
    struct base_cur cur;
    (void)name;
    base_cur_init(&cur, value);
    base_cur_u8(&cur);
    uint64_t number = base_cur_u64be(&cur);
    if (base_cur_ok(&cur) && number >= door->letter)
        door->letter = number + 1;
}

/* --- life --- */

enum err
mqtt_retain_load(struct mqtt_door *door)
{
    struct stream_keep *keep = door->config.keep;
    if (!keep)
        return ERR_OK;
    enum err err =
        stream_keep_load(keep, STREAM_KEEP_RETAINED, retain_load_one, door);
    if (err == ERR_OK)
        err = stream_keep_load(keep, STREAM_KEEP_DEADLETTER, retain_load_letter,
                               door);
    return err;
}

static bool
retain_collect(void *self, struct mqtt_topic_node *node)
{
    *(struct mqtt_topic_node **)self = node;
    return false;
}

void
mqtt_retain_done(struct mqtt_door *door)
{
    for (;;) {
        struct mqtt_topic_node *node = NULL;
        mqtt_topic_scan(&door->topics, (struct bytes){NULL, 0}, retain_collect,
                        &node);
        if (!node)
            return;
        retain_replace(door, node, NULL);
    }
}
