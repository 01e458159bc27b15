/* wire_figure_test.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/base_b64.h"
#include "base/base_hash.h"
#include "base/base_mem.h"
#include "wire/figure/wire_explain.h"
#include "wire/figure/wire_figure.h"
#include "wire/figure/wire_unit.h"

enum { SLOTS = 5 };

static uint8_t room[4096];

/* doc/formats/dgf1.md: two records and a tombstone of 88.31.1001. */
static struct bytes
golden(uint8_t flags)
{
    static const uint8_t state_a[] = {0x07, 1, 2, 1, 2, 1, 0xC8, 0x01};
    static const uint8_t state_b[] = {0x01, 3, 6};
    struct base_out out;
    struct wire_figure_writer writer;
    struct wire_figure_head head = {
        .shape8 = 0x1122334455667788,
        .window = 0x11C10000,
        .epoch = 1,
        .seq = 42,
        .child = base_bytes_text("88.31.1001"),
    };
    base_out_fixed(&out, room, sizeof room);
    wire_figure_begin(&writer, &out, &head);
    wire_figure_add(&writer, &(struct wire_figure_record){
                                 .cell = 0,
                                 .revision = 7,
                                 .state = base_bytes(state_a, sizeof state_a)});
    wire_figure_add(&writer, &(struct wire_figure_record){
                                 .marks = WIRE_FIGURE_REASON,
                                 .reason = 4,
                                 .cell = 300,
                                 .revision = 1,
                                 .state = base_bytes(state_b, sizeof state_b)});
    wire_figure_add(&writer,
                    &(struct wire_figure_record){.marks = WIRE_FIGURE_TOMBSTONE,
                                                 .cell = 301,
                                                 .revision = 9});
    assert_int_equal(wire_figure_end(&writer, flags), ERR_OK);
    return base_out_bytes(&out);
}

/* What reading the whole ends with; ABSENT is the right end. */
static enum err
read_all(struct bytes message)
{
    struct wire_figure_head head;
    struct wire_figure_reader reader;
    struct wire_figure_record record;
    enum err err = wire_figure_read(message, &head, &reader);
    while (err == ERR_OK)
        err = wire_figure_next(&reader, SLOTS, &record);
    return err;
}

/* Make the checksums right again after a change. */
static struct bytes
sealed(struct bytes message)
{
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    base_out_space(&out, message.size);
    struct bytes body = base_bytes_slice(message, 48, message.size);
    base_out_patch_u32le(&out, 36, (uint32_t)body.size);
    base_out_patch_u32le(&out, 40, base_hash_crc32c(0, body));
    base_out_patch_u32le(&out, 44,
                         base_hash_crc32c(0, base_bytes(message.at, 44)));
    return message;
}

static void
a_batch_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct wire_figure_head head;
    struct wire_figure_reader reader;
    struct wire_figure_record record;
    assert_int_equal(
        wire_figure_read(golden(WIRE_FIGURE_COMPLETE), &head, &reader), ERR_OK);
    assert_int_equal(head.flags, WIRE_FIGURE_COMPLETE);
    assert_true(head.shape8 == 0x1122334455667788);
    assert_int_equal(head.window, 0x11C10000);
    assert_int_equal(head.epoch, 1);
    assert_int_equal(head.seq, 42);
    assert_int_equal(head.records, 3);
    assert_true(base_bytes_is(head.child, "88.31.1001"));
    assert_int_equal(wire_figure_next(&reader, SLOTS, &record), ERR_OK);
    assert_int_equal(record.cell, 0);
    assert_int_equal(record.revision, 7);
    assert_int_equal(record.state.size, 8);
    assert_int_equal(wire_figure_next(&reader, SLOTS, &record), ERR_OK);
    assert_int_equal(record.cell, 300);
    assert_int_equal(record.reason, 4);
    assert_int_equal(record.state.size, 3);
    assert_int_equal(wire_figure_next(&reader, SLOTS, &record), ERR_OK);
    assert_int_equal(record.cell, 301);
    assert_int_equal(record.marks, WIRE_FIGURE_TOMBSTONE);
    assert_int_equal(wire_figure_next(&reader, SLOTS, &record), ERR_ABSENT);
}

static void
the_example_of_the_document_has_these_bytes(void **state)
{
    (void)state;
    char hex[512];
    assert_string_equal(
        base_b64_hex(golden(WIRE_FIGURE_COMPLETE), hex),
        "444746313000000488776655443322110000c111010000002a00000000000000"
        "03000000210000007dec4fcbba2360940a38382e33312e313030310000070701"
        "02010201c80102ac020104010306010109");
}

/* The signature lies behind what it is of; the sums are of all. */
static void
what_is_signed_is_the_batch_without_sums_and_tail(void **state)
{
    (void)state;
    static uint8_t plain[1024], text_room[1024];
    uint8_t signature[WIRE_FIGURE_SIGNATURE];
    struct wire_figure_writer writer = {0};
    struct wire_figure_head head;
    struct wire_figure_reader reader;
    struct base_out text;
    struct bytes bare = golden(WIRE_FIGURE_SIGNED);
    struct base_out out = {.at = room, .size = bare.size, .room = sizeof room};
    memcpy(plain, bare.at, bare.size);
    memset(signature, 7, sizeof signature);
    writer.out = &out;
    wire_figure_sign(&writer, UINT64_C(0x0102030405060708), signature);
    struct bytes message = base_out_bytes(&out);
    assert_int_equal(read_all(message), ERR_ABSENT);
    assert_int_equal(wire_figure_read(message, &head, &reader), ERR_OK);
    assert_true(head.key_id == UINT64_C(0x0102030405060708));
    assert_memory_equal(head.signature.at, signature, sizeof signature);
    base_out_fixed(&text, text_room, sizeof text_room);
    wire_figure_text(message, &text);
    size_t body = message.size - WIRE_FIGURE_TAIL;
    assert_int_equal(text.size, WIRE_FIGURE_DOMAIN + body);
    assert_memory_equal(text_room, "dougong figures 1", WIRE_FIGURE_DOMAIN);
    memset(plain + 36, 0, 12);
    assert_memory_equal(text_room + WIRE_FIGURE_DOMAIN, plain, body);
    for (size_t n = WIRE_FIGURE_HEAD; n < message.size; n++)
        assert_int_not_equal(read_all(base_bytes(room, n)), ERR_ABSENT);
}

static void
every_changed_byte_is_refused(void **state)
{
    (void)state;
    struct bytes message = golden(0);
    for (size_t i = 0; i < message.size; i++) {
        room[i] ^= 0x40;
        assert_int_not_equal(read_all(message), ERR_ABSENT);
        room[i] ^= 0x40;
    }
    for (size_t n = 0; n < message.size; n++)
        assert_int_not_equal(read_all(base_bytes(room, n)), ERR_ABSENT);
    assert_int_equal(read_all(message), ERR_ABSENT);
}

static void
what_has_two_readings_is_refused(void **state)
{
    (void)state;
    struct bytes message;
    size_t first = 48 + 11; /* marks, cell, revision, mask */
    static const struct {
        size_t at;
        uint8_t value;
        const char *what;
    } rows[] = {
        {0, 0x08, "an unknown mark"},
        {3, 0x27, "a bit past M"},
        {2, 0x80, "a varint that goes on"},
        {11, 0x00, "no reason where one is said to be"},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        message = golden(0);
        size_t at = first + rows[i].at;
        if (i == 3)
            at = first + 15;
        room[at] = rows[i].value;
        if (read_all(sealed(message)) == ERR_ABSENT)
            fail_msg("accepted: %s", rows[i].what);
    }
    message = golden(0);
    room[first + 6] = 0x80; /* n = 1 as 80 00 would be; here it eats on */
    room[first + 7] = 0x00;
    assert_int_equal(read_all(sealed(message)), ERR_SYNTAX);
    message = golden(0);
    room[first + 12] = 0; /* increment 300 as 80 00 */
    room[first + 11 + 1] = 0x80;
    room[first + 13] = 0x00;
    assert_int_equal(read_all(sealed(message)), ERR_SYNTAX);
    message = golden(0);
    room[message.size] = 0;
    message.size++;
    assert_int_equal(read_all(sealed(message)), ERR_SYNTAX);
}

static void
the_same_cell_does_not_come_twice(void **state)
{
    (void)state;
    struct bytes message = golden(0);
    room[message.size - 2] = 0; /* the tombstone's increment */
    assert_int_equal(read_all(sealed(message)), ERR_SYNTAX);
}

static void
what_is_not_there_yet_is_refused_by_name(void **state)
{
    (void)state;
    assert_int_equal(read_all(golden(WIRE_FIGURE_ZSTD)), ERR_UNSUPPORTED);
    assert_int_equal(read_all(golden(16)), ERR_SYNTAX);
    struct bytes message = golden(0);
    room[6] = 1;
    assert_int_equal(read_all(sealed(message)), ERR_UNSUPPORTED);
    message = golden(0);
    room[4] = 52;
    assert_int_equal(read_all(sealed(message)), ERR_SYNTAX);
    message = golden(0);
    room[34] = 2; /* 131,075 records */
    assert_int_equal(read_all(sealed(message)), ERR_BIG);
}

static void
an_ack_tells_counts_refusals_and_the_wanted_shape(void **state)
{
    (void)state;
    uint8_t wanted_room[64];
    struct base_out out, wanted;
    static struct wire_figure_ack ack, back;
    base_out_fixed(&wanted, wanted_room, sizeof wanted_room);
    wire_figure_want(&wanted, base_bytes_text("host"), 77);
    ack = (struct wire_figure_ack){
        .status = WIRE_FIGURE_MISMATCH,
        .seq = 9,
        .applied = 1000,
        .skipped = 3,
        .refused = 300,
        .code_count = 2,
        .codes = {{.index = 4, .code = WIRE_FIGURE_CONFLICT},
                  {.index = 70, .code = WIRE_FIGURE_RANGE}},
        .wanted = base_out_bytes(&wanted),
    };
    base_out_fixed(&out, room, sizeof room);
    wire_figure_ack_write(&out, &ack);
    assert_int_equal(wire_figure_ack_read(base_out_bytes(&out), &back), ERR_OK);
    assert_int_equal(back.status, WIRE_FIGURE_MISMATCH);
    assert_int_equal(back.seq, 9);
    assert_int_equal(back.applied, 1000);
    assert_int_equal(back.refused, 300);
    assert_int_equal(back.codes[1].index, 70);
    uint64_t shape8;
    assert_int_equal(
        wire_figure_wanted(&back, base_bytes_text("host"), &shape8), ERR_OK);
    assert_int_equal(shape8, 77);
    assert_int_equal(wire_figure_wanted(&back, base_bytes_text("oee"), &shape8),
                     ERR_ABSENT);
    for (size_t n = 0; n < out.size; n++)
        if (n != out.size - wanted.size)
            assert_int_not_equal(
                wire_figure_ack_read(base_bytes(room, n), &back), ERR_OK);
}

static void
the_fullest_ack_fits_its_limit(void **state)
{
    (void)state;
    static struct wire_figure_ack ack;
    struct base_out out;
    ack = (struct wire_figure_ack){.applied = 65536,
                                   .skipped = 65536,
                                   .refused = 65536,
                                   .code_count = WIRE_FIGURE_REFUSED};
    for (unsigned i = 0; i < WIRE_FIGURE_REFUSED; i++)
        ack.codes[i].index = 65535;
    base_out_fixed(&out, room, WIRE_FIGURE_ACK);
    wire_figure_ack_write(&out, &ack);
    assert_true(base_out_ok(&out));
}

static void
a_unit_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct base_out out;
    struct wire_unit unit = {
        .id = base_bytes_text("88.31.1001/host"),
        .class_name = base_bytes_text("host"),
        .active = true,
        .since_ms = 1763787600000,
    };
    struct wire_unit back;
    base_out_fixed(&out, room, sizeof room);
    wire_unit_write(&out, &unit);
    assert_int_equal(wire_unit_read(base_out_bytes(&out), &back), ERR_OK);
    assert_true(base_bytes_equal(unit.id, back.id));
    assert_true(base_bytes_equal(unit.class_name, back.class_name));
    assert_true(back.active);
    assert_true(back.since_ms == unit.since_ms);
    for (size_t n = 0; n < out.size; n++)
        assert_int_not_equal(wire_unit_read(base_bytes(room, n), &back),
                             ERR_OK);
    memset(room + out.size, 0, 3);
    for (size_t n = 1; n <= 3; n++)
        assert_int_not_equal(
            wire_unit_read(base_bytes(room, out.size + n), &back), ERR_OK);
    room[0] = 3;
    assert_int_equal(wire_unit_read(base_bytes(room, out.size), &back),
                     ERR_SYNTAX);
}

static void
a_unit_has_the_codes_of_its_registry(void **state)
{
    (void)state;
    struct base_out out;
    struct wire_unit back,
        unit = {
            .id = base_bytes_text("88.31.1001/pump"),
            .attributes = base_bytes_text("ind=3441,region=31"),
        };
    base_out_fixed(&out, room, sizeof room);
    wire_unit_write(&out, &unit);
    assert_int_equal(wire_unit_read(base_out_bytes(&out), &back), ERR_OK);
    assert_true(base_bytes_equal(unit.attributes, back.attributes));
    unit.attributes.size = 0;
    base_out_reset(&out);
    wire_unit_write(&out, &unit);
    size_t bare = out.size; /* what an older node sent */
    assert_int_equal(wire_unit_read(base_out_bytes(&out), &back), ERR_OK);
    assert_int_equal(back.attributes.size, 0);
    base_out_u16le(&out, 513);
    memset(base_out_space(&out, 513), 'a', 513);
    assert_int_equal(wire_unit_read(base_out_bytes(&out), &back), ERR_SYNTAX);
    assert_int_equal(wire_unit_read(base_bytes(room, bare + 4), &back),
                     ERR_SHORT);
}

static void
an_explanation_is_read_as_it_was_written(void **state)
{
    static const uint8_t digest[32] = {1, 2, 3};
    (void)state;
    struct base_out out;
    struct base_cur cur;
    struct wire_explain_entry entry;
    base_out_fixed(&out, room, sizeof room);
    wire_explain_begin(&out);
    wire_explain_add(&out, &(struct wire_explain_entry){
                               .kind = WIRE_EXPLAIN_NODE,
                               .name = base_bytes_text("88.31"),
                               .has = WIRE_EXPLAIN_VALUE | WIRE_EXPLAIN_A,
                               .value = {-5},
                               .a = 123,
                               .n = 2,
                               .epoch = 1,
                               .revision = 8});
    wire_explain_add(&out, &(struct wire_explain_entry){
                               .depth = 1,
                               .kind = WIRE_EXPLAIN_UNIT,
                               .why = ERR_TIMEOUT,
                               .has = WIRE_EXPLAIN_SAMPLE | WIRE_EXPLAIN_DIGEST,
                               .samples = 12,
                               .first_ms = -4,
                               .digest = base_bytes(digest, sizeof digest),
                               .sequence = 77});
    wire_explain_add(
        &out, &(struct wire_explain_entry){.depth = 1,
                                           .kind = WIRE_EXPLAIN_BATCH,
                                           .has = WIRE_EXPLAIN_PROOF,
                                           .seq = 9,
                                           .verdict = WIRE_EXPLAIN_SIGNED,
                                           .key_id = 5,
                                           .key = base_bytes_text("key"),
                                           .batch = base_bytes_text("batch")});
    wire_explain_add(&out, &(struct wire_explain_entry){
                               .depth = 1,
                               .kind = WIRE_EXPLAIN_RETURN,
                               .has = WIRE_EXPLAIN_PROOF | WIRE_EXPLAIN_FILED,
                               .verdict = WIRE_EXPLAIN_WRONG,
                               .filed_ms = 99,
                               .digest = base_bytes(digest, sizeof digest),
                               .receipt = 2});
    wire_explain_end(&out, 4);
    struct bytes whole = base_out_bytes(&out);
    assert_int_equal(wire_explain_open(whole, &cur), ERR_OK);
    assert_true(wire_explain_next(&cur, &entry));
    assert_true(base_bytes_is(entry.name, "88.31"));
    assert_true(entry.value.count == -5 && entry.a == 123);
    assert_true(wire_explain_next(&cur, &entry));
    assert_int_equal(entry.why, ERR_TIMEOUT);
    assert_int_equal(entry.sequence, 77);
    assert_int_equal(entry.samples, 12);
    assert_int_equal(entry.first_ms, -4);
    assert_memory_equal(entry.digest.at, digest, sizeof digest);
    assert_true(wire_explain_next(&cur, &entry));
    assert_int_equal(entry.seq, 9);
    assert_int_equal(entry.key_id, 5);
    assert_true(base_bytes_is(entry.key, "key"));
    assert_true(base_bytes_is(entry.batch, "batch"));
    assert_true(wire_explain_next(&cur, &entry));
    assert_int_equal(entry.verdict, WIRE_EXPLAIN_WRONG);
    assert_int_equal(entry.filed_ms, 99);
    assert_int_equal(entry.receipt, 2);
    assert_memory_equal(entry.digest.at, digest, sizeof digest);
    assert_false(wire_explain_next(&cur, &entry));
    for (size_t n = 0; n < whole.size; n++)
        assert_int_not_equal(wire_explain_open(base_bytes(room, n), &cur),
                             ERR_OK);
    room[0] = 1;
    assert_int_equal(wire_explain_open(whole, &cur), ERR_SYNTAX);
    room[0] = 4;
    room[2] = 1; /* begins at depth 1 */
    assert_int_equal(wire_explain_open(whole, &cur), ERR_SYNTAX);
}

static void
a_question_names_what_its_asker_holds_in_order(void **state)
{
    (void)state;
    static uint8_t held_room[64];
    struct base_out out, held;
    struct base_cur cur;
    struct wire_explain_ask ask;
    struct wire_explain_held one;
    for (uint32_t second = 7; second < 9; second++) {
        base_out_fixed(&held, held_room, sizeof held_room);
        wire_explain_held_add(&held, &(struct wire_explain_held){7, 1, 40});
        wire_explain_held_add(&held, &(struct wire_explain_held){second, 2, 3});
        base_out_fixed(&out, room, sizeof room);
        wire_explain_ask_write(
            &out, &(struct wire_explain_ask){.window = 5,
                                             .pack = base_bytes_text("p"),
                                             .name = base_bytes_text("m"),
                                             .cells = base_bytes_text("i=C"),
                                             .held = base_out_bytes(&held)});
        assert_int_equal(wire_explain_ask_read(base_out_bytes(&out), &ask),
                         second == 8 ? ERR_OK : ERR_SYNTAX);
    }
    assert_true(base_bytes_is(ask.cells, "i=C"));
    base_cur_init(&cur, ask.held);
    assert_true(wire_explain_held_next(&cur, &one));
    assert_true(wire_explain_held_next(&cur, &one));
    assert_int_equal(one.cell, 8);
    assert_int_equal(one.revision, 3);
    assert_false(wire_explain_held_next(&cur, &one));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_read_as_it_was_written),
        cmocka_unit_test(the_example_of_the_document_has_these_bytes),
        cmocka_unit_test(what_is_signed_is_the_batch_without_sums_and_tail),
        cmocka_unit_test(every_changed_byte_is_refused),
        cmocka_unit_test(what_has_two_readings_is_refused),
        cmocka_unit_test(the_same_cell_does_not_come_twice),
        cmocka_unit_test(what_is_not_there_yet_is_refused_by_name),
        cmocka_unit_test(an_ack_tells_counts_refusals_and_the_wanted_shape),
        cmocka_unit_test(the_fullest_ack_fits_its_limit),
        cmocka_unit_test(a_unit_is_read_as_it_was_written),
        cmocka_unit_test(a_unit_has_the_codes_of_its_registry),
        cmocka_unit_test(an_explanation_is_read_as_it_was_written),
        cmocka_unit_test(a_question_names_what_its_asker_holds_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
