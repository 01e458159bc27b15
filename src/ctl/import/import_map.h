/* import_map.h -- how the columns of a file become samples.
 *
 * A map is YAML (import.md tells its keys); the ones in packs/maps are built
 * in and called by their names.
 *
 * Memory   all in the arena given.
 * Errors   in the note: FILE:LINE:COLUMN and what was expected. */
#ifndef IMPORT_MAP_H
#define IMPORT_MAP_H

#include "base/base_arena.h"
#include "wire/csv/wire_csv_value.h"

enum {
    IMPORT_COLUMNS = 64, /* of the map */
    IMPORT_CELLS = 256,  /* of a row */
    IMPORT_FORMATS = 8,
    IMPORT_MISSING = 16,
    IMPORT_WORDS = 64,
    IMPORT_PARTS = 8,
    IMPORT_METRIC = 128,
};

struct import_word {
    struct bytes text;
    struct wire_csv_value value;
};

struct import_part { /* of the identifier: text, or what a cell says */
    struct bytes text;
    const char *column; /* NULL: text */
    unsigned at;
};

struct import_column {
    const char *column, *metric, *unit;
    struct wire_csv_value scale;
    const struct import_word *words; /* NULL: numbers */
    unsigned word_count;
    unsigned at; /* which cell of a row */
};

struct import_map {
    const char *name, *title, *file;
    struct import_part id[IMPORT_PARTS];
    unsigned id_count;
    bool gb18030, header, midnight_ends;
    uint8_t separator, decimal;
    unsigned skip; /* lines before the header */
    const char *time_column;
    unsigned time_at;
    const char *formats[IMPORT_FORMATS];
    unsigned format_count;
    int32_t zone_s;
    struct bytes missing[IMPORT_MISSING];
    unsigned missing_count;
    struct import_column columns[IMPORT_COLUMNS];
    unsigned column_count;
};

/* name: a built-in map's, or a file.  id: instead of the map's own, or NULL. */
enum err import_map_load(const char *name, const char *id,
                         struct base_arena *arena, struct import_map *ret_map,
                         struct base_note *note);
/* tools/embed_maps: packs/maps/NAME.yaml */
struct import_map_builtin {
    const char *name, *text;
};

extern const struct import_map_builtin import_map_builtins[];
extern const unsigned import_map_builtin_count;

#endif
