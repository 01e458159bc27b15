/* wire_carried_test.c -- rows are read as they were written, and only whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "wire/figure/wire_carried.h"

static void
rows_are_read_as_they_were_written(void **state)
{
    (void)state;
    uint8_t room[128];
    struct base_out out;
    struct base_cur cur;
    struct wire_carried row;
    uint32_t epoch;
    base_out_fixed(&out, room, sizeof room);
    wire_carried_begin(&out, 7);
    size_t head = out.size;
    wire_carried_add(&out, &(struct wire_carried){WIRE_CARRIED_CONTRIB,
                                                  base_bytes_text("key"),
                                                  base_bytes_text("value")});
    size_t first = out.size;
    wire_carried_add(&out, &(struct wire_carried){WIRE_CARRIED_RETURN,
                                                  base_bytes_text("k"),
                                                  base_bytes_text("")});
    assert_int_equal(wire_carried_open(base_out_bytes(&out), &epoch, &cur),
                     ERR_OK);
    assert_int_equal(epoch, 7);
    assert_true(wire_carried_next(&cur, &row));
    assert_int_equal(row.kind, WIRE_CARRIED_CONTRIB);
    assert_true(base_bytes_is(row.key, "key"));
    assert_true(base_bytes_is(row.value, "value"));
    assert_true(wire_carried_next(&cur, &row));
    assert_int_equal(row.value.size, 0);
    assert_false(wire_carried_next(&cur, &row));
    for (size_t n = 0; n < out.size; n++)
        if (n != head && n != first)
            assert_int_not_equal(
                wire_carried_open(base_bytes(room, n), &epoch, &cur), ERR_OK);
    room[head] = 4;
    assert_int_equal(wire_carried_open(base_out_bytes(&out), &epoch, &cur),
                     ERR_SYNTAX);
    room[head] = 3;
    room[0] = 2;
    assert_int_equal(wire_carried_open(base_out_bytes(&out), &epoch, &cur),
                     ERR_VERSION);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_as_they_were_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
