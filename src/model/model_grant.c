/* model_grant.c -- the table of roles and actions, and scopes. */
#include "model/model_grant.h"

#include <stdio.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "model/model_id.h"

/* clang-format off */
static const char *const grant_roles[MODEL_GRANT_ROLES] = {
    "viewer", "operator", "rule-author", "approver", "auditor",
    "administrator", "nobody", "device", "node",
};

enum { /* columns, short enough for a table */
    V = MODEL_GRANT_VIEWER, O = MODEL_GRANT_OPERATOR,
    R = MODEL_GRANT_RULE_AUTHOR, P = MODEL_GRANT_APPROVER,
    U = MODEL_GRANT_AUDITOR, A = MODEL_GRANT_ADMINISTRATOR,
    X = MODEL_GRANT_ANYBODY, D = MODEL_GRANT_IS_DEVICE,
    N = MODEL_GRANT_IS_NODE,
    ALL = V|O|R|P|U|A|X|D|N
};

static const struct {
    const char *name, *text;
    unsigned roles;
    bool scoped;
} grant_actions[MODEL_GRANT_ACTIONS] = {
    [MODEL_GRANT_NONE]     = {"none", "do nothing", 0, true},
    [MODEL_GRANT_OPEN]     = {"open", "log in, see the pages", ALL, false},
    [MODEL_GRANT_SELF]     = {"self", "see who one is, log out", ALL, false},
    [MODEL_GRANT_RESOLVE]  = {"resolve", "resolve public names", ALL, false},
    [MODEL_GRANT_FIGURES]  = {"figures", "read published figures", ALL, false},
    [MODEL_GRANT_NAMES]    = {"names", "see names of units and returns",
                              V|O|R|P|U|A|N, true},
    [MODEL_GRANT_SERIES]   = {"series", "read series", V|O|R|P|U|A|D|N, true},
    [MODEL_GRANT_STATE]    = {"state", "see how the node is",
                              V|O|R|P|U|A|N, true},
    [MODEL_GRANT_INGEST]   = {"ingest", "send samples", O|A|D, true},
    [MODEL_GRANT_REGISTER] = {"register", "register names", O|A, true},
    [MODEL_GRANT_RETURNS]  = {"returns", "file returns", O|A, true},
    [MODEL_GRANT_PREFIXES] = {"prefixes", "grant and revoke prefixes",
                              P|A, true},
    [MODEL_GRANT_SEAL]     = {"seal", "seal figures", P|A, true},
    [MODEL_GRANT_BREAK]    = {"break", "break the demonstration", A, true},
    [MODEL_GRANT_USERS]    = {"users", "administer users, keys and devices",
                              A, true},
    [MODEL_GRANT_AUDIT]    = {"audit", "read the audit log", U|A, true},
};

static const char *const grant_kinds[MODEL_GRANT_KINDS] = {
    "nobody", "user", "key", "device", "node",
};
/* clang-format on */

/* --- names --- */

const char *
model_grant_kind_name(enum model_grant_kind kind)
{
    return kind < MODEL_GRANT_KINDS ? grant_kinds[kind] : "nobody";
}

const char *
model_grant_role_name(enum model_grant_role role)
{
    unsigned index = 0;
    while (index < MODEL_GRANT_ROLES && 1U << index != (unsigned)role)
        index++;
    must(index < MODEL_GRANT_ROLES);
    return grant_roles[index];
}

const char *
model_grant_action_name(enum model_grant_action action)
{
    must(action < MODEL_GRANT_ACTIONS);
    return grant_actions[action].name;
}

const char *
model_grant_action_text(enum model_grant_action action)
{
    must(action < MODEL_GRANT_ACTIONS);
    return grant_actions[action].text;
}

unsigned
model_grant_action_roles(enum model_grant_action action)
{
    must(action < MODEL_GRANT_ACTIONS);
    return grant_actions[action].roles;
}

bool
model_grant_action_scoped(enum model_grant_action action)
{
    must(action < MODEL_GRANT_ACTIONS);
    return grant_actions[action].scoped;
}

unsigned
model_grant_role_read(struct bytes name)
{
    for (unsigned i = 0; i < MODEL_GRANT_ROLES; i++)
        if (1U << i & MODEL_GRANT_GIVEN && base_bytes_is(name, grant_roles[i]))
            return 1U << i;
    return 0;
}

/* --- scopes --- */

static const struct bytes grant_region = {(const uint8_t *)"region:", 7};

/* Cuts the first word off `rest`; empty at the end. */
static struct bytes
grant_word(struct bytes *rest)
{
    size_t end = base_bytes_find(*rest, ' ');
    struct bytes word = base_bytes_slice(*rest, 0, end);
    *rest = base_bytes_slice(*rest, end + 1, rest->size);
    return word;
}

/* The code of "region:31"; {NULL, 0} of anything else. */
static struct bytes
grant_region_of(struct bytes word)
{
    return base_bytes_starts(word, grant_region)
               ? base_bytes_slice(word, grant_region.size, word.size)
               : (struct bytes){NULL, 0};
}

/* A prefix covers what lies below it, an identifier itself. */
static bool
grant_name_covers(struct bytes word, struct bytes name)
{
    if (base_bytes_find(word, '/') < word.size)
        return base_bytes_equal_folded(word, name);
    struct bytes prefix = base_bytes_slice(name, 0, base_bytes_find(name, '/'));
    return prefix.size > 0 && model_id_covers(word, prefix);
}

static bool
grant_word_covers(struct bytes word, const struct model_grant_object *object)
{
    struct bytes region = grant_region_of(word);
    if (base_bytes_is(word, "*"))
        return true;
    if (region.size > 0)
        return base_bytes_starts(object->region, region);
    return grant_name_covers(word, object->name);
}

bool
model_grant_covers(struct bytes scope, const struct model_grant_object *object)
{
    while (scope.size > 0)
        if (grant_word_covers(grant_word(&scope), object))
            return true;
    return false;
}

bool
model_grant_within(struct bytes outer, struct bytes inner)
{
    while (inner.size > 0) {
        struct bytes word = grant_word(&inner);
        struct model_grant_object object = {.region = grant_region_of(word)};
        if (object.region.size == 0)
            object.name = word;
        if (!model_grant_covers(outer, &object))
            return false;
    }
    return true;
}

static bool
grant_word_good(struct bytes word)
{
    struct model_id id;
    struct bytes region = grant_region_of(word);
    for (size_t i = 0; i < region.size; i++)
        if (region.at[i] < '0' || region.at[i] > '9')
            return false;
    return base_bytes_is(word, "*") || region.size > 0 ||
           model_id_prefix_check(word) == ERR_OK ||
           model_id_parse(word, &id) == ERR_OK;
}

enum err
model_grant_scope_check(struct bytes scope, struct base_note *note)
{
    struct bytes rest = scope;
    if (scope.size > MODEL_GRANT_SCOPE_MAX)
        return base_err_note(note, ERR_BIG, "a scope has at most %d bytes",
                             MODEL_GRANT_SCOPE_MAX);
    if (scope.size > 0 && scope.at[scope.size - 1] == ' ')
        return base_err_note(note, ERR_SYNTAX,
                             "the words of a scope are parted by one space");
    while (rest.size > 0) {
        struct bytes word = grant_word(&rest);
        if (!grant_word_good(word))
            return base_err_note(
                note, ERR_NAME,
                "\"%.*s\" is no scope: * or a prefix such as 88.31, an "
                "identifier, or region:31",
                (int)word.size, (const char *)word.at);
    }
    return ERR_OK;
}

/* --- the check --- */

static void
grant_list_roles(unsigned roles, char *to, size_t room)
{
    size_t used = 0;
    to[0] = '\0';
    for (unsigned i = 0; i < MODEL_GRANT_ROLES && used < room; i++)
        if (1U << i & roles)
            used += (size_t)snprintf(to + used, room - used, "%s%s",
                                     used > 0 ? ", " : "", grant_roles[i]);
}

/* "user li"; of nobody: "who is not logged in" */
static void
grant_who(const struct model_grant_principal *who, char *to, size_t room)
{
    int size = who->name.size < 64 ? (int)who->name.size : 64;
    if (who->kind == MODEL_GRANT_NOBODY) {
        snprintf(to, room, "who is not logged in");
        return;
    }
    snprintf(to, room, "%s%s%.*s", model_grant_kind_name(who->kind),
             size > 0 ? " " : "", size, (const char *)who->name.at);
}

static enum err
grant_no_role(const struct model_grant_principal *who,
              enum model_grant_action action, struct base_note *note)
{
    char need[96], have[96], name[96];
    grant_list_roles(grant_actions[action].roles & MODEL_GRANT_GIVEN, need,
                     sizeof need);
    grant_list_roles(who->roles, have, sizeof have);
    grant_who(who, name, sizeof name);
    return base_err_note(note, ERR_DENIED,
                         "the right \"%s\" is missing: to %s one must be %s; "
                         "%s is %s",
                         grant_actions[action].name, grant_actions[action].text,
                         need, name, have[0] != '\0' ? have : "without a role");
}

static enum err
grant_no_scope(const struct model_grant_principal *who,
               enum model_grant_action action,
               const struct model_grant_object *object, struct base_note *note)
{
    char name[96];
    struct bytes what = object->name.size > 0 ? object->name : object->region;
    int scope = who->scope.size < 64 ? (int)who->scope.size : 64;
    grant_who(who, name, sizeof name);
    return base_err_note(
        note, ERR_DENIED,
        "the right \"%s\" does not reach \"%.*s\": the scope "
        "of %s is \"%.*s\"",
        grant_actions[action].name, what.size < 100 ? (int)what.size : 100,
        (const char *)what.at, name, scope, (const char *)who->scope.at);
}

enum err
model_grant_check(const struct model_grant_principal *principal,
                  enum model_grant_action action,
                  const struct model_grant_object *object,
                  struct base_note *note)
{
    must(action < MODEL_GRANT_ACTIONS);
    unsigned roles = principal->roles | MODEL_GRANT_ANYBODY;
    if (!(roles & grant_actions[action].roles))
        return grant_no_role(principal, action, note);
    if (!grant_actions[action].scoped || !object)
        return ERR_OK;
    return model_grant_covers(principal->scope, object)
               ? ERR_OK
               : grant_no_scope(principal, action, object, note);
}
