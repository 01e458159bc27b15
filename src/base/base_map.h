/* base_map.h -- bytes -> pointer, in memory, open addressing.
 *
 * Shape    Robin Hood, load at most 7/8, doubling; keys are copied.
 * Hash     XXH3-64 seeded by the caller (hostile keys: seed it at random).
 * Memory   ~ 40 B and the key per entry; the owner bounds the count.
 * Order    of iteration is by slot: not to be shown or sent; sort first. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/base_bytes.h"

struct base_map_slot;

struct base_map {
    struct base_map_slot *slots;
    size_t room, count;
    uint64_t seed;
};

void base_map_init(struct base_map *map, uint64_t seed);
void base_map_done(struct base_map *map);
void *base_map_get(const struct base_map *map, struct bytes key);
/* Put or replace; returns the old value or NULL.  value must not be NULL. */
void *base_map_put(struct base_map *map, struct bytes key, void *value);
void *base_map_remove(struct base_map *map, struct bytes key);
/* for (size_t i = 0; base_map_next(map, &i, &key, &value);) */
bool base_map_next(const struct base_map *map, size_t *at,
                   struct bytes *ret_key, void **ret_value);

#endif
