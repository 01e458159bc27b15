/* wire_head.c -- see wire_head.h. */
#include "wire/audit/wire_head.h"

#include "base/base_cur.h"

enum { HEAD_VERSION = 1 };

static void
head_facts(const struct wire_head *head, struct base_out *out)
{
    base_out_u64be(out, head->size);
    base_out_u64be(out, (uint64_t)head->time_ms);
    base_out_bytes_add(out, base_bytes(head->root, sizeof head->root));
}

void
wire_head_signed(const struct wire_head *head, uint8_t to[WIRE_HEAD_SIGNED])
{
    static const uint8_t domain[8] = "DGSTH1";
    struct base_out out;
    base_out_fixed(&out, to, WIRE_HEAD_SIGNED);
    base_out_bytes_add(&out, base_bytes(domain, sizeof domain));
    head_facts(head, &out);
}

void
wire_head_write(const struct wire_head *head, struct base_out *out)
{
    head_facts(head, out);
    base_out_bytes_add(out,
                       base_bytes(head->signature, sizeof head->signature));
}

static struct wire_head
head_take(struct base_cur *cur)
{
    struct wire_head head = {0};
    head.size = base_cur_u64be(cur);
    head.time_ms = (int64_t)base_cur_u64be(cur);
    struct bytes root = base_cur_take(cur, sizeof head.root);
    struct bytes signature = base_cur_take(cur, sizeof head.signature);
    if (base_cur_ok(cur)) {
        memcpy(head.root, root.at, root.size);
        memcpy(head.signature, signature.at, signature.size);
    }
    return head;
}

enum err
wire_head_read(struct bytes from, struct wire_head *ret_head)
{
    struct base_cur cur;
    if (from.size > WIRE_HEAD_SIZE)
        return ERR_BIG;
    base_cur_init(&cur, from);
    struct wire_head head = head_take(&cur);
    if (base_cur_ok(&cur))
        *ret_head = head;
    return cur.failed;
}

void
wire_head_message_write(const struct wire_head_message *message,
                        struct base_out *out)
{
    base_out_u8(out, HEAD_VERSION);
    base_out_u32be(out, message->epoch);
    wire_head_write(&message->head, out);
    base_out_u64be(out, message->first);
    base_out_u8(out, (uint8_t)message->public_der.size);
    base_out_bytes_add(out, message->public_der);
    base_out_bytes_add(out, message->path);
}

enum err
wire_head_message_read(struct bytes from, struct wire_head_message *ret_message)
{
    struct wire_head_message message = {0};
    struct base_cur cur;
    base_cur_init(&cur, from);
    uint8_t version = base_cur_u8(&cur);
    if (base_cur_ok(&cur) && version != HEAD_VERSION)
        return ERR_VERSION;
    message.epoch = base_cur_u32be(&cur);
    message.head = head_take(&cur);
    message.first = base_cur_u64be(&cur);
    message.public_der = base_cur_take(&cur, base_cur_u8(&cur));
    message.path = base_cur_rest(&cur);
    if (!base_cur_ok(&cur))
        return cur.failed;
    if (message.path.size > WIRE_HEAD_PATH_MAX)
        return ERR_BIG;
    if (message.path.size % 32 != 0 || message.first > message.head.size)
        return ERR_SYNTAX;
    *ret_message = message;
    return ERR_OK;
}
