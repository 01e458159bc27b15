/* store_ts_private.h -- what the parts of store_ts share.
 *
 *   store_ts.c          append, drop, limits, undo, shut
 *   store_ts_open.c     manifest, dictionary, replay
 *   store_ts_index.c    groups, columns, metrics, postings, match, names
 *   store_ts_head.c     rows in memory
 *   store_ts_read.c     head and segments, merged by time
 *   store_ts_seal.c     head -> segment, retention
 *   store_ts_segment.c, store_ts_segment_write.c   the file
 *
 * Sources  every row is in exactly one *source*: the head being filled, the
 *          head being sealed, or a segment.  Sources are numbered in the order
 *          of their making, and a segment's number is its id, so of two values
 *          of one (series, t) the one in the higher source is the later one.
 *
 *            segment 1   segment 2 ...   sealing (gen - 1)   active (gen)
 *
 *          Within a head there are two lists of chunks: `main`, its t never
 *          falling, written as differences; and `late`, for all others.  A late
 *          row is always younger than a main row of the same column and t.
 * Drops    a drop made while `gen` was filled hides its range in all sources
 *          below gen, and in gen the rows that were there: main rows before
 *          main_rows, late rows before late_rows.
 * Undo     what the journal may still cut is noted in order: how large the
 *          chunk was, which names were written.  A cut walks back over it.
 * Threads  the owner's, but a sealing head is read by the worker too, and by
 *          then neither writes it. */
#ifndef STORE_TS_PRIVATE_H
#define STORE_TS_PRIVATE_H

#include "store/store_ts.h"
#include "store/store_ts_segment.h"
#include "wire/rows/wire_rows.h"

enum {
    STORE_TS_CHUNK_ROWS = 64,
    STORE_TS_CHUNK_BYTES = 4096,
    STORE_TS_BATCH_BYTES = 256 << 10, /* one ROWS record at most */
    STORE_TS_AHEAD_MS = 600000,
};

/* A column's time: no sample ever, or one that must be looked up. */
#define STORE_TS_NEVER INT64_MIN
#define STORE_TS_UNKNOWN (INT64_MIN + 1)
#define STORE_TS_ALL UINT32_MAX

/* --- store_ts_head.c --- */

struct store_ts_chunk {
    struct store_ts_chunk *before;
    int64_t t0, t1; /* bounds of what it has, after an undo wider */
    uint32_t size, room;
    uint32_t first, rows; /* ordinal of its first row */
    uint8_t data[];
};

struct store_ts_head {
    struct store_ts_chunk *main, *late; /* the last ones */
    uint32_t main_rows, late_rows;
    int64_t late_t1; /* newest late row, if there is a late chunk */
};

struct store_ts_scratch { /* for decoding */
    struct wire_rows_cell cells[WIRE_ROWS_COLUMNS];
    struct wire_rows_state state;
    struct wire_rows_room room;
};

struct store_ts_column {
    struct wire_rows_cell cell; /* newest value, and the writer's state */
    int64_t t;                  /* of the newest sample; NEVER, UNKNOWN */
    uint32_t metric;
    uint32_t unused;
};

struct store_ts_hide {
    struct store_ts_hide *next;
    int64_t from, to;
    uint64_t gen, sequence;
    uint32_t column; /* STORE_TS_ALL */
    uint32_t main_rows, late_rows;
    bool kept; /* in kv */
};

struct store_ts_group {
    const struct model_labels *labels;
    struct store_ts_column *columns;
    uint32_t column_count, column_room;
    uint32_t columns_written; /* those before it have COLUMN records */
    uint32_t columns_kept;    /* and are in kv */
    uint32_t stamp;           /* the writer's */
    bool written, kept;
    bool fresh; /* the next main row is absolute */
    struct store_ts_head active, sealing;
    struct store_ts_hide *hides;
};

/* A row's way into the head; how much room it took. */
bool store_ts_head_late(const struct store_ts_group *group,
                        const struct store_ts_row *row);
struct store_ts_chunk *
store_ts_head_add(struct store_ts *ts, struct store_ts_group *group, bool late,
                  const struct store_ts_row *row, uint32_t *ret_before);
/* Take the last row back: before as store_ts_head_add gave it.  Returns the
 * bytes that this freed. */
uint32_t store_ts_head_undo(struct store_ts_head *head, bool late,
                            uint32_t before);
/* Free the chunks; returns the bytes they had. */
uint64_t store_ts_head_free(struct store_ts_head *head);
struct store_ts_scratch *store_ts_scratch_new(void);

/* Calls fn for each row of a list whose chunk meets [from, to], in order. */
struct store_ts_head_walk {
    struct store_ts_scratch *scratch;
    int64_t from, to;
    bool sorted; /* a main list: what lies before `from` is not looked at */
    enum err (*fn)(struct store_ts_head_walk *walk, uint32_t ordinal,
                   const struct wire_rows_row *row,
                   const struct wire_rows_room *room);
};

enum err store_ts_head_walk(const struct store_ts_chunk *last,
                            struct store_ts_head_walk *walk);
/* Is this row of a head hidden? */
bool store_ts_head_hidden(const struct store_ts_hide *hides, uint64_t gen,
                          bool late, uint32_t ordinal, uint32_t column,
                          int64_t t);

/* --- store_ts_index.c --- */

/* Hash -> number, for keys that stand elsewhere. */
struct store_ts_table {
    uint64_t *slots; /* hash << 32 | number + 1 */
    uint32_t room, count;
};

struct store_ts_posting { /* groups that have this label, rising */
    uint32_t group;       /* one of them, and its label: the key; or */
    uint32_t label;       /* group STORE_TS_ALL: the metric */
    uint32_t count, room; /* room 0: `one` */
    union {
        uint32_t one;
        uint32_t *many;
    } groups;
};

struct store_ts_index {
    struct store_ts_group **groups; /* by id; NULL: none */
    uint32_t group_count, group_room;
    struct bytes *metrics;
    uint32_t metric_count, metric_room, metrics_kept;
    struct store_ts_posting *postings;
    uint32_t posting_count, posting_room;
    struct store_ts_table group_table, metric_table, posting_table;
    uint64_t seed;
    uint32_t series;
};

void store_ts_index_done(struct store_ts_index *index);
/* Labels as they stand; copied.  NULL: there is one with this id already. */
struct store_ts_group *store_ts_index_add(struct store_ts_index *index,
                                          uint32_t id,
                                          const struct model_labels *labels);
/* STORE_TS_ALL: not there. */
uint32_t store_ts_index_find(const struct store_ts_index *index,
                             const struct model_labels *labels);
uint32_t store_ts_index_metric(struct store_ts_index *index,
                               struct bytes metric, bool make);
uint32_t store_ts_index_column(struct store_ts_index *index, uint32_t group,
                               uint32_t metric, bool make);
/* fn for every series that fits, in no order; false ends it. */
enum err
store_ts_index_each(struct store_ts *ts, const struct model_matcher *matchers,
                    unsigned count, struct base_arena *arena,
                    bool (*fn)(void *self, uint32_t group, uint32_t column),
                    void *self);
struct store_ts_group *store_ts_index_group(const struct store_ts *ts,
                                            uint32_t group);

/* --- store_ts_seal.c --- */

struct store_ts_file { /* a listed segment */
    uint64_t id, bytes;
    int64_t t0, t1;
    uint32_t check;
    const uint8_t *map;
    bool damaged;
    struct store_ts_segment segment;
};

struct store_ts_job;

/* Name of a segment's file, below folder or folder/tmp. */
char *store_ts_seal_path(const char *folder, bool tmp, uint64_t id);
/* Open and map; a file that is there but wrong is marked damaged. */
enum err store_ts_seal_map(struct store_ts *ts, struct store_ts_file *file);
void store_ts_seal_unmap(struct store_ts *ts, struct store_ts_file *file);
void store_ts_seal_list(struct store_ts *ts, const struct store_ts_file *file);
/* Start one if it is time; called by the timer and by append. */
void store_ts_seal_check(struct store_ts *ts);
/* The owner goes; what is under way frees itself, or (crash) is freed. */
void store_ts_seal_leave(struct store_ts *ts, bool crash);

/* --- store_ts_open.c --- */

/* TS_STATE rows of one shard: key u8 kind, u8 shard, then as below. */
enum store_ts_row_kind {
    STORE_TS_ROW_STATE = 's',  /* -> varint sealed sequence, varint next gen */
    STORE_TS_ROW_METRIC = 'm', /* u32 BE metric -> name */
    STORE_TS_ROW_GROUP = 'g',  /* u32 BE group -> {varint size, text}* labels */
    STORE_TS_ROW_COLUMN = 'c', /* u32 BE group -> varint metric, by column */
    STORE_TS_ROW_HIDE = 'h',   /* u64 BE gen, sequence, u32 BE group, column
                                  -> zigzag from, to */
};

/* --- the whole --- */

struct store_ts_undo {
    uint64_t sequence, gen;
    uint32_t group, before; /* chunk size, or column; see kind */
    enum store_ts_undo_kind {
        STORE_TS_UNDO_MAIN,
        STORE_TS_UNDO_LATE,
        STORE_TS_UNDO_GROUP,
        STORE_TS_UNDO_COLUMN,
        STORE_TS_UNDO_DROP,
    } kind;
};

struct store_ts_counts {
    struct base_stat rows, late, corrupt, sealed, dropped, seal_errors;
    struct base_stat head_bytes, series, segments, segment_bytes, head_limit,
        series_limit;
};

struct store_ts {
    struct store_ts_config config;
    char *folder;
    unsigned stream; /* of the journal */
    struct store_ts_index index;
    struct store_ts_scratch *scratch;
    struct store_ts_segment_column *column; /* for decoding */
    struct base_arena arena;                /* of one call */
    struct base_out out;                    /* one row */
    struct base_out record;                 /* for the journal */
    struct store_ts_sample *samples;        /* while reading */
    size_t sample_room;

    uint64_t gen; /* being filled */
    bool is_sealing;
    uint64_t head_bytes, sealing_bytes;
    uint64_t head_rows, sealing_rows;
    int64_t head_since_ms; /* mono, of its first row; 0: none */

    uint64_t cuts; /* of the journal, as far as it is known here */
    struct store_ts_undo *undo;
    size_t undo_first, undo_count, undo_room; /* a ring */

    struct store_ts_file *files; /* by id */
    uint32_t file_count, file_room;
    uint64_t sealed;         /* sequence */
    int64_t first_t, last_t; /* of all; first > last: none */

    struct store_ts_job *job;
    struct base_task *done, **done_last; /* for the seal that comes next */
    bool seal_wanted;
    int64_t retry_ms;  /* mono; no seal before it */
    int64_t forget_ms; /* mono; then old segments are looked for */
    struct base_timer timer;
    struct store_ts_counts counts;
};

/* Insert into the head; replay and append. */
enum err store_ts_insert(struct store_ts *ts, const struct store_ts_row *row,
                         uint64_t sequence);
/* Hide as a DROP record says; replay and drop. */
enum err store_ts_hide(struct store_ts *ts, const struct wire_rows_drop *drop,
                       uint64_t sequence);
/* Look up a column's newest sample, if it is UNKNOWN. */
enum err store_ts_newest(struct store_ts *ts, uint32_t group, uint32_t column);

#endif
