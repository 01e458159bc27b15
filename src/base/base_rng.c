/* base_rng.c -- xoshiro256** (Blackman, Vigna 2018), seeded by splitmix64. */
#include "base/base_rng.h"

#include <string.h>

#include "base/base_mem.h"
#include "base/base_must.h"

static uint64_t
rng_left(uint64_t value, unsigned by)
{
    return value << by | value >> (64 - by);
}

static void
rng_fill(struct base_random *self, void *to, size_t size)
{
    struct base_rng *rng = BASE_OUTER(self, struct base_rng, random);
    uint8_t *at = to;
    while (size) {
        uint64_t word = base_rng_next(rng);
        size_t part = size < sizeof word ? size : sizeof word;
        memcpy(at, &word, part);
        at += part;
        size -= part;
    }
}

void
base_rng_seed(struct base_rng *rng, uint64_t seed)
{
    rng->random.fill = rng_fill;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t z = seed += 0x9E3779B97F4A7C15u;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
        z = (z ^ z >> 27) * 0x94D049BB133111EBu;
        rng->state[i] = z ^ z >> 31;
    }
}

uint64_t
base_rng_next(struct base_rng *rng)
{
    uint64_t *s = rng->state;
    uint64_t result = rng_left(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rng_left(s[3], 45);
    return result;
}

uint64_t
base_rng_below(struct base_rng *rng, uint64_t bound)
{
    return base_rng_range(&rng->random, bound);
}

uint64_t
base_rng_u64(struct base_random *random)
{
    uint64_t word;
    random->fill(random, &word, sizeof word);
    return word;
}

/* Lemire 2019: a multiplication, and a second draw only where it is needed to
 * be uniform. */
uint64_t
base_rng_range(struct base_random *random, uint64_t bound)
{
    must(bound > 0);
    uint64_t least = (0 - bound) % bound;
    for (;;) {
        unsigned __int128 product =
            (unsigned __int128)base_rng_u64(random) * bound;
        if ((uint64_t)product >= least)
            return (uint64_t)(product >> 64);
    }
}
