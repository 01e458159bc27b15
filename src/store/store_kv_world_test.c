/* store_kv_world_test.c -- see store_kv_world_test.h. */
#include "store/store_kv_world_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base_mem.h"

static void
world_rewound(void *self)
{
    struct store_kv_world *world = self;
    world->rewound++;
}

void
store_kv_world_test_init(struct store_kv_world *world, uint64_t seed)
{
    *world = (struct store_kv_world){.disk = fault_files_new(seed)};
    fault_loop_init(&world->loop, (struct wall){1763787600000});
    base_rng_seed(&world->rng, seed);
    base_stat_init(&world->stats);
    strcpy(world->folder, "/tmp/store_kv_test.XXXXXX");
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
    world->config = (struct store_kv_config){
        .loop = &world->loop.base,
        .stats = &world->stats,
        .folder = world->folder,
        .owner = STORE_JOURNAL_ROLLUP,
        .map_bytes = 64 * MIB,
        .no_sync = true,
        .rewound = world_rewound,
        .self = world,
    };
}

void
store_kv_world_test_open(struct store_kv_world *world)
{
    struct base_note note = {0};
    assert_int_equal(
        store_journal_open(&world->journal_config, &world->journal, &note),
        ERR_OK);
    world->config.journal = world->journal;
    enum err err = store_kv_open(&world->config, &world->kv, &note);
    if (err != ERR_OK)
        print_error("%s: %s\n", note.where, note.text);
    assert_int_equal(err, ERR_OK);
    assert_int_equal(store_journal_start(world->journal), ERR_OK);
}

void
store_kv_world_test_crash(struct store_kv_world *world,
                          enum fault_files_loss loss)
{
    store_kv_crash(world->kv);
    store_journal_crash(world->journal);
    world->kv = NULL;
    world->journal = NULL;
    fault_loop_crash(&world->loop);
    fault_files_crash(world->disk, loss);
}

static void
world_remove(const char *folder)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "owner.lock"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        char *path = base_mem_format("%s/%s", folder, names[i]);
        unlink(path);
        base_mem_free(path);
    }
    rmdir(folder);
}

void
store_kv_world_test_done(struct store_kv_world *world)
{
    store_kv_crash(world->kv);
    store_journal_crash(world->journal);
    fault_loop_done(&world->loop);
    base_stat_done(&world->stats);
    fault_files_free(world->disk);
    world_remove(world->folder);
}

/* One put, committed; its error. */
enum err
store_kv_world_test_put(struct store_kv_world *world, const char *key,
                        const char *value)
{
    struct store_kv_batch *batch = store_kv_batch_new(world->kv);
    store_kv_put(batch, T, b(key), b(value));
    return store_kv_commit(world->kv, batch, NULL, NULL);
}

void
store_kv_world_test_put_ok(struct store_kv_world *world, const char *key,
                           const char *value)
{
    assert_int_equal(store_kv_world_test_put(world, key, value), ERR_OK);
}

void
store_kv_world_test_value(struct store_kv_snap *snap, const char *key,
                          const char *value)
{
    struct bytes found;
    enum err err = store_kv_get(snap, T, b(key), &found);
    if (!value) {
        assert_int_equal(err, ERR_ABSENT);
        return;
    }
    assert_int_equal(err, ERR_OK);
    assert_true(base_bytes_is(found, value));
}

void
store_kv_world_test_now(struct store_kv_world *world, const char *key,
                        const char *value)
{
    store_kv_world_test_value(store_kv_now(world->kv), key, value);
}

void
store_kv_world_test_sync(struct store_kv_world *world)
{
    assert_int_equal(
        store_journal_flush(world->journal, 0,
                            store_journal_appended(world->journal, 0)),
        ERR_OK);
}

static void
waiter_told(struct store_journal_wait *wait, enum err err)
{
    struct store_kv_waiter *waiter =
        BASE_OUTER(wait, struct store_kv_waiter, wait);
    (void)err;
    waiter->place = ++waiter->world->told;
    waiter->rewound = waiter->world->rewound;
}

struct store_kv_waiter
store_kv_world_test_waiter(struct store_kv_world *world)
{
    return (struct store_kv_waiter){
        .wait = {.fn = waiter_told, .loop = &world->loop.base},
        .world = world,
    };
}

void
store_kv_world_test_full(struct store_kv_world *world)
{
    fault_files_rule(world->disk,
                     &(struct fault_files_rule){.call = FAULT_FILES_WRITE,
                                                .path = "records",
                                                .from = 1,
                                                .to = 1,
                                                .err = ERR_FULL});
}
