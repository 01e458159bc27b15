/* people_row.c -- see people_row.h. */
#include "engine/people/people_row.h"

#include "base/base_cur.h"

enum { ROW_VERSION = 1, ROW_DISABLED = 1 };

static enum err
row_end(const struct base_cur *cur, uint8_t version)
{
    if (!base_cur_ok(cur))
        return ERR_CORRUPT;
    return version == ROW_VERSION ? ERR_OK : ERR_VERSION;
}

static void
row_copy(struct base_cur *cur, uint8_t *to, size_t size)
{
    struct bytes from = base_cur_take(cur, size);
    if (from.size == size)
        memcpy(to, from.at, size);
}

static void
row_text(struct base_out *out, struct bytes text)
{
    base_out_u16le(out, (uint16_t)text.size);
    base_out_bytes_add(out, text);
}

void
people_row_user_write(struct base_out *out, const struct people_row_user *row)
{
    base_out_u8(out, ROW_VERSION);
    base_out_u8(out, row->disabled ? ROW_DISABLED : 0);
    base_out_u32le(out, row->roles);
    base_out_u64le(out, (uint64_t)row->made_ms);
    base_out_u64le(out, (uint64_t)row->changed_ms);
    base_out_u8(out, row->password.log_n);
    base_out_u8(out, row->password.r);
    base_out_u8(out, row->password.p);
    base_out_bytes_add(out, base_bytes(row->password.salt, 16));
    base_out_bytes_add(out, base_bytes(row->password.hash, 32));
    row_text(out, row->scope);
    base_out_bytes_add(out, row->name);
}

enum err
people_row_user_read(struct bytes value, struct people_row_user *ret_row)
{
    struct base_cur cur;
    base_cur_init(&cur, value);
    uint8_t version = base_cur_u8(&cur);
    ret_row->disabled = (base_cur_u8(&cur) & ROW_DISABLED) != 0;
    ret_row->roles = base_cur_u32le(&cur);
    ret_row->made_ms = (int64_t)base_cur_u64le(&cur);
    ret_row->changed_ms = (int64_t)base_cur_u64le(&cur);
    ret_row->password.log_n = base_cur_u8(&cur);
    ret_row->password.r = base_cur_u8(&cur);
    ret_row->password.p = base_cur_u8(&cur);
    row_copy(&cur, ret_row->password.salt, 16);
    row_copy(&cur, ret_row->password.hash, 32);
    ret_row->scope = base_cur_take(&cur, base_cur_u16le(&cur));
    ret_row->name = base_cur_rest(&cur);
    return row_end(&cur, version);
}

void
people_row_session_write(struct base_out *out,
                         const struct people_row_session *row)
{
    base_out_u8(out, ROW_VERSION);
    base_out_u8(out, (uint8_t)row->kind);
    base_out_u64le(out, (uint64_t)row->made_ms);
    base_out_u64le(out, (uint64_t)row->used_ms);
    base_out_u64le(out, (uint64_t)row->ends_ms);
    base_out_bytes_add(out, row->user);
}

enum err
people_row_session_read(struct bytes value, struct people_row_session *ret_row)
{
    struct base_cur cur;
    base_cur_init(&cur, value);
    uint8_t version = base_cur_u8(&cur);
    ret_row->kind = (enum people_row_kind)base_cur_u8(&cur);
    ret_row->made_ms = (int64_t)base_cur_u64le(&cur);
    ret_row->used_ms = (int64_t)base_cur_u64le(&cur);
    ret_row->ends_ms = (int64_t)base_cur_u64le(&cur);
    ret_row->user = base_cur_rest(&cur);
    return row_end(&cur, version);
}

void
people_row_key_write(struct base_out *out, const struct people_row_key *row)
{
    base_out_u8(out, ROW_VERSION);
    base_out_u32le(out, row->roles);
    base_out_u64le(out, (uint64_t)row->made_ms);
    base_out_u64le(out, (uint64_t)row->expires_ms);
    base_out_u64le(out, (uint64_t)row->used_ms);
    base_out_bytes_add(out, base_bytes(row->secret, 32));
    base_out_bytes_add(out, base_bytes(row->pin, 32));
    row_text(out, row->scope);
    base_out_bytes_add(out, row->name);
}

enum err
people_row_key_read(struct bytes value, struct people_row_key *ret_row)
{
    struct base_cur cur;
    base_cur_init(&cur, value);
    uint8_t version = base_cur_u8(&cur);
    ret_row->roles = base_cur_u32le(&cur);
    ret_row->made_ms = (int64_t)base_cur_u64le(&cur);
    ret_row->expires_ms = (int64_t)base_cur_u64le(&cur);
    ret_row->used_ms = (int64_t)base_cur_u64le(&cur);
    row_copy(&cur, ret_row->secret, 32);
    row_copy(&cur, ret_row->pin, 32);
    ret_row->scope = base_cur_take(&cur, base_cur_u16le(&cur));
    ret_row->name = base_cur_rest(&cur);
    return row_end(&cur, version);
}
