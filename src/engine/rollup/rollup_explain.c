/* rollup_explain.c -- the way down: from a figure to the samples or the return
 * under it.
 *
 * This node's entry and its parts come from its own rows as they stood at one
 * instant.  The largest of the children are asked for theirs, each with half a
 * second less than was left here, and are told which (epoch, revision) of each
 * cell is held here: they answer as they stood when they had made those, so
 * that every level adds up to the one above (RULINGS 37).  What does not answer
 * is said to be missing, with the reason.  Beside a child's part stand the
 * signed batches that it came in. */
#include "base/base_mem.h"
#include "crypt/crypt_hash.h"
#include "engine/rollup/rollup_inner.h"
#include "engine/rollup/rollup_return.h"
#include "model/model_id.h"
#include "wire/figure/wire_explain.h"

enum {
    EXPLAIN_MS = 5000,
    EXPLAIN_HOP_MS = 500,
    EXPLAIN_CHILDREN = 16,
    EXPLAIN_PARTS = 64,
    EXPLAIN_ROOM = 65536, /* kept free for this node's own entries */
    EXPLAIN_TABLE = 1000,
    EXPLAIN_BATCHES = 8, /* shown of a part */
};

struct explain_call;

struct explain_child {
    struct model_ask ask;
    struct explain_call *call;
    const struct rollup_part *part;
    bool answered;
    enum err err;
    struct base_out reply;
    struct base_out held; /* for the question */
    unsigned held_count, batch_count;
    struct explain_batch {
        uint32_t epoch;
        uint64_t seq;
    } batches[EXPLAIN_BATCHES];
};

struct explain_call {
    struct base_link link;
    struct rollup *rollup;
    struct rollup_explain *explain; /* or */
    struct model_answer *answer;
    struct base_arena arena;
    struct rollup_name name;
    struct rollup_figure figure;
    struct model_cells cells; /* that are asked about */
    struct rollup_when when;
    size_t all; /* bytes that the window's keys begin with */
    unsigned pack, waiting, child_count;
    struct explain_child children[EXPLAIN_CHILDREN];
};

/* --- the list --- */

struct explain_list {
    struct base_out out;
    unsigned count;
};

static void
explain_add(struct explain_list *list, const struct wire_explain_entry *entry)
{
    if (list->count == WIRE_EXPLAIN_ENTRIES)
        return;
    list->count++;
    wire_explain_add(&list->out, entry);
}

static struct wire_explain_entry
explain_entry(enum wire_explain_kind kind, unsigned depth, struct bytes name,
              const struct rollup_part *part)
{
    struct wire_explain_entry entry = {
        .depth = (uint8_t)depth,
        .kind = (uint8_t)kind,
        .name = name,
        .n = part->n,
        .reported = part->reported,
        .expected = part->expected,
        .epoch = part->epoch,
        .revision = part->revision,
        .value = part->value,
        .a = part->a,
        .b = part->b,
    };
    entry.has = (uint8_t)((part->present ? WIRE_EXPLAIN_VALUE : 0) |
                          (part->has_a ? WIRE_EXPLAIN_A : 0) |
                          (part->has_b ? WIRE_EXPLAIN_B : 0));
    return entry;
}

/* Signed bytes, where there is room for them. */
static struct bytes
explain_proof(const struct explain_list *list, struct bytes message)
{
    bool fits = message.size <= WIRE_EXPLAIN_PROOF_MAX &&
                list->out.size + message.size + EXPLAIN_ROOM < WIRE_EXPLAIN_MAX;
    return fits ? message : (struct bytes){0};
}

/* DER of the unit's own key or of this node's, whichever has that id. */
static void
explain_return_key(const struct rollup_config *config,
                   const struct wire_return *ret, struct base_out *public)
{
    struct crypt_key *own =
        config->signer_of ? config->signer_of(config->signer_self, ret->unit)
                          : NULL;
    if (own && crypt_key_id(own) == ret->key_id)
        crypt_key_public(own, public);
    else if (config->key && crypt_key_id(config->key) == ret->key_id)
        crypt_key_public(config->key, public);
    crypt_key_free(own);
}

static enum wire_explain_verdict
explain_return_verdict(struct bytes public,
                       const struct rollup_return_view *view)
{
    const struct wire_return *ret = &view->decoded;
    struct base_out text;
    if (public.size == 0)
        return WIRE_EXPLAIN_UNKNOWN;
    base_out_grow(&text, WIRE_RETURN_MAX + 64);
    wire_return_signed(
        &text, false,
        base_bytes_slice(view->ret, 0, view->ret.size - ret->signature.size));
    enum err err =
        crypt_key_verify(public, base_out_bytes(&text), ret->signature);
    base_out_done(&text);
    return err == ERR_OK ? WIRE_EXPLAIN_SIGNED : WIRE_EXPLAIN_WRONG;
}

/* The return that a unit's figure is from. */
static void
explain_return(struct rollup *rollup, struct explain_list *list,
               struct bytes key, const struct rollup_part *part)
{
    struct rollup_return_view view;
    struct base_arena arena;
    struct base_out public;
    uint8_t sha256[32] = {0};
    struct wire_explain_entry entry = {
        .depth = 2,
        .kind = WIRE_EXPLAIN_RETURN,
        .has = WIRE_EXPLAIN_PROOF | WIRE_EXPLAIN_FILED,
        .name = part->from,
        .epoch = part->epoch,
        .revision = part->sequence,
        .seq = part->sequence,
        .verdict = WIRE_EXPLAIN_GONE,
        .digest = base_bytes(sha256, sizeof sha256),
    };
    base_arena_init(&arena, 1 << 17);
    base_out_grow(&public, 255);
    if (rollup_return_get(rollup, key, (uint32_t)part->sequence, &arena,
                          &view) == ERR_OK) {
        crypt_hash_sha256(view.ret, sha256);
        explain_return_key(&rollup->config, &view.decoded, &public);
        entry.key = base_out_bytes(&public);
        entry.verdict = (uint8_t)explain_return_verdict(entry.key, &view);
        entry.key_id = view.decoded.key_id;
        entry.filed_ms = view.decoded.filed_ms;
        entry.receipt = (uint8_t)view.verdict;
        entry.batch = explain_proof(list, view.ret);
    }
    explain_add(list, &entry);
    base_out_done(&public);
    base_arena_done(&arena);
}

/* A unit: where its samples stood or which return it filed, and its inputs. */
static void
explain_unit(struct explain_call *call, struct explain_list *list,
             const struct rollup_part *part)
{
    struct rollup *rollup = call->rollup;
    const struct model_pack *pack = call->name.pack;
    struct rollup_row_contrib *row = &rollup->merge.old;
    struct rollup_row_source source = {.unit = part->from};
    struct rollup_key room;
    struct bytes value,
        key = rollup_row_unit_key(&room, rollup->packs[call->pack].name,
                                  call->figure.window, part->from);
    struct wire_explain_entry entry =
        explain_entry(WIRE_EXPLAIN_UNIT, 1, part->from, part);
    bool filed = part->shard == ROLLUP_ROW_RETURN;
    if (!filed) {
        entry.shard = part->shard;
        entry.sequence = part->sequence;
        entry.has |= WIRE_EXPLAIN_SAMPLE;
    }
    if (list->count + pack->input_count + 1 >= WIRE_EXPLAIN_ENTRIES)
        entry.why = ERR_LIMIT;
    enum err err =
        store_kv_get(rollup_snap(rollup), STORE_TABLE_CONTRIB, key, &value);
    if (err == ERR_OK)
        err = rollup_past_contrib(rollup, &call->when, key, &source, value,
                                  rollup->packs[call->pack].slots, row);
    if (err == ERR_OK && row->flags & ROLLUP_ROW_DIGEST) {
        entry.has |= WIRE_EXPLAIN_DIGEST;
        entry.samples = row->samples;
        entry.first_ms = row->first_ms;
        entry.last_ms = row->last_ms;
        entry.digest = base_bytes(row->digest, sizeof row->digest);
    }
    explain_add(list, &entry);
    if (entry.why != ERR_OK || err != ERR_OK)
        return;
    if (filed)
        explain_return(rollup, list, key, part);
    for (unsigned i = 0; i < pack->input_count; i++) {
        struct rollup_part input = {.has_a = true, .a = row->values[i]};
        if (!(row->inputs >> i & 1))
            continue;
        input.present = base_dec_from(input.a, pack->inputs[i].scale,
                                      &input.value) == ERR_OK;
        entry = explain_entry(WIRE_EXPLAIN_INPUT, 2,
                              base_bytes_text(pack->inputs[i].name), &input);
        explain_add(list, &entry);
    }
}

/* The signed batches that a part came in. */
static void
explain_batches(struct explain_call *call, struct explain_list *list,
                const struct explain_child *child)
{
    struct rollup *rollup = call->rollup;
    for (unsigned i = 0; i < child->batch_count; i++) {
        const struct explain_batch *batch = &child->batches[i];
        struct rollup_row_batch row = {0};
        struct rollup_key key;
        struct wire_explain_entry entry = {.depth = 2,
                                           .kind = WIRE_EXPLAIN_BATCH,
                                           .has = WIRE_EXPLAIN_PROOF,
                                           .name = child->part->from,
                                           .epoch = batch->epoch,
                                           .seq = batch->seq,
                                           .verdict = WIRE_EXPLAIN_GONE};
        if (rollup_get(
                rollup, STORE_TABLE_BATCH,
                rollup_row_batch_key(&key, rollup->packs[call->pack].name,
                                     call->figure.window, child->part->from,
                                     batch->epoch, batch->seq),
                ROLLUP_ROW_IS_BATCH, &row, 0) == ERR_OK) {
            entry.verdict = row.verdict;
            entry.key_id = row.key_id;
            entry.key = row.key;
            entry.batch = explain_proof(list, row.message);
        }
        explain_add(list, &entry);
    }
}

/* A child: what is held of it here, then what it said itself. */
static void
explain_child(struct explain_call *call, struct explain_list *list,
              const struct rollup_part *part, const struct explain_child *child)
{
    struct base_cur cur = {0};
    struct wire_explain_entry entry, below;
    enum err why = child ? child->err : ERR_LIMIT;
    if (why == ERR_OK)
        why = wire_explain_open(base_out_bytes(&child->reply), &cur);
    if (why == ERR_OK && /* an entry is 12 bytes and more */
        (list->out.size + child->reply.size + EXPLAIN_ROOM > WIRE_EXPLAIN_MAX ||
         list->count + child->reply.size / 10 + EXPLAIN_PARTS >
             WIRE_EXPLAIN_ENTRIES))
        why = ERR_LIMIT;
    entry = explain_entry(WIRE_EXPLAIN_PART, 1, part->from, part);
    entry.why = (uint8_t)(part->waiting ? ERR_PARTIAL : why);
    struct base_cur first = cur;
    if (why == ERR_OK && wire_explain_next(&first, &below) &&
        below.revision != part->revision)
        entry.has |= WIRE_EXPLAIN_CHANGED;
    explain_add(list, &entry);
    if (child)
        explain_batches(call, list, child);
    while (why == ERR_OK && wire_explain_next(&cur, &below)) {
        if (below.depth + 2 > WIRE_EXPLAIN_DEPTH)
            continue;
        below.depth = (uint8_t)(below.depth + 2);
        explain_add(list, &below);
    }
}

/* --- the end --- */

static void
explain_free(struct explain_call *call)
{
    for (unsigned i = 0; i < call->child_count; i++) {
        base_out_done(&call->children[i].reply);
        base_out_done(&call->children[i].held);
    }
    base_list_remove(&call->link);
    call->rollup->explain_count--;
    base_arena_done(&call->arena);
    base_mem_free(call);
}

static void
explain_done(struct explain_call *call)
{
    struct explain_list list = {0};
    struct rollup_part own = call->figure.sum;
    base_out_grow(&list.out, WIRE_EXPLAIN_MAX);
    wire_explain_begin(&list.out);
    own.epoch = call->figure.epoch;
    own.revision = call->figure.revision;
    struct wire_explain_entry entry =
        explain_entry(WIRE_EXPLAIN_NODE, 0, call->rollup->own, &own);
    if (call->figure.parts_left > 0)
        entry.why = ERR_LIMIT;
    explain_add(&list, &entry);
    for (unsigned i = 0; i < call->figure.part_count; i++) {
        const struct rollup_part *part = &call->figure.parts[i];
        const struct explain_child *child = NULL;
        for (unsigned c = 0; c < call->child_count && !child; c++)
            if (call->children[c].part == part)
                child = &call->children[c];
        if (part->unit)
            explain_unit(call, &list, part);
        else
            explain_child(call, &list, part, child);
    }
    wire_explain_end(&list.out, (uint16_t)list.count);
    struct rollup_explain *explain = call->explain;
    struct model_answer *answer = call->answer;
    explain_free(call);
    if (explain)
        explain->done(explain, list.out.failed, base_out_bytes(&list.out));
    else
        answer->answer(answer, list.out.failed, base_out_bytes(&list.out));
    base_out_done(&list.out);
}

static void
explain_answered(struct model_ask *ask, enum err err, struct bytes body)
{
    struct explain_child *child = BASE_OUTER(ask, struct explain_child, ask);
    struct explain_call *call = child->call;
    child->answered = true;
    child->err = err;
    if (err == ERR_OK)
        base_out_bytes_add(&child->reply, body);
    if (err == ERR_OK)
        child->err = child->reply.failed;
    if (--call->waiting == 0)
        explain_done(call);
}

void
rollup_explain_drop(struct rollup *rollup)
{
    struct model_port *port = rollup->config.port;
    while (!base_list_empty(&rollup->explains)) {
        struct explain_call *call =
            BASE_OUTER(rollup->explains.next, struct explain_call, link);
        for (unsigned i = 0; i < call->child_count; i++)
            if (!call->children[i].answered)
                port->ops->forget(port, &call->children[i].ask);
        explain_free(call);
    }
}

/* --- the question --- */

/* A cell of a child as it is held: which revision, from which batch. */
static bool
explain_hold(void *self, struct bytes key, struct bytes value)
{
    struct explain_child *child = self;
    struct explain_call *call = child->call;
    struct rollup *rollup = call->rollup;
    struct rollup_row_contrib *row = &rollup->merge.old;
    struct rollup_row_source source;
    if (rollup_row_source(key, call->all, &source) != ERR_OK ||
        rollup_past_contrib(rollup, &call->when, key, &source, value,
                            rollup->packs[call->pack].slots, row) != ERR_OK ||
        row->flags & ROLLUP_ROW_PLACEHOLDER)
        return true;
    if (child->held_count++ < WIRE_EXPLAIN_HELD)
        wire_explain_held_add(
            &child->held,
            &(struct wire_explain_held){row->cell, row->epoch, row->revision});
    for (unsigned i = 0; i < child->batch_count; i++)
        if (child->batches[i].seq == row->seq &&
            child->batches[i].epoch == row->epoch)
            return true;
    if (row->flags & ROLLUP_ROW_BATCH && child->batch_count < EXPLAIN_BATCHES)
        child->batches[child->batch_count++] =
            (struct explain_batch){row->epoch, row->seq};
    return true;
}

static void
explain_child_begin(struct explain_call *call, const struct rollup_part *part)
{
    struct explain_child *child = &call->children[call->child_count++];
    struct rollup_key key;
    child->call = call;
    child->part = part;
    child->ask.done = explain_answered;
    base_out_grow(&child->reply, WIRE_EXPLAIN_MAX);
    base_out_grow(&child->held, 1 << 16);
    rollup_scan(call->rollup, STORE_TABLE_CONTRIB,
                rollup_row_contrib_all(&key,
                                       call->rollup->packs[call->pack].name,
                                       call->figure.window, part->from),
                explain_hold, child);
    if (child->held_count > WIRE_EXPLAIN_HELD) /* as it is now, then */
        base_out_reset(&child->held);
}

static void
explain_child_ask(struct explain_call *call, struct explain_child *child,
                  unsigned deadline_ms)
{
    struct model_port *port = call->rollup->config.port;
    struct base_out body, cells;
    uint8_t room[MODEL_CELLS_TEXT];
    base_out_grow(&body, 1 << 17);
    base_out_fixed(&cells, room, sizeof room);
    model_cells_write(&call->cells, &cells);
    wire_explain_ask_write(&body,
                           &(struct wire_explain_ask){
                               .window = call->figure.window,
                               .limit = EXPLAIN_PARTS,
                               .pack = base_bytes_text(call->name.pack->name),
                               .name = base_bytes_text(call->name.name),
                               .cells = base_out_bytes(&cells),
                               .held = base_out_bytes(&child->held)});
    port->ops->ask(port, MODEL_CHANNEL_FIGURE_CALL,
                   MODEL_KIND_FIGURE_CALL_EXPLAIN, child->part->from,
                   base_out_bytes(&body), deadline_ms, &child->ask);
    base_out_done(&body);
}

static void
explain_ask(struct explain_call *call, unsigned deadline_ms)
{
    for (unsigned i = 0;
         i < call->figure.part_count && call->child_count < EXPLAIN_CHILDREN;
         i++) {
        if (call->figure.parts[i].unit)
            continue;
        explain_child_begin(call, &call->figure.parts[i]);
    }
    call->waiting = call->child_count + 1; /* done only after the loop */
    for (unsigned i = 0; i < call->child_count; i++)
        explain_child_ask(call, &call->children[i], deadline_ms);
    if (--call->waiting == 0)
        explain_done(call);
}

/* When this node had made what the asker holds; what it has not kept, now. */
static enum err
explain_when(struct rollup *rollup, const struct rollup_ask *ask,
             struct bytes held, struct base_arena *arena,
             struct rollup_when *ret_when)
{
    struct wire_explain_held one;
    struct base_cur cur;
    uint32_t window;
    int pack = rollup_pack_find(rollup, ask->pack);
    *ret_when = (struct rollup_when){
        .ms = ask->asof_ms ? ask->asof_ms : rollup_past_now(rollup)};
    if (held.size == 0 || pack < 0 ||
        rollup_query_window(rollup, (unsigned)pack, ask->at, ask->freq, 0,
                            &window, NULL) != ERR_OK)
        return ERR_OK;
    struct rollup_when_cell *cells =
        base_arena_alloc(arena, WIRE_EXPLAIN_HELD * sizeof *cells);
    if (!cells)
        return ERR_LIMIT;
    base_cur_init(&cur, held);
    while (wire_explain_held_next(&cur, &one))
        cells[ret_when->count++] = (struct rollup_when_cell){
            one.cell, rollup_past_made(rollup, (unsigned)pack, window, one.cell,
                                       one.epoch, one.revision)};
    ret_when->cells = cells;
    return ERR_OK;
}

static enum err
explain_figure(struct explain_call *call, const struct rollup_ask *ask,
               struct bytes held, struct base_note *note)
{
    struct rollup *rollup = call->rollup;
    struct rollup_answer shown;
    struct rollup_key key;
    rollup_fold_flush(rollup);
    enum err err = rollup_query_cells(rollup, ask, &call->cells, note);
    if (err == ERR_OK)
        err = explain_when(rollup, ask, held, &call->arena, &call->when);
    call->when.only = &call->cells;
    if (err == ERR_OK)
        err = rollup_query_show(rollup, ask, &call->when, &call->arena, &shown,
                                note);
    if (err == ERR_OK)
        err = rollup_query_name(rollup, ask->pack, ask->name, &call->name,
                                &call->pack, note);
    if (err != ERR_OK)
        return err;
    call->figure = shown.figures[0];
    call->all = rollup_row_total_all(&key, rollup->packs[call->pack].name,
                                     call->figure.window)
                    .size;
    return ERR_OK;
}

/* Everything that can be refused at once; then the call is under way. */
static enum err
explain_begin(struct rollup *rollup, const struct rollup_ask *ask,
              struct bytes held, struct rollup_explain *explain,
              struct model_answer *answer, unsigned deadline_ms,
              struct base_note *note)
{
    if (rollup->explain_count >= ROLLUP_EXPLAINS) {
        base_stat_inc(&rollup->stats.limit_explain, 1);
        return base_err_note(note, ERR_LIMIT,
                             "too many explanations are under way");
    }
    struct explain_call *call = base_mem_zero(sizeof *call);
    call->rollup = rollup;
    call->explain = explain;
    call->answer = answer;
    base_list_add(&rollup->explains, &call->link);
    rollup->explain_count++;
    base_arena_init(&call->arena, 1 << 20);
    enum err err = explain_figure(call, ask, held, note);
    if (err != ERR_OK) {
        explain_free(call);
        return err;
    }
    if (explain) {
        explain->name = call->name;
        explain->cells = call->cells;
        explain->window = call->figure.window;
        explain->at_ms = call->when.ms;
    }
    explain_ask(call, deadline_ms);
    return ERR_OK;
}

enum err
rollup_explain(struct rollup *rollup, const struct rollup_ask *ask,
               struct rollup_explain *explain, struct base_note *note)
{
    struct rollup_ask one = *ask;
    one.last = 1;
    one.vintage = 0;
    one.parts = EXPLAIN_PARTS;
    return explain_begin(rollup, &one, (struct bytes){0}, explain, NULL,
                         EXPLAIN_MS, note);
}

/* A question from another node. text: room for the window's text. */
static enum err
explain_question(struct rollup *rollup, const struct model_message *message,
                 struct rollup_ask *ask, char text[MODEL_WINDOW_TEXT],
                 struct bytes *ret_held)
{
    struct wire_explain_ask question;
    enum err err = wire_explain_ask_read(message->body, &question);
    if (err != ERR_OK)
        return err;
    *ask = (struct rollup_ask){.pack = question.pack,
                               .name = question.name,
                               .last = question.limit,
                               .cells = question.cells};
    *ret_held = question.held;
    int pack = rollup_pack_find(rollup, question.pack);
    if (question.window && pack >= 0)
        ask->at = base_bytes_text(model_calendar_text(
            &rollup->packs[pack].pack->calendar, question.window, text));
    return ERR_OK;
}

void
rollup_take_explain(void *engine, const struct model_message *message,
                    struct model_answer *answer)
{
    struct rollup_ask ask = {0};
    char text[MODEL_WINDOW_TEXT];
    unsigned left = message->left_ms;
    struct bytes held = {0};
    struct rollup *rollup = engine;
    enum err err =
        model_id_covers(message->from, rollup->own) ? ERR_OK : ERR_DENIED;
    if (err == ERR_OK) /* its units and returns are for those above alone */
        err = explain_question(rollup, message, &ask, text, &held);
    ask.last = 1;
    ask.parts = EXPLAIN_PARTS;
    left = left > 2 * EXPLAIN_HOP_MS ? left - EXPLAIN_HOP_MS : left / 2;
    if (err == ERR_OK)
        err = explain_begin(rollup, &ask, held, NULL, answer, left, NULL);
    if (err != ERR_OK)
        answer->answer(answer, err, (struct bytes){0});
}

void
rollup_take_table(void *engine, const struct model_message *message,
                  struct model_answer *answer)
{
    struct rollup_ask ask = {0};
    struct rollup_answer shown = {0};
    struct explain_list list = {0};
    struct base_arena arena;
    char text[MODEL_WINDOW_TEXT];
    base_arena_init(&arena, 1 << 20);
    base_out_grow(&list.out, WIRE_EXPLAIN_MAX);
    wire_explain_begin(&list.out);
    struct bytes held = {0};
    enum err err = explain_question(engine, message, &ask, text, &held);
    if (ask.last > EXPLAIN_TABLE)
        ask.last = EXPLAIN_TABLE;
    if (err == ERR_OK)
        err = rollup_show(engine, &ask, &arena, &shown, NULL);
    for (unsigned i = 0; i < shown.count; i++) {
        struct rollup_part sum = shown.figures[i].sum;
        sum.epoch = shown.figures[i].epoch;
        sum.revision = shown.figures[i].revision;
        model_calendar_text(&shown.name.pack->calendar, shown.figures[i].window,
                            text);
        struct wire_explain_entry entry =
            explain_entry(WIRE_EXPLAIN_WINDOW, 0, base_bytes_text(text), &sum);
        explain_add(&list, &entry);
    }
    wire_explain_end(&list.out, (uint16_t)list.count);
    answer->answer(answer, err,
                   err == ERR_OK ? base_out_bytes(&list.out)
                                 : (struct bytes){0});
    base_out_done(&list.out);
    base_arena_done(&arena);
}
