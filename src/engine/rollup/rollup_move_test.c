/* rollup_move_test.c -- an enterprise's figures go from its host to its own
 * node: at every step the nation has each of them once. */
#include "engine/rollup/rollup_move.h"

#include "engine/rollup/rollup_return.h"
#include "engine/rollup/rollup_returns_world_test.h"
#include "engine/rollup/rollup_world_test.h"

enum { UNITS = 150 }; /* of one cell: more than are absorbed in a merge */

static struct world world;
static struct node *host, *nation, *own;
static struct base_arena arena;
static struct rollup_return_verdict verdict;
static struct base_note note;
static struct base_out bundle;

static enum err
file(struct node *node, const char *unit, const char *revenue,
     const char *reason)
{
    const struct rollup_return_pair item = {base_bytes_text("revenue"),
                                            base_bytes_text(revenue)};
    const struct rollup_return_ask ask = {.pack = base_bytes_text("r"),
                                          .unit = base_bytes_text(unit),
                                          .window = base_bytes_text("2025-10"),
                                          .reason = base_bytes_text(reason),
                                          .items = &item,
                                          .item_count = 1,
                                          .actor = "user:li"};
    base_arena_reset(&arena);
    return rollup_return_file(node->rollup, &ask, &arena, &verdict, &note);
}

/* What the nation says, and that it is so at each step of this time. */
static void
nation_says(const char *text, int64_t ms)
{
    char number[BASE_DEC_TEXT];
    for (int64_t at = 0; at < ms; at += 5) {
        struct rollup_answer answer;
        const struct rollup_ask ask = {.pack = base_bytes_text("r"),
                                       .name = base_bytes_text("revenue"),
                                       .at = base_bytes_text("2025-10")};
        struct node *nodes[] = {nation, host};
        world_run(&world, 5);
        for (unsigned i = 0; i < BASE_COUNT(nodes); i++) {
            base_arena_reset(&arena);
            assert_int_equal(
                rollup_show(nodes[i]->rollup, &ask, &arena, &answer, &note),
                ERR_OK);
            assert_string_equal(
                base_dec_text(answer.figures[0].sum.value, -1, number), text);
        }
    }
}

static int
set_up(void **state)
{
    char unit[64];
    (void)state;
    world_init(&world, 11);
    world.packs[1] = world_load("packs/r", return_pack, world_codes);
    world.list.count = 2;
    base_arena_init(&arena, 4 << 20);
    nation = world_node(&world, "88", "A", NULL);
    host = world_node(&world, "88.31", "A", nation);
    assert_int_equal(crypt_key_make(CRYPT_KEY_ED25519, &host->key), ERR_OK);
    host->rollup->config.key = host->key;
    host->epoch = 4;
    node_unit_of(host, "88.31/firm", "enterprise", true, "");
    assert_int_equal(file(host, "88.31/firm", "50", ""), ERR_OK);
    for (unsigned i = 0; i < UNITS; i++) {
        snprintf(unit, sizeof unit, "88.31.2001/u%u", i);
        node_unit_of(host, unit, "enterprise", true, "");
        assert_int_equal(file(host, unit, "10", ""), ERR_OK);
    }
    assert_int_equal(file(host, "88.31.2001/u0", "20", "error"), ERR_OK);
    world_run(&world, 5000);
    own = world_node(&world, "88.31.2001", "A", host);
    assert_int_equal(crypt_key_make(CRYPT_KEY_ED25519, &own->key), ERR_OK);
    own->rollup->config.key = own->key;
    base_out_grow(&bundle, ROLLUP_MOVE_MAX);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    base_out_done(&bundle);
    base_arena_done(&arena);
    world_done(&world);
    return 0;
}

static enum err
raise_epoch(void *self, uint32_t epoch)
{
    ((struct node *)self)->epoch = epoch;
    return ERR_OK;
}

static enum err
import(struct bytes figures)
{
    struct rollup_move move = {.figures = figures,
                               .signer = base_bytes_text("der"),
                               .raise = raise_epoch,
                               .self = own};
    return rollup_move_import(own->rollup, &move, &note);
}

static enum err export(void) {
    base_out_reset(&bundle);
    return rollup_move_export(host->rollup, base_bytes_text("88.31.2001"),
                              &bundle, &note);
}

static void
a_move_changes_no_figure_and_what_comes_after_counts(void **state)
{
    (void)state;
    assert_int_equal(export(), ERR_OK);
    assert_int_equal(file(host, "88.31.2001/u0", "30", "error"), ERR_DENIED);
    assert_string_equal(verdict.refused, "not_owner");
    assert_int_equal(import(base_out_bytes(&bundle)), ERR_OK);
    assert_int_equal(own->epoch, 5);
    node_unit_of(own, "88.31.2001/u0", "enterprise", true, "");
    nation_says("1560", 5000);
    assert_int_equal(
        rollup_move_state(host->rollup, base_bytes_text("88.31.2001/u0")),
        ROLLUP_AWAY);
    node_audit(host);
    node_audit(own);
    assert_int_equal(file(own, "88.31.2001/u0", "30", "error"), ERR_OK);
    assert_int_equal(verdict.revision, 3);
    world_run(&world, 5000);
    nation_says("1570", 5);
    node_crash(host, FAULT_FILES_ALL);
    node_open(host);
    world_run(&world, 5000);
    nation_says("1570", 5);
    assert_int_equal(import(base_out_bytes(&bundle)), ERR_OK);
    world_run(&world, 5000);
    nation_says("1570", 5);
    node_audit(host);
    node_audit(nation);
    assert_int_equal(export(), ERR_CONFLICT);
}

static void
a_node_that_has_imported_nothing_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(export(), ERR_OK);
    node_unit_of(own, "88.31.2001/u0", "enterprise", true, "");
    assert_int_equal(file(own, "88.31.2001/u0", "7", ""), ERR_OK);
    nation_says("1560", 5000);
    assert_int_equal(
        rollup_move_state(host->rollup, base_bytes_text("88.31.2001/u0")),
        ROLLUP_MOVING);
}

static void
an_export_is_taken_back_and_only_the_newest_counts(void **state)
{
    (void)state;
    struct base_out old;
    base_out_grow(&old, ROLLUP_MOVE_MAX);
    assert_int_equal(export(), ERR_OK);
    base_out_bytes_add(&old, base_out_bytes(&bundle));
    assert_int_equal(
        rollup_move_resume(host->rollup, base_bytes_text("88.31.2001")),
        ERR_OK);
    assert_int_equal(file(host, "88.31.2001/u0", "30", "error"), ERR_OK);
    assert_int_equal(export(), ERR_OK);
    assert_int_equal(import(base_out_bytes(&old)), ERR_OK);
    node_cut(own, true);
    nation_says("1570", 1000); /* what is older is refused by the host */
    assert_int_equal(import(base_out_bytes(&bundle)), ERR_OK);
    assert_int_equal(own->epoch, 6);
    node_cut(own, true);
    nation_says("1570", 5000);
    assert_int_equal(import(base_out_bytes(&old)), ERR_CONFLICT);
    assert_int_equal(
        rollup_move_state(host->rollup, base_bytes_text("88.31.2001/u0")),
        ROLLUP_AWAY);
    base_out_done(&old);
}

static void
figures_of_another_prefix_are_refused(void **state)
{
    (void)state;
    assert_int_equal(export(), ERR_OK);
    struct bytes all = base_out_bytes(&bundle);
    assert_int_equal(import(base_bytes(all.at, all.size - 1)), ERR_SHORT);
    size_t at = 5 + 3 + 1 + 1 + 4 + 1; /* the first row's key: its unit */
    bundle.at[at + 9] = '2';
    assert_int_equal(import(all), ERR_DENIED);
    bundle.at[at + 9] = '1';
    assert_int_equal(import(all), ERR_OK);
    assert_int_equal(node_rows(own, STORE_TABLE_RETURN), UNITS);
    assert_int_equal(node_rows(own, STORE_TABLE_RETURN_PAST), 1);
}

#define MOVE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        MOVE_TEST(a_move_changes_no_figure_and_what_comes_after_counts),
        MOVE_TEST(a_node_that_has_imported_nothing_changes_nothing),
        MOVE_TEST(an_export_is_taken_back_and_only_the_newest_counts),
        MOVE_TEST(figures_of_another_prefix_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
