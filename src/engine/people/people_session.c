/* people_session.c -- logging in, links, passwords.
 *
 *   people_login --slowed--> BUSY
 *        | a failure is counted in advance
 *        v
 *      pool: scrypt (of a row that is not there, too: a wrong name takes as
 *        |   long as a wrong password)
 *        v
 *      wrong -> DENIED          right -> the count is taken back, a session
 *                                        (people_check: none)
 */
#include <stdio.h>

#include "base/base_must.h"
#include "base/base_mem.h"
#include "crypt/crypt_hash.h"
#include "engine/people/people_inner.h"

/* --- rows --- */

static enum err
session_get(struct people *people, const uint8_t hash[32],
            struct people_row_session *ret_row)
{
    struct bytes value;
    enum err err =
        store_kv_get(store_kv_now(people->config.kv), STORE_TABLE_SESSION,
                     base_bytes(hash, 32), &value);
    return err == ERR_OK ? people_row_session_read(value, ret_row) : err;
}

static void
session_write(struct store_kv_batch *batch, const uint8_t hash[32],
              const struct people_row_session *row)
{
    uint8_t room[PEOPLE_ROW_MAX];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    people_row_session_write(&out, row);
    must(base_out_ok(&out));
    store_kv_put(batch, STORE_TABLE_SESSION, base_bytes(hash, 32),
                 base_out_bytes(&out));
}

static bool
session_over(const struct people_row_session *row, int64_t now)
{
    return now >= row->ends_ms || (row->kind != PEOPLE_ROW_LINK &&
                                   now - row->used_ms > PEOPLE_IDLE_MS);
}

struct session_end {
    struct people *people;
    struct store_kv_batch *batch;
    struct bytes user;
    const uint8_t *except;
};

static bool
session_end_row(void *self, struct bytes key, struct bytes value)
{
    struct session_end *end = self;
    struct people_row_session row;
    if (people_row_session_read(value, &row) != ERR_OK ||
        !base_bytes_equal(row.user, end->user))
        return true;
    if (!end->except || memcmp(key.at + key.size - 32, end->except, 32) != 0)
        store_kv_del(end->batch, STORE_TABLE_SESSION, key);
    return true;
}

void
people_session_end(struct people *people, struct bytes user_key,
                   const uint8_t *except, struct store_kv_batch *batch)
{
    struct session_end end = {people, batch, user_key, except};
    (void)store_kv_scan(store_kv_now(people->config.kv), STORE_TABLE_SESSION,
                        (struct bytes){0}, (struct bytes){0}, PEOPLE_SESSIONS,
                        session_end_row, &end, NULL);
}

/* What is over goes; of the user's own the oldest, when he has too many, and
 * his old links, when he gets a new one. */
struct session_sweep {
    struct store_kv_batch *batch;
    struct bytes user;
    int64_t now_ms, oldest_ms;
    bool links;
    unsigned count, own;
    uint8_t oldest[32];
};

static bool
session_sweep_row(void *self, struct bytes key, struct bytes value)
{
    struct session_sweep *sweep = self;
    struct people_row_session row;
    bool bad = people_row_session_read(value, &row) != ERR_OK;
    bool own = !bad && base_bytes_equal(row.user, sweep->user);
    if (bad || session_over(&row, sweep->now_ms) ||
        (own && sweep->links && row.kind == PEOPLE_ROW_LINK)) {
        store_kv_del(sweep->batch, STORE_TABLE_SESSION, key);
        return true;
    }
    sweep->count++;
    if (!own || row.kind == PEOPLE_ROW_LINK)
        return true;
    if (sweep->own++ == 0 || row.made_ms < sweep->oldest_ms) {
        sweep->oldest_ms = row.made_ms;
        memcpy(sweep->oldest, key.at + key.size - 32, 32);
    }
    return true;
}

enum err
people_session_put(struct people *people, struct store_kv_batch *batch,
                   enum people_row_kind kind, struct bytes user_key,
                   char text[PEOPLE_SECRET])
{
    int64_t now = people_now(people);
    bool link = kind == PEOPLE_ROW_LINK;
    struct session_sweep sweep = {
        .batch = batch, .user = user_key, .now_ms = now, .links = link};
    uint8_t hash[32];
    (void)store_kv_scan(store_kv_now(people->config.kv), STORE_TABLE_SESSION,
                        (struct bytes){0}, (struct bytes){0}, PEOPLE_SESSIONS,
                        session_sweep_row, &sweep, NULL);
    if (sweep.count >= PEOPLE_SESSIONS) {
        base_stat_inc(&people->limit, 1);
        return ERR_LIMIT;
    }
    if (!link && sweep.own >= PEOPLE_SESSIONS_EACH)
        store_kv_del(batch, STORE_TABLE_SESSION,
                     base_bytes(sweep.oldest, sizeof sweep.oldest));
    people_secret(people, link ? "dgl_" : "dgs_", text, hash);
    session_write(
        batch, hash,
        &(struct people_row_session){
            .kind = kind,
            .made_ms = now,
            .used_ms = now,
            .ends_ms = now + (link ? PEOPLE_LINK_MS
                                   : PEOPLE_SESSION_S * INT64_C(1000)),
            .user = user_key,
        });
    return ERR_OK;
}

/* --- who asks --- */

/* A session that is used keeps living; said at most every 5 minutes. */
static void
session_used(struct people *people, const uint8_t hash[32],
             const struct people_row_session *row)
{
    uint8_t user[PEOPLE_NAME_MAX];
    struct people_row_session next = *row;
    if (people_now(people) - row->used_ms < PEOPLE_USED_MS ||
        row->user.size > sizeof user)
        return;
    memcpy(user, row->user.at, row->user.size);
    next.user = base_bytes(user, row->user.size);
    next.used_ms = people_now(people);
    struct store_kv_batch *batch = store_kv_batch_new(people->config.kv);
    session_write(batch, hash, &next);
    /* Without space it only seems idle for longer. */
    (void)store_kv_commit(people->config.kv, batch, NULL, NULL);
}

/* A living session (not a link), and its user. */
static enum err
session_find(struct people *people, struct bytes token, uint8_t hash[32],
             struct people_row_session *ret_row,
             struct people_row_user *ret_user)
{
    if (token.size > PEOPLE_SECRET_MAX)
        return ERR_ABSENT;
    people_secret_hash(token, hash);
    enum err err = session_get(people, hash, ret_row);
    if (err != ERR_OK || ret_row->kind == PEOPLE_ROW_LINK ||
        session_over(ret_row, people_now(people)))
        return ERR_ABSENT;
    err = people_user_row(people, ret_row->user, ret_user);
    return err == ERR_OK && !ret_user->disabled ? ERR_OK : ERR_ABSENT;
}

enum err
people_who_session(struct people *people, struct bytes token,
                   struct base_arena *arena,
                   struct model_grant_principal *ret_who)
{
    struct people_row_session row;
    struct people_row_user user;
    uint8_t hash[32];
    enum err err = session_find(people, token, hash, &row, &user);
    if (err != ERR_OK)
        return err;
    struct model_grant_principal who = {
        .kind = MODEL_GRANT_USER,
        .roles = user.roles,
        .name = user.name,
        .scope = user.scope,
    };
    err = people_who(arena, &who, ret_who);
    if (err == ERR_OK)
        session_used(people, hash, &row);
    return err;
}

/* --- logging in --- */

static struct model_grant_principal
session_actor(struct bytes name)
{
    return (struct model_grant_principal){.kind = MODEL_GRANT_USER,
                                          .name = name};
}

static enum err
session_begin(struct people *people, struct bytes user,
              enum people_row_kind kind, const uint8_t *used_link,
              char token[PEOPLE_SECRET])
{
    uint8_t room[PEOPLE_NAME_MAX];
    struct bytes key = people_user_key(user, room);
    struct store_kv_batch *batch = store_kv_batch_new(people->config.kv);
    struct model_grant_principal by = session_actor(user);
    if (used_link)
        store_kv_del(batch, STORE_TABLE_SESSION, base_bytes(used_link, 32));
    enum err err = people_session_put(people, batch, kind, key, token);
    if (err != ERR_OK) {
        store_kv_batch_free(batch);
        return err;
    }
    err = people_commit(people, batch,
                        &(struct people_act){.by = &by,
                                             .action = used_link
                                                           ? "session.link"
                                                           : "session.begin",
                                             .object = user});
    if (err == ERR_OK)
        base_stat_inc(&people->logins, 1);
    return err;
}

static void
hash_run(struct base_pool_job *job)
{
    struct people_hash *hash = BASE_OUTER(job, struct people_hash, job);
    hash->err = crypt_password_hash(&hash->params, hash->password, hash->hash);
}

static void
hash_done(struct base_pool_job *job)
{
    struct people_hash *hash = BASE_OUTER(job, struct people_hash, job);
    hash->after(hash);
}

static enum err
hash_start(struct people *people, struct people_hash *hash)
{
    hash->people = people;
    hash->job.run = hash_run;
    hash->job.done = hash_done;
    hash->job.loop = people->config.loop;
    return people->config.pool->give(people->config.pool, &hash->job);
}

static bool
hash_is(const struct people_hash *hash, const struct crypt_password *want)
{
    return hash->err == ERR_OK && want->log_n != 0 &&
           memcmp(hash->params.salt, want->salt, sizeof want->salt) == 0 &&
           crypt_hash_equal(hash->hash, want->hash, sizeof want->hash);
}

/* Hashes the password, unless user or peer is slowed; ms to wait, 0: under
 * way. */
static int64_t
login_start(struct people *people, struct bytes user, struct bytes password,
            struct bytes peer, struct people_hash *hash)
{
    struct people_row_user row;
    int64_t wait = people_try(people, user, peer);
    if (wait > 0)
        return wait;
    hash->params = (struct crypt_password){
        .log_n = people->config.log_n,
        .r = CRYPT_PASSWORD_R,
        .p = CRYPT_PASSWORD_P,
    };
    if (people_user_row(people, user, &row) == ERR_OK &&
        row.password.log_n != 0)
        hash->params = row.password;
    hash->password = base_bytes_slice(password, 0, PEOPLE_PASSWORD_MAX);
    return hash_start(people, hash) == ERR_OK ? 0 : 1000;
}

/* Hashed: OK, with his row, or DENIED; either is told to the guard. */
static enum err
login_judge(const struct people_hash *hash, struct bytes user,
            struct bytes peer, struct people_row_user *ret_row)
{
    struct people *people = hash->people;
    enum err err = people_user_row(people, user, ret_row);
    if (err == ERR_OK && !ret_row->disabled &&
        hash_is(hash, &ret_row->password)) {
        people_try_good(people, user, peer);
        return ERR_OK;
    }
    people_try_failed(people, user, peer);
    return ERR_DENIED;
}

static void
login_hashed(struct people_hash *hash)
{
    struct people_login *login = BASE_OUTER(hash, struct people_login, hash);
    struct people_row_user row;
    struct base_note note = {0};
    char name[PEOPLE_NAME_MAX + 1];
    enum err err = login_judge(hash, login->user, login->peer, &row);
    if (err != ERR_OK) {
        base_err_note(&note, err, "the user or the password is wrong");
        login->done(login, err, &note);
        return;
    }
    base_bytes_string(row.name, name, sizeof name);
    err = session_begin(hash->people, base_bytes_text(name), PEOPLE_ROW_SESSION,
                        NULL, login->token);
    login->done(login, err, NULL);
}

static void
login_slowed(struct people_login *login, int64_t wait_ms)
{
    struct base_note note;
    login->retry_s = (unsigned)((wait_ms + 999) / 1000);
    base_err_note(&note, ERR_BUSY,
                  "too many wrong passwords: the next try is heard in %u s",
                  login->retry_s);
    login->done(login, ERR_BUSY, &note);
}

void
people_login(struct people *people, struct people_login *login)
{
    login->hash.after = login_hashed;
    int64_t wait_ms = login_start(people, login->user, login->password,
                                  login->peer, &login->hash);
    if (wait_ms > 0)
        login_slowed(login, wait_ms);
}

static void
check_hashed(struct people_hash *hash)
{
    struct people_check *check = BASE_OUTER(hash, struct people_check, hash);
    struct people_row_user row;
    enum err err = login_judge(hash, check->user, check->peer, &row);
    if (err == ERR_OK)
        err =
            people_who(check->arena,
                       &(struct model_grant_principal){.kind = MODEL_GRANT_USER,
                                                       .roles = row.roles,
                                                       .name = row.name,
                                                       .scope = row.scope},
                       &check->who);
    check->done(check, err);
}

void
people_check(struct people *people, struct people_check *check)
{
    check->hash.after = check_hashed;
    if (login_start(people, check->user, check->password, check->peer,
                    &check->hash) > 0)
        check->done(check, ERR_BUSY);
}

enum err
people_login_link(struct people *people, struct bytes link, struct bytes peer,
                  char token[PEOPLE_SECRET], struct base_note *note)
{
    static const struct bytes nobody = {(const uint8_t *)"", 0};
    struct people_row_session row;
    struct people_row_user user;
    uint8_t hash[32];
    char name[PEOPLE_NAME_MAX + 1];
    int64_t wait = people_try(people, nobody, peer);
    if (wait > 0)
        return base_err_note(note, ERR_BUSY,
                             "too many wrong links: the next try is heard in "
                             "%d s",
                             (int)((wait + 999) / 1000));
    people_secret_hash(base_bytes_slice(link, 0, PEOPLE_SECRET_MAX), hash);
    if (session_get(people, hash, &row) != ERR_OK ||
        row.kind != PEOPLE_ROW_LINK || session_over(&row, people_now(people)) ||
        people_user_row(people, row.user, &user) != ERR_OK || user.disabled) {
        people_try_failed(people, nobody, peer);
        return base_err_note(note, ERR_DENIED,
                             "the link was used, is older than 24 hours, or "
                             "never was");
    }
    people_try_good(people, nobody, peer);
    base_bytes_string(user.name, name, sizeof name);
    return session_begin(people, base_bytes_text(name), PEOPLE_ROW_BY_LINK,
                         hash, token);
}

enum err
people_logout(struct people *people, struct bytes token)
{
    struct people_row_session row;
    struct people_row_user user;
    uint8_t hash[32];
    char name[PEOPLE_NAME_MAX + 1];
    enum err err = session_find(people, token, hash, &row, &user);
    if (err != ERR_OK)
        return err;
    base_bytes_string(user.name, name, sizeof name);
    struct model_grant_principal by = session_actor(base_bytes_text(name));
    struct store_kv_batch *batch = store_kv_batch_new(people->config.kv);
    store_kv_del(batch, STORE_TABLE_SESSION, base_bytes(hash, 32));
    return people_commit(people, batch,
                         &(struct people_act){.by = &by,
                                              .action = "session.end",
                                              .object = by.name});
}

/* --- a new password --- */

static void
password_store(struct people *people, struct people_password *change)
{
    uint8_t hash[32], room[PEOPLE_ROW_MAX], before[PEOPLE_ROW_MAX];
    uint8_t key[PEOPLE_NAME_MAX];
    struct people_row_session session;
    struct people_row_user user;
    struct bytes value;
    struct base_out out;
    enum err err = session_find(people, change->token, hash, &session, &user);
    if (err == ERR_OK)
        err = change->hash.err;
    if (err != ERR_OK) {
        change->done(change, err, NULL);
        return;
    }
    base_out_fixed(&out, before, sizeof before);
    people_row_user_write(&out, &user);
    must(base_out_ok(&out));
    must(people_row_user_read(base_out_bytes(&out), &user) == ERR_OK);
    user.password = change->hash.params;
    memcpy(user.password.hash, change->hash.hash, 32);
    user.changed_ms = people_now(people);
    struct store_kv_batch *batch = store_kv_batch_new(people->config.kv);
    people_user_put(batch, &user, room, &value);
    people_session_end(people, people_user_key(user.name, key), hash, batch);
    struct model_grant_principal by = session_actor(user.name);
    err = people_commit(people, batch,
                        &(struct people_act){.by = &by,
                                             .action = "user.password",
                                             .object = user.name,
                                             .before = base_out_bytes(&out),
                                             .after = value});
    if (err == ERR_OK)
        people_revoked(people, MODEL_GRANT_USER, user.name);
    change->done(change, err, NULL);
}

static void
password_hashed(struct people_hash *hash)
{
    password_store(hash->people,
                   BASE_OUTER(hash, struct people_password, hash));
}

static void
password_fresh(struct people *people, struct people_password *change)
{
    struct people_hash *hash = &change->hash;
    hash->params = (struct crypt_password){
        .log_n = people->config.log_n,
        .r = CRYPT_PASSWORD_R,
        .p = CRYPT_PASSWORD_P,
    };
    people->config.random->fill(people->config.random, hash->params.salt,
                                sizeof hash->params.salt);
    hash->password = change->fresh;
    hash->after = password_hashed;
    enum err err = hash_start(people, hash);
    if (err != ERR_OK)
        change->done(change, err, NULL);
}

static void
password_old_hashed(struct people_hash *hash)
{
    struct people_password *change =
        BASE_OUTER(hash, struct people_password, hash);
    struct people *people = hash->people;
    struct people_row_session session;
    struct people_row_user user;
    struct base_note note;
    uint8_t key[32];
    enum err err = session_find(people, change->token, key, &session, &user);
    if (err != ERR_OK) {
        change->done(change, err, NULL);
        return;
    }
    if (!hash_is(hash, &user.password)) {
        people_try_failed(people, session.user, change->peer);
        base_err_note(&note, ERR_DENIED, "the old password is wrong");
        change->done(change, ERR_DENIED, &note);
        return;
    }
    people_try_good(people, session.user, change->peer);
    password_fresh(people, change);
}

static void
password_refuse(struct people_password *change, enum err err, const char *text)
{
    struct base_note note;
    base_err_note(&note, err, "%s", text);
    change->done(change, err, &note);
}

void
people_password(struct people *people, struct people_password *change)
{
    struct people_row_session session;
    struct people_row_user user;
    uint8_t key[32];
    if (change->fresh.size < PEOPLE_PASSWORD_MIN ||
        change->fresh.size > PEOPLE_PASSWORD_MAX) {
        password_refuse(change, ERR_RANGE, "a password has 10 to 256 bytes");
        return;
    }
    if (session_find(people, change->token, key, &session, &user) != ERR_OK) {
        password_refuse(change, ERR_DENIED,
                        "a password is set by its user, logged in");
        return;
    }
    if (session.kind == PEOPLE_ROW_BY_LINK || user.password.log_n == 0) {
        password_fresh(people, change);
        return;
    }
    if (people_try(people, session.user, change->peer) > 0) {
        password_refuse(change, ERR_BUSY, "too many wrong passwords: later");
        return;
    }
    change->hash.params = user.password;
    change->hash.password =
        base_bytes_slice(change->old, 0, PEOPLE_PASSWORD_MAX);
    change->hash.after = password_old_hashed;
    if (hash_start(people, &change->hash) != ERR_OK)
        password_refuse(change, ERR_BUSY, "too much at once: again, please");
}
