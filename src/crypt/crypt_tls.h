/* crypt_tls.h -- TLS contexts: what each link and door demands.
 *
 * Contexts TIER_PARENT / TIER_CHILD: TLS 1.3 only, mutual, ALPN
 *          "dougong-tier/1", exactly the given CA, no resumption (RULINGS 34).
 *          Whose certificate it is, pin, dates against our clock and the deny
 *          list are checked after every handshake, resumed or not, by the
 *          caller with crypt_tls_peer().
 *          DOOR: TLS 1.2+, own certificate and CA in the chain; client
 *          certificates asked for when `ask_client`, and then refused unless
 *          from `ca`.
 *          CLIENT: for `dougong join` and tests; trusts the CA, or only a chain
 *          that holds a certificate with `ca_hash`.  Shows key and cert if they
 *          are given.
 * Time     never judged inside the handshake: OpenSSL's clock is not ours.
 *          Without crypt_tls_peer() an expired certificate passes.
 * Notes    SSL_MODE_RELEASE_BUFFERS, partial writes, moving write buffers; no
 *          renegotiation, no compression, no early data.  A context is counted
 *          by its connections: it may be freed while they live. */
#ifndef CRYPT_TLS_H
#define CRYPT_TLS_H

#include "crypt/crypt_cert.h"

struct ssl_ctx_st;
struct ssl_st;

enum crypt_tls_kind {
    CRYPT_TLS_TIER_PARENT,
    CRYPT_TLS_TIER_CHILD,
    CRYPT_TLS_DOOR,
    CRYPT_TLS_CLIENT
};

struct crypt_tls_config {
    enum crypt_tls_kind kind;
    const struct crypt_key *key;
    const struct crypt_cert *cert, *ca;
    bool ask_client;
    const uint8_t *ca_hash; /* CLIENT: 32 bytes or NULL */
};

/* Errors: MISMATCH key and certificate do not belong together, IO. */
enum err crypt_tls_new(const struct crypt_tls_config *config,
                       struct ssl_ctx_st **ret_context, struct base_note *note);
void crypt_tls_free(struct ssl_ctx_st *context);
/* The peer's certificate.  ABSENT it showed none, DENIED not verified, or a
 * tier link without its ALPN; EXPIRED and TIME fill the facts too, because the
 * refusal names the dates. */
enum err crypt_tls_peer(struct ssl_st *ssl, struct wall now,
                        struct crypt_cert_facts *ret_facts);
/* The last OpenSSL error of this thread as one sentence; clears the queue. */
void crypt_tls_why(char *to, size_t size);

#endif
