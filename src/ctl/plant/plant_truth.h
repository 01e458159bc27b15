/* plant_truth.h -- what a simulated plant really did, in integers.
 *
 * Why: a figure of the tree can only be called right beside something that
 * was counted without it.  This counts while the plant happens: it hears of
 * every change of state, piece and meter reading at its instant, and shares
 * neither code nor samples with the folding of figures.
 *
 * Windows  minutes, and shifts of 8 h from midnight, both in +08:00; an
 *          instant t belongs to [start, end).  A state lasts from its instant
 *          to the next one's and is cut at the edges.
 * Lines    JSON, one object each, integers only:
 *            {"truth":"plant","works","prefix","seed","simulated":true,...}
 *            {"window":"minute"|"shift","id","from_ms","to_ms","planned_ms",
 *             "run_ms","setup_ms","idle_ms","down_ms","stop_ms",
 *             "ideal_cycle_ms","made_pcs","good_pcs","scrap_pcs",
 *             "std_made_ms","std_good_ms","wh","defects":{code:n},"oee_ppm"}
 *            {"fault":kind,"number","id","from_ms","to_ms"}
 *            {"series":metric,"id","decimals","count","sum","first_ms",
 *             "first","last_ms","last"}      values: integers of 10^-decimals
 *            {"end":true,"to_ms","messages","acknowledged"}
 *          Windows as they close, series at the end; a file without its last
 *          line is of a run that has not ended.  oee_ppm = std_good_ms x 10^6 /
 *          planned_ms, rounded half up; null when nothing was planned.
 * Memory   fixed: a minute, a shift and 32 series per machine, 64 faults that
 *          are under way.
 * Threads  the caller's. */
#ifndef PLANT_TRUTH_H
#define PLANT_TRUTH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
    PLANT_MACHINES = 16,
    PLANT_METRICS = 32,
    PLANT_DEFECTS = 8,
    PLANT_FAULTS = 64,
};

enum plant_state { /* values of the metric machine_state */
                   PLANT_UNKNOWN,
                   PLANT_PRODUCING,
                   PLANT_SETUP,
                   PLANT_IDLE,
                   PLANT_DOWN,
                   PLANT_STOPPED, /* by plan */
                   PLANT_STATES
};

struct plant_metric {
    const char *name;
    uint8_t decimals;
    int64_t deadband; /* a smaller change is not told */
};

struct plant_truth_window {
    int64_t from_ms, to_ms;
    int64_t state_ms[PLANT_STATES], planned_ms;
    int64_t made_pcs, good_pcs, std_made_ms, std_good_ms, wh;
    int64_t defects[PLANT_DEFECTS];
};

struct plant_truth_series {
    int64_t count, sum, first_ms, first, last_ms, last;
};

struct plant_truth_machine {
    const char *id;
    int64_t ideal_cycle_ms;
    enum plant_state state;
    bool planned;
    int64_t since_ms; /* counted up to here */
    struct plant_truth_window minute, shift;
    struct plant_truth_series series[PLANT_METRICS];
};

struct plant_truth_fault { /* under way */
    const char *kind, *id; /* kind NULL: a free place */
    unsigned number;
    int64_t from_ms;
};

struct plant_truth {
    FILE *file; /* NULL: nobody wants it */
    const char *const *defects;
    unsigned defect_count;
    const struct plant_metric *metrics;
    unsigned metric_count, machine_count, fault_count;
    struct plant_truth_machine machines[PLANT_MACHINES];
    struct plant_truth_fault faults[PLANT_FAULTS];
};

/* A machine's first instant. */
void plant_truth_begin(struct plant_truth *truth, unsigned machine,
                       int64_t t_ms, enum plant_state state, bool planned);
void plant_truth_state(struct plant_truth *truth, unsigned machine,
                       int64_t t_ms, enum plant_state state, bool planned);
/* defect: an index, used when the piece is not good. */
void plant_truth_piece(struct plant_truth *truth, unsigned machine,
                       int64_t t_ms, bool good, unsigned defect);
void plant_truth_energy(struct plant_truth *truth, unsigned machine,
                        int64_t t_ms, int64_t wh);
void plant_truth_sample(struct plant_truth *truth, unsigned machine,
                        unsigned metric, int64_t t_ms, int64_t value);
/* A handle for _over; PLANT_FAULTS: too many are under way, not kept. */
unsigned plant_truth_fault(struct plant_truth *truth, unsigned machine,
                           const char *kind, int64_t t_ms);
void plant_truth_over(struct plant_truth *truth, unsigned handle, int64_t t_ms);
/* All lines that are still missing; windows that to_ms cuts are left out. */
void plant_truth_end(struct plant_truth *truth, int64_t to_ms,
                     uint64_t messages, uint64_t acknowledged);

#endif
