/* sim_world.c -- one scheduler for all loops of a world. */
#include "sim_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base_hash.h"
#include "base/base_mem.h"
#include "base/base_must.h"

enum { SIM_MILLION = 1000000, SIM_READY_MAX = 256 };

const char *const sim_world_faults[SIM_FAULTS] = {
    [SIM_FAULT_DROP] = "drop",       [SIM_FAULT_DUPLICATE] = "duplicate",
    [SIM_FAULT_REORDER] = "reorder", [SIM_FAULT_DELAY] = "delay",
    [SIM_FAULT_SPLIT] = "split",     [SIM_FAULT_CUT] = "cut",
    [SIM_FAULT_ONE_WAY] = "one way", [SIM_FAULT_STALL] = "stall",
    [SIM_FAULT_CORRUPT] = "corrupt", [SIM_FAULT_CRASH] = "crash",
    [SIM_FAULT_POWER] = "power",     [SIM_FAULT_SILENT] = "silent crash",
    [SIM_FAULT_STOP] = "stop",       [SIM_FAULT_PAUSE] = "pause",
    [SIM_FAULT_CLOCK] = "clock",     [SIM_FAULT_SYNC] = "failing sync",
    [SIM_FAULT_FULL] = "disk full",
};

/* --- a loop --- */

static struct sim_loop *
loop_of(struct base_loop *base)
{
    return BASE_OUTER(base, struct sim_loop, base);
}

static struct wall
loop_wall(struct base_loop *base)
{
    const struct sim_loop *loop = loop_of(base);
    return (struct wall){loop->world->start_ms + loop->world->now_ms +
                         loop->wall_offset_ms};
}

static struct mono
loop_mono(struct base_loop *base)
{
    return (struct mono){loop_of(base)->world->now_ms};
}

static void
loop_post(struct base_loop *base, struct base_task *task)
{
    struct sim_loop *loop = loop_of(base);
    if (task->next)
        return;
    task->next = &loop->mark;
    if (loop->first)
        loop->last->next = task;
    else
        loop->first = task;
    loop->last = task;
}

static void
loop_timer_set(struct base_loop *base, struct base_timer *timer, int64_t at_ms)
{
    base_loop_heap_set(&loop_of(base)->timers, timer, at_ms);
}

static void
loop_timer_clear(struct base_loop *base, struct base_timer *timer)
{
    base_loop_heap_clear(&loop_of(base)->timers, timer);
}

static void
loop_idle(struct base_loop *base, struct base_idle *idle)
{
    struct sim_loop *loop = loop_of(base);
    idle->next = loop->idles;
    loop->idles = idle;
}

static bool
loop_inside(struct base_loop *base)
{
    (void)base;
    return true;
}

static const struct base_loop_ops loop_ops = {
    .wall = loop_wall,
    .mono = loop_mono,
    .post = loop_post,
    .timer_set = loop_timer_set,
    .timer_clear = loop_timer_clear,
    .idle = loop_idle,
    .inside = loop_inside,
};

void
sim_loop_init(struct sim_loop *loop, struct sim_world *world)
{
    *loop = (struct sim_loop){.base.ops = &loop_ops, .world = world};
    loop->number = world->loop_count++;
    base_list_add(&world->loops, &loop->all);
}

void
sim_loop_crash(struct sim_loop *loop)
{
    struct base_task *task = loop->first;
    loop->first = loop->last = NULL;
    while (task && task != &loop->mark) {
        struct base_task *next = task->next;
        task->next = NULL;
        task = next;
    }
    struct base_timer *timer;
    while ((timer = base_loop_heap_first(&loop->timers)))
        base_loop_heap_clear(&loop->timers, timer);
    loop->idles = NULL;
    loop->idle_due = false;
}

void
sim_loop_done(struct sim_loop *loop)
{
    sim_loop_crash(loop);
    base_loop_heap_done(&loop->timers);
    base_list_remove(&loop->all);
}

/* --- the world --- */

void
sim_world_init(struct sim_world *world, uint64_t seed,
               const struct sim_plan *plan)
{
    const char *temp = getenv("TMPDIR");
    *world = (struct sim_world){.start_ms = 1763787600000, .plan = *plan};
    base_rng_seed(&world->rng, seed);
    base_list_init(&world->loops);
    base_list_init(&world->nodes);
    world->hash = seed;
    snprintf(world->folder, sizeof world->folder, "%s/sim.XXXXXX",
             temp ? temp : "/tmp");
    must(mkdtemp(world->folder));
    sim_loop_init(&world->wires, world);
}

void
sim_world_fold(struct sim_world *world, const void *at, size_t size)
{
    world->hash = base_hash_xxh3(world->hash, base_bytes(at, size));
}

void
sim_world_fold_u64(struct sim_world *world, uint64_t number)
{
    sim_world_fold(world, &number, sizeof number);
}

bool
sim_world_hits(struct sim_world *world, enum sim_fault fault)
{
    uint32_t chance = world->plan.per_million[fault];
    if (world->calm || chance == 0 ||
        base_rng_below(&world->rng, SIM_MILLION) >= chance)
        return false;
    world->hit[fault]++;
    return true;
}

/* Ready: a task, or a timer that is due. */
static bool
loop_ready(const struct sim_loop *loop)
{
    const struct base_timer *timer = base_loop_heap_first(&loop->timers);
    return loop->paused_until_ms <= loop->world->now_ms &&
           (loop->first || (timer && timer->at_ms <= loop->world->now_ms));
}

static void
loop_run_one(struct sim_loop *loop)
{
    struct base_timer *timer = base_loop_heap_first(&loop->timers);
    bool due = timer && timer->at_ms <= loop->world->now_ms;
    loop->idle_due = true;
    if (due && (!loop->first || base_rng_below(&loop->world->rng, 2))) {
        base_loop_heap_clear(&loop->timers, timer);
        timer->fn(timer);
        return;
    }
    struct base_task *task = loop->first;
    loop->first = task->next == &loop->mark ? NULL : task->next;
    task->next = NULL;
    task->fn(task);
}

static bool
world_idle(struct sim_world *world)
{
    for (struct base_link *at = world->loops.next; at != &world->loops;
         at = at->next) {
        struct sim_loop *loop = BASE_OUTER(at, struct sim_loop, all);
        if (!loop->idle_due || loop->paused_until_ms > world->now_ms)
            continue;
        loop->idle_due = false;
        for (struct base_idle *idle = loop->idles; idle; idle = idle->next)
            idle->fn(idle);
        return true;
    }
    return false;
}

static bool
world_wait(struct sim_world *world)
{
    int64_t next = INT64_MAX;
    for (struct base_link *at = world->loops.next; at != &world->loops;
         at = at->next) {
        const struct sim_loop *loop = BASE_OUTER(at, struct sim_loop, all);
        const struct base_timer *timer = base_loop_heap_first(&loop->timers);
        int64_t at_ms = loop->first ? world->now_ms
                        : timer     ? timer->at_ms
                                    : INT64_MAX;
        if (at_ms < loop->paused_until_ms && at_ms != INT64_MAX)
            at_ms = loop->paused_until_ms;
        if (at_ms < next)
            next = at_ms;
    }
    if (next == INT64_MAX)
        return false;
    must(next > world->now_ms);
    world->now_ms = next;
    return true;
}

bool
sim_world_step(struct sim_world *world)
{
    struct sim_loop *ready[SIM_READY_MAX];
    unsigned count = 0;
    for (struct base_link *at = world->loops.next; at != &world->loops;
         at = at->next) {
        struct sim_loop *loop = BASE_OUTER(at, struct sim_loop, all);
        if (count < SIM_READY_MAX && loop_ready(loop))
            ready[count++] = loop;
    }
    world->steps++;
    if (count == 0)
        return world_idle(world) || world_wait(world);
    struct sim_loop *loop = ready[base_rng_below(&world->rng, count)];
    sim_world_fold_u64(world, (uint64_t)world->now_ms << 10 | loop->number);
    loop_run_one(loop);
    return true;
}

void
sim_world_run(struct sim_world *world, int64_t ms)
{
    int64_t until = world->now_ms + ms;
    while (world->now_ms < until && sim_world_step(world))
        continue;
}

void
sim_world_done(struct sim_world *world)
{
    must(base_list_empty(&world->nodes));
    sim_loop_done(&world->wires);
    rmdir(world->folder);
}
