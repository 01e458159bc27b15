/* net_conn.c -- a connection's states, and what each does when its socket is
 * ready: conn_steps below, one row per state. */
#include "net/net_conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "net/net_inner.h"

/* -- parts -- */

struct net_more *
net_conn_more(struct net_conn *conn)
{
    if (!conn->more)
        conn->more = base_mem_zero(sizeof *conn->more);
    return conn->more;
}

void
net_conn_trim(struct net_conn *conn)
{
    struct net_more *more = conn->more;
    if (!more || more->ssl || more->in || more->out)
        return;
    base_mem_free(more);
    conn->more = NULL;
}

static void
conn_drop_in(struct net_conn *conn)
{
    if (!conn->more)
        return;
    base_mem_free(conn->more->in);
    conn->more->in = NULL;
    conn->more->in_size = conn->more->in_room = 0;
    net_conn_trim(conn);
}

/* -- which readiness it waits for -- */

static bool
conn_may_read(const struct net_conn *conn)
{
    return conn->state == NET_OPEN && !conn->paused &&
           (!conn->choked || conn->owner->proto->both_ways) && !conn->doomed &&
           !conn->eof;
}

static unsigned
conn_wants(const struct net_conn *conn)
{
    bool out = conn->ssl_write || (net_conn_waiting(conn) > 0 && !conn->corked);
    unsigned write = out ? NET_WRITE : 0;
    switch ((enum net_state)conn->state) {
    case NET_CONNECTING:
        return NET_WRITE;
    case NET_LOOKING:
    case NET_LINGERING:
        return NET_READ;
    case NET_SHAKING:
        return conn->ssl_write ? NET_WRITE : NET_READ;
    case NET_OPEN:
        return (conn_may_read(conn) ? NET_READ : 0) | write;
    case NET_FLUSHING:
        return write;
    case NET_GONE:
        break;
    }
    return 0;
}

static void
conn_listen(struct net_conn *conn)
{
    if (!conn->inside && conn->state != NET_GONE &&
        !net_poll_want(conn, conn_wants(conn)))
        net_conn_doom(conn, NET_WHY_ERROR);
}

/* -- birth and death -- */

struct net_conn *
net_conn_new(struct net_owner *owner, int fd, enum net_state state)
{
    struct net_conn *conn = base_mem_zero(sizeof *conn + owner->proto->size);
    conn->owner = owner;
    conn->state = (uint8_t)state;
    conn->fd = fd;
    net_wheel_set(conn, NET_GREET_S, false);
    owner->count++;
    if (owner->listener) {
        conn->waiting = true;
        owner->waiting++;
    }
    return conn;
}

void
net_conn_start(struct net_conn *conn, bool kick)
{
    conn_listen(conn);
    if (kick)
        net_poll_kick(conn);
}

/* One that is gone; if it is among the kicked, they will do it. */
void
net_conn_free(struct net_conn *conn)
{
    struct net_owner *owner = conn->owner;
    if (conn->kicked)
        return;
    if (conn->more) {
        SSL_free(conn->more->ssl);
        base_mem_free(conn->more->in);
        base_mem_free(conn->more->out);
        base_mem_free(conn->more);
    }
    base_mem_free(conn);
    owner->count--;
    if (owner->listener) {
        struct base_stat *stats = owner->listener->stats;
        base_stat_set(&stats[NET_STAT_CONNECTIONS], owner->count);
    } else {
        SSL_CTX_free(owner->context);
        base_mem_free(owner);
    }
}

void
net_conn_finish(struct net_conn *conn, enum net_why why)
{
    struct net_owner *owner = conn->owner;
    bool nested = conn->inside;
    must(conn->state != NET_GONE);
    conn->state = NET_GONE;
    net_poll_want(conn, 0);
    base_list_remove(&conn->link);
    net_conn_greeted(conn);
    if (owner->listener)
        base_stat_inc(&owner->listener->stats[NET_STAT_CLOSED + why], 1);
    conn->inside = true;
    if ((conn->opened || !owner->listener) && owner->proto->closed)
        owner->proto->closed(conn, why);
    close(conn->fd);
    if (!nested)
        net_conn_free(conn);
}

void
net_conn_doom(struct net_conn *conn, enum net_why why)
{
    if (conn->doomed || conn->state == NET_GONE)
        return;
    conn->doomed = true;
    if (conn->state != NET_FLUSHING && conn->state != NET_LINGERING)
        conn->why = (uint8_t)why;
    net_poll_kick(conn);
}

/* -- opening -- */

static void
conn_open(struct net_conn *conn)
{
    struct net_owner *owner = conn->owner;
    conn->state = NET_OPEN;
    conn->opened = true;
    if (!owner->listener)
        net_wheel_set(conn, 0, false);
    if (!owner->proto->open(conn, owner->door))
        net_conn_close(conn, NET_WHY_DONE);
}

static void
conn_shake(struct net_conn *conn)
{
    switch (net_tls_shake(conn)) {
    case NET_IO_OK:
        conn_open(conn);
        break;
    case NET_IO_WAIT:
        break;
    case NET_IO_EOF:
    case NET_IO_BROKEN:
        net_conn_finish(conn, NET_WHY_TLS);
        break;
    }
}

static void
conn_shaking(struct net_conn *conn, unsigned what)
{
    (void)what;
    conn_shake(conn);
}

static void
conn_begin_tls(struct net_conn *conn, bool server)
{
    conn->state = NET_SHAKING;
    if (net_tls_begin(conn, server))
        conn_shake(conn);
    else
        net_conn_finish(conn, NET_WHY_ERROR);
}

static void
conn_connecting(struct net_conn *conn, unsigned what)
{
    int error = 0;
    socklen_t size = sizeof error;
    (void)what;
    if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error)
        net_conn_finish(conn, NET_WHY_ERROR);
    else
        conn->reached = true;
    if (!conn->reached)
        return;
    if (conn->owner->context)
        conn_begin_tls(conn, false);
    else
        conn_open(conn);
}

/* -- reading -- */

static size_t
conn_fill(const struct net_conn *conn)
{
    size_t partial = conn->owner->proto->partial_max;
    if (partial < NET_FILL_MIN)
        return NET_FILL_MIN;
    return partial < NET_ARENA / 2 ? partial : NET_ARENA / 2;
}

static enum net_io
conn_recv(struct net_conn *conn, uint8_t *at, size_t room, size_t *ret_size)
{
    *ret_size = 0;
    if (conn->more && conn->more->ssl)
        return net_tls_read(conn, at, room, ret_size);
    ssize_t got = recv(conn->fd, at, room, 0);
    if (got > 0)
        *ret_size = (size_t)got;
    if (got == 0)
        return NET_IO_EOF;
    return got > 0 || errno == EAGAIN || errno == EINTR ? NET_IO_OK
                                                        : NET_IO_BROKEN;
}

/* Keep what was not consumed; at may lie in the kept buffer itself. */
static void
conn_keep(struct net_conn *conn, const uint8_t *at, size_t size)
{
    if (size == 0 || conn->state != NET_OPEN || conn->doomed) {
        conn_drop_in(conn);
        return;
    }
    if (conn_may_read(conn) && size > conn->owner->proto->partial_max) {
        net_conn_doom(conn, NET_WHY_LIMIT);
        return;
    }
    struct net_more *more = net_conn_more(conn);
    if (more->in_room < size) {
        more->in = base_mem_resize(more->in, size);
        more->in_room = size;
    }
    memmove(more->in, at, size);
    more->in_size = size;
}

static void
conn_give(struct net_conn *conn, const uint8_t *at, size_t size)
{
    const struct net_proto *proto = conn->owner->proto;
    size_t used = 0, last = 1;
    while (used < size && last > 0 && conn_may_read(conn)) {
        last = proto->input(conn, at + used, size - used);
        must(last <= size - used);
        used += last;
    }
    conn_keep(conn, at + used, size - used);
}

static void
conn_give_kept(struct net_conn *conn)
{
    if (conn->more && conn->more->in_size > 0 && conn_may_read(conn))
        conn_give(conn, conn->more->in, conn->more->in_size);
}

/* Kept bytes and what follows are joined in the arena; when they are many, in
 * the kept buffer itself. */
static enum net_io
conn_read(struct net_conn *conn)
{
    size_t fill = conn_fill(conn), got;
    size_t kept = conn->more ? conn->more->in_size : 0;
    uint8_t *at = conn->owner->net->arena;
    if (kept + fill > NET_ARENA) {
        struct net_more *more = conn->more;
        if (more->in_room < kept + fill) {
            more->in_room = kept + kept / 2 + fill;
            more->in = base_mem_resize(more->in, more->in_room);
        }
        at = more->in;
    } else if (kept > 0) {
        memcpy(at, conn->more->in, kept);
    }
    enum net_io io = conn_recv(conn, at + kept, fill, &got);
    if (got > 0)
        conn_give(conn, at, kept + got);
    return io;
}

/* The peer's end: what waits for him still goes out. */
static void
conn_at_end(struct net_conn *conn, enum net_io io)
{
    const struct net_proto *proto = conn->owner->proto;
    if (io == NET_IO_OK || io == NET_IO_WAIT || conn->doomed ||
        conn->state != NET_OPEN)
        return;
    conn->eof = true;
    if (io == NET_IO_EOF && proto->ended && proto->ended(conn))
        return;
    if (io == NET_IO_EOF)
        net_conn_close(conn, NET_WHY_PEER);
    else
        net_conn_doom(conn, NET_WHY_PEER);
}

/* Kept bytes go first: so no more than one fill is ever kept beyond what the
 * protocol has seen. */
static void
conn_opened(struct net_conn *conn, unsigned what)
{
    const struct net_proto *proto = conn->owner->proto;
    bool retry = conn->ssl_write;
    conn->ssl_write = false;
    if (what & NET_WRITE || retry)
        net_out_flush(conn);
    if (conn->choked && net_conn_waiting(conn) < proto->low) {
        conn->choked = false;
        if (proto->drained && !conn->doomed)
            proto->drained(conn);
        conn_give_kept(conn);
    }
    if (what & NET_KICK || conn->kicked) /* else an end would overtake them */
        conn_give_kept(conn);
    if ((what & NET_READ || retry) && conn_may_read(conn))
        conn_at_end(conn, conn_read(conn));
}

/* The first byte of a TLS connection is that of a handshake record. */
static void
conn_looking(struct net_conn *conn, unsigned what)
{
    const struct net_listener_config *config = &conn->owner->listener->config;
    if (config->tls_first) {
        conn_begin_tls(conn, true);
        return;
    }
    if (!config->tls) {
        conn_open(conn);
        return;
    }
    uint8_t first = 0;
    ssize_t got = recv(conn->fd, &first, 1, MSG_PEEK);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        net_conn_finish(conn, NET_WHY_PEER);
    } else if (first == 0x16) {
        conn_begin_tls(conn, true);
    } else if (config->plain) {
        conn_open(conn);
        if (conn->state == NET_OPEN)
            conn_opened(conn, what);
    } else {
        net_conn_finish(conn, NET_WHY_TLS);
    }
}

/* -- closing -- */

static void
conn_linger(struct net_conn *conn)
{
    if (conn->more && conn->more->ssl) {
        ERR_clear_error();
        SSL_shutdown(conn->more->ssl);
    }
    shutdown(conn->fd, SHUT_WR);
    conn->state = NET_LINGERING;
    conn->ssl_write = false;
    net_wheel_set(conn, NET_LINGER_S, true);
    if (conn->eof)
        net_conn_doom(conn, conn->why);
}

static void
conn_flushing(struct net_conn *conn, unsigned what)
{
    (void)what;
    net_out_flush(conn);
    if (!conn->doomed && net_conn_waiting(conn) == 0)
        conn_linger(conn);
}

static void
conn_lingering(struct net_conn *conn, unsigned what)
{
    (void)what;
    ssize_t got = recv(conn->fd, conn->owner->net->arena, NET_ARENA, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        net_conn_finish(conn, conn->why);
}

static void
conn_gone(struct net_conn *conn, unsigned what)
{
    (void)conn, (void)what;
    must(false);
}

static void (*const conn_steps[])(struct net_conn *conn, unsigned what) = {
    [NET_CONNECTING] = conn_connecting,
    [NET_LOOKING] = conn_looking,
    [NET_SHAKING] = conn_shaking,
    [NET_OPEN] = conn_opened,
    [NET_FLUSHING] = conn_flushing,
    [NET_LINGERING] = conn_lingering,
    [NET_GONE] = conn_gone,
};

/* After any of its callbacks. */
static void
conn_leave(struct net_conn *conn)
{
    conn->inside = false;
    if (conn->state == NET_GONE)
        net_conn_free(conn);
    else
        conn_listen(conn);
}

void
net_conn_ready(struct net_conn *conn, unsigned what)
{
    conn->inside = true;
    if (conn->doomed)
        net_conn_finish(conn, conn->why);
    else
        conn_steps[conn->state](conn, what);
    conn_leave(conn);
}

void
net_conn_due(struct net_conn *conn)
{
    const struct net_proto *proto = conn->owner->proto;
    conn->inside = true;
    if (conn->doomed || conn->state == NET_FLUSHING ||
        conn->state == NET_LINGERING)
        net_conn_finish(conn, conn->why);
    else if (conn->state == NET_OPEN && conn->own_due && proto->deadline)
        proto->deadline(conn);
    else
        net_conn_finish(conn, NET_WHY_TIMEOUT);
    conn_leave(conn);
}

/* -- for protocols -- */

void *
net_conn_state(struct net_conn *conn)
{
    return conn + 1;
}

struct net_conn *
net_conn_of(void *state)
{
    return (struct net_conn *)state - 1;
}

void *
net_conn_door(struct net_conn *conn)
{
    return conn->owner->door;
}

bool
net_conn_is_tls(const struct net_conn *conn)
{
    return conn->more && conn->more->ssl;
}

struct ssl_st *
net_conn_ssl(struct net_conn *conn)
{
    return conn->more ? conn->more->ssl : NULL;
}

char *
net_conn_peer(struct net_conn *conn, char *to)
{
    struct sockaddr_in6 peer = {0};
    socklen_t size = sizeof peer;
    char address[INET6_ADDRSTRLEN] = "?";
    if (getpeername(conn->fd, (struct sockaddr *)&peer, &size) != 0) {
        strcpy(to, "gone");
    } else if (peer.sin6_family == AF_INET6) {
        inet_ntop(AF_INET6, &peer.sin6_addr, address, sizeof address);
        snprintf(to, 64, "[%s]:%u", address, ntohs(peer.sin6_port));
    } else {
        struct sockaddr_in four;
        memcpy(&four, &peer, sizeof four);
        inet_ntop(AF_INET, &four.sin_addr, address, sizeof address);
        snprintf(to, 64, "%s:%u", address, ntohs(four.sin_port));
    }
    return to;
}

bool
net_conn_reached(const struct net_conn *conn)
{
    return conn->reached;
}

bool
net_conn_loopback(struct net_conn *conn)
{
    return conn->loopback;
}

void
net_conn_greeted(struct net_conn *conn)
{
    if (!conn->waiting)
        return;
    conn->waiting = false;
    conn->owner->waiting--;
    if (!conn->own_due && conn->state == NET_OPEN)
        net_wheel_set(conn, 0, false);
}

void
net_conn_write(struct net_conn *conn, struct bytes data)
{
    if (conn->state != NET_OPEN || conn->doomed || data.size == 0)
        return;
    net_out_write(conn, data);
    net_out_mark(conn);
    conn_listen(conn);
}

void
net_conn_cork(struct net_conn *conn)
{
    conn->corked = true;
}

void
net_conn_uncork(struct net_conn *conn)
{
    conn->corked = false;
    if (conn->state != NET_OPEN)
        return;
    net_out_flush(conn);
    net_out_mark(conn);
    conn_listen(conn);
}

size_t
net_conn_waiting(const struct net_conn *conn)
{
    return conn->more ? conn->more->out_size - conn->more->out_at : 0;
}

void
net_conn_pause(struct net_conn *conn)
{
    conn->paused = true;
    conn_listen(conn);
}

void
net_conn_resume(struct net_conn *conn)
{
    if (!conn->paused)
        return;
    conn->paused = false;
    conn_listen(conn);
    if (conn->more && conn->more->in_size > 0 && conn->state == NET_OPEN)
        net_poll_kick(conn);
}

void
net_conn_deadline(struct net_conn *conn, unsigned seconds)
{
    if (conn->state != NET_OPEN)
        return;
    conn->own_due = true;
    net_wheel_set(conn, seconds, false);
}

void
net_conn_close(struct net_conn *conn, enum net_why why)
{
    if (conn->state < NET_OPEN)
        net_conn_doom(conn, why);
    if (conn->state != NET_OPEN || conn->doomed)
        return;
    conn->why = (uint8_t)why;
    conn->corked = false;
    conn->state = NET_FLUSHING;
    net_wheel_set(conn, NET_FLUSH_S, false);
    conn_flushing(conn, 0);
    conn_listen(conn);
}

void
net_conn_abort(struct net_conn *conn, enum net_why why)
{
    net_conn_doom(conn, why);
}
