/* stream_test.c -- identifiers, writing, and figures in simple cases. */
#include "engine/stream/stream_world_test.h"

static const char *const id = "88.31.1001/host";

static void
world_with_host(struct world *world, uint64_t seed)
{
    world_init(world, seed);
    world_open(world);
    stream_learn(world->stream, base_bytes_text(id));
}

/* The contribution of the window that starts `minutes` after the start. */
static struct world_row *
row_at(struct world *world, enum model_freq freq, int64_t minutes)
{
    uint32_t window;
    assert_int_equal(
        model_window_at(freq, world->pack.calendar.zone_s,
                        (struct wall){world_start_ms + minutes * 60000},
                        &window),
        ERR_OK);
    return world_find(&world->durable, id, window);
}

static void
an_unknown_identifier_is_refused_until_it_is_learnt(void **state)
{
    (void)state;
    static struct world world;
    struct base_note note;
    struct stream_slot slot;
    world_init(&world, 1);
    world_open(&world);
    assert_int_equal(world_write(&world, id, "level", 0, world_num(1), &note),
                     ERR_ABSENT);
    assert_int_equal(stream_resolve(world.stream, base_bytes_text(id),
                                    base_bytes_text("level"), &slot),
                     ERR_ABSENT);
    stream_learn(world.stream, base_bytes_text(id));
    assert_true(stream_knows(world.stream, base_bytes_text("88.31.1001/HOST")));
    assert_int_equal(
        world_write(&world, "88.31.1001/Host", "level", 0, world_num(1), &note),
        ERR_OK);
    assert_int_equal(stream_resolve(world.stream, base_bytes_text(id),
                                    base_bytes_text("level"), &slot),
                     ERR_OK);
    assert_int_equal(slot.group, 0);
    struct model_event_object object = {.active = false,
                                        .id_size = (uint8_t)strlen(id)};
    memcpy(object.id, id, strlen(id));
    stream_take_object(world.stream, &object.event);
    uint64_t sequence;
    assert_int_equal(
        stream_write_slot(world.stream, slot, 0, world_num(2), &sequence),
        ERR_ABSENT);
    world_run(&world, 100);
    world_crash(&world, FAULT_FILES_ALL);
    world_open(&world); /* it has a series: it is known */
    assert_true(stream_knows(world.stream, base_bytes_text(id)));
    world_done(&world);
}

static void
unfit_names_and_times_are_refused_whole(void **state)
{
    (void)state;
    static struct world world;
    struct base_note note;
    uint64_t sequence;
    static const char *const unfit[] = {"", "1a", "a.b", "a b", "\303\251"};
    world_with_host(&world, 2);
    for (unsigned i = 0; i < BASE_COUNT(unfit); i++)
        assert_int_equal(
            world_write(&world, id, unfit[i], 0, world_num(1), &note),
            ERR_NAME);
    assert_int_equal(world_write(&world, id, "level",
                                 world_now(&world) + 600001, world_num(1),
                                 &note),
                     ERR_TIME);
    struct stream_point points[3] = {
        {base_bytes_text("_a1"), world_num(1)},
        {base_bytes_text("b:c"), world_num(2)},
        {base_bytes_text("_a1"), world_num(3)},
    };
    struct stream_sample sample = {
        .id = base_bytes_text(id), .points = points, .count = 2};
    assert_int_equal(stream_write(world.stream, &sample, &sequence, &note),
                     ERR_NAME);
    struct store_ts_stats stats;
    store_ts_stats(world.ts, &stats);
    assert_int_equal(stats.head_rows, 0);
    points[1].metric = base_bytes_text("b");
    sample.count = 3;
    assert_int_equal(stream_write(world.stream, &sample, &sequence, &note),
                     ERR_OK);
    struct store_ts_sample last;
    assert_int_equal(store_ts_last(world.ts, 0, 1, INT64_MAX, INT64_MAX, &last),
                     ERR_OK);
    assert_int_equal(last.value.mantissa, 3); /* of two the last */
    world_done(&world);
}

static void
an_identifier_has_at_most_a_thousand_series(void **state)
{
    (void)state;
    static struct world world;
    struct stream_slot slot;
    char name[16];
    world_with_host(&world, 3);
    for (unsigned i = 0; i <= 1000; i++) {
        snprintf(name, sizeof name, "m%u", i);
        assert_int_equal(stream_resolve(world.stream, base_bytes_text(id),
                                        base_bytes_text(name), &slot),
                         i < 1000 ? ERR_OK : ERR_LIMIT);
    }
    assert_int_equal(stream_resolve(world.stream, base_bytes_text(id),
                                    base_bytes_text("m999"), &slot),
                     ERR_OK);
    assert_int_equal(slot.column, 999);
    world_done(&world);
}

static unsigned watched;

static void
test_watch(struct stream_watch *watch)
{
    (void)watch;
    watched++;
}

static void
what_is_synced_is_told(void **state)
{
    (void)state;
    static struct world world;
    struct stream_watch watch = {.fn = test_watch};
    uint64_t sequence;
    struct stream_slot slot;
    world_with_host(&world, 4);
    watched = 0;
    stream_watch(world.stream, &watch);
    assert_int_equal(stream_resolve(world.stream, base_bytes_text(id),
                                    base_bytes_text("level"), &slot),
                     ERR_OK);
    assert_int_equal(
        stream_write_slot(world.stream, slot, 0, world_num(5), &sequence),
        ERR_OK);
    assert_true(stream_synced(world.stream) < sequence);
    fault_loop_run(&world.loop, 20);
    assert_true(stream_synced(world.stream) >= sequence);
    assert_true(watched > 0);
    assert_int_equal(stream_state(world.stream), ERR_OK);
    world_done(&world);
}

static void
a_window_is_told_when_it_is_due_and_not_before(void **state)
{
    (void)state;
    static struct world world;
    world_with_host(&world, 5);
    for (int64_t s = 0; s < 60; s += 5) {
        assert_int_equal(
            world_write(&world, id, "energy", 0, world_num(100 + s), NULL),
            ERR_OK);
        assert_int_equal(
            world_write(&world, id, "level", 0, world_num(s), NULL), ERR_OK);
        world_run(&world, 5000);
    }
    world_run(&world, 4900);
    assert_null(row_at(&world, MODEL_FREQ_MINUTE, 0));
    world_run(&world, 1100);
    struct world_row *row = row_at(&world, MODEL_FREQ_MINUTE, 0);
    assert_non_null(row);
    assert_int_equal(row->values[0], 550); /* 55 at scale 1 */
    assert_int_equal(row->values[1], 550);
    assert_int_equal(row->mask, 1 | 2 | 16);
    assert_int_equal(row->revision, 1);
    assert_null(row_at(&world, MODEL_FREQ_HOUR, 0));
    /* `last` reaches five minutes on, though nothing comes any more */
    world_run(&world, 10 * 60000);
    for (int64_t m = 1; m <= 4; m++) {
        row = row_at(&world, MODEL_FREQ_MINUTE, m);
        assert_non_null(row);
        assert_int_equal(row->mask, 2);
    }
    assert_null(row_at(&world, MODEL_FREQ_MINUTE, 5));
    world_run(&world, 60 * 60000);
    row = row_at(&world, MODEL_FREQ_HOUR, 0);
    assert_non_null(row);
    assert_int_equal(row->values[0], 550);
    assert_int_equal(row->mask, 1 | 16); /* its level is stale by the end */
    world_done(&world);
}

static void
a_late_sample_folds_its_window_again_within_seconds(void **state)
{
    (void)state;
    static struct world world;
    world_with_host(&world, 6);
    int64_t t = world_now(&world);
    world_write(&world, id, "energy", t, world_num(10), NULL);
    world_write(&world, id, "energy", t + 130000, world_num(40), NULL);
    world_run(&world, 200000);
    assert_int_equal(row_at(&world, MODEL_FREQ_MINUTE, 0)->values[0], 0);
    assert_int_equal(row_at(&world, MODEL_FREQ_MINUTE, 2)->values[0], 300);
    unsigned before = world.folds;
    world_write(&world, id, "energy", t + 70000, world_num(25), NULL);
    world_write(&world, id, "energy", t + 80000, world_num(27), NULL);
    world_run(&world, 3000);
    assert_int_equal(row_at(&world, MODEL_FREQ_MINUTE, 1)->values[0], 170);
    assert_int_equal(row_at(&world, MODEL_FREQ_MINUTE, 2)->values[0], 130);
    assert_int_equal(world.folds - before, 2);
    world_done(&world);
}

static void
what_is_out_of_scope_is_not_folded_until_its_record_changes(void **state)
{
    (void)state;
    static struct world world;
    world_with_host(&world, 7);
    world.foreign = true;
    world_write(&world, id, "parts", 0, world_num(1), NULL);
    world_run(&world, 130000);
    assert_int_equal(world.folds, 1);
    world_write(&world, id, "parts", 0, world_num(1), NULL);
    world_run(&world, 130000);
    assert_int_equal(world.folds, 1);
    struct stream_stats stats;
    stream_stats(world.stream, &stats);
    assert_int_equal(stats.dirty_windows, 0);
    world.foreign = false;
    struct model_event_object object = {.active = true,
                                        .id_size = (uint8_t)strlen(id)};
    memcpy(object.id, id, strlen(id));
    stream_take_object(world.stream, &object.event);
    world_write(&world, id, "parts", 0, world_num(1), NULL);
    world_run(&world, 130000);
    assert_true(world.folds > 1);
    assert_non_null(row_at(&world, MODEL_FREQ_MINUTE, 4));
    world_done(&world);
}

static void
a_busy_rollup_gets_it_again(void **state)
{
    (void)state;
    static struct world world;
    world_with_host(&world, 8);
    world.busy_one_in = 1;
    world_write(&world, id, "parts", 0, world_num(1), NULL);
    world_run(&world, 70000);
    assert_true(world.folds > 1);
    assert_null(row_at(&world, MODEL_FREQ_MINUTE, 0));
    world.busy_one_in = 0;
    world_run(&world, 2000);
    assert_non_null(row_at(&world, MODEL_FREQ_MINUTE, 0));
    world_done(&world);
}

static void
too_old_samples_are_kept_but_not_folded(void **state)
{
    (void)state;
    static struct world world;
    world_with_host(&world, 9);
    int64_t t = world_now(&world) - 7 * 3600000;
    world_write(&world, id, "parts", t, world_num(1), NULL);
    world_run(&world, 10000);
    assert_null(row_at(&world, MODEL_FREQ_MINUTE, -7 * 60));
    assert_non_null(row_at(&world, MODEL_FREQ_HOUR, -7 * 60));
    struct store_ts_sample last;
    assert_int_equal(store_ts_last(world.ts, 0, 0, INT64_MAX, INT64_MAX, &last),
                     ERR_OK);
    world_done(&world);
}

static void
dirty_windows_have_a_bound(void **state)
{
    (void)state;
    static struct world world;
    struct base_note note;
    world_with_host(&world, 10);
    world.deaf = true;
    world.pack.freqs[0].keep_ms = 400 * INT64_C(86400000);
    int64_t t = world_now(&world) - 100 * INT64_C(86400000);
    enum err err = ERR_OK;
    unsigned n = 0;
    for (; err == ERR_OK && n < 100000; n++) {
        err = world_write(&world, id, "parts", t + n * INT64_C(60000),
                          world_num(1), &note);
        if (n % 1000 == 0)
            fault_loop_run(&world.loop, 5);
    }
    assert_int_equal(err, ERR_BUSY);
    assert_true(n > 60000);
    assert_int_equal(world_write(&world, id, "other", 0, world_num(1), &note),
                     ERR_OK);
    world_done(&world);
}

static void
the_journal_is_let_go_when_all_is_folded(void **state)
{
    (void)state;
    static struct world world;
    struct store_journal_health health;
    world_with_host(&world, 11);
    for (int64_t m = 0; m < 180; m++) {
        for (unsigned i = 0; i < 50; i++)
            world_write(&world, id, i % 2 ? "energy" : "other",
                        world_now(&world) + i, world_num(m), NULL);
        world_run(&world, 60000);
        if (m % 30 == 29)
            store_ts_seal(world.ts, NULL);
    }
    world_run(&world, 5000);
    store_journal_health(world.journal, &health);
    assert_true(health.files <= 8);
    assert_true(world.durable.folded + 200 >
                store_journal_synced(world.journal, STORE_JOURNAL_SAMPLES));
    world_done(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_identifier_is_refused_until_it_is_learnt),
        cmocka_unit_test(unfit_names_and_times_are_refused_whole),
        cmocka_unit_test(an_identifier_has_at_most_a_thousand_series),
        cmocka_unit_test(what_is_synced_is_told),
        cmocka_unit_test(a_window_is_told_when_it_is_due_and_not_before),
        cmocka_unit_test(a_late_sample_folds_its_window_again_within_seconds),
        cmocka_unit_test(
            what_is_out_of_scope_is_not_folded_until_its_record_changes),
        cmocka_unit_test(a_busy_rollup_gets_it_again),
        cmocka_unit_test(too_old_samples_are_kept_but_not_folded),
        cmocka_unit_test(dirty_windows_have_a_bound),
        cmocka_unit_test(the_journal_is_let_go_when_all_is_folded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
