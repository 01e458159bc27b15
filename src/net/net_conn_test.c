/* net_conn_test.c -- the life cycle over real sockets on loopback: the loop on
 * its own thread, blocking clients on the test's. */
#include "net/net_conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/ssl.h>

#include "base/base_mem.h"
#include "sys/sys_random.h"
#include "sys/sys_thread.h"

static const struct wall now = {INT64_C(1763787307000)};

/* What a door saw; written by the loop's thread. */
struct door {
    atomic_int opened, closed, why, drained, deadlines, inputs;
    atomic_long bytes;
    _Atomic(struct net_conn *) last;
    char tls_why[160];
};

struct world {
    struct sys_loop *loop;
    struct base_stats stats;
    struct net *net;
    struct net_listener *listener;
    struct door door;
    struct crypt_key *ca_key, *key;
    struct crypt_cert *ca, *cert;
    SSL_CTX *server, *client;
    struct base_task task;
    atomic_int task_done;
};

/* -- the world: keys, loop, net -- */

static void
world_tls(struct world *w)
{
    struct base_out public;
    uint8_t room[256];
    base_out_fixed(&public, room, sizeof room);
    assert_int_equal(crypt_key_make(CRYPT_KEY_P256, &w->ca_key), ERR_OK);
    assert_int_equal(crypt_key_make(CRYPT_KEY_P256, &w->key), ERR_OK);
    assert_int_equal(crypt_key_public(w->key, &public), ERR_OK);
    assert_int_equal(crypt_cert_ca(w->ca_key, "88", now, sys_random(), &w->ca),
                     ERR_OK);
    struct crypt_cert_issue issue = {
        .ca = w->ca,
        .ca_key = w->ca_key,
        .use = CRYPT_CERT_DOOR,
        .public_der = base_out_bytes(&public),
        .now = now,
        .random = sys_random(),
    };
    assert_int_equal(crypt_cert_issue(&issue, &w->cert), ERR_OK);
    struct crypt_tls_config config = {
        .kind = CRYPT_TLS_DOOR, .key = w->key, .cert = w->cert, .ca = w->ca};
    assert_int_equal(crypt_tls_new(&config, &w->server, NULL), ERR_OK);
    config = (struct crypt_tls_config){.kind = CRYPT_TLS_CLIENT, .ca = w->ca};
    assert_int_equal(crypt_tls_new(&config, &w->client, NULL), ERR_OK);
}

static int
world_new(void **state)
{
    struct world *w = base_mem_zero(sizeof *w);
    world_tls(w);
    base_stat_init(&w->stats);
    assert_int_equal(sys_loop_new("net", &w->loop), ERR_OK);
    assert_int_equal(net_new(w->loop, &w->stats, &w->net), ERR_OK);
    w->door.why = -1;
    *state = w;
    return 0;
}

static void
world_stop(struct world *w)
{
    if (!w->loop)
        return;
    sys_loop_stop(w->loop);
    sys_loop_join(w->loop);
    net_free(w->net);
    sys_loop_free(w->loop);
    w->loop = NULL;
}

static int
world_free(void **state)
{
    struct world *w = *state;
    world_stop(w);
    assert_null(w->stats.first);
    base_stat_done(&w->stats);
    crypt_tls_free(w->server);
    crypt_tls_free(w->client);
    crypt_cert_free(w->ca);
    crypt_cert_free(w->cert);
    crypt_key_free(w->ca_key);
    crypt_key_free(w->key);
    base_mem_free(w);
    return 0;
}

/* Listen and start the loop. */
static void
world_start(struct world *w, struct net_listener_config config)
{
    struct base_note note;
    config.address = "127.0.0.1";
    config.door = &w->door;
    config.context = w->server;
    if (!config.tls && !config.tls_first)
        config.plain = true;
    assert_int_equal(net_listen(w->net, &config, &w->listener, &note), ERR_OK);
    assert_int_equal(sys_loop_start(w->loop), ERR_OK);
}

static int64_t
stat_of(struct world *w, const char *name, const char *label)
{
    int64_t value = -1;
    pthread_mutex_lock(&w->stats.lock);
    for (struct base_stat *s = w->stats.first; s; s = s->next)
        if (strcmp(s->name, name) == 0 && strstr(s->labels, label))
            value = base_stat_get(s);
    pthread_mutex_unlock(&w->stats.lock);
    return value;
}

/* Up to a minute. */
static void
wait_for(atomic_int *value, int want)
{
    for (unsigned i = 0; i < 12000 && atomic_load(value) != want; i++)
        usleep(5000);
    assert_int_equal(atomic_load(value), want);
}

static void
world_run(struct world *w, void (*fn)(struct base_task *))
{
    int before = atomic_load(&w->task_done);
    w->task.fn = fn;
    base_loop_post(sys_loop_base(w->loop), &w->task);
    wait_for(&w->task_done, before + 1);
}

static struct world *
world_of(struct base_task *task)
{
    return BASE_OUTER(task, struct world, task);
}

/* -- clients -- */

static int
client_socket(void)
{
    struct timeval patience = {.tv_sec = 60};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return fd;
}

static void
client_connect(struct world *w, int fd)
{
    struct sockaddr_in peer = {
        .sin_family = AF_INET,
        .sin_port = htons(net_listener_port(w->listener)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    assert_int_equal(connect(fd, (struct sockaddr *)&peer, sizeof peer), 0);
}

static int
client_new(struct world *w)
{
    int fd = client_socket();
    client_connect(w, fd);
    return fd;
}

static void
client_send(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void
client_expect(int fd, const char *text)
{
    char room[256];
    size_t size = strlen(text), got = 0;
    while (got < size) {
        ssize_t n = recv(fd, room + got, size - got, 0);
        assert_true(n > 0);
        got += (size_t)n;
    }
    assert_memory_equal(room, text, size);
}

/* The server's end, orderly (0) or by reset (-1). */
static ssize_t
client_end(int fd)
{
    char byte;
    return recv(fd, &byte, 1, 0);
}

/* -- protocols -- */

static bool
any_open(struct net_conn *conn, void *door)
{
    struct door *d = door;
    assert_ptr_equal(net_conn_door(conn), door);
    atomic_store(&d->last, conn);
    net_conn_greeted(conn);
    atomic_fetch_add(&d->opened, 1);
    return true;
}

static void
any_closed(struct net_conn *conn, enum net_why why)
{
    struct door *d = net_conn_door(conn);
    if (why == NET_WHY_TLS)
        crypt_tls_why(d->tls_why, sizeof d->tls_why);
    atomic_store(&d->why, (int)why);
    atomic_fetch_add(&d->closed, 1);
}

static void
any_drained(struct net_conn *conn)
{
    struct door *d = net_conn_door(conn);
    atomic_fetch_add(&d->drained, 1);
}

static void
any_deadline(struct net_conn *conn)
{
    struct door *d = net_conn_door(conn);
    atomic_fetch_add(&d->deadlines, 1);
    net_conn_write(conn, base_bytes_text("late"));
    net_conn_close(conn, NET_WHY_TIMEOUT);
}

static size_t
echo_input(struct net_conn *conn, const uint8_t *at, size_t size)
{
    struct door *d = net_conn_door(conn);
    atomic_fetch_add(&d->inputs, 1);
    atomic_fetch_add(&d->bytes, (long)size);
    net_conn_write(conn, base_bytes(at, size));
    return size;
}

static const struct net_proto echo = {
    .name = "echo",
    .partial_max = 65536,
    .high = 65536,
    .low = 16384,
    .max = 8 << 20,
    .open = any_open,
    .input = echo_input,
    .drained = any_drained,
    .deadline = any_deadline,
    .closed = any_closed,
};

/* Lines, each a command; a count of lines as its state. */
struct line {
    unsigned count;
};

static void
line_command(struct net_conn *conn, char command)
{
    static uint8_t flood[1 << 20];
    switch (command) {
    case 'p': /* pause */
        net_conn_pause(conn);
        break;
    case 'f': /* flood: 1 MiB */
        net_conn_write(conn, base_bytes(flood, sizeof flood));
        break;
    case 'c': /* close with a word */
        net_conn_write(conn, base_bytes_text("bye"));
        net_conn_close(conn, NET_WHY_DONE);
        break;
    case 'a':
        net_conn_abort(conn, NET_WHY_STOP);
        break;
    case 'd':
        net_conn_deadline(conn, 1);
        break;
    case 'k': /* corked: one segment of three */
        net_conn_cork(conn);
        net_conn_write(conn, base_bytes_text("o"));
        net_conn_write(conn, base_bytes_text("n"));
        net_conn_write(conn, base_bytes_text("e"));
        net_conn_uncork(conn);
        break;
    default:
        net_conn_write(conn, base_bytes(&command, 1));
        break;
    }
}

static size_t
line_input(struct net_conn *conn, const uint8_t *at, size_t size)
{
    struct door *d = net_conn_door(conn);
    struct line *line = net_conn_state(conn);
    assert_ptr_equal(net_conn_of(line), conn);
    const uint8_t *end = memchr(at, '\n', size);
    if (!end)
        return 0;
    line->count++;
    atomic_fetch_add(&d->inputs, 1);
    line_command(conn, (char)*at);
    return (size_t)(end + 1 - at);
}

static const struct net_proto lines = {
    .name = "lines",
    .size = sizeof(struct line),
    .partial_max = 16,
    .high = 65536,
    .low = 16384,
    .max = 20 << 20,
    .open = any_open,
    .input = line_input,
    .drained = any_drained,
    .deadline = any_deadline,
    .closed = any_closed,
};

/* -- tests -- */

static void
bytes_come_back_in_order(void **state)
{
    struct world *w = *state;
    world_start(w, (struct net_listener_config){.proto = &echo});
    int fd = client_new(w);
    enum { SIZE = 3 << 20 };
    uint8_t *sent = base_mem_new(SIZE), *got = base_mem_zero(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        sent[i] = (uint8_t)(i * 7 + (i >> 11));
    size_t out = 0, in = 0;
    while (in < SIZE) {
        ssize_t n = out < SIZE ? send(fd, sent + out, SIZE - out,
                                      MSG_DONTWAIT | MSG_NOSIGNAL)
                               : 0;
        if (n > 0)
            out += (size_t)n;
        n = recv(fd, got + in, SIZE - in, out < SIZE ? MSG_DONTWAIT : 0);
        if (n > 0)
            in += (size_t)n;
        else
            assert_true(errno == EAGAIN);
    }
    assert_memory_equal(sent, got, SIZE);
    shutdown(fd, SHUT_WR);
    assert_int_equal(client_end(fd), 0);
    wait_for(&w->door.closed, 1);
    assert_int_equal(w->door.why, NET_WHY_PEER);
    close(fd);
    base_mem_free(sent);
    base_mem_free(got);
}

static void
a_half_closed_peer_gets_what_waits_for_it(void **state)
{
    struct world *w = *state;
    world_start(w, (struct net_listener_config){.proto = &lines});
    int fd = client_new(w);
    client_send(fd, "f\nf\nf\n");
    shutdown(fd, SHUT_WR);
    usleep(50000);
    static char room[65536];
    size_t total = 0;
    for (ssize_t n; (n = recv(fd, room, sizeof room, 0)) > 0;)
        total += (size_t)n;
    /* the flood above `high` held back the second and third line */
    assert_int_equal(total, 3 << 20);
    close(fd);
    wait_for(&w->door.closed, 1);
}

static void
a_part_is_given_again_with_what_follows(void **state)
{
    struct world *w = *state;
    world_start(w, (struct net_listener_config){.proto = &lines});
    int fd = client_new(w);
    static const char *const parts[] = {"x", "yz", "\nu", "v", "\n", "1\n2\n"};
    for (unsigned i = 0; i < BASE_COUNT(parts); i++) {
        client_send(fd, parts[i]);
        usleep(5000);
    }
    client_expect(fd, "xu12");
    client_send(fd, "12345678901234567");
    assert_int_equal(client_end(fd), 0);
    wait_for(&w->door.closed, 1);
    assert_int_equal(w->door.why, NET_WHY_LIMIT);
    close(fd);
}

static void
task_resume(struct base_task *task)
{
    struct world *w = world_of(task);
    net_conn_resume(w->door.last);
    atomic_fetch_add(&w->task_done, 1);
}

static void
a_paused_connection_waits_and_loses_nothing(void **state)
{
    struct world *w = *state;
    world_start(w, (struct net_listener_config){.proto = &lines});
    int fd = client_new(w);
    client_send(fd, "1\np\n2\np\n3\n");
    client_expect(fd, "1");
    wait_for(&w->door.inputs, 2);
    client_send(fd, "4\n5\n");
    usleep(20000);
    assert_int_equal(w->door.inputs, 2);
    world_run(w, task_resume);
    client_expect(fd, "2");
    wait_for(&w->door.inputs, 4);
    usleep(20000);
    assert_int_equal(w->door.inputs, 4);
    world_run(w, task_resume);
    client_expect(fd, "345");
    close(fd);
}

static void
a_slow_reader_stops_being_read(void **state)
{
    struct world *w = *state;
    world_start(w, (struct net_listener_config){.proto = &lines});
    int fd = client_new(w);
    for (unsigned i = 0; i < 16; i++)
        client_send(fd, "f\n");
    int before;
    do {
        before = w->door.inputs;
        usleep(300000);
    } while (w->door.inputs != before);
    assert_true(before < 16);
    static char room[65536];
    for (size_t total = 0; total < 16 << 20;) {
        ssize_t n = recv(fd, room, sizeof room, 0);
        assert_true(n > 0);
        total += (size_t)n;
    }
    assert_int_equal(w->door.inputs, 16);
    assert_true(w->door.drained > 0);
    close(fd);
}

static size_t
flood_input(struct net_conn *conn, const uint8_t *at, size_t size)
{
    (void)at;
    for (unsigned i = 0; i < 40; i++)
        line_command(conn, 'f');
    return size;
}

static void
a_reader_too_slow_is_closed(void **state)
{
    struct world *w = *state;
    struct net_proto flood = lines;
    flood.input = flood_input;
    world_start(w, (struct net_listener_config){.proto = &flood});
    int fd = client_new(w);
    client_send(fd, "!");
    wait_for(&w->door.closed, 1);
    assert_int_equal(w->door.why, NET_WHY_LIMIT);
    assert_int_equal(stat_of(w, "dougong_net_closed_total", "why=\"limit\""),
                     1);
    close(fd);
}

static void
corked_bytes_leave_together(void **state)
{
    struct world *w = *state;
    world_start(w, (struct net_listener_config){.proto = &lines});
    int fd = client_new(w);
    char room[8];
    client_send(fd, "k\n");
    assert_int_equal(recv(fd, room, sizeof room, 0), 3);
    assert_memory_equal(room, "one", 3);
    close(fd);
}

/* -- TLS -- */

static SSL *
client_tls(struct world *w, int fd)
{
    SSL *ssl = SSL_new(w->client);
    SSL_set_fd(ssl, fd);
    assert_int_equal(SSL_connect(ssl), 1);
    return ssl;
}

static void
the_first_byte_tells_tls_from_plain(void **state)
{
    struct world *w = *state;
    world_start(w, (struct net_listener_config){
                       .proto = &lines, .plain = true, .tls = true});
    int plain = client_new(w), fd = client_new(w);
    client_send(plain, "1\n");
    client_expect(plain, "1");
    SSL *ssl = client_tls(w, fd);
    struct crypt_cert_facts facts;
    assert_int_equal(crypt_tls_peer(ssl, now, &facts), ERR_OK);
    char room[4];
    assert_int_equal(SSL_write(ssl, "2\n", 2), 2);
    assert_int_equal(SSL_read(ssl, room, sizeof room), 1);
    assert_int_equal(room[0], '2');
    assert_int_equal(SSL_write(ssl, "c\n", 2), 2);
    assert_int_equal(SSL_read(ssl, room, sizeof room), 3);
    assert_int_equal(SSL_read(ssl, room, sizeof room), 0);
    assert_int_equal(SSL_get_shutdown(ssl), SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
    close(fd);
    close(plain);
    wait_for(&w->door.closed, 2);
}

static void
much_goes_through_tls_both_ways(void **state)
{
    struct world *w = *state;
    world_start(
        w, (struct net_listener_config){.proto = &echo, .tls_first = true});
    int fd = client_new(w);
    SSL *ssl = client_tls(w, fd);
    enum { SIZE = 200000 };
    uint8_t *sent = base_mem_new(SIZE), *got = base_mem_zero(SIZE);
    for (unsigned round = 0; round < 20; round++) {
        for (size_t i = 0; i < SIZE; i++)
            sent[i] = (uint8_t)(i * 13 + round);
        size_t out = 0, in = 0;
        while (out < SIZE) {
            int n = SSL_write(ssl, sent + out, (int)(SIZE - out));
            assert_true(n > 0);
            out += (size_t)n;
        }
        while (in < SIZE) {
            int n = SSL_read(ssl, got + in, (int)(SIZE - in));
            assert_true(n > 0);
            in += (size_t)n;
        }
        assert_memory_equal(sent, got, SIZE);
    }
    SSL_shutdown(ssl);
    SSL_free(ssl);
    close(fd);
    wait_for(&w->door.closed, 1);
    base_mem_free(sent);
    base_mem_free(got);
}

static void
plain_bytes_at_a_tls_port_are_refused(void **state)
{
    struct world *w = *state;
    world_start(w, (struct net_listener_config){.proto = &lines, .tls = true});
    int fd = client_new(w);
    client_send(fd, "1\n");
    assert_true(client_end(fd) <= 0);
    close(fd);
    assert_int_equal(w->door.opened, 0);
    assert_int_equal(w->door.closed, 0);
    assert_int_equal(stat_of(w, "dougong_net_closed_total", "why=\"tls\""), 1);
}

static void
an_outgoing_link_speaks_tls_and_tells_why_not(void **state)
{
    struct world *w = *state;
    struct door outside = {0};
    struct net_conn *conn = NULL;
    struct net_proto caller = lines;
    world_start(
        w, (struct net_listener_config){.proto = &lines, .tls_first = true});
    sys_loop_stop(w->loop); /* calls are made on the loop's thread */
    sys_loop_join(w->loop);
    uint16_t port = net_listener_port(w->listener);
    assert_int_equal(net_connect(w->net, "127.0.0.1", port, &caller, &outside,
                                 w->client, &conn),
                     ERR_OK);
    assert_int_equal(
        net_connect(w->net, "localhost", port, &caller, &outside, NULL, &conn),
        ERR_NAME);
    struct crypt_tls_config config = {.kind = CRYPT_TLS_CLIENT,
                                      .ca_hash = (const uint8_t[32]){1}};
    SSL_CTX *other = NULL;
    assert_int_equal(crypt_tls_new(&config, &other, NULL), ERR_OK);
    struct door stranger = {0}, nobody = {0};
    assert_int_equal(net_connect(w->net, "127.0.0.1", port, &caller, &stranger,
                                 other, &conn),
                     ERR_OK);
    crypt_tls_free(other);
    /* a port where nobody listens */
    int fd = client_socket();
    struct sockaddr_in own = {.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof own;
    assert_int_equal(bind(fd, (struct sockaddr *)&own, size), 0);
    getsockname(fd, (struct sockaddr *)&own, &size);
    assert_int_equal(net_connect(w->net, "127.0.0.1", ntohs(own.sin_port),
                                 &caller, &nobody, NULL, &conn),
                     ERR_OK);
    assert_int_equal(sys_loop_start(w->loop), ERR_OK);
    wait_for(&outside.opened, 1);
    wait_for(&stranger.closed, 1);
    wait_for(&nobody.closed, 1);
    assert_int_equal(nobody.why, NET_WHY_ERROR);
    assert_int_equal(stranger.why, NET_WHY_TLS);
    assert_int_equal(stranger.opened, 0);
    assert_non_null(strstr(stranger.tls_why, "certificate verify failed"));
    close(fd);
    world_stop(w);
    assert_int_equal(outside.closed, 1);
    assert_int_equal(outside.why, NET_WHY_STOP);
}

/* -- ends -- */

static void
the_last_word_arrives_though_input_was_unread(void **state)
{
    struct world *w = *state;
    world_start(w, (struct net_listener_config){.proto = &lines});
    static char much[1 << 20];
    int fd = client_new(w);
    client_send(fd, "c\n");
    for (size_t sent = 0; sent < sizeof much;) {
        ssize_t n = send(fd, much, sizeof much - sent, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    client_expect(fd, "bye");
    assert_int_equal(client_end(fd), 0);
    int64_t before = sys_thread_now_us();
    wait_for(&w->door.closed, 1);
    assert_true(sys_thread_now_us() - before < 2500000);
    assert_int_equal(w->door.why, NET_WHY_DONE);
    close(fd);
}

static void
an_abort_inside_input_is_the_end(void **state)
{
    struct world *w = *state;
    world_start(w, (struct net_listener_config){.proto = &lines});
    int fd = client_new(w);
    client_send(fd, "a\n1\n2\n");
    assert_true(client_end(fd) <= 0);
    wait_for(&w->door.closed, 1);
    assert_int_equal(w->door.inputs, 1);
    assert_int_equal(w->door.why, NET_WHY_STOP);
    close(fd);
}

static void
a_deadline_comes_within_its_second(void **state)
{
    struct world *w = *state;
    world_start(w, (struct net_listener_config){.proto = &lines});
    int fd = client_new(w);
    int64_t before = sys_thread_now_us();
    client_send(fd, "d\n");
    client_expect(fd, "late");
    int64_t took_us = sys_thread_now_us() - before;
    assert_true(took_us >= 1000000 && took_us < 20000000);
    close(fd);
    wait_for(&w->door.closed, 1);
    assert_int_equal(w->door.why, NET_WHY_TIMEOUT);
}

static void
who_says_nothing_is_let_go_after_ten_seconds(void **state)
{
    struct world *w = *state;
    world_start(w, (struct net_listener_config){
                       .proto = &lines, .plain = true, .tls = true});
    int64_t before = sys_thread_now_us();
    int silent = client_new(w), half = client_new(w);
    client_send(half, "\x16\x03\x01");
    assert_true(client_end(silent) <= 0);
    assert_true(client_end(half) <= 0);
    int64_t took_us = sys_thread_now_us() - before;
    assert_true(took_us > 9500000 && took_us < 40000000);
    assert_int_equal(stat_of(w, "dougong_net_closed_total", "timeout"), 2);
    for (unsigned i = 0; i < 1000 && net_listener_count(w->listener); i++)
        usleep(1000);
    assert_int_equal(net_listener_count(w->listener), 0);
    close(silent);
    close(half);
}

static bool
ungreeted_open(struct net_conn *conn, void *door)
{
    struct door *d = door;
    (void)conn;
    atomic_fetch_add(&d->opened, 1);
    return true;
}

static void
limits_refuse_and_are_counted(void **state)
{
    struct world *w = *state;
    struct net_proto ungreeted = lines;
    ungreeted.open = ungreeted_open;
    world_start(w, (struct net_listener_config){.proto = &ungreeted,
                                                .connections_max = 3,
                                                .waiting_max = 2});
    int fd[4];
    for (unsigned i = 0; i < 3; i++)
        fd[i] = client_new(w);
    assert_true(client_end(fd[2]) <= 0);
    assert_int_equal(
        stat_of(w, "dougong_limit_hit_total", "limit=\"net_waiting\""), 1);
    for (unsigned i = 0; i < 3; i++)
        close(fd[i]);
    wait_for(&w->door.closed, 2);
    world_stop(w);

    assert_int_equal(sys_loop_new("net", &w->loop), ERR_OK);
    assert_int_equal(net_new(w->loop, &w->stats, &w->net), ERR_OK);
    world_start(
        w, (struct net_listener_config){.proto = &lines, .connections_max = 3});
    for (unsigned i = 0; i < 4; i++)
        fd[i] = client_new(w);
    assert_true(client_end(fd[3]) <= 0);
    assert_int_equal(
        stat_of(w, "dougong_limit_hit_total", "limit=\"net_connections\""), 1);
    client_send(fd[2], "1\n");
    client_expect(fd[2], "1");
    for (unsigned i = 0; i < 4; i++)
        close(fd[i]);
}

static void
no_descriptor_left_is_a_refusal_not_a_spin(void **state)
{
    struct world *w = *state;
    struct rlimit limit, none;
    world_start(w, (struct net_listener_config){.proto = &lines});
    int first = client_new(w), fd[3];
    client_send(first, "1\n");
    client_expect(first, "1");
    for (unsigned i = 0; i < BASE_COUNT(fd); i++)
        fd[i] = client_socket();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = (rlim_t)fd[2] + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    for (unsigned i = 0; i < BASE_COUNT(fd); i++)
        client_connect(w, fd[i]);
    for (unsigned i = 0; i < BASE_COUNT(fd); i++)
        assert_true(client_end(fd[i]) <= 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(
        stat_of(w, "dougong_limit_hit_total", "limit=\"descriptors\""), 3);
    client_send(first, "2\n");
    client_expect(first, "2");
    int later = client_new(w);
    client_send(later, "3\n");
    client_expect(later, "3");
    close(later);
    close(first);
    for (unsigned i = 0; i < BASE_COUNT(fd); i++)
        close(fd[i]);
}

static void
stop_conn(struct net_conn *conn)
{
    net_conn_write(conn, base_bytes_text("stop"));
    net_conn_close(conn, NET_WHY_STOP);
}

static void
task_shut(struct base_task *task)
{
    struct world *w = world_of(task);
    net_listener_shut(w->listener, stop_conn);
    atomic_fetch_add(&w->task_done, 1);
}

static void
a_listener_shut_lets_its_connections_say_goodbye(void **state)
{
    struct world *w = *state;
    world_start(w, (struct net_listener_config){.proto = &lines});
    int a = client_new(w), b = client_new(w);
    client_send(a, "1\n");
    client_expect(a, "1");
    client_send(b, "1\nd\n");
    client_expect(b, "1");
    world_run(w, task_shut);
    client_expect(a, "stop");
    client_expect(b, "stop");
    assert_int_equal(client_end(a), 0);
    close(a);
    close(b);
    wait_for(&w->door.closed, 2);
    assert_int_equal(w->door.why, NET_WHY_STOP);
    int c = client_socket();
    struct sockaddr_in peer = {
        .sin_family = AF_INET,
        .sin_port = htons(net_listener_port(w->listener)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    assert_int_equal(connect(c, (struct sockaddr *)&peer, sizeof peer), -1);
    close(c);
}

static void
an_address_must_be_numeric_and_free(void **state)
{
    struct world *w = *state;
    struct base_note note;
    struct net_listener *other = NULL;
    world_start(w, (struct net_listener_config){.proto = &lines});
    struct net_listener_config config = {
        .address = "localhost", .proto = &lines, .plain = true};
    assert_int_equal(net_listen(w->net, &config, &other, &note), ERR_NAME);
    config.address = "127.0.0.1";
    config.port = net_listener_port(w->listener);
    assert_int_equal(net_listen(w->net, &config, &other, &note), ERR_EXISTS);
    assert_non_null(strstr(note.text, "in use"));
}

static void
task_peer(struct base_task *task)
{
    struct world *w = world_of(task);
    char text[64];
    struct net_conn *conn = w->door.last;
    assert_true(net_conn_loopback(conn));
    assert_false(net_conn_is_tls(conn));
    assert_int_equal(strncmp(net_conn_peer(conn, text), "127.0.0.1:", 10), 0);
    assert_int_equal(net_conn_waiting(conn), 0);
    atomic_fetch_add(&w->task_done, 1);
}

static void
a_connection_knows_its_peer(void **state)
{
    struct world *w = *state;
    world_start(w, (struct net_listener_config){.proto = &lines});
    int fd = client_new(w);
    wait_for(&w->door.opened, 1);
    world_run(w, task_peer);
    close(fd);
}

#define NET_TEST(name)                                                         \
    cmocka_unit_test_setup_teardown(name, world_new, world_free)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(bytes_come_back_in_order),
        NET_TEST(a_half_closed_peer_gets_what_waits_for_it),
        NET_TEST(a_part_is_given_again_with_what_follows),
        NET_TEST(a_paused_connection_waits_and_loses_nothing),
        NET_TEST(a_slow_reader_stops_being_read),
        NET_TEST(a_reader_too_slow_is_closed),
        NET_TEST(corked_bytes_leave_together),
        NET_TEST(the_first_byte_tells_tls_from_plain),
        NET_TEST(much_goes_through_tls_both_ways),
        NET_TEST(plain_bytes_at_a_tls_port_are_refused),
        NET_TEST(an_outgoing_link_speaks_tls_and_tells_why_not),
        NET_TEST(the_last_word_arrives_though_input_was_unread),
        NET_TEST(an_abort_inside_input_is_the_end),
        NET_TEST(a_deadline_comes_within_its_second),
        NET_TEST(who_says_nothing_is_let_go_after_ten_seconds),
        NET_TEST(limits_refuse_and_are_counted),
        NET_TEST(no_descriptor_left_is_a_refusal_not_a_spin),
        NET_TEST(a_listener_shut_lets_its_connections_say_goodbye),
        NET_TEST(an_address_must_be_numeric_and_free),
        NET_TEST(a_connection_knows_its_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
