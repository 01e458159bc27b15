/* wire_mqtt_read.c -- packets into structs; every reader checks in the order
 * that the header gives. */
#include "wire/mqtt/wire_mqtt.h"

enum text_class {
    TEXT_CONTROL = 1,
    TEXT_WIDE = 2,
    TEXT_WILD = 4,
};

static const uint8_t text_classes[256] = {
    [0 ... 0x1F] = TEXT_CONTROL, [0x7F] = TEXT_CONTROL,
    [0x80 ... 0xFF] = TEXT_WIDE, ['+'] = TEXT_WILD,
    ['#'] = TEXT_WILD,
};

/* All classes in it, and its slashes. */
static unsigned
text_scan(struct bytes text, unsigned *ret_slashes)
{
    unsigned seen = 0, slashes = 0;
    for (size_t i = 0; i < text.size; i++) {
        seen |= text_classes[text.at[i]];
        slashes += text.at[i] == '/';
    }
    *ret_slashes = slashes;
    return seen;
}

/* Valid UTF-8 without C1 controls and non-characters? */
static bool
text_wide_fits(struct bytes text)
{
    if (!base_bytes_utf8(text))
        return false;
    for (size_t i = 0; i < text.size;) {
        uint8_t lead = text.at[i];
        unsigned size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        uint32_t point = size == 1 ? lead : lead & (0x7Fu >> size);
        for (unsigned k = 1; k < size; k++)
            point = point << 6 | (text.at[i + k] & 0x3F);
        if (size > 1 && (point < 0xA0 || (point & 0xFFFE) == 0xFFFE ||
                         (point >= 0xFDD0 && point <= 0xFDEF)))
            return false;
        i += size;
    }
    return true;
}

static bool
text_fits(struct bytes text, unsigned classes)
{
    if (classes & TEXT_CONTROL)
        return false;
    return !(classes & TEXT_WIDE) || text_wide_fits(text);
}

bool
wire_mqtt_read_is_text(struct bytes text)
{
    unsigned slashes;
    return text_fits(text, text_scan(text, &slashes));
}

/* A string at the cursor; SYNTAX if it is none. */
static struct bytes
read_string(struct base_cur *cur)
{
    struct bytes text = base_cur_take(cur, base_cur_u16be(cur));
    if (base_cur_ok(cur) && !wire_mqtt_read_is_text(text))
        base_cur_fail(cur, ERR_SYNTAX);
    return text;
}

static bool
read_is_wild(struct bytes text)
{
    unsigned slashes;
    return (text_scan(text, &slashes) & TEXT_WILD) != 0;
}

/* Are wild cards whole levels, and # the last? */
static bool
read_filter_fits(struct bytes filter)
{
    for (size_t i = 0; i < filter.size; i++) {
        uint8_t c = filter.at[i];
        if (!(text_classes[c] & TEXT_WILD))
            continue;
        bool last = i + 1 == filter.size;
        if (i > 0 && filter.at[i - 1] != '/')
            return false;
        if (!last && (c == '#' || filter.at[i + 1] != '/'))
            return false;
    }
    return filter.size > 0;
}

bool
wire_mqtt_read_share(struct bytes filter, struct bytes *ret_group,
                     struct bytes *ret_filter)
{
    static const char start[] = "$share";
    size_t size = sizeof start - 1;
    *ret_group = (struct bytes){NULL, 0};
    *ret_filter = filter;
    if (filter.size < size || memcmp(filter.at, start, size) != 0 ||
        (filter.size > size && filter.at[size] != '/'))
        return false;
    struct bytes rest = base_bytes_slice(filter, size + 1, filter.size);
    size_t slash = base_bytes_find(rest, '/');
    *ret_group = base_bytes_slice(rest, 0, slash);
    *ret_filter = base_bytes_slice(rest, slash + 1, rest.size);
    return true;
}

enum err
wire_mqtt_read_head(struct bytes in, struct wire_mqtt_head *ret_head)
{
    uint32_t value = 0;
    for (unsigned i = 1; i < 5; i++) {
        if (i >= in.size)
            return ERR_AGAIN;
        uint8_t byte = in.at[i];
        value |= (uint32_t)(byte & 0x7F) << (7 * (i - 1));
        if (byte & 0x80)
            continue;
        if (byte == 0 && i > 1)
            return ERR_SYNTAX;
        *ret_head = (struct wire_mqtt_head){
            .type = in.at[0] >> 4,
            .flags = in.at[0] & 15,
            .size = (uint8_t)(i + 1),
            .body = value,
        };
        return ERR_OK;
    }
    return ERR_SYNTAX;
}

/* --- CONNECT --- */

enum connect_bit {
    CONNECT_RESERVED = 0x01,
    CONNECT_CLEAN = 0x02,
    CONNECT_WILL = 0x04,
    CONNECT_WILL_QOS = 0x18,
    CONNECT_WILL_RETAIN = 0x20,
    CONNECT_PASSWORD = 0x40,
    CONNECT_USER = 0x80,
};

static enum wire_mqtt_fault
connect_name(struct base_cur *cur, struct wire_mqtt_connect *ret)
{
    struct bytes name = base_cur_take(cur, base_cur_u16be(cur));
    uint8_t level = base_cur_u8(cur);
    bool old = base_bytes_is(name, "MQIsdp");
    if (!base_cur_ok(cur) || (!old && !base_bytes_is(name, "MQTT")))
        return WIRE_MQTT_FAULT_PROTOCOL;
    ret->bridge = (level & 0x80) != 0;
    ret->version = level & 0x7F;
    if (old ? ret->version != 3 : ret->version != 4 && ret->version != 5)
        return WIRE_MQTT_FAULT_LEVEL;
    return WIRE_MQTT_OK;
}

static bool
connect_bits_fit(const struct wire_mqtt_connect *connect, uint8_t bits)
{
    if (!connect->will && bits & (CONNECT_WILL_QOS | CONNECT_WILL_RETAIN))
        return false;
    if (bits & CONNECT_RESERVED && connect->version != 3)
        return false;
    if (connect->has_password && !connect->has_user && connect->version != 5)
        return false;
    return connect->will_qos < 3;
}

static bool
connect_values_fit(const struct wire_mqtt_connect *connect)
{
    const struct wire_mqtt_props *p = &connect->props;
    const struct wire_mqtt_props *w = &connect->will_props;
    if (connect->will &&
        (connect->will_topic.size == 0 || read_is_wild(connect->will_topic)))
        return false;
    return wire_mqtt_props_number(p, WIRE_MQTT_RECEIVE_MAX, 1) > 0 &&
           wire_mqtt_props_number(p, WIRE_MQTT_PACKET_MAX, 1) > 0 &&
           wire_mqtt_props_number(p, WIRE_MQTT_REQUEST_PROBLEM, 0) <= 1 &&
           wire_mqtt_props_number(p, WIRE_MQTT_REQUEST_RESPONSE, 0) <= 1 &&
           wire_mqtt_props_number(w, WIRE_MQTT_PAYLOAD_FORMAT, 0) <= 1 &&
           !read_is_wild(wire_mqtt_props_text(w, WIRE_MQTT_RESPONSE_TOPIC));
}

/* All after the protocol level. */
static enum wire_mqtt_fault
connect_rest(struct base_cur *cur, struct wire_mqtt_connect *ret)
{
    enum wire_mqtt_fault fault = WIRE_MQTT_OK;
    uint8_t bits = base_cur_u8(cur);
    ret->keep_alive_s = base_cur_u16be(cur);
    ret->clean = (bits & CONNECT_CLEAN) != 0;
    ret->will = (bits & CONNECT_WILL) != 0;
    ret->will_qos = bits >> 3 & 3;
    ret->will_retain = (bits & CONNECT_WILL_RETAIN) != 0;
    ret->has_password = (bits & CONNECT_PASSWORD) != 0;
    ret->has_user = (bits & CONNECT_USER) != 0;
    if (!connect_bits_fit(ret, bits))
        return WIRE_MQTT_FAULT_SHAPE;
    if (ret->version == 5)
        fault = wire_mqtt_props_read(cur, WIRE_MQTT_IN_CONNECT, &ret->props);
    if (fault != WIRE_MQTT_OK)
        return fault;
    ret->id = read_string(cur);
    if (ret->will && ret->version == 5)
        fault = wire_mqtt_props_read(cur, WIRE_MQTT_IN_WILL, &ret->will_props);
    if (fault != WIRE_MQTT_OK)
        return fault;
    if (ret->will) {
        ret->will_topic = read_string(cur);
        ret->will_payload = base_cur_take(cur, base_cur_u16be(cur));
    }
    if (ret->has_user)
        ret->user = read_string(cur);
    if (ret->has_password)
        ret->password = base_cur_take(cur, base_cur_u16be(cur));
    if (!base_cur_ok(cur) || base_cur_left(cur) > 0)
        return WIRE_MQTT_FAULT_SHAPE;
    return connect_values_fit(ret) ? WIRE_MQTT_OK : WIRE_MQTT_FAULT_VALUE;
}

enum wire_mqtt_fault
wire_mqtt_read_connect(uint8_t flags, struct bytes body,
                       struct wire_mqtt_connect *ret)
{
    struct base_cur cur;
    *ret = (struct wire_mqtt_connect){0};
    base_cur_init(&cur, body);
    enum wire_mqtt_fault fault = connect_name(&cur, ret);
    if (fault != WIRE_MQTT_FAULT_PROTOCOL && flags != 0 && ret->version != 3)
        return WIRE_MQTT_FAULT_FLAGS;
    return fault == WIRE_MQTT_OK ? connect_rest(&cur, ret) : fault;
}

/* --- PUBLISH --- */

static enum wire_mqtt_fault
publish_values(uint8_t version, unsigned classes, unsigned slashes,
               const struct wire_mqtt_publish *publish)
{
    const struct wire_mqtt_props *props = &publish->props;
    bool alias = version == 5 && wire_mqtt_props_has(props, WIRE_MQTT_ALIAS);
    if (classes & TEXT_WILD || (publish->topic.size == 0 && !alias))
        return WIRE_MQTT_FAULT_TOPIC;
    if (publish->qos > 0 && publish->id == 0)
        return WIRE_MQTT_FAULT_ID;
    if (slashes > WIRE_MQTT_LEVELS)
        return WIRE_MQTT_FAULT_VALUE;
    if (version < 5 || props->seen == 0)
        return WIRE_MQTT_OK;
    if (wire_mqtt_props_number(props, WIRE_MQTT_SUBSCRIPTION_ID, 1) == 0)
        return WIRE_MQTT_FAULT_SUBID;
    if (wire_mqtt_props_number(props, WIRE_MQTT_PAYLOAD_FORMAT, 0) > 1 ||
        read_is_wild(wire_mqtt_props_text(props, WIRE_MQTT_RESPONSE_TOPIC)))
        return WIRE_MQTT_FAULT_VALUE;
    if (alias && wire_mqtt_props_number(props, WIRE_MQTT_ALIAS, 0) == 0)
        return WIRE_MQTT_FAULT_ALIAS;
    return WIRE_MQTT_OK;
}

enum wire_mqtt_fault
wire_mqtt_read_publish(uint8_t version, uint8_t flags, struct bytes body,
                       struct wire_mqtt_publish *ret)
{
    struct base_cur cur;
    unsigned slashes;
    base_cur_init(&cur, body);
    ret->dup = (flags & 8) != 0;
    ret->retain = (flags & 1) != 0;
    ret->qos = flags >> 1 & 3;
    ret->props.seen = 0;
    ret->props.raw = (struct bytes){NULL, 0};
    if (ret->qos == 3)
        return WIRE_MQTT_FAULT_QOS;
    if (ret->dup && ret->qos == 0)
        return WIRE_MQTT_FAULT_FLAGS;
    ret->topic = base_cur_take(&cur, base_cur_u16be(&cur));
    ret->id = ret->qos ? base_cur_u16be(&cur) : 0;
    unsigned classes = text_scan(ret->topic, &slashes);
    if (!base_cur_ok(&cur) || !text_fits(ret->topic, classes))
        return WIRE_MQTT_FAULT_SHAPE;
    if (version == 5) {
        enum wire_mqtt_fault fault =
            wire_mqtt_props_read(&cur, WIRE_MQTT_IN_PUBLISH, &ret->props);
        if (fault != WIRE_MQTT_OK)
            return fault;
    }
    ret->payload = base_cur_rest(&cur);
    return publish_values(version, classes, slashes, ret);
}

/* --- PUBACK PUBREC PUBREL PUBCOMP --- */

static bool
ack_reason_fits(uint8_t type, uint8_t reason)
{
    static const uint8_t published[] = {0x10, 0x80, 0x83, 0x87,
                                        0x90, 0x91, 0x97, 0x99};
    if (reason == 0)
        return true;
    if (type == WIRE_MQTT_PUBREL || type == WIRE_MQTT_PUBCOMP)
        return reason == WIRE_MQTT_PACKET_ID_NOT_FOUND;
    return memchr(published, reason, sizeof published) != NULL;
}

enum wire_mqtt_fault
wire_mqtt_read_ack(uint8_t version, uint8_t type, uint8_t flags,
                   struct bytes body, struct wire_mqtt_ack *ret)
{
    struct wire_mqtt_props props;
    struct base_cur cur;
    uint8_t due = type == WIRE_MQTT_PUBREL ? 2 : 0;
    bool again = version == 3 && type == WIRE_MQTT_PUBREL && flags == 10;
    if (flags != due && !again)
        return WIRE_MQTT_FAULT_FLAGS;
    base_cur_init(&cur, body);
    ret->id = base_cur_u16be(&cur);
    ret->reason = 0;
    if (version == 5 && base_cur_left(&cur) > 0)
        ret->reason = base_cur_u8(&cur);
    if (version == 5 && base_cur_left(&cur) > 0) {
        enum wire_mqtt_fault fault =
            wire_mqtt_props_read(&cur, WIRE_MQTT_IN_ACK, &props);
        if (fault == WIRE_MQTT_FAULT_PROPS || base_cur_left(&cur) > 0)
            return WIRE_MQTT_FAULT_SHAPE;
        if (fault != WIRE_MQTT_OK)
            return fault;
    }
    if (!base_cur_ok(&cur) || base_cur_left(&cur) > 0)
        return WIRE_MQTT_FAULT_SHAPE;
    if (ret->id == 0)
        return WIRE_MQTT_FAULT_ID;
    return ack_reason_fits(type, ret->reason) ? WIRE_MQTT_OK
                                              : WIRE_MQTT_FAULT_REASON;
}

/* --- SUBSCRIBE, UNSUBSCRIBE --- */

bool
wire_mqtt_read_filter(struct wire_mqtt_subscribe *packet,
                      struct bytes *ret_filter, uint8_t *ret_options)
{
    struct base_cur *cur = &packet->filters;
    if (!base_cur_ok(cur) || base_cur_left(cur) == 0)
        return false;
    *ret_filter = read_string(cur);
    *ret_options = packet->options ? base_cur_u8(cur) : 0;
    return base_cur_ok(cur);
}

static enum wire_mqtt_fault
subscribe_options(uint8_t version, uint8_t options)
{
    uint8_t known = version == 5 ? 0x3F : WIRE_MQTT_SUB_QOS;
    bool fits = !(options & ~known) && (options & WIRE_MQTT_SUB_QOS) != 3 &&
                (options & WIRE_MQTT_SUB_HANDLING) != WIRE_MQTT_SUB_HANDLING;
    return fits ? WIRE_MQTT_OK : WIRE_MQTT_FAULT_OPTIONS;
}

static enum wire_mqtt_fault
subscribe_filter(uint8_t version, struct bytes filter, uint8_t options)
{
    struct bytes group, inner;
    unsigned slashes;
    bool shared = wire_mqtt_read_share(filter, &group, &inner);
    if (filter.size == 0)
        return WIRE_MQTT_FAULT_TOPIC;
    if (shared && (group.size == 0 || inner.size == 0 || read_is_wild(group) ||
                   options & WIRE_MQTT_SUB_NO_LOCAL))
        return WIRE_MQTT_FAULT_SHARE;
    if (!read_filter_fits(inner))
        return WIRE_MQTT_FAULT_TOPIC;
    text_scan(filter, &slashes);
    if (slashes > WIRE_MQTT_LEVELS)
        return WIRE_MQTT_FAULT_FILTER_DEEP;
    return subscribe_options(version, options);
}

/* The filters of a body whose shape is known to be right, counted. */
static enum wire_mqtt_fault
subscribe_values(uint8_t version, struct wire_mqtt_subscribe packet)
{
    struct bytes filter;
    uint8_t options;
    while (wire_mqtt_read_filter(&packet, &filter, &options)) {
        enum wire_mqtt_fault fault = subscribe_filter(version, filter, options);
        if (fault != WIRE_MQTT_OK)
            return fault;
    }
    return WIRE_MQTT_OK;
}

/* Counts the filters; false: cut short, a bad string, or none at all. */
static bool
subscribe_shape(struct wire_mqtt_subscribe packet, uint16_t *ret_count)
{
    struct bytes filter;
    uint8_t options;
    unsigned count = 0;
    while (wire_mqtt_read_filter(&packet, &filter, &options))
        count++;
    *ret_count = (uint16_t)(count < UINT16_MAX ? count : UINT16_MAX);
    return count > 0 && base_cur_ok(&packet.filters);
}

enum wire_mqtt_fault
wire_mqtt_read_subscribe(uint8_t version, uint8_t type, uint8_t flags,
                         struct bytes body, struct wire_mqtt_subscribe *ret)
{
    struct wire_mqtt_props props = {.seen = 0};
    enum wire_mqtt_fault fault = WIRE_MQTT_OK;
    struct base_cur cur;
    bool subscribe = type == WIRE_MQTT_SUBSCRIBE;
    if (flags != 2 && !(version == 3 && flags == 10))
        return WIRE_MQTT_FAULT_FLAGS;
    base_cur_init(&cur, body);
    *ret = (struct wire_mqtt_subscribe){.options = subscribe};
    ret->id = base_cur_u16be(&cur);
    if (!base_cur_ok(&cur))
        return WIRE_MQTT_FAULT_SHAPE;
    if (version == 5)
        fault = wire_mqtt_props_read(
            &cur, subscribe ? WIRE_MQTT_IN_SUBSCRIBE : WIRE_MQTT_IN_UNSUBSCRIBE,
            &props);
    ret->filters = cur;
    if (fault == WIRE_MQTT_FAULT_PROPS)
        return fault;
    if (!subscribe_shape(*ret, &ret->count))
        return WIRE_MQTT_FAULT_SHAPE;
    if (fault != WIRE_MQTT_OK)
        return fault;
    if (ret->id == 0)
        return WIRE_MQTT_FAULT_ID;
    ret->subscription_id =
        wire_mqtt_props_number(&props, WIRE_MQTT_SUBSCRIPTION_ID, 0);
    if (props.seen >> WIRE_MQTT_SUBSCRIPTION_ID & 1 &&
        ret->subscription_id == 0)
        return WIRE_MQTT_FAULT_SUBID;
    return subscribe_values(version, *ret);
}

/* --- the rest --- */

enum wire_mqtt_fault
wire_mqtt_read_disconnect(uint8_t version, uint8_t flags, struct bytes body,
                          struct wire_mqtt_disconnect *ret)
{
    struct wire_mqtt_props props = {.seen = 0};
    enum wire_mqtt_fault fault = WIRE_MQTT_OK;
    struct base_cur cur;
    *ret = (struct wire_mqtt_disconnect){0};
    if (flags != 0)
        return WIRE_MQTT_FAULT_FLAGS;
    if (body.size == 0)
        return WIRE_MQTT_OK;
    if (version != 5)
        return WIRE_MQTT_FAULT_SHAPE;
    base_cur_init(&cur, body);
    ret->reason = base_cur_u8(&cur);
    if (base_cur_left(&cur) > 0)
        fault = wire_mqtt_props_read(&cur, WIRE_MQTT_IN_DISCONNECT, &props);
    if (fault == WIRE_MQTT_OK && base_cur_left(&cur) > 0)
        return WIRE_MQTT_FAULT_SHAPE;
    ret->has_expiry = wire_mqtt_props_has(&props, WIRE_MQTT_SESSION_EXPIRY);
    ret->expiry_s = wire_mqtt_props_number(&props, WIRE_MQTT_SESSION_EXPIRY, 0);
    return fault;
}

enum wire_mqtt_fault
wire_mqtt_read_other(uint8_t type, uint8_t flags, struct bytes body)
{
    switch (type) {
    case WIRE_MQTT_PINGREQ:
        if (flags != 0)
            return WIRE_MQTT_FAULT_FLAGS;
        return body.size ? WIRE_MQTT_FAULT_SHAPE : WIRE_MQTT_OK;
    case WIRE_MQTT_PINGRESP:
        return body.size ? WIRE_MQTT_FAULT_SHAPE : WIRE_MQTT_FAULT_TYPE;
    case WIRE_MQTT_SUBACK:
    case WIRE_MQTT_UNSUBACK:
        return flags ? WIRE_MQTT_FAULT_FLAGS : WIRE_MQTT_FAULT_TYPE;
    default:
        return WIRE_MQTT_FAULT_TYPE;
    }
}

enum wire_mqtt_fault
wire_mqtt_read_connack(uint8_t version, struct bytes body,
                       struct wire_mqtt_connack *ret)
{
    struct wire_mqtt_props p = {.seen = 0};
    enum wire_mqtt_fault fault = WIRE_MQTT_OK;
    struct base_cur cur;
    base_cur_init(&cur, body);
    *ret = (struct wire_mqtt_connack){0};
    ret->present = base_cur_u8(&cur) & 1;
    ret->code = base_cur_u8(&cur);
    if (version == 5 && base_cur_left(&cur) > 0)
        fault = wire_mqtt_props_read(&cur, WIRE_MQTT_IN_CONNACK, &p);
    if (!base_cur_ok(&cur) || base_cur_left(&cur) > 0)
        return WIRE_MQTT_FAULT_SHAPE;
    ret->alias_max =
        (uint16_t)wire_mqtt_props_number(&p, WIRE_MQTT_ALIAS_MAX, 0);
    ret->has_keep_alive = wire_mqtt_props_has(&p, WIRE_MQTT_SERVER_KEEP_ALIVE);
    ret->keep_alive_s =
        (uint16_t)wire_mqtt_props_number(&p, WIRE_MQTT_SERVER_KEEP_ALIVE, 0);
    ret->has_expiry = wire_mqtt_props_has(&p, WIRE_MQTT_SESSION_EXPIRY);
    ret->expiry_s = wire_mqtt_props_number(&p, WIRE_MQTT_SESSION_EXPIRY, 0);
    ret->receive_max =
        (uint16_t)wire_mqtt_props_number(&p, WIRE_MQTT_RECEIVE_MAX, 0);
    ret->packet_max = wire_mqtt_props_number(&p, WIRE_MQTT_PACKET_MAX, 0);
    ret->assigned_id = wire_mqtt_props_text(&p, WIRE_MQTT_ASSIGNED_ID);
    return fault;
}
