/* wire_move_test.c -- a bundle is read as it was written, and only whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "wire/names/wire_move.h"

static void
a_bundle_is_read_as_it_was_written(void **state)
{
    (void)state;
    uint8_t room[512];
    struct base_out out;
    struct wire_move back, move = {
                               .prefix = base_bytes_text("88.31.2001"),
                               .from = base_bytes_text("88.31"),
                               .codes = base_bytes_text("ind=C34"),
                               .key = base_bytes_text("pem"),
                               .figures = base_bytes_text("figures"),
                               .samples = base_bytes_text("samples"),
                               .signer = base_bytes_text("der"),
                               .made_ms = 1763787600000,
                               .row_count = 2,
                           };
    struct bytes row;
    base_out_fixed(&out, room, sizeof room);
    wire_move_write_head(&out, &move);
    wire_move_write_row(&out, base_bytes_text("one"));
    wire_move_write_row(&out, base_bytes_text(""));
    wire_move_write_tail(&out, &move);
    size_t covered = out.size;
    wire_move_write_signature(&out, base_bytes_text("signature"));
    assert_int_equal(wire_move_read(base_out_bytes(&out), &back), ERR_OK);
    assert_int_equal(back.covered.size, covered);
    assert_true(base_bytes_is(back.signature, "signature"));
    assert_true(base_bytes_is(back.from, "88.31"));
    assert_true(base_bytes_is(back.figures, "figures"));
    assert_true(base_bytes_is(back.samples, "samples"));
    assert_true(back.made_ms == move.made_ms);
    assert_true(wire_move_next(&back, &row));
    assert_true(base_bytes_is(row, "one"));
    assert_true(wire_move_next(&back, &row));
    assert_int_equal(row.size, 0);
    assert_false(wire_move_next(&back, &row));
    for (size_t n = 0; n < out.size; n++)
        assert_int_not_equal(wire_move_read(base_bytes(room, n), &back),
                             ERR_OK);
    assert_int_equal(wire_move_read(base_bytes(room, out.size + 1), &back),
                     ERR_SYNTAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bundle_is_read_as_it_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
