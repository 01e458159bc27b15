/* model_unit.h -- units of measure, as UCUM writes them.
 *
 * Why: adding seconds to kilometres is the oldest bug in statistics.  A unit
 * is read once, and what is compared afterwards are its dimensions and its
 * exact factor.
 *
 * Grammar  terms joined by . and /, exponents (m2, s-1), ( ), the powers of ten
 *          10*3 and 10^-6, whole numbers, prefixes (Y..y; Ki Mi Gi Ti), the
 *          atoms of spec rollup 4 and the SI base units, annotations {CNY}.
 *          "1" is the unit of a plain number.
 * Shape    powers of eight bases and of up to four annotations; the factor to
 *          the base units is num / den in lowest terms (both > 0).  In UCUM
 *          annotations have no dimension; here they do, or yuan would add to
 *          pieces.  The bit is a base too.
 * Range    powers +-24; num and den below 2^127.
 * Memory   a value; annotations point into the text it was read from.
 * Errors   SYNTAX, NAME (unknown atom), UNSUPPORTED (Cel and others with an
 *          offset), RANGE, LIMIT; notes have the column in the text.
 * Source   UCUM 2.1, tables 1 to 8; spec rollup 4. */
#ifndef MODEL_UNIT_H
#define MODEL_UNIT_H

#include "base/base_out.h"

enum { MODEL_UNIT_BASES = 8, MODEL_UNIT_NOTES = 4, MODEL_UNIT_TEXT = 160 };

struct model_unit_note {
    struct bytes text; /* without braces */
    int8_t power;
};

struct model_unit {
    const char *text;                /* as written; NULL for a computed one */
    int8_t powers[MODEL_UNIT_BASES]; /* m g s A K mol cd bit */
    uint8_t note_count;
    struct model_unit_note notes[MODEL_UNIT_NOTES]; /* sorted by text */
    __int128 num, den;
};

extern const struct model_unit model_unit_one;

enum err model_unit_parse(const char *text, struct model_unit *ret_unit,
                          struct base_note *note);
/* unit *= by^power.  RANGE or LIMIT: unit is left as it was. */
enum err model_unit_multiply(struct model_unit *unit,
                             const struct model_unit *by, int power);
bool model_unit_same_dimension(const struct model_unit *a,
                               const struct model_unit *b);
/* The same factor too. */
bool model_unit_equal(const struct model_unit *a, const struct model_unit *b);
/* As written, or "1000 g.m2.s-2.{CNY}"; to: MODEL_UNIT_TEXT bytes. */
const char *model_unit_name(const struct model_unit *unit, char *to);
/* Canonical bytes, for shapes (doc/formats/shape.md). */
void model_unit_write(struct base_out *out, const struct model_unit *unit);

#endif
