/* crypt_tls_test.c -- handshakes over a socketpair, one thread. */
#include "crypt/crypt_tls.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/ssl.h>

#include "base/base_mem.h"

static const struct wall now = {INT64_C(1763787307000)}; /* 2025-11-22 */
static const int64_t day_ms = 86400000;

struct node {
    struct crypt_key *key;
    struct crypt_cert *cert;
};

struct world {
    struct base_rng rng;
    struct node ca, other_ca, parent, child, door, stranger, old;
};

/* ca NULL: a CA of its own. */
static void
node_make(struct world *w, struct node *node, const struct node *ca,
          enum crypt_cert_use use, const char *prefix, struct wall when)
{
    uint8_t room[256];
    struct base_out public;
    base_out_fixed(&public, room, sizeof room);
    assert_int_equal(crypt_key_make(CRYPT_KEY_P256, &node->key), ERR_OK);
    if (!ca) {
        assert_int_equal(
            crypt_cert_ca(node->key, prefix, when, &w->rng.random, &node->cert),
            ERR_OK);
        return;
    }
    assert_int_equal(crypt_key_public(node->key, &public), ERR_OK);
    struct crypt_cert_issue issue = {
        .ca = ca->cert,
        .ca_key = ca->key,
        .use = use,
        .prefix = prefix,
        .public_der = base_out_bytes(&public),
        .now = when,
        .random = &w->rng.random,
    };
    assert_int_equal(crypt_cert_issue(&issue, &node->cert), ERR_OK);
}

static void
node_free(struct node *node)
{
    crypt_key_free(node->key);
    crypt_cert_free(node->cert);
}

static int
world_new(void **state)
{
    struct world *w = base_mem_zero(sizeof *w);
    struct wall past = {now.ms - 400 * day_ms};
    base_rng_seed(&w->rng, 11);
    node_make(w, &w->ca, NULL, 0, "88.31", past);
    node_make(w, &w->other_ca, NULL, 0, "88.31", now);
    node_make(w, &w->parent, &w->ca, CRYPT_CERT_PARENT, "88.31", now);
    node_make(w, &w->child, &w->ca, CRYPT_CERT_CHILD, "88.31.1001", now);
    node_make(w, &w->door, &w->ca, CRYPT_CERT_DOOR, NULL, now);
    node_make(w, &w->stranger, &w->other_ca, CRYPT_CERT_CHILD, "88.31.1001",
              now);
    node_make(w, &w->old, &w->ca, CRYPT_CERT_CHILD, "88.31.1001", past);
    *state = w;
    return 0;
}

static int
world_free(void **state)
{
    struct world *w = *state;
    struct node *all[] = {&w->ca,   &w->other_ca, &w->parent, &w->child,
                          &w->door, &w->stranger, &w->old};
    for (unsigned i = 0; i < BASE_COUNT(all); i++)
        node_free(all[i]);
    base_mem_free(w);
    return 0;
}

static SSL_CTX *
context_of(enum crypt_tls_kind kind, const struct node *own,
           const struct node *ca, bool ask, const uint8_t *hash)
{
    struct crypt_tls_config config = {
        .kind = kind,
        .key = own ? own->key : NULL,
        .cert = own ? own->cert : NULL,
        .ca = ca ? ca->cert : NULL,
        .ask_client = ask,
        .ca_hash = hash,
    };
    struct base_note note;
    SSL_CTX *context = NULL;
    assert_int_equal(crypt_tls_new(&config, &context, &note), ERR_OK);
    return context;
}

struct pair {
    SSL *server, *client;
    bool agreed;
    char why[2][200]; /* server, client */
};

static bool
pair_step(SSL *ssl, bool *ret_done, char why[200])
{
    int result = SSL_do_handshake(ssl);
    *ret_done = result == 1;
    int error = SSL_get_error(ssl, result);
    if (result == 1 || error == SSL_ERROR_WANT_READ ||
        error == SSL_ERROR_WANT_WRITE)
        return true;
    crypt_tls_why(why, 200);
    return false;
}

/* Both contexts are freed at once: connections keep them. */
static struct pair
pair_new(SSL_CTX *server, SSL_CTX *client)
{
    struct pair pair = {0};
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
                     0);
    pair.server = SSL_new(server);
    pair.client = SSL_new(client);
    crypt_tls_free(server);
    crypt_tls_free(client);
    SSL_set_fd(pair.server, fds[0]);
    SSL_set_fd(pair.client, fds[1]);
    SSL_set_accept_state(pair.server);
    SSL_set_connect_state(pair.client);
    bool a = false, b = false, well_a = true, well_b = true;
    for (unsigned i = 0; i < 20 && (well_a || well_b); i++) {
        well_b = well_b && pair_step(pair.client, &b, pair.why[1]);
        well_a = well_a && pair_step(pair.server, &a, pair.why[0]);
    }
    char byte = 'x'; /* a TLS 1.3 client learns of a refusal by reading */
    if (a && b && SSL_write(pair.server, "y", 1) == 1)
        pair.agreed = SSL_read(pair.client, &byte, 1) == 1 && byte == 'y';
    return pair;
}

static void
pair_free(struct pair *pair)
{
    int fds[2] = {SSL_get_fd(pair->server), SSL_get_fd(pair->client)};
    SSL_free(pair->server);
    SSL_free(pair->client);
    close(fds[0]);
    close(fds[1]);
}

static void
a_tier_link_is_mutual_and_names_both_ends(void **state)
{
    struct world *w = *state;
    struct pair pair = pair_new(
        context_of(CRYPT_TLS_TIER_PARENT, &w->parent, &w->ca, false, NULL),
        context_of(CRYPT_TLS_TIER_CHILD, &w->child, &w->ca, false, NULL));
    struct crypt_cert_facts facts;
    assert_true(pair.agreed);
    assert_int_equal(SSL_version(pair.server), TLS1_3_VERSION);
    assert_int_equal(crypt_tls_peer(pair.server, now, &facts), ERR_OK);
    assert_string_equal(facts.prefix, "88.31.1001");
    uint8_t pin[32];
    crypt_key_pin(w->child.key, pin);
    assert_memory_equal(facts.pin, pin, 32);
    assert_int_equal(crypt_tls_peer(pair.client, now, &facts), ERR_OK);
    assert_string_equal(facts.prefix, "88.31");
    struct wall later = {now.ms + 31 * day_ms}, before = {now.ms - day_ms};
    assert_int_equal(crypt_tls_peer(pair.client, later, &facts), ERR_EXPIRED);
    assert_int_equal(crypt_tls_peer(pair.client, before, &facts), ERR_TIME);
    pair_free(&pair);
}

static void
an_expired_certificate_is_told_after_the_handshake(void **state)
{
    struct world *w = *state;
    struct pair pair = pair_new(
        context_of(CRYPT_TLS_TIER_PARENT, &w->parent, &w->ca, false, NULL),
        context_of(CRYPT_TLS_TIER_CHILD, &w->old, &w->ca, false, NULL));
    struct crypt_cert_facts facts = {0};
    assert_true(pair.agreed);
    assert_int_equal(crypt_tls_peer(pair.server, now, &facts), ERR_EXPIRED);
    assert_string_equal(facts.prefix, "88.31.1001");
    pair_free(&pair);
}

static void
refused(struct pair pair)
{
    assert_false(pair.agreed);
    assert_true(*pair.why[0] || *pair.why[1]);
    pair_free(&pair);
}

static void
a_tier_link_refuses_strangers(void **state)
{
    struct world *w = *state;
    const struct node *ca = &w->ca, *other = &w->other_ca;
    /* a child of another CA, and a parent of another CA */
    refused(pair_new(
        context_of(CRYPT_TLS_TIER_PARENT, &w->parent, ca, false, NULL),
        context_of(CRYPT_TLS_TIER_CHILD, &w->stranger, ca, false, NULL)));
    refused(pair_new(
        context_of(CRYPT_TLS_TIER_PARENT, &w->parent, ca, false, NULL),
        context_of(CRYPT_TLS_TIER_CHILD, &w->child, other, false, NULL)));
    /* a sibling poses as the parent; the parent's certificate as a child */
    refused(
        pair_new(context_of(CRYPT_TLS_TIER_PARENT, &w->child, ca, false, NULL),
                 context_of(CRYPT_TLS_TIER_CHILD, &w->child, ca, false, NULL)));
    refused(pair_new(
        context_of(CRYPT_TLS_TIER_PARENT, &w->parent, ca, false, NULL),
        context_of(CRYPT_TLS_TIER_CHILD, &w->parent, ca, false, NULL)));
    /* no certificate; no ALPN */
    refused(
        pair_new(context_of(CRYPT_TLS_TIER_PARENT, &w->parent, ca, false, NULL),
                 context_of(CRYPT_TLS_CLIENT, NULL, ca, false, NULL)));
    refused(
        pair_new(context_of(CRYPT_TLS_TIER_PARENT, &w->parent, ca, false, NULL),
                 context_of(CRYPT_TLS_CLIENT, &w->child, ca, false, NULL)));
}

static void
a_tier_link_refuses_tls_1_2(void **state)
{
    struct world *w = *state;
    SSL_CTX *client =
        context_of(CRYPT_TLS_TIER_CHILD, &w->child, &w->ca, false, NULL);
    SSL_CTX_set_min_proto_version(client, TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(client, TLS1_2_VERSION);
    struct pair pair = pair_new(
        context_of(CRYPT_TLS_TIER_PARENT, &w->parent, &w->ca, false, NULL),
        client);
    assert_non_null(strstr(pair.why[0], "unsupported protocol"));
    refused(pair);
}

static void
a_child_notices_a_parent_without_alpn(void **state)
{
    struct world *w = *state;
    struct crypt_cert_facts facts;
    SSL_CTX *client =
        context_of(CRYPT_TLS_TIER_CHILD, &w->child, &w->ca, false, NULL);
    struct pair pair = pair_new(
        context_of(CRYPT_TLS_DOOR, &w->parent, &w->ca, true, NULL), client);
    assert_true(pair.agreed);
    assert_int_equal(crypt_tls_peer(pair.client, now, &facts), ERR_DENIED);
    pair_free(&pair);
}

static void
a_door_serves_anybody_and_may_ask_for_certificates(void **state)
{
    struct world *w = *state;
    const struct node *ca = &w->ca;
    struct crypt_cert_facts facts;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *client = context_of(CRYPT_TLS_CLIENT, NULL, ca, false, NULL);
        SSL_CTX_set_max_proto_version(client, version);
        struct pair pair = pair_new(
            context_of(CRYPT_TLS_DOOR, &w->door, ca, true, NULL), client);
        assert_true(pair.agreed);
        assert_int_equal(SSL_version(pair.server), version);
        assert_int_equal(crypt_tls_peer(pair.server, now, &facts), ERR_ABSENT);
        assert_int_equal(crypt_tls_peer(pair.client, now, &facts), ERR_OK);
        pair_free(&pair);
    }
    struct pair pair =
        pair_new(context_of(CRYPT_TLS_DOOR, &w->door, ca, true, NULL),
                 context_of(CRYPT_TLS_CLIENT, &w->child, ca, false, NULL));
    assert_true(pair.agreed);
    assert_int_equal(crypt_tls_peer(pair.server, now, &facts), ERR_OK);
    assert_string_equal(facts.prefix, "88.31.1001");
    pair_free(&pair);
    refused(
        pair_new(context_of(CRYPT_TLS_DOOR, &w->door, ca, true, NULL),
                 context_of(CRYPT_TLS_CLIENT, &w->stranger, ca, false, NULL)));
    refused(pair_new(
        context_of(CRYPT_TLS_DOOR, &w->door, ca, false, NULL),
        context_of(CRYPT_TLS_CLIENT, NULL, &w->other_ca, false, NULL)));
    /* a tier certificate of a child is not a door's */
    refused(pair_new(context_of(CRYPT_TLS_DOOR, &w->child, ca, false, NULL),
                     context_of(CRYPT_TLS_CLIENT, NULL, ca, false, NULL)));
}

static void
a_joining_client_trusts_a_hash_and_nothing_else(void **state)
{
    struct world *w = *state;
    struct crypt_cert_facts good, bad, facts;
    crypt_cert_facts(w->ca.cert, &good);
    crypt_cert_facts(w->other_ca.cert, &bad);
    struct pair pair =
        pair_new(context_of(CRYPT_TLS_DOOR, &w->door, &w->ca, false, NULL),
                 context_of(CRYPT_TLS_CLIENT, NULL, NULL, false, good.hash));
    assert_true(pair.agreed);
    assert_int_equal(crypt_tls_peer(pair.client, now, &facts), ERR_OK);
    pair_free(&pair);
    refused(
        pair_new(context_of(CRYPT_TLS_DOOR, &w->door, &w->ca, false, NULL),
                 context_of(CRYPT_TLS_CLIENT, NULL, NULL, false, bad.hash)));
    /* the right CA is shown, but the leaf is another's */
    struct node forged = {w->stranger.key, w->stranger.cert};
    refused(
        pair_new(context_of(CRYPT_TLS_DOOR, &forged, &w->ca, false, NULL),
                 context_of(CRYPT_TLS_CLIENT, NULL, NULL, false, good.hash)));
}

static void
a_key_that_is_not_the_certificates_is_refused(void **state)
{
    struct world *w = *state;
    struct crypt_tls_config config = {
        .kind = CRYPT_TLS_DOOR,
        .key = w->child.key,
        .cert = w->door.cert,
        .ca = w->ca.cert,
    };
    struct base_note note;
    SSL_CTX *context = NULL;
    assert_int_equal(crypt_tls_new(&config, &context, &note), ERR_MISMATCH);
    assert_non_null(strstr(note.text, "mismatch"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tier_link_is_mutual_and_names_both_ends),
        cmocka_unit_test(an_expired_certificate_is_told_after_the_handshake),
        cmocka_unit_test(a_tier_link_refuses_strangers),
        cmocka_unit_test(a_tier_link_refuses_tls_1_2),
        cmocka_unit_test(a_child_notices_a_parent_without_alpn),
        cmocka_unit_test(a_door_serves_anybody_and_may_ask_for_certificates),
        cmocka_unit_test(a_joining_client_trusts_a_hash_and_nothing_else),
        cmocka_unit_test(a_key_that_is_not_the_certificates_is_refused),
    };
    return cmocka_run_group_tests(tests, world_new, world_free);
}
