/* wire_move.h -- a hosted prefix on its way to its own node: one signed bundle.
 *
 * Why: an enterprise that outgrows its host takes its names along without one
 * of them changing; what it takes is one file, and says who gave it.
 *
 *  0  4  "DGM2"
 *     -  prefix, from (the host): u8, bytes each
 *     -  codes: u16, bytes, a line of model_attr
 *     8  made ms
 *     -  key: u16, bytes: the prefix's private key, PEM
 *     4  count of rows, each: u32, bytes: a record as ident keeps it
 *     -  figures: u32, bytes: rollup's part, empty without one
 *     -  samples: u32, bytes: stream's part, empty without one
 *     -  signer: u16, bytes: the host's Ed25519 key, SubjectPublicKeyInfo DER
 *     -  signature: u16, bytes, over all before its length
 *
 * Little-endian; nothing may follow.
 *
 * Limits   64 MiB.  Errors: SHORT, SYNTAX.  Memory: results point into what was
 * read. */
#ifndef WIRE_MOVE_H
#define WIRE_MOVE_H

#include "base/base_cur.h"
#include "base/base_out.h"

enum { WIRE_MOVE_MAX = 64 << 20 };

struct wire_move {
    struct bytes prefix, from, codes, key, figures, samples, signer;
    int64_t made_ms;
    uint32_t row_count;
    struct bytes rows;               /* read: walked by wire_move_next */
    struct bytes covered, signature; /* read */
};

/* Head; then row_count rows; then tail; then the signature over all that. */
void wire_move_write_head(struct base_out *out, const struct wire_move *move);
void wire_move_write_row(struct base_out *out, struct bytes row);
void wire_move_write_tail(struct base_out *out, const struct wire_move *move);
void wire_move_write_signature(struct base_out *out, struct bytes signature);

enum err wire_move_read(struct bytes bundle, struct wire_move *ret_move);
/* Take the first row off; false: none left. */
bool wire_move_next(struct wire_move *move, struct bytes *ret_row);

#endif
