/* wire_hs_admin.c -- HS_ADMIN and HS_VLIST. */
#include "wire/handle/wire_hs_admin.h"

enum { ADMIN_OLD = 2, ADMIN_REF_LEAST = 8 };

enum err
wire_hs_admin_read(struct bytes data, struct wire_hs_admin *ret_admin)
{
    struct base_cur cur;
    struct wire_hs_admin admin = {0};
    base_cur_init(&cur, data);
    admin.rights = base_cur_u16be(&cur);
    wire_hs_read_ref(&cur, &admin.who);
    admin.rest = base_cur_rest(&cur);
    if (admin.rest.size != 0 && admin.rest.size != ADMIN_OLD)
        base_cur_fail(&cur, ERR_SYNTAX);
    if (base_cur_ok(&cur))
        *ret_admin = admin;
    return cur.failed;
}

void
wire_hs_admin_write(struct base_out *out, const struct wire_hs_admin *admin)
{
    base_out_u16be(out, admin->rights);
    wire_hs_write_ref(out, &admin->who);
    base_out_bytes_add(out, admin->rest);
}

enum err
wire_hs_admin_list(struct bytes data, struct wire_hs_refs *ret_refs)
{
    struct base_cur cur;
    struct wire_hs_ref ref;
    base_cur_init(&cur, data);
    uint32_t count = wire_hs_read_count(&cur, ADMIN_REF_LEAST);
    struct bytes raw = base_bytes_slice(data, base_cur_offset(&cur), data.size);
    for (uint32_t i = 0; i < count && base_cur_ok(&cur); i++)
        wire_hs_read_ref(&cur, &ref);
    if (base_cur_left(&cur) > 0)
        base_cur_fail(&cur, ERR_SYNTAX);
    if (base_cur_ok(&cur))
        *ret_refs = (struct wire_hs_refs){count, raw};
    return cur.failed;
}

bool
wire_hs_admin_next(struct wire_hs_refs *refs, struct wire_hs_ref *ret_ref)
{
    struct base_cur cur;
    if (refs->count == 0)
        return false;
    base_cur_init(&cur, refs->raw);
    wire_hs_read_ref(&cur, ret_ref);
    if (!base_cur_ok(&cur))
        return false;
    refs->count--;
    refs->raw = base_cur_rest(&cur);
    return true;
}
