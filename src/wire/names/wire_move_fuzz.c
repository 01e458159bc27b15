/* wire_move_fuzz.c -- a bundle that is read is written back to the same bytes.
 */
#include <stdlib.h>

#include "wire/names/wire_move.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t room[1 << 20];

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = base_bytes(data, size), row;
    struct wire_move move;
    struct base_out out;
    if (size > sizeof room || wire_move_read(input, &move) != ERR_OK)
        return 0;
    base_out_fixed(&out, room, sizeof room);
    wire_move_write_head(&out, &move);
    struct wire_move rest = move;
    while (wire_move_next(&rest, &row))
        wire_move_write_row(&out, row);
    wire_move_write_tail(&out, &move);
    if (!base_bytes_equal(base_out_bytes(&out), move.covered))
        abort();
    wire_move_write_signature(&out, move.signature);
    if (!base_bytes_equal(base_out_bytes(&out), input))
        abort();
    return 0;
}
