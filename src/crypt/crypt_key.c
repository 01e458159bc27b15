/* crypt_key.c -- keys by OpenSSL's EVP. */
#include "crypt/crypt_key.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "crypt/crypt_hash.h"

enum { KEY_RSA_BITS = 2048, KEY_PEM_MAX = 16384, KEY_SIGNATURE_MAX = 512 };

struct crypt_key {
    EVP_PKEY *inner;
    uint8_t pin[32];
};

/* Errors left in OpenSSL's queue would be blamed on the next TLS call. */
static enum err
key_fail(enum err err)
{
    ERR_clear_error();
    return err;
}

static bool
key_is(const EVP_PKEY *inner, enum crypt_key_kind kind)
{
    char group[32] = "";
    switch (kind) {
    case CRYPT_KEY_RSA:
        return EVP_PKEY_is_a(inner, "RSA") &&
               EVP_PKEY_get_bits(inner) == KEY_RSA_BITS;
    case CRYPT_KEY_P256:
        return EVP_PKEY_is_a(inner, "EC") &&
               EVP_PKEY_get_group_name(inner, group, sizeof group, NULL) == 1 &&
               strcmp(group, "prime256v1") == 0;
    case CRYPT_KEY_ED25519:
        return EVP_PKEY_is_a(inner, "ED25519");
    }
    return false;
}

static enum err
key_der(const EVP_PKEY *inner, struct base_out *out)
{
    uint8_t *der = NULL;
    int size = i2d_PUBKEY(inner, &der);
    if (size < 0)
        return key_fail(ERR_IO);
    base_out_bytes_add(out, base_bytes(der, (size_t)size));
    OPENSSL_free(der);
    return out->failed;
}

/* Takes inner. */
static enum err
key_wrap(EVP_PKEY *inner, struct crypt_key **ret_key)
{
    uint8_t room[1024];
    struct base_out der;
    base_out_fixed(&der, room, sizeof room);
    enum err err = key_der(inner, &der);
    if (err != ERR_OK) {
        EVP_PKEY_free(inner);
        return err;
    }
    struct crypt_key *key = base_mem_zero(sizeof *key);
    key->inner = inner;
    crypt_hash_sha256(base_out_bytes(&der), key->pin);
    *ret_key = key;
    return ERR_OK;
}

enum err
crypt_key_make(enum crypt_key_kind kind, struct crypt_key **ret_key)
{
    EVP_PKEY *inner = NULL;
    switch (kind) {
    case CRYPT_KEY_RSA:
        inner = EVP_RSA_gen(KEY_RSA_BITS);
        break;
    case CRYPT_KEY_P256:
        inner = EVP_EC_gen("P-256");
        break;
    case CRYPT_KEY_ED25519:
        inner = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        break;
    }
    return inner ? key_wrap(inner, ret_key) : key_fail(ERR_IO);
}

/* An encrypted key is not asked for on the terminal. */
static int
key_no_password(char *to, int size, int writing, void *self)
{
    (void)to, (void)size, (void)writing, (void)self;
    return -1;
}

enum err
crypt_key_read(struct bytes pem, enum crypt_key_kind kind,
               struct crypt_key **ret_key)
{
    if (pem.size == 0 || pem.size > KEY_PEM_MAX)
        return ERR_SYNTAX;
    BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.size);
    if (!bio)
        return key_fail(ERR_IO);
    EVP_PKEY *inner = PEM_read_bio_PrivateKey(bio, NULL, key_no_password, NULL);
    BIO_free(bio);
    if (!inner)
        return key_fail(ERR_SYNTAX);
    if (!key_is(inner, kind)) {
        EVP_PKEY_free(inner);
        return key_fail(ERR_TYPE);
    }
    return key_wrap(inner, ret_key);
}

enum err
crypt_key_write(const struct crypt_key *key, struct base_out *out)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *at = NULL;
    if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key->inner, NULL, NULL, 0,
                                              NULL, NULL) != 1) {
        BIO_free(bio);
        return key_fail(ERR_IO);
    }
    long size = BIO_get_mem_data(bio, &at);
    base_out_bytes_add(out, base_bytes(at, (size_t)size));
    BIO_free(bio);
    return out->failed;
}

void
crypt_key_free(struct crypt_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->inner);
    base_mem_free(key);
}

enum err
crypt_key_public(const struct crypt_key *key, struct base_out *out)
{
    return key_der(key->inner, out);
}

enum err
crypt_key_public_pem(const struct crypt_key *key, struct base_out *out)
{
    char *text = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || PEM_write_bio_PUBKEY(bio, key->inner) != 1) {
        BIO_free(bio);
        return key_fail(ERR_IO);
    }
    long size = BIO_get_mem_data(bio, &text);
    base_out_bytes_add(out, base_bytes(text, (size_t)size));
    BIO_free(bio);
    return out->failed;
}

static enum err
key_number(const EVP_PKEY *inner, const char *name, struct base_out *out)
{
    BIGNUM *number = NULL;
    if (EVP_PKEY_get_bn_param(inner, name, &number) != 1)
        return key_fail(ERR_IO);
    /* One byte more than it needs, when its top bit would be set. */
    int size = BN_num_bits(number) / 8 + 1;
    uint8_t *at = base_out_space(out, (size_t)size);
    bool done = at && BN_bn2binpad(number, at, size) == size;
    BN_free(number);
    return done ? ERR_OK : key_fail(at ? ERR_IO : out->failed);
}

enum err
crypt_key_rsa(const struct crypt_key *key, struct base_out *exponent,
              struct base_out *modulus)
{
    if (!EVP_PKEY_is_a(key->inner, "RSA"))
        return ERR_TYPE;
    enum err err = key_number(key->inner, OSSL_PKEY_PARAM_RSA_E, exponent);
    return err == ERR_OK
               ? key_number(key->inner, OSSL_PKEY_PARAM_RSA_N, modulus)
               : err;
}

void
crypt_key_pin(const struct crypt_key *key, uint8_t to[32])
{
    memcpy(to, key->pin, sizeof key->pin);
}

uint64_t
crypt_key_id(const struct crypt_key *key)
{
    uint64_t id = 0;
    for (unsigned i = 0; i < 8; i++)
        id = id << 8 | key->pin[i];
    return id;
}

static const EVP_MD *
key_digest(const EVP_PKEY *inner)
{
    return EVP_PKEY_is_a(inner, "ED25519") ? NULL : EVP_sha256();
}

static const uint8_t *
key_at(struct bytes data)
{
    return data.at ? data.at : (const uint8_t *)"";
}

enum err
crypt_key_sign(const struct crypt_key *key, struct bytes data,
               struct base_out *out)
{
    uint8_t signature[KEY_SIGNATURE_MAX];
    size_t size = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done =
        context &&
        EVP_DigestSignInit(context, NULL, key_digest(key->inner), NULL,
                           key->inner) == 1 &&
        EVP_DigestSign(context, signature, &size, key_at(data), data.size) == 1;
    EVP_MD_CTX_free(context);
    if (!done)
        return key_fail(ERR_IO);
    base_out_bytes_add(out, base_bytes(signature, size));
    return out->failed;
}

/* Any of the three kinds, or SYNTAX, TYPE. */
static enum err
key_public_any(struct bytes der, EVP_PKEY **ret_inner)
{
    if (der.size == 0 || der.size > KEY_PEM_MAX)
        return ERR_SYNTAX;
    const uint8_t *at = der.at;
    EVP_PKEY *inner = d2i_PUBKEY(NULL, &at, (long)der.size);
    if (!inner || at != der.at + der.size) {
        EVP_PKEY_free(inner);
        return key_fail(ERR_SYNTAX);
    }
    if (!key_is(inner, CRYPT_KEY_RSA) && !key_is(inner, CRYPT_KEY_P256) &&
        !key_is(inner, CRYPT_KEY_ED25519)) {
        EVP_PKEY_free(inner);
        return key_fail(ERR_TYPE);
    }
    *ret_inner = inner;
    return ERR_OK;
}

enum err
crypt_key_public_read(struct bytes der, enum crypt_key_kind kind,
                      struct evp_pkey_st **ret_inner)
{
    EVP_PKEY *inner = NULL;
    enum err err = key_public_any(der, &inner);
    if (err != ERR_OK)
        return err;
    if (!key_is(inner, kind)) {
        EVP_PKEY_free(inner);
        return ERR_TYPE;
    }
    *ret_inner = inner;
    return ERR_OK;
}

enum err
crypt_key_verify(struct bytes public_der, struct bytes data,
                 struct bytes signature)
{
    EVP_PKEY *inner = NULL;
    enum err err = key_public_any(public_der, &inner);
    if (err != ERR_OK)
        return err;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context || EVP_DigestVerifyInit(context, NULL, key_digest(inner), NULL,
                                         inner) != 1)
        err = ERR_IO;
    else if (EVP_DigestVerify(context, key_at(signature), signature.size,
                              key_at(data), data.size) != 1)
        err = ERR_DENIED;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(inner);
    return key_fail(err);
}

struct evp_pkey_st *
crypt_key_inner(const struct crypt_key *key)
{
    return key->inner;
}
