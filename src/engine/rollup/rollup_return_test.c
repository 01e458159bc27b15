/* rollup_return_test.c -- returns: filed, queried, corrected, and counted at
 * the parent. */
#include "engine/rollup/rollup_return.h"

#include "engine/rollup/rollup_returns_world_test.h"
#include "engine/rollup/rollup_world_test.h"
#include "wire/figure/wire_explain.h"
#include "wire/figure/wire_unit.h"

static struct world world;
static struct node *office, *nation;
static struct base_arena arena;
static struct rollup_return_verdict verdict;
static struct base_note note;

static int
set_up(void **state)
{
    (void)state;
    world_init(&world, 7);
    world.packs[1] = world_load("packs/r", return_pack, world_codes);
    world.list.count = 2;
    nation = world_node(&world, "88", "A", NULL);
    office = world_node(&world, "88.31", "A", nation);
    assert_int_equal(crypt_key_make(CRYPT_KEY_ED25519, &office->key), ERR_OK);
    office->rollup->config.key = office->key;
    node_unit_of(office, "88.31.2001", "enterprise", true, "");
    base_arena_init(&arena, 4 << 20);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    base_arena_done(&arena);
    world_done(&world);
    return 0;
}

static enum err
file(const char *unit, const char *window, const char *revenue,
     const char *profit, const char *reason, const char *why)
{
    const struct rollup_return_pair items[] = {
        {base_bytes_text("revenue"), base_bytes_text(revenue)},
        {base_bytes_text("profit"), base_bytes_text(profit)}};
    const struct rollup_return_pair text = {base_bytes_text("jump"),
                                            base_bytes_text(why)};
    const struct rollup_return_ask ask = {
        .pack = base_bytes_text("r"),
        .unit = base_bytes_text(unit),
        .window = base_bytes_text(window),
        .reason = base_bytes_text(reason),
        .items = items,
        .item_count = *profit    ? 2
                      : *revenue ? 1
                                 : 0,
        .texts = &text,
        .text_count = *why ? 1 : 0,
        .actor = "user:li",
    };
    note = (struct base_note){0};
    return rollup_return_file(office->rollup, &ask, &arena, &verdict, &note);
}

static void
refused(enum err err, const char *code)
{
    assert_int_equal(err, ERR_DENIED);
    assert_string_equal(verdict.refused, code);
}

/* The sum of revenue over all regions, as a decimal text; "": none. */
static const char *
revenue_at(struct node *node, const char *window)
{
    static char text[BASE_DEC_TEXT];
    struct rollup_answer answer;
    const struct rollup_ask ask = {.pack = base_bytes_text("r"),
                                   .name = base_bytes_text("revenue"),
                                   .at = base_bytes_text(window)};
    enum err err = rollup_show(node->rollup, &ask, &arena, &answer, &note);
    if (err != ERR_OK || !answer.figures[0].sum.present)
        return "";
    return base_dec_text(answer.figures[0].sum.value, -1, text);
}

static void
a_return_is_counted_here_and_at_the_parent(void **state)
{
    (void)state;
    assert_int_equal(file("88.31.2001", "2025-10", "1000.5", "20", "", ""),
                     ERR_OK);
    assert_int_equal(verdict.verdict, WIRE_RETURN_ACCEPTED);
    assert_int_equal(verdict.revision, 1);
    assert_false(verdict.again);
    world_run(&world, 5000);
    assert_string_equal(revenue_at(office, "2025-10"), "1000.5");
    assert_string_equal(revenue_at(nation, "2025-10"), "1000.5");
    node_audit(office);
    node_audit(nation);
}

static void
the_same_return_again_gives_the_first_answer(void **state)
{
    (void)state;
    assert_int_equal(file("88.31.2001", "2025-10", "10", "", "", ""), ERR_OK);
    struct bytes first = verdict.receipt;
    assert_int_equal(file("88.31.2001", "2025-10", "10.0", "", "", ""), ERR_OK);
    assert_true(verdict.again);
    assert_true(base_bytes_equal(first, verdict.receipt));
    assert_int_equal(verdict.revision, 1);
}

static void
what_is_wrong_is_refused_by_name_and_changes_nothing(void **state)
{
    (void)state;
    refused(file("88.31.2009", "2025-10", "1", "", "", ""), "unknown_unit");
    node_unit_of(office, "88.31.2002", "enterprise", false, "");
    refused(file("88.31.2002", "2025-10", "1", "", "", ""), "inactive_unit");
    node_unit_of(office, "88.31.2003", "host", true, "");
    refused(file("88.31.2003", "2025-10", "1", "", "", ""), "not_in_scope");
    refused(file("88.31.2001", "2025-01", "1", "", "", ""), "no_such_window");
    refused(file("88.31.2001", "2025-10-03", "1", "", "", ""),
            "no_such_window");
    refused(file("88.31.2001", "2025-11", "1", "", "", ""), "window_not_open");
    refused(file("88.31.2001", "2025-10", "1,0", "", "", ""), "bad_number");
    refused(file("88.31.2001", "2025-10", "1.05", "", "", ""), "bad_number");
    refused(file("88.31.2001", "2025-10", "-1", "", "", ""), "out_of_range");
    refused(file("88.31.2001", "2025-10", "", "", "", ""), "missing_item");
    refused(file("88.31.2001", "2025-10", "5", "6", "", ""), "check_failed");
    assert_string_equal(verdict.problems[0].item, "profit");
    assert_string_equal(verdict.problems[0].en,
                        "Profit 6.0 is more than the revenue");
    refused(file("88.31.2001", "2025-10", "5", "", "late", "short"),
            "explanation_needed");
    refused(file("88.31.2001", "2025-10", "5", "", "because", ""), "conflict");
    world_run(&world, 5000);
    assert_string_equal(revenue_at(office, "2025-10"), "");
}

static void
a_soft_check_queries_until_it_is_explained(void **state)
{
    (void)state;
    assert_int_equal(file("88.31.2001", "2024-10", "100", "", "", ""), ERR_OK);
    assert_int_equal(file("88.31.2001", "2025-10", "300", "", "", ""), ERR_OK);
    assert_int_equal(verdict.verdict, WIRE_RETURN_QUERIED);
    assert_int_equal(verdict.problem_count, 1);
    assert_string_equal(verdict.problems[0].check, "jump");
    world_run(&world, 5000);
    assert_string_equal(revenue_at(nation, "2025-10"), "");
    assert_int_equal(file("88.31.2001", "2025-10", "300", "", "",
                          "a second works was opened in May"),
                     ERR_OK);
    assert_int_equal(verdict.verdict, WIRE_RETURN_ACCEPTED);
    assert_int_equal(verdict.revision, 2);
    world_run(&world, 5000);
    assert_string_equal(revenue_at(nation, "2025-10"), "300");
}

static void
a_correction_says_why_and_what_stood_is_kept(void **state)
{
    (void)state;
    struct rollup_return_view view;
    assert_int_equal(file("88.31.2001", "2025-10", "10", "", "", ""), ERR_OK);
    struct bytes id = verdict.id;
    refused(file("88.31.2001", "2025-10", "12", "", "", ""), "conflict");
    assert_int_equal(file("88.31.2001", "2025-10", "12", "", "error", ""),
                     ERR_OK);
    assert_int_equal(verdict.revision, 2);
    world_run(&world, 5000);
    assert_string_equal(revenue_at(nation, "2025-10"), "12");
    assert_int_equal(rollup_return_get(office->rollup, id, 0, &arena, &view),
                     ERR_OK);
    assert_int_equal(view.decoded.revision, 2);
    assert_int_equal(view.decoded.reason, WIRE_RETURN_ERROR);
    assert_false(view.superseded);
    assert_int_equal(rollup_return_get(office->rollup, id, 1, &arena, &view),
                     ERR_OK);
    assert_true(view.superseded);
    assert_int_equal(view.decoded.values[0], 100);
    assert_int_equal(file("88.31.2001", "2025-10", "", "", "void", ""), ERR_OK);
    world_run(&world, 5000);
    assert_string_equal(revenue_at(nation, "2025-10"), "");
    node_audit(nation);
}

static void
last_years_value_is_what_the_unit_states_of_it(void **state)
{
    (void)state;
    const struct rollup_return_pair items[] = {
        {base_bytes_text("revenue"), base_bytes_text("300")},
        {base_bytes_text("revenue_base"), base_bytes_text("200")}};
    const struct rollup_return_ask ask = {
        .pack = base_bytes_text("r"),
        .unit = base_bytes_text("88.31.2001"),
        .window = base_bytes_text("2025-10"),
        .items = items,
        .item_count = 2,
        .actor = "user:li",
    };
    assert_int_equal(file("88.31.2001", "2024-10", "100", "", "", ""), ERR_OK);
    assert_int_equal(
        rollup_return_file(office->rollup, &ask, &arena, &verdict, &note),
        ERR_OK);
    assert_int_equal(verdict.verdict, WIRE_RETURN_ACCEPTED);
    assert_int_equal(verdict.values[1], 2000);
    assert_int_equal(file("88.31.2001", "2025-10", "300", "", "error", ""),
                     ERR_OK);
    assert_int_equal(verdict.verdict, WIRE_RETURN_QUERIED);
    assert_int_equal(verdict.values[1], 1000);
}

static void
a_queried_correction_leaves_what_stands(void **state)
{
    (void)state;
    assert_int_equal(file("88.31.2001", "2024-10", "100", "", "", ""), ERR_OK);
    assert_int_equal(file("88.31.2001", "2025-10", "150", "", "", ""), ERR_OK);
    assert_int_equal(file("88.31.2001", "2025-10", "900", "", "error", ""),
                     ERR_OK);
    assert_int_equal(verdict.verdict, WIRE_RETURN_QUERIED);
    world_run(&world, 5000);
    assert_string_equal(revenue_at(nation, "2025-10"), "150");
    /* and it is what next year is held against */
    struct rollup_return_before before;
    world_run(&world, 100);
    assert_int_equal(rollup_return_before(office->rollup, base_bytes_text("r"),
                                          base_bytes_text("88.31.2001"),
                                          base_bytes_text("2025-11"), &before,
                                          &note),
                     ERR_OK);
    assert_int_equal(before.last[0], 1500);
    assert_false(before.filed);
}

static void
a_form_for_no_possible_unit_is_refused(void **state)
{
    struct rollup_return_before before;
    uint8_t unit[WIRE_UNIT_ID + 1];
    (void)state;
    memset(unit, 'x', sizeof unit);
    for (size_t size = sizeof unit - 1; size <= sizeof unit; size++)
        assert_int_equal(
            rollup_return_before(office->rollup, base_bytes_text("r"),
                                 base_bytes(unit, size),
                                 base_bytes_text("2025-11"), &before, &note),
            size > WIRE_UNIT_ID ? ERR_SYNTAX : ERR_OK);
}

static void
return_and_receipt_are_signed(void **state)
{
    (void)state;
    struct wire_return ret;
    struct wire_return_receipt receipt;
    struct base_out der, text;
    uint8_t hash[32];
    assert_int_equal(file("88.31.2001", "2025-10", "10", "", "", ""), ERR_OK);
    assert_int_equal(wire_return_read(verdict.ret, &ret), ERR_OK);
    assert_int_equal(wire_return_receipt_read(verdict.receipt, &receipt),
                     ERR_OK);
    crypt_hash_sha256(verdict.ret, hash);
    assert_memory_equal(hash, receipt.sha256, 32);
    base_out_grow(&der, 4096);
    base_out_grow(&text, WIRE_RETURN_MAX + 64);
    assert_int_equal(crypt_key_public(office->key, &der), ERR_OK);
    wire_return_signed(&text, false,
                       base_bytes_slice(verdict.ret, 0, verdict.ret.size - 64));
    assert_int_equal(crypt_key_verify(base_out_bytes(&der),
                                      base_out_bytes(&text), ret.signature),
                     ERR_OK);
    base_out_reset(&text);
    wire_return_signed(
        &text, true,
        base_bytes_slice(verdict.receipt, 0, verdict.receipt.size - 64));
    assert_int_equal(crypt_key_verify(base_out_bytes(&der),
                                      base_out_bytes(&text), receipt.signature),
                     ERR_OK);
    base_out_done(&der);
    base_out_done(&text);
}

static bool
list_row(void *self, const struct rollup_return_view *view)
{
    char *text = self;
    size_t size = strlen(text);
    snprintf(text + size, 200 - size, "%.*s:%u ", (int)view->decoded.unit.size,
             (const char *)view->decoded.unit.at, view->decoded.revision);
    return true;
}

static void
returns_outlive_a_crash_and_are_listed(void **state)
{
    (void)state;
    char text[200] = "";
    node_unit_of(office, "88.31.2002", "enterprise", true, "");
    assert_int_equal(file("88.31.2002", "2025-10", "7", "", "", ""), ERR_OK);
    assert_int_equal(file("88.31.2001", "2025-10", "5", "", "", ""), ERR_OK);
    assert_int_equal(file("88.31.2001", "2025-10", "6", "", "error", ""),
                     ERR_OK);
    world_run(&world, 1000);
    node_crash(office, FAULT_FILES_ALL);
    node_open(office);
    world_run(&world, 5000);
    assert_string_equal(revenue_at(office, "2025-10"), "13");
    assert_int_equal(rollup_return_list(office->rollup, base_bytes_text("r"), 0,
                                        (struct bytes){0}, (struct bytes){0},
                                        list_row, text),
                     ERR_OK);
    assert_string_equal(text, "88.31.2001:2 88.31.2002:1 ");
    text[0] = 0;
    assert_int_equal(rollup_return_list(office->rollup, base_bytes_text("r"), 0,
                                        base_bytes_text("88.31.2002"),
                                        (struct bytes){0}, list_row, text),
                     ERR_OK);
    assert_string_equal(text, "88.31.2002:1 ");
}

struct told {
    struct rollup_explain explain;
    struct base_out entries;
    bool done;
};

static void
told_done(struct rollup_explain *explain, enum err err, struct bytes entries)
{
    struct told *told = BASE_OUTER(explain, struct told, explain);
    assert_int_equal(err, ERR_OK);
    base_out_bytes_add(&told->entries, entries);
    told->done = true;
}

/* The one return that the nation's figure walks down to. */
static struct wire_explain_entry
walked(int64_t asof_ms, struct told *told)
{
    struct wire_explain_entry entry, found = {0};
    struct base_cur cur;
    const struct rollup_ask ask = {.pack = base_bytes_text("r"),
                                   .name = base_bytes_text("revenue"),
                                   .at = base_bytes_text("2025-10"),
                                   .asof_ms = asof_ms};
    *told = (struct told){.explain.done = told_done};
    base_out_grow(&told->entries, 1 << 20);
    assert_int_equal(
        rollup_explain(nation->rollup, &ask, &told->explain, &note), ERR_OK);
    world_run(&world, 100);
    assert_true(told->done);
    assert_int_equal(wire_explain_open(base_out_bytes(&told->entries), &cur),
                     ERR_OK);
    while (wire_explain_next(&cur, &entry)) {
        assert_false(entry.kind == WIRE_EXPLAIN_UNIT &&
                     entry.has & WIRE_EXPLAIN_SAMPLE);
        if (entry.kind == WIRE_EXPLAIN_RETURN) {
            assert_int_equal(found.kind, 0);
            found = entry;
        }
    }
    return found;
}

static void
a_figure_walks_down_to_the_return_that_counted(void **state)
{
    (void)state;
    static struct told told;
    uint8_t hash[32];
    assert_int_equal(file("88.31.2001", "2025-10", "10", "", "", ""), ERR_OK);
    struct bytes first = verdict.ret;
    world_run(&world, 5000);
    int64_t then = rollup_now(nation->rollup);
    struct wire_explain_entry entry = walked(0, &told);
    crypt_hash_sha256(first, hash);
    assert_true(base_bytes_is(entry.name, "88.31.2001"));
    assert_int_equal(entry.seq, 1);
    assert_int_equal(entry.verdict, WIRE_EXPLAIN_SIGNED);
    assert_int_equal(entry.receipt, WIRE_RETURN_ACCEPTED);
    assert_true(entry.key_id == crypt_key_id(office->key));
    assert_memory_equal(entry.digest.at, hash, 32);
    assert_true(base_bytes_equal(entry.batch, first));
    base_out_done(&told.entries);
    assert_int_equal(file("88.31.2001", "2025-10", "12", "", "error", ""),
                     ERR_OK);
    world_run(&world, 5000);
    entry = walked(0, &told);
    assert_int_equal(entry.seq, 2);
    base_out_done(&told.entries);
    entry = walked(then, &told);
    assert_int_equal(entry.seq, 1);
    assert_memory_equal(entry.digest.at, hash, 32);
    base_out_done(&told.entries);
}

/* The receipt is the office's word; the signature is looked at again. */
static void
a_return_that_was_changed_in_the_store_is_shown_as_wrong(void **state)
{
    (void)state;
    static struct told told;
    struct bytes row;
    assert_int_equal(file("88.31.2001", "2025-10", "10", "", "", ""), ERR_OK);
    world_run(&world, 5000);
    assert_int_equal(store_kv_get(rollup_snap(office->rollup),
                                  STORE_TABLE_RETURN, verdict.id, &row),
                     ERR_OK);
    row = base_arena_bytes(&arena, row);
    size_t at = base_bytes_find(row, 'D');        /* of DGR1 */
    ((uint8_t *)(uintptr_t)row.at)[at + 32] ^= 1; /* filed at */
    struct store_kv_batch *batch = store_kv_batch_new(office->kv);
    store_kv_put(batch, STORE_TABLE_RETURN, verdict.id, row);
    assert_int_equal(store_kv_commit(office->kv, batch, NULL, NULL), ERR_OK);
    struct wire_explain_entry entry = walked(0, &told);
    assert_int_equal(entry.verdict, WIRE_EXPLAIN_WRONG);
    base_out_done(&told.entries);
    assert_int_equal(crypt_key_make(CRYPT_KEY_ED25519, &nation->key), ERR_OK);
    office->rollup->config.key = nation->key; /* as if it had a new one */
    entry = walked(0, &told);
    assert_int_equal(entry.verdict, WIRE_EXPLAIN_UNKNOWN);
    assert_int_equal(entry.key.size, 0);
    base_out_done(&told.entries);
}

#define RETURN_TEST(name)                                                      \
    cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RETURN_TEST(a_return_is_counted_here_and_at_the_parent),
        RETURN_TEST(the_same_return_again_gives_the_first_answer),
        RETURN_TEST(what_is_wrong_is_refused_by_name_and_changes_nothing),
        RETURN_TEST(a_soft_check_queries_until_it_is_explained),
        RETURN_TEST(a_correction_says_why_and_what_stood_is_kept),
        RETURN_TEST(last_years_value_is_what_the_unit_states_of_it),
        RETURN_TEST(a_queried_correction_leaves_what_stands),
        RETURN_TEST(a_form_for_no_possible_unit_is_refused),
        RETURN_TEST(return_and_receipt_are_signed),
        RETURN_TEST(returns_outlive_a_crash_and_are_listed),
        RETURN_TEST(a_figure_walks_down_to_the_return_that_counted),
        RETURN_TEST(a_return_that_was_changed_in_the_store_is_shown_as_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
