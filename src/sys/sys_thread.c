/* sys_thread.c -- pthreads, with names. */
#include "sys/sys_thread.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/base_must.h"

enum err
sys_thread_start(const char *name, void *(*fn)(void *), void *self,
                 pthread_t *ret_thread)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, fn, self) != 0)
        return ERR_IO;
    char cut[16]; /* the kernel's limit */
    snprintf(cut, sizeof cut, "%.15s", name);
    pthread_setname_np(thread, cut);
    *ret_thread = thread;
    return ERR_OK;
}

void
sys_thread_join(pthread_t thread)
{
    must(pthread_join(thread, NULL) == 0);
}

int64_t
sys_thread_now_us(void)
{
    struct timespec now;
    must(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void
sys_thread_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attr;
    must(pthread_condattr_init(&attr) == 0);
    must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    must(pthread_cond_init(condition, &attr) == 0);
    pthread_condattr_destroy(&attr);
}

enum err
sys_thread_wait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                int64_t deadline_us)
{
    if (deadline_us < 0)
        deadline_us = 0;
    struct timespec until = {.tv_sec = deadline_us / 1000000,
                             .tv_nsec = deadline_us % 1000000 * 1000};
    int result = pthread_cond_timedwait(condition, mutex, &until);
    must(result == 0 || result == ETIMEDOUT);
    return result == 0 ? ERR_OK : ERR_TIMEOUT;
}
