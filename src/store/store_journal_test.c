/* store_journal_test.c -- the journal on a disk in memory, on one thread. */
#include "store/store_journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "store/store_world_test.h"

/* ---- waits ---- */

struct waiter {
    struct store_journal_wait wait;
    int *order; /* the next place */
    int place;  /* when it was told; 0: not yet */
};

static void
waiter_told(struct store_journal_wait *wait, enum err err)
{
    struct waiter *waiter = BASE_OUTER(wait, struct waiter, wait);
    (void)err;
    waiter->place = ++*waiter->order;
}

static struct waiter
waiter_new(struct store_world *world, int *order)
{
    return (struct waiter){
        .wait = {.fn = waiter_told, .loop = &world->loop.base},
        .order = order,
    };
}

/* ---- tests: groups ---- */

static void
synced_records_survive_and_others_do_not(void **state)
{
    (void)state;
    struct store_world world;
    store_world_test_init(&world, 1);
    store_world_test_start(&world);
    store_world_test_put_ok(&world, 0, 1, 10);
    store_world_test_put_ok(&world, 0, 2, 5000);
    store_world_test_put_ok(&world, 1, 1, 30000);
    store_world_test_flush(&world, 0);
    store_world_test_put_ok(&world, 0, 3, 10);
    store_world_test_crash(&world, FAULT_FILES_ALL);
    store_world_test_open(&world);
    store_world_test_assert(&world, 0, 2);
    store_world_test_assert(&world, 1, 1);
    store_world_test_assert(&world, 2, 0);
    assert_int_equal(store_journal_synced(world.journal, 0), 2);
    store_world_test_done(&world);
}

static void
a_group_closes_after_a_millisecond_or_when_asked(void **state)
{
    (void)state;
    struct store_world world;
    store_world_test_init(&world, 2);
    store_world_test_start(&world);
    store_world_test_put_ok(&world, 0, 1, 10);
    fault_loop_run(&world.loop, 0);
    assert_int_equal(store_journal_synced(world.journal, 0), 0);
    store_world_test_put_ok(&world, 0, 2, 10);
    fault_loop_run(&world.loop, 1);
    assert_int_equal(store_journal_synced(world.journal, 0), 2);

    store_world_test_put_ok(&world, 0, 3, 10);
    store_journal_close(world.journal, 0);
    fault_loop_run(&world.loop, 0);
    assert_int_equal(store_journal_synced(world.journal, 0), 3);

    store_world_test_put_ok(&world, 0, 4,
                            40 * KIB); /* 64 KiB close it as well */
    store_world_test_put_ok(&world, 0, 5, 30 * KIB);
    fault_loop_run(&world.loop, 0);
    assert_int_equal(store_journal_synced(world.journal, 0), 5);
    store_world_test_done(&world);
}

static void
one_sync_stores_a_whole_group(void **state)
{
    (void)state;
    struct store_world world;
    store_world_test_init(&world, 3);
    store_world_test_start(&world);
    uint64_t syncs = fault_files_count(world.disk, FAULT_FILES_SYNC);
    uint64_t writes = fault_files_count(world.disk, FAULT_FILES_WRITE);
    for (uint32_t i = 1; i <= 100; i++)
        store_world_test_put_ok(&world, 0, i, 100);
    store_world_test_flush(&world, 0);
    assert_int_equal(fault_files_count(world.disk, FAULT_FILES_SYNC) - syncs,
                     1);
    assert_int_equal(fault_files_count(world.disk, FAULT_FILES_WRITE) - writes,
                     1);
    store_world_test_assert(&world, 0, 100);
    store_world_test_done(&world);
}

static void
waits_are_told_in_order_and_at_once_when_synced(void **state)
{
    (void)state;
    struct store_world world;
    int order = 0;
    store_world_test_init(&world, 4);
    store_world_test_start(&world);
    struct waiter waiters[3];
    for (uint32_t i = 0; i < 3; i++) {
        store_world_test_put_ok(&world, 0, i + 1, 10);
        waiters[i] = waiter_new(&world, &order);
    }
    store_journal_wait(world.journal, 0, 3, &waiters[2].wait);
    store_journal_wait(world.journal, 0, 1, &waiters[0].wait);
    store_journal_wait(world.journal, 0, 2, &waiters[1].wait);
    assert_int_equal(order, 0);
    fault_loop_run(&world.loop, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(waiters[i].place, i + 1);
        assert_int_equal(waiters[i].wait.err, ERR_OK);
    }
    struct waiter late = waiter_new(&world, &order);
    store_journal_wait(world.journal, 0, 2, &late.wait);
    assert_int_equal(late.place, 4);
    store_world_test_done(&world);
}

static void
a_barrier_waits_for_every_stream(void **state)
{
    (void)state;
    struct store_world world;
    int order = 0;
    store_world_test_init(&world, 5);
    store_world_test_start(&world);
    struct waiter none = waiter_new(&world, &order);
    store_journal_barrier(world.journal, &none.wait);
    assert_int_equal(none.place, 1);
    store_world_test_put_ok(&world, 0, 1, 10);
    store_world_test_put_ok(&world, 2, 1, 10);
    struct waiter all = waiter_new(&world, &order);
    store_journal_barrier(world.journal, &all.wait);
    assert_int_equal(all.place, 0);
    fault_loop_run(&world.loop, 1);
    assert_int_equal(all.place, 2);
    assert_int_equal(store_journal_synced(world.journal, 0), 1);
    assert_int_equal(store_journal_synced(world.journal, 2), 1);
    store_world_test_done(&world);
}

static void
a_barrier_in_a_round_waits_for_what_came_after_it(void **state)
{
    (void)state;
    struct store_world world;
    int order = 0;
    store_world_test_init(&world, 6);
    world.config.sync_delay_max_ms = 50;
    store_world_test_start(&world);
    store_world_test_put_ok(&world, 0, 1, 10);
    struct waiter first = waiter_new(&world, &order);
    struct waiter second = waiter_new(&world, &order);
    store_journal_barrier(world.journal, &first.wait);
    fault_loop_run(&world.loop, 1); /* the round has begun, and takes time */
    assert_int_equal(first.place, 0);
    store_world_test_put_ok(&world, 1, 1, 10);
    store_journal_barrier(world.journal, &second.wait);
    fault_loop_run(&world.loop, 200);
    assert_int_equal(first.place, 1);
    assert_int_equal(second.place, 2);
    assert_int_equal(store_journal_synced(world.journal, 1), 1);
    store_world_test_done(&world);
}

struct watcher {
    struct store_journal_watch watch;
    int told;
};

static void
watcher_told(struct store_journal_watch *watch)
{
    BASE_OUTER(watch, struct watcher, watch)->told++;
}

static void
a_watch_is_told_after_each_sync_and_a_failure(void **state)
{
    (void)state;
    struct store_world world;
    store_world_test_init(&world, 7);
    store_world_test_start(&world);
    struct watcher watcher = {
        .watch = {.fn = watcher_told, .loop = &world.loop.base}};
    store_journal_watch(world.journal, 1, &watcher.watch);
    store_world_test_put_ok(&world, 1, 1, 10);
    store_world_test_put_ok(&world, 1, 2, 10);
    fault_loop_run(&world.loop, 1);
    assert_int_equal(watcher.told, 1);
    fault_files_rule(world.disk,
                     &(struct fault_files_rule){.call = FAULT_FILES_SYNC,
                                                .path = "journal/0/",
                                                .from = 1,
                                                .err = ERR_IO});
    store_world_test_put_ok(&world, 1, 3, 10);
    fault_loop_run(&world.loop, 1);
    assert_int_equal(watcher.told, 2);
    assert_int_equal(store_journal_state(world.journal), STORE_JOURNAL_FAILED);
    store_world_test_done(&world);
}

static void
two_full_buffers_are_busy(void **state)
{
    (void)state;
    struct store_world world;
    uint64_t sequence;
    store_world_test_init(&world, 8);
    store_world_test_start(&world);
    store_world_test_put_ok(&world, 0, 1, MIB - 1);
    store_world_test_put_ok(&world, 0, 2, MIB - 1);
    assert_int_equal(store_world_test_put(&world, 0, 3, 4, &sequence),
                     ERR_BUSY);
    assert_int_equal(store_world_test_put(&world, 0, 3, MIB, &sequence),
                     ERR_BIG);
    fault_loop_run(&world.loop, 10);
    assert_int_equal(store_world_test_put(&world, 0, 3, 4, &sequence), ERR_OK);
    assert_int_equal(sequence, 3);
    store_world_test_flush(&world, 0);
    store_world_test_assert(&world, 0, 3);
    store_world_test_done(&world);
}

static void
the_store_id_is_made_once(void **state)
{
    (void)state;
    struct store_world world;
    uint8_t id[16];
    store_world_test_init(&world, 9);
    store_world_test_open(&world);
    memcpy(id, store_journal_store_id(world.journal), sizeof id);
    store_world_test_crash(&world, FAULT_FILES_ALL);
    store_world_test_start(&world);
    assert_memory_equal(id, store_journal_store_id(world.journal), sizeof id);
    store_journal_shut(world.journal);
    store_world_test_open(&world);
    assert_memory_equal(id, store_journal_store_id(world.journal), sizeof id);
    store_world_test_done(&world);
}

static void
a_second_journal_in_the_folder_is_busy(void **state)
{
    (void)state;
    struct store_world world;
    struct store_journal *second;
    struct base_note note;
    store_world_test_init(&world, 10);
    store_world_test_open(&world);
    assert_int_equal(store_journal_open(&world.config, &second, &note),
                     ERR_BUSY);
    assert_non_null(strstr(note.text, "another process"));
    store_world_test_done(&world);
}

/* ---- tests: the format ---- */

static void
fill_counting(struct base_random *self, void *to, size_t size)
{
    (void)self;
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)to)[i] = (uint8_t)i;
}

/* The bytes of version 1, kept here for ever. */
static void
the_format_is_the_one_that_is_drawn(void **state)
{
    (void)state;
    static const char golden[] =
        "44474a4e4c310d0a01000000d16eeed8000102030405060708090a0b0c0d0e0f"
        "010000000000000080f0eea99a01000000000000000000000000000000000000"
        "040000009832d90101000000000000000661626300000000";
    struct store_world world;
    struct base_random counting = {fill_counting};
    uint8_t bytes[88];
    char hex[sizeof bytes * 2 + 1];
    store_world_test_init(&world, 11);
    world.config.random = &counting;
    store_world_test_start(&world);
    struct bytes parts[] = {base_bytes("a", 1), base_bytes("bc", 2)};
    uint64_t sequence;
    assert_int_equal(store_journal_append(world.journal, 0,
                                          STORE_JOURNAL_OPAQUE, parts, 2,
                                          &sequence),
                     ERR_OK);
    store_world_test_flush(&world, 0);
    store_world_test_read(&world, store_world_test_first, 0, bytes,
                          sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    assert_string_equal(hex, golden);
    store_world_test_done(&world);
}

static void
a_newer_version_is_refused(void **state)
{
    (void)state;
    struct store_world world;
    struct base_note note;
    store_world_test_init(&world, 12);
    store_world_test_open(&world);
    store_world_test_crash(&world, FAULT_FILES_NONE);
    assert_true(fault_files_rot(world.disk, store_world_test_first, 8, 3));
    assert_int_equal(store_journal_open(&world.config, &world.journal, &note),
                     ERR_VERSION);
    world.journal = NULL;
    store_world_test_done(&world);
}

/* ---- tests: space ---- */

static void
a_full_disk_cuts_and_refuses(void **state)
{
    (void)state;
    struct store_world world;
    int order = 0;
    store_world_test_init(&world, 17);
    store_world_test_start(&world);
    store_world_test_put_ok(&world, 0, 1, 100);
    store_world_test_flush(&world, 0);
    store_world_test_put_ok(&world, 0, 2, 100); /* refused below */
    store_world_test_put_ok(&world, 0, 3, 100);
    store_world_test_put_ok(&world, 1, 1, 100);
    struct waiter waiter = waiter_new(&world, &order);
    struct waiter barrier = waiter_new(&world, &order);
    store_journal_wait(world.journal, 0, 3, &waiter.wait);
    store_journal_barrier(world.journal, &barrier.wait);
    fault_files_rule(world.disk,
                     &(struct fault_files_rule){.call = FAULT_FILES_WRITE,
                                                .path = "records",
                                                .from = 1,
                                                .err = ERR_FULL});
    fault_files_rule(world.disk,
                     &(struct fault_files_rule){.call = FAULT_FILES_RESERVE,
                                                .from = 1,
                                                .err = ERR_FULL});
    fault_loop_run(&world.loop, 1);
    assert_int_equal(waiter.place, 1);
    assert_int_equal(waiter.wait.err, ERR_FULL);
    assert_int_equal(barrier.wait.err, ERR_FULL);
    assert_int_equal(store_journal_cuts(world.journal), 1);
    assert_int_equal(store_journal_appended(world.journal, 0), 1);
    assert_int_equal(store_journal_appended(world.journal, 1), 0);
    uint64_t sequence;
    assert_int_equal(store_world_test_put(&world, 0, 2, 10 * KIB, &sequence),
                     ERR_FULL);
    assert_int_equal(
        store_journal_append_since(world.journal, 0, 0, 6, NULL, 0, &sequence),
        ERR_STALE);

    fault_files_clear(world.disk);
    fault_loop_run(&world.loop, 1000);
    assert_int_equal(store_journal_state(world.journal), STORE_JOURNAL_OK);
    store_world_test_put_ok(&world, 0, 2, 90);
    store_world_test_flush(&world, 0);
    store_world_test_crash(&world, FAULT_FILES_NONE);
    store_world_test_open(&world);
    store_world_test_assert(&world, 0, 2);
    store_world_test_done(&world);
}

static void
without_a_spare_the_current_file_is_filled_and_no_more(void **state)
{
    (void)state;
    struct store_world world;
    uint64_t sequence;
    uint32_t number = 0;
    store_world_test_init(&world, 18);
    store_world_test_start(&world);
    store_world_test_put_ok(&world, 0, ++number, 10 * KIB);
    store_world_test_flush(&world, 0);
    /* One rotation uses the spare; none can be made after it. */
    fault_files_rule(world.disk,
                     &(struct fault_files_rule){.call = FAULT_FILES_RESERVE,
                                                .from = 1,
                                                .err = ERR_FULL});
    enum err err;
    while ((err = store_world_test_put(&world, 0, number + 1, 10 * KIB,
                                       &sequence)) == ERR_OK) {
        number++;
        store_world_test_flush(&world, 0);
        assert_true(number < 100);
    }
    assert_int_equal(err, ERR_FULL);
    assert_int_equal(number, 12);
    assert_int_equal(store_journal_cuts(world.journal), 0);
    store_world_test_put_ok(&world, 0, ++number, KIB); /* it still fits */
    store_world_test_flush(&world, 0);
    fault_files_clear(world.disk);
    fault_loop_run(&world.loop, 1000);
    store_world_test_put_ok(&world, 0, ++number, 10 * KIB);
    store_world_test_flush(&world, 0);
    store_world_test_crash(&world, FAULT_FILES_ALL);
    store_world_test_open(&world);
    store_world_test_assert(&world, 0, number);
    store_world_test_done(&world);
}

static void
free_space_has_two_marks(void **state)
{
    (void)state;
    struct store_world world;
    uint64_t sequence, disk = (uint64_t)10 << 30;
    store_world_test_init(&world, 19);
    world.config.ignore_marks = false;
    fault_files_space(world.disk, disk, 0);
    store_world_test_start(&world);
    assert_int_equal(store_journal_state(world.journal), STORE_JOURNAL_OK);
    fault_files_space(world.disk, disk, disk - 400 * (uint64_t)MIB);
    fault_loop_run(&world.loop, 1000);
    assert_int_equal(store_journal_state(world.journal), STORE_JOURNAL_LOW);
    assert_int_equal(store_world_test_put(&world, 0, 1, 10, &sequence), ERR_OK);
    fault_files_space(world.disk, disk, disk - 60 * (uint64_t)MIB);
    fault_loop_run(&world.loop, 1000);
    assert_int_equal(store_journal_state(world.journal), STORE_JOURNAL_FULLD);
    assert_int_equal(store_journal_synced(world.journal, 0), 1);
    assert_int_equal(store_world_test_put(&world, 0, 2, 10, &sequence),
                     ERR_FULL);
    fault_files_space(world.disk, disk, disk - 400 * (uint64_t)MIB);
    fault_loop_run(&world.loop, 1000);
    assert_int_equal(store_journal_state(world.journal), STORE_JOURNAL_FULLD);
    fault_files_space(world.disk, disk, disk - 600 * (uint64_t)MIB);
    fault_loop_run(&world.loop, 1000);
    assert_int_equal(store_journal_state(world.journal), STORE_JOURNAL_OK);
    assert_int_equal(store_world_test_put(&world, 0, 2, 10, &sequence), ERR_OK);
    assert_int_equal(store_journal_cuts(world.journal), 0);
    store_world_test_done(&world);
}

static void
a_failed_sync_is_the_end_and_never_tried_again(void **state)
{
    (void)state;
    struct store_world world;
    int order = 0;
    uint64_t sequence;
    store_world_test_init(&world, 20);
    store_world_test_start(&world);
    store_world_test_put_ok(&world, 0, 1, 100);
    store_world_test_flush(&world, 0);
    store_world_test_put_ok(&world, 0, 2, 100);
    struct waiter waiter = waiter_new(&world, &order);
    store_journal_wait(world.journal, 0, 2, &waiter.wait);
    fault_files_rule(
        world.disk,
        &(struct fault_files_rule){
            .call = FAULT_FILES_SYNC, .from = 1, .to = 1, .err = ERR_IO});
    fault_loop_run(&world.loop, 1);
    assert_int_equal(waiter.wait.err, ERR_IO);
    assert_int_equal(store_journal_state(world.journal), STORE_JOURNAL_FAILED);
    uint64_t syncs = fault_files_count(world.disk, FAULT_FILES_SYNC);
    assert_int_equal(store_world_test_put(&world, 0, 2, 100, &sequence),
                     ERR_IO);
    assert_int_equal(store_journal_flush(world.journal, 0, 2), ERR_IO);
    fault_loop_run(&world.loop, 5000);
    assert_int_equal(fault_files_count(world.disk, FAULT_FILES_SYNC), syncs);
    store_world_test_assert(&world, 0, 1); /* reads go on */
    struct waiter old = waiter_new(&world, &order);
    store_journal_wait(world.journal, 0, 1, &old.wait);
    assert_int_equal(old.wait.err, ERR_OK);
    store_journal_shut(world.journal);
    world.journal = NULL;
    assert_int_equal(fault_files_count(world.disk, FAULT_FILES_SYNC), syncs);
    store_world_test_done(&world);
}

/* ---- tests: readers ---- */

static void
a_file_lives_until_its_last_reader_has_passed(void **state)
{
    (void)state;
    struct store_world world;
    struct store_journal_health health;
    store_world_test_init(&world, 21);
    store_world_test_start(&world);
    store_journal_need(world.journal, 0, STORE_JOURNAL_NODE);
    store_journal_need(world.journal, 0, STORE_JOURNAL_ROLLUP);
    for (uint32_t i = 1; i <= 20; i++) {
        store_world_test_put_ok(&world, 0, i, 10 * KIB);
        store_world_test_flush(&world, 0);
    }
    store_journal_health(world.journal, &health);
    assert_int_equal(health.files, 4); /* 6, 6, 6, 2 */
    store_journal_pass(world.journal, 0, STORE_JOURNAL_NODE, 20);
    store_journal_pass(world.journal, 0, STORE_JOURNAL_ROLLUP, 11);
    store_journal_health(world.journal, &health);
    assert_int_equal(health.files, 3);
    struct store_world_seen *seen = store_world_test_seen(&world, 0, 0);
    assert_int_equal(seen->numbers[0], 7);
    base_mem_free(seen);
    seen = store_world_test_seen(&world, 0, 13);
    assert_int_equal(seen->sequences[0], 14);
    assert_int_equal(seen->count, 7);
    base_mem_free(seen);
    store_journal_pass(world.journal, 0, STORE_JOURNAL_ROLLUP, 20);
    store_journal_health(world.journal, &health);
    assert_int_equal(health.files, 1);
    store_world_test_crash(&world, FAULT_FILES_TAIL);
    store_world_test_open(&world);
    assert_int_equal(store_journal_synced(world.journal, 0), 20);
    store_world_test_done(&world);
}

/* A group that does not fit into an empty file takes its place and name. */
static void
an_empty_file_is_replaced_by_a_larger_one(void **state)
{
    (void)state;
    struct store_world world;
    struct store_journal_health health;
    store_world_test_init(&world, 23);
    store_world_test_start(&world);
    store_journal_need(world.journal, 0, STORE_JOURNAL_NODE);
    store_world_test_put_ok(&world, 0, 1, 100 * KIB);
    store_world_test_flush(&world, 0);
    store_journal_pass(world.journal, 0, STORE_JOURNAL_NODE, 0);
    store_journal_health(world.journal, &health);
    assert_int_equal(health.files, 1);
    assert_true(health.bytes > 100 * KIB);
    store_world_test_put_ok(&world, 0, 2, 10);
    store_world_test_flush(&world, 0);
    store_world_test_crash(&world, FAULT_FILES_ALL);
    store_world_test_open(&world);
    store_world_test_assert(&world, 0, 2);
    store_world_test_done(&world);
}

static void
a_clean_end_begins_a_new_file(void **state)
{
    (void)state;
    struct store_world world;
    store_world_test_init(&world, 22);
    for (uint32_t i = 1; i <= 5; i++) {
        store_world_test_start(&world);
        store_world_test_put_ok(&world, 0, i, 10);
        store_journal_shut(world.journal);
        fault_files_crash(world.disk, FAULT_FILES_ALL);
    }
    store_world_test_open(&world);
    store_world_test_assert(&world, 0, 5);
    assert_int_equal(store_journal_synced(world.journal, 0), 10);
    store_world_test_done(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(synced_records_survive_and_others_do_not),
        cmocka_unit_test(a_group_closes_after_a_millisecond_or_when_asked),
        cmocka_unit_test(one_sync_stores_a_whole_group),
        cmocka_unit_test(waits_are_told_in_order_and_at_once_when_synced),
        cmocka_unit_test(a_barrier_waits_for_every_stream),
        cmocka_unit_test(a_barrier_in_a_round_waits_for_what_came_after_it),
        cmocka_unit_test(a_watch_is_told_after_each_sync_and_a_failure),
        cmocka_unit_test(two_full_buffers_are_busy),
        cmocka_unit_test(the_store_id_is_made_once),
        cmocka_unit_test(a_second_journal_in_the_folder_is_busy),
        cmocka_unit_test(the_format_is_the_one_that_is_drawn),
        cmocka_unit_test(a_newer_version_is_refused),
        cmocka_unit_test(a_full_disk_cuts_and_refuses),
        cmocka_unit_test(
            without_a_spare_the_current_file_is_filled_and_no_more),
        cmocka_unit_test(free_space_has_two_marks),
        cmocka_unit_test(a_failed_sync_is_the_end_and_never_tried_again),
        cmocka_unit_test(a_file_lives_until_its_last_reader_has_passed),
        cmocka_unit_test(an_empty_file_is_replaced_by_a_larger_one),
        cmocka_unit_test(a_clean_end_begins_a_new_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
