/* wire_auth.c -- see wire_auth.h. */
#include "wire/auth/wire_auth.h"

#include "base/base_b64.h"

static bool
auth_scheme(struct bytes header, const char *scheme, struct bytes *ret_rest)
{
    struct bytes name = base_bytes_text(scheme);
    if (header.size <= name.size || header.at[name.size] != ' ' ||
        !base_bytes_equal_folded(base_bytes_slice(header, 0, name.size), name))
        return false;
    *ret_rest = base_bytes_slice(header, name.size + 1, header.size);
    return true;
}

static bool
auth_token_byte(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
           (c >= 'a' && c <= 'z') || (c != 0 && strchr("-._~+/", c) != NULL);
}

static enum err
auth_bearer(struct bytes token, struct wire_auth *ret_auth)
{
    size_t size = token.size;
    while (size > 0 && token.at[size - 1] == '=')
        size--;
    for (size_t i = 0; i < size; i++)
        if (!auth_token_byte(token.at[i]))
            return ERR_SYNTAX;
    if (size == 0)
        return ERR_SYNTAX;
    *ret_auth = (struct wire_auth){WIRE_AUTH_BEARER, {NULL, 0}, token};
    return ERR_OK;
}

static enum err
auth_basic(struct bytes text, struct base_out *room, struct wire_auth *ret_auth)
{
    size_t before = room->size;
    enum err err = base_b64_read(text, BASE_B64_STANDARD, room);
    if (err != ERR_OK)
        return err;
    struct bytes both =
        base_bytes_slice(base_out_bytes(room), before, SIZE_MAX);
    size_t colon = base_bytes_find(both, ':');
    if (colon == both.size)
        return ERR_SYNTAX;
    *ret_auth = (struct wire_auth){
        .scheme = WIRE_AUTH_BASIC,
        .user = base_bytes_slice(both, 0, colon),
        .secret = base_bytes_slice(both, colon + 1, both.size),
    };
    return ERR_OK;
}

enum err
wire_auth_read(struct bytes header, struct base_out *room,
               struct wire_auth *ret_auth)
{
    struct bytes rest;
    if (auth_scheme(header, "Bearer", &rest))
        return auth_bearer(rest, ret_auth);
    if (auth_scheme(header, "Basic", &rest))
        return auth_basic(rest, room, ret_auth);
    return ERR_UNSUPPORTED;
}

struct bytes
wire_auth_cookie(struct bytes header, struct bytes name)
{
    while (header.size > 0) {
        struct bytes pair =
            base_bytes_slice(header, 0, base_bytes_find(header, ';'));
        header = base_bytes_slice(header, pair.size + 1, header.size);
        while (pair.size > 0 && pair.at[0] == ' ')
            pair = base_bytes_slice(pair, 1, pair.size);
        size_t equals = base_bytes_find(pair, '=');
        if (equals < pair.size &&
            base_bytes_equal(base_bytes_slice(pair, 0, equals), name))
            return base_bytes_slice(pair, equals + 1, pair.size);
    }
    return (struct bytes){NULL, 0};
}
