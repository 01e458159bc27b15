/* api_figures_table.c -- see api_figures_table.h. */
#include "api/figures/api_figures_table.h"

#include <string.h>

static const char *
table_code(const struct model_pack *pack, uint32_t cell, unsigned dim)
{
    for (unsigned d = pack->dim_count; d-- > dim + 1;)
        cell /= pack->dims[d].count;
    return pack->dims[dim].codes[cell % pack->dims[dim].count];
}

/* "" when the slot is absent. */
static const char *
table_value(const struct model_figure *figure, unsigned slot, unsigned scale,
            char text[BASE_DEC_TEXT])
{
    struct dec value;
    text[0] = '\0';
    if (figure->mask >> slot & 1 &&
        base_dec_from(figure->slots[slot].sum, scale, &value) == ERR_OK)
        base_dec_text(value, (int)scale, text);
    return text;
}

/* --- CSV --- */

static void
table_field(struct base_out *out, struct bytes text)
{
    bool quote = false;
    for (size_t i = 0; i < text.size; i++)
        quote |= memchr(",\"\r\n", text.at[i], 4) != NULL;
    if (!quote) {
        base_out_bytes_add(out, text);
        return;
    }
    base_out_u8(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] == '"')
            base_out_u8(out, '"');
        base_out_u8(out, text.at[i]);
    }
    base_out_u8(out, '"');
}

void
api_figures_table_head(struct base_out *out, const struct model_pack *pack)
{
    base_out_text(out, "window,from");
    for (unsigned d = 0; d < pack->dim_count; d++)
        base_out_format(out, ",%s", pack->dims[d].name);
    base_out_text(out, ",epoch,revision,expected,reported");
    for (unsigned i = 0; i < pack->measure_count; i++)
        base_out_format(out, ",%s", pack->measures[i].name);
    base_out_u8(out, '\n');
}

void
api_figures_table_line(struct base_out *out, const struct model_pack *pack,
                       uint32_t window, const struct rollup_line *line)
{
    char text[BASE_DEC_TEXT], name[MODEL_WINDOW_TEXT];
    const struct model_figure *figure = line->figure;
    base_out_text(out, model_calendar_text(&pack->calendar, window, name));
    base_out_u8(out, ',');
    table_field(out, line->from);
    for (unsigned d = 0; d < pack->dim_count; d++)
        base_out_format(out, ",%s", table_code(pack, line->cell, d));
    base_out_format(out, ",%u,%llu", line->epoch,
                    (unsigned long long)line->revision);
    for (unsigned i = 0; i < MODEL_FIGURE_MEASURES; i++)
        base_out_format(out, ",%s", table_value(figure, i, 0, text));
    for (unsigned i = 0; i < pack->measure_count; i++)
        base_out_format(out, ",%s",
                        table_value(figure, MODEL_FIGURE_MEASURES + i,
                                    pack->measures[i].scale, text));
    base_out_u8(out, '\n');
}

/* --- JSON --- */

static void
table_put(json_t *to, const char *key, const struct model_figure *figure,
          unsigned slot, unsigned scale)
{
    char text[BASE_DEC_TEXT];
    table_value(figure, slot, scale, text);
    json_object_set_new(to, key, text[0] ? json_string(text) : json_null());
}

json_t *
api_figures_table_json(const struct model_pack *pack,
                       const struct rollup_line *line)
{
    json_t *to = json_object(), *cell = json_object();
    json_t *measures = json_object();
    json_object_set_new(
        to, "from", json_stringn((const char *)line->from.at, line->from.size));
    for (unsigned d = 0; d < pack->dim_count; d++)
        json_object_set_new(cell, pack->dims[d].name,
                            json_string(table_code(pack, line->cell, d)));
    json_object_set_new(to, "cell", cell);
    json_object_set_new(to, "epoch", json_integer(line->epoch));
    json_object_set_new(to, "revision",
                        json_integer((json_int_t)line->revision));
    table_put(to, "expected", line->figure, MODEL_FIGURE_EXPECTED, 0);
    table_put(to, "reported", line->figure, MODEL_FIGURE_REPORTED, 0);
    for (unsigned i = 0; i < pack->measure_count; i++)
        table_put(measures, pack->measures[i].name, line->figure,
                  MODEL_FIGURE_MEASURES + i, pack->measures[i].scale);
    json_object_set_new(to, "measures", measures);
    return to;
}

static const char *
table_state(const struct rollup_line *line)
{
    if (line->gone)
        return "gone"; /* no longer counted */
    return line->waiting ? "waiting" : "given";
}

json_t *
api_figures_table_revision(const struct model_pack *pack,
                           const struct rollup_line *line)
{
    static const char *const reasons[] = {
        "",     "error", "audit",    "reclassified",
        "late", "moved", "restated", "void"};
    json_t *to = api_figures_table_json(pack, line), *inputs = json_object();
    json_object_set_new(to, "applied", json_integer(line->applied_ms));
    json_object_set_new(to, "state", json_string(table_state(line)));
    json_object_set_new(to, "reason",
                        line->reason > 0 && line->reason < BASE_COUNT(reasons)
                            ? json_string(reasons[line->reason])
                            : json_null());
    for (unsigned i = 0; i < pack->input_count; i++) {
        struct dec value;
        char text[BASE_DEC_TEXT];
        if (line->unit && line->inputs >> i & 1 &&
            base_dec_from(line->values[i], pack->inputs[i].scale, &value) ==
                ERR_OK)
            json_object_set_new(inputs, pack->inputs[i].name,
                                json_string(base_dec_text(value, -1, text)));
    }
    if (!line->unit) {
        json_decref(inputs);
        return to;
    }
    json_object_set_new(to, "inputs", inputs);
    json_object_set_new(to, "shard", json_integer((json_int_t)line->shard));
    json_object_set_new(to, "sequence",
                        json_integer((json_int_t)line->sequence));
    return to;
}
