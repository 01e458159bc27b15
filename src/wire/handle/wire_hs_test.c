/* wire_hs_test.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "wire/handle/wire_handle_vectors_test.h"
#include "wire/handle/wire_hs.h"

static const char pump_hex[] =
    "00000004" /* index */
    "6553f103" /* timestamp */
    "00"       /* relative */
    "00015180" /* ttl */
    "0e"       /* permissions */
    "0000000a55524c2e4241434b5550"
    "00000003613a62"
    "00000001"
    "0000001038382e33312e313030312f41444d494e0000012c";

static void
a_value_is_read_and_written_as_it_was(void **state)
{
    (void)state;
    uint8_t room[128];
    struct bytes whole = vectors_unhex(pump_hex);
    struct wire_hs_value value;
    struct wire_hs_ref ref;
    struct base_cur cur;
    struct base_out out;
    base_cur_init(&cur, whole);
    assert_true(wire_hs_read_value(&cur, &value));
    assert_int_equal(base_cur_left(&cur), 0);
    assert_int_equal(value.index, 4);
    assert_int_equal(value.timestamp_s, 1700000003);
    assert_int_equal(value.ttl_s, WIRE_HS_TTL_S);
    assert_int_equal(value.permissions, WIRE_HS_USUAL);
    assert_true(base_bytes_is(value.type, "URL.BACKUP"));
    assert_true(base_bytes_is(value.data, "a:b"));
    assert_int_equal(value.reference_count, 1);
    base_cur_init(&cur, value.references);
    wire_hs_read_ref(&cur, &ref);
    assert_true(base_cur_ok(&cur));
    assert_true(base_bytes_is(ref.handle, "88.31.1001/ADMIN"));
    assert_int_equal(ref.index, 300);
    base_out_fixed(&out, room, sizeof room);
    wire_hs_write_value(&out, &value);
    assert_true(base_bytes_equal(base_out_bytes(&out), whole));
    base_mem_free((void *)(uintptr_t)whole.at);
}

static void
a_value_that_is_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct bytes whole = vectors_unhex(pump_hex);
    struct wire_hs_value value;
    struct base_cur cur;
    for (size_t size = 0; size < whole.size; size++) {
        base_cur_init(&cur, base_bytes(whole.at, size));
        assert_false(wire_hs_read_value(&cur, &value));
        assert_int_equal(cur.failed, ERR_SHORT);
    }
    base_mem_free((void *)(uintptr_t)whole.at);
}

static void
a_ttl_type_that_is_not_known_is_refused(void **state)
{
    (void)state;
    uint8_t copy[128];
    struct bytes whole = vectors_unhex(pump_hex);
    struct wire_hs_value value;
    struct base_cur cur;
    memcpy(copy, whole.at, whole.size);
    copy[8] = 2;
    base_cur_init(&cur, base_bytes(copy, whole.size));
    assert_false(wire_hs_read_value(&cur, &value));
    assert_int_equal(cur.failed, ERR_SYNTAX);
    base_mem_free((void *)(uintptr_t)whole.at);
}

static void
a_list_is_walked_value_by_value(void **state)
{
    (void)state;
    static const struct wire_hs_value values[] = {
        {.index = 1, .type = {(const uint8_t *)"A", 1}},
        {.index = 2, .ttl_type = WIRE_HS_ABSOLUTE, .ttl_s = 7},
    };
    uint8_t room[128], again_room[128];
    struct base_out out, again;
    struct wire_hs_list list, walk;
    struct wire_hs_value value;
    struct base_cur cur;
    base_out_fixed(&out, room, sizeof room);
    base_out_u32be(&out, 2);
    wire_hs_write_value(&out, &values[0]);
    wire_hs_write_value(&out, &values[1]);
    base_cur_init(&cur, base_out_bytes(&out));
    assert_true(wire_hs_read_list(&cur, &list));
    walk = list;
    assert_true(wire_hs_next(&walk, &value));
    assert_int_equal(value.index, 1);
    assert_true(wire_hs_next(&walk, &value));
    assert_int_equal(value.index, 2);
    assert_int_equal(value.ttl_s, 7);
    assert_false(wire_hs_next(&walk, &value));
    base_out_fixed(&again, again_room, sizeof again_room);
    wire_hs_write_list(&again, &list);
    assert_true(base_bytes_equal(base_out_bytes(&again), base_out_bytes(&out)));
}

static void
counts_beyond_what_is_there_are_refused(void **state)
{
    (void)state;
    struct wire_hs_list list;
    struct base_cur cur;
    uint8_t *room = base_mem_new(4 + 26 * 2049);
    memset(room, 0, 4 + 26 * 2049);
    room[2] = 0x08, room[3] = 0x01; /* 2,049 */
    base_cur_init(&cur, base_bytes(room, 4 + 26 * 2049));
    assert_false(wire_hs_read_list(&cur, &list));
    assert_int_equal(cur.failed, ERR_BIG);
    room[3] = 0x00;
    base_cur_init(&cur, base_bytes(room, 4 + 26 * 2048));
    assert_true(wire_hs_read_list(&cur, &list));
    base_cur_init(&cur, base_bytes(room, 4 + 26 * 2048 - 1));
    assert_false(wire_hs_read_list(&cur, &list));
    assert_int_equal(cur.failed, ERR_SHORT);
    base_mem_free(room);
}

static void
a_dot_at_the_end_asks_for_a_type_and_what_is_below_it(void **state)
{
    (void)state;
    static const struct {
        const char *asked, *type;
        bool matches;
    } cases[] = {
        {"URL", "URL", true},
        {"url", "URL", true},
        {"URL", "URL.BACKUP", false},
        {"URL.", "URL", true},
        {"URL.", "url.backup", true},
        {"URL.", "URLS", false},
        {"URL.", "UR", false},
        {"URL.BACKUP", "URL", false},
        {"", "URL", false},
        {".", "URL", false},
        {"", "", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(wire_hs_type_matches(base_bytes_text(cases[i].asked),
                                              base_bytes_text(cases[i].type)),
                         cases[i].matches);
}

/* Every value of the folder's state, read and written again. */
static void
values_of_a_deployed_server_come_out_as_they_went_in(void **state)
{
    (void)state;
    struct vectors *vectors = vectors_open();
    const char *server;
    json_t *of, *row, *hex;
    size_t i, k;
    unsigned count = 0;
    if (!vectors)
        return;
    json_object_foreach(vectors->state, server, of)
        json_array_foreach(json_object_get(of, "handles"), i, row)
            json_array_foreach(json_object_get(row, "values_hex"), k, hex)
    {
        uint8_t room[4096];
        struct bytes whole = vectors_unhex(json_string_value(hex));
        struct wire_hs_value value;
        struct base_cur cur;
        struct base_out out;
        base_cur_init(&cur, whole);
        assert_true(wire_hs_read_value(&cur, &value));
        assert_int_equal(base_cur_left(&cur), 0);
        base_out_fixed(&out, room, sizeof room);
        wire_hs_write_value(&out, &value);
        assert_true(base_bytes_equal(base_out_bytes(&out), whole));
        base_mem_free((void *)(uintptr_t)whole.at);
        count++;
    }
    assert_true(count > 80);
    vectors_shut(vectors);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_read_and_written_as_it_was),
        cmocka_unit_test(a_value_that_is_cut_anywhere_is_refused),
        cmocka_unit_test(a_ttl_type_that_is_not_known_is_refused),
        cmocka_unit_test(a_list_is_walked_value_by_value),
        cmocka_unit_test(counts_beyond_what_is_there_are_refused),
        cmocka_unit_test(a_dot_at_the_end_asks_for_a_type_and_what_is_below_it),
        cmocka_unit_test(values_of_a_deployed_server_come_out_as_they_went_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
