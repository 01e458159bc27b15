/* crypt_cert.c -- certificates: reading, facts, judging; then making them.
 *
 * Extensions are built as structures, never from text: a name that held a
 * comma would become two. */
#include "crypt/crypt_cert.h"

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

enum {
    CERT_MAX = 64 * 1024,
    CERT_PKCS7_MAX = 256 * 1024,
    ISSUE_DNS_MAX = 253,
    ISSUE_REQUEST_MAX = 16 * 1024,
    ISSUE_CN = 64,
};

#define CERT_URN "urn:dougong:"

struct crypt_cert {
    X509 *inner;
};

/* Clears OpenSSL's queue, whose errors would be blamed on the next TLS call. */
static enum err
cert_fail(enum err err)
{
    ERR_clear_error();
    return err;
}

/* Adds an i2d_ result and frees it. */
static enum err
cert_add(struct base_out *out, uint8_t *der, int size)
{
    if (size < 0)
        return cert_fail(ERR_IO);
    base_out_bytes_add(out, base_bytes(der, (size_t)size));
    OPENSSL_free(der);
    return out->failed;
}

static struct crypt_cert *
cert_wrap(X509 *take)
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
        return cert_fail(ERR_SYNTAX);
    }
    *ret_cert = cert_wrap(inner);
    return ERR_OK;
}

enum err
crypt_cert_pem(const struct crypt_cert *cert, struct base_out *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *at = NULL;
    if (!bio || PEM_write_bio_X509(bio, cert->inner) != 1) {
        BIO_free(bio);
        return cert_fail(ERR_IO);
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
    return cert_add(out, der, size);
}

/* -- facts -- */

static bool
cert_prefix_fit(struct bytes prefix)
{
    if (prefix.size == 0 || prefix.size >= CRYPT_CERT_NAME)
        return false;
    for (size_t i = 0; i < prefix.size; i++)
        if (prefix.at[i] <= ' ' || prefix.at[i] > '~')
            return false;
    return true;
}

static bool
cert_names_prefix(const GENERAL_NAMES *names, char *ret_prefix)
{
    static const char urn[] = CERT_URN;
    if (sk_GENERAL_NAME_num(names) != 1)
        return false;
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, 0);
    if (name->type != GEN_URI)
        return false;
    const ASN1_STRING *uri = name->d.uniformResourceIdentifier;
    struct bytes text =
        base_bytes(ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri));
    size_t skip = sizeof urn - 1;
    if (!base_bytes_starts(text, base_bytes(urn, skip)))
        return false;
    struct bytes prefix = base_bytes(text.at + skip, text.size - skip);
    if (!cert_prefix_fit(prefix))
        return false;
    base_bytes_string(prefix, ret_prefix, CRYPT_CERT_NAME);
    return true;
}

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
        cert_names_prefix(names, facts.prefix);
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
    return cert_fail(err);
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
    return cert_add(ret_der, der, size);
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
            ret_certs[i] = cert_wrap(inner);
        }
        if (err == ERR_OK)
            *ret_count = count > 0 ? (unsigned)count : 0;
    }
    PKCS7_free(pkcs7);
    return cert_fail(err);
}

static const int64_t issue_hour_ms = INT64_C(3600000);
static const int64_t issue_day_ms = INT64_C(86400000);

/* -- making: names -- */

static bool
issue_add_string(GENERAL_NAMES *names, int type, const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *string = ASN1_IA5STRING_new();
    if (!name || !string || ASN1_STRING_set(string, text, -1) != 1 ||
        sk_GENERAL_NAME_push(names, name) <= 0) {
        GENERAL_NAME_free(name);
        ASN1_IA5STRING_free(string);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, string);
    return true;
}

static bool
issue_add_address(GENERAL_NAMES *names, ASN1_OCTET_STRING *take)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    if (!name || sk_GENERAL_NAME_push(names, name) <= 0) {
        GENERAL_NAME_free(name);
        ASN1_OCTET_STRING_free(take);
        return false;
    }
    GENERAL_NAME_set0_value(name, GEN_IPADD, take);
    return true;
}

static bool
issue_dns_fit(const char *name)
{
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.*_");
    return size > 0 && size <= ISSUE_DNS_MAX && name[size] == '\0';
}

static enum err
issue_door_name(GENERAL_NAMES *names, const char *name)
{
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(name);
    ERR_clear_error();
    if (address)
        return issue_add_address(names, address) ? ERR_OK : ERR_IO;
    if (!issue_dns_fit(name))
        return ERR_NAME;
    return issue_add_string(names, GEN_DNS, name) ? ERR_OK : ERR_IO;
}

static enum err
issue_prefix_name(GENERAL_NAMES *names, const char *prefix)
{
    char uri[sizeof CERT_URN + CRYPT_CERT_NAME] = CERT_URN;
    if (!prefix || !cert_prefix_fit(base_bytes_text(prefix)))
        return ERR_NAME;
    strcat(uri, prefix);
    return issue_add_string(names, GEN_URI, uri) ? ERR_OK : ERR_IO;
}

static enum err
issue_names(const struct crypt_cert_issue *issue, GENERAL_NAMES *names)
{
    static const char *const own[] = {"localhost", "127.0.0.1", "::1"};
    if (issue->use != CRYPT_CERT_DOOR)
        return issue_prefix_name(names, issue->prefix);
    enum err err = ERR_OK;
    for (unsigned i = 0; err == ERR_OK && i < BASE_COUNT(own); i++)
        err = issue_door_name(names, own[i]);
    for (unsigned i = 0; err == ERR_OK && i < issue->name_count; i++)
        err = issue_door_name(names, issue->names[i]);
    return err;
}

/* -- the parts of a certificate -- */

static bool
issue_times(X509 *inner, struct wall from, struct wall to)
{
    return ASN1_TIME_set(X509_getm_notBefore(inner), from.ms / 1000) &&
           ASN1_TIME_set(X509_getm_notAfter(inner), to.ms / 1000);
}

static bool
issue_serial(X509 *inner, struct base_random *random)
{
    uint8_t serial[16];
    random->fill(random, serial, sizeof serial);
    serial[0] &= 0x7f;
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    bool done =
        number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(inner));
    BN_free(number);
    return done;
}

struct issue_extension {
    int nid;
    const char *value; /* OpenSSL's x509v3_config(5); constants only */
};

static bool
issue_extensions(X509 *inner, X509 *issuer, const struct issue_extension *rows,
                 unsigned count)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, inner, NULL, NULL, 0);
    for (unsigned i = 0; i < count; i++) {
        X509_EXTENSION *extension =
            X509V3_EXT_conf_nid(NULL, &context, rows[i].nid, rows[i].value);
        bool added = extension && X509_add_ext(inner, extension, -1) == 1;
        X509_EXTENSION_free(extension);
        if (!added)
            return false;
    }
    return true;
}

static enum err
issue_done(X509 *inner, bool well, struct crypt_cert **ret_cert)
{
    if (!well) {
        X509_free(inner);
        return cert_fail(ERR_IO);
    }
    *ret_cert = cert_wrap(inner);
    return ERR_OK;
}

enum err
crypt_cert_ca(const struct crypt_key *key, const char *prefix, struct wall now,
              struct base_random *random, struct crypt_cert **ret_cert)
{
    static const struct issue_extension rows[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign,cRLSign"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
    };
    if (!cert_prefix_fit(base_bytes_text(prefix)))
        return ERR_NAME;
    char name[sizeof "dougong CA " + CRYPT_CERT_NAME] = "dougong CA ";
    strcat(name, prefix);
    name[ISSUE_CN] = '\0';
    struct wall from = {now.ms - issue_hour_ms};
    struct wall to = {now.ms + 3652 * issue_day_ms};
    EVP_PKEY *pair = crypt_key_inner(key);
    X509 *inner = X509_new();
    X509_NAME *subject = inner ? X509_get_subject_name(inner) : NULL;
    bool well =
        subject && X509_set_version(inner, X509_VERSION_3) == 1 &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                   (const uint8_t *)name, -1, -1, 0) == 1 &&
        X509_set_issuer_name(inner, subject) == 1 &&
        issue_serial(inner, random) && issue_times(inner, from, to) &&
        X509_set_pubkey(inner, pair) == 1 &&
        issue_extensions(inner, inner, rows, BASE_COUNT(rows)) &&
        X509_sign(inner, pair, EVP_sha256()) > 0;
    return issue_done(inner, well, ret_cert);
}

static struct wall
issue_end(const struct crypt_cert_issue *issue)
{
    static const int64_t days[] = {[CRYPT_CERT_CHILD] = 90,
                                   [CRYPT_CERT_PARENT] = 30,
                                   [CRYPT_CERT_DOOR] = 90};
    struct crypt_cert_facts ca;
    crypt_cert_facts(issue->ca, &ca);
    int64_t life_ms =
        issue->life_ms ? issue->life_ms : days[issue->use] * issue_day_ms;
    struct wall end = {issue->now.ms + life_ms};
    return end.ms < ca.not_after.ms ? end : ca.not_after;
}

static bool
issue_make(const struct crypt_cert_issue *issue, X509 *inner, EVP_PKEY *public,
           GENERAL_NAMES *names)
{
    const struct issue_extension rows[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage,
         issue->use == CRYPT_CERT_CHILD ? "clientAuth" : "serverAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
    };
    X509 *ca = crypt_cert_inner(issue->ca);
    struct wall from = {issue->now.ms - issue_hour_ms};
    return X509_set_version(inner, X509_VERSION_3) == 1 &&
           X509_set_issuer_name(inner, X509_get_subject_name(ca)) == 1 &&
           issue_serial(inner, issue->random) &&
           issue_times(inner, from, issue_end(issue)) &&
           X509_set_pubkey(inner, public) == 1 &&
           X509_add1_ext_i2d(inner, NID_subject_alt_name, names, 1,
                             X509V3_ADD_DEFAULT) == 1 &&
           issue_extensions(inner, ca, rows, BASE_COUNT(rows)) &&
           X509_sign(inner, crypt_key_inner(issue->ca_key), EVP_sha256()) > 0;
}

enum err
crypt_cert_issue(const struct crypt_cert_issue *issue,
                 struct crypt_cert **ret_cert)
{
    EVP_PKEY *public = NULL;
    enum err err =
        crypt_key_public_read(issue->public_der, CRYPT_KEY_P256, &public);
    if (err != ERR_OK)
        return err;
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    err = names ? issue_names(issue, names) : ERR_IO;
    if (err == ERR_OK) {
        X509 *inner = X509_new();
        bool well = inner && issue_make(issue, inner, public, names);
        err = issue_done(inner, well, ret_cert);
    }
    GENERAL_NAMES_free(names);
    EVP_PKEY_free(public);
    return cert_fail(err);
}

/* -- requests: PKCS#10 -- */

static bool
issue_request_make(X509_REQ *request, EVP_PKEY *pair, GENERAL_NAMES *names)
{
    STACK_OF(X509_EXTENSION) *extensions = NULL;
    bool well = X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, 1,
                                X509V3_ADD_DEFAULT) == 1 &&
                X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
                X509_REQ_set_pubkey(request, pair) == 1 &&
                X509_REQ_add_extensions(request, extensions) == 1 &&
                X509_REQ_sign(request, pair, EVP_sha256()) > 0;
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return well;
}

enum err
crypt_cert_request(const struct crypt_key *key, const char *prefix,
                   struct base_out *ret_der)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    X509_REQ *request = X509_REQ_new();
    enum err err = names && request ? issue_prefix_name(names, prefix) : ERR_IO;
    if (err == ERR_OK &&
        !issue_request_make(request, crypt_key_inner(key), names))
        err = ERR_IO;
    if (err == ERR_OK) {
        uint8_t *der = NULL;
        int size = i2d_X509_REQ(request, &der);
        err = cert_add(ret_der, der, size);
    }
    X509_REQ_free(request);
    GENERAL_NAMES_free(names);
    return cert_fail(err);
}

static bool
issue_request_prefix(X509_REQ *request, char *ret_prefix)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    GENERAL_NAMES *names =
        X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    bool found = names && cert_names_prefix(names, ret_prefix);
    GENERAL_NAMES_free(names);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return found;
}

/* The kind of key is looked at before its signature: verifying under a key of
 * somebody's choosing may cost whatever he likes. */
static enum err
issue_request_judge(X509_REQ *request, struct base_out *ret_public,
                    char *ret_prefix)
{
    uint8_t *der = NULL;
    int size = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(request), &der);
    if (size < 0)
        return ERR_SYNTAX;
    char prefix[CRYPT_CERT_NAME];
    EVP_PKEY *public = NULL;
    struct bytes spki = base_bytes(der, (size_t)size);
    enum err err = crypt_key_public_read(spki, CRYPT_KEY_P256, &public);
    if (err == ERR_OK && X509_REQ_verify(request, public) != 1)
        err = ERR_DENIED;
    if (err == ERR_OK && !issue_request_prefix(request, prefix))
        err = ERR_NAME;
    if (err == ERR_OK) {
        base_out_bytes_add(ret_public, spki);
        err = ret_public->failed;
    }
    if (err == ERR_OK)
        memcpy(ret_prefix, prefix, strlen(prefix) + 1);
    EVP_PKEY_free(public);
    OPENSSL_free(der);
    return err;
}

static X509_REQ *
issue_request_pem(struct bytes pem)
{
    BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.size);
    if (!bio)
        return NULL;
    X509_REQ *request =
        PEM_read_bio_X509_REQ(bio, NULL, cert_no_password, NULL);
    BIO_free(bio);
    return request;
}

enum err
crypt_cert_request_read(struct bytes pem_or_der, struct base_out *ret_public,
                        char ret_prefix[CRYPT_CERT_NAME])
{
    if (pem_or_der.size == 0 || pem_or_der.size > ISSUE_REQUEST_MAX)
        return ERR_SYNTAX;
    const uint8_t *at = pem_or_der.at, *end = at + pem_or_der.size;
    X509_REQ *request = NULL;
    if (*at != 0x30) {
        request = issue_request_pem(pem_or_der);
        at = end;
    } else {
        request = d2i_X509_REQ(NULL, &at, (long)pem_or_der.size);
    }
    enum err err = ERR_SYNTAX;
    if (request && at == end)
        err = issue_request_judge(request, ret_public, ret_prefix);
    X509_REQ_free(request);
    return cert_fail(err);
}
