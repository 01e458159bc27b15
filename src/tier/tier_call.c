/* tier_call.c -- class c: a question with a deadline, exactly one answer.
 *
 * Why: nothing is kept.  Handlers are idempotent, so a question may arrive
 * twice; a second answer to the same id finds nobody and is counted.
 *
 *   ask     to this node: the row beside it, in a task of the loop.  Elsewhere:
 *           a DATA frame with an id, odd from the connecting side.  A prefix
 *           that is hosted here is this node until it has had a link.
 *   take    a question for this node goes to its row; for elsewhere it is asked
 *           again on the way to `to`, never back, with what is left of its
 * time, and the answer is handed on. answer  what was read from a store leaves
 * once that is durable; refusals and handed-on answers at once. end     reply,
 * error, TIMEOUT (CANCEL is sent), LOST with the link, UNSUPPORTED, NOROUTE,
 * LIMIT at TIER_CALLS_MAX a link and way.
 */
#include "tier/tier_inner.h"

enum {
    CALL_DEADLINE_MS = 5000,
    CALL_DEADLINE_MAX_MS = 60000,
    CALL_CHANNEL_BIT = 56 /* of model_ask.id: the channel stands above */
};

static uint64_t
call_id(const struct model_ask *ask)
{
    return ask->id & ((UINT64_C(1) << CALL_CHANNEL_BIT) - 1);
}

static void
call_cancel(struct tier_link *link, const struct model_ask *ask)
{
    tier_send_frame(link, WIRE_FRAME_CANCEL,
                    (uint8_t)(ask->id >> CALL_CHANNEL_BIT), 0, call_id(ask),
                    base_bytes(NULL, 0));
}

static unsigned
call_deadline(unsigned asked_ms)
{
    if (asked_ms == 0)
        return CALL_DEADLINE_MS;
    return asked_ms < CALL_DEADLINE_MAX_MS ? asked_ms : CALL_DEADLINE_MAX_MS;
}

/* --- answers --- */

static void
call_answer_free(struct tier_answer *answer)
{
    base_list_remove(&answer->all);
    if (answer->link)
        answer->link->answer_count--;
    base_mem_free(answer->in);
    base_mem_free(answer);
}

static void
call_reply(struct tier_answer *answer, enum err err, struct bytes body)
{
    struct tier_link *link = answer->link;
    struct base_out out;
    const struct tier_channel *row = tier_channel_get(answer->channel);
    base_out_grow(&out, row->max + 2);
    if (err != ERR_OK)
        base_out_u16le(&out, wire_frame_body_code(err));
    base_out_bytes_add(&out, body);
    if (!base_out_ok(&out) || out.size > row->max) {
        err = ERR_BIG;
        base_out_reset(&out);
        out.failed = ERR_OK;
        base_out_u16le(&out, wire_frame_body_code(err));
    }
    struct wire_frame_message message = {
        .from = link->tier->own,
        .to = base_bytes_text(answer->from),
        .version = 1,
        .body = base_out_bytes(&out),
    };
    unsigned flags =
        WIRE_FRAME_REPLY | (err == ERR_OK ? 0u : (unsigned)WIRE_FRAME_ERROR);
    struct tier_out *reply = tier_send_make(
        answer->channel, answer->kind, (uint8_t)flags, answer->seq, &message);
    base_out_done(&out);
    if (err == ERR_OK && !answer->relayed)
        tier_send_later(link, reply, NULL, NULL);
    else
        tier_send_queue(link, reply);
}

static void
call_answered(struct model_answer *self, enum err err, struct bytes body)
{
    struct tier_answer *answer = BASE_OUTER(self, struct tier_answer, answer);
    struct model_ask *ask = answer->ask;
    if (answer->link && answer->state)
        tier_state_answered(answer, err, body);
    else if (tier_inner_is_up(answer->link))
        call_reply(answer, err, body);
    if (ask) {
        answer->ask = NULL;
        ask->owner = NULL;
        ask->done(ask, err, body);
    }
    call_answer_free(answer);
}

static struct tier_answer *
call_answer_new(struct tier *tier, unsigned channel, unsigned kind)
{
    struct tier_answer *answer = base_mem_zero(sizeof *answer);
    answer->answer.answer = call_answered;
    answer->tier = tier;
    answer->channel = (uint8_t)channel;
    answer->kind = (uint8_t)kind;
    return answer;
}

struct tier_answer *
tier_call_answer(struct tier_link *link, const struct tier_in *in, bool state)
{
    struct tier_answer *answer =
        call_answer_new(link->tier, in->channel, in->kind);
    answer->link = link;
    answer->state = state;
    answer->seq = in->seq;
    base_bytes_string(in->message.from, answer->from, sizeof answer->from);
    base_list_add(&link->answers, &answer->all);
    link->answer_count++;
    return answer;
}

/* --- asking --- */

static void
call_give(struct tier *tier, const struct tier_in *in,
          struct tier_answer *answer)
{
    const struct model_call_row *row =
        tier_port_call(tier, in->channel, in->kind);
    struct model_message message = tier_take_said(in);
    if (!row)
        answer->answer.answer(&answer->answer, ERR_UNSUPPORTED,
                              base_bytes(NULL, 0));
    else if (in->message.body.size > row->max)
        answer->answer.answer(&answer->answer, ERR_BIG, base_bytes(NULL, 0));
    else
        row->take(row->engine, &message, &answer->answer);
}

static void
call_local(struct base_task *task)
{
    struct tier_answer *answer = BASE_OUTER(task, struct tier_answer, task);
    struct tier_in *in = answer->in;
    answer->in = NULL;
    if (answer->err != ERR_OK)
        answer->answer.answer(&answer->answer, answer->err,
                              base_bytes(NULL, 0));
    else
        call_give(answer->tier, in, answer);
    base_mem_free(in);
}

/* Answered in a task: done() never runs inside ask(). */
static struct tier_answer *
call_soon(struct tier *tier, unsigned channel, unsigned kind,
          struct model_ask *ask, enum err err)
{
    struct tier_answer *answer = call_answer_new(tier, channel, kind);
    answer->ask = ask;
    answer->err = err;
    answer->task.fn = call_local;
    ask->owner = answer;
    ask->id = 0;
    base_list_add(&tier->locals, &answer->all);
    base_loop_post(tier->config.loop, &answer->task);
    return answer;
}

static void
call_self(struct tier *tier, unsigned channel, unsigned kind, struct bytes to,
          struct bytes body, unsigned deadline_ms, struct model_ask *ask)
{
    struct tier_answer *answer = call_soon(tier, channel, kind, ask, ERR_OK);
    struct wire_frame_message message = {
        .from = tier->own,
        .to = to,
        .version = 1,
        .left_ms = deadline_ms,
        .body = body,
    };
    struct tier_out *out =
        tier_send_make((uint8_t)channel, (uint8_t)kind, 0, 0, &message);
    struct tier_in *in = base_mem_zero(sizeof *in + out->size);
    in->channel = (uint8_t)channel;
    in->kind = (uint8_t)kind;
    memcpy(in->data, out->data, out->size);
    must(wire_frame_message_read(base_bytes(in->data, out->size),
                                 &in->message) == ERR_OK);
    base_mem_free(out);
    answer->in = in;
}

static void
call_timed_out(struct base_timer *timer)
{
    struct model_ask *ask = BASE_OUTER(timer, struct model_ask, timer);
    struct tier_link *link = ask->owner;
    base_list_remove(&ask->link);
    link->ask_count--;
    call_cancel(link, ask);
    ask->done(ask, ERR_TIMEOUT, base_bytes(NULL, 0));
}

/* ERR_OK: under way, done() will be told. */
static enum err
call_send(struct tier_link *link, const struct wire_frame_message *question,
          unsigned channel, unsigned kind, struct model_ask *ask)
{
    struct wire_frame_message message = *question;
    if (!tier_inner_is_up(link))
        return ERR_LOST;
    if (!(link->peer->kinds[channel] >> kind & 1))
        return ERR_UNSUPPORTED;
    if (link->ask_count >= TIER_CALLS_MAX)
        return ERR_LIMIT;
    ask->owner = link;
    ask->id = link->next_id | (uint64_t)channel << CALL_CHANNEL_BIT;
    link->next_id += 2;
    link->ask_count++;
    base_list_add(&link->asks, &ask->link);
    ask->timer = (struct base_timer){.fn = call_timed_out};
    base_loop_timer(link->tier->config.loop, &ask->timer, message.left_ms);
    tier_send_queue(link, tier_send_make((uint8_t)channel, (uint8_t)kind, 0,
                                         call_id(ask), &message));
    return ERR_OK;
}

/* Is the one who answers to `to` this node? */
static bool
call_is_here(struct tier *tier, struct bytes to)
{
    const struct tier_config *config = &tier->config;
    if (to.size == 0 || to.size > MODEL_PREFIX_MAX)
        return false;
    if (base_bytes_equal_folded(to, tier->own))
        return true;
    if (!config->hosts || !model_id_covers(tier->own, to) ||
        !config->hosts(config->hosts_self, to))
        return false;
    const struct tier_peer *peer = tier_peer_route(tier, to, NULL);
    return !peer || peer->confirmed == 0;
}

void
tier_call_ask(struct tier *tier, unsigned channel, unsigned kind,
              struct bytes to, struct bytes body, unsigned deadline_ms,
              struct model_ask *ask)
{
    const struct tier_channel *row = tier_channel_get(channel);
    const struct tier_kind *its = tier_channel_kind(channel, kind);
    must(row && row->class == TIER_CLASS_CALL);
    enum err err = ERR_OK;
    struct tier_peer *peer = tier_peer_route(tier, to, NULL);
    struct wire_frame_message message = {
        .from = tier->own,
        .to = to,
        .version = 1,
        .left_ms = call_deadline(deadline_ms),
        .body = body,
    };
    if (!its || !its->live)
        err = ERR_UNSUPPORTED;
    else if (body.size > row->max)
        err = ERR_BIG;
    else if (call_is_here(tier, to))
        call_self(tier, channel, kind, to, body, message.left_ms, ask);
    else if (to.size > MODEL_PREFIX_MAX || !peer)
        err = ERR_NOROUTE;
    else
        err = call_send(peer->link, &message, channel, kind, ask);
    if (err != ERR_OK)
        call_soon(tier, channel, kind, ask, err);
}

void
tier_call_forget(struct tier *tier, struct model_ask *ask)
{
    (void)tier;
    if (ask->id == 0) {
        struct tier_answer *answer = ask->owner;
        if (answer)
            answer->ask = NULL;
        ask->owner = NULL;
        return;
    }
    struct tier_link *link = ask->owner;
    if (!link || !base_list_in(&ask->link))
        return;
    base_loop_timer_clear(link->tier->config.loop, &ask->timer);
    base_list_remove(&ask->link);
    link->ask_count--;
    ask->owner = NULL;
    call_cancel(link, ask);
}

/* --- taking --- */

struct call_relay {
    struct model_ask ask;
    struct base_link all; /* of the tier */
    struct tier_answer *answer;
};

static void
call_relayed(struct model_ask *ask, enum err err, struct bytes body)
{
    struct call_relay *relay = BASE_OUTER(ask, struct call_relay, ask);
    struct tier_answer *answer = relay->answer;
    base_list_remove(&relay->all);
    base_mem_free(relay);
    answer->answer.answer(&answer->answer, err, body);
}

static void
call_onward(struct tier_link *link, const struct tier_in *in,
            struct tier_answer *answer)
{
    struct tier_peer *next =
        tier_peer_route(link->tier, in->message.to, link->peer);
    enum err err = ERR_NOROUTE;
    /* From above, what is not below us is no business of ours. */
    if (next && !(link->dialed && next->no == TIER_PEER_PARENT)) {
        struct call_relay *relay = base_mem_zero(sizeof *relay);
        relay->ask.done = call_relayed;
        relay->answer = answer;
        answer->relayed = true;
        struct wire_frame_message message = in->message;
        message.left_ms = call_deadline(message.left_ms);
        err =
            call_send(next->link, &message, in->channel, in->kind, &relay->ask);
        if (err == ERR_OK) {
            base_list_add(&link->tier->relays, &relay->all);
            return;
        }
        base_mem_free(relay);
    }
    answer->answer.answer(&answer->answer, err, base_bytes(NULL, 0));
}

static void
call_question(struct tier_link *link, struct tier_in *in)
{
    const struct tier_kind *kind = tier_channel_kind(in->channel, in->kind);
    bool full = link->answer_count >= TIER_CALLS_MAX;
    struct tier_answer *answer = tier_call_answer(link, in, false);
    struct bytes to = in->message.to;
    enum err err = ERR_OK;
    if (full)
        err = ERR_LIMIT;
    else if (!kind || !kind->live)
        err = ERR_UNSUPPORTED;
    else if (wire_frame_message_crc(in->kind, &in->message) != in->message.crc)
        err = ERR_CORRUPT;
    if (err != ERR_OK)
        answer->answer.answer(&answer->answer, err, base_bytes(NULL, 0));
    else if (to.size == 0 || call_is_here(link->tier, to))
        call_give(link->tier, in, answer);
    else
        call_onward(link, in, answer);
}

static void
call_answer_came(struct tier_link *link, struct tier_in *in)
{
    struct base_link *at = link->asks.next;
    while (at != &link->asks &&
           call_id(BASE_OUTER(at, struct model_ask, link)) != in->seq)
        at = at->next;
    if (at == &link->asks) {
        tier_inner_count(link->tier, TIER_STAT_IGNORED, 1);
        return;
    }
    struct model_ask *ask = BASE_OUTER(at, struct model_ask, link);
    struct bytes body = in->message.body;
    enum err err = ERR_OK;
    base_loop_timer_clear(link->tier->config.loop, &ask->timer);
    base_list_remove(&ask->link);
    link->ask_count--;
    ask->owner = NULL;
    if (wire_frame_message_crc(in->kind, &in->message) != in->message.crc) {
        err = ERR_CORRUPT;
        body = base_bytes(NULL, 0);
    } else if (in->flags & WIRE_FRAME_ERROR) {
        struct base_cur cur;
        base_cur_init(&cur, body);
        err = wire_frame_body_err(base_cur_u16le(&cur));
        if (err == ERR_OK || !base_cur_ok(&cur))
            err = ERR_SYNTAX;
        body = base_cur_rest(&cur);
    }
    ask->done(ask, err, body);
}

void
tier_call_message(struct tier_link *link, struct tier_in *in)
{
    if (in->flags & WIRE_FRAME_REPLY)
        call_answer_came(link, in);
    else
        call_question(link, in);
}

/* The engine still answers; nobody hears it. */
void
tier_call_cancel(struct tier_link *link, unsigned channel, uint64_t id)
{
    for (struct base_link *at = link->answers.next; at != &link->answers;
         at = at->next) {
        struct tier_answer *answer = BASE_OUTER(at, struct tier_answer, all);
        if (answer->state || answer->seq != id || answer->channel != channel)
            continue;
        base_list_remove(&answer->all);
        base_list_add(&link->tier->locals, &answer->all);
        link->answer_count--;
        answer->link = NULL;
        return;
    }
}

void
tier_call_lost(struct tier_link *link)
{
    struct base_link *at;
    while ((at = base_list_take(&link->answers)) != NULL) {
        struct tier_answer *answer = BASE_OUTER(at, struct tier_answer, all);
        answer->link = NULL;
        base_list_add(&link->tier->locals, &answer->all);
    }
    link->answer_count = 0;
    while ((at = base_list_take(&link->asks)) != NULL) {
        struct model_ask *ask = BASE_OUTER(at, struct model_ask, link);
        base_loop_timer_clear(link->tier->config.loop, &ask->timer);
        link->ask_count--;
        ask->owner = NULL;
        ask->done(ask, ERR_LOST, base_bytes(NULL, 0));
    }
}

/* At the end of the process: nobody is told any more.  The engines' asks may be
 * gone already. */
void
tier_call_done(struct tier *tier)
{
    struct base_link *at, *of;
    while ((at = base_list_take(&tier->locals)) != NULL) {
        struct tier_answer *answer = BASE_OUTER(at, struct tier_answer, all);
        base_mem_free(answer->in);
        base_mem_free(answer);
    }
    while ((at = base_list_take(&tier->relays)) != NULL)
        base_mem_free(BASE_OUTER(at, struct call_relay, all));
    for (of = tier->links.next; of != &tier->links; of = of->next) {
        struct tier_link *link = BASE_OUTER(of, struct tier_link, all);
        while ((at = base_list_take(&link->answers)) != NULL)
            base_mem_free(BASE_OUTER(at, struct tier_answer, all));
    }
}
