/* stream_keep_test.c -- what doors keep: put, deleted, loaded, durable. */
#include "engine/stream/stream_keep.h"
#include "engine/stream/stream_world_test.h"

static struct world world;
static unsigned done;
static enum err done_err;

static void
test_done(struct stream_keep_call *call, enum err err)
{
    (void)call;
    done++;
    done_err = err;
}

static struct stream_keep *
keep_new(void)
{
    struct stream_keep *keep;
    assert_int_equal(
        stream_keep_new(world.kv, &world.loop.base, &world.loop.base, &keep),
        ERR_OK);
    return keep;
}

static enum err
keep_put(struct stream_keep *keep, enum stream_keep_kind kind,
         struct bytes name, struct bytes value)
{
    struct stream_keep_call call = {.done = test_done};
    unsigned before = done;
    stream_keep_put(keep, &call, kind, name, value);
    assert_int_equal(done, before); /* never inside the call */
    fault_loop_run(&world.loop, 100);
    assert_int_equal(done, before + 1);
    return done_err;
}

static char seen[2048];

static void
test_row(void *self, struct bytes name, struct bytes value)
{
    (void)self;
    size_t size = strlen(seen);
    snprintf(seen + size, sizeof seen - size, "%.*s=%.*s ",
             name.size < 20 ? (int)name.size : 20, (const char *)name.at,
             (int)value.size, (const char *)value.at);
}

static const char *
keep_show(struct stream_keep *keep, enum stream_keep_kind kind)
{
    seen[0] = 0;
    assert_int_equal(stream_keep_load(keep, kind, test_row, NULL), ERR_OK);
    return seen;
}

static void
kept_rows_survive_a_crash_and_deleted_ones_do_not(void **state)
{
    (void)state;
    world_init(&world, 1);
    world_open(&world);
    struct stream_keep *keep = keep_new();
    char long_name[600];
    memset(long_name, 'n', sizeof long_name);
    struct bytes far = base_bytes(long_name, sizeof long_name);
    enum stream_keep_kind kind = STREAM_KEEP_RETAINED;
    assert_int_equal(
        keep_put(keep, kind, base_bytes_text("a"), base_bytes_text("1")),
        ERR_OK);
    assert_int_equal(
        keep_put(keep, kind, base_bytes_text("b"), base_bytes_text("2")),
        ERR_OK);
    assert_int_equal(keep_put(keep, kind, far, base_bytes_text("far")), ERR_OK);
    assert_int_equal(keep_put(keep, STREAM_KEEP_SESSION, base_bytes_text("a"),
                              base_bytes_text("s")),
                     ERR_OK);
    assert_int_equal(
        keep_put(keep, kind, base_bytes_text("a"), base_bytes_text("3")),
        ERR_OK);
    assert_int_equal(
        keep_put(keep, kind, base_bytes_text("b"), (struct bytes){NULL, 0}),
        ERR_OK);
    stream_keep_free(keep);
    world_crash(&world, FAULT_FILES_ALL);
    world_open(&world);
    keep = keep_new();
    assert_string_equal(keep_show(keep, kind), "a=3 nnnnnnnnnnnnnnnnnnnn=far ");
    assert_string_equal(keep_show(keep, STREAM_KEEP_SESSION), "a=s ");
    stream_keep_free(keep);
    world_done(&world);
}

static void
what_is_too_big_is_refused(void **state)
{
    (void)state;
    world_init(&world, 2);
    world_open(&world);
    struct stream_keep *keep = keep_new();
    size_t size = 600 << 10;
    uint8_t *big = base_mem_zero(size);
    assert_int_equal(keep_put(keep, STREAM_KEEP_RETAINED, base_bytes_text("a"),
                              base_bytes(big, size)),
                     ERR_BIG);
    assert_string_equal(keep_show(keep, STREAM_KEEP_RETAINED), "");
    base_mem_free(big);
    stream_keep_free(keep);
    world_done(&world);
}

static void
a_full_disk_is_told(void **state)
{
    (void)state;
    world_init(&world, 3);
    world_open(&world);
    struct stream_keep *keep = keep_new();
    fault_files_rule(world.disk,
                     &(struct fault_files_rule){.call = FAULT_FILES_WRITE,
                                                .path = "journal",
                                                .from = 1,
                                                .err = ERR_FULL});
    assert_int_equal(keep_put(keep, STREAM_KEEP_RETAINED, base_bytes_text("a"),
                              base_bytes_text("1")),
                     ERR_FULL);
    fault_files_clear(world.disk);
    fault_loop_run(&world.loop, 3000);
    assert_string_equal(keep_show(keep, STREAM_KEEP_RETAINED), "");
    assert_int_equal(keep_put(keep, STREAM_KEEP_RETAINED, base_bytes_text("a"),
                              base_bytes_text("1")),
                     ERR_OK);
    stream_keep_free(keep);
    world_done(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_rows_survive_a_crash_and_deleted_ones_do_not),
        cmocka_unit_test(what_is_too_big_is_refused),
        cmocka_unit_test(a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
