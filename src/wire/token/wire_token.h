/* wire_token.h -- the join token: a parent's word to one child, on paper.
 *
 * Text     "dgj1-" and base64url, without padding, of
 *
 *     off      size  field
 *     0        1     version, 1
 *     1        1     flags: 1 a key hash follows; others must be 0
 *     2        32    SHA-256 of the parent's CA certificate (DER)
 *     34       16    secret
 *     50       1     prefix length n, 1 .. 255
 *     51       n     prefix: printable ASCII without spaces
 *     51+n     32    flag 1: SHA-256 of the applicant's SubjectPublicKeyInfo
 *     end-4    4     CRC-32C of all before it, little-endian
 *
 * Memory   nothing allocated; the struct is a value, <= WIRE_TOKEN_TEXT chars.
 * Errors   NAME no "dgj1-"; SYNTAX not base64url, or a prefix that is none;
 *          SHORT, BIG cut or with something added; CORRUPT the checksum is
 *          wrong; VERSION; UNSUPPORTED an unknown flag.  ret_ is left alone.
 * Secret   wipe it when done: who holds the text may join.
 * Source   spec tier 2. */
#ifndef WIRE_TOKEN_H
#define WIRE_TOKEN_H

#include "base/base_out.h"

enum { WIRE_TOKEN_PREFIX = 255, WIRE_TOKEN_TEXT = 461 };

struct wire_token {
    uint8_t ca_hash[32];
    uint8_t secret[16];
    char prefix[WIRE_TOKEN_PREFIX + 1];
    bool has_key_hash;
    uint8_t key_hash[32];
};

/* SYNTAX for an unfit prefix, or as out fails. */
enum err wire_token_write(const struct wire_token *token, struct base_out *out);
enum err wire_token_read(struct bytes text, struct wire_token *ret_token,
                         struct base_note *note);

#endif
