/* ctl_page.c -- see ctl_page.h. */
#include "ctl/ctl_page.h"

#include "ctl/ctl_http.h"

enum ctl_exit
ctl_page_get(const struct ctl *ctl, struct base_out *path, json_t **ret_json)
{
    static const char *const names[] = {"limit", "next"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = ctl_value(ctl, names[i]);
        if (value == NULL)
            continue;
        base_out_format(path, "&%s=", names[i]);
        ctl_http_escape(path, value);
    }
    base_out_u8(path, 0);
    if (!base_out_ok(path)) {
        ctl_say("the question is too long");
        return CTL_USAGE;
    }
    return ctl_http_get(ctl, (const char *)path->at, ret_json);
}

void
ctl_page_more(const json_t *answer)
{
    const char *next = json_string_value(json_object_get(answer, "next"));
    if (next != NULL)
        ctl_say("more: --next %s", next);
}
