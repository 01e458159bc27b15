/* model_pack_shift.c -- a pack's shifts: FOLDER/NAME.csv.
 *
 *     shift,start,end,days,valid_from,valid_to
 *     day,08:00,20:00,1234567,,
 *     night,20:00,08:00,1234567,,
 *
 * days: 1 is Monday.  An end that is not after the start is on the next day;
 * validity is half-open and asks for the day the shift starts on.
 *
 * At most 8 names; a name's place in the file is its number in the day, so in
 * every day the names follow each other in that order.  Overlaps are refused,
 * and weeks without any shift.  As days and validity repeat, it is enough to
 * walk nine days from wherever validity changes. */
#include <stdio.h>

#include "base/base_mem.h"
#include "model/model_code.h"
#include "model/model_csv.h"
#include "model/model_pack_load.h"

enum shift_column {
    SHIFT_NAME,
    SHIFT_START,
    SHIFT_END,
    SHIFT_DAYS,
    SHIFT_FROM,
    SHIFT_UNTIL,
    SHIFT_COLUMNS
};

enum { SHIFT_WALK_DAYS = 9, SHIFT_DAY_MIN = 1440 };

static const char *const shift_columns[SHIFT_COLUMNS] = {
    "shift", "start", "end", "days", "valid_from", "valid_to"};

struct shift_reader {
    struct model_pack_loader *loader;
    struct model_csv csv;
    struct model_calendar calendar;
    struct model_calendar_shift rows[MODEL_CALENDAR_ROWS];
    struct model_csv_cell cells[MODEL_CALENDAR_ROWS];
    const char *names[MODEL_CALENDAR_SHIFTS];
    unsigned name_count;
};

static uint8_t
shift_name(struct shift_reader *reader, const struct model_csv_cell *cell)
{
    struct bytes name = cell->text;
    for (unsigned i = 0; i < reader->name_count; i++)
        if (base_bytes_is(name, reader->names[i]))
            return (uint8_t)i;
    bool fits = name.size > 0 && name.size <= MODEL_CALENDAR_NAME;
    for (size_t i = 0; i < name.size; i++)
        fits = fits &&
               ((name.at[i] >= 'a' && name.at[i] <= 'z') ||
                (name.at[i] >= '0' && name.at[i] <= '9') || name.at[i] == '_');
    if (!fits)
        model_csv_fail(&reader->csv, cell, ERR_NAME,
                       "a shift's name is 1 to %d of a-z 0-9 _",
                       MODEL_CALENDAR_NAME);
    else if (reader->name_count == MODEL_CALENDAR_SHIFTS)
        model_csv_fail(&reader->csv, cell, ERR_LIMIT,
                       "a day has at most %d shifts", MODEL_CALENDAR_SHIFTS);
    else
        reader->names[reader->name_count++] =
            base_arena_text(reader->csv.arena, name);
    return (uint8_t)(reader->name_count ? reader->name_count - 1 : 0);
}

/* HH:MM in minutes */
static uint16_t
shift_time(struct shift_reader *reader, const struct model_csv_cell *cell)
{
    uint64_t hours = 24, minutes = 60;
    if (cell->text.size != 5 || cell->text.at[2] != ':' ||
        base_bytes_u64(base_bytes(cell->text.at, 2), &hours) != ERR_OK ||
        base_bytes_u64(base_bytes(cell->text.at + 3, 2), &minutes) != ERR_OK ||
        hours > 23 || minutes > 59) {
        model_csv_fail(&reader->csv, cell, ERR_SYNTAX,
                       "expected a time of day, 00:00 to 23:59");
        return 0;
    }
    return (uint16_t)(hours * 60 + minutes);
}

static uint8_t
shift_days(struct shift_reader *reader, const struct model_csv_cell *cell)
{
    uint8_t days = 0;
    for (size_t i = 0; i < cell->text.size; i++) {
        uint8_t byte = cell->text.at[i];
        if (byte < '1' || byte > '7')
            break;
        days |= (uint8_t)(1u << (byte - '1'));
        if (i + 1 == cell->text.size)
            return days;
    }
    model_csv_fail(&reader->csv, cell, ERR_SYNTAX,
                   "expected days of the week, 1 (Monday) to 7, such as 12345");
    return days;
}

static void
shift_row(struct shift_reader *reader, const struct model_csv_cell *cells)
{
    struct model_csv *csv = &reader->csv;
    unsigned at = reader->calendar.shift_count;
    if (at == MODEL_CALENDAR_ROWS) {
        model_csv_fail(csv, &cells[0], ERR_LIMIT, "more than %d rows",
                       MODEL_CALENDAR_ROWS);
        return;
    }
    uint8_t index = shift_name(reader, &cells[SHIFT_NAME]);
    int start = shift_time(reader, &cells[SHIFT_START]);
    int end = shift_time(reader, &cells[SHIFT_END]);
    reader->cells[at] = cells[SHIFT_NAME];
    reader->rows[at] = (struct model_calendar_shift){
        .name = reader->names[index],
        .index = index,
        .days = shift_days(reader, &cells[SHIFT_DAYS]),
        .start_min = (uint16_t)start,
        .length_min =
            (uint16_t)(end > start ? end - start : SHIFT_DAY_MIN + end - start),
        .from_day = model_code_day(csv, &cells[SHIFT_FROM], INT32_MIN),
        .end_day = model_code_day(csv, &cells[SHIFT_UNTIL], INT32_MAX),
    };
    if (reader->rows[at].from_day >= reader->rows[at].end_day)
        model_csv_fail(csv, &cells[SHIFT_UNTIL], ERR_RANGE,
                       "valid_to must come after valid_from");
    reader->calendar.shift_count++;
}

/* Nine days from `day`: each shift begins after the one before has ended, and
 * there is one. */
static void
shift_walk(struct shift_reader *reader, int32_t day)
{
    int64_t busy = INT64_MIN; /* minutes since 1970 */
    bool any = false;
    const struct model_csv_cell top = {.line = 1, .column = 1};
    for (int64_t at = day; at < (int64_t)day + SHIFT_WALK_DAYS; at++)
        for (unsigned i = 0; i < reader->name_count; i++) {
            const struct model_calendar_shift *shift =
                model_calendar_shift_on(&reader->calendar, at, i);
            if (!shift)
                continue;
            int64_t start = at * SHIFT_DAY_MIN + shift->start_min;
            if (start < busy)
                model_csv_fail(&reader->csv,
                               &reader->cells[shift - reader->rows], ERR_RANGE,
                               "it begins before the shift before it ends (in "
                               "the order of the file)");
            busy = start + shift->length_min;
            any = true;
        }
    if (!any)
        model_csv_fail(&reader->csv, &top, ERR_RANGE,
                       "there are weeks without any shift");
}

/* Every day from which the week may look different. */
static void
shift_check(struct shift_reader *reader)
{
    for (unsigned i = 0; i < reader->calendar.shift_count; i++) {
        const struct model_calendar_shift *shift = &reader->rows[i];
        for (unsigned j = 0; j < i; j++)
            if (shift->index == reader->rows[j].index &&
                shift->days & reader->rows[j].days &&
                shift->from_day < reader->rows[j].end_day &&
                reader->rows[j].from_day < shift->end_day)
                model_csv_fail(&reader->csv, &reader->cells[i], ERR_RANGE,
                               "the shift %s stands twice on some day",
                               shift->name);
        if (shift->from_day > 1)
            shift_walk(reader, shift->from_day - 1);
        if (shift->end_day < INT32_MAX)
            shift_walk(reader, shift->end_day > 1 ? shift->end_day - 1 : 0);
    }
    shift_walk(reader, 0);
}

void
model_pack_shift_load(struct model_pack_loader *loader,
                      const struct model_yaml_node *node)
{
    struct model_yaml *yaml = &loader->yaml;
    struct model_csv_cell cells[SHIFT_COLUMNS];
    struct bytes text;
    if (!model_yaml_ok(yaml))
        return;
    const char *path =
        base_arena_format(yaml->arena, "%s/%s.csv", loader->pack->folder,
                          model_pack_load_file(loader, node));
    enum err err = loader->source->load(loader->source, path, MODEL_YAML_SIZE,
                                        yaml->arena, &text);
    if (err != ERR_OK) {
        model_yaml_fail(yaml, node, err, "the shifts %s: %s", path,
                        base_err_text(err));
        return;
    }
    struct shift_reader *reader = base_mem_zero(sizeof *reader);
    reader->loader = loader;
    reader->csv = (struct model_csv){.arena = yaml->arena, .note = yaml->note};
    reader->calendar.shifts = reader->rows;
    model_csv_open(&reader->csv, text, path, shift_columns, SHIFT_COLUMNS);
    while (model_csv_next(&reader->csv, cells))
        shift_row(reader, cells);
    if (reader->csv.failed == ERR_OK)
        shift_check(reader);
    struct model_calendar_shift *rows = model_pack_load_alloc(
        loader, reader->calendar.shift_count + 1, sizeof *rows);
    if (rows && reader->csv.failed == ERR_OK) {
        memcpy(rows, reader->rows, reader->calendar.shift_count * sizeof *rows);
        loader->pack->calendar.shifts = rows;
        loader->pack->calendar.shift_count = reader->calendar.shift_count;
    }
    if (model_yaml_ok(yaml))
        yaml->failed = reader->csv.failed;
    base_mem_free(reader);
}
