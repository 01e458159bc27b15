/* ident_resolve.h -- what does this identifier hold?  Asked from any loop.
 *
 * Why: every door that answers for names (Handle UDP and TCP, REST, the command
 * line, later GS1) asks here, and gets DO-IRP's own response codes, so that the
 * same name has the same answer whichever way it is asked.
 *
 *   held here              answered from the catalogue, authoritative
 *   known below            asked of the node that serves the prefix
 *   unknown                asked of the parent
 *   asked elsewhere        kept in the cache for as long as its ttl allows
 *
 * Order of refusal (spec identify 2, op 1): 301 empty, 102 not UTF-8 or over
 * 2,048 bytes, 301 302 303 (below), 6 another node would be asked and count is
 * over 10, 100 no record, 200 nothing selected.
 * Public only: other values are dropped, 200 if none is left.  Else a selected
 * value that neither the public nor an administrator may read: 401; one that
 * is not public: 402 unless `reader`.
 * Referrals  with `recurse` clear, what is known elsewhere is 302 with the
 *          HS_SITE values of its prefix, an unknown prefix below one that
 *          delegates 303 with its HS_SITE.PREFIX values; with no_referral they
 *          are 301 and 100.  A revoked or suspended prefix is 301.
 * Elsewhere private values never leave their owner's node: what is answered for
 *          another node is its public record, AT clear.
 * Away     no way to the node that knows, or no answer in 3 s: 3 (busy), unless
 *          a stale answer may be given.
 * Commit   done() comes when all that the answer was read from is durable.
 * Threads  ident_resolve from any loop; done() on call->loop, exactly once.
 * Memory   the call and what it points to are the asker's and stay until
 *          done().  ident_resolve opens `arena` (at most IDENT_RESOLVE_ARENA);
 *          the asker ends it with ident_resolve_done() after done().
 * Limits   1,000 askers of one name that is being fetched, 4,096 fetches: then
 *          3. */
#ifndef IDENT_RESOLVE_H
#define IDENT_RESOLVE_H

#include "base/base_arena.h"
#include "base/base_list.h"
#include "base/base_loop.h"
#include "model/model_id.h"
#include "store/store_journal.h"
#include "wire/handle/wire_hs.h"

struct ident;

/* DO-IRP response codes (spec identify 2). */
enum ident_code {
    IDENT_CODE_OK = 1,
    IDENT_CODE_INTERNAL = 2,
    IDENT_CODE_BUSY = 3,
    IDENT_CODE_MALFORMED = 4,
    IDENT_CODE_UNKNOWN_OP = 5,
    IDENT_CODE_LOOP = 6,
    IDENT_CODE_READ_ONLY = 7,
    IDENT_CODE_ABSENT = 100,
    IDENT_CODE_EXISTS = 101,
    IDENT_CODE_INVALID = 102,
    IDENT_CODE_NO_VALUES = 200,
    IDENT_CODE_VALUE_EXISTS = 201,
    IDENT_CODE_VALUE_INVALID = 202,
    IDENT_CODE_ELSEWHERE = 301, /* this server is not responsible */
    IDENT_CODE_REFERRAL = 302,
    IDENT_CODE_PREFIX_REFERRAL = 303,
    IDENT_CODE_FORBIDDEN = 400,
    IDENT_CODE_NO_ACCESS = 401,
    IDENT_CODE_AUTHENTICATE = 402,
};

enum {
    IDENT_HANDLE_MAX = 2048, /* asked for; none registered is over 255 */
    IDENT_COUNT_MAX = 10,    /* recursions */
    IDENT_HOPS = 12,
    IDENT_RESOLVE_ARENA = 1 << 20,
};

struct ident_hop {
    char node[MODEL_PREFIX_MAX + 1];
    char what[20]; /* "held", "cache", "stale", "up", "down", "fetch" */
    unsigned ms;   /* spent there, what lies behind it included */
};

struct ident_resolve {
    /* the asker's */
    void (*done)(struct ident_resolve *call);
    struct base_loop *loop;
    struct bytes handle;     /* in the asker's spelling */
    const uint32_t *indexes; /* with types a union; both empty: all */
    unsigned index_count;
    const struct bytes *types;
    unsigned type_count;
    bool public_only, no_referral, recurse;
    bool authority; /* AT: from its owner, not from a cache */
    bool reader;    /* the asker has proved the right to read it */
    unsigned count; /* recursions so far */
    /* the answer */
    enum ident_code code;
    bool authoritative;
    struct bytes registered; /* its registered spelling; empty if unknown */
    struct wire_hs_list
        values;          /* selected, index rising; of a referral: sites */
    const char *message; /* a sentence when code is not OK; or "" */
    struct ident_hop hops[IDENT_HOPS];
    unsigned hop_count;
    struct base_arena arena;
    /* ident's */
    struct ident *ident;
    struct base_task task;
    struct store_journal_wait wait;
    struct base_link waiting;
    struct bytes folded;
    int64_t began_ms;
};

void ident_resolve(struct ident *ident, struct ident_resolve *call);
/* Ends the arena, and with it every answer. */
void ident_resolve_done(struct ident_resolve *call);

/* "not found", ...: DO-IRP's words for a code. */
const char *ident_resolve_text(enum ident_code code);

#endif
