/* wire_unit.c -- see wire_unit.h. */
#include "wire/figure/wire_unit.h"

enum { UNIT_ACTIVE = 1 };

void
wire_unit_write(struct base_out *out, const struct wire_unit *unit)
{
    base_out_u8(out, unit->active ? UNIT_ACTIVE : 0);
    base_out_u64le(out, (uint64_t)unit->since_ms);
    base_out_u8(out, (uint8_t)unit->class_name.size);
    base_out_bytes_add(out, unit->class_name);
    base_out_u8(out, (uint8_t)unit->id.size);
    base_out_bytes_add(out, unit->id);
    if (unit->attributes.size == 0)
        return;
    base_out_u16le(out, (uint16_t)unit->attributes.size);
    base_out_bytes_add(out, unit->attributes);
}

/* Left out when there are none: so there is one way to write each unit. */
static enum err
unit_attributes(struct base_cur *cur, struct wire_unit *unit)
{
    unit->attributes = (struct bytes){0};
    if (!base_cur_ok(cur) || base_cur_left(cur) == 0)
        return cur->failed;
    unit->attributes = base_cur_take(cur, base_cur_u16le(cur));
    if (base_cur_ok(cur) && (unit->attributes.size == 0 ||
                             unit->attributes.size > WIRE_UNIT_ATTRIBUTES))
        return ERR_SYNTAX;
    return cur->failed;
}

enum err
wire_unit_read(struct bytes body, struct wire_unit *ret_unit)
{
    struct base_cur cur;
    struct wire_unit unit;
    base_cur_init(&cur, body);
    uint8_t flags = base_cur_u8(&cur);
    unit.active = (flags & UNIT_ACTIVE) != 0;
    unit.since_ms = (int64_t)base_cur_u64le(&cur);
    unit.class_name = base_cur_take(&cur, base_cur_u8(&cur));
    unit.id = base_cur_take(&cur, base_cur_u8(&cur));
    enum err err = unit_attributes(&cur, &unit);
    if (err != ERR_OK)
        return err;
    if (flags & ~UNIT_ACTIVE || unit.class_name.size > WIRE_UNIT_CLASS ||
        unit.id.size == 0 || base_cur_left(&cur) > 0 ||
        !base_bytes_utf8(unit.class_name) || !base_bytes_utf8(unit.id) ||
        !base_bytes_utf8(unit.attributes))
        return ERR_SYNTAX;
    *ret_unit = unit;
    return ERR_OK;
}
