/* base_loop.c -- the timer heap.
 *
 * A timer's `index` is its place + 1, so that it can be moved or cleared
 * without a search. */
#include "base/base_loop.h"

#include "base/base_mem.h"
#include "base/base_must.h"

enum { LOOP_HEAP_FIRST = 16 };

struct base_loop_entry {
    struct base_timer *timer;
    int64_t at_ms;
    uint64_t order;
};

void
base_loop_heap_done(struct base_loop_heap *heap)
{
    for (uint32_t i = 0; i < heap->count; i++)
        heap->entries[i].timer->index = 0;
    base_mem_free(heap->entries);
    *heap = (struct base_loop_heap){0};
}

static bool
loop_before(const struct base_loop_entry *a, const struct base_loop_entry *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void
loop_put(struct base_loop_heap *heap, uint32_t at, struct base_loop_entry entry)
{
    heap->entries[at] = entry;
    entry.timer->index = at + 1;
}

static void
loop_rise(struct base_loop_heap *heap, uint32_t at,
          struct base_loop_entry entry)
{
    while (at > 0) {
        uint32_t parent = (at - 1) / 2;
        if (!loop_before(&entry, &heap->entries[parent]))
            break;
        loop_put(heap, at, heap->entries[parent]);
        at = parent;
    }
    loop_put(heap, at, entry);
}

static void
loop_sink(struct base_loop_heap *heap, uint32_t at,
          struct base_loop_entry entry)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count &&
            loop_before(&heap->entries[child + 1], &heap->entries[child]))
            child++;
        if (!loop_before(&heap->entries[child], &entry))
            break;
        loop_put(heap, at, heap->entries[child]);
        at = child;
    }
    loop_put(heap, at, entry);
}

void
base_loop_heap_set(struct base_loop_heap *heap, struct base_timer *timer,
                   int64_t at_ms)
{
    base_loop_heap_clear(heap, timer);
    if (heap->count == heap->room) {
        must(heap->room <= UINT32_MAX / 4);
        heap->room = heap->room ? heap->room * 2 : LOOP_HEAP_FIRST;
        heap->entries = base_mem_resize(heap->entries,
                                        heap->room * sizeof heap->entries[0]);
    }
    timer->at_ms = at_ms;
    struct base_loop_entry entry = {timer, at_ms, heap->order++};
    loop_rise(heap, heap->count++, entry);
}

void
base_loop_heap_clear(struct base_loop_heap *heap, struct base_timer *timer)
{
    if (timer->index == 0)
        return;
    uint32_t at = timer->index - 1;
    must(at < heap->count && heap->entries[at].timer == timer);
    timer->index = 0;
    struct base_loop_entry last = heap->entries[--heap->count];
    if (at == heap->count)
        return;
    if (at > 0 && loop_before(&last, &heap->entries[(at - 1) / 2]))
        loop_rise(heap, at, last);
    else
        loop_sink(heap, at, last);
}

struct base_timer *
base_loop_heap_first(const struct base_loop_heap *heap)
{
    return heap->count ? heap->entries[0].timer : NULL;
}
