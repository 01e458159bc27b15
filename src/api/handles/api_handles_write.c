/* api_handles_write.c -- changing one, and many (see api_handles.h).
 *
 * A row of POST /api/handles: {"op": "create"|"put"|"delete"|"state", "id",
 * "values": [...], "state", "reason", "if": "absent" or a revision}.  The
 * answer has a line a row, in order: {"row", "code", "revision"} or {"row",
 * "code", "error"}; the last is {"rows", "ok", "failed"}.  A bad row stops
 * nobody; with "if" a file may be sent again as it is. */
#include "api/handles/api_handles_inner.h"
#include "api/handles/api_handles_value.h"
#include "base/base_mem.h"

enum { WRITE_ARENA = 1 << 20, WRITE_INDEXES = 64, WRITE_REPLY = 32 << 20 };

static void
write_reply(struct net_http_request *request, const struct ident_edit *edit)
{
    if (edit->code != IDENT_CODE_OK) {
        api_handles_refuse(request, api_handles_status(edit->code, false),
                           edit->code, edit->id, edit->note.text,
                           edit->note.where);
        return;
    }
    api_handles_reply(request, edit->made ? 201 : 200,
                      json_pack("{s:i, s:o, s:I}", "responseCode", 1, "handle",
                                net_http_json_text(edit->id), "revision",
                                (json_int_t)edit->revision));
}

static void
write_bad(struct net_http_request *request, struct bytes handle,
          const struct base_note *note)
{
    char message[400];
    if (note->column > 0)
        snprintf(message, sizeof message, "%s (line %u, column %u)", note->text,
                 note->line, note->column);
    else
        snprintf(message, sizeof message, "%s", note->text);
    api_handles_refuse(request, 400, IDENT_CODE_MALFORMED, handle, message,
                       note->where);
}

/* --- one --- */

static bool
write_state(struct net_http_request *request, struct ident_edit *edit)
{
    struct bytes name = net_http_query(request, "state");
    edit->state = IDENT_ACTIVE;
    edit->why = net_http_query(request, "reason");
    if (name.at == NULL || ident_state_find(name, &edit->state))
        return true;
    api_handles_refuse(request, 400, IDENT_CODE_MALFORMED, edit->id,
                       "reserved, active, suspended or retired", "state");
    return false;
}

static void
write_put(struct api_handles *handles, struct net_http_request *request,
          struct ident_edit *edit)
{
    struct base_note note = {0};
    struct base_arena arena;
    json_t *json = NULL;
    base_arena_init(&arena, WRITE_ARENA);
    enum err err = net_http_json_read(request->body, &json, &note);
    if (err == ERR_OK)
        err = api_handles_value_read(json, &arena, &edit->values, &note);
    if (err == ERR_OK) {
        ident_edit(handles->ident, edit, NULL);
        write_reply(request, edit);
    } else {
        write_bad(request, edit->id, &note);
    }
    json_decref(json);
    base_arena_done(&arena);
}

void
api_handles_put(void *self, struct net_http_request *request)
{
    struct api_handles *handles = self;
    struct bytes state = net_http_query(request, "state");
    struct ident_edit edit = {
        .id = net_http_path(request, "handle"),
        .overwrite = api_handles_flag(request, "overwrite", true),
        .op = net_http_query(request, "index").at != NULL ? IDENT_OP_ADD
                                                          : IDENT_OP_CREATE,
    };
    if (!write_state(request, &edit))
        return;
    if (state.at == NULL || request->body.size > 0) {
        write_put(self, request, &edit);
        return;
    }
    edit.op = IDENT_OP_STATE;
    ident_edit(handles->ident, &edit, NULL);
    write_reply(request, &edit);
}

void
api_handles_delete(void *self, struct net_http_request *request)
{
    struct api_handles *handles = self;
    uint32_t indexes[WRITE_INDEXES];
    struct ident_edit edit = {
        .op = IDENT_OP_DELETE,
        .id = net_http_path(request, "handle"),
        .indexes = indexes,
    };
    for (unsigned i = 0; i < request->query_count; i++) {
        uint64_t number;
        if (!base_bytes_is(request->query[i].name, "index"))
            continue;
        if (edit.index_count == WRITE_INDEXES ||
            base_bytes_u64(request->query[i].value, &number) != ERR_OK ||
            number > INT32_MAX) {
            api_handles_refuse(request, 400, IDENT_CODE_MALFORMED, edit.id,
                               "numbers, at most 64 of them", "index");
            return;
        }
        indexes[edit.index_count++] = (uint32_t)number;
        edit.op = IDENT_OP_REMOVE;
    }
    ident_edit(handles->ident, &edit, NULL);
    write_reply(request, &edit);
}

/* --- many --- */

static const struct {
    const char *name;
    enum ident_op op;
    bool overwrite;
} write_ops[] = {
    {"create", IDENT_OP_CREATE, false},
    {"put", IDENT_OP_CREATE, true},
    {"delete", IDENT_OP_DELETE, false},
    {"state", IDENT_OP_STATE, false},
};

/* NULL, or the field that is wrong. */
static const char *
write_row_read(const json_t *row, struct ident_edit *edit)
{
    struct bytes op = net_http_json_get(row, "op");
    struct bytes state = net_http_json_get(row, "state");
    const json_t *condition = json_object_get(row, "if");
    size_t i = 0;
    while (i < BASE_COUNT(write_ops) && !base_bytes_is(op, write_ops[i].name))
        i++;
    if (i == BASE_COUNT(write_ops))
        return "op";
    edit->op = write_ops[i].op;
    edit->overwrite = write_ops[i].overwrite;
    edit->state = IDENT_ACTIVE;
    if (state.at != NULL && !ident_state_find(state, &edit->state))
        return "state";
    edit->why = net_http_json_get(row, "reason");
    if (json_is_integer(condition) && json_integer_value(condition) > 0)
        edit->if_revision = (uint64_t)json_integer_value(condition);
    else if (json_is_string(condition) &&
             strcmp(json_string_value(condition), "absent") == 0)
        edit->if_absent = true;
    else if (condition != NULL)
        return "if";
    return NULL;
}

static void
write_row(struct api_handles *handles, struct net_http_request *request,
          const json_t *row, struct base_arena *arena, struct ident_edit *edit)
{
    edit->id = net_http_json_get(row, "id");
    const char *wrong = write_row_read(row, edit);
    edit->code = IDENT_CODE_MALFORMED;
    if (wrong != NULL) {
        base_err_note(&edit->note, ERR_SYNTAX,
                      "\"%s\" is not what it may be: op create, put, delete or "
                      "state; if absent or a revision",
                      wrong);
        return;
    }
    if (json_object_get(row, "values") != NULL &&
        api_handles_value_read(row, arena, &edit->values, &edit->note) !=
            ERR_OK)
        return;
    if (net_http_may(request, MODEL_GRANT_REGISTER, edit->id, &edit->note) !=
        ERR_OK) {
        edit->code = IDENT_CODE_FORBIDDEN;
        return;
    }
    ident_edit(handles->ident, edit, NULL);
}

static void
write_row_said(struct base_out *out, unsigned row,
               const struct ident_edit *edit)
{
    json_t *json = json_pack("{s:I, s:i}", "row", (json_int_t)row, "code",
                             (int)edit->code);
    if (edit->code == IDENT_CODE_OK)
        json_object_set_new(json, "revision",
                            json_integer((json_int_t)edit->revision));
    else
        json_object_set_new(
            json, "error",
            json_sprintf("%s%s%s", edit->note.where,
                         edit->note.where[0] != '\0' ? ": " : "",
                         edit->note.text[0] != '\0'
                             ? edit->note.text
                             : ident_resolve_text(edit->code)));
    char *text = json_dumps(json, JSON_COMPACT);
    base_out_text(out, text);
    base_out_u8(out, '\n');
    free(text);
    json_decref(json);
}

static bool
write_line(struct api_handles *handles, struct net_http_request *request,
           struct bytes line, unsigned row, struct base_out *out)
{
    struct ident_edit edit = {.code = IDENT_CODE_MALFORMED};
    struct base_arena arena;
    json_t *json = NULL;
    base_arena_init(&arena, WRITE_ARENA);
    if (net_http_json_read(line, &json, &edit.note) == ERR_OK)
        write_row(handles, request, json, &arena, &edit);
    write_row_said(out, row, &edit);
    json_decref(json);
    base_arena_done(&arena);
    return edit.code == IDENT_CODE_OK;
}

void
api_handles_bulk(void *self, struct net_http_request *request)
{
    struct bytes rest = request->body;
    struct base_out out;
    unsigned rows = 0, ok = 0;
    base_out_grow(&out, WRITE_REPLY);
    while (rest.size > 0) {
        struct bytes line =
            base_bytes_slice(rest, 0, base_bytes_find(rest, '\n'));
        rest = base_bytes_slice(rest, line.size + 1, rest.size);
        if (line.size == 0)
            continue;
        rows++;
        ok += write_line(self, request, line, rows, &out);
    }
    base_out_format(&out, "{\"rows\":%u,\"ok\":%u,\"failed\":%u}\n", rows, ok,
                    rows - ok);
    if (base_out_ok(&out))
        net_http_reply(request, 200, "application/x-ndjson",
                       base_out_bytes(&out));
    else
        net_http_reply_err(request, out.failed, NULL);
    base_out_done(&out);
}
