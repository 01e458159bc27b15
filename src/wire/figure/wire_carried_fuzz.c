/* wire_carried_fuzz.c -- what is read is written back to the same bytes. */
#include <stdlib.h>

#include "wire/figure/wire_carried.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t room[1 << 20];

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = base_bytes(data, size);
    struct wire_carried row;
    struct base_cur cur;
    struct base_out out;
    uint32_t epoch;
    if (size > sizeof room || wire_carried_open(input, &epoch, &cur) != ERR_OK)
        return 0;
    base_out_fixed(&out, room, sizeof room);
    wire_carried_begin(&out, epoch);
    while (wire_carried_next(&cur, &row))
        wire_carried_add(&out, &row);
    if (!base_bytes_equal(base_out_bytes(&out), input))
        abort();
    return 0;
}
