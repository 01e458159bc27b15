/* model_expr_parse.c -- from text to tree: lexer and precedence climbing.
 *
 * The first error stops it: the token becomes END, so that every loop ends,
 * and what is built after that is thrown away. */
#include <stdio.h>

#include "base/base_mem.h"
#include "model/model_expr_tree.h"
#include "model/model_near.h"

enum expr_token { EXPR_END, EXPR_NUMBER, EXPR_TEXT, EXPR_NAME, EXPR_MARK };

struct expr_parser {
    struct base_arena *arena;
    struct base_note *note;
    struct bytes text;
    size_t at;
    uint32_t line, column; /* of at */
    enum err failed;
    unsigned depth, node_count;
    struct { /* the token ahead */
        enum expr_token kind;
        struct bytes text; /* of TEXT: unescaped */
        uint32_t line, column;
    } token;
};

static void expr_fail(struct expr_parser *parser, enum err code, uint32_t line,
                      uint32_t column, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

static void
expr_fail(struct expr_parser *parser, enum err code, uint32_t line,
          uint32_t column, const char *fmt, ...)
{
    parser->token.kind = EXPR_END;
    if (parser->failed != ERR_OK)
        return;
    char text[192];
    va_list list;
    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    parser->failed =
        base_err_note_at(parser->note, code, "", line, column, "%s", text);
}

/* The lexer. */

static int
expr_peek(const struct expr_parser *parser, size_t ahead)
{
    size_t at = parser->at + ahead;
    return at < parser->text.size ? parser->text.at[at] : -1;
}

static void
expr_step(struct expr_parser *parser)
{
    uint8_t byte = parser->text.at[parser->at++];
    if (byte == '\n') {
        parser->line++;
        parser->column = 1;
    } else if ((byte & 0xc0) != 0x80) {
        parser->column++;
    }
}

static bool
expr_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

static bool
expr_letter(int byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           byte == '_';
}

static void
expr_lex_number(struct expr_parser *parser)
{
    while (expr_digit(expr_peek(parser, 0)))
        expr_step(parser);
    if (expr_peek(parser, 0) == '.' && expr_digit(expr_peek(parser, 1)))
        do
            expr_step(parser);
        while (expr_digit(expr_peek(parser, 0)));
    if ((expr_peek(parser, 0) | 32) == 'e') {
        int sign = expr_peek(parser, 1);
        expr_step(parser);
        if (sign == '+' || sign == '-')
            expr_step(parser);
        while (expr_digit(expr_peek(parser, 0)))
            expr_step(parser);
    }
    if (expr_letter(expr_peek(parser, 0)))
        expr_fail(parser, ERR_SYNTAX, parser->token.line, parser->token.column,
                  "a number runs into a letter");
}

static void
expr_lex_text(struct expr_parser *parser)
{
    static const char from[] = "\\'\"nrt", to[] = "\\'\"\n\r\t";
    int quote = expr_peek(parser, 0), byte;
    uint8_t *made = base_arena_alloc(parser->arena, parser->text.size);
    size_t size = 0;
    expr_step(parser);
    while ((byte = expr_peek(parser, 0)) != quote) {
        if (byte < 0 || byte == '\n' || !made) {
            expr_fail(parser, made ? ERR_SYNTAX : ERR_LIMIT, parser->token.line,
                      parser->token.column,
                      made ? "a string is not closed" : "no room for it");
            return;
        }
        if (byte == '\\') {
            expr_step(parser);
            int escaped = expr_peek(parser, 0);
            const char *known = escaped > 0 ? strchr(from, escaped) : NULL;
            if (!known) {
                expr_fail(parser, ERR_SYNTAX, parser->line, parser->column,
                          "the escapes are \\\\ \\' \\\" \\n \\r \\t");
                return;
            }
            byte = (unsigned char)to[known - from];
        }
        made[size++] = (uint8_t)byte;
        expr_step(parser);
    }
    expr_step(parser);
    parser->token.text = base_bytes(made, size);
}

/* Marks of one or two bytes. */
static void
expr_lex_mark(struct expr_parser *parser)
{
    static const char *const marks[] = {
        "||", "&&", "<=", ">=", "==", "!=", "<", ">", "!", "+", "-",
        "*",  "/",  "%",  "?",  ":",  "(",  ")", "[", "]", ".", ","};
    struct bytes rest =
        base_bytes_slice(parser->text, parser->at, parser->text.size);
    for (unsigned i = 0; i < BASE_COUNT(marks); i++)
        if (base_bytes_starts(rest, base_bytes_text(marks[i]))) {
            for (size_t n = strlen(marks[i]); n > 0; n--)
                expr_step(parser);
            return;
        }
    int byte = rest.at[0];
    const char *hint = byte == '='   ? "; equality is =="
                       : byte == '&' ? "; and is &&"
                       : byte == '|' ? "; or is ||"
                                     : "";
    if (byte > ' ' && byte < 0x7f)
        expr_fail(parser, ERR_SYNTAX, parser->line, parser->column,
                  "%c has no meaning here%s", byte, hint);
    else
        expr_fail(parser, ERR_SYNTAX, parser->line, parser->column,
                  "a character that has no meaning outside strings");
}

static void
expr_next(struct expr_parser *parser)
{
    int byte;
    if (parser->failed != ERR_OK)
        return;
    while ((byte = expr_peek(parser, 0)) == ' ' || byte == '\t' ||
           byte == '\n' || byte == '\r')
        expr_step(parser);
    size_t start = parser->at;
    parser->token.line = parser->line;
    parser->token.column = parser->column;
    parser->token.text = (struct bytes){NULL, 0};
    if (byte < 0) {
        parser->token.kind = EXPR_END;
        return;
    }
    if (byte == '\'' || byte == '"') {
        parser->token.kind = EXPR_TEXT;
        expr_lex_text(parser);
        return;
    }
    if (expr_digit(byte)) {
        parser->token.kind = EXPR_NUMBER;
        expr_lex_number(parser);
    } else if (expr_letter(byte)) {
        parser->token.kind = EXPR_NAME;
        while (expr_letter(expr_peek(parser, 0)) ||
               expr_digit(expr_peek(parser, 0)))
            expr_step(parser);
    } else {
        parser->token.kind = EXPR_MARK;
        expr_lex_mark(parser);
    }
    parser->token.text =
        base_bytes_slice(parser->text, start, parser->at - start);
}

/* The parser. */

static bool
expr_is(const struct expr_parser *parser, const char *text)
{
    return (parser->token.kind == EXPR_MARK ||
            parser->token.kind == EXPR_NAME) &&
           base_bytes_is(parser->token.text, text);
}

static void
expr_unexpected(struct expr_parser *parser, const char *wanted)
{
    if (parser->token.kind == EXPR_END)
        expr_fail(parser, ERR_SYNTAX, parser->token.line, parser->token.column,
                  "expected %s, found the end", wanted);
    else
        expr_fail(parser, ERR_SYNTAX, parser->token.line, parser->token.column,
                  "expected %s, found %.*s", wanted,
                  (int)(parser->token.text.size & 0x3f),
                  (const char *)parser->token.text.at);
}

static void
expr_want(struct expr_parser *parser, const char *mark)
{
    if (expr_is(parser, mark))
        expr_next(parser);
    else
        expr_unexpected(parser, mark);
}

static struct model_expr_node *
expr_node(struct expr_parser *parser, enum model_expr_op op)
{
    struct model_expr_node *node =
        base_arena_alloc(parser->arena, sizeof *node);
    if (!node || ++parser->node_count > MODEL_EXPR_NODES) {
        expr_fail(parser, ERR_LIMIT, parser->token.line, parser->token.column,
                  "more than %d parts in one expression", MODEL_EXPR_NODES);
        return NULL;
    }
    node->op = op;
    node->line = parser->token.line;
    node->column = parser->token.column;
    return node;
}

static bool
expr_enter(struct expr_parser *parser)
{
    if (++parser->depth <= MODEL_EXPR_DEPTH)
        return true;
    expr_fail(parser, ERR_LIMIT, parser->token.line, parser->token.column,
              "nested more than %d deep", MODEL_EXPR_DEPTH);
    return false;
}

static struct model_expr_node *expr_whole(struct expr_parser *parser);

/* "[" or "(" is behind: the list up to `close`, as operands of node. */
static void
expr_list(struct expr_parser *parser, struct model_expr_node *node,
          const char *close)
{
    struct model_expr_node **end = &node->first;
    while (!expr_is(parser, close)) {
        struct model_expr_node *item = expr_whole(parser);
        if (!item)
            return;
        *end = item;
        end = &item->next;
        if (!expr_is(parser, ","))
            break;
        expr_next(parser);
    }
    expr_want(parser, close);
}

/* The name of a function is the token; "(" follows. */
static struct model_expr_node *
expr_call(struct expr_parser *parser, struct bytes name, uint32_t line,
          uint32_t column)
{
    struct model_near near;
    unsigned op = 0, count = 0;
    model_near_init(&near, name);
    for (; op < MODEL_EXPR_OPS; op++) {
        if (model_expr_rows[op].form < MODEL_EXPR_CALL)
            continue;
        if (base_bytes_is(name, model_expr_rows[op].text))
            break;
        model_near_offer(&near, model_expr_rows[op].text);
    }
    if (op == MODEL_EXPR_OPS) {
        expr_fail(parser, ERR_NAME, line, column, "unknown function %.*s%s",
                  (int)(name.size & 0x3f), (const char *)name.at,
                  model_near_hint(&near));
        return NULL;
    }
    const struct model_expr_row *row = &model_expr_rows[op];
    if (row->form == MODEL_EXPR_CALL_LATER)
        expr_fail(parser, ERR_UNSUPPORTED, line, column,
                  "the function %s is not supported yet", row->text);
    struct model_expr_node *node = expr_node(parser, (enum model_expr_op)op);
    if (!node)
        return NULL;
    node->line = line;
    node->column = column;
    expr_next(parser);
    expr_list(parser, node, ")");
    for (struct model_expr_node *arg = node->first; arg; arg = arg->next)
        count++;
    if (count < row->least || count > row->most)
        expr_fail(parser, ERR_TYPE, line, column,
                  "%s takes %u to %u arguments, not %u", row->text, row->least,
                  row->most, count);
    return node;
}

static struct model_expr_node *
expr_name(struct expr_parser *parser)
{
    struct bytes name = parser->token.text;
    uint32_t line = parser->token.line, column = parser->token.column;
    bool truth = base_bytes_is(name, "true");
    struct model_expr_node *node = NULL;
    if (truth || base_bytes_is(name, "false")) {
        node = expr_node(parser, MODEL_EXPR_OP_TRUTH);
        if (node)
            node->truth = truth;
        expr_next(parser);
        return node;
    }
    if (model_expr_reserved(name)) {
        expr_fail(parser, ERR_SYNTAX, line, column,
                  "%.*s is a reserved word of CEL, not a name", (int)name.size,
                  (const char *)name.at);
        return NULL;
    }
    expr_next(parser);
    if (expr_is(parser, "("))
        return expr_call(parser, name, line, column);
    node = expr_node(parser, MODEL_EXPR_OP_NAME);
    if (node) {
        node->line = line;
        node->column = column;
        node->text = base_arena_bytes(parser->arena, name);
    }
    return node;
}

static struct model_expr_node *
expr_primary(struct expr_parser *parser)
{
    struct model_expr_node *node = NULL;
    if (parser->token.kind == EXPR_NUMBER) {
        node = expr_node(parser, MODEL_EXPR_OP_NUMBER);
        enum err err =
            node ? base_dec_parse(parser->token.text, &node->num) : ERR_OK;
        if (err != ERR_OK)
            expr_fail(parser, err, parser->token.line, parser->token.column,
                      "a number has at most 12 decimals and 26 digits");
        expr_next(parser);
    } else if (parser->token.kind == EXPR_TEXT) {
        node = expr_node(parser, MODEL_EXPR_OP_TEXT);
        if (node)
            node->text = parser->token.text;
        expr_next(parser);
    } else if (parser->token.kind == EXPR_NAME) {
        node = expr_name(parser);
    } else if (expr_is(parser, "[")) {
        node = expr_node(parser, MODEL_EXPR_OP_LIST);
        expr_next(parser);
        if (node)
            expr_list(parser, node, "]");
    } else if (expr_is(parser, "(")) {
        expr_next(parser);
        node = expr_whole(parser);
        expr_want(parser, ")");
    } else {
        expr_unexpected(parser, "a value");
    }
    if (expr_is(parser, "[") || expr_is(parser, "."))
        expr_fail(parser, ERR_UNSUPPORTED, parser->token.line,
                  parser->token.column,
                  "tables and members (x[...], x.y) are not supported yet");
    return node;
}

static struct model_expr_node *
expr_prefixed(struct expr_parser *parser)
{
    enum model_expr_op op;
    if (expr_is(parser, "-"))
        op = MODEL_EXPR_OP_NEGATE;
    else if (expr_is(parser, "!"))
        op = MODEL_EXPR_OP_NOT;
    else
        return expr_primary(parser);
    if (!expr_enter(parser))
        return NULL;
    struct model_expr_node *node = expr_node(parser, op);
    expr_next(parser);
    if (node)
        node->first = expr_prefixed(parser);
    parser->depth--;
    return node && node->first ? node : NULL;
}

/* The operation that the token is between two values, or MODEL_EXPR_OPS. */
static enum model_expr_op
expr_between(const struct expr_parser *parser)
{
    unsigned op = 0;
    while (op < MODEL_EXPR_OPS &&
           (model_expr_rows[op].form != MODEL_EXPR_BETWEEN ||
            !expr_is(parser, model_expr_rows[op].text)))
        op++;
    return (enum model_expr_op)op;
}

/* Values joined by operations of at least this level. */
static struct model_expr_node *
expr_joined(struct expr_parser *parser, unsigned level)
{
    struct model_expr_node *left = expr_prefixed(parser);
    bool related = false;
    for (;;) {
        enum model_expr_op op = expr_between(parser);
        if (op == MODEL_EXPR_OPS || model_expr_rows[op].level < level || !left)
            return left;
        bool relation = model_expr_rows[op].level == MODEL_EXPR_LEVEL_RELATION;
        if (relation && related)
            expr_fail(parser, ERR_SYNTAX, parser->token.line,
                      parser->token.column,
                      "comparisons do not chain: write a < b && b < c");
        related = relation;
        struct model_expr_node *node = expr_node(parser, op);
        expr_next(parser);
        struct model_expr_node *right =
            expr_joined(parser, model_expr_rows[op].level + 1u);
        if (!node || !right)
            return NULL;
        node->first = left;
        left->next = right;
        left = node;
    }
}

static struct model_expr_node *
expr_whole(struct expr_parser *parser)
{
    if (!expr_enter(parser))
        return NULL;
    struct model_expr_node *value = expr_joined(parser, 1);
    if (value && expr_is(parser, "?")) {
        struct model_expr_node *node = expr_node(parser, MODEL_EXPR_OP_CHOOSE);
        expr_next(parser);
        struct model_expr_node *yes = expr_joined(parser, 1);
        expr_want(parser, ":");
        struct model_expr_node *no = expr_whole(parser);
        if (!node || !yes || !no)
            return NULL;
        node->first = value;
        value->next = yes;
        yes->next = no;
        value = node;
    }
    parser->depth--;
    return value;
}

enum err
model_expr_parse(struct base_arena *arena, struct bytes text,
                 struct model_expr *ret_expr, struct base_note *note)
{
    struct expr_parser parser = {
        .arena = arena,
        .note = note,
        .text = text,
        .line = 1,
        .column = 1,
    };
    if (text.size > MODEL_EXPR_SIZE)
        expr_fail(&parser, ERR_LIMIT, 1, 1, "more than %d bytes",
                  MODEL_EXPR_SIZE);
    else if (!base_bytes_utf8(text))
        expr_fail(&parser, ERR_SYNTAX, 1, 1, "not UTF-8");
    expr_next(&parser);
    struct model_expr_node *root = expr_whole(&parser);
    if (parser.token.kind != EXPR_END)
        expr_unexpected(&parser, "an operator or the end");
    if (parser.failed == ERR_OK)
        *ret_expr = (struct model_expr){root, parser.node_count};
    return parser.failed;
}
