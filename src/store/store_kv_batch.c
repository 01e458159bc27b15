/* store_kv_batch.c -- a batch is encoded once: what is appended to the journal
 * is what is applied, now and at replay.
 *
 *   body     owner u8, version u8, then operations
 *   put      1 u8, table u16 LE, varint key size, key, varint value size, value
 *   del      2 u8, table u16 LE, varint key size, key
 *   expects  (never stored) table u16 LE, varint key size, key, there u8,
 *            varint value size, value */
#include "store/store_kv_private.h"

#include "base/base_cur.h"
#include "base/base_mem.h"

enum {
    OP_PUT = 1,
    OP_DEL = 2,
    EXPECTS = 16 << 20,
    PAGE = 4096,
    PAGES_PATH = 4, /* leaf, branches, and a split now and then */
};

struct store_kv_batch *
store_kv_batch_new(struct store_kv *kv)
{
    struct store_kv_batch *batch = kv->spare;
    kv->spare = NULL;
    if (!batch) {
        batch = base_mem_zero(sizeof *batch);
        batch->kv = kv;
        base_out_grow(&batch->body, STORE_KV_BATCH);
        base_out_grow(&batch->expects, EXPECTS);
    }
    batch->id = ++kv->batches;
    base_out_u8(&batch->body, kv->config.owner);
    base_out_u8(&batch->body, STORE_KV_BODY_VERSION);
    return batch;
}

static void
batch_done(struct store_kv_batch *batch)
{
    base_out_done(&batch->body);
    base_out_done(&batch->expects);
    base_mem_free(batch);
}

/* One is kept, with its buffers. */
void
store_kv_batch_free(struct store_kv_batch *batch)
{
    if (!batch)
        return;
    struct store_kv *kv = batch->kv;
    if (kv->spare) {
        batch_done(batch);
        return;
    }
    base_out_reset(&batch->body);
    base_out_reset(&batch->expects);
    batch->body.failed = batch->expects.failed = ERR_OK;
    batch->puts = batch->dels = 0;
    batch->pages = 0;
    batch->failed = ERR_OK;
    kv->spare = batch;
}

void
store_kv_batch_drop_spare(struct store_kv *kv)
{
    if (kv->spare)
        batch_done(kv->spare);
    kv->spare = NULL;
}

/* Pages that a put of this value may touch. */
static uint64_t
batch_pages(size_t value_size)
{
    return PAGES_PATH + (value_size > PAGE / 4 ? value_size / PAGE + 2 : 0);
}

uint64_t
store_kv_batch_id(const struct store_kv_batch *batch)
{
    return batch->id;
}

size_t
store_kv_batch_size(const struct store_kv_batch *batch)
{
    return batch->body.size;
}

static bool
batch_fits(struct store_kv_batch *batch, struct bytes key, struct bytes value)
{
    enum err err = ERR_OK;
    if (key.size == 0 || key.size > STORE_KV_KEY)
        err = ERR_LIMIT;
    else if (value.size > STORE_KV_VALUE)
        err = ERR_BIG;
    if (batch->failed == ERR_OK)
        batch->failed = err;
    return batch->failed == ERR_OK;
}

static void
batch_bytes(struct base_out *out, struct bytes bytes)
{
    base_out_varint(out, bytes.size);
    base_out_bytes_add(out, bytes);
}

static void
batch_stick(struct store_kv_batch *batch)
{
    if (batch->failed == ERR_OK)
        batch->failed = batch->body.failed;
    if (batch->failed == ERR_OK)
        batch->failed = batch->expects.failed;
}

void
store_kv_batch_put(struct store_kv_batch *batch, uint16_t table,
                   struct bytes key, struct bytes value)
{
    if (!batch_fits(batch, key, value))
        return;
    base_out_u8(&batch->body, OP_PUT);
    base_out_u16le(&batch->body, table);
    batch_bytes(&batch->body, key);
    batch_bytes(&batch->body, value);
    batch->puts++;
    batch->pages += batch_pages(value.size);
    batch_stick(batch);
}

void
store_kv_batch_del(struct store_kv_batch *batch, uint16_t table,
                   struct bytes key)
{
    if (!batch_fits(batch, key, base_bytes(NULL, 0)))
        return;
    base_out_u8(&batch->body, OP_DEL);
    base_out_u16le(&batch->body, table);
    batch_bytes(&batch->body, key);
    batch->dels++;
    batch->pages += PAGES_PATH;
    batch_stick(batch);
}

void
store_kv_batch_expect(struct store_kv_batch *batch, uint16_t table,
                      struct bytes key, struct bytes value)
{
    if (!batch_fits(batch, key, value))
        return;
    base_out_u16le(&batch->expects, table);
    batch_bytes(&batch->expects, key);
    base_out_u8(&batch->expects, value.at != NULL);
    batch_bytes(&batch->expects, value);
    batch_stick(batch);
}

MDB_val
store_kv_batch_key(uint16_t table, struct bytes key,
                   uint8_t to[STORE_KV_FULL_KEY])
{
    to[0] = (uint8_t)(table >> 8);
    to[1] = (uint8_t)table;
    if (key.size)
        memcpy(to + 2, key.at, key.size);
    return (MDB_val){2 + key.size, to};
}

static struct bytes
batch_take(struct base_cur *cur)
{
    uint64_t size = base_cur_varint(cur);
    if (size > base_cur_left(cur)) {
        base_cur_fail(cur, ERR_SHORT);
        size = 0;
    }
    return base_cur_take(cur, (size_t)size);
}

enum err
store_kv_batch_check(struct store_kv_batch *batch)
{
    struct store_kv *kv = batch->kv;
    struct base_cur cur;
    uint8_t room[STORE_KV_FULL_KEY];
    base_cur_init(&cur, base_out_bytes(&batch->expects));
    while (base_cur_left(&cur) > 0) {
        uint16_t table = base_cur_u16le(&cur);
        struct bytes key = batch_take(&cur);
        bool there = base_cur_u8(&cur);
        struct bytes value = batch_take(&cur);
        MDB_val found, at = store_kv_batch_key(table, key, room);
        enum err err =
            store_kv_env_error(mdb_get(kv->txn, kv->dbi, &at, &found));
        if (err != ERR_OK && err != ERR_ABSENT)
            return err;
        if (there != (err == ERR_OK) ||
            (there && !base_bytes_equal(
                          value, base_bytes(found.mv_data, found.mv_size))))
            return ERR_CONFLICT;
    }
    return ERR_OK;
}

/* One operation; its error, or that of the bytes. */
static enum err
batch_apply_one(struct store_kv *kv, struct base_cur *cur)
{
    uint8_t op = base_cur_u8(cur);
    uint16_t table = base_cur_u16le(cur);
    struct bytes key = batch_take(cur);
    struct bytes value = {NULL, 0};
    uint8_t room[STORE_KV_FULL_KEY];
    if (op == OP_PUT)
        value = batch_take(cur);
    else if (op != OP_DEL)
        return ERR_CORRUPT;
    if (!base_cur_ok(cur) || key.size == 0 || key.size > STORE_KV_KEY)
        return ERR_CORRUPT;
    MDB_val at = store_kv_batch_key(table, key, room);
    kv->puts++;
    kv->pages += batch_pages(value.size);
    if (op == OP_DEL) {
        enum err err = store_kv_env_error(mdb_del(kv->txn, kv->dbi, &at, NULL));
        return err == ERR_ABSENT ? ERR_OK : err;
    }
    MDB_val data = {value.size, (void *)(uintptr_t)value.at};
    return store_kv_env_error(mdb_put(kv->txn, kv->dbi, &at, &data, 0));
}

enum err
store_kv_batch_apply(struct store_kv *kv, struct bytes body)
{
    struct base_cur cur;
    base_cur_init(&cur, body);
    uint8_t owner = base_cur_u8(&cur);
    uint8_t version = base_cur_u8(&cur);
    if (!base_cur_ok(&cur))
        return ERR_CORRUPT;
    if (owner != kv->config.owner)
        return ERR_OK;
    if (version != STORE_KV_BODY_VERSION)
        return ERR_VERSION;
    enum err err = ERR_OK;
    while (err == ERR_OK && base_cur_left(&cur) > 0)
        err = batch_apply_one(kv, &cur);
    return err;
}
