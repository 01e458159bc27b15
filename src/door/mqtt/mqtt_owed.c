/* mqtt_owed.c -- the ring of owed acknowledgements. */
#include "door/mqtt/mqtt_owed.h"

#include "base/base_mem.h"
#include "base/base_must.h"

enum { OWED_ROOM = 16 };

void
mqtt_owed_done(struct mqtt_owed *owed)
{
    base_mem_free(owed->ring);
    *owed = (struct mqtt_owed){0};
}

static struct mqtt_owed_entry *
owed_at(const struct mqtt_owed *owed, uint32_t ticket)
{
    return &owed->ring[ticket & (owed->room - 1)];
}

static void
owed_grow(struct mqtt_owed *owed)
{
    struct mqtt_owed old = *owed;
    must(old.room < MQTT_OWED_MAX);
    owed->room = old.room ? old.room * 2 : OWED_ROOM;
    owed->ring = base_mem_new(owed->room * sizeof *owed->ring);
    for (uint32_t i = 0; i < old.count; i++)
        *owed_at(owed, old.first + i) = *owed_at(&old, old.first + i);
    base_mem_free(old.ring);
}

uint32_t
mqtt_owed_push(struct mqtt_owed *owed, struct mqtt_owed_entry entry)
{
    if (owed->count == owed->room)
        owed_grow(owed);
    uint32_t ticket = owed->first + owed->count++;
    *owed_at(owed, ticket) = entry;
    return ticket;
}

static bool
owed_waits(const struct mqtt_owed_entry *entry, uint64_t synced)
{
    return !(entry->flags & MQTT_OWED_FREE) &&
           (int32_t)((uint32_t)synced - entry->sequence) < 0;
}

bool
mqtt_owed_is_due(const struct mqtt_owed *owed, uint64_t synced)
{
    if (owed->count == 0)
        return false;
    const struct mqtt_owed_entry *entry = owed_at(owed, owed->first);
    return !(entry->flags & MQTT_OWED_HELD) && !owed_waits(entry, synced);
}

bool
mqtt_owed_next(struct mqtt_owed *owed, uint64_t synced,
               struct mqtt_owed_entry *ret_entry)
{
    if (!mqtt_owed_is_due(owed, synced))
        return false;
    *ret_entry = *owed_at(owed, owed->first++);
    owed->count--;
    return true;
}

void
mqtt_owed_release(struct mqtt_owed *owed, uint32_t ticket, uint8_t reason)
{
    if (ticket - owed->first >= owed->count)
        return;
    struct mqtt_owed_entry *entry = owed_at(owed, ticket);
    entry->flags &= (uint8_t)~MQTT_OWED_HELD;
    if (reason >= 0x80)
        entry->reason = reason;
}

void
mqtt_owed_refuse(struct mqtt_owed *owed, uint64_t synced, uint8_t reason)
{
    for (uint32_t i = 0; i < owed->count; i++) {
        struct mqtt_owed_entry *entry = owed_at(owed, owed->first + i);
        if (!owed_waits(entry, synced))
            continue;
        entry->flags |= MQTT_OWED_FREE;
        entry->reason = reason;
    }
}
