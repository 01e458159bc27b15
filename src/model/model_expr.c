/* model_expr.c -- names, types and the canonical text of expressions. */
#include "base/base_mem.h"
#include "base/base_must.h"
#include "model/model_expr_tree.h"
#include "model/model_near.h"

/* Short words for the table. */
#define LEAF MODEL_EXPR_LEAF
#define PREFIX MODEL_EXPR_PREFIX
#define BETWEEN MODEL_EXPR_BETWEEN
#define CHOICE MODEL_EXPR_CHOICE
#define CALL MODEL_EXPR_CALL
#define LATER MODEL_EXPR_CALL_LATER
#define NUMS MODEL_EXPR_TAKES_NUM
#define BOOLS MODEL_EXPR_TAKES_BOOL
#define STRINGS MODEL_EXPR_TAKES_STRING
#define ORDERED MODEL_EXPR_TAKES_ORDERED
#define SAME MODEL_EXPR_TAKES_SAME
#define OWN MODEL_EXPR_TAKES_OWN
#define NUM MODEL_EXPR_NUM
#define BOOL MODEL_EXPR_BOOL
#define STRING MODEL_EXPR_STRING

/* clang-format off */
const struct model_expr_row model_expr_rows[MODEL_EXPR_OPS] = {
    /* text, form, level, least and most operands, takes, gives */
    [MODEL_EXPR_OP_NUMBER] = {NULL, LEAF, 0, 0, 0, OWN, NUM},
    [MODEL_EXPR_OP_TEXT] = {NULL, LEAF, 0, 0, 0, OWN, STRING},
    [MODEL_EXPR_OP_TRUTH] = {NULL, LEAF, 0, 0, 0, OWN, BOOL},
    [MODEL_EXPR_OP_NAME] = {NULL, LEAF, 0, 0, 0, OWN, NUM}, /* by the scope */
    [MODEL_EXPR_OP_LIST] = {NULL, LEAF, 0, 0, 0, OWN, MODEL_EXPR_LIST},
    [MODEL_EXPR_OP_NEGATE] = {"-", PREFIX, 0, 1, 1, NUMS, NUM},
    [MODEL_EXPR_OP_NOT] = {"!", PREFIX, 0, 1, 1, BOOLS, BOOL},
    [MODEL_EXPR_OP_OR] = {"||", BETWEEN, 1, 2, 2, BOOLS, BOOL},
    [MODEL_EXPR_OP_AND] = {"&&", BETWEEN, 2, 2, 2, BOOLS, BOOL},
    [MODEL_EXPR_OP_LESS] = {"<", BETWEEN, 3, 2, 2, ORDERED, BOOL},
    [MODEL_EXPR_OP_LESS_EQUAL] = {"<=", BETWEEN, 3, 2, 2, ORDERED, BOOL},
    [MODEL_EXPR_OP_MORE] = {">", BETWEEN, 3, 2, 2, ORDERED, BOOL},
    [MODEL_EXPR_OP_MORE_EQUAL] = {">=", BETWEEN, 3, 2, 2, ORDERED, BOOL},
    [MODEL_EXPR_OP_EQUAL] = {"==", BETWEEN, 3, 2, 2, SAME, BOOL},
    [MODEL_EXPR_OP_UNEQUAL] = {"!=", BETWEEN, 3, 2, 2, SAME, BOOL},
    [MODEL_EXPR_OP_IN] = {"in", BETWEEN, 3, 2, 2, OWN, BOOL},
    [MODEL_EXPR_OP_ADD] = {"+", BETWEEN, 4, 2, 2, NUMS, NUM},
    [MODEL_EXPR_OP_SUB] = {"-", BETWEEN, 4, 2, 2, NUMS, NUM},
    [MODEL_EXPR_OP_MUL] = {"*", BETWEEN, 5, 2, 2, NUMS, NUM},
    [MODEL_EXPR_OP_DIV] = {"/", BETWEEN, 5, 2, 2, NUMS, NUM},
    [MODEL_EXPR_OP_MOD] = {"%", BETWEEN, 5, 2, 2, NUMS, NUM},
    [MODEL_EXPR_OP_CHOOSE] = {"?", CHOICE, 0, 3, 3, OWN, NUM},
    [MODEL_EXPR_OP_HAS] = {"has", CALL, 0, 1, 1, OWN, BOOL},
    [MODEL_EXPR_OP_ABS] = {"abs", CALL, 0, 1, 1, NUMS, NUM},
    [MODEL_EXPR_OP_MIN] = {"min", CALL, 0, 1, 16, NUMS, NUM},
    [MODEL_EXPR_OP_MAX] = {"max", CALL, 0, 1, 16, NUMS, NUM},
    [MODEL_EXPR_OP_ROUND] = {"round", CALL, 0, 1, 1, NUMS, NUM},
    [MODEL_EXPR_OP_FLOOR] = {"floor", CALL, 0, 1, 1, NUMS, NUM},
    [MODEL_EXPR_OP_CEIL] = {"ceil", CALL, 0, 1, 1, NUMS, NUM},
    [MODEL_EXPR_OP_SIZE] = {"size", CALL, 0, 1, 1, STRINGS, NUM},
    [MODEL_EXPR_OP_STARTS] = {"startsWith", CALL, 0, 2, 2, STRINGS, BOOL},
    [MODEL_EXPR_OP_FLAG] = {"flag", CALL, 0, 2, 2, STRINGS, BOOL},
    [MODEL_EXPR_OP_DAYS] = {"days", LATER, 0, 1, 2, OWN, NUM},
};
/* clang-format on */

static const char *const expr_reserved[] = {
    "as",       "break",   "const",  "continue", "else", "false", "for",
    "function", "if",      "import", "in",       "let",  "loop",  "namespace",
    "null",     "package", "return", "true",     "var",  "void",  "while",
};

bool
model_expr_reserved(struct bytes name)
{
    for (unsigned i = 0; i < BASE_COUNT(expr_reserved); i++)
        if (base_bytes_is(name, expr_reserved[i]))
            return true;
    return false;
}

struct expr_checker {
    const struct model_expr_scope *scope;
    struct base_note *note;
    enum err failed;
};

static const char *
expr_type_text(enum model_expr_type type)
{
    static const char *const texts[] = {"a number", "a truth value", "a string",
                                        "a list"};
    return texts[type];
}

static void
expr_fail(struct expr_checker *checker, const struct model_expr_node *node,
          enum err code, const char *text, const char *more)
{
    if (checker->failed == ERR_OK)
        checker->failed = base_err_note_at(checker->note, code, "", node->line,
                                           node->column, "%s%s", text, more);
}

static void
expr_want_type(struct expr_checker *checker, const struct model_expr_node *node,
               enum model_expr_type want)
{
    if (node->type == want || checker->failed != ERR_OK)
        return;
    checker->failed =
        base_err_note_at(checker->note, ERR_TYPE, "", node->line, node->column,
                         "expected %s, found %s", expr_type_text(want),
                         expr_type_text(node->type));
}

static void
expr_check_name(struct expr_checker *checker, struct model_expr_node *node)
{
    struct model_near near;
    char text[64];
    model_near_init(&near, node->text);
    for (uint32_t i = 0; i < checker->scope->count; i++) {
        const struct model_expr_name *name = &checker->scope->names[i];
        model_near_offer(&near, name->name);
        if (!base_bytes_is(node->text, name->name))
            continue;
        node->slot = name->slot;
        node->type = name->type;
        return;
    }
    base_bytes_string(node->text, text, sizeof text);
    if (checker->failed == ERR_OK)
        checker->failed = base_err_note_at(
            checker->note, ERR_NAME, "", node->line, node->column,
            "unknown name %s%s", text, model_near_hint(&near));
}

/* The parser has seen to it that it is there. */
static struct model_expr_node *
expr_operand(const struct model_expr_node *node, unsigned index)
{
    struct model_expr_node *at = node->first;
    for (; at && index > 0; index--)
        at = at->next;
    must(at);
    return at;
}

/* x in [a, b]: literals of x's type. */
static void
expr_check_in(struct expr_checker *checker, const struct model_expr_node *node)
{
    const struct model_expr_node *left = expr_operand(node, 0);
    const struct model_expr_node *list = expr_operand(node, 1);
    if (list->op != MODEL_EXPR_OP_LIST)
        expr_fail(checker, list, ERR_TYPE, "expected a list right of in", "");
    for (const struct model_expr_node *item = list->first; item;
         item = item->next) {
        const struct model_expr_node *leaf =
            item->op == MODEL_EXPR_OP_NEGATE ? expr_operand(item, 0) : item;
        if (leaf->op > MODEL_EXPR_OP_TRUTH)
            expr_fail(checker, item, ERR_TYPE,
                      "a list holds literal values only", "");
        expr_want_type(checker, item, left->type);
    }
}

static void
expr_check_operands(struct expr_checker *checker,
                    const struct model_expr_node *node)
{
    static const enum model_expr_type wants[] = {
        [MODEL_EXPR_TAKES_NUM] = MODEL_EXPR_NUM,
        [MODEL_EXPR_TAKES_BOOL] = MODEL_EXPR_BOOL,
        [MODEL_EXPR_TAKES_STRING] = MODEL_EXPR_STRING,
    };
    enum model_expr_takes takes = model_expr_rows[node->op].takes;
    if (takes <= MODEL_EXPR_TAKES_STRING)
        for (const struct model_expr_node *item = node->first; item;
             item = item->next)
            expr_want_type(checker, item, wants[takes]);
    if (takes == MODEL_EXPR_TAKES_ORDERED || takes == MODEL_EXPR_TAKES_SAME) {
        const struct model_expr_node *first = expr_operand(node, 0);
        if (takes == MODEL_EXPR_TAKES_ORDERED && first->type == MODEL_EXPR_BOOL)
            expr_fail(checker, first, ERR_TYPE, "truth values have no order",
                      "");
        expr_want_type(checker, expr_operand(node, 1), first->type);
    }
    if (node->op == MODEL_EXPR_OP_IN)
        expr_check_in(checker, node);
    if (node->op == MODEL_EXPR_OP_HAS &&
        expr_operand(node, 0)->op != MODEL_EXPR_OP_NAME)
        expr_fail(checker, node->first, ERR_TYPE, "has() asks for a name", "");
    if (node->op == MODEL_EXPR_OP_FLAG &&
        (expr_operand(node, 0)->op != MODEL_EXPR_OP_NAME ||
         expr_operand(node, 1)->op != MODEL_EXPR_OP_TEXT))
        expr_fail(checker, node->first, ERR_TYPE,
                  "flag() takes a dim's name and a flag: flag(ind, 'hightech')",
                  "");
    if (node->op == MODEL_EXPR_OP_CHOOSE) {
        expr_want_type(checker, expr_operand(node, 0), MODEL_EXPR_BOOL);
        expr_want_type(checker, expr_operand(node, 2),
                       expr_operand(node, 1)->type);
    }
}

/* A list stands only right of `in`. */
static void
expr_check(struct expr_checker *checker, struct model_expr_node *node,
           bool list_fits)
{
    node->type = model_expr_rows[node->op].gives;
    if (node->op == MODEL_EXPR_OP_NAME)
        expr_check_name(checker, node);
    if (node->op == MODEL_EXPR_OP_LIST && !list_fits)
        expr_fail(checker, node, ERR_TYPE, "a list may stand only right of in",
                  "");
    for (struct model_expr_node *item = node->first; item; item = item->next)
        expr_check(checker, item,
                   node->op == MODEL_EXPR_OP_IN && item != node->first);
    if (node->op == MODEL_EXPR_OP_CHOOSE)
        node->type = expr_operand(node, 1)->type;
    if (checker->failed == ERR_OK)
        expr_check_operands(checker, node);
}

enum err
model_expr_compile(struct base_arena *arena, struct bytes text,
                   const struct model_expr_scope *scope,
                   enum model_expr_type want,
                   const struct model_expr **ret_expr, struct base_note *note)
{
    struct expr_checker checker = {.scope = scope, .note = note};
    struct model_expr *expr = base_arena_alloc(arena, sizeof *expr);
    if (!expr)
        return base_err_note(note, ERR_LIMIT, "no room for an expression");
    enum err err = model_expr_parse(arena, text, expr, note);
    if (err != ERR_OK)
        return err;
    expr_check(&checker, expr->root, false);
    expr_want_type(&checker, expr->root, want);
    if (checker.failed == ERR_OK)
        *ret_expr = expr;
    return checker.failed;
}

bool
model_expr_is_name(const struct model_expr *expr, uint32_t *ret_slot)
{
    if (expr->root->op != MODEL_EXPR_OP_NAME)
        return false;
    *ret_slot = expr->root->slot;
    return true;
}

static unsigned
expr_slots(const struct model_expr_node *node, uint32_t *slots, unsigned count,
           unsigned most)
{
    unsigned i = 0;
    while (i < count && slots[i] != node->slot)
        i++;
    if (node->op == MODEL_EXPR_OP_NAME && i == count && count < most)
        slots[count++] = node->slot;
    for (const struct model_expr_node *item = node->first; item;
         item = item->next)
        count = expr_slots(item, slots, count, most);
    return count;
}

unsigned
model_expr_slots(const struct model_expr *expr, uint32_t *ret_slots,
                 unsigned most)
{
    return expr_slots(expr->root, ret_slots, 0, most);
}

static void
expr_write_text(struct base_out *out, struct bytes text)
{
    static const char from[] = "\\'\n\r\t", to[] = "\\'nrt";
    base_out_u8(out, '\'');
    for (size_t i = 0; i < text.size; i++) {
        const char *known = text.at[i] ? strchr(from, text.at[i]) : NULL;
        if (known)
            base_out_u8(out, '\\');
        base_out_u8(out, known ? (uint8_t)to[known - from] : text.at[i]);
    }
    base_out_u8(out, '\'');
}

static void expr_write(struct base_out *out,
                       const struct model_expr_node *node);

static void
expr_write_list(struct base_out *out, const struct model_expr_node *first,
                char open, char close)
{
    base_out_u8(out, (uint8_t)open);
    for (const struct model_expr_node *item = first; item; item = item->next) {
        if (item != first)
            base_out_u8(out, ',');
        expr_write(out, item);
    }
    base_out_u8(out, (uint8_t)close);
}

static void
expr_write_leaf(struct base_out *out, const struct model_expr_node *node)
{
    char number[BASE_DEC_TEXT];
    if (node->op == MODEL_EXPR_OP_NUMBER)
        base_out_text(out, base_dec_text(node->num, -1, number));
    else if (node->op == MODEL_EXPR_OP_TEXT)
        expr_write_text(out, node->text);
    else if (node->op == MODEL_EXPR_OP_TRUTH)
        base_out_text(out, node->truth ? "true" : "false");
    else if (node->op == MODEL_EXPR_OP_LIST)
        expr_write_list(out, node->first, '[', ']');
    else
        base_out_bytes_add(out, node->text);
}

static void
expr_write(struct base_out *out, const struct model_expr_node *node)
{
    const struct model_expr_row *row = &model_expr_rows[node->op];
    const struct model_expr_node *first = node->first;
    if (row->form == MODEL_EXPR_LEAF) {
        expr_write_leaf(out, node);
        return;
    }
    if (row->form >= MODEL_EXPR_CALL) {
        base_out_text(out, row->text);
        expr_write_list(out, first, '(', ')');
        return;
    }
    base_out_u8(out, '(');
    if (row->form == MODEL_EXPR_PREFIX)
        base_out_text(out, row->text);
    expr_write(out, first);
    if (row->form != MODEL_EXPR_PREFIX) {
        bool word = node->op == MODEL_EXPR_OP_IN;
        base_out_format(out, word ? " %s " : "%s", row->text);
        expr_write(out, first->next);
    }
    if (row->form == MODEL_EXPR_CHOICE) {
        base_out_u8(out, ':');
        expr_write(out, first->next->next);
    }
    base_out_u8(out, ')');
}

void
model_expr_canonical(const struct model_expr *expr, struct base_out *out)
{
    expr_write(out, expr->root);
}
