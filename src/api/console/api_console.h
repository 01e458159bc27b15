/* api_console.h -- the console: pages that live in the binary.
 *
 * Why: a node shows itself with no file beside it and nobody to ask, so the
 * page works offline and is exactly that of the running version.  The files
 * are those of web/; tools/embed turns them into the table below at build.
 *
 * Paths    GET /                the page (web/index.html)
 *          GET /console/{name}  what it loads; no folders, names are unique
 * Caching  a strong ETag, the content's hash; Cache-Control: no-cache, so that
 *          a browser asks each time and gets 304 while nothing changed.
 * Safety   a content security policy that names only this node: the page can
 *          neither load from nor send to anywhere else, nor be framed.
 * Errors   404, a problem document, for a name that is not in the table.
 * Memory   constant data; nothing allocated, nothing kept.
 * Threads  any: the routes run on the HTTP loop. */
#ifndef API_CONSOLE_H
#define API_CONSOLE_H

#include "base/base_bytes.h"

struct net_http_route;

struct api_console_file {
    const char *path, *type, *etag; /* the tag with its quotes */
    struct bytes content;
};

/* Sorted by path; written by tools/embed. */
extern const struct api_console_file api_console_files[];
extern const unsigned api_console_file_count;

enum { API_CONSOLE_ROUTES = 2 };

/* Fills routes[API_CONSOLE_ROUTES]. */
void api_console_routes(struct net_http_route *routes);

/* NULL: no such file. */
const struct api_console_file *api_console_find(struct bytes path);
/* Does an If-None-Match name this tag?  Weak comparison (RFC 9110 13.1.2). */
bool api_console_matches(struct bytes if_none_match, const char *etag);

#endif
