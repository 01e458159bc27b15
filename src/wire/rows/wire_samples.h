/* wire_samples.h -- the samples that a hosted prefix takes to its own node.
 *
 * Why: stream's part of a bundle (names/wire_move.h), which is what is signed;
 * here only identifiers, their metrics, the windows that were still to be
 * folded, and rows.
 *
 *  0  1  version 1
 *     -  identifiers to the end:
 *        -  id: u8, bytes
 *        2  columns, 1..1000, each: u8, bytes: a metric; rows number them so
 *        4  windows, each: u8, bytes: a pack; u32 window
 *        -  blocks: u32 size, bodies of rows (wire_rows.h), the first of which
 *           needs none before it; size 0: no more of this identifier
 *
 * Little-endian.  Errors   SHORT, SYNTAX, VERSION.  Memory: results point into
 * the input; the cells of rows are the caller's. */
#ifndef WIRE_SAMPLES_H
#define WIRE_SAMPLES_H

#include "wire/rows/wire_rows.h"

enum { WIRE_SAMPLES_COLUMNS = 1000 };

struct wire_samples_unit {
    struct bytes id;
    unsigned count;
    struct bytes metrics[WIRE_SAMPLES_COLUMNS];
    uint32_t window_count;
    struct base_cur windows; /* walked by wire_samples_window */
};

/* What reading rows needs, ready for the next block. */
struct wire_samples_room {
    struct wire_rows_state state;
    struct wire_rows_cell cells[WIRE_SAMPLES_COLUMNS];
    struct wire_rows_row row;
    struct wire_rows_room values;
};

void wire_samples_begin(struct base_out *out);
/* Then window_count windows, then blocks, the last of them empty. */
void wire_samples_unit_write(struct base_out *out,
                             const struct wire_samples_unit *unit);
void wire_samples_window_write(struct base_out *out, struct bytes pack,
                               uint32_t window);
void wire_samples_block_write(struct base_out *out, struct bytes rows);

/* The whole is checked by open, rows too; after it false is the end. */
enum err wire_samples_open(struct bytes body, struct wire_samples_unit *unit,
                           struct wire_samples_room *room,
                           struct base_cur *ret_cur);
bool wire_samples_unit_next(struct base_cur *cur,
                            struct wire_samples_unit *ret_unit);
bool wire_samples_window(struct wire_samples_unit *unit, struct bytes *ret_pack,
                         uint32_t *ret_window);
/* The unit's next block, once its windows are read or not; false: the last
 * was it. */
bool wire_samples_block(struct base_cur *cur,
                        const struct wire_samples_unit *unit,
                        struct wire_samples_room *room,
                        struct base_cur *ret_rows);
/* The next row into room->row and room->values. */
bool wire_samples_row(struct base_cur *rows, struct wire_samples_room *room);

#endif
