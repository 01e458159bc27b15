/* rollup_by.c -- a figure by the codes of a dim, and of some cells only.
 *
 * A cell is of one leaf in each dim; a parent's figure is read here, as the sum
 * of its leaves', and never stored.  Sums first, then one division in each
 * row, so the rows of leaves add up to the figure of all, and those of a
 * section to its own. */
#include "base/base_mem.h"
#include "engine/rollup/rollup_inner.h"
#include "model/model_near.h"

enum { BY_ROWS = 4096, BY_MEMORY = 1 << 20 };

struct by {
    const struct model_pack *pack;
    const struct model_expr *where; /* NULL: all cells */
    struct model_cells cells;
    int dim; /* -1: none */
    struct model_figure sum;
    struct model_figure **codes; /* by the dim's entry; NULL: nothing */
    unsigned count;
    uint32_t cell; /* under way */
    enum err err;
};

static struct model_expr_value
by_code(void *self, uint32_t slot)
{
    const struct by *by = self;
    const struct model_code *code =
        model_pack_cell_code(by->pack, by->cell, slot);
    return (struct model_expr_value){.type = MODEL_EXPR_STRING,
                                     .string = base_bytes_text(code->code),
                                     .flags = base_bytes_text(code->flags)};
}

static bool
by_wanted(struct by *by)
{
    struct model_expr_value value;
    if (!by->where)
        return true;
    model_expr_eval(by->where, by_code, by, &value);
    return value.err == ERR_OK && value.truth;
}

/* Into the leaf's row and those of all above it. */
static void
by_add(struct by *by, const struct model_figure *figure)
{
    const struct model_code_list *list = by->pack->dims[by->dim].entries;
    const struct model_code *leaf =
        model_pack_cell_code(by->pack, by->cell, (unsigned)by->dim);
    for (int32_t at = (int32_t)(leaf - list->at); at >= 0;
         at = list->at[at].parent) {
        if (!by->codes[at] && by->count++ == BY_ROWS)
            by->err = ERR_LIMIT;
        if (by->err != ERR_OK)
            return;
        if (!by->codes[at])
            by->codes[at] = base_mem_zero(sizeof *by->codes[at]);
        by->err = model_figure_add(by->codes[at], figure, 1);
    }
}

static bool
by_line(void *self, const struct rollup_line *line)
{
    struct by *by = self;
    by->cell = line->cell;
    if (line->cell >= by->pack->cells ||
        !model_cells_have(&by->cells, line->cell) || !by_wanted(by))
        return true;
    by->err = model_figure_add(&by->sum, line->figure, 1);
    if (by->err == ERR_OK && by->dim >= 0)
        by_add(by, line->figure);
    return by->err == ERR_OK;
}

static enum err
by_dim(const struct model_pack *pack, struct bytes name, int *ret_dim,
       struct base_note *note)
{
    struct model_near near;
    *ret_dim = -1;
    if (name.size == 0)
        return ERR_OK;
    *ret_dim = model_pack_dim_find(pack, name);
    if (*ret_dim >= 0)
        return ERR_OK;
    model_near_init(&near, name);
    for (unsigned d = 0; d < pack->dim_count; d++)
        model_near_offer(&near, pack->dims[d].name);
    return base_err_note_at(
        note, ERR_NAME, "by", 0, 0, "pack %s has no dim \"%.*s\"%s", pack->name,
        (int)name.size, (const char *)name.at, model_near_hint(&near));
}

static enum err
by_where(const struct model_pack *pack, struct bytes text,
         struct base_arena *arena, const struct model_expr **ret_where,
         struct base_note *note)
{
    struct model_expr_name names[MODEL_PACK_DIMS];
    const struct model_expr_scope scope = {names, pack->dim_count};
    struct base_note inner = {0};
    *ret_where = NULL;
    for (uint32_t d = 0; d < pack->dim_count; d++)
        names[d] =
            (struct model_expr_name){pack->dims[d].name, MODEL_EXPR_STRING, d};
    if (text.size == 0)
        return ERR_OK;
    enum err err = model_expr_compile(arena, text, &scope, MODEL_EXPR_BOOL,
                                      ret_where, &inner);
    if (err == ERR_OK)
        return ERR_OK;
    return base_err_note_at(note, err, "where", inner.line, inner.column, "%s",
                            inner.text);
}

static enum err
by_rows(struct by *by, struct rollup_by *to, struct base_arena *arena)
{
    to->rows = base_arena_alloc(arena, (by->count + 1) * sizeof *to->rows);
    if (!to->rows)
        return ERR_LIMIT;
    rollup_query_part(&to->name, &by->sum, &to->sum);
    if (by->dim < 0)
        return ERR_OK;
    const struct model_code_list *list = by->pack->dims[by->dim].entries;
    for (uint32_t i = 0; i < list->count; i++)
        if (by->codes[i]) {
            struct rollup_by_row *row = &to->rows[to->count++];
            *row = (struct rollup_by_row){.code = &list->at[i]};
            if (list->at[i].parent >= 0)
                row->parent = list->at[list->at[i].parent].code;
            rollup_query_part(&to->name, by->codes[i], &row->sum);
        }
    return ERR_OK;
}

static enum err
by_read(struct rollup *rollup, const struct rollup_by_ask *ask, struct by *by,
        struct base_arena *arena, struct rollup_by *to, struct base_note *note)
{
    struct rollup_table table;
    const struct rollup_table_ask whole = {.pack = ask->pack,
                                           .at = ask->at,
                                           .freq = ask->freq,
                                           .asof_ms = ask->asof_ms};
    enum err err = rollup_table(rollup, &whole, by_line, by, &table, note);
    if (err != ERR_OK)
        return err;
    to->cells = by->cells;
    to->window = table.window;
    to->at_ms = table.at_ms;
    err = by->err == ERR_OK ? by_rows(by, to, arena) : by->err;
    return err == ERR_OK ? ERR_OK
                         : base_err_note(note, err, "%s", base_err_text(err));
}

enum err
rollup_by(struct rollup *rollup, const struct rollup_by_ask *ask,
          struct base_arena *arena, struct rollup_by *ret_by,
          struct base_note *note)
{
    struct by *by = base_mem_zero(sizeof *by);
    struct base_arena work;
    unsigned pack;
    *ret_by = (struct rollup_by){0};
    base_arena_init(&work, BY_MEMORY);
    enum err err = rollup_query_name(rollup, ask->pack, ask->name,
                                     &ret_by->name, &pack, note);
    by->pack = ret_by->name.pack;
    if (err == ERR_OK)
        err = by_dim(by->pack, ask->dim, &by->dim, note);
    if (err == ERR_OK)
        err = by_where(by->pack, ask->where, &work, &by->where, note);
    if (err == ERR_OK)
        err = model_cells_read(ask->cells, by->pack, &by->cells, note);
    if (err == ERR_OK) {
        uint32_t codes =
            by->dim >= 0 ? by->pack->dims[by->dim].entries->count : 0;
        by->codes = base_mem_zero((codes + 1) * sizeof *by->codes);
        err = by_read(rollup, ask, by, arena, ret_by, note);
        for (uint32_t i = 0; i < codes; i++)
            base_mem_free(by->codes[i]);
        base_mem_free(by->codes);
    }
    base_arena_done(&work);
    base_mem_free(by);
    return err;
}
