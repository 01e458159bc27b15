/* store_world_test.c -- see store_world_test.h. */
#include "store/store_world_test.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/base_mem.h"

const char store_world_test_first[] =
    "/data/journal/records/0000000000000001.jnl";

void
store_world_test_init(struct store_world *world, uint64_t seed)
{
    *world = (struct store_world){.disk = fault_files_new(seed)};
    fault_loop_init(&world->loop, (struct wall){1763787600000});
    base_rng_seed(&world->rng, seed);
    base_stat_init(&world->stats);
    world->config = (struct store_journal_config){
        .files = fault_files_base(world->disk),
        .loop = &world->loop.base,
        .random = &world->rng.random,
        .stats = &world->stats,
        .folder = "/data/journal",
        .shards = 2,
        .file_bytes = 64 << 10,
        .ignore_marks = true,
    };
}

void
store_world_test_open(struct store_world *world)
{
    struct base_note note = {0};
    enum err err = store_journal_open(&world->config, &world->journal, &note);
    if (err != ERR_OK)
        print_error("%s: %s\n", note.where, note.text);
    assert_int_equal(err, ERR_OK);
}

void
store_world_test_start(struct store_world *world)
{
    store_world_test_open(world);
    assert_int_equal(store_journal_start(world->journal), ERR_OK);
}

void
store_world_test_crash(struct store_world *world, enum fault_files_loss loss)
{
    store_journal_crash(world->journal);
    world->journal = NULL;
    fault_loop_crash(&world->loop);
    fault_files_crash(world->disk, loss);
}

void
store_world_test_done(struct store_world *world)
{
    store_journal_crash(world->journal);
    fault_loop_done(&world->loop);
    base_stat_done(&world->stats);
    fault_files_free(world->disk);
}

/* A record of this size whose body says its number. */
enum err
store_world_test_put(struct store_world *world, unsigned stream,
                     uint32_t number, size_t size, uint64_t *ret_sequence)
{
    uint8_t *body = base_mem_zero(size);
    memset(body, (int)number, size);
    memcpy(body, &number, sizeof number);
    struct bytes part = base_bytes(body, size);
    enum err err = store_journal_append(
        world->journal, stream, STORE_JOURNAL_OPAQUE, &part, 1, ret_sequence);
    base_mem_free(body);
    return err;
}

void
store_world_test_put_ok(struct store_world *world, unsigned stream,
                        uint32_t number, size_t size)
{
    uint64_t sequence;
    assert_int_equal(
        store_world_test_put(world, stream, number, size, &sequence), ERR_OK);
}

void
store_world_test_flush(struct store_world *world, unsigned stream)
{
    uint64_t last = store_journal_appended(world->journal, stream);
    assert_int_equal(store_journal_flush(world->journal, stream, last), ERR_OK);
}

static enum err
store_world_test_see(void *self, uint64_t sequence, uint8_t type,
                     struct bytes body)
{
    struct store_world_seen *seen = self;
    assert_int_equal(type, STORE_JOURNAL_OPAQUE);
    assert_true(body.size >= sizeof(uint32_t) && seen->count < 4096);
    uint32_t number;
    memcpy(&number, body.at, sizeof number);
    for (size_t i = sizeof number; i < body.size; i++)
        assert_int_equal(body.at[i], (uint8_t)number);
    seen->numbers[seen->count] = number;
    seen->sequences[seen->count++] = sequence;
    return ERR_OK;
}

struct store_world_seen *
store_world_test_seen(struct store_world *world, unsigned stream,
                      uint64_t after)
{
    struct store_world_seen *seen = base_mem_zero(sizeof *seen);
    assert_int_equal(store_journal_replay(world->journal, stream, after,
                                          store_world_test_see, seen),
                     ERR_OK);
    return seen;
}

/* Exactly the numbers 1..count are there. */
void
store_world_test_assert(struct store_world *world, unsigned stream,
                        unsigned count)
{
    struct store_world_seen *seen = store_world_test_seen(world, stream, 0);
    assert_int_equal(seen->count, count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(seen->numbers[i], i + 1);
    base_mem_free(seen);
}

void
store_world_test_read(struct store_world *world, const char *path,
                      uint64_t offset, void *to, size_t size)
{
    struct sys_files *files = world->config.files;
    struct sys_file *file;
    size_t got;
    assert_int_equal(files->ops->open(files, path, SYS_FILE_READ, &file),
                     ERR_OK);
    assert_int_equal(files->ops->read(files, file, offset, to, size, &got),
                     ERR_OK);
    assert_int_equal(got, size);
    files->ops->shut(files, file);
}
