/* wire_mqtt_write.c -- structs into packets. */
#include "wire/mqtt/wire_mqtt.h"

static unsigned
write_varint_size(size_t value)
{
    return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : 4;
}

static void
write_head(struct base_out *out, unsigned type, unsigned flags, size_t body)
{
    base_out_u8(out, (uint8_t)(type << 4 | flags));
    base_out_varint(out, body);
}

static void
write_text(struct base_out *out, struct bytes text)
{
    base_out_u16be(out, (uint16_t)text.size);
    base_out_bytes_add(out, text);
}

static void
write_u16(struct base_out *out, enum wire_mqtt_prop prop, uint32_t value,
          uint32_t otherwise)
{
    if (value == otherwise)
        return;
    base_out_u8(out, (uint8_t)prop);
    base_out_u16be(out, (uint16_t)value);
}

static void
write_u32(struct base_out *out, enum wire_mqtt_prop prop, bool present,
          uint32_t value)
{
    if (!present)
        return;
    base_out_u8(out, (uint8_t)prop);
    base_out_u32be(out, value);
}

/* In the order of spec connect 2: 22 13 12 27 21, then 11. */
static void
connack_props(struct base_out *out, const struct wire_mqtt_connack *packet)
{
    write_u16(out, WIRE_MQTT_ALIAS_MAX, packet->alias_max, 0);
    if (packet->has_keep_alive)
        write_u16(out, WIRE_MQTT_SERVER_KEEP_ALIVE, packet->keep_alive_s,
                  UINT32_MAX);
    if (packet->assigned_id.size) {
        base_out_u8(out, WIRE_MQTT_ASSIGNED_ID);
        write_text(out, packet->assigned_id);
    }
    write_u32(out, WIRE_MQTT_PACKET_MAX, packet->packet_max > 0,
              packet->packet_max);
    write_u16(out, WIRE_MQTT_RECEIVE_MAX, packet->receive_max, 0);
    write_u32(out, WIRE_MQTT_SESSION_EXPIRY, packet->has_expiry,
              packet->expiry_s);
}

void
wire_mqtt_write_connack(struct base_out *out, uint8_t version,
                        const struct wire_mqtt_connack *packet)
{
    uint8_t room[384];
    struct base_out props;
    base_out_fixed(&props, room, sizeof room);
    if (version == 5)
        connack_props(&props, packet);
    if (!base_out_ok(&props))
        props.size = 0; /* an assigned id is 41 bytes: does not happen */
    size_t block =
        version == 5 ? write_varint_size(props.size) + props.size : 0;
    write_head(out, WIRE_MQTT_CONNACK, 0, 2 + block);
    base_out_u8(out, packet->present && version > 3);
    base_out_u8(out, packet->code);
    if (version == 5) {
        base_out_varint(out, props.size);
        base_out_bytes_add(out, base_out_bytes(&props));
    }
}

void
wire_mqtt_write_ack(struct base_out *out, uint8_t version, uint8_t type,
                    uint16_t id, uint8_t reason)
{
    bool told = version == 5 && reason != 0;
    write_head(out, type, type == WIRE_MQTT_PUBREL ? 2 : 0, told ? 3 : 2);
    base_out_u16be(out, id);
    if (told)
        base_out_u8(out, reason);
}

void
wire_mqtt_write_suback(struct base_out *out, uint8_t version, uint8_t type,
                       uint16_t id, struct bytes codes)
{
    if (type == WIRE_MQTT_UNSUBACK && version != 5)
        codes.size = 0;
    write_head(out, type, 0, (version == 5 ? 3u : 2u) + codes.size);
    base_out_u16be(out, id);
    if (version == 5)
        base_out_u8(out, 0);
    base_out_bytes_add(out, codes);
}

void
wire_mqtt_write_empty(struct base_out *out, uint8_t type)
{
    write_head(out, type, 0, 0);
}

void
wire_mqtt_write_disconnect(struct base_out *out, uint8_t version,
                           uint8_t reason)
{
    bool told = version == 5 && reason != 0;
    write_head(out, WIRE_MQTT_DISCONNECT, 0, told);
    if (told)
        base_out_u8(out, reason);
}

/* --- PUBLISH --- */

static size_t
publish_props_size(const struct wire_mqtt_outgoing *packet)
{
    size_t size = packet->props.size;
    for (unsigned i = 0; i < packet->subscription_count; i++)
        size += 1u + write_varint_size(packet->subscriptions[i]);
    size += packet->has_expiry ? 5 : 0;
    size += packet->alias ? 3 : 0;
    return size;
}

static size_t
publish_body_size(const struct wire_mqtt_outgoing *packet, size_t props)
{
    size_t size =
        2 + packet->topic.size + (packet->qos ? 2 : 0) + packet->payload.size;
    if (packet->version == 5)
        size += write_varint_size(props) + props;
    return size;
}

size_t
wire_mqtt_write_publish_size(const struct wire_mqtt_outgoing *packet)
{
    size_t props = packet->version == 5 ? publish_props_size(packet) : 0;
    size_t body = publish_body_size(packet, props);
    return 1 + write_varint_size(body) + body;
}

/* Every 0B, the sender's in order of arrival, 02, 23. */
static void
publish_props(struct base_out *out, const struct wire_mqtt_outgoing *packet,
              size_t size)
{
    base_out_varint(out, size);
    for (unsigned i = 0; i < packet->subscription_count; i++) {
        base_out_u8(out, WIRE_MQTT_SUBSCRIPTION_ID);
        base_out_varint(out, packet->subscriptions[i]);
    }
    base_out_bytes_add(out, packet->props);
    write_u32(out, WIRE_MQTT_MESSAGE_EXPIRY, packet->has_expiry,
              packet->expiry_s);
    write_u16(out, WIRE_MQTT_ALIAS, packet->alias, 0);
}

void
wire_mqtt_write_publish(struct base_out *out,
                        const struct wire_mqtt_outgoing *packet)
{
    size_t props = packet->version == 5 ? publish_props_size(packet) : 0;
    unsigned flags = (unsigned)packet->dup << 3 | (unsigned)packet->qos << 1 |
                     packet->retain;
    write_head(out, WIRE_MQTT_PUBLISH, flags, publish_body_size(packet, props));
    write_text(out, packet->topic);
    if (packet->qos)
        base_out_u16be(out, packet->id);
    if (packet->version == 5)
        publish_props(out, packet, props);
    base_out_bytes_add(out, packet->payload);
}

/* --- our client side --- */

void
wire_mqtt_write_connect(struct base_out *out,
                        const struct wire_mqtt_greeting *greeting)
{
    const char *name = greeting->version == 3 ? "MQIsdp" : "MQTT";
    bool user = greeting->user.size > 0;
    size_t size = 2 + strlen(name) + 4 + (greeting->version == 5 ? 1u : 0u) +
                  2 + greeting->id.size;
    if (user)
        size += 4 + greeting->user.size + greeting->password.size;
    write_head(out, WIRE_MQTT_CONNECT, 0, size);
    write_text(out, base_bytes_text(name));
    base_out_u8(out, greeting->version);
    base_out_u8(out, user ? 0xC2 : 0x02); /* Clean Start */
    base_out_u16be(out, greeting->keep_alive_s);
    if (greeting->version == 5)
        base_out_u8(out, 0);
    write_text(out, greeting->id);
    if (!user)
        return;
    write_text(out, greeting->user);
    write_text(out, greeting->password);
}
