/* tier_cursor.c -- how far each log is, as rows.
 *
 * STORE_TABLE_TIER_OUT, in the environment of the channel's owner:
 *   key    0 4 log (BE) = peer number * 256 + channel    4 8 seq (BE)
 *   value  0 8 bytes of all messages up to this one (LE)
 *          8 8 h before this one   16 1 kind   17 - message as on the wire
 *
 * STORE_TABLE_TIER_CUR:
 *   key    0 1 what   1 1 channel   2 4 peer number (BE)
 *   value  numbers of 8 bytes, LE:
 *     1 out  issued, bytes issued, h of issued     in the owner's environment
 *     2 ack  acked, bytes acked, first row kept    in the owner's environment
 *     3 in   applied, h of applied                 where the message was taken
 *   Class a: 2 acked, 0, 0 and 3 applied, 0, in the row's environment.
 *
 * A log whose messages are taken in several environments has an `in` row in
 * each; the highest counts, as all share one journal in one order.
 *
 * h = XXH3-64 of (seq u64, CRC-32C u32) seeded with the h before; 0 at seq 0.
 */
#include "tier/tier_inner.h"

enum { CURSOR_ROW_HEAD = 17 };

struct bytes
tier_cursor_key(enum tier_cursor_what what, unsigned channel, uint32_t peer,
                uint8_t to[TIER_CURSOR_KEY])
{
    struct base_out out;
    base_out_fixed(&out, to, TIER_CURSOR_KEY);
    base_out_u8(&out, (uint8_t)what);
    base_out_u8(&out, (uint8_t)channel);
    base_out_u32be(&out, peer);
    return base_out_bytes(&out);
}

struct bytes
tier_cursor_row_key(const struct tier_log *log, uint64_t seq,
                    uint8_t to[TIER_CURSOR_ROW_KEY])
{
    struct base_out out;
    base_out_fixed(&out, to, TIER_CURSOR_ROW_KEY);
    base_out_u32be(&out, log->peer->no << 8 | log->channel);
    base_out_u64be(&out, seq);
    return base_out_bytes(&out);
}

enum err
tier_cursor_read(struct store_kv *kv, enum tier_cursor_what what,
                 unsigned channel, uint32_t peer, uint64_t *into,
                 unsigned count)
{
    uint8_t key[TIER_CURSOR_KEY];
    struct bytes value;
    memset(into, 0, count * sizeof *into);
    enum err err =
        store_kv_get(store_kv_now(kv), STORE_TABLE_TIER_CUR,
                     tier_cursor_key(what, channel, peer, key), &value);
    if (err != ERR_OK)
        return err == ERR_ABSENT ? ERR_OK : err;
    struct base_cur cur;
    base_cur_init(&cur, value);
    for (unsigned i = 0; i < count; i++)
        into[i] = base_cur_u64le(&cur);
    return base_cur_ok(&cur) ? ERR_OK : ERR_CORRUPT;
}

void
tier_cursor_put(struct store_kv_batch *batch, enum tier_cursor_what what,
                unsigned channel, uint32_t peer, const uint64_t *numbers,
                unsigned count)
{
    uint8_t key[TIER_CURSOR_KEY], value[TIER_CURSOR_MAX];
    struct base_out out;
    base_out_fixed(&out, value, sizeof value);
    for (unsigned i = 0; i < count; i++)
        base_out_u64le(&out, numbers[i]);
    store_kv_put(batch, STORE_TABLE_TIER_CUR,
                 tier_cursor_key(what, channel, peer, key),
                 base_out_bytes(&out));
}

void
tier_cursor_expect(struct store_kv *kv, struct store_kv_batch *batch,
                   enum tier_cursor_what what, unsigned channel, uint32_t peer)
{
    uint8_t key[TIER_CURSOR_KEY];
    struct bytes value = {0};
    struct bytes at = tier_cursor_key(what, channel, peer, key);
    enum err err =
        store_kv_get(store_kv_now(kv), STORE_TABLE_TIER_CUR, at, &value);
    if (err == ERR_ABSENT)
        value = base_bytes(NULL, 0);
    if (err == ERR_OK || err == ERR_ABSENT)
        store_kv_expect(batch, STORE_TABLE_TIER_CUR, at, value);
}

enum err
tier_cursor_row(const struct tier_log *log, uint64_t seq,
                struct tier_cursor_row *ret_row)
{
    uint8_t key[TIER_CURSOR_ROW_KEY];
    struct bytes value;
    enum err err = store_kv_get(store_kv_now(log->kv), STORE_TABLE_TIER_OUT,
                                tier_cursor_row_key(log, seq, key), &value);
    if (err != ERR_OK)
        return err;
    struct base_cur cur;
    base_cur_init(&cur, value);
    struct tier_cursor_row row = {
        .bytes = base_cur_u64le(&cur),
        .h_before = base_cur_u64le(&cur),
        .kind = base_cur_u8(&cur),
    };
    row.message = base_cur_rest(&cur);
    if (!base_cur_ok(&cur) || row.message.size < WIRE_FRAME_MESSAGE_HEAD)
        return ERR_CORRUPT;
    *ret_row = row;
    return ERR_OK;
}

uint64_t
tier_cursor_chain(uint64_t h, uint64_t seq, uint32_t crc)
{
    uint8_t room[12];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    base_out_u64le(&out, seq);
    base_out_u32le(&out, crc);
    return base_hash_xxh3(h, base_out_bytes(&out));
}

/* Of a message's head. */
uint32_t
tier_cursor_crc(struct bytes message)
{
    struct base_cur cur;
    base_cur_init(&cur, message);
    base_cur_u32le(&cur);
    return base_cur_u32le(&cur);
}
