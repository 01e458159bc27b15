/* sim_tree_check.h -- is what the tree holds what was sent?
 *
 * Why: the engines may not judge themselves.  What every figure must be is
 * computed here once more from the stored samples, with plain integers and
 * none of the engines' arithmetic.
 *
 *   stored    at each enterprise: acknowledged <= stored <= sent, equal values
 *   figures   of each pack and window that is past its due time, at each node,
 *             asked with rollup_show: sum, n, reported, expected; and
 *             whether it is sealed
 *   cells     of the pack that has several: each total, slot by slot
 *   audit     each total is the sum of its contributions, in rollup's words
 *
 * Expected  the machines that were there from the start; of the late one it is
 *           only known when it had to be expected, so there is a range at the
 *           enterprise, and parents must hold what their children hold. */
#ifndef SIM_TREE_CHECK_H
#define SIM_TREE_CHECK_H

#include "sim_tree.h"

/* A node has just started: its audit, and acknowledged since `from`. */
void sim_tree_check_start(struct sim_tree_node *node, int64_t from);
/* Everything is settled. */
void sim_tree_check_end(struct sim_tree *tree);
/* Over all rows of ident and rollup, of all nodes. */
uint64_t sim_tree_check_tables(struct sim_tree *tree);
/* Rows of a table; 0: the node is down. */
uint64_t sim_tree_check_rows(const struct sim_tree_node *node, unsigned owner,
                             uint16_t table);
/* Dirty cells of windows that are over: those of the future (a clock ran ahead)
 * wait for their time.  ret_first (may be NULL): words about one. */
enum { SIM_TREE_CHECK_WORDS = 128 };
uint64_t sim_tree_check_dirty(const struct sim_tree_node *node,
                              char *ret_first);

#endif
