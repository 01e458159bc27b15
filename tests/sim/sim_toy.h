/* sim_toy.h -- engines that only count, so that what tier promises can be
 * checked to the message.
 *
 *   log     every child posts numbers up, to itself and to the child 88.2
 *           (routed by the parent), the parent posts down;
 *           the taker keeps the last number of each sender and road.  Exactly
 *           once in order: each number is the last one plus 1.
 *   state   a map key -> (revision, value) that changes at random; the parent
 *           keeps a copy per child.  Equal at the end.
 *   call    an echo, asked along and across the tree; done() exactly once. */
#ifndef SIM_TOY_H
#define SIM_TOY_H

#include "sim_node.h"

enum { SIM_TOY_KEYS = 64 };

/* What a toy counts over all its lives, for the test. */
struct sim_toy_count {
    uint64_t asked, answered, echoed, doubled;
    uint64_t gaps, fenced, skipped; /* skipped: numbers that never came */
    uint64_t restored; /* one end had less than it once acknowledged */
    uint64_t wrong;    /* out of order, twice: must stay 0 */
};

extern const struct sim_node_ops sim_toy_ops;
/* node->user points to a struct sim_toy_count; owners: ident and rollup. */
enum { SIM_TOY_OWNERS = 1 << STORE_JOURNAL_IDENT | 1 << STORE_JOURNAL_ROLLUP };

/* Numbers posted by `from` on a road, and taken at `at` from it. */
enum sim_toy_road { SIM_TOY_UP, SIM_TOY_LOCAL, SIM_TOY_DOWN, SIM_TOY_SIDE };

uint64_t sim_toy_posted(struct sim_node *from, enum sim_toy_road road,
                        const char *to);
uint64_t sim_toy_taken(struct sim_node *at, enum sim_toy_road road,
                       const char *from);
/* Has the parent the child's map? */
bool sim_toy_equal(struct sim_node *parent, struct sim_node *child);

#endif
