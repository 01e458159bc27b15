/* crypt_hash.h -- SHA-256, SHA-1, and a comparison in constant time.
 *
 * Why: one place that knows the library's way of hashing (OpenSSL's EVP).
 *
 * Shape    the whole input at once, or in parts; digests into the caller's
 *          bytes.
 * Errors   none: hashing fails only for want of memory, which ends the process.
 * Source   FIPS 180-4. */
#ifndef CRYPT_HASH_H
#define CRYPT_HASH_H

#include "base/base_bytes.h"

void crypt_hash_sha256(struct bytes data, uint8_t to[32]);
/* Over the parts, one behind the other. */
void crypt_hash_sha256_parts(const struct bytes *parts, unsigned count,
                             uint8_t to[32]);
/* For what old protocols call a digest; never for trust. */
void crypt_hash_sha1(struct bytes data, uint8_t to[20]);
bool crypt_hash_equal(const uint8_t *a, const uint8_t *b, size_t size);

#endif
