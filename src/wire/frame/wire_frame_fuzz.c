/* wire_frame_fuzz.c -- a stream of frames and the bodies in them: what is read
 * lies in the input, and is written back as the same bytes. */
#include "base/base_must.h"
#include "wire/frame/wire_frame.h"
#include "wire/frame/wire_frame_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
frame_data(const struct wire_frame *frame)
{
    struct wire_frame_message message;
    static uint8_t room[WIRE_FRAME_MAX];
    struct base_out out;
    if (wire_frame_message_read(frame->body, &message) != ERR_OK)
        return;
    wire_frame_message_crc(frame->kind, &message);
    if (message.body.size != message.body_size)
        return;
    base_out_fixed(&out, room, sizeof room);
    wire_frame_message_write(&out, &message);
    must(base_bytes_equal(base_out_bytes(&out), frame->body));
}

static void
frame_small(const struct wire_frame *frame)
{
    struct wire_frame_refused refused[WIRE_FRAME_REFUSED_MAX];
    struct wire_frame_refuse refuse;
    static uint8_t room[WIRE_FRAME_MAX];
    struct base_out out;
    uint64_t numbers[3];
    unsigned count = 0;
    if (wire_frame_body_ack_read(frame->body, frame->seq, refused, &count) ==
        ERR_OK) {
        base_out_fixed(&out, room, sizeof room);
        wire_frame_body_ack_write(&out, refused, count);
        must(base_bytes_equal(base_out_bytes(&out), frame->body));
    }
    if (wire_frame_body_refuse_read(frame->body, &refuse) == ERR_OK) {
        must(base_bytes_utf8(refuse.text));
        must(wire_frame_body_refusal(refuse.code));
        must(wire_frame_body_err(refuse.code) < ERR_COUNT);
    }
    for (count = 1; count <= 3; count++)
        must(wire_frame_body_numbers_read(frame->body, numbers, count) !=
                 ERR_OK ||
             frame->body.size == count * 8);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes left = base_bytes(data, size);
    static uint8_t room[WIRE_FRAME_MAX];
    struct wire_frame frame;
    size_t taken;
    while (wire_frame_read(left, &frame, &taken) == ERR_OK) {
        must(taken >= WIRE_FRAME_HEAD && taken <= left.size);
        struct base_out out;
        base_out_fixed(&out, room, sizeof room);
        wire_frame_write(&out, &frame);
        must(
            base_bytes_equal(base_out_bytes(&out), base_bytes(left.at, taken)));
        if (frame.type == WIRE_FRAME_DATA)
            frame_data(&frame);
        else
            frame_small(&frame);
        left = base_bytes(left.at + taken, left.size - taken);
    }
    return 0;
}
