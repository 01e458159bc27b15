/* base_log.c -- one line to whoever was handed in. */
#include "base/base_log.h"

#include <stdarg.h>
#include <stdio.h>

void
base_log_say(struct base_log *log, enum base_log_level level, const char *area,
             const char *event, const char *fmt, ...)
{
    char pairs[1024]; /* a line longer than this is cut */
    if (!log)
        return;
    va_list list;
    va_start(list, fmt);
    vsnprintf(pairs, sizeof pairs, fmt, list);
    va_end(list);
    log->write(log, level, area, event, pairs);
}
