/* wire_hs_site.c -- HS_SITE. */
#include "wire/handle/wire_hs_site.h"

enum {
    SITE_FORMAT = 1,
    SITE_ATTRIBUTE_LEAST = 8,
    SITE_SERVER_LEAST = 28,
    SITE_INTERFACE = 6,
};

static void
site_attribute(struct base_cur *cur, struct bytes *ret_name,
               struct bytes *ret_value)
{
    *ret_name = wire_hs_read_str(cur);
    *ret_value = wire_hs_read_str(cur);
}

static void
site_server(struct base_cur *cur, struct wire_hs_site_server *ret_server)
{
    ret_server->id = base_cur_u32be(cur);
    struct bytes address = base_cur_take(cur, WIRE_HS_SITE_ADDRESS);
    ret_server->key = wire_hs_read_str(cur);
    uint32_t count = wire_hs_read_count(cur, SITE_INTERFACE);
    ret_server->interfaces = (struct wire_hs_site_run){
        count, base_cur_take(cur, (size_t)count * SITE_INTERFACE)};
    if (base_cur_ok(cur))
        memcpy(ret_server->address, address.at, sizeof ret_server->address);
}

/* A run that a whole thing was read off: what is left of it. */
static bool
site_taken(struct wire_hs_site_run *run, struct base_cur *cur)
{
    if (!base_cur_ok(cur))
        return false;
    run->count--;
    run->raw = base_cur_rest(cur);
    return true;
}

bool
wire_hs_site_attribute(struct wire_hs_site_run *run, struct bytes *ret_name,
                       struct bytes *ret_value)
{
    struct base_cur cur;
    base_cur_init(&cur, run->raw);
    if (run->count == 0)
        return false;
    site_attribute(&cur, ret_name, ret_value);
    return site_taken(run, &cur);
}

bool
wire_hs_site_server(struct wire_hs_site_run *run,
                    struct wire_hs_site_server *ret_server)
{
    struct base_cur cur;
    base_cur_init(&cur, run->raw);
    if (run->count == 0)
        return false;
    site_server(&cur, ret_server);
    return site_taken(run, &cur);
}

bool
wire_hs_site_interface(struct wire_hs_site_run *run,
                       struct wire_hs_site_interface *ret_interface)
{
    struct base_cur cur;
    base_cur_init(&cur, run->raw);
    if (run->count == 0)
        return false;
    ret_interface->use = base_cur_u8(&cur);
    ret_interface->transport = base_cur_u8(&cur);
    ret_interface->port = base_cur_u32be(&cur);
    return site_taken(run, &cur);
}

/* What has been read since `from`, `count` things. */
static struct wire_hs_site_run
site_run(const struct base_cur *cur, const uint8_t *from, uint32_t count)
{
    if (!base_cur_ok(cur))
        return (struct wire_hs_site_run){0};
    return (struct wire_hs_site_run){
        count, base_bytes(from, (size_t)(cur->at - from))};
}

static void
site_lists(struct base_cur *cur, struct wire_hs_site *site)
{
    struct wire_hs_site_server server;
    struct bytes name, value;
    uint32_t count = wire_hs_read_count(cur, SITE_ATTRIBUTE_LEAST);
    const uint8_t *from = cur->at;
    for (uint32_t i = 0; i < count && base_cur_ok(cur); i++)
        site_attribute(cur, &name, &value);
    site->attributes = site_run(cur, from, count);
    count = wire_hs_read_count(cur, SITE_SERVER_LEAST);
    from = cur->at;
    for (uint32_t i = 0; i < count && base_cur_ok(cur); i++)
        site_server(cur, &server);
    site->servers = site_run(cur, from, count);
}

enum err
wire_hs_site_read(struct bytes data, struct wire_hs_site *ret_site)
{
    struct base_cur cur;
    struct wire_hs_site site = {0};
    if (data.size > 0 && data.at[0] == '{')
        return ERR_UNSUPPORTED;
    base_cur_init(&cur, data);
    uint16_t format = base_cur_u16be(&cur);
    site.major = base_cur_u8(&cur);
    site.minor = base_cur_u8(&cur);
    site.serial = base_cur_u16be(&cur);
    site.mask = base_cur_u8(&cur);
    site.hash = base_cur_u8(&cur);
    site.filter = wire_hs_read_str(&cur);
    site_lists(&cur, &site);
    if (format != SITE_FORMAT)
        base_cur_fail(&cur, ERR_VERSION);
    if (site.hash > WIRE_HS_SITE_BY_ALL || base_cur_left(&cur) > 0)
        base_cur_fail(&cur, ERR_SYNTAX);
    if (base_cur_ok(&cur))
        *ret_site = site;
    return cur.failed;
}

void
wire_hs_site_write(struct base_out *out, const struct wire_hs_site *site)
{
    base_out_u16be(out, SITE_FORMAT);
    base_out_u8(out, site->major);
    base_out_u8(out, site->minor);
    base_out_u16be(out, site->serial);
    base_out_u8(out, site->mask);
    base_out_u8(out, site->hash);
    wire_hs_write_str(out, site->filter);
    base_out_u32be(out, site->attributes.count);
    base_out_bytes_add(out, site->attributes.raw);
    base_out_u32be(out, site->servers.count);
    base_out_bytes_add(out, site->servers.raw);
}

void
wire_hs_site_write_server(struct base_out *out,
                          const struct wire_hs_site_server *server)
{
    base_out_u32be(out, server->id);
    base_out_bytes_add(out,
                       base_bytes(server->address, sizeof server->address));
    wire_hs_write_str(out, server->key);
    base_out_u32be(out, server->interfaces.count);
    base_out_bytes_add(out, server->interfaces.raw);
}

void
wire_hs_site_write_interface(struct base_out *out,
                             const struct wire_hs_site_interface *interface)
{
    base_out_u8(out, interface->use);
    base_out_u8(out, interface->transport);
    base_out_u32be(out, interface->port);
}
