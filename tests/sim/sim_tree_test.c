/* sim_tree_test.c -- the whole chain under faults: a fixed seed, and a new one
 * twice.  The figures are right, every fault has happened, and the same seed
 * gives the same run.
 *
 * Usage: sim_tree_test [seed]   SIM_TREE_ROOT: the source tree */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base_rng.h"
#include "sim_tree.h"
#include "sys/sys_random.h"
#include "sys/sys_thread.h"

enum { TEST_FIXED = 20251122, TEST_STEPS = 100000 };

static bool
test_run(uint64_t seed, struct sim_tree_result *ret_result)
{
    const char *root = getenv("SIM_TREE_ROOT");
    int64_t from_us = sys_thread_now_us();
    printf("seed %" PRIu64 "\n", seed);
    fflush(stdout);
    sim_tree_story(root ? root : ".", seed, TEST_STEPS, &sim_tree_plan,
                   ret_result);
    double seconds = (double)(sys_thread_now_us() - from_us) / 1e6;
    sim_tree_print(ret_result);
    printf("  %.1f s, %.0f steps/s\n", seconds,
           (double)ret_result->steps / seconds);
    return ret_result->wrong == 0;
}

int
main(int argc, char **argv)
{
    struct sim_tree_result fixed, one, two;
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10)
                             : base_rng_u64(sys_random()) >> 16;
    bool ok = test_run(TEST_FIXED, &fixed);
    ok &= test_run(seed, &one);
    ok &= test_run(seed, &two);
    if (one.hash != two.hash || one.tables != two.tables ||
        one.steps != two.steps) {
        printf("seed %" PRIu64 " gave two different runs\n", seed);
        ok = false;
    }
    if (one.hash == fixed.hash || one.tables == fixed.tables) {
        printf("two seeds gave the same run\n");
        ok = false;
    }
    printf(ok ? "ok\n" : "FAILED\n");
    return ok ? 0 : 1;
}
