/* model_return_test.c -- returns: the form, the checks, the measures. */
#include "model/model_return.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>

#include "base/base_mem.h"
#include "model/model_source_test.h"

static void
sha256(struct bytes data, uint8_t to[32])
{
    assert_int_equal(
        EVP_Digest(data.at, data.size, to, NULL, EVP_sha256(), NULL), 1);
}

static const char pack_text[] =
    "pack: works\n"
    "version: 1.0.0\n"
    "agency: \"88\"\n"
    "title: {zh: 厂, en: Works}\n"
    "window: {freq: month, merge: [\"01\", \"02\"], zone: \"+08:00\",\n"
    "  due: +16d12h, grace: 20d, keep: 4000d, seal: manual}\n"
    "grain: object\n"
    "scope: \"class == 'enterprise' && region != '540000'\"\n"
    "carry: micro\n"
    "dims: {region: region, ind: ind}\n"
    "tables:\n"
    "  factor: {file: factor, keys: [region, year], value: f, unit: '%'}\n"
    "  price: {file: price, keys: [ind], value: p, unit: \"1\"}\n"
    "inputs:\n"
    "  revenue: {unit: '{CNY}', scale: 1, kind: flow, source: return,\n"
    "    required: true, base: true, min: 0, label: {zh: 收入, en: Revenue},\n"
    "    help: {zh: 全部, en: All of it}, group: {zh: 损益, en: Profit}}\n"
    "  goods: {unit: '{CNY}', scale: 1, kind: flow, source: return,\n"
    "    label: {zh: 商品, en: Goods}}\n"
    "  services: {unit: '{CNY}', scale: 1, kind: flow, source: return,\n"
    "    label: {zh: 服务, en: Services}}\n"
    "measures:\n"
    "  revenue: {agg: flow, expr: revenue, unit: '{CNY}', scale: 1,\n"
    "    label: {zh: 收入, en: Revenue}}\n"
    "  factored: {agg: flow, expr: revenue * factor * price,\n"
    "    unit: '%.{CNY}', scale: 3, label: {zh: 乘, en: Factored}}\n"
    "  heavy: {agg: flow, expr: \"flag(ind, 'heavy') ? revenue : 0\",\n"
    "    unit: '{CNY}', scale: 1, label: {zh: 重, en: Heavy}}\n"
    "checks:\n"
    "  adds_up: {level: hard, tolerance: 0.1,\n"
    "    hierarchy: {revenue: [goods, services]},\n"
    "    message: {zh: \"{item}{value}，合计{sum}，差{difference}\",\n"
    "      en: \"{item}: {value}, parts {sum}, apart {difference}\"}}\n"
    "  jumped: {level: soft,\n"
    "    assert: \"!has(revenue_base) || revenue <= 2 * revenue_base\",\n"
    "    message: {zh: \"{item}翻番\", en: \"{item} doubled to {value}\"}}\n"
    "  light: {level: info, items: [goods],\n"
    "    assert: \"ind == 'C1' || goods > 0\",\n"
    "    message: {zh: 无, en: \"{item} is {value}\"}}\n";

#define CODES "code,parent,name_zh,name_en,valid_from,valid_to,flags\n"

static const struct source_test_file files[] = {
    {"packs/works/pack.yaml", pack_text},
    {"codes/region.csv", CODES "310000,,沪,SH,,,\n440000,,粤,GD,,,\n"},
    {"codes/ind.csv",
     CODES "C,,制,M,,,\nC1,C,一,One,,,\nC2,C,二,Two,,,heavy\n"},
    {"packs/works/factor.csv",
     "year,region,f\n2021,310000,50\n2023,310000,40\n2022,440000,25.5\n"},
    {"codes/../tables/price.csv", "ind,p\nC1,2\nC2,0.5\n"},
    {NULL, NULL},
};

static struct model_pack *
works(void)
{
    struct source_test test = source_test(NULL, files);
    struct model_pack *pack = NULL;
    struct base_note note = {0};
    test.source.sha256 = sha256;
    if (model_pack_load(&test.source, "packs/works", "codes", &pack, &note) !=
        ERR_OK)
        fail_msg("%s %u:%u %s", note.where, note.line, note.column, note.text);
    return pack;
}

enum { REVENUE, BASE, GOODS, SERVICES, ITEMS };

static uint32_t
window(const struct model_pack *pack, const char *text)
{
    uint32_t at = 0;
    assert_int_equal(
        model_calendar_parse(&pack->calendar, base_bytes_text(text), &at),
        ERR_OK);
    return at;
}

static void
a_form_has_its_items_in_order_and_last_years_beside(void **state)
{
    struct model_pack *pack = works();
    unsigned items[MODEL_PACK_INPUTS];
    (void)state;
    assert_int_equal(model_return_form(pack, items), ITEMS);
    for (unsigned i = 0; i < ITEMS; i++)
        assert_int_equal(items[i], i);
    assert_string_equal(pack->inputs[BASE].name, "revenue_base");
    assert_string_equal(pack->inputs[BASE].label.en,
                        "Revenue, same period last year");
    assert_string_equal(pack->inputs[BASE].label.zh, "收入（上年同期）");
    assert_true(pack->inputs[BASE].base);
    assert_false(pack->inputs[BASE].required);
    assert_true(pack->inputs[REVENUE].required);
    assert_string_equal(pack->inputs[REVENUE].help.en, "All of it");
    assert_string_equal(pack->inputs[REVENUE].group.zh, "损益");
    assert_null(pack->inputs[GOODS].help.zh);
    assert_int_equal(pack->carry, MODEL_PACK_MICRO);
    assert_int_equal(pack->freqs[0].due_ms,
                     INT64_C(16) * 86400000 + 12 * 3600000);
    model_pack_free(pack);
}

static void
numbers_are_taken_exactly_or_not_at_all(void **state)
{
    static const struct {
        const char *text;
        enum err err;
        int64_t want;
    } rows[] = {{"12.5", ERR_OK, 125},  {"-3", ERR_OK, -30},
                {"1e2", ERR_OK, 1000},  {"0.50", ERR_OK, 5},
                {"0.05", ERR_RANGE, 0}, {"1e13", ERR_RANGE, 0},
                {"", ERR_SYNTAX, 0},    {"1,000", ERR_SYNTAX, 0}};
    struct model_pack *pack = works();
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        int64_t value = 0;
        assert_int_equal(model_return_number(&pack->inputs[REVENUE],
                                             base_bytes_text(rows[i].text),
                                             &value),
                         rows[i].err);
        assert_int_equal(value, rows[i].want);
    }
    model_pack_free(pack);
}

/* "code check|item level text" per line; values -1: absent. */
static void
checks_say(struct model_pack *pack, const int64_t *given, uint32_t cell,
           const char *want)
{
    struct model_return_result *results;
    struct base_arena arena;
    struct base_out out;
    unsigned count;
    struct model_value_row row = {
        .values = given, .window = window(pack, "2023-03"), .cell = cell};
    for (unsigned i = 0; i < ITEMS; i++)
        row.mask |= (uint64_t)(given[i] != -1) << i;
    base_arena_init(&arena, 1 << 20);
    base_out_grow(&out, 1 << 16);
    assert_int_equal(model_return_check(pack, &row, &arena, &results, &count),
                     ERR_OK);
    for (unsigned i = 0; i < count; i++)
        base_out_format(
            &out, "%s %s %s %s|", model_return_code_name(results[i].code),
            results[i].check < 0 ? pack->inputs[results[i].item].name
                                 : pack->checks[results[i].check].name,
            model_return_level_name(results[i].level), results[i].en);
    base_out_u8(&out, 0);
    assert_string_equal((const char *)out.at, want);
    base_out_done(&out);
    base_arena_done(&arena);
}

static void
what_is_wrong_is_listed_with_its_texts(void **state)
{
    struct model_pack *pack = works();
    (void)state;
    checks_say(pack, (int64_t[]){1000, 900, 600, 400}, 1, "");
    checks_say(pack, (int64_t[]){1000, -1, 600, 401}, 1, "");
    checks_say(pack, (int64_t[]){1000, 900, 600, 402}, 1,
               "check_failed adds_up hard Revenue: 100.0, parts 100.2, apart "
               "-0.2|");
    checks_say(pack, (int64_t[]){-1, 900, 600, -1}, 1,
               "missing_item revenue hard Revenue is missing|");
    checks_say(pack, (int64_t[]){2001, 1000, 2001, 0}, 1,
               "check_failed jumped soft Revenue doubled to 200.1|");
    checks_say(pack, (int64_t[]){-5, -1, 0, -5}, 0,
               "out_of_range revenue hard Revenue: -0.5 is outside the range "
               "allowed|");
    checks_say(pack, (int64_t[]){0, -1, 0, 0}, 1,
               "check_failed light info Goods is 0.0|");
    checks_say(pack, (int64_t[]){0, -1, 0, 0}, 0, "");
    model_pack_free(pack);
}

static void
a_full_arena_is_a_limit(void **state)
{
    struct model_pack *pack = works();
    struct base_arena arena;
    struct model_return_result *results;
    unsigned count;
    int64_t values[ITEMS] = {0};
    struct model_value_row row = {.values = values};
    (void)state;
    base_arena_init(&arena, 16);
    assert_int_equal(model_return_check(pack, &row, &arena, &results, &count),
                     ERR_LIMIT);
    base_arena_done(&arena);
    model_pack_free(pack);
}

static int64_t
measure(struct model_pack *pack, unsigned index, const char *at,
        const char *codes)
{
    int64_t values[ITEMS] = {[REVENUE] = 1000}, value = 0;
    struct model_value_row row = {
        .mask = 1, .values = values, .window = window(pack, at)};
    assert_true(model_pack_cell(pack, base_bytes_text(codes), &row.cell));
    enum err err = model_value_measure(pack, index, &row, &value);
    return err == ERR_OK ? value : -(int64_t)err;
}

static void
tables_are_looked_up_by_codes_and_the_newest_year(void **state)
{
    struct model_pack *pack = works();
    (void)state;
    /* 100.0 * 50 % * 2 */
    assert_int_equal(measure(pack, 1, "2021-12", "ind=C1,region=310000"),
                     10000000);
    assert_int_equal(measure(pack, 1, "2022-12", "ind=C1,region=310000"),
                     10000000);
    assert_int_equal(measure(pack, 1, "2023-01..02", "ind=C1,region=310000"),
                     8000000);
    assert_int_equal(measure(pack, 1, "2030-12", "ind=C2,region=440000"),
                     1275000);
    assert_int_equal(measure(pack, 1, "2021-12", "ind=C2,region=440000"),
                     -(int64_t)ERR_ABSENT);
    assert_int_equal(measure(pack, 2, "2021-12", "ind=C2,region=440000"), 1000);
    assert_int_equal(measure(pack, 2, "2021-12", "ind=C1,region=440000"), 0);
    model_pack_free(pack);
}

static void
codes_place_a_unit_and_a_cell_names_its_codes(void **state)
{
    struct model_pack *pack = works();
    uint32_t cell = 9;
    struct bytes id = base_bytes_text("88.31.1/a"),
                 works_class = base_bytes_text("enterprise");
    (void)state;
    assert_true(model_pack_cell(
        pack, base_bytes_text("ind=C2,region=310000,x=1"), &cell));
    assert_int_equal(cell, 1);
    assert_string_equal(model_pack_cell_code(pack, 1, 0)->code, "310000");
    assert_string_equal(model_pack_cell_code(pack, 1, 1)->code, "C2");
    assert_string_equal(model_pack_cell_code(pack, 2, 1)->code, "C1");
    assert_false(
        model_pack_cell(pack, base_bytes_text("ind=C,region=310000"), &cell));
    assert_false(model_pack_cell(pack, base_bytes_text("ind=C2"), &cell));
    assert_true(model_pack_in_scope(pack, id, works_class,
                                    base_bytes_text("region=310000")));
    assert_false(model_pack_in_scope(pack, id, works_class,
                                     base_bytes_text("region=540000")));
    assert_false(
        model_pack_in_scope(pack, id, works_class, base_bytes_text("ind=C1")));
    model_pack_free(pack);
}

static void
a_shape_holds_tables_carry_and_the_origin_of_inputs(void **state)
{
    static const char *const other[][2] = {
        {"carry: micro", "carry: partial"},
        {"keys: [ind], value: p", "keys: [ind, year], value: p"},
        {"base: true, min: 0", "min: 0"},
    };
    struct model_pack *pack = works();
    static char text[sizeof pack_text + 64];
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(other); i++) {
        struct source_test_file changed[BASE_COUNT(files)];
        struct model_pack *again = NULL;
        struct base_note note = {0};
        memcpy(changed, files, sizeof files);
        const char *at = strstr(pack_text, other[i][0]);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - pack_text),
                 pack_text, other[i][1], at + strlen(other[i][0]));
        changed[0].text = text;
        if (i == 1)
            changed[4].text = "ind,p,year\nC1,2,2000\nC2,0.5,2000\n";
        if (i == 2)
            *strstr(text, "checks:") = 0;
        struct source_test test = source_test(NULL, changed);
        test.source.sha256 = sha256;
        if (model_pack_load(&test.source, "packs/works", "codes", &again,
                            &note) != ERR_OK)
            fail_msg("%s %u:%u %s", note.where, note.line, note.column,
                     note.text);
        assert_true(again->shape8 != pack->shape8);
        model_pack_free(again);
    }
    model_pack_free(pack);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_form_has_its_items_in_order_and_last_years_beside),
        cmocka_unit_test(numbers_are_taken_exactly_or_not_at_all),
        cmocka_unit_test(what_is_wrong_is_listed_with_its_texts),
        cmocka_unit_test(a_full_arena_is_a_limit),
        cmocka_unit_test(tables_are_looked_up_by_codes_and_the_newest_year),
        cmocka_unit_test(codes_place_a_unit_and_a_cell_names_its_codes),
        cmocka_unit_test(a_shape_holds_tables_carry_and_the_origin_of_inputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
