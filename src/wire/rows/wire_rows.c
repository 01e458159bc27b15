/* wire_rows.c -- rows of samples as bytes; drawn in doc/formats/rows.md. */
#include "wire/rows/wire_rows.h"

#include "base/base_must.h"

enum rows_flag {
    ROWS_ALL = 1,      /* columns 0 .. width - 1, no bitmap */
    ROWS_ABSOLUTE = 2, /* needs no row before it */
    ROWS_TAGGED = 4,   /* a tag byte before each value */
    ROWS_LIST = 8,     /* a list of columns, no bitmap */
    ROWS_FLAGS = 15,
};

enum rows_tag {
    ROWS_TAG_DELTA = 0,
    ROWS_TAG_RAW = 1,
    ROWS_TAG_NEW = 2, /* exponent in the high nibble, mantissa follows */
    ROWS_TAG_STALE = 3,
};

/* A row that needs nothing before it: what the cells hold is forgotten. */
static void
rows_forget(struct wire_rows_state *state)
{
    if (++state->stamp != 0)
        return;
    for (uint32_t i = 0; i < state->room; i++)
        wire_rows_cell(state, i)->stamp = 0;
    state->stamp = 1;
}

/* --- writing --- */

static unsigned
rows_varint_size(uint32_t value)
{
    return value < 128 ? 1 : value < 16384 ? 2 : value < 2097152 ? 3 : 4;
}

/* Which of the three ways to name columns takes the fewest bytes. */
static uint8_t
rows_way(const uint32_t *columns, uint32_t count)
{
    uint32_t width = columns[count - 1] + 1;
    if (width == count)
        return ROWS_ALL;
    uint32_t list = 0, last = 0, bitmap = (width + 7) / 8;
    for (uint32_t i = 0; i < count && list <= bitmap; i++) {
        list += rows_varint_size(columns[i] - last);
        last = columns[i];
    }
    return list < bitmap ? ROWS_LIST : 0;
}

static void
rows_bitmap_write(struct base_out *out, const uint32_t *columns, uint32_t count)
{
    uint32_t size = columns[count - 1] / 8 + 1;
    uint8_t *to = base_out_space(out, size);
    if (!to)
        return;
    memset(to, 0, size);
    for (uint32_t i = 0; i < count; i++)
        to[columns[i] / 8] =
            (uint8_t)(to[columns[i] / 8] | 1u << columns[i] % 8);
}

static void
rows_columns_write(struct base_out *out, uint8_t way, const uint32_t *columns,
                   uint32_t count)
{
    if (way == ROWS_LIST) {
        base_out_varint(out, count);
        uint32_t last = 0;
        for (uint32_t i = 0; i < count; i++) {
            base_out_varint(out, columns[i] - last);
            last = columns[i];
        }
        return;
    }
    base_out_varint(out, columns[count - 1] + 1);
    if (way == 0)
        rows_bitmap_write(out, columns, count);
}

static bool
rows_near(const struct wire_rows_state *state,
          const struct wire_rows_cell *cell, struct num value)
{
    return cell && cell->stamp == state->stamp &&
           cell->kind == BASE_NUM_DECIMAL && value.kind == BASE_NUM_DECIMAL &&
           cell->exponent == value.exponent;
}

static void
rows_value_write(struct base_out *out, bool near, int64_t before,
                 struct num value)
{
    if (near) {
        base_out_u8(out, ROWS_TAG_DELTA);
        base_out_zigzag(out,
                        (int64_t)((uint64_t)value.mantissa - (uint64_t)before));
    } else if (value.kind == BASE_NUM_DECIMAL) {
        must(value.exponent < 16);
        base_out_u8(out, (uint8_t)(ROWS_TAG_NEW | value.exponent << 4));
        base_out_zigzag(out, value.mantissa);
    } else if (value.kind == BASE_NUM_STALE ||
               (uint64_t)value.mantissa == WIRE_ROWS_STALE) {
        base_out_u8(out, ROWS_TAG_STALE);
    } else {
        base_out_u8(out, ROWS_TAG_RAW);
        base_out_u64le(out, (uint64_t)value.mantissa);
    }
}

void
wire_rows_lone_write(struct base_out *out, int64_t t, const uint32_t *columns,
                     const struct num *values, uint32_t count)
{
    must(count > 0 && columns[count - 1] < WIRE_ROWS_COLUMNS);
    uint8_t way = rows_way(columns, count);
    base_out_u8(out, (uint8_t)(way | ROWS_ABSOLUTE | ROWS_TAGGED));
    base_out_zigzag(out, t);
    rows_columns_write(out, way, columns, count);
    for (uint32_t i = 0; i < count; i++)
        rows_value_write(out, false, 0, values[i]);
}

static bool
rows_all_near(const struct wire_rows_state *state, const uint32_t *columns,
              const struct num *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!rows_near(state, wire_rows_cell(state, columns[i]), values[i]))
            return false;
    return true;
}

static void
rows_remember(const struct wire_rows_state *state, uint32_t column,
              struct num value)
{
    struct wire_rows_cell *cell = wire_rows_cell(state, column);
    cell->mantissa = value.mantissa;
    cell->exponent = value.exponent;
    cell->kind = value.kind;
    cell->stamp = state->stamp;
}

void
wire_rows_body_write(struct base_out *out, struct wire_rows_state *state,
                     bool fresh, int64_t t, const uint32_t *columns,
                     const struct num *values, uint32_t count)
{
    must(count > 0 && columns[count - 1] < WIRE_ROWS_COLUMNS &&
         columns[count - 1] < state->room);
    fresh = fresh || state->stamp == 0;
    if (fresh)
        rows_forget(state);
    bool plain = !fresh && rows_all_near(state, columns, values, count);
    uint8_t way = rows_way(columns, count);
    base_out_u8(out, (uint8_t)(way | (fresh ? ROWS_ABSOLUTE : 0) |
                               (plain ? 0 : ROWS_TAGGED)));
    base_out_zigzag(out,
                    fresh ? t : (int64_t)((uint64_t)t - (uint64_t)state->t));
    rows_columns_write(out, way, columns, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct wire_rows_cell *cell = wire_rows_cell(state, columns[i]);
        if (plain)
            base_out_zigzag(out, (int64_t)((uint64_t)values[i].mantissa -
                                           (uint64_t)cell->mantissa));
        else
            rows_value_write(out, rows_near(state, cell, values[i]),
                             cell->mantissa, values[i]);
        rows_remember(state, columns[i], values[i]);
    }
    state->t = t;
}

/* --- reading --- */

static void
rows_list_read(struct base_cur *cur, uint64_t count, struct wire_rows_row *row,
               uint32_t *columns)
{
    uint64_t column = 0;
    for (uint64_t i = 0; i < count && base_cur_ok(cur); i++) {
        uint64_t step = base_cur_varint(cur);
        if ((step == 0 && i > 0) || step >= WIRE_ROWS_COLUMNS ||
            column + step >= WIRE_ROWS_COLUMNS) {
            base_cur_fail(cur, ERR_SYNTAX);
            return;
        }
        column += step;
        columns[row->count++] = (uint32_t)column;
    }
}

static void
rows_bitmap_read(struct base_cur *cur, uint64_t width,
                 struct wire_rows_row *row, uint32_t *columns)
{
    struct bytes bits = base_cur_take(cur, (size_t)(width + 7) / 8);
    for (size_t i = 0; i < bits.size; i++) {
        for (unsigned bit = bits.at[i]; bit != 0; bit &= bit - 1)
            columns[row->count++] =
                (uint32_t)(i * 8 + (unsigned)__builtin_ctz(bit));
    }
    if (row->count == 0 || columns[row->count - 1] != width - 1)
        base_cur_fail(cur, ERR_SYNTAX);
}

static void
rows_columns_read(struct base_cur *cur, uint8_t flags,
                  struct wire_rows_row *row, uint32_t *columns)
{
    uint64_t width = base_cur_varint(cur);
    row->count = 0;
    if (width == 0 || width > WIRE_ROWS_COLUMNS ||
        (flags & (ROWS_ALL | ROWS_LIST)) == (ROWS_ALL | ROWS_LIST))
        base_cur_fail(cur, ERR_SYNTAX);
    if (!base_cur_ok(cur))
        return;
    if (flags & ROWS_LIST)
        rows_list_read(cur, width, row, columns);
    else if (!(flags & ROWS_ALL))
        rows_bitmap_read(cur, width, row, columns);
    else
        while (row->count < width) {
            columns[row->count] = row->count;
            row->count++;
        }
}

static struct num
rows_delta_read(struct base_cur *cur, const struct wire_rows_state *state,
                const struct wire_rows_cell *cell)
{
    int64_t delta = base_cur_zigzag(cur);
    if (cell->stamp != state->stamp || cell->kind != BASE_NUM_DECIMAL)
        base_cur_fail(cur, ERR_SYNTAX);
    return (struct num){
        .mantissa = (int64_t)((uint64_t)cell->mantissa + (uint64_t)delta),
        .exponent = cell->exponent,
        .kind = BASE_NUM_DECIMAL,
    };
}

static struct num
rows_tagged_read(struct base_cur *cur, const struct wire_rows_state *state,
                 const struct wire_rows_cell *cell)
{
    uint8_t tag = base_cur_u8(cur);
    struct num value = {.kind = BASE_NUM_DECIMAL};
    if (tag == ROWS_TAG_DELTA)
        return rows_delta_read(cur, state, cell);
    if (tag == ROWS_TAG_RAW) {
        value.kind = BASE_NUM_RAW;
        value.mantissa = (int64_t)base_cur_u64le(cur);
        if ((uint64_t)value.mantissa == WIRE_ROWS_STALE)
            base_cur_fail(cur, ERR_SYNTAX); /* it has a tag */
    } else if ((tag & 15) == ROWS_TAG_NEW) {
        value.exponent = tag >> 4;
        value.mantissa = base_cur_zigzag(cur);
    } else if (tag == ROWS_TAG_STALE) {
        value.kind = BASE_NUM_STALE;
        value.mantissa = (int64_t)WIRE_ROWS_STALE;
    } else {
        base_cur_fail(cur, ERR_SYNTAX);
    }
    return value;
}

bool
wire_rows_body_read(struct base_cur *cur, struct wire_rows_state *state,
                    struct wire_rows_row *ret_row,
                    struct wire_rows_room *ret_room)
{
    if (!base_cur_ok(cur) || base_cur_left(cur) == 0)
        return false;
    uint8_t flags = base_cur_u8(cur);
    int64_t t = base_cur_zigzag(cur);
    if (flags & ROWS_ABSOLUTE)
        rows_forget(state);
    else
        t = (int64_t)((uint64_t)t + (uint64_t)state->t);
    if (flags & ~ROWS_FLAGS || state->stamp == 0)
        base_cur_fail(cur, ERR_SYNTAX);
    rows_columns_read(cur, flags, ret_row, ret_room->columns);
    if (!base_cur_ok(cur))
        return false;
    if (ret_room->columns[ret_row->count - 1] >= state->room) {
        base_cur_fail(cur, ERR_SYNTAX);
        return false;
    }
    for (uint32_t i = 0; i < ret_row->count && base_cur_ok(cur); i++) {
        uint32_t column = ret_room->columns[i];
        const struct wire_rows_cell *cell = wire_rows_cell(state, column);
        ret_room->values[i] = flags & ROWS_TAGGED
                                  ? rows_tagged_read(cur, state, cell)
                                  : rows_delta_read(cur, state, cell);
        rows_remember(state, column, ret_room->values[i]);
    }
    ret_row->t = state->t = t;
    return base_cur_ok(cur);
}

bool
wire_rows_read(struct base_cur *cur, struct wire_rows_state *state,
               struct wire_rows_row *ret_row, struct wire_rows_room *ret_room)
{
    if (!base_cur_ok(cur) || base_cur_left(cur) == 0)
        return false;
    uint64_t group = base_cur_varint(cur);
    if (group > UINT32_MAX)
        base_cur_fail(cur, ERR_SYNTAX);
    else if (base_cur_left(cur) == 0)
        base_cur_fail(cur, ERR_SHORT);
    ret_row->group = (uint32_t)group;
    return wire_rows_body_read(cur, state, ret_row, ret_room);
}

/* --- what the numbers mean --- */

static void
rows_text_write(struct base_out *out, struct bytes text)
{
    base_out_varint(out, text.size);
    base_out_bytes_add(out, text);
}

static struct bytes
rows_text_read(struct base_cur *cur)
{
    uint64_t size = base_cur_varint(cur);
    if (size > base_cur_left(cur)) {
        base_cur_fail(cur, ERR_SHORT);
        return (struct bytes){NULL, 0};
    }
    return base_cur_take(cur, (size_t)size);
}

static uint32_t
rows_number_read(struct base_cur *cur, uint32_t most)
{
    uint64_t value = base_cur_varint(cur);
    if (value > most) {
        base_cur_fail(cur, ERR_SYNTAX);
        return 0;
    }
    return (uint32_t)value;
}

void
wire_rows_group_write(struct base_out *out, const struct wire_rows_group *group)
{
    base_out_varint(out, group->group);
    base_out_varint(out, group->tenant);
    base_out_varint(out, group->count);
    for (uint32_t i = 0; i < group->count; i++) {
        rows_text_write(out, group->labels[i].name);
        rows_text_write(out, group->labels[i].value);
    }
}

bool
wire_rows_group_read(struct base_cur *cur, struct wire_rows_group *ret_group)
{
    ret_group->group = rows_number_read(cur, UINT32_MAX);
    ret_group->tenant = rows_number_read(cur, UINT32_MAX);
    ret_group->count = rows_number_read(cur, WIRE_ROWS_LABELS);
    for (uint32_t i = 0; i < ret_group->count && base_cur_ok(cur); i++) {
        ret_group->labels[i].name = rows_text_read(cur);
        ret_group->labels[i].value = rows_text_read(cur);
    }
    return base_cur_ok(cur);
}

void
wire_rows_column_write(struct base_out *out,
                       const struct wire_rows_column *column)
{
    base_out_varint(out, column->group);
    base_out_varint(out, column->column);
    rows_text_write(out, column->metric);
    base_out_u8(out, column->exponent);
}

bool
wire_rows_column_read(struct base_cur *cur, struct wire_rows_column *ret_column)
{
    ret_column->group = rows_number_read(cur, UINT32_MAX);
    ret_column->column = rows_number_read(cur, WIRE_ROWS_COLUMNS - 1);
    ret_column->metric = rows_text_read(cur);
    ret_column->exponent = base_cur_u8(cur);
    if (ret_column->exponent > 15)
        base_cur_fail(cur, ERR_SYNTAX);
    return base_cur_ok(cur);
}

void
wire_rows_drop_write(struct base_out *out, const struct wire_rows_drop *drop)
{
    base_out_zigzag(out, drop->from);
    base_out_zigzag(out, drop->to);
    base_out_varint(out, drop->count);
    for (uint32_t i = 0; i < drop->count; i++) {
        base_out_u8(out, drop->matchers[i].op);
        rows_text_write(out, drop->matchers[i].name);
        rows_text_write(out, drop->matchers[i].value);
    }
}

bool
wire_rows_drop_read(struct base_cur *cur, struct wire_rows_drop *ret_drop)
{
    ret_drop->from = base_cur_zigzag(cur);
    ret_drop->to = base_cur_zigzag(cur);
    ret_drop->count = rows_number_read(cur, WIRE_ROWS_LABELS);
    for (uint32_t i = 0; i < ret_drop->count && base_cur_ok(cur); i++) {
        ret_drop->matchers[i].op = base_cur_u8(cur);
        ret_drop->matchers[i].name = rows_text_read(cur);
        ret_drop->matchers[i].value = rows_text_read(cur);
        if (ret_drop->matchers[i].op > 3)
            base_cur_fail(cur, ERR_SYNTAX);
    }
    return base_cur_ok(cur);
}
