/* api_break.c -- see api_break.h. */
#include "api/break/api_break.h"

#include <stdlib.h>

#include "base/base_mem.h"
#include "net/http/net_http_json.h"

enum { BREAK_BODY = 4096, BREAK_SECONDS = 3600, BREAK_WISH = 1024 };

static const char *const break_faults[API_BREAK_FAULTS] = {
    "kill", "cut", "repeat", "delay", "reorder"};

static json_t *
break_status(struct api_break *break_it, struct net_http_request *request)
{
    struct bytes text;
    json_t *status = NULL;
    if (break_it->status(break_it->self, &request->arena, &text) == ERR_OK)
        status = json_loadb((const char *)text.at, text.size, 0, NULL);
    return status ? status : json_pack("{s:s}", "state", "idle");
}

static bool
break_runs(const json_t *status)
{
    const char *state = json_string_value(json_object_get(status, "state"));
    return state &&
           (strcmp(state, "running") == 0 || strcmp(state, "settling") == 0);
}

static bool
break_known(const json_t *fault)
{
    const char *name = json_string_value(fault);
    for (unsigned i = 0; name && i < API_BREAK_FAULTS; i++)
        if (strcmp(name, break_faults[i]) == 0)
            return true;
    return false;
}

/* The wish out of a body: {seconds, faults, seed}; owned by the caller. */
static enum err
break_read(struct bytes body, json_t **ret_wish, struct base_note *note)
{
    json_t *wish = NULL;
    enum err err = net_http_json_object(body, &wish, note);
    if (err != ERR_OK)
        return err;
    const json_t *seconds = json_object_get(wish, "seconds");
    const json_t *faults = json_object_get(wish, "faults");
    const json_t *seed = json_object_get(wish, "seed");
    if (seconds &&
        (!json_is_integer(seconds) || json_integer_value(seconds) < 1 ||
         json_integer_value(seconds) > BREAK_SECONDS))
        err = base_err_note_at(note, ERR_RANGE, "seconds", 0, 0,
                               "a number from 1 to %d", BREAK_SECONDS);
    else if (seed && (!json_is_integer(seed) || json_integer_value(seed) < 0))
        err =
            base_err_note_at(note, ERR_RANGE, "seed", 0, 0, "a number from 0");
    else if (faults && !json_is_array(faults))
        err = base_err_note_at(note, ERR_TYPE, "faults", 0, 0, "a list");
    for (size_t i = 0; err == ERR_OK && i < json_array_size(faults); i++)
        if (!break_known(json_array_get(faults, i)))
            err = base_err_note_at(note, ERR_NAME, "faults", 0, 0,
                                   "kill, cut, repeat, delay and reorder are "
                                   "known");
    if (err == ERR_OK)
        *ret_wish = wish;
    else
        json_decref(wish);
    return err;
}

static enum err
break_hand_over(struct api_break *break_it,
                const struct net_http_request *request, const char *action,
                const json_t *wish)
{
    char *text = json_dumps(wish, JSON_COMPACT);
    enum err err =
        break_it->wish(break_it->self, base_bytes(text, strlen(text)));
    if (err == ERR_OK)
        err = model_audit_append(break_it->audit,
                                 &(struct model_audit_event){
                                     .actor = &request->principal,
                                     .action = action,
                                     .object = base_bytes_text(break_it->node),
                                     .reason = base_bytes_text(text),
                                 });
    free(text);
    return err;
}

static void
break_start(struct api_break *break_it, struct net_http_request *request)
{
    struct base_note note = {0};
    json_t *status = break_status(break_it, request), *wish = NULL;
    bool runs = break_runs(status);
    json_decref(status);
    if (runs) {
        base_err_note(&note, ERR_EXISTS, "it runs already; DELETE ends it");
        net_http_problem(request, 409, &note);
        return;
    }
    enum err err = break_read(request->body, &wish, &note);
    if (err != ERR_OK) {
        net_http_problem(request, 400, &note);
        return;
    }
    err = break_hand_over(break_it, request, "break.start", wish);
    if (err == ERR_OK)
        net_http_reply_json(request, 202, wish);
    else {
        json_decref(wish);
        net_http_reply_err(request, err, NULL);
    }
}

static void
break_stop(struct api_break *break_it, struct net_http_request *request)
{
    json_t *wish = json_pack("{s:b}", "stop", 1);
    enum err err = break_hand_over(break_it, request, "break.stop", wish);
    if (err == ERR_OK)
        net_http_reply_json(request, 202, wish);
    else {
        json_decref(wish);
        net_http_reply_err(request, err, NULL);
    }
}

static void
break_handle(void *self, struct net_http_request *request)
{
    struct api_break *break_it = self;
    struct base_note note;
    if (!break_it->demonstration) {
        base_err_note(&note, ERR_DENIED,
                      "%s is not a demonstration node: nothing is broken here "
                      "on purpose (see `demonstration` in doc/node.md)",
                      break_it->node);
        net_http_problem(request, 403, &note);
    } else if (request->method == NET_HTTP_GET) {
        net_http_reply_json(request, 200, break_status(break_it, request));
    } else if (request->method == NET_HTTP_POST) {
        break_start(break_it, request);
    } else {
        break_stop(break_it, request);
    }
}

void
api_break_routes(struct api_break *break_it, struct base_loop *loop,
                 struct net_http_route routes[API_BREAK_ROUTES])
{
    routes[0] = (struct net_http_route){
        .methods =
            NET_HTTP_GET | NET_HTTP_POST | NET_HTTP_DELETE | NET_HTTP_ONCE,
        .pattern = "/api/break",
        .action = MODEL_GRANT_BREAK,
        .loop = loop,
        .handle = break_handle,
        .self = break_it,
        .body_max = BREAK_BODY,
    };
}
