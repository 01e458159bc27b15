/* net_http_json.c -- see net_http_json.h. */
#include "net/http/net_http_json.h"

#include "base/base_b64.h"

enum err
net_http_json_read(struct bytes text, json_t **ret_json, struct base_note *note)
{
    json_error_t where;
    json_t *json = json_loadb((const char *)text.at, text.size,
                              JSON_REJECT_DUPLICATES, &where);
    if (json == NULL)
        return base_err_note_at(note, ERR_SYNTAX, "body", (uint32_t)where.line,
                                (uint32_t)where.column, "not JSON: %s",
                                where.text);
    *ret_json = json;
    return ERR_OK;
}

enum err
net_http_json_object(struct bytes text, json_t **ret_json,
                     struct base_note *note)
{
    json_t *json = NULL;
    enum err err = net_http_json_read(
        text.size > 0 ? text : base_bytes_text("{}"), &json, note);
    if (err != ERR_OK)
        return err;
    if (!json_is_object(json)) {
        json_decref(json);
        return base_err_note_at(note, ERR_SYNTAX, "body", 1, 1,
                                "a JSON object is expected");
    }
    *ret_json = json;
    return ERR_OK;
}

json_t *
net_http_json_body(struct net_http_request *request)
{
    struct base_note note = {0};
    json_t *body = NULL;
    enum err err = net_http_json_object(request->body, &body, &note);
    if (err != ERR_OK)
        net_http_reply_err(request, err, &note);
    return body;
}

struct bytes
net_http_json_get(const json_t *object, const char *name)
{
    const json_t *one = json_object_get(object, name);
    return json_is_string(one)
               ? base_bytes(json_string_value(one), json_string_length(one))
               : (struct bytes){NULL, 0};
}

json_t *
net_http_json_text(struct bytes text)
{
    json_t *json = json_stringn((const char *)text.at, text.size);
    return json != NULL ? json : json_string("");
}

json_t *
net_http_json_base64(struct bytes data)
{
    struct base_out out;
    base_out_grow(&out, 2 * data.size + 4);
    base_b64_write(&out, BASE_B64_STANDARD, data);
    json_t *json = net_http_json_text(base_out_bytes(&out));
    base_out_done(&out);
    return json;
}
