/* wire_mqtt_fuzz.c -- first byte: the version; the rest: packets in a row.
 * Nothing read lies outside the packet, a PUBLISH written from what was read
 * reads the same, and every fault has an answer. */
#include "base/base_must.h"
#include "wire/mqtt/wire_mqtt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_inside(struct bytes body, struct bytes part)
{
    if (part.size == 0)
        return;
    must(part.at >= body.at);
    must(part.at + part.size <= body.at + body.size);
}

/* Write what was read, read it again. */
static void
fuzz_publish_again(uint8_t version, const struct wire_mqtt_publish *read)
{
    static uint8_t room[1 << 17], props_room[1 << 16];
    struct wire_mqtt_publish again;
    struct wire_mqtt_head head;
    struct base_out out, props;
    base_out_fixed(&props, props_room, sizeof props_room);
    wire_mqtt_props_forward(read->props.raw, &props);
    if (!base_out_ok(&props))
        return;
    struct wire_mqtt_outgoing outgoing = {
        .version = version,
        .qos = read->qos,
        .retain = read->retain,
        .id = read->id,
        .topic = read->topic,
        .payload = read->payload,
        .props = base_out_bytes(&props),
        .has_expiry = true,
        .expiry_s = 7,
        .alias = read->topic.size ? 0 : 1,
    };
    base_out_fixed(&out, room, sizeof room);
    wire_mqtt_write_publish(&out, &outgoing);
    if (!base_out_ok(&out))
        return;
    must(out.size == wire_mqtt_write_publish_size(&outgoing));
    must(wire_mqtt_read_head(base_out_bytes(&out), &head) == ERR_OK);
    must(head.size + head.body == out.size);
    struct bytes body = base_bytes(out.at + head.size, head.body);
    must(wire_mqtt_read_publish(version, head.flags, body, &again) ==
         WIRE_MQTT_OK);
    must(base_bytes_equal(again.topic, read->topic));
    must(base_bytes_equal(again.payload, read->payload));
    must(again.id == read->id && again.qos == read->qos);
}

static enum wire_mqtt_fault
fuzz_subscribe(uint8_t version, const struct wire_mqtt_head *head,
               struct bytes body)
{
    struct wire_mqtt_subscribe packet;
    struct bytes filter;
    uint8_t options;
    enum wire_mqtt_fault fault = wire_mqtt_read_subscribe(
        version, head->type, head->flags, body, &packet);
    unsigned count = 0;
    while (fault == WIRE_MQTT_OK &&
           wire_mqtt_read_filter(&packet, &filter, &options)) {
        fuzz_inside(body, filter);
        must(filter.size > 0);
        count++;
    }
    must(fault != WIRE_MQTT_OK || count == packet.count ||
         packet.count == UINT16_MAX);
    return fault;
}

static enum wire_mqtt_fault
fuzz_packet(uint8_t version, const struct wire_mqtt_head *head,
            struct bytes body)
{
    struct wire_mqtt_connect connect;
    struct wire_mqtt_connack connack;
    struct wire_mqtt_publish publish;
    struct wire_mqtt_disconnect disconnect;
    struct wire_mqtt_ack ack;
    enum wire_mqtt_fault fault;
    switch (head->type) {
    case WIRE_MQTT_CONNECT:
        fault = wire_mqtt_read_connect(head->flags, body, &connect);
        if (fault == WIRE_MQTT_OK) {
            fuzz_inside(body, connect.id);
            fuzz_inside(body, connect.will_topic);
            fuzz_inside(body, connect.will_payload);
            fuzz_inside(body, connect.password);
        }
        return fault;
    case WIRE_MQTT_CONNACK:
        return wire_mqtt_read_connack(version, body, &connack);
    case WIRE_MQTT_PUBLISH:
        fault = wire_mqtt_read_publish(version, head->flags, body, &publish);
        if (fault == WIRE_MQTT_OK) {
            fuzz_inside(body, publish.topic);
            fuzz_inside(body, publish.payload);
            fuzz_publish_again(version, &publish);
        }
        return fault;
    case WIRE_MQTT_PUBACK:
    case WIRE_MQTT_PUBREC:
    case WIRE_MQTT_PUBREL:
    case WIRE_MQTT_PUBCOMP:
        return wire_mqtt_read_ack(version, head->type, head->flags, body, &ack);
    case WIRE_MQTT_SUBSCRIBE:
    case WIRE_MQTT_UNSUBSCRIBE:
        return fuzz_subscribe(version, head, body);
    case WIRE_MQTT_DISCONNECT:
        return wire_mqtt_read_disconnect(version, head->flags, body,
                                         &disconnect);
    default:
        return wire_mqtt_read_other(head->type, head->flags, body);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    uint8_t version = (uint8_t)(3 + data[0] % 3);
    struct bytes in = base_bytes(data + 1, size - 1);
    struct wire_mqtt_head head;
    while (wire_mqtt_read_head(in, &head) == ERR_OK &&
           head.size + head.body <= in.size) {
        struct bytes body = base_bytes(in.at + head.size, head.body);
        enum wire_mqtt_fault fault = fuzz_packet(version, &head, body);
        must(fault < WIRE_MQTT_FAULTS);
        (void)wire_mqtt_fault_code(head.type, fault);
        size_t step = head.size + head.body;
        in = base_bytes(in.at + step, in.size - step);
    }
    return 0;
}
