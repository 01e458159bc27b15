/* api_figures_pack.c -- a pack as JSON: what it counts, by which rules, over
 * which codes, and what returns are held against. */
#include "api/figures/api_figures_json.h"

#include "base/base_b64.h"
#include "base/base_out.h"

static json_t *
json_freqs(const struct model_pack *pack)
{
    static const char *const seals[] = {
        [MODEL_PACK_SEAL_NONE] = "none",
        [MODEL_PACK_SEAL_MANUAL] = "manual",
        [MODEL_PACK_SEAL_AUTO] = "auto",
    };
    json_t *list = json_array();
    for (unsigned i = 0; i < pack->freq_count; i++) {
        const struct model_pack_freq *freq = &pack->freqs[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:I, s:I, s:I}", "freq",
                                        model_window_freq_name(freq->freq),
                                        "seal", seals[freq->seal], "due_ms",
                                        (json_int_t)freq->due_ms, "grace_ms",
                                        (json_int_t)freq->grace_ms, "keep_ms",
                                        (json_int_t)freq->keep_ms));
    }
    return list;
}

static json_t *
json_metric(const struct model_pack *pack,
            const struct model_pack_metric *metric)
{
    json_t *to = json_pack("{s:s, s:s*, s:i, s:o}", "name", metric->name,
                           "unit", metric->unit, "digits", (int)metric->digits,
                           "label", api_figures_json_label(metric->label));
    char minus[BASE_DEC_TEXT], times[BASE_DEC_TEXT];
    if (metric->derived) {
        json_object_set_new(to, "derived", json_string(metric->derived_text));
        return to;
    }
    json_object_set_new(to, "ratio",
                        json_pack("[s, s]", pack->measures[metric->a].name,
                                  pack->measures[metric->b].name));
    json_object_set_new(to, "minus",
                        json_string(base_dec_text(metric->minus, -1, minus)));
    json_object_set_new(to, "times",
                        json_string(base_dec_text(metric->times, -1, times)));
    return to;
}

static json_t *
json_dims(const struct model_pack *pack)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < pack->dim_count; i++) {
        const struct model_pack_dim *dim = &pack->dims[i];
        json_t *codes = json_array();
        for (uint32_t j = 0; j < dim->count; j++)
            json_array_append_new(
                codes, json_pack("{s:s, s:{s:s, s:s}}", "code",
                                 dim->leaves[j]->code, "label", "zh",
                                 dim->leaves[j]->zh, "en", dim->leaves[j]->en));
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:o}", "name", dim->name,
                                        "codes", dim->list, "leaves", codes));
    }
    return list;
}

static json_t *
json_inputs(const struct model_pack *pack)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < pack->input_count; i++) {
        const struct model_pack_input *input = &pack->inputs[i];
        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:i, s:s, s:o}", "name", input->name, "unit",
                      input->unit.text, "scale", (int)input->scale, "source",
                      input->source == MODEL_PACK_RETURN ? "return" : "series",
                      "label", api_figures_json_label(input->label)));
    }
    return list;
}

/* "assets = current_assets + fixed_assets"; of a pack's own making. */
static json_t *
json_sums(const struct model_pack *pack, const struct model_pack_check *check)
{
    char text[1024];
    struct base_out out;
    base_out_fixed(&out, text, sizeof text);
    for (unsigned i = 0; i < check->sum_count; i++) {
        const struct model_pack_sum *sum = &check->sums[i];
        base_out_format(&out, "%s%s", i ? ", " : "",
                        pack->inputs[sum->total].name);
        for (unsigned j = 0; j < sum->count; j++)
            base_out_format(&out, "%s%s", j ? " + " : " = ",
                            pack->inputs[sum->parts[j]].name);
    }
    return json_stringn(text, out.size);
}

static json_t *
json_checks(const struct model_pack *pack)
{
    static const char *const levels[] = {
        [MODEL_PACK_HARD] = "hard",
        [MODEL_PACK_SOFT] = "soft",
        [MODEL_PACK_INFO] = "info",
    };
    json_t *list = json_array();
    for (unsigned i = 0; i < pack->check_count; i++) {
        const struct model_pack_check *check = &pack->checks[i];
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:o, s:o}", "name", check->name,
                            "level", levels[check->level], "rule",
                            check->expr ? json_string(check->expr_text)
                                        : json_sums(pack, check),
                            "message", api_figures_json_label(check->message)));
    }
    return list;
}

json_t *
api_figures_json_pack(const struct model_pack *pack)
{
    char hex[65];
    json_t *metrics = json_array(), *measures = json_array();
    for (unsigned i = 0; i < pack->metric_count; i++)
        json_array_append_new(metrics, json_metric(pack, &pack->metrics[i]));
    for (unsigned i = 0; i < pack->measure_count; i++) {
        const struct model_pack_measure *measure = &pack->measures[i];
        json_array_append_new(
            measures,
            json_pack("{s:s, s:s, s:i, s:s, s:o}", "name", measure->name,
                      "unit", measure->unit.text, "scale", (int)measure->scale,
                      "expr", measure->expr_text, "label",
                      api_figures_json_label(measure->label)));
    }
    return json_pack("{s:s, s:s, s:o, s:s, s:i, s:o, s:s, s:o, s:o, s:o, s:o, "
                     "s:o}",
                     "pack", pack->name, "version", pack->version, "title",
                     api_figures_json_label(pack->title), "shape",
                     base_b64_hex(base_bytes(pack->shape, 32), hex), "zone_s",
                     (int)pack->calendar.zone_s, "freqs", json_freqs(pack),
                     "scope", pack->scope_text, "dims", json_dims(pack),
                     "metrics", metrics, "measures", measures, "checks",
                     json_checks(pack), "inputs", json_inputs(pack));
}
