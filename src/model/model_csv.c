/* model_csv.c -- RFC 4180, one row at a time. */
#include "model/model_csv.h"

#include <stdio.h>

#include "model/model_near.h"

enum { CSV_END = -1 };

enum err
model_csv_fail(struct model_csv *csv, const struct model_csv_cell *cell,
               enum err code, const char *fmt, ...)
{
    if (csv->failed != ERR_OK)
        return csv->failed;
    char text[sizeof((struct base_note *)0)->text];
    va_list list;
    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    csv->failed = code;
    return base_err_note_at(csv->note, code, csv->file, cell->line,
                            cell->column, "%s", text);
}

static int
csv_peek(const struct model_csv *csv)
{
    return csv->at < csv->text.size ? csv->text.at[csv->at] : CSV_END;
}

static void
csv_step(struct model_csv *csv)
{
    uint8_t byte = csv->text.at[csv->at++];
    if (byte == '\n') {
        csv->line++;
        csv->column = 1;
    } else if ((byte & 0xc0) != 0x80) {
        csv->column++;
    }
}

/* At the end of a line: '\n', "\r\n", or the end of the file? */
static bool
csv_line_end(const struct model_csv *csv)
{
    int byte = csv_peek(csv);
    return byte == CSV_END || byte == '\n' ||
           (byte == '\r' && csv->at + 1 < csv->text.size &&
            csv->text.at[csv->at + 1] == '\n');
}

/* Halve the doubled quotes. */
static struct bytes
csv_unquote(struct model_csv *csv, struct bytes text)
{
    uint8_t *to = base_arena_alloc(csv->arena, text.size);
    size_t size = 0;
    if (!to) {
        csv->failed =
            base_err_note(csv->note, ERR_LIMIT,
                          "%s: more than the memory it may take", csv->file);
        return (struct bytes){NULL, 0};
    }
    for (size_t i = 0; i < text.size; i++) {
        to[size++] = text.at[i];
        i += text.at[i] == '"';
    }
    return base_bytes(to, size);
}

static void
csv_cell_quoted(struct model_csv *csv, struct model_csv_cell *cell)
{
    bool doubled = false;
    csv_step(csv);
    size_t start = csv->at;
    for (;;) {
        int byte = csv_peek(csv);
        if (byte == CSV_END) {
            model_csv_fail(csv, cell, ERR_SYNTAX, "a quote is not closed");
            return;
        }
        csv_step(csv);
        if (byte != '"')
            continue;
        if (csv_peek(csv) != '"')
            break;
        doubled = true;
        csv_step(csv);
    }
    cell->text = base_bytes(csv->text.at + start, csv->at - 1 - start);
    if (doubled)
        cell->text = csv_unquote(csv, cell->text);
    if (csv_peek(csv) != ',' && !csv_line_end(csv))
        model_csv_fail(csv, cell, ERR_SYNTAX, "text after the closing quote");
}

static void
csv_cell(struct model_csv *csv, struct model_csv_cell *ret_cell)
{
    *ret_cell = (struct model_csv_cell){
        .line = csv->line,
        .column = csv->column,
    };
    if (csv_peek(csv) == '"') {
        csv_cell_quoted(csv, ret_cell);
    } else {
        size_t start = csv->at;
        while (csv_peek(csv) != ',' && !csv_line_end(csv)) {
            if (csv_peek(csv) == '"' || csv_peek(csv) == '\r')
                model_csv_fail(csv, ret_cell, ERR_SYNTAX,
                               "a quote or a lone CR inside a cell: put the "
                               "whole cell in quotes and double those inside");
            csv_step(csv);
        }
        ret_cell->text = base_bytes(csv->text.at + start, csv->at - start);
    }
    if (ret_cell->text.size > MODEL_CSV_CELL)
        model_csv_fail(csv, ret_cell, ERR_LIMIT, "a cell of more than %d bytes",
                       MODEL_CSV_CELL);
}

/* A row as it stands, at most room cells; how many there were. */
static unsigned
csv_row(struct model_csv *csv, struct model_csv_cell *ret_cells, unsigned room)
{
    unsigned count = 0;
    for (;;) {
        struct model_csv_cell cell;
        csv_cell(csv, &cell);
        if (count < room)
            ret_cells[count] = cell;
        count++;
        if (csv->failed != ERR_OK)
            return 0;
        if (csv_peek(csv) != ',')
            break;
        csv_step(csv);
    }
    while (csv_peek(csv) == '\r')
        csv_step(csv);
    if (csv_peek(csv) == '\n')
        csv_step(csv);
    return count;
}

static void
csv_header(struct model_csv *csv, const char *const *names, unsigned count)
{
    struct model_csv_cell cells[MODEL_CSV_COLUMNS];
    uint64_t seen = 0;
    csv->columns = csv_row(csv, cells, MODEL_CSV_COLUMNS);
    for (unsigned i = 0; i < csv->columns && i < MODEL_CSV_COLUMNS; i++) {
        struct model_near near;
        unsigned j = 0;
        model_near_init(&near, cells[i].text);
        for (; j < count && !base_bytes_is(cells[i].text, names[j]); j++)
            model_near_offer(&near, names[j]);
        if (j == count)
            model_csv_fail(csv, &cells[i], ERR_NAME, "unknown column %.*s%s",
                           (int)(cells[i].text.size & 0xff),
                           (const char *)cells[i].text.at,
                           model_near_hint(&near));
        else if (seen >> j & 1)
            model_csv_fail(csv, &cells[i], ERR_NAME,
                           "the column %s stands twice", names[j]);
        else
            seen |= UINT64_C(1) << j;
        csv->place[i] = (uint8_t)j;
    }
    for (unsigned j = 0; csv->failed == ERR_OK && j < count; j++)
        if (!(seen >> j & 1))
            model_csv_fail(csv, &cells[0], ERR_NAME, "the column %s is missing",
                           names[j]);
}

bool
model_csv_open(struct model_csv *csv, struct bytes text, const char *file,
               const char *const *names, unsigned count)
{
    static const uint8_t bom[] = {0xef, 0xbb, 0xbf};
    struct model_csv_cell top = {.line = 1, .column = 1};
    csv->file = file;
    csv->text = text;
    csv->at = base_bytes_starts(text, base_bytes(bom, 3)) ? 3 : 0;
    csv->line = csv->column = 1;
    if (text.size > MODEL_CSV_SIZE)
        model_csv_fail(csv, &top, ERR_BIG, "more than 16 MiB");
    else if (!base_bytes_utf8(text))
        model_csv_fail(csv, &top, ERR_UNSUPPORTED,
                       "not UTF-8; if it is GB18030 (the default of Chinese "
                       "spreadsheets), save it as \"CSV UTF-8\"");
    else if (base_bytes_find(text, 0) < text.size)
        model_csv_fail(csv, &top, ERR_SYNTAX, "a NUL byte in the file");
    else
        csv_header(csv, names, count);
    return csv->failed == ERR_OK;
}

bool
model_csv_next(struct model_csv *csv, struct model_csv_cell *ret_cells)
{
    struct model_csv_cell cells[MODEL_CSV_COLUMNS];
    while (csv->failed == ERR_OK && csv_line_end(csv) &&
           csv_peek(csv) != CSV_END)
        csv_step(csv);
    if (csv->failed != ERR_OK || csv_peek(csv) == CSV_END)
        return false;
    unsigned count = csv_row(csv, cells, MODEL_CSV_COLUMNS);
    if (csv->failed != ERR_OK)
        return false;
    if (count != csv->columns)
        model_csv_fail(csv, &cells[0], ERR_SYNTAX,
                       "a row of %u cells; the header has %u", count,
                       csv->columns);
    else if (csv->rows++ == MODEL_CSV_ROWS)
        model_csv_fail(csv, &cells[0], ERR_LIMIT, "more than 2^20 rows");
    for (unsigned i = 0; csv->failed == ERR_OK && i < count; i++)
        ret_cells[csv->place[i]] = cells[i];
    return csv->failed == ERR_OK;
}
