/* base_map_test.c -- against a plain array of what should be there. */
#include "base/base_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_rng.h"

enum { KEYS = 500 };

static struct bytes
key_of(unsigned index, char *room)
{
    int size = snprintf(room, 32, "88.31.1001/pump-%u", index);
    return base_bytes(room, (size_t)size);
}

static void
ten_thousand_random_steps_agree_with_an_array(void **state)
{
    (void)state;
    struct base_map map;
    struct base_rng rng;
    int values[KEYS], *there[KEYS] = {0};
    size_t count = 0;
    char room[32];
    base_map_init(&map, 99);
    base_rng_seed(&rng, 4);
    for (unsigned step = 0; step < 10000; step++) {
        unsigned index = (unsigned)base_rng_below(&rng, KEYS);
        struct bytes key = key_of(index, room);
        assert_ptr_equal(base_map_get(&map, key), there[index]);
        if (base_rng_below(&rng, 5) < 3) {
            assert_ptr_equal(base_map_put(&map, key, &values[index]),
                             there[index]);
            count += !there[index];
            there[index] = &values[index];
        } else {
            assert_ptr_equal(base_map_remove(&map, key), there[index]);
            count -= there[index] != NULL;
            there[index] = NULL;
        }
        assert_int_equal(map.count, count);
    }
    for (unsigned i = 0; i < KEYS; i++)
        assert_ptr_equal(base_map_get(&map, key_of(i, room)), there[i]);
    base_map_done(&map);
}

static void
iteration_meets_each_entry_once(void **state)
{
    (void)state;
    struct base_map map;
    bool seen[KEYS] = {0};
    char room[32];
    base_map_init(&map, 1);
    for (unsigned i = 0; i < KEYS; i++)
        base_map_put(&map, key_of(i, room), &seen[i]);
    struct bytes key;
    void *value;
    size_t count = 0;
    for (size_t i = 0; base_map_next(&map, &i, &key, &value); count++) {
        bool *mine = value;
        assert_false(*mine);
        *mine = true;
        struct bytes want = key_of((unsigned)(mine - seen), room);
        assert_true(base_bytes_equal(key, want));
    }
    assert_int_equal(count, KEYS);
    base_map_done(&map);
    assert_null(base_map_get(&map, key_of(1, room)));
}

static void
an_empty_key_is_a_key(void **state)
{
    (void)state;
    struct base_map map;
    int one;
    base_map_init(&map, 0);
    assert_null(base_map_put(&map, base_bytes(NULL, 0), &one));
    assert_ptr_equal(base_map_get(&map, base_bytes("", 0)), &one);
    assert_null(base_map_get(&map, base_bytes("\0", 1)));
    base_map_done(&map);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_random_steps_agree_with_an_array),
        cmocka_unit_test(iteration_meets_each_entry_once),
        cmocka_unit_test(an_empty_key_is_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
