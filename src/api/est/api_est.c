/* api_est.c -- see api_est.h. */
#include "api/est/api_est.h"

#include "base/base_b64.h"
#include "wire/auth/wire_auth.h"

enum { EST_REQUEST_MAX = 16 << 10, EST_ANSWER_MAX = 32 << 10 };

#define EST_PKCS7 "application/pkcs7-mime; smime-type=certs-only"

static void
est_reply(struct net_http_request *request, struct bytes der)
{
    struct base_out text;
    base_out_grow(&text, EST_ANSWER_MAX * 2);
    base_b64_write(&text, BASE_B64_LINES, der);
    net_http_reply_header(request, "Content-Transfer-Encoding", "base64");
    net_http_reply(request, 200, EST_PKCS7, base_out_bytes(&text));
    base_out_done(&text);
}

static bool
est_over_tls(struct net_http_request *request)
{
    if (request->tls)
        return true;
    struct base_note note;
    base_err_note(&note, ERR_DENIED,
                  "enrolment is answered over TLS only: use https");
    net_http_problem(request, 403, &note);
    return false;
}

static void
est_cacerts(void *self, struct net_http_request *request)
{
    struct api_est *est = self;
    struct base_out der;
    if (!est_over_tls(request))
        return;
    if (est->ca == NULL) {
        net_http_reply_err(request, ERR_ABSENT, NULL);
        return;
    }
    base_out_grow(&der, EST_ANSWER_MAX);
    enum err err = crypt_cert_pkcs7(&est->ca, 1, &der);
    if (err == ERR_OK)
        est_reply(request, base_out_bytes(&der));
    else
        net_http_reply_err(request, err, NULL);
    base_out_done(&der);
}

static void
est_csrattrs(void *self, struct net_http_request *request)
{
    (void)self;
    if (est_over_tls(request))
        net_http_reply(request, 204, NULL, (struct bytes){0});
}

static enum err
est_basic(struct net_http_request *request, struct base_out *room,
          struct bytes *ret_user, struct bytes *ret_password)
{
    struct wire_auth auth;
    struct bytes header = net_http_header(request, "authorization");
    if (wire_auth_read(header, room, &auth) != ERR_OK ||
        auth.scheme != WIRE_AUTH_BASIC)
        return ERR_DENIED;
    *ret_user = auth.user;
    *ret_password = auth.secret;
    return ERR_OK;
}

static unsigned
est_status(enum err err)
{
    switch ((int)err) {
    case ERR_DENIED:
    case ERR_USED:
    case ERR_EXPIRED:
    case ERR_CORRUPT:
        return 401;
    case ERR_NAME:
    case ERR_REVOKED:
        return 403;
    case ERR_SYNTAX:
    case ERR_SHORT:
        return 400;
    case ERR_BUSY:
        return 429;
    default:
        return net_http_status(err);
    }
}

/* Who holds the token is believed to be the node that it names. */
static enum err
est_audit(struct api_est *est, const struct net_http_request *request,
          struct bytes prefix)
{
    uint8_t room[32], text[128];
    struct base_out reason;
    const struct model_grant_principal node = {.kind = MODEL_GRANT_NODE,
                                               .name = prefix};
    base_out_fixed(&reason, text, sizeof text);
    base_out_text(&reason, "with a token, from ");
    base_out_bytes_add(&reason, request->peer);
    return model_audit_append(
        est->audit, &(struct model_audit_event){
                        .actor = &node,
                        .action = "prefix.join",
                        .object = prefix,
                        .after = ident_prefix_digest(est->ident, prefix, room),
                        .reason = base_out_bytes(&reason),
                    });
}

static void
est_simpleenroll(void *self, struct net_http_request *request)
{
    struct api_est *est = self;
    struct base_note note = {0};
    struct bytes user = {0}, password = {0};
    struct base_out basic, der, pkcs7;
    if (!est_over_tls(request))
        return;
    base_out_grow(&basic, 1024);
    base_out_grow(&der, EST_REQUEST_MAX);
    base_out_grow(&pkcs7, EST_ANSWER_MAX);
    enum err err = est_basic(request, &basic, &user, &password);
    if (err != ERR_OK) {
        net_http_reply_header(request, "WWW-Authenticate",
                              "Basic realm=\"prefix and token\"");
        base_err_note(&note, err,
                      "give the prefix as user and the token as password");
    } else if (base_b64_read(request->body, BASE_B64_LINES, &der) != ERR_OK) {
        err = base_err_note(&note, ERR_SYNTAX,
                            "the body is not base64 of a PKCS#10 request");
    } else {
        err = ident_enrol(est->ident, user, password, base_out_bytes(&der),
                          request->peer, &pkcs7, NULL, &note);
    }
    if (err == ERR_OK)
        err = est_audit(est, request, user);
    if (err == ERR_OK)
        est_reply(request, base_out_bytes(&pkcs7));
    else
        net_http_problem(request, est_status(err), &note);
    base_out_done(&pkcs7);
    base_out_done(&der);
    base_out_done(&basic);
}

void
api_est_routes(struct api_est *est, struct base_loop *loop,
               struct net_http_route *routes)
{
    const struct net_http_route all[API_EST_ROUTES] = {
        {NET_HTTP_GET, "/.well-known/est/cacerts", MODEL_GRANT_OPEN, NULL, loop,
         est_cacerts, est, 0},
        {NET_HTTP_GET, "/.well-known/est/csrattrs", MODEL_GRANT_OPEN, NULL,
         loop, est_csrattrs, est, 0},
        {NET_HTTP_POST, "/.well-known/est/simpleenroll", MODEL_GRANT_OPEN, NULL,
         loop, est_simpleenroll, est, EST_REQUEST_MAX},
    };
    memcpy(routes, all, sizeof all);
}
