/* model_cells.h -- some cells of a pack, told by codes:
 * "ind=C36,region=310000".
 *
 * Why: a person points at a tile or at a cell of a table and asks about that
 * one; every node on the way down has to mean the same cells by it.
 *
 * Shape    DIM=CODE,...  in any order, each dim at most once.  A code above
 *          others means all leaves below it; a dim that is not named, all of
 *          its codes.  Written in the order of the pack: one text for each set.
 * Limits   MODEL_CELLS_TEXT bytes, which all dims fit in.
 * Errors   SYNTAX no DIM=CODE, or a dim twice; NAME no such dim or code.  The
 *          note is at `cell` and says what there is.
 * Memory   a value; it points into the pack. */
#ifndef MODEL_CELLS_H
#define MODEL_CELLS_H

#include "base/base_out.h"
#include "model/model_pack.h"

enum { MODEL_CELLS_TEXT = 512 };

struct model_cells {
    const struct model_pack *pack;
    const struct model_code *codes[MODEL_PACK_DIMS]; /* NULL: every code */
    unsigned count;                                  /* of those that are not */
};

/* An empty text: all cells. */
enum err model_cells_read(struct bytes text, const struct model_pack *pack,
                          struct model_cells *ret_cells,
                          struct base_note *note);
/* Is that cell one of them?  cells NULL: yes. */
bool model_cells_have(const struct model_cells *cells, uint32_t cell);
void model_cells_write(const struct model_cells *cells, struct base_out *out);

#endif
