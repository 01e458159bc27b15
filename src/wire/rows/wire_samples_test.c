/* wire_samples_test.c -- samples on their way are read as they were written,
 * and only whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "wire/rows/wire_samples.h"

static struct wire_samples_unit unit;
static struct wire_samples_room room;

static struct num
number(int64_t mantissa)
{
    return (struct num){.mantissa = mantissa, .kind = BASE_NUM_DECIMAL};
}

/* Two identifiers; the first has two metrics, a window and two blocks. */
static struct bytes
written(uint8_t *to, size_t size)
{
    static struct wire_rows_cell cells[2];
    struct wire_rows_state state = {
        .cells = cells, .stride = sizeof cells[0], .room = 2};
    const uint32_t both[] = {0, 1}, second[] = {1};
    const struct num values[] = {number(5), number(-7)};
    uint8_t rows_at[64];
    struct base_out out, rows;
    base_out_fixed(&out, to, size);
    wire_samples_begin(&out);
    unit = (struct wire_samples_unit){
        .id = base_bytes_text("88.31.2001/m1"),
        .count = 2,
        .metrics = {base_bytes_text("a"), base_bytes_text("b")},
        .window_count = 1};
    wire_samples_unit_write(&out, &unit);
    wire_samples_window_write(&out, base_bytes_text("host"), 0x10000007);
    base_out_fixed(&rows, rows_at, sizeof rows_at);
    wire_rows_body_write(&rows, &state, true, 1000, both, values, 2);
    wire_rows_body_write(&rows, &state, false, 1500, second, values, 1);
    wire_samples_block_write(&out, base_out_bytes(&rows));
    base_out_reset(&rows);
    wire_rows_body_write(&rows, &state, true, 2000, both, values, 2);
    wire_samples_block_write(&out, base_out_bytes(&rows));
    wire_samples_block_write(&out, (struct bytes){0});
    unit.id = base_bytes_text("88.31.2001/m2");
    unit.count = 1;
    unit.window_count = 0;
    wire_samples_unit_write(&out, &unit);
    wire_samples_block_write(&out, (struct bytes){0});
    assert_true(base_out_ok(&out));
    return base_out_bytes(&out);
}

static void
samples_are_read_as_they_were_written(void **state)
{
    (void)state;
    uint8_t at[256];
    struct base_cur cur, rows;
    struct bytes pack, whole = written(at, sizeof at);
    uint32_t window;
    assert_int_equal(wire_samples_open(whole, &unit, &room, &cur), ERR_OK);
    assert_true(wire_samples_unit_next(&cur, &unit));
    assert_true(base_bytes_is(unit.id, "88.31.2001/m1"));
    assert_true(base_bytes_is(unit.metrics[1], "b"));
    assert_true(wire_samples_window(&unit, &pack, &window));
    assert_true(base_bytes_is(pack, "host"));
    assert_int_equal(window, 0x10000007);
    assert_false(wire_samples_window(&unit, &pack, &window));
    assert_true(wire_samples_block(&cur, &unit, &room, &rows));
    assert_true(wire_samples_row(&rows, &room));
    assert_int_equal(room.row.t, 1000);
    assert_int_equal(room.row.count, 2);
    assert_int_equal(room.values.values[1].mantissa, -7);
    assert_true(wire_samples_row(&rows, &room));
    assert_int_equal(room.row.t, 1500);
    assert_int_equal(room.values.columns[0], 1);
    assert_int_equal(room.values.values[0].mantissa, 5);
    assert_false(wire_samples_row(&rows, &room));
    assert_true(wire_samples_block(&cur, &unit, &room, &rows));
    assert_true(wire_samples_row(&rows, &room));
    assert_int_equal(room.row.t, 2000);
    assert_false(wire_samples_block(&cur, &unit, &room, &rows));
    assert_true(wire_samples_unit_next(&cur, &unit));
    assert_true(base_bytes_is(unit.id, "88.31.2001/m2"));
    assert_false(wire_samples_block(&cur, &unit, &room, &rows));
    assert_false(wire_samples_unit_next(&cur, &unit));
    assert_true(base_cur_ok(&cur));
}

static void
what_is_cut_off_is_refused(void **state)
{
    (void)state;
    uint8_t at[256];
    struct base_cur cur;
    struct bytes whole = written(at, sizeof at);
    unsigned whole_ones = 0;
    for (size_t n = 0; n < whole.size; n++)
        whole_ones +=
            wire_samples_open(base_bytes(at, n), &unit, &room, &cur) == ERR_OK;
    assert_int_equal(whole_ones, 2); /* none, or the first identifier */
    at[0] = 2;
    assert_int_equal(wire_samples_open(whole, &unit, &room, &cur), ERR_VERSION);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_read_as_they_were_written),
        cmocka_unit_test(what_is_cut_off_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
