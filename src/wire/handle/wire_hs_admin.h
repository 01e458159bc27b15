/* wire_hs_admin.h -- who may change an identifier: HS_ADMIN and HS_VLIST.
 *
 *   HS_ADMIN   rights u16, handle str, index u32
 *   HS_VLIST   count u32, each handle str, index u32
 *
 * Old software wrote two more bytes behind an HS_ADMIN: they are accepted and
 * kept, as signatures cover them.
 *
 * Errors   SHORT; SYNTAX bytes left over.
 * Memory   nothing kept; results point into what was read.
 * Source   RFC 3651 section 3.2; spec identify 2. */
#ifndef WIRE_HS_ADMIN_H
#define WIRE_HS_ADMIN_H

#include "wire/handle/wire_hs.h"

enum wire_hs_right {
    WIRE_HS_CREATE = 1 << 0, /* handles of a prefix */
    WIRE_HS_DELETE = 1 << 1,
    WIRE_HS_CREATE_PREFIX = 1 << 2, /* derived ones */
    WIRE_HS_DELETE_PREFIX = 1 << 3,
    WIRE_HS_MODIFY = 1 << 4, /* values that are no HS_ADMIN */
    WIRE_HS_REMOVE = 1 << 5,
    WIRE_HS_ADD = 1 << 6,
    WIRE_HS_MODIFY_ADMIN = 1 << 7,
    WIRE_HS_REMOVE_ADMIN = 1 << 8,
    WIRE_HS_ADD_ADMIN = 1 << 9,
    WIRE_HS_READ = 1 << 10, /* values that are not public */
    WIRE_HS_LIST = 1 << 11,
};

struct wire_hs_admin {
    uint16_t rights;
    struct wire_hs_ref who;
    struct bytes rest; /* empty, or 2 bytes of old software */
};

/* Pairs one after the other, as encoded, without the count. */
struct wire_hs_refs {
    uint32_t count;
    struct bytes raw;
};

enum err wire_hs_admin_read(struct bytes data, struct wire_hs_admin *ret_admin);
void wire_hs_admin_write(struct base_out *out,
                         const struct wire_hs_admin *admin);

enum err wire_hs_admin_list(struct bytes data, struct wire_hs_refs *ret_refs);
/* Take the first pair off; false: none left. */
bool wire_hs_admin_next(struct wire_hs_refs *refs, struct wire_hs_ref *ret_ref);

#endif
