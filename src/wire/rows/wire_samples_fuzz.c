/* wire_samples_fuzz.c -- what open takes is walked to its end; each row that is
 * read names columns that are there. */
#include <stdlib.h>

#include "wire/rows/wire_samples.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wire_samples_unit unit;
static struct wire_samples_room room;

static void
fuzz_unit(struct base_cur *cur)
{
    struct base_cur rows;
    struct bytes pack;
    uint32_t window, windows = unit.window_count;
    while (wire_samples_window(&unit, &pack, &window))
        windows--;
    if (windows != 0)
        abort();
    while (wire_samples_block(cur, &unit, &room, &rows)) {
        while (wire_samples_row(&rows, &room))
            if (room.values.columns[room.row.count - 1] >= unit.count)
                abort();
        if (!base_cur_ok(&rows))
            abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct base_cur cur;
    if (wire_samples_open(base_bytes(data, size), &unit, &room, &cur) != ERR_OK)
        return 0;
    while (wire_samples_unit_next(&cur, &unit))
        fuzz_unit(&cur);
    if (!base_cur_ok(&cur) || base_cur_left(&cur) > 0)
        abort();
    return 0;
}
