/* store_kv_test.c -- batches, reading and opening of a catalogue. */
#include "store/store_kv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "store/store_kv_world_test.h"

static const struct bytes nothing;

/* ---- tests: batches ---- */

static void
a_batch_is_seen_at_once_and_durable_when_told(void **state)
{
    (void)state;
    struct store_kv_world world;
    store_kv_world_test_init(&world, 1);
    store_kv_world_test_open(&world);
    struct store_kv_waiter waiter = store_kv_world_test_waiter(&world);
    struct store_kv_batch *batch = store_kv_batch_new(world.kv);
    store_kv_put(batch, T, b("a"), b("1"));
    store_kv_put(batch, T, b("b"), b("2"));
    store_kv_del(batch, T, b("a"));
    uint64_t sequence = 0;
    assert_int_equal(store_kv_commit(world.kv, batch, &waiter.wait, &sequence),
                     ERR_OK);
    assert_int_equal(sequence, 1);
    store_kv_world_test_now(&world, "a", NULL);
    store_kv_world_test_now(&world, "b", "2");
    assert_int_equal(waiter.place, 0);
    fault_loop_run(&world.loop, 1);
    assert_int_equal(waiter.place, 1);
    assert_int_equal(waiter.wait.err, ERR_OK);
    store_kv_world_test_put_ok(&world, "lost", "x");
    store_kv_world_test_crash(&world, FAULT_FILES_ALL);
    store_kv_world_test_open(&world);
    store_kv_world_test_now(&world, "b", "2");
    store_kv_world_test_now(&world, "lost", NULL);
    store_kv_world_test_done(&world);
}

static void
an_unmet_expect_leaves_nothing(void **state)
{
    (void)state;
    struct store_kv_world world;
    store_kv_world_test_init(&world, 2);
    store_kv_world_test_open(&world);
    store_kv_world_test_put_ok(&world, "k", "1");
    static const struct {
        const char *key, *value; /* value NULL: absent */
        enum err err;
    } rows[] = {{"k", "1", ERR_OK},
                {"k", "2", ERR_CONFLICT},
                {"k", NULL, ERR_CONFLICT},
                {"none", NULL, ERR_OK},
                {"none", "", ERR_CONFLICT}};
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct store_kv_batch *batch = store_kv_batch_new(world.kv);
        store_kv_put(batch, T, b("k"), b("1"));
        store_kv_put(batch, T, b("trace"), b("x"));
        store_kv_expect(batch, T, b("k"), b("1"));
        store_kv_expect(batch, T, b(rows[i].key),
                        rows[i].value ? b(rows[i].value) : nothing);
        uint64_t before = store_journal_appended(world.journal, 0);
        assert_int_equal(store_kv_commit(world.kv, batch, NULL, NULL),
                         rows[i].err);
        store_kv_world_test_now(&world, "trace",
                                rows[i].err == ERR_OK ? "x" : NULL);
        assert_int_equal(store_journal_appended(world.journal, 0),
                         before + (rows[i].err == ERR_OK));
        batch = store_kv_batch_new(world.kv);
        store_kv_del(batch, T, b("trace"));
        assert_int_equal(store_kv_commit(world.kv, batch, NULL, NULL), ERR_OK);
    }
    store_kv_world_test_done(&world);
}

static void
expects_see_what_was_before_the_batch(void **state)
{
    (void)state;
    struct store_kv_world world;
    store_kv_world_test_init(&world, 3);
    store_kv_world_test_open(&world);
    struct store_kv_batch *batch = store_kv_batch_new(world.kv);
    store_kv_put(batch, T, b("k"), b("new"));
    store_kv_expect(batch, T, b("k"), nothing);
    assert_int_equal(store_kv_commit(world.kv, batch, NULL, NULL), ERR_OK);
    batch = store_kv_batch_new(world.kv);
    store_kv_put(batch, T, b("k"), b("newer"));
    store_kv_expect(batch, T, b("k"), b("newer"));
    assert_int_equal(store_kv_commit(world.kv, batch, NULL, NULL),
                     ERR_CONFLICT);
    store_kv_world_test_now(&world, "k", "new");
    store_kv_world_test_done(&world);
}

static void
a_batch_without_changes_waits_for_what_was_read(void **state)
{
    (void)state;
    struct store_kv_world world;
    store_kv_world_test_init(&world, 4);
    store_kv_world_test_open(&world);
    store_kv_world_test_put_ok(&world, "k", "1");
    struct store_kv_waiter waiter = store_kv_world_test_waiter(&world);
    struct store_kv_batch *batch = store_kv_batch_new(world.kv);
    store_kv_expect(batch, T, b("k"), b("1"));
    assert_int_equal(store_kv_commit(world.kv, batch, &waiter.wait, NULL),
                     ERR_OK);
    assert_int_equal(waiter.place, 0);
    assert_int_equal(store_journal_appended(world.journal, 0), 1);
    fault_loop_run(&world.loop, 1);
    assert_int_equal(waiter.place, 1);
    store_kv_world_test_done(&world);
}

static void
limits_stick_to_the_batch(void **state)
{
    (void)state;
    struct store_kv_world world;
    uint8_t *big = base_mem_zero(600 * KIB);
    store_kv_world_test_init(&world, 5);
    store_kv_world_test_open(&world);
    const struct {
        size_t key, value;
        unsigned times;
        enum err err;
    } rows[] = {{1, 0, 1, ERR_OK},
                {480, 512 * KIB, 1, ERR_OK},
                {0, 1, 1, ERR_LIMIT},
                {481, 1, 1, ERR_LIMIT},
                {1, 512 * KIB + 1, 1, ERR_BIG},
                {1, 500 * KIB, 2, ERR_BIG},
                {1, 480 * KIB, 2, ERR_OK}};
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct store_kv_batch *batch = store_kv_batch_new(world.kv);
        for (unsigned j = 0; j < rows[i].times; j++)
            store_kv_put(batch, T, base_bytes(big, rows[i].key),
                         base_bytes(big, rows[i].value));
        store_kv_put(batch, T, b("after"), b("x"));
        assert_int_equal(store_kv_commit(world.kv, batch, NULL, NULL),
                         rows[i].err);
        store_kv_world_test_sync(&world);
    }
    base_mem_free(big);
    store_kv_world_test_done(&world);
}

/* The record that is in the journal: kept here for ever. */
static void
the_body_is_the_one_that_is_drawn(void **state)
{
    (void)state;
    static const uint8_t golden[] = {3,   1, 1,  68, 0, 1,   'k', 2,  'v',
                                     'w', 2, 68, 0,  3, 'a', 'b', 'c'};
    struct store_kv_world world;
    store_kv_world_test_init(&world, 6);
    store_kv_world_test_open(&world);
    struct store_kv_batch *batch = store_kv_batch_new(world.kv);
    store_kv_put(batch, T, b("k"), b("vw"));
    store_kv_del(batch, T, b("abc"));
    assert_int_equal(store_kv_batch_size(batch), sizeof golden);
    assert_memory_equal(batch->body.at, golden, sizeof golden);
    store_kv_batch_free(batch);
    store_kv_world_test_done(&world);
}

/* ---- tests: reading ---- */

struct rows {
    char text[256];
    unsigned stop_after;
};

static bool
rows_add(void *self, struct bytes key, struct bytes value)
{
    struct rows *rows = self;
    size_t at = strlen(rows->text);
    snprintf(rows->text + at, sizeof rows->text - at, "%.*s=%.*s ",
             (int)key.size, (const char *)key.at, (int)value.size,
             (const char *)value.at);
    return rows->stop_after == 0 || --rows->stop_after > 0;
}

static void
a_scan_goes_in_byte_order_page_by_page(void **state)
{
    (void)state;
    struct store_kv_world world;
    uint8_t room[STORE_KV_KEY];
    struct base_out next;
    store_kv_world_test_init(&world, 7);
    store_kv_world_test_open(&world);
    static const char *const keys[] = {"b/2", "a",    "b/1", "b",
                                       "c",   "b/10", "b/3"};
    for (size_t i = 0; i < BASE_COUNT(keys); i++)
        store_kv_world_test_put_ok(&world, keys[i], "v");
    struct store_kv_batch *batch = store_kv_batch_new(world.kv);
    store_kv_put(batch, T - 1, b("zz"), b("other table"));
    store_kv_put(batch, T + 1, b("b/"), b("other table"));
    assert_int_equal(store_kv_commit(world.kv, batch, NULL, NULL), ERR_OK);

    struct store_kv_snap *now = store_kv_now(world.kv);
    struct rows rows = {0};
    base_out_fixed(&next, room, sizeof room);
    assert_int_equal(
        store_kv_scan(now, T, nothing, nothing, 100, rows_add, &rows, &next),
        ERR_OK);
    assert_string_equal(rows.text, "a=v b=v b/1=v b/10=v b/2=v b/3=v c=v ");
    rows = (struct rows){0};
    assert_int_equal(
        store_kv_scan(now, T, b("b/"), nothing, 3, rows_add, &rows, &next),
        ERR_AGAIN);
    assert_string_equal(rows.text, "b/1=v b/10=v b/2=v ");
    assert_true(base_bytes_is(base_out_bytes(&next), "b/3"));
    rows = (struct rows){0};
    assert_int_equal(store_kv_scan(now, T, b("b/"), base_out_bytes(&next), 3,
                                   rows_add, &rows, NULL),
                     ERR_OK);
    assert_string_equal(rows.text, "b/3=v ");
    rows = (struct rows){.stop_after = 2};
    assert_int_equal(
        store_kv_scan(now, T, nothing, b("aa"), 100, rows_add, &rows, NULL),
        ERR_OK);
    assert_string_equal(rows.text, "b=v b/1=v ");
    assert_int_equal(
        store_kv_scan(now, T, nothing, nothing, 10001, rows_add, &rows, NULL),
        ERR_LIMIT);
    store_kv_world_test_done(&world);
}

static void
the_last_row_is_at_or_before_the_key(void **state)
{
    (void)state;
    struct store_kv_world world;
    store_kv_world_test_init(&world, 8);
    store_kv_world_test_open(&world);
    static const char *const keys[] = {"a/1", "a/3", "b/5"};
    for (size_t i = 0; i < BASE_COUNT(keys); i++)
        store_kv_world_test_put_ok(&world, keys[i], keys[i]);
    static const struct {
        const char *prefix, *key, *found;
    } rows[] = {{"a/", "a/3", "a/3"}, {"a/", "a/2", "a/1"},
                {"a/", "a/0", NULL},  {"a/", "a/9", "a/3"},
                {"b/", "a/9", NULL},  {"b/", "zzz", "b/5"},
                {"", "a/4", "a/3"},   {"c/", "c/1", NULL}};
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct bytes key, value;
        enum err err =
            store_kv_last(store_kv_now(world.kv), T, b(rows[i].prefix),
                          b(rows[i].key), &key, &value);
        assert_int_equal(err, rows[i].found ? ERR_OK : ERR_ABSENT);
        if (rows[i].found)
            assert_true(base_bytes_is(key, rows[i].found));
    }
    store_kv_world_test_done(&world);
}

static void
a_snapshot_sees_what_is_stored_and_gets_stale(void **state)
{
    (void)state;
    struct store_kv_world world;
    struct store_kv_snap *old, *new;
    struct bytes value;
    store_kv_world_test_init(&world, 9);
    store_kv_world_test_open(&world);
    store_kv_world_test_put_ok(&world, "k", "1");
    assert_int_equal(store_kv_snap_begin(world.kv, &old), ERR_OK);
    store_kv_world_test_value(old, "k", NULL);
    fault_loop_run(&world.loop, 1000);
    store_kv_world_test_value(old, "k", NULL);
    assert_int_equal(store_kv_snap_begin(world.kv, &new), ERR_OK);
    store_kv_world_test_value(new, "k", "1");
    fault_loop_run(&world.loop, 8999);
    store_kv_world_test_value(new, "k", "1");
    fault_loop_run(&world.loop, 1);
    assert_int_equal(store_kv_get(old, T, b("k"), &value), ERR_STALE);
    store_kv_world_test_value(new, "k", "1");
    fault_loop_run(&world.loop, 20000);
    assert_int_equal(store_kv_get(new, T, b("k"), &value), ERR_STALE);
    store_kv_snap_end(old);
    store_kv_snap_end(new);
    store_kv_world_test_done(&world);
}

static void
there_are_126_snapshots(void **state)
{
    (void)state;
    struct store_kv_world world;
    struct store_kv_snap *snaps[STORE_KV_SNAPS + 1];
    store_kv_world_test_init(&world, 10);
    store_kv_world_test_open(&world);
    for (unsigned i = 0; i < STORE_KV_SNAPS; i++)
        assert_int_equal(store_kv_snap_begin(world.kv, &snaps[i]), ERR_OK);
    assert_int_equal(store_kv_snap_begin(world.kv, &snaps[STORE_KV_SNAPS]),
                     ERR_LIMIT);
    for (unsigned i = 0; i < STORE_KV_SNAPS; i++)
        store_kv_snap_end(snaps[i]);
    store_kv_world_test_done(&world);
}

/* ---- tests: opening ---- */

static void
what_is_open_is_busy_and_what_is_foreign_is_refused(void **state)
{
    (void)state;
    struct store_kv_world world;
    struct store_kv *second;
    struct base_note note;
    store_kv_world_test_init(&world, 11);
    store_kv_world_test_open(&world);
    store_kv_world_test_put_ok(&world, "k", "1");
    assert_int_equal(store_kv_open(&world.config, &second, &note), ERR_BUSY);
    assert_non_null(strstr(note.text, "another process"));
    store_kv_shut(world.kv);
    world.kv = NULL;

    struct fault_files *other = fault_files_new(1);
    struct store_journal_config config = world.journal_config;
    config.files = fault_files_base(other);
    struct store_journal *journal;
    assert_int_equal(store_journal_open(&config, &journal, &note), ERR_OK);
    struct store_kv_config kv_config = world.config;
    kv_config.journal = journal;
    assert_int_equal(store_kv_open(&kv_config, &second, &note), ERR_MISMATCH);
    store_journal_crash(journal);
    fault_files_free(other);

    assert_int_equal(store_kv_open(&world.config, &world.kv, &note), ERR_OK);
    struct store_kv_batch *batch = store_kv_batch_new(world.kv);
    static const uint8_t newer[] = {2, 0, 0, 0};
    store_kv_put(batch, STORE_TABLE_META, b("version"),
                 base_bytes(newer, sizeof newer));
    assert_int_equal(store_kv_commit(world.kv, batch, NULL, NULL), ERR_OK);
    store_kv_shut(world.kv);
    world.kv = NULL;
    assert_int_equal(store_kv_open(&world.config, &second, &note), ERR_VERSION);
    store_kv_world_test_done(&world);
}

static void
replay_brings_back_many_batches(void **state)
{
    (void)state;
    struct store_kv_world world;
    char key[16];
    store_kv_world_test_init(&world, 12);
    world.journal_config.file_bytes = MIB;
    store_kv_world_test_open(&world);
    for (int i = 0; i < 25000; i++) {
        snprintf(key, sizeof key, "%05d", i);
        enum err err = store_kv_world_test_put(&world, key, "value");
        if (err == ERR_BUSY) {
            store_kv_world_test_sync(&world);
            err = store_kv_world_test_put(&world, key, "value");
        }
        assert_int_equal(err, ERR_OK);
    }
    store_kv_world_test_sync(&world);
    store_kv_world_test_crash(&world, FAULT_FILES_ALL);
    store_kv_world_test_open(&world);
    for (int i = 0; i < 25000; i += 7) {
        snprintf(key, sizeof key, "%05d", i);
        store_kv_world_test_now(&world, key, "value");
    }
    store_kv_world_test_done(&world);
}

static void
orderly_shut_stores_all(void **state)
{
    (void)state;
    struct store_kv_world world;
    struct store_kv_snap *snap;
    store_kv_world_test_init(&world, 13);
    store_kv_world_test_open(&world);
    store_kv_world_test_put_ok(&world, "k", "1");
    store_kv_shut(world.kv);
    store_journal_shut(world.journal);
    fault_loop_crash(&world.loop);
    store_kv_world_test_open(&world);
    assert_int_equal(store_kv_snap_begin(world.kv, &snap), ERR_OK);
    store_kv_world_test_value(snap, "k", "1");
    store_kv_snap_end(snap);
    store_kv_world_test_done(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_seen_at_once_and_durable_when_told),
        cmocka_unit_test(an_unmet_expect_leaves_nothing),
        cmocka_unit_test(expects_see_what_was_before_the_batch),
        cmocka_unit_test(a_batch_without_changes_waits_for_what_was_read),
        cmocka_unit_test(limits_stick_to_the_batch),
        cmocka_unit_test(the_body_is_the_one_that_is_drawn),
        cmocka_unit_test(a_scan_goes_in_byte_order_page_by_page),
        cmocka_unit_test(the_last_row_is_at_or_before_the_key),
        cmocka_unit_test(a_snapshot_sees_what_is_stored_and_gets_stale),
        cmocka_unit_test(there_are_126_snapshots),
        cmocka_unit_test(what_is_open_is_busy_and_what_is_foreign_is_refused),
        cmocka_unit_test(replay_brings_back_many_batches),
        cmocka_unit_test(orderly_shut_stores_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
