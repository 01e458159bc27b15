/* store_journal_crash_test.c -- the journal against a model, over crashes.
 *
 * Each seed is one life of a disk: the journal is opened, fed, filled, failed,
 * and the power goes off before a random change; what is found afterwards is
 * compared with what was promised:
 *
 *   acknowledged    is there, as it was
 *   refused (FULL)  is not there
 *   failed (IO) or unknown at the crash: may be there; if so, whole
 *   anything else   is not there; nothing is ever taken for damage */
#include "store/store_journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_rng.h"
#include "fault/fault_files.h"
#include "fault/fault_loop.h"

enum {
    STREAMS = 3,
    RECORDS = 6000, /* a stream's, in a life */
    LIVES = 12,
    STEPS = 60,
    KIB = 1 << 10,
};

enum fate { FATE_NONE, FATE_OPEN, FATE_STORED, FATE_REFUSED, FATE_FAILED };

struct record {
    struct store_journal_wait wait;
    struct world *world;
    unsigned stream;
    uint64_t sequence;
    uint32_t size;
    enum fate fate;
};

struct world {
    struct fault_files *disk;
    struct fault_loop loop;
    struct base_rng rng;
    struct base_stats stats;
    struct store_journal_config config;
    struct store_journal *journal;
    struct record *records[STREAMS * RECORDS]; /* by number */
    uint32_t count;
    uint64_t passed[STREAMS];
    uint64_t seed;
};

static void
record_told(struct store_journal_wait *wait, enum err err)
{
    struct record *record = BASE_OUTER(wait, struct record, wait);
    assert_int_equal(record->fate, FATE_OPEN);
    record->fate = err == ERR_OK     ? FATE_STORED
                   : err == ERR_FULL ? FATE_REFUSED
                                     : FATE_FAILED;
}

static uint8_t
record_byte(uint32_t number, uint32_t at)
{
    return (uint8_t)(number * 31 + at * 7);
}

static void
world_append(struct world *world)
{
    struct base_rng *rng = &world->rng;
    static const uint32_t sizes[] = {4, 40, 500, 3000, 20 * KIB, 90 * KIB};
    uint32_t number = world->count;
    unsigned stream = (unsigned)base_rng_below(rng, STREAMS);
    uint32_t size =
        4 + (uint32_t)base_rng_below(rng, sizes[base_rng_below(rng, 6)]);
    if (number == BASE_COUNT(world->records))
        return;
    uint8_t *body = base_mem_new(size);
    for (uint32_t i = 4; i < size; i++)
        body[i] = record_byte(number, i);
    memcpy(body, &number, 4);
    struct bytes part = base_bytes(body, size);
    uint64_t sequence;
    enum err err = store_journal_append(
        world->journal, stream, STORE_JOURNAL_OPAQUE, &part, 1, &sequence);
    base_mem_free(body);
    if (err != ERR_OK)
        return;
    struct record *record = base_mem_zero(sizeof *record);
    *record = (struct record){
        .wait = {.fn = record_told, .loop = &world->loop.base},
        .world = world,
        .stream = stream,
        .sequence = sequence,
        .size = size,
        .fate = FATE_OPEN,
    };
    world->records[world->count++] = record;
    store_journal_wait(world->journal, stream, sequence, &record->wait);
}

/* ---- what is found ---- */

struct found {
    struct world *world;
    unsigned stream;
    uint8_t *numbers; /* which were found */
    uint64_t last;
};

static enum err
found_record(void *self, uint64_t sequence, uint8_t type, struct bytes body)
{
    struct found *found = self;
    struct world *world = found->world;
    uint32_t number;
    (void)type;
    assert_true(body.size >= 4 && sequence > found->last);
    memcpy(&number, body.at, 4);
    assert_true(number < world->count);
    const struct record *record = world->records[number];
    assert_int_equal(record->stream, found->stream);
    assert_int_equal(record->sequence, sequence);
    assert_int_equal(record->size, body.size);
    assert_int_not_equal(record->fate, FATE_REFUSED);
    assert_int_not_equal(record->fate, FATE_NONE);
    for (uint32_t i = 4; i < body.size; i++)
        assert_int_equal(body.at[i], record_byte(number, i));
    found->numbers[number] = 1;
    found->last = sequence;
    return ERR_OK;
}

static void
world_check(struct world *world)
{
    uint8_t *numbers = base_mem_zero((size_t)world->count + 1);
    for (unsigned i = 0; i < STREAMS; i++) {
        struct found found = {.world = world, .stream = i, .numbers = numbers};
        assert_int_equal(
            store_journal_replay(world->journal, i, 0, found_record, &found),
            ERR_OK);
    }
    for (uint32_t i = 0; i < world->count; i++) {
        struct record *record = world->records[i];
        bool passed = record->sequence <= world->passed[record->stream];
        if (record->fate == FATE_STORED && !numbers[i] && !passed)
            fail_msg("seed %llu: stream %u lost %llu",
                     (unsigned long long)world->seed, record->stream,
                     (unsigned long long)record->sequence);
        if (record->fate != FATE_REFUSED)
            record->fate = numbers[i] ? FATE_STORED : FATE_NONE;
        if (passed)
            record->fate = numbers[i] ? FATE_STORED : FATE_OPEN;
    }
    base_mem_free(numbers);
}

/* ---- a life ---- */

static enum fault_files_loss
world_loss(struct world *world)
{
    return (enum fault_files_loss)base_rng_below(&world->rng, 4);
}

/* Open, however often the power fails meanwhile. */
static void
world_open(struct world *world)
{
    struct base_rng *rng = &world->rng;
    for (;;) {
        struct base_note note = {0};
        if (base_rng_below(rng, 3) == 0)
            fault_files_off_at(world->disk, 1 + base_rng_below(rng, 20));
        enum err err =
            store_journal_open(&world->config, &world->journal, &note);
        if (err == ERR_OK)
            break;
        if (!fault_files_is_off(world->disk))
            fail_msg("seed %llu: %s: %s", (unsigned long long)world->seed,
                     note.where, note.text);
        fault_files_crash(world->disk, world_loss(world));
    }
    fault_files_off_at(world->disk, 0);
    struct store_journal_health health;
    store_journal_health(world->journal, &health);
    if (health.quarantined > 0 || health.lost_first > 0)
        fail_msg("seed %llu: %s", (unsigned long long)world->seed, health.why);
}

static void
world_fault(struct world *world)
{
    struct base_rng *rng = &world->rng;
    struct fault_files_rule rule = {.from = 1 + base_rng_below(rng, 6)};
    static const enum fault_files_call full[] = {
        FAULT_FILES_WRITE, FAULT_FILES_WRITE, FAULT_FILES_RESERVE,
        FAULT_FILES_RENAME, FAULT_FILES_CREATE};
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
world_pass(struct world *world)
{
    unsigned stream = (unsigned)base_rng_below(&world->rng, STREAMS);
    uint64_t synced = store_journal_synced(world->journal, stream);
    uint64_t before = world->passed[stream];
    if (synced <= before)
        return;
    world->passed[stream] += base_rng_below(&world->rng, synced - before + 1);
    store_journal_pass(world->journal, stream, STORE_JOURNAL_NODE,
                       world->passed[stream]);
}

static void
world_step(struct world *world)
{
    struct base_rng *rng = &world->rng;
    switch (base_rng_below(rng, 12)) {
    case 0:
        store_journal_close(world->journal,
                            (unsigned)base_rng_below(rng, STREAMS));
        break;
    case 1: {
        unsigned stream = (unsigned)base_rng_below(rng, STREAMS);
        store_journal_flush(world->journal, stream,
                            store_journal_appended(world->journal, stream));
        break;
    }
    case 2:
        world_pass(world);
        break;
    case 3:
        fault_loop_run(&world->loop, 1 + (int64_t)base_rng_below(rng, 1500));
        break;
    case 4:
        if (base_rng_below(rng, 4) == 0)
            world_fault(world);
        break;
    case 5:
        fault_loop_run(&world->loop, 1);
        break;
    default:
        for (uint64_t i = base_rng_below(rng, 6); i > 0; i--)
            world_append(world);
        fault_loop_run(&world->loop, 0);
        break;
    }
}

static void
world_live(struct world *world)
{
    struct base_rng *rng = &world->rng;
    world_open(world);
    world_check(world);
    for (unsigned i = 0; i < STREAMS; i++) {
        store_journal_need(world->journal, i, STORE_JOURNAL_NODE);
        store_journal_pass(world->journal, i, STORE_JOURNAL_NODE,
                           world->passed[i]);
    }
    assert_int_equal(store_journal_start(world->journal), ERR_OK);
    if (base_rng_below(rng, 4) > 0)
        fault_files_off_at(world->disk, 1 + base_rng_below(rng, 150));
    for (unsigned i = 0; i < STEPS; i++)
        world_step(world);
    bool orderly = base_rng_below(rng, 4) == 0;
    if (orderly)
        store_journal_shut(world->journal);
    else
        store_journal_crash(world->journal);
    if (orderly)
        fault_loop_run(&world->loop, 0);
    fault_loop_crash(&world->loop);
    fault_files_clear(world->disk);
    fault_files_crash(world->disk, world_loss(world));
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
        .shards = STREAMS - 1,
        .file_bytes = 128 * KIB,
        .ignore_marks = true,
        .sync_delay_max_ms = seed % 3 == 0 ? 0 : 20,
    };
    for (unsigned i = 0; i < LIVES; i++)
        world_live(world);
    world_open(world);
    world_check(world);
    store_journal_crash(world->journal);
    for (uint32_t i = 0; i < world->count; i++)
        base_mem_free(world->records[i]);
    fault_loop_done(&world->loop);
    base_stat_done(&world->stats);
    fault_files_free(world->disk);
    base_mem_free(world);
}

static void
promises_hold_over_any_crash(void **state)
{
    (void)state;
    const char *text = getenv("STORE_SEEDS"); /* "from-count" for more */
    unsigned long long from = 1, count = 40;
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
        cmocka_unit_test(promises_hold_over_any_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
