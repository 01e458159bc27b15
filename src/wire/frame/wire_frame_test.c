/* wire_frame_test.c -- frames, message heads, HELLO and the small bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base_b64.h"
#include "wire/frame/wire_frame.h"
#include "wire/frame/wire_frame_body.h"
#include "wire/frame/wire_hello.h"

static void
a_frame_reads_back_and_waits_for_its_last_byte(void **state)
{
    (void)state;
    uint8_t room[64];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    struct wire_frame frame = {
        .type = WIRE_FRAME_DATA,
        .channel = 6,
        .kind = 5,
        .flags = WIRE_FRAME_FIRST | WIRE_FRAME_LAST,
        .seq = 77,
        .body = base_bytes_text("body"),
    };
    wire_frame_write(&out, &frame);
    struct bytes all = base_out_bytes(&out);
    assert_int_equal(all.size, 20);
    struct wire_frame back;
    size_t size;
    for (size_t n = 0; n < all.size; n++)
        assert_int_equal(wire_frame_read(base_bytes(all.at, n), &back, &size),
                         ERR_AGAIN);
    assert_int_equal(wire_frame_read(all, &back, &size), ERR_OK);
    assert_int_equal(size, 20);
    assert_int_equal(back.seq, 77);
    assert_true(base_bytes_is(back.body, "body"));
}

/* The drawing of doc/formats/tier.md, byte for byte. */
static void
a_message_head_is_as_drawn(void **state)
{
    (void)state;
    uint8_t room[64];
    char hex[129];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    struct wire_frame_message message = {
        .left_ms = 5000,
        .version = 1,
        .from = base_bytes_text("88.31"),
        .to = base_bytes_text("88"),
        .body = base_bytes_text("hi"),
    };
    message.crc = wire_frame_message_crc(3, &message);
    wire_frame_message_write(&out, &message);
    assert_string_equal(base_b64_hex(base_out_bytes(&out), hex),
                        "02000000"
                        "8140e8e9"
                        "88130000"
                        "05020100"
                        "38382e33313838"
                        "6869");
    struct wire_frame_message back;
    assert_int_equal(wire_frame_message_read(base_out_bytes(&out), &back),
                     ERR_OK);
    assert_int_equal(wire_frame_message_crc(3, &back), message.crc);
    assert_int_not_equal(wire_frame_message_crc(4, &back), message.crc);
}

static void
what_must_be_zero_is_zero(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "00000000000000000000000000000000", /* type 0 */
        "0d000000000000000000000000000000", /* type 13 */
        "01010000000000000000000000000000", /* HELLO on a channel */
        "06060100000000000100000000000000", /* ACK with a kind */
        "05060110000000000100000000000000", /* error without reply */
        "05060120000000000100000000000000", /* flag 32 */
        "09000000000000000100000000000000", /* PING with a seq */
        "06060001000000000100000000000000", /* ACK with "first" */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t bytes[16];
        struct wire_frame frame;
        size_t size;
        assert_int_equal(
            base_b64_unhex(base_bytes_text(bad[i]), bytes, sizeof bytes),
            ERR_OK);
        assert_int_equal(wire_frame_read(base_bytes(bytes, 16), &frame, &size),
                         ERR_SYNTAX);
    }
}

static void
a_hello_comes_back_with_its_tlvs(void **state)
{
    (void)state;
    uint8_t room[1024], tlvs[512];
    struct base_out out, more;
    base_out_fixed(&out, room, sizeof room);
    base_out_fixed(&more, tlvs, sizeof tlvs);
    struct wire_hello_channel channel = {
        .channel = 6, .issued = 9, .acked = 7, .applied = 3, .h = 11};
    channel.kinds[0] = 34;
    wire_hello_add(&more, WIRE_HELLO_ROLE, base_bytes_text("province"));
    wire_hello_channel_add(&more, &channel);
    wire_hello_timing_add(&more, 20, 1000);
    struct wire_hello hello = {
        .version_min = 1,
        .version_max = 1,
        .flags = WIRE_HELLO_FIRST,
        .epoch = 1,
        .prefix = base_bytes_text("88.31"),
        .tlvs = base_out_bytes(&more),
    };
    wire_hello_write(&out, &hello);
    struct wire_hello back;
    assert_int_equal(wire_hello_read(base_out_bytes(&out), &back), ERR_OK);
    struct base_cur cur;
    uint16_t type;
    struct bytes value;
    base_cur_init(&cur, back.tlvs);
    assert_int_equal(wire_hello_next(&cur, &type, &value), ERR_OK);
    assert_true(base_bytes_is(value, "province"));
    assert_int_equal(wire_hello_next(&cur, &type, &value), ERR_OK);
    struct wire_hello_channel same;
    assert_int_equal(wire_hello_channel_read(value, &same), ERR_OK);
    assert_memory_equal(&same, &channel, sizeof same);
    assert_int_equal(wire_hello_next(&cur, &type, &value), ERR_OK);
    uint16_t ping_s;
    uint32_t spread_ms;
    assert_int_equal(wire_hello_timing_read(value, &ping_s, &spread_ms),
                     ERR_OK);
    assert_int_equal(spread_ms, 1000);
    assert_int_equal(wire_hello_next(&cur, &type, &value), ERR_ABSENT);
}

static void
an_unknown_tlv_is_skipped_but_not_a_critical_one(void **state)
{
    (void)state;
    uint8_t room[256], tlvs[64];
    struct base_out out, more;
    base_out_fixed(&out, room, sizeof room);
    base_out_fixed(&more, tlvs, sizeof tlvs);
    wire_hello_add(&more, 999, base_bytes_text("?"));
    struct wire_hello hello = {.version_min = 1,
                               .version_max = 1,
                               .prefix = base_bytes_text("88"),
                               .tlvs = base_out_bytes(&more)};
    wire_hello_write(&out, &hello);
    struct wire_hello back;
    assert_int_equal(wire_hello_read(base_out_bytes(&out), &back), ERR_OK);
    room[WIRE_HELLO_HEAD + 2 + 1] |= 0x80;
    assert_int_equal(wire_hello_read(base_out_bytes(&out), &back),
                     ERR_UNSUPPORTED);
}

static void
an_ack_names_only_what_lies_at_or_below_it(void **state)
{
    (void)state;
    uint8_t room[64];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    struct wire_frame_refused refused = {5, wire_frame_body_code(ERR_CORRUPT)};
    wire_frame_body_ack_write(&out, &refused, 1);
    struct wire_frame_refused back[WIRE_FRAME_REFUSED_MAX];
    unsigned count = 0;
    assert_int_equal(
        wire_frame_body_ack_read(base_out_bytes(&out), 5, back, &count),
        ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(wire_frame_body_err(back[0].code), ERR_CORRUPT);
    assert_int_equal(
        wire_frame_body_ack_read(base_out_bytes(&out), 4, back, &count),
        ERR_SYNTAX);
}

static void
a_refusal_is_a_code_a_wait_and_a_sentence(void **state)
{
    (void)state;
    uint8_t room[64];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    struct wire_frame_refuse refuse = {WIRE_FRAME_CLOCK, 60000,
                                       base_bytes_text("too early")};
    wire_frame_body_refuse_write(&out, &refuse);
    struct wire_frame_refuse back;
    assert_int_equal(wire_frame_body_refuse_read(base_out_bytes(&out), &back),
                     ERR_OK);
    assert_int_equal(back.code, WIRE_FRAME_CLOCK);
    assert_int_equal(back.wait_ms, 60000);
    assert_true(base_bytes_is(back.text, "too early"));
    room[7] = 0xff;
    assert_int_equal(wire_frame_body_refuse_read(base_out_bytes(&out), &back),
                     ERR_SYNTAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_reads_back_and_waits_for_its_last_byte),
        cmocka_unit_test(a_message_head_is_as_drawn),
        cmocka_unit_test(what_must_be_zero_is_zero),
        cmocka_unit_test(a_hello_comes_back_with_its_tlvs),
        cmocka_unit_test(an_unknown_tlv_is_skipped_but_not_a_critical_one),
        cmocka_unit_test(an_ack_names_only_what_lies_at_or_below_it),
        cmocka_unit_test(a_refusal_is_a_code_a_wait_and_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
