/* handle_tcp.c -- connections: see the drawing in handle_door.h.
 *
 * Requests of a connection stand in a list in the order of their coming; an
 * answered one waits until those before it have gone.  A connection that ends
 * leaves its requests to run out: their answers then go nowhere. */
#include "base/base_mem.h"
#include "door/handle/handle_inner.h"

enum {
    TCP_FIRST_S = 10,
    TCP_MESSAGE_S = 30,
    TCP_STICKY_S = 660, /* some clients show a sign of life each 600 s */
    TCP_IDLE_MS = 250,
    TCP_LOW = 16 << 10,
    TCP_HIGH = 64 << 10,
    TCP_MAX = 10 << 20, /* above HANDLE_FLIGHT greatest messages */
};

struct handle_conn {
    struct handle_door *door;
    struct base_link requests; /* in order */
    struct base_timer idle;
    unsigned flight;
    size_t waited; /* of net's unsent bytes, as counted in the door */
    bool sticky, partial, last, ended;
    struct wire_handle_envelope envelope; /* partial: what has begun */
    uint8_t header[WIRE_HANDLE_HEADER], header_size;
};

/* --- times --- */

static void
tcp_idle(struct base_timer *timer)
{
    struct handle_conn *c = BASE_OUTER(timer, struct handle_conn, idle);
    net_conn_close(net_conn_of(c), NET_WHY_DONE);
}

/* What is waited for now, and how long. */
static void
tcp_times(struct handle_conn *c)
{
    struct net_conn *conn = net_conn_of(c);
    struct base_loop *loop = c->door->config.loop;
    base_loop_timer_clear(loop, &c->idle);
    if (c->flight > 0)
        net_conn_deadline(conn, 0);
    else if (c->last || c->ended)
        net_conn_close(conn, NET_WHY_DONE);
    else if (c->partial)
        net_conn_deadline(conn, TCP_MESSAGE_S);
    else if (c->sticky)
        net_conn_deadline(conn, TCP_STICKY_S);
    else
        base_loop_timer(loop, &c->idle, TCP_IDLE_MS);
}

/* --- out --- */

/* Keep the door's sum of unsent bytes right. */
static void
tcp_waited(struct handle_conn *c, size_t bytes)
{
    c->door->waiting += bytes - c->waited;
    c->waited = bytes;
}

static void
tcp_flush(struct handle_conn *c)
{
    struct net_conn *conn = net_conn_of(c);
    net_conn_cork(conn);
    while (!base_list_empty(&c->requests)) {
        struct handle_request *first =
            BASE_OUTER(c->requests.next, struct handle_request, order);
        if (!first->answered)
            break;
        net_conn_write(conn, base_out_bytes(&first->reply));
        c->flight--;
        handle_request_free(first);
    }
    net_conn_uncork(conn);
    tcp_waited(c, net_conn_waiting(conn));
    tcp_times(c);
    if (c->flight < HANDLE_FLIGHT && !c->last)
        net_conn_resume(conn);
}

void
handle_tcp_send(struct handle_request *request)
{
    struct handle_conn *c = request->conn;
    struct handle_door *door = request->door;
    if (!c) {
        handle_request_free(request);
        return;
    }
    if (door->waiting > HANDLE_TCP_WAITING) {
        struct handle_answer busy = {.code = WIRE_HANDLE_BUSY};
        handle_stat_limit(&door->stat, HANDLE_LIMIT_WAITING);
        request->message.header.flags &= ~(uint32_t)WIRE_HANDLE_CT;
        handle_reply_write(request, &busy);
    }
    request->answered = true;
    tcp_flush(c);
}

/* --- in --- */

static void
tcp_message(struct handle_conn *c, const struct wire_handle_envelope *envelope,
            struct bytes payload)
{
    struct handle_request *request = handle_request_new(c->door, payload);
    request->conn = c;
    request->loopback = net_conn_loopback(net_conn_of(c));
    base_list_add(&c->requests, &request->order);
    c->flight++;
    c->partial = false;
    base_loop_timer_clear(c->door->config.loop, &c->idle);
    net_conn_deadline(net_conn_of(c), 0);
    if (c->flight >= HANDLE_FLIGHT)
        net_conn_pause(net_conn_of(c));
    handle_request_begin(request, envelope, payload.size);
}

/* Does its asker mean to ask more? */
static bool
tcp_is_sticky(const struct wire_handle_envelope *envelope, struct bytes payload)
{
    struct wire_handle_message message;
    if (wire_handle_has_session(envelope))
        return true;
    return wire_handle_read(envelope, payload, &message) == ERR_OK &&
           message.header.flags & WIRE_HANDLE_KC;
}

/* The beginning of a message that is not there whole. */
static void
tcp_begun(struct handle_conn *c, const struct wire_handle_envelope *envelope,
          struct bytes payload)
{
    struct bytes header = base_bytes_slice(payload, 0, WIRE_HANDLE_HEADER);
    c->envelope = *envelope;
    c->header_size = (uint8_t)header.size;
    if (header.size > 0)
        memcpy(c->header, header.at, header.size);
    if (c->partial)
        return; /* its 30 s run already */
    c->partial = true;
    if (c->flight == 0)
        tcp_times(c);
}

static size_t
tcp_input(struct net_conn *conn, const uint8_t *at, size_t size)
{
    struct handle_conn *c = net_conn_state(conn);
    struct wire_handle_envelope envelope = {0};
    struct bytes in = base_bytes(at, size);
    tcp_waited(c, net_conn_waiting(conn));
    if (wire_handle_read_envelope(in, &envelope) != ERR_OK)
        return 0; /* the time of what is waited for runs on */
    net_conn_greeted(conn);
    if (envelope.size > WIRE_HANDLE_MESSAGE) {
        c->last = true; /* where the next one begins is unknown */
        net_conn_pause(conn);
        tcp_message(c, &envelope, base_bytes(NULL, 0));
        return size;
    }
    size_t whole = WIRE_HANDLE_ENVELOPE + envelope.size;
    struct bytes payload =
        base_bytes_slice(in, WIRE_HANDLE_ENVELOPE, envelope.size);
    if (size < whole) {
        tcp_begun(c, &envelope, payload);
        return 0;
    }
    c->sticky |= tcp_is_sticky(&envelope, payload);
    tcp_message(c, &envelope, payload);
    return whole;
}

static bool
tcp_open(struct net_conn *conn, void *door)
{
    struct handle_conn *c = net_conn_state(conn);
    c->door = door;
    c->idle.fn = tcp_idle;
    base_list_init(&c->requests);
    net_conn_deadline(conn, TCP_FIRST_S);
    return true;
}

/* Half a message: it is said so.  Answers that are still to come go out. */
static bool
tcp_ended(struct net_conn *conn)
{
    struct handle_conn *c = net_conn_state(conn);
    c->ended = true;
    if (c->partial)
        tcp_message(c, &c->envelope, base_bytes(c->header, c->header_size));
    else
        tcp_times(c);
    return true;
}

static void
tcp_drained(struct net_conn *conn)
{
    tcp_waited(net_conn_state(conn), net_conn_waiting(conn));
}

static void
tcp_closed(struct net_conn *conn, enum net_why why)
{
    struct handle_conn *c = net_conn_state(conn);
    (void)why;
    base_loop_timer_clear(c->door->config.loop, &c->idle);
    tcp_waited(c, 0);
    while (!base_list_empty(&c->requests)) {
        struct base_link *link = base_list_take(&c->requests);
        struct handle_request *request =
            BASE_OUTER(link, struct handle_request, order);
        request->conn = NULL;
        if (request->answered)
            handle_request_free(request);
    }
}

static const struct net_proto tcp_proto = {
    .name = "handle",
    .size = sizeof(struct handle_conn),
    .partial_max = WIRE_HANDLE_ENVELOPE + WIRE_HANDLE_MESSAGE,
    .high = TCP_HIGH,
    .low = TCP_LOW,
    .max = TCP_MAX,
    .open = tcp_open,
    .input = tcp_input,
    .ended = tcp_ended,
    .drained = tcp_drained,
    .closed = tcp_closed,
};

enum err
handle_tcp_open(struct handle_door *door, struct base_note *note)
{
    struct net_listener_config config = {
        .address = door->config.address,
        .port = net_udp_port(door->udp),
        .proto = &tcp_proto,
        .door = door,
        .plain = true,
        .connections_max = door->config.connections,
        /* One that has not asked yet costs little, and has 10 s: fewer of them
         * would only be fewer for who would shut others out. */
        .waiting_max = door->config.connections,
    };
    return net_listen(door->config.net, &config, &door->listener, note);
}
