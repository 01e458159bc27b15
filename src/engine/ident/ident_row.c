/* ident_row.c -- see ident_row.h. */
#include "engine/ident/ident_row.h"

enum { ROW_VERSION = 1 };

static enum err
row_end(const struct base_cur *cur, uint8_t version)
{
    if (!base_cur_ok(cur))
        return ERR_CORRUPT;
    return version == ROW_VERSION ? ERR_OK : ERR_VERSION;
}

void
ident_row_prefix_write(struct base_out *out, const struct ident_row_prefix *row)
{
    base_out_u8(out, ROW_VERSION);
    base_out_u8(out, row->state);
    base_out_u8(out, row->flags);
    base_out_u32le(out, row->id);
    base_out_u64le(out, (uint64_t)row->approved_ms);
    base_out_u64le(out, (uint64_t)row->joined_ms);
    base_out_bytes_add(out, base_bytes(row->pin, sizeof row->pin));
    base_out_bytes_add(out, row->name);
}

enum err
ident_row_prefix_read(struct bytes value, struct ident_row_prefix *ret_row)
{
    struct base_cur cur;
    base_cur_init(&cur, value);
    uint8_t version = base_cur_u8(&cur);
    ret_row->state = base_cur_u8(&cur);
    ret_row->flags = base_cur_u8(&cur);
    ret_row->id = base_cur_u32le(&cur);
    ret_row->approved_ms = (int64_t)base_cur_u64le(&cur);
    ret_row->joined_ms = (int64_t)base_cur_u64le(&cur);
    struct bytes pin = base_cur_take(&cur, sizeof ret_row->pin);
    if (pin.size == sizeof ret_row->pin)
        memcpy(ret_row->pin, pin.at, pin.size);
    ret_row->name = base_cur_rest(&cur);
    return row_end(&cur, version);
}

void
ident_row_id_write(struct base_out *out, const struct ident_record *row)
{
    base_out_u8(out, ROW_VERSION);
    base_out_u8(out, (uint8_t)row->state);
    base_out_u64le(out, (uint64_t)row->made_ms);
    base_out_u64le(out, (uint64_t)row->changed_ms);
    base_out_u64le(out, row->revision);
    base_out_u8(out, (uint8_t)row->class_name.size);
    base_out_bytes_add(out, row->class_name);
    base_out_bytes_add(out, row->id);
}

enum err
ident_row_id_read(struct bytes value, struct ident_record *ret_row)
{
    struct base_cur cur;
    base_cur_init(&cur, value);
    uint8_t version = base_cur_u8(&cur);
    ret_row->state = (enum ident_state)base_cur_u8(&cur);
    ret_row->made_ms = (int64_t)base_cur_u64le(&cur);
    ret_row->changed_ms = (int64_t)base_cur_u64le(&cur);
    ret_row->revision = base_cur_u64le(&cur);
    ret_row->class_name = base_cur_take(&cur, base_cur_u8(&cur));
    ret_row->id = base_cur_rest(&cur);
    return row_end(&cur, version);
}

void
ident_row_token_write(struct base_out *out, const struct ident_row_token *row)
{
    base_out_u8(out, ROW_VERSION);
    base_out_u64le(out, (uint64_t)row->expires_ms);
    base_out_u64le(out, (uint64_t)row->used_ms);
    base_out_bytes_add(out, base_bytes(row->request, sizeof row->request));
    base_out_u8(out, (uint8_t)row->prefix.size);
    base_out_bytes_add(out, row->prefix);
    base_out_bytes_add(out, row->pkcs7);
}

enum err
ident_row_token_read(struct bytes value, struct ident_row_token *ret_row)
{
    struct base_cur cur;
    base_cur_init(&cur, value);
    uint8_t version = base_cur_u8(&cur);
    ret_row->expires_ms = (int64_t)base_cur_u64le(&cur);
    ret_row->used_ms = (int64_t)base_cur_u64le(&cur);
    struct bytes request = base_cur_take(&cur, sizeof ret_row->request);
    if (request.size == sizeof ret_row->request)
        memcpy(ret_row->request, request.at, request.size);
    ret_row->prefix = base_cur_take(&cur, base_cur_u8(&cur));
    ret_row->pkcs7 = base_cur_rest(&cur);
    return row_end(&cur, version);
}
