/* ident_inner.h -- what ident's own files share; nobody else includes it. */
#ifndef IDENT_INNER_H
#define IDENT_INNER_H

#include "engine/ident/ident.h"
#include "engine/ident/ident_row.h"

enum { IDENT_GUARD_SLOTS = 256, IDENT_AUTO_PER_HOUR = 1000 };

/* Addresses that sent bad tokens: 5 in a minute, then refused for 10. */
struct ident_guard {
    uint64_t address; /* hash, 0 = free */
    int64_t first_ms, until_ms;
    unsigned count;
};

struct ident {
    struct ident_config config;
    struct bytes prefix;
    uint32_t prefix_id; /* of the own prefix */
    uint32_t next_id;
    int64_t auto_hour;
    unsigned auto_count;
    struct ident_guard guard[IDENT_GUARD_SLOTS];
    void (*denied)(void *self, struct bytes prefix);
    void *denied_self;
    struct base_stat registered, ensured, refused_auto, limit_auto;
    struct base_stat tokens, token_refused, enrolled, limit_token;
};

int64_t ident_now(struct ident *ident);
/* The row of a prefix; ABSENT.  key: folded, of MODEL_PREFIX_MAX bytes. */
enum err ident_prefix_get(struct ident *ident, struct bytes prefix,
                          struct ident_row_prefix *ret_row);
void ident_prefix_put(struct ident *ident, struct store_kv_batch *batch,
                      const struct ident_row_prefix *row);
/* Tell every node above that this prefix is as it is now. */
enum err ident_prefix_up(struct ident *ident, struct store_kv_batch *batch,
                         const struct ident_row_prefix *row);

#endif
