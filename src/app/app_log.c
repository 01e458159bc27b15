/* app_log.c -- see app_log.h. */
#include "app/app_log.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/base_time.h"

enum { LOG_LINE = 2048, LOG_PER_SECOND = 200 };

static bool
log_within(struct app_log *log, long long second, unsigned *ret_dropped)
{
    *ret_dropped = 0;
    if (atomic_load(&log->second) != second) {
        atomic_store(&log->second, second);
        atomic_store(&log->count, 0);
        *ret_dropped = atomic_exchange(&log->dropped, 0);
    }
    if (atomic_fetch_add(&log->count, 1) < LOG_PER_SECOND)
        return true;
    atomic_fetch_add(&log->dropped, 1);
    return false;
}

static void
log_write(struct base_log *self, enum base_log_level level, const char *area,
          const char *event, const char *pairs)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    struct app_log *log = (struct app_log *)(void *)self;
    struct timespec now;
    char when[BASE_TIME_TEXT], line[LOG_LINE];
    unsigned dropped;
    if (level < log->least)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    if (!log_within(log, now.tv_sec, &dropped))
        return;
    struct wall wall = {now.tv_sec * 1000 + now.tv_nsec / 1000000};
    int size = snprintf(line, sizeof line - 1, "%s %s %s %s%s%s",
                        base_time_text(wall, 0, when), names[level], area,
                        event, pairs[0] != '\0' ? " " : "", pairs);
    if (size > (int)sizeof line - 2)
        size = (int)sizeof line - 2;
    if (dropped > 0 && size < LOG_LINE - 40)
        size += snprintf(line + size, sizeof line - (size_t)size - 1,
                         " lines_dropped=%u", dropped);
    line[size++] = '\n';
    if (write(STDERR_FILENO, line, (size_t)size) < 0)
        return; /* nowhere to say it */
}

void
app_log_init(struct app_log *log, enum base_log_level least)
{
    *log = (struct app_log){.log = {log_write}, .least = least};
}
