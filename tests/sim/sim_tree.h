/* sim_tree.h -- the whole chain in one process: 1 + 3 + 9 nodes, their real
 * engines, every fault, and at the end the figures must be right.
 *
 *   88 --- 88.1 --- 88.1.1 .. 88.1.3   ident, rollup, stream over store_ts
 *      |-- 88.2 --- 88.2.1 .. 88.2.3   (the enterprises), fed by senders
 *      `-- 88.3 --- 88.3.1 .. 88.3.3   (sim_tree_sender.h)
 *
 * Course   20 s without faults, in which the nodes meet and the first machines
 *          are registered; faults for so many steps; calm until everything
 *          that was sent is acknowledged and no cell of a window that is over
 *          is dirty, at most half an hour; the checks (sim_tree_check.h); on
 *          until no window is left to be folded (an hour's end); the checks
 *          again.
 * Faults   from the plan; a kind that has not happened by its turn is drawn far
 *          more often until it has, so that each run has all of them.  A wrong
 *          clock is set right after a minute or two.
 * Always   at each start of a node: what was acknowledged in the last hour is
 *          stored, and rollup's audit finds nothing.  Each minute: the dirty
 *          set and the spools are within their bounds.
 * Again    now and then a node is joined again: its epoch rises, and all of its
 *          figures go up once more.
 * Packs    packs/host (minutes, and hours that are sealed), tests/packs/load
 *          (minutes), tests/packs/tree (minutes; four cells, an enterprise has
 *          one of them; every fold).
 * Result   words about what was wrong go to stdout, the first 20 of them. */
#ifndef SIM_TREE_H
#define SIM_TREE_H

#include "engine/rollup/rollup.h"
#include "sim_node.h"
#include "sim_tree_sender.h"

enum {
    SIM_TREE_ENTERPRISES = 9,
    SIM_TREE_PROVINCES = 3,
    SIM_TREE_NODES = 1 + SIM_TREE_PROVINCES + SIM_TREE_ENTERPRISES,
    SIM_TREE_PACKS = 3,
    SIM_TREE_CELLS = 4,
    SIM_TREE_COMPLAINTS = 20,
};

struct sim_tree;

/* What lives and dies with a node's process. */
struct sim_tree_life {
    struct ident *ident;
    struct rollup *rollup;
    struct stream *stream; /* NULL: not an enterprise */
    struct store_ts *ts;
};

struct sim_tree_node {
    struct sim_node node;
    struct sim_tree *tree;
    struct sim_tree_node *above;    /* NULL: the nation */
    struct sim_tree_sender *sender; /* NULL: not an enterprise */
    struct sim_tree_door door;      /* of this life; the journal knows it */
    char prefix[16], parent[16];
    uint64_t seed;
    uint32_t cell; /* in the pack with cells: where its units belong */
    struct rollup_code code;
    int64_t clock_ms; /* mono: a wrong clock is set right then */
};

struct sim_tree_result {
    uint64_t steps, fault_steps, hash, tables, hit[SIM_FAULTS];
    uint64_t starts, made, writes, again, lost, refused[ERR_COUNT];
    uint64_t windows, figures, cells; /* compared */
    uint64_t names;                   /* asked for */
    uint64_t joined;
    uint64_t dirty_most, spool_most, folds_most;
    int64_t simulated_ms;
    unsigned wrong;
};

struct sim_tree {
    struct sim_world world;
    struct sim_tree_node nodes[SIM_TREE_NODES]; /* parents before children */
    struct sim_tree_sender senders[SIM_TREE_ENTERPRISES];
    struct model_pack *packs[SIM_TREE_PACKS];
    struct model_pack_list pack_list;
    struct tier_pack tier_packs[SIM_TREE_PACKS];
    struct sim_tree_result result;
};

extern const struct sim_plan sim_tree_plan;

/* root: the source tree, for packs.  The result is whole even if something is
 * wrong. */
void sim_tree_story(const char *root, uint64_t seed, uint64_t steps,
                    const struct sim_plan *plan,
                    struct sim_tree_result *ret_result);
void sim_tree_print(const struct sim_tree_result *result);

/* Something is not as it must be: counted, and said. */
__attribute__((format(printf, 2, 3))) void sim_tree_wrong(struct sim_tree *tree,
                                                          const char *fmt, ...);
/* NULL: the node is down. */
struct sim_tree_life *sim_tree_life(const struct sim_tree_node *node);

#endif
