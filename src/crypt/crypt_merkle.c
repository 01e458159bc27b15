/* crypt_merkle.c -- see crypt_merkle.h. */
#include "crypt/crypt_merkle.h"

#include "base/base_must.h"
#include "crypt/crypt_hash.h"

enum { HASH = CRYPT_MERKLE_HASH };

void
crypt_merkle_leaf(struct bytes data, uint8_t to[32])
{
    static const uint8_t mark[] = {0};
    const struct bytes parts[] = {base_bytes(mark, 1), data};
    crypt_hash_sha256_parts(parts, 2, to);
}

void
crypt_merkle_node(const uint8_t left[32], const uint8_t right[32],
                  uint8_t to[32])
{
    uint8_t room[1 + 2 * HASH] = {1};
    memcpy(room + 1, left, HASH);
    memcpy(room + 1 + HASH, right, HASH);
    crypt_hash_sha256(base_bytes(room, sizeof room), to);
}

void
crypt_merkle_add(struct crypt_merkle *tree, const uint8_t leaf[32])
{
    uint8_t hash[HASH];
    unsigned level = 0;
    memcpy(hash, leaf, HASH);
    for (; tree->count >> level & 1; level++)
        crypt_merkle_node(tree->at[level], hash, hash);
    memcpy(tree->at[level], hash, HASH);
    tree->count++;
}

void
crypt_merkle_root(const struct crypt_merkle *tree, uint8_t to[32])
{
    bool some = false;
    crypt_hash_sha256((struct bytes){0}, to);
    for (unsigned level = 0; level < CRYPT_MERKLE_LEVELS; level++) {
        if (!(tree->count >> level & 1))
            continue;
        if (some)
            crypt_merkle_node(tree->at[level], to, to);
        else
            memcpy(to, tree->at[level], HASH);
        some = true;
    }
}

/* --- proving --- */

static unsigned
merkle_log2(uint64_t size)
{
    return 63 - (unsigned)__builtin_clzll(size);
}

/* The root of `size` > 0 leaves from `start`, a multiple of the power of two
 * at or above size: its full subtrees, hashed together from the right. */
static enum err
merkle_range(const struct crypt_merkle_nodes *nodes, uint64_t start,
             uint64_t size, uint8_t to[32])
{
    bool some = false;
    uint64_t end = start + size;
    while (size > 0) {
        uint8_t left[HASH];
        unsigned level = (unsigned)__builtin_ctzll(size);
        uint64_t width = UINT64_C(1) << level;
        enum err err =
            nodes->get(nodes->self, level, (end - width) >> level, left);
        if (err != ERR_OK)
            return err;
        if (some)
            crypt_merkle_node(left, to, to);
        else
            memcpy(to, left, HASH);
        some = true;
        end -= width;
        size -= width;
    }
    return ERR_OK;
}

enum err
crypt_merkle_head(const struct crypt_merkle_nodes *nodes, uint64_t size,
                  uint8_t to[32])
{
    if (size == 0) {
        crypt_hash_sha256((struct bytes){0}, to);
        return ERR_OK;
    }
    return merkle_range(nodes, 0, size, to);
}

/* The largest power of two below size, size > 1. */
static uint64_t
merkle_split(uint64_t size)
{
    return UINT64_C(1) << merkle_log2(size - 1);
}

/* Ranges whose roots make a path, outermost first. */
struct merkle_ranges {
    uint64_t start[CRYPT_MERKLE_LEVELS + 1], size[CRYPT_MERKLE_LEVELS + 1];
    unsigned count;
};

static void
merkle_range_add(struct merkle_ranges *ranges, uint64_t start, uint64_t size)
{
    must(ranges->count <= CRYPT_MERKLE_LEVELS);
    ranges->start[ranges->count] = start;
    ranges->size[ranges->count++] = size;
}

static enum err
merkle_ranges_write(const struct crypt_merkle_nodes *nodes,
                    const struct merkle_ranges *ranges,
                    struct base_out *ret_path)
{
    for (unsigned i = ranges->count; i-- > 0;) {
        uint8_t hash[HASH];
        enum err err =
            merkle_range(nodes, ranges->start[i], ranges->size[i], hash);
        if (err != ERR_OK)
            return err;
        base_out_bytes_add(ret_path, base_bytes(hash, HASH));
    }
    return ret_path->failed;
}

/* One step down: into the half that holds `at`; the other is on the path. */
static void
merkle_down(struct merkle_ranges *ranges, bool left, uint64_t *start,
            uint64_t *size)
{
    uint64_t split = merkle_split(*size);
    if (left) {
        merkle_range_add(ranges, *start + split, *size - split);
        *size = split;
    } else {
        merkle_range_add(ranges, *start, split);
        *start += split;
        *size -= split;
    }
}

enum err
crypt_merkle_prove(const struct crypt_merkle_nodes *nodes, uint64_t index,
                   uint64_t size, struct base_out *ret_path)
{
    struct merkle_ranges ranges = {.count = 0};
    uint64_t start = 0, left = size;
    if (index >= size)
        return ERR_RANGE;
    while (left > 1)
        merkle_down(&ranges, index - start < merkle_split(left), &start, &left);
    return merkle_ranges_write(nodes, &ranges, ret_path);
}

enum err
crypt_merkle_extend(const struct crypt_merkle_nodes *nodes, uint64_t first,
                    uint64_t second, struct base_out *ret_path)
{
    struct merkle_ranges ranges = {.count = 0};
    uint64_t start = 0, size = second;
    if (first > second)
        return ERR_RANGE;
    if (first == 0 || first == second)
        return ERR_OK;
    while (first - start != size)
        merkle_down(&ranges, first - start <= merkle_split(size), &start,
                    &size);
    if (start > 0) /* else the verifier has it: it is the first root */
        merkle_range_add(&ranges, start, size);
    return merkle_ranges_write(nodes, &ranges, ret_path);
}

/* --- judging --- */

/* Where a verifier stands: fn in a tree whose last is sn. */
struct merkle_walk {
    uint64_t fn, sn;
};

static bool
merkle_is_right(const struct merkle_walk *walk)
{
    return (walk->fn & 1) || walk->fn == walk->sn;
}

static void
merkle_up(struct merkle_walk *walk, bool was_right)
{
    if (was_right)
        while (!(walk->fn & 1) && walk->fn != 0) {
            walk->fn >>= 1;
            walk->sn >>= 1;
        }
    walk->fn >>= 1;
    walk->sn >>= 1;
}

bool
crypt_merkle_included(uint64_t index, uint64_t size, const uint8_t leaf[32],
                      struct bytes path, const uint8_t root[32])
{
    struct merkle_walk walk = {index, size - 1};
    uint8_t hash[HASH];
    if (index >= size || path.size % HASH != 0)
        return false;
    memcpy(hash, leaf, HASH);
    for (size_t at = 0; at < path.size; at += HASH) {
        bool right = merkle_is_right(&walk);
        if (walk.sn == 0)
            return false;
        if (right)
            crypt_merkle_node(path.at + at, hash, hash);
        else
            crypt_merkle_node(hash, path.at + at, hash);
        merkle_up(&walk, right);
    }
    return walk.sn == 0 && crypt_hash_equal(hash, root, HASH);
}

static bool
merkle_consistent_walk(struct merkle_walk walk, const uint8_t start[32],
                       const uint8_t first_root[32],
                       const uint8_t second_root[32], struct bytes path)
{
    uint8_t first[HASH], second[HASH];
    memcpy(first, start, HASH);
    memcpy(second, start, HASH);
    for (; walk.fn & 1; walk.sn >>= 1)
        walk.fn >>= 1;
    for (size_t at = 0; at < path.size; at += HASH) {
        bool right = merkle_is_right(&walk);
        if (walk.sn == 0)
            return false;
        if (right) {
            crypt_merkle_node(path.at + at, first, first);
            crypt_merkle_node(path.at + at, second, second);
        } else {
            crypt_merkle_node(second, path.at + at, second);
        }
        merkle_up(&walk, right);
    }
    return walk.sn == 0 && crypt_hash_equal(first, first_root, HASH) &&
           crypt_hash_equal(second, second_root, HASH);
}

bool
crypt_merkle_consistent(uint64_t first, uint64_t second,
                        const uint8_t first_root[32],
                        const uint8_t second_root[32], struct bytes path)
{
    uint8_t empty[HASH];
    struct merkle_walk walk = {first - 1, second - 1};
    if (first > second || path.size % HASH != 0)
        return false;
    if (first == second)
        return path.size == 0 &&
               crypt_hash_equal(first_root, second_root, HASH);
    if (first == 0) {
        crypt_hash_sha256((struct bytes){0}, empty);
        return path.size == 0 && crypt_hash_equal(first_root, empty, HASH);
    }
    if ((first & (first - 1)) == 0) /* a full subtree: the root we hold */
        return path.size > 0 &&
               merkle_consistent_walk(walk, first_root, first_root, second_root,
                                      path);
    if (path.size < HASH)
        return false;
    struct bytes rest = base_bytes_slice(path, HASH, path.size - HASH);
    return merkle_consistent_walk(walk, path.at, first_root, second_root, rest);
}
