/* model_calendar.h -- the windows of one pack: its zone, merged months, shifts.
 *
 * Why: model_window knows the calendar that all share.  A pack may say that
 * January and February are filed as one (finance is not filed for January), or
 * that its days fall into shifts; then not every number is a window, and two
 * neighbours are not one apart.  Whoever walks windows asks here.
 *
 * Merge    months first..last of a year are one window, which has the last
 *          one's number: 2023-01..02 is February's.  The others are no windows.
 * Shifts   ordinal = day * 8 + index; index: the name's place in the file.  A
 *          shift belongs to the day it starts on and may end on the next; of
 *          one time at most one is under way (the loader sees to it).  Times
 *          between two shifts belong to no window; at() gives the next one, so
 *          that a walk over samples always has a place to stand.
 *          Text: 2025-11-22.night
 * Errors   those of model_window; ABSENT no such window, or no shift within
 *          three weeks. */
#ifndef MODEL_CALENDAR_H
#define MODEL_CALENDAR_H

#include "model/model_window.h"

enum {
    MODEL_CALENDAR_SHIFTS = 8, /* of a day */
    MODEL_CALENDAR_ROWS = 64,
    MODEL_CALENDAR_NAME = 12,
    MODEL_CALENDAR_GAP_DAYS = 21,
};

struct model_calendar_shift {
    const char *name;
    uint8_t index, days;       /* days: bit 0 Monday */
    uint16_t start_min;        /* of the day, local */
    uint16_t length_min;       /* 1..1440 */
    int32_t from_day, end_day; /* since 1970; INT32_MIN, INT32_MAX: open */
};

struct model_calendar {
    int32_t zone_s;                            /* seconds east */
    uint8_t merge_first, merge_last;           /* months; 0: none */
    const struct model_calendar_shift *shifts; /* by index */
    unsigned shift_count;
};

/* The window that holds the time; between shifts the next one. */
enum err model_calendar_at(const struct model_calendar *calendar,
                           enum model_freq freq, struct wall time,
                           uint32_t *ret_window);
enum err model_calendar_bounds(const struct model_calendar *calendar,
                               uint32_t window, struct wall *ret_start,
                               struct wall *ret_end);
/* The neighbours of a number, be it a window or not; the number itself where
 * there is none. */
uint32_t model_calendar_next(const struct model_calendar *calendar,
                             uint32_t window);
uint32_t model_calendar_back(const struct model_calendar *calendar,
                             uint32_t window);
enum err model_calendar_parse(const struct model_calendar *calendar,
                              struct bytes text, uint32_t *ret_window);
/* to: MODEL_WINDOW_TEXT bytes */
char *model_calendar_text(const struct model_calendar *calendar,
                          uint32_t window, char *to);
/* The row in force for this index on this day, or NULL. */
const struct model_calendar_shift *
model_calendar_shift_on(const struct model_calendar *calendar, int64_t day,
                        unsigned index);

#endif
