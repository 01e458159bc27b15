/* model_calendar.c -- walking a pack's windows. */
#include "model/model_calendar.h"

#include <stdio.h>

enum {
    CALENDAR_ORDINAL = 0xfffffff,
    CALENDAR_DAY_TEXT = 10,    /* 2025-11-22 */
    CALENDAR_MERGED_TEXT = 11, /* 2023-01..02 */
};

#define CALENDAR_DAY_MS INT64_C(86400000)

/* --- months --- */

static unsigned
calendar_month(uint32_t window)
{
    return (window & CALENDAR_ORDINAL) % 12 + 1;
}

static bool
calendar_is_merged(const struct model_calendar *calendar, uint32_t window)
{
    return calendar->merge_last &&
           model_window_freq(window) == MODEL_FREQ_MONTH &&
           calendar_month(window) == calendar->merge_last;
}

/* A month whose figures are another one's. */
static bool
calendar_is_no_month(const struct model_calendar *calendar, uint32_t window)
{
    return calendar->merge_last &&
           model_window_freq(window) == MODEL_FREQ_MONTH &&
           calendar_month(window) >= calendar->merge_first &&
           calendar_month(window) < calendar->merge_last;
}

/* --- shifts --- */

const struct model_calendar_shift *
model_calendar_shift_on(const struct model_calendar *calendar, int64_t day,
                        unsigned index)
{
    unsigned weekday = (unsigned)((day + 3) % 7); /* 1970-01-01: Thursday */
    for (unsigned i = 0; i < calendar->shift_count; i++) {
        const struct model_calendar_shift *shift = &calendar->shifts[i];
        if (shift->index == index && shift->days >> weekday & 1 &&
            day >= shift->from_day && day < shift->end_day)
            return shift;
    }
    return NULL;
}

static const struct model_calendar_shift *
calendar_shift(const struct model_calendar *calendar, uint32_t window)
{
    uint32_t ordinal = window & CALENDAR_ORDINAL;
    return model_calendar_shift_on(calendar, ordinal / MODEL_CALENDAR_SHIFTS,
                                   ordinal % MODEL_CALENDAR_SHIFTS);
}

static enum err
calendar_shift_bounds(const struct model_calendar *calendar, uint32_t window,
                      struct wall *ret_start, struct wall *ret_end)
{
    const struct model_calendar_shift *shift = calendar_shift(calendar, window);
    if (!shift)
        return ERR_ABSENT;
    int64_t day = (window & CALENDAR_ORDINAL) / MODEL_CALENDAR_SHIFTS;
    int64_t start = day * CALENDAR_DAY_MS + shift->start_min * INT64_C(60000);
    ret_start->ms = start - (int64_t)calendar->zone_s * 1000;
    ret_end->ms = ret_start->ms + shift->length_min * INT64_C(60000);
    return ERR_OK;
}

/* The first shift that ends after the time. */
static enum err
calendar_shift_at(const struct model_calendar *calendar, struct wall time,
                  uint32_t *ret_window)
{
    uint32_t day;
    struct wall start, end;
    enum err err =
        model_window_at(MODEL_FREQ_DAY, calendar->zone_s, time, &day);
    if (err != ERR_OK)
        return err;
    day &= CALENDAR_ORDINAL;
    uint32_t first = (day > 0 ? day - 1 : 0) * MODEL_CALENDAR_SHIFTS;
    uint32_t last = (day + MODEL_CALENDAR_GAP_DAYS) * MODEL_CALENDAR_SHIFTS;
    for (uint32_t at = first; at <= last && at <= CALENDAR_ORDINAL; at++) {
        uint32_t window = (uint32_t)MODEL_FREQ_SHIFT << 28 | at;
        if (calendar_shift_bounds(calendar, window, &start, &end) != ERR_OK ||
            end.ms <= time.ms)
            continue;
        *ret_window = window;
        return ERR_OK;
    }
    return ERR_ABSENT;
}

/* --- both --- */

enum err
model_calendar_at(const struct model_calendar *calendar, enum model_freq freq,
                  struct wall time, uint32_t *ret_window)
{
    if (freq == MODEL_FREQ_SHIFT)
        return calendar_shift_at(calendar, time, ret_window);
    enum err err = model_window_at(freq, calendar->zone_s, time, ret_window);
    if (err == ERR_OK && calendar_is_no_month(calendar, *ret_window))
        *ret_window += calendar->merge_last - calendar_month(*ret_window);
    return err;
}

enum err
model_calendar_bounds(const struct model_calendar *calendar, uint32_t window,
                      struct wall *ret_start, struct wall *ret_end)
{
    struct wall end;
    if (model_window_freq(window) == MODEL_FREQ_SHIFT)
        return calendar_shift_bounds(calendar, window, ret_start, ret_end);
    if (calendar_is_no_month(calendar, window))
        return ERR_ABSENT;
    enum err err =
        model_window_bounds(window, calendar->zone_s, ret_start, ret_end);
    if (err == ERR_OK && calendar_is_merged(calendar, window))
        err = model_window_bounds(
            window - (calendar->merge_last - calendar->merge_first),
            calendar->zone_s, ret_start, &end);
    return err;
}

static bool
calendar_has(const struct model_calendar *calendar, uint32_t window)
{
    if (model_window_freq(window) == MODEL_FREQ_SHIFT)
        return calendar_shift(calendar, window) != NULL;
    return !calendar_is_no_month(calendar, window);
}

static uint32_t
calendar_step(const struct model_calendar *calendar, uint32_t window,
              bool forward)
{
    uint32_t at = window, edge = forward ? CALENDAR_ORDINAL : 0;
    unsigned most = MODEL_CALENDAR_GAP_DAYS * MODEL_CALENDAR_SHIFTS;
    for (unsigned i = 0; i < most && (at & CALENDAR_ORDINAL) != edge; i++) {
        at += forward ? 1 : UINT32_MAX;
        if (calendar_has(calendar, at))
            return at;
    }
    return window;
}

uint32_t
model_calendar_next(const struct model_calendar *calendar, uint32_t window)
{
    return calendar_step(calendar, window, true);
}

uint32_t
model_calendar_back(const struct model_calendar *calendar, uint32_t window)
{
    return calendar_step(calendar, window, false);
}

/* --- text --- */

static enum err
calendar_parse_shift(const struct model_calendar *calendar, struct bytes text,
                     uint32_t *ret_window)
{
    uint32_t day;
    struct bytes name =
        base_bytes_slice(text, CALENDAR_DAY_TEXT + 1, text.size);
    enum err err =
        model_window_parse(base_bytes(text.at, CALENDAR_DAY_TEXT), &day);
    if (err != ERR_OK)
        return err;
    for (unsigned i = 0; i < calendar->shift_count; i++) {
        uint32_t at = (day & CALENDAR_ORDINAL) * MODEL_CALENDAR_SHIFTS +
                      calendar->shifts[i].index;
        uint32_t window = (uint32_t)MODEL_FREQ_SHIFT << 28 | at;
        if (!base_bytes_is(name, calendar->shifts[i].name) ||
            at > CALENDAR_ORDINAL || !calendar_shift(calendar, window))
            continue;
        *ret_window = window;
        return ERR_OK;
    }
    return ERR_ABSENT;
}

enum err
model_calendar_parse(const struct model_calendar *calendar, struct bytes text,
                     uint32_t *ret_window)
{
    char whole[MODEL_WINDOW_TEXT];
    uint32_t window;
    if (text.size > CALENDAR_DAY_TEXT && text.at[CALENDAR_DAY_TEXT] == '.')
        return calendar_parse_shift(calendar, text, ret_window);
    bool merged = text.size == CALENDAR_MERGED_TEXT && text.at[7] == '.';
    if (merged) { /* 2023-01..02: of 2023-02, if that is how it is written */
        base_bytes_string(text, whole, sizeof whole);
        memcpy(whole + 5, text.at + 9, 2);
    }
    enum err err =
        model_window_parse(merged ? base_bytes(whole, 7) : text, &window);
    if (err != ERR_OK)
        return err;
    if (merged &&
        !base_bytes_is(text, model_calendar_text(calendar, window, whole)))
        return ERR_ABSENT;
    if (!merged && (!calendar_has(calendar, window) ||
                    calendar_is_merged(calendar, window)))
        return ERR_ABSENT;
    *ret_window = window;
    return ERR_OK;
}

char *
model_calendar_text(const struct model_calendar *calendar, uint32_t window,
                    char *to)
{
    const struct model_calendar_shift *shift = NULL;
    if (model_window_freq(window) == MODEL_FREQ_SHIFT)
        shift = calendar_shift(calendar, window);
    if (shift) {
        uint32_t day = (window & CALENDAR_ORDINAL) / MODEL_CALENDAR_SHIFTS;
        model_window_text((uint32_t)MODEL_FREQ_DAY << 28 | day, to);
        snprintf(to + CALENDAR_DAY_TEXT, MODEL_WINDOW_TEXT - CALENDAR_DAY_TEXT,
                 ".%s", shift->name);
        return to;
    }
    model_window_text(window, to);
    if (calendar_is_merged(calendar, window))
        snprintf(to + 5, MODEL_WINDOW_TEXT - 5, "%02u..%02u",
                 calendar->merge_first % 100u, calendar->merge_last % 100u);
    return to;
}
