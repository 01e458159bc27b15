/* rollup_tree_test.c -- figures on their way up a tree, over links that break,
 * repeat and lose, and nodes whose power fails. */
#include "engine/rollup/rollup_world_test.h"

enum { MINUTE = 60000 };

static const char host[] = "88.31.1001/host";

static struct world world;
static struct node *nation, *province, *factory;

/* 88 - 88.31 - 88.31.1001 (region B), with one unit. */
static void
three(uint64_t seed)
{
    world_init(&world, seed);
    nation = world_node(&world, "88", NULL, NULL);
    province = world_node(&world, "88.31", NULL, nation);
    factory = world_node(&world, "88.31.1001", "B", province);
    node_unit(factory, host, "host", true);
}

static void
audit_all(void)
{
    for (unsigned i = 0; i < world.count; i++)
        node_audit(&world.nodes[i]);
}

static void
a_units_figure_is_added_up_to_the_nation(void **state)
{
    (void)state;
    three(1);
    uint32_t w = world_minute(&world, 0);
    world_run(&world, MINUTE + 5100);
    node_fold(factory, host, w, 250, 1000);
    world_run(&world, 200);
    assert_string_equal(node_sums(nation, w, 1), "1 1 250 1000");
    node_fold(factory, host, w, 251, 1000); /* late samples */
    world_run(&world, 200);
    assert_string_equal(node_sums(nation, w, 1), "1 1 251 1000");
    world_run(&world, 2000);
    assert_int_equal(node_rows(factory, STORE_TABLE_DIRTY), 0);
    assert_int_equal(node_rows(province, STORE_TABLE_DIRTY), 0);
    assert_int_equal(node_rows(nation, STORE_TABLE_DIRTY), 0);
    audit_all();
    world_done(&world);
}

static void
an_open_window_is_not_sent(void **state)
{
    (void)state;
    three(2);
    uint32_t w = world_minute(&world, 0);
    world_run(&world, 10000);
    node_fold(factory, host, w, 1, 2); /* stream does not, but if it did */
    world_run(&world, 40000);
    assert_string_equal(node_sums(province, w, 1), "none");
    world_run(&world, 20000);
    assert_string_equal(node_sums(province, w, 1), "1 1 1 2");
    world_done(&world);
}

static struct bytes
next_body(struct node *node, struct base_arena *arena, uint64_t *ret_seq)
{
    struct bytes body = {0};
    if (rollup_next(node->rollup, (struct bytes){0}, arena, &body, ret_seq) !=
        ERR_OK)
        return (struct bytes){0};
    return body;
}

static void
ack(struct node *node, uint64_t seq, enum wire_figure_status status)
{
    static struct wire_figure_ack ack;
    uint8_t room[256];
    struct base_out out;
    ack = (struct wire_figure_ack){.status = (uint8_t)status, .seq = seq};
    base_out_fixed(&out, room, sizeof room);
    wire_figure_ack_write(&out, &ack);
    rollup_acked(node->rollup, (struct bytes){0}, seq, base_out_bytes(&out));
}

static void
an_ack_clears_only_the_revision_that_was_sent(void **state)
{
    struct base_arena arena;
    uint64_t seq, later;
    (void)state;
    three(3);
    base_arena_init(&arena, 4 << 20);
    uint32_t w = world_minute(&world, -2);
    factory->cut = true;
    node_fold(factory, host, w, 1, 2);
    assert_true(next_body(factory, &arena, &seq).size > 0);
    assert_int_equal(next_body(factory, &arena, &later).size, 0);
    node_fold(factory, host, w, 3, 4);
    rollup_fold_flush(factory->rollup);
    assert_int_equal(next_body(factory, &arena, &later).size, 0);
    ack(factory, seq, WIRE_FIGURE_OK);
    assert_int_equal(node_rows(factory, STORE_TABLE_DIRTY), 1);
    assert_true(next_body(factory, &arena, &later).size > 0);
    assert_true(later > seq);
    ack(factory, seq, WIRE_FIGURE_OK); /* repeated: of nothing in flight */
    assert_int_equal(node_rows(factory, STORE_TABLE_DIRTY), 1);
    ack(factory, later, WIRE_FIGURE_OK);
    assert_int_equal(node_rows(factory, STORE_TABLE_DIRTY), 0);
    base_arena_done(&arena);
    world_done(&world);
}

static void
four_batches_are_in_flight_and_a_lost_link_forgets_them(void **state)
{
    struct base_arena arena;
    uint64_t seq;
    (void)state;
    three(4);
    base_arena_init(&arena, 8 << 20);
    factory->cut = true;
    for (int i = 0; i < 6; i++)
        node_fold(factory, host, world_minute(&world, -20 + i), 1, 2);
    for (int i = 0; i < 4; i++)
        assert_true(next_body(factory, &arena, &seq).size > 0);
    assert_int_equal(next_body(factory, &arena, &seq).size, 0);
    rollup_linked(factory->rollup, (struct bytes){0}, false);
    for (int i = 0; i < 4; i++)
        assert_true(next_body(factory, &arena, &seq).size > 0);
    assert_int_equal(next_body(factory, &arena, &seq).size, 0);
    ack(factory, seq, WIRE_FIGURE_OK);
    assert_true(next_body(factory, &arena, &seq).size > 0);
    base_arena_done(&arena);
    world_done(&world);
}

static void
what_happened_while_the_parent_was_away_is_sent_once(void **state)
{
    (void)state;
    three(5);
    uint32_t w = world_minute(&world, -2);
    world_run(&world, 100);
    factory->cut = true;
    for (int i = 0; i < 100; i++) {
        node_fold(factory, host, w, i, 2 * i);
        world_run(&world, 20);
    }
    unsigned before = factory->batches;
    factory->cut = false;
    node_cut(factory, false);
    world_run(&world, 200);
    assert_int_equal(factory->batches, before + 1);
    assert_string_equal(node_sums(nation, w, 1), "1 1 99 198");
    audit_all();
    world_done(&world);
}

/* The province holds a cell of an earlier life of the factory. */
static void
stray(uint32_t window, uint32_t cell)
{
    static struct rollup_key key;
    static struct rollup_row_contrib row = {
        .epoch = 1, .revision = 9, .figure.mask = 1};
    struct rollup_touched *touched;
    row.cell = cell;
    row.figure.slots[0] = (struct model_figure_slot){3, 3};
    rollup_merge_begin(province->rollup);
    assert_int_equal(
        rollup_merge_window(province->rollup, 0, window, true, &touched),
        ERR_OK);
    assert_int_equal(rollup_merge_put(province->rollup, 0, window,
                                      rollup_row_contrib_key(
                                          &key, base_bytes_text("t"), window,
                                          base_bytes_text("88.31.1001"), cell),
                                      NULL, &row),
                     ERR_OK);
    assert_int_equal(rollup_merge_end(province->rollup, NULL), ERR_OK);
}

static void
a_resync_sends_all_again_and_removes_what_is_not_there(void **state)
{
    (void)state;
    three(6);
    for (int i = 0; i < 5; i++)
        node_fold(factory, host, world_minute(&world, -20 + i), i, 2 * i);
    world_run(&world, 1000);
    uint32_t w = world_minute(&world, -19);
    stray(w, 0);
    stray(w, 2);
    world_run(&world, 1000);
    assert_string_equal(node_sums(nation, w, 0), "3 - - -");
    assert_string_equal(node_sums(nation, w, 2), "3 - - -");
    factory->epoch = 2;
    unsigned before = factory->batches;
    node_cut(factory, true);
    world_run(&world, 2000);
    assert_true(factory->batches >= before + 5);
    assert_string_equal(node_sums(nation, w, 0), "- - - -");
    assert_string_equal(node_sums(nation, w, 2), "- - - -");
    assert_string_equal(node_sums(nation, w, 1), "1 1 1 2");
    assert_int_equal(node_rows(factory, STORE_TABLE_DIRTY), 0);
    audit_all();
    world_done(&world);
}

static void
a_resync_of_hundreds_of_windows_survives_a_restart(void **state)
{
    (void)state;
    three(7);
    for (int i = 0; i < 700; i++) {
        node_fold(factory, host, world_minute(&world, -900 + i), i, 1);
        if (i % 50 == 0)
            world_run(&world, 20);
    }
    world_run(&world, 5000);
    province->cut = true;
    node_crash(province, FAULT_FILES_ALL);
    world_run(&world, 1000);
    /* a province that begins anew */
    node_remove(province);
    fault_files_free(province->disk);
    province->disk = fault_files_new(99);
    assert_non_null(
        mkdtemp(strcpy(province->folder, "/tmp/rollup_test.XXXXXX")));
    province->cut = false;
    province->last_seq = 0;
    node_open(province);
    node_cut(factory, true);
    world_run(&world, 60);
    node_crash(factory, FAULT_FILES_NONE);
    node_open(factory);
    world_run(&world, 10000);
    for (int i = 0; i < 700; i++) {
        char want[40];
        snprintf(want, sizeof want, "1 1 %d 1", i);
        assert_string_equal(
            node_sums(province, world_minute(&world, -900 + i), 1), want);
    }
    audit_all();
    world_done(&world);
}

static void
a_mismatch_keeps_figures_dirty_and_is_tried_again(void **state)
{
    struct base_arena arena;
    uint64_t seq;
    (void)state;
    three(8);
    base_arena_init(&arena, 8 << 20);
    factory->cut = true;
    node_fold(factory, host, world_minute(&world, -20), 1, 2);
    assert_true(next_body(factory, &arena, &seq).size > 0);
    ack(factory, seq, WIRE_FIGURE_MISMATCH);
    assert_int_equal(factory->mismatches, 1);
    assert_true(node_rows(factory, STORE_TABLE_DIRTY) > 0);
    assert_int_equal(next_body(factory, &arena, &seq).size, 0);
    world_run(&world, 61000);
    assert_true(next_body(factory, &arena, &seq).size > 0);
    base_arena_done(&arena);
    world_done(&world);
}

static void
windows_of_an_older_shape_do_not_hold_back_the_new(void **state)
{
    struct base_arena arena;
    struct wire_figure_head head;
    struct wire_figure_reader reader;
    uint64_t seq;
    (void)state;
    three(11);
    base_arena_init(&arena, 8 << 20);
    factory->cut = true;
    for (int i = 0; i < 3; i++)
        node_fold(factory, host, world_minute(&world, -20 + i), 1, 2);
    world_run(&world, 20);
    world.packs[0]->shape[0] ^= 1; /* a new version of the pack */
    world.packs[0]->shape8 ^= 1;
    node_fold(factory, host, world_minute(&world, -5), 1, 2);
    struct bytes body = next_body(factory, &arena, &seq);
    assert_int_equal(wire_figure_read(body, &head, &reader), ERR_OK);
    assert_int_equal(head.window, world_minute(&world, -20));
    assert_true(head.shape8 == (world.packs[0]->shape8 ^ 1));
    ack(factory, seq, WIRE_FIGURE_MISMATCH);
    body = next_body(factory, &arena, &seq);
    assert_int_equal(wire_figure_read(body, &head, &reader), ERR_OK);
    assert_int_equal(head.window, world_minute(&world, -5));
    assert_true(head.shape8 == world.packs[0]->shape8);
    ack(factory, seq, WIRE_FIGURE_OK);
    assert_int_equal(next_body(factory, &arena, &seq).size, 0);
    base_arena_done(&arena);
    world.packs[0]->shape[0] ^= 1;
    world_done(&world);
}

static void
a_node_without_a_parent_marks_nothing(void **state)
{
    (void)state;
    world_init(&world, 9);
    nation = world_node(&world, "88", "A", NULL);
    node_unit(nation, "88/host", "host", true);
    node_fold(nation, "88/host", world_minute(&world, -2), 1, 2);
    world_run(&world, 3 * MINUTE);
    assert_int_equal(node_rows(nation, STORE_TABLE_DIRTY), 0);
    world_done(&world);
}

/* --- more cells than a batch holds --- */

enum { CELLS = 5000 };

static struct answer_once {
    struct model_answer answer;
    unsigned count;
    enum err err;
} once;

static void
answered_once(struct model_answer *answer, enum err err, struct bytes body)
{
    static struct wire_figure_ack ack;
    (void)answer;
    once.count++;
    once.err = err;
    assert_int_equal(wire_figure_ack_read(body, &ack), ERR_OK);
    assert_int_equal(ack.status, WIRE_FIGURE_OK);
    assert_int_equal(ack.refused, 0);
}

/* A child's cells, all but every 100th, with busy = cell + more. */
static void
give_cells(struct node *node, uint32_t window, uint64_t seq, uint64_t revision,
           int64_t more)
{
    struct base_out out, state;
    uint8_t room[64];
    struct wire_figure_writer writer;
    struct wire_figure_head head = {.shape8 = world.packs[0]->shape8,
                                    .window = window,
                                    .epoch = 1,
                                    .seq = seq,
                                    .child = base_bytes_text("88.31.7")};
    base_out_grow(&out, 2 << 20);
    wire_figure_begin(&writer, &out, &head);
    for (uint32_t cell = 0; cell < CELLS; cell++) {
        static struct model_figure figure;
        figure.mask = 4;
        figure.slots[2] = (struct model_figure_slot){1, cell + more};
        base_out_fixed(&state, room, sizeof room);
        model_figure_write(&state, &figure, 4);
        if (cell % 100 != 99)
            wire_figure_add(&writer, &(struct wire_figure_record){
                                         .cell = cell,
                                         .revision = revision,
                                         .state = base_out_bytes(&state)});
    }
    assert_int_equal(wire_figure_end(&writer, 0), ERR_OK);
    struct model_message message = {
        .from = head.child, .body = base_out_bytes(&out), .seq = seq};
    once = (struct answer_once){.answer.answer = answered_once};
    rollup_take_batch(node->rollup, &message, &once.answer);
    world_run(&world, 3000);
    assert_int_equal(once.count, 1);
    assert_int_equal(once.err, ERR_OK);
    base_out_done(&out);
}

static void
check_cells(struct node *node, uint32_t window, int64_t more)
{
    char want[40];
    for (uint32_t cell = 0; cell < CELLS; cell++) {
        snprintf(want, sizeof want, "- - %lld -", (long long)cell + more);
        assert_string_equal(node_sums(node, window, cell),
                            cell % 100 == 99 ? "none" : want);
    }
}

static void
a_window_of_thousands_of_cells_goes_in_several_batches(void **state)
{
    static char codes[64 * 1024];
    size_t size = (size_t)snprintf(
        codes, sizeof codes,
        "code,parent,name_zh,name_en,valid_from,valid_to,flags\n");
    (void)state;
    for (unsigned i = 0; i < CELLS; i++)
        size += (size_t)snprintf(codes + size, sizeof codes - size,
                                 "%05u,,,,,,\n", i);
    world_init(&world, 10);
    model_pack_free(world.packs[0]);
    world.packs[0] = world_load("packs/t", world_pack, codes);
    nation = world_node(&world, "88", NULL, NULL);
    province = world_node(&world, "88.31", NULL, nation);
    uint32_t w = world_minute(&world, -10);
    give_cells(province, w, 1, 1, 0);
    check_cells(province, w, 0);
    check_cells(nation, w, 0);
    assert_true(province->batches >= 2);
    give_cells(province, w, 2, 2, 7);
    check_cells(nation, w, 7);
    unsigned before = province->batches;
    province->epoch = 2;
    node_cut(province, true);
    world_run(&world, 10000);
    assert_true(province->batches >= before + 2);
    check_cells(nation, w, 7);
    assert_int_equal(node_rows(province, STORE_TABLE_DIRTY), 0);
    audit_all();
    world_done(&world);
}

/* --- everything at once --- */

enum { FACTORIES = 3, UNITS = 3, MINUTES = 4, STEPS = 400 };

static struct {
    char prefix[FACTORIES][16];
    struct node *nodes[FACTORIES];
    int64_t last[FACTORIES][MINUTES][UNITS];
} fuss;

static void
fuss_fold(unsigned f, unsigned m, unsigned u)
{
    char id[32];
    snprintf(id, sizeof id, "%s/u%u", fuss.prefix[f], u);
    node_fold(fuss.nodes[f], id, world_minute(&world, (int64_t)m - 30),
              fuss.last[f][m][u], 1);
}

static void
fuss_units(struct node *node, const char *prefix)
{
    char id[32];
    for (unsigned u = 0; u < UNITS; u++) {
        snprintf(id, sizeof id, "%s/u%u", prefix, u);
        node_unit(node, id, "host", true);
    }
}

static void
fuss_crash(void)
{
    struct node *node = &world.nodes[base_rng_below(&world.rng, world.count)];
    enum fault_files_loss loss =
        (enum fault_files_loss)base_rng_below(&world.rng, 4);
    if (!node->rollup)
        return;
    node_crash(node, loss);
    if (base_rng_below(&world.rng, 2))
        world_run(&world, (int64_t)base_rng_below(&world.rng, 3000));
    node_open(node);
    for (unsigned f = 0; f < FACTORIES; f++)
        if (fuss.nodes[f] == node)
            fuss_units(node, fuss.prefix[f]); /* ident tells again */
}

static void
fuss_step(void)
{
    unsigned f = (unsigned)base_rng_below(&world.rng, FACTORIES);
    unsigned m = (unsigned)base_rng_below(&world.rng, MINUTES);
    unsigned u = (unsigned)base_rng_below(&world.rng, UNITS);
    if (base_rng_below(&world.rng, 40) == 0)
        fuss_crash();
    if (base_rng_below(&world.rng, 60) == 0)
        node_cut(fuss.nodes[f], base_rng_below(&world.rng, 2));
    fuss.last[f][m][u] = (int64_t)base_rng_below(&world.rng, 1 << 20);
    fuss_fold(f, m, u);
    if (base_rng_below(&world.rng, 3) == 0)
        world_run(&world, (int64_t)base_rng_below(&world.rng, 120));
}

static void
fuss_check(struct node *node)
{
    for (unsigned m = 0; m < MINUTES; m++) {
        int64_t sum[3] = {0};
        char want[80];
        for (unsigned f = 0; f < FACTORIES; f++)
            for (unsigned u = 0; u < UNITS; u++)
                sum[f % 2] += fuss.last[f][m][u];
        snprintf(want, sizeof want, "%d %d %lld %d", 2 * UNITS, 2 * UNITS,
                 (long long)sum[0], 2 * UNITS);
        assert_string_equal(
            node_sums(node, world_minute(&world, (int64_t)m - 30), 0), want);
        snprintf(want, sizeof want, "%d %d %lld %d", UNITS, UNITS,
                 (long long)sum[1], UNITS);
        assert_string_equal(
            node_sums(node, world_minute(&world, (int64_t)m - 30), 1), want);
    }
}

static void
whatever_breaks_the_nation_has_what_it_adds_up_to(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 112; seed++) {
        static const char *const codes[] = {"A", "B", "A"};
        print_message("seed %llu\n", (unsigned long long)seed);
        memset(&fuss, 0, sizeof fuss);
        world_init(&world, seed);
        nation = world_node(&world, "88", NULL, NULL);
        province = world_node(&world, "88.31", NULL, nation);
        for (unsigned f = 0; f < FACTORIES; f++) {
            snprintf(fuss.prefix[f], sizeof fuss.prefix[f], "88.31.%u", f);
            fuss.nodes[f] =
                world_node(&world, fuss.prefix[f], codes[f], province);
            fuss_units(fuss.nodes[f], fuss.prefix[f]);
        }
        world.lose = 10;
        world.repeat = 10;
        for (unsigned i = 0; i < STEPS; i++)
            fuss_step();
        world.lose = world.repeat = 0;
        /* stream folds again what it was not told to be stored */
        for (unsigned f = 0; f < FACTORIES; f++)
            for (unsigned m = 0; m < MINUTES; m++)
                for (unsigned u = 0; u < UNITS; u++)
                    fuss_fold(f, m, u);
        world_run(&world, 30000);
        fuss_check(province);
        fuss_check(nation);
        audit_all();
        for (unsigned i = 0; i < world.count; i++)
            assert_int_equal(world.nodes[i].conflicts, 0);
        world_done(&world);
    }
}

/* What was told to be stored is there after the power fails. */
static void
a_fold_that_was_acknowledged_is_never_lost(void **state)
{
    (void)state;
    for (uint64_t seed = 200; seed < 230; seed++) {
        struct rollup_row_total row;
        int64_t acknowledged = -1, tried = -1;
        world_init(&world, seed);
        struct node *node = world_node(&world, "88.31.1001", "A", NULL);
        uint32_t w = world_minute(&world, -2);
        node_unit(node, host, "host", true);
        world_run(&world, 100);
        unsigned steps = 1 + (unsigned)base_rng_below(&world.rng, 20);
        for (unsigned i = 0; i < steps; i++) {
            node->folded = 0;
            tried = i;
            node_fold(node, host, w, tried, 1);
            if (base_rng_below(&world.rng, 2))
                world_run(&world, (int64_t)base_rng_below(&world.rng, 30));
            if (node->folded > 0 && node->folded_err == ERR_OK)
                acknowledged = tried;
        }
        node_crash(node, (enum fault_files_loss)base_rng_below(&world.rng, 3));
        node_open(node);
        bool there = node_total(node, w, 0, &row);
        int64_t value = there ? (int64_t)row.figure.slots[2].sum : -1;
        if (value < acknowledged || value > tried)
            fail_msg("seed %llu: acknowledged %lld, there %lld, tried %lld",
                     (unsigned long long)seed, (long long)acknowledged,
                     (long long)value, (long long)tried);
        node_audit(node);
        world_done(&world);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_units_figure_is_added_up_to_the_nation),
        cmocka_unit_test(an_open_window_is_not_sent),
        cmocka_unit_test(an_ack_clears_only_the_revision_that_was_sent),
        cmocka_unit_test(
            four_batches_are_in_flight_and_a_lost_link_forgets_them),
        cmocka_unit_test(what_happened_while_the_parent_was_away_is_sent_once),
        cmocka_unit_test(
            a_resync_sends_all_again_and_removes_what_is_not_there),
        cmocka_unit_test(a_resync_of_hundreds_of_windows_survives_a_restart),
        cmocka_unit_test(a_mismatch_keeps_figures_dirty_and_is_tried_again),
        cmocka_unit_test(windows_of_an_older_shape_do_not_hold_back_the_new),
        cmocka_unit_test(a_node_without_a_parent_marks_nothing),
        cmocka_unit_test(
            a_window_of_thousands_of_cells_goes_in_several_batches),
        cmocka_unit_test(whatever_breaks_the_nation_has_what_it_adds_up_to),
        cmocka_unit_test(a_fold_that_was_acknowledged_is_never_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
