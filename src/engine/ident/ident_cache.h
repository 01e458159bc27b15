/* ident_cache.h -- answers of other nodes, for as long as they may be given.
 *
 * Why: one node answers for a whole nation from what it remembers; and askers
 * of the same name wait for one question, not each for his own.  A node whose
 * role keeps nothing (cache_mib 0) has the same table, emptied at once.
 *
 *   state      event                      becomes
 *   absent     asked                      fetching
 *   fetching   asked                      joins; over 1,000: 3 (busy)
 *   fetching   answer                     fresh
 *   fetching   3 s, or no way             failed 5 s: 3; or stale again
 *   fresh      asked                      answered; under a tenth of its life
 *                                         left and asked twice: fetched aside
 *   fresh      its life is over           stale, for 24 h
 *   stale      asked                      fetched; after 300 ms, or when there
 *                                         is no way: the stale answer
 *   any        a hint: changed            the next asker waits for the new one;
 *                                         no way: 3
 *
 * Life     the least ttl of the values, 5 s .. 1 d; 60 s of "not found"; 5 s of
 *          a failure.  A ttl is never rewritten: signatures cover it.
 * Shape    key XXH3-64 of the folded handle, which is compared; the owner's
 *          whole public record as it came; subsets are chosen per asker.
 * Limits   cache_bytes (CLOCK: what was asked for since is passed over once);
 *          4,096 fetches at a time, 1,000 askers each.
 * Threads  the state loop. */
#ifndef IDENT_CACHE_H
#define IDENT_CACHE_H

#include "base/base_map.h"
#include "engine/ident/ident_resolve.h"
#include "model/model_port.h"
#include "wire/names/wire_names.h"

struct ident_cache_entry;

struct ident_cache {
    struct ident *ident;
    struct base_map map;
    struct base_link clock; /* entries, the hand at the front */
    uint64_t bytes, limit;
    unsigned fetching;
    int64_t heard_ms; /* the last hint from above (mono) */
    struct base_stat hits, stale, fetched, failed, evicted, size;
};

void ident_cache_init(struct ident_cache *cache, struct ident *ident,
                      uint64_t limit);
void ident_cache_done(struct ident_cache *cache);
/* Answer this call from the cache or from `to` ("" the parent), sometime. */
void ident_cache_ask(struct ident_cache *cache, struct ident_resolve *call,
                     struct bytes to);
/* This handle has changed; all names of this prefix and of those below it (of
 * an empty one: all). */
void ident_cache_changed(struct ident_cache *cache, uint64_t hash);
void ident_cache_changed_all(struct ident_cache *cache, struct bytes prefix);
uint64_t ident_cache_hash(struct bytes folded);

#endif
