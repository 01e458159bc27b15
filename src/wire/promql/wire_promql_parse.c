/* wire_promql_parse.c -- tokens, refusals, literals, selectors.
 *
 *   selector = name [ { matchers } ] | { matchers }
 *   behind a node: [range] | [range:step] | offset d | @ t
 *
 * One token is looked at; where a name may be many things (a metric called
 * sum), the lexer is copied and asked for the next one. */
#include "wire/promql/wire_promql_parse.h"

#include <math.h>
#include <stdio.h>

#include "base/base_mem.h"
#include "wire/promql/wire_promql_table.h"

enum { PARSE_MATCHERS = WIRE_PROMQL_PARSE_NAMES };

/* --- refusals --- */

__attribute__((format(printf, 4, 5))) void
wire_promql_parse_fail(struct wire_promql_parse *p, enum err err, uint32_t at,
                       const char *fmt, ...)
{
    if (p->failed != ERR_OK)
        return;
    p->failed = err;
    uint32_t line = 1, column = 1;
    for (size_t i = 0; i < at && i < p->lex.text.size; i++) {
        column++;
        if (p->lex.text.at[i] == '\n') {
            line++;
            column = 1;
        }
    }
    char text[sizeof p->note->text];
    va_list list;
    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    base_err_note_at(p->note, err, "query", line, column, "%s", text);
}

bool
wire_promql_parse_is(const struct wire_promql_parse *p, const char *sign)
{
    return p->token.kind == WIRE_PROMQL_SIGN &&
           base_bytes_is(p->token.text, sign);
}

/* A word that ignores case. */
bool
wire_promql_parse_word(const struct wire_promql_token *token, const char *word)
{
    return token->kind == WIRE_PROMQL_IDENT &&
           base_bytes_equal_folded(token->text, base_bytes_text(word));
}

/* What the token is, as Prometheus says it. */
static void
parse_describe(const struct wire_promql_token *token, char *to, size_t size)
{
    static const char *const kinds[] = {
        [WIRE_PROMQL_IDENT] = "identifier ",
        [WIRE_PROMQL_NUM] = "number ",
        [WIRE_PROMQL_DURATION] = "duration ",
        [WIRE_PROMQL_STR] = "string ",
        [WIRE_PROMQL_SIGN] = "",
    };
    char text[64];
    base_bytes_string(token->text, text, sizeof text);
    if (token->kind == WIRE_PROMQL_END)
        snprintf(to, size, "end of input");
    else if (wire_promql_table_op(token->text))
        snprintf(to, size, "<op:%s>", text);
    else if (token->kind == WIRE_PROMQL_STR)
        snprintf(to, size, "string %s", text);
    else
        snprintf(to, size, "%s\"%s\"", kinds[token->kind], text);
}

/* where: "" or " in label matching, expected string". */
void
wire_promql_parse_unexpected(struct wire_promql_parse *p, const char *where)
{
    char what[96];
    if (p->token.kind == WIRE_PROMQL_BAD) {
        wire_promql_parse_fail(p, ERR_SYNTAX, p->token.at, "%s", p->lex.why);
        return;
    }
    parse_describe(&p->token, what, sizeof what);
    wire_promql_parse_fail(p, ERR_SYNTAX, p->token.at, "unexpected %s%s", what,
                           where);
}

/* --- moving on --- */

void
wire_promql_parse_step(struct wire_promql_parse *p)
{
    p->token = wire_promql_lex_next(&p->lex);
}

struct wire_promql_token
wire_promql_parse_peek(const struct wire_promql_parse *p)
{
    struct wire_promql_lex lex = p->lex;
    return wire_promql_lex_next(&lex);
}

static bool
parse_accept(struct wire_promql_parse *p, const char *sign)
{
    if (!wire_promql_parse_is(p, sign))
        return false;
    wire_promql_parse_step(p);
    return true;
}

void
wire_promql_parse_expect(struct wire_promql_parse *p, const char *sign,
                         const char *where)
{
    if (!parse_accept(p, sign))
        wire_promql_parse_unexpected(p, where);
}

void *
wire_promql_parse_alloc(struct wire_promql_parse *p, size_t size)
{
    void *at = base_arena_alloc(p->arena, size);
    if (!at)
        wire_promql_parse_fail(p, ERR_LIMIT, p->token.at, "query is too big");
    return at;
}

struct wire_promql_node *
wire_promql_parse_new(struct wire_promql_parse *p, enum wire_promql_kind kind,
                      enum wire_promql_type type, uint32_t at)
{
    struct wire_promql_node *node = wire_promql_parse_alloc(p, sizeof *node);
    if (!node)
        return NULL;
    node->kind = kind;
    node->type = type;
    node->at = at;
    node->depth = 1;
    return node;
}

void
wire_promql_parse_args_set(struct wire_promql_parse *p,
                           struct wire_promql_node *node,
                           struct wire_promql_node *const *args, uint32_t count)
{
    const struct wire_promql_node **to =
        wire_promql_parse_alloc(p, count * sizeof *to);
    if (!to)
        return;
    for (uint32_t i = 0; i < count; i++) {
        to[i] = args[i];
        if (args[i]->depth >= node->depth)
            node->depth = args[i]->depth + 1;
    }
    if (node->depth > WIRE_PROMQL_DEPTH)
        wire_promql_parse_fail(p, ERR_LIMIT, node->at,
                               "query is nested deeper than %d",
                               WIRE_PROMQL_DEPTH);
    node->args = to;
    node->arg_count = count;
}

/* --- literals --- */

static double
parse_number_value(struct wire_promql_parse *p)
{
    double value = 0;
    if (p->token.kind != WIRE_PROMQL_NUM &&
        p->token.kind != WIRE_PROMQL_DURATION)
        wire_promql_parse_unexpected(p, ", expected number or duration");
    else if (wire_promql_lex_number(&p->token, &value) != ERR_OK)
        wire_promql_parse_fail(p, ERR_SYNTAX, p->token.at,
                               "bad number or duration syntax");
    wire_promql_parse_step(p);
    return value;
}

struct wire_promql_node *
wire_promql_parse_number(struct wire_promql_parse *p)
{
    struct wire_promql_node *node = wire_promql_parse_new(
        p, WIRE_PROMQL_NUMBER, WIRE_PROMQL_SCALAR, p->token.at);
    double value = parse_number_value(p);
    if (node)
        node->number = value;
    return node;
}

struct bytes
wire_promql_parse_string_value(struct wire_promql_parse *p, const char *where)
{
    struct bytes text = {NULL, 0};
    if (p->token.kind != WIRE_PROMQL_STR) {
        wire_promql_parse_unexpected(p, where);
        return text;
    }
    enum err err = wire_promql_lex_string(&p->token, p->arena, &text);
    if (err != ERR_OK)
        wire_promql_parse_fail(p, err, p->token.at, "%s",
                               err == ERR_LIMIT
                                   ? "query is too big"
                                   : "unknown escape sequence in string");
    wire_promql_parse_step(p);
    return text;
}

struct wire_promql_node *
wire_promql_parse_string(struct wire_promql_parse *p)
{
    struct wire_promql_node *node = wire_promql_parse_new(
        p, WIRE_PROMQL_TEXT_LITERAL, WIRE_PROMQL_STRING, p->token.at);
    struct bytes text = wire_promql_parse_string_value(p, "");
    if (node)
        node->text = text;
    return node;
}

/* --- selectors --- */

static bool
parse_matcher_op(struct wire_promql_parse *p, uint8_t *ret_op)
{
    static const char *const signs[] = {"=", "!=", "=~", "!~"};
    for (unsigned i = 0; i < BASE_COUNT(signs); i++)
        if (parse_accept(p, signs[i])) {
            *ret_op = (uint8_t)i;
            return true;
        }
    return false;
}

static void
parse_metric_set(struct wire_promql_parse *p, struct wire_promql_node *node,
                 struct bytes name, uint32_t at)
{
    if (node->text.size > 0)
        wire_promql_parse_fail(p, ERR_SYNTAX, at,
                               "metric name must not be set twice");
    node->text = name;
}

/* name op "value", or "metric name" alone. */
static void
parse_matcher(struct wire_promql_parse *p, struct wire_promql_node *node,
              struct wire_promql_matcher *matcher, uint32_t *count)
{
    uint32_t at = p->token.at;
    bool quoted = p->token.kind == WIRE_PROMQL_STR;
    if (quoted) {
        matcher->name = wire_promql_parse_string_value(p, "");
    } else if (p->token.kind == WIRE_PROMQL_IDENT &&
               base_bytes_find(p->token.text, ':') == p->token.text.size) {
        matcher->name = p->token.text;
        wire_promql_parse_step(p);
    } else {
        bool end = p->token.kind == WIRE_PROMQL_END;
        wire_promql_parse_unexpected(
            p, end ? " inside braces"
                   : " in label matching, expected identifier or \"}\"");
        return;
    }
    if (!parse_matcher_op(p, &matcher->op)) {
        if (quoted &&
            (wire_promql_parse_is(p, ",") || wire_promql_parse_is(p, "}")))
            parse_metric_set(p, node, matcher->name, at);
        else
            wire_promql_parse_unexpected(
                p, " in label matching, expected label matching "
                   "operator");
        return;
    }
    matcher->value = wire_promql_parse_string_value(
        p, " in label matching, expected string");
    if (node->text.size > 0 && base_bytes_is(matcher->name, "__name__"))
        wire_promql_parse_fail(p, ERR_SYNTAX, at,
                               "metric name must not be set twice");
    ++*count;
}

/* Does some matcher refuse the empty value?  A regular expression may: the
 * evaluator, which has them, looks again. */
static bool
parse_selective(const struct wire_promql_node *node)
{
    for (uint32_t i = 0; i < node->matcher_count; i++) {
        const struct wire_promql_matcher *m = &node->matchers[i];
        if (m->op > 1 || (m->op == 0) == (m->value.size > 0))
            return true;
    }
    return false;
}

static void
parse_braces(struct wire_promql_parse *p, struct wire_promql_node *node)
{
    struct wire_promql_matcher matchers[PARSE_MATCHERS + 1] = {0};
    uint32_t count = 0;
    if (parse_accept(p, "{")) {
        while (p->failed == ERR_OK && !wire_promql_parse_is(p, "}")) {
            if (count == PARSE_MATCHERS)
                wire_promql_parse_fail(p, ERR_LIMIT, p->token.at,
                                       "too many matchers");
            else
                parse_matcher(p, node, &matchers[count], &count);
            if (!wire_promql_parse_is(p, "}"))
                wire_promql_parse_expect(
                    p, ",",
                    " in label matching, expected \",\" or "
                    "\"}\"");
        }
        wire_promql_parse_expect(p, "}", " inside braces");
    }
    if (node->text.size > 0) {
        matchers[count].name = base_bytes_text("__name__");
        matchers[count].value = node->text;
        matchers[count++].op = 0;
    }
    struct wire_promql_matcher *to =
        wire_promql_parse_alloc(p, count * sizeof *to);
    if (!to)
        return;
    if (count > 0)
        memcpy(to, matchers, count * sizeof *to);
    node->matchers = to;
    node->matcher_count = count;
    if (!parse_selective(node))
        wire_promql_parse_fail(
            p, ERR_SYNTAX, node->at,
            "vector selector must contain at least one non-empty "
            "matcher");
}

struct wire_promql_node *
wire_promql_parse_selector(struct wire_promql_parse *p)
{
    struct wire_promql_node *node = wire_promql_parse_new(
        p, WIRE_PROMQL_SELECTOR, WIRE_PROMQL_VECTOR, p->token.at);
    if (!node)
        return NULL;
    if (p->token.kind == WIRE_PROMQL_IDENT) {
        node->text = p->token.text;
        wire_promql_parse_step(p);
    }
    parse_braces(p, node);
    return node;
}

/* --- [range], offset, @ --- */

static int64_t
parse_ms(struct wire_promql_parse *p, double seconds, uint32_t at)
{
    if (!(fabs(seconds) < 9e12)) {
        wire_promql_parse_fail(p, ERR_RANGE, at, "duration out of range");
        return 0;
    }
    return (int64_t)round(seconds * 1000);
}

static int64_t
parse_span(struct wire_promql_parse *p)
{
    uint32_t at = p->token.at;
    if (p->token.kind == WIRE_PROMQL_IDENT || wire_promql_parse_is(p, "(") ||
        wire_promql_parse_is(p, "-") || wire_promql_parse_is(p, "+")) {
        wire_promql_parse_fail(p, ERR_UNSUPPORTED, at,
                               "duration expressions are not supported");
        return 0;
    }
    int64_t ms = parse_ms(p, parse_number_value(p), at);
    if (ms <= 0)
        wire_promql_parse_fail(p, ERR_SYNTAX, at,
                               "duration must be greater than 0");
    if (p->token.kind == WIRE_PROMQL_SIGN &&
        wire_promql_table_op(p->token.text))
        wire_promql_parse_fail(p, ERR_UNSUPPORTED, p->token.at,
                               "duration expressions are not supported");
    return ms;
}

struct wire_promql_node *
wire_promql_parse_brackets(struct wire_promql_parse *p,
                           struct wire_promql_node *inner)
{
    uint32_t at = p->token.at;
    wire_promql_parse_step(p);
    int64_t range = parse_span(p), step = 0;
    if (parse_accept(p, "]")) {
        if (inner &&
            (inner->kind != WIRE_PROMQL_SELECTOR || inner->time.range_ms > 0))
            wire_promql_parse_fail(p, ERR_SYNTAX, at,
                                   "ranges only allowed for vector selectors");
        else if (inner && (inner->time.offset_set || inner->time.at))
            wire_promql_parse_fail(
                p, ERR_SYNTAX, at,
                "no offset or @ modifiers allowed before range");
        if (!inner || p->failed != ERR_OK)
            return NULL;
        inner->time.range_ms = range;
        inner->type = WIRE_PROMQL_MATRIX;
        return inner;
    }
    wire_promql_parse_expect(p, ":", ", expected \":\" or \"]\"");
    if (!wire_promql_parse_is(p, "]"))
        step = parse_span(p);
    wire_promql_parse_expect(p, "]", " in subquery selector, expected \"]\"");
    if (inner && inner->type != WIRE_PROMQL_VECTOR)
        wire_promql_parse_fail(
            p, ERR_SYNTAX, inner->at,
            "subquery is only allowed on instant vector, got %s instead",
            wire_promql_type_text(inner->type));
    if (!inner || p->failed != ERR_OK)
        return NULL;
    struct wire_promql_node *node = wire_promql_parse_new(
        p, WIRE_PROMQL_SUBQUERY, WIRE_PROMQL_MATRIX, inner->at);
    if (!node)
        return NULL;
    node->time.range_ms = range;
    node->time.step_ms = step;
    wire_promql_parse_args_set(p, node, &inner, 1);
    return node;
}

static double
parse_signed(struct wire_promql_parse *p)
{
    bool minus = wire_promql_parse_is(p, "-");
    if (minus || wire_promql_parse_is(p, "+"))
        wire_promql_parse_step(p);
    double value = parse_number_value(p);
    return minus ? -value : value;
}

static bool
parse_timed(struct wire_promql_parse *p, struct wire_promql_node *node,
            uint32_t at, const char *what)
{
    if (p->failed != ERR_OK || !node)
        return false;
    if (node->kind == WIRE_PROMQL_SELECTOR ||
        node->kind == WIRE_PROMQL_SUBQUERY)
        return true;
    wire_promql_parse_fail(
        p, ERR_SYNTAX, at,
        "%s must be preceded by an instant vector selector or range "
        "vector selector or a subquery",
        what);
    return false;
}

void
wire_promql_parse_offset(struct wire_promql_parse *p,
                         struct wire_promql_node *node)
{
    uint32_t at = p->token.at;
    wire_promql_parse_step(p);
    if (!parse_timed(p, node, at, "offset modifier"))
        return;
    if (node->time.offset_set)
        wire_promql_parse_fail(p, ERR_SYNTAX, at,
                               "offset may not be set multiple times");
    if (wire_promql_parse_is(p, "(")) {
        wire_promql_parse_fail(p, ERR_UNSUPPORTED, p->token.at,
                               "duration expressions are not supported");
        return;
    }
    node->time.offset_ms = parse_ms(p, parse_signed(p), at);
    node->time.offset_set = true;
}

void
wire_promql_parse_at(struct wire_promql_parse *p, struct wire_promql_node *node)
{
    uint32_t at = p->token.at;
    wire_promql_parse_step(p);
    if (!parse_timed(p, node, at, "@ modifier"))
        return;
    if (node->time.at != WIRE_PROMQL_AT_NONE)
        wire_promql_parse_fail(p, ERR_SYNTAX, at,
                               "@ <timestamp> may not be set multiple times");
    bool start = wire_promql_parse_word(&p->token, "start");
    if (start || wire_promql_parse_word(&p->token, "end")) {
        wire_promql_parse_step(p);
        wire_promql_parse_expect(p, "(", " in @, expected \"(\"");
        wire_promql_parse_expect(p, ")", " in @, expected \")\"");
        node->time.at = start ? WIRE_PROMQL_AT_START : WIRE_PROMQL_AT_END;
        return;
    }
    node->time.at_ms = parse_ms(p, parse_signed(p), at);
    node->time.at = WIRE_PROMQL_AT_TIME;
}
