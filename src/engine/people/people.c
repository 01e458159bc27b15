/* people.c -- opens the engine; what its parts share. */
#include "engine/people/people.h"

#include "base/base_b64.h"
#include "base/base_hash.h"
#include "base/base_mem.h"
#include "base/base_must.h"
#include "crypt/crypt_hash.h"
#include "engine/people/people_inner.h"

int64_t
people_now(struct people *people)
{
    return base_loop_wall(people->config.loop).ms;
}

static bool
people_count_row(void *self, struct bytes key, struct bytes value)
{
    unsigned *count = self;
    (void)key;
    (void)value;
    (*count)++;
    return true;
}

static unsigned
people_count_table(struct people *people, uint16_t table)
{
    uint8_t room[480];
    struct base_out next;
    struct bytes from = {0};
    unsigned count = 0;
    enum err err = ERR_AGAIN;
    while (err == ERR_AGAIN) {
        base_out_fixed(&next, room, sizeof room);
        err = store_kv_scan(store_kv_now(people->config.kv), table,
                            (struct bytes){0}, from, 10000, people_count_row,
                            &count, &next);
        from = base_out_bytes(&next);
    }
    return count;
}

void
people_count(struct people *people)
{
    people->users = people_count_table(people, STORE_TABLE_USER);
    people->keys = people_count_table(people, STORE_TABLE_CREDENTIAL);
}

static void
people_stats(struct people *people)
{
    struct base_stats *stats = people->config.stats;
    base_stat_add(stats, &people->logins, BASE_STAT_COUNTER,
                  "dougong_people_logins_total", "", "Sessions begun.");
    base_stat_add(stats, &people->failed, BASE_STAT_COUNTER,
                  "dougong_people_refused_total", "why=\"password\"",
                  "Credentials that were refused.");
    base_stat_add(stats, &people->slowed, BASE_STAT_COUNTER,
                  "dougong_people_refused_total", "why=\"slowed\"",
                  "Credentials that were refused.");
    base_stat_add(stats, &people->refused, BASE_STAT_COUNTER,
                  "dougong_people_refused_total", "why=\"key\"",
                  "Credentials that were refused.");
    base_stat_add(stats, &people->limit, BASE_STAT_COUNTER,
                  "dougong_limit_hit_total", "limit=\"people\"",
                  "Times a limit was reached.");
}

enum err
people_new(const struct people_config *config, struct people **ret_people)
{
    struct people *people = base_mem_zero(sizeof *people);
    people->config = *config;
    if (people->config.log_n == 0)
        people->config.log_n = CRYPT_PASSWORD_LOG_N;
    people->seed = base_rng_u64(config->random);
    people_stats(people);
    people_count(people);
    *ret_people = people;
    return ERR_OK;
}

void
people_free(struct people *people)
{
    if (!people)
        return;
    struct base_stat *all[] = {&people->logins, &people->failed,
                               &people->slowed, &people->refused,
                               &people->limit};
    for (size_t i = 0; i < BASE_COUNT(all); i++)
        base_stat_drop(people->config.stats, all[i]);
    base_mem_free(people);
}

void
people_rewound(struct people *people)
{
    people_count(people);
}

/* --- changes --- */

static struct bytes
people_digest(struct bytes row, uint8_t hash[32])
{
    if (row.size == 0)
        return row;
    crypt_hash_sha256(row, hash);
    return base_bytes(hash, 32);
}

enum err
people_commit(struct people *people, struct store_kv_batch *batch,
              const struct people_act *act)
{
    uint8_t before[32], after[32];
    if (!people->config.audit)
        return store_kv_commit(people->config.kv, batch, NULL, NULL);
    struct model_audit_event event = {
        .actor = act->by,
        .action = act->action,
        .object = act->object,
        .before = people_digest(act->before, before),
        .after = people_digest(act->after, after),
    };
    return store_audit_append(people->config.audit, &event, batch, NULL);
}

void
people_secret_hash(struct bytes text, uint8_t hash[32])
{
    crypt_hash_sha256(text, hash);
}

void
people_secret(struct people *people, const char *kind, char to[PEOPLE_SECRET],
              uint8_t hash[32])
{
    uint8_t secret[32];
    struct base_out out;
    base_out_fixed(&out, to, PEOPLE_SECRET);
    people->config.random->fill(people->config.random, secret, sizeof secret);
    base_out_text(&out, kind);
    base_b64_write(&out, BASE_B64_URL, base_bytes(secret, sizeof secret));
    people_secret_hash(base_out_bytes(&out), hash);
    base_out_u8(&out, 0);
    must(base_out_ok(&out));
}

enum err
people_within(const struct model_grant_principal *by, struct bytes scope,
              struct base_note *note)
{
    if (model_grant_within(by->scope, scope))
        return ERR_OK;
    return base_err_note(note, ERR_DENIED,
                         "the right \"users\" does not reach \"%.*s\": nobody "
                         "gives a scope that he has not; yours is \"%.*s\"",
                         (int)(scope.size < 80 ? scope.size : 80),
                         (const char *)scope.at,
                         (int)(by->scope.size < 80 ? by->scope.size : 80),
                         (const char *)by->scope.at);
}

void
people_revoked(struct people *people, enum model_grant_kind kind,
               struct bytes name)
{
    const struct people_config *config = &people->config;
    if (config->revoked)
        config->revoked(config->self, kind, name);
}

enum err
people_who(struct base_arena *arena, const struct model_grant_principal *from,
           struct model_grant_principal *ret_who)
{
    struct model_grant_principal who = *from;
    who.name = base_arena_bytes(arena, from->name);
    who.scope = base_arena_bytes(arena, from->scope);
    if ((from->name.size > 0 && !who.name.at) ||
        (from->scope.size > 0 && !who.scope.at))
        return ERR_LIMIT;
    *ret_who = who;
    return ERR_OK;
}

/* --- slowing --- */

static uint64_t
try_key(struct people *people, char kind, struct bytes text)
{
    return base_hash_xxh3(people->seed + (uint64_t)kind, text);
}

static uint64_t
try_user(struct people *people, struct bytes user)
{
    uint8_t room[PEOPLE_SECRET_MAX * 2];
    struct bytes cut = base_bytes_slice(user, 0, sizeof room);
    base_bytes_fold(cut, room);
    return try_key(people, 'u', base_bytes(room, cut.size));
}

int64_t
people_try(struct people *people, struct bytes user, struct bytes peer)
{
    int64_t now = people_now(people);
    uint64_t keys[2] = {try_user(people, user), try_key(people, 'a', peer)};
    int64_t most = 0;
    for (unsigned i = 0; i < 2; i++) {
        int64_t wait = people_guard_wait_ms(&people->guard, keys[i], now);
        most = wait > most ? wait : most;
    }
    if (most > 0) {
        base_stat_inc(&people->slowed, 1);
        return most;
    }
    for (unsigned i = 0; i < 2; i++)
        people_guard_failed(&people->guard, keys[i], now);
    return 0;
}

void
people_try_good(struct people *people, struct bytes user, struct bytes peer)
{
    people_guard_passed(&people->guard, try_user(people, user));
    people_guard_undo(&people->guard, try_key(people, 'a', peer));
}

/* Of user or address, whichever is guessed more. */
static uint32_t
try_count(struct people *people, struct bytes user, struct bytes peer)
{
    uint32_t a = people_guard_count(&people->guard, try_user(people, user));
    uint32_t b = people_guard_count(&people->guard, try_key(people, 'a', peer));
    return a > b ? a : b;
}

void
people_try_failed(struct people *people, struct bytes user, struct bytes peer)
{
    uint8_t room[PEOPLE_NAME_MAX];
    struct bytes name = people_user_key(user, room);
    uint32_t count = try_count(people, user, peer);
    if (name.size == 0)
        name = base_bytes_text("?");
    base_stat_inc(&people->failed, 1);
    base_log_say(people->config.log, BASE_LOG_WARN, "people", "login_failed",
                 "user=%.*s peer=%.*s tries=%u", (int)name.size,
                 (const char *)name.at, (int)peer.size, (const char *)peer.at,
                 count);
    if (count <= PEOPLE_GUARD_FREE || (count & (count - 1)) != 0)
        return;
    struct model_grant_principal by = {.name = peer};
    /* A full disk must not let anybody guess faster: err is nothing here. */
    (void)people_commit(people, store_kv_batch_new(people->config.kv),
                        &(struct people_act){.by = &by,
                                             .action = "login.slowed",
                                             .object = name});
}
