/* fault_loop.c -- see fault_loop.h. */
#include "fault/fault_loop.h"

#include "base/base_mem.h"

static struct fault_loop *
loop_of(struct base_loop *base)
{
    return BASE_OUTER(base, struct fault_loop, base);
}

static struct wall
loop_wall(struct base_loop *base)
{
    struct fault_loop *loop = loop_of(base);
    return (struct wall){loop->start_ms + loop->now_ms};
}

static struct mono
loop_mono(struct base_loop *base)
{
    return (struct mono){loop_of(base)->now_ms};
}

static void
loop_post(struct base_loop *base, struct base_task *task)
{
    struct fault_loop *loop = loop_of(base);
    if (task->next)
        return;
    task->next = &loop->mark;
    if (loop->first)
        loop->last->next = task;
    else
        loop->first = task;
    loop->last = task;
}

static void
loop_timer_set(struct base_loop *base, struct base_timer *timer, int64_t at_ms)
{
    base_loop_heap_set(&loop_of(base)->timers, timer, at_ms);
}

static void
loop_timer_clear(struct base_loop *base, struct base_timer *timer)
{
    base_loop_heap_clear(&loop_of(base)->timers, timer);
}

static void
loop_idle(struct base_loop *base, struct base_idle *idle)
{
    struct fault_loop *loop = loop_of(base);
    idle->next = loop->idles;
    loop->idles = idle;
}

static bool
loop_inside(struct base_loop *base)
{
    (void)base;
    return true;
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

void
fault_loop_init(struct fault_loop *loop, struct wall start)
{
    *loop = (struct fault_loop){.base.ops = &loop_ops, .start_ms = start.ms};
}

void
fault_loop_done(struct fault_loop *loop)
{
    base_loop_heap_done(&loop->timers);
}

static bool
loop_tasks(struct fault_loop *loop)
{
    struct base_task *task = loop->first;
    loop->first = loop->last = NULL;
    bool any = task != NULL;
    while (task && task != &loop->mark) {
        struct base_task *next = task->next;
        task->next = NULL;
        task->fn(task);
        task = next;
    }
    return any;
}

static bool
loop_timers(struct fault_loop *loop)
{
    bool any = false;
    for (uint32_t left = loop->timers.count; left > 0; left--) {
        struct base_timer *timer = base_loop_heap_first(&loop->timers);
        if (!timer || timer->at_ms > loop->now_ms)
            break;
        base_loop_heap_clear(&loop->timers, timer);
        timer->fn(timer);
        any = true;
    }
    return any;
}

void
fault_loop_run(struct fault_loop *loop, int64_t ms)
{
    int64_t until = loop->now_ms + ms;
    for (;;) {
        bool any = loop_tasks(loop);
        any |= loop_timers(loop);
        for (struct base_idle *idle = loop->idles; any && idle;
             idle = idle->next)
            idle->fn(idle);
        if (any || loop->first)
            continue;
        const struct base_timer *timer = base_loop_heap_first(&loop->timers);
        if (!timer || timer->at_ms > until)
            break;
        loop->now_ms = timer->at_ms;
    }
    loop->now_ms = until;
}

void
fault_loop_crash(struct fault_loop *loop)
{
    struct base_task *task = loop->first;
    loop->first = loop->last = NULL;
    while (task && task != &loop->mark) {
        struct base_task *next = task->next;
        task->next = NULL;
        task = next;
    }
    struct base_timer *timer;
    while ((timer = base_loop_heap_first(&loop->timers)))
        base_loop_heap_clear(&loop->timers, timer);
    loop->idles = NULL;
}
