/* net_http_fuzz.c -- the same bytes, whole and in pieces, make the same
 * requests, and what a request says lies within bounds. */
#include "base/base_mem.h"
#include "base/base_must.h"
#include "net/http/net_http_parse.h"
#include "net/http/net_http_route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_REQUESTS = 8, FUZZ_BODY = 4096 };

/* What a reader of the stream came to. */
struct fuzz_sum {
    unsigned count, status;
    uint64_t sums[FUZZ_REQUESTS];
};

static uint64_t
fuzz_add(uint64_t sum, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        sum = (sum ^ bytes.at[i]) * UINT64_C(1099511628211);
    return sum * 31 + bytes.size;
}

static uint64_t
fuzz_pairs(uint64_t sum, const struct net_http_pair *pairs, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        sum = fuzz_add(fuzz_add(sum, pairs[i].name), pairs[i].value);
    return sum;
}

static unsigned
fuzz_head(struct net_http_parse *parse, struct net_http_request *request,
          const struct net_http_route_table *table)
{
    struct base_note note = {0};
    unsigned status = net_http_parse_request(parse, request, &note);
    if (status) {
        must(note.text[0]);
        return status;
    }
    must(request->path.size > 0);
    struct net_http_route_node *node =
        net_http_route_find(table, parse->raw_path);
    if (node)
        net_http_route_take(node->rows, parse->raw_path, request);
    return net_http_parse_body(parse, FUZZ_BODY, &note);
}

/* One request; 0: go on with the next. */
static unsigned
fuzz_request(struct net_http_parse *parse, struct net_http_request *request,
             const struct net_http_route_table *table, struct bytes data,
             size_t piece, size_t *at)
{
    for (;;) {
        size_t size = data.size - *at, used = 0;
        if (size > piece)
            size = piece;
        switch (net_http_parse_feed(parse, data.at + *at, size, &used)) {
        case NET_HTTP_PARSE_MORE:
            must(used == size);
            if (*at + used == data.size)
                return 1;
            break;
        case NET_HTTP_PARSE_AT_HEAD: {
            unsigned status = fuzz_head(parse, request, table);
            if (status)
                return status;
            break;
        }
        case NET_HTTP_PARSE_AT_END: {
            struct base_note note;
            *at += used;
            must(parse->body.size <= FUZZ_BODY);
            return net_http_parse_form(parse, request, &note);
        }
        case NET_HTTP_PARSE_BAD:
            must(parse->status >= 400 && parse->note.text[0]);
            return parse->status;
        }
        *at += used;
    }
}

static struct fuzz_sum
fuzz_stream(const struct net_http_route_table *table, struct bytes data,
            size_t piece)
{
    struct fuzz_sum sum = {0};
    size_t at = 0;
    struct net_http_parse *parse = base_mem_new(sizeof *parse);
    struct net_http_request *request = base_mem_new(sizeof *request);
    while (sum.status == 0 && sum.count < FUZZ_REQUESTS) {
        *request = (struct net_http_request){0};
        net_http_parse_init(parse);
        base_arena_init(&request->arena, NET_HTTP_PARSE_ARENA);
        sum.status = fuzz_request(parse, request, table, data, piece, &at);
        if (sum.status > 1) /* which of two faults is met first may differ */
            sum.status = 400;
        if (sum.status == 0) {
            uint64_t one = fuzz_add(fuzz_add(0, request->path), request->body);
            one = fuzz_pairs(one, request->query, request->query_count);
            one = fuzz_pairs(one, request->headers, request->header_count);
            one = fuzz_pairs(one, request->path_params,
                             request->path_param_count);
            sum.sums[sum.count++] = one;
        }
        net_http_parse_done(parse);
        base_arena_done(&request->arena);
    }
    base_mem_free(parse);
    base_mem_free(request);
    return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const patterns[] = {
        "/", "/api/v1/query", "/api/v1/label/{name}/values",
        "/api/handles/{prefix}/{suffix...}", "/{rest...}"};
    struct net_http_route_table table = {0};
    struct bytes bytes = base_bytes(data, size);
    for (unsigned i = 0; i < BASE_COUNT(patterns); i++) {
        struct net_http_route route = {.methods = NET_HTTP_GET,
                                       .pattern = patterns[i]};
        must(net_http_route_add(&table, &route) == ERR_OK);
    }
    struct fuzz_sum whole = fuzz_stream(&table, bytes, SIZE_MAX);
    struct fuzz_sum pieces = fuzz_stream(&table, bytes, 1 + size % 7);
    must(memcmp(&whole, &pieces, sizeof whole) == 0);
    net_http_route_done(&table);
    return 0;
}
