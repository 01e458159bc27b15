/* wire_token_fuzz.c -- what is read is written back as the same text. */
#include "base/base_must.h"
#include "wire/token/wire_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_token token;
    struct base_note note;
    struct bytes text = base_bytes(data, size);
    if (wire_token_read(text, &token, &note) != ERR_OK) {
        must(note.text[0]);
        return 0;
    }
    uint8_t room[WIRE_TOKEN_TEXT];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    must(wire_token_write(&token, &out) == ERR_OK);
    must(base_bytes_equal(base_out_bytes(&out), text));
    return 0;
}
