/* base_arena.h -- many small pieces with one lifetime, and a bound.
 *
 * Why: a packet's or a request's structures die together; freeing them one by
 * one is where leaks come from.
 *
 * Shape    chunks of at least 4 KiB, kept over base_arena_reset for reuse.
 * Memory   at most `limit` bytes of payload; beyond it alloc returns NULL, and
 *          `refused` counts it.  Pieces are aligned to 16 bytes and zeroed, and
 *          count rounded up to 16.  What is allocated stays under twice the
 *          payload and one chunk.
 * Threads  one owner. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>

#include "base/base_bytes.h"

struct base_arena_chunk;

struct base_arena {
    struct base_arena_chunk *first, *now;
    size_t used, limit;
    uint64_t refused;
};

void base_arena_init(struct base_arena *arena, size_t limit);
void base_arena_done(struct base_arena *arena);
void base_arena_reset(struct base_arena *arena);
void *base_arena_alloc(struct base_arena *arena, size_t size);
/* Copies; NULL / {NULL,0} at the limit. */
struct bytes base_arena_bytes(struct base_arena *arena, struct bytes from);
char *base_arena_text(struct base_arena *arena, struct bytes from);
char *base_arena_format(struct base_arena *arena, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
