/* net_http_parse.c -- over libhttp-parser, which says where things are. */
#include "net/http/net_http_parse.h"

#include "base/base_must.h"

/* -- what the library calls -- */

static struct net_http_parse *
parse_of(http_parser *parser)
{
    return parser->data;
}

static const char parse_long[] = "the request's head is longer than 32 KiB";
static const char parse_loose[] =
    "the request's lines are not as RFC 9112 wants them";

static int
parse_refuse(struct net_http_parse *parse, unsigned status, enum err err,
             const char *text)
{
    if (parse->status == 0) {
        parse->status = status;
        base_err_note(&parse->note, err, "%s", text);
    }
    return -1;
}

/* The span begins or goes on at a piece of what is being fed, which stands
 * behind the head so far. */
static int
parse_add(struct net_http_parse *parse, struct net_http_parse_span *span,
          const char *at, size_t size)
{
    size_t from = parse->head.size + (size_t)((const uint8_t *)at - parse->fed);
    if (from + size > NET_HTTP_PARSE_HEAD)
        return parse_refuse(parse, 431, ERR_BIG, parse_long);
    if (span->size == 0)
        span->at = (uint16_t)from;
    span->size = (uint16_t)(from + size - span->at);
    return 0;
}

static int
parse_on_url(http_parser *parser, const char *at, size_t size)
{
    struct net_http_parse *parse = parse_of(parser);
    return parse_add(parse, &parse->url, at, size);
}

static int
parse_on_name(http_parser *parser, const char *at, size_t size)
{
    struct net_http_parse *parse = parse_of(parser);
    if (parse->at_head) /* trailers say nothing here */
        return 0;
    if (parse->in_value || parse->header_count == 0) {
        if (parse->header_count == NET_HTTP_PARSE_HEADERS)
            return parse_refuse(parse, 431, ERR_LIMIT,
                                "the request has more than 100 headers");
        parse->header_count++;
        parse->in_value = false;
    }
    return parse_add(parse, &parse->names[parse->header_count - 1], at, size);
}

static int
parse_on_value(http_parser *parser, const char *at, size_t size)
{
    struct net_http_parse *parse = parse_of(parser);
    if (parse->at_head)
        return 0;
    parse->in_value = true;
    return parse_add(parse, &parse->values[parse->header_count - 1], at, size);
}

static int
parse_on_head(http_parser *parser)
{
    parse_of(parser)->at_head = true;
    http_parser_pause(parser, 1);
    return 0;
}

/* What lies between data and data. */
static void
parse_frame(struct net_http_parse *parse, const uint8_t *end)
{
    struct bytes bytes = base_bytes(parse->frame, (size_t)(end - parse->frame));
    if (parse->parser.uses_transfer_encoding)
        parse->strict =
            net_http_strict_frame(parse->strict, bytes, &parse->last_chunk);
}

static int
parse_on_body(http_parser *parser, const char *at, size_t size)
{
    struct net_http_parse *parse = parse_of(parser);
    parse_frame(parse, (const uint8_t *)at);
    parse->frame = (const uint8_t *)at + size;
    base_out_bytes_add(&parse->body, base_bytes(at, size));
    if (!base_out_ok(&parse->body))
        return parse_refuse(parse, 413, ERR_BIG,
                            "the request's body is longer than is allowed "
                            "here");
    return 0;
}

static int
parse_on_end(http_parser *parser)
{
    struct net_http_parse *parse = parse_of(parser);
    parse->at_end = true;
    parse->keep_alive = http_should_keep_alive(parser);
    http_parser_pause(parser, 1);
    return 0;
}

static const http_parser_settings parse_settings = {
    .on_url = parse_on_url,
    .on_header_field = parse_on_name,
    .on_header_value = parse_on_value,
    .on_headers_complete = parse_on_head,
    .on_body = parse_on_body,
    .on_message_complete = parse_on_end,
};

/* -- feeding -- */

void
net_http_parse_init(struct net_http_parse *parse)
{
    *parse = (struct net_http_parse){0};
    http_parser_init(&parse->parser, HTTP_REQUEST);
    parse->parser.data = parse;
    base_out_grow(&parse->head, NET_HTTP_PARSE_HEAD);
    base_out_grow(&parse->body, 0);
}

void
net_http_parse_done(struct net_http_parse *parse)
{
    base_out_done(&parse->head);
    base_out_done(&parse->body);
}

static enum net_http_parse_event
parse_bad(struct net_http_parse *parse)
{
    enum http_errno error = HTTP_PARSER_ERRNO(&parse->parser);
    if (error == HPE_HEADER_OVERFLOW)
        parse_refuse(parse, 431, ERR_BIG, "the request's head is too long");
    else
        parse_refuse(parse, 400, ERR_SYNTAX, http_errno_description(error));
    return NET_HTTP_PARSE_BAD;
}

/* The head's bytes are kept as they came; its last LF is fed again. */
static enum net_http_parse_event
parse_fed_head(struct net_http_parse *parse, const uint8_t *at, size_t used)
{
    base_out_bytes_add(&parse->head, base_bytes(at, used));
    if (!base_out_ok(&parse->head)) {
        parse_refuse(parse, 431, ERR_BIG, parse_long);
        return NET_HTTP_PARSE_BAD;
    }
    if (!parse->at_head)
        return NET_HTTP_PARSE_MORE;
    if (at[used] == '\n' && net_http_strict_head(parse))
        return NET_HTTP_PARSE_AT_HEAD;
    parse_refuse(parse, 400, ERR_SYNTAX, parse_loose);
    return NET_HTTP_PARSE_BAD;
}

/* The LF that ends the head comes first, and is no frame. */
static enum net_http_parse_event
parse_fed_body(struct net_http_parse *parse, const uint8_t *end)
{
    bool chunked = parse->parser.uses_transfer_encoding;
    parse_frame(parse, end);
    if (chunked && (parse->strict == NET_HTTP_STRICT_BAD ||
                    (parse->at_end && parse->strict != NET_HTTP_STRICT_END))) {
        parse_refuse(parse, 400, ERR_SYNTAX, parse_loose);
        return NET_HTTP_PARSE_BAD;
    }
    return parse->at_end ? NET_HTTP_PARSE_AT_END : NET_HTTP_PARSE_MORE;
}

enum net_http_parse_event
net_http_parse_feed(struct net_http_parse *parse, const uint8_t *at,
                    size_t size, size_t *ret_used)
{
    bool in_body = parse->at_head;
    *ret_used = 0;
    if (parse->status)
        return NET_HTTP_PARSE_BAD;
    if (parse->at_end)
        return NET_HTTP_PARSE_AT_END;
    if (size == 0) /* to the library that would be the stream's end */
        return NET_HTTP_PARSE_MORE;
    parse->fed = at;
    parse->frame = at + (in_body && !parse->ended_head);
    parse->ended_head = in_body;
    http_parser_pause(&parse->parser, 0);
    *ret_used = http_parser_execute(&parse->parser, &parse_settings,
                                    (const char *)at, size);
    enum http_errno error = HTTP_PARSER_ERRNO(&parse->parser);
    if (parse->status || (error != HPE_OK && error != HPE_PAUSED))
        return parse_bad(parse);
    return in_body ? parse_fed_body(parse, at + *ret_used)
                   : parse_fed_head(parse, at, *ret_used);
}

/* -- decoding -- */

static int
parse_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum err
net_http_parse_decode(struct bytes raw, bool plus, struct base_arena *arena,
                      struct bytes *ret_text)
{
    uint8_t *to = base_arena_alloc(arena, raw.size);
    size_t size = 0;
    if (!to)
        return ERR_LIMIT;
    for (size_t i = 0; i < raw.size; i++) {
        uint8_t c = raw.at[i];
        if (c == '%') {
            if (raw.size - i < 3)
                return ERR_SYNTAX;
            int high = parse_digit(raw.at[i + 1]);
            int low = parse_digit(raw.at[i + 2]);
            if (high < 0 || low < 0)
                return ERR_SYNTAX;
            c = (uint8_t)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (c == '\0')
            return ERR_SYNTAX;
        to[size++] = c;
    }
    *ret_text = base_bytes(to, size);
    return ERR_OK;
}

static unsigned
parse_pair(struct bytes piece, struct net_http_request *request,
           struct base_note *note)
{
    size_t equals = base_bytes_find(piece, '=');
    struct bytes name = base_bytes_slice(piece, 0, equals);
    struct bytes value = base_bytes_slice(piece, equals + 1, piece.size);
    if (request->query_count == NET_HTTP_PARAMS) {
        base_err_note(note, ERR_LIMIT, "there are more than %d parameters",
                      NET_HTTP_PARAMS);
        return 400;
    }
    struct net_http_pair *pair = &request->query[request->query_count];
    enum err err =
        net_http_parse_decode(name, true, &request->arena, &pair->name);
    if (err == ERR_OK)
        err = net_http_parse_decode(value, true, &request->arena, &pair->value);
    if (err != ERR_OK) {
        base_err_note(note, err, "parameter %u is not well escaped",
                      request->query_count + 1);
        return 400;
    }
    request->query_count++;
    return 0;
}

static unsigned
parse_pairs(struct bytes text, struct net_http_request *request,
            struct base_note *note)
{
    unsigned status = 0;
    for (size_t at = 0; at < text.size && status == 0;) {
        struct bytes rest = base_bytes_slice(text, at, text.size);
        size_t end = base_bytes_find(rest, '&');
        if (end > 0)
            status = parse_pair(base_bytes_slice(rest, 0, end), request, note);
        at += end + 1;
    }
    return status;
}

/* -- the head -- */

static struct bytes
parse_text(const struct net_http_parse *parse, struct net_http_parse_span span)
{
    return base_bytes(parse->head.at + span.at, span.size);
}

bool
net_http_parse_same(struct bytes text, const char *word)
{
    return base_bytes_equal_folded(text, base_bytes_text(word));
}

struct bytes
net_http_parse_host(struct bytes text)
{
    if (text.size > 0 && text.at[0] == '[') {
        size_t end = base_bytes_find(text, ']');
        return base_bytes_slice(text, 0, end + 1);
    }
    return base_bytes_slice(text, 0, base_bytes_find(text, ':'));
}

static void
parse_headers(struct net_http_parse *parse, struct net_http_request *request)
{
    request->headers = base_arena_alloc(
        &request->arena, parse->header_count * sizeof *request->headers);
    must(request->headers); /* at most 3,200 bytes, the first */
    for (unsigned i = 0; i < parse->header_count; i++) {
        struct net_http_parse_span span = parse->names[i];
        for (unsigned c = 0; c < span.size; c++) {
            uint8_t *at = &parse->head.at[span.at + c];
            if (*at >= 'A' && *at <= 'Z')
                *at |= 32;
        }
        struct bytes value = parse_text(parse, parse->values[i]);
        while (value.size > 0 && (value.at[value.size - 1] == ' ' ||
                                  value.at[value.size - 1] == '\t'))
            value.size--;
        request->headers[i] =
            (struct net_http_pair){parse_text(parse, span), value};
    }
    request->header_count = parse->header_count;
}

static unsigned
parse_count(const struct net_http_request *request, const char *name)
{
    unsigned count = 0;
    for (unsigned i = 0; i < request->header_count; i++)
        count += base_bytes_is(request->headers[i].name, name);
    return count;
}

static unsigned
parse_fault(struct base_note *note, unsigned status, enum err err,
            const char *text)
{
    base_err_note(note, err, "%s", text);
    return status;
}

/* What would let another reader of the same bytes see other requests. */
static unsigned
parse_framing(struct net_http_parse *parse, struct net_http_request *request,
              struct base_note *note)
{
    unsigned encodings = parse_count(request, "transfer-encoding");
    unsigned lengths = parse_count(request, "content-length");
    unsigned hosts = parse_count(request, "host");
    if (parse->parser.http_major != 1)
        return parse_fault(note, 505, ERR_VERSION,
                           "only HTTP/1.0 and HTTP/1.1 are spoken here");
    if (encodings + lengths > 1)
        return parse_fault(note, 400, ERR_SYNTAX,
                           "the body's length is given more than once");
    if (encodings > 0 && parse->parser.http_minor == 0)
        return parse_fault(note, 400, ERR_SYNTAX,
                           "HTTP/1.0 has no Transfer-Encoding");
    if (encodings > 0 &&
        !net_http_parse_same(net_http_header(request, "transfer-encoding"),
                             "chunked"))
        return parse_fault(note, 501, ERR_UNSUPPORTED,
                           "the only Transfer-Encoding spoken is chunked");
    if (hosts > 1 || (hosts == 0 && parse->parser.http_minor > 0))
        return parse_fault(note, 400, ERR_SYNTAX,
                           "a request has exactly one Host header");
    return 0;
}

static unsigned
parse_target(struct net_http_parse *parse, struct net_http_request *request,
             struct base_note *note)
{
    struct bytes url = parse_text(parse, parse->url);
    struct http_parser_url parts;
    http_parser_url_init(&parts);
    if (base_bytes_is(url, "*") && parse->parser.method == HTTP_OPTIONS) {
        parse->raw_path = request->path = url;
        return 0;
    }
    if (parse->parser.method == HTTP_CONNECT || base_bytes_is(url, "*") ||
        http_parser_parse_url((const char *)url.at, url.size, 0, &parts) != 0 ||
        parts.field_set & (1 << UF_FRAGMENT | 1 << UF_USERINFO))
        return parse_fault(note, 400, ERR_SYNTAX,
                           "the request's target is not a path or URL");
    struct bytes part[UF_MAX];
    for (unsigned i = 0; i < UF_MAX; i++)
        part[i] = base_bytes_slice(url, parts.field_data[i].off,
                                   parts.field_data[i].len);
    parse->url_host = part[UF_HOST];
    parse->raw_path =
        part[UF_PATH].size > 0 ? part[UF_PATH] : base_bytes_text("/");
    request->raw_query = part[UF_QUERY];
    if (net_http_parse_decode(parse->raw_path, false, &request->arena,
                              &request->path) != ERR_OK)
        return parse_fault(note, 400, ERR_SYNTAX,
                           "the request's path is not well escaped");
    return parse_pairs(request->raw_query, request, note);
}

unsigned
net_http_parse_request(struct net_http_parse *parse,
                       struct net_http_request *request, struct base_note *note)
{
    must(parse->at_head);
    parse_headers(parse, request);
    unsigned status = parse_framing(parse, request, note);
    return status ? status : parse_target(parse, request, note);
}

/* -- the body -- */

bool
net_http_parse_has_body(const struct net_http_parse *parse)
{
    return parse->parser.uses_transfer_encoding ||
           (parse->parser.content_length > 0 &&
            parse->parser.content_length != UINT64_MAX);
}

unsigned
net_http_parse_body(struct net_http_parse *parse, size_t body_max,
                    struct base_note *note)
{
    parse->body.limit = body_max;
    if (!net_http_parse_has_body(parse) || parse->parser.flags & F_CHUNKED ||
        parse->parser.content_length <= body_max)
        return 0;
    base_err_note(note, ERR_BIG,
                  "the body has %llu bytes; at most %zu are taken here",
                  (unsigned long long)parse->parser.content_length, body_max);
    return 413;
}

unsigned
net_http_parse_form(struct net_http_parse *parse,
                    struct net_http_request *request, struct base_note *note)
{
    must(parse->at_end);
    request->body = base_out_bytes(&parse->body);
    struct bytes type = net_http_header(request, "content-type");
    type = base_bytes_slice(type, 0, base_bytes_find(type, ';'));
    if (!net_http_parse_same(type, "application/x-www-form-urlencoded"))
        return 0;
    return parse_pairs(request->body, request, note);
}
