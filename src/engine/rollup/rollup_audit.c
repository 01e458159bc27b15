/* rollup_audit.c -- is every total what its contributions add up to? */
#include "base/base_mem.h"
#include "engine/rollup/rollup_inner.h"

struct audit_cell {
    struct model_figure again;
    bool live; /* a total was there */
};

struct audit {
    struct rollup *rollup;
    unsigned pack;
    uint32_t window;
    unsigned slots;
    struct base_map cells; /* cell u32 -> struct audit_cell */
    void (*fn)(void *self, const struct rollup_difference *difference);
    void *self;
    uint64_t totals;
    enum err err;
};

static void
audit_tell(struct audit *audit, uint32_t cell, const struct model_figure *live,
           const struct model_figure *again)
{
    audit->fn(audit->self, &(struct rollup_difference){
                               .pack = audit->rollup->packs[audit->pack].pack,
                               .window = audit->window,
                               .cell = cell,
                               .live = live,
                               .again = again});
}

static bool
audit_contrib(void *self, struct bytes key, struct bytes value)
{
    struct audit *audit = self;
    struct rollup_row_contrib row;
    (void)key;
    audit->err =
        rollup_row_read(value, ROLLUP_ROW_IS_CONTRIB, &row, audit->slots);
    if (audit->err != ERR_OK)
        return false;
    struct bytes at = base_bytes(&row.cell, sizeof row.cell);
    struct audit_cell *cell = base_map_get(&audit->cells, at);
    if (!cell) {
        cell = base_mem_zero(sizeof *cell);
        base_map_put(&audit->cells, at, cell);
    }
    audit->err = model_figure_add(&cell->again, &row.figure, 1);
    return audit->err == ERR_OK;
}

static bool
audit_total(void *self, struct bytes key, struct bytes value)
{
    static const struct model_figure nothing;
    struct audit *audit = self;
    struct rollup_row_total row;
    uint32_t at = rollup_row_tail(key);
    audit->err =
        rollup_row_read(value, ROLLUP_ROW_IS_TOTAL, &row, audit->slots);
    if (audit->err != ERR_OK)
        return false;
    struct audit_cell *cell =
        base_map_get(&audit->cells, base_bytes(&at, sizeof at));
    const struct model_figure *again = cell ? &cell->again : &nothing;
    if (cell)
        cell->live = true;
    if (!model_figure_equal(&row.figure, again))
        audit_tell(audit, at, &row.figure, again);
    audit->totals++;
    return true;
}

/* Contributions that no total holds; frees the cells. */
static void
audit_rest(struct audit *audit)
{
    struct bytes key;
    void *value;
    for (size_t i = 0; base_map_next(&audit->cells, &i, &key, &value);) {
        struct audit_cell *cell = value;
        uint32_t at;
        memcpy(&at, key.at, sizeof at);
        if (!cell->live && cell->again.mask && audit->err == ERR_OK)
            audit_tell(audit, at, NULL, &cell->again);
        base_mem_free(cell);
    }
    base_map_done(&audit->cells);
}

static bool
audit_window(void *self, struct bytes key, struct bytes value)
{
    struct audit *audit = self;
    struct rollup *rollup = audit->rollup;
    struct rollup_row_window row;
    struct rollup_key all;
    audit->window = rollup_row_tail(key);
    audit->err = rollup_row_read(value, ROLLUP_ROW_IS_WINDOW, &row, 0);
    if (audit->err != ERR_OK)
        return false;
    audit->slots = row.slots;
    base_map_init(&audit->cells, 0);
    struct bytes rows = rollup_row_total_all(
        &all, rollup->packs[audit->pack].name, audit->window);
    rollup_scan(rollup, STORE_TABLE_CONTRIB, rows, audit_contrib, audit);
    if (audit->err == ERR_OK)
        rollup_scan(rollup, STORE_TABLE_TOTAL, rows, audit_total, audit);
    audit_rest(audit);
    return audit->err == ERR_OK;
}

enum err
rollup_audit(struct rollup *rollup,
             void (*fn)(void *self, const struct rollup_difference *difference),
             void *self, uint64_t *ret_totals)
{
    struct audit audit = {.rollup = rollup, .fn = fn, .self = self};
    enum err err = ERR_OK;
    rollup_fold_flush(rollup);
    for (; audit.pack < rollup->pack_count && err == ERR_OK; audit.pack++) {
        struct rollup_key key;
        err = rollup_scan(rollup, STORE_TABLE_WINDOW,
                          rollup_row_window_all(&key, ROLLUP_ROW_WINDOW,
                                                rollup->packs[audit.pack].name),
                          audit_window, &audit);
        if (err == ERR_OK)
            err = audit.err;
    }
    *ret_totals = audit.totals;
    return err;
}
