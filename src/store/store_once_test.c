/* store_once_test.c -- what is known of a request after repeats and crashes. */
#include "store/store_once.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "store/store_kv_world_test.h"

enum { SLOTS = 4, DAY_MS = 24 * 3600 * 1000 };

struct world {
    struct store_kv_world kv;
    struct store_once once;
    uint64_t boots;
};

static void
world_open(struct world *world)
{
    store_kv_world_test_open(&world->kv);
    world->once = (struct store_once){
        .kv = world->kv.kv, .boot = ++world->boots, .slots = SLOTS};
}

static void
world_crash(struct world *world, enum fault_files_loss loss)
{
    store_kv_world_test_crash(&world->kv, loss);
    world_open(world);
}

static int
world_init(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    store_kv_world_test_init(&world.kv, 1);
    world_open(&world);
    *state = &world;
    return 0;
}

static int
world_done(void **state)
{
    struct world *world = *state;
    store_kv_world_test_done(&world->kv);
    return 0;
}

static enum err
begin(struct world *world, uint8_t id, uint8_t digest, int64_t now_ms,
      struct store_once_answer *ret_answer)
{
    uint8_t ids[STORE_ONCE_HASH] = {id}, digests[STORE_ONCE_HASH] = {digest};
    return store_once_begin(&world->once, ids, digests, now_ms, ret_answer);
}

static void
end(struct world *world, uint8_t id, const char *body)
{
    uint8_t ids[STORE_ONCE_HASH] = {id};
    store_once_end(&world->once, ids, 201, b("application/json"), b(body));
}

static void
a_repeat_gets_the_first_answer(void **state)
{
    struct world *world = *state;
    struct store_once_answer answer;
    assert_int_equal(begin(world, 1, 1, 0, &answer), ERR_OK);
    assert_int_equal(begin(world, 1, 1, 0, &answer), ERR_AGAIN);
    end(world, 1, "{\"a\":1}");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(begin(world, 1, 1, DAY_MS - 1, &answer), ERR_USED);
        assert_int_equal(answer.status, 201);
        assert_true(base_bytes_is(answer.type, "application/json"));
        assert_true(base_bytes_is(answer.body, "{\"a\":1}"));
    }
    assert_int_equal(begin(world, 1, 2, 0, &answer), ERR_MISMATCH);
    assert_int_equal(begin(world, 2, 1, 0, &answer), ERR_OK);
}

static void
a_crash_leaves_an_answer_or_nothing_or_says_that_nobody_knows(void **state)
{
    struct world *world = *state;
    struct store_once_answer answer;
    assert_int_equal(begin(world, 1, 1, 0, &answer), ERR_OK);
    end(world, 1, "one");
    assert_int_equal(begin(world, 2, 1, 0, &answer), ERR_OK);
    store_kv_world_test_sync(&world->kv);
    assert_int_equal(begin(world, 3, 1, 0, &answer), ERR_OK);
    end(world, 3, "three");
    world_crash(world, FAULT_FILES_ALL); /* what was not synced is lost */
    assert_int_equal(begin(world, 1, 1, 0, &answer), ERR_USED);
    assert_true(base_bytes_is(answer.body, "one"));
    assert_int_equal(begin(world, 2, 1, 0, &answer), ERR_LOST);
    assert_int_equal(begin(world, 3, 1, 0, &answer), ERR_OK);
}

static void
what_failed_may_come_again(void **state)
{
    struct world *world = *state;
    struct store_once_answer answer;
    uint8_t id[STORE_ONCE_HASH] = {1};
    assert_int_equal(begin(world, 1, 1, 0, &answer), ERR_OK);
    store_once_forget(&world->once, id);
    assert_int_equal(begin(world, 1, 2, 0, &answer), ERR_OK);
}

static void
a_secret_and_a_long_answer_are_not_kept_but_that_it_was_done_is(void **state)
{
    struct world *world = *state;
    struct store_once_answer answer;
    uint8_t secret[STORE_ONCE_HASH] = {1}, big[STORE_ONCE_HASH] = {2};
    static char text[STORE_ONCE_ANSWER + 1];
    assert_int_equal(begin(world, 1, 1, 0, &answer), ERR_OK);
    store_once_end(&world->once, secret, 201, (struct bytes){0}, b("dgk_1"));
    assert_int_equal(begin(world, 2, 1, 0, &answer), ERR_OK);
    store_once_end(&world->once, big, 200, b("text/plain"),
                   base_bytes(text, sizeof text));
    for (uint8_t id = 1; id <= 2; id++) {
        assert_int_equal(begin(world, id, 1, 0, &answer), ERR_USED);
        assert_int_equal(answer.status, 0);
        assert_int_equal(answer.body.size, 0);
    }
}

static unsigned world_rows(struct world *world);

static void
only_the_newest_are_remembered_and_for_a_day(void **state)
{
    struct world *world = *state;
    struct store_once_answer answer;
    for (uint8_t id = 1; id <= 6; id++) {
        assert_int_equal(begin(world, id, 1, 0, &answer), ERR_OK);
        end(world, id, "x");
    }
    assert_int_equal(base_stat_get(&world->once.dropped), 2);
    for (uint8_t id = 3; id <= 6; id++)
        assert_int_equal(begin(world, id, 1, 0, &answer), ERR_USED);
    assert_int_equal(world_rows(world), 2 * SLOTS + 1);
    /* A day later all may come again, and keep their second slots. */
    for (uint8_t id = 6; id >= 3; id--) {
        assert_int_equal(begin(world, id, 2, DAY_MS, &answer), ERR_OK);
        end(world, id, "y");
    }
    for (uint8_t id = 3; id <= 6; id++)
        assert_int_equal(begin(world, id, 2, DAY_MS, &answer), ERR_USED);
    assert_int_equal(base_stat_get(&world->once.dropped), 2);
    assert_int_equal(world_rows(world), 2 * SLOTS + 1);
}

static bool
count_row(void *self, struct bytes key, struct bytes value)
{
    unsigned *count = self;
    (void)key;
    (void)value;
    ++*count;
    return true;
}

static unsigned
world_rows(struct world *world)
{
    unsigned count = 0;
    assert_int_equal(store_kv_scan(store_kv_now(world->kv.kv), STORE_TABLE_ONCE,
                                   (struct bytes){0}, (struct bytes){0}, 100,
                                   count_row, &count, NULL),
                     ERR_OK);
    return count;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_repeat_gets_the_first_answer,
                                        world_init, world_done),
        cmocka_unit_test_setup_teardown(
            a_crash_leaves_an_answer_or_nothing_or_says_that_nobody_knows,
            world_init, world_done),
        cmocka_unit_test_setup_teardown(what_failed_may_come_again, world_init,
                                        world_done),
        cmocka_unit_test_setup_teardown(
            a_secret_and_a_long_answer_are_not_kept_but_that_it_was_done_is,
            world_init, world_done),
        cmocka_unit_test_setup_teardown(
            only_the_newest_are_remembered_and_for_a_day, world_init,
            world_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
