/* crypt_hash.h -- SHA-256, SHA-1, HMAC-SHA-256, constant-time compare, over
 * OpenSSL.
 *
 * Hashing cannot fail but for want of memory: that ends the process. */
#ifndef CRYPT_HASH_H
#define CRYPT_HASH_H

#include "base/base_bytes.h"

void crypt_hash_sha256(struct bytes data, uint8_t to[32]);
/* Over the parts, one behind the other. */
void crypt_hash_sha256_parts(const struct bytes *parts, unsigned count,
                             uint8_t to[32]);
/* For what old protocols call a digest; never for trust. */
void crypt_hash_sha1(struct bytes data, uint8_t to[20]);
void crypt_hash_hmac256(struct bytes key, struct bytes data, uint8_t to[32]);
bool crypt_hash_equal(const uint8_t *a, const uint8_t *b, size_t size);

#endif
