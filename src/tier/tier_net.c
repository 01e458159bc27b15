/* tier_net.c -- a tier wire is the state behind a net_conn. */
#include "tier/tier_net.h"

#include <openssl/ssl.h>
#include <stdio.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "wire/frame/wire_frame.h"

struct tier_net {
    struct tier_transport transport; /* first */
    struct net *net;
    struct net_listener *listener;
    struct tier *tier; /* of the listener */
    struct ssl_ctx_st *child;
};

/* The protocol's state of a connection; it begins with the wire. */
struct tier_net_wire {
    struct tier_wire wire;
    struct tier *tier;
    bool dialed, over;
};

static void
net_wire_send(struct tier_wire *wire, struct bytes data)
{
    net_conn_write(net_conn_of(wire), data);
}

static size_t
net_wire_waiting(const struct tier_wire *wire)
{
    return net_conn_waiting(net_conn_of((void *)(uintptr_t)wire));
}

static bool
net_wire_reached(const struct tier_wire *wire)
{
    return net_conn_reached(net_conn_of((void *)(uintptr_t)wire));
}

static void
net_wire_shut(struct tier_wire *wire)
{
    struct tier_net_wire *state = (struct tier_net_wire *)(void *)wire;
    state->over = true;
    net_conn_close(net_conn_of(wire), NET_WHY_DONE);
}

static const struct tier_wire_ops net_wire_ops = {
    .send = net_wire_send,
    .waiting = net_wire_waiting,
    .reached = net_wire_reached,
    .shut = net_wire_shut,
};

/* The handshake is done: who is there? */
static bool
net_wire_open(struct net_conn *conn, void *door)
{
    struct tier_net *tier_net = door;
    struct tier_net_wire *state = net_conn_state(conn);
    struct tier_wire *wire = &state->wire;
    if (state->over)
        return false;
    if (!state->dialed) {
        wire->ops = &net_wire_ops;
        state->tier = tier_net->tier;
    }
    net_conn_greeted(conn); /* tier has its own 10 s from here */
    net_conn_peer(conn, wire->peer);
    wire->judged = crypt_tls_peer(net_conn_ssl(conn),
                                  tier_wire_now(state->tier), &wire->facts);
    bool use = state->dialed ? wire->facts.for_server : wire->facts.for_client;
    if (wire->judged == ERR_OK && !use) /* a sibling posing as the parent */
        wire->judged = ERR_DENIED;
    if (state->dialed)
        tier_wire_open(wire);
    else
        tier_wire_accepted(state->tier, wire);
    return !state->over;
}

static size_t
net_wire_input(struct net_conn *conn, const uint8_t *at, size_t size)
{
    struct tier_net_wire *state = net_conn_state(conn);
    return state->over ? size : tier_wire_feed(&state->wire, at, size);
}

static void
net_wire_drained(struct net_conn *conn)
{
    struct tier_net_wire *state = net_conn_state(conn);
    if (!state->over)
        tier_wire_drained(&state->wire);
}

static void
net_wire_closed(struct net_conn *conn, enum net_why why)
{
    static const char *const texts[] = {
        [NET_WHY_PEER] = "the connection ended",
        [NET_WHY_DONE] = "closed",
        [NET_WHY_LIMIT] = "over a limit of the listener",
        [NET_WHY_TIMEOUT] = "no answer in 10 s",
        [NET_WHY_TLS] = "TLS",
        [NET_WHY_ERROR] = "cannot connect",
        [NET_WHY_STOP] = "stops",
    };
    struct tier_net_wire *state = net_conn_state(conn);
    char text[160], tls[128];
    if (state->over || !state->tier)
        return;
    state->over = true;
    snprintf(text, sizeof text, "%s", texts[why]);
    if (why == NET_WHY_TLS) {
        crypt_tls_why(tls, sizeof tls);
        snprintf(text, sizeof text, "TLS: %s", tls);
    }
    tier_wire_closed(&state->wire, text);
}

/* `high` is one less than where tier stops, so that drained() follows; tier
 * reads on while it cannot write: ACKs must not wait for data. */
static const struct net_proto net_wire_proto = {
    .name = "tier",
    .size = sizeof(struct tier_net_wire),
    .partial_max = WIRE_FRAME_MAX,
    .high = TIER_WIRE_HIGH - 1,
    .low = TIER_WIRE_LOW,
    .max = 8 << 20,
    .both_ways = true,
    .open = net_wire_open,
    .input = net_wire_input,
    .drained = net_wire_drained,
    .closed = net_wire_closed,
};

/* --- dialling --- */

static enum err
net_endpoint(const char *endpoint, char *address, size_t size,
             uint16_t *ret_port)
{
    struct bytes all = base_bytes_text(endpoint);
    size_t colon = all.size;
    uint64_t port;
    while (colon > 0 && all.at[colon - 1] != ':')
        colon--;
    if (colon == 0 ||
        base_bytes_u64(base_bytes_slice(all, colon, all.size), &port) !=
            ERR_OK ||
        port == 0 || port > UINT16_MAX)
        return ERR_NAME;
    struct bytes host = base_bytes_slice(all, 0, colon - 1);
    if (host.size >= 2 && host.at[0] == '[' && host.at[host.size - 1] == ']')
        host = base_bytes_slice(host, 1, host.size - 2);
    if (host.size == 0 || host.size >= size)
        return ERR_NAME;
    base_bytes_string(host, address, size);
    *ret_port = (uint16_t)port;
    return ERR_OK;
}

static enum err
net_dial(struct tier_transport *transport, struct tier *tier,
         const char *endpoint, struct tier_wire **ret_wire)
{
    struct tier_net *tier_net =
        BASE_OUTER(transport, struct tier_net, transport);
    char address[64];
    uint16_t port;
    struct net_conn *conn;
    if (!tier_net->child)
        return ERR_ABSENT;
    enum err err = net_endpoint(endpoint, address, sizeof address, &port);
    if (err == ERR_OK)
        err = net_connect(tier_net->net, address, port, &net_wire_proto,
                          tier_net, tier_net->child, &conn);
    if (err != ERR_OK)
        return err;
    struct tier_net_wire *state = net_conn_state(conn);
    state->wire.ops = &net_wire_ops;
    state->tier = tier;
    state->dialed = true;
    snprintf(state->wire.peer, sizeof state->wire.peer, "%s", endpoint);
    *ret_wire = &state->wire;
    return ERR_OK;
}

/* --- life --- */

enum err
tier_net_new(struct net *net, struct ssl_ctx_st *child,
             struct tier_net **ret_net)
{
    struct tier_net *tier_net = base_mem_zero(sizeof *tier_net);
    tier_net->transport.dial = net_dial;
    tier_net->net = net;
    if (child)
        must(SSL_CTX_up_ref(child) == 1);
    tier_net->child = child;
    *ret_net = tier_net;
    return ERR_OK;
}

void
tier_net_free(struct tier_net *tier_net)
{
    if (!tier_net)
        return;
    if (tier_net->listener)
        net_listener_shut(tier_net->listener, NULL);
    crypt_tls_free(tier_net->child);
    base_mem_free(tier_net);
}

struct tier_transport *
tier_net_transport(struct tier_net *tier_net)
{
    return &tier_net->transport;
}

void
tier_net_context(struct tier_net *tier_net, struct ssl_ctx_st *child)
{
    must(SSL_CTX_up_ref(child) == 1);
    crypt_tls_free(tier_net->child);
    tier_net->child = child;
}

enum err
tier_net_listen(struct tier_net *tier_net, struct tier *tier,
                const char *address, uint16_t port, struct ssl_ctx_st *parent,
                struct base_note *note)
{
    const struct net_listener_config config = {
        .address = address,
        .port = port,
        .proto = &net_wire_proto,
        .door = tier_net,
        .tls = true,
        .tls_first = true,
        .context = parent,
    };
    must(!tier_net->listener);
    tier_net->tier = tier;
    return net_listen(tier_net->net, &config, &tier_net->listener, note);
}

struct net_listener *
tier_net_listener(struct tier_net *tier_net)
{
    return tier_net->listener;
}
