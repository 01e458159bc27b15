/* wire_samples.c -- see wire_samples.h. */
#include "wire/rows/wire_samples.h"

enum { SAMPLES_VERSION = 1 };

static void
samples_text_write(struct base_out *out, struct bytes text)
{
    if (text.size > UINT8_MAX && base_out_ok(out))
        out->failed = ERR_BIG;
    base_out_u8(out, (uint8_t)text.size);
    base_out_bytes_add(out, text);
}

void
wire_samples_begin(struct base_out *out)
{
    base_out_u8(out, SAMPLES_VERSION);
}

void
wire_samples_unit_write(struct base_out *out,
                        const struct wire_samples_unit *unit)
{
    samples_text_write(out, unit->id);
    base_out_u16le(out, (uint16_t)unit->count);
    for (unsigned i = 0; i < unit->count; i++)
        samples_text_write(out, unit->metrics[i]);
    base_out_u32le(out, unit->window_count);
}

void
wire_samples_window_write(struct base_out *out, struct bytes pack,
                          uint32_t window)
{
    samples_text_write(out, pack);
    base_out_u32le(out, window);
}

void
wire_samples_block_write(struct base_out *out, struct bytes rows)
{
    base_out_u32le(out, (uint32_t)rows.size);
    base_out_bytes_add(out, rows);
}

static struct bytes
samples_text(struct base_cur *cur)
{
    return base_cur_take(cur, base_cur_u8(cur));
}

bool
wire_samples_unit_next(struct base_cur *cur, struct wire_samples_unit *ret_unit)
{
    struct wire_samples_unit *unit = ret_unit;
    if (!base_cur_ok(cur) || base_cur_left(cur) == 0)
        return false;
    unit->id = samples_text(cur);
    unit->count = base_cur_u16le(cur);
    if (unit->id.size == 0 || unit->count == 0 ||
        unit->count > WIRE_SAMPLES_COLUMNS) {
        base_cur_fail(cur, ERR_SYNTAX);
        return false;
    }
    for (unsigned i = 0; i < unit->count && base_cur_ok(cur); i++)
        unit->metrics[i] = samples_text(cur);
    unit->window_count = base_cur_u32le(cur);
    unit->windows = *cur;
    for (uint32_t i = 0; i < unit->window_count && base_cur_ok(cur); i++) {
        (void)samples_text(cur);
        (void)base_cur_u32le(cur);
    }
    return base_cur_ok(cur);
}

bool
wire_samples_window(struct wire_samples_unit *unit, struct bytes *ret_pack,
                    uint32_t *ret_window)
{
    if (unit->window_count == 0)
        return false;
    unit->window_count--;
    *ret_pack = samples_text(&unit->windows);
    *ret_window = base_cur_u32le(&unit->windows);
    return base_cur_ok(&unit->windows);
}

bool
wire_samples_block(struct base_cur *cur, const struct wire_samples_unit *unit,
                   struct wire_samples_room *room, struct base_cur *ret_rows)
{
    struct bytes rows = base_cur_take(cur, base_cur_u32le(cur));
    room->state = (struct wire_rows_state){.cells = room->cells,
                                           .stride = sizeof room->cells[0],
                                           .room = unit->count};
    for (unsigned i = 0; i < unit->count; i++)
        room->cells[i].stamp = 0;
    base_cur_init(ret_rows, rows);
    return base_cur_ok(cur) && rows.size > 0;
}

bool
wire_samples_row(struct base_cur *rows, struct wire_samples_room *room)
{
    return wire_rows_body_read(rows, &room->state, &room->row, &room->values);
}

enum err
wire_samples_open(struct bytes body, struct wire_samples_unit *unit,
                  struct wire_samples_room *room, struct base_cur *ret_cur)
{
    struct base_cur cur, rows;
    base_cur_init(&cur, body);
    uint8_t version = base_cur_u8(&cur);
    if (base_cur_ok(&cur) && version != SAMPLES_VERSION)
        return ERR_VERSION;
    *ret_cur = cur;
    while (wire_samples_unit_next(&cur, unit))
        while (wire_samples_block(&cur, unit, room, &rows)) {
            while (wire_samples_row(&rows, room))
                ;
            if (!base_cur_ok(&rows))
                return rows.failed;
        }
    return base_cur_ok(&cur) ? ERR_OK : cur.failed;
}
