/* rollup_window_test.c -- due times, placeholders, seals, dropping. */
#include "engine/rollup/rollup_world_test.h"

enum { MINUTE = 60000, HOUR = 3600000 };

static const char host[] = "88.31.1001/host";

static struct world world;

static bool
node_window(struct node *node, uint32_t window, struct rollup_row_window *row)
{
    struct rollup_key key;
    return rollup_get(node->rollup, STORE_TABLE_WINDOW,
                      rollup_row_window_key(&key, base_bytes_text("t"), window),
                      ROLLUP_ROW_IS_WINDOW, row, 0) == ERR_OK;
}

static void
a_silent_unit_is_expected_at_the_due_time(void **state)
{
    struct rollup_row_window row;
    (void)state;
    world_init(&world, 1);
    struct node *node = world_node(&world, "88.31.1001", "A", NULL);
    uint32_t w = world_minute(&world, 0);
    node_unit(node, host, "host", true);
    node_unit(node, "88.31.1001/pump", "pump", true);
    world_run(&world, MINUTE + 5000);
    assert_string_equal(node_sums(node, w, 0), "none");
    world_run(&world, 1000);
    assert_string_equal(node_sums(node, w, 0), "1 - - -");
    assert_true(node_window(node, w, &row));
    assert_int_equal(row.state, ROLLUP_PROVISIONAL);
    node_fold(node, host, w, 5, 10);
    assert_string_equal(node_sums(node, w, 0), "1 1 5 10");
    node_audit(node);
    world_done(&world);
}

static void
what_reports_in_time_is_counted_once(void **state)
{
    static struct rollup_row_total row;
    (void)state;
    world_init(&world, 2);
    struct node *node = world_node(&world, "88.31.1001", "A", NULL);
    uint32_t w = world_minute(&world, 0);
    node_unit(node, host, "host", true);
    world_run(&world, MINUTE + 5000);
    node_fold(node, host, w, 5, 10);
    world_run(&world, 2000);
    assert_true(node_total(node, w, 0, &row));
    assert_int_equal(row.revision, 1);
    assert_string_equal(node_sums(node, w, 0), "1 1 5 10");
    world_done(&world);
}

static void
who_registers_late_is_expected_from_then_on(void **state)
{
    (void)state;
    world_init(&world, 3);
    struct node *node = world_node(&world, "88.31.1001", "A", NULL);
    uint32_t w = world_minute(&world, 0);
    node_unit(node, host, "host", true);
    world_run(&world, MINUTE + 6000);
    node_unit(node, "88.31.1001/two", "host", true);
    world_run(&world, MINUTE);
    assert_string_equal(node_sums(node, w, 0), "1 - - -");
    assert_string_equal(node_sums(node, w + 1, 0), "2 - - -");
    node_fold(node, "88.31.1001/two", w, 1, 1); /* it did report then */
    assert_string_equal(node_sums(node, w, 0), "2 1 1 1");
    node_unit(node, host, "host", false);
    world_run(&world, MINUTE);
    assert_string_equal(node_sums(node, w + 2, 0), "1 - - -");
    node_audit(node);
    world_done(&world);
}

static void
hundreds_of_units_are_expected_in_steps(void **state)
{
    char id[32];
    (void)state;
    world_init(&world, 4);
    struct node *node = world_node(&world, "88.31.1001", "A", NULL);
    uint32_t w = world_minute(&world, 0);
    for (unsigned i = 0; i < 700; i++) {
        snprintf(id, sizeof id, "88.31.1001/u%u", i);
        node_unit(node, id, "host", true);
    }
    for (unsigned i = 0; i < 700; i += 3) {
        snprintf(id, sizeof id, "88.31.1001/u%u", i);
        node_fold(node, id, w, 1, 2);
    }
    world_run(&world, MINUTE + 7000);
    assert_string_equal(node_sums(node, w, 0), "700 234 234 468");
    node_audit(node);
    world_done(&world);
}

static void
windows_missed_while_away_are_caught_up(void **state)
{
    (void)state;
    world_init(&world, 5);
    struct node *node = world_node(&world, "88.31.1001", "A", NULL);
    uint32_t w = world_minute(&world, 0);
    node_unit(node, host, "host", true);
    world_run(&world, 2 * MINUTE + 6000);
    node_end(node, false);
    world_run(&world, 30 * MINUTE);
    node_open(node);
    world_run(&world, 10000);
    for (uint32_t i = 0; i < 32; i++)
        assert_string_equal(node_sums(node, w + i, 0), "1 - - -");
    assert_string_equal(node_sums(node, w + 32, 0), "none");
    node_audit(node);
    world_done(&world);
}

/* --- placeholders --- */

static void
a_silent_childs_last_expected_counts_until_it_sends(void **state)
{
    (void)state;
    world_init(&world, 6);
    struct node *nation = world_node(&world, "88", NULL, NULL);
    struct node *province = world_node(&world, "88.31", NULL, nation);
    struct node *factory = world_node(&world, "88.31.1001", "B", province);
    uint32_t w = world_minute(&world, 0);
    node_unit(factory, host, "host", true);
    node_unit(factory, "88.31.1001/two", "host", true);
    world_run(&world, MINUTE + 5100);
    node_fold(factory, host, w, 5, 10);
    node_fold(factory, "88.31.1001/two", w, 6, 10);
    world_run(&world, 2000);
    assert_string_equal(node_sums(nation, w, 1), "2 2 11 20");
    factory->cut = true;
    world_run(&world, 2 * MINUTE);
    assert_string_equal(node_sums(province, w + 1, 1), "2 - - -");
    assert_string_equal(node_sums(nation, w + 1, 1), "2 - - -");
    node_unit(factory, "88.31.1001/two", "host", false);
    node_fold(factory, host, w + 1, 7, 10);
    world_run(&world, MINUTE);
    factory->cut = false;
    node_cut(factory, false);
    world_run(&world, MINUTE);
    assert_string_equal(node_sums(province, w + 1, 1), "2 1 7 10");
    assert_string_equal(node_sums(nation, w + 1, 1), "2 1 7 10");
    assert_string_equal(node_sums(nation, w + 3, 1), "1 - - -");
    node_audit(nation);
    node_audit(province);
    node_audit(factory);
    world_done(&world);
}

static void
a_node_expects_its_own_units_and_its_children(void **state)
{
    (void)state;
    world_init(&world, 13);
    struct node *province = world_node(&world, "88.31", "A", NULL);
    struct node *factory = world_node(&world, "88.31.1001", "B", province);
    uint32_t w = world_minute(&world, 0);
    node_unit(province, "88.31/host", "host", true);
    node_unit(factory, host, "host", true);
    world_run(&world, MINUTE + 6000);
    factory->cut = true;
    world_run(&world, MINUTE);
    assert_string_equal(node_sums(province, w + 1, 0), "1 - - -");
    assert_string_equal(node_sums(province, w + 1, 1), "1 - - -");
    node_audit(province);
    world_done(&world);
}

static void
a_complete_window_without_a_cell_takes_the_placeholder_away(void **state)
{
    struct rollup_row_window row;
    (void)state;
    world_init(&world, 7);
    struct node *province = world_node(&world, "88.31", NULL, NULL);
    struct node *factory = world_node(&world, "88.31.1001", "B", province);
    uint32_t w = world_minute(&world, 0);
    node_unit(factory, host, "host", true);
    world_run(&world, MINUTE + 6000);
    assert_string_equal(node_sums(province, w, 1), "1 - - -");
    node_unit(factory, host, "host", false);
    factory->cut = true;
    world_run(&world, MINUTE);
    assert_string_equal(node_sums(province, w + 1, 1), "1 - - -");
    factory->cut = false;
    node_cut(factory, false);
    world_run(&world, 2000);
    assert_string_equal(node_sums(province, w + 1, 1), "- - - -");
    assert_true(node_window(province, w + 1, &row));
    world_run(&world, MINUTE);
    assert_string_equal(node_sums(province, w + 2, 1), "none");
    node_audit(province);
    world_done(&world);
}

/* --- seals --- */

static void
an_hour_is_sealed_after_its_grace_and_stays(void **state)
{
    struct rollup_row_window row;
    struct rollup_row_vintage head;
    static struct model_figure sum;
    uint8_t root[32];
    uint32_t cells, hour = 0;
    struct model_cells only;
    (void)state;
    world_init(&world, 8);
    struct node *node = world_node(&world, "88.31.1001", "A", NULL);
    assert_int_equal(model_window_at(MODEL_FREQ_HOUR, 28800,
                                     (struct wall){WORLD_START * 1000LL},
                                     &hour),
                     ERR_OK);
    node_unit(node, host, "host", true);
    world_run(&world, HOUR + 6000);
    node_fold(node, host, hour, 5, 10);
    world_run(&world, 100000);
    assert_true(node_window(node, hour, &row));
    assert_int_equal(row.state, ROLLUP_PROVISIONAL);
    world_run(&world, 20000);
    assert_true(node_window(node, hour, &row));
    assert_int_equal(row.state, ROLLUP_SEALED);
    assert_int_equal(row.vintage, 1);
    node_fold(node, host, hour, 6, 10); /* late */
    assert_string_equal(node_sums(node, hour, 0), "1 1 6 10");
    assert_int_equal(
        rollup_seal_sum(node->rollup, 0, hour, 1, NULL, &head, &sum), ERR_OK);
    assert_int_equal(sum.slots[2].sum, 5);
    for (unsigned n = 0; n < 2; n++) { /* the one cell is of A */
        assert_int_equal(
            model_cells_read(base_bytes_text(n ? "region=B" : "region=A"),
                             world.packs[0], &only, NULL),
            ERR_OK);
        assert_int_equal(
            rollup_seal_sum(node->rollup, 0, hour, 1, &only, &head, &sum),
            ERR_OK);
        assert_int_equal(sum.slots[2].sum, n ? 0 : 5);
    }
    assert_int_equal(head.reported, 1);
    assert_int_equal(head.cells, 1);
    assert_int_equal(rollup_seal_root(node->rollup, 0, hour, 0, root, &cells),
                     ERR_OK);
    assert_memory_not_equal(root, head.root, 32);
    node_fold(node, host, hour, 5, 10); /* taken back */
    rollup_fold_flush(node->rollup);
    assert_int_equal(rollup_seal_root(node->rollup, 0, hour, 0, root, &cells),
                     ERR_OK);
    assert_memory_equal(root, head.root, 32);
    assert_int_equal(
        rollup_seal(node->rollup, base_bytes_text("t"), hour, NULL, NULL),
        ERR_EXISTS);
    assert_int_equal(base_stat_get(&node->rollup->stats.sealed), 2);
    world_done(&world);
}

static void
what_cannot_be_sealed_says_why_and_until_when(void **state)
{
    struct bytes t = base_bytes_text("t");
    struct base_note note = {0};
    (void)state;
    world_init(&world, 20);
    struct node *node = world_node(&world, "88.31.1001", "A", NULL);
    uint32_t w = world_minute(&world, 0);
    node_unit(node, host, "host", true);
    assert_int_equal(
        rollup_seal(node->rollup, base_bytes_text("u"), w, NULL, &note),
        ERR_NAME);
    assert_string_equal(note.text, "no pack \"u\" here; there is: t");
    assert_int_equal(rollup_seal(node->rollup, t, w, NULL, &note), ERR_ABSENT);
    node_fold(node, host, w, 5, 10);
    assert_int_equal(rollup_seal(node->rollup, t, w, NULL, &note), ERR_BUSY);
    assert_string_equal(note.text,
                        "2025-11-22T05:00 of pack t is open until "
                        "2025-11-22T05:01:05.000+08:00: seal it after that");
    world_run(&world, MINUTE + 6000);
    assert_int_equal(rollup_seal(node->rollup, t, w, NULL, &note), ERR_OK);
    assert_int_equal(rollup_seal(node->rollup, t, w, NULL, &note), ERR_EXISTS);
    assert_string_equal(note.text,
                        "2025-11-22T05:00 of pack t was sealed at "
                        "2025-11-22T05:01:06.000+08:00 as vintage 1");
    world_done(&world);
}

static void
who_sealed_a_window_is_told_to_the_audit_log(void **state)
{
    const struct model_grant_principal admin = {
        .kind = MODEL_GRANT_USER, .name = base_bytes_text("admin")};
    (void)state;
    world_init(&world, 21);
    struct node *node = world_node(&world, "88.31.1001", "A", NULL);
    uint32_t w = world_minute(&world, 0);
    node_unit(node, host, "host", true);
    node_fold(node, host, w, 5, 10);
    world_run(&world, MINUTE + 6000);
    assert_string_equal(node->said, "");
    assert_int_equal(
        rollup_seal(node->rollup, base_bytes_text("t"), w, &admin, NULL),
        ERR_OK);
    assert_string_equal(node->said,
                        "user admin: figure.seal t 2025-11-22T05:00 vintage 1");
    world_run(&world, 90 * MINUTE); /* an hour seals itself */
    assert_string_equal(
        node->said, "node 88.31.1001: figure.seal t 2025-11-22T05 vintage 1");
    world_done(&world);
}

static void
a_vintage_is_signed_by_its_node(void **state)
{
    static const char domain[] = "dougong vintage 1";
    struct base_out text, public_key;
    struct rollup_row_vintage head;
    struct rollup_key key;
    struct bytes value;
    uint8_t room[1024], der[256];
    (void)state;
    world_init(&world, 9);
    struct node *node = world_node(&world, "88.31.1001", "A", NULL);
    assert_int_equal(crypt_key_make(CRYPT_KEY_ED25519, &node->key), ERR_OK);
    node->rollup->config.key = node->key;
    uint32_t w = world_minute(&world, -10);
    node_unit(node, host, "host", true);
    node_fold(node, host, w, 5, 10);
    world_run(&world, 100);
    assert_int_equal(
        rollup_seal(node->rollup, base_bytes_text("t"), w, NULL, NULL), ERR_OK);
    assert_int_equal(
        store_kv_get(
            rollup_snap(node->rollup), STORE_TABLE_VINTAGE,
            rollup_row_vintage_key(&key, base_bytes_text("t"), w, 1, 0),
            &value),
        ERR_OK);
    assert_int_equal(rollup_row_read(value, ROLLUP_ROW_IS_VINTAGE, &head, 0),
                     ERR_OK);
    base_out_fixed(&text, room, sizeof room);
    base_out_bytes_add(&text, base_bytes(domain, sizeof domain));
    base_out_u8(&text, 1);
    base_out_text(&text, "t");
    base_out_u32le(&text, w);
    base_out_u32le(&text, 1);
    base_out_bytes_add(&text, base_bytes_slice(value, 0, value.size - 72));
    base_out_fixed(&public_key, der, sizeof der);
    assert_int_equal(crypt_key_public(node->key, &public_key), ERR_OK);
    assert_int_equal(crypt_key_verify(base_out_bytes(&public_key),
                                      base_out_bytes(&text),
                                      base_bytes(head.signature, 64)),
                     ERR_OK);
    assert_true(head.key_id == crypt_key_id(node->key));
    world_done(&world);
}

static void
the_root_is_a_merkle_tree_of_the_cells(void **state)
{
    uint8_t root[32], leaf[3][33], node_hash[65] = {1}, want[32];
    uint32_t cells;
    (void)state;
    world_init(&world, 10);
    struct node *nodes[3];
    static const char *const codes[] = {"A", "B", "C"};
    char prefix[3][16], id[32];
    struct node *province = world_node(&world, "88.31", NULL, NULL);
    uint32_t w = world_minute(&world, -10);
    for (unsigned i = 0; i < 3; i++) {
        snprintf(prefix[i], sizeof prefix[i], "88.31.%u", i);
        snprintf(id, sizeof id, "%s/h", prefix[i]);
        nodes[i] = world_node(&world, prefix[i], codes[i], province);
        node_unit(nodes[i], id, "host", true);
        node_fold(nodes[i], id, w, 5 + i, 10);
    }
    world_run(&world, 1000);
    assert_int_equal(rollup_seal_root(province->rollup, 0, w, 0, root, &cells),
                     ERR_OK);
    assert_int_equal(cells, 3);
    for (unsigned i = 0; i < 3; i++) {
        /* 00, cell, then: all four slots, n 1 each; 1 1 busy all, zigzag */
        const uint8_t bytes[] = {0, (uint8_t)i, 0, 0, 0, 0x0F,
                                 1, 2,          1, 2, 1, (uint8_t)(2 * (5 + i)),
                                 1, 20};
        crypt_hash_sha256(base_bytes(bytes, sizeof bytes), leaf[i]);
    }
    memcpy(node_hash + 1, leaf[0], 32);
    memcpy(node_hash + 33, leaf[1], 32);
    crypt_hash_sha256(base_bytes(node_hash, 65), want);
    memcpy(node_hash + 1, want, 32);
    memcpy(node_hash + 33, leaf[2], 32);
    crypt_hash_sha256(base_bytes(node_hash, 65), want);
    assert_memory_equal(root, want, 32);
    world_done(&world);
}

static void
a_window_that_comes_late_has_its_grace_too(void **state)
{
    struct rollup_row_window row;
    uint32_t hour = 0;
    (void)state;
    world_init(&world, 11);
    struct node *node = world_node(&world, "88.31.1001", "A", NULL);
    assert_int_equal(
        model_window_at(MODEL_FREQ_HOUR, 28800,
                        (struct wall){WORLD_START * 1000LL - 5 * HOUR}, &hour),
        ERR_OK);
    node_unit(node, host, "host", true);
    node_fold(node, host, hour, 5, 10);
    world_run(&world, 100000);
    assert_true(node_window(node, hour, &row));
    assert_int_equal(row.state, ROLLUP_PROVISIONAL);
    world_run(&world, 30000);
    assert_true(node_window(node, hour, &row));
    assert_int_equal(row.state, ROLLUP_SEALED);
    world_done(&world);
}

/* --- dropping --- */

static void
what_is_no_longer_kept_goes_but_vintages_stay(void **state)
{
    struct rollup_row_vintage head;
    static struct model_figure sum;
    char id[32];
    (void)state;
    world_init(&world, 12);
    struct node *province = world_node(&world, "88.31", NULL, NULL);
    struct node *node = world_node(&world, "88.31.1001", "A", province);
    uint32_t w = world_minute(&world, -2 * 24 * 60 + 2);
    for (unsigned i = 0; i < 300; i++) {
        snprintf(id, sizeof id, "88.31.1001/u%u", i);
        node_unit(node, id, "host", true);
        node_fold(node, id, w, 1, 1);
    }
    node->cut = true;
    world_run(&world, 100);
    assert_string_equal(node_sums(node, w, 0), "300 300 300 300");
    assert_int_equal(
        rollup_seal(node->rollup, base_bytes_text("t"), w, NULL, NULL), ERR_OK);
    world_run(&world, 4 * MINUTE);
    assert_string_equal(node_sums(node, w, 0), "none");
    assert_int_equal(rollup_seal_sum(node->rollup, 0, w, 1, NULL, &head, &sum),
                     ERR_OK);
    assert_int_equal(sum.slots[0].sum, 300);
    node_fold(node, host, w, 1, 1);
    assert_string_equal(node_sums(node, w, 0), "none");
    node_audit(node);
    node->cut = false;
    node_cut(node, false);
    world_run(&world, 1000);
    assert_string_equal(node_sums(province, w, 0), "none");
    assert_int_equal(node_rows(node, STORE_TABLE_DIRTY), 0);
    world_done(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_unit_is_expected_at_the_due_time),
        cmocka_unit_test(what_reports_in_time_is_counted_once),
        cmocka_unit_test(who_registers_late_is_expected_from_then_on),
        cmocka_unit_test(hundreds_of_units_are_expected_in_steps),
        cmocka_unit_test(windows_missed_while_away_are_caught_up),
        cmocka_unit_test(a_silent_childs_last_expected_counts_until_it_sends),
        cmocka_unit_test(a_node_expects_its_own_units_and_its_children),
        cmocka_unit_test(
            a_complete_window_without_a_cell_takes_the_placeholder_away),
        cmocka_unit_test(an_hour_is_sealed_after_its_grace_and_stays),
        cmocka_unit_test(what_cannot_be_sealed_says_why_and_until_when),
        cmocka_unit_test(who_sealed_a_window_is_told_to_the_audit_log),
        cmocka_unit_test(a_vintage_is_signed_by_its_node),
        cmocka_unit_test(the_root_is_a_merkle_tree_of_the_cells),
        cmocka_unit_test(a_window_that_comes_late_has_its_grace_too),
        cmocka_unit_test(what_is_no_longer_kept_goes_but_vintages_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
