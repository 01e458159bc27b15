/* handle_client.c -- see handle_client.h. */
#include "door/handle/handle_client.h"

#include "base/base_mem.h"

enum {
    CLIENT_TCP_MS = 10000,
    CLIENT_QUESTION = 64 << 10,
    CLIENT_MAX = WIRE_HANDLE_ENVELOPE + WIRE_HANDLE_MESSAGE,
};

static const int64_t client_patience_ms[] = {500, 1000, 1500};

/* Behind a connection: whose it is, NULL when he waits no more. */
struct client_conn {
    struct handle_client_ask *ask;
};

/* --- the end --- */

static void
client_told(struct base_task *task)
{
    struct handle_client_ask *ask =
        BASE_OUTER(task, struct handle_client_ask, task);
    net_udp_shut(ask->udp); /* not from inside its input */
    ask->udp = NULL;
    ask->done(ask);
}

static void
client_leave(struct handle_client_ask *ask)
{
    struct client_conn *c = ask->conn ? net_conn_state(ask->conn) : NULL;
    base_loop_timer_clear(ask->loop, &ask->timer);
    if (!c)
        return;
    c->ask = NULL;
    net_conn_abort(ask->conn, NET_WHY_DONE);
    ask->conn = NULL;
}

static void
client_over(struct handle_client_ask *ask, enum err err)
{
    if (ask->over)
        return;
    ask->over = true;
    ask->err = err;
    client_leave(ask);
    base_loop_post(ask->loop, &ask->task);
}

/* --- an answer --- */

/* Does it answer this question? */
static bool
client_is_answer(const struct handle_client_ask *ask,
                 const struct wire_handle_message *message)
{
    struct wire_handle_envelope asked;
    return message->header.code != 0 &&
           wire_handle_read_envelope(base_out_bytes(&ask->question), &asked) ==
               ERR_OK &&
           message->envelope.request == asked.request;
}

static enum err
client_parse(struct handle_client_ask *ask, struct bytes payload,
             const struct wire_handle_envelope *envelope)
{
    struct wire_handle_message *reply = &ask->reply;
    struct bytes digest;
    uint8_t kind;
    base_out_reset(&ask->answer);
    base_out_bytes_add(&ask->answer, payload);
    enum err err =
        wire_handle_read(envelope, base_out_bytes(&ask->answer), reply);
    if (err != ERR_OK)
        return err;
    if (!client_is_answer(ask, reply))
        return ERR_MISMATCH;
    struct bytes body = reply->body;
    if (reply->header.flags & WIRE_HANDLE_RD)
        err = wire_handle_read_digest(&body, &kind, &digest);
    uint32_t code = reply->header.code;
    if (err != ERR_OK)
        return err;
    if (code != WIRE_HANDLE_OK && code != WIRE_HANDLE_REFERRAL &&
        code != WIRE_HANDLE_PREFIX_REFERRAL)
        return wire_handle_read_text(body, &ask->text);
    err = wire_handle_read_values(body, &ask->values);
    if (err == ERR_OK && code == WIRE_HANDLE_OK &&
        !base_bytes_equal_folded(ask->values.handle, ask->handle))
        err = ERR_MISMATCH;
    return err;
}

/* --- TCP --- */

static bool
client_open(struct net_conn *conn, void *door)
{
    struct client_conn *c = net_conn_state(conn);
    (void)door;
    if (!c->ask)
        return false;
    net_conn_write(conn, base_out_bytes(&c->ask->question));
    return true;
}

static size_t
client_input(struct net_conn *conn, const uint8_t *at, size_t size)
{
    struct client_conn *c = net_conn_state(conn);
    struct wire_handle_envelope envelope;
    struct bytes in = base_bytes(at, size);
    if (!c->ask)
        return size;
    if (wire_handle_read_envelope(in, &envelope) != ERR_OK)
        return 0;
    if (envelope.size > WIRE_HANDLE_MESSAGE) {
        client_over(c->ask, ERR_SYNTAX);
        return size;
    }
    if (size < WIRE_HANDLE_ENVELOPE + (size_t)envelope.size)
        return 0;
    c->ask->by_tcp = true;
    enum err err = client_parse(
        c->ask, base_bytes_slice(in, WIRE_HANDLE_ENVELOPE, envelope.size),
        &envelope);
    client_over(c->ask, err == ERR_OK ? ERR_OK : ERR_SYNTAX);
    return size;
}

static void
client_closed(struct net_conn *conn, enum net_why why)
{
    struct client_conn *c = net_conn_state(conn);
    (void)why;
    if (!c->ask)
        return;
    c->ask->conn = NULL;
    client_over(c->ask, ERR_LOST);
}

static const struct net_proto client_proto = {
    .name = "handle_client",
    .size = sizeof(struct client_conn),
    .partial_max = CLIENT_MAX,
    .low = CLIENT_QUESTION,
    .high = 2 * CLIENT_QUESTION,
    .max = 2 * CLIENT_QUESTION,
    .open = client_open,
    .input = client_input,
    .closed = client_closed,
};

static void
client_tcp(struct handle_client_ask *ask)
{
    enum err err = net_connect(ask->net, ask->address, ask->port, &client_proto,
                               NULL, NULL, &ask->conn);
    if (err != ERR_OK) {
        ask->conn = NULL;
        client_over(ask, err);
        return;
    }
    ((struct client_conn *)net_conn_state(ask->conn))->ask = ask;
    ask->tries = BASE_COUNT(client_patience_ms) + 1;
    base_loop_timer(ask->loop, &ask->timer, CLIENT_TCP_MS);
}

/* --- UDP --- */

static void
client_send(struct handle_client_ask *ask)
{
    struct bytes question = base_out_bytes(&ask->question);
    for (unsigned i = 0; i < wire_handle_parts(question); i++) {
        uint8_t packet[WIRE_HANDLE_PACKET];
        struct base_out out;
        base_out_fixed(&out, packet, sizeof packet);
        wire_handle_part(&out, question, i);
        net_udp_send(ask->udp, &ask->peer, base_out_bytes(&out));
    }
    base_loop_timer(ask->loop, &ask->timer, client_patience_ms[ask->tries++]);
}

static void
client_timer(struct base_timer *timer)
{
    struct handle_client_ask *ask =
        BASE_OUTER(timer, struct handle_client_ask, timer);
    if (ask->tries > BASE_COUNT(client_patience_ms))
        client_over(ask, ERR_TIMEOUT);
    else if (ask->tries == BASE_COUNT(client_patience_ms))
        client_tcp(ask);
    else
        client_send(ask);
}

static void
client_datagram(void *self, const struct net_udp_peer *peer, struct bytes data)
{
    struct handle_client_ask *ask = self;
    struct wire_handle_envelope envelope;
    if (ask->over || ask->conn || memcmp(peer, &ask->peer, sizeof *peer) != 0 ||
        wire_handle_read_envelope(data, &envelope) != ERR_OK)
        return;
    struct bytes payload =
        base_bytes_slice(data, WIRE_HANDLE_ENVELOPE, data.size);
    if (envelope.size > WIRE_HANDLE_PART &&
        handle_parts_put(ask->parts, peer, &envelope, payload,
                         base_loop_mono(ask->loop).ms, &envelope,
                         &payload) != ERR_OK)
        return;
    if (client_parse(ask, payload, &envelope) != ERR_OK)
        return; /* not an answer to this: one may still come */
    if (ask->reply.header.code != WIRE_HANDLE_BUSY)
        client_over(ask, ERR_OK);
    else
        client_tcp(ask);
}

static enum err
client_udp(struct handle_client_ask *ask)
{
    struct net_udp_config config = {
        .name = "handle_client",
        .address = ask->peer.family == 4 ? "0.0.0.0" : "::",
        .input = client_datagram,
        .self = ask,
    };
    enum err err = net_udp_open(ask->net, &config, &ask->udp, NULL);
    if (err != ERR_OK)
        return err;
    ask->parts = handle_parts_new(base_rng_u64(ask->random));
    client_send(ask);
    return ERR_OK;
}

/* --- asking --- */

static enum err
client_question(struct handle_client_ask *ask)
{
    uint32_t request = (uint32_t)base_rng_u64(ask->random);
    struct wire_handle_envelope envelope = {
        .major = WIRE_HANDLE_MAJOR,
        .minor = WIRE_HANDLE_MINOR,
        .suggested_major = WIRE_HANDLE_MAJOR,
        .suggested_minor = WIRE_HANDLE_MINOR,
        .request = request,
    };
    struct wire_handle_header header = {
        .op = WIRE_HANDLE_RESOLUTION,
        .flags = ask->flags,
        .serial = UINT16_MAX,
        .expiration_s = (uint32_t)(base_loop_wall(ask->loop).ms / 1000 +
                                   WIRE_HANDLE_LIFE_S),
    };
    struct base_out *out = &ask->question;
    base_out_grow(out, CLIENT_QUESTION);
    wire_handle_begin(out, &envelope, &header);
    wire_hs_write_str(out, ask->handle);
    base_out_u32be(out, ask->index_count);
    for (unsigned i = 0; i < ask->index_count; i++)
        base_out_u32be(out, ask->indexes[i]);
    base_out_u32be(out, ask->type_count);
    for (unsigned i = 0; i < ask->type_count; i++)
        wire_hs_write_str(out, ask->types[i]);
    wire_handle_end(out, base_bytes(NULL, 0));
    if (base_out_ok(out) && wire_handle_parts(base_out_bytes(out)) > 1)
        out->at[2] |= WIRE_HANDLE_IN_PARTS;
    return out->failed;
}

void
handle_client_ask(struct handle_client_ask *ask)
{
    ask->question = ask->answer = (struct base_out){0};
    ask->udp = NULL;
    ask->conn = NULL;
    ask->parts = NULL;
    ask->tries = 0;
    ask->over = ask->by_tcp = false;
    ask->text = (struct bytes){0};
    ask->values = (struct wire_handle_values){0};
    ask->reply = (struct wire_handle_message){0};
    ask->timer = (struct base_timer){.fn = client_timer};
    ask->task = (struct base_task){.fn = client_told};
    base_out_grow(&ask->answer, WIRE_HANDLE_MESSAGE);
    enum err err = net_udp_peer(ask->address, ask->port, &ask->peer);
    if (err == ERR_OK)
        err = client_question(ask);
    if (err == ERR_OK && !ask->tcp_only)
        err = client_udp(ask);
    else if (err == ERR_OK)
        client_tcp(ask);
    if (err != ERR_OK)
        client_over(ask, err);
}

void
handle_client_end(struct handle_client_ask *ask)
{
    client_leave(ask);
    net_udp_shut(ask->udp);
    ask->udp = NULL;
    handle_parts_free(ask->parts);
    ask->parts = NULL;
    base_out_done(&ask->question);
    base_out_done(&ask->answer);
}
