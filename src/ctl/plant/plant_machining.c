/* plant_machining.c -- a machining shop: eight machining centres, four lathes.
 *
 * Model    A machine makes one kind of part.  A piece takes its ideal cycle,
 *          2 % for handling, up to 8 % more as the tool wears (the control
 *          slows the feed), and a little chance.  A tool lasts 60 to 120
 *          pieces and is changed in 1.5 to 2.5 min (set-up).  A worn tool
 *          scraps one piece in 30, a sharp one in 90: off dimension, or a bad
 *          surface.
 *          Power is idle power and what the cut takes, which grows by a quarter
 *          with wear; the coolant's temperature follows with 900 s.
 * States   every 25th piece, on average, waits for material (idle, 20 s to
 *          2 min); one in 400 breaks its tool.  In the middle of each shift
 *          30 min are a break by plan; a piece that is begun is finished
 *          first, and counts as planned time.
 * Faults   tool_breakage  the piece is scrap; 8 to 20 min down
 * Truth    instants are in ms: a piece counts when it is finished. */
#include "base/base_mem.h"
#include "ctl/plant/plant_machine.h"

enum {
    MACHINING_DIMENSION = PLANT_OWN,
    MACHINING_SURFACE,
    MACHINING_BREAKAGE,
    MACHINING_CYCLE,
    MACHINING_LOAD,
    MACHINING_WEAR,
    MACHINING_COOLANT,
    MACHINING_METRICS
};

enum { MACHINING_COUNT = 12, MACHINING_LOOK_S = 5 };

static const int64_t machining_shift_ms = 8 * 3600000;
static const int64_t machining_break_ms = 4 * 3600000; /* into the shift */
static const int64_t machining_break_size_ms = 1800000;

static const struct plant_metric machining_metrics[MACHINING_METRICS] = {
    PLANT_COMMON,
    [MACHINING_DIMENSION] = {"defect_dimension_pcs_total", 0, 0},
    [MACHINING_SURFACE] = {"defect_surface_pcs_total", 0, 0},
    [MACHINING_BREAKAGE] = {"defect_breakage_pcs_total", 0, 0},
    [MACHINING_CYCLE] = {"cycle_ms", 0, 0},
    [MACHINING_LOAD] = {"spindle_load_percent", 1, 30},
    [MACHINING_WEAR] = {"tool_wear_percent", 1, 5},
    [MACHINING_COOLANT] = {"coolant_temperature_c", 1, 2},
};

static const char *const machining_names[MACHINING_COUNT] = {
    "cnc-1", "cnc-2", "cnc-3",   "cnc-4",   "cnc-5",   "cnc-6",
    "cnc-7", "cnc-8", "lathe-1", "lathe-2", "lathe-3", "lathe-4"};

enum { MACHINING_OFF_SIZE, MACHINING_ROUGH, MACHINING_BROKEN };

static const char *const machining_defects[] = {"dimension", "surface",
                                                "breakage"};

static const struct machining_rating {
    int64_t ideal_ms, idle_w, cut_w;
} machining_ratings[MACHINING_COUNT] = {
    {72000, 2200, 7800}, {72000, 2200, 7800}, {95000, 2600, 9400},
    {95000, 2600, 9400}, {48000, 1900, 6100}, {48000, 1900, 6100},
    {64000, 2100, 7000}, {64000, 2100, 7000}, {30000, 1400, 4200},
    {30000, 1400, 4200}, {41000, 1500, 4700}, {41000, 1500, 4700}};

struct machining {
    int64_t begun_ms, life, left; /* pieces of this tool */
    bool breaks;
    unsigned fault;
    double coolant_c;
};

/* 0 sharp .. 1 worn out */
static double
machining_wear(const struct machining *own)
{
    return 1 - (double)own->left / (double)own->life;
}

static void
machining_tool(struct plant_machine *machine)
{
    struct machining *own = machine->own;
    own->life = own->left = plant_machine_between(machine, 60, 120);
}

static bool
machining_on_break(int64_t t_ms)
{
    int64_t into_ms = t_ms % machining_shift_ms - machining_break_ms;
    return into_ms >= 0 && into_ms < machining_break_size_ms;
}

/* --- what a machine does next --- */

static void
machining_begin(struct plant_machine *machine, int64_t t_ms)
{
    struct machining *own = machine->own;
    double chance = plant_machine_noise(machine);
    double longer = 1.02 + 0.08 * machining_wear(own) +
                    0.005 * (chance < 0 ? -chance : chance);
    int64_t cycle_ms = (int64_t)((double)machine->ideal_ms * longer);
    own->begun_ms = t_ms;
    own->breaks = plant_machine_once_in(machine, 400);
    if (own->breaks)
        cycle_ms = cycle_ms * plant_machine_between(machine, 10, 90) / 100;
    machine->next_ms = t_ms + cycle_ms;
    if (machine->state != PLANT_PRODUCING || !machine->planned)
        plant_machine_enter(machine, t_ms, PLANT_PRODUCING, true);
}

static void
machining_wait(struct plant_machine *machine, int64_t t_ms,
               enum plant_state state, int64_t low_s, int64_t high_s)
{
    plant_machine_enter(machine, t_ms, state, true);
    machine->next_ms =
        t_ms + plant_machine_between(machine, low_s * 1000, high_s * 1000);
}

static void
machining_next(struct plant_machine *machine, int64_t t_ms)
{
    struct machining *own = machine->own;
    if (machining_on_break(t_ms)) {
        plant_machine_enter(machine, t_ms, PLANT_STOPPED, false);
        machine->next_ms = t_ms - t_ms % machining_shift_ms +
                           machining_break_ms + machining_break_size_ms;
    } else if (own->left == 0) {
        machining_tool(machine);
        machining_wait(machine, t_ms, PLANT_SETUP, 90, 150);
    } else if (machine->state == PLANT_PRODUCING &&
               plant_machine_once_in(machine, 25)) {
        machining_wait(machine, t_ms, PLANT_IDLE, 20, 120);
    } else {
        machining_begin(machine, t_ms);
    }
}

/* --- what happens to it --- */

static void
machining_broken(struct plant_machine *machine, int64_t t_ms)
{
    struct machining *own = machine->own;
    plant_machine_piece(machine, t_ms, false, MACHINING_BROKEN);
    own->fault = plant_truth_fault(&machine->plant->truth, machine->index,
                                   "tool_breakage", t_ms);
    machining_tool(machine);
    machining_wait(machine, t_ms, PLANT_DOWN, 480, 1200);
}

static void
machining_made(struct plant_machine *machine, int64_t t_ms)
{
    struct machining *own = machine->own;
    bool worn = machining_wear(own) > 0.8;
    bool good = !plant_machine_once_in(machine, worn ? 30 : 90);
    unsigned defect = plant_machine_once_in(machine, 3) ? MACHINING_ROUGH
                                                        : MACHINING_OFF_SIZE;
    own->left--;
    plant_machine_piece(machine, t_ms, good, defect);
    plant_machine_set(machine, t_ms, MACHINING_CYCLE,
                      (double)(t_ms - own->begun_ms));
    plant_machine_set(machine, t_ms, MACHINING_WEAR, 100 * machining_wear(own));
    machining_next(machine, t_ms);
}

static void
machining_event(struct plant_machine *machine, int64_t t_ms)
{
    struct machining *own = machine->own;
    if (machine->state == PLANT_PRODUCING) {
        if (own->breaks)
            machining_broken(machine, t_ms);
        else
            machining_made(machine, t_ms);
        return;
    }
    if (machine->state == PLANT_DOWN)
        plant_truth_over(&machine->plant->truth, own->fault, t_ms);
    machining_next(machine, t_ms);
}

/* --- physics --- */

static void
machining_look(struct plant_machine *machine, int64_t t_ms)
{
    const struct machining_rating *rating = &machining_ratings[machine->index];
    struct machining *own = machine->own;
    bool cuts = machine->state == PLANT_PRODUCING;
    double load = cuts ? 0.7 + 0.25 * machining_wear(own) +
                             0.05 * plant_machine_noise(machine)
                       : 0;
    double watts = machine->state == PLANT_STOPPED ? 120
                   : machine->state == PLANT_DOWN
                       ? 600
                       : (double)rating->idle_w + load * (double)rating->cut_w;
    own->coolant_c +=
        (20 + (cuts ? 9 : 0) - own->coolant_c) * MACHINING_LOOK_S / 900;
    plant_machine_use(machine, (int64_t)watts, MACHINING_LOOK_S * 1000);
    plant_machine_set(machine, t_ms, MACHINING_LOAD, 100 * load);
    plant_machine_set(machine, t_ms, MACHINING_COOLANT, own->coolant_c);
}

/* --- the works --- */

static void
machining_start(struct plant *plant, int64_t t_ms)
{
    for (unsigned i = 0; i < MACHINING_COUNT; i++) {
        struct plant_machine *machine = &plant->machines[i];
        struct machining *own = machine->own;
        bool pause = machining_on_break(t_ms);
        own->coolant_c = 24;
        machining_tool(machine);
        own->left -= plant_machine_between(machine, 0, 50);
        plant_machine_begin(machine, t_ms, machining_ratings[i].ideal_ms,
                            pause ? PLANT_STOPPED : PLANT_IDLE, !pause);
        machine->next_ms = t_ms + plant_machine_between(machine, 0, 30000);
    }
}

static void
machining_second(struct plant *plant, int64_t t_ms)
{
    for (unsigned i = 0; i < MACHINING_COUNT; i++) {
        struct plant_machine *machine = &plant->machines[i];
        if (t_ms / 1000 % MACHINING_LOOK_S == 0)
            machining_look(machine, t_ms);
        while (machine->next_ms < t_ms + 1000)
            machining_event(machine, machine->next_ms);
    }
}

const struct plant_works plant_machining = {
    .name = "machining",
    .title = "machining shop: 8 machining centres, 4 lathes",
    .prefix = "88.31.1002",
    .mqtt = 4,
    .machines = machining_names,
    .machine_count = MACHINING_COUNT,
    .metrics = machining_metrics,
    .metric_count = MACHINING_METRICS,
    .defects = machining_defects,
    .defect_count = BASE_COUNT(machining_defects),
    .defect_metric = MACHINING_DIMENSION,
    .own_size = sizeof(struct machining),
    .start = machining_start,
    .second = machining_second,
};
