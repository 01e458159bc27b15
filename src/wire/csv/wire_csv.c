/* wire_csv.c -- one pass over one record.
 *
 *   CELL --"--> QUOTED --"--> CLOSED --"--> QUOTED (a doubled one)
 *    | separator, line end        | separator, line end
 *    '--------> next <------------' */
#include "wire/csv/wire_csv.h"

/* Where a reading stands; copied back only when the record is whole. */
struct csv_place {
    size_t at;
    uint32_t line, column;
};

static bool
csv_is(const struct wire_csv *csv, size_t at, uint8_t byte)
{
    return at < csv->text.size && csv->text.at[at] == byte;
}

static bool
csv_line_end(const struct wire_csv *csv, size_t at)
{
    return csv_is(csv, at, '\n') ||
           (csv_is(csv, at, '\r') && csv_is(csv, at + 1, '\n'));
}

static void
csv_step(const struct wire_csv *csv, struct csv_place *place)
{
    uint8_t byte = csv->text.at[place->at++];
    if (byte == '\n') {
        place->line++;
        place->column = 1;
    } else if ((byte & 0xC0) != 0x80) {
        place->column++;
    }
}

static void
csv_over_line_end(const struct wire_csv *csv, struct csv_place *place)
{
    if (csv_is(csv, place->at, '\r'))
        csv_step(csv, place);
    csv_step(csv, place);
}

/* Not even a blank line's end may be cut: a \r may stand before a \n. */
static bool
csv_cut(const struct wire_csv *csv, size_t at)
{
    return !csv->last && (at >= csv->text.size ||
                          (at + 1 == csv->text.size && csv_is(csv, at, '\r')));
}

/* Inside quotes, up to the closing one. */
static enum err
csv_quoted(const struct wire_csv *csv, struct csv_place *place,
           struct wire_csv_cell *cell)
{
    csv_step(csv, place);
    size_t begin = place->at;
    cell->quoted = true;
    for (;;) {
        if (place->at >= csv->text.size)
            return csv->last ? ERR_SYNTAX : ERR_AGAIN;
        if (!csv_is(csv, place->at, '"')) {
            csv_step(csv, place);
            continue;
        }
        if (place->at + 1 >= csv->text.size && !csv->last)
            return ERR_AGAIN;
        if (!csv_is(csv, place->at + 1, '"'))
            break;
        cell->doubled = true;
        csv_step(csv, place);
        csv_step(csv, place);
    }
    cell->text = base_bytes(csv->text.at + begin, place->at - begin);
    csv_step(csv, place);
    return ERR_OK;
}

/* One cell; the place is then at a separator, a line end or the end. */
static enum err
csv_cell(const struct wire_csv *csv, struct csv_place *place,
         struct wire_csv_cell *cell)
{
    size_t begin = place->at;
    *cell =
        (struct wire_csv_cell){.line = place->line, .column = place->column};
    if (csv_is(csv, place->at, '"')) {
        enum err err = csv_quoted(csv, place, cell);
        if (err != ERR_OK || csv_cut(csv, place->at))
            return err != ERR_OK ? err : ERR_AGAIN;
        return place->at == csv->text.size || csv_line_end(csv, place->at) ||
                       csv_is(csv, place->at, csv->separator)
                   ? ERR_OK
                   : ERR_SYNTAX;
    }
    while (place->at < csv->text.size && !csv_line_end(csv, place->at) &&
           !csv_is(csv, place->at, csv->separator)) {
        if (csv_cut(csv, place->at))
            return ERR_AGAIN;
        csv_step(csv, place);
    }
    if (csv_cut(csv, place->at))
        return ERR_AGAIN;
    cell->text = base_bytes(csv->text.at + begin, place->at - begin);
    return ERR_OK;
}

/* Behind the line of a broken record; AGAIN: its end is not there yet. */
static enum err
csv_skip(struct wire_csv *csv, struct csv_place *place,
         const struct wire_csv_cell *bad, enum err err)
{
    while (place->at < csv->text.size && !csv_is(csv, place->at, '\n'))
        csv_step(csv, place);
    if (place->at == csv->text.size && !csv->last)
        return ERR_AGAIN;
    if (place->at < csv->text.size)
        csv_step(csv, place);
    csv->at = place->at;
    csv->line = place->line;
    csv->bad = *bad;
    return err;
}

static enum err
csv_record(struct wire_csv *csv, struct csv_place *place,
           struct wire_csv_cell *cells, unsigned room, unsigned *ret_count)
{
    for (unsigned count = 0;; csv_step(csv, place)) {
        struct csv_place begin = *place;
        struct wire_csv_cell cell = {0};
        enum err err = csv_cell(csv, place, &cell);
        if (err == ERR_AGAIN)
            return err;
        if (err != ERR_OK) /* an open quote swallowed the file: its line ends */
            return csv_skip(csv, &begin, &cell, err);
        if (count == room)
            return csv_skip(csv, place, &cell, ERR_LIMIT);
        cells[count++] = cell;
        if (csv_is(csv, place->at, csv->separator))
            continue;
        if (place->at < csv->text.size)
            csv_over_line_end(csv, place);
        csv->at = place->at;
        csv->line = place->line;
        *ret_count = count;
        return ERR_OK;
    }
}

enum err
wire_csv_next(struct wire_csv *csv, struct wire_csv_cell *cells, unsigned room,
              unsigned *ret_count)
{
    struct csv_place place = {csv->at, csv->line, 1};
    while (csv_line_end(csv, place.at))
        csv_over_line_end(csv, &place);
    if (csv_cut(csv, place.at))
        return ERR_AGAIN;
    if (place.at == csv->text.size)
        return ERR_ABSENT;
    place.column = 1;
    return csv_record(csv, &place, cells, room, ret_count);
}

void
wire_csv_text(const struct wire_csv_cell *cell, struct base_out *out)
{
    for (size_t i = 0; i < cell->text.size; i++) {
        base_out_u8(out, cell->text.at[i]);
        if (cell->doubled && cell->text.at[i] == '"')
            i++;
    }
}
