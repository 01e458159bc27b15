/* plant_check.c -- truth on one side, the node's answers on the other. */
#include "ctl/plant/plant_check.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/base_mem.h"
#include "ctl/plant/plant_check_inner.h"

enum { CHECK_LINE = 4096, CHECK_SERIES = 4096, CHECK_SAID = 100 };

static const int64_t check_span_ms = 1800000; /* of samples asked at once */

void
plant_check_differs(struct check *check, const char *fmt, ...)
{
    va_list args;
    if (check->differences++ >= CHECK_SAID)
        return;
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    putchar('\n');
}

/* --- the truth --- */

static int64_t
check_integer(const json_t *line, const char *key)
{
    return json_integer_value(json_object_get(line, key));
}

static void
check_text(const json_t *line, const char *key, char *to, size_t size)
{
    const char *text = json_string_value(json_object_get(line, key));
    snprintf(to, size, "%s", text ? text : "");
}

static void
check_take_series(struct check *check, const json_t *line)
{
    struct check_series *series = &check->series[check->series_count++];
    *series = (struct check_series){
        .decimals = (unsigned)check_integer(line, "decimals"),
        .count = check_integer(line, "count"),
        .sum = check_integer(line, "sum"),
        .first_ms = check_integer(line, "first_ms"),
        .first = check_integer(line, "first"),
        .last_ms = check_integer(line, "last_ms"),
        .last = check_integer(line, "last"),
    };
    check_text(line, "id", series->id, sizeof series->id);
    check_text(line, "series", series->metric, sizeof series->metric);
}

/* false: not a line of a truth. */
static bool
check_take(struct check *check, const json_t *line)
{
    if (json_object_get(line, "truth")) {
        check->begun = true;
        check->from_ms = check_integer(line, "from_ms");
    } else if (json_object_get(line, "series")) {
        if (check->series_count == CHECK_SERIES)
            return false;
        check_take_series(check, line);
    } else if (json_object_get(line, "end")) {
        check->ended = true;
        check->to_ms = check_integer(line, "to_ms");
    } else if (json_object_get(line, "window")) {
        plant_check_window(check, line);
    } else {
        return json_object_get(line, "fault") != NULL;
    }
    return true;
}

static enum ctl_exit
check_read(struct check *check, const char *path)
{
    char text[CHECK_LINE];
    unsigned number = 0;
    bool good = true;
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        ctl_say("%s cannot be read", path);
        return CTL_USAGE;
    }
    while (good && fgets(text, sizeof text, file)) {
        json_t *line = json_loads(text, 0, NULL);
        number++;
        good = line && check_take(check, line);
        json_decref(line);
    }
    fclose(file);
    if (good && check->begun && check->ended)
        return CTL_OK;
    if (!good)
        ctl_say("%s:%u: not a line of a plant's truth", path, number);
    else
        ctl_say("%s has no end: has the run ended?", path);
    return CTL_NO;
}

/* --- series --- */

static struct check_series *
check_find(struct check *check, const char *id, const char *metric)
{
    for (unsigned i = 0; i < check->series_count; i++)
        if (strcmp(check->series[i].metric, metric) == 0 &&
            strcmp(check->series[i].id, id) == 0)
            return &check->series[i];
    return NULL;
}

/* The integer of 10^-decimals that the text is, exactly. */
bool
plant_check_mantissa(const char *text, unsigned decimals, int64_t *ret_value)
{
    struct num num;
    struct dec dec;
    int64_t value;
    struct dec back;
    if (text == NULL || base_num_parse(base_bytes_text(text), &num) != ERR_OK ||
        base_num_dec(num, &dec) != ERR_OK ||
        base_dec_to(dec, decimals, BASE_DEC_HALF_EVEN, &value) != ERR_OK ||
        base_dec_from(value, decimals, &back) != ERR_OK ||
        base_dec_compare(dec, back) != 0)
        return false;
    *ret_value = value;
    return true;
}

static void
check_sample(struct check *check, struct check_series *series,
             const json_t *point)
{
    int64_t t_ms = llround(json_number_value(json_array_get(point, 0)) * 1000);
    const char *text = json_string_value(json_array_get(point, 1));
    int64_t value;
    check->samples++;
    if (!plant_check_mantissa(text, series->decimals, &value)) {
        plant_check_differs(check,
                            "%s %s at %" PRId64 ": %s has more than %u "
                            "decimals",
                            series->id, series->metric, t_ms,
                            text ? text : "nothing", series->decimals);
        return;
    }
    if (series->has_count++ == 0) {
        series->has_first_ms = t_ms;
        series->has_first = value;
    }
    series->has_sum += value;
    series->has_last_ms = t_ms;
    series->has_last = value;
}

static void
check_answer(struct check *check, const char *id, const json_t *answer)
{
    const json_t *data = json_object_get(answer, "data");
    json_t *row, *point;
    size_t i, k;
    json_array_foreach(json_object_get(data, "result"), i, row)
    {
        const char *metric = json_string_value(
            json_object_get(json_object_get(row, "metric"), "__name__"));
        struct check_series *series =
            metric ? check_find(check, id, metric) : NULL;
        if (series == NULL) {
            plant_check_differs(check, "%s %s: not in the truth", id,
                                metric ? metric : "?");
            continue;
        }
        json_array_foreach(json_object_get(row, "values"), k, point)
            check_sample(check, series, point);
    }
}

/* All series of one machine. */
static enum ctl_exit
check_machine(struct check *check, const char *id)
{
    for (int64_t t_ms = check->from_ms; t_ms < check->to_ms;
         t_ms += check_span_ms) {
        int64_t end_ms = t_ms + check_span_ms < check->to_ms
                             ? t_ms + check_span_ms
                             : check->to_ms;
        struct base_out path;
        char query[CHECK_ID + 64];
        json_t *answer = NULL;
        snprintf(query, sizeof query, "{id=\"%s\"}[%" PRId64 "ms]", id,
                 end_ms - t_ms);
        base_out_grow(&path, CHECK_LINE);
        base_out_text(&path, "/api/v1/query?query=");
        ctl_http_escape(&path, query);
        base_out_format(&path, "&time=%" PRId64 ".%03" PRId64,
                        (end_ms - 1) / 1000, (end_ms - 1) % 1000);
        base_out_u8(&path, 0);
        enum ctl_exit bad =
            ctl_http_get(check->ctl, (const char *)path.at, &answer);
        base_out_done(&path);
        if (bad != CTL_OK)
            return bad;
        check_answer(check, id, answer);
        json_decref(answer);
    }
    return CTL_OK;
}

static void
check_equal(struct check *check, const struct check_series *series,
            const char *what, int64_t truth, int64_t has)
{
    if (truth != has)
        plant_check_differs(check, "%s %s: %s %" PRId64 ", but was %" PRId64,
                            series->id, series->metric, what, has, truth);
}

static void
check_compare(struct check *check, const struct check_series *series)
{
    check_equal(check, series, "count", series->count, series->has_count);
    check_equal(check, series, "sum", series->sum, series->has_sum);
    check_equal(check, series, "first time", series->first_ms,
                series->has_first_ms);
    check_equal(check, series, "first", series->first, series->has_first);
    check_equal(check, series, "last time", series->last_ms,
                series->has_last_ms);
    check_equal(check, series, "last", series->last, series->has_last);
}

/* Those of one file, which stand from `first` on. */
static enum ctl_exit
check_all_series(struct check *check, unsigned first)
{
    for (unsigned i = first; i < check->series_count; i++) {
        const char *id = check->series[i].id;
        if (i > first && strcmp(check->series[i - 1].id, id) == 0)
            continue; /* they stand together */
        enum ctl_exit bad = check_machine(check, id);
        if (bad != CTL_OK)
            return bad;
    }
    for (unsigned i = first; i < check->series_count; i++)
        check_compare(check, &check->series[i]);
    return CTL_OK;
}

/* --- the whole --- */

static enum ctl_exit
check_file(struct check *check, const char *path, bool series)
{
    unsigned first = check->series_count;
    check->begun = check->ended = false;
    enum ctl_exit result = check_read(check, path);
    if (result == CTL_OK && series)
        result = check_all_series(check, first);
    check->files++;
    return result;
}

enum ctl_exit
plant_check_files(const struct ctl *ctl)
{
    struct check check = {.ctl = ctl};
    bool series = ctl_value(ctl, "figures") == NULL;
    enum ctl_exit result = CTL_OK;
    check.series = base_mem_zero(CHECK_SERIES * sizeof *check.series);
    for (unsigned i = 0; i < ctl->arg_count && result == CTL_OK; i++)
        result = check_file(&check, ctl->args[i], series);
    if (result == CTL_OK)
        result = plant_check_figures(&check);
    if (result == CTL_OK) {
        printf("%u series, %" PRIu64 " samples, %" PRIu64 " figures: %" PRIu64
               " differences\n",
               series ? check.series_count : 0, check.samples, check.figures,
               check.differences);
        if (check.differences > 0)
            result = CTL_NO;
    }
    base_mem_free(check.windows);
    base_mem_free(check.series);
    return result;
}
