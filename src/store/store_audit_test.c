/* store_audit_test.c -- the log over crashes, its proofs, and what a parent
 * keeps and refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "store/store_audit_keep.h"
#include "store/store_audit_send.h"
#include "store/store_kv_world_test.h"

enum { ENTRIES = 300, ROUNDS = 20, SENT = 64 };

struct sent {
    uint8_t bytes[WIRE_HEAD_MESSAGE_MAX];
    size_t size;
};

struct world {
    struct store_kv_world kv;
    struct crypt_key *key;
    struct store_audit audit;
    struct store_audit_send send;
    struct store_audit_keep keep;
    struct model_port port;
    struct sent sent[SENT];
    unsigned sent_count;
    uint32_t epoch;
    char alerts[512];
};

/* ---- a world ---- */

static enum err
world_post(struct model_port *port, enum model_channel channel, unsigned kind,
           struct bytes to, struct bytes body, struct store_kv_batch *batch)
{
    struct world *world = BASE_OUTER(port, struct world, port);
    struct sent *sent = &world->sent[world->sent_count++];
    assert_int_equal(channel, MODEL_CHANNEL_AUDIT);
    assert_int_equal(kind, MODEL_KIND_AUDIT_HEAD);
    assert_int_equal(to.size, 0);
    assert_non_null(batch);
    assert_true(world->sent_count < SENT && body.size <= sizeof sent->bytes);
    memcpy(sent->bytes, body.at, body.size);
    sent->size = body.size;
    return ERR_OK;
}

static uint32_t
world_epoch(void *self)
{
    struct world *world = self;
    return world->epoch;
}

static void
world_alert(void *self, const char *event, const char *text)
{
    struct world *world = self;
    assert_non_null(strstr(text, "class=3 child=88.31"));
    strncat(world->alerts, event,
            sizeof world->alerts - strlen(world->alerts) - 2);
    strcat(world->alerts, " ");
}

static void
world_hold(struct world *world)
{
    const struct store_audit_config config = {
        .node = "88.31",
        .kv = world->kv.kv,
        .loop = &world->kv.loop.base,
        .key = world->key,
    };
    store_audit_init(&world->audit, &config);
    world->keep = (struct store_audit_keep){world->kv.kv, &world->kv.loop.base,
                                            world_alert, world};
}

static struct world *
world_new(uint64_t seed)
{
    static const struct model_port_ops ops = {.post = world_post};
    struct world *world = base_mem_zero(sizeof *world);
    store_kv_world_test_init(&world->kv, seed);
    store_kv_world_test_open(&world->kv);
    assert_int_equal(crypt_key_make(CRYPT_KEY_ED25519, &world->key), ERR_OK);
    world->port.ops = &ops;
    world->epoch = 1;
    world_hold(world);
    return world;
}

static void
world_free(struct world *world)
{
    crypt_key_free(world->key);
    store_kv_world_test_done(&world->kv);
    base_mem_free(world);
}

static enum err
say(struct world *world, unsigned number, struct store_journal_wait *wait)
{
    const struct model_grant_principal admin = {
        .kind = MODEL_GRANT_USER, .name = base_bytes_text("admin")};
    char object[32];
    snprintf(object, sizeof object, "thing %u", number);
    return store_audit_append(&world->audit,
                              &(struct model_audit_event){
                                  .actor = &admin,
                                  .action = "thing.change",
                                  .object = base_bytes_text(object),
                              },
                              NULL, wait);
}

static void
say_many(struct world *world, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(say(world, i, NULL), ERR_OK);
}

/* ---- reading all of it ---- */

struct reading {
    struct crypt_merkle tree;
    uint8_t leaves[2 * ENTRIES][32];
    char last[STORE_AUDIT_ENTRY_MAX];
};

static bool
reading_entry(void *self, uint64_t index, struct bytes entry)
{
    struct reading *reading = self;
    assert_int_equal(index, reading->tree.count);
    assert_true(index < 2 * ENTRIES);
    crypt_merkle_leaf(entry, reading->leaves[index]);
    crypt_merkle_add(&reading->tree, reading->leaves[index]);
    base_bytes_string(entry, reading->last, sizeof reading->last);
    return true;
}

static struct reading *
read_all(struct world *world)
{
    struct reading *reading = base_mem_zero(sizeof *reading);
    assert_int_equal(
        store_audit_list(&world->audit, 0, 2 * ENTRIES, reading_entry, reading),
        ERR_OK);
    return reading;
}

/* The kept subtrees say what the entries say. */
static void
assert_whole(struct world *world)
{
    struct reading *reading = read_all(world);
    struct wire_head head;
    uint8_t root[32];
    assert_int_equal(store_audit_head(&world->audit, &head), ERR_OK);
    assert_int_equal(head.size, reading->tree.count);
    crypt_merkle_root(&reading->tree, root);
    assert_memory_equal(root, head.root, 32);
    base_mem_free(reading);
}

/* ---- the log ---- */

static void
an_entry_is_canonical_json(void **state)
{
    (void)state;
    struct world *world = world_new(1);
    uint8_t digest[32] = {0xab};
    const struct model_grant_principal who = {
        .kind = MODEL_GRANT_USER, .name = base_bytes_text("\xe7\x8e\x8b\"\\")};
    const struct model_audit_event event = {
        .actor = &who,
        .action = "user.create",
        .object = base_bytes_text("a\x01\n\xff z"),
        .before = base_bytes(digest, 32),
        .reason = base_bytes_text("because"),
    };
    assert_int_equal(store_audit_append(&world->audit, &event, NULL, NULL),
                     ERR_OK);
    struct reading *reading = read_all(world);
    assert_string_equal(
        reading->last,
        "{\"action\":\"user.create\",\"actor\":{\"kind\":\"user\",\"name\":"
        "\"\xe7\x8e\x8b\\\"\\\\\"},\"after\":\"\",\"before\":\"ab000000000000"
        "00000000000000000000000000000000000000000000000000\",\"node\":\"88.31"
        "\",\"object\":\"a\\u0001\\n\xef\xbf\xbd z\",\"reason\":\"because\","
        "\"time_ms\":1763787600000}");
    base_mem_free(reading);
    world_free(world);
}

static void
what_is_too_long_is_cut_at_a_character(void **state)
{
    (void)state;
    struct world *world = world_new(2);
    char object[1200] = "x";
    for (unsigned i = 0; i < 300; i++)
        memcpy(object + 1 + 3 * i, "\xe7\x8e\x8b", 4);
    const struct model_grant_principal nobody = {0};
    const struct model_audit_event event = {
        .actor = &nobody, .action = "a.b", .object = base_bytes_text(object)};
    assert_int_equal(store_audit_append(&world->audit, &event, NULL, NULL),
                     ERR_OK);
    struct reading *reading = read_all(world);
    assert_non_null(strstr(reading->last, "\xe7\x8e\x8b...\",\"reason\""));
    assert_true(base_bytes_utf8(base_bytes_text(reading->last)));
    assert_true(strlen(reading->last) < 700);
    base_mem_free(reading);
    world_free(world);
}

static void
every_entry_of_a_growing_log_is_proved(void **state)
{
    (void)state;
    struct world *world = world_new(3);
    uint8_t room[WIRE_HEAD_PATH_MAX];
    struct base_out path;
    struct wire_head head, before = {0};
    for (unsigned size = 1; size <= ENTRIES; size++) {
        uint64_t index = 0, wanted = (size * 7) % size;
        assert_int_equal(say(world, size, NULL), ERR_OK);
        assert_int_equal(store_audit_size(&world->audit), size);
        assert_int_equal(store_audit_head(&world->audit, &head), ERR_OK);
        base_out_fixed(&path, room, sizeof room);
        assert_int_equal(
            store_audit_consistency(&world->audit, before.size, size, &path),
            ERR_OK);
        if (before.size > 0)
            assert_true(crypt_merkle_consistent(before.size, size, before.root,
                                                head.root,
                                                base_out_bytes(&path)));
        struct reading *reading = read_all(world);
        base_out_reset(&path);
        assert_int_equal(store_audit_proof(&world->audit,
                                           reading->leaves[wanted], size,
                                           &index, &path),
                         ERR_OK);
        assert_int_equal(index, wanted);
        assert_true(crypt_merkle_included(index, size, reading->leaves[wanted],
                                          base_out_bytes(&path), head.root));
        base_mem_free(reading);
        if (size % 17 == 0)
            before = head;
    }
    assert_whole(world);
    base_out_fixed(&path, room, sizeof room);
    assert_int_equal(
        store_audit_consistency(&world->audit, 1, ENTRIES + 1, &path),
        ERR_RANGE);
    world_free(world);
}

static void
a_change_and_its_entry_go_down_together_or_not_at_all(void **state)
{
    (void)state;
    struct world *world = world_new(4);
    const struct model_grant_principal nobody = {0};
    const struct model_audit_event event = {.actor = &nobody, .action = "a.b"};
    store_kv_world_test_put_ok(&world->kv, "k", "old");
    struct store_kv_batch *batch = store_kv_batch_new(world->kv.kv);
    store_kv_expect(batch, T, b("k"), b("other"));
    store_kv_put(batch, T, b("k"), b("new"));
    assert_int_equal(store_audit_append(&world->audit, &event, batch, NULL),
                     ERR_CONFLICT);
    assert_int_equal(store_audit_size(&world->audit), 0);
    batch = store_kv_batch_new(world->kv.kv);
    store_kv_put(batch, T, b("k"), b("new"));
    assert_int_equal(store_audit_append(&world->audit, &event, batch, NULL),
                     ERR_OK);
    assert_int_equal(store_audit_size(&world->audit), 1);
    store_kv_world_test_now(&world->kv, "k", "new");
    assert_whole(world);
    world_free(world);
}

static void
what_was_acknowledged_survives_every_crash(void **state)
{
    (void)state;
    struct world *world = world_new(5);
    unsigned said = 0;
    uint64_t kept = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned synced = 1 + (round * 5) % 9, lost = (round * 3) % 7;
        for (unsigned i = 0; i < synced; i++)
            assert_int_equal(say(world, said++, NULL), ERR_OK);
        store_kv_world_test_sync(&world->kv);
        kept = store_audit_size(&world->audit);
        for (unsigned i = 0; i < lost; i++)
            assert_int_equal(say(world, said++, NULL), ERR_OK);
        store_kv_world_test_crash(&world->kv, round % 2 ? FAULT_FILES_ALL
                                                        : FAULT_FILES_SECTORS);
        store_kv_world_test_open(&world->kv);
        world_hold(world);
        assert_true(store_audit_size(&world->audit) >= kept);
        assert_true(store_audit_size(&world->audit) <= kept + lost);
        assert_whole(world);
    }
    world_free(world);
}

/* ---- heads on their way ---- */

static void
world_send(struct world *world, unsigned entries, int64_t every_ms)
{
    world->send = (struct store_audit_send){
        .audit = &world->audit,
        .port = &world->port,
        .epoch = world_epoch,
        .epoch_self = world,
        .entries = entries,
        .every_ms = every_ms,
    };
    store_audit_send_start(&world->send);
    fault_loop_run(&world->kv.loop, 1);
}

static struct wire_head_message
sent(struct world *world, unsigned at)
{
    struct wire_head_message message;
    assert_true(at < world->sent_count);
    assert_int_equal(
        wire_head_message_read(
            base_bytes(world->sent[at].bytes, world->sent[at].size), &message),
        ERR_OK);
    return message;
}

static void
a_head_goes_up_after_so_many_entries_or_so_long(void **state)
{
    (void)state;
    struct world *world = world_new(6);
    say_many(world, 3);
    world_send(world, 10, 60000);
    assert_int_equal(world->sent_count, 1); /* never before: at once */
    assert_int_equal(sent(world, 0).first, 0);
    say_many(world, 9);
    fault_loop_run(&world->kv.loop, 1);
    assert_int_equal(world->sent_count, 1);
    say_many(world, 1);
    fault_loop_run(&world->kv.loop, 1);
    assert_int_equal(world->sent_count, 2);
    assert_int_equal(sent(world, 1).first, 3);
    assert_int_equal(sent(world, 1).head.size, 13);
    say_many(world, 1);
    fault_loop_run(&world->kv.loop, 59000);
    assert_int_equal(world->sent_count, 2);
    fault_loop_run(&world->kv.loop, 2000);
    assert_int_equal(world->sent_count, 3);
    fault_loop_run(&world->kv.loop, 200000); /* nothing new: nothing sent */
    assert_int_equal(world->sent_count, 3);
    world_free(world);
}

/* ---- heads kept ---- */

static enum err
offer_bytes(struct world *world, struct bytes body)
{
    struct store_kv_batch *batch = store_kv_batch_new(world->kv.kv);
    const struct model_message message = {.from = base_bytes_text("88.31"),
                                          .body = body};
    enum err code = ERR_OK;
    if (store_audit_keep_take(&world->keep, &message, batch, &code) ==
        MODEL_TOOK_OK) {
        assert_int_equal(store_kv_commit(world->kv.kv, batch, NULL, NULL),
                         ERR_OK);
        return ERR_OK;
    }
    store_kv_batch_free(batch);
    return code;
}

static enum err
offer(struct world *parent, const struct world *child, unsigned at)
{
    return offer_bytes(parent,
                       base_bytes(child->sent[at].bytes, child->sent[at].size));
}

/* A child with heads of 3, 5 and 9 entries. */
static struct world *
child_new(uint64_t seed, unsigned shift)
{
    struct world *child = world_new(seed);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(say(child, i + shift, NULL), ERR_OK);
    world_send(child, 2, 60000);
    say_many(child, 2);
    fault_loop_run(&child->kv.loop, 1);
    say_many(child, 4);
    fault_loop_run(&child->kv.loop, 1);
    assert_int_equal(child->sent_count, 3);
    return child;
}

struct kept {
    enum store_audit_keep_state states[8];
    unsigned count;
};

static bool
kept_one(void *self, const struct store_audit_kept *one)
{
    struct kept *kept = self;
    assert_true(kept->count < 8);
    assert_int_equal(one->number, kept->count + 1);
    kept->states[kept->count++] = one->state;
    return true;
}

static struct kept
kept_of(struct world *parent)
{
    struct kept kept = {.count = 0};
    assert_int_equal(store_audit_keep_list(&parent->keep,
                                           base_bytes_text("88.31"), 0, 8,
                                           kept_one, &kept),
                     ERR_OK);
    return kept;
}

static void
heads_that_continue_each_other_are_kept(void **state)
{
    (void)state;
    struct world *parent = world_new(7), *child = child_new(8, 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(offer(parent, child, i), ERR_OK);
    struct kept kept = kept_of(parent);
    assert_int_equal(kept.count, 3);
    assert_int_equal(kept.states[0], STORE_AUDIT_KEEP_FIRST);
    assert_int_equal(kept.states[1], STORE_AUDIT_KEEP_PROVEN);
    assert_int_equal(kept.states[2], STORE_AUDIT_KEEP_PROVEN);
    assert_string_equal(parent->alerts, "");
    world_free(child);
    world_free(parent);
}

/* The owner has changed his first entry and hashed and signed all anew. */
static void
a_log_made_anew_is_a_fork_and_its_evidence_is_kept(void **state)
{
    (void)state;
    struct world *parent = world_new(9), *child = child_new(10, 0);
    struct world *other = world_new(11);
    struct crypt_key *own = other->key;
    other->key = child->key;
    world_hold(other);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(say(other, i + 100, NULL), ERR_OK);
    world_send(other, 2, 60000);
    say_many(other, 2);
    fault_loop_run(&other->kv.loop, 1);
    say_many(other, 4);
    fault_loop_run(&other->kv.loop, 1);
    assert_int_equal(offer(parent, child, 0), ERR_OK);
    assert_int_equal(offer(parent, other, 1), ERR_CONFLICT);
    assert_string_equal(parent->alerts, "audit_fork ");
    assert_int_equal(offer(parent, other, 2), ERR_CONFLICT);
    assert_int_equal(offer(parent, child, 1), ERR_CONFLICT);
    struct kept kept = kept_of(parent);
    assert_int_equal(kept.count, 2);
    assert_int_equal(kept.states[1], STORE_AUDIT_KEEP_FORK);
    other->key = own;
    world_free(other);
    world_free(child);
    world_free(parent);
}

static void
a_shorter_log_is_a_fork(void **state)
{
    (void)state;
    struct world *parent = world_new(12), *child = child_new(13, 0);
    assert_int_equal(offer(parent, child, 0), ERR_OK);
    assert_int_equal(offer(parent, child, 1), ERR_OK);
    assert_int_equal(offer(parent, child, 0), ERR_CONFLICT);
    assert_string_equal(parent->alerts, "audit_fork ");
    world_free(child);
    world_free(parent);
}

static void
another_key_and_a_changed_head_are_refused(void **state)
{
    (void)state;
    struct world *parent = world_new(14), *child = child_new(15, 0);
    struct world *stranger = child_new(16, 0);
    assert_int_equal(offer(parent, child, 0), ERR_OK);
    assert_int_equal(offer(parent, stranger, 1), ERR_DENIED);
    child->sent[1].bytes[30] ^= 1; /* in the root */
    assert_int_equal(offer(parent, child, 1), ERR_DENIED);
    assert_string_equal(parent->alerts, "audit_key audit_key ");
    assert_int_equal(kept_of(parent).count, 1);
    assert_int_equal(offer_bytes(parent, base_bytes("\x01", 1)), ERR_SHORT);
    world_free(stranger);
    world_free(child);
    world_free(parent);
}

static void
a_missed_head_is_kept_but_said(void **state)
{
    (void)state;
    struct world *parent = world_new(17), *child = child_new(18, 0);
    assert_int_equal(offer(parent, child, 0), ERR_OK);
    assert_int_equal(offer(parent, child, 2), ERR_OK);
    assert_int_equal(kept_of(parent).states[1], STORE_AUDIT_KEEP_UNPROVEN);
    assert_string_equal(parent->alerts, "audit_unproven ");
    world_free(child);
    world_free(parent);
}

static void
a_node_that_joins_again_may_begin_a_new_log(void **state)
{
    (void)state;
    struct world *parent = world_new(19), *child = child_new(20, 0);
    struct world *again = world_new(21);
    again->epoch = 2;
    say_many(again, 1);
    world_send(again, 2, 60000);
    assert_int_equal(offer(parent, child, 0), ERR_OK);
    assert_int_equal(offer(parent, again, 0), ERR_OK);
    assert_int_equal(kept_of(parent).states[1], STORE_AUDIT_KEEP_RESTARTED);
    assert_string_equal(parent->alerts, "audit_restarted ");
    assert_int_equal(offer(parent, child, 1), ERR_STALE);
    world_free(again);
    world_free(child);
    world_free(parent);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_canonical_json),
        cmocka_unit_test(what_is_too_long_is_cut_at_a_character),
        cmocka_unit_test(every_entry_of_a_growing_log_is_proved),
        cmocka_unit_test(a_change_and_its_entry_go_down_together_or_not_at_all),
        cmocka_unit_test(what_was_acknowledged_survives_every_crash),
        cmocka_unit_test(a_head_goes_up_after_so_many_entries_or_so_long),
        cmocka_unit_test(heads_that_continue_each_other_are_kept),
        cmocka_unit_test(a_log_made_anew_is_a_fork_and_its_evidence_is_kept),
        cmocka_unit_test(a_shorter_log_is_a_fork),
        cmocka_unit_test(another_key_and_a_changed_head_are_refused),
        cmocka_unit_test(a_missed_head_is_kept_but_said),
        cmocka_unit_test(a_node_that_joins_again_may_begin_a_new_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
