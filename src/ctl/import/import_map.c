/* import_map.c -- reading a map, straight. */
#include "ctl/import/import_map.h"

#include <stdio.h>

#include "base/base_mem.h"
#include "model/model_near.h"
#include "model/model_yaml.h"
#include "sys/sys_file.h"

enum {
    KEY_MAP,
    KEY_TITLE,
    KEY_ENCODING,
    KEY_SEPARATOR,
    KEY_DECIMAL,
    KEY_SKIP,
    KEY_HEADER,
    KEY_ID,
    KEY_TIME,
    KEY_MISSING,
    KEY_COLUMNS,
    KEYS
};

static const struct model_yaml_key map_keys[KEYS] = {
    [KEY_MAP] = {"map", MODEL_YAML_SCALAR | MODEL_YAML_MUST},
    [KEY_TITLE] = {"title", MODEL_YAML_SCALAR},
    [KEY_ENCODING] = {"encoding", MODEL_YAML_SCALAR},
    [KEY_SEPARATOR] = {"separator", MODEL_YAML_SCALAR},
    [KEY_DECIMAL] = {"decimal", MODEL_YAML_SCALAR},
    [KEY_SKIP] = {"skip", MODEL_YAML_SCALAR},
    [KEY_HEADER] = {"header", MODEL_YAML_SCALAR},
    [KEY_ID] = {"id", MODEL_YAML_SCALAR | MODEL_YAML_MUST},
    [KEY_TIME] = {"time", MODEL_YAML_MAP | MODEL_YAML_MUST},
    [KEY_MISSING] = {"missing", MODEL_YAML_LIST},
    [KEY_COLUMNS] = {"columns", MODEL_YAML_LIST | MODEL_YAML_MUST},
};

enum { TIME_COLUMN, TIME_FORMATS, TIME_ZONE, TIME_MIDNIGHT, TIME_KEYS };

static const struct model_yaml_key map_time_keys[TIME_KEYS] = {
    [TIME_COLUMN] = {"column", MODEL_YAML_SCALAR | MODEL_YAML_MUST},
    [TIME_FORMATS] = {"formats", MODEL_YAML_LIST | MODEL_YAML_MUST},
    [TIME_ZONE] = {"zone", MODEL_YAML_SCALAR},
    [TIME_MIDNIGHT] = {"midnight", MODEL_YAML_SCALAR},
};

enum {
    COLUMN_COLUMN,
    COLUMN_METRIC,
    COLUMN_UNIT,
    COLUMN_SCALE,
    COLUMN_WORDS,
    COLUMN_KEYS
};

static const struct model_yaml_key map_column_keys[COLUMN_KEYS] = {
    [COLUMN_COLUMN] = {"column", MODEL_YAML_SCALAR | MODEL_YAML_MUST},
    [COLUMN_METRIC] = {"metric", MODEL_YAML_SCALAR | MODEL_YAML_MUST},
    [COLUMN_UNIT] = {"unit", MODEL_YAML_SCALAR},
    [COLUMN_SCALE] = {"scale", MODEL_YAML_SCALAR},
    [COLUMN_WORDS] = {"words", MODEL_YAML_MAP},
};

static const char *const map_encodings[] = {"utf-8", "gb18030"};
static const char *const map_separators[] = {",", ";", "\t", "|"};
static const char *const map_decimals[] = {".", ","};
static const char *const map_midnights[] = {"begins", "ends"};

/* --- pieces --- */

static struct wire_csv_value
map_value(struct model_yaml *yaml, const struct model_yaml_node *node,
          const char *fallback)
{
    struct wire_csv_value value = {1, 0};
    const char *text = model_yaml_text(yaml, node, fallback);
    if (wire_csv_value_read(base_bytes_text(text), '.', &value) != ERR_OK)
        model_yaml_fail(yaml, node, ERR_TYPE, "\"%s\" is not a number", text);
    return value;
}

/* "+08:00", "-03:30", "UTC" */
static int32_t
map_zone(struct model_yaml *yaml, const struct model_yaml_node *node)
{
    const char *text = model_yaml_text(yaml, node, "UTC");
    char stamp[40];
    struct wall time;
    if (strcmp(text, "UTC") == 0)
        return 0;
    snprintf(stamp, sizeof stamp, "1970-01-02T00:00:00%.8s", text);
    if (strlen(text) == 6 &&
        base_time_parse(base_bytes_text(stamp), &time) == ERR_OK)
        return (int32_t)(86400 - time.ms / 1000);
    model_yaml_fail(yaml, node, ERR_SYNTAX,
                    "\"%s\" is no zone: UTC, or an offset like +08:00", text);
    return 0;
}

/* "88.31.1001/{machine}" */
static void
map_id(struct model_yaml *yaml, const struct model_yaml_node *node,
       const char *text, struct import_map *map)
{
    const char *slash = strchr(text, '/'), *at = text;
    if (!model_yaml_ok(yaml))
        return;
    while (*at && map->id_count < IMPORT_PARTS) {
        struct import_part *part = &map->id[map->id_count++];
        size_t size = strcspn(at, "{");
        if (size == 0) {
            size = strcspn(at, "}");
            if (at[size] == '\0')
                break;
            part->column =
                base_arena_text(yaml->arena, base_bytes(at + 1, size - 1));
            size++;
        }
        part->text = base_bytes(at, size);
        at += size;
    }
    if (*at || slash == NULL || slash == text || slash[1] == '\0' ||
        memchr(text, '{', (size_t)(slash - text)))
        model_yaml_fail(yaml, node, ERR_NAME,
                        "\"%s\" is no identifier: PREFIX/NAME, where NAME may "
                        "hold {COLUMN}",
                        text);
}

static bool
map_is_metric(const char *name)
{
    for (const char *at = name; *at; at++) {
        bool letter = (*at >= 'a' && *at <= 'z') ||
                      (*at >= 'A' && *at <= 'Z') || *at == '_';
        if (!letter && (at == name || *at < '0' || *at > '9'))
            return false;
    }
    return name[0] != '\0' && strlen(name) <= IMPORT_METRIC;
}

static void
map_time(struct model_yaml *yaml, const struct model_yaml_node *node,
         struct import_map *map)
{
    const struct model_yaml_node *at[TIME_KEYS], *item;
    model_yaml_map(yaml, node, map_time_keys, TIME_KEYS, at);
    map->time_column = model_yaml_text(yaml, at[TIME_COLUMN], "");
    map->zone_s = map_zone(yaml, at[TIME_ZONE]);
    map->midnight_ends =
        model_yaml_word(yaml, at[TIME_MIDNIGHT], map_midnights, 2, 2, 0) == 1;
    for (item = model_yaml_first(at[TIME_FORMATS]); item; item = item->next) {
        const char *format = model_yaml_text(yaml, item, "");
        if (map->format_count == IMPORT_FORMATS)
            model_yaml_fail(yaml, item, ERR_LIMIT, "at most %d formats",
                            IMPORT_FORMATS);
        else if (!wire_csv_value_pattern(format))
            model_yaml_fail(yaml, item, ERR_SYNTAX,
                            "\"%s\" is no format of a time: iso, epoch_s, "
                            "epoch_ms, or %%Y %%m %%d with %%H %%M %%S %%f",
                            format);
        else
            map->formats[map->format_count++] = format;
    }
    if (map->format_count == 0 && model_yaml_ok(yaml))
        model_yaml_fail(yaml, at[TIME_FORMATS], ERR_SHORT,
                        "at least one format");
}

static void
map_words(struct model_yaml *yaml, const struct model_yaml_node *node,
          struct import_column *column)
{
    if (node == NULL)
        return;
    struct import_word *words =
        base_arena_alloc(yaml->arena, IMPORT_WORDS * sizeof *words);
    if (words == NULL) {
        model_yaml_full(yaml);
        return;
    }
    column->words = words;
    for (const struct model_yaml_node *item = node->first; item;
         item = item->next) {
        if (column->word_count == IMPORT_WORDS) {
            model_yaml_fail(yaml, item, ERR_LIMIT, "at most %d words",
                            IMPORT_WORDS);
            return;
        }
        words[column->word_count].text = item->key->text;
        words[column->word_count++].value = map_value(yaml, item, "");
    }
}

static void
map_column(struct model_yaml *yaml, const struct model_yaml_node *node,
           struct import_map *map)
{
    const struct model_yaml_node *at[COLUMN_KEYS];
    struct import_column *column = &map->columns[map->column_count];
    if (map->column_count == IMPORT_COLUMNS) {
        model_yaml_fail(yaml, node, ERR_LIMIT, "at most %d columns",
                        IMPORT_COLUMNS);
        return;
    }
    model_yaml_map(yaml, node, map_column_keys, COLUMN_KEYS, at);
    *column = (struct import_column){
        .column = model_yaml_text(yaml, at[COLUMN_COLUMN], ""),
        .metric = model_yaml_text(yaml, at[COLUMN_METRIC], ""),
        .unit = model_yaml_text(yaml, at[COLUMN_UNIT], ""),
        .scale = map_value(yaml, at[COLUMN_SCALE], "1"),
    };
    map_words(yaml, at[COLUMN_WORDS], column);
    if (model_yaml_ok(yaml) && !map_is_metric(column->metric))
        model_yaml_fail(yaml, at[COLUMN_METRIC], ERR_NAME,
                        "\"%s\" is no metric: letters, digits and _, not a "
                        "digit first",
                        column->metric);
    map->column_count++;
}

/* --- the whole --- */

static void
map_whole(struct model_yaml *yaml, const struct model_yaml_node *root,
          const char *id, struct import_map *map)
{
    const struct model_yaml_node *at[KEYS], *item;
    model_yaml_map(yaml, root, map_keys, KEYS, at);
    map->name = model_yaml_text(yaml, at[KEY_MAP], "");
    map->title = model_yaml_text(yaml, at[KEY_TITLE], "");
    map_id(yaml, at[KEY_ID], id ? id : model_yaml_text(yaml, at[KEY_ID], ""),
           map);
    map->gb18030 =
        model_yaml_word(yaml, at[KEY_ENCODING], map_encodings, 2, 2, 0) == 1;
    map->separator = (uint8_t)*map_separators[model_yaml_word(
        yaml, at[KEY_SEPARATOR], map_separators, 4, 4, 0)];
    map->decimal = (uint8_t)*map_decimals[model_yaml_word(
        yaml, at[KEY_DECIMAL], map_decimals, 2, 2, 0)];
    map->skip = (unsigned)model_yaml_int(yaml, at[KEY_SKIP], 0, 10000, 0);
    map->header = model_yaml_bool(yaml, at[KEY_HEADER], true);
    map_time(yaml, at[KEY_TIME], map);
    for (item = model_yaml_first(at[KEY_MISSING]); item; item = item->next)
        if (map->missing_count == IMPORT_MISSING)
            model_yaml_fail(yaml, item, ERR_LIMIT, "at most %d words",
                            IMPORT_MISSING);
        else
            map->missing[map->missing_count++] = item->text;
    for (item = model_yaml_first(at[KEY_COLUMNS]); item; item = item->next)
        map_column(yaml, item, map);
    if (map->column_count == 0 && model_yaml_ok(yaml))
        model_yaml_fail(yaml, at[KEY_COLUMNS], ERR_SHORT,
                        "at least one column");
}

static enum err
map_find(const char *name, struct base_arena *arena, struct bytes *ret_text,
         struct base_note *note)
{
    struct model_near near;
    model_near_init(&near, base_bytes_text(name));
    for (unsigned i = 0; i < import_map_builtin_count; i++) {
        if (strcmp(import_map_builtins[i].name, name) == 0) {
            *ret_text = base_bytes_text(import_map_builtins[i].text);
            return ERR_OK;
        }
        model_near_offer(&near, import_map_builtins[i].name);
    }
    enum err err =
        sys_file_load(sys_file_real(), name, MODEL_YAML_SIZE, arena, ret_text);
    if (err == ERR_OK)
        return err;
    return base_err_note(note, err,
                         "--map %s: neither a file nor a map that is built in "
                         "(nab, steel)%s",
                         name, model_near_hint(&near));
}

enum err
import_map_load(const char *name, const char *id, struct base_arena *arena,
                struct import_map *ret_map, struct base_note *note)
{
    struct bytes text;
    struct model_yaml yaml = {.arena = arena, .note = note};
    *ret_map = (struct import_map){.file = name};
    enum err err = map_find(name, arena, &text, note);
    if (err != ERR_OK)
        return err;
    map_whole(&yaml, model_yaml_read(&yaml, text, name), id, ret_map);
    return yaml.failed;
}
