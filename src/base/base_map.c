/* base_map.c -- Robin Hood hashing with backward shift on removal.
 *
 * A slot is empty when its value is NULL.  An entry that is farther from home
 * takes the place of one that is nearer, so a search may stop at the first
 * entry that is nearer to its home than the searched one would be. */
#include "base/base_map.h"

#include "base/base_hash.h"
#include "base/base_mem.h"
#include "base/base_must.h"

enum { MAP_ROOM_MIN = 16 };

struct base_map_slot {
    uint64_t hash;
    uint8_t *key;
    size_t key_size;
    void *value;
};

void
base_map_init(struct base_map *map, uint64_t seed)
{
    *map = (struct base_map){.seed = seed};
}

void
base_map_done(struct base_map *map)
{
    for (size_t i = 0; i < map->room; i++)
        if (map->slots[i].value)
            base_mem_free(map->slots[i].key);
    base_mem_free(map->slots);
    *map = (struct base_map){.seed = map->seed};
}

static size_t
map_distance(const struct base_map *map, size_t at)
{
    return (at - (size_t)map->slots[at].hash) & (map->room - 1);
}

/* The slot of key, or SIZE_MAX. */
static size_t
map_find(const struct base_map *map, struct bytes key, uint64_t hash)
{
    if (map->count == 0)
        return SIZE_MAX;
    size_t mask = map->room - 1, at = (size_t)hash & mask;
    for (size_t far = 0;; far++, at = (at + 1) & mask) {
        const struct base_map_slot *slot = &map->slots[at];
        if (!slot->value || map_distance(map, at) < far)
            return SIZE_MAX;
        if (slot->hash == hash &&
            base_bytes_equal(base_bytes(slot->key, slot->key_size), key))
            return at;
    }
}

/* Put an entry that is not there into a map with an empty slot. */
static void
map_place(struct base_map *map, struct base_map_slot entry)
{
    size_t mask = map->room - 1, at = (size_t)entry.hash & mask;
    for (size_t far = 0; map->slots[at].value; far++, at = (at + 1) & mask) {
        size_t its = map_distance(map, at);
        if (its < far) {
            struct base_map_slot nearer = map->slots[at];
            map->slots[at] = entry;
            entry = nearer;
            far = its;
        }
    }
    map->slots[at] = entry;
}

static void
map_enlarge(struct base_map *map)
{
    struct base_map_slot *old = map->slots;
    size_t old_room = map->room;
    map->room = old_room ? old_room * 2 : MAP_ROOM_MIN;
    must(map->room <= SIZE_MAX / sizeof *old);
    map->slots = base_mem_zero(map->room * sizeof *old);
    for (size_t i = 0; i < old_room; i++)
        if (old[i].value)
            map_place(map, old[i]);
    base_mem_free(old);
}

void *
base_map_get(const struct base_map *map, struct bytes key)
{
    size_t at = map_find(map, key, base_hash_xxh3(map->seed, key));
    return at == SIZE_MAX ? NULL : map->slots[at].value;
}

void *
base_map_put(struct base_map *map, struct bytes key, void *value)
{
    must(value);
    uint64_t hash = base_hash_xxh3(map->seed, key);
    size_t at = map_find(map, key, hash);
    if (at != SIZE_MAX) {
        void *old = map->slots[at].value;
        map->slots[at].value = value;
        return old;
    }
    if (map->count >= map->room / 8 * 7)
        map_enlarge(map);
    map_place(map, (struct base_map_slot){
                       .hash = hash,
                       .key = base_mem_copy(key.at, key.size),
                       .key_size = key.size,
                       .value = value,
                   });
    map->count++;
    return NULL;
}

void *
base_map_remove(struct base_map *map, struct bytes key)
{
    size_t at = map_find(map, key, base_hash_xxh3(map->seed, key));
    if (at == SIZE_MAX)
        return NULL;
    void *value = map->slots[at].value;
    base_mem_free(map->slots[at].key);
    size_t mask = map->room - 1, next = (at + 1) & mask;
    while (map->slots[next].value && map_distance(map, next) > 0) {
        map->slots[at] = map->slots[next];
        at = next;
        next = (next + 1) & mask;
    }
    map->slots[at] = (struct base_map_slot){0};
    map->count--;
    return value;
}

bool
base_map_next(const struct base_map *map, size_t *at, struct bytes *ret_key,
              void **ret_value)
{
    while (*at < map->room) {
        const struct base_map_slot *slot = &map->slots[(*at)++];
        if (!slot->value)
            continue;
        if (ret_key)
            *ret_key = base_bytes(slot->key, slot->key_size);
        if (ret_value)
            *ret_value = slot->value;
        return true;
    }
    return false;
}
