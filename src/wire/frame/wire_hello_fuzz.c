/* wire_hello_fuzz.c -- HELLO bodies: an accepted one is written back as the
 * same bytes. */
#include "base/base_must.h"
#include "wire/frame/wire_frame.h"
#include "wire/frame/wire_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[1 << 18];
    struct wire_hello hello;
    struct bytes body = base_bytes(data, size);
    if (wire_hello_read(body, &hello) != ERR_OK)
        return 0;
    must(hello.prefix.size > 0 && hello.prefix.size <= WIRE_FRAME_NAME_MAX);
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    wire_hello_write(&out, &hello);
    must(base_bytes_equal(base_out_bytes(&out), body));
    return 0;
}
