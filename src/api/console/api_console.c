/* api_console.c -- see api_console.h. */
#include "api/console/api_console.h"

#include "net/http/net_http.h"

#define CONSOLE_POLICY                                                         \
    "default-src 'self'; base-uri 'none'; form-action 'none'; "                \
    "frame-ancestors 'none'"

const struct api_console_file *
api_console_find(struct bytes path)
{
    for (unsigned i = 0; i < api_console_file_count; i++)
        if (base_bytes_is(path, api_console_files[i].path))
            return &api_console_files[i];
    return NULL;
}

/* Our tags hold no comma, so a list may be cut at commas: a foreign tag with
 * one in it falls into pieces that match nothing. */
bool
api_console_matches(struct bytes if_none_match, const char *etag)
{
    struct bytes left = if_none_match;
    if (base_bytes_is(base_bytes_trim(left), "*"))
        return true;
    while (left.size > 0) {
        size_t end = base_bytes_find(left, ',');
        struct bytes tag = base_bytes_trim(base_bytes_slice(left, 0, end));
        if (base_bytes_starts(tag, base_bytes_text("W/")))
            tag = base_bytes_slice(tag, 2, tag.size);
        if (base_bytes_is(tag, etag))
            return true;
        left = base_bytes_slice(left, end + 1, left.size);
    }
    return false;
}

static void
console_absent(struct net_http_request *request)
{
    struct base_note note;
    base_err_note(&note, ERR_ABSENT, "the console has no file \"%.*s\"",
                  (int)request->path.size, (const char *)request->path.at);
    net_http_problem(request, 404, &note);
}

static void
console_get(void *self, struct net_http_request *request)
{
    (void)self;
    const struct api_console_file *file = api_console_find(request->path);
    if (file == NULL) {
        console_absent(request);
        return;
    }
    net_http_reply_header(request, "ETag", file->etag);
    net_http_reply_header(request, "Cache-Control", "no-cache");
    net_http_reply_header(request, "Content-Security-Policy", CONSOLE_POLICY);
    net_http_reply_header(request, "Referrer-Policy", "no-referrer");
    struct bytes known = net_http_header(request, "if-none-match");
    if (api_console_matches(known, file->etag))
        net_http_reply(request, 304, NULL, (struct bytes){0});
    else
        net_http_reply(request, 200, file->type, file->content);
}

void
api_console_routes(struct net_http_route *routes)
{
    const struct net_http_route all[API_CONSOLE_ROUTES] = {
        {NET_HTTP_GET, "/", MODEL_GRANT_OPEN, NULL, NULL, console_get, NULL, 0},
        {NET_HTTP_GET, "/console/{name}", MODEL_GRANT_OPEN, NULL, NULL,
         console_get, NULL, 0},
    };
    memcpy(routes, all, sizeof all);
}
