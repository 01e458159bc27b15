/* base_out_test.c -- the bounds of both homes. */
#include "base/base_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void
a_fixed_buffer_fills_to_the_last_byte_and_then_fails(void **state)
{
    (void)state;
    uint8_t room[8];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    base_out_format(&out, "%08d", 1234);
    assert_true(base_out_ok(&out));
    assert_true(base_bytes_is(base_out_bytes(&out), "00001234"));
    base_out_u8(&out, 1);
    assert_int_equal(out.failed, ERR_BIG);
    assert_int_equal(out.size, 8);
    assert_null(base_out_space(&out, 0));
    base_out_reset(&out);
    base_out_text(&out, "123456789");
    assert_int_equal(out.failed, ERR_BIG);
    assert_int_equal(out.size, 0);
}

static void
a_growing_buffer_stops_at_its_limit(void **state)
{
    (void)state;
    struct base_out out;
    base_out_grow(&out, 1000);
    assert_non_null(base_out_space(&out, 0));
    for (unsigned i = 0; i < 1000; i++)
        base_out_u8(&out, (uint8_t)i);
    assert_true(base_out_ok(&out));
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(out.at[i], (uint8_t)i);
    base_out_u8(&out, 0);
    assert_int_equal(out.failed, ERR_BIG);
    base_out_done(&out);
    base_out_grow(&out, 100);
    base_out_text(&out, "within");
    assert_true(base_out_ok(&out));
    base_out_done(&out);
}

static void
a_long_format_is_whole(void **state)
{
    (void)state;
    struct base_out out;
    base_out_grow(&out, 4096);
    base_out_format(&out, "%1000d|", 5);
    assert_int_equal(out.size, 1001);
    assert_int_equal(out.at[999], '5');
    assert_int_equal(out.at[1000], '|');
    base_out_done(&out);
}

static void
a_length_known_late_is_patched(void **state)
{
    (void)state;
    uint8_t room[16];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    base_out_u8(&out, 9);
    base_out_u32le(&out, 0);
    base_out_patch_u32le(&out, 1, 0x01020304);
    assert_memory_equal(room, "\x09\x04\x03\x02\x01", 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fixed_buffer_fills_to_the_last_byte_and_then_fails),
        cmocka_unit_test(a_growing_buffer_stops_at_its_limit),
        cmocka_unit_test(a_long_format_is_whole),
        cmocka_unit_test(a_length_known_late_is_patched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
