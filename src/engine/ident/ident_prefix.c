/* ident_prefix.c -- rows of prefixes, tokens, and who may speak for one.
 *
 * A token is a one-time secret, kept hashed, 24 h.  The same request for the
 * same token within an hour gets the same certificate again, because answers
 * get lost.  Every change of a prefix goes up to all ancestors in the batch
 * that makes it. */
#include "base/base_hash.h"
#include "base/base_mem.h"
#include "crypt/crypt_hash.h"
#include "base/base_must.h"
#include "engine/ident/ident_hint.h"
#include "engine/ident/ident_inner.h"
#include "wire/names/wire_names.h"
#include "wire/token/wire_token.h"

enum {
    PREFIX_TOKEN_LIFE_MS = 24 * 3600 * 1000,
    PREFIX_TOKEN_AGAIN_MS = 3600 * 1000,
    PREFIX_TOKENS_MAX = 10000,
    PREFIX_GUARD_TRIES = 5,
    PREFIX_GUARD_WINDOW_MS = 60 * 1000,
    PREFIX_GUARD_HELD_MS = 10 * 60 * 1000,
    PREFIX_BODY_MAX = 160 << 10,
};

static struct bytes
prefix_key(struct bytes prefix, uint8_t room[MODEL_PREFIX_MAX])
{
    must(prefix.size <= MODEL_PREFIX_MAX);
    base_bytes_fold(prefix, room);
    return base_bytes(room, prefix.size);
}

enum err
ident_prefix_get(struct ident *ident, struct bytes prefix,
                 struct ident_row_prefix *ret_row)
{
    uint8_t room[MODEL_PREFIX_MAX];
    struct bytes value;
    enum err err = model_id_prefix_check(prefix);
    if (err == ERR_OK)
        err = store_kv_get(store_kv_now(ident->config.kv), STORE_TABLE_PREFIX,
                           prefix_key(prefix, room), &value);
    return err == ERR_OK ? ident_row_prefix_read(value, ret_row) : err;
}

struct bytes
ident_prefix_digest(struct ident *ident, struct bytes prefix, uint8_t to[32])
{
    uint8_t room[MODEL_PREFIX_MAX];
    struct bytes value;
    if (model_id_prefix_check(prefix) != ERR_OK ||
        store_kv_get(store_kv_now(ident->config.kv), STORE_TABLE_PREFIX,
                     prefix_key(prefix, room), &value) != ERR_OK)
        return (struct bytes){0};
    crypt_hash_sha256(value, to);
    return base_bytes(to, 32);
}

void
ident_prefix_put(struct ident *ident, struct store_kv_batch *batch,
                 const struct ident_row_prefix *row)
{
    uint8_t room[MODEL_PREFIX_MAX], value[IDENT_ROW_PREFIX_MAX];
    struct base_out out;
    (void)ident;
    base_out_fixed(&out, value, sizeof value);
    ident_row_prefix_write(&out, row);
    must(base_out_ok(&out));
    store_kv_put(batch, STORE_TABLE_PREFIX, prefix_key(row->name, room),
                 base_out_bytes(&out));
}

enum err
ident_prefix_nearest(struct ident *ident, struct bytes prefix,
                     struct ident_row_prefix *ret_row)
{
    enum err err = ERR_ABSENT;
    while (prefix.size > 0 && err == ERR_ABSENT) {
        err = ident_prefix_get(ident, prefix, ret_row);
        prefix = model_id_parent(prefix);
    }
    return err;
}

enum err
ident_prefix_up(struct ident *ident, struct store_kv_batch *batch,
                const struct ident_row_prefix *row, struct wire_hs_list values)
{
    struct base_out out;
    struct model_port *port = ident->config.port;
    struct wire_names_prefix up = {
        .state = row->state,
        .name = row->name,
        .host = row->host,
        .attributes = row->attributes,
        .values = values,
    };
    memcpy(up.pin, row->pin, sizeof up.pin);
    base_out_grow(&out, PREFIX_BODY_MAX);
    wire_names_prefix_write(&out, &up);
    enum err err = out.failed;
    if (err == ERR_OK)
        err =
            port->ops->post(port, MODEL_CHANNEL_NAMES, MODEL_KIND_NAMES_PREFIX,
                            (struct bytes){0}, base_out_bytes(&out), batch);
    base_out_done(&out);
    return err;
}

/* For who reads the log of the process; who did it is in the audit log. */
static void
prefix_say(struct ident *ident, const char *event, struct bytes prefix)
{
    base_log_say(ident->config.log, BASE_LOG_INFO, "ident", event,
                 "prefix=%.*s", (int)prefix.size, (const char *)prefix.at);
}

static enum err
prefix_commit(struct ident *ident, struct store_kv_batch *batch,
              const struct ident_row_prefix *row,
              struct store_journal_wait *wait)
{
    struct base_out values;
    struct wire_hs_list list;
    ident_site_granted(ident, row, &values, &list);
    enum err err = ident_site_commit(ident, batch, row, list, wait);
    base_out_done(&values);
    return err;
}

/* --- tokens --- */

struct prefix_tokens {
    struct store_kv_batch *batch;
    int64_t now_ms;
    unsigned count;
};

static bool
prefix_token_old(void *self, struct bytes key, struct bytes value)
{
    struct prefix_tokens *tokens = self;
    struct ident_row_token row;
    bool gone = ident_row_token_read(value, &row) != ERR_OK ||
                row.expires_ms < tokens->now_ms;
    if (gone)
        store_kv_del(tokens->batch, STORE_TABLE_TOKEN, key);
    else
        tokens->count++;
    return true;
}

/* Drop what has expired; LIMIT when too many are left. */
static enum err
prefix_tokens_sweep(struct ident *ident, struct store_kv_batch *batch)
{
    struct prefix_tokens tokens = {batch, ident_now(ident), 0};
    enum err err = store_kv_scan(
        store_kv_now(ident->config.kv), STORE_TABLE_TOKEN, (struct bytes){0},
        (struct bytes){0}, PREFIX_TOKENS_MAX, prefix_token_old, &tokens, NULL);
    if (err != ERR_OK && err != ERR_AGAIN)
        return err;
    if (tokens.count < PREFIX_TOKENS_MAX)
        return ERR_OK;
    base_stat_inc(&ident->limit_token, 1);
    return ERR_LIMIT;
}

static void
prefix_token_put(struct store_kv_batch *batch, const uint8_t hash[32],
                 const struct ident_row_token *row)
{
    struct base_out out;
    base_out_grow(&out, IDENT_ROW_TOKEN_MAX);
    ident_row_token_write(&out, row);
    must(base_out_ok(&out));
    store_kv_put(batch, STORE_TABLE_TOKEN, base_bytes(hash, 32),
                 base_out_bytes(&out));
    base_out_done(&out);
}

static enum err
prefix_token_new(struct ident *ident, struct bytes prefix,
                 struct store_kv_batch *batch, struct base_out *ret_token)
{
    struct crypt_cert_facts facts;
    struct wire_token token = {0};
    uint8_t hash[32];
    base_bytes_string(prefix, token.prefix, sizeof token.prefix);
    crypt_cert_facts(ident->config.ca, &facts);
    memcpy(token.ca_hash, facts.hash, sizeof token.ca_hash);
    ident->config.random->fill(ident->config.random, token.secret,
                               sizeof token.secret);
    crypt_hash_sha256(base_bytes(token.secret, sizeof token.secret), hash);
    prefix_token_put(batch, hash,
                     &(struct ident_row_token){
                         .expires_ms = ident_now(ident) + PREFIX_TOKEN_LIFE_MS,
                         .prefix = prefix,
                     });
    return wire_token_write(&token, ret_token);
}

enum err
ident_prefix_token(struct ident *ident, struct bytes prefix,
                   struct store_kv_batch *batch, struct base_out *ret_token)
{
    enum err err = prefix_tokens_sweep(ident, batch);
    if (err == ERR_OK)
        err = prefix_token_new(ident, prefix, batch, ret_token);
    if (err == ERR_OK)
        base_stat_inc(&ident->tokens, 1);
    return err;
}

/* --- enrolment --- */

static struct ident_guard *
prefix_guard(struct ident *ident, struct bytes address)
{
    uint64_t hash = base_hash_xxh3(1, address) | 1;
    struct ident_guard *guard = &ident->guard[hash % IDENT_GUARD_SLOTS];
    if (guard->address != hash)
        *guard = (struct ident_guard){.address = hash};
    return guard;
}

static void
prefix_guard_failed(struct ident *ident, struct ident_guard *guard)
{
    int64_t now = ident_now(ident);
    base_stat_inc(&ident->token_refused, 1);
    if (now - guard->first_ms > PREFIX_GUARD_WINDOW_MS) {
        guard->first_ms = now;
        guard->count = 0;
    }
    if (++guard->count >= PREFIX_GUARD_TRIES)
        guard->until_ms = now + PREFIX_GUARD_HELD_MS;
}

struct prefix_enrol {
    struct wire_token token;
    struct ident_row_token row;
    struct ident_row_prefix prefix;
    uint8_t hash[32], request[32];
    bool again; /* the answer is in the row already */
};

/* Is this token good for this prefix and request? */
static enum err
prefix_enrol_token(struct ident *ident, struct bytes prefix, struct bytes text,
                   struct prefix_enrol *enrol, struct base_note *note)
{
    struct bytes value;
    enum err err = wire_token_read(text, &enrol->token, note);
    if (err != ERR_OK)
        return err;
    crypt_hash_sha256(base_bytes(enrol->token.secret, 16), enrol->hash);
    err = store_kv_get(store_kv_now(ident->config.kv), STORE_TABLE_TOKEN,
                       base_bytes(enrol->hash, 32), &value);
    if (err == ERR_ABSENT)
        return base_err_note(note, ERR_DENIED,
                             "this token was not given out "
                             "here");
    if (err == ERR_OK)
        err = ident_row_token_read(value, &enrol->row);
    if (err != ERR_OK)
        return err;
    if (!base_bytes_equal_folded(enrol->row.prefix, prefix))
        return base_err_note(note, ERR_DENIED,
                             "this token is for another prefix");
    int64_t now = ident_now(ident);
    if (enrol->row.used_ms != 0) {
        enrol->again = now - enrol->row.used_ms <= PREFIX_TOKEN_AGAIN_MS &&
                       crypt_hash_equal(enrol->request, enrol->row.request, 32);
        return enrol->again ? ERR_OK
                            : base_err_note(note, ERR_USED,
                                            "this token has been used; ask "
                                            "for a new one");
    }
    if (enrol->row.expires_ms < now)
        return base_err_note(note, ERR_EXPIRED,
                             "this token has expired; ask for a new one");
    return ERR_OK;
}

static enum err
prefix_enrol_issue(struct ident *ident, struct bytes prefix,
                   struct bytes request_der, struct prefix_enrol *enrol,
                   struct base_out *ret_pkcs7, struct base_note *note)
{
    uint8_t room[1024];
    char asked[CRYPT_CERT_NAME];
    struct base_out public_der;
    base_out_fixed(&public_der, room, sizeof room);
    enum err err = crypt_cert_request_read(request_der, &public_der, asked);
    if (err != ERR_OK)
        return base_err_note(note, err,
                             "the certificate request is not well formed, or "
                             "not signed with its own key");
    if (!base_bytes_equal_folded(base_bytes_text(asked), prefix))
        return base_err_note(note, ERR_NAME,
                             "the request asks for urn:dougong:%s, but the "
                             "token is for another prefix",
                             asked);
    struct crypt_cert_issue issue = {
        .ca = ident->config.ca,
        .ca_key = ident->config.ca_key,
        .use = CRYPT_CERT_CHILD,
        .prefix = asked,
        .public_der = base_out_bytes(&public_der),
        .now = {ident_now(ident)},
        .life_ms = ident->config.certificate_ms,
        .random = ident->config.random,
    };
    struct crypt_cert *cert = NULL;
    err = crypt_cert_issue(&issue, &cert);
    if (err != ERR_OK)
        return base_err_note(note, err, "the certificate could not be issued");
    struct crypt_cert_facts facts;
    crypt_cert_facts(cert, &facts);
    memcpy(enrol->prefix.pin, facts.pin, sizeof facts.pin);
    const struct crypt_cert *both[] = {cert, ident->config.ca};
    err = crypt_cert_pkcs7(both, 2, ret_pkcs7);
    crypt_cert_free(cert);
    return err;
}

static enum err
prefix_enrol_keep(struct ident *ident, struct prefix_enrol *enrol,
                  struct bytes pkcs7, struct store_journal_wait *wait)
{
    uint8_t token_prefix[MODEL_PREFIX_MAX], name[MODEL_PREFIX_MAX];
    struct ident_row_token *row = &enrol->row;
    memcpy(token_prefix, row->prefix.at, row->prefix.size);
    row->prefix.at = token_prefix;
    memcpy(name, enrol->prefix.name.at, enrol->prefix.name.size);
    enrol->prefix.name.at = name;
    row->used_ms = ident_now(ident);
    memcpy(row->request, enrol->request, sizeof row->request);
    row->pkcs7 = pkcs7;
    enrol->prefix.state = IDENT_PREFIX_ACTIVE;
    enrol->prefix.joined_ms = ident_now(ident);
    struct store_kv_batch *batch = store_kv_batch_new(ident->config.kv);
    prefix_token_put(batch, enrol->hash, row);
    return prefix_commit(ident, batch, &enrol->prefix, wait);
}

static enum err
prefix_enrol_run(struct ident *ident, struct bytes prefix, struct bytes token,
                 struct bytes request_der, struct base_out *ret_pkcs7,
                 struct store_journal_wait *wait, struct base_note *note)
{
    struct prefix_enrol enrol = {0};
    crypt_hash_sha256(request_der, enrol.request);
    enum err err = prefix_enrol_token(ident, prefix, token, &enrol, note);
    if (err != ERR_OK)
        return err;
    if (enrol.again) {
        base_out_bytes_add(ret_pkcs7, enrol.row.pkcs7);
        return store_kv_commit(
            ident->config.kv, store_kv_batch_new(ident->config.kv), wait, NULL);
    }
    err = ident_prefix_get(ident, prefix, &enrol.prefix);
    if (err != ERR_OK)
        return base_err_note(note, err, "the prefix: %s", base_err_text(err));
    if (enrol.prefix.state == IDENT_PREFIX_REVOKED ||
        enrol.prefix.state == IDENT_PREFIX_SUSPENDED)
        return base_err_note(note, ERR_REVOKED,
                             "this prefix is suspended or revoked");
    err =
        prefix_enrol_issue(ident, prefix, request_der, &enrol, ret_pkcs7, note);
    if (err == ERR_OK)
        err = prefix_enrol_keep(ident, &enrol, base_out_bytes(ret_pkcs7), wait);
    if (err == ERR_OK) {
        base_stat_inc(&ident->enrolled, 1);
        prefix_say(ident, "prefix_joined", prefix);
    }
    return err;
}

enum err
ident_enrol(struct ident *ident, struct bytes prefix, struct bytes token,
            struct bytes request_der, struct bytes peer_address,
            struct base_out *ret_pkcs7, struct store_journal_wait *wait,
            struct base_note *note)
{
    struct ident_guard *guard = prefix_guard(ident, peer_address);
    if (guard->until_ms > ident_now(ident)) {
        base_stat_inc(&ident->token_refused, 1);
        return base_err_note(note, ERR_BUSY,
                             "too many bad tokens from this address; again in "
                             "%lld s",
                             (long long)(guard->until_ms - ident_now(ident)) /
                                 1000);
    }
    if (ident->config.ca == NULL)
        return base_err_note(note, ERR_UNSUPPORTED,
                             "this node's role has no children");
    enum err err = prefix_enrol_run(ident, prefix, token, request_der,
                                    ret_pkcs7, wait, note);
    if (err == ERR_DENIED || err == ERR_USED || err == ERR_EXPIRED ||
        err == ERR_SYNTAX || err == ERR_CORRUPT)
        prefix_guard_failed(ident, guard);
    return err;
}

enum err
ident_renew(struct ident *ident, struct bytes prefix, struct bytes request_der,
            struct base_out *ret_pkcs7, struct base_note *note)
{
    struct ident_row_prefix row;
    struct prefix_enrol enrol = {0};
    if (ident->config.ca == NULL ||
        !model_id_is_child(base_bytes_text(ident->config.prefix), prefix))
        return base_err_note(note, ERR_DENIED, "not a child of this node");
    enum err err = ident_prefix_get(ident, prefix, &row);
    if (err != ERR_OK)
        return base_err_note(note, ERR_DENIED, "the prefix: %s",
                             base_err_text(err));
    if (row.state != IDENT_PREFIX_ACTIVE)
        return base_err_note(note, ERR_REVOKED, "the prefix is not active");
    err =
        prefix_enrol_issue(ident, prefix, request_der, &enrol, ret_pkcs7, note);
    if (err == ERR_OK &&
        !crypt_hash_equal(row.pin, enrol.prefix.pin, sizeof row.pin)) {
        base_out_reset(ret_pkcs7);
        err = base_err_note(note, ERR_DENIED,
                            "another key than the prefix is pinned to");
    }
    return err;
}

/* --- judging and changing --- */

enum err
ident_admit(struct ident *ident, struct bytes prefix,
            const struct crypt_cert_facts *facts)
{
    struct ident_row_prefix row;
    enum err err = ident_prefix_get(ident, prefix, &row);
    if (err != ERR_OK)
        return ERR_DENIED;
    if (row.state == IDENT_PREFIX_SUSPENDED)
        return ERR_AGAIN;
    if (row.state == IDENT_PREFIX_REVOKED)
        return ERR_REVOKED;
    if (row.state != IDENT_PREFIX_ACTIVE ||
        !crypt_hash_equal(row.pin, facts->pin, sizeof row.pin))
        return ERR_DENIED;
    return ERR_OK;
}

void
ident_denied_watch(struct ident *ident,
                   void (*fn)(void *self, struct bytes prefix), void *self)
{
    ident->denied = fn;
    ident->denied_self = self;
}

const char *
ident_prefix_state_name(enum ident_prefix_state state)
{
    static const char *const names[] = {
        [IDENT_PREFIX_APPROVED] = "approved",
        [IDENT_PREFIX_ACTIVE] = "active",
        [IDENT_PREFIX_SUSPENDED] = "suspended",
        [IDENT_PREFIX_REVOKED] = "revoked",
        [IDENT_PREFIX_APPLIED] = "applied",
        [IDENT_PREFIX_RETURNED] = "returned",
        [IDENT_PREFIX_REFUSED] = "refused",
    };
    bool known = (unsigned)state < BASE_COUNT(names) && names[state] != NULL;
    return known ? names[state] : "unknown";
}

static void
prefix_view(const struct ident_row_prefix *row, struct ident_prefix *ret_view)
{
    *ret_view = (struct ident_prefix){
        .state = (enum ident_prefix_state)row->state,
        .approved_ms = row->approved_ms,
        .joined_ms = row->joined_ms,
        .direct = (row->flags & IDENT_ROW_DIRECT) != 0,
        .hosted = (row->flags & IDENT_ROW_HOSTED) != 0,
        .quota = row->quota,
    };
    base_bytes_string(row->name, ret_view->name, sizeof ret_view->name);
    base_bytes_string(row->host.size > 0 ? row->host : row->name,
                      ret_view->host, sizeof ret_view->host);
    base_bytes_string(row->attributes, ret_view->attributes,
                      sizeof ret_view->attributes);
    memcpy(ret_view->pin, row->pin, sizeof ret_view->pin);
}

enum err
ident_prefix_find(struct ident *ident, struct bytes prefix,
                  struct ident_prefix *ret_prefix)
{
    struct ident_row_prefix row;
    enum err err = ident_prefix_get(ident, prefix, &row);
    if (err == ERR_OK)
        prefix_view(&row, ret_prefix);
    return err;
}

struct prefix_list {
    void (*fn)(void *self, const struct ident_prefix *prefix);
    void *self;
};

static bool
prefix_list_row(void *self, struct bytes key, struct bytes value)
{
    struct prefix_list *list = self;
    struct ident_row_prefix row;
    struct ident_prefix prefix;
    (void)key;
    if (ident_row_prefix_read(value, &row) != ERR_OK)
        return true;
    prefix_view(&row, &prefix);
    list->fn(list->self, &prefix);
    return true;
}

enum err
ident_prefix_list(struct ident *ident,
                  void (*fn)(void *self, const struct ident_prefix *prefix),
                  void *self)
{
    struct prefix_list list = {fn, self};
    uint8_t room[2][480];
    struct bytes from = {0};
    for (unsigned turn = 0;; turn ^= 1) {
        struct base_out next;
        base_out_fixed(&next, room[turn], sizeof room[turn]);
        enum err err = store_kv_scan(
            store_kv_now(ident->config.kv), STORE_TABLE_PREFIX,
            (struct bytes){0}, from, 10000, prefix_list_row, &list, &next);
        if (err != ERR_AGAIN)
            return err;
        from = base_out_bytes(&next);
    }
}

/* A child says that a prefix below it was granted or changed. */
static enum err
prefix_take_check(const struct model_message *message,
                  struct wire_names_prefix *prefix)
{
    enum err err = wire_names_prefix_read(message->body, prefix);
    if (err != ERR_OK)
        return err;
    if (prefix->state < IDENT_PREFIX_APPROVED ||
        prefix->state > IDENT_PREFIX_REVOKED ||
        model_id_prefix_check(prefix->name) != ERR_OK ||
        (prefix->host.size > 0 &&
         model_id_prefix_check(prefix->host) != ERR_OK) ||
        model_attr_check(prefix->attributes) != ERR_OK ||
        prefix->values.raw.size > IDENT_VALUES_BYTES)
        return ERR_SYNTAX;
    if (!model_id_covers(message->from, prefix->name) ||
        base_bytes_equal_folded(message->from, prefix->name))
        return ERR_DENIED; /* not the sender's to grant */
    return ERR_OK;
}

enum model_took
ident_take_prefix(void *self, const struct model_message *message,
                  struct store_kv_batch *batch, enum err *ret_code)
{
    struct ident *ident = self;
    struct ident_row_prefix row = {0}, old;
    struct wire_names_prefix prefix;
    *ret_code = prefix_take_check(message, &prefix);
    if (*ret_code != ERR_OK)
        return MODEL_TOOK_REFUSED;
    row.state = prefix.state;
    memcpy(row.pin, prefix.pin, sizeof row.pin);
    row.name = prefix.name;
    row.host = prefix.host;
    row.attributes = prefix.attributes;
    if (ident_prefix_get(ident, row.name, &old) == ERR_OK) {
        row.id = old.id;
        row.approved_ms = old.approved_ms;
        row.joined_ms = old.joined_ms;
    } else {
        row.id = ident->next_id++;
        row.approved_ms = ident_now(ident);
    }
    if (row.state == IDENT_PREFIX_ACTIVE && row.joined_ms == 0)
        row.joined_ms = ident_now(ident);
    ident_prefix_put(ident, batch, &row);
    if (prefix.values.count > 0)
        ident_site_put(ident, batch, row.name, prefix.values);
    ident_hint_changed(ident->hint, row.name, (struct bytes){0});
    return ident_prefix_up(ident, batch, &row, prefix.values) == ERR_OK
               ? MODEL_TOOK_OK
               : MODEL_TOOK_AGAIN;
}
