/* wire_mqtt_test.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/base_b64.h"
#include "base/base_mem.h"
#include "wire/mqtt/wire_mqtt.h"

static uint8_t packet_room[1024];

/* Hex with spaces -> bytes. */
static struct bytes
packet(const char *hex)
{
    char tight[2048];
    size_t size = 0;
    for (; *hex; hex++)
        if (*hex != ' ')
            tight[size++] = *hex;
    struct bytes text = base_bytes(tight, size);
    assert_int_equal(base_b64_unhex(text, packet_room, size / 2), ERR_OK);
    return base_bytes(packet_room, size / 2);
}

static struct bytes
body_of(const char *hex, struct wire_mqtt_head *ret_head)
{
    struct bytes whole = packet(hex);
    assert_int_equal(wire_mqtt_read_head(whole, ret_head), ERR_OK);
    assert_int_equal(ret_head->size + ret_head->body, whole.size);
    return base_bytes_slice(whole, ret_head->size, whole.size);
}

/* The fault of a packet that a client of this version sends. */
static enum wire_mqtt_fault
fault_of(uint8_t version, const char *hex)
{
    struct wire_mqtt_connect connect;
    struct wire_mqtt_publish publish;
    struct wire_mqtt_subscribe subscribe;
    struct wire_mqtt_disconnect disconnect;
    struct wire_mqtt_ack ack;
    struct wire_mqtt_head head;
    struct bytes body = body_of(hex, &head);
    switch (head.type) {
    case WIRE_MQTT_CONNECT:
        return wire_mqtt_read_connect(head.flags, body, &connect);
    case WIRE_MQTT_PUBLISH:
        return wire_mqtt_read_publish(version, head.flags, body, &publish);
    case WIRE_MQTT_SUBSCRIBE:
    case WIRE_MQTT_UNSUBSCRIBE:
        return wire_mqtt_read_subscribe(version, head.type, head.flags, body,
                                        &subscribe);
    case WIRE_MQTT_DISCONNECT:
        return wire_mqtt_read_disconnect(version, head.flags, body,
                                         &disconnect);
    case WIRE_MQTT_PUBACK:
    case WIRE_MQTT_PUBREC:
    case WIRE_MQTT_PUBREL:
    case WIRE_MQTT_PUBCOMP:
        return wire_mqtt_read_ack(version, head.type, head.flags, body, &ack);
    default:
        return wire_mqtt_read_other(head.type, head.flags, body);
    }
}

struct fault_case {
    uint8_t version;
    const char *hex;
    enum wire_mqtt_fault fault;
    uint8_t code; /* of 5.0 */
};

/* clang-format off */
static const struct fault_case fault_cases[] = {
    /* CONNECT */
    {0, "10 0D 0004 4D515454 04 02 000A 0001 70", WIRE_MQTT_OK, 0},
    {0, "12 0D 0004 4D515454 04 02 000A 0001 70", WIRE_MQTT_FAULT_FLAGS, 0},
    {0, "14 0F 0006 4D5149736470 03 02 000A 0001 70", WIRE_MQTT_OK, 0},
    {0, "10 0D 0004 4D515454 06 02 000A 0001 70", WIRE_MQTT_FAULT_LEVEL, 0},
    {0, "10 0D 0004 4D515454 84 02 000A 0001 70", WIRE_MQTT_OK, 0},
    {0, "10 0D 0004 4D515455 04 02 000A 0001 70", WIRE_MQTT_FAULT_PROTOCOL, 0},
    {0, "10 0D 0004 4D515454 04 03 000A 0001 70", WIRE_MQTT_FAULT_SHAPE, 0},
    {0, "10 10 0004 4D515454 04 42 000A 0001 70 0001 70", WIRE_MQTT_FAULT_SHAPE, 0},
    {0, "10 11 0004 4D515454 05 42 000A 00 0001 70 0001 70", WIRE_MQTT_OK, 0},
    {0, "10 13 0004 4D515454 04 06 000A 0001 70 0001 23 0001 70", WIRE_MQTT_FAULT_VALUE, 0},
    {0, "10 11 0004 4D515454 05 02 000A 03 210000 0001 70", WIRE_MQTT_FAULT_VALUE, 0},
    {0, "10 10 0004 4D515454 05 02 000A 02 1702 0001 70", WIRE_MQTT_FAULT_VALUE, 0},
    /* PUBLISH */
    {4, "30 0A 0001 70 6D657373616765", WIRE_MQTT_OK, 0},
    {4, "36 0A 0001 70 6D657373616765", WIRE_MQTT_FAULT_QOS, 0x81},
    {4, "38 0A 0001 70 6D657373616765", WIRE_MQTT_FAULT_FLAGS, 0x81},
    {4, "32 05 0001 70 0000", WIRE_MQTT_FAULT_ID, 0x82},
    {4, "30 03 0001 23", WIRE_MQTT_FAULT_TOPIC, 0x81},
    {4, "30 02 0000", WIRE_MQTT_FAULT_TOPIC, 0x81},
    {4, "30 04 0002 C280", WIRE_MQTT_FAULT_SHAPE, 0x81},
    {4, "30 05 0003 EFBFBF", WIRE_MQTT_FAULT_SHAPE, 0x81},
    {4, "30 05 0003 EFB790", WIRE_MQTT_FAULT_SHAPE, 0x81},
    {4, "30 06 0004 F09FBFBE", WIRE_MQTT_FAULT_SHAPE, 0x81},
    {4, "30 06 0004 F09F9880", WIRE_MQTT_OK, 0},
    {5, "30 04 0001 70 00", WIRE_MQTT_OK, 0},
    {5, "30 06 0001 70 02 0102", WIRE_MQTT_FAULT_VALUE, 0x82},
    {5, "30 06 0001 70 02 0B00", WIRE_MQTT_FAULT_SUBID, 0x81},
    {5, "30 06 0001 70 02 0B01", WIRE_MQTT_OK, 0},
    {5, "30 07 0001 70 03 230000", WIRE_MQTT_FAULT_ALIAS, 0x94},
    {5, "30 06 0000 03 230001", WIRE_MQTT_OK, 0},
    {5, "30 08 0001 70 04 08000123", WIRE_MQTT_FAULT_VALUE, 0x82},
    {5, "30 06 0001 70 02 1700", WIRE_MQTT_FAULT_PLACE, 0x82},
    {5, "30 08 0001 70 04 01000101", WIRE_MQTT_FAULT_TWICE, 0x82},
    {5, "30 07 0001 70 03 170004", WIRE_MQTT_FAULT_PROPS, 0x81},
    {5, "30 07 0001 70 03 800001", WIRE_MQTT_FAULT_PROPS, 0x81},
    {5, "30 04 0001 70 01", WIRE_MQTT_FAULT_PROPS, 0x81},
    /* acks */
    {4, "40 02 0001", WIRE_MQTT_OK, 0},
    {4, "40 03 0001 00", WIRE_MQTT_FAULT_SHAPE, 0x81},
    {4, "40 02 0000", WIRE_MQTT_FAULT_ID, 0x82},
    {4, "40 01 00", WIRE_MQTT_FAULT_SHAPE, 0x81},
    {4, "60 02 0001", WIRE_MQTT_FAULT_FLAGS, 0x81},
    {4, "6A 02 0001", WIRE_MQTT_FAULT_FLAGS, 0x81},
    {3, "6A 02 0001", WIRE_MQTT_OK, 0},
    {5, "40 03 0001 10", WIRE_MQTT_OK, 0},
    {5, "40 03 0001 92", WIRE_MQTT_FAULT_REASON, 0x82},
    {5, "62 03 0001 92", WIRE_MQTT_OK, 0},
    {5, "62 03 0001 80", WIRE_MQTT_FAULT_REASON, 0x82},
    {5, "40 06 0001 00 02 0101", WIRE_MQTT_FAULT_PLACE, 0x82},
    {5, "40 05 0001 00 00 00", WIRE_MQTT_FAULT_SHAPE, 0x81},
    /* SUBSCRIBE, UNSUBSCRIBE */
    {4, "82 06 1234 0001 70 02", WIRE_MQTT_OK, 0},
    {4, "80 06 1234 0001 70 02", WIRE_MQTT_FAULT_FLAGS, 0x81},
    {3, "8A 06 1234 0001 70 02", WIRE_MQTT_OK, 0},
    {4, "82 06 1234 0001 70 04", WIRE_MQTT_FAULT_OPTIONS, 0x81},
    {4, "82 06 0000 0001 70 00", WIRE_MQTT_FAULT_ID, 0x82},
    {4, "82 02 1234", WIRE_MQTT_FAULT_SHAPE, 0x81},
    {4, "82 05 1234 0000 00", WIRE_MQTT_FAULT_TOPIC, 0x81},
    {4, "82 07 1234 0002 6123 00", WIRE_MQTT_FAULT_TOPIC, 0x81},
    {4, "82 08 1234 0003 232F61 00", WIRE_MQTT_FAULT_TOPIC, 0x81},
    {4, "82 08 1234 0003 2B2F2B 00", WIRE_MQTT_OK, 0},
    {5, "82 07 1234 00 0001 70 2F", WIRE_MQTT_FAULT_OPTIONS, 0x81},
    {5, "82 07 1234 00 0001 70 2E", WIRE_MQTT_OK, 0},
    {5, "82 07 1234 00 0001 70 30", WIRE_MQTT_FAULT_OPTIONS, 0x81},
    {5, "82 0E 1234 00 0008 2473686172652F70 00", WIRE_MQTT_FAULT_SHARE, 0x82},
    {5, "82 10 1234 00 000A 2473686172652F702F70 04", WIRE_MQTT_FAULT_SHARE, 0x82},
    {5, "82 09 1234 02 0B00 0001 70 00", WIRE_MQTT_FAULT_SUBID, 0x81},
    {5, "82 09 1234 02 0100 0001 70 00", WIRE_MQTT_FAULT_PLACE, 0x81},
    {5, "82 0B 1234 04 0B010B01 0001 70 00", WIRE_MQTT_FAULT_TWICE, 0x82},
    {4, "A2 05 1234 0001 70", WIRE_MQTT_OK, 0},
    {5, "A2 08 1234 02 0B01 0001 70", WIRE_MQTT_FAULT_PLACE, 0x81},
    {4, "A2 04 1234 0000", WIRE_MQTT_FAULT_TOPIC, 0x81},
    /* the rest */
    {5, "E0 00", WIRE_MQTT_OK, 0},
    {5, "E1 00", WIRE_MQTT_FAULT_FLAGS, 0x81},
    {5, "E0 07 00 05 11 00000000", WIRE_MQTT_OK, 0},
    {5, "E0 05 00 03 11 0000", WIRE_MQTT_FAULT_PROPS, 0x81},
    {4, "E0 01 00", WIRE_MQTT_FAULT_SHAPE, 0x81},
    {5, "C0 00", WIRE_MQTT_OK, 0},
    {5, "C1 00", WIRE_MQTT_FAULT_FLAGS, 0x81},
    {5, "C0 01 00", WIRE_MQTT_FAULT_SHAPE, 0},
    {5, "D0 00", WIRE_MQTT_FAULT_TYPE, 0x82},
    {5, "D0 01 00", WIRE_MQTT_FAULT_SHAPE, 0},
    {5, "90 00", WIRE_MQTT_FAULT_TYPE, 0x82},
    {5, "91 00", WIRE_MQTT_FAULT_FLAGS, 0x81},
    {5, "00 00", WIRE_MQTT_FAULT_TYPE, 0x82},
    {5, "F0 00", WIRE_MQTT_FAULT_TYPE, 0x82},
    {5, "21 02 0000", WIRE_MQTT_FAULT_TYPE, 0x82},
};
/* clang-format on */

static void
every_fault_has_its_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(fault_cases); i++) {
        const struct fault_case *c = &fault_cases[i];
        enum wire_mqtt_fault fault = fault_of(c->version, c->hex);
        uint8_t code = wire_mqtt_fault_code(packet(c->hex).at[0] >> 4, fault);
        if (fault != c->fault || code != c->code)
            fail_msg("%s (version %d): fault %d, code %x", c->hex, c->version,
                     (int)fault, code);
    }
}

static void
a_head_is_read_byte_by_byte(void **state)
{
    (void)state;
    struct wire_mqtt_head head;
    struct bytes whole = packet("32 FF FF FF 7F");
    for (size_t n = 0; n < whole.size; n++)
        assert_int_equal(wire_mqtt_read_head(base_bytes(whole.at, n), &head),
                         ERR_AGAIN);
    assert_int_equal(wire_mqtt_read_head(whole, &head), ERR_OK);
    assert_int_equal(head.body, 268435455);
    assert_int_equal(head.size, 5);
    assert_int_equal(wire_mqtt_read_head(packet("30FFFFFFFF01"), &head),
                     ERR_SYNTAX);
    assert_int_equal(wire_mqtt_read_head(packet("308000"), &head), ERR_SYNTAX);
}

static void
a_connect_gives_all_its_fields(void **state)
{
    (void)state;
    struct wire_mqtt_connect c;
    struct wire_mqtt_head head;
    struct bytes body = body_of("10 2D 0004 4D515454 05 EE 003C"
                                "05 11 00000E10 0002 6964"
                                "05 18 00000005 0001 74 0003 000102"
                                "0004 75736572 0002 7077"
                                "00",
                                &head);
    body.size--; /* the byte left over is another test's */
    assert_int_equal(wire_mqtt_read_connect(head.flags, body, &c),
                     WIRE_MQTT_OK);
    assert_int_equal(c.version, 5);
    assert_true(c.clean && c.will && c.will_retain && c.has_user);
    assert_int_equal(c.will_qos, 1);
    assert_int_equal(c.keep_alive_s, 60);
    assert_true(base_bytes_is(c.id, "id"));
    assert_true(base_bytes_is(c.will_topic, "t"));
    assert_int_equal(c.will_payload.size, 3);
    assert_true(base_bytes_is(c.user, "user"));
    assert_true(base_bytes_is(c.password, "pw"));
    assert_int_equal(
        wire_mqtt_props_number(&c.props, WIRE_MQTT_SESSION_EXPIRY, 0), 3600);
    assert_int_equal(
        wire_mqtt_props_number(&c.will_props, WIRE_MQTT_WILL_DELAY, 0), 5);
    body.size++;
    assert_int_equal(wire_mqtt_read_connect(head.flags, body, &c),
                     WIRE_MQTT_FAULT_SHAPE);
}

static void
our_connect_is_read_as_it_was_meant(void **state)
{
    (void)state;
    for (uint8_t version = 3; version <= 5; version++) {
        uint8_t room[64];
        struct base_out out;
        struct wire_mqtt_head head;
        struct wire_mqtt_connect c;
        struct wire_mqtt_greeting greeting = {
            .version = version,
            .keep_alive_s = 60,
            .id = base_bytes_text("id"),
        };
        for (unsigned named = 0; named < 2; named++) {
            if (named) {
                greeting.user = base_bytes_text("user");
                greeting.password = base_bytes_text("pw");
            }
            base_out_fixed(&out, room, sizeof room);
            wire_mqtt_write_connect(&out, &greeting);
            assert_int_equal(wire_mqtt_read_head(base_out_bytes(&out), &head),
                             ERR_OK);
            struct bytes body = base_bytes(room + head.size, head.body);
            assert_int_equal(head.size + head.body, out.size);
            assert_int_equal(wire_mqtt_read_connect(head.flags, body, &c),
                             WIRE_MQTT_OK);
            assert_int_equal(c.version, version);
            assert_true(c.clean && !c.will);
            assert_true(base_bytes_is(c.id, "id"));
            assert_int_equal(c.has_user, named);
            assert_int_equal(c.has_password, named);
            assert_true(!named || base_bytes_is(c.user, "user"));
            assert_true(!named || base_bytes_is(c.password, "pw"));
        }
    }
}

static void
only_what_is_the_receivers_goes_on(void **state)
{
    (void)state;
    uint8_t room[64];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    wire_mqtt_props_forward(packet("0101 0200000001 26000170000171 0B01 230001"
                                   "0900 01 70 26000172000173"),
                            &out);
    assert_true(base_bytes_equal(
        base_out_bytes(&out),
        packet("0101 26000170000171 09000170 26000172000173")));
}

static void
what_we_send_is_byte_for_byte(void **state)
{
    (void)state;
    uint8_t room[256];
    struct base_out out;
    const uint32_t ids[] = {1, 128};
    base_out_fixed(&out, room, sizeof room);
    wire_mqtt_write_connack(
        &out, 5,
        &(struct wire_mqtt_connack){.alias_max = 10, .receive_max = 20});
    wire_mqtt_write_connack(&out, 4, &(struct wire_mqtt_connack){.code = 5});
    wire_mqtt_write_ack(&out, 5, WIRE_MQTT_PUBACK, 0x1234, 0);
    wire_mqtt_write_ack(&out, 5, WIRE_MQTT_PUBACK, 0x1234, 0x10);
    wire_mqtt_write_ack(&out, 4, WIRE_MQTT_PUBREL, 1, 0x92);
    wire_mqtt_write_suback(&out, 5, WIRE_MQTT_SUBACK, 1,
                           base_bytes("\x01\x87", 2));
    wire_mqtt_write_suback(&out, 4, WIRE_MQTT_UNSUBACK, 1, base_bytes("", 1));
    wire_mqtt_write_empty(&out, WIRE_MQTT_PINGRESP);
    wire_mqtt_write_disconnect(&out, 5, 0x8E);
    assert_true(base_bytes_equal(
        base_out_bytes(&out),
        packet("2009 00 00 06 22000A 210014 20020005 40021234 4003123410"
               "62020001 9005 0001 00 0187 B0020001 D000 E0018E")));
    base_out_reset(&out);
    struct wire_mqtt_outgoing publish = {
        .version = 5,
        .qos = 1,
        .dup = true,
        .retain = true,
        .id = 9,
        .topic = base_bytes_text("ab"),
        .payload = base_bytes_text("x"),
        .props = base_bytes("\x01\x01", 2),
        .has_expiry = true,
        .expiry_s = 2,
        .alias = 3,
        .subscriptions = ids,
        .subscription_count = 2,
    };
    wire_mqtt_write_publish(&out, &publish);
    assert_int_equal(out.size, wire_mqtt_write_publish_size(&publish));
    assert_true(base_bytes_equal(base_out_bytes(&out),
                                 packet("3B 17 0002 6162 0009 0F 0B01 0B8001"
                                        "0101 0200000002 230003 78")));
}

static void
a_share_is_taken_apart(void **state)
{
    (void)state;
    struct bytes group, filter;
    assert_true(
        wire_mqtt_read_share(base_bytes_text("$share/g/a/+"), &group, &filter));
    assert_true(base_bytes_is(group, "g"));
    assert_true(base_bytes_is(filter, "a/+"));
    assert_false(
        wire_mqtt_read_share(base_bytes_text("$shared/g/a"), &group, &filter));
    assert_true(
        wire_mqtt_read_share(base_bytes_text("$share"), &group, &filter));
    assert_int_equal(group.size + filter.size, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_has_its_answer),
        cmocka_unit_test(a_head_is_read_byte_by_byte),
        cmocka_unit_test(a_connect_gives_all_its_fields),
        cmocka_unit_test(our_connect_is_read_as_it_was_meant),
        cmocka_unit_test(only_what_is_the_receivers_goes_on),
        cmocka_unit_test(what_we_send_is_byte_for_byte),
        cmocka_unit_test(a_share_is_taken_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
