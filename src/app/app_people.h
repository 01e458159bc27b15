/* app_people.h -- people put into a node: the pool, the first administrator,
 * who asks over HTTP.
 *
 * First serve  makes the user "admin" with a one-time link, kept in
 *          DATA/admin-link (0600), and an administrator's key for commands on
 *          this machine, DATA/keys/operator.key (0600; made again when it does
 *          not open any more).
 * Who asks  Authorization: Bearer KEY, or Basic with the key as password; the
 *          session's cookie; else `anonymous` of node.yaml.  A cookie that has
 *          ended is no cookie.  With a cookie, and for all but GET, an Origin
 *          must be the very address asked: another program's page on this host
 *          shares our cookies. */
#ifndef APP_PEOPLE_H
#define APP_PEOPLE_H

#include "api/people/api_people.h"

struct app_parts;
struct sys_pool;

struct app_people {
    struct sys_pool *pool;
    struct people *people;
    struct api_people api;
};

enum err app_people_open(struct app_parts *parts);
enum err app_people_routes(struct app_parts *parts);
/* A new secret for a device of the node's own. */
enum err app_people_device(struct app_parts *parts, const char *id,
                           char secret[PEOPLE_SECRET]);
/* For net_http's config; self: app_parts. */
void app_people_identify(void *self, struct net_http_identify *call);
/* The pool's threads end; before the loops are freed. */
void app_people_stop(struct app_parts *parts);
void app_people_free(struct app_parts *parts);

#endif
