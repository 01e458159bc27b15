/* rollup_move.h -- the figures of a hosted enterprise go to its own node.
 *
 * Why: its units are the host's until its own node speaks for itself; from
 * then on they are a child's, and at no instant both or neither.
 *
 *   HERE --export--> MOVING --the first batch of its node--> AWAY
 *     <---resume-------|
 *
 *   MOVING  what was exported stands: no return is taken here, folds wait
 *   AWAY    returns and folds are refused: its node takes them
 *
 * Export   gives contributions, returns and what they superseded, and an epoch:
 *          one above this node's, and above that of the last export.  Batches
 *          of that prefix with a lower epoch are refused from then on, so that
 *          a node that has not imported, or imported an older bundle, changes
 *          nothing here.
 * Import   the node's epoch is raised to it, then the rows are put with
 *          their revisions (RULINGS 37); what is there with the same or a later
 *          (epoch, revision) stays, so that again changes nothing.
 * Absorb   before a batch of that child is applied to a window, the units of
 *          its prefix become its contribution of the same cells, in merges
 *          that change no total; its own records then replace that, equal by
 *          equal.  The units' rows stay as history, and the returns.
 * Limits   40 MiB; a pack of another shape than the host's is refused.
 * Errors   CONFLICT away already; an older bundle; joined already.  NAME,
 *          MISMATCH packs differ.  SYNTAX VERSION BIG DENIED (of another
 *          prefix).  What was put before an error stays: import again.
 * Threads  rollup's loop. */
#ifndef ROLLUP_MOVE_H
#define ROLLUP_MOVE_H

#include "engine/rollup/rollup.h"

enum { ROLLUP_MOVE_MAX = 40 << 20 };

enum rollup_move_state { ROLLUP_HERE, ROLLUP_MOVING, ROLLUP_AWAY };

enum err rollup_move_export(struct rollup *rollup, struct bytes prefix,
                            struct base_out *out, struct base_note *note);
/* The export is taken back; nothing happens if its node has spoken. */
enum err rollup_move_resume(struct rollup *rollup, struct bytes prefix);

struct rollup_move {
    struct bytes figures, signer; /* signer: DER of the former host's key */
    /* Raises this node's epoch; CONFLICT: it has a parent already. */
    enum err (*raise)(void *self, uint32_t epoch);
    void *self;
    uint32_t returns, contributions, made; /* there; of both, new here */
};

enum err rollup_move_import(struct rollup *rollup, struct rollup_move *move,
                            struct base_note *note);
/* Whose units are those of this unit's prefix? */
enum rollup_move_state rollup_move_state(struct rollup *rollup,
                                         struct bytes unit);
/* The public key (DER) of a former host, who signed receipts; ABSENT. */
enum err rollup_move_key(struct rollup *rollup, uint64_t key_id,
                         struct base_out *out);

/* --- for rollup_take --- */

/* The least epoch that is taken of this child; 0: any. */
uint32_t rollup_move_epoch(struct rollup *rollup, struct bytes child);
/* In an open merge.  AGAIN: end it, and call once more. */
enum err rollup_move_absorb(struct rollup *rollup, unsigned pack,
                            uint32_t window, struct bytes child);

#endif
