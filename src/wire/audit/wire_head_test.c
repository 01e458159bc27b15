/* wire_head_test.c -- heads as drawn, and messages that are not. */
#include "wire/audit/wire_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct wire_head_message
some_message(void)
{
    static uint8_t path[96];
    struct wire_head_message message = {
        .epoch = 3,
        .head = {.size = 258, .time_ms = 0x0102030405060708},
        .first = 5,
        .public_der = base_bytes_text("key"),
        .path = base_bytes(path, sizeof path),
    };
    memset(path, 0xaa, sizeof path);
    memset(message.head.root, 0xbb, sizeof message.head.root);
    memset(message.head.signature, 0xcc, sizeof message.head.signature);
    return message;
}

static size_t
written(const struct wire_head_message *message, uint8_t *room)
{
    struct base_out out;
    base_out_fixed(&out, room, WIRE_HEAD_MESSAGE_MAX);
    wire_head_message_write(message, &out);
    assert_true(base_out_ok(&out));
    return out.size;
}

static void
the_signed_bytes_are_as_drawn(void **state)
{
    (void)state;
    struct wire_head_message message = some_message();
    uint8_t bytes[WIRE_HEAD_SIGNED];
    wire_head_signed(&message.head, bytes);
    assert_memory_equal(bytes,
                        "DGSTH1\0\0\0\0\0\0\0\0\x01\x02"
                        "\x01\x02\x03\x04\x05\x06\x07\x08\xbb",
                        25);
    assert_int_equal(bytes[55], 0xbb);
}

static void
a_message_comes_back_as_it_went(void **state)
{
    (void)state;
    uint8_t room[WIRE_HEAD_MESSAGE_MAX];
    struct wire_head_message message = some_message(), back;
    size_t size = written(&message, room);
    assert_int_equal(size, 126 + 3 + 96);
    assert_int_equal(wire_head_message_read(base_bytes(room, size), &back),
                     ERR_OK);
    assert_int_equal(back.epoch, 3);
    assert_int_equal(back.head.size, 258);
    assert_int_equal(back.head.time_ms, 0x0102030405060708);
    assert_int_equal(back.first, 5);
    assert_true(base_bytes_is(back.public_der, "key"));
    assert_int_equal(back.path.size, 96);
    assert_memory_equal(back.head.root, message.head.root, 32);
    assert_memory_equal(back.head.signature, message.head.signature, 64);
}

static void
a_cut_or_odd_message_is_refused(void **state)
{
    (void)state;
    uint8_t room[WIRE_HEAD_MESSAGE_MAX];
    struct wire_head_message message = some_message(), back;
    size_t size = written(&message, room);
    for (size_t cut = 0; cut < 129; cut++)
        assert_int_equal(wire_head_message_read(base_bytes(room, cut), &back),
                         ERR_SHORT);
    assert_int_equal(wire_head_message_read(base_bytes(room, size - 1), &back),
                     ERR_SYNTAX);
    message.first = 259;
    size = written(&message, room);
    assert_int_equal(wire_head_message_read(base_bytes(room, size), &back),
                     ERR_SYNTAX);
    room[0] = 2;
    assert_int_equal(wire_head_message_read(base_bytes(room, size), &back),
                     ERR_VERSION);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_signed_bytes_are_as_drawn),
        cmocka_unit_test(a_message_comes_back_as_it_went),
        cmocka_unit_test(a_cut_or_odd_message_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
