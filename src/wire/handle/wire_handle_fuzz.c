/* wire_handle_fuzz.c -- first byte: what the rest is: a message, the data of
 * an HS_SITE, an HS_PUBKEY, an HS_ADMIN, an HS_VLIST, a credential.  Whatever
 * is read is written again byte for byte and lies inside the input. */
#include "base/base_must.h"
#include "wire/handle/wire_handle.h"
#include "wire/handle/wire_hs_admin.h"
#include "wire/handle/wire_hs_key.h"
#include "wire/handle/wire_hs_site.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_ROOM = 1 << 17 };

static uint8_t fuzz_room[FUZZ_ROOM + 64], fuzz_more[FUZZ_ROOM + 64];

static void
fuzz_same(const struct base_out *out, struct bytes was)
{
    must(base_out_ok(out));
    must(base_bytes_equal(base_out_bytes(out), was));
}

static void
fuzz_query(struct bytes body)
{
    struct wire_handle_query query;
    struct base_out out;
    if (wire_handle_read_query(body, &query) != ERR_OK)
        return;
    base_out_fixed(&out, fuzz_room, sizeof fuzz_room);
    wire_handle_write_query(&out, &query);
    fuzz_same(&out, body);
}

static void
fuzz_values(struct bytes body)
{
    struct wire_handle_values values;
    struct base_out out;
    if (wire_handle_read_values(body, &values) != ERR_OK)
        return;
    base_out_fixed(&out, fuzz_room, sizeof fuzz_room);
    wire_handle_write_values(&out, &values);
    fuzz_same(&out, body);
}

/* Its packets hold it. */
static void
fuzz_parts(struct bytes whole)
{
    uint8_t packet[WIRE_HANDLE_PACKET];
    struct base_out out;
    unsigned parts = wire_handle_parts(whole);
    size_t size = WIRE_HANDLE_ENVELOPE;
    for (unsigned i = 0; i < parts; i++) {
        base_out_fixed(&out, packet, sizeof packet);
        wire_handle_part(&out, whole, i);
        must(base_out_ok(&out));
        must(i + 1 == parts || out.size == WIRE_HANDLE_PACKET);
        size += out.size - WIRE_HANDLE_ENVELOPE;
    }
    must(size == whole.size);
}

static void
fuzz_message(struct bytes in)
{
    struct wire_handle_envelope envelope;
    struct wire_handle_message message;
    struct bytes body, digest, text;
    struct base_out out;
    uint8_t kind;
    if (wire_handle_read_envelope(in, &envelope) != ERR_OK)
        return;
    struct bytes payload = base_bytes_slice(in, WIRE_HANDLE_ENVELOPE, in.size);
    if (wire_handle_read(&envelope, payload, &message) != ERR_OK)
        return;
    base_out_fixed(&out, fuzz_more, sizeof fuzz_more);
    wire_handle_begin(&out, &envelope, &message.header);
    base_out_bytes_add(&out, message.body);
    if (message.has_credential)
        wire_handle_end(&out, message.credential);
    else
        wire_handle_end_bare(&out);
    fuzz_same(&out, in);
    fuzz_parts(base_out_bytes(&out));
    fuzz_query(message.body);
    fuzz_values(message.body);
    (void)wire_handle_read_text(message.body, &text);
    body = message.body;
    if (wire_handle_read_digest(&body, &kind, &digest) == ERR_OK)
        must(1 + digest.size + body.size == message.body.size);
}

static void
fuzz_site(struct bytes in)
{
    struct wire_hs_site site;
    struct wire_hs_site_server server;
    struct wire_hs_site_interface interface;
    struct base_out out;
    struct bytes name, value;
    if (wire_hs_site_read(in, &site) != ERR_OK)
        return;
    struct wire_hs_site_run run = site.attributes, each;
    while (wire_hs_site_attribute(&run, &name, &value))
        ;
    must(run.count == 0 && run.raw.size == 0);
    base_out_fixed(&out, fuzz_more, sizeof fuzz_more);
    for (run = site.servers; wire_hs_site_server(&run, &server);) {
        for (each = server.interfaces;
             wire_hs_site_interface(&each, &interface);)
            ;
        must(each.count == 0 && each.raw.size == 0);
        wire_hs_site_write_server(&out, &server);
    }
    must(run.count == 0);
    fuzz_same(&out, site.servers.raw);
    base_out_fixed(&out, fuzz_room, sizeof fuzz_room);
    wire_hs_site_write(&out, &site);
    fuzz_same(&out, in);
}

static void
fuzz_admin(struct bytes in)
{
    struct wire_hs_admin admin;
    struct base_out out;
    if (wire_hs_admin_read(in, &admin) != ERR_OK)
        return;
    base_out_fixed(&out, fuzz_room, sizeof fuzz_room);
    wire_hs_admin_write(&out, &admin);
    fuzz_same(&out, in);
}

static void
fuzz_list(struct bytes in)
{
    struct wire_hs_refs refs;
    struct wire_hs_ref ref;
    struct base_out out;
    if (wire_hs_admin_list(in, &refs) != ERR_OK)
        return;
    base_out_fixed(&out, fuzz_room, sizeof fuzz_room);
    base_out_u32be(&out, refs.count);
    while (wire_hs_admin_next(&refs, &ref))
        wire_hs_write_ref(&out, &ref);
    fuzz_same(&out, in);
}

static void
fuzz_key(struct bytes in)
{
    struct wire_hs_key key;
    struct base_out out;
    if (wire_hs_key_read(in, &key) != ERR_OK)
        return;
    base_out_fixed(&out, fuzz_room, sizeof fuzz_room);
    wire_hs_key_write(&out, &key);
    fuzz_same(&out, in);
}

static void
fuzz_credential(struct bytes in)
{
    struct wire_handle_credential credential;
    struct base_out out;
    if (wire_handle_read_credential(in, &credential) != ERR_OK)
        return;
    base_out_fixed(&out, fuzz_room, sizeof fuzz_room);
    wire_handle_write_credential(&out, &credential);
    fuzz_same(&out, in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const bodies[])(struct bytes in) = {
        fuzz_message, fuzz_site, fuzz_key,
        fuzz_admin,   fuzz_list, fuzz_credential,
    };
    if (size == 0 || size > FUZZ_ROOM)
        return 0;
    bodies[data[0] % (sizeof bodies / sizeof bodies[0])](
        base_bytes(data + 1, size - 1));
    return 0;
}
