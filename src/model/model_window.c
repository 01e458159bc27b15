/* model_window.c -- window ids, their bounds and their text.
 *
 * One table says for each frequency how long a step is: a number of
 * milliseconds, or a number of months. */
#include "model/model_window.h"

#include <stdio.h>

#include "base/base_mem.h"
#include "base/base_must.h"

enum { WINDOW_YEAR_MAX = 9999 };

static const struct window_row {
    const char *name;
    int64_t step_ms;
    int32_t step_months;
} window_rows[] = {
    /* clang-format off */
    [MODEL_FREQ_MINUTE]  = {"minute",  60000,    0},
    [MODEL_FREQ_HOUR]    = {"hour",    3600000,  0},
    [MODEL_FREQ_SHIFT]   = {"shift",   0,        0}, /* model_calendar */
    [MODEL_FREQ_DAY]     = {"day",     86400000, 0},
    [MODEL_FREQ_MONTH]   = {"month",   0,        1},
    [MODEL_FREQ_QUARTER] = {"quarter", 0,        3},
    [MODEL_FREQ_HALF]    = {"half",    0,        6},
    [MODEL_FREQ_YEAR]    = {"year",    0,        12},
    /* clang-format on */
};

static const struct window_row *
window_row(enum model_freq freq)
{
    if ((unsigned)freq >= BASE_COUNT(window_rows))
        return NULL;
    const struct window_row *row = &window_rows[freq];
    return row->step_ms || row->step_months ? row : NULL;
}

static enum err
window_make(enum model_freq freq, int64_t ordinal, uint32_t *ret_window)
{
    if (ordinal < 0 || ordinal >> 28)
        return ERR_RANGE;
    *ret_window = (uint32_t)freq << 28 | (uint32_t)ordinal;
    return ERR_OK;
}

enum err
model_window_at(enum model_freq freq, int32_t offset_s, struct wall time,
                uint32_t *ret_window)
{
    const struct window_row *row = window_row(freq);
    if (!row)
        return ERR_UNSUPPORTED;
    int64_t local;
    if (__builtin_add_overflow(time.ms, (int64_t)offset_s * 1000, &local) ||
        local < 0 ||
        local / 86400000 >= base_time_days(WINDOW_YEAR_MAX + 1, 1, 1))
        return ERR_RANGE;
    if (row->step_ms)
        return window_make(freq, local / row->step_ms, ret_window);
    struct base_time_civil civil = base_time_civil((struct wall){local}, 0);
    int32_t months = (civil.year - 1970) * 12 + civil.month - 1;
    return window_make(freq, months / row->step_months, ret_window);
}

/* Where the ordinal begins, in ms of local time. */
static enum err
window_start(const struct window_row *row, int64_t ordinal, int64_t *ret_ms)
{
    int64_t days_end = base_time_days(WINDOW_YEAR_MAX + 1, 1, 1), ms;
    if (row->step_ms) {
        ms = ordinal * row->step_ms;
    } else {
        int64_t months = ordinal * row->step_months;
        if (months / 12 > WINDOW_YEAR_MAX + 1 - 1970)
            return ERR_RANGE;
        ms = base_time_days((int32_t)(1970 + months / 12),
                            (unsigned)(months % 12) + 1, 1) *
             86400000;
    }
    if (ms > days_end * 86400000)
        return ERR_RANGE;
    *ret_ms = ms;
    return ERR_OK;
}

enum err
model_window_bounds(uint32_t window, int32_t offset_s, struct wall *ret_start,
                    struct wall *ret_end)
{
    const struct window_row *row = window_row(model_window_freq(window));
    if (!row)
        return ERR_UNSUPPORTED;
    int64_t ordinal = window & 0xfffffff, start, end;
    enum err err = window_start(row, ordinal, &start);
    if (err == ERR_OK)
        err = window_start(row, ordinal + 1, &end);
    if (err != ERR_OK)
        return err;
    ret_start->ms = start - (int64_t)offset_s * 1000;
    ret_end->ms = end - (int64_t)offset_s * 1000;
    return ERR_OK;
}

/* Text is the front of an RFC 3339 time, as long as the frequency needs; of
 * quarters and halves the month is written Q4, H2. */
enum { WINDOW_MONTH_AT = 5 };

static const struct window_form {
    enum model_freq freq;
    uint8_t size;
    char letter; /* at WINDOW_MONTH_AT */
} window_forms[] = {
    {MODEL_FREQ_YEAR, 4, 0},    {MODEL_FREQ_QUARTER, 7, 'Q'},
    {MODEL_FREQ_HALF, 7, 'H'},  {MODEL_FREQ_MONTH, 7, 0},
    {MODEL_FREQ_DAY, 10, 0},    {MODEL_FREQ_HOUR, 13, 0},
    {MODEL_FREQ_MINUTE, 16, 0},
};

enum err
model_window_parse(struct bytes text, uint32_t *ret_window)
{
    char whole[] = "0000-01-01T00:00:00Z";
    const struct window_form *form = window_forms;
    struct wall time;
    for (; form < window_forms + BASE_COUNT(window_forms); form++)
        if (text.size == form->size &&
            (!form->letter ||
             text.at[WINDOW_MONTH_AT] == (uint8_t)form->letter))
            break;
    if (form == window_forms + BASE_COUNT(window_forms))
        return ERR_SYNTAX;
    memcpy(whole, text.at, text.size);
    if (form->letter) {
        int32_t part = whole[WINDOW_MONTH_AT + 1] - '1',
                months = window_rows[form->freq].step_months;
        if (part < 0 || part >= 12 / months)
            return part >= 0 && part < 9 ? ERR_RANGE : ERR_SYNTAX;
        int32_t month = part * months + 1;
        whole[WINDOW_MONTH_AT] = (char)('0' + month / 10);
        whole[WINDOW_MONTH_AT + 1] = (char)('0' + month % 10);
    }
    enum err err = base_time_parse(base_bytes_text(whole), &time);
    return err == ERR_OK ? model_window_at(form->freq, 0, time, ret_window)
                         : err;
}

char *
model_window_text(uint32_t window, char *to)
{
    const struct window_form *form = window_forms;
    struct wall start, end;
    char whole[BASE_TIME_TEXT];
    if (model_window_bounds(window, 0, &start, &end) != ERR_OK) {
        snprintf(to, MODEL_WINDOW_TEXT, "?%08x", window);
        return to;
    }
    while (form->freq != model_window_freq(window))
        form++;
    base_time_text(start, 0, whole);
    if (form->letter) {
        int32_t month = (whole[WINDOW_MONTH_AT] - '0') * 10 +
                        whole[WINDOW_MONTH_AT + 1] - '0';
        whole[WINDOW_MONTH_AT] = form->letter;
        whole[WINDOW_MONTH_AT + 1] =
            (char)('1' + (month - 1) / window_rows[form->freq].step_months);
    }
    base_bytes_string(base_bytes(whole, form->size), to, MODEL_WINDOW_TEXT);
    return to;
}

const char *
model_window_freq_name(enum model_freq freq)
{
    const char *name = (unsigned)freq < BASE_COUNT(window_rows)
                           ? window_rows[freq].name
                           : NULL;
    return name ? name : "?";
}

enum err
model_window_freq_parse(struct bytes name, enum model_freq *ret_freq)
{
    for (unsigned i = 1; i < BASE_COUNT(window_rows); i++) {
        if (!base_bytes_is(name, window_rows[i].name))
            continue;
        *ret_freq = (enum model_freq)i;
        return ERR_OK;
    }
    return ERR_SYNTAX;
}
