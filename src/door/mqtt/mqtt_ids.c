/* mqtt_ids.c -- client id -> connection: open addressing, never resized.
 *
 * Sized at start for all clients that may be there at once: no pause while
 * thousands come back, and an idle connection costs nothing here. */
#include "base/base_hash.h"
#include "base/base_mem.h"
#include "door/mqtt/mqtt_inner.h"

void
mqtt_ids_init(struct mqtt_ids *ids, unsigned max, uint64_t seed)
{
    size_t room = 64;
    while (room < max + max / 2u)
        room *= 2;
    *ids = (struct mqtt_ids){.room = room, .max = max, .seed = seed};
    ids->slots = base_mem_new(room * sizeof *ids->slots);
    memset(ids->slots, 0, room * sizeof *ids->slots);
}

void
mqtt_ids_done(struct mqtt_ids *ids)
{
    base_mem_free(ids->slots);
    *ids = (struct mqtt_ids){0};
}

static size_t
ids_home(const struct mqtt_ids *ids, struct bytes id)
{
    return base_hash_xxh3(ids->seed, id) & (ids->room - 1);
}

/* Where it is, or the empty slot where it would be. */
static size_t
ids_slot(const struct mqtt_ids *ids, struct bytes id)
{
    size_t at = ids_home(ids, id);
    while (ids->slots[at] &&
           !base_bytes_equal(mqtt_session_id(ids->slots[at]), id))
        at = (at + 1) & (ids->room - 1);
    return at;
}

struct mqtt_conn *
mqtt_ids_find(const struct mqtt_ids *ids, struct bytes id)
{
    return ids->slots[ids_slot(ids, id)];
}

bool
mqtt_ids_put(struct mqtt_ids *ids, struct mqtt_conn *conn)
{
    if (ids->count >= ids->max)
        return false;
    ids->slots[ids_slot(ids, mqtt_session_id(conn))] = conn;
    ids->count++;
    return true;
}

void
mqtt_ids_remove(struct mqtt_ids *ids, struct mqtt_conn *conn)
{
    size_t mask = ids->room - 1;
    size_t hole = ids_slot(ids, mqtt_session_id(conn));
    if (ids->slots[hole] != conn)
        return;
    for (size_t at = (hole + 1) & mask; ids->slots[at]; at = (at + 1) & mask) {
        size_t home = ids_home(ids, mqtt_session_id(ids->slots[at]));
        if (((at - home) & mask) < ((at - hole) & mask))
            continue; /* it is between its home and the hole: it may stay */
        ids->slots[hole] = ids->slots[at];
        hole = at;
    }
    ids->slots[hole] = NULL;
    ids->count--;
}

struct mqtt_conn *
mqtt_ids_next(const struct mqtt_ids *ids, size_t *at)
{
    while (*at < ids->room)
        if (ids->slots[(*at)++])
            return ids->slots[*at - 1];
    return NULL;
}
