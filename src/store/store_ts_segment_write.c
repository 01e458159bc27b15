/* store_ts_segment_write.c -- writing segments; the format is drawn in
 * store_ts_segment.c.
 *
 * A group's cells come sorted by time.  A block takes those of up to 1,024
 * times; sorted anew by (metric, time) each column stands in one run. */
#include <stdlib.h>

#include "base/base_hash.h"
#include "base/base_mem.h"
#include "base/base_must.h"
#include "store/store_ts_segment.h"

enum {
    WRITE_SUB = 128,
    WRITE_RAW = 7,
    WRITE_PRESENCE = STORE_TS_SEGMENT_ROWS / 8,
    WRITE_FLUSH = 1 << 20,
    WRITE_LIMIT = 1 << 30, /* of one block, of the index: never near */
    WRITE_DAY_MS = 86400000,
};

/* One block's cells; order is the row. */
struct write_block {
    struct store_ts_segment_cell *cells; /* by (metric, row) */
    size_t count;
    uint32_t rows, columns;
    int64_t t[STORE_TS_SEGMENT_ROWS];
    int64_t values[STORE_TS_SEGMENT_ROWS]; /* of one column */
};

struct write_run { /* one column */
    const struct store_ts_segment_cell *cells;
    uint32_t count;
    uint8_t exponent, flags;
};

/* --- the file --- */

static void
write_flush(struct store_ts_segment_writer *writer)
{
    if (writer->err == ERR_OK && !base_out_ok(&writer->buffer))
        writer->err = writer->buffer.failed;
    if (writer->err == ERR_OK)
        writer->err = writer->files->ops->write(
            writer->files, writer->file, writer->offset,
            base_out_bytes(&writer->buffer));
    writer->offset += writer->buffer.size;
    base_out_reset(&writer->buffer);
}

void
store_ts_segment_begin(struct store_ts_segment_writer *writer,
                       struct sys_files *files, struct sys_file *file,
                       const struct store_ts_segment_about *about)
{
    *writer = (struct store_ts_segment_writer){
        .files = files,
        .file = file,
        .sequence = about->sequence,
        .t0 = INT64_MAX,
        .t1 = INT64_MIN,
    };
    base_out_grow(&writer->buffer, WRITE_LIMIT);
    base_out_grow(&writer->index, WRITE_LIMIT);
    struct base_out *out = &writer->buffer;
    int64_t day = about->t0 / WRITE_DAY_MS - (about->t0 % WRITE_DAY_MS < 0);
    base_out_text(out, "DGSEG1\r\n");
    base_out_u32le(out, 1);
    base_out_u32le(out, 0);
    base_out_bytes_add(out, base_bytes(about->store, 16));
    base_out_u64le(out, about->id);
    base_out_u32le(out, about->level);
    base_out_u32le(out, (uint32_t)day);
    base_out_u32le(out, about->shard);
    base_out_u32le(out, 0);
    base_out_u64le(out, 0);
    must(out->size == STORE_TS_SEGMENT_HEADER);
    base_out_patch_u32le(out, 12,
                         base_hash_crc32c(0, base_bytes(out->at + 16, 48)));
}

enum err
store_ts_segment_end(struct store_ts_segment_writer *writer,
                     uint64_t *ret_bytes, uint32_t *ret_check)
{
    struct base_out *out = &writer->buffer;
    uint64_t at = writer->offset + out->size;
    struct bytes index = base_out_bytes(&writer->index);
    if (!base_out_ok(&writer->index) && writer->err == ERR_OK)
        writer->err = writer->index.failed;
    base_out_bytes_add(out, index);
    size_t from = out->size;
    base_out_u64le(out, at);
    base_out_u32le(out, writer->blocks);
    base_out_u32le(out, base_hash_crc32c(0, index));
    base_out_u64le(out, writer->sequence);
    base_out_u64le(out, (uint64_t)writer->t0);
    base_out_u64le(out, (uint64_t)writer->t1);
    base_out_u64le(out, at + index.size + STORE_TS_SEGMENT_TRAILER);
    base_out_u32le(out, 0);
    if (base_out_ok(out)) {
        *ret_check = base_hash_crc32c(0, base_bytes(out->at + from, 52));
        base_out_u32le(out, *ret_check);
    }
    base_out_text(out, "DGSEGEND");
    write_flush(writer);
    *ret_bytes = writer->offset;
    base_out_done(&writer->buffer);
    base_out_done(&writer->index);
    return writer->err;
}

/* --- columns --- */

static __int128
write_wide(int64_t value)
{
    return value;
}

/* The mantissa at a larger exponent; false: it does not fit. */
static bool
write_scaled(struct num value, uint8_t exponent, int64_t *ret_mantissa)
{
    int64_t mantissa = value.mantissa;
    for (uint8_t e = value.exponent; e < exponent; e++)
        if (__builtin_mul_overflow(mantissa, 10, &mantissa))
            return false;
    *ret_mantissa = mantissa;
    return true;
}

static void
write_raw(struct base_out *out, const int64_t *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i % WRITE_SUB == 0) {
            base_out_u8(out, WRITE_RAW);
            base_out_u8(out, 64);
            base_out_u16le(out, 0);
            base_out_zigzag(out, 0);
        }
        base_out_u64le(out, (uint64_t)values[i]);
    }
}

static void
write_statistics(struct base_out *out, const int64_t *values, uint32_t count)
{
    __int128 sum = 0, drops = 0;
    int64_t first = values[0], least = first, most = first;
    for (uint32_t i = 0; i < count; i++) {
        least = values[i] < least ? values[i] : least;
        most = values[i] > most ? values[i] : most;
        sum += write_wide(values[i]) - first;
        if (i > 0 && values[i] < values[i - 1])
            drops += values[i - 1];
    }
    base_out_zigzag(out, first);
    base_out_zigzag128(out, write_wide(values[count - 1]) - first);
    base_out_zigzag128(out, write_wide(first) - least);
    base_out_zigzag128(out, write_wide(most) - first);
    base_out_zigzag128(out, sum);
    base_out_zigzag128(out, drops);
}

static void
write_presence(struct base_out *out, const struct write_run *run)
{
    uint8_t *to = base_out_space(out, WRITE_PRESENCE);
    if (!to)
        return;
    memset(to, 0, WRITE_PRESENCE);
    for (uint32_t i = 0; i < run->count; i++) {
        uint32_t row = run->cells[i].order;
        to[row / 8] = (uint8_t)(to[row / 8] | 1u << row % 8);
    }
}

static void
write_exceptions(struct base_out *out, const struct write_run *run)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->count; i++)
        count += run->cells[i].value.kind != BASE_NUM_DECIMAL;
    base_out_varint(out, count);
    for (uint32_t i = 0; i < run->count; i++) {
        const struct store_ts_segment_cell *cell = &run->cells[i];
        if (cell->value.kind == BASE_NUM_DECIMAL)
            continue;
        base_out_u16le(out, (uint16_t)cell->order);
        base_out_u64le(out, (uint64_t)cell->value.mantissa);
    }
}

/* The run's common exponent and flags; false: no exponent fits them all. */
static bool
write_run_look(struct write_run *run, uint32_t rows)
{
    bool decimals = false, raw = false, stale = false;
    run->exponent = 0;
    for (uint32_t i = 0; i < run->count; i++) {
        struct num value = run->cells[i].value;
        decimals |= value.kind == BASE_NUM_DECIMAL;
        raw |= value.kind == BASE_NUM_RAW;
        stale |= value.kind == BASE_NUM_STALE;
        if (value.kind == BASE_NUM_DECIMAL && value.exponent > run->exponent)
            run->exponent = value.exponent;
    }
    run->flags =
        (uint8_t)((raw || stale ? 1 : 0) | (run->count < rows ? 2 : 0) |
                  (stale && !raw ? 8 : 0));
    int64_t mantissa;
    for (uint32_t i = 0; i < run->count && decimals; i++)
        if (run->cells[i].value.kind == BASE_NUM_DECIMAL &&
            !write_scaled(run->cells[i].value, run->exponent, &mantissa))
            return false;
    return true;
}

static void
write_column(struct base_out *out, const struct write_run *run, int64_t *values)
{
    int64_t last = 0;
    for (uint32_t i = 0; i < run->count; i++) {
        struct num value = run->cells[i].value;
        if (value.kind == BASE_NUM_DECIMAL)
            must(write_scaled(value, run->exponent, &last));
        values[i] = last;
    }
    write_statistics(out, values, run->count);
    if (run->flags & 2)
        write_presence(out, run);
    write_raw(out, values, run->count);
    if (run->flags & 1)
        write_exceptions(out, run);
}

/* --- blocks --- */

static int
write_by_metric(const void *a, const void *b)
{
    const struct store_ts_segment_cell *x = a, *y = b;
    if (x->metric != y->metric)
        return x->metric < y->metric ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

/* The next run at `from`; returns the cell behind it. */
static size_t
write_run_next(const struct write_block *block, size_t from,
               struct write_run *ret_run)
{
    size_t end = from;
    while (end < block->count &&
           block->cells[end].metric == block->cells[from].metric)
        end++;
    *ret_run = (struct write_run){
        .cells = block->cells + from,
        .count = (uint32_t)(end - from),
    };
    return end;
}

/* Take cells of at most `rows` times; false: some column has no exponent. */
static bool
write_block_take(struct write_block *block,
                 const struct store_ts_segment_cell *cells, size_t count,
                 uint32_t rows)
{
    block->rows = 0;
    block->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || cells[i].t != cells[i - 1].t) {
            if (block->rows == rows)
                break;
            block->t[block->rows++] = cells[i].t;
        }
        block->cells[i] = cells[i];
        block->cells[i].order = block->rows - 1;
        block->count++;
    }
    qsort(block->cells, block->count, sizeof *cells, write_by_metric);
    bool fits = true;
    block->columns = 0;
    for (size_t at = 0; at < block->count; block->columns++) {
        struct write_run run;
        at = write_run_next(block, at, &run);
        fits = fits && write_run_look(&run, block->rows);
    }
    return fits;
}

static void
write_block_header(struct store_ts_segment_writer *writer, uint32_t group,
                   const struct write_block *block)
{
    struct base_out *out = &writer->buffer;
    base_out_text(out, "BLK1");
    base_out_u32le(out, 0);
    base_out_u32le(out, 0);
    base_out_u32le(out, group);
    base_out_u64le(out, (uint64_t)block->t[0]);
    base_out_u64le(out, (uint64_t)block->t[block->rows - 1]);
    base_out_u16le(out, (uint16_t)block->rows);
    base_out_u16le(out, (uint16_t)block->columns);
    base_out_u32le(out, 0);
    base_out_u64le(out, writer->sequence);
    base_out_u32le(out, 0);
    base_out_u32le(out, 0);
    base_out_u64le(out, 0);
}

static void
write_block_time(struct base_out *out, size_t start,
                 const struct write_block *block)
{
    size_t from = out->size;
    write_raw(out, block->t, block->rows);
    while ((out->size - from) % 8 != 0 && base_out_ok(out))
        base_out_u8(out, 0);
    size_t size = out->size - from;
    if (!base_out_ok(out))
        return;
    base_out_patch_u32le(out, start + 36, (uint32_t)(size / 8) << 16);
    base_out_patch_u32le(out, start + 48,
                         base_hash_crc32c(0, base_bytes(out->at + from, size)));
}

static void
write_block_columns(struct base_out *out, size_t start,
                    struct write_block *block)
{
    size_t entry = start + STORE_TS_SEGMENT_BLOCK;
    for (size_t at = 0; at < block->count && base_out_ok(out);
         entry += STORE_TS_SEGMENT_COLUMN) {
        struct write_run run;
        uint32_t metric = block->cells[at].metric;
        at = write_run_next(block, at, &run);
        must(write_run_look(&run, block->rows));
        size_t from = out->size;
        write_column(out, &run, block->values);
        if (!base_out_ok(out))
            return;
        size_t size = out->size - from;
        base_out_patch_u32le(out, entry, metric);
        base_out_patch_u32le(out, entry + 4, (uint32_t)size);
        base_out_patch_u32le(
            out, entry + 8,
            base_hash_crc32c(0, base_bytes(out->at + from, size)));
        base_out_patch_u32le(out, entry + 12,
                             run.exponent | (uint32_t)run.flags << 8 |
                                 run.count << 16);
    }
}

static void
write_index(struct store_ts_segment_writer *writer, uint32_t group,
            const struct write_block *block, uint64_t offset)
{
    int64_t t0 = block->t[0], t1 = block->t[block->rows - 1];
    struct base_out *out = &writer->index;
    base_out_u32le(out, group);
    base_out_u64le(out, (uint64_t)t0);
    base_out_u64le(out, (uint64_t)t1);
    base_out_u64le(out, offset);
    base_out_u32le(out, block->rows);
    writer->t0 = t0 < writer->t0 ? t0 : writer->t0;
    writer->t1 = t1 > writer->t1 ? t1 : writer->t1;
    writer->blocks++;
}

static void
write_block(struct store_ts_segment_writer *writer, uint32_t group,
            struct write_block *block)
{
    struct base_out *out = &writer->buffer;
    size_t start = out->size;
    write_block_header(writer, group, block);
    base_out_space(out, block->columns * (size_t)STORE_TS_SEGMENT_COLUMN);
    write_block_time(out, start, block);
    write_block_columns(out, start, block);
    if (!base_out_ok(out))
        return;
    base_out_patch_u32le(out, start + 4, (uint32_t)(out->size - start));
    size_t head = block->columns * (size_t)STORE_TS_SEGMENT_COLUMN +
                  STORE_TS_SEGMENT_BLOCK - 12;
    uint32_t crc = base_hash_crc32c(0, base_bytes(out->at + start, 8));
    crc = base_hash_crc32c(crc, base_bytes(out->at + start + 12, head));
    base_out_patch_u32le(out, start + 8, crc);
    write_index(writer, group, block, writer->offset + start);
    if (out->size >= WRITE_FLUSH)
        write_flush(writer);
}

void
store_ts_segment_group(struct store_ts_segment_writer *writer, uint32_t group,
                       const struct store_ts_segment_cell *cells, size_t count)
{
    struct write_block *block = base_mem_new(sizeof *block);
    block->cells = base_mem_new(count * sizeof *cells);
    uint32_t rows = STORE_TS_SEGMENT_ROWS;
    for (size_t at = 0; at < count && writer->err == ERR_OK;) {
        if (!write_block_take(block, cells + at, count - at, rows)) {
            must(rows > 1); /* one value always has an exponent */
            rows /= 2;
            continue;
        }
        write_block(writer, group, block);
        at += block->count;
        rows = STORE_TS_SEGMENT_ROWS;
    }
    base_mem_free(block->cells);
    base_mem_free(block);
}
