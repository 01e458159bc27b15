/* rollup_window.c -- the life of windows: due, sealed, dropped.
 *
 *            made           due time's work     auto: grace is over
 *   (none) --------> open ------------------> provisional ----------> sealed
 *                     |                            |                    |
 *                     +------- a window made late: provisional at once  |
 *                                        keep is over: every row goes <-+
 *
 * One timer wakes for the next of these; work is done in steps of at most 256
 * rows a turn.  Where a frequency's due work stands is a row (WINDOW 00); what
 * stands inside one window is not: after a restart the window is gone through
 * again, which changes nothing twice. */
#include "base/base_mem.h"
#include "engine/rollup/rollup_inner.h"
#include "engine/rollup/rollup_move.h"
#include "wire/figure/wire_unit.h"

enum {
    WINDOW_WAKE_MS = 10000,
    WINDOW_RETRY_MS = 1000,
    DUE_STEP = ROLLUP_STEP / 2 /* each may be a cell: a kv batch has room */
};

struct rollup_due { /* one window's due work, under way */
    unsigned pack;
    struct rollup_freq *freq;
    uint32_t window;
    unsigned phase; /* 0 units, 1 children, 2 the end */
    struct rollup_touched *touched;
    struct rollup *rollup;
    enum err err;
    struct base_out from; /* where the scan goes on */
    uint8_t room[ROLLUP_ROW_KEY];
};

static struct wall
window_end(const struct rollup_pack *pack, uint32_t window)
{
    struct wall start, end = {INT64_MAX / 2};
    model_calendar_bounds(&pack->pack->calendar, window, &start, &end);
    return end;
}

bool
rollup_window_kept(struct rollup *rollup, unsigned pack, uint32_t window)
{
    struct rollup_freq *freq = rollup_freq_of(&rollup->packs[pack], window);
    return freq->freq->keep_ms == 0 ||
           window_end(&rollup->packs[pack], window).ms + freq->freq->keep_ms >
               rollup_now(rollup);
}

bool
rollup_window_due(struct rollup *rollup, unsigned pack, uint32_t window)
{
    struct rollup_freq *freq = rollup_freq_of(&rollup->packs[pack], window);
    return freq &&
           window_end(&rollup->packs[pack], window).ms + freq->freq->due_ms <=
               rollup_now(rollup);
}

int64_t
rollup_window_due_ms(struct rollup *rollup, unsigned pack, uint32_t window)
{
    struct rollup_freq *freq = rollup_freq_of(&rollup->packs[pack], window);
    return window_end(&rollup->packs[pack], window).ms +
           (freq ? freq->freq->due_ms : 0) + ROLLUP_SLACK_MS;
}

static int64_t
window_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void
rollup_window_make(struct rollup *rollup, unsigned at, uint32_t window,
                   struct rollup_row_window *ret_row)
{
    struct rollup_pack *pack = &rollup->packs[at];
    struct rollup_freq *freq = rollup_freq_of(pack, window);
    int64_t end = window_end(pack, window).ms, now = rollup_now(rollup);
    bool late = window <= freq->done;
    *ret_row = (struct rollup_row_window){
        .state = late ? ROLLUP_PROVISIONAL : ROLLUP_OPEN,
        .slots = (uint8_t)pack->slots,
        .made_ms = now,
    };
    memcpy(ret_row->shape, pack->pack->shape, sizeof ret_row->shape);
    if (freq->freq->seal == MODEL_PACK_SEAL_AUTO) {
        int64_t from = late && now > end ? now : end;
        ret_row->seal_at_ms = from + freq->freq->grace_ms;
        freq->seal_ms = window_least(freq->seal_ms, ret_row->seal_at_ms);
        freq->seal_next = window_least(freq->seal_next, ret_row->seal_at_ms);
    }
    if (freq->freq->keep_ms)
        freq->sweep_ms =
            window_least(freq->sweep_ms, end + freq->freq->keep_ms);
    rollup_window_soon(rollup);
}

/* --- opening: where due work stands --- */

/* The newest window that is past its due work at this moment. */
static uint32_t
window_newest_due(struct rollup *rollup, const struct rollup_pack *pack,
                  const struct model_pack_freq *freq)
{
    uint32_t window = (uint32_t)freq->freq << 28;
    int64_t at = rollup_now(rollup) - freq->due_ms - ROLLUP_SLACK_MS;
    if (model_calendar_at(&pack->pack->calendar, freq->freq, (struct wall){at},
                          &window) == ERR_OK)
        window = model_calendar_back(&pack->pack->calendar, window);
    return window;
}

enum err
rollup_window_open(struct rollup *rollup)
{
    rollup->unmarked = false;
    for (unsigned i = 0; i < rollup->pack_count; i++) {
        struct rollup_pack *pack = &rollup->packs[i];
        for (unsigned f = 0; f < pack->pack->freq_count; f++) {
            struct rollup_freq *freq = &pack->freqs[f];
            struct rollup_key key;
            struct rollup_row_pair row;
            enum err err = rollup_get(
                rollup, STORE_TABLE_WINDOW,
                rollup_row_due_key(&key, pack->name, freq->freq->freq),
                ROLLUP_ROW_IS_PAIR, &row, 0);
            if (err != ERR_OK && err != ERR_ABSENT)
                return err;
            freq->unmarked = err == ERR_ABSENT;
            rollup->unmarked |= freq->unmarked;
            freq->done = err == ERR_OK
                             ? row.a
                             : window_newest_due(rollup, pack, freq->freq);
            freq->seal_ms =
                freq->freq->seal == MODEL_PACK_SEAL_AUTO ? 0 : INT64_MAX;
            freq->seal_from = 0;
            freq->sweep_ms = freq->freq->keep_ms ? 0 : INT64_MAX;
        }
    }
    return ERR_OK;
}

static void
window_put_done(struct store_kv_batch *batch, const struct rollup_pack *pack,
                const struct rollup_freq *freq, uint32_t done)
{
    struct rollup_row_pair row = {.a = done};
    struct rollup_key key;
    rollup_put(batch, STORE_TABLE_WINDOW,
               rollup_row_due_key(&key, pack->name, freq->freq->freq),
               ROLLUP_ROW_IS_PAIR, &row, 0);
}

/* Where it stands at the very first start is kept too: a node that is down as
 * its first window falls due must know afterwards that it has not been done. */
static enum err
window_begin(struct rollup *rollup)
{
    struct store_kv_batch *batch = store_kv_batch_new(rollup->config.kv);
    for (unsigned i = 0; i < rollup->pack_count; i++) {
        struct rollup_pack *pack = &rollup->packs[i];
        for (unsigned f = 0; f < pack->pack->freq_count; f++)
            if (pack->freqs[f].unmarked)
                window_put_done(batch, pack, &pack->freqs[f],
                                pack->freqs[f].done);
    }
    enum err err = store_kv_commit(rollup->config.kv, batch, NULL, NULL);
    if (err == ERR_OK)
        rollup->unmarked = false;
    return err;
}

/* --- the due time's work --- */

static void
due_figure(struct rollup_row_contrib *row, uint64_t expected)
{
    row->figure.mask = 1 << MODEL_FIGURE_EXPECTED;
    row->figure.slots[MODEL_FIGURE_EXPECTED] =
        (struct model_figure_slot){.n = expected, .sum = (__int128)expected};
}

static bool
due_put(struct rollup_due *due, struct bytes key)
{
    struct rollup *rollup = due->rollup;
    struct rollup_merge *merge = &rollup->merge;
    due->err = rollup_merge_old(rollup, due->pack, key, &merge->old);
    if (due->err == ERR_ABSENT)
        due->err = rollup_merge_put(rollup, due->pack, due->window, key, NULL,
                                    &merge->now);
    if (due->err == ERR_RANGE)
        due->err = ERR_OK; /* too many to be counted: bounded, so left out */
    return due->err == ERR_OK;
}

static bool
due_unit(void *self, struct bytes key, struct bytes value)
{
    struct rollup_due *due = self;
    struct rollup *rollup = due->rollup;
    struct rollup_pack *pack = &rollup->packs[due->pack];
    struct rollup_key room;
    struct wire_unit unit;
    uint32_t cell = 0;
    if (!rollup_fold_counts(pack, value, &cell) ||
        wire_unit_read(value, &unit) != ERR_OK ||
        rollup_move_state(rollup, unit.id) == ROLLUP_AWAY)
        return true;
    rollup->merge.now = (struct rollup_row_contrib){
        .flags = ROLLUP_ROW_UNIT,
        .cell = cell,
        .epoch = rollup->config.epoch(rollup->config.epoch_self),
        .revision = 1,
        .unit = unit.id,
    };
    due_figure(&rollup->merge.now, 1);
    return due_put(due,
                   rollup_row_unit_key(&room, pack->name, due->window, key));
}

static bool
due_child(void *self, struct bytes key, struct bytes value)
{
    struct rollup_due *due = self;
    struct rollup *rollup = due->rollup;
    struct rollup_pack *pack = &rollup->packs[due->pack];
    struct rollup_key room;
    struct rollup_row_pair row;
    struct bytes said;
    struct base_cur cur;
    base_cur_init(&cur, key);
    base_cur_u8(&cur);
    struct bytes child = base_cur_take(&cur, base_cur_u8(&cur));
    struct bytes name = base_cur_take(&cur, base_cur_u8(&cur));
    uint8_t freq = base_cur_u8(&cur);
    uint32_t cell = base_cur_u32be(&cur);
    if (!base_cur_ok(&cur) || !base_bytes_equal(name, pack->name) ||
        freq != (uint8_t)due->freq->freq->freq || cell >= pack->pack->cells ||
        rollup_row_read(value, ROLLUP_ROW_IS_PAIR, &row, 0) != ERR_OK ||
        row.b == 0)
        return true;
    if (store_kv_get(rollup_snap(rollup), STORE_TABLE_WINDOW,
                     rollup_row_said_key(&room, pack->name, due->window, child),
                     &said) == ERR_OK)
        return true;
    rollup->merge.now = (struct rollup_row_contrib){
        .flags = ROLLUP_ROW_PLACEHOLDER,
        .cell = cell,
    };
    due_figure(&rollup->merge.now, row.b);
    return due_put(due, rollup_row_contrib_key(&room, pack->name, due->window,
                                               child, cell));
}

static enum err
due_scan(struct rollup_due *due)
{
    static const uint8_t expected = ROLLUP_ROW_EXPECTED;
    bool units = due->phase == 0;
    struct bytes all = {0}; /* every unit */
    if (!units)
        all = base_bytes(&expected, 1);
    uint8_t room[ROLLUP_ROW_KEY];
    struct base_out next;
    base_out_fixed(&next, room, sizeof room);
    due->err = ERR_OK;
    enum err err = store_kv_scan(rollup_snap(due->rollup),
                                 units ? STORE_TABLE_UNIT : STORE_TABLE_CHILD,
                                 all, base_out_bytes(&due->from), DUE_STEP,
                                 units ? due_unit : due_child, due, &next);
    base_out_reset(&due->from);
    if (err == ERR_AGAIN)
        base_out_bytes_add(&due->from, base_out_bytes(&next));
    else
        due->phase++;
    if (err == ERR_AGAIN || err == ERR_ABSENT)
        err = ERR_OK;
    return due->err != ERR_OK ? due->err : err;
}

static void
due_finish(struct rollup_due *due, struct rollup_touched *touched)
{
    struct rollup *rollup = due->rollup;
    struct rollup_pack *pack = &rollup->packs[due->pack];
    struct store_kv_batch *batch = rollup->merge.batch;
    if (touched && touched->row.state == ROLLUP_OPEN) {
        touched->row.state = ROLLUP_PROVISIONAL;
        touched->put = true;
    }
    if (touched && due->freq->freq->seal == MODEL_PACK_SEAL_AUTO)
        due->freq->seal_ms =
            window_least(due->freq->seal_ms, touched->row.seal_at_ms);
    if (touched && rollup_has_parent(rollup))
        rollup_send_dirty(rollup, batch, pack->name, due->window,
                          ROLLUP_ROW_COMPLETE, 0);
    window_put_done(batch, pack, due->freq, due->window);
}

void
rollup_window_drop(struct rollup *rollup)
{
    base_mem_free(rollup->due);
    rollup->due = NULL;
}

/* One step of the window under way. */
static enum err
due_step(struct rollup *rollup)
{
    struct rollup_due *due = rollup->due;
    struct rollup_touched *touched = NULL;
    rollup_merge_begin(rollup);
    enum err err =
        rollup_merge_window(rollup, due->pack, due->window, false, &touched);
    if (err == ERR_STALE || err == ERR_MISMATCH || err == ERR_NAME) {
        due->phase = 2; /* nothing is to be expected of it */
        err = ERR_OK;
    }
    for (unsigned i = 0;
         i < 2 && err == ERR_OK && due->phase < 2 && rollup->merge.puts == 0;
         i++)
        err = due_scan(due);
    bool end = err == ERR_OK && due->phase == 2;
    if (end)
        due_finish(due, touched);
    if (err == ERR_OK)
        err = rollup_merge_end(rollup, NULL);
    else
        rollup_merge_drop(rollup);
    if (err == ERR_OK && end)
        due->freq->done = due->window;
    if (err != ERR_OK || end)
        rollup_window_drop(rollup);
    return err;
}

/* When the next window of this frequency is due; far away: not soon. */
static int64_t
due_at(struct rollup *rollup, unsigned at, struct rollup_freq *freq)
{
    struct rollup_pack *pack = &rollup->packs[at];
    struct wall kept = {rollup_now(rollup) - freq->freq->keep_ms};
    const struct model_calendar *calendar = &pack->pack->calendar;
    uint32_t oldest, next = model_calendar_next(calendar, freq->done);
    if (!rollup->due && !rollup_window_kept(rollup, at, next) &&
        model_calendar_at(calendar, freq->freq->freq, kept, &oldest) ==
            ERR_OK &&
        oldest > next) {
        freq->done = model_calendar_back(calendar, oldest);
        next = oldest;
    }
    return window_end(pack, next).ms + freq->freq->due_ms + ROLLUP_SLACK_MS;
}

static void
due_begin(struct rollup *rollup, unsigned pack, struct rollup_freq *freq)
{
    struct rollup_due *due = base_mem_zero(sizeof *due);
    due->rollup = rollup;
    due->pack = pack;
    due->freq = freq;
    due->window =
        model_calendar_next(&rollup->packs[pack].pack->calendar, freq->done);
    base_out_fixed(&due->from, due->room, sizeof due->room);
    rollup->due = due;
}

/* --- sealing by itself --- */

struct window_look {
    enum model_freq freq;
    uint32_t windows[ROLLUP_STEP];
    struct rollup_row_window rows[ROLLUP_STEP];
    unsigned count;
    bool end;
    uint32_t last;
};

static bool
window_look_row(void *self, struct bytes key, struct bytes value)
{
    struct window_look *look = self;
    uint32_t window = rollup_row_tail(key);
    look->end = model_window_freq(window) != look->freq;
    if (look->end)
        return false;
    look->last = look->windows[look->count] = window;
    if (rollup_row_read(value, ROLLUP_ROW_IS_WINDOW, &look->rows[look->count],
                        0) == ERR_OK &&
        look->rows[look->count].state == ROLLUP_PROVISIONAL)
        look->count++;
    return true;
}

/* Windows of a frequency from `from` on: those that are provisional. */
static void
window_look(struct rollup *rollup, unsigned pack, uint32_t from,
            struct window_look *look)
{
    struct rollup_key all, key;
    struct bytes name = rollup->packs[pack].name;
    look->count = 0;
    look->freq = model_window_freq(from);
    look->end = false;
    enum err err =
        store_kv_scan(rollup_snap(rollup), STORE_TABLE_WINDOW,
                      rollup_row_window_all(&all, ROLLUP_ROW_WINDOW, name),
                      rollup_row_window_key(&key, name, from), ROLLUP_STEP,
                      window_look_row, look, NULL);
    if (err != ERR_AGAIN)
        look->end = true;
}

static enum err
seal_step(struct rollup *rollup, unsigned pack, struct rollup_freq *freq)
{
    struct window_look *look = base_mem_new(sizeof *look);
    int64_t now = rollup_now(rollup);
    enum err err = ERR_OK;
    if (!freq->seal_from) {
        freq->seal_from = (uint32_t)freq->freq->freq << 28;
        freq->seal_next = INT64_MAX;
    }
    window_look(rollup, pack, freq->seal_from, look);
    for (unsigned i = 0; i < look->count && err == ERR_OK; i++) {
        struct rollup_row_window *row = &look->rows[i];
        if (row->seal_at_ms > now)
            freq->seal_next = window_least(freq->seal_next, row->seal_at_ms);
        else
            err = rollup_seal_window(rollup, pack, look->windows[i], row, NULL);
        if (err == ERR_LIMIT)
            err = ERR_OK; /* counted; it stays provisional */
    }
    if (err == ERR_OK) {
        freq->seal_from = look->end ? 0 : look->last + 1;
        freq->seal_ms = look->end ? freq->seal_next : freq->seal_ms;
    }
    base_mem_free(look);
    return err;
}

/* --- dropping --- */

struct window_sweep {
    struct store_kv_batch *batch;
    uint16_t table;
    unsigned count;
};

static bool
sweep_row(void *self, struct bytes key, struct bytes value)
{
    struct window_sweep *sweep = self;
    (void)value;
    store_kv_del(sweep->batch, sweep->table, key);
    sweep->count++;
    return true;
}

static bool
sweep_first(void *self, struct bytes key, struct bytes value)
{
    (void)value;
    *(uint32_t *)self = rollup_row_tail(key);
    return false;
}

/* Up to 256 rows of a window that is no longer kept; its own row last. */
static enum err
sweep_window(struct rollup *rollup, struct bytes name, uint32_t window)
{
    struct rollup_key keys[3], dirty;
    struct window_sweep sweep = {.batch =
                                     store_kv_batch_new(rollup->config.kv)};
    struct bytes mark =
        rollup_row_dirty_key(&dirty, (struct bytes){0}, name, window, 0);
    const struct {
        uint16_t table;
        struct bytes all;
    } rows[] = {
        {STORE_TABLE_CONTRIB, rollup_row_total_all(&keys[0], name, window)},
        {STORE_TABLE_TOTAL, rollup_row_total_all(&keys[0], name, window)},
        {STORE_TABLE_BATCH, rollup_row_total_all(&keys[0], name, window)},
        {STORE_TABLE_PAST, rollup_row_total_all(&keys[0], name, window)},
        {STORE_TABLE_PAST_TOTAL, rollup_row_total_all(&keys[0], name, window)},
        {STORE_TABLE_DIRTY, base_bytes(mark.at, mark.size - 4)},
        {STORE_TABLE_WINDOW,
         rollup_row_said_key(&keys[1], name, window, (struct bytes){0})},
        {STORE_TABLE_WINDOW, rollup_row_window_key(&keys[2], name, window)},
    };
    for (unsigned i = 0; i < BASE_COUNT(rows) && sweep.count < ROLLUP_STEP;
         i++) {
        sweep.table = rows[i].table;
        store_kv_scan(rollup_snap(rollup), rows[i].table, rows[i].all,
                      rows[i].all, ROLLUP_STEP - sweep.count, sweep_row, &sweep,
                      NULL);
    }
    base_stat_inc(&rollup->stats.swept, sweep.count);
    return store_kv_commit(rollup->config.kv, sweep.batch, NULL, NULL);
}

static enum err
sweep_step(struct rollup *rollup, unsigned at, struct rollup_freq *freq)
{
    struct rollup_pack *pack = &rollup->packs[at];
    struct rollup_key all, key;
    uint32_t window = 0;
    store_kv_scan(rollup_snap(rollup), STORE_TABLE_WINDOW,
                  rollup_row_window_all(&all, ROLLUP_ROW_WINDOW, pack->name),
                  rollup_row_window_key(&key, pack->name,
                                        (uint32_t)freq->freq->freq << 28),
                  1, sweep_first, &window, NULL);
    if (model_window_freq(window) != freq->freq->freq) {
        freq->sweep_ms = INT64_MAX;
        return ERR_OK;
    }
    if (rollup_window_kept(rollup, at, window)) {
        freq->sweep_ms = window_end(pack, window).ms + freq->freq->keep_ms;
        return ERR_OK;
    }
    return sweep_window(rollup, pack->name, window);
}

/* --- one turn --- */

static enum err
window_turn(struct rollup *rollup, int64_t *ret_next)
{
    int64_t now = rollup_now(rollup);
    enum err err = ERR_OK;
    *ret_next = now + WINDOW_WAKE_MS;
    if (rollup->unmarked)
        err = window_begin(rollup);
    if (err == ERR_OK && rollup->due)
        err = due_step(rollup);
    for (unsigned i = 0; i < rollup->pack_count && err == ERR_OK; i++) {
        struct rollup_pack *pack = &rollup->packs[i];
        for (unsigned f = 0; f < pack->pack->freq_count && err == ERR_OK; f++) {
            struct rollup_freq *freq = &pack->freqs[f];
            int64_t due = due_at(rollup, i, freq);
            if (!rollup->due && due <= now)
                due_begin(rollup, i, freq);
            if (freq->seal_ms <= now)
                err = seal_step(rollup, i, freq);
            if (err == ERR_OK && freq->sweep_ms <= now)
                err = sweep_step(rollup, i, freq);
            *ret_next = window_least(*ret_next, due);
            *ret_next = window_least(*ret_next, freq->seal_ms);
            *ret_next = window_least(*ret_next, freq->sweep_ms);
        }
    }
    if (err == ERR_OK && rollup->resync && rollup_send_step(rollup))
        *ret_next = now;
    if (rollup->due)
        *ret_next = now;
    return err;
}

void
rollup_window_soon(struct rollup *rollup)
{
    if (!rollup->started || rollup->step_posted)
        return;
    rollup->step_posted = true;
    base_loop_post(rollup->config.loop, &rollup->step_task);
}

void
rollup_window_task(struct base_task *task)
{
    struct rollup *rollup = BASE_OUTER(task, struct rollup, step_task);
    int64_t next, mono = base_loop_mono(rollup->config.loop).ms;
    rollup->step_posted = false;
    rollup_fold_flush(rollup);
    if (mono < rollup->retry_ms)
        return; /* the timer is set */
    enum err err = window_turn(rollup, &next);
    int64_t wait = next - rollup_now(rollup);
    wait = window_least(wait, rollup_send_wait(rollup));
    if (err != ERR_OK) {
        base_log_say(rollup->config.log, BASE_LOG_WARN, "rollup",
                     "window_work_waits", "why=%s", base_err_name(err));
        rollup->retry_ms = mono + WINDOW_RETRY_MS;
        wait = WINDOW_RETRY_MS;
    }
    if (wait <= 0)
        rollup_window_soon(rollup);
    else
        base_loop_timer(rollup->config.loop, &rollup->timer, wait);
}

void
rollup_window_timer(struct base_timer *timer)
{
    struct rollup *rollup = BASE_OUTER(timer, struct rollup, timer);
    rollup_window_soon(rollup);
}
