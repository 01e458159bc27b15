/* ident_step_test.c -- the life of a prefix: who may what, from where. */
#include "engine/ident/ident_edit.h"
#include "engine/ident/ident_step.h"
#include "engine/ident/ident_world_test.h"
#include "wire/names/wire_names.h"

static const struct model_grant_principal anna = {
    .kind = MODEL_GRANT_USER, .name = {(const uint8_t *)"anna", 4}};
static const struct model_grant_principal bert = {
    .kind = MODEL_GRANT_USER, .name = {(const uint8_t *)"bert", 4}};

static enum err
step(struct world *world, enum ident_verb verb, const char *prefix,
     const struct model_grant_principal *actor)
{
    struct ident_application of = {.name = text("Pump works"),
                                   .uscc = text("91350100M000100Y43"),
                                   .industry = text("C34"),
                                   .region = text("310000"),
                                   .contact = text("Anna")};
    struct ident_step one = {.verb = verb,
                             .prefix = text(prefix),
                             .actor = actor,
                             .reason = text("because"),
                             .application = &of,
                             .quota = 3};
    enum err err = ident_step(world->ident, &one, NULL);
    assert_true((err == ERR_OK) == (one.note.text[0] == '\0'));
    return err;
}

static void
a_social_credit_code_is_judged_by_its_check_character(void **state)
{
    (void)state;
    assert_true(ident_step_uscc(text("91350100M000100Y43")));
    assert_false(ident_step_uscc(text("91350100M000100Y44")));
    assert_false(ident_step_uscc(text("91350100M000100Y4")));
    assert_false(ident_step_uscc(text("91350100I000100Y43")));
    assert_false(ident_step_uscc(text("19350100M000100Y43")));
    assert_false(ident_step_uscc(text("")));
}

static void
who_applied_does_not_approve(void **state)
{
    struct world *world = *state;
    struct ident_application of;
    struct base_arena arena;
    assert_int_equal(step(world, IDENT_VERB_APPLY, "88.31.7", &anna), ERR_OK);
    assert_int_equal(step(world, IDENT_VERB_APPLY, "88.31.7", &anna),
                     ERR_CONFLICT);
    assert_int_equal(step(world, IDENT_VERB_APPROVE, "88.31.7", &anna),
                     ERR_DENIED);
    assert_int_equal(step(world, IDENT_VERB_RETURN, "88.31.7", &bert), ERR_OK);
    assert_int_equal(step(world, IDENT_VERB_APPLY, "88.31.7", &anna), ERR_OK);
    assert_int_equal(step(world, IDENT_VERB_APPROVE, "88.31.7", &bert), ERR_OK);
    base_arena_init(&arena, 65536);
    assert_int_equal(
        ident_step_application(world->ident, text("88.31.7"), &arena, &of),
        ERR_OK);
    assert_int_equal(of.step_count, 4);
    assert_int_equal(of.steps[3].verb, IDENT_VERB_APPROVE);
    assert_true(base_bytes_is(of.steps[3].actor, "bert"));
    assert_true(base_bytes_is(of.steps[3].reason, "because"));
    base_arena_done(&arena);
}

static void
what_is_not_in_the_table_is_refused(void **state)
{
    struct world *world = *state;
    static const enum ident_verb not_there[] = {
        IDENT_VERB_RETURN, IDENT_VERB_REFUSE, IDENT_VERB_SUSPEND,
        IDENT_VERB_RESUME, IDENT_VERB_REVOKE, IDENT_VERB_EXPORT,
        IDENT_VERB_MOVED,  IDENT_VERB_JOIN};
    for (size_t i = 0; i < BASE_COUNT(not_there); i++)
        assert_int_equal(step(world, not_there[i], "88.31.8", &bert),
                         ERR_ABSENT);
    assert_int_equal(step(world, IDENT_VERB_APPLY, "88.44.1", &anna), ERR_NAME);
    assert_int_equal(step(world, IDENT_VERB_APPROVE, "88.31.8", &bert), ERR_OK);
    assert_int_equal(step(world, IDENT_VERB_REFUSE, "88.31.8", &bert),
                     ERR_CONFLICT);
    assert_int_equal(step(world, IDENT_VERB_EXPORT, "88.31.8", &bert),
                     ERR_CONFLICT);
    assert_int_equal(step(world, IDENT_VERB_REVOKE, "88.31.8", &bert), ERR_OK);
    for (unsigned verb = 0; verb < IDENT_VERBS; verb++)
        assert_int_equal(step(world, (enum ident_verb)verb, "88.31.8", &bert),
                         ERR_REVOKED);
}

static void
a_thousand_applications_wait_and_no_more(void **state)
{
    struct world *world = *state;
    char name[32];
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "88.31.%u", 1000 + i);
        assert_int_equal(step(world, IDENT_VERB_APPLY, name, &anna), ERR_OK);
    }
    assert_int_equal(step(world, IDENT_VERB_APPLY, "88.31.7", &anna),
                     ERR_LIMIT);
    ident_free(world->ident);
    world_ident(world);
    assert_int_equal(step(world, IDENT_VERB_APPLY, "88.31.7", &anna),
                     ERR_LIMIT);
    assert_int_equal(step(world, IDENT_VERB_APPROVE, "88.31.8", &bert), ERR_OK);
    assert_int_equal(step(world, IDENT_VERB_APPROVE, name, &bert), ERR_OK);
    assert_int_equal(step(world, IDENT_VERB_APPLY, "88.31.7", &anna), ERR_OK);
    assert_int_equal(step(world, IDENT_VERB_APPLY, "88.31.9", &anna),
                     ERR_LIMIT);
}

/* What a child says of itself: one key of so many bytes. */
static enum err
say_site(struct world *world, size_t size)
{
    struct base_out raw, body;
    uint8_t *key = base_mem_zero(size);
    enum err code = ERR_OK;
    base_out_grow(&raw, 64 << 10);
    base_out_grow(&body, 64 << 10);
    wire_hs_write_value(&raw,
                        &(struct wire_hs_value){.index = CRYPT_KEY_RSA,
                                                .permissions = WIRE_HS_USUAL,
                                                .type = text("HS_PUBKEY"),
                                                .data = base_bytes(key, size)});
    wire_names_site_write(
        &body,
        &(struct wire_names_site){text("88.31.7"), {1, base_out_bytes(&raw)}});
    struct model_message message = {.from = text("88.31.7"),
                                    .body = base_out_bytes(&body)};
    struct store_kv_batch *batch = store_kv_batch_new(world->kv);
    if (ident_take_site(world->ident, &message, batch, &code) == MODEL_TOOK_OK)
        assert_int_equal(store_kv_commit(world->kv, batch, NULL, NULL), ERR_OK);
    else
        store_kv_batch_free(batch);
    base_out_done(&raw);
    base_out_done(&body);
    base_mem_free(key);
    return code;
}

static void
a_child_that_says_too_much_of_itself_is_refused(void **state)
{
    struct world *world = *state;
    assert_int_equal(step(world, IDENT_VERB_APPROVE, "88.31.7", &bert), ERR_OK);
    assert_int_equal(say_site(world, 1000), ERR_OK);
    assert_int_equal(say_site(world, 8000), ERR_OK);
    assert_int_equal(say_site(world, 9000), ERR_BIG);
    assert_int_equal(say_site(world, 60000), ERR_BIG);
}

static enum ident_code
make(struct world *world, const char *id)
{
    struct ident_edit edit = {
        .op = IDENT_OP_CREATE, .id = text(id), .state = IDENT_ACTIVE};
    ident_edit(world->ident, &edit, NULL);
    return edit.code;
}

static void
a_hosted_prefix_has_names_here_up_to_its_quota(void **state)
{
    struct world *world = *state;
    struct base_arena arena;
    struct ident_record record;
    assert_int_equal(step(world, IDENT_VERB_APPLY, "88.31.20", &anna), ERR_OK);
    assert_int_equal(step(world, IDENT_VERB_HOST, "88.31.20", &bert), ERR_OK);
    base_arena_init(&arena, 65536);
    assert_int_equal(
        ident_get(world->ident, text("88.31.20/enterprise"), &arena, &record),
        ERR_OK);
    assert_true(base_bytes_is(record.class_name, "enterprise"));
    base_arena_done(&arena);
    assert_int_equal(make(world, "88.31.20/a"), IDENT_CODE_OK);
    assert_int_equal(make(world, "88.31.20/b"), IDENT_CODE_OK);
    assert_int_equal(make(world, "88.31.20/c"), IDENT_CODE_NO_ACCESS);
    ident_rewound(world->ident); /* and after a cut, and a restart */
    assert_int_equal(make(world, "88.31.20/c"), IDENT_CODE_NO_ACCESS);
    ident_free(world->ident);
    world_ident(world);
    assert_int_equal(make(world, "88.31.20/c"), IDENT_CODE_NO_ACCESS);
    assert_int_equal(step(world, IDENT_VERB_SUSPEND, "88.31.20", &bert),
                     ERR_OK);
    assert_int_equal(make(world, "88.31.20/a"), IDENT_CODE_ELSEWHERE);
    assert_int_equal(step(world, IDENT_VERB_RESUME, "88.31.20", &bert), ERR_OK);
    assert_int_equal(make(world, "88.31.20/a"), IDENT_CODE_EXISTS);
    /* a node of its own before the export would count beside its host */
    assert_int_equal(step(world, IDENT_VERB_APPROVE, "88.31.20", &bert),
                     ERR_CONFLICT);
    assert_int_equal(step(world, IDENT_VERB_EXPORT, "88.31.20", &bert), ERR_OK);
    assert_int_equal(step(world, IDENT_VERB_APPROVE, "88.31.20", &bert),
                     ERR_OK);
    assert_int_equal(make(world, "88.31.20/a"), IDENT_CODE_READ_ONLY);
    assert_int_equal(ensure(world, "88.31.20/a", true), ERR_DENIED);
    assert_int_equal(ensure(world, "88.31.20/d", true), ERR_DENIED);
    assert_int_equal(step(world, IDENT_VERB_MOVED, "88.31.20", &bert),
                     ERR_CONFLICT); /* its node has not joined */
    assert_int_equal(step(world, IDENT_VERB_RESUME, "88.31.20", &bert), ERR_OK);
    assert_int_equal(make(world, "88.31.20/a"), IDENT_CODE_EXISTS);
    assert_int_equal(ensure(world, "88.31.20/a", true), ERR_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_social_credit_code_is_judged_by_its_check_character),
        cmocka_unit_test_setup_teardown(who_applied_does_not_approve, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_not_in_the_table_is_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_child_that_says_too_much_of_itself_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_thousand_applications_wait_and_no_more, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_hosted_prefix_has_names_here_up_to_its_quota, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
