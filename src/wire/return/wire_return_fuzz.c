/* wire_return_fuzz.c -- what is read is written back as it was. */
#include "base/base_must.h"
#include "wire/return/wire_return.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[WIRE_RETURN_MAX];
    static struct wire_return ret;
    static struct wire_return_receipt receipt;
    struct bytes from = base_bytes(data, size);
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    if (wire_return_read(from, &ret) == ERR_OK) {
        wire_return_write(&out, &ret);
        base_out_bytes_add(&out, ret.signature);
        must(base_bytes_equal(base_out_bytes(&out), from));
        base_out_reset(&out);
    }
    if (wire_return_receipt_read(from, &receipt) == ERR_OK) {
        wire_return_receipt_write(&out, &receipt);
        base_out_bytes_add(&out, receipt.signature);
        must(base_bytes_equal(base_out_bytes(&out), from));
    }
    return 0;
}
