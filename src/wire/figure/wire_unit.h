/* wire_unit.h -- the NAMES/UNIT message: what a registry says of one unit.
 *
 * Why: register first, then report.  rollup counts and accepts only what ident
 * has told it, and what it has been told is exactly this.
 *
 *  | 0 | 1 | flags: 1 active; others 0                |
 *  | 1 | 8 | since ms: when it became so, signed      |
 *  | 9 | 1 | class length 0..64, then the class       |
 *  | - | 1 | id length 1..255, then the identifier    |
 *  | - | 2 | attributes length 1..512, then the line  |
 *
 * The last is left out when there are none; nothing may follow.  The texts are
 * UTF-8; the id has its registered spelling, attributes are codes of the
 * registry, a line of model_attr ("ind=39,region=31").  rollup keeps the same
 * bytes behind a version as its UNIT row.
 *
 * Errors   SHORT, SYNTAX.  Memory: results point into the input. */
#ifndef WIRE_UNIT_H
#define WIRE_UNIT_H

#include "base/base_cur.h"
#include "base/base_out.h"

enum {
    WIRE_UNIT_CLASS = 64,
    WIRE_UNIT_ID = 255,
    WIRE_UNIT_ATTRIBUTES = 512,
    WIRE_UNIT_MAX = 13 + 64 + 255 + 512
};

struct wire_unit {
    struct bytes id, class_name, attributes;
    bool active;
    int64_t since_ms;
};

void wire_unit_write(struct base_out *out, const struct wire_unit *unit);
enum err wire_unit_read(struct bytes body, struct wire_unit *ret_unit);

#endif
