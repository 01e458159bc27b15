/* crypt_cert.c -- what certificates say: reading, facts, judging, PKCS#7.
 * Making them is crypt_issue.c's. */
#include "crypt/crypt_cert.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "crypt/crypt_hash.h"
#include "crypt/crypt_inner.h"

enum { CERT_MAX = 64 * 1024, CERT_PKCS7_MAX = 256 * 1024 };

struct crypt_cert {
    X509 *inner;
};

struct crypt_cert *
crypt_cert_wrap(X509 *take)
{
    struct crypt_cert *cert = base_mem_zero(sizeof *cert);
    cert->inner = take;
    return cert;
}

struct x509_st *
crypt_cert_inner(const struct crypt_cert *cert)
{
    return cert->inner;
}

void
crypt_cert_free(struct crypt_cert *cert)
{
    if (!cert)
        return;
    X509_free(cert->inner);
    base_mem_free(cert);
}

static int
cert_no_password(char *to, int size, int writing, void *self)
{
    (void)to, (void)size, (void)writing, (void)self;
    return -1;
}

static X509 *
cert_read_pem(struct bytes pem)
{
    BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.size);
    if (!bio)
        return NULL;
    X509 *inner = PEM_read_bio_X509(bio, NULL, cert_no_password, NULL);
    BIO_free(bio);
    return inner;
}

enum err
crypt_cert_read(struct bytes pem_or_der, struct crypt_cert **ret_cert)
{
    if (pem_or_der.size == 0 || pem_or_der.size > CERT_MAX)
        return ERR_SYNTAX;
    X509 *inner = NULL;
    const uint8_t *at = pem_or_der.at, *end = at + pem_or_der.size;
    if (*at != 0x30) {
        inner = cert_read_pem(pem_or_der);
        at = end;
    } else {
        inner = d2i_X509(NULL, &at, (long)pem_or_der.size);
    }
    if (!inner || at != end) {
        X509_free(inner);
        return crypt_inner_fail(ERR_SYNTAX);
    }
    *ret_cert = crypt_cert_wrap(inner);
    return ERR_OK;
}

enum err
crypt_cert_pem(const struct crypt_cert *cert, struct base_out *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *at = NULL;
    if (!bio || PEM_write_bio_X509(bio, cert->inner) != 1) {
        BIO_free(bio);
        return crypt_inner_fail(ERR_IO);
    }
    long size = BIO_get_mem_data(bio, &at);
    base_out_bytes_add(out, base_bytes(at, (size_t)size));
    BIO_free(bio);
    return out->failed;
}

enum err
crypt_cert_der(const struct crypt_cert *cert, struct base_out *out)
{
    uint8_t *der = NULL;
    int size = i2d_X509(cert->inner, &der);
    return crypt_inner_add(out, der, size);
}

/* -- facts -- */

/* A date that cannot be read is in the far past: expired. */
static struct wall
cert_time(const ASN1_TIME *time)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(time, &tm) != 1)
        return (struct wall){INT64_MIN};
    int64_t days = base_time_days(tm.tm_year + 1900, (unsigned)tm.tm_mon + 1,
                                  (unsigned)tm.tm_mday);
    int64_t second = tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec;
    return (struct wall){(days * 86400 + second) * 1000};
}

static void
cert_facts_hashes(X509 *inner, struct crypt_cert_facts *facts)
{
    uint8_t *der = NULL;
    int size = i2d_X509(inner, &der);
    must(size > 0);
    crypt_hash_sha256(base_bytes(der, (size_t)size), facts->hash);
    OPENSSL_free(der);
    der = NULL;
    size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(inner), &der);
    must(size > 0);
    crypt_hash_sha256(base_bytes(der, (size_t)size), facts->pin);
    OPENSSL_free(der);
}

void
crypt_cert_facts_of(struct x509_st *inner, struct crypt_cert_facts *ret_facts)
{
    struct crypt_cert_facts facts = {0};
    GENERAL_NAMES *names =
        X509_get_ext_d2i(inner, NID_subject_alt_name, NULL, NULL);
    if (names)
        crypt_inner_names_prefix(names, facts.prefix);
    GENERAL_NAMES_free(names);
    cert_facts_hashes(inner, &facts);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(inner);
    int size = ASN1_STRING_length(serial);
    if (size > 0 && size <= (int)sizeof facts.serial) {
        facts.serial_size = (unsigned)size;
        memcpy(facts.serial, ASN1_STRING_get0_data(serial), (size_t)size);
    }
    facts.not_before = cert_time(X509_get0_notBefore(inner));
    facts.not_after = cert_time(X509_get0_notAfter(inner));
    uint32_t flags = X509_get_extension_flags(inner);
    uint32_t use =
        flags & EXFLAG_XKUSAGE ? X509_get_extended_key_usage(inner) : 0;
    facts.for_client = (use & XKU_SSL_CLIENT) != 0;
    facts.for_server = (use & XKU_SSL_SERVER) != 0;
    facts.is_ca = (flags & EXFLAG_CA) != 0;
    *ret_facts = facts;
    ERR_clear_error();
}

void
crypt_cert_facts(const struct crypt_cert *cert,
                 struct crypt_cert_facts *ret_facts)
{
    crypt_cert_facts_of(cert->inner, ret_facts);
}

/* -- judging -- */

enum err
crypt_cert_when(const struct crypt_cert_facts *facts, struct wall now)
{
    if (now.ms < facts->not_before.ms)
        return ERR_TIME;
    return now.ms > facts->not_after.ms ? ERR_EXPIRED : ERR_OK;
}

/* One certificate under exactly this CA, whatever the date. */
static enum err
cert_from(X509 *inner, X509 *ca)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    enum err err = ERR_IO;
    if (store && context && X509_STORE_add_cert(store, ca) == 1 &&
        X509_STORE_CTX_init(context, store, inner, NULL) == 1) {
        X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME |
                                               X509_V_FLAG_X509_STRICT);
        X509_VERIFY_PARAM_set_depth(param, 0);
        err = X509_verify_cert(context) == 1 ? ERR_OK : ERR_DENIED;
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return crypt_inner_fail(err);
}

enum err
crypt_cert_check(const struct crypt_cert *cert, const struct crypt_cert *ca,
                 enum crypt_cert_use use, const char *prefix, struct wall now)
{
    struct crypt_cert_facts facts;
    enum err err = cert_from(cert->inner, ca->inner);
    if (err != ERR_OK)
        return err;
    crypt_cert_facts(cert, &facts);
    if (facts.is_ca ||
        !(use == CRYPT_CERT_CHILD ? facts.for_client : facts.for_server))
        return ERR_TYPE;
    if (use != CRYPT_CERT_DOOR &&
        (!*facts.prefix || (prefix && strcmp(prefix, facts.prefix) != 0)))
        return ERR_NAME;
    return crypt_cert_when(&facts, now);
}

/* -- PKCS#7, certificates only (RFC 5652 calls it degenerate) -- */

static bool
cert_pkcs7_fill(PKCS7 *pkcs7, const struct crypt_cert *const *certs,
                unsigned count)
{
    if (PKCS7_set_type(pkcs7, NID_pkcs7_signed) != 1)
        return false;
    pkcs7->d.sign->contents->type = OBJ_nid2obj(NID_pkcs7_data);
    for (unsigned i = 0; i < count; i++)
        if (PKCS7_add_certificate(pkcs7, certs[i]->inner) != 1)
            return false;
    return true;
}

enum err
crypt_cert_pkcs7(const struct crypt_cert *const *certs, unsigned count,
                 struct base_out *ret_der)
{
    PKCS7 *pkcs7 = PKCS7_new();
    uint8_t *der = NULL;
    int size = -1;
    if (pkcs7 && cert_pkcs7_fill(pkcs7, certs, count))
        size = i2d_PKCS7(pkcs7, &der);
    PKCS7_free(pkcs7);
    return crypt_inner_add(ret_der, der, size);
}

enum err
crypt_cert_pkcs7_read(struct bytes der, struct crypt_cert **ret_certs,
                      unsigned room, unsigned *ret_count)
{
    if (der.size == 0 || der.size > CERT_PKCS7_MAX)
        return ERR_SYNTAX;
    const uint8_t *at = der.at;
    PKCS7 *pkcs7 = d2i_PKCS7(NULL, &at, (long)der.size);
    enum err err = ERR_SYNTAX;
    if (pkcs7 && at == der.at + der.size && PKCS7_type_is_signed(pkcs7) &&
        pkcs7->d.sign) {
        int count = sk_X509_num(pkcs7->d.sign->cert);
        err = count > (int)room ? ERR_LIMIT : ERR_OK;
        for (int i = 0; err == ERR_OK && i < count; i++) {
            X509 *inner = sk_X509_value(pkcs7->d.sign->cert, i);
            must(X509_up_ref(inner) == 1);
            ret_certs[i] = crypt_cert_wrap(inner);
        }
        if (err == ERR_OK)
            *ret_count = count > 0 ? (unsigned)count : 0;
    }
    PKCS7_free(pkcs7);
    return crypt_inner_fail(err);
}
