/* wire_move.c -- see wire_move.h. */
#include "wire/names/wire_move.h"

#define MOVE_MAGIC "DGM2"

static void
move_short(struct base_out *out, struct bytes text)
{
    if (text.size > 255 && base_out_ok(out))
        out->failed = ERR_BIG;
    base_out_u8(out, (uint8_t)text.size);
    base_out_bytes_add(out, text);
}

static void
move_long(struct base_out *out, struct bytes text)
{
    if (text.size > UINT16_MAX && base_out_ok(out))
        out->failed = ERR_BIG;
    base_out_u16le(out, (uint16_t)text.size);
    base_out_bytes_add(out, text);
}

void
wire_move_write_head(struct base_out *out, const struct wire_move *move)
{
    base_out_text(out, MOVE_MAGIC);
    move_short(out, move->prefix);
    move_short(out, move->from);
    move_long(out, move->codes);
    base_out_u64le(out, (uint64_t)move->made_ms);
    move_long(out, move->key);
    base_out_u32le(out, move->row_count);
}

void
wire_move_write_row(struct base_out *out, struct bytes row)
{
    base_out_u32le(out, (uint32_t)row.size);
    base_out_bytes_add(out, row);
}

void
wire_move_write_tail(struct base_out *out, const struct wire_move *move)
{
    base_out_u32le(out, (uint32_t)move->figures.size);
    base_out_bytes_add(out, move->figures);
    base_out_u32le(out, (uint32_t)move->samples.size);
    base_out_bytes_add(out, move->samples);
    move_long(out, move->signer);
}

void
wire_move_write_signature(struct base_out *out, struct bytes signature)
{
    move_long(out, signature);
}

static struct bytes
move_row(struct base_cur *cur)
{
    return base_cur_take(cur, base_cur_u32le(cur));
}

enum err
wire_move_read(struct bytes bundle, struct wire_move *ret_move)
{
    struct base_cur cur;
    struct wire_move move = {0};
    base_cur_init(&cur, bundle);
    if (!base_bytes_is(base_cur_take(&cur, sizeof MOVE_MAGIC - 1), MOVE_MAGIC))
        return ERR_SYNTAX;
    move.prefix = base_cur_take(&cur, base_cur_u8(&cur));
    move.from = base_cur_take(&cur, base_cur_u8(&cur));
    move.codes = base_cur_take(&cur, base_cur_u16le(&cur));
    move.made_ms = (int64_t)base_cur_u64le(&cur);
    move.key = base_cur_take(&cur, base_cur_u16le(&cur));
    move.row_count = base_cur_u32le(&cur);
    const uint8_t *rows = cur.at;
    for (uint32_t i = 0; i < move.row_count && base_cur_ok(&cur); i++)
        (void)move_row(&cur);
    move.rows = base_bytes(rows, (size_t)(cur.at - rows));
    move.figures = move_row(&cur);
    move.samples = move_row(&cur);
    move.signer = base_cur_take(&cur, base_cur_u16le(&cur));
    move.covered = base_bytes(bundle.at, base_cur_offset(&cur));
    move.signature = base_cur_take(&cur, base_cur_u16le(&cur));
    if (!base_cur_ok(&cur))
        return cur.failed;
    if (base_cur_left(&cur) > 0)
        return ERR_SYNTAX;
    *ret_move = move;
    return ERR_OK;
}

bool
wire_move_next(struct wire_move *move, struct bytes *ret_row)
{
    struct base_cur cur;
    if (move->row_count == 0)
        return false;
    base_cur_init(&cur, move->rows);
    *ret_row = move_row(&cur);
    move->rows = base_cur_rest(&cur);
    move->row_count--;
    return true;
}
