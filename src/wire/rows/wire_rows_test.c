#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base_b64.h"
#include "base/base_mem.h"
#include "base/base_rng.h"
#include "wire/rows/wire_rows.h"

enum { TEST_COLUMNS = 40 };

struct test_side {
    struct wire_rows_cell cells[TEST_COLUMNS];
    struct wire_rows_state state;
};

static void
side_init(struct test_side *side)
{
    *side = (struct test_side){0};
    side->state = (struct wire_rows_state){
        .cells = side->cells,
        .stride = sizeof side->cells[0],
        .room = TEST_COLUMNS,
    };
}

static struct num
decimal(int64_t mantissa, uint8_t exponent)
{
    return (struct num){
        .mantissa = mantissa, .exponent = exponent, .kind = BASE_NUM_DECIMAL};
}

static void
assert_hex(const struct base_out *out, const char *want)
{
    char hex[512];
    assert_true(base_out_ok(out));
    base_b64_hex(base_out_bytes(out), hex);
    assert_string_equal(hex, want);
}

static void
a_lone_row_has_the_drawn_bytes(void **state)
{
    (void)state;
    uint8_t room[64];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    uint32_t column = 0;
    struct num value = decimal(488, 1);
    wire_rows_lone_write(&out, 1000, &column, &value, 1);
    /* all|absolute|tagged, t, width 1, tag 2 exponent 1, 488 */
    assert_hex(&out, "07d00f0112d007");
}

static void
a_second_row_is_differences(void **state)
{
    (void)state;
    uint8_t room[64];
    struct base_out out;
    struct test_side side;
    side_init(&side);
    base_out_fixed(&out, room, sizeof room);
    uint32_t columns[2] = {0, 1};
    struct num first[2] = {decimal(488, 1), decimal(5, 0)};
    struct num second[2] = {decimal(489, 1), decimal(4, 0)};
    wire_rows_body_write(&out, &side.state, false, 1000, columns, first, 2);
    base_out_reset(&out);
    wire_rows_body_write(&out, &side.state, false, 1005, columns, second, 2);
    assert_hex(&out, "010a020201");
}

static void
a_far_column_is_listed_and_a_dense_row_has_a_bitmap(void **state)
{
    (void)state;
    uint8_t room[64];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    uint32_t far = 4000, dense[3] = {0, 2, 3};
    struct num values[3] = {decimal(1, 0), decimal(1, 0), decimal(1, 0)};
    wire_rows_lone_write(&out, 0, &far, values, 1);
    assert_hex(&out, "0e0001a01f0202");
    base_out_reset(&out);
    wire_rows_lone_write(&out, 0, dense, values, 3);
    assert_hex(&out, "0600040d020202020202");
}

static struct num
random_value(struct base_rng *rng)
{
    switch (base_rng_below(rng, 12)) {
    case 0:
        return (struct num){.mantissa = (int64_t)WIRE_ROWS_STALE,
                            .kind = BASE_NUM_STALE};
    case 1:
        return (struct num){.mantissa = (int64_t)UINT64_C(0x7ff8000000000001),
                            .kind = BASE_NUM_RAW};
    case 2:
        return decimal((int64_t)base_rng_next(rng), 0);
    default:
        return decimal((int64_t)base_rng_below(rng, 1000) - 500,
                       (uint8_t)base_rng_below(rng, 2));
    }
}

static uint32_t
random_columns(struct base_rng *rng, uint32_t *columns, struct num *values)
{
    uint32_t count = 0;
    unsigned rate = 1 + (unsigned)base_rng_below(rng, 20);
    for (uint32_t i = 0; i < TEST_COLUMNS; i++)
        if (base_rng_below(rng, rate) == 0 || (i == 30 && count == 0)) {
            values[count] = random_value(rng);
            columns[count++] = i;
        }
    return count;
}

static void
assert_row_reads(struct test_side *side, struct bytes written, int64_t t,
                 const uint32_t *columns, const struct num *values,
                 uint32_t count)
{
    struct wire_rows_room *room = base_mem_zero(sizeof *room);
    struct base_cur cur;
    struct wire_rows_row row;
    base_cur_init(&cur, written);
    assert_true(wire_rows_body_read(&cur, &side->state, &row, room));
    assert_int_equal(base_cur_left(&cur), 0);
    assert_int_equal(row.t, t);
    assert_int_equal(row.count, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(room->columns[i], columns[i]);
        assert_int_equal(room->values[i].mantissa, values[i].mantissa);
        assert_int_equal(room->values[i].kind, values[i].kind);
        assert_int_equal(room->values[i].exponent, values[i].exponent);
    }
    base_mem_free(room);
}

static void
random_rows_come_back_equal(void **state)
{
    (void)state;
    struct base_rng rng;
    base_rng_seed(&rng, 20251122);
    struct test_side from, to, lone;
    side_init(&from);
    side_init(&to);
    for (unsigned n = 0; n < 5000; n++) {
        uint8_t bytes[4096];
        uint32_t columns[TEST_COLUMNS];
        struct num values[TEST_COLUMNS];
        uint32_t count = random_columns(&rng, columns, values);
        int64_t t = (int64_t)base_rng_next(&rng);
        struct base_out out;
        base_out_fixed(&out, bytes, sizeof bytes);
        wire_rows_lone_write(&out, t, columns, values, count);
        side_init(&lone);
        assert_row_reads(&lone, base_out_bytes(&out), t, columns, values,
                         count);
        base_out_reset(&out);
        wire_rows_body_write(&out, &from.state, base_rng_below(&rng, 30) == 0,
                             t, columns, values, count);
        assert_row_reads(&to, base_out_bytes(&out), t, columns, values, count);
    }
}

static enum err
read_hex(const char *hex)
{
    uint8_t bytes[64];
    size_t size = strlen(hex) / 2;
    assert_int_equal(base_b64_unhex(base_bytes_text(hex), bytes, size), ERR_OK);
    struct test_side side;
    side_init(&side);
    struct wire_rows_room *room = base_mem_zero(sizeof *room);
    struct base_cur cur;
    struct wire_rows_row row;
    base_cur_init(&cur, base_bytes(bytes, size));
    while (wire_rows_body_read(&cur, &side.state, &row, room))
        continue;
    base_mem_free(room);
    return cur.failed;
}

static void
malformed_rows_are_refused(void **state)
{
    (void)state;
    assert_int_equal(read_hex("07d00f0112d007"), ERR_OK);
    assert_int_equal(read_hex("07d00f0112d0"), ERR_SHORT);
    /* a difference without a row before it */
    assert_int_equal(read_hex("010a020201"), ERR_SYNTAX);
    /* an unknown flag; all and list at once */
    assert_int_equal(read_hex("170001020200"), ERR_SYNTAX);
    assert_int_equal(read_hex("0f000100020200"), ERR_SYNTAX);
    /* no column, an empty bitmap, a bit beyond the width */
    assert_int_equal(read_hex("0700000202"), ERR_SYNTAX);
    assert_int_equal(read_hex("060001000202"), ERR_SYNTAX);
    assert_int_equal(read_hex("060001020202"), ERR_SYNTAX);
    /* a list that does not rise; a column beyond the room */
    assert_int_equal(read_hex("0e0002010002020202"), ERR_SYNTAX);
    assert_int_equal(read_hex("0e0001a01f0202"), ERR_SYNTAX);
    /* an unknown tag; the stale marker written raw */
    assert_int_equal(read_hex("07000104"), ERR_SYNTAX);
    assert_int_equal(read_hex("07000101020000000000f07f"), ERR_SYNTAX);
}

static void
names_come_back_equal(void **state)
{
    (void)state;
    uint8_t bytes[512];
    struct base_out out;
    struct base_cur cur;
    struct wire_rows_group group = {
        .group = 7,
        .count = 1,
        .labels = {{base_bytes_text("id"), base_bytes_text("88.31/p")}},
    };
    struct wire_rows_group again;
    base_out_fixed(&out, bytes, sizeof bytes);
    wire_rows_group_write(&out, &group);
    assert_hex(&out, "070001026964"
                     "0738382e33312f70");
    base_cur_init(&cur, base_out_bytes(&out));
    assert_true(wire_rows_group_read(&cur, &again));
    assert_true(base_bytes_is(again.labels[0].value, "88.31/p"));

    struct wire_rows_drop drop = {.from = -5, .to = 5, .count = 1}, back;
    drop.matchers[0].op = 2;
    drop.matchers[0].name = base_bytes_text("id");
    drop.matchers[0].value = base_bytes_text("a.*");
    base_out_reset(&out);
    wire_rows_drop_write(&out, &drop);
    base_cur_init(&cur, base_out_bytes(&out));
    assert_true(wire_rows_drop_read(&cur, &back));
    assert_int_equal(back.from, -5);
    assert_int_equal(back.matchers[0].op, 2);
    assert_true(base_bytes_is(back.matchers[0].value, "a.*"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lone_row_has_the_drawn_bytes),
        cmocka_unit_test(a_second_row_is_differences),
        cmocka_unit_test(a_far_column_is_listed_and_a_dense_row_has_a_bitmap),
        cmocka_unit_test(random_rows_come_back_equal),
        cmocka_unit_test(malformed_rows_are_refused),
        cmocka_unit_test(names_come_back_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
