/* wire_hs.h -- one typed value of an identifier, and lists of them.
 *
 * Why: what an identifier holds travels between nodes, lies in tables and goes
 * out of every door in one encoding; signatures cover it, so that nobody may
 * write it another way.  A list is kept as the bytes it came in and walked, not
 * copied: a record of 2,048 values costs no memory to look at.
 *
 *   at   value                      at   string (`str`)
 *   0    index u32, 1 or more       0    size u32
 *   4    timestamp u32, Unix s      4    bytes
 *   8    ttl type u8: 0 relative s, 1 absolute Unix s
 *   9    ttl u32
 *   13   permissions u8             list: count u32, values
 *   14   type str
 *        data str
 *        references: count u32, each handle str, index u32
 *
 * Limits   a value or list that says more than its container holds is refused
 *          before anything is done with it; WIRE_HS_VALUES a list.
 * Errors   SHORT a size or count beyond the container; SYNTAX a ttl type that
 *          is not known; BIG too many values.  Index 0 is well formed here and
 *          refused by who takes values in, with a code of its own.
 * Memory   nothing kept, nothing allocated; all struct bytes point into what
 *          was read.
 * Source   RFC 3651 section 3.1; spec identify 2. */
#ifndef WIRE_HS_H
#define WIRE_HS_H

#include "base/base_cur.h"
#include "base/base_out.h"

enum { WIRE_HS_VALUES = 2048, WIRE_HS_TTL_S = 86400, WIRE_HS_NAME = 2048 };

enum wire_hs_permission {
    WIRE_HS_PUBLIC_WRITE = 1,
    WIRE_HS_PUBLIC_READ = 2,
    WIRE_HS_ADMIN_WRITE = 4,
    WIRE_HS_ADMIN_READ = 8,
    WIRE_HS_USUAL = 14 /* 1110: all but public write */
};

enum { WIRE_HS_RELATIVE = 0, WIRE_HS_ABSOLUTE = 1 };

struct wire_hs_value {
    uint32_t index, timestamp_s, ttl_s;
    uint8_t ttl_type, permissions;
    struct bytes type, data;
    uint32_t reference_count;
    struct bytes references; /* as encoded, without the count */
};

/* A handle and the index of one value: a reference, a member of a list. */
struct wire_hs_ref {
    struct bytes handle;
    uint32_t index;
};

/* Values one after the other, as encoded, without the count. */
struct wire_hs_list {
    uint32_t count;
    struct bytes raw;
};

/* A string; a count of things of at least `least` bytes each. */
struct bytes wire_hs_read_str(struct base_cur *cur);
uint32_t wire_hs_read_count(struct base_cur *cur, size_t least);
void wire_hs_write_str(struct base_out *out, struct bytes text);

void wire_hs_read_ref(struct base_cur *cur, struct wire_hs_ref *ret_ref);
void wire_hs_write_ref(struct base_out *out, const struct wire_hs_ref *ref);

/* One value; false (and the cursor failed) when it is not whole. */
bool wire_hs_read_value(struct base_cur *cur, struct wire_hs_value *ret_value);
void wire_hs_write_value(struct base_out *out,
                         const struct wire_hs_value *value);

/* The count and every value after it, each of them checked. */
bool wire_hs_read_list(struct base_cur *cur, struct wire_hs_list *ret_list);
void wire_hs_write_list(struct base_out *out, const struct wire_hs_list *list);
/* Take the first value off a list that was read; false: none left. */
bool wire_hs_next(struct wire_hs_list *list, struct wire_hs_value *ret_value);

/* Does a type that was asked for mean this one?  ASCII case is ignored; "URL"
 * means only itself, "URL." itself and "URL.*". */
bool wire_hs_type_matches(struct bytes asked, struct bytes type);

#endif
