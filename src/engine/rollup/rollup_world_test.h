/* rollup_world_test.h -- a small tree of rollups on one thread, for tests.
 *
 * Each node has its own loop (they run in turn, 20 ms each), a real journal on
 * a disk in memory, a real LMDB environment in a temporary folder, and a port
 * that carries batches to its parent as tier would: after the sync, up to four
 * at a time, cut and repeated when told to.  node_crash takes the power away.
 *
 * Pack `t`: minutes (not sealed) and hours (sealed 2 minutes after their end),
 * due 5 s, a dim of three regions A, B, C; inputs busy and all (s, scale 2),
 * measures of the same names, metric share = busy / all * 100 %. */
#ifndef ROLLUP_WORLD_TEST_H
#define ROLLUP_WORLD_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_rng.h"
#include "crypt/crypt_hash.h"
#include "engine/rollup/rollup_inner.h"
#include "fault/fault_files.h"
#include "fault/fault_loop.h"
#include "model/model_source_test.h"
#include "wire/figure/wire_figure.h"
#include "wire/figure/wire_unit.h"

enum {
    WORLD_NODES = 8,
    WORLD_SLICE_MS = 20,
    WORLD_START = 1763758800
}; /* 2025-11-22T05:00 +08 */

struct node {
    struct model_port port; /* first: it is one */
    struct world *world;
    struct node *parent;
    struct fault_loop loop;
    const char *prefix, *code;
    struct fault_files *disk;
    struct store_journal *journal;
    struct store_kv *kv;
    struct base_stats stats;
    struct base_log log;
    struct rollup *rollup;
    struct model_audit audit;
    char said[200]; /* to the audit log, last */
    struct crypt_key *key;
    uint32_t epoch, life; /* life: how often it was opened */
    char folder[64];
    /* what came */
    unsigned folded, in_flight, batches, conflicts, mismatches;
    enum err folded_err;
    uint32_t link_no; /* a link after a cut is another one */
    bool cut;         /* the link to the parent is down */
    struct base_task pump;
    bool pumped;
    struct base_out last; /* the last batch sent */
    uint64_t last_seq;
};

struct world {
    struct base_rng rng;
    int64_t now_ms; /* since the start */
    struct base_link messages;
    struct model_pack *packs[2];
    struct model_pack_list list;
    struct node nodes[WORLD_NODES];
    unsigned count;
    unsigned lose, repeat; /* of 100 batches */
    unsigned delivered;
    bool sign; /* every node has a key, which its parent knows */
};

static const char world_pack[] =
    "pack: t\nversion: 1.0.0\nagency: \"88\"\ntitle: {zh: t, en: T}\n"
    "window:\n  freq: [minute, hour]\n  zone: \"+08:00\"\n  due: 5s\n"
    "  grace: 2m\n  keep: {minute: 2d, hour: 400d}\n"
    "  seal: {minute: none, hour: auto}\n"
    "grain: object\nscope: \"class == 'host'\"\ncarry: partial\n"
    "dims: {region: reg}\n"
    "inputs:\n"
    "  busy: {unit: s, scale: 2, kind: flow, label: {zh: b, en: b},\n"
    "    source: {series: {match: busy_total, fold: delta}}}\n"
    "  all: {unit: s, scale: 2, kind: flow, label: {zh: a, en: a},\n"
    "    source: {series: {match: all_total, fold: delta}}}\n"
    "measures:\n"
    "  busy: {agg: flow, expr: busy, unit: s, scale: 2,\n"
    "    label: {zh: b, en: b}}\n"
    "  all: {agg: flow, expr: all, unit: s, scale: 2,\n"
    "    label: {zh: a, en: a}}\n"
    "metrics:\n"
    "  share: {ratio: [busy, all], times: 100, digits: 1, unit: \"%\",\n"
    "    label: {zh: s, en: s}}\n";

static const char world_codes[] =
    "code,parent,name_zh,name_en,valid_from,valid_to,flags\n"
    "A,N,a,a,,,coast\nB,N,b,b,,,\nC,,c,c,,,coast|far\nN,,n,n,,,\n";

static inline struct model_pack *
world_load(const char *folder, const char *text, const char *codes)
{
    char path[64];
    const struct source_test_file files[] = {
        {path, text}, {"packs/codes/reg.csv", codes}, {NULL, NULL}};
    struct source_test test = source_test(NULL, files);
    struct model_pack *pack = NULL;
    struct base_note note = {0};
    snprintf(path, sizeof path, "%s/pack.yaml", folder);
    test.source.sha256 = crypt_hash_sha256;
    if (model_pack_load(&test.source, folder, "packs/codes", &pack, &note) !=
        ERR_OK)
        fail_msg("%s %u:%u %s", note.where, note.line, note.column, note.text);
    return pack;
}

/* --- the port --- */

static inline struct node *
node_of(struct model_port *port)
{
    return BASE_OUTER(port, struct node, port);
}

static inline struct node *
node_find(struct world *world, struct bytes prefix)
{
    for (unsigned i = 0; i < world->count; i++)
        if (base_bytes_equal_folded(base_bytes_text(world->nodes[i].prefix),
                                    prefix))
            return &world->nodes[i];
    return NULL;
}

static inline void
node_wake(struct node *node)
{
    if (node->pumped || !node->rollup)
        return;
    node->pumped = true;
    base_loop_post(&node->loop.base, &node->pump);
}

struct world_message { /* on its way up, and its answer on the way back */
    struct model_answer answer;
    struct base_link link; /* in the world's messages */
    struct node *from, *to;
    uint32_t life, link_no; /* of the sender then */
    struct store_journal_wait wait;
    struct base_task task;
    struct base_out body, ack;
    uint64_t seq;
    enum err err;
    bool extra; /* a repetition: nobody waits for its answer */
};

static inline void
world_message_free(struct world_message *message)
{
    base_list_remove(&message->link);
    base_out_done(&message->body);
    base_out_done(&message->ack);
    base_mem_free(message);
}

static inline bool
world_lives(const struct world_message *message)
{
    const struct node *node = message->from;
    return node->rollup && node->life == message->life &&
           node->link_no == message->link_no && !node->cut;
}

static inline void
world_acked(struct base_task *task)
{
    struct world_message *message =
        BASE_OUTER(task, struct world_message, task);
    struct node *node = message->from;
    if (!message->extra && world_lives(message)) {
        node->in_flight--;
        if (message->err == ERR_OK)
            rollup_acked(node->rollup, (struct bytes){0}, message->seq,
                         base_out_bytes(&message->ack));
        else
            rollup_linked(node->rollup, (struct bytes){0}, false);
        node_wake(node);
    }
    world_message_free(message);
}

static inline void
world_answer(struct model_answer *answer, enum err err, struct bytes body)
{
    struct world_message *message =
        BASE_OUTER(answer, struct world_message, answer);
    message->err = err;
    base_out_bytes_add(&message->ack, body);
    message->task.fn = world_acked;
    base_loop_post(&message->from->loop.base, &message->task);
}

static inline void
world_deliver(struct world_message *message)
{
    struct node *to = message->to;
    struct model_message in = {
        .channel = MODEL_CHANNEL_FIGURE,
        .kind = MODEL_KIND_FIGURE_BATCH,
        .version = 1,
        .from = base_bytes_text(message->from->prefix),
        .body = base_out_bytes(&message->body),
        .seq = message->seq,
    };
    message->answer.answer = world_answer;
    message->from->world->delivered++;
    if (to->rollup)
        rollup_take_batch(to->rollup, &in, &message->answer);
    else
        world_answer(&message->answer, ERR_LOST, (struct bytes){0});
}

static inline struct world_message *
world_message(struct node *node, struct bytes body, uint64_t seq)
{
    struct world_message *message = base_mem_zero(sizeof *message);
    message->from = node;
    message->to = node->parent;
    message->life = node->life;
    message->link_no = node->link_no;
    message->seq = seq;
    base_list_add(&node->world->messages, &message->link);
    base_out_grow(&message->body, 2 << 20);
    base_out_grow(&message->ack, 4096);
    base_out_bytes_add(&message->body, body);
    return message;
}

/* The link breaks: what was in flight is forgotten. */
static inline void
node_cut(struct node *node, bool resync)
{
    node->in_flight = 0;
    node->link_no++;
    if (node->rollup)
        rollup_linked(node->rollup, (struct bytes){0}, resync);
    node_wake(node);
}

static inline void
world_synced(struct store_journal_wait *wait, enum err err)
{
    struct world_message *message =
        BASE_OUTER(wait, struct world_message, wait);
    struct node *node = message->from;
    struct world *world = node->world;
    if (err != ERR_OK || !world_lives(message)) {
        world_message_free(message);
        return;
    }
    if (base_rng_below(&world->rng, 100) < world->lose) {
        world_message_free(message);
        node_cut(node, false);
        return;
    }
    if (base_rng_below(&world->rng, 100) < world->repeat) {
        struct world_message *extra =
            world_message(node, base_out_bytes(&message->body), message->seq);
        extra->extra = true;
        world_deliver(extra);
    }
    world_deliver(message);
}

static inline void
node_pump(struct base_task *task)
{
    struct node *node = BASE_OUTER(task, struct node, pump);
    struct base_arena arena;
    struct bytes body;
    uint64_t seq;
    node->pumped = false;
    base_arena_init(&arena, 2 << 20);
    while (node->rollup && node->parent && node->parent->rollup && !node->cut &&
           node->in_flight < 4 &&
           rollup_next(node->rollup, (struct bytes){0}, &arena, &body, &seq) ==
               ERR_OK) {
        struct world_message *message = world_message(node, body, seq);
        assert_true(seq > node->last_seq); /* over restarts too */
        node->last_seq = seq;
        node->in_flight++;
        node->batches++;
        base_out_reset(&node->last);
        base_out_bytes_add(&node->last, body);
        message->wait.fn = world_synced;
        message->wait.loop = &node->loop.base;
        store_journal_barrier(node->journal, &message->wait);
        base_arena_reset(&arena);
    }
    base_arena_done(&arena);
}

static inline void
port_dirty(struct model_port *port, enum model_channel channel, struct bytes to)
{
    assert_int_equal(channel, MODEL_CHANNEL_FIGURE);
    assert_int_equal(to.size, 0);
    node_wake(node_of(port));
}

struct world_call {
    struct model_answer answer;
    struct model_ask *ask;
    struct base_task task;
    struct base_out body;
    enum err err;
};

static inline void
world_call_done(struct base_task *task)
{
    struct world_call *call = BASE_OUTER(task, struct world_call, task);
    call->ask->done(call->ask, call->err, base_out_bytes(&call->body));
    base_out_done(&call->body);
    base_mem_free(call);
}

static inline void
world_call_answer(struct model_answer *answer, enum err err, struct bytes body)
{
    struct world_call *call = BASE_OUTER(answer, struct world_call, answer);
    struct node *node = call->ask->owner;
    call->err = err;
    base_out_bytes_add(&call->body, body);
    call->task.fn = world_call_done;
    base_loop_post(&node->loop.base, &call->task);
}

static inline void
port_ask(struct model_port *port, enum model_channel channel, unsigned kind,
         struct bytes to, struct bytes body, unsigned deadline_ms,
         struct model_ask *ask)
{
    struct node *node = node_of(port), *below = node_find(node->world, to);
    struct world_call *call = base_mem_zero(sizeof *call);
    struct model_message in = {.channel = (uint8_t)channel,
                               .kind = (uint8_t)kind,
                               .from = base_bytes_text(node->prefix),
                               .to = to,
                               .body = body,
                               .left_ms = deadline_ms};
    call->ask = ask;
    call->answer.answer = world_call_answer;
    ask->owner = node;
    base_out_grow(&call->body, 2 << 20);
    if (!below || !below->rollup || below->cut)
        world_call_answer(&call->answer, ERR_TIMEOUT, (struct bytes){0});
    else
        rollup_take_explain(below->rollup, &in, &call->answer);
}

static inline void
port_forget(struct model_port *port, struct model_ask *ask)
{
    (void)port, (void)ask;
}

static inline void
port_tell(struct model_port *port, struct model_event *event)
{
    struct node *node = node_of(port);
    assert_int_equal(event->kind, MODEL_EVENT_FOLDED);
    node->folded++;
    node->folded_err = BASE_OUTER(event, struct model_event_folded, event)->err;
    base_mem_free(event);
}

static inline struct bytes
port_parent(struct model_port *port)
{
    struct node *parent = node_of(port)->parent;
    return base_bytes_text(parent ? parent->prefix : "");
}

static const struct model_port_ops world_port_ops = {
    .dirty = port_dirty,
    .ask = port_ask,
    .forget = port_forget,
    .tell = port_tell,
    .parent = port_parent,
};

static inline void
node_log(struct base_log *self, enum base_log_level level, const char *area,
         const char *event, const char *pairs)
{
    struct node *node = BASE_OUTER(self, struct node, log);
    (void)area;
    if (getenv("WORLD_LOG"))
        fprintf(stderr, "%s %d %s %s\n", node->prefix, level, event, pairs);
    node->conflicts += strcmp(event, "conflict") == 0;
    node->mismatches += strcmp(event, "pack_mismatch") == 0;
}

/* --- nodes --- */

static inline uint32_t
node_epoch(void *self)
{
    return ((struct node *)self)->epoch;
}

static inline enum err
node_hear(struct model_audit *audit, const struct model_audit_event *event)
{
    struct node *node = BASE_OUTER(audit, struct node, audit);
    assert_int_equal(event->after.size, 32);
    snprintf(node->said, sizeof node->said, "%s %.*s: %s %.*s",
             model_grant_kind_name(event->actor->kind),
             (int)event->actor->name.size, (const char *)event->actor->name.at,
             event->action, (int)event->object.size,
             (const char *)event->object.at);
    return ERR_OK;
}

static inline struct bytes
node_key_of(void *self, struct bytes child)
{
    static uint8_t room[64];
    struct node *node = node_find(((struct node *)self)->world, child);
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    if (node && node->world->sign)
        assert_int_equal(crypt_key_public(node->key, &out), ERR_OK);
    return base_out_bytes(&out);
}

static inline void
node_rewound(void *self)
{
    struct node *node = self;
    if (node->rollup)
        rollup_rewound(node->rollup);
}

static inline void
node_open(struct node *node)
{
    struct world *world = node->world;
    struct base_note note = {0};
    const struct store_journal_config journal = {
        .files = fault_files_base(node->disk),
        .loop = &node->loop.base,
        .random = &world->rng.random,
        .stats = &node->stats,
        .log = &node->log,
        .folder = "/data/journal",
        .shards = 1,
        .file_bytes = 1 << 20,
        .ignore_marks = true,
    };
    const struct store_kv_config kv = {
        .loop = &node->loop.base,
        .stats = &node->stats,
        .log = &node->log,
        .folder = node->folder,
        .owner = STORE_JOURNAL_ROLLUP,
        .map_bytes = 64 << 20,
        .no_sync = true,
        .rewound = node_rewound,
        .self = node,
    };
    const struct rollup_code code = {"region", node->code};
    assert_int_equal(store_journal_open(&journal, &node->journal, &note),
                     ERR_OK);
    struct store_kv_config with = kv;
    with.journal = node->journal;
    assert_int_equal(store_kv_open(&with, &node->kv, &note), ERR_OK);
    assert_int_equal(store_journal_start(node->journal), ERR_OK);
    node->port.ops = &world_port_ops;
    node->port.own = base_bytes_text(node->prefix);
    const struct rollup_config config = {
        .kv = node->kv,
        .loop = &node->loop.base,
        .port = &node->port,
        .packs = &world->list,
        .codes = &code,
        .code_count = node->code ? 1 : 0,
        .epoch = node_epoch,
        .epoch_self = node,
        .key = node->key,
        .audit = &node->audit,
        .key_of = node_key_of,
        .key_self = node,
        .stats = &node->stats,
        .log = &node->log,
    };
    node->audit.append = node_hear;
    node->life++;
    node->pumped = false;
    assert_int_equal(rollup_new(&config, &node->rollup, &note), ERR_OK);
    rollup_start(node->rollup);
    node->in_flight = 0;
    if (node->parent)
        rollup_linked(node->rollup, (struct bytes){0}, false);
    for (unsigned i = 0; i < world->count; i++)
        if (world->nodes[i].parent == node)
            node_cut(&world->nodes[i], false);
}

static inline struct node *
world_node(struct world *world, const char *prefix, const char *code,
           struct node *parent)
{
    struct node *node = &world->nodes[world->count++];
    *node = (struct node){.world = world,
                          .prefix = prefix,
                          .code = code,
                          .parent = parent,
                          .epoch = 1,
                          .log.write = node_log,
                          .pump.fn = node_pump,
                          .disk = fault_files_new(world->count)};
    base_stat_init(&node->stats);
    base_out_grow(&node->last, 2 << 20);
    fault_loop_init(&node->loop, (struct wall){WORLD_START * INT64_C(1000)});
    fault_loop_run(&node->loop, world->now_ms);
    strcpy(node->folder, "/tmp/rollup_test.XXXXXX");
    assert_non_null(mkdtemp(node->folder));
    if (world->sign)
        assert_int_equal(crypt_key_make(CRYPT_KEY_ED25519, &node->key), ERR_OK);
    node_open(node);
    return node;
}

static inline void
world_init(struct world *world, uint64_t seed)
{
    *world = (struct world){0};
    base_list_init(&world->messages);
    base_rng_seed(&world->rng, seed);
    world->packs[0] = world_load("packs/t", world_pack, world_codes);
    world->list = (struct model_pack_list){world->packs, 1};
}

static inline void
world_run(struct world *world, int64_t ms)
{
    for (int64_t end = world->now_ms + ms; world->now_ms < end;) {
        int64_t step = end - world->now_ms;
        step = step < WORLD_SLICE_MS ? step : WORLD_SLICE_MS;
        world->now_ms += step;
        for (unsigned i = 0; i < world->count; i++)
            fault_loop_run(&world->nodes[i].loop, step);
    }
}

/* What the engine waits for will never be told: let it free itself. */
static inline void
node_end(struct node *node, bool crash)
{
    struct rollup_waiting *left[256];
    unsigned count = 0;
    fault_loop_crash(&node->loop);
    for (struct base_link *link = node->rollup->waits.next;
         link != &node->rollup->waits && count < BASE_COUNT(left);
         link = link->next)
        left[count++] = BASE_OUTER(link, struct rollup_waiting, link);
    rollup_free(node->rollup);
    node->rollup = NULL;
    if (crash) {
        store_kv_crash(node->kv);
        store_journal_crash(node->journal);
    } else {
        store_kv_shut(node->kv);
        store_journal_shut(node->journal);
    }
    for (unsigned i = 0; i < count; i++)
        left[i]->wait.fn(&left[i]->wait, ERR_CLOSED);
}

/* The power goes; children see their link break.  node_open brings it back. */
static inline void
node_crash(struct node *node, enum fault_files_loss loss)
{
    struct world *world = node->world;
    node_end(node, true);
    fault_files_crash(node->disk, loss);
    for (unsigned i = 0; i < world->count; i++)
        if (world->nodes[i].parent == node)
            node_cut(&world->nodes[i], false);
}

/* Removes what the environment left in its temporary folder. */
static inline void
node_remove(struct node *node)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "owner.lock"};
    char path[128];
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/%s", node->folder, names[i]);
        unlink(path);
    }
    rmdir(node->folder);
}

static inline void
world_done(struct world *world)
{
    for (unsigned i = 0; i < world->count; i++)
        world->nodes[i].cut = true;
    world_run(world, 100);
    for (unsigned i = 0; i < world->count; i++) {
        struct node *node = &world->nodes[i];
        if (node->rollup)
            node_end(node, false);
        fault_loop_done(&node->loop);
        fault_files_free(node->disk);
        base_stat_done(&node->stats);
        crypt_key_free(node->key);
        base_out_done(&node->last);
        node_remove(node);
    }
    while (!base_list_empty(&world->messages))
        world_message_free(
            BASE_OUTER(world->messages.next, struct world_message, link));
    model_pack_free(world->packs[0]);
    if (world->packs[1])
        model_pack_free(world->packs[1]);
}

/* --- what comes in --- */

static inline void
node_unit_of(struct node *node, const char *id, const char *class_name,
             bool active, const char *codes)
{
    uint8_t room[WIRE_UNIT_MAX];
    struct base_out out;
    enum err code;
    base_out_fixed(&out, room, sizeof room);
    wire_unit_write(
        &out, &(struct wire_unit){.id = base_bytes_text(id),
                                  .class_name = base_bytes_text(class_name),
                                  .attributes = base_bytes_text(codes),
                                  .active = active});
    struct model_message message = {.from = base_bytes_text(node->prefix),
                                    .body = base_out_bytes(&out)};
    struct store_kv_batch *batch = store_kv_batch_new(node->kv);
    assert_int_equal(rollup_take_unit(node->rollup, &message, batch, &code),
                     MODEL_TOOK_OK);
    assert_int_equal(store_kv_commit(node->kv, batch, NULL, NULL), ERR_OK);
}

static inline void
node_unit(struct node *node, const char *id, const char *class_name,
          bool active)
{
    node_unit_of(node, id, class_name, active, "");
}

static inline void
node_fold_at(struct node *node, const char *id, uint32_t window, uint64_t mask,
             int64_t busy, int64_t all, uint64_t sequence)
{
    struct model_event_fold *fold = base_mem_zero(sizeof *fold);
    fold->event.kind = MODEL_EVENT_FOLD;
    fold->window = window;
    fold->sequence = sequence;
    fold->mask = mask;
    fold->values[0] = busy;
    fold->values[1] = all;
    fold->unit_size = (uint8_t)strlen(id);
    memcpy(fold->unit, id, strlen(id));
    rollup_take_fold(node->rollup, &fold->event);
    base_mem_free(fold);
}

static inline void
node_fold(struct node *node, const char *id, uint32_t window, int64_t busy,
          int64_t all)
{
    node_fold_at(node, id, window, 3, busy, all, 0);
}

static inline uint32_t
world_minute(struct world *world, int64_t minutes)
{
    uint32_t window = 0;
    struct wall at = {WORLD_START * INT64_C(1000) + minutes * 60000};
    assert_int_equal(model_window_at(MODEL_FREQ_MINUTE,
                                     world->packs[0]->calendar.zone_s, at,
                                     &window),
                     ERR_OK);
    return window;
}

/* --- what is there --- */

static inline bool
node_total(struct node *node, uint32_t window, uint32_t cell,
           struct rollup_row_total *ret_row)
{
    struct rollup_key key;
    rollup_fold_flush(node->rollup);
    return rollup_get(
               node->rollup, STORE_TABLE_TOTAL,
               rollup_row_total_key(&key, base_bytes_text("t"), window, cell),
               ROLLUP_ROW_IS_TOTAL, ret_row, 4) == ERR_OK;
}

/* "expected reported busy all" of a cell, - for absent; "none" without it. */
static inline const char *
node_sums(struct node *node, uint32_t window, uint32_t cell)
{
    static char text[4][200];
    static unsigned at;
    char *to = text[at++ % 4], number[BASE_DEC_TEXT];
    struct rollup_row_total row;
    size_t size = 0;
    if (!node_total(node, window, cell, &row))
        return "none";
    to[0] = 0;
    for (unsigned i = 0; i < 4; i++)
        size += (size_t)snprintf(
            to + size, 200 - size, "%s%s", i ? " " : "",
            row.figure.mask >> i & 1
                ? base_dec_int_text(row.figure.slots[i].sum, number)
                : "-");
    return to;
}

static inline void
world_differs(void *self, const struct rollup_difference *difference)
{
    struct node *node = self;
    fail_msg("%s: window %08x cell %u is not what it adds up to", node->prefix,
             difference->window, difference->cell);
}

static inline uint64_t
node_audit(struct node *node)
{
    uint64_t totals = 0;
    assert_int_equal(rollup_audit(node->rollup, world_differs, node, &totals),
                     ERR_OK);
    return totals;
}

struct world_rows {
    unsigned count;
};

static inline bool
world_count_row(void *self, struct bytes key, struct bytes value)
{
    struct world_rows *rows = self;
    (void)key, (void)value;
    rows->count++;
    return true;
}

static inline unsigned
node_rows(struct node *node, uint16_t table)
{
    struct world_rows rows = {0};
    rollup_fold_flush(node->rollup);
    rollup_scan(node->rollup, table, (struct bytes){0}, world_count_row, &rows);
    return rows.count;
}

#endif
