/* sim_tree.c -- see sim_tree.h. */
#include "sim_tree.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "crypt/crypt_hash.h"
#include "sim_tree_check.h"
#include "sim_tree_names.h"

enum {
    TREE_START_MS = 20000,
    TREE_BEFORE_HOUR_MS = 240000,
    TREE_SLICE_MS = 1000,
    TREE_LOOK_MS = 60000,
    TREE_CLOCK_MS = 120000,
    TREE_ENOUGH = 30000,  /* steps, for each fault to happen */
    TREE_FORCED = 100000, /* of a million */
    TREE_SETTLE_MS = 1800000,
    TREE_AFTER_MS = 420000, /* the last sample: stale, due, and some */
    TREE_HOUR_MS = 4000000,
    TREE_JOIN = 150, /* once in so many slices */
    TREE_QUIET = 10, /* slices */
    TREE_DAY_MS = 86400000,
    TREE_FILE = 8 << 10,
    TREE_BATCH_MAX = 1153434,
    TREE_SPOOL_MOST = 64,
    TREE_OWNERS = 1 << STORE_JOURNAL_IDENT | 1 << STORE_JOURNAL_STREAM |
                  1 << STORE_JOURNAL_ROLLUP,
};

const struct sim_plan sim_tree_plan = {
    .per_million =
        {
            [SIM_FAULT_DROP] = 10000,
            [SIM_FAULT_DUPLICATE] = 10000,
            [SIM_FAULT_REORDER] = 10000,
            [SIM_FAULT_DELAY] = 5000,
            [SIM_FAULT_SPLIT] = 20000,
            [SIM_FAULT_CUT] = 4000,
            [SIM_FAULT_ONE_WAY] = 2000,
            [SIM_FAULT_STALL] = 3000,
            [SIM_FAULT_CORRUPT] = 5000,
            [SIM_FAULT_CRASH] = 1500,
            [SIM_FAULT_POWER] = 1500,
            [SIM_FAULT_SILENT] = 800,
            [SIM_FAULT_STOP] = 800,
            [SIM_FAULT_PAUSE] = 500,
            [SIM_FAULT_CLOCK] = 500,
            [SIM_FAULT_SYNC] = 800,
            [SIM_FAULT_FULL] = 1500,
        },
    .delay_max_ms = 20,
    .down_max_ms = 30000,
};

void
sim_tree_wrong(struct sim_tree *tree, const char *fmt, ...)
{
    va_list args;
    if (tree->result.wrong++ >= SIM_TREE_COMPLAINTS)
        return;
    printf("WRONG at %" PRId64 " ms: ", tree->world.now_ms);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
}

struct sim_tree_life *
sim_tree_life(const struct sim_tree_node *node)
{
    return node->node.tier ? node->node.engines : NULL;
}

/* --- a life --- */

static struct sim_tree_node *
tree_node(struct sim_node *node)
{
    return BASE_OUTER(node, struct sim_tree_node, node);
}

static uint32_t
life_epoch(void *self)
{
    struct sim_node *node = self;
    return tier_epoch(node->tier);
}

static enum err
life_open_stream(struct sim_tree_node *at, struct sim_tree_life *life)
{
    struct sim_node *node = &at->node;
    struct base_note note = {0};
    struct stream_config config = {
        .journal = node->journal,
        .loop = &node->loop.base,
        .port = tier_port(node->tier),
        .packs = &at->tree->pack_list,
        .stats = &node->stats,
        .log = &node->log,
        .seed = at->seed,
    };
    struct store_ts_config ts = {
        .journal = node->journal,
        .kv = node->kvs[STORE_JOURNAL_STREAM],
        .loop = &node->loop.base,
        .worker = &node->loop.base,
        .files = &node->files,
        .stats = &node->stats,
        .log = &node->log,
        .folder = "/data/seg",
        .seed = at->seed,
        .head_bytes = 4 << 20,
        .retention_ms = 30 * (int64_t)TREE_DAY_MS,
        .seal_ms = 120000,
    };
    enum err err = stream_new(&config, &life->stream);
    if (err == ERR_OK)
        err =
            store_ts_open(&ts, &life->ts, stream_replayed, life->stream, &note);
    if (err != ERR_OK && !node->ruled && !fault_files_is_off(node->disk))
        fprintf(stderr, "%s: %s %s\n", node->prefix, note.where, note.text);
    return err;
}

static bool
tree_open(struct sim_node *node)
{
    struct sim_tree_node *at = tree_node(node);
    struct sim_tree_life *life = base_mem_zero(sizeof *life);
    struct base_note note = {0};
    struct rollup_config config = {
        .kv = node->kvs[STORE_JOURNAL_ROLLUP],
        .loop = &node->loop.base,
        .port = tier_port(node->tier),
        .packs = &at->tree->pack_list,
        .codes = &at->code,
        .code_count = 1,
        .epoch = life_epoch,
        .epoch_self = node,
        .stats = &node->stats,
        .log = &node->log,
    };
    node->engines = life;
    enum err err = rollup_new(&config, &life->rollup, &note);
    if (err == ERR_OK && at->sender)
        err = life_open_stream(at, life);
    return err == ERR_OK;
}

static void
life_rollup_rows(struct sim_node *node, struct rollup *rollup)
{
    struct store_kv *kv = node->kvs[STORE_JOURNAL_ROLLUP];
    tier_add_log(node->tier, &(struct model_log_row){
                                 .channel = MODEL_CHANNEL_NAMES,
                                 .kind = MODEL_KIND_NAMES_UNIT,
                                 .max = 4096,
                                 .kv = kv,
                                 .take = rollup_take_unit,
                                 .engine = rollup,
                             });
    tier_add_state(node->tier, &(struct model_state_row){
                                   .channel = MODEL_CHANNEL_FIGURE,
                                   .kind = MODEL_KIND_FIGURE_BATCH,
                                   .max = TREE_BATCH_MAX,
                                   .kv = kv,
                                   .next = rollup_next,
                                   .acked = rollup_acked,
                                   .linked = rollup_linked,
                                   .take = rollup_take_batch,
                                   .engine = rollup,
                               });
    tier_add_call(node->tier, &(struct model_call_row){
                                  .channel = MODEL_CHANNEL_FIGURE_CALL,
                                  .kind = MODEL_KIND_FIGURE_CALL_EXPLAIN,
                                  .max = TREE_BATCH_MAX,
                                  .take = rollup_take_explain,
                                  .engine = rollup,
                              });
    tier_add_event(node->tier, &(struct model_event_row){
                                   .kind = MODEL_EVENT_FOLD,
                                   .loop = &node->loop.base,
                                   .take = rollup_take_fold,
                                   .engine = rollup,
                               });
}

static void
life_rows(struct sim_node *node, struct sim_tree_life *life)
{
    sim_tree_names_rows(node, life->ident);
    life_rollup_rows(node, life->rollup);
    if (!life->stream)
        return;
    tier_add_event(node->tier, &(struct model_event_row){
                                   .kind = MODEL_EVENT_FOLDED,
                                   .loop = &node->loop.base,
                                   .take = stream_take_folded,
                                   .engine = life->stream,
                               });
    tier_add_event(node->tier, &(struct model_event_row){
                                   .kind = MODEL_EVENT_OBJECT,
                                   .loop = &node->loop.base,
                                   .take = stream_take_object,
                                   .engine = life->stream,
                               });
}

static bool
tree_build(struct sim_node *node)
{
    struct sim_tree_node *at = tree_node(node);
    struct sim_tree_life *life = node->engines;
    struct base_note note = {0};
    struct ident_config config = {
        .prefix = node->prefix,
        .kv = node->kvs[STORE_JOURNAL_IDENT],
        .loop = &node->loop.base,
        .port = tier_port(node->tier),
        .random = &node->rng.random,
        .stats = &node->stats,
        .log = &node->log,
        .site = {.address = "127.0.0.1", .http_port = 8100},
    };
    enum err err = ident_new(&config, &life->ident, &note);
    if (err == ERR_OK && life->stream)
        err = stream_start(life->stream, life->ts,
                           rollup_folded(life->rollup, 0));
    if (err == ERR_OK && at->sender)
        err = ident_register(
            life->ident,
            base_bytes_text(at->sender->units[SIM_TREE_UNIT_HOST].id),
            base_bytes_text("host"), NULL);
    if (err == ERR_OK)
        life_rows(node, life);
    if (err == ERR_OK)
        err = ident_start(life->ident);
    return err == ERR_OK;
}

static void
tree_started(struct sim_node *node)
{
    struct sim_tree_node *at = tree_node(node);
    struct sim_tree_life *life = node->engines;
    sim_tree_check_start(at, at->tree->world.start_ms + at->tree->world.now_ms -
                                 3600000);
    rollup_start(life->rollup);
    sim_tree_names_start(at);
    if (!life->stream)
        return;
    at->door = (struct sim_tree_door){
        .sender = at->sender,
        .loop = &node->loop.base,
        .ident = life->ident,
        .stream = life->stream,
    };
    sim_tree_door_open(&at->door);
}

static void
tree_rewound(struct sim_node *node, unsigned owner)
{
    struct sim_tree_life *life = node->engines;
    if (owner == STORE_JOURNAL_IDENT && life->ident)
        ident_rewound(life->ident);
    if (owner == STORE_JOURNAL_ROLLUP && life->rollup)
        rollup_rewound(life->rollup);
}

/* The journal goes before the engines, whose watches and waits it knows. */
static void
tree_shut(struct sim_node *node)
{
    struct sim_tree_life *life = node->engines;
    if (life->ts)
        store_ts_shut(life->ts);
    life->ts = NULL;
}

static void
tree_drop(struct sim_node *node)
{
    struct sim_tree_life *life = node->engines;
    if (!life)
        return;
    stream_free(life->stream);
    rollup_free(life->rollup);
    ident_free(life->ident);
    if (life->ts)
        store_ts_crash(life->ts);
    if (tree_node(node)->sender)
        sim_tree_sender_again(tree_node(node)->sender);
    base_mem_free(life);
}

static const struct sim_node_ops tree_ops = {
    .open = tree_open,
    .build = tree_build,
    .started = tree_started,
    .rewound = tree_rewound,
    .shut = tree_shut,
    .drop = tree_drop,
};

/* --- the tree --- */

static enum err
source_load(struct model_source *source, const char *path, size_t limit,
            struct base_arena *arena, struct bytes *ret_data)
{
    (void)source;
    return sys_file_load(sys_file_real(), path, limit, arena, ret_data);
}

static enum err
source_list(struct model_source *source, const char *path,
            struct base_arena *arena, char ***ret_names, size_t *ret_count)
{
    struct sys_files *files = sys_file_real();
    (void)source;
    return files->ops->list(files, path, arena, ret_names, ret_count);
}

static void
tree_packs(struct sim_tree *tree, const char *root)
{
    static const char *const folders[SIM_TREE_PACKS] = {
        "packs/host", "tests/packs/load", "tests/packs/tree"};
    struct model_source source = {source_load, source_list, crypt_hash_sha256};
    char *codes = base_mem_format("%s/tests/packs/codes", root);
    for (unsigned i = 0; i < SIM_TREE_PACKS; i++) {
        struct base_note note = {0};
        char *folder = base_mem_format("%s/%s", root, folders[i]);
        if (model_pack_load(&source, folder, codes, &tree->packs[i], &note) !=
            ERR_OK)
            fprintf(stderr, "%s: %s:%u %s\n", folder, note.where, note.line,
                    note.text);
        must(tree->packs[i]);
        tree->tier_packs[i] =
            (struct tier_pack){tree->packs[i]->name, tree->packs[i]->shape8};
        base_mem_free(folder);
    }
    base_mem_free(codes);
    tree->pack_list = (struct model_pack_list){tree->packs, SIM_TREE_PACKS};
}

static const char *const tree_codes[SIM_TREE_CELLS] = {"E", "N", "S", "W"};

static void
tree_add(struct sim_tree *tree, unsigned number, struct sim_tree_node *above,
         unsigned label)
{
    struct sim_tree_node *at = &tree->nodes[number];
    at->tree = tree;
    at->above = above;
    if (above) {
        snprintf(at->prefix, sizeof at->prefix, "%.8s.%u", above->prefix,
                 label);
        memcpy(at->parent, above->prefix, sizeof at->parent);
    } else {
        snprintf(at->prefix, sizeof at->prefix, "%u", label);
    }
    if (number > SIM_TREE_PROVINCES) {
        at->sender = &tree->senders[number - SIM_TREE_PROVINCES - 1];
        sim_tree_sender_init(at->sender, &tree->world, at->prefix);
    }
    at->seed = base_rng_next(&tree->world.rng);
    at->cell = number % SIM_TREE_CELLS;
    at->code = (struct rollup_code){"side", tree_codes[at->cell]};
    at->node = (struct sim_node){
        .prefix = at->prefix,
        .parent = at->parent,
        .ops = &tree_ops,
        .owners = TREE_OWNERS,
        .pin = (uint8_t)(number + 1),
        .packs = tree->tier_packs,
        .pack_count = SIM_TREE_PACKS,
        .file_bytes = TREE_FILE,
    };
    sim_node_init(&at->node, &tree->world);
}

static void
tree_new(struct sim_tree *tree, const char *root, uint64_t seed,
         const struct sim_plan *plan)
{
    sim_world_init(&tree->world, seed, plan);
    tree->world.start_ms -=
        tree->world.start_ms % 3600000 + TREE_BEFORE_HOUR_MS;
    tree->world.calm = true;
    tree_packs(tree, root);
    tree_add(tree, 0, NULL, 88);
    for (unsigned i = 1; i <= SIM_TREE_PROVINCES; i++)
        tree_add(tree, i, &tree->nodes[0], i);
    for (unsigned i = 0; i < SIM_TREE_ENTERPRISES; i++)
        tree_add(tree, 1 + SIM_TREE_PROVINCES + i, &tree->nodes[1 + i / 3],
                 1 + i % 3);
}

static void
tree_done(struct sim_tree *tree)
{
    for (unsigned i = SIM_TREE_NODES; i-- > 0;)
        sim_node_done(&tree->nodes[i].node);
    for (unsigned i = 0; i < SIM_TREE_ENTERPRISES; i++)
        sim_tree_sender_done(&tree->senders[i]);
    for (unsigned i = 0; i < SIM_TREE_PACKS; i++)
        model_pack_free(tree->packs[i]);
    sim_world_done(&tree->world);
}

/* --- its course --- */

/* A kind whose turn has passed without it. */
static void
tree_force(struct sim_tree *tree, const struct sim_plan *plan, uint64_t steps)
{
    struct sim_world *world = &tree->world;
    for (unsigned i = 0; i < SIM_FAULTS; i++) {
        uint32_t *chance = &world->plan.per_million[i];
        bool due = world->steps > steps * (i + 1) / (SIM_FAULTS + 1);
        *chance = plan->per_million[i];
        if (due && world->hit[i] == 0 && *chance > 0 && *chance < TREE_FORCED)
            *chance = TREE_FORCED;
    }
}

static void
tree_clocks(struct sim_tree *tree, bool now)
{
    struct sim_world *world = &tree->world;
    for (unsigned i = 0; i < SIM_TREE_NODES; i++) {
        struct sim_tree_node *at = &tree->nodes[i];
        if (at->node.loop.wall_offset_ms == 0)
            continue;
        if (at->clock_ms == 0)
            at->clock_ms = world->now_ms +
                           (int64_t)base_rng_below(&world->rng, TREE_CLOCK_MS);
        if (!now && at->clock_ms > world->now_ms)
            continue;
        at->node.loop.wall_offset_ms = 0;
        at->clock_ms = 0;
    }
}

static void
tree_most(uint64_t *most, uint64_t now)
{
    if (now > *most)
        *most = now;
}

/* Windows that an enterprise has still to fold. */
static uint64_t
tree_folds(const struct sim_tree_node *at)
{
    const struct sim_tree_life *life = sim_tree_life(at);
    struct stream_stats stats = {0};
    if (life && life->stream)
        stream_stats(life->stream, &stats);
    return stats.dirty_windows;
}

/* What must stay bounded. */
static void
tree_look(struct sim_tree *tree)
{
    static const uint8_t owners[] = {
        0, STORE_JOURNAL_IDENT, STORE_JOURNAL_STREAM, STORE_JOURNAL_ROLLUP};
    for (unsigned i = 0; i < SIM_TREE_NODES; i++) {
        const struct sim_tree_node *at = &tree->nodes[i];
        if (!sim_tree_life(at))
            continue;
        uint64_t windows =
            sim_tree_check_rows(at, STORE_JOURNAL_ROLLUP, STORE_TABLE_WINDOW);
        uint64_t dirty =
            sim_tree_check_rows(at, STORE_JOURNAL_ROLLUP, STORE_TABLE_DIRTY);
        uint64_t spool = 0;
        for (unsigned k = 0; k < BASE_COUNT(owners); k++)
            spool += sim_tree_check_rows(at, owners[k], STORE_TABLE_TIER_OUT);
        tree_most(&tree->result.dirty_most, dirty);
        tree_most(&tree->result.spool_most, spool);
        if (dirty > (SIM_TREE_CELLS + 2) * windows) /* complete, resync */
            sim_tree_wrong(
                tree, "%s has %" PRIu64 " dirty rows of %" PRIu64 " windows",
                at->prefix, dirty, windows);
        if (spool > TREE_SPOOL_MOST)
            sim_tree_wrong(tree, "%s has %" PRIu64 " messages in its spools",
                           at->prefix, spool);
        tree_most(&tree->result.folds_most, tree_folds(at));
    }
}

static void
tree_slice(struct sim_tree *tree)
{
    int64_t minute = tree->world.now_ms / TREE_LOOK_MS;
    sim_node_run(&tree->world, TREE_SLICE_MS);
    if (tree->world.now_ms / TREE_LOOK_MS != minute)
        tree_look(tree);
}

/* `join --again`. */
static void
tree_join(struct sim_tree *tree)
{
    struct base_rng *rng = &tree->world.rng;
    if (base_rng_below(rng, TREE_JOIN) > 0)
        return;
    struct sim_tree_node *at =
        &tree->nodes[1 + base_rng_below(rng, SIM_TREE_NODES - 1)];
    if (sim_tree_life(at) && tier_again(at->node.tier) == ERR_OK)
        tree->result.joined++;
}

static bool
tree_settled_node(const struct sim_tree_node *at, bool folded)
{
    return sim_tree_life(at) && (!folded || tree_folds(at) == 0) &&
           sim_tree_check_dirty(at, NULL) == 0 &&
           (!at->sender || sim_tree_sender_settled(at->sender));
}

static bool
tree_settled(struct sim_tree *tree, bool folded)
{
    for (unsigned i = 0; i < SIM_TREE_NODES; i++)
        if (!tree_settled_node(&tree->nodes[i], folded))
            return false;
    return true;
}

static void
tree_unsettled(struct sim_tree *tree, bool folded)
{
    char first[SIM_TREE_CHECK_WORDS];
    for (unsigned i = 0; i < SIM_TREE_NODES; i++) {
        const struct sim_tree_node *at = &tree->nodes[i];
        if (tree_settled_node(at, folded))
            continue;
        uint64_t dirty = sim_tree_check_dirty(at, first);
        sim_tree_wrong(tree,
                       "%s is not settled: %s, %" PRIu64 " dirty rows (%s), "
                       "%" PRIu64 " windows to fold, %u samples not "
                       "acknowledged",
                       at->prefix, sim_tree_life(at) ? "up" : "down", dirty,
                       first, tree_folds(at),
                       at->sender ? at->sender->open_count : 0);
    }
}

static void
tree_settle(struct sim_tree *tree, int64_t at_least_ms, int64_t at_most_ms,
            bool folded)
{
    struct sim_world *world = &tree->world;
    int64_t from = world->now_ms;
    unsigned quiet = 0;
    while (world->now_ms < from + at_most_ms && quiet < TREE_QUIET) {
        tree_slice(tree);
        bool long_enough = world->now_ms > from + at_least_ms;
        quiet = long_enough && tree_settled(tree, folded) ? quiet + 1 : 0;
    }
    if (quiet < TREE_QUIET)
        tree_unsettled(tree, folded);
}

static void
tree_calm(struct sim_tree *tree)
{
    sim_node_calm(&tree->world);
    tree_clocks(tree, true);
    for (unsigned i = 0; i < SIM_TREE_ENTERPRISES; i++)
        tree->senders[i].ended = true;
    tree_settle(tree, TREE_AFTER_MS, TREE_SETTLE_MS, false);
    sim_tree_check_end(tree);
    tree_settle(tree, 0, TREE_HOUR_MS, true); /* hours end too */
    sim_tree_check_end(tree);
    sim_tree_names_check(tree);
}

static void
tree_sum(struct sim_tree *tree)
{
    struct sim_tree_result *result = &tree->result;
    result->steps = tree->world.steps;
    result->hash = tree->world.hash;
    result->simulated_ms = tree->world.now_ms;
    memcpy(result->hit, tree->world.hit, sizeof result->hit);
    for (unsigned i = 0; i < SIM_TREE_NODES; i++)
        result->starts += tree->nodes[i].node.starts;
    for (unsigned i = 0; i < SIM_TREE_ENTERPRISES; i++) {
        const struct sim_tree_sender *sender = &tree->senders[i];
        result->made += sender->made;
        result->writes += sender->writes;
        result->again += sender->again;
        result->lost += sender->lost;
        for (unsigned k = 0; k < ERR_COUNT; k++)
            result->refused[k] += sender->refused[k];
    }
}

void
sim_tree_story(const char *root, uint64_t seed, uint64_t steps,
               const struct sim_plan *plan, struct sim_tree_result *ret_result)
{
    struct sim_tree *tree = base_mem_zero(sizeof *tree);
    tree_new(tree, root, seed, plan);
    sim_node_run(&tree->world, TREE_START_MS);
    tree->world.calm = false;
    uint64_t before = tree->world.steps;
    while (tree->world.steps < before + steps) {
        tree_force(tree, plan, steps);
        tree_slice(tree);
        tree_clocks(tree, false);
        tree_join(tree);
    }
    tree->result.fault_steps = tree->world.steps - before;
    for (unsigned i = 0; i < SIM_FAULTS && steps >= TREE_ENOUGH; i++)
        if (plan->per_million[i] > 0 && tree->world.hit[i] == 0)
            sim_tree_wrong(tree, "no %s has happened", sim_world_faults[i]);
    tree_calm(tree);
    tree->result.tables = sim_tree_check_tables(tree);
    tree_sum(tree);
    *ret_result = tree->result;
    tree_done(tree);
    base_mem_free(tree);
}

void
sim_tree_print(const struct sim_tree_result *result)
{
    printf("  %" PRIu64 " steps, %" PRIu64 " with faults, %.1f hours; "
           "hash %016" PRIx64 ", tables %016" PRIx64 "\n",
           result->steps, result->fault_steps,
           (double)result->simulated_ms / 3600000, result->hash,
           result->tables);
    for (unsigned i = 0; i < SIM_FAULTS; i++)
        printf("%s%s %" PRIu64,
               i % 6 ? ", "
               : i   ? ",\n  "
                     : "  ",
               sim_world_faults[i], result->hit[i]);
    printf("\n  %" PRIu64 " starts, %" PRIu64 " samples, %" PRIu64
           " writes (%" PRIu64 " after a loss, %" PRIu64 " again), refused",
           result->starts, result->made, result->writes, result->lost,
           result->again);
    for (unsigned i = 1; i < ERR_COUNT; i++)
        if (result->refused[i])
            printf(" %s %" PRIu64, base_err_name((enum err)i),
                   result->refused[i]);
    printf("\n  at most %" PRIu64 " dirty rows, %" PRIu64 " in spools, %" PRIu64
           " windows to fold; joined again %" PRIu64 "\n  %" PRIu64
           " windows, %" PRIu64 " figures, %" PRIu64 " cells compared, %" PRIu64
           " names asked; %u wrong\n",
           result->dirty_most, result->spool_most, result->folds_most,
           result->joined, result->windows, result->figures, result->cells,
           result->names, result->wrong);
}
