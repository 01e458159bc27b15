/* ctl_query.c -- `dougong query`: a PromQL selector, as a table. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl/ctl_http.h"

static void
query_option(struct base_out *path, const struct ctl *ctl, const char *option,
             const char *parameter, const char *fallback)
{
    const char *value = ctl_value(ctl, option);
    if (value == NULL)
        value = fallback;
    if (value == NULL)
        return;
    base_out_format(path, "&%s=", parameter);
    ctl_http_escape(path, value);
}

static void
query_labels(const json_t *metric)
{
    const char *name;
    json_t *value;
    bool first = true;
    json_t *own = json_object_get(metric, "__name__");
    printf("%s{", own != NULL ? json_string_value(own) : "");
    json_object_foreach((json_t *)(uintptr_t)metric, name, value)
    {
        if (strcmp(name, "__name__") == 0)
            continue;
        printf("%s%s=\"%s\"", first ? "" : ", ", name,
               json_string_value(value));
        first = false;
    }
    putchar('}');
}

static void
query_point(const json_t *point)
{
    printf("  %.3f  %s\n", json_number_value(json_array_get(point, 0)),
           json_string_value(json_array_get(point, 1)));
}

static enum ctl_exit
query_print(const json_t *answer)
{
    const json_t *data = json_object_get(answer, "data");
    const json_t *result = json_object_get(data, "result");
    const char *type = json_string_value(json_object_get(data, "resultType"));
    json_t *row, *point;
    size_t i, k;
    if (type != NULL &&
        (strcmp(type, "scalar") == 0 || strcmp(type, "string") == 0)) {
        query_point(result);
        return CTL_OK;
    }
    json_array_foreach(result, i, row)
    {
        query_labels(json_object_get(row, "metric"));
        putchar('\n');
        if (json_object_get(row, "value") != NULL)
            query_point(json_object_get(row, "value"));
        json_array_foreach(json_object_get(row, "values"), k, point)
            query_point(point);
    }
    if (json_array_size(result) > 0)
        return CTL_OK;
    ctl_say("no series matches at that time; a series is asked for where it "
            "is kept, or anywhere by its id: temperature{id=\"88.31.1001/"
            "pump-1\"}");
    return CTL_NO;
}

enum ctl_exit
ctl_query(struct ctl *ctl)
{
    json_t *answer = NULL;
    struct base_out path;
    bool range = ctl_value(ctl, "from") != NULL;
    char now[32];
    snprintf(now, sizeof now, "%lld", (long long)time(NULL));
    base_out_grow(&path, 1 << 17);
    base_out_text(&path, range ? "/api/v1/query_range?query="
                               : "/api/v1/query?query=");
    ctl_http_escape(&path, ctl->args[0]);
    if (range) {
        query_option(&path, ctl, "from", "start", NULL);
        query_option(&path, ctl, "to", "end", now);
        query_option(&path, ctl, "step", "step", "15s");
    } else {
        query_option(&path, ctl, "at", "time", NULL);
    }
    base_out_u8(&path, 0);
    enum ctl_exit bad = ctl_http_get(ctl, (const char *)path.at, &answer);
    base_out_done(&path);
    if (bad != CTL_OK)
        return bad;
    if (ctl->json)
        ctl_print_json(answer);
    else
        bad = query_print(answer);
    json_decref(answer);
    return bad;
}
