/* base_arena.c -- pieces out of chunks.
 *
 * Chunks stand in a list; those up to `now` are in use, those behind it are
 * left from before a reset.  When `now` is full, the next one is taken if the
 * piece fits in it; otherwise all that stand behind are freed and one new
 * chunk made, so that a chunk list cannot grow by odd orders of sizes: what is
 * in use stays under twice the payload and one chunk. */
#include "base/base_arena.h"

#include <stdio.h>

#include "base/base_mem.h"
#include "base/base_must.h"

enum { ARENA_CHUNK_MIN = 4096, ARENA_CHUNK_MAX = 256 * 1024, ARENA_ALIGN = 16 };

struct base_arena_chunk {
    struct base_arena_chunk *next;
    size_t room, used;
    size_t pad;
    uint8_t data[];
};

_Static_assert(offsetof(struct base_arena_chunk, data) % ARENA_ALIGN == 0,
               "pieces are aligned");

void
base_arena_init(struct base_arena *arena, size_t limit)
{
    *arena = (struct base_arena){.limit = limit};
}

static void
arena_free_after(struct base_arena_chunk **at)
{
    struct base_arena_chunk *chunk = *at;
    *at = NULL;
    while (chunk) {
        struct base_arena_chunk *next = chunk->next;
        base_mem_free(chunk);
        chunk = next;
    }
}

void
base_arena_done(struct base_arena *arena)
{
    arena_free_after(&arena->first);
    *arena = (struct base_arena){0};
}

void
base_arena_reset(struct base_arena *arena)
{
    arena->used = 0;
    arena->now = arena->first;
    if (arena->now)
        arena->now->used = 0;
}

static struct base_arena_chunk *
arena_chunk_new(size_t last_room, size_t size)
{
    size_t room = last_room ? last_room * 2 : ARENA_CHUNK_MIN;
    if (room > ARENA_CHUNK_MAX)
        room = ARENA_CHUNK_MAX;
    if (room < size)
        room = size;
    struct base_arena_chunk *chunk = base_mem_new(sizeof *chunk + room);
    chunk->next = NULL;
    chunk->room = room;
    chunk->used = 0;
    return chunk;
}

/* Make `now` a chunk that has room for size bytes. */
static void
arena_advance(struct base_arena *arena, size_t size)
{
    struct base_arena_chunk *now = arena->now;
    if (now && now->next && now->next->room >= size) {
        arena->now = now->next;
        arena->now->used = 0;
        return;
    }
    size_t last_room = now ? now->room : 0;
    /* An unused first chunk that is too small is replaced. */
    if (now && now == arena->first && now->used == 0)
        now = NULL;
    struct base_arena_chunk **at = now ? &now->next : &arena->first;
    arena_free_after(at);
    *at = arena->now = arena_chunk_new(last_room, size);
}

void *
base_arena_alloc(struct base_arena *arena, size_t size)
{
    size_t whole = size ? size : 1;
    if (whole <= arena->limit)
        whole = (whole + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    if (whole < size || whole > arena->limit ||
        whole > arena->limit - arena->used) {
        arena->refused++;
        return NULL;
    }
    if (!arena->now || arena->now->room - arena->now->used < whole)
        arena_advance(arena, whole);
    struct base_arena_chunk *now = arena->now;
    uint8_t *at = now->data + now->used;
    now->used += whole;
    arena->used += whole;
    memset(at, 0, whole);
    return at;
}

struct bytes
base_arena_bytes(struct base_arena *arena, struct bytes from)
{
    uint8_t *at = base_arena_alloc(arena, from.size);
    if (!at)
        return (struct bytes){NULL, 0};
    if (from.size)
        memcpy(at, from.at, from.size);
    return (struct bytes){at, from.size};
}

char *
base_arena_text(struct base_arena *arena, struct bytes from)
{
    if (from.size == SIZE_MAX) {
        arena->refused++;
        return NULL;
    }
    char *at = base_arena_alloc(arena, from.size + 1);
    if (at && from.size)
        memcpy(at, from.at, from.size);
    return at;
}

char *
base_arena_format(struct base_arena *arena, const char *fmt, ...)
{
    va_list list, again;
    va_start(list, fmt);
    va_copy(again, list);
    int size = vsnprintf(NULL, 0, fmt, list);
    must(size >= 0);
    char *at = base_arena_alloc(arena, (size_t)size + 1);
    if (at)
        vsnprintf(at, (size_t)size + 1, fmt, again);
    va_end(again);
    va_end(list);
    return at;
}
