/* crypt_merkle.h -- Merkle trees as RFC 9162 hashes them.
 *
 * Why: one root says what a whole list says; a short path shows that one entry
 * is in it (inclusion), or that a longer list begins with a shorter one
 * (consistency).  The audit log, and whoever checks it from outside, share
 * these functions.
 *
 * Hashes   leaf SHA-256(00 || data), node SHA-256(01 || left || right), the
 *          empty list SHA-256 of nothing.
 * Shape    a tree's complete subtrees have names: (level, index) covers the
 *          leaves index * 2^level up to the next.  Whoever keeps them can prove
 *          anything in O(log n) reads; whoever only adds needs the struct.
 * Paths    32 B hashes one behind the other, from the leaf upward.
 * Memory   values; nothing allocated, nothing kept.
 * Errors   of get() only: proofs are true or false.
 * Source   RFC 9162 section 2.1 (the hashing of RFC 6962). */
#ifndef CRYPT_MERKLE_H
#define CRYPT_MERKLE_H

#include "base/base_out.h"

enum {
    CRYPT_MERKLE_HASH = 32,
    CRYPT_MERKLE_LEVELS = 40, /* a million million leaves */
    CRYPT_MERKLE_PATH = (CRYPT_MERKLE_LEVELS + 1) * CRYPT_MERKLE_HASH,
};

/* Roots of the full subtrees so far, one per set bit of count. */
struct crypt_merkle {
    uint64_t count;
    uint8_t at[CRYPT_MERKLE_LEVELS][CRYPT_MERKLE_HASH];
};

/* Complete subtrees, from wherever they are kept. */
struct crypt_merkle_nodes {
    enum err (*get)(void *self, unsigned level, uint64_t index, uint8_t to[32]);
    void *self;
};

void crypt_merkle_leaf(struct bytes data, uint8_t to[32]);
void crypt_merkle_node(const uint8_t left[32], const uint8_t right[32],
                       uint8_t to[32]);
void crypt_merkle_add(struct crypt_merkle *tree, const uint8_t leaf[32]);
void crypt_merkle_root(const struct crypt_merkle *tree, uint8_t to[32]);

/* The root of the first `size` leaves. */
enum err crypt_merkle_head(const struct crypt_merkle_nodes *nodes,
                           uint64_t size, uint8_t to[32]);
/* The audit path of leaf `index` in the tree of `size`; RANGE. */
enum err crypt_merkle_prove(const struct crypt_merkle_nodes *nodes,
                            uint64_t index, uint64_t size,
                            struct base_out *ret_path);
/* That the tree of `second` begins with that of `first`; RANGE. */
enum err crypt_merkle_extend(const struct crypt_merkle_nodes *nodes,
                             uint64_t first, uint64_t second,
                             struct base_out *ret_path);

bool crypt_merkle_included(uint64_t index, uint64_t size,
                           const uint8_t leaf[32], struct bytes path,
                           const uint8_t root[32]);
bool crypt_merkle_consistent(uint64_t first, uint64_t second,
                             const uint8_t first_root[32],
                             const uint8_t second_root[32], struct bytes path);

#endif
