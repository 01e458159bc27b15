/* model_figure_test.c -- adding, taking away, bytes. */
#include "model/model_figure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base_rng.h"

static struct model_figure
figure_random(struct base_rng *rng)
{
    struct model_figure figure = {.mask = base_rng_next(rng)};
    for (unsigned i = 0; i < MODEL_FIGURE_SLOTS; i++) {
        if (!(figure.mask >> i & 1))
            continue;
        figure.slots[i].n = 1 + base_rng_below(rng, 4);
        figure.slots[i].sum =
            (__int128)figure.slots[i].n *
            ((int64_t)base_rng_below(rng, MODEL_FIGURE_UNIT_MAX) -
             MODEL_FIGURE_UNIT_MAX / 2);
    }
    return figure;
}

static void
what_is_added_can_be_taken_away_in_any_order(void **state)
{
    struct base_rng rng;
    static struct model_figure parts[64], total, empty;
    (void)state;
    base_rng_seed(&rng, 2);
    for (unsigned i = 0; i < 64; i++) {
        parts[i] = figure_random(&rng);
        assert_int_equal(model_figure_add(&total, &parts[i], 1), ERR_OK);
    }
    assert_true(total.mask == UINT64_MAX);
    for (unsigned i = 0; i < 64; i++) {
        unsigned at = (i * 29) % 64;
        assert_int_equal(model_figure_add(&total, &parts[at], -1), ERR_OK);
    }
    assert_true(model_figure_equal(&total, &empty));
}

static void
out_of_range_changes_nothing(void **state)
{
    struct model_figure total = {.mask = 5}, before, part = {.mask = 5};
    (void)state;
    total.slots[0] = (struct model_figure_slot){1, 7};
    total.slots[2] = (struct model_figure_slot){1, MODEL_FIGURE_UNIT_MAX};
    part = before = total;
    part.slots[2].sum += 1; /* one unit's value too big */
    assert_int_equal(model_figure_add(&total, &part, 1), ERR_RANGE);
    part = total;
    part.slots[2].n = 2; /* more units than there are */
    assert_int_equal(model_figure_add(&total, &part, -1), ERR_RANGE);
    part = total;
    part.slots[2].n = 1 << 20;
    assert_int_equal(model_figure_add(&total, &part, 1), ERR_RANGE);
    part = total;
    part.slots[2].sum = -1; /* nobody left, but something */
    assert_int_equal(model_figure_add(&total, &part, -1), ERR_RANGE);
    assert_true(model_figure_equal(&total, &before));
}

static void
bytes_read_back_and_bad_ones_are_refused(void **state)
{
    struct base_rng rng;
    static uint8_t data[4096];
    struct base_out out;
    struct base_cur cur;
    static struct model_figure back;
    (void)state;
    base_rng_seed(&rng, 3);
    for (unsigned n = 0; n < 500; n++) {
        unsigned count = 1 + (unsigned)base_rng_below(&rng, 64);
        struct model_figure figure = figure_random(&rng);
        if (count < 64)
            figure.mask &= (UINT64_C(1) << count) - 1;
        base_out_fixed(&out, data, sizeof data);
        model_figure_write(&out, &figure, count);
        assert_true(base_out_ok(&out));
        base_cur_init(&cur, base_out_bytes(&out));
        model_figure_read(&cur, &back, count);
        assert_true(base_cur_ok(&cur) && base_cur_left(&cur) == 0);
        assert_true(model_figure_equal(&figure, &back));
        base_cur_init(&cur, base_bytes(data, out.size - 1));
        model_figure_read(&cur, &back, count);
        assert_false(base_cur_ok(&cur));
    }
    static const struct {
        uint8_t at[16];
        size_t size;
        enum err err;
    } bad[] = {
        {{0x08, 1, 2}, 3, ERR_SYNTAX},          /* a bit past the slots */
        {{0x01, 0, 2}, 3, ERR_RANGE},           /* n = 0 */
        {{0x01, 0x81, 0x00, 2}, 4, ERR_SYNTAX}, /* not minimal */
        {{0x01, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 4}, 9, ERR_RANGE},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        base_cur_init(&cur, base_bytes(bad[i].at, bad[i].size));
        model_figure_read(&cur, &back, 3);
        assert_int_equal(cur.failed, bad[i].err);
    }
}

static void
the_bytes_are_these(void **state)
{
    static const uint8_t whole[] = {0x05, 0x01, 0x02, 0x02, 0x03,
                                    0x8f, 0x4e, 0x01, 0x00};
    struct model_figure figure = {.mask = 0x105};
    uint8_t data[64];
    struct base_out out;
    (void)state;
    figure.slots[0] = (struct model_figure_slot){2, 1};
    figure.slots[2] = (struct model_figure_slot){3, -5000};
    figure.slots[8] = (struct model_figure_slot){1, 0};
    base_out_fixed(&out, data, sizeof data);
    model_figure_write(&out, &figure, 9);
    assert_int_equal(out.size, sizeof whole);
    assert_memory_equal(data, whole, sizeof whole);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_can_be_taken_away_in_any_order),
        cmocka_unit_test(out_of_range_changes_nothing),
        cmocka_unit_test(bytes_read_back_and_bad_ones_are_refused),
        cmocka_unit_test(the_bytes_are_these),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
