/* base_arena_test.c -- the bound, the zeroes, the reuse. */
#include "base/base_arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void
pieces_are_aligned_zeroed_and_apart(void **state)
{
    (void)state;
    struct base_arena arena;
    base_arena_init(&arena, 1 << 20);
    for (unsigned round = 0; round < 3; round++) {
        for (size_t size = 0; size < 3000; size += 37) {
            uint8_t *at = base_arena_alloc(&arena, size);
            assert_non_null(at);
            assert_int_equal((uintptr_t)at % 16, 0);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(at[i], 0);
            memset(at, 0xAA, size);
        }
        base_arena_reset(&arena);
    }
    base_arena_done(&arena);
}

static void
beyond_the_limit_is_null_and_counted(void **state)
{
    (void)state;
    struct base_arena arena;
    base_arena_init(&arena, 64);
    assert_non_null(base_arena_alloc(&arena, 48));
    assert_null(base_arena_alloc(&arena, 17));
    assert_null(base_arena_alloc(&arena, SIZE_MAX));
    assert_null(base_arena_text(&arena, base_bytes(NULL, SIZE_MAX)));
    assert_null(
        base_arena_bytes(&arena, base_bytes_text("0123456789abcdefg")).at);
    assert_int_equal(arena.refused, 4);
    assert_non_null(base_arena_alloc(&arena, 16));
    assert_null(base_arena_alloc(&arena, 0));
    base_arena_reset(&arena);
    assert_non_null(base_arena_alloc(&arena, 64));
    base_arena_done(&arena);
}

static void
text_and_format_end_in_nul(void **state)
{
    (void)state;
    struct base_arena arena;
    base_arena_init(&arena, 4096);
    assert_string_equal(base_arena_text(&arena, base_bytes("abcdef", 3)),
                        "abc");
    assert_string_equal(base_arena_text(&arena, base_bytes(NULL, 0)), "");
    assert_string_equal(base_arena_format(&arena, "%d-%s", 7, "x"), "7-x");
    struct bytes copy = base_arena_bytes(&arena, base_bytes_text("pump"));
    assert_true(base_bytes_is(copy, "pump"));
    base_arena_done(&arena);
}

static void
large_and_small_rounds_do_not_pile_up(void **state)
{
    (void)state;
    struct base_arena arena;
    base_arena_init(&arena, 1 << 20);
    for (size_t size = 5000; size < 900000; size += 5000) {
        assert_non_null(base_arena_alloc(&arena, 10));
        assert_non_null(base_arena_alloc(&arena, size));
        assert_non_null(base_arena_alloc(&arena, 10));
        base_arena_reset(&arena);
    }
    base_arena_done(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_zeroed_and_apart),
        cmocka_unit_test(beyond_the_limit_is_null_and_counted),
        cmocka_unit_test(text_and_format_end_in_nul),
        cmocka_unit_test(large_and_small_rounds_do_not_pile_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
