/* rollup_return.c -- see rollup_return.h. */
#include "engine/rollup/rollup_return.h"

#include <stdio.h>

#include "base/base_mem.h"
#include "crypt/crypt_hash.h"
#include "engine/rollup/rollup_inner.h"
#include "engine/rollup/rollup_move.h"
#include "wire/figure/wire_unit.h"

enum {
    RETURN_VERSION = 1,
    RETURN_ROW = 64 << 10,
    RETURN_PROBLEMS = 256,
};

/* A filing under way. */
struct filing {
    struct rollup *rollup;
    const struct rollup_return_ask *ask;
    struct base_arena *arena;
    struct base_note *note;
    struct rollup_return_verdict *verdict;
    unsigned pack;
    uint32_t cell;
    struct bytes unit; /* as registered */
    struct rollup_key key;
    struct bytes key_bytes;
    uint8_t reason;
    bool has_old;
    struct rollup_return_view old;
    struct model_return_result *results;
    unsigned result_count;
    struct wire_return ret;
};

/* --- rows --- */

static void
return_write(struct base_out *out, const struct rollup_return_view *view)
{
    struct bytes actor = base_bytes_slice(view->actor, 0, 255);
    base_out_u8(out, RETURN_VERSION);
    base_out_u8(out, (uint8_t)view->verdict);
    base_out_u32le(out, view->counted);
    base_out_u64le(out, (uint64_t)view->applied_ms);
    base_out_u8(out, (uint8_t)actor.size);
    base_out_bytes_add(out, actor);
    base_out_u16le(out, (uint16_t)view->ret.size);
    base_out_bytes_add(out, view->ret);
    base_out_u16le(out, (uint16_t)view->receipt.size);
    base_out_bytes_add(out, view->receipt);
}

enum err
rollup_return_read(struct bytes row, struct rollup_return_view *ret_view)
{
    struct base_cur cur;
    struct rollup_return_view view = {0};
    base_cur_init(&cur, row);
    if (base_cur_u8(&cur) != RETURN_VERSION)
        return ERR_VERSION;
    view.verdict = base_cur_u8(&cur);
    view.counted = base_cur_u32le(&cur);
    view.applied_ms = (int64_t)base_cur_u64le(&cur);
    view.actor = base_cur_take(&cur, base_cur_u8(&cur));
    view.ret = base_cur_take(&cur, base_cur_u16le(&cur));
    view.receipt = base_cur_take(&cur, base_cur_u16le(&cur));
    if (!base_cur_ok(&cur) ||
        wire_return_read(view.ret, &view.decoded) != ERR_OK)
        return ERR_CORRUPT;
    *ret_view = view;
    return ERR_OK;
}

/* A row that stays while others are written. */
static enum err
return_load(struct rollup *rollup, uint16_t table, struct bytes key,
            struct base_arena *arena, struct rollup_return_view *ret_view)
{
    struct bytes row;
    enum err err = store_kv_get(rollup_snap(rollup), table, key, &row);
    if (err != ERR_OK)
        return err;
    row = base_arena_bytes(arena, row);
    return row.at ? rollup_return_read(row, ret_view) : ERR_LIMIT;
}

static struct bytes
return_past_key(struct base_out *out, struct bytes key, uint32_t revision)
{
    base_out_bytes_add(out, key);
    base_out_u32be(out, revision);
    return base_out_bytes(out);
}

/* --- what is asked for: pack, unit, window --- */

static enum err
filing_refuse(struct filing *filing, const char *code, const char *where,
              const char *text)
{
    filing->verdict->refused = code;
    return base_err_note_at(filing->note, ERR_DENIED, where, 0, 0, "%s", text);
}

static enum err
return_pack(struct rollup *rollup, struct bytes name, unsigned *ret_pack,
            struct base_note *note)
{
    unsigned items[MODEL_PACK_INPUTS];
    int at = rollup_pack_find(rollup, name);
    if (at < 0 || model_return_form(rollup->packs[at].pack, items) == 0)
        return base_err_note_at(note, ERR_NAME, "pack", 0, 0,
                                at < 0 ? "this node has no pack \"%.*s\""
                                       : "pack \"%.*s\" has no returns",
                                (int)name.size, (const char *)name.at);
    *ret_pack = (unsigned)at;
    return ERR_OK;
}

static enum err
filing_unit(struct filing *filing)
{
    struct rollup *rollup = filing->rollup;
    const struct rollup_pack *pack = &rollup->packs[filing->pack];
    struct rollup_key room;
    struct wire_unit unit;
    struct bytes row;
    if (filing->ask->unit.size == 0 || filing->ask->unit.size > WIRE_UNIT_ID)
        return filing_refuse(filing, "unknown_unit", "unit",
                             "say which unit: an identifier");
    if (rollup_move_state(rollup, filing->ask->unit) != ROLLUP_HERE)
        return filing_refuse(filing, "not_owner", "unit",
                             "this enterprise moves to its own node: file "
                             "there");
    enum err err =
        store_kv_get(rollup_snap(rollup), STORE_TABLE_UNIT,
                     rollup_row_registry_key(&room, filing->ask->unit), &row);
    if (err == ERR_ABSENT)
        return filing_refuse(filing, "unknown_unit", "unit",
                             "this unit is not registered here: register "
                             "first, then report");
    if (err != ERR_OK || wire_unit_read(row, &unit) != ERR_OK)
        return err != ERR_OK ? err : ERR_CORRUPT;
    if (!unit.active)
        return filing_refuse(filing, "inactive_unit", "unit",
                             "this unit is not active");
    if (!rollup_fold_counts(pack, row, &filing->cell))
        return filing_refuse(filing, "not_in_scope", "unit",
                             "this unit is not of the pack's class, or lacks "
                             "a code that the pack needs");
    filing->unit = base_arena_bytes(filing->arena, unit.id);
    return filing->unit.at ? ERR_OK : ERR_LIMIT;
}

static enum err
return_window(struct rollup *rollup, unsigned pack, struct bytes text,
              uint32_t *ret_window)
{
    const struct model_pack *model = rollup->packs[pack].pack;
    enum err err = model_calendar_parse(&model->calendar, text, ret_window);
    if (err == ERR_OK &&
        !model_pack_freq(model, model_window_freq(*ret_window)))
        err = ERR_RANGE;
    return err;
}

static enum err
filing_window(struct filing *filing)
{
    struct rollup *rollup = filing->rollup;
    const struct model_pack *pack = rollup->packs[filing->pack].pack;
    struct wall start = {0}, end = {0};
    uint32_t window = 0;
    enum err err =
        return_window(rollup, filing->pack, filing->ask->window, &window);
    if (err == ERR_OK)
        err = model_calendar_bounds(&pack->calendar, window, &start, &end);
    if (err != ERR_OK)
        return filing_refuse(filing, "no_such_window", "window",
                             "the pack has no such window; a month is 2025-11, "
                             "January and February filed as one 2025-01..02");
    if (end.ms > rollup_now(rollup))
        return filing_refuse(filing, "window_not_open", "window",
                             "this window has not ended yet");
    if (!rollup_window_kept(rollup, filing->pack, window))
        return filing_refuse(filing, "window_not_open", "window",
                             "this window is too long ago");
    filing->verdict->window = window;
    filing->verdict->pack = pack;
    filing->key_bytes = rollup_row_unit_key(
        &filing->key, rollup->packs[filing->pack].name, window, filing->unit);
    return ERR_OK;
}

/* --- values --- */

static enum err
filing_item(struct filing *filing, const struct rollup_return_pair *pair)
{
    struct rollup_return_verdict *verdict = filing->verdict;
    const struct model_pack *pack = verdict->pack;
    char where[64];
    int at = model_pack_input_find(pack, pair->name);
    base_bytes_string(pair->name, where, sizeof where);
    if (at < 0 || pack->inputs[at].source != MODEL_PACK_RETURN)
        return filing_refuse(filing, "bad_number", where,
                             "the pack has no such item on its form");
    if (verdict->mask >> at & 1)
        return filing_refuse(filing, "bad_number", where,
                             "this item stands twice");
    enum err err = model_return_number(&pack->inputs[at], pair->value,
                                       &verdict->values[at]);
    if (err != ERR_OK)
        return filing_refuse(filing, "bad_number", where,
                             err == ERR_RANGE
                                 ? "more decimals than the item has, or too "
                                   "large a number"
                                 : "not a decimal number");
    verdict->mask |= UINT64_C(1) << at;
    return ERR_OK;
}

/* The same window of the year before, of this unit; ABSENT. */
static enum err
return_year_before(struct rollup *rollup, unsigned pack, uint32_t window,
                   uint32_t *ret_window)
{
    char text[MODEL_WINDOW_TEXT], year[8];
    uint64_t number = 0;
    model_calendar_text(&rollup->packs[pack].pack->calendar, window, text);
    if (base_bytes_u64(base_bytes(text, 4), &number) != ERR_OK || number == 0)
        return ERR_ABSENT;
    snprintf(year, sizeof year, "%04u", (unsigned)(number - 1) % 10000);
    memcpy(text, year, 4);
    return return_window(rollup, pack, base_bytes_text(text), ret_window);
}

/* The values that count of this unit in that window; 0: none. */
static uint64_t
return_counted(struct rollup *rollup, unsigned pack, uint32_t window,
               struct bytes unit, struct base_arena *arena,
               int64_t values[MODEL_PACK_INPUTS])
{
    struct rollup_return_view view;
    struct rollup_key room;
    uint8_t past[ROLLUP_ROW_KEY + 4];
    struct base_out out;
    struct bytes key =
        rollup_row_unit_key(&room, rollup->packs[pack].name, window, unit);
    if (return_load(rollup, STORE_TABLE_RETURN, key, arena, &view) != ERR_OK ||
        view.counted == 0)
        return 0;
    if (view.counted != view.decoded.revision) {
        base_out_fixed(&out, past, sizeof past);
        if (return_load(rollup, STORE_TABLE_RETURN_PAST,
                        return_past_key(&out, key, view.counted), arena,
                        &view) != ERR_OK)
            return 0;
    }
    memcpy(values, view.decoded.values, MODEL_PACK_INPUTS * sizeof *values);
    return view.decoded.mask;
}

/* Last year's values stand beside this year's, unless the unit states them. */
static void
filing_base(struct filing *filing)
{
    struct rollup_return_verdict *verdict = filing->verdict;
    const struct model_pack *pack = verdict->pack;
    int64_t before[MODEL_PACK_INPUTS];
    uint32_t window;
    if (return_year_before(filing->rollup, filing->pack, verdict->window,
                           &window) != ERR_OK)
        return;
    uint64_t mask = return_counted(filing->rollup, filing->pack, window,
                                   filing->unit, filing->arena, before);
    for (unsigned i = 1; i < pack->input_count; i++)
        if (pack->inputs[i].base && mask >> (i - 1) & 1 &&
            !(verdict->mask >> i & 1)) {
            verdict->values[i] = before[i - 1];
            verdict->mask |= UINT64_C(1) << i;
        }
}

static enum err
filing_values(struct filing *filing)
{
    enum err err = ERR_OK;
    for (unsigned i = 0; i < filing->ask->item_count && err == ERR_OK; i++)
        err = filing_item(filing, &filing->ask->items[i]);
    if (err == ERR_OK)
        filing_base(filing);
    return err;
}

/* --- reason, revision, explanations --- */

static bool
filing_reason_read(struct bytes text, uint8_t *ret_reason)
{
    for (unsigned i = 0; i < WIRE_RETURN_REASONS; i++)
        if (base_bytes_is(text, wire_return_reason_name((uint8_t)i))) {
            *ret_reason = (uint8_t)i;
            return true;
        }
    *ret_reason = WIRE_RETURN_FIRST;
    return text.size == 0;
}

static enum err
filing_texts(struct filing *filing)
{
    const struct model_pack *pack = filing->verdict->pack;
    struct wire_return *ret = &filing->ret;
    for (unsigned c = 0; c < pack->check_count; c++)
        for (unsigned i = 0; i < filing->ask->text_count; i++) {
            const struct rollup_return_pair *pair = &filing->ask->texts[i];
            if (!base_bytes_is(pair->name, pack->checks[c].name))
                continue;
            if (pair->value.size < ROLLUP_RETURN_EXPLAIN_MIN ||
                pair->value.size > WIRE_RETURN_TEXT_MAX ||
                ret->text_count == WIRE_RETURN_TEXTS)
                return filing_refuse(filing, "explanation_needed",
                                     pack->checks[c].name,
                                     "an explanation has 10 to 1,024 bytes, a "
                                     "return at most 16 of them");
            ret->texts[ret->text_count].check = c;
            ret->texts[ret->text_count++].text = pair->value;
            break;
        }
    return ret->text_count == filing->ask->text_count
               ? ERR_OK
               : filing_refuse(filing, "check_failed", "explanations",
                               "an explanation names a check that the pack "
                               "does not have, or one twice");
}

/* Is it what stands, to the last word? */
static bool
filing_same(const struct filing *filing)
{
    const struct wire_return *old = &filing->old.decoded, *now = &filing->ret;
    bool same =
        filing->has_old && old->mask == now->mask && old->shape == now->shape &&
        memcmp(old->values, now->values, sizeof old->values) == 0 &&
        old->text_count == now->text_count &&
        (now->reason == WIRE_RETURN_FIRST || old->reason == now->reason);
    for (unsigned i = 0; i < now->text_count && same; i++)
        same = old->texts[i].check == now->texts[i].check &&
               base_bytes_equal(old->texts[i].text, now->texts[i].text);
    return same;
}

static enum err
filing_revision(struct filing *filing)
{
    const struct rollup_return_ask *ask = filing->ask;
    uint32_t next = filing->has_old ? filing->old.decoded.revision + 1 : 1;
    bool counted = filing->has_old && filing->old.counted > 0;
    if (next > ROLLUP_RETURN_REVISIONS)
        return filing_refuse(filing, "conflict", "revision",
                             "this return has been corrected too often");
    if (ask->revision != 0 && ask->revision != next)
        return filing_refuse(filing, "stale_rev", "revision",
                             "another revision is the next: look at what "
                             "stands, and file again");
    if (counted && filing->ret.reason == WIRE_RETURN_FIRST)
        return filing_refuse(
            filing, "conflict", "reason",
            "a return stands and counts: a correction says why (error, audit, "
            "reclassified, late, moved, restated, void)");
    if (!counted && filing->ret.reason == WIRE_RETURN_VOID)
        return filing_refuse(filing, "conflict", "reason",
                             "there is nothing that could be voided");
    filing->ret.revision = filing->verdict->revision = next;
    return ERR_OK;
}

/* --- the judgement --- */

static bool
filing_explained(const struct filing *filing, int check)
{
    for (unsigned i = 0; i < filing->ret.text_count; i++)
        if (check >= 0 && filing->ret.texts[i].check == (uint32_t)check)
            return true;
    return false;
}

static void
filing_problem(struct filing *filing, const struct model_return_result *result)
{
    struct rollup_return_verdict *verdict = filing->verdict;
    const struct model_pack *pack = verdict->pack;
    struct rollup_return_problem *to =
        &verdict->problems[verdict->problem_count++];
    *to = (struct rollup_return_problem){
        .code = model_return_code_name(result->code),
        .item = pack->inputs[result->item].name,
        .check = result->check >= 0 ? pack->checks[result->check].name : NULL,
        .level = result->level,
        .explained = filing_explained(filing, result->check),
        .zh = result->zh,
        .en = result->en,
    };
    for (unsigned i = 0; i < filing->ask->item_count; i++)
        if (base_bytes_is(filing->ask->items[i].name, to->item))
            to->given = filing->ask->items[i].value;
}

static enum err
filing_judge(struct filing *filing)
{
    struct rollup_return_verdict *verdict = filing->verdict;
    const struct model_value_row row = {.mask = verdict->mask,
                                        .values = verdict->values,
                                        .window = verdict->window,
                                        .cell = filing->cell};
    verdict->verdict = WIRE_RETURN_ACCEPTED;
    if (filing->ret.reason == WIRE_RETURN_VOID) {
        verdict->mask = 0;
        memset(verdict->values, 0, sizeof verdict->values);
        return ERR_OK;
    }
    enum err err = model_return_check(verdict->pack, &row, filing->arena,
                                      &filing->results, &filing->result_count);
    if (err != ERR_OK)
        return err;
    if (filing->result_count > RETURN_PROBLEMS)
        filing->result_count = RETURN_PROBLEMS;
    verdict->problems = base_arena_alloc(
        filing->arena, (filing->result_count + 1) * sizeof *verdict->problems);
    if (!verdict->problems)
        return ERR_LIMIT;
    for (unsigned i = 0; i < filing->result_count; i++) {
        filing_problem(filing, &filing->results[i]);
        const struct rollup_return_problem *one = &verdict->problems[i];
        if (one->level == MODEL_PACK_HARD && !verdict->refused)
            verdict->refused = one->code;
        if (one->level == MODEL_PACK_SOFT && !one->explained)
            verdict->verdict = WIRE_RETURN_QUERIED;
    }
    if (verdict->refused && !filing->ask->check_only)
        return base_err_note_at(filing->note, ERR_DENIED,
                                verdict->problems[0].item, 0, 0,
                                "the return does not pass its checks");
    return ERR_OK;
}

/* --- signing --- */

static enum err
filing_sign(const struct crypt_key *key, bool receipt, struct base_out *out)
{
    enum err err = out->failed;
    if (err != ERR_OK)
        return err;
    struct base_out text;
    base_out_grow(&text, WIRE_RETURN_MAX + 64);
    wire_return_signed(&text, receipt, base_out_bytes(out));
    err = crypt_key_sign(key, base_out_bytes(&text), out);
    base_out_done(&text);
    return err != ERR_OK ? err : out->failed;
}

static enum err
filing_return(struct filing *filing, struct base_out *out)
{
    struct rollup *rollup = filing->rollup;
    struct wire_return *ret = &filing->ret;
    struct crypt_key *own =
        rollup->config.signer_of
            ? rollup->config.signer_of(rollup->config.signer_self, filing->unit)
            : NULL;
    const struct crypt_key *key = own ? own : rollup->config.key;
    if (!key)
        return base_err_note(filing->note, ERR_UNSUPPORTED,
                             "this node has no key to sign returns with");
    ret->epoch = rollup->config.epoch(rollup->config.epoch_self);
    ret->filed_ms = rollup_now(rollup);
    ret->key_id = crypt_key_id(key);
    wire_return_write(out, ret);
    enum err err = filing_sign(key, false, out);
    crypt_key_free(own);
    return err;
}

static enum err
filing_receipt(struct filing *filing, struct bytes ret, struct base_out *out)
{
    struct rollup *rollup = filing->rollup;
    const struct rollup_return_verdict *verdict = filing->verdict;
    struct wire_return_receipt *receipt =
        base_arena_alloc(filing->arena, sizeof *receipt);
    if (!receipt)
        return ERR_LIMIT;
    if (!rollup->config.key)
        return ERR_UNSUPPORTED;
    *receipt = (struct wire_return_receipt){
        .verdict = (uint8_t)verdict->verdict,
        .window = verdict->window,
        .revision = filing->ret.revision,
        .applied_ms = rollup->merge.at_ms,
        .node = rollup->own,
        .unit = filing->unit,
        .pack = rollup->packs[filing->pack].name,
        .result_count = filing->result_count,
        .key_id = crypt_key_id(rollup->config.key),
    };
    for (unsigned i = 0; i < filing->result_count; i++) {
        const struct model_return_result *one = &filing->results[i];
        receipt->results[i] = (struct wire_return_result){
            .check =
                one->check < 0 ? WIRE_RETURN_NO_CHECK : (uint16_t)one->check,
            .item = (uint16_t)one->item,
            .level = (uint8_t)one->level,
            .explained = filing_explained(filing, one->check),
        };
    }
    crypt_hash_sha256(ret, receipt->sha256);
    wire_return_receipt_write(out, receipt);
    return filing_sign(rollup->config.key, true, out);
}

/* --- storing and counting --- */

/* The contribution that figures are made of. */
static enum err
filing_count(struct filing *filing)
{
    struct rollup *rollup = filing->rollup;
    struct rollup_row_contrib *old = &rollup->merge.old,
                              *now = &rollup->merge.now;
    struct rollup_return_verdict *verdict = filing->verdict;
    struct rollup_touched *touched;
    enum err err = rollup_merge_window(rollup, filing->pack, verdict->window,
                                       false, &touched);
    if (err != ERR_OK)
        return err;
    verdict->pending = touched->row.vintage > 0;
    verdict->vintage = touched->row.vintage + 1;
    err = rollup_merge_old(rollup, filing->pack, filing->key_bytes, old);
    if (err != ERR_OK && err != ERR_ABSENT)
        return err;
    *now = (struct rollup_row_contrib){
        .flags = ROLLUP_ROW_UNIT,
        .reason = filing->ret.reason,
        .cell = filing->cell,
        .epoch = filing->ret.epoch,
        .revision = err == ERR_OK ? old->revision + 1 : 1,
        .shard = ROLLUP_ROW_RETURN,
        .sequence = filing->ret.revision,
        .inputs = verdict->mask,
        .unit = filing->unit,
    };
    memcpy(now->values, verdict->values, sizeof verdict->values);
    const struct model_value_row row = {.mask = verdict->mask,
                                        .values = now->values,
                                        .window = verdict->window,
                                        .cell = filing->cell};
    base_stat_inc(&rollup->stats.measure_errors,
                  model_value_unit(verdict->pack, &row, &now->figure));
    return rollup_merge_put(rollup, filing->pack, verdict->window,
                            filing->key_bytes, err == ERR_OK ? old : NULL, now);
}

static void
filing_rows(struct filing *filing)
{
    struct store_kv_batch *batch = filing->rollup->merge.batch;
    struct rollup_return_verdict *verdict = filing->verdict;
    struct base_out row, key;
    uint8_t room[ROLLUP_ROW_KEY + 4];
    bool accepted = verdict->verdict == WIRE_RETURN_ACCEPTED;
    struct rollup_return_view now = {
        .verdict = verdict->verdict,
        .counted = accepted          ? filing->ret.revision
                   : filing->has_old ? filing->old.counted
                                     : 0,
        .applied_ms = filing->rollup->merge.at_ms,
        .actor = base_bytes_text(filing->ask->actor),
        .ret = verdict->ret,
        .receipt = verdict->receipt,
    };
    base_out_grow(&row, RETURN_ROW);
    if (filing->has_old) {
        base_out_fixed(&key, room, sizeof room);
        return_write(&row, &filing->old);
        store_kv_put(batch, STORE_TABLE_RETURN_PAST,
                     return_past_key(&key, filing->key_bytes,
                                     filing->old.decoded.revision),
                     base_out_bytes(&row));
        base_out_reset(&row);
    }
    return_write(&row, &now);
    store_kv_put(batch, STORE_TABLE_RETURN, filing->key_bytes,
                 base_out_bytes(&row));
    base_out_done(&row);
}

/* In an open merge. */
static enum err
filing_put(struct filing *filing)
{
    struct rollup_return_verdict *verdict = filing->verdict;
    struct base_out ret, receipt;
    base_out_grow(&ret, WIRE_RETURN_MAX);
    base_out_grow(&receipt, WIRE_RETURN_RECEIPT_MAX);
    enum err err = filing_return(filing, &ret);
    if (err == ERR_OK)
        err = filing_receipt(filing, base_out_bytes(&ret), &receipt);
    verdict->ret = base_arena_bytes(filing->arena, base_out_bytes(&ret));
    verdict->receipt =
        base_arena_bytes(filing->arena, base_out_bytes(&receipt));
    base_out_done(&ret);
    base_out_done(&receipt);
    if (err == ERR_OK && (!verdict->ret.at || !verdict->receipt.at))
        err = ERR_LIMIT;
    if (err == ERR_OK && verdict->verdict == WIRE_RETURN_ACCEPTED)
        err = filing_count(filing);
    if (err == ERR_OK)
        filing_rows(filing);
    return err;
}

static enum err
filing_store(struct filing *filing)
{
    struct rollup *rollup = filing->rollup;
    rollup_merge_begin(rollup);
    enum err err = filing_put(filing);
    if (err == ERR_OK)
        err = rollup_merge_end(rollup, NULL);
    else
        rollup_merge_drop(rollup);
    if (err == ERR_OK)
        base_stat_inc(filing->verdict->verdict == WIRE_RETURN_ACCEPTED
                          ? &rollup->stats.returns
                          : &rollup->stats.returns_queried,
                      1);
    return err;
}

static enum err
filing_run(struct filing *filing)
{
    struct rollup *rollup = filing->rollup;
    struct rollup_return_verdict *verdict = filing->verdict;
    enum err err =
        return_pack(rollup, filing->ask->pack, &filing->pack, filing->note);
    if (err == ERR_OK)
        err = filing_unit(filing);
    if (err == ERR_OK)
        err = filing_window(filing);
    if (err == ERR_OK &&
        !filing_reason_read(filing->ask->reason, &filing->ret.reason))
        err = filing_refuse(filing, "conflict", "reason",
                            "a reason is one of error, audit, reclassified, "
                            "late, moved, restated, void");
    if (err == ERR_OK)
        err = filing_values(filing);
    if (err == ERR_OK)
        err = filing_texts(filing);
    if (err != ERR_OK)
        return err;
    verdict->id = base_arena_bytes(filing->arena, filing->key_bytes);
    err = return_load(rollup, STORE_TABLE_RETURN, filing->key_bytes,
                      filing->arena, &filing->old);
    filing->has_old = err == ERR_OK;
    if (err != ERR_OK && err != ERR_ABSENT)
        return err;
    err = filing_judge(filing);
    if (err != ERR_OK)
        return err;
    filing->ret.shape = verdict->pack->shape8;
    filing->ret.window = verdict->window;
    filing->ret.unit = filing->unit;
    filing->ret.item_count = verdict->pack->input_count;
    filing->ret.mask = verdict->mask;
    memcpy(filing->ret.values, verdict->values, sizeof verdict->values);
    if (filing_same(filing)) {
        verdict->again = true;
        verdict->verdict = filing->old.verdict;
        verdict->revision = filing->old.decoded.revision;
        verdict->ret = filing->old.ret;
        verdict->receipt = filing->old.receipt;
        return ERR_OK;
    }
    err = filing_revision(filing);
    if (err == ERR_OK && !filing->ask->check_only)
        err = filing_store(filing);
    return err;
}

enum err
rollup_return_file(struct rollup *rollup, const struct rollup_return_ask *ask,
                   struct base_arena *arena,
                   struct rollup_return_verdict *ret_verdict,
                   struct base_note *note)
{
    struct filing *filing = base_arena_alloc(arena, sizeof *filing);
    if (!filing)
        return ERR_LIMIT;
    rollup_fold_flush(rollup);
    *ret_verdict = (struct rollup_return_verdict){0};
    *filing = (struct filing){.rollup = rollup,
                              .ask = ask,
                              .arena = arena,
                              .note = note,
                              .verdict = ret_verdict};
    enum err err = filing_run(filing);
    if (ret_verdict->refused)
        base_stat_inc(&rollup->stats.returns_refused, !ask->check_only);
    return err;
}

/* --- reading --- */

enum err
rollup_return_get(struct rollup *rollup, struct bytes id, uint32_t revision,
                  struct base_arena *arena, struct rollup_return_view *ret_view)
{
    struct base_out key;
    uint8_t room[ROLLUP_ROW_KEY + 4];
    if (id.size < 7 || id.size > ROLLUP_ROW_KEY || id.at[0] + 5U >= id.size)
        return ERR_ABSENT;
    int pack = rollup_pack_find(rollup, base_bytes_slice(id, 1, id.at[0]));
    if (pack < 0)
        return ERR_ABSENT;
    enum err err = return_load(rollup, STORE_TABLE_RETURN, id, arena, ret_view);
    if (err == ERR_OK && revision && revision != ret_view->decoded.revision) {
        base_out_fixed(&key, room, sizeof room);
        err = return_load(rollup, STORE_TABLE_RETURN_PAST,
                          return_past_key(&key, id, revision), arena, ret_view);
        ret_view->superseded = true;
    }
    ret_view->id = id;
    ret_view->pack = rollup->packs[pack].pack;
    return err;
}

struct return_walk {
    struct rollup *rollup;
    struct bytes unit, after;
    bool (*fn)(void *self, const struct rollup_return_view *view);
    void *self;
    enum err err;
};

static bool
return_row(void *self, struct bytes key, struct bytes value)
{
    struct return_walk *walk = self;
    struct rollup_return_view view;
    if (base_bytes_equal(key, walk->after))
        return true;
    walk->err = rollup_return_read(value, &view);
    int pack =
        rollup_pack_find(walk->rollup, base_bytes_slice(key, 1, key.at[0]));
    if (walk->err != ERR_OK || pack < 0)
        return walk->err == ERR_OK; /* of a pack that is no longer here */
    struct bytes unit = view.decoded.unit;
    bool below =
        unit.size > walk->unit.size &&
        (unit.at[walk->unit.size] == '.' || unit.at[walk->unit.size] == '/');
    if (walk->unit.size > 0 &&
        !(base_bytes_equal_folded(base_bytes_slice(unit, 0, walk->unit.size),
                                  walk->unit) &&
          (below || unit.size == walk->unit.size)))
        return true;
    view.id = key;
    view.pack = walk->rollup->packs[pack].pack;
    return walk->fn(walk->self, &view);
}

enum err
rollup_return_list(struct rollup *rollup, struct bytes pack, uint32_t window,
                   struct bytes unit, struct bytes after,
                   bool (*fn)(void *self,
                              const struct rollup_return_view *view),
                   void *self)
{
    struct return_walk walk = {rollup, unit, after, fn, self, ERR_OK};
    struct base_out all, next;
    uint8_t room[ROLLUP_ROW_KEY], next_room[ROLLUP_ROW_KEY];
    struct bytes from = after;
    enum err err;
    base_out_fixed(&all, room, sizeof room);
    if (pack.size > 0) {
        base_out_u8(&all, (uint8_t)pack.size);
        base_out_bytes_add(&all, pack);
        if (window)
            base_out_u32be(&all, window);
    }
    if (!base_out_ok(&all))
        return ERR_BIG;
    rollup_fold_flush(rollup);
    do {
        base_out_fixed(&next, next_room, sizeof next_room);
        err = store_kv_scan(rollup_snap(rollup), STORE_TABLE_RETURN,
                            base_out_bytes(&all), from, ROLLUP_STEP, return_row,
                            &walk, &next);
        from = base_out_bytes(&next);
    } while (err == ERR_AGAIN && walk.err == ERR_OK);
    return walk.err != ERR_OK ? walk.err : err;
}

/* Beside a base item: what it will be if it is left empty. */
static void
return_before_base(const struct model_pack *pack,
                   struct rollup_return_before *before)
{
    for (unsigned i = 1; i < pack->input_count; i++)
        if (pack->inputs[i].base) {
            before->year[i] = before->year[i - 1];
            before->year_mask &= ~(UINT64_C(1) << i);
            before->year_mask |= (before->year_mask >> (i - 1) & 1) << i;
        }
}

enum err
rollup_return_before(struct rollup *rollup, struct bytes pack,
                     struct bytes unit, struct bytes window,
                     struct rollup_return_before *ret_before,
                     struct base_note *note)
{
    unsigned at;
    uint32_t now = 0, year = 0;
    struct base_arena arena;
    int64_t values[MODEL_PACK_INPUTS];
    *ret_before = (struct rollup_return_before){0};
    enum err err = return_pack(rollup, pack, &at, note);
    if (err != ERR_OK)
        return err;
    if (unit.size > WIRE_UNIT_ID)
        return base_err_note_at(note, ERR_SYNTAX, "unit", 0, 0,
                                "an identifier has at most %d bytes",
                                WIRE_UNIT_ID);
    err = return_window(rollup, at, window, &now);
    if (err != ERR_OK)
        return base_err_note_at(note, ERR_SYNTAX, "window", 0, 0,
                                "the pack has no such window");
    const struct model_calendar *calendar = &rollup->packs[at].pack->calendar;
    base_arena_init(&arena, 1 << 20);
    ret_before->due_ms =
        rollup_window_due_ms(rollup, at, now) - ROLLUP_SLACK_MS;
    ret_before->filed =
        return_counted(rollup, at, now, unit, &arena, values) != 0;
    ret_before->last_mask =
        return_counted(rollup, at, model_calendar_back(calendar, now), unit,
                       &arena, ret_before->last);
    if (return_year_before(rollup, at, now, &year) == ERR_OK)
        ret_before->year_mask =
            return_counted(rollup, at, year, unit, &arena, ret_before->year);
    return_before_base(rollup->packs[at].pack, ret_before);
    base_arena_done(&arena);
    return ERR_OK;
}
