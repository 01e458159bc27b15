/* rollup_merge.c -- subtract the old, add the new, once per total, in one
 * batch.
 *
 * A merge collects contributions; each changes a working copy of its total.
 * At its end totals that are not what they were get this node's next revision
 * and a dirty mark, and everything goes down as one kv batch.  A contribution
 * is put at most once in a merge, as what was put is not seen before. */
#include "base/base_mem.h"
#include "base/base_must.h"
#include "engine/rollup/rollup_inner.h"

enum { /* of the batch: a total and what it was, their keys, per slot */
       MERGE_TOTAL = 500,
       MERGE_SLOT = 2 * 29,
};

void
rollup_merge_begin(struct rollup *rollup)
{
    struct rollup_merge *merge = &rollup->merge;
    must(!merge->open);
    merge->open = true;
    merge->dirty = false;
    merge->batch = store_kv_batch_new(rollup->config.kv);
    merge->at_ms = rollup_past_next(rollup);
    merge->cell_count = merge->puts = merge->window_count = 0;
    merge->reserved = 0;
    base_map_init(&merge->cells, 0);
    base_map_init(&merge->seen, 0);
    base_arena_reset(&merge->arena);
}

/* Everything but the batch. */
static void
merge_close(struct rollup_merge *merge)
{
    base_map_done(&merge->cells);
    base_map_done(&merge->seen);
    merge->batch = NULL;
    merge->open = false;
}

void
rollup_merge_drop(struct rollup *rollup)
{
    if (!rollup->merge.open)
        return;
    store_kv_batch_free(rollup->merge.batch);
    merge_close(&rollup->merge);
}

bool
rollup_merge_full(const struct rollup *rollup)
{
    const struct rollup_merge *merge = &rollup->merge;
    return merge->puts >= ROLLUP_PUTS ||
           store_kv_batch_size(merge->batch) + merge->reserved > ROLLUP_BATCH;
}

static enum err
merge_window_load(struct rollup *rollup, struct rollup_touched *touched)
{
    const struct rollup_pack *pack = &rollup->packs[touched->pack];
    struct rollup_key key;
    enum err err =
        rollup_get(rollup, STORE_TABLE_WINDOW,
                   rollup_row_window_key(&key, pack->name, touched->window),
                   ROLLUP_ROW_IS_WINDOW, &touched->row, 0);
    if (err == ERR_ABSENT) {
        rollup_window_make(rollup, touched->pack, touched->window,
                           &touched->row);
        touched->put = true;
        return ERR_OK;
    }
    if (err == ERR_OK && memcmp(touched->row.shape, pack->pack->shape,
                                sizeof touched->row.shape) != 0)
        return ERR_MISMATCH;
    return err;
}

static struct rollup_touched *
merge_touched(struct rollup_merge *merge, unsigned pack, uint32_t window)
{
    for (unsigned i = 0; i < merge->window_count; i++)
        if (merge->windows[i].pack == pack &&
            merge->windows[i].window == window)
            return &merge->windows[i];
    return NULL;
}

enum err
rollup_merge_window(struct rollup *rollup, unsigned pack, uint32_t window,
                    bool child, struct rollup_touched **ret_touched)
{
    struct rollup_merge *merge = &rollup->merge;
    struct rollup_touched *touched;
    struct wall start, end;
    if (!rollup_freq_of(&rollup->packs[pack], window) ||
        model_calendar_bounds(&rollup->packs[pack].pack->calendar, window,
                              &start, &end) != ERR_OK)
        return ERR_NAME;
    if (!rollup_window_kept(rollup, pack, window))
        return ERR_STALE;
    if (start.ms > rollup_now(rollup) + ROLLUP_AHEAD_MS)
        return ERR_TIME;
    touched = merge_touched(merge, pack, window);
    if (!touched) {
        if (merge->window_count == ROLLUP_WINDOWS)
            return ERR_AGAIN;
        touched = &merge->windows[merge->window_count];
        *touched = (struct rollup_touched){.pack = pack, .window = window};
        enum err err = merge_window_load(rollup, touched);
        if (err != ERR_OK)
            return err;
        merge->window_count++;
    }
    if (child && !(touched->row.flags & ROLLUP_ROW_EARLY) &&
        !rollup_window_due(rollup, pack, window)) {
        touched->row.flags |= ROLLUP_ROW_EARLY;
        touched->put = true;
    }
    *ret_touched = touched;
    return ERR_OK;
}

enum err
rollup_merge_old(struct rollup *rollup, unsigned pack, struct bytes key,
                 struct rollup_row_contrib *ret_old)
{
    if (base_map_get(&rollup->merge.seen, key))
        return ERR_AGAIN;
    enum err err =
        rollup_get(rollup, STORE_TABLE_CONTRIB, key, ROLLUP_ROW_IS_CONTRIB,
                   ret_old, rollup->packs[pack].slots);
    return err == ERR_OK && ret_old->flags & ROLLUP_ROW_GONE ? ERR_ABSENT : err;
}

/* The working copy of a total. */
static enum err
merge_cell(struct rollup *rollup, unsigned pack, uint32_t window, uint32_t at,
           struct rollup_cell **ret_cell)
{
    struct rollup_merge *merge = &rollup->merge;
    struct rollup_key room;
    struct rollup_row_total row;
    struct bytes key =
        rollup_row_total_key(&room, rollup->packs[pack].name, window, at);
    *ret_cell = base_map_get(&merge->cells, key);
    if (*ret_cell)
        return ERR_OK;
    enum err err =
        rollup_get(rollup, STORE_TABLE_TOTAL, key, ROLLUP_ROW_IS_TOTAL, &row,
                   rollup->packs[pack].slots);
    if (err != ERR_OK && err != ERR_ABSENT)
        return err;
    struct rollup_cell *cell = base_arena_alloc(&merge->arena, sizeof *cell);
    must(cell && merge->cell_count < BASE_COUNT(merge->order));
    cell->pack = pack;
    cell->window = window;
    cell->cell = at;
    if (err == ERR_OK)
        cell->figure = row.figure;
    base_map_put(&merge->cells, key, cell);
    merge->order[merge->cell_count++] = cell;
    merge->reserved += MERGE_TOTAL + MERGE_SLOT * rollup->packs[pack].slots;
    *ret_cell = cell;
    return ERR_OK;
}

enum err
rollup_merge_put(struct rollup *rollup, unsigned pack, uint32_t window,
                 struct bytes key, const struct rollup_row_contrib *old,
                 struct rollup_row_contrib *now)
{
    struct rollup_merge *merge = &rollup->merge;
    struct rollup_row_contrib gone = {.flags = ROLLUP_ROW_GONE};
    struct rollup_cell *from = NULL, *to = NULL;
    enum err err = ERR_OK;
    if (old)
        err = merge_cell(rollup, pack, window, old->cell, &from);
    if (err == ERR_OK && now)
        err = merge_cell(rollup, pack, window, now->cell, &to);
    if (err != ERR_OK)
        return err;
    if (from) {
        err = model_figure_add(&from->figure, &old->figure, -1);
        if (err != ERR_OK)
            return err;
    }
    if (to) {
        err = model_figure_add(&to->figure, &now->figure, 1);
        if (err != ERR_OK && from)
            must(model_figure_add(&from->figure, &old->figure, 1) == ERR_OK);
        if (err != ERR_OK)
            return err;
    }
    err = rollup_past_keep(rollup, merge_touched(merge, pack, window),
                           STORE_TABLE_CONTRIB, key);
    must(err == ERR_OK); /* it was read just now */
    if (!now) {
        must(old); /* or nothing is put, and nothing was */
        gone.cell = old->cell;
        now = &gone;
    }
    now->at_ms = merge->at_ms;
    rollup_put(merge->batch, STORE_TABLE_CONTRIB, key, ROLLUP_ROW_IS_CONTRIB,
               now, rollup->packs[pack].slots);
    base_map_put(&merge->seen, key, merge);
    merge->puts++;
    return ERR_OK;
}

/* Writes a total if it is not what it was. */
static enum err
merge_total(struct rollup *rollup, const struct rollup_cell *cell, bool up)
{
    const struct rollup_pack *pack = &rollup->packs[cell->pack];
    struct rollup_key room;
    struct rollup_row_total row;
    struct bytes key =
        rollup_row_total_key(&room, pack->name, cell->window, cell->cell);
    enum err err = rollup_get(rollup, STORE_TABLE_TOTAL, key,
                              ROLLUP_ROW_IS_TOTAL, &row, pack->slots);
    if (err == ERR_ABSENT)
        row = (struct rollup_row_total){0};
    else if (err != ERR_OK)
        return err;
    if (model_figure_equal(&row.figure, &cell->figure))
        return ERR_OK;
    err = rollup_past_keep(
        rollup, merge_touched(&rollup->merge, cell->pack, cell->window),
        STORE_TABLE_TOTAL, key);
    if (err != ERR_OK)
        return err;
    row.figure = cell->figure;
    row.epoch = rollup->config.epoch(rollup->config.epoch_self);
    row.revision++;
    row.at_ms = rollup->merge.at_ms;
    rollup_put(rollup->merge.batch, STORE_TABLE_TOTAL, key, ROLLUP_ROW_IS_TOTAL,
               &row, pack->slots);
    if (up)
        rollup_send_dirty(rollup, rollup->merge.batch, pack->name, cell->window,
                          cell->cell, 0);
    return ERR_OK;
}

enum err
rollup_merge_end(struct rollup *rollup, struct store_journal_wait *wait)
{
    struct rollup_merge *merge = &rollup->merge;
    bool up = rollup_has_parent(rollup);
    enum err err = ERR_OK;
    must(merge->open);
    for (unsigned i = 0; i < merge->cell_count && err == ERR_OK; i++)
        err = merge_total(rollup, merge->order[i], up);
    for (unsigned i = 0; i < merge->window_count; i++) {
        struct rollup_touched *touched = &merge->windows[i];
        struct rollup_key key;
        if (touched->put)
            rollup_put(merge->batch, STORE_TABLE_WINDOW,
                       rollup_row_window_key(&key,
                                             rollup->packs[touched->pack].name,
                                             touched->window),
                       ROLLUP_ROW_IS_WINDOW, &touched->row, 0);
    }
    struct store_kv_batch *batch = merge->batch;
    bool applied = merge->puts > 0;
    if (applied)
        rollup_past_put(batch, merge->at_ms);
    merge_close(merge);
    if (err == ERR_OK)
        err = store_kv_commit(rollup->config.kv, batch, wait, NULL);
    else
        store_kv_batch_free(batch);
    if (err == ERR_OK && applied)
        rollup->applied_ms = merge->at_ms;
    if (err == ERR_OK && merge->dirty)
        rollup->config.port->ops->dirty(
            rollup->config.port, MODEL_CHANNEL_FIGURE, (struct bytes){0});
    return err;
}
