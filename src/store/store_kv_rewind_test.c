/* store_kv_rewind_test.c -- LMDB behind its journal: storing, cuts, failures.
 */
#include "store/store_kv.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "store/store_kv_world_test.h"

/* ---- tests: storing and rewinding ---- */

static void
lmdb_follows_the_journal_and_never_leads(void **state)
{
    (void)state;
    struct store_kv_world world;
    store_kv_world_test_init(&world, 14);
    store_kv_world_test_open(&world);
    store_kv_world_test_put_ok(&world, "k", "1");
    assert_int_equal(world.kv->stored, 0);
    fault_loop_run(&world.loop, 999);
    assert_int_equal(world.kv->stored, 0);
    store_kv_world_test_put_ok(&world, "k",
                               "2"); /* not synced when the tick comes */
    fault_loop_run(&world.loop, 1);
    assert_int_equal(world.kv->stored, 2);
    assert_int_equal(store_journal_synced(world.journal, 0), 2);
    store_kv_world_test_put_ok(&world, "k", "3");
    store_kv_world_test_crash(&world, FAULT_FILES_ALL);
    store_kv_world_test_open(&world);
    store_kv_world_test_now(&world, "k", "2");
    store_kv_world_test_done(&world);
}

static void
a_cut_rewinds_after_the_refusals_are_told(void **state)
{
    (void)state;
    struct store_kv_world world;
    store_kv_world_test_init(&world, 15);
    store_kv_world_test_open(&world);
    store_kv_world_test_put_ok(&world, "kept", "1");
    store_kv_world_test_sync(&world);
    struct store_kv_waiter waiter = store_kv_world_test_waiter(&world),
                           barrier = store_kv_world_test_waiter(&world);
    struct store_kv_batch *batch = store_kv_batch_new(world.kv);
    store_kv_put(batch, T, b("kept"), b("2"));
    store_kv_put(batch, T, b("lost"), b("2"));
    assert_int_equal(store_kv_commit(world.kv, batch, &waiter.wait, NULL),
                     ERR_OK);
    store_kv_world_test_now(&world, "lost", "2");
    store_kv_world_test_full(&world);
    store_journal_close(world.journal, 0);
    fault_loop_run(&world.loop, 0);
    assert_int_equal(waiter.wait.err, ERR_FULL);
    assert_int_equal(store_journal_cuts(world.journal), 1);

    /* Between the cut and the rewind nobody may answer from what was cut. */
    store_journal_barrier(world.journal, &barrier.wait);
    assert_int_equal(barrier.wait.err, ERR_FULL);
    assert_int_equal(store_kv_world_test_put(&world, "x", "y"), ERR_FULL);
    store_kv_world_test_now(&world, "kept", "1");
    store_kv_world_test_now(&world, "lost", NULL);
    assert_int_equal(world.rewound, 0);
    fault_loop_run(&world.loop, 1);
    assert_int_equal(world.rewound, 1);
    assert_int_equal(waiter.rewound, 0);
    store_journal_barrier(world.journal, &barrier.wait);
    assert_int_equal(barrier.wait.err, ERR_OK);
    fault_loop_run(&world.loop, 1000);
    store_kv_world_test_put_ok(&world, "lost", "3");
    store_kv_world_test_sync(&world);
    fault_loop_run(&world.loop, 1000);
    store_kv_world_test_crash(&world, FAULT_FILES_ALL);
    store_kv_world_test_open(&world);
    store_kv_world_test_now(&world, "kept", "1");
    store_kv_world_test_now(&world, "lost", "3");
    store_kv_world_test_done(&world);
}

static void
an_idle_owner_hears_of_a_cut_within_a_second(void **state)
{
    (void)state;
    struct store_kv_world world;
    store_kv_world_test_init(&world, 16);
    store_kv_world_test_open(&world);
    store_kv_world_test_put_ok(&world, "lost", "1");
    store_kv_world_test_full(&world);
    fault_loop_run(&world.loop, 1001);
    assert_int_equal(world.rewound, 1);
    store_kv_world_test_now(&world, "lost", NULL);
    fault_loop_run(&world.loop, 1000);
    store_kv_world_test_put_ok(&world, "k", "1");
    store_kv_world_test_done(&world);
}

static void
after_a_failed_sync_reads_go_on(void **state)
{
    (void)state;
    struct store_kv_world world;
    store_kv_world_test_init(&world, 17);
    store_kv_world_test_open(&world);
    store_kv_world_test_put_ok(&world, "kept", "1");
    store_kv_world_test_sync(&world);
    store_kv_world_test_put_ok(&world, "lost", "1");
    fault_files_rule(world.disk,
                     &(struct fault_files_rule){
                         .call = FAULT_FILES_SYNC, .from = 1, .err = ERR_IO});
    fault_loop_run(&world.loop, 1100);
    assert_int_equal(world.rewound, 1);
    assert_int_equal(store_kv_world_test_put(&world, "k", "1"), ERR_IO);
    store_kv_world_test_now(&world, "kept", "1");
    store_kv_world_test_now(&world, "lost", NULL);
    struct store_kv_waiter barrier = store_kv_world_test_waiter(&world);
    store_journal_barrier(world.journal, &barrier.wait);
    assert_int_equal(barrier.wait.err, ERR_OK);
    store_kv_world_test_done(&world);
}

static void
an_lmdb_that_cannot_commit_loses_nothing(void **state)
{
    (void)state;
    struct store_kv_world world;
    store_kv_world_test_init(&world, 18);
    store_kv_world_test_open(&world);
    store_kv_world_test_put_ok(&world, "k", "1");
    store_kv_world_test_sync(&world);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit before, none = {0, 0};
    getrlimit(RLIMIT_FSIZE, &before);
    none.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_FSIZE, &none);
    fault_loop_run(&world.loop, 1001);
    enum err refused = store_kv_world_test_put(&world, "x", "1");
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(refused, ERR_IO);
    assert_int_equal(world.rewound, 1);
    store_kv_world_test_now(&world, "k", "1");
    assert_int_equal(world.kv->stored, 0);
    fault_loop_run(&world.loop, 1000);
    assert_int_equal(world.kv->stored, 1);
    store_kv_world_test_put_ok(&world, "x", "1");
    store_kv_world_test_done(&world);
}

static void
a_full_map_refuses_puts_but_takes_deletions(void **state)
{
    (void)state;
    struct store_kv_world world;
    char key[16];
    static char value[100 * KIB];
    int count = 0;
    store_kv_world_test_init(&world, 19);
    world.config.map_bytes = 8 * MIB;
    store_kv_world_test_open(&world);
    memset(value, 'v', sizeof value - 1);
    enum err err;
    do {
        snprintf(key, sizeof key, "%d", count++);
        err = store_kv_world_test_put(&world, key, value);
        fault_loop_run(&world.loop, 2);
        assert_true(count < 200);
    } while (err == ERR_OK);
    assert_int_equal(err, ERR_FULL);
    assert_true(count > 40);
    assert_int_equal(world.rewound, 0);
    for (int i = 0; i < count / 2; i++) {
        struct store_kv_batch *batch = store_kv_batch_new(world.kv);
        snprintf(key, sizeof key, "%d", i);
        store_kv_del(batch, T, b(key));
        assert_int_equal(store_kv_commit(world.kv, batch, NULL, NULL), ERR_OK);
    }
    store_kv_world_test_done(&world);
}

static void
an_idle_environment_does_not_hold_the_journal(void **state)
{
    (void)state;
    struct store_kv_world world;
    struct store_journal_health health;
    store_kv_world_test_init(&world, 20);
    store_kv_world_test_open(&world);
    struct bytes part = base_bytes("\0\1", 2); /* another owner's */
    for (int i = 0; i < 8000; i++) {
        uint64_t sequence;
        enum err err = store_journal_append(
            world.journal, 0, STORE_JOURNAL_OPAQUE, &part, 1, &sequence);
        assert_int_equal(err, ERR_OK);
        if (i % 1000 == 0)
            store_kv_world_test_sync(&world);
    }
    store_kv_world_test_sync(&world);
    store_journal_health(world.journal, &health);
    assert_true(health.files > 2);
    fault_loop_run(&world.loop, 1000);
    store_journal_health(world.journal, &health);
    assert_int_equal(health.files, 1);
    store_kv_world_test_done(&world);
}

static void
a_catalogue_ahead_of_its_journal_moves_it_on(void **state)
{
    (void)state;
    struct store_kv_world world;
    struct store_journal_health health;
    store_kv_world_test_init(&world, 21);
    store_kv_world_test_open(&world);
    for (int i = 0; i < 10; i++)
        store_kv_world_test_put_ok(&world, "k", "1");
    fault_loop_run(&world.loop, 1000);
    assert_int_equal(world.kv->stored, 10);
    store_kv_world_test_crash(&world, FAULT_FILES_NONE);
    /* The journal's end rots: as a torn tail it is cut. */
    fault_files_rot(world.disk, "/data/journal/records/0000000000000001.jnl",
                    64 + 26 * 5, 255);
    store_kv_world_test_open(&world);
    store_journal_health(world.journal, &health);
    assert_true(health.lost_first > 0);
    assert_int_equal(health.lost_last, 10);
    struct store_kv_batch *batch = store_kv_batch_new(world.kv);
    store_kv_put(batch, T, b("k"), b("2"));
    uint64_t sequence;
    assert_int_equal(store_kv_commit(world.kv, batch, NULL, &sequence), ERR_OK);
    assert_int_equal(sequence, 11);
    store_kv_world_test_sync(&world);
    store_kv_world_test_crash(&world, FAULT_FILES_ALL);
    store_kv_world_test_open(&world);
    store_kv_world_test_now(&world, "k", "2");
    store_journal_health(world.journal, &health);
    assert_int_equal(health.lost_first, 0);
    store_kv_world_test_done(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lmdb_follows_the_journal_and_never_leads),
        cmocka_unit_test(a_cut_rewinds_after_the_refusals_are_told),
        cmocka_unit_test(an_idle_owner_hears_of_a_cut_within_a_second),
        cmocka_unit_test(after_a_failed_sync_reads_go_on),
        cmocka_unit_test(an_lmdb_that_cannot_commit_loses_nothing),
        cmocka_unit_test(a_full_map_refuses_puts_but_takes_deletions),
        cmocka_unit_test(an_idle_environment_does_not_hold_the_journal),
        cmocka_unit_test(a_catalogue_ahead_of_its_journal_moves_it_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
