/* wire_figure_fuzz.c -- first byte: which codec, M; the rest is the input.
 * What is read whole is written again to the same bytes.  A changed batch dies
 * at its checksums, so it is read once more with these made right. */
#include "base/base_hash.h"
#include "base/base_must.h"
#include "wire/figure/wire_explain.h"
#include "wire/figure/wire_figure.h"
#include "wire/figure/wire_unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_same(struct base_out *out, struct bytes input)
{
    must(base_bytes_equal(base_out_bytes(out), input));
    base_out_done(out);
}

static void
fuzz_batch(struct bytes input, unsigned slots)
{
    struct wire_figure_head head;
    struct wire_figure_reader reader;
    struct wire_figure_record record;
    struct wire_figure_writer writer;
    struct base_out out;
    if (wire_figure_read(input, &head, &reader) != ERR_OK)
        return;
    base_out_grow(&out, 4 << 20);
    wire_figure_begin(&writer, &out, &head);
    enum err err;
    while ((err = wire_figure_next(&reader, slots, &record)) == ERR_OK)
        wire_figure_add(&writer, &record);
    must(wire_figure_end(&writer, head.flags) == ERR_OK);
    if (head.flags & WIRE_FIGURE_SIGNED)
        wire_figure_sign(&writer, head.key_id, head.signature.at);
    if (err == ERR_ABSENT)
        must(base_bytes_equal(base_out_bytes(&out), input));
    base_out_done(&out);
}

static void
fuzz_batch_mended(struct bytes input, unsigned slots)
{
    if (input.size < WIRE_FIGURE_HEAD)
        return;
    struct bytes body = base_bytes_slice(input, WIRE_FIGURE_HEAD, input.size);
    struct base_out out;
    base_out_grow(&out, input.size);
    base_out_bytes_add(&out, input);
    base_out_patch_u32le(&out, 36, (uint32_t)body.size);
    base_out_patch_u32le(&out, 40, base_hash_crc32c(0, body));
    base_out_patch_u32le(
        &out, 44,
        base_hash_crc32c(0, base_bytes_slice(base_out_bytes(&out), 0, 44)));
    fuzz_batch(base_out_bytes(&out), slots);
    base_out_done(&out);
}

static void
fuzz_ack(struct bytes input)
{
    static struct wire_figure_ack ack;
    struct base_out out;
    uint64_t shape8;
    if (wire_figure_ack_read(input, &ack) != ERR_OK)
        return;
    wire_figure_wanted(&ack, base_bytes_text("host"), &shape8);
    base_out_grow(&out, 4 << 20);
    wire_figure_ack_write(&out, &ack);
    fuzz_same(&out, input);
}

static void
fuzz_explain(struct bytes input)
{
    struct base_cur cur;
    struct wire_explain_entry entry;
    struct base_out out;
    uint16_t count = 0;
    if (wire_explain_open(input, &cur) != ERR_OK)
        return;
    base_out_grow(&out, 4 << 20);
    wire_explain_begin(&out);
    for (; wire_explain_next(&cur, &entry); count++)
        wire_explain_add(&out, &entry);
    wire_explain_end(&out, count);
    fuzz_same(&out, input);
}

static void
fuzz_small(struct bytes input)
{
    struct wire_unit unit;
    struct wire_explain_ask ask;
    struct base_out out;
    if (wire_unit_read(input, &unit) == ERR_OK) {
        base_out_grow(&out, 4096);
        wire_unit_write(&out, &unit);
        fuzz_same(&out, input);
    }
    if (wire_explain_ask_read(input, &ask) == ERR_OK) {
        base_out_grow(&out, 4096);
        wire_explain_ask_write(&out, &ask);
        fuzz_same(&out, input);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct bytes input = base_bytes(data + 1, size - 1);
    switch (data[0] >> 6) {
    case 0:
        fuzz_batch(input, 1 + data[0] % 64);
        fuzz_batch_mended(input, 1 + data[0] % 64);
        break;
    case 1:
        fuzz_ack(input);
        break;
    case 2:
        fuzz_explain(input);
        break;
    default:
        fuzz_small(input);
    }
    return 0;
}
