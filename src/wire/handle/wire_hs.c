/* wire_hs.c -- values and lists of values. */
#include "wire/handle/wire_hs.h"

enum {
    HS_REF_LEAST = 8,    /* an empty handle, an index */
    HS_VALUE_LEAST = 26, /* empty type and data, no references */
};

struct bytes
wire_hs_read_str(struct base_cur *cur)
{
    uint32_t size = base_cur_u32be(cur);
    return base_cur_take(cur, size);
}

uint32_t
wire_hs_read_count(struct base_cur *cur, size_t least)
{
    uint32_t count = base_cur_u32be(cur);
    if (count <= base_cur_left(cur) / least)
        return count;
    base_cur_fail(cur, ERR_SHORT);
    return 0;
}

void
wire_hs_write_str(struct base_out *out, struct bytes text)
{
    base_out_u32be(out, (uint32_t)text.size);
    base_out_bytes_add(out, text);
}

void
wire_hs_read_ref(struct base_cur *cur, struct wire_hs_ref *ret_ref)
{
    ret_ref->handle = wire_hs_read_str(cur);
    ret_ref->index = base_cur_u32be(cur);
}

void
wire_hs_write_ref(struct base_out *out, const struct wire_hs_ref *ref)
{
    wire_hs_write_str(out, ref->handle);
    base_out_u32be(out, ref->index);
}

/* What has been read since `from`. */
static struct bytes
hs_since(const struct base_cur *cur, const uint8_t *from)
{
    return base_cur_ok(cur) ? base_bytes(from, (size_t)(cur->at - from))
                            : base_bytes(NULL, 0);
}

bool
wire_hs_read_value(struct base_cur *cur, struct wire_hs_value *ret_value)
{
    struct wire_hs_value value = {.index = base_cur_u32be(cur)};
    struct wire_hs_ref ref;
    value.timestamp_s = base_cur_u32be(cur);
    value.ttl_type = base_cur_u8(cur);
    value.ttl_s = base_cur_u32be(cur);
    value.permissions = base_cur_u8(cur);
    value.type = wire_hs_read_str(cur);
    value.data = wire_hs_read_str(cur);
    value.reference_count = wire_hs_read_count(cur, HS_REF_LEAST);
    const uint8_t *from = cur->at;
    for (uint32_t i = 0; i < value.reference_count && base_cur_ok(cur); i++)
        wire_hs_read_ref(cur, &ref);
    value.references = hs_since(cur, from);
    if (value.ttl_type > WIRE_HS_ABSOLUTE)
        base_cur_fail(cur, ERR_SYNTAX);
    if (!base_cur_ok(cur))
        return false;
    *ret_value = value;
    return true;
}

void
wire_hs_write_value(struct base_out *out, const struct wire_hs_value *value)
{
    base_out_u32be(out, value->index);
    base_out_u32be(out, value->timestamp_s);
    base_out_u8(out, value->ttl_type);
    base_out_u32be(out, value->ttl_s);
    base_out_u8(out, value->permissions);
    wire_hs_write_str(out, value->type);
    wire_hs_write_str(out, value->data);
    base_out_u32be(out, value->reference_count);
    base_out_bytes_add(out, value->references);
}

bool
wire_hs_read_list(struct base_cur *cur, struct wire_hs_list *ret_list)
{
    struct wire_hs_value value;
    uint32_t count = wire_hs_read_count(cur, HS_VALUE_LEAST);
    const uint8_t *from = cur->at;
    if (count > WIRE_HS_VALUES)
        base_cur_fail(cur, ERR_BIG);
    for (uint32_t i = 0; i < count && base_cur_ok(cur); i++)
        (void)wire_hs_read_value(cur, &value);
    if (!base_cur_ok(cur))
        return false;
    *ret_list = (struct wire_hs_list){count, hs_since(cur, from)};
    return true;
}

void
wire_hs_write_list(struct base_out *out, const struct wire_hs_list *list)
{
    base_out_u32be(out, list->count);
    base_out_bytes_add(out, list->raw);
}

bool
wire_hs_next(struct wire_hs_list *list, struct wire_hs_value *ret_value)
{
    struct base_cur cur;
    base_cur_init(&cur, list->raw);
    if (list->count == 0 || !wire_hs_read_value(&cur, ret_value))
        return false;
    list->count--;
    list->raw = base_cur_rest(&cur);
    return true;
}

bool
wire_hs_type_matches(struct bytes asked, struct bytes type)
{
    if (base_bytes_equal_folded(asked, type))
        return true;
    if (asked.size == 0 || asked.at[asked.size - 1] != '.')
        return false;
    /* "URL." means "URL", and whatever begins with "URL." */
    struct bytes stem = base_bytes_slice(asked, 0, asked.size - 1);
    struct bytes head = base_bytes_slice(type, 0, asked.size);
    return base_bytes_equal_folded(stem, type) ||
           base_bytes_equal_folded(asked, head);
}
