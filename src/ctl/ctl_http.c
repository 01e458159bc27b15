/* ctl_http.c -- see ctl_http.h. */
#include "ctl/ctl_http.h"

#include <curl/curl.h>
#include <string.h>

enum { HTTP_BODY_MAX = 64 << 20, HTTP_SECONDS = 30 };

static size_t
http_take(char *data, size_t size, size_t count, void *self)
{
    struct base_out *out = self;
    base_out_bytes_add(out, base_bytes(data, size * count));
    return base_out_ok(out) ? size * count : 0;
}

static void
http_set(CURL *curl, const struct ctl_http *http, struct curl_slist *headers)
{
    curl_easy_setopt(curl, CURLOPT_URL, http->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)HTTP_SECONDS);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 5L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (http->post_size > 0)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)http->post_size);
    if (http->post != NULL)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, http->post);
    if (http->method != NULL)
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, http->method);
    if (http->cookie != NULL && http->cookie[0] != '\0')
        curl_easy_setopt(curl, CURLOPT_COOKIE, http->cookie);
    if (http->head != NULL) {
        curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, http_take);
        curl_easy_setopt(curl, CURLOPT_HEADERDATA, http->head);
    }
    if (http->user != NULL) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERPWD, http->user);
    }
    if (http->ca_pem != NULL) {
        struct curl_blob blob = {(void *)(uintptr_t)http->ca_pem,
                                 strlen(http->ca_pem), CURL_BLOB_COPY};
        curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    if (http->any_ca) {
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

enum ctl_exit
ctl_http_raw(const struct ctl_http *http, long *ret_status,
             struct base_out *ret_body)
{
    char why[CURL_ERROR_SIZE] = "";
    CURL *curl = curl_easy_init();
    if (curl == NULL) {
        ctl_say("no HTTP client");
        return CTL_UNREACHED;
    }
    char header[256];
    struct curl_slist *headers = NULL;
    snprintf(header, sizeof header, "Accept: %s",
             http->accept != NULL ? http->accept : "application/json");
    headers = curl_slist_append(headers, header);
    if (http->type != NULL) {
        snprintf(header, sizeof header, "Content-Type: %s", http->type);
        headers = curl_slist_append(headers, header);
    }
    if (http->key != NULL && http->key[0] != '\0') {
        snprintf(header, sizeof header, "Authorization: Bearer %s", http->key);
        headers = curl_slist_append(headers, header);
    }
    base_out_grow(ret_body, HTTP_BODY_MAX);
    http_set(curl, http, headers);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, http_take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, ret_body);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (code == CURLE_OK)
        return CTL_OK;
    ctl_say("cannot reach %s: %s", http->url,
            why[0] != '\0' ? why : curl_easy_strerror(code));
    base_out_done(ret_body);
    return CTL_UNREACHED;
}

enum ctl_exit
ctl_http_refused(long status, struct bytes body)
{
    json_t *problem = json_loadb((const char *)body.at, body.size, 0, NULL);
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    if (detail == NULL) /* the Prometheus envelope */
        detail = json_string_value(json_object_get(problem, "error"));
    if (detail != NULL)
        ctl_say("%s", detail);
    else
        ctl_say("the node answered %ld", status);
    json_decref(problem);
    if (status == 401)
        ctl_say("say who you are: `dougong login`, or --config NODE.YAML on "
                "the node's own machine, or a key in $DOUGONG_KEY");
    else if (status == 403)
        ctl_say("`dougong whoami` says who the node takes you for, `dougong "
                "rights` which role may do what");
    return status == 404 ? CTL_NO : CTL_REFUSED;
}

enum ctl_exit
ctl_http_ask(const struct ctl *ctl, const char *method, const char *path,
             const char *post, json_t **ret_json)
{
    char url[4096];
    struct base_out body;
    long status = 0;
    if ((size_t)snprintf(url, sizeof url, "%s%s", ctl->node, path) >=
        sizeof url) {
        ctl_say("the question is too long");
        return CTL_USAGE;
    }
    struct ctl_http http = {.url = url,
                            .method = method,
                            .post = post,
                            .key = ctl->key,
                            .cookie = ctl->cookie};
    if (post != NULL)
        http.type = "application/json";
    enum ctl_exit bad = ctl_http_raw(&http, &status, &body);
    if (bad != CTL_OK)
        return bad;
    if (status >= 400) {
        bad = ctl_http_refused(status, base_out_bytes(&body));
    } else if (body.size == 0) {
        *ret_json = NULL;
    } else {
        *ret_json = json_loadb((const char *)body.at, body.size, 0, NULL);
        if (*ret_json == NULL) {
            ctl_say("%s did not answer with JSON: is it a Dougong node?",
                    ctl->node);
            bad = CTL_UNREACHED;
        }
    }
    base_out_done(&body);
    return bad;
}

enum ctl_exit
ctl_http_get(const struct ctl *ctl, const char *path, json_t **ret_json)
{
    return ctl_http_ask(ctl, NULL, path, NULL, ret_json);
}

enum ctl_exit
ctl_http_post(const struct ctl *ctl, const char *path, const char *body,
              json_t **ret_json)
{
    return ctl_http_ask(ctl, NULL, path, body, ret_json);
}

void
ctl_http_escape(struct base_out *out, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c >= '0' && c <= '9') || strchr("-._~", c) != NULL;
        if (plain)
            base_out_u8(out, c);
        else
            base_out_format(out, "%%%02X", c);
    }
}
