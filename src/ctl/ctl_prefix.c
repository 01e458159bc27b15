/* ctl_prefix.c -- `dougong prefix approve|suspend|resume|revoke|list`. */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl_http.h"

static enum ctl_exit
prefix_list(struct ctl *ctl)
{
    json_t *answer = NULL, *row;
    size_t i;
    enum ctl_exit bad = ctl_http_get(ctl, "/api/prefix-applications", &answer);
    if (bad != CTL_OK)
        return bad;
    if (ctl->json)
        ctl_print_json(answer);
    else
        json_array_foreach(json_object_get(answer, "prefixes"), i, row)
            printf("%-24s %-10s %s\n",
                   json_string_value(json_object_get(row, "prefix")),
                   json_string_value(json_object_get(row, "state")),
                   json_is_true(json_object_get(row, "direct")) ? "child" : "");
    json_decref(answer);
    return CTL_OK;
}

enum ctl_exit
ctl_prefix(struct ctl *ctl)
{
    if (strcmp(ctl->command->verb, "list") == 0)
        return prefix_list(ctl);
    json_t *answer = NULL;
    struct base_out path;
    base_out_grow(&path, 4096);
    base_out_text(&path, "/api/prefix-applications/");
    ctl_http_escape(&path, ctl->args[0]);
    base_out_format(&path, "/%s", ctl->command->verb);
    base_out_u8(&path, 0);
    enum ctl_exit bad =
        ctl_http_post(ctl, (const char *)path.at, "{}", &answer);
    base_out_done(&path);
    if (bad != CTL_OK)
        return bad;
    const char *token = json_string_value(json_object_get(answer, "token"));
    if (ctl->json)
        ctl_print_json(answer);
    else if (token != NULL)
        puts(token);
    else
        printf("%s is %s\n", ctl->args[0],
               json_string_value(json_object_get(answer, "state")));
    json_decref(answer);
    return CTL_OK;
}
