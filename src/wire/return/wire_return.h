/* wire_return.h -- a filed return as it is signed, and the receipt for it.
 *
 * Why: whoever holds these bytes can show, without asking anybody, what an
 * enterprise stated, when, and what became of it.  Both are signed as they
 * stand; JSON is only a view of them.
 *
 * All numbers are little-endian; text is UTF-8.
 *
 *   return                                    receipt
 *   at    size  field                         at    size  field
 *   0     4     "DGR1"                        0     4     "DGV1"
 *   4     1     version 1                     4     1     version 1
 *   5     1     signature: 1 Ed25519          5     1     verdict
 *   6     2     item count M, 1..64           6     2     results, 0..256
 *   8     8     shape of the pack             8     32    SHA-256 of the return
 *   16    4     window                        40    4     window
 *   20    4     epoch                         44    4     revision
 *   24    4     revision                      48    8     applied at, ms
 *   28    1     reason                        56    1+n   node
 *   29    1     bytes of the unit             -     1+n   unit
 *   30    2     bytes of the texts            -     1+n   pack
 *   32    8     filed at, ms                  -     6 x   results: check u16
 *   40    n     unit                                      (FFFF: an item),
 *   -     M/8   mask, rounded up, LSB first               item u16, level u8,
 *   -     -     zigzag varint per bit, rising             explained u8
 *   -     -     texts: varint check,          -     8     key id
 *               u16 length, text              -     64    signature
 *   -     8     key id
 *   -     64    signature
 *
 * Signed   "dougong return 1\0", "dougong receipt 1\0", then all before the
 *          signature.  The key id is crypt_key.h's.
 * Limits   unit 255 B, 16 texts of 1,024 B, rising checks; a return 20 KiB.
 * Errors   SHORT SYNTAX (bits past M, other order, bytes left over) VERSION
 *          RANGE BIG.  Memory: results point into the input.
 * Source   spec rollup 5; RULINGS 13. */
#ifndef WIRE_RETURN_H
#define WIRE_RETURN_H

#include "base/base_cur.h"
#include "base/base_out.h"

enum {
    WIRE_RETURN_ITEMS = 64,
    WIRE_RETURN_TEXTS = 16,
    WIRE_RETURN_TEXT_MAX = 1024,
    WIRE_RETURN_RESULTS = 256,
    WIRE_RETURN_SIGNATURE = 64,
    WIRE_RETURN_MAX = 20 << 10,
    WIRE_RETURN_RECEIPT_MAX = 4 << 10,
    WIRE_RETURN_NO_CHECK = 0xFFFF,
};

enum wire_return_reason {
    WIRE_RETURN_FIRST, /* not a correction */
    WIRE_RETURN_ERROR,
    WIRE_RETURN_AUDIT,
    WIRE_RETURN_RECLASSIFIED,
    WIRE_RETURN_LATE,
    WIRE_RETURN_MOVED,
    WIRE_RETURN_RESTATED,
    WIRE_RETURN_VOID,
    WIRE_RETURN_REASONS
};

enum wire_return_verdict {
    WIRE_RETURN_ACCEPTED = 1,
    WIRE_RETURN_QUERIED, /* not counted until its questions are answered */
};

struct wire_return_text { /* why a soft check fails rightly */
    uint32_t check;
    struct bytes text;
};

struct wire_return {
    uint64_t shape;
    uint32_t window, epoch, revision;
    uint8_t reason;
    int64_t filed_ms;
    struct bytes unit;
    unsigned item_count;
    uint64_t mask;
    int64_t values[WIRE_RETURN_ITEMS]; /* by item; 0 where the mask is */
    unsigned text_count;
    struct wire_return_text texts[WIRE_RETURN_TEXTS];
    uint64_t key_id;
    struct bytes signature;
};

struct wire_return_result {
    uint16_t check, item;
    uint8_t level, explained;
};

struct wire_return_receipt {
    uint8_t verdict;
    uint8_t sha256[32];
    uint32_t window, revision;
    int64_t applied_ms;
    struct bytes node, unit, pack;
    unsigned result_count;
    struct wire_return_result results[WIRE_RETURN_RESULTS];
    uint64_t key_id;
    struct bytes signature;
};

/* All before the signature; the writer appends 64 bytes of it. */
void wire_return_write(struct base_out *out, const struct wire_return *ret);
enum err wire_return_read(struct bytes from, struct wire_return *ret_return);
void wire_return_receipt_write(struct base_out *out,
                               const struct wire_return_receipt *receipt);
enum err wire_return_receipt_read(struct bytes from,
                                  struct wire_return_receipt *ret_receipt);
/* What is signed: the sentence and all of `unsigned_part`. */
void wire_return_signed(struct base_out *out, bool receipt,
                        struct bytes unsigned_part);

const char *wire_return_reason_name(uint8_t reason);
const char *wire_return_verdict_name(uint8_t verdict);

#endif
