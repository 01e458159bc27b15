/* net_out.c -- bytes out: at once if the socket takes them, else kept. */
#include <errno.h>
#include <sys/socket.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "net/net_inner.h"

enum { OUT_ROOM = 1024 };

static enum net_io
out_plain(struct net_conn *conn, struct bytes data, size_t *ret_size)
{
    *ret_size = 0;
    while (*ret_size < data.size) {
        ssize_t sent = send(conn->fd, data.at + *ret_size,
                            data.size - *ret_size, MSG_NOSIGNAL);
        if (sent >= 0)
            *ret_size += (size_t)sent;
        else if (errno == EAGAIN)
            return NET_IO_WAIT;
        else if (errno != EINTR)
            return NET_IO_BROKEN;
    }
    return NET_IO_OK;
}

/* How much the socket took; dooms a broken connection. */
static size_t
out_send(struct net_conn *conn, struct bytes data)
{
    size_t size = 0;
    bool tls = conn->more && conn->more->ssl;
    enum net_io io =
        tls ? net_tls_write(conn, data, &size) : out_plain(conn, data, &size);
    if (io == NET_IO_BROKEN || io == NET_IO_EOF)
        net_conn_doom(conn, NET_WHY_PEER);
    return size;
}

static void
out_keep(struct net_conn *conn, struct bytes data)
{
    struct net_more *more = net_conn_more(conn);
    size_t waiting = more->out_size - more->out_at;
    if (more->out_at > 0 && more->out_size + data.size > more->out_room) {
        memmove(more->out, more->out + more->out_at, waiting);
        more->out_at = 0;
        more->out_size = waiting;
    }
    size_t room = more->out_room ? more->out_room : OUT_ROOM;
    while (room < waiting + data.size)
        room *= 2;
    if (room != more->out_room)
        more->out = base_mem_resize(more->out, room);
    more->out_room = room;
    memcpy(more->out + more->out_size, data.at, data.size);
    more->out_size += data.size;
}

void
net_out_write(struct net_conn *conn, struct bytes data)
{
    const struct net_proto *proto = conn->owner->proto;
    size_t sent = 0;
    if (!conn->corked && net_conn_waiting(conn) == 0)
        sent = out_send(conn, data);
    if (conn->doomed || sent == data.size)
        return;
    size_t rest = data.size - sent, waiting = net_conn_waiting(conn);
    if (rest > proto->max - waiting) {
        net_conn_doom(conn, NET_WHY_LIMIT);
        return;
    }
    out_keep(conn, base_bytes(data.at + sent, rest));
}

void
net_out_mark(struct net_conn *conn)
{
    if (!conn->corked && net_conn_waiting(conn) > conn->owner->proto->high)
        conn->choked = true;
}

void
net_out_flush(struct net_conn *conn)
{
    struct net_more *more = conn->more;
    if (net_conn_waiting(conn) == 0 || conn->corked || conn->doomed)
        return;
    more->out_at += out_send(conn, base_bytes(more->out + more->out_at,
                                              more->out_size - more->out_at));
    if (more->out_at < more->out_size)
        return;
    base_mem_free(more->out);
    more->out = NULL;
    more->out_at = more->out_size = more->out_room = 0;
    net_conn_trim(conn);
}
