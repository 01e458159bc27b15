/* ident_test.c -- registering, joining, judging. */
#include "engine/ident/ident_step.h"
#include "engine/ident/ident_world_test.h"

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

static enum err
step(struct world *world, const char *prefix, enum ident_verb verb,
     struct base_out *token)
{
    struct ident_step one = {
        .verb = verb, .prefix = text(prefix), .token = token};
    enum err err = ident_step(world->ident, &one, NULL);
    if (err != ERR_OK)
        assert_int_not_equal(one.note.text[0], 0);
    return err;
}

static struct base_out
approve(struct world *world, const char *prefix, enum err want)
{
    struct base_out token;
    base_out_grow(&token, 4096);
    assert_int_equal(step(world, prefix, IDENT_VERB_APPROVE, &token), want);
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

static enum err
renew(struct world *world, const char *prefix, const struct crypt_key *key,
      const char *san, struct base_out *pkcs7)
{
    struct base_note note = {0};
    struct base_out der;
    base_out_grow(&der, 8192);
    base_out_reset(pkcs7);
    assert_int_equal(crypt_cert_request(key, san, &der), ERR_OK);
    enum err err = ident_renew(world->ident, text(prefix), base_out_bytes(&der),
                               pkcs7, &note);
    assert_true((err == ERR_OK) == (pkcs7->size > 0));
    assert_true(err == ERR_OK || note.text[0] != '\0');
    base_out_done(&der);
    return err;
}

static void
only_the_pinned_key_of_an_active_child_is_renewed(void **state)
{
    struct world *world = *state;
    struct base_out token = approve(world, "88.31.6", ERR_OK), out;
    struct crypt_key *other;
    base_out_grow(&out, 32768);
    assert_int_equal(
        enrol(world, "88.31.6", base_out_bytes(&token), "88.31.6", &out),
        ERR_OK);
    const struct crypt_key *key = world->child_key;
    assert_int_equal(crypt_key_make(CRYPT_KEY_P256, &other), ERR_OK);
    assert_int_equal(renew(world, "88.31.6", key, "88.31.6", &out), ERR_OK);
    assert_int_equal(renew(world, "88.31.6", other, "88.31.6", &out),
                     ERR_DENIED);
    assert_int_equal(renew(world, "88.31.6", key, "88.31.5", &out), ERR_NAME);
    assert_int_equal(renew(world, "88.31.5", key, "88.31.5", &out), ERR_DENIED);
    assert_int_equal(renew(world, "88.31.6.1", key, "88.31.6.1", &out),
                     ERR_DENIED);
    assert_int_equal(step(world, "88.31.6", IDENT_VERB_SUSPEND, NULL), ERR_OK);
    assert_int_equal(renew(world, "88.31.6", key, "88.31.6", &out),
                     ERR_REVOKED);
    crypt_key_free(other);
    base_out_done(&token);
    base_out_done(&out);
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
    assert_int_equal(step(world, "88.31.9", IDENT_VERB_REVOKE, NULL), ERR_OK);
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
        cmocka_unit_test_setup_teardown(
            only_the_pinned_key_of_an_active_child_is_renewed, setup, teardown),
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
