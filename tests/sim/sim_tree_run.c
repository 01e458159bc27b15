/* sim_tree_run.c -- the whole chain under faults, as long as one likes.
 *
 *   sim_tree_run [--seed N] [--steps N] [--faults PLAN]
 *
 * PLAN is a list of kind=chances, of a million, over the usual ones: all=0
 * and then crash=5000,failing-sync=100.  Exit 1: something was wrong.
 * SIM_TREE_ROOT: the source tree. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim_tree.h"
#include "sys/sys_thread.h"

static int
run_usage(void)
{
    fprintf(stderr, "usage: sim_tree_run [--seed N] [--steps N] "
                    "[--faults KIND=CHANCES,...]\nkinds: all");
    for (unsigned i = 0; i < SIM_FAULTS; i++)
        fprintf(stderr, ", %s", sim_world_faults[i]);
    fprintf(stderr, " (a space may be a -)\n");
    return 2;
}

/* Is this the kind's name?  '-' stands for a space. */
static bool
run_kind(const char *name, size_t size, const char *text)
{
    for (size_t i = 0; i < size; i++)
        if (name[i] != text[i] && !(text[i] == '-' && name[i] == ' '))
            return false;
    return name[size] == '\0';
}

static bool
run_fault(struct sim_plan *plan, const char *text, size_t size, uint32_t chance)
{
    bool any = false;
    for (unsigned i = 0; i < SIM_FAULTS; i++) {
        if (!(size == 3 && memcmp(text, "all", 3) == 0) &&
            !(strlen(sim_world_faults[i]) >= size &&
              run_kind(sim_world_faults[i], size, text)))
            continue;
        plan->per_million[i] = chance;
        any = true;
    }
    return any;
}

static bool
run_faults(struct sim_plan *plan, const char *text)
{
    while (*text) {
        const char *equals = strchr(text, '=');
        char *end;
        if (!equals)
            return false;
        unsigned long chance = strtoul(equals + 1, &end, 10);
        if (end == equals + 1 || (*end && *end != ',') || chance > 1000000 ||
            !run_fault(plan, text, (size_t)(equals - text), (uint32_t)chance))
            return false;
        text = *end ? end + 1 : end;
    }
    return true;
}

int
main(int argc, char **argv)
{
    const char *root = getenv("SIM_TREE_ROOT");
    uint64_t seed = (uint64_t)sys_thread_now_us(), steps = 1000000;
    struct sim_plan plan = sim_tree_plan;
    for (int i = 1; i < argc; i += 2) {
        bool more = i + 1 < argc;
        if (more && strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
        else if (more && strcmp(argv[i], "--steps") == 0)
            steps = strtoull(argv[i + 1], NULL, 10);
        else if (!more || strcmp(argv[i], "--faults") != 0 ||
                 !run_faults(&plan, argv[i + 1]))
            return run_usage();
    }
    struct sim_tree_result result;
    int64_t from_us = sys_thread_now_us();
    printf("seed %" PRIu64 ", %" PRIu64 " steps\n", seed, steps);
    fflush(stdout);
    sim_tree_story(root ? root : ".", seed, steps, &plan, &result);
    double seconds = (double)(sys_thread_now_us() - from_us) / 1e6;
    sim_tree_print(&result);
    printf("seed %" PRIu64 ": %s; %" PRIu64 " steps in %.1f s, %.0f steps/s\n",
           seed, result.wrong ? "WRONG" : "right", result.steps, seconds,
           (double)result.steps / seconds);
    fflush(stdout);
    return result.wrong ? 1 : 0;
}
