/* wire_promql_table.h -- operators, functions, aggregations: one row each.
 *
 * Signature letters: v vector, m matrix, s scalar, t string; what follows '?'
 * may be left out, the letter behind '*' may come again and again. */
#ifndef WIRE_PROMQL_TABLE_H
#define WIRE_PROMQL_TABLE_H

#include "wire/promql/wire_promql.h"

struct wire_promql_table_op {
    const char *text;
    enum wire_promql_op op;
    uint8_t precedence; /* higher binds tighter */
    bool right, set, compare;
};

struct wire_promql_table_function {
    const char *name, *signature;
    enum wire_promql_type type;
};

struct wire_promql_table_aggregate {
    const char *name;
    char parameter; /* s, t or 0 */
};

/* NULL: none of that name.  Operators and aggregations ignore case. */
const struct wire_promql_table_op *wire_promql_table_op(struct bytes name);
const struct wire_promql_table_function *
wire_promql_table_function(struct bytes name);
const struct wire_promql_table_aggregate *
wire_promql_table_aggregate(struct bytes name);
enum { WIRE_PROMQL_TABLE_UNARY = 6 }; /* binds as `*` or looser than `^` */

#endif
