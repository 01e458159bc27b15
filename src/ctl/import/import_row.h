/* import_row.h -- one row of a file as one message, or why not.
 *
 * A row is taken whole or refused whole: a wrong number is not half a row.
 * Cells that are missing (empty, or one of the map's words) are left out, and
 * counted; a row of nothing else says nothing. */
#ifndef IMPORT_ROW_H
#define IMPORT_ROW_H

#include "ctl/import/import_map.h"
#include "wire/csv/wire_csv.h"

enum import_refusal {
    IMPORT_TAKEN,
    IMPORT_EMPTY, /* nothing but missing cells; no error */
    IMPORT_QUOTES,
    IMPORT_SHAPE, /* number of cells */
    IMPORT_TIME,
    IMPORT_NUMBER,
    IMPORT_WORD,
    IMPORT_ID,
    IMPORT_NODE, /* the node said no */
    IMPORT_REFUSALS
};

struct import_row {
    struct base_out topic, payload;
    int64_t t_ms;
    unsigned samples, missing;
    struct base_note note; /* of a refusal: line, column, what was expected */
};

void import_row_init(struct import_row *row);
void import_row_done(struct import_row *row);
/* Which cells the map means, by the first record: the header, or a row when
 * there is none (columns are then numbers from 1).  NAME: one is not there. */
enum err import_row_header(struct import_map *map,
                           const struct wire_csv_cell *cells, unsigned count,
                           struct base_note *note);
/* width: cells of the header. */
enum import_refusal import_row_read(const struct import_map *map,
                                    const struct wire_csv_cell *cells,
                                    unsigned count, unsigned width,
                                    struct import_row *row);
/* "number", for reports. */
const char *import_row_refusal(enum import_refusal refusal);

#endif
