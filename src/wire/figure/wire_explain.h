/* wire_explain.h -- FIGURE_CALL: asking a node for a figure and its parts.
 *
 * Why: a number walks down the tree to the samples it came from.  Each node
 * says what it holds and hands on what its children said, so the answer is a
 * list of entries in the order of a walk, each with its depth.
 *
 * Question (EXPLAIN, TABLE):
 *  | 0 | 4 | window, 0: the newest complete of the pack's first frequency |
 *  | 4 | 2 | how many windows back (TABLE), parts to show (EXPLAIN)       |
 *  | 6 | - | u8 length and pack; u8 length and metric or measure;         |
 *  |   |   | u16 length and cells (model_cells.h: DIM=CODE,...), 0: all   |
 *  | - | - | to the end: what the asker holds, {cell u32, epoch u32,      |
 *  |   |   | revision u64} by rising cell, <= 2,048; none: as it is now   |
 * Answer: u16 count <= 4,096, then entries:
 *  | u8 depth | u8 kind | u8 why (why nothing is below it: an enum err)   |
 *  | u8 has: 1 value, 2 a, 4 b, 8 sample, 16 changed, 32 proof,          |
 *  |   64 digest, 128 return                                             |
 *  | u8 length and name | varint n, reported, expected, epoch, revision   |
 *  | [zigzag value, a count of 10^-12] [zigzag a] [zigzag b]              |
 *  | [varint shard, sequence] [varint seq; u8 verdict; key id u64;        |
 *  | u8 length and public key; u16 length and the batch, 0: too large]    |
 *  | [varint samples; first ms, last ms u64; digest 32]                   |
 *  | [filed at ms u64; SHA-256 32; u8 the receipt's verdict]              |
 *   NODE    name: its prefix; a, b: sums of the operands there
 *   PART    name: a child's prefix; what this node holds of it
 *   UNIT    name: a unit; sample: where its samples stood in the journal
 *   INPUT   name: an input; a: its value in 10^-scale
 *   WINDOW  name: a window's text (TABLE)
 *   BATCH   name: who signed; proof: the DGF1 message that a PART is from
 *   RETURN  below a UNIT that filed one; name: the unit; proof: the return
 *           (wire_return.h), its seq the revision
 * A NODE's parts are one deeper; a PART's NODE is one deeper than the PART.
 *
 * Errors   SHORT, SYNTAX, BIG.  Memory: results point into the input. */
#ifndef WIRE_EXPLAIN_H
#define WIRE_EXPLAIN_H

#include "base/base_cur.h"
#include "base/base_dec.h"
#include "base/base_out.h"

enum {
    WIRE_EXPLAIN_ENTRIES = 4096,
    WIRE_EXPLAIN_DEPTH = 32,
    WIRE_EXPLAIN_MAX = 1 << 20,
    WIRE_EXPLAIN_HELD = 2048,
    WIRE_EXPLAIN_PROOF_MAX = 16 << 10, /* of a batch in an entry */
};

enum wire_explain_kind {
    WIRE_EXPLAIN_NODE = 1,
    WIRE_EXPLAIN_PART = 2,
    WIRE_EXPLAIN_UNIT = 3,
    WIRE_EXPLAIN_INPUT = 4,
    WIRE_EXPLAIN_WINDOW = 5,
    WIRE_EXPLAIN_BATCH = 6,
    WIRE_EXPLAIN_RETURN = 7,
};

enum {
    WIRE_EXPLAIN_VALUE = 1,
    WIRE_EXPLAIN_A = 2,
    WIRE_EXPLAIN_B = 4,
    WIRE_EXPLAIN_SAMPLE = 8,
    WIRE_EXPLAIN_CHANGED = 16, /* PART: not what was counted here any more */
    WIRE_EXPLAIN_PROOF = 32,
    WIRE_EXPLAIN_DIGEST = 64, /* UNIT: of the samples that were folded */
    WIRE_EXPLAIN_FILED = 128, /* RETURN: filed_ms, digest, receipt */
};

enum wire_explain_verdict {
    WIRE_EXPLAIN_UNKNOWN = 0, /* the sender's key was not known */
    WIRE_EXPLAIN_SIGNED = 1,  /* checked when it came */
    WIRE_EXPLAIN_GONE = 2,    /* the batch is not kept */
    WIRE_EXPLAIN_WRONG = 3,   /* a return's, checked when it was asked for */
};

struct wire_explain_held {
    uint32_t cell, epoch;
    uint64_t revision;
};

struct wire_explain_ask {
    uint32_t window;
    uint16_t limit;
    struct bytes pack, name, cells;
    struct bytes held; /* as it stands: wire_explain_held_next */
};

struct wire_explain_entry {
    uint8_t depth, kind, why, has;
    struct bytes name;
    uint64_t n, reported, expected, epoch, revision;
    struct dec value;
    __int128 a, b;
    uint64_t shard, sequence;
    uint64_t seq, key_id;
    uint8_t verdict;
    struct bytes key, batch;
    uint64_t samples;
    int64_t first_ms, last_ms;
    struct bytes digest; /* 32 bytes */
    int64_t filed_ms;
    uint8_t receipt; /* enum wire_return_verdict */
};

void wire_explain_ask_write(struct base_out *out,
                            const struct wire_explain_ask *ask);
void wire_explain_held_add(struct base_out *out,
                           const struct wire_explain_held *held);
/* false: the end.  ask_read has checked their order and number. */
bool wire_explain_held_next(struct base_cur *cur,
                            struct wire_explain_held *ret_held);
enum err wire_explain_ask_read(struct bytes body,
                               struct wire_explain_ask *ret_ask);

/* begin, entries, end; all into one out, at its start. */
void wire_explain_begin(struct base_out *out);
void wire_explain_add(struct base_out *out,
                      const struct wire_explain_entry *entry);
void wire_explain_end(struct base_out *out, uint16_t count);

/* The whole is checked by open; then next gives the entries, false: the end. */
enum err wire_explain_open(struct bytes body, struct base_cur *ret_cur);
bool wire_explain_next(struct base_cur *cur,
                       struct wire_explain_entry *ret_entry);

#endif
