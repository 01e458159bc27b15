/* handle_door_test.c -- the door over real sockets on loopback. */
#include <stdio.h>
#include <time.h>

#include "handle_world.h"

enum { ROOM = 2048, IDLE_MS = 250 };

/* `88.1/a` has one value, `88.1/big` 60,000 bytes in two. */
static int
setup(void **state)
{
    struct world *w = world_new();
    struct wire_hs_value value = {.index = 1,
                                  .ttl_s = 60,
                                  .permissions = WIRE_HS_USUAL,
                                  .type = base_bytes_text("URL"),
                                  .data = base_bytes_text("http://a")};
    struct base_out out;
    base_out_grow(&out, 1 << 18);
    wire_hs_write_value(&out, &value);
    handle_fake_put(&w->ident, "88.1/a", base_out_bytes(&out), 1);
    uint8_t *much = base_mem_zero(30000);
    value.data = base_bytes(much, 30000);
    base_out_reset(&out);
    wire_hs_write_value(&out, &value);
    value.index = 2;
    wire_hs_write_value(&out, &value);
    handle_fake_put(&w->ident, "88.1/big", base_out_bytes(&out), 2);
    base_out_done(&out);
    base_mem_free(much);
    w->ident.homed = "88.1";
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    world_free(*state);
    return 0;
}

static void
ask(int fd, const char *handle, uint32_t request, uint32_t flags)
{
    uint8_t room[ROOM];
    size_t size = world_query(room, sizeof room, handle, request, flags);
    world_send(fd, base_bytes(room, size));
}

/* The next message of a stream has this request id and code. */
static void
expect(int fd, uint32_t request, uint32_t code)
{
    static uint8_t room[1 << 18];
    struct wire_handle_message message;
    size_t size = world_message(fd, room, sizeof room);
    assert_true(size > 0);
    world_parse(room, size, &message);
    assert_int_equal(message.envelope.request, request);
    assert_int_equal(message.header.code, code);
}

static void
expect_end(int fd)
{
    uint8_t room[ROOM];
    assert_int_equal(world_message(fd, room, sizeof room), 0);
}

static int64_t
now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
hold(struct world *w)
{
    w->ident.hold = true;
}

static void
release(struct world *w)
{
    handle_fake_release(&w->ident);
}

static void
look(struct world *w)
{
    (void)w;
}

/* As many questions have come to ident. */
static void
until_asked(struct world *w, unsigned count)
{
    do
        world_do(w, look);
    while (w->ident.asked < count);
}

/* Nothing comes for longer than an idle connection lasts, not its end (0). */
static void
stays_open(int fd)
{
    struct timeval soon = {.tv_usec = 700000};
    uint8_t byte;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
}

/* --- TCP --- */

static void
a_connection_closes_soon_after_its_answer(void **state)
{
    struct world *w = *state;
    world_start(w);
    int fd = world_socket(w, SOCK_STREAM);
    int64_t from = now_ms(); /* it may be long until this reads the answer */
    ask(fd, "88.1/a", 1, 0);
    expect(fd, 1, WIRE_HANDLE_OK);
    expect_end(fd);
    assert_in_range(now_ms() - from, 200, 20000);
    close(fd);
}

/* Is it open while one question follows another?  Also the longest that it can
 * have been idle meanwhile: it depends on when this thread runs. */
static bool
open_while_asked(int fd, int64_t *ret_idle_ms)
{
    uint8_t room[ROOM];
    int64_t last = now_ms();
    *ret_idle_ms = 0;
    for (uint32_t i = 1; i < 6; i++) {
        size_t size = world_query(room, sizeof room, "88.1/a", i, 0);
        int64_t before = now_ms();
        (void)send(fd, room, size, MSG_NOSIGNAL);
        if (now_ms() - last > *ret_idle_ms)
            *ret_idle_ms = now_ms() - last;
        last = before;
        if (recv(fd, room, 1, MSG_PEEK) != 1)
            return false;
        expect(fd, i, WIRE_HANDLE_OK);
    }
    return true;
}

static void
another_question_in_time_keeps_it_open(void **state)
{
    struct world *w = *state;
    int64_t idle_ms;
    world_start(w);
    int fd = world_socket(w, SOCK_STREAM);
    while (!open_while_asked(fd, &idle_ms)) {
        assert_true(idle_ms >= IDLE_MS); /* the question was not in time */
        close(fd);
        fd = world_socket(w, SOCK_STREAM);
    }
    expect_end(fd);
    close(fd);
}

static void
who_asks_to_keep_it_keeps_it(void **state)
{
    struct world *w = *state;
    world_start(w);
    int fd = world_socket(w, SOCK_STREAM);
    ask(fd, "88.1/a", 1, WIRE_HANDLE_KC);
    expect(fd, 1, WIRE_HANDLE_OK);
    stays_open(fd);
    ask(fd, "88.1/none", 2, 0);
    expect(fd, 2, WIRE_HANDLE_NOT_FOUND);
    close(fd);
}

static void
answers_come_in_the_order_of_the_questions(void **state)
{
    struct world *w = *state;
    world_start(w);
    int fd = world_socket(w, SOCK_STREAM);
    world_do(w, hold);
    ask(fd, "88.1/a", 1, 0);
    ask(fd, "88.1/none", 2, 0);
    ask(fd, "99/x", 3, 0);
    until_asked(w, 3);
    world_do(w, release); /* the last first */
    expect(fd, 1, WIRE_HANDLE_OK);
    expect(fd, 2, WIRE_HANDLE_NOT_FOUND);
    expect(fd, 3, WIRE_HANDLE_NOT_HERE);
    close(fd);
}

static void
the_thirty_third_question_waits(void **state)
{
    struct world *w = *state;
    world_start(w);
    int fd = world_socket(w, SOCK_STREAM);
    world_do(w, hold);
    for (uint32_t i = 1; i <= 40; i++)
        ask(fd, "88.1/a", i, 0);
    until_asked(w, 32);
    for (unsigned i = 0; i < 10; i++)
        world_do(w, look); /* turns enough to take in more, were it allowed */
    assert_int_equal(w->ident.asked, 32);
    world_do(w, release);
    for (uint32_t i = 1; i <= 40; i++)
        expect(fd, i, WIRE_HANDLE_OK);
    close(fd);
}

static void
a_question_may_come_byte_by_byte(void **state)
{
    struct world *w = *state;
    uint8_t room[ROOM];
    world_start(w);
    int fd = world_socket(w, SOCK_STREAM);
    size_t size = world_query(room, sizeof room, "88.1/a", 9, 0);
    for (size_t i = 0; i < size; i++)
        world_send(fd, base_bytes(room + i, 1));
    expect(fd, 9, WIRE_HANDLE_OK);
    close(fd);
}

static void
who_ends_his_side_gets_what_he_asked_for(void **state)
{
    struct world *w = *state;
    world_start(w);
    int fd = world_socket(w, SOCK_STREAM);
    world_do(w, hold);
    ask(fd, "88.1/a", 1, 0);
    ask(fd, "88.1/big", 2, 0);
    shutdown(fd, SHUT_WR);
    until_asked(w, 2);
    world_do(w, release);
    expect(fd, 1, WIRE_HANDLE_OK);
    expect(fd, 2, WIRE_HANDLE_OK);
    expect_end(fd);
    close(fd);
}

static void
a_connection_that_is_gone_does_not_take_its_questions_along(void **state)
{
    struct world *w = *state;
    world_start(w);
    int fd = world_socket(w, SOCK_STREAM);
    world_do(w, hold);
    ask(fd, "88.1/a", 1, 0);
    ask(fd, "88.1/a", 2, 0);
    until_asked(w, 2);
    close(fd);
    int other = world_socket(w, SOCK_STREAM);
    ask(other, "88.1/a", 3, 0);
    until_asked(w, 3);
    world_do(w, release);
    expect(other, 3, WIRE_HANDLE_OK);
    assert_int_equal(world_metric(w, "dougong_handle_under_way "), 0);
    close(other);
}

static void
after_a_length_that_is_none_it_closes(void **state)
{
    struct world *w = *state;
    static const uint8_t bad[60] = {2, 11, 2, 11, [11] = 5, [16] = 1};
    world_start(w);
    int fd = world_socket(w, SOCK_STREAM);
    ask(fd, "88.1/a", 1, WIRE_HANDLE_KC);
    world_send(fd, base_bytes(bad, sizeof bad));
    expect(fd, 1, WIRE_HANDLE_OK);
    expect(fd, 5, WIRE_HANDLE_MALFORMED);
    expect_end(fd);
    close(fd);
}

static void
a_node_that_ends_leaves_nothing_behind(void **state)
{
    struct world *w = *state;
    world_start(w);
    int tcp = world_socket(w, SOCK_STREAM), udp = world_socket(w, SOCK_DGRAM);
    world_do(w, hold);
    ask(tcp, "88.1/a", 1, 0);
    ask(udp, "88.1/a", 1, 0);
    until_asked(w, 2);
    close(tcp);
    close(udp); /* teardown frees the door with both under way */
}

/* --- what is asked of ident --- */

static void
without_a_site_of_ours_siteinfo_is_busy(void **state)
{
    struct world *w = *state;
    uint8_t room[ROOM];
    struct wire_handle_message message;
    world_start(w);
    int fd = world_socket(w, SOCK_DGRAM);
    size_t size = world_query(room, sizeof room, "/", 1, 0);
    room[23] = WIRE_HANDLE_SITEINFO;
    world_send(fd, base_bytes(room, size));
    world_parse(room, world_packet(fd, room, sizeof room), &message);
    assert_int_equal(message.header.code, WIRE_HANDLE_BUSY);
    assert_int_equal(message.header.serial, 0xFFFF);
    close(fd);
}

static void
this_machine_may_have_others_asked(void **state)
{
    struct world *w = *state;
    world_start(w);
    int fd = world_socket(w, SOCK_STREAM);
    ask(fd, "88.1/a", 1, WIRE_HANDLE_REC | WIRE_HANDLE_PO | WIRE_HANDLE_AT);
    expect(fd, 1, WIRE_HANDLE_OK);
    assert_true(w->ident.last.recurse && w->ident.last.public_only);
    assert_true(w->ident.last.authority);
    ask(fd, "88.1/a", 2, WIRE_HANDLE_DNR);
    expect(fd, 2, WIRE_HANDLE_OK);
    assert_true(w->ident.last.no_referral && !w->ident.last.recurse);
    assert_false(w->ident.last.reader);
    close(fd);
}

static void
over_the_limit_of_requests_it_is_busy(void **state)
{
    struct world *w = *state;
    w->config.requests = 2;
    world_start(w);
    int fd = world_socket(w, SOCK_STREAM);
    world_do(w, hold);
    for (uint32_t i = 1; i <= 3; i++)
        ask(fd, "88.1/a", i, 0);
    until_asked(w, 2);
    int udp = world_socket(w, SOCK_DGRAM);
    ask(udp, "88.1/a", 7, 0);
    uint8_t room[ROOM];
    struct wire_handle_message message;
    world_parse(room, world_packet(udp, room, sizeof room), &message);
    assert_int_equal(message.header.code, WIRE_HANDLE_BUSY);
    world_do(w, release);
    expect(fd, 1, WIRE_HANDLE_OK);
    expect(fd, 2, WIRE_HANDLE_OK);
    expect(fd, 3, WIRE_HANDLE_BUSY);
    assert_true(world_metric(
                    w, "dougong_limit_hit_total{limit=\"handle_requests\"} ") >=
                2);
    close(fd);
    close(udp);
}

static void
with_the_chinese_switch_a_session_id_is_the_clients(void **state)
{
    struct world *w = *state;
    uint8_t room[ROOM];
    w->config.china = true;
    world_start(w);
    int fd = world_socket(w, SOCK_STREAM);
    for (uint32_t i = 1; i < 3; i++) {
        size_t size = world_query(room, sizeof room, "88.1/a", i, 0);
        room[6] = 0x27, room[7] = 0x11; /* session 10001 */
        world_send(fd, base_bytes(room, size));
        size = world_message(fd, room, sizeof room);
        assert_int_equal(room[6] << 8 | room[7], 0x2711);
        assert_int_equal(room[27], WIRE_HANDLE_OK);
        stays_open(fd);
    }
    close(fd);
}

/* --- UDP --- */

static void
an_answer_of_many_packets_is_cut_at_492(void **state)
{
    struct world *w = *state;
    uint8_t room[ROOM];
    struct wire_handle_envelope envelope;
    world_start(w);
    int fd = world_socket(w, SOCK_DGRAM);
    struct base_out out;
    struct wire_handle_envelope asked = {.major = 2, .minor = 11, .request = 4};
    struct wire_handle_header header = {.op = 1};
    static const uint8_t index[] = {0, 0, 0, 1};
    struct wire_handle_query query = {.handle = base_bytes_text("88.1/big"),
                                      .index_count = 1,
                                      .indexes = {index, 4}};
    base_out_fixed(&out, room, sizeof room);
    wire_handle_begin(&out, &asked, &header);
    wire_handle_write_query(&out, &query);
    wire_handle_end(&out, base_bytes(NULL, 0));
    world_send(fd, base_out_bytes(&out));
    size_t have = 0, size = 1;
    for (unsigned i = 0; have < size; i++) {
        size_t got = world_packet(fd, room, sizeof room);
        assert_int_equal(
            wire_handle_read_envelope(base_bytes(room, got), &envelope),
            ERR_OK);
        size = envelope.size;
        assert_int_equal(envelope.sequence, i);
        have += got - 20;
        assert_true(got == 512 || have == size);
    }
    assert_int_equal(have, size);
    assert_true(size > 30000);
    close(fd);
}

static void
an_answer_above_64_packets_is_refused_over_udp(void **state)
{
    struct world *w = *state;
    uint8_t room[ROOM];
    struct wire_handle_message message;
    world_start(w);
    int fd = world_socket(w, SOCK_DGRAM);
    ask(fd, "88.1/big", 4, 0);
    world_parse(room, world_packet(fd, room, sizeof room), &message);
    assert_int_equal(message.header.code, WIRE_HANDLE_BUSY);
    close(fd);
}

static void
a_reply_is_never_answered(void **state)
{
    struct world *w = *state;
    uint8_t room[ROOM], answer[ROOM];
    struct wire_handle_message message;
    world_start(w);
    int fd = world_socket(w, SOCK_DGRAM);
    static const char *const handles[] = {"88.1/a", "88.1/none", "99/x"};
    for (uint32_t i = 0; i < BASE_COUNT(handles); i++) {
        ask(fd, handles[i], i, 0);
        size_t size = world_packet(fd, answer, sizeof answer);
        world_send(fd, base_bytes(answer, size)); /* back to the sender */
        answer[15] = 1;                           /* as another part */
        world_send(fd, base_bytes(answer, size));
        answer[19]++; /* of another size */
        world_send(fd, base_bytes(answer, size));
    }
    ask(fd, "88.1/a", 77, 0);
    world_parse(room, world_packet(fd, room, sizeof room), &message);
    assert_int_equal(message.envelope.request, 77);
    assert_true(
        world_metric(w, "dougong_handle_dropped_total{why=\"reply\"} ") >= 3);
    close(fd);
}

static void
garbage_does_not_stop_the_door(void **state)
{
    struct world *w = *state;
    uint8_t room[ROOM];
    struct wire_handle_message message;
    struct base_rng rng;
    base_rng_seed(&rng, 7);
    world_start(w);
    int fd = world_socket(w, SOCK_DGRAM), other = world_socket(w, SOCK_DGRAM);
    for (unsigned i = 0; i < 5000; i++) {
        size_t size = world_query(room, sizeof room, "88.1/a", i, 0);
        for (unsigned k = base_rng_below(&rng, 6) & 7; k > 0; k--)
            room[base_rng_below(&rng, size)] = (uint8_t)base_rng_next(&rng);
        size = i % 3 ? size : (size_t)base_rng_below(&rng, size);
        (void)send(fd, room, size, MSG_DONTWAIT);
        while (recv(fd, room, sizeof room, MSG_DONTWAIT) > 0)
            ;
        if (i % 64 == 63) /* the kernel's queue must not lose the last one */
            world_do(w, look);
    }
    ask(other, "88.1/a", 77, 0);
    world_parse(room, world_packet(other, room, sizeof room), &message);
    assert_int_equal(message.envelope.request, 77);
    assert_int_equal(message.header.code, WIRE_HANDLE_OK);
    close(fd);
    close(other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_connection_closes_soon_after_its_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(another_question_in_time_keeps_it_open,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(who_asks_to_keep_it_keeps_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            answers_come_in_the_order_of_the_questions, setup, teardown),
        cmocka_unit_test_setup_teardown(the_thirty_third_question_waits, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_question_may_come_byte_by_byte, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            who_ends_his_side_gets_what_he_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_connection_that_is_gone_does_not_take_its_questions_along, setup,
            teardown),
        cmocka_unit_test_setup_teardown(after_a_length_that_is_none_it_closes,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_node_that_ends_leaves_nothing_behind,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_site_of_ours_siteinfo_is_busy,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(this_machine_may_have_others_asked,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(over_the_limit_of_requests_it_is_busy,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            with_the_chinese_switch_a_session_id_is_the_clients, setup,
            teardown),
        cmocka_unit_test_setup_teardown(an_answer_of_many_packets_is_cut_at_492,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_answer_above_64_packets_is_refused_over_udp, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reply_is_never_answered, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(garbage_does_not_stop_the_door, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
