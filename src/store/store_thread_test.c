/* store_thread_test.c -- the journal and a catalogue on real files, with real
 * threads; run under TSan. */
#include "store/store_kv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "sys/sys_loop.h"
#include "sys/sys_random.h"
#include "sys/sys_thread.h"

enum { PRODUCERS = 3, RECORDS = 3000, BODY = 200, T = STORE_TABLE_UNIT };

struct world {
    char folder[64];
    char *journal_folder, *kv_folder;
    struct base_stats stats;
    struct sys_loop *loop; /* its own thread */
    struct store_journal *journal;
    struct store_kv *kv;
};

static void
world_open_journal(struct world *world)
{
    struct base_note note = {0};
    const struct store_journal_config config = {
        .files = sys_file_real(),
        .loop = sys_loop_base(world->loop),
        .random = sys_random(),
        .stats = &world->stats,
        .folder = world->journal_folder,
        .shards = PRODUCERS,
        .file_bytes = 256 << 10,
        .threads = true,
        .ignore_marks = true,
    };
    enum err err = store_journal_open(&config, &world->journal, &note);
    if (err != ERR_OK)
        print_error("%s: %s\n", note.where, note.text);
    assert_int_equal(err, ERR_OK);
}

static void
world_init(struct world *world)
{
    *world = (struct world){0};
    strcpy(world->folder, "/tmp/store_thread_test.XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    world->journal_folder = base_mem_format("%s/journal", world->folder);
    world->kv_folder = base_mem_format("%s/kv", world->folder);
    base_stat_init(&world->stats);
    assert_int_equal(sys_loop_new("owner", &world->loop), ERR_OK);
}

static void
remove_folder(const char *path)
{
    struct sys_files *files = sys_file_real();
    struct base_arena arena;
    char **names;
    size_t count = 0;
    base_arena_init(&arena, 1 << 20);
    if (files->ops->list(files, path, &arena, &names, &count) != ERR_OK)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        char *inner = base_mem_format("%s/%s", path, names[i]);
        remove_folder(inner);
        base_mem_free(inner);
    }
    files->ops->remove(files, path);
    base_arena_done(&arena);
}

static void
world_done(struct world *world)
{
    sys_loop_free(world->loop);
    base_stat_done(&world->stats);
    remove_folder(world->folder);
    base_mem_free(world->journal_folder);
    base_mem_free(world->kv_folder);
}

/* ---- producers ---- */

struct told {
    struct store_journal_wait wait;
    struct producer *producer;
    uint64_t sequence;
};

struct producer {
    struct world *world;
    unsigned stream;
    pthread_t thread;
    struct told told[RECORDS];
    uint64_t last; /* told, on the loop's thread */
    atomic_uint count;
};

static void
producer_told(struct store_journal_wait *wait, enum err err)
{
    struct told *told = BASE_OUTER(wait, struct told, wait);
    struct producer *producer = told->producer;
    assert_int_equal(err, ERR_OK);
    assert_true(told->sequence >= producer->last);
    producer->last = told->sequence;
    atomic_fetch_add(&producer->count, 1);
}

static void *
producer_run(void *self)
{
    struct producer *producer = self;
    struct world *world = producer->world;
    uint8_t body[BODY] = {0};
    for (unsigned i = 0; i < RECORDS; i++) {
        struct told *told = &producer->told[i];
        struct bytes parts[] = {base_bytes(&i, sizeof i),
                                base_bytes(body, sizeof body)};
        enum err err;
        while ((err = store_journal_append(world->journal, producer->stream,
                                           STORE_JOURNAL_OPAQUE, parts, 2,
                                           &told->sequence)) == ERR_BUSY)
            usleep(100);
        assert_int_equal(err, ERR_OK);
        told->producer = producer;
        told->wait.fn = producer_told;
        told->wait.loop = sys_loop_base(world->loop);
        store_journal_wait(world->journal, producer->stream, told->sequence,
                           &told->wait);
        if (i % 50 == 49)
            store_journal_close(world->journal, producer->stream);
        if (i % 500 == 499)
            assert_int_equal(store_journal_flush(world->journal,
                                                 producer->stream,
                                                 told->sequence),
                             ERR_OK);
    }
    return NULL;
}

static enum err
replayed(void *self, uint64_t sequence, uint8_t type, struct bytes body)
{
    unsigned *count = self, number;
    (void)sequence, (void)type;
    assert_int_equal(body.size, sizeof number + BODY);
    memcpy(&number, body.at, sizeof number);
    assert_int_equal(number, *count);
    (*count)++;
    return ERR_OK;
}

static void
many_threads_are_all_told(void **state)
{
    (void)state;
    struct world world;
    struct producer *producers = base_mem_zero(PRODUCERS * sizeof *producers);
    world_init(&world);
    world_open_journal(&world);
    assert_int_equal(store_journal_start(world.journal), ERR_OK);
    assert_int_equal(sys_loop_start(world.loop), ERR_OK);
    for (unsigned i = 0; i < PRODUCERS; i++) {
        producers[i].world = &world;
        producers[i].stream = STORE_JOURNAL_SAMPLES + i;
        assert_int_equal(sys_thread_start("producer", producer_run,
                                          &producers[i], &producers[i].thread),
                         ERR_OK);
    }
    for (unsigned i = 0; i < PRODUCERS; i++) {
        sys_thread_join(producers[i].thread);
        for (int j = 0; atomic_load(&producers[i].count) < RECORDS; j++) {
            assert_true(j < 60000);
            usleep(1000);
        }
    }
    sys_loop_stop(world.loop);
    sys_loop_join(world.loop);
    store_journal_crash(world.journal);
    world_open_journal(&world);
    for (unsigned i = 0; i < PRODUCERS; i++) {
        unsigned count = 0;
        assert_int_equal(store_journal_replay(world.journal,
                                              STORE_JOURNAL_SAMPLES + i, 0,
                                              replayed, &count),
                         ERR_OK);
        assert_int_equal(count, RECORDS);
    }
    store_journal_shut(world.journal);
    world_done(&world);
    base_mem_free(producers);
}

/* ---- a catalogue on its owner's thread, read by others ---- */

enum { COMMITS = 4000 };

struct owner {
    struct world *world;
    struct base_timer timer;
    struct store_journal_wait waits[COMMITS];
    uint32_t next;
    uint32_t told;
    atomic_bool done;
    struct base_task shut;
};

static void
owner_told(struct store_journal_wait *wait, enum err err)
{
    struct owner *owner =
        BASE_OUTER(wait - (wait->sequence - 1), struct owner, waits);
    assert_int_equal(err, ERR_OK);
    owner->told++;
    if (owner->told == COMMITS)
        atomic_store(&owner->done, true);
}

static void
owner_turn(struct base_timer *timer)
{
    struct owner *owner = BASE_OUTER(timer, struct owner, timer);
    struct world *world = owner->world;
    for (unsigned i = 0; i < 40 && owner->next < COMMITS; i++) {
        struct store_kv_batch *batch = store_kv_batch_new(world->kv);
        uint32_t number = owner->next;
        store_kv_put(batch, T, base_bytes("a", 1), base_bytes(&number, 4));
        store_kv_put(batch, T, base_bytes("b", 1), base_bytes(&number, 4));
        struct store_journal_wait *wait = &owner->waits[number];
        wait->fn = owner_told;
        wait->loop = sys_loop_base(world->loop);
        assert_int_equal(store_kv_commit(world->kv, batch, wait, NULL), ERR_OK);
        owner->next++;
    }
    if (owner->next < COMMITS)
        base_loop_timer(sys_loop_base(world->loop), &owner->timer, 20);
}

/* On the owner's thread, as LMDB's lock is that thread's. */
static void
owner_shut(struct base_task *task)
{
    struct owner *owner = BASE_OUTER(task, struct owner, shut);
    store_kv_shut(owner->world->kv);
    sys_loop_stop(owner->world->loop);
}

/* Both rows are always of one batch. */
static void
reader_look(struct store_kv *kv)
{
    struct store_kv_snap *snap;
    struct bytes a, b;
    assert_int_equal(store_kv_snap_begin(kv, &snap), ERR_OK);
    if (store_kv_get(snap, T, base_bytes("a", 1), &a) == ERR_OK) {
        assert_int_equal(store_kv_get(snap, T, base_bytes("b", 1), &b), ERR_OK);
        assert_true(base_bytes_equal(a, b));
    }
    store_kv_snap_end(snap);
}

static void
world_open_kv(struct world *world)
{
    struct base_note note = {0};
    const struct store_kv_config config = {
        .journal = world->journal,
        .loop = sys_loop_base(world->loop),
        .stats = &world->stats,
        .folder = world->kv_folder,
        .owner = STORE_JOURNAL_IDENT,
        .map_bytes = 64 << 20,
    };
    enum err err = store_kv_open(&config, &world->kv, &note);
    if (err != ERR_OK)
        print_error("%s: %s\n", note.where, note.text);
    assert_int_equal(err, ERR_OK);
}

static void
an_owner_commits_while_others_read(void **state)
{
    (void)state;
    struct world world;
    struct owner *owner = base_mem_zero(sizeof *owner);
    world_init(&world);
    world_open_journal(&world);
    world_open_kv(&world);
    assert_int_equal(store_journal_start(world.journal), ERR_OK);
    owner->world = &world;
    owner->timer.fn = owner_turn;
    base_loop_timer(sys_loop_base(world.loop), &owner->timer, 0);
    assert_int_equal(sys_loop_start(world.loop), ERR_OK);
    while (!atomic_load(&owner->done)) {
        reader_look(world.kv);
        usleep(500);
    }
    owner->shut.fn = owner_shut;
    base_loop_post(sys_loop_base(world.loop), &owner->shut);
    sys_loop_join(world.loop);
    store_journal_shut(world.journal);
    world_open_journal(&world);
    world_open_kv(&world);
    struct bytes value;
    uint32_t number;
    assert_int_equal(
        store_kv_get(store_kv_now(world.kv), T, base_bytes("a", 1), &value),
        ERR_OK);
    memcpy(&number, value.at, sizeof number);
    assert_int_equal(number, COMMITS - 1);
    store_kv_shut(world.kv);
    store_journal_shut(world.journal);
    world_done(&world);
    base_mem_free(owner);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_threads_are_all_told),
        cmocka_unit_test(an_owner_commits_while_others_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
