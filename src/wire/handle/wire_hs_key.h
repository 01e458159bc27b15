/* wire_hs_key.h -- a public key as a value: HS_PUBKEY.
 *
 *   kind str, u16 0, then by kind
 *     RSA_PUB_KEY   e str, n str, u32 0
 *     DSA_PUB_KEY   q str, p str, g str, y str
 *     DH_PUB_KEY    y str, p str, g str
 *     SM2_PUB_KEY   text or DER of a SubjectPublicKeyInfo, or 65 raw bytes, to
 *                   the end
 *   or bare text beginning with "-----BEGIN".
 *
 * Numbers are signed and big-endian: a leading 00 if the top bit is set.  The
 * four bytes behind RSA's n are stray; they are written and need not be there.
 *
 * Errors   SHORT; SYNTAX no known kind, or bytes left over.
 * Memory   nothing kept; results point into what was read.
 * Source   what deployed servers write; spec identify 2, 5, 18. */
#ifndef WIRE_HS_KEY_H
#define WIRE_HS_KEY_H

#include "wire/handle/wire_hs.h"

enum wire_hs_key_kind {
    WIRE_HS_KEY_RSA,
    WIRE_HS_KEY_DSA,
    WIRE_HS_KEY_DH,
    WIRE_HS_KEY_SM2,
    WIRE_HS_KEY_PEM,
    WIRE_HS_KEY_KINDS
};

enum { WIRE_HS_KEY_PARTS = 4 };

struct wire_hs_key {
    enum wire_hs_key_kind kind;
    uint16_t flags;                       /* the u16: 0 */
    struct bytes part[WIRE_HS_KEY_PARTS]; /* in the order above */
    struct bytes rest;                    /* RSA: the stray bytes */
};

enum err wire_hs_key_read(struct bytes data, struct wire_hs_key *ret_key);
void wire_hs_key_write(struct base_out *out, const struct wire_hs_key *key);

#endif
