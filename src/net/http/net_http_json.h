/* net_http_json.h -- JSON of requests and replies, read and made one way.
 *
 * Why: what is no JSON, what a text that is missing reads as, how bytes are
 * written: each api folder would answer it for itself, and a client would meet
 * as many answers as there are folders.
 *
 * Errors   SYNTAX with line and column: no JSON, or a member twice.
 * Memory   what is made is the caller's (json_decref); texts point into what
 *          they were read from. */
#ifndef NET_HTTP_JSON_H
#define NET_HTTP_JSON_H

#include "net/http/net_http.h"

enum err net_http_json_read(struct bytes text, json_t **ret_json,
                            struct base_note *note);
/* An object; an empty text is {}. */
enum err net_http_json_object(struct bytes text, json_t **ret_json,
                              struct base_note *note);
/* The same of a request's body; NULL: refused, and replied. */
json_t *net_http_json_body(struct net_http_request *request);
/* A member that is a text; {NULL, 0} if there is none. */
struct bytes net_http_json_get(const json_t *object, const char *name);
/* "" for what is not UTF-8. */
json_t *net_http_json_text(struct bytes text);
json_t *net_http_json_base64(struct bytes data);

#endif
