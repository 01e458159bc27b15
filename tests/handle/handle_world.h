/* handle_world.h -- a door on a loop of its own, with a clock of the
 * test's, over the fake ident; and plain sockets to ask it. */
#ifndef HANDLE_WORLD_H
#define HANDLE_WORLD_H

#include <arpa/inet.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "crypt/crypt_key.h"
#include "door/handle/handle_door.h"
#include "handle_fake.h"
#include "sys/sys_thread.h"
#include "wire/handle/wire_handle.h"
#include "wire/handle/wire_handle_vectors_test.h"

/* A loop whose wall clock is the test's. */
struct world_loop {
    struct base_loop base;
    struct base_loop *inner;
    _Atomic int64_t wall_ms;
};

struct world {
    struct sys_loop *loop;
    struct world_loop clock;
    struct base_stats stats;
    struct base_rng rng;
    struct net *net;
    struct ident ident;
    struct crypt_key *key;
    struct handle_door_config config;
    struct handle_door *door;
    struct base_task task;
    void (*fn)(struct world *w);
    sem_t done;
};

static inline struct base_loop *
world_inner(struct base_loop *base)
{
    return ((struct world_loop *)base)->inner;
}

static inline struct wall
world_wall(struct base_loop *base)
{
    return (struct wall){atomic_load(&((struct world_loop *)base)->wall_ms)};
}

static inline struct mono
world_mono(struct base_loop *base)
{
    return base_loop_mono(world_inner(base));
}

static inline void
world_post(struct base_loop *base, struct base_task *task)
{
    base_loop_post(world_inner(base), task);
}

static inline void
world_timer(struct base_loop *base, struct base_timer *timer, int64_t at_ms)
{
    struct base_loop *inner = world_inner(base);
    inner->ops->timer_set(inner, timer, at_ms);
}

static inline void
world_timer_clear(struct base_loop *base, struct base_timer *timer)
{
    base_loop_timer_clear(world_inner(base), timer);
}

static inline void
world_idle(struct base_loop *base, struct base_idle *idle)
{
    base_loop_idle(world_inner(base), idle);
}

static inline bool
world_inside(struct base_loop *base)
{
    return base_loop_inside(world_inner(base));
}

static const struct base_loop_ops world_ops = {
    .wall = world_wall,
    .mono = world_mono,
    .post = world_post,
    .timer_set = world_timer,
    .timer_clear = world_timer_clear,
    .idle = world_idle,
    .inside = world_inside,
};

/* --- beginning and end --- */

/* What GET_SITEINFO gives. */
static inline void
world_site(struct world *w, struct bytes data)
{
    struct wire_hs_value value = {.index = 1,
                                  .permissions = WIRE_HS_USUAL,
                                  .type = base_bytes_text("HS_SITE"),
                                  .data = data};
    struct base_out out;
    base_out_grow(&out, 1 << 16);
    wire_hs_write_value(&out, &value);
    handle_fake_put(&w->ident, "0.NA/own", base_out_bytes(&out), 1);
    base_out_done(&out);
}

static inline struct world *
world_new(void)
{
    struct world *w = base_mem_zero(sizeof *w);
    base_stat_init(&w->stats);
    assert_int_equal(sem_init(&w->done, 0, 0), 0);
    base_rng_seed(&w->rng, 1);
    base_map_init(&w->ident.records, 1);
    assert_int_equal(sys_loop_new("handle", &w->loop), ERR_OK);
    assert_int_equal(net_new(w->loop, &w->stats, &w->net), ERR_OK);
    w->clock.base.ops = &world_ops;
    w->clock.inner = sys_loop_base(w->loop);
    w->config = (struct handle_door_config){
        .loop = &w->clock.base,
        .net = w->net,
        .ident = &w->ident,
        .random = &w->rng.random,
        .stats = &w->stats,
        .address = "127.0.0.1",
        .prefix = "own",
    };
    return w;
}

static inline void
world_start(struct world *w)
{
    struct base_note note = {0};
    if (handle_door_new(&w->config, &w->door, &note) != ERR_OK)
        fail_msg("%s", note.text);
    assert_int_equal(sys_loop_start(w->loop), ERR_OK);
}

static inline void
world_free(struct world *w)
{
    sys_loop_stop(w->loop);
    sys_loop_join(w->loop);
    handle_door_shut(w->door);
    net_free(w->net);
    handle_door_free(w->door);
    handle_fake_done(&w->ident);
    crypt_key_free(w->key);
    sys_loop_free(w->loop);
    base_stat_done(&w->stats);
    base_mem_free(w);
}

static inline void
world_task(struct base_task *task)
{
    struct world *w = BASE_OUTER(task, struct world, task);
    w->fn(w);
    sem_post(&w->done);
}

/* Run on the door's loop, and wait for it. */
static inline void
world_do(struct world *w, void (*fn)(struct world *w))
{
    w->fn = fn;
    w->task = (struct base_task){.fn = world_task};
    base_loop_post(w->clock.inner, &w->task);
    while (sem_wait(&w->done) != 0)
        ;
}

/* A counter of /metrics, by the beginning of its line. */
static inline long
world_metric(struct world *w, const char *line)
{
    struct base_out out;
    long value = -1;
    base_out_grow(&out, 1 << 20);
    base_stat_write(&w->stats, &out);
    base_out_u8(&out, 0);
    const char *at = strstr((const char *)out.at, line);
    if (at)
        value = strtol(at + strlen(line), NULL, 10);
    base_out_done(&out);
    return value;
}

/* --- asking --- */

static inline int
world_socket(struct world *w, int kind)
{
    struct timeval patience = {.tv_sec = 60};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(handle_door_port(w->door)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static inline void
world_send(int fd, struct bytes data)
{
    assert_int_equal(send(fd, data.at, data.size, MSG_NOSIGNAL), data.size);
}

/* One datagram; one whole message from a stream (its size, or 0: the end). */
static inline size_t
world_packet(int fd, uint8_t *to, size_t room)
{
    ssize_t got = recv(fd, to, room, 0);
    assert_true(got > 0);
    return (size_t)got;
}

static inline size_t
world_read(int fd, uint8_t *to, size_t size)
{
    size_t have = 0;
    while (have < size) {
        ssize_t got = recv(fd, to + have, size - have, 0);
        assert_true(got >= 0);
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return have;
}

static inline size_t
world_message(int fd, uint8_t *to, size_t room)
{
    struct wire_handle_envelope envelope;
    size_t have = world_read(fd, to, 20);
    if (have == 0)
        return 0;
    assert_int_equal(have, 20);
    assert_int_equal(wire_handle_read_envelope(base_bytes(to, 20), &envelope),
                     ERR_OK);
    assert_true(20 + envelope.size <= room);
    assert_int_equal(world_read(fd, to + 20, envelope.size), envelope.size);
    return 20 + envelope.size;
}

/* RESOLUTION of a handle, everything. */
static inline size_t
world_query(uint8_t *to, size_t room, const char *handle, uint32_t request,
            uint32_t flags)
{
    struct base_out out;
    struct wire_handle_envelope envelope = {.major = 2,
                                            .minor = 11,
                                            .suggested_major = 2,
                                            .suggested_minor = 11,
                                            .request = request};
    struct wire_handle_header header = {
        .op = WIRE_HANDLE_RESOLUTION, .flags = flags, .serial = 0xFFFF};
    struct wire_handle_query query = {.handle = base_bytes_text(handle)};
    base_out_fixed(&out, to, room);
    wire_handle_begin(&out, &envelope, &header);
    wire_handle_write_query(&out, &query);
    wire_handle_end(&out, base_bytes(NULL, 0));
    assert_true(base_out_ok(&out));
    return out.size;
}

static inline void
world_parse(const uint8_t *at, size_t size,
            struct wire_handle_message *ret_message)
{
    struct wire_handle_envelope envelope;
    struct bytes whole = base_bytes(at, size);
    assert_int_equal(wire_handle_read_envelope(whole, &envelope), ERR_OK);
    assert_int_equal(wire_handle_read(&envelope,
                                      base_bytes_slice(whole, 20, size),
                                      ret_message),
                     ERR_OK);
}

#endif
