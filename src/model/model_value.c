/* model_value.c -- the arithmetic of figures. */
#include "model/model_value.h"

struct value_inputs {
    const struct model_pack *pack;
    uint64_t mask;
    const int64_t *values;
};

static struct model_expr_value
value_input(void *self, uint32_t slot)
{
    const struct value_inputs *inputs = self;
    struct model_expr_value value = {.type = MODEL_EXPR_NUM};
    if (!(inputs->mask >> slot & 1))
        value.err = ERR_ABSENT;
    else
        value.err = base_dec_from(inputs->values[slot],
                                  inputs->pack->inputs[slot].scale, &value.num);
    return value;
}

enum err
model_value_measure(const struct model_pack *pack, unsigned measure,
                    uint64_t mask, const int64_t *values, int64_t *ret_value)
{
    struct value_inputs inputs = {pack, mask, values};
    struct model_expr_value value;
    int64_t rounded;
    model_expr_eval(pack->measures[measure].expr, value_input, &inputs, &value);
    if (value.err == ERR_OK)
        value.err = base_dec_to(value.num, pack->measures[measure].scale,
                                BASE_DEC_HALF_EVEN, &rounded);
    if (value.err != ERR_OK)
        return value.err;
    if (rounded > MODEL_FIGURE_UNIT_MAX || rounded < -MODEL_FIGURE_UNIT_MAX)
        return ERR_RANGE;
    *ret_value = rounded;
    return ERR_OK;
}

bool
model_value_reported(const struct model_pack *pack, uint64_t mask)
{
    for (unsigned i = 0; i < pack->input_count; i++)
        if (pack->inputs[i].required && !(mask >> i & 1))
            return false;
    return mask != 0;
}

static void
value_put(struct model_figure *figure, unsigned slot, int64_t value)
{
    figure->mask |= UINT64_C(1) << slot;
    figure->slots[slot] = (struct model_figure_slot){.n = 1, .sum = value};
}

unsigned
model_value_unit(const struct model_pack *pack, uint64_t mask,
                 const int64_t *values, struct model_figure *ret_figure)
{
    unsigned failed = 0;
    *ret_figure = (struct model_figure){0};
    value_put(ret_figure, MODEL_FIGURE_EXPECTED, 1);
    if (model_value_reported(pack, mask))
        value_put(ret_figure, MODEL_FIGURE_REPORTED, 1);
    for (unsigned i = 0; i < pack->measure_count; i++) {
        int64_t value;
        enum err err = model_value_measure(pack, i, mask, values, &value);
        if (err == ERR_OK)
            value_put(ret_figure, MODEL_FIGURE_MEASURES + i, value);
        else if (err != ERR_ABSENT)
            failed++;
    }
    return failed;
}

enum err
model_value_total(const struct model_pack *pack, unsigned measure,
                  const struct model_figure *figure, struct dec *ret_value)
{
    unsigned slot = MODEL_FIGURE_MEASURES + measure;
    if (!(figure->mask >> slot & 1))
        return ERR_ABSENT;
    return base_dec_from(figure->slots[slot].sum, pack->measures[measure].scale,
                         ret_value);
}

enum err
model_value_metric(const struct model_pack *pack, unsigned metric,
                   const struct model_figure *figure, struct dec *ret_value)
{
    const struct model_pack_metric *row = &pack->metrics[metric];
    struct dec a, b, value;
    enum err err = model_value_total(pack, row->a, figure, &a);
    if (err == ERR_OK)
        err = model_value_total(pack, row->b, figure, &b);
    if (err == ERR_OK)
        err = base_dec_mul(b, row->minus, &value);
    if (err == ERR_OK)
        err = base_dec_sub(a, value, &value);
    if (err == ERR_OK)
        err = base_dec_mul(value, row->times, &value);
    if (err == ERR_OK)
        err = base_dec_div(value, b, &value);
    if (err == ERR_OK)
        *ret_value = value;
    return err;
}
