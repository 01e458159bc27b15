/* plant_check_figures.c -- what the tree makes of the machines' samples.
 *
 * For each window that all truths hold: kpi/iso22400's table, line by line for
 * the machines that it names and as a sum; its ratios, each by one division of
 * the truth's sums, rounded half up as the pack shows them; and for each whole
 * hour the electricity of energy/carbon. */
#include "ctl/plant/plant_check_inner.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/base_mem.h"
#include "base/base_time.h"

enum { CHECK_PATH = 256, CHECK_DIGITS = 2 };

static const int64_t check_minute_ms = 60000, check_hour_ms = 3600000;
static const int32_t check_zone_s = 8 * 3600;

enum {
    COUNT_PLANNED,
    COUNT_RUN,
    COUNT_SETUP,
    COUNT_IDLE,
    COUNT_DOWN,
    COUNT_STOP,
    COUNT_UNKNOWN,
    COUNT_MADE,
    COUNT_GOOD,
    COUNT_SCRAP,
    COUNT_STD_MADE,
    COUNT_STD_GOOD,
    COUNT_WH,
    COUNTS
};

_Static_assert((int)COUNTS == (int)CHECK_COUNTS,
               "a window has a place for each");

static const struct {
    const char *truth, *measure;
} check_measures[COUNTS] = {
    [COUNT_PLANNED] = {"planned_ms", "pbt"},
    [COUNT_RUN] = {"run_ms", "apt"},
    [COUNT_SETUP] = {"setup_ms", "aust"},
    [COUNT_IDLE] = {"idle_ms", "idle"},
    [COUNT_DOWN] = {"down_ms", "down"},
    [COUNT_STOP] = {"stop_ms", "stop"},
    [COUNT_UNKNOWN] = {"", "unknown"}, /* what is left of the window */
    [COUNT_MADE] = {"made_pcs", "pq"},
    [COUNT_GOOD] = {"good_pcs", "gq"},
    [COUNT_SCRAP] = {"scrap_pcs", "sq"},
    [COUNT_STD_MADE] = {"std_made_ms", "std_pq"},
    [COUNT_STD_GOOD] = {"std_good_ms", "std_gq"},
    [COUNT_WH] = {"wh", "energy"},
};

static const struct {
    const char *metric;
    unsigned a, b;
} check_ratios[] = {
    {"availability", COUNT_RUN, COUNT_PLANNED},
    {"effectiveness", COUNT_STD_MADE, COUNT_RUN},
    {"quality", COUNT_GOOD, COUNT_MADE},
    {"oee", COUNT_STD_GOOD, COUNT_PLANNED},
};

/* --- the truth --- */

void
plant_check_window(struct check *check, const json_t *line)
{
    if (check->window_count == check->window_room) {
        check->window_room = check->window_room ? check->window_room * 2 : 1024;
        check->windows = base_mem_resize(
            check->windows, check->window_room * sizeof *check->windows);
    }
    struct check_window *window = &check->windows[check->window_count++];
    const char *id = json_string_value(json_object_get(line, "id"));
    const char *kind = json_string_value(json_object_get(line, "window"));
    *window = (struct check_window){
        .file = check->files,
        .shift = kind && strcmp(kind, "shift") == 0,
        .from_ms = json_integer_value(json_object_get(line, "from_ms")),
    };
    snprintf(window->id, sizeof window->id, "%s", id ? id : "");
    for (unsigned i = 0; i < COUNTS; i++)
        window->counts[i] =
            json_integer_value(json_object_get(line, check_measures[i].truth));
    window->counts[COUNT_UNKNOWN] =
        json_integer_value(json_object_get(line, "to_ms")) - window->from_ms;
    for (unsigned i = COUNT_RUN; i <= COUNT_STOP; i++)
        window->counts[COUNT_UNKNOWN] -= window->counts[i];
}

static int
check_order(const void *a, const void *b)
{
    const struct check_window *x = a, *y = b;
    if (x->shift != y->shift)
        return x->shift ? 1 : -1;
    return x->from_ms < y->from_ms ? -1 : x->from_ms > y->from_ms;
}

/* "2026-11-22T04:55", "2026-11-22T04", "2026-11-22.day" */
static const char *
check_at(int64_t from_ms, int64_t size_ms, char *to)
{
    static const char *const shifts[] = {"night", "day", "evening"};
    base_time_text((struct wall){from_ms}, check_zone_s, to);
    if (size_ms == check_minute_ms)
        to[sizeof "2026-11-22T04:55" - 1] = '\0';
    else if (size_ms == check_hour_ms)
        to[sizeof "2026-11-22T04" - 1] = '\0';
    else
        snprintf(to + sizeof "2026-11-22" - 1, 16, ".%s",
                 shifts[(from_ms / check_hour_ms + 8) / 8 % 3]);
    return to;
}

/* --- asking --- */

static enum ctl_exit
check_ask(struct check *check, const char *what, const char *pack,
          const char *more, const char *at, json_t **ret_answer)
{
    char path[CHECK_PATH];
    snprintf(path, sizeof path, "/api/figures%s?pack=%s%s&at=%s", what, pack,
             more, at);
    return ctl_http_get(check->ctl, path, ret_answer);
}

static void
check_count(struct check *check, const char *from, const char *at,
            const char *name, const json_t *value, int64_t truth)
{
    const char *text = json_string_value(value);
    int64_t has = 0;
    check->figures++;
    if (text == NULL)
        plant_check_differs(check, "%s %s %s: no value, but was %" PRId64, from,
                            at, name, truth);
    else if (!plant_check_mantissa(text, 0, &has) || has != truth)
        plant_check_differs(check, "%s %s %s: %s, but was %" PRId64, from, at,
                            name, text, truth);
}

/* --- kpi/iso22400 --- */

struct check_group { /* windows of one time */
    const struct check_window *first;
    unsigned count;
    int64_t size_ms, sums[COUNTS];
    char at[BASE_TIME_TEXT + 16];
};

static void
check_sum(struct check_group *group)
{
    group->size_ms = group->first->shift ? 8 * check_hour_ms : check_minute_ms;
    check_at(group->first->from_ms, group->size_ms, group->at);
    for (unsigned i = 0; i < group->count; i++)
        for (unsigned k = 0; k < COUNTS; k++)
            group->sums[k] += group->first[i].counts[k];
}

/* A line of the table: a machine's, or all of them together. */
static void
check_line(struct check *check, const struct check_group *group,
           const json_t *line, unsigned *ret_whole)
{
    const char *from = json_string_value(json_object_get(line, "from"));
    const json_t *measures = json_object_get(line, "measures");
    const int64_t *truth = NULL;
    if (from == NULL) /* the node's own sum */
        from = "";
    if (from[0] == '\0') {
        truth = group->sums;
        (*ret_whole)++;
    }
    for (unsigned i = 0; i < group->count; i++)
        if (strcmp(group->first[i].id, from) == 0)
            truth = group->first[i].counts;
    for (unsigned i = 0; truth && i < COUNTS; i++)
        check_count(
            check, from[0] ? from : "all", group->at, check_measures[i].measure,
            json_object_get(measures, check_measures[i].measure), truth[i]);
}

static enum ctl_exit
check_table(struct check *check, const struct check_group *group)
{
    json_t *answer = NULL, *line;
    unsigned whole = 0;
    size_t i;
    enum ctl_exit bad = check_ask(check, "/table", "kpi/iso22400", "&parts=1",
                                  group->at, &answer);
    if (bad != CTL_OK)
        return bad;
    json_array_foreach(json_object_get(answer, "lines"), i, line)
        check_line(check, group, line, &whole);
    if (whole != 1)
        plant_check_differs(check, "%s: kpi/iso22400 has no figure", group->at);
    json_decref(answer);
    return CTL_OK;
}

static enum ctl_exit
check_ratio(struct check *check, const struct check_group *group,
            unsigned ratio)
{
    int64_t a = group->sums[check_ratios[ratio].a] * 10000;
    int64_t b = group->sums[check_ratios[ratio].b], has = 0;
    const char *metric = check_ratios[ratio].metric;
    char more[CHECK_NAME];
    json_t *answer = NULL;
    snprintf(more, sizeof more, "&metric=%s&parts=0", metric);
    enum ctl_exit bad =
        check_ask(check, "", "kpi/iso22400", more, group->at, &answer);
    if (bad != CTL_OK)
        return bad;
    const char *text = json_string_value(json_object_get(answer, "value"));
    bool good = b == 0
                    ? text == NULL
                    : text && plant_check_mantissa(text, CHECK_DIGITS, &has) &&
                          has == (2 * a + b) / (2 * b);
    check->figures++;
    if (!good)
        plant_check_differs(check, "%s %s: %s, but was %" PRId64 " / %" PRId64,
                            group->at, metric, text ? text : "no value",
                            a / 10000, b);
    json_decref(answer);
    return CTL_OK;
}

/* --- energy/carbon --- */

/* Electricity of the hour that ends with the last of these minutes. */
static enum ctl_exit
check_hour(struct check *check, const char *at, int64_t wh)
{
    json_t *answer = NULL, *line;
    int64_t sum = 0, cell;
    size_t i;
    enum ctl_exit bad =
        check_ask(check, "/table", "energy/carbon", "", at, &answer);
    if (bad != CTL_OK)
        return bad;
    json_array_foreach(json_object_get(answer, "lines"), i, line)
    {
        const char *text = json_string_value(
            json_object_get(json_object_get(line, "measures"), "electricity"));
        if (text && plant_check_mantissa(text, 0, &cell))
            sum += cell;
    }
    check->figures++;
    if (sum != wh)
        plant_check_differs(check,
                            "all %s electricity: %" PRId64 ", but was %" PRId64,
                            at, sum, wh);
    json_decref(answer);
    return CTL_OK;
}

/* --- all windows --- */

struct check_walk {
    bool kpi, carbon;
    int64_t hour_ms, wh; /* of the hour under way */
};

static enum ctl_exit
check_one(struct check *check, struct check_walk *walk,
          const struct check_group *group)
{
    enum ctl_exit bad = CTL_OK;
    int64_t from_ms = group->first->from_ms;
    char at[BASE_TIME_TEXT + 16];
    if (walk->kpi)
        bad = check_table(check, group);
    for (unsigned i = 0;
         walk->kpi && bad == CTL_OK && i < BASE_COUNT(check_ratios); i++)
        bad = check_ratio(check, group, i);
    if (group->first->shift || !walk->carbon || bad != CTL_OK)
        return bad;
    if (from_ms / check_hour_ms != walk->hour_ms / check_hour_ms)
        walk->wh = 0;
    walk->hour_ms = from_ms;
    walk->wh += group->sums[COUNT_WH];
    if ((from_ms + check_minute_ms) % check_hour_ms == 0)
        bad = check_hour(check, check_at(from_ms, check_hour_ms, at), walk->wh);
    return bad;
}

/* Do all truths hold this window?  Of others the node says more, or less. */
static bool
check_in_all(const struct check *check, const struct check_group *group)
{
    unsigned seen = 0;
    for (unsigned i = 0; i < group->count; i++)
        seen |= 1u << group->first[i].file;
    return seen == (1u << check->files) - 1;
}

static enum ctl_exit
check_packs(struct check *check, struct check_walk *walk)
{
    json_t *answer = NULL, *pack;
    size_t i;
    enum ctl_exit bad = ctl_http_get(check->ctl, "/api/figures/packs", &answer);
    if (bad != CTL_OK)
        return bad;
    json_array_foreach(json_object_get(answer, "packs"), i, pack)
    {
        const char *name = json_string_value(json_object_get(pack, "pack"));
        walk->kpi |= name && strcmp(name, "kpi/iso22400") == 0;
        walk->carbon |= name && strcmp(name, "energy/carbon") == 0;
    }
    json_decref(answer);
    return CTL_OK;
}

enum ctl_exit
plant_check_figures(struct check *check)
{
    struct check_walk walk = {0};
    enum ctl_exit bad = check_packs(check, &walk);
    if (bad != CTL_OK || (!walk.kpi && !walk.carbon))
        return bad;
    if (check->window_count)
        qsort(check->windows, check->window_count, sizeof *check->windows,
              check_order);
    for (unsigned i = 0; i < check->window_count && bad == CTL_OK;) {
        struct check_group group = {.first = &check->windows[i]};
        while (i < check->window_count &&
               check_order(group.first, &check->windows[i]) == 0) {
            group.count++;
            i++;
        }
        check_sum(&group);
        if (check_in_all(check, &group))
            bad = check_one(check, &walk, &group);
    }
    return bad;
}
