/* rollup_explain.c -- the way down: from a figure to the samples under it.
 *
 * This node's entry and its parts come from its own rows; the largest of the
 * children are asked for theirs, each with half a second less than was left
 * here.  What does not answer is said to be missing, with the reason. */
#include "base/base_mem.h"
#include "engine/rollup/rollup_inner.h"
#include "wire/figure/wire_explain.h"

enum {
    EXPLAIN_MS = 5000,
    EXPLAIN_HOP_MS = 500,
    EXPLAIN_CHILDREN = 16,
    EXPLAIN_PARTS = 64,
    EXPLAIN_ROOM = 65536, /* kept free for this node's own entries */
    EXPLAIN_TABLE = 1000,
};

struct explain_call;

struct explain_child {
    struct model_ask ask;
    struct explain_call *call;
    const struct rollup_part *part;
    bool answered;
    enum err err;
    struct base_out reply;
};

struct explain_call {
    struct base_link link;
    struct rollup *rollup;
    struct rollup_explain *explain; /* or */
    struct model_answer *answer;
    struct base_arena arena;
    struct rollup_name name;
    struct rollup_figure figure;
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

/* A unit: where its samples stood, and its inputs. */
static void
explain_unit(struct explain_call *call, struct explain_list *list,
             const struct rollup_part *part)
{
    struct rollup *rollup = call->rollup;
    const struct model_pack *pack = call->name.pack;
    struct rollup_row_contrib *row = &rollup->merge.old;
    struct rollup_key key;
    struct wire_explain_entry entry =
        explain_entry(WIRE_EXPLAIN_UNIT, 1, part->from, part);
    entry.shard = part->shard;
    entry.sequence = part->sequence;
    entry.has |= WIRE_EXPLAIN_SAMPLE;
    if (list->count + pack->input_count >= WIRE_EXPLAIN_ENTRIES)
        entry.why = ERR_LIMIT;
    explain_add(list, &entry);
    if (entry.why != ERR_OK ||
        rollup_get(rollup, STORE_TABLE_CONTRIB,
                   rollup_row_unit_key(&key, rollup->packs[call->pack].name,
                                       call->figure.window, part->from),
                   ROLLUP_ROW_IS_CONTRIB, row,
                   rollup->packs[call->pack].slots) != ERR_OK)
        return;
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

/* A child: what is held of it here, then what it said itself. */
static void
explain_child(struct explain_list *list, const struct rollup_part *part,
              const struct explain_child *child)
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
    for (unsigned i = 0; i < call->child_count; i++)
        base_out_done(&call->children[i].reply);
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
            explain_child(&list, part, child);
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

static void
explain_ask(struct explain_call *call, unsigned deadline_ms)
{
    struct model_port *port = call->rollup->config.port;
    struct base_out body;
    uint8_t room[512];
    base_out_fixed(&body, room, sizeof room);
    wire_explain_ask_write(&body,
                           &(struct wire_explain_ask){
                               .window = call->figure.window,
                               .limit = EXPLAIN_PARTS,
                               .pack = base_bytes_text(call->name.pack->name),
                               .name = base_bytes_text(call->name.name)});
    for (unsigned i = 0;
         i < call->figure.part_count && call->child_count < EXPLAIN_CHILDREN;
         i++) {
        if (call->figure.parts[i].unit)
            continue;
        struct explain_child *child = &call->children[call->child_count++];
        child->call = call;
        child->part = &call->figure.parts[i];
        child->ask.done = explain_answered;
        base_out_grow(&child->reply, WIRE_EXPLAIN_MAX);
    }
    call->waiting = call->child_count + 1; /* done only after the loop */
    for (unsigned i = 0; i < call->child_count; i++)
        port->ops->ask(port, MODEL_CHANNEL_FIGURE_CALL,
                       MODEL_KIND_FIGURE_CALL_EXPLAIN,
                       call->children[i].part->from, base_out_bytes(&body),
                       deadline_ms, &call->children[i].ask);
    if (--call->waiting == 0)
        explain_done(call);
}

/* Everything that can be refused at once; then the call is under way. */
static enum err
explain_begin(struct rollup *rollup, const struct rollup_ask *ask,
              struct rollup_explain *explain, struct model_answer *answer,
              unsigned deadline_ms, struct base_note *note)
{
    if (rollup->explain_count >= ROLLUP_EXPLAINS) {
        base_stat_inc(&rollup->stats.limit_explain, 1);
        return base_err_note(note, ERR_LIMIT,
                             "too many explanations are under way");
    }
    struct explain_call *call = base_mem_zero(sizeof *call);
    struct rollup_answer shown;
    call->rollup = rollup;
    call->explain = explain;
    call->answer = answer;
    base_list_add(&rollup->explains, &call->link);
    rollup->explain_count++;
    base_arena_init(&call->arena, 1 << 20);
    enum err err = rollup_show(rollup, ask, &call->arena, &shown, note);
    if (err == ERR_OK)
        err = rollup_query_name(rollup, ask->pack, ask->name, &call->name,
                                &call->pack, note);
    if (err != ERR_OK) {
        explain_free(call);
        return err;
    }
    call->figure = shown.figures[0];
    if (explain) {
        explain->name = call->name;
        explain->window = call->figure.window;
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
    return explain_begin(rollup, &one, explain, NULL, EXPLAIN_MS, note);
}

/* A question from another node. text: room for the window's text. */
static enum err
explain_question(struct rollup *rollup, const struct model_message *message,
                 struct rollup_ask *ask, char text[MODEL_WINDOW_TEXT])
{
    struct wire_explain_ask question;
    enum err err = wire_explain_ask_read(message->body, &question);
    if (err != ERR_OK)
        return err;
    *ask = (struct rollup_ask){
        .pack = question.pack, .name = question.name, .last = question.limit};
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
    enum err err = explain_question(engine, message, &ask, text);
    ask.last = 1;
    ask.parts = EXPLAIN_PARTS;
    left = left > 2 * EXPLAIN_HOP_MS ? left - EXPLAIN_HOP_MS : left / 2;
    if (err == ERR_OK)
        err = explain_begin(engine, &ask, NULL, answer, left, NULL);
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
    enum err err = explain_question(engine, message, &ask, text);
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
