/* model_return.c -- holding a return against its pack. */
#include "model/model_return.h"

#include "base/base_out.h"

struct return_check {
    const struct model_pack *pack;
    const struct model_value_row *row;
    struct base_arena *arena;
    struct model_return_result *results;
    unsigned count;
    bool full;
};

static bool
return_value(const struct return_check *check, unsigned item,
             struct dec *ret_value)
{
    return check->row->mask >> item & 1 &&
           base_dec_from(check->row->values[item],
                         check->pack->inputs[item].scale, ret_value) == ERR_OK;
}

/* --- texts --- */

static void
return_number(struct base_out *out, bool has, struct dec value, unsigned digits)
{
    char text[BASE_DEC_TEXT];
    base_out_text(out, has ? base_dec_text(value, (int)digits, text) : "-");
}

static const char *
return_fill(struct return_check *check, const char *message, bool zh,
            const struct model_return_result *result)
{
    const struct model_pack_input *input = &check->pack->inputs[result->item];
    struct base_out out;
    struct bytes rest = base_bytes_text(message);
    base_out_grow(&out, 1 << 16);
    while (rest.size > 0) {
        size_t open = base_bytes_find(rest, '{');
        base_out_bytes_add(&out, base_bytes(rest.at, open));
        rest = base_bytes_slice(rest, open, rest.size);
        size_t close = base_bytes_find(rest, '}') + 1;
        struct bytes word = base_bytes_slice(rest, 0, close);
        rest = base_bytes_slice(rest, close, rest.size);
        if (base_bytes_is(word, "{item}"))
            base_out_text(&out, zh ? input->label.zh : input->label.en);
        else if (base_bytes_is(word, "{value}"))
            return_number(&out, result->has_value, result->value, input->scale);
        else if (base_bytes_is(word, "{sum}"))
            return_number(&out, result->has_sum, result->sum, input->scale);
        else if (base_bytes_is(word, "{difference}"))
            return_number(&out, result->has_sum, result->difference,
                          input->scale);
    }
    char *text = base_arena_text(check->arena, base_out_bytes(&out));
    check->full |= !text || !base_out_ok(&out);
    base_out_done(&out);
    return text;
}

static void
return_add(struct return_check *check, const struct model_pack_text *message,
           struct model_return_result result)
{
    result.has_value =
        return_value(check, (unsigned)result.item, &result.value);
    result.zh = return_fill(check, message->zh, true, &result);
    result.en = return_fill(check, message->en, false, &result);
    check->results[check->count++] = result;
}

/* --- items --- */

static void
return_item(struct return_check *check, unsigned item)
{
    static const struct model_pack_text missing = {"{item}：未填",
                                                   "{item} is missing"};
    static const struct model_pack_text range = {
        "{item}：{value} 超出允许范围",
        "{item}: {value} is outside the range allowed"};
    const struct model_pack_input *input = &check->pack->inputs[item];
    struct model_return_result result = {
        .level = MODEL_PACK_HARD, .check = -1, .item = (int)item};
    if (input->source != MODEL_PACK_RETURN)
        return;
    if (!(check->row->mask >> item & 1)) {
        result.code = MODEL_RETURN_MISSING;
        if (input->required)
            return_add(check, &missing, result);
        return;
    }
    int64_t value = check->row->values[item];
    result.code = MODEL_RETURN_RANGE;
    if (value < input->min || value > input->max)
        return_add(check, &range, result);
}

/* --- checks --- */

/* It has been told as missing: what rests on it cannot be right, and would only
 * say so again. */
static bool
return_missing(const struct return_check *check, uint32_t item)
{
    const struct model_pack_input *input = &check->pack->inputs[item];
    return input->source == MODEL_PACK_RETURN && input->required &&
           !(check->row->mask >> item & 1);
}

static bool
return_rests_on_missing(const struct return_check *check,
                        const struct model_pack_check *row)
{
    uint32_t slots[MODEL_PACK_SLOTS];
    unsigned count = model_expr_slots(row->expr, slots, MODEL_PACK_SLOTS);
    for (unsigned i = 0; i < count; i++)
        if (slots[i] < MODEL_PACK_SLOT_TABLE && return_missing(check, slots[i]))
            return true;
    return false;
}

static void
return_assert(struct return_check *check, unsigned index)
{
    const struct model_pack_check *row = &check->pack->checks[index];
    if (return_rests_on_missing(check, row) ||
        model_value_holds(check->pack, row->expr, check->row))
        return;
    return_add(check, &row->message,
               (struct model_return_result){.code = MODEL_RETURN_CHECK,
                                            .level = row->level,
                                            .check = (int)index,
                                            .item = (int)row->items[0]});
}

/* Within 10^-12 of 2^63 sums of 2^43 cannot overflow: 64 parts at most. */
static void
return_sum(struct return_check *check, unsigned index,
           const struct model_pack_sum *sum)
{
    const struct model_pack_check *row = &check->pack->checks[index];
    struct dec stated = {0}, part, zero = {0}, apart;
    struct model_return_result result = {.code = MODEL_RETURN_CHECK,
                                         .level = row->level,
                                         .check = (int)index,
                                         .item = (int)sum->total,
                                         .has_sum = true};
    bool any = return_value(check, sum->total, &stated), parts = false,
         missing = return_missing(check, sum->total);
    for (unsigned i = 0; i < sum->count; i++)
        missing |= return_missing(check, sum->parts[i]);
    for (unsigned i = 0; i < sum->count; i++)
        if (return_value(check, sum->parts[i], &part)) {
            parts = true;
            base_dec_add(result.sum, part, &result.sum);
        }
    if ((!any && !parts) || missing)
        return;
    base_dec_sub(stated, result.sum, &result.difference);
    apart = result.difference;
    if (base_dec_compare(apart, zero) < 0)
        base_dec_sub(zero, apart, &apart);
    if (!any || base_dec_compare(apart, row->tolerance) > 0)
        return_add(check, &row->message, result);
}

/* --- the whole --- */

enum err
model_return_check(const struct model_pack *pack,
                   const struct model_value_row *row, struct base_arena *arena,
                   struct model_return_result **ret_results,
                   unsigned *ret_count)
{
    struct return_check check = {.pack = pack, .row = row, .arena = arena};
    size_t most = pack->input_count;
    for (unsigned i = 0; i < pack->check_count; i++)
        most += pack->checks[i].expr ? 1 : pack->checks[i].sum_count;
    check.results = base_arena_alloc(arena, (most + 1) * sizeof *check.results);
    if (!check.results)
        return ERR_LIMIT;
    for (unsigned i = 0; i < pack->input_count; i++)
        return_item(&check, i);
    for (unsigned i = 0; i < pack->check_count; i++) {
        const struct model_pack_check *one = &pack->checks[i];
        if (one->expr)
            return_assert(&check, i);
        for (unsigned s = 0; s < one->sum_count; s++)
            return_sum(&check, i, &one->sums[s]);
    }
    if (check.full)
        return ERR_LIMIT;
    *ret_results = check.results;
    *ret_count = check.count;
    return ERR_OK;
}

unsigned
model_return_form(const struct model_pack *pack,
                  unsigned ret_items[MODEL_PACK_INPUTS])
{
    unsigned count = 0;
    for (unsigned i = 0; i < pack->input_count; i++)
        if (pack->inputs[i].source == MODEL_PACK_RETURN)
            ret_items[count++] = i;
    return count;
}

enum err
model_return_number(const struct model_pack_input *input, struct bytes text,
                    int64_t *ret_value)
{
    struct dec value, back;
    int64_t number = 0;
    enum err err = base_dec_parse(text, &value);
    if (err == ERR_OK)
        err = base_dec_to(value, input->scale, BASE_DEC_HALF_EVEN, &number);
    if (err == ERR_OK)
        err = base_dec_from(number, input->scale, &back);
    if (err == ERR_OK &&
        (base_dec_compare(value, back) != 0 || number > MODEL_FIGURE_UNIT_MAX ||
         number < -MODEL_FIGURE_UNIT_MAX))
        err = ERR_RANGE;
    if (err == ERR_OK)
        *ret_value = number;
    return err;
}

const char *
model_return_code_name(enum model_return_code code)
{
    static const char *const names[] = {
        [MODEL_RETURN_MISSING] = "missing_item",
        [MODEL_RETURN_RANGE] = "out_of_range",
        [MODEL_RETURN_CHECK] = "check_failed",
    };
    return names[code];
}

const char *
model_return_level_name(enum model_pack_level level)
{
    static const char *const names[] = {
        [MODEL_PACK_HARD] = "hard",
        [MODEL_PACK_SOFT] = "soft",
        [MODEL_PACK_INFO] = "info",
    };
    return names[level];
}
