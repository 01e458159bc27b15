/* crypt_merkle_test.c -- trees of 1..300 leaves against a naive one that is
 * written as RFC 9162 section 2.1.1 defines it, and its proofs likewise. */
#include "crypt/crypt_merkle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/base_b64.h"
#include "crypt/crypt_hash.h"

enum { SIZES = 300, LEVELS = 10, STRIDE = 40 /* below it: all */ };

struct world {
    uint8_t leaves[SIZES][32];
    uint8_t nodes[LEVELS][SIZES][32]; /* complete subtrees */
    uint8_t roots[SIZES + 1][32];
    struct crypt_merkle_nodes kept;
};

/* ---- the naive tree ---- */

static uint64_t
naive_split(uint64_t size)
{
    uint64_t split = 1;
    while (split * 2 < size)
        split *= 2;
    return split;
}

static void
naive_root(const uint8_t (*leaves)[32], uint64_t size, uint8_t to[32])
{
    uint8_t left[32], right[32];
    if (size == 0) {
        crypt_hash_sha256((struct bytes){0}, to);
        return;
    }
    if (size == 1) {
        memcpy(to, leaves[0], 32);
        return;
    }
    uint64_t split = naive_split(size);
    naive_root(leaves, split, left);
    naive_root(leaves + split, size - split, right);
    crypt_merkle_node(left, right, to);
}

static void
naive_add(struct base_out *path, const uint8_t (*leaves)[32], uint64_t size)
{
    uint8_t hash[32];
    naive_root(leaves, size, hash);
    base_out_bytes_add(path, base_bytes(hash, 32));
}

static void
naive_path(const uint8_t (*leaves)[32], uint64_t index, uint64_t size,
           struct base_out *path)
{
    if (size < 2)
        return;
    uint64_t split = naive_split(size);
    if (index < split) {
        naive_path(leaves, index, split, path);
        naive_add(path, leaves + split, size - split);
    } else {
        naive_path(leaves + split, index - split, size - split, path);
        naive_add(path, leaves, split);
    }
}

static void
naive_proof(const uint8_t (*leaves)[32], uint64_t first, uint64_t size,
            bool whole, struct base_out *path)
{
    if (first == size) {
        if (!whole)
            naive_add(path, leaves, size);
        return;
    }
    uint64_t split = naive_split(size);
    if (first <= split) {
        naive_proof(leaves, first, split, whole, path);
        naive_add(path, leaves + split, size - split);
    } else {
        naive_proof(leaves + split, first - split, size - split, false, path);
        naive_add(path, leaves, split);
    }
}

/* ---- a world of 300 leaves ---- */

static enum err
world_get(void *self, unsigned level, uint64_t index, uint8_t to[32])
{
    struct world *world = self;
    assert_true(level < LEVELS && (index + 1) << level <= SIZES);
    memcpy(to, world->nodes[level][index], 32);
    return ERR_OK;
}

static struct world the_world;

static int
world_make(void **state)
{
    struct world *world = &the_world;
    struct crypt_merkle tree = {0};
    world->kept = (struct crypt_merkle_nodes){world_get, world};
    naive_root(world->leaves, 0, world->roots[0]);
    for (unsigned i = 0; i < SIZES; i++) {
        char text[16];
        snprintf(text, sizeof text, "leaf %u", i);
        crypt_merkle_leaf(base_bytes_text(text), world->leaves[i]);
        memcpy(world->nodes[0][i], world->leaves[i], 32);
        crypt_merkle_add(&tree, world->leaves[i]);
        crypt_merkle_root(&tree, world->roots[i + 1]);
    }
    for (unsigned level = 1; level < LEVELS; level++)
        for (unsigned i = 0; (i + 1) << level <= SIZES; i++)
            crypt_merkle_node(world->nodes[level - 1][2 * i],
                              world->nodes[level - 1][2 * i + 1],
                              world->nodes[level][i]);
    *state = world;
    return 0;
}

/* ---- tests ---- */

static void
the_root_is_the_one_that_rfc_6962_shows(void **state)
{
    (void)state;
    /* The inputs of the reference tests of certificate transparency logs. */
    static const struct {
        const char *data;
        unsigned size;
    } inputs[] = {{"", 0},
                  {"\x00", 1},
                  {"\x10", 1},
                  {"\x20\x21", 2},
                  {"\x30\x31", 2},
                  {"\x40\x41\x42\x43", 4},
                  {"\x50\x51\x52\x53\x54\x55\x56\x57", 8},
                  {"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d"
                   "\x6e\x6f",
                   16}};
    struct crypt_merkle tree = {0};
    uint8_t hash[32];
    char text[65];
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        crypt_merkle_leaf(base_bytes(inputs[i].data, inputs[i].size), hash);
        crypt_merkle_add(&tree, hash);
    }
    crypt_merkle_root(&tree, hash);
    assert_string_equal(
        base_b64_hex(base_bytes(hash, 32), text),
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}

static void
roots_equal_the_naive_tree(void **state)
{
    struct world *world = *state;
    uint8_t naive[32], kept[32];
    for (uint64_t size = 0; size <= SIZES; size++) {
        naive_root(world->leaves, size, naive);
        assert_memory_equal(naive, world->roots[size], 32);
        assert_int_equal(crypt_merkle_head(&world->kept, size, kept), ERR_OK);
        assert_memory_equal(naive, kept, 32);
    }
}

static void
every_leaf_is_proved_and_no_other_is(void **state)
{
    struct world *world = *state;
    uint8_t room[CRYPT_MERKLE_PATH], naive_room[CRYPT_MERKLE_PATH];
    for (uint64_t size = 1; size <= SIZES; size++)
        for (uint64_t index = 0; index < size; index += 1 + size / STRIDE) {
            struct base_out path, naive;
            base_out_fixed(&path, room, sizeof room);
            base_out_fixed(&naive, naive_room, sizeof naive_room);
            assert_int_equal(
                crypt_merkle_prove(&world->kept, index, size, &path), ERR_OK);
            naive_path(world->leaves, index, size, &naive);
            assert_true(base_bytes_equal(base_out_bytes(&path),
                                         base_out_bytes(&naive)));
            const uint8_t *root = world->roots[size];
            struct bytes proof = base_out_bytes(&path);
            assert_true(crypt_merkle_included(index, size, world->leaves[index],
                                              proof, root));
            assert_false(crypt_merkle_included(
                index, size, world->leaves[(index + 1) % SIZES], proof, root));
            assert_false(crypt_merkle_included(index, size,
                                               world->leaves[index], proof,
                                               world->roots[size - 1]));
            assert_false(crypt_merkle_included(size, size, world->leaves[index],
                                               proof, root));
        }
}

static void
every_longer_tree_is_proved_to_begin_with_every_shorter(void **state)
{
    struct world *world = *state;
    uint8_t room[CRYPT_MERKLE_PATH], naive_room[CRYPT_MERKLE_PATH];
    for (uint64_t second = 1; second <= SIZES; second++)
        for (uint64_t first = 1; first <= second;
             first += 1 + second / STRIDE) {
            struct base_out path, naive;
            base_out_fixed(&path, room, sizeof room);
            base_out_fixed(&naive, naive_room, sizeof naive_room);
            assert_int_equal(
                crypt_merkle_extend(&world->kept, first, second, &path),
                ERR_OK);
            naive_proof(world->leaves, first, second, true, &naive);
            struct bytes proof = base_out_bytes(&path);
            assert_true(base_bytes_equal(proof, base_out_bytes(&naive)));
            const uint8_t *a = world->roots[first], *b = world->roots[second];
            assert_true(crypt_merkle_consistent(first, second, a, b, proof));
            assert_false(crypt_merkle_consistent(
                first, second, world->roots[first - 1], b, proof));
            if (first == second)
                continue;
            assert_false(crypt_merkle_consistent(
                first, second, a, world->roots[second - 1], proof));
            room[(first * 7 + second) % proof.size] ^= 1;
            assert_false(crypt_merkle_consistent(first, second, a, b, proof));
        }
}

static void
proofs_of_what_cannot_be_are_refused(void **state)
{
    struct world *world = *state;
    uint8_t room[CRYPT_MERKLE_PATH];
    struct base_out path;
    base_out_fixed(&path, room, sizeof room);
    assert_int_equal(crypt_merkle_prove(&world->kept, 7, 7, &path), ERR_RANGE);
    assert_int_equal(crypt_merkle_extend(&world->kept, 8, 7, &path), ERR_RANGE);
    assert_true(crypt_merkle_consistent(0, 7, world->roots[0], world->roots[7],
                                        (struct bytes){0}));
    assert_false(crypt_merkle_consistent(0, 7, world->roots[1], world->roots[7],
                                         (struct bytes){0}));
    assert_false(crypt_merkle_consistent(7, 6, world->roots[7], world->roots[6],
                                         (struct bytes){0}));
    assert_false(crypt_merkle_included(0, 0, world->leaves[0],
                                       (struct bytes){0}, world->roots[0]));
    assert_false(crypt_merkle_consistent(3, 7, world->roots[3], world->roots[7],
                                         base_bytes(room, 33)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_root_is_the_one_that_rfc_6962_shows),
        cmocka_unit_test(roots_equal_the_naive_tree),
        cmocka_unit_test(every_leaf_is_proved_and_no_other_is),
        cmocka_unit_test(
            every_longer_tree_is_proved_to_begin_with_every_shorter),
        cmocka_unit_test(proofs_of_what_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, world_make, NULL);
}
