/* api_console_test.c -- the table and the comparison; the routes are asked
 * over HTTP by tests/whole/console.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api/console/api_console.h"

static const struct api_console_file *
find(const char *path)
{
    return api_console_find(base_bytes_text(path));
}

static bool
matches(const char *header, const char *etag)
{
    return api_console_matches(base_bytes_text(header), etag);
}

static void
the_page_is_at_the_root(void **state)
{
    (void)state;
    const struct api_console_file *page = find("/");
    assert_non_null(page);
    assert_string_equal(page->type, "text/html; charset=utf-8");
    assert_true(
        base_bytes_starts(page->content, base_bytes_text("<!doctype html>")));
}

static void
whatever_the_page_loads_is_there(void **state)
{
    (void)state;
    static const char word[] = "\"/console/";
    struct bytes page = find("/")->content;
    unsigned count = 0;
    for (size_t at = 0; at < page.size; at++) {
        struct bytes left = base_bytes_slice(page, at, page.size);
        if (!base_bytes_starts(left, base_bytes_text(word)))
            continue;
        left = base_bytes_slice(left, 1, left.size);
        left.size = base_bytes_find(left, '"');
        assert_non_null(api_console_find(left));
        count++;
    }
    assert_true(count >= 4);
}

static void
files_are_in_order_and_tags_are_quoted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < api_console_file_count; i++) {
        const struct api_console_file *file = &api_console_files[i];
        size_t size = strlen(file->etag);
        assert_true(file->content.size > 0);
        assert_int_equal(size, 34);
        assert_true(file->etag[0] == '"' && file->etag[size - 1] == '"');
        if (i > 0)
            assert_true(strcmp(file[-1].path, file->path) < 0);
    }
}

static void
other_names_are_absent(void **state)
{
    (void)state;
    assert_null(find("/console/"));
    assert_null(find("/console/index.html"));
    assert_null(find("/console/../app.js"));
    assert_null(find(""));
}

static void
a_known_tag_matches_in_a_list_and_when_weak(void **state)
{
    (void)state;
    assert_true(matches("\"a1\"", "\"a1\""));
    assert_true(matches("W/\"a1\"", "\"a1\""));
    assert_true(matches("\"b\" ,\t\"a1\"", "\"a1\""));
    assert_true(matches(" * ", "\"a1\""));
}

static void
another_tag_does_not_match(void **state)
{
    (void)state;
    assert_false(matches("", "\"a1\""));
    assert_false(matches("\"a\"", "\"a1\""));
    assert_false(matches("a1", "\"a1\""));
    assert_false(matches("\"x,\"a1", "\"a1\""));
    assert_false(matches(",,*", "\"a1\""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_at_the_root),
        cmocka_unit_test(whatever_the_page_loads_is_there),
        cmocka_unit_test(files_are_in_order_and_tags_are_quoted),
        cmocka_unit_test(other_names_are_absent),
        cmocka_unit_test(a_known_tag_matches_in_a_list_and_when_weak),
        cmocka_unit_test(another_tag_does_not_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
