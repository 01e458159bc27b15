/* stream_fold_test.c -- the property that folding rests on.
 *
 * Samples in any order, late, twice, unusable; rollup slow, busy, or forgetting
 * what it had not committed; power cuts, full disks, seals.  In the end every
 * stored contribution is the fold of all samples there are, and there is one
 * wherever that fold is not empty. */
#include "crypt/crypt_hash.h"
#include "engine/stream/stream_world_test.h"
#include "model/model_fold.h"

enum { PROPERTY_UNITS = 3 };

static const char *const test_metrics[] = {"energy", "level", "parts",
                                           "load",   "state", "other"};

static struct num
random_value(struct base_rng *rng, int64_t *counter)
{
    switch (base_rng_below(rng, 20)) {
    case 0:
        return (struct num){.mantissa = INT64_C(0x7ff0000000000002),
                            .kind = BASE_NUM_STALE};
    case 1:
        return (struct num){.mantissa = INT64_C(0x7ff8000000000000),
                            .kind = BASE_NUM_RAW};
    case 2:
        return world_num(-5);
    case 3:
        *counter = 0; /* the machine was switched off */
        break;
    default:
        *counter += (int64_t)base_rng_below(rng, 50);
        break;
    }
    return (struct num){.mantissa = *counter,
                        .exponent = (uint8_t)base_rng_below(rng, 3),
                        .kind = BASE_NUM_DECIMAL};
}

static int64_t
random_time(struct world *world)
{
    struct base_rng *rng = &world->rng;
    int64_t now = world_now(world);
    switch (base_rng_below(rng, 12)) {
    case 0:
        return now - (int64_t)base_rng_below(rng, 300000);
    case 1:
        return now - (int64_t)base_rng_below(rng, 4 * 3600000);
    case 2:
        return now + (int64_t)base_rng_below(rng, 200000);
    case 3:
        return now / 60000 * 60000; /* an edge */
    default:
        return now;
    }
}

/* One to three values of one unit at one time. */
static void
write_some(struct world *world, int64_t *counter)
{
    static const char *const names[PROPERTY_UNITS] = {"88/a", "88/b", "88/c"};
    struct base_rng *rng = &world->rng;
    struct stream_point points[3];
    unsigned count = 1 + (unsigned)base_rng_below(rng, 3);
    uint64_t sequence;
    for (unsigned i = 0; i < count; i++) {
        const char *metric =
            test_metrics[base_rng_below(rng, BASE_COUNT(test_metrics))];
        points[i] = (struct stream_point){base_bytes_text(metric),
                                          random_value(rng, counter)};
    }
    enum err err = stream_write(
        world->stream,
        &(struct stream_sample){
            .id = base_bytes_text(names[base_rng_below(rng, PROPERTY_UNITS)]),
            .t = random_time(world),
            .points = points,
            .count = count},
        &sequence, NULL);
    assert_true(err == ERR_OK || err == ERR_FULL || err == ERR_BUSY);
}

static void
learn_all(struct world *world)
{
    stream_learn(world->stream, base_bytes_text("88/a"));
    stream_learn(world->stream, base_bytes_text("88/b"));
    stream_learn(world->stream, base_bytes_text("88/c"));
}

/* --- the answer, from all samples --- */

static void
fold_fully(struct world *world, uint32_t group, uint32_t window,
           uint64_t *ret_mask, int64_t *values)
{
    struct wall start, end;
    *ret_mask = 0;
    if (model_calendar_bounds(&world->pack.calendar, window, &start, &end) !=
        ERR_OK)
        return; /* a number between two shifts: there is to be nothing */
    for (unsigned i = 0; i < world->pack.input_count; i++) {
        const struct model_pack_input *input = &world->inputs[i];
        for (uint32_t c = 0; c < store_ts_columns(world->ts, group); c++) {
            struct store_ts_sample *samples;
            uint64_t count;
            if (!base_bytes_equal(store_ts_metric(world->ts, group, c),
                                  input->metric))
                continue;
            base_arena_reset(&world->arena);
            assert_int_equal(store_ts_read(world->ts, group, c,
                                           start.ms - input->stale_ms,
                                           end.ms - 1, 1 << 20, &world->arena,
                                           &samples, &count),
                             ERR_OK);
            struct model_fold_sample *all =
                base_arena_alloc(&world->arena, (count + 1) * sizeof *all);
            for (uint64_t k = 0; k < count; k++)
                all[k] =
                    (struct model_fold_sample){samples[k].t, samples[k].value};
            if (model_fold(input, start, end, all, count, &values[i], NULL) ==
                ERR_OK)
                *ret_mask |= UINT64_C(1) << i;
        }
    }
}

static void
check_window(struct world *world, const char *unit, uint32_t group,
             uint32_t window)
{
    uint64_t mask;
    int64_t values[8] = {0};
    char text[MODEL_WINDOW_TEXT];
    fold_fully(world, group, window, &mask, values);
    const struct world_row *row = world_find(&world->durable, unit, window);
    if (!row && mask == 0)
        return;
    if (!row || row->mask != mask ||
        memcmp(row->values, values, sizeof values) != 0) {
        print_error("seed %llu: %s %s: stored %s %llx, wanted %llx\n",
                    (unsigned long long)world->config.seed, unit,
                    model_window_text(window, text), row ? "" : "nothing",
                    row ? (unsigned long long)row->mask : 0ull,
                    (unsigned long long)mask);
        for (unsigned i = 0; row && i < 8; i++)
            print_error("  %s: %lld, wanted %lld\n",
                        i < world->pack.input_count ? world->inputs[i].name
                                                    : "-",
                        (long long)row->values[i], (long long)values[i]);
        fail();
    }
}

static void
check_all(struct world *world)
{
    struct store_ts_stats stats;
    store_ts_stats(world->ts, &stats);
    for (uint32_t group = 0; group < stats.groups; group++) {
        char unit[32];
        const struct model_labels *labels = store_ts_labels(world->ts, group);
        if (!labels)
            continue; /* a cut took it back */
        base_bytes_string(labels->at[0].value, unit, sizeof unit);
        for (unsigned f = 0; f < world->pack.freq_count; f++) {
            uint32_t first, last;
            int64_t from = world_now(world) - 30 * 3600000;
            if (world->pack.freqs[f].keep_ms < 30 * 3600000)
                from = world_now(world) - world->pack.freqs[f].keep_ms + 60000;
            model_calendar_at(&world->pack.calendar, world->pack.freqs[f].freq,
                              (struct wall){from}, &first);
            model_calendar_at(&world->pack.calendar, world->pack.freqs[f].freq,
                              (struct wall){world_now(world) - 10000}, &last);
            for (uint32_t w = first; w < last; w++)
                check_window(world, unit, group, w);
        }
    }
}

/* --- the story --- */

static void
disk_full(struct world *world, int64_t *counter)
{
    fault_files_rule(world->disk,
                     &(struct fault_files_rule){.call = FAULT_FILES_WRITE,
                                                .path = "journal",
                                                .from = 1,
                                                .err = ERR_FULL});
    for (unsigned i = 0; i < 5; i++)
        write_some(world, counter);
    world_run(world, 300);
    fault_files_clear(world->disk);
    world_run(world, 3000);
}

static void
die(struct world *world)
{
    struct base_rng *rng = &world->rng;
    world_crash(world,
                base_rng_below(rng, 2) ? FAULT_FILES_ALL : FAULT_FILES_SECTORS);
    if (base_rng_below(rng, 3) == 0) /* off for a while */
        world->loop.now_ms += (int64_t)base_rng_below(rng, 900000);
    world_open(world);
    learn_all(world);
    world->deaf = base_rng_below(rng, 4) == 0;
}

static void
anything_may_happen(struct world *world, unsigned steps)
{
    struct base_rng *rng = &world->rng;
    int64_t counter = 1000;
    for (unsigned n = 0; n < steps; n++) {
        uint64_t what = base_rng_below(rng, 100);
        if (what < 70)
            write_some(world, &counter);
        else if (what < 88)
            world_run(world, (int64_t)base_rng_below(rng, 20000));
        else if (what < 91)
            world_run(world, (int64_t)base_rng_below(rng, 400000));
        else if (what < 93)
            store_ts_seal(world->ts, NULL);
        else if (what < 95)
            world_commit(world, (unsigned)base_rng_below(rng, 4));
        else if (what < 97)
            world->deaf = !world->deaf;
        else if (what < 98)
            disk_full(world, &counter);
        else
            die(world);
    }
}

static void
one_story(uint64_t seed)
{
    static struct world world;
    struct stream_stats stats;
    world_init(&world, seed);
    world.busy_one_in = seed % 3 ? 5 : 0;
    world_open(&world);
    learn_all(&world);
    anything_may_happen(&world, 400);
    world.deaf = false;
    world.busy_one_in = 0;
    /* Until the last shift has closed; then nothing is left to do. */
    world_run(&world, 6 * 3600000);
    stream_stats(world.stream, &stats);
    if (stats.dirty_windows != 0)
        print_error("seed %llu: windows are left\n", (unsigned long long)seed);
    assert_int_equal(stats.dirty_windows, 0);
    check_all(&world);
    world_done(&world);
}

static void
the_figures_are_the_fold_of_all_samples(void **state)
{
    (void)state;
    const char *more = getenv("STREAM_FOLD_SEEDS");
    uint64_t seeds = more ? strtoull(more, NULL, 10) : 30;
    for (uint64_t seed = 1; seed <= seeds; seed++)
        one_story(seed);
}

static void
stories_that_once_went_wrong_go_well(void **state)
{
    (void)state;
    /* no hold for what is late; a reach that ended at an unusable sample; a
     * hold from before a cut; a lane that began beyond its tails */
    static const uint64_t seeds[] = {298, 1392, 4817, 6695};
    for (unsigned i = 0; i < BASE_COUNT(seeds); i++)
        one_story(seeds[i]);
}

static void
write_at(struct world *world, const char *unit, int64_t t, int64_t value)
{
    assert_int_equal(world_write(world, unit, "parts", world_start_ms + t,
                                 world_num(value), NULL),
                     ERR_OK);
}

/* 88/a's minute is told to a slow rollup; meanwhile a sample comes in for it,
 * and one for the next minute, so that nothing but its hold remembers it. */
static void
what_comes_in_while_its_window_is_told_is_not_forgotten(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, 1);
    world_open(&world);
    learn_all(&world);
    world.deaf = true;
    write_at(&world, "88/a", 1000, 1);
    world_run(&world, 66000);
    assert_int_equal(world.waiting_count, 1);
    write_at(&world, "88/a", 30000, 2);
    write_at(&world, "88/a", 66000, 3);
    world_run(&world, 100);
    write_at(&world, "88/b", 2000, 4);
    world_run(&world, 950);
    world_commit(&world, 1); /* without the second sample */
    world_run(&world, 100);
    assert_int_equal(world.waiting_count, 1); /* 88/b */
    world_commit(&world, 1);
    world_crash(&world, FAULT_FILES_ALL);
    world_open(&world);
    world.deaf = false;
    world_run(&world, 2 * 3600000);
    check_all(&world);
    world_done(&world);
}

/* Two of the minute and, for a counter's rise, the one before it. */
static void
a_fold_says_which_samples_it_is_of(void **state)
{
    (void)state;
    static struct world world;
    char text[256];
    uint8_t digest[32];
    world_init(&world, 3);
    world_open(&world);
    learn_all(&world);
    world.deaf = true;
    static const int64_t at[][2] = {
        {-1000, 3}, {1000, 5}, {59999, 7}, {60000, 11}};
    for (unsigned i = 0; i < BASE_COUNT(at); i++)
        assert_int_equal(world_write(&world, "88/a", "energy",
                                     world_start_ms + at[i][0],
                                     world_num(at[i][1]), NULL),
                         ERR_OK);
    world_run(&world, 66000);
    assert_true(world.waiting_count >= 1);
    static const struct model_event_fold none;
    const struct model_event_fold *fold = &none;
    for (unsigned i = 0; i < world.waiting_count; i++)
        if (world.waiting[i]->first_ms == world_start_ms - 1000 &&
            world.waiting[i]->last_ms == world_start_ms + 59999)
            fold = world.waiting[i];
    assert_int_equal(fold->samples, 3);
    snprintf(text, sizeof text, "energy\n%lld 3\n%lld 5\n%lld 7\n",
             (long long)world_start_ms - 1000, (long long)world_start_ms + 1000,
             (long long)world_start_ms + 59999);
    crypt_hash_sha256(base_bytes_text(text), digest);
    assert_memory_equal(fold->digest, digest, sizeof digest);
    world_commit(&world, 10);
    world_done(&world);
}

static void
a_fold_waits_until_what_it_has_read_is_durable(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, 2);
    world.journal_config.sync_delay_max_ms = 400;
    world_open(&world);
    learn_all(&world);
    world.deaf = true;
    world_run(&world, 300000);
    unsigned waited = 0;
    for (unsigned i = 0; i < 20; i++) {
        uint64_t sequence;
        struct stream_slot slot;
        int64_t t = world_start_ms + 60000 * (int64_t)(i % 3) + i;
        stream_resolve(world.stream, base_bytes_text("88/a"),
                       base_bytes_text("parts"), &slot);
        stream_write_slot(world.stream, slot, t, world_num(i), &sequence);
        world_run(&world, 990);
        stream_write_slot(world.stream, slot, t + 100, world_num(i), &sequence);
        for (unsigned ms = 0; ms < 1000; ms++) {
            bool durable = stream_synced(world.stream) >= sequence;
            fault_loop_run(&world.loop, 1);
            if (!durable && ms > 20)
                waited++;
            if (world.waiting_count > 0)
                break;
        }
        assert_int_equal(world.waiting_count, 1);
        assert_true(stream_synced(world.stream) >= sequence);
        world_commit(&world, 1);
        world_run(&world, 3000);
        world_commit(&world, 10);
    }
    assert_true(waited > 0);
    world_done(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_figures_are_the_fold_of_all_samples),
        cmocka_unit_test(stories_that_once_went_wrong_go_well),
        cmocka_unit_test(
            what_comes_in_while_its_window_is_told_is_not_forgotten),
        cmocka_unit_test(a_fold_says_which_samples_it_is_of),
        cmocka_unit_test(a_fold_waits_until_what_it_has_read_is_durable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
