/* plant_check_inner.h -- what the files of plant check share.
 *
 *   plant_check.c          the truth's lines, series
 *   plant_check_figures.c  windows of kpi/iso22400 and energy/carbon */
#ifndef PLANT_CHECK_INNER_H
#define PLANT_CHECK_INNER_H

#include "base/base_num.h"
#include "ctl/ctl_http.h"

enum { CHECK_ID = 128, CHECK_NAME = 64, CHECK_COUNTS = 13 };

struct check_series {
    char id[CHECK_ID], metric[CHECK_NAME];
    unsigned decimals;
    int64_t count, sum, first_ms, first, last_ms, last; /* truth */
    int64_t has_count, has_sum, has_first_ms, has_first, has_last_ms, has_last;
};

struct check_window { /* of one machine */
    char id[CHECK_ID];
    unsigned file;
    bool shift; /* or a minute */
    int64_t from_ms;
    int64_t counts[CHECK_COUNTS]; /* as plant_check_figures.c lists them */
};

struct check {
    const struct ctl *ctl;
    struct check_series *series;
    unsigned series_count;
    struct check_window *windows;
    unsigned window_count, window_room;
    unsigned files;
    bool begun, ended; /* of the file being read */
    int64_t from_ms, to_ms;
    uint64_t differences, samples, figures;
};

void plant_check_differs(struct check *check, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The integer of 10^-decimals that the text is, exactly. */
bool plant_check_mantissa(const char *text, unsigned decimals,
                          int64_t *ret_value);
/* One {"window":...} of the truth. */
void plant_check_window(struct check *check, const json_t *line);
/* All windows, for each of the two packs that the node has. */
enum ctl_exit plant_check_figures(struct check *check);

#endif
