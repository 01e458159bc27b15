/* mqtt_will.c -- the message of those who leave without a word.
 *
 *   connection ends, not by DISCONNECT 00
 *     |-- no delay ------------------------------> published
 *     '-- delay, and the client asked for a session that outlives it, or the
 *         profile waits for all (will_wait: Session Expiry absent)
 *           '--> waiting -- delay or session expiry over --> published
 *                   |------ back with Clean Start ---------> published
 *                   |       (unless any reconnection cancels)
 *                   '------ back --------------------------> cancelled
 *
 * Waiting wills are in memory: they are sent when the door is shut in order,
 * and lost in a crash, like the sessions that they belong to. */
#include "base/base_mem.h"
#include "door/mqtt/mqtt_inner.h"

struct mqtt_will_wait {
    struct base_timer timer;
    struct mqtt_door *door;
    struct mqtt_will *will;
    struct bytes id; /* heap */
};

void
mqtt_will_set(struct mqtt_session *session,
              const struct wire_mqtt_connect *connect,
              const struct mqtt_profile *profile)
{
    struct mqtt_door *door = session->door;
    const struct wire_mqtt_props *props = &connect->will_props;
    struct mqtt_will *will = base_mem_zero(sizeof *will);
    base_out_reset(&door->props);
    wire_mqtt_props_forward(connect->version == 5 ? props->raw
                                                  : (struct bytes){NULL, 0},
                            &door->props);
    struct mqtt_view view = {
        .topic = connect->will_topic,
        .payload = connect->will_payload,
        .props = base_out_bytes(&door->props),
        .qos = connect->will_qos,
        .retain = connect->will_retain,
        .has_expiry = wire_mqtt_props_has(props, WIRE_MQTT_MESSAGE_EXPIRY),
        .expiry_s = wire_mqtt_props_number(props, WIRE_MQTT_MESSAGE_EXPIRY, 0),
    };
    will->message = mqtt_message_of(&view);
    mqtt_message_drop(view.message);
    will->delay_s = wire_mqtt_props_number(props, WIRE_MQTT_WILL_DELAY, 0);
    will->any = profile->will_wait &&
                !wire_mqtt_props_has(&connect->props, WIRE_MQTT_SESSION_EXPIRY);
    session->will = will;
}

static void
will_drop(struct mqtt_will *will)
{
    mqtt_message_drop(will->message);
    base_mem_free(will);
}

static void
will_publish(struct mqtt_door *door, struct mqtt_will *will)
{
    struct mqtt_view view = mqtt_message_view(will->message);
    view.arrived_ms = base_loop_wall(door->config.loop).ms;
    will->message->arrived_ms = view.arrived_ms;
    mqtt_publish_inner(door, &view, true);
    will_drop(will);
}

static void
will_wait_drop(struct mqtt_will_wait *wait)
{
    base_loop_timer_clear(wait->door->config.loop, &wait->timer);
    base_map_remove(&wait->door->wills, wait->id);
    base_mem_free((void *)(uintptr_t)wait->id.at);
    base_mem_free(wait);
}

static void
will_due(struct base_timer *timer)
{
    struct mqtt_will_wait *wait =
        BASE_OUTER(timer, struct mqtt_will_wait, timer);
    struct mqtt_door *door = wait->door;
    struct mqtt_will *will = wait->will;
    will_wait_drop(wait);
    will_publish(door, will);
    mqtt_door_uncork(door);
}

void
mqtt_will_end(struct mqtt_session *session, bool publish)
{
    struct mqtt_door *door = session->door;
    struct mqtt_will *will = session->will;
    session->will = NULL;
    if (!will)
        return;
    if (!publish) {
        will_drop(will);
        return;
    }
    uint32_t delay_s = will->delay_s;
    if (!will->any && delay_s > session->expiry_s)
        delay_s = session->expiry_s;
    if (delay_s == 0 || door->shut) {
        will_publish(door, will);
        return;
    }
    struct mqtt_will_wait *wait = base_mem_zero(sizeof *wait);
    wait->door = door;
    wait->will = will;
    wait->id = base_bytes(base_mem_copy(session->id.at, session->id.size),
                          session->id.size);
    wait->timer.fn = will_due;
    base_map_put(&door->wills, wait->id, wait);
    base_loop_timer(door->config.loop, &wait->timer, (int64_t)delay_s * 1000);
}

void
mqtt_will_back(struct mqtt_door *door, struct bytes id, bool clean)
{
    struct mqtt_will_wait *wait = base_map_get(&door->wills, id);
    if (!wait)
        return;
    struct mqtt_will *will = wait->will;
    will_wait_drop(wait);
    if (clean && !will->any)
        will_publish(door, will);
    else
        will_drop(will);
}

void
mqtt_will_done(struct mqtt_door *door)
{
    struct bytes id;
    void *wait;
    for (size_t i = 0; base_map_next(&door->wills, &i, &id, &wait); i = 0) {
        struct mqtt_will *will = ((struct mqtt_will_wait *)wait)->will;
        will_wait_drop(wait);
        will_publish(door, will);
    }
}
