/* sim_world.h -- every node of a tree on one thread, in virtual time.
 *
 * Why: a fault that happens once in a million steps must be found, and found
 * again.  All randomness comes from one seed, time moves only when nothing is
 * left to do, and every step is folded into a hash: same seed, same hash.
 *
 *   step   one of: a task or a due timer of one node's loop, a delivery of a
 *          wire, the idle hooks of a loop that has nothing left to do, or time
 *          moving on to the next timer.  Among those that are ready a seeded
 *          one is taken; within one loop tasks keep their order.
 *
 *   struct sim_world
 *     sim_loop   a base_loop each: its tasks, timers, clock offset, pause
 *     sim_wire   memory links between nodes, with faults (sim_wire.h)
 *     sim_node   disk, journal, kvs, tier and the user's engines (sim_node.h)
 *
 * Hash    time, loop and kind of each step, bytes delivered by wires, groups
 *         written to journals (sim_node), and what tests fold in themselves.
 * Clocks  mono is the world's time; wall = start + mono + the loop's offset. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "base/base_list.h"
#include "base/base_loop.h"
#include "base/base_rng.h"

enum sim_fault {
    SIM_FAULT_DROP,
    SIM_FAULT_DUPLICATE,
    SIM_FAULT_REORDER,
    SIM_FAULT_DELAY,
    SIM_FAULT_SPLIT,
    SIM_FAULT_CUT,
    SIM_FAULT_ONE_WAY,
    SIM_FAULT_STALL,
    SIM_FAULT_CORRUPT,
    SIM_FAULT_CRASH,  /* between steps */
    SIM_FAULT_POWER,  /* inside a call to the disk */
    SIM_FAULT_SILENT, /* a crash that the neighbour is not told of */
    SIM_FAULT_STOP,   /* orderly */
    SIM_FAULT_PAUSE,
    SIM_FAULT_CLOCK,
    SIM_FAULT_SYNC, /* a sync that fails: the node dies of it */
    SIM_FAULT_FULL, /* no space for some writes: unsynced records are cut */
    SIM_FAULTS
};

extern const char *const sim_world_faults[SIM_FAULTS];

/* How often each fault is drawn, of a million chances (a frame sent; for those
 * of nodes, a second of the world). */
struct sim_plan {
    uint32_t per_million[SIM_FAULTS];
    uint32_t delay_max_ms; /* of every frame, 0.. */
    uint32_t down_max_ms;  /* of a crashed node */
};

struct sim_world;

struct sim_loop {
    struct base_loop base;
    struct sim_world *world;
    struct base_link all;
    struct base_loop_heap timers;
    struct base_task *first, *last, mark;
    struct base_idle *idles;
    bool idle_due;
    unsigned number;
    int64_t wall_offset_ms, paused_until_ms;
};

struct sim_world {
    struct base_rng rng; /* scheduling and faults */
    int64_t start_ms, now_ms;
    struct sim_loop wires; /* deliveries are its timers */
    struct base_link loops, nodes;
    unsigned loop_count;
    uint64_t steps, hash;
    struct sim_plan plan;
    uint64_t hit[SIM_FAULTS];
    bool calm; /* no more faults */
    char folder[128];
};

void sim_world_init(struct sim_world *world, uint64_t seed,
                    const struct sim_plan *plan);
void sim_world_done(struct sim_world *world);
/* false: nothing can ever happen again. */
bool sim_world_step(struct sim_world *world);
/* Steps until this much time has passed. */
void sim_world_run(struct sim_world *world, int64_t ms);
void sim_world_fold(struct sim_world *world, const void *at, size_t size);
void sim_world_fold_u64(struct sim_world *world, uint64_t number);
/* Does this fault happen now?  Counts it. */
bool sim_world_hits(struct sim_world *world, enum sim_fault fault);

void sim_loop_init(struct sim_loop *loop, struct sim_world *world);
void sim_loop_done(struct sim_loop *loop);
/* Its owner is dead: what is posted and set is forgotten. */
void sim_loop_crash(struct sim_loop *loop);

#endif
