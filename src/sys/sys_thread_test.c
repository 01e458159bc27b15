/* sys_thread_test.c -- waiting with a deadline, and the kernel's dice. */
#include "sys/sys_thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "sys/sys_random.h"

struct meeting {
    pthread_mutex_t lock;
    pthread_cond_t came;
    bool here;
};

static void *
guest(void *self)
{
    struct meeting *meeting = self;
    pthread_mutex_lock(&meeting->lock);
    meeting->here = true;
    pthread_cond_signal(&meeting->came);
    pthread_mutex_unlock(&meeting->lock);
    return NULL;
}

static void
a_wait_ends_by_the_signal_or_at_the_deadline(void **state)
{
    (void)state;
    struct meeting meeting = {.lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t thread;
    sys_thread_condition(&meeting.came);
    pthread_mutex_lock(&meeting.lock);
    int64_t until_us = sys_thread_now_us() + 10000;
    enum err err = ERR_OK;
    while (err == ERR_OK)
        err = sys_thread_wait(&meeting.came, &meeting.lock, until_us);
    assert_int_equal(err, ERR_TIMEOUT);
    assert_true(sys_thread_now_us() >= until_us);
    assert_int_equal(sys_thread_start("guest", guest, &meeting, &thread),
                     ERR_OK);
    until_us = sys_thread_now_us() + 10000000;
    for (err = ERR_OK; !meeting.here && err == ERR_OK;)
        err = sys_thread_wait(&meeting.came, &meeting.lock, until_us);
    assert_true(meeting.here);
    pthread_mutex_unlock(&meeting.lock);
    sys_thread_join(thread);
    pthread_cond_destroy(&meeting.came);
}

static void
the_kernel_never_says_the_same_twice(void **state)
{
    (void)state;
    uint8_t one[1000] = {0}, two[1000] = {0};
    sys_random()->fill(sys_random(), one, sizeof one);
    sys_random()->fill(sys_random(), two, sizeof two);
    assert_memory_not_equal(one, two, sizeof one);
    assert_memory_not_equal(one + 990, two + 990, 10);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_ends_by_the_signal_or_at_the_deadline),
        cmocka_unit_test(the_kernel_never_says_the_same_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
