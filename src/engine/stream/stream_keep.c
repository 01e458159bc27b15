/* stream_keep.c -- see stream_keep.h.
 *
 *  RETAINED  key: kind u8, name (or FF and XXH3-128 of it when > 470 B)
 *            | 0 | 1 | version 1                          |
 *            | 1 | 4 | name length, then the name         |
 *            | - | - | value, to the end                  | */
#include "engine/stream/stream_keep.h"

#include <xxhash.h>

#include "base/base_cur.h"
#include "base/base_mem.h"
#include "base/base_must.h"

enum {
    KEEP_NAME_MAX = 470,
    KEEP_KEY_MAX = KEEP_NAME_MAX + 1,
    KEEP_VALUE_MAX = 512 << 10,
    KEEP_VERSION = 1,
    KEEP_LONG = 0xFF,
    KEEP_PAGE = 1000,
};

struct stream_keep {
    struct store_kv *kv;
    struct base_loop *kv_loop, *door_loop;
};

enum err
stream_keep_new(struct store_kv *kv, struct base_loop *kv_loop,
                struct base_loop *door_loop, struct stream_keep **ret_keep)
{
    struct stream_keep *keep = base_mem_zero(sizeof *keep);
    *keep = (struct stream_keep){kv, kv_loop, door_loop};
    *ret_keep = keep;
    return ERR_OK;
}

void
stream_keep_free(struct stream_keep *keep)
{
    base_mem_free(keep);
}

static struct bytes
keep_key(enum stream_keep_kind kind, struct bytes name, uint8_t *room)
{
    struct base_out out;
    base_out_fixed(&out, room, KEEP_KEY_MAX);
    base_out_u8(&out, (uint8_t)kind);
    if (name.size <= KEEP_NAME_MAX) {
        base_out_bytes_add(&out, name);
        return base_out_bytes(&out);
    }
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(name.at, name.size));
    base_out_u8(&out, KEEP_LONG);
    base_out_bytes_add(&out,
                       base_bytes(canonical.digest, sizeof canonical.digest));
    return base_out_bytes(&out);
}

static void
keep_done(struct stream_keep_call *call, enum err err)
{
    base_out_done(&call->name);
    base_out_done(&call->value);
    call->done(call, err);
}

static void
keep_durable(struct store_journal_wait *wait, enum err err)
{
    keep_done(BASE_OUTER(wait, struct stream_keep_call, wait), err);
}

static void
keep_back(struct base_task *task)
{
    struct stream_keep_call *call =
        BASE_OUTER(task, struct stream_keep_call, task);
    keep_done(call, call->err);
}

/* On the environment's owner. */
static void
keep_commit(struct base_task *task)
{
    struct stream_keep_call *call =
        BASE_OUTER(task, struct stream_keep_call, task);
    struct stream_keep *keep = call->keep;
    uint8_t room[KEEP_KEY_MAX];
    struct bytes name = base_out_bytes(&call->name);
    struct bytes key = keep_key(call->kind, name, room);
    struct store_kv_batch *batch = store_kv_batch_new(keep->kv);
    if (call->remove)
        store_kv_del(batch, STORE_TABLE_RETAINED, key);
    else
        store_kv_put(batch, STORE_TABLE_RETAINED, key,
                     base_out_bytes(&call->value));
    call->wait.fn = keep_durable;
    call->wait.loop = keep->door_loop;
    call->err = store_kv_commit(keep->kv, batch, &call->wait, NULL);
    if (call->err == ERR_OK)
        return; /* the wait will tell */
    call->task.fn = keep_back;
    base_loop_post(keep->door_loop, &call->task);
}

void
stream_keep_put(struct stream_keep *keep, struct stream_keep_call *call,
                enum stream_keep_kind kind, struct bytes name,
                struct bytes value)
{
    call->keep = keep;
    call->kind = kind;
    call->remove = value.at == NULL;
    base_out_grow(&call->name, KEEP_VALUE_MAX);
    base_out_bytes_add(&call->name, name);
    base_out_grow(&call->value, KEEP_VALUE_MAX);
    base_out_u8(&call->value, KEEP_VERSION);
    base_out_u32le(&call->value, (uint32_t)name.size);
    base_out_bytes_add(&call->value, name);
    base_out_bytes_add(&call->value, value);
    call->task = (struct base_task){0};
    call->err = ERR_OK;
    if (base_out_ok(&call->name) && base_out_ok(&call->value)) {
        call->task.fn = keep_commit;
        base_loop_post(keep->kv_loop, &call->task);
    } else {
        call->err = ERR_BIG;
        call->task.fn = keep_back;
        base_loop_post(keep->door_loop, &call->task);
    }
}

struct keep_load {
    void (*fn)(void *self, struct bytes name, struct bytes value);
    void *self;
    enum err err;
};

static bool
keep_row(void *self, struct bytes key, struct bytes value)
{
    struct keep_load *load = self;
    struct base_cur cur;
    (void)key;
    base_cur_init(&cur, value);
    uint8_t version = base_cur_u8(&cur);
    struct bytes name = base_cur_take(&cur, base_cur_u32le(&cur));
    struct bytes rest = base_cur_rest(&cur);
    if (!base_cur_ok(&cur) || version != KEEP_VERSION) {
        load->err = base_cur_ok(&cur) ? ERR_VERSION : ERR_CORRUPT;
        return false;
    }
    load->fn(load->self, name, rest);
    return true;
}

enum err
stream_keep_load(struct stream_keep *keep, enum stream_keep_kind kind,
                 void (*fn)(void *self, struct bytes name, struct bytes value),
                 void *self)
{
    struct keep_load load = {fn, self, ERR_OK};
    uint8_t prefix[1] = {(uint8_t)kind}, rooms[2][480];
    struct bytes from = {0};
    for (unsigned turn = 0;; turn ^= 1) {
        struct base_out next;
        base_out_fixed(&next, rooms[turn], sizeof rooms[turn]);
        enum err err = store_kv_scan(
            store_kv_now(keep->kv), STORE_TABLE_RETAINED, base_bytes(prefix, 1),
            from, KEEP_PAGE, keep_row, &load, &next);
        if (load.err != ERR_OK)
            return load.err;
        if (err != ERR_AGAIN)
            return err;
        from = base_out_bytes(&next);
    }
}
