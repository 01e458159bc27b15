/* model_pack_table.c -- the tables of a pack: factors, prices, ratios.
 *
 *     tables:
 *       grid:
 *         file: grid_factors             FOLDER/grid_factors.csv, or else the
 *         keys: [region, year]           tables' folder beside the codes'
 *         value: kgco2_per_kwh           its columns: the keys, the value
 *         unit: kg/(kW.h)
 *
 * Keys are dims of the pack, and `year`: the newest row that is not after the
 * window's year counts, as factors are published later than they are used. */
#include <stdlib.h>

#include "base/base_mem.h"
#include "model/model_csv.h"
#include "model/model_pack_load.h"

enum { TABLE_ROWS = 1 << 16, TABLE_KEYS = MODEL_PACK_DIMS + 1 };

/* clang-format off */
static const struct model_yaml_key table_keys[] = {
    {"file", MODEL_PACK_MUST},  {"keys", MODEL_YAML_LIST | MODEL_YAML_MUST},
    {"value", MODEL_PACK_MUST}, {"unit", MODEL_PACK_MUST},
};
/* clang-format on */

struct table_reader {
    struct model_pack_loader *loader;
    struct model_pack_table *table;
    struct model_csv csv;
    const char *columns[TABLE_KEYS + 1];
    int dims[TABLE_KEYS]; /* of each key column; -1: year */
    unsigned key_count;
    struct model_csv_cell cell; /* of the row, for complaints */
};

static void
table_key(struct table_reader *reader, const struct model_yaml_node *node)
{
    struct model_yaml *yaml = &reader->loader->yaml;
    const char *name = model_yaml_text(yaml, node, "");
    int dim = model_pack_dim_find(reader->loader->pack, base_bytes_text(name));
    bool year = strcmp(name, "year") == 0;
    bool twice =
        year ? reader->table->by_year : dim >= 0 && reader->table->dims[dim];
    if (reader->key_count == TABLE_KEYS || twice || (dim < 0 && !year)) {
        model_yaml_fail(yaml, node, ERR_NAME,
                        "a table's keys are dims of the pack and year, each "
                        "once; not %s",
                        name);
        return;
    }
    if (year)
        reader->table->by_year = true;
    else
        reader->table->dims[dim] = true;
    reader->columns[reader->key_count] = name;
    reader->dims[reader->key_count++] = year ? -1 : dim;
}

/* Its rank among the dim's leaves. */
static uint32_t
table_rank(struct table_reader *reader, const struct model_pack_dim *dim,
           const struct model_csv_cell *cell)
{
    struct base_note note = {0};
    const struct model_code *code =
        model_code_find(dim->entries, cell->text, &note);
    if (!code)
        model_csv_fail(&reader->csv, cell, ERR_NAME, "%s", note.text);
    else if (!code->leaf)
        model_csv_fail(&reader->csv, cell, ERR_NAME,
                       "%s has codes below it: units carry those", code->code);
    uint32_t rank = 0;
    while (code && rank < dim->count && dim->leaves[rank] != code)
        rank++;
    return rank;
}

static void
table_row(struct table_reader *reader, const struct model_csv_cell *cells,
          struct model_pack_table_row *row)
{
    const struct model_pack *pack = reader->loader->pack;
    uint32_t ranks[MODEL_PACK_DIMS] = {0};
    uint64_t year = 0;
    for (unsigned i = 0; i < reader->key_count; i++) {
        int dim = reader->dims[i];
        if (dim >= 0)
            ranks[dim] = table_rank(reader, &pack->dims[dim], &cells[i]);
        else if (base_bytes_u64(cells[i].text, &year) != ERR_OK ||
                 year < 1970 || year > 9999)
            model_csv_fail(&reader->csv, &cells[i], ERR_SYNTAX,
                           "expected a year");
    }
    *row = (struct model_pack_table_row){.year = (int32_t)year};
    for (unsigned d = 0; d < pack->dim_count; d++)
        if (reader->table->dims[d])
            row->place = row->place * pack->dims[d].count + ranks[d];
    if (base_dec_parse(cells[reader->key_count].text, &row->value) != ERR_OK)
        model_csv_fail(&reader->csv, &cells[reader->key_count], ERR_SYNTAX,
                       "expected a number of at most 12 decimals");
}

static int
table_order(const void *a, const void *b)
{
    const struct model_pack_table_row *x = a, *y = b;
    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return (x->year > y->year) - (x->year < y->year);
}

static void
table_rows(struct table_reader *reader)
{
    struct model_csv_cell cells[TABLE_KEYS + 1];
    struct model_pack_table *table = reader->table;
    struct model_pack_table_row *rows = NULL;
    uint32_t count = 0, room = 0;
    while (model_csv_next(&reader->csv, cells)) {
        if (count == room) {
            room = room ? room * 2 : 64;
            rows = base_mem_resize(rows, room * sizeof *rows);
        }
        if (count == TABLE_ROWS)
            model_csv_fail(&reader->csv, &cells[0], ERR_LIMIT,
                           "more than %d rows", TABLE_ROWS);
        else
            table_row(reader, cells, &rows[count++]);
    }
    table->rows =
        model_pack_load_alloc(reader->loader, count + 1, sizeof *table->rows);
    if (table->rows && count > 0)
        memcpy(table->rows, rows, count * sizeof *rows);
    base_mem_free(rows);
    if (!table->rows)
        return;
    table->row_count = count;
    qsort(table->rows, table->row_count, sizeof *rows, table_order);
    const struct model_csv_cell top = {.line = 1, .column = 1};
    for (uint32_t i = 1; i < table->row_count; i++)
        if (table_order(&table->rows[i - 1], &table->rows[i]) == 0)
            model_csv_fail(&reader->csv, &top, ERR_NAME,
                           "two rows have the same keys");
}

/* The pack's own file, or the one that all packs share. */
static const char *
table_load(struct model_pack_loader *loader, const struct model_yaml_node *node,
           struct bytes *ret_text)
{
    struct model_yaml *yaml = &loader->yaml;
    const char *name = model_pack_load_file(loader, node);
    const char *own =
        base_arena_format(yaml->arena, "%s/%s.csv", loader->pack->folder, name);
    const char *shared = base_arena_format(yaml->arena, "%s/../tables/%s.csv",
                                           loader->codes, name);
    const char *path = own;
    if (!model_yaml_ok(yaml))
        return NULL;
    enum err err = loader->source->load(loader->source, own, MODEL_CSV_SIZE,
                                        yaml->arena, ret_text);
    if (err == ERR_ABSENT) {
        path = shared;
        err = loader->source->load(loader->source, shared, MODEL_CSV_SIZE,
                                   yaml->arena, ret_text);
    }
    if (err == ERR_OK)
        return path;
    model_yaml_fail(yaml, node, err, "the table %s: %s", path,
                    base_err_text(err));
    return NULL;
}

static void
table_one(struct model_pack_loader *loader, const struct model_yaml_node *node,
          struct model_pack_table *table)
{
    struct model_yaml *yaml = &loader->yaml;
    struct table_reader reader = {.loader = loader, .table = table};
    const struct model_yaml_node *item;
    struct bytes text;
    table->name = model_pack_load_name(loader, node);
    if (model_pack_input_find(loader->pack, node->key->text) >= 0)
        model_yaml_fail(yaml, node->key, ERR_NAME, "an input has the name %s",
                        table->name);
    model_yaml_map(yaml, node, table_keys, BASE_COUNT(table_keys), NULL);
    model_pack_load_unit(loader, model_yaml_get(node, "unit"), &table->unit);
    item = model_yaml_first(model_yaml_get(node, "keys"));
    for (; item && model_yaml_ok(yaml); item = item->next)
        table_key(&reader, item);
    reader.columns[reader.key_count] =
        model_yaml_text(yaml, model_yaml_get(node, "value"), "");
    if (!model_yaml_ok(yaml))
        return;
    const char *path = table_load(loader, model_yaml_get(node, "file"), &text);
    if (!path)
        return;
    reader.csv = (struct model_csv){.arena = yaml->arena, .note = yaml->note};
    model_csv_open(&reader.csv, text, path, reader.columns,
                   reader.key_count + 1);
    table_rows(&reader);
    if (model_yaml_ok(yaml))
        yaml->failed = reader.csv.failed;
}

void
model_pack_table_load(struct model_pack_loader *loader,
                      const struct model_yaml_node *node)
{
    struct model_pack *pack = loader->pack;
    const struct model_yaml_node *member;
    if (!model_yaml_ok(&loader->yaml) || !node)
        return;
    if (node->count > MODEL_PACK_TABLES)
        model_yaml_fail(&loader->yaml, node, ERR_LIMIT, "at most %d tables",
                        MODEL_PACK_TABLES);
    else
        pack->tables =
            model_pack_load_alloc(loader, node->count, sizeof *pack->tables);
    for (member = model_yaml_first(node); member; member = member->next)
        if (model_yaml_ok(&loader->yaml))
            table_one(loader, member, &pack->tables[pack->table_count++]);
}
