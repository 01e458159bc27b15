/* wire_handle_body.c -- bodies, credentials, and what the codes mean. */
#include "base/base_mem.h"
#include "wire/handle/wire_handle.h"

enum { BODY_NUMBER = 4, BODY_STR_LEAST = 4 };

/* clang-format off */
static const struct {
    uint32_t code;
    const char *text;
} body_codes[] = {
    {WIRE_HANDLE_OK,              "ok"},
    {WIRE_HANDLE_INTERNAL,        "the server failed"},
    {WIRE_HANDLE_BUSY,            "busy, or over a limit"},
    {WIRE_HANDLE_MALFORMED,       "malformed, or the wrong transport"},
    {WIRE_HANDLE_UNKNOWN_OP,      "an operation that is not served"},
    {WIRE_HANDLE_TOO_DEEP,        "too many recursions"},
    {WIRE_HANDLE_READ_ONLY,       "read-only for now"},
    {WIRE_HANDLE_NOT_FOUND,       "not found"},
    {WIRE_HANDLE_EXISTS,          "exists already"},
    {WIRE_HANDLE_BAD_NAME,        "not a handle"},
    {WIRE_HANDLE_NO_VALUES,       "no such values"},
    {WIRE_HANDLE_VALUE_EXISTS,    "a value of that index exists"},
    {WIRE_HANDLE_BAD_VALUE,       "not a value"},
    {WIRE_HANDLE_NOT_HERE,        "not held here"},
    {WIRE_HANDLE_REFERRAL,        "held elsewhere"},
    {WIRE_HANDLE_PREFIX_REFERRAL, "its prefix is held elsewhere"},
    {WIRE_HANDLE_DENIED,          "not allowed"},
    {WIRE_HANDLE_PERMISSION,      "allowed to nobody"},
    {WIRE_HANDLE_CHALLENGE,       "prove who you are"},
    {WIRE_HANDLE_FAILED,          "the proof is wrong"},
    {WIRE_HANDLE_UNABLE,          "a proof of no known kind"},
    {WIRE_HANDLE_LATE,            "no such challenge"},
    {WIRE_HANDLE_NO_KEY,          "the key cannot be obtained"},
    {WIRE_HANDLE_NO_SESSION,      "no such session"},
    {WIRE_HANDLE_SESSION_FAILED,  "no session can be made so"},
    {WIRE_HANDLE_BAD_MAC,         "a wrong MAC"},
    {WIRE_HANDLE_REPLAY,          "sent before"},
};
/* clang-format on */

const char *
wire_handle_code_text(uint32_t code)
{
    for (size_t i = 0; i < BASE_COUNT(body_codes); i++)
        if (body_codes[i].code == code)
            return body_codes[i].text;
    return "an unknown code";
}

/* --- RESOLUTION --- */

/* A count of things, each at least 4 bytes, and not too many of them. */
static uint32_t
body_count(struct base_cur *cur)
{
    uint32_t count = wire_hs_read_count(cur, BODY_NUMBER);
    if (count > WIRE_HANDLE_WANTS)
        base_cur_fail(cur, ERR_BIG);
    return base_cur_ok(cur) ? count : 0;
}

enum err
wire_handle_read_query(struct bytes body, struct wire_handle_query *ret_query)
{
    struct base_cur cur;
    struct wire_handle_query query = {0};
    base_cur_init(&cur, body);
    query.handle = wire_hs_read_str(&cur);
    query.index_count = body_count(&cur);
    query.indexes = base_cur_take(&cur, (size_t)query.index_count * 4);
    query.type_count = body_count(&cur);
    size_t from = base_cur_offset(&cur);
    for (uint32_t i = 0; i < query.type_count && base_cur_ok(&cur); i++)
        (void)wire_hs_read_str(&cur);
    query.types = base_bytes_slice(body, from, base_cur_offset(&cur) - from);
    query.rest = base_cur_rest(&cur);
    if (base_cur_ok(&cur))
        *ret_query = query;
    return cur.failed;
}

void
wire_handle_write_query(struct base_out *out,
                        const struct wire_handle_query *query)
{
    wire_hs_write_str(out, query->handle);
    base_out_u32be(out, query->index_count);
    base_out_bytes_add(out, query->indexes);
    base_out_u32be(out, query->type_count);
    base_out_bytes_add(out, query->types);
    base_out_bytes_add(out, query->rest);
}

enum err
wire_handle_read_values(struct bytes body,
                        struct wire_handle_values *ret_values)
{
    struct base_cur cur;
    struct wire_handle_values values = {0};
    base_cur_init(&cur, body);
    values.handle = wire_hs_read_str(&cur);
    (void)wire_hs_read_list(&cur, &values.values);
    if (base_cur_left(&cur) > 0)
        base_cur_fail(&cur, ERR_SYNTAX);
    if (base_cur_ok(&cur))
        *ret_values = values;
    return cur.failed;
}

void
wire_handle_write_values(struct base_out *out,
                         const struct wire_handle_values *values)
{
    wire_hs_write_str(out, values->handle);
    wire_hs_write_list(out, &values->values);
}

enum err
wire_handle_read_text(struct bytes body, struct bytes *ret_text)
{
    struct base_cur cur;
    base_cur_init(&cur, body);
    struct bytes text = wire_hs_read_str(&cur);
    if (base_cur_left(&cur) > 0)
        base_cur_fail(&cur, ERR_SYNTAX);
    if (base_cur_ok(&cur))
        *ret_text = text;
    return cur.failed;
}

/* --- digests --- */

size_t
wire_handle_digest_size(uint8_t kind)
{
    static const uint8_t sizes[] = {0, 16, 20, 32};
    return kind < BASE_COUNT(sizes) ? sizes[kind] : 0;
}

enum err
wire_handle_read_digest(struct bytes *body, uint8_t *ret_kind,
                        struct bytes *ret_digest)
{
    struct base_cur cur;
    base_cur_init(&cur, *body);
    uint8_t kind = base_cur_u8(&cur);
    struct bytes digest = base_cur_take(&cur, wire_handle_digest_size(kind));
    struct bytes rest = base_cur_rest(&cur);
    if (wire_handle_digest_size(kind) == 0)
        base_cur_fail(&cur, ERR_SYNTAX);
    if (!base_cur_ok(&cur))
        return cur.failed;
    *ret_kind = kind;
    *ret_digest = digest;
    *body = rest;
    return ERR_OK;
}

/* --- credential --- */

enum err
wire_handle_read_credential(struct bytes raw,
                            struct wire_handle_credential *ret_credential)
{
    struct base_cur cur, section;
    struct wire_handle_credential credential = {0};
    base_cur_init(&cur, raw);
    credential.version = base_cur_u8(&cur);
    credential.zero = base_cur_u8(&cur);
    credential.options = base_cur_u16be(&cur);
    credential.signer = wire_hs_read_str(&cur);
    credential.counter = base_cur_u32be(&cur);
    credential.type = wire_hs_read_str(&cur);
    base_cur_init(&section, wire_hs_read_str(&cur));
    credential.algorithm = wire_hs_read_str(&section);
    credential.signature = wire_hs_read_str(&section);
    if (base_cur_left(&cur) > 0 || base_cur_left(&section) > 0)
        base_cur_fail(&cur, ERR_SYNTAX);
    if (!base_cur_ok(&section))
        base_cur_fail(&cur, section.failed);
    if (base_cur_ok(&cur))
        *ret_credential = credential;
    return cur.failed;
}

void
wire_handle_write_credential(struct base_out *out,
                             const struct wire_handle_credential *credential)
{
    size_t section = 2 * (size_t)BODY_STR_LEAST + credential->algorithm.size +
                     credential->signature.size;
    base_out_u8(out, credential->version);
    base_out_u8(out, credential->zero);
    base_out_u16be(out, credential->options);
    wire_hs_write_str(out, credential->signer);
    base_out_u32be(out, credential->counter);
    wire_hs_write_str(out, credential->type);
    base_out_u32be(out, (uint32_t)section);
    wire_hs_write_str(out, credential->algorithm);
    wire_hs_write_str(out, credential->signature);
}

void
wire_handle_write_signed(struct base_out *out,
                         const struct wire_handle_envelope *envelope,
                         uint32_t counter, struct bytes covered)
{
    base_out_u8(out, envelope->major);
    base_out_u8(out, envelope->minor);
    base_out_u8(out, envelope->suggested_major);
    base_out_u8(out, envelope->suggested_minor);
    base_out_u32be(out, envelope->session);
    base_out_u32be(out, envelope->request);
    base_out_u32be(out, counter);
    base_out_bytes_add(out, covered);
}
