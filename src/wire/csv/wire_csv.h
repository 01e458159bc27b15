/* wire_csv.h -- records of a CSV file of any size, as they come.
 *
 * Why: files that machines and historians write are large, and wrong here and
 * there.  So: one record at a time out of a buffer that is filled from behind,
 * every cell with its place, and a broken record costs only itself.
 * (model_csv reads small files whole, which a person wrote with care.)
 *
 *     struct wire_csv csv = {.text = buffer, .separator = ',', .line = 1};
 *     while ((err = wire_csv_next(&csv, cells, room, &count)) != ERR_AGAIN)
 *         ...                     then move text from csv.at on, and read more
 *
 * Shape    RFC 4180: cells between separators, "quotes" doubled inside (and
 *          separators and line ends as they are), CRLF or LF.  Blank lines are
 *          skipped.  Blanks around a cell belong to it.
 * Places   line and column count from 1, columns in characters of UTF-8.
 * Errors   AGAIN   the record does not end within the text (and !last)
 *          ABSENT  no record is left (and last)
 *          SYNTAX  a quote is left open at the end, or text follows a closing
 *                  quote; LIMIT more cells than room: `bad` is the place,
 *                  and reading goes on behind the line
 * Memory   cells point into the text; those with `doubled` are read by
 *          wire_csv_text. */
#ifndef WIRE_CSV_H
#define WIRE_CSV_H

#include "base/base_out.h"

struct wire_csv_cell {
    struct bytes text; /* inside the quotes */
    uint32_t line, column;
    bool quoted, doubled;
};

struct wire_csv {
    struct bytes text;
    size_t at;     /* of the next record */
    uint32_t line; /* of the next record */
    uint8_t separator;
    bool last; /* nothing follows the text */
    struct wire_csv_cell bad;
};

enum err wire_csv_next(struct wire_csv *csv, struct wire_csv_cell *cells,
                       unsigned room, unsigned *ret_count);
/* The cell's text with its doubled quotes made single, into out. */
void wire_csv_text(const struct wire_csv_cell *cell, struct base_out *out);

#endif
