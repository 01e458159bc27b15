/* store_audit_send.c -- see store_audit_send.h. */
#include "store/store_audit_send.h"

#include "base/base_cur.h"
#include "base/base_mem.h"

enum { SEND_AGAIN_MS = 10000, SEND_KEY = 8, SEND_PUBLIC = 255 };

static struct bytes
send_key(uint64_t size, uint8_t to[SEND_KEY])
{
    struct base_out out;
    base_out_fixed(&out, to, SEND_KEY);
    base_out_u64be(&out, size);
    return base_out_bytes(&out);
}

/* The head sent last; size 0: none. */
static struct wire_head
send_last(struct store_audit_send *send)
{
    uint8_t last[SEND_KEY];
    struct bytes key, value;
    struct wire_head head = {0};
    if (store_kv_last(store_kv_now(send->audit->config.kv),
                      STORE_TABLE_AUDIT_HEAD, (struct bytes){0},
                      send_key(UINT64_MAX, last), &key, &value) == ERR_OK &&
        wire_head_read(value, &head) != ERR_OK)
        head = (struct wire_head){0};
    return head;
}

static enum err
send_post(struct store_audit_send *send, const struct wire_head *head,
          struct bytes message)
{
    struct model_port *port = send->port;
    struct store_kv *kv = send->audit->config.kv;
    uint8_t key[SEND_KEY], row[WIRE_HEAD_SIZE];
    struct base_out out;
    base_out_fixed(&out, row, sizeof row);
    wire_head_write(head, &out);
    struct store_kv_batch *batch = store_kv_batch_new(kv);
    store_kv_put(batch, STORE_TABLE_AUDIT_HEAD, send_key(head->size, key),
                 base_out_bytes(&out));
    enum err err =
        port->ops->post(port, MODEL_CHANNEL_AUDIT, MODEL_KIND_AUDIT_HEAD,
                        (struct bytes){0}, message, batch);
    if (err == ERR_OK)
        return store_kv_commit(kv, batch, NULL, NULL);
    store_kv_batch_free(batch);
    return err;
}

static enum err
send_head(struct store_audit_send *send, uint64_t first)
{
    uint8_t path_room[WIRE_HEAD_PATH_MAX], key_room[SEND_PUBLIC];
    uint8_t room[WIRE_HEAD_MESSAGE_MAX];
    struct base_out path, public_der, out;
    struct wire_head_message message = {.epoch = send->epoch(send->epoch_self),
                                        .first = first};
    base_out_fixed(&path, path_room, sizeof path_room);
    base_out_fixed(&public_der, key_room, sizeof key_room);
    base_out_fixed(&out, room, sizeof room);
    enum err err = store_audit_head(send->audit, &message.head);
    if (err == ERR_OK)
        err = store_audit_consistency(send->audit, first, message.head.size,
                                      &path);
    if (err == ERR_OK)
        err = crypt_key_public(send->audit->config.key, &public_der);
    if (err != ERR_OK)
        return err;
    message.path = base_out_bytes(&path);
    message.public_der = base_out_bytes(&public_der);
    wire_head_message_write(&message, &out);
    return out.failed != ERR_OK
               ? out.failed
               : send_post(send, &message.head, base_out_bytes(&out));
}

static void
send_look(struct store_audit_send *send)
{
    struct base_loop *loop = send->audit->config.loop;
    uint64_t size = store_audit_size(send->audit);
    struct wire_head last = send_last(send);
    int64_t left = last.time_ms + send->every_ms - base_loop_wall(loop).ms;
    base_loop_timer_clear(loop, &send->timer);
    if (size <= last.size)
        return;
    if (size - last.size < send->entries && left > 0 &&
        left <= send->every_ms) {
        base_loop_timer(loop, &send->timer, left);
        return;
    }
    if (send_head(send, last.size) != ERR_OK)
        base_loop_timer(loop, &send->timer, SEND_AGAIN_MS);
}

static void
send_timer(struct base_timer *timer)
{
    send_look(BASE_OUTER(timer, struct store_audit_send, timer));
}

static void
send_task(struct base_task *task)
{
    send_look(BASE_OUTER(task, struct store_audit_send, task));
}

/* In a task of its own: whoever appends may have a batch open. */
static void
send_grown(void *self)
{
    struct store_audit_send *send = self;
    base_loop_post(send->audit->config.loop, &send->task);
}

void
store_audit_send_start(struct store_audit_send *send)
{
    send->timer.fn = send_timer;
    send->task.fn = send_task;
    send->audit->grown = send_grown;
    send->audit->grown_self = send;
    send_grown(send);
}

struct send_walk {
    bool (*fn)(void *self, const struct wire_head *head);
    void *self;
};

static bool
send_walk(void *self, struct bytes key, struct bytes value)
{
    struct send_walk *walk = self;
    struct wire_head head;
    (void)key;
    return wire_head_read(value, &head) != ERR_OK ||
           walk->fn(walk->self, &head);
}

enum err
store_audit_send_list(struct store_audit *audit, uint64_t from, unsigned limit,
                      bool (*fn)(void *self, const struct wire_head *head),
                      void *self)
{
    struct send_walk walk = {fn, self};
    uint8_t key[SEND_KEY];
    enum err err = store_kv_scan(
        store_kv_now(audit->config.kv), STORE_TABLE_AUDIT_HEAD,
        (struct bytes){0}, send_key(from, key), limit, send_walk, &walk, NULL);
    return err == ERR_ABSENT || err == ERR_AGAIN ? ERR_OK : err;
}
