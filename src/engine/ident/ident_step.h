/* ident_step.h -- every step in the life of a prefix, by one entrance.
 *
 *   verb      from                               to
 *   apply     (none) returned refused            applied
 *   approve   (none) applied                     approved, a join token
 *             approved active suspended          as it was, another token; if
 *                                                hosted only once exported
 *   return    applied                            returned (to be completed)
 *   refuse    applied                            refused
 *   host      (none) applied                     active, its names kept here
 *   join      approved active                    active
 *   suspend   approved active                    suspended
 *   resume    suspended                          active, or approved if it
 *                                                never joined
 *   revoke    approved active suspended          revoked, for ever
 *   export    active, hosted                     active; its names may not be
 *                                                changed here any more
 *   moved     active, hosted, exported           active, served by its own node
 *
 * Application  names the enterprise: unified social credit code (GB 32100, its
 *          check character is checked), industry (GB/T 4754) and region (GB/T
 *          2260), which become codes of the prefix, `ind` and `region`.
 *          Who applied may not approve, return or refuse it.
 * Each step has actor, time and reason; 32 are kept with the application, and
 * each is told to the audit log as prefix.VERB.
 * Hosted   the prefix's names are kept here, at most `quota`; it has its own
 *          Ed25519 key, kept here (RULINGS 13), index 302 of 0.NA/P; the
 *          enterprise itself is the name P/enterprise, class enterprise.
 * Commit   one batch: row, record, application, token; and up.
 * Threads  the state loop.
 * Errors   NAME CONFLICT (not from this state) DENIED EXISTS REVOKED LIMIT. */
#ifndef IDENT_STEP_H
#define IDENT_STEP_H

#include "engine/ident/ident.h"
#include "model/model_audit.h"

enum ident_verb {
    IDENT_VERB_APPLY,
    IDENT_VERB_APPROVE,
    IDENT_VERB_RETURN,
    IDENT_VERB_REFUSE,
    IDENT_VERB_HOST,
    IDENT_VERB_JOIN,
    IDENT_VERB_SUSPEND,
    IDENT_VERB_RESUME,
    IDENT_VERB_REVOKE,
    IDENT_VERB_EXPORT,
    IDENT_VERB_MOVED,
    IDENT_VERBS
};

enum { IDENT_STEPS = 32, IDENT_STEP_TEXT = 255, IDENT_USCC = 18 };

struct ident_application {
    struct bytes name, uscc, industry, region, contact, key; /* key: PEM */
    struct bytes applicant;
    int64_t applied_ms;
    unsigned step_count;
    struct ident_step_done {
        enum ident_verb verb;
        int64_t at_ms;
        struct bytes actor, reason;
    } steps[IDENT_STEPS];
};

struct ident_step {
    enum ident_verb verb;
    struct bytes prefix;
    const struct model_grant_principal *actor;
    struct bytes reason;
    const struct ident_application *application; /* apply */
    unsigned quota;                              /* host */
    struct base_out *token;                      /* approve; may be NULL */
    /* the answer */
    enum ident_prefix_state state;
    struct base_note note;
};

enum err ident_step(struct ident *ident, struct ident_step *step,
                    struct store_journal_wait *wait);
const char *ident_step_name(enum ident_verb verb);
/* By its name; false: none. */
bool ident_step_find(struct bytes name, enum ident_verb *ret_verb);
/* The application of a prefix; into arena.  ABSENT. */
enum err ident_step_application(struct ident *ident, struct bytes prefix,
                                struct base_arena *arena,
                                struct ident_application *ret_application);
/* Unified social credit code: 18 characters, the last a check (GB 32100). */
bool ident_step_uscc(struct bytes code);

#endif
