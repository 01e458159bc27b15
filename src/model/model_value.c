/* model_value.c -- the arithmetic of figures. */
#include "model/model_value.h"

struct value_inputs {
    const struct model_pack *pack;
    const struct model_value_row *row;
};

/* The rank of a table's keys: the cell's codes in those dims. */
static uint32_t
value_place(const struct model_pack *pack, const struct model_pack_table *table,
            uint32_t cell)
{
    uint32_t place = 0, radix = 1;
    for (unsigned d = pack->dim_count; d-- > 0;) {
        uint32_t rank = cell % pack->dims[d].count;
        cell /= pack->dims[d].count;
        if (!table->dims[d])
            continue;
        place += rank * radix;
        radix *= pack->dims[d].count;
    }
    return place;
}

static int32_t
value_year(const struct model_pack *pack, uint32_t window)
{
    struct wall start = {0}, end;
    model_calendar_bounds(&pack->calendar, window, &start, &end);
    return base_time_civil(start, pack->calendar.zone_s).year;
}

/* ABSENT: no row for these codes, or none so early. */
static enum err
value_table(const struct model_pack *pack, unsigned at, uint32_t window,
            uint32_t cell, struct dec *ret_value)
{
    const struct model_pack_table *table = &pack->tables[at];
    uint32_t place = value_place(pack, table, cell);
    int32_t year = table->by_year ? value_year(pack, window) : 0;
    uint32_t low = 0, high = table->row_count; /* the first row beyond */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct model_pack_table_row *row = &table->rows[middle];
        if (row->place < place || (row->place == place && row->year <= year))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || table->rows[low - 1].place != place)
        return ERR_ABSENT;
    *ret_value = table->rows[low - 1].value;
    return ERR_OK;
}

static struct model_expr_value
value_slot(void *self, uint32_t slot)
{
    const struct value_inputs *inputs = self;
    const struct model_pack *pack = inputs->pack;
    const struct model_value_row *row = inputs->row;
    struct model_expr_value value = {.type = MODEL_EXPR_NUM};
    if (slot >= MODEL_PACK_SLOT_DIM) {
        const struct model_code *code =
            model_pack_cell_code(pack, row->cell, slot - MODEL_PACK_SLOT_DIM);
        value.type = MODEL_EXPR_STRING;
        value.string = base_bytes_text(code->code);
        value.flags = base_bytes_text(code->flags);
    } else if (slot >= MODEL_PACK_SLOT_TABLE) {
        value.err = value_table(pack, slot - MODEL_PACK_SLOT_TABLE, row->window,
                                row->cell, &value.num);
    } else if (!(row->mask >> slot & 1)) {
        value.err = ERR_ABSENT;
    } else {
        value.err = base_dec_from(row->values[slot], pack->inputs[slot].scale,
                                  &value.num);
    }
    return value;
}

bool
model_value_holds(const struct model_pack *pack, const struct model_expr *expr,
                  const struct model_value_row *row)
{
    struct value_inputs inputs = {pack, row};
    struct model_expr_value value;
    model_expr_eval(expr, value_slot, &inputs, &value);
    return value.err == ERR_OK && value.truth;
}

enum err
model_value_measure(const struct model_pack *pack, unsigned measure,
                    const struct model_value_row *row, int64_t *ret_value)
{
    struct value_inputs inputs = {pack, row};
    struct model_expr_value value;
    int64_t rounded;
    model_expr_eval(pack->measures[measure].expr, value_slot, &inputs, &value);
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

/* Has the unit reported: anything, and all that is required? */
static bool
value_reported(const struct model_pack *pack, uint64_t mask)
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
model_value_unit(const struct model_pack *pack,
                 const struct model_value_row *row,
                 struct model_figure *ret_figure)
{
    unsigned failed = 0;
    *ret_figure = (struct model_figure){0};
    value_put(ret_figure, MODEL_FIGURE_EXPECTED, 1);
    if (value_reported(pack, row->mask))
        value_put(ret_figure, MODEL_FIGURE_REPORTED, 1);
    for (unsigned i = 0; i < pack->measure_count; i++) {
        int64_t value;
        enum err err = model_value_measure(pack, i, row, &value);
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

static enum err
value_ratio(const struct model_pack *pack, const struct model_pack_metric *row,
            const struct model_figure *figure, struct dec *ret_value)
{
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

struct value_derived {
    const struct model_pack *pack;
    const struct model_figure *figure;
};

static struct model_expr_value
value_derived_slot(void *self, uint32_t slot)
{
    const struct value_derived *derived = self;
    const struct model_pack *pack = derived->pack;
    struct model_expr_value value = {.type = MODEL_EXPR_NUM};
    if (slot >= MODEL_PACK_METRIC_SLOT_MEASURE)
        value.err =
            model_value_total(pack, slot - MODEL_PACK_METRIC_SLOT_MEASURE,
                              derived->figure, &value.num);
    else
        value.err = value_ratio(pack, &pack->metrics[slot], derived->figure,
                                &value.num);
    return value;
}

enum err
model_value_metric(const struct model_pack *pack, unsigned metric,
                   const struct model_figure *figure, struct dec *ret_value)
{
    const struct model_pack_metric *row = &pack->metrics[metric];
    struct value_derived derived = {pack, figure};
    struct model_expr_value value;
    if (!row->derived)
        return value_ratio(pack, row, figure, ret_value);
    model_expr_eval(row->derived, value_derived_slot, &derived, &value);
    if (value.err == ERR_OK)
        value.err = base_dec_mul(value.num, row->num, &value.num);
    if (value.err == ERR_OK)
        value.err = base_dec_div(value.num, row->den, &value.num);
    if (value.err == ERR_OK)
        *ret_value = value.num;
    return value.err;
}
