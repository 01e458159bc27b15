/* wire_figure.h -- DGF1: figures on their way up, and the answer to them.
 *
 * Why: a child sends absolute states, versioned; a parent that has seen one
 * already can tell.  Everything that is not exactly in this form is refused
 * whole: two readings of one number would be two numbers.
 *
 * Batch (little-endian; doc/formats/dgf1.md has an example):
 *  |  0 | 4 | `DGF1`                                                    |
 *  |  4 | 2 | header length 48                                          |
 *  |  6 | 1 | form: 0 partial (1 micro: not yet)                        |
 *  |  7 | 1 | flags: 1 zstd (not yet), 2 resync, 4 complete, 8 signed   |
 *  |  8 | 8 | shape, its first 8 bytes                                  |
 *  | 16 | 4 | window                                                    |
 *  | 20 | 4 | epoch                                                     |
 *  | 24 | 8 | seq, rising per child                                     |
 *  | 32 | 4 | records 0..65,536                                         |
 *  | 36 | 4 | body bytes <= 1 MiB                                       |
 *  | 40 | 4 | CRC-32C of the body                                       |
 *  | 44 | 4 | CRC-32C of bytes 0..43                                    |
 *  | 48 | - | body: u8 length and child prefix; records; [8 key id, big-
 *              endian, 64 signature]                                    |
 * Record: u8 marks (1 tombstone, 2 reason, 4 imputed); varint cell increment
 * (from 0 for the first, then >= 1); varint revision; [u8 reason, not 0];
 * unless a tombstone the state: mask of M bits, LSB first, then per set bit
 * varint n and zigzag LEB128 sum (model_figure writes and reads these bytes;
 * here only their extent is known).
 *
 * Resync (flag 2): the batch states all that the child has between its first
 * and last record, with flag 4 all from its first record to the end; what the
 * parent holds there and is not named, goes.  The next batch of the window
 * starts with the last cell of the one before.  A batch without records and
 * with both flags says: nothing is there.
 * Complete (flag 4 alone): the child's window is past its due time, and this
 * was the last that it had to say.
 *
 * Ack:
 *  |  0 | 1 | version 1                                                 |
 *  |  1 | 1 | status, see the enum                                      |
 *  |  2 | 8 | seq                                                       |
 *  | 10 | - | varint applied, skipped, refused in all                   |
 *  |  - | - | u16 count <= 256 of {varint index, u8 code}               |
 *  |  - | - | to the end: wanted {u8 length, pack, u64 shape}           |
 *
 * Signed (flag 8), Ed25519: over `dougong figures 1`, a zero byte, and the
 * whole message with zeros for its bytes 36..47 and without its last 72 (key
 * id, signature).  So whoever has the batch and the key needs nothing else.
 *
 * Errors   SYNTAX, SHORT, CORRUPT (a CRC), BIG (a limit), UNSUPPORTED (micro,
 *          zstd).  Memory: nothing is allocated; results point to the input. */
#ifndef WIRE_FIGURE_H
#define WIRE_FIGURE_H

#include "base/base_cur.h"
#include "base/base_out.h"

enum {
    WIRE_FIGURE_HEAD = 48,
    WIRE_FIGURE_BODY = 1 << 20,
    WIRE_FIGURE_RECORDS = 65536,
    WIRE_FIGURE_CELLS = 1 << 20,
    WIRE_FIGURE_SLOTS = 64, /* M at most */
    WIRE_FIGURE_SIGNATURE = 64,
    WIRE_FIGURE_TAIL = 8 + WIRE_FIGURE_SIGNATURE,
    WIRE_FIGURE_DOMAIN = 18, /* bytes before the message in what is signed */
    WIRE_FIGURE_ACK = 2048,
    WIRE_FIGURE_REFUSED = 256,
};

enum { /* flags of a batch */
       WIRE_FIGURE_ZSTD = 1,
       WIRE_FIGURE_RESYNC = 2,
       WIRE_FIGURE_COMPLETE = 4,
       WIRE_FIGURE_SIGNED = 8,
};

enum { /* marks of a record */
       WIRE_FIGURE_TOMBSTONE = 1,
       WIRE_FIGURE_REASON = 2,
       WIRE_FIGURE_IMPUTED = 4,
};

struct wire_figure_head {
    uint8_t flags;
    uint64_t shape8;
    uint32_t window, epoch;
    uint64_t seq;
    uint32_t records;
    struct bytes child;
    uint64_t key_id;        /* 0: not signed */
    struct bytes signature; /* 64 bytes, or empty */
};

struct wire_figure_record {
    uint8_t marks, reason;
    uint32_t cell;
    uint64_t revision;
    struct bytes state; /* empty in a tombstone */
};

/* begin (head: shape8, window, epoch, seq, child), add in rising order of
 * cells, end with the flags.  Errors stick in out. */
struct wire_figure_writer {
    struct base_out *out;
    size_t start;
    uint32_t records, cell;
};

void wire_figure_begin(struct wire_figure_writer *writer, struct base_out *out,
                       const struct wire_figure_head *head);
void wire_figure_add(struct wire_figure_writer *writer,
                     const struct wire_figure_record *record);
enum err wire_figure_end(struct wire_figure_writer *writer, uint8_t flags);
/* After an end with SIGNED: what is to be signed, then what came of it. */
void wire_figure_text(struct bytes message, struct base_out *text);
void wire_figure_sign(struct wire_figure_writer *writer, uint64_t key_id,
                      const uint8_t signature[WIRE_FIGURE_SIGNATURE]);

/* The head alone says which pack it is, and so M; then the records. */
struct wire_figure_reader {
    struct base_cur cur;
    uint32_t left, cell;
    unsigned slots;
    bool first;
};

enum err wire_figure_read(struct bytes message,
                          struct wire_figure_head *ret_head,
                          struct wire_figure_reader *ret_reader);
/* slots: M, before the first record. OK, ABSENT at the right end, or why the
 * whole batch is refused. */
enum err wire_figure_next(struct wire_figure_reader *reader, unsigned slots,
                          struct wire_figure_record *ret_record);

/* Numbers are never used again. */
enum wire_figure_status {
    WIRE_FIGURE_OK = 0,
    WIRE_FIGURE_MISMATCH = 1, /* another shape is wanted */
    WIRE_FIGURE_FOREIGN = 2,  /* of a prefix that is not the sender's */
    WIRE_FIGURE_OLD = 3,      /* of a lower epoch */
    WIRE_FIGURE_BAD = 4,      /* not in the form above, or not supported */
    WIRE_FIGURE_UNSIGNED = 5, /* not signed with the sender's key */
};

enum wire_figure_code {
    WIRE_FIGURE_CONFLICT = 1, /* this revision was different */
    WIRE_FIGURE_RANGE = 2,    /* |sum| > n * (2^43 - 1), or too many units */
    WIRE_FIGURE_CELL = 3,     /* no such cell in the pack */
    WIRE_FIGURE_GONE = 4,     /* the window is no longer kept */
};

struct wire_figure_ack {
    uint8_t status;
    uint64_t seq, applied, skipped, refused;
    uint32_t code_count; /* the first of the refused */
    struct wire_figure_refusal {
        uint32_t index;
        uint8_t code;
    } codes[WIRE_FIGURE_REFUSED];
    struct bytes wanted; /* as it stands, for wire_figure_wanted */
};

/* wanted: written with wire_figure_want into a buffer of its own before. */
void wire_figure_ack_write(struct base_out *out,
                           const struct wire_figure_ack *ack);
enum err wire_figure_ack_read(struct bytes body,
                              struct wire_figure_ack *ret_ack);
void wire_figure_want(struct base_out *out, struct bytes pack, uint64_t shape8);
/* The shape wanted for this pack; ABSENT. */
enum err wire_figure_wanted(const struct wire_figure_ack *ack,
                            struct bytes pack, uint64_t *ret_shape8);

#endif
