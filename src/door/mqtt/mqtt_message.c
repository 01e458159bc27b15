/* mqtt_message.c -- messages that outlive their packets, counted by
 * references. */
#include "base/base_mem.h"
#include "door/mqtt/mqtt_inner.h"

static uint8_t *
message_put(uint8_t *to, struct bytes from)
{
    if (from.size)
        memcpy(to, from.at, from.size);
    return to + from.size;
}

struct mqtt_message *
mqtt_message_of(struct mqtt_view *view)
{
    struct mqtt_message *message = view->message;
    if (message) {
        message->references++;
        return message;
    }
    size_t size = view->topic.size + view->props.size + view->payload.size;
    message = base_mem_new(sizeof *message + size);
    *message = (struct mqtt_message){
        .references = 2,
        .qos = view->qos,
        .retain = view->retain,
        .has_expiry = view->has_expiry,
        .expiry_s = view->expiry_s,
        .arrived_ms = view->arrived_ms,
        .topic_size = (uint32_t)view->topic.size,
        .props_size = (uint32_t)view->props.size,
        .payload_size = (uint32_t)view->payload.size,
    };
    uint8_t *at = message_put(message->bytes, view->topic);
    at = message_put(at, view->props);
    message_put(at, view->payload);
    view->message = message;
    return message;
}

void
mqtt_message_drop(struct mqtt_message *message)
{
    if (message && --message->references == 0)
        base_mem_free(message);
}

struct mqtt_view
mqtt_message_view(struct mqtt_message *message)
{
    const uint8_t *at = message->bytes;
    return (struct mqtt_view){
        .topic = base_bytes(at, message->topic_size),
        .props = base_bytes(at + message->topic_size, message->props_size),
        .payload = base_bytes(at + message->topic_size + message->props_size,
                              message->payload_size),
        .qos = message->qos,
        .retain = message->retain,
        .has_expiry = message->has_expiry,
        .expiry_s = message->expiry_s,
        .arrived_ms = message->arrived_ms,
        .message = message,
    };
}

size_t
mqtt_message_size(const struct mqtt_message *message)
{
    return sizeof *message + message->topic_size + message->props_size +
           message->payload_size;
}

bool
mqtt_message_left(const struct mqtt_view *view, struct wall now,
                  uint32_t *ret_left)
{
    int64_t waited_s = (now.ms - view->arrived_ms) / 1000;
    *ret_left = view->expiry_s;
    if (!view->has_expiry || waited_s <= 0)
        return true;
    if (waited_s >= view->expiry_s)
        return false;
    *ret_left = view->expiry_s - (uint32_t)waited_s;
    return true;
}
