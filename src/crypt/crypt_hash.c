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
crypt_hash_sha256_parts(const struct bytes *parts, unsigned count,
                        uint8_t to[32])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    must(context != NULL);
    must(EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1);
    for (unsigned i = 0; i < count; i++)
        must(EVP_DigestUpdate(context, hash_at(parts[i]), parts[i].size) == 1);
    must(EVP_DigestFinal_ex(context, to, NULL) == 1);
    EVP_MD_CTX_free(context);
}

void
crypt_hash_sha1(struct bytes data, uint8_t to[20])
{
    must(EVP_Digest(hash_at(data), data.size, to, NULL, EVP_sha1(), NULL) == 1);
}

bool
crypt_hash_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
    return CRYPTO_memcmp(a, b, size) == 0;
}
