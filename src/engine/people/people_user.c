/* people_user.c -- users: made, changed, given a link, listed. */
#include "base/base_must.h"
#include "engine/people/people_inner.h"

static bool
user_byte(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
           (c >= 'a' && c <= 'z') || (c != 0 && strchr("._@-", c) != NULL);
}

struct bytes
people_user_key(struct bytes name, uint8_t room[PEOPLE_NAME_MAX])
{
    if (name.size > PEOPLE_NAME_MAX)
        return (struct bytes){0};
    for (size_t i = 0; i < name.size; i++)
        if (!user_byte(name.at[i]))
            return (struct bytes){0};
    base_bytes_fold(name, room);
    return base_bytes(room, name.size);
}

enum err
people_user_row(struct people *people, struct bytes name,
                struct people_row_user *ret_row)
{
    uint8_t room[PEOPLE_NAME_MAX];
    struct bytes key = people_user_key(name, room), value;
    if (key.size == 0)
        return ERR_ABSENT;
    enum err err = store_kv_get(store_kv_now(people->config.kv),
                                STORE_TABLE_USER, key, &value);
    return err == ERR_OK ? people_row_user_read(value, ret_row) : err;
}

/* room: PEOPLE_ROW_MAX, for the value. */
void
people_user_put(struct store_kv_batch *batch, const struct people_row_user *row,
                uint8_t *room, struct bytes *ret_value)
{
    uint8_t key[PEOPLE_NAME_MAX];
    struct base_out out;
    base_out_fixed(&out, room, PEOPLE_ROW_MAX);
    people_row_user_write(&out, row);
    must(base_out_ok(&out));
    *ret_value = base_out_bytes(&out);
    store_kv_put(batch, STORE_TABLE_USER, people_user_key(row->name, key),
                 *ret_value);
}

/* What is wanted must be well formed, and no more than `by` has. */
static enum err
user_judge(const struct model_grant_principal *by,
           const struct people_user *user, struct base_note *note)
{
    uint8_t key[PEOPLE_NAME_MAX];
    if (people_user_key(user->name, key).size == 0)
        return base_err_note(note, ERR_NAME,
                             "a user's name has 1 to %d of letters, digits "
                             "and ._@-",
                             PEOPLE_NAME_MAX);
    if (user->roles & ~(unsigned)MODEL_GRANT_GIVEN)
        return base_err_note(note, ERR_NAME, "there is no such role");
    enum err err = model_grant_scope_check(user->scope, note);
    return err == ERR_OK ? people_within(by, user->scope, note) : err;
}

enum err
people_user_create(struct people *people,
                   const struct model_grant_principal *by,
                   const struct people_user *user, struct base_note *note)
{
    uint8_t room[PEOPLE_ROW_MAX];
    struct people_row_user row;
    struct bytes value;
    enum err err = user_judge(by, user, note);
    if (err != ERR_OK)
        return err;
    if (people_user_row(people, user->name, &row) != ERR_ABSENT)
        return base_err_note(note, ERR_EXISTS, "there is a user \"%.*s\"",
                             (int)user->name.size, (const char *)user->name.at);
    if (people->users >= PEOPLE_USERS) {
        base_stat_inc(&people->limit, 1);
        return base_err_note(note, ERR_LIMIT, "a node has at most %d users",
                             PEOPLE_USERS);
    }
    row = (struct people_row_user){
        .disabled = user->disabled,
        .roles = user->roles,
        .scope = user->scope,
        .name = user->name,
        .made_ms = people_now(people),
        .changed_ms = people_now(people),
    };
    struct store_kv_batch *batch = store_kv_batch_new(people->config.kv);
    people_user_put(batch, &row, room, &value);
    err = people_commit(people, batch,
                        &(struct people_act){.by = by,
                                             .action = "user.create",
                                             .object = user->name,
                                             .after = value});
    people->users += err == ERR_OK;
    return err;
}

static enum err
user_absent(struct bytes name, struct base_note *note)
{
    return base_err_note(note, ERR_ABSENT, "there is no user \"%.*s\"",
                         (int)(name.size < 64 ? name.size : 64),
                         (const char *)name.at);
}

/* The row and its bytes, if `by` may touch it; room: PEOPLE_ROW_MAX. */
static enum err
user_take(struct people *people, const struct model_grant_principal *by,
          struct bytes name, uint8_t *room, struct bytes *ret_value,
          struct people_row_user *ret_row, struct base_note *note)
{
    uint8_t key_room[PEOPLE_NAME_MAX];
    struct bytes key = people_user_key(name, key_room), value;
    if (key.size == 0 ||
        store_kv_get(store_kv_now(people->config.kv), STORE_TABLE_USER, key,
                     &value) != ERR_OK ||
        value.size > PEOPLE_ROW_MAX)
        return user_absent(name, note);
    memcpy(room, value.at, value.size);
    *ret_value = base_bytes(room, value.size);
    enum err err = people_row_user_read(*ret_value, ret_row);
    if (err != ERR_OK)
        return base_err_note(note, err, "the user's row is damaged");
    return people_within(by, ret_row->scope, note);
}

enum err
people_user_change(struct people *people,
                   const struct model_grant_principal *by,
                   const struct people_user *user, struct base_note *note)
{
    uint8_t old_room[PEOPLE_ROW_MAX], room[PEOPLE_ROW_MAX];
    uint8_t key[PEOPLE_NAME_MAX];
    struct people_row_user row;
    struct bytes before, after;
    enum err err = user_judge(by, user, note);
    if (err == ERR_OK)
        err = user_take(people, by, user->name, old_room, &before, &row, note);
    if (err != ERR_OK)
        return err;
    row.roles = user->roles;
    row.scope = user->scope;
    row.disabled = user->disabled;
    row.changed_ms = people_now(people);
    struct store_kv_batch *batch = store_kv_batch_new(people->config.kv);
    people_user_put(batch, &row, room, &after);
    if (row.disabled)
        people_session_end(people, people_user_key(row.name, key), NULL, batch);
    err = people_commit(people, batch,
                        &(struct people_act){.by = by,
                                             .action = "user.change",
                                             .object = row.name,
                                             .before = before,
                                             .after = after});
    if (err == ERR_OK)
        people_revoked(people, MODEL_GRANT_USER, row.name);
    return err;
}

enum err
people_user_link(struct people *people, const struct model_grant_principal *by,
                 struct bytes name, char link[PEOPLE_SECRET],
                 struct base_note *note)
{
    uint8_t room[PEOPLE_ROW_MAX], key[PEOPLE_NAME_MAX];
    struct people_row_user row;
    struct bytes before;
    enum err err = user_take(people, by, name, room, &before, &row, note);
    if (err == ERR_OK && row.disabled)
        err = base_err_note(note, ERR_REVOKED, "the user is disabled");
    if (err != ERR_OK)
        return err;
    struct store_kv_batch *batch = store_kv_batch_new(people->config.kv);
    err = people_session_put(people, batch, PEOPLE_ROW_LINK,
                             people_user_key(row.name, key), link);
    if (err != ERR_OK) {
        store_kv_batch_free(batch);
        return base_err_note(note, err, "a node keeps at most %d sessions",
                             PEOPLE_SESSIONS);
    }
    return people_commit(people, batch,
                         &(struct people_act){.by = by,
                                              .action = "user.link",
                                              .object = row.name});
}

static struct people_user
user_shown(const struct people_row_user *row)
{
    return (struct people_user){
        .name = row->name,
        .roles = row->roles,
        .scope = row->scope,
        .disabled = row->disabled,
        .has_password = row->password.log_n != 0,
        .made_ms = row->made_ms,
        .changed_ms = row->changed_ms,
    };
}

enum err
people_user_get(struct people *people, struct bytes name,
                struct people_user *ret_user)
{
    struct people_row_user row;
    enum err err = people_user_row(people, name, &row);
    if (err == ERR_OK)
        *ret_user = user_shown(&row);
    return err;
}

struct user_list {
    struct bytes after; /* folded */
    bool (*fn)(void *self, const struct people_user *user);
    void *self;
};

static bool
user_list_row(void *self, struct bytes key, struct bytes value)
{
    struct user_list *list = self;
    struct people_row_user row;
    if (base_bytes_equal(key, list->after) ||
        people_row_user_read(value, &row) != ERR_OK)
        return true;
    struct people_user user = user_shown(&row);
    return list->fn(list->self, &user);
}

enum err
people_user_list(struct people *people, struct bytes after, unsigned limit,
                 bool (*fn)(void *self, const struct people_user *user),
                 void *self)
{
    uint8_t room[PEOPLE_NAME_MAX];
    struct user_list list = {people_user_key(after, room), fn, self};
    return store_kv_scan(store_kv_now(people->config.kv), STORE_TABLE_USER,
                         (struct bytes){0}, list.after, limit, user_list_row,
                         &list, NULL);
}
