/* store_world_test.h -- for tests: a journal on a disk in memory, on one
 * thread.
 *
 * Records carry a number: in their first four bytes, and its lowest byte in all
 * that follow. */
#ifndef STORE_WORLD_TEST_H
#define STORE_WORLD_TEST_H

#include "base/base_rng.h"
#include "fault/fault_files.h"
#include "fault/fault_loop.h"
#include "store/store_journal.h"

enum { KIB = 1 << 10, MIB = 1 << 20 };

/* The first file of the records. */
extern const char store_world_test_first[];

struct store_world {
    struct fault_files *disk;
    struct fault_loop loop;
    struct base_rng rng;
    struct base_stats stats;
    struct store_journal_config config; /* files of 64 KiB, 2 shards */
    struct store_journal *journal;
};

void store_world_test_init(struct store_world *world, uint64_t seed);
void store_world_test_open(struct store_world *world);
/* Open and start. */
void store_world_test_start(struct store_world *world);
void store_world_test_crash(struct store_world *world,
                            enum fault_files_loss loss);
void store_world_test_done(struct store_world *world);

/* Append a record of this size. */
enum err store_world_test_put(struct store_world *world, unsigned stream,
                              uint32_t number, size_t size,
                              uint64_t *ret_sequence);
void store_world_test_put_ok(struct store_world *world, unsigned stream,
                             uint32_t number, size_t size);
void store_world_test_flush(struct store_world *world, unsigned stream);

struct store_world_seen {
    uint32_t numbers[4096];
    uint64_t sequences[4096];
    unsigned count;
};

/* Replayed; the caller frees it. */
struct store_world_seen *store_world_test_seen(struct store_world *world,
                                               unsigned stream, uint64_t after);
/* Exactly the numbers 1..count are there. */
void store_world_test_assert(struct store_world *world, unsigned stream,
                             unsigned count);
void store_world_test_read(struct store_world *world, const char *path,
                           uint64_t offset, void *to, size_t size);

#endif
