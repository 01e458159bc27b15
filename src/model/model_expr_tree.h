/* model_expr_tree.h -- the tree of an expression, inside model_expr*.c.
 *
 * One table row per operation: how it is written, how it binds, what it takes
 * and gives.  Parser, checker, unit checker and canonical text read it. */
#ifndef MODEL_EXPR_TREE_H
#define MODEL_EXPR_TREE_H

#include "model/model_expr.h"

enum { MODEL_EXPR_NODES = 256, MODEL_EXPR_DEPTH = 32, MODEL_EXPR_SIZE = 16384 };

enum model_expr_op {
    /* leaves */
    MODEL_EXPR_OP_NUMBER,
    MODEL_EXPR_OP_TEXT,
    MODEL_EXPR_OP_TRUTH,
    MODEL_EXPR_OP_NAME,
    MODEL_EXPR_OP_LIST, /* right of `in` only */
    /* prefix */
    MODEL_EXPR_OP_NEGATE,
    MODEL_EXPR_OP_NOT,
    /* between two */
    MODEL_EXPR_OP_OR,
    MODEL_EXPR_OP_AND,
    MODEL_EXPR_OP_LESS,
    MODEL_EXPR_OP_LESS_EQUAL,
    MODEL_EXPR_OP_MORE,
    MODEL_EXPR_OP_MORE_EQUAL,
    MODEL_EXPR_OP_EQUAL,
    MODEL_EXPR_OP_UNEQUAL,
    MODEL_EXPR_OP_IN,
    MODEL_EXPR_OP_ADD,
    MODEL_EXPR_OP_SUB,
    MODEL_EXPR_OP_MUL,
    MODEL_EXPR_OP_DIV,
    MODEL_EXPR_OP_MOD,
    /* of three */
    MODEL_EXPR_OP_CHOOSE,
    /* functions */
    MODEL_EXPR_OP_HAS,
    MODEL_EXPR_OP_ABS,
    MODEL_EXPR_OP_MIN,
    MODEL_EXPR_OP_MAX,
    MODEL_EXPR_OP_ROUND,
    MODEL_EXPR_OP_FLOOR,
    MODEL_EXPR_OP_CEIL,
    MODEL_EXPR_OP_SIZE,
    MODEL_EXPR_OP_STARTS,
    MODEL_EXPR_OP_FLAG,
    MODEL_EXPR_OP_DAYS, /* not yet */
    MODEL_EXPR_OPS
};

enum model_expr_form {
    MODEL_EXPR_LEAF,
    MODEL_EXPR_PREFIX,
    MODEL_EXPR_BETWEEN,
    MODEL_EXPR_CHOICE,
    MODEL_EXPR_CALL,
    MODEL_EXPR_CALL_LATER,
};

enum model_expr_takes {
    MODEL_EXPR_TAKES_NUM,
    MODEL_EXPR_TAKES_BOOL,
    MODEL_EXPR_TAKES_STRING,
    MODEL_EXPR_TAKES_ORDERED, /* both num or both string */
    MODEL_EXPR_TAKES_SAME,    /* both of one type */
    MODEL_EXPR_TAKES_OWN,     /* its own rule */
};

enum { MODEL_EXPR_LEVEL_RELATION = 3 };

struct model_expr_row {
    const char *text;
    enum model_expr_form form;
    uint8_t level;       /* BETWEEN: binds tighter than lower ones */
    uint8_t least, most; /* CALL: arguments */
    enum model_expr_takes takes;
    enum model_expr_type gives;
};

extern const struct model_expr_row model_expr_rows[MODEL_EXPR_OPS];

struct model_expr_node {
    enum model_expr_op op;
    enum model_expr_type type;
    uint32_t line, column;
    uint32_t slot;                        /* NAME */
    bool truth;                           /* TRUTH */
    struct dec num;                       /* NUMBER */
    struct bytes text;                    /* NAME, TEXT */
    struct model_expr_node *first, *next; /* operands, in order */
};

struct model_expr {
    struct model_expr_node *root;
    unsigned node_count;
};

/* Text to tree, names and types not looked at. */
enum err model_expr_parse(struct base_arena *arena, struct bytes text,
                          struct model_expr *ret_expr, struct base_note *note);

#endif
