/* sim_wire.h -- memory links between nodes, as a tier transport with faults.
 *
 *   dial "sim:PREFIX" -> after a delay both ends are open, or the dialler is
 *   told that nobody is there.  Each end claims its node's prefix and pin.
 *
 * Faults   drawn per frame sent, from the world's plan:
 *   drop, duplicate, reorder, corrupt   whole single-frame messages (weaker
 *              than TLS ever is); corrupt flips a byte of a message's body
 *              (a duplicate comes at once, or after up to 32 more)
 *   delay, split   later; in two pieces
 *   cut        only a part of the frame arrives, then both ends are closed
 *   one way    nothing more arrives in this direction
 *   stall      nothing arrives for up to 30 s, then all of it
 * Unsent     bytes not yet delivered; drained as tier_wire.h says. */
#ifndef SIM_WIRE_H
#define SIM_WIRE_H

#include "sim_world.h"
#include "tier/tier_wire.h"

struct sim_node;

struct sim_wire_port { /* a node's end of the network */
    struct tier_transport transport;
    struct sim_world *world;
    struct sim_node *node;
    struct base_link ends;
};

void sim_wire_init(struct sim_wire_port *port, struct sim_node *node);
/* The node is gone; told: the neighbours learn it. */
void sim_wire_crash(struct sim_wire_port *port, bool told);

#endif
