/* store_ts_test.c -- samples, one thing at a time. */
#include "store/store_ts_world_test.h"

enum { HOUR_MS = 3600000, DAY_MS = 86400000 };

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
the_last_one_knows_its_edges(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 4);
    world_open(&world);
    struct store_ts_sample s;
    uint32_t g = group_of(&world, "a"), c = column_of(&world, g, "m");
    assert_int_equal(store_ts_last(world.ts, g, c, start_ms, 1000, &s),
                     ERR_ABSENT);
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
        seal(&world);
        world_crash(&world, FAULT_FILES_ALL);
        world_open(&world); /* now the newest must be looked up */
    }
    world_done(&world);
}

static void
series_are_matched(void **state)
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
    assert_int_equal(err, ERR_BUSY); /* nothing ran meanwhile */
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
segments_go_whole_when_their_retention_is_over(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 14);
    world.config.retention_ms = DAY_MS;
    world_open(&world);
    put(&world, "a", "m", 1000, 1);
    seal(&world);
    fault_loop_run(&world.loop, 2 * DAY_MS);
    put(&world, "a", "m", 2 * DAY_MS, 2);
    seal(&world);
    fault_loop_run(&world.loop, 2 * HOUR_MS);
    /* past its retention, but a late sample's window may want it */
    assert_string_equal(show(&world, "a", "m"), "1000=1 172800000=2 ");
    fault_loop_run(&world.loop, 2 * DAY_MS);
    put(&world, "a", "m", 4 * DAY_MS, 3);
    seal(&world);
    fault_loop_run(&world.loop, 2 * HOUR_MS);
    assert_string_equal(show(&world, "a", "m"), "172800000=2 345600000=3 ");
    world_crash(&world, FAULT_FILES_ALL);
    world_open(&world);
    assert_string_equal(show(&world, "a", "m"), "172800000=2 345600000=3 ");
    struct store_ts_stats stats;
    store_ts_stats(world.ts, &stats);
    assert_int_equal(stats.segments, 2);
    world_done(&world);
}

static void
a_clock_that_leaps_takes_no_segment_with_it(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16);
    world.config.retention_ms = DAY_MS;
    world_open(&world);
    put(&world, "a", "m", 0, 1);
    seal(&world);
    fault_loop_run(&world.loop, 5 * DAY_MS);
    assert_string_equal(show(&world, "a", "m"), "0=1 ");
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_at_once),
        cmocka_unit_test(late_rows_and_duplicates_find_their_place),
        cmocka_unit_test(a_shorter_row_erases_nothing),
        cmocka_unit_test(the_last_one_knows_its_edges),
        cmocka_unit_test(series_are_matched),
        cmocka_unit_test(what_was_synced_survives_a_crash),
        cmocka_unit_test(sealed_rows_need_no_journal),
        cmocka_unit_test(rows_come_in_while_a_seal_is_under_way),
        cmocka_unit_test(a_power_cut_at_any_step_of_a_seal_loses_nothing),
        cmocka_unit_test(a_seal_that_fails_is_tried_again),
        cmocka_unit_test(the_head_is_sealed_by_age_and_by_size),
        cmocka_unit_test(unlisted_files_go_and_a_missing_one_refuses_the_open),
        cmocka_unit_test(a_flipped_byte_is_told_and_never_answered),
        cmocka_unit_test(a_drop_hides_what_was_there_and_nothing_later),
        cmocka_unit_test(segments_go_whole_when_their_retention_is_over),
        cmocka_unit_test(a_clock_that_leaps_takes_no_segment_with_it),
        cmocka_unit_test(limits_are_refused_by_name),
        cmocka_unit_test(a_cut_takes_back_what_was_not_synced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
