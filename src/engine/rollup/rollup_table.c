/* rollup_table.c -- a window whole: every cell, every part, every revision.
 *
 * A table is read off rows in the order of their keys and says nothing that is
 * not in them, so that the table of an instant is the same bytes whenever it is
 * asked for (RULINGS 37). */
#include "engine/rollup/rollup_inner.h"
#include "model/model_id.h"

struct table {
    struct rollup *rollup;
    bool (*fn)(void *self, const struct rollup_line *line);
    void *self;
    struct rollup_when when;
    size_t all;
    unsigned slots;
    uint64_t rows;
    enum err err;
};

/* --- a table --- */

static bool
table_line(struct table *table, const struct rollup_line *line)
{
    if (line->figure->mask == 0)
        return true; /* nothing is reported of it */
    if (++table->rows > ROLLUP_TABLE_ROWS)
        table->err = ERR_LIMIT;
    return table->err == ERR_OK && table->fn(table->self, line);
}

static bool
table_total(void *self, struct bytes key, struct bytes value)
{
    struct table *table = self;
    struct rollup_row_total row;
    table->err = rollup_past_at(table->rollup, STORE_TABLE_TOTAL, key,
                                table->when.ms, &value);
    if (table->err == ERR_ABSENT) {
        table->err = ERR_OK;
        return true;
    }
    if (table->err == ERR_OK)
        table->err =
            rollup_row_read(value, ROLLUP_ROW_IS_TOTAL, &row, table->slots);
    const struct rollup_line line = {.cell = rollup_row_tail(key),
                                     .epoch = row.epoch,
                                     .revision = row.revision,
                                     .applied_ms = row.at_ms,
                                     .figure = &row.figure};
    return table->err == ERR_OK && table_line(table, &line);
}

static struct rollup_line
table_line_of(const struct rollup_row_source *source,
              const struct rollup_row_contrib *row)
{
    return (struct rollup_line){
        .from = source->child.size > 0 ? source->child : row->unit,
        .unit = source->child.size == 0,
        .waiting = (row->flags & ROLLUP_ROW_PLACEHOLDER) != 0,
        .gone = (row->flags & ROLLUP_ROW_GONE) != 0,
        .reason = row->reason,
        .cell = row->cell,
        .epoch = row->epoch,
        .revision = row->revision,
        .applied_ms = row->at_ms,
        .shard = row->shard,
        .sequence = row->sequence,
        .inputs = row->inputs,
        .values = row->values,
        .figure = &row->figure,
    };
}

static bool
table_contrib(void *self, struct bytes key, struct bytes value)
{
    struct table *table = self;
    struct rollup_row_contrib *row = &table->rollup->merge.old;
    struct rollup_row_source source;
    table->err = rollup_row_source(key, table->all, &source);
    if (table->err == ERR_OK)
        table->err = rollup_past_contrib(table->rollup, &table->when, key,
                                         &source, value, table->slots, row);
    if (table->err == ERR_ABSENT) {
        table->err = ERR_OK;
        return true;
    }
    const struct rollup_line line = table_line_of(&source, row);
    return table->err == ERR_OK && table_line(table, &line);
}

/* Refuses what rollup_show would refuse. */
static enum err
table_begin(struct rollup *rollup, const struct rollup_table_ask *ask,
            unsigned *ret_pack, struct rollup_table *ret_table,
            struct base_note *note)
{
    const struct rollup_ask show = {.pack = ask->pack,
                                    .name = base_bytes_text("expected"),
                                    .at = ask->at,
                                    .freq = ask->freq,
                                    .asof_ms = ask->asof_ms};
    struct rollup_answer answer;
    struct base_arena arena;
    base_arena_init(&arena, 4096);
    enum err err = rollup_show(rollup, &show, &arena, &answer, note);
    if (err == ERR_OK) {
        const struct rollup_figure *figure = &answer.figures[0];
        *ret_pack = (unsigned)rollup_pack_find(rollup, ask->pack);
        *ret_table = (struct rollup_table){rollup->packs[*ret_pack].pack,
                                           figure->window, figure->at_ms};
        if (figure->sealed)
            err = base_err_note_at(note, ERR_ABSENT, "at", 0, 0,
                                   "the cells of this window are no longer "
                                   "kept, only its vintage %u",
                                   figure->vintage);
    }
    base_arena_done(&arena);
    return err;
}

static enum err
table_scan(struct table *table, unsigned pack, uint32_t window, bool total)
{
    struct rollup_key key;
    struct bytes all =
        rollup_row_total_all(&key, table->rollup->packs[pack].name, window);
    table->all = all.size;
    enum err err = rollup_scan(table->rollup,
                               total ? STORE_TABLE_TOTAL : STORE_TABLE_CONTRIB,
                               all, total ? table_total : table_contrib, table);
    return table->err != ERR_OK ? table->err : err;
}

enum err
rollup_table(struct rollup *rollup, const struct rollup_table_ask *ask,
             bool (*fn)(void *self, const struct rollup_line *line), void *self,
             struct rollup_table *ret_table, struct base_note *note)
{
    unsigned pack;
    enum err err = table_begin(rollup, ask, &pack, ret_table, note);
    if (err != ERR_OK)
        return err;
    struct table table = {.rollup = rollup,
                          .fn = fn,
                          .self = self,
                          .when.ms = ask->asof_ms,
                          .slots = rollup->packs[pack].slots};
    err = table_scan(&table, pack, ret_table->window, true);
    if (err == ERR_OK && ask->parts)
        err = table_scan(&table, pack, ret_table->window, false);
    if (err == ERR_LIMIT)
        base_err_note(note, err, "the table has more than %u rows",
                      ROLLUP_TABLE_ROWS);
    else if (err != ERR_OK)
        base_err_note(note, err, "%s", base_err_text(err));
    return err;
}

/* --- the revisions of one contribution --- */

struct table_history {
    struct table table;
    struct rollup_row_source source; /* of the key under way */
    bool more;
};

static bool
table_revision(void *self, struct bytes key, struct bytes value)
{
    struct table_history *history = self;
    struct table *table = &history->table;
    struct rollup_row_contrib *row = &table->rollup->merge.old;
    (void)key;
    table->err =
        rollup_row_read(value, ROLLUP_ROW_IS_CONTRIB, row, table->slots);
    const struct rollup_line line = table_line_of(&history->source, row);
    history->more = table->err == ERR_OK && table->fn(table->self, &line);
    return history->more;
}

/* A contribution: what it was, oldest first, then what it is. */
static bool
table_past(void *self, struct bytes key, struct bytes value)
{
    struct table_history *history = self;
    struct table *table = &history->table;
    struct rollup_key all;
    table->err = rollup_row_source(key, table->all, &history->source);
    if (table->err == ERR_OK)
        table->err =
            rollup_scan(table->rollup, STORE_TABLE_PAST,
                        rollup_row_past_all(&all, key), table_revision, self);
    return history->more && table->err == ERR_OK &&
           table_revision(self, key, value);
}

enum err
rollup_history(struct rollup *rollup, const struct rollup_table_ask *ask,
               struct bytes from,
               bool (*fn)(void *self, const struct rollup_line *line),
               void *self, struct rollup_table *ret_table,
               struct base_note *note)
{
    struct rollup_key key, window_key;
    struct bytes value;
    unsigned pack;
    enum err err = table_begin(rollup, ask, &pack, ret_table, note);
    if (err != ERR_OK)
        return err;
    struct table_history history = {
        .table = {.rollup = rollup,
                  .fn = fn,
                  .self = self,
                  .slots = rollup->packs[pack].slots},
        .more = true};
    struct bytes name = rollup->packs[pack].name;
    history.table.all =
        rollup_row_total_all(&window_key, name, ret_table->window).size;
    if (from.size == 0 || from.size > MODEL_ID_MAX)
        return base_err_note_at(note, ERR_SYNTAX, "from", 0, 0,
                                "say whose revisions: a child's prefix or a "
                                "unit");
    struct bytes unit =
        rollup_row_unit_key(&key, name, ret_table->window, from);
    err = store_kv_get(rollup_snap(rollup), STORE_TABLE_CONTRIB, unit, &value);
    if (err == ERR_OK)
        table_past(&history, unit, value);
    else if (err == ERR_ABSENT && from.size <= MODEL_PREFIX_MAX)
        err = rollup_scan(
            rollup, STORE_TABLE_CONTRIB,
            rollup_row_contrib_all(&key, name, ret_table->window, from),
            table_past, &history);
    if (err == ERR_OK)
        err = history.table.err;
    if (err == ERR_OK && history.source.child.size == 0 &&
        history.source.unit.size == 0)
        err = ERR_ABSENT;
    if (err != ERR_OK)
        base_err_note_at(note, err, "from", 0, 0,
                         "%.*s has reported nothing here for this window",
                         (int)from.size, (const char *)from.at);
    return err;
}
