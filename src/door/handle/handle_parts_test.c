/* handle_parts_test.c */
#include "door/handle/handle_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/base_mem.h"

static uint8_t pattern[WIRE_HANDLE_MESSAGE];

static struct net_udp_peer
peer_of(uint16_t port)
{
    struct net_udp_peer peer;
    assert_int_equal(net_udp_peer("192.0.2.7", port, &peer), ERR_OK);
    return peer;
}

static enum err
put(struct handle_parts *parts, uint16_t port, uint32_t size, uint32_t sequence,
    int64_t now_ms, struct bytes *ret_whole)
{
    struct net_udp_peer peer = peer_of(port);
    struct wire_handle_envelope first, envelope = {
                                           .major = (uint8_t)(2 + sequence),
                                           .request = 7,
                                           .sequence = sequence,
                                           .size = size,
                                       };
    enum err err = handle_parts_put(
        parts, &peer, &envelope,
        base_bytes_slice(base_bytes(pattern, size), sequence * 492u, 492),
        now_ms, &first, ret_whole);
    if (err == ERR_OK)
        assert_int_equal(first.major, 2); /* the first packet's */
    return err;
}

static void
parts_may_come_in_any_order(void **state)
{
    (void)state;
    static const uint32_t orders[][3] = {
        {0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {2, 0, 1}};
    struct bytes whole;
    for (size_t i = 0; i < BASE_COUNT(orders); i++) {
        struct handle_parts *parts = handle_parts_new(1);
        assert_int_equal(put(parts, 1, 1000, orders[i][0], 0, &whole),
                         ERR_AGAIN);
        assert_int_equal(put(parts, 1, 1000, orders[i][1], 0, &whole),
                         ERR_AGAIN);
        assert_int_equal(put(parts, 1, 1000, orders[i][1], 0, &whole),
                         ERR_AGAIN); /* twice */
        assert_int_equal(put(parts, 1, 1000, orders[i][2], 0, &whole), ERR_OK);
        assert_int_equal(whole.size, 1000);
        assert_memory_equal(whole.at, pattern, 1000);
        assert_int_equal(handle_parts_counts(parts)->bytes, 0);
        handle_parts_free(parts);
    }
}

static void
askers_are_not_mixed_up(void **state)
{
    (void)state;
    struct handle_parts *parts = handle_parts_new(1);
    struct bytes whole;
    assert_int_equal(put(parts, 1, 600, 0, 0, &whole), ERR_AGAIN);
    assert_int_equal(put(parts, 2, 600, 1, 0, &whole), ERR_AGAIN);
    assert_int_equal(handle_parts_counts(parts)->messages, 2);
    assert_int_equal(put(parts, 2, 600, 0, 0, &whole), ERR_OK);
    assert_int_equal(put(parts, 1, 600, 1, 0, &whole), ERR_OK);
    handle_parts_free(parts);
}

static void
half_a_message_is_dropped_after_five_seconds(void **state)
{
    (void)state;
    struct handle_parts *parts = handle_parts_new(1);
    struct bytes whole;
    assert_int_equal(put(parts, 1, 600, 0, 0, &whole), ERR_AGAIN);
    handle_parts_tick(parts, 4999);
    assert_int_equal(handle_parts_counts(parts)->messages, 1);
    handle_parts_tick(parts, 5000);
    assert_int_equal(handle_parts_counts(parts)->messages, 0);
    assert_int_equal(handle_parts_counts(parts)->late, 1);
    assert_int_equal(put(parts, 1, 600, 1, 5000, &whole), ERR_AGAIN);
    handle_parts_free(parts);
}

static void
the_greatest_message_has_533_parts(void **state)
{
    (void)state;
    struct handle_parts *parts = handle_parts_new(1);
    struct bytes whole;
    for (uint32_t i = 0; i < 532; i++)
        assert_int_equal(put(parts, 1, WIRE_HANDLE_MESSAGE, i, 0, &whole),
                         ERR_AGAIN);
    assert_int_equal(put(parts, 1, WIRE_HANDLE_MESSAGE, 532, 0, &whole),
                     ERR_OK);
    assert_int_equal(whole.size, WIRE_HANDLE_MESSAGE);
    assert_memory_equal(whole.at, pattern, WIRE_HANDLE_MESSAGE);
    handle_parts_free(parts);
}

static void
the_oldest_gives_way_when_memory_is_full(void **state)
{
    (void)state;
    struct handle_parts *parts = handle_parts_new(1);
    struct bytes whole;
    size_t most = 0;
    for (uint32_t i = 0; i < 20000; i++) {
        assert_int_equal(put(parts, (uint16_t)i, 600, 0, 0, &whole), ERR_AGAIN);
        if (handle_parts_counts(parts)->bytes > most)
            most = handle_parts_counts(parts)->bytes;
    }
    assert_true(most <= HANDLE_PARTS_BYTES);
    assert_true(most > HANDLE_PARTS_BYTES - 2000);
    assert_true(handle_parts_counts(parts)->crowded > 10000);
    assert_int_equal(put(parts, 19999, 600, 1, 0, &whole), ERR_OK);
    assert_int_equal(put(parts, 0, 600, 1, 0, &whole), ERR_AGAIN); /* gone */
    handle_parts_free(parts);
}

static void
a_part_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t size, sequence;
        size_t bytes;
    } cases[] = {
        {600, 0, 491},    {600, 0, 493}, {600, 1, 107},
        {600, 1, 109},    {600, 2, 0},   {600, 0xFFFFFFFF, 492},
        {262145, 0, 492}, {984, 2, 0},   {600, 8734893, 108},
    };
    struct net_udp_peer peer = peer_of(1);
    struct handle_parts *parts = handle_parts_new(1);
    struct wire_handle_envelope first;
    struct bytes whole;
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct wire_handle_envelope envelope = {.size = cases[i].size,
                                                .sequence = cases[i].sequence};
        assert_int_equal(handle_parts_put(parts, &peer, &envelope,
                                          base_bytes(pattern, cases[i].bytes),
                                          0, &first, &whole),
                         ERR_SYNTAX);
    }
    assert_int_equal(handle_parts_counts(parts)->messages, 0);
    assert_int_equal(put(parts, 1, 600, 0, 0, &whole), ERR_AGAIN);
    assert_int_equal(put(parts, 1, 700, 1, 0, &whole), ERR_SYNTAX);
    assert_int_equal(put(parts, 1, 600, 1, 0, &whole), ERR_OK);
    handle_parts_free(parts);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_may_come_in_any_order),
        cmocka_unit_test(askers_are_not_mixed_up),
        cmocka_unit_test(half_a_message_is_dropped_after_five_seconds),
        cmocka_unit_test(the_greatest_message_has_533_parts),
        cmocka_unit_test(the_oldest_gives_way_when_memory_is_full),
        cmocka_unit_test(a_part_that_does_not_fit_is_refused),
    };
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (uint8_t)(i * 7 + i / 492);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
