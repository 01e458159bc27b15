/* plant_electronics.c -- electronics assembly: two lines of six stations.
 *
 *   printer --[]--> placer --[]--> oven --[]--> aoi --[]--> ict --[]--> packer
 *              |               |           |          |          |
 *            at most 8 boards wait before a station
 *
 * Model    A board goes through six stations; each takes its ideal cycle and 1
 *          to 5 % more.  A station without a board in front of it, or with no
 *          room behind it, is idle: the slowest (the placer) sets the pace, the
 *          others wait for it, as on any line.
 *          Defects are made where they are made and found where they are
 *          found: a board with too little paste, a shifted part, a wrong part
 *          or a tombstone is good to the station that made it, and scrap at the
 *          optical inspection (aoi), which misses one in 50; the in-circuit
 *          test (ict) finds those, and parts that do not work.
 *          Energy: the oven is hot all day; the others draw a third when idle.
 * States   the placer jams once in 150 boards (down, 1 to 4 min) and is changed
 *          over once in 400 (set-up, 5 to 10 min).  20 min in the middle of
 *          each shift are a break by plan for the whole line; boards that are
 *          begun are finished first.
 * Faults   wrong_feeder  for 5 to 15 min every third board gets a wrong part
 * Truth    instants are in ms; a board counts at a station when it leaves it.
 */
#include "base/base_mem.h"
#include "ctl/plant/plant_machine.h"

enum {
    BOARD_DEFECTS = PLANT_OWN,
    BOARD_CYCLE = BOARD_DEFECTS + 6,
    BOARD_WAITING,
    BOARD_TEMPERATURE,
    BOARD_METRICS
};

enum {
    LINE_PRINTER,
    LINE_PLACER,
    LINE_OVEN,
    LINE_AOI,
    LINE_ICT,
    LINE_PACKER,
    LINE_STATIONS
};

enum { LINE_COUNT = 2, LINE_WAITING = 8, LINE_LOOK_S = 5 };

static const int64_t line_shift_ms = 8 * 3600000;
static const int64_t line_break_ms = 4 * 3600000; /* into the shift */
static const int64_t line_break_size_ms = 1200000;

enum board_defect { /* as the works' list */
                    BOARD_PASTE,
                    BOARD_OFFSET,
                    BOARD_WRONG_PART,
                    BOARD_TOMBSTONE,
                    BOARD_FUNCTION,
                    BOARD_LABEL,
                    BOARD_SOUND, /* none */
};

static const char *const line_defects[] = {
    "paste", "offset", "wrong_part", "tombstone", "function", "label"};

static const struct plant_metric line_metrics[BOARD_METRICS] = {
    PLANT_COMMON,
    [BOARD_DEFECTS + BOARD_PASTE] = {"defect_paste_pcs_total", 0, 0},
    [BOARD_DEFECTS + BOARD_OFFSET] = {"defect_offset_pcs_total", 0, 0},
    [BOARD_DEFECTS + BOARD_WRONG_PART] = {"defect_wrong_part_pcs_total", 0, 0},
    [BOARD_DEFECTS + BOARD_TOMBSTONE] = {"defect_tombstone_pcs_total", 0, 0},
    [BOARD_DEFECTS + BOARD_FUNCTION] = {"defect_function_pcs_total", 0, 0},
    [BOARD_DEFECTS + BOARD_LABEL] = {"defect_label_pcs_total", 0, 0},
    [BOARD_CYCLE] = {"cycle_ms", 0, 0},
    [BOARD_WAITING] = {"waiting_pcs", 0, 0},
    [BOARD_TEMPERATURE] = {"temperature_c", 1, 5},
};

static const char *const line_names[LINE_COUNT * LINE_STATIONS] = {
    "printer-1", "placer-1", "oven-1", "aoi-1", "ict-1", "packer-1",
    "printer-2", "placer-2", "oven-2", "aoi-2", "ict-2", "packer-2"};

/* made: what it does to one board in `one_in`, seen later. */
static const struct line_rating {
    int64_t ideal_ms, watts;
    double temperature_c;
    enum board_defect made;
    uint64_t one_in;
} line_ratings[LINE_STATIONS] = {
    [LINE_PRINTER] = {18000, 1200, 24, BOARD_PASTE, 250},
    [LINE_PLACER] = {21000, 2800, 26, BOARD_OFFSET, 300},
    [LINE_OVEN] = {19000, 9500, 245, BOARD_TOMBSTONE, 400},
    [LINE_AOI] = {16000, 700, 25, BOARD_SOUND, 0},
    [LINE_ICT] = {19500, 900, 25, BOARD_SOUND, 0},
    [LINE_PACKER] = {14000, 500, 23, BOARD_SOUND, 0},
};

struct station {
    bool busy,
        full; /* works on `board`; has it finished, with no room behind */
    enum board_defect board;
    int64_t begun_ms;
    double temperature_c;
};

struct line {
    enum board_defect waits[LINE_STATIONS][LINE_WAITING]; /* oldest first */
    unsigned waiting[LINE_STATIONS];
    bool feeder; /* wrong */
    unsigned fault;
    int64_t fault_ms; /* it begins, or ends */
};

struct line_works {
    struct line lines[LINE_COUNT];
};

static struct line *
line_of(const struct plant_machine *machine)
{
    struct line_works *works = machine->plant->line;
    return &works->lines[machine->index / LINE_STATIONS];
}

static bool
line_on_break(int64_t t_ms)
{
    int64_t into_ms = t_ms % line_shift_ms - line_break_ms;
    return into_ms >= 0 && into_ms < line_break_size_ms;
}

/* --- boards --- */

static enum board_defect
line_take(struct line *line, unsigned station)
{
    enum board_defect board = line->waits[station][0];
    line->waiting[station]--;
    memmove(&line->waits[station][0], &line->waits[station][1],
            line->waiting[station] * sizeof line->waits[station][0]);
    return board;
}

/* What the station finds wrong with its board; SOUND: nothing. */
static enum board_defect
line_inspect(struct plant_machine *machine, enum board_defect board,
             unsigned station)
{
    if (station == LINE_AOI)
        return board != BOARD_SOUND && plant_machine_once_in(machine, 50)
                   ? BOARD_SOUND
                   : board;
    if (station == LINE_ICT)
        return board != BOARD_SOUND || plant_machine_once_in(machine, 300)
                   ? BOARD_FUNCTION
                   : BOARD_SOUND;
    if (station == LINE_PACKER)
        return plant_machine_once_in(machine, 2000) ? BOARD_LABEL : BOARD_SOUND;
    return BOARD_SOUND;
}

/* What the station does to it. */
static enum board_defect
line_work(struct plant_machine *machine, enum board_defect board,
          unsigned station)
{
    const struct line_rating *rating = &line_ratings[station];
    if (station == LINE_PLACER && line_of(machine)->feeder &&
        plant_machine_once_in(machine, 3))
        return BOARD_WRONG_PART;
    if (rating->one_in && plant_machine_once_in(machine, rating->one_in))
        return rating->made;
    return board;
}

/* --- a station --- */

/* The board that is done goes on, if there is room. */
static void
station_pass(struct plant_machine *machine, unsigned station)
{
    struct line *line = line_of(machine);
    struct station *own = machine->own;
    if (station + 1 < LINE_STATIONS) {
        if (line->waiting[station + 1] == LINE_WAITING) {
            own->full = true;
            return;
        }
        line->waits[station + 1][line->waiting[station + 1]++] = own->board;
    }
    own->full = false;
}

static void
station_finish(struct plant_machine *machine, unsigned station, int64_t t_ms)
{
    struct station *own = machine->own;
    enum board_defect found = line_inspect(machine, own->board, station);
    own->busy = false;
    own->board = line_work(machine, own->board, station);
    plant_machine_piece(machine, t_ms, found == BOARD_SOUND,
                        found == BOARD_SOUND ? 0 : (unsigned)found);
    plant_machine_set(machine, t_ms, BOARD_CYCLE,
                      (double)(t_ms - own->begun_ms));
    if (found == BOARD_SOUND)
        station_pass(machine, station);
}

static void
station_enter(struct plant_machine *machine, int64_t t_ms,
              enum plant_state state, bool planned)
{
    if (machine->state != state || machine->planned != planned)
        plant_machine_enter(machine, t_ms, state, planned);
}

static void
station_pause(struct plant_machine *machine, int64_t t_ms,
              enum plant_state state, int64_t low_s, int64_t high_s)
{
    station_enter(machine, t_ms, state, true);
    machine->next_ms =
        t_ms + plant_machine_between(machine, low_s * 1000, high_s * 1000);
}

static void
station_begin(struct plant_machine *machine, unsigned station, int64_t t_ms)
{
    struct station *own = machine->own;
    int64_t longer = plant_machine_between(machine, 101, 105);
    own->board = station == LINE_PRINTER ? BOARD_SOUND
                                         : line_take(line_of(machine), station);
    own->busy = true;
    own->begun_ms = t_ms;
    machine->next_ms = t_ms + machine->ideal_ms * longer / 100;
    station_enter(machine, t_ms, PLANT_PRODUCING, true);
}

/* Nothing is in the station: what now?  next_ms is when to ask again. */
static void
station_next(struct plant_machine *machine, unsigned station, int64_t t_ms)
{
    struct station *own = machine->own;
    bool board = station == LINE_PRINTER || line_of(machine)->waiting[station];
    if (line_on_break(t_ms)) {
        station_enter(machine, t_ms, PLANT_STOPPED, false);
        machine->next_ms =
            t_ms - t_ms % line_shift_ms + line_break_ms + line_break_size_ms;
    } else if (station == LINE_PLACER && machine->state == PLANT_PRODUCING &&
               plant_machine_once_in(machine, 150)) {
        station_pause(machine, t_ms, PLANT_DOWN, 60, 240);
    } else if (station == LINE_PLACER && machine->state == PLANT_PRODUCING &&
               plant_machine_once_in(machine, 400)) {
        station_pause(machine, t_ms, PLANT_SETUP, 300, 600);
    } else if (board && !own->full) {
        station_begin(machine, station, t_ms);
    } else {
        station_enter(machine, t_ms, PLANT_IDLE, true);
        machine->next_ms = t_ms - t_ms % 1000 + 1000; /* look again */
    }
}

static void
station_event(struct plant_machine *machine, unsigned station, int64_t t_ms)
{
    struct station *own = machine->own;
    if (own->busy)
        station_finish(machine, station, t_ms);
    else if (own->full)
        station_pass(machine, station);
    station_next(machine, station, t_ms);
}

/* --- physics --- */

static void
station_look(struct plant_machine *machine, unsigned station, int64_t t_ms)
{
    const struct line_rating *rating = &line_ratings[station];
    struct station *own = machine->own;
    bool hot = station == LINE_OVEN, works = machine->state == PLANT_PRODUCING;
    int64_t watts = works || hot ? rating->watts : rating->watts / 3;
    if (machine->state == PLANT_STOPPED && !hot)
        watts = 60;
    own->temperature_c +=
        (rating->temperature_c + (works ? 2 : 0) - own->temperature_c) *
            LINE_LOOK_S / 300 +
        0.05 * plant_machine_noise(machine);
    plant_machine_use(
        machine, watts + watts * plant_machine_between(machine, -2, 2) / 100,
        LINE_LOOK_S * 1000);
    plant_machine_set(machine, t_ms, BOARD_TEMPERATURE, own->temperature_c);
    plant_machine_set(machine, t_ms, BOARD_WAITING,
                      (double)line_of(machine)->waiting[station]);
}

/* --- the works --- */

static int64_t
line_between(struct plant *plant, int64_t low_s, int64_t high_s)
{
    return (low_s + (int64_t)base_rng_below(&plant->rng,
                                            (uint64_t)(high_s - low_s) + 1)) *
           1000;
}

static void
line_feeder(struct plant *plant, unsigned number, int64_t t_ms)
{
    struct line_works *works = plant->line;
    struct line *line = &works->lines[number];
    if (t_ms < line->fault_ms)
        return;
    line->feeder = !line->feeder;
    if (line->feeder) {
        line->fault = plant_truth_fault(&plant->truth,
                                        number * LINE_STATIONS + LINE_PLACER,
                                        "wrong_feeder", t_ms);
        line->fault_ms = t_ms + line_between(plant, 300, 900);
    } else {
        plant_truth_over(&plant->truth, line->fault, t_ms);
        line->fault_ms = t_ms + line_between(plant, 7200, 21600);
    }
}

static void
line_start(struct plant *plant, int64_t t_ms)
{
    struct line_works *works = plant->line;
    bool pause = line_on_break(t_ms);
    for (unsigned i = 0; i < LINE_COUNT * LINE_STATIONS; i++) {
        struct plant_machine *machine = &plant->machines[i];
        const struct line_rating *rating = &line_ratings[i % LINE_STATIONS];
        struct station *own = machine->own;
        own->temperature_c = rating->temperature_c;
        /* the second line is older */
        plant_machine_begin(machine, t_ms,
                            rating->ideal_ms +
                                (i < LINE_STATIONS ? 0 : rating->ideal_ms / 5),
                            pause ? PLANT_STOPPED : PLANT_IDLE, !pause);
        machine->next_ms = t_ms + 1000;
    }
    for (unsigned i = 0; i < LINE_COUNT; i++)
        works->lines[i].fault_ms = t_ms + line_between(plant, 300, 1500);
}

/* Stations from the last to the first: room is made before it is asked for. */
static void
line_second(struct plant *plant, int64_t t_ms)
{
    for (unsigned i = 0; i < LINE_COUNT; i++)
        line_feeder(plant, i, t_ms);
    for (unsigned i = LINE_COUNT * LINE_STATIONS; i-- > 0;) {
        struct plant_machine *machine = &plant->machines[i];
        unsigned station = i % LINE_STATIONS;
        if (t_ms / 1000 % LINE_LOOK_S == 0)
            station_look(machine, station, t_ms);
        while (machine->next_ms < t_ms + 1000)
            station_event(machine, station, machine->next_ms);
    }
}

const struct plant_works plant_electronics = {
    .name = "electronics",
    .title = "electronics assembly: two lines of six stations",
    .prefix = "88.44.2001",
    .mqtt = 5,
    .machines = line_names,
    .machine_count = LINE_COUNT * LINE_STATIONS,
    .metrics = line_metrics,
    .metric_count = BOARD_METRICS,
    .defects = line_defects,
    .defect_count = BASE_COUNT(line_defects),
    .defect_metric = BOARD_DEFECTS,
    .own_size = sizeof(struct station),
    .line_size = sizeof(struct line_works),
    .start = line_start,
    .second = line_second,
};
