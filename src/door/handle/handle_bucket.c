/* handle_bucket.c -- see handle_bucket.h. */
#include "door/handle/handle_bucket.h"

#include "base/base_hash.h"
#include "base/base_mem.h"

enum {
    BUCKET_WAYS = 4,
    BUCKET_SETS = HANDLE_BUCKETS / BUCKET_WAYS,
    BUCKET_HOUR_MS = 3600000
};

struct bucket_entry {
    uint64_t network; /* 0: free */
    int64_t at_ms;    /* filled up to here */
    int64_t sent, asked;
};

struct handle_bucket {
    int64_t rate, burst;
    uint64_t seed;
    struct bucket_entry sets[BUCKET_SETS][BUCKET_WAYS];
};

struct handle_bucket *
handle_bucket_new(int64_t rate, int64_t burst, uint64_t seed)
{
    struct handle_bucket *buckets = base_mem_zero(sizeof *buckets);
    buckets->rate = rate;
    buckets->burst = burst;
    buckets->seed = seed;
    return buckets;
}

void
handle_bucket_free(struct handle_bucket *buckets)
{
    base_mem_free(buckets);
}

/* The family, then 3 or 7 bytes: never 0. */
static uint64_t
bucket_network(const struct net_udp_peer *peer)
{
    unsigned size = peer->family == 4 ? 3 : 7;
    uint64_t network = peer->family;
    for (unsigned i = 0; i < 7; i++)
        network = network << 8 | (i < size ? peer->address[i] : 0u);
    return network;
}

static int64_t
bucket_filled(int64_t level, int64_t add, int64_t most)
{
    return level + add > most ? most : level + add;
}

static void
bucket_fill(const struct handle_bucket *buckets, struct bucket_entry *entry,
            int64_t now_ms)
{
    int64_t ms = now_ms - entry->at_ms;
    int64_t add =
        buckets->rate * (ms < BUCKET_HOUR_MS ? ms : BUCKET_HOUR_MS) / 1000;
    if (add <= 0)
        return; /* too soon for one byte: the time is not lost */
    entry->at_ms = now_ms;
    entry->sent = bucket_filled(entry->sent, add, buckets->burst);
    entry->asked = bucket_filled(entry->asked, add * HANDLE_BUCKET_TIMES,
                                 buckets->burst * HANDLE_BUCKET_TIMES);
}

/* His bucket, filled up to now. */
static struct bucket_entry *
bucket_of(struct handle_bucket *buckets, const struct net_udp_peer *peer,
          int64_t now_ms)
{
    uint64_t network = bucket_network(peer);
    uint64_t hash =
        base_hash_xxh3(buckets->seed, base_bytes(&network, sizeof network));
    struct bucket_entry *set = buckets->sets[hash % BUCKET_SETS], *old = set;
    for (unsigned i = 0; i < BUCKET_WAYS; i++) {
        if (set[i].network == network) {
            bucket_fill(buckets, &set[i], now_ms);
            return &set[i];
        }
        if (set[i].network == 0 ||
            (old->network != 0 && set[i].at_ms < old->at_ms))
            old = &set[i];
    }
    *old = (struct bucket_entry){network, now_ms, buckets->burst,
                                 buckets->burst * HANDLE_BUCKET_TIMES};
    return old;
}

bool
handle_bucket_hopeless(struct handle_bucket *buckets,
                       const struct net_udp_peer *peer, int64_t now_ms)
{
    return bucket_of(buckets, peer, now_ms)->asked <= 0;
}

enum handle_bucket_verdict
handle_bucket_take(struct handle_bucket *buckets,
                   const struct net_udp_peer *peer, size_t bytes,
                   int64_t now_ms)
{
    struct bucket_entry *entry = bucket_of(buckets, peer, now_ms);
    if (entry->asked <= 0)
        return HANDLE_BUCKET_SILENT;
    entry->asked -= (int64_t)bytes;
    if (entry->sent <= 0)
        return HANDLE_BUCKET_BUSY;
    entry->sent -= (int64_t)bytes;
    return HANDLE_BUCKET_SEND;
}
