/* wire_frame_body.c -- the small bodies of the tier link. */
#include "wire/frame/wire_frame_body.h"

/* The number of an error on the wire is its place here, from 0: append only. */
static const enum err wire_frame_body_codes[] = {
    ERR_OK,     ERR_ABSENT,   ERR_EXISTS,   ERR_FULL,        ERR_LIMIT,
    ERR_LABEL,  ERR_TIME,     ERR_CONFLICT, ERR_STALE,       ERR_CORRUPT,
    ERR_BUSY,   ERR_IO,       ERR_PARTIAL,  ERR_UNSUPPORTED, ERR_SYNTAX,
    ERR_RANGE,  ERR_SHORT,    ERR_BIG,      ERR_NAME,        ERR_TYPE,
    ERR_UNIT,   ERR_NOROUTE,  ERR_DENIED,   ERR_EXPIRED,     ERR_REVOKED,
    ERR_USED,   ERR_FENCED,   ERR_VERSION,  ERR_TIMEOUT,     ERR_LOST,
    ERR_CLOSED, ERR_MISMATCH, ERR_AGAIN,
};

enum {
    WIRE_FRAME_CODES =
        sizeof wire_frame_body_codes / sizeof *wire_frame_body_codes
};
_Static_assert((int)WIRE_FRAME_CODES == (int)ERR_COUNT,
               "a new error needs a number on the wire");

uint16_t
wire_frame_body_code(enum err err)
{
    for (unsigned i = 0; i < WIRE_FRAME_CODES; i++)
        if (wire_frame_body_codes[i] == err)
            return (uint16_t)i;
    return wire_frame_body_code(ERR_UNSUPPORTED);
}

enum err
wire_frame_body_err(uint16_t code)
{
    return code < WIRE_FRAME_CODES ? wire_frame_body_codes[code]
                                   : ERR_UNSUPPORTED;
}

const char *
wire_frame_body_refusal(unsigned code)
{
    static const char *const names[WIRE_FRAME_REFUSALS] = {
        [WIRE_FRAME_BUSY] = "busy",
        [WIRE_FRAME_VERSION] = "no common version",
        [WIRE_FRAME_DENIED] = "denied",
        [WIRE_FRAME_NAME] = "not a name for this link",
        [WIRE_FRAME_EXPIRED] = "certificate expired",
        [WIRE_FRAME_FENCED] = "fenced",
        [WIRE_FRAME_SUPERSEDED] = "superseded by a newer link",
        [WIRE_FRAME_LIMIT] = "over a limit",
        [WIRE_FRAME_BAD] = "bad frame",
        [WIRE_FRAME_MOVED] = "moved",
        [WIRE_FRAME_SHUTDOWN] = "shutting down",
        [WIRE_FRAME_CLOCK] = "certificate not yet valid",
    };
    return code < WIRE_FRAME_REFUSALS && names[code] ? names[code] : "unknown";
}

enum err
wire_frame_body_refuse_read(struct bytes body,
                            struct wire_frame_refuse *ret_refuse)
{
    struct base_cur cur;
    base_cur_init(&cur, body);
    struct wire_frame_refuse refuse = {
        .code = base_cur_u16le(&cur),
        .wait_ms = base_cur_u32le(&cur),
    };
    refuse.text = base_cur_rest(&cur);
    if (!base_cur_ok(&cur))
        return cur.failed;
    if (refuse.text.size > WIRE_FRAME_TEXT_MAX)
        return ERR_BIG;
    if (!base_bytes_utf8(refuse.text))
        return ERR_SYNTAX;
    *ret_refuse = refuse;
    return ERR_OK;
}

void
wire_frame_body_refuse_write(struct base_out *out,
                             const struct wire_frame_refuse *refuse)
{
    base_out_u16le(out, refuse->code);
    base_out_u32le(out, refuse->wait_ms);
    base_out_bytes_add(out,
                       base_bytes_slice(refuse->text, 0, WIRE_FRAME_TEXT_MAX));
}

enum err
wire_frame_body_ack_read(struct bytes body, uint64_t ack_seq,
                         struct wire_frame_refused *into, unsigned *ret_count)
{
    struct base_cur cur;
    base_cur_init(&cur, body);
    unsigned count = base_cur_u16le(&cur);
    if (count > WIRE_FRAME_REFUSED_MAX)
        return ERR_BIG;
    for (unsigned i = 0; i < count && base_cur_ok(&cur); i++) {
        into[i].seq = base_cur_u64le(&cur);
        into[i].code = base_cur_u16le(&cur);
        if (into[i].seq == 0 || into[i].seq > ack_seq)
            base_cur_fail(&cur, ERR_SYNTAX);
    }
    if (base_cur_left(&cur) > 0)
        base_cur_fail(&cur, ERR_SYNTAX);
    if (!base_cur_ok(&cur))
        return cur.failed;
    *ret_count = count;
    return ERR_OK;
}

void
wire_frame_body_ack_write(struct base_out *out,
                          const struct wire_frame_refused *refused,
                          unsigned count)
{
    base_out_u16le(out, (uint16_t)count);
    for (unsigned i = 0; i < count; i++) {
        base_out_u64le(out, refused[i].seq);
        base_out_u16le(out, refused[i].code);
    }
}

enum err
wire_frame_body_numbers_read(struct bytes body, uint64_t *into, unsigned count)
{
    struct base_cur cur;
    base_cur_init(&cur, body);
    for (unsigned i = 0; i < count; i++)
        into[i] = base_cur_u64le(&cur);
    if (base_cur_left(&cur) > 0)
        base_cur_fail(&cur, ERR_SYNTAX);
    return cur.failed;
}

void
wire_frame_body_numbers_write(struct base_out *out, const uint64_t *numbers,
                              unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        base_out_u64le(out, numbers[i]);
}
