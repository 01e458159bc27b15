/* wire_promql_table.c -- operators, functions, aggregations. */
#include "wire/promql/wire_promql_table.h"

#include "base/base_mem.h"

/* clang-format off */
static const struct wire_promql_table_op table_ops[] = {
    {"or",     WIRE_PROMQL_OR,     1, false, true,  false},
    {"and",    WIRE_PROMQL_AND,    2, false, true,  false},
    {"unless", WIRE_PROMQL_UNLESS, 2, false, true,  false},
    {"==",     WIRE_PROMQL_EQ,     3, false, false, true},
    {"!=",     WIRE_PROMQL_NE,     3, false, false, true},
    {"<",      WIRE_PROMQL_LT,     3, false, false, true},
    {"<=",     WIRE_PROMQL_LE,     3, false, false, true},
    {">",      WIRE_PROMQL_GT,     3, false, false, true},
    {">=",     WIRE_PROMQL_GE,     3, false, false, true},
    {"+",      WIRE_PROMQL_ADD,    4, false, false, false},
    {"-",      WIRE_PROMQL_SUB,    4, false, false, false},
    {"*",      WIRE_PROMQL_MUL,    5, false, false, false},
    {"/",      WIRE_PROMQL_DIV,    5, false, false, false},
    {"%",      WIRE_PROMQL_MOD,    5, false, false, false},
    {"atan2",  WIRE_PROMQL_ATAN2,  5, false, false, false},
    {"^",      WIRE_PROMQL_POW,    6, true,  false, false},
};

#define V WIRE_PROMQL_VECTOR
#define S WIRE_PROMQL_SCALAR
static const struct wire_promql_table_function table_functions[] = {
    {"abs", "v", V}, {"absent", "v", V}, {"absent_over_time", "m", V},
    {"acos", "v", V}, {"acosh", "v", V}, {"asin", "v", V}, {"asinh", "v", V},
    {"atan", "v", V}, {"atanh", "v", V}, {"avg_over_time", "m", V},
    {"ceil", "v", V}, {"changes", "m", V}, {"clamp", "vss", V},
    {"clamp_max", "vs", V}, {"clamp_min", "vs", V}, {"cos", "v", V},
    {"cosh", "v", V}, {"count_over_time", "m", V}, {"day_of_month", "?v", V},
    {"day_of_week", "?v", V}, {"day_of_year", "?v", V},
    {"days_in_month", "?v", V}, {"deg", "v", V}, {"delta", "m", V},
    {"deriv", "m", V}, {"double_exponential_smoothing", "mss", V},
    {"end", "", S}, {"exp", "v", V}, {"first_over_time", "m", V},
    {"floor", "v", V}, {"histogram_avg", "v", V}, {"histogram_count", "v", V},
    {"histogram_fraction", "ssv", V}, {"histogram_quantile", "sv", V},
    {"histogram_quantiles", "vts*s", V}, {"histogram_stddev", "v", V},
    {"histogram_stdvar", "v", V}, {"histogram_sum", "v", V},
    {"hour", "?v", V}, {"idelta", "m", V}, {"increase", "m", V},
    {"irate", "m", V}, {"label_join", "vtt*t", V},
    {"label_replace", "vtttt", V}, {"last_over_time", "m", V},
    {"ln", "v", V}, {"log10", "v", V}, {"log2", "v", V},
    {"mad_over_time", "m", V}, {"max_of", "ss", S}, {"max_over_time", "m", V},
    {"min_of", "ss", S}, {"min_over_time", "m", V}, {"minute", "?v", V},
    {"month", "?v", V}, {"pi", "", S}, {"predict_linear", "ms", V},
    {"present_over_time", "m", V}, {"quantile_over_time", "sm", V},
    {"rad", "v", V}, {"range", "", S}, {"rate", "m", V}, {"resets", "m", V},
    {"round", "v?s", V}, {"scalar", "v", S}, {"sgn", "v", V}, {"sin", "v", V},
    {"sinh", "v", V}, {"sort", "v", V}, {"sort_by_label", "v*t", V},
    {"sort_by_label_desc", "v*t", V}, {"sort_desc", "v", V},
    {"sqrt", "v", V}, {"start", "", S}, {"stddev_over_time", "m", V},
    {"stdvar_over_time", "m", V}, {"step", "", S}, {"sum_over_time", "m", V},
    {"tan", "v", V}, {"tanh", "v", V}, {"time", "", S}, {"timestamp", "v", V},
    {"ts_of_first_over_time", "m", V}, {"ts_of_last_over_time", "m", V},
    {"ts_of_max_over_time", "m", V}, {"ts_of_min_over_time", "m", V},
    {"vector", "s", V}, {"year", "?v", V},
};
#undef V
#undef S

static const struct wire_promql_table_aggregate table_aggregates[] = {
    {"sum", 0}, {"avg", 0}, {"min", 0}, {"max", 0}, {"count", 0},
    {"group", 0}, {"stddev", 0}, {"stdvar", 0}, {"quantile", 's'},
    {"topk", 's'}, {"bottomk", 's'}, {"limitk", 's'}, {"limit_ratio", 's'},
    {"count_values", 't'},
};
/* clang-format on */

const struct wire_promql_table_op *
wire_promql_table_op(struct bytes name)
{
    for (unsigned i = 0; i < BASE_COUNT(table_ops); i++)
        if (base_bytes_equal_folded(name, base_bytes_text(table_ops[i].text)))
            return &table_ops[i];
    return NULL;
}

const struct wire_promql_table_function *
wire_promql_table_function(struct bytes name)
{
    for (unsigned i = 0; i < BASE_COUNT(table_functions); i++)
        if (base_bytes_is(name, table_functions[i].name))
            return &table_functions[i];
    return NULL;
}

const struct wire_promql_table_aggregate *
wire_promql_table_aggregate(struct bytes name)
{
    for (unsigned i = 0; i < BASE_COUNT(table_aggregates); i++)
        if (base_bytes_equal_folded(name,
                                    base_bytes_text(table_aggregates[i].name)))
            return &table_aggregates[i];
    return NULL;
}

const char *
wire_promql_op_text(enum wire_promql_op op)
{
    for (unsigned i = 0; i < BASE_COUNT(table_ops); i++)
        if (table_ops[i].op == op)
            return table_ops[i].text;
    return "";
}

const char *
wire_promql_type_text(enum wire_promql_type type)
{
    static const char *const texts[] = {
        [WIRE_PROMQL_SCALAR] = "scalar",
        [WIRE_PROMQL_STRING] = "string",
        [WIRE_PROMQL_VECTOR] = "instant vector",
        [WIRE_PROMQL_MATRIX] = "range vector",
    };
    return texts[type];
}
