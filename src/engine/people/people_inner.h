/* people_inner.h -- what people's own files share; nobody else includes it.
 *
 * Why: whatever is changed here is one batch of rows with its line in the audit
 * log (people_commit): there is no change without its entry.
 *
 * Limits   the enum below; beyond them LIMIT, and counted.
 * Threads  the state loop; passwords are hashed on the pool. */
#ifndef PEOPLE_INNER_H
#define PEOPLE_INNER_H

#include "engine/people/people.h"
#include "engine/people/people_guard.h"
#include "engine/people/people_row.h"

enum {
    PEOPLE_USERS = 10000,
    PEOPLE_SESSIONS = 10000,
    PEOPLE_SESSIONS_EACH = 16,
    PEOPLE_KEYS = 100000,
    PEOPLE_IDLE_MS = 12 * 3600 * 1000,
    PEOPLE_LINK_MS = 24 * 3600 * 1000,
    PEOPLE_USED_MS = 5 * 60 * 1000, /* so exact is "last used" */
};

struct people {
    struct people_config config;
    struct people_guard guard;
    uint64_t seed; /* of the guard's hashes */
    unsigned users, keys;
    struct base_stat logins, failed, slowed, refused, limit;
};

int64_t people_now(struct people *people);
void people_count(struct people *people);

/* Who did what; the row before and after. */
struct people_act {
    const struct model_grant_principal *by;
    const char *action;
    struct bytes object, before, after;
};

/* Takes the batch; one batch with its line in the audit log. */
enum err people_commit(struct people *people, struct store_kv_batch *batch,
                       const struct people_act *act);
/* "dgs_" and 43 characters; hash: of the text. */
void people_secret(struct people *people, const char *kind,
                   char to[PEOPLE_SECRET], uint8_t hash[32]);
void people_secret_hash(struct bytes text, uint8_t hash[32]);
/* Is this within what `by` has?  DENIED, with a note. */
enum err people_within(const struct model_grant_principal *by,
                       struct bytes scope, struct base_note *note);
/* Whoever came in as this must go. */
void people_revoked(struct people *people, enum model_grant_kind kind,
                    struct bytes name);
/* A principal with its texts copied. */
enum err people_who(struct base_arena *arena,
                    const struct model_grant_principal *from,
                    struct model_grant_principal *ret_who);

/* -- slowing: people.c -- */

/* 0: go on, and the try is counted as failed until _good is called. */
int64_t people_try(struct people *people, struct bytes user, struct bytes peer);
void people_try_good(struct people *people, struct bytes user,
                     struct bytes peer);
/* Say it, and now and then into the audit log. */
void people_try_failed(struct people *people, struct bytes user,
                       struct bytes peer);

/* -- users -- */

enum { PEOPLE_USER_KEY = PEOPLE_NAME_MAX };

/* Folded; {NULL, 0} if it is no name. */
struct bytes people_user_key(struct bytes name, uint8_t room[PEOPLE_NAME_MAX]);
enum err people_user_row(struct people *people, struct bytes name,
                         struct people_row_user *ret_row);
void people_user_put(struct store_kv_batch *batch,
                     const struct people_row_user *row, uint8_t *room,
                     struct bytes *ret_value);

/* -- sessions -- */

/* Those of a user end; except: the hash of one that stays, or NULL. */
void people_session_end(struct people *people, struct bytes user_key,
                        const uint8_t *except, struct store_kv_batch *batch);
/* Puts a row for a new text of this kind; LIMIT. */
enum err people_session_put(struct people *people, struct store_kv_batch *batch,
                            enum people_row_kind kind, struct bytes user_key,
                            char text[PEOPLE_SECRET]);

#endif
