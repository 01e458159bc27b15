/* wire_rows.h -- rows of samples as bytes: journal, head and binary batches.
 *
 * Why: one machine sends some of its metrics at one time, again and again, and
 * little changes from one row to the next.  So a row carries differences from
 * the row before, and a lone row carries nothing but itself.
 *
 * Shape    a batch is {varint group, body}*; a body is drawn in
 *          doc/formats/rows.md.  GROUP, COLUMN and DROP, which tell what the
 *          numbers mean, are drawn there too.
 * State    writer and reader keep one cell per column: its last value.  The
 *          cells belong to the caller; they may stand in a larger struct
 *          (`stride`).  A row that is written `fresh` is absolute: it needs no
 *          row before it, and both sides forget what they had.
 *          In a batch the rows of one group must stand together to be
 *          differences; the first of each run is written fresh.
 * Limits   4,096 columns; columns of a row strictly rise; at least one.
 * Errors   in the cursor: SHORT, SYNTAX.
 * Source   spec store 2. */
#ifndef WIRE_ROWS_H
#define WIRE_ROWS_H

#include "base/base_cur.h"
#include "base/base_num.h"
#include "base/base_out.h"

enum { WIRE_ROWS_COLUMNS = 4096, WIRE_ROWS_LABELS = 32 };

#define WIRE_ROWS_STALE UINT64_C(0x7ff0000000000002)

struct wire_rows_cell {
    int64_t mantissa; /* RAW: the double's bits */
    uint32_t stamp;   /* of the state, when this was its value */
    uint8_t exponent, kind;
};

struct wire_rows_state {
    struct wire_rows_cell *cells;
    size_t stride;  /* from one cell to the next, in bytes */
    uint32_t room;  /* columns that have a cell */
    uint32_t stamp; /* 0: no row yet; raised by every fresh row */
    int64_t t;      /* of the row before */
};

struct wire_rows_row {
    uint32_t group, count;
    int64_t t;
};

/* For the decoder: where a row's columns and values go. */
struct wire_rows_room {
    uint32_t columns[WIRE_ROWS_COLUMNS];
    struct num values[WIRE_ROWS_COLUMNS];
};

static inline struct wire_rows_cell *
wire_rows_cell(const struct wire_rows_state *state, uint32_t column)
{
    char *at = (char *)state->cells + state->stride * column;
    return (struct wire_rows_cell *)(void *)at;
}

/* One row without its group.  columns[count - 1] < state->room. */
void wire_rows_body_write(struct base_out *out, struct wire_rows_state *state,
                          bool fresh, int64_t t, const uint32_t *columns,
                          const struct num *values, uint32_t count);
/* A row that stands alone, for which no state is needed. */
void wire_rows_lone_write(struct base_out *out, int64_t t,
                          const uint32_t *columns, const struct num *values,
                          uint32_t count);
/* The next row; false at the end or when the cursor has failed. */
bool wire_rows_body_read(struct base_cur *cur, struct wire_rows_state *state,
                         struct wire_rows_row *ret_row,
                         struct wire_rows_room *ret_room);
/* The same behind a group number. */
bool wire_rows_read(struct base_cur *cur, struct wire_rows_state *state,
                    struct wire_rows_row *ret_row,
                    struct wire_rows_room *ret_room);

struct wire_rows_pair {
    struct bytes name, value;
};

struct wire_rows_group {
    uint32_t group, tenant, count;
    struct wire_rows_pair labels[WIRE_ROWS_LABELS];
};

void wire_rows_group_write(struct base_out *out,
                           const struct wire_rows_group *group);
bool wire_rows_group_read(struct base_cur *cur,
                          struct wire_rows_group *ret_group);

struct wire_rows_column {
    uint32_t group, column;
    struct bytes metric;
    uint8_t exponent;
};

void wire_rows_column_write(struct base_out *out,
                            const struct wire_rows_column *column);
bool wire_rows_column_read(struct base_cur *cur,
                           struct wire_rows_column *ret_column);

/* Matchers: op as in model_label.h (0 = 1 != 2 =~ 3 !~). */
struct wire_rows_drop {
    int64_t from, to;
    uint32_t count;
    struct {
        uint8_t op;
        struct bytes name, value;
    } matchers[WIRE_ROWS_LABELS];
};

void wire_rows_drop_write(struct base_out *out,
                          const struct wire_rows_drop *drop);
bool wire_rows_drop_read(struct base_cur *cur, struct wire_rows_drop *ret_drop);

#endif
