/* handle_bucket_test.c */
#include "door/handle/handle_bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct net_udp_peer
peer_of(const char *address, uint16_t port)
{
    struct net_udp_peer peer;
    assert_int_equal(net_udp_peer(address, port, &peer), ERR_OK);
    return peer;
}

static void
a_network_gets_its_burst_then_its_rate(void **state)
{
    (void)state;
    struct handle_bucket *buckets = handle_bucket_new(1000, 4000, 1);
    struct net_udp_peer peer = peer_of("192.0.2.7", 9);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(handle_bucket_take(buckets, &peer, 1000, 0),
                         HANDLE_BUCKET_SEND);
    assert_int_equal(handle_bucket_take(buckets, &peer, 1000, 0),
                     HANDLE_BUCKET_BUSY);
    assert_int_equal(handle_bucket_take(buckets, &peer, 1000, 1),
                     HANDLE_BUCKET_SEND); /* one byte has come back */
    assert_int_equal(handle_bucket_take(buckets, &peer, 1000, 500),
                     HANDLE_BUCKET_BUSY);
    assert_int_equal(handle_bucket_take(buckets, &peer, 1000, 1100),
                     HANDLE_BUCKET_SEND);
    handle_bucket_free(buckets);
}

static void
who_asks_for_ten_times_as_much_hears_nothing(void **state)
{
    (void)state;
    struct handle_bucket *buckets = handle_bucket_new(1000, 4000, 1);
    struct net_udp_peer peer = peer_of("192.0.2.7", 9);
    unsigned sent = 0, busy = 0, silent = 0;
    for (unsigned i = 0; i < 100; i++) {
        bool hopeless = handle_bucket_hopeless(buckets, &peer, 0);
        switch (handle_bucket_take(buckets, &peer, 1000, 0)) {
        case HANDLE_BUCKET_SEND:
            sent++;
            break;
        case HANDLE_BUCKET_BUSY:
            busy++;
            break;
        case HANDLE_BUCKET_SILENT:
            assert_true(hopeless);
            silent++;
            break;
        }
    }
    assert_int_equal(sent, 4);
    assert_int_equal(busy, 36);
    assert_int_equal(silent, 60);
    assert_int_equal(handle_bucket_take(buckets, &peer, 1000, 3600000),
                     HANDLE_BUCKET_SEND);
    handle_bucket_free(buckets);
}

/* Does what the one was sent count against the other? */
static bool
shared(const char *one, const char *other)
{
    struct handle_bucket *buckets = handle_bucket_new(1000, 4000, 1);
    struct net_udp_peer a = peer_of(one, 1), b = peer_of(other, 2);
    assert_int_equal(handle_bucket_take(buckets, &a, 4000, 0),
                     HANDLE_BUCKET_SEND);
    bool busy = handle_bucket_take(buckets, &b, 1, 0) == HANDLE_BUCKET_BUSY;
    handle_bucket_free(buckets);
    return busy;
}

static void
a_network_is_a_24_or_a_56(void **state)
{
    (void)state;
    assert_true(shared("192.0.2.1", "192.0.2.254"));
    assert_false(shared("192.0.2.1", "192.0.3.1"));
    assert_true(shared("2001:db8:0:12::1", "2001:db8:0:34::1"));
    assert_false(shared("2001:db8:0:100::1", "2001:db8:0:200::1"));
}

static void
many_networks_do_not_need_more_memory(void **state)
{
    (void)state;
    struct handle_bucket *buckets = handle_bucket_new(1000, 4000, 1);
    struct net_udp_peer peer = peer_of("10.0.0.1", 1);
    for (unsigned i = 0; i < 3 * HANDLE_BUCKETS; i++) {
        peer.address[0] = (uint8_t)(i >> 16);
        peer.address[1] = (uint8_t)(i >> 8);
        peer.address[2] = (uint8_t)i;
        assert_int_equal(handle_bucket_take(buckets, &peer, 1, i),
                         HANDLE_BUCKET_SEND);
    }
    handle_bucket_free(buckets);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_gets_its_burst_then_its_rate),
        cmocka_unit_test(who_asks_for_ten_times_as_much_hears_nothing),
        cmocka_unit_test(a_network_is_a_24_or_a_56),
        cmocka_unit_test(many_networks_do_not_need_more_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
