/* wire_handle.c -- envelope, header, parts. */
#include "wire/handle/wire_handle.h"

#include "base/base_must.h"

enum {
    HANDLE_SUGGESTED = 0x03, /* bits of the envelope's flags */
    HANDLE_AT_SIZE = 16,
    HANDLE_AT_BODY = WIRE_HANDLE_ENVELOPE + 20,
    HANDLE_FRONT = WIRE_HANDLE_ENVELOPE + WIRE_HANDLE_HEADER,
};

enum err
wire_handle_read_envelope(struct bytes packet,
                          struct wire_handle_envelope *ret_envelope)
{
    struct base_cur cur;
    struct wire_handle_envelope envelope = {0};
    base_cur_init(&cur, packet);
    envelope.major = base_cur_u8(&cur);
    envelope.minor = base_cur_u8(&cur);
    uint8_t flags = base_cur_u8(&cur);
    envelope.flags = flags & (uint8_t)~HANDLE_SUGGESTED;
    envelope.suggested_major = flags & HANDLE_SUGGESTED;
    envelope.suggested_minor = base_cur_u8(&cur);
    envelope.session = base_cur_u32be(&cur);
    envelope.request = base_cur_u32be(&cur);
    envelope.sequence = base_cur_u32be(&cur);
    envelope.size = base_cur_u32be(&cur);
    if (base_cur_ok(&cur))
        *ret_envelope = envelope;
    return cur.failed;
}

void
wire_handle_write_envelope(struct base_out *out,
                           const struct wire_handle_envelope *envelope)
{
    base_out_u8(out, envelope->major);
    base_out_u8(out, envelope->minor);
    base_out_u8(out, (uint8_t)(envelope->flags |
                               (envelope->suggested_major & HANDLE_SUGGESTED)));
    base_out_u8(out, envelope->suggested_minor);
    base_out_u32be(out, envelope->session);
    base_out_u32be(out, envelope->request);
    base_out_u32be(out, envelope->sequence);
    base_out_u32be(out, envelope->size);
}

static void
handle_read_header(struct base_cur *cur, struct wire_handle_message *message)
{
    struct wire_handle_header header = {.op = base_cur_u32be(cur)};
    header.code = base_cur_u32be(cur);
    header.flags = base_cur_u32be(cur);
    header.serial = base_cur_u16be(cur);
    header.recursion = base_cur_u8(cur);
    header.zero = base_cur_u8(cur);
    header.expiration_s = base_cur_u32be(cur);
    header.body_size = base_cur_u32be(cur);
    message->has_header = base_cur_ok(cur);
    if (message->has_header)
        message->header = header;
}

/* Is it as long as it says? */
static enum err
handle_check_size(const struct wire_handle_envelope *envelope, size_t size)
{
    if (envelope->size > WIRE_HANDLE_MESSAGE)
        return ERR_BIG;
    if (size == envelope->size)
        return ERR_OK;
    return size < envelope->size ? ERR_SHORT : ERR_SYNTAX;
}

enum err
wire_handle_read(const struct wire_handle_envelope *envelope,
                 struct bytes payload, struct wire_handle_message *ret_message)
{
    struct base_cur cur;
    enum err err = handle_check_size(envelope, payload.size);
    *ret_message = (struct wire_handle_message){.envelope = *envelope};
    if (envelope->flags & (WIRE_HANDLE_COMPRESSED | WIRE_HANDLE_ENCRYPTED))
        return err == ERR_OK ? ERR_UNSUPPORTED : err;
    base_cur_init(&cur, payload);
    handle_read_header(&cur, ret_message);
    if (err != ERR_OK)
        return err;
    ret_message->body = base_cur_take(&cur, ret_message->header.body_size);
    ret_message->covered = base_bytes_slice(payload, 0, base_cur_offset(&cur));
    if (base_cur_left(&cur) > 0) {
        ret_message->credential = wire_hs_read_str(&cur);
        ret_message->has_credential = true;
    }
    if (base_cur_left(&cur) > 0)
        base_cur_fail(&cur, ERR_SYNTAX);
    return cur.failed;
}

void
wire_handle_begin(struct base_out *out,
                  const struct wire_handle_envelope *envelope,
                  const struct wire_handle_header *header)
{
    must(out->size == 0);
    wire_handle_write_envelope(out, envelope);
    base_out_u32be(out, header->op);
    base_out_u32be(out, header->code);
    base_out_u32be(out, header->flags);
    base_out_u16be(out, header->serial);
    base_out_u8(out, header->recursion);
    base_out_u8(out, header->zero);
    base_out_u32be(out, header->expiration_s);
    base_out_u32be(out, 0); /* body size: at the end */
}

void
wire_handle_end_bare(struct base_out *out)
{
    if (!base_out_ok(out))
        return;
    base_out_patch_u32be(out, HANDLE_AT_BODY,
                         (uint32_t)(out->size - HANDLE_FRONT));
    base_out_patch_u32be(out, HANDLE_AT_SIZE,
                         (uint32_t)(out->size - WIRE_HANDLE_ENVELOPE));
}

void
wire_handle_end(struct base_out *out, struct bytes credential)
{
    wire_handle_end_bare(out);
    wire_hs_write_str(out, credential);
    if (base_out_ok(out))
        base_out_patch_u32be(out, HANDLE_AT_SIZE,
                             (uint32_t)(out->size - WIRE_HANDLE_ENVELOPE));
}

unsigned
wire_handle_parts(struct bytes message)
{
    must(message.size >= HANDLE_FRONT);
    size_t size = message.size - WIRE_HANDLE_ENVELOPE;
    return (unsigned)((size + WIRE_HANDLE_PART - 1) / WIRE_HANDLE_PART);
}

void
wire_handle_part(struct base_out *out, struct bytes message, unsigned number)
{
    struct wire_handle_envelope envelope;
    must(wire_handle_read_envelope(message, &envelope) == ERR_OK);
    envelope.sequence = number;
    wire_handle_write_envelope(out, &envelope);
    base_out_bytes_add(out,
                       base_bytes_slice(message,
                                        WIRE_HANDLE_ENVELOPE +
                                            (size_t)number * WIRE_HANDLE_PART,
                                        WIRE_HANDLE_PART));
}

void
wire_handle_version(const struct wire_handle_envelope *asked,
                    uint8_t *ret_major, uint8_t *ret_minor)
{
    unsigned version = asked->suggested_major * 256u + asked->suggested_minor;
    if (version == 0)
        version = asked->major * 256u + asked->minor;
    if (version > WIRE_HANDLE_MAJOR * 256u + WIRE_HANDLE_MINOR)
        version = WIRE_HANDLE_MAJOR * 256u + WIRE_HANDLE_MINOR;
    if (version < WIRE_HANDLE_MAJOR * 256u + 1)
        version = WIRE_HANDLE_MAJOR * 256u + 1;
    *ret_major = (uint8_t)(version / 256);
    *ret_minor = (uint8_t)(version % 256);
}

bool
wire_handle_has_session(const struct wire_handle_envelope *envelope)
{
    return envelope->session > 0 && envelope->session <= INT32_MAX;
}
