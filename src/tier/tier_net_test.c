/* tier_net_test.c -- two nodes on one real loop: TCP, TLS 1.3, certificates,
 * journal and files as in the field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "store/store_kv.h"
#include "sys/sys_random.h"
#include "sys/sys_thread.h"
#include "tier/tier.h"
#include "tier/tier_net.h"

enum { MESSAGES = 2000, WAIT_MS = 20000, STEP_MS = 10 };

struct node {
    char folder[96];
    const char *prefix;
    struct base_stats stats;
    struct store_journal *journal;
    struct store_kv *kvs[TIER_OWNERS];
    struct net *net;
    struct tier_net *tier_net;
    struct tier *tier;
    struct base_idle idle;
    char endpoint[64];
    const char *endpoints[1];
    uint64_t taken, wrong;
};

struct pair {
    struct sys_loop *loop;
    char folder[64];
    struct crypt_key *ca_key, *keys[2];
    struct crypt_cert *ca, *certs[2];
    struct ssl_ctx_st *contexts[2];
    struct node nodes[2]; /* 88, 88.1 */
    struct base_timer timer;
    int64_t until_ms;
    bool (*ready)(struct pair *pair);
};

/* --- certificates --- */

static struct crypt_cert *
pair_cert(struct pair *pair, enum crypt_cert_use use, const char *prefix,
          const struct crypt_key *key, int64_t back_ms)
{
    uint8_t room[512];
    struct base_out out;
    struct crypt_cert *cert = NULL;
    base_out_fixed(&out, room, sizeof room);
    assert_int_equal(crypt_key_public(key, &out), ERR_OK);
    struct wall now = base_loop_wall(sys_loop_base(pair->loop));
    now.ms -= back_ms;
    const struct crypt_cert_issue issue = {
        .ca = pair->ca,
        .ca_key = pair->ca_key,
        .use = use,
        .prefix = prefix,
        .public_der = base_out_bytes(&out),
        .now = now,
        .random = sys_random(),
    };
    assert_int_equal(crypt_cert_issue(&issue, &cert), ERR_OK);
    return cert;
}

/* The parent's certificate is made for `parent_use`, the child's so long ago.
 */
static void
pair_keys(struct pair *pair, enum crypt_cert_use parent_use, int64_t back_ms)
{
    struct base_note note = {0};
    assert_int_equal(crypt_key_make(CRYPT_KEY_P256, &pair->ca_key), ERR_OK);
    assert_int_equal(crypt_cert_ca(pair->ca_key, "88",
                                   base_loop_wall(sys_loop_base(pair->loop)),
                                   sys_random(), &pair->ca),
                     ERR_OK);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(crypt_key_make(CRYPT_KEY_P256, &pair->keys[i]),
                         ERR_OK);
        pair->certs[i] = pair_cert(pair, i == 0 ? parent_use : CRYPT_CERT_CHILD,
                                   i == 0 ? "88" : "88.1", pair->keys[i],
                                   i == 0 ? 0 : back_ms);
        const struct crypt_tls_config config = {
            .kind = i == 0 ? CRYPT_TLS_TIER_PARENT : CRYPT_TLS_TIER_CHILD,
            .key = pair->keys[i],
            .cert = pair->certs[i],
            .ca = pair->ca,
        };
        assert_int_equal(crypt_tls_new(&config, &pair->contexts[i], &note),
                         ERR_OK);
    }
}

/* --- nodes --- */

static enum model_took
node_take(void *engine, const struct model_message *message,
          struct store_kv_batch *batch, enum err *ret_code)
{
    struct node *node = engine;
    (void)batch, (void)ret_code;
    node->taken++;
    if (message->seq != node->taken || message->body.size != 200)
        node->wrong++;
    return MODEL_TOOK_OK;
}

static void
node_echo(void *engine, const struct model_message *message,
          struct model_answer *answer)
{
    (void)engine;
    answer->answer(answer, ERR_OK, message->body);
}

static void
node_idle(struct base_idle *idle)
{
    struct node *node = BASE_OUTER(idle, struct node, idle);
    if (node->journal)
        store_journal_close(node->journal, STORE_JOURNAL_RECORDS);
}

static void
node_open(struct pair *pair, struct node *node)
{
    struct base_note note = {0};
    struct base_loop *loop = sys_loop_base(pair->loop);
    char path[128];
    snprintf(node->folder, sizeof node->folder, "%s/%s", pair->folder,
             node->prefix);
    snprintf(path, sizeof path, "%s/journal", node->folder);
    base_stat_init(&node->stats);
    const struct store_journal_config journal = {
        .files = sys_file_real(),
        .loop = loop,
        .random = sys_random(),
        .stats = &node->stats,
        .folder = path,
        .shards = 1,
        .file_bytes = 1 << 20,
        .threads = true,
        .ignore_marks = true,
    };
    assert_int_equal(store_journal_open(&journal, &node->journal, &note),
                     ERR_OK);
    static const uint8_t owners[] = {STORE_JOURNAL_NODE, STORE_JOURNAL_IDENT};
    for (unsigned i = 0; i < BASE_COUNT(owners); i++) {
        snprintf(path, sizeof path, "%s/kv%u", node->folder, i);
        const struct store_kv_config kv = {
            .journal = node->journal,
            .loop = loop,
            .stats = &node->stats,
            .folder = path,
            .owner = owners[i],
            .map_bytes = 64 << 20,
        };
        assert_int_equal(store_kv_open(&kv, &node->kvs[owners[i]], &note),
                         ERR_OK);
    }
    assert_int_equal(store_journal_start(node->journal), ERR_OK);
    node->idle.fn = node_idle;
    base_loop_idle(loop, &node->idle);
}

static void
node_start(struct pair *pair, struct node *node, struct ssl_ctx_st *child)
{
    struct base_note note = {0};
    assert_int_equal(net_new(pair->loop, &node->stats, &node->net), ERR_OK);
    assert_int_equal(tier_net_new(node->net, child, &node->tier_net), ERR_OK);
    node->endpoints[0] = node->endpoint;
    struct tier_config config = {
        .prefix = node->prefix,
        .parent = child ? "88" : "",
        .loop = sys_loop_base(pair->loop),
        .random = sys_random(),
        .stats = &node->stats,
        .journal = node->journal,
        .parents = node->endpoints,
        .parent_count = 1,
        .transport = tier_net_transport(node->tier_net),
        .spread_ms = 1,
    };
    memcpy(config.kvs, node->kvs, sizeof config.kvs);
    assert_int_equal(tier_new(&config, &node->tier, &note), ERR_OK);
    tier_add_log(node->tier, &(struct model_log_row){
                                 .channel = MODEL_CHANNEL_NAMES,
                                 .kind = MODEL_KIND_NAMES_PREFIX,
                                 .max = 4096,
                                 .kv = node->kvs[STORE_JOURNAL_IDENT],
                                 .take = node_take,
                                 .engine = node,
                             });
    tier_add_call(node->tier, &(struct model_call_row){
                                  .channel = MODEL_CHANNEL_DATA_CALL,
                                  .kind = MODEL_KIND_DATA_CALL_QUERY,
                                  .max = 1 << 20,
                                  .take = node_echo,
                                  .engine = node,
                              });
    tier_start(node->tier);
}

static struct pair *
pair_new(enum crypt_cert_use parent_use, int64_t back_ms)
{
    struct base_note note = {0};
    struct pair *pair = base_mem_zero(sizeof *pair);
    snprintf(pair->folder, sizeof pair->folder, "/tmp/tier_net_test.XXXXXX");
    assert_non_null(mkdtemp(pair->folder));
    assert_int_equal(sys_loop_new("test", &pair->loop), ERR_OK);
    pair_keys(pair, parent_use, back_ms);
    struct node *parent = &pair->nodes[0], *child = &pair->nodes[1];
    parent->prefix = "88";
    child->prefix = "88.1";
    node_open(pair, parent);
    node_open(pair, child);
    node_start(pair, parent, NULL);
    assert_int_equal(tier_net_listen(parent->tier_net, parent->tier,
                                     "127.0.0.1", 0, pair->contexts[0], &note),
                     ERR_OK);
    snprintf(child->endpoint, sizeof child->endpoint, "127.0.0.1:%u",
             net_listener_port(tier_net_listener(parent->tier_net)));
    node_start(pair, child, pair->contexts[1]);
    return pair;
}

static void
pair_free(struct pair *pair)
{
    char command[160];
    for (unsigned i = 2; i-- > 0;)
        tier_stop(pair->nodes[i].tier);
    for (unsigned i = 2; i-- > 0;) {
        struct node *node = &pair->nodes[i];
        tier_net_free(node->tier_net);
        net_free(node->net);
        store_kv_shut(node->kvs[STORE_JOURNAL_IDENT]);
        store_kv_shut(node->kvs[STORE_JOURNAL_NODE]);
        store_journal_shut(node->journal);
        tier_free(node->tier);
        base_stat_done(&node->stats);
        crypt_tls_free(pair->contexts[i]);
        crypt_cert_free(pair->certs[i]);
        crypt_key_free(pair->keys[i]);
    }
    sys_loop_free(pair->loop);
    crypt_cert_free(pair->ca);
    crypt_key_free(pair->ca_key);
    snprintf(command, sizeof command, "rm -r %s", pair->folder);
    assert_int_equal(system(command), 0);
    base_mem_free(pair);
}

static void
pair_look(struct base_timer *timer)
{
    struct pair *pair = BASE_OUTER(timer, struct pair, timer);
    struct base_loop *loop = sys_loop_base(pair->loop);
    if (pair->ready(pair) || base_loop_mono(loop).ms > pair->until_ms)
        sys_loop_stop(pair->loop);
    else
        base_loop_timer(loop, timer, STEP_MS);
}

static bool
pair_run(struct pair *pair, bool (*ready)(struct pair *pair))
{
    struct base_loop *loop = sys_loop_base(pair->loop);
    pair->ready = ready;
    pair->until_ms = base_loop_mono(loop).ms + WAIT_MS;
    pair->timer.fn = pair_look;
    base_loop_timer(loop, &pair->timer, STEP_MS);
    sys_loop_run(pair->loop);
    return ready(pair);
}

static void
view_kept(void *self, const struct tier_view *view)
{
    *(struct tier_view *)self = *view;
}

static bool
is_up(struct pair *pair)
{
    struct tier_view view = {0};
    tier_list(pair->nodes[1].tier, view_kept, &view);
    return view.up;
}

static bool
has_failed(struct pair *pair)
{
    struct tier_view view = {0};
    tier_list(pair->nodes[1].tier, view_kept, &view);
    return view.why && view.why[0];
}

static bool
all_taken(struct pair *pair)
{
    return pair->nodes[0].taken >= MESSAGES;
}

/* --- tests --- */

static struct echo {
    struct model_ask ask;
    enum err err;
    size_t size;
    bool done;
} echo;

static void
echo_done(struct model_ask *ask, enum err err, struct bytes body)
{
    (void)ask;
    echo.err = err;
    echo.size = body.size;
    echo.done = true;
}

static bool
is_echoed(struct pair *pair)
{
    (void)pair;
    return echo.done;
}

static void
messages_and_calls_go_over_real_tls(void **state)
{
    (void)state;
    struct pair *pair = pair_new(CRYPT_CERT_PARENT, 0);
    struct node *child = &pair->nodes[1];
    struct model_port *port = tier_port(child->tier);
    struct bytes up = base_bytes(NULL, 0);
    assert_true(pair_run(pair, is_up));
    uint8_t body[200] = {0};
    int64_t start_us = sys_thread_now_us();
    for (unsigned i = 0; i < MESSAGES; i++) {
        struct store_kv *kv = child->kvs[STORE_JOURNAL_IDENT];
        struct store_kv_batch *batch = store_kv_batch_new(kv);
        assert_int_equal(port->ops->post(port, MODEL_CHANNEL_NAMES,
                                         MODEL_KIND_NAMES_PREFIX, up,
                                         base_bytes(body, sizeof body), batch),
                         ERR_OK);
        assert_int_equal(store_kv_commit(kv, batch, NULL, NULL), ERR_OK);
    }
    assert_true(pair_run(pair, all_taken));
    printf("%u messages of 200 bytes, durable at both ends, in %lld ms\n",
           MESSAGES, (long long)(sys_thread_now_us() - start_us) / 1000);
    assert_int_equal(pair->nodes[0].wrong, 0);
    size_t size = 900000; /* both ways at once, many frames, much credit */
    uint8_t *big = base_mem_zero(size);
    echo = (struct echo){.ask.done = echo_done};
    port->ops->ask(port, MODEL_CHANNEL_DATA_CALL, MODEL_KIND_DATA_CALL_QUERY,
                   up, base_bytes(big, size), 10000, &echo.ask);
    base_mem_free(big);
    assert_true(pair_run(pair, is_echoed));
    assert_int_equal(echo.err, ERR_OK);
    assert_int_equal(echo.size, size);
    pair_free(pair);
}

static void
assert_no_link(enum crypt_cert_use use, int64_t back_ms, const char *why)
{
    struct pair *pair = pair_new(use, back_ms);
    struct tier_view view = {0};
    assert_true(pair_run(pair, has_failed));
    assert_false(is_up(pair));
    tier_list(pair->nodes[1].tier, view_kept, &view);
    if (!strstr(view.why, why))
        print_error("%s\n", view.why);
    assert_non_null(strstr(view.why, why));
    pair_free(pair);
}

static void
a_child_s_certificate_does_not_make_a_parent(void **state)
{
    (void)state;
    assert_no_link(CRYPT_CERT_CHILD, 0, "certificate");
}

static void
an_expired_certificate_is_refused_by_name(void **state)
{
    (void)state;
    assert_no_link(CRYPT_CERT_PARENT, INT64_C(200) * 86400000, "expired");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_and_calls_go_over_real_tls),
        cmocka_unit_test(a_child_s_certificate_does_not_make_a_parent),
        cmocka_unit_test(an_expired_certificate_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
