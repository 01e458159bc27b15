/* crypt_hash.c -- hashes by OpenSSL. */
#include "crypt/crypt_hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/base_must.h"

/* OpenSSL takes NULL for "no key given" or "keep the last". */
static const void *
hash_at(struct bytes data)
{
    return data.at ? (const void *)data.at : "";
}

void
crypt_hash_sha256(struct bytes data, uint8_t to[32])
{
    must(EVP_Digest(hash_at(data), data.size, to, NULL, EVP_sha256(), NULL) ==
         1);
}

void
crypt_hash_hmac256(struct bytes key, struct bytes data, uint8_t to[32])
{
    size_t size = 0;
    must(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, hash_at(key), key.size,
                   hash_at(data), data.size, to, 32, &size) &&
         size == 32);
}

bool
crypt_hash_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
    return CRYPTO_memcmp(a, b, size) == 0;
}
