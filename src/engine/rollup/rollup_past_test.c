/* rollup_past_test.c -- what a node says of an instant, for ever the same. */
#include "engine/rollup/rollup_world_test.h"

enum { MINUTE = 60000, SAVES = 260, WINDOWS = 4, UNITS = 3, TEXT = 8192 };

static struct world world;
static struct base_note note;

/* --- a table as text: every field of every line --- */

static bool
line_write(void *self, const struct rollup_line *line)
{
    struct base_out *out = self;
    char number[BASE_DEC_TEXT];
    base_out_bytes_add(out, line->from);
    base_out_format(out, ",%u,%u,%llu,%lld,%u%u%u,%llu,%llu", line->cell,
                    line->epoch, (unsigned long long)line->revision,
                    (long long)line->applied_ms, line->unit, line->waiting,
                    line->reason, (unsigned long long)line->sequence,
                    (unsigned long long)line->inputs);
    for (unsigned i = 0; i < 2 && line->values; i++)
        base_out_format(out, ",%lld", (long long)line->values[i]);
    for (unsigned i = 0; i < 4; i++)
        if (line->figure->mask >> i & 1)
            base_out_format(
                out, ",%llu:%s", (unsigned long long)line->figure->slots[i].n,
                base_dec_int_text(line->figure->slots[i].sum, number));
        else
            base_out_text(out, ",-");
    base_out_u8(out, '\n');
    return true;
}

/* ABSENT: nothing was there. */
static enum err
table(struct node *node, uint32_t window, int64_t asof_ms, struct base_out *out,
      int64_t *ret_at_ms)
{
    struct rollup_table read = {0};
    char text[MODEL_WINDOW_TEXT];
    const struct rollup_table_ask ask = {
        .pack = base_bytes_text("t"),
        .at = base_bytes_text(model_window_text(window, text)),
        .asof_ms = asof_ms,
        .parts = true};
    base_out_reset(out);
    enum err err =
        rollup_table(node->rollup, &ask, line_write, out, &read, &note);
    *ret_at_ms = read.at_ms;
    return err;
}

/* --- the property --- */

struct save { /* a table as somebody once got it */
    struct node *node;
    uint32_t window;
    int64_t at_ms;
    enum err err;
    struct store_journal_wait wait;
    bool durable, lost;
    struct base_out text;
};

static struct save saves[SAVES];
static unsigned save_count;

static void
save_durable(struct store_journal_wait *wait, enum err err)
{
    struct save *save = BASE_OUTER(wait, struct save, wait);
    save->durable = err == ERR_OK;
}

static void
save_one(struct node *node, uint32_t window)
{
    struct save *save = &saves[save_count++];
    *save = (struct save){.node = node, .window = window};
    base_out_grow(&save->text, TEXT);
    save->err = table(node, window, 0, &save->text, &save->at_ms);
    if (save->err != ERR_OK) /* there was none */
        save->at_ms = rollup_past_now(node->rollup);
    save->wait.fn = save_durable;
    save->wait.loop = &node->loop.base;
    store_journal_barrier(node->journal, &save->wait);
}

/* What had not been synced was never told to anybody. */
static void
saves_crash(const struct node *node)
{
    for (unsigned i = 0; i < save_count; i++)
        if (saves[i].node == node && !saves[i].durable)
            saves[i].lost = true;
}

static void
saves_check(void)
{
    struct base_out now;
    int64_t at_ms;
    base_out_grow(&now, TEXT);
    for (unsigned i = 0; i < save_count; i++) {
        struct save *save = &saves[i];
        if (save->lost)
            continue;
        enum err err =
            table(save->node, save->window, save->at_ms, &now, &at_ms);
        if (err != save->err || !base_bytes_equal(base_out_bytes(&now),
                                                  base_out_bytes(&save->text)))
            fail_msg("%s %08x as of %lld was\n%.*s%d and is now\n%.*s%d %s",
                     save->node->prefix, save->window, (long long)save->at_ms,
                     (int)save->text.size, (char *)save->text.at, save->err,
                     (int)now.size, (char *)now.at, err, note.text);
    }
    base_out_done(&now);
}

static void
fold_some(struct node *node)
{
    char unit[64];
    uint32_t minute = (uint32_t)base_rng_below(&world.rng, WINDOWS);
    snprintf(unit, sizeof unit, "%s/u%u", node->prefix,
             (unsigned)base_rng_below(&world.rng, UNITS));
    node_fold_at(node, unit, world_minute(&world, (int64_t)minute - 2),
                 1 + base_rng_below(&world.rng, 3),
                 (int64_t)base_rng_below(&world.rng, 5),
                 (int64_t)base_rng_below(&world.rng, 5),
                 base_rng_below(&world.rng, 100));
}

static void
some_step(struct node *nodes[4], unsigned node_count)
{
    struct node *node = nodes[base_rng_below(&world.rng, node_count)];
    uint32_t window =
        world_minute(&world, (int64_t)base_rng_below(&world.rng, WINDOWS) - 2);
    switch (base_rng_below(&world.rng, 12)) {
    case 0:
        node_crash(node, (enum fault_files_loss)base_rng_below(&world.rng, 4));
        saves_crash(node);
        node_open(node);
        break;
    case 1:
        node_cut(node, node->parent && base_rng_below(&world.rng, 3) == 0);
        break;
    case 2:
    case 3:
    case 4:
    case 5:
        save_one(node, window);
        break;
    default:
        fold_some(nodes[2 + base_rng_below(&world.rng, 2)]);
    }
    world_run(&world, (int64_t)base_rng_below(&world.rng, 3) *
                          (int64_t)base_rng_below(&world.rng, 700));
}

/* Corrections, late ones, placeholders, lost and repeated batches, resyncs,
 * power failures: what was told once is told again, byte for byte. */
static void
a_table_of_an_instant_is_the_one_that_was_saved_then(void **state)
{
    unsigned checked = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        world_init(&world, seed);
        world.lose = world.repeat = 10;
        save_count = 0;
        struct node *nodes[4];
        nodes[0] = world_node(&world, "88", NULL, NULL);
        nodes[1] = world_node(&world, "88.31", NULL, nodes[0]);
        nodes[2] = world_node(&world, "88.31.1001", "A", nodes[1]);
        nodes[3] = world_node(&world, "88.31.1002", "C", nodes[1]);
        for (unsigned n = 2; n < 4; n++)
            for (unsigned u = 0; u < UNITS; u++) {
                char unit[64];
                snprintf(unit, sizeof unit, "%s/u%u", nodes[n]->prefix, u);
                node_unit(nodes[n], unit, "host", true);
            }
        world_run(&world, 100);
        while (save_count < SAVES - 1)
            some_step(nodes, 4);
        world_run(&world, 5000);
        saves_check();
        for (unsigned n = 0; n < 4; n++) { /* after a restart too */
            node_end(nodes[n], false);
            node_open(nodes[n]);
            node_audit(nodes[n]);
        }
        saves_check();
        for (unsigned i = 0; i < save_count; i++) {
            checked += !saves[i].lost && saves[i].err == ERR_OK;
            base_out_done(&saves[i].text);
        }
        world_done(&world);
    }
    printf("%u tables compared\n", checked);
    assert_true(checked > 500);
}

/* --- figures and histories --- */

static struct base_arena arena;

static enum err
show(struct node *node, uint32_t window, int64_t asof_ms,
     struct rollup_figure *ret_figure)
{
    struct rollup_answer answer;
    char text[MODEL_WINDOW_TEXT];
    const struct rollup_ask ask = {
        .pack = base_bytes_text("t"),
        .name = base_bytes_text("busy"),
        .at = base_bytes_text(window ? model_window_text(window, text) : ""),
        .asof_ms = asof_ms,
        .parts = 10};
    enum err err = rollup_show(node->rollup, &ask, &arena, &answer, &note);
    if (err == ERR_OK)
        *ret_figure = answer.figures[0];
    return err;
}

static int64_t
now_of(struct node *node)
{
    return base_loop_wall(&node->loop.base).ms;
}

/* The window's state and vintage are of that instant too. */
static void
a_figure_of_an_instant_has_the_value_and_the_state_of_then(void **state)
{
    static const char host[] = "88.31.1001/host";
    struct rollup_figure figure;
    int64_t at[4];
    (void)state;
    world_init(&world, 50);
    base_arena_init(&arena, 4 << 20);
    struct node *node = world_node(&world, "88.31.1001", "A", NULL);
    uint32_t w = world_minute(&world, 0);
    int64_t before = now_of(node);
    node_unit(node, host, "host", true);
    world_run(&world, MINUTE);
    for (unsigned i = 0; i < 4; i++) {
        node_fold(node, host, w, 100 * (i + 1), 1000);
        world_run(&world, 10000);
        if (i == 2)
            assert_int_equal(
                rollup_seal(node->rollup, base_bytes_text("t"), w, NULL, &note),
                ERR_OK);
        at[i] = now_of(node);
        world_run(&world, 10);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(show(node, w, at[i], &figure), ERR_OK);
        assert_int_equal(figure.sum.a, 100 * (i + 1));
        assert_int_equal(figure.at_ms, at[i]);
        assert_int_equal(figure.part_count, 1);
        assert_int_equal(figure.parts[0].revision, i + 1);
        assert_int_equal(figure.vintage, i >= 2);
        assert_int_equal(figure.state,
                         i >= 2 ? ROLLUP_SEALED : ROLLUP_PROVISIONAL);
        assert_int_equal(figure.pending, i == 3);
    }
    assert_int_equal(show(node, w, before, &figure), ERR_ABSENT);
    assert_string_equal(note.text,
                        "nothing had been reported for 2025-11-22T05:00 of "
                        "pack t at 2025-11-22T05:00:00.000+08:00");
    assert_int_equal(show(node, w, now_of(node) + 5000, &figure), ERR_RANGE);
    assert_int_equal(show(node, 0, at[0], &figure), ERR_OK);
    assert_int_equal(figure.window, w); /* the newest complete one then */
    base_arena_done(&arena);
    world_done(&world);
}

static bool
line_value(void *self, const struct rollup_line *line)
{
    struct base_out *out = self;
    base_out_format(out, "%s%lld ",
                    line->waiting ? "w"
                    : line->gone  ? "g"
                                  : "",
                    (long long)line->figure->slots[2].sum);
    return true;
}

static void
a_contribution_keeps_every_revision_it_had(void **state)
{
    struct rollup_table read;
    struct base_out out;
    uint8_t room[256];
    (void)state;
    world_init(&world, 51);
    struct node *nation = world_node(&world, "88", NULL, NULL);
    struct node *node = world_node(&world, "88.31", "A", nation);
    uint32_t w = world_minute(&world, 1);
    node_unit(node, "88.31/host", "host", true);
    node_fold(node, "88.31/host", world_minute(&world, 0), 7, 1000);
    world_run(&world, MINUTE + 7000);
    node->cut = true; /* the next minute the nation waits for it */
    world_run(&world, MINUTE);
    node->cut = false;
    node_cut(node, false);
    for (unsigned i = 1; i < 4; i++) {
        node_fold(node, "88.31/host", w, i, 1000);
        world_run(&world, 2000);
    }
    const struct rollup_table_ask ask = {
        .pack = base_bytes_text("t"),
        .at = base_bytes_text("2025-11-22T05:01")};
    base_out_fixed(&out, room, sizeof room);
    assert_int_equal(rollup_history(node->rollup, &ask,
                                    base_bytes_text("88.31/HOST"), line_value,
                                    &out, &read, &note),
                     ERR_OK);
    base_out_u8(&out, 0);
    assert_string_equal((char *)room, "0 1 2 3 "); /* 0: expected only */
    base_out_fixed(&out, room, sizeof room);
    assert_int_equal(rollup_history(nation->rollup, &ask,
                                    base_bytes_text("88.31"), line_value, &out,
                                    &read, &note),
                     ERR_OK);
    base_out_u8(&out, 0);
    assert_string_equal((char *)room, "w0 1 2 3 ");
    assert_int_equal(rollup_history(nation->rollup, &ask,
                                    base_bytes_text("88.44"), line_value, &out,
                                    &read, &note),
                     ERR_ABSENT);
    world_done(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_figure_of_an_instant_has_the_value_and_the_state_of_then),
        cmocka_unit_test(a_contribution_keeps_every_revision_it_had),
        cmocka_unit_test(a_table_of_an_instant_is_the_one_that_was_saved_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
