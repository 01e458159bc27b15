/* people_guard.c -- see people_guard.h. */
#include "engine/people/people_guard.h"

#include <stddef.h>

static const struct people_guard_slot *
guard_find(const struct people_guard *guard, uint64_t key)
{
    const struct people_guard_slot *bucket =
        guard->slots[key % PEOPLE_GUARD_BUCKETS];
    for (unsigned i = 0; i < PEOPLE_GUARD_WAYS; i++)
        if (bucket[i].key == key)
            return &bucket[i];
    return NULL;
}

int64_t
people_guard_wait_ms(const struct people_guard *guard, uint64_t key,
                     int64_t now_ms)
{
    const struct people_guard_slot *slot = guard_find(guard, key);
    if (!slot || slot->failures <= PEOPLE_GUARD_FREE)
        return 0;
    unsigned doublings = slot->failures - PEOPLE_GUARD_FREE - 1;
    int64_t wait =
        doublings < 6 ? INT64_C(1000) << doublings : PEOPLE_GUARD_MOST_MS;
    int64_t left = slot->last_ms + wait - now_ms;
    if (left > wait) /* the clock went back */
        left = wait;
    return left > 0 ? left : 0;
}

/* Its own slot, a free or forgotten one, or the one with the fewest. */
static struct people_guard_slot *
guard_slot(struct people_guard *guard, uint64_t key, int64_t now_ms)
{
    struct people_guard_slot *bucket = guard->slots[key % PEOPLE_GUARD_BUCKETS];
    struct people_guard_slot *least = bucket;
    for (unsigned i = 0; i < PEOPLE_GUARD_WAYS; i++)
        if (now_ms - bucket[i].last_ms > PEOPLE_GUARD_FORGET_MS)
            bucket[i] = (struct people_guard_slot){0};
    for (unsigned i = 0; i < PEOPLE_GUARD_WAYS; i++) {
        if (bucket[i].key == key)
            return &bucket[i];
        if (bucket[i].failures < least->failures)
            least = &bucket[i];
    }
    *least = (struct people_guard_slot){.key = key};
    return least;
}

uint32_t
people_guard_failed(struct people_guard *guard, uint64_t key, int64_t now_ms)
{
    struct people_guard_slot *slot = guard_slot(guard, key, now_ms);
    slot->last_ms = now_ms;
    if (slot->failures < UINT32_MAX)
        slot->failures++;
    return slot->failures;
}

void
people_guard_passed(struct people_guard *guard, uint64_t key)
{
    struct people_guard_slot *bucket = guard->slots[key % PEOPLE_GUARD_BUCKETS];
    for (unsigned i = 0; i < PEOPLE_GUARD_WAYS; i++)
        if (bucket[i].key == key)
            bucket[i] = (struct people_guard_slot){0};
}

void
people_guard_undo(struct people_guard *guard, uint64_t key)
{
    struct people_guard_slot *bucket = guard->slots[key % PEOPLE_GUARD_BUCKETS];
    for (unsigned i = 0; i < PEOPLE_GUARD_WAYS; i++)
        if (bucket[i].key == key && bucket[i].failures > 0)
            bucket[i].failures--;
}

uint32_t
people_guard_count(const struct people_guard *guard, uint64_t key)
{
    const struct people_guard_slot *slot = guard_find(guard, key);
    return slot ? slot->failures : 0;
}
