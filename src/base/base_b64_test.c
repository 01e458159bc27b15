/* base_b64_test.c -- RFC 4648 section 10, and what is refused. */
#include "base/base_b64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base_mem.h"

static void
the_vectors_of_rfc_4648_go_both_ways(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        uint8_t room[64];
        struct base_out out;
        base_out_fixed(&out, room, sizeof room);
        base_b64_write(&out, BASE_B64_STANDARD, base_bytes_text(rows[i][0]));
        assert_true(base_bytes_is(base_out_bytes(&out), rows[i][1]));
        base_out_reset(&out);
        assert_int_equal(
            base_b64_read(base_bytes_text(rows[i][1]), BASE_B64_STANDARD, &out),
            ERR_OK);
        assert_true(base_bytes_is(base_out_bytes(&out), rows[i][0]));
    }
}

static void
what_is_not_canonical_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum base_b64_kind kind;
        const char *text;
    } rows[] = {
        {BASE_B64_STANDARD, "Zg"},
        {BASE_B64_STANDARD, "Zg="},
        {BASE_B64_STANDARD, "Zh=="},
        {BASE_B64_STANDARD, "Zm9="},
        {BASE_B64_STANDARD, "Zg==Zg=="},
        {BASE_B64_STANDARD, "Zm9v\n"},
        {BASE_B64_STANDARD, "Z"},
        {BASE_B64_STANDARD, "===="},
        {BASE_B64_STANDARD, "Zm9v===="},
        {BASE_B64_STANDARD, "Zm-_"},
        {BASE_B64_STANDARD, "Zg==="},
        {BASE_B64_URL, "Zg=="},
        {BASE_B64_URL, "Zh"},
        {BASE_B64_URL, "Zm+/"},
        {BASE_B64_URL, "Zm9vY"},
        {BASE_B64_LINES, "Zm9v!"},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        uint8_t room[64];
        struct base_out out;
        base_out_fixed(&out, room, sizeof room);
        base_out_u8(&out, 'x');
        assert_int_equal(
            base_b64_read(base_bytes_text(rows[i].text), rows[i].kind, &out),
            ERR_SYNTAX);
        assert_int_equal(out.size, 1); /* nothing half is left */
    }
}

static void
every_kind_reads_what_it_wrote(void **state)
{
    (void)state;
    uint8_t data[256], room[512], back[256];
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(255 - i);
    for (int kind = BASE_B64_STANDARD; kind <= BASE_B64_LINES; kind++)
        for (size_t size = 0; size <= sizeof data; size++) {
            struct base_out text, out;
            base_out_fixed(&text, room, sizeof room);
            base_out_fixed(&out, back, sizeof back);
            base_b64_write(&text, (enum base_b64_kind)kind,
                           base_bytes(data, size));
            assert_int_equal(base_b64_read(base_out_bytes(&text),
                                           (enum base_b64_kind)kind, &out),
                             ERR_OK);
            assert_true(
                base_bytes_equal(base_out_bytes(&out), base_bytes(data, size)));
        }
}

static void
hex_goes_both_ways_and_lengths_must_fit(void **state)
{
    (void)state;
    char text[9];
    uint8_t back[4];
    static const uint8_t data[4] = {0, 0x9A, 0xFF, 0x10};
    assert_string_equal(base_b64_hex(base_bytes(data, 4), text), "009aff10");
    assert_int_equal(base_b64_unhex(base_bytes_text("009AfF10"), back, 4),
                     ERR_OK);
    assert_memory_equal(back, data, 4);
    assert_int_equal(base_b64_unhex(base_bytes_text("009aff"), back, 4),
                     ERR_SHORT);
    assert_int_equal(base_b64_unhex(base_bytes_text("009aff101"), back, 4),
                     ERR_BIG);
    assert_int_equal(base_b64_unhex(base_bytes_text("009aff1g"), back, 4),
                     ERR_SYNTAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_4648_go_both_ways),
        cmocka_unit_test(what_is_not_canonical_is_refused),
        cmocka_unit_test(every_kind_reads_what_it_wrote),
        cmocka_unit_test(hex_goes_both_ways_and_lengths_must_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
