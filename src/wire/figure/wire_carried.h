/* wire_carried.h -- the figures that a hosted prefix takes to its own node.
 *
 * Why: rollup's part of a bundle (wire_move.h), which is what is signed; here
 * only rows, each with the key that it had and will have.
 *
 *  0  1  version 1
 *  1  4  epoch: of the node that is to hold them; a lower one is refused by
 *        the host from now on
 *     -  rows to the end: u8 kind, u16 length and key, u32 length and value
 *        RETURN       a return as rollup keeps it, the newest of its window
 *        RETURN_PAST  one that was superseded
 *        CONTRIB      shape u64 of the pack, then a unit's contribution
 *
 * Little-endian.  Limits: a key 480 bytes, a value 64 KiB, a kind 1..3.
 * Errors   SHORT, SYNTAX, VERSION, BIG.  Memory: results point into the input.
 */
#ifndef WIRE_CARRIED_H
#define WIRE_CARRIED_H

#include "base/base_cur.h"
#include "base/base_out.h"

enum { WIRE_CARRIED_KEY = 480, WIRE_CARRIED_VALUE = 64 << 10 };

enum wire_carried_kind {
    WIRE_CARRIED_RETURN = 1,
    WIRE_CARRIED_RETURN_PAST = 2,
    WIRE_CARRIED_CONTRIB = 3,
};

struct wire_carried {
    enum wire_carried_kind kind;
    struct bytes key, value;
};

void wire_carried_begin(struct base_out *out, uint32_t epoch);
void wire_carried_add(struct base_out *out, const struct wire_carried *row);

/* The whole is checked by open; then next gives the rows, false: the end. */
enum err wire_carried_open(struct bytes body, uint32_t *ret_epoch,
                           struct base_cur *ret_cur);
bool wire_carried_next(struct base_cur *cur, struct wire_carried *ret_row);

#endif
