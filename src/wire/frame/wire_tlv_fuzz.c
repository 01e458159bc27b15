/* wire_tlv_fuzz.c -- the TLVs of a HELLO: walks end, values lie in the input,
 * an accepted channel entry is written back as the same bytes. */
#include "base/base_must.h"
#include "wire/frame/wire_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
tlv_channel(struct bytes value)
{
    uint8_t room[WIRE_HELLO_CHANNEL_SIZE + 4];
    struct wire_hello_channel channel;
    if (wire_hello_channel_read(value, &channel) != ERR_OK)
        return;
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    wire_hello_channel_add(&out, &channel);
    must(
        base_bytes_equal(base_bytes(room + 4, WIRE_HELLO_CHANNEL_SIZE), value));
}

static void
tlv_lists(struct bytes value)
{
    struct base_cur cur;
    struct bytes text;
    uint64_t shape;
    base_cur_init(&cur, value);
    while (wire_hello_pack_next(&cur, &shape, &text) == ERR_OK)
        must(text.at + text.size <= value.at + value.size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct base_cur cur;
    struct bytes value;
    uint16_t type, ping_s;
    uint32_t spread_ms;
    uint64_t h;
    uint8_t channel;
    base_cur_init(&cur, base_bytes(data, size));
    while (wire_hello_next(&cur, &type, &value) == ERR_OK) {
        must(value.size <= size);
        tlv_channel(value);
        tlv_lists(value);
        wire_hello_timing_read(value, &ping_s, &spread_ms);
        wire_hello_base_read(value, &channel, &h);
    }
    return 0;
}
