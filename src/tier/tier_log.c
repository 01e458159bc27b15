/* tier_log.c -- class b, the sender's side: the spool.
 *
 * Why: a message is put in the same batch as the state it reports, so no crash
 * parts them; it is sent when that batch is durable, and forgotten when the
 * receiver's is.
 *
 *   post    row and `out` cursor into the engine's batch.  Tier does not see
 *           the commit: the log is poked, and looks until the row stands.
 *   refresh reads `out`; waits for the journal; then rows up to there are ready
 *   fill    ready rows into the channel's queue, a few at a time
 *   ack     `ack` cursor moves, rows older than TIER_KEEP_ROWS acknowledged
 * ones go; the kept ones are for a receiver that was restored
 *
 * A batch that is dropped after a post takes its rows with it.  Should a later
 * post then have counted on (two batches at one address in one turn), the
 * missing row is named by a GAP like one that is no longer kept.
 *
 * GAP      {first u64, last u64, h of last u64}, seq = last.
 * Limits   TIER_SPOOL_ROWS, TIER_SPOOL_BYTES unacknowledged: LIMIT, one alert
 *          until half is gone. */
#include "tier/tier_inner.h"

enum {
    LOG_QUEUE_BYTES = 64 * 1024, /* read ahead of the wire */
    LOG_TRIM_MAX = 256,          /* rows per ack */
    LOG_POKE_MS = 5,
    LOG_POKES = 200,
};

/* Our part of the gauges of what waits. */
static void
log_gauge(struct tier_log *log)
{
    struct tier *tier = log->peer->tier;
    uint64_t rows = log->issued - log->acked;
    uint64_t bytes = log->issued_bytes - log->acked_bytes;
    tier_inner_count(tier, TIER_STAT_SPOOL_ROWS,
                     (int64_t)(rows - log->gauge_rows));
    tier_inner_count(tier, TIER_STAT_SPOOL_BYTES,
                     (int64_t)(bytes - log->gauge_bytes));
    log->gauge_rows = rows;
    log->gauge_bytes = bytes;
}

static void
log_load(struct tier_log *log)
{
    uint64_t out[3], ack[3];
    uint32_t no = log->peer->no;
    if (tier_cursor_read(log->kv, TIER_CURSOR_OUT, log->channel, no, out, 3) !=
            ERR_OK ||
        tier_cursor_read(log->kv, TIER_CURSOR_ACK, log->channel, no, ack, 3) !=
            ERR_OK)
        return; /* told by the environment's owner: it is broken */
    log->issued = out[0];
    log->issued_bytes = out[1];
    log->issued_h = out[2];
    log->acked = ack[0];
    log->acked_bytes = ack[1];
    log->first = ack[2] ? ack[2] : 1;
    log_gauge(log);
}

static void
log_again(struct base_timer *timer)
{
    struct tier_log *log = BASE_OUTER(timer, struct tier_log, again);
    tier_take_message(log, NULL);
}

struct tier_log *
tier_log_get(struct tier_peer *peer, unsigned channel)
{
    struct tier_log *log = peer->logs[channel];
    if (log)
        return log;
    log = base_mem_zero(sizeof *log);
    log->peer = peer;
    log->channel = (uint8_t)channel;
    log->kv = peer->tier->config.kvs[tier_channel_get(channel)->owner];
    if (!log->kv)
        log->kv = peer->tier->config.kvs[0];
    log->again.fn = log_again;
    base_list_init(&log->inbox);
    log_load(log);
    log->next = log->acked + 1;
    log->sent = log->acked;
    tier_take_load(log);
    peer->logs[channel] = log;
    return log;
}

void
tier_log_free(struct tier_log *log)
{
    struct base_link *at;
    while ((at = base_list_take(&log->inbox)) != NULL)
        base_mem_free(BASE_OUTER(at, struct tier_in, all));
    base_mem_free(log->refused);
    base_mem_free(log);
}

void
tier_log_reload(struct tier_log *log)
{
    log_load(log);
    log->pending.batch = 0;
    if (log->ready > log->issued)
        log->ready = log->issued;
    if (log->next > log->ready + 1)
        log->next = log->ready + 1;
    tier_take_rewound(log);
    tier_log_refresh(log);
}

/* --- post --- */

static bool
log_full(struct tier_log *log, size_t size)
{
    uint64_t rows = log->pending.seq - log->acked;
    uint64_t bytes = log->pending.bytes + size - log->acked_bytes;
    bool full = rows >= TIER_SPOOL_ROWS || bytes > TIER_SPOOL_BYTES;
    if (full)
        tier_inner_count(log->peer->tier, TIER_STAT_LIMIT, 1);
    if (full && !log->limited)
        tier_alert_raise(log->peer->tier, "spool_full",
                         "to=%s channel=%u rows=%llu bytes=%llu",
                         log->peer->prefix, log->channel,
                         (unsigned long long)rows, (unsigned long long)bytes);
    log->limited |= full;
    return full;
}

/* Where the batch's next post stands. */
static enum err
log_pend(struct tier_log *log, struct store_kv_batch *batch)
{
    uint64_t out[3], id = store_kv_batch_id(batch);
    if (log->pending.batch == id)
        return ERR_OK;
    enum err err = tier_cursor_read(log->kv, TIER_CURSOR_OUT, log->channel,
                                    log->peer->no, out, 3);
    if (err != ERR_OK)
        return err;
    log->pending.batch = id;
    log->pending.seq = out[0];
    log->pending.bytes = out[1];
    log->pending.h = out[2];
    return ERR_OK;
}

static void
log_put(struct tier_log *log, uint8_t kind,
        const struct wire_frame_message *message, struct store_kv_batch *batch)
{
    uint8_t key[TIER_CURSOR_ROW_KEY];
    struct base_out row;
    base_out_grow(&row, STORE_JOURNAL_RECORD_MAX);
    base_out_u64le(&row, log->pending.bytes);
    base_out_u64le(&row, log->pending.h);
    base_out_u8(&row, kind);
    wire_frame_message_write(&row, message);
    log->pending.seq++;
    log->pending.h =
        tier_cursor_chain(log->pending.h, log->pending.seq, message->crc);
    uint64_t out[3] = {log->pending.seq, log->pending.bytes, log->pending.h};
    tier_cursor_expect(log->kv, batch, TIER_CURSOR_OUT, log->channel,
                       log->peer->no);
    store_kv_put(batch, STORE_TABLE_TIER_OUT,
                 tier_cursor_row_key(log, log->pending.seq, key),
                 base_out_bytes(&row));
    tier_cursor_put(batch, TIER_CURSOR_OUT, log->channel, log->peer->no, out,
                    3);
    base_out_done(&row);
}

static void
log_poke(struct tier_log *log)
{
    struct tier *tier = log->peer->tier;
    log->pokes = 0;
    if (!base_list_in(&log->poke))
        base_list_add(&tier->pokes, &log->poke);
    if (!tier->poke_posted)
        base_loop_post(tier->config.loop, &tier->poke_task);
    tier->poke_posted = true;
}

enum err
tier_log_post(struct tier_peer *peer, unsigned channel, unsigned kind,
              const struct wire_frame_message *message,
              struct store_kv_batch *batch)
{
    struct tier_log *log = tier_log_get(peer, channel);
    struct wire_frame_message whole = *message;
    size_t size = WIRE_FRAME_MESSAGE_HEAD + message->from.size +
                  message->to.size + message->body.size;
    enum err err = log_pend(log, batch);
    if (err != ERR_OK)
        return err;
    if (log_full(log, size))
        return ERR_LIMIT;
    if (whole.crc == 0)
        whole.crc = wire_frame_message_crc((uint8_t)kind, message);
    log->pending.bytes += size;
    log_put(log, (uint8_t)kind, &whole, batch);
    log_poke(log);
    return ERR_OK;
}

/* --- from committed to ready --- */

static void
log_durable(struct tier_hold *hold, enum err err)
{
    struct tier_log *log = hold->self;
    log->holding = false;
    if (err != ERR_OK)
        return; /* the environment is rewound: tier_log_reload */
    if (hold->value <= log->issued && hold->value > log->ready)
        log->ready = hold->value;
    if (log->issued > log->ready)
        tier_log_refresh(log);
    if (log->peer->link)
        tier_send_wake(log->peer->link);
}

void
tier_log_refresh(struct tier_log *log)
{
    struct tier *tier = log->peer->tier;
    uint64_t out[3];
    if (tier_cursor_read(log->kv, TIER_CURSOR_OUT, log->channel, log->peer->no,
                         out, 3) != ERR_OK)
        return;
    log->issued = out[0];
    log->issued_bytes = out[1];
    log->issued_h = out[2];
    log_gauge(log);
    if (log->peer->no == TIER_PEER_SELF) { /* nothing leaves the node */
        log->ready = log->issued;
        return;
    }
    if (log->issued <= log->ready || log->holding)
        return;
    log->holding = true;
    struct tier_hold *hold = tier_hold_new(tier, NULL, log_durable, log, NULL);
    hold->value = log->issued;
    tier_hold_records(hold);
}

/* What is poked meanwhile has its turn in the next task. */
void
tier_log_poked(struct base_task *task)
{
    struct tier *tier = BASE_OUTER(task, struct tier, poke_task);
    struct base_link now, still, *at;
    tier->poke_posted = false;
    base_list_init(&now);
    base_list_init(&still);
    while ((at = base_list_take(&tier->pokes)) != NULL)
        base_list_add(&now, at);
    while ((at = base_list_take(&now)) != NULL) {
        struct tier_log *log = BASE_OUTER(at, struct tier_log, poke);
        uint64_t seen = log->issued;
        tier_log_refresh(log);
        if (log->issued >= log->pending.seq)
            log->pending.batch = 0;
        else if (log->issued == seen && log->pokes++ < LOG_POKES)
            base_list_add(&still, &log->poke); /* not yet committed */
        else
            tier_inner_count(tier, TIER_STAT_LOST, 1);
        if (log->peer->no == TIER_PEER_SELF)
            tier_take_local(log);
    }
    bool wait = !base_list_empty(&still);
    while ((at = base_list_take(&still)) != NULL)
        base_list_add(&tier->pokes, at);
    if (wait)
        base_loop_timer(tier->config.loop, &tier->poke_timer, LOG_POKE_MS);
}

void
tier_log_poke_timer(struct base_timer *timer)
{
    struct tier *tier = BASE_OUTER(timer, struct tier, poke_timer);
    if (tier->poke_posted)
        return;
    tier->poke_posted = true;
    base_loop_post(tier->config.loop, &tier->poke_task);
}

/* --- sending --- */

/* The row at seq is not there: what is missing, as a GAP. */
static struct tier_out *
log_gap(struct tier_log *log, uint64_t seq, uint64_t *ret_last)
{
    uint8_t body[24];
    uint64_t last, h = 0;
    struct tier_cursor_row row;
    struct tier *tier = log->peer->tier;
    if (seq < log->first && log->first <= log->ready)
        last = log->first - 1;
    else
        for (last = seq; last < log->ready; last++)
            if (tier_cursor_row(log, last + 1, &row) == ERR_OK)
                break;
    if (!tier_log_h(log, last, &h))
        h = log->issued_h;
    struct base_out out;
    base_out_fixed(&out, body, sizeof body);
    base_out_u64le(&out, seq);
    base_out_u64le(&out, last);
    base_out_u64le(&out, h);
    tier_inner_count(tier, TIER_STAT_GAPS, (int64_t)(last - seq + 1));
    tier_alert_raise(tier, "gap", "to=%s channel=%u first=%llu last=%llu",
                     log->peer->prefix, log->channel, (unsigned long long)seq,
                     (unsigned long long)last);
    *ret_last = last;
    struct wire_frame_message message = {
        .from = tier->own,
        .version = 1,
        .body = base_out_bytes(&out),
    };
    return tier_send_make(log->channel, TIER_CHANNEL_GAP, 0, last, &message);
}

struct tier_out *
tier_log_next(struct tier_log *log)
{
    struct tier_cursor_row row;
    struct tier_out *out;
    uint64_t seq = log->next;
    if (seq > log->ready)
        return NULL;
    if (tier_cursor_row(log, seq, &row) == ERR_OK)
        out = tier_send_copy(log->channel, row.kind, 0, seq, row.message);
    else
        out = log_gap(log, seq, &seq);
    if (log->next == log->acked + 1)
        log->moved_ms = tier_inner_now(log->peer->tier);
    log->next = seq + 1;
    if (seq > log->sent)
        log->sent = seq;
    return out;
}

void
tier_log_fill(struct tier_link *link, struct tier_log *log)
{
    struct tier_out *out;
    while (link->flows[log->channel].queued < LOG_QUEUE_BYTES &&
           (out = tier_log_next(log)) != NULL)
        tier_send_queue(link, out);
}

bool
tier_log_h(const struct tier_log *log, uint64_t seq, uint64_t *ret_h)
{
    struct tier_cursor_row row;
    *ret_h = 0;
    if (seq == 0)
        return true;
    if (seq == log->issued) {
        *ret_h = log->issued_h;
        return true;
    }
    if (tier_cursor_row(log, seq, &row) == ERR_OK) {
        *ret_h =
            tier_cursor_chain(row.h_before, seq, tier_cursor_crc(row.message));
        return true;
    }
    if (tier_cursor_row(log, seq + 1, &row) != ERR_OK)
        return false;
    *ret_h = row.h_before;
    return true;
}

/* --- acknowledged --- */

static void
log_trim(struct tier_log *log, struct store_kv_batch *batch)
{
    uint8_t key[TIER_CURSOR_ROW_KEY];
    uint64_t end =
        log->acked + 1 > TIER_KEEP_ROWS ? log->acked + 1 - TIER_KEEP_ROWS : 1;
    for (unsigned i = 0; i < LOG_TRIM_MAX && log->first < end; i++)
        store_kv_del(batch, STORE_TABLE_TIER_OUT,
                     tier_cursor_row_key(log, log->first++, key));
}

static void
log_move(struct tier_log *log, uint64_t seq)
{
    struct tier_cursor_row row;
    struct store_kv_batch *batch = store_kv_batch_new(log->kv);
    log->acked = seq;
    if (seq == log->issued)
        log->acked_bytes = log->issued_bytes;
    else if (tier_cursor_row(log, seq, &row) == ERR_OK)
        log->acked_bytes = row.bytes;
    uint64_t first = log->first;
    log_trim(log, batch);
    uint64_t ack[3] = {log->acked, log->acked_bytes, log->first};
    tier_cursor_put(batch, TIER_CURSOR_ACK, log->channel, log->peer->no, ack,
                    3);
    if (store_kv_commit(log->kv, batch, NULL, NULL) != ERR_OK)
        log->first = first; /* full: trimmed at a later one */
    log_gauge(log);
    if (log->limited &&
        log->issued_bytes - log->acked_bytes < TIER_SPOOL_BYTES / 2 &&
        log->issued - log->acked < TIER_SPOOL_ROWS / 2)
        log->limited = false;
}

void
tier_log_ack(struct tier_log *log, uint64_t seq, bool go_back,
             const struct wire_frame_refused *refused, unsigned count)
{
    struct tier_peer *peer = log->peer;
    struct tier_link *link = peer->link;
    if (seq > log->sent) {
        if (link)
            tier_link_bad(link, "an ACK of what was not sent");
        return;
    }
    if (seq > log->acked) {
        for (unsigned i = 0; i < count; i++)
            tier_alert_refused(
                peer, "channel %s seq %llu: %s",
                tier_channel_get(log->channel)->name,
                (unsigned long long)refused[i].seq,
                base_err_text(wire_frame_body_err(refused[i].code)));
        log_move(log, seq);
        log->moved_ms = tier_inner_now(peer->tier);
    }
    if (seq >= log->next) /* sent before we went back */
        log->next = seq + 1;
    if (go_back && seq + 1 < log->next) {
        tier_inner_count(peer->tier, TIER_STAT_GONE_BACK, 1);
        log->next = seq + 1;
        if (link)
            tier_send_purge(link, log->channel);
    }
    if (link)
        tier_send_wake(link);
}

void
tier_log_tick(struct tier_link *link, struct tier_log *log, int64_t now)
{
    if (log->acked + 1 >= log->next || now - log->moved_ms < TIER_ACK_MS)
        return;
    log->moved_ms = now;
    tier_inner_count(link->tier, TIER_STAT_GONE_BACK, 1);
    tier_send_purge(link, log->channel);
    log->next = log->acked + 1;
}

enum err
tier_log_adopt(struct tier_log *log, uint64_t seq, uint64_t h)
{
    uint8_t key[TIER_CURSOR_ROW_KEY];
    struct tier *tier = log->peer->tier;
    struct store_kv_batch *batch = store_kv_batch_new(log->kv);
    uint64_t out[3] = {seq, log->issued_bytes, h};
    uint64_t ack[3] = {seq, log->issued_bytes, seq + 1};
    tier_alert_raise(tier, "restored", "to=%s channel=%u issued=%llu has=%llu",
                     log->peer->prefix, log->channel,
                     (unsigned long long)log->issued, (unsigned long long)seq);
    for (uint64_t old = log->first;
         old <= log->issued && old < log->first + TIER_KEEP_ROWS * 2; old++)
        store_kv_del(batch, STORE_TABLE_TIER_OUT,
                     tier_cursor_row_key(log, old, key));
    tier_cursor_put(batch, TIER_CURSOR_OUT, log->channel, log->peer->no, out,
                    3);
    tier_cursor_put(batch, TIER_CURSOR_ACK, log->channel, log->peer->no, ack,
                    3);
    enum err err = store_kv_commit(log->kv, batch, NULL, NULL);
    if (err != ERR_OK)
        return err;
    log_load(log);
    log->ready = log->issued;
    log->next = seq + 1;
    log->sent = seq;
    return ERR_OK;
}
