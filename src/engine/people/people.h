/* people.h -- the engine that knows who asks: users, sessions, keys, devices.
 *
 * Why: every request has a principal (model_grant.h), and every change of who
 * may what is a line in the audit log.  It is an engine because it owns state
 * and is called by doors, never the other way round.
 *
 * Shape    three tables of the node's environment, drawn in people_row.h.  A
 *          secret that the node makes (session, link, key, device) is 256
 *          random bits as text, "dgs_...", and only its SHA-256 is kept;
 *          a password that a person makes is kept as scrypt, hashed on the
 *          pool.
 *              login:  user, password -> slowed? -> pool: scrypt -> session
 *              check:  the same, without a session (MQTT)
 *              link:   one-time text  -> session that may set a password
 * Slowing  after 3 wrong passwords of one user, or from one address, each next
 *          try waits 1, 2, 4 .. 60 s (BUSY until then), forgotten after an
 *          hour; logged, counted, and audited at each doubling.
 * Limits   10,000 users, 10,000 sessions (16 per user: the oldest ends),
 *          100,000 keys and devices; a session ends 12 h after its last use
 *          and 7 days after login, a link after 24 h or its first use.
 *          Passwords 10..256 bytes; names 1..64 of [0-9A-Za-z._@-].
 * Rights   who gives rights gives no more than he has: the scope of `by` must
 *          hold the scope given and that of what is changed, else DENIED.
 * Threads  the state loop; what leaves waits for the journal (output commit).
 * Errors   ABSENT EXISTS NAME DENIED EXPIRED BUSY LIMIT RANGE SYNTAX FULL IO.
 * Source   RULINGS 14; spec guard 7. */
#ifndef PEOPLE_H
#define PEOPLE_H

#include "base/base_arena.h"
#include "base/base_log.h"
#include "base/base_pool.h"
#include "base/base_rng.h"
#include "base/base_stat.h"
#include "crypt/crypt_cert.h"
#include "crypt/crypt_password.h"
#include "model/model_grant.h"
#include "store/store_audit.h"

struct people;

enum {
    PEOPLE_NAME_MAX = 64,
    PEOPLE_PASSWORD_MIN = 10,
    PEOPLE_PASSWORD_MAX = 256,
    PEOPLE_SECRET = 48, /* with its NUL */
    PEOPLE_SECRET_MAX = 128,
    PEOPLE_KEY_ID = 17,
    PEOPLE_SESSION_S = 7 * 24 * 3600,
};

struct people_config {
    struct store_kv *kv;       /* the node's */
    struct store_audit *audit; /* NULL: nobody listens (tests) */
    struct base_loop *loop;
    struct base_pool *pool;
    struct base_random *random;
    struct base_stats *stats;
    struct base_log *log;
    uint8_t log_n;               /* of new passwords' scrypt; 0: 15 */
    const struct crypt_cert *ca; /* NULL: devices get no certificates */
    const struct crypt_key *ca_key;
    /* What a user may has changed, or his password; a key's or a device's
     * credential was revoked, or replaced: what came in with it must go.  NULL:
     * nobody listens. */
    void (*revoked)(void *self, enum model_grant_kind kind, struct bytes name);
    void *self;
};

enum err people_new(const struct people_config *config,
                    struct people **ret_people);
void people_free(struct people *people);
/* The node's environment was rewound. */
void people_rewound(struct people *people);

/* --- who asks; texts go into the arena --- */

/* ABSENT: no such session, or it has ended. */
enum err people_who_session(struct people *people, struct bytes token,
                            struct base_arena *arena,
                            struct model_grant_principal *ret_who);
/* DENIED, EXPIRED. */
enum err people_who_key(struct people *people, struct bytes secret,
                        struct base_arena *arena,
                        struct model_grant_principal *ret_who);
enum err people_who_device(struct people *people, struct bytes id,
                           struct bytes secret, struct bytes peer,
                           struct base_arena *arena,
                           struct model_grant_principal *ret_who);
/* SHA-256 of its certificate's public key. */
enum err people_who_pin(struct people *people, const uint8_t pin[32],
                        struct base_arena *arena,
                        struct model_grant_principal *ret_who);

/* --- sessions --- */

struct people_hash { /* people's: a password on its way through the pool */
    struct base_pool_job job;
    struct people *people;
    struct crypt_password params;
    struct bytes password;
    uint8_t hash[32];
    enum err err;
    void (*after)(struct people_hash *hash);
};

/* The asker's until done() runs, exactly once: DENIED wrong, BUSY slowed or too
 * much at once (then retry_s). */
struct people_login {
    struct bytes user, password, peer;
    void (*done)(struct people_login *login, enum err err,
                 const struct base_note *note);
    char token[PEOPLE_SECRET];
    unsigned retry_s;
    struct people_hash hash;
};

void people_login(struct people *people, struct people_login *login);
/* The same without a session, for doors where the connection is one. */
struct people_check {
    struct bytes user, password, peer;
    struct base_arena *arena;         /* for the texts of `who` */
    struct model_grant_principal who; /* when OK */
    void (*done)(struct people_check *check, enum err err);
    struct people_hash hash;
};

void people_check(struct people *people, struct people_check *check);
/* A one-time link: the session may set a password without the old one. */
enum err people_login_link(struct people *people, struct bytes link,
                           struct bytes peer, char token[PEOPLE_SECRET],
                           struct base_note *note);
enum err people_logout(struct people *people, struct bytes token);

/* Of the session's own user; the others of his sessions end. */
struct people_password {
    struct bytes token, old, fresh, peer;
    void (*done)(struct people_password *change, enum err err,
                 const struct base_note *note);
    bool old_good;
    struct people_hash hash;
};

void people_password(struct people *people, struct people_password *change);

/* --- users --- */

struct people_user {
    struct bytes name;
    unsigned roles;
    struct bytes scope;
    bool disabled;
    bool has_password; /* not to be set */
    int64_t made_ms, changed_ms;
};

/* The user alone; he gets in by a link. */
enum err people_user_create(struct people *people,
                            const struct model_grant_principal *by,
                            const struct people_user *user,
                            struct base_note *note);
/* Roles, scope, disabled; a disabled user's sessions end. */
enum err people_user_change(struct people *people,
                            const struct model_grant_principal *by,
                            const struct people_user *user,
                            struct base_note *note);
/* A new link; an older one is void. */
enum err people_user_link(struct people *people,
                          const struct model_grant_principal *by,
                          struct bytes name, char link[PEOPLE_SECRET],
                          struct base_note *note);
enum err people_user_get(struct people *people, struct bytes name,
                         struct people_user *ret_user);
/* In order of the folded name, after `after`; fn returns false to stop.  AGAIN:
 * there may be more. */
enum err
people_user_list(struct people *people, struct bytes after, unsigned limit,
                 bool (*fn)(void *self, const struct people_user *user),
                 void *self);

/* --- keys and devices --- */

struct people_key {
    struct bytes name;  /* a label; a device's identifier or prefix */
    unsigned roles;     /* of a key */
    struct bytes scope; /* of a key; a device's is its name */
    int64_t made_ms, expires_ms, used_ms; /* expires 0: never */
    bool has_pin;
    uint8_t pin[32];        /* of a device's certificate */
    char id[PEOPLE_KEY_ID]; /* of a key; not to be set */
};

enum err people_key_add(struct people *people,
                        const struct model_grant_principal *by,
                        const struct people_key *key,
                        char secret[PEOPLE_SECRET], struct base_note *note);
enum err people_key_revoke(struct people *people,
                           const struct model_grant_principal *by,
                           struct bytes id, struct base_note *note);
/* Adding one that is there replaces its secret and pin. */
enum err people_device_add(struct people *people,
                           const struct model_grant_principal *by,
                           const struct people_key *device,
                           char secret[PEOPLE_SECRET], struct base_note *note);
/* A certificate from this node's CA for the key of a PKCS#10 request.  The
 * device is made if it is not there; an older certificate is void, its secret
 * stays.  Only identifiers get one: a prefix's is its node's. */
struct people_certificate {
    struct bytes id;      /* of the device; the request asks for its URN */
    struct bytes request; /* PEM or DER */
    int64_t life_ms;      /* 0: 90 days */
};

enum err people_device_certify(struct people *people,
                               const struct model_grant_principal *by,
                               const struct people_certificate *wanted,
                               struct crypt_cert **ret_cert,
                               struct base_note *note);
enum err people_device_revoke(struct people *people,
                              const struct model_grant_principal *by,
                              struct bytes id, struct base_note *note);
/* As people_user_list; after: a key's id, or a device's name. */
enum err people_key_list(struct people *people, bool devices,
                         struct bytes after, unsigned limit,
                         bool (*fn)(void *self, const struct people_key *key),
                         void *self);

#endif
