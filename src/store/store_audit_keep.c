/* store_audit_keep.c -- see store_audit_keep.h. */
#include "store/store_audit_keep.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/base_cur.h"

enum {
    KEEP_VERSION = 1,
    KEEP_CHILD = 255,
    KEEP_KEY = KEEP_CHILD + 1 + 8,
    KEEP_ROW = 1 + 1 + 4 + 8 + WIRE_HEAD_SIZE + 255,
    KEEP_ALERT = 300,
};

static struct bytes
keep_key(struct bytes child, uint64_t number, uint8_t to[KEEP_KEY])
{
    struct base_out out;
    base_bytes_fold(child, to);
    base_out_fixed(&out, to + child.size, 1 + 8);
    base_out_u8(&out, 0);
    base_out_u64be(&out, number);
    return base_bytes(to, child.size + out.size);
}

static enum err
keep_read(struct bytes key, struct bytes value,
          struct store_audit_kept *ret_kept)
{
    struct base_cur cur;
    base_cur_init(&cur, base_bytes_slice(key, key.size - 8, 8));
    ret_kept->number = base_cur_u64be(&cur);
    base_cur_init(&cur, value);
    uint8_t version = base_cur_u8(&cur);
    ret_kept->state = (enum store_audit_keep_state)base_cur_u8(&cur);
    ret_kept->epoch = base_cur_u32be(&cur);
    ret_kept->kept_ms = (int64_t)base_cur_u64be(&cur);
    enum err err =
        wire_head_read(base_cur_take(&cur, WIRE_HEAD_SIZE), &ret_kept->head);
    ret_kept->public_der = base_cur_rest(&cur);
    if (!base_cur_ok(&cur) || err != ERR_OK)
        return ERR_CORRUPT;
    return version == KEEP_VERSION ? ERR_OK : ERR_VERSION;
}

/* ABSENT: none. */
static enum err
keep_last(struct store_audit_keep *keep, struct bytes child,
          struct store_audit_kept *ret_kept)
{
    uint8_t room[KEEP_KEY];
    struct bytes at = keep_key(child, UINT64_MAX, room), key, value;
    struct bytes all = base_bytes_slice(at, 0, child.size + 1);
    enum err err = store_kv_last(store_kv_now(keep->kv), STORE_TABLE_AUDIT_KEPT,
                                 all, at, &key, &value);
    return err == ERR_OK ? keep_read(key, value, ret_kept) : err;
}

static void
keep_put(struct store_audit_keep *keep, struct bytes child,
         const struct wire_head_message *message, uint64_t number,
         enum store_audit_keep_state state, struct store_kv_batch *batch)
{
    uint8_t key[KEEP_KEY], room[KEEP_ROW];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    base_out_u8(&out, KEEP_VERSION);
    base_out_u8(&out, (uint8_t)state);
    base_out_u32be(&out, message->epoch);
    base_out_u64be(&out, (uint64_t)base_loop_wall(keep->loop).ms);
    wire_head_write(&message->head, &out);
    base_out_bytes_add(&out, message->public_der);
    store_kv_put(batch, STORE_TABLE_AUDIT_KEPT, keep_key(child, number, key),
                 base_out_bytes(&out));
    if (number > STORE_AUDIT_KEEP_HEADS)
        store_kv_del(batch, STORE_TABLE_AUDIT_KEPT,
                     keep_key(child, number - STORE_AUDIT_KEEP_HEADS, key));
}

static void
keep_alert(struct store_audit_keep *keep, const char *event, struct bytes child,
           const struct wire_head_message *message,
           const struct store_audit_kept *last)
{
    char text[KEEP_ALERT];
    snprintf(text, sizeof text,
             "class=3 child=%.*s size=%" PRIu64 " epoch=%" PRIu32
             " kept_size=%" PRIu64 " kept_epoch=%" PRIu32,
             (int)child.size, (const char *)child.at, message->head.size,
             message->epoch, last ? last->head.size : 0,
             last ? last->epoch : 0);
    keep->alert(keep->self, event, text);
}

/* --- judging --- */

static bool
keep_signed(const struct wire_head_message *message)
{
    uint8_t text[WIRE_HEAD_SIGNED];
    wire_head_signed(&message->head, text);
    return crypt_key_verify(message->public_der, base_bytes(text, sizeof text),
                            base_bytes(message->head.signature,
                                       sizeof message->head.signature)) ==
           ERR_OK;
}

static bool
keep_continues(const struct wire_head_message *message,
               const struct store_audit_kept *last)
{
    return crypt_merkle_consistent(last->head.size, message->head.size,
                                   last->head.root, message->head.root,
                                   message->path);
}

/* Against the one kept last, of the same epoch. */
static enum store_audit_keep_state
keep_judge(const struct wire_head_message *message,
           const struct store_audit_kept *last)
{
    if (last->state == STORE_AUDIT_KEEP_FORK ||
        message->head.size < last->head.size)
        return STORE_AUDIT_KEEP_FORK;
    if (message->head.size == last->head.size)
        return memcmp(message->head.root, last->head.root,
                      sizeof last->head.root) == 0
                   ? STORE_AUDIT_KEEP_PROVEN
                   : STORE_AUDIT_KEEP_FORK;
    if (message->first != last->head.size)
        return STORE_AUDIT_KEEP_UNPROVEN;
    return keep_continues(message, last) ? STORE_AUDIT_KEEP_PROVEN
                                         : STORE_AUDIT_KEEP_FORK;
}

static enum store_audit_keep_state
keep_judge_epoch(const struct wire_head_message *message,
                 const struct store_audit_kept *last)
{
    if (message->epoch == last->epoch)
        return keep_judge(message, last);
    return message->first == last->head.size &&
                   last->state != STORE_AUDIT_KEEP_FORK &&
                   keep_continues(message, last)
               ? STORE_AUDIT_KEEP_PROVEN
               : STORE_AUDIT_KEEP_RESTARTED;
}

/* The evidence of a fork stays, though the head is refused; once per epoch. */
static void
keep_evidence(struct store_audit_keep *keep, struct bytes child,
              const struct wire_head_message *message,
              const struct store_audit_kept *last)
{
    struct store_kv_batch *batch;
    keep_alert(keep, "audit_fork", child, message, last);
    if (last->state == STORE_AUDIT_KEEP_FORK)
        return;
    batch = store_kv_batch_new(keep->kv);
    keep_put(keep, child, message, last->number + 1, STORE_AUDIT_KEEP_FORK,
             batch);
    store_kv_commit(keep->kv, batch, NULL, NULL); /* the alert says it too */
}

static enum err
keep_take(struct store_audit_keep *keep, struct bytes child,
          const struct wire_head_message *message, struct store_kv_batch *batch)
{
    struct store_audit_kept last;
    enum err err = keep_last(keep, child, &last);
    if (err != ERR_OK && err != ERR_ABSENT)
        return err;
    const struct store_audit_kept *known = err == ERR_OK ? &last : NULL;
    if (known && message->epoch < last.epoch)
        return ERR_STALE;
    bool same_key = !known || message->epoch > last.epoch ||
                    base_bytes_equal(message->public_der, last.public_der);
    if (!same_key || !keep_signed(message)) {
        keep_alert(keep, "audit_key", child, message, known);
        return ERR_DENIED;
    }
    enum store_audit_keep_state state =
        known ? keep_judge_epoch(message, known) : STORE_AUDIT_KEEP_FIRST;
    if (state == STORE_AUDIT_KEEP_FORK) {
        keep_evidence(keep, child, message, known);
        return ERR_CONFLICT;
    }
    keep_put(keep, child, message, known ? last.number + 1 : 1, state, batch);
    if (state == STORE_AUDIT_KEEP_UNPROVEN)
        keep_alert(keep, "audit_unproven", child, message, known);
    if (state == STORE_AUDIT_KEEP_RESTARTED)
        keep_alert(keep, "audit_restarted", child, message, known);
    return ERR_OK;
}

enum model_took
store_audit_keep_take(void *engine, const struct model_message *message,
                      struct store_kv_batch *batch, enum err *ret_code)
{
    struct wire_head_message head;
    enum err err = wire_head_message_read(message->body, &head);
    if (err == ERR_OK && message->from.size > KEEP_CHILD)
        err = ERR_NAME;
    if (err == ERR_OK)
        err = keep_take(engine, message->from, &head, batch);
    *ret_code = err;
    return err == ERR_OK ? MODEL_TOOK_OK : MODEL_TOOK_REFUSED;
}

/* --- reading --- */

struct keep_walk {
    bool (*fn)(void *self, const struct store_audit_kept *kept);
    void *self;
};

static bool
keep_walk(void *self, struct bytes key, struct bytes value)
{
    struct keep_walk *walk = self;
    struct store_audit_kept kept;
    return keep_read(key, value, &kept) != ERR_OK ||
           walk->fn(walk->self, &kept);
}

enum err
store_audit_keep_list(struct store_audit_keep *keep, struct bytes child,
                      uint64_t from, unsigned limit,
                      bool (*fn)(void *self,
                                 const struct store_audit_kept *kept),
                      void *self)
{
    struct keep_walk walk = {fn, self};
    uint8_t room[KEEP_KEY];
    if (child.size == 0 || child.size > KEEP_CHILD)
        return ERR_NAME;
    struct bytes at = keep_key(child, from, room);
    enum err err = store_kv_scan(store_kv_now(keep->kv), STORE_TABLE_AUDIT_KEPT,
                                 base_bytes_slice(at, 0, child.size + 1), at,
                                 limit, keep_walk, &walk, NULL);
    return err == ERR_ABSENT || err == ERR_AGAIN ? ERR_OK : err;
}
