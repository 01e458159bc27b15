/* sys_pool.h -- the one bounded pool of threads for what blocks (RULINGS 6).
 *
 * Limits   `queue` jobs wait; more are refused with BUSY, and counted in
 *          dougong_limit_hit_total{limit="pool"}.
 * End      sys_pool_free runs what still waits; done() of jobs whose loop has
 *          ended is never called: their owners free them. */
#ifndef SYS_POOL_H
#define SYS_POOL_H

#include "base/base_pool.h"
#include "base/base_stat.h"

struct sys_pool;

enum { SYS_POOL_THREADS_MAX = 16 };

enum err sys_pool_new(unsigned threads, unsigned queue,
                      struct base_stats *stats, struct sys_pool **ret_pool);
void sys_pool_free(struct sys_pool *pool);
struct base_pool *sys_pool_base(struct sys_pool *pool);

#endif
