/* sys_loop.h -- an owner thread: libevent base, inbox, timers, real clocks.
 *
 * Shape    a struct base_loop over a libevent event_base; tasks posted from
 *          other threads go through a locked list and one eventfd write per
 *          burst.  Idle hooks run after each turn's ready work.
 * Threads  sys_loop_run on the owner's thread (sys_loop_start makes one);
 *          post and stop from anywhere.  `ops->inside` compares thread ids.
 *          Until it runs, and after join, the owner is the thread that made
 *          or joined it: timers and hooks may be set before the start.
 * Clocks   CLOCK_REALTIME and CLOCK_BOOTTIME, read at each call (no system
 *          call: the kernel's page).  Timers are never early.
 * Signals  of one process belong to one loop only (libevent's limit).
 * Errors   IO: no event base, thread or eventfd. */
#ifndef SYS_LOOP_H
#define SYS_LOOP_H

#include <sys/types.h>

#include "base/base_err.h"
#include "base/base_loop.h"

struct event_base;
struct sys_loop;

enum err sys_loop_new(const char *name, struct sys_loop **ret_loop);
void sys_loop_free(struct sys_loop *loop);
struct base_loop *sys_loop_base(struct sys_loop *loop);
/* For net: sockets are events of this. */
struct event_base *sys_loop_events(struct sys_loop *loop);
/* The sys_loop that a base_loop is; must() that it is one. */
struct sys_loop *sys_loop_of(struct base_loop *loop);
/* Run until stopped, on the calling thread. */
void sys_loop_run(struct sys_loop *loop);
/* The same on a new thread named after the loop; join waits for its end. */
enum err sys_loop_start(struct sys_loop *loop);
void sys_loop_join(struct sys_loop *loop);
/* Ends run after the turn under way.  Any thread.  Tasks posted later stay
 * unrun. */
void sys_loop_stop(struct sys_loop *loop);
/* A signal as a task of this loop (SIGTERM, SIGINT, SIGHUP); at most 8. */
enum err sys_loop_signal(struct sys_loop *loop, int signal_number,
                         void (*fn)(void *self), void *self);

#endif
