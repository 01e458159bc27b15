/* base_cur_test.c -- the cursor and the buffer, one against the other. */
#include "base/base_cur.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_out.h"

static void
what_is_written_is_read_back(void **state)
{
    (void)state;
    struct base_out out;
    base_out_grow(&out, 4096);
    base_out_u8(&out, 0xFE);
    base_out_u16le(&out, 0x1234);
    base_out_u32le(&out, 0x89ABCDEF);
    base_out_u64le(&out, 0x8123456789ABCDEF);
    base_out_u16be(&out, 0x1234);
    base_out_u32be(&out, 0x89ABCDEF);
    base_out_u64be(&out, 0x8123456789ABCDEF);
    base_out_text(&out, "pump");
    base_out_format(&out, "%03d", 7);
    assert_true(base_out_ok(&out));
    struct base_cur cur;
    base_cur_init(&cur, base_out_bytes(&out));
    assert_int_equal(base_cur_u8(&cur), 0xFE);
    assert_int_equal(base_cur_u16le(&cur), 0x1234);
    assert_int_equal(base_cur_u32le(&cur), 0x89ABCDEF);
    assert_true(base_cur_u64le(&cur) == 0x8123456789ABCDEF);
    assert_int_equal(base_cur_u16be(&cur), 0x1234);
    assert_int_equal(base_cur_u32be(&cur), 0x89ABCDEF);
    assert_true(base_cur_u64be(&cur) == 0x8123456789ABCDEF);
    assert_int_equal(base_cur_offset(&cur), 29);
    assert_true(base_bytes_is(base_cur_take(&cur, 4), "pump"));
    assert_true(base_bytes_is(base_cur_rest(&cur), "007"));
    assert_int_equal(base_cur_left(&cur), 0);
    assert_int_equal(base_cur_rest(&cur).size, 0);
    assert_true(base_cur_ok(&cur));
    base_out_done(&out);
}

static void
every_varint_survives_in_its_shortest_form(void **state)
{
    (void)state;
    uint8_t room[64];
    struct base_out out;
    struct base_cur cur;
    for (unsigned shift = 0; shift < 128; shift++)
        for (int less = 0; less < 2; less++) {
            __int128 wide =
                (__int128)(((unsigned __int128)1 << shift) - (unsigned)less);
            int64_t narrow = (int64_t)wide;
            base_out_fixed(&out, room, sizeof room);
            base_out_varint(&out, (uint64_t)wide);
            base_out_zigzag(&out, narrow);
            base_out_zigzag(&out, ~narrow);
            base_out_zigzag128(&out, wide);
            base_out_zigzag128(&out, ~wide);
            assert_true(base_out_ok(&out));
            base_cur_init(&cur, base_out_bytes(&out));
            assert_true(base_cur_varint(&cur) == (uint64_t)wide);
            assert_true(base_cur_zigzag(&cur) == narrow);
            assert_true(base_cur_zigzag(&cur) == ~narrow);
            assert_true(base_cur_zigzag128(&cur) == wide);
            assert_true(base_cur_zigzag128(&cur) == ~wide);
            assert_true(base_cur_ok(&cur) && base_cur_left(&cur) == 0);
        }
}

static void
a_long_form_or_a_wide_one_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *at;
        size_t size;
        enum err want, want128;
    } rows[] = {
        {"", 0, ERR_SHORT, ERR_SHORT},
        {"\x80", 1, ERR_SHORT, ERR_SHORT},
        {"\x80\x00", 2, ERR_SYNTAX, ERR_SYNTAX},
        {"\x81\x80\x00", 3, ERR_SYNTAX, ERR_SYNTAX},
        {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 10, ERR_OK, ERR_OK},
        {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02", 10, ERR_SYNTAX, ERR_OK},
        {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x81\x01", 11, ERR_SYNTAX,
         ERR_OK},
        {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
         "\xFF\x03",
         19, ERR_SYNTAX, ERR_OK},
        {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
         "\xFF\x04",
         19, ERR_SYNTAX, ERR_SYNTAX},
        {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
         "\xFF\x83",
         19, ERR_SYNTAX, ERR_SYNTAX},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct base_cur cur;
        base_cur_init(&cur, base_bytes(rows[i].at, rows[i].size));
        base_cur_varint(&cur);
        assert_int_equal(cur.failed, rows[i].want);
        assert_true(base_cur_ok(&cur) || base_cur_offset(&cur) == 0);
        base_cur_init(&cur, base_bytes(rows[i].at, rows[i].size));
        base_cur_zigzag128(&cur);
        assert_int_equal(cur.failed, rows[i].want128);
    }
}

static void
the_first_error_stands_and_nothing_moves_after_it(void **state)
{
    (void)state;
    struct base_cur cur;
    base_cur_init(&cur, base_bytes("\x01\x02\x03", 3));
    assert_int_equal(base_cur_u8(&cur), 1);
    assert_int_equal(base_cur_u32le(&cur), 0);
    assert_int_equal(cur.failed, ERR_SHORT);
    base_cur_fail(&cur, ERR_SYNTAX);
    assert_int_equal(cur.failed, ERR_SHORT);
    assert_int_equal(base_cur_u8(&cur), 0);
    assert_int_equal(base_cur_varint(&cur), 0);
    assert_null(base_cur_take(&cur, 0).at);
    assert_null(base_cur_rest(&cur).at);
    assert_int_equal(base_cur_offset(&cur), 1);
    base_cur_init(&cur, base_bytes(NULL, 0));
    assert_int_equal(base_cur_take(&cur, 0).size, 0);
    assert_true(base_cur_ok(&cur));
    assert_null(base_cur_take(&cur, SIZE_MAX).at);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(every_varint_survives_in_its_shortest_form),
        cmocka_unit_test(a_long_form_or_a_wide_one_is_refused),
        cmocka_unit_test(the_first_error_stands_and_nothing_moves_after_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
