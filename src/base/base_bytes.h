/* base_bytes.h -- a run of bytes that somebody else owns.
 *
 * Shape    pointer and size; at may be NULL when size is 0.
 * Memory   never owns, never allocates.
 * Folding  identifiers compare with ASCII a-z folded to upper case and every
 *          other byte as it is (RULINGS 12). */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/base_err.h"

struct bytes {
    const uint8_t *at;
    size_t size;
};

static inline struct bytes
base_bytes(const void *at, size_t size)
{
    return (struct bytes){at, size};
}

static inline struct bytes
base_bytes_text(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static inline bool
base_bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

static inline bool
base_bytes_is(struct bytes a, const char *text)
{
    return base_bytes_equal(a, base_bytes_text(text));
}

/* <0, 0, >0 in byte order, a shorter prefix first. */
int base_bytes_compare(struct bytes a, struct bytes b);
bool base_bytes_starts(struct bytes a, struct bytes prefix);
bool base_bytes_equal_folded(struct bytes a, struct bytes b);
/* Write a folded to upper case into to[a.size]. */
void base_bytes_fold(struct bytes a, uint8_t *to);
/* Position of the byte, or a.size. */
size_t base_bytes_find(struct bytes a, uint8_t byte);
/* What of a lies in [from, from + size); empty at a's end if nothing does. */
struct bytes base_bytes_slice(struct bytes a, size_t from, size_t size);
/* Without spaces and control bytes at its ends. */
struct bytes base_bytes_trim(struct bytes a);
/* A NUL-terminated copy cut to size - 1; returns to. */
char *base_bytes_string(struct bytes a, char *to, size_t size);
/* Valid UTF-8 (no surrogates, overlong forms, or beyond U+10FFFF)? */
bool base_bytes_utf8(struct bytes a);
/* A decimal uint64 without sign or spaces; ERR_SYNTAX, ERR_RANGE. */
enum err base_bytes_u64(struct bytes a, uint64_t *ret_value);
/* The same with an optional "-". */
enum err base_bytes_i64(struct bytes a, int64_t *ret_value);

#endif
