/* crypt_inner.h -- what crypt_cert.c and crypt_issue.c share; nobody else's. */
#ifndef CRYPT_INNER_H
#define CRYPT_INNER_H

#include <openssl/x509v3.h>

#include "crypt/crypt_cert.h"

#define CRYPT_INNER_URN "urn:dougong:"

/* Clears OpenSSL's queue, whose errors would be blamed on the next TLS call;
 * returns err. */
enum err crypt_inner_fail(enum err err);
/* Add an i2d_ result and free it; IO if size < 0. */
enum err crypt_inner_add(struct base_out *out, uint8_t *der, int size);
/* Printable ASCII without spaces, 1 .. CRYPT_CERT_NAME - 1 bytes? */
bool crypt_inner_prefix_fit(struct bytes prefix);
/* Exactly one name, a URI urn:dougong:PREFIX? */
bool crypt_inner_names_prefix(const GENERAL_NAMES *names, char *ret_prefix);

#endif
