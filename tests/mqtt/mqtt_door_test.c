/* mqtt_door_test.c -- the door over loopback sockets, its store a fake one
 * that syncs, fills up and fails when it is told to. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base_b64.h"
#include "base/base_mem.h"
#include "door/mqtt/mqtt_door.h"
#include "door/mqtt/mqtt_host.h"
#include "mqtt_fake.h"
#include "sys/sys_random.h"

/* What app would answer. */
struct known {
    struct mqtt_ask *held; /* not answered yet */
    bool hold;
    unsigned asked;
    enum err err;
    struct model_grant_principal who;
};

struct world {
    struct known known;
    struct sys_loop *loop;
    struct net *net;
    struct base_stats stats;
    struct mqtt_door *door;
    struct net_listener *listener;
    struct base_timer timer;
    int fds[32];
    unsigned fd_count;
};

static struct world world;

static void
turn_over(struct base_timer *timer)
{
    (void)timer;
    sys_loop_stop(world.loop);
}

static void
turn(int64_t ms)
{
    world.timer.fn = turn_over;
    base_loop_timer(sys_loop_base(world.loop), &world.timer, ms);
    sys_loop_run(world.loop);
}

static void
answer_now(struct mqtt_ask *ask)
{
    ask->who = world.known.who;
    ask->done(ask, world.known.err);
}

static void
answer_task(struct base_task *task)
{
    answer_now(BASE_OUTER(task, struct mqtt_ask, task));
}

static void
answer(struct mqtt_ask *ask)
{
    assert_ptr_equal(ask->self, &world);
    world.known.asked++;
    if (world.known.hold) {
        world.known.held = ask;
        return;
    }
    ask->task.fn = answer_task;
    base_loop_post(sys_loop_base(world.loop), &ask->task);
}

static void
begin(const struct mqtt_profile *profile)
{
    struct base_note note = {0};
    world = (struct world){.fd_count = 0};
    base_stat_init(&world.stats);
    assert_int_equal(sys_loop_new("mqtt", &world.loop), ERR_OK);
    assert_int_equal(net_new(world.loop, &world.stats, &world.net), ERR_OK);
    mqtt_fake_reset(sys_loop_base(world.loop));
    struct mqtt_door_config config = {
        .loop = sys_loop_base(world.loop),
        .node = "88.1",
        .ask = answer,
        .ask_self = &world,
        .stream = (struct stream *)(void *)&mqtt_fake,
        .keep = (struct stream_keep *)(void *)&mqtt_fake,
        .ident = (struct ident *)(void *)&mqtt_fake,
        .random = sys_random(),
        .stats = &world.stats,
        .version = "test",
        .full_s = 1,
    };
    assert_int_equal(mqtt_door_new(&config, &world.door), ERR_OK);
    struct mqtt_listener *mqtt = mqtt_door_listener(world.door, profile);
    struct net_listener_config listen = {
        .address = "127.0.0.1",
        .proto = mqtt_door_proto(mqtt),
        .door = mqtt,
        .plain = true,
    };
    assert_int_equal(net_listen(world.net, &listen, &world.listener, &note),
                     ERR_OK);
}

static int
setup(void **state)
{
    struct mqtt_profile profile = mqtt_door_profile_open;
    (void)state;
    profile.register_auto = true;
    begin(&profile);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < world.fd_count; i++)
        close(world.fds[i]);
    turn(20);
    mqtt_door_shut(world.door);
    turn(5); /* calls under way come back */
    net_free(world.net);
    mqtt_door_free(world.door);
    base_stat_done(&world.stats);
    sys_loop_free(world.loop);
    return 0;
}

/* --- clients --- */

static int
dial(void)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons(net_listener_port(world.listener)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return world.fds[world.fd_count++] = fd;
}

static size_t
unhex(const char *hex, uint8_t *to)
{
    char tight[1024];
    size_t size = 0;
    for (; *hex; hex++)
        if (*hex != ' ')
            tight[size++] = *hex;
    assert_int_equal(base_b64_unhex(base_bytes(tight, size), to, size / 2),
                     ERR_OK);
    return size / 2;
}

static void
say(int fd, const char *hex)
{
    uint8_t bytes[512];
    size_t size = unhex(hex, bytes);
    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
}

/* Exactly these bytes come, within two seconds. */
static void
hear(int fd, const char *hex)
{
    uint8_t want[512], have[512];
    char text[1025];
    size_t size = unhex(hex, want), got = 0;
    for (unsigned i = 0; i < 400 && got < size; i++) {
        turn(5);
        ssize_t n = recv(fd, have + got, size - got, 0);
        if (n == 0)
            break;
        got += n > 0 ? (size_t)n : 0;
    }
    if (got != size || memcmp(have, want, size) != 0)
        fail_msg("expected %s, got %s", hex,
                 base_b64_hex(base_bytes(have, got), text));
}

static void
silence(int fd)
{
    uint8_t byte;
    turn(30);
    ssize_t n = recv(fd, &byte, 1, 0);
    if (n >= 0)
        fail_msg("expected nothing, got %zd bytes: %02x", n, n ? byte : 0);
}

static void
ended(int fd)
{
    uint8_t byte;
    for (unsigned i = 0; i < 400; i++) {
        turn(5);
        ssize_t n = recv(fd, &byte, 1, 0);
        if (n == 0)
            return;
        assert_true(n < 0);
    }
    fail_msg("expected the end");
}

/* A client of this level with an id of one letter, Clean Start. */
static int
client(unsigned version, char id)
{
    char hex[128];
    int fd = dial();
    if (version == 5) {
        snprintf(hex, sizeof hex, "100E 0004 4D515454 05 02 003C 00 0001 %02x",
                 id);
        say(fd, hex);
        hear(fd, "2009 00 00 06 22000A 210014");
    } else {
        snprintf(hex, sizeof hex, "100D 0004 4D515454 04 02 003C 0001 %02x",
                 id);
        say(fd, hex);
        hear(fd, "2002 0000");
    }
    return fd;
}

/* PUBLISH of 3.1.1 or 5.0 (no properties). */
static void
publish(int fd, unsigned version, unsigned flags, unsigned id,
        const char *topic, const char *payload)
{
    uint8_t packet[1024];
    size_t size = 2, topic_size = strlen(topic);
    packet[size++] = (uint8_t)(topic_size >> 8);
    packet[size++] = (uint8_t)topic_size;
    memcpy(packet + size, topic, topic_size);
    size += topic_size;
    if (flags & 6) {
        packet[size++] = (uint8_t)(id >> 8);
        packet[size++] = (uint8_t)id;
    }
    if (version == 5)
        packet[size++] = 0;
    memcpy(packet + size, payload, strlen(payload));
    size += strlen(payload);
    packet[0] = (uint8_t)(0x30 | flags);
    packet[1] = (uint8_t)(size - 2);
    assert_true(size - 2 < 128);
    assert_int_equal(send(fd, packet, size, MSG_NOSIGNAL), size);
}

enum { QOS1 = 2, QOS2 = 4, RETAIN = 1, DUP = 8 };
#define VALUE "d/88.31.1001/pump/m/flow"

/* /metrics has a line with this end. */
static void
hear_of(const char *line)
{
    struct base_out out;
    base_out_grow(&out, 1 << 20);
    base_stat_write(&world.stats, &out);
    base_out_u8(&out, 0);
    char want[128];
    snprintf(want, sizeof want, "%s\n", line);
    if (!strstr((const char *)out.at, want))
        fail_msg("no \"%s\" in\n%s", line, (const char *)out.at);
    base_out_done(&out);
}

/* --- the acknowledgement --- */

static void
acks_wait_for_the_journal_and_leave_in_order(void **state)
{
    (void)state;
    mqtt_fake.sync_ms = -1;
    int fd = client(4, 'a');
    publish(fd, 4, QOS1, 1, VALUE, "1.50");
    publish(fd, 4, QOS2, 2, VALUE, "2.5");
    publish(fd, 4, QOS1, 3, "nothing/to/keep", "x");
    silence(fd);
    assert_string_equal(mqtt_fake_last("88.31.1001/pump flow"), "2.5");
    say(fd, "C000");
    hear(fd, "D000");
    mqtt_fake_sync();
    hear(fd, "4002 0001 5002 0002 4002 0003");
    say(fd, "6202 0002");
    hear(fd, "7002 0002");
}

static void
what_a_cut_lost_is_refused(void **state)
{
    (void)state;
    mqtt_fake.sync_ms = -1;
    int five = client(5, 'a'), four = client(4, 'b');
    publish(five, 5, QOS1, 1, VALUE, "1");
    publish(five, 5, QOS2, 2, VALUE, "1");
    publish(four, 4, QOS1, 1, VALUE, "1");
    turn(20);
    mqtt_fake_cut();
    hear(five, "4003 0001 97 5003 0002 97");
    say(four, "C000"); /* is not read any more */
    silence(four);
}

static void
no_space_is_told_and_no_promise_is_made(void **state)
{
    (void)state;
    mqtt_fake.write = ERR_FULL;
    int five = client(5, 'a'), four = client(4, 'b');
    publish(five, 5, QOS1, 1, VALUE, "1");
    hear(five, "4003 0001 97");
    publish(five, 5, 0, 0, VALUE, "1");
    publish(five, 5, QOS1, 2, "nothing/to/keep", "1");
    hear(five, "4003 0002 10");
    publish(four, 4, QOS1, 1, VALUE, "1");
    say(four, "C000");
    silence(four); /* held, then */
    ended(four);
    hear_of("why=\"space\"} 1");
    say(five, "C000"); /* who can be told stays */
    hear(five, "D000");
    mqtt_fake.write = ERR_OK;
    publish(five, 5, QOS1, 3, VALUE, "1");
    hear(five, "4002 0003");
}

static void
a_failed_journal_ends_the_door(void **state)
{
    (void)state;
    mqtt_fake.sync_ms = -1;
    int five = client(5, 'a'), four = client(4, 'b');
    publish(five, 5, QOS1, 1, VALUE, "1");
    turn(20);
    mqtt_fake.state = ERR_IO;
    mqtt_fake_cut();
    hear(five, "E001 8B");
    ended(five);
    ended(four);
}

static void
a_busy_store_holds_the_input(void **state)
{
    (void)state;
    mqtt_fake.write = ERR_BUSY;
    int fd = client(4, 'a');
    publish(fd, 4, QOS1, 1, VALUE, "1");
    publish(fd, 4, QOS1, 2, VALUE, "2");
    silence(fd);
    mqtt_fake.write = ERR_OK;
    hear(fd, "4002 0001 4002 0002");
    assert_int_equal(mqtt_fake.writes, 2);
}

static void
retained_wait_for_both_the_sample_and_the_keep(void **state)
{
    (void)state;
    mqtt_fake.sync_ms = -1;
    int fd = client(4, 'a');
    publish(fd, 4, QOS1 | RETAIN, 1, VALUE, "1");
    silence(fd);
    assert_int_equal(mqtt_fake.kept, 1);
    mqtt_fake_sync();
    hear(fd, "4002 0001");
}

/* --- what messages mean --- */

static void
an_unknown_identifier_is_made_first(void **state)
{
    (void)state;
    mqtt_fake.known = false;
    int fd = client(4, 'a');
    publish(fd, 4, QOS1, 1, VALUE, "1");
    publish(fd, 4, QOS1, 2, VALUE, "2");
    hear(fd, "4002 0001 4002 0002");
    assert_int_equal(mqtt_fake.ensured, 1);
    assert_string_equal(mqtt_fake_last("88.31.1001/pump flow"), "2");
}

static void
a_refused_identifier_is_told(void **state)
{
    (void)state;
    mqtt_fake.known = false;
    mqtt_fake.ensure = ERR_DENIED;
    int five = client(5, 'a'), four = client(4, 'b');
    publish(five, 5, 0, 0, VALUE, "1"); /* dropped */
    publish(five, 5, QOS1, 1, VALUE, "1");
    hear(five, "4003 0001 87");
    publish(four, 4, QOS1, 1, VALUE, "1");
    ended(four);
    assert_int_equal(mqtt_fake.writes, 0);
}

static void
a_bad_payload_is_refused_or_a_dead_letter(void **state)
{
    (void)state;
    int five = client(5, 'a'), four = client(4, 'b');
    publish(five, 5, QOS1, 1, VALUE, "NaN");
    hear(five, "4003 0001 99");
    publish(five, 5, QOS2, 2, "d/88.31.1001/pump/t", "{\"v\":{\"a\":\"x\"}}");
    hear(five, "5003 0002 99");
    publish(four, 4, QOS1, 1, VALUE, "");
    hear(four, "4002 0001");
    assert_int_equal(mqtt_fake.kept, 1);
    assert_int_equal(mqtt_fake.writes, 0);
}

static void
dead_letters_are_refused_when_space_is_short(void **state)
{
    (void)state;
    mqtt_fake.low = true;
    int five = client(5, 'a'), four = client(4, 'b'), good = client(4, 'c');
    publish(five, 5, QOS1, 1, VALUE, "NaN");
    hear(five, "4003 0001 99");
    publish(four, 4, QOS1, 1, VALUE, "NaN");
    publish(good, 4, QOS1, 1, VALUE, "1"); /* samples still are taken */
    hear(good, "4002 0001");
    ended(four);
    assert_int_equal(mqtt_fake.kept, 0);
    hear_of("{limit=\"mqtt_deadletters_space\"} 1");
    hear_of("dougong_ingest_deadletter_total{door=\"mqtt\"} 0");
}

static void
qos_2_takes_effect_once(void **state)
{
    (void)state;
    int fd = client(4, 'a');
    publish(fd, 4, QOS2, 7, VALUE, "1");
    hear(fd, "5002 0007");
    publish(fd, 4, QOS2 | DUP, 7, VALUE, "1");
    hear(fd, "5002 0007");
    assert_int_equal(mqtt_fake.writes, 1);
    say(fd, "6202 0007");
    hear(fd, "7002 0007");
    publish(fd, 4, QOS2, 7, VALUE, "2");
    hear(fd, "5002 0007");
    assert_int_equal(mqtt_fake.writes, 2);
}

/* --- delivery --- */

static void
nobody_listens_is_told(void **state)
{
    (void)state;
    int a = client(5, 'a'), b = client(5, 'b');
    publish(a, 5, QOS1, 1, "x", "1");
    hear(a, "4003 0001 10");
    say(b, "8207 0001 00 0001 78 01");
    hear(b, "9004 0001 00 01");
    publish(a, 5, QOS1, 2, "x", "1");
    hear(b, "3207 0001 78 0001 00 31");
    hear(a, "4002 0002");
}

static void
the_window_of_a_subscriber_is_kept(void **state)
{
    (void)state;
    int a = client(5, 'a'), b = dial();
    say(b, "1011 0004 4D515454 05 02 003C 03 210001 0001 62");
    hear(b, "2009 00 00 06 22000A 210014");
    say(b, "8207 0001 00 0001 78 01");
    hear(b, "9004 0001 00 01");
    publish(a, 5, QOS1, 1, "x", "1");
    publish(a, 5, QOS1, 2, "x", "2");
    publish(a, 5, 0, 0, "x", "3");
    hear(b, "3207 0001 78 0001 00 31");
    hear(b, "3005 0001 78 00 33"); /* QoS 0 has no window */
    silence(b);
    say(b, "4002 0001");
    hear(b, "3207 0001 78 0002 00 32");
    silence(b);
}

static void
one_copy_with_every_subscription_identifier(void **state)
{
    (void)state;
    int a = client(5, 'a'), b = client(5, 'b');
    say(b, "8209 0001 02 0B01 0001 78 00");
    say(b, "8209 0002 02 0B02 0001 23 01");
    hear(b, "9004 0001 00 00 9004 0002 00 01");
    publish(a, 5, QOS1, 1, "x", "1");
    hear(b, "320B 0001 78 0001 04 0B01 0B02 31");
    silence(b);
}

static void
no_local_is_obeyed(void **state)
{
    (void)state;
    int a = client(5, 'a'), b = client(5, 'b');
    say(a, "8207 0001 00 0001 78 04");
    hear(a, "9004 0001 00 00");
    publish(a, 5, 0, 0, "x", "1");
    silence(a);
    publish(b, 5, 0, 0, "x", "2");
    hear(a, "3005 0001 78 00 32");
}

static void
retained_messages_follow_the_options(void **state)
{
    (void)state;
    int a = client(5, 'a'), b = client(5, 'b');
    publish(a, 5, RETAIN, 0, "x", "1");
    turn(20);
    say(b, "8207 0001 00 0001 78 20"); /* handling 2: none */
    hear(b, "9004 0001 00 00");
    silence(b);
    say(b, "8207 0002 00 0001 78 10"); /* 1: only a new subscription */
    hear(b, "9004 0002 00 00");
    silence(b);
    say(b, "8207 0003 00 0001 78 08"); /* 0, and as published */
    hear(b, "9004 0003 00 00 3105 0001 78 00 31");
    publish(a, 5, RETAIN, 0, "x", "2");
    hear(b, "3105 0001 78 00 32");
    say(b, "8207 0004 00 0001 78 20"); /* not as published */
    hear(b, "9004 0004 00 00");
    publish(a, 5, RETAIN, 0, "x", "3");
    hear(b, "3005 0001 78 00 33");
    publish(a, 5, RETAIN, 0, "x", ""); /* cleared */
    hear(b, "3004 0001 78 00");
    say(b, "8207 0005 00 0001 78 00");
    hear(b, "9004 0005 00 00");
    silence(b);
}

static void
expiry_counts_down_and_ends(void **state)
{
    (void)state;
    int a = client(5, 'a'), b = client(5, 'b'), c = client(5, 'c');
    say(a, "310A 0001 78 05 0200000002 31");
    turn(1100);
    say(b, "8207 0001 00 0001 78 00");
    hear(b, "9004 0001 00 00 310A 0001 78 05 0200000001 31");
    turn(1100);
    say(c, "8207 0001 00 0001 78 00");
    hear(c, "9004 0001 00 00");
    silence(c);
}

static void
aliases_go_both_ways(void **state)
{
    (void)state;
    int a = client(5, 'a'), b = dial();
    say(b, "1011 0004 4D515454 05 02 003C 03 220001 0001 62");
    hear(b, "2009 00 00 06 22000A 210014");
    say(b, "8207 0001 00 0001 23 00");
    hear(b, "9004 0001 00 00");
    say(a, "3008 0001 78 03 230005 31");
    say(a, "3007 0000 03 230005 32");
    publish(a, 5, 0, 0, "y", "3");
    hear(b, "3008 0001 78 03 230001 31");
    hear(b, "3007 0000 03 230001 32");
    hear(b, "3005 0001 79 00 33");
    say(a, "3007 0000 03 230006 32");
    hear(a, "E001 82");
}

static void
a_share_takes_turns(void **state)
{
    (void)state;
    int a = client(4, 'a'), b = client(4, 'b'), c = client(4, 'c');
    /* $share/g/x */
    say(b, "820F 0001 000A 2473686172652F672F78 00");
    hear(b, "9003 0001 00");
    say(c, "820F 0001 000A 2473686172652F672F78 00");
    hear(c, "9003 0001 00");
    for (unsigned i = 0; i < 2; i++) {
        publish(a, 4, 0, 0, "x", "1");
        hear(b, "3004 0001 78 31");
        silence(c);
        publish(a, 4, 0, 0, "x", "2");
        hear(c, "3004 0001 78 32");
        silence(b);
    }
    say(c, "A20E 0002 000A 2473686172652F672F78");
    hear(c, "B002 0002");
    publish(a, 4, 0, 0, "x", "3");
    publish(a, 4, 0, 0, "x", "4");
    hear(b, "3004 0001 78 33 3004 0001 78 34");
}

/* --- wills, takeover, keep alive --- */

static void
a_will_speaks_for_who_left_without_a_word(void **state)
{
    (void)state;
    int s = client(4, 's');
    say(s, "8206 0001 0001 77 00");
    hear(s, "9003 0001 00");
    for (unsigned i = 0; i < 2; i++) {
        int w = dial();
        say(w, "1013 0004 4D515454 04 06 003C 0001 77 0001 77 0001 78");
        hear(w, "2002 0000");
        if (i == 0)
            say(w, "E000");
        turn(20);
        shutdown(w, SHUT_RDWR);
        if (i == 0)
            silence(s);
    }
    hear(s, "3004 0001 77 78");
}

static void
a_delayed_will_waits_and_a_reconnection_cancels_it(void **state)
{
    (void)state;
    /* Session Expiry 60, Will Delay 1 */
    static const char connect[] =
        "101F 0004 4D515454 05 04 003C 05 110000003C 0001 77"
        "05 1800000001 0001 77 0001 78";
    static const char connack[] = "200E 00 00 0B 22000A 210014 1100000000";
    int s = client(4, 's');
    say(s, "8206 0001 0001 77 00");
    hear(s, "9003 0001 00");
    int w = dial();
    say(w, connect);
    hear(w, connack);
    shutdown(w, SHUT_RDWR);
    turn(300);
    w = dial();
    say(w, connect);
    hear(w, connack);
    turn(1200);
    silence(s);
    shutdown(w, SHUT_RDWR);
    turn(300);
    silence(s);
    hear(s, "3004 0001 77 78");
}

static void
the_same_client_id_takes_over(void **state)
{
    (void)state;
    int old = client(5, 'a');
    int new = client(5, 'a');
    hear(old, "E001 8E");
    ended(old);
    say(new, "C000");
    hear(new, "D000");
}

static void
who_is_silent_for_too_long_is_cut_off(void **state)
{
    (void)state;
    int fd = dial();
    say(fd, "100E 0004 4D515454 05 02 0001 00 0001 61");
    hear(fd, "2009 00 00 06 22000A 210014");
    turn(1000);
    say(fd, "C000");
    hear(fd, "D000");
    turn(2600);
    hear(fd, "E001 8D");
    ended(fd);
}

static void
more_than_receive_maximum_is_an_error(void **state)
{
    (void)state;
    mqtt_fake.sync_ms = -1;
    int fd = client(5, 'a');
    for (unsigned i = 1; i <= 21; i++)
        publish(fd, 5, QOS1, i, VALUE, "1");
    hear(fd, "E001 93");
    ended(fd);
}

static void
a_packet_that_is_too_large_is_not_read(void **state)
{
    (void)state;
    teardown(state);
    struct mqtt_profile profile = mqtt_door_profile;
    profile.anonymous = true;
    begin(&profile);
    int fd = dial();
    say(fd, "100E 0004 4D515454 05 02 003C 00 0001 61");
    hear(fd, "200E 00 00 0B 220020 2700040000 2103E8");
    say(fd, "30 FFFF 10");
    hear(fd, "E001 95");
    ended(fd);
}

static void
who_shows_nothing_is_not_let_in_by_default(void **state)
{
    (void)state;
    teardown(state);
    begin(&mqtt_door_profile);
    int five = dial(), four = dial();
    say(five, "100E 0004 4D515454 05 02 003C 00 0001 61");
    hear(five, "2003 00 87 00");
    ended(five);
    say(four, "100D 0004 4D515454 04 02 003C 0001 61");
    hear(four, "2002 0005");
    ended(four);
}

/* --- who is asked --- */

/* A device of this name; its door checks. */
static void
begin_checked(void **state, const char *device)
{
    teardown(state);
    begin(&mqtt_door_profile);
    mqtt_fake.known = true;
    world.known.who = (struct model_grant_principal){
        .kind = MODEL_GRANT_DEVICE,
        .roles = MODEL_GRANT_IS_DEVICE,
        .name = base_bytes_text(device),
        .scope = base_bytes_text(device),
    };
}

/* Client id and user "88.1/p", password "s". */
#define CHECKED_FIVE                                                           \
    "1018 0004 4D515454 05 C2 0000 00 0000 0006 38382E312F70 0001 73"
#define CHECKED_FOUR                                                           \
    "101D 0004 4D515454 04 C2 0000 0006 38382E312F70 0006 38382E312F70 0001 "  \
    "73"

static int
checked(unsigned version)
{
    int fd = dial();
    say(fd, version == 5 ? CHECKED_FIVE : CHECKED_FOUR);
    if (version == 4) {
        hear(fd, "2002 0000");
        return fd;
    }
    uint8_t connack[64];
    ssize_t size = -1;
    for (unsigned i = 0; i < 400 && size < 0; i++) {
        turn(5);
        size = recv(fd, connack, sizeof connack, 0);
    }
    assert_true(size > 4 && connack[0] == 0x20 && connack[3] == 0);
    return fd;
}

static void
a_wrong_credential_is_told_and_a_guesser_waits(void **state)
{
    (void)state;
    static const struct {
        enum err err;
        const char *five, *four;
    } rows[] = {{ERR_DENIED, "2003 00 86 00", "2002 0004"},
                {ERR_EXPIRED, "2003 00 86 00", "2002 0004"},
                {ERR_BUSY, "2003 00 9F 00", "2002 0003"}};
    begin_checked(state, "88.1/p");
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        world.known.err = rows[i].err;
        int five = dial(), four = dial();
        say(five, CHECKED_FIVE);
        hear(five, rows[i].five);
        ended(five);
        say(four, CHECKED_FOUR);
        hear(four, rows[i].four);
        ended(four);
    }
    assert_int_equal(world.known.asked, 6);
}

static void
a_device_speaks_for_itself_only(void **state)
{
    (void)state;
    begin_checked(state, "88.1/p");
    int five = checked(5);
    /* d/88.1/p/m/f, then d/88.1/q/m/f, then "x" */
    say(five, "3212 000C 642F38382E312F702F6D2F66 0001 00 31");
    mqtt_fake_sync();
    hear(five, "4002 0001");
    assert_string_equal(mqtt_fake_last("88.1/p f"), "1");
    say(five, "3212 000C 642F38382E312F712F6D2F66 0002 00 31");
    hear(five, "4003 0002 87");
    say(five, "3207 0001 78 0003 00 31");
    hear(five, "4003 0003 87");
    assert_string_equal(mqtt_fake_last("88.1/q f"), "");
    int four = checked(4);
    say(four, "3211 000C 642F38382E312F712F6D2F66 0002 31");
    ended(four);
    assert_string_equal(mqtt_fake_last("88.1/q f"), "");
}

static void
a_device_hears_what_is_its_own_only(void **state)
{
    (void)state;
    begin_checked(state, "88.1/p");
    int fd = checked(4);
    /* d/88.1/p/c/#, d/88.1/+/c/#, #, $share/g/d/88.1/q/# */
    say(fd, "8211 0001 000C 642F38382E312F702F632F23 00");
    hear(fd, "9003 0001 00");
    say(fd, "8211 0002 000C 642F38382E312F2B2F632F23 00");
    hear(fd, "9003 0002 80");
    say(fd, "8206 0003 0001 23 00");
    hear(fd, "9003 0003 80");
    say(fd, "8218 0004 0013 2473686172652F672F642F38382E312F712F23 00");
    hear(fd, "9003 0004 80");
}

static void
a_gateway_speaks_for_its_whole_prefix(void **state)
{
    (void)state;
    begin_checked(state, "88.1");
    int fd = dial(); /* client id "88.1:g" */
    say(fd, "101B 0004 4D515454 04 C2 0000 0006 38382E313A67 0004 38382E31 "
            "0001 73");
    hear(fd, "2002 0000");
    say(fd, "3211 000C 642F38382E312F712F6D2F66 0002 31");
    mqtt_fake_sync();
    hear(fd, "4002 0002");
    say(fd, "8206 0003 0001 23 00");
    hear(fd, "9003 0003 00");
    say(fd, "3212 000D 642F38382E31312F712F6D2F66 0002 31"); /* d/88.11/ */
    ended(fd);
}

static void
a_device_has_a_client_id_of_its_own(void **state)
{
    (void)state;
    begin_checked(state, "88.1/pump");
    int fd = dial();
    say(fd, CHECKED_FOUR); /* 88.1/p */
    hear(fd, "2002 0002");
    ended(fd);
}

static void
whoever_is_revoked_is_dropped(void **state)
{
    (void)state;
    begin_checked(state, "88.1/p");
    int fd = checked(5);
    mqtt_door_revoke(world.door, MODEL_GRANT_KEY, base_bytes_text("88.1/p"));
    mqtt_door_revoke(world.door, MODEL_GRANT_DEVICE, base_bytes_text("88.1"));
    silence(fd);
    mqtt_door_revoke(world.door, MODEL_GRANT_DEVICE, base_bytes_text("88.1/P"));
    hear(fd, "E001 87");
    ended(fd);
}

/* Client id "88.1/p" is on: another may not take it, its own device may. */
static void
nobody_takes_the_client_id_of_another(void **state)
{
    (void)state;
    begin_checked(state, "88.1/p");
    int device = checked(4);
    world.known.who.kind = MODEL_GRANT_USER;
    world.known.who.roles = MODEL_GRANT_OPERATOR;
    int user = dial();
    say(user, CHECKED_FOUR);
    hear(user, "2002 0002");
    ended(user);
    world.known.who.kind = MODEL_GRANT_DEVICE;
    world.known.who.roles = MODEL_GRANT_IS_DEVICE;
    checked(4);
    ended(device);
}

/* The answer is there, the packet not yet read again: it is asked once more. */
static void
an_answer_from_before_a_revocation_does_not_count(void **state)
{
    (void)state;
    begin_checked(state, "88.1/p");
    world.known.hold = true;
    int fd = dial();
    say(fd, CHECKED_FOUR);
    for (unsigned i = 0; i < 400 && !world.known.held; i++)
        turn(5);
    world.known.hold = false;
    answer_now(world.known.held);
    mqtt_door_revoke(world.door, MODEL_GRANT_DEVICE, base_bytes_text("88.1/p"));
    world.known.err = ERR_DENIED;
    hear(fd, "2002 0004");
    ended(fd);
    assert_int_equal(world.known.asked, 2);
}

static void
an_answer_may_come_after_the_client_has_gone(void **state)
{
    (void)state;
    begin_checked(state, "88.1/p");
    world.known.hold = true;
    int fd = dial();
    say(fd, CHECKED_FOUR);
    for (unsigned i = 0; i < 400 && !world.known.held; i++)
        turn(5);
    net_listener_shut(world.listener, NULL);
    net_free(world.net);
    assert_int_equal(net_new(world.loop, &world.stats, &world.net), ERR_OK);
    answer_now(world.known.held);
    close(fd);
    world.fd_count = 0;
}

/* --- the console's lists --- */

static bool
list_one(void *self, const struct model_client *one)
{
    char *text = self;
    sprintf(text + strlen(text), "%.*s %s %d %d;", (int)one->id.size,
            (const char *)one->id.at, one->version, (int)one->in,
            (int)one->out);
    return true;
}

static const char *
listed(const char *after, const char *start, const char *scope, unsigned limit)
{
    static char text[512];
    text[0] = 0;
    struct model_client_query query = {.scope = base_bytes_text(scope),
                                       .after = base_bytes_text(after),
                                       .start = base_bytes_text(start),
                                       .limit = limit};
    mqtt_list_clients(world.door, &query, list_one, text);
    return text;
}

static void
list_refusal(void *self, const struct model_client_refusal *one)
{
    char *text = self;
    sprintf(text + strlen(text), "%s %.*s;", one->what, (int)one->topic.size,
            (const char *)one->topic.at);
}

static void
the_console_sees_who_is_on_and_what_was_refused(void **state)
{
    (void)state;
    char text[256] = "";
    int a = client(4, 'a');
    publish(a, 4, 0, 0, "d/88.31.1001/pump/s", "[]");
    publish(a, 4, 0, 0, VALUE, "x");
    turn(20);
    assert_string_equal(listed("", "", "*", 10), "a 3.1.1 1 0;");
    mqtt_list_refusals(world.door, list_refusal, text);
    assert_string_equal(text,
                        "payload " VALUE ";unmapped d/88.31.1001/pump/s;");
}

static void
clients_are_listed_in_order_page_by_page(void **state)
{
    (void)state;
    static const char order[] = "kcmaxbqd";
    for (unsigned i = 0; order[i]; i++)
        client(4, order[i]);
    assert_string_equal(listed("", "", "*", 3), "a 3.1.1 0 0;b 3.1.1 0 0;"
                                                "c 3.1.1 0 0;");
    assert_string_equal(listed("c", "", "*", 3), "d 3.1.1 0 0;k 3.1.1 0 0;"
                                                 "m 3.1.1 0 0;");
    assert_string_equal(listed("m", "", "*", 3), "q 3.1.1 0 0;x 3.1.1 0 0;");
    assert_string_equal(listed("x", "", "*", 3), "");
    assert_string_equal(listed("", "q", "*", 3), "q 3.1.1 0 0;");
    /* An open door's lie where the node does. */
    assert_string_equal(listed("", "", "88.1", 1), "a 3.1.1 0 0;");
    assert_string_equal(listed("", "", "44.1", 1), "");
}

static void
an_operator_ends_one_within_his_scope(void **state)
{
    (void)state;
    begin_checked(state, "88.1/p");
    int four = checked(4);
    struct bytes id = base_bytes_text("88.1/p");
    assert_int_equal(mqtt_list_end(world.door, id, base_bytes_text("88.2")),
                     ERR_ABSENT);
    assert_int_equal(mqtt_list_end(world.door, base_bytes_text("88.1/q"),
                                   base_bytes_text("*")),
                     ERR_ABSENT);
    silence(four);
    assert_int_equal(mqtt_list_end(world.door, id, base_bytes_text("88.1")),
                     ERR_OK);
    ended(four);
    assert_string_equal(listed("", "", "*", 3), "");
    teardown(state);
    begin(&mqtt_door_profile_open);
    int five = client(5, 'a');
    assert_int_equal(
        mqtt_list_end(world.door, base_bytes_text("a"), base_bytes_text("*")),
        ERR_OK);
    hear(five, "E001 98");
    ended(five);
}

/* --- the client side --- */

static unsigned
host_read(void *self, struct mqtt_host_value *values, unsigned room)
{
    (void)self;
    assert_true(room >= 2);
    values[0] = (struct mqtt_host_value){"cpu", 12305, 2};
    values[1] = (struct mqtt_host_value){"memory", 42, 0};
    return 2;
}

static void
the_host_reports_itself_through_the_door(void **state)
{
    (void)state;
    struct mqtt_client_stats stats;
    struct mqtt_client_config config = {
        .loop = sys_loop_base(world.loop),
        .net = world.net,
        .address = "127.0.0.1",
        .port = net_listener_port(world.listener),
        .id = "88.31.1001/host",
        .name = "host",
        .stats = &world.stats,
    };
    struct mqtt_client *reporter = mqtt_client_new(&config);
    struct mqtt_host_config host_config = {
        .loop = config.loop,
        .client = reporter,
        .topic = "d/88.31.1001/host/t",
        .period_ms = 50,
        .read = host_read,
    };
    struct mqtt_host *host = mqtt_host_new(&host_config);
    turn(300);
    assert_string_equal(mqtt_fake_last("88.31.1001/host cpu"), "123.05");
    assert_string_equal(mqtt_fake_last("88.31.1001/host memory"), "42");
    mqtt_client_stats(reporter, &stats);
    assert_true(stats.on && stats.acked >= 3);
    assert_int_equal(stats.dropped + stats.refused, 0);
    mqtt_host_free(host);
    mqtt_client_free(reporter);
}

static void
the_client_keeps_what_was_not_acknowledged(void **state)
{
    (void)state;
    struct mqtt_client_stats stats;
    struct mqtt_client_config config = {
        .loop = sys_loop_base(world.loop),
        .net = world.net,
        .address = "127.0.0.1",
        .port = net_listener_port(world.listener),
        .id = "c",
        .name = "c",
        .stats = &world.stats,
    };
    mqtt_fake.sync_ms = -1;
    struct mqtt_client *sender = mqtt_client_new(&config);
    for (unsigned i = 0; i < 30; i++)
        mqtt_client_publish(sender, base_bytes_text(VALUE),
                            base_bytes_text("1"));
    turn(100);
    mqtt_client_stats(sender, &stats);
    assert_int_equal(stats.waiting, 30);
    assert_int_equal(stats.sent, 20); /* Receive Maximum */
    mqtt_fake_cut();                  /* refused with 97: later again */
    mqtt_fake.sync_ms = 0;
    turn(4500); /* lingering 2 s, a wait of 1 s or 2 s */
    mqtt_client_stats(sender, &stats);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.acked, 30);
    mqtt_client_free(sender);
}

struct answers {
    struct mqtt_client *client;
    unsigned good, bad;
    uint64_t next; /* the number expected */
};

static void
answered(void *self, uint64_t number, uint8_t reason)
{
    struct answers *answers = self;
    assert_int_equal(number, answers->next++);
    if (reason < 0x80)
        answers->good++;
    else
        answers->bad++;
    if (number == 0) /* from inside */
        mqtt_client_publish(answers->client, base_bytes_text(VALUE),
                            base_bytes_text("no number"));
}

static void
the_client_tells_what_became_of_each_message(void **state)
{
    (void)state;
    for (uint8_t version = 4; version <= 5; version++) {
        struct answers answers = {0};
        struct mqtt_client_config config = {
            .loop = sys_loop_base(world.loop),
            .net = world.net,
            .address = "127.0.0.1",
            .port = net_listener_port(world.listener),
            .version = version,
            .id = "c",
            .name = "c",
            .stats = &world.stats,
            .answered = answered,
            .self = &answers,
        };
        answers.client = mqtt_client_new(&config);
        mqtt_client_publish(answers.client, base_bytes_text(VALUE),
                            base_bytes_text("1"));
        turn(200);
        /* 3.1.1 cannot say no: a dead letter, then a PUBACK */
        assert_int_equal(answers.good, version == 5 ? 1 : 2);
        assert_int_equal(answers.bad, version == 5 ? 1 : 0);
        mqtt_client_free(answers.client);
        turn(10);
    }
}

#define DOOR_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DOOR_TEST(acks_wait_for_the_journal_and_leave_in_order),
        DOOR_TEST(what_a_cut_lost_is_refused),
        DOOR_TEST(no_space_is_told_and_no_promise_is_made),
        DOOR_TEST(a_failed_journal_ends_the_door),
        DOOR_TEST(a_busy_store_holds_the_input),
        DOOR_TEST(retained_wait_for_both_the_sample_and_the_keep),
        DOOR_TEST(an_unknown_identifier_is_made_first),
        DOOR_TEST(a_refused_identifier_is_told),
        DOOR_TEST(a_bad_payload_is_refused_or_a_dead_letter),
        DOOR_TEST(dead_letters_are_refused_when_space_is_short),
        DOOR_TEST(qos_2_takes_effect_once),
        DOOR_TEST(nobody_listens_is_told),
        DOOR_TEST(the_window_of_a_subscriber_is_kept),
        DOOR_TEST(one_copy_with_every_subscription_identifier),
        DOOR_TEST(no_local_is_obeyed),
        DOOR_TEST(retained_messages_follow_the_options),
        DOOR_TEST(expiry_counts_down_and_ends),
        DOOR_TEST(aliases_go_both_ways),
        DOOR_TEST(a_share_takes_turns),
        DOOR_TEST(a_will_speaks_for_who_left_without_a_word),
        DOOR_TEST(a_delayed_will_waits_and_a_reconnection_cancels_it),
        DOOR_TEST(the_same_client_id_takes_over),
        DOOR_TEST(who_is_silent_for_too_long_is_cut_off),
        DOOR_TEST(more_than_receive_maximum_is_an_error),
        DOOR_TEST(a_packet_that_is_too_large_is_not_read),
        DOOR_TEST(who_shows_nothing_is_not_let_in_by_default),
        DOOR_TEST(a_wrong_credential_is_told_and_a_guesser_waits),
        DOOR_TEST(a_device_speaks_for_itself_only),
        DOOR_TEST(a_device_hears_what_is_its_own_only),
        DOOR_TEST(a_gateway_speaks_for_its_whole_prefix),
        DOOR_TEST(a_device_has_a_client_id_of_its_own),
        DOOR_TEST(whoever_is_revoked_is_dropped),
        DOOR_TEST(nobody_takes_the_client_id_of_another),
        DOOR_TEST(an_answer_from_before_a_revocation_does_not_count),
        DOOR_TEST(an_answer_may_come_after_the_client_has_gone),
        DOOR_TEST(the_console_sees_who_is_on_and_what_was_refused),
        DOOR_TEST(clients_are_listed_in_order_page_by_page),
        DOOR_TEST(an_operator_ends_one_within_his_scope),
        DOOR_TEST(the_host_reports_itself_through_the_door),
        DOOR_TEST(the_client_keeps_what_was_not_acknowledged),
        DOOR_TEST(the_client_tells_what_became_of_each_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
