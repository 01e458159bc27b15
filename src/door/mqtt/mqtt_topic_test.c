/* mqtt_topic_test.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_rng.h"
#include "door/mqtt/mqtt_topic.h"

/* What hangs on nodes is only compared with NULL by the tree. */
static uint8_t something;

static void
subscribe(struct mqtt_topics *topics, const char *filter)
{
    mqtt_topic_make(topics, base_bytes_text(filter))->subs =
        (struct mqtt_sub *)(void *)&something;
}

static void
retain(struct mqtt_topics *topics, const char *topic)
{
    mqtt_topic_make(topics, base_bytes_text(topic))->retained =
        (struct mqtt_message *)(void *)&something;
}

static void
forget(struct mqtt_topics *topics, const char *name)
{
    struct mqtt_topic_node *node =
        mqtt_topic_find(topics, base_bytes_text(name));
    assert_non_null(node);
    node->subs = NULL;
    node->retained = NULL;
    mqtt_topic_drop(topics, node);
}

static bool
count_node(void *self, struct mqtt_topic_node *node)
{
    unsigned *count = self;
    assert_non_null(node);
    ++*count;
    return true;
}

static unsigned
matches(struct mqtt_topics *topics, const char *topic)
{
    unsigned count = 0;
    mqtt_topic_match(topics, base_bytes_text(topic), count_node, &count);
    return count;
}

static unsigned
scans(struct mqtt_topics *topics, const char *filter)
{
    unsigned count = 0;
    mqtt_topic_scan(topics, base_bytes_text(filter), count_node, &count);
    return count;
}

struct pair {
    const char *filter, *topic;
    bool match;
};

/* The standard's own examples (5.0, 4.7.1), and edges. */
static const struct pair pairs[] = {
    {"sport/tennis/player1/#", "sport/tennis/player1", true},
    {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
    {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
    {"sport/#", "sport", true},
    {"#", "a/b/c", true},
    {"#", "/", true},
    {"sport/tennis/+", "sport/tennis/player1", true},
    {"sport/tennis/+", "sport/tennis/player1/ranking", false},
    {"sport/+", "sport", false},
    {"sport/+", "sport/", true},
    {"+/+", "/finance", true},
    {"/+", "/finance", true},
    {"+", "/finance", false},
    {"#", "$SYS/monitor", false},
    {"+/monitor", "$SYS/monitor", false},
    {"$SYS/#", "$SYS/monitor", true},
    {"$SYS/monitor/+", "$SYS/monitor/clients", true},
    {"a/+/c", "a//c", true},
    {"a/+/#", "a/b", true},
    {"a/+/#", "a", false},
    {"a/$b/#", "a/$b/c", true},
    {"a/+", "a/$b", true},
    {"a", "A", false},
    {"a/", "a", false},
    {"+/b/#", "a/b/c/d", true},
    {"a//#", "a/", true},
};

static void
filters_match_as_the_standard_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(pairs); i++) {
        const struct pair *pair = &pairs[i];
        struct mqtt_topics topics;
        mqtt_topic_init(&topics, 7);
        subscribe(&topics, pair->filter);
        if (matches(&topics, pair->topic) != pair->match)
            fail_msg("match %s %s", pair->filter, pair->topic);
        forget(&topics, pair->filter);
        retain(&topics, pair->topic);
        if (scans(&topics, pair->filter) != pair->match)
            fail_msg("scan %s %s", pair->filter, pair->topic);
        forget(&topics, pair->topic);
        mqtt_topic_done(&topics);
    }
}

static void
nothing_stays_of_what_has_gone(void **state)
{
    (void)state;
    struct mqtt_topics topics;
    mqtt_topic_init(&topics, 1);
    subscribe(&topics, "a/b/+/#");
    subscribe(&topics, "a/b");
    retain(&topics, "a/b/c");
    assert_int_equal(topics.count, 3);
    assert_int_equal(matches(&topics, "a/b/c"), 1);
    assert_int_equal(matches(&topics, "a/b"), 1);
    forget(&topics, "a/b/+/#");
    assert_int_equal(topics.count, 3);
    forget(&topics, "a/b/c");
    assert_int_equal(topics.count, 2);
    forget(&topics, "a/b");
    assert_int_equal(topics.count, 0);
    mqtt_topic_done(&topics);
}

/* A name of 1..4 levels from a small alphabet, so that names meet. */
static const char *
random_name(struct base_rng *rng, bool wild, char *to)
{
    size_t size = 0;
    unsigned levels = 1 + (unsigned)base_rng_below(rng, 4);
    for (unsigned i = 0; i < levels; i++) {
        static const char letters[] = "abc$+#";
        uint64_t pick = base_rng_below(rng, wild ? 6 : 4);
        if (i > 0)
            to[size++] = '/';
        to[size++] = letters[pick];
        if (letters[pick] == '#')
            break;
    }
    to[size] = 0;
    return to;
}

/* The plain reading of the standard, level by level. */
static bool
model_match(const char *filter, const char *topic, bool first)
{
    if (first && *topic == '$' && (*filter == '+' || *filter == '#'))
        return false;
    if (*filter == '#')
        return true;
    size_t f = strcspn(filter, "/"), t = strcspn(topic, "/");
    if (!(f == 1 && *filter == '+') &&
        (f != t || strncmp(filter, topic, f) != 0))
        return false;
    if (!filter[f] || !topic[t])
        return (!filter[f] && !topic[t]) ||
               (!topic[t] && strcmp(filter + f, "/#") == 0);
    return model_match(filter + f + 1, topic + t + 1, false);
}

static void
the_tree_agrees_with_a_plain_comparison(void **state)
{
    (void)state;
    enum { FILTERS = 40, ROUNDS = 200 };
    struct base_rng rng;
    base_rng_seed(&rng, 42);
    for (unsigned round = 0; round < ROUNDS; round++) {
        char filters[FILTERS][16], topic[16];
        struct mqtt_topics topics;
        mqtt_topic_init(&topics, round);
        for (unsigned i = 0; i < FILTERS; i++)
            subscribe(&topics, random_name(&rng, true, filters[i]));
        for (unsigned k = 0; k < 20; k++) {
            unsigned expect = 0;
            random_name(&rng, false, topic);
            for (unsigned i = 0; i < FILTERS; i++) {
                bool twin = false;
                for (unsigned j = 0; j < i; j++)
                    twin |= strcmp(filters[i], filters[j]) == 0;
                expect += !twin && model_match(filters[i], topic, true);
            }
            assert_int_equal(matches(&topics, topic), expect);
        }
        for (unsigned i = 0; i < FILTERS; i++)
            if (mqtt_topic_find(&topics, base_bytes_text(filters[i])))
                forget(&topics, filters[i]);
        mqtt_topic_done(&topics);
    }
}

static void
a_full_tree_takes_no_new_levels(void **state)
{
    struct mqtt_topics topics;
    (void)state;
    mqtt_topic_init(&topics, 3);
    topics.max = 4;
    retain(&topics, "a/b/c");
    assert_null(mqtt_topic_make(&topics, base_bytes_text("d/e")));
    assert_null(mqtt_topic_make(&topics, base_bytes_text("a/b/d/e")));
    assert_int_equal(topics.count, 3);
    retain(&topics, "a/b/c");
    retain(&topics, "d");
    forget(&topics, "a/b/c");
    retain(&topics, "d/e");
    forget(&topics, "d/e");
    forget(&topics, "d");
    assert_int_equal(topics.count, 0);
    mqtt_topic_done(&topics);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_match_as_the_standard_says),
        cmocka_unit_test(nothing_stays_of_what_has_gone),
        cmocka_unit_test(a_full_tree_takes_no_new_levels),
        cmocka_unit_test(the_tree_agrees_with_a_plain_comparison),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
