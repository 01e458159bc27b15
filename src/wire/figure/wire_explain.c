/* wire_explain.c -- see wire_explain.h. */
#include "wire/figure/wire_explain.h"

enum { EXPLAIN_HELD = 16 }; /* bytes */

void
wire_explain_ask_write(struct base_out *out, const struct wire_explain_ask *ask)
{
    base_out_u32le(out, ask->window);
    base_out_u16le(out, ask->limit);
    base_out_u8(out, (uint8_t)ask->pack.size);
    base_out_bytes_add(out, ask->pack);
    base_out_u8(out, (uint8_t)ask->name.size);
    base_out_bytes_add(out, ask->name);
    base_out_u16le(out, (uint16_t)ask->cells.size);
    base_out_bytes_add(out, ask->cells);
    base_out_bytes_add(out, ask->held);
}

void
wire_explain_held_add(struct base_out *out,
                      const struct wire_explain_held *held)
{
    base_out_u32le(out, held->cell);
    base_out_u32le(out, held->epoch);
    base_out_u64le(out, held->revision);
}

bool
wire_explain_held_next(struct base_cur *cur, struct wire_explain_held *ret_held)
{
    if (base_cur_left(cur) < EXPLAIN_HELD)
        return false;
    ret_held->cell = base_cur_u32le(cur);
    ret_held->epoch = base_cur_u32le(cur);
    ret_held->revision = base_cur_u64le(cur);
    return true;
}

static enum err
explain_held_check(struct bytes held)
{
    struct wire_explain_held one;
    struct base_cur cur;
    int64_t last = -1;
    if (held.size > WIRE_EXPLAIN_HELD * EXPLAIN_HELD)
        return ERR_BIG;
    base_cur_init(&cur, held);
    for (; wire_explain_held_next(&cur, &one); last = one.cell)
        if (one.cell <= last)
            return ERR_SYNTAX;
    return base_cur_left(&cur) ? ERR_SYNTAX : ERR_OK;
}

enum err
wire_explain_ask_read(struct bytes body, struct wire_explain_ask *ret_ask)
{
    struct base_cur cur;
    base_cur_init(&cur, body);
    ret_ask->window = base_cur_u32le(&cur);
    ret_ask->limit = base_cur_u16le(&cur);
    ret_ask->pack = base_cur_take(&cur, base_cur_u8(&cur));
    ret_ask->name = base_cur_take(&cur, base_cur_u8(&cur));
    ret_ask->cells = base_cur_take(&cur, base_cur_u16le(&cur));
    ret_ask->held = base_cur_rest(&cur);
    return base_cur_ok(&cur) ? explain_held_check(ret_ask->held) : cur.failed;
}

void
wire_explain_begin(struct base_out *out)
{
    base_out_u16le(out, 0);
}

void
wire_explain_add(struct base_out *out, const struct wire_explain_entry *entry)
{
    base_out_u8(out, entry->depth);
    base_out_u8(out, entry->kind);
    base_out_u8(out, entry->why);
    base_out_u8(out, entry->has);
    base_out_u8(out, (uint8_t)entry->name.size);
    base_out_bytes_add(out, entry->name);
    base_out_varint(out, entry->n);
    base_out_varint(out, entry->reported);
    base_out_varint(out, entry->expected);
    base_out_varint(out, entry->epoch);
    base_out_varint(out, entry->revision);
    if (entry->has & WIRE_EXPLAIN_VALUE)
        base_out_zigzag128(out, entry->value.count);
    if (entry->has & WIRE_EXPLAIN_A)
        base_out_zigzag128(out, entry->a);
    if (entry->has & WIRE_EXPLAIN_B)
        base_out_zigzag128(out, entry->b);
    if (entry->has & WIRE_EXPLAIN_SAMPLE) {
        base_out_varint(out, entry->shard);
        base_out_varint(out, entry->sequence);
    }
    if (entry->has & WIRE_EXPLAIN_PROOF) {
        base_out_varint(out, entry->seq);
        base_out_u8(out, entry->verdict);
        base_out_u64le(out, entry->key_id);
        base_out_u8(out, (uint8_t)entry->key.size);
        base_out_bytes_add(out, entry->key);
        base_out_u16le(out, (uint16_t)entry->batch.size);
        base_out_bytes_add(out, entry->batch);
    }
    if (entry->has & WIRE_EXPLAIN_DIGEST) {
        base_out_varint(out, entry->samples);
        base_out_u64le(out, (uint64_t)entry->first_ms);
        base_out_u64le(out, (uint64_t)entry->last_ms);
        base_out_bytes_add(out, entry->digest);
    }
    if (entry->has & WIRE_EXPLAIN_FILED) {
        base_out_u64le(out, (uint64_t)entry->filed_ms);
        base_out_bytes_add(out, entry->digest);
        base_out_u8(out, entry->receipt);
    }
}

void
wire_explain_end(struct base_out *out, uint16_t count)
{
    if (!base_out_ok(out))
        return;
    out->at[0] = (uint8_t)count;
    out->at[1] = (uint8_t)(count >> 8);
}

bool
wire_explain_next(struct base_cur *cur, struct wire_explain_entry *ret_entry)
{
    struct wire_explain_entry entry = {0};
    if (!base_cur_ok(cur) || base_cur_left(cur) == 0)
        return false;
    entry.depth = base_cur_u8(cur);
    entry.kind = base_cur_u8(cur);
    entry.why = base_cur_u8(cur);
    entry.has = base_cur_u8(cur);
    entry.name = base_cur_take(cur, base_cur_u8(cur));
    entry.n = base_cur_varint(cur);
    entry.reported = base_cur_varint(cur);
    entry.expected = base_cur_varint(cur);
    entry.epoch = base_cur_varint(cur);
    entry.revision = base_cur_varint(cur);
    if (entry.has & WIRE_EXPLAIN_VALUE)
        entry.value.count = base_cur_zigzag128(cur);
    if (entry.has & WIRE_EXPLAIN_A)
        entry.a = base_cur_zigzag128(cur);
    if (entry.has & WIRE_EXPLAIN_B)
        entry.b = base_cur_zigzag128(cur);
    if (entry.has & WIRE_EXPLAIN_SAMPLE) {
        entry.shard = base_cur_varint(cur);
        entry.sequence = base_cur_varint(cur);
    }
    if (entry.has & WIRE_EXPLAIN_PROOF) {
        entry.seq = base_cur_varint(cur);
        entry.verdict = base_cur_u8(cur);
        entry.key_id = base_cur_u64le(cur);
        entry.key = base_cur_take(cur, base_cur_u8(cur));
        entry.batch = base_cur_take(cur, base_cur_u16le(cur));
    }
    if (entry.has & WIRE_EXPLAIN_DIGEST) {
        entry.samples = base_cur_varint(cur);
        entry.first_ms = (int64_t)base_cur_u64le(cur);
        entry.last_ms = (int64_t)base_cur_u64le(cur);
        entry.digest = base_cur_take(cur, 32);
    }
    if (entry.has & WIRE_EXPLAIN_FILED) {
        entry.filed_ms = (int64_t)base_cur_u64le(cur);
        entry.digest = base_cur_take(cur, 32);
        entry.receipt = base_cur_u8(cur);
    }
    bool wrong = entry.depth > WIRE_EXPLAIN_DEPTH || entry.kind == 0 ||
                 entry.kind > WIRE_EXPLAIN_RETURN ||
                 entry.verdict > WIRE_EXPLAIN_WRONG || entry.why >= ERR_COUNT ||
                 !base_bytes_utf8(entry.name) ||
                 (entry.kind == WIRE_EXPLAIN_RETURN) !=
                     ((entry.has & WIRE_EXPLAIN_FILED) != 0);
    if (wrong)
        base_cur_fail(cur, ERR_SYNTAX);
    *ret_entry = entry;
    return base_cur_ok(cur);
}

enum err
wire_explain_open(struct bytes body, struct base_cur *ret_cur)
{
    struct base_cur cur;
    struct wire_explain_entry entry;
    base_cur_init(&cur, body);
    uint16_t count = base_cur_u16le(&cur);
    if (count > WIRE_EXPLAIN_ENTRIES || body.size > WIRE_EXPLAIN_MAX)
        return ERR_BIG;
    *ret_cur = cur;
    unsigned seen = 0;
    int depth = -1; /* at most one deeper than the one before */
    while (wire_explain_next(&cur, &entry)) {
        if (entry.depth > depth + 1)
            return ERR_SYNTAX;
        depth = entry.depth;
        seen++;
    }
    if (!base_cur_ok(&cur))
        return cur.failed;
    return seen == count ? ERR_OK : ERR_SYNTAX;
}
