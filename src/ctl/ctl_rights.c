/* ctl_rights.c -- `dougong rights`: the table of roles and actions. */
#include <stdio.h>

#include "ctl/ctl.h"
#include "model/model_grant.h"

static json_t *
rights_row(enum model_grant_action action)
{
    json_t *roles = json_array();
    for (unsigned i = 0; i < MODEL_GRANT_ROLES; i++)
        if (model_grant_action_roles(action) & 1U << i)
            json_array_append_new(roles, json_string(model_grant_role_name((
                                             enum model_grant_role)(1U << i))));
    return json_pack("{s:s, s:s, s:b, s:o}", "action",
                     model_grant_action_name(action), "text",
                     model_grant_action_text(action), "scoped",
                     model_grant_action_scoped(action) ? 1 : 0, "roles", roles);
}

static void
rights_print(void)
{
    printf("%-10s", "");
    for (unsigned i = 0; i < MODEL_GRANT_ROLES; i++)
        printf(" %-*.13s", i == 5 ? 13 : 11,
               model_grant_role_name((enum model_grant_role)(1U << i)));
    puts("");
    for (unsigned a = MODEL_GRANT_OPEN; a < MODEL_GRANT_ACTIONS; a++) {
        enum model_grant_action action = (enum model_grant_action)a;
        printf("%-10s", model_grant_action_name(action));
        for (unsigned i = 0; i < MODEL_GRANT_ROLES; i++)
            printf(" %-*s", i == 5 ? 13 : 11,
                   model_grant_action_roles(action) & 1U << i ? "yes" : "-");
        printf(" %s%s\n", model_grant_action_text(action),
               model_grant_action_scoped(action) ? " (in its scope)" : "");
    }
}

enum ctl_exit
ctl_rights(struct ctl *ctl)
{
    if (!ctl->json) {
        rights_print();
        return CTL_OK;
    }
    json_t *rows = json_array();
    for (unsigned a = MODEL_GRANT_OPEN; a < MODEL_GRANT_ACTIONS; a++)
        json_array_append_new(rows, rights_row((enum model_grant_action)a));
    ctl_print_json(rows);
    json_decref(rows);
    return CTL_OK;
}
