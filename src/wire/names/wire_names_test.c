/* wire_names_test.c -- messages about names are read as they were written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "wire/names/wire_names.h"

static uint8_t room[4096], value_room[256];

static struct bytes
text(const char *from)
{
    return base_bytes_text(from);
}

static struct wire_hs_list
one_value(void)
{
    struct base_out out;
    base_out_fixed(&out, value_room, sizeof value_room);
    wire_hs_write_value(&out, &(struct wire_hs_value){.index = 1,
                                                      .permissions = 14,
                                                      .type = text("URL"),
                                                      .data = text("u")});
    return (struct wire_hs_list){1, base_out_bytes(&out)};
}

/* Nothing shorter is whole, nothing may follow. */
static void
exact(struct base_out *out, enum err (*read)(struct bytes body))
{
    assert_true(base_out_ok(out));
    assert_int_equal(read(base_out_bytes(out)), ERR_OK);
    for (size_t n = 0; n < out->size; n++)
        assert_int_not_equal(read(base_bytes(room, n)), ERR_OK);
    room[out->size] = 0;
    assert_int_equal(read(base_bytes(room, out->size + 1)), ERR_SYNTAX);
    room[0] = 9;
    assert_int_equal(read(base_out_bytes(out)), ERR_VERSION);
}

static enum err
read_question(struct bytes body)
{
    struct wire_names_question back;
    enum err err = wire_names_question_read(body, &back);
    if (err == ERR_OK) {
        assert_true(base_bytes_is(back.handle, "88.31/x"));
        assert_true(back.keeps && !back.authority && back.count == 3);
    }
    return err;
}

static void
a_question_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    wire_names_question_write(
        &out, &(struct wire_names_question){
                  .keeps = true, .count = 3, .handle = text("88.31/x")});
    exact(&out, read_question);
}

static enum err
read_answer(struct bytes body)
{
    struct wire_names_answer back;
    struct wire_hs_value value;
    enum err err = wire_names_answer_read(body, &back);
    if (err == ERR_OK) {
        assert_true(back.authoritative && back.code == 1);
        assert_int_equal(back.hop_count, 1);
        assert_true(base_bytes_is(back.hops[0].node, "88.31"));
        assert_int_equal(back.hops[0].ms, 7);
        assert_true(wire_hs_next(&back.values, &value));
        assert_true(base_bytes_is(value.data, "u"));
    }
    return err;
}

static void
an_answer_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    wire_names_answer_write(
        &out,
        &(struct wire_names_answer){.authoritative = true,
                                    .code = 1,
                                    .registered = text("88.31/X"),
                                    .hops = {{text("88.31"), text("held"), 7}},
                                    .hop_count = 1,
                                    .values = one_value()});
    exact(&out, read_answer);
}

static enum err
read_prefix(struct bytes body)
{
    struct wire_names_prefix back;
    enum err err = wire_names_prefix_read(body, &back);
    if (err == ERR_OK) {
        assert_int_equal(back.state, 2);
        assert_true(base_bytes_is(back.name, "88.31.2001"));
        assert_true(base_bytes_is(back.host, "88.31"));
        assert_true(base_bytes_is(back.attributes, "ind=39"));
        assert_int_equal(back.values.count, 1);
    }
    return err;
}

static void
a_prefix_is_read_in_both_versions(void **state)
{
    (void)state;
    struct base_out out;
    struct wire_names_prefix old;
    base_out_fixed(&out, room, sizeof room);
    wire_names_prefix_write(
        &out, &(struct wire_names_prefix){.state = 2,
                                          .pin = {7},
                                          .name = text("88.31.2001"),
                                          .host = text("88.31"),
                                          .attributes = text("ind=39"),
                                          .values = one_value()});
    exact(&out, read_prefix);
    base_out_reset(&out);
    base_out_u8(&out, 1);
    base_out_u8(&out, 2);
    memset(base_out_space(&out, 32), 0, 32);
    base_out_text(&out, "88.31");
    assert_int_equal(wire_names_prefix_read(base_out_bytes(&out), &old),
                     ERR_OK);
    assert_true(base_bytes_is(old.name, "88.31"));
    assert_int_equal(old.host.size, 0);
}

static enum err
read_site(struct bytes body)
{
    struct wire_names_site back;
    enum err err = wire_names_site_read(body, &back);
    if (err == ERR_OK) {
        assert_true(base_bytes_is(back.name, "88.31"));
        assert_int_equal(back.values.count, 1);
    }
    return err;
}

static enum err
read_hint(struct bytes body)
{
    struct wire_names_hint back;
    struct wire_names_change change;
    enum err err = wire_names_hint_read(body, &back);
    if (err != ERR_OK)
        return err;
    assert_true(back.boot == 5 && back.seq == 6);
    assert_true(wire_names_change_next(&back, &change));
    assert_true(base_bytes_is(change.prefix, "88.31"));
    assert_true(change.hash == 99);
    assert_true(wire_names_change_next(&back, &change));
    assert_true(change.hash == 0);
    assert_false(wire_names_change_next(&back, &change));
    return err;
}

static void
sites_and_hints_are_read_as_they_were_written(void **state)
{
    (void)state;
    struct base_out out, changes;
    uint8_t changes_room[128];
    base_out_fixed(&out, room, sizeof room);
    wire_names_site_write(
        &out, &(struct wire_names_site){text("88.31"), one_value()});
    exact(&out, read_site);
    base_out_fixed(&changes, changes_room, sizeof changes_room);
    wire_names_change_write(&changes,
                            &(struct wire_names_change){text("88.31"), 99});
    wire_names_change_write(&changes,
                            &(struct wire_names_change){text("88.44"), 0});
    base_out_reset(&out);
    wire_names_hint_write(
        &out, &(struct wire_names_hint){5, 6, 2, base_out_bytes(&changes)});
    exact(&out, read_hint);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_read_as_it_was_written),
        cmocka_unit_test(an_answer_is_read_as_it_was_written),
        cmocka_unit_test(a_prefix_is_read_in_both_versions),
        cmocka_unit_test(sites_and_hints_are_read_as_they_were_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
