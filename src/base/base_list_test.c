/* base_list_test.c -- links in and out. */
#include "base/base_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void
members_leave_in_order_or_from_the_middle(void **state)
{
    (void)state;
    struct base_link head, links[4] = {0};
    base_list_init(&head);
    assert_true(base_list_empty(&head));
    for (unsigned i = 0; i < 4; i++) {
        assert_false(base_list_in(&links[i]));
        base_list_add(&head, &links[i]);
        assert_true(base_list_in(&links[i]));
    }
    base_list_remove(&links[1]);
    assert_false(base_list_in(&links[1]));
    assert_ptr_equal(base_list_take(&head), &links[0]);
    assert_ptr_equal(base_list_take(&head), &links[2]);
    assert_ptr_equal(base_list_take(&head), &links[3]);
    assert_null(base_list_take(&head));
    assert_true(base_list_empty(&head));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_leave_in_order_or_from_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
