/* rollup_fold.c -- what stream has folded becomes a unit's contribution.
 *
 * Folds of one turn share a batch, and are answered together when it is
 * durable.  A unit that is not known yet may still be on its way from ident
 * (its UNIT message waits for a sync): such folds must come again for a minute,
 * after that they are refused like all that is out of scope. */
#include "base/base_mem.h"
#include "engine/rollup/rollup_inner.h"
#include "engine/rollup/rollup_move.h"
#include "model/model_value.h"
#include "wire/figure/wire_unit.h"

struct rollup_fold_group {
    struct rollup_waiting waiting;
    unsigned count;
    uint64_t folded[ROLLUP_SHARDS];
    struct {
        uint32_t shard;
        uint64_t token;
    } at[ROLLUP_PUTS];
};

static void
fold_tell(struct rollup *rollup, uint32_t shard, uint64_t token, enum err err)
{
    struct model_event_folded *event = base_mem_zero(sizeof *event);
    event->event.kind = MODEL_EVENT_FOLDED;
    event->shard = shard;
    event->token = token;
    event->err = err;
    rollup->config.port->ops->tell(rollup->config.port, &event->event);
}

static void
fold_group_tell(struct rollup *rollup, struct rollup_fold_group *group,
                enum err err)
{
    for (unsigned i = 0; i < group->count; i++)
        fold_tell(rollup, group->at[i].shard, group->at[i].token, err);
}

static void
fold_durable(struct store_journal_wait *wait, enum err err)
{
    struct rollup_fold_group *group =
        BASE_OUTER(wait, struct rollup_fold_group, waiting.wait);
    struct rollup *rollup = group->waiting.rollup;
    if (rollup) {
        base_list_remove(&group->waiting.link);
        fold_group_tell(rollup, group, err);
    }
    base_mem_free(group);
}

void
rollup_fold_drop(struct rollup *rollup, enum err err)
{
    struct rollup_fold_group *group = rollup->folds;
    rollup->folds = NULL;
    if (!group)
        return;
    if (!rollup->ending)
        fold_group_tell(rollup, group, err);
    base_mem_free(group);
}

void
rollup_fold_flush(struct rollup *rollup)
{
    struct rollup_fold_group *group = rollup->folds;
    if (!group)
        return;
    for (uint32_t i = 0; i < ROLLUP_SHARDS; i++) {
        struct rollup_key key;
        struct rollup_row_pair row = {.b = group->folded[i]};
        if (group->folded[i] > rollup->folded[i])
            rollup_put(rollup->merge.batch, STORE_TABLE_FOLDED,
                       rollup_row_u32_key(&key, i), ROLLUP_ROW_IS_PAIR, &row,
                       0);
        else
            group->folded[i] = 0;
    }
    rollup->folds = NULL;
    rollup_wait_begin(rollup, &group->waiting, fold_durable);
    uint64_t folded[ROLLUP_SHARDS];
    memcpy(folded, group->folded, sizeof folded);
    enum err err = rollup_merge_end(rollup, &group->waiting.wait);
    for (unsigned i = 0; i < ROLLUP_SHARDS && err == ERR_OK; i++)
        if (folded[i])
            rollup->folded[i] = folded[i];
    if (err != ERR_OK) {
        base_list_remove(&group->waiting.link);
        rollup->folds = group;
        rollup_fold_drop(rollup, err);
    }
}

void
rollup_fold_task(struct base_task *task)
{
    struct rollup *rollup = BASE_OUTER(task, struct rollup, fold_task);
    rollup->fold_posted = false;
    rollup_fold_flush(rollup);
}

bool
rollup_fold_counts(const struct rollup_pack *pack, struct bytes row,
                   uint32_t *ret_cell)
{
    struct wire_unit unit;
    if (wire_unit_read(row, &unit) != ERR_OK || !unit.active ||
        !model_pack_in_scope(pack->pack, unit.id, unit.class_name,
                             unit.attributes))
        return false;
    if (model_pack_cell(pack->pack, unit.attributes, ret_cell))
        return true;
    *ret_cell = pack->cell;
    return pack->local;
}

/* Not registered as far as is known: has it had its minute? */
static enum err
fold_unknown(struct rollup *rollup, struct bytes key)
{
    int64_t now = base_loop_mono(rollup->config.loop).ms;
    int64_t *first = base_map_get(&rollup->unknown, key);
    if (!first && rollup->unknown.count < ROLLUP_UNKNOWN) {
        first = base_mem_new(sizeof *first);
        *first = now;
        base_map_put(&rollup->unknown, key, first);
    }
    return first && now - *first < ROLLUP_UNKNOWN_MS ? ERR_BUSY : ERR_NAME;
}

/* May this unit's figures count in this pack? NAME, BUSY. */
static enum err
fold_unit(struct rollup *rollup, unsigned pack, struct bytes unit,
          uint32_t *ret_cell)
{
    struct rollup_key room;
    struct bytes row, key = rollup_row_registry_key(&room, unit);
    enum err err =
        store_kv_get(rollup_snap(rollup), STORE_TABLE_UNIT, key, &row);
    if (err == ERR_ABSENT)
        return fold_unknown(rollup, key);
    if (err != ERR_OK)
        return err;
    base_mem_free(base_map_remove(&rollup->unknown, key));
    enum rollup_move_state state = rollup_move_state(rollup, unit);
    if (state != ROLLUP_HERE) /* moving: it may be taken back */
        return state == ROLLUP_MOVING ? ERR_BUSY : ERR_NAME;
    return rollup_fold_counts(&rollup->packs[pack], row, ret_cell) ? ERR_OK
                                                                   : ERR_NAME;
}

/* --- one fold --- */

/* Is what is stored what was folded? */
static bool
fold_same(const struct rollup_row_contrib *old,
          const struct rollup_row_contrib *now)
{
    return old->cell == now->cell && old->inputs == now->inputs &&
           memcmp(old->values, now->values, sizeof old->values) == 0 &&
           old->samples == now->samples &&
           memcmp(old->digest, now->digest, sizeof old->digest) == 0 &&
           model_figure_equal(&old->figure, &now->figure);
}

static enum err
fold_merge(struct rollup *rollup, const struct model_event_fold *fold,
           struct bytes unit, uint32_t cell)
{
    struct rollup_pack *pack = &rollup->packs[fold->pack];
    struct rollup_row_contrib *old = &rollup->merge.old,
                              *now = &rollup->merge.now;
    struct rollup_touched *touched;
    struct rollup_key room;
    if (rollup_merge_full(rollup))
        return ERR_AGAIN;
    struct bytes key =
        rollup_row_unit_key(&room, pack->name, fold->window, unit);
    enum err err =
        rollup_merge_window(rollup, fold->pack, fold->window, false, &touched);
    if (err == ERR_OK)
        err = rollup_merge_old(rollup, fold->pack, key, old);
    if (err != ERR_OK && err != ERR_ABSENT)
        return err;
    *now = (struct rollup_row_contrib){
        .flags = ROLLUP_ROW_UNIT,
        .cell = cell,
        .epoch = rollup->config.epoch(rollup->config.epoch_self),
        .revision = err == ERR_OK ? old->revision + 1 : 1,
        .shard = fold->shard,
        .sequence = fold->sequence,
        .inputs = fold->mask,
        .samples = fold->samples,
        .first_ms = fold->first_ms,
        .last_ms = fold->last_ms,
        .unit = unit,
    };
    if (fold->samples > 0) {
        now->flags |= ROLLUP_ROW_DIGEST;
        memcpy(now->digest, fold->digest, sizeof now->digest);
    }
    for (unsigned i = 0; i < MODEL_PACK_INPUTS; i++)
        now->values[i] = fold->mask >> i & 1 ? fold->values[i] : 0;
    const struct model_value_row values = {.mask = now->inputs,
                                           .values = now->values,
                                           .window = fold->window,
                                           .cell = cell};
    base_stat_inc(&rollup->stats.measure_errors,
                  model_value_unit(pack->pack, &values, &now->figure));
    if (err == ERR_OK && fold_same(old, now)) {
        base_stat_inc(&rollup->stats.fold_same, 1);
        return ERR_OK;
    }
    return rollup_merge_put(rollup, fold->pack, fold->window, key,
                            err == ERR_OK ? old : NULL, now);
}

/* The fold is in the open merge: answer it when that is durable. */
static void
fold_add(struct rollup *rollup, const struct model_event_fold *fold)
{
    struct rollup_fold_group *group = rollup->folds;
    group->at[group->count].shard = fold->shard;
    group->at[group->count++].token = fold->token;
    if (fold->shard < ROLLUP_SHARDS &&
        fold->sequence > group->folded[fold->shard])
        group->folded[fold->shard] = fold->sequence;
    if (group->count == BASE_COUNT(group->at))
        rollup_fold_flush(rollup);
}

static void
fold_begin(struct rollup *rollup)
{
    rollup_merge_begin(rollup);
    rollup->folds = base_mem_zero(sizeof *rollup->folds);
    if (!rollup->fold_posted) {
        rollup->fold_posted = true;
        base_loop_post(rollup->config.loop, &rollup->fold_task);
    }
}

static enum err
fold_try(struct rollup *rollup, const struct model_event_fold *fold)
{
    if (fold->pack >= rollup->pack_count)
        return ERR_NAME;
    struct bytes unit = base_bytes(fold->unit, fold->unit_size);
    uint32_t cell = 0;
    enum err err = fold_unit(rollup, fold->pack, unit, &cell);
    if (err != ERR_OK)
        return err;
    for (unsigned tries = 0; tries < 2; tries++) {
        if (!rollup->folds)
            fold_begin(rollup);
        err = fold_merge(rollup, fold, unit, cell);
        if (err != ERR_AGAIN)
            break;
        rollup_fold_flush(rollup);
    }
    return err;
}

void
rollup_take_fold(void *engine, struct model_event *event)
{
    struct rollup *rollup = engine;
    const struct model_event_fold *fold =
        BASE_OUTER(event, struct model_event_fold, event);
    struct rollup_stats *stats = &rollup->stats;
    base_stat_inc(&stats->folds, 1);
    enum err err = fold_try(rollup, fold);
    struct base_stat *count = err == ERR_NAME       ? &stats->fold_unknown
                              : err == ERR_STALE    ? &stats->fold_old
                              : err == ERR_MISMATCH ? &stats->fold_shape
                              : err == ERR_RANGE    ? &stats->fold_range
                                                    : NULL;
    if (count)
        base_stat_inc(count, 1);
    /* Refused for good counts as folded: the samples need not come again.
     * (NAME would say that the unit is not one of the pack's.) */
    if (err == ERR_STALE || err == ERR_RANGE || err == ERR_MISMATCH)
        err = ERR_OK;
    if (err == ERR_TIME)
        err = ERR_BUSY;
    if (err == ERR_OK && rollup->folds)
        fold_add(rollup, fold);
    else
        fold_tell(rollup, fold->shard, fold->token, err);
}
