/* fault_loop.h -- a loop whose time stands still until a test moves it.
 *
 * Turn     tasks posted by now, then timers due by now, then idle hooks, until
 *          nothing is ready; then the clock goes on to the next timer.
 * Threads  one; every call is `inside`. */
#ifndef FAULT_LOOP_H
#define FAULT_LOOP_H

#include "base/base_loop.h"

struct fault_loop {
    struct base_loop base;
    struct base_loop_heap timers;
    struct base_task *first, *last, mark;
    struct base_idle *idles;
    int64_t now_ms, start_ms; /* mono; wall = start + mono */
};

void fault_loop_init(struct fault_loop *loop, struct wall start);
void fault_loop_done(struct fault_loop *loop);
/* Let this much time pass, and all happen that happens in it. */
void fault_loop_run(struct fault_loop *loop, int64_t ms);
/* Forget what is posted and set: its owners are dead. */
void fault_loop_crash(struct fault_loop *loop);

#endif
