/* handle_site.h -- this node's HS_SITE and HS_PUBKEY.
 *
 * Why: whoever wants to ask or to change what we hold learns from it where we
 * are and whose signature to believe.  It is what GET_SITEINFO gives and what
 * the record of our prefix holds.
 *
 * Shape    one server, id 1, one port: queries over UDP, queries and
 *          administration over TCP.  A change of address, port or key needs a
 *          new serial.
 * Errors   NAME not a numeric address; TYPE the key is not RSA; BIG.
 * Source   spec identify 2, 8. */
#ifndef HANDLE_SITE_H
#define HANDLE_SITE_H

#include "crypt/crypt_key.h"
#include "wire/handle/wire_hs.h"

struct handle_site {
    const char *address; /* numeric, as others reach us */
    uint16_t port, serial;
    bool primary;
    const char *description; /* "": none */
    const struct crypt_key *key;
};

/* The data of an HS_SITE; of an HS_PUBKEY. */
enum err handle_site_write(const struct handle_site *site,
                           struct base_out *out);
enum err handle_site_key(const struct crypt_key *key, struct base_out *out);

#endif
