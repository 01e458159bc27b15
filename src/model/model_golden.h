/* model_golden.h -- the tests that a pack brings along: packs/NAME/golden.
 *
 * Why: a pack is knowledge, and knowledge is shown right by examples that its
 * author worked out by hand.  They run without a node, a store or a clock.
 *
 *     cases:
 *       - name: two hosts in one minute
 *         window: 2025-11-22T04:55
 *         units:
 *           88.31.1001/host:
 *             class: host
 *             inputs: {cpu_busy: 12.50, cpu_all: 240}
 *           88.31.1002/host:
 *             class: host
 *             codes: {region: "310000"}    # of its dims
 *             samples:                   # time from the window's start, value
 *               cpu_busy: [[-5s, 100], [55s, 130.25]]
 *         expect:
 *           expected: 2                  # units in scope
 *           reported: 2
 *           measures: {cpu_busy: "42.75"}
 *           metrics: {cpu_share: "8.9", disk_share: ABSENT}
 *           checks: {cost_high: 88.31.1002/plant}   # who fails; "" nobody
 *
 * Measures read with all decimals of their scale, metrics with their digits;
 * where there is no value, the name of the error: ABSENT, SHORT, RANGE.  A
 * check is one of the pack, or an input (missing, out of range).  Each measure,
 * metric and check of the pack must be expected somewhere, a check to fail.
 *
 * Errors   MISMATCH some check failed; or what is wrong with a file. */
#ifndef MODEL_GOLDEN_H
#define MODEL_GOLDEN_H

#include "model/model_pack.h"

struct model_golden_result {
    const char *file;
    uint32_t line;
    const char *name; /* of the case; "" for the pack as a whole */
    const char *what; /* "measure cpu_busy" */
    const char *expected, *got;
    bool passed;
};

struct model_golden_sink {
    void (*take)(struct model_golden_sink *self,
                 const struct model_golden_result *result);
};

struct model_golden_count {
    unsigned cases, checks, failures;
};

/* Runs all files in FOLDER/golden, in order of name; sink may be NULL. */
enum err model_golden_run(const struct model_pack *pack,
                          struct model_source *source, const char *folder,
                          struct model_golden_sink *sink,
                          struct model_golden_count *ret_count,
                          struct base_note *note);

#endif
