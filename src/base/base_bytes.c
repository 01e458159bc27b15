/* base_bytes.c -- comparing, folding and checking runs of bytes. */
#include "base/base_bytes.h"

#include "base/base_must.h"

static uint8_t
bytes_upper(uint8_t byte)
{
    return byte >= 'a' && byte <= 'z' ? (uint8_t)(byte - 32) : byte;
}

int
base_bytes_compare(struct bytes a, struct bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.at, b.at, size) : 0;
    if (order)
        return order;
    return a.size < b.size ? -1 : a.size > b.size;
}

bool
base_bytes_starts(struct bytes a, struct bytes prefix)
{
    return a.size >= prefix.size &&
           (prefix.size == 0 || memcmp(a.at, prefix.at, prefix.size) == 0);
}

bool
base_bytes_equal_folded(struct bytes a, struct bytes b)
{
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++)
        if (bytes_upper(a.at[i]) != bytes_upper(b.at[i]))
            return false;
    return true;
}

void
base_bytes_fold(struct bytes a, uint8_t *to)
{
    for (size_t i = 0; i < a.size; i++)
        to[i] = bytes_upper(a.at[i]);
}

size_t
base_bytes_find(struct bytes a, uint8_t byte)
{
    const uint8_t *at = a.size ? memchr(a.at, byte, a.size) : NULL;
    return at ? (size_t)(at - a.at) : a.size;
}

struct bytes
base_bytes_slice(struct bytes a, size_t from, size_t size)
{
    if (from >= a.size)
        return (struct bytes){a.size ? a.at + a.size : a.at, 0};
    size_t left = a.size - from;
    return (struct bytes){a.at + from, size < left ? size : left};
}

struct bytes
base_bytes_trim(struct bytes a)
{
    while (a.size > 0 && a.at[a.size - 1] <= ' ')
        a.size--;
    while (a.size > 0 && a.at[0] <= ' ')
        a = base_bytes_slice(a, 1, SIZE_MAX);
    return a;
}

char *
base_bytes_string(struct bytes a, char *to, size_t size)
{
    must(size > 0);
    size_t count = a.size < size ? a.size : size - 1;
    if (count)
        memcpy(to, a.at, count);
    to[count] = 0;
    return to;
}

/* How many bytes the character at `at` has; 0: none is there. */
static size_t
bytes_utf8_step(const uint8_t *at, size_t left)
{
    uint8_t lead = at[0];
    if (lead < 0x80)
        return 1;
    size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || left < size)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    if (lead == 0xE0 && at[1] < 0xA0) /* overlong */
        return 0;
    if (lead == 0xED && at[1] > 0x9F) /* surrogates */
        return 0;
    if (lead == 0xF0 && at[1] < 0x90) /* overlong */
        return 0;
    if (lead == 0xF4 && at[1] > 0x8F) /* beyond U+10FFFF */
        return 0;
    return size;
}

bool
base_bytes_utf8(struct bytes a)
{
    for (size_t i = 0; i < a.size;) {
        size_t step = bytes_utf8_step(a.at + i, a.size - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

enum err
base_bytes_u64(struct bytes a, uint64_t *ret_value)
{
    if (a.size == 0)
        return ERR_SYNTAX;
    uint64_t value = 0;
    bool over = false;
    for (size_t i = 0; i < a.size; i++) {
        if (a.at[i] < '0' || a.at[i] > '9')
            return ERR_SYNTAX;
        over |= __builtin_mul_overflow(value, 10u, &value);
        over |=
            __builtin_add_overflow(value, (uint64_t)(a.at[i] - '0'), &value);
    }
    if (over)
        return ERR_RANGE;
    *ret_value = value;
    return ERR_OK;
}

enum err
base_bytes_i64(struct bytes a, int64_t *ret_value)
{
    bool minus = a.size && a.at[0] == '-';
    uint64_t value;
    enum err err =
        base_bytes_u64(minus ? base_bytes_slice(a, 1, a.size) : a, &value);
    if (err)
        return err;
    if (value > (uint64_t)INT64_MAX + (minus ? 1 : 0))
        return ERR_RANGE;
    *ret_value = (int64_t)(minus ? 0 - value : value);
    return ERR_OK;
}
