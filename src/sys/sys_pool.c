/* sys_pool.c -- a queue under one mutex, and who empties it. */
#include "sys/sys_pool.h"

#include "base/base_mem.h"
#include "base/base_must.h"
#include "sys/sys_thread.h"

struct sys_pool {
    struct base_pool base;
    pthread_mutex_t lock;
    pthread_cond_t some;
    struct base_pool_job *first, **end;
    unsigned waiting, queue;
    bool stop;
    pthread_t threads[SYS_POOL_THREADS_MAX];
    unsigned count;
    struct base_stats *stats;
    struct base_stat depth, limit;
};

static void
pool_done(struct base_task *task)
{
    struct base_pool_job *job = BASE_OUTER(task, struct base_pool_job, task);
    job->done(job);
}

/* The next job; NULL: the pool ends. */
static struct base_pool_job *
pool_next(struct sys_pool *pool)
{
    must(pthread_mutex_lock(&pool->lock) == 0);
    while (!pool->first && !pool->stop)
        must(pthread_cond_wait(&pool->some, &pool->lock) == 0);
    struct base_pool_job *job = pool->first;
    if (job) {
        pool->first = job->next;
        if (!pool->first)
            pool->end = &pool->first;
        pool->waiting--;
        base_stat_set(&pool->depth, pool->waiting);
    }
    must(pthread_mutex_unlock(&pool->lock) == 0);
    return job;
}

static void *
pool_thread(void *self)
{
    struct sys_pool *pool = self;
    struct base_pool_job *job;
    while ((job = pool_next(pool)) != NULL) {
        job->run(job);
        job->task.fn = pool_done;
        base_loop_post(job->loop, &job->task);
    }
    return NULL;
}

static enum err
pool_give(struct base_pool *base, struct base_pool_job *job)
{
    struct sys_pool *pool = BASE_OUTER(base, struct sys_pool, base);
    must(pthread_mutex_lock(&pool->lock) == 0);
    bool full = pool->waiting == pool->queue || pool->stop;
    if (!full) {
        job->next = NULL;
        *pool->end = job;
        pool->end = &job->next;
        pool->waiting++;
        base_stat_set(&pool->depth, pool->waiting);
        must(pthread_cond_signal(&pool->some) == 0);
    }
    must(pthread_mutex_unlock(&pool->lock) == 0);
    if (full)
        base_stat_inc(&pool->limit, 1);
    return full ? ERR_BUSY : ERR_OK;
}

enum err
sys_pool_new(unsigned threads, unsigned queue, struct base_stats *stats,
             struct sys_pool **ret_pool)
{
    must(threads > 0 && threads <= SYS_POOL_THREADS_MAX && queue > 0);
    struct sys_pool *pool = base_mem_zero(sizeof *pool);
    pool->base.give = pool_give;
    pool->queue = queue;
    pool->end = &pool->first;
    pool->stats = stats;
    must(pthread_mutex_init(&pool->lock, NULL) == 0);
    must(pthread_cond_init(&pool->some, NULL) == 0);
    base_stat_add(stats, &pool->depth, BASE_STAT_GAUGE, "dougong_pool_waiting",
                  "", "Jobs that wait for a thread of the pool.");
    base_stat_add(stats, &pool->limit, BASE_STAT_COUNTER,
                  "dougong_limit_hit_total", "limit=\"pool\"",
                  "Times a limit was reached.");
    enum err err = ERR_OK;
    while (err == ERR_OK && pool->count < threads) {
        err = sys_thread_start("pool", pool_thread, pool,
                               &pool->threads[pool->count]);
        pool->count += err == ERR_OK;
    }
    if (err != ERR_OK) {
        sys_pool_free(pool);
        return err;
    }
    *ret_pool = pool;
    return ERR_OK;
}

void
sys_pool_free(struct sys_pool *pool)
{
    if (!pool)
        return;
    must(pthread_mutex_lock(&pool->lock) == 0);
    pool->stop = true;
    must(pthread_cond_broadcast(&pool->some) == 0);
    must(pthread_mutex_unlock(&pool->lock) == 0);
    for (unsigned i = 0; i < pool->count; i++)
        sys_thread_join(pool->threads[i]);
    base_stat_drop(pool->stats, &pool->depth);
    base_stat_drop(pool->stats, &pool->limit);
    pthread_cond_destroy(&pool->some);
    pthread_mutex_destroy(&pool->lock);
    base_mem_free(pool);
}

struct base_pool *
sys_pool_base(struct sys_pool *pool)
{
    return &pool->base;
}
