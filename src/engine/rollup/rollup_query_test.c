/* rollup_query_test.c -- showing, explaining, and saying what was expected. */
#include "engine/rollup/rollup_world_test.h"
#include "wire/figure/wire_explain.h"

enum { MINUTE = 60000 };

static struct world world;
static struct node *nation, *province, *east, *west;
static struct base_arena arena;
static struct base_note note;

/* 88 over 88.31 over two factories; one minute of figures in both. */
static void
four_of(uint64_t seed, bool sign)
{
    world_init(&world, seed);
    world.sign = sign;
    base_arena_init(&arena, 4 << 20);
    nation = world_node(&world, "88", NULL, NULL);
    province = world_node(&world, "88.31", NULL, nation);
    east = world_node(&world, "88.31.1001", "A", province);
    west = world_node(&world, "88.31.1002", "C", province);
    node_unit(east, "88.31.1001/host", "host", true);
    node_unit(west, "88.31.1002/host", "host", true);
    node_unit(west, "88.31.1002/idle", "host", true);
    world_run(&world, MINUTE + 5100);
    uint32_t w = world_minute(&world, 0);
    node_fold_at(east, "88.31.1001/host", w, 3, 100, 400, 77);
    node_fold(west, "88.31.1002/host", w, 500, 1000);
    world_run(&world, 3000);
}

static void
four(uint64_t seed)
{
    four_of(seed, false);
}

static void
four_done(void)
{
    base_arena_done(&arena);
    world_done(&world);
}

static enum err
show(struct node *node, const char *name, const char *at, unsigned last,
     struct rollup_answer *answer)
{
    struct rollup_ask ask = {.pack = base_bytes_text("t"),
                             .name = base_bytes_text(name),
                             .at = base_bytes_text(at),
                             .last = last,
                             .parts = 256};
    note = (struct base_note){0};
    return rollup_show(node->rollup, &ask, &arena, answer, &note);
}

static const char *
value(const struct rollup_part *part, const struct rollup_answer *answer)
{
    static char text[4][BASE_DEC_TEXT];
    static unsigned at;
    return part->present ? base_dec_text(part->value, (int)answer->name.digits,
                                         text[at++ % 4])
                         : "-";
}

static void
a_ratio_is_divided_once_over_the_sums(void **state)
{
    struct rollup_answer answer;
    (void)state;
    four(1);
    assert_int_equal(show(nation, "share", "", 1, &answer), ERR_OK);
    struct rollup_figure *figure = &answer.figures[0];
    assert_int_equal(answer.count, 1);
    assert_int_equal(figure->window, world_minute(&world, 0));
    assert_string_equal(value(&figure->sum, &answer), "42.9"); /* 600/1400 */
    assert_int_equal(figure->sum.n, 2);
    assert_int_equal(figure->sum.reported, 2);
    assert_int_equal(figure->sum.expected, 3);
    assert_int_equal(figure->state, ROLLUP_PROVISIONAL);
    assert_int_equal(figure->part_count, 1);
    assert_true(base_bytes_is(figure->parts[0].from, "88.31"));
    assert_int_equal(show(province, "busy", "", 1, &answer), ERR_OK);
    figure = &answer.figures[0];
    assert_string_equal(value(&figure->sum, &answer), "6.00");
    assert_int_equal(figure->part_count, 2); /* the larger first */
    assert_true(base_bytes_is(figure->parts[0].from, "88.31.1002"));
    assert_string_equal(value(&figure->parts[0], &answer), "5.00");
    assert_string_equal(value(&figure->parts[1], &answer), "1.00");
    four_done();
}

static void
who_is_missing_comes_first_when_asked_for(void **state)
{
    struct rollup_answer answer;
    struct rollup_ask ask = {.pack = base_bytes_text("t"),
                             .name = base_bytes_text("reported"),
                             .parts = 1,
                             .least_first = true};
    (void)state;
    four(2);
    assert_int_equal(rollup_show(west->rollup, &ask, &arena, &answer, &note),
                     ERR_OK);
    struct rollup_figure *figure = &answer.figures[0];
    assert_string_equal(value(&figure->sum, &answer), "1");
    assert_int_equal(figure->sum.expected, 2);
    assert_int_equal(figure->part_count, 1);
    assert_int_equal(figure->parts_left, 1);
    assert_true(base_bytes_is(figure->parts[0].from, "88.31.1002/idle"));
    assert_true(figure->parts[0].unit);
    assert_int_equal(figure->parts[0].reported, 0);
    four_done();
}

static void
windows_are_listed_backwards_in_pages(void **state)
{
    struct rollup_answer answer;
    char text[MODEL_WINDOW_TEXT];
    (void)state;
    four(3);
    world_run(&world, 5 * MINUTE);
    assert_int_equal(show(nation, "share", "", 4, &answer), ERR_OK);
    assert_int_equal(answer.count, 4);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(answer.figures[i].window, world_minute(&world, 5) - i);
    assert_string_equal(value(&answer.figures[0].sum, &answer), "-");
    assert_int_equal(answer.next, world_minute(&world, 1));
    assert_int_equal(
        show(nation, "share", model_window_text(answer.next, text), 4, &answer),
        ERR_OK);
    assert_string_equal(value(&answer.figures[1].sum, &answer), "42.9");
    assert_int_equal(answer.next, 0);
    four_done();
}

static void
a_mistake_is_told_with_what_was_expected(void **state)
{
    struct rollup_answer answer;
    struct rollup_ask ask = {.pack = base_bytes_text("host"),
                             .name = base_bytes_text("share")};
    (void)state;
    four(4);
    assert_int_equal(rollup_show(nation->rollup, &ask, &arena, &answer, &note),
                     ERR_NAME);
    assert_string_equal(note.text, "no pack \"host\" here; there is: t");
    assert_int_equal(show(nation, "shar", "", 1, &answer), ERR_NAME);
    assert_string_equal(note.text, "pack t has no metric or measure \"shar\"; "
                                   "did you mean share?");
    assert_int_equal(show(nation, "share", "2025-13-99", 1, &answer),
                     ERR_RANGE);
    assert_non_null(strstr(note.text, "2025-11-22T04:55"));
    assert_int_equal(show(nation, "share", "2025-11", 1, &answer), ERR_NAME);
    assert_string_equal(note.where, "freq");
    assert_int_equal(show(nation, "share", "2025-11-22T01:00", 1, &answer),
                     ERR_ABSENT);
    assert_non_null(strstr(note.text, "nothing has been reported for "
                                      "2025-11-22T01:00"));
    ask.pack = base_bytes_text("t");
    ask.freq = base_bytes_text("hour");
    assert_int_equal(rollup_show(nation->rollup, &ask, &arena, &answer, &note),
                     ERR_OK);
    ask.vintage = 7;
    ask.freq = base_bytes_text("");
    assert_int_equal(rollup_show(nation->rollup, &ask, &arena, &answer, &note),
                     ERR_ABSENT);
    assert_non_null(strstr(note.text, "has no vintage 7"));
    four_done();
}

static void
a_vintage_says_what_was_sealed_and_live_what_is_pending(void **state)
{
    struct rollup_answer answer;
    struct rollup_ask ask = {.pack = base_bytes_text("t"),
                             .name = base_bytes_text("share")};
    (void)state;
    four(5);
    uint32_t w = world_minute(&world, 0);
    assert_int_equal(
        rollup_seal(nation->rollup, base_bytes_text("t"), w, NULL, NULL),
        ERR_OK);
    assert_int_equal(rollup_show(nation->rollup, &ask, &arena, &answer, &note),
                     ERR_OK);
    assert_int_equal(answer.figures[0].state, ROLLUP_SEALED);
    assert_int_equal(answer.figures[0].vintage, 1);
    assert_false(answer.figures[0].pending);
    node_fold(east, "88.31.1001/host", w, 300, 400);
    world_run(&world, 500);
    assert_int_equal(rollup_show(nation->rollup, &ask, &arena, &answer, &note),
                     ERR_OK);
    assert_string_equal(value(&answer.figures[0].sum, &answer), "57.1");
    assert_true(answer.figures[0].pending);
    ask.vintage = 1;
    assert_int_equal(rollup_show(nation->rollup, &ask, &arena, &answer, &note),
                     ERR_OK);
    assert_string_equal(value(&answer.figures[0].sum, &answer), "42.9");
    four_done();
}

/* --- explain --- */

struct told {
    struct rollup_explain explain;
    unsigned count;
    enum err err;
    struct base_out entries;
};

static struct told told;

static void
explained(struct rollup_explain *explain, enum err err, struct bytes entries)
{
    struct told *to = BASE_OUTER(explain, struct told, explain);
    to->count++;
    to->err = err;
    base_out_bytes_add(&to->entries, entries);
}

/* One line per entry: depth, kind, name, value or "-", why. */
static const char *
explain_cells(struct node *node, const char *name, const char *cells,
              int64_t asof_ms)
{
    static char text[4096];
    struct rollup_ask ask = {.pack = base_bytes_text("t"),
                             .name = base_bytes_text(name),
                             .cells = base_bytes_text(cells),
                             .asof_ms = asof_ms};
    struct wire_explain_entry entry;
    struct base_cur cur;
    char number[BASE_DEC_TEXT];
    size_t size = 0;
    base_out_done(&told.entries);
    told = (struct told){.explain.done = explained};
    base_out_grow(&told.entries, 2 << 20);
    note = (struct base_note){0};
    text[0] = 0;
    if (rollup_explain(node->rollup, &ask, &told.explain, &note) != ERR_OK)
        return note.text;
    world_run(&world, 100);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.err, ERR_OK);
    assert_int_equal(wire_explain_open(base_out_bytes(&told.entries), &cur),
                     ERR_OK);
    while (wire_explain_next(&cur, &entry))
        size += (size_t)snprintf(
            text + size, sizeof text - size, "%u%c %.*s %s%s%s\n", entry.depth,
            "?NPUIWB"[entry.kind], (int)entry.name.size,
            (const char *)entry.name.at,
            entry.has & WIRE_EXPLAIN_VALUE
                ? base_dec_text(entry.value, 1, number)
                : "-",
            entry.why ? " " : "",
            entry.why ? base_err_name((enum err)entry.why) : "");
    return text;
}

static const char *
explain_at(struct node *node, const char *name, int64_t asof_ms)
{
    return explain_cells(node, name, "", asof_ms);
}

static const char *
explain(struct node *node, const char *name)
{
    return explain_at(node, name, 0);
}

static void
a_figure_walks_down_to_the_samples(void **state)
{
    (void)state;
    four(6);
    assert_string_equal(explain(nation, "share"), "0N 88 42.9\n"
                                                  "1P 88.31 42.9\n"
                                                  "2B 88.31 -\n"
                                                  "2B 88.31 -\n"
                                                  "2N 88.31 42.9\n"
                                                  "3P 88.31.1002 50.0\n"
                                                  "4B 88.31.1002 -\n"
                                                  "4N 88.31.1002 50.0\n"
                                                  "5U 88.31.1002/host 50.0\n"
                                                  "6I busy 5.0\n"
                                                  "6I all 10.0\n"
                                                  "5U 88.31.1002/idle -\n"
                                                  "3P 88.31.1001 25.0\n"
                                                  "4B 88.31.1001 -\n"
                                                  "4N 88.31.1001 25.0\n"
                                                  "5U 88.31.1001/host 25.0\n"
                                                  "6I busy 1.0\n"
                                                  "6I all 4.0\n");
    struct wire_explain_entry entry = {0};
    struct base_cur cur;
    wire_explain_open(base_out_bytes(&told.entries), &cur);
    while (wire_explain_next(&cur, &entry) &&
           !base_bytes_is(entry.name, "88.31.1001/host"))
        continue;
    assert_int_equal(entry.sequence, 77);
    base_out_done(&told.entries);
    four_done();
}

/* A machine in B and one more in A, beside those of four(): A 1.00 and 2.00 of
 * 4.00 each, B 3.00 of 4.00, C 5.00 of 10.00 and one that is silent. */
static void
regions(uint64_t seed)
{
    four(seed);
    uint32_t w = world_minute(&world, 0);
    node_unit_of(east, "88.31.1001/b", "host", true, "region=B");
    node_unit_of(west, "88.31.1002/a", "host", true, "region=A");
    node_fold(east, "88.31.1001/b", w, 300, 400);
    node_fold(west, "88.31.1002/a", w, 200, 400);
    world_run(&world, 3000);
}

static void
a_cell_walks_down_to_its_own_samples_only(void **state)
{
    (void)state;
    regions(21);
    assert_string_equal(explain_cells(nation, "share", "region=B", 0),
                        "0N 88 75.0\n"
                        "1P 88.31 75.0\n"
                        "2B 88.31 -\n"
                        "2N 88.31 75.0\n"
                        "3P 88.31.1001 75.0\n"
                        "4B 88.31.1001 -\n"
                        "4N 88.31.1001 75.0\n"
                        "5U 88.31.1001/b 75.0\n"
                        "6I busy 3.0\n"
                        "6I all 4.0\n");
    /* N is above A and B; both works have some of it, and parts of C. */
    const char *text = explain_cells(province, "busy", "region=N", 0);
    assert_non_null(strstr(text, "0N 88.31 6.0\n"));
    assert_non_null(strstr(text, "1P 88.31.1001 4.0\n"));
    assert_non_null(strstr(text, "1P 88.31.1002 2.0\n"));
    assert_non_null(strstr(text, "3U 88.31.1002/a 2.0\n"));
    assert_null(strstr(text, "88.31.1002/host"));
    assert_null(strstr(text, "88.31.1002/idle"));
    assert_non_null(strstr(explain_cells(nation, "busy", "region=D", 0),
                           "dim region has no code \"D\""));
    base_out_done(&told.entries);
    four_done();
}

static bool
cell_sum(void *self, const struct rollup_line *line)
{
    struct model_figure *sums = self; /* one a cell */
    return !line->from.at ||
           model_figure_add(&sums[line->cell], line->figure, 1) == ERR_OK;
}

/* The explained number, its operands and coverage, and the sums of each
 * level's parts are those of a recomputation from contributions. */
static void
cell_adds_up(struct node *node, const char *cells, unsigned mask)
{
    static struct model_figure sums[3], want;
    const struct rollup_table_ask ask = {.pack = base_bytes_text("t"),
                                         .parts = true};
    struct rollup_table table;
    struct wire_explain_entry own, entry;
    struct base_cur cur;
    __int128 a = 0, b = 0, node_a = 0, node_b = 0;
    uint64_t expected = 0, reported = 0;
    memset(sums, 0, sizeof sums);
    want = (struct model_figure){0};
    assert_int_equal(
        rollup_table(node->rollup, &ask, cell_sum, sums, &table, &note),
        ERR_OK);
    for (unsigned c = 0; c < 3; c++)
        if (mask >> c & 1)
            assert_int_equal(model_figure_add(&want, &sums[c], 1), ERR_OK);
    explain_cells(node, "share", cells, 0);
    wire_explain_open(base_out_bytes(&told.entries), &cur);
    assert_true(wire_explain_next(&cur, &own));
    assert_true(own.a == want.slots[2].sum && own.b == want.slots[3].sum);
    assert_int_equal(own.expected, want.slots[0].sum);
    assert_int_equal(own.reported, want.slots[1].sum);
    while (wire_explain_next(&cur, &entry)) {
        assert_int_equal(entry.why, ERR_OK);
        assert_int_equal(entry.has & WIRE_EXPLAIN_CHANGED, 0);
        a += entry.depth == 1 ? entry.a : 0;
        b += entry.depth == 1 ? entry.b : 0;
        expected += entry.depth == 1 ? entry.expected : 0;
        reported += entry.depth == 1 ? entry.reported : 0;
        node_a += entry.kind == WIRE_EXPLAIN_UNIT ? entry.a : 0;
        node_b += entry.kind == WIRE_EXPLAIN_UNIT ? entry.b : 0;
    }
    assert_true(a == own.a && b == own.b);
    assert_true(node_a == own.a && node_b == own.b);
    assert_int_equal(expected, own.expected);
    assert_int_equal(reported, own.reported);
}

static void
the_parts_of_a_cell_are_the_cell_exactly(void **state)
{
    static const char *const asked[] = {"region=A", "region=B", "region=C",
                                        "region=N", ""};
    static const unsigned masks[] = {1, 2, 4, 3, 7};
    (void)state;
    regions(22);
    uint32_t w = world_minute(&world, 0);
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < BASE_COUNT(asked); i++) {
            cell_adds_up(nation, asked[i], masks[i]);
            cell_adds_up(province, asked[i], masks[i]);
            cell_adds_up(west, asked[i], masks[i]);
        }
        node_fold(east, "88.31.1001/host", w,
                  (int64_t)base_rng_below(&world.rng, 400), 400);
        node_fold(west, "88.31.1002/a", w,
                  (int64_t)base_rng_below(&world.rng, 400), 401);
        world_run(&world, 3000);
    }
    base_out_done(&told.entries);
    four_done();
}

static void
a_cell_of_which_nothing_is_expected_has_no_value(void **state)
{
    struct wire_explain_entry entry;
    struct base_cur cur;
    (void)state;
    four(23);
    assert_string_equal(explain_cells(nation, "share", "region=B", 0),
                        "0N 88 -\n");
    wire_explain_open(base_out_bytes(&told.entries), &cur);
    assert_true(wire_explain_next(&cur, &entry));
    assert_int_equal(entry.expected, 0);
    assert_int_equal(entry.reported, 0);
    base_out_done(&told.entries);
    four_done();
}

static void
a_cell_of_yesterday_is_explained_as_it_was(void **state)
{
    (void)state;
    regions(24);
    uint32_t w = world_minute(&world, 0);
    int64_t at_ms = base_loop_wall(&nation->loop.base).ms;
    char before[4096];
    snprintf(before, sizeof before, "%s",
             explain_cells(nation, "busy", "region=A", at_ms));
    assert_non_null(strstr(before, "5U 88.31.1002/a 2.0\n"));
    /* one is corrected, one is reclassified */
    node_fold(east, "88.31.1001/host", w, 250, 400);
    node_unit_of(west, "88.31.1002/a", "host", true, "region=B");
    node_fold(west, "88.31.1002/a", w, 200, 400);
    world_run(&world, 3000);
    assert_string_equal(explain_cells(nation, "busy", "region=A", at_ms),
                        before);
    const char *now = explain_cells(nation, "busy", "region=A", 0);
    assert_non_null(strstr(now, "0N 88 2.5\n"));
    assert_null(strstr(now, "88.31.1002/a"));
    assert_non_null(strstr(explain_cells(nation, "busy", "region=B", 0),
                           "5U 88.31.1002/a 2.0\n"));
    base_out_done(&told.entries);
    four_done();
}

/* Asked as of an instant, every level answers with what it had counted in. */
static void
every_level_answers_as_it_was_then(void **state)
{
    (void)state;
    four(12);
    uint32_t w = world_minute(&world, 0);
    int64_t at_ms = base_loop_wall(&nation->loop.base).ms;
    char before[4096];
    snprintf(before, sizeof before, "%s", explain_at(nation, "share", 0));
    for (unsigned i = 0; i < 3; i++) {
        node_fold(east, "88.31.1001/host", w, 200 + i, 400);
        world_run(&world, 2000);
    }
    node_fold(west, "88.31.1002/idle", w, 1, 2);
    province->cut = true; /* the last has come to the province only */
    world_run(&world, 2000);
    province->cut = false;
    assert_string_equal(explain_at(nation, "share", at_ms), before);
    const char *now = explain_at(nation, "share", 0);
    assert_non_null(strstr(now, "5U 88.31.1001/host 50.5\n"));
    assert_non_null(strstr(now, "5U 88.31.1002/idle -\n"));
    assert_non_null(
        strstr(explain_at(province, "share", 0), "3U 88.31.1002/idle 50.0\n"));
    base_out_done(&told.entries);
    four_done();
}

/* Whoever has the answer can check the signatures himself. */
static void
each_hop_shows_the_signed_batch_it_came_in(void **state)
{
    (void)state;
    four_of(13, true);
    explain_at(nation, "share", 0);
    struct wire_explain_entry entry = {0};
    struct base_cur cur;
    unsigned count = 0;
    wire_explain_open(base_out_bytes(&told.entries), &cur);
    while (wire_explain_next(&cur, &entry)) {
        struct wire_figure_head head;
        struct wire_figure_reader reader;
        struct base_out text;
        if (entry.kind != WIRE_EXPLAIN_BATCH)
            continue;
        assert_int_equal(entry.verdict, WIRE_EXPLAIN_SIGNED);
        assert_int_equal(wire_figure_read(entry.batch, &head, &reader), ERR_OK);
        assert_true(base_bytes_equal(head.child, entry.name));
        assert_int_equal(head.seq, entry.seq);
        assert_true(head.key_id == entry.key_id);
        base_out_grow(&text, 1 << 20);
        wire_figure_text(entry.batch, &text);
        assert_int_equal(
            crypt_key_verify(entry.key, base_out_bytes(&text), head.signature),
            ERR_OK);
        text.at[text.size - 1] ^= 1;
        assert_int_equal(
            crypt_key_verify(entry.key, base_out_bytes(&text), head.signature),
            ERR_DENIED);
        base_out_done(&text);
        count++;
    }
    assert_int_equal(count, 4); /* the province sent each cell as it came */
    base_out_done(&told.entries);
    four_done();
}

static void
who_does_not_answer_is_said_to_be_missing(void **state)
{
    (void)state;
    four(7);
    west->cut = true;
    node_fold(east, "88.31.1001/host", world_minute(&world, 1), 100, 400);
    world_run(&world, MINUTE + 1000);
    const char *text = explain(nation, "share");
    assert_non_null(strstr(text, "3P 88.31.1002 - PARTIAL\n"));
    assert_non_null(strstr(text, "3P 88.31.1001 25.0\n"));
    assert_non_null(strstr(explain(nation, "shar"), "did you mean share?"));
    base_out_done(&told.entries);
    four_done();
}

static bool
past_forget(void *self, struct bytes key, struct bytes value)
{
    (void)value;
    store_kv_del(self, STORE_TABLE_PAST_TOTAL, key);
    return true;
}

/* Is the nation's part of the province marked as changed since? */
static bool
is_marked(void)
{
    struct wire_explain_entry entry = {0};
    struct base_cur cur;
    explain(nation, "share");
    wire_explain_open(base_out_bytes(&told.entries), &cur);
    wire_explain_next(&cur, &entry);
    wire_explain_next(&cur, &entry);
    base_out_done(&told.entries);
    return entry.has & WIRE_EXPLAIN_CHANGED;
}

static void
a_revision_that_is_not_kept_below_is_marked_as_changed(void **state)
{
    (void)state;
    four(8);
    province->cut = true; /* its figures do not go up, questions come down */
    node_fold(east, "88.31.1001/host", world_minute(&world, 0), 300, 400);
    world_run(&world, 500);
    province->cut = false;
    assert_false(is_marked());
    struct store_kv_batch *batch = store_kv_batch_new(province->kv);
    rollup_scan(province->rollup, STORE_TABLE_PAST_TOTAL, (struct bytes){0},
                past_forget, batch);
    assert_int_equal(store_kv_commit(province->kv, batch, NULL, NULL), ERR_OK);
    assert_true(is_marked());
    four_done();
}

static struct world_call table_call;

static void
table_answer(struct model_answer *answer, enum err err, struct bytes body)
{
    (void)answer;
    table_call.err = err;
    base_out_grow(&table_call.body, 1 << 20);
    base_out_bytes_add(&table_call.body, body);
}

static void
a_table_can_be_asked_from_afar(void **state)
{
    struct base_out body;
    uint8_t room[128];
    struct base_cur cur;
    struct wire_explain_entry entry;
    (void)state;
    four(9);
    base_out_fixed(&body, room, sizeof room);
    wire_explain_ask_write(
        &body, &(struct wire_explain_ask){.limit = 5,
                                          .pack = base_bytes_text("t"),
                                          .name = base_bytes_text("busy")});
    struct model_message message = {.from = base_bytes_text("88"),
                                    .body = base_out_bytes(&body)};
    table_call = (struct world_call){.answer.answer = table_answer};
    rollup_take_table(province->rollup, &message, &table_call.answer);
    assert_int_equal(table_call.err, ERR_OK);
    assert_int_equal(wire_explain_open(base_out_bytes(&table_call.body), &cur),
                     ERR_OK);
    assert_true(wire_explain_next(&cur, &entry));
    assert_int_equal(entry.kind, WIRE_EXPLAIN_WINDOW);
    assert_true(base_bytes_is(entry.name, "2025-11-22T05:00"));
    assert_true(entry.a == 600);
    base_out_done(&table_call.body);
    message.body.size--;
    table_call = (struct world_call){.answer.answer = table_answer};
    rollup_take_table(province->rollup, &message, &table_call.answer);
    assert_int_equal(table_call.err, ERR_SHORT);
    base_out_done(&table_call.body);
    four_done();
}

static void
units_and_returns_are_told_to_nodes_above_alone(void **state)
{
    static const struct {
        const char *from;
        enum err err;
    } rows[] = {{"88", ERR_OK},
                {"88.31", ERR_OK},
                {"88.44", ERR_DENIED},
                {"88.44.2001", ERR_DENIED},
                {"88.31.1001", ERR_DENIED}};
    struct base_out body;
    uint8_t room[128];
    (void)state;
    four(9);
    base_out_fixed(&body, room, sizeof room);
    wire_explain_ask_write(
        &body, &(struct wire_explain_ask){.pack = base_bytes_text("t"),
                                          .name = base_bytes_text("busy")});
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct model_message message = {.from = base_bytes_text(rows[i].from),
                                        .body = base_out_bytes(&body)};
        table_call = (struct world_call){.answer.answer = table_answer,
                                         .err = ERR_AGAIN};
        rollup_take_explain(province->rollup, &message, &table_call.answer);
        world_run(&world, 6000);
        assert_int_equal(table_call.err, rows[i].err);
        assert_true((table_call.body.size > 0) == (rows[i].err == ERR_OK));
        base_out_done(&table_call.body);
    }
    four_done();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_and_returns_are_told_to_nodes_above_alone),
        cmocka_unit_test(a_ratio_is_divided_once_over_the_sums),
        cmocka_unit_test(who_is_missing_comes_first_when_asked_for),
        cmocka_unit_test(windows_are_listed_backwards_in_pages),
        cmocka_unit_test(a_mistake_is_told_with_what_was_expected),
        cmocka_unit_test(
            a_vintage_says_what_was_sealed_and_live_what_is_pending),
        cmocka_unit_test(a_figure_walks_down_to_the_samples),
        cmocka_unit_test(a_cell_walks_down_to_its_own_samples_only),
        cmocka_unit_test(the_parts_of_a_cell_are_the_cell_exactly),
        cmocka_unit_test(a_cell_of_which_nothing_is_expected_has_no_value),
        cmocka_unit_test(a_cell_of_yesterday_is_explained_as_it_was),
        cmocka_unit_test(every_level_answers_as_it_was_then),
        cmocka_unit_test(each_hop_shows_the_signed_batch_it_came_in),
        cmocka_unit_test(who_does_not_answer_is_said_to_be_missing),
        cmocka_unit_test(
            a_revision_that_is_not_kept_below_is_marked_as_changed),
        cmocka_unit_test(a_table_can_be_asked_from_afar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
