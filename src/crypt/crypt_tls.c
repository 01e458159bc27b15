/* crypt_tls.c -- SSL_CTX by kind.
 *
 * A hash to trust must live exactly as long as the context, which connections
 * share.  OpenSSL has one unused place of that life in a client: the keys with
 * which a server seals its tickets.  (The name of the verify parameters would
 * be another, but 3.0 leaks it.) */
#include "crypt/crypt_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/base_must.h"
#include "crypt/crypt_hash.h"

static const uint8_t tls_alpn[] = "\016dougong-tier/1";
enum { TLS_ALPN_SIZE = sizeof tls_alpn - 1 };

enum { TLS_TICKET_KEYS = 80 };

static bool
tls_is_tier(enum crypt_tls_kind kind)
{
    return kind == CRYPT_TLS_TIER_PARENT || kind == CRYPT_TLS_TIER_CHILD;
}

static bool
tls_is_server(enum crypt_tls_kind kind)
{
    return kind == CRYPT_TLS_TIER_PARENT || kind == CRYPT_TLS_DOOR;
}

void
crypt_tls_why(char *to, size_t size)
{
    const char *data = NULL;
    int flags = 0;
    unsigned long code =
        ERR_peek_last_error_all(NULL, NULL, NULL, &data, &flags);
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    bool more = data && *data && (flags & ERR_TXT_STRING);
    snprintf(to, size, "%s%s%s",
             reason ? reason
                    : (code ? "an error without a name" : "no TLS error"),
             more ? ": " : "", more ? data : "");
    ERR_clear_error();
}

/* -- ALPN of tier links -- */

/* A client that offers none would never reach the select callback. */
static int
tls_hello(SSL *ssl, int *alert, void *self)
{
    const unsigned char *data;
    size_t size;
    (void)self;
    if (SSL_client_hello_get0_ext(
            ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &data,
            &size))
        return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
    return SSL_CLIENT_HELLO_ERROR;
}

static int
tls_select(SSL *ssl, const unsigned char **ret_at, unsigned char *ret_size,
           const unsigned char *in, unsigned in_size, void *self)
{
    (void)ssl, (void)self;
    for (unsigned at = 0; at < in_size; at += 1u + in[at]) {
        if (in_size - at >= TLS_ALPN_SIZE &&
            memcmp(in + at, tls_alpn, TLS_ALPN_SIZE) == 0) {
            *ret_at = in + at + 1;
            *ret_size = TLS_ALPN_SIZE - 1;
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool
tls_alpn_agreed(SSL *ssl)
{
    const unsigned char *at = NULL;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl, &at, &size);
    return size == TLS_ALPN_SIZE - 1 && memcmp(at, tls_alpn + 1, size) == 0;
}

/* -- trust by the hash of a CA -- */

static bool
tls_hash_is(const X509 *cert, const uint8_t *want)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    return X509_digest(cert, EVP_sha256(), hash, &size) == 1 && size == 32 &&
           crypt_hash_equal(hash, want, size);
}

/* The chain's certificate with that hash becomes the one trusted root, and the
 * chain is verified as ever: the hash alone proves nothing about the leaf. */
static int
tls_verify_pinned(X509_STORE_CTX *context, void *self)
{
    (void)self;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(
        context, SSL_get_ex_data_X509_STORE_CTX_idx());
    uint8_t keys[TLS_TICKET_KEYS];
    if (SSL_CTX_get_tlsext_ticket_keys(SSL_get_SSL_CTX(ssl), keys,
                                       sizeof keys) != 1)
        return 0;
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(context);
    STACK_OF(X509) *trusted = sk_X509_new_null();
    for (int i = 0; trusted && i < sk_X509_num(sent); i++)
        if (tls_hash_is(sk_X509_value(sent, i), keys))
            sk_X509_push(trusted, sk_X509_value(sent, i));
    X509_STORE_CTX_set0_trusted_stack(context, trusted);
    int verified = trusted ? X509_verify_cert(context) : 0;
    X509_STORE_CTX_set0_trusted_stack(context, NULL);
    sk_X509_free(trusted);
    return verified;
}

/* -- building -- */

static bool
tls_common(SSL_CTX *context, const struct crypt_tls_config *config)
{
    bool tier = tls_is_tier(config->kind);
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS |
                                  SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME |
                                           X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set_depth(param, 0);
    return SSL_CTX_set_min_proto_version(context, tier ? TLS1_3_VERSION
                                                       : TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_early_data(context, 0) == 1 &&
           SSL_CTX_set_num_tickets(context, tier ? 0 : 1) == 1 &&
           SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") ==
               1 &&
           SSL_CTX_set_session_id_context(context, (const uint8_t *)"dougong",
                                          7) == 1;
}

static bool
tls_trust(SSL_CTX *context, const struct crypt_tls_config *config)
{
    if (config->ca && X509_STORE_add_cert(SSL_CTX_get_cert_store(context),
                                          crypt_cert_inner(config->ca)) != 1)
        return false;
    if (!tls_is_server(config->kind)) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    } else if (tls_is_tier(config->kind)) {
        SSL_CTX_set_verify(
            context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    } else if (config->ask_client && config->ca) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        if (SSL_CTX_add_client_CA(context, crypt_cert_inner(config->ca)) != 1)
            return false;
    }
    if (!config->ca_hash)
        return true;
    uint8_t keys[TLS_TICKET_KEYS] = {0};
    memcpy(keys, config->ca_hash, 32);
    SSL_CTX_set_cert_verify_callback(context, tls_verify_pinned, NULL);
    return SSL_CTX_set_tlsext_ticket_keys(context, keys, sizeof keys) == 1;
}

static bool
tls_own(SSL_CTX *context, const struct crypt_tls_config *config)
{
    if (!config->cert)
        return true;
    return SSL_CTX_use_certificate(context, crypt_cert_inner(config->cert)) ==
               1 &&
           SSL_CTX_use_PrivateKey(context, crypt_key_inner(config->key)) == 1 &&
           (config->kind != CRYPT_TLS_DOOR || !config->ca ||
            SSL_CTX_add1_chain_cert(context, crypt_cert_inner(config->ca)) ==
                1);
}

static bool
tls_tier(SSL_CTX *context, enum crypt_tls_kind kind)
{
    if (kind == CRYPT_TLS_TIER_PARENT) {
        SSL_CTX_set_client_hello_cb(context, tls_hello, NULL);
        SSL_CTX_set_alpn_select_cb(context, tls_select, NULL);
    }
    return kind != CRYPT_TLS_TIER_CHILD ||
           SSL_CTX_set_alpn_protos(context, tls_alpn, TLS_ALPN_SIZE) == 0;
}

enum err
crypt_tls_new(const struct crypt_tls_config *config,
              struct ssl_ctx_st **ret_context, struct base_note *note)
{
    bool tier = tls_is_tier(config->kind);
    must((!tier && !tls_is_server(config->kind)) ||
         (config->cert && config->key));
    must(!tier || config->ca);
    must(config->kind != CRYPT_TLS_CLIENT || !config->ca != !config->ca_hash);
    char why[160];
    SSL_CTX *context =
        SSL_CTX_new(tls_is_server(config->kind) ? TLS_server_method()
                                                : TLS_client_method());
    if (!context || !tls_common(context, config) ||
        !tls_trust(context, config) || !tls_tier(context, config->kind)) {
        SSL_CTX_free(context);
        crypt_tls_why(why, sizeof why);
        return base_err_note(note, ERR_IO, "no TLS context: %s", why);
    }
    if (!tls_own(context, config)) {
        SSL_CTX_free(context);
        crypt_tls_why(why, sizeof why);
        return base_err_note(note, ERR_MISMATCH,
                             "key and certificate are not a pair: %s", why);
    }
    ERR_clear_error();
    *ret_context = context;
    return ERR_OK;
}

void
crypt_tls_free(struct ssl_ctx_st *context)
{
    SSL_CTX_free(context);
}

enum err
crypt_tls_peer(struct ssl_st *ssl, struct wall now,
               struct crypt_cert_facts *ret_facts)
{
    X509 *peer = SSL_get1_peer_certificate(ssl);
    if (!peer)
        return ERR_ABSENT;
    struct crypt_cert_facts facts;
    /* Only tier contexts demand 1.3. */
    bool tier =
        SSL_CTX_get_min_proto_version(SSL_get_SSL_CTX(ssl)) == TLS1_3_VERSION;
    bool verified = SSL_get_verify_result(ssl) == X509_V_OK &&
                    SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE;
    crypt_cert_facts_of(peer, &facts);
    X509_free(peer);
    if (!verified || (tier && !tls_alpn_agreed(ssl)))
        return ERR_DENIED;
    *ret_facts = facts;
    return crypt_cert_when(&facts, now);
}
