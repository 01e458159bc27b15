/* rollup_send.c -- dirty cells go to the parent, and stay dirty until acked.
 *
 * What is to be sent is a set of keys, not a log: a batch reads the totals as
 * they are, so an hour's absence costs no more than a minute's.  A batch holds
 * cells of one (pack, window); a window has at most one batch under way.
 *
 *   DIRTY cell       -> a record with the total of now; cleared by an ack if
 *                       the total still has the revision that was sent
 *   DIRTY FFFFFFFF   -> flag 4 with the last dirty cell of the window
 *   DIRTY FFFFFFFE   -> the whole window with flag 2, from a cell on; each
 *                       batch begins with the last cell of the one before, the
 *                       first with cell 0 (a tombstone if there is none)
 *
 * A window is sent from its due time on; one that a child has sent before (its
 * clock runs ahead), at once; one that begins more than 10 minutes from now
 * (the clock was set back) waits.  seq is written ahead by 1,000. */
#include "base/base_mem.h"
#include "engine/rollup/rollup_inner.h"
#include "wire/figure/wire_figure.h"

enum {
    SEND_SEQ_AHEAD = 1000,
    SEND_LATER_MS = 1000,
    SEND_BLOCKED_MS = 60000,
    SEND_AHEAD_MS = 10000,
    SEND_LOOK = 16384, /* windows looked at for one that may go: those that
                          wait are few, but for an older shape of a pack */
};

static const struct bytes send_parent; /* empty */

static void
send_call(struct rollup *rollup)
{
    struct model_port *port = rollup->config.port;
    port->ops->dirty(port, MODEL_CHANNEL_FIGURE, send_parent);
}

void
rollup_send_dirty(struct rollup *rollup, struct store_kv_batch *batch,
                  struct bytes pack, uint32_t window, uint32_t cell,
                  uint32_t from)
{
    struct rollup_key key;
    struct rollup_row_pair row = {.a = from};
    rollup_put(batch, STORE_TABLE_DIRTY,
               rollup_row_dirty_key(&key, send_parent, pack, window, cell),
               ROLLUP_ROW_IS_PAIR, &row, 0);
    rollup->merge.dirty = true;
}

void
rollup_send_forget(struct rollup *rollup)
{
    for (unsigned i = 0; i < ROLLUP_FLIGHTS; i++)
        rollup->flights[i].used = false;
    rollup->later_ms = 0;
    for (unsigned i = 0; i < rollup->pack_count; i++)
        rollup->packs[i].blocked_ms = rollup->packs[i].older_ms = 0;
}

/* --- this node's own row --- */

static enum err
send_own(struct rollup *rollup, struct rollup_row_own *ret_row)
{
    struct rollup_key key;
    enum err err =
        rollup_get(rollup, STORE_TABLE_CHILD,
                   rollup_row_child_key(&key, ROLLUP_ROW_OWN, send_parent),
                   ROLLUP_ROW_IS_OWN, ret_row, 0);
    return err == ERR_ABSENT ? ERR_OK : err;
}

static void
send_own_put(struct store_kv_batch *batch, const struct rollup_row_own *row)
{
    struct rollup_key key;
    rollup_put(batch, STORE_TABLE_CHILD,
               rollup_row_child_key(&key, ROLLUP_ROW_OWN, send_parent),
               ROLLUP_ROW_IS_OWN, row, 0);
}

enum err
rollup_send_open(struct rollup *rollup)
{
    struct rollup_row_own row = {0};
    enum err err = send_own(rollup, &row);
    if (err != ERR_OK)
        return err;
    rollup->resync = row.resync;
    if (row.seq > rollup->seq)
        rollup->seq = row.seq;
    rollup->seq_limit = rollup->seq; /* the next one writes it anew */
    return ERR_OK;
}

static enum err
send_seq(struct rollup *rollup, uint64_t *ret_seq)
{
    struct rollup_row_own row = {0};
    if (rollup->seq >= rollup->seq_limit) {
        enum err err = send_own(rollup, &row);
        if (err != ERR_OK)
            return err;
        row.seq = rollup->seq + SEND_SEQ_AHEAD;
        struct store_kv_batch *batch = store_kv_batch_new(rollup->config.kv);
        send_own_put(batch, &row);
        err = store_kv_commit(rollup->config.kv, batch, NULL, NULL);
        if (err != ERR_OK)
            return err;
        rollup->seq_limit = rollup->seq + SEND_SEQ_AHEAD;
    }
    *ret_seq = ++rollup->seq;
    return ERR_OK;
}

/* --- which window --- */

struct send_key {
    struct bytes pack;
    uint32_t window, cell;
    uint8_t room[ROLLUP_ROW_KEY];
};

static bool
send_first(void *self, struct bytes key, struct bytes value)
{
    struct send_key *first = self;
    struct base_cur cur;
    (void)value;
    memcpy(first->room, key.at, key.size);
    base_cur_init(&cur, base_bytes(first->room, key.size));
    base_cur_take(&cur, base_cur_u8(&cur));
    first->pack = base_cur_take(&cur, base_cur_u8(&cur));
    first->window = base_cur_u32be(&cur);
    first->cell = base_cur_u32be(&cur);
    return false;
}

static bool
send_under_way(struct rollup *rollup, const struct send_key *key)
{
    for (unsigned i = 0; i < ROLLUP_FLIGHTS; i++) {
        struct rollup_flight *flight = &rollup->flights[i];
        if (flight->used && flight->window == key->window &&
            base_bytes_equal(base_bytes(flight->pack, flight->pack_size),
                             key->pack))
            return true;
    }
    return false;
}

struct send_plan {
    struct rollup_row_window row;
    bool whole;    /* resync */
    bool older;    /* folded under another shape than the pack has now */
    uint32_t from; /* its first cell */
};

/* The clock ran ahead when it was made: the parent would not take it. */
static bool
send_is_ahead(struct rollup *rollup, const struct rollup_pack *pack,
              uint32_t window)
{
    struct wall start = {0}, end;
    model_calendar_bounds(&pack->pack->calendar, window, &start, &end);
    return start.ms > rollup_now(rollup) + ROLLUP_AHEAD_MS;
}

/* May this window go now?  If not, *ret_next is where to look further: what
 * waits must not stand before what may go. */
static bool
send_may(struct rollup *rollup, const struct send_key *key,
         struct send_plan *plan, uint32_t *ret_next)
{
    struct rollup_key room;
    struct rollup_row_pair mark;
    int pack = rollup_pack_find(rollup, key->pack);
    int64_t mono = base_loop_mono(rollup->config.loop).ms;
    if (pack < 0 || rollup->packs[pack].blocked_ms > mono) {
        *ret_next = UINT32_MAX; /* no window of this pack */
        return false;
    }
    if (send_is_ahead(rollup, &rollup->packs[pack], key->window)) {
        rollup->ahead_ms = mono + SEND_AHEAD_MS;
        *ret_next = ((key->window >> 28) + 1) << 28; /* the next frequency */
        return false;
    }
    *ret_next = key->window + 1;
    if (send_under_way(rollup, key) ||
        rollup_get(rollup, STORE_TABLE_WINDOW,
                   rollup_row_window_key(&room, key->pack, key->window),
                   ROLLUP_ROW_IS_WINDOW, &plan->row, 0) != ERR_OK)
        return false;
    plan->older = memcmp(plan->row.shape, rollup->packs[pack].pack->shape,
                         sizeof plan->row.shape) != 0;
    if (plan->older && rollup->packs[pack].older_ms > mono)
        return false;
    plan->whole =
        rollup_get(rollup, STORE_TABLE_DIRTY,
                   rollup_row_dirty_key(&room, send_parent, key->pack,
                                        key->window, ROLLUP_ROW_RESYNC),
                   ROLLUP_ROW_IS_PAIR, &mark, 0) == ERR_OK;
    plan->from = plan->whole ? mark.a : 0;
    if (plan->row.state != ROLLUP_OPEN)
        return true;
    return !plan->whole &&
           (plan->row.flags & ROLLUP_ROW_EARLY ||
            rollup_window_due(rollup, (unsigned)pack, key->window));
}

/* ABSENT: nothing is dirty beyond what is in flight or has to wait. */
static enum err
send_choose(struct rollup *rollup, struct send_key *key, struct send_plan *plan)
{
    static const uint8_t parent = 0;
    struct rollup_key room;
    struct bytes from = base_bytes(&parent, 1);
    uint32_t next;
    for (unsigned i = 0; i < SEND_LOOK; i++) {
        key->window = 0;
        enum err err = store_kv_scan(rollup_snap(rollup), STORE_TABLE_DIRTY,
                                     base_bytes(&parent, 1), from, 1,
                                     send_first, key, NULL);
        if (err != ERR_OK && err != ERR_AGAIN)
            return err;
        if (key->window == 0)
            return ERR_ABSENT;
        if (send_may(rollup, key, plan, &next))
            return ERR_OK;
        from = rollup_row_dirty_key(&room, send_parent, key->pack, next, 0);
    }
    return ERR_ABSENT;
}

/* --- one batch --- */

struct send_fill {
    struct rollup *rollup;
    struct rollup_flight *flight;
    struct wire_figure_writer writer;
    const struct send_key *key;
    unsigned slots;
    bool whole, full;
    enum err err;
};

static bool
send_record(struct send_fill *fill, uint32_t cell, struct bytes value)
{
    struct rollup_row_total row = {0};
    struct rollup_flight *flight = fill->flight;
    if (flight->count == ROLLUP_FLIGHT_CELLS ||
        fill->writer.out->size > ROLLUP_KEPT - ROLLUP_ROW_MAX) {
        fill->full = true;
        return false;
    }
    if (value.size > 0)
        fill->err =
            rollup_row_read(value, ROLLUP_ROW_IS_TOTAL, &row, fill->slots);
    if (fill->err != ERR_OK)
        return false;
    bool gone = row.figure.mask == 0;
    wire_figure_add(&fill->writer,
                    &(struct wire_figure_record){
                        .marks = gone ? WIRE_FIGURE_TOMBSTONE : 0,
                        .cell = cell,
                        .revision = row.revision,
                        .state = row.state,
                    });
    flight->cells[flight->count] = cell;
    flight->revisions[flight->count++] = row.revision;
    return true;
}

/* A row of TOTAL, in a resync. */
static bool
send_total(void *self, struct bytes key, struct bytes value)
{
    struct send_fill *fill = self;
    uint32_t cell = rollup_row_tail(key);
    if (fill->flight->count == 0 && cell > 0 && fill->key->cell == 0)
        send_record(fill, 0, (struct bytes){0}); /* nothing before it */
    return send_record(fill, cell, value);
}

/* A row of DIRTY: its total. */
static bool
send_mark(void *self, struct bytes key, struct bytes value)
{
    struct send_fill *fill = self;
    struct rollup_key room;
    uint32_t cell = rollup_row_tail(key);
    (void)value;
    fill->flight->complete = cell == ROLLUP_ROW_COMPLETE;
    if (cell >= ROLLUP_ROW_RESYNC)
        return true;
    fill->err = store_kv_get(
        rollup_snap(fill->rollup), STORE_TABLE_TOTAL,
        rollup_row_total_key(&room, fill->key->pack, fill->key->window, cell),
        &value);
    if (fill->err == ERR_ABSENT) {
        fill->err = ERR_OK;
        value = (struct bytes){0};
    }
    return fill->err == ERR_OK && send_record(fill, cell, value);
}

static enum err
send_fill(struct send_fill *fill, uint32_t from)
{
    struct rollup_key all, first;
    struct bytes pack = fill->key->pack;
    uint32_t window = fill->key->window;
    enum err err;
    if (fill->whole) {
        err = store_kv_scan(rollup_snap(fill->rollup), STORE_TABLE_TOTAL,
                            rollup_row_total_all(&all, pack, window),
                            rollup_row_total_key(&first, pack, window, from),
                            10000, send_total, fill, NULL);
    } else {
        struct bytes mark =
            rollup_row_dirty_key(&all, send_parent, pack, window, 0);
        mark.size -= 4;
        err = store_kv_scan(rollup_snap(fill->rollup), STORE_TABLE_DIRTY, mark,
                            mark, 10000, send_mark, fill, NULL);
    }
    if (err == ERR_AGAIN)
        fill->full = true;
    if (fill->err != ERR_OK)
        return fill->err;
    return err == ERR_AGAIN || err == ERR_ABSENT ? ERR_OK : err;
}

static enum err
send_sign(struct rollup *rollup, struct wire_figure_writer *writer)
{
    uint8_t signature[WIRE_FIGURE_SIGNATURE];
    struct base_out text, to;
    struct bytes message = base_out_bytes(writer->out);
    base_out_grow(&text, message.size + WIRE_FIGURE_DOMAIN);
    base_out_fixed(&to, signature, sizeof signature);
    wire_figure_text(message, &text);
    enum err err =
        crypt_key_sign(rollup->config.key, base_out_bytes(&text), &to);
    if (err == ERR_OK)
        wire_figure_sign(writer, crypt_key_id(rollup->config.key), signature);
    base_out_done(&text);
    return err;
}

static enum err
send_batch(struct rollup *rollup, struct send_key *key,
           const struct send_plan *plan, struct rollup_flight *flight,
           struct base_out *out)
{
    struct wire_figure_head head = {
        .window = key->window,
        .epoch = rollup->config.epoch(rollup->config.epoch_self),
        .child = rollup->own,
    };
    struct base_cur shape;
    base_cur_init(&shape, base_bytes(plan->row.shape, 8));
    head.shape8 = base_cur_u64le(&shape);
    enum err err = send_seq(rollup, &head.seq);
    if (err != ERR_OK)
        return err;
    flight->seq = head.seq;
    flight->window = key->window;
    flight->whole = plan->whole;
    flight->older = plan->older;
    flight->complete = false;
    flight->count = 0;
    flight->pack_size = (unsigned)key->pack.size;
    memcpy(flight->pack, key->pack.at, key->pack.size);
    struct send_fill fill = {.rollup = rollup,
                             .flight = flight,
                             .key = key,
                             .slots = plan->row.slots,
                             .whole = plan->whole};
    key->cell = plan->from;
    wire_figure_begin(&fill.writer, out, &head);
    err = send_fill(&fill, plan->from);
    flight->last = !fill.full;
    uint8_t flags = plan->whole ? WIRE_FIGURE_RESYNC : 0;
    if (flight->last && plan->row.state != ROLLUP_OPEN)
        flags |= WIRE_FIGURE_COMPLETE;
    if (rollup->config.key)
        flags |= WIRE_FIGURE_SIGNED;
    if (err == ERR_OK)
        err = wire_figure_end(&fill.writer, flags);
    return err == ERR_OK && rollup->config.key ? send_sign(rollup, &fill.writer)
                                               : err;
}

enum err
rollup_next(void *engine, struct bytes to, struct base_arena *arena,
            struct bytes *ret_body, uint64_t *ret_seq)
{
    struct rollup *rollup = engine;
    struct rollup_flight *flight = NULL;
    struct send_key key;
    struct send_plan plan;
    struct base_out out;
    if (to.size > 0 ||
        rollup->later_ms > base_loop_mono(rollup->config.loop).ms)
        return ERR_ABSENT;
    rollup_fold_flush(rollup);
    for (unsigned i = 0; i < ROLLUP_FLIGHTS && !flight; i++)
        if (!rollup->flights[i].used)
            flight = &rollup->flights[i];
    if (!flight)
        return ERR_ABSENT;
    enum err err = send_choose(rollup, &key, &plan);
    if (err != ERR_OK)
        return err;
    base_out_grow(&out, WIRE_FIGURE_HEAD + WIRE_FIGURE_BODY);
    err = send_batch(rollup, &key, &plan, flight, &out);
    if (err == ERR_OK) {
        *ret_body = base_arena_bytes(arena, base_out_bytes(&out));
        *ret_seq = flight->seq;
        err = ret_body->at ? ERR_OK : ERR_LIMIT;
        flight->used = err == ERR_OK;
    }
    base_out_done(&out);
    if (err == ERR_OK)
        base_stat_inc(&rollup->stats.sent, 1);
    return err;
}

/* --- answers --- */

/* Clears what the parent has now, unless it has changed since. */
static enum err
send_clear(struct rollup *rollup, const struct rollup_flight *flight)
{
    struct store_kv_batch *batch = store_kv_batch_new(rollup->config.kv);
    struct bytes pack = base_bytes(flight->pack, flight->pack_size), value;
    struct rollup_key key;
    struct base_cur cur;
    for (unsigned i = 0; i < flight->count; i++) {
        uint64_t revision = 0;
        if (store_kv_get(rollup_snap(rollup), STORE_TABLE_TOTAL,
                         rollup_row_total_key(&key, pack, flight->window,
                                              flight->cells[i]),
                         &value) == ERR_OK) {
            base_cur_init(&cur, value);
            base_cur_take(&cur, 5); /* version, epoch */
            revision = base_cur_u64le(&cur);
        }
        if (revision == flight->revisions[i])
            store_kv_del(batch, STORE_TABLE_DIRTY,
                         rollup_row_dirty_key(&key, send_parent, pack,
                                              flight->window,
                                              flight->cells[i]));
    }
    if (flight->complete || (flight->whole && flight->last))
        store_kv_del(batch, STORE_TABLE_DIRTY,
                     rollup_row_dirty_key(&key, send_parent, pack,
                                          flight->window, ROLLUP_ROW_COMPLETE));
    rollup_row_dirty_key(&key, send_parent, pack, flight->window,
                         ROLLUP_ROW_RESYNC);
    struct rollup_row_pair mark = {0};
    if (flight->count > 0)
        mark.a = flight->cells[flight->count - 1];
    if (flight->whole && flight->last)
        store_kv_del(batch, STORE_TABLE_DIRTY, base_out_bytes(&key.out));
    else if (flight->whole)
        rollup_put(batch, STORE_TABLE_DIRTY, base_out_bytes(&key.out),
                   ROLLUP_ROW_IS_PAIR, &mark, 0);
    return store_kv_commit(rollup->config.kv, batch, NULL, NULL);
}

static void
send_refused(struct rollup *rollup, const struct rollup_flight *flight,
             const struct wire_figure_ack *ack)
{
    struct bytes name = base_bytes(flight->pack, flight->pack_size);
    bool shape = ack->status == WIRE_FIGURE_MISMATCH;
    int pack = rollup_pack_find(rollup, name);
    uint64_t wanted = 0, ours = 0;
    wire_figure_wanted(ack, name, &wanted);
    if (pack >= 0) {
        ours = rollup->packs[pack].pack->shape8;
        *(flight->older ? &rollup->packs[pack].older_ms
                        : &rollup->packs[pack].blocked_ms) =
            base_loop_mono(rollup->config.loop).ms + SEND_BLOCKED_MS;
    }
    base_stat_inc(&rollup->stats.sent_refused, 1);
    base_log_say(rollup->config.log, BASE_LOG_ERROR, "rollup",
                 shape ? "pack_mismatch" : "parent_refused",
                 "pack=%.*s status=%u ours=%016llx wanted=%016llx",
                 (int)name.size, (const char *)name.at, ack->status,
                 (unsigned long long)ours, (unsigned long long)wanted);
    rollup_window_soon(rollup); /* sets the timer */
}

/* Single records that were refused: this node has nothing better to send. */
static void
send_losses(struct rollup *rollup, const struct rollup_flight *flight,
            const struct wire_figure_ack *ack)
{
    uint32_t first = ack->codes[0].index;
    if (ack->refused == 0)
        return;
    base_stat_inc(&rollup->stats.sent_refused, (int64_t)ack->refused);
    base_log_say(rollup->config.log, BASE_LOG_ERROR, "rollup", "parent_refused",
                 "pack=%.*s window=%08x records=%llu first_cell=%u code=%u",
                 (int)flight->pack_size, (const char *)flight->pack,
                 flight->window, (unsigned long long)ack->refused,
                 first < flight->count ? flight->cells[first] : 0,
                 ack->codes[0].code);
}

void
rollup_acked(void *engine, struct bytes to, uint64_t seq, struct bytes body)
{
    struct rollup *rollup = engine;
    struct rollup_flight *flight = NULL;
    for (unsigned i = 0; i < ROLLUP_FLIGHTS && to.size == 0; i++)
        if (rollup->flights[i].used && rollup->flights[i].seq == seq)
            flight = &rollup->flights[i];
    if (!flight)
        return;
    struct wire_figure_ack *ack = base_mem_zero(sizeof *ack);
    flight->used = false;
    if (wire_figure_ack_read(body, ack) != ERR_OK)
        ack->status = WIRE_FIGURE_BAD;
    if (ack->status == WIRE_FIGURE_OK) {
        send_losses(rollup, flight, ack);
        enum err err = send_clear(rollup, flight);
        if (err != ERR_OK) { /* it stays dirty, and goes again */
            base_log_say(rollup->config.log, BASE_LOG_WARN, "rollup",
                         "ack_not_kept", "why=%s", base_err_name(err));
            rollup->later_ms =
                base_loop_mono(rollup->config.loop).ms + SEND_LATER_MS;
            rollup_window_soon(rollup);
        }
    } else {
        send_refused(rollup, flight, ack);
    }
    send_call(rollup);
    base_mem_free(ack);
}

/* --- a link came up --- */

void
rollup_linked(void *engine, struct bytes to, bool resync)
{
    struct rollup *rollup = engine;
    struct rollup_row_own row = {0};
    struct model_port *port = rollup->config.port;
    struct bytes parent = port->ops->parent(port);
    if (to.size > 0)
        return;
    rollup_send_forget(rollup);
    enum err err = send_own(rollup, &row);
    if (err == ERR_OK &&
        (resync || !base_bytes_equal_folded(row.parent, parent))) {
        row.resync = 1;
        row.parent = parent;
        row.marked = (struct bytes){0};
        struct store_kv_batch *batch = store_kv_batch_new(rollup->config.kv);
        send_own_put(batch, &row);
        err = store_kv_commit(rollup->config.kv, batch, NULL, NULL);
        rollup->resync = true;
    }
    if (err != ERR_OK)
        base_log_say(rollup->config.log, BASE_LOG_ERROR, "rollup",
                     "resync_not_begun", "why=%s", base_err_name(err));
    rollup_window_soon(rollup);
    send_call(rollup);
}

struct send_marks {
    struct rollup *rollup;
    struct store_kv_batch *batch;
    uint8_t room[ROLLUP_ROW_KEY];
    size_t size; /* of the last key */
};

static bool
send_mark_window(void *self, struct bytes key, struct bytes value)
{
    struct send_marks *marks = self;
    struct base_cur cur;
    (void)value;
    base_cur_init(&cur, key);
    base_cur_u8(&cur);
    struct bytes pack = base_cur_take(&cur, base_cur_u8(&cur));
    uint32_t window = base_cur_u32be(&cur);
    rollup_send_dirty(marks->rollup, marks->batch, pack, window,
                      ROLLUP_ROW_RESYNC, 0);
    memcpy(marks->room, key.at, key.size);
    marks->size = key.size;
    return true;
}

bool
rollup_send_step(struct rollup *rollup)
{
    static const uint8_t kind = ROLLUP_ROW_WINDOW;
    struct rollup_row_own row = {0};
    uint8_t from_room[ROLLUP_ROW_KEY + 1];
    struct base_out from;
    struct send_marks marks = {.rollup = rollup};
    if (send_own(rollup, &row) != ERR_OK)
        return false;
    base_out_fixed(&from, from_room, sizeof from_room);
    base_out_bytes_add(&from, row.marked);
    if (row.marked.size > 0)
        base_out_u8(&from, 0); /* the least key above it */
    marks.batch = store_kv_batch_new(rollup->config.kv);
    enum err err = store_kv_scan(rollup_snap(rollup), STORE_TABLE_WINDOW,
                                 base_bytes(&kind, 1), base_out_bytes(&from),
                                 ROLLUP_STEP, send_mark_window, &marks, NULL);
    bool more = err == ERR_AGAIN;
    row.resync = more;
    row.marked = more ? base_bytes(marks.room, marks.size) : send_parent;
    send_own_put(marks.batch, &row);
    if (store_kv_commit(rollup->config.kv, marks.batch, NULL, NULL) != ERR_OK)
        return false; /* the timer comes again */
    rollup->resync = more;
    send_call(rollup);
    return more;
}

/* Is this waiting over?  If not, *wait is at most what is left of it. */
static bool
send_over(int64_t *until_ms, int64_t mono, int64_t *wait)
{
    if (*until_ms > mono && *until_ms - mono < *wait)
        *wait = *until_ms - mono;
    if (*until_ms == 0 || *until_ms > mono)
        return false;
    *until_ms = 0;
    return true;
}

int64_t
rollup_send_wait(struct rollup *rollup)
{
    int64_t mono = base_loop_mono(rollup->config.loop).ms, wait = INT64_MAX;
    bool again = send_over(&rollup->later_ms, mono, &wait);
    again |= send_over(&rollup->ahead_ms, mono, &wait);
    for (unsigned i = 0; i < rollup->pack_count; i++) {
        struct rollup_pack *pack = &rollup->packs[i];
        again |= send_over(&pack->blocked_ms, mono, &wait);
        again |= send_over(&pack->older_ms, mono, &wait);
    }
    if (again)
        send_call(rollup);
    return wait;
}
