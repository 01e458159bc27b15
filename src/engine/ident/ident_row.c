/* ident_row.c -- see ident_row.h. */
#include "engine/ident/ident_row.h"

#include "base/base_must.h"

enum { ROW_VERSION = 2, ROW_VERSION_OLD = 1, ROW_VERSION_TOKEN = 1 };

static enum err
row_end(const struct base_cur *cur, bool known)
{
    if (!base_cur_ok(cur))
        return ERR_CORRUPT;
    return known ? ERR_OK : ERR_VERSION;
}

static bool
row_known(uint8_t version)
{
    return version == ROW_VERSION || version == ROW_VERSION_OLD;
}

static void
row_text(struct base_out *out, struct bytes text)
{
    must(text.size <= 255);
    base_out_u8(out, (uint8_t)text.size);
    base_out_bytes_add(out, text);
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
    base_out_u32le(out, row->quota);
    row_text(out, row->name);
    row_text(out, row->host);
    base_out_bytes_add(out, row->attributes);
}

enum err
ident_row_prefix_read(struct bytes value, struct ident_row_prefix *ret_row)
{
    struct base_cur cur;
    *ret_row = (struct ident_row_prefix){0};
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
    if (version == ROW_VERSION) {
        ret_row->quota = base_cur_u32le(&cur);
        ret_row->name = base_cur_take(&cur, base_cur_u8(&cur));
        ret_row->host = base_cur_take(&cur, base_cur_u8(&cur));
        ret_row->attributes = base_cur_rest(&cur);
    } else {
        ret_row->name = base_cur_rest(&cur);
    }
    return row_end(&cur, row_known(version));
}

void
ident_row_id_write(struct base_out *out, const struct ident_record *row)
{
    base_out_u8(out, ROW_VERSION);
    base_out_u8(out, (uint8_t)row->state);
    base_out_u64le(out, (uint64_t)row->made_ms);
    base_out_u64le(out, (uint64_t)row->changed_ms);
    base_out_u64le(out, row->revision);
    row_text(out, row->class_name);
    row_text(out, row->id);
    row_text(out, row->why);
    wire_hs_write_list(out, &row->values);
}

enum err
ident_row_id_read(struct bytes value, struct ident_record *ret_row)
{
    struct base_cur cur;
    *ret_row = (struct ident_record){0};
    base_cur_init(&cur, value);
    uint8_t version = base_cur_u8(&cur);
    ret_row->state = (enum ident_state)base_cur_u8(&cur);
    ret_row->made_ms = (int64_t)base_cur_u64le(&cur);
    ret_row->changed_ms = (int64_t)base_cur_u64le(&cur);
    ret_row->revision = base_cur_u64le(&cur);
    ret_row->class_name = base_cur_take(&cur, base_cur_u8(&cur));
    if (version == ROW_VERSION) {
        ret_row->id = base_cur_take(&cur, base_cur_u8(&cur));
        ret_row->why = base_cur_take(&cur, base_cur_u8(&cur));
        if (base_cur_ok(&cur))
            wire_hs_read_list(&cur, &ret_row->values);
    } else {
        ret_row->id = base_cur_rest(&cur);
    }
    return row_end(&cur, row_known(version));
}

void
ident_row_token_write(struct base_out *out, const struct ident_row_token *row)
{
    base_out_u8(out, ROW_VERSION_TOKEN);
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
    return row_end(&cur, version == ROW_VERSION_TOKEN);
}
