/* base_cur.h -- read bytes straight through, and check once.
 *
 * Why: a parser that checks each read hides what it parses.  The first read
 * that does not fit makes the cursor fail; every later read returns 0 and
 * moves nothing; base_cur_ok() is asked at the end.
 *
 * Shape    at..end is what is left; `failed` stays at the first error.
 * Varint   LEB128, at most 10 bytes, non-minimal forms refused (SYNTAX).
 * Errors   SHORT, SYNTAX.  Memory: a value; results point into the input. */
#ifndef BASE_CUR_H
#define BASE_CUR_H

#include "base/base_bytes.h"

struct base_cur {
    const uint8_t *start, *at, *end;
    enum err failed;
};

void base_cur_init(struct base_cur *cur, struct bytes from);
uint8_t base_cur_u8(struct base_cur *cur);
uint16_t base_cur_u16le(struct base_cur *cur);
uint32_t base_cur_u32le(struct base_cur *cur);
uint64_t base_cur_u64le(struct base_cur *cur);
uint16_t base_cur_u16be(struct base_cur *cur);
uint32_t base_cur_u32be(struct base_cur *cur);
uint64_t base_cur_u64be(struct base_cur *cur);
uint64_t base_cur_varint(struct base_cur *cur);
int64_t base_cur_zigzag(struct base_cur *cur);
/* Zigzag LEB128 of 128 bits: at most 19 bytes. */
__int128 base_cur_zigzag128(struct base_cur *cur);
struct bytes base_cur_take(struct base_cur *cur, size_t size);
struct bytes base_cur_rest(struct base_cur *cur);
/* Fail with this error unless one stands already. */
void base_cur_fail(struct base_cur *cur, enum err why);

static inline size_t
base_cur_left(const struct base_cur *cur)
{
    return (size_t)(cur->end - cur->at);
}

static inline size_t
base_cur_offset(const struct base_cur *cur)
{
    return (size_t)(cur->at - cur->start);
}

static inline bool
base_cur_ok(const struct base_cur *cur)
{
    return cur->failed == ERR_OK;
}

#endif
