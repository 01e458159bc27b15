/* app_renew_test.c -- when a certificate is due, by a clock that is handed in;
 * tests/whole/renew.py lets real nodes renew theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "app/app_renew.h"

enum { HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS };

static struct crypt_cert_facts
issued(int64_t at_ms, int64_t life_ms)
{
    return (struct crypt_cert_facts){.not_before = {at_ms - HOUR_MS},
                                     .not_after = {at_ms + life_ms}};
}

/* Of the time since it was issued, not since the hour before. */
static void
two_thirds_of_its_life_and_a_little_by_chance(void **state)
{
    (void)state;
    int64_t now = 1763758800000, life = INT64_C(90) * DAY_MS;
    struct crypt_cert_facts facts = issued(now, life);
    assert_true(app_renew_due(&facts, 0) == now + INT64_C(60) * DAY_MS);
    int64_t latest = app_renew_due(&facts, UINT32_MAX);
    assert_true(latest > now + INT64_C(64) * DAY_MS);
    assert_true(latest <= now + INT64_C(60) * DAY_MS + life / 20);
    facts = issued(now, 24000);
    assert_true(app_renew_due(&facts, 0) == now + 16000);
}

static void
a_refusal_is_tried_again_daily_but_never_in_a_rush(void **state)
{
    (void)state;
    struct crypt_cert_facts facts = issued(0, INT64_C(90) * DAY_MS);
    assert_int_equal(app_renew_again(&facts), DAY_MS);
    facts = issued(0, INT64_C(3) * DAY_MS);
    assert_int_equal(app_renew_again(&facts), DAY_MS / 10);
    facts = issued(0, 5000);
    assert_int_equal(app_renew_again(&facts), 1000);
    facts = issued(0, -HOUR_MS - 1); /* nonsense */
    assert_int_equal(app_renew_again(&facts), 1000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_thirds_of_its_life_and_a_little_by_chance),
        cmocka_unit_test(a_refusal_is_tried_again_daily_but_never_in_a_rush),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
