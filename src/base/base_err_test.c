/* base_err_test.c -- names, notes, and how long ones are cut. */
#include "base/base_err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/base_bytes.h"
#include "base/base_log.h"
#include "base/base_mem.h"

static void
every_error_has_a_name_and_a_text(void **state)
{
    (void)state;
    assert_string_equal(base_err_name(ERR_OK), "OK");
    assert_string_equal(base_err_name(ERR_AGAIN), "AGAIN");
    assert_string_equal(base_err_text(ERR_ABSENT), "not found");
    assert_string_equal(base_err_name(ERR_COUNT), "UNKNOWN");
}

static void
a_note_says_what_and_where(void **state)
{
    (void)state;
    struct base_note note;
    memset(&note, 0xAA, sizeof note);
    assert_int_equal(base_err_note_at(&note, ERR_NAME, "node.yaml", 3, 5,
                                      "%s is unknown", "colour"),
                     ERR_NAME);
    assert_int_equal(note.code, ERR_NAME);
    assert_string_equal(note.where, "node.yaml");
    assert_int_equal(note.line, 3);
    assert_int_equal(note.column, 5);
    assert_string_equal(note.text, "colour is unknown");
    assert_int_equal(base_err_note(&note, ERR_BIG, "big"), ERR_BIG);
    assert_string_equal(note.where, "");
    assert_int_equal(base_err_note(NULL, ERR_BIG, "big"), ERR_BIG);
}

static void
a_note_is_not_cut_inside_a_character(void **state)
{
    (void)state;
    struct base_note note;
    for (size_t pad = 0; pad < 4; pad++) {
        char text[400];
        memset(text, 'x', pad);
        for (size_t i = pad; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "\xE4\xB8\xAD", 4);
        base_err_note_at(&note, ERR_BIG, text, 0, 0, "%s", text);
        assert_true(base_bytes_utf8(base_bytes_text(note.text)));
        assert_true(base_bytes_utf8(base_bytes_text(note.where)));
        assert_true(strlen(note.text) >= sizeof note.text - 4);
    }
}

static void
what_is_not_utf8_is_told_with_question_marks(void **state)
{
    static const struct {
        const char *text, *told;
    } rows[] = {
        {"a\xFFz", "a?z"},
        {"\xE4\xB8", "?\?"},
        {"\xE4\xB8\xAD\xC3(\xE4\xB8\xAD", "\xE4\xB8\xAD?(\xE4\xB8\xAD"},
        {"\xED\xA0\x80", "?\?\?"},
        {"\xF4\x90\x80\x80!", "?\?\?\?!"},
    };
    struct base_note note;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        base_err_note_at(&note, ERR_NAME, rows[i].text, 0, 0, "%s",
                         rows[i].text);
        assert_string_equal(note.text, rows[i].told);
        assert_string_equal(note.where, rows[i].told);
    }
}

struct kept {
    struct base_log log;
    char text[64];
};

static void
keep(struct base_log *self, enum base_log_level level, const char *area,
     const char *event, const char *pairs)
{
    struct kept *kept = BASE_OUTER(self, struct kept, log);
    snprintf(kept->text, sizeof kept->text, "%d %s %s %s", level, area, event,
             pairs);
}

static void
a_log_gets_the_line_and_no_log_gets_none(void **state)
{
    (void)state;
    struct kept kept = {.log = {keep}};
    base_log_say(&kept.log, BASE_LOG_WARN, "tier", "link_up", "peer=%d", 88);
    assert_string_equal(kept.text, "2 tier link_up peer=88");
    base_log_say(NULL, BASE_LOG_WARN, "tier", "link_up", "peer=%d", 88);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_a_name_and_a_text),
        cmocka_unit_test(a_note_says_what_and_where),
        cmocka_unit_test(a_note_is_not_cut_inside_a_character),
        cmocka_unit_test(what_is_not_utf8_is_told_with_question_marks),
        cmocka_unit_test(a_log_gets_the_line_and_no_log_gets_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
