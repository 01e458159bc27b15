/* wire_rows_fuzz.c -- hostile rows; what is read can be written and read again
 * to the same rows. */
#include <stdlib.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "wire/rows/wire_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_COLUMNS = 300 };

struct fuzz_side {
    struct wire_rows_cell cells[WIRE_ROWS_COLUMNS];
    struct wire_rows_state state;
    struct wire_rows_room room;
};

static void
fuzz_side_init(struct fuzz_side *side)
{
    memset(side->cells, 0, sizeof side->cells);
    side->state = (struct wire_rows_state){
        .cells = side->cells,
        .stride = sizeof side->cells[0],
        .room = FUZZ_COLUMNS,
    };
}

static void
fuzz_again(struct fuzz_side *mirror, struct bytes written,
           const struct wire_rows_row *row, const struct wire_rows_room *room)
{
    struct base_cur cur;
    struct wire_rows_row again;
    base_cur_init(&cur, written);
    must(wire_rows_body_read(&cur, &mirror->state, &again, &mirror->room));
    must(base_cur_left(&cur) == 0 && again.t == row->t &&
         again.count == row->count);
    for (uint32_t i = 0; i < row->count; i++) {
        struct num a = room->values[i], b = mirror->room.values[i];
        must(room->columns[i] == mirror->room.columns[i]);
        must(a.kind == b.kind && a.mantissa == b.mantissa &&
             a.exponent == b.exponent);
    }
}

static void
fuzz_rows(struct bytes input)
{
    struct fuzz_side *sides = base_mem_new(3 * sizeof *sides);
    for (unsigned i = 0; i < 3; i++)
        fuzz_side_init(&sides[i]);
    struct base_out out;
    base_out_grow(&out, 1 << 20);
    struct base_cur cur;
    struct wire_rows_row row;
    base_cur_init(&cur, input);
    while (wire_rows_read(&cur, &sides[0].state, &row, &sides[0].room)) {
        base_out_reset(&out);
        wire_rows_body_write(&out, &sides[1].state, row.group & 1, row.t,
                             sides[0].room.columns, sides[0].room.values,
                             row.count);
        fuzz_again(&sides[2], base_out_bytes(&out), &row, &sides[0].room);
    }
    base_out_done(&out);
    base_mem_free(sides);
}

static void
fuzz_names(struct bytes input)
{
    struct base_cur cur;
    struct wire_rows_group *group = base_mem_zero(sizeof *group);
    struct wire_rows_drop *drop = base_mem_zero(sizeof *drop);
    struct wire_rows_column column;
    struct base_out out;
    base_out_grow(&out, 1 << 20);
    base_cur_init(&cur, input);
    if (wire_rows_group_read(&cur, group))
        wire_rows_group_write(&out, group);
    base_cur_init(&cur, input);
    if (wire_rows_column_read(&cur, &column)) {
        base_out_reset(&out);
        wire_rows_column_write(&out, &column);
        must(out.size == base_cur_offset(&cur) &&
             memcmp(out.at, input.at, out.size) == 0);
    }
    base_cur_init(&cur, input);
    if (wire_rows_drop_read(&cur, drop))
        wire_rows_drop_write(&out, drop);
    base_out_done(&out);
    base_mem_free(drop);
    base_mem_free(group);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_rows(base_bytes(data, size));
    fuzz_names(base_bytes(data, size));
    return 0;
}
