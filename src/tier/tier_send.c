/* tier_send.c -- queues by channel, credit, and whose frame goes next.
 *
 * Why: an alarm must not wait behind a table.  Frames are at most one TLS
 * record, the wire holds at most TIER_WIRE_HIGH unsent bytes, and a channel
 * without credit blocks only itself.
 *
 * Order    priorities 0 and 1 first; then deficit round robin with weights 8,
 *          4, 2, 1 for priorities 2..5, which gives priority 5 a fifteenth to a
 *          third while others wait; channels of a priority take turns.
 * Credit   an absolute offset of DATA body bytes per channel, so that a repeat
 *          is harmless.  At first TIER_FIRST_CREDIT for priority <= 2, else 0.
 *          WANT asks for a window beyond what was sent and also says what was
 *          sent, so that the two ends agree again if bytes were lost (only the
 *          simulation loses any).  The receiver grants from a pool of
 *          receive_bytes; a quarter of it is for priorities <= 2. */
#include "tier/tier_inner.h"

enum {
    SEND_WEIGHT_BYTES = 2048,
    SEND_PIECE_MIN = 1024, /* no smaller piece because of credit */
    SEND_FIRST_SHARED = 2, /* the first priority that takes turns */
    SEND_TURN = 64, /* frames before others of the loop have their turn */
    SEND_POOL = 512 * 1024 * 1024,
};

static const int64_t send_weights[TIER_CHANNEL_PRIORITIES] = {0, 0, 8, 4, 2, 1};

void
tier_send_frame(struct tier_link *link, uint8_t type, uint8_t channel,
                uint8_t flags, uint64_t seq, struct bytes body)
{
    struct base_out out;
    if (!link->wire)
        return;
    base_out_fixed(&out, link->tier->frame, sizeof link->tier->frame);
    wire_frame_write(&out, &(struct wire_frame){.type = type,
                                                .channel = channel,
                                                .flags = flags,
                                                .seq = seq,
                                                .body = body});
    must(base_out_ok(&out) && body.size <= WIRE_FRAME_BODY_MAX);
    link->said_ms = tier_inner_now(link->tier);
    link->wire->ops->send(link->wire, base_out_bytes(&out));
}

struct tier_out *
tier_send_copy(uint8_t channel, uint8_t kind, uint8_t flags, uint64_t seq,
               struct bytes message)
{
    struct tier_out *out = base_mem_zero(sizeof *out + message.size);
    out->channel = channel;
    out->kind = kind;
    out->flags = flags;
    out->seq = seq;
    out->size = message.size;
    memcpy(out->data, message.at, message.size);
    return out;
}

struct tier_out *
tier_send_make(uint8_t channel, uint8_t kind, uint8_t flags, uint64_t seq,
               struct wire_frame_message *message)
{
    size_t size = WIRE_FRAME_MESSAGE_HEAD + message->from.size +
                  message->to.size + message->body.size;
    struct tier_out *out = base_mem_zero(sizeof *out + size);
    struct base_out to;
    out->channel = channel;
    out->kind = kind;
    out->flags = flags;
    out->seq = seq;
    out->size = size;
    message->crc = wire_frame_message_crc(kind, message);
    base_out_fixed(&to, out->data, size);
    wire_frame_message_write(&to, message);
    must(base_out_ok(&to));
    return out;
}

void
tier_send_queue(struct tier_link *link, struct tier_out *out)
{
    if (!tier_inner_is_up(link)) {
        base_mem_free(out);
        return;
    }
    struct tier_flow *flow = &link->flows[out->channel];
    base_list_add(&flow->queue, &out->all);
    flow->queued += out->size;
    tier_send_wake(link);
}

static void
send_durable(struct tier_hold *hold, enum err err)
{
    if (err == ERR_OK) {
        struct tier_out *out = hold->arg;
        hold->arg = NULL;
        tier_send_queue(hold->link, out);
    } else if (hold->failed) {
        hold->failed(hold, err);
    }
}

void
tier_send_later(struct tier_link *link, struct tier_out *out,
                void (*failed)(struct tier_hold *, enum err), void *self)
{
    struct tier_hold *hold =
        tier_hold_new(link->tier, link, send_durable, self, out);
    hold->failed = failed;
    hold->value = out->seq;
    tier_hold_all(hold);
}

/* What of a channel has not begun to leave. */
void
tier_send_purge(struct tier_link *link, unsigned channel)
{
    struct tier_flow *flow = &link->flows[channel];
    struct base_link *at = flow->queue.next;
    while (at != &flow->queue) {
        struct tier_out *out = BASE_OUTER(at, struct tier_out, all);
        at = at->next;
        if (out->at > 0 && tier_inner_is_up(link))
            continue;
        base_list_remove(&out->all);
        flow->queued -= out->size - out->at;
        base_mem_free(out);
    }
}

/* --- whose turn --- */

static size_t
send_piece(const struct tier_flow *flow)
{
    if (base_list_empty(&flow->queue))
        return 0;
    const struct tier_out *out =
        BASE_OUTER(flow->queue.next, struct tier_out, all);
    size_t left = out->size - out->at;
    size_t piece = left < WIRE_FRAME_BODY_MAX ? left : WIRE_FRAME_BODY_MAX;
    uint64_t credit = flow->limit - flow->sent;
    if (credit >= piece)
        return piece;
    /* A message's head lies whole in its first frame. */
    return credit >= SEND_PIECE_MIN ? (size_t)credit : 0;
}

/* The next channel of this priority that can send; -1: none. */
static int
send_channel(struct tier_link *link, unsigned priority)
{
    for (unsigned i = 1; i <= MODEL_CHANNELS; i++) {
        unsigned channel = (link->last[priority] + i) % MODEL_CHANNELS;
        if (tier_channel_get(channel)->priority == priority &&
            send_piece(&link->flows[channel]) > 0)
            return (int)channel;
    }
    return -1;
}

static int
send_shared(struct tier_link *link)
{
    int ready[TIER_CHANNEL_PRIORITIES];
    bool any = false;
    for (unsigned p = SEND_FIRST_SHARED; p < TIER_CHANNEL_PRIORITIES; p++) {
        ready[p] = send_channel(link, p);
        if (ready[p] < 0)
            link->deficit[p] = 0;
        any |= ready[p] >= 0;
    }
    while (any) {
        unsigned p = link->turn;
        if (p >= SEND_FIRST_SHARED && p < TIER_CHANNEL_PRIORITIES &&
            ready[p] >= 0) {
            if (link->deficit[p] > 0)
                return ready[p];
        }
        link->turn = p + 1 < TIER_CHANNEL_PRIORITIES && p >= SEND_FIRST_SHARED
                         ? p + 1
                         : SEND_FIRST_SHARED;
        if (ready[link->turn] >= 0)
            link->deficit[link->turn] +=
                send_weights[link->turn] * SEND_WEIGHT_BYTES;
    }
    return -1;
}

static int
send_next(struct tier_link *link)
{
    for (unsigned p = 0; p < SEND_FIRST_SHARED; p++) {
        int channel = send_channel(link, p);
        if (channel >= 0)
            return channel;
    }
    return send_shared(link);
}

static void
send_one(struct tier_link *link, unsigned channel)
{
    struct tier_flow *flow = &link->flows[channel];
    struct tier_out *out = BASE_OUTER(flow->queue.next, struct tier_out, all);
    unsigned priority = tier_channel_get(channel)->priority;
    size_t piece = send_piece(flow);
    unsigned flags = out->flags | (out->at == 0 ? WIRE_FRAME_FIRST : 0u) |
                     (out->at + piece == out->size ? WIRE_FRAME_LAST : 0u);
    struct wire_frame frame = {
        .type = WIRE_FRAME_DATA,
        .channel = (uint8_t)channel,
        .kind = out->kind,
        .flags = (uint8_t)flags,
        .seq = out->seq,
        .body = base_bytes(out->data + out->at, piece),
    };
    struct base_out to;
    base_out_fixed(&to, link->tier->frame, sizeof link->tier->frame);
    wire_frame_write(&to, &frame);
    out->at += piece;
    flow->sent += piece;
    flow->queued -= piece;
    link->last[priority] = channel;
    link->deficit[priority] -= (int64_t)piece;
    link->said_ms = tier_inner_now(link->tier);
    struct tier_traffic *traffic = &link->tier->traffic[channel];
    base_stat_inc(&traffic->bytes[TIER_OUT], (int64_t)piece);
    if (out->at == out->size) {
        base_stat_inc(&traffic->messages[TIER_OUT], 1);
        base_list_remove(&out->all);
        base_mem_free(out);
    }
    link->wire->ops->send(link->wire, base_out_bytes(&to)); /* may end it */
}

static void
send_fill(struct tier_link *link)
{
    for (unsigned i = 0; i < MODEL_CHANNELS; i++) {
        struct tier_log *log = link->peer->logs[i];
        struct tier_state *state = link->peer->states[i];
        if (log)
            tier_log_fill(link, log);
        if (state)
            tier_state_fill(link, state);
    }
}

/* Ask for credit before it runs out; `again` each second while it is missing,
 * which is also how those whom the pool could not serve take turns. */
static void
send_want(struct tier_link *link, unsigned channel, bool again)
{
    struct tier_flow *flow = &link->flows[channel];
    uint64_t window = tier_channel_get(channel)->window + TIER_CHANNEL_HEAD;
    if (flow->queued <= flow->limit - flow->sent)
        return;
    if (!again && flow->sent + window < flow->wanted + window / 4)
        return;
    uint64_t numbers[2] = {flow->sent + window, flow->sent};
    uint8_t room[16];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    wire_frame_body_numbers_write(&out, numbers, 2);
    flow->wanted = numbers[0];
    tier_send_frame(link, WIRE_FRAME_WANT, (uint8_t)channel, 0, 0,
                    base_out_bytes(&out));
}

static void
send_pump(struct base_task *task)
{
    struct tier_link *link = BASE_OUTER(task, struct tier_link, task);
    link->posted = false;
    unsigned sent = 0;
    while (tier_inner_is_up(link) && sent++ < SEND_TURN &&
           link->wire->ops->waiting(link->wire) < TIER_WIRE_HIGH) {
        send_fill(link);
        int channel = tier_inner_is_up(link) ? send_next(link) : -1;
        if (channel < 0)
            break;
        send_one(link, (unsigned)channel);
    }
    if (sent > SEND_TURN)
        tier_send_wake(link);
    for (unsigned i = 0; i < MODEL_CHANNELS && tier_inner_is_up(link); i++)
        send_want(link, i, false);
    tier_link_unref(link);
}

void
tier_send_wake(struct tier_link *link)
{
    if (link->posted || !tier_inner_is_up(link))
        return;
    link->posted = true;
    tier_link_ref(link);
    link->task.fn = send_pump;
    base_loop_post(link->tier->config.loop, &link->task);
}

/* --- credit --- */

static void
send_receiving(struct tier *tier, int64_t by)
{
    tier->receiving += (uint64_t)by;
    tier_inner_count(tier, TIER_STAT_RECEIVING, by);
}

void
tier_send_start(struct tier_link *link)
{
    for (unsigned i = 0; i < MODEL_CHANNELS; i++) {
        struct tier_flow *flow = &link->flows[i];
        bool at_once = tier_channel_get(i)->priority <= SEND_FIRST_SHARED;
        flow->limit = flow->granted = at_once ? TIER_FIRST_CREDIT : 0;
        send_receiving(link->tier, (int64_t)flow->granted);
    }
}

void
tier_send_done(struct tier_link *link)
{
    for (unsigned i = 0; i < MODEL_CHANNELS; i++) {
        struct tier_flow *flow = &link->flows[i];
        tier_send_purge(link, i);
        base_mem_free(flow->partial);
        flow->partial = NULL;
        send_receiving(link->tier, -(int64_t)(flow->granted - flow->freed));
        flow->granted = flow->freed = 0;
    }
}

void
tier_send_tick(struct tier_link *link)
{
    for (unsigned i = 0; i < MODEL_CHANNELS && tier_inner_is_up(link); i++)
        send_want(link, i, true);
}

void
tier_send_credit(struct tier_link *link, unsigned channel, uint64_t offset)
{
    struct tier_flow *flow = &link->flows[channel];
    if (offset > flow->limit)
        flow->limit = offset;
    tier_send_wake(link);
}

/* How much of the pool this priority may still take. */
static uint64_t
send_pool(struct tier *tier, unsigned priority)
{
    uint64_t pool = tier->config.receive_bytes;
    if (pool == 0)
        pool = SEND_POOL;
    if (priority > SEND_FIRST_SHARED)
        pool -= pool / 4;
    return tier->receiving < pool ? pool - tier->receiving : 0;
}

static void
send_grant(struct tier_link *link, unsigned channel)
{
    const struct tier_channel *row = tier_channel_get(channel);
    struct tier_flow *flow = &link->flows[channel];
    uint64_t most = flow->freed + row->window + TIER_CHANNEL_HEAD;
    uint64_t offset = flow->asked < most ? flow->asked : most;
    uint64_t pool = send_pool(link->tier, row->priority);
    if (offset > flow->granted + pool)
        offset = flow->granted + pool;
    if (offset > flow->granted) {
        send_receiving(link->tier, (int64_t)(offset - flow->granted));
        flow->granted = offset;
    }
    if (flow->asked <= flow->granted)
        flow->asked = 0;
    uint8_t room[8];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    wire_frame_body_numbers_write(&out, &flow->granted, 1);
    tier_send_frame(link, WIRE_FRAME_CREDIT, (uint8_t)channel, 0, 0,
                    base_out_bytes(&out));
}

void
tier_send_wanted(struct tier_link *link, unsigned channel, uint64_t wanted,
                 uint64_t sent)
{
    struct tier_flow *flow = &link->flows[channel];
    if (sent > flow->granted) {
        tier_link_bad(link, "sent beyond credit");
        return;
    }
    if (sent > flow->received) { /* lost on the way */
        uint64_t lost = sent - flow->received;
        flow->received = sent;
        tier_send_free(link, channel, lost);
    }
    flow->asked = wanted;
    send_grant(link, channel);
}

void
tier_send_free(struct tier_link *link, unsigned channel, size_t size)
{
    struct tier_flow *flow = &link->flows[channel];
    if (link->state == TIER_LINK_CLOSED)
        return;
    uint64_t out = flow->granted - flow->freed;
    if (size > out) /* repeated on the way: the simulation only */
        size = (size_t)out;
    flow->freed += size;
    send_receiving(link->tier, -(int64_t)size);
    if (flow->asked > flow->granted &&
        flow->granted - flow->freed < tier_channel_get(channel)->window / 2)
        send_grant(link, channel);
}
