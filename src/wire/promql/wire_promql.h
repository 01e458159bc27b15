/* wire_promql.h -- PromQL text -> a checked tree.
 *
 * Why: the reading of a query must not depend on who evaluates how much of it.
 * The whole language is parsed and typed here; what an evaluator does not do
 * yet it refuses itself, naming the feature (wire_promql_feature).
 *
 * Shape    lexer (wire_promql_lex) -> precedence climbing over one operator
 *          table -> nodes in the caller's arena.  Strings and names that needed
 *          no unescaping point into the text.
 * Limits   text 64 KiB, depth 256; the arena.
 * Errors   SYNTAX, LIMIT, UNSUPPORTED; note->text is "parse error: ...", with
 *          note->line and ->column, as Prometheus words them:
 *          "L:C: parse error: ..." (wire_promql_message).
 * Refused  duration expressions ([1m * 2]), native histograms, info(),
 *          smoothed, anchored, fill modifiers: with their names.
 * Source   spec store 9; Prometheus 3, promql/parser. */
#ifndef WIRE_PROMQL_H
#define WIRE_PROMQL_H

#include "base/base_arena.h"

enum { WIRE_PROMQL_TEXT = 65536, WIRE_PROMQL_DEPTH = 256 };

enum wire_promql_type {
    WIRE_PROMQL_SCALAR,
    WIRE_PROMQL_STRING,
    WIRE_PROMQL_VECTOR,
    WIRE_PROMQL_MATRIX,
};

enum wire_promql_kind {
    WIRE_PROMQL_NUMBER,
    WIRE_PROMQL_TEXT_LITERAL,
    WIRE_PROMQL_SELECTOR, /* with range_ms > 0: a range selector */
    WIRE_PROMQL_SUBQUERY,
    WIRE_PROMQL_CALL,
    WIRE_PROMQL_AGGREGATE,
    WIRE_PROMQL_UNARY,
    WIRE_PROMQL_BINARY,
    WIRE_PROMQL_PAREN,
};

enum wire_promql_op {
    WIRE_PROMQL_ADD,
    WIRE_PROMQL_SUB,
    WIRE_PROMQL_MUL,
    WIRE_PROMQL_DIV,
    WIRE_PROMQL_MOD,
    WIRE_PROMQL_POW,
    WIRE_PROMQL_ATAN2,
    WIRE_PROMQL_EQ,
    WIRE_PROMQL_NE,
    WIRE_PROMQL_LT,
    WIRE_PROMQL_LE,
    WIRE_PROMQL_GT,
    WIRE_PROMQL_GE,
    WIRE_PROMQL_AND,
    WIRE_PROMQL_UNLESS,
    WIRE_PROMQL_OR,
};

enum wire_promql_at { /* the @ modifier */
                      WIRE_PROMQL_AT_NONE,
                      WIRE_PROMQL_AT_TIME,
                      WIRE_PROMQL_AT_START,
                      WIRE_PROMQL_AT_END,
};

struct wire_promql_matcher {
    struct bytes name, value;
    uint8_t op; /* as in model_label.h: 0 = 1 != 2 =~ 3 !~ */
};

struct wire_promql_names { /* a list of labels */
    const struct bytes *at;
    uint32_t count;
};

struct wire_promql_node;

/* What selectors and subqueries have in common. */
struct wire_promql_time {
    int64_t range_ms; /* 0: none */
    int64_t step_ms;  /* subquery; 0: the default */
    int64_t offset_ms;
    enum wire_promql_at at;
    int64_t at_ms;
    bool offset_set;
};

struct wire_promql_node {
    enum wire_promql_kind kind;
    enum wire_promql_type type;
    uint32_t at;    /* byte offset in the text */
    uint32_t depth; /* 1 for a leaf, at most WIRE_PROMQL_DEPTH */
    double number;
    struct bytes
        text; /* literal; selector: the metric; call, aggregate: name */
    const struct wire_promql_matcher *matchers; /* with __name__ */
    uint32_t matcher_count;
    struct wire_promql_time time;
    enum wire_promql_op op; /* unary: ADD or SUB */
    bool bool_modifier;
    bool on, grouping, without; /* on(..), group_x(..), without(..) given */
    bool matching, left;        /* on or ignoring given; group_left */
    struct wire_promql_names match_names, group_names;
    const struct wire_promql_node *const *args; /* operands, arguments */
    uint32_t arg_count;
};

enum err wire_promql_parse(struct base_arena *arena, struct bytes text,
                           const struct wire_promql_node **ret_node,
                           struct base_note *note);
/* A selector alone, for match[]; SYNTAX for anything else. */
enum err wire_promql_selector(struct base_arena *arena, struct bytes text,
                              const struct wire_promql_node **ret_node,
                              struct base_note *note);
/* "L:C: parse error: ..." of a note that parse filled; to has size bytes. */
char *wire_promql_message(const struct base_note *note, char *to, size_t size);
/* What this node is, for "not supported yet": "function rate()". */
char *wire_promql_feature(const struct wire_promql_node *node, char *to,
                          size_t size);
const char *wire_promql_op_text(enum wire_promql_op op);
const char *wire_promql_type_text(enum wire_promql_type type);

#endif
