/* sys_loop.c -- turns over libevent.
 *
 *        +--> wait   for sockets, signals, a post or the next timer; not at
 *        |           all when posted work is there already
 *        |    events those that are ready, once
 *        |    tasks  those posted by now (those that they post: next turn)
 *        |    timers that are due
 *        |    idle   hooks
 *        +--- unless stopped
 *
 * A waiting task's `next` is never NULL: the last one's is the mark.  So it is
 * known, under the lock, whether a task waits. */
#include "sys/sys_loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/thread.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "sys/sys_thread.h"

enum { LOOP_SIGNALS = 8 };

struct loop_signal {
    struct event *event;
    void (*fn)(void *self);
    void *self;
};

struct sys_loop {
    struct base_loop base;
    char name[16];
    struct event_base *events;
    struct event *wake, *alarm;
    int wake_fd;
    pthread_t thread;
    _Atomic pthread_t owner;
    atomic_bool stopping;
    pthread_mutex_t lock; /* of first, last, woken, and tasks' next */
    struct base_task *first, *last, mark;
    bool woken; /* the eventfd was written since the last taking */
    struct base_loop_heap timers;
    struct base_idle *idles;
    struct loop_signal signals[LOOP_SIGNALS];
    unsigned signal_count;
};

static int64_t
loop_clock_us(clockid_t id)
{
    struct timespec now;
    must(clock_gettime(id, &now) == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct wall
loop_wall(struct base_loop *base)
{
    (void)base;
    return (struct wall){loop_clock_us(CLOCK_REALTIME) / 1000};
}

static struct mono
loop_mono(struct base_loop *base)
{
    (void)base;
    return (struct mono){loop_clock_us(CLOCK_BOOTTIME) / 1000};
}

static bool
loop_inside(struct base_loop *base)
{
    struct sys_loop *loop = sys_loop_of(base);
    return pthread_equal(atomic_load(&loop->owner), pthread_self());
}

/* Only a full eventfd refuses a write, and a full one wakes as well. */
static void
loop_wake(struct sys_loop *loop)
{
    uint64_t one = 1;
    while (write(loop->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static void
loop_post(struct base_loop *base, struct base_task *task)
{
    struct sys_loop *loop = sys_loop_of(base);
    bool inside = loop_inside(base), wake = false;
    pthread_mutex_lock(&loop->lock);
    if (!task->next) {
        task->next = &loop->mark;
        if (loop->first)
            loop->last->next = task;
        else
            loop->first = task;
        loop->last = task;
        wake = !inside && !loop->woken;
        loop->woken |= wake;
    }
    pthread_mutex_unlock(&loop->lock);
    if (wake)
        loop_wake(loop);
}

static void
loop_timer_set(struct base_loop *base, struct base_timer *timer, int64_t at_ms)
{
    must(loop_inside(base));
    base_loop_heap_set(&sys_loop_of(base)->timers, timer, at_ms);
}

static void
loop_timer_clear(struct base_loop *base, struct base_timer *timer)
{
    must(loop_inside(base));
    base_loop_heap_clear(&sys_loop_of(base)->timers, timer);
}

static void
loop_idle(struct base_loop *base, struct base_idle *idle)
{
    must(loop_inside(base));
    struct base_idle **at = &sys_loop_of(base)->idles;
    for (; *at; at = &(*at)->next)
        must(*at != idle);
    idle->next = NULL;
    *at = idle;
}

static const struct base_loop_ops loop_ops = {
    .wall = loop_wall,
    .mono = loop_mono,
    .post = loop_post,
    .timer_set = loop_timer_set,
    .timer_clear = loop_timer_clear,
    .idle = loop_idle,
    .inside = loop_inside,
};

struct sys_loop *
sys_loop_of(struct base_loop *base)
{
    must(base->ops == &loop_ops);
    return BASE_OUTER(base, struct sys_loop, base);
}

struct base_loop *
sys_loop_base(struct sys_loop *loop)
{
    return &loop->base;
}

struct event_base *
sys_loop_events(struct sys_loop *loop)
{
    return loop->events;
}

static void
loop_woken(evutil_socket_t fd, short what, void *self)
{
    (void)what, (void)self;
    uint64_t count;
    while (read(fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
}

static void
loop_alarm(evutil_socket_t fd, short what, void *self)
{
    (void)fd, (void)what, (void)self; /* it has ended the wait: that is all */
}

/* Bases have no locks: only the owner touches them.  Timers are precise: a
 * group commit is closed after 1 ms, not after a tick of 4. */
static struct event_base *
loop_events_new(void)
{
    if (evthread_use_pthreads() != 0) /* libevent's own globals */
        return NULL;
    struct event_config *config = event_config_new();
    if (!config)
        return NULL;
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    struct event_base *events = event_base_new_with_config(config);
    event_config_free(config);
    return events;
}

enum err
sys_loop_new(const char *name, struct sys_loop **ret_loop)
{
    struct sys_loop *loop = base_mem_zero(sizeof *loop);
    loop->base.ops = &loop_ops;
    snprintf(loop->name, sizeof loop->name, "%.15s", name);
    atomic_store(&loop->owner, pthread_self());
    must(pthread_mutex_init(&loop->lock, NULL) == 0);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd >= 0)
        loop->events = loop_events_new();
    if (loop->events) {
        loop->wake = event_new(loop->events, loop->wake_fd,
                               EV_READ | EV_PERSIST, loop_woken, loop);
        loop->alarm = event_new(loop->events, -1, 0, loop_alarm, loop);
    }
    if (!loop->wake || !loop->alarm || event_add(loop->wake, NULL) != 0) {
        sys_loop_free(loop);
        return ERR_IO;
    }
    *ret_loop = loop;
    return ERR_OK;
}

void
sys_loop_free(struct sys_loop *loop)
{
    if (!loop)
        return;
    for (unsigned i = 0; i < loop->signal_count; i++)
        event_free(loop->signals[i].event);
    if (loop->wake)
        event_free(loop->wake);
    if (loop->alarm)
        event_free(loop->alarm);
    if (loop->events)
        event_base_free(loop->events);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    base_loop_heap_done(&loop->timers);
    pthread_mutex_destroy(&loop->lock);
    base_mem_free(loop);
}

/* How long the wait may be: us, 0 not at all, -1 for ever. */
static int64_t
loop_patience_us(struct sys_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    bool posted = loop->first != NULL;
    pthread_mutex_unlock(&loop->lock);
    if (posted || atomic_load(&loop->stopping))
        return 0;
    const struct base_timer *timer = base_loop_heap_first(&loop->timers);
    if (!timer)
        return -1;
    int64_t now_us = loop_clock_us(CLOCK_BOOTTIME), at_us;
    if (__builtin_mul_overflow(timer->at_ms, 1000, &at_us))
        return timer->at_ms < 0 ? 0 : -1;
    return at_us > now_us ? at_us - now_us : 0;
}

static void
loop_events_turn(struct sys_loop *loop)
{
    int64_t us = loop_patience_us(loop);
    if (us > 0) {
        struct timeval wait = {.tv_sec = us / 1000000, .tv_usec = us % 1000000};
        event_add(loop->alarm, &wait);
    }
    event_base_loop(loop->events, us == 0 ? EVLOOP_NONBLOCK : EVLOOP_ONCE);
    if (us > 0)
        event_del(loop->alarm);
}

static void
loop_tasks_turn(struct sys_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    struct base_task *task = loop->first;
    loop->first = loop->last = NULL;
    loop->woken = false;
    while (task && task != &loop->mark) {
        struct base_task *next = task->next;
        task->next = NULL; /* from here it may be posted again */
        pthread_mutex_unlock(&loop->lock);
        task->fn(task);
        task = next;
        pthread_mutex_lock(&loop->lock);
    }
    pthread_mutex_unlock(&loop->lock);
}

/* No more than were set when the turn came: a timer that sets itself in the
 * past cannot keep the sockets waiting. */
static void
loop_timers_turn(struct sys_loop *loop)
{
    int64_t now_ms = loop_mono(&loop->base).ms;
    for (uint32_t left = loop->timers.count; left > 0; left--) {
        struct base_timer *timer = base_loop_heap_first(&loop->timers);
        if (!timer || timer->at_ms > now_ms)
            return;
        base_loop_heap_clear(&loop->timers, timer);
        timer->fn(timer);
    }
}

void
sys_loop_run(struct sys_loop *loop)
{
    atomic_store(&loop->owner, pthread_self());
    do {
        loop_events_turn(loop);
        loop_tasks_turn(loop);
        loop_timers_turn(loop);
        for (struct base_idle *idle = loop->idles; idle; idle = idle->next)
            idle->fn(idle);
    } while (!atomic_load(&loop->stopping));
    atomic_store(&loop->stopping, false);
}

static void *
loop_thread(void *self)
{
    sys_loop_run(self);
    return NULL;
}

enum err
sys_loop_start(struct sys_loop *loop)
{
    /* Nobody's until the thread is there: the caller is outside from now. */
    atomic_store(&loop->owner, (pthread_t)0);
    enum err err =
        sys_thread_start(loop->name, loop_thread, loop, &loop->thread);
    if (err != ERR_OK)
        atomic_store(&loop->owner, pthread_self());
    return err;
}

void
sys_loop_join(struct sys_loop *loop)
{
    sys_thread_join(loop->thread);
    atomic_store(&loop->owner, pthread_self());
}

void
sys_loop_stop(struct sys_loop *loop)
{
    atomic_store(&loop->stopping, true);
    loop_wake(loop);
}

static void
loop_signalled(evutil_socket_t fd, short what, void *self)
{
    (void)fd, (void)what;
    const struct loop_signal *signal = self;
    signal->fn(signal->self);
}

enum err
sys_loop_signal(struct sys_loop *loop, int signal_number,
                void (*fn)(void *self), void *self)
{
    must(loop->signal_count < LOOP_SIGNALS);
    struct loop_signal *signal = &loop->signals[loop->signal_count];
    *signal = (struct loop_signal){.fn = fn, .self = self};
    signal->event =
        evsignal_new(loop->events, signal_number, loop_signalled, signal);
    if (!signal->event)
        return ERR_IO;
    if (event_add(signal->event, NULL) != 0) {
        event_free(signal->event);
        return ERR_IO;
    }
    loop->signal_count++;
    return ERR_OK;
}
