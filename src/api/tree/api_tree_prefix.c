/* api_tree_prefix.c -- see api_tree_prefix.h. */
#include "api/tree/api_tree_prefix.h"

#include "api/tree/api_tree_move.h"
#include "engine/ident/ident_step.h"
#include "engine/rollup/rollup_move.h"
#include "net/http/net_http_json.h"
#include "net/http/net_http_page.h"

enum { PREFIX_TOKEN = 1024, PREFIX_LIST = 100, PREFIX_LIST_MAX = 1000 };
enum { PREFIX_ARENA = 64 << 10, PREFIX_HOURS = 24 };

static json_t *
prefix_json(const struct ident_prefix *prefix)
{
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:b, s:b, s:I, s:I}", "prefix", prefix->name, "state",
        ident_prefix_state_name(prefix->state), "node", prefix->host, "direct",
        prefix->direct ? 1 : 0, "hosted", prefix->hosted ? 1 : 0, "approved_ms",
        (json_int_t)prefix->approved_ms, "joined_ms",
        (json_int_t)prefix->joined_ms);
    if (prefix->quota > 0)
        json_object_set_new(json, "quota", json_integer(prefix->quota));
    if (prefix->attributes[0] != '\0')
        json_object_set_new(json, "codes", json_string(prefix->attributes));
    return json;
}

/* --- listing --- */

struct prefix_page {
    struct net_http_page page;
    struct bytes state;
};

static void
prefix_page_one(void *self, const struct ident_prefix *prefix)
{
    struct prefix_page *page = self;
    uint8_t name[MODEL_PREFIX_MAX], after[MODEL_PREFIX_MAX];
    struct bytes own = base_bytes_text(prefix->name);
    base_bytes_fold(own, name);
    base_bytes_fold(page->page.next, after);
    if (base_bytes_compare(base_bytes(name, own.size),
                           base_bytes(after, page->page.next.size)) <= 0 &&
        page->page.next.size > 0)
        return;
    if (page->state.size > 0 &&
        !base_bytes_is(page->state, ident_prefix_state_name(prefix->state)))
        return;
    if (net_http_page_room(&page->page))
        net_http_page_add(&page->page, own, prefix_json(prefix));
}

static bool
prefix_state_known(struct bytes name)
{
    bool known = false;
    for (unsigned i = 0; i <= IDENT_PREFIX_REFUSED && !known; i++)
        known = base_bytes_is(name, ident_prefix_state_name(i));
    return known && !base_bytes_is(name, "unknown");
}

void
api_tree_prefix_list(void *self, struct net_http_request *request)
{
    struct api_tree *tree = self;
    struct base_note note;
    struct prefix_page page = {.state = net_http_query(request, "state")};
    if (net_http_query(request, "next").size > MODEL_PREFIX_MAX) {
        base_err_note_at(&note, ERR_SYNTAX, "next", 0, 0, "no prefix");
        net_http_problem(request, 400, &note);
        return;
    }
    if (page.state.size > 0 && !prefix_state_known(page.state)) {
        base_err_note_at(&note, ERR_SYNTAX, "state", 0, 0,
                         "a state is applied, returned, refused, approved, "
                         "active, suspended or revoked");
        net_http_problem(request, 400, &note);
        return;
    }
    if (!net_http_page_begin(request, PREFIX_LIST, PREFIX_LIST_MAX, &page.page))
        return;
    enum err err = ident_prefix_list(tree->ident, prefix_page_one, &page);
    if (err == ERR_OK) {
        net_http_page_reply(request, &page.page, "prefixes");
        return;
    }
    net_http_page_drop(&page.page);
    net_http_reply_err(request, err, NULL);
}

/* --- one --- */

static json_t *
prefix_steps(const struct ident_application *of)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < of->step_count; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:I, s:o, s:o}", "verb",
                            ident_step_name(of->steps[i].verb), "at_ms",
                            (json_int_t)of->steps[i].at_ms, "actor",
                            net_http_json_text(of->steps[i].actor), "reason",
                            net_http_json_text(of->steps[i].reason)));
    return list;
}

void
api_tree_prefix_show(void *self, struct net_http_request *request)
{
    struct api_tree *tree = self;
    struct bytes name = net_http_path(request, "prefix");
    struct ident_prefix prefix;
    struct ident_application of;
    struct base_arena arena;
    struct base_note note;
    enum err err = ident_prefix_find(tree->ident, name, &prefix);
    if (err != ERR_OK) {
        base_err_note(&note, err, "no prefix %.*s is known here",
                      (int)name.size, (const char *)name.at);
        net_http_problem(request, net_http_status(err), &note);
        return;
    }
    json_t *json = prefix_json(&prefix);
    base_arena_init(&arena, PREFIX_ARENA);
    if (ident_step_application(tree->ident, name, &arena, &of) == ERR_OK)
        json_object_set_new(
            json, "application",
            json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o}", "name",
                      net_http_json_text(of.name), "uscc",
                      net_http_json_text(of.uscc), "industry",
                      net_http_json_text(of.industry), "region",
                      net_http_json_text(of.region), "contact",
                      net_http_json_text(of.contact), "key",
                      net_http_json_text(of.key), "applicant",
                      net_http_json_text(of.applicant), "applied_ms",
                      (json_int_t)of.applied_ms, "steps", prefix_steps(&of)));
    base_arena_done(&arena);
    net_http_reply_json(request, 200, json);
}

/* --- steps --- */

static unsigned
prefix_status(enum err err)
{
    return err == ERR_NAME || err == ERR_BIG ? 400 : net_http_status(err);
}

static void
prefix_step_reply(struct net_http_request *request,
                  const struct ident_step *step)
{
    json_t *json =
        json_pack("{s:o, s:s}", "prefix", net_http_json_text(step->prefix),
                  "state", ident_prefix_state_name(step->state));
    bool token = step->token != NULL && step->token->size > 0;
    if (token) {
        json_object_set_new(json, "token",
                            net_http_json_text(base_out_bytes(step->token)));
        json_object_set_new(json, "hours", json_integer(PREFIX_HOURS));
    }
    net_http_reply_json(request, token ? 201 : 200, json);
}

void
api_tree_prefix_apply(void *self, struct net_http_request *request)
{
    struct api_tree *tree = self;
    json_t *json = net_http_json_body(request);
    if (json == NULL)
        return;
    struct ident_application of = {
        .name = net_http_json_get(json, "name"),
        .uscc = net_http_json_get(json, "uscc"),
        .industry = net_http_json_get(json, "industry"),
        .region = net_http_json_get(json, "region"),
        .contact = net_http_json_get(json, "contact"),
        .key = net_http_json_get(json, "key"),
    };
    struct ident_step step = {
        .verb = IDENT_VERB_APPLY,
        .prefix = net_http_json_get(json, "prefix"),
        .actor = &request->principal,
        .reason = net_http_json_get(json, "reason"),
        .application = &of,
    };
    enum err err = ident_step(tree->ident, &step, NULL);
    if (err == ERR_OK)
        prefix_step_reply(request, &step);
    else
        net_http_problem(request, prefix_status(err), &step.note);
    json_decref(json);
}

static bool
prefix_verb(struct bytes name, enum ident_verb *ret_verb)
{
    return ident_step_find(name, ret_verb) && *ret_verb != IDENT_VERB_APPLY &&
           *ret_verb != IDENT_VERB_JOIN && *ret_verb != IDENT_VERB_EXPORT;
}

void
api_tree_prefix_step(void *self, struct net_http_request *request)
{
    struct api_tree *tree = self;
    struct bytes name = net_http_path(request, "verb");
    uint8_t room[PREFIX_TOKEN];
    struct base_out token;
    struct base_note note;
    struct ident_step step = {
        .prefix = net_http_path(request, "prefix"),
        .actor = &request->principal,
        .token = &token,
    };
    base_out_fixed(&token, room, sizeof room);
    if (!prefix_verb(name, &step.verb)) {
        base_err_note(&note, ERR_ABSENT,
                      "\"%.*s\": approve, return, refuse, host, suspend, "
                      "resume, revoke and moved are known",
                      (int)name.size, (const char *)name.at);
        net_http_problem(request, 404, &note);
        return;
    }
    json_t *json = net_http_json_body(request);
    if (json == NULL)
        return;
    json_int_t quota = json_integer_value(json_object_get(json, "quota"));
    step.quota = quota > 0 && quota < UINT32_MAX ? (unsigned)quota : 0;
    step.reason = net_http_json_get(json, "reason");
    enum err err = ident_step(tree->ident, &step, NULL);
    if (err == ERR_OK && step.verb == IDENT_VERB_RESUME && tree->rollup)
        err = rollup_move_resume(tree->rollup, step.prefix);
    if (err == ERR_OK && step.verb == IDENT_VERB_RESUME)
        api_tree_move_resume(tree, step.prefix);
    if (err == ERR_OK)
        prefix_step_reply(request, &step);
    else
        net_http_problem(request, prefix_status(err), &step.note);
    json_decref(json);
}
