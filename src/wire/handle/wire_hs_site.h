/* wire_hs_site.h -- where a prefix is served: the value HS_SITE.
 *
 *   at   site                            server
 *   0    format u16: 1                   id u32
 *   2    protocol major u8, minor u8     address 16 B (IPv4: last 4 after 0s)
 *   4    serial u16                      key str: an HS_PUBKEY's data
 *   6    mask u8: 80 primary, 40 multi   interfaces: count u32, each
 *   7    hash u8: 0 prefix 1 suffix          use u8: 1 admin 2 query 3 both
 *            2 all                           transport u8: 0 UDP 1 TCP 2 HTTP
 *   8    filter str                              3 HTTPS
 *        attributes: count u32,              port u32
 *            each name str, value str
 *        servers: count u32
 *
 * Shape    the lists stay as they came, each whole and checked, and are walked.
 * Errors   SHORT; VERSION another format; SYNTAX a hash option or bytes left
 *          over; UNSUPPORTED the text form, which begins with "{".
 * Memory   nothing kept; results point into what was read.
 * Source   RFC 3651 section 3.2.2; spec identify 2. */
#ifndef WIRE_HS_SITE_H
#define WIRE_HS_SITE_H

#include "wire/handle/wire_hs.h"

enum { WIRE_HS_SITE_PRIMARY = 0x80, WIRE_HS_SITE_MULTI = 0x40 };
enum { WIRE_HS_SITE_ADMIN = 1, WIRE_HS_SITE_QUERY = 2, WIRE_HS_SITE_BOTH = 3 };
enum {
    WIRE_HS_SITE_UDP,
    WIRE_HS_SITE_TCP,
    WIRE_HS_SITE_HTTP,
    WIRE_HS_SITE_HTTPS
};
enum { WIRE_HS_SITE_BY_PREFIX, WIRE_HS_SITE_BY_SUFFIX, WIRE_HS_SITE_BY_ALL };
enum { WIRE_HS_SITE_ADDRESS = 16 };

/* Things one after the other, as encoded, without the count. */
struct wire_hs_site_run {
    uint32_t count;
    struct bytes raw;
};

struct wire_hs_site {
    uint8_t major, minor, mask, hash;
    uint16_t serial;
    struct bytes filter;
    struct wire_hs_site_run attributes, servers;
};

struct wire_hs_site_server {
    uint32_t id;
    uint8_t address[WIRE_HS_SITE_ADDRESS];
    struct bytes key;
    struct wire_hs_site_run interfaces;
};

struct wire_hs_site_interface {
    uint8_t use, transport;
    uint32_t port;
};

enum err wire_hs_site_read(struct bytes data, struct wire_hs_site *ret_site);
/* Take the first one off a run; false: none left. */
bool wire_hs_site_attribute(struct wire_hs_site_run *run,
                            struct bytes *ret_name, struct bytes *ret_value);
bool wire_hs_site_server(struct wire_hs_site_run *run,
                         struct wire_hs_site_server *ret_server);
bool wire_hs_site_interface(struct wire_hs_site_run *run,
                            struct wire_hs_site_interface *ret_interface);

/* Runs are written by hand, one thing after the other, then given here. */
void wire_hs_site_write(struct base_out *out, const struct wire_hs_site *site);
void wire_hs_site_write_server(struct base_out *out,
                               const struct wire_hs_site_server *server);
void
wire_hs_site_write_interface(struct base_out *out,
                             const struct wire_hs_site_interface *interface);

#endif
