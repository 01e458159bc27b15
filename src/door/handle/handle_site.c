/* handle_site.c -- see handle_site.h. */
#include "door/handle/handle_site.h"

#include "base/base_mem.h"
#include "net/net_udp.h"
#include "wire/handle/wire_handle.h"
#include "wire/handle/wire_hs_key.h"
#include "wire/handle/wire_hs_site.h"

enum { SITE_ROOM = 2048, SITE_KEY = 1024, SITE_SERVER_ID = 1 };

enum err
handle_site_key(const struct crypt_key *key, struct base_out *out)
{
    static const uint8_t stray[4] = {0};
    uint8_t e_room[SITE_KEY], n_room[SITE_KEY];
    struct base_out e, n;
    base_out_fixed(&e, e_room, sizeof e_room);
    base_out_fixed(&n, n_room, sizeof n_room);
    enum err err = crypt_key_rsa(key, &e, &n);
    struct wire_hs_key value = {
        .kind = WIRE_HS_KEY_RSA,
        .part = {base_out_bytes(&e), base_out_bytes(&n)},
        .rest = {stray, sizeof stray},
    };
    if (err == ERR_OK)
        wire_hs_key_write(out, &value);
    return err == ERR_OK ? out->failed : err;
}

/* IPv4 in the last four of sixteen bytes. */
static enum err
site_address(const char *text, uint8_t to[WIRE_HS_SITE_ADDRESS])
{
    struct net_udp_peer peer;
    enum err err = net_udp_peer(text, 0, &peer);
    memset(to, 0, WIRE_HS_SITE_ADDRESS);
    if (err == ERR_OK && peer.family == 4)
        memcpy(to + 12, peer.address, 4);
    else if (err == ERR_OK)
        memcpy(to, peer.address, WIRE_HS_SITE_ADDRESS);
    return err;
}

static enum err
site_server(const struct handle_site *site, struct base_out *out)
{
    const struct wire_hs_site_interface ways[] = {
        {WIRE_HS_SITE_BOTH, WIRE_HS_SITE_TCP, site->port},
        {WIRE_HS_SITE_QUERY, WIRE_HS_SITE_UDP, site->port},
    };
    uint8_t key_room[SITE_KEY], way_room[64];
    struct base_out key, way;
    struct wire_hs_site_server server = {.id = SITE_SERVER_ID};
    base_out_fixed(&key, key_room, sizeof key_room);
    base_out_fixed(&way, way_room, sizeof way_room);
    enum err err = site_address(site->address, server.address);
    if (err == ERR_OK)
        err = handle_site_key(site->key, &key);
    for (size_t i = 0; i < BASE_COUNT(ways); i++)
        wire_hs_site_write_interface(&way, &ways[i]);
    server.key = base_out_bytes(&key);
    server.interfaces.count = BASE_COUNT(ways);
    server.interfaces.raw = base_out_bytes(&way);
    wire_hs_site_write_server(out, &server);
    return err;
}

enum err
handle_site_write(const struct handle_site *site, struct base_out *out)
{
    uint8_t server_room[SITE_ROOM], name_room[SITE_KEY];
    struct base_out server, name;
    struct wire_hs_site value = {
        .major = WIRE_HANDLE_MAJOR,
        .minor = WIRE_HANDLE_MINOR,
        .serial = site->serial,
        .mask = site->primary ? WIRE_HS_SITE_PRIMARY : 0,
        .hash = WIRE_HS_SITE_BY_ALL,
    };
    base_out_fixed(&server, server_room, sizeof server_room);
    base_out_fixed(&name, name_room, sizeof name_room);
    enum err err = site_server(site, &server);
    if (site->description[0] != '\0') {
        wire_hs_write_str(&name, base_bytes_text("desc"));
        wire_hs_write_str(&name, base_bytes_text(site->description));
        value.attributes.count = 1;
    }
    value.attributes.raw = base_out_bytes(&name);
    value.servers.count = 1;
    value.servers.raw = base_out_bytes(&server);
    if (!base_out_ok(&server) || !base_out_ok(&name))
        return ERR_BIG;
    if (err == ERR_OK)
        wire_hs_site_write(out, &value);
    return err == ERR_OK ? out->failed : err;
}
