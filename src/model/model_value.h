/* model_value.h -- from one unit's inputs to its measures, and from summed
 * measures to what a person reads.
 *
 * Why: golden tests, the node that rolls up and the one that answers must do
 * the same arithmetic; here it is, once.
 *
 * Shape    a row: inputs as stream folds them, a mask and one integer of
 *          10^-scale per input of the pack; the window and the unit's cell, by
 *          which tables are looked up.  A measure is rounded once, half to
 * even, when it is assigned; a metric multiplies first and divides once. Errors
 * ABSENT an input (or measure) is missing; SHORT a divisor is zero; RANGE
 * beyond +-(2^43 - 1), or beyond decimals. */
#ifndef MODEL_VALUE_H
#define MODEL_VALUE_H

#include "model/model_figure.h"
#include "model/model_pack.h"

struct model_value_row { /* one unit in one window */
    uint64_t mask;
    const int64_t *values; /* of every input of the pack */
    uint32_t window, cell;
};

/* One measure of one unit, at the measure's scale. */
enum err model_value_measure(const struct model_pack *pack, unsigned measure,
                             const struct model_value_row *row,
                             int64_t *ret_value);
/* An assertion: true, and no error. */
bool model_value_holds(const struct model_pack *pack,
                       const struct model_expr *expr,
                       const struct model_value_row *row);
/* All of one unit: expected 1, reported 1 if it has, and every measure that
 * can be had; returns how many failed though their inputs are there. */
unsigned model_value_unit(const struct model_pack *pack,
                          const struct model_value_row *row,
                          struct model_figure *ret_figure);
/* A measure's sum in its unit; and a metric over sums. */
enum err model_value_total(const struct model_pack *pack, unsigned measure,
                           const struct model_figure *figure,
                           struct dec *ret_value);
enum err model_value_metric(const struct model_pack *pack, unsigned metric,
                            const struct model_figure *figure,
                            struct dec *ret_value);

#endif
