/* api_audit.c -- see api_audit.h. */
#include "api/audit/api_audit.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/base_b64.h"
#include "net/http/net_http_json.h"
#include "net/http/net_http_page.h"

enum {
    AUDIT_ENTRIES = 256,
    AUDIT_HEADS = 100,
    AUDIT_HEADS_MAX = 1000,
    AUDIT_HASH = 32,
};

static json_t *
audit_path(const struct base_out *path)
{
    json_t *list = json_array();
    for (size_t at = 0; at < path->size; at += AUDIT_HASH)
        json_array_append_new(
            list, net_http_json_base64(base_bytes(path->at + at, AUDIT_HASH)));
    return list;
}

static json_t *
audit_head_json(const struct wire_head *head)
{
    return json_pack(
        "{s:I, s:I, s:o, s:o}", "tree_size", (json_int_t)head->size,
        "timestamp", (json_int_t)head->time_ms, "sha256_root_hash",
        net_http_json_base64(base_bytes(head->root, sizeof head->root)),
        "tree_head_signature",
        net_http_json_base64(
            base_bytes(head->signature, sizeof head->signature)));
}

/* --- parameters --- */

/* 64 hex digits, or base64. */
static enum err
audit_hash(const struct net_http_request *request, uint8_t to[AUDIT_HASH],
           struct base_note *note)
{
    struct bytes text = net_http_query(request, "hash");
    struct base_out out;
    base_out_fixed(&out, to, AUDIT_HASH);
    if (text.size == 2 * AUDIT_HASH &&
        base_b64_unhex(text, to, AUDIT_HASH) == ERR_OK)
        return ERR_OK;
    if (base_b64_read(text, BASE_B64_STANDARD, &out) == ERR_OK &&
        out.size == AUDIT_HASH)
        return ERR_OK;
    return base_err_note_at(note, ERR_SYNTAX, "hash", 0, 0,
                            "give a leaf's SHA-256 as 64 hex digits or base64");
}

static void
audit_refuse(struct net_http_request *request, enum err err,
             const struct base_note *note)
{
    unsigned status = err == ERR_SYNTAX                       ? 400
                      : err == ERR_ABSENT || err == ERR_RANGE ? 404
                                                              : 0;
    if (status != 0)
        net_http_problem(request, status, note);
    else
        net_http_reply_err(request, err, note);
}

/* --- handlers --- */

static void
audit_head(void *self, struct net_http_request *request)
{
    struct api_audit *audit = self;
    struct wire_head head;
    char id[17];
    enum err err = audit->head(audit->self, &head);
    if (err != ERR_OK) {
        net_http_reply_err(request, err, NULL);
        return;
    }
    json_t *to = audit_head_json(&head);
    snprintf(id, sizeof id, "%016" PRIx64, audit->key_id);
    json_object_set_new(to, "node", json_string(audit->node));
    json_object_set_new(to, "key_id", json_string(id));
    json_object_set_new(to, "public_key",
                        net_http_json_base64(audit->public_der));
    net_http_reply_json(request, 200, to);
}

static bool
audit_entry(void *self, uint64_t index, struct bytes entry)
{
    struct net_http_page *page = self;
    if (!net_http_page_room(page))
        return false;
    json_t *read = json_loadb((const char *)entry.at, entry.size, 0, NULL);
    net_http_page_add_number(page, index,
                             json_pack("{s:I, s:o, s:o}", "index",
                                       (json_int_t)index, "leaf_input",
                                       net_http_json_base64(entry), "entry",
                                       read ? read : json_null()));
    return true;
}

static void
audit_reply_page(struct net_http_request *request, struct net_http_page *page,
                 const char *name, enum err err)
{
    if (err == ERR_OK) {
        net_http_page_reply(request, page, name);
        return;
    }
    net_http_page_drop(page);
    net_http_reply_err(request, err, NULL);
}

static void
audit_entries(void *self, struct net_http_request *request)
{
    struct api_audit *audit = self;
    struct net_http_page page;
    uint64_t from;
    if (!net_http_page_begin(request, AUDIT_ENTRIES, AUDIT_ENTRIES, &page) ||
        !net_http_page_from(request, &page, &from))
        return;
    enum err err =
        audit->list(audit->self, from, page.limit + 1, audit_entry, &page);
    audit_reply_page(request, &page, "entries", err);
}

static void
audit_proof(void *self, struct net_http_request *request)
{
    struct api_audit *audit = self;
    struct base_note note = {0};
    uint8_t leaf[AUDIT_HASH], room[WIRE_HEAD_PATH_MAX];
    uint64_t size = 0, index = 0;
    struct base_out path;
    base_out_fixed(&path, room, sizeof room);
    enum err err = audit_hash(request, leaf, &note);
    if (err == ERR_OK)
        err = net_http_number(request, "tree_size", 0, INT64_MAX,
                              audit->size(audit->self), &size, &note);
    if (err == ERR_OK) {
        err = audit->proof(audit->self, leaf, size, &index, &path);
        if (err != ERR_OK)
            base_err_note(&note, err,
                          "there is no such entry in the first %" PRIu64, size);
    }
    if (err != ERR_OK) {
        audit_refuse(request, err, &note);
        return;
    }
    net_http_reply_json(request, 200,
                        json_pack("{s:I, s:I, s:o}", "leaf_index",
                                  (json_int_t)index, "tree_size",
                                  (json_int_t)size, "audit_path",
                                  audit_path(&path)));
}

static void
audit_consistency(void *self, struct net_http_request *request)
{
    struct api_audit *audit = self;
    struct base_note note = {0};
    uint8_t room[WIRE_HEAD_PATH_MAX];
    uint64_t first = 0, second = 0;
    struct base_out path;
    base_out_fixed(&path, room, sizeof room);
    enum err err =
        net_http_number(request, "first", 0, INT64_MAX, 0, &first, &note);
    if (err == ERR_OK)
        err = net_http_number(request, "second", 0, INT64_MAX,
                              audit->size(audit->self), &second, &note);
    if (err == ERR_OK) {
        err = audit->consistency(audit->self, first, second, &path);
        if (err != ERR_OK)
            base_err_note(&note, err,
                          "first <= second <= %" PRIu64 " is expected",
                          audit->size(audit->self));
    }
    if (err != ERR_OK) {
        audit_refuse(request, err, &note);
        return;
    }
    net_http_reply_json(request, 200,
                        json_pack("{s:I, s:I, s:o}", "first", (json_int_t)first,
                                  "second", (json_int_t)second, "consistency",
                                  audit_path(&path)));
}

static bool
audit_sent(void *self, const struct wire_head *head)
{
    struct net_http_page *page = self;
    if (!net_http_page_room(page))
        return false;
    net_http_page_add_number(page, head->size, audit_head_json(head));
    return true;
}

static bool
audit_kept(void *self, const struct api_audit_kept *kept)
{
    struct net_http_page *page = self;
    if (!net_http_page_room(page))
        return false;
    json_t *one = audit_head_json(&kept->head);
    json_object_set_new(one, "number", json_integer((json_int_t)kept->number));
    json_object_set_new(one, "state", json_string(kept->state));
    json_object_set_new(one, "epoch", json_integer((json_int_t)kept->epoch));
    json_object_set_new(one, "kept_ms",
                        json_integer((json_int_t)kept->kept_ms));
    json_object_set_new(one, "public_key",
                        net_http_json_base64(kept->public_der));
    net_http_page_add_number(page, kept->number, one);
    return true;
}

static void
audit_heads(void *self, struct net_http_request *request)
{
    struct api_audit *audit = self;
    struct bytes child = net_http_query(request, "node");
    struct net_http_page page;
    uint64_t from;
    if (!net_http_page_begin(request, AUDIT_HEADS, AUDIT_HEADS_MAX, &page) ||
        !net_http_page_from(request, &page, &from))
        return;
    enum err err =
        child.at == NULL
            ? audit->sent(audit->self, from, page.limit + 1, audit_sent, &page)
            : audit->kept(audit->self, child, from, page.limit + 1, audit_kept,
                          &page);
    audit_reply_page(request, &page, "heads", err);
}

void
api_audit_routes(struct api_audit *audit, struct base_loop *loop,
                 struct net_http_route routes[API_AUDIT_ROUTES])
{
    static const struct {
        const char *pattern;
        void (*handle)(void *self, struct net_http_request *request);
        enum model_grant_action action;
    } rows[API_AUDIT_ROUTES] = {
        /* Signed heads tell nothing but that the log is what it is: whoever
         * checks a node compares them at its parent, where he is nobody. */
        {"/api/audit/head", audit_head, MODEL_GRANT_OPEN},
        {"/api/audit/entries", audit_entries, MODEL_GRANT_AUDIT},
        {"/api/audit/proof", audit_proof, MODEL_GRANT_AUDIT},
        {"/api/audit/consistency", audit_consistency, MODEL_GRANT_OPEN},
        {"/api/audit/heads", audit_heads, MODEL_GRANT_OPEN},
    };
    for (unsigned i = 0; i < API_AUDIT_ROUTES; i++)
        routes[i] = (struct net_http_route){
            .methods = NET_HTTP_GET,
            .pattern = rows[i].pattern,
            .action = rows[i].action,
            .loop = loop,
            .handle = rows[i].handle,
            .self = audit,
        };
}
