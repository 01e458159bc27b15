/* store_ts_random_test.c -- everything at random, against an array: rows in any
 * order, drops, seals, crashes, full disks. */
#include "store/store_ts_world_test.h"

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
        cmocka_unit_test(anything_in_any_order_is_as_in_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
