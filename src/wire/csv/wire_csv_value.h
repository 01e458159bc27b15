/* wire_csv_value.h -- what a cell means: a moment, or an exact number.
 *
 * Times    by a pattern: %Y (4 digits) %m %d %H %M %S (1 or 2 digits), %f (1 to
 *          9 digits after a point, cut to ms), %% and every other character as
 *          itself; or by a word: "iso" (RFC 3339), "epoch_s" (with decimals or
 *          without), "epoch_ms".  What a pattern leaves out is its least value.
 *          `ends`: 00:00:00 is the end of the date that it stands beside, as
 *          meters that write the end of an interval have it.
 * Numbers  an optional sign, digits, at most one decimal sign (. or as asked),
 *          an optional exponent; leading zeros are zeros.  Exact: an integer of
 *          at most 34 digits times a power of ten, never a double.
 * Errors   SYNTAX, RANGE (a date that is none; too many digits).
 * Memory   none. */
#ifndef WIRE_CSV_VALUE_H
#define WIRE_CSV_VALUE_H

#include "base/base_out.h"
#include "base/base_time.h"

struct wire_csv_value {
    __int128 mantissa; /* |mantissa| < 10^34 */
    int exponent;      /* mantissa * 10^exponent, -64 .. 64 */
};

/* Is it a pattern that a time can be read by: with %Y, %m and %d, or a word? */
bool wire_csv_value_pattern(const char *pattern);
enum err wire_csv_value_time(const char *pattern, struct bytes text,
                             int32_t zone_s, bool ends, struct wall *ret_time);
enum err wire_csv_value_read(struct bytes text, uint8_t decimal,
                             struct wire_csv_value *ret_value);
enum err wire_csv_value_times(struct wire_csv_value a, struct wire_csv_value b,
                              struct wire_csv_value *ret_value);
/* As a JSON number: the digits it has, with an exponent only where more than 9
 * zeros would follow them, or more than 40 decimals. */
void wire_csv_value_write(struct wire_csv_value value, struct base_out *out);

#endif
