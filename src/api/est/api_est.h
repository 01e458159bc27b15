/* api_est.h -- enrolment over secure transport, for children of this node.
 *
 * Paths    GET /.well-known/est/cacerts, POST /.well-known/est/simpleenroll
 *          (Basic: user = prefix, password = token), GET csrattrs (204: nothing
 *          special is asked of a request).  TLS only; bodies base64 PKCS#10 in,
 *          PKCS#7 certs-only out.
 * Errors   400 not a request, 401 no or bad credentials, 403 wrong SAN or a
 *          revoked prefix, as problem documents.
 * Loop     the state loop (ident's owner).
 * Source   RFC 7030; spec guard 7. */
#ifndef API_EST_H
#define API_EST_H

#include "engine/ident/ident.h"
#include "model/model_audit.h"
#include "net/http/net_http.h"

struct api_est {
    struct ident *ident;
    const struct crypt_cert *ca;
    struct model_audit *audit;
};

enum { API_EST_ROUTES = 3 };

/* Fills routes[API_EST_ROUTES]. */
void api_est_routes(struct api_est *est, struct base_loop *loop,
                    struct net_http_route *routes);

#endif
