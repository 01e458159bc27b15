/* store_journal_damage_test.c -- torn tails are cut, damage is kept aside. */
#include "store/store_journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "store/store_world_test.h"

/* ---- tests: torn tails and damage ---- */

enum { LAST_SIZE = 40, LAST_WHOLE = 16 + 1 + LAST_SIZE };

/* Four records and a fifth, the last, all written; *ret_end is its end. */
static void
world_five(struct store_world *world, uint64_t seed, uint64_t *ret_end)
{
    store_world_test_init(world, seed);
    store_world_test_start(world);
    for (uint32_t i = 1; i <= 5; i++)
        store_world_test_put_ok(world, 0, i, LAST_SIZE);
    store_world_test_flush(world, 0);
    store_world_test_crash(world, FAULT_FILES_NONE);
    *ret_end = 64 + 5 * LAST_WHOLE;
}

/* Opens with `count` records, takes one more, and opens again. */
static void
world_goes_on(struct store_world *world, unsigned count)
{
    struct store_journal_health health;
    store_world_test_open(world);
    store_journal_health(world->journal, &health);
    assert_int_equal(health.quarantined, 0);
    store_world_test_assert(world, 0, count);
    assert_int_equal(store_journal_start(world->journal), ERR_OK);
    store_world_test_put_ok(world, 0, count + 1, 20);
    store_world_test_flush(world, 0);
    store_world_test_crash(world, FAULT_FILES_ALL);
    store_world_test_open(world);
    store_world_test_assert(world, 0, count + 1);
    store_world_test_done(world);
}

static void
a_tail_torn_at_any_byte_is_cut(void **state)
{
    (void)state;
    for (uint64_t cut = 0; cut < LAST_WHOLE; cut++) {
        struct store_world world;
        uint64_t end;
        world_five(&world, 100 + cut, &end);
        struct sys_files *files = world.config.files;
        struct sys_file *file;
        assert_int_equal(files->ops->open(files, store_world_test_first,
                                          SYS_FILE_WRITE, &file),
                         ERR_OK);
        files->ops->truncate(files, file, end - LAST_WHOLE + cut);
        files->ops->reserve(files, file, 64 * KIB);
        files->ops->sync(files, file);
        files->ops->shut(files, file);
        world_goes_on(&world, 4);
    }
}

static void
a_last_record_with_any_wrong_byte_is_cut(void **state)
{
    (void)state;
    for (uint64_t at = 0; at < LAST_WHOLE; at++) {
        struct store_world world;
        uint64_t end;
        world_five(&world, 200 + at, &end);
        assert_true(fault_files_rot(world.disk, store_world_test_first,
                                    end - LAST_WHOLE + at, 0x40));
        world_goes_on(&world, 4);
    }
}

static unsigned
quarantine_count(struct store_world *world)
{
    struct sys_files *files = world->config.files;
    struct base_arena arena;
    char **names;
    size_t count = 0;
    base_arena_init(&arena, MIB);
    if (files->ops->list(files, "/data/journal/quarantine", &arena, &names,
                         &count) != ERR_OK)
        count = 0;
    base_arena_done(&arena);
    return (unsigned)count;
}

static void
damage_before_a_clean_end_is_kept_aside(void **state)
{
    (void)state;
    struct store_world world;
    struct store_journal_health health;
    store_world_test_init(&world, 13);
    store_world_test_start(&world);
    for (uint32_t i = 1; i <= 5; i++)
        store_world_test_put_ok(&world, 0, i, LAST_SIZE);
    store_journal_shut(world.journal);
    world.journal = NULL;
    uint8_t before[64 + 5 * LAST_WHOLE], after[sizeof before];
    assert_true(fault_files_rot(world.disk, store_world_test_first,
                                64 + 2 * LAST_WHOLE + 30, 1));
    store_world_test_read(&world, store_world_test_first, 0, before,
                          sizeof before);
    store_world_test_open(&world);
    store_world_test_assert(&world, 0, 2);
    store_journal_health(world.journal, &health);
    assert_int_equal(health.quarantined, 1);
    assert_int_equal(health.lost_first, 3);
    assert_int_equal(health.lost_last, 6); /* with the CLEAN */
    assert_non_null(strstr(health.why, "damage"));
    store_world_test_read(&world,
                          "/data/journal/quarantine/0-0000000000000001.jnl", 0,
                          after, sizeof after);
    assert_memory_equal(before, after, sizeof before);

    /* It goes on behind the gap, and knows the gap the next time. */
    assert_int_equal(store_journal_start(world.journal), ERR_OK);
    uint64_t sequence;
    assert_int_equal(store_world_test_put(&world, 0, 3, 10, &sequence), ERR_OK);
    assert_int_equal(sequence, 7);
    store_world_test_flush(&world, 0);
    store_world_test_crash(&world, FAULT_FILES_ALL);
    store_world_test_open(&world);
    store_world_test_assert(&world, 0, 3);
    store_journal_health(world.journal, &health);
    assert_int_equal(health.quarantined, 0);
    assert_int_equal(quarantine_count(&world), 1);
    store_world_test_done(&world);
}

static void
damage_in_an_older_file_moves_all_behind_it(void **state)
{
    (void)state;
    struct store_world world;
    struct store_journal_health health;
    uint32_t number = 0;
    store_world_test_init(&world, 14);
    store_world_test_start(&world);
    do {
        store_world_test_put_ok(&world, 0, ++number, 10 * KIB);
        store_world_test_flush(&world, 0);
        store_journal_health(world.journal, &health);
    } while (health.files < 4);
    uint64_t last = store_journal_synced(world.journal, 0);
    store_world_test_crash(&world, FAULT_FILES_NONE);
    /* 64 KiB hold six of them: the second file begins with 7. */
    assert_true(fault_files_rot(world.disk,
                                "/data/journal/records/0000000000000007.jnl",
                                64 + 10 * KIB + 100, 1));
    store_world_test_open(&world);
    store_world_test_assert(&world, 0, 7);
    store_journal_health(world.journal, &health);
    assert_int_equal(health.quarantined, 3);
    assert_int_equal(health.lost_first, 8);
    assert_int_equal(health.lost_last, last);
    assert_int_equal(quarantine_count(&world), 3);
    assert_int_equal(store_journal_synced(world.journal, 0), last);
    store_world_test_done(&world);
}

static void
a_missing_file_is_damage(void **state)
{
    (void)state;
    struct store_world world;
    struct store_journal_health health;
    uint32_t number = 0;
    store_world_test_init(&world, 15);
    store_world_test_start(&world);
    do {
        store_world_test_put_ok(&world, 0, ++number, 10 * KIB);
        store_world_test_flush(&world, 0);
        store_journal_health(world.journal, &health);
    } while (health.files < 3);
    store_world_test_crash(&world, FAULT_FILES_NONE);
    struct sys_files *files = world.config.files;
    assert_int_equal(
        files->ops->remove(files, "/data/journal/records/0000000000000007.jnl"),
        ERR_OK);
    store_world_test_open(&world);
    store_world_test_assert(&world, 0, 6);
    store_journal_health(world.journal, &health);
    assert_int_equal(health.quarantined, 1);
    assert_int_equal(health.lost_last, number);
    store_world_test_done(&world);
}

static void
zeros_far_before_valid_records_are_damage(void **state)
{
    (void)state;
    struct store_world world;
    struct store_journal_health health;
    store_world_test_init(&world, 16);
    world.config.file_bytes = 4 * MIB;
    store_world_test_start(&world);
    for (uint32_t i = 1; i <= 30; i++) {
        store_world_test_put_ok(&world, 0, i, 100 * KIB);
        store_world_test_flush(&world, 0);
    }
    store_world_test_crash(&world, FAULT_FILES_NONE);
    /* The fifth record's length becomes zero: as if the file ended here. */
    uint64_t at = 64 + 4 * (uint64_t)(17 + 100 * KIB);
    uint8_t length[4];
    store_world_test_read(&world, store_world_test_first, at, length,
                          sizeof length);
    for (unsigned i = 0; i < 4; i++)
        fault_files_rot(world.disk, store_world_test_first, at + i, length[i]);
    store_world_test_open(&world);
    store_world_test_assert(&world, 0, 4);
    store_journal_health(world.journal, &health);
    assert_int_equal(health.lost_first, 5);
    assert_int_equal(health.lost_last, 30);
    store_world_test_done(&world);
}

/* A byte of the first file changes, the power fails, the journal is opened. */
static void
world_rot(struct store_world *world, uint64_t offset)
{
    store_world_test_crash(world, FAULT_FILES_NONE);
    assert_true(
        fault_files_rot(world->disk, store_world_test_first, offset, 1));
    store_world_test_open(world);
}

static void
damage_twice_keeps_both_copies(void **state)
{
    (void)state;
    struct store_world world;
    struct store_journal_health health;
    store_world_test_init(&world, 17);
    store_world_test_start(&world);
    for (uint32_t i = 1; i <= 5; i++)
        store_world_test_put_ok(&world, 0, i, LAST_SIZE);
    store_journal_shut(world.journal);
    world.journal = NULL;
    store_world_test_open(&world);
    world_rot(&world, 64 + 4 * LAST_WHOLE + 30);
    store_world_test_assert(&world, 0, 4);
    assert_int_equal(quarantine_count(&world), 1);
    world_rot(&world, 64 + 2 * LAST_WHOLE + 30);
    store_journal_health(world.journal, &health);
    store_world_test_assert(&world, 0, 2);
    assert_int_equal(health.lost_first, 3);
    assert_int_equal(quarantine_count(&world), 3); /* with the empty file */
    uint8_t byte[2];
    uint64_t at = 64 + 4 * LAST_WHOLE + 30;
    store_world_test_read(&world,
                          "/data/journal/quarantine/0-0000000000000001.jnl", at,
                          &byte[0], 1);
    assert_int_equal(byte[0], 5 ^ 1);
    store_world_test_read(&world,
                          "/data/journal/quarantine/0-0000000000000001.jnl.178",
                          64 + 3 * LAST_WHOLE + 30, &byte[1], 1);
    assert_int_equal(byte[1], 4);
    store_world_test_done(&world);
}

static void
what_a_file_may_have_held_is_not_counted_again(void **state)
{
    (void)state;
    struct store_world world;
    uint64_t end;
    world_five(&world, 18, &end);
    store_world_test_open(&world);
    world_rot(&world, 40); /* the header: nothing behind it can be read */
    store_world_test_assert(&world, 0, 0);
    assert_int_equal(store_journal_synced(world.journal, 0), 1 + 64 * KIB / 17);
    store_world_test_done(&world);
}

static void
a_name_beyond_all_counting_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {
        "/data/journal/records/0000000000000000.jnl",
        "/data/journal/records/4000000000000001.jnl",
        "/data/journal/records/ffffffffffffffff.jnl",
    };
    for (unsigned i = 0; i < BASE_COUNT(names); i++) {
        struct store_world world;
        struct base_note note = {0};
        uint64_t end;
        world_five(&world, 19, &end);
        struct sys_files *files = world.config.files;
        assert_int_equal(
            sys_file_save(files, names[i], base_bytes("", 0), false), ERR_OK);
        assert_int_equal(
            store_journal_open(&world.config, &world.journal, &note),
            ERR_CORRUPT);
        assert_string_equal(note.where, names[i]);
        assert_int_equal(files->ops->remove(files, names[i]), ERR_OK);
        store_world_test_open(&world);
        store_world_test_assert(&world, 0, 5);
        store_world_test_done(&world);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tail_torn_at_any_byte_is_cut),
        cmocka_unit_test(a_last_record_with_any_wrong_byte_is_cut),
        cmocka_unit_test(damage_before_a_clean_end_is_kept_aside),
        cmocka_unit_test(damage_in_an_older_file_moves_all_behind_it),
        cmocka_unit_test(a_missing_file_is_damage),
        cmocka_unit_test(zeros_far_before_valid_records_are_damage),
        cmocka_unit_test(damage_twice_keeps_both_copies),
        cmocka_unit_test(what_a_file_may_have_held_is_not_counted_again),
        cmocka_unit_test(a_name_beyond_all_counting_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
