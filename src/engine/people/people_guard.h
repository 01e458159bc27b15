/* people_guard.h -- who guesses is slowed.
 *
 * Shape    1,024 slots in buckets of 4, by a hash of what is guessed (a user)
 *          or of where from (an address); a full bucket forgets the slot with
 *          the fewest failures.  The first 3 failures are free, then a next try
 *          waits 1, 2, 4 .. 60 s; an hour of quiet is forgotten.
 * Memory   24 KiB, fixed.  Time is an argument. */
#ifndef PEOPLE_GUARD_H
#define PEOPLE_GUARD_H

#include <stdint.h>

enum {
    PEOPLE_GUARD_BUCKETS = 256,
    PEOPLE_GUARD_WAYS = 4,
    PEOPLE_GUARD_FREE = 3,
    PEOPLE_GUARD_MOST_MS = 60 * 1000,
    PEOPLE_GUARD_FORGET_MS = 3600 * 1000,
};

struct people_guard_slot {
    uint64_t key; /* 0: free */
    int64_t last_ms;
    uint32_t failures;
};

struct people_guard {
    struct people_guard_slot slots[PEOPLE_GUARD_BUCKETS][PEOPLE_GUARD_WAYS];
};

/* Until the next try may be made; 0: now. */
int64_t people_guard_wait_ms(const struct people_guard *guard, uint64_t key,
                             int64_t now_ms);
/* Returns how many there are now. */
uint32_t people_guard_failed(struct people_guard *guard, uint64_t key,
                             int64_t now_ms);
uint32_t people_guard_count(const struct people_guard *guard, uint64_t key);
/* A try that was counted in advance was good: of a user all is forgotten; of an
 * address that one only, or an attacker's own account would clear it. */
void people_guard_passed(struct people_guard *guard, uint64_t key);
void people_guard_undo(struct people_guard *guard, uint64_t key);

#endif
