/* wire_csv_test.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/csv/wire_csv.h"
#include "wire/csv/wire_csv_value.h"

enum { CELLS = 4 };

static struct wire_csv_cell cells[CELLS];
static unsigned count;

static struct wire_csv
over(const char *text)
{
    return (struct wire_csv){.text = base_bytes_text(text),
                             .line = 1,
                             .separator = ',',
                             .last = true};
}

static enum err
next(struct wire_csv *csv)
{
    return wire_csv_next(csv, cells, CELLS, &count);
}

static void
cell_is(unsigned i, const char *text, uint32_t line, uint32_t column)
{
    uint8_t room[64];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    wire_csv_text(&cells[i], &out);
    assert_true(base_bytes_is(base_out_bytes(&out), text));
    assert_int_equal(cells[i].line, line);
    assert_int_equal(cells[i].column, column);
}

static void
records_come_with_their_places(void **state)
{
    (void)state;
    struct wire_csv csv = over("a,b\r\n\r\n\n\"x,\"\"y\n\",\xE6\x9C\xBA,9\n,");
    assert_int_equal(next(&csv), ERR_OK);
    assert_int_equal(count, 2);
    cell_is(0, "a", 1, 1);
    cell_is(1, "b", 1, 3);
    assert_int_equal(next(&csv), ERR_OK);
    assert_int_equal(count, 3);
    cell_is(0, "x,\"y\n", 4, 1);
    cell_is(1, "\xE6\x9C\xBA", 5, 3);
    cell_is(2, "9", 5, 5); /* one character, three bytes */
    assert_int_equal(next(&csv), ERR_OK);
    assert_int_equal(count, 2);
    cell_is(0, "", 6, 1);
    cell_is(1, "", 6, 2);
    assert_int_equal(next(&csv), ERR_ABSENT);
}

static void
a_broken_record_costs_only_its_line(void **state)
{
    (void)state;
    struct wire_csv csv = over("1,\"a\"b,2\n3,4\n1,2,3,4,5\n6\n7,\"open\n8\n");
    assert_int_equal(next(&csv), ERR_SYNTAX);
    assert_int_equal(csv.bad.line, 1);
    assert_int_equal(csv.bad.column, 3);
    assert_int_equal(next(&csv), ERR_OK);
    cell_is(0, "3", 2, 1);
    assert_int_equal(next(&csv), ERR_LIMIT);
    assert_int_equal(csv.bad.column, 9);
    assert_int_equal(next(&csv), ERR_OK);
    cell_is(0, "6", 4, 1);
    assert_int_equal(next(&csv), ERR_SYNTAX);
    assert_int_equal(csv.bad.line, 5);
    assert_int_equal(next(&csv), ERR_OK);
    cell_is(0, "8", 6, 1);
    assert_int_equal(next(&csv), ERR_ABSENT);
}

static void
a_record_that_is_not_all_there_is_waited_for(void **state)
{
    (void)state;
    static const char *const cuts[] = {"",      "a",       "a,", "a\r",   "\"a",
                                       "\"a\"", "\"a\"\r", "\n", "a,\"\n"};
    for (unsigned i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        struct wire_csv csv = over(cuts[i]);
        csv.last = false;
        assert_int_equal(next(&csv), ERR_AGAIN);
        assert_int_equal(csv.at, 0);
    }
}

static void
time_is(const char *pattern, const char *text, int32_t zone_s, bool ends,
        const char *want)
{
    struct wall time;
    char to[BASE_TIME_TEXT];
    enum err err = wire_csv_value_time(pattern, base_bytes_text(text), zone_s,
                                       ends, &time);
    if (want == NULL) {
        assert_int_not_equal(err, ERR_OK);
        return;
    }
    assert_int_equal(err, ERR_OK);
    assert_string_equal(base_time_text(time, 0, to), want);
}

static void
times_are_read_by_their_pattern(void **state)
{
    (void)state;
    time_is("%Y-%m-%d %H:%M:%S", "2013-12-02 21:15:00", 0, false,
            "2013-12-02T21:15:00.000Z");
    time_is("%d/%m/%Y %H:%M", "1/2/2018 00:15", 9 * 3600, false,
            "2018-01-31T15:15:00.000Z");
    time_is("%d/%m/%Y %H:%M", "31/12/2018 00:00", 0, true,
            "2019-01-01T00:00:00.000Z");
    time_is("%d/%m/%Y %H:%M", "31/12/2018 00:01", 0, true,
            "2018-12-31T00:01:00.000Z");
    time_is("%Y%m%dT%H%M%S.%f", "20180102T030405.6789", 0, false,
            "2018-01-02T03:04:05.678Z");
    time_is("iso", "2018-01-02T03:04:05+08:00", 0, false,
            "2018-01-01T19:04:05.000Z");
    time_is("epoch_s", "1514862245.5", 0, false, "2018-01-02T03:04:05.500Z");
    time_is("epoch_ms", "1514862245500", 0, false, "2018-01-02T03:04:05.500Z");
    time_is("%Y-%m-%d", "2018-02-29", 0, false, NULL);
    time_is("%Y-%m-%d", "2018-02-2x", 0, false, NULL);
    time_is("%Y-%m-%d", "2018-02-28 ", 0, false, NULL);
    time_is("epoch_s", "-5", 0, false, NULL);
    time_is("epoch_s", "-1e60", 0, false, NULL);
    time_is("epoch_s", "1e60", 0, false, NULL);
    assert_true(wire_csv_value_pattern("%d.%m.%Y"));
    assert_false(wire_csv_value_pattern("%d.%m.%y"));
    assert_false(wire_csv_value_pattern("%H:%M"));
    assert_false(wire_csv_value_pattern("%Y%m%d%"));
}

static void
number_is(const char *text, const char *scale, const char *want)
{
    struct wire_csv_value value, by;
    uint8_t room[128];
    struct base_out out;
    enum err err = wire_csv_value_read(base_bytes_text(text), '.', &value);
    if (err == ERR_OK && scale) {
        assert_int_equal(wire_csv_value_read(base_bytes_text(scale), '.', &by),
                         ERR_OK);
        err = wire_csv_value_times(value, by, &value);
    }
    if (want == NULL) {
        assert_int_not_equal(err, ERR_OK);
        return;
    }
    assert_int_equal(err, ERR_OK);
    base_out_fixed(&out, room, sizeof room);
    wire_csv_value_write(value, &out);
    base_out_u8(&out, 0);
    assert_string_equal((const char *)room, want);
}

static void
numbers_stay_exact(void **state)
{
    (void)state;
    number_is("73.96732207", NULL, "73.96732207");
    number_is("101.32568359999999", NULL, "101.32568359999999");
    number_is("03.06", NULL, "3.06");
    number_is("-0.50", NULL, "-0.5");
    number_is(".5", NULL, "0.5");
    number_is("0.1", "3", "0.3");
    number_is("3.17", "1000", "3170");
    number_is("1234500", NULL, "1234500");
    number_is("1e-3", NULL, "0.001");
    number_is("3e12", NULL, "3e12");
    number_is("1234567890123456789012345678901234e5", NULL,
              "1234567890123456789012345678901234e5");
    number_is("-0", NULL, "0");
    number_is("1234567890123456789012345678901234", NULL,
              "1234567890123456789012345678901234");
    number_is("12345678901234567890123456789012345", NULL, NULL);
    number_is("1234567890123456789", "1234567890123456789", NULL);
    number_is("1.2.3", NULL, NULL);
    number_is("1,5", NULL, NULL);
    number_is("", NULL, NULL);
    number_is("-", NULL, NULL);
    number_is("1e99", NULL, NULL);
    number_is("nan", NULL, NULL);
}

static void
a_decimal_comma_is_asked_for(void **state)
{
    (void)state;
    struct wire_csv_value value;
    assert_int_equal(wire_csv_value_read(base_bytes_text("1,5"), ',', &value),
                     ERR_OK);
    assert_true(value.mantissa == 15 && value.exponent == -1);
    assert_int_equal(wire_csv_value_read(base_bytes_text("1.5"), ',', &value),
                     ERR_SYNTAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_with_their_places),
        cmocka_unit_test(a_broken_record_costs_only_its_line),
        cmocka_unit_test(a_record_that_is_not_all_there_is_waited_for),
        cmocka_unit_test(times_are_read_by_their_pattern),
        cmocka_unit_test(numbers_stay_exact),
        cmocka_unit_test(a_decimal_comma_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
