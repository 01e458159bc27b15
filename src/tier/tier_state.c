/* tier_state.c -- class a: the engine's absolute states, a few at a time.
 *
 * Why: the engine keeps what is dirty, bounded by its keys; tier only asks for
 * the next body when there is room, so that an idle link sends at once and a
 * busy one lets changes meet.
 *
 *   out  up to TIER_STATE_FLYING bodies in flight, the next one is asked for
 *        when none waits to be sent; each leaves once all that was appended to
 *        the journal is durable.  ACK: acked().  Refused, or cut back before it
 *        left: nothing more is sent until all in flight are answered, then
 *        after a second linked(resync false): the engine sends what is dirty.
 *   in   take(); after OK the highest seq taken is put in the row's environment
 *        (TIER_CUR), and the ACK leaves when that is durable.  A receiver that
 *        shows less at the next WELCOME was restored: linked(resync true).
 *
 * Nothing is resent by tier itself: a lost link forgets what was in flight. */
#include "tier/tier_inner.h"

enum { STATE_PAUSE_MS = 1000 };

struct tier_state *
tier_state_get(struct tier_peer *peer, unsigned channel)
{
    struct tier_state *state = peer->states[channel];
    uint64_t numbers[3];
    if (state)
        return state;
    state = base_mem_zero(sizeof *state);
    state->peer = peer;
    state->channel = (uint8_t)channel;
    state->row = tier_port_state(peer->tier, channel);
    if (state->row && tier_cursor_read(state->row->kv, TIER_CURSOR_ACK, channel,
                                       peer->no, numbers, 3) == ERR_OK)
        state->acked = numbers[0];
    if (state->row && tier_cursor_read(state->row->kv, TIER_CURSOR_IN, channel,
                                       peer->no, numbers, 2) == ERR_OK)
        state->applied = numbers[0];
    peer->states[channel] = state;
    return state;
}

void
tier_state_dirty(struct tier_peer *peer, unsigned channel)
{
    tier_state_get(peer, channel)->more = true;
    if (peer->link)
        tier_send_wake(peer->link);
}

/* Does the way this channel goes lead to that peer? */
static bool
state_sends(const struct tier_state *state)
{
    const struct tier_channel *row = tier_channel_get(state->channel);
    unsigned way =
        state->peer->no == TIER_PEER_PARENT ? TIER_WAY_UP : TIER_WAY_DOWN;
    for (unsigned i = 0; i < TIER_CHANNEL_KINDS && row->kinds[i].number; i++)
        if (row->kinds[i].live && (row->kinds[i].way & way))
            return state->row && state->row->next;
    return false;
}

/* --- out --- */

static void
state_not_sent(struct tier_hold *hold, enum err err)
{
    struct tier_state *state = hold->self;
    (void)err;
    for (unsigned i = 0; i < state->flying_count; i++)
        if (state->flying[i].seq == hold->value) {
            state->flying[i] = state->flying[--state->flying_count];
            state->broken = true;
            return;
        }
}

static void
state_send(struct tier_link *link, struct tier_state *state, struct bytes body,
           uint64_t seq)
{
    struct tier *tier = link->tier;
    struct wire_frame_message message = {
        .from = tier->own,
        .to = base_bytes(NULL, 0),
        .version = 1,
        .body = body,
    };
    state->flying[state->flying_count].seq = seq;
    state->flying[state->flying_count++].since_ms = tier_inner_now(tier);
    tier_send_later(
        link,
        tier_send_make(state->channel, state->row->kind, 0, seq, &message),
        state_not_sent, state);
}

/* All are answered, one was refused: the engine decides what is still dirty. */
static void
state_mend(struct tier_state *state)
{
    if (!state->broken || state->flying_count > 0)
        return;
    state->broken = false;
    state->more = true;
    state->not_before_ms = tier_inner_now(state->peer->tier) + STATE_PAUSE_MS;
    if (state->row->linked)
        state->row->linked(state->row->engine, tier_inner_to(state->peer),
                           false);
}

void
tier_state_fill(struct tier_link *link, struct tier_state *state)
{
    struct tier *tier = link->tier;
    struct tier_flow *flow = &link->flows[state->channel];
    if (state->asking || !state_sends(state))
        return;
    state->asking = true; /* next() may say dirty */
    state_mend(state);
    while (tier_inner_is_up(link) && state->more && !state->broken &&
           state->flying_count < TIER_STATE_FLYING &&
           base_list_empty(&flow->queue) &&
           tier_inner_now(tier) >= state->not_before_ms) {
        struct bytes body = {0};
        uint64_t seq = 0;
        base_arena_reset(&tier->arena);
        state->more = false;
        enum err err =
            state->row->next(state->row->engine, tier_inner_to(state->peer),
                             &tier->arena, &body, &seq);
        if (err == ERR_ABSENT)
            break;
        state->more = true;
        must(err != ERR_OK || body.size <= state->row->max);
        if (err != ERR_OK) {
            state->not_before_ms = tier_inner_now(tier) + STATE_PAUSE_MS;
            break;
        }
        state_send(link, state, body, seq);
    }
    state->asking = false;
}

void
tier_state_linked(struct tier_peer *peer, bool resync)
{
    for (unsigned i = 0; i < MODEL_CHANNELS; i++) {
        if (tier_channel_get(i)->class != TIER_CLASS_STATE ||
            !tier_channel_live(i))
            continue;
        struct tier_state *state = tier_state_get(peer, i);
        if (!state_sends(state))
            continue;
        state->flying_count = 0;
        state->broken = false;
        state->more = true;
        state->not_before_ms = 0;
        if (state->row->linked)
            state->row->linked(state->row->engine, tier_inner_to(peer), resync);
    }
}

void
tier_state_lost(struct tier_state *state)
{
    state->flying_count = 0;
    state->broken = false;
}

bool
tier_state_stuck(const struct tier_state *state, int64_t now)
{
    for (unsigned i = 0; i < state->flying_count; i++)
        if (now - state->flying[i].since_ms > TIER_STATE_MS)
            return true;
    return false;
}

/* Not waited for: should it be lost, the receiver merely looks newer. */
static void
state_store(struct tier_state *state, enum tier_cursor_what what,
            uint64_t number, struct tier_hold *hold)
{
    struct store_kv *kv = state->row->kv;
    struct store_kv_batch *batch = store_kv_batch_new(kv);
    uint64_t numbers[3] = {number};
    tier_cursor_put(batch, what, state->channel, state->peer->no, numbers,
                    what == TIER_CURSOR_ACK ? 3 : 2);
    enum err err = store_kv_commit(kv, batch, hold ? &hold->wait : NULL, NULL);
    if (err != ERR_OK && hold) {
        hold->fn(hold, err);
        tier_hold_drop(hold);
    }
}

static bool
state_lands(struct tier_state *state, uint64_t seq)
{
    for (unsigned i = 0; i < state->flying_count; i++)
        if (state->flying[i].seq == seq) {
            state->flying[i] = state->flying[--state->flying_count];
            return true;
        }
    return false;
}

void
tier_state_ack(struct tier_link *link, const struct wire_frame *frame)
{
    struct tier_state *state = link->peer->states[frame->channel];
    if (!state || !state->row || !state_lands(state, frame->seq)) {
        tier_inner_count(link->tier, TIER_STAT_IGNORED, 1);
        return; /* repeated, or of what was forgotten */
    }
    if (frame->flags & WIRE_FRAME_ERROR) {
        struct base_cur cur;
        base_cur_init(&cur, frame->body);
        tier_alert_refused(
            link->peer, "channel %s batch %llu: %s",
            tier_channel_get(frame->channel)->name,
            (unsigned long long)frame->seq,
            base_err_text(wire_frame_body_err(base_cur_u16le(&cur))));
        state->broken = true;
    } else {
        if (frame->seq > state->acked) {
            state->acked = frame->seq;
            state_store(state, TIER_CURSOR_ACK, frame->seq, NULL);
        }
        if (state->row->acked)
            state->row->acked(state->row->engine, tier_inner_to(link->peer),
                              frame->seq, frame->body);
    }
    tier_send_wake(link);
}

/* --- in --- */

static void
state_send_ack(struct tier_link *link, uint8_t channel, uint64_t seq,
               enum err err, struct bytes body)
{
    uint8_t room[2];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    base_out_u16le(&out, wire_frame_body_code(err));
    if (tier_inner_is_up(link))
        tier_send_frame(link, WIRE_FRAME_ACK, channel,
                        err == ERR_OK ? 0 : WIRE_FRAME_ERROR, seq,
                        err == ERR_OK ? body : base_out_bytes(&out));
}

void
tier_state_message(struct tier_link *link, struct tier_in *in)
{
    struct tier_state *state = tier_state_get(link->peer, in->channel);
    enum err err = ERR_OK;
    if (!state->row || !state->row->take || state->row->kind != in->kind)
        err = ERR_UNSUPPORTED;
    else if (in->message.body.size > state->row->max)
        err = ERR_BIG;
    else if (wire_frame_message_crc(in->kind, &in->message) != in->message.crc)
        err = ERR_CORRUPT;
    else if (link->answer_count >= TIER_CALLS_MAX)
        err = ERR_LIMIT;
    if (err != ERR_OK) {
        state_send_ack(link, in->channel, in->seq, err, base_bytes(NULL, 0));
        return;
    }
    struct tier_answer *answer = tier_call_answer(link, in, true);
    struct model_message message = tier_take_said(in);
    state->row->take(state->row->engine, &message, &answer->answer);
}

struct state_ack {
    uint8_t channel;
    uint64_t seq;
    size_t size;
    uint8_t body[];
};

static void
state_durable(struct tier_hold *hold, enum err err)
{
    const struct state_ack *ack = hold->arg;
    state_send_ack(hold->link, ack->channel, ack->seq, err,
                   base_bytes(ack->body, ack->size));
}

/* Of an answer whose link is still there. */
void
tier_state_answered(struct tier_answer *answer, enum err err, struct bytes body)
{
    struct tier_link *link = answer->link;
    struct tier_state *state = tier_state_get(link->peer, answer->channel);
    if (err != ERR_OK || !tier_inner_is_up(link)) {
        state_send_ack(link, answer->channel, answer->seq, err, body);
        return;
    }
    must(body.size <= WIRE_FRAME_STATE_ACK_MAX);
    struct state_ack *ack = base_mem_zero(sizeof *ack + body.size);
    ack->channel = answer->channel;
    ack->seq = answer->seq;
    ack->size = body.size;
    if (body.size > 0)
        memcpy(ack->body, body.at, body.size);
    if (answer->seq > state->applied)
        state->applied = answer->seq;
    state_store(state, TIER_CURSOR_IN, state->applied,
                tier_hold_new(link->tier, link, state_durable, NULL, ack));
}
