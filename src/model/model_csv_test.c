/* model_csv_test.c -- tables, and code lists made of them. */
#include "model/model_csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_out.h"
#include "model/model_code.h"

static const char *const names[] = {"a", "b"};

/* All cells as "a|b;a|b;" or the error. */
static const char *
cells(const char *text, struct base_note *note, struct base_out *out)
{
    struct base_arena arena;
    struct model_csv_cell row[2];
    base_arena_init(&arena, 1 << 20);
    *note = (struct base_note){0};
    struct model_csv csv = {.arena = &arena, .note = note};
    base_out_reset(out);
    model_csv_open(&csv, base_bytes_text(text), "f.csv", names, 2);
    while (model_csv_next(&csv, row)) {
        base_out_bytes_add(out, row[0].text);
        base_out_u8(out, '|');
        base_out_bytes_add(out, row[1].text);
        base_out_u8(out, ';');
    }
    base_out_u8(out, 0);
    base_arena_done(&arena);
    return csv.failed == ERR_OK ? (const char *)out->at
                                : base_err_name(csv.failed);
}

static void
rows_read_as_rfc_4180_says(void **state)
{
    static const char *const rows[][2] = {
        {"a,b\n1,2\n", "1|2;"},
        {"a,b\r\n1,2\r\n3,4", "1|2;3|4;"},
        {"b,a\n1,2", "2|1;"},
        {"\xef\xbb\xbf"
         "a,b\n1,2",
         "1|2;"},
        {"a,b\n\"1,\"\"x\"\"\",\"l\n2\"\n", "1,\"x\"|l\n2;"},
        {"a,b\n,\n", "|;"},
        {"a,b\n\n1,2\n\n", "1|2;"},
        {"a,b\n\"\",\"\"\n", "|;"},
        {"a,b", ""},
        {"\"a\",\"b\"\n北京,x\n", "北京|x;"},
    };
    struct base_out out;
    struct base_note note;
    (void)state;
    base_out_grow(&out, 1 << 20);
    for (size_t i = 0; i < BASE_COUNT(rows); i++)
        assert_string_equal(cells(rows[i][0], &note, &out), rows[i][1]);
    base_out_done(&out);
}

static void
unfit_tables_are_refused_with_their_place(void **state)
{
    static const struct {
        const char *text, *err;
        uint32_t line, column;
    } rows[] = {
        {"", "NAME", 1, 1},
        {"a", "NAME", 1, 1},
        {"a,c\n", "NAME", 1, 3},
        {"a,b,a\n", "NAME", 1, 5},
        {"a,b\n1\n", "SYNTAX", 2, 1},
        {"a,b\n1,2,3\n", "SYNTAX", 2, 1},
        {"a,b\n1,x\"y\n", "SYNTAX", 2, 3},
        {"a,b\n1,\"y\" \n", "SYNTAX", 2, 3},
        {"a,b\n北,\"y\n", "SYNTAX", 2, 3},
        {"a,b\n1\r2,3\n", "SYNTAX", 2, 1},
        {"a,b\n\xb1\xb1\xbe\xa9,2\n", "UNSUPPORTED", 1, 1},
    };
    struct base_out out;
    struct base_note note;
    (void)state;
    base_out_grow(&out, 1 << 20);
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        assert_string_equal(cells(rows[i].text, &note, &out), rows[i].err);
        assert_int_equal(note.line, rows[i].line);
        assert_int_equal(note.column, rows[i].column);
        assert_true(note.text[0]);
    }
    assert_non_null(strstr(note.text, "GB18030"));
    base_out_done(&out);
}

#define HEAD "code,parent,name_zh,name_en,valid_from,valid_to,flags\n"

static enum err
codes(const char *text, struct base_arena *arena, struct model_code_list *list,
      struct base_note *note)
{
    *note = (struct base_note){0};
    return model_code_read(arena, "list", "list.csv", base_bytes_text(text),
                           list, note);
}

static void
a_code_list_knows_its_leaves_and_flags(void **state)
{
    struct base_arena arena;
    struct base_note note;
    struct model_code_list list;
    (void)state;
    base_arena_init(&arena, 1 << 20);
    assert_int_equal(codes(HEAD "C2,C,二,two,2020-01-01,2021-01-01,x|equip\n"
                                "C1,C,一,one,,,\nC,,总,all,,,x\n0110,,,,,,\n",
                           &arena, &list, &note),
                     ERR_OK);
    assert_int_equal(list.count, 4);
    assert_int_equal(list.leaf_count, 3);
    assert_string_equal(list.at[0].code, "0110");
    const struct model_code *code =
        model_code_find(&list, base_bytes_text("C2"), NULL);
    assert_string_equal(list.at[code->parent].code, "C");
    assert_false(list.at[code->parent].leaf);
    assert_int_equal(code->end_day - code->from_day, 366);
    assert_string_equal(code->flags, "x|equip");
    assert_null(model_code_find(&list, base_bytes_text("110"), &note));
    assert_non_null(strstr(note.text, "leading zeros"));
    assert_null(model_code_find(&list, base_bytes_text("9"), &note));
    base_arena_done(&arena);
}

static void
unfit_code_lists_are_refused(void **state)
{
    static const struct {
        const char *text;
        enum err err;
        uint32_t line;
    } rows[] = {
        {HEAD "a,,,,,,\na,,,,,,\n", ERR_NAME, 3},
        {HEAD "a,b,,,,,\n", ERR_NAME, 2},
        {HEAD "a,b,,,,,\nb,a,,,,,\n", ERR_LIMIT, 2},
        {HEAD "a b,,,,,,\n", ERR_NAME, 2},
        {HEAD ",,,,,,\n", ERR_NAME, 2},
        {HEAD "a,,,,2020-13-01,,\n", ERR_SYNTAX, 2},
        {HEAD "a,,,,2020-01-01,2020-01-01,\n", ERR_RANGE, 2},
        {HEAD "a,,,,20200101,,\n", ERR_SYNTAX, 2},
        {HEAD "012,,,,,,\nx,12,,,,,\n", ERR_NAME, 3},
        {"code,parent\n", ERR_NAME, 1},
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct base_arena arena;
        struct base_note note;
        struct model_code_list list;
        base_arena_init(&arena, 1 << 20);
        assert_int_equal(codes(rows[i].text, &arena, &list, &note),
                         rows[i].err);
        assert_int_equal(note.line, rows[i].line);
        base_arena_done(&arena);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_read_as_rfc_4180_says),
        cmocka_unit_test(unfit_tables_are_refused_with_their_place),
        cmocka_unit_test(a_code_list_knows_its_leaves_and_flags),
        cmocka_unit_test(unfit_code_lists_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
