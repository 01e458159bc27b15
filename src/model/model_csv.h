/* model_csv.h -- tables that a person wrote: code lists, factors.
 *
 * Why: the same as model_yaml: exact places in messages, straight reading.
 *
 *     struct model_csv csv = {.arena = arena, .note = note};
 *     static const char *const names[] = {"code", "parent"};
 *     struct model_csv_cell cells[2];
 *     model_csv_open(&csv, text, "packs/codes/x.csv", names, 2);
 *     while (model_csv_next(&csv, cells))
 *         take(cells[0].text, cells[1].text);
 *     return csv.failed;
 *
 * Shape    RFC 4180: commas, "quotes" doubled inside, CRLF or LF, the last line
 *          end may be missing; a BOM is skipped.  The first row names the
 *          columns: exactly the asked ones, in any order; cells come in the
 *          order asked.  Blank lines are skipped.
 * Limits   64 columns, 4,096 bytes a cell, 2^20 rows, 16 MiB.
 * Not yet  GB18030: refused, telling how to save as UTF-8.
 * Memory   cells point into the text, or into the arena where quotes were
 *          doubled; no NUL follows.
 * Errors   SYNTAX, NAME (columns), LIMIT, BIG, UNSUPPORTED (not UTF-8). */
#ifndef MODEL_CSV_H
#define MODEL_CSV_H

#include "base/base_arena.h"

enum {
    MODEL_CSV_COLUMNS = 64,
    MODEL_CSV_CELL = 4096,
    MODEL_CSV_ROWS = 1 << 20,
    MODEL_CSV_SIZE = 16 << 20
};

struct model_csv_cell {
    struct bytes text;
    uint32_t line, column;
};

struct model_csv { /* zero it, give arena and note */
    struct base_arena *arena;
    struct base_note *note;
    enum err failed;
    const char *file;
    struct bytes text;
    size_t at;
    uint32_t line, column, rows;
    unsigned columns;
    uint8_t place[MODEL_CSV_COLUMNS]; /* file column -> asked column */
};

bool model_csv_open(struct model_csv *csv, struct bytes text, const char *file,
                    const char *const *names, unsigned count);
/* The next row; false at the end or on an error. */
bool model_csv_next(struct model_csv *csv, struct model_csv_cell *ret_cells);
enum err model_csv_fail(struct model_csv *csv,
                        const struct model_csv_cell *cell, enum err code,
                        const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
