/* base_rng.h -- randomness as an argument.
 *
 * struct base_random is what code asks for; the real one (sys_random) reads
 * the kernel's, the seeded one below makes runs repeatable: xoshiro256**,
 * seeded by splitmix64.  Never for keys unless it is the kernel's. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct base_random {
    void (*fill)(struct base_random *self, void *to, size_t size);
};

struct base_rng {
    struct base_random random; /* first: it is one */
    uint64_t state[4];
};

void base_rng_seed(struct base_rng *rng, uint64_t seed);
uint64_t base_rng_next(struct base_rng *rng);
/* Uniform in 0 .. bound - 1; bound > 0. */
uint64_t base_rng_below(struct base_rng *rng, uint64_t bound);
/* The same for any source. */
uint64_t base_rng_u64(struct base_random *random);
uint64_t base_rng_range(struct base_random *random, uint64_t bound);

#endif
