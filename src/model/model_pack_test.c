/* model_pack_test.c -- loading packs: the shipped one, and everything that is
 * wrong with tests/packs/bad. */
#include "model/model_pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>

#include "base/base_b64.h"
#include "model/model_golden.h"
#include "model/model_source_test.h"
#include "model/model_value.h"
#include "model/model_yaml.h"

static const char *root;

static void
sha256(struct bytes data, uint8_t to[32])
{
    assert_int_equal(
        EVP_Digest(data.at, data.size, to, NULL, EVP_sha256(), NULL), 1);
}

static struct source_test
source(const struct source_test_file *files)
{
    struct source_test test = source_test(root, files);
    test.source.sha256 = sha256;
    return test;
}

/* clang-format off */
static const struct {
    const char *name;
    enum err err;
    uint32_t line, column;
    const char *part; /* of the sentence */
} bad[] = {
    {"base-of-series", ERR_TYPE, 22, 11, "base is for items of a return"},
    {"base-twice", ERR_NAME, 16, 3, "the input made_base stands twice"},
    {"check-both", ERR_TYPE, 43, 5, "a check has either assert or"},
    {"check-item", ERR_NAME, 44, 24, "did you mean busy?"},
    {"check-level", ERR_NAME, 43, 12, "did you mean hard?"},
    {"check-no-item", ERR_NAME, 44, 13, "the check names no item"},
    {"check-number", ERR_TYPE, 44, 19, "expected a truth value, found a"},
    {"check-sum-units", ERR_UNIT, 44, 23, "made is not in the unit of busy"},
    {"check-units", ERR_UNIT, 44, 21, "the units do not fit together:"},
    {"check-word", ERR_NAME, 45, 26, "{item} and {value} are filled in"},
    {"checks", ERR_UNSUPPORTED, 44, 5, "the key pair is not supported"},
    {"derived-circle", ERR_NAME, 42, 22, "unknown name more"},
    {"derived-derived", ERR_NAME, 46, 15, "unknown name more"},
    {"derived-none", ERR_NAME, 42, 14, "names a ratio or a measure"},
    {"derived-times", ERR_NAME, 43, 12, "times and minus are of ratios"},
    {"derived-unit", ERR_UNIT, 43, 11, "the metric is declared in KiBy"},
    {"dim-name-taken", ERR_NAME, 16, 3, "a dim has the name busy"},
    {"dims-missing", ERR_ABSENT, 15, 16, "the code list"},
    {"input-return", ERR_NAME, 29, 13, "did you mean return?"},
    {"micro", ERR_TYPE, 14, 8, "carry micro sends returns up, but busy"},
    {"table-absent", ERR_ABSENT, 43, 16, "the table packs/codes/../tables/none.csv"},
    {"table-key", ERR_NAME, 43, 37, "keys are dims of the pack and year"},
    {"table-name-taken", ERR_NAME, 43, 3, "an input has the name busy"},
    {"a-list", ERR_TYPE, 1, 1, "expected a map, found a list"},
    {"alias", ERR_SYNTAX, 21, 12, "an alias (*name) is not allowed"},
    {"anchor", ERR_SYNTAX, 4, 8, "an anchor (&name) is not allowed"},
    {"bad-agency", ERR_NAME, 3, 9, "expected a prefix such as 88.31"},
    {"bad-name", ERR_NAME, 1, 7, "a pack's name is words of a-z 0-9"},
    {"bad-span", ERR_TYPE, 8, 8, "expected a span such as 5s, 2m or"},
    {"bad-version", ERR_SYNTAX, 2, 10, "a version is three numbers: 1.0.0"},
    {"bad-zone", ERR_SYNTAX, 7, 9, "a zone is a fixed offset such as"},
    {"duplicate-input", ERR_NAME, 22, 3, "the key busy stands twice (first"},
    {"duplicate-key", ERR_NAME, 15, 1, "the key version stands twice"},
    {"empty", ERR_SYNTAX, 1, 1, "the file is empty"},
    {"expr-ill-typed", ERR_TYPE, 33, 33, "expected a number, found a truth"},
    {"expr-plus-number", ERR_UNIT, 33, 35, "the units do not fit together:"},
    {"expr-syntax", ERR_SYNTAX, 33, 35, "expected a value, found the end"},
    {"expr-table", ERR_UNSUPPORTED, 33, 33, "tables and members (x[...], x.y)"},
    {"expr-unknown-name", ERR_NAME, 33, 35, "did you mean made?"},
    {"expr-unlike-units", ERR_UNIT, 33, 35, "the units do not fit together:"},
    {"fold-integral-kind", ERR_TYPE, 29, 42, "the fold integral makes a flow,"},
    {"fold-no-states", ERR_NAME, 20, 22, "the fold time_in, and no other"},
    {"fold-of", ERR_UNIT, 20, 62, "this unit times a time is not"},
    {"fold-of-delta", ERR_NAME, 20, 59, "the fold integral, and no other"},
    {"fold-states-unit", ERR_UNIT, 20, 22, "the fold time_in gives whole ms"},
    {"fold-states-word", ERR_TYPE, 19, 61, "expected 1 to 32 states, such"},
    {"frequency-twice", ERR_NAME, 6, 16, "hour stands twice"},
    {"grace-before-due", ERR_RANGE, 9, 10, "grace ends before the window is"},
    {"grain", ERR_UNSUPPORTED, 12, 8, "only the grain object is"},
    {"input-celsius", ERR_UNSUPPORTED, 27, 11, "the unit Cel: a scale with an"},
    {"input-fold-kind", ERR_TYPE, 29, 42, "the fold delta makes a flow, the"},
    {"input-kind-later", ERR_UNSUPPORTED, 28, 11, "kind hist is not supported yet"},
    {"input-kind-unknown", ERR_NAME, 28, 11, "did you mean stock?"},
    {"input-match", ERR_SYNTAX, 29, 36, "the matcher: expected a name"},
    {"input-max", ERR_RANGE, 31, 10, "max is below min"},
    {"input-min", ERR_RANGE, 30, 10, "a bound has at most 0 decimals"},
    {"input-name", ERR_NAME, 16, 3, "a name is 1 to 48 of a-z 0-9 _, a"},
    {"input-regex", ERR_SYNTAX, 25, 30, "the regular expression a|(b:"},
    {"input-reserved", ERR_NAME, 16, 3, "for is a reserved word of CEL,"},
    {"input-scale", ERR_RANGE, 18, 12, "expected a whole number from 0 to"},
    {"input-unknown-unit", ERR_NAME, 27, 11, "the unit KiB: unknown"},
    {"keep-lacks-hour", ERR_NAME, 10, 9, "the frequency hour is missing here"},
    {"keep-of-another", ERR_NAME, 10, 22, "day is not a frequency of this"},
    {"keep-too-short", ERR_RANGE, 10, 18, "windows would be dropped before"},
    {"measure-factor", ERR_UNIT, 34, 40, "the expression is in KiBy, the"},
    {"measure-kind-later", ERR_UNSUPPORTED, 34, 15, "agg mean is not supported yet"},
    {"measure-kind", ERR_TYPE, 34, 15, "the input size is added up in"},
    {"measure-unit", ERR_UNIT, 33, 48, "the expression is in {pcs}, the"},
    {"measure-weight", ERR_UNSUPPORTED, 34, 10, "the key weight is not supported"},
    {"merge", ERR_NAME, 8, 10, "merge is for the frequency month"},
    {"merge-apart", ERR_SYNTAX, 8, 17, "months that follow each other"},
    {"metric-both", ERR_NAME, 42, 5, "either ratio or derived"},
    {"metric-later", ERR_UNSUPPORTED, 37, 5, "the key cumulative is not supported"},
    {"metric-minus", ERR_UNIT, 38, 12, "minus is for ratios of one unit"},
    {"metric-name-taken", ERR_NAME, 36, 3, "a measure has the name busy"},
    {"metric-operand", ERR_NAME, 37, 19, "did you mean busy?"},
    {"metric-three", ERR_TYPE, 37, 12, "a ratio is of two measures:"},
    {"metric-times", ERR_RANGE, 38, 12, "times is greater than 0"},
    {"metric-unit", ERR_UNIT, 39, 11, "the value is in 1/60 s-1.{pcs},"},
    {"metric-unknown", ERR_NAME, 37, 5, "did you mean ratio?"},
    {"missing-key", ERR_NAME, 1, 1, "the key carry is missing"},
    {"no-frequency", ERR_NAME, 6, 9, "a pack has at least one frequency"},
    {"not-yaml", ERR_SYNTAX, 7, 3, "did not find expected ',' or ']'"},
    {"other-name", ERR_NAME, 1, 7, "the pack good must stand in a"},
    {"scope-not-truth", ERR_TYPE, 13, 8, "expected a truth value, found a"},
    {"scope-syntax", ERR_SYNTAX, 13, 15, "= has no meaning here; equality"},
    {"scope-unknown-name", ERR_NAME, 13, 9, "did you mean class?"},
    {"second-document", ERR_SYNTAX, 31, 1, "a second document in one file"},
    {"shift", ERR_NAME, 6, 3, "the frequency shift needs shifts"},
    {"shifts-absent", ERR_ABSENT, 12, 11, "the shifts packs/bad/none.csv"},
    {"tag", ERR_SYNTAX, 18, 12, "a tag (!name) is not allowed here"},
    {"title-one-language", ERR_NAME, 4, 8, "the key en is missing"},
    {"unknown-frequency", ERR_NAME, 6, 10, "did you mean minute?"},
    {"unknown-input-key", ERR_NAME, 18, 5, "did you mean scale?"},
    {"unknown-key", ERR_NAME, 12, 1, "did you mean grain?"},
    {"unknown-seal", ERR_NAME, 11, 30, "did you mean auto?"},
};
/* clang-format on */

static const char *
bad_text(struct base_arena *arena, const char *name)
{
    struct source_test test = source(NULL);
    char path[128];
    struct bytes text = {0};
    snprintf(path, sizeof path, "tests/packs/bad/%s.yaml", name);
    assert_int_equal(
        test.source.load(&test.source, path, 1 << 20, arena, &text), ERR_OK);
    return base_arena_text(arena, text);
}

/* The text as the pack "bad". */
static enum err
load(const char *text, struct model_pack **ret_pack, struct base_note *note)
{
    const struct source_test_file files[] = {{"packs/bad/pack.yaml", text},
                                             {NULL, NULL}};
    struct source_test test = source(files);
    *note = (struct base_note){0};
    return model_pack_load(&test.source, "packs/bad", "packs/codes", ret_pack,
                           note);
}

static void
every_mistake_is_told_with_its_place(void **state)
{
    struct base_arena arena;
    struct model_pack *pack = NULL;
    struct base_note note;
    char **names;
    size_t count;
    (void)state;
    base_arena_init(&arena, 4 << 20);
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        enum err err = load(bad_text(&arena, bad[i].name), &pack, &note);
        if (err != bad[i].err || note.code != err || note.line != bad[i].line ||
            note.column != bad[i].column || !strstr(note.text, bad[i].part))
            fail_msg("%s: %s %u:%u %s", bad[i].name, base_err_name(err),
                     note.line, note.column, note.text);
        assert_null(pack);
        assert_string_equal(note.where, "packs/bad/pack.yaml");
    }
    struct source_test test = source(NULL);
    test.source.list(&test.source, "tests/packs/bad", &arena, &names, &count);
    assert_int_equal(count, BASE_COUNT(bad) + 1); /* and good.yaml */
    assert_int_equal(load(bad_text(&arena, "good"), &pack, &note), ERR_OK);
    model_pack_free(pack);
    assert_int_equal(model_pack_load(&test.source, "packs/none", "packs/codes",
                                     &pack, &note),
                     ERR_ABSENT);
    assert_string_equal(note.where, "packs/none/pack.yaml");
    base_arena_done(&arena);
}

static struct model_pack *
host(void)
{
    struct source_test test = source(NULL);
    struct model_pack *pack = NULL;
    struct base_note note = {0};
    if (model_pack_load(&test.source, "packs/host", "packs/codes", &pack,
                        &note) != ERR_OK)
        fail_msg("%s %u:%u %s", note.where, note.line, note.column, note.text);
    return pack;
}

static void
the_host_pack_is_what_the_rulings_say(void **state)
{
    struct model_pack *pack = host();
    const struct model_pack_freq *minute =
                                     model_pack_freq(pack, MODEL_FREQ_MINUTE),
                                 *hour = model_pack_freq(pack, MODEL_FREQ_HOUR);
    struct bytes id = base_bytes_text("88.31.1001/host");
    (void)state;
    assert_string_equal(pack->name, "host");
    assert_string_equal(pack->version, "1.0.0");
    assert_int_equal(pack->calendar.zone_s, 28800);
    assert_int_equal(pack->freq_count, 2);
    assert_int_equal(minute->due_ms, 5000);
    assert_int_equal(minute->keep_ms, INT64_C(7) * 86400000);
    assert_int_equal(minute->seal, MODEL_PACK_SEAL_NONE);
    assert_int_equal(hour->grace_ms, 120000);
    assert_int_equal(hour->keep_ms, INT64_C(400) * 86400000);
    assert_int_equal(hour->seal, MODEL_PACK_SEAL_AUTO);
    assert_null(model_pack_freq(pack, MODEL_FREQ_DAY));
    assert_int_equal(pack->cells, 1);
    assert_int_equal(pack->input_count, 11);
    assert_int_equal(pack->measure_count, 11);
    assert_int_equal(pack->metric_count, 3);
    const struct model_pack_input *cpu = &pack->inputs[0];
    assert_true(base_bytes_is(cpu->metric, "host_cpu_busy_seconds_total"));
    assert_int_equal(cpu->fold, MODEL_PACK_FOLD_DELTA);
    assert_int_equal(cpu->stale_ms, 86400000);
    assert_int_equal(pack->inputs[6].stale_ms, 300000);
    assert_int_equal(cpu->matcher_count, 1);
    assert_true(model_matcher_fits(cpu->matchers, cpu->metric));
    assert_string_equal(cpu->unit.text, "s");
    assert_int_equal(cpu->scale, 2);
    assert_true(model_pack_in_scope(pack, id, base_bytes_text("host"),
                                    (struct bytes){0}));
    assert_false(
        model_pack_in_scope(pack, id, base_bytes_text(""), (struct bytes){0}));
    struct model_pack_list list = {&pack, 1};
    unsigned index = 9;
    assert_ptr_equal(
        model_pack_list_find(&list, base_bytes_text("host"), &index), pack);
    assert_int_equal(index, 0);
    assert_null(model_pack_list_find(&list, base_bytes_text("hos"), NULL));
    assert_int_equal(model_pack_measure_find(pack, base_bytes_text("samples")),
                     10);
    assert_int_equal(model_pack_metric_find(pack, base_bytes_text("samples")),
                     -1);
    model_pack_free(pack);
}

/* doc/formats/shape.md quotes this; a change here is a change of format, and
 * every node of the tree must make it together. */
static void
the_shape_of_the_host_pack_is_golden(void **state)
{
    struct model_pack *pack = host();
    char hex[65];
    (void)state;
    assert_string_equal(
        base_b64_hex(base_bytes(pack->shape, 32), hex),
        "a618961857e23eadd8b8f4a5eee0d8da0237899ff71ceb8055b3f7af4eb66807");
    assert_true(pack->shape8 == UINT64_C(0xad3ee257189618a6));
    model_pack_free(pack);
}

/* good.yaml with one change. */
static uint64_t
shape_with(const char *good, const char *from, const char *to)
{
    struct model_pack *pack = NULL;
    struct base_note note;
    static char text[8192];
    const char *at = strstr(good, from);
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, to,
             at + strlen(from));
    if (load(text, &pack, &note) != ERR_OK)
        fail_msg("%s: %u:%u %s", to, note.line, note.column, note.text);
    uint64_t shape = pack->shape8;
    model_pack_free(pack);
    return shape;
}

static void
a_shape_changes_with_meaning_and_with_nothing_else(void **state)
{
    static const char *const same[][2] = {
        {"version: 1.0.0", "version: 1.2.0"},
        {"en: Bad", "en: Better"},
        {"due: 5s", "due: 6s"},
        {"hour: 400d", "hour: 401d"},
        {"freq: [minute, hour]", "freq: [hour, minute]"},
        {"\"made + made\"", "\"(made+made)\""},
        {"unit: KiBy\n", "unit: 1024.By\n"},
        {"\"class == 'host'\"", "(class=='host')"},
        {"times: 60", "digits: 5\n    times: 60"},
        {"min: 0", "min: 0\n    required: false"},
        {"'made_total{line=~\"a|b\"}'", "'made_total{ line =~ \"a|b\", }'"},
        {"stale: 10m", "stale: 600s"},
    };
    static const char *const other[][2] = {
        {"\"+08:00\"", "\"+09:00\""},
        {"\"made + made\"", "\"made * 2\""},
        {"== 'host'", "== 'pump'"},
        {"min: 0", "min: 1"},
        {"min: 0", "required: true"},
        {"stale: 10m", "stale: 11m"},
        {"a|b", "a|c"},
        {"=~\"a|b\"", "=\"a|b\""},
        {"match: busy_total", "match: busy"},
        {"fold: last", "fold: max"},
        {"  made: {agg", "  many: {agg"},
    };
    struct base_arena arena;
    (void)state;
    base_arena_init(&arena, 1 << 20);
    char *good =
        base_arena_text(&arena, base_bytes_text(bad_text(&arena, "good")));
    uint64_t shape = shape_with(good, "pack", "pack");
    for (size_t i = 0; i < BASE_COUNT(same); i++)
        assert_true(shape == shape_with(good, same[i][0], same[i][1]));
    *strstr(good, "metrics:") = 0; /* they name measures */
    assert_true(shape == shape_with(good, "pack", "pack"));
    for (size_t i = 0; i < BASE_COUNT(other); i++)
        assert_true(shape != shape_with(good, other[i][0], other[i][1]));
    base_arena_done(&arena);
}

/* good.yaml in shifts of this file. */
static enum err
load_shifts(const char *csv, struct model_pack **ret_pack,
            struct base_note *note)
{
    static char text[8192];
    struct base_arena arena;
    base_arena_init(&arena, 1 << 20);
    const char *given = bad_text(&arena, "shifts-absent");
    const char *at = strstr(given, "shifts: none");
    snprintf(text, sizeof text, "%.*sshifts: three%s", (int)(at - given), given,
             at + strlen("shifts: none"));
    base_arena_done(&arena);
    const struct source_test_file files[] = {{"packs/bad/pack.yaml", text},
                                             {"packs/bad/three.csv", csv},
                                             {NULL, NULL}};
    struct source_test test = source(files);
    *note = (struct base_note){0};
    return model_pack_load(&test.source, "packs/bad", "packs/codes", ret_pack,
                           note);
}

#define SHIFT_HEAD "shift,start,end,days,valid_from,valid_to\n"

static void
shifts_come_from_a_table(void **state)
{
    struct model_pack *pack = NULL;
    struct base_note note;
    uint32_t window;
    (void)state;
    assert_int_equal(load_shifts(SHIFT_HEAD "day,08:00,20:00,1234567,,\n"
                                            "night,20:00,08:00,12345,,\n",
                                 &pack, &note),
                     ERR_OK);
    assert_int_equal(pack->calendar.shift_count, 2);
    assert_int_equal(model_calendar_parse(&pack->calendar,
                                          base_bytes_text("2025-11-21.night"),
                                          &window),
                     ERR_OK);
    assert_int_equal(window & 7, 1);
    model_pack_free(pack);
}

static void
shifts_that_do_not_fit_are_refused(void **state)
{
    static const struct {
        const char *rows;
        enum err err;
        uint32_t line, column;
        const char *part;
    } cases[] = {
        {"a,08:00,24:00,1234567,,\n", ERR_SYNTAX, 2, 9, "a time of day"},
        {"a,8:00,20:00,1234567,,\n", ERR_SYNTAX, 2, 3, "a time of day"},
        {"a,08:00,20:00,0123,,\n", ERR_SYNTAX, 2, 15, "days of the week"},
        {"a,08:00,20:00,,,\n", ERR_SYNTAX, 2, 15, "days of the week"},
        {"A,08:00,20:00,1,,\n", ERR_NAME, 2, 1, "a shift's name"},
        {"a,08:00,20:00,1,2025-01-02,2025-01-02\n", ERR_RANGE, 2, 28,
         "valid_to must come after"},
        {"a,08:00,20:00,1,2025-01-02,\n", ERR_RANGE, 1, 1, "weeks without"},
        {"a,08:00,20:00,1,,2025-01-02\n", ERR_RANGE, 1, 1, "weeks without"},
        {"a,08:00,16:00,1,,\nb,15:59,20:00,1,,\n", ERR_RANGE, 3, 1,
         "begins before the shift before it ends"},
        {"b,16:00,20:00,1,,\na,08:00,16:00,1,,\n", ERR_RANGE, 3, 1,
         "begins before the shift before it ends"},
        {"a,08:00,08:00,1,,\nb,07:00,09:00,2,,\n", ERR_RANGE, 3, 1,
         "begins before the shift before it ends"},
        {"a,08:00,16:00,7,,\na,09:00,10:00,67,2025-01-01,\n", ERR_RANGE, 3, 1,
         "the shift a stands twice on some day"},
        {"", ERR_RANGE, 1, 1, "weeks without"},
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct model_pack *pack = NULL;
        struct base_note note;
        char text[512];
        snprintf(text, sizeof text, SHIFT_HEAD "%s", cases[i].rows);
        enum err err = load_shifts(text, &pack, &note);
        if (err != cases[i].err || note.line != cases[i].line ||
            note.column != cases[i].column || !strstr(note.text, cases[i].part))
            fail_msg("%zu: %s %u:%u %s", i, base_err_name(err), note.line,
                     note.column, note.text);
        assert_string_equal(note.where, "packs/bad/three.csv");
        assert_null(pack);
    }
}

static void
dims_run_over_the_leaves_of_code_lists(void **state)
{
    struct base_arena arena;
    struct model_pack *pack = NULL;
    struct base_note note;
    static char text[8192];
    (void)state;
    base_arena_init(&arena, 1 << 20);
    snprintf(text, sizeof text,
             "dims: {region: gbt2260, industry: gbt4754}\n%s",
             bad_text(&arena, "good"));
    assert_int_equal(load(text, &pack, &note), ERR_OK);
    assert_int_equal(pack->dim_count, 2);
    assert_int_equal(pack->dims[0].count, 31);
    assert_int_equal(pack->dims[1].count, 41);
    assert_int_equal(pack->dims[1].entries->count, 44);
    assert_string_equal(pack->dims[1].codes[0], "B06");
    assert_int_equal(pack->cells, 31 * 41);
    model_pack_free(pack);
    pack = NULL;
    snprintf(text, sizeof text,
             "dims: {a: gbt2260, b: gbt2260, c: gbt2260, d: gbt2260, e: "
             "gbt2260}\n%s",
             bad_text(&arena, "good"));
    assert_int_equal(load(text, &pack, &note), ERR_LIMIT);
    base_arena_done(&arena);
}

static const struct model_value_row *
row(uint64_t mask, const int64_t *values)
{
    static struct model_value_row made;
    made = (struct model_value_row){.mask = mask, .values = values};
    return &made;
}

static void
measures_and_metrics_have_one_arithmetic(void **state)
{
    struct base_arena arena;
    struct model_pack *pack = NULL;
    struct base_note note;
    struct model_figure figure;
    int64_t values[3] = {1050, 7, -1};
    struct dec value;
    char text[BASE_DEC_TEXT];
    (void)state;
    base_arena_init(&arena, 1 << 20);
    assert_int_equal(load(bad_text(&arena, "good"), &pack, &note), ERR_OK);
    assert_int_equal(model_value_unit(pack, row(3, values), &figure), 0);
    assert_true(figure.mask == 0xf);
    assert_int_equal(figure.slots[MODEL_FIGURE_REPORTED].sum, 1);
    assert_int_equal(figure.slots[MODEL_FIGURE_MEASURES + 1].sum, 14);
    assert_int_equal(model_value_metric(pack, 0, &figure, &value), ERR_OK);
    assert_string_equal(base_dec_text(value, -1, text), "80"); /* 14/10.5*60 */
    assert_int_equal(model_value_unit(pack, row(0, values), &figure), 0);
    assert_true(figure.mask == 1);
    assert_int_equal(model_value_metric(pack, 0, &figure, &value), ERR_ABSENT);
    values[1] = (INT64_C(1) << 43) - 1;
    assert_int_equal(model_value_unit(pack, row(2, values), &figure), 1);
    int64_t one = 5;
    assert_int_equal(model_value_measure(pack, 1, row(2, values), &one),
                     ERR_RANGE);
    assert_int_equal(one, 5);
    model_pack_free(pack);
    base_arena_done(&arena);
}

struct sink {
    struct model_golden_sink sink;
    unsigned failed;
    char last[256];
};

static void
sink_take(struct model_golden_sink *self,
          const struct model_golden_result *result)
{
    struct sink *sink = BASE_OUTER(self, struct sink, sink);
    if (result->passed)
        return;
    sink->failed++;
    snprintf(sink->last, sizeof sink->last, "%s:%u: %s: %s is %s, not %s",
             result->file, result->line, result->name, result->what,
             result->got, result->expected);
}

static enum err
golden(const char *text, struct sink *sink, struct model_golden_count *count,
       struct base_note *note)
{
    const struct source_test_file files[] = {
        {"p/golden/a.yaml", text}, {"p/golden/b.txt", "{"}, {NULL, NULL}};
    struct source_test test = source(files);
    struct model_pack *pack = host();
    *sink = (struct sink){.sink = {sink_take}};
    *note = (struct base_note){0};
    enum err err =
        model_golden_run(pack, &test.source, text ? "p" : "packs/host",
                         &sink->sink, count, note);
    model_pack_free(pack);
    return err;
}

static void
the_host_packs_examples_hold(void **state)
{
    struct sink sink;
    struct model_golden_count count;
    struct base_note note;
    (void)state;
    if (golden(NULL, &sink, &count, &note) != ERR_OK)
        fail_msg("%s: %s: %s", note.where, note.text, sink.last);
    assert_int_equal(count.cases, 11);
    assert_int_equal(count.failures, 0);
    assert_true(count.checks > 30);
}

/* Every measure, metric and check of each is in one of them. */
static void
the_examples_of_the_other_packs_hold(void **state)
{
    static const struct {
        const char *folder;
        uint32_t cells;
        unsigned checks;
    } packs[] = {{"packs/kpi/iso22400", 1, 0},
                 {"packs/energy/carbon", 31, 0},
                 {"packs/stats/industry", 41 * 31, 10}};
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(packs); i++) {
        struct source_test test = source(NULL);
        struct model_pack *pack = NULL;
        struct base_note note = {0};
        struct sink sink = {.sink = {sink_take}};
        struct model_golden_count count;
        if (model_pack_load(&test.source, packs[i].folder, "packs/codes", &pack,
                            &note) != ERR_OK)
            fail_msg("%s %u:%u %s", note.where, note.line, note.column,
                     note.text);
        assert_int_equal(pack->cells, packs[i].cells);
        assert_int_equal(pack->check_count, packs[i].checks);
        if (model_golden_run(pack, &test.source, packs[i].folder, &sink.sink,
                             &count, &note) != ERR_OK)
            fail_msg("%s: %s: %s", note.where, note.text, sink.last);
        assert_true(count.cases >= 6);
        model_pack_free(pack);
    }
}

#define CASE                                                                   \
    "cases:\n- name: n\n  window: 2025-11-22T04:55\n  units:\n    88/h:\n"     \
    "      class: host\n      inputs: {net_in: 5}\n"

static void
wrong_examples_are_told(void **state)
{
    static const struct {
        const char *text;
        enum err err;
        const char *part;
    } rows[] = {
        {CASE "  expect: {measures: {net_in: \"6\"}}", ERR_MISMATCH,
         "checks failed"},
        {CASE "  expect: {measures: {net_on: \"6\"}}", ERR_NAME, "net_on"},
        {CASE "  expect: {metrics: {net_in: \"6\"}}", ERR_NAME, "no metric"},
        {CASE "      samples: {x: []}\n  expect: {}", ERR_NAME, "no input x"},
        {CASE "      samples: {net_out: [1]}\n  expect: {}", ERR_TYPE,
         "[time, value]"},
        {CASE "      samples: {net_out: [[x, 1]]}\n  expect: {}", ERR_TYPE,
         "a span"},
        {CASE "      samples: {net_out: [[2s, 1], [1s, 2]]}\n  expect: {}",
         ERR_TIME, "rise"},
        {CASE "      samples: {net_out: [[2s, x]]}\n  expect: {}", ERR_TYPE,
         "a number"},
        {"cases:\n- {name: n, window: 2025-11-22, units: {}, expect: {}}",
         ERR_SYNTAX, "not a window"},
        {"cases: {}", ERR_TYPE, "a list"},
        {"cases: []", ERR_MISMATCH, "14 of 14"},
    };
    struct sink sink;
    struct model_golden_count count;
    struct base_note note;
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        enum err err = golden(rows[i].text, &sink, &count, &note);
        if (err != rows[i].err || !strstr(note.text, rows[i].part))
            fail_msg("%s: %s %s", rows[i].text, base_err_name(err), note.text);
    }
    golden(rows[0].text, &sink, &count, &note);
    assert_int_equal(count.failures, 14); /* 6 is not 5; 13 never asked for */
}

static void
roles_and_tables_can_be_read(void **state)
{
    static const char *const paths[] = {"packs/roles/nation.yaml",
                                        "packs/roles/province.yaml",
                                        "packs/roles/enterprise.yaml"};
    static const struct model_yaml_key keys[] = {
        {"engines", MODEL_YAML_LIST | MODEL_YAML_MUST},
        {"doors", MODEL_YAML_MAP | MODEL_YAML_MUST},
        {"packs", MODEL_YAML_LIST | MODEL_YAML_MUST},
        {"limits", MODEL_YAML_MAP | MODEL_YAML_MUST},
        {"retention", MODEL_YAML_SCALAR | MODEL_YAML_MUST},
        {"forward", MODEL_YAML_LIST | MODEL_YAML_MUST},
        {"children", MODEL_YAML_MAP | MODEL_YAML_MUST},
    };
    struct source_test test = source(NULL);
    struct base_arena arena;
    struct base_note note = {0};
    (void)state;
    base_arena_init(&arena, 4 << 20);
    for (size_t i = 0; i < BASE_COUNT(paths); i++) {
        struct model_yaml yaml = {.arena = &arena, .note = &note};
        const struct model_yaml_node *at[BASE_COUNT(keys)];
        struct bytes text = {0};
        assert_int_equal(
            test.source.load(&test.source, paths[i], 1 << 20, &arena, &text),
            ERR_OK);
        model_yaml_map(&yaml, model_yaml_read(&yaml, text, paths[i]), keys,
                       BASE_COUNT(keys), at);
        if (!model_yaml_ok(&yaml))
            fail_msg("%s: %s", paths[i], note.text);
    }
    base_arena_done(&arena);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_is_told_with_its_place),
        cmocka_unit_test(the_host_pack_is_what_the_rulings_say),
        cmocka_unit_test(the_shape_of_the_host_pack_is_golden),
        cmocka_unit_test(a_shape_changes_with_meaning_and_with_nothing_else),
        cmocka_unit_test(shifts_come_from_a_table),
        cmocka_unit_test(shifts_that_do_not_fit_are_refused),
        cmocka_unit_test(dims_run_over_the_leaves_of_code_lists),
        cmocka_unit_test(measures_and_metrics_have_one_arithmetic),
        cmocka_unit_test(the_host_packs_examples_hold),
        cmocka_unit_test(the_examples_of_the_other_packs_hold),
        cmocka_unit_test(wrong_examples_are_told),
        cmocka_unit_test(roles_and_tables_can_be_read),
    };
    root = argc > 1 ? argv[1] : ".";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
