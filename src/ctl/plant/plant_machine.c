/* plant_machine.c -- from what happens to messages and truth. */
#include "ctl/plant/plant_machine.h"

#include <inttypes.h>
#include <math.h>

#include "base/base_mem.h"
#include "base/base_must.h"

enum {
    MACHINE_METER_S = 10, /* between readings of the energy register */
    MACHINE_PHASE_S = 5,  /* machines tell everything at different seconds */
    MACHINE_PAYLOADS = 1 << 20,
};

static const int64_t machine_wh = INT64_C(3600) * 1000; /* in W ms */

/* --- telling --- */

static void
machine_value(struct base_out *out, int64_t value, unsigned decimals)
{
    static const int64_t tens[] = {1, 10, 100, 1000, 10000};
    uint64_t size = value < 0 ? (uint64_t)-value : (uint64_t)value;
    uint64_t ten = (uint64_t)tens[decimals];
    base_out_format(out, "%s%" PRIu64, value < 0 ? "-" : "", size / ten);
    if (decimals > 0)
        base_out_format(out, ".%0*" PRIu64, (int)decimals, size % ten);
}

static bool
machine_is_new(const struct plant_machine *machine, unsigned metric)
{
    int64_t deadband = machine->plant->works->metrics[metric].deadband;
    int64_t by = machine->values[metric] - machine->told[metric];
    if (by < 0)
        by = -by;
    return machine->whole || by > deadband;
}

/* What waits becomes a message. */
static void
machine_tell(struct plant_machine *machine)
{
    struct plant *plant = machine->plant;
    struct base_out *out = &plant->payloads;
    size_t before = out->size;
    bool any = false;
    machine->waits = false;
    base_out_format(out, "{\"ts\":%" PRId64 ",\"v\":{", machine->at_ms);
    for (unsigned i = 0; i < plant->works->metric_count; i++) {
        const struct plant_metric *metric = &plant->works->metrics[i];
        if (!machine_is_new(machine, i))
            continue;
        machine->told[i] = machine->values[i];
        base_out_format(out, "%s\"%s\":", any ? "," : "", metric->name);
        machine_value(out, machine->told[i], metric->decimals);
        plant_truth_sample(&plant->truth, machine->index, i, machine->at_ms,
                           machine->told[i]);
        any = true;
    }
    machine->whole = false;
    base_out_text(out, "}}");
    must(base_out_ok(out) && plant->queued < PLANT_QUEUE);
    if (any)
        plant->queue[plant->queued++] = (struct plant_message){
            .machine = machine->index,
            .at = before,
            .size = out->size - before,
        };
    else
        out->size = before;
}

/* The machine's clock stands at t: what was before it is told. */
static void
machine_at(struct plant_machine *machine, int64_t t_ms)
{
    must(t_ms >= machine->at_ms);
    if (machine->waits && t_ms > machine->at_ms)
        machine_tell(machine);
    machine->at_ms = t_ms;
    machine->waits = true;
}

/* --- what a works says --- */

static void
machine_state(struct plant_machine *machine, enum plant_state state,
              bool planned)
{
    machine->state = state;
    machine->planned = planned;
    machine->values[PLANT_STATE] = state;
    machine->values[PLANT_PLANNED] = planned;
}

void
plant_machine_begin(struct plant_machine *machine, int64_t t_ms,
                    int64_t ideal_ms, enum plant_state state, bool planned)
{
    struct plant_truth *truth = &machine->plant->truth;
    machine->at_ms = t_ms;
    machine->waits = machine->whole = true;
    machine->ideal_ms = ideal_ms;
    machine->values[PLANT_IDEAL] = ideal_ms;
    truth->machines[machine->index].ideal_cycle_ms = ideal_ms;
    plant_truth_begin(truth, machine->index, t_ms, state, planned);
    machine_state(machine, state, planned);
}

void
plant_machine_enter(struct plant_machine *machine, int64_t t_ms,
                    enum plant_state state, bool planned)
{
    machine_at(machine, t_ms);
    plant_truth_state(&machine->plant->truth, machine->index, t_ms, state,
                      planned);
    machine_state(machine, state, planned);
}

void
plant_machine_piece(struct plant_machine *machine, int64_t t_ms, bool good,
                    unsigned defect)
{
    const struct plant_works *works = machine->plant->works;
    machine_at(machine, t_ms);
    plant_truth_piece(&machine->plant->truth, machine->index, t_ms, good,
                      defect);
    machine->values[PLANT_MADE]++;
    machine->values[PLANT_STD_MADE] += machine->ideal_ms;
    if (good) {
        machine->values[PLANT_GOOD]++;
        machine->values[PLANT_STD_GOOD] += machine->ideal_ms;
        return;
    }
    machine->values[PLANT_SCRAP]++;
    if (works->defect_metric > 0)
        machine->values[works->defect_metric + defect]++;
}

void
plant_machine_use(struct plant_machine *machine, int64_t watts, int64_t ms)
{
    machine->watt_ms += watts * ms;
}

static void
machine_read_meter(struct plant_machine *machine, int64_t t_ms)
{
    int64_t wh = machine->watt_ms / machine_wh;
    machine_at(machine, t_ms);
    machine->watt_ms -= wh * machine_wh;
    machine->values[PLANT_ENERGY] += wh;
    plant_truth_energy(&machine->plant->truth, machine->index, t_ms, wh);
}

void
plant_machine_set(struct plant_machine *machine, int64_t t_ms, unsigned metric,
                  double value)
{
    static const double tens[] = {1, 10, 100, 1000, 10000};
    double scaled =
        value * tens[machine->plant->works->metrics[metric].decimals];
    machine_at(machine, t_ms);
    machine->values[metric] = (int64_t)floor(scaled + 0.5);
}

/* --- chance --- */

/* The sum of four uniform ones, scaled: no logarithm, so the same bits
 * everywhere. */
double
plant_machine_noise(struct plant_machine *machine)
{
    double sum = 0;
    for (unsigned i = 0; i < 4; i++)
        sum +=
            (double)(base_rng_next(&machine->rng) >> 11) / 9007199254740992.0;
    return (sum - 2) * 1.7320508075688772;
}

int64_t
plant_machine_between(struct plant_machine *machine, int64_t low, int64_t high)
{
    return low +
           (int64_t)base_rng_below(&machine->rng, (uint64_t)(high - low) + 1);
}

bool
plant_machine_once_in(struct plant_machine *machine, uint64_t mean)
{
    return base_rng_below(&machine->rng, mean) == 0;
}

/* --- the plant --- */

void
plant_machine_open(struct plant *plant, const struct plant_works *works,
                   const char *prefix, uint64_t seed, int64_t t_ms, FILE *truth)
{
    *plant = (struct plant){.works = works, .seed = seed, .now_ms = t_ms};
    plant->truth = (struct plant_truth){
        .file = truth,
        .defects = works->defects,
        .defect_count = works->defect_count,
        .metrics = works->metrics,
        .metric_count = works->metric_count,
        .machine_count = works->machine_count,
    };
    must(works->machine_count <= PLANT_MACHINES &&
         works->metric_count <= PLANT_METRICS &&
         works->defect_count <= PLANT_DEFECTS);
    base_out_grow(&plant->payloads, MACHINE_PAYLOADS);
    plant->own = base_mem_zero(works->machine_count * works->own_size + 1);
    plant->line = base_mem_zero(works->line_size + 1);
    base_rng_seed(&plant->rng, seed);
    for (unsigned i = 0; i < works->machine_count; i++) {
        struct plant_machine *machine = &plant->machines[i];
        machine->plant = plant;
        machine->index = i;
        machine->own = (char *)plant->own + i * works->own_size;
        snprintf(machine->id, sizeof machine->id, "%s/%s",
                 prefix ? prefix : works->prefix, works->machines[i]);
        plant->truth.machines[i].id = machine->id;
        base_rng_seed(&machine->rng, base_rng_next(&plant->rng));
    }
    works->start(plant, t_ms);
}

void
plant_machine_shut(struct plant *plant)
{
    base_out_done(&plant->payloads);
    base_mem_free(plant->own);
    base_mem_free(plant->line);
}

void
plant_machine_second(struct plant *plant)
{
    int64_t t_ms = plant->now_ms, second = t_ms / 1000;
    const struct plant_works *works = plant->works;
    base_out_reset(&plant->payloads);
    plant->queued = 0;
    for (unsigned i = 0; i < works->machine_count; i++) {
        struct plant_machine *machine = &plant->machines[i];
        if (second % MACHINE_METER_S == 0)
            machine_read_meter(machine, t_ms);
        if (second % PLANT_MINUTE_S == i * MACHINE_PHASE_S % PLANT_MINUTE_S) {
            machine_at(machine, t_ms);
            machine->whole = true;
        }
    }
    works->second(plant, t_ms);
    for (unsigned i = 0; i < works->machine_count; i++)
        if (plant->machines[i].waits)
            machine_tell(&plant->machines[i]);
    plant->now_ms = t_ms + 1000;
}
