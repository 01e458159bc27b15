/* ident_world_test.h -- one node's registry of names on a real store, for
 * tests.
 */
#ifndef IDENT_WORLD_TEST_H
#define IDENT_WORLD_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "engine/ident/ident.h"
#include "sys/sys_loop.h"
#include "sys/sys_random.h"
#include "wire/figure/wire_unit.h"

struct world {
    char folder[64];
    struct sys_loop *sys;
    struct base_loop *loop;
    struct base_stats stats;
    struct store_journal *journal;
    struct store_kv *kv;
    struct model_port port;
    unsigned units, prefixes, objects;
    struct crypt_key *ca_key, *tls_key, *child_key;
    struct crypt_cert *ca;
    struct ident *ident;
};

static struct world *world_of_port;

static enum err
port_post(struct model_port *port, enum model_channel channel, unsigned kind,
          struct bytes to, struct bytes body, struct store_kv_batch *batch)
{
    struct world *world = BASE_OUTER(port, struct world, port);
    (void)to;
    (void)batch;
    assert_int_equal(channel, MODEL_CHANNEL_NAMES);
    assert_true(body.size > 0);
    struct wire_unit unit;
    if (kind == MODEL_KIND_NAMES_UNIT) {
        assert_int_equal(wire_unit_read(body, &unit), ERR_OK);
        assert_true(
            model_attr_get(unit.attributes, base_bytes_text("region")).size >
            0);
        world->units++;
    } else {
        world->prefixes++;
    }
    return ERR_OK;
}

static void
port_tell(struct model_port *port, struct model_event *event)
{
    BASE_OUTER(port, struct world, port)->objects++;
    base_mem_free(event);
}

static const struct model_port_ops port_ops = {.post = port_post,
                                               .tell = port_tell};

static void
stop(struct base_timer *timer)
{
    (void)timer;
    sys_loop_stop(world_of_port->sys);
}

/* Let the loop run until what was journalled is durable and told. */
static void
settle(struct world *world)
{
    struct base_timer timer = {.fn = stop};
    store_journal_flush(
        world->journal, STORE_JOURNAL_RECORDS,
        store_journal_appended(world->journal, STORE_JOURNAL_RECORDS));
    base_loop_timer(world->loop, &timer, 20);
    sys_loop_run(world->sys);
}

static void
world_ident(struct world *world)
{
    struct base_note note = {0};
    struct ident_config config = {
        .prefix = "88.31",
        .kv = world->kv,
        .loop = world->loop,
        .port = &world->port,
        .random = sys_random(),
        .stats = &world->stats,
        .ca_key = world->ca_key,
        .ca = world->ca,
        .tls_key = world->tls_key,
        .attributes = base_bytes_text("ind=39,region=31"),
        .site = {.address = "127.0.0.1", .http_port = 8110},
    };
    assert_int_equal(ident_new(&config, &world->ident, &note), ERR_OK);
}

static int
setup(void **state)
{
    struct world *world = base_mem_zero(sizeof *world);
    struct base_note note = {0};
    char path[128];
    world_of_port = world;
    memcpy(world->folder, "/tmp/ident-test-XXXXXX", 23);
    must(mkdtemp(world->folder) != NULL);
    must(sys_loop_new("test", &world->sys) == ERR_OK);
    world->loop = sys_loop_base(world->sys);
    base_stat_init(&world->stats);
    world->port = (struct model_port){&port_ops, base_bytes_text("88.31")};
    snprintf(path, sizeof path, "%s/journal", world->folder);
    must(sys_file_folders(sys_file_real(), path) == ERR_OK);
    struct store_journal_config journal = {
        .files = sys_file_real(),
        .loop = world->loop,
        .random = sys_random(),
        .stats = &world->stats,
        .folder = path,
        .shards = 1,
        .file_bytes = 1 << 20,
        .threads = true,
        .ignore_marks = true,
    };
    must(store_journal_open(&journal, &world->journal, &note) == ERR_OK);
    char kv_path[128];
    snprintf(kv_path, sizeof kv_path, "%s/kv", world->folder);
    must(sys_file_folders(sys_file_real(), kv_path) == ERR_OK);
    struct store_kv_config kv = {
        .journal = world->journal,
        .loop = world->loop,
        .stats = &world->stats,
        .folder = kv_path,
        .owner = 1,
        .map_bytes = 64 << 20,
    };
    must(store_kv_open(&kv, &world->kv, &note) == ERR_OK);
    must(store_journal_start(world->journal) == ERR_OK);
    must(crypt_key_make(CRYPT_KEY_P256, &world->ca_key) == ERR_OK);
    must(crypt_key_make(CRYPT_KEY_P256, &world->tls_key) == ERR_OK);
    must(crypt_key_make(CRYPT_KEY_P256, &world->child_key) == ERR_OK);
    must(crypt_cert_ca(world->ca_key, "88.31", base_loop_wall(world->loop),
                       sys_random(), &world->ca) == ERR_OK);
    world_ident(world);
    *state = world;
    return 0;
}

static int
teardown(void **state)
{
    struct world *world = *state;
    char command[128];
    settle(world);
    ident_free(world->ident);
    store_kv_shut(world->kv);
    store_journal_shut(world->journal);
    crypt_cert_free(world->ca);
    crypt_key_free(world->ca_key);
    crypt_key_free(world->tls_key);
    crypt_key_free(world->child_key);
    sys_loop_free(world->sys);
    base_stat_done(&world->stats);
    snprintf(command, sizeof command, "rm -rf %s", world->folder);
    must(system(command) == 0);
    base_mem_free(world);
    return 0;
}

static struct bytes
text(const char *from)
{
    return base_bytes_text(from);
}

struct ensured {
    struct ident_ensure call;
    unsigned count;
    enum err err;
};

static inline void
ensured_done(struct ident_ensure *call, enum err err)
{
    struct ensured *ensured = BASE_OUTER(call, struct ensured, call);
    ensured->count++;
    ensured->err = err;
}

/* The doors' question. */
static inline enum err
ensure(struct world *world, const char *id, bool create)
{
    struct ensured ensured = {.call = {.done = ensured_done,
                                       .loop = world->loop,
                                       .create = create,
                                       .id_size = (uint8_t)strlen(id)}};
    memcpy(ensured.call.id, id, strlen(id));
    ident_ensure(world->ident, &ensured.call);
    for (int i = 0; i < 50 && ensured.count == 0; i++)
        settle(world);
    assert_int_equal(ensured.count, 1);
    return ensured.err;
}

#endif
