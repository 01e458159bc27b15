/* tier_link.c -- one link, whichever end: frames in, messages out of them,
 * keepalive, and its end.
 *
 * HELLO, WELCOME, READY, REFUSE, DRAIN and whatever goes wrong are events of
 * the machines (tier_child.c, tier_parent.c); the other frames are for a link
 * that is UP, and are read here by one table.
 *
 * Calls into engines or the wire may end the link: whoever goes on afterwards
 * looks at its state again.  Memory stays until the last reference is gone. */
#include <stdio.h>

#include "tier/tier_inner.h"

enum {
    LINK_TICK_MS = 1000,
    LINK_FROM_CHILD = TIER_WAY_UP,
    LINK_FROM_PARENT = TIER_WAY_DOWN,
    LINK_OFFSET_MS = 2000, /* of the clocks: an alert */
    LINK_SAMPLES = 8,
};

#define LINK_TIME_MAX (UINT64_C(1) << 53) /* ms; no sum overflows */

/* --- life --- */

static void link_tick(struct base_timer *timer);

struct tier_link *
tier_link_new(struct tier *tier, struct tier_wire *wire, bool dialed)
{
    struct tier_link *link = base_mem_zero(sizeof *link);
    link->tier = tier;
    link->wire = wire;
    link->dialed = dialed;
    link->state = TIER_LINK_NEW;
    link->refs = 1; /* the open link itself */
    link->ping_s = tier->config.ping_s;
    link->heard_ms = link->said_ms = tier_inner_now(tier);
    link->next_id = dialed ? 1 : 2;
    link->timer.fn = link_tick;
    base_list_init(&link->asks);
    base_list_init(&link->answers);
    for (unsigned i = 0; i < MODEL_CHANNELS; i++)
        base_list_init(&link->flows[i].queue);
    base_list_add(&tier->links, &link->all);
    wire->link = link;
    return link;
}

void
tier_link_ref(struct tier_link *link)
{
    link->refs++;
}

void
tier_link_unref(struct tier_link *link)
{
    must(link->refs > 0);
    if (--link->refs == 0)
        tier_link_free(link);
}

void
tier_link_free(struct tier_link *link)
{
    link->state = TIER_LINK_CLOSED;
    for (unsigned i = 0; i < MODEL_CHANNELS; i++) {
        tier_send_purge(link, i);
        base_mem_free(link->flows[i].partial);
    }
    base_list_remove(&link->all);
    base_mem_free(link);
}

static void
link_leave_peer(struct tier_link *link)
{
    struct tier_peer *peer = link->peer;
    if (!peer || peer->link != link)
        return;
    peer->link = NULL;
    peer->since_ms = base_loop_wall(link->tier->config.loop).ms;
    base_stat_inc(&link->tier->stats[link->dialed ? TIER_STAT_PARENT
                                                  : TIER_STAT_CHILDREN],
                  -1);
    for (unsigned i = 0; i < MODEL_CHANNELS; i++) {
        if (peer->logs[i])
            tier_take_purge(peer->logs[i]);
        if (peer->states[i])
            tier_state_lost(peer->states[i]);
    }
}

void
tier_link_close(struct tier_link *link, unsigned code, uint32_t wait_ms,
                const char *why)
{
    struct tier *tier = link->tier;
    if (link->state == TIER_LINK_CLOSED)
        return;
    if (link->peer)
        snprintf(link->peer->why, sizeof link->peer->why, "%s", why);
    base_log_say(tier->config.log, BASE_LOG_INFO, "tier", "link_end",
                 "peer=%s address=%s why=\"%s\"", link->prefix,
                 link->wire ? link->wire->peer : "", why);
    if (code && link->wire) {
        uint8_t room[WIRE_FRAME_TEXT_MAX + 8];
        struct base_out out;
        base_out_fixed(&out, room, sizeof room);
        wire_frame_body_refuse_write(
            &out, &(struct wire_frame_refuse){(uint16_t)code, wait_ms,
                                              base_bytes_text(why)});
        tier_inner_count(tier, TIER_STAT_REFUSED_LINKS, 1);
        tier_send_frame(link, WIRE_FRAME_REFUSE, 0, 0, 0, base_out_bytes(&out));
    }
    link->state = TIER_LINK_CLOSED;
    base_loop_timer_clear(tier->config.loop, &link->timer);
    struct tier_wire *wire = link->wire;
    link->wire = NULL;
    if (wire) {
        wire->link = NULL;
        wire->ops->shut(wire);
    }
    tier_send_done(link);
    link_leave_peer(link);
    tier_call_lost(link);
    tier_link_unref(link);
}

void
tier_link_event(struct tier_link *link, enum tier_event event,
                const struct tier_happened *what)
{
    struct tier *tier = link->tier;
    if (!link->dialed)
        tier_parent_happens(link, event, what);
    else if (tier->up.link == link)
        tier_child_happens(tier, event, what);
    else
        tier_link_close(link, 0, 0, what->why ? what->why : "left over");
}

void
tier_link_bad(struct tier_link *link, const char *why)
{
    if (link->state == TIER_LINK_CLOSED)
        return;
    tier_inner_count(link->tier, TIER_STAT_BAD, 1);
    if (link->peer)
        tier_alert_refused(link->peer, "bad frame: %s", why);
    tier_link_event(link, TIER_EVENT_BAD, &(struct tier_happened){.why = why});
}

void
tier_link_up(struct tier_link *link)
{
    struct tier *tier = link->tier;
    struct tier_peer *peer = link->peer;
    must(peer->link == NULL);
    peer->link = link;
    peer->since_ms = base_loop_wall(tier->config.loop).ms;
    peer->seen_ms = peer->since_ms;
    peer->why[0] = 0;
    peer->clock_told = false;
    snprintf(peer->address, sizeof peer->address, "%s", link->wire->peer);
    link->state = TIER_LINK_UP;
    link->heard_ms = tier_inner_now(tier);
    base_stat_inc(
        &tier->stats[link->dialed ? TIER_STAT_PARENT : TIER_STAT_CHILDREN], 1);
    tier_inner_count(tier, TIER_STAT_HANDSHAKES, 1);
    base_log_say(tier->config.log, BASE_LOG_INFO, "tier", "link_up",
                 "peer=%s address=%s lineage=%llu epoch=%u resync=%d",
                 peer->prefix, link->wire->peer,
                 (unsigned long long)link->lineage, peer->epoch, link->resync);
    base_loop_timer(tier->config.loop, &link->timer, LINK_TICK_MS);
    for (unsigned i = 0; i < MODEL_CHANNELS; i++)
        if (peer->logs[i])
            tier_log_refresh(peer->logs[i]);
    tier_link_ref(link);
    tier_state_linked(peer, link->resync);
    tier_send_wake(link);
    tier_link_unref(link);
}

/* --- keepalive --- */

static void
link_ping(struct tier_link *link, int64_t now)
{
    uint64_t t0 = (uint64_t)base_loop_wall(link->tier->config.loop).ms;
    uint8_t room[8];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    wire_frame_body_numbers_write(&out, &t0, 1);
    link->ping_ms = now;
    tier_send_frame(link, WIRE_FRAME_PING, 0, 0, 0, base_out_bytes(&out));
}

static bool
link_stuck(const struct tier_link *link, int64_t now)
{
    for (unsigned i = 0; i < MODEL_CHANNELS; i++)
        if (link->peer->states[i] &&
            tier_state_stuck(link->peer->states[i], now))
            return true;
    return false;
}

static void
link_tick(struct base_timer *timer)
{
    struct tier_link *link = BASE_OUTER(timer, struct tier_link, timer);
    struct tier *tier = link->tier;
    int64_t now = tier_inner_now(tier), quiet_ms = (int64_t)link->ping_s * 1000;
    if (link->state != TIER_LINK_UP) {
        tier_link_event(link, TIER_EVENT_TIMER,
                        &(struct tier_happened){.why = "no answer in 10 s"});
        return;
    }
    if (now - link->heard_ms > quiet_ms * 5 / 2 || link_stuck(link, now)) {
        tier_link_event(link, TIER_EVENT_LOST,
                        &(struct tier_happened){
                            .why = now - link->heard_ms > quiet_ms * 5 / 2
                                       ? "silent"
                                       : "a state was not answered"});
        return;
    }
    base_loop_timer(tier->config.loop, timer, LINK_TICK_MS);
    if (link->dialed && now - link->ping_ms >= quiet_ms &&
        (now - link->heard_ms >= quiet_ms || now - link->said_ms >= quiet_ms ||
         link->sample_count == 0))
        link_ping(link, now);
    for (unsigned i = 0; i < MODEL_CHANNELS; i++)
        if (link->peer->logs[i])
            tier_log_tick(link, link->peer->logs[i], now);
    tier_send_tick(link);
    tier_send_wake(link);
}

static void
link_pinged(struct tier_link *link, const struct wire_frame *frame)
{
    uint64_t times[3];
    uint8_t room[24];
    struct base_out out;
    if (wire_frame_body_numbers_read(frame->body, times, 1) != ERR_OK) {
        tier_link_bad(link, "PING");
        return;
    }
    times[1] = times[2] = (uint64_t)base_loop_wall(link->tier->config.loop).ms;
    base_out_fixed(&out, room, sizeof room);
    wire_frame_body_numbers_write(&out, times, 3);
    tier_send_frame(link, WIRE_FRAME_PONG, 0, 0, 0, base_out_bytes(&out));
}

static void
link_ponged(struct tier_link *link, const struct wire_frame *frame)
{
    struct tier_peer *peer = link->peer;
    uint64_t times[3];
    int64_t t[4];
    bool fits = wire_frame_body_numbers_read(frame->body, times, 3) == ERR_OK;
    for (unsigned i = 0; fits && i < 3; i++) {
        fits = times[i] < LINK_TIME_MAX;
        t[i] = (int64_t)times[i];
    }
    if (!fits) {
        tier_link_bad(link, "PONG");
        return;
    }
    t[3] = base_loop_wall(link->tier->config.loop).ms;
    unsigned at = link->sample_count++ % LINK_SAMPLES, best = 0;
    link->rtts[at] = (t[3] - t[0] - (t[2] - t[1]));
    link->offsets[at] = (t[1] - t[0] + (t[2] - t[3])) / 2;
    for (unsigned i = 1; i < LINK_SAMPLES && i < link->sample_count; i++)
        if (link->rtts[i] < link->rtts[best])
            best = i;
    peer->rtt_ms = link->rtts[best];
    peer->offset_ms = link->offsets[best];
    bool far =
        peer->offset_ms > LINK_OFFSET_MS || peer->offset_ms < -LINK_OFFSET_MS;
    if (far && !peer->clock_told)
        tier_alert_raise(link->tier, "clock_offset", "peer=%s offset_ms=%lld",
                         peer->prefix, (long long)peer->offset_ms);
    peer->clock_told = far;
}

/* --- messages --- */

void
tier_link_deliver(struct tier_link *link, struct tier_in *in)
{
    const struct tier_channel *row = tier_channel_get(in->channel);
    base_stat_inc(&link->tier->traffic[in->channel].messages[TIER_IN], 1);
    if (row->class == TIER_CLASS_LOG) {
        tier_take_message(tier_log_get(link->peer, in->channel), in);
        return;
    }
    size_t size = in->size;
    unsigned channel = in->channel;
    tier_link_ref(link);
    if (row->class == TIER_CLASS_STATE)
        tier_state_message(link, in);
    else if (row->class == TIER_CLASS_HINT)
        tier_hint_message(link, in);
    else
        tier_call_message(link, in);
    base_mem_free(in);
    tier_send_free(link, channel, size);
    tier_link_unref(link);
}

/* Who may say this: from inside the child, or from outside it.  What is not
 * handed on is remembered under its sender's name, so it is the child's own: a
 * name that it makes up would be one more child.  (Questions are answered, and
 * nothing is remembered.) */
static bool
link_from_fits(const struct tier_link *link, const struct tier_channel *row,
               const struct tier_kind *kind, struct bytes from)
{
    struct bytes child = tier_inner_prefix(link->peer);
    if (link->dialed)
        return from.size > 0 && !model_id_covers(link->tier->own, from);
    if (row->class != TIER_CLASS_CALL && kind && kind->way != TIER_WAY_ROUTED)
        return base_bytes_equal_folded(child, from);
    return model_id_covers(child, from);
}

static const char *
link_begin(struct tier_link *link, const struct wire_frame *frame)
{
    const struct tier_channel *row = tier_channel_get(frame->channel);
    const struct tier_kind *kind =
        tier_channel_kind(frame->channel, frame->kind);
    struct wire_frame_message head;
    bool gap = row->class == TIER_CLASS_LOG && frame->kind == TIER_CHANNEL_GAP;
    bool reply = frame->flags & WIRE_FRAME_REPLY;
    unsigned way = link->dialed ? LINK_FROM_PARENT : LINK_FROM_CHILD;
    if (reply && row->class != TIER_CLASS_CALL)
        return "a reply on a channel without calls";
    if (!reply && !gap && kind && !(kind->way & way))
        return "a kind that does not go this way";
    if (wire_frame_message_read(frame->body, &head) != ERR_OK)
        return "a message's head";
    if (head.body_size > row->max)
        return "a message over its channel's maximum";
    if (!link_from_fits(link, row, kind, head.from))
        return "a sender who is not on that side";
    size_t size = WIRE_FRAME_MESSAGE_HEAD + head.from.size + head.to.size +
                  head.body_size;
    struct tier_in *in = base_mem_zero(sizeof *in + size);
    in->link = link;
    in->channel = frame->channel;
    in->kind = frame->kind;
    in->flags = frame->flags & (WIRE_FRAME_REPLY | WIRE_FRAME_ERROR);
    in->seq = frame->seq;
    in->size = size;
    link->flows[frame->channel].partial = in;
    return NULL;
}

static const char *
link_add(struct tier_link *link, const struct wire_frame *frame)
{
    struct tier_flow *flow = &link->flows[frame->channel];
    struct tier_in *in = flow->partial;
    bool last = frame->flags & WIRE_FRAME_LAST;
    if (in->seq != frame->seq || in->kind != frame->kind ||
        in->flags != (frame->flags & (WIRE_FRAME_REPLY | WIRE_FRAME_ERROR)))
        return "a part of another message";
    if (frame->body.size > in->size - in->have ||
        (in->have + frame->body.size == in->size) != last)
        return "a message of another length than it said";
    memcpy(in->data + in->have, frame->body.at, frame->body.size);
    in->have += frame->body.size;
    if (!last)
        return NULL;
    flow->partial = NULL;
    must(wire_frame_message_read(base_bytes(in->data, in->size),
                                 &in->message) == ERR_OK);
    if (!link->tier->fault || !tier_fault_takes(link->tier->fault, in))
        tier_link_deliver(link, in);
    return NULL;
}

static void
link_data(struct tier_link *link, const struct wire_frame *frame)
{
    const struct tier_channel *row = tier_channel_get(frame->channel);
    const char *why = NULL;
    if (!row ||
        (!tier_channel_live(frame->channel) && row->class != TIER_CLASS_CALL)) {
        tier_link_bad(link, "a channel that is not live here");
        return;
    }
    struct tier_flow *flow = &link->flows[frame->channel];
    bool first = frame->flags & WIRE_FRAME_FIRST;
    flow->received += frame->body.size;
    base_stat_inc(&link->tier->traffic[frame->channel].bytes[TIER_IN],
                  (int64_t)frame->body.size);
    if (flow->received > flow->granted)
        why = "sent beyond credit";
    else if (first != (flow->partial == NULL))
        why = first ? "a message inside a message" : "a part without a start";
    else if (first)
        why = link_begin(link, frame);
    if (!why)
        why = link_add(link, frame);
    if (why)
        tier_link_bad(link, why);
}

static void
link_log_ack(struct tier_link *link, const struct wire_frame *frame)
{
    struct wire_frame_refused refused[WIRE_FRAME_REFUSED_MAX];
    unsigned count = 0;
    struct tier_log *log = link->peer->logs[frame->channel];
    if (!log || wire_frame_body_ack_read(frame->body, frame->seq, refused,
                                         &count) != ERR_OK) {
        tier_link_bad(link, "ACK");
        return;
    }
    tier_log_ack(log, frame->seq, frame->flags & WIRE_FRAME_RESEND, refused,
                 count);
}

static void
link_acked(struct tier_link *link, const struct wire_frame *frame)
{
    const struct tier_channel *row = tier_channel_get(frame->channel);
    if (row && row->class == TIER_CLASS_LOG)
        link_log_ack(link, frame);
    else if (row && row->class == TIER_CLASS_STATE)
        tier_state_ack(link, frame);
    else
        tier_link_bad(link, "ACK on a channel without");
}

static void
link_credit(struct tier_link *link, const struct wire_frame *frame)
{
    uint64_t numbers[2];
    unsigned count = frame->type == WIRE_FRAME_WANT ? 2 : 1;
    if (!tier_channel_get(frame->channel) ||
        wire_frame_body_numbers_read(frame->body, numbers, count) != ERR_OK)
        tier_link_bad(link, "CREDIT or WANT");
    else if (count == 1)
        tier_send_credit(link, frame->channel, numbers[0]);
    else
        tier_send_wanted(link, frame->channel, numbers[0], numbers[1]);
}

static void
link_cancel(struct tier_link *link, const struct wire_frame *frame)
{
    tier_call_cancel(link, frame->channel, frame->seq);
}

static const struct link_row {
    void (*up)(struct tier_link *link, const struct wire_frame *frame);
    enum tier_event event; /* when `up` is NULL: in any state */
} link_rows[WIRE_FRAME_TYPES] = {
    [WIRE_FRAME_HELLO] = {NULL, TIER_EVENT_HELLO},
    [WIRE_FRAME_WELCOME] = {NULL, TIER_EVENT_WELCOME},
    [WIRE_FRAME_READY] = {NULL, TIER_EVENT_READY},
    [WIRE_FRAME_REFUSE] = {NULL, TIER_EVENT_REFUSE},
    [WIRE_FRAME_DRAIN] = {NULL, TIER_EVENT_DRAIN},
    [WIRE_FRAME_DATA] = {link_data, 0},
    [WIRE_FRAME_ACK] = {link_acked, 0},
    [WIRE_FRAME_CREDIT] = {link_credit, 0},
    [WIRE_FRAME_WANT] = {link_credit, 0},
    [WIRE_FRAME_PING] = {link_pinged, 0},
    [WIRE_FRAME_PONG] = {link_ponged, 0},
    [WIRE_FRAME_CANCEL] = {link_cancel, 0},
};

void
tier_link_frame(struct tier_link *link, const struct wire_frame *frame)
{
    const struct link_row *row = &link_rows[frame->type];
    link->heard_ms = tier_inner_now(link->tier);
    if (link->peer)
        link->peer->seen_ms = base_loop_wall(link->tier->config.loop).ms;
    if (!row->up)
        tier_link_event(link, row->event,
                        &(struct tier_happened){.body = frame->body});
    else if (link->state == TIER_LINK_UP)
        row->up(link, frame);
    else
        tier_link_bad(link, "a frame before READY");
}
