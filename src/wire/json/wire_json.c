/* wire_json.c -- the pull parser: a byte of state and a bit per level. */
#include "wire/json/wire_json.h"

/* What may come next. */
enum json_expect {
    JSON_VALUE,
    JSON_FIRST, /* a value or "]" */
    JSON_FIELD, /* a name or "}" */
    JSON_NAME,  /* a name, after a comma */
    JSON_MORE,  /* a comma or the end of the container */
    JSON_DONE,  /* the end of the text */
};

void
wire_json_init(struct wire_json *json, struct bytes text)
{
    *json = (struct wire_json){.at = text.at, .expect = JSON_VALUE};
    json->end = text.size ? text.at + text.size : text.at;
}

static enum wire_json_kind
json_fail(struct wire_json *json, enum err why)
{
    if (json->failed == ERR_OK)
        json->failed = why;
    return WIRE_JSON_ERROR;
}

/* The next byte that is not white space; -1 at the end. */
static int
json_peek(struct wire_json *json)
{
    for (; json->at < json->end; json->at++) {
        uint8_t byte = *json->at;
        if (byte != ' ' && byte != '\n' && byte != '\t' && byte != '\r')
            return byte;
    }
    return -1;
}

static int
json_hex(const uint8_t *at, const uint8_t *end)
{
    int value = 0;
    if (end - at < 4)
        return -1;
    for (unsigned i = 0; i < 4; i++) {
        uint8_t c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* Size of the escape at `at` (a backslash) and its code point; 0: not one. */
static unsigned
json_escape(const uint8_t *at, const uint8_t *end, uint32_t *ret_point)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (end - at < 2)
        return 0;
    if (at[1] != 'u') {
        const char *found = memchr(from, at[1], sizeof from - 1);
        if (found == NULL)
            return 0;
        *ret_point = (uint8_t)to[found - from];
        return 2;
    }
    int high = json_hex(at + 2, end);
    if (high < 0 || (high >= 0xDC00 && high <= 0xDFFF))
        return 0;
    *ret_point = (uint32_t)high;
    if (high < 0xD800 || high > 0xDBFF)
        return 6;
    if (end - at < 12 || at[6] != '\\' || at[7] != 'u')
        return 0;
    int low = json_hex(at + 8, end);
    if (low < 0xDC00 || low > 0xDFFF)
        return 0;
    *ret_point = 0x10000u + (((uint32_t)high - 0xD800u) << 10) +
                 ((uint32_t)low - 0xDC00u);
    return 12;
}

/* json->at is behind the opening quote. */
static bool
json_string(struct wire_json *json, struct bytes *ret_text)
{
    const uint8_t *start = json->at, *at = start;
    bool wide = false;
    uint32_t point;
    json->escaped = false;
    while (at < json->end && *at != '"') {
        unsigned step = 1;
        if (*at < 0x20)
            return json_fail(json, ERR_SYNTAX), false;
        if (*at >= 0x80)
            wide = true;
        if (*at == '\\') {
            json->escaped = true;
            step = json_escape(at, json->end, &point);
            if (step == 0)
                return json_fail(json, ERR_SYNTAX), false;
        }
        at += step;
    }
    if (at >= json->end)
        return json_fail(json, ERR_SHORT), false;
    *ret_text = base_bytes(start, (size_t)(at - start));
    if (wide && !base_bytes_utf8(*ret_text))
        return json_fail(json, ERR_SYNTAX), false;
    json->at = at + 1;
    return true;
}

static const uint8_t *
json_digits(const uint8_t *at, const uint8_t *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

static enum wire_json_kind
json_number(struct wire_json *json, struct bytes *ret_text)
{
    const uint8_t *start = json->at, *at = start, *end = json->end;
    if (*at == '-')
        at++;
    const uint8_t *whole = at;
    at = json_digits(at, end);
    if (at == whole || (*whole == '0' && at - whole > 1))
        return json_fail(json, ERR_SYNTAX);
    if (at < end && *at == '.') {
        const uint8_t *part = ++at;
        at = json_digits(at, end);
        if (at == part)
            return json_fail(json, ERR_SYNTAX);
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        const uint8_t *part = at;
        at = json_digits(at, end);
        if (at == part)
            return json_fail(json, ERR_SYNTAX);
    }
    json->at = at;
    *ret_text = base_bytes(start, (size_t)(at - start));
    return WIRE_JSON_NUMBER;
}

static enum wire_json_kind
json_word(struct wire_json *json, const char *word, enum wire_json_kind kind)
{
    size_t size = strlen(word);
    size_t left = (size_t)(json->end - json->at);
    if (left < size || memcmp(json->at, word, size) != 0)
        return json_fail(json, ERR_SYNTAX);
    json->at += size;
    return kind;
}

static enum wire_json_kind
json_open(struct wire_json *json, bool object)
{
    if (json->depth == WIRE_JSON_DEPTH)
        return json_fail(json, ERR_LIMIT);
    uint32_t bit = 1u << json->depth++;
    json->objects = object ? json->objects | bit : json->objects & ~bit;
    json->expect = object ? JSON_FIELD : JSON_FIRST;
    json->at++;
    return object ? WIRE_JSON_OBJECT : WIRE_JSON_ARRAY;
}

static void
json_after_value(struct wire_json *json)
{
    json->expect = json->depth ? JSON_MORE : JSON_DONE;
}

static enum wire_json_kind
json_close(struct wire_json *json, bool object)
{
    json->at++;
    json->depth--;
    json_after_value(json);
    return object ? WIRE_JSON_OBJECT_END : WIRE_JSON_ARRAY_END;
}

static enum wire_json_kind
json_value(struct wire_json *json, int byte, struct bytes *ret_text)
{
    if (byte == '{' || byte == '[')
        return json_open(json, byte == '{');
    json_after_value(json);
    switch (byte) {
    case '"':
        json->at++;
        return json_string(json, ret_text) ? WIRE_JSON_STRING : WIRE_JSON_ERROR;
    case 't':
        return json_word(json, "true", WIRE_JSON_TRUE);
    case 'f':
        return json_word(json, "false", WIRE_JSON_FALSE);
    case 'n':
        return json_word(json, "null", WIRE_JSON_NULL);
    default:
        if (byte == '-' || (byte >= '0' && byte <= '9'))
            return json_number(json, ret_text);
        return json_fail(json, ERR_SYNTAX);
    }
}

static enum wire_json_kind
json_name(struct wire_json *json, int byte, struct bytes *ret_text)
{
    if (byte != '"')
        return json_fail(json, ERR_SYNTAX);
    json->at++;
    if (!json_string(json, ret_text))
        return WIRE_JSON_ERROR;
    byte = json_peek(json);
    if (byte != ':')
        return json_fail(json, byte < 0 ? ERR_SHORT : ERR_SYNTAX);
    json->at++;
    json->expect = JSON_VALUE;
    return WIRE_JSON_NAME;
}

enum wire_json_kind
wire_json_next(struct wire_json *json, struct bytes *ret_text)
{
    if (json->failed != ERR_OK)
        return WIRE_JSON_ERROR;
    int byte = json_peek(json);
    if (json->expect == JSON_DONE)
        return byte < 0 ? WIRE_JSON_END : json_fail(json, ERR_SYNTAX);
    bool object = json->depth && json->objects >> (json->depth - 1) & 1;
    if (json->expect == JSON_MORE) {
        if (byte == (object ? '}' : ']'))
            return json_close(json, object);
        if (byte != ',')
            return json_fail(json, byte < 0 ? ERR_SHORT : ERR_SYNTAX);
        json->at++;
        json->expect = object ? JSON_NAME : JSON_VALUE;
        byte = json_peek(json);
    }
    if (byte < 0)
        return json_fail(json, ERR_SHORT);
    if (json->expect == JSON_FIELD && byte == '}')
        return json_close(json, true);
    if (json->expect == JSON_FIRST && byte == ']')
        return json_close(json, false);
    if (json->expect == JSON_FIELD || json->expect == JSON_NAME)
        return json_name(json, byte, ret_text);
    return json_value(json, byte, ret_text);
}

static void
json_utf8(struct base_out *out, uint32_t point)
{
    if (point < 0x80) {
        base_out_u8(out, (uint8_t)point);
        return;
    }
    unsigned more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xC0, 0xE0, 0xF0};
    base_out_u8(out, (uint8_t)(lead[more] | point >> (6 * more)));
    while (more-- > 0)
        base_out_u8(out, (uint8_t)(0x80 | (point >> (6 * more) & 0x3F)));
}

void
wire_json_text(struct bytes string, struct base_out *out)
{
    if (string.size == 0)
        return;
    const uint8_t *at = string.at, *end = at + string.size;
    uint32_t point = 0;
    while (at < end) {
        const uint8_t *plain = at;
        while (at < end && *at != '\\')
            at++;
        base_out_bytes_add(out, base_bytes(plain, (size_t)(at - plain)));
        if (at == end)
            return;
        unsigned step = json_escape(at, end, &point);
        if (step == 0)
            return; /* not a string that wire_json_next has given */
        json_utf8(out, point);
        at += step;
    }
}
