/* stream_world_test.h -- a stream on a disk in memory, with a stand-in for
 * rollup behind its port, for the tests beside it. */
#ifndef STREAM_WORLD_TEST_H
#define STREAM_WORLD_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_rng.h"
#include "engine/stream/stream.h"
#include "fault/fault_files.h"
#include "fault/fault_loop.h"

enum {
    WORLD_KIB = 1 << 10,
    WORLD_MIB = 1 << 20,
    WORLD_ROWS = 8192,
    WORLD_WAITING = 1024
};

static const int64_t world_start_ms = 1763787600000; /* on the hour */

struct world_row { /* a stored contribution */
    char unit[32];
    uint32_t window;
    uint64_t mask;
    int64_t values[8];
    unsigned revision;
};

struct world_rollup {
    struct world_row rows[WORLD_ROWS];
    unsigned count;
    uint64_t folded;
};

struct world {
    struct model_port port; /* first */
    struct fault_files *disk;
    struct fault_loop loop;
    struct base_rng rng;
    struct base_stats stats;
    struct store_journal_config journal_config;
    struct store_kv_config kv_config;
    struct store_ts_config ts_config;
    struct stream_config config;
    struct store_journal *journal;
    struct store_kv *kv;
    struct store_ts *ts;
    struct stream *stream;
    char folder[64];
    struct base_arena arena;
    struct model_pack pack;
    struct model_pack *pack_at[1];
    struct model_pack_list packs;
    struct model_pack_input inputs[8];
    struct model_matcher matchers[8];
    /* rollup: what is durable, and what will be when it has synced */
    struct world_rollup durable, now;
    struct model_event_fold *waiting[WORLD_WAITING];
    unsigned waiting_count, folds;
    unsigned busy_one_in; /* 0: never */
    bool deaf;            /* events wait */
    bool foreign;         /* everything is out of scope */
};

static inline void
world_input(struct world *world, const char *metric, enum model_pack_fold fold,
            int64_t stale_ms)
{
    unsigned i = world->pack.input_count++;
    world->matchers[i] = (struct model_matcher){
        .name = base_bytes_text("__name__"), .value = base_bytes_text(metric)};
    world->inputs[i] = (struct model_pack_input){
        .name = metric,
        .scale = 1,
        .fold = fold,
        .matchers = &world->matchers[i],
        .matcher_count = 1,
        .metric = base_bytes_text(metric),
        .stale_ms = stale_ms,
        .min = -((INT64_C(1) << 43) - 1),
        .max = (INT64_C(1) << 43) - 1,
    };
}

static void
world_tell(struct model_port *port, struct model_event *event)
{
    struct world *world = (struct world *)(void *)port;
    assert_int_equal(event->kind, MODEL_EVENT_FOLD);
    assert_true(world->waiting_count < WORLD_WAITING);
    struct model_event_fold *fold =
        BASE_OUTER(event, struct model_event_fold, event);
    /* Output commit: all it rests on is durable. */
    assert_true(fold->sequence <=
                store_journal_synced(world->journal, STORE_JOURNAL_SAMPLES));
    world->waiting[world->waiting_count++] = fold;
    world->folds++;
}

/* Gaps between them; one runs over midnight. */
static const struct model_calendar_shift world_shifts[] = {
    {"a", 0, 0x7f, 30, 100, INT32_MIN, INT32_MAX},
    {"b", 1, 0x7f, 200, 140, INT32_MIN, INT32_MAX},
    {"c", 2, 0x7f, 390, 90, INT32_MIN, INT32_MAX},
    {"d", 3, 0x3f, 560, 150, INT32_MIN, INT32_MAX},
    {"e", 4, 0x7f, 740, 120, INT32_MIN, INT32_MAX},
    {"f", 5, 0x7f, 930, 80, INT32_MIN, INT32_MAX},
    {"g", 6, 0x7f, 1100, 140, INT32_MIN, INT32_MAX},
    {"h", 7, 0x7f, 1290, 170, INT32_MIN, INT32_MAX},
};

static const int64_t world_states[] = {0, 1, 2, 4, 7, 11, 60};

static inline void
world_init(struct world *world, uint64_t seed)
{
    static const struct model_port_ops ops = {.tell = world_tell};
    memset(world, 0, sizeof *world);
    world->disk = fault_files_new(seed);
    world->port =
        (struct model_port){.ops = &ops, .own = base_bytes_text("88.31.1001")};
    fault_loop_init(&world->loop, (struct wall){world_start_ms});
    base_rng_seed(&world->rng, seed);
    base_stat_init(&world->stats);
    base_arena_init(&world->arena, 256 * WORLD_MIB);
    strcpy(world->folder, "/tmp/stream_test.XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    world->journal_config = (struct store_journal_config){
        .files = fault_files_base(world->disk),
        .loop = &world->loop.base,
        .random = &world->rng.random,
        .stats = &world->stats,
        .folder = "/data/journal",
        .shards = 1,
        .file_bytes = 64 * WORLD_KIB,
        .sync_delay_max_ms = 5,
        .ignore_marks = true,
    };
    world->kv_config = (struct store_kv_config){
        .loop = &world->loop.base,
        .stats = &world->stats,
        .folder = world->folder,
        .owner = 2,
        .map_bytes = 64 * WORLD_MIB,
        .no_sync = true,
    };
    world->ts_config = (struct store_ts_config){
        .loop = &world->loop.base,
        .worker = &world->loop.base,
        .files = fault_files_base(world->disk),
        .stats = &world->stats,
        .folder = "/data/seg",
        .seed = seed,
        .retention_ms = 400 * INT64_C(86400000),
    };
    world->pack = (struct model_pack){
        .name = "host",
        .calendar = {.zone_s = 28800,
                     .shifts = world_shifts,
                     .shift_count = BASE_COUNT(world_shifts)},
        .freq_count = 3,
        .freqs = {{.freq = MODEL_FREQ_MINUTE,
                   .due_ms = 5000,
                   .keep_ms = 6 * 3600000},
                  {.freq = MODEL_FREQ_HOUR,
                   .due_ms = 5000,
                   .keep_ms = 400 * INT64_C(86400000)},
                  {.freq = MODEL_FREQ_SHIFT,
                   .due_ms = 5000,
                   .keep_ms = 400 * INT64_C(86400000)}},
        .inputs = world->inputs,
    };
    world->pack_at[0] = &world->pack;
    world->packs = (struct model_pack_list){world->pack_at, 1};
    world_input(world, "energy", MODEL_PACK_FOLD_DELTA, 900000);
    world_input(world, "level", MODEL_PACK_FOLD_LAST, 300000);
    world_input(world, "parts", MODEL_PACK_FOLD_COUNT, 300000);
    world_input(world, "load", MODEL_PACK_FOLD_MAX, 300000);
    world_input(world, "level", MODEL_PACK_FOLD_SUM, 300000);
    world_input(world, "state", MODEL_PACK_FOLD_TIME_IN, 200000);
    world->inputs[5].scale = 0;
    world->inputs[5].states = world_states;
    world->inputs[5].state_count = BASE_COUNT(world_states);
    world_input(world, "load", MODEL_PACK_FOLD_INTEGRAL, 90000);
    world->inputs[6].ratio_num = 1;
    world->inputs[6].ratio_den = 3600;
    world->config = (struct stream_config){
        .loop = &world->loop.base,
        .port = &world->port,
        .packs = &world->packs,
        .stats = &world->stats,
        .seed = seed,
    };
}

static inline void
world_open(struct world *world)
{
    struct base_note note = {0};
    assert_int_equal(
        store_journal_open(&world->journal_config, &world->journal, &note),
        ERR_OK);
    world->kv_config.journal = world->journal;
    assert_int_equal(store_kv_open(&world->kv_config, &world->kv, &note),
                     ERR_OK);
    world->config.journal = world->journal;
    assert_int_equal(stream_new(&world->config, &world->stream), ERR_OK);
    world->ts_config.journal = world->journal;
    world->ts_config.kv = world->kv;
    assert_int_equal(store_ts_open(&world->ts_config, &world->ts,
                                   stream_replayed, world->stream, &note),
                     ERR_OK);
    assert_int_equal(store_journal_start(world->journal), ERR_OK);
    assert_int_equal(
        stream_start(world->stream, world->ts, world->durable.folded), ERR_OK);
}

static inline void
world_drop_waiting(struct world *world)
{
    for (unsigned i = 0; i < world->waiting_count; i++)
        base_mem_free(world->waiting[i]);
    world->waiting_count = 0;
}

/* The process dies, and the disk loses what was not synced. */
static inline void
world_crash(struct world *world, enum fault_files_loss loss)
{
    fault_loop_crash(&world->loop);
    stream_free(world->stream);
    store_ts_crash(world->ts);
    store_kv_crash(world->kv);
    store_journal_crash(world->journal);
    fault_files_crash(world->disk, loss);
    world_drop_waiting(world);
    world->now = world->durable;
    world->stream = NULL;
    world->journal = NULL;
}

static inline void
world_done(struct world *world)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "owner.lock"};
    if (world->journal)
        world_crash(world, FAULT_FILES_NONE);
    fault_loop_done(&world->loop);
    base_stat_done(&world->stats);
    fault_files_free(world->disk);
    base_arena_done(&world->arena);
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        char *path = base_mem_format("%s/%s", world->folder, names[i]);
        unlink(path);
        base_mem_free(path);
    }
    rmdir(world->folder);
}

static inline struct world_row *
world_find(struct world_rollup *rollup, const char *unit, uint32_t window)
{
    for (unsigned i = 0; i < rollup->count; i++)
        if (rollup->rows[i].window == window &&
            strcmp(rollup->rows[i].unit, unit) == 0)
            return &rollup->rows[i];
    return NULL;
}

static inline void
world_store(struct world *world, const struct model_event_fold *fold)
{
    char unit[32];
    base_bytes_string(base_bytes(fold->unit, fold->unit_size), unit,
                      sizeof unit);
    struct world_row *row = world_find(&world->now, unit, fold->window);
    if (!row) {
        assert_true(world->now.count < WORLD_ROWS);
        row = &world->now.rows[world->now.count++];
        *row = (struct world_row){.window = fold->window};
        strcpy(row->unit, unit);
    }
    bool same = row->revision > 0 && row->mask == fold->mask &&
                memcmp(row->values, fold->values, sizeof row->values) == 0;
    row->mask = fold->mask;
    memcpy(row->values, fold->values, sizeof row->values);
    row->revision += !same;
    if (fold->sequence > world->now.folded)
        world->now.folded = fold->sequence;
}

static inline void
world_answer(struct world *world, struct model_event_fold *fold, enum err err)
{
    struct model_event_folded folded = {
        .event.kind = MODEL_EVENT_FOLDED,
        .shard = fold->shard,
        .token = fold->token,
        .err = err,
    };
    base_mem_free(fold);
    stream_take_folded(world->stream, &folded.event);
}

/* rollup takes the first `most` events, commits, and answers them: a commit is
 * all of them or, if the process dies first, none. */
static inline void
world_commit(struct world *world, unsigned most)
{
    static struct model_event_fold *taken[WORLD_WAITING];
    static enum err errs[WORLD_WAITING];
    unsigned count = most < world->waiting_count ? most : world->waiting_count;
    memcpy(taken, world->waiting, count * sizeof taken[0]);
    memmove(world->waiting, world->waiting + count,
            (world->waiting_count - count) * sizeof taken[0]);
    world->waiting_count -= count;
    if (count == 0)
        return;
    for (unsigned i = 0; i < count; i++) {
        bool busy = world->busy_one_in > 0 &&
                    base_rng_below(&world->rng, world->busy_one_in) == 0;
        errs[i] = world->foreign ? ERR_NAME : busy ? ERR_BUSY : ERR_OK;
        if (errs[i] == ERR_OK)
            world_store(world, taken[i]);
    }
    world->durable = world->now;
    for (unsigned i = 0; i < count; i++)
        world_answer(world, taken[i], errs[i]);
}

/* Time passes; rollup answers every 100 ms unless it is deaf. */
static inline void
world_run(struct world *world, int64_t ms)
{
    while (ms > 0) {
        int64_t part = ms < 100 ? ms : 100;
        fault_loop_run(&world->loop, part);
        ms -= part;
        if (!world->deaf)
            world_commit(world, WORLD_WAITING);
    }
}

static inline int64_t
world_now(struct world *world)
{
    return base_loop_wall(&world->loop.base).ms;
}

static inline enum err
world_write(struct world *world, const char *id, const char *metric, int64_t t,
            struct num value, struct base_note *note)
{
    uint64_t sequence;
    struct stream_point point = {base_bytes_text(metric), value};
    return stream_write(
        world->stream,
        &(struct stream_sample){
            .id = base_bytes_text(id), .t = t, .points = &point, .count = 1},
        &sequence, note);
}

static inline struct num
world_num(int64_t mantissa)
{
    return (struct num){.mantissa = mantissa, .kind = BASE_NUM_DECIMAL};
}

#endif
