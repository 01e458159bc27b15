/* model_unit.c -- reading, multiplying and comparing units. */
#include "model/model_unit.h"

#include <stdio.h>

#include "base/base_dec.h"
#include "base/base_mem.h"
#include "model/model_near.h"

enum { UNIT_POWER_MAX = 24, UNIT_DEPTH = 8, UNIT_NOTE_MAX = 32 };

static const char *const unit_bases[MODEL_UNIT_BASES] = {
    "m", "g", "s", "A", "K", "mol", "cd", "bit"};

const struct model_unit model_unit_one = {.text = "1", .num = 1, .den = 1};

/* clang-format off */
static const struct unit_atom {
    const char *name;
    bool metric; /* takes prefixes */
    int8_t powers[MODEL_UNIT_BASES];
    int64_t num, den;
} unit_atoms[] = {
    /*                  m  g  s  A  K mol cd bit */
    {"m",      true,  { 1, 0, 0, 0, 0, 0, 0, 0}, 1, 1},
    {"g",      true,  { 0, 1, 0, 0, 0, 0, 0, 0}, 1, 1},
    {"s",      true,  { 0, 0, 1, 0, 0, 0, 0, 0}, 1, 1},
    {"A",      true,  { 0, 0, 0, 1, 0, 0, 0, 0}, 1, 1},
    {"K",      true,  { 0, 0, 0, 0, 1, 0, 0, 0}, 1, 1},
    {"mol",    true,  { 0, 0, 0, 0, 0, 1, 0, 0}, 1, 1},
    {"cd",     true,  { 0, 0, 0, 0, 0, 0, 1, 0}, 1, 1},
    {"bit",    true,  { 0, 0, 0, 0, 0, 0, 0, 1}, 1, 1},
    {"By",     true,  { 0, 0, 0, 0, 0, 0, 0, 1}, 8, 1},
    {"min",    false, { 0, 0, 1, 0, 0, 0, 0, 0}, 60, 1},
    {"h",      false, { 0, 0, 1, 0, 0, 0, 0, 0}, 3600, 1},
    {"d",      false, { 0, 0, 1, 0, 0, 0, 0, 0}, 86400, 1},
    {"mo",     false, { 0, 0, 1, 0, 0, 0, 0, 0}, 2629800, 1}, /* a / 12 */
    {"a",      false, { 0, 0, 1, 0, 0, 0, 0, 0}, 31557600, 1}, /* 365.25 d */
    {"t",      true,  { 0, 1, 0, 0, 0, 0, 0, 0}, 1000000, 1},
    {"L",      true,  { 3, 0, 0, 0, 0, 0, 0, 0}, 1, 1000},
    {"Hz",     true,  { 0, 0,-1, 0, 0, 0, 0, 0}, 1, 1},
    {"J",      true,  { 2, 1,-2, 0, 0, 0, 0, 0}, 1000, 1},
    {"W",      true,  { 2, 1,-3, 0, 0, 0, 0, 0}, 1000, 1},
    {"V",      true,  { 2, 1,-3,-1, 0, 0, 0, 0}, 1000, 1},
    {"%",      false, { 0, 0, 0, 0, 0, 0, 0, 0}, 1, 100},
};

static const struct unit_prefix {
    const char *name;
    int8_t ten, two; /* powers */
} unit_prefixes[] = {
    {"Ki", 0, 10}, {"Mi", 0, 20}, {"Gi", 0, 30}, {"Ti", 0, 40},
    {"da", 1, 0}, {"Y", 24, 0}, {"Z", 21, 0}, {"E", 18, 0}, {"P", 15, 0},
    {"T", 12, 0}, {"G", 9, 0}, {"M", 6, 0}, {"k", 3, 0}, {"h", 2, 0},
    {"d", -1, 0}, {"c", -2, 0}, {"m", -3, 0}, {"u", -6, 0}, {"n", -9, 0},
    {"p", -12, 0}, {"f", -15, 0}, {"a", -18, 0}, {"z", -21, 0}, {"y", -24, 0},
};
/* clang-format on */

static const char *const unit_offset[] = {"Cel",  "[degF]", "[degRe]",
                                          "[pH]", "B",      "Np"};

struct unit_reader {
    struct bytes text;
    size_t at;
    unsigned depth;
    enum err failed;
    struct base_note *note;
};

/* Both > 0 and below 2^127; false: beyond. */
static bool
unit_times(__int128 *a, __int128 b)
{
    const __int128 most = (__int128)(~(unsigned __int128)0 >> 1);
    if (*a > most / b)
        return false;
    *a *= b;
    return true;
}

static __int128
unit_gcd(__int128 a, __int128 b)
{
    while (b) {
        __int128 rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* factor *= num / den, reduced crosswise first, so that only a result that
 * does not fit is refused. */
static enum err
unit_scale(struct model_unit *unit, __int128 num, __int128 den)
{
    __int128 a = unit_gcd(unit->num, den), b = unit_gcd(num, unit->den);
    unit->num /= a;
    unit->den /= b;
    return unit_times(&unit->num, num / b) && unit_times(&unit->den, den / a)
               ? ERR_OK
               : ERR_RANGE;
}

static enum err
unit_power_add(int8_t *power, int by)
{
    int sum = *power + by;
    if (sum > UNIT_POWER_MAX || sum < -UNIT_POWER_MAX)
        return ERR_RANGE;
    *power = (int8_t)sum;
    return ERR_OK;
}

static enum err
unit_note_add(struct model_unit *unit, struct bytes text, int power)
{
    unsigned i = 0;
    while (i < unit->note_count &&
           base_bytes_compare(unit->notes[i].text, text) < 0)
        i++;
    struct model_unit_note *note = &unit->notes[i];
    size_t after = (size_t)(unit->note_count - i) * sizeof *note;
    if (i < unit->note_count && base_bytes_equal(note->text, text)) {
        enum err err = unit_power_add(&note->power, power);
        if (err == ERR_OK && note->power == 0) {
            memmove(note, note + 1, after - sizeof *note);
            unit->note_count--;
        }
        return err;
    }
    if (unit->note_count == MODEL_UNIT_NOTES)
        return ERR_LIMIT;
    memmove(note + 1, note, after);
    *note = (struct model_unit_note){text, (int8_t)power};
    unit->note_count++;
    return ERR_OK;
}

enum err
model_unit_multiply(struct model_unit *unit, const struct model_unit *by,
                    int power)
{
    struct model_unit made = *unit;
    enum err err = ERR_OK;
    made.text = NULL;
    if (power > UNIT_POWER_MAX || power < -UNIT_POWER_MAX)
        return ERR_RANGE;
    for (unsigned i = 0; err == ERR_OK && i < MODEL_UNIT_BASES; i++)
        err = unit_power_add(&made.powers[i], by->powers[i] * power);
    for (unsigned i = 0; err == ERR_OK && power && i < by->note_count; i++)
        err =
            unit_note_add(&made, by->notes[i].text, by->notes[i].power * power);
    for (int i = 0; err == ERR_OK && i < (power < 0 ? -power : power); i++)
        err = power < 0 ? unit_scale(&made, by->den, by->num)
                        : unit_scale(&made, by->num, by->den);
    if (err == ERR_OK)
        *unit = made;
    return err;
}

bool
model_unit_same_dimension(const struct model_unit *a,
                          const struct model_unit *b)
{
    if (memcmp(a->powers, b->powers, sizeof a->powers) != 0 ||
        a->note_count != b->note_count)
        return false;
    for (unsigned i = 0; i < a->note_count; i++)
        if (!base_bytes_equal(a->notes[i].text, b->notes[i].text) ||
            a->notes[i].power != b->notes[i].power)
            return false;
    return true;
}

bool
model_unit_equal(const struct model_unit *a, const struct model_unit *b)
{
    return model_unit_same_dimension(a, b) && a->num == b->num &&
           a->den == b->den;
}

const char *
model_unit_name(const struct model_unit *unit, char *to)
{
    if (unit->text)
        return unit->text;
    struct base_out out;
    char num[BASE_DEC_TEXT], den[BASE_DEC_TEXT];
    base_out_fixed(&out, to, MODEL_UNIT_TEXT - 1);
    base_out_text(&out, base_dec_int_text(unit->num, num));
    if (unit->den != 1)
        base_out_format(&out, "/%s", base_dec_int_text(unit->den, den));
    const char *join = " ";
    for (unsigned i = 0; i < MODEL_UNIT_BASES; i++) {
        if (unit->powers[i] == 0)
            continue;
        base_out_format(&out, "%s%s", join, unit_bases[i]);
        if (unit->powers[i] != 1)
            base_out_format(&out, "%d", unit->powers[i]);
        join = ".";
    }
    for (unsigned i = 0; i < unit->note_count; i++) {
        const struct model_unit_note *note = &unit->notes[i];
        base_out_format(&out, "%s{%.*s}", join, (int)note->text.size,
                        (const char *)note->text.at);
        if (note->power != 1)
            base_out_format(&out, "^%d", note->power);
        join = ".";
    }
    to[out.size] = 0;
    return to;
}

void
model_unit_write(struct base_out *out, const struct model_unit *unit)
{
    base_out_zigzag128(out, unit->num);
    base_out_zigzag128(out, unit->den);
    for (unsigned i = 0; i < MODEL_UNIT_BASES; i++)
        base_out_u8(out, (uint8_t)unit->powers[i]);
    base_out_u8(out, unit->note_count);
    for (unsigned i = 0; i < unit->note_count; i++) {
        base_out_varint(out, unit->notes[i].text.size);
        base_out_bytes_add(out, unit->notes[i].text);
        base_out_u8(out, (uint8_t)unit->notes[i].power);
    }
}

static enum err
unit_fail(struct unit_reader *reader, size_t at, enum err code,
          const char *text, const char *hint)
{
    if (reader->failed == ERR_OK)
        reader->failed = base_err_note_at(
            reader->note, code, "", 1, (uint32_t)at + 1, "the unit %.64s: %s%s",
            (const char *)reader->text.at, text, hint);
    return reader->failed;
}

static int
unit_peek(const struct unit_reader *reader)
{
    return reader->at < reader->text.size ? reader->text.at[reader->at] : -1;
}

static bool
unit_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

/* Digits at the cursor, at most this big; 0 digits give 0. */
static int
unit_digits(struct unit_reader *reader, int most)
{
    size_t start = reader->at;
    int64_t value = 0;
    while (unit_digit(unit_peek(reader)) && value <= most)
        value = value * 10 + (reader->text.at[reader->at++] - '0');
    if (value > most)
        unit_fail(reader, start, ERR_RANGE, "a number too big", "");
    return value > most ? 0 : (int)value;
}

/* An optional exponent: [+-]digits; 1 when there is none. */
static int
unit_exponent(struct unit_reader *reader)
{
    size_t start = reader->at;
    int sign = unit_peek(reader);
    if (sign == '+' || sign == '-')
        reader->at++;
    else if (!unit_digit(sign))
        return 1;
    if (!unit_digit(unit_peek(reader)))
        unit_fail(reader, start, ERR_SYNTAX, "an exponent has no digits", "");
    int value = unit_digits(reader, UNIT_POWER_MAX);
    return sign == '-' ? -value : value;
}

static const struct unit_atom *
unit_atom(struct bytes name, bool prefixed)
{
    for (unsigned i = 0; i < BASE_COUNT(unit_atoms); i++)
        if (base_bytes_is(name, unit_atoms[i].name) &&
            (unit_atoms[i].metric || !prefixed))
            return &unit_atoms[i];
    return NULL;
}

/* A symbol: an atom, or a prefix and a metric atom. */
static void
unit_symbol(struct unit_reader *reader, struct bytes name, size_t at,
            struct model_unit *ret_unit)
{
    const struct unit_prefix *prefix = NULL;
    const struct unit_atom *atom = unit_atom(name, false);
    for (unsigned i = 0; !atom && i < BASE_COUNT(unit_prefixes); i++) {
        prefix = &unit_prefixes[i];
        struct bytes lead = base_bytes_text(prefix->name);
        if (base_bytes_starts(name, lead))
            atom =
                unit_atom(base_bytes_slice(name, lead.size, name.size), true);
    }
    if (!atom) {
        struct model_near near;
        model_near_init(&near, name);
        for (unsigned i = 0; i < BASE_COUNT(unit_atoms); i++)
            model_near_offer(&near, unit_atoms[i].name);
        for (unsigned i = 0; i < BASE_COUNT(unit_offset); i++)
            if (base_bytes_is(name, unit_offset[i]))
                unit_fail(reader, at, ERR_UNSUPPORTED,
                          "a scale with an offset or a logarithm cannot be "
                          "added up",
                          "");
        unit_fail(reader, at, ERR_NAME, "unknown", model_near_hint(&near));
        return;
    }
    memcpy(ret_unit->powers, atom->powers, sizeof ret_unit->powers);
    ret_unit->num = atom->num;
    ret_unit->den = atom->den;
    enum err err = ERR_OK;
    for (int i = 0; prefix && err == ERR_OK && i < prefix->ten; i++)
        err = unit_scale(ret_unit, 10, 1);
    for (int i = 0; prefix && err == ERR_OK && i > prefix->ten; i--)
        err = unit_scale(ret_unit, 1, 10);
    if (prefix && prefix->two)
        err = unit_scale(ret_unit, (__int128)1 << prefix->two, 1);
    if (err != ERR_OK)
        unit_fail(reader, at, err, "its factor is too big", "");
}

static void
unit_annotation(struct unit_reader *reader, struct model_unit *unit)
{
    size_t start = reader->at++;
    while (unit_peek(reader) > ' ' && unit_peek(reader) != '}' &&
           unit_peek(reader) != '{')
        reader->at++;
    struct bytes text =
        base_bytes_slice(reader->text, start + 1, reader->at - start - 1);
    if (unit_peek(reader) != '}' || text.size == 0 ||
        text.size > UNIT_NOTE_MAX || !base_bytes_utf8(text)) {
        unit_fail(reader, start, ERR_SYNTAX,
                  "an annotation is {1 to 32 bytes without spaces}", "");
        return;
    }
    reader->at++;
    enum err err = unit_note_add(unit, text, 1);
    if (err != ERR_OK)
        unit_fail(reader, start, err, "too many annotations", "");
}

static void unit_term(struct unit_reader *reader, struct model_unit *unit);

/* A number: 10*n, 10^n, or a whole factor. */
static void
unit_number(struct unit_reader *reader, struct model_unit *unit)
{
    size_t start = reader->at;
    int value = unit_digits(reader, 1000000000);
    if (value == 0)
        unit_fail(reader, start, ERR_RANGE, "a factor of zero", "");
    unit->num = value ? value : 1;
    if (value == 10 && (unit_peek(reader) == '*' || unit_peek(reader) == '^')) {
        reader->at++;
        struct model_unit ten = *unit;
        *unit = model_unit_one;
        model_unit_multiply(unit, &ten, unit_exponent(reader));
    }
}

/* One component with its exponent and annotation. */
static void
unit_component(struct unit_reader *reader, struct model_unit *ret_unit)
{
    size_t start = reader->at;
    struct model_unit unit = model_unit_one;
    *ret_unit = model_unit_one;
    if (unit_peek(reader) == '(') {
        reader->at++;
        unit_term(reader, &unit);
        if (unit_peek(reader) != ')')
            unit_fail(reader, start, ERR_SYNTAX, "( without )", "");
        reader->at++;
    } else if (unit_digit(unit_peek(reader))) {
        unit_number(reader, &unit);
    } else if (unit_peek(reader) != '{') {
        while (unit_peek(reader) > ' ' &&
               !strchr("./(){}+-*^", unit_peek(reader)) &&
               !unit_digit(unit_peek(reader)))
            reader->at++;
        struct bytes name =
            base_bytes_slice(reader->text, start, reader->at - start);
        if (name.size == 0)
            unit_fail(reader, start, ERR_SYNTAX, "a unit is missing", "");
        else
            unit_symbol(reader, name, start, &unit);
    }
    if (model_unit_multiply(ret_unit, &unit, unit_exponent(reader)) != ERR_OK)
        unit_fail(reader, start, ERR_RANGE, "a power too high", "");
    if (unit_peek(reader) == '{')
        unit_annotation(reader, ret_unit);
}

/* [/] component { (. | /) component } */
static void
unit_term(struct unit_reader *reader, struct model_unit *unit)
{
    bool over = unit_peek(reader) == '/';
    if (++reader->depth > UNIT_DEPTH)
        unit_fail(reader, reader->at, ERR_LIMIT, "nested too deep", "");
    reader->at += over;
    while (reader->failed == ERR_OK) {
        size_t start = reader->at;
        struct model_unit part;
        unit_component(reader, &part);
        enum err err = model_unit_multiply(unit, &part, over ? -1 : 1);
        if (err != ERR_OK)
            unit_fail(reader, start, err, "beyond its range", "");
        int next = unit_peek(reader);
        if (next != '.' && next != '/')
            break;
        over = next == '/';
        reader->at++;
    }
    reader->depth--;
}

enum err
model_unit_parse(const char *text, struct model_unit *ret_unit,
                 struct base_note *note)
{
    struct unit_reader reader = {.text = base_bytes_text(text), .note = note};
    struct model_unit unit = model_unit_one;
    if (reader.text.size >= MODEL_UNIT_TEXT)
        unit_fail(&reader, 0, ERR_LIMIT, "too long", "");
    else
        unit_term(&reader, &unit);
    if (reader.failed == ERR_OK && reader.at < reader.text.size)
        unit_fail(&reader, reader.at, ERR_SYNTAX, "ended too late", "");
    if (reader.failed != ERR_OK)
        return reader.failed;
    unit.text = text;
    *ret_unit = unit;
    return ERR_OK;
}
