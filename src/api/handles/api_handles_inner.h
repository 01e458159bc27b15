/* api_handles_inner.h -- what the files of api/handles share.
 *
 * Why: whatever went wrong, the answer is the Handle API's own: a response code
 * of DO-IRP with the HTTP status that belongs to it, not a problem document.
 *
 *   api_handles.c        one name asked for; the routes
 *   api_handles_write.c  changed, deleted, many at a time
 *   api_handles_list.c   names of a prefix, the prefixes
 *   api_handles_value.c  a value as JSON, and back
 *
 * Threads  the state loop, ident's. */
#ifndef API_HANDLES_INNER_H
#define API_HANDLES_INNER_H

#include "api/handles/api_handles.h"
#include "engine/ident/ident_edit.h"
#include "net/http/net_http_json.h"

/* The HTTP status of a code; get: the request only read. */
unsigned api_handles_status(enum ident_code code, bool get);
/* {responseCode, handle, message, field}. */
void api_handles_refuse(struct net_http_request *request, unsigned status,
                        enum ident_code code, struct bytes handle,
                        const char *message, const char *field);
void api_handles_reply(struct net_http_request *request, unsigned status,
                       json_t *take);
/* A parameter without value is true. */
bool api_handles_flag(const struct net_http_request *request, const char *name,
                      bool otherwise);

/* Handlers of other files. */
void api_handles_put(void *self, struct net_http_request *request);
void api_handles_delete(void *self, struct net_http_request *request);
void api_handles_bulk(void *self, struct net_http_request *request);
void api_handles_list(void *self, struct net_http_request *request);
void api_handles_prefixes(void *self, struct net_http_request *request);
void api_handles_prefix(void *self, struct net_http_request *request);

#endif
