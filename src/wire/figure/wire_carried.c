/* wire_carried.c -- see wire_carried.h. */
#include "wire/figure/wire_carried.h"

enum { CARRIED_VERSION = 1 };

void
wire_carried_begin(struct base_out *out, uint32_t epoch)
{
    base_out_u8(out, CARRIED_VERSION);
    base_out_u32le(out, epoch);
}

void
wire_carried_add(struct base_out *out, const struct wire_carried *row)
{
    base_out_u8(out, (uint8_t)row->kind);
    base_out_u16le(out, (uint16_t)row->key.size);
    base_out_bytes_add(out, row->key);
    base_out_u32le(out, (uint32_t)row->value.size);
    base_out_bytes_add(out, row->value);
}

bool
wire_carried_next(struct base_cur *cur, struct wire_carried *ret_row)
{
    if (!base_cur_ok(cur) || base_cur_left(cur) == 0)
        return false;
    uint8_t kind = base_cur_u8(cur);
    ret_row->kind = (enum wire_carried_kind)kind;
    ret_row->key = base_cur_take(cur, base_cur_u16le(cur));
    ret_row->value = base_cur_take(cur, base_cur_u32le(cur));
    if (kind < WIRE_CARRIED_RETURN || kind > WIRE_CARRIED_CONTRIB)
        base_cur_fail(cur, ERR_SYNTAX);
    if (ret_row->key.size > WIRE_CARRIED_KEY ||
        ret_row->value.size > WIRE_CARRIED_VALUE)
        base_cur_fail(cur, ERR_BIG);
    return base_cur_ok(cur);
}

enum err
wire_carried_open(struct bytes body, uint32_t *ret_epoch,
                  struct base_cur *ret_cur)
{
    struct base_cur cur;
    struct wire_carried row;
    base_cur_init(&cur, body);
    uint8_t version = base_cur_u8(&cur);
    *ret_epoch = base_cur_u32le(&cur);
    if (!base_cur_ok(&cur))
        return cur.failed;
    if (version != CARRIED_VERSION)
        return ERR_VERSION;
    *ret_cur = cur;
    while (wire_carried_next(&cur, &row))
        continue;
    return base_cur_ok(&cur) ? ERR_OK : cur.failed;
}
