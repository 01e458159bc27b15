/* wire_promql_expr.c -- precedence climbing over the operator table.
 *
 *   expr    = unary { op [bool] [on|ignoring(..)] [group_x[(..)]] expr }
 *   unary   = { + | - } postfix
 *   postfix = primary { [range] | [range:step] | offset d | @ t }
 *   primary = number | string | ( expr ) | selector | name( args )
 *           | aggregation [by|without(..)] ( args ) [by|without(..)] */
#include <math.h>
#include <stdio.h>

#include "base/base_mem.h"
#include "wire/promql/wire_promql_parse.h"
#include "wire/promql/wire_promql_table.h"

enum { PARSE_ARGS = 32, PARSE_NAMES = WIRE_PROMQL_PARSE_NAMES };

static struct wire_promql_node *parse_expr(struct wire_promql_parse *p,
                                           unsigned least);

/* --- names followed by more --- */

static void
parse_names(struct wire_promql_parse *p, struct wire_promql_names *ret_names)
{
    struct bytes names[PARSE_NAMES];
    uint32_t count = 0;
    wire_promql_parse_expect(p, "(", " in grouping opts, expected \"(\"");
    while (p->failed == ERR_OK && !wire_promql_parse_is(p, ")")) {
        if (count == PARSE_NAMES) {
            wire_promql_parse_fail(p, ERR_LIMIT, p->token.at,
                                   "too many labels");
        } else if (p->token.kind == WIRE_PROMQL_STR) {
            names[count++] = wire_promql_parse_string_value(p, "");
        } else if (p->token.kind == WIRE_PROMQL_IDENT) {
            names[count++] = p->token.text;
            wire_promql_parse_step(p);
        } else {
            wire_promql_parse_unexpected(p,
                                         " in grouping opts, expected label");
        }
        if (!wire_promql_parse_is(p, ")"))
            wire_promql_parse_expect(
                p, ",", " in grouping opts, expected \",\" or \")\"");
    }
    wire_promql_parse_expect(p, ")", " in grouping opts, expected \")\"");
    struct bytes *to = wire_promql_parse_alloc(p, count * sizeof *to);
    if (to && count > 0)
        memcpy(to, names, count * sizeof *to);
    *ret_names = (struct wire_promql_names){.at = to, .count = to ? count : 0};
}

static uint32_t
parse_args(struct wire_promql_parse *p, struct wire_promql_node **args)
{
    uint32_t count = 0;
    wire_promql_parse_expect(p, "(", ", expected \"(\"");
    while (p->failed == ERR_OK && !wire_promql_parse_is(p, ")")) {
        if (count == PARSE_ARGS) {
            wire_promql_parse_fail(p, ERR_LIMIT, p->token.at,
                                   "too many arguments");
            break;
        }
        args[count++] = parse_expr(p, 0);
        if (wire_promql_parse_is(p, ",") &&
            !base_bytes_is(wire_promql_parse_peek(p).text, ")"))
            wire_promql_parse_step(p);
        else if (!wire_promql_parse_is(p, ")"))
            wire_promql_parse_unexpected(
                p, " in function call, expected \",\" or \")\"");
    }
    wire_promql_parse_expect(p, ")", "");
    return count;
}

static enum wire_promql_type
parse_letter(char letter)
{
    return letter == 'v'   ? WIRE_PROMQL_VECTOR
           : letter == 'm' ? WIRE_PROMQL_MATRIX
           : letter == 's' ? WIRE_PROMQL_SCALAR
                           : WIRE_PROMQL_STRING;
}

static void
parse_check_arg(struct wire_promql_parse *p, const char *what,
                struct bytes name, const struct wire_promql_node *arg,
                char letter)
{
    if (arg && arg->type != parse_letter(letter))
        wire_promql_parse_fail(
            p, ERR_TYPE, arg->at, "expected type %s in %s \"%.*s\", got %s",
            wire_promql_type_text(parse_letter(letter)), what, (int)name.size,
            (const char *)name.at, wire_promql_type_text(arg->type));
}

static void
parse_check_call(struct wire_promql_parse *p,
                 const struct wire_promql_table_function *fn,
                 const struct wire_promql_node *call,
                 struct wire_promql_node *const *args, uint32_t count)
{
    uint32_t least = 0, most = 0, used = 0;
    bool optional = false, many = false;
    char letters[PARSE_ARGS], again = 0;
    for (const char *s = fn->signature; *s; s++) {
        optional |= *s == '?' || *s == '*';
        many |= *s == '*';
        if (*s == '?' || *s == '*')
            continue;
        letters[most++] = again = *s;
        least += !optional;
    }
    if (count < least || (count > most && !many))
        wire_promql_parse_fail(
            p, ERR_TYPE, call->at,
            "expected %s%u argument(s) in call to \"%s\", got %u",
            least == most && !many ? ""
            : count < least        ? "at least "
                                   : "at most ",
            count < least ? least : most, fn->name, count);
    for (; used < count && p->failed == ERR_OK; used++)
        parse_check_arg(p, "call to function", call->text, args[used],
                        used < most ? letters[used] : again);
}

static struct wire_promql_node *
parse_call(struct wire_promql_parse *p)
{
    struct bytes name = p->token.text;
    const struct wire_promql_table_function *fn =
        wire_promql_table_function(name);
    uint32_t at = p->token.at;
    if (!fn) {
        bool refused = base_bytes_is(name, "info");
        wire_promql_parse_fail(p, refused ? ERR_UNSUPPORTED : ERR_NAME, at,
                               refused ? "function \"%.*s\" is not supported"
                                       : "unknown function with name \"%.*s\"",
                               name.size < 64 ? (int)name.size : 64,
                               (const char *)name.at);
        return NULL;
    }
    wire_promql_parse_step(p);
    struct wire_promql_node *args[PARSE_ARGS];
    uint32_t count = parse_args(p, args);
    struct wire_promql_node *node =
        wire_promql_parse_new(p, WIRE_PROMQL_CALL, fn->type, at);
    if (!node || p->failed != ERR_OK)
        return NULL;
    node->text = name;
    parse_check_call(p, fn, node, args, count);
    wire_promql_parse_args_set(p, node, args, count);
    return node;
}

static bool
parse_by(struct wire_promql_parse *p, struct wire_promql_node *node)
{
    bool without = wire_promql_parse_word(&p->token, "without");
    if (!without && !wire_promql_parse_word(&p->token, "by"))
        return false;
    wire_promql_parse_step(p);
    node->grouping = true;
    node->without = without;
    parse_names(p, &node->group_names);
    return true;
}

static struct wire_promql_node *
parse_aggregate(struct wire_promql_parse *p,
                const struct wire_promql_table_aggregate *aggregate)
{
    struct wire_promql_node *node = wire_promql_parse_new(
        p, WIRE_PROMQL_AGGREGATE, WIRE_PROMQL_VECTOR, p->token.at);
    if (!node)
        return NULL;
    node->text = base_bytes_text(aggregate->name);
    wire_promql_parse_step(p);
    bool before = parse_by(p, node);
    struct wire_promql_node *args[PARSE_ARGS];
    uint32_t count = parse_args(p, args), want = aggregate->parameter ? 2 : 1;
    if (!before)
        parse_by(p, node);
    if (p->failed != ERR_OK)
        return NULL;
    if (count != want) {
        wire_promql_parse_fail(
            p, ERR_TYPE, node->at,
            "wrong number of arguments for aggregate expression "
            "provided, expected %u, got %u",
            want, count);
        return NULL;
    }
    parse_check_arg(p, "aggregation expression", node->text, args[want - 1],
                    'v');
    if (want == 2)
        parse_check_arg(p, "aggregation parameter", node->text, args[0],
                        aggregate->parameter);
    wire_promql_parse_args_set(p, node, args, count);
    return node;
}

static struct wire_promql_node *
parse_name(struct wire_promql_parse *p)
{
    struct wire_promql_token next = wire_promql_parse_peek(p);
    const struct wire_promql_table_aggregate *aggregate =
        wire_promql_table_aggregate(p->token.text);
    bool called =
        next.kind == WIRE_PROMQL_SIGN && base_bytes_is(next.text, "(");
    if (aggregate && (called || wire_promql_parse_word(&next, "by") ||
                      wire_promql_parse_word(&next, "without")))
        return parse_aggregate(p, aggregate);
    if (called)
        return parse_call(p);
    bool nan = wire_promql_parse_word(&p->token, "nan");
    if (nan || wire_promql_parse_word(&p->token, "inf")) {
        struct wire_promql_node *node = wire_promql_parse_new(
            p, WIRE_PROMQL_NUMBER, WIRE_PROMQL_SCALAR, p->token.at);
        if (node)
            node->number = nan ? (double)NAN : (double)INFINITY;
        wire_promql_parse_step(p);
        return node;
    }
    return wire_promql_parse_selector(p);
}

/* --- expressions --- */

static struct wire_promql_node *
parse_paren(struct wire_promql_parse *p)
{
    uint32_t at = p->token.at;
    wire_promql_parse_step(p);
    struct wire_promql_node *inner = parse_expr(p, 0);
    wire_promql_parse_expect(p, ")", ", expected \")\"");
    if (p->failed != ERR_OK || !inner)
        return NULL;
    struct wire_promql_node *node =
        wire_promql_parse_new(p, WIRE_PROMQL_PAREN, inner->type, at);
    if (node)
        wire_promql_parse_args_set(p, node, &inner, 1);
    return node;
}

static struct wire_promql_node *
parse_primary(struct wire_promql_parse *p)
{
    switch (p->token.kind) {
    case WIRE_PROMQL_NUM:
    case WIRE_PROMQL_DURATION:
        return wire_promql_parse_number(p);
    case WIRE_PROMQL_STR:
        return wire_promql_parse_string(p);
    case WIRE_PROMQL_IDENT:
        return parse_name(p);
    case WIRE_PROMQL_SIGN:
        if (wire_promql_parse_is(p, "("))
            return parse_paren(p);
        if (wire_promql_parse_is(p, "{"))
            return wire_promql_parse_selector(p);
        break;
    case WIRE_PROMQL_END:
    case WIRE_PROMQL_BAD:
        break;
    }
    wire_promql_parse_unexpected(p, "");
    return NULL;
}

static struct wire_promql_node *
parse_postfix(struct wire_promql_parse *p)
{
    static const char *const refused[] = {"smoothed", "anchored", "fill",
                                          "fill_left", "fill_right"};
    struct wire_promql_node *node = parse_primary(p);
    while (p->failed == ERR_OK && node) {
        if (wire_promql_parse_is(p, "["))
            node = wire_promql_parse_brackets(p, node);
        else if (wire_promql_parse_is(p, "@"))
            wire_promql_parse_at(p, node);
        else if (wire_promql_parse_word(&p->token, "offset"))
            wire_promql_parse_offset(p, node);
        else
            break;
    }
    for (unsigned i = 0; i < BASE_COUNT(refused); i++)
        if (wire_promql_parse_word(&p->token, refused[i]))
            wire_promql_parse_fail(p, ERR_UNSUPPORTED, p->token.at,
                                   "modifier \"%s\" is not supported",
                                   refused[i]);
    return p->failed == ERR_OK ? node : NULL;
}

static struct wire_promql_node *
parse_unary(struct wire_promql_parse *p)
{
    bool minus = wire_promql_parse_is(p, "-");
    if (!minus && !wire_promql_parse_is(p, "+"))
        return parse_postfix(p);
    uint32_t at = p->token.at;
    wire_promql_parse_step(p);
    struct wire_promql_node *inner = parse_expr(p, WIRE_PROMQL_TABLE_UNARY);
    if (!inner || p->failed != ERR_OK)
        return NULL;
    if (inner->type != WIRE_PROMQL_SCALAR && inner->type != WIRE_PROMQL_VECTOR)
        wire_promql_parse_fail(
            p, ERR_TYPE, at,
            "unary expression only allowed on expressions of type "
            "scalar or instant vector, got \"%s\"",
            wire_promql_type_text(inner->type));
    struct wire_promql_node *node =
        wire_promql_parse_new(p, WIRE_PROMQL_UNARY, inner->type, at);
    if (!node)
        return NULL;
    node->op = minus ? WIRE_PROMQL_SUB : WIRE_PROMQL_ADD;
    wire_promql_parse_args_set(p, node, &inner, 1);
    return node;
}

static void
parse_modifiers(struct wire_promql_parse *p, struct wire_promql_node *node)
{
    if (wire_promql_parse_word(&p->token, "bool")) {
        node->bool_modifier = true;
        wire_promql_parse_step(p);
    }
    node->on = wire_promql_parse_word(&p->token, "on");
    node->matching = node->on || wire_promql_parse_word(&p->token, "ignoring");
    if (!node->matching)
        return;
    wire_promql_parse_step(p);
    parse_names(p, &node->match_names);
    node->left = wire_promql_parse_word(&p->token, "group_left");
    node->grouping =
        node->left || wire_promql_parse_word(&p->token, "group_right");
    if (!node->grouping)
        return;
    wire_promql_parse_step(p);
    if (wire_promql_parse_is(p, "("))
        parse_names(p, &node->group_names);
}

static void
parse_check_binary(struct wire_promql_parse *p,
                   const struct wire_promql_table_op *op,
                   const struct wire_promql_node *node,
                   const struct wire_promql_node *a,
                   const struct wire_promql_node *b)
{
    bool vectors = a->type == WIRE_PROMQL_VECTOR && b->type == a->type;
    bool scalars = a->type == WIRE_PROMQL_SCALAR && b->type == a->type;
    if ((a->type != WIRE_PROMQL_SCALAR && a->type != WIRE_PROMQL_VECTOR) ||
        (b->type != WIRE_PROMQL_SCALAR && b->type != WIRE_PROMQL_VECTOR))
        wire_promql_parse_fail(
            p, ERR_TYPE, node->at,
            "binary expression must contain only scalar and instant "
            "vector types");
    if (node->bool_modifier && !op->compare)
        wire_promql_parse_fail(
            p, ERR_SYNTAX, node->at,
            "bool modifier can only be used on comparison operators");
    if (op->compare && scalars && !node->bool_modifier)
        wire_promql_parse_fail(
            p, ERR_SYNTAX, node->at,
            "comparisons between scalars must use BOOL modifier");
    if (op->set && !vectors)
        wire_promql_parse_fail(
            p, ERR_TYPE, node->at,
            "set operator \"%s\" not allowed in binary scalar "
            "expression",
            op->text);
    if (op->set && node->grouping)
        wire_promql_parse_fail(p, ERR_SYNTAX, node->at,
                               "no grouping allowed for \"%s\" operation",
                               op->text);
    if (node->matching && !vectors)
        wire_promql_parse_fail(
            p, ERR_TYPE, node->at,
            "vector matching only allowed between instant vectors");
}

static struct wire_promql_node *
parse_binary(struct wire_promql_parse *p, const struct wire_promql_table_op *op,
             struct wire_promql_node *left)
{
    struct wire_promql_node *node = wire_promql_parse_new(
        p, WIRE_PROMQL_BINARY, WIRE_PROMQL_VECTOR, p->token.at);
    if (!node)
        return NULL;
    node->op = op->op;
    wire_promql_parse_step(p);
    parse_modifiers(p, node);
    struct wire_promql_node *right =
        parse_expr(p, op->precedence + (op->right ? 0u : 1u));
    if (!right || p->failed != ERR_OK)
        return NULL;
    parse_check_binary(p, op, node, left, right);
    if (left->type == WIRE_PROMQL_SCALAR && right->type == left->type)
        node->type = WIRE_PROMQL_SCALAR;
    wire_promql_parse_args_set(p, node,
                               (struct wire_promql_node *[]){left, right}, 2);
    return node;
}

static struct wire_promql_node *
parse_expr(struct wire_promql_parse *p, unsigned least)
{
    if (++p->depth > WIRE_PROMQL_DEPTH) {
        wire_promql_parse_fail(p, ERR_LIMIT, p->token.at,
                               "query is nested deeper than %d",
                               WIRE_PROMQL_DEPTH);
        return NULL;
    }
    struct wire_promql_node *left = parse_unary(p);
    while (p->failed == ERR_OK && left) {
        const struct wire_promql_table_op *op =
            p->token.kind == WIRE_PROMQL_SIGN ||
                    p->token.kind == WIRE_PROMQL_IDENT
                ? wire_promql_table_op(p->token.text)
                : NULL;
        if (!op || op->precedence < least)
            break;
        left = parse_binary(p, op, left);
    }
    p->depth--;
    return p->failed == ERR_OK ? left : NULL;
}

enum err
wire_promql_parse(struct base_arena *arena, struct bytes text,
                  const struct wire_promql_node **ret_node,
                  struct base_note *note)
{
    struct wire_promql_parse p = {.arena = arena, .note = note};
    struct bytes whole = text.size > WIRE_PROMQL_TEXT
                             ? base_bytes_slice(text, 0, WIRE_PROMQL_TEXT)
                             : text;
    wire_promql_lex_init(&p.lex, whole);
    if (text.size > WIRE_PROMQL_TEXT)
        wire_promql_parse_fail(&p, ERR_LIMIT, 0,
                               "query is longer than %d bytes",
                               WIRE_PROMQL_TEXT);
    else if (!base_bytes_utf8(text))
        wire_promql_parse_fail(&p, ERR_SYNTAX, 0, "query is not UTF-8");
    if (p.failed != ERR_OK)
        return p.failed;
    wire_promql_parse_step(&p);
    if (p.token.kind == WIRE_PROMQL_END)
        wire_promql_parse_fail(&p, ERR_SYNTAX, 0,
                               "no expression found in input");
    struct wire_promql_node *node =
        p.failed == ERR_OK ? parse_expr(&p, 0) : NULL;
    if (p.failed == ERR_OK && p.token.kind != WIRE_PROMQL_END)
        wire_promql_parse_unexpected(&p, "");
    if (p.failed != ERR_OK)
        return p.failed;
    *ret_node = node;
    return ERR_OK;
}

enum err
wire_promql_selector(struct base_arena *arena, struct bytes text,
                     const struct wire_promql_node **ret_node,
                     struct base_note *note)
{
    const struct wire_promql_node *node;
    enum err err = wire_promql_parse(arena, text, &node, note);
    if (err != ERR_OK)
        return err;
    if (node->kind != WIRE_PROMQL_SELECTOR || node->time.range_ms > 0 ||
        node->time.offset_set || node->time.at != WIRE_PROMQL_AT_NONE)
        return base_err_note_at(note, ERR_SYNTAX, "match[]", 1, 1,
                                "a plain selector is expected");
    *ret_node = node;
    return ERR_OK;
}

char *
wire_promql_message(const struct base_note *note, char *to, size_t size)
{
    snprintf(to, size, "%u:%u: parse error: %s", note->line, note->column,
             note->text);
    return to;
}

char *
wire_promql_feature(const struct wire_promql_node *node, char *to, size_t size)
{
    char name[64];
    base_bytes_string(node->text, name, sizeof name);
    switch (node->kind) {
    case WIRE_PROMQL_CALL:
        snprintf(to, size, "function %s()", name);
        break;
    case WIRE_PROMQL_AGGREGATE:
        snprintf(to, size, "aggregation %s", name);
        break;
    case WIRE_PROMQL_SUBQUERY:
        snprintf(to, size, "subqueries");
        break;
    case WIRE_PROMQL_UNARY:
    case WIRE_PROMQL_BINARY:
        snprintf(to, size, "operator %s on vectors",
                 wire_promql_op_text(node->op));
        break;
    case WIRE_PROMQL_NUMBER:
    case WIRE_PROMQL_TEXT_LITERAL:
    case WIRE_PROMQL_SELECTOR:
    case WIRE_PROMQL_PAREN:
        snprintf(to, size, "%s", wire_promql_type_text(node->type));
        break;
    }
    return to;
}
