/* ctl_http.h -- asking a node over HTTP, with libcurl.
 *
 * Answers  JSON; a refusal (problem document) is said on standard error as one
 *          sentence and becomes the exit code.
 * Limits   64 MiB of answer, 30 s. */
#ifndef CTL_HTTP_H
#define CTL_HTTP_H

#include "base/base_out.h"
#include "ctl/ctl.h"

struct ctl_http {
    const char *url;    /* whole */
    const char *post;   /* body, or NULL for GET */
    size_t post_size;   /* of a body that is no text; 0: it ends with NUL */
    const char *method; /* NULL: GET, or POST with a body */
    const char *type;   /* of the body */
    const char *user;   /* "user:password" for Basic, or NULL */
    const char *ca_pem; /* trust only this CA; NULL: not asked */
    bool any_ca;        /* trust nobody and everybody: only to fetch a CA that
                           is then judged by its hash */
    const char *accept;
    const char *key, *cookie; /* "" or NULL: not shown */
    struct base_out *head;    /* gets the answer's head; may be NULL */
};

/* Raw: status and body; UNREACHED says why itself. */
enum ctl_exit ctl_http_raw(const struct ctl_http *http, long *ret_status,
                           struct base_out *ret_body);
/* path begins with '/'; the node of ctl.  *ret_json owned by the caller. */
enum ctl_exit ctl_http_get(const struct ctl *ctl, const char *path,
                           json_t **ret_json);
enum ctl_exit ctl_http_post(const struct ctl *ctl, const char *path,
                            const char *body, json_t **ret_json);
/* Any method; an answer without a body gives NULL. */
enum ctl_exit ctl_http_ask(const struct ctl *ctl, const char *method,
                           const char *path, const char *body,
                           json_t **ret_json);
/* Percent-encode into out. */
void ctl_http_escape(struct base_out *out, const char *text);
/* Say a refusal; the exit code for this status. */
enum ctl_exit ctl_http_refused(long status, struct bytes body);

#endif
