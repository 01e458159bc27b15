/* import_row.c -- cells into {"ts":ms,"v":{...}}. */
#include "ctl/import/import_row.h"

#include <inttypes.h>

#include "base/base_mem.h"
#include "model/model_id.h"
#include "wire/mqtt/wire_mqtt.h"

enum { ROW_TEXT = 64 };

void
import_row_init(struct import_row *row)
{
    *row = (struct import_row){0};
    base_out_grow(&row->topic, 4096);
    base_out_grow(&row->payload, 1 << 16);
}

void
import_row_done(struct import_row *row)
{
    base_out_done(&row->topic);
    base_out_done(&row->payload);
}

const char *
import_row_refusal(enum import_refusal refusal)
{
    static const char *const names[IMPORT_REFUSALS] = {
        [IMPORT_TAKEN] = "taken",     [IMPORT_EMPTY] = "empty",
        [IMPORT_QUOTES] = "quotes",   [IMPORT_SHAPE] = "cells",
        [IMPORT_TIME] = "time",       [IMPORT_NUMBER] = "number",
        [IMPORT_WORD] = "word",       [IMPORT_ID] = "identifier",
        [IMPORT_NODE] = "by the node"};
    return names[refusal];
}

static enum import_refusal
row_refuse(struct import_row *row, const struct wire_csv_cell *cell,
           enum import_refusal refusal, const char *what)
{
    char text[ROW_TEXT];
    base_err_note_at(
        &row->note, ERR_SYNTAX, "", cell->line, cell->column, "\"%s\" is %s",
        base_bytes_string(base_bytes_trim(cell->text), text, sizeof text),
        what);
    return refusal;
}

/* --- which cells --- */

static enum err
row_column(const char *name, const struct wire_csv_cell *cells, unsigned count,
           unsigned *ret_at, struct base_note *note)
{
    uint64_t number;
    for (unsigned i = 0; cells && i < count; i++)
        if (base_bytes_is(base_bytes_trim(cells[i].text), name)) {
            *ret_at = i;
            return ERR_OK;
        }
    if (cells)
        return base_err_note_at(note, ERR_NAME, "", cells[0].line, 1,
                                "the header has no column \"%s\"", name);
    if (base_bytes_u64(base_bytes_text(name), &number) != ERR_OK ||
        number < 1 || number > count)
        return base_err_note(note, ERR_NAME,
                             "without a header a column is a number from 1 to "
                             "%u, not \"%s\"",
                             count, name);
    *ret_at = (unsigned)number - 1;
    return ERR_OK;
}

enum err
import_row_header(struct import_map *map, const struct wire_csv_cell *cells,
                  unsigned count, struct base_note *note)
{
    if (!map->header)
        cells = NULL;
    enum err err =
        row_column(map->time_column, cells, count, &map->time_at, note);
    for (unsigned i = 0; i < map->column_count && err == ERR_OK; i++)
        err = row_column(map->columns[i].column, cells, count,
                         &map->columns[i].at, note);
    for (unsigned i = 0; i < map->id_count && err == ERR_OK; i++)
        if (map->id[i].column)
            err = row_column(map->id[i].column, cells, count, &map->id[i].at,
                             note);
    return err;
}

/* --- pieces of a row --- */

static bool
row_missing(const struct import_map *map, struct bytes text)
{
    if (text.size == 0)
        return true;
    for (unsigned i = 0; i < map->missing_count; i++)
        if (base_bytes_equal(text, map->missing[i]))
            return true;
    return false;
}

static enum import_refusal
row_time(const struct import_map *map, const struct wire_csv_cell *cell,
         struct import_row *row)
{
    struct bytes text = base_bytes_trim(cell->text);
    struct wall time;
    for (unsigned i = 0; i < map->format_count; i++)
        if (wire_csv_value_time(map->formats[i], text, map->zone_s,
                                map->midnight_ends, &time) == ERR_OK &&
            time.ms > 0) {
            row->t_ms = time.ms;
            return IMPORT_TAKEN;
        }
    return row_refuse(row, cell, IMPORT_TIME,
                      "no time of any format of the map");
}

static enum import_refusal
row_word(const struct import_column *column, const struct wire_csv_cell *cell,
         struct import_row *row, struct wire_csv_value *ret_value)
{
    struct bytes text = base_bytes_trim(cell->text);
    for (unsigned i = 0; i < column->word_count; i++)
        if (base_bytes_equal(text, column->words[i].text)) {
            *ret_value = column->words[i].value;
            return IMPORT_TAKEN;
        }
    return row_refuse(row, cell, IMPORT_WORD, "no word of the map's");
}

static enum import_refusal
row_value(const struct import_map *map, const struct import_column *column,
          const struct wire_csv_cell *cell, struct import_row *row)
{
    struct wire_csv_value value;
    struct bytes text = base_bytes_trim(cell->text);
    if (row_missing(map, text)) {
        row->missing++;
        return IMPORT_TAKEN;
    }
    if (column->words) {
        enum import_refusal refusal = row_word(column, cell, row, &value);
        if (refusal != IMPORT_TAKEN)
            return refusal;
    } else if (wire_csv_value_read(text, map->decimal, &value) != ERR_OK ||
               wire_csv_value_times(value, column->scale, &value) != ERR_OK) {
        return row_refuse(row, cell, IMPORT_NUMBER,
                          "not a number of at most 34 digits");
    }
    base_out_format(&row->payload, "%s\"%s\":", row->samples ? "," : "",
                    column->metric);
    wire_csv_value_write(value, &row->payload);
    row->samples++;
    return IMPORT_TAKEN;
}

/* What a suffix may not hold in a topic as it is (door/mqtt/mqtt_door.md). */
static void
row_escaped(struct base_out *out, struct bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (memchr("/+#%", text.at[i], 4))
            base_out_format(out, "%%%02X", text.at[i]);
        else
            base_out_u8(out, text.at[i]);
}

static enum import_refusal
row_topic(const struct import_map *map, const struct wire_csv_cell *cells,
          struct import_row *row)
{
    bool prefix = true;
    base_out_reset(&row->topic);
    base_out_text(&row->topic, "d/");
    for (unsigned i = 0; i < map->id_count; i++) {
        const struct import_part *part = &map->id[i];
        struct bytes text = part->text;
        if (part->column) {
            text = base_bytes_trim(cells[part->at].text);
            if (text.size == 0 || text.size > MODEL_ID_MAX / 2 ||
                !wire_mqtt_read_is_text(text))
                return row_refuse(row, &cells[part->at], IMPORT_ID,
                                  "not fit for an identifier");
        } else if (prefix) { /* up to the slash as it is */
            size_t slash = base_bytes_find(text, '/');
            base_out_bytes_add(&row->topic,
                               base_bytes_slice(text, 0, slash + 1));
            text = base_bytes_slice(text, slash + 1, SIZE_MAX);
            prefix = false;
        }
        row_escaped(&row->topic, text);
    }
    base_out_text(&row->topic, "/t");
    return IMPORT_TAKEN;
}

/* --- the row --- */

enum import_refusal
import_row_read(const struct import_map *map, const struct wire_csv_cell *cells,
                unsigned count, unsigned width, struct import_row *row)
{
    row->samples = row->missing = 0;
    if (count != width) {
        base_err_note_at(&row->note, ERR_SHORT, "", cells[0].line, 1,
                         "%u cells; the header has %u", count, width);
        return IMPORT_SHAPE;
    }
    enum import_refusal refusal = row_time(map, &cells[map->time_at], row);
    if (refusal == IMPORT_TAKEN)
        refusal = row_topic(map, cells, row);
    base_out_reset(&row->payload);
    base_out_format(&row->payload, "{\"ts\":%" PRId64 ",\"v\":{", row->t_ms);
    for (unsigned i = 0; i < map->column_count && refusal == IMPORT_TAKEN; i++)
        refusal =
            row_value(map, &map->columns[i], &cells[map->columns[i].at], row);
    base_out_text(&row->payload, "}}");
    if (refusal != IMPORT_TAKEN)
        return refusal;
    return row->samples ? IMPORT_TAKEN : IMPORT_EMPTY;
}
