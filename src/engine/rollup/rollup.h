/* rollup.h -- the engine that adds figures up, and can say where they are from.
 *
 * Why: a child sends absolute states, versioned; a parent subtracts what it had
 * of them and adds what is new, in one transaction.  So a duplicate changes
 * nothing, a correction corrects, a late one is never too late, and after any
 * crash the table equals a recomputation, bit for bit (spec rollup 1, 2).
 *
 * Shape    contribution (pack, window, child, cell | unit) -> figure
 *          total        (pack, window, cell) -> sum of its contributions
 *          dirty        (parent, pack, window, cell): not yet acknowledged
 *          A unit's contribution is `expected` 1 (it is registered, active and
 *          in scope), `reported` 1 when an input is present, and its measures;
 *          a child's is its total.  Rows are drawn in rollup_row.h.
 *
 *            stream --FOLD--> unit contribution --+
 *            child  --DGF1--> child contribution -+-> total -> dirty -> DGF1
 *            due time ------> expected only ------+        +-> vintage (seal)
 *
 * Expected (RULINGS 27): a unit's contribution carries its own `expected`.  At
 *          end + due a contribution with nothing else is made for every active
 *          unit in scope that has none, and, for every child that has not sent
 *          the window, one with its last `expected` per cell, of epoch 0 and
 *          revision 0: any real one replaces it, and what is left of them goes
 *          when the child says that the window is complete.  A unit registered
 *          after the due time is expected from then on; in an earlier window
 *          it counts only if it reports.
 * Windows  open -> provisional half a second after end + due, so that what
 *          stream folds at that moment comes first -> sealed (`auto`: end +
 *          grace, or grace after a late window was made).  A seal writes a
 *          vintage; live figures go on changing, and are then `pending`.
 *          After `keep` everything of a window but its vintages goes.
 * Order    every loop is in key order; integers only; the same code at a
 *          machine's node and at the nation's.
 * Threads  one owner, the state loop, which owns the kv environment too.
 * Limits   256 contributions and 64 windows per kv batch and turn; 64 batches
 *          waiting to be applied (then LATER); 4 in flight to the parent, each
 *          <= 1,024 cells of one window, 1 MiB; 64 explanations under way, 16
 *          children asked each; 256 parts shown; 1,024 unknown units held
 *          for 60 s; 65,536 cells sealed in a turn.
 * Errors   ABSENT NAME RANGE MISMATCH LIMIT EXISTS BUSY FULL IO. */
#ifndef ROLLUP_H
#define ROLLUP_H

#include "base/base_log.h"
#include "base/base_stat.h"
#include "crypt/crypt_key.h"
#include "model/model_audit.h"
#include "model/model_cells.h"
#include "model/model_event.h"
#include "model/model_figure.h"
#include "store/store_kv.h"

struct rollup;

struct rollup_code { /* node.yaml `codes`: where this node's units belong */
    const char *dim, *code;
};

struct rollup_config {
    struct store_kv *kv;
    struct base_loop *loop;
    struct model_port *port;
    const struct model_pack_list *packs; /* outlive it, unchanged */
    const struct rollup_code *codes;
    unsigned code_count;
    /* This node's incarnation (RULINGS 11), asked anew each time. */
    uint32_t (*epoch)(void *self);
    void *epoch_self;
    const struct crypt_key *key; /* Ed25519; NULL: nothing is signed */
    /* The public key (DER, <= 64) that a child signs with; empty: not known.
     * NULL: of nobody. */
    struct bytes (*key_of)(void *self, struct bytes child);
    void *key_self;
    /* The key that speaks for a unit: an enterprise\'s that is hosted here;
     * NULL: `key` for all. */
    struct crypt_key *(*signer_of)(void *self, struct bytes unit);
    void *signer_self;
    struct model_audit *audit; /* NULL: nobody listens */
    struct base_stats *stats;
    struct base_log *log;
};

enum err rollup_new(const struct rollup_config *config,
                    struct rollup **ret_rollup, struct base_note *note);
/* The port is live: due times run from here. */
void rollup_start(struct rollup *rollup);
/* After its loop has ended, before its kv is shut. */
void rollup_free(struct rollup *rollup);
/* For store_kv_config.rewound. */
void rollup_rewound(void *rollup);
/* Samples of the shard up to here are in durable figures; for stream_start. */
uint64_t rollup_folded(struct rollup *rollup, uint32_t shard);
const struct model_pack_list *rollup_packs(struct rollup *rollup);

/* --- rows for the port --- */

void rollup_take_fold(void *rollup, struct model_event *event);
enum model_took rollup_take_unit(void *rollup,
                                 const struct model_message *message,
                                 struct store_kv_batch *batch,
                                 enum err *ret_code);
void rollup_take_batch(void *rollup, const struct model_message *message,
                       struct model_answer *answer);
void rollup_take_explain(void *rollup, const struct model_message *message,
                         struct model_answer *answer);
void rollup_take_table(void *rollup, const struct model_message *message,
                       struct model_answer *answer);
enum err rollup_next(void *rollup, struct bytes to, struct base_arena *arena,
                     struct bytes *ret_body, uint64_t *ret_seq);
void rollup_acked(void *rollup, struct bytes to, uint64_t seq,
                  struct bytes ack);
void rollup_linked(void *rollup, struct bytes to, bool resync);

/* --- reading --- */

/* pack, name: a metric, a measure, "expected" or "reported".  at: a window's
 * text; empty: the newest complete one of `freq`, empty: the pack's first. */
struct rollup_ask {
    struct bytes pack, name, at, freq;
    unsigned last;      /* windows, going back; 0: 1 */
    uint32_t vintage;   /* 0: live */
    int64_t asof_ms;    /* 0: now; else as this node had it then */
    unsigned parts;     /* at most so many parts, <= 256; of the last window */
    bool least_first;   /* parts: the smallest first (who is missing) */
    struct bytes cells; /* model_cells.h; empty: of all cells */
};

/* What a name means in a pack: one slot, or a ratio of two. */
struct rollup_name {
    const struct model_pack *pack;
    const struct model_pack_metric *metric; /* NULL: slot a */
    const char *name, *unit;
    unsigned a, b;             /* slots */
    unsigned scale_a, scale_b; /* sums are in 10^-scale */
    unsigned digits;           /* shown */
};

enum rollup_state { ROLLUP_OPEN, ROLLUP_PROVISIONAL, ROLLUP_SEALED };

const char *rollup_state_name(enum rollup_state state);

struct rollup_part {
    struct bytes from; /* a child's prefix, or a unit */
    bool unit;
    bool waiting; /* a placeholder: it has not sent this window */
    bool present, has_a, has_b;
    struct dec value;
    __int128 a, b;
    uint64_t n, reported, expected, revision, shard, sequence;
    uint32_t epoch;
};

struct rollup_figure {
    uint32_t window, epoch, vintage; /* vintage: the newest, or the asked */
    int64_t at_ms;                   /* the instant that it is true for */
    bool sealed;       /* from the vintage: it was asked for, or nothing else is
                          kept */
    uint64_t revision; /* of several cells: their sum; parts likewise */
    enum rollup_state state;
    bool pending; /* live is not what was sealed */
    int64_t sealed_ms;
    uint8_t root[32]; /* of the vintage */
    struct rollup_part sum;
    struct rollup_part *parts;
    unsigned part_count;
    uint64_t parts_left; /* not shown */
};

struct rollup_answer {
    struct rollup_name name;
    struct model_cells cells;      /* of which it is */
    struct rollup_figure *figures; /* newest first */
    unsigned count;
    uint32_t next; /* the window before the last, 0: there is none */
};

/* note says what was expected: the packs, the nearest name, the form of a
 * window. */
enum err rollup_show(struct rollup *rollup, const struct rollup_ask *ask,
                     struct base_arena *arena, struct rollup_answer *ret_answer,
                     struct base_note *note);

/* --- whole windows --- */

struct rollup_table_ask {
    struct bytes pack, at, freq; /* as in rollup_ask */
    int64_t asof_ms;
    bool parts; /* of a table: contributions too */
};

/* A total (no `from`) or a contribution, as it was set at applied_ms. */
struct rollup_line {
    struct bytes from; /* a child's prefix, folded, or a unit */
    bool unit, waiting, gone;
    uint8_t reason; /* spec rollup 5; 0: none was given */
    uint32_t cell, epoch;
    uint64_t revision;
    int64_t applied_ms;
    uint64_t shard, sequence, inputs; /* of a unit */
    const int64_t *values;
    const struct model_figure *figure;
};

struct rollup_table {
    const struct model_pack *pack;
    uint32_t window;
    int64_t at_ms; /* the instant that it is true for */
};

enum { ROLLUP_TABLE_ROWS = 1 << 20 };

/* Cells in order, then, if asked for, parts by (child, cell) or unit; fn
 * returns false to stop, and calls nothing of rollup.  Equal for all time: the
 * lines of an instant. */
enum err rollup_table(struct rollup *rollup, const struct rollup_table_ask *ask,
                      bool (*fn)(void *self, const struct rollup_line *line),
                      void *self, struct rollup_table *ret_table,
                      struct base_note *note);
/* Every revision of what `from` (a child's prefix or a unit) said of a window,
 * by cell, oldest first.  ABSENT it has said nothing. */
enum err rollup_history(struct rollup *rollup,
                        const struct rollup_table_ask *ask, struct bytes from,
                        bool (*fn)(void *self, const struct rollup_line *line),
                        void *self, struct rollup_table *ret_table,
                        struct base_note *note);

/* --- by codes --- */

struct rollup_by_ask {
    struct bytes pack, name, at, freq; /* as in rollup_ask */
    int64_t asof_ms;
    struct bytes dim;   /* a row for each of its codes; empty: none */
    struct bytes where; /* a truth over dims: ind == 'C36', flag(ind, 'x') */
    struct bytes cells; /* as in rollup_ask; both hold */
};

struct rollup_by_row {
    const struct model_code *code;
    const char *parent; /* or NULL; its row holds the sum of those below */
    struct rollup_part sum;
};

struct rollup_by {
    struct rollup_name name;
    struct model_cells cells;
    uint32_t window;
    int64_t at_ms;
    struct rollup_part sum;     /* of all cells that `where` lets pass */
    struct rollup_by_row *rows; /* by code; those that something is of */
    unsigned count;
};

/* LIMIT more than 4,096 codes; NAME, TYPE, SYNTAX with a note. */
enum err rollup_by(struct rollup *rollup, const struct rollup_by_ask *ask,
                   struct base_arena *arena, struct rollup_by *ret_by,
                   struct base_note *note);

/* Asks its way down; done runs exactly once, at once or within 5 s, with the
 * entries of wire/figure/wire_explain.h.  Of some cells only: every level
 * answers for them alone.  name, cells, window: of the question, filled in
 * before. */
struct rollup_explain {
    void (*done)(struct rollup_explain *explain, enum err err,
                 struct bytes entries);
    struct rollup_name name;
    struct model_cells cells;
    uint32_t window;
    int64_t at_ms; /* the instant that is explained */
};

enum err rollup_explain(struct rollup *rollup, const struct rollup_ask *ask,
                        struct rollup_explain *explain, struct base_note *note);

/* `figure seal`: EXISTS when it is sealed, BUSY before it is complete, NAME,
 * ABSENT, LIMIT; note says which and until when.  actor, for the audit log;
 * NULL: the node itself. */
enum err rollup_seal(struct rollup *rollup, struct bytes pack, uint32_t window,
                     const struct model_grant_principal *actor,
                     struct base_note *note);

/* --- checking --- */

struct rollup_difference {
    const struct model_pack *pack;
    uint32_t window, cell;
    const struct model_figure *live, *again; /* NULL: no such total */
};

/* Recomputes every total from its contributions; fn is told what differs.
 * ret_totals: how many were compared. */
enum err rollup_audit(struct rollup *rollup,
                      void (*fn)(void *self,
                                 const struct rollup_difference *difference),
                      void *self, uint64_t *ret_totals);

#endif
