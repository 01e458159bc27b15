/* crypt_password_test.c -- scrypt against an independent value, and bounds. */
#include "crypt/crypt_password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* python3 hashlib.scrypt(b"correct horse", salt=bytes(range(16)), n=1024, r=8,
 * p=2, dklen=32) */
static void
the_hash_is_that_of_another_implementation(void **state)
{
    static const uint8_t want[32] = {
        0x44, 0x18, 0xc2, 0x5d, 0x86, 0xe8, 0xa3, 0x8c, 0xa3, 0x1c, 0x7d,
        0x0f, 0xd4, 0xae, 0xf9, 0xbe, 0xb2, 0xf8, 0xc4, 0x67, 0x22, 0x2e,
        0xde, 0xa2, 0xa3, 0xea, 0x36, 0xbf, 0x4c, 0xaa, 0x4a, 0x5a};
    struct crypt_password from = {.log_n = 10, .r = 8, .p = 2};
    uint8_t hash[32];
    (void)state;
    for (unsigned i = 0; i < sizeof from.salt; i++)
        from.salt[i] = (uint8_t)i;
    assert_int_equal(
        crypt_password_hash(&from, base_bytes_text("correct horse"), hash),
        ERR_OK);
    assert_memory_equal(hash, want, sizeof want);
    assert_int_equal(
        crypt_password_hash(&from, base_bytes_text("correct hors"), hash),
        ERR_OK);
    assert_memory_not_equal(hash, want, sizeof want);
}

static void
parameters_that_cost_too_little_or_too_much_are_refused(void **state)
{
    static const struct crypt_password bad[] = {
        {.log_n = 0, .r = 8, .p = 1},   {.log_n = 9, .r = 8, .p = 1},
        {.log_n = 18, .r = 8, .p = 1},  {.log_n = 255, .r = 8, .p = 1},
        {.log_n = 15, .r = 0, .p = 1},  {.log_n = 15, .r = 17, .p = 1},
        {.log_n = 15, .r = 8, .p = 0},  {.log_n = 15, .r = 8, .p = 5},
        {.log_n = 17, .r = 16, .p = 1},
    };
    uint8_t hash[32];
    (void)state;
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(
            crypt_password_hash(&bad[i], base_bytes_text("x"), hash),
            ERR_RANGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_that_of_another_implementation),
        cmocka_unit_test(
            parameters_that_cost_too_little_or_too_much_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
