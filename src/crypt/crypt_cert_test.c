/* crypt_cert_test.c -- keys and certificates: what is taken, what is refused.
 */
#include "crypt/crypt_cert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/base_b64.h"
#include "base/base_b64.h"
#include "base/base_mem.h"
#include "crypt/crypt_hash.h"

static const struct wall now = {INT64_C(1763787307000)}; /* 2025-11-22 */
static const int64_t hour_ms = 3600000, day_ms = 86400000;

struct world {
    struct base_rng rng;
    struct crypt_key *ca_key, *key;
    struct crypt_cert *ca;
    uint8_t room[1024];
    struct base_out public;
};

static int
world_new(void **state)
{
    struct world *w = base_mem_zero(sizeof *w);
    base_rng_seed(&w->rng, 7);
    assert_int_equal(crypt_key_make(CRYPT_KEY_P256, &w->ca_key), ERR_OK);
    assert_int_equal(crypt_key_make(CRYPT_KEY_P256, &w->key), ERR_OK);
    assert_int_equal(
        crypt_cert_ca(w->ca_key, "88.31", now, &w->rng.random, &w->ca), ERR_OK);
    base_out_fixed(&w->public, w->room, sizeof w->room);
    assert_int_equal(crypt_key_public(w->key, &w->public), ERR_OK);
    *state = w;
    return 0;
}

static int
world_free(void **state)
{
    struct world *w = *state;
    crypt_cert_free(w->ca);
    crypt_key_free(w->ca_key);
    crypt_key_free(w->key);
    base_mem_free(w);
    assert_int_equal(ERR_peek_error(), 0);
    return 0;
}

static struct crypt_cert_issue
issue_of(struct world *w, enum crypt_cert_use use)
{
    return (struct crypt_cert_issue){
        .ca = w->ca,
        .ca_key = w->ca_key,
        .use = use,
        .prefix = "88.31.1001",
        .public_der = base_out_bytes(&w->public),
        .now = now,
        .random = &w->rng.random,
    };
}

static struct crypt_cert *
issued(struct world *w, enum crypt_cert_use use)
{
    struct crypt_cert_issue issue = issue_of(w, use);
    struct crypt_cert *cert = NULL;
    assert_int_equal(crypt_cert_issue(&issue, &cert), ERR_OK);
    return cert;
}

static void
hashes_are_the_standard_ones(void **state)
{
    (void)state;
    uint8_t hash[32];
    char hex[65];
    crypt_hash_sha256(base_bytes_text("abc"), hash);
    assert_string_equal(
        base_b64_hex(base_bytes(hash, 32), hex),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    crypt_hash_sha256(base_bytes(NULL, 0), hash);
    assert_string_equal(
        base_b64_hex(base_bytes(hash, 32), hex),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    crypt_hash_sha1(base_bytes_text("abc"), hash);
    assert_string_equal(base_b64_hex(base_bytes(hash, 20), hex),
                        "a9993e364706816aba3e25717850c26c9cd0d89d");
    uint8_t other[32];
    memcpy(other, hash, 32);
    assert_true(crypt_hash_equal(hash, other, 32));
    other[31] ^= 1;
    assert_false(crypt_hash_equal(hash, other, 32));
}

static void
a_key_of_each_kind_is_kept_and_signs(void **state)
{
    (void)state;
    static const enum crypt_key_kind kinds[] = {CRYPT_KEY_RSA, CRYPT_KEY_P256,
                                                CRYPT_KEY_ED25519};
    for (unsigned i = 0; i < BASE_COUNT(kinds); i++) {
        struct crypt_key *key = NULL, *again = NULL, *wrong = NULL;
        struct base_out pem, public, signature;
        base_out_grow(&pem, 8192);
        base_out_grow(&public, 8192);
        base_out_grow(&signature, 8192);
        assert_int_equal(crypt_key_make(kinds[i], &key), ERR_OK);
        assert_int_equal(crypt_key_write(key, &pem), ERR_OK);
        assert_true(
            base_bytes_starts(base_out_bytes(&pem),
                              base_bytes_text("-----BEGIN PRIVATE KEY-----")));
        assert_int_equal(crypt_key_read(base_out_bytes(&pem), kinds[i], &again),
                         ERR_OK);
        assert_int_equal(
            crypt_key_read(base_out_bytes(&pem), kinds[(i + 1) % 3], &wrong),
            ERR_TYPE);
        assert_int_equal(crypt_key_id(key), crypt_key_id(again));
        assert_int_equal(crypt_key_public(again, &public), ERR_OK);
        uint8_t pin[32], hash[32];
        crypt_key_pin(key, pin);
        crypt_hash_sha256(base_out_bytes(&public), hash);
        assert_memory_equal(pin, hash, 32);
        assert_int_equal(crypt_key_id(key) >> 56, pin[0]);

        struct bytes data = base_bytes_text("a signed return");
        assert_int_equal(crypt_key_sign(again, data, &signature), ERR_OK);
        if (kinds[i] == CRYPT_KEY_ED25519)
            assert_int_equal(signature.size, 64);
        assert_int_equal(crypt_key_verify(base_out_bytes(&public), data,
                                          base_out_bytes(&signature)),
                         ERR_OK);
        assert_int_equal(crypt_key_verify(base_out_bytes(&public),
                                          base_bytes_text("a signed retur"),
                                          base_out_bytes(&signature)),
                         ERR_DENIED);
        signature.at[signature.size / 2] ^= 1;
        assert_int_equal(crypt_key_verify(base_out_bytes(&public), data,
                                          base_out_bytes(&signature)),
                         ERR_DENIED);
        assert_int_equal(crypt_key_verify(base_out_bytes(&public), data,
                                          base_bytes(NULL, 0)),
                         ERR_DENIED);
        assert_int_equal(crypt_key_verify(base_bytes(public.at, 20), data,
                                          base_out_bytes(&signature)),
                         ERR_SYNTAX);
        base_out_done(&pem);
        base_out_done(&public);
        base_out_done(&signature);
        crypt_key_free(key);
        crypt_key_free(again);
    }
    struct crypt_key *none = NULL;
    assert_int_equal(
        crypt_key_read(base_bytes_text("no key"), CRYPT_KEY_RSA, &none),
        ERR_SYNTAX);
    assert_int_equal(crypt_key_read(base_bytes(NULL, 0), CRYPT_KEY_RSA, &none),
                     ERR_SYNTAX);
}

static void
an_issued_certificate_says_what_was_asked(void **state)
{
    struct world *w = *state;
    struct crypt_cert_facts facts;
    struct crypt_cert *cert = issued(w, CRYPT_CERT_CHILD);
    crypt_cert_facts(cert, &facts);
    assert_string_equal(facts.prefix, "88.31.1001");
    assert_true(facts.for_client);
    assert_false(facts.for_server || facts.is_ca);
    assert_int_equal(facts.not_before.ms, now.ms - hour_ms);
    assert_int_equal(facts.not_after.ms, now.ms + 90 * day_ms);
    assert_true(facts.serial_size >= 14 && facts.serial_size <= 16);
    assert_true(facts.serial_size < 16 || facts.serial[0] < 0x80);
    uint8_t pin[32];
    crypt_key_pin(w->key, pin);
    assert_memory_equal(facts.pin, pin, 32);
    crypt_cert_free(cert);

    cert = issued(w, CRYPT_CERT_PARENT);
    crypt_cert_facts(cert, &facts);
    assert_true(facts.for_server && !facts.for_client);
    assert_int_equal(facts.not_after.ms, now.ms + 30 * day_ms);
    crypt_cert_free(cert);

    crypt_cert_facts(w->ca, &facts);
    assert_true(facts.is_ca);
    assert_string_equal(facts.prefix, "");
}

static void
a_certificate_survives_pem_and_der(void **state)
{
    struct world *w = *state;
    struct crypt_cert *again = NULL;
    struct base_out out;
    struct crypt_cert_facts a, b;
    crypt_cert_facts(w->ca, &a);
    base_out_grow(&out, 8192);
    assert_int_equal(crypt_cert_pem(w->ca, &out), ERR_OK);
    assert_int_equal(crypt_cert_read(base_out_bytes(&out), &again), ERR_OK);
    crypt_cert_facts(again, &b);
    assert_memory_equal(&a, &b, sizeof a);
    crypt_cert_free(again);
    base_out_reset(&out);
    assert_int_equal(crypt_cert_der(w->ca, &out), ERR_OK);
    uint8_t hash[32];
    crypt_hash_sha256(base_out_bytes(&out), hash);
    assert_memory_equal(hash, a.hash, 32);
    assert_int_equal(crypt_cert_read(base_out_bytes(&out), &again), ERR_OK);
    crypt_cert_free(again);
    assert_int_equal(crypt_cert_read(base_bytes(out.at, out.size - 1), &again),
                     ERR_SYNTAX);
    base_out_u8(&out, 0);
    assert_int_equal(crypt_cert_read(base_out_bytes(&out), &again), ERR_SYNTAX);
    base_out_done(&out);
}

static void
a_door_certificate_bears_its_names(void **state)
{
    struct world *w = *state;
    static const char *const names[] = {"plant.example", "192.0.2.7"};
    struct crypt_cert_issue issue = issue_of(w, CRYPT_CERT_DOOR);
    issue.names = names;
    issue.name_count = BASE_COUNT(names);
    struct crypt_cert *cert = NULL;
    assert_int_equal(crypt_cert_issue(&issue, &cert), ERR_OK);
    X509 *inner = crypt_cert_inner(cert);
    assert_int_equal(X509_check_host(inner, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(inner, "plant.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(inner, "other.example", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(inner, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(inner, "::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(inner, "192.0.2.7", 0), 1);
    assert_int_equal(crypt_cert_check(cert, w->ca, CRYPT_CERT_DOOR, NULL, now),
                     ERR_OK);
    crypt_cert_free(cert);
    static const char *const bad[] = {"a.example,DNS:b.example"};
    issue.names = bad;
    issue.name_count = 1;
    assert_int_equal(crypt_cert_issue(&issue, &cert), ERR_NAME);
}

static void
a_certificate_is_judged_by_the_clock_it_is_given(void **state)
{
    struct world *w = *state;
    struct crypt_cert *cert = issued(w, CRYPT_CERT_CHILD);
    static const struct {
        int64_t shift_ms;
        enum err err;
    } cases[] = {
        {0, ERR_OK},
        {-INT64_C(3600000), ERR_OK},
        {-INT64_C(3601000), ERR_TIME},
        {90 * INT64_C(86400000), ERR_OK},
        {90 * INT64_C(86400000) + 1, ERR_EXPIRED},
        {-INT64_C(1763787307000), ERR_TIME}, /* 1970 */
    };
    for (unsigned i = 0; i < BASE_COUNT(cases); i++) {
        struct wall then = {now.ms + cases[i].shift_ms};
        assert_int_equal(
            crypt_cert_check(cert, w->ca, CRYPT_CERT_CHILD, NULL, then),
            cases[i].err);
    }
    crypt_cert_free(cert);
}

static void
a_certificate_never_outlives_its_ca(void **state)
{
    struct world *w = *state;
    struct crypt_cert_issue issue = issue_of(w, CRYPT_CERT_CHILD);
    struct crypt_cert *cert = NULL;
    struct crypt_cert_facts facts, ca;
    issue.life_ms = 20 * 365 * day_ms;
    assert_int_equal(crypt_cert_issue(&issue, &cert), ERR_OK);
    crypt_cert_facts(cert, &facts);
    crypt_cert_facts(w->ca, &ca);
    assert_int_equal(facts.not_after.ms, ca.not_after.ms);
    crypt_cert_free(cert);
}

static void
a_foreign_ca_prefix_or_use_is_refused(void **state)
{
    struct world *w = *state;
    struct crypt_cert *cert = issued(w, CRYPT_CERT_CHILD), *other = NULL;
    struct crypt_key *key = NULL;
    assert_int_equal(crypt_key_make(CRYPT_KEY_P256, &key), ERR_OK);
    /* the same name, another key */
    assert_int_equal(crypt_cert_ca(key, "88.31", now, &w->rng.random, &other),
                     ERR_OK);
    assert_int_equal(
        crypt_cert_check(cert, other, CRYPT_CERT_CHILD, "88.31.1001", now),
        ERR_DENIED);
    assert_int_equal(
        crypt_cert_check(cert, w->ca, CRYPT_CERT_CHILD, "88.31.1001", now),
        ERR_OK);
    assert_int_equal(
        crypt_cert_check(cert, w->ca, CRYPT_CERT_CHILD, "88.31.1002", now),
        ERR_NAME);
    assert_int_equal(
        crypt_cert_check(cert, w->ca, CRYPT_CERT_PARENT, "88.31.1001", now),
        ERR_TYPE);
    assert_int_equal(
        crypt_cert_check(w->ca, w->ca, CRYPT_CERT_CHILD, NULL, now), ERR_TYPE);
    crypt_cert_free(cert);
    cert = issued(w, CRYPT_CERT_DOOR);
    assert_int_equal(
        crypt_cert_check(cert, w->ca, CRYPT_CERT_PARENT, NULL, now), ERR_NAME);
    crypt_cert_free(cert);
    crypt_cert_free(other);
    crypt_key_free(key);
}

/* A request whose SAN is this text of OpenSSL's. */
static void
request_with(struct world *w, const char *san, struct base_out *out)
{
    X509_REQ *request = X509_REQ_new();
    EVP_PKEY *pair = crypt_key_inner(w->key);
    if (san) {
        STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();
        X509V3_CTX context;
        X509V3_set_ctx_nodb(&context);
        X509_EXTENSION *extension =
            X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, san);
        assert_non_null(extension);
        sk_X509_EXTENSION_push(all, extension);
        assert_int_equal(X509_REQ_add_extensions(request, all), 1);
        sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    }
    X509_REQ_set_pubkey(request, pair);
    assert_true(X509_REQ_sign(request, pair, EVP_sha256()) > 0);
    uint8_t *der = NULL;
    int size = i2d_X509_REQ(request, &der);
    base_out_reset(out);
    base_out_bytes_add(out, base_bytes(der, (size_t)size));
    OPENSSL_free(der);
    X509_REQ_free(request);
}

static enum err
request_read(struct bytes der, char *prefix)
{
    uint8_t room[512];
    struct base_out public;
    base_out_fixed(&public, room, sizeof room);
    return crypt_cert_request_read(der, &public, prefix);
}

static void
request_as_pem(struct bytes der, struct base_out *to)
{
    base_out_reset(to);
    base_out_text(to, "-----BEGIN CERTIFICATE REQUEST-----\n");
    base_b64_write(to, BASE_B64_LINES, der);
    base_out_text(to, "-----END CERTIFICATE REQUEST-----\n");
}

static void
a_request_goes_round_and_a_tampered_one_does_not(void **state)
{
    struct world *w = *state;
    struct base_out der, public;
    char prefix[CRYPT_CERT_NAME] = "as it was";
    base_out_grow(&der, 8192);
    base_out_grow(&public, 8192);
    assert_int_equal(crypt_cert_request(w->key, "88.31.1001", &der), ERR_OK);
    for (size_t i = 0; i < der.size; i++) {
        der.at[i] ^= 1;
        assert_int_not_equal(request_read(base_out_bytes(&der), prefix),
                             ERR_OK);
        der.at[i] ^= 1;
    }
    der.at[der.size - 3] ^= 1; /* inside the signature's s */
    assert_int_equal(request_read(base_out_bytes(&der), prefix), ERR_DENIED);
    der.at[der.size - 3] ^= 1;
    assert_string_equal(prefix, "as it was");
    assert_int_equal(
        crypt_cert_request_read(base_out_bytes(&der), &public, prefix), ERR_OK);
    assert_string_equal(prefix, "88.31.1001");
    assert_true(
        base_bytes_equal(base_out_bytes(&public), base_out_bytes(&w->public)));
    assert_int_equal(request_read(base_bytes(der.at, der.size - 1), prefix),
                     ERR_SYNTAX);
    request_as_pem(base_out_bytes(&der), &public);
    assert_int_equal(request_read(base_out_bytes(&public), prefix), ERR_OK);
    assert_int_equal(
        request_read(base_bytes(public.at, public.size / 2), prefix),
        ERR_SYNTAX);
    assert_int_equal(crypt_cert_request(w->key, "88 31", &der), ERR_NAME);
    assert_int_equal(crypt_cert_request(w->key, "", &der), ERR_NAME);
    base_out_done(&der);
    base_out_done(&public);
}

static void
a_request_must_ask_for_exactly_one_name(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *san;
        enum err err;
    } cases[] = {
        {"URI:urn:dougong:88.31.1001", ERR_OK},
        {"URI:urn:dougong:88.31/replica-2", ERR_OK},
        {NULL, ERR_NAME},
        {"URI:urn:dougong:88.31.1001,URI:urn:dougong:88", ERR_NAME},
        {"URI:urn:dougong:88.31.1001,DNS:a.example", ERR_NAME},
        {"DNS:urn:dougong:88.31.1001", ERR_NAME},
        {"URI:urn:dougong:", ERR_NAME},
        {"URI:urn:other:88.31.1001", ERR_NAME},
        {"URI:urn:dougong:88 31", ERR_NAME},
        {"otherName:1.2.3.4;UTF8:urn:dougong:88", ERR_NAME},
    };
    struct base_out der;
    char prefix[CRYPT_CERT_NAME];
    base_out_grow(&der, 8192);
    for (unsigned i = 0; i < BASE_COUNT(cases); i++) {
        request_with(w, cases[i].san, &der);
        assert_int_equal(request_read(base_out_bytes(&der), prefix),
                         cases[i].err);
    }
    base_out_done(&der);
}

static void
a_request_with_another_kind_of_key_is_refused(void **state)
{
    struct world *w = *state;
    struct crypt_key *rsa = NULL;
    struct base_out der, public;
    char prefix[CRYPT_CERT_NAME];
    base_out_grow(&der, 8192);
    base_out_grow(&public, 8192);
    assert_int_equal(crypt_key_make(CRYPT_KEY_RSA, &rsa), ERR_OK);
    assert_int_equal(crypt_cert_request(rsa, "88.31.1001", &der), ERR_OK);
    assert_int_equal(request_read(base_out_bytes(&der), prefix), ERR_TYPE);
    struct crypt_cert_issue issue = issue_of(w, CRYPT_CERT_CHILD);
    struct crypt_cert *cert = NULL;
    assert_int_equal(crypt_key_public(rsa, &public), ERR_OK);
    issue.public_der = base_out_bytes(&public);
    assert_int_equal(crypt_cert_issue(&issue, &cert), ERR_TYPE);
    crypt_key_free(rsa);
    base_out_done(&der);
    base_out_done(&public);
}

static void
a_pkcs7_gives_its_certificates_back(void **state)
{
    struct world *w = *state;
    struct crypt_cert *leaf = issued(w, CRYPT_CERT_CHILD), *back[2];
    const struct crypt_cert *both[] = {leaf, w->ca};
    struct crypt_cert_facts a, b;
    struct base_out der;
    unsigned count = 0;
    base_out_grow(&der, 16384);
    assert_int_equal(crypt_cert_pkcs7(both, 2, &der), ERR_OK);
    struct bytes bytes = base_out_bytes(&der);
    assert_int_equal(crypt_cert_pkcs7_read(bytes, back, 1, &count), ERR_LIMIT);
    assert_int_equal(crypt_cert_pkcs7_read(bytes, back, 2, &count), ERR_OK);
    assert_int_equal(count, 2);
    crypt_cert_facts(leaf, &a);
    crypt_cert_facts(back[0], &b);
    assert_memory_equal(a.hash, b.hash, 32);
    crypt_cert_facts(w->ca, &a);
    crypt_cert_facts(back[1], &b);
    assert_memory_equal(a.hash, b.hash, 32);
    for (size_t size = 0; size < bytes.size; size++)
        assert_int_equal(
            crypt_cert_pkcs7_read(base_bytes(bytes.at, size), back, 2, &count),
            ERR_SYNTAX);
    crypt_cert_free(back[0]);
    crypt_cert_free(back[1]);
    crypt_cert_free(leaf);
    base_out_done(&der);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_the_standard_ones),
        cmocka_unit_test(a_key_of_each_kind_is_kept_and_signs),
        cmocka_unit_test(an_issued_certificate_says_what_was_asked),
        cmocka_unit_test(a_certificate_survives_pem_and_der),
        cmocka_unit_test(a_door_certificate_bears_its_names),
        cmocka_unit_test(a_certificate_is_judged_by_the_clock_it_is_given),
        cmocka_unit_test(a_certificate_never_outlives_its_ca),
        cmocka_unit_test(a_foreign_ca_prefix_or_use_is_refused),
        cmocka_unit_test(a_request_goes_round_and_a_tampered_one_does_not),
        cmocka_unit_test(a_request_must_ask_for_exactly_one_name),
        cmocka_unit_test(a_request_with_another_kind_of_key_is_refused),
        cmocka_unit_test(a_pkcs7_gives_its_certificates_back),
    };
    return cmocka_run_group_tests(tests, world_new, world_free);
}
