/* wire_hello.c -- HELLO, WELCOME and their TLVs. */
#include "wire/frame/wire_hello.h"

#include "wire/frame/wire_frame.h"

static const uint8_t wire_hello_magic[4] = {'D', 'G', 'T', '1'};

enum { HELLO_CRITICAL = 0x8000, HELLO_KINDS = 32 };

static enum err
hello_check(const struct wire_hello *hello)
{
    if (hello->version_min > hello->version_max || hello->version_min == 0)
        return ERR_VERSION;
    if (hello->prefix.size == 0 || hello->prefix.size > WIRE_FRAME_NAME_MAX)
        return ERR_SYNTAX;
    struct base_cur cur;
    base_cur_init(&cur, hello->tlvs);
    uint16_t type;
    struct bytes value;
    enum err err;
    while ((err = wire_hello_next(&cur, &type, &value)) == ERR_OK)
        continue;
    return err == ERR_ABSENT ? ERR_OK : err;
}

enum err
wire_hello_read(struct bytes body, struct wire_hello *ret_hello)
{
    struct base_cur cur;
    base_cur_init(&cur, body);
    struct bytes magic = base_cur_take(&cur, sizeof wire_hello_magic);
    struct wire_hello hello = {
        .version_min = base_cur_u8(&cur),
        .version_max = base_cur_u8(&cur),
        .link_kind = base_cur_u8(&cur),
        .flags = base_cur_u8(&cur),
    };
    struct bytes store = base_cur_take(&cur, sizeof hello.store);
    hello.epoch = base_cur_u32le(&cur);
    hello.software = base_cur_u32le(&cur);
    hello.lineage = base_cur_u64le(&cur);
    hello.boot = base_cur_u64le(&cur);
    hello.wall_ms = (int64_t)base_cur_u64le(&cur);
    hello.up_ms = base_cur_u64le(&cur);
    uint16_t prefix_size = base_cur_u16le(&cur);
    uint16_t tlv_size = base_cur_u16le(&cur);
    hello.prefix = base_cur_take(&cur, prefix_size);
    hello.tlvs = base_cur_take(&cur, tlv_size);
    if (base_cur_left(&cur) > 0)
        base_cur_fail(&cur, ERR_SYNTAX);
    if (!base_cur_ok(&cur))
        return cur.failed;
    if (!base_bytes_equal(magic, base_bytes(wire_hello_magic, 4)))
        return ERR_SYNTAX;
    memcpy(hello.store, store.at, sizeof hello.store);
    enum err err = hello_check(&hello);
    if (err == ERR_OK)
        *ret_hello = hello;
    return err;
}

void
wire_hello_write(struct base_out *out, const struct wire_hello *hello)
{
    base_out_bytes_add(out, base_bytes(wire_hello_magic, 4));
    base_out_u8(out, hello->version_min);
    base_out_u8(out, hello->version_max);
    base_out_u8(out, hello->link_kind);
    base_out_u8(out, hello->flags);
    base_out_bytes_add(out, base_bytes(hello->store, sizeof hello->store));
    base_out_u32le(out, hello->epoch);
    base_out_u32le(out, hello->software);
    base_out_u64le(out, hello->lineage);
    base_out_u64le(out, hello->boot);
    base_out_u64le(out, (uint64_t)hello->wall_ms);
    base_out_u64le(out, hello->up_ms);
    base_out_u16le(out, (uint16_t)hello->prefix.size);
    base_out_u16le(out, (uint16_t)hello->tlvs.size);
    base_out_bytes_add(out, hello->prefix);
    base_out_bytes_add(out, hello->tlvs);
}

enum err
wire_hello_next(struct base_cur *cur, uint16_t *ret_type,
                struct bytes *ret_value)
{
    if (!base_cur_ok(cur))
        return cur->failed;
    if (base_cur_left(cur) == 0)
        return ERR_ABSENT;
    uint16_t type = base_cur_u16le(cur), size = base_cur_u16le(cur);
    struct bytes value = base_cur_take(cur, size);
    if (base_cur_ok(cur) && (type & HELLO_CRITICAL))
        base_cur_fail(cur, ERR_UNSUPPORTED);
    if (!base_cur_ok(cur))
        return cur->failed;
    *ret_type = type;
    *ret_value = value;
    return ERR_OK;
}

void
wire_hello_add(struct base_out *out, uint16_t type, struct bytes value)
{
    base_out_u16le(out, type);
    base_out_u16le(out, (uint16_t)value.size);
    base_out_bytes_add(out, value);
}

enum err
wire_hello_channel_read(struct bytes value,
                        struct wire_hello_channel *ret_channel)
{
    struct base_cur cur;
    base_cur_init(&cur, value);
    struct wire_hello_channel channel = {.channel = base_cur_u8(&cur)};
    if (base_cur_u8(&cur) != 0 || base_cur_u16le(&cur) != 0)
        base_cur_fail(&cur, ERR_SYNTAX);
    channel.issued = base_cur_u64le(&cur);
    channel.acked = base_cur_u64le(&cur);
    channel.applied = base_cur_u64le(&cur);
    channel.h = base_cur_u64le(&cur);
    struct bytes kinds = base_cur_take(&cur, HELLO_KINDS);
    if (base_cur_left(&cur) > 0 || channel.acked > channel.issued)
        base_cur_fail(&cur, ERR_SYNTAX);
    if (!base_cur_ok(&cur))
        return cur.failed;
    memcpy(channel.kinds, kinds.at, HELLO_KINDS);
    *ret_channel = channel;
    return ERR_OK;
}

void
wire_hello_channel_add(struct base_out *out,
                       const struct wire_hello_channel *channel)
{
    base_out_u16le(out, WIRE_HELLO_CHANNEL);
    base_out_u16le(out, WIRE_HELLO_CHANNEL_SIZE);
    base_out_u8(out, channel->channel);
    base_out_u8(out, 0);
    base_out_u16le(out, 0);
    base_out_u64le(out, channel->issued);
    base_out_u64le(out, channel->acked);
    base_out_u64le(out, channel->applied);
    base_out_u64le(out, channel->h);
    base_out_bytes_add(out, base_bytes(channel->kinds, HELLO_KINDS));
}

enum err
wire_hello_pack_next(struct base_cur *cur, uint64_t *ret_shape,
                     struct bytes *ret_name)
{
    if (base_cur_ok(cur) && base_cur_left(cur) == 0)
        return ERR_ABSENT;
    uint64_t shape = base_cur_u64le(cur);
    uint8_t size = base_cur_u8(cur);
    struct bytes name = base_cur_take(cur, size);
    if (!base_cur_ok(cur))
        return cur->failed;
    *ret_shape = shape;
    *ret_name = name;
    return ERR_OK;
}

void
wire_hello_pack_write(struct base_out *out, uint64_t shape, struct bytes name)
{
    base_out_u64le(out, shape);
    wire_hello_text_write(out, name);
}

void
wire_hello_text_write(struct base_out *out, struct bytes text)
{
    struct bytes cut = base_bytes_slice(text, 0, UINT8_MAX);
    base_out_u8(out, (uint8_t)cut.size);
    base_out_bytes_add(out, cut);
}

enum err
wire_hello_timing_read(struct bytes value, uint16_t *ret_ping_s,
                       uint32_t *ret_spread_ms)
{
    struct base_cur cur;
    base_cur_init(&cur, value);
    uint16_t ping_s = base_cur_u16le(&cur);
    uint32_t spread_ms = base_cur_u32le(&cur);
    if (!base_cur_ok(&cur))
        return cur.failed;
    if (base_cur_left(&cur) % 5 != 0)
        return ERR_SYNTAX;
    *ret_ping_s = ping_s;
    *ret_spread_ms = spread_ms;
    return ERR_OK;
}

void
wire_hello_timing_add(struct base_out *out, uint16_t ping_s, uint32_t spread_ms)
{
    base_out_u16le(out, WIRE_HELLO_TIMING);
    base_out_u16le(out, 6);
    base_out_u16le(out, ping_s);
    base_out_u32le(out, spread_ms);
}

enum err
wire_hello_base_read(struct bytes value, uint8_t *ret_channel, uint64_t *ret_h)
{
    struct base_cur cur;
    base_cur_init(&cur, value);
    uint64_t channel = base_cur_u64le(&cur), h = base_cur_u64le(&cur);
    if (base_cur_left(&cur) > 0 || channel > UINT8_MAX)
        base_cur_fail(&cur, ERR_SYNTAX);
    if (!base_cur_ok(&cur))
        return cur.failed;
    *ret_channel = (uint8_t)channel;
    *ret_h = h;
    return ERR_OK;
}

void
wire_hello_base_add(struct base_out *out, uint8_t channel, uint64_t h)
{
    base_out_u16le(out, WIRE_HELLO_BASE);
    base_out_u16le(out, 16);
    base_out_u64le(out, channel);
    base_out_u64le(out, h);
}
