/* base_log.h -- how an upper floor says what happened, as a function.
 *
 * Floors 0..2 do not log: they return errors with their cause.  tier, engines
 * and doors are handed one of these; app writes it as one structured line
 * (time, level, area, event, then key=value pairs).
 *
 * `event` is a short fixed word ("link_up"); the rest is printf-made
 * `key=value` pairs, values with spaces quoted by the caller. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum base_log_level {
    BASE_LOG_DEBUG,
    BASE_LOG_INFO,
    BASE_LOG_WARN,
    BASE_LOG_ERROR
};

struct base_log {
    void (*write)(struct base_log *self, enum base_log_level level,
                  const char *area, const char *event, const char *pairs);
};

/* Does nothing if log is NULL. */
void base_log_say(struct base_log *log, enum base_log_level level,
                  const char *area, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

#endif
