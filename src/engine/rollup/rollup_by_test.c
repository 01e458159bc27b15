/* rollup_by_test.c -- units in several cells, and figures by their codes. */
#include "engine/rollup/rollup_world_test.h"

enum { MINUTE = 60000 };

static struct world world;
static struct node *nation, *province, *works, *far;
static struct base_arena arena;
static struct base_note note;

/* A works with machines in three regions, and one whose units have the node's
 * code; A 1.00 of 4.00 s, B 5.00 of 10.00, C 2.00 of 2.00 and 3.00 of 8.00. */
static void
regions(uint64_t seed)
{
    world_init(&world, seed);
    base_arena_init(&arena, 4 << 20);
    nation = world_node(&world, "88", NULL, NULL);
    province = world_node(&world, "88.31", NULL, nation);
    works = world_node(&world, "88.31.1001", NULL, province);
    far = world_node(&world, "88.31.1002", "C", province);
    node_unit_of(works, "88.31.1001/a", "host", true, "ind=X,region=A");
    node_unit_of(works, "88.31.1001/b", "host", true, "region=B");
    node_unit_of(works, "88.31.1001/c", "host", true, "region=C");
    node_unit_of(works, "88.31.1001/idle", "host", true, "region=B");
    node_unit(works, "88.31.1001/nowhere", "host", true);
    node_unit_of(works, "88.31.1001/above", "host", true, "region=N");
    node_unit(far, "88.31.1002/c", "host", true);
    world_run(&world, MINUTE + 5100);
    uint32_t w = world_minute(&world, 0);
    node_fold(works, "88.31.1001/a", w, 100, 400);
    node_fold(works, "88.31.1001/b", w, 500, 1000);
    node_fold(works, "88.31.1001/c", w, 200, 200);
    node_fold(works, "88.31.1001/nowhere", w, 900, 900);
    node_fold(works, "88.31.1001/above", w, 900, 900);
    node_fold(far, "88.31.1002/c", w, 300, 800);
    world_run(&world, 3000);
}

static void
regions_done(void)
{
    node_audit(works);
    node_audit(nation);
    base_arena_done(&arena);
    world_done(&world);
}

static enum err
ask(struct node *node, const char *name, const char *dim, const char *where,
    int64_t asof_ms, struct rollup_by *by)
{
    struct rollup_by_ask asked = {.pack = base_bytes_text("t"),
                                  .name = base_bytes_text(name),
                                  .dim = base_bytes_text(dim),
                                  .where = base_bytes_text(where),
                                  .asof_ms = asof_ms};
    note = (struct base_note){0};
    return rollup_by(node->rollup, &asked, &arena, by, &note);
}

/* "A<N 25.0 1/1, B<N 50.0 1/2: 42.9 4/5" */
static void
says(struct node *node, const char *name, const char *dim, const char *where,
     const char *want)
{
    struct rollup_by by;
    struct base_out out;
    char text[BASE_DEC_TEXT];
    if (ask(node, name, dim, where, 0, &by) != ERR_OK)
        fail_msg("%s %s: %s", dim, where, note.text);
    base_out_grow(&out, 4096);
    for (unsigned i = 0; i <= by.count; i++) {
        const struct rollup_part *sum =
            i < by.count ? &by.rows[i].sum : &by.sum;
        if (i < by.count)
            base_out_format(&out, "%s%s%s ", by.rows[i].code->code,
                            by.rows[i].parent ? "<" : "",
                            by.rows[i].parent ? by.rows[i].parent : "");
        base_out_format(
            &out, "%s %u/%u%s",
            sum->present ? base_dec_text(sum->value, (int)by.name.digits, text)
                         : "-",
            (unsigned)sum->reported, (unsigned)sum->expected,
            i + 1 < by.count ? ", "
            : i < by.count   ? ": "
                             : "");
    }
    base_out_u8(&out, 0);
    assert_string_equal((char *)out.at, want);
    base_out_done(&out);
}

static void
a_figure_is_shown_by_code_and_parents_are_sums(void **state)
{
    static const char by[] =
        "A<N 25.0 1/1, B<N 50.0 1/2, C 50.0 2/2, N 42.9 2/3: 45.8 4/5";
    (void)state;
    regions(1);
    says(nation, "share", "region", "", by);
    says(province, "share", "region", "", by);
    says(works, "busy", "region", "",
         "A<N 1.00 1/1, B<N 5.00 1/2, C 2.00 1/1, N 6.00 2/3: 8.00 3/4");
    says(far, "busy", "region", "", "C 3.00 1/1: 3.00 1/1");
    says(nation, "busy", "", "", "11.00 4/5");
    regions_done();
}

static void
only_some_cells_can_be_asked_for(void **state)
{
    (void)state;
    regions(2);
    says(nation, "busy", "region", "region == 'B'",
         "B<N 5.00 1/2, N 5.00 1/2: 5.00 1/2");
    says(nation, "busy", "", "flag(region, 'coast')", "6.00 3/3");
    says(nation, "share", "region", "!flag(region, 'far') && region != 'B'",
         "A<N 25.0 1/1, N 25.0 1/1: 25.0 1/1");
    says(nation, "share", "", "region in ['X', 'Y']", "- 0/0");
    regions_done();
}

static void
a_unit_that_is_reclassified_moves_with_its_next_fold(void **state)
{
    struct rollup_by by;
    (void)state;
    regions(3);
    uint32_t w = world_minute(&world, 0);
    int64_t before = rollup_now(nation->rollup);
    world_run(&world, 10);
    node_unit_of(works, "88.31.1001/b", "host", true, "region=A");
    node_fold(works, "88.31.1001/b", w, 700, 1000);
    world_run(&world, 3000);
    says(nation, "busy", "region", "",
         "A<N 8.00 2/2, B<N - 0/1, C 5.00 2/2, N 8.00 2/3: 13.00 4/5");
    assert_int_equal(ask(nation, "busy", "region", "", before, &by), ERR_OK);
    assert_int_equal(by.count, 4);
    assert_true(by.rows[1].sum.present && by.rows[1].sum.a == 500);
    regions_done();
}

static void
a_mistaken_question_is_told_where(void **state)
{
    static const struct {
        const char *dim, *where;
        enum err err;
        const char *at, *part;
    } rows[] = {
        {"regio", "", ERR_NAME, "by", "did you mean region?"},
        {"", "regio == 'A'", ERR_NAME, "where", "did you mean region?"},
        {"", "region", ERR_TYPE, "where", "expected a truth value"},
        {"", "region ==", ERR_SYNTAX, "where", "expected a value"},
    };
    struct rollup_by by;
    (void)state;
    regions(4);
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        assert_int_equal(
            ask(nation, "busy", rows[i].dim, rows[i].where, 0, &by),
            rows[i].err);
        assert_string_equal(note.where, rows[i].at);
        assert_non_null(strstr(note.text, rows[i].part));
    }
    assert_int_equal(ask(nation, "bus", "region", "", 0, &by), ERR_NAME);
    regions_done();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_figure_is_shown_by_code_and_parents_are_sums),
        cmocka_unit_test(only_some_cells_can_be_asked_for),
        cmocka_unit_test(a_unit_that_is_reclassified_moves_with_its_next_fold),
        cmocka_unit_test(a_mistaken_question_is_told_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
