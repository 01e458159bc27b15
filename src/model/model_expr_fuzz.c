/* model_expr_fuzz.c -- any text as an expression.
 *
 * What compiles must evaluate, must have a canonical text, and that text, if
 * it is not too deep for its own parentheses, must compile to itself. */
#include "model/model_expr.h"

#include "base/base_must.h"
#include "model/model_unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct model_expr_name names[] = {
    {"a", MODEL_EXPR_NUM, 0},
    {"b", MODEL_EXPR_NUM, 1},
    {"yes", MODEL_EXPR_BOOL, 2},
    {"class", MODEL_EXPR_STRING, 3},
};
static const struct model_expr_scope scope = {names, 4};

static struct model_expr_value
lookup(void *self, uint32_t slot)
{
    struct model_expr_value value = {.type = names[slot].type};
    (void)self;
    value.num.count = (__int128)3 << 40;
    value.truth = true;
    value.string = base_bytes_text("host");
    if (slot == 1)
        value.err = ERR_ABSENT;
    return value;
}

static const struct model_unit *
unit_of(void *self, uint32_t slot)
{
    (void)self;
    (void)slot;
    return &model_unit_one;
}

static void
fuzz_as(struct bytes text, enum model_expr_type want)
{
    struct base_arena arena;
    struct base_note note = {0};
    const struct model_expr *expr = NULL, *again = NULL;
    base_arena_init(&arena, 8 << 20);
    enum err err = model_expr_compile(&arena, text, &scope, want, &expr, &note);
    if (err == ERR_OK) {
        struct model_expr_value value;
        struct model_unit unit;
        struct base_out first, second;
        model_expr_eval(expr, lookup, NULL, &value);
        must(value.err != ERR_OK || value.type == want);
        model_expr_unit(expr, unit_of, NULL, &unit, &note);
        base_out_grow(&first, 1 << 20);
        base_out_grow(&second, 1 << 20);
        model_expr_canonical(expr, &first);
        err = model_expr_compile(&arena, base_out_bytes(&first), &scope, want,
                                 &again, &note);
        must(err == ERR_OK || err == ERR_LIMIT);
        if (err == ERR_OK) {
            model_expr_canonical(again, &second);
            must(base_bytes_equal(base_out_bytes(&first),
                                  base_out_bytes(&second)));
        }
        base_out_done(&first);
        base_out_done(&second);
    } else {
        must(note.code == err && note.text[0]);
    }
    base_arena_done(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = base_bytes(data, size);
    struct model_unit unit;
    char string[200];
    fuzz_as(text, MODEL_EXPR_NUM);
    fuzz_as(text, MODEL_EXPR_BOOL);
    model_unit_parse(base_bytes_string(text, string, sizeof string), &unit,
                     NULL);
    return 0;
}
