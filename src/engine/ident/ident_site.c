/* ident_site.c -- the record of a prefix: 0.NA/P.
 *
 *   1  HS_SITE         addresses and ports of the node that serves it
 *   2  HS_SITE.PREFIX  the same, where it grants prefixes below it
 *   100 HS_ADMIN       300:0.NA/(its grantor's prefix)
 *   300 RSA  301 P-256  302 Ed25519: HS_PUBKEY (RULINGS 13)
 *   400.. CODE.key     its codes
 *
 * Kept in table ID under prefix number 0.  A node makes its own; where it was
 * granted, what the node says of itself (message SITE) is laid over what the
 * grantor knows, and the whole goes to every ancestor with the prefix's row
 * (message PREFIX), so that the top answers for every prefix of the nation.
 * The serial of HS_SITE rises when the address or a key changes. */
#include "base/base_must.h"
#include "engine/ident/ident_hint.h"
#include "engine/ident/ident_inner.h"
#include "wire/handle/wire_hs_admin.h"
#include "wire/handle/wire_hs_key.h"
#include "wire/handle/wire_hs_site.h"
#include "wire/names/wire_names.h"

enum {
    SITE_INDEX = 1,
    SITE_PREFIX_INDEX = 2,
    SITE_ADMIN_INDEX = 100,
    SITE_CODE_INDEX = 400,
    SITE_RIGHTS = 0x0FFF,
    SITE_ROOM = 16 << 10,
    SITE_SAID = 8 << 10, /* by a child; beside it what its grantor knows */
    SITE_DATA = 4096,
    SITE_VALUES = 32,
    SITE_ARENA = 256 << 10,
};

struct bytes
ident_site_key(struct bytes prefix, uint8_t room[IDENT_ROW_KEY])
{
    struct base_out out;
    base_out_fixed(&out, room, IDENT_ROW_KEY);
    base_out_u32be(&out, 0);
    base_bytes_fold(prefix, base_out_space(&out, prefix.size));
    return base_out_bytes(&out);
}

enum err
ident_site_get(struct ident *ident, struct bytes prefix,
               struct base_arena *arena, struct ident_record *ret_record)
{
    uint8_t room[IDENT_ROW_KEY];
    struct bytes value;
    *ret_record = (struct ident_record){0};
    enum err err = store_kv_get(store_kv_now(ident->config.kv), STORE_TABLE_ID,
                                ident_site_key(prefix, room), &value);
    if (err != ERR_OK)
        return err;
    value = base_arena_bytes(arena, value);
    return value.at != NULL ? ident_row_id_read(value, ret_record) : ERR_LIMIT;
}

/* The hint is told when the batch is durable, by who commits it. */
void
ident_site_put(struct ident *ident, struct store_kv_batch *batch,
               struct bytes prefix, struct wire_hs_list values)
{
    uint8_t room[IDENT_ROW_KEY], name[MODEL_ID_MAX + 1];
    struct base_arena arena;
    struct ident_record record;
    struct base_out id, row;
    base_arena_init(&arena, SITE_ARENA);
    int64_t now = ident_now(ident);
    if (ident_site_get(ident, prefix, &arena, &record) != ERR_OK)
        record.made_ms = now;
    base_out_fixed(&id, name, sizeof name);
    base_out_text(&id, "0.NA/");
    base_out_bytes_add(&id, prefix);
    record.id = base_out_bytes(&id);
    record.class_name = base_bytes_text("prefix");
    record.state = IDENT_ACTIVE;
    record.changed_ms = now;
    record.revision++;
    record.values = values;
    base_out_grow(&row, IDENT_ROW_ID_MAX);
    ident_row_id_write(&row, &record);
    must(base_out_ok(&row));
    store_kv_put(batch, STORE_TABLE_ID, ident_site_key(prefix, room),
                 base_out_bytes(&row));
    base_out_done(&row);
    base_arena_done(&arena);
}

/* --- making one --- */

struct site_make {
    struct base_out out; /* of values */
    uint32_t count, now_s;
    uint16_t serial;
};

static void
site_value(struct site_make *make, uint32_t index, struct bytes type,
           struct bytes data)
{
    wire_hs_write_value(&make->out, &(struct wire_hs_value){
                                        .index = index,
                                        .timestamp_s = make->now_s,
                                        .ttl_s = WIRE_HS_TTL_S,
                                        .permissions = WIRE_HS_USUAL,
                                        .type = type,
                                        .data = data,
                                    });
    make->count++;
}

static void
site_address(const char *text, uint8_t to[WIRE_HS_SITE_ADDRESS])
{
    struct bytes rest = base_bytes_text(text);
    memset(to, 0, WIRE_HS_SITE_ADDRESS);
    if (base_bytes_find(rest, ':') < rest.size) {
        to[WIRE_HS_SITE_ADDRESS - 1] = 1; /* ::1, the one IPv6 we bind to */
        return;
    }
    for (unsigned i = 12; i < WIRE_HS_SITE_ADDRESS; i++) {
        uint64_t part = 0;
        size_t dot = base_bytes_find(rest, '.');
        (void)base_bytes_u64(base_bytes_slice(rest, 0, dot), &part);
        to[i] = (uint8_t)part;
        rest = base_bytes_slice(rest, dot + 1, rest.size);
    }
}

static void
site_interfaces(const struct ident_site *site, struct base_out *out,
                uint32_t *ret_count)
{
    const struct {
        uint8_t use, transport;
        uint32_t port;
    } table[] = {
        {WIRE_HS_SITE_QUERY, WIRE_HS_SITE_UDP, site->handle_port},
        {WIRE_HS_SITE_BOTH, WIRE_HS_SITE_TCP, site->handle_port},
        {WIRE_HS_SITE_BOTH, WIRE_HS_SITE_HTTP, site->http_port},
    };
    *ret_count = 0;
    for (size_t i = 0; i < BASE_COUNT(table); i++) {
        if (table[i].port == 0)
            continue;
        wire_hs_site_write_interface(
            out, &(struct wire_hs_site_interface){
                     table[i].use, table[i].transport, table[i].port});
        ++*ret_count;
    }
}

/* HS_PUBKEY of the RSA key; the others are bare text. */
static void
site_rsa(const struct crypt_key *key, struct base_out *out)
{
    uint8_t e_room[16], n_room[520];
    struct base_out e, n;
    base_out_fixed(&e, e_room, sizeof e_room);
    base_out_fixed(&n, n_room, sizeof n_room);
    if (crypt_key_rsa(key, &e, &n) == ERR_OK)
        wire_hs_key_write(out,
                          &(struct wire_hs_key){
                              .kind = WIRE_HS_KEY_RSA,
                              .part = {base_out_bytes(&e), base_out_bytes(&n)},
                              .rest = base_bytes("\0\0\0\0", 4),
                          });
}

static void
site_hs_site(const struct ident_site *site, uint16_t serial,
             struct base_out *out)
{
    uint8_t key_room[1024], interface_room[128], server_room[2048];
    struct base_out key, interfaces, servers;
    struct wire_hs_site_server server = {.id = 1};
    base_out_fixed(&key, key_room, sizeof key_room);
    base_out_fixed(&interfaces, interface_room, sizeof interface_room);
    base_out_fixed(&servers, server_room, sizeof server_room);
    if (site->keys[0] != NULL)
        site_rsa(site->keys[0], &key);
    site_interfaces(site, &interfaces, &server.interfaces.count);
    site_address(site->address, server.address);
    server.key = base_out_bytes(&key);
    server.interfaces.raw = base_out_bytes(&interfaces);
    wire_hs_site_write_server(&servers, &server);
    wire_hs_site_write(out, &(struct wire_hs_site){
                                .major = 2,
                                .minor = 11,
                                .mask = WIRE_HS_SITE_PRIMARY,
                                .hash = WIRE_HS_SITE_BY_ALL,
                                .serial = serial,
                                .servers = {1, base_out_bytes(&servers)},
                            });
}

static void
site_sites(struct ident *ident, struct site_make *make)
{
    uint8_t room[SITE_DATA];
    struct base_out data;
    base_out_fixed(&data, room, sizeof room);
    site_hs_site(&ident->config.site, make->serial, &data);
    site_value(make, SITE_INDEX, base_bytes_text("HS_SITE"),
               base_out_bytes(&data));
    if (ident->config.ca != NULL)
        site_value(make, SITE_PREFIX_INDEX, base_bytes_text("HS_SITE.PREFIX"),
                   base_out_bytes(&data));
}

static void
site_admin(struct site_make *make, struct bytes grantor)
{
    uint8_t room[SITE_DATA], name[MODEL_ID_MAX + 1];
    struct base_out data, home;
    base_out_fixed(&home, name, sizeof name);
    base_out_text(&home, "0.NA/");
    base_out_bytes_add(&home, grantor);
    base_out_fixed(&data, room, sizeof room);
    wire_hs_admin_write(&data,
                        &(struct wire_hs_admin){
                            .rights = SITE_RIGHTS,
                            .who = {base_out_bytes(&home), CRYPT_KEY_RSA},
                        });
    site_value(make, SITE_ADMIN_INDEX, base_bytes_text("HS_ADMIN"),
               base_out_bytes(&data));
}

static void
site_key(struct site_make *make, uint32_t index, const struct crypt_key *key)
{
    uint8_t room[SITE_DATA];
    struct base_out data;
    if (key == NULL)
        return;
    base_out_fixed(&data, room, sizeof room);
    if (index == CRYPT_KEY_RSA)
        site_rsa(key, &data);
    else
        (void)crypt_key_public_pem(key, &data);
    if (base_out_ok(&data) && data.size > 0)
        site_value(make, index, base_bytes_text("HS_PUBKEY"),
                   base_out_bytes(&data));
}

static void
site_codes(struct site_make *make, struct bytes attributes)
{
    struct bytes key, value;
    size_t at = 0;
    for (uint32_t i = 0; model_attr_next(attributes, &at, &key, &value); i++) {
        uint8_t room[sizeof "CODE." + MODEL_ATTR_PART];
        struct base_out type;
        base_out_fixed(&type, room, sizeof room);
        base_out_text(&type, "CODE.");
        base_out_bytes_add(&type, key);
        site_value(make, SITE_CODE_INDEX + i, base_out_bytes(&type), value);
    }
}

/* What the grantor says of a prefix: who may change it, its codes. */
static void
site_granted(struct site_make *make, struct bytes prefix,
             struct bytes attributes)
{
    struct bytes up = model_id_parent(prefix);
    site_admin(make, up.size > 0 ? up : prefix);
    site_codes(make, attributes);
}

static struct wire_hs_list
site_list(const struct site_make *make)
{
    must(base_out_ok(&make->out));
    return (struct wire_hs_list){make->count, base_out_bytes(&make->out)};
}

static void
site_make_init(struct ident *ident, struct site_make *make)
{
    *make = (struct site_make){.now_s = (uint32_t)(ident_now(ident) / 1000),
                               .serial = 1};
    base_out_grow(&make->out, SITE_ROOM);
}

/* --- laying one over the other --- */

static bool
site_of_node(uint32_t index)
{
    return index == SITE_INDEX || index == SITE_PREFIX_INDEX ||
           (index >= CRYPT_KEY_RSA && index <= CRYPT_KEY_ED25519);
}

/* Values of `over` at the node's indexes, and the others of `under`, in order
 * of their index. */
static void
site_lay(struct site_make *make, struct wire_hs_list under,
         struct wire_hs_list over)
{
    struct wire_hs_value a = {0}, b = {0};
    bool more_a = wire_hs_next(&under, &a), more_b = wire_hs_next(&over, &b);
    while (more_a || more_b) {
        if (more_a && site_of_node(a.index)) {
            more_a = wire_hs_next(&under, &a);
        } else if (more_b && !site_of_node(b.index)) {
            more_b = wire_hs_next(&over, &b);
        } else if (!more_b || (more_a && a.index < b.index)) {
            wire_hs_write_value(&make->out, &a);
            make->count++;
            more_a = wire_hs_next(&under, &a);
        } else {
            wire_hs_write_value(&make->out, &b);
            make->count++;
            more_b = wire_hs_next(&over, &b);
        }
    }
}

/* --- a prefix is granted, or changes --- */

enum err
ident_site_commit(struct ident *ident, struct store_kv_batch *batch,
                  const struct ident_row_prefix *row,
                  struct wire_hs_list values, struct store_journal_wait *wait)
{
    ident_prefix_put(ident, batch, row);
    ident_site_put(ident, batch, row->name, values);
    enum err err = ident_prefix_up(ident, batch, row, values);
    if (err != ERR_OK) {
        store_kv_batch_free(batch);
        return err;
    }
    uint8_t name[MODEL_PREFIX_MAX];
    size_t size = row->name.size;
    memcpy(name, row->name.at, size); /* the row may point into the map */
    err = store_kv_commit(ident->config.kv, batch, wait, NULL);
    if (err == ERR_OK)
        ident_hint_changed(ident->hint, base_bytes(name, size),
                           (struct bytes){0});
    return err;
}

void
ident_site_granted(struct ident *ident, const struct ident_row_prefix *row,
                   struct base_out *ret_values, struct wire_hs_list *ret_list)
{
    struct site_make granted, whole;
    struct base_arena arena;
    struct ident_record old;
    base_arena_init(&arena, SITE_ARENA);
    site_make_init(ident, &granted);
    site_make_init(ident, &whole);
    site_granted(&granted, row->name, row->attributes);
    if (ident_site_get(ident, row->name, &arena, &old) != ERR_OK)
        old.values = (struct wire_hs_list){0};
    if (row->state == IDENT_PREFIX_REVOKED)
        old.values = (struct wire_hs_list){0}; /* its site is withdrawn */
    site_lay(&whole, site_list(&granted), old.values);
    base_out_done(&granted.out);
    base_arena_done(&arena);
    *ret_values = whole.out;
    *ret_list = site_list(&whole);
}

void
ident_site_hosted(struct ident *ident, const struct ident_row_prefix *row,
                  const struct crypt_key *key, struct base_out *ret_values,
                  struct wire_hs_list *ret_list)
{
    struct site_make own, granted, whole;
    site_make_init(ident, &own);
    site_make_init(ident, &granted);
    site_make_init(ident, &whole);
    uint8_t room[SITE_DATA];
    struct base_out data;
    base_out_fixed(&data, room, sizeof room);
    site_hs_site(&ident->config.site, 1, &data);
    site_value(&own, SITE_INDEX, base_bytes_text("HS_SITE"),
               base_out_bytes(&data));
    site_key(&own, CRYPT_KEY_ED25519, key);
    site_granted(&granted, row->name, row->attributes);
    site_lay(&whole, site_list(&granted), site_list(&own));
    base_out_done(&own.out);
    base_out_done(&granted.out);
    *ret_values = whole.out;
    *ret_list = site_list(&whole);
}

/* --- the node's own --- */

/* As it is now, stamped and numbered as the one there is: equal bytes mean that
 * nothing has changed. */
static void
site_own(struct ident *ident, uint32_t now_s, uint16_t serial,
         struct site_make *make)
{
    struct bytes up = model_id_parent(ident->prefix);
    make->now_s = now_s;
    make->serial = serial;
    make->count = 0;
    base_out_reset(&make->out);
    site_sites(ident, make);
    site_admin(make, up.size > 0 ? up : ident->prefix);
    for (unsigned i = 0; i < IDENT_SITE_KEYS; i++)
        site_key(make, CRYPT_KEY_RSA + i, ident->config.site.keys[i]);
    site_codes(make, ident->config.attributes);
}

static void
site_serial(const struct ident_record *record, uint32_t *ret_now_s,
            uint16_t *ret_serial)
{
    struct wire_hs_list list = record->values;
    struct wire_hs_value value;
    struct wire_hs_site site;
    if (!wire_hs_next(&list, &value) || value.index != SITE_INDEX ||
        wire_hs_site_read(value.data, &site) != ERR_OK)
        return;
    *ret_now_s = value.timestamp_s;
    *ret_serial = site.serial;
}

/* Told to whom: the parent's prefix, under the key "told". */
static bool
site_told(struct ident *ident, struct bytes parent)
{
    struct bytes value;
    return store_kv_get(store_kv_now(ident->config.kv), STORE_TABLE_NAMES,
                        base_bytes_text("told"), &value) == ERR_OK &&
           base_bytes_equal(value, parent);
}

static enum err
site_tell(struct ident *ident, struct store_kv_batch *batch,
          struct bytes parent, struct wire_hs_list values)
{
    struct model_port *port = ident->config.port;
    struct base_out body;
    base_out_grow(&body, SITE_ROOM);
    wire_names_site_write(&body,
                          &(struct wire_names_site){ident->prefix, values});
    enum err err =
        port->ops->post(port, MODEL_CHANNEL_NAMES, MODEL_KIND_NAMES_SITE,
                        (struct bytes){0}, base_out_bytes(&body), batch);
    base_out_done(&body);
    if (err == ERR_OK)
        store_kv_put(batch, STORE_TABLE_NAMES, base_bytes_text("told"), parent);
    return err;
}

enum err
ident_site_start(struct ident *ident)
{
    struct model_port *port = ident->config.port;
    struct bytes parent = {0};
    struct base_arena arena;
    struct ident_record old;
    struct site_make make;
    uint32_t now_s = 0;
    uint16_t serial = 0;
    if (port->ops->parent != NULL)
        parent = port->ops->parent(port);
    base_arena_init(&arena, SITE_ARENA);
    site_make_init(ident, &make);
    uint32_t this_s = make.now_s;
    enum err err = ident_site_get(ident, ident->prefix, &arena, &old);
    site_serial(&old, &now_s, &serial);
    site_own(ident, now_s, serial, &make);
    bool same = err == ERR_OK &&
                base_bytes_equal(old.values.raw, base_out_bytes(&make.out));
    bool tell = parent.size > 0 && (!same || !site_told(ident, parent));
    if (!same)
        site_own(ident, this_s, (uint16_t)(serial + 1), &make);
    struct store_kv_batch *batch = store_kv_batch_new(ident->config.kv);
    err = ERR_OK;
    if (!same)
        ident_site_put(ident, batch, ident->prefix, site_list(&make));
    if (tell)
        err = site_tell(ident, batch, parent, site_list(&make));
    if (err == ERR_OK && (!same || tell))
        err = store_kv_commit(ident->config.kv, batch, NULL, NULL);
    else
        store_kv_batch_free(batch);
    base_out_done(&make.out);
    base_arena_done(&arena);
    return err;
}

/* --- a child says where it is and which keys it has --- */

/* A node that is to take its prefix over says so before it has it: kept until
 * the step `moved`. */
static struct bytes
site_kept_key(struct bytes prefix, uint8_t room[MODEL_PREFIX_MAX + 8])
{
    struct base_out out;
    base_out_fixed(&out, room, MODEL_PREFIX_MAX + 8);
    base_out_text(&out, "site ");
    base_bytes_fold(prefix, base_out_space(&out, prefix.size));
    return base_out_bytes(&out);
}

bool
ident_site_kept(struct ident *ident, struct bytes prefix)
{
    uint8_t room[MODEL_PREFIX_MAX + 8];
    struct bytes value;
    return store_kv_get(store_kv_now(ident->config.kv), STORE_TABLE_NAMES,
                        site_kept_key(prefix, room), &value) == ERR_OK;
}

void
ident_site_moved(struct ident *ident, const struct ident_row_prefix *row,
                 struct base_out *ret_values, struct wire_hs_list *ret_list)
{
    uint8_t room[MODEL_PREFIX_MAX + 8];
    struct site_make granted, whole;
    struct wire_names_site site = {0};
    struct bytes value;
    site_make_init(ident, &granted);
    site_make_init(ident, &whole);
    site_granted(&granted, row->name, row->attributes);
    if (store_kv_get(store_kv_now(ident->config.kv), STORE_TABLE_NAMES,
                     site_kept_key(row->name, room), &value) != ERR_OK ||
        wire_names_site_read(value, &site) != ERR_OK)
        site.values = (struct wire_hs_list){0};
    site_lay(&whole, site_list(&granted), site.values);
    base_out_done(&granted.out);
    *ret_values = whole.out;
    *ret_list = site_list(&whole);
}

enum model_took
ident_take_site(void *self, const struct model_message *message,
                struct store_kv_batch *batch, enum err *ret_code)
{
    struct ident *ident = self;
    struct wire_names_site site;
    struct ident_row_prefix row;
    struct base_arena arena;
    struct ident_record old;
    struct site_make make;
    *ret_code = wire_names_site_read(message->body, &site);
    if (*ret_code == ERR_OK && site.values.raw.size > SITE_SAID)
        *ret_code = ERR_BIG;
    if (*ret_code != ERR_OK)
        return MODEL_TOOK_REFUSED;
    *ret_code = ident_prefix_get(ident, site.name, &row);
    if (*ret_code == ERR_OK &&
        (!base_bytes_equal_folded(site.name, message->from) ||
         !(row.flags & IDENT_ROW_DIRECT) || row.state == IDENT_PREFIX_REVOKED))
        *ret_code = ERR_DENIED;
    if (*ret_code != ERR_OK)
        return MODEL_TOOK_REFUSED;
    if (row.flags & IDENT_ROW_HOSTED) {
        uint8_t room[MODEL_PREFIX_MAX + 8];
        store_kv_put(batch, STORE_TABLE_NAMES, site_kept_key(site.name, room),
                     message->body);
        return MODEL_TOOK_OK;
    }
    base_arena_init(&arena, SITE_ARENA);
    site_make_init(ident, &make);
    if (ident_site_get(ident, site.name, &arena, &old) != ERR_OK)
        site_granted(&make, row.name, row.attributes);
    struct site_make whole;
    site_make_init(ident, &whole);
    site_lay(&whole, old.values.count > 0 ? old.values : site_list(&make),
             site.values);
    ident_site_put(ident, batch, row.name, site_list(&whole));
    enum err err = ident_prefix_up(ident, batch, &row, site_list(&whole));
    ident_hint_changed(ident->hint, row.name, (struct bytes){0});
    base_out_done(&whole.out);
    base_out_done(&make.out);
    base_arena_done(&arena);
    return err == ERR_OK ? MODEL_TOOK_OK : MODEL_TOOK_AGAIN;
}
