/* model_code.c -- reading and asking code lists. */
#include "model/model_code.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/base_mem.h"
#include "base/base_time.h"
#include "model/model_csv.h"

enum code_column {
    CODE_CODE,
    CODE_PARENT,
    CODE_ZH,
    CODE_EN,
    CODE_FROM,
    CODE_END,
    CODE_FLAGS,
    CODE_COLUMNS
};

static const char *const code_columns[CODE_COLUMNS] = {
    "code", "parent", "name_zh", "name_en", "valid_from", "valid_to", "flags"};

/* A row as read; sorted together with its parent's text. */
struct code_row {
    struct model_code code;
    struct bytes parent;
    struct model_csv_cell cell;
};

static bool
code_fits(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.at[i];
        bool letter = (byte | 32) >= 'a' && (byte | 32) <= 'z';
        bool digit = byte >= '0' && byte <= '9';
        if (!letter && !digit && byte != '_' && byte != '.' && byte != '-')
            return false;
    }
    return text.size > 0 && text.size <= MODEL_CODE_TEXT;
}

int32_t
model_code_day(struct model_csv *csv, const struct model_csv_cell *cell,
               int32_t open)
{
    char text[32];
    struct wall time;
    if (cell->text.size == 0)
        return open;
    snprintf(text, sizeof text, "%.*sT00:00:00Z",
             (int)(cell->text.size == 10 ? 10 : 0),
             (const char *)cell->text.at);
    if (base_time_parse(base_bytes_text(text), &time) == ERR_OK)
        return (int32_t)(time.ms / 86400000);
    model_csv_fail(csv, cell, ERR_SYNTAX, "expected a date, YYYY-MM-DD");
    return open;
}

static void
code_row(struct model_csv *csv, const struct model_csv_cell *cells,
         struct code_row *ret_row)
{
    const char *texts[CODE_COLUMNS];
    for (unsigned i = 0; i < CODE_COLUMNS; i++) {
        texts[i] = base_arena_text(csv->arena, cells[i].text);
        if (!texts[i])
            model_csv_fail(csv, &cells[i], ERR_LIMIT,
                           "more than the memory it may take");
    }
    if (!code_fits(cells[CODE_CODE].text))
        model_csv_fail(csv, &cells[CODE_CODE], ERR_NAME,
                       "a code is 1 to %d of A-Z a-z 0-9 _ . -",
                       MODEL_CODE_TEXT);
    *ret_row = (struct code_row){
        .code = {.code = texts[CODE_CODE],
                 .zh = texts[CODE_ZH],
                 .en = texts[CODE_EN],
                 .flags = texts[CODE_FLAGS],
                 .parent = -1,
                 .from_day = model_code_day(csv, &cells[CODE_FROM], INT32_MIN),
                 .end_day = model_code_day(csv, &cells[CODE_END], INT32_MAX),
                 .leaf = true,
                 .line = cells[CODE_CODE].line},
        .parent = cells[CODE_PARENT].text,
        .cell = cells[CODE_CODE],
    };
    if (ret_row->code.from_day >= ret_row->code.end_day)
        model_csv_fail(csv, &cells[CODE_END], ERR_RANGE,
                       "valid_to must come after valid_from");
}

static int
code_compare(const void *a, const void *b)
{
    const struct code_row *x = a, *y = b;
    return strcmp(x->code.code, y->code.code);
}

static const struct model_code *
code_search(const struct model_code_list *list, struct bytes code)
{
    uint32_t low = 0, high = list->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order =
            base_bytes_compare(base_bytes_text(list->at[middle].code), code);
        if (order == 0)
            return &list->at[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct model_code *
model_code_find(const struct model_code_list *list, struct bytes code,
                struct base_note *note)
{
    const struct model_code *found = code_search(list, code);
    char text[MODEL_CODE_TEXT + 4] = "000";
    if (found)
        return found;
    for (unsigned zeros = 1; code.size <= MODEL_CODE_TEXT && zeros <= 3;
         zeros++) {
        base_bytes_string(code, text + zeros, sizeof text - zeros);
        text[zeros - 1] = '0';
        if (!code_search(list, base_bytes_text(text)))
            continue;
        base_err_note(note, ERR_NAME,
                      "%s has no code %s; %s exists: its leading zeros were "
                      "lost (a spreadsheet does that)",
                      list->name, text + zeros, text);
        return NULL;
    }
    base_err_note(note, ERR_NAME, "%s has no code %.*s", list->name,
                  (int)(code.size <= MODEL_CODE_TEXT ? code.size : 0),
                  (const char *)code.at);
    return NULL;
}

/* Parents as indexes; no code twice, no chain deeper than 8, so no circle. */
static void
code_link(struct model_csv *csv, struct model_code_list *list,
          const struct code_row *rows)
{
    struct base_note note;
    for (uint32_t i = 0; i < list->count; i++) {
        if (i > 0 && strcmp(list->at[i - 1].code, list->at[i].code) == 0)
            model_csv_fail(csv, &rows[i].cell, ERR_NAME,
                           "the code %s stands twice (also in line %u)",
                           list->at[i].code, list->at[i - 1].line);
        if (rows[i].parent.size == 0)
            continue;
        const struct model_code *parent =
            model_code_find(list, rows[i].parent, &note);
        if (!parent) {
            model_csv_fail(csv, &rows[i].cell, ERR_NAME, "the parent: %s",
                           note.text);
            return;
        }
        list->at[i].parent = (int32_t)(parent - list->at);
        list->at[parent - list->at].leaf = false;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        unsigned depth = 1;
        for (int32_t up = list->at[i].parent;
             up >= 0 && depth <= MODEL_CODE_DEPTH; up = list->at[up].parent)
            depth++;
        if (depth > MODEL_CODE_DEPTH)
            model_csv_fail(csv, &rows[i].cell, ERR_LIMIT,
                           "%s has more than %d levels above it, or is its "
                           "own ancestor",
                           list->at[i].code, MODEL_CODE_DEPTH);
        list->leaf_count += list->at[i].leaf;
    }
}

enum err
model_code_read(struct base_arena *arena, const char *name, const char *file,
                struct bytes text, struct model_code_list *ret_list,
                struct base_note *note)
{
    struct model_csv csv = {.arena = arena, .note = note};
    struct model_csv_cell cells[CODE_COLUMNS];
    struct model_code_list list = {.name = name};
    uint32_t room = 0;
    struct code_row *rows = NULL;
    model_csv_open(&csv, text, file, code_columns, CODE_COLUMNS);
    while (model_csv_next(&csv, cells)) {
        if (list.count == room) {
            room = room ? room * 2 : 64;
            rows = base_mem_resize(rows, room * sizeof *rows);
        }
        code_row(&csv, cells, &rows[list.count++]);
        if (list.count > MODEL_CODE_MAX)
            model_csv_fail(&csv, &cells[0], ERR_LIMIT, "more than %d codes",
                           MODEL_CODE_MAX);
    }
    list.at = base_arena_alloc(arena, list.count * sizeof *list.at);
    if (csv.failed == ERR_OK && !list.at)
        csv.failed = base_err_note(note, ERR_LIMIT, "no room for %s", name);
    if (csv.failed == ERR_OK && list.count > 0) {
        qsort(rows, list.count, sizeof *rows, code_compare);
        for (uint32_t i = 0; i < list.count; i++)
            list.at[i] = rows[i].code;
        code_link(&csv, &list, rows);
    }
    base_mem_free(rows);
    if (csv.failed == ERR_OK)
        *ret_list = list;
    return csv.failed;
}
