/* wire_mqtt_props.c -- the property block, by one table of 27 rows. */
#include "wire/mqtt/wire_mqtt.h"

enum prop_kind {
    PROP_NONE,
    PROP_U8,
    PROP_U16,
    PROP_U32,
    PROP_VARINT,
    PROP_STRING,
    PROP_BINARY,
    PROP_PAIR,
};

struct prop_row {
    uint8_t kind;
    uint8_t slot; /* in number[] or text[] */
    uint16_t where;
};

enum {
    P = WIRE_MQTT_IN_PUBLISH,
    W = WIRE_MQTT_IN_WILL,
    C = WIRE_MQTT_IN_CONNECT,
    K = WIRE_MQTT_IN_CONNACK,
    S = WIRE_MQTT_IN_SUBSCRIBE,
    D = WIRE_MQTT_IN_DISCONNECT,
    A = WIRE_MQTT_IN_AUTH,
    R = WIRE_MQTT_IN_ACK,
    ANY = 0x1FF,
};

/* clang-format off */
static const struct prop_row prop_rows[WIRE_MQTT_PROPS] = {
    [WIRE_MQTT_PAYLOAD_FORMAT]     = {PROP_U8,      0, P | W},
    [WIRE_MQTT_MESSAGE_EXPIRY]     = {PROP_U32,     1, P | W},
    [WIRE_MQTT_CONTENT_TYPE]       = {PROP_STRING,  0, P | W},
    [WIRE_MQTT_RESPONSE_TOPIC]     = {PROP_STRING,  1, P | W},
    [WIRE_MQTT_CORRELATION]        = {PROP_BINARY,  2, P | W},
    [WIRE_MQTT_SUBSCRIPTION_ID]    = {PROP_VARINT,  2, P | S},
    [WIRE_MQTT_SESSION_EXPIRY]     = {PROP_U32,     3, C | K | D},
    [WIRE_MQTT_ASSIGNED_ID]        = {PROP_STRING,  3, K},
    [WIRE_MQTT_SERVER_KEEP_ALIVE]  = {PROP_U16,     4, K},
    [WIRE_MQTT_AUTH_METHOD]        = {PROP_STRING,  4, C | K | A},
    [WIRE_MQTT_AUTH_DATA]          = {PROP_BINARY,  5, C | K | A},
    [WIRE_MQTT_REQUEST_PROBLEM]    = {PROP_U8,      5, C},
    [WIRE_MQTT_WILL_DELAY]         = {PROP_U32,     6, W},
    [WIRE_MQTT_REQUEST_RESPONSE]   = {PROP_U8,      7, C},
    [WIRE_MQTT_RESPONSE_INFO]      = {PROP_STRING,  6, K},
    [WIRE_MQTT_SERVER_REFERENCE]   = {PROP_STRING,  7, K | D},
    [WIRE_MQTT_REASON_STRING]      = {PROP_STRING,  8, K | R | D | A},
    [WIRE_MQTT_RECEIVE_MAX]        = {PROP_U16,     8, C | K},
    [WIRE_MQTT_ALIAS_MAX]          = {PROP_U16,     9, C | K},
    [WIRE_MQTT_ALIAS]              = {PROP_U16,    10, P},
    [WIRE_MQTT_MAX_QOS]            = {PROP_U8,     11, K},
    [WIRE_MQTT_RETAIN_AVAILABLE]   = {PROP_U8,     12, K},
    [WIRE_MQTT_USER_PROPERTY]      = {PROP_PAIR,    0, ANY},
    [WIRE_MQTT_PACKET_MAX]         = {PROP_U32,    13, C | K},
    [WIRE_MQTT_WILDCARD_AVAILABLE] = {PROP_U8,     14, K},
    [WIRE_MQTT_SUBID_AVAILABLE]    = {PROP_U8,     15, K},
    [WIRE_MQTT_SHARED_AVAILABLE]   = {PROP_U8,     16, K},
};
/* clang-format on */

static const uint64_t PROP_FORWARD =
    1ull << WIRE_MQTT_PAYLOAD_FORMAT | 1ull << WIRE_MQTT_CONTENT_TYPE |
    1ull << WIRE_MQTT_RESPONSE_TOPIC | 1ull << WIRE_MQTT_CORRELATION |
    1ull << WIRE_MQTT_USER_PROPERTY;

static struct bytes
prop_string(struct base_cur *cur)
{
    struct bytes text = base_cur_take(cur, base_cur_u16be(cur));
    if (base_cur_ok(cur) && !wire_mqtt_read_is_text(text))
        base_cur_fail(cur, ERR_SYNTAX);
    return text;
}

/* One value at the cursor into its slot. */
static void
prop_value(struct base_cur *cur, const struct prop_row *row,
           struct wire_mqtt_props *props)
{
    uint64_t number;
    switch (row->kind) {
    case PROP_U8:
        props->number[row->slot] = base_cur_u8(cur);
        break;
    case PROP_U16:
        props->number[row->slot] = base_cur_u16be(cur);
        break;
    case PROP_U32:
        props->number[row->slot] = base_cur_u32be(cur);
        break;
    case PROP_VARINT:
        number = base_cur_varint(cur);
        if (number > 0x0FFFFFFF)
            base_cur_fail(cur, ERR_RANGE);
        props->number[row->slot] = (uint32_t)number;
        break;
    case PROP_BINARY:
        props->text[row->slot] = base_cur_take(cur, base_cur_u16be(cur));
        break;
    case PROP_PAIR:
        prop_string(cur);
        prop_string(cur);
        break;
    default:
        props->text[row->slot] = prop_string(cur);
        break;
    }
}

enum wire_mqtt_fault
wire_mqtt_props_read(struct base_cur *cur, enum wire_mqtt_where where,
                     struct wire_mqtt_props *ret_props)
{
    enum wire_mqtt_fault fault = WIRE_MQTT_OK;
    struct base_cur block;
    ret_props->seen = 0;
    ret_props->raw = base_cur_take(cur, base_cur_varint(cur));
    base_cur_init(&block, ret_props->raw);
    while (base_cur_ok(&block) && base_cur_left(&block) > 0) {
        uint64_t id = base_cur_varint(&block);
        if (id >= WIRE_MQTT_PROPS || prop_rows[id].kind == PROP_NONE)
            return WIRE_MQTT_FAULT_PROPS;
        prop_value(&block, &prop_rows[id], ret_props);
        uint64_t bit = 1ull << id;
        if (fault == WIRE_MQTT_OK && !(prop_rows[id].where & where))
            fault = WIRE_MQTT_FAULT_PLACE;
        if (fault == WIRE_MQTT_OK && ret_props->seen & bit &&
            id != WIRE_MQTT_USER_PROPERTY)
            fault = WIRE_MQTT_FAULT_TWICE;
        ret_props->seen |= bit;
    }
    if (!base_cur_ok(&block) || !base_cur_ok(cur))
        return WIRE_MQTT_FAULT_PROPS;
    return fault;
}

bool
wire_mqtt_props_has(const struct wire_mqtt_props *props,
                    enum wire_mqtt_prop prop)
{
    return props->seen >> prop & 1;
}

uint32_t
wire_mqtt_props_number(const struct wire_mqtt_props *props,
                       enum wire_mqtt_prop prop, uint32_t otherwise)
{
    return wire_mqtt_props_has(props, prop)
               ? props->number[prop_rows[prop].slot]
               : otherwise;
}

struct bytes
wire_mqtt_props_text(const struct wire_mqtt_props *props,
                     enum wire_mqtt_prop prop)
{
    if (!wire_mqtt_props_has(props, prop))
        return (struct bytes){NULL, 0};
    return props->text[prop_rows[prop].slot];
}

void
wire_mqtt_props_forward(struct bytes raw, struct base_out *out)
{
    struct wire_mqtt_props ignored;
    struct base_cur cur;
    base_cur_init(&cur, raw);
    while (base_cur_ok(&cur) && base_cur_left(&cur) > 0) {
        const uint8_t *from = cur.at;
        uint64_t id = base_cur_varint(&cur);
        if (id >= WIRE_MQTT_PROPS || prop_rows[id].kind == PROP_NONE)
            return;
        prop_value(&cur, &prop_rows[id], &ignored);
        if (base_cur_ok(&cur) && PROP_FORWARD >> id & 1)
            base_out_bytes_add(out, base_bytes(from, (size_t)(cur.at - from)));
    }
}
