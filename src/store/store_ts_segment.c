/* store_ts_segment.c -- reading segments; the format.
 *
 * All numbers little-endian.  CRC is CRC-32C.
 *
 *   off size file header (64)         off size trailer (64, the file's last)
 *     0   8  "DGSEG1\r\n"               0   8  offset of the index
 *     8   4  version 1                  8   4  blocks
 *    12   4  CRC of 16..63             12   4  CRC of the index
 *    16  16  store id                  16   8  highest journal sequence
 *    32   8  segment id                24  16  t0, t1 of all
 *    40   4  level u8, zero            40   8  bytes of the file
 *    44   4  day since 1970 of t0      48   4  zero
 *    48   4  shard                     52   4  CRC of 0..51
 *    52  12  zero                      56   8  "DGSEGEND"
 *
 *   off size block header (64)        off size column entry (16)
 *     0   4  "BLK1"                     0   4  metric
 *     4   4  bytes of the block         4   4  bytes
 *     8   4  CRC of header, entries     8   4  CRC of the column
 *            (without this field)      12   1  exponent 0..15
 *    12   4  group                     13   1  1 exceptions 2 presence
 *    16  16  t0, t1                             4 private time 8 only stale
 *    32   4  rows, columns (u16)       14   2  values
 *    36   4  flags, time bytes / 8
 *    40   8  highest journal sequence  off size index entry (32)
 *    48   4  CRC of time                 0   4  group
 *    52  12  rollup step, zero           4  16  t0, t1
 *   then column entries by metric,      20   8  offset of the block
 *   time, columns in the same order     28   4  rows, flags (u16)
 *
 * Time     sub-blocks of 128: codec u8, width u8, exceptions u8, their bytes
 *          u8, anchor (zigzag minus the first; 0 for codec 7), then the values.
 *          Codec 7 RAW: width 64, no exceptions, 8 bytes each.  Zeros up to a
 *          multiple of 8.
 * Column   statistics: zigzag first; zigzag of last - first, first - min,
 *          max - first, sum(v - first), sum of values before a drop (up to 128
 *          bits); 128 B presence bitmap if flag 2; sub-blocks as above; if flag
 *          1 varint count and per exception row u16 (of the block), bits u64.
 *          A row that is an exception repeats the mantissa before it.
 * Not yet  codecs 0..5, private time (UNSUPPORTED); flags 1, 2, 4 of blocks. */
#include "store/store_ts_segment.h"

#include "base/base_hash.h"
#include "base/base_must.h"
#include "wire/rows/wire_rows.h"

enum {
    SEGMENT_SUB = 128,
    SEGMENT_RAW = 7,
    SEGMENT_PRESENCE = STORE_TS_SEGMENT_ROWS / 8,
};

static struct base_cur
segment_cur(struct bytes bytes, size_t from, size_t size)
{
    struct base_cur cur;
    base_cur_init(&cur, base_bytes_slice(bytes, from, size));
    return cur;
}

static uint32_t
segment_crc(struct bytes bytes, size_t from, size_t size)
{
    return base_hash_crc32c(0, base_bytes_slice(bytes, from, size));
}

static enum err
segment_header(struct bytes file, struct store_ts_segment *to)
{
    struct base_cur cur = segment_cur(file, 0, STORE_TS_SEGMENT_HEADER);
    if (!base_bytes_is(base_cur_take(&cur, 8), "DGSEG1\r\n"))
        return ERR_CORRUPT;
    uint32_t version = base_cur_u32le(&cur), crc = base_cur_u32le(&cur);
    if (crc != segment_crc(file, 16, 48))
        return ERR_CORRUPT;
    if (version != 1)
        return ERR_VERSION;
    struct bytes store = base_cur_take(&cur, sizeof to->store);
    memcpy(to->store, store.at, sizeof to->store);
    to->id = base_cur_u64le(&cur);
    to->level = base_cur_u8(&cur);
    base_cur_take(&cur, 7); /* zero, day */
    to->shard = base_cur_u32le(&cur);
    return ERR_OK;
}

static enum err
segment_trailer(struct bytes file, struct store_ts_segment *to)
{
    struct bytes bytes = base_bytes_slice(
        file, file.size - STORE_TS_SEGMENT_TRAILER, STORE_TS_SEGMENT_TRAILER);
    struct base_cur cur = segment_cur(bytes, 0, bytes.size);
    uint64_t offset = base_cur_u64le(&cur);
    to->blocks = base_cur_u32le(&cur);
    uint32_t index_crc = base_cur_u32le(&cur);
    to->sequence = base_cur_u64le(&cur);
    to->t0 = (int64_t)base_cur_u64le(&cur);
    to->t1 = (int64_t)base_cur_u64le(&cur);
    uint64_t whole = base_cur_u64le(&cur);
    base_cur_u32le(&cur);
    to->check = base_cur_u32le(&cur);
    if (to->check != segment_crc(bytes, 0, 52) ||
        !base_bytes_is(base_cur_take(&cur, 8), "DGSEGEND"))
        return ERR_CORRUPT;
    uint64_t size = (uint64_t)to->blocks * STORE_TS_SEGMENT_ENTRY;
    if (whole != file.size || offset < STORE_TS_SEGMENT_HEADER ||
        offset > file.size - STORE_TS_SEGMENT_TRAILER ||
        size != file.size - STORE_TS_SEGMENT_TRAILER - offset)
        return ERR_CORRUPT;
    to->index = base_bytes_slice(file, offset, size);
    return index_crc == segment_crc(to->index, 0, size) ? ERR_OK : ERR_CORRUPT;
}

enum err
store_ts_segment_open(struct bytes file, struct store_ts_segment *ret_segment)
{
    struct store_ts_segment segment = {.file = file};
    if (file.size < STORE_TS_SEGMENT_HEADER + STORE_TS_SEGMENT_TRAILER)
        return ERR_CORRUPT;
    enum err err = segment_header(file, &segment);
    if (err == ERR_OK)
        err = segment_trailer(file, &segment);
    if (err == ERR_OK)
        *ret_segment = segment;
    return err;
}

struct store_ts_segment_entry
store_ts_segment_entry(const struct store_ts_segment *segment, uint32_t i)
{
    must(i < segment->blocks);
    struct base_cur cur =
        segment_cur(segment->index, (size_t)i * STORE_TS_SEGMENT_ENTRY,
                    STORE_TS_SEGMENT_ENTRY);
    struct store_ts_segment_entry entry = {.group = base_cur_u32le(&cur)};
    entry.t0 = (int64_t)base_cur_u64le(&cur);
    entry.t1 = (int64_t)base_cur_u64le(&cur);
    entry.offset = base_cur_u64le(&cur);
    entry.rows = base_cur_u16le(&cur);
    entry.flags = base_cur_u16le(&cur);
    return entry;
}

uint32_t
store_ts_segment_find(const struct store_ts_segment *segment, uint32_t group)
{
    uint32_t low = 0, high = segment->blocks;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (store_ts_segment_entry(segment, middle).group < group)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum err
store_ts_segment_block(const struct store_ts_segment *segment,
                       const struct store_ts_segment_entry *entry,
                       struct store_ts_segment_block *ret_block)
{
    struct bytes rest =
        base_bytes_slice(segment->file, entry->offset, SIZE_MAX);
    struct base_cur cur = segment_cur(rest, 0, STORE_TS_SEGMENT_BLOCK);
    struct bytes magic = base_cur_take(&cur, 4);
    uint32_t size = base_cur_u32le(&cur), crc = base_cur_u32le(&cur);
    uint32_t group = base_cur_u32le(&cur);
    int64_t t0 = (int64_t)base_cur_u64le(&cur);
    int64_t t1 = (int64_t)base_cur_u64le(&cur);
    struct store_ts_segment_block block = {.rows = base_cur_u16le(&cur)};
    block.columns = base_cur_u16le(&cur);
    base_cur_u16le(&cur); /* flags */
    block.time_size = base_cur_u16le(&cur) * (size_t)8;
    if (!base_cur_ok(&cur) || !base_bytes_is(magic, "BLK1") || size > rest.size)
        return ERR_CORRUPT;
    size_t head = STORE_TS_SEGMENT_BLOCK +
                  (size_t)block.columns * STORE_TS_SEGMENT_COLUMN;
    if (size < head || size - head < block.time_size)
        return ERR_CORRUPT;
    block.bytes = base_bytes_slice(rest, 0, size);
    if (crc != base_hash_crc32c(segment_crc(rest, 0, 8),
                                base_bytes_slice(rest, 12, head - 12)))
        return ERR_CORRUPT;
    if (group != entry->group || t0 != entry->t0 || t1 != entry->t1 ||
        block.rows != entry->rows || block.rows == 0 ||
        block.rows > STORE_TS_SEGMENT_ROWS)
        return ERR_CORRUPT;
    *ret_block = block;
    return ERR_OK;
}

/* count values out of sub-blocks. */
static enum err
segment_values(struct base_cur *cur, uint32_t count, int64_t *values)
{
    for (uint32_t done = 0; done < count;) {
        uint32_t part = count - done < SEGMENT_SUB ? count - done : SEGMENT_SUB;
        uint8_t codec = base_cur_u8(cur), width = base_cur_u8(cur);
        uint16_t exceptions = base_cur_u16le(cur);
        int64_t anchor = base_cur_zigzag(cur);
        if (!base_cur_ok(cur))
            return ERR_CORRUPT;
        if (codec != SEGMENT_RAW)
            return ERR_UNSUPPORTED;
        if (width != 64 || exceptions != 0 || anchor != 0)
            return ERR_CORRUPT;
        for (uint32_t i = 0; i < part; i++)
            values[done++] = (int64_t)base_cur_u64le(cur);
    }
    return base_cur_ok(cur) ? ERR_OK : ERR_CORRUPT;
}

static enum err
segment_times(const struct store_ts_segment_block *block, int64_t *t)
{
    size_t from = STORE_TS_SEGMENT_BLOCK +
                  (size_t)block->columns * STORE_TS_SEGMENT_COLUMN;
    struct base_cur head = segment_cur(block->bytes, 48, 4);
    if (base_cur_u32le(&head) !=
        segment_crc(block->bytes, from, block->time_size))
        return ERR_CORRUPT;
    struct base_cur cur = segment_cur(block->bytes, from, block->time_size);
    enum err err = segment_values(&cur, block->rows, t);
    for (uint32_t i = 1; i < block->rows && err == ERR_OK; i++)
        if (t[i] <= t[i - 1])
            err = ERR_CORRUPT;
    return err;
}

struct segment_place { /* of a column in its block */
    struct bytes bytes;
    uint32_t crc, count;
    uint8_t exponent, flags;
};

static enum err
segment_place(const struct store_ts_segment_block *block, uint32_t metric,
              struct segment_place *ret_place)
{
    size_t entries = STORE_TS_SEGMENT_BLOCK;
    size_t at = entries + (size_t)block->columns * STORE_TS_SEGMENT_COLUMN +
                block->time_size;
    for (uint32_t i = 0; i < block->columns; i++) {
        struct base_cur cur =
            segment_cur(block->bytes, entries + i * STORE_TS_SEGMENT_COLUMN,
                        STORE_TS_SEGMENT_COLUMN);
        uint32_t its = base_cur_u32le(&cur), size = base_cur_u32le(&cur);
        if (size > block->bytes.size - at)
            return ERR_CORRUPT;
        if (its != metric) {
            at += size;
            continue;
        }
        ret_place->bytes = base_bytes_slice(block->bytes, at, size);
        ret_place->crc = base_cur_u32le(&cur);
        ret_place->exponent = base_cur_u8(&cur);
        ret_place->flags = base_cur_u8(&cur);
        ret_place->count = base_cur_u16le(&cur);
        return ERR_OK;
    }
    return ERR_ABSENT;
}

/* Which rows the values are of. */
static enum err
segment_present(struct base_cur *cur, const struct segment_place *place,
                uint32_t rows, uint16_t *ret_rows)
{
    if (!(place->flags & 2)) {
        for (uint32_t i = 0; i < rows; i++)
            ret_rows[i] = (uint16_t)i;
        return place->count == rows ? ERR_OK : ERR_CORRUPT;
    }
    struct bytes bits = base_cur_take(cur, SEGMENT_PRESENCE);
    uint32_t count = 0;
    for (size_t row = 0; row < bits.size * 8; row++) {
        if (!(bits.at[row / 8] >> row % 8 & 1))
            continue;
        if (row >= rows || count == place->count)
            return ERR_CORRUPT;
        ret_rows[count++] = (uint16_t)row;
    }
    return count == place->count ? ERR_OK : ERR_CORRUPT;
}

static enum err
segment_exceptions(struct base_cur *cur, struct store_ts_segment_column *column)
{
    const uint16_t *rows = column->rows;
    uint64_t count = base_cur_varint(cur);
    uint32_t at = 0;
    for (uint64_t i = 0; i < count && base_cur_ok(cur); i++) {
        uint16_t row = base_cur_u16le(cur);
        uint64_t bits = base_cur_u64le(cur);
        while (at < column->count && rows[at] < row)
            at++;
        if (at == column->count || rows[at] != row)
            return ERR_CORRUPT;
        column->values[at] = (struct num){
            .mantissa = (int64_t)bits,
            .kind = bits == WIRE_ROWS_STALE ? BASE_NUM_STALE : BASE_NUM_RAW,
        };
    }
    return base_cur_ok(cur) ? ERR_OK : ERR_CORRUPT;
}

enum err
store_ts_segment_column(const struct store_ts_segment_block *block,
                        uint32_t metric,
                        struct store_ts_segment_column *ret_column)
{
    struct segment_place place;
    enum err err = segment_place(block, metric, &place);
    if (err != ERR_OK)
        return err;
    if (place.crc != segment_crc(place.bytes, 0, place.bytes.size))
        return ERR_CORRUPT;
    if (place.flags & 4)
        return ERR_UNSUPPORTED;
    if (place.exponent > 15 || place.count == 0 || place.count > block->rows)
        return ERR_CORRUPT;
    struct base_cur cur = segment_cur(place.bytes, 0, place.bytes.size);
    base_cur_zigzag(&cur); /* statistics */
    for (unsigned i = 0; i < 5; i++)
        base_cur_zigzag128(&cur);
    err = segment_times(block, ret_column->times);
    if (err == ERR_OK)
        err = segment_present(&cur, &place, block->rows, ret_column->rows);
    if (err != ERR_OK)
        return err;
    ret_column->count = place.count;
    err = segment_values(&cur, place.count, ret_column->t);
    for (uint32_t i = 0; i < place.count && err == ERR_OK; i++) {
        ret_column->values[i] = (struct num){
            .mantissa = ret_column->t[i],
            .exponent = place.exponent,
            .kind = BASE_NUM_DECIMAL,
        };
        ret_column->t[i] = ret_column->times[ret_column->rows[i]];
    }
    if (err == ERR_OK && place.flags & 1)
        err = segment_exceptions(&cur, ret_column);
    if (err == ERR_OK && base_cur_left(&cur) > 0)
        err = ERR_CORRUPT;
    return err;
}
