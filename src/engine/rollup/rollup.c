/* rollup.c -- opens and ends the engine; what its files have in common. */
#include "engine/rollup/rollup.h"

#include "base/base_mem.h"
#include "engine/rollup/rollup_inner.h"
#include "wire/figure/wire_unit.h"

int64_t
rollup_now(struct rollup *rollup)
{
    return base_loop_wall(rollup->config.loop).ms;
}

struct store_kv_snap *
rollup_snap(struct rollup *rollup)
{
    return store_kv_now(rollup->config.kv);
}

bool
rollup_has_parent(struct rollup *rollup)
{
    struct model_port *port = rollup->config.port;
    return port->ops->parent(port).size > 0;
}

enum err
rollup_get(struct rollup *rollup, uint16_t table, struct bytes key,
           enum rollup_row_kind kind, void *ret_row, unsigned slots)
{
    struct bytes value;
    enum err err = store_kv_get(rollup_snap(rollup), table, key, &value);
    return err == ERR_OK ? rollup_row_read(value, kind, ret_row, slots) : err;
}

void
rollup_put(struct store_kv_batch *batch, uint16_t table, struct bytes key,
           enum rollup_row_kind kind, const void *row, unsigned slots)
{
    struct rollup_value value;
    store_kv_put(batch, table, key, rollup_row_write(&value, kind, row, slots));
}

enum err
rollup_scan(struct rollup *rollup, uint16_t table, struct bytes all,
            bool (*fn)(void *self, struct bytes key, struct bytes value),
            void *self)
{
    uint8_t room[ROLLUP_ROW_KEY];
    struct base_out next;
    struct bytes from = all;
    enum err err;
    do {
        base_out_fixed(&next, room, sizeof room);
        err = store_kv_scan(rollup_snap(rollup), table, all, from, 10000, fn,
                            self, &next);
        from = base_out_bytes(&next);
    } while (err == ERR_AGAIN && from.size > 0);
    return err == ERR_AGAIN || err == ERR_ABSENT ? ERR_OK : err;
}

int
rollup_pack_find(struct rollup *rollup, struct bytes name)
{
    for (unsigned i = 0; i < rollup->pack_count; i++)
        if (base_bytes_equal(rollup->packs[i].name, name))
            return (int)i;
    return -1;
}

struct rollup_freq *
rollup_freq_of(struct rollup_pack *pack, uint32_t window)
{
    for (unsigned i = 0; i < pack->pack->freq_count; i++)
        if (pack->freqs[i].freq->freq == model_window_freq(window))
            return &pack->freqs[i];
    return NULL;
}

void
rollup_wait_begin(struct rollup *rollup, struct rollup_waiting *waiting,
                  void (*fn)(struct store_journal_wait *wait, enum err err))
{
    waiting->rollup = rollup;
    waiting->wait.fn = fn;
    waiting->wait.loop = rollup->config.loop;
    base_list_add(&rollup->waits, &waiting->link);
}

/* --- opening --- */

/* Where the units of this node stand in the pack's cells: mixed radix over its
 * dims, first most significant (RULINGS 27).  false: they have no place. */
static bool
rollup_own_cell(const struct rollup_config *config,
                const struct model_pack *pack, uint32_t *ret_cell)
{
    uint32_t cell = 0;
    for (unsigned d = 0; d < pack->dim_count; d++) {
        const struct model_pack_dim *dim = &pack->dims[d];
        const char *code = NULL;
        for (unsigned i = 0; i < config->code_count; i++)
            if (strcmp(config->codes[i].dim, dim->name) == 0)
                code = config->codes[i].code;
        uint32_t rank = 0;
        while (code && rank < dim->count && strcmp(dim->codes[rank], code) != 0)
            rank++;
        if (!code || rank == dim->count)
            return false;
        cell = cell * dim->count + rank;
    }
    *ret_cell = cell;
    return true;
}

static enum err
rollup_open_packs(struct rollup *rollup, struct base_note *note)
{
    const struct model_pack_list *list = rollup->config.packs;
    rollup->pack_count = list->count;
    rollup->packs = base_mem_zero((list->count + 1) * sizeof *rollup->packs);
    for (unsigned i = 0; i < list->count; i++) {
        const struct model_pack *from = list->at[i];
        struct rollup_pack *pack = &rollup->packs[i];
        pack->pack = from;
        pack->name = base_bytes_text(from->name);
        pack->slots = MODEL_FIGURE_MEASURES + from->measure_count;
        pack->local = rollup_own_cell(&rollup->config, from, &pack->cell);
        for (unsigned f = 0; f < from->freq_count; f++)
            pack->freqs[f].freq = &from->freqs[f];
        if (pack->name.size > ROLLUP_ROW_PACK)
            return base_err_note(note, ERR_NAME,
                                 "pack name %s is longer than %d bytes",
                                 from->name, ROLLUP_ROW_PACK);
    }
    return ERR_OK;
}

static void
rollup_open_folded(struct rollup *rollup)
{
    for (uint32_t i = 0; i < ROLLUP_SHARDS; i++) {
        struct rollup_key key;
        struct rollup_row_pair row;
        rollup->folded[i] = 0;
        if (rollup_get(rollup, STORE_TABLE_FOLDED, rollup_row_u32_key(&key, i),
                       ROLLUP_ROW_IS_PAIR, &row, 0) == ERR_OK)
            rollup->folded[i] = row.b;
    }
}

static enum err
rollup_open_rows(struct rollup *rollup)
{
    rollup_open_folded(rollup);
    rollup_past_open(rollup);
    enum err err = rollup_send_open(rollup);
    return err == ERR_OK ? rollup_window_open(rollup) : err;
}

static const struct {
    size_t at; /* in struct rollup_stats */
    const char *name, *labels, *help;
} rollup_stat_rows[] = {
    {offsetof(struct rollup_stats, folds), "dougong_rollup_folds_total", "",
     "Folds taken from stream."},
    {offsetof(struct rollup_stats, fold_same),
     "dougong_rollup_folds_same_total", "", "Folds that changed nothing."},
    {offsetof(struct rollup_stats, fold_unknown),
     "dougong_rollup_folds_refused_total", "why=\"unit\"",
     "Folds of units that are unknown, inactive or out of scope."},
    {offsetof(struct rollup_stats, fold_old),
     "dougong_rollup_folds_refused_total", "why=\"old\"",
     "Folds of windows that are no longer kept."},
    {offsetof(struct rollup_stats, fold_shape),
     "dougong_rollup_folds_refused_total", "why=\"shape\"",
     "Folds into windows of another shape of the pack."},
    {offsetof(struct rollup_stats, fold_range),
     "dougong_rollup_folds_refused_total", "why=\"range\"",
     "Folds that would leave the range of figures."},
    {offsetof(struct rollup_stats, measure_errors),
     "dougong_rollup_measure_errors_total", "",
     "Measures left absent because their expression failed."},
    {offsetof(struct rollup_stats, batches), "dougong_rollup_batches_total",
     "result=\"ok\"", "Batches taken from children."},
    {offsetof(struct rollup_stats, batch_bad), "dougong_rollup_batches_total",
     "result=\"bad\"", "Batches refused whole: malformed or not supported."},
    {offsetof(struct rollup_stats, batch_foreign),
     "dougong_rollup_batches_total", "result=\"foreign\"",
     "Batches refused whole: figures of a prefix not the sender's."},
    {offsetof(struct rollup_stats, batch_mismatch),
     "dougong_rollup_batches_total", "result=\"mismatch\"",
     "Batches refused whole: another shape of the pack."},
    {offsetof(struct rollup_stats, batch_unsigned),
     "dougong_rollup_batches_total", "result=\"unsigned\"",
     "Batches refused whole: not signed with their sender's key."},
    {offsetof(struct rollup_stats, batch_old), "dougong_rollup_batches_total",
     "result=\"epoch\"", "Batches refused whole: of a lower epoch."},
    {offsetof(struct rollup_stats, batch_later), "dougong_rollup_batches_total",
     "result=\"later\"", "Batches put off: busy or no space."},
    {offsetof(struct rollup_stats, applied), "dougong_rollup_records_total",
     "result=\"applied\"", "Records of children that changed a contribution."},
    {offsetof(struct rollup_stats, skipped), "dougong_rollup_records_total",
     "result=\"skipped\"", "Records of children that were known already."},
    {offsetof(struct rollup_stats, refused), "dougong_rollup_records_total",
     "result=\"refused\"", "Records of children that were refused."},
    {offsetof(struct rollup_stats, sent), "dougong_rollup_sent_total", "",
     "Batches handed over for the parent."},
    {offsetof(struct rollup_stats, sent_refused),
     "dougong_rollup_sent_refused_total", "",
     "Batches or records that the parent refused."},
    {offsetof(struct rollup_stats, sealed), "dougong_rollup_sealed_total", "",
     "Windows sealed."},
    {offsetof(struct rollup_stats, returns), "dougong_rollup_returns_total",
     "verdict=\"accepted\"", "Returns filed, by what became of them."},
    {offsetof(struct rollup_stats, returns_queried),
     "dougong_rollup_returns_total", "verdict=\"queried\"", ""},
    {offsetof(struct rollup_stats, returns_refused),
     "dougong_rollup_returns_total", "verdict=\"refused\"", ""},
    {offsetof(struct rollup_stats, swept), "dougong_rollup_swept_total", "",
     "Rows removed because their window is no longer kept."},
    {offsetof(struct rollup_stats, limit_jobs), "dougong_limit_hit_total",
     "limit=\"rollup_batches\"", "Times a limit was reached."},
    {offsetof(struct rollup_stats, limit_explain), "dougong_limit_hit_total",
     "limit=\"rollup_explains\"", "Times a limit was reached."},
    {offsetof(struct rollup_stats, limit_seal), "dougong_limit_hit_total",
     "limit=\"rollup_seal_cells\"", "Times a limit was reached."},
    {offsetof(struct rollup_stats, limit_past), "dougong_limit_hit_total",
     "limit=\"rollup_past_rows\"", "Times a limit was reached."},
};

static void
rollup_open_stats(struct rollup *rollup, bool add)
{
    for (size_t i = 0; i < BASE_COUNT(rollup_stat_rows); i++) {
        struct base_stat *stat =
            (void *)((char *)&rollup->stats + rollup_stat_rows[i].at);
        if (add)
            base_stat_add(rollup->config.stats, stat, BASE_STAT_COUNTER,
                          rollup_stat_rows[i].name, rollup_stat_rows[i].labels,
                          rollup_stat_rows[i].help);
        else
            base_stat_drop(rollup->config.stats, stat);
    }
}

enum err
rollup_new(const struct rollup_config *config, struct rollup **ret_rollup,
           struct base_note *note)
{
    struct rollup *rollup = base_mem_zero(sizeof *rollup);
    rollup->config = *config;
    rollup->own = config->port->own;
    base_list_init(&rollup->waits);
    base_list_init(&rollup->jobs);
    base_list_init(&rollup->explains);
    base_map_init(&rollup->unknown, 0);
    base_arena_init(&rollup->merge.arena, 8 << 20);
    rollup->fold_task.fn = rollup_fold_task;
    rollup->job_task.fn = rollup_take_task;
    rollup->step_task.fn = rollup_window_task;
    rollup->timer.fn = rollup_window_timer;
    rollup_open_stats(rollup, true);
    enum err err = rollup_open_packs(rollup, note);
    if (err == ERR_OK) {
        err = rollup_open_rows(rollup);
        if (err != ERR_OK)
            base_err_note(note, err, "reading rollup's rows: %s",
                          base_err_text(err));
    }
    if (err != ERR_OK)
        rollup_free(rollup);
    else
        *ret_rollup = rollup;
    return err;
}

void
rollup_start(struct rollup *rollup)
{
    rollup->started = true;
    rollup_window_soon(rollup);
    if (rollup_has_parent(rollup))
        rollup->config.port->ops->dirty(
            rollup->config.port, MODEL_CHANNEL_FIGURE, (struct bytes){0});
}

void
rollup_free(struct rollup *rollup)
{
    if (!rollup)
        return;
    rollup->ending = true;
    rollup_merge_drop(rollup);
    rollup_fold_drop(rollup, ERR_CLOSED);
    rollup_take_drop(rollup, ERR_CLOSED);
    rollup_explain_drop(rollup);
    rollup_window_drop(rollup);
    for (struct base_link *link; (link = base_list_take(&rollup->waits));)
        BASE_OUTER(link, struct rollup_waiting, link)->rollup = NULL;
    if (rollup->started)
        base_loop_timer_clear(rollup->config.loop, &rollup->timer);
    rollup_open_stats(rollup, false);
    base_arena_done(&rollup->merge.arena);
    void *first;
    struct bytes unit;
    for (size_t i = 0; base_map_next(&rollup->unknown, &i, &unit, &first);)
        base_mem_free(first);
    base_map_done(&rollup->unknown);
    base_mem_free(rollup->packs);
    base_mem_free(rollup);
}

void
rollup_rewound(void *engine)
{
    struct rollup *rollup = engine;
    rollup_merge_drop(rollup);
    rollup_fold_drop(rollup, ERR_BUSY);
    rollup_take_drop(rollup, ERR_BUSY);
    rollup_window_drop(rollup);
    rollup_send_forget(rollup);
    rollup_open_rows(rollup);
    if (rollup->started)
        rollup_start(rollup);
}

uint64_t
rollup_folded(struct rollup *rollup, uint32_t shard)
{
    return shard < ROLLUP_SHARDS ? rollup->folded[shard] : 0;
}

const struct model_pack_list *
rollup_packs(struct rollup *rollup)
{
    return rollup->config.packs;
}

const char *
rollup_state_name(enum rollup_state state)
{
    static const char *const names[] = {
        [ROLLUP_OPEN] = "open",
        [ROLLUP_PROVISIONAL] = "provisional",
        [ROLLUP_SEALED] = "sealed",
    };
    return (unsigned)state < BASE_COUNT(names) ? names[state] : "?";
}

/* --- the registry tells of a unit --- */

enum model_took
rollup_take_unit(void *engine, const struct model_message *message,
                 struct store_kv_batch *batch, enum err *ret_code)
{
    struct rollup *rollup = engine;
    struct wire_unit unit;
    struct rollup_key key;
    if (!base_bytes_equal_folded(message->from, rollup->own)) {
        *ret_code = ERR_DENIED; /* units of children are their own business */
        return MODEL_TOOK_REFUSED;
    }
    *ret_code = wire_unit_read(message->body, &unit);
    if (*ret_code != ERR_OK)
        return MODEL_TOOK_REFUSED;
    store_kv_put(batch, STORE_TABLE_UNIT,
                 rollup_row_registry_key(&key, unit.id), message->body);
    return MODEL_TOOK_OK;
}
