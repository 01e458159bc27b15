/* mqtt_owed_test.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "door/mqtt/mqtt_owed.h"

static uint32_t
push(struct mqtt_owed *owed, uint16_t id, uint64_t sequence, uint8_t flags)
{
    struct mqtt_owed_entry entry = {
        .sequence = (uint32_t)sequence, .id = id, .flags = flags};
    return mqtt_owed_push(owed, entry);
}

static unsigned
drain(struct mqtt_owed *owed, uint64_t synced, uint16_t *last)
{
    struct mqtt_owed_entry entry;
    unsigned count = 0;
    while (mqtt_owed_next(owed, synced, &entry)) {
        *last = entry.id;
        count++;
    }
    return count;
}

static void
acks_leave_in_order_as_the_journal_syncs(void **state)
{
    (void)state;
    struct mqtt_owed owed = {0};
    uint16_t last = 0;
    for (uint16_t id = 1; id <= 100; id++)
        push(&owed, id, id * 10u, 0);
    assert_int_equal(drain(&owed, 9, &last), 0);
    assert_int_equal(drain(&owed, 500, &last), 50);
    assert_int_equal(last, 50);
    assert_int_equal(drain(&owed, 1000, &last), 50);
    assert_int_equal(owed.count, 0);
    mqtt_owed_done(&owed);
}

static void
a_free_one_waits_behind_an_earlier_one(void **state)
{
    (void)state;
    struct mqtt_owed owed = {0};
    uint16_t last = 0;
    push(&owed, 1, 10, 0);
    push(&owed, 2, 0, MQTT_OWED_FREE);
    assert_int_equal(drain(&owed, 9, &last), 0);
    assert_int_equal(drain(&owed, 10, &last), 2);
    mqtt_owed_done(&owed);
}

static void
a_held_one_waits_for_its_call_and_its_sequence(void **state)
{
    (void)state;
    struct mqtt_owed owed = {0};
    uint16_t last = 0;
    uint32_t a = push(&owed, 1, 10, MQTT_OWED_HELD);
    uint32_t b = push(&owed, 2, 0, MQTT_OWED_HELD | MQTT_OWED_FREE);
    assert_int_equal(drain(&owed, 10, &last), 0);
    mqtt_owed_release(&owed, a, 0);
    assert_int_equal(drain(&owed, 9, &last), 0);
    assert_int_equal(drain(&owed, 10, &last), 1);
    mqtt_owed_release(&owed, b, 0x97);
    struct mqtt_owed_entry entry;
    assert_true(mqtt_owed_next(&owed, 10, &entry));
    assert_int_equal(entry.reason, 0x97);
    mqtt_owed_release(&owed, a, 0x97); /* gone: nothing happens */
    mqtt_owed_done(&owed);
}

static void
what_a_cut_has_lost_is_refused_never_acknowledged(void **state)
{
    (void)state;
    struct mqtt_owed owed = {0};
    struct mqtt_owed_entry entry;
    push(&owed, 1, 10, 0);
    push(&owed, 2, 11, 0);
    push(&owed, 3, 0, MQTT_OWED_FREE);
    mqtt_owed_refuse(&owed, 10, 0x97);
    assert_true(mqtt_owed_next(&owed, 10, &entry));
    assert_int_equal(entry.reason, 0);
    assert_true(mqtt_owed_next(&owed, 10, &entry));
    assert_int_equal(entry.id, 2);
    assert_int_equal(entry.reason, 0x97);
    assert_true(mqtt_owed_next(&owed, 10, &entry));
    assert_int_equal(entry.reason, 0);
    mqtt_owed_done(&owed);
}

static void
sequences_go_over_the_end_of_32_bits(void **state)
{
    (void)state;
    struct mqtt_owed owed = {0};
    uint16_t last = 0;
    uint64_t start = UINT64_C(0x4FFFFFFF0);
    for (uint16_t id = 0; id < 64; id++)
        push(&owed, id, start + id, 0);
    assert_int_equal(drain(&owed, start + 15, &last), 16);
    assert_int_equal(drain(&owed, start + 31, &last), 16);
    assert_int_equal(drain(&owed, start + 63, &last), 32);
    mqtt_owed_done(&owed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acks_leave_in_order_as_the_journal_syncs),
        cmocka_unit_test(a_free_one_waits_behind_an_earlier_one),
        cmocka_unit_test(a_held_one_waits_for_its_call_and_its_sequence),
        cmocka_unit_test(what_a_cut_has_lost_is_refused_never_acknowledged),
        cmocka_unit_test(sequences_go_over_the_end_of_32_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
