/* wire_auth_fuzz.c -- what is found lies inside what was given, and a cookie is
 * found again when it stands alone. */
#include "base/base_must.h"
#include "wire/auth/wire_auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
inside(struct bytes part, struct bytes whole)
{
    return part.size == 0 || (part.at >= whole.at &&
                              part.at + part.size <= whole.at + whole.size);
}

static void
fuzz_cookie(struct bytes text)
{
    static const struct bytes name = {(const uint8_t *)"dg", 2};
    struct bytes value = wire_auth_cookie(text, name);
    uint8_t room[4096];
    struct base_out out;
    if (!value.at)
        return;
    must(inside(value, text));
    must(base_bytes_find(value, ';') == value.size);
    base_out_fixed(&out, room, sizeof room);
    base_out_text(&out, "x=y; dg=");
    base_out_bytes_add(&out, value);
    if (base_out_ok(&out))
        must(base_bytes_equal(wire_auth_cookie(base_out_bytes(&out), name),
                              value));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = base_bytes(data, size);
    struct wire_auth auth;
    uint8_t room[256];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    if (wire_auth_read(text, &out, &auth) == ERR_OK) {
        must(inside(auth.secret, auth.scheme == WIRE_AUTH_BEARER
                                     ? text
                                     : base_bytes(room, sizeof room)));
        must(base_bytes_find(auth.user, ':') == auth.user.size);
    }
    fuzz_cookie(text);
    return 0;
}
