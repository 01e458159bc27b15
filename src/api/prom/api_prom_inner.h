/* api_prom_inner.h -- what api/prom's files share. */
#ifndef API_PROM_INNER_H
#define API_PROM_INNER_H

#include "api/prom/api_prom.h"

enum { API_PROM_ARENA = 256 << 20, API_PROM_ANSWER = 64 << 20 };

void api_prom_fail(struct net_http_request *request, enum err err,
                   const struct base_note *note);
void api_prom_data(struct net_http_request *request, struct bytes data);
enum err api_prom_query_read(const struct net_http_request *request,
                             int64_t now, bool range,
                             struct stream_query *ret_query,
                             struct base_note *note);

/* May who asks see this series?  One without an identifier is the node's. */
bool api_prom_may(const struct api_prom *prom,
                  const struct model_grant_principal *who,
                  const struct model_labels *labels);
/* Answers a call's body on the ingest loop: the data as JSON, of series that
 * `who` may see. */
typedef enum err api_prom_run(struct api_prom *prom,
                              const struct model_grant_principal *who,
                              struct bytes body, struct base_arena *arena,
                              struct base_out *out, struct base_note *note);
api_prom_run api_prom_series_run;

/* api_prom_away.c */
/* The prefix of the first identifier that a query names, if it is not ours. */
struct bytes api_prom_away_prefix(struct api_prom *prom,
                                  struct base_arena *arena, struct bytes text);
/* Ask the node of this prefix, if who asks may read all of it; its data is
 * replied, or its refusal. */
void api_prom_away(struct api_prom *prom, struct net_http_request *request,
                   enum model_kind kind, struct bytes prefix, struct bytes body,
                   void (*reply)(struct net_http_request *request,
                                 struct bytes data));

/* api_prom_query.c */
api_prom_run api_prom_query_run;
void api_prom_query(void *prom, struct net_http_request *request);
void api_prom_query_range(void *prom, struct net_http_request *request);

#endif
