/* stream_answer.c -- a query's result as the Prometheus API writes it.
 *
 * Times are seconds with at most three decimals, values are text. */
#include "engine/stream/stream_query.h"

static void
answer_time(struct base_out *out, int64_t ms)
{
    int64_t whole = ms / 1000, part = ms % 1000;
    if (part < 0)
        part = -part;
    if (ms < 0 && whole == 0)
        base_out_u8(out, '-');
    base_out_format(out, "%lld", (long long)whole);
    if (part == 0)
        return;
    char text[8] = {'.', (char)('0' + part / 100), (char)('0' + part / 10 % 10),
                    (char)('0' + part % 10), 0};
    for (int i = 3; text[i] == '0'; i--)
        text[i] = 0;
    base_out_text(out, text);
}

/* A JSON string (RFC 8259 section 7); labels are UTF-8 already. */
static void
answer_text(struct base_out *out, struct bytes text)
{
    base_out_u8(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.at[i];
        if (byte == '"' || byte == '\\')
            base_out_u8(out, '\\');
        if (byte < 0x20)
            base_out_format(out, "\\u%04x", byte);
        else
            base_out_u8(out, byte);
    }
    base_out_u8(out, '"');
}

static void
answer_point(struct base_out *out, int64_t t, struct num value)
{
    char text[BASE_NUM_TEXT];
    base_out_u8(out, '[');
    answer_time(out, t);
    base_out_format(out, ",\"%s\"]", base_num_text(value, text));
}

static void
answer_labels(struct base_out *out, const struct model_labels *labels)
{
    base_out_u8(out, '{');
    for (uint32_t i = 0; i < labels->count; i++) {
        if (i > 0)
            base_out_u8(out, ',');
        answer_text(out, labels->at[i].name);
        base_out_u8(out, ':');
        answer_text(out, labels->at[i].value);
    }
    base_out_u8(out, '}');
}

static void
answer_series(struct base_out *out, enum stream_query_type type,
              const struct stream_query_series *series)
{
    base_out_text(out, "{\"metric\":");
    answer_labels(out, series->labels);
    if (type == STREAM_QUERY_VECTOR) {
        base_out_text(out, ",\"value\":");
        answer_point(out, series->samples[0].t, series->samples[0].value);
        base_out_u8(out, '}');
        return;
    }
    base_out_text(out, ",\"values\":[");
    for (uint64_t i = 0; i < series->count; i++) {
        if (i > 0)
            base_out_u8(out, ',');
        answer_point(out, series->samples[i].t, series->samples[i].value);
    }
    base_out_text(out, "]}");
}

enum err
stream_query_json(const struct stream_query_result *result,
                  struct base_out *out)
{
    static const char *const types[] = {"scalar", "string", "vector", "matrix"};
    base_out_format(out,
                    "{\"resultType\":\"%s\",\"result\":", types[result->type]);
    if (result->type == STREAM_QUERY_SCALAR) {
        answer_point(out, result->t, base_num_double(result->scalar));
    } else if (result->type == STREAM_QUERY_STRING) {
        base_out_u8(out, '[');
        answer_time(out, result->t);
        base_out_u8(out, ',');
        answer_text(out, result->string);
        base_out_u8(out, ']');
    } else {
        base_out_u8(out, '[');
        for (uint32_t i = 0; i < result->count; i++) {
            if (i > 0)
                base_out_u8(out, ',');
            answer_series(out, result->type, &result->series[i]);
        }
        base_out_u8(out, ']');
    }
    base_out_u8(out, '}');
    return out->failed;
}
