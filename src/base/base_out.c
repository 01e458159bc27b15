/* base_out.c -- the writing buffer. */
#include "base/base_out.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/base_mem.h"
#include "base/base_must.h"

enum { OUT_FIRST = 256 };

void
base_out_fixed(struct base_out *out, void *at, size_t room)
{
    *out = (struct base_out){.at = at, .room = room, .limit = room};
}

void
base_out_grow(struct base_out *out, size_t limit)
{
    *out = (struct base_out){.limit = limit, .heap = true};
}

void
base_out_done(struct base_out *out)
{
    if (out->heap)
        base_mem_free(out->at);
    *out = (struct base_out){0};
}

void
base_out_reset(struct base_out *out)
{
    out->size = 0;
    out->failed = ERR_OK;
}

/* The heap buffer holds at least `need` bytes, need <= limit, afterwards. */
static void
out_enlarge(struct base_out *out, size_t need)
{
    size_t room = out->room ? out->room : OUT_FIRST;
    while (room < need)
        room = room > out->limit / 2 ? out->limit : room * 2;
    out->at = base_mem_resize(out->at, room);
    out->room = room;
}

uint8_t *
base_out_space(struct base_out *out, size_t size)
{
    if (out->failed != ERR_OK)
        return NULL;
    if (size > out->limit - out->size) {
        out->failed = ERR_BIG;
        return NULL;
    }
    if (out->heap && (size > out->room - out->size || !out->at))
        out_enlarge(out, out->size + size);
    uint8_t *to = out->at + out->size;
    out->size += size;
    return to;
}

void
base_out_u8(struct base_out *out, uint8_t value)
{
    uint8_t *to = base_out_space(out, 1);
    if (to)
        to[0] = value;
}

static void
out_little(struct base_out *out, uint64_t value, unsigned size)
{
    uint8_t *to = base_out_space(out, size);
    for (unsigned i = 0; to && i < size; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

static void
out_big(struct base_out *out, uint64_t value, unsigned size)
{
    uint8_t *to = base_out_space(out, size);
    for (unsigned i = 0; to && i < size; i++)
        to[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

void
base_out_u16le(struct base_out *out, uint16_t value)
{
    out_little(out, value, 2);
}

void
base_out_u32le(struct base_out *out, uint32_t value)
{
    out_little(out, value, 4);
}

void
base_out_u64le(struct base_out *out, uint64_t value)
{
    out_little(out, value, 8);
}

void
base_out_u16be(struct base_out *out, uint16_t value)
{
    out_big(out, value, 2);
}

void
base_out_u32be(struct base_out *out, uint32_t value)
{
    out_big(out, value, 4);
}

void
base_out_u64be(struct base_out *out, uint64_t value)
{
    out_big(out, value, 8);
}

static void
out_leb(struct base_out *out, unsigned __int128 value)
{
    uint8_t text[19];
    size_t size = 0;
    for (; value >= 0x80; value >>= 7)
        text[size++] = (uint8_t)(value | 0x80);
    text[size++] = (uint8_t)value;
    base_out_bytes_add(out, (struct bytes){text, size});
}

void
base_out_varint(struct base_out *out, uint64_t value)
{
    out_leb(out, value);
}

void
base_out_zigzag(struct base_out *out, int64_t value)
{
    out_leb(out, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

void
base_out_zigzag128(struct base_out *out, __int128 value)
{
    unsigned __int128 ones = ~(unsigned __int128)0;
    out_leb(out, (unsigned __int128)value << 1 ^ (value < 0 ? ones : 0));
}

void
base_out_bytes_add(struct base_out *out, struct bytes from)
{
    uint8_t *to = base_out_space(out, from.size);
    if (to && from.size)
        memcpy(to, from.at, from.size);
}

void
base_out_text(struct base_out *out, const char *text)
{
    base_out_bytes_add(out, base_bytes_text(text));
}

void
base_out_format(struct base_out *out, const char *fmt, ...)
{
    char small[512], *text = small;
    va_list list, again;
    if (out->failed != ERR_OK)
        return;
    va_start(list, fmt);
    va_copy(again, list);
    int size = vsnprintf(small, sizeof small, fmt, list);
    must(size >= 0);
    if ((size_t)size >= sizeof small) {
        text = base_mem_new((size_t)size + 1);
        vsnprintf(text, (size_t)size + 1, fmt, again);
    }
    va_end(again);
    va_end(list);
    base_out_bytes_add(out, base_bytes(text, (size_t)size));
    if (text != small)
        base_mem_free(text);
}

void
base_out_patch_u32le(struct base_out *out, size_t offset, uint32_t value)
{
    if (out->failed != ERR_OK)
        return;
    must(out->size >= 4 && offset <= out->size - 4);
    for (unsigned i = 0; i < 4; i++)
        out->at[offset + i] = (uint8_t)(value >> (8 * i));
}

void
base_out_patch_u32be(struct base_out *out, size_t offset, uint32_t value)
{
    base_out_patch_u32le(out, offset, __builtin_bswap32(value));
}
