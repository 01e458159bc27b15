/* base_pool.h -- work that blocks or is long, done on another thread.
 *
 * Why: a loop's thread must come back within milliseconds; a password's scrypt,
 * a signature, a library that waits may not run on it.  Code written against
 * this runs on real threads (sys_pool) or, in tests and the simulation, at
 * once.
 *
 * Shape    embedded in what it belongs to; run() on a thread of the pool, then
 *          done() on the job's loop.  Whoever gives a job keeps it until done.
 * Limits   the pool's queue; give() says BUSY when it is full. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/base_err.h"
#include "base/base_loop.h"

struct base_pool_job {
    void (*run)(struct base_pool_job *job);
    void (*done)(struct base_pool_job *job);
    struct base_loop *loop;
    /* the pool's: */
    struct base_task task;
    struct base_pool_job *next;
};

struct base_pool {
    enum err (*give)(struct base_pool *pool, struct base_pool_job *job);
};

#endif
