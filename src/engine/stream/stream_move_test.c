/* stream_move_test.c -- a prefix's samples go to its own node, all of them, and
 * its figures are those of a machine that never moved. */
#include "engine/stream/stream_move.h"

#include "engine/stream/stream_world_test.h"

static const char *const ids[] = {"88.31.2001/m1", "88.31.2001/M2",
                                  "88.31.1001/own"};
static const char *const metrics[] = {"energy", "level", "parts", "load",
                                      "state"};

static struct world host, node, still;
static struct stream_move_out out;
static struct stream_move_in in;
static bool ended;
static enum err why;

static void
out_done(struct stream_move_out *move, enum err err)
{
    (void)move;
    ended = true;
    why = err;
}

static void
in_done(struct stream_move_in *move, enum err err)
{
    (void)move;
    ended = true;
    why = err;
}

static enum err
exported(struct world *world, const char *prefix)
{
    out = (struct stream_move_out){.done = out_done,
                                   .prefix = base_bytes_text(prefix)};
    ended = false;
    stream_move_export(world->stream, &out);
    while (!ended)
        world_run(world, 100);
    return why;
}

static enum err
imported(struct world *world, struct bytes samples)
{
    memset(&in, 0, sizeof in);
    in.done = in_done;
    in.samples = samples;
    ended = false;
    stream_move_import(world->stream, &in);
    assert_false(ended);
    while (!ended)
        world_run(world, 100);
    return why;
}

static void
worlds(uint64_t seed)
{
    struct world *all[] = {&host, &node, &still};
    for (unsigned i = 0; i < 3; i++) {
        world_init(all[i], seed + i);
        if (all[i] == &node)
            node.port.own = base_bytes_text("88.31.2001");
        world_open(all[i]);
        for (unsigned k = 0; k < 3; k++)
            if (i != 1 || k < 2)
                stream_learn(all[i]->stream, base_bytes_text(ids[k]));
    }
}

static void
worlds_done(void)
{
    world_done(&host);
    world_done(&node);
    world_done(&still);
}

static int64_t
below(struct base_rng *rng, uint64_t most)
{
    return (int64_t)base_rng_below(rng, most);
}

/* The same samples into two worlds, a minute of them; some are late. */
static void
minute(struct world *to, struct base_rng *rng, int64_t *counter)
{
    for (unsigned i = 0; i < 6; i++) {
        struct base_note note;
        int64_t t = world_now(to) - below(rng, 2) * 45000;
        for (unsigned k = 0; k < 2; k++) {
            int64_t m = below(rng, 5);
            int64_t value = m == 0   ? (*counter += below(rng, 9))
                            : m == 4 ? below(rng, 5)
                                     : below(rng, 100);
            struct num num = world_num(value);
            assert_int_equal(world_write(to, ids[k], metrics[m], t, num, &note),
                             ERR_OK);
            assert_int_equal(
                world_write(&still, ids[k], metrics[m], t, num, &note), ERR_OK);
        }
        world_run(to, 10000);
        world_run(&still, 10000);
    }
}

static void
same_samples(struct world *a, struct world *b, const char *id)
{
    struct model_label label = {base_bytes_text("id"), base_bytes_text(id)};
    const struct model_labels *labels;
    uint32_t ga, gb;
    base_arena_reset(&a->arena);
    assert_int_equal(model_label_set(&a->arena, &label, 1, &labels, NULL),
                     ERR_OK);
    assert_int_equal(store_ts_group_find(a->ts, labels, &ga), ERR_OK);
    assert_int_equal(store_ts_group_find(b->ts, labels, &gb), ERR_OK);
    for (unsigned m = 0; m < 5; m++) {
        struct store_ts_sample *sa, *sb;
        uint64_t na, nb;
        uint32_t ca, cb;
        struct bytes metric = base_bytes_text(metrics[m]);
        assert_int_equal(store_ts_column(a->ts, ga, metric, &ca), ERR_OK);
        assert_int_equal(store_ts_column(b->ts, gb, metric, &cb), ERR_OK);
        assert_int_equal(store_ts_read(a->ts, ga, ca, 0, INT64_MAX, 1 << 20,
                                       &a->arena, &sa, &na),
                         ERR_OK);
        assert_int_equal(store_ts_read(b->ts, gb, cb, 0, INT64_MAX, 1 << 20,
                                       &a->arena, &sb, &nb),
                         ERR_OK);
        assert_int_equal(na, nb);
        for (uint64_t i = 0; i < na; i++) {
            assert_true(sa[i].t == sb[i].t);
            assert_true(sa[i].value.mantissa == sb[i].value.mantissa);
        }
    }
}

static void
same_figures(void)
{
    for (unsigned i = 0; i < still.durable.count; i++) {
        const struct world_row *want = &still.durable.rows[i];
        const struct world_row *have =
            world_find(&node.durable, want->unit, want->window);
        assert_true(have && have->mask == want->mask &&
                    memcmp(have->values, want->values, sizeof have->values) ==
                        0);
    }
    assert_int_equal(node.durable.count, still.durable.count);
}

static void
a_machine_that_moved_has_the_figures_of_one_that_did_not(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct base_rng rng;
        int64_t counter = 1000;
        base_rng_seed(&rng, seed);
        worlds(seed);
        int64_t minutes = 3 + below(&rng, 70);
        for (int64_t i = 0; i < minutes; i++)
            minute(&host, &rng, &counter);
        /* Late ones that the host may have no time to fold again. */
        for (unsigned k = 0; k < 2; k++) {
            int64_t t = world_now(&host) - 130000;
            struct base_note note;
            world_write(&host, ids[k], "parts", t, world_num(1), &note);
            world_write(&still, ids[k], "parts", t, world_num(1), &note);
        }
        int64_t pause = below(&rng, 500);
        world_run(&host, pause);
        world_run(&still, pause);
        assert_int_equal(exported(&host, "88.31.2001"), ERR_OK);
        world_run(&still, world_now(&host) - world_now(&still));
        world_run(&node, world_now(&host) - world_now(&node));
        unsigned folds = node.folds;
        assert_int_equal(imported(&node, base_out_bytes(&out.out)), ERR_OK);
        assert_int_equal(in.taken, out.samples);
        assert_int_equal(in.old, 0);
        /* Its figures are imported with it; only then is it counted. */
        node.durable = host.durable;
        node.now = node.durable;
        for (unsigned k = 0; k < 2; k++) {
            same_samples(&host, &node, ids[k]);
            stream_learn(node.stream, base_bytes_text(ids[k]));
        }
        world_run(&still, world_now(&node) - world_now(&still));
        for (unsigned i = 0; i < 5; i++)
            minute(&node, &rng, &counter);
        world_run(&node, 8 * 3600000);
        world_run(&still, 8 * 3600000);
        same_figures();
        assert_true(node.folds > folds);
        base_out_done(&out.out);
        worlds_done();
    }
}

static void
what_the_host_had_folded_is_not_folded_again(void **state)
{
    (void)state;
    struct base_rng rng;
    int64_t counter = 1000;
    base_rng_seed(&rng, 1);
    worlds(20);
    for (unsigned i = 0; i < 50; i++)
        minute(&host, &rng, &counter);
    unsigned folded = host.folds;
    assert_int_equal(exported(&host, "88.31.2001"), ERR_OK);
    world_run(&node, world_now(&host) - world_now(&node));
    assert_int_equal(imported(&node, base_out_bytes(&out.out)), ERR_OK);
    world_run(&node, 60000);
    assert_true(node.folds > 0);
    assert_true(node.folds * 4 < folded);
    base_out_done(&out.out);
    worlds_done();
}

static void
a_prefix_that_moves_takes_no_samples_here(void **state)
{
    (void)state;
    struct base_note note;
    worlds(30);
    for (unsigned k = 0; k < 3; k++)
        assert_int_equal(
            world_write(&host, ids[k], "level", 0, world_num(1), &note),
            ERR_OK);
    assert_int_equal(exported(&host, "88.31.2001"), ERR_OK);
    base_out_done(&out.out);
    assert_int_equal(out.samples, 2);
    for (unsigned k = 0; k < 2; k++) {
        stream_learn(host.stream, base_bytes_text(ids[k]));
        assert_false(stream_knows(host.stream, base_bytes_text(ids[k])));
        assert_int_equal(
            world_write(&host, ids[k], "level", 0, world_num(1), &note),
            ERR_ABSENT);
    }
    assert_int_equal(
        world_write(&host, ids[2], "level", 0, world_num(2), &note), ERR_OK);
    stream_move_shut(host.stream, base_bytes_text("88.31.2001"), false);
    assert_false(stream_knows(host.stream, base_bytes_text(ids[0])));
    stream_learn(host.stream, base_bytes_text(ids[0]));
    assert_int_equal(
        world_write(&host, ids[0], "level", 0, world_num(3), &note), ERR_OK);
    world_run(&host, 100);
    world_crash(&host, FAULT_FILES_ALL);
    world_open(&host); /* whether it is still here, ident knows */
    assert_false(stream_knows(host.stream, base_bytes_text(ids[0])));
    assert_true(stream_knows(host.stream, base_bytes_text(ids[2])));
    worlds_done();
}

static void
samples_of_another_prefix_or_cut_off_change_nothing(void **state)
{
    (void)state;
    struct base_note note;
    struct store_ts_stats stats;
    worlds(40);
    for (unsigned k = 0; k < 3; k++)
        assert_int_equal(
            world_write(&host, ids[k], "level", 0, world_num(1), &note),
            ERR_OK);
    assert_int_equal(exported(&host, "88.31.1001"), ERR_OK);
    assert_int_equal(imported(&node, base_out_bytes(&out.out)), ERR_DENIED);
    base_out_done(&out.out);
    assert_int_equal(exported(&host, "88.31.2001"), ERR_OK);
    struct bytes whole = base_out_bytes(&out.out);
    assert_int_equal(
        imported(&node, base_bytes_slice(whole, 0, whole.size - 1)), ERR_SHORT);
    assert_true(in.note.text[0] != '\0');
    store_ts_stats(node.ts, &stats);
    assert_int_equal(stats.groups, 0);
    for (unsigned again = 0; again < 2; again++)
        assert_int_equal(imported(&node, whole), ERR_OK);
    store_ts_stats(node.ts, &stats);
    assert_int_equal(stats.groups, 2);
    base_out_done(&out.out);
    worlds_done();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_machine_that_moved_has_the_figures_of_one_that_did_not),
        cmocka_unit_test(what_the_host_had_folded_is_not_folded_again),
        cmocka_unit_test(a_prefix_that_moves_takes_no_samples_here),
        cmocka_unit_test(samples_of_another_prefix_or_cut_off_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
