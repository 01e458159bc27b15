/* store_ts_segment.h -- a segment file: blocks of columns, an index, checks.
 *
 * Why: what has left the head is never changed again, so it can be mapped,
 * read by any thread, and every byte of it stands under a checksum.  The bytes
 * are drawn in store_ts_segment.c.
 *
 * Reading  pure, over bytes that somebody else maps; every length is checked,
 *          every CRC at every touch.  CORRUPT is never a guess.
 * Writing  group by group, rising; cells sorted by (t, metric), each pair once.
 *          A block has at most 1,024 rows and ends sooner where a column's
 *          values have no common exponent within 64 bits.
 * Memory   reading: none.  Writing: one block and the index.
 * Errors   CORRUPT, VERSION, UNSUPPORTED (a codec not written yet), ABSENT,
 *          and what the files say. */
#ifndef STORE_TS_SEGMENT_H
#define STORE_TS_SEGMENT_H

#include "base/base_cur.h"
#include "base/base_num.h"
#include "base/base_out.h"
#include "sys/sys_file.h"

enum {
    STORE_TS_SEGMENT_HEADER = 64,
    STORE_TS_SEGMENT_TRAILER = 64,
    STORE_TS_SEGMENT_ENTRY = 32,
    STORE_TS_SEGMENT_BLOCK = 64,
    STORE_TS_SEGMENT_COLUMN = 16,
    STORE_TS_SEGMENT_ROWS = 1024,
};

/* --- reading --- */

struct store_ts_segment {
    struct bytes file;
    struct bytes index;
    uint64_t id, sequence; /* highest of the journal */
    uint32_t blocks, shard;
    int64_t t0, t1;
    uint32_t check; /* CRC of the trailer: the manifest keeps it */
    uint8_t level, store[16];
};

enum err store_ts_segment_open(struct bytes file,
                               struct store_ts_segment *ret_segment);

struct store_ts_segment_entry {
    uint32_t group;
    int64_t t0, t1;
    uint64_t offset;
    uint16_t rows, flags;
};

/* i < segment->blocks */
struct store_ts_segment_entry
store_ts_segment_entry(const struct store_ts_segment *segment, uint32_t i);
/* The first block of this group, or of a later one; segment->blocks: none. */
uint32_t store_ts_segment_find(const struct store_ts_segment *segment,
                               uint32_t group);

struct store_ts_segment_block {
    struct bytes bytes; /* the whole block */
    uint32_t rows, columns;
    size_t time_size;
};

enum err store_ts_segment_block(const struct store_ts_segment *segment,
                                const struct store_ts_segment_entry *entry,
                                struct store_ts_segment_block *ret_block);

struct store_ts_segment_column {
    uint32_t count;
    int64_t t[STORE_TS_SEGMENT_ROWS];
    struct num values[STORE_TS_SEGMENT_ROWS];
    /* while it is read: */
    int64_t times[STORE_TS_SEGMENT_ROWS];
    uint16_t rows[STORE_TS_SEGMENT_ROWS];
};

/* All of one column of a block, in t order. ABSENT: it has none. */
enum err store_ts_segment_column(const struct store_ts_segment_block *block,
                                 uint32_t metric,
                                 struct store_ts_segment_column *ret_column);

/* --- writing --- */

struct store_ts_segment_cell {
    int64_t t;
    uint32_t metric;
    uint32_t order; /* the caller's */
    struct num value;
};

struct store_ts_segment_about {
    uint64_t id;
    uint32_t shard;
    uint8_t level;
    const uint8_t *store; /* 16 bytes */
    uint64_t sequence;
    int64_t t0; /* gives the day */
};

struct store_ts_segment_writer {
    struct sys_files *files;
    struct sys_file *file;
    struct base_out buffer, index;
    uint64_t offset; /* of the buffer's start in the file */
    uint64_t sequence;
    int64_t t0, t1;
    uint32_t blocks;
    enum err err; /* sticks */
};

void store_ts_segment_begin(struct store_ts_segment_writer *writer,
                            struct sys_files *files, struct sys_file *file,
                            const struct store_ts_segment_about *about);
void store_ts_segment_group(struct store_ts_segment_writer *writer,
                            uint32_t group,
                            const struct store_ts_segment_cell *cells,
                            size_t count);
/* Index and trailer; not synced.  Frees the writer's memory either way. */
enum err store_ts_segment_end(struct store_ts_segment_writer *writer,
                              uint64_t *ret_bytes, uint32_t *ret_check);

#endif
