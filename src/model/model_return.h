/* model_return.h -- a return against its pack: the form, and what is wrong.
 *
 * Why: the enterprise's node before filing, the console while somebody types,
 * and each parent again must come to the same verdict.  So it is one pure
 * function of the pack and the values.
 *
 * Shape    values as figures are made of them (model_value): a mask, and one
 *          integer of 10^-scale per input.  Only what fails is listed: first
 *          items in the pack's order (a required one that is missing; one
 *          outside min..max), which is hard; then checks in their order, a
 *          hierarchy once for each total that does not add up.
 * Checks   an assertion that cannot be computed (an absent item, / 0) has
 *          failed, unless guarded by has().  In a hierarchy absent parts are
 *          0; a total is looked at if it or a part of it is there.
 * Texts    in both languages, filled in; numbers with the item's decimals.
 * Errors   LIMIT the arena is full.  Measures of the unit: model_value_unit. */
#ifndef MODEL_RETURN_H
#define MODEL_RETURN_H

#include "model/model_value.h"

enum model_return_code {
    MODEL_RETURN_MISSING,
    MODEL_RETURN_RANGE,
    MODEL_RETURN_CHECK,
};

struct model_return_result {
    enum model_return_code code;
    enum model_pack_level level;
    int check; /* index; -1: the item itself */
    int item;  /* index of the input it is about */
    bool has_value, has_sum;
    struct dec value;           /* stated */
    struct dec sum, difference; /* of parts; value - sum */
    const char *zh, *en;
};

enum err model_return_check(const struct model_pack *pack,
                            const struct model_value_row *row,
                            struct base_arena *arena,
                            struct model_return_result **ret_results,
                            unsigned *ret_count);

/* The form: the inputs that a person fills in, in order; their labels, units,
 * bounds and groups are there.  ret_items: MODEL_PACK_INPUTS indexes. */
unsigned model_return_form(const struct model_pack *pack,
                           unsigned ret_items[MODEL_PACK_INPUTS]);
/* A number as typed, at the input's scale.  SYNTAX; RANGE: more decimals, or
 * beyond +-(2^43 - 1) (min and max are the check's). */
enum err model_return_number(const struct model_pack_input *input,
                             struct bytes text, int64_t *ret_value);
/* "missing_item", "out_of_range", "check_failed" */
const char *model_return_code_name(enum model_return_code code);
/* "hard", "soft", "info" */
const char *model_return_level_name(enum model_pack_level level);

#endif
