/* mqtt_map_test.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "door/mqtt/mqtt_map.h"
#include "mqtt_fake.h"

static struct mqtt_map map;
static uint32_t hint;

static int
setup(void **state)
{
    (void)state;
    hint = 0;
    mqtt_fake_reset(NULL);
    mqtt_map_init(&map, (struct stream *)(void *)&mqtt_fake, 7);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    mqtt_map_done(&map);
    return 0;
}

static struct mqtt_map_taken
take(const char *topic, const char *payload, int64_t mono_ms)
{
    return mqtt_map_take(&map, base_bytes_text(topic), base_bytes_text(payload),
                         (struct wall){1000}, (struct mono){mono_ms}, &hint);
}

struct topic_case {
    const char *topic, *payload, *series, *value;
    enum mqtt_verdict verdict;
};

/* clang-format off */
static const struct topic_case topic_cases[] = {
    {"d/88.31.1/a/m/x", "1.50", "88.31.1/a x", "1.5", MQTT_KEPT},
    {"d/88.31.1/a/m/x", " -2e3\n", "88.31.1/a x", "-2000", MQTT_KEPT},
    {"d/88.31.1/a/m/x", "true", "88.31.1/a x", "1", MQTT_KEPT},
    {"d/88.31.1/a%2Fb%2B%23%25/m/x", "3", "88.31.1/a/b+#% x", "3", MQTT_KEPT},
    {"d/88.31.1/a/t", "{\"ts\":5,\"v\":{\"x\":1,\"y\":false}}", "88.31.1/a y", "0", MQTT_KEPT},
    {"d/88.31.1/a/t", "[{\"v\":{\"x\":1}},{\"v\":{\"x\":2}}]", "88.31.1/a x", "2", MQTT_KEPT},
    {"d/88.31.1/a/t", "{\"v\":{\"\\u0078\\u0079\":4}}", "88.31.1/a xy", "4", MQTT_KEPT},
    {"d/88.31.1/a/t", "[]", "88.31.1/a x", "", MQTT_KEPT},
    {"a/b", "1", "", "", MQTT_UNTOUCHED},
    {"d", "1", "", "", MQTT_UNTOUCHED},
    {"d/88.31.1/a", "1", "", "", MQTT_UNMAPPED},
    {"d/88.31.1/a/m", "1", "", "", MQTT_UNMAPPED},
    {"d/88.31.1/a/m/x/y", "1", "", "", MQTT_UNMAPPED},
    {"d/88.31.1//m/x", "1", "", "", MQTT_UNMAPPED},
    {"d/88..1/a/m/x", "1", "", "", MQTT_UNMAPPED},
    {"d/88.31.1/a%2/m/x", "1", "", "", MQTT_UNMAPPED},
    {"d/88.31.1/a%zz/m/x", "1", "", "", MQTT_UNMAPPED},
    {"d/88.31.1/a/s", "[]", "", "", MQTT_UNMAPPED},
    {"d/88.31.1/a/m/x", "", "88.31.1/a x", "", MQTT_BAD},
    {"d/88.31.1/a/m/x", "NaN", "88.31.1/a x", "", MQTT_BAD},
    {"d/88.31.1/a/m/x", "1e999", "88.31.1/a x", "", MQTT_BAD},
    {"d/88.31.1/a/m/x", "1 2", "88.31.1/a x", "", MQTT_BAD},
    {"d/88.31.1/a/m/1x", "1", "", "", MQTT_BAD},
    {"d/88.31.1/a/t", "", "88.31.1/a x", "", MQTT_BAD},
    {"d/88.31.1/a/t", "7", "88.31.1/a x", "", MQTT_BAD},
    {"d/88.31.1/a/t", "{\"v\":{}}", "88.31.1/a x", "", MQTT_BAD},
    {"d/88.31.1/a/t", "{\"ts\":1}", "88.31.1/a x", "", MQTT_BAD},
    {"d/88.31.1/a/t", "{\"ts\":1.5,\"v\":{\"x\":1}}", "88.31.1/a x", "", MQTT_BAD},
    {"d/88.31.1/a/t", "{\"ts\":-1,\"v\":{\"x\":1}}", "88.31.1/a x", "", MQTT_BAD},
    {"d/88.31.1/a/t", "{\"v\":{\"x\":null}}", "88.31.1/a x", "", MQTT_BAD},
    {"d/88.31.1/a/t", "{\"v\":{\"x\":\"1\"}}", "88.31.1/a x", "", MQTT_BAD},
    {"d/88.31.1/a/t", "{\"v\":{\"x\":1}} x", "88.31.1/a x", "", MQTT_BAD},
    {"d/88.31.1/a/t", "{\"v\":{\"x\":1},\"w\":1}", "88.31.1/a x", "", MQTT_BAD},
    {"d/88.31.1/a/t", "[{\"v\":{\"x\":1}},{\"v\":{\"x\":[]}}]", "88.31.1/a x", "", MQTT_BAD},
    {"d/88.31.1/a/t", "[{\"v\":{\"x\":1}}", "88.31.1/a x", "", MQTT_BAD},
};
/* clang-format on */

static void
a_topic_and_a_payload_mean_samples(void **state)
{
    for (size_t i = 0; i < BASE_COUNT(topic_cases); i++) {
        const struct topic_case *c = &topic_cases[i];
        teardown(state);
        setup(state);
        struct mqtt_map_taken taken = take(c->topic, c->payload, 0);
        if (taken.verdict != c->verdict ||
            strcmp(mqtt_fake_last(c->series), c->value) != 0)
            fail_msg("%s %s: verdict %d, value %s", c->topic, c->payload,
                     (int)taken.verdict, mqtt_fake_last(c->series));
        if (c->verdict == MQTT_BAD)
            assert_true(map.note.text[0] != 0);
    }
}

static void
a_time_of_its_own_or_that_of_arrival(void **state)
{
    (void)state;
    take("d/1/a/t", "{\"v\":{\"x\":1},\"ts\":77}", 0);
    assert_int_equal(mqtt_fake.rows[0].t, 77);
    take("d/1/a/t", "{\"v\":{\"x\":1}}", 0);
    assert_int_equal(mqtt_fake.rows[1].t, 1000);
    take("d/1/a/m/x", "1", 0);
    assert_int_equal(mqtt_fake.rows[2].t, 1000);
}

static void
an_unknown_identifier_is_learnt_or_refused_for_a_second(void **state)
{
    static const char topic[] = "d/1/a/m/x";
    (void)state;
    mqtt_fake.known = false;
    struct mqtt_map_taken taken = take(topic, "1", 0);
    assert_int_equal(taken.verdict, MQTT_UNKNOWN);
    assert_true(base_bytes_is(mqtt_map_id(taken.entry), "1/a"));
    mqtt_map_refuse(&map, base_bytes_text(topic), ERR_ABSENT, (struct mono){0});
    assert_int_equal(take(topic, "1", 999).verdict, MQTT_REFUSED);
    assert_int_equal(take(topic, "1", 1000).verdict, MQTT_UNKNOWN);
    mqtt_map_learn(&map, base_bytes_text(topic), base_bytes_text("1/a"));
    assert_int_equal(take(topic, "1", 1000).verdict, MQTT_KEPT);
    assert_int_equal(take("d/1/a/t", "{\"v\":{\"x\":1}}", 0).verdict,
                     MQTT_KEPT);
}

static void
the_stores_troubles_are_told_apart(void **state)
{
    static const struct {
        enum err err;
        enum mqtt_verdict verdict;
    } rows[] = {
        {ERR_BUSY, MQTT_LATER}, {ERR_FULL, MQTT_NO_ROOM}, {ERR_IO, MQTT_BROKEN},
        {ERR_LIMIT, MQTT_OVER}, {ERR_TIME, MQTT_BAD},     {ERR_OK, MQTT_KEPT},
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        mqtt_fake.write = rows[i].err;
        assert_int_equal(take("d/1/a/m/x", "1", 0).verdict, rows[i].verdict);
        assert_int_equal(take("d/1/a/t", "{\"v\":{\"x\":1}}", 0).verdict,
                         rows[i].verdict);
    }
}

static void
more_topics_than_the_cache_holds_are_all_right(void **state)
{
    enum { TOPICS = 100000 };
    char topic[64], payload[16];
    (void)state;
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < TOPICS; i++) {
            snprintf(topic, sizeof topic, "d/1/a%u/m/x", i % 60000);
            snprintf(payload, sizeof payload, "%u", i);
            assert_int_equal(take(topic, payload, 0).verdict, MQTT_KEPT);
            const struct mqtt_fake_row *row =
                &mqtt_fake.rows[(mqtt_fake.writes - 1) % MQTT_FAKE_ROWS];
            snprintf(topic, sizeof topic, "1/a%u x", i % 60000);
            assert_string_equal(row->series, topic);
            assert_int_equal(row->value.mantissa, i);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_topic_and_a_payload_mean_samples,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_time_of_its_own_or_that_of_arrival,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_unknown_identifier_is_learnt_or_refused_for_a_second, setup,
            teardown),
        cmocka_unit_test_setup_teardown(the_stores_troubles_are_told_apart,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            more_topics_than_the_cache_holds_are_all_right, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
