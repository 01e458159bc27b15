/* stream_query_test.c -- queries over a stream, as JSON. */
#include "engine/stream/stream_query.h"
#include "engine/stream/stream_world_test.h"

enum { ASK_ROOM = 4096 };

static struct world world;
static char answer[ASK_ROOM];

static void
put(const char *id, const char *metric, int64_t t, struct num value)
{
    stream_learn(world.stream, base_bytes_text(id));
    assert_int_equal(
        world_write(&world, id, metric, world_start_ms + t, value, NULL),
        ERR_OK);
}

/* m of 88/a: 1 at 0 s, 2 at 10 s, stale at 20 s, 3 at 30 s. */
static int
world_with_samples(void **state)
{
    static const struct num stale = {.mantissa = INT64_C(0x7ff0000000000002),
                                     .kind = BASE_NUM_STALE};
    (void)state;
    world_init(&world, 1);
    world_open(&world);
    put("88/a", "m", 0, world_num(1));
    put("88/a", "m", 10000, world_num(2));
    put("88/a", "m", 20000, stale);
    put("88/a", "m", 30000, world_num(3));
    put("88/b", "m", 0, (struct num){.mantissa = 125, .exponent = 2});
    put("88/b", "x", 500, world_num(-4));
    return 0;
}

static int
world_gone(void **state)
{
    (void)state;
    world_done(&world);
    return 0;
}

static const char *
ask(const char *text, int64_t start, int64_t end, int64_t step)
{
    struct stream_query query = {
        .text = base_bytes_text(text),
        .start = world_start_ms + start,
        .end = world_start_ms + end,
        .step = step,
    };
    struct stream_query_result result;
    struct base_note note = {0};
    struct base_out out;
    base_arena_reset(&world.arena);
    base_out_grow(&out, ASK_ROOM);
    enum err err =
        stream_query_run(world.stream, &query, &world.arena, &result, &note);
    if (err == ERR_OK)
        err = stream_query_json(&result, &out);
    if (err != ERR_OK)
        snprintf(answer, sizeof answer, "%s: %s", base_err_name(err),
                 note.text);
    else
        base_bytes_string(base_out_bytes(&out), answer, sizeof answer);
    base_out_done(&out);
    return answer;
}

static const char *
at(const char *text, int64_t t)
{
    return ask(text, t, t, 0);
}

#define VECTOR(rows) "{\"resultType\":\"vector\",\"result\":[" rows "]}"
#define MATRIX(rows) "{\"resultType\":\"matrix\",\"result\":[" rows "]}"
#define M_A "{\"metric\":{\"__name__\":\"m\",\"id\":\"88/a\"},"

static void
one_and_one_is_two(void **state)
{
    (void)state;
    assert_string_equal(
        at("1+1", 4000),
        "{\"resultType\":\"scalar\",\"result\":[1763787604,\"2\"]}");
    assert_string_equal(at("-2^2 / 3 % 1", 5),
                        "{\"resultType\":\"scalar\",\"result\":[1763787600.005,"
                        "\"-0.33333333333333326\"]}");
    assert_string_equal(at("1 / 0", 0), "{\"resultType\":\"scalar\",\"result\":"
                                        "[1763787600,\"+Inf\"]}");
    assert_string_equal(at("(2 > bool 1) + NaN", 0),
                        "{\"resultType\":\"scalar\",\"result\":[1763787600,"
                        "\"NaN\"]}");
    assert_string_equal(at("(\"a\\\"b\")", 0),
                        "{\"resultType\":\"string\",\"result\":[1763787600,"
                        "\"a\\\"b\"]}");
}

static void
an_instant_sees_the_newest_within_five_minutes(void **state)
{
    (void)state;
    assert_string_equal(at("m{id=\"88/a\"}", 9999),
                        VECTOR(M_A "\"value\":[1763787609.999,\"1\"]}"));
    assert_string_equal(at("m{id=\"88/a\"}", 10000),
                        VECTOR(M_A "\"value\":[1763787610,\"2\"]}"));
    assert_string_equal(at("m{id=\"88/a\"}", 20000), VECTOR("")); /* stale */
    assert_string_equal(at("m{id=\"88/a\"}", 329999),
                        VECTOR(M_A "\"value\":[1763787929.999,\"3\"]}"));
    assert_string_equal(at("m{id=\"88/a\"}", 330000), VECTOR(""));
    assert_string_equal(at("m{id=\"88/a\"} offset 1m", 90000),
                        VECTOR(M_A "\"value\":[1763787690,\"3\"]}"));
    assert_string_equal(at("m{id=\"88/a\"} @ 1763787600", 900000),
                        VECTOR(M_A "\"value\":[1763788500,\"1\"]}"));
}

static void
matchers_choose_and_labels_order(void **state)
{
    (void)state;
    assert_string_equal(
        at("{__name__=~\"m|x\",id=~\"88/.*\"}", 1000),
        VECTOR(M_A "\"value\":[1763787601,\"1\"]},"
                   "{\"metric\":{\"__name__\":\"m\",\"id\":\"88/b\"},\"value\":"
                   "[1763787601,\"1.25\"]},{\"metric\":{\"__name__\":\"x\","
                   "\"id\":\"88/b\"},\"value\":[1763787601,\"-4\"]}"));
    assert_string_equal(at("m{id!=\"88/a\",line=\"\"}", 0),
                        VECTOR("{\"metric\":{\"__name__\":\"m\",\"id\":"
                               "\"88/b\"},\"value\":[1763787600,\"1.25\"]}"));
    assert_string_equal(at("nosuch", 0), VECTOR(""));
}

static void
a_range_selector_gives_raw_samples_without_stale_ones(void **state)
{
    (void)state;
    assert_string_equal(at("m{id=\"88/a\"}[30s]", 30000),
                        MATRIX(M_A "\"values\":[[1763787610,\"2\"],"
                                   "[1763787630,\"3\"]]}"));
    assert_string_equal(at("m{id=\"88/a\"}[30001ms]", 30000),
                        MATRIX(M_A "\"values\":[[1763787600,\"1\"],"
                                   "[1763787610,\"2\"],[1763787630,\"3\"]]}"));
}

static void
a_range_query_steps(void **state)
{
    (void)state;
    assert_string_equal(
        ask("m{id=\"88/a\"}", 5000, 35000, 10000),
        MATRIX(M_A "\"values\":[[1763787605,\"1\"],[1763787615,\"2\"],"
                   "[1763787635,\"3\"]]}"));
    assert_string_equal(ask("2", 0, 1000, 1000),
                        MATRIX("{\"metric\":{},\"values\":[[1763787600,\"2\"],"
                               "[1763787601,\"2\"]]}"));
    assert_string_equal(
        ask("m{id=\"88/a\"} @ start()", 0, 10000, 10000),
        MATRIX(M_A "\"values\":[[1763787600,\"1\"],[1763787610,\"1\"]]}"));
}

/* Where no series are kept, numbers are, and what is refused elsewhere is. */
static void
without_series_a_query_means_the_same(void **state)
{
    static const struct {
        const char *text, *want;
        enum err err;
    } rows[] = {
        {"m", "{\"resultType\":\"vector\",\"result\":[]}", ERR_OK},
        {"1+1", "{\"resultType\":\"scalar\",\"result\":[0.005,\"2\"]}", ERR_OK},
        {"sum(m)", "sum", ERR_UNSUPPORTED},
        {"rate(m[5m])", "function rate()", ERR_UNSUPPORTED},
        {"m + 1", "operator + on vectors", ERR_UNSUPPORTED},
        {"m{", "unexpected end of input", ERR_SYNTAX},
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct base_arena arena;
        struct base_out out;
        struct base_note note = {0};
        struct stream_query_result result;
        const struct stream_query query = {
            .text = base_bytes_text(rows[i].text), .start = 5, .end = 5};
        base_arena_init(&arena, 1 << 20);
        base_out_grow(&out, 1 << 16);
        assert_int_equal(stream_query_run(NULL, &query, &arena, &result, &note),
                         rows[i].err);
        if (rows[i].err == ERR_OK) {
            assert_int_equal(stream_query_json(&result, &out), ERR_OK);
            base_out_u8(&out, 0);
            assert_string_equal((const char *)out.at, rows[i].want);
        } else {
            assert_non_null(strstr(note.text, rows[i].want));
        }
        base_out_done(&out);
        base_arena_done(&arena);
    }
}

static void
what_cannot_be_answered_is_said(void **state)
{
    (void)state;
    assert_string_equal(at("m{", 0), "SYNTAX: 1:3: parse error: unexpected end "
                                     "of input inside braces");
    assert_string_equal(at("{id=~\".*\"}", 0),
                        "SYNTAX: 1:1: parse error: vector selector must "
                        "contain at least one non-empty matcher");
    assert_string_equal(at("rate(m[1m])", 0),
                        "UNSUPPORTED: function rate() is not supported yet: "
                        "selectors and arithmetic on numbers are");
    assert_string_equal(at("m + 1", 0),
                        "UNSUPPORTED: operator + on vectors is not supported "
                        "yet: selectors and arithmetic on numbers are");
    assert_string_equal(ask("m[1m]", 0, 10, 1),
                        "TYPE: invalid expression type \"range vector\" for "
                        "range query, must be Scalar or instant Vector");
    assert_string_equal(
        ask("m", 0, 11000, 1),
        "RANGE: exceeded maximum resolution of 11,000 points per timeseries. "
        "Try decreasing the query resolution (?step=XX)");
}

static void
series_are_listed_once_within_their_time(void **state)
{
    (void)state;
    struct bytes selectors[2] = {base_bytes_text("m"),
                                 base_bytes_text("{id=\"88/b\"}")};
    const struct model_labels **labels;
    uint32_t count;
    struct base_note note;
    assert_int_equal(
        stream_query_series_of(world.stream, selectors, 2, world_start_ms,
                               world_start_ms + 60000, 0, &world.arena, &labels,
                               &count, &note),
        ERR_OK);
    assert_int_equal(count, 3);
    assert_true(base_bytes_is(
        model_label_get(labels[2], base_bytes_text("__name__")), "x"));
    assert_int_equal(
        stream_query_series_of(world.stream, selectors, 2,
                               world_start_ms + 10000, world_start_ms + 60000,
                               0, &world.arena, &labels, &count, &note),
        ERR_OK);
    assert_int_equal(count, 1);
    selectors[0] = base_bytes_text("m[1m]");
    assert_int_equal(stream_query_series_of(world.stream, selectors, 1, 0, 1, 0,
                                            &world.arena, &labels, &count,
                                            &note),
                     ERR_SYNTAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_and_one_is_two),
        cmocka_unit_test(an_instant_sees_the_newest_within_five_minutes),
        cmocka_unit_test(matchers_choose_and_labels_order),
        cmocka_unit_test(a_range_selector_gives_raw_samples_without_stale_ones),
        cmocka_unit_test(a_range_query_steps),
        cmocka_unit_test(without_series_a_query_means_the_same),
        cmocka_unit_test(what_cannot_be_answered_is_said),
        cmocka_unit_test(series_are_listed_once_within_their_time),
    };
    return cmocka_run_group_tests(tests, world_with_samples, world_gone);
}
