/* model_grant.h -- who asks, what for, of what: the one grant check.
 *
 * Why: every request has a principal, every path of every door says which
 * right it needs, and whether the one has the other is decided here and
 * nowhere else (RULINGS 8).  A role is data: a column of one table.
 *
 * Principal  a user, a device, an application key, a node, or nobody.  It has
 *          roles (a set) and scopes: one text of words parted by spaces,
 *              *                    all that this node has
 *              88.44                this prefix and all below it
 *              88.31.1001/pump-42   one identifier
 *              region:31            objects of this region code and those that
 *                                   begin with it
 *          "nobody", "device" and "node" are roles too, which nobody can be
 *          given: what such a principal may is a column like the others.
 * Action   a row of the table; `scoped`: besides the role, a scope must cover
 *          the object.  What is published (names that resolve, figures without
 *          names of units) has no scope.
 * Object   a prefix or an identifier, perhaps with the region it lies in; NULL
 *          for what is judged piece by piece afterwards: only roles count.
 * Threads  pure.
 * Errors   DENIED, with a note that names the right that is missing.
 * Source   spec guard 7; RULINGS 14. */
#ifndef MODEL_GRANT_H
#define MODEL_GRANT_H

#include "base/base_bytes.h"

enum model_grant_kind {
    MODEL_GRANT_NOBODY,
    MODEL_GRANT_USER,
    MODEL_GRANT_KEY,
    MODEL_GRANT_DEVICE,
    MODEL_GRANT_NODE,
    MODEL_GRANT_KINDS
};

enum model_grant_role { /* bits */
                        MODEL_GRANT_VIEWER = 1,
                        MODEL_GRANT_OPERATOR = 2,
                        MODEL_GRANT_RULE_AUTHOR = 4,
                        MODEL_GRANT_APPROVER = 8,
                        MODEL_GRANT_AUDITOR = 16,
                        MODEL_GRANT_ADMINISTRATOR = 32,
                        MODEL_GRANT_GIVEN = 63, /* those that can be given */
                        MODEL_GRANT_ANYBODY = 64,
                        MODEL_GRANT_IS_DEVICE = 128,
                        MODEL_GRANT_IS_NODE = 256,
                        MODEL_GRANT_ROLES = 9
};

enum model_grant_action {
    MODEL_GRANT_NONE,     /* unset: nobody may */
    MODEL_GRANT_OPEN,     /* for who need not be known at all: login, health */
    MODEL_GRANT_SELF,     /* about the asker himself */
    MODEL_GRANT_RESOLVE,  /* public names */
    MODEL_GRANT_FIGURES,  /* published figures, without names of units */
    MODEL_GRANT_NAMES,    /* which units stand behind a figure; returns */
    MODEL_GRANT_SERIES,   /* samples, series, twins */
    MODEL_GRANT_STATE,    /* how the node is: tree, links, doors, metrics */
    MODEL_GRANT_INGEST,   /* send samples */
    MODEL_GRANT_REGISTER, /* register and change identifiers */
    MODEL_GRANT_RETURNS,  /* file and correct returns */
    MODEL_GRANT_PREFIXES, /* grant, suspend, revoke, move prefixes */
    MODEL_GRANT_SEAL,     /* seal windows of figures */
    MODEL_GRANT_BREAK,    /* break the demonstration */
    MODEL_GRANT_USERS,    /* users, keys, devices */
    MODEL_GRANT_AUDIT,    /* read the audit log */
    MODEL_GRANT_ACTIONS
};

enum { MODEL_GRANT_SCOPE_MAX = 1024, MODEL_GRANT_NAME_MAX = 255 };

struct model_grant_principal {
    enum model_grant_kind kind;
    unsigned roles;
    struct bytes name; /* login, device's identifier, key's id, prefix; "" */
    struct bytes scope;
};

struct model_grant_object {
    struct bytes name;   /* prefix or identifier; may be empty */
    struct bytes region; /* code; may be empty */
};

enum err model_grant_check(const struct model_grant_principal *principal,
                           enum model_grant_action action,
                           const struct model_grant_object *object,
                           struct base_note *note);
/* Does any word of the scope cover it? */
bool model_grant_covers(struct bytes scope,
                        const struct model_grant_object *object);
/* Every word of `inner` lies in `outer`: who gives rights on gives no more than
 * he has. */
bool model_grant_within(struct bytes outer, struct bytes inner);
/* NAME: a word that is no scope; SYNTAX: not words parted by single spaces;
 * BIG. */
enum err model_grant_scope_check(struct bytes scope, struct base_note *note);

/* The table, for `dougong help` and for pages. */
const char *model_grant_kind_name(enum model_grant_kind kind);
const char *model_grant_role_name(enum model_grant_role role); /* one bit */
const char *model_grant_action_name(enum model_grant_action action);
const char *model_grant_action_text(enum model_grant_action action);
unsigned model_grant_action_roles(enum model_grant_action action);
bool model_grant_action_scoped(enum model_grant_action action);
/* 0: no such role, or one that cannot be given. */
unsigned model_grant_role_read(struct bytes name);

#endif
