/* wire_frame.c -- frames and message heads, read strictly. */
#include "wire/frame/wire_frame.h"

#include "base/base_hash.h"

/* What each type may carry; a zero bit means "must be 0". */
static const struct wire_frame_rule {
    bool channel, kind, seq;
    uint8_t flags;
} wire_frame_rules[WIRE_FRAME_TYPES] = {
    [WIRE_FRAME_DATA] = {true, true, true, 31},
    [WIRE_FRAME_ACK] = {true, false, true,
                        WIRE_FRAME_RESEND | WIRE_FRAME_ERROR},
    [WIRE_FRAME_CREDIT] = {true, false, false, 0},
    [WIRE_FRAME_WANT] = {true, false, false, 0},
    [WIRE_FRAME_CANCEL] = {true, false, true, 0},
};

static bool
frame_fits(const struct wire_frame *frame)
{
    if (frame->type < WIRE_FRAME_HELLO || frame->type >= WIRE_FRAME_TYPES)
        return false;
    const struct wire_frame_rule *rule = &wire_frame_rules[frame->type];
    return (rule->channel || frame->channel == 0) &&
           (rule->kind || frame->kind == 0) && (rule->seq || frame->seq == 0) &&
           (frame->flags & ~rule->flags) == 0 &&
           (frame->type != WIRE_FRAME_DATA ||
            (frame->flags & WIRE_FRAME_ERROR) == 0 ||
            (frame->flags & WIRE_FRAME_REPLY) != 0);
}

enum err
wire_frame_read(struct bytes data, struct wire_frame *ret_frame,
                size_t *ret_size)
{
    if (data.size < WIRE_FRAME_HEAD)
        return ERR_AGAIN;
    struct base_cur cur;
    base_cur_init(&cur, data);
    struct wire_frame frame = {
        .type = base_cur_u8(&cur),
        .channel = base_cur_u8(&cur),
        .kind = base_cur_u8(&cur),
        .flags = base_cur_u8(&cur),
    };
    uint32_t size = base_cur_u32le(&cur);
    frame.seq = base_cur_u64le(&cur);
    if (!frame_fits(&frame))
        return ERR_SYNTAX;
    if (size > WIRE_FRAME_BODY_MAX)
        return ERR_BIG;
    if (base_cur_left(&cur) < size)
        return ERR_AGAIN;
    frame.body = base_cur_take(&cur, size);
    *ret_frame = frame;
    *ret_size = base_cur_offset(&cur);
    return ERR_OK;
}

void
wire_frame_write(struct base_out *out, const struct wire_frame *frame)
{
    base_out_u8(out, frame->type);
    base_out_u8(out, frame->channel);
    base_out_u8(out, frame->kind);
    base_out_u8(out, frame->flags);
    base_out_u32le(out, (uint32_t)frame->body.size);
    base_out_u64le(out, frame->seq);
    base_out_bytes_add(out, frame->body);
}

enum err
wire_frame_message_read(struct bytes data,
                        struct wire_frame_message *ret_message)
{
    struct base_cur cur;
    base_cur_init(&cur, data);
    struct wire_frame_message message = {
        .body_size = base_cur_u32le(&cur),
        .crc = base_cur_u32le(&cur),
        .left_ms = base_cur_u32le(&cur),
    };
    uint8_t from_size = base_cur_u8(&cur), to_size = base_cur_u8(&cur);
    message.version = base_cur_u16le(&cur);
    message.from = base_cur_take(&cur, from_size);
    message.to = base_cur_take(&cur, to_size);
    if (!base_cur_ok(&cur))
        return cur.failed;
    if (from_size > WIRE_FRAME_NAME_MAX || to_size > WIRE_FRAME_NAME_MAX)
        return ERR_BIG;
    message.body = base_cur_rest(&cur);
    if (message.body.size > message.body_size)
        return ERR_SYNTAX;
    *ret_message = message;
    return ERR_OK;
}

void
wire_frame_message_write(struct base_out *out,
                         const struct wire_frame_message *message)
{
    base_out_u32le(out, (uint32_t)message->body.size);
    base_out_u32le(out, message->crc);
    base_out_u32le(out, message->left_ms);
    base_out_u8(out, (uint8_t)message->from.size);
    base_out_u8(out, (uint8_t)message->to.size);
    base_out_u16le(out, message->version);
    base_out_bytes_add(out, message->from);
    base_out_bytes_add(out, message->to);
    base_out_bytes_add(out, message->body);
}

uint32_t
wire_frame_message_crc(uint8_t kind, const struct wire_frame_message *message)
{
    uint32_t crc = base_hash_crc32c(0, base_bytes(&kind, 1));
    crc = base_hash_crc32c(crc, message->from);
    crc = base_hash_crc32c(crc, message->to);
    return base_hash_crc32c(crc, message->body);
}
