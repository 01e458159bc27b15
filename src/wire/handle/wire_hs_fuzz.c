/* wire_hs_fuzz.c -- a list of values, then types to compare.
 *
 * What was read is written again byte for byte, value by value, and nothing
 * read lies outside the input. */
#include "base/base_must.h"
#include "wire/handle/wire_hs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_inside(struct bytes whole, struct bytes part)
{
    if (part.size == 0)
        return;
    must(part.at >= whole.at);
    must(part.at + part.size <= whole.at + whole.size);
}

static void
fuzz_references(const struct wire_hs_value *value)
{
    struct base_cur cur;
    struct wire_hs_ref ref;
    base_cur_init(&cur, value->references);
    for (uint32_t i = 0; i < value->reference_count; i++) {
        wire_hs_read_ref(&cur, &ref);
        must(base_cur_ok(&cur));
        fuzz_inside(value->references, ref.handle);
    }
    must(base_cur_left(&cur) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[1 << 17];
    struct bytes in = base_bytes(data, size);
    struct wire_hs_list list, walk;
    struct wire_hs_value value;
    struct base_cur cur;
    struct base_out out;
    if (size > sizeof room)
        return 0;
    base_cur_init(&cur, in);
    if (!wire_hs_read_list(&cur, &list)) {
        must(cur.failed != ERR_OK);
        return 0;
    }
    must(list.count <= WIRE_HS_VALUES);
    base_out_fixed(&out, room, sizeof room);
    base_out_u32be(&out, list.count);
    for (walk = list; wire_hs_next(&walk, &value);) {
        fuzz_inside(in, value.type);
        fuzz_inside(in, value.data);
        fuzz_references(&value);
        (void)wire_hs_type_matches(value.data, value.type);
        wire_hs_write_value(&out, &value);
    }
    must(walk.count == 0 && walk.raw.size == 0);
    must(base_bytes_equal(base_out_bytes(&out),
                          base_bytes(data, base_cur_offset(&cur))));
    return 0;
}
