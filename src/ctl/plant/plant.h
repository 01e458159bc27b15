/* plant.h -- a simulated factory: machines that happen, second by second.
 *
 * Why: a tree can be shown, and its figures proven, only with factories that
 * behave like factories and whose truth is known to the integer.  Everything
 * here is simulated, and says so.
 *
 * Shape    a works is a list of machines, a table of metrics and two functions:
 *          start() and second().  second(t) lives through [t, t + 1 s): for
 *          each machine, in order of its instants, it says what happened.
 *
 *            works --enter, piece, use, set--> machine --> truth (at once)
 *                                                 '------> messages, when its
 *                                                          instant is over
 *
 * By exception  a message holds what has changed beyond its deadband since it
 *          was last told; counters and states always.  Once a minute, and at
 *          the start, a machine tells everything: so no state is ever older
 *          than a minute.
 * Metrics  every machine of class `machine` has the first PLANT_OWN of them:
 *          the contract with the packs kpi/iso22400 and energy/carbon.
 * Energy   a meter: watt-milliseconds flow in, its register shows whole Wh and
 *          is read every 10 s; a reading at t counts in the window of t.
 * Numbers  physics is in doubles, but only + - * / and comparisons, which
 *          IEEE 754 rounds in one way: the same seed gives the same bytes on
 *          every machine.  Whatever is counted is an integer.
 * Random   one generator per machine, seeded from (seed, machine). */
#ifndef PLANT_H
#define PLANT_H

#include "base/base_out.h"
#include "base/base_rng.h"
#include "ctl/plant/plant_truth.h"

enum { /* the first metrics of every machine */
       PLANT_STATE,
       PLANT_PLANNED,
       PLANT_MADE,
       PLANT_GOOD,
       PLANT_SCRAP,
       PLANT_IDEAL,
       PLANT_STD_MADE,
       PLANT_STD_GOOD,
       PLANT_ENERGY,
       PLANT_OWN
};

enum { PLANT_MINUTE_S = 60, PLANT_QUEUE = 256 };

struct plant;

struct plant_machine {
    struct plant *plant;
    unsigned index;
    char id[96]; /* PREFIX/NAME */
    struct base_rng rng;
    int64_t values[PLANT_METRICS], told[PLANT_METRICS];
    int64_t at_ms; /* the instant of what is not told yet */
    bool waits, whole;
    int64_t ideal_ms;
    enum plant_state state;
    bool planned;
    int64_t watt_ms; /* since the register's last whole Wh */
    int64_t next_ms; /* when the works has something to do */
    void *own;       /* the works' */
};

struct plant_works {
    const char *name, *title, *prefix;
    uint8_t mqtt; /* 4: 3.1.1; 5 */
    const char *const *machines;
    unsigned machine_count;
    const struct plant_metric *metrics; /* PLANT_COMMON first */
    unsigned metric_count;
    const char *const *defects;
    unsigned defect_count;
    unsigned defect_metric; /* of the first defect's counter; 0: none */
    size_t own_size;        /* of the works' state per machine, zeroed */
    size_t line_size;       /* of what they share, zeroed */
    void (*start)(struct plant *plant, int64_t t_ms);
    void (*second)(struct plant *plant, int64_t t_ms);
};

struct plant_message {
    unsigned machine;
    size_t at, size; /* of the payload, in plant->payloads */
};

struct plant {
    const struct plant_works *works;
    uint64_t seed;
    struct base_rng rng; /* of what concerns all */
    struct plant_machine machines[PLANT_MACHINES];
    void *own, *line;
    int64_t now_ms; /* lived through up to here */
    struct plant_truth truth;
    struct base_out payloads;
    struct plant_message queue[PLANT_QUEUE];
    unsigned queued;
};

/* clang-format off */
#define PLANT_COMMON \
    [PLANT_STATE] = {"machine_state", 0, 0}, \
    [PLANT_PLANNED] = {"machine_planned", 0, 0}, \
    [PLANT_MADE] = {"made_pcs_total", 0, 0}, \
    [PLANT_GOOD] = {"good_pcs_total", 0, 0}, \
    [PLANT_SCRAP] = {"scrap_pcs_total", 0, 0}, \
    [PLANT_IDEAL] = {"ideal_cycle_ms", 0, 0}, \
    [PLANT_STD_MADE] = {"std_made_ms_total", 0, 0}, \
    [PLANT_STD_GOOD] = {"std_good_ms_total", 0, 0}, \
    [PLANT_ENERGY] = {"energy_wh_total", 0, 0}
/* clang-format on */

extern const struct plant_works plant_pump, plant_machining, plant_electronics;

#endif
