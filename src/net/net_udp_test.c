/* net_udp_test.c -- datagrams over loopback, the loop on the test's thread. */
#include "net/net_udp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base_mem.h"

struct end {
    struct net_udp *udp;
    struct sys_loop *loop;
    unsigned count, stop_at;
    size_t bytes;
    struct net_udp_peer last;
    bool echo;
};

struct world {
    struct sys_loop *loop;
    struct base_stats stats;
    struct net *net;
    struct end a, b;
};

static void
end_input(void *self, const struct net_udp_peer *peer, struct bytes data)
{
    struct end *end = self;
    end->count++;
    end->bytes += data.size;
    end->last = *peer;
    if (end->echo)
        net_udp_send(end->udp, peer, data);
    if (end->count == end->stop_at)
        sys_loop_stop(end->loop);
}

static void
end_open(struct world *w, struct end *end, const char *address, bool counted)
{
    struct net_udp_config config = {
        .name = "test",
        .address = address,
        .counted = counted,
        .input = end_input,
        .self = end,
    };
    end->loop = w->loop;
    assert_int_equal(net_udp_open(w->net, &config, &end->udp, NULL), ERR_OK);
}

static int
world_new(void **state)
{
    struct world *w = base_mem_zero(sizeof *w);
    base_stat_init(&w->stats);
    assert_int_equal(sys_loop_new("test", &w->loop), ERR_OK);
    assert_int_equal(net_new(w->loop, &w->stats, &w->net), ERR_OK);
    *state = w;
    return 0;
}

static int
world_free(void **state)
{
    struct world *w = *state;
    net_udp_shut(w->a.udp);
    net_udp_shut(w->b.udp);
    net_free(w->net);
    sys_loop_free(w->loop);
    base_stat_done(&w->stats);
    base_mem_free(w);
    return 0;
}

/* There and back, on an address. */
static void
there_and_back(struct world *w, const char *address)
{
    struct net_udp_peer to;
    end_open(w, &w->a, address, false);
    end_open(w, &w->b, address, true);
    w->b.echo = true;
    w->a.stop_at = 3;
    assert_int_equal(net_udp_peer(address, net_udp_port(w->b.udp), &to),
                     ERR_OK);
    assert_true(net_udp_loopback(&to));
    net_udp_send(w->a.udp, &to, base_bytes_text("one"));
    net_udp_send(w->a.udp, &to, base_bytes_text(""));
    net_udp_send(w->a.udp, &to, base_bytes_text("three"));
    sys_loop_run(w->loop);
    assert_int_equal(w->a.count, 3);
    assert_int_equal(w->a.bytes, 8);
    assert_int_equal(w->b.count, 3);
    assert_memory_equal(&w->a.last, &to, sizeof to);
    assert_int_equal(w->b.last.port, net_udp_port(w->a.udp));
}

static void
a_datagram_goes_there_and_back(void **state)
{
    there_and_back(*state, "127.0.0.1");
}

static void
and_over_ip_6(void **state)
{
    struct world *w = *state;
    struct net_udp_config config = {
        .name = "test", .address = "::1", .input = end_input, .self = &w->b};
    struct net_udp *probe = NULL;
    if (net_udp_open(w->net, &config, &probe, NULL) != ERR_OK) {
        printf("skipped: this machine has no IPv6\n");
        return;
    }
    net_udp_shut(probe);
    there_and_back(*state, "::1");
}

static void
more_than_one_batch_comes_in_one_turn(void **state)
{
    struct world *w = *state;
    struct net_udp_peer to;
    end_open(w, &w->a, "127.0.0.1", false);
    end_open(w, &w->b, "127.0.0.1", true);
    w->b.stop_at = 3 * NET_UDP_BATCH + 1;
    assert_int_equal(net_udp_peer("127.0.0.1", net_udp_port(w->b.udp), &to),
                     ERR_OK);
    for (unsigned i = 0; i < w->b.stop_at; i++)
        net_udp_send(w->a.udp, &to, base_bytes_text("x"));
    sys_loop_run(w->loop);
    assert_int_equal(w->b.count, w->b.stop_at);
}

static void
a_long_datagram_is_cut(void **state)
{
    struct world *w = *state;
    struct net_udp_peer to;
    uint8_t *data = base_mem_zero(2 * NET_UDP_ROOM);
    end_open(w, &w->a, "127.0.0.1", false);
    end_open(w, &w->b, "127.0.0.1", true);
    w->b.stop_at = 1;
    assert_int_equal(net_udp_peer("127.0.0.1", net_udp_port(w->b.udp), &to),
                     ERR_OK);
    net_udp_send(w->a.udp, &to, base_bytes(data, 2 * NET_UDP_ROOM));
    sys_loop_run(w->loop);
    assert_int_equal(w->b.bytes, NET_UDP_ROOM);
    base_mem_free(data);
}

static void
a_port_that_is_taken_is_said_so(void **state)
{
    struct world *w = *state;
    struct base_note note = {0};
    struct net_udp *second = NULL;
    end_open(w, &w->a, "127.0.0.1", false);
    struct net_udp_config config = {
        .name = "test",
        .address = "127.0.0.1",
        .port = net_udp_port(w->a.udp),
        .input = end_input,
    };
    assert_int_equal(net_udp_open(w->net, &config, &second, &note), ERR_EXISTS);
    assert_non_null(strstr(note.text, "cannot use UDP port"));
    config.address = "localhost";
    assert_int_equal(net_udp_open(w->net, &config, &second, &note), ERR_NAME);
}

static void
an_address_is_loopback_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        bool loopback;
    } cases[] = {
        {"127.0.0.1", true}, {"127.9.9.9", true}, {"10.0.0.1", false},
        {"::1", true},       {"fe80::1", false},  {"::ffff:127.0.0.1", true},
    };
    struct net_udp_peer peer;
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        assert_int_equal(net_udp_peer(cases[i].address, 1, &peer), ERR_OK);
        assert_int_equal(net_udp_loopback(&peer), cases[i].loopback);
    }
    assert_int_equal(net_udp_peer("example.org", 1, &peer), ERR_NAME);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_datagram_goes_there_and_back,
                                        world_new, world_free),
        cmocka_unit_test_setup_teardown(and_over_ip_6, world_new, world_free),
        cmocka_unit_test_setup_teardown(more_than_one_batch_comes_in_one_turn,
                                        world_new, world_free),
        cmocka_unit_test_setup_teardown(a_long_datagram_is_cut, world_new,
                                        world_free),
        cmocka_unit_test_setup_teardown(a_port_that_is_taken_is_said_so,
                                        world_new, world_free),
        cmocka_unit_test(an_address_is_loopback_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
