/* rollup_merge_test.c -- folds, batches of children, totals. */
#include "engine/rollup/rollup_world_test.h"

static const char host[] = "88.31.1001/host";

static struct world world;

static void
a_units_fold_becomes_its_contribution_and_the_total(void **state)
{
    (void)state;
    world_init(&world, 1);
    struct node *node = world_node(&world, "88.31.1001", "B", NULL);
    uint32_t w = world_minute(&world, -2);
    node_unit(node, host, "host", true);
    node_fold(node, host, w, 250, 1000);
    world_run(&world, 10);
    assert_int_equal(node->folded, 1);
    assert_int_equal(node->folded_err, ERR_OK);
    assert_string_equal(node_sums(node, w, 1), "1 1 250 1000");
    assert_string_equal(node_sums(node, w, 0), "none");
    assert_int_equal(node_audit(node), 1);
    world_done(&world);
}

static void
the_same_fold_again_changes_nothing(void **state)
{
    static struct rollup_row_total row;
    (void)state;
    world_init(&world, 2);
    struct node *node = world_node(&world, "88.31.1001", "A", NULL);
    uint32_t w = world_minute(&world, -2);
    node_unit(node, host, "host", true);
    for (unsigned i = 0; i < 3; i++) {
        node_fold(node, host, w, 250, 1000);
        world_run(&world, 10);
    }
    node_fold(node, "88.31.1001/HOST", w, 250, 1000); /* the same one */
    world_run(&world, 10);
    assert_int_equal(node->folded, 4);
    assert_true(node_total(node, w, 0, &row));
    assert_int_equal(row.revision, 1);
    node_fold(node, host, w, 251, 1000);
    world_run(&world, 10);
    assert_true(node_total(node, w, 0, &row));
    assert_int_equal(row.revision, 2);
    assert_string_equal(node_sums(node, w, 0), "1 1 251 1000");
    node_audit(node);
    world_done(&world);
}

static void
who_is_not_registered_in_scope_is_refused(void **state)
{
    (void)state;
    world_init(&world, 3);
    struct node *node = world_node(&world, "88.31.1001", "A", NULL);
    uint32_t w = world_minute(&world, -2);
    node_unit(node, "88.31.1001/pump", "pump", true);
    node_unit(node, "88.31.1001/old", "host", false);
    node_fold(node, "88.31.1001/pump", w, 1, 1);
    assert_int_equal(node->folded_err, ERR_NAME);
    node_fold(node, "88.31.1001/old", w, 1, 1);
    assert_int_equal(node->folded_err, ERR_NAME);
    assert_int_equal(node->folded, 2);
    assert_string_equal(node_sums(node, w, 0), "none");
    world_done(&world);
}

static void
a_unit_that_is_still_on_its_way_is_waited_for(void **state)
{
    (void)state;
    world_init(&world, 4);
    struct node *node = world_node(&world, "88.31.1001", "A", NULL);
    uint32_t w = world_minute(&world, -2);
    node_fold(node, host, w, 1, 1);
    assert_int_equal(node->folded_err, ERR_BUSY);
    node_unit(node, host, "host", true);
    node_fold(node, host, w, 1, 1);
    world_run(&world, 10);
    assert_int_equal(node->folded_err, ERR_OK);
    node_fold(node, "88.31.1001/ghost", w, 1, 1);
    assert_int_equal(node->folded_err, ERR_BUSY);
    world_run(&world, 61000);
    node_fold(node, "88.31.1001/ghost", w, 1, 1);
    assert_int_equal(node->folded_err, ERR_NAME);
    world_done(&world);
}

static void
an_absent_input_leaves_its_measure_absent(void **state)
{
    (void)state;
    world_init(&world, 5);
    struct node *node = world_node(&world, "88.31.1001", "A", NULL);
    uint32_t w = world_minute(&world, -2);
    node_unit(node, host, "host", true);
    node_fold_at(node, host, w, 2, 99, 1000, 0);
    assert_string_equal(node_sums(node, w, 0), "1 1 - 1000");
    node_fold_at(node, host, w, 0, 99, 99, 0);
    assert_string_equal(node_sums(node, w, 0), "1 - - -");
    node_audit(node);
    world_done(&world);
}

/* A measure that can be had counts all the same. */
static void
a_unit_without_a_required_input_has_not_reported(void **state)
{
    (void)state;
    world_init(&world, 21);
    world.packs[0]->inputs[1].required = true;
    struct node *node = world_node(&world, "88.31.1001", "A", NULL);
    uint32_t w = world_minute(&world, -2);
    node_unit(node, host, "host", true);
    node_fold_at(node, host, w, 1, 250, 0, 0);
    world_run(&world, 10);
    assert_string_equal(node_sums(node, w, 0), "1 - 250 -");
    node_fold(node, host, w, 250, 1000);
    world_run(&world, 10);
    assert_string_equal(node_sums(node, w, 0), "1 1 250 1000");
    world_done(&world);
}

static void
what_leaves_the_range_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    world_init(&world, 6);
    struct node *node = world_node(&world, "88.31.1001", "A", NULL);
    uint32_t w = world_minute(&world, -2);
    node_unit(node, host, "host", true);
    node_fold(node, host, w, MODEL_FIGURE_UNIT_MAX + 1, 5);
    assert_string_equal(node_sums(node, w, 0), "1 1 - 5");
    node_fold(node, host, w, MODEL_FIGURE_UNIT_MAX, 5);
    assert_string_equal(node_sums(node, w, 0), "1 1 8796093022207 5");
    node_audit(node);
    world_done(&world);
}

static void
a_window_keeps_the_shape_it_began_with(void **state)
{
    (void)state;
    world_init(&world, 8);
    struct node *node = world_node(&world, "88.31.1001", "A", NULL);
    uint32_t w = world_minute(&world, -2);
    node_unit(node, host, "host", true);
    node_fold(node, host, w, 1, 2);
    world_run(&world, 10);
    world.packs[0]->shape[0] ^= 1; /* a new version of the pack */
    node_fold(node, host, w, 3, 4);
    node_fold(node, host, w + 1, 5, 6);
    world_run(&world, 10);
    assert_int_equal(node->folded, 3); /* and none of them comes again */
    assert_int_equal(node->folded_err, ERR_OK);
    assert_int_equal(base_stat_get(&node->rollup->stats.fold_shape), 1);
    assert_string_equal(node_sums(node, w, 0), "1 1 1 2");
    assert_string_equal(node_sums(node, w + 1, 0), "1 1 5 6");
    node_audit(node);
    world_done(&world);
}

static void
a_window_too_far_ahead_waits(void **state)
{
    (void)state;
    world_init(&world, 9);
    struct node *node = world_node(&world, "88.31.1001", "A", NULL);
    node_unit(node, host, "host", true);
    node_fold(node, host, world_minute(&world, 12), 1, 2);
    assert_int_equal(node->folded_err, ERR_BUSY);
    world_run(&world, 180000);
    node_fold(node, host, world_minute(&world, 12), 1, 2);
    world_run(&world, 10);
    assert_int_equal(node->folded_err, ERR_OK);
    world_done(&world);
}

static void
the_folded_sequence_goes_down_with_the_figures(void **state)
{
    (void)state;
    world_init(&world, 7);
    struct node *node = world_node(&world, "88.31.1001", "A", NULL);
    uint32_t w = world_minute(&world, -2);
    node_unit(node, host, "host", true);
    node_fold_at(node, host, w, 3, 1, 1, 40);
    node_fold_at(node, host, w + 1, 3, 1, 1, 30);
    world_run(&world, 10);
    assert_int_equal(rollup_folded(node->rollup, 0), 40);
    node_end(node, false);
    node_open(node);
    assert_int_equal(rollup_folded(node->rollup, 0), 40);
    assert_string_equal(node_sums(node, w, 0), "1 1 1 1");
    world_done(&world);
}

/* --- batches of children --- */

struct answered {
    struct model_answer answer;
    enum err err;
    unsigned count;
    struct wire_figure_ack ack;
};

static void
answered(struct model_answer *answer, enum err err, struct bytes body)
{
    struct answered *to = BASE_OUTER(answer, struct answered, answer);
    to->err = err;
    to->count++;
    if (err == ERR_OK)
        assert_int_equal(wire_figure_ack_read(body, &to->ack), ERR_OK);
}

struct record {
    uint32_t cell;
    uint64_t revision;
    int64_t busy; /* < 0: a tombstone */
};

static struct answered got;

static void
give(struct node *node, const char *from, const char *child, uint32_t window,
     uint32_t epoch, uint64_t seq, uint8_t flags, const struct record *records,
     unsigned count)
{
    struct base_out out, figure;
    uint8_t room[512];
    struct wire_figure_writer writer;
    struct wire_figure_head head = {.shape8 = world.packs[0]->shape8,
                                    .window = window,
                                    .epoch = epoch,
                                    .seq = seq,
                                    .child = base_bytes_text(child)};
    base_out_grow(&out, 1 << 20);
    wire_figure_begin(&writer, &out, &head);
    for (unsigned i = 0; i < count; i++) {
        struct model_figure state = {.mask = 7};
        state.slots[0] = (struct model_figure_slot){2, 2};
        state.slots[1] = (struct model_figure_slot){1, 1};
        state.slots[2] = (struct model_figure_slot){1, records[i].busy};
        bool gone = records[i].busy < 0;
        base_out_fixed(&figure, room, sizeof room);
        model_figure_write(&figure, &state, 4);
        wire_figure_add(&writer, &(struct wire_figure_record){
                                     .marks = gone ? WIRE_FIGURE_TOMBSTONE : 0,
                                     .cell = records[i].cell,
                                     .revision = records[i].revision,
                                     .state = base_out_bytes(&figure)});
    }
    assert_int_equal(wire_figure_end(&writer, flags), ERR_OK);
    struct model_message message = {.from = base_bytes_text(from),
                                    .body = base_out_bytes(&out),
                                    .seq = seq};
    got = (struct answered){.answer.answer = answered};
    rollup_take_batch(node->rollup, &message, &got.answer);
    world_run(&world, 10);
    assert_int_equal(got.count, 1);
    base_out_done(&out);
}

/* Signs the last batch of `node` anew; *wrong: its last byte of text changed.
 */
static void
give_signed(struct node *node, const struct crypt_key *key, uint8_t change)
{
    struct wire_figure_writer writer = {.out = &node->last};
    struct base_out text, to;
    uint8_t signature[WIRE_FIGURE_SIGNATURE];
    base_out_grow(&text, 1 << 20);
    base_out_fixed(&to, signature, sizeof signature);
    node->last.at[24] ^= change; /* seq */
    wire_figure_text(base_out_bytes(&node->last), &text);
    assert_int_equal(crypt_key_sign(key, base_out_bytes(&text), &to), ERR_OK);
    node->last.at[24] ^= change;
    wire_figure_sign(&writer, crypt_key_id(key), signature);
    struct model_message message = {.from = base_bytes_text(node->prefix),
                                    .body = base_out_bytes(&node->last),
                                    .seq = node->last_seq};
    got = (struct answered){.answer.answer = answered};
    rollup_take_batch(node->parent->rollup, &message, &got.answer);
    world_run(&world, 10);
    assert_int_equal(got.count, 1);
    base_out_done(&text);
}

static void
figures_that_their_sender_has_not_signed_are_refused(void **state)
{
    (void)state;
    world_init(&world, 22);
    world.sign = true;
    struct node *node = world_node(&world, "88.31", NULL, NULL);
    struct node *child = world_node(&world, "88.31.1001", "A", node);
    uint32_t w = world_minute(&world, -2);
    struct record record = {0, 9, 10};
    node_unit(child, host, "host", true);
    node_fold(child, host, w, 250, 1000);
    world_run(&world, 500);
    assert_string_equal(node_sums(node, w, 0), "1 1 250 1000");
    give(node, "88.31.1001", "88.31.1001", w, 1, 99, 0, &record, 1);
    assert_int_equal(got.ack.status, WIRE_FIGURE_UNSIGNED);
    give_signed(child, node->key, 0); /* another's key */
    assert_int_equal(got.ack.status, WIRE_FIGURE_UNSIGNED);
    give_signed(child, child->key, 1); /* of another batch */
    assert_int_equal(got.ack.status, WIRE_FIGURE_UNSIGNED);
    give_signed(child, child->key, 0);
    assert_int_equal(got.ack.status, WIRE_FIGURE_OK);
    assert_int_equal(got.ack.skipped, 1);
    assert_string_equal(node_sums(node, w, 0), "1 1 250 1000");
    assert_int_equal(base_stat_get(&node->rollup->stats.batch_unsigned), 3);
    assert_int_equal(node_rows(node, STORE_TABLE_BATCH), 1);
    world_done(&world);
}

static void
a_childs_batch_is_merged_and_then_acknowledged(void **state)
{
    (void)state;
    world_init(&world, 10);
    struct node *node = world_node(&world, "88.31", NULL, NULL);
    uint32_t w = world_minute(&world, -2);
    struct record records[] = {{0, 1, 10}, {2, 5, 30}};
    give(node, "88.31.1001", "88.31.1001", w, 1, 1, 0, records, 2);
    assert_int_equal(got.err, ERR_OK);
    assert_int_equal(got.ack.status, WIRE_FIGURE_OK);
    assert_int_equal(got.ack.seq, 1);
    assert_int_equal(got.ack.applied, 2);
    assert_string_equal(node_sums(node, w, 0), "2 1 10 -");
    assert_string_equal(node_sums(node, w, 2), "2 1 30 -");
    give(node, "88.31.1002", "88.31.1002", w, 1, 1, 0, records, 2);
    assert_string_equal(node_sums(node, w, 2), "4 2 60 -");
    node_audit(node);
    world_done(&world);
}

static void
repeats_and_older_ones_are_skipped_and_corrections_correct(void **state)
{
    (void)state;
    world_init(&world, 11);
    struct node *node = world_node(&world, "88.31", NULL, NULL);
    uint32_t w = world_minute(&world, -2);
    const char *c = "88.31.1001";
    struct record first = {0, 3, 10}, newer = {0, 4, 11}, gone = {0, 5, -1};
    give(node, c, c, w, 1, 1, 0, &first, 1);
    give(node, c, c, w, 1, 1, 0, &first, 1);
    assert_int_equal(got.ack.skipped, 1);
    give(node, c, c, w, 1, 2, 0, &newer, 1);
    assert_int_equal(got.ack.applied, 1);
    assert_string_equal(node_sums(node, w, 0), "2 1 11 -");
    give(node, c, c, w, 1, 1, 0, &first, 1);
    assert_int_equal(got.ack.skipped, 1);
    assert_string_equal(node_sums(node, w, 0), "2 1 11 -");
    give(node, c, c, w, 1, 3, 0, &gone, 1);
    assert_string_equal(node_sums(node, w, 0), "- - - -");
    give(node, c, c, w, 1, 2, 0, &newer, 1);
    assert_int_equal(got.ack.skipped, 1);
    assert_string_equal(node_sums(node, w, 0), "- - - -");
    node_audit(node);
    world_done(&world);
}

static void
one_revision_with_two_contents_is_a_conflict(void **state)
{
    (void)state;
    world_init(&world, 12);
    struct node *node = world_node(&world, "88.31", NULL, NULL);
    uint32_t w = world_minute(&world, -2);
    const char *c = "88.31.1001";
    struct record first[] = {{0, 3, 10}, {1, 1, 1}};
    struct record other[] = {{0, 3, 11}, {1, 2, 2}};
    give(node, c, c, w, 1, 1, 0, first, 2);
    give(node, c, c, w, 1, 2, 0, other, 2);
    assert_int_equal(got.ack.refused, 1);
    assert_int_equal(got.ack.code_count, 1);
    assert_int_equal(got.ack.codes[0].index, 0);
    assert_int_equal(got.ack.codes[0].code, WIRE_FIGURE_CONFLICT);
    assert_int_equal(got.ack.applied, 1);
    assert_int_equal(node->conflicts, 1);
    assert_string_equal(node_sums(node, w, 0), "2 1 10 -");
    assert_string_equal(node_sums(node, w, 1), "2 1 2 -");
    node_audit(node);
    world_done(&world);
}

static void
a_bad_record_does_not_hold_back_good_ones(void **state)
{
    (void)state;
    world_init(&world, 13);
    struct node *node = world_node(&world, "88.31", NULL, NULL);
    uint32_t w = world_minute(&world, -2);
    const char *c = "88.31.1001";
    struct record records[] = {
        {0, 1, MODEL_FIGURE_UNIT_MAX + 1}, {1, 1, 7}, {3, 1, 8}};
    give(node, c, c, w, 1, 1, 0, records, 3);
    assert_int_equal(got.ack.applied, 1);
    assert_int_equal(got.ack.refused, 2);
    assert_int_equal(got.ack.codes[0].code, WIRE_FIGURE_RANGE);
    assert_int_equal(got.ack.codes[1].code, WIRE_FIGURE_CELL);
    assert_int_equal(got.ack.codes[1].index, 2);
    assert_string_equal(node_sums(node, w, 0), "none");
    assert_string_equal(node_sums(node, w, 1), "2 1 7 -");
    node_audit(node);
    world_done(&world);
}

static void
figures_of_a_foreign_prefix_are_refused(void **state)
{
    (void)state;
    world_init(&world, 14);
    struct node *node = world_node(&world, "88.31", NULL, NULL);
    uint32_t w = world_minute(&world, -2);
    struct record record = {0, 1, 10};
    give(node, "88.31.1001", "88.31.1002", w, 1, 1, 0, &record, 1);
    assert_int_equal(got.err, ERR_OK);
    assert_int_equal(got.ack.status, WIRE_FIGURE_FOREIGN);
    assert_int_equal(base_stat_get(&node->rollup->stats.batch_foreign), 1);
    assert_string_equal(node_sums(node, w, 0), "none");
    assert_int_equal(node_rows(node, STORE_TABLE_CHILD), 0);
    world_done(&world);
}

static void
another_shape_is_refused_naming_the_wanted_one(void **state)
{
    uint64_t wanted = 0;
    (void)state;
    world_init(&world, 15);
    struct node *node = world_node(&world, "88.31", NULL, NULL);
    struct record record = {0, 1, 10};
    uint64_t shape8 = world.packs[0]->shape8;
    world.packs[0]->shape8 ^= 1;
    uint32_t w = world_minute(&world, -2);
    struct base_out out;
    base_out_grow(&out, 1000);
    struct wire_figure_writer writer;
    struct wire_figure_head head = {.shape8 = shape8,
                                    .window = w,
                                    .epoch = 1,
                                    .child = base_bytes_text("88.31.1001")};
    (void)record;
    wire_figure_begin(&writer, &out, &head);
    assert_int_equal(wire_figure_end(&writer, 0), ERR_OK);
    struct model_message message = {.from = head.child,
                                    .body = base_out_bytes(&out)};
    got = (struct answered){.answer.answer = answered};
    rollup_take_batch(node->rollup, &message, &got.answer);
    assert_int_equal(got.ack.status, WIRE_FIGURE_MISMATCH);
    assert_int_equal(node->mismatches, 1);
    base_out_done(&out);
    (void)wanted;
    world_done(&world);
}

static void
a_lower_epoch_is_refused_and_a_higher_one_wins(void **state)
{
    (void)state;
    world_init(&world, 16);
    struct node *node = world_node(&world, "88.31", NULL, NULL);
    uint32_t w = world_minute(&world, -2);
    const char *c = "88.31.1001";
    struct record high = {0, 9, 10}, low = {0, 1, 11};
    give(node, c, c, w, 1, 1, 0, &high, 1);
    give(node, c, c, w, 2, 1, 0, &low, 1);
    assert_int_equal(got.ack.applied, 1);
    assert_string_equal(node_sums(node, w, 0), "2 1 11 -");
    give(node, c, c, w, 1, 50, 0, &high, 1);
    assert_int_equal(got.ack.status, WIRE_FIGURE_OLD);
    assert_string_equal(node_sums(node, w, 0), "2 1 11 -");
    node_audit(node);
    world_done(&world);
}

static void
a_resync_removes_what_is_not_sent_again(void **state)
{
    (void)state;
    world_init(&world, 17);
    struct node *node = world_node(&world, "88.31", NULL, NULL);
    uint32_t w = world_minute(&world, -2);
    const char *c = "88.31.1001";
    struct record all[] = {{0, 1, 10}, {1, 1, 20}, {2, 1, 30}};
    struct record left[] = {{0, 1, 10}, {2, 1, 31}}, one[] = {{0, 1, 10}};
    give(node, c, c, w, 1, 1, 0, all, 3);
    give(node, c, c, w, 2, 2, WIRE_FIGURE_RESYNC, left, 2);
    assert_string_equal(node_sums(node, w, 0), "2 1 10 -");
    assert_string_equal(node_sums(node, w, 1), "- - - -");
    assert_string_equal(node_sums(node, w, 2), "2 1 31 -");
    /* an old one, come late: it removes nothing */
    give(node, c, c, w, 2, 1, WIRE_FIGURE_RESYNC | WIRE_FIGURE_COMPLETE, one,
         1);
    assert_string_equal(node_sums(node, w, 2), "2 1 31 -");
    give(node, c, c, w, 2, 3, WIRE_FIGURE_RESYNC | WIRE_FIGURE_COMPLETE, one,
         1);
    assert_string_equal(node_sums(node, w, 0), "2 1 10 -");
    assert_string_equal(node_sums(node, w, 2), "- - - -");
    give(node, c, c, w, 3, 4, 0, all, 3);
    give(node, c, c, w, 3, 3, WIRE_FIGURE_RESYNC, left, 2); /* old too */
    assert_string_equal(node_sums(node, w, 1), "2 1 20 -");
    give(node, c, c, w, 3, 5, WIRE_FIGURE_RESYNC | WIRE_FIGURE_COMPLETE, NULL,
         0);
    assert_string_equal(node_sums(node, w, 0), "- - - -");
    node_audit(node);
    world_done(&world);
}

static void
a_batch_that_is_not_well_formed_is_refused_whole(void **state)
{
    (void)state;
    world_init(&world, 18);
    struct node *node = world_node(&world, "88.31", NULL, NULL);
    struct model_message message = {.from = base_bytes_text("88.31.1001"),
                                    .body = base_bytes_text("DGF1 nonsense"),
                                    .seq = 3};
    got = (struct answered){.answer.answer = answered};
    rollup_take_batch(node->rollup, &message, &got.answer);
    assert_int_equal(got.ack.status, WIRE_FIGURE_BAD);
    assert_int_equal(got.ack.seq, 3);
    struct record record = {0, 1, 10};
    give(node, "88.31.1001", "88.31.1001", 0x50000001, 1, 1, 0, &record, 1);
    assert_int_equal(got.ack.status, WIRE_FIGURE_BAD); /* no months */
    give(node, "88.31.1001", "88.31.1001", world_minute(&world, -4000), 1, 2, 0,
         &record, 1);
    assert_int_equal(got.ack.status, WIRE_FIGURE_OK); /* not kept any more */
    assert_int_equal(got.ack.refused, 1);
    assert_int_equal(got.ack.codes[0].code, WIRE_FIGURE_GONE);
    world_done(&world);
}

/* --- properties --- */

enum { UNITS = 7, MINUTES = 5, STEPS = 600 };

/* Any order, with repetitions and corrections: the totals are what the last
 * value of each unit adds up to. */
static void
folds_in_any_order_add_up(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        int64_t last[MINUTES][UNITS][2] = {0};
        bool there[MINUTES][UNITS] = {0};
        char id[32], want[80];
        print_message("seed %llu\n", (unsigned long long)seed);
        world_init(&world, seed);
        struct node *node = world_node(&world, "88.31.1001", "C", NULL);
        for (unsigned u = 0; u < UNITS; u++) {
            snprintf(id, sizeof id, "88.31.1001/u%u", u);
            node_unit(node, id, "host", true);
        }
        for (unsigned i = 0; i < STEPS; i++) {
            unsigned m = (unsigned)base_rng_below(&world.rng, MINUTES);
            unsigned u = (unsigned)base_rng_below(&world.rng, UNITS);
            if (base_rng_below(&world.rng, 3) > 0 || !there[m][u]) {
                last[m][u][0] =
                    (int64_t)base_rng_below(&world.rng, 2000) - 1000;
                last[m][u][1] = (int64_t)base_rng_below(&world.rng, 1 << 30);
            }
            there[m][u] = true;
            snprintf(id, sizeof id, "88.31.1001/u%u", u);
            node_fold(node, id, world_minute(&world, (int64_t)m - 60),
                      last[m][u][0], last[m][u][1]);
            if (base_rng_below(&world.rng, 10) == 0)
                world_run(&world, (int64_t)base_rng_below(&world.rng, 50));
        }
        world_run(&world, 1000);
        assert_int_equal(node->folded, STEPS);
        for (unsigned m = 0; m < MINUTES; m++) {
            int64_t n = 0, sums[2] = {0};
            for (unsigned u = 0; u < UNITS; u++) {
                n += there[m][u];
                sums[0] += last[m][u][0];
                sums[1] += last[m][u][1];
            }
            snprintf(want, sizeof want, "%lld %lld %lld %lld", (long long)n,
                     (long long)n, (long long)sums[0], (long long)sums[1]);
            assert_string_equal(
                node_sums(node, world_minute(&world, (int64_t)m - 60), 2),
                want);
        }
        assert_int_equal(node_audit(node), MINUTES);
        world_done(&world);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_units_fold_becomes_its_contribution_and_the_total),
        cmocka_unit_test(the_same_fold_again_changes_nothing),
        cmocka_unit_test(who_is_not_registered_in_scope_is_refused),
        cmocka_unit_test(a_unit_that_is_still_on_its_way_is_waited_for),
        cmocka_unit_test(an_absent_input_leaves_its_measure_absent),
        cmocka_unit_test(a_unit_without_a_required_input_has_not_reported),
        cmocka_unit_test(what_leaves_the_range_is_refused_and_changes_nothing),
        cmocka_unit_test(a_window_keeps_the_shape_it_began_with),
        cmocka_unit_test(a_window_too_far_ahead_waits),
        cmocka_unit_test(the_folded_sequence_goes_down_with_the_figures),
        cmocka_unit_test(figures_that_their_sender_has_not_signed_are_refused),
        cmocka_unit_test(a_childs_batch_is_merged_and_then_acknowledged),
        cmocka_unit_test(
            repeats_and_older_ones_are_skipped_and_corrections_correct),
        cmocka_unit_test(one_revision_with_two_contents_is_a_conflict),
        cmocka_unit_test(a_bad_record_does_not_hold_back_good_ones),
        cmocka_unit_test(figures_of_a_foreign_prefix_are_refused),
        cmocka_unit_test(another_shape_is_refused_naming_the_wanted_one),
        cmocka_unit_test(a_lower_epoch_is_refused_and_a_higher_one_wins),
        cmocka_unit_test(a_resync_removes_what_is_not_sent_again),
        cmocka_unit_test(a_batch_that_is_not_well_formed_is_refused_whole),
        cmocka_unit_test(folds_in_any_order_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
