/* wire_head_fuzz.c -- a message that is read is written back as it was. */
#include "base/base_must.h"
#include "wire/audit/wire_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_head_message message;
    struct wire_head head;
    uint8_t room[WIRE_HEAD_MESSAGE_MAX];
    struct bytes from = base_bytes(data, size);
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    if (wire_head_message_read(from, &message) == ERR_OK) {
        wire_head_message_write(&message, &out);
        must(base_out_ok(&out));
        must(base_bytes_equal(base_out_bytes(&out), from));
        base_out_reset(&out);
    }
    if (wire_head_read(from, &head) == ERR_OK) {
        wire_head_write(&head, &out);
        must(base_bytes_equal(base_out_bytes(&out), from));
    }
    return 0;
}
