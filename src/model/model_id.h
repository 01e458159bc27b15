/* model_id.h -- identifiers and prefixes.
 *
 * Shape    `prefix/suffix`, split at the first '/'; UTF-8, 1..255 bytes here
 *          (labels and units, RULINGS 12).  Prefix: labels of [0-9A-Za-z_-]
 *          parted by single dots.  Comparison folds ASCII a-z to upper case.
 * Errors   NAME empty or unfit, BIG too long, SYNTAX not UTF-8. */
#ifndef MODEL_ID_H
#define MODEL_ID_H

#include "base/base_bytes.h"

enum { MODEL_ID_MAX = 255, MODEL_PREFIX_MAX = 120 };

struct model_id {
    struct bytes prefix, suffix;
};

enum err model_id_parse(struct bytes text, struct model_id *ret_id);
enum err model_id_prefix_check(struct bytes prefix);
/* Is `inner` the prefix `outer` or below it ("88.31" covers "88.31.1001")? */
bool model_id_covers(struct bytes outer, struct bytes inner);
/* "88.31.1001" -> "88.31"; empty at the top. */
struct bytes model_id_parent(struct bytes prefix);
/* Exactly one label below? */
bool model_id_is_child(struct bytes parent, struct bytes child);

#endif
