/* handle_client_test.c -- the client side against our own door, and against
 * servers that answer late, wrongly or not at all. */
#include <stdio.h>
#include <time.h>

#include "ctl/ctl_handle.h"
#include "handle_world.h"

static int
setup(void **state)
{
    struct world *w = world_new();
    struct wire_hs_value value = {.permissions = WIRE_HS_USUAL};
    struct base_out out;
    uint8_t *much = base_mem_zero(40000);
    base_out_grow(&out, 1 << 18);
    for (uint32_t i = 1; i <= 4; i++) {
        value.index = i;
        value.type = base_bytes_text(i < 3 ? "URL" : "DESC");
        value.data = base_bytes_text("http://a");
        wire_hs_write_value(&out, &value);
    }
    handle_fake_put(&w->ident, "88.1/a", base_out_bytes(&out), 4);
    base_out_reset(&out);
    value.data = base_bytes(much, 20000);
    wire_hs_write_value(&out, &value);
    handle_fake_put(&w->ident, "88.1/big", base_out_bytes(&out), 1);
    base_out_reset(&out);
    value.data = base_bytes(much, 40000);
    wire_hs_write_value(&out, &value);
    handle_fake_put(&w->ident, "88.1/bigger", base_out_bytes(&out), 1);
    base_out_done(&out);
    base_mem_free(much);
    w->ident.homed = "88.1";
    world_start(w);
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    world_free(*state);
    return 0;
}

static enum err
ask(struct ctl_handle *handle, uint16_t port)
{
    char where[64];
    struct base_note note = {0};
    snprintf(where, sizeof where, "127.0.0.1:%u", port);
    return ctl_handle_ask(handle, where, &note);
}

static int64_t
now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
a_handle_is_asked_for_and_found(void **state)
{
    struct world *w = *state;
    static const uint32_t indexes[] = {3};
    struct bytes types[] = {base_bytes_text("url")};
    struct ctl_handle handle = {.ask = {.handle = base_bytes_text("88.1/A")}};
    assert_int_equal(ask(&handle, handle_door_port(w->door)), ERR_OK);
    assert_int_equal(handle.ask.reply.header.code, WIRE_HANDLE_OK);
    assert_int_equal(handle.ask.values.values.count, 4);
    assert_true(base_bytes_is(handle.ask.values.handle, "88.1/A"));
    assert_false(handle.ask.by_tcp);
    ctl_handle_end(&handle);
    handle.ask.indexes = indexes;
    handle.ask.index_count = 1;
    handle.ask.types = types;
    handle.ask.type_count = 1;
    assert_int_equal(ask(&handle, handle_door_port(w->door)), ERR_OK);
    assert_int_equal(handle.ask.values.values.count, 3);
    ctl_handle_end(&handle);
}

static void
an_answer_of_many_packets_comes_whole(void **state)
{
    struct world *w = *state;
    struct ctl_handle handle = {.ask = {.handle = base_bytes_text("88.1/big")}};
    assert_int_equal(ask(&handle, handle_door_port(w->door)), ERR_OK);
    assert_int_equal(handle.ask.reply.header.code, WIRE_HANDLE_OK);
    assert_false(handle.ask.by_tcp);
    assert_true(handle.ask.reply.body.size > 20000);
    ctl_handle_end(&handle);
}

static void
what_is_too_long_for_udp_is_asked_for_over_tcp(void **state)
{
    struct world *w = *state;
    struct ctl_handle handle = {
        .ask = {.handle = base_bytes_text("88.1/bigger")}};
    assert_int_equal(ask(&handle, handle_door_port(w->door)), ERR_OK);
    assert_int_equal(handle.ask.reply.header.code, WIRE_HANDLE_OK);
    assert_true(handle.ask.by_tcp);
    assert_true(handle.ask.reply.body.size > 40000);
    ctl_handle_end(&handle);
}

static void
a_refusal_has_a_code_and_a_text(void **state)
{
    struct world *w = *state;
    struct ctl_handle handle = {
        .ask = {.handle = base_bytes_text("88.1/no"), .tcp_only = true}};
    assert_int_equal(ask(&handle, handle_door_port(w->door)), ERR_OK);
    assert_int_equal(handle.ask.reply.header.code, WIRE_HANDLE_NOT_FOUND);
    assert_true(handle.ask.text.size > 0);
    assert_true(handle.ask.by_tcp);
    ctl_handle_end(&handle);
}

/* --- other servers --- */

/* One that does to datagrams what it is told. */
struct odd {
    int fd;
    uint16_t port;
    pthread_t thread;
    unsigned ignore; /* so many first */
    bool other_id, other_handle, echo;
    unsigned seen;
};

static void
odd_answer(struct odd *odd, const uint8_t *asked, const struct sockaddr *to,
           socklen_t to_size)
{
    uint8_t room[512];
    struct base_out out;
    struct wire_handle_envelope envelope;
    struct wire_handle_header header = {.op = 1, .code = 1};
    assert_int_equal(
        wire_handle_read_envelope(base_bytes(asked, 20), &envelope), ERR_OK);
    envelope.request += odd->other_id;
    base_out_fixed(&out, room, sizeof room);
    wire_handle_begin(&out, &envelope, &header);
    wire_hs_write_str(&out,
                      base_bytes_text(odd->other_handle ? "88.1/b" : "88.1/a"));
    base_out_u32be(&out, 0);
    wire_handle_end(&out, base_bytes(NULL, 0));
    (void)sendto(odd->fd, room, out.size, 0, to, to_size);
}

static void *
odd_run(void *self)
{
    struct odd *odd = self;
    for (;;) {
        uint8_t room[512];
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        ssize_t got = recvfrom(odd->fd, room, sizeof room, 0,
                               (struct sockaddr *)&from, &size);
        if (got <= 1) /* the end */
            return NULL;
        if (odd->seen++ < odd->ignore)
            continue;
        if (odd->echo)
            (void)sendto(odd->fd, room, (size_t)got, 0,
                         (struct sockaddr *)&from, size);
        bool wrong = odd->other_id || odd->other_handle;
        odd_answer(odd, room, (struct sockaddr *)&from, size);
        if (wrong && odd->seen > odd->ignore + 1)
            odd->other_id = odd->other_handle = false; /* then rightly */
    }
}

static void
odd_start(struct odd *odd)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    odd->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(odd->fd, (struct sockaddr *)&at, size), 0);
    assert_int_equal(getsockname(odd->fd, (struct sockaddr *)&at, &size), 0);
    odd->port = ntohs(at.sin_port);
    assert_int_equal(sys_thread_start("odd", odd_run, odd, &odd->thread),
                     ERR_OK);
}

static void
odd_stop(struct odd *odd)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(odd->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to),
                     1);
    sys_thread_join(odd->thread);
    close(fd);
    close(odd->fd);
}

/* How it asks this server; how long it took. */
static int64_t
ask_odd(struct odd *odd, enum err expected)
{
    struct ctl_handle handle = {.ask = {.handle = base_bytes_text("88.1/a")}};
    odd_start(odd);
    int64_t from = now_ms();
    assert_int_equal(ask(&handle, odd->port), expected);
    int64_t took = now_ms() - from;
    odd_stop(odd);
    ctl_handle_end(&handle);
    return took;
}

static void
a_lost_question_is_asked_again_after_half_a_second(void **state)
{
    (void)state;
    struct odd odd = {.ignore = 1};
    assert_in_range(ask_odd(&odd, ERR_OK), 450, 13000);
    assert_true(odd.seen >= 2);
}

static void
an_answer_to_another_question_is_not_believed(void **state)
{
    (void)state;
    struct odd id = {.other_id = true}, name = {.other_handle = true};
    struct odd echo = {.echo = true};
    assert_in_range(ask_odd(&id, ERR_OK), 1400, 13000);
    assert_true(id.seen >= 3);
    assert_in_range(ask_odd(&name, ERR_OK), 1400, 13000);
    assert_in_range(ask_odd(&echo, ERR_OK), 0, 13000);
}

static void
who_never_answers_is_asked_three_times_then_over_tcp(void **state)
{
    (void)state;
    struct odd odd = {.ignore = 100};
    assert_in_range(ask_odd(&odd, ERR_LOST), 2900, 13000);
    assert_int_equal(odd.seen, 3);
}

static void
what_is_no_address_is_said_so(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "localhost", "127.0.0.1:", "127.0.0.1:70000", "[::1:1", ":::"};
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        struct base_note note = {0};
        struct ctl_handle handle = {.ask = {.handle = base_bytes_text("1/a")}};
        assert_int_equal(ctl_handle_ask(&handle, bad[i], &note), ERR_NAME);
        assert_true(note.text[0] != '\0');
        ctl_handle_end(&handle);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_handle_is_asked_for_and_found, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_answer_of_many_packets_comes_whole,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_is_too_long_for_udp_is_asked_for_over_tcp, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refusal_has_a_code_and_a_text, setup,
                                        teardown),
        cmocka_unit_test(a_lost_question_is_asked_again_after_half_a_second),
        cmocka_unit_test(an_answer_to_another_question_is_not_believed),
        cmocka_unit_test(who_never_answers_is_asked_three_times_then_over_tcp),
        cmocka_unit_test(what_is_no_address_is_said_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
