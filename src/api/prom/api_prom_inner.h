/* api_prom_inner.h -- what api/prom's two files share. */
#ifndef API_PROM_INNER_H
#define API_PROM_INNER_H

#include "api/prom/api_prom.h"

/* api_prom.c */
const char *api_prom_error_type(enum err err, unsigned *ret_status);
void api_prom_fail(struct net_http_request *request, enum err err,
                   const struct base_note *note);
void api_prom_data(struct net_http_request *request, struct bytes data);
enum err api_prom_query_read(const struct net_http_request *request,
                             int64_t now, bool range,
                             struct stream_query *ret_query,
                             struct base_note *note);

/* api_prom_query.c */
void api_prom_query(void *prom, struct net_http_request *request);
void api_prom_query_range(void *prom, struct net_http_request *request);

#endif
