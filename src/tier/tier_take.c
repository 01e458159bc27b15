/* tier_take.c -- class b, the receiver's side.
 *
 * Why: the cursor goes into the same batch as the effect, so that a message
 * repeated after any crash is seen to have been applied.
 *
 *   seq <= applied        acknowledged again, once what is applied is durable
 *   seq  = applied + 1    taken: cursor and effect in one batch
 *   seq  > applied + 1    the last ACK once more, with "go back"; at most once
 *                         a second as long as nothing moves
 *   GAP                   the cursor moves over the hole, an alert names it
 *   REFUSED, no such row, wrong checksum, no way on
 *                         the cursor moves alone; the ACK names seq and code
 *   AGAIN                 held, tried every TIER_AGAIN_MS for TIER_HELD_MS,
 * then refused; FULL, BUSY and IO are tried for ever `to` is elsewhere     into
 * the next spool in the batch that moves the cursor
 *
 * One message per batch: take() reads what the message before it has put.  One
 * ACK per sync of the journal. */
#include "tier/tier_inner.h"

enum take_end { TAKE_DONE, TAKE_HOLD };

enum { TAKE_LOCAL_TURN = 256, TAKE_NAK_MS = 1000 };

struct model_message
tier_take_said(const struct tier_in *in)
{
    return (struct model_message){
        .channel = in->channel,
        .kind = in->kind,
        .version = in->message.version,
        .from = in->message.from,
        .to = in->message.to,
        .left_ms = in->message.left_ms,
        .body = in->message.body,
        .seq = in->seq,
    };
}

/* The highest of the channel's environments. */
void
tier_take_load(struct tier_log *log)
{
    struct tier *tier = log->peer->tier;
    uint64_t in[2];
    log->applied = log->applied_h = 0;
    for (unsigned i = 0; i < TIER_OWNERS; i++) {
        struct store_kv *kv = tier->config.kvs[i];
        if (kv &&
            tier_cursor_read(kv, TIER_CURSOR_IN, log->channel, log->peer->no,
                             in, 2) == ERR_OK &&
            in[0] >= log->applied && in[0] > 0) {
            log->applied = in[0];
            log->applied_h = in[1];
        }
    }
    log->durable = log->applied; /* HELLO waits for the journal itself */
}

void
tier_take_purge(struct tier_log *log)
{
    struct base_link *at;
    while ((at = base_list_take(&log->inbox)) != NULL)
        base_mem_free(BASE_OUTER(at, struct tier_in, all));
    base_loop_timer_clear(log->peer->tier->config.loop, &log->again);
    log->held_ms = 0;
    log->refused_count = 0;
    log->ack_due = false;
    log->nak_ms = 0;
}

/* --- acknowledging --- */

static void
take_send_ack(struct tier_log *log, bool go_back)
{
    struct tier_link *link = log->peer->link;
    uint8_t room[2 + WIRE_FRAME_REFUSED_MAX * 10];
    struct base_out out;
    unsigned count = 0;
    log->ack_due = false;
    while (count < log->refused_count &&
           log->refused[count].seq <= log->durable)
        count++;
    if (log->peer->no == TIER_PEER_SELF) {
        tier_log_ack(log, log->durable, go_back, log->refused, count);
    } else if (tier_inner_is_up(link)) {
        base_out_fixed(&out, room, sizeof room);
        wire_frame_body_ack_write(&out, log->refused, count);
        tier_send_frame(link, WIRE_FRAME_ACK, log->channel,
                        go_back ? WIRE_FRAME_RESEND : 0, log->durable,
                        base_out_bytes(&out));
    }
    log->refused_count -= count;
    if (log->refused_count > 0)
        memmove(log->refused, log->refused + count,
                log->refused_count * sizeof *log->refused);
}

static void take_acknowledge(struct tier_log *log);

static void
take_durable(struct tier_hold *hold, enum err err)
{
    struct tier_log *log = hold->self;
    log->waiting = false;
    if (err != ERR_OK)
        return; /* the environment is rewound */
    if (hold->value > log->durable && hold->value <= log->applied)
        log->durable = hold->value;
    take_send_ack(log, false);
    take_acknowledge(log);
    if (log->peer->no == TIER_PEER_SELF)
        tier_take_local(log);
}

static void
take_acknowledge(struct tier_log *log)
{
    struct tier *tier = log->peer->tier;
    if (log->waiting)
        return;
    if (log->applied == log->durable) {
        if (log->ack_due)
            take_send_ack(log, false);
        return;
    }
    log->waiting = true;
    struct tier_hold *hold = tier_hold_new(tier, NULL, take_durable, log, NULL);
    hold->value = log->applied;
    store_journal_wait(tier->config.journal, STORE_JOURNAL_RECORDS,
                       log->sequence, &hold->wait);
}

static void
take_go_back(struct tier_log *log)
{
    int64_t now = tier_inner_now(log->peer->tier);
    if (log->nak_ms && log->nak_at == log->applied &&
        now - log->nak_ms < TAKE_NAK_MS)
        return;
    log->nak_at = log->applied;
    log->nak_ms = now ? now : 1;
    take_send_ack(log, true);
}

/* --- applying --- */

static enum err
take_commit(struct tier_log *log, struct store_kv *kv,
            struct store_kv_batch *batch, uint64_t seq, uint64_t h)
{
    uint64_t in[2] = {seq, h};
    tier_cursor_expect(kv, batch, TIER_CURSOR_IN, log->channel, log->peer->no);
    tier_cursor_put(batch, TIER_CURSOR_IN, log->channel, log->peer->no, in, 2);
    enum err err = store_kv_commit(kv, batch, NULL, &log->sequence);
    if (err != ERR_OK)
        return err;
    log->applied = seq;
    log->applied_h = h;
    return ERR_OK;
}

static enum take_end
take_refuse(struct tier_log *log, const struct tier_in *in, uint64_t h,
            enum err code)
{
    struct store_kv *kv = log->kv;
    if (log->refused_count == WIRE_FRAME_REFUSED_MAX)
        return TAKE_HOLD; /* until an ACK has carried them */
    if (take_commit(log, kv, store_kv_batch_new(kv), in->seq, h) != ERR_OK)
        return TAKE_HOLD;
    if (!log->refused)
        log->refused =
            base_mem_new(WIRE_FRAME_REFUSED_MAX * sizeof *log->refused);
    log->refused[log->refused_count++] =
        (struct wire_frame_refused){in->seq, wire_frame_body_code(code)};
    tier_inner_count(log->peer->tier, TIER_STAT_REFUSED, 1);
    if (log->peer->no != TIER_PEER_SELF)
        tier_alert_refused(log->peer, "channel %s seq %llu, taken from it: %s",
                           tier_channel_get(log->channel)->name,
                           (unsigned long long)in->seq, base_err_text(code));
    return TAKE_DONE;
}

static enum take_end
take_gap(struct tier_log *log, const struct tier_in *in)
{
    struct base_cur cur;
    base_cur_init(&cur, in->message.body);
    uint64_t first = base_cur_u64le(&cur), last = base_cur_u64le(&cur);
    uint64_t h = base_cur_u64le(&cur);
    if (!base_cur_ok(&cur) || last != in->seq || first > last ||
        first > log->applied + 1) {
        take_go_back(log);
        return TAKE_DONE;
    }
    uint64_t lost = last - log->applied;
    if (take_commit(log, log->kv, store_kv_batch_new(log->kv), last, h) !=
        ERR_OK)
        return TAKE_HOLD;
    tier_inner_count(log->peer->tier, TIER_STAT_GAPS, (int64_t)lost);
    tier_alert_raise(log->peer->tier, "gap",
                     "from=%s channel=%u last=%llu "
                     "lost=%llu",
                     log->peer->prefix, log->channel, (unsigned long long)last,
                     (unsigned long long)lost);
    return TAKE_DONE;
}

static enum take_end
take_onward(struct tier_log *log, const struct tier_in *in, uint64_t h)
{
    struct tier *tier = log->peer->tier;
    struct tier_peer *next = tier_peer_route(tier, in->message.to, log->peer);
    if (!next)
        return take_refuse(log, in, h, ERR_NOROUTE);
    struct store_kv_batch *batch = store_kv_batch_new(log->kv);
    enum err err =
        tier_log_post(next, log->channel, in->kind, &in->message, batch);
    if (err == ERR_OK)
        return take_commit(log, log->kv, batch, in->seq, h) == ERR_OK
                   ? TAKE_DONE
                   : TAKE_HOLD;
    store_kv_batch_free(batch);
    return TAKE_HOLD;
}

static enum take_end
take_row(struct tier_log *log, const struct tier_in *in, uint64_t h)
{
    struct tier *tier = log->peer->tier;
    const struct model_log_row *row =
        tier_port_log(tier, log->channel, in->kind);
    if (!row)
        return take_refuse(log, in, h, ERR_UNSUPPORTED);
    if (in->message.body.size > row->max)
        return take_refuse(log, in, h, ERR_BIG);
    struct model_message message = tier_take_said(in);
    enum err code = ERR_BUSY;
    struct store_kv_batch *batch = store_kv_batch_new(row->kv);
    enum model_took took = row->take(row->engine, &message, batch, &code);
    if (took == MODEL_TOOK_OK) {
        enum err err = take_commit(log, row->kv, batch, in->seq, h);
        if (err == ERR_BIG) /* it would be so for ever */
            return take_refuse(log, in, h, ERR_BIG);
        return err == ERR_OK ? TAKE_DONE : TAKE_HOLD;
    }
    store_kv_batch_free(batch);
    if (took == MODEL_TOOK_REFUSED)
        return take_refuse(log, in, h, code);
    int64_t now = tier_inner_now(tier);
    if (log->held_ms == 0)
        log->held_ms = now ? now : 1;
    return now - log->held_ms < TIER_HELD_MS ? TAKE_HOLD
                                             : take_refuse(log, in, h, code);
}

static enum take_end
take_one(struct tier_log *log, const struct tier_in *in)
{
    struct tier *tier = log->peer->tier;
    const struct wire_frame_message *message = &in->message;
    if (in->seq <= log->applied) {
        tier_inner_count(tier, TIER_STAT_DUPLICATES, 1);
        log->ack_due = true;
        return TAKE_DONE;
    }
    if (in->kind == TIER_CHANNEL_GAP)
        return take_gap(log, in);
    if (in->seq > log->applied + 1) {
        take_go_back(log);
        return TAKE_DONE;
    }
    uint64_t h = tier_cursor_chain(log->applied_h, in->seq, message->crc);
    enum take_end end;
    if (wire_frame_message_crc(in->kind, message) != message->crc)
        end = take_refuse(log, in, h, ERR_CORRUPT);
    else if (message->to.size > 0 &&
             !base_bytes_equal_folded(message->to, tier->own))
        end = take_onward(log, in, h);
    else
        end = take_row(log, in, h);
    if (end == TAKE_DONE)
        tier_inner_count(tier, TIER_STAT_APPLIED, 1);
    return end;
}

static void
take_run(struct tier_log *log)
{
    struct tier *tier = log->peer->tier;
    struct base_link *at;
    if (log->running)
        return;
    log->running = true;
    /* What we remember may be of what was cut: look before anything is taken.
     */
    if (tier->cuts != store_journal_cuts(tier->config.journal))
        tier_rewound(tier);
    while ((at = base_list_take(&log->inbox)) != NULL) {
        struct tier_in *in = BASE_OUTER(at, struct tier_in, all);
        struct tier_link *link = in->link;
        if (link)
            tier_link_ref(link);
        enum take_end end = take_one(log, in);
        bool gone = link && link->state == TIER_LINK_CLOSED;
        bool hold = end == TAKE_HOLD && !gone;
        if (hold) { /* back to the front */
            in->all.next = log->inbox.next;
            in->all.prev = &log->inbox;
            log->inbox.next->prev = &in->all;
            log->inbox.next = &in->all;
            base_loop_timer(tier->config.loop, &log->again, TIER_AGAIN_MS);
        } else {
            log->held_ms = 0;
            if (link)
                tier_send_free(link, log->channel, in->size);
            base_mem_free(in);
        }
        if (link)
            tier_link_unref(link);
        if (hold)
            break;
    }
    log->running = false;
    take_acknowledge(log);
}

void
tier_take_message(struct tier_log *log, struct tier_in *in)
{
    if (in) {
        bool held = !base_list_empty(&log->inbox);
        base_list_add(&log->inbox, &in->all);
        if (held)
            return;
    }
    take_run(log);
    if (log->peer->no == TIER_PEER_SELF && !in)
        tier_take_local(log);
}

/* The local road: from our spool to the row beside it, in the same steps. */
void
tier_take_local(struct tier_log *log)
{
    struct tier_out *out;
    for (unsigned i = 0; i < TAKE_LOCAL_TURN; i++) {
        if (!base_list_empty(&log->inbox) || log->running ||
            (out = tier_log_next(log)) == NULL)
            return;
        struct tier_in *in = base_mem_zero(sizeof *in + out->size);
        in->channel = log->channel;
        in->kind = out->kind;
        in->seq = out->seq;
        in->size = in->have = out->size;
        memcpy(in->data, out->data, out->size);
        base_mem_free(out);
        if (wire_frame_message_read(base_bytes(in->data, in->size),
                                    &in->message) != ERR_OK)
            in->message.crc ^= 1; /* damaged on disk: refused as CORRUPT */
        tier_take_message(log, in);
    }
    if (log->next <= log->ready) /* others have their turn first */
        base_loop_timer(log->peer->tier->config.loop, &log->again, 0);
}

enum err
tier_take_base(struct tier_log *log, uint64_t seq, uint64_t h)
{
    uint64_t in[2] = {seq, h}, zeros[2] = {0};
    struct tier *tier = log->peer->tier;
    if (log->applied == seq && log->applied_h == h)
        return ERR_OK;
    for (unsigned i = 0; i < TIER_OWNERS; i++) {
        struct store_kv *kv = tier->config.kvs[i];
        uint64_t old[2];
        if (!kv || (kv != log->kv &&
                    (tier_cursor_read(kv, TIER_CURSOR_IN, log->channel,
                                      log->peer->no, old, 2) != ERR_OK ||
                     old[0] == 0)))
            continue;
        struct store_kv_batch *batch = store_kv_batch_new(kv);
        tier_cursor_put(batch, TIER_CURSOR_IN, log->channel, log->peer->no,
                        kv == log->kv ? in : zeros, 2);
        enum err err = store_kv_commit(kv, batch, NULL, &log->sequence);
        if (err != ERR_OK)
            return err;
    }
    tier_take_load(log);
    return ERR_OK;
}

/* The environment fell back: what was applied and not durable comes again. */
void
tier_take_rewound(struct tier_log *log)
{
    uint64_t before = log->applied, durable = log->durable;
    tier_take_load(log);
    if (durable < log->durable)
        log->durable = durable;
    log->waiting = false;
    log->nak_ms = 0;
    if (log->peer->no == TIER_PEER_SELF) {
        tier_take_purge(log); /* read from rows that may be gone */
        log->next = log->applied + 1;
        base_loop_timer(log->peer->tier->config.loop, &log->again,
                        TIER_AGAIN_MS);
    } else if (log->applied < before) {
        take_go_back(log);
    }
}
