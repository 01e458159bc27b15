/* ident_inner.h -- what ident's own files share; nobody else includes it. */
#ifndef IDENT_INNER_H
#define IDENT_INNER_H

#include "base/base_map.h"
#include "engine/ident/ident.h"
#include "engine/ident/ident_resolve.h"
#include "engine/ident/ident_row.h"

enum {
    IDENT_GUARD_SLOTS = 256,
    IDENT_AUTO_PER_HOUR = 1000,
    IDENT_SERVED_MAX = 10000, /* prefixes of one node */
    IDENT_APPLIED_MAX = 1000, /* applications that wait: anybody may apply */
};

/* Addresses that sent bad tokens: 5 in a minute, then refused for 10. */
struct ident_guard {
    uint64_t address; /* hash, 0 = free */
    int64_t first_ms, until_ms;
    unsigned count;
};

/* A prefix whose names are kept here: the own one, and hosted ones. */
struct ident_served {
    uint32_t id;
    uint8_t state; /* enum ident_prefix_state */
    bool moving;   /* to its own node: no changes here */
    uint32_t quota;
    uint64_t count; /* of names; only kept where there is a quota */
    char name[MODEL_PREFIX_MAX + 1];
    char attributes[MODEL_ATTR_MAX + 1];
};

struct ident {
    struct ident_config config;
    struct bytes prefix;
    struct base_map served; /* folded prefix -> struct ident_served */
    uint32_t next_id;
    unsigned applied; /* prefixes in this state */
    int64_t auto_hour;
    unsigned auto_count;
    struct ident_guard guard[IDENT_GUARD_SLOTS];
    struct ident_cache *cache;
    struct ident_hint *hint;
    void (*denied)(void *self, struct bytes prefix);
    void *denied_self;
    struct base_stat registered, ensured, refused_auto, limit_auto;
    struct base_stat tokens, token_refused, enrolled, limit_token;
    struct base_stat limit_applied;
    struct base_stat resolved[2], resolved_not; /* here, elsewhere; no value */
};

int64_t ident_now(struct ident *ident);

/* --- ident_prefix.c --- */

/* The row of a prefix; ABSENT. */
enum err ident_prefix_get(struct ident *ident, struct bytes prefix,
                          struct ident_row_prefix *ret_row);
void ident_prefix_put(struct ident *ident, struct store_kv_batch *batch,
                      const struct ident_row_prefix *row);
/* Tell every node above that this prefix is as it is now. */
enum err ident_prefix_up(struct ident *ident, struct store_kv_batch *batch,
                         const struct ident_row_prefix *row,
                         struct wire_hs_list values);
/* A new one-time token (24 h): "dgj1-...". */
enum err ident_prefix_token(struct ident *ident, struct bytes prefix,
                            struct store_kv_batch *batch,
                            struct base_out *ret_token);
/* The nearest known prefix that covers this one, itself included; ABSENT. */
enum err ident_prefix_nearest(struct ident *ident, struct bytes prefix,
                              struct ident_row_prefix *ret_row);

/* --- ident_id.c --- */

/* The key of an identifier that is kept here. */
struct ident_key {
    struct model_id id;
    struct ident_served *served;
    struct bytes key;
    uint8_t room[IDENT_ROW_KEY];
};

/* DENIED: of a prefix that is not served here. */
enum err ident_id_key(struct ident *ident, struct bytes text,
                      struct ident_key *ret_key);
/* NULL: not served here. */
struct ident_served *ident_id_served(struct ident *ident, struct bytes prefix);
/* Not any more. */
void ident_id_unserve(struct ident *ident, struct bytes prefix);
/* Served from now on, as this row says. */
struct ident_served *ident_id_serve(struct ident *ident,
                                    const struct ident_row_prefix *row);

/* The row (or none: gone), its unit message, the event to stream. */
enum err ident_id_write(struct ident *ident, const struct ident_key *key,
                        const struct ident_record *record, bool gone,
                        struct bytes attributes,
                        struct store_journal_wait *wait);

/* --- ident_site.c --- */

struct bytes ident_site_key(struct bytes prefix, uint8_t room[IDENT_ROW_KEY]);
enum err ident_site_get(struct ident *ident, struct bytes prefix,
                        struct base_arena *arena,
                        struct ident_record *ret_record);
void ident_site_put(struct ident *ident, struct store_kv_batch *batch,
                    struct bytes prefix, struct wire_hs_list values);
/* Values of 0.NA/P as its grantor writes them, over what its node has said;
 * *ret_values is to be ended. */
void ident_site_granted(struct ident *ident, const struct ident_row_prefix *row,
                        struct base_out *ret_values,
                        struct wire_hs_list *ret_list);
/* The same of a prefix that is served here, with its own key. */
void ident_site_hosted(struct ident *ident, const struct ident_row_prefix *row,
                       const struct crypt_key *key, struct base_out *ret_values,
                       struct wire_hs_list *ret_list);
/* Has the node that is to serve this prefix said where it is? */
bool ident_site_kept(struct ident *ident, struct bytes prefix);
/* The same of one that its own node serves from now on. */
void ident_site_moved(struct ident *ident, const struct ident_row_prefix *row,
                      struct base_out *ret_values,
                      struct wire_hs_list *ret_list);
/* The row and its record go into the batch and up; the batch is committed, or
 * freed. */
enum err ident_site_commit(struct ident *ident, struct store_kv_batch *batch,
                           const struct ident_row_prefix *row,
                           struct wire_hs_list values,
                           struct store_journal_wait *wait);
enum err ident_site_start(struct ident *ident);

/* --- ident_resolve.c, ident_hint.c --- */

/* This node's own step of the way, with the time since the call began. */
void ident_resolve_hop(struct ident *ident, struct ident_resolve *call,
                       const char *what);
/* Does anybody here, or below, remember answers? */
bool ident_hint_wanted(struct ident *ident);

/* --- ident_record.c: no state --- */

/* The folded handle with its "0.NA/" where it had none, in arena. */
enum err ident_record_name(struct bytes handle, struct base_arena *arena,
                           struct bytes *ret_folded);
/* Values of a record; made up where none are stored: CLASS and HS_ADMIN. */
struct wire_hs_list ident_record_values(const struct ident_record *record,
                                        struct base_arena *arena);
/* The key of a CODE.key value, or empty. */
struct bytes ident_record_code(const struct wire_hs_value *value);
/* The class that values say, and their codes over those in `codes`. */
void ident_record_unit(struct wire_hs_list values, struct bytes *ret_class,
                       struct base_out *codes);
/* What of `all` the call asks for goes into its values; the code. */
enum ident_code ident_record_select(struct ident_resolve *call,
                                    struct wire_hs_list all);

#endif
