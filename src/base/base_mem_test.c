/* base_mem_test.c -- memory that is there, and must() that ends. */
#include "base/base_mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base_must.h"

static void
copies_are_copies_and_zero_is_zero(void **state)
{
    (void)state;
    base_cleanup(base_mem_free_at) char *text = base_mem_text("pump");
    base_cleanup(base_mem_free_at) char *made =
        base_mem_format("%s-%d", text, 42);
    base_cleanup(base_mem_free_at) char *zero = base_mem_zero(16);
    base_cleanup(base_mem_free_at) void *none = base_mem_copy(NULL, 0);
    assert_string_equal(made, "pump-42");
    assert_non_null(none);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(zero[i], 0);
    text = base_mem_resize(text, 100);
    assert_string_equal(text, "pump");
    base_mem_free(NULL);
}

static void
a_broken_must_aborts(void **state)
{
    (void)state;
    must(1 + 1 == 2);
    pid_t child = fork();
    if (child == 0) {
        fclose(stderr);
        signal(SIGABRT, SIG_DFL);
        must(child != 0);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_are_copies_and_zero_is_zero),
        cmocka_unit_test(a_broken_must_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
