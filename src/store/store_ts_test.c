/* store_ts_test.c -- samples: the journal and the segments on a disk in memory,
 * the manifest in a real LMDB on a temporary folder. */
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

static void
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

static void
world_replayed(void *self, uint64_t sequence, uint32_t group, int64_t t)
{
    struct world *world = self;
    (void)group;
    (void)t;
    world->replayed++;
    world->replayed_last = sequence;
}

static enum err
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

static void
world_open(struct world *world)
{
    enum err err = world_try_open(world);
    if (err != ERR_OK)
        print_error("%s: %s\n", world->note.where, world->note.text);
    assert_int_equal(err, ERR_OK);
}

static void
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

static void
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

static void
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

static struct num
decimal(int64_t mantissa, uint8_t exponent)
{
    return (struct num){
        .mantissa = mantissa, .exponent = exponent, .kind = BASE_NUM_DECIMAL};
}

static uint32_t
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

static uint32_t
column_of(struct world *world, uint32_t group, const char *metric)
{
    uint32_t column;
    assert_int_equal(
        store_ts_column(world->ts, group, base_bytes_text(metric), &column),
        ERR_OK);
    return column;
}

static enum err
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

static void
put(struct world *world, const char *id, const char *metric, int64_t t,
    int64_t value)
{
    assert_int_equal(try_put(world, id, metric, t, decimal(value, 0)), ERR_OK);
}

static void
sync_all(struct world *world)
{
    assert_int_equal(
        store_journal_flush(
            world->journal, STORE_JOURNAL_SAMPLES,
            store_journal_appended(world->journal, STORE_JOURNAL_SAMPLES)),
        ERR_OK);
}

static void
seal_ran(struct base_task *task)
{
    (void)task;
}

static void
seal(struct world *world)
{
    static struct base_task task;
    task = (struct base_task){.fn = seal_ran};
    store_ts_seal(world->ts, &task);
    fault_loop_run(&world->loop, 100);
}

/* All samples of a series as text: "t=v t=v ". */
static const char *
show(struct world *world, const char *id, const char *metric)
{
    static char text[4096];
    char number[BASE_NUM_TEXT];
    struct store_ts_sample *samples;
    uint64_t count;
    size_t size = 0;
    uint32_t group = group_of(world, id);
    uint32_t column = column_of(world, group, metric);
    enum err err =
        store_ts_read(world->ts, group, column, start_ms - 100 * MIB,
                      start_ms + MIB, 1000, &world->arena, &samples, &count);
    text[0] = 0;
    if (err != ERR_OK)
        return base_err_name(err);
    for (uint64_t i = 0; i < count; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%lld=%s ",
                                 (long long)(samples[i].t - start_ms),
                                 base_num_text(samples[i].value, number));
    return text;
}

/* --- tests --- */

static void
what_is_written_is_read_at_once(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 1);
    world_open(&world);
    put(&world, "a", "m", 10, 1);
    put(&world, "a", "m", 20, 2);
    put(&world, "a", "n", 20, 3);
    put(&world, "b", "m", 5, 4);
    assert_string_equal(show(&world, "a", "m"), "10=1 20=2 ");
    assert_string_equal(show(&world, "a", "n"), "20=3 ");
    assert_string_equal(show(&world, "b", "m"), "5=4 ");
    world_done(&world);
}

static void
late_rows_and_duplicates_find_their_place(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 2);
    world_open(&world);
    put(&world, "a", "m", 30, 1);
    put(&world, "a", "m", 10, 2);
    put(&world, "a", "m", 20, 3);
    put(&world, "a", "m", 30, 4);
    put(&world, "a", "m", 10, 5);
    assert_string_equal(show(&world, "a", "m"), "10=5 20=3 30=4 ");
    seal(&world);
    assert_string_equal(show(&world, "a", "m"), "10=5 20=3 30=4 ");
    put(&world, "a", "m", 20, 6);
    put(&world, "a", "m", 40, 7);
    assert_string_equal(show(&world, "a", "m"), "10=5 20=6 30=4 40=7 ");
    seal(&world);
    assert_string_equal(show(&world, "a", "m"), "10=5 20=6 30=4 40=7 ");
    world_done(&world);
}

static void
a_shorter_row_erases_nothing(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 3);
    world_open(&world);
    uint32_t group = group_of(&world, "a");
    uint32_t columns[2] = {column_of(&world, group, "m"),
                           column_of(&world, group, "n")};
    uint32_t turned[2] = {columns[1], columns[0]};
    struct num values[2] = {decimal(15, 1), decimal(2, 0)};
    struct store_ts_row row = {.group = group,
                               .count = 2,
                               .t = start_ms,
                               .columns = turned,
                               .values = values};
    uint64_t sequence;
    assert_int_equal(store_ts_append(world.ts, &row, 1, &sequence), ERR_OK);
    put(&world, "a", "m", 0, 9);
    assert_string_equal(show(&world, "a", "m"), "0=9 ");
    assert_string_equal(show(&world, "a", "n"), "0=1.5 ");
    world_done(&world);
}

static void
last_and_next_know_their_edges(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 4);
    world_open(&world);
    struct store_ts_sample s;
    uint32_t g = group_of(&world, "a"), c = column_of(&world, g, "m");
    assert_int_equal(store_ts_last(world.ts, g, c, start_ms, 1000, &s),
                     ERR_ABSENT);
    assert_int_equal(store_ts_next(world.ts, g, c, start_ms, &s), ERR_ABSENT);
    put(&world, "a", "m", 1000, 1);
    put(&world, "a", "m", 90000000 - 89600000, 2); /* 400000, in order */
    for (unsigned sealed = 0; sealed < 2; sealed++) {
        int64_t t0 = start_ms + 1000, t1 = start_ms + 400000;
        assert_int_equal(store_ts_last(world.ts, g, c, t1, 1, &s), ERR_OK);
        assert_int_equal(s.t, t1);
        assert_int_equal(store_ts_last(world.ts, g, c, t1 + 50, 50, &s),
                         ERR_ABSENT);
        assert_int_equal(store_ts_last(world.ts, g, c, t1 + 50, 51, &s),
                         ERR_OK);
        assert_int_equal(store_ts_last(world.ts, g, c, t1 - 1, INT64_MAX, &s),
                         ERR_OK);
        assert_int_equal(s.t, t0);
        assert_int_equal(s.value.mantissa, 1);
        assert_int_equal(store_ts_last(world.ts, g, c, t0 - 1, INT64_MAX, &s),
                         ERR_ABSENT);
        assert_int_equal(
            store_ts_last(world.ts, g, c, INT64_MIN, INT64_MAX, &s),
            ERR_ABSENT);
        assert_int_equal(store_ts_next(world.ts, g, c, INT64_MIN, &s), ERR_OK);
        assert_int_equal(s.t, t0);
        assert_int_equal(store_ts_next(world.ts, g, c, t0, &s), ERR_OK);
        assert_int_equal(s.t, t1);
        assert_int_equal(store_ts_next(world.ts, g, c, t1, &s), ERR_ABSENT);
        seal(&world);
        world_crash(&world, FAULT_FILES_ALL);
        world_open(&world); /* now the newest must be looked up */
    }
    world_done(&world);
}

static void
series_are_matched_and_named(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 5);
    world_open(&world);
    put(&world, "a", "temp", 1, 1);
    put(&world, "a", "rpm", 1, 1);
    put(&world, "b", "temp", 1, 1);
    put(&world, "c", "load", 1, 1);
    struct {
        struct model_matcher matchers[2];
        unsigned count, want;
    } rows[] = {
        {{{.name = base_bytes_text("id"), .value = base_bytes_text("a")}},
         1,
         2},
        {{{.name = base_bytes_text("__name__"),
           .value = base_bytes_text("temp")}},
         1,
         2},
        {{{.name = base_bytes_text("__name__"),
           .value = base_bytes_text("temp|load"),
           .op = MODEL_MATCH_REGEX},
          {.name = base_bytes_text("id"),
           .value = base_bytes_text("a"),
           .op = MODEL_MATCH_NOT}},
         2,
         2},
        {{{.name = base_bytes_text("line")}}, 1, 4},
        {{{.name = base_bytes_text("id"), .value = base_bytes_text("z")}},
         1,
         0},
    };
    for (unsigned i = 0; i < BASE_COUNT(rows); i++) {
        struct store_ts_series *series;
        uint32_t count;
        assert_int_equal(
            model_matcher_ready(rows[i].matchers, rows[i].count, NULL), ERR_OK);
        assert_int_equal(store_ts_match(world.ts, rows[i].matchers,
                                        rows[i].count, 10, &world.arena,
                                        &series, &count),
                         ERR_OK);
        assert_int_equal(count, rows[i].want);
        assert_int_equal(store_ts_match(world.ts, rows[i].matchers,
                                        rows[i].count, 1, &world.arena, &series,
                                        &count),
                         rows[i].want > 1 ? ERR_LIMIT : ERR_OK);
        model_matcher_done(rows[i].matchers, rows[i].count);
    }
    struct bytes *names;
    uint32_t count;
    assert_int_equal(store_ts_names(world.ts, base_bytes_text("__name__"), NULL,
                                    0, 10, &world.arena, &names, &count),
                     ERR_OK);
    assert_int_equal(count, 3);
    assert_true(base_bytes_is(names[0], "load"));
    assert_int_equal(store_ts_names(world.ts, (struct bytes){NULL, 0}, NULL, 0,
                                    10, &world.arena, &names, &count),
                     ERR_OK);
    assert_int_equal(count, 2);
    assert_true(base_bytes_is(names[1], "id"));
    world_done(&world);
}

static void
what_was_synced_survives_a_crash(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 6);
    world_open(&world);
    put(&world, "a", "m", 10, 1);
    put(&world, "a", "m", 5, 2);
    sync_all(&world);
    put(&world, "a", "m", 20, 3);
    world_crash(&world, FAULT_FILES_ALL);
    world_open(&world);
    assert_string_equal(show(&world, "a", "m"), "5=2 10=1 ");
    assert_int_equal(world.replayed, 2);
    put(&world, "a", "m", 30, 4);
    assert_string_equal(show(&world, "a", "m"), "5=2 10=1 30=4 ");
    world_shut(&world);
    world_open(&world);
    assert_string_equal(show(&world, "a", "m"), "5=2 10=1 30=4 ");
    world_done(&world);
}

static void
sealed_rows_need_no_journal(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 7);
    world_open(&world);
    for (int64_t i = 0; i < 3000; i++)
        put(&world, i % 2 ? "a" : "b", "m", i, i);
    seal(&world);
    struct store_ts_stats stats;
    store_ts_stats(world.ts, &stats);
    assert_int_equal(stats.segments, 1);
    assert_int_equal(stats.head_rows, 0);
    assert_int_equal(stats.head_bytes, 0);
    assert_int_equal(
        stats.sealed_sequence,
        store_journal_appended(world.journal, STORE_JOURNAL_SAMPLES));
    struct store_journal_health health;
    store_journal_health(world.journal, &health);
    assert_true(health.files < 4);
    put(&world, "a", "m", 5000, 5);
    sync_all(&world);
    world_crash(&world, FAULT_FILES_ALL);
    world_open(&world);
    uint32_t group = group_of(&world, "a");
    struct store_ts_sample *samples;
    uint64_t count;
    assert_int_equal(store_ts_read(world.ts, group, 0, start_ms + 999,
                                   start_ms + 5000, 5000, &world.arena,
                                   &samples, &count),
                     ERR_OK);
    assert_int_equal(count, 1001 + 1);
    assert_int_equal(samples[0].value.mantissa, 999);
    assert_int_equal(samples[1001].value.mantissa, 5);
    assert_int_equal(store_ts_read(world.ts, group, 0, start_ms,
                                   start_ms + 5000, 10, &world.arena, &samples,
                                   &count),
                     ERR_LIMIT);
    world_done(&world);
}

static void
rows_come_in_while_a_seal_is_under_way(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 8);
    world_open(&world);
    put(&world, "a", "m", 10, 1);
    store_ts_seal(world.ts, NULL);
    put(&world, "a", "m", 10, 2);
    put(&world, "a", "m", 5, 3);
    put(&world, "a", "k", 5, 4);
    assert_string_equal(show(&world, "a", "m"), "5=3 10=2 ");
    fault_loop_run(&world.loop, 50);
    assert_string_equal(show(&world, "a", "m"), "5=3 10=2 ");
    sync_all(&world);
    world_crash(&world, FAULT_FILES_ALL);
    world_open(&world);
    assert_string_equal(show(&world, "a", "m"), "5=3 10=2 ");
    assert_string_equal(show(&world, "a", "k"), "5=4 ");
    world_done(&world);
}

static void
a_power_cut_at_any_step_of_a_seal_loses_nothing(void **state)
{
    (void)state;
    for (uint64_t step = 1;; step++) {
        struct world world;
        world_init(&world, 100 + step);
        world_open(&world);
        put(&world, "a", "m", 10, 1);
        put(&world, "b", "n", 20, 2);
        seal(&world);
        put(&world, "a", "m", 30, 3);
        put(&world, "a", "m", 10, 4);
        sync_all(&world);
        fault_files_off_at(world.disk, step);
        store_ts_seal(world.ts, NULL);
        fault_loop_run(&world.loop, 50);
        bool off = fault_files_is_off(world.disk);
        world_crash(&world, FAULT_FILES_TAIL);
        world_open(&world);
        assert_string_equal(show(&world, "a", "m"), "10=4 30=3 ");
        assert_string_equal(show(&world, "b", "n"), "20=2 ");
        world_done(&world);
        if (!off)
            break;
        assert_true(step < 1000);
    }
}

static void
a_seal_that_fails_is_tried_again(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 9);
    world_open(&world);
    put(&world, "a", "m", 10, 1);
    fault_files_rule(world.disk,
                     &(struct fault_files_rule){.call = FAULT_FILES_WRITE,
                                                .path = ".seg",
                                                .from = 1,
                                                .err = ERR_FULL});
    seal(&world);
    struct store_ts_stats stats;
    store_ts_stats(world.ts, &stats);
    assert_int_equal(stats.segments, 0);
    assert_int_equal(stats.head_rows, 1);
    put(&world, "a", "m", 20, 2);
    assert_string_equal(show(&world, "a", "m"), "10=1 20=2 ");
    fault_files_clear(world.disk);
    fault_loop_run(&world.loop, 20000);
    store_ts_stats(world.ts, &stats);
    assert_int_equal(stats.segments, 1);
    assert_int_equal(stats.head_rows, 1);
    assert_string_equal(show(&world, "a", "m"), "10=1 20=2 ");
    world_done(&world);
}

static void
the_head_is_sealed_by_age_and_by_size(void **state)
{
    (void)state;
    struct world world;
    struct store_ts_stats stats;
    world_init(&world, 10);
    world.config.seal_ms = 60000;
    world.config.head_bytes = 64 * KIB;
    world_open(&world);
    put(&world, "a", "m", 10, 1);
    fault_loop_run(&world.loop, 70000);
    store_ts_stats(world.ts, &stats);
    assert_int_equal(stats.segments, 1);
    enum err err = ERR_OK;
    int64_t i = 0;
    for (; i < 100000 && err == ERR_OK; i++)
        err = try_put(&world, "a", "m", 100 + i % 7, decimal(i * 1000003, 3));
    assert_int_equal(err, ERR_LIMIT); /* nothing ran meanwhile */
    fault_loop_run(&world.loop, 6000);
    store_ts_stats(world.ts, &stats);
    assert_true(stats.segments >= 2);
    assert_true(stats.head_bytes < 64 * KIB);
    assert_int_equal(try_put(&world, "a", "m", 200, decimal(1, 0)), ERR_OK);
    world_done(&world);
}

static void
unlisted_files_go_and_a_missing_one_refuses_the_open(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 11);
    world_open(&world);
    put(&world, "a", "m", 10, 1);
    seal(&world);
    world_shut(&world);
    struct sys_files *files = fault_files_base(world.disk);
    assert_int_equal(sys_file_save(files, "/data/seg/0000000000000099.seg",
                                   base_bytes_text("x"), false),
                     ERR_OK);
    world_open(&world);
    struct bytes data;
    assert_int_equal(sys_file_load(files, "/data/seg/0000000000000099.seg", 10,
                                   &world.arena, &data),
                     ERR_ABSENT);
    assert_string_equal(show(&world, "a", "m"), "10=1 ");
    world_shut(&world);
    assert_int_equal(
        files->ops->remove(files, "/data/seg/0000000000000001.seg"), ERR_OK);
    assert_int_equal(world_try_open(&world), ERR_ABSENT);
    assert_string_equal(world.note.where, "/data/seg/0000000000000001.seg");
    world.ts = NULL;
    world_done(&world);
}

static void
a_flipped_byte_is_told_and_never_answered(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 12);
    world_open(&world);
    for (int64_t i = 0; i < 50; i++)
        put(&world, "a", "m", i, i * i);
    seal(&world);
    char want[4096];
    strcpy(want, show(&world, "a", "m"));
    struct store_ts_stats stats;
    store_ts_stats(world.ts, &stats);
    world_shut(&world);
    for (uint64_t at = 0; at < stats.segment_bytes; at += 3) {
        assert_true(fault_files_rot(
            world.disk, "/data/seg/0000000000000001.seg", at, 0x10));
        world_open(&world);
        assert_string_equal(show(&world, "a", "m"), "CORRUPT");
        world_shut(&world);
        assert_true(fault_files_rot(
            world.disk, "/data/seg/0000000000000001.seg", at, 0x10));
    }
    world_open(&world);
    assert_string_equal(show(&world, "a", "m"), want);
    world_done(&world);
}

static void
a_drop_hides_what_was_there_and_nothing_later(void **state)
{
    (void)state;
    struct world world;
    struct model_matcher m = {.name = base_bytes_text("id"),
                              .value = base_bytes_text("a")};
    uint64_t sequence;
    world_init(&world, 13);
    world_open(&world);
    put(&world, "a", "m", 10, 1);
    seal(&world);
    put(&world, "a", "m", 20, 2);
    put(&world, "a", "m", 30, 3);
    put(&world, "b", "m", 20, 9);
    assert_int_equal(
        store_ts_drop(world.ts, &m, 1, start_ms + 10, start_ms + 20, &sequence),
        ERR_OK);
    assert_string_equal(show(&world, "a", "m"), "30=3 ");
    put(&world, "a", "m", 20, 4);
    assert_string_equal(show(&world, "a", "m"), "20=4 30=3 ");
    sync_all(&world);
    world_crash(&world, FAULT_FILES_ALL);
    world_open(&world);
    assert_string_equal(show(&world, "a", "m"), "20=4 30=3 ");
    seal(&world);
    assert_string_equal(show(&world, "a", "m"), "20=4 30=3 ");
    world_crash(&world, FAULT_FILES_ALL);
    world_open(&world);
    assert_string_equal(show(&world, "a", "m"), "20=4 30=3 ");
    assert_string_equal(show(&world, "b", "m"), "20=9 ");
    struct store_ts_sample s;
    assert_int_equal(
        store_ts_last(world.ts, 0, 0, start_ms + 15, INT64_MAX, &s),
        ERR_ABSENT);
    world_done(&world);
}

static void
old_segments_go_whole(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 14);
    world_open(&world);
    put(&world, "a", "m", 10, 1);
    seal(&world);
    put(&world, "a", "m", 20, 2);
    seal(&world);
    store_ts_drop_before(world.ts, start_ms + 15);
    assert_string_equal(show(&world, "a", "m"), "20=2 ");
    fault_loop_run(&world.loop, 50);
    world_crash(&world, FAULT_FILES_ALL);
    world_open(&world);
    assert_string_equal(show(&world, "a", "m"), "20=2 ");
    struct store_ts_stats stats;
    store_ts_stats(world.ts, &stats);
    assert_int_equal(stats.segments, 1);
    world_done(&world);
}

static void
limits_are_refused_by_name(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 15);
    world.config.retention_ms = 86400000;
    world.config.series_max = 3;
    world_open(&world);
    assert_int_equal(try_put(&world, "a", "m", 600001, decimal(1, 0)),
                     ERR_TIME);
    assert_int_equal(try_put(&world, "a", "m", 600000, decimal(1, 0)), ERR_OK);
    assert_int_equal(try_put(&world, "a", "m", -86400001, decimal(1, 0)),
                     ERR_TIME);
    uint32_t group = group_of(&world, "a"), column;
    assert_int_equal(
        store_ts_column(world.ts, group, base_bytes_text(""), &column),
        ERR_LABEL);
    put(&world, "a", "n", 0, 1);
    put(&world, "a", "o", 0, 1);
    assert_int_equal(
        store_ts_column(world.ts, group, base_bytes_text("p"), &column),
        ERR_LIMIT);
    put(&world, "a", "o", 1, 1);
    world_done(&world);
}

static void
a_cut_takes_back_what_was_not_synced(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16);
    world_open(&world);
    put(&world, "a", "m", 10, 1);
    sync_all(&world);
    for (int64_t i = 0; i < 100; i++)
        put(&world, "a", "m", 20 + i, 2);
    put(&world, "a", "m", 5, 3);
    put(&world, "z", "k", 5, 3);
    fault_files_rule(world.disk,
                     &(struct fault_files_rule){.call = FAULT_FILES_WRITE,
                                                .path = "journal/0",
                                                .from = 1,
                                                .to = 1,
                                                .err = ERR_FULL});
    fault_loop_run(&world.loop, 3000);
    fault_files_clear(world.disk);
    fault_loop_run(&world.loop, 3000);
    assert_true(store_journal_cuts(world.journal) > 0);
    store_ts_rewind(world.ts);
    assert_string_equal(show(&world, "a", "m"), "10=1 ");
    assert_string_equal(show(&world, "z", "k"), "");
    struct store_ts_sample s;
    assert_int_equal(
        store_ts_last(world.ts, 0, 0, start_ms + 1000, INT64_MAX, &s), ERR_OK);
    assert_int_equal(s.t, start_ms + 10);
    put(&world, "a", "m", 40, 4);
    put(&world, "z", "k", 41, 5);
    sync_all(&world);
    world_crash(&world, FAULT_FILES_ALL);
    world_open(&world);
    assert_string_equal(show(&world, "a", "m"), "10=1 40=4 ");
    assert_string_equal(show(&world, "z", "k"), "41=5 ");
    world_done(&world);
}

/* --- everything at random, against an array --- */

enum { MODEL_SERIES = 6, MODEL_TIMES = 200 };

struct mirror { /* what must be there; written: not synced yet */
    struct {
        bool there;
        int64_t value;
    } at[MODEL_SERIES][MODEL_TIMES];
};

static void
mirror_check(struct world *world, const struct mirror *mirror)
{
    char id[2] = "a", metric[2] = "m";
    for (unsigned s = 0; s < MODEL_SERIES; s++) {
        struct store_ts_sample *samples;
        uint64_t count, k = 0;
        id[0] = (char)('a' + s / 2);
        metric[0] = (char)('m' + s % 2);
        base_arena_reset(&world->arena);
        uint32_t group = group_of(world, id);
        uint32_t column = column_of(world, group, metric);
        assert_int_equal(store_ts_read(world->ts, group, column, start_ms,
                                       start_ms + MODEL_TIMES, 1000,
                                       &world->arena, &samples, &count),
                         ERR_OK);
        for (int64_t t = 0; t < MODEL_TIMES; t++) {
            if (!mirror->at[s][t].there)
                continue;
            assert_true(k < count);
            assert_int_equal(samples[k].t, start_ms + t);
            assert_int_equal(
                base_num_compare(samples[k].value,
                                 decimal(mirror->at[s][t].value, 0)),
                0);
            k++;
        }
        assert_int_equal(k, count);
        struct store_ts_sample last;
        enum err err = store_ts_last(world->ts, group, column,
                                     start_ms + MODEL_TIMES, INT64_MAX, &last);
        assert_int_equal(err, count ? ERR_OK : ERR_ABSENT);
        if (count)
            assert_int_equal(last.t, samples[count - 1].t);
    }
}

static void
mirror_drop(struct world *world, struct mirror *mirror, struct base_rng *rng)
{
    unsigned g = (unsigned)base_rng_below(rng, MODEL_SERIES / 2);
    int64_t from = (int64_t)base_rng_below(rng, MODEL_TIMES), to = from + 10;
    char id[2] = {(char)('a' + g), 0};
    struct model_matcher m = {.name = base_bytes_text("id"),
                              .value = base_bytes_text(id)};
    uint64_t sequence;
    assert_int_equal(store_ts_drop(world->ts, &m, 1, start_ms + from,
                                   start_ms + to, &sequence),
                     ERR_OK);
    for (unsigned s = g * 2; s < g * 2 + 2; s++)
        for (int64_t t = from; t <= to && t < MODEL_TIMES; t++)
            mirror->at[s][t].there = false;
}

static void
mirror_put(struct world *world, struct mirror *mirror, struct base_rng *rng,
           int64_t *now)
{
    unsigned s = (unsigned)base_rng_below(rng, MODEL_SERIES);
    char id[2] = {(char)('a' + s / 2), 0};
    char metric[2] = {(char)('m' + s % 2), 0};
    if (*now < MODEL_TIMES - 2)
        *now += (int64_t)base_rng_below(rng, 2);
    int64_t t = base_rng_below(rng, 5)
                    ? *now
                    : (int64_t)base_rng_below(rng, (uint64_t)*now + 1);
    int64_t value = (int64_t)base_rng_below(rng, 100000);
    put(world, id, metric, t, value);
    mirror->at[s][t].there = true;
    mirror->at[s][t].value = value;
}

/* Some rows, maybe a seal, and no space for any of it. */
static void
mirror_cut(struct world *world, struct mirror *mirror, struct base_rng *rng,
           int64_t *now)
{
    static struct mirror durable;
    uint64_t cuts = store_journal_cuts(world->journal);
    sync_all(world);
    durable = *mirror;
    fault_files_rule(world->disk,
                     &(struct fault_files_rule){.call = FAULT_FILES_WRITE,
                                                .path = "journal",
                                                .from = 1,
                                                .err = ERR_FULL});
    for (unsigned i = 0; i < 10; i++) {
        mirror_put(world, mirror, rng, now);
        if (base_rng_below(rng, 12) == 0)
            store_ts_seal(world->ts, NULL);
        if (base_rng_below(rng, 12) == 0)
            mirror_drop(world, mirror, rng);
    }
    fault_loop_run(&world->loop, 50);
    fault_files_clear(world->disk);
    fault_loop_run(&world->loop, 3000);
    assert_true(store_journal_cuts(world->journal) > cuts);
    store_ts_rewind(world->ts);
    *mirror = durable;
    mirror_check(world, mirror);
}

static void
anything_in_any_order_is_as_in_an_array(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct world world;
        struct base_rng rng;
        static struct mirror mirror;
        int64_t now = 0;
        memset(&mirror, 0, sizeof mirror);
        base_rng_seed(&rng, seed);
        world_init(&world, seed);
        world_open(&world);
        for (unsigned n = 0; n < 600; n++) {
            uint64_t what = base_rng_below(&rng, 100);
            if (what < 85) {
                mirror_put(&world, &mirror, &rng, &now);
            } else if (what < 88) {
                mirror_drop(&world, &mirror, &rng);
            } else if (what < 91) {
                store_ts_seal(world.ts, NULL);
            } else if (what < 94) {
                fault_loop_run(&world.loop, (int64_t)base_rng_below(&rng, 10));
            } else if (what < 97) {
                mirror_check(&world, &mirror);
            } else if (what < 98) {
                mirror_cut(&world, &mirror, &rng, &now);
            } else {
                sync_all(&world);
                world_crash(&world, FAULT_FILES_SECTORS);
                world_open(&world);
            }
            base_arena_reset(&world.arena);
        }
        mirror_check(&world, &mirror);
        world_done(&world);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_at_once),
        cmocka_unit_test(late_rows_and_duplicates_find_their_place),
        cmocka_unit_test(a_shorter_row_erases_nothing),
        cmocka_unit_test(last_and_next_know_their_edges),
        cmocka_unit_test(series_are_matched_and_named),
        cmocka_unit_test(what_was_synced_survives_a_crash),
        cmocka_unit_test(sealed_rows_need_no_journal),
        cmocka_unit_test(rows_come_in_while_a_seal_is_under_way),
        cmocka_unit_test(a_power_cut_at_any_step_of_a_seal_loses_nothing),
        cmocka_unit_test(a_seal_that_fails_is_tried_again),
        cmocka_unit_test(the_head_is_sealed_by_age_and_by_size),
        cmocka_unit_test(unlisted_files_go_and_a_missing_one_refuses_the_open),
        cmocka_unit_test(a_flipped_byte_is_told_and_never_answered),
        cmocka_unit_test(a_drop_hides_what_was_there_and_nothing_later),
        cmocka_unit_test(old_segments_go_whole),
        cmocka_unit_test(limits_are_refused_by_name),
        cmocka_unit_test(a_cut_takes_back_what_was_not_synced),
        cmocka_unit_test(anything_in_any_order_is_as_in_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
