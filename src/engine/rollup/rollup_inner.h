/* rollup_inner.h -- what rollup's own files share; nobody else includes it.
 *
 * One merge is open at a time: it holds working copies of totals.  Whoever
 * begins one ends the folds' first (rollup_fold_flush). */
#ifndef ROLLUP_INNER_H
#define ROLLUP_INNER_H

#include "base/base_map.h"
#include "engine/rollup/rollup.h"
#include "engine/rollup/rollup_row.h"

enum {
    ROLLUP_PUTS = 256,   /* contributions of a merge */
    ROLLUP_WINDOWS = 64, /* windows of a merge */
    ROLLUP_BATCH = 700000,
    ROLLUP_STEP = 256, /* rows of a turn */
    ROLLUP_SHARDS = 8,
    ROLLUP_JOBS = 64,
    ROLLUP_FLIGHTS = 4,
    ROLLUP_FLIGHT_CELLS = 1024, /* an ack clears them in one kv batch */
    ROLLUP_EXPLAINS = 64,
    ROLLUP_PARTS = 256,
    ROLLUP_UNKNOWN = 1024,
    ROLLUP_UNKNOWN_MS = 60000,
    ROLLUP_SLACK_MS = 500, /* stream's folds come before the due time's work */
    ROLLUP_AHEAD_MS = 600000, /* a window may begin so far ahead */
    ROLLUP_SEAL_CELLS = 65536,
    ROLLUP_KEPT = 400000, /* bytes of a batch that is kept as it came; none
                             that is sent here is larger */
};

struct rollup_stats { /* named in rollup.c */
    struct base_stat folds, fold_same, fold_unknown, fold_old, fold_shape;
    struct base_stat fold_range, measure_errors;
    struct base_stat batches, batch_bad, batch_foreign, batch_mismatch;
    struct base_stat batch_unsigned;
    struct base_stat batch_old, batch_later;
    struct base_stat applied, skipped, refused;
    struct base_stat sent, sent_refused, sealed, swept;
    struct base_stat returns, returns_queried, returns_refused;
    struct base_stat limit_jobs, limit_explain, limit_seal, limit_past;
};

/* --- merging --- */

struct rollup_cell { /* a total being changed */
    uint32_t window, cell;
    unsigned pack;
    struct model_figure figure;
};

struct rollup_touched { /* a window being changed */
    uint32_t window;
    unsigned pack;
    bool put; /* its row must be written */
    struct rollup_row_window row;
};

struct rollup_merge {
    bool open, dirty; /* dirty: there is something for the parent */
    int64_t at_ms;    /* applied at */
    size_t reserved;  /* bytes of the batch that its totals will take */
    struct store_kv_batch *batch;
    struct base_map cells, seen; /* by TOTAL key; CONTRIB keys put */
    struct rollup_cell *order[2 * ROLLUP_PUTS];
    unsigned cell_count, puts;
    struct rollup_touched windows[ROLLUP_WINDOWS];
    unsigned window_count;
    struct base_arena arena;
    struct rollup_row_contrib old, now; /* room for the caller */
};

/* --- the rest of the state --- */

struct rollup_freq {
    const struct model_pack_freq *freq;
    uint32_t done;      /* windows up to here have had their due work */
    bool unmarked;      /* it has no row yet that says so */
    int64_t seal_ms;    /* when to look for windows to seal */
    int64_t sweep_ms;   /* when to look for windows to drop */
    uint32_t seal_from; /* a look under way goes on here; 0: none */
    int64_t seal_next;  /* what it has found so far */
};

struct rollup_pack {
    const struct model_pack *pack;
    struct bytes name;
    unsigned slots;
    bool local;    /* units without codes of their own have a cell */
    uint32_t cell; /* theirs: the node's codes */
    /* mono: the parent wants another shape; until then nothing is sent, or
     * nothing that was folded under an older shape. */
    int64_t blocked_ms, older_ms;
    struct rollup_freq freqs[MODEL_PACK_FREQS];
};

struct rollup_flight { /* a batch on its way to the parent */
    bool used, older;
    bool whole, last, complete; /* resync, its end; FFFFFFFF sent */
    unsigned pack_size;
    uint8_t pack[ROLLUP_ROW_PACK];
    uint32_t window, count;
    uint64_t seq;
    uint32_t cells[ROLLUP_FLIGHT_CELLS];
    uint64_t revisions[ROLLUP_FLIGHT_CELLS];
};

/* Waits for the journal, or questions, that may outlive the engine. */
struct rollup_waiting {
    struct base_link link;
    struct rollup *rollup; /* NULL: it is gone */
    struct store_journal_wait wait;
};

struct rollup {
    struct rollup_config config;
    struct bytes own;
    struct rollup_pack *packs;
    unsigned pack_count;
    struct rollup_stats stats;
    bool started, ending;

    struct rollup_merge merge;
    struct base_link waits;
    struct rollup_fold_group *folds;
    struct base_task fold_task;
    bool fold_posted;
    uint64_t folded[ROLLUP_SHARDS];
    int64_t applied_ms; /* of the last merge, or the last answer's instant */
    struct base_map unknown; /* unit folded -> when first seen */

    struct base_link jobs;
    unsigned job_count;
    struct base_task job_task;
    bool job_posted;

    struct rollup_flight flights[ROLLUP_FLIGHTS];
    uint64_t seq, seq_limit; /* used; written ahead */
    int64_t later_ms;        /* mono: the own store refused; not before */
    int64_t ahead_ms;        /* mono: look again at windows of the future */
    bool resync;             /* windows are being marked */

    struct base_timer timer;
    struct base_task step_task;
    bool step_posted;
    bool unmarked;          /* some frequency is */
    int64_t retry_ms;       /* mono: the store refused; not before */
    struct rollup_due *due; /* a window's due work, under way */

    struct base_link explains;
    unsigned explain_count;
};

/* rollup.c */
int64_t rollup_now(struct rollup *rollup);
struct store_kv_snap *rollup_snap(struct rollup *rollup);
bool rollup_has_parent(struct rollup *rollup);
/* Read one row; ABSENT, CORRUPT. */
enum err rollup_get(struct rollup *rollup, uint16_t table, struct bytes key,
                    enum rollup_row_kind kind, void *ret_row, unsigned slots);
void rollup_put(struct store_kv_batch *batch, uint16_t table, struct bytes key,
                enum rollup_row_kind kind, const void *row, unsigned slots);
/* All rows that begin with `all`, in pages, until fn says false. */
enum err rollup_scan(struct rollup *rollup, uint16_t table, struct bytes all,
                     bool (*fn)(void *self, struct bytes key,
                                struct bytes value),
                     void *self);
int rollup_pack_find(struct rollup *rollup, struct bytes name);
struct rollup_freq *rollup_freq_of(struct rollup_pack *pack, uint32_t window);
void rollup_wait_begin(struct rollup *rollup, struct rollup_waiting *waiting,
                       void (*fn)(struct store_journal_wait *wait,
                                  enum err err));

/* rollup_merge.c */
void rollup_merge_begin(struct rollup *rollup);
/* Before a window's first contribution.  STALE no longer kept, TIME too far
 * ahead, MISMATCH of another shape, NAME not a window of the pack, AGAIN the
 * merge is full.
 * child: it comes from one. */
enum err rollup_merge_window(struct rollup *rollup, unsigned pack,
                             uint32_t window, bool child,
                             struct rollup_touched **ret_touched);
/* What is stored under key; ABSENT; AGAIN: it was put in this merge. */
enum err rollup_merge_old(struct rollup *rollup, unsigned pack,
                          struct bytes key, struct rollup_row_contrib *ret_old);
/* old, now: NULL for none.  RANGE: nothing is changed. */
enum err rollup_merge_put(struct rollup *rollup, unsigned pack, uint32_t window,
                          struct bytes key,
                          const struct rollup_row_contrib *old,
                          struct rollup_row_contrib *now);
bool rollup_merge_full(const struct rollup *rollup);
enum err rollup_merge_end(struct rollup *rollup,
                          struct store_journal_wait *wait);
void rollup_merge_drop(struct rollup *rollup);

/* rollup_fold.c */
void rollup_fold_flush(struct rollup *rollup);
void rollup_fold_drop(struct rollup *rollup, enum err err);
/* A unit's registry row; is it one that this pack counts, and in which cell:
 * by its own codes, else by the node's. */
bool rollup_fold_counts(const struct rollup_pack *pack, struct bytes row,
                        uint32_t *ret_cell);
void rollup_fold_task(struct base_task *task);

/* Which moment is asked for. */
struct rollup_when {
    int64_t ms; /* 0: now */
    const struct rollup_when_cell {
        uint32_t cell;
        int64_t ms;
    } * cells; /* not NULL: each its own, rising, and no others */
    unsigned count;
    const struct model_cells *only; /* NULL: all cells */
};

/* rollup_past.c */
int64_t rollup_past_next(struct rollup *rollup);
/* The instant that what is read now is true for. */
int64_t rollup_past_now(struct rollup *rollup);
void rollup_past_open(struct rollup *rollup);
void rollup_past_put(struct store_kv_batch *batch, int64_t applied_ms);
/* In a merge: another row comes in the place of this one of CONTRIB, TOTAL. */
enum err rollup_past_keep(struct rollup *rollup, struct rollup_touched *touched,
                          uint16_t table, struct bytes key);
/* The moment of a cell; false: that cell is not asked for. */
bool rollup_past_when(const struct rollup_when *when, uint32_t cell,
                      int64_t *ret_ms);
/* When a total got this revision; INT64_MAX: that is not known (any more). */
int64_t rollup_past_made(struct rollup *rollup, unsigned pack, uint32_t window,
                         uint32_t cell, uint32_t epoch, uint64_t revision);
/* *value: the row that stands; becomes the one of the instant (0: now).  ABSENT
 * there was none then. */
enum err rollup_past_at(struct rollup *rollup, uint16_t table, struct bytes key,
                        int64_t at_ms, struct bytes *value);
/* Likewise of a contribution, read; GONE is ABSENT too. */
enum err rollup_past_contrib(struct rollup *rollup,
                             const struct rollup_when *when, struct bytes key,
                             const struct rollup_row_source *source,
                             struct bytes value, unsigned slots,
                             struct rollup_row_contrib *ret_row);

/* rollup_take.c */
void rollup_take_task(struct base_task *task);
void rollup_take_drop(struct rollup *rollup, enum err err);

/* rollup_send.c */
enum err rollup_send_open(struct rollup *rollup);
void rollup_send_dirty(struct rollup *rollup, struct store_kv_batch *batch,
                       struct bytes pack, uint32_t window, uint32_t cell,
                       uint32_t from);
/* Marks windows for a resync; true: there is more. */
bool rollup_send_step(struct rollup *rollup);
/* ms until the parent may be tried again; tells the port when it may. */
int64_t rollup_send_wait(struct rollup *rollup);
void rollup_send_forget(struct rollup *rollup);

/* rollup_window.c */
enum err rollup_window_open(struct rollup *rollup);
/* A new row for a window that something came for. */
void rollup_window_make(struct rollup *rollup, unsigned pack, uint32_t window,
                        struct rollup_row_window *ret_row);
bool rollup_window_kept(struct rollup *rollup, unsigned pack, uint32_t window);
bool rollup_window_due(struct rollup *rollup, unsigned pack, uint32_t window);
/* When its due time's work is done. */
int64_t rollup_window_due_ms(struct rollup *rollup, unsigned pack,
                             uint32_t window);
void rollup_window_soon(struct rollup *rollup);
void rollup_window_drop(struct rollup *rollup);
void rollup_window_timer(struct base_timer *timer);
void rollup_window_task(struct base_task *task);

/* rollup_seal.c */
/* The root over the totals of a window at a moment (0: now), and their
 * count. */
enum err rollup_seal_root(struct rollup *rollup, unsigned pack, uint32_t window,
                          int64_t at_ms, uint8_t ret_root[32],
                          uint32_t *ret_cells);
/* The newest version that was sealed at or before this moment; 0: none. */
uint32_t rollup_seal_version(struct rollup *rollup, unsigned pack,
                             uint32_t window, int64_t at_ms);
enum err rollup_seal_window(struct rollup *rollup, unsigned pack,
                            uint32_t window, struct rollup_row_window *row,
                            const struct model_grant_principal *actor);
/* The sum over the cells of a vintage; only NULL: over all. */
enum err rollup_seal_sum(struct rollup *rollup, unsigned pack, uint32_t window,
                         uint32_t version, const struct model_cells *only,
                         struct rollup_row_vintage *ret_head,
                         struct model_figure *ret_sum);

/* rollup_query.c */
/* The cells that are asked for; all, if the pack is not known. */
enum err rollup_query_cells(struct rollup *rollup, const struct rollup_ask *ask,
                            struct model_cells *ret_cells,
                            struct base_note *note);
enum err rollup_query_name(struct rollup *rollup, struct bytes pack,
                           struct bytes name, struct rollup_name *ret_name,
                           unsigned *ret_pack, struct base_note *note);
enum err rollup_query_window(struct rollup *rollup, unsigned at,
                             struct bytes text, struct bytes freq,
                             int64_t at_ms, uint32_t *ret_window,
                             struct base_note *note);
enum err rollup_query_figure(struct rollup *rollup,
                             const struct rollup_name *name, unsigned pack,
                             uint32_t window, uint32_t vintage,
                             const struct rollup_when *when,
                             struct rollup_figure *ret_figure);
void rollup_query_part(const struct rollup_name *name,
                       const struct model_figure *figure,
                       struct rollup_part *part);
enum err rollup_query_parts(struct rollup *rollup,
                            const struct rollup_name *name, unsigned pack,
                            uint32_t window, const struct rollup_when *when,
                            unsigned limit, bool least_first,
                            struct base_arena *arena,
                            struct rollup_figure *figure);

/* rollup_show of a moment that may differ by cell. */
enum err rollup_query_show(struct rollup *rollup, const struct rollup_ask *ask,
                           const struct rollup_when *when,
                           struct base_arena *arena,
                           struct rollup_answer *ret_answer,
                           struct base_note *note);

/* rollup_explain.c */
void rollup_explain_drop(struct rollup *rollup);

#endif
