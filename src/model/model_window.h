/* model_window.h -- windows: a frequency and an ordinal in a pack's offset.
 *
 * Shape    u32: top 4 bits frequency, rest the ordinal since 1970-01-01 00:00
 *          in the pack's fixed offset (minutes, hours, days, months, ...).
 *          [start, end).  Rising ids of one frequency are rising in time.
 * Text     minute 2025-11-22T04:55, hour 2025-11-22T04, day 2025-11-22, month
 *          2025-11, quarter 2025-Q4, half 2025-H2, year 2025; in the pack's
 *          zone.  Shifts, and months that a pack files together,
 *          are model_calendar's (here UNSUPPORTED).
 * Errors   SYNTAX RANGE UNSUPPORTED. */
#ifndef MODEL_WINDOW_H
#define MODEL_WINDOW_H

#include "base/base_time.h"

enum model_freq {
    MODEL_FREQ_MINUTE = 1,
    MODEL_FREQ_HOUR = 2,
    MODEL_FREQ_SHIFT = 3,
    MODEL_FREQ_DAY = 4,
    MODEL_FREQ_MONTH = 5,
    MODEL_FREQ_QUARTER = 6,
    MODEL_FREQ_HALF = 7,
    MODEL_FREQ_YEAR = 8,
};

enum { MODEL_WINDOW_TEXT = 24 };

static inline enum model_freq
model_window_freq(uint32_t window)
{
    return (enum model_freq)(window >> 28);
}

/* The window of this frequency that holds the time. */
enum err model_window_at(enum model_freq freq, int32_t offset_s,
                         struct wall time, uint32_t *ret_window);
enum err model_window_bounds(uint32_t window, int32_t offset_s,
                             struct wall *ret_start, struct wall *ret_end);
enum err model_window_parse(struct bytes text, uint32_t *ret_window);
char *model_window_text(uint32_t window, char *to);
const char *model_window_freq_name(enum model_freq freq); /* "minute" */
enum err model_window_freq_parse(struct bytes name, enum model_freq *ret_freq);

#endif
