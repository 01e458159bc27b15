/* base_out.h -- write bytes into a buffer, and check once.
 *
 * Two homes: a fixed one (base_out_fixed: overflow fails with BIG) or one that
 * grows on the heap up to a limit (base_out_grow; base_out_done frees it).
 * After a failure nothing more is written; base_out_ok() is asked at the end.
 * base_out_bytes() is what has been written. */
#ifndef BASE_OUT_H
#define BASE_OUT_H

#include "base/base_bytes.h"

struct base_out {
    uint8_t *at; /* start of the buffer */
    size_t size; /* written */
    size_t room, limit;
    bool heap;
    enum err failed;
};

void base_out_fixed(struct base_out *out, void *at, size_t room);
void base_out_grow(struct base_out *out, size_t limit);
void base_out_done(struct base_out *out);
void base_out_reset(struct base_out *out); /* size 0, keeps the buffer */

void base_out_u8(struct base_out *out, uint8_t value);
void base_out_u16le(struct base_out *out, uint16_t value);
void base_out_u32le(struct base_out *out, uint32_t value);
void base_out_u64le(struct base_out *out, uint64_t value);
void base_out_u16be(struct base_out *out, uint16_t value);
void base_out_u32be(struct base_out *out, uint32_t value);
void base_out_u64be(struct base_out *out, uint64_t value);
void base_out_varint(struct base_out *out, uint64_t value);
void base_out_zigzag(struct base_out *out, int64_t value);
void base_out_zigzag128(struct base_out *out, __int128 value);
void base_out_bytes_add(struct base_out *out, struct bytes from);
void base_out_text(struct base_out *out, const char *text);
void base_out_format(struct base_out *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Room for size bytes at the end, already counted as written; NULL: failed. */
uint8_t *base_out_space(struct base_out *out, size_t size);
/* Overwrite earlier bytes, for lengths and checksums known late. */
void base_out_patch_u32le(struct base_out *out, size_t offset, uint32_t value);
void base_out_patch_u32be(struct base_out *out, size_t offset, uint32_t value);

static inline struct bytes
base_out_bytes(const struct base_out *out)
{
    return (struct bytes){out->at, out->size};
}

static inline bool
base_out_ok(const struct base_out *out)
{
    return out->failed == ERR_OK;
}

#endif
