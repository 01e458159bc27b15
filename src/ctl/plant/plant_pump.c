/* plant_pump.c -- a pump works: twelve centrifugal pumps that deliver water.
 *
 * Model    Works of this kind sell cubic metres at a pressure.  So one piece is
 *          one m3; it is good when the pressure at that instant was at least
 *          97 % of the rated one, else scrap (off_spec).  The ideal cycle is
 *          3,600,000 ms / rated flow: the performance is the share of the rated
 *          flow that was asked for.
 *
 *          Head      H = Hn (1.25 - 0.25 q^2), q = Q / Qn: the usual flat
 *                    falling curve of a radial pump around its best point.
 *          Flow      follows the demand with 5 s; the demand follows the hour
 *                    (highest at 14:00) and wanders (first-order, 60 s).
 *          Efficiency 78 % (1 - 0.6 (q - 1)^2), motor 93 %.
 *          Power     rho g Q H / efficiency, up to 4 % more as a bearing wears.
 *          Bearing   first-order heating, 600 s, 38 K above ambient at rated
 *                    power, 35 K more when worn out.
 *          Vibration 1.6 mm/s at the best point, more beside it; 6.5 mm/s more
 *                    when worn out: through ISO 20816's zone limits of 4.5 and
 *                    7.1 mm/s in the last third of the wear, as in life.
 * States   pumps 11 and 12 stand by in turn, a shift each (by plan).  A running
 *          pump trips once in 4 h (3 to 10 min), its strainer is backwashed
 *          once in 3 h (set-up, 4 to 7 min), and it waits for the tank once in
 *          2 h (idle, 1 to 5 min), on average.
 * Faults   bearing_wear  2 to 5 h of growing wear, then a trip and a repair of
 *                        40 to 70 min
 *          leak          15 to 40 min with a tenth of the pressure lost
 *          stuck_sensor  20 to 60 min of an unmoving bearing temperature
 *          One of each at a time, the next some hours later.
 * Source   textbook pump laws; ISO 20816-3 for vibration. */
#include "base/base_mem.h"
#include "ctl/plant/plant_machine.h"

enum {
    PUMP_FLOW = PLANT_OWN,
    PUMP_PRESSURE,
    PUMP_POWER,
    PUMP_TEMPERATURE,
    PUMP_VIBRATION,
    PUMP_METRICS
};

enum { PUMP_COUNT = 12, PUMP_STEADY = 10 }; /* the first never stand by */

static const struct plant_metric pump_metrics[PUMP_METRICS] = {
    PLANT_COMMON,
    [PUMP_FLOW] = {"flow_m3_h", 2, 30},
    [PUMP_PRESSURE] = {"pressure_kpa", 1, 20},
    [PUMP_POWER] = {"power_w", 0, 100},
    [PUMP_TEMPERATURE] = {"bearing_temperature_c", 1, 2},
    [PUMP_VIBRATION] = {"vibration_mm_s", 2, 10},
};

static const char *const pump_names[PUMP_COUNT] = {
    "pump-1", "pump-2", "pump-3", "pump-4",  "pump-5",  "pump-6",
    "pump-7", "pump-8", "pump-9", "pump-10", "pump-11", "pump-12"};

static const char *const pump_defects[] = {"off_spec"};

/* Rated flow (m3/h; divides 3,600,000) and head (m). */
static const struct pump_rating {
    double flow_m3_h, head_m;
} pump_ratings[PUMP_COUNT] = {{60, 48},  {60, 48},  {72, 40},  {72, 40},
                              {90, 52},  {90, 52},  {90, 52},  {120, 45},
                              {120, 45}, {150, 38}, {150, 38}, {180, 32}};

struct pump {
    double demand, flow, temperature_c, volume_m3;
};

enum pump_fault_kind { PUMP_WEAR, PUMP_LEAK, PUMP_STUCK, PUMP_FAULTS };

static const struct pump_fault_row {
    const char *kind;
    int64_t first_s[2], lasts_s[2], pause_s[2]; /* least, most */
} pump_fault_rows[PUMP_FAULTS] = {
    [PUMP_WEAR] = {"bearing_wear", {300, 1200}, {7200, 18000}, {3600, 21600}},
    [PUMP_LEAK] = {"leak", {600, 2400}, {900, 2400}, {7200, 28800}},
    [PUMP_STUCK] = {"stuck_sensor", {300, 3600}, {1200, 3600}, {7200, 28800}},
};

struct pump_fault {
    unsigned machine, handle;
    bool on;
    int64_t from_ms, to_ms;
};

struct pump_line {
    struct pump_fault faults[PUMP_FAULTS];
};

static int64_t
pump_between(struct plant *plant, const int64_t range_s[2])
{
    uint64_t width = (uint64_t)(range_s[1] - range_s[0]) + 1;
    return (range_s[0] + (int64_t)base_rng_below(&plant->rng, width)) * 1000;
}

/* 1 at 14:00 in +08:00, -1 at 02:00, straight between. */
static double
pump_hour(int64_t t_ms)
{
    double hour = (double)((t_ms / 1000 + 8 * 3600) % 86400) / 3600;
    double away = hour < 2 ? hour + 10 : hour < 14 ? 14 - hour : hour - 14;
    return 1 - away / 6;
}

/* --- faults --- */

static void
pump_fault_plan(struct plant *plant, enum pump_fault_kind kind, int64_t t_ms,
                const int64_t wait_s[2])
{
    struct pump_line *line = plant->line;
    struct pump_fault *fault = &line->faults[kind];
    fault->on = false;
    fault->machine = (unsigned)base_rng_below(&plant->rng, PUMP_STEADY);
    fault->from_ms = t_ms + pump_between(plant, wait_s);
    fault->to_ms =
        fault->from_ms + pump_between(plant, pump_fault_rows[kind].lasts_s);
}

static void
pump_fault_second(struct plant *plant, enum pump_fault_kind kind, int64_t t_ms)
{
    struct pump_line *line = plant->line;
    struct pump_fault *fault = &line->faults[kind];
    struct plant_machine *machine = &plant->machines[fault->machine];
    if (!fault->on && t_ms >= fault->from_ms) {
        fault->on = true;
        fault->handle = plant_truth_fault(&plant->truth, fault->machine,
                                          pump_fault_rows[kind].kind, t_ms);
    }
    if (!fault->on || t_ms < fault->to_ms)
        return;
    plant_truth_over(&plant->truth, fault->handle, t_ms);
    if (kind == PUMP_WEAR) { /* trips, and is repaired */
        plant_machine_enter(machine, t_ms, PLANT_DOWN, true);
        machine->next_ms =
            t_ms + plant_machine_between(machine, 2400, 4200) * 1000;
    }
    pump_fault_plan(plant, kind, t_ms, pump_fault_rows[kind].pause_s);
}

static bool
pump_has(const struct plant_machine *machine, enum pump_fault_kind kind)
{
    const struct pump_line *line = machine->plant->line;
    return line->faults[kind].on &&
           line->faults[kind].machine == machine->index;
}

/* 0 .. 1, squared: it comes slowly, then fast. */
static double
pump_wear(const struct plant_machine *machine, int64_t t_ms)
{
    const struct pump_line *line = machine->plant->line;
    const struct pump_fault *fault = &line->faults[PUMP_WEAR];
    if (!pump_has(machine, PUMP_WEAR))
        return 0;
    double share = (double)(t_ms - fault->from_ms) /
                   (double)(fault->to_ms - fault->from_ms);
    return share * share;
}

/* --- states --- */

static bool
pump_planned(const struct plant_machine *machine, int64_t t_ms)
{
    int64_t shift = t_ms / (8 * 3600000);
    return machine->index < PUMP_STEADY || (shift + machine->index) % 2 == 0;
}

static void
pump_pause(struct plant_machine *machine, int64_t t_ms, enum plant_state state,
           int64_t low_s, int64_t high_s)
{
    plant_machine_enter(machine, t_ms, state, true);
    machine->next_ms =
        t_ms + plant_machine_between(machine, low_s, high_s) * 1000;
}

static void
pump_state(struct plant_machine *machine, int64_t t_ms)
{
    bool planned = pump_planned(machine, t_ms);
    if (planned != machine->planned) {
        plant_machine_enter(machine, t_ms,
                            planned ? PLANT_PRODUCING : PLANT_STOPPED, planned);
        return;
    }
    if (machine->state == PLANT_STOPPED)
        return;
    if (machine->state != PLANT_PRODUCING) {
        if (t_ms >= machine->next_ms)
            plant_machine_enter(machine, t_ms, PLANT_PRODUCING, true);
    } else if (plant_machine_once_in(machine, 4 * 3600)) {
        pump_pause(machine, t_ms, PLANT_DOWN, 180, 600);
    } else if (plant_machine_once_in(machine, 3 * 3600)) {
        pump_pause(machine, t_ms, PLANT_SETUP, 240, 420);
    } else if (plant_machine_once_in(machine, 2 * 3600)) {
        pump_pause(machine, t_ms, PLANT_IDLE, 60, 300);
    }
}

/* --- physics --- */

struct pump_now {
    double q, head_m, power_w, pressure_kpa, vibration_mm_s;
};

static void
pump_flow(struct plant_machine *machine, struct pump *pump, int64_t t_ms)
{
    const struct pump_rating *rating = &pump_ratings[machine->index];
    double wanted = 0.86 + 0.08 * pump_hour(t_ms);
    pump->demand +=
        (wanted - pump->demand) / 60 + 0.004 * plant_machine_noise(machine);
    if (pump->demand > 1)
        pump->demand = 1;
    if (machine->state == PLANT_PRODUCING)
        pump->flow += (rating->flow_m3_h * pump->demand - pump->flow) / 5;
    else
        pump->flow = pump->flow < 0.05 ? 0 : pump->flow * 0.75;
}

static struct pump_now
pump_physics(struct plant_machine *machine, const struct pump *pump,
             double wear)
{
    const struct pump_rating *rating = &pump_ratings[machine->index];
    struct pump_now now = {.q = pump->flow / rating->flow_m3_h};
    double beside = (now.q - 1) * (now.q - 1);
    now.head_m = rating->head_m * (1.25 - 0.25 * now.q * now.q);
    if (machine->state == PLANT_PRODUCING) {
        now.power_w = 9810 * pump->flow / 3600 * now.head_m /
                      (0.78 * (1 - 0.6 * beside)) / 0.93 * (1 + 0.04 * wear);
        now.vibration_mm_s = 1.6 + 4.8 * beside + 6.5 * wear +
                             0.05 * plant_machine_noise(machine);
    } else {
        now.head_m = 0.35 * rating->head_m; /* what stands in the pipe */
        now.power_w = 40;
        now.vibration_mm_s = 0.1;
    }
    now.pressure_kpa = 9.81 * now.head_m *
                       (pump_has(machine, PUMP_LEAK) ? 0.9 : 1) *
                       (1 + 0.002 * plant_machine_noise(machine));
    return now;
}

static void
pump_tell(struct plant_machine *machine, int64_t t_ms,
          const struct pump_now *now)
{
    struct pump *pump = machine->own;
    plant_machine_set(machine, t_ms, PUMP_FLOW,
                      pump->flow * (1 + 0.001 * plant_machine_noise(machine)));
    plant_machine_set(machine, t_ms, PUMP_PRESSURE, now->pressure_kpa);
    plant_machine_set(machine, t_ms, PUMP_POWER, now->power_w);
    plant_machine_set(machine, t_ms, PUMP_VIBRATION, now->vibration_mm_s);
    if (!pump_has(machine, PUMP_STUCK))
        plant_machine_set(machine, t_ms, PUMP_TEMPERATURE, pump->temperature_c);
}

static void
pump_second(struct plant_machine *machine, int64_t t_ms)
{
    const struct pump_rating *rating = &pump_ratings[machine->index];
    struct pump *pump = machine->own;
    double wear = pump_wear(machine, t_ms);
    pump_flow(machine, pump, t_ms);
    struct pump_now now = pump_physics(machine, pump, wear);
    double rated_w = 9810 * rating->flow_m3_h / 3600 * rating->head_m / 0.7254;
    double wanted_c =
        22 + 4 * pump_hour(t_ms) + 38 * now.power_w / rated_w + 35 * wear;
    pump->temperature_c += (wanted_c - pump->temperature_c) / 600;
    pump_tell(machine, t_ms, &now);
    plant_machine_use(machine, (int64_t)now.power_w, 1000);
    if (machine->state == PLANT_PRODUCING)
        pump->volume_m3 += pump->flow / 3600;
    if (pump->volume_m3 >= 1) {
        pump->volume_m3 -= 1;
        plant_machine_piece(
            machine, t_ms, now.pressure_kpa >= 0.97 * 9.81 * rating->head_m, 0);
    }
}

/* --- the works --- */

static void
pump_works_start(struct plant *plant, int64_t t_ms)
{
    for (unsigned i = 0; i < PUMP_COUNT; i++) {
        struct plant_machine *machine = &plant->machines[i];
        struct pump *pump = machine->own;
        bool planned = pump_planned(machine, t_ms);
        *pump = (struct pump){.demand = 0.86, .temperature_c = 50};
        if (planned) /* it has been running */
            pump->flow = pump->demand * pump_ratings[i].flow_m3_h;
        plant_machine_begin(machine, t_ms,
                            3600000 /
                                (int64_t)pump_ratings[machine->index].flow_m3_h,
                            planned ? PLANT_PRODUCING : PLANT_STOPPED, planned);
    }
    for (unsigned kind = 0; kind < PUMP_FAULTS; kind++)
        pump_fault_plan(plant, (enum pump_fault_kind)kind, t_ms,
                        pump_fault_rows[kind].first_s);
}

static void
pump_works_second(struct plant *plant, int64_t t_ms)
{
    for (unsigned kind = 0; kind < PUMP_FAULTS; kind++)
        pump_fault_second(plant, (enum pump_fault_kind)kind, t_ms);
    for (unsigned i = 0; i < PUMP_COUNT; i++) {
        pump_state(&plant->machines[i], t_ms);
        pump_second(&plant->machines[i], t_ms);
    }
}

const struct plant_works plant_pump = {
    .name = "pump",
    .title = "pump works: 12 pumps, a piece is a cubic metre",
    .prefix = "88.31.1001",
    .mqtt = 5,
    .machines = pump_names,
    .machine_count = PUMP_COUNT,
    .metrics = pump_metrics,
    .metric_count = PUMP_METRICS,
    .defects = pump_defects,
    .defect_count = BASE_COUNT(pump_defects),
    .own_size = sizeof(struct pump),
    .line_size = sizeof(struct pump_line),
    .start = pump_works_start,
    .second = pump_works_second,
};
