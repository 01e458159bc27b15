/* mqtt_owed.h -- the acknowledgements that one connection is owed, in order.
 *
 * Why: an ack leaves only when the journal has what it promises, and acks leave
 * in the order of their PUBLISHes: one that is ready waits behind earlier ones.
 *
 * Shape    a ring of 8-byte entries.  An entry waits for a sequence of the
 *          stream (its low 32 bits), for a call to stream_keep (HELD), for
 *          both, or for nothing (FREE).
 *
 *            push -> waiting -> due: next() gives it when it is the first
 *                       '------- refuse(): its reason becomes a refusal
 *
 *          Tickets count pushes, so that a call that comes back finds its
 *          entry, or that it has gone.
 * Memory   grows by doubling up to 32,768 entries; push beyond is a bug of the
 *          caller, who stops reading before (MQTT_OWED_MAX).
 * Threads  one owner. */
#ifndef MQTT_OWED_H
#define MQTT_OWED_H

#include "base/base_bytes.h"

enum { MQTT_OWED_MAX = 32768 };

enum mqtt_owed_flag {
    MQTT_OWED_PUBREC = 1, /* else PUBACK */
    MQTT_OWED_FREE = 2,   /* waits for no sequence */
    MQTT_OWED_HELD = 4,   /* waits for its call */
};

struct mqtt_owed_entry {
    uint32_t sequence;
    uint16_t id;
    uint8_t reason, flags;
};

_Static_assert(sizeof(struct mqtt_owed_entry) == 8, "spec connect 1");

struct mqtt_owed {
    struct mqtt_owed_entry *ring;
    uint32_t room, first, count; /* first: the ticket of the oldest */
};

void mqtt_owed_done(struct mqtt_owed *owed);
/* Returns its ticket. */
uint32_t mqtt_owed_push(struct mqtt_owed *owed, struct mqtt_owed_entry entry);
/* The first, if it is due at this synced sequence; false: not yet, or none. */
bool mqtt_owed_next(struct mqtt_owed *owed, uint64_t synced,
                    struct mqtt_owed_entry *ret_entry);
bool mqtt_owed_is_due(const struct mqtt_owed *owed, uint64_t synced);
/* The call of this ticket is back; a reason >= 80 replaces the entry's. */
void mqtt_owed_release(struct mqtt_owed *owed, uint32_t ticket, uint8_t reason);
/* What waits for a sequence above synced is lost: answer it with reason. */
void mqtt_owed_refuse(struct mqtt_owed *owed, uint64_t synced, uint8_t reason);

#endif
