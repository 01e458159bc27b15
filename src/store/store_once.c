/* store_once.c -- see store_once.h. */
#include "store/store_once.h"

#include <string.h>

#include "base/base_cur.h"
#include "base/base_out.h"

enum {
    HASH = STORE_ONCE_HASH,
    ONCE_VERSION = 1,
    ONCE_BEGUN = 0,
    ONCE_ANSWERED = 1,
    ONCE_DONE = 2,
    ONCE_ID_KEY = 1 + HASH,
    ONCE_SLOT_KEY = 5,
    ONCE_ROW = 61 + STORE_ONCE_TYPE + STORE_ONCE_ANSWER,
};

#define ONCE_KEEP_MS (INT64_C(24) * 3600 * 1000)

struct once_row {
    uint8_t state;
    uint16_t status;
    int64_t made_ms;
    uint64_t boot, slot;
    const uint8_t *digest;
    struct bytes type, body;
};

static struct bytes
once_id_key(const uint8_t id[HASH], uint8_t to[ONCE_ID_KEY])
{
    to[0] = 'i';
    memcpy(to + 1, id, HASH);
    return base_bytes(to, ONCE_ID_KEY);
}

static struct bytes
once_slot_key(const struct store_once *once, uint64_t slot,
              uint8_t to[ONCE_SLOT_KEY])
{
    struct base_out out;
    uint64_t slots = once->slots ? once->slots : STORE_ONCE_SLOTS;
    base_out_fixed(&out, to, ONCE_SLOT_KEY);
    base_out_u8(&out, 's');
    base_out_u32be(&out, (uint32_t)(slot % slots));
    return base_out_bytes(&out);
}

static bool
once_read(struct bytes value, struct once_row *ret_row)
{
    struct base_cur cur;
    base_cur_init(&cur, value);
    if (base_cur_u8(&cur) != ONCE_VERSION)
        return false;
    ret_row->state = base_cur_u8(&cur);
    ret_row->status = base_cur_u16le(&cur);
    ret_row->made_ms = (int64_t)base_cur_u64le(&cur);
    ret_row->boot = base_cur_u64le(&cur);
    ret_row->slot = base_cur_u64le(&cur);
    ret_row->digest = base_cur_take(&cur, HASH).at;
    ret_row->type = base_cur_take(&cur, base_cur_u8(&cur));
    ret_row->body = base_cur_rest(&cur);
    return base_cur_ok(&cur);
}

static void
once_put(struct store_kv_batch *batch, const uint8_t id[HASH],
         const struct once_row *row)
{
    uint8_t key[ONCE_ID_KEY];
    struct base_out out;
    base_out_grow(&out, ONCE_ROW);
    base_out_u8(&out, ONCE_VERSION);
    base_out_u8(&out, row->state);
    base_out_u16le(&out, row->status);
    base_out_u64le(&out, (uint64_t)row->made_ms);
    base_out_u64le(&out, row->boot);
    base_out_u64le(&out, row->slot);
    base_out_bytes_add(&out, base_bytes(row->digest, HASH));
    base_out_u8(&out, (uint8_t)row->type.size);
    base_out_bytes_add(&out, row->type);
    base_out_bytes_add(&out, row->body);
    store_kv_put(batch, STORE_TABLE_ONCE, once_id_key(id, key),
                 base_out_bytes(&out));
    base_out_done(&out);
}

static bool
once_find(const struct store_once *once, const uint8_t id[HASH],
          struct once_row *ret_row)
{
    uint8_t key[ONCE_ID_KEY];
    struct bytes value;
    return store_kv_get(store_kv_now(once->kv), STORE_TABLE_ONCE,
                        once_id_key(id, key), &value) == ERR_OK &&
           once_read(value, ret_row);
}

/* --- begin --- */

static enum err
once_judge(const struct store_once *once, const struct once_row *row,
           const uint8_t digest[HASH], struct store_once_answer *ret_answer)
{
    if (memcmp(row->digest, digest, HASH) != 0)
        return ERR_MISMATCH;
    if (row->state == ONCE_BEGUN)
        return row->boot == once->boot ? ERR_AGAIN : ERR_LOST;
    *ret_answer = (struct store_once_answer){
        row->state == ONCE_ANSWERED ? row->status : 0, row->type, row->body};
    return ERR_USED;
}

static uint64_t
once_next(const struct store_once *once)
{
    struct bytes value;
    struct base_cur cur;
    if (store_kv_get(store_kv_now(once->kv), STORE_TABLE_ONCE,
                     base_bytes_text("n"), &value) != ERR_OK)
        return 0;
    base_cur_init(&cur, value);
    return base_cur_u64le(&cur);
}

/* Whoever had this slot before is forgotten, unless he has a newer one. */
static void
once_evict(struct store_once *once, struct store_kv_batch *batch,
           struct bytes slot_key, uint64_t slot, int64_t now_ms)
{
    struct bytes value;
    struct once_row row;
    uint8_t key[ONCE_ID_KEY];
    if (store_kv_get(store_kv_now(once->kv), STORE_TABLE_ONCE, slot_key,
                     &value) != ERR_OK ||
        value.size != HASH || !once_find(once, value.at, &row))
        return;
    uint64_t slots = once->slots ? once->slots : STORE_ONCE_SLOTS;
    if (row.slot + slots != slot)
        return;
    if (now_ms - row.made_ms < ONCE_KEEP_MS)
        base_stat_inc(&once->dropped, 1);
    store_kv_del(batch, STORE_TABLE_ONCE, once_id_key(value.at, key));
}

enum err
store_once_begin(struct store_once *once, const uint8_t id[HASH],
                 const uint8_t digest[HASH], int64_t now_ms,
                 struct store_once_answer *ret_answer)
{
    struct once_row row;
    uint8_t slot_room[ONCE_SLOT_KEY], next_room[8];
    struct base_out next;
    if (once_find(once, id, &row) && now_ms - row.made_ms < ONCE_KEEP_MS)
        return once_judge(once, &row, digest, ret_answer);
    uint64_t slot = once_next(once);
    struct bytes slot_key = once_slot_key(once, slot, slot_room);
    struct store_kv_batch *batch = store_kv_batch_new(once->kv);
    once_evict(once, batch, slot_key, slot, now_ms);
    row = (struct once_row){.state = ONCE_BEGUN,
                            .made_ms = now_ms,
                            .boot = once->boot,
                            .slot = slot,
                            .digest = digest};
    once_put(batch, id, &row);
    store_kv_put(batch, STORE_TABLE_ONCE, slot_key, base_bytes(id, HASH));
    base_out_fixed(&next, next_room, sizeof next_room);
    base_out_u64le(&next, slot + 1);
    store_kv_put(batch, STORE_TABLE_ONCE, base_bytes_text("n"),
                 base_out_bytes(&next));
    return store_kv_commit(once->kv, batch, NULL, NULL);
}

/* --- end --- */

void
store_once_end(struct store_once *once, const uint8_t id[HASH], unsigned status,
               struct bytes type, struct bytes body)
{
    struct once_row row;
    uint8_t digest[HASH];
    if (!once_find(once, id, &row) || row.state != ONCE_BEGUN)
        return; /* the journal was cut back meanwhile: nothing is durable */
    bool keep = type.at != NULL && type.size <= STORE_ONCE_TYPE &&
                body.size <= STORE_ONCE_ANSWER;
    memcpy(digest, row.digest, HASH);
    row.digest = digest;
    row.state = keep ? ONCE_ANSWERED : ONCE_DONE;
    row.status = (uint16_t)status;
    row.type = keep ? type : (struct bytes){0};
    row.body = keep ? body : (struct bytes){0};
    struct store_kv_batch *batch = store_kv_batch_new(once->kv);
    once_put(batch, id, &row);
    (void)store_kv_commit(once->kv, batch, NULL, NULL); /* else: begun */
}

void
store_once_forget(struct store_once *once, const uint8_t id[HASH])
{
    uint8_t key[ONCE_ID_KEY];
    struct store_kv_batch *batch = store_kv_batch_new(once->kv);
    store_kv_del(batch, STORE_TABLE_ONCE, once_id_key(id, key));
    (void)store_kv_commit(once->kv, batch, NULL, NULL); /* else: begun */
}
