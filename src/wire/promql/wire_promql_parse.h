/* wire_promql_parse.h -- what the two halves of the parser share.
 *
 * wire_promql_parse.c has tokens, refusals, literals, selectors and what may
 * stand behind them; wire_promql_expr.c has calls, operators and the way in.
 * The first error sticks in `failed`; after it nodes may be NULL. */
#ifndef WIRE_PROMQL_PARSE_H
#define WIRE_PROMQL_PARSE_H

#include "wire/promql/wire_promql.h"
#include "wire/promql/wire_promql_lex.h"

enum { WIRE_PROMQL_PARSE_NAMES = 64 }; /* matchers, labels of one list */

struct wire_promql_parse {
    struct base_arena *arena;
    struct base_note *note;
    struct wire_promql_lex lex;
    struct wire_promql_token token;
    enum err failed;
    unsigned depth;
};

void wire_promql_parse_fail(struct wire_promql_parse *p, enum err err,
                            uint32_t at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* where: "" or " in label matching, expected string". */
void wire_promql_parse_unexpected(struct wire_promql_parse *p,
                                  const char *where);
void wire_promql_parse_step(struct wire_promql_parse *p);
struct wire_promql_token
wire_promql_parse_peek(const struct wire_promql_parse *p);
bool wire_promql_parse_is(const struct wire_promql_parse *p, const char *sign);
/* A word that ignores case. */
bool wire_promql_parse_word(const struct wire_promql_token *token,
                            const char *word);
void wire_promql_parse_expect(struct wire_promql_parse *p, const char *sign,
                              const char *where);
void *wire_promql_parse_alloc(struct wire_promql_parse *p, size_t size);
struct wire_promql_node *wire_promql_parse_new(struct wire_promql_parse *p,
                                               enum wire_promql_kind kind,
                                               enum wire_promql_type type,
                                               uint32_t at);
void wire_promql_parse_args_set(struct wire_promql_parse *p,
                                struct wire_promql_node *node,
                                struct wire_promql_node *const *args,
                                uint32_t count);
struct bytes wire_promql_parse_string_value(struct wire_promql_parse *p,
                                            const char *where);
struct wire_promql_node *wire_promql_parse_number(struct wire_promql_parse *p);
struct wire_promql_node *wire_promql_parse_string(struct wire_promql_parse *p);
struct wire_promql_node *
wire_promql_parse_selector(struct wire_promql_parse *p);
/* Behind a node: [range] or [range:step], offset, @. */
struct wire_promql_node *
wire_promql_parse_brackets(struct wire_promql_parse *p,
                           struct wire_promql_node *inner);
void wire_promql_parse_offset(struct wire_promql_parse *p,
                              struct wire_promql_node *node);
void wire_promql_parse_at(struct wire_promql_parse *p,
                          struct wire_promql_node *node);

#endif
