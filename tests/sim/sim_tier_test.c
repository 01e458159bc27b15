/* sim_tier_test.c -- one parent, three children, toy engines, every fault:
 * what was posted is applied once and in order, states are equal at the end,
 * and the same seed gives the same hash.
 *
 * With `corrupt` bytes of messages flip, which TLS never lets through: what is
 * lost then is what was refused, by name; order and states still hold.
 *
 * Usage: sim_tier_test [first seed [seeds [seconds of faults [corrupt]]]] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base_must.h"
#include "sim_toy.h"
#include "sys/sys_thread.h"

enum { CHILDREN = 3, START_MS = 30000, CALM_MS = 1500000 };

static const struct sim_plan plan = {
    .per_million =
        {
            [SIM_FAULT_DROP] = 2000,
            [SIM_FAULT_DUPLICATE] = 3000,
            [SIM_FAULT_REORDER] = 3000,
            [SIM_FAULT_DELAY] = 150,
            [SIM_FAULT_SPLIT] = 50000,
            [SIM_FAULT_CUT] = 500,
            [SIM_FAULT_ONE_WAY] = 50,
            [SIM_FAULT_STALL] = 60,
            [SIM_FAULT_CRASH] = 4000,
            [SIM_FAULT_POWER] = 4000,
            [SIM_FAULT_SILENT] = 2000,
            [SIM_FAULT_STOP] = 2000,
            [SIM_FAULT_PAUSE] = 500,
            [SIM_FAULT_CLOCK] = 1000,
            [SIM_FAULT_SYNC] = 1000,
            [SIM_FAULT_FULL] = 3000,
        },
    .delay_max_ms = 20,
    .down_max_ms = 20000,
};

struct run {
    struct sim_world world;
    struct sim_node nodes[1 + CHILDREN];
    struct sim_toy_count counts[1 + CHILDREN];
    uint64_t messages, missing;
};

static void
run_start(struct run *run, uint64_t seed, bool corrupt)
{
    static const char *const prefixes[] = {"88", "88.1", "88.2", "88.3"};
    sim_world_init(&run->world, seed, &plan);
    if (corrupt)
        run->world.plan.per_million[SIM_FAULT_CORRUPT] = 2000;
    run->world.calm = true; /* all links come up first: then all know all */
    for (unsigned i = 0; i <= CHILDREN; i++) {
        run->nodes[i] = (struct sim_node){
            .prefix = prefixes[i],
            .parent = i == 0 ? "" : "88",
            .ops = &sim_toy_ops,
            .owners = SIM_TOY_OWNERS,
            .pin = (uint8_t)(i + 1),
            .user = &run->counts[i],
            .ping_s = 5, /* one-way links are found in 12 s, not 50 */
        };
        sim_node_init(&run->nodes[i], &run->world);
    }
    sim_node_run(&run->world, START_MS);
    run->world.calm = false;
    for (unsigned i = 0; i <= CHILDREN; i++)
        sim_toy_ops.started(&run->nodes[i]);
}

static bool
run_same(struct run *run, const char *what, const char *whose, uint64_t posted,
         uint64_t taken)
{
    run->messages += posted;
    run->missing += posted - taken;
    if (posted == taken ||
        (run->world.plan.per_million[SIM_FAULT_CORRUPT] && taken < posted))
        return true;
    printf("%s %s: posted %" PRIu64 ", taken %" PRIu64 "\n", what, whose,
           posted, taken);
    return false;
}

static bool
run_check(struct run *run)
{
    struct sim_node *parent = &run->nodes[0];
    bool ok = true;
    for (unsigned i = 0; i <= CHILDREN; i++) {
        struct sim_node *node = &run->nodes[i];
        const struct sim_toy_count *count = &run->counts[i];
        ok &= run_same(run, "local", node->prefix,
                       sim_toy_posted(node, SIM_TOY_LOCAL, node->prefix),
                       sim_toy_taken(node, SIM_TOY_LOCAL, node->prefix));
        run->missing += count->skipped;
        if (count->wrong || count->gaps || count->fenced || count->doubled ||
            count->restored ||
            (count->skipped && run->world.hit[SIM_FAULT_CORRUPT] == 0)) {
            printf("%s: wrong %" PRIu64 " skipped %" PRIu64 " gaps %" PRIu64
                   " fenced %" PRIu64 " doubled %" PRIu64 " restored %" PRIu64
                   "\n",
                   node->prefix, count->wrong, count->skipped, count->gaps,
                   count->fenced, count->doubled, count->restored);
            ok = false;
        }
        if (i == 0)
            continue;
        ok &= run_same(run, "up", node->prefix,
                       sim_toy_posted(node, SIM_TOY_UP, ""),
                       sim_toy_taken(parent, SIM_TOY_UP, node->prefix));
        ok &= run_same(run, "down", node->prefix,
                       sim_toy_posted(parent, SIM_TOY_DOWN, node->prefix),
                       sim_toy_taken(node, SIM_TOY_DOWN, "88"));
        ok &=
            run_same(run, "across", node->prefix,
                     sim_toy_posted(node, SIM_TOY_SIDE, "88.2"),
                     sim_toy_taken(&run->nodes[2], SIM_TOY_SIDE, node->prefix));
        if (!sim_toy_equal(parent, node)) {
            printf("%s: the parent's copy differs\n", node->prefix);
            ok = false;
        }
    }
    return ok && run->missing <= run->world.hit[SIM_FAULT_CORRUPT];
}

static bool
run_seed(uint64_t seed, int64_t seconds, bool corrupt, uint64_t *ret_hash)
{
    struct run *run = calloc(1, sizeof *run);
    must(run);
    int64_t start_us = sys_thread_now_us();
    run_start(run, seed, corrupt);
    sim_node_run(&run->world, seconds * 1000);
    sim_node_calm(&run->world);
    sim_node_run(&run->world, CALM_MS);
    bool ok = run_check(run);
    double elapsed = (double)(sys_thread_now_us() - start_us) / 1e6;
    printf("seed %" PRIu64 ": %s, %" PRIu64 " steps, %.0f steps/s, %" PRIu64
           " messages, %" PRIu64 " refused, hash %016" PRIx64 "\n",
           seed, ok ? "ok" : "FAILED", run->world.steps,
           (double)run->world.steps / elapsed, run->messages, run->missing,
           run->world.hash);
    for (unsigned i = 0; i < SIM_FAULTS; i++)
        printf("  %s %" PRIu64 "%s", sim_world_faults[i], run->world.hit[i],
               i % 6 == 5 || i == SIM_FAULTS - 1 ? "\n" : ",");
    for (unsigned i = 0; i <= CHILDREN; i++)
        printf("  %s: %u starts, asked %" PRIu64 " answered %" PRIu64 "\n",
               run->nodes[i].prefix, run->nodes[i].starts, run->counts[i].asked,
               run->counts[i].answered);
    *ret_hash = run->world.hash;
    for (unsigned i = 0; i <= CHILDREN; i++)
        sim_node_done(&run->nodes[i]);
    sim_world_done(&run->world);
    free(run);
    return ok;
}

int
main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t seeds = argc > 2 ? strtoull(argv[2], NULL, 10) : 3;
    int64_t seconds = argc > 3 ? strtoll(argv[3], NULL, 10) : 300;
    bool corrupt = argc > 4 && strcmp(argv[4], "corrupt") == 0, ok = true;
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        uint64_t hash, again;
        ok &= run_seed(seed, seconds, corrupt, &hash);
        if (seed > first)
            continue;
        ok &= run_seed(seed, seconds, corrupt, &again);
        if (hash != again) {
            printf("seed %" PRIu64 ": another hash the second time\n", seed);
            ok = false;
        }
    }
    return ok ? 0 : 1;
}
