/* net_http_route.c -- patterns, parsed and matched. */
#include "net/http/net_http_route.h"

#include "base/base_mem.h"
#include "net/http/net_http_parse.h"

enum { ROUTE_METHODS = 31 };

/* -- patterns -- */

/* "{name}", "{name...}" or a literal. */
static enum err
route_part(struct bytes text, struct net_http_route_part *part)
{
    static const struct bytes dots = {(const uint8_t *)"...", 3};
    bool brace = text.size > 0 && text.at[0] == '{';
    part->kind = NET_HTTP_ROUTE_LITERAL;
    part->text = text;
    if (!brace)
        return base_bytes_find(text, '{') < text.size ||
                       base_bytes_find(text, '}') < text.size
                   ? ERR_SYNTAX
                   : ERR_OK;
    if (text.size < 3 || base_bytes_find(text, '}') != text.size - 1)
        return ERR_SYNTAX;
    struct bytes name = base_bytes_slice(text, 1, text.size - 2);
    part->kind = NET_HTTP_ROUTE_PARAM;
    if (name.size > dots.size &&
        base_bytes_equal(base_bytes_slice(name, name.size - 3, 3), dots)) {
        part->kind = NET_HTTP_ROUTE_REST;
        name.size -= dots.size;
    }
    part->text = name;
    return ERR_OK;
}

static enum err
route_parse(struct net_http_route_row *row)
{
    struct bytes rest = base_bytes_text(row->route.pattern);
    unsigned params = 0;
    if (rest.size == 0 || rest.at[0] != '/')
        return ERR_SYNTAX;
    while (rest.size > 0) {
        rest = base_bytes_slice(rest, 1, rest.size);
        size_t end = base_bytes_find(rest, '/');
        if (row->part_count == NET_HTTP_ROUTE_PARTS)
            return ERR_LIMIT;
        struct net_http_route_part *part = &row->parts[row->part_count++];
        enum err err = route_part(base_bytes_slice(rest, 0, end), part);
        if (err != ERR_OK)
            return err;
        params += part->kind != NET_HTTP_ROUTE_LITERAL;
        if (part->kind == NET_HTTP_ROUTE_REST && end < rest.size)
            return ERR_SYNTAX;
        rest = base_bytes_slice(rest, end, rest.size);
    }
    return params > NET_HTTP_PATH_PARAMS ? ERR_LIMIT : ERR_OK;
}

/* <0: a is the more literal. 0: of the same shape. */
static int
route_order(const struct net_http_route_row *a,
            const struct net_http_route_row *b)
{
    for (unsigned i = 0; i < a->part_count && i < b->part_count; i++) {
        const struct net_http_route_part *x = &a->parts[i], *y = &b->parts[i];
        if (x->kind != y->kind)
            return x->kind < y->kind ? -1 : 1;
        int order = x->kind == NET_HTTP_ROUTE_LITERAL
                        ? base_bytes_compare(x->text, y->text)
                        : 0;
        if (order)
            return order;
    }
    return (int)a->part_count - (int)b->part_count;
}

static void
route_row_free(struct net_http_route_row *row)
{
    base_mem_free_at(&row->route.pattern);
    base_mem_free(row);
}

static enum err
route_insert(struct net_http_route_table *table, struct net_http_route_row *row)
{
    unsigned at = 0;
    int order = 1;
    while (at < table->count &&
           (order = route_order(row, table->nodes[at]->rows)) > 0)
        at++;
    if (at < table->count && order == 0) {
        struct net_http_route_node *node = table->nodes[at];
        if (node->methods & row->route.methods)
            return ERR_EXISTS;
        row->next = node->rows->next;
        node->rows->next = row;
        node->methods |= row->route.methods & ROUTE_METHODS;
        return ERR_OK;
    }
    struct net_http_route_node *node = base_mem_zero(sizeof *node);
    node->rows = row;
    node->methods = row->route.methods & ROUTE_METHODS;
    table->nodes =
        base_mem_resize(table->nodes, (table->count + 1) *
                                          sizeof(struct net_http_route_node *));
    memmove(table->nodes + at + 1, table->nodes + at,
            (table->count - at) * sizeof(struct net_http_route_node *));
    table->nodes[at] = node;
    table->count++;
    return ERR_OK;
}

enum err
net_http_route_add(struct net_http_route_table *table,
                   const struct net_http_route *route)
{
    struct net_http_route_row *row = base_mem_zero(sizeof *row);
    row->route = *route;
    row->route.pattern = base_mem_text(route->pattern);
    enum err err = route_parse(row);
    if (err == ERR_OK)
        err = route_insert(table, row);
    if (err != ERR_OK)
        route_row_free(row);
    return err;
}

void
net_http_route_done(struct net_http_route_table *table)
{
    for (unsigned i = 0; i < table->count; i++) {
        struct net_http_route_row *row = table->nodes[i]->rows;
        while (row) {
            struct net_http_route_row *next = row->next;
            route_row_free(row);
            row = next;
        }
        base_mem_free(table->nodes[i]);
    }
    base_mem_free(table->nodes);
    *table = (struct net_http_route_table){0};
}

/* -- paths -- */

/* Is raw, once decoded, this text?  (A bad escape is nobody's.) */
static bool
route_literal(struct bytes raw, struct bytes text)
{
    if (base_bytes_find(raw, '%') == raw.size)
        return base_bytes_equal(raw, text);
    struct base_arena arena;
    struct bytes decoded;
    base_arena_init(&arena, NET_HTTP_PARSE_HEAD);
    bool same = net_http_parse_decode(raw, false, &arena, &decoded) == ERR_OK &&
                base_bytes_equal(decoded, text);
    base_arena_done(&arena);
    return same;
}

/* Walks row and path together; values (may be NULL) get the raw params. */
static bool
route_walk(const struct net_http_route_row *row, struct bytes path,
           struct bytes *values)
{
    struct bytes rest = path;
    for (unsigned i = 0; i < row->part_count; i++) {
        const struct net_http_route_part *part = &row->parts[i];
        if (rest.size == 0 || rest.at[0] != '/')
            return false;
        rest = base_bytes_slice(rest, 1, rest.size);
        size_t end = part->kind == NET_HTTP_ROUTE_REST
                         ? rest.size
                         : base_bytes_find(rest, '/');
        struct bytes here = base_bytes_slice(rest, 0, end);
        if (part->kind == NET_HTTP_ROUTE_LITERAL
                ? !route_literal(here, part->text)
                : part->kind == NET_HTTP_ROUTE_PARAM && here.size == 0)
            return false;
        if (values && part->kind != NET_HTTP_ROUTE_LITERAL)
            *values++ = here;
        rest = base_bytes_slice(rest, end, rest.size);
    }
    return rest.size == 0;
}

struct net_http_route_node *
net_http_route_find(const struct net_http_route_table *table,
                    struct bytes raw_path)
{
    for (unsigned i = 0; i < table->count; i++)
        if (route_walk(table->nodes[i]->rows, raw_path, NULL))
            return table->nodes[i];
    return NULL;
}

const struct net_http_route_row *
net_http_route_row(const struct net_http_route_node *node, unsigned method)
{
    const struct net_http_route_row *row = node->rows;
    while (row && !(row->route.methods & method))
        row = row->next;
    return row;
}

enum err
net_http_route_take(const struct net_http_route_row *row, struct bytes raw_path,
                    struct net_http_request *request)
{
    struct bytes values[NET_HTTP_PATH_PARAMS] = {0};
    unsigned count = 0;
    if (!route_walk(row, raw_path, values))
        return ERR_ABSENT;
    for (unsigned i = 0; i < row->part_count; i++) {
        if (row->parts[i].kind == NET_HTTP_ROUTE_LITERAL)
            continue;
        struct net_http_pair *pair = &request->path_params[count];
        pair->name = row->parts[i].text;
        enum err err = net_http_parse_decode(values[count], false,
                                             &request->arena, &pair->value);
        if (err != ERR_OK)
            return err;
        count++;
    }
    request->path_param_count = count;
    return ERR_OK;
}

char *
net_http_route_allow(unsigned methods, char *to)
{
    static const struct {
        unsigned method;
        const char *text;
    } rows[] = {{NET_HTTP_GET, "GET, HEAD, "},
                {NET_HTTP_POST, "POST, "},
                {NET_HTTP_PUT, "PUT, "},
                {NET_HTTP_PATCH, "PATCH, "},
                {NET_HTTP_DELETE, "DELETE, "}};
    *to = '\0';
    for (unsigned i = 0; i < BASE_COUNT(rows); i++)
        if (methods & rows[i].method)
            strcat(to, rows[i].text);
    return strcat(to, "OPTIONS");
}
