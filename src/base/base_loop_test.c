/* base_loop_test.c -- the timer heap's order. */
#include "base/base_loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_rng.h"

enum { TIMERS = 150 };

static void
timers_come_out_by_time_then_by_setting(void **state)
{
    (void)state;
    struct base_loop_heap heap = {0};
    struct base_timer timers[TIMERS] = {0};
    uint64_t set_at[TIMERS] = {0}, clock = 0;
    struct base_rng rng;
    base_rng_seed(&rng, 7);
    for (unsigned step = 0; step < 5 * TIMERS; step++) {
        unsigned i = (unsigned)base_rng_below(&rng, TIMERS);
        if (base_rng_below(&rng, 4) == 0) {
            base_loop_heap_clear(&heap, &timers[i]);
            assert_int_equal(timers[i].index, 0);
            continue;
        }
        base_loop_heap_set(&heap, &timers[i],
                           (int64_t)base_rng_below(&rng, 50));
        set_at[i] = ++clock;
    }
    uint32_t count = heap.count;
    int64_t at_ms = -1;
    uint64_t order = 0;
    for (struct base_timer *timer; (timer = base_loop_heap_first(&heap));) {
        uint64_t mine = set_at[timer - timers];
        assert_true(timer->at_ms > at_ms ||
                    (timer->at_ms == at_ms && mine > order));
        at_ms = timer->at_ms;
        order = mine;
        base_loop_heap_clear(&heap, timer);
        count--;
    }
    assert_int_equal(count, 0);
    base_loop_heap_done(&heap);
}

static void
done_unsets_what_is_left(void **state)
{
    (void)state;
    struct base_loop_heap heap = {0};
    struct base_timer timer = {0};
    assert_null(base_loop_heap_first(&heap));
    base_loop_heap_set(&heap, &timer, 5);
    base_loop_heap_set(&heap, &timer, 3);
    assert_int_equal(heap.count, 1);
    assert_int_equal(base_loop_heap_first(&heap)->at_ms, 3);
    base_loop_heap_done(&heap);
    assert_int_equal(timer.index, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_come_out_by_time_then_by_setting),
        cmocka_unit_test(done_unsets_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
