/* net_http_strict.h -- the framing that Debian's libhttp-parser lets pass.
 *
 * Why: the packaged library is built with HTTP_PARSER_STRICT 0.  So it takes
 * "H1TP/1.1", blanks before a header's colon, folded lines, and any two bytes
 * where a chunk's CR LF should be: each of them a request that a proxy before
 * us would see otherwise.  What is read here is compared with the grammar of
 * RFC 9112, in one pass over the head and over what lies between chunks' data.
 */
#ifndef NET_HTTP_STRICT_H
#define NET_HTTP_STRICT_H

#include "base/base_bytes.h"

struct net_http_parse;

enum net_http_strict {
    NET_HTTP_STRICT_SIZE, /* a chunk's size: no digit yet */
    NET_HTTP_STRICT_DIGITS,
    NET_HTTP_STRICT_EXTENSION,
    NET_HTTP_STRICT_SIZE_LF,
    NET_HTTP_STRICT_DATA_CR,
    NET_HTTP_STRICT_DATA_LF,
    NET_HTTP_STRICT_LINE, /* a trailer's start */
    NET_HTTP_STRICT_TRAILER,
    NET_HTTP_STRICT_TRAILER_LF,
    NET_HTTP_STRICT_LAST_LF,
    NET_HTTP_STRICT_END,
    NET_HTTP_STRICT_BAD
};

/* The whole head but its last LF, as libhttp-parser has cut it. */
bool net_http_strict_head(const struct net_http_parse *parse);
/* Bytes of a chunked body that are not data; last: only zeros so far in the
 * chunk's size. */
enum net_http_strict net_http_strict_frame(enum net_http_strict state,
                                           struct bytes bytes, bool *last);

#endif
