/* base_hash_test.c -- the vectors of RFC 3720 appendix B.4, both ways. */
#include "base/base_hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base_rng.h"

/* A SCSI read command, the RFC's fifth vector. */
static const uint8_t scsi_read[48] = {
    0x01, 0xC0, 0,    0,    0,    0, 0, 0, 0,    0, 0, 0, 0,   0,
    0,    0,    0x14, 0,    0,    0, 0, 0, 0x04, 0, 0, 0, 0,   0x14,
    0,    0,    0,    0x18, 0x28, 0, 0, 0, 0,    0, 0, 0, 0x02};

static void
check(uint32_t (*crc)(uint32_t seed, struct bytes data))
{
    uint8_t data[32];
    memset(data, 0, 32);
    assert_int_equal(crc(0, base_bytes(data, 32)), 0x8A9136AA);
    memset(data, 0xFF, 32);
    assert_int_equal(crc(0, base_bytes(data, 32)), 0x62A8AB43);
    for (unsigned i = 0; i < 32; i++)
        data[i] = (uint8_t)i;
    assert_int_equal(crc(0, base_bytes(data, 32)), 0x46DD794E);
    for (unsigned i = 0; i < 32; i++)
        data[i] = (uint8_t)(31 - i);
    assert_int_equal(crc(0, base_bytes(data, 32)), 0x113FDB5C);
    assert_int_equal(crc(0, base_bytes(scsi_read, 48)), 0xD9963A56);
    assert_int_equal(crc(0, base_bytes_text("123456789")), 0xE3069283);
    assert_int_equal(crc(0, base_bytes(NULL, 0)), 0);
}

static void
crc32c_has_the_values_of_rfc_3720(void **state)
{
    (void)state;
    check(base_hash_crc32c);
}

static void
the_table_has_the_values_of_rfc_3720(void **state)
{
    (void)state;
    check(base_hash_crc32c_table);
}

static void
a_crc_goes_on_where_it_stopped_and_both_ways_agree(void **state)
{
    (void)state;
    struct base_rng rng;
    uint8_t data[300];
    base_rng_seed(&rng, 1);
    rng.random.fill(&rng.random, data, sizeof data);
    for (size_t cut = 0; cut <= sizeof data; cut += 7) {
        uint32_t first = base_hash_crc32c(0, base_bytes(data, cut));
        uint32_t whole =
            base_hash_crc32c(first, base_bytes(data + cut, sizeof data - cut));
        assert_int_equal(
            whole, base_hash_crc32c_table(0, base_bytes(data, sizeof data)));
    }
}

static void
xxh3_is_a_function_of_seed_and_bytes(void **state)
{
    (void)state;
    assert_true(base_hash_xxh3(0, base_bytes(NULL, 0)) == 0x2D06800538D394C2u);
    assert_true(base_hash_xxh3(1, base_bytes_text("pump")) !=
                base_hash_xxh3(2, base_bytes_text("pump")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_has_the_values_of_rfc_3720),
        cmocka_unit_test(the_table_has_the_values_of_rfc_3720),
        cmocka_unit_test(a_crc_goes_on_where_it_stopped_and_both_ways_agree),
        cmocka_unit_test(xxh3_is_a_function_of_seed_and_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
