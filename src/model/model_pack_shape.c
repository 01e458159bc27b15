/* model_pack_shape.c -- what a pack means, as bytes to hash.
 *
 * doc/formats/shape.md draws them.  In: all that decides which number a unit
 * gives to which slot of which cell of which window.  Out: version, labels,
 * metrics, frequencies and their times, so that mending those needs no
 * refolding and no agreement between tiers. */
#include "model/model_pack_load.h"

static void
shape_bytes(struct base_out *out, struct bytes text)
{
    base_out_varint(out, text.size);
    base_out_bytes_add(out, text);
}

static void
shape_text(struct base_out *out, const char *text)
{
    shape_bytes(out, base_bytes_text(text));
}

static void
shape_expr(struct base_out *out, const struct model_expr *expr)
{
    struct base_out text;
    base_out_grow(&text, MODEL_PACK_MEMORY);
    model_expr_canonical(expr, &text);
    shape_bytes(out, base_out_bytes(&text));
    base_out_done(&text);
}

static void
shape_dim(struct base_out *out, const struct model_pack_dim *dim)
{
    const struct model_code_list *list = dim->entries;
    shape_text(out, dim->name);
    shape_text(out, dim->list);
    base_out_varint(out, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct model_code *code = &list->at[i];
        shape_text(out, code->code);
        shape_text(out, code->parent < 0 ? "" : list->at[code->parent].code);
        base_out_zigzag(out, code->from_day);
        base_out_zigzag(out, code->end_day);
        shape_text(out, code->flags);
    }
}

/* A table: its keys' names, then rows by place and year. */
static void
shape_table(struct base_out *out, const struct model_pack *pack,
            const struct model_pack_table *table)
{
    unsigned keys = table->by_year;
    shape_text(out, table->name);
    model_unit_write(out, &table->unit);
    for (unsigned d = 0; d < pack->dim_count; d++)
        keys += table->dims[d];
    base_out_varint(out, keys);
    for (unsigned d = 0; d < pack->dim_count; d++)
        if (table->dims[d])
            shape_text(out, pack->dims[d].name);
    if (table->by_year)
        shape_text(out, "year");
    base_out_varint(out, table->row_count);
    for (uint32_t i = 0; i < table->row_count; i++) {
        base_out_varint(out, table->rows[i].place);
        base_out_zigzag(out, table->rows[i].year);
        base_out_zigzag128(out, table->rows[i].value.count);
    }
}

enum { SHAPE_RETURN = 64, SHAPE_BASE = 65 };

static void
shape_input(struct base_out *out, const struct model_pack_input *input)
{
    shape_text(out, input->name);
    model_unit_write(out, &input->unit);
    base_out_u8(out, (uint8_t)input->scale);
    base_out_u8(out, (uint8_t)input->kind);
    base_out_u8(out, input->source == MODEL_PACK_SERIES ? (uint8_t)input->fold
                     : input->base                      ? SHAPE_BASE
                                                        : SHAPE_RETURN);
    base_out_u8(out, input->required);
    base_out_zigzag(out, input->stale_ms);
    base_out_zigzag(out, input->min);
    base_out_zigzag(out, input->max);
    if (input->source == MODEL_PACK_SERIES &&
        input->fold == MODEL_PACK_FOLD_TIME_IN) {
        base_out_varint(out, input->state_count);
        for (unsigned i = 0; i < input->state_count; i++)
            base_out_zigzag(out, input->states[i]);
    }
    if (input->source == MODEL_PACK_SERIES &&
        input->fold == MODEL_PACK_FOLD_INTEGRAL) {
        base_out_zigzag(out, input->ratio_num);
        base_out_zigzag(out, input->ratio_den);
    }
    base_out_varint(out, input->matcher_count);
    for (unsigned i = 0; i < input->matcher_count; i++) {
        shape_bytes(out, input->matchers[i].name);
        base_out_u8(out, (uint8_t)input->matchers[i].op);
        shape_bytes(out, input->matchers[i].value);
    }
}

/* Sections that most packs have not: each with its number, in its order. */
enum { SHAPE_MERGE = 1, SHAPE_SHIFTS = 2 };

static void
shape_calendar(struct base_out *out, const struct model_calendar *calendar)
{
    if (calendar->merge_last) {
        base_out_u8(out, SHAPE_MERGE);
        base_out_u8(out, calendar->merge_first);
        base_out_u8(out, calendar->merge_last);
    }
    if (calendar->shift_count == 0)
        return;
    base_out_u8(out, SHAPE_SHIFTS);
    base_out_varint(out, calendar->shift_count);
    for (unsigned i = 0; i < calendar->shift_count; i++) {
        const struct model_calendar_shift *shift = &calendar->shifts[i];
        shape_text(out, shift->name);
        base_out_u8(out, shift->index);
        base_out_u8(out, shift->days);
        base_out_varint(out, shift->start_min);
        base_out_varint(out, shift->length_min);
        base_out_zigzag(out, shift->from_day);
        base_out_zigzag(out, shift->end_day);
    }
}

void
model_pack_shape_write(struct base_out *out, const struct model_pack *pack)
{
    base_out_text(out, "DGS1");
    shape_text(out, pack->name);
    base_out_zigzag(out, pack->calendar.zone_s);
    base_out_u8(out, 0); /* grain: object */
    base_out_u8(out, (uint8_t)pack->carry);
    shape_expr(out, pack->scope);
    base_out_varint(out, pack->dim_count);
    for (unsigned i = 0; i < pack->dim_count; i++)
        shape_dim(out, &pack->dims[i]);
    base_out_varint(out, pack->table_count);
    for (unsigned i = 0; i < pack->table_count; i++)
        shape_table(out, pack, &pack->tables[i]);
    base_out_varint(out, pack->input_count);
    for (unsigned i = 0; i < pack->input_count; i++)
        shape_input(out, &pack->inputs[i]);
    base_out_varint(out, pack->measure_count);
    for (unsigned i = 0; i < pack->measure_count; i++) {
        const struct model_pack_measure *measure = &pack->measures[i];
        shape_text(out, measure->name);
        base_out_u8(out, (uint8_t)measure->agg);
        model_unit_write(out, &measure->unit);
        base_out_u8(out, (uint8_t)measure->scale);
        shape_expr(out, measure->expr);
    }
    shape_calendar(out, &pack->calendar);
}
