/* people_test.c -- logging in, slowing, sessions that end, keys, devices. */
#include "engine/people/people.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "engine/people/people_guard.h"
#include "sys/sys_file.h"
#include "sys/sys_loop.h"
#include "sys/sys_random.h"

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE };

struct world {
    char folder[64];
    struct sys_loop *sys;
    struct base_loop clock; /* people's: its time is the test's */
    int64_t now_ms;
    struct base_pool pool;
    bool pool_full;
    struct base_stats stats;
    struct store_journal *journal;
    struct store_kv *kv;
    struct people *people;
    struct base_arena arena;
    unsigned revoked; /* users */
};

struct checked {
    struct people_check check;
    enum err err;
};

static void
world_revoked(void *self, enum model_grant_kind kind, struct bytes name)
{
    struct world *w = self;
    w->revoked += kind == MODEL_GRANT_USER && name.size > 0;
}

static struct wall
clock_wall(struct base_loop *loop)
{
    return (struct wall){BASE_OUTER(loop, struct world, clock)->now_ms};
}

static enum err
pool_give(struct base_pool *pool, struct base_pool_job *job)
{
    if (BASE_OUTER(pool, struct world, pool)->pool_full)
        return ERR_BUSY;
    job->run(job);
    job->done(job);
    return ERR_OK;
}

static struct bytes
text(const char *from)
{
    return base_bytes_text(from);
}

static const struct base_loop_ops clock_ops = {.wall = clock_wall};
static const struct model_grant_principal admin = {
    MODEL_GRANT_USER,
    MODEL_GRANT_ADMINISTRATOR,
    {(const uint8_t *)"admin", 5},
    {(const uint8_t *)"*", 1}};

static void
world_people_with(struct world *w, const struct crypt_cert *ca,
                  const struct crypt_key *ca_key)
{
    struct people_config config = {
        .ca = ca,
        .ca_key = ca_key,
        .kv = w->kv,
        .loop = &w->clock,
        .pool = &w->pool,
        .random = sys_random(),
        .stats = &w->stats,
        .log_n = 10,
        .revoked = world_revoked,
        .self = w,
    };
    assert_int_equal(people_new(&config, &w->people), ERR_OK);
}

static void
world_people(struct world *w)
{
    world_people_with(w, NULL, NULL);
}

static int
setup(void **state)
{
    struct world *w = base_mem_zero(sizeof *w);
    struct base_note note = {0};
    char path[2][96];
    memcpy(w->folder, "/tmp/people-test-XXXXXX", 24);
    must(mkdtemp(w->folder) != NULL);
    must(sys_loop_new("test", &w->sys) == ERR_OK);
    w->clock.ops = &clock_ops;
    w->now_ms = INT64_C(1763787600000);
    w->pool.give = pool_give;
    base_stat_init(&w->stats);
    base_arena_init(&w->arena, 1 << 20);
    snprintf(path[0], sizeof path[0], "%s/journal", w->folder);
    snprintf(path[1], sizeof path[1], "%s/kv", w->folder);
    for (unsigned i = 0; i < 2; i++)
        must(sys_file_folders(sys_file_real(), path[i]) == ERR_OK);
    struct store_journal_config journal = {
        .files = sys_file_real(),
        .loop = sys_loop_base(w->sys),
        .random = sys_random(),
        .stats = &w->stats,
        .folder = path[0],
        .shards = 1,
        .file_bytes = 1 << 20,
        .threads = true,
        .ignore_marks = true,
    };
    struct store_kv_config kv = {
        .loop = sys_loop_base(w->sys),
        .stats = &w->stats,
        .folder = path[1],
        .map_bytes = 64 << 20,
    };
    must(store_journal_open(&journal, &w->journal, &note) == ERR_OK);
    kv.journal = w->journal;
    must(store_kv_open(&kv, &w->kv, &note) == ERR_OK);
    must(store_journal_start(w->journal) == ERR_OK);
    world_people(w);
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;
    char command[128];
    store_journal_flush(
        w->journal, STORE_JOURNAL_RECORDS,
        store_journal_appended(w->journal, STORE_JOURNAL_RECORDS));
    people_free(w->people);
    store_kv_shut(w->kv);
    store_journal_shut(w->journal);
    sys_loop_free(w->sys);
    base_arena_done(&w->arena);
    base_stat_done(&w->stats);
    snprintf(command, sizeof command, "rm -rf %s", w->folder);
    must(system(command) == 0);
    base_mem_free(w);
    return 0;
}

/* --- helpers --- */

static void
create(struct world *w, const char *name, unsigned roles, const char *scope)
{
    struct base_note note = {0};
    struct people_user user = {
        .name = text(name), .roles = roles, .scope = text(scope)};
    assert_int_equal(people_user_create(w->people, &admin, &user, &note),
                     ERR_OK);
}

struct change {
    struct people_password password;
    enum err err;
};

static void
change_done(struct people_password *password, enum err err,
            const struct base_note *note)
{
    (void)note;
    BASE_OUTER(password, struct change, password)->err = err;
}

static enum err
set_password(struct world *w, const char *token, const char *old,
             const char *fresh)
{
    struct change change = {.password = {.token = text(token),
                                         .old = text(old),
                                         .fresh = text(fresh),
                                         .peer = text("10.0.0.1"),
                                         .done = change_done},
                            .err = ERR_COUNT};
    people_password(w->people, &change.password);
    return change.err;
}

/* By a link: a session that may set a password. */
static void
enter(struct world *w, const char *name, char token[PEOPLE_SECRET])
{
    char link[PEOPLE_SECRET];
    struct base_note note = {0};
    assert_int_equal(
        people_user_link(w->people, &admin, text(name), link, &note), ERR_OK);
    assert_int_equal(people_login_link(w->people, text(link), text("10.0.0.1"),
                                       token, &note),
                     ERR_OK);
}

static void
user_with_password(struct world *w, const char *name, const char *password)
{
    char token[PEOPLE_SECRET];
    create(w, name, MODEL_GRANT_VIEWER, "88.44");
    enter(w, name, token);
    assert_int_equal(set_password(w, token, "", password), ERR_OK);
}

struct
try {
    struct people_login login;
    enum err err;
};

static void
try_done(struct people_login *login, enum err err, const struct base_note *note)
{
    (void)note;
    BASE_OUTER(login, struct try, login)->err = err;
}

static struct try
login(struct world *w, const char *user, const char *password, const char *peer)
{
    struct try try = {.login = {.user = text(user),
                                .password = text(password),
                                .peer = text(peer),
                                .done = try_done},
                      .err = ERR_COUNT};
    people_login(w->people, &try.login);
    return try;
}

static enum err
who(struct world *w, const char *token, struct model_grant_principal *ret_who)
{
    return people_who_session(w->people, text(token), &w->arena, ret_who);
}

/* --- tests --- */

static void
a_user_enters_by_link_sets_a_password_and_logs_in(void **state)
{
    struct world *w = *state;
    struct model_grant_principal li;
    user_with_password(w, "Li.Wei", "correct horse");
    struct try good = login(w, "li.wei", "correct horse", "10.0.0.2");
    assert_int_equal(good.err, ERR_OK);
    assert_int_equal(who(w, good.login.token, &li), ERR_OK);
    assert_int_equal(li.kind, MODEL_GRANT_USER);
    assert_int_equal(li.roles, MODEL_GRANT_VIEWER);
    assert_true(base_bytes_is(li.name, "Li.Wei"));
    assert_true(base_bytes_is(li.scope, "88.44"));
    assert_int_equal(login(w, "li.wei", "correct hors", "10.0.0.2").err,
                     ERR_DENIED);
    assert_int_equal(login(w, "nobody", "correct horse", "10.0.0.2").err,
                     ERR_DENIED);
    assert_int_equal(people_logout(w->people, text(good.login.token)), ERR_OK);
    assert_int_equal(who(w, good.login.token, &li), ERR_ABSENT);
}

static void
a_user_without_a_password_cannot_guess_one(void **state)
{
    struct world *w = *state;
    create(w, "li", MODEL_GRANT_VIEWER, "88.44");
    assert_int_equal(login(w, "li", "", "10.0.0.2").err, ERR_DENIED);
}

static void
a_link_is_good_once_and_for_a_day(void **state)
{
    struct world *w = *state;
    char link[2][PEOPLE_SECRET], token[PEOPLE_SECRET];
    struct base_note note;
    struct bytes peer = text("10.0.0.1");
    struct model_grant_principal li;
    create(w, "li", MODEL_GRANT_VIEWER, "88.44");
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(
            people_user_link(w->people, &admin, text("li"), link[i], &note),
            ERR_OK);
    assert_int_equal(who(w, link[1], &li), ERR_ABSENT);
    assert_int_equal(
        people_login_link(w->people, text(link[0]), peer, token, &note),
        ERR_DENIED); /* the newer link voids it */
    assert_int_equal(
        people_login_link(w->people, text(link[1]), peer, token, &note),
        ERR_OK);
    assert_int_equal(
        people_login_link(w->people, text(link[1]), peer, token, &note),
        ERR_DENIED);
    assert_int_equal(
        people_user_link(w->people, &admin, text("li"), link[0], &note),
        ERR_OK);
    w->now_ms += 24 * HOUR;
    assert_int_equal(
        people_login_link(w->people, text(link[0]), peer, token, &note),
        ERR_DENIED);
}

static void
a_session_ends_when_idle_and_at_its_limit(void **state)
{
    struct world *w = *state;
    struct model_grant_principal li;
    user_with_password(w, "li", "correct horse");
    struct try one = login(w, "li", "correct horse", "10.0.0.2");
    w->now_ms += 12 * HOUR + MINUTE;
    assert_int_equal(who(w, one.login.token, &li), ERR_ABSENT);
    one = login(w, "li", "correct horse", "10.0.0.2");
    for (unsigned hours = 0; hours < 7 * 24 - 6; hours += 6) {
        assert_int_equal(who(w, one.login.token, &li), ERR_OK);
        w->now_ms += 6 * HOUR;
    }
    assert_int_equal(who(w, one.login.token, &li), ERR_OK);
    w->now_ms += 6 * HOUR;
    assert_int_equal(who(w, one.login.token, &li), ERR_ABSENT);
}

static void
the_seventeenth_session_ends_the_first(void **state)
{
    struct world *w = *state;
    struct model_grant_principal li;
    struct try first = {0}, last;
    char enter_token[PEOPLE_SECRET];
    user_with_password(w, "li", "correct horse");
    enter(w, "li", enter_token); /* one is there from the password's setting */
    for (unsigned i = 0; i < 14; i++) {
        w->now_ms += 1000;
        last = login(w, "li", "correct horse", "10.0.0.2");
        if (i == 0)
            first = last;
    }
    assert_int_equal(who(w, enter_token, &li), ERR_OK);
    w->now_ms += 1000;
    for (unsigned i = 0; i < 2; i++)
        last = login(w, "li", "correct horse", "10.0.0.2");
    assert_int_equal(who(w, enter_token, &li), ERR_ABSENT);
    assert_int_equal(who(w, first.login.token, &li), ERR_OK);
    assert_int_equal(who(w, last.login.token, &li), ERR_OK);
}

static void
wrong_passwords_are_slowed_by_user_and_by_address(void **state)
{
    struct world *w = *state;
    user_with_password(w, "li", "correct horse");
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(login(w, "li", "wrong", "10.0.0.9").err, ERR_DENIED);
    struct try slowed = login(w, "li", "correct horse", "10.0.0.8");
    assert_int_equal(slowed.err, ERR_BUSY);
    assert_int_equal(slowed.login.retry_s, 1);
    assert_int_equal(login(w, "wang", "x", "10.0.0.9").err, ERR_BUSY);
    w->now_ms += 1000;
    assert_int_equal(login(w, "li", "wrong", "10.0.0.9").err, ERR_DENIED);
    w->now_ms += 1000;
    slowed = login(w, "li", "correct horse", "10.0.0.8");
    assert_int_equal(slowed.err, ERR_BUSY);
    w->now_ms += 1000;
    assert_int_equal(login(w, "li", "correct horse", "10.0.0.8").err, ERR_OK);
    assert_int_equal(login(w, "li", "correct horse", "10.0.0.8").err, ERR_OK);
}

static void
check_done(struct people_check *check, enum err err)
{
    BASE_OUTER(check, struct checked, check)->err = err;
}

static struct checked
check(struct world *w, const char *user, const char *password)
{
    struct checked checked = {.check = {.user = text(user),
                                        .password = text(password),
                                        .peer = text("10.0.0.9"),
                                        .arena = &w->arena,
                                        .done = check_done},
                              .err = ERR_COUNT};
    people_check(w->people, &checked.check);
    return checked;
}

static void
a_password_is_checked_without_a_session_and_slowed_with_the_others(void **state)
{
    struct world *w = *state;
    user_with_password(w, "Li", "correct horse");
    struct try session = login(w, "li", "correct horse", "10.0.0.9");
    for (unsigned i = 0; i < 20; i++) {
        struct checked li = check(w, "li", "correct horse");
        assert_int_equal(li.err, ERR_OK);
        assert_int_equal(li.check.who.kind, MODEL_GRANT_USER);
        assert_int_equal(li.check.who.roles, MODEL_GRANT_VIEWER);
        assert_true(base_bytes_is(li.check.who.name, "Li"));
        assert_true(base_bytes_is(li.check.who.scope, "88.44"));
    }
    assert_int_equal(
        who(w, session.login.token, &(struct model_grant_principal){0}),
        ERR_OK); /* 16 sessions have not ended it */
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(check(w, "li", "wrong").err, ERR_DENIED);
    assert_int_equal(check(w, "li", "correct horse").err, ERR_BUSY);
    assert_int_equal(login(w, "li", "correct horse", "10.0.0.8").err, ERR_BUSY);
    w->now_ms += 1000;
    assert_int_equal(check(w, "li", "correct horse").err, ERR_OK);
    w->now_ms += 1000; /* the address has guessed */
    assert_int_equal(check(w, "nobody", "correct horse").err, ERR_DENIED);
}

static void
a_changed_user_is_told_to_the_doors(void **state)
{
    struct world *w = *state;
    struct base_note note;
    user_with_password(w, "li", "correct horse");
    unsigned before = w->revoked;
    struct people_user li = {.name = text("li"),
                             .roles = MODEL_GRANT_OPERATOR,
                             .scope = text("88.44")};
    assert_int_equal(people_user_change(w->people, &admin, &li, &note), ERR_OK);
    assert_int_equal(w->revoked, before + 1);
    li.scope = text("*");
    const struct model_grant_principal boss = {MODEL_GRANT_USER,
                                               MODEL_GRANT_ADMINISTRATOR,
                                               text("boss"), text("88.44")};
    assert_int_equal(people_user_change(w->people, &boss, &li, &note),
                     ERR_DENIED);
    assert_int_equal(w->revoked, before + 1);
}

static void
good_logins_never_slow_an_address(void **state)
{
    struct world *w = *state;
    user_with_password(w, "li", "correct horse");
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(login(w, "li", "correct horse", "10.0.0.8").err,
                         ERR_OK);
}

static void
a_full_pool_says_later(void **state)
{
    struct world *w = *state;
    user_with_password(w, "li", "correct horse");
    w->pool_full = true;
    assert_int_equal(login(w, "li", "correct horse", "10.0.0.8").err, ERR_BUSY);
}

static void
a_new_password_needs_the_old_one_and_ends_other_sessions(void **state)
{
    struct world *w = *state;
    struct model_grant_principal li;
    user_with_password(w, "li", "correct horse");
    struct try one = login(w, "li", "correct horse", "10.0.0.2");
    struct try two = login(w, "li", "correct horse", "10.0.0.2");
    assert_int_equal(
        set_password(w, one.login.token, "wrong", "battery staple"),
        ERR_DENIED);
    assert_int_equal(
        set_password(w, one.login.token, "correct horse", "too short"),
        ERR_RANGE);
    assert_int_equal(
        set_password(w, one.login.token, "correct horse", "battery staple"),
        ERR_OK);
    assert_int_equal(who(w, one.login.token, &li), ERR_OK);
    assert_int_equal(who(w, two.login.token, &li), ERR_ABSENT);
    assert_int_equal(login(w, "li", "correct horse", "10.0.0.2").err,
                     ERR_DENIED);
    assert_int_equal(login(w, "li", "battery staple", "10.0.0.2").err, ERR_OK);
}

static void
a_disabled_user_is_out_at_once(void **state)
{
    struct world *w = *state;
    struct model_grant_principal li;
    struct base_note note;
    user_with_password(w, "li", "correct horse");
    struct try one = login(w, "li", "correct horse", "10.0.0.2");
    struct people_user user = {.name = text("li"),
                               .roles = MODEL_GRANT_VIEWER,
                               .scope = text("88.44"),
                               .disabled = true};
    assert_int_equal(people_user_change(w->people, &admin, &user, &note),
                     ERR_OK);
    assert_int_equal(who(w, one.login.token, &li), ERR_ABSENT);
    assert_int_equal(login(w, "li", "correct horse", "10.0.0.2").err,
                     ERR_DENIED);
}

static void
nobody_gives_more_than_he_has(void **state)
{
    struct world *w = *state;
    char secret[PEOPLE_SECRET];
    struct base_note note;
    struct model_grant_principal by = admin;
    by.scope = text("88.31.1002");
    struct people_user user = {.name = text("wu"),
                               .roles = MODEL_GRANT_VIEWER,
                               .scope = text("88.31")};
    struct people_key key = {.name = text("grafana"),
                             .roles = MODEL_GRANT_VIEWER,
                             .scope = text("*")};
    struct people_key device = {.name = text("88.31.1001/pump")};
    assert_int_equal(people_user_create(w->people, &by, &user, &note),
                     ERR_DENIED);
    assert_int_equal(people_key_add(w->people, &by, &key, secret, &note),
                     ERR_DENIED);
    assert_int_equal(people_device_add(w->people, &by, &device, secret, &note),
                     ERR_DENIED);
    user.scope = text("88.31.1002");
    assert_int_equal(people_user_create(w->people, &by, &user, &note), ERR_OK);
    assert_int_equal(people_user_create(w->people, &by, &user, &note),
                     ERR_EXISTS);
    create(w, "li", MODEL_GRANT_VIEWER, "88.44");
    assert_int_equal(
        people_user_link(w->people, &by, text("li"), secret, &note),
        ERR_DENIED);
    user.name = text("li");
    assert_int_equal(people_user_change(w->people, &by, &user, &note),
                     ERR_DENIED);
}

static bool
take_key(void *self, const struct people_key *key)
{
    struct people_key *last = self;
    *last = *key;
    return true;
}

static void
a_key_opens_until_it_expires_or_is_revoked(void **state)
{
    struct world *w = *state;
    char secret[PEOPLE_SECRET];
    struct base_note note;
    struct model_grant_principal app;
    struct people_key last, key = {.name = text("grafana"),
                                   .roles = MODEL_GRANT_VIEWER,
                                   .scope = text("88.31"),
                                   .expires_ms = w->now_ms + HOUR};
    assert_int_equal(people_key_add(w->people, &admin, &key, secret, &note),
                     ERR_OK);
    assert_int_equal(people_who_key(w->people, text(secret), &w->arena, &app),
                     ERR_OK);
    assert_int_equal(app.kind, MODEL_GRANT_KEY);
    assert_true(base_bytes_is(app.scope, "88.31"));
    people_key_list(w->people, false, text(""), 10, take_key, &last);
    assert_int_equal(last.used_ms, w->now_ms);
    w->now_ms += HOUR;
    assert_int_equal(people_who_key(w->people, text(secret), &w->arena, &app),
                     ERR_EXPIRED);
    assert_int_equal(people_key_revoke(w->people, &admin, text(last.id), &note),
                     ERR_OK);
    assert_int_equal(people_key_revoke(w->people, &admin, text(last.id), &note),
                     ERR_ABSENT);
    assert_int_equal(people_who_key(w->people, text(secret), &w->arena, &app),
                     ERR_DENIED);
}

static void
a_device_is_known_by_its_secret_or_its_certificate(void **state)
{
    struct world *w = *state;
    char secret[PEOPLE_SECRET], again[PEOPLE_SECRET];
    struct base_note note;
    struct model_grant_principal pump;
    struct bytes peer = text("10.0.0.5");
    struct people_key device = {
        .name = text("88.31.1001/Pump"), .has_pin = true, .pin = {7}};
    assert_int_equal(
        people_device_add(w->people, &admin, &device, secret, &note), ERR_OK);
    assert_int_equal(people_who_device(w->people, text("88.31.1001/pump"),
                                       text(secret), peer, &w->arena, &pump),
                     ERR_OK);
    assert_int_equal(pump.kind, MODEL_GRANT_DEVICE);
    assert_int_equal(pump.roles, MODEL_GRANT_IS_DEVICE);
    assert_true(base_bytes_is(pump.scope, "88.31.1001/Pump"));
    assert_int_equal(people_who_pin(w->people, device.pin, &w->arena, &pump),
                     ERR_OK);
    device.has_pin = false;
    assert_int_equal(
        people_device_add(w->people, &admin, &device, again, &note), ERR_OK);
    assert_int_equal(people_who_pin(w->people, device.pin, &w->arena, &pump),
                     ERR_DENIED);
    assert_int_equal(people_who_device(w->people, device.name, text(secret),
                                       peer, &w->arena, &pump),
                     ERR_DENIED);
    assert_int_equal(people_who_device(w->people, device.name, text(again),
                                       peer, &w->arena, &pump),
                     ERR_OK);
    assert_int_equal(
        people_device_revoke(w->people, &admin, device.name, &note), ERR_OK);
    assert_int_equal(people_who_device(w->people, device.name, text(again),
                                       peer, &w->arena, &pump),
                     ERR_DENIED);
}

/* A request of this key for this name, signed. */
static enum err
certified(struct world *w, const struct crypt_key *key, const char *asked,
          const char *id, struct crypt_cert_facts *ret_facts)
{
    struct base_out der;
    struct base_note note;
    struct crypt_cert *cert = NULL;
    base_out_grow(&der, 8192);
    assert_int_equal(crypt_cert_request(key, asked, &der), ERR_OK);
    struct people_certificate wanted = {
        .id = text(id), .request = base_out_bytes(&der), .life_ms = HOUR};
    enum err err =
        people_device_certify(w->people, &admin, &wanted, &cert, &note);
    *ret_facts = (struct crypt_cert_facts){0};
    if (err == ERR_OK)
        crypt_cert_facts(cert, ret_facts);
    crypt_cert_free(cert);
    base_out_done(&der);
    return err;
}

static void
a_certificate_keeps_the_secret_and_voids_the_one_before(void **state)
{
    struct world *w = *state;
    char secret[PEOPLE_SECRET];
    struct base_note note;
    struct model_grant_principal pump;
    struct crypt_cert_facts first, second, other;
    struct crypt_cert *ca = NULL;
    struct crypt_key *ca_key = NULL, *keys[2] = {NULL, NULL};
    struct people_key device = {.name = text("88.31.1001/pump")};
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(crypt_key_make(CRYPT_KEY_P256, &keys[i]), ERR_OK);
    assert_int_equal(
        certified(w, keys[0], "88.31.1001/pump", "88.31.1001/pump", &first),
        ERR_UNSUPPORTED);
    assert_int_equal(crypt_key_make(CRYPT_KEY_P256, &ca_key), ERR_OK);
    assert_int_equal(crypt_cert_ca(ca_key, "88.31.1001",
                                   (struct wall){w->now_ms}, sys_random(), &ca),
                     ERR_OK);
    people_free(w->people);
    world_people_with(w, ca, ca_key);
    assert_int_equal(
        people_device_add(w->people, &admin, &device, secret, &note), ERR_OK);
    assert_int_equal(
        certified(w, keys[0], "88.31.1001/PUMP", "88.31.1001/pump", &first),
        ERR_OK);
    assert_true(first.for_client && !first.for_server && !first.is_ca);
    assert_true(first.not_after.ms <= w->now_ms + HOUR);
    assert_int_equal(people_who_pin(w->people, first.pin, &w->arena, &pump),
                     ERR_OK);
    assert_true(base_bytes_is(pump.scope, "88.31.1001/pump"));
    assert_int_equal(people_who_device(w->people, device.name, text(secret),
                                       text("10.0.0.5"), &w->arena, &pump),
                     ERR_OK);
    assert_int_equal(
        certified(w, keys[1], "88.31.1001/pump", "88.31.1001/pump", &second),
        ERR_OK);
    assert_int_equal(people_who_pin(w->people, first.pin, &w->arena, &pump),
                     ERR_DENIED);
    assert_int_equal(people_who_pin(w->people, second.pin, &w->arena, &pump),
                     ERR_OK);
    assert_int_equal(
        certified(w, keys[0], "88.31.1001/other", "88.31.1001/pump", &other),
        ERR_NAME);
    assert_int_equal(
        certified(w, keys[0], "88.31.1001.7", "88.31.1001.7", &other),
        ERR_NAME);
    assert_int_equal(
        people_device_revoke(w->people, &admin, device.name, &note), ERR_OK);
    assert_int_equal(people_who_pin(w->people, second.pin, &w->arena, &pump),
                     ERR_DENIED);
    crypt_cert_free(ca);
    crypt_key_free(ca_key);
    crypt_key_free(keys[0]);
    crypt_key_free(keys[1]);
}

static void
who_guesses_for_a_device_does_not_keep_it_out(void **state)
{
    struct world *w = *state;
    char secret[PEOPLE_SECRET];
    struct base_note note;
    struct model_grant_principal pump;
    struct people_key device = {.name = text("88.31.1001/pump")};
    enum err err = ERR_OK;
    assert_int_equal(
        people_device_add(w->people, &admin, &device, secret, &note), ERR_OK);
    for (unsigned i = 0; i < 5; i++)
        err = people_who_device(w->people, device.name, text("guess"),
                                text("10.0.0.66"), &w->arena, &pump);
    assert_int_equal(err, ERR_BUSY);
    assert_int_equal(people_who_device(w->people, device.name, text(secret),
                                       text("10.0.0.5"), &w->arena, &pump),
                     ERR_OK);
}

static void
a_guard_forgets_after_an_hour_and_never_grows(void **state)
{
    static struct people_guard guard;
    (void)state;
    for (uint64_t key = 1; key <= 100000; key++)
        people_guard_failed(&guard, key, 1000);
    for (unsigned i = 0; i < 40; i++)
        people_guard_failed(&guard, 5, 1000);
    assert_int_equal(people_guard_wait_ms(&guard, 5, 1000),
                     PEOPLE_GUARD_MOST_MS);
    for (uint64_t key = 200000; key < 300000; key++)
        people_guard_failed(&guard, key, 1000);
    assert_int_equal(people_guard_count(&guard, 5), 40);
    people_guard_failed(&guard, 5, 1000 + PEOPLE_GUARD_FORGET_MS + 1);
    assert_int_equal(people_guard_count(&guard, 5), 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_user_enters_by_link_sets_a_password_and_logs_in),
        TEST(a_user_without_a_password_cannot_guess_one),
        TEST(a_link_is_good_once_and_for_a_day),
        TEST(a_session_ends_when_idle_and_at_its_limit),
        TEST(the_seventeenth_session_ends_the_first),
        TEST(wrong_passwords_are_slowed_by_user_and_by_address),
        TEST(
            a_password_is_checked_without_a_session_and_slowed_with_the_others),
        TEST(a_changed_user_is_told_to_the_doors),
        TEST(good_logins_never_slow_an_address),
        TEST(a_full_pool_says_later),
        TEST(a_new_password_needs_the_old_one_and_ends_other_sessions),
        TEST(a_disabled_user_is_out_at_once),
        TEST(nobody_gives_more_than_he_has),
        TEST(a_key_opens_until_it_expires_or_is_revoked),
        TEST(a_device_is_known_by_its_secret_or_its_certificate),
        TEST(a_certificate_keeps_the_secret_and_voids_the_one_before),
        TEST(who_guesses_for_a_device_does_not_keep_it_out),
        cmocka_unit_test(a_guard_forgets_after_an_hour_and_never_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
