/* rollup_move.c -- see rollup_move.h. */
#include "engine/rollup/rollup_move.h"

#include "base/base_mem.h"
#include "crypt/crypt_hash.h"
#include "engine/rollup/rollup_inner.h"
#include "engine/rollup/rollup_return.h"
#include "model/model_id.h"
#include "wire/figure/wire_carried.h"

enum {
    MOVE_UNITS = 64, /* of one cell, absorbed in a merge */
    MOVE_BATCH = 500000,
};

/* --- whose it is --- */

static enum err
move_mark(struct rollup *rollup, struct bytes prefix,
          struct rollup_row_pair *ret_mark)
{
    struct rollup_key key;
    return rollup_get(rollup, STORE_TABLE_CHILD,
                      rollup_row_child_key(&key, ROLLUP_ROW_MOVE, prefix),
                      ROLLUP_ROW_IS_PAIR, ret_mark, 0);
}

uint32_t
rollup_move_epoch(struct rollup *rollup, struct bytes child)
{
    struct rollup_row_pair mark;
    return move_mark(rollup, child, &mark) == ERR_OK && mark.b ? mark.a : 0;
}

static enum rollup_move_state
move_state(struct rollup *rollup, struct bytes prefix)
{
    struct rollup_key key;
    struct rollup_row_child child;
    uint32_t epoch = rollup_move_epoch(rollup, prefix);
    if (epoch == 0)
        return ROLLUP_HERE;
    enum err err =
        rollup_get(rollup, STORE_TABLE_CHILD,
                   rollup_row_child_key(&key, ROLLUP_ROW_CHILD, prefix),
                   ROLLUP_ROW_IS_CHILD, &child, 0);
    return err == ERR_OK && child.epoch >= epoch ? ROLLUP_AWAY : ROLLUP_MOVING;
}

enum rollup_move_state
rollup_move_state(struct rollup *rollup, struct bytes unit)
{
    struct bytes prefix = base_bytes_slice(unit, 0, base_bytes_find(unit, '/'));
    if (prefix.size > MODEL_PREFIX_MAX ||
        base_bytes_equal_folded(prefix, rollup->own))
        return ROLLUP_HERE;
    return move_state(rollup, prefix);
}

static enum err
move_mark_put(struct rollup *rollup, struct bytes prefix, uint32_t epoch,
              bool moving)
{
    struct rollup_key key;
    struct rollup_row_pair mark = {.a = epoch, .b = moving};
    struct store_kv_batch *batch = store_kv_batch_new(rollup->config.kv);
    rollup_put(batch, STORE_TABLE_CHILD,
               rollup_row_child_key(&key, ROLLUP_ROW_MOVE, prefix),
               ROLLUP_ROW_IS_PAIR, &mark, 0);
    return store_kv_commit(rollup->config.kv, batch, NULL, NULL);
}

enum err
rollup_move_resume(struct rollup *rollup, struct bytes prefix)
{
    return move_state(rollup, prefix) == ROLLUP_MOVING
               ? move_mark_put(rollup, prefix,
                               rollup_move_epoch(rollup, prefix), false)
               : ERR_OK;
}

/* --- keys --- */

/* P window 00 unit, as RETURN and CONTRIB have it. */
struct move_key {
    int pack;
    uint32_t window;
    struct bytes unit;
};

static enum err
move_key_read(struct rollup *rollup, struct bytes key, bool past,
              struct move_key *ret_key)
{
    struct base_cur cur;
    if (past && key.size < 4)
        return ERR_SHORT;
    base_cur_init(&cur, base_bytes_slice(key, 0, key.size - (past ? 4 : 0)));
    ret_key->pack =
        rollup_pack_find(rollup, base_cur_take(&cur, base_cur_u8(&cur)));
    ret_key->window = base_cur_u32be(&cur);
    bool unit = base_cur_u8(&cur) == 0;
    ret_key->unit = base_cur_rest(&cur);
    if (!base_cur_ok(&cur) || !unit || key.size > ROLLUP_ROW_KEY)
        return ERR_SYNTAX;
    return ret_key->pack >= 0 ? ERR_OK : ERR_NAME;
}

static bool
move_is_of(struct bytes unit, struct bytes prefix)
{
    return unit.size > prefix.size && unit.at[prefix.size] == '/' &&
           base_bytes_equal_folded(base_bytes_slice(unit, 0, prefix.size),
                                   prefix);
}

/* --- out --- */

struct move_out {
    struct rollup *rollup;
    struct base_out *out;
    struct bytes prefix;
    enum wire_carried_kind kind;
    unsigned pack;
    struct base_out value; /* room for one */
};

static bool
move_out_return(void *self, struct bytes key, struct bytes value)
{
    struct move_out *move = self;
    struct move_key at;
    bool past = move->kind == WIRE_CARRIED_RETURN_PAST;
    if (move_key_read(move->rollup, key, past, &at) == ERR_OK &&
        move_is_of(at.unit, move->prefix))
        wire_carried_add(move->out,
                         &(struct wire_carried){move->kind, key, value});
    return base_out_ok(move->out);
}

static bool
move_out_contrib(void *self, struct bytes key, struct bytes value)
{
    struct move_out *move = self;
    const struct rollup_pack *pack = &move->rollup->packs[move->pack];
    struct rollup_row_contrib *row = &move->rollup->merge.old;
    if (rollup_row_read(value, ROLLUP_ROW_IS_CONTRIB, row, pack->slots) !=
            ERR_OK ||
        row->flags & ROLLUP_ROW_GONE)
        return true;
    base_out_reset(&move->value);
    base_out_u64le(&move->value, pack->pack->shape8);
    base_out_bytes_add(&move->value, value);
    wire_carried_add(move->out,
                     &(struct wire_carried){WIRE_CARRIED_CONTRIB, key,
                                            base_out_bytes(&move->value)});
    return base_out_ok(move->out);
}

/* What CONTRIB keys of the prefix's units begin with. */
static struct bytes
move_units(struct rollup_key *key, const struct rollup_pack *pack,
           uint32_t window, struct bytes prefix)
{
    rollup_row_unit_key(key, pack->name, window, prefix);
    base_out_u8(&key->out, '/');
    return base_out_bytes(&key->out);
}

static bool
move_out_window(void *self, struct bytes key, struct bytes value)
{
    struct move_out *move = self;
    struct rollup_key all;
    (void)value;
    rollup_scan(move->rollup, STORE_TABLE_CONTRIB,
                move_units(&all, &move->rollup->packs[move->pack],
                           rollup_row_tail(key), move->prefix),
                move_out_contrib, move);
    return base_out_ok(move->out);
}

static enum err
move_out_pack(struct move_out *move)
{
    static const uint16_t tables[] = {
        [WIRE_CARRIED_RETURN] = STORE_TABLE_RETURN,
        [WIRE_CARRIED_RETURN_PAST] = STORE_TABLE_RETURN_PAST,
    };
    struct bytes name = move->rollup->packs[move->pack].name;
    struct rollup_key key;
    uint8_t room[ROLLUP_ROW_PACK + 1];
    struct base_out all;
    enum err err = ERR_OK;
    base_out_fixed(&all, room, sizeof room);
    base_out_u8(&all, (uint8_t)name.size);
    base_out_bytes_add(&all, name);
    for (move->kind = WIRE_CARRIED_RETURN;
         move->kind <= WIRE_CARRIED_RETURN_PAST && err == ERR_OK; move->kind++)
        err = rollup_scan(move->rollup, tables[move->kind],
                          base_out_bytes(&all), move_out_return, move);
    if (err == ERR_OK)
        err = rollup_scan(move->rollup, STORE_TABLE_WINDOW,
                          rollup_row_window_all(&key, ROLLUP_ROW_WINDOW, name),
                          move_out_window, move);
    return err == ERR_OK ? move->out->failed : err;
}

enum err
rollup_move_export(struct rollup *rollup, struct bytes prefix,
                   struct base_out *out, struct base_note *note)
{
    struct move_out move = {.rollup = rollup, .out = out, .prefix = prefix};
    struct rollup_row_pair mark = {0};
    rollup_fold_flush(rollup);
    if (move_state(rollup, prefix) == ROLLUP_AWAY)
        return base_err_note(note, ERR_CONFLICT,
                             "its own node has its figures already");
    enum err err = move_mark(rollup, prefix, &mark);
    uint32_t epoch = rollup->config.epoch(rollup->config.epoch_self);
    if (err == ERR_OK && mark.a > epoch)
        epoch = mark.a;
    if (err == ERR_OK || err == ERR_ABSENT)
        err = move_mark_put(rollup, prefix, ++epoch, true);
    wire_carried_begin(out, epoch);
    base_out_grow(&move.value, WIRE_CARRIED_VALUE);
    for (; move.pack < rollup->pack_count && err == ERR_OK; move.pack++)
        err = move_out_pack(&move);
    base_out_done(&move.value);
    return err == ERR_OK ? ERR_OK
                         : base_err_note(note, err, "its figures: %s",
                                         base_err_text(err));
}

/* --- in --- */

struct move_in {
    struct rollup *rollup;
    struct rollup_move *move;
    struct store_kv_batch *batch; /* of returns */
    struct rollup_row_contrib row;
};

/* The contribution in a row; MISMATCH. */
static enum err
move_in_contrib_read(struct rollup *rollup, const struct wire_carried *row,
                     const struct move_key *key,
                     struct rollup_row_contrib *ret_row)
{
    const struct rollup_pack *pack = &rollup->packs[key->pack];
    struct base_cur cur;
    base_cur_init(&cur, row->value);
    uint64_t shape8 = base_cur_u64le(&cur);
    if (!base_cur_ok(&cur))
        return ERR_SHORT;
    if (shape8 != pack->pack->shape8)
        return ERR_MISMATCH;
    enum err err = rollup_row_read(base_cur_rest(&cur), ROLLUP_ROW_IS_CONTRIB,
                                   ret_row, pack->slots);
    bool unit = err == ERR_OK && ret_row->flags & ROLLUP_ROW_UNIT &&
                ret_row->cell < pack->pack->cells &&
                base_bytes_equal_folded(ret_row->unit, key->unit);
    return err == ERR_OK && !unit ? ERR_SYNTAX : err;
}

static enum err
move_in_check(struct move_in *in, const struct wire_carried *row,
              struct base_note *note)
{
    struct rollup *rollup = in->rollup;
    struct move_key key;
    struct rollup_return_view view;
    bool past = row->kind == WIRE_CARRIED_RETURN_PAST;
    enum err err = move_key_read(rollup, row->key, past, &key);
    if (err == ERR_OK && !move_is_of(key.unit, rollup->own))
        err = ERR_DENIED;
    if (err == ERR_OK && row->kind == WIRE_CARRIED_CONTRIB) {
        err = move_in_contrib_read(rollup, row, &key, &in->row);
        in->move->contributions++;
    } else if (err == ERR_OK) {
        err = rollup_return_read(row->value, &view);
        if (err == ERR_OK &&
            !base_bytes_equal_folded(view.decoded.unit, key.unit))
            err = ERR_SYNTAX;
        in->move->returns++;
    }
    if (err == ERR_NAME)
        return base_err_note(note, err,
                             "the host has a pack that this node lacks: give "
                             "it the same packs first");
    if (err == ERR_MISMATCH)
        return base_err_note(note, err,
                             "pack %s is another one at the host: give this "
                             "node the same packs first",
                             rollup->packs[key.pack].pack->name);
    return err == ERR_OK
               ? ERR_OK
               : base_err_note(note, err, "the figures of the bundle: %s",
                               base_err_text(err));
}

/* Rows of returns go down in batches of their own. */
static enum err
move_in_flush(struct move_in *in, size_t above)
{
    if (!in->batch || store_kv_batch_size(in->batch) <= above)
        return ERR_OK;
    struct store_kv_batch *batch = in->batch;
    in->batch = NULL;
    return store_kv_commit(in->rollup->config.kv, batch, NULL, NULL);
}

static enum err
move_in_return(struct move_in *in, const struct wire_carried *row)
{
    bool past = row->kind == WIRE_CARRIED_RETURN_PAST;
    uint16_t table = past ? STORE_TABLE_RETURN_PAST : STORE_TABLE_RETURN;
    struct rollup_return_view old, now;
    struct bytes value;
    enum err err =
        store_kv_get(rollup_snap(in->rollup), table, row->key, &value);
    if (err != ERR_OK && err != ERR_ABSENT)
        return err;
    if (err == ERR_OK && (past || rollup_return_read(value, &old) != ERR_OK ||
                          rollup_return_read(row->value, &now) != ERR_OK ||
                          old.decoded.revision >= now.decoded.revision))
        return ERR_OK;
    if (!in->batch)
        in->batch = store_kv_batch_new(in->rollup->config.kv);
    store_kv_put(in->batch, table, row->key, row->value);
    in->move->made++;
    return move_in_flush(in, MOVE_BATCH);
}

/* In an open merge; AGAIN: it is full. */
static enum err
move_in_merge(struct move_in *in, const struct wire_carried *row)
{
    struct rollup *rollup = in->rollup;
    struct rollup_row_contrib *old = &rollup->merge.old,
                              *now = &rollup->merge.now;
    struct rollup_touched *touched;
    struct move_key key;
    if (rollup_merge_full(rollup))
        return ERR_AGAIN;
    enum err err = move_key_read(rollup, row->key, false, &key);
    if (err == ERR_OK)
        err = move_in_contrib_read(rollup, row, &key, now);
    if (err == ERR_OK)
        err = rollup_merge_window(rollup, (unsigned)key.pack, key.window, false,
                                  &touched);
    if (err == ERR_STALE || err == ERR_TIME)
        return ERR_OK; /* not kept here */
    if (err != ERR_OK)
        return err;
    now->epoch = rollup->config.epoch(rollup->config.epoch_self);
    now->flags &= ROLLUP_ROW_UNIT | ROLLUP_ROW_DIGEST;
    err = rollup_merge_old(rollup, (unsigned)key.pack, row->key, old);
    bool some = err == ERR_OK;
    if (err != ERR_OK && err != ERR_ABSENT)
        return err;
    if (some && old->epoch >= now->epoch && old->revision >= now->revision)
        return ERR_OK;
    err = rollup_merge_put(rollup, (unsigned)key.pack, key.window, row->key,
                           some ? old : NULL, now);
    in->move->made += err == ERR_OK;
    return err;
}

static enum err
move_in_contribs(struct move_in *in, struct base_cur cur)
{
    struct rollup *rollup = in->rollup;
    struct wire_carried row;
    enum err err = ERR_OK;
    rollup_merge_begin(rollup);
    while (err == ERR_OK && wire_carried_next(&cur, &row)) {
        if (row.kind != WIRE_CARRIED_CONTRIB)
            continue;
        err = move_in_merge(in, &row);
        if (err != ERR_AGAIN)
            continue;
        err = rollup_merge_end(rollup, NULL);
        rollup_merge_begin(rollup);
        if (err == ERR_OK)
            err = move_in_merge(in, &row);
    }
    if (err == ERR_OK)
        return rollup_merge_end(rollup, NULL);
    rollup_merge_drop(rollup);
    return err;
}

static enum err
move_in_put(struct move_in *in, struct base_cur cur)
{
    struct wire_carried row;
    struct base_cur first = cur;
    uint8_t hash[32];
    enum err err = ERR_OK;
    crypt_hash_sha256(in->move->signer, hash);
    in->batch = store_kv_batch_new(in->rollup->config.kv);
    store_kv_put(in->batch, STORE_TABLE_RETURN_KEY, base_bytes(hash, 8),
                 in->move->signer);
    while (err == ERR_OK && wire_carried_next(&cur, &row))
        if (row.kind != WIRE_CARRIED_CONTRIB)
            err = move_in_return(in, &row);
    if (err == ERR_OK)
        err = move_in_flush(in, 0);
    if (in->batch)
        store_kv_batch_free(in->batch);
    return err == ERR_OK ? move_in_contribs(in, first) : err;
}

enum err
rollup_move_import(struct rollup *rollup, struct rollup_move *move,
                   struct base_note *note)
{
    struct move_in *in = base_mem_zero(sizeof *in);
    struct wire_carried row;
    struct base_cur cur, walk;
    uint32_t epoch = 0;
    in->rollup = rollup;
    in->move = move;
    rollup_fold_flush(rollup);
    enum err err = wire_carried_open(move->figures, &epoch, &cur);
    if (err != ERR_OK)
        base_err_note(note, err, "the figures of the bundle: %s",
                      base_err_text(err));
    walk = cur;
    while (err == ERR_OK && wire_carried_next(&walk, &row))
        err = move_in_check(in, &row, note);
    if (err == ERR_OK &&
        epoch < rollup->config.epoch(rollup->config.epoch_self))
        err = base_err_note(note, ERR_CONFLICT,
                            "an older bundle: this node is of epoch %u, the "
                            "bundle for %u; export again",
                            rollup->config.epoch(rollup->config.epoch_self),
                            epoch);
    if (err == ERR_OK) {
        err = move->raise(move->self, epoch);
        if (err != ERR_OK)
            base_err_note(note, err,
                          "the epoch cannot be raised to %u: import before "
                          "the node joins (%s)",
                          epoch, base_err_text(err));
    }
    if (err == ERR_OK) {
        err = move_in_put(in, cur);
        if (err != ERR_OK)
            base_err_note(note, err, "the figures: %s", base_err_text(err));
    }
    base_mem_free(in);
    return err;
}

enum err
rollup_move_key(struct rollup *rollup, uint64_t key_id, struct base_out *out)
{
    uint8_t room[8];
    struct base_out key;
    struct bytes der;
    base_out_fixed(&key, room, sizeof room);
    base_out_u32be(&key, (uint32_t)(key_id >> 32));
    base_out_u32be(&key, (uint32_t)key_id);
    enum err err = store_kv_get(rollup_snap(rollup), STORE_TABLE_RETURN_KEY,
                                base_out_bytes(&key), &der);
    if (err == ERR_OK)
        base_out_bytes_add(out, der);
    return err == ERR_OK ? out->failed : err;
}

/* --- absorb --- */

struct move_absorb {
    struct rollup *rollup;
    unsigned pack, count;
    uint32_t cell;
    uint16_t sizes[MOVE_UNITS];
    uint8_t keys[MOVE_UNITS][ROLLUP_ROW_KEY];
    struct model_figure sum;
};

/* Units of the first one's cell. */
static bool
absorb_row(void *self, struct bytes key, struct bytes value)
{
    struct move_absorb *absorb = self;
    struct rollup *rollup = absorb->rollup;
    struct rollup_row_contrib *row = &rollup->merge.old;
    if (rollup_row_read(value, ROLLUP_ROW_IS_CONTRIB, row,
                        rollup->packs[absorb->pack].slots) != ERR_OK ||
        row->flags & ROLLUP_ROW_GONE)
        return true;
    if (absorb->count == 0)
        absorb->cell = row->cell;
    if (row->cell == absorb->cell && key.size <= ROLLUP_ROW_KEY) {
        absorb->sizes[absorb->count] = (uint16_t)key.size;
        memcpy(absorb->keys[absorb->count++], key.at, key.size);
    }
    return absorb->count < MOVE_UNITS;
}

/* The units go; what they gave is in the sum. */
static enum err
absorb_units(struct move_absorb *absorb, uint32_t window)
{
    struct rollup *rollup = absorb->rollup;
    struct rollup_row_contrib *old = &rollup->merge.old;
    enum err err = ERR_OK;
    for (unsigned i = 0; i < absorb->count && err == ERR_OK; i++) {
        struct bytes key = base_bytes(absorb->keys[i], absorb->sizes[i]);
        err = rollup_merge_old(rollup, absorb->pack, key, old);
        if (err == ERR_OK)
            err = model_figure_add(&absorb->sum, &old->figure, 1);
        if (err == ERR_OK)
            err =
                rollup_merge_put(rollup, absorb->pack, window, key, old, NULL);
    }
    return err;
}

/* ... and becomes the child's, unless it has spoken of this cell. */
static enum err
absorb_child(struct move_absorb *absorb, uint32_t window, struct bytes child)
{
    struct rollup *rollup = absorb->rollup;
    struct rollup_row_contrib *old = &rollup->merge.old,
                              *now = &rollup->merge.now;
    struct rollup_key room;
    struct bytes key = rollup_row_contrib_key(
        &room, rollup->packs[absorb->pack].name, window, child, absorb->cell);
    enum err err = rollup_merge_old(rollup, absorb->pack, key, old);
    bool some = err == ERR_OK;
    if (err != ERR_OK && err != ERR_ABSENT)
        return err;
    if (some && old->flags & ROLLUP_ROW_BATCH)
        return ERR_OK;
    *now = (struct rollup_row_contrib){.cell = absorb->cell,
                                       .figure = absorb->sum};
    if (some && !(old->flags & ROLLUP_ROW_PLACEHOLDER)) {
        err = model_figure_add(&now->figure, &old->figure, 1);
        if (err != ERR_OK)
            return err;
    }
    return rollup_merge_put(rollup, absorb->pack, window, key,
                            some ? old : NULL, now);
}

enum err
rollup_move_absorb(struct rollup *rollup, unsigned pack, uint32_t window,
                   struct bytes child)
{
    struct rollup_key all;
    if (rollup_move_epoch(rollup, child) == 0)
        return ERR_OK;
    struct move_absorb *absorb = base_mem_zero(sizeof *absorb);
    absorb->rollup = rollup;
    absorb->pack = pack;
    enum err err =
        rollup_scan(rollup, STORE_TABLE_CONTRIB,
                    move_units(&all, &rollup->packs[pack], window, child),
                    absorb_row, absorb);
    bool some = absorb->count > 0;
    if (err == ERR_OK && some)
        err = absorb_units(absorb, window);
    if (err == ERR_OK && some)
        err = absorb_child(absorb, window, child);
    base_mem_free(absorb);
    return err == ERR_OK && some ? ERR_AGAIN : err;
}
