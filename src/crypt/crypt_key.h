/* crypt_key.h -- a node's keys: make, keep, sign, verify.
 *
 * Three kinds (RULINGS 13): RSA-2048 (Handle, index 300), P-256 (TLS, 301),
 * Ed25519 (returns, batches, packs, audit heads, 302).
 * Key id: the first 8 bytes of SHA-256 over the SubjectPublicKeyInfo (DER), as
 * a big-endian number, so that "%016" PRIx64 shows the hash's first digits and
 * base_out_u64be writes its first bytes.
 * Signing  Ed25519 over the data (64 bytes); P-256 and RSA (PKCS#1 v1.5) over
 *          its SHA-256, P-256's as DER.
 * Memory   opaque, freed by crypt_key_free.  PEM (PKCS#8) in and out.
 * Errors   SYNTAX not a key, TYPE another kind, DENIED signature is wrong, IO
 *          OpenSSL failed. */
#ifndef CRYPT_KEY_H
#define CRYPT_KEY_H

#include "base/base_out.h"

enum crypt_key_kind {
    CRYPT_KEY_RSA = 300,
    CRYPT_KEY_P256 = 301,
    CRYPT_KEY_ED25519 = 302
};

struct crypt_key;

enum err crypt_key_make(enum crypt_key_kind kind, struct crypt_key **ret_key);
enum err crypt_key_read(struct bytes pem, enum crypt_key_kind kind,
                        struct crypt_key **ret_key);
enum err crypt_key_write(const struct crypt_key *key, struct base_out *out);
void crypt_key_free(struct crypt_key *key);
/* SubjectPublicKeyInfo, DER; its SHA-256; the 8-byte id. */
enum err crypt_key_public(const struct crypt_key *key, struct base_out *out);
/* An RSA key's two numbers, big-endian, a 00 before a set top bit; TYPE. */
enum err crypt_key_rsa(const struct crypt_key *key, struct base_out *exponent,
                       struct base_out *modulus);
/* The public key as PEM text. */
enum err crypt_key_public_pem(const struct crypt_key *key,
                              struct base_out *out);
void crypt_key_pin(const struct crypt_key *key, uint8_t to[32]);
uint64_t crypt_key_id(const struct crypt_key *key);
/* Ed25519: 64 bytes. */
enum err crypt_key_sign(const struct crypt_key *key, struct bytes data,
                        struct base_out *out);
enum err crypt_key_verify(struct bytes public_der, struct bytes data,
                          struct bytes signature);
/* The OpenSSL object, for crypt_cert and crypt_tls only. */
struct evp_pkey_st *crypt_key_inner(const struct crypt_key *key);
/* For them too: a public key of this kind out of its DER; TYPE if of another.
 * Free with EVP_PKEY_free. */
enum err crypt_key_public_read(struct bytes der, enum crypt_key_kind kind,
                               struct evp_pkey_st **ret_inner);

#endif
