/* wire_promql_lex.c -- PromQL's words. */
#include "wire/promql/wire_promql_lex.h"

#include <stdlib.h>

#include "base/base_time.h"

void
wire_promql_lex_init(struct wire_promql_lex *lex, struct bytes text)
{
    *lex = (struct wire_promql_lex){.text = text};
}

static int
lex_peek(const struct wire_promql_lex *lex, size_t ahead)
{
    return lex->at + ahead < lex->text.size ? lex->text.at[lex->at + ahead]
                                            : -1;
}

static bool
lex_is_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

static bool
lex_is_word(int byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           byte == '_' || lex_is_digit(byte);
}

static void
lex_skip(struct wire_promql_lex *lex)
{
    for (int byte; (byte = lex_peek(lex, 0)) >= 0;) {
        if (byte == '#')
            while (lex_peek(lex, 0) >= 0 && lex_peek(lex, 0) != '\n')
                lex->at++;
        else if (byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r')
            lex->at++;
        else
            return;
    }
}

static struct wire_promql_token
lex_bad(struct wire_promql_lex *lex, const char *why)
{
    lex->why = why;
    return (struct wire_promql_token){.kind = WIRE_PROMQL_BAD,
                                      .at = (uint32_t)lex->at};
}

static struct wire_promql_token
lex_take(struct wire_promql_lex *lex, enum wire_promql_token_kind kind,
         size_t size)
{
    struct wire_promql_token token = {
        .kind = kind,
        .text = base_bytes_slice(lex->text, lex->at, size),
        .at = (uint32_t)lex->at,
    };
    lex->at += size;
    return token;
}

static size_t
lex_digits(const struct wire_promql_lex *lex, size_t from)
{
    while (lex_is_digit(lex_peek(lex, from)) || lex_peek(lex, from) == '_')
        from++;
    return from;
}

/* Digits and units in turn: 1h30m. */
static size_t
lex_duration(const struct wire_promql_lex *lex)
{
    size_t size = 0;
    for (;;) {
        size_t unit = size;
        while (lex_is_digit(lex_peek(lex, unit)))
            unit++;
        int byte = lex_peek(lex, unit);
        if (unit == size || byte < 0 || !strchr("smhdwy", byte))
            return size;
        size = unit + (byte == 'm' && lex_peek(lex, unit + 1) == 's' ? 2 : 1);
    }
}

static struct wire_promql_token
lex_number(struct wire_promql_lex *lex)
{
    size_t size = lex_duration(lex);
    if (size > 0 && !lex_is_word(lex_peek(lex, size)))
        return lex_take(lex, WIRE_PROMQL_DURATION, size);
    if (lex_peek(lex, 0) == '0' && (lex_peek(lex, 1) | 32) == 'x') {
        size = 2;
        while (lex_is_word(lex_peek(lex, size)))
            size++;
        return lex_take(lex, WIRE_PROMQL_NUM, size);
    }
    size = lex_digits(lex, 0);
    if (lex_peek(lex, size) == '.')
        size = lex_digits(lex, size + 1);
    if ((lex_peek(lex, size) | 32) == 'e') {
        size_t sign =
            lex_peek(lex, size + 1) == '+' || lex_peek(lex, size + 1) == '-'
                ? 2
                : 1;
        if (lex_is_digit(lex_peek(lex, size + sign)))
            size = lex_digits(lex, size + sign);
    }
    if (lex_is_word(lex_peek(lex, size)))
        return lex_bad(lex, "bad number or duration syntax");
    return lex_take(lex, WIRE_PROMQL_NUM, size);
}

static struct wire_promql_token
lex_string(struct wire_promql_lex *lex)
{
    int quote = lex_peek(lex, 0);
    for (size_t size = 1;; size++) {
        int byte = lex_peek(lex, size);
        if (byte < 0 || (byte == '\n' && quote != '`'))
            return lex_bad(lex, quote == '`' ? "unterminated raw string"
                                             : "unterminated quoted string");
        if (byte == quote)
            return lex_take(lex, WIRE_PROMQL_STR, size + 1);
        if (byte == '\\' && quote != '`')
            size++;
    }
}

struct wire_promql_token
wire_promql_lex_next(struct wire_promql_lex *lex)
{
    lex_skip(lex);
    int byte = lex_peek(lex, 0), next = lex_peek(lex, 1);
    if (byte < 0)
        return lex_take(lex, WIRE_PROMQL_END, 0);
    if (lex_is_digit(byte) || (byte == '.' && lex_is_digit(next)))
        return lex_number(lex);
    if (byte == '"' || byte == '\'' || byte == '`')
        return lex_string(lex);
    if (lex_is_word(byte) || byte == ':') {
        /* A lone ':' parts range and step in a subquery. */
        size_t size = 1;
        while (lex_is_word(lex_peek(lex, size)) || lex_peek(lex, size) == ':')
            size++;
        if (byte == ':' && (size == 1 || lex_is_digit(next)))
            return lex_take(lex, WIRE_PROMQL_SIGN, 1);
        return lex_take(lex, WIRE_PROMQL_IDENT, size);
    }
    static const char *const two[] = {"!=", "=~", "!~", "==", "<=", ">="};
    for (unsigned i = 0; i < sizeof two / sizeof *two; i++)
        if (byte == two[i][0] && next == two[i][1])
            return lex_take(lex, WIRE_PROMQL_SIGN, 2);
    if (byte < 128 && strchr("(){}[],:@=<>+-*/%^", byte) && byte != 0)
        return lex_take(lex, WIRE_PROMQL_SIGN, 1);
    return lex_bad(lex, "unexpected character");
}

static enum err
lex_hex(struct bytes text, double *ret_value)
{
    double value = 0;
    bool any = false;
    for (size_t i = 2; i < text.size; i++) {
        int byte = text.at[i] | 32;
        if (text.at[i] == '_')
            continue;
        if (!lex_is_digit(byte) && (byte < 'a' || byte > 'f'))
            return ERR_SYNTAX;
        value = value * 16 + (byte <= '9' ? byte - '0' : byte - 'a' + 10);
        any = true;
    }
    *ret_value = value;
    return any ? ERR_OK : ERR_SYNTAX;
}

enum err
wire_promql_lex_number(const struct wire_promql_token *token, double *ret_value)
{
    struct bytes text = token->text;
    if (token->kind == WIRE_PROMQL_DURATION) {
        int64_t ms;
        enum err err = base_time_span(text, &ms);
        if (err == ERR_OK)
            *ret_value = (double)ms / 1000;
        return err;
    }
    if (text.size > 1 && (text.at[1] | 32) == 'x')
        return lex_hex(text, ret_value);
    char plain[512];
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] == '_')
            continue;
        if (size == sizeof plain - 1)
            return ERR_RANGE;
        plain[size++] = (char)text.at[i];
    }
    plain[size] = 0;
    char *end;
    *ret_value = strtod(plain, &end);
    return end == plain + size && size > 0 ? ERR_OK : ERR_SYNTAX;
}

/* --- strings --- */

struct lex_unquote {
    struct bytes from;
    size_t at;
    uint8_t *to;
    size_t size;
};

static void
lex_rune(struct lex_unquote *u, uint32_t rune)
{
    uint8_t *to = u->to + u->size;
    if (rune < 0x80) {
        to[0] = (uint8_t)rune;
        u->size += 1;
    } else if (rune < 0x800) {
        to[0] = (uint8_t)(0xC0 | rune >> 6);
        to[1] = (uint8_t)(0x80 | (rune & 63));
        u->size += 2;
    } else if (rune < 0x10000) {
        to[0] = (uint8_t)(0xE0 | rune >> 12);
        to[1] = (uint8_t)(0x80 | (rune >> 6 & 63));
        to[2] = (uint8_t)(0x80 | (rune & 63));
        u->size += 3;
    } else {
        to[0] = (uint8_t)(0xF0 | rune >> 18);
        to[1] = (uint8_t)(0x80 | (rune >> 12 & 63));
        to[2] = (uint8_t)(0x80 | (rune >> 6 & 63));
        to[3] = (uint8_t)(0x80 | (rune & 63));
        u->size += 4;
    }
}

/* Digits of a base; false if one is missing or foreign. */
static bool
lex_code(struct lex_unquote *u, unsigned digits, unsigned base,
         uint32_t *ret_code)
{
    uint32_t code = 0;
    for (unsigned i = 0; i < digits; i++, u->at++) {
        if (u->at >= u->from.size)
            return false;
        int byte = u->from.at[u->at];
        int low = byte | 32;
        unsigned digit = lex_is_digit(byte) ? (unsigned)(byte - '0')
                         : (low >= 'a' && low <= 'f')
                             ? (unsigned)(low - 'a') + 10
                             : 99;
        if (digit >= base)
            return false;
        code = code * base + digit;
    }
    *ret_code = code;
    return true;
}

static bool
lex_escape(struct lex_unquote *u)
{
    static const char plain[] = "abfnrtv\\'\"";
    static const char means[] = "\a\b\f\n\r\t\v\\'\"";
    uint8_t byte = u->from.at[u->at];
    const char *hit = byte ? strchr(plain, byte) : NULL;
    uint32_t code;
    if (hit) {
        u->to[u->size++] = (uint8_t)means[hit - plain];
        u->at++;
        return true;
    }
    if (byte >= '0' && byte <= '7') {
        if (!lex_code(u, 3, 8, &code) || code > 255)
            return false;
        u->to[u->size++] = (uint8_t)code;
        return true;
    }
    u->at++;
    if (byte == 'x') {
        if (!lex_code(u, 2, 16, &code))
            return false;
        u->to[u->size++] = (uint8_t)code;
        return true;
    }
    if (byte != 'u' && byte != 'U')
        return false;
    if (!lex_code(u, byte == 'u' ? 4 : 8, 16, &code) || code > 0x10FFFF ||
        (code >= 0xD800 && code < 0xE000))
        return false;
    lex_rune(u, code);
    return true;
}

enum err
wire_promql_lex_string(const struct wire_promql_token *token,
                       struct base_arena *arena, struct bytes *ret_text)
{
    struct bytes inner = base_bytes_slice(token->text, 1, token->text.size - 2);
    if (token->text.at[0] == '`' ||
        base_bytes_find(inner, '\\') == inner.size) {
        *ret_text = inner;
        return ERR_OK;
    }
    struct lex_unquote u = {.from = inner,
                            .to = base_arena_alloc(arena, inner.size)};
    if (!u.to)
        return ERR_LIMIT;
    while (u.at < inner.size) {
        uint8_t byte = inner.at[u.at++];
        if (byte != '\\')
            u.to[u.size++] = byte;
        else if (!lex_escape(&u))
            return ERR_SYNTAX;
    }
    *ret_text = base_bytes(u.to, u.size);
    return ERR_OK;
}
