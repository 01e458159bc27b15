/* api_people_inner.h -- what the files of api/people share.
 *
 *   api_people.c          users; the routes
 *   api_people_session.c  logging in and out, the own password
 *   api_people_key.c      application keys, devices
 *
 * Threads  the loop of people, the state loop. */
#ifndef API_PEOPLE_INNER_H
#define API_PEOPLE_INNER_H

#include "api/people/api_people.h"
#include "net/http/net_http_json.h"

enum {
    API_PEOPLE_BODY = 16 << 10,
    API_PEOPLE_PAGE = 100,
    API_PEOPLE_PAGE_MAX = 1000
};

json_t *api_people_roles(unsigned roles);
/* "roles": a list of names; NAME. */
enum err api_people_roles_read(const json_t *body, unsigned *ret_roles,
                               struct base_note *note);

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
void api_people_certify(void *api, struct net_http_request *request);
void api_people_device_revoke(void *api, struct net_http_request *request);

#endif
