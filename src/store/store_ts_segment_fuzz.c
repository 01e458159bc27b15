/* store_ts_segment_fuzz.c -- hostile segment files.
 *
 * A random file dies at its first checksum, so every second input is mended:
 * its checksums are made right, and what lies behind them is read. */
#include <stdlib.h>

#include "base/base_hash.h"
#include "base/base_mem.h"
#include "base/base_must.h"
#include "store/store_ts_segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_put(uint8_t *at, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t
fuzz_get(const uint8_t *at, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static uint32_t
fuzz_crc(const uint8_t *at, size_t size)
{
    return base_hash_crc32c(0, base_bytes(at, size));
}

static void
fuzz_mend_block(uint8_t *at, size_t left)
{
    if (left < STORE_TS_SEGMENT_BLOCK)
        return;
    size_t size = fuzz_get(at + 4, 4), columns = fuzz_get(at + 34, 2);
    size_t time = fuzz_get(at + 38, 2) * 8;
    size_t head = STORE_TS_SEGMENT_BLOCK + columns * STORE_TS_SEGMENT_COLUMN;
    if (size > left || head > size || time > size - head)
        return;
    fuzz_put(at + 48, fuzz_crc(at + head, time), 4);
    size_t from = head + time;
    for (size_t i = 0; i < columns; i++) {
        uint8_t *entry =
            at + STORE_TS_SEGMENT_BLOCK + i * STORE_TS_SEGMENT_COLUMN;
        size_t bytes = fuzz_get(entry + 4, 4);
        if (bytes > size - from)
            break;
        fuzz_put(entry + 8, fuzz_crc(at + from, bytes), 4);
        from += bytes;
    }
    fuzz_put(at + 8,
             base_hash_crc32c(fuzz_crc(at, 8), base_bytes(at + 12, head - 12)),
             4);
}

static void
fuzz_mend(uint8_t *at, size_t size)
{
    if (size < STORE_TS_SEGMENT_HEADER + STORE_TS_SEGMENT_TRAILER)
        return;
    uint8_t *end = at + size - STORE_TS_SEGMENT_TRAILER;
    size_t blocks = fuzz_get(end + 8, 4) % 64;
    size_t index = blocks * STORE_TS_SEGMENT_ENTRY;
    size_t room = size - STORE_TS_SEGMENT_HEADER - STORE_TS_SEGMENT_TRAILER;
    index = index > room
                ? room / STORE_TS_SEGMENT_ENTRY * STORE_TS_SEGMENT_ENTRY
                : index;
    uint8_t *first = end - index;
    for (size_t i = 0; i < index; i += STORE_TS_SEGMENT_ENTRY) {
        uint64_t offset = fuzz_get(first + i + 20, 8);
        if (offset < size)
            fuzz_mend_block(at + offset, size - offset);
    }
    memcpy(at, "DGSEG1\r\n\1\0\0\0", 12);
    fuzz_put(at + 12, fuzz_crc(at + 16, 48), 4);
    fuzz_put(end, (uint64_t)(first - at), 8);
    fuzz_put(end + 8, index / STORE_TS_SEGMENT_ENTRY, 4);
    fuzz_put(end + 12, fuzz_crc(first, index), 4);
    fuzz_put(end + 40, size, 8);
    fuzz_put(end + 52, fuzz_crc(end, 52), 4);
    memcpy(end + 56, "DGSEGEND", 8);
}

static void
fuzz_read(struct bytes file)
{
    struct store_ts_segment segment;
    struct store_ts_segment_block block;
    if (store_ts_segment_open(file, &segment) != ERR_OK)
        return;
    struct store_ts_segment_column *column = base_mem_new(sizeof *column);
    must(store_ts_segment_find(&segment, 7) <= segment.blocks);
    for (uint32_t i = 0; i < segment.blocks; i++) {
        struct store_ts_segment_entry entry =
            store_ts_segment_entry(&segment, i);
        if (store_ts_segment_block(&segment, &entry, &block) != ERR_OK)
            continue;
        for (uint32_t metric = 0; metric < 4; metric++)
            if (store_ts_segment_column(&block, metric, column) == ERR_OK) {
                must(column->count > 0 && column->count <= block.rows);
                for (uint32_t k = 1; k < column->count; k++)
                    must(column->t[k] > column->t[k - 1]);
            }
    }
    base_mem_free(column);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_read(base_bytes(data, size));
    uint8_t *copy = base_mem_new(size + 1);
    if (size)
        memcpy(copy, data, size);
    fuzz_mend(copy, size);
    fuzz_read(base_bytes(copy, size));
    base_mem_free(copy);
    return 0;
}
