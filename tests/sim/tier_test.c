/* tier_test.c -- what tier promises when nodes are copied, restored, denied,
 * mismatched, cut off; on the simulation, with toy engines that stand still
 * unless told (tests/sim/sim_toy.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/base_cur.h"
#include "base/base_mem.h"
#include "sim_toy.h"
#include "tier/tier_fault.h"
#include "tier/tier_inner.h"

enum { UP_MS = 90000, WORK_MS = 20000 };

struct tree {
    struct sim_world world;
    struct sim_node nodes[3]; /* 88, 88.1, 88.2 */
    struct sim_toy_count counts[3];
};

static void
tree_node(struct tree *tree, unsigned i, uint8_t pin)
{
    static const char *const prefixes[] = {"88", "88.1", "88.2"};
    tree->nodes[i] = (struct sim_node){
        .prefix = prefixes[i],
        .parent = i == 0 ? "" : "88",
        .ops = &sim_toy_ops,
        .owners = SIM_TOY_OWNERS,
        .pin = pin,
        .user = &tree->counts[i],
    };
}

static struct tree *
tree_new(uint64_t seed)
{
    static const struct sim_plan plan = {.delay_max_ms = 5};
    struct tree *tree = base_mem_zero(sizeof *tree);
    sim_world_init(&tree->world, seed, &plan);
    for (unsigned i = 0; i < BASE_COUNT(tree->nodes); i++) {
        tree_node(tree, i, (uint8_t)(i + 1));
        sim_node_init(&tree->nodes[i], &tree->world);
    }
    return tree;
}

static void
tree_free(struct tree *tree)
{
    for (unsigned i = 0; i < BASE_COUNT(tree->nodes); i++)
        sim_node_done(&tree->nodes[i]);
    sim_world_done(&tree->world);
    base_mem_free(tree);
}

/* The toys work for a while, then all comes to rest. */
static void
tree_work(struct tree *tree)
{
    tree->world.calm = false;
    for (unsigned i = 0; i < BASE_COUNT(tree->nodes); i++)
        if (tree->nodes[i].tier)
            tree->nodes[i].ops->started(&tree->nodes[i]);
    sim_node_run(&tree->world, WORK_MS);
    tree->world.calm = true;
    sim_node_run(&tree->world, UP_MS);
}

static void
node_restart(struct sim_node *node)
{
    sim_node_run(node->world, 100); /* what was put is synced */
    sim_node_crash(node, FAULT_FILES_NONE, true);
    sim_node_start(node);
    sim_node_run(node->world, UP_MS);
}

static void
view_found(void *self, const struct tier_view *view)
{
    struct tier_view *to = self;
    if (base_bytes_equal(view->prefix, to->prefix)) {
        *to = *view;
        to->refusal_count = 0; /* their texts are only lent */
    }
}

static struct tier_view
view_of(struct sim_node *node, const char *neighbour)
{
    struct tier_view view = {.prefix = base_bytes_text(neighbour)};
    tier_list(node->tier, view_found, &view);
    return view;
}

static void
assert_settled(struct tree *tree, unsigned i)
{
    struct sim_node *parent = &tree->nodes[0], *child = &tree->nodes[i];
    assert_int_equal(sim_toy_posted(child, SIM_TOY_UP, ""),
                     sim_toy_taken(parent, SIM_TOY_UP, child->prefix));
    assert_int_equal(sim_toy_posted(parent, SIM_TOY_DOWN, child->prefix),
                     sim_toy_taken(child, SIM_TOY_DOWN, "88"));
    assert_true(sim_toy_equal(parent, child));
}

static uint64_t
stat_of(struct sim_node *node, enum tier_stat stat)
{
    return (uint64_t)base_stat_get(&node->tier->stats[stat]);
}

/* --- the node's own rows, changed behind its back --- */

static void
put_numbers(struct store_kv *kv, uint16_t table, struct bytes key,
            const uint64_t *numbers, unsigned count)
{
    uint8_t room[64];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    for (unsigned i = 0; i < count; i++)
        base_out_u64le(&out, numbers[i]);
    struct store_kv_batch *batch = store_kv_batch_new(kv);
    store_kv_put(batch, table, key, base_out_bytes(&out));
    assert_int_equal(store_kv_commit(kv, batch, NULL, NULL), ERR_OK);
}

static void
set_lineage(struct sim_node *node, uint64_t lineage)
{
    struct bytes value, key = base_bytes_text("tier");
    uint8_t room[64];
    assert_int_equal(
        store_kv_get(store_kv_now(node->kvs[0]), STORE_TABLE_NODE, key, &value),
        ERR_OK);
    memcpy(room, value.at, value.size);
    struct base_out out;
    base_out_fixed(&out, room + 9, 8); /* as drawn in tier_peer.c */
    base_out_u64le(&out, lineage);
    struct store_kv_batch *batch = store_kv_batch_new(node->kvs[0]);
    store_kv_put(batch, STORE_TABLE_NODE, key, base_bytes(room, value.size));
    assert_int_equal(store_kv_commit(node->kvs[0], batch, NULL, NULL), ERR_OK);
}

static void
set_applied(struct sim_node *node, const char *from, uint64_t back,
            uint64_t change_h)
{
    struct store_kv *kv = node->kvs[STORE_JOURNAL_IDENT];
    struct tier_peer *peer = tier_peer_find(node->tier, base_bytes_text(from));
    uint8_t key[TIER_CURSOR_KEY];
    uint64_t in[2];
    assert_int_equal(tier_cursor_read(kv, TIER_CURSOR_IN, MODEL_CHANNEL_NAMES,
                                      peer->no, in, 2),
                     ERR_OK);
    assert_true(in[0] > back);
    in[0] -= back;
    if (back > 0) { /* the h that the child's row tells of it */
        struct sim_node *child = sim_node_find(node->world, from);
        struct tier_log *log =
            tier_log_get(child->tier->parent, MODEL_CHANNEL_NAMES);
        if (!tier_log_h(log, in[0], &in[1]))
            in[1] = 0;
    }
    in[1] += change_h;
    put_numbers(
        kv, STORE_TABLE_TIER_CUR,
        tier_cursor_key(TIER_CURSOR_IN, MODEL_CHANNEL_NAMES, peer->no, key), in,
        2);
    char name[160];
    int size = snprintf(name, sizeof name, "taken %d %s", SIM_TOY_UP, from);
    uint64_t taken[2] = {sim_toy_taken(node, SIM_TOY_UP, from) - back};
    put_numbers(kv, STORE_TABLE_ID, base_bytes(name, (size_t)size), taken, 2);
}

/* --- tests --- */

static void
what_is_posted_up_down_and_beside_arrives_once(void **state)
{
    (void)state;
    struct tree *tree = tree_new(1);
    tree_work(tree);
    for (unsigned i = 0; i < 3; i++) {
        struct sim_node *node = &tree->nodes[i];
        assert_int_equal(sim_toy_posted(node, SIM_TOY_LOCAL, node->prefix),
                         sim_toy_taken(node, SIM_TOY_LOCAL, node->prefix));
        assert_int_equal(tree->counts[i].wrong, 0);
    }
    assert_settled(tree, 1);
    assert_settled(tree, 2);
    assert_true(sim_toy_posted(&tree->nodes[1], SIM_TOY_UP, "") > 10);
    assert_true(stat_of(&tree->nodes[0], TIER_STAT_TOP) > 0);
    struct tier_view view = view_of(&tree->nodes[1], "88");
    assert_true(view.up && view.is_parent);
    assert_string_equal(view.state, "up");
    assert_true(view.rtt_ms >= 0 && view.rtt_ms <= 10);
    assert_true(view.lag_count >= 2);
    assert_int_equal(view.lags[0].issued, view.lags[0].acked);
    tree_free(tree);
}

static void
a_copy_that_comes_back_is_fenced_until_it_joins_again(void **state)
{
    (void)state;
    struct tree *tree = tree_new(2);
    struct sim_node *child = &tree->nodes[1];
    tree_work(tree);
    set_lineage(child, child->tier->self.lineage); /* as it is: in order */
    node_restart(child);
    assert_string_equal(view_of(child, "88").state, "up");
    set_lineage(child, child->tier->self.lineage - 1);
    node_restart(child);
    assert_string_equal(view_of(child, "88").state, "fenced");
    assert_false(view_of(&tree->nodes[0], "88.1").up);
    assert_int_equal(tree->counts[0].fenced, 1);
    tree_work(tree); /* local work goes on */
    assert_string_equal(view_of(child, "88").state, "fenced");
    uint32_t epoch = tier_epoch(child->tier);
    assert_int_equal(tier_again(child->tier), ERR_OK);
    sim_node_run(&tree->world, UP_MS);
    assert_string_equal(view_of(child, "88").state, "up");
    assert_int_equal(tier_epoch(child->tier), epoch + 1);
    tree_work(tree);
    assert_settled(tree, 1);
    tree_free(tree);
}

static void
a_new_store_needs_a_new_key_and_gets_a_higher_epoch(void **state)
{
    (void)state;
    struct tree *tree = tree_new(3);
    struct sim_node *child = &tree->nodes[1];
    tree_work(tree);
    sim_node_done(child);
    tree_node(tree, 1, 2); /* the same key */
    sim_node_init(child, &tree->world);
    sim_node_run(&tree->world, UP_MS);
    struct tier_view view = view_of(child, "88");
    assert_false(view.up);
    assert_non_null(strstr(view.why, "another store"));
    sim_node_done(child);
    tree_node(tree, 1, 77); /* joined with a new token */
    sim_node_init(child, &tree->world);
    sim_node_run(&tree->world, UP_MS);
    assert_true(view_of(child, "88").up);
    assert_int_equal(tier_epoch(child->tier), 2);
    tree_free(tree);
}

static void
a_restored_parent_gets_the_kept_tail_and_every_state(void **state)
{
    (void)state;
    struct tree *tree = tree_new(4);
    struct sim_node *parent = &tree->nodes[0];
    tree_work(tree);
    set_applied(parent, "88.1", 5, 0);
    node_restart(parent);
    sim_node_run(&tree->world, UP_MS);
    assert_int_equal(tree->counts[1].restored, 1);
    assert_int_equal(tree->counts[0].gaps, 0);
    assert_settled(tree, 1);
    tree_work(tree);
    assert_settled(tree, 1);
    tree_free(tree);
}

static void
what_is_no_longer_kept_is_named_by_a_gap(void **state)
{
    (void)state;
    struct tree *tree = tree_new(5);
    struct sim_node *parent = &tree->nodes[0];
    while (sim_toy_posted(&tree->nodes[1], SIM_TOY_UP, "") <
           TIER_KEEP_ROWS + 100)
        tree_work(tree);
    set_applied(parent, "88.1", TIER_KEEP_ROWS + 20, 0);
    node_restart(parent);
    assert_true(view_of(parent, "88.1").up);
    assert_int_equal(tree->counts[0].gaps, 1);
    assert_int_equal(tree->counts[0].wrong, 0);
    assert_int_equal(sim_toy_posted(&tree->nodes[1], SIM_TOY_UP, ""),
                     sim_toy_taken(parent, SIM_TOY_UP, "88.1"));
    assert_int_equal(stat_of(parent, TIER_STAT_GAPS), 20);
    tree_free(tree);
}

/* --- posts --- */

static struct tier_log *
names_up(struct sim_node *node)
{
    return tier_log_get(node->tier->parent, MODEL_CHANNEL_NAMES);
}

static enum err
post_up(struct sim_node *node, struct store_kv_batch *batch)
{
    struct model_port *port = &node->tier->port;
    return port->ops->post(port, MODEL_CHANNEL_NAMES, MODEL_KIND_NAMES_PREFIX,
                           (struct bytes){NULL, 0},
                           base_bytes("\1\0\0\0\0\0\0\0", 8), batch);
}

static void
a_batch_that_is_thrown_away_leaves_no_number_behind(void **state)
{
    (void)state;
    struct tree *tree = tree_new(13);
    struct sim_node *child = &tree->nodes[1];
    struct store_kv *kv = child->kvs[STORE_JOURNAL_IDENT];
    tree->world.calm = true;
    sim_node_run(&tree->world, UP_MS);
    uint64_t issued = names_up(child)->issued;
    struct store_kv_batch *gone = store_kv_batch_new(kv);
    assert_int_equal(post_up(child, gone), ERR_OK);
    uint64_t id = store_kv_batch_id(gone);
    store_kv_batch_free(gone);
    struct store_kv_batch *batch = store_kv_batch_new(kv);
    assert_ptr_equal(batch, gone); /* the same place, with more in it */
    assert_true(store_kv_batch_id(batch) > id);
    uint8_t value[500] = {0};
    store_kv_put(batch, STORE_TABLE_ID, base_bytes_text("much"),
                 base_bytes(value, sizeof value));
    assert_int_equal(post_up(child, batch), ERR_OK);
    assert_int_equal(store_kv_commit(kv, batch, NULL, NULL), ERR_OK);
    sim_node_run(&tree->world, UP_MS);
    assert_int_equal(names_up(child)->issued, issued + 1);
    assert_int_equal(names_up(child)->acked, issued + 1);
    assert_int_equal(stat_of(child, TIER_STAT_GAPS), 0);
    tree_free(tree);
}

/* As if so much were issued and not acknowledged. */
static void
set_issued(struct sim_node *node, uint64_t rows, uint64_t bytes)
{
    struct tier_log *log = names_up(node);
    uint8_t key[TIER_CURSOR_KEY];
    uint64_t out[3] = {log->acked + rows, log->acked_bytes + bytes, 0};
    put_numbers(log->kv, STORE_TABLE_TIER_CUR,
                tier_cursor_key(TIER_CURSOR_OUT, MODEL_CHANNEL_NAMES,
                                log->peer->no, key),
                out, 3);
    tier_log_reload(log);
}

static void
a_full_spool_refuses_posts_and_says_so_once(void **state)
{
    (void)state;
    struct tree *tree = tree_new(14);
    struct sim_node *child = &tree->nodes[1];
    struct store_kv *kv = child->kvs[STORE_JOURNAL_IDENT];
    tree->world.calm = true;
    sim_node_run(&tree->world, UP_MS);
    sim_node_crash(&tree->nodes[0], FAULT_FILES_NONE, true);
    sim_node_run(&tree->world, 1000);
    uint64_t alerts = stat_of(child, TIER_STAT_ALERTS);
    struct store_kv_batch *batch = store_kv_batch_new(kv);
    set_issued(child, TIER_SPOOL_ROWS - 1, 0);
    assert_int_equal(post_up(child, batch), ERR_OK);
    assert_int_equal(post_up(child, batch), ERR_LIMIT);
    assert_int_equal(post_up(child, batch), ERR_LIMIT);
    store_kv_batch_free(batch);
    set_issued(child, 1, TIER_SPOOL_BYTES - 10);
    batch = store_kv_batch_new(kv);
    assert_int_equal(post_up(child, batch), ERR_LIMIT);
    assert_int_equal(stat_of(child, TIER_STAT_LIMIT), 3);
    assert_int_equal(stat_of(child, TIER_STAT_ALERTS), alerts + 1);
    set_issued(child, 1, 0);
    assert_int_equal(post_up(child, batch), ERR_OK);
    store_kv_batch_free(batch);
    tree_free(tree);
}

static void
logs_that_have_parted_are_fenced(void **state)
{
    (void)state;
    struct tree *tree = tree_new(6);
    tree_work(tree);
    set_applied(&tree->nodes[0], "88.1", 0, 1);
    node_restart(&tree->nodes[0]);
    assert_string_equal(view_of(&tree->nodes[1], "88").state, "fenced");
    assert_true(view_of(&tree->nodes[2], "88").up);
    tree_free(tree);
}

static enum err
nobody(void *self, struct bytes prefix, const struct crypt_cert_facts *facts)
{
    const struct sim_node *node = self;
    (void)facts;
    return node->starts > 1 || !base_bytes_is(prefix, "88.1") ? ERR_OK
                                                              : ERR_REVOKED;
}

static void
a_revoked_prefix_is_cut_at_once_and_stays_out(void **state)
{
    (void)state;
    struct tree *tree = tree_new(7);
    struct sim_node *child = &tree->nodes[1];
    sim_node_run(&tree->world, UP_MS);
    assert_true(view_of(child, "88").up);
    tree->nodes[0].tier->config.admit = nobody;
    tier_cut(tree->nodes[0].tier, base_bytes_text("88.1"));
    assert_false(view_of(&tree->nodes[0], "88.1").up);
    assert_true(view_of(&tree->nodes[0], "88.2").up);
    sim_node_run(&tree->world, UP_MS);
    assert_false(view_of(child, "88").up);
    assert_non_null(strstr(view_of(child, "88").why, "denied"));
    sim_node_run(&tree->world, 700000); /* ten minutes later it asks again */
    assert_true(stat_of(&tree->nodes[0], TIER_STAT_REFUSED_LINKS) >= 2);
    tree_free(tree);
}

static enum err
suspended(void *self, struct bytes prefix, const struct crypt_cert_facts *facts)
{
    return nobody(self, prefix, facts) == ERR_OK ? ERR_OK : ERR_AGAIN;
}

static void
a_suspended_child_links_again_soon_after_it_is_resumed(void **state)
{
    (void)state;
    struct tree *tree = tree_new(7);
    struct sim_node *child = &tree->nodes[1];
    sim_node_run(&tree->world, UP_MS);
    tree->nodes[0].tier->config.admit = suspended;
    tier_cut(tree->nodes[0].tier, base_bytes_text("88.1"));
    sim_node_run(&tree->world, 600000);
    assert_false(view_of(child, "88").up);
    /* every 5 to 15 s, and not more often */
    assert_in_range(stat_of(&tree->nodes[0], TIER_STAT_REFUSED_LINKS), 40, 121);
    tree->nodes[0].tier->config.admit = NULL;
    sim_node_run(&tree->world, 20000);
    assert_true(view_of(child, "88").up);
    tree_free(tree);
}

static void
packs_of_another_shape_are_told_and_the_link_stays_up(void **state)
{
    (void)state;
    static const struct tier_pack above[] = {{"host", 1}, {"energy", 7}};
    static const struct tier_pack below[] = {{"host", 2}, {"energy", 7}};
    struct tree *tree = tree_new(8);
    struct sim_node *child = &tree->nodes[1];
    tree->nodes[0].packs = above;
    child->packs = below;
    tree->nodes[0].pack_count = child->pack_count = 2;
    node_restart(&tree->nodes[0]);
    node_restart(child);
    struct tier_view view = view_of(child, "88");
    assert_true(view.up);
    assert_int_equal(view.packs_differ, 1);
    struct model_port *port = tier_port(child->tier);
    struct bytes up = base_bytes(NULL, 0);
    assert_true(port->ops->agrees(port, up, base_bytes_text("energy"), 7));
    assert_false(port->ops->agrees(port, up, base_bytes_text("host"), 2));
    assert_int_equal(view_of(&tree->nodes[0], "88.1").packs_differ, 1);
    tree_free(tree);
}

static void
clocks_that_differ_are_told_once(void **state)
{
    (void)state;
    struct tree *tree = tree_new(9);
    tree->nodes[1].loop.wall_offset_ms = -5000;
    sim_node_run(&tree->world, 4 * UP_MS);
    struct tier_view view = view_of(&tree->nodes[1], "88");
    assert_in_range(view.offset_ms, 4990, 5010);
    assert_int_equal(stat_of(&tree->nodes[1], TIER_STAT_ALERTS), 1);
    view = view_of(&tree->nodes[2], "88");
    assert_true(view.offset_ms >= -5 && view.offset_ms <= 5);
    tree_free(tree);
}

/* One that is away is found within seconds of its return; one that answers
 * without success is left alone for longer and longer. */
static void
an_absent_parent_is_probed_and_an_unfit_one_is_not(void **state)
{
    (void)state;
    struct tree *tree = tree_new(40);
    struct sim_node *parent = &tree->nodes[0], *child = &tree->nodes[1];
    sim_node_run(&tree->world, UP_MS);
    sim_node_crash(parent, FAULT_FILES_NONE, true);
    unsigned dials = child->tier->up.endpoint;
    sim_node_run(&tree->world, 600000);
    assert_false(view_of(child, "88").up);
    assert_in_range(child->tier->up.endpoint - dials, 100, 600);
    parent->judged = ERR_DENIED; /* its certificate, as children see it */
    sim_node_start(parent);
    dials = child->tier->up.endpoint;
    sim_node_run(&tree->world, 600000);
    assert_in_range(child->tier->up.endpoint - dials, 10, 40);
    assert_non_null(strstr(view_of(child, "88").why, "certificate"));
    parent->judged = ERR_OK;
    sim_node_crash(parent, FAULT_FILES_NONE, true);
    sim_node_run(&tree->world, 70000); /* the wait of before is over */
    sim_node_start(parent);
    sim_node_run(&tree->world, 7000);
    assert_true(view_of(child, "88").up);
    tree_free(tree);
}

/* --- calls --- */

struct asked {
    struct model_ask ask;
    enum err err;
    unsigned times;
};

static void
asked_done(struct model_ask *ask, enum err err, struct bytes body)
{
    struct asked *asked = BASE_OUTER(ask, struct asked, ask);
    (void)body;
    asked->err = err;
    asked->times++;
}

static void
ask(struct sim_node *node, struct asked *asked, enum model_channel channel,
    unsigned kind, const char *to)
{
    struct model_port *port = tier_port(node->tier);
    *asked = (struct asked){.ask.done = asked_done};
    port->ops->ask(port, channel, kind, base_bytes_text(to),
                   base_bytes_text("12345678"), 2000, &asked->ask);
}

static void
every_question_has_exactly_one_end(void **state)
{
    (void)state;
    static const struct {
        const char *to;
        enum model_channel channel;
        unsigned kind;
        enum err end;
    } rows[] = {
        {"88.1", MODEL_CHANNEL_DATA_CALL, 1, ERR_OK},
        {"88.2", MODEL_CHANNEL_DATA_CALL, 1, ERR_OK}, /* across */
        {"", MODEL_CHANNEL_DATA_CALL, 1, ERR_OK},
        {"88.9", MODEL_CHANNEL_DATA_CALL, 1, ERR_NOROUTE},
        {"77.1", MODEL_CHANNEL_DATA_CALL, 1, ERR_NOROUTE}, /* at the top */
        {"88.1.5", MODEL_CHANNEL_DATA_CALL, 1, ERR_NOROUTE},
        {"", MODEL_CHANNEL_DATA_CALL, 3, ERR_UNSUPPORTED}, /* not live */
        {"", MODEL_CHANNEL_DATA_CALL, 2, ERR_UNSUPPORTED}, /* no row there */
        {"", MODEL_CHANNEL_CONTROL, 3, ERR_UNSUPPORTED},   /* app's row */
    };
    struct tree *tree = tree_new(10);
    struct asked asked[BASE_COUNT(rows)];
    sim_node_run(&tree->world, UP_MS);
    for (unsigned i = 0; i < BASE_COUNT(rows); i++) {
        ask(&tree->nodes[1], &asked[i], rows[i].channel, rows[i].kind,
            rows[i].to);
        assert_int_equal(asked[i].times, 0); /* never inside ask() */
    }
    sim_node_run(&tree->world, 10000);
    for (unsigned i = 0; i < BASE_COUNT(rows); i++) {
        assert_int_equal(asked[i].times, 1);
        assert_int_equal(asked[i].err, rows[i].end);
    }
    tree_free(tree);
}

static bool
hosts_two(void *self, struct bytes prefix)
{
    (void)self;
    return base_bytes_is(prefix, "88.1") || base_bytes_is(prefix, "88.7");
}

static void
a_hosted_prefix_is_asked_here_until_it_has_had_a_link(void **state)
{
    (void)state;
    struct tree *tree = tree_new(12);
    struct asked hosted, below, own;
    tree->nodes[0].tier->config.hosts = hosts_two;
    sim_node_run(&tree->world, UP_MS);
    sim_node_crash(&tree->nodes[1], FAULT_FILES_NONE, true);
    sim_node_run(&tree->world, 100);
    ask(&tree->nodes[2], &hosted, MODEL_CHANNEL_DATA_CALL, 1, "88.7");
    ask(&tree->nodes[2], &below, MODEL_CHANNEL_DATA_CALL, 1, "88.1");
    ask(&tree->nodes[0], &own, MODEL_CHANNEL_DATA_CALL, 1, "88.7");
    assert_int_equal(own.times, 0);
    sim_node_run(&tree->world, 10000);
    assert_int_equal(hosted.times + below.times + own.times, 3);
    assert_int_equal(hosted.err, ERR_OK);
    assert_int_equal(own.err, ERR_OK);
    assert_int_equal(below.err, ERR_LOST); /* its node has newer samples */
    tree_free(tree);
}

static void
a_lost_link_ends_its_questions_and_silence_times_out(void **state)
{
    (void)state;
    struct tree *tree = tree_new(11);
    struct asked lost, late, none;
    sim_node_run(&tree->world, UP_MS);
    ask(&tree->nodes[1], &lost, MODEL_CHANNEL_DATA_CALL, 1, "");
    sim_node_crash(&tree->nodes[0], FAULT_FILES_NONE, true);
    sim_node_run(&tree->world, 100);
    assert_int_equal(lost.times, 1);
    assert_int_equal(lost.err, ERR_LOST);
    ask(&tree->nodes[1], &none, MODEL_CHANNEL_DATA_CALL, 1, "");
    sim_node_run(&tree->world, 10);
    assert_int_equal(none.err, ERR_LOST);
    sim_node_start(&tree->nodes[0]);
    sim_node_run(&tree->world, UP_MS);
    tree->nodes[0].loop.paused_until_ms = tree->world.now_ms + 10000;
    ask(&tree->nodes[1], &late, MODEL_CHANNEL_DATA_CALL, 1, "");
    sim_node_run(&tree->world, 20000);
    assert_int_equal(late.times, 1);
    assert_int_equal(late.err, ERR_TIMEOUT);
    tree_free(tree);
}

static void
a_thousand_questions_wait_and_no_more(void **state)
{
    (void)state;
    struct tree *tree = tree_new(12);
    struct asked *many = base_mem_zero((TIER_CALLS_MAX + 1) * sizeof *many);
    sim_node_run(&tree->world, UP_MS);
    for (unsigned i = 0; i <= TIER_CALLS_MAX; i++)
        ask(&tree->nodes[1], &many[i], MODEL_CHANNEL_DATA_CALL, 1, "");
    sim_node_run(&tree->world, 10000);
    for (unsigned i = 0; i <= TIER_CALLS_MAX; i++) {
        assert_int_equal(many[i].times, 1);
        assert_int_equal(many[i].err, i < TIER_CALLS_MAX ? ERR_OK : ERR_LIMIT);
    }
    base_mem_free(many);
    tree_free(tree);
}

/* --- faults on purpose --- */

static void
what_is_repeated_held_back_and_passed_arrives_once(void **state)
{
    (void)state;
    static const struct tier_fault_plan plan = {
        .repeat = 1000, .delay = 500, .reorder = 300, .delay_ms = 300};
    struct tree *tree = tree_new(31);
    for (unsigned i = 0; i < 3; i++) {
        tier_fault_open(tree->nodes[i].tier);
        tier_fault_set(tree->nodes[i].tier, &plan);
    }
    tree_work(tree);
    assert_settled(tree, 1);
    assert_settled(tree, 2);
    for (unsigned i = 0; i < 3; i++) {
        struct tier_fault_counts counts =
            tier_fault_counts(tree->nodes[i].tier);
        assert_int_equal(tree->counts[i].wrong, 0);
        assert_true(counts.repeated > 50 && counts.delayed > 10);
        assert_true(counts.reordered > 10);
        assert_int_equal(stat_of(&tree->nodes[i], TIER_STAT_GAPS), 0);
    }
    tree_free(tree); /* with some still held */
}

static void
a_link_cut_on_purpose_stays_cut_until_it_is_mended(void **state)
{
    (void)state;
    struct tree *tree = tree_new(32);
    struct tier *child = tree->nodes[1].tier;
    tier_fault_open(child);
    tree_work(tree);
    tier_fault_set(child, &(struct tier_fault_plan){.cut = true});
    assert_false(view_of(&tree->nodes[1], "88").up);
    sim_node_run(&tree->world, UP_MS);
    assert_false(view_of(&tree->nodes[1], "88").up);
    assert_true(view_of(&tree->nodes[2], "88").up);
    tier_fault_set(child, &(struct tier_fault_plan){0});
    sim_node_run(&tree->world, 2000);
    assert_true(view_of(&tree->nodes[1], "88").up);
    assert_int_equal(tier_fault_counts(child).cuts, 1);
    assert_settled(tree, 1);
    tree_free(tree);
}

struct alerts {
    uint64_t last;
    unsigned count;
    char text[16];
};

static void
alert_seen(void *self, const struct tier_alert_view *view)
{
    struct alerts *seen = self;
    assert_true(seen->last == 0 || view->number == seen->last - 1);
    assert_true(base_bytes_is(view->event, "test"));
    seen->last = view->number;
    seen->count++;
    base_bytes_string(view->text, seen->text, sizeof seen->text);
}

static void
alerts_are_listed_backwards_in_pages_and_the_oldest_go(void **state)
{
    (void)state;
    struct tree *tree = tree_new(31);
    struct tier *tier = tree->nodes[0].tier;
    struct alerts seen = {0};
    tier_alert_list(tier, 0, 20, alert_seen, &seen);
    assert_int_equal(seen.count, 0);
    for (unsigned i = 1; i <= TIER_ALERTS + 5; i++) {
        char text[16];
        snprintf(text, sizeof text, "n=%u", i);
        tier_alert(tier, "test", text);
        if (i % 100 == 0)
            sim_node_run(&tree->world, 100);
    }
    sim_node_run(&tree->world, 1000);
    tier_alert_list(tier, 0, 20, alert_seen, &seen);
    assert_int_equal(seen.count, 20);
    assert_string_equal(seen.text, "n=986");
    tier_alert_list(tier, seen.last, 2 * TIER_ALERTS, alert_seen, &seen);
    assert_int_equal(seen.count, TIER_ALERTS);
    assert_string_equal(seen.text, "n=6");
    tier_alert_list(tier, seen.last, 20, alert_seen, &seen);
    assert_int_equal(seen.count, TIER_ALERTS);
    tree_free(tree);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_posted_up_down_and_beside_arrives_once),
        cmocka_unit_test(a_copy_that_comes_back_is_fenced_until_it_joins_again),
        cmocka_unit_test(a_new_store_needs_a_new_key_and_gets_a_higher_epoch),
        cmocka_unit_test(a_restored_parent_gets_the_kept_tail_and_every_state),
        cmocka_unit_test(what_is_no_longer_kept_is_named_by_a_gap),
        cmocka_unit_test(a_batch_that_is_thrown_away_leaves_no_number_behind),
        cmocka_unit_test(a_full_spool_refuses_posts_and_says_so_once),
        cmocka_unit_test(logs_that_have_parted_are_fenced),
        cmocka_unit_test(a_revoked_prefix_is_cut_at_once_and_stays_out),
        cmocka_unit_test(
            a_suspended_child_links_again_soon_after_it_is_resumed),
        cmocka_unit_test(an_absent_parent_is_probed_and_an_unfit_one_is_not),
        cmocka_unit_test(packs_of_another_shape_are_told_and_the_link_stays_up),
        cmocka_unit_test(clocks_that_differ_are_told_once),
        cmocka_unit_test(every_question_has_exactly_one_end),
        cmocka_unit_test(a_hosted_prefix_is_asked_here_until_it_has_had_a_link),
        cmocka_unit_test(a_lost_link_ends_its_questions_and_silence_times_out),
        cmocka_unit_test(a_thousand_questions_wait_and_no_more),
        cmocka_unit_test(what_is_repeated_held_back_and_passed_arrives_once),
        cmocka_unit_test(a_link_cut_on_purpose_stays_cut_until_it_is_mended),
        cmocka_unit_test(
            alerts_are_listed_backwards_in_pages_and_the_oldest_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
