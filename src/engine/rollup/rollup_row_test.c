/* rollup_row_test.c -- rows are read as they were written, and only so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "engine/rollup/rollup_row.h"

enum { SLOTS = 4 };

static struct rollup_value value;

/* Every shorter row, and one with a byte more, is damaged. */
static void
only_whole(enum rollup_row_kind kind, bool open_ended)
{
    static uint8_t copy[ROLLUP_ROW_MAX + 1], room[4096];
    size_t size = value.out.size;
    memcpy(copy, value.room, size);
    if (!open_ended) {
        for (size_t n = 0; n < size; n++)
            assert_int_equal(
                rollup_row_read(base_bytes(copy, n), kind, room, SLOTS),
                ERR_CORRUPT);
        copy[size] = 0;
        assert_int_equal(
            rollup_row_read(base_bytes(copy, size + 1), kind, room, SLOTS),
            ERR_CORRUPT);
    }
    copy[0] = 3;
    assert_int_equal(rollup_row_read(base_bytes(copy, size), kind, room, SLOTS),
                     ERR_VERSION);
}

static void
a_units_contribution_keeps_its_inputs(void **state)
{
    static struct rollup_row_contrib row, back;
    (void)state;
    row = (struct rollup_row_contrib){
        .flags = ROLLUP_ROW_UNIT,
        .cell = 7,
        .epoch = 2,
        .revision = 9,
        .at_ms = -5,
        .shard = 1,
        .sequence = 1 << 30,
        .inputs = 5,
        .values = {[0] = -3, [2] = INT64_MIN},
        .unit = base_bytes_text("88.31.1001/host"),
        .figure.mask = 9,
    };
    row.figure.slots[0] = (struct model_figure_slot){1, 1};
    row.figure.slots[3] = (struct model_figure_slot){2, -77};
    struct bytes bytes =
        rollup_row_write(&value, ROLLUP_ROW_IS_CONTRIB, &row, SLOTS);
    assert_int_equal(
        rollup_row_read(bytes, ROLLUP_ROW_IS_CONTRIB, &back, SLOTS), ERR_OK);
    assert_int_equal(back.cell, 7);
    assert_int_equal(back.revision, 9);
    assert_true(back.at_ms == -5);
    assert_int_equal(back.inputs, 5);
    assert_true(back.values[0] == -3 && back.values[2] == INT64_MIN);
    assert_int_equal(back.values[1], 0);
    assert_true(base_bytes_is(back.unit, "88.31.1001/host"));
    assert_true(model_figure_equal(&row.figure, &back.figure));
    only_whole(ROLLUP_ROW_IS_CONTRIB, false);
}

static void
a_total_gives_its_state_as_it_stands(void **state)
{
    static struct rollup_row_total row, back;
    (void)state;
    row =
        (struct rollup_row_total){.epoch = 1, .revision = 2, .figure.mask = 1};
    row.figure.slots[0] = (struct model_figure_slot){1, 1};
    struct bytes bytes =
        rollup_row_write(&value, ROLLUP_ROW_IS_TOTAL, &row, SLOTS);
    assert_int_equal(rollup_row_read(bytes, ROLLUP_ROW_IS_TOTAL, &back, SLOTS),
                     ERR_OK);
    const uint8_t want[] = {1, 1, 2};
    assert_int_equal(back.state.size, sizeof want);
    assert_memory_equal(back.state.at, want, sizeof want);
    only_whole(ROLLUP_ROW_IS_TOTAL, false);
}

static void
the_other_rows_come_back(void **state)
{
    (void)state;
    struct rollup_row_window window = {.state = 2,
                                       .slots = 13,
                                       .vintage = 1,
                                       .seal_at_ms = 99},
                             w;
    memset(window.shape, 0xA5, sizeof window.shape);
    assert_int_equal(
        rollup_row_read(
            rollup_row_write(&value, ROLLUP_ROW_IS_WINDOW, &window, 0),
            ROLLUP_ROW_IS_WINDOW, &w, 0),
        ERR_OK);
    assert_memory_equal(&w, &window, sizeof w);
    only_whole(ROLLUP_ROW_IS_WINDOW, false);
    struct rollup_row_own own = {.seq = 1000,
                                 .resync = 1,
                                 .parent = base_bytes_text("88"),
                                 .marked = base_bytes_text("key")},
                          o;
    assert_int_equal(
        rollup_row_read(rollup_row_write(&value, ROLLUP_ROW_IS_OWN, &own, 0),
                        ROLLUP_ROW_IS_OWN, &o, 0),
        ERR_OK);
    assert_true(base_bytes_is(o.parent, "88"));
    assert_true(base_bytes_is(o.marked, "key"));
    only_whole(ROLLUP_ROW_IS_OWN, true);
    struct rollup_row_vintage vintage = {.sealed_ms = 5,
                                         .cells = 3,
                                         .key_id = 8},
                              v;
    assert_int_equal(
        rollup_row_read(
            rollup_row_write(&value, ROLLUP_ROW_IS_VINTAGE, &vintage, 0),
            ROLLUP_ROW_IS_VINTAGE, &v, 0),
        ERR_OK);
    assert_memory_equal(&v, &vintage, sizeof v);
    only_whole(ROLLUP_ROW_IS_VINTAGE, false);
    struct rollup_row_pair pair = {.a = 1, .b = UINT64_MAX}, p;
    assert_int_equal(
        rollup_row_read(rollup_row_write(&value, ROLLUP_ROW_IS_PAIR, &pair, 0),
                        ROLLUP_ROW_IS_PAIR, &p, 0),
        ERR_OK);
    assert_true(p.a == 1 && p.b == UINT64_MAX);
    only_whole(ROLLUP_ROW_IS_PAIR, false);
}

static void
keys_come_in_the_order_of_windows_and_cells(void **state)
{
    struct rollup_key a, b;
    struct rollup_row_source source;
    struct bytes pack = base_bytes_text("host"),
                 child = base_bytes_text("88.a");
    (void)state;
    struct bytes low = rollup_row_total_key(&a, pack, 0x100000FF, 0xFFFFF);
    struct bytes high = rollup_row_total_key(&b, pack, 0x10000100, 0);
    assert_true(base_bytes_compare(low, high) < 0);
    size_t all = rollup_row_total_all(&a, pack, 9).size;
    assert_int_equal(
        rollup_row_source(rollup_row_contrib_key(&a, pack, 9, child, 300), all,
                          &source),
        ERR_OK);
    assert_true(base_bytes_is(source.child, "88.A"));
    assert_int_equal(source.cell, 300);
    assert_int_equal(
        rollup_row_source(
            rollup_row_unit_key(&a, pack, 9, base_bytes_text("88/x")), all,
            &source),
        ERR_OK);
    assert_int_equal(source.child.size, 0);
    assert_true(base_bytes_is(source.unit, "88/X"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_units_contribution_keeps_its_inputs),
        cmocka_unit_test(a_total_gives_its_state_as_it_stands),
        cmocka_unit_test(the_other_rows_come_back),
        cmocka_unit_test(keys_come_in_the_order_of_windows_and_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
