/* rollup_row.h -- the rows of rollup's tables: their keys and values, drawn.
 *
 * Keys (integers big-endian, so that windows and cells come in order; P is u8
 * length and pack name, C u8 length and child prefix folded to upper case):
 *  CONTRIB  P window u32 C cell u32        a child's cell
 *           P window u32 00 unit folded    a unit of this node
 *  TOTAL    P window u32 cell u32
 *  DIRTY    C (to; 00: the parent) P window u32 cell u32
 *           cell FFFFFFFE: the window is to be sent whole, from the cell in the
 *           value; FFFFFFFF: that the window is complete is to be told
 *  VINTAGE  P window u32 version u32 part u32; part 0 the head, 1.. the cells
 *  BATCH    P window u32 C epoch u32 seq u64: a DGF1 message as it came
 *  PAST     P window u32 size u16, the rest of a CONTRIB key, applied at u64
 *  PAST_TOTAL  likewise of a TOTAL key
 *  UNIT     unit folded
 *  FOLDED   shard u32
 *  CHILD    00: this node itself; 01 C: a child; 02 C P freq u8 cell u32: its
 *           last `expected`; 03: the last applied at of all; 04 C: its units
 *           were exported (rollup_move.h)
 *  WINDOW   00 P freq u8: due times done; 01 P window u32: a window; 02 P
 *           window u32 C: the child has said complete
 * Values (little-endian; each but UNIT begins with version u8 1; 2 in CONTRIB
 * and WINDOW 01, which are read without what is marked * too):
 *  CONTRIB  flags u8, cell u32, epoch u32, revision u64, applied at ms u64,
 *           *reason u8, if flagged (BATCH) seq u64 of the batch that it came
 *          in; of a unit: if flagged (DIGEST) varint samples, first ms u64,
 *           last ms u64, digest 32; varint shard, sequence, mask of inputs,
 *           zigzag value per bit, u8 length and the unit's spelling; the figure
 *           to the end
 *  TOTAL    epoch u32, revision u64, applied at ms u64, the figure to the end
 *  BATCH    at ms u64, verdict u8, key id u64, u8 length and the sender's
 *           public key, the message to the end (empty: it was too large)
 *  PAST     what the row was from `applied at` on, until the next
 *  DIRTY    cell u32 (0 but in a FFFFFFFE row), u64 0
 *  VINTAGE  head: sealed ms u64, shape 32, slots u8, expected u64, reported
 *           u64, cells u32, root 32, key id u64, signature 64 (0: not signed)
 *           part: {cell u32, epoch u32, revision u64, u16 size, figure} ...
 *  UNIT     wire_unit
 *  FOLDED   u32 0, sequence u64
 *  CHILD    00: seq u64 (none above it was used), resync u8, u8 length and
 *           parent, the last WINDOW key that was marked to the end
 *           01: epoch u32, seq u64, at ms u64, the spelling to the end
 *           02: window u32, expected u64; 03: u32 0, ms u64; 04: the least
 *           epoch u32 that is taken of it, u64 1 (0: taken back)
 *  WINDOW   00: window u32, u64 0
 *           01: state u8, flags u8, slots u8, vintage u32, made ms u64, seal
 *           at ms u64, sealed ms u64, shape 32, *past u32: rows of PAST and
 *           PAST_TOTAL, *full ms u64: no more were kept from then on (0)
 *           02: u32 0, at ms u64
 * A figure is model_figure_write with the window's slots; a tombstone has none
 * of its slots.
 *
 * Errors   CORRUPT, VERSION.  Memory: results point into the row. */
#ifndef ROLLUP_ROW_H
#define ROLLUP_ROW_H

#include "base/base_cur.h"
#include "base/base_out.h"
#include "model/model_figure.h"
#include "model/model_pack.h"

enum { ROLLUP_ROW_PACK = 64, ROLLUP_ROW_KEY = 480, ROLLUP_ROW_MAX = 4096 };

#define ROLLUP_ROW_RESYNC UINT32_C(0xFFFFFFFE)
#define ROLLUP_ROW_COMPLETE UINT32_C(0xFFFFFFFF)

/* A key or a small value under construction; never copied. */
struct rollup_key {
    struct base_out out;
    uint8_t room[ROLLUP_ROW_KEY];
};

struct rollup_value {
    struct base_out out;
    uint8_t room[ROLLUP_ROW_MAX];
};

/* Each fills key and gives its bytes.  *_all: what all rows of the window (or
 * child in it) begin with. */
struct bytes rollup_row_total_all(struct rollup_key *key, struct bytes pack,
                                  uint32_t window); /* CONTRIB too */
struct bytes rollup_row_total_key(struct rollup_key *key, struct bytes pack,
                                  uint32_t window, uint32_t cell);
/* child empty: the units of this node. */
struct bytes rollup_row_contrib_all(struct rollup_key *key, struct bytes pack,
                                    uint32_t window, struct bytes child);
struct bytes rollup_row_contrib_key(struct rollup_key *key, struct bytes pack,
                                    uint32_t window, struct bytes child,
                                    uint32_t cell);
struct bytes rollup_row_unit_key(struct rollup_key *key, struct bytes pack,
                                 uint32_t window, struct bytes unit);
struct bytes rollup_row_dirty_key(struct rollup_key *key, struct bytes to,
                                  struct bytes pack, uint32_t window,
                                  uint32_t cell);
struct bytes rollup_row_vintage_key(struct rollup_key *key, struct bytes pack,
                                    uint32_t window, uint32_t version,
                                    uint32_t part);
struct bytes rollup_row_registry_key(struct rollup_key *key, struct bytes unit);
struct bytes rollup_row_u32_key(struct rollup_key *key, uint32_t number);

enum {
    ROLLUP_ROW_OWN = 0,
    ROLLUP_ROW_CHILD = 1,
    ROLLUP_ROW_EXPECTED = 2,
    ROLLUP_ROW_APPLIED = 3,
    ROLLUP_ROW_MOVE = 4,
};
struct bytes rollup_row_child_key(struct rollup_key *key, uint8_t kind,
                                  struct bytes child);
struct bytes rollup_row_expected_key(struct rollup_key *key, struct bytes child,
                                     struct bytes pack, enum model_freq freq,
                                     uint32_t cell);

struct bytes rollup_row_batch_key(struct rollup_key *key, struct bytes pack,
                                  uint32_t window, struct bytes child,
                                  uint32_t epoch, uint64_t seq);

enum { ROLLUP_ROW_DUE = 0, ROLLUP_ROW_WINDOW = 1, ROLLUP_ROW_SAID = 2 };
struct bytes rollup_row_due_key(struct rollup_key *key, struct bytes pack,
                                enum model_freq freq);
struct bytes rollup_row_window_all(struct rollup_key *key, uint8_t kind,
                                   struct bytes pack);
struct bytes rollup_row_window_key(struct rollup_key *key, struct bytes pack,
                                   uint32_t window);
struct bytes rollup_row_said_key(struct rollup_key *key, struct bytes pack,
                                 uint32_t window, struct bytes child);

/* Where a row of CONTRIB or TOTAL that was applied at this moment goes when
 * another takes its place; _all: what all of one such key begin with. */
struct bytes rollup_row_past_all(struct rollup_key *key, struct bytes of);
struct bytes rollup_row_past_key(struct rollup_key *key, struct bytes of,
                                 int64_t at_ms);
/* Of a row of CONTRIB, TOTAL as it stands. */
int64_t rollup_row_applied(struct bytes value, bool total);

/* What a CONTRIB key that begins with P window says besides. */
struct rollup_row_source {
    struct bytes child; /* folded; empty: a unit */
    uint32_t cell;
    struct bytes unit; /* folded */
};

/* The number a key ends with: a cell, a window. */
uint32_t rollup_row_tail(struct bytes key);
enum err rollup_row_source(struct bytes key, size_t all,
                           struct rollup_row_source *ret_source);

enum {
    ROLLUP_ROW_TOMBSTONE = 1,
    ROLLUP_ROW_PLACEHOLDER = 2,
    ROLLUP_ROW_UNIT = 4,
    ROLLUP_ROW_GONE = 8,    /* removed: it reads as absent, and has been here */
    ROLLUP_ROW_BATCH = 16,  /* seq is there */
    ROLLUP_ROW_DIGEST = 32, /* samples, their span and digest are there */
};

/* In the place of a journal's shard: sequence is the revision of a return. */
#define ROLLUP_ROW_RETURN UINT32_MAX

struct rollup_row_contrib {
    uint8_t flags, reason;
    uint32_t cell, epoch;
    uint64_t revision;
    int64_t at_ms;
    uint64_t seq; /* of the batch it came in */
    uint64_t shard, sequence, inputs;
    uint64_t samples; /* of a unit: what was folded (model_event_fold) */
    int64_t first_ms, last_ms;
    uint8_t digest[32];
    int64_t values[MODEL_PACK_INPUTS];
    struct bytes unit;
    struct model_figure figure;
};

struct rollup_row_total {
    uint32_t epoch;
    uint64_t revision;
    int64_t at_ms;
    struct bytes state; /* the figure as it stands */
    struct model_figure figure;
};

enum { ROLLUP_ROW_EARLY = 1 }; /* a child sent before the due time */

struct rollup_row_window {
    uint8_t state, flags, slots;
    uint32_t vintage;
    int64_t made_ms, seal_at_ms, sealed_ms;
    uint8_t shape[32];
    uint32_t past;
    int64_t full_ms;
};

struct rollup_row_child {
    uint32_t epoch;
    uint64_t seq;
    int64_t at_ms;
    struct bytes name;
};

struct rollup_row_batch {
    int64_t at_ms;
    uint8_t verdict; /* enum wire_explain_verdict */
    uint64_t key_id;
    struct bytes key, message;
};

struct rollup_row_own {
    uint64_t seq;
    uint8_t resync;
    struct bytes parent, marked;
};

struct rollup_row_vintage {
    int64_t sealed_ms;
    uint8_t shape[32], root[32], signature[64];
    uint8_t slots;
    uint64_t expected, reported, key_id;
    uint32_t cells;
};

struct rollup_row_pair { /* DIRTY, FOLDED, CHILD 02, 03, WINDOW 00, 02 */
    uint32_t a;
    uint64_t b;
};

/* Which struct a row is. */
enum rollup_row_kind {
    ROLLUP_ROW_IS_CONTRIB,
    ROLLUP_ROW_IS_TOTAL,
    ROLLUP_ROW_IS_WINDOW,
    ROLLUP_ROW_IS_CHILD,
    ROLLUP_ROW_IS_OWN,
    ROLLUP_ROW_IS_VINTAGE,
    ROLLUP_ROW_IS_PAIR,
    ROLLUP_ROW_IS_BATCH,
};

/* row: the struct of this kind.  slots: M of the window, for figures. */
struct bytes rollup_row_write(struct rollup_value *value,
                              enum rollup_row_kind kind, const void *row,
                              unsigned slots);
/* Into an out of any size, for BATCH. */
struct bytes rollup_row_write_to(struct base_out *out,
                                 enum rollup_row_kind kind, const void *row,
                                 unsigned slots);
enum err rollup_row_read(struct bytes value, enum rollup_row_kind kind,
                         void *ret_row, unsigned slots);

#endif
