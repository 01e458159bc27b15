/* wire_token_fuzz.c -- what is read is written back as the same text.
 *
 * A text that is no token by its first letters is taken for a token's bytes
 * without their checksum, which is added: no mutation would ever find it. */
#include "base/base_b64.h"
#include "base/base_hash.h"
#include "base/base_must.h"
#include "wire/token/wire_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_RAW = 256 };

static const char fuzz_mark[] = "dgj1-";

static void
fuzz_text(struct bytes text)
{
    struct wire_token token;
    struct base_note note;
    if (wire_token_read(text, &token, &note) != ERR_OK) {
        must(note.text[0]);
        return;
    }
    uint8_t room[WIRE_TOKEN_TEXT];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    must(wire_token_write(&token, &out) == ERR_OK);
    must(base_bytes_equal(base_out_bytes(&out), text));
}

static void
fuzz_raw(struct bytes input)
{
    uint8_t room[FUZZ_RAW + 4], text[2 * FUZZ_RAW];
    struct base_out raw, out;
    if (input.size > FUZZ_RAW)
        return;
    base_out_fixed(&raw, room, sizeof room);
    base_out_bytes_add(&raw, input);
    base_out_u32le(&raw, base_hash_crc32c(0, input));
    base_out_fixed(&out, text, sizeof text);
    base_out_text(&out, fuzz_mark);
    base_b64_write(&out, BASE_B64_URL, base_out_bytes(&raw));
    must(base_out_ok(&out));
    fuzz_text(base_out_bytes(&out));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = base_bytes(data, size);
    fuzz_text(input);
    if (!base_bytes_starts(input, base_bytes_text(fuzz_mark)))
        fuzz_raw(input);
    return 0;
}
