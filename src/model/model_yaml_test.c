/* model_yaml_test.c -- reading what people write. */
#include "model/model_yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_out.h"
#include "model/model_near.h"

static struct base_arena arena;
static struct base_note note;

static const struct model_yaml_node *
read(struct model_yaml *yaml, const char *text)
{
    base_arena_done(&arena);
    base_arena_init(&arena, 4 << 20);
    note = (struct base_note){0};
    *yaml = (struct model_yaml){.arena = &arena, .note = &note};
    return model_yaml_read(yaml, base_bytes_text(text), "f.yaml");
}

static int
teardown(void **state)
{
    (void)state;
    base_arena_done(&arena);
    return 0;
}

static void
a_document_becomes_a_tree_with_places(void **state)
{
    struct model_yaml yaml;
    const struct model_yaml_node *root, *item;
    (void)state;
    root = read(&yaml, "a: 1\n名: [x, \"y z\", {p: q}]\n# end\nc:\n  d: |\n    "
                       "two\n    lines\n");
    assert_non_null(root);
    assert_int_equal(root->kind, MODEL_YAML_MAP);
    assert_int_equal(root->count, 3);
    item = model_yaml_get(root, "名");
    assert_int_equal(item->kind, MODEL_YAML_LIST);
    assert_int_equal(item->line, 2);
    assert_int_equal(item->column, 4);
    assert_int_equal(item->count, 3);
    item = item->first->next;
    assert_string_equal(model_yaml_text(&yaml, item, ""), "y z");
    assert_int_equal(item->column, 8);
    assert_true(!item->plain && item->exact);
    item = model_yaml_get(model_yaml_get(root, "c"), "d");
    assert_string_equal(model_yaml_text(&yaml, item, ""), "two\nlines\n");
    assert_false(item->exact);
    assert_null(model_yaml_get(root, "x"));
}

static void
what_is_not_plain_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text;
        enum err err;
        uint32_t line, column;
        const char *part;
    } rows[] = {
        {"", ERR_SYNTAX, 1, 1, "empty"},
        {"a: &x 1", ERR_SYNTAX, 1, 4, "anchor"},
        {"a: 1\nb: *x", ERR_SYNTAX, 2, 4, "alias"},
        {"a: !int 1", ERR_SYNTAX, 1, 4, "tag"},
        {"a: ! 1", ERR_SYNTAX, 1, 4, "tag"},
        {"&a {b: 1}", ERR_SYNTAX, 1, 1, "anchor"},
        {"- &a [b]", ERR_SYNTAX, 1, 3, "anchor"},
        {"a: 1\nb: 2\na: 3", ERR_NAME, 3, 1, "line 1"},
        {"[a]: 1", ERR_SYNTAX, 1, 1, "word"},
        {"? {a: b}\n: 1", ERR_SYNTAX, 1, 3, "word"},
        {"\"\": 1", ERR_SYNTAX, 1, 1, "word"},
        {"a: 1\n---\nb: 2", ERR_SYNTAX, 2, 1, "second"},
        {"%YAML 1.1\n---\na: 1", ERR_SYNTAX, 1, 1, "directives"},
        {"a: [1, 2", ERR_SYNTAX, 2, 1, ""},
        {"a: b: c", ERR_SYNTAX, 1, 5, ""},
        {"a: \"\\0\"", ERR_SYNTAX, 1, 4, "NUL"},
        {"\ta: 1", ERR_SYNTAX, 1, 1, ""},
        {"a: \xff", ERR_SYNTAX, 1, 1, ""},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", ERR_LIMIT, 1, 33, "32"},
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct model_yaml yaml;
        assert_null(read(&yaml, rows[i].text));
        if (yaml.failed != rows[i].err || note.line != rows[i].line ||
            (rows[i].part[0] && note.column != rows[i].column) ||
            !strstr(note.text, rows[i].part))
            fail_msg("%s: %s %u:%u %s", rows[i].text,
                     base_err_name(yaml.failed), note.line, note.column,
                     note.text);
        assert_string_equal(note.where, "f.yaml");
    }
}

static void
keys_are_checked_against_a_table(void **state)
{
    static const struct model_yaml_key keys[] = {
        {"port", MODEL_YAML_SCALAR | MODEL_YAML_MUST},
        {"names", MODEL_YAML_LIST},
        {"doors", MODEL_YAML_MAP},
        {"later", MODEL_YAML_LATER},
    };
    static const struct {
        const char *text;
        enum err err;
        uint32_t line, column;
        const char *part;
    } rows[] = {
        {"port: 1\nnames: [a]\ndoors: {x: 1}", ERR_OK, 0, 0, ""},
        {"prot: 1", ERR_NAME, 1, 1, "did you mean port?"},
        {"port: 1\nzzzzzz: 1", ERR_NAME, 2, 1, "unknown key zzzzzz"},
        {"names: [a]", ERR_NAME, 1, 1, "port is missing"},
        {"port: [1]", ERR_TYPE, 1, 7, "found a list"},
        {"port: 1\nnames:", ERR_TYPE, 2, 7, "found nothing"},
        {"port: 1\nlater: 1", ERR_UNSUPPORTED, 2, 1, "not supported yet"},
        {"- port", ERR_TYPE, 1, 1, "expected a map"},
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct model_yaml yaml;
        const struct model_yaml_node *at[4];
        model_yaml_map(&yaml, read(&yaml, rows[i].text), keys, 4, at);
        if (yaml.failed != rows[i].err || note.line != rows[i].line ||
            note.column != rows[i].column || !strstr(note.text, rows[i].part))
            fail_msg("%s: %s %u:%u %s", rows[i].text,
                     base_err_name(yaml.failed), note.line, note.column,
                     note.text);
        assert_null(at[3]);
    }
}

static void
values_are_typed_and_the_first_error_stays(void **state)
{
    static const char *const words[] = {"none", "auto", "soon"};
    struct model_yaml yaml;
    const struct model_yaml_node *r;
    struct dec zero = {0};
    (void)state;
    r = read(&yaml, "{i: -7, b: true, s: 1m30s, d: 1.25, w: auto, e: , q: "
                    "\"true\", l: [1]}");
    assert_int_equal(model_yaml_int(&yaml, model_yaml_get(r, "i"), -9, 9, 0),
                     -7);
    assert_true(model_yaml_bool(&yaml, model_yaml_get(r, "b"), false));
    assert_int_equal(
        model_yaml_span(&yaml, model_yaml_get(r, "s"), 0, 100000, 0), 90000);
    assert_true(model_yaml_dec(&yaml, model_yaml_get(r, "d"), zero).count ==
                (__int128)1250000000000);
    assert_int_equal(
        model_yaml_word(&yaml, model_yaml_get(r, "w"), words, 2, 3, 0), 1);
    assert_int_equal(model_yaml_int(&yaml, NULL, 0, 9, 5), 5);
    assert_true(model_yaml_bool(&yaml, NULL, true));
    assert_string_equal(model_yaml_text(&yaml, NULL, "x"), "x");
    assert_true(model_yaml_ok(&yaml));
    assert_int_equal(model_yaml_int(&yaml, model_yaml_get(r, "i"), 0, 9, 3), 3);
    assert_int_equal(yaml.failed, ERR_RANGE);
    assert_string_equal(note.text,
                        "expected a whole number from 0 to 9, found -7");
    model_yaml_text(&yaml, model_yaml_get(r, "e"), "");
    assert_int_equal(yaml.failed, ERR_RANGE);
    static const struct {
        const char *key;
        enum err err;
    } bad[] = {
        {"e", ERR_TYPE}, {"l", ERR_TYPE}, {"q", ERR_TYPE}, {"w", ERR_TYPE}};
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        yaml.failed = ERR_OK;
        model_yaml_bool(&yaml, model_yaml_get(r, bad[i].key), false);
        assert_int_equal(yaml.failed, bad[i].err);
    }
    yaml.failed = ERR_OK;
    model_yaml_span(&yaml, model_yaml_get(r, "s"), 0, 100, 0);
    assert_int_equal(yaml.failed, ERR_RANGE);
    yaml.failed = ERR_OK;
    model_yaml_word(&yaml, model_yaml_get(r, "w"), words, 1, 3, 0);
    assert_int_equal(yaml.failed, ERR_UNSUPPORTED);
    yaml.failed = ERR_OK;
    model_yaml_word(&yaml, model_yaml_get(r, "b"), words, 1, 3, 0);
    assert_int_equal(yaml.failed, ERR_NAME);
}

static void
a_node_file_lies_over_a_role(void **state)
{
    struct model_yaml yaml;
    const struct model_yaml_node *under, *over, *made;
    (void)state;
    under = read(&yaml, "{doors: {mqtt: {port: 1, open: yes}, tier: {}}, "
                        "packs: [a, b]}");
    over = model_yaml_read(
        &yaml,
        base_bytes_text("{doors: {mqtt: {port: 2}, http: {}}, packs: "
                        "[c], bind: x}"),
        "g.yaml");
    made = model_yaml_merge(&yaml, under, over);
    assert_non_null(made);
    assert_int_equal(made->count, 3);
    const struct model_yaml_node *doors = model_yaml_get(made, "doors"),
                                 *mqtt = model_yaml_get(doors, "mqtt");
    assert_int_equal(doors->count, 3);
    assert_true(base_bytes_is(model_yaml_get(mqtt, "port")->text, "2"));
    assert_string_equal(model_yaml_get(mqtt, "port")->file, "g.yaml");
    assert_true(base_bytes_is(model_yaml_get(mqtt, "open")->text, "yes"));
    assert_int_equal(model_yaml_get(made, "packs")->count, 1);
    assert_non_null(model_yaml_get(made, "bind"));
    assert_int_equal(under->count, 2);
    assert_ptr_equal(model_yaml_merge(&yaml, NULL, NULL), NULL);
    assert_int_equal(model_yaml_merge(&yaml, NULL, over)->count, 3);
}

static void
memory_and_size_are_bounded(void **state)
{
    struct model_yaml yaml;
    char *big = base_mem_zero(MODEL_YAML_SIZE + 2);
    (void)state;
    memset(big, 'a', MODEL_YAML_SIZE + 1);
    assert_null(read(&yaml, big));
    assert_int_equal(yaml.failed, ERR_BIG);
    base_mem_free(big);
    struct base_out out;
    base_out_grow(&out, 1 << 20);
    base_out_text(&out, "{");
    for (unsigned i = 0; i <= MODEL_YAML_KEYS; i++)
        base_out_format(&out, "k%u: 1, ", i);
    base_out_text(&out, "}");
    base_out_u8(&out, 0);
    assert_null(read(&yaml, (const char *)out.at));
    assert_int_equal(yaml.failed, ERR_LIMIT);
    struct base_arena small;
    base_arena_init(&small, 1000);
    yaml = (struct model_yaml){.arena = &small, .note = &note};
    assert_null(model_yaml_read(
        &yaml, base_bytes_text("[a, b, c, d, e, f, g, h, i, j, k, l]"), "f"));
    assert_int_equal(yaml.failed, ERR_LIMIT);
    base_arena_done(&small);
    base_out_done(&out);
}

static void
the_nearest_name_is_the_one_meant(void **state)
{
    static const char *const known[] = {"grain", "grace", "label", "a"};
    static const char *const rows[][2] = {{"grian", "; did you mean grain?"},
                                          {"grac", "; did you mean grace?"},
                                          {"lable", "; did you mean label?"},
                                          {"x", "; did you mean a?"},
                                          {"elephant", ""},
                                          {"", "; did you mean a?"}};
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct model_near near;
        model_near_init(&near, base_bytes_text(rows[i][0]));
        for (size_t j = 0; j < BASE_COUNT(known); j++)
            model_near_offer(&near, known[j]);
        assert_string_equal(model_near_hint(&near), rows[i][1]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_becomes_a_tree_with_places),
        cmocka_unit_test(what_is_not_plain_is_refused_with_its_place),
        cmocka_unit_test(keys_are_checked_against_a_table),
        cmocka_unit_test(values_are_typed_and_the_first_error_stays),
        cmocka_unit_test(a_node_file_lies_over_a_role),
        cmocka_unit_test(memory_and_size_are_bounded),
        cmocka_unit_test(the_nearest_name_is_the_one_meant),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
