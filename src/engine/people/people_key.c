/* people_key.c -- application keys, and what devices show. */
#include "base/base_b64.h"
#include "base/base_must.h"
#include "crypt/crypt_hash.h"
#include "engine/people/people_inner.h"
#include "model/model_id.h"

enum {
    KEY_ROOM = 1 + MODEL_GRANT_NAME_MAX,
    KEY_LABEL_MAX = 100,
    KEY_ID_KEY = 9
};

/* 'k' hash, 'd' folded identifier, 'p' pin; room: KEY_ROOM. */
static struct bytes
key_of_hash(char kind, const uint8_t hash[32], uint8_t *room)
{
    room[0] = (uint8_t)kind;
    memcpy(room + 1, hash, 32);
    return base_bytes(room, 33);
}

static struct bytes
key_of_device(struct bytes id, uint8_t *room)
{
    if (id.size == 0 || id.size > MODEL_GRANT_NAME_MAX)
        return (struct bytes){0};
    room[0] = 'd';
    base_bytes_fold(id, room + 1);
    return base_bytes(room, id.size + 1);
}

/* A copy of the row, its texts in `value` (PEOPLE_ROW_MAX). */
static enum err
key_get(struct people *people, struct bytes key, uint8_t *value,
        struct bytes *ret_value, struct people_row_key *ret_row)
{
    struct bytes found;
    if (key.size == 0)
        return ERR_ABSENT;
    enum err err = store_kv_get(store_kv_now(people->config.kv),
                                STORE_TABLE_CREDENTIAL, key, &found);
    if (err != ERR_OK || found.size > PEOPLE_ROW_MAX)
        return err != ERR_OK ? err : ERR_CORRUPT;
    memcpy(value, found.at, found.size);
    *ret_value = base_bytes(value, found.size);
    return people_row_key_read(*ret_value, ret_row);
}

static void
key_put(struct store_kv_batch *batch, struct bytes key,
        const struct people_row_key *row, uint8_t *room,
        struct bytes *ret_value)
{
    struct base_out out;
    base_out_fixed(&out, room, PEOPLE_ROW_MAX);
    people_row_key_write(&out, row);
    must(base_out_ok(&out));
    *ret_value = base_out_bytes(&out);
    store_kv_put(batch, STORE_TABLE_CREDENTIAL, key, *ret_value);
}

/* --- who asks --- */

static void
key_used(struct people *people, struct bytes key, struct people_row_key *row)
{
    uint8_t room[PEOPLE_ROW_MAX];
    struct bytes value;
    if (people_now(people) - row->used_ms < PEOPLE_USED_MS)
        return;
    row->used_ms = people_now(people);
    struct store_kv_batch *batch = store_kv_batch_new(people->config.kv);
    key_put(batch, key, row, room, &value);
    /* Without space it only seems unused for longer. */
    (void)store_kv_commit(people->config.kv, batch, NULL, NULL);
}

static enum err
key_refused(struct people *people, enum err err)
{
    base_stat_inc(&people->refused, 1);
    return err;
}

/* Everything is right: the principal. */
static enum err
key_who(struct people *people, struct bytes key, struct people_row_key *row,
        enum model_grant_kind kind, struct base_arena *arena,
        struct model_grant_principal *ret_who)
{
    if (row->expires_ms != 0 && people_now(people) >= row->expires_ms)
        return key_refused(people, ERR_EXPIRED);
    struct model_grant_principal who = {
        .kind = kind,
        .roles = row->roles,
        .name = row->name,
        .scope = row->scope,
    };
    enum err err = people_who(arena, &who, ret_who);
    if (err == ERR_OK)
        key_used(people, key, row);
    return err;
}

enum err
people_who_key(struct people *people, struct bytes secret,
               struct base_arena *arena, struct model_grant_principal *ret_who)
{
    uint8_t hash[32], room[KEY_ROOM], value_room[PEOPLE_ROW_MAX];
    struct people_row_key row;
    struct bytes value;
    if (secret.size > PEOPLE_SECRET_MAX)
        return key_refused(people, ERR_DENIED);
    people_secret_hash(secret, hash);
    struct bytes key = key_of_hash('k', hash, room);
    if (key_get(people, key, value_room, &value, &row) != ERR_OK)
        return key_refused(people, ERR_DENIED);
    return key_who(people, key, &row, MODEL_GRANT_KEY, arena, ret_who);
}

/* 256 random bits cannot be guessed; who tries is slowed all the same, but by
 * name and address together: else anybody could keep a device out, or one
 * broken device all behind its gateway. */
static struct bytes
key_pair(struct bytes id, struct bytes peer, uint8_t *room, size_t size)
{
    struct base_out out;
    base_out_fixed(&out, room, size);
    base_out_bytes_add(&out, base_bytes_slice(id, 0, MODEL_GRANT_NAME_MAX));
    base_out_u8(&out, ' ');
    base_out_bytes_add(&out, base_bytes_slice(peer, 0, 63));
    return base_out_bytes(&out);
}

enum err
people_who_device(struct people *people, struct bytes id, struct bytes secret,
                  struct bytes peer, struct base_arena *arena,
                  struct model_grant_principal *ret_who)
{
    uint8_t hash[32], room[KEY_ROOM], value_room[PEOPLE_ROW_MAX];
    uint8_t pair_room[MODEL_GRANT_NAME_MAX + 64];
    struct people_row_key row;
    struct bytes value, key = key_of_device(id, room);
    struct bytes pair = key_pair(id, peer, pair_room, sizeof pair_room);
    if (people_try(people, pair, pair) > 0)
        return ERR_BUSY;
    people_secret_hash(base_bytes_slice(secret, 0, PEOPLE_SECRET_MAX), hash);
    if (key_get(people, key, value_room, &value, &row) != ERR_OK ||
        !crypt_hash_equal(hash, row.secret, sizeof hash)) {
        people_try_failed(people, pair, peer);
        return ERR_DENIED;
    }
    people_try_good(people, pair, pair);
    return key_who(people, key, &row, MODEL_GRANT_DEVICE, arena, ret_who);
}

enum err
people_who_pin(struct people *people, const uint8_t pin[32],
               struct base_arena *arena, struct model_grant_principal *ret_who)
{
    uint8_t room[KEY_ROOM], value_room[PEOPLE_ROW_MAX];
    struct people_row_key row;
    struct bytes value, key = key_of_hash('p', pin, room);
    if (key_get(people, key, value_room, &value, &row) != ERR_OK)
        return key_refused(people, ERR_DENIED);
    return key_who(people, key, &row, MODEL_GRANT_DEVICE, arena, ret_who);
}

/* --- changes --- */

static enum err
key_full(struct people *people, struct base_note *note)
{
    if (people->keys < PEOPLE_KEYS)
        return ERR_OK;
    base_stat_inc(&people->limit, 1);
    return base_err_note(note, ERR_LIMIT,
                         "a node has at most %d keys and devices", PEOPLE_KEYS);
}

static enum err
key_judge(struct people *people, const struct model_grant_principal *by,
          const struct people_key *key, struct base_note *note)
{
    if (key->name.size == 0 || key->name.size > KEY_LABEL_MAX ||
        !base_bytes_utf8(key->name))
        return base_err_note(note, ERR_NAME,
                             "a key's name has 1 to %d bytes of UTF-8",
                             KEY_LABEL_MAX);
    if (key->roles == 0 || key->roles & ~(unsigned)MODEL_GRANT_GIVEN)
        return base_err_note(note, ERR_NAME, "a key has at least one role");
    if (key->scope.size == 0)
        return base_err_note(note, ERR_NAME, "a key has a scope");
    enum err err = model_grant_scope_check(key->scope, note);
    if (err == ERR_OK)
        err = people_within(by, key->scope, note);
    return err == ERR_OK ? key_full(people, note) : err;
}

enum err
people_key_add(struct people *people, const struct model_grant_principal *by,
               const struct people_key *key, char secret[PEOPLE_SECRET],
               struct base_note *note)
{
    uint8_t hash[32], room[KEY_ROOM], value_room[PEOPLE_ROW_MAX];
    struct bytes value;
    enum err err = key_judge(people, by, key, note);
    if (err != ERR_OK)
        return err;
    struct people_row_key row = {
        .roles = key->roles,
        .made_ms = people_now(people),
        .expires_ms = key->expires_ms,
        .scope = key->scope,
        .name = key->name,
    };
    people_secret(people, "dgk_", secret, hash);
    struct store_kv_batch *batch = store_kv_batch_new(people->config.kv);
    key_put(batch, key_of_hash('k', hash, room), &row, value_room, &value);
    err = people_commit(people, batch,
                        &(struct people_act){.by = by,
                                             .action = "key.create",
                                             .object = key->name,
                                             .after = value});
    people->keys += err == ERR_OK;
    return err;
}

/* The whole key of an id's 16 digits. */
struct key_find {
    uint8_t key[33];
    bool found;
};

static bool
key_find_row(void *self, struct bytes key, struct bytes value)
{
    struct key_find *find = self;
    (void)value;
    find->found = key.size == sizeof find->key;
    if (find->found)
        memcpy(find->key, key.at, key.size);
    return false;
}

/* What the row of an application's key begins with. */
static bool
key_of_id(struct bytes id, uint8_t to[KEY_ID_KEY])
{
    to[0] = 'k';
    return id.size == PEOPLE_KEY_ID - 1 &&
           base_b64_unhex(id, to + 1, KEY_ID_KEY - 1) == ERR_OK;
}

static enum err
key_by_id(struct people *people, struct bytes id, struct key_find *find)
{
    uint8_t prefix[KEY_ID_KEY];
    if (!key_of_id(id, prefix))
        return ERR_ABSENT;
    (void)store_kv_scan(store_kv_now(people->config.kv), STORE_TABLE_CREDENTIAL,
                        base_bytes(prefix, sizeof prefix),
                        base_bytes(prefix, sizeof prefix), 1, key_find_row,
                        find, NULL);
    return find->found ? ERR_OK : ERR_ABSENT;
}

static enum err
key_delete(struct people *people, const struct model_grant_principal *by,
           struct bytes key, const char *action, struct base_note *note)
{
    static const uint8_t none[32];
    uint8_t value_room[PEOPLE_ROW_MAX], pin_room[KEY_ROOM];
    struct people_row_key row;
    struct bytes value;
    enum err err = key_get(people, key, value_room, &value, &row);
    if (err != ERR_OK)
        return base_err_note(note, err, "there is none of that name");
    err = people_within(by, row.scope, note);
    if (err != ERR_OK)
        return err;
    bool pinned = memcmp(row.pin, none, sizeof none) != 0;
    struct store_kv_batch *batch = store_kv_batch_new(people->config.kv);
    store_kv_del(batch, STORE_TABLE_CREDENTIAL, key);
    if (pinned)
        store_kv_del(batch, STORE_TABLE_CREDENTIAL,
                     key_of_hash('p', row.pin, pin_room));
    err = people_commit(
        people, batch,
        &(struct people_act){
            .by = by, .action = action, .object = row.name, .before = value});
    if (err != ERR_OK)
        return err;
    people->keys -= pinned ? 2 : 1;
    people_revoked(people,
                   key.at[0] == 'd' ? MODEL_GRANT_DEVICE : MODEL_GRANT_KEY,
                   row.name);
    return err;
}

enum err
people_key_revoke(struct people *people, const struct model_grant_principal *by,
                  struct bytes id, struct base_note *note)
{
    struct key_find find = {0};
    if (key_by_id(people, id, &find) != ERR_OK)
        return base_err_note(note, ERR_ABSENT, "there is no key of that id");
    return key_delete(people, by, base_bytes(find.key, sizeof find.key),
                      "key.revoke", note);
}

static enum err
device_judge(struct people *people, const struct model_grant_principal *by,
             struct bytes id, struct base_note *note)
{
    struct model_id parts;
    if ((model_id_parse(id, &parts) != ERR_OK &&
         model_id_prefix_check(id) != ERR_OK) ||
        base_bytes_find(id, ' ') < id.size)
        return base_err_note(note, ERR_NAME,
                             "a device is named by its identifier, such as "
                             "88.31.1001/pump-42, or by a prefix");
    enum err err = people_within(by, id, note);
    return err == ERR_OK ? key_full(people, note) : err;
}

/* Rows of a device: its own, and that of its certificate.  The old ones go. */
static void
device_put(struct people *people, struct store_kv_batch *batch,
           struct bytes key, const struct people_row_key *row, bool pinned)
{
    uint8_t old_room[PEOPLE_ROW_MAX], room[PEOPLE_ROW_MAX], pin[KEY_ROOM];
    struct people_row_key old;
    struct bytes value;
    static const uint8_t none[32];
    if (key_get(people, key, old_room, &value, &old) == ERR_OK &&
        memcmp(old.pin, none, sizeof none) != 0)
        store_kv_del(batch, STORE_TABLE_CREDENTIAL,
                     key_of_hash('p', old.pin, pin));
    key_put(batch, key, row, room, &value);
    if (pinned)
        key_put(batch, key_of_hash('p', row->pin, pin), row, room, &value);
}

enum err
people_device_add(struct people *people, const struct model_grant_principal *by,
                  const struct people_key *device, char secret[PEOPLE_SECRET],
                  struct base_note *note)
{
    uint8_t room[KEY_ROOM];
    enum err err = device_judge(people, by, device->name, note);
    if (err != ERR_OK)
        return err;
    struct people_row_key row = {
        .roles = MODEL_GRANT_IS_DEVICE,
        .made_ms = people_now(people),
        .expires_ms = device->expires_ms,
        .scope = device->name,
        .name = device->name,
    };
    people_secret(people, "dgd_", secret, row.secret);
    if (device->has_pin)
        memcpy(row.pin, device->pin, sizeof row.pin);
    struct store_kv_batch *batch = store_kv_batch_new(people->config.kv);
    device_put(people, batch, key_of_device(device->name, room), &row,
               device->has_pin);
    err = people_commit(people, batch,
                        &(struct people_act){.by = by,
                                             .action = "device.add",
                                             .object = device->name});
    if (err != ERR_OK)
        return err;
    people_count(people);
    people_revoked(people, MODEL_GRANT_DEVICE, device->name);
    return err;
}

/* --- certificates --- */

static enum err
certify_judge(struct people *people, const struct model_grant_principal *by,
              struct bytes id, struct base_note *note)
{
    struct model_id parts;
    if (people->config.ca == NULL)
        return base_err_note(note, ERR_UNSUPPORTED,
                             "this node gives no certificates");
    if (model_id_parse(id, &parts) != ERR_OK)
        return base_err_note(note, ERR_NAME,
                             "a device's certificate names one identifier, "
                             "such as 88.31.1001/pump-42: a prefix's is that "
                             "of its node");
    return device_judge(people, by, id, note);
}

static enum err
certify_issue(struct people *people, const struct people_certificate *wanted,
              struct crypt_cert **ret_cert, struct base_note *note)
{
    uint8_t room[1024];
    char asked[CRYPT_CERT_NAME];
    struct base_out public_der;
    base_out_fixed(&public_der, room, sizeof room);
    enum err err = crypt_cert_request_read(wanted->request, &public_der, asked);
    if (err != ERR_OK)
        return base_err_note(note, err,
                             "not a PKCS#10 request of a P-256 key, signed "
                             "with it, with one name: "
                             "URI:urn:dougong:PREFIX/SUFFIX");
    if (!base_bytes_equal_folded(base_bytes_text(asked), wanted->id))
        return base_err_note(note, ERR_NAME,
                             "the request asks for urn:dougong:%s", asked);
    struct crypt_cert_issue issue = {
        .ca = people->config.ca,
        .ca_key = people->config.ca_key,
        .use = CRYPT_CERT_CHILD,
        .prefix = asked,
        .public_der = base_out_bytes(&public_der),
        .now = {people_now(people)},
        .life_ms = wanted->life_ms,
        .random = people->config.random,
    };
    err = crypt_cert_issue(&issue, ret_cert);
    return err == ERR_OK ? err
                         : base_err_note(note, err,
                                         "the certificate could not be issued");
}

/* Its row, with the new pin; a device that is new has a secret that nobody
 * knows. */
static enum err
certify_keep(struct people *people, const struct model_grant_principal *by,
             struct bytes id, const struct crypt_cert *cert)
{
    uint8_t room[KEY_ROOM], value_room[PEOPLE_ROW_MAX], der_room[2048];
    char secret[PEOPLE_SECRET];
    struct people_row_key row;
    struct crypt_cert_facts facts;
    struct base_out der;
    struct bytes value, key = key_of_device(id, room);
    if (key_get(people, key, value_room, &value, &row) != ERR_OK) {
        row = (struct people_row_key){.roles = MODEL_GRANT_IS_DEVICE,
                                      .made_ms = people_now(people),
                                      .scope = id,
                                      .name = id};
        people_secret(people, "dgd_", secret, row.secret);
    }
    base_out_fixed(&der, der_room, sizeof der_room);
    (void)crypt_cert_der(cert, &der); /* its digest is its fingerprint */
    crypt_cert_facts(cert, &facts);
    memcpy(row.pin, facts.pin, sizeof row.pin);
    struct store_kv_batch *batch = store_kv_batch_new(people->config.kv);
    device_put(people, batch, key, &row, true);
    return people_commit(people, batch,
                         &(struct people_act){.by = by,
                                              .action = "device.certificate",
                                              .object = row.name,
                                              .after = base_out_bytes(&der)});
}

enum err
people_device_certify(struct people *people,
                      const struct model_grant_principal *by,
                      const struct people_certificate *wanted,
                      struct crypt_cert **ret_cert, struct base_note *note)
{
    struct crypt_cert *cert = NULL;
    enum err err = certify_judge(people, by, wanted->id, note);
    if (err == ERR_OK)
        err = certify_issue(people, wanted, &cert, note);
    if (err == ERR_OK)
        err = certify_keep(people, by, wanted->id, cert);
    if (err != ERR_OK) {
        crypt_cert_free(cert);
        return err;
    }
    people_count(people);
    people_revoked(people, MODEL_GRANT_DEVICE, wanted->id);
    *ret_cert = cert;
    return ERR_OK;
}

enum err
people_device_revoke(struct people *people,
                     const struct model_grant_principal *by, struct bytes id,
                     struct base_note *note)
{
    uint8_t room[KEY_ROOM];
    return key_delete(people, by, key_of_device(id, room), "device.revoke",
                      note);
}

/* --- listing --- */

struct key_list {
    struct bytes after;
    bool (*fn)(void *self, const struct people_key *key);
    void *self;
};

static bool
key_list_row(void *self, struct bytes key, struct bytes value)
{
    static const uint8_t none[32];
    struct key_list *list = self;
    struct people_row_key row;
    if (base_bytes_equal(key, list->after) ||
        people_row_key_read(value, &row) != ERR_OK)
        return true;
    struct people_key shown = {
        .name = row.name,
        .roles = row.roles,
        .scope = row.scope,
        .made_ms = row.made_ms,
        .expires_ms = row.expires_ms,
        .used_ms = row.used_ms,
        .has_pin = memcmp(row.pin, none, sizeof none) != 0,
    };
    if (key.at[0] == 'k')
        base_b64_hex(base_bytes_slice(key, 1, 8), shown.id);
    return list->fn(list->self, &shown);
}

enum err
people_key_list(struct people *people, bool devices, struct bytes after,
                unsigned limit,
                bool (*fn)(void *self, const struct people_key *key),
                void *self)
{
    uint8_t room[KEY_ROOM];
    struct key_find find = {0};
    struct bytes kind = base_bytes_text(devices ? "d" : "k");
    struct key_list list = {.fn = fn, .self = self};
    if (devices)
        list.after = key_of_device(after, room);
    else if (key_by_id(people, after, &find) == ERR_OK)
        list.after = base_bytes(find.key, sizeof find.key);
    else if (key_of_id(after, room)) /* revoked since: where it stood */
        list.after = base_bytes(room, KEY_ID_KEY);
    return store_kv_scan(store_kv_now(people->config.kv),
                         STORE_TABLE_CREDENTIAL, kind,
                         list.after.size > 0 ? list.after : kind, limit,
                         key_list_row, &list, NULL);
}
