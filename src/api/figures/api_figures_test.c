/* api_figures_test.c -- what the console and the command line are given; the
 * routes are asked over HTTP by tests/whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api/figures/api_figures_json.h"
#include "api/figures/api_figures_table.h"
#include "base/base_mem.h"
#include "wire/figure/wire_explain.h"

static struct model_pack_input inputs[] = {
    {.name = "busy", .unit.text = "s", .metric = {(const uint8_t *)"b", 1}}};

static struct model_pack_measure measures[] = {
    {.name = "busy", .unit.text = "s", .scale = 2, .expr_text = "busy"},
    {.name = "all",
     .unit.text = "s",
     .scale = 2,
     .expr_text = "all",
     .label = {"总", "All"}},
};

static struct model_pack_metric metrics[] = {{.name = "share",
                                              .a = 0,
                                              .b = 1,
                                              .digits = 1,
                                              .unit = "%",
                                              .label = {"率", "Share"}}};

static const struct model_pack pack = {
    .name = "t",
    .version = "1.0.0",
    .calendar = {.zone_s = 28800},
    .inputs = inputs,
    .input_count = 1,
    .measures = measures,
    .measure_count = 2,
    .metrics = metrics,
    .metric_count = 1,
};

static const struct rollup_name share = {
    .pack = &pack,
    .metric = metrics,
    .name = "share",
    .unit = "%",
    .a = 2,
    .b = 3,
    .scale_a = 2,
    .scale_b = 2,
    .digits = 1,
};

static void
same(json_t *take, const char *text)
{
    char *got = json_dumps(take, JSON_COMPACT);
    assert_string_equal(got, text);
    free(got);
    json_decref(take);
}

static void
a_window_has_the_fields_of_the_rulings(void **state)
{
    (void)state;
    struct rollup_figure figure = {
        .window = UINT32_C(0x20000000) + 490000,
        .epoch = 3,
        .revision = 17,
        .state = ROLLUP_SEALED,
        .vintage = 1,
        .pending = true,
        .at_ms = 9,
        .sealed_ms = 5,
        .sum = {.present = true,
                .value = {INT64_C(42857142857142)},
                .n = 2,
                .reported = 2,
                .expected = 3},
    };
    json_t *to = api_figures_json_name(&share);
    api_figures_json_window(to, &share, &figure);
    static const char zeros[] = "0000000000000000000000000000000000000000000000"
                                "000000000000000000";
    char want[1024];
    snprintf(want, sizeof want,
             "{\"pack\":\"t\",\"name\":\"share\",\"unit\":\"%%\",\"digits\":1,"
             "\"label\":{\"zh\":\"率\",\"en\":\"Share\"},"
             "\"window\":\"2025-11-24T16\",\"freq\":\"hour\","
             "\"from\":1763971200000,\"to\":1763974800000,\"value\":\"42.9\","
             "\"n\":2,\"reported\":2,\"expected\":3,\"epoch\":3,"
             "\"revision\":17,\"shape\":\"%s\",\"state\":\"sealed\","
             "\"vintage\":1,\"pending\":true,\"asof\":9,\"sealed\":5,\"root\":"
             "\"%s\"}",
             zeros, zeros);
    same(to, want);
}

static void
parts_show_sums_in_their_unit_and_absent_is_null(void **state)
{
    (void)state;
    struct rollup_part parts[] = {{.from = {(const uint8_t *)"88.31", 5},
                                   .has_a = true,
                                   .a = -1234,
                                   .waiting = true,
                                   .expected = 2}};
    struct rollup_figure figure = {.parts = parts, .part_count = 1};
    same(api_figures_json_parts(&share, &figure, NULL),
         "[{\"kind\":\"node\",\"from\":\"88.31\",\"value\":null,\"n\":0,"
         "\"reported\":0,\"expected\":2,\"a\":\"-12.34\",\"b\":null,"
         "\"epoch\":0,\"revision\":0,\"waiting\":true}]");
}

static void
an_explanation_is_nested_as_it_was_walked(void **state)
{
    uint8_t room[512];
    struct base_out out;
    (void)state;
    base_out_fixed(&out, room, sizeof room);
    wire_explain_begin(&out);
    struct wire_explain_entry entry = {.kind = WIRE_EXPLAIN_NODE,
                                       .name = base_bytes_text("88"),
                                       .revision = 1,
                                       .epoch = 1};
    wire_explain_add(&out, &entry);
    entry.kind = WIRE_EXPLAIN_PART;
    entry.depth = 1;
    entry.why = ERR_TIMEOUT;
    entry.name = base_bytes_text("88.31");
    wire_explain_add(&out, &entry);
    entry =
        (struct wire_explain_entry){.kind = WIRE_EXPLAIN_UNIT,
                                    .depth = 1,
                                    .has = WIRE_EXPLAIN_SAMPLE | WIRE_EXPLAIN_A,
                                    .a = 100,
                                    .name = base_bytes_text("88/h"),
                                    .sequence = 9};
    wire_explain_add(&out, &entry);
    entry = (struct wire_explain_entry){.kind = WIRE_EXPLAIN_INPUT,
                                        .depth = 2,
                                        .has = WIRE_EXPLAIN_VALUE,
                                        .value = {INT64_C(1500000000000)},
                                        .name = base_bytes_text("busy")};
    wire_explain_add(&out, &entry);
    wire_explain_end(&out, 4);
    same(
        api_figures_entries(&share, base_out_bytes(&out), NULL),
        "[{\"kind\":\"node\",\"name\":\"88\",\"value\":null,\"n\":0,"
        "\"reported\":0,\"expected\":0,\"a\":null,\"b\":null,\"epoch\":1,"
        "\"revision\":1,\"below\":["
        "{\"kind\":\"part\",\"name\":\"88.31\",\"value\":null,\"n\":0,"
        "\"reported\":0,\"expected\":0,\"a\":null,\"b\":null,\"epoch\":1,"
        "\"revision\":1,\"why\":\"TIMEOUT\",\"below\":[]},"
        "{\"kind\":\"unit\",\"name\":\"88/h\",\"value\":null,\"n\":0,"
        "\"reported\":0,\"expected\":0,\"a\":\"1.00\",\"b\":null,\"epoch\":0,"
        "\"revision\":0,\"shard\":0,\"sequence\":9,\"below\":["
        "{\"kind\":\"input\",\"name\":\"busy\",\"value\":\"1.5\",\"a\":\"1.5\","
        "\"unit\":\"s\",\"metric\":\"b\",\"label\":{},\"below\":[]}]}]}]");
    same(api_figures_entries(&share, base_bytes(room, out.size - 1), NULL),
         "[]");
}

static void
a_table_is_csv_with_its_codes_and_absent_is_empty(void **state)
{
    static const char *codes[] = {"A", "B", "C"}, *kinds[] = {"x", "y"};
    struct model_pack with = pack;
    struct model_figure figure = {.mask = 5};
    struct base_out out;
    uint8_t room[512];
    (void)state;
    with.dims[0] =
        (struct model_pack_dim){.name = "region", .codes = codes, .count = 3};
    with.dims[1] =
        (struct model_pack_dim){.name = "kind", .codes = kinds, .count = 2};
    with.dim_count = 2;
    figure.slots[0].sum = 12;
    figure.slots[2].sum = -1234;
    base_out_fixed(&out, room, sizeof room);
    api_figures_table_head(&out, &with);
    api_figures_table_line(&out, &with, UINT32_C(0x20000000) + 490000,
                           &(struct rollup_line){
                               .from = base_bytes_text("88/a \"b\",c"),
                               .cell = 3,
                               .epoch = 2,
                               .revision = 40,
                               .figure = &figure,
                           });
    base_out_u8(&out, 0);
    assert_string_equal(
        (char *)room,
        "window,from,region,kind,epoch,revision,expected,reported,busy,all\n"
        "2025-11-24T16,\"88/a \"\"b\"\",c\",B,y,2,40,12,,-12.34,\n");
}

static void
a_pack_says_its_inputs_its_codes_and_its_checks(void **state)
{
    (void)state;
    const struct model_code leaf = {
        .code = "310000", .zh = "上海", .en = "Shanghai"};
    const struct model_code *leaves[] = {&leaf};
    const uint32_t parts[] = {0, 0};
    struct model_pack_sum sum = {.total = 0, .parts = parts, .count = 2};
    struct model_pack_check check = {.name = "adds",
                                     .level = MODEL_PACK_SOFT,
                                     .sums = &sum,
                                     .sum_count = 1,
                                     .message = {"差", "apart"}};
    struct model_pack whole = pack;
    whole.scope_text = "true";
    whole.dim_count = 1;
    whole.dims[0] = (struct model_pack_dim){
        .name = "region", .list = "gbt2260", .count = 1, .leaves = leaves};
    whole.checks = &check;
    whole.check_count = 1;
    json_t *to = api_figures_json_pack(&whole);
    same(json_incref(json_object_get(to, "dims")),
         "[{\"name\":\"region\",\"codes\":\"gbt2260\",\"leaves\":[{"
         "\"code\":\"310000\",\"label\":{\"zh\":\"上海\",\"en\":"
         "\"Shanghai\"}}]}]");
    same(json_incref(json_object_get(to, "checks")),
         "[{\"name\":\"adds\",\"level\":\"soft\",\"rule\":\"busy = busy + "
         "busy\",\"message\":{\"zh\":\"差\",\"en\":\"apart\"}}]");
    same(json_incref(json_object_get(to, "inputs")),
         "[{\"name\":\"busy\",\"unit\":\"s\",\"scale\":0,\"source\":"
         "\"series\",\"label\":{}}]");
    json_decref(to);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pack_says_its_inputs_its_codes_and_its_checks),
        cmocka_unit_test(a_table_is_csv_with_its_codes_and_absent_is_empty),
        cmocka_unit_test(a_window_has_the_fields_of_the_rulings),
        cmocka_unit_test(parts_show_sums_in_their_unit_and_absent_is_null),
        cmocka_unit_test(an_explanation_is_nested_as_it_was_walked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
