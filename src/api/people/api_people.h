/* api_people.h -- sessions, users, keys, devices over HTTP.
 *
 * Paths    described for operators and pages in api_people.md
 *          POST /api/sessions  GET, DELETE /api/sessions/this
 *          PUT  /api/sessions/this/password
 *          GET, POST /api/users  GET, PUT /api/users/{user}
 *          POST /api/users/{user}/link
 *          GET, POST /api/keys  DELETE /api/keys/{id}
 *          GET, POST /api/devices  DELETE /api/devices/{id...}
 *          POST /api/certificates  of a device, for its PKCS#10 request
 *          GET  /api/rights    the table of roles and actions
 * Cookie   "dougong_PREFIX": a browser gives cookies to every port of a host,
 *          and several nodes may share one.  HttpOnly, SameSite=Strict, Secure
 *          over TLS.
 * Loop     the state loop. */
#ifndef API_PEOPLE_H
#define API_PEOPLE_H

#include "engine/people/people.h"
#include "net/http/net_http.h"

struct api_people {
    struct people *people;
    struct base_loop *loop;
    const char *cookie; /* its name */
    struct bytes node;  /* this node's prefix */
    const struct crypt_cert *ca;
};

enum { API_PEOPLE_ROUTES = 17 };

void api_people_routes(struct api_people *api,
                       struct net_http_route routes[API_PEOPLE_ROUTES]);
/* {kind, name, roles, scope, may: [actions]} */
json_t *api_people_who(const struct model_grant_principal *who);

#endif
