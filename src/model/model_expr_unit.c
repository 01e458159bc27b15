/* model_expr_unit.c -- do the units of an expression fit together?
 *
 * A pass of its own over a checked tree.  A value's unit is known, or free: the
 * literal 0, and what is made of it, fits any.  Factors count too: a name's
 * value is in the unit it was declared in, so kW.h + W.h is refused. */
#include "model/model_expr_tree.h"
#include "model/model_unit.h"

struct expr_units {
    const struct model_unit *(*of)(void *self, uint32_t slot);
    void *self;
    struct base_note *note;
    enum err failed;
};

struct expr_unit { /* free: of any unit */
    bool free;
    struct model_unit unit;
};

static void expr_unit(struct expr_units *units,
                      const struct model_expr_node *node,
                      struct expr_unit *ret_unit);

static bool
expr_is_literal(const struct model_expr_node *node)
{
    if (node->op == MODEL_EXPR_OP_NEGATE)
        node = node->first;
    return node->op == MODEL_EXPR_OP_NUMBER;
}

/* One unit for both; `a` becomes it. */
static void
expr_unit_agree(struct expr_units *units, const struct model_expr_node *node,
                struct expr_unit *a, const struct expr_unit *b)
{
    char x[MODEL_UNIT_TEXT], y[MODEL_UNIT_TEXT];
    if (a->free)
        *a = *b;
    if (a->free || b->free || units->failed != ERR_OK ||
        model_unit_equal(&a->unit, &b->unit))
        return;
    units->failed = base_err_note_at(
        units->note, ERR_UNIT, "", node->line, node->column,
        "the units do not fit together: %s and %s",
        model_unit_name(&a->unit, x), model_unit_name(&b->unit, y));
}

/* All operands from `node` on have one unit; literals_fit: a literal is read
 * in the others' unit. */
static void
expr_unit_all(struct expr_units *units, const struct model_expr_node *node,
              bool literals_fit, struct expr_unit *ret_unit)
{
    *ret_unit = (struct expr_unit){.free = true, .unit = model_unit_one};
    for (; node; node = node->next) {
        struct expr_unit one;
        expr_unit(units, node, &one);
        if (!(literals_fit && expr_is_literal(node)))
            expr_unit_agree(units, node, ret_unit, &one);
    }
}

static void
expr_unit_product(struct expr_units *units, const struct model_expr_node *node,
                  struct expr_unit *ret_unit)
{
    struct expr_unit a, b;
    expr_unit(units, node->first, &a);
    expr_unit(units, node->first->next, &b);
    enum err err = model_unit_multiply(&a.unit, &b.unit,
                                       node->op == MODEL_EXPR_OP_MUL ? 1 : -1);
    if (err != ERR_OK && units->failed == ERR_OK)
        units->failed =
            base_err_note_at(units->note, ERR_UNIT, "", node->line,
                             node->column, "a unit beyond its range");
    a.free = a.free || (node->op == MODEL_EXPR_OP_MUL && b.free);
    *ret_unit = a;
}

static void
expr_unit(struct expr_units *units, const struct model_expr_node *node,
          struct expr_unit *ret_unit)
{
    const struct model_expr_node *first = node->first;
    struct expr_unit unused;
    *ret_unit = (struct expr_unit){.unit = model_unit_one};
    if (node->op == MODEL_EXPR_OP_NUMBER) {
        ret_unit->free = node->num.count == 0;
    } else if (node->op == MODEL_EXPR_OP_NAME) {
        if (node->type == MODEL_EXPR_NUM)
            ret_unit->unit = *units->of(units->self, node->slot);
    } else if (node->op == MODEL_EXPR_OP_MUL || node->op == MODEL_EXPR_OP_DIV) {
        expr_unit_product(units, node, ret_unit);
    } else if (node->op == MODEL_EXPR_OP_CHOOSE) {
        expr_unit(units, first, &unused);
        expr_unit_all(units, first->next, false, ret_unit);
    } else if (node->op == MODEL_EXPR_OP_IN) {
        expr_unit(units, first, &unused);
    } else if (node->type == MODEL_EXPR_BOOL ||
               node->op == MODEL_EXPR_OP_SIZE) {
        expr_unit_all(units, first, true, &unused);
    } else {
        expr_unit_all(units, first, false, ret_unit);
    }
}

enum err
model_expr_unit(const struct model_expr *expr,
                const struct model_unit *(*of)(void *self, uint32_t slot),
                void *self, struct model_unit *ret_unit, struct base_note *note)
{
    struct expr_units units = {.of = of, .self = self, .note = note};
    struct expr_unit unit;
    expr_unit(&units, expr->root, &unit);
    if (units.failed == ERR_OK)
        *ret_unit = unit.unit;
    return units.failed;
}
