/* wire_json_fuzz.c -- whatever the bytes are: tokens lie in the input, the
 * parser ends, skip and next agree on where a value ends. */
#include "base/base_must.h"
#include "wire/json/wire_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
json_walk(struct bytes text)
{
    struct wire_json json;
    struct bytes token = {0};
    uint8_t room[256];
    enum wire_json_kind kind;
    wire_json_init(&json, text);
    for (size_t steps = 0;; steps++) {
        must(steps <= text.size + 1);
        kind = wire_json_next(&json, &token);
        if (kind == WIRE_JSON_ERROR || kind == WIRE_JSON_END)
            return;
        if (kind != WIRE_JSON_NAME && kind != WIRE_JSON_STRING &&
            kind != WIRE_JSON_NUMBER)
            continue;
        must(token.at >= text.at);
        must(token.at + token.size <= text.at + text.size);
        struct base_out out;
        base_out_fixed(&out, room, sizeof room);
        if (kind != WIRE_JSON_NUMBER)
            wire_json_text(token, &out);
        must(!base_out_ok(&out) || base_bytes_utf8(base_out_bytes(&out)));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_walk(base_bytes(data, size));
    return 0;
}
