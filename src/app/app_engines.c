/* app_engines.c -- the api folders of engines: one line each. */
#include "api/console/api_console.h"
#include "api/figures/api_figures.h"
#include "app/app_parts.h"
#include "engine/ident/ident_key.h"
#include "engine/rollup/rollup_move.h"

static enum err
engines_prom(struct app_parts *parts)
{
    struct net_http_route routes[API_PROM_ROUTES];
    api_prom_routes(&parts->prom, routes);
    return net_http_routes(parts->http, routes, API_PROM_ROUTES);
}

static enum err
engines_figures(struct app_parts *parts)
{
    struct net_http_route routes[API_FIGURES_ROUTES];
    api_figures_routes(parts->rollup, parts->state, routes);
    return net_http_routes(parts->http, routes, API_FIGURES_ROUTES);
}

/* This node's signing key, that of a hosted enterprise, or of the host that
 * this node's own was hosted at. */
static enum err
engines_public_key(void *self, struct bytes unit, uint64_t key_id,
                   struct base_out *out)
{
    struct app_parts *parts = self;
    struct crypt_key *hosted = NULL;
    if (crypt_key_id(parts->keys.sign) == key_id)
        return crypt_key_public(parts->keys.sign, out);
    enum err err = ident_key_hosted(parts->ident, unit, &hosted);
    if (err == ERR_OK)
        err = crypt_key_id(hosted) == key_id ? crypt_key_public(hosted, out)
                                             : ERR_ABSENT;
    crypt_key_free(hosted);
    return err == ERR_OK ? err : rollup_move_key(parts->rollup, key_id, out);
}

static enum err
engines_returns(struct app_parts *parts)
{
    struct net_http_route routes[API_RETURNS_ROUTES];
    parts->returns = (struct api_returns){
        .rollup = parts->rollup,
        .public_key = engines_public_key,
        .self = parts,
    };
    api_returns_routes(&parts->returns, parts->state, routes);
    return net_http_routes(parts->http, routes, API_RETURNS_ROUTES);
}

static enum err
engines_console(struct app_parts *parts)
{
    struct net_http_route routes[API_CONSOLE_ROUTES];
    api_console_routes(routes);
    return net_http_routes(parts->http, routes, API_CONSOLE_ROUTES);
}

enum err
app_engines_http(struct app_parts *parts)
{
    enum err err = engines_prom(parts);
    if (err == ERR_OK)
        err = engines_figures(parts);
    if (err == ERR_OK)
        err = engines_returns(parts);
    if (err == ERR_OK)
        err = app_audit_http(parts);
    if (err == ERR_OK)
        err = app_ident_http(parts);
    if (err == ERR_OK)
        err = app_fault_http(parts);
    if (err == ERR_OK)
        err = engines_console(parts);
    return err;
}
