/* base_bytes_test.c -- order, folding, UTF-8, numbers. */
#include "base/base_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base_mem.h"

static struct bytes
b(const char *text)
{
    return base_bytes_text(text);
}

static void
a_shorter_prefix_comes_first(void **state)
{
    (void)state;
    assert_true(base_bytes_compare(b("ab"), b("abc")) < 0);
    assert_true(base_bytes_compare(b("b"), b("abc")) > 0);
    assert_int_equal(base_bytes_compare(b("ab"), b("ab")), 0);
    assert_true(base_bytes_compare(base_bytes(NULL, 0), b("a")) < 0);
    assert_true(base_bytes_compare(b("\xFF"), b("a")) > 0);
    assert_true(base_bytes_starts(b("abc"), b("ab")));
    assert_true(base_bytes_starts(b("abc"), base_bytes(NULL, 0)));
    assert_false(base_bytes_starts(b("ab"), b("abc")));
}

static void
only_ascii_letters_fold(void **state)
{
    (void)state;
    assert_true(
        base_bytes_equal_folded(b("88.31/Pump-42"), b("88.31/pUMP-42")));
    assert_false(base_bytes_equal_folded(b("\xC3\xA9"), b("\xC3\x89")));
    assert_false(base_bytes_equal_folded(b("{"), b("[")));
    uint8_t to[7];
    base_bytes_fold(b("az{`\xC3\xA9Z"), to);
    assert_memory_equal(to, "AZ{`\xC3\xA9Z", 7);
}

static void
slices_are_clamped(void **state)
{
    (void)state;
    assert_true(base_bytes_is(base_bytes_slice(b("abcdef"), 2, 3), "cde"));
    assert_true(base_bytes_is(base_bytes_slice(b("abc"), 1, SIZE_MAX), "bc"));
    assert_int_equal(base_bytes_slice(b("abc"), 4, 1).size, 0);
    assert_int_equal(base_bytes_slice(base_bytes(NULL, 0), 0, 1).size, 0);
    assert_int_equal(base_bytes_find(b("a=b"), '='), 1);
    assert_int_equal(base_bytes_find(b("ab"), '='), 2);
    assert_true(base_bytes_is(base_bytes_trim(b(" \ta b\r\n")), "a b"));
    assert_int_equal(base_bytes_trim(b(" \n")).size, 0);
    assert_int_equal(base_bytes_trim(base_bytes(NULL, 0)).size, 0);
    char text[4];
    assert_string_equal(base_bytes_string(b("abcdef"), text, 4), "abc");
    assert_string_equal(base_bytes_string(b("ab"), text, 4), "ab");
}

static void
only_real_utf8_is_utf8(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "a",
                                       "\xC2\x80",
                                       "\xE4\xB8\xAD",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF"};
    static const char *const bad[] = {"\x80",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xC2",
                                      "\xE0\x9F\xBF",
                                      "\xE4\xB8",
                                      "\xED\xA0\x80",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xFF",
                                      "\xE4\x28\xAD"};
    for (size_t i = 0; i < BASE_COUNT(good); i++)
        assert_true(base_bytes_utf8(b(good[i])));
    for (size_t i = 0; i < BASE_COUNT(bad); i++)
        assert_false(base_bytes_utf8(b(bad[i])));
}

static void
numbers_are_whole_or_refused(void **state)
{
    (void)state;
    uint64_t u = 7;
    int64_t i = 7;
    assert_int_equal(base_bytes_u64(b("18446744073709551616"), &u), ERR_RANGE);
    assert_int_equal(base_bytes_u64(b("-1"), &u), ERR_SYNTAX);
    assert_int_equal(base_bytes_u64(b(""), &u), ERR_SYNTAX);
    assert_int_equal(base_bytes_u64(b("99999999999999999999x"), &u),
                     ERR_SYNTAX);
    assert_true(u == 7);
    assert_int_equal(base_bytes_u64(b("18446744073709551615"), &u), ERR_OK);
    assert_true(u == UINT64_MAX);
    assert_int_equal(base_bytes_i64(b("9223372036854775808"), &i), ERR_RANGE);
    assert_int_equal(base_bytes_i64(b("-9223372036854775809"), &i), ERR_RANGE);
    assert_int_equal(base_bytes_i64(b("-"), &i), ERR_SYNTAX);
    assert_int_equal(base_bytes_i64(b("--1"), &i), ERR_SYNTAX);
    assert_true(i == 7);
    assert_int_equal(base_bytes_i64(b("-9223372036854775808"), &i), ERR_OK);
    assert_true(i == INT64_MIN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shorter_prefix_comes_first),
        cmocka_unit_test(only_ascii_letters_fold),
        cmocka_unit_test(slices_are_clamped),
        cmocka_unit_test(only_real_utf8_is_utf8),
        cmocka_unit_test(numbers_are_whole_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
