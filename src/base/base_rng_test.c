/* base_rng_test.c -- a seed is a run. */
#include "base/base_rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void
the_sequence_of_a_seed_is_fixed(void **state)
{
    (void)state;
    struct base_rng rng;
    base_rng_seed(&rng, 0);
    /* splitmix64 from 0: its published first values */
    assert_true(rng.state[0] == 0xE220A8397B1DCDAFu);
    assert_true(rng.state[1] == 0x6E789E6AA1B965F4u);
    /* xoshiro256** from 1 2 3 4 */
    for (unsigned i = 0; i < 4; i++)
        rng.state[i] = i + 1;
    assert_true(base_rng_next(&rng) == 11520);
    assert_true(base_rng_next(&rng) == 0);
    assert_true(base_rng_next(&rng) == 1509978240);
    assert_true(base_rng_next(&rng) == 1215971899390074240u);
}

static void
a_bound_is_kept_and_reached(void **state)
{
    (void)state;
    struct base_rng rng;
    unsigned seen[6] = {0};
    base_rng_seed(&rng, 3);
    for (unsigned i = 0; i < 6000; i++) {
        uint64_t value = base_rng_below(&rng, 6);
        assert_true(value < 6);
        seen[value]++;
    }
    for (unsigned i = 0; i < 6; i++)
        assert_in_range(seen[i], 850, 1150);
    assert_int_equal(base_rng_below(&rng, 1), 0);
    assert_true(base_rng_range(&rng.random, UINT64_MAX) < UINT64_MAX);
}

static void
two_of_one_seed_fill_alike(void **state)
{
    (void)state;
    struct base_rng a, b;
    uint8_t one[21], two[21];
    base_rng_seed(&a, 5);
    base_rng_seed(&b, 5);
    a.random.fill(&a.random, one, sizeof one);
    b.random.fill(&b.random, two, sizeof two);
    assert_memory_equal(one, two, sizeof one);
    assert_true(base_rng_u64(&a.random) == base_rng_u64(&b.random));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sequence_of_a_seed_is_fixed),
        cmocka_unit_test(a_bound_is_kept_and_reached),
        cmocka_unit_test(two_of_one_seed_fill_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
