/* ident_test.c -- registering, joining, judging. */
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
        assert_true(base_bytes_is(unit.attributes, "ind=39,region=31"));
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

static void
an_identifier_is_registered_once_and_found_in_any_case(void **state)
{
    struct world *world = *state;
    struct base_arena arena;
    struct ident_record record;
    base_arena_init(&arena, 4096);
    assert_int_equal(
        ident_register(world->ident, text("88.31/Pump-42"), text("pump"), NULL),
        ERR_OK);
    assert_int_equal(
        ident_register(world->ident, text("88.31/pump-42"), text("pump"), NULL),
        ERR_OK);
    assert_int_equal(ident_register(world->ident, text("88.31/PUMP-42"),
                                    text("valve"), NULL),
                     ERR_EXISTS);
    assert_int_equal(
        ident_get(world->ident, text("88.31/pUMP-42"), &arena, &record),
        ERR_OK);
    assert_true(base_bytes_is(record.id, "88.31/Pump-42"));
    assert_true(base_bytes_is(record.class_name, "pump"));
    settle(world);
    assert_int_equal(world->units, 1);
    assert_int_equal(world->objects, 1);
    base_arena_done(&arena);
}

static void
a_foreign_or_unfit_identifier_is_refused(void **state)
{
    struct world *world = *state;
    assert_int_equal(
        ident_register(world->ident, text("88.44/x"), text(""), NULL),
        ERR_DENIED);
    assert_int_equal(
        ident_register(world->ident, text("88.31/"), text(""), NULL), ERR_NAME);
    assert_int_equal(
        ident_register(world->ident, text("88.31/\xff"), text(""), NULL),
        ERR_SYNTAX);
}

struct ensured {
    struct ident_ensure call;
    unsigned count;
    enum err err;
};

static void
ensured_done(struct ident_ensure *call, enum err err)
{
    struct ensured *ensured = BASE_OUTER(call, struct ensured, call);
    ensured->count++;
    ensured->err = err;
}

static enum err
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

static void
a_door_may_have_it_made_or_not(void **state)
{
    struct world *world = *state;
    assert_int_equal(ensure(world, "88.31/a", false), ERR_ABSENT);
    assert_int_equal(ensure(world, "88.31/a", true), ERR_OK);
    assert_int_equal(ensure(world, "88.31/a", false), ERR_OK);
    assert_int_equal(ensure(world, "88.31.1/a", true), ERR_DENIED);
}

static void
automatic_registration_ends_at_a_thousand_an_hour(void **state)
{
    struct world *world = *state;
    char id[32];
    unsigned made = 0, limited = 0;
    struct ensured *all = base_mem_zero(sizeof *all * 1003);
    for (unsigned i = 0; i < 1003; i++) {
        snprintf(id, sizeof id, "88.31/auto-%u", i);
        all[i].call = (struct ident_ensure){.done = ensured_done,
                                            .loop = world->loop,
                                            .create = true,
                                            .id_size = (uint8_t)strlen(id)};
        memcpy(all[i].call.id, id, strlen(id));
        ident_ensure(world->ident, &all[i].call);
    }
    for (int i = 0; i < 200 && made + limited < 1003; i++) {
        settle(world);
        made = limited = 0;
        for (unsigned k = 0; k < 1003; k++) {
            made += all[k].count == 1 && all[k].err == ERR_OK;
            limited += all[k].count == 1 && all[k].err == ERR_LIMIT;
        }
    }
    assert_int_equal(made, 1000);
    assert_int_equal(limited, 3);
    base_mem_free(all);
}

static struct base_out
approve(struct world *world, const char *prefix, enum err want)
{
    struct base_out token;
    struct base_note note = {0};
    base_out_grow(&token, 4096);
    assert_int_equal(
        ident_prefix_approve(world->ident, text(prefix), &token, NULL, &note),
        want);
    return token;
}

static enum err
enrol(struct world *world, const char *prefix, struct bytes token,
      const char *san, struct base_out *pkcs7)
{
    struct base_out der;
    struct base_note note = {0};
    base_out_grow(&der, 8192);
    assert_int_equal(crypt_cert_request(world->child_key, san, &der), ERR_OK);
    enum err err =
        ident_enrol(world->ident, text(prefix), token, base_out_bytes(&der),
                    text("127.0.0.1"), pkcs7, NULL, &note);
    assert_true(err == ERR_OK || note.text[0] != '\0');
    base_out_done(&der);
    return err;
}

static void
a_token_joins_once_and_the_key_is_admitted(void **state)
{
    struct world *world = *state;
    struct base_out token = approve(world, "88.31.1001", ERR_OK);
    struct base_out first, again, other;
    struct crypt_cert *certs[4];
    struct crypt_cert_facts facts;
    unsigned count = 0;
    base_out_grow(&first, 32768);
    base_out_grow(&again, 32768);
    base_out_grow(&other, 32768);
    assert_int_equal(enrol(world, "88.31.1001", base_out_bytes(&token),
                           "88.31.1001", &first),
                     ERR_OK);
    assert_int_equal(
        crypt_cert_pkcs7_read(base_out_bytes(&first), certs, 4, &count),
        ERR_OK);
    assert_int_equal(count, 2);
    for (unsigned i = 0; i < count; i++) {
        crypt_cert_facts(certs[i], &facts);
        if (facts.is_ca)
            assert_int_equal(
                ident_admit(world->ident, text("88.31.1001"), &facts),
                ERR_DENIED);
        else
            assert_int_equal(
                ident_admit(world->ident, text("88.31.1001"), &facts), ERR_OK);
        assert_int_not_equal(
            ident_admit(world->ident, text("88.31.1002"), &facts), ERR_OK);
        crypt_cert_free(certs[i]);
    }
    crypt_key_free(world->child_key);
    assert_int_equal(crypt_key_make(CRYPT_KEY_P256, &world->child_key), ERR_OK);
    assert_int_equal(enrol(world, "88.31.1001", base_out_bytes(&token),
                           "88.31.1001", &other),
                     ERR_USED);
    base_out_done(&token);
    base_out_done(&first);
    base_out_done(&again);
    base_out_done(&other);
}

static void
the_same_request_gets_the_same_certificate_again(void **state)
{
    struct world *world = *state;
    struct base_out token = approve(world, "88.31.7", ERR_OK);
    struct base_out der, first, again;
    struct base_note note;
    base_out_grow(&der, 8192);
    base_out_grow(&first, 32768);
    base_out_grow(&again, 32768);
    crypt_cert_request(world->child_key, "88.31.7", &der);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ident_enrol(world->ident, text("88.31.7"),
                                     base_out_bytes(&token),
                                     base_out_bytes(&der), text("::1"),
                                     i == 0 ? &first : &again, NULL, &note),
                         ERR_OK);
    assert_true(
        base_bytes_equal(base_out_bytes(&first), base_out_bytes(&again)));
    base_out_done(&der);
    base_out_done(&first);
    base_out_done(&again);
    base_out_done(&token);
}

static void
wrong_tokens_are_told_apart_and_then_held_off(void **state)
{
    struct world *world = *state;
    struct base_out token = approve(world, "88.31.1001", ERR_OK), out;
    base_out_grow(&out, 32768);
    struct bytes good = base_out_bytes(&token);
    assert_int_equal(enrol(world, "88.31.1002", good, "88.31.1002", &out),
                     ERR_DENIED);
    assert_int_equal(enrol(world, "88.31.1001", good, "88.31.1002", &out),
                     ERR_NAME);
    uint8_t *bad = base_mem_copy(good.at, good.size);
    bad[good.size / 2] ^= 1;
    for (int i = 0; i < 4; i++)
        assert_int_not_equal(enrol(world, "88.31.1001",
                                   base_bytes(bad, good.size), "88.31.1001",
                                   &out),
                             ERR_OK);
    assert_int_equal(enrol(world, "88.31.1001", good, "88.31.1001", &out),
                     ERR_BUSY);
    base_mem_free(bad);
    base_out_done(&token);
    base_out_done(&out);
}

static void
only_one_label_below_is_granted_and_a_revoked_one_never_again(void **state)
{
    struct world *world = *state;
    struct base_out tokens[5];
    tokens[0] = approve(world, "88.44", ERR_NAME);
    tokens[1] = approve(world, "88.31.1.2", ERR_NAME);
    tokens[2] = approve(world, "88.31..x", ERR_NAME);
    tokens[3] = approve(world, "88.31.9", ERR_OK);
    assert_int_equal(ident_prefix_set(world->ident, text("88.31.9"),
                                      IDENT_PREFIX_REVOKED, NULL),
                     ERR_OK);
    tokens[4] = approve(world, "88.31.9", ERR_REVOKED);
    for (int i = 0; i < 5; i++)
        base_out_done(&tokens[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            an_identifier_is_registered_once_and_found_in_any_case, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            a_foreign_or_unfit_identifier_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_door_may_have_it_made_or_not, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            automatic_registration_ends_at_a_thousand_an_hour, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_token_joins_once_and_the_key_is_admitted, setup, teardown),
        cmocka_unit_test_setup_teardown(
            the_same_request_gets_the_same_certificate_again, setup, teardown),
        cmocka_unit_test_setup_teardown(
            wrong_tokens_are_told_apart_and_then_held_off, setup, teardown),
        cmocka_unit_test_setup_teardown(
            only_one_label_below_is_granted_and_a_revoked_one_never_again,
            setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
