/* model_expr.h -- the expression language: a typed subset of CEL.
 *
 * Grammar and semantics: spec rollup 4.  One unit, one window; no loops.  The
 * number domain is a parameter; exact decimals (base_dec) are the one here.
 *
 * Shape    parse text -> tree in an arena; check against a scope of names with
 *          types; evaluate with values.  Types: num, bool, string; literal
 *          lists right of `in`.
 * Absent   an absent operand, / 0, overflow propagate as errors; `false && e`
 *          is false, `true || e` true in either order; `?:` evaluates one arm;
 *          has(x) asks.
 * Limits   256 nodes, depth 32, 16 KiB (LIMIT).
 * Flags    flag(ind, 'equipment'): has the code that `ind` is this flag?
 * Not yet  days(), tables x[...], members x.y (UNSUPPORTED).
 * round    to the whole number, half away from zero.
 * Errors   SYNTAX, NAME (with the nearest known name), TYPE, LIMIT; line and
 *          column within the text.  Evaluation: ABSENT, RANGE, SHORT (/ 0). */
#ifndef MODEL_EXPR_H
#define MODEL_EXPR_H

#include "base/base_arena.h"
#include "base/base_dec.h"
#include "base/base_out.h"

enum model_expr_type {
    MODEL_EXPR_NUM,
    MODEL_EXPR_BOOL,
    MODEL_EXPR_STRING,
    MODEL_EXPR_LIST, /* inside the compiler only */
};

struct model_expr_value {
    enum err err; /* not OK: no value, and why */
    enum model_expr_type type;
    bool truth;
    struct dec num;
    struct bytes string;
    struct bytes flags; /* of a string that is a code: words parted by | */
};

/* A name that an expression may use; `slot` is handed to the lookup. */
struct model_expr_name {
    const char *name;
    enum model_expr_type type;
    uint32_t slot;
};

struct model_expr_scope {
    const struct model_expr_name *names;
    uint32_t count;
};

struct model_expr;

/* Parse and check in one go; want is the type the whole must have. */
enum err model_expr_compile(struct base_arena *arena, struct bytes text,
                            const struct model_expr_scope *scope,
                            enum model_expr_type want,
                            const struct model_expr **ret_expr,
                            struct base_note *note);
void model_expr_eval(const struct model_expr *expr,
                     struct model_expr_value (*lookup)(void *self,
                                                       uint32_t slot),
                     void *self, struct model_expr_value *ret_value);
/* The canonical text (for shapes): fully parenthesised, no spaces but round
 * `in`; it parses to the same tree. */
void model_expr_canonical(const struct model_expr *expr, struct base_out *out);
/* A reserved word of CEL, which no name may be? */
bool model_expr_reserved(struct bytes name);
/* When the whole is one bare name: its slot.  Else false. */
bool model_expr_is_name(const struct model_expr *expr, uint32_t *ret_slot);

/* The slots of the names in it, each once, in order of their first place;
 * returns how many, at most `most`. */
unsigned model_expr_slots(const struct model_expr *expr, uint32_t *ret_slots,
                          unsigned most);

/* The unit of the value, given those of the names (by slot).  UNIT: unlike
 * units are added, compared or chosen between.  The literal 0 is of any unit; a
 * literal compared with a value is in that value's unit; otherwise a number is
 * dimensionless. */
struct model_unit;
enum err model_expr_unit(const struct model_expr *expr,
                         const struct model_unit *(*of)(void *self,
                                                        uint32_t slot),
                         void *self, struct model_unit *ret_unit,
                         struct base_note *note);

#endif
