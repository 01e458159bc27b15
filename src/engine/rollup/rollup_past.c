/* rollup_past.c -- what figures were at an instant.
 *
 * Every merge has one moment, `applied at` = max(clock, the last one + 1 ms).
 * Where one row of CONTRIB or TOTAL takes the place of another, the other goes
 * to PAST or PAST_TOTAL under its own moment, in the same batch; the one that
 * stands is in its place.  So the row of the instant T is, of all of its key,
 * the one with the greatest moment <= T: the present one, or one look into the
 * past.  Contributions are never removed, only marked as gone, so that who
 * walks CONTRIB or TOTAL meets every key that the window ever had.
 *
 * Reading  rollup_past_now gives the instant that an answer is true for; no
 *          later merge has that moment or an earlier one, whatever the clock
 *          does while this process lives; nor after a restart, unless the clock
 *          was set back to before the last durable merge meanwhile.
 * Limit    1,048,576 rows of a window, then no more are kept: instants from
 *          there on are refused (WINDOW's `full`), earlier ones stay right. */
#include "engine/rollup/rollup_inner.h"

enum { PAST_ROWS = 1 << 20 };

int64_t
rollup_past_next(struct rollup *rollup)
{
    int64_t now = rollup_now(rollup);
    return now > rollup->applied_ms ? now : rollup->applied_ms + 1;
}

int64_t
rollup_past_now(struct rollup *rollup)
{
    int64_t now = rollup_now(rollup);
    if (rollup->applied_ms < now)
        rollup->applied_ms = now;
    return rollup->applied_ms;
}

void
rollup_past_open(struct rollup *rollup)
{
    struct rollup_key key;
    struct rollup_row_pair row;
    if (rollup_get(
            rollup, STORE_TABLE_CHILD,
            rollup_row_child_key(&key, ROLLUP_ROW_APPLIED, (struct bytes){0}),
            ROLLUP_ROW_IS_PAIR, &row, 0) == ERR_OK &&
        (int64_t)row.b > rollup->applied_ms)
        rollup->applied_ms = (int64_t)row.b;
    rollup_past_now(rollup); /* what was read before a crash stands too */
}

void
rollup_past_put(struct store_kv_batch *batch, int64_t applied_ms)
{
    struct rollup_key key;
    struct rollup_row_pair row = {.b = (uint64_t)applied_ms};
    rollup_put(
        batch, STORE_TABLE_CHILD,
        rollup_row_child_key(&key, ROLLUP_ROW_APPLIED, (struct bytes){0}),
        ROLLUP_ROW_IS_PAIR, &row, 0);
}

enum err
rollup_past_keep(struct rollup *rollup, struct rollup_touched *touched,
                 uint16_t table, struct bytes key)
{
    struct rollup_merge *merge = &rollup->merge;
    bool total = table == STORE_TABLE_TOTAL;
    struct rollup_key past;
    struct bytes value;
    enum err err = store_kv_get(rollup_snap(rollup), table, key, &value);
    if (err != ERR_OK || touched->row.full_ms)
        return err == ERR_ABSENT ? ERR_OK : err;
    touched->put = true;
    if (touched->row.past >= PAST_ROWS) {
        touched->row.full_ms = merge->at_ms;
        base_stat_inc(&rollup->stats.limit_past, 1);
        return ERR_OK;
    }
    touched->row.past++;
    store_kv_put(
        merge->batch, total ? STORE_TABLE_PAST_TOTAL : STORE_TABLE_PAST,
        rollup_row_past_key(&past, key, rollup_row_applied(value, total)),
        value);
    return ERR_OK;
}

bool
rollup_past_when(const struct rollup_when *when, uint32_t cell, int64_t *ret_ms)
{
    *ret_ms = when->ms;
    if (!model_cells_have(when->only, cell))
        return false;
    if (!when->cells)
        return true;
    for (unsigned low = 0, high = when->count; low < high;) {
        unsigned mid = (low + high) / 2;
        *ret_ms = when->cells[mid].ms;
        if (when->cells[mid].cell == cell)
            return true;
        if (when->cells[mid].cell < cell)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

enum err
rollup_past_at(struct rollup *rollup, uint16_t table, struct bytes key,
               int64_t at_ms, struct bytes *value)
{
    bool total = table == STORE_TABLE_TOTAL;
    struct rollup_key all, past;
    struct bytes found;
    if (at_ms == 0 || rollup_row_applied(*value, total) <= at_ms)
        return ERR_OK;
    return store_kv_last(rollup_snap(rollup),
                         total ? STORE_TABLE_PAST_TOTAL : STORE_TABLE_PAST,
                         rollup_row_past_all(&all, key),
                         rollup_row_past_key(&past, key, at_ms), &found, value);
}

/* ABSENT: not there then, gone, or not of that cell. */
static enum err
past_contrib(struct rollup *rollup, struct bytes key, struct bytes value,
             int64_t at_ms, unsigned slots, struct rollup_row_contrib *ret_row)
{
    enum err err =
        rollup_past_at(rollup, STORE_TABLE_CONTRIB, key, at_ms, &value);
    if (err == ERR_OK)
        err = rollup_row_read(value, ROLLUP_ROW_IS_CONTRIB, ret_row, slots);
    return err == ERR_OK && ret_row->flags & ROLLUP_ROW_GONE ? ERR_ABSENT : err;
}

enum err
rollup_past_contrib(struct rollup *rollup, const struct rollup_when *when,
                    struct bytes key, const struct rollup_row_source *source,
                    struct bytes value, unsigned slots,
                    struct rollup_row_contrib *ret_row)
{
    enum err err = ERR_ABSENT;
    int64_t at_ms;
    if (source->child.size > 0)
        return rollup_past_when(when, source->cell, &at_ms)
                   ? past_contrib(rollup, key, value, at_ms, slots, ret_row)
                   : ERR_ABSENT;
    if (!when->cells) {
        err = past_contrib(rollup, key, value, when->ms, slots, ret_row);
        return err == ERR_OK && !model_cells_have(when->only, ret_row->cell)
                   ? ERR_ABSENT
                   : err;
    }
    /* A unit may have moved between cells: the one it was in then counts. */
    for (unsigned i = 0; i < when->count && err == ERR_ABSENT; i++) {
        err =
            past_contrib(rollup, key, value, when->cells[i].ms, slots, ret_row);
        if (err == ERR_OK && (ret_row->cell != when->cells[i].cell ||
                              !model_cells_have(when->only, ret_row->cell)))
            err = ERR_ABSENT;
    }
    return err;
}

/* --- when was a revision made? --- */

struct past_made {
    uint32_t epoch;
    uint64_t revision;
    int64_t ms;
};

static bool
past_made(void *self, struct bytes key, struct bytes value)
{
    struct past_made *made = self;
    struct base_cur cur;
    (void)key;
    base_cur_init(&cur, value);
    base_cur_u8(&cur);
    if (base_cur_u32le(&cur) == made->epoch &&
        base_cur_u64le(&cur) == made->revision && base_cur_ok(&cur))
        made->ms = rollup_row_applied(value, true);
    return made->ms == INT64_MAX;
}

int64_t
rollup_past_made(struct rollup *rollup, unsigned pack, uint32_t window,
                 uint32_t cell, uint32_t epoch, uint64_t revision)
{
    struct past_made made = {epoch, revision, INT64_MAX};
    struct rollup_key room, all;
    struct bytes value,
        key =
            rollup_row_total_key(&room, rollup->packs[pack].name, window, cell);
    if (store_kv_get(rollup_snap(rollup), STORE_TABLE_TOTAL, key, &value) ==
            ERR_OK &&
        past_made(&made, key, value))
        rollup_scan(rollup, STORE_TABLE_PAST_TOTAL,
                    rollup_row_past_all(&all, key), past_made, &made);
    return made.ms;
}
