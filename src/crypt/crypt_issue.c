/* crypt_issue.c -- making certificates and requests: crypt_cert.h.
 *
 * Extensions are built as structures, never from text: a name that held a
 * comma would become two. */
#include "crypt/crypt_cert.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "crypt/crypt_inner.h"

enum { ISSUE_DNS_MAX = 253, ISSUE_REQUEST_MAX = 16 * 1024, ISSUE_CN = 64 };

static const int64_t issue_hour_ms = INT64_C(3600000);
static const int64_t issue_day_ms = INT64_C(86400000);

/* -- names -- */

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
    char uri[sizeof CRYPT_INNER_URN + CRYPT_CERT_NAME] = CRYPT_INNER_URN;
    if (!prefix || !crypt_inner_prefix_fit(base_bytes_text(prefix)))
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
        return crypt_inner_fail(ERR_IO);
    }
    *ret_cert = crypt_cert_wrap(inner);
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
    if (!crypt_inner_prefix_fit(base_bytes_text(prefix)))
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
    return crypt_inner_fail(err);
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
        err = crypt_inner_add(ret_der, der, size);
    }
    X509_REQ_free(request);
    GENERAL_NAMES_free(names);
    return crypt_inner_fail(err);
}

static bool
issue_request_prefix(X509_REQ *request, char *ret_prefix)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    GENERAL_NAMES *names =
        X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    bool found = names && crypt_inner_names_prefix(names, ret_prefix);
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

enum err
crypt_cert_request_read(struct bytes der, struct base_out *ret_public,
                        char ret_prefix[CRYPT_CERT_NAME])
{
    if (der.size == 0 || der.size > ISSUE_REQUEST_MAX)
        return ERR_SYNTAX;
    const uint8_t *at = der.at;
    X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)der.size);
    enum err err = ERR_SYNTAX;
    if (request && at == der.at + der.size)
        err = issue_request_judge(request, ret_public, ret_prefix);
    X509_REQ_free(request);
    return crypt_inner_fail(err);
}
