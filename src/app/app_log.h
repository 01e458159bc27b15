/* app_log.h -- one structured line per event, to standard error.
 *
 * Shape    2026-11-22T05:47:28.123Z info tier link_up peer=88.31
 * Threads  any; a line is one write().
 * Limits   a line is cut at 2 KiB; more than 200 lines of one level in one
 *          second are counted instead, and the count said in the next. */
#ifndef APP_LOG_H
#define APP_LOG_H

#include <stdatomic.h>

#include "base/base_log.h"

struct app_log {
    struct base_log log; /* first */
    enum base_log_level least;
    _Atomic long long second;
    _Atomic unsigned count, dropped;
};

void app_log_init(struct app_log *log, enum base_log_level least);

#endif
