/* crypt_cert.h -- the CA of a node, what it issues, and who a peer is.
 *
 * Shape    spec tier 2: CA P-256 self-signed, pathlen 0, 10 y; tier
 *          certificates P-256, notBefore = now - 1 h, keyUsage
 *          digitalSignature, clientAuth for a child (90 d), serverAuth for the
 *          parent's own (30 d); empty subject, one critical SAN: exactly one
 *          URI urn:dougong:PREFIX.  A device's is a child's, but its URI names
 *          an identifier, which no link takes for a prefix.
 *          Door certificates (RULINGS 30): same CA, serverAuth, SAN localhost,
 *          127.0.0.1, ::1 and names.  Serials 16 random bytes, top bit 0.
 * Time     is an argument; OpenSSL's own clock is not asked (verify sets it).
 *          The CA's subject is "dougong CA PREFIX", cut to 64 characters; a
 *          certificate never outlives its CA.
 * Errors   SYNTAX not well formed, NAME the SAN is not as asked, TYPE not a
 *          P-256 key, or a certificate for another use, EXPIRED, TIME not yet
 *          valid, DENIED not from this CA or bad proof of possession, LIMIT no
 *          room for all, IO OpenSSL failed.
 * Source   RFC 5280, 7030, 2986. */
#ifndef CRYPT_CERT_H
#define CRYPT_CERT_H

#include "base/base_rng.h"
#include "base/base_time.h"
#include "crypt/crypt_key.h"

struct x509_st;
struct crypt_cert; /* one certificate */

enum { CRYPT_CERT_NAME = 256 };

enum err crypt_cert_read(struct bytes pem_or_der, struct crypt_cert **ret_cert);
enum err crypt_cert_pem(const struct crypt_cert *cert, struct base_out *out);
enum err crypt_cert_der(const struct crypt_cert *cert, struct base_out *out);
void crypt_cert_free(struct crypt_cert *cert);

enum err crypt_cert_ca(const struct crypt_key *key, const char *prefix,
                       struct wall now, struct base_random *random,
                       struct crypt_cert **ret_cert);

enum crypt_cert_use { CRYPT_CERT_CHILD, CRYPT_CERT_PARENT, CRYPT_CERT_DOOR };

struct crypt_cert_issue {
    const struct crypt_cert *ca;
    const struct crypt_key *ca_key;
    enum crypt_cert_use use;
    const char *prefix;       /* CHILD, PARENT: the SAN's */
    const char *const *names; /* DOOR: DNS names and addresses beyond the
                                 three built in */
    unsigned name_count;
    struct bytes public_der; /* SubjectPublicKeyInfo */
    struct wall now;
    int64_t life_ms; /* 0: the default of the use */
    struct base_random *random;
};

enum err crypt_cert_issue(const struct crypt_cert_issue *issue,
                          struct crypt_cert **ret_cert);

/* Is cert from this CA, for this use, in its time, and (CHILD, PARENT) with the
 * one SAN for `prefix` (NULL: any)?  For certificates that come as bytes; those
 * that come by TLS are judged by crypt_tls_peer. */
enum err crypt_cert_check(const struct crypt_cert *cert,
                          const struct crypt_cert *ca, enum crypt_cert_use use,
                          const char *prefix, struct wall now);

/* PKCS#10 with the SAN asked for; reading (PEM, too) checks proof of possession
 * and gives the key, P-256, and the one URI (without urn:dougong:).  Subject
 * and all else that it asks for are ignored: what is issued is for the CA to
 * say. */
enum err crypt_cert_request(const struct crypt_key *key, const char *prefix,
                            struct base_out *ret_der);
enum err crypt_cert_request_read(struct bytes pem_or_der,
                                 struct base_out *ret_public,
                                 char ret_prefix[CRYPT_CERT_NAME]);
/* certs-only PKCS#7 of these, and the certificates in one. */
enum err crypt_cert_pkcs7(const struct crypt_cert *const *certs, unsigned count,
                          struct base_out *ret_der);
enum err crypt_cert_pkcs7_read(struct bytes der, struct crypt_cert **ret_certs,
                               unsigned room, unsigned *ret_count);

struct crypt_cert_facts {
    char prefix[CRYPT_CERT_NAME]; /* of the SAN URI; "" if none */
    uint8_t pin[32];              /* SHA-256 of SubjectPublicKeyInfo */
    uint8_t hash[32];             /* SHA-256 of the certificate (DER) */
    uint8_t serial[20];
    unsigned serial_size;
    struct wall not_before, not_after;
    bool for_client, for_server, is_ca;
};

void crypt_cert_facts(const struct crypt_cert *cert,
                      struct crypt_cert_facts *ret_facts);

/* For crypt_tls: OpenSSL's object, the facts of one, and the dates alone. */
struct x509_st *crypt_cert_inner(const struct crypt_cert *cert);
void crypt_cert_facts_of(struct x509_st *inner,
                         struct crypt_cert_facts *ret_facts);
enum err crypt_cert_when(const struct crypt_cert_facts *facts, struct wall now);

#endif
