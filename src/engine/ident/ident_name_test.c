/* ident_name_test.c -- records with values, and what is asked of them. */
#include "engine/ident/ident_edit.h"
#include "engine/ident/ident_resolve.h"
#include "engine/ident/ident_world_test.h"

struct asked {
    struct ident_resolve call;
    unsigned done;
};

static void
asked_done(struct ident_resolve *call)
{
    BASE_OUTER(call, struct asked, call)->done++;
}

/* Ask and wait; to be ended with ident_resolve_done. */
static enum ident_code
ask(struct world *world, struct asked *asked, const char *handle)
{
    asked->call.done = asked_done;
    asked->call.loop = world->loop;
    asked->call.handle = text(handle);
    asked->done = 0;
    ident_resolve(world->ident, &asked->call);
    for (int i = 0; i < 50 && asked->done == 0; i++)
        settle(world);
    assert_int_equal(asked->done, 1);
    return asked->call.code;
}

static enum ident_code
ask_code(struct world *world, const char *handle)
{
    static struct asked asked;
    enum ident_code code = ask(world, &asked, handle);
    ident_resolve_done(&asked.call);
    return code;
}

struct values {
    uint8_t room[256];
    struct base_out out;
    uint32_t count;
};

static void
value(struct values *values, uint32_t index, const char *type, const char *data,
      uint8_t permissions)
{
    if (values->count++ == 0)
        base_out_fixed(&values->out, values->room, sizeof values->room);
    wire_hs_write_value(&values->out, &(struct wire_hs_value){
                                          .index = index,
                                          .ttl_s = 3600,
                                          .permissions = permissions,
                                          .type = text(type),
                                          .data = text(data),
                                      });
}

static struct wire_hs_list
list(const struct values *values)
{
    return (struct wire_hs_list){values->count, base_out_bytes(&values->out)};
}

static enum ident_code
edit(struct world *world, enum ident_op op, const char *id,
     const struct values *values, bool overwrite)
{
    struct ident_edit one = {.op = op,
                             .id = text(id),
                             .state = IDENT_ACTIVE,
                             .overwrite = overwrite};
    if (values != NULL)
        one.values = list(values);
    ident_edit(world->ident, &one, NULL);
    return one.code;
}

static enum ident_code
state_set(struct world *world, const char *id, enum ident_state state)
{
    struct ident_edit one = {.op = IDENT_OP_STATE,
                             .id = text(id),
                             .state = state,
                             .why = text("inspection")};
    ident_edit(world->ident, &one, NULL);
    return one.code;
}

static void
what_was_registered_is_found_in_any_case_with_made_up_values(void **state)
{
    struct world *world = *state;
    static struct asked asked;
    struct wire_hs_value one;
    assert_int_equal(
        ident_register(world->ident, text("88.31/Host"), text("host"), NULL),
        ERR_OK);
    assert_int_equal(ask(world, &asked, "88.31/hOST"), IDENT_CODE_OK);
    assert_true(asked.call.authoritative);
    assert_true(base_bytes_is(asked.call.registered, "88.31/Host"));
    assert_int_equal(asked.call.values.count, 2);
    assert_true(wire_hs_next(&asked.call.values, &one));
    assert_int_equal(one.index, 1);
    assert_true(base_bytes_is(one.type, "CLASS"));
    assert_true(base_bytes_is(one.data, "host"));
    assert_true(wire_hs_next(&asked.call.values, &one));
    assert_int_equal(one.index, 100);
    assert_true(base_bytes_is(one.type, "HS_ADMIN"));
    assert_int_equal(asked.call.hop_count, 1);
    assert_string_equal(asked.call.hops[0].node, "88.31");
    ident_resolve_done(&asked.call);
}

static void
values_are_created_added_modified_and_removed(void **state)
{
    struct world *world = *state;
    struct values first = {0}, more = {0}, other = {0};
    uint32_t gone[] = {2, 9};
    value(&first, 2, "URL", "http://a", 14);
    value(&first, 1, "CLASS", "pump", 14);
    assert_int_equal(edit(world, IDENT_OP_CREATE, "88.31/P", &first, false),
                     IDENT_CODE_OK);
    assert_int_equal(edit(world, IDENT_OP_CREATE, "88.31/p", &first, false),
                     IDENT_CODE_EXISTS);
    value(&more, 9, "CODE.ind", "3441", 14);
    assert_int_equal(edit(world, IDENT_OP_ADD, "88.31/P", &more, false),
                     IDENT_CODE_OK);
    assert_int_equal(edit(world, IDENT_OP_ADD, "88.31/P", &more, false),
                     IDENT_CODE_VALUE_EXISTS);
    value(&other, 2, "URL", "http://b", 2);
    assert_int_equal(edit(world, IDENT_OP_MODIFY, "88.31/P", &other, false),
                     IDENT_CODE_OK);
    assert_int_equal(edit(world, IDENT_OP_MODIFY, "88.31/P", &other, false),
                     IDENT_CODE_NO_ACCESS); /* read only from now on */
    struct ident_edit remove = {.op = IDENT_OP_REMOVE,
                                .id = text("88.31/P"),
                                .indexes = gone,
                                .index_count = 2};
    ident_edit(world->ident, &remove, NULL);
    assert_int_equal(remove.code, IDENT_CODE_OK);
    assert_int_equal(remove.revision, 4);
    static struct asked asked;
    struct wire_hs_value one;
    assert_int_equal(ask(world, &asked, "88.31/P"), IDENT_CODE_OK);
    assert_int_equal(asked.call.values.count, 1);
    assert_true(wire_hs_next(&asked.call.values, &one));
    assert_true(base_bytes_is(one.data, "pump"));
    assert_true(one.timestamp_s > 0);
    ident_resolve_done(&asked.call);
    assert_int_equal(edit(world, IDENT_OP_DELETE, "88.31/P", NULL, false),
                     IDENT_CODE_OK);
    assert_int_equal(ask_code(world, "88.31/P"), IDENT_CODE_ABSENT);
    assert_int_equal(edit(world, IDENT_OP_CREATE, "88.31/P", &first, false),
                     IDENT_CODE_OK);
}

static void
what_is_asked_for_is_chosen_by_index_and_type(void **state)
{
    struct world *world = *state;
    struct values all = {0};
    value(&all, 1, "URL", "a", 14);
    value(&all, 2, "URL.MIRROR", "b", 14);
    value(&all, 3, "SECRET", "c", 12);
    value(&all, 4, "SEALED", "d", 4);
    assert_int_equal(edit(world, IDENT_OP_CREATE, "88.31/C", &all, false),
                     IDENT_CODE_OK);
    static const uint32_t two[] = {2, 77}, three[] = {3}, four[] = {4};
    struct bytes url[] = {text("url")}, urls[] = {text("URL.")};
    struct {
        const uint32_t *indexes;
        unsigned index_count;
        const struct bytes *types;
        unsigned type_count;
        bool public_only, reader;
        enum ident_code code;
        unsigned count;
    } rows[] = {
        {NULL, 0, NULL, 0, true, false, IDENT_CODE_OK, 2},
        {NULL, 0, NULL, 0, false, false, IDENT_CODE_NO_ACCESS, 0},
        {two, 2, NULL, 0, false, false, IDENT_CODE_OK, 1},
        {NULL, 0, url, 1, false, false, IDENT_CODE_OK, 1},
        {NULL, 0, urls, 1, false, false, IDENT_CODE_OK, 2},
        {two, 2, url, 1, false, false, IDENT_CODE_OK, 2},
        {three, 1, NULL, 0, true, false, IDENT_CODE_NO_VALUES, 0},
        {three, 1, NULL, 0, false, false, IDENT_CODE_AUTHENTICATE, 0},
        {three, 1, NULL, 0, false, true, IDENT_CODE_OK, 1},
        {four, 1, NULL, 0, false, true, IDENT_CODE_NO_ACCESS, 0},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        static struct asked asked;
        asked.call = (struct ident_resolve){.indexes = rows[i].indexes,
                                            .index_count = rows[i].index_count,
                                            .types = rows[i].types,
                                            .type_count = rows[i].type_count,
                                            .public_only = rows[i].public_only,
                                            .reader = rows[i].reader};
        assert_int_equal(ask(world, &asked, "88.31/C"), rows[i].code);
        assert_int_equal(asked.call.values.count, rows[i].count);
        ident_resolve_done(&asked.call);
    }
    /* What is held here is told however many recursions led here. */
    static struct asked deep;
    deep.call = (struct ident_resolve){.count = 11, .public_only = true};
    assert_int_equal(ask(world, &deep, "88.31/C"), IDENT_CODE_OK);
    ident_resolve_done(&deep.call);
}

static void
a_record_lives_from_reserved_to_retired(void **state)
{
    struct world *world = *state;
    struct values one = {0};
    value(&one, 1, "URL", "a", 14);
    struct ident_edit make = {.op = IDENT_OP_CREATE,
                              .id = text("88.31/L"),
                              .values = list(&one),
                              .state = IDENT_RESERVED};
    ident_edit(world->ident, &make, NULL);
    assert_int_equal(make.code, IDENT_CODE_OK);
    assert_int_equal(ask_code(world, "88.31/L"), IDENT_CODE_ABSENT);
    assert_int_equal(state_set(world, "88.31/L", IDENT_RETIRED),
                     IDENT_CODE_NO_ACCESS);
    assert_int_equal(edit(world, IDENT_OP_CREATE, "88.31/L", &one, false),
                     IDENT_CODE_OK); /* by its owner: active */
    assert_int_equal(ask_code(world, "88.31/L"), IDENT_CODE_OK);
    assert_int_equal(state_set(world, "88.31/L", IDENT_SUSPENDED),
                     IDENT_CODE_OK);
    static struct asked asked;
    assert_int_equal(ask(world, &asked, "88.31/L"), IDENT_CODE_NO_VALUES);
    assert_string_equal(asked.call.message, "suspended: inspection");
    ident_resolve_done(&asked.call);
    assert_int_equal(state_set(world, "88.31/L", IDENT_ACTIVE), IDENT_CODE_OK);
    assert_int_equal(state_set(world, "88.31/L", IDENT_RETIRED), IDENT_CODE_OK);
    assert_int_equal(state_set(world, "88.31/L", IDENT_ACTIVE),
                     IDENT_CODE_NO_ACCESS);
    assert_int_equal(edit(world, IDENT_OP_CREATE, "88.31/L", &one, true),
                     IDENT_CODE_EXISTS);
    assert_int_equal(edit(world, IDENT_OP_DELETE, "88.31/L", NULL, false),
                     IDENT_CODE_NO_ACCESS);
}

static void
bad_names_and_values_are_refused_by_code(void **state)
{
    struct world *world = *state;
    static char name[2300];
    memset(name, 'x', sizeof name);
    memcpy(name, "88.31/", 6);
    name[2049] = '\0';
    assert_int_equal(ask_code(world, name), IDENT_CODE_INVALID);
    name[2048] = '\0';
    assert_int_equal(ask_code(world, name), IDENT_CODE_ABSENT);
    assert_int_equal(ask_code(world, "88.31/\xff"), IDENT_CODE_INVALID);
    assert_int_equal(ask_code(world, ""), IDENT_CODE_ELSEWHERE);
    assert_int_equal(ask_code(world, "99.1/x"), IDENT_CODE_ELSEWHERE);
    static struct values bad, twice, code, admin;
    name[256] = '\0';
    assert_int_equal(edit(world, IDENT_OP_CREATE, name, NULL, false),
                     IDENT_CODE_INVALID);
    assert_int_equal(edit(world, IDENT_OP_CREATE, "99/x", NULL, false),
                     IDENT_CODE_ELSEWHERE);
    value(&bad, 0, "URL", "a", 14);
    assert_int_equal(edit(world, IDENT_OP_CREATE, "88.31/b", &bad, false),
                     IDENT_CODE_VALUE_INVALID);
    value(&twice, 3, "URL", "a", 14);
    value(&twice, 3, "URL", "b", 14);
    assert_int_equal(edit(world, IDENT_OP_CREATE, "88.31/b", &twice, false),
                     IDENT_CODE_VALUE_EXISTS);
    value(&code, 3, "CODE.ind", "a b", 14);
    assert_int_equal(edit(world, IDENT_OP_CREATE, "88.31/b", &code, false),
                     IDENT_CODE_VALUE_INVALID);
    value(&admin, 100, "HS_ADMIN", "x", 14);
    assert_int_equal(edit(world, IDENT_OP_CREATE, "88.31/b", &admin, false),
                     IDENT_CODE_VALUE_INVALID);
    assert_int_equal(ask_code(world, "88.31/b"), IDENT_CODE_ABSENT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_was_registered_is_found_in_any_case_with_made_up_values, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            values_are_created_added_modified_and_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_is_asked_for_is_chosen_by_index_and_type, setup, teardown),
        cmocka_unit_test_setup_teardown(a_record_lives_from_reserved_to_retired,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            bad_names_and_values_are_refused_by_code, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
