/* plant_truth.c -- counting, minute by minute and shift by shift. */
#include "ctl/plant/plant_truth.h"

#include <inttypes.h>

static const int64_t truth_minute_ms = 60000, truth_shift_ms = 8 * 3600000;

/* Midnight in +08:00 is a multiple of 8 h in UTC, too. */
static void
truth_open(struct plant_truth_window *window, int64_t t_ms, int64_t size_ms)
{
    *window = (struct plant_truth_window){
        .from_ms = t_ms / size_ms * size_ms,
        .to_ms = t_ms / size_ms * size_ms + size_ms,
    };
}

/* --- lines --- */

static void
truth_defects(const struct plant_truth *truth,
              const struct plant_truth_window *window)
{
    fputs(",\"defects\":{", truth->file);
    for (unsigned i = 0; i < truth->defect_count; i++)
        fprintf(truth->file, "%s\"%s\":%" PRId64, i ? "," : "",
                truth->defects[i], window->defects[i]);
    fputs("}", truth->file);
}

static void
truth_write(const struct plant_truth *truth,
            const struct plant_truth_machine *machine,
            const struct plant_truth_window *window, const char *name)
{
    if (truth->file == NULL)
        return;
    fprintf(
        truth->file,
        "{\"window\":\"%s\",\"id\":\"%s\",\"from_ms\":%" PRId64
        ",\"to_ms\":%" PRId64 ",\"planned_ms\":%" PRId64 ",\"run_ms\":%" PRId64
        ",\"setup_ms\":%" PRId64 ",\"idle_ms\":%" PRId64 ",\"down_ms\":%" PRId64
        ",\"stop_ms\":%" PRId64 ",\"ideal_cycle_ms\":%" PRId64
        ",\"made_pcs\":%" PRId64 ",\"good_pcs\":%" PRId64
        ",\"scrap_pcs\":%" PRId64 ",\"std_made_ms\":%" PRId64
        ",\"std_good_ms\":%" PRId64 ",\"wh\":%" PRId64,
        name, machine->id, window->from_ms, window->to_ms, window->planned_ms,
        window->state_ms[PLANT_PRODUCING], window->state_ms[PLANT_SETUP],
        window->state_ms[PLANT_IDLE], window->state_ms[PLANT_DOWN],
        window->state_ms[PLANT_STOPPED], machine->ideal_cycle_ms,
        window->made_pcs, window->good_pcs, window->made_pcs - window->good_pcs,
        window->std_made_ms, window->std_good_ms, window->wh);
    truth_defects(truth, window);
    if (window->planned_ms > 0)
        fprintf(truth->file, ",\"oee_ppm\":%" PRId64 "}\n",
                (2 * window->std_good_ms * 1000000 + window->planned_ms) /
                    (2 * window->planned_ms));
    else
        fputs(",\"oee_ppm\":null}\n", truth->file);
}

static void
truth_series(const struct plant_truth *truth,
             const struct plant_truth_machine *machine, unsigned metric)
{
    const struct plant_truth_series *series = &machine->series[metric];
    if (series->count == 0)
        return;
    fprintf(
        truth->file,
        "{\"series\":\"%s\",\"id\":\"%s\",\"decimals\":%u,\"count\":%" PRId64
        ",\"sum\":%" PRId64 ",\"first_ms\":%" PRId64 ",\"first\":%" PRId64
        ",\"last_ms\":%" PRId64 ",\"last\":%" PRId64 "}\n",
        truth->metrics[metric].name, machine->id,
        truth->metrics[metric].decimals, series->count, series->sum,
        series->first_ms, series->first, series->last_ms, series->last);
}

static void
truth_fault(const struct plant_truth *truth,
            const struct plant_truth_fault *fault, int64_t to_ms)
{
    if (truth->file == NULL)
        return;
    fprintf(truth->file,
            "{\"fault\":\"%s\",\"number\":%u,\"id\":\"%s\",\"from_ms\":%" PRId64
            ",\"to_ms\":%" PRId64 "}\n",
            fault->kind, fault->number, fault->id, fault->from_ms, to_ms);
}

/* --- time --- */

static void
truth_spend(struct plant_truth_window *window,
            const struct plant_truth_machine *machine, int64_t ms)
{
    window->state_ms[machine->state] += ms;
    if (machine->planned)
        window->planned_ms += ms;
}

/* The state has lasted up to t; windows that end by then are written. */
static struct plant_truth_machine *
truth_until(struct plant_truth *truth, unsigned index, int64_t t_ms)
{
    struct plant_truth_machine *machine = &truth->machines[index];
    while (machine->since_ms < t_ms) {
        int64_t edge_ms = machine->minute.to_ms;
        int64_t to_ms = t_ms < edge_ms ? t_ms : edge_ms;
        truth_spend(&machine->minute, machine, to_ms - machine->since_ms);
        truth_spend(&machine->shift, machine, to_ms - machine->since_ms);
        machine->since_ms = to_ms;
        if (to_ms == machine->minute.to_ms) {
            truth_write(truth, machine, &machine->minute, "minute");
            truth_open(&machine->minute, to_ms, truth_minute_ms);
        }
        if (to_ms == machine->shift.to_ms) {
            truth_write(truth, machine, &machine->shift, "shift");
            truth_open(&machine->shift, to_ms, truth_shift_ms);
        }
    }
    return machine;
}

void
plant_truth_begin(struct plant_truth *truth, unsigned index, int64_t t_ms,
                  enum plant_state state, bool planned)
{
    struct plant_truth_machine *machine = &truth->machines[index];
    machine->since_ms = t_ms;
    machine->state = state;
    machine->planned = planned;
    truth_open(&machine->minute, t_ms, truth_minute_ms);
    truth_open(&machine->shift, t_ms, truth_shift_ms);
}

void
plant_truth_state(struct plant_truth *truth, unsigned index, int64_t t_ms,
                  enum plant_state state, bool planned)
{
    struct plant_truth_machine *machine = truth_until(truth, index, t_ms);
    machine->state = state;
    machine->planned = planned;
}

/* --- counts --- */

static void
truth_piece(struct plant_truth_window *window, int64_t ideal_ms, bool good,
            unsigned defect)
{
    window->made_pcs++;
    window->std_made_ms += ideal_ms;
    if (good) {
        window->good_pcs++;
        window->std_good_ms += ideal_ms;
    } else {
        window->defects[defect]++;
    }
}

void
plant_truth_piece(struct plant_truth *truth, unsigned index, int64_t t_ms,
                  bool good, unsigned defect)
{
    struct plant_truth_machine *machine = truth_until(truth, index, t_ms);
    truth_piece(&machine->minute, machine->ideal_cycle_ms, good, defect);
    truth_piece(&machine->shift, machine->ideal_cycle_ms, good, defect);
}

void
plant_truth_energy(struct plant_truth *truth, unsigned index, int64_t t_ms,
                   int64_t wh)
{
    struct plant_truth_machine *machine = truth_until(truth, index, t_ms);
    machine->minute.wh += wh;
    machine->shift.wh += wh;
}

void
plant_truth_sample(struct plant_truth *truth, unsigned index, unsigned metric,
                   int64_t t_ms, int64_t value)
{
    struct plant_truth_series *series = &truth->machines[index].series[metric];
    if (series->count++ == 0) {
        series->first_ms = t_ms;
        series->first = value;
    }
    series->last_ms = t_ms;
    series->last = value;
    series->sum += value;
}

/* --- faults --- */

unsigned
plant_truth_fault(struct plant_truth *truth, unsigned index, const char *kind,
                  int64_t t_ms)
{
    for (unsigned i = 0; i < PLANT_FAULTS; i++) {
        if (truth->faults[i].kind != NULL)
            continue;
        truth->faults[i] = (struct plant_truth_fault){
            .kind = kind,
            .id = truth->machines[index].id,
            .number = ++truth->fault_count,
            .from_ms = t_ms,
        };
        return i;
    }
    return PLANT_FAULTS;
}

void
plant_truth_over(struct plant_truth *truth, unsigned handle, int64_t t_ms)
{
    if (handle == PLANT_FAULTS || truth->faults[handle].kind == NULL)
        return;
    truth_fault(truth, &truth->faults[handle], t_ms);
    truth->faults[handle].kind = NULL;
}

/* --- the end --- */

void
plant_truth_end(struct plant_truth *truth, int64_t to_ms, uint64_t messages,
                uint64_t acknowledged)
{
    for (unsigned i = 0; i < truth->machine_count; i++)
        truth_until(truth, i, to_ms);
    if (truth->file == NULL)
        return;
    for (unsigned i = 0; i < PLANT_FAULTS; i++)
        plant_truth_over(truth, i, to_ms);
    for (unsigned i = 0; i < truth->machine_count; i++)
        for (unsigned k = 0; k < truth->metric_count; k++)
            truth_series(truth, &truth->machines[i], k);
    fprintf(truth->file,
            "{\"end\":true,\"to_ms\":%" PRId64 ",\"messages\":%" PRIu64
            ",\"acknowledged\":%" PRIu64 "}\n",
            to_ms, messages, acknowledged);
}
