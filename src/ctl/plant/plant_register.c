/* plant_register.c -- one POST of a row per machine. */
#include "ctl/plant/plant_register.h"

#include <stdio.h>
#include <stdlib.h>

#include "ctl/ctl_http.h"

enum { REGISTER_BODY = 64 << 10, REGISTER_URL = 1024 };

enum { REGISTER_MADE = 1, REGISTER_THERE = 101 }; /* DO-IRP codes */

static void
register_row(const struct plant *plant, const struct plant_machine *machine,
             struct base_out *body)
{
    char about[160];
    snprintf(about, sizeof about, "simulated by dougong plant %s, %s",
             plant->works->name, plant->works->title);
    json_t *row = json_pack(
        "{s:s, s:s, s:s, s:[{s:i, s:s, s:s}, {s:i, s:s, s:s}]}", "op", "create",
        "id", machine->id, "if", "absent", "values", "index", 1, "type",
        "CLASS", "data", "machine", "index", 2, "type", "DESC", "data", about);
    char *text = json_dumps(row, JSON_COMPACT);
    base_out_format(body, "%s\n", text);
    free(text);
    json_decref(row);
}

/* The answer's lines, one per row: the first that was refused is said. */
static void
register_look(const struct plant *plant, struct bytes answer)
{
    while (answer.size > 0) {
        size_t size = base_bytes_find(answer, '\n');
        json_t *line = json_loadb((const char *)answer.at, size, 0, NULL);
        json_t *row = json_object_get(line, "row");
        json_int_t code = json_integer_value(json_object_get(line, "code"));
        const char *why = json_string_value(json_object_get(line, "error"));
        bool bad = row && code != REGISTER_MADE && code != REGISTER_THERE;
        if (bad)
            ctl_say("row %d of the plant's %u machines is not registered: %s "
                    "(code %d)",
                    (int)json_integer_value(row), plant->works->machine_count,
                    why ? why : "no reason was given", (int)code);
        json_decref(line);
        if (bad)
            return;
        answer = base_bytes_slice(answer, size + 1, answer.size);
    }
}

enum ctl_exit
plant_register_machines(const struct ctl *ctl, const struct plant *plant)
{
    char url[REGISTER_URL];
    struct base_out body, answer;
    long status = 0;
    snprintf(url, sizeof url, "%s/api/handles", ctl->node);
    base_out_grow(&body, REGISTER_BODY);
    for (unsigned i = 0; i < plant->works->machine_count; i++)
        register_row(plant, &plant->machines[i], &body);
    base_out_u8(&body, 0);
    struct ctl_http http = {.url = url,
                            .post = (const char *)body.at,
                            .type = "application/x-ndjson",
                            .key = ctl->key,
                            .cookie = ctl->cookie};
    enum ctl_exit bad = ctl_http_raw(&http, &status, &answer);
    base_out_done(&body);
    if (bad != CTL_OK)
        return bad;
    if (status == 200)
        register_look(plant, base_out_bytes(&answer));
    else
        ctl_say("%s does not register machines for this asker (%ld): going on "
                "with those that it knows, or makes itself",
                ctl->node, status);
    base_out_done(&answer);
    return CTL_OK;
}
