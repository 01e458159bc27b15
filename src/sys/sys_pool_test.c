/* sys_pool_test.c -- jobs run elsewhere and come home; a full queue says so. */
#include "sys/sys_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "sys/sys_loop.h"
#include "sys/sys_thread.h"

enum { JOBS = 50 };

struct world {
    struct sys_loop *loop;
    struct sys_pool *pool;
    struct base_stats stats;
    pthread_mutex_t gate;
    atomic_int ran, begun;
    int done;
};

struct work {
    struct base_pool_job job;
    struct world *world;
};

static void
work_run(struct base_pool_job *job)
{
    struct world *w = BASE_OUTER(job, struct work, job)->world;
    must(!base_loop_inside(sys_loop_base(w->loop)));
    atomic_fetch_add(&w->begun, 1);
    pthread_mutex_lock(&w->gate);
    pthread_mutex_unlock(&w->gate);
    atomic_fetch_add(&w->ran, 1);
}

static void
work_done(struct base_pool_job *job)
{
    struct world *w = BASE_OUTER(job, struct work, job)->world;
    must(base_loop_inside(sys_loop_base(w->loop)));
    if (++w->done == JOBS)
        sys_loop_stop(w->loop);
}

static void
world_init(struct world *w, unsigned threads, unsigned queue)
{
    *w = (struct world){0};
    base_stat_init(&w->stats);
    pthread_mutex_init(&w->gate, NULL);
    assert_int_equal(sys_loop_new("test", &w->loop), ERR_OK);
    assert_int_equal(sys_pool_new(threads, queue, &w->stats, &w->pool), ERR_OK);
}

static void
world_done(struct world *w)
{
    sys_pool_free(w->pool);
    sys_loop_free(w->loop);
    assert_null(w->stats.first);
    base_stat_done(&w->stats);
    pthread_mutex_destroy(&w->gate);
}

static void
work_init(struct work *work, struct world *w)
{
    *work = (struct work){
        {.run = work_run, .done = work_done, .loop = sys_loop_base(w->loop)},
        w};
}

static void
a_job_runs_on_the_pool_and_is_done_on_its_loop(void **state)
{
    struct world w;
    struct work works[JOBS];
    (void)state;
    world_init(&w, 3, JOBS);
    for (unsigned i = 0; i < JOBS; i++) {
        work_init(&works[i], &w);
        assert_int_equal(
            sys_pool_base(w.pool)->give(sys_pool_base(w.pool), &works[i].job),
            ERR_OK);
    }
    sys_loop_run(w.loop);
    assert_int_equal(w.done, JOBS);
    assert_int_equal(atomic_load(&w.ran), JOBS);
    world_done(&w);
}

static void
a_full_queue_refuses_and_the_end_runs_what_waits(void **state)
{
    struct world w;
    struct work works[4];
    (void)state;
    world_init(&w, 1, 2);
    struct base_pool *pool = sys_pool_base(w.pool);
    for (unsigned i = 0; i < 4; i++)
        work_init(&works[i], &w);
    pthread_mutex_lock(&w.gate);
    assert_int_equal(pool->give(pool, &works[0].job), ERR_OK);
    while (atomic_load(&w.begun) == 0)
        sched_yield();
    assert_int_equal(pool->give(pool, &works[1].job), ERR_OK);
    assert_int_equal(pool->give(pool, &works[2].job), ERR_OK);
    assert_int_equal(pool->give(pool, &works[3].job), ERR_BUSY);
    pthread_mutex_unlock(&w.gate);
    world_done(&w);
    assert_int_equal(atomic_load(&w.ran), 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_runs_on_the_pool_and_is_done_on_its_loop),
        cmocka_unit_test(a_full_queue_refuses_and_the_end_runs_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
