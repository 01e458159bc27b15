/* api_returns.c -- see api_returns.h. */
#include "api/returns/api_returns.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/returns/api_returns_json.h"
#include "base/base_b64.h"
#include "base/base_mem.h"
#include "net/http/net_http_json.h"
#include "net/http/net_http_page.h"

enum {
    RETURNS_ARENA = 4 << 20,
    RETURNS_PAGE = 50,
    RETURNS_PAGE_MAX = 500,
    RETURNS_ID = 2 * 480,
};

static const struct {
    const char *name;
    enum wire_return_verdict verdict;
} returns_states[] = {{"accepted", WIRE_RETURN_ACCEPTED},
                      {"queried", WIRE_RETURN_QUERIED}};

/* --- ids --- */

/* {NULL, 0}: not one. */
static struct bytes
returns_id(struct base_arena *arena, struct bytes text)
{
    uint8_t *to = base_arena_alloc(arena, RETURNS_ID / 2);
    if (!to || text.size % 2 != 0 || text.size > RETURNS_ID ||
        base_b64_unhex(text, to, text.size / 2) != ERR_OK)
        return (struct bytes){0};
    return base_bytes(to, text.size / 2);
}

static void
returns_absent(struct net_http_request *request)
{
    struct base_note note = {0};
    base_err_note(&note, ERR_ABSENT, "there is no such return");
    net_http_problem(request, 404, &note);
}

/* --- filing --- */

/* The members of an object of texts; SYNTAX. */
static enum err
returns_pairs(json_t *from, const char *name, struct base_arena *arena,
              const struct rollup_return_pair **ret_pairs, unsigned *ret_count,
              struct base_note *note)
{
    json_t *map = json_object_get(from, name), *value;
    const char *key;
    *ret_count = 0;
    *ret_pairs = NULL;
    if (!map || json_is_null(map))
        return ERR_OK;
    struct rollup_return_pair *pairs =
        base_arena_alloc(arena, (json_object_size(map) + 1) * sizeof *pairs);
    if (!pairs)
        return ERR_LIMIT;
    bool texts = json_is_object(map);
    json_object_foreach(map, key, value)
    {
        texts = texts && json_is_string(value);
        if (texts)
            pairs[(*ret_count)++] = (struct rollup_return_pair){
                base_bytes_text(key), base_bytes(json_string_value(value),
                                                 json_string_length(value))};
    }
    *ret_pairs = pairs;
    return texts ? ERR_OK
                 : base_err_note_at(note, ERR_SYNTAX, name, 0, 0,
                                    "\"%s\" is an object of texts; a number "
                                    "is a text too: \"12.5\"",
                                    name);
}

static enum err
returns_ask(json_t *body, struct base_arena *arena,
            struct rollup_return_ask *ask, struct base_note *note)
{
    json_t *revision = json_object_get(body, "revision");
    *ask = (struct rollup_return_ask){
        .pack = net_http_json_get(body, "pack"),
        .unit = net_http_json_get(body, "unit"),
        .window = net_http_json_get(body, "window"),
        .reason = net_http_json_get(body, "reason"),
    };
    if (revision &&
        (!json_is_integer(revision) || json_integer_value(revision) < 0 ||
         json_integer_value(revision) > UINT32_MAX))
        return base_err_note_at(note, ERR_SYNTAX, "revision", 0, 0,
                                "a revision is a whole number");
    ask->revision = (uint32_t)json_integer_value(revision);
    enum err err = returns_pairs(body, "items", arena, &ask->items,
                                 &ask->item_count, note);
    if (err == ERR_OK)
        err = returns_pairs(body, "explanations", arena, &ask->texts,
                            &ask->text_count, note);
    return err;
}

static void
returns_refused(struct net_http_request *request,
                const struct rollup_return_verdict *verdict,
                const struct base_note *note)
{
    json_t *problem = api_returns_json_refusal(verdict, note);
    char *text = json_dumps(problem, JSON_COMPACT);
    net_http_reply(request, 422, "application/problem+json",
                   base_bytes_text(text));
    free(text);
    json_decref(problem);
}

static void
returns_filed(struct api_returns *returns, struct net_http_request *request,
              const struct rollup_return_ask *ask,
              const struct rollup_return_verdict *verdict,
              struct base_arena *arena)
{
    struct rollup_return_view view;
    if (ask->check_only) {
        net_http_reply_json(request, 200, api_returns_json_checked(verdict));
        return;
    }
    if (rollup_return_get(returns->rollup, verdict->id, 0, arena, &view) !=
        ERR_OK) {
        returns_absent(request);
        return;
    }
    json_t *to = api_returns_json_view(returns, &view, true);
    api_returns_json_verdict(to, verdict);
    net_http_reply_json(request, verdict->again ? 200 : 201, to);
}

static void
returns_file(struct api_returns *returns, struct net_http_request *request,
             bool check_only)
{
    struct rollup_return_verdict verdict = {0};
    struct rollup_return_ask ask;
    struct base_note note = {0};
    struct base_arena arena;
    char actor[MODEL_GRANT_NAME_MAX + 32];
    const struct model_grant_principal *who = &request->principal;
    json_t *body = net_http_json_body(request);
    if (!body)
        return;
    base_arena_init(&arena, RETURNS_ARENA);
    enum err err = returns_ask(body, &arena, &ask, &note);
    if (err == ERR_OK)
        err = net_http_may(request, MODEL_GRANT_RETURNS, ask.unit, &note);
    if (err == ERR_OK) {
        snprintf(actor, sizeof actor, "%s:%.*s",
                 model_grant_kind_name(who->kind), (int)who->name.size,
                 (const char *)who->name.at);
        ask.actor = actor;
        ask.check_only = check_only;
        err =
            rollup_return_file(returns->rollup, &ask, &arena, &verdict, &note);
    }
    if (err == ERR_OK)
        returns_filed(returns, request, &ask, &verdict, &arena);
    else if (verdict.refused)
        returns_refused(request, &verdict, &note);
    else if (err == ERR_NAME)
        net_http_problem(request, 404, &note);
    else
        net_http_reply_err(request, err, &note);
    base_arena_done(&arena);
    json_decref(body);
}

static void
returns_post(void *self, struct net_http_request *request)
{
    returns_file(self, request, false);
}

static void
returns_check(void *self, struct net_http_request *request)
{
    returns_file(self, request, true);
}

/* --- reading --- */

struct returns_list {
    struct api_returns *returns;
    struct net_http_request *request;
    struct net_http_page page;
    enum wire_return_verdict state; /* 0: all */
};

static bool
returns_row(void *self, const struct rollup_return_view *view)
{
    struct returns_list *list = self;
    if (list->state && view->verdict != list->state)
        return true;
    if (net_http_may(list->request, MODEL_GRANT_NAMES, view->decoded.unit,
                     NULL) != ERR_OK)
        return true;
    if (!net_http_page_room(&list->page))
        return false;
    json_t *row = api_returns_json_view(list->returns, view, false);
    struct bytes id =
        base_bytes_text(json_string_value(json_object_get(row, "id")));
    net_http_page_add(&list->page, id, row);
    return true;
}

static enum err
returns_list_ask(struct api_returns *returns, struct returns_list *list,
                 uint32_t *ret_window, struct base_note *note)
{
    const struct net_http_request *request = list->request;
    struct bytes state = net_http_query(request, "state"),
                 window = net_http_query(request, "window"),
                 name = net_http_query(request, "pack");
    for (size_t i = 0; i < BASE_COUNT(returns_states); i++)
        if (base_bytes_is(state, returns_states[i].name))
            list->state = returns_states[i].verdict;
    if (state.size > 0 && !list->state)
        return base_err_note_at(note, ERR_SYNTAX, "state", 0, 0,
                                "a state is accepted or queried");
    *ret_window = 0;
    const struct model_pack *pack =
        model_pack_list_find(rollup_packs(returns->rollup), name, NULL);
    if (name.size > 0 && !pack)
        return base_err_note_at(note, ERR_SYNTAX, "pack", 0, 0,
                                "there is no pack \"%.*s\" here",
                                (int)name.size, (const char *)name.at);
    if (window.size == 0)
        return ERR_OK;
    if (!pack || model_calendar_parse(&pack->calendar, window, ret_window))
        return base_err_note_at(note, ERR_SYNTAX, "window", 0, 0,
                                "a window goes with its pack: pack=... and "
                                "window=2025-10");
    return ERR_OK;
}

static void
returns_get(void *self, struct net_http_request *request)
{
    struct api_returns *returns = self;
    struct returns_list list = {.returns = returns, .request = request};
    struct base_note note = {0};
    struct base_arena arena;
    uint32_t window;
    if (!net_http_page_begin(request, RETURNS_PAGE, RETURNS_PAGE_MAX,
                             &list.page))
        return;
    base_arena_init(&arena, RETURNS_ARENA);
    struct bytes after = returns_id(&arena, list.page.next);
    enum err err = returns_list_ask(returns, &list, &window, &note);
    if (err == ERR_OK && list.page.next.size > 0 && after.size == 0)
        err = base_err_note_at(&note, ERR_SYNTAX, "next", 0, 0,
                               "it is not what the page before has said");
    if (err == ERR_OK)
        err = rollup_return_list(
            returns->rollup, net_http_query(request, "pack"), window,
            net_http_query(request, "unit"), after, returns_row, &list);
    if (err == ERR_OK) {
        net_http_page_reply(request, &list.page, "returns");
    } else {
        net_http_page_drop(&list.page);
        net_http_reply_err(request, err, &note);
    }
    base_arena_done(&arena);
}

/* The return of the path, if it may be seen; else replied. */
static bool
returns_one(struct api_returns *returns, struct net_http_request *request,
            uint32_t revision, struct base_arena *arena,
            struct rollup_return_view *ret_view)
{
    struct bytes id = returns_id(arena, net_http_path(request, "id"));
    enum err err =
        rollup_return_get(returns->rollup, id, revision, arena, ret_view);
    if (err == ERR_OK && net_http_may(request, MODEL_GRANT_NAMES,
                                      ret_view->decoded.unit, NULL) != ERR_OK)
        err = ERR_ABSENT;
    if (err == ERR_ABSENT)
        returns_absent(request);
    else if (err != ERR_OK)
        net_http_reply_err(request, err, NULL);
    return err == ERR_OK;
}

static void
returns_show(void *self, struct net_http_request *request)
{
    struct rollup_return_view view;
    struct base_arena arena;
    uint64_t revision = 0;
    struct base_note note = {0};
    if (net_http_number(request, "revision", 0, UINT32_MAX, 0, &revision,
                        &note) != ERR_OK) {
        net_http_problem(request, 400, &note);
        return;
    }
    base_arena_init(&arena, RETURNS_ARENA);
    if (returns_one(self, request, (uint32_t)revision, &arena, &view))
        net_http_reply_json(request, 200,
                            api_returns_json_view(self, &view, true));
    base_arena_done(&arena);
}

static void
returns_receipts(void *self, struct net_http_request *request)
{
    struct api_returns *returns = self;
    struct rollup_return_view view;
    struct base_arena arena;
    base_arena_init(&arena, RETURNS_ARENA);
    if (returns_one(returns, request, 0, &arena, &view)) {
        json_t *list = json_array();
        uint32_t revision = view.decoded.revision;
        while (json_array_size(list) < RETURNS_PAGE) {
            json_array_append_new(list,
                                  api_returns_json_receipt(returns, &view));
            if (--revision == 0 ||
                rollup_return_get(returns->rollup, view.id, revision, &arena,
                                  &view) != ERR_OK)
                break;
        }
        net_http_reply_json(request, 200, json_pack("{s:o}", "receipts", list));
    }
    base_arena_done(&arena);
}

static void
returns_form(void *self, struct net_http_request *request)
{
    struct api_returns *returns = self;
    struct rollup_return_before before;
    struct base_note note = {0};
    struct bytes name = net_http_path(request, "pack"),
                 unit = net_http_query(request, "unit"),
                 window = net_http_query(request, "window");
    enum err err = net_http_may(request, MODEL_GRANT_RETURNS, unit, &note);
    if (err == ERR_OK)
        err = rollup_return_before(returns->rollup, name, unit, window, &before,
                                   &note);
    if (err == ERR_OK)
        net_http_reply_json(
            request, 200,
            api_returns_json_form(
                model_pack_list_find(rollup_packs(returns->rollup), name, NULL),
                unit, window, &before));
    else if (err == ERR_NAME)
        net_http_problem(request, 404, &note);
    else
        net_http_reply_err(request, err, &note);
}

void
api_returns_routes(struct api_returns *returns, struct base_loop *loop,
                   struct net_http_route routes[API_RETURNS_ROUTES])
{
    /* clang-format off */
    const struct net_http_route all[API_RETURNS_ROUTES] = {
        {NET_HTTP_GET, "/api/returns", MODEL_GRANT_NAMES, "*", loop,
         returns_get, returns, 0},
        {NET_HTTP_POST | NET_HTTP_ONCE, "/api/returns", MODEL_GRANT_RETURNS, "*", loop,
         returns_post, returns, API_RETURNS_BODY},
        {NET_HTTP_POST, "/api/returns/check", MODEL_GRANT_RETURNS, "*", loop,
         returns_check, returns, API_RETURNS_BODY},
        {NET_HTTP_GET, "/api/returns/forms/{pack...}", MODEL_GRANT_RETURNS,
         "*", loop, returns_form, returns, 0},
        {NET_HTTP_GET, "/api/returns/{id}", MODEL_GRANT_NAMES, "*", loop,
         returns_show, returns, 0},
        {NET_HTTP_GET, "/api/returns/{id}/receipts", MODEL_GRANT_NAMES, "*",
         loop, returns_receipts, returns, 0},
    };
    /* clang-format on */
    memcpy(routes, all, sizeof all);
}
