/* wire_return_test.c -- returns and receipts, there and back. */
#include "wire/return/wire_return.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t signature[WIRE_RETURN_SIGNATURE] = {7, 7, 7};

static struct wire_return
some_return(void)
{
    return (struct wire_return){
        .shape = 0x0123456789abcdef,
        .window = 0x50000271,
        .epoch = 1,
        .revision = 3,
        .reason = WIRE_RETURN_ERROR,
        .filed_ms = 1763787600000,
        .unit = base_bytes_text("88.31.2001"),
        .item_count = 11,
        .mask = 0x405,
        .values = {[0] = 5, [2] = -70000, [10] = 1},
        .text_count = 2,
        .texts = {{2, base_bytes_text("a new line since March")},
                  {200, base_bytes_text("sold")}},
        .key_id = 99,
        .signature = base_bytes(signature, sizeof signature),
    };
}

static struct bytes
written(const struct wire_return *ret, uint8_t *room)
{
    struct base_out out;
    base_out_fixed(&out, room, WIRE_RETURN_MAX);
    wire_return_write(&out, ret);
    base_out_bytes_add(&out, ret->signature);
    assert_true(base_out_ok(&out));
    return base_out_bytes(&out);
}

static void
a_return_comes_back_as_it_was(void **state)
{
    (void)state;
    static uint8_t room[WIRE_RETURN_MAX];
    struct wire_return ret = some_return(), back;
    struct bytes bytes = written(&ret, room);
    assert_int_equal(wire_return_read(bytes, &back), ERR_OK);
    assert_int_equal(back.shape, ret.shape);
    assert_int_equal(back.window, ret.window);
    assert_int_equal(back.revision, 3);
    assert_int_equal(back.mask, ret.mask);
    assert_memory_equal(back.values, ret.values, sizeof ret.values);
    assert_true(base_bytes_equal(back.unit, ret.unit));
    assert_int_equal(back.text_count, 2);
    assert_int_equal(back.texts[1].check, 200);
    assert_true(base_bytes_is(back.texts[1].text, "sold"));
    assert_int_equal(back.key_id, 99);
}

static void
every_cut_and_every_tail_is_refused(void **state)
{
    (void)state;
    static uint8_t room[WIRE_RETURN_MAX];
    struct wire_return ret = some_return(), back;
    struct bytes bytes = written(&ret, room);
    for (size_t size = 0; size < bytes.size; size++)
        assert_int_not_equal(wire_return_read(base_bytes(room, size), &back),
                             ERR_OK);
    room[bytes.size] = 0;
    assert_int_equal(wire_return_read(base_bytes(room, bytes.size + 1), &back),
                     ERR_SYNTAX);
}

static void
what_is_not_canonical_is_refused(void **state)
{
    (void)state;
    static uint8_t room[WIRE_RETURN_MAX];
    struct wire_return ret = some_return(), back;
    ret.mask |= 1 << 12; /* past M */
    assert_int_equal(wire_return_read(written(&ret, room), &back), ERR_SYNTAX);
    ret = some_return();
    ret.texts[1].check = 2;
    assert_int_equal(wire_return_read(written(&ret, room), &back), ERR_SYNTAX);
    ret = some_return();
    ret.reason = WIRE_RETURN_REASONS;
    assert_int_equal(wire_return_read(written(&ret, room), &back), ERR_SYNTAX);
    ret = some_return();
    struct bytes bytes = written(&ret, room);
    room[4] = 2;
    assert_int_equal(wire_return_read(bytes, &back), ERR_VERSION);
    room[4] = 1;
    room[6] = 65;
    assert_int_equal(wire_return_read(bytes, &back), ERR_RANGE);
}

static void
a_receipt_comes_back_as_it_was(void **state)
{
    (void)state;
    static uint8_t room[WIRE_RETURN_RECEIPT_MAX];
    struct base_out out;
    struct wire_return_receipt receipt =
                                   {
                                       .verdict = WIRE_RETURN_QUERIED,
                                       .sha256 = {1, 2, 3},
                                       .window = 5,
                                       .revision = 1,
                                       .applied_ms = 17,
                                       .node = base_bytes_text("88.31"),
                                       .unit = base_bytes_text("88.31.2001"),
                                       .pack =
                                           base_bytes_text("stats/industry"),
                                       .result_count = 1,
                                       .results = {{4, 1, 1, 0}},
                                       .key_id = 3,
                                   },
                               back;
    base_out_fixed(&out, room, sizeof room);
    wire_return_receipt_write(&out, &receipt);
    base_out_bytes_add(&out, base_bytes(signature, sizeof signature));
    struct bytes bytes = base_out_bytes(&out);
    assert_int_equal(wire_return_receipt_read(bytes, &back), ERR_OK);
    assert_true(base_bytes_is(back.pack, "stats/industry"));
    assert_int_equal(back.results[0].check, 4);
    assert_int_equal(back.applied_ms, 17);
    for (size_t size = 0; size < bytes.size; size++)
        assert_int_not_equal(
            wire_return_receipt_read(base_bytes(room, size), &back), ERR_OK);
    room[5] = 9;
    assert_int_equal(wire_return_receipt_read(bytes, &back), ERR_SYNTAX);
}

static void
a_return_and_a_receipt_are_signed_apart(void **state)
{
    (void)state;
    uint8_t room[2][64];
    struct base_out out[2];
    for (unsigned i = 0; i < 2; i++) {
        base_out_fixed(&out[i], room[i], sizeof room[i]);
        wire_return_signed(&out[i], i == 1, base_bytes_text("x"));
    }
    assert_memory_equal(room[0], "dougong return 1\0x", 18);
    assert_memory_equal(room[1], "dougong receipt 1\0x", 19);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_return_comes_back_as_it_was),
        cmocka_unit_test(every_cut_and_every_tail_is_refused),
        cmocka_unit_test(what_is_not_canonical_is_refused),
        cmocka_unit_test(a_receipt_comes_back_as_it_was),
        cmocka_unit_test(a_return_and_a_receipt_are_signed_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
