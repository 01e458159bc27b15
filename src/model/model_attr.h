/* model_attr.h -- what a registry says of a unit, as codes: "ind=39,region=31".
 *
 * Why: scope and dimensions of packs are about codes that the registry holds
 * of a unit (industry, region, class of process).  One canonical line of text
 * travels in the unit's message, in the event to stream, and in rollup's row.
 *
 * Shape    KEY=VALUE,...  key [a-z][a-z0-9_]*, value [0-9A-Za-z_.-]+, each
 *          1..32 bytes; keys rise in byte order, so each is there once and the
 *          line has one spelling.
 * Limits   16 pairs, 512 bytes; empty: none.
 * Errors   SYNTAX, LIMIT.  Memory: results point into the line. */
#ifndef MODEL_ATTR_H
#define MODEL_ATTR_H

#include "base/base_out.h"

enum { MODEL_ATTR_PAIRS = 16, MODEL_ATTR_PART = 32, MODEL_ATTR_MAX = 512 };

enum err model_attr_check(struct bytes line);
/* The next pair from *at (begin with 0); false at the end.  The line has been
 * checked. */
bool model_attr_next(struct bytes line, size_t *at, struct bytes *ret_key,
                     struct bytes *ret_value);
/* The value of a key, or {NULL, 0}. */
struct bytes model_attr_get(struct bytes line, struct bytes key);
/* Is it fit to be a key, a value? */
bool model_attr_key(struct bytes key);
bool model_attr_value(struct bytes value);
/* The line of all pairs of both into out; where both have a key, `over` wins.
 * Errors stick in out. */
void model_attr_merge(struct bytes under, struct bytes over,
                      struct base_out *out);

#endif
