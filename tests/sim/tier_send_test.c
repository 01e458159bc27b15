/* tier_send_test.c -- whose frame goes next, and who may send how much; on a
 * link without a neighbour, whose wire only remembers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "fault/fault_loop.h"
#include "tier/tier_inner.h"

struct bench {
    struct fault_loop loop;
    struct tier *tier;
    struct tier_peer *peer;
    struct tier_link *link;
    struct tier_wire wire;
    size_t waiting;   /* what the wire says */
    uint64_t full_at; /* bytes of the first shared channel: full again */
    uint64_t bytes[MODEL_CHANNELS], first_at[MODEL_CHANNELS], all;
    struct wire_frame last; /* without its body */
    uint64_t numbers[2];    /* of the last CREDIT or WANT */
};

static struct bench *
bench_of(const struct tier_wire *wire)
{
    return BASE_OUTER((struct tier_wire *)(uintptr_t)wire, struct bench, wire);
}

static void
bench_send(struct tier_wire *wire, struct bytes data)
{
    struct bench *bench = bench_of(wire);
    struct wire_frame frame;
    size_t size;
    assert_int_equal(wire_frame_read(data, &frame, &size), ERR_OK);
    assert_int_equal(size, data.size);
    if (frame.type == WIRE_FRAME_CREDIT || frame.type == WIRE_FRAME_WANT)
        wire_frame_body_numbers_read(frame.body, bench->numbers,
                                     frame.type == WIRE_FRAME_WANT ? 2 : 1);
    bench->last = frame;
    bench->last.body = base_bytes(NULL, frame.body.size);
    if (frame.type != WIRE_FRAME_DATA)
        return;
    if (bench->bytes[frame.channel] == 0)
        bench->first_at[frame.channel] = bench->all;
    bench->bytes[frame.channel] += frame.body.size;
    bench->all += frame.body.size;
    if (bench->full_at > 0 &&
        bench->bytes[MODEL_CHANNEL_LEASE] >= bench->full_at)
        bench->waiting = TIER_WIRE_HIGH;
}

static size_t
bench_waiting(const struct tier_wire *wire)
{
    return bench_of(wire)->waiting;
}

static void
bench_shut(struct tier_wire *wire)
{
    (void)wire;
}

static const struct tier_wire_ops bench_ops = {
    .send = bench_send, .waiting = bench_waiting, .shut = bench_shut};

static struct bench *
bench_new(void)
{
    struct bench *bench = base_mem_zero(sizeof *bench);
    fault_loop_init(&bench->loop, (struct wall){1763787600000});
    bench->tier = base_mem_zero(sizeof *bench->tier);
    bench->tier->config.loop = &bench->loop.base;
    bench->tier->config.receive_bytes = 8 << 20;
    base_list_init(&bench->tier->links);
    base_list_init(&bench->tier->locals);
    bench->peer = base_mem_zero(sizeof *bench->peer);
    bench->peer->tier = bench->tier;
    bench->wire.ops = &bench_ops;
    bench->link = tier_link_new(bench->tier, &bench->wire, true);
    bench->link->peer = bench->peer;
    bench->link->state = TIER_LINK_UP;
    tier_send_start(bench->link);
    return bench;
}

static void
bench_free(struct bench *bench)
{
    fault_loop_crash(&bench->loop);
    fault_loop_done(&bench->loop);
    tier_link_free(bench->link);
    base_mem_free(bench->peer);
    base_mem_free(bench->tier);
    base_mem_free(bench);
}

static void
bench_queue(struct bench *bench, enum model_channel channel, size_t size)
{
    uint8_t *body = base_mem_zero(size);
    struct wire_frame_message message = {.from = base_bytes_text("88.1"),
                                         .body = base_bytes(body, size)};
    tier_send_queue(bench->link,
                    tier_send_make((uint8_t)channel, 1, 0, 1, &message));
    base_mem_free(body);
}

/* --- tests --- */

static void
the_alarm_goes_first_and_the_rest_shares_by_weight(void **state)
{
    (void)state;
    static const enum model_channel shared[] = {
        MODEL_CHANNEL_LEASE, MODEL_CHANNEL_FIGURE, MODEL_CHANNEL_DATA_CALL,
        MODEL_CHANNEL_BACKFILL};
    struct bench *bench = bench_new();
    bench->waiting = TIER_WIRE_HIGH; /* the wire is full: all queue up */
    for (unsigned i = 0; i < BASE_COUNT(shared); i++) {
        bench->link->flows[shared[i]].limit = UINT64_MAX / 2;
        for (unsigned k = 0; k < 600; k++)
            bench_queue(bench, shared[i], 16000);
    }
    bench_queue(bench, MODEL_CHANNEL_ALARM, 1000);
    fault_loop_run(&bench->loop, 1);
    assert_int_equal(bench->all, 0);
    bench->waiting = 0;
    bench->full_at = 500 * 16000;
    tier_wire_drained(&bench->wire);
    fault_loop_run(&bench->loop, 1);
    assert_int_equal(bench->first_at[MODEL_CHANNEL_ALARM], 0);
    assert_int_equal(bench->bytes[MODEL_CHANNEL_ALARM], 1020);
    for (unsigned i = 1; i < BASE_COUNT(shared); i++) {
        uint64_t share = bench->full_at >> i;
        assert_in_range(bench->bytes[shared[i]], share * 95 / 100,
                        share * 105 / 100);
    }
    bench_free(bench);
}

static void
a_channel_without_credit_blocks_only_itself_and_asks(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    bench_queue(bench, MODEL_CHANNEL_FIGURE, 50000); /* priority 3: none yet */
    bench_queue(bench, MODEL_CHANNEL_RECEIPT, 9000); /* priority 2: 16 KiB */
    fault_loop_run(&bench->loop, 1);
    assert_int_equal(bench->bytes[MODEL_CHANNEL_RECEIPT], 9020);
    assert_int_equal(bench->bytes[MODEL_CHANNEL_FIGURE], 0);
    assert_int_equal(bench->last.type, WIRE_FRAME_WANT);
    assert_int_equal(bench->last.channel, MODEL_CHANNEL_FIGURE);
    assert_int_equal(bench->numbers[1], 0);
    tier_send_credit(bench->link, MODEL_CHANNEL_FIGURE, 20000);
    fault_loop_run(&bench->loop, 1);
    assert_int_equal(bench->bytes[MODEL_CHANNEL_FIGURE], 20000);
    tier_send_credit(bench->link, MODEL_CHANNEL_FIGURE, 20000); /* repeated */
    tier_send_credit(bench->link, MODEL_CHANNEL_FIGURE, 50020);
    fault_loop_run(&bench->loop, 1);
    assert_int_equal(bench->bytes[MODEL_CHANNEL_FIGURE], 50020);
    bench_free(bench);
}

static void
credit_is_a_window_beyond_what_was_consumed_from_a_bounded_pool(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    uint64_t window =
        tier_channel_get(MODEL_CHANNEL_FIGURE)->window + TIER_CHANNEL_HEAD;
    tier_send_wanted(bench->link, MODEL_CHANNEL_FIGURE, UINT64_MAX, 0);
    assert_int_equal(bench->last.type, WIRE_FRAME_CREDIT);
    assert_int_equal(bench->numbers[0], window);
    /* Three quarters of the pool are for such as these: what is left of it. */
    uint64_t left = (8 << 20) * 3 / 4 - bench->tier->receiving;
    tier_send_wanted(bench->link, MODEL_CHANNEL_FIGURE_CALL, UINT64_MAX, 0);
    assert_true(left < window);
    assert_int_equal(bench->numbers[0], left);
    tier_send_wanted(bench->link, MODEL_CHANNEL_ALARM, UINT64_MAX, 0);
    assert_int_equal(bench->numbers[0], 256 * 1024 + TIER_CHANNEL_HEAD);
    uint64_t before = bench->tier->receiving;
    tier_send_free(bench->link, MODEL_CHANNEL_FIGURE, 1000000);
    assert_int_equal(bench->tier->receiving, before - 1000000);
    tier_send_done(bench->link);
    assert_int_equal(bench->tier->receiving, 0);
    bench_free(bench);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_alarm_goes_first_and_the_rest_shares_by_weight),
        cmocka_unit_test(a_channel_without_credit_blocks_only_itself_and_asks),
        cmocka_unit_test(
            credit_is_a_window_beyond_what_was_consumed_from_a_bounded_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
