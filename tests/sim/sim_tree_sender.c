/* sim_tree_sender.c -- see sim_tree_sender.h. */
#include "sim_tree_sender.h"

#include <math.h>
#include <stdio.h>

#include "base/base_mem.h"
#include "base/base_must.h"

enum {
    SENDER_EVERY_MS = 5000,  /* about a sample of a unit in so long */
    SENDER_LATE_MS = 300000, /* the latest sample */
    SENDER_SILENT_MS = 600000,
    SENDER_TICK_MS = 2500,
    SENDER_FIRST_MS = 5000,
    SENDER_LATE_UNIT_MS = 120000,
    SENDER_WRITES = 64, /* in a tick */
    SENDER_SKEW_MS = 5000,
};

const char *const sim_tree_sender_metrics[SIM_TREE_UNITS][SIM_TREE_METRICS] = {
    {"made_total", "energy_total", "stock"},
    {"made_total", "energy_total", "stock"},
    {"made_total", "energy_total", "stock"},
    {"made_total", "energy_total", "stock"},
    {"host_cpu_busy_seconds_total", "host_cpu_seconds_total",
     "host_memory_used_kibibytes"},
};

static const struct sender_series {
    bool counter;
    uint8_t decimals; /* at most */
    int64_t step;     /* a counter's rise, a level's height; below it */
} sender_series[SIM_TREE_METRICS] = {
    {true, 0, 40},
    {true, 5, 9000000},
    {false, 0, 5000},
};

static const struct sender_series sender_host[SIM_TREE_METRICS] = {
    {true, 3, 9000},
    {true, 2, 2000},
    {false, 0, 64 << 20},
};

/* Once in so many? */
static bool
sender_chance(struct sim_tree_sender *sender, uint64_t many)
{
    return base_rng_below(&sender->rng, many) == 0;
}

static int64_t
sender_below(struct sim_tree_sender *sender, int64_t bound)
{
    return (int64_t)base_rng_below(&sender->rng, (uint64_t)bound);
}

void
sim_tree_sender_init(struct sim_tree_sender *sender, struct sim_world *world,
                     const char *prefix)
{
    *sender = (struct sim_tree_sender){.world = world};
    base_rng_seed(&sender->rng, base_rng_next(&world->rng));
    for (unsigned i = 0; i < SIM_TREE_UNITS; i++) {
        struct sim_tree_unit *unit = &sender->units[i];
        if (i == SIM_TREE_UNIT_HOST)
            snprintf(unit->id, sizeof unit->id, "%s/host", prefix);
        else
            snprintf(unit->id, sizeof unit->id, "%s/m%u", prefix, i + 1);
        unit->from_ms = sender_below(sender, SENDER_FIRST_MS);
        if (i == SIM_TREE_UNIT_LATE)
            unit->from_ms = SENDER_LATE_UNIT_MS / 2 +
                            sender_below(sender, SENDER_LATE_UNIT_MS);
        unit->next_ms = unit->from_ms;
    }
}

void
sim_tree_sender_done(struct sim_tree_sender *sender)
{
    for (unsigned i = 0; i < SIM_TREE_UNITS; i++)
        base_mem_free(sender->units[i].samples);
    base_mem_free(sender->open);
}

/* --- making --- */

static struct num
sender_value(struct sim_tree_sender *sender, const struct sender_series *series,
             int64_t *level)
{
    struct num value = {0};
    if (!series->counter || sender_chance(sender, 80))
        *level = 0; /* a level begins anew each time, a counter was reset */
    *level += sender_below(sender, series->step);
    if (sender_chance(sender, 400))
        return base_num_double(NAN);
    value.mantissa = *level;
    value.exponent = series->decimals;
    if (series->counter && sender_chance(sender, 400))
        value.mantissa = -value.mantissa - 1;
    while (value.exponent > 0 && value.mantissa % 10 == 0) {
        value.mantissa /= 10;
        value.exponent--;
    }
    return value;
}

/* About now, sometimes on an edge; above the last. */
static int64_t
sender_time(struct sim_tree_sender *sender, const struct sim_tree_unit *unit)
{
    const struct sim_world *world = sender->world;
    int64_t t = world->start_ms + world->now_ms + SENDER_SKEW_MS / 2 -
                sender_below(sender, SENDER_SKEW_MS);
    if (sender_chance(sender, 8))
        t -= t % 60000;
    if (t < world->start_ms)
        t = world->start_ms;
    if (unit->count > 0 && t <= unit->samples[unit->count - 1].t)
        t = unit->samples[unit->count - 1].t + 1;
    return t;
}

static void
sender_open(struct sim_tree_sender *sender, uint32_t unit, uint32_t at)
{
    if (sender->open_count == sender->open_room) {
        sender->open_room = sender->open_room ? sender->open_room * 2 : 64;
        sender->open = base_mem_resize(sender->open, sender->open_room *
                                                         sizeof *sender->open);
    }
    sender->open[sender->open_count++] = (struct sim_tree_place){unit, at};
}

static void
sender_make_one(struct sim_tree_sender *sender, unsigned number)
{
    struct sim_tree_unit *unit = &sender->units[number];
    const struct sender_series *series =
        number == SIM_TREE_UNIT_HOST ? sender_host : sender_series;
    if (unit->count == unit->room) {
        unit->room = unit->room ? unit->room * 2 : 64;
        unit->samples =
            base_mem_resize(unit->samples, unit->room * sizeof *unit->samples);
    }
    struct sim_tree_sample *sample = &unit->samples[unit->count];
    *sample = (struct sim_tree_sample){
        .t = sender_time(sender, unit),
        .release_ms = sender->world->now_ms,
        .mask = (1 << SIM_TREE_METRICS) - 1,
    };
    if (sender_chance(sender, 12))
        sample->mask = (uint8_t)(1 + sender_below(sender, sample->mask));
    if (sender_chance(sender, 15))
        sample->release_ms += sender_below(sender, SENDER_LATE_MS);
    for (unsigned i = 0; i < SIM_TREE_METRICS; i++)
        if (sample->mask >> i & 1)
            sample->values[i] =
                sender_value(sender, &series[i], &unit->levels[i]);
    sender_open(sender, number, unit->count++);
    sender->made++;
}

static void
sender_make(struct sim_tree_sender *sender)
{
    for (unsigned i = 0; i < SIM_TREE_UNITS && !sender->ended; i++) {
        struct sim_tree_unit *unit = &sender->units[i];
        if (unit->next_ms > sender->world->now_ms)
            continue;
        sender_make_one(sender, i);
        unit->next_ms =
            sender->world->now_ms + sender_below(sender, 2 * SENDER_EVERY_MS);
        if (sender_chance(sender, 60))
            unit->next_ms += sender_below(sender, SENDER_SILENT_MS);
    }
}

/* --- what became of it --- */

static struct sim_tree_sample *
sender_at(struct sim_tree_sender *sender, struct sim_tree_place place)
{
    return &sender->units[place.unit].samples[place.at];
}

void
sim_tree_sender_again(struct sim_tree_sender *sender)
{
    for (uint32_t i = 0; i < sender->open_count; i++) {
        struct sim_tree_sample *sample = sender_at(sender, sender->open[i]);
        sender->lost += sample->state == SIM_TREE_SENT;
        sample->state = SIM_TREE_HELD;
    }
}

static void
door_look(struct sim_tree_door *door)
{
    struct sim_tree_sender *sender = door->sender;
    uint64_t cuts = stream_cuts(door->stream);
    uint64_t synced = stream_synced(door->stream);
    uint32_t left = 0;
    if (cuts != sender->cuts)
        sim_tree_sender_again(sender);
    sender->cuts = cuts;
    for (uint32_t i = 0; i < sender->open_count; i++) {
        struct sim_tree_sample *sample = sender_at(sender, sender->open[i]);
        if (sample->state == SIM_TREE_SENT && sample->sequence <= synced)
            sample->state = SIM_TREE_ACKED;
        else
            sender->open[left++] = sender->open[i];
    }
    sender->open_count = left;
}

static void
door_watched(struct stream_watch *watch)
{
    door_look(BASE_OUTER(watch, struct sim_tree_door, watch));
}

/* --- registering --- */

static void
door_ensured(struct ident_ensure *call, enum err err)
{
    struct sim_tree_asked *asked =
        BASE_OUTER(call, struct sim_tree_asked, call);
    asked->busy = false;
    if (err == ERR_OK)
        stream_learn(asked->door->stream, base_bytes(call->id, call->id_size));
    else
        must(err == ERR_FULL || err == ERR_IO || err == ERR_BUSY);
}

static void
door_ensure(struct sim_tree_door *door, unsigned unit)
{
    struct sim_tree_asked *asked = &door->asked[unit];
    const char *id = door->sender->units[unit].id;
    if (asked->busy)
        return;
    *asked = (struct sim_tree_asked){
        .call = {.done = door_ensured, .loop = door->loop, .create = true},
        .door = door,
        .busy = true,
    };
    asked->call.id_size = (uint8_t)strlen(id);
    memcpy(asked->call.id, id, asked->call.id_size);
    ident_ensure(door->ident, &asked->call);
}

/* --- writing --- */

static enum err
door_write(struct sim_tree_door *door, unsigned number,
           const struct sim_tree_sample *sample, uint64_t *ret_sequence)
{
    const struct sim_tree_unit *unit = &door->sender->units[number];
    struct stream_point points[SIM_TREE_METRICS];
    struct stream_sample row = {
        .id = base_bytes_text(unit->id), .t = sample->t, .points = points};
    struct base_note note = {0};
    for (unsigned i = 0; i < SIM_TREE_METRICS; i++)
        if (sample->mask >> i & 1)
            points[row.count++] = (struct stream_point){
                base_bytes_text(sim_tree_sender_metrics[number][i]),
                sample->values[i]};
    enum err err = stream_write(door->stream, &row, ret_sequence, &note);
    door->sender->writes++;
    if (err == ERR_OK)
        return err;
    door->sender->refused[err]++;
    must(err == ERR_ABSENT || err == ERR_BUSY || err == ERR_FULL ||
         err == ERR_IO || err == ERR_TIME);
    if (err == ERR_ABSENT)
        door_ensure(door, number);
    return err;
}

static void
door_send(struct sim_tree_door *door)
{
    struct sim_tree_sender *sender = door->sender;
    unsigned writes = 0;
    for (uint32_t i = 0; i < sender->open_count && writes < SENDER_WRITES;
         i++) {
        struct sim_tree_place place = sender->open[i];
        struct sim_tree_sample *sample = sender_at(sender, place);
        if (sample->state != SIM_TREE_HELD ||
            sample->release_ms > sender->world->now_ms)
            continue;
        writes++;
        if (door_write(door, place.unit, sample, &sample->sequence) == ERR_OK)
            sample->state = SIM_TREE_SENT;
    }
}

/* One of the last samples again, acknowledged or not. */
static void
door_repeat(struct sim_tree_door *door)
{
    struct sim_tree_sender *sender = door->sender;
    unsigned number = (unsigned)base_rng_below(&sender->rng, SIM_TREE_UNITS);
    const struct sim_tree_unit *unit = &sender->units[number];
    uint64_t sequence, back = base_rng_below(&sender->rng, 100) + 1;
    if (back > unit->count)
        return;
    const struct sim_tree_sample *sample = &unit->samples[unit->count - back];
    if (sample->state == SIM_TREE_HELD)
        return;
    sender->again++;
    door_write(door, number, sample, &sequence);
}

static void
door_tick(struct base_timer *timer)
{
    struct sim_tree_door *door = BASE_OUTER(timer, struct sim_tree_door, tick);
    struct sim_tree_sender *sender = door->sender;
    base_loop_timer(door->loop, timer,
                    1 + sender_below(sender, SENDER_TICK_MS));
    sender_make(sender);
    door_look(door); /* a cut may not have been told yet */
    door_send(door);
    if (!sender->ended && sender_chance(sender, 10))
        door_repeat(door);
    door_look(door); /* nothing of it can be durable yet, if all is well */
}

void
sim_tree_door_open(struct sim_tree_door *door)
{
    door->sender->cuts = stream_cuts(door->stream);
    door->watch.fn = door_watched;
    stream_watch(door->stream, &door->watch);
    door->tick.fn = door_tick;
    base_loop_timer(door->loop, &door->tick, 1);
}

bool
sim_tree_sender_settled(const struct sim_tree_sender *sender)
{
    return sender->open_count == 0;
}

const struct sim_tree_sample *
sim_tree_sender_find(const struct sim_tree_sender *sender, unsigned unit,
                     int64_t t)
{
    const struct sim_tree_unit *at = &sender->units[unit];
    uint32_t low = 0, high = at->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (at->samples[middle].t < t)
            low = middle + 1;
        else
            high = middle;
    }
    return low < at->count && at->samples[low].t == t ? &at->samples[low]
                                                      : NULL;
}
