/* wire_auth.h -- what a client says about itself in HTTP: Authorization,
 * Cookie.
 *
 * Shape    "Bearer TOKEN" (RFC 6750: letters, digits, -._~+/, then "="),
 *          "Basic BASE64" of user ":" password (RFC 7617).  The scheme's case
 *          does not matter; exactly one space follows it.
 *          "name=value; name=value" (RFC 6265), names exact.
 * Memory   results point into the header, or into `room` (Basic).
 * Errors   SYNTAX not well formed; UNSUPPORTED another scheme; BIG room is too
 *          small.  ret_ is left alone. */
#ifndef WIRE_AUTH_H
#define WIRE_AUTH_H

#include "base/base_out.h"

enum wire_auth_scheme { WIRE_AUTH_BEARER, WIRE_AUTH_BASIC };

struct wire_auth {
    enum wire_auth_scheme scheme;
    struct bytes user;   /* Basic */
    struct bytes secret; /* the token, or the password */
};

enum err wire_auth_read(struct bytes header, struct base_out *room,
                        struct wire_auth *ret_auth);
/* The first cookie of this name; {NULL, 0} if there is none. */
struct bytes wire_auth_cookie(struct bytes header, struct bytes name);

#endif
