/* store_ts_world_test.h -- a store_ts for tests: the journal and the segments
 * on a disk in memory, the manifest in a real LMDB on a temporary folder. */
#ifndef STORE_TS_WORLD_TEST_H
#define STORE_TS_WORLD_TEST_H

#include "store/store_ts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_rng.h"
#include "fault/fault_files.h"
#include "fault/fault_loop.h"

enum { KIB = 1 << 10, MIB = 1 << 20 };

static const int64_t start_ms = 1763787600000;

struct world {
    struct fault_files *disk;
    struct fault_loop loop;
    struct base_rng rng;
    struct base_stats stats;
    struct store_journal_config journal_config;
    struct store_kv_config kv_config;
    struct store_ts_config config;
    struct store_journal *journal;
    struct store_kv *kv;
    struct store_ts *ts;
    char folder[64];
    uint64_t replayed, replayed_last;
    struct base_note note;
    struct base_arena arena;
};

static inline void
world_init(struct world *world, uint64_t seed)
{
    *world = (struct world){.disk = fault_files_new(seed)};
    fault_loop_init(&world->loop, (struct wall){start_ms});
    base_rng_seed(&world->rng, seed);
    base_stat_init(&world->stats);
    base_arena_init(&world->arena, 64 * MIB);
    strcpy(world->folder, "/tmp/store_ts_test.XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    world->journal_config = (struct store_journal_config){
        .files = fault_files_base(world->disk),
        .loop = &world->loop.base,
        .random = &world->rng.random,
        .stats = &world->stats,
        .folder = "/data/journal",
        .shards = 1,
        .file_bytes = 64 * KIB,
        .ignore_marks = true,
    };
    world->kv_config = (struct store_kv_config){
        .loop = &world->loop.base,
        .stats = &world->stats,
        .folder = world->folder,
        .owner = 2,
        .map_bytes = 64 * MIB,
        .no_sync = true,
    };
    world->config = (struct store_ts_config){
        .loop = &world->loop.base,
        .worker = &world->loop.base,
        .files = fault_files_base(world->disk),
        .stats = &world->stats,
        .folder = "/data/seg",
        .seed = seed,
    };
}

static inline void
world_replayed(void *self, uint64_t sequence, uint32_t group, int64_t t)
{
    struct world *world = self;
    (void)group;
    (void)t;
    world->replayed++;
    world->replayed_last = sequence;
}

static inline enum err
world_try_open(struct world *world)
{
    world->note = (struct base_note){0};
    world->replayed = 0;
    assert_int_equal(store_journal_open(&world->journal_config, &world->journal,
                                        &world->note),
                     ERR_OK);
    world->kv_config.journal = world->journal;
    assert_int_equal(store_kv_open(&world->kv_config, &world->kv, &world->note),
                     ERR_OK);
    world->config.journal = world->journal;
    world->config.kv = world->kv;
    enum err err = store_ts_open(&world->config, &world->ts, world_replayed,
                                 world, &world->note);
    assert_int_equal(store_journal_start(world->journal), ERR_OK);
    return err;
}

static inline void
world_open(struct world *world)
{
    enum err err = world_try_open(world);
    if (err != ERR_OK)
        print_error("%s: %s\n", world->note.where, world->note.text);
    assert_int_equal(err, ERR_OK);
}

static inline void
world_crash(struct world *world, enum fault_files_loss loss)
{
    fault_loop_crash(&world->loop);
    store_ts_crash(world->ts);
    store_kv_crash(world->kv);
    store_journal_crash(world->journal);
    world->ts = NULL;
    world->kv = NULL;
    world->journal = NULL;
    fault_files_crash(world->disk, loss);
}

static inline void
world_shut(struct world *world)
{
    fault_loop_run(&world->loop, 100);
    store_ts_shut(world->ts);
    store_kv_shut(world->kv);
    store_journal_shut(world->journal);
    world->ts = NULL;
    world->kv = NULL;
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

/* --- short words --- */

static inline struct num
decimal(int64_t mantissa, uint8_t exponent)
{
    return (struct num){
        .mantissa = mantissa, .exponent = exponent, .kind = BASE_NUM_DECIMAL};
}

static inline uint32_t
group_of(struct world *world, const char *id)
{
    const struct model_labels *labels;
    struct model_label label = {base_bytes_text("id"), base_bytes_text(id)};
    uint32_t group;
    assert_int_equal(model_label_set(&world->arena, &label, 1, &labels, NULL),
                     ERR_OK);
    assert_int_equal(store_ts_group(world->ts, labels, &group), ERR_OK);
    return group;
}

static inline uint32_t
column_of(struct world *world, uint32_t group, const char *metric)
{
    uint32_t column;
    assert_int_equal(
        store_ts_column(world->ts, group, base_bytes_text(metric), &column),
        ERR_OK);
    return column;
}

static inline enum err
try_put(struct world *world, const char *id, const char *metric, int64_t t,
        struct num value)
{
    uint32_t group = group_of(world, id);
    uint32_t column = column_of(world, group, metric);
    uint64_t sequence;
    return store_ts_append(world->ts,
                           &(struct store_ts_row){.group = group,
                                                  .count = 1,
                                                  .t = start_ms + t,
                                                  .columns = &column,
                                                  .values = &value},
                           1, &sequence);
}

static inline void
put(struct world *world, const char *id, const char *metric, int64_t t,
    int64_t value)
{
    assert_int_equal(try_put(world, id, metric, t, decimal(value, 0)), ERR_OK);
}

static inline void
sync_all(struct world *world)
{
    assert_int_equal(
        store_journal_flush(
            world->journal, STORE_JOURNAL_SAMPLES,
            store_journal_appended(world->journal, STORE_JOURNAL_SAMPLES)),
        ERR_OK);
}

static inline void
seal_ran(struct base_task *task)
{
    (void)task;
}

static inline void
seal(struct world *world)
{
    static struct base_task task;
    task = (struct base_task){.fn = seal_ran};
    store_ts_seal(world->ts, &task);
    fault_loop_run(&world->loop, 100);
}

/* All samples of a series as text: "t=v t=v ". */
static inline const char *
show(struct world *world, const char *id, const char *metric)
{
    static char text[4096];
    char number[BASE_NUM_TEXT];
    struct store_ts_sample *samples;
    uint64_t count;
    size_t size = 0;
    uint32_t group = group_of(world, id);
    uint32_t column = column_of(world, group, metric);
    enum err err = store_ts_read(world->ts, group, column, start_ms - 100 * MIB,
                                 start_ms + 1000 * MIB, 1000, &world->arena,
                                 &samples, &count);
    text[0] = 0;
    if (err != ERR_OK)
        return base_err_name(err);
    for (uint64_t i = 0; i < count; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%lld=%s ",
                                 (long long)(samples[i].t - start_ms),
                                 base_num_text(samples[i].value, number));
    return text;
}

#endif
