/* sim_tree_names.h -- names in the simulated tree: do they resolve anywhere?
 *
 * Each parent grants its children's prefixes as it starts for the first time;
 * what it grants, and where its children say they are, goes up through the same
 * faults as the figures.  At the end each enterprise's machine is asked for at
 * every node, and must be there. */
#ifndef SIM_TREE_NAMES_H
#define SIM_TREE_NAMES_H

#include "sim_tree.h"

/* Rows of this life; after the node's own prefix is known. */
void sim_tree_names_rows(struct sim_node *node, struct ident *ident);
/* The node runs: what it grants. */
void sim_tree_names_start(struct sim_tree_node *node);
/* Everything is settled: ask. */
void sim_tree_names_check(struct sim_tree *tree);

#endif
