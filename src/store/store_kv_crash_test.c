/* store_kv_crash_test.c -- two catalogues on one journal against a model, over
 * crashes, full disks and failed syncs.
 *
 * Each batch writes its number under one key and some others besides.  What is
 * found after a crash must be the outcome of a beginning of the batches that
 * were not refused, whole ones, with all that were acknowledged. */
#include "store/store_kv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_rng.h"
#include "fault/fault_files.h"
#include "fault/fault_loop.h"

enum {
    OWNERS = 2,
    BATCHES = 4000, /* an owner's, in a life of a disk */
    KEYS = 30,
    CHANGES = 6,
    LIVES = 10,
    STEPS = 60,
    KIB = 1 << 10,
    T = STORE_TABLE_UNIT,
};

enum fate { FATE_OPEN, FATE_STORED, FATE_REFUSED, FATE_FAILED, FATE_GONE };

struct change {
    uint8_t key;
    bool del;
    uint32_t size;
};

struct batch {
    struct store_journal_wait wait;
    struct change changes[CHANGES];
    unsigned count;
    enum fate fate;
};

struct owner {
    struct world *world;
    struct store_kv *kv;
    struct store_kv_config config;
    char folder[64];
    struct batch *batches[BATCHES]; /* number 0 is none */
    uint32_t last;
};

struct world {
    struct fault_files *disk;
    struct fault_loop loop;
    struct base_rng rng;
    struct base_stats stats;
    struct store_journal_config config;
    struct store_journal *journal;
    struct owner owners[OWNERS];
    uint64_t seed;
};

/* ---- the model ---- */

struct cell {
    uint32_t number; /* of the batch that wrote it; 0: absent */
    uint32_t size;
};

/* What batches 1..until make of the keys, without those that are out. */
static void
model_cells(const struct owner *owner, uint32_t until, struct cell *cells)
{
    memset(cells, 0, KEYS * sizeof *cells);
    for (uint32_t number = 1; number <= until; number++) {
        const struct batch *batch = owner->batches[number];
        if (batch->fate != FATE_OPEN && batch->fate != FATE_STORED)
            continue;
        for (unsigned i = 0; i < batch->count; i++) {
            const struct change *change = &batch->changes[i];
            struct cell set = {number, change->size}, none = {0};
            cells[change->key] = change->del ? none : set;
        }
    }
}

static void
value_fill(uint32_t number, uint32_t size, uint8_t *to)
{
    memset(to, (int)(number * 7), size);
    memcpy(to, &number, sizeof number);
}

static void
assert_cell(struct owner *owner, unsigned key, struct cell cell)
{
    uint8_t name = (uint8_t)key;
    struct bytes found;
    enum err err =
        store_kv_get(store_kv_now(owner->kv), T, base_bytes(&name, 1), &found);
    if (err != (cell.number ? ERR_OK : ERR_ABSENT))
        fail_msg("seed %llu: key %u: %s",
                 (unsigned long long)owner->world->seed, key,
                 base_err_name(err));
    if (!cell.number)
        return;
    uint8_t *value = base_mem_new(cell.size);
    value_fill(cell.number, cell.size, value);
    assert_int_equal(found.size, cell.size);
    assert_memory_equal(found.at, value, cell.size);
    base_mem_free(value);
}

static void
assert_cells(struct owner *owner, uint32_t until)
{
    struct cell cells[KEYS];
    model_cells(owner, until, cells);
    for (unsigned key = 0; key < KEYS; key++)
        assert_cell(owner, key, cells[key]);
}

static uint32_t
owner_number(struct owner *owner)
{
    struct bytes found;
    uint32_t number = 0;
    enum err err = store_kv_get(store_kv_now(owner->kv), T,
                                base_bytes_text("number"), &found);
    if (err == ERR_OK)
        memcpy(&number, found.at, sizeof number);
    return number;
}

/* After opening. */
static void
owner_check(struct owner *owner)
{
    uint32_t number = owner_number(owner);
    assert_true(number <= owner->last);
    for (uint32_t i = 1; i <= owner->last; i++) {
        struct batch *batch = owner->batches[i];
        if (i > number && batch->fate == FATE_STORED)
            fail_msg("seed %llu: lost batch %u",
                     (unsigned long long)owner->world->seed, i);
        if (i == number && batch->fate == FATE_REFUSED)
            fail_msg("seed %llu: refused batch %u came back",
                     (unsigned long long)owner->world->seed, i);
        if (batch->fate == FATE_OPEN || batch->fate == FATE_FAILED)
            batch->fate = i <= number ? FATE_STORED : FATE_GONE;
    }
    assert_cells(owner, number);
}

static void
owner_rewound(void *self)
{
    struct owner *owner = self;
    if (fault_files_is_off(owner->world->disk))
        return; /* nothing can be read back */
    for (uint32_t i = 1; i <= owner->last; i++)
        assert_int_not_equal(owner->batches[i]->fate, FATE_OPEN);
    assert_cells(owner, owner->last);
}

/* ---- steps ---- */

static void
batch_told(struct store_journal_wait *wait, enum err err)
{
    struct batch *batch = BASE_OUTER(wait, struct batch, wait);
    assert_int_equal(batch->fate, FATE_OPEN);
    batch->fate = err == ERR_OK     ? FATE_STORED
                  : err == ERR_FULL ? FATE_REFUSED
                                    : FATE_FAILED;
}

/* Expect what is there, or something else; true: it holds. */
static bool
batch_expect(struct owner *owner, struct store_kv_batch *to)
{
    struct base_rng *rng = &owner->world->rng;
    uint8_t key = (uint8_t)base_rng_below(rng, KEYS);
    bool lie = base_rng_below(rng, 4) == 0;
    struct bytes found = {NULL, 0};
    enum err err =
        store_kv_get(store_kv_now(owner->kv), T, base_bytes(&key, 1), &found);
    if (lie)
        found = err == ERR_OK ? (struct bytes){NULL, 0} : base_bytes("x", 1);
    store_kv_expect(to, T, base_bytes(&key, 1), found);
    return !lie;
}

static void
owner_commit(struct owner *owner)
{
    struct world *world = owner->world;
    struct base_rng *rng = &world->rng;
    static const uint32_t sizes[] = {4, 50, 3000, 20 * KIB};
    uint32_t number = owner->last + 1;
    if (number == BATCHES)
        return;
    struct batch *batch = base_mem_zero(sizeof *batch);
    batch->wait = (struct store_journal_wait){.fn = batch_told,
                                              .loop = &world->loop.base};
    struct store_kv_batch *to = store_kv_batch_new(owner->kv);
    bool holds = true;
    if (base_rng_below(rng, 3) == 0)
        holds = batch_expect(owner, to);
    batch->count = 1 + (unsigned)base_rng_below(rng, CHANGES);
    for (unsigned i = 0; i < batch->count; i++) {
        struct change *change = &batch->changes[i];
        change->key = (uint8_t)base_rng_below(rng, KEYS);
        change->del = base_rng_below(rng, 4) == 0;
        change->size =
            4 + (uint32_t)base_rng_below(rng, sizes[base_rng_below(rng, 4)]);
        uint8_t *value = base_mem_new(change->size);
        value_fill(number, change->size, value);
        if (change->del)
            store_kv_del(to, T, base_bytes(&change->key, 1));
        else
            store_kv_put(to, T, base_bytes(&change->key, 1),
                         base_bytes(value, change->size));
        base_mem_free(value);
    }
    store_kv_put(to, T, base_bytes_text("number"), base_bytes(&number, 4));
    owner->batches[number] = batch;
    enum err err = store_kv_commit(owner->kv, to, &batch->wait, NULL);
    if (err == ERR_OK) {
        owner->last = number;
        assert_true(holds);
        return;
    }
    assert_true(err == ERR_FULL || err == ERR_IO || err == ERR_BUSY ||
                (err == ERR_CONFLICT && !holds));
    base_mem_free(batch);
}

static void
world_fault(struct world *world)
{
    struct base_rng *rng = &world->rng;
    struct fault_files_rule rule = {.from = 1 + base_rng_below(rng, 6)};
    static const enum fault_files_call full[] = {
        FAULT_FILES_WRITE, FAULT_FILES_WRITE, FAULT_FILES_RESERVE,
        FAULT_FILES_RENAME};
    if (base_rng_below(rng, 8) == 0) {
        rule.call = FAULT_FILES_SYNC;
        rule.err = ERR_IO;
    } else {
        rule.call = full[base_rng_below(rng, BASE_COUNT(full))];
        rule.err = ERR_FULL;
    }
    rule.to = rule.from + base_rng_below(rng, 3);
    fault_files_clear(world->disk);
    fault_files_rule(world->disk, &rule);
}

static void
world_step(struct world *world)
{
    struct base_rng *rng = &world->rng;
    switch (base_rng_below(rng, 10)) {
    case 0:
        store_journal_close(world->journal, 0);
        break;
    case 1:
        fault_loop_run(&world->loop, (int64_t)base_rng_below(rng, 1500));
        break;
    case 2:
        if (base_rng_below(rng, 3) == 0)
            world_fault(world);
        break;
    case 3:
        fault_loop_run(&world->loop, 2);
        break;
    default:
        for (uint64_t i = base_rng_below(rng, 5); i > 0; i--)
            owner_commit(&world->owners[base_rng_below(rng, OWNERS)]);
        fault_loop_run(&world->loop, 0);
        break;
    }
}

/* ---- a life ---- */

static void
world_open(struct world *world)
{
    struct base_note note = {0};
    enum err err = store_journal_open(&world->config, &world->journal, &note);
    for (unsigned i = 0; i < OWNERS && err == ERR_OK; i++) {
        struct owner *owner = &world->owners[i];
        owner->config.journal = world->journal;
        err = store_kv_open(&owner->config, &owner->kv, &note);
    }
    if (err != ERR_OK)
        fail_msg("seed %llu: %s: %s", (unsigned long long)world->seed,
                 note.where, note.text);
    struct store_journal_health health;
    store_journal_health(world->journal, &health);
    assert_int_equal(health.lost_first, 0);
    for (unsigned i = 0; i < OWNERS; i++)
        owner_check(&world->owners[i]);
    assert_int_equal(store_journal_start(world->journal), ERR_OK);
}

static void
world_crash(struct world *world)
{
    for (unsigned i = 0; i < OWNERS; i++)
        store_kv_crash(world->owners[i].kv);
    store_journal_crash(world->journal);
}

static void
world_live(struct world *world)
{
    struct base_rng *rng = &world->rng;
    world_open(world);
    if (base_rng_below(rng, 4) > 0)
        fault_files_off_at(world->disk, 1 + base_rng_below(rng, 150));
    for (unsigned i = 0; i < STEPS; i++)
        world_step(world);
    if (base_rng_below(rng, 4) == 0) {
        for (unsigned i = 0; i < OWNERS; i++)
            store_kv_shut(world->owners[i].kv);
        store_journal_shut(world->journal);
        fault_loop_run(&world->loop, 0);
    } else {
        world_crash(world);
    }
    fault_loop_crash(&world->loop);
    fault_files_clear(world->disk);
    fault_files_crash(world->disk,
                      (enum fault_files_loss)base_rng_below(rng, 4));
}

static void
owner_init(struct world *world, unsigned index)
{
    struct owner *owner = &world->owners[index];
    owner->world = world;
    strcpy(owner->folder, "/tmp/store_kv_crash.XXXXXX");
    assert_non_null(mkdtemp(owner->folder));
    owner->config = (struct store_kv_config){
        .loop = &world->loop.base,
        .stats = &world->stats,
        .folder = owner->folder,
        .owner = index ? STORE_JOURNAL_ROLLUP : STORE_JOURNAL_IDENT,
        .map_bytes = 64 << 20,
        .no_sync = true,
        .rewound = owner_rewound,
        .self = owner,
    };
}

static void
owner_done(struct owner *owner)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "owner.lock"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        char *path = base_mem_format("%s/%s", owner->folder, names[i]);
        unlink(path);
        base_mem_free(path);
    }
    rmdir(owner->folder);
    for (uint32_t i = 1; i <= owner->last; i++)
        base_mem_free(owner->batches[i]);
}

static void
world_run(uint64_t seed)
{
    struct world *world = base_mem_zero(sizeof *world);
    world->seed = seed;
    world->disk = fault_files_new(seed);
    fault_loop_init(&world->loop, (struct wall){1763787600000});
    base_rng_seed(&world->rng, seed);
    base_stat_init(&world->stats);
    world->config = (struct store_journal_config){
        .files = fault_files_base(world->disk),
        .loop = &world->loop.base,
        .random = &world->rng.random,
        .stats = &world->stats,
        .folder = "/data/journal",
        .shards = 1,
        .file_bytes = 128 * KIB,
        .ignore_marks = true,
        .sync_delay_max_ms = seed % 3 == 0 ? 0 : 20,
    };
    for (unsigned i = 0; i < OWNERS; i++)
        owner_init(world, i);
    for (unsigned i = 0; i < LIVES; i++)
        world_live(world);
    world_open(world);
    world_crash(world);
    for (unsigned i = 0; i < OWNERS; i++)
        owner_done(&world->owners[i]);
    fault_loop_done(&world->loop);
    base_stat_done(&world->stats);
    fault_files_free(world->disk);
    base_mem_free(world);
}

static void
catalogues_keep_their_promises_over_any_crash(void **state)
{
    (void)state;
    const char *text = getenv("STORE_SEEDS"); /* "from-count" for more */
    unsigned long long from = 1, count = 30;
    if (text)
        assert_int_equal(sscanf(text, "%llu-%llu", &from, &count), 2);
    for (unsigned long long i = 0; i < count; i++) {
        if (text)
            print_message("seed %llu\n", from + i);
        world_run(from + i);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(catalogues_keep_their_promises_over_any_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
