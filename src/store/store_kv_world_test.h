/* store_kv_world_test.h -- for tests: a catalogue with real LMDB on a temporary
 * folder, its journal on a disk in memory, all on one thread. */
#ifndef STORE_KV_WORLD_TEST_H
#define STORE_KV_WORLD_TEST_H

#include "base/base_rng.h"
#include "fault/fault_files.h"
#include "fault/fault_loop.h"
#include "store/store_kv_private.h"

enum { KIB = 1 << 10, MIB = 1 << 20, T = STORE_TABLE_UNIT };

struct store_kv_world {
    struct fault_files *disk;
    struct fault_loop loop;
    struct base_rng rng;
    struct base_stats stats;
    struct store_journal_config journal_config; /* files of 64 KiB */
    struct store_kv_config config;              /* owner rollup, 64 MiB */
    struct store_journal *journal;
    struct store_kv *kv;
    char folder[64];
    int rewound; /* times */
    int told;    /* waits so far */
};

void store_kv_world_test_init(struct store_kv_world *world, uint64_t seed);
/* Opens both and starts the journal. */
void store_kv_world_test_open(struct store_kv_world *world);
void store_kv_world_test_crash(struct store_kv_world *world,
                               enum fault_files_loss loss);
void store_kv_world_test_done(struct store_kv_world *world);

/* One put into T, committed. */
enum err store_kv_world_test_put(struct store_kv_world *world, const char *key,
                                 const char *value);
void store_kv_world_test_put_ok(struct store_kv_world *world, const char *key,
                                const char *value);
/* It is so; value NULL: absent. */
void store_kv_world_test_value(struct store_kv_snap *snap, const char *key,
                               const char *value);
void store_kv_world_test_now(struct store_kv_world *world, const char *key,
                             const char *value);
void store_kv_world_test_sync(struct store_kv_world *world);
/* The next write of the records finds no space. */
void store_kv_world_test_full(struct store_kv_world *world);

struct store_kv_waiter {
    struct store_journal_wait wait;
    struct store_kv_world *world;
    int place, rewound; /* when it was told; rewinds before */
};

struct store_kv_waiter store_kv_world_test_waiter(struct store_kv_world *world);

static inline struct bytes
b(const char *text)
{
    return base_bytes_text(text);
}

#endif
