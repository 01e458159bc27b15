/* model_expr_eval.c -- the value of a checked expression.
 *
 * Errors are values: each operation looks at its operands' err first, and only
 * && || ?: has() treat one as an answer.  The tree has at most 256 nodes, so
 * recursion is bounded. */
#include "model/model_expr_tree.h"

struct expr_eval {
    struct model_expr_value (*lookup)(void *self, uint32_t slot);
    void *self;
};

static struct model_expr_value expr_value(const struct expr_eval *eval,
                                          const struct model_expr_node *node);

static struct model_expr_value
expr_error(enum err err)
{
    return (struct model_expr_value){.err = err};
}

static struct model_expr_value
expr_truth(bool truth)
{
    return (struct model_expr_value){.type = MODEL_EXPR_BOOL, .truth = truth};
}

static struct model_expr_value
expr_num(struct dec num)
{
    return (struct model_expr_value){.type = MODEL_EXPR_NUM, .num = num};
}

/* && and ||: `rules` is the truth that settles it, false for &&, true for ||;
 * it settles it even beside an error, on either side. */
static struct model_expr_value
expr_logic(const struct expr_eval *eval, const struct model_expr_node *node,
           bool rules)
{
    struct model_expr_value a = expr_value(eval, node->first);
    if (a.err == ERR_OK && a.truth == rules)
        return a;
    struct model_expr_value b = expr_value(eval, node->first->next);
    if (b.err == ERR_OK && b.truth == rules)
        return b;
    return a.err != ERR_OK ? a : b;
}

/* <0, 0, >0 of two values of one type */
static int
expr_order(const struct model_expr_value *a, const struct model_expr_value *b)
{
    if (a->type == MODEL_EXPR_NUM)
        return base_dec_compare(a->num, b->num);
    if (a->type == MODEL_EXPR_STRING)
        return base_bytes_compare(a->string, b->string);
    return (int)a->truth - (int)b->truth;
}

static bool
expr_relation(enum model_expr_op op, int order)
{
    bool less = op == MODEL_EXPR_OP_LESS || op == MODEL_EXPR_OP_LESS_EQUAL ||
                op == MODEL_EXPR_OP_UNEQUAL;
    bool more = op == MODEL_EXPR_OP_MORE || op == MODEL_EXPR_OP_MORE_EQUAL ||
                op == MODEL_EXPR_OP_UNEQUAL;
    bool same = op == MODEL_EXPR_OP_LESS_EQUAL ||
                op == MODEL_EXPR_OP_MORE_EQUAL || op == MODEL_EXPR_OP_EQUAL;
    return order < 0 ? less : order > 0 ? more : same;
}

static struct model_expr_value
expr_in(const struct expr_eval *eval, const struct model_expr_node *node)
{
    struct model_expr_value value = expr_value(eval, node->first);
    const struct model_expr_node *item = node->first->next->first;
    if (value.err != ERR_OK)
        return value;
    for (; item; item = item->next) {
        struct model_expr_value one = expr_value(eval, item);
        if (expr_order(&value, &one) == 0)
            return expr_truth(true);
    }
    return expr_truth(false);
}

typedef enum err expr_arithmetic(struct dec a, struct dec b,
                                 struct dec *ret_value);

static struct model_expr_value
expr_between(const struct expr_eval *eval, const struct model_expr_node *node)
{
    static expr_arithmetic *const functions[MODEL_EXPR_OPS] = {
        [MODEL_EXPR_OP_ADD] = base_dec_add, [MODEL_EXPR_OP_SUB] = base_dec_sub,
        [MODEL_EXPR_OP_MUL] = base_dec_mul, [MODEL_EXPR_OP_DIV] = base_dec_div,
        [MODEL_EXPR_OP_MOD] = base_dec_mod,
    };
    struct model_expr_value a = expr_value(eval, node->first), b, value;
    if (a.err != ERR_OK)
        return a;
    b = expr_value(eval, node->first->next);
    if (b.err != ERR_OK)
        return b;
    if (!functions[node->op])
        return expr_truth(expr_relation(node->op, expr_order(&a, &b)));
    value = expr_num(a.num);
    value.err = functions[node->op](a.num, b.num, &value.num);
    return value;
}

static struct model_expr_value
expr_extreme(const struct expr_eval *eval, const struct model_expr_node *node)
{
    int sign = node->op == MODEL_EXPR_OP_MIN ? 1 : -1;
    struct model_expr_value best = expr_value(eval, node->first);
    const struct model_expr_node *item = node->first->next;
    for (; item && best.err == ERR_OK; item = item->next) {
        struct model_expr_value one = expr_value(eval, item);
        if (one.err != ERR_OK || base_dec_compare(one.num, best.num) * sign < 0)
            best = one;
    }
    return best;
}

static size_t
expr_characters(struct bytes text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++)
        count += (text.at[i] & 0xc0) != 0x80;
    return count;
}

/* Operations of one evaluated operand. */
static struct model_expr_value
expr_one(const struct expr_eval *eval, const struct model_expr_node *node)
{
    struct model_expr_value a = expr_value(eval, node->first);
    struct dec zero = {0};
    bool minus = node->op == MODEL_EXPR_OP_NEGATE;
    if (a.err != ERR_OK)
        return a;
    if (node->op == MODEL_EXPR_OP_ABS)
        minus = base_dec_compare(a.num, zero) < 0;
    if (node->op == MODEL_EXPR_OP_NOT)
        a.truth = !a.truth;
    else if (minus)
        a.err = base_dec_sub(zero, a.num, &a.num);
    else if (node->op == MODEL_EXPR_OP_ROUND)
        a.num = base_dec_round(a.num, 0, BASE_DEC_HALF_AWAY);
    else if (node->op == MODEL_EXPR_OP_FLOOR)
        a.num = base_dec_round(a.num, 0, BASE_DEC_FLOOR);
    else if (node->op == MODEL_EXPR_OP_CEIL)
        a.num = base_dec_round(a.num, 0, BASE_DEC_CEIL);
    return a;
}

static struct model_expr_value
expr_leaf(const struct expr_eval *eval, const struct model_expr_node *node)
{
    struct model_expr_value value = {.type = node->type};
    if (node->op == MODEL_EXPR_OP_NAME)
        return eval->lookup(eval->self, node->slot);
    value.num = node->num;
    value.truth = node->truth;
    value.string = node->text;
    return value;
}

static bool
expr_has_flag(struct bytes flags, struct bytes flag)
{
    while (flags.size > 0) {
        size_t bar = base_bytes_find(flags, '|');
        if (base_bytes_equal(base_bytes(flags.at, bar), flag))
            return true;
        flags = base_bytes_slice(flags, bar + 1, flags.size);
    }
    return false;
}

static struct model_expr_value
expr_text_function(const struct expr_eval *eval,
                   const struct model_expr_node *node)
{
    struct model_expr_value a = expr_value(eval, node->first), b;
    if (a.err != ERR_OK)
        return a;
    if (node->op == MODEL_EXPR_OP_SIZE) {
        struct model_expr_value size = expr_num((struct dec){0});
        size.err =
            base_dec_from((__int128)expr_characters(a.string), 0, &size.num);
        return size;
    }
    b = expr_value(eval, node->first->next);
    if (b.err != ERR_OK)
        return b;
    return expr_truth(node->op == MODEL_EXPR_OP_FLAG
                          ? expr_has_flag(a.flags, b.string)
                          : base_bytes_starts(a.string, b.string));
}

static struct model_expr_value
expr_value(const struct expr_eval *eval, const struct model_expr_node *node)
{
    const struct model_expr_node *first = node->first;
    struct model_expr_value a;
    switch (model_expr_rows[node->op].form) {
    case MODEL_EXPR_LEAF:
        return expr_leaf(eval, node);
    case MODEL_EXPR_PREFIX:
        return expr_one(eval, node);
    case MODEL_EXPR_BETWEEN:
        if (node->op == MODEL_EXPR_OP_AND || node->op == MODEL_EXPR_OP_OR)
            return expr_logic(eval, node, node->op == MODEL_EXPR_OP_OR);
        return node->op == MODEL_EXPR_OP_IN ? expr_in(eval, node)
                                            : expr_between(eval, node);
    case MODEL_EXPR_CHOICE:
        a = expr_value(eval, first);
        if (a.err != ERR_OK)
            return a;
        return expr_value(eval, a.truth ? first->next : first->next->next);
    case MODEL_EXPR_CALL:
    case MODEL_EXPR_CALL_LATER:
        break;
    }
    if (node->op == MODEL_EXPR_OP_HAS)
        return expr_truth(expr_value(eval, first).err == ERR_OK);
    if (node->op == MODEL_EXPR_OP_MIN || node->op == MODEL_EXPR_OP_MAX)
        return expr_extreme(eval, node);
    if (node->op == MODEL_EXPR_OP_SIZE || node->op == MODEL_EXPR_OP_STARTS ||
        node->op == MODEL_EXPR_OP_FLAG)
        return expr_text_function(eval, node);
    if (node->op == MODEL_EXPR_OP_DAYS)
        return expr_error(ERR_UNSUPPORTED); /* not compiled */
    return expr_one(eval, node);
}

void
model_expr_eval(const struct model_expr *expr,
                struct model_expr_value (*lookup)(void *self, uint32_t slot),
                void *self, struct model_expr_value *ret_value)
{
    struct expr_eval eval = {lookup, self};
    *ret_value = expr_value(&eval, expr->root);
}
