/* wire_promql_lex.h -- PromQL's words.  For wire_promql_parse.c only.
 *
 * Shape    a token is where its text stands and what it is; keywords are
 *          identifiers until the parser asks (a metric may be called `sum`).
 * Errors   a token of kind BAD; lex->why says it. */
#ifndef WIRE_PROMQL_LEX_H
#define WIRE_PROMQL_LEX_H

#include "base/base_arena.h"

enum wire_promql_token_kind {
    WIRE_PROMQL_END,
    WIRE_PROMQL_BAD,
    WIRE_PROMQL_IDENT,    /* may hold ':' */
    WIRE_PROMQL_NUM,      /* 1, 1e3, 0x1F, 1_000 */
    WIRE_PROMQL_DURATION, /* 1h30m */
    WIRE_PROMQL_STR,
    WIRE_PROMQL_SIGN, /* one of ( ) { } [ ] , : @ = != =~ !~ == < <= ... */
};

struct wire_promql_token {
    enum wire_promql_token_kind kind;
    struct bytes text;
    uint32_t at;
};

struct wire_promql_lex {
    struct bytes text;
    size_t at;
    const char *why; /* of a BAD token */
};

void wire_promql_lex_init(struct wire_promql_lex *lex, struct bytes text);
struct wire_promql_token wire_promql_lex_next(struct wire_promql_lex *lex);
/* Value of a NUM or DURATION token (seconds); SYNTAX, RANGE. */
enum err wire_promql_lex_number(const struct wire_promql_token *token,
                                double *ret_value);
/* Contents of a STR token; SYNTAX an unknown escape, LIMIT. */
enum err wire_promql_lex_string(const struct wire_promql_token *token,
                                struct base_arena *arena,
                                struct bytes *ret_text);

#endif
