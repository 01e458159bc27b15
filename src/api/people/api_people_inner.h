/* api_people_inner.h -- what api/people's files share. */
#ifndef API_PEOPLE_INNER_H
#define API_PEOPLE_INNER_H

#include "api/people/api_people.h"

enum { API_PEOPLE_BODY = 16 << 10, API_PEOPLE_PAGE = 1000 };

/* The body as an object, or NULL: the refusal is sent. */
json_t *api_people_body(struct net_http_request *request);
/* A string member; {NULL, 0} if it is not there. */
struct bytes api_people_text(const json_t *body, const char *name);
json_t *api_people_roles(unsigned roles);
/* "roles": a list of names; NAME. */
enum err api_people_roles_read(const json_t *body, unsigned *ret_roles,
                               struct base_note *note);
json_t *api_people_string(struct bytes text);
/* `limit`; 0: the refusal is sent. */
unsigned api_people_limit(struct net_http_request *request);
void api_people_refuse(struct net_http_request *request, enum err err,
                       const struct base_note *note);

/* api_people_session.c, all in the shape of a handler */
void api_people_login(void *api, struct net_http_request *request);
void api_people_this(void *api, struct net_http_request *request);
void api_people_logout(void *api, struct net_http_request *request);
void api_people_password(void *api, struct net_http_request *request);

/* api_people_key.c */
void api_people_key_list(void *api, struct net_http_request *request);
void api_people_key_add(void *api, struct net_http_request *request);
void api_people_key_revoke(void *api, struct net_http_request *request);
void api_people_device_list(void *api, struct net_http_request *request);
void api_people_device_add(void *api, struct net_http_request *request);
void api_people_device_revoke(void *api, struct net_http_request *request);

#endif
