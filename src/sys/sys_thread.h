/* sys_thread.h -- threads, a mutex with a condition, and process odds. */
#ifndef SYS_THREAD_H
#define SYS_THREAD_H

#include <pthread.h>

#include "base/base_err.h"

enum err sys_thread_start(const char *name, void *(*fn)(void *), void *self,
                          pthread_t *ret_thread);
void sys_thread_join(pthread_t thread);
/* Monotonic microseconds, for measuring. */
int64_t sys_thread_now_us(void);
/* Wait on condition (made with sys_thread_condition) until deadline_us of
 * sys_thread_now_us; TIMEOUT. */
void sys_thread_condition(pthread_cond_t *condition);
enum err sys_thread_wait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                         int64_t deadline_us);

#endif
