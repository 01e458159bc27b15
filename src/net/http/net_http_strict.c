/* net_http_strict.c -- RFC 9112, sections 2.2, 3, 5 and 7.1. */
#include "net/http/net_http_strict.h"

#include "net/http/net_http_parse.h"

static bool
strict_token(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
           (c >= 'a' && c <= 'z') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* Does text stand at `at`? */
static bool
strict_is(struct bytes head, size_t at, const char *text)
{
    return base_bytes_starts(base_bytes_slice(head, at, head.size),
                             base_bytes_text(text));
}

/* "METHOD target HTTP/1.1" CR LF; *ret_at: behind it. */
static bool
strict_request_line(const struct net_http_parse *parse, struct bytes head,
                    size_t *ret_at)
{
    size_t at = 0, url = parse->url.at, end = url + parse->url.size;
    while (strict_is(head, at, "\r\n"))
        at += 2;
    for (size_t i = at; i + 1 < url; i++)
        if (!strict_token(head.at[i]))
            return false;
    for (size_t i = url; i < end; i++)
        if (head.at[i] <= ' ' || head.at[i] > '~')
            return false;
    *ret_at = end + sizeof " HTTP/1.1\r\n" - 1;
    return at + 1 < url && head.at[url - 1] == ' ' &&
           strict_is(head, end, " HTTP/") && *ret_at <= head.size &&
           head.at[end + 7] == '.' && strict_is(head, end + 9, "\r\n");
}

/* "name: value" CR LF; *at: behind it.  No folding: the next line is the next
 * header's, or the last. */
static bool
strict_header(const struct net_http_parse *parse, unsigned index,
              struct bytes head, size_t *at)
{
    struct net_http_parse_span name = parse->names[index];
    size_t end = (size_t)name.at + name.size;
    if (name.at != *at || name.size == 0)
        return false;
    for (size_t i = name.at; i < end; i++)
        if (!strict_token(head.at[i]))
            return false;
    struct bytes rest = base_bytes_slice(head, end, head.size);
    size_t cr = base_bytes_find(rest, '\r');
    *at = end + cr + 2;
    return strict_is(rest, 0, ":") && strict_is(rest, cr, "\r\n") &&
           base_bytes_find(base_bytes_slice(rest, 0, cr), '\n') == cr;
}

bool
net_http_strict_head(const struct net_http_parse *parse)
{
    struct bytes head = base_out_bytes(&parse->head);
    size_t at;
    if (!strict_request_line(parse, head, &at))
        return false;
    for (unsigned i = 0; i < parse->header_count; i++)
        if (!strict_header(parse, i, head, &at))
            return false;
    return at + 1 == head.size && head.at[at] == '\r';
}

static bool
strict_text(uint8_t c)
{
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

static enum net_http_strict
strict_size(uint8_t c, bool digits, bool *last)
{
    bool hex = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
    if (hex) {
        *last = *last && c == '0';
        return NET_HTTP_STRICT_DIGITS;
    }
    if (digits && (c == ';' || c == ' ' || c == '\t'))
        return NET_HTTP_STRICT_EXTENSION;
    return digits && c == '\r' ? NET_HTTP_STRICT_SIZE_LF : NET_HTTP_STRICT_BAD;
}

static enum net_http_strict
strict_step(enum net_http_strict state, uint8_t c, bool *last)
{
    static const struct {
        uint8_t want;
        enum net_http_strict next;
    } ends[] = {
        [NET_HTTP_STRICT_DATA_CR] = {'\r', NET_HTTP_STRICT_DATA_LF},
        [NET_HTTP_STRICT_DATA_LF] = {'\n', NET_HTTP_STRICT_SIZE},
        [NET_HTTP_STRICT_TRAILER_LF] = {'\n', NET_HTTP_STRICT_LINE},
        [NET_HTTP_STRICT_LAST_LF] = {'\n', NET_HTTP_STRICT_END},
    };
    switch (state) {
    case NET_HTTP_STRICT_SIZE:
        *last = true;
        return strict_size(c, false, last);
    case NET_HTTP_STRICT_DIGITS:
        return strict_size(c, true, last);
    case NET_HTTP_STRICT_EXTENSION:
        if (c == '\r')
            return NET_HTTP_STRICT_SIZE_LF;
        return strict_text(c) ? state : NET_HTTP_STRICT_BAD;
    case NET_HTTP_STRICT_SIZE_LF:
        if (c != '\n')
            return NET_HTTP_STRICT_BAD;
        return *last ? NET_HTTP_STRICT_LINE : NET_HTTP_STRICT_DATA_CR;
    case NET_HTTP_STRICT_LINE:
        if (c == '\r')
            return NET_HTTP_STRICT_LAST_LF;
        return strict_token(c) ? NET_HTTP_STRICT_TRAILER : NET_HTTP_STRICT_BAD;
    case NET_HTTP_STRICT_TRAILER:
        if (c == '\r')
            return NET_HTTP_STRICT_TRAILER_LF;
        return strict_text(c) ? state : NET_HTTP_STRICT_BAD;
    case NET_HTTP_STRICT_DATA_CR:
    case NET_HTTP_STRICT_DATA_LF:
    case NET_HTTP_STRICT_TRAILER_LF:
    case NET_HTTP_STRICT_LAST_LF:
        return c == ends[state].want ? ends[state].next : NET_HTTP_STRICT_BAD;
    case NET_HTTP_STRICT_END:
    case NET_HTTP_STRICT_BAD:
        break;
    }
    return NET_HTTP_STRICT_BAD;
}

enum net_http_strict
net_http_strict_frame(enum net_http_strict state, struct bytes bytes,
                      bool *last)
{
    for (size_t i = 0; i < bytes.size; i++)
        state = strict_step(state, bytes.at[i], last);
    return state;
}
