/* base_cur.c -- the reading cursor. */
#include "base/base_cur.h"

void
base_cur_init(struct base_cur *cur, struct bytes from)
{
    cur->start = cur->at = cur->end = from.at;
    if (from.size)
        cur->end += from.size;
    cur->failed = ERR_OK;
}

void
base_cur_fail(struct base_cur *cur, enum err why)
{
    if (cur->failed == ERR_OK)
        cur->failed = why;
}

/* The next size bytes, moved over; NULL: failed.  size > 0. */
static const uint8_t *
cur_step(struct base_cur *cur, size_t size)
{
    if (cur->failed != ERR_OK)
        return NULL;
    if (base_cur_left(cur) < size) {
        cur->failed = ERR_SHORT;
        return NULL;
    }
    const uint8_t *at = cur->at;
    cur->at += size;
    return at;
}

uint8_t
base_cur_u8(struct base_cur *cur)
{
    const uint8_t *at = cur_step(cur, 1);
    return at ? at[0] : 0;
}

uint16_t
base_cur_u16le(struct base_cur *cur)
{
    const uint8_t *at = cur_step(cur, 2);
    if (!at)
        return 0;
    return (uint16_t)(at[0] | at[1] << 8);
}

uint16_t
base_cur_u16be(struct base_cur *cur)
{
    const uint8_t *at = cur_step(cur, 2);
    if (!at)
        return 0;
    return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t
base_cur_u32le(struct base_cur *cur)
{
    const uint8_t *at = cur_step(cur, 4);
    if (!at)
        return 0;
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
           (uint32_t)at[3] << 24;
}

uint32_t
base_cur_u32be(struct base_cur *cur)
{
    const uint8_t *at = cur_step(cur, 4);
    if (!at)
        return 0;
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
           (uint32_t)at[2] << 8 | (uint32_t)at[3];
}

uint64_t
base_cur_u64le(struct base_cur *cur)
{
    const uint8_t *at = cur_step(cur, 8);
    uint64_t value = 0;
    for (unsigned i = 0; at && i < 8; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

uint64_t
base_cur_u64be(struct base_cur *cur)
{
    const uint8_t *at = cur_step(cur, 8);
    uint64_t value = 0;
    for (unsigned i = 0; at && i < 8; i++)
        value = value << 8 | at[i];
    return value;
}

/* LEB128 of at most `bits` bits; on failure nothing is moved. */
static unsigned __int128
cur_leb(struct base_cur *cur, unsigned bits)
{
    unsigned __int128 value = 0;
    if (cur->failed != ERR_OK)
        return 0;
    const uint8_t *at = cur->at;
    for (unsigned shift = 0; at < cur->end; shift += 7) {
        uint8_t byte = *at++;
        uint8_t low = byte & 0x7F;
        bool wide = shift + 7 > bits && low >> (bits - shift) != 0;
        bool more = (byte & 0x80) != 0;
        bool endless = more && shift + 7 >= bits;
        bool longer = byte == 0 && shift > 0; /* than it need be */
        if (wide || endless || longer) {
            cur->failed = ERR_SYNTAX;
            return 0;
        }
        value |= (unsigned __int128)low << shift;
        if (!more) {
            cur->at = at;
            return value;
        }
    }
    cur->failed = ERR_SHORT;
    return 0;
}

uint64_t
base_cur_varint(struct base_cur *cur)
{
    return (uint64_t)cur_leb(cur, 64);
}

int64_t
base_cur_zigzag(struct base_cur *cur)
{
    uint64_t value = (uint64_t)cur_leb(cur, 64);
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

__int128
base_cur_zigzag128(struct base_cur *cur)
{
    unsigned __int128 value = cur_leb(cur, 128);
    return (__int128)(value >> 1 ^ (0 - (value & 1)));
}

struct bytes
base_cur_take(struct base_cur *cur, size_t size)
{
    if (size == 0 && cur->failed == ERR_OK)
        return (struct bytes){cur->at, 0};
    const uint8_t *at = cur_step(cur, size);
    return at ? (struct bytes){at, size} : (struct bytes){NULL, 0};
}

struct bytes
base_cur_rest(struct base_cur *cur)
{
    return base_cur_take(cur, base_cur_left(cur));
}
