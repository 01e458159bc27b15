/* base_stat_test.c -- the text that a scraper reads. */
#include "base/base_stat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const char want[] =
    "# TYPE dougong_net_accepted counter\n"
    "# HELP dougong_net_accepted Connections \\\"taken\\\".\n"
    "dougong_net_accepted_total{door=\"http\"} 2\n"
    "dougong_net_accepted_total{door=\"mqtt\"} 3\n"
    "# TYPE dougong_net_open gauge\n"
    "# HELP dougong_net_open Open now.\n"
    "dougong_net_open -1\n"
    "# EOF\n";

static void
families_are_sorted_and_headed_once(void **state)
{
    (void)state;
    struct base_stats stats;
    struct base_stat mqtt = {0}, http = {0}, open = {0}, gone = {0};
    const char *name = "dougong_net_accepted_total";
    const char *help = "Connections \"taken\".";
    base_stat_init(&stats);
    base_stat_add(&stats, &open, BASE_STAT_GAUGE, "dougong_net_open", "",
                  "Open now.");
    base_stat_add(&stats, &mqtt, BASE_STAT_COUNTER, name, "door=\"mqtt\"",
                  help);
    base_stat_add(&stats, &gone, BASE_STAT_COUNTER, name, "door=\"coap\"",
                  help);
    base_stat_add(&stats, &http, BASE_STAT_COUNTER, name, "door=\"http\"",
                  help);
    base_stat_drop(&stats, &gone);
    base_stat_drop(&stats, &gone); /* once is enough */
    base_stat_inc(&mqtt, 3);
    base_stat_inc(&http, 2);
    base_stat_set(&open, -1);
    struct base_out out;
    base_out_grow(&out, 4096);
    base_stat_write(&stats, &out);
    base_out_u8(&out, 0);
    assert_string_equal((char *)out.at, want);
    base_out_done(&out);
    base_stat_done(&stats);
}

static void
a_histogram_accumulates_its_buckets(void **state)
{
    (void)state;
    struct base_stats stats;
    struct base_stat_histogram histogram = {0};
    struct base_stat stat = {.histogram = &histogram};
    base_stat_init(&stats);
    base_stat_add(&stats, &stat, BASE_STAT_HISTOGRAM, "dougong_sync_seconds",
                  "stream=\"0\"", "Sync.");
    base_stat_observe(&stat, 100);     /* 0.1 ms, the first bucket's edge */
    base_stat_observe(&stat, 101);     /* the second */
    base_stat_observe(&stat, 1638400); /* the last finite one */
    base_stat_observe(&stat, 9000000); /* +Inf */
    struct base_out out;
    base_out_grow(&out, 4096);
    base_stat_write(&stats, &out);
    base_out_u8(&out, 0);
    const char *text = (char *)out.at;
    static const char *const lines[] = {
        "# TYPE dougong_sync_seconds histogram\n",
        "dougong_sync_seconds_bucket{stream=\"0\",le=\"0.0001\"} 1\n",
        "dougong_sync_seconds_bucket{stream=\"0\",le=\"0.0002\"} 2\n",
        "dougong_sync_seconds_bucket{stream=\"0\",le=\"0.8192\"} 2\n",
        "dougong_sync_seconds_bucket{stream=\"0\",le=\"1.6384\"} 3\n",
        "dougong_sync_seconds_bucket{stream=\"0\",le=\"+Inf\"} 4\n",
        "dougong_sync_seconds_count{stream=\"0\"} 4\n",
        "dougong_sync_seconds_sum{stream=\"0\"} 10.638601\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_non_null(strstr(text, lines[i]));
    base_out_done(&out);
    base_stat_done(&stats);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_are_sorted_and_headed_once),
        cmocka_unit_test(a_histogram_accumulates_its_buckets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
