/* sys_loop_test.c -- posts, timers, idle hooks, stopping, signals. */
#include "sys/sys_loop.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/base_mem.h"
#include "sys/sys_thread.h"

enum { POSTERS = 4, POSTS = 2000 };

static struct sys_loop *
loop_made(const char *name)
{
    struct sys_loop *loop = NULL;
    assert_int_equal(sys_loop_new(name, &loop), ERR_OK);
    return loop;
}

struct posted {
    struct base_task task;
    struct poster *from;
    unsigned number;
};

struct poster {
    struct sys_loop *loop;
    struct posted *posts;
    pthread_t thread;
    unsigned next; /* owner thread only */
    bool disorder, outside;
    unsigned *left;
};

static void
post_arrives(struct base_task *task)
{
    struct posted *post = BASE_OUTER(task, struct posted, task);
    struct poster *from = post->from;
    struct sys_loop *loop = from->loop;
    from->disorder |= post->number != from->next++;
    from->outside |= !base_loop_inside(sys_loop_base(loop));
    if (--*from->left == 0)
        sys_loop_stop(loop);
}

static void *
poster_runs(void *self)
{
    struct poster *poster = self;
    for (unsigned i = 0; i < POSTS; i++) {
        poster->posts[i] = (struct posted){{.fn = post_arrives}, poster, i};
        base_loop_post(sys_loop_base(poster->loop), &poster->posts[i].task);
    }
    return NULL;
}

static void
posts_of_four_threads_arrive_once_and_in_order(void **state)
{
    (void)state;
    struct sys_loop *loop = loop_made("posts");
    struct poster posters[POSTERS] = {0};
    unsigned left = POSTERS * POSTS;
    assert_int_equal(sys_loop_start(loop), ERR_OK);
    for (unsigned i = 0; i < POSTERS; i++) {
        posters[i].loop = loop;
        posters[i].left = &left;
        posters[i].posts = base_mem_zero(POSTS * sizeof *posters[i].posts);
        assert_int_equal(sys_thread_start("poster", poster_runs, &posters[i],
                                          &posters[i].thread),
                         ERR_OK);
    }
    for (unsigned i = 0; i < POSTERS; i++)
        sys_thread_join(posters[i].thread);
    sys_loop_join(loop);
    assert_int_equal(left, 0);
    for (unsigned i = 0; i < POSTERS; i++) {
        assert_int_equal(posters[i].next, POSTS);
        assert_false(posters[i].disorder);
        assert_false(posters[i].outside);
        base_mem_free(posters[i].posts);
    }
    assert_true(base_loop_inside(sys_loop_base(loop)));
    sys_loop_free(loop);
}

/* What happened, as letters. */
struct story {
    struct sys_loop *loop;
    struct base_task task, second;
    struct base_timer timers[4];
    struct base_idle idle;
    char text[64];
    unsigned turns;
};

static void
tell(struct story *story, char letter)
{
    size_t size = strlen(story->text);
    if (size + 1 < sizeof story->text)
        story->text[size] = letter;
}

static void
story_second(struct base_task *task)
{
    struct story *story = BASE_OUTER(task, struct story, second);
    tell(story, 'b');
    sys_loop_stop(story->loop);
}

static void
story_first(struct base_task *task)
{
    struct story *story = BASE_OUTER(task, struct story, task);
    tell(story, 'a');
    base_loop_post(sys_loop_base(story->loop), &story->second);
    base_loop_post(sys_loop_base(story->loop), &story->second);
}

static void
story_idle(struct base_idle *idle)
{
    struct story *story = BASE_OUTER(idle, struct story, idle);
    tell(story, '.');
    story->turns++;
}

static void
a_task_posted_twice_runs_once_and_idle_ends_each_turn(void **state)
{
    (void)state;
    struct story story = {.loop = loop_made("story"),
                          .task = {.fn = story_first},
                          .second = {.fn = story_second},
                          .idle = {.fn = story_idle}};
    struct base_loop *base = sys_loop_base(story.loop);
    base_loop_idle(base, &story.idle);
    base_loop_post(base, &story.task);
    base_loop_post(base, &story.task);
    sys_loop_run(story.loop);
    assert_string_equal(story.text, "a.b.");
    sys_loop_free(story.loop);
}

static void
story_timer(struct base_timer *timer, unsigned index)
{
    struct story *story = BASE_OUTER(timer - index, struct story, timers[0]);
    struct base_loop *base = sys_loop_base(story->loop);
    assert_int_equal(timer->index, 0);
    assert_true(base_loop_mono(base).ms >= timer->at_ms);
    tell(story, (char)('0' + (int)index));
    if (index == 3)
        sys_loop_stop(story->loop);
}

static void
timer_0(struct base_timer *timer)
{
    story_timer(timer, 0);
}

static void
timer_1(struct base_timer *timer)
{
    story_timer(timer, 1);
}

static void
timer_2(struct base_timer *timer)
{
    story_timer(timer, 2);
}

static void
timer_3(struct base_timer *timer)
{
    story_timer(timer, 3);
}

static void
timers_run_by_time_never_early_and_not_when_cleared(void **state)
{
    (void)state;
    struct story story = {
        .loop = loop_made("timers"),
        .timers = {{.fn = timer_0},
                   {.fn = timer_1},
                   {.fn = timer_2},
                   {.fn = timer_3}},
    };
    struct base_loop *base = sys_loop_base(story.loop);
    int64_t from_us = sys_thread_now_us();
    base_loop_timer(base, &story.timers[3], 25);
    base_loop_timer(base, &story.timers[0], 1000);
    base_loop_timer(base, &story.timers[2], 15);
    base_loop_timer(base, &story.timers[1], 1);
    base_loop_timer(base, &story.timers[0], 5); /* moved */
    base_loop_timer_clear(base, &story.timers[2]);
    sys_loop_run(story.loop);
    assert_string_equal(story.text, "103");
    assert_true(sys_thread_now_us() - from_us >= 24000);
    sys_loop_free(story.loop);
}

static void
again_and_again(struct base_timer *timer)
{
    struct story *story = BASE_OUTER(timer, struct story, timers[0]);
    struct base_loop *base = sys_loop_base(story->loop);
    base->ops->timer_set(base, timer, 0);
}

static void
story_stops(struct base_idle *idle)
{
    struct story *story = BASE_OUTER(idle, struct story, idle);
    if (++story->turns == 3)
        sys_loop_stop(story->loop);
}

static void
a_timer_that_sets_itself_in_the_past_does_not_hold_the_turn(void **state)
{
    (void)state;
    struct story story = {.loop = loop_made("past"),
                          .timers = {{.fn = again_and_again}},
                          .idle = {.fn = story_stops}};
    struct base_loop *base = sys_loop_base(story.loop);
    base_loop_idle(base, &story.idle);
    base_loop_timer(base, &story.timers[0], 0);
    sys_loop_run(story.loop);
    assert_int_equal(story.turns, 3);
    sys_loop_free(story.loop);
}

static void
a_waiting_loop_stops_from_another_thread_and_runs_again(void **state)
{
    (void)state;
    struct sys_loop *loop = loop_made("a name of more than fifteen");
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(sys_loop_start(loop), ERR_OK);
        assert_false(base_loop_inside(sys_loop_base(loop)));
        sys_loop_stop(loop);
        sys_loop_join(loop);
    }
    assert_ptr_equal(sys_loop_of(sys_loop_base(loop)), loop);
    sys_loop_free(loop);
}

static void
story_signalled(void *self)
{
    struct story *story = self;
    tell(story, 's');
    sys_loop_stop(story->loop);
}

static void
story_raises(struct base_task *task)
{
    (void)task;
    raise(SIGHUP);
}

static void
a_signal_is_a_call_on_the_loop(void **state)
{
    (void)state;
    struct story story = {.loop = loop_made("signals"),
                          .task = {.fn = story_raises}};
    assert_int_equal(
        sys_loop_signal(story.loop, SIGHUP, story_signalled, &story), ERR_OK);
    base_loop_post(sys_loop_base(story.loop), &story.task);
    sys_loop_run(story.loop);
    assert_string_equal(story.text, "s");
    sys_loop_free(story.loop);
}

static void
the_clocks_are_the_kernels(void **state)
{
    (void)state;
    struct sys_loop *loop = loop_made("clocks");
    struct base_loop *base = sys_loop_base(loop);
    struct mono before = base_loop_mono(base);
    assert_true(base_loop_wall(base).ms > INT64_C(1700000000000));
    assert_true(base_loop_mono(base).ms >= before.ms);
    sys_loop_free(loop);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts_of_four_threads_arrive_once_and_in_order),
        cmocka_unit_test(a_task_posted_twice_runs_once_and_idle_ends_each_turn),
        cmocka_unit_test(timers_run_by_time_never_early_and_not_when_cleared),
        cmocka_unit_test(
            a_timer_that_sets_itself_in_the_past_does_not_hold_the_turn),
        cmocka_unit_test(
            a_waiting_loop_stops_from_another_thread_and_runs_again),
        cmocka_unit_test(a_signal_is_a_call_on_the_loop),
        cmocka_unit_test(the_clocks_are_the_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
