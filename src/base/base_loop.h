/* base_loop.h -- one owner thread's inbox, timers and clocks, as functions.
 *
 * Why: every mutable state has exactly one owner thread, and others post to
 * it.  Code written against this runs on a real thread (sys_loop) or, with
 * all others, on one simulated thread from a seed (tests/sim).
 *
 * Tasks    embedded in what they belong to, zeroed before first use; posting
 *          allocates nothing.  A task waits at most once: posting one that
 *          waits changes nothing; as its function begins, it waits no more.
 *          In order per poster.
 * Timers   owner thread only; set again to move; a due timer is cleared before
 *          its function runs.  Times are mono ms.
 * Idle     base_loop_idle(loop, hook): hooks run when the ready work of one
 *          turn is drained (group commit is closed there). */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>

#include "base/base_time.h"

struct base_loop;

struct base_task {
    void (*fn)(struct base_task *task);
    struct base_task *next; /* the loop's */
};

struct base_timer {
    void (*fn)(struct base_timer *timer);
    int64_t at_ms;  /* the loop's */
    uint32_t index; /* the loop's: place in its heap + 1, 0 = not set */
};

struct base_idle {
    void (*fn)(struct base_idle *idle);
    struct base_idle *next; /* the loop's */
};

struct base_loop_ops {
    struct wall (*wall)(struct base_loop *loop);
    struct mono (*mono)(struct base_loop *loop);
    void (*post)(struct base_loop *loop, struct base_task *task);
    void (*timer_set)(struct base_loop *loop, struct base_timer *timer,
                      int64_t at_ms);
    void (*timer_clear)(struct base_loop *loop, struct base_timer *timer);
    void (*idle)(struct base_loop *loop, struct base_idle *idle);
    bool (*inside)(struct base_loop *loop); /* on its owner thread? */
};

struct base_loop {
    const struct base_loop_ops *ops;
};

static inline struct wall
base_loop_wall(struct base_loop *loop)
{
    return loop->ops->wall(loop);
}

static inline struct mono
base_loop_mono(struct base_loop *loop)
{
    return loop->ops->mono(loop);
}

static inline void
base_loop_post(struct base_loop *loop, struct base_task *task)
{
    loop->ops->post(loop, task);
}

static inline void
base_loop_timer(struct base_loop *loop, struct base_timer *timer,
                int64_t after_ms)
{
    loop->ops->timer_set(loop, timer, loop->ops->mono(loop).ms + after_ms);
}

static inline void
base_loop_timer_clear(struct base_loop *loop, struct base_timer *timer)
{
    loop->ops->timer_clear(loop, timer);
}

static inline void
base_loop_idle(struct base_loop *loop, struct base_idle *idle)
{
    loop->ops->idle(loop, idle);
}

static inline bool
base_loop_inside(struct base_loop *loop)
{
    return loop->ops->inside(loop);
}

/* The timer heap that loops are made of: a binary heap of pointers, ordered by
 * (at_ms, order of setting), so that equal times run in a fixed order. */
struct base_loop_heap {
    struct base_loop_entry *entries;
    uint32_t count, room;
    uint64_t order;
};

void base_loop_heap_done(struct base_loop_heap *heap);
void base_loop_heap_set(struct base_loop_heap *heap, struct base_timer *timer,
                        int64_t at_ms);
void base_loop_heap_clear(struct base_loop_heap *heap,
                          struct base_timer *timer);
/* The earliest, or NULL. */
struct base_timer *base_loop_heap_first(const struct base_loop_heap *heap);

#endif
