/* ident.h -- the engine that names things: prefixes, identifiers, who may join.
 *
 * Why: register first, then report; and a node is believed because its parent
 * granted the prefix and signed its key.
 *
 * Shape    two tables (spec identify 10): prefix and id; tokens and issued
 *          certificates beside them, drawn in ident_prefix.c, ident_id.c.
 * Threads  owner: the state loop.  ident_ensure is for any loop.
 * Limits   1,000 automatic registrations an hour; 10,000 tokens outstanding.
 * Errors   ABSENT EXISTS NAME DENIED USED EXPIRED REVOKED LIMIT FULL IO. */
#ifndef IDENT_H
#define IDENT_H

#include "base/base_log.h"
#include "base/base_stat.h"
#include "crypt/crypt_cert.h"
#include "model/model_audit.h"
#include "model/model_code.h"
#include "model/model_event.h"
#include "model/model_id.h"
#include "store/store_kv.h"
#include "wire/handle/wire_hs.h"

struct ident;

enum { IDENT_SITE_RSA, IDENT_SITE_P256, IDENT_SITE_SIGN, IDENT_SITE_KEYS };

/* Where this node answers, and its keys: 300, 301, 302 (RULINGS 13). */
struct ident_site {
    const char *address;
    uint16_t http_port, handle_port; /* 0: no such door */
    const struct crypt_key *keys[IDENT_SITE_KEYS];
};

struct ident_config {
    const char *prefix;
    struct store_kv *kv;
    struct base_loop *loop;
    struct model_port *port;
    struct base_random *random;
    struct base_stats *stats;
    struct base_log *log;
    const struct crypt_key *ca_key; /* NULL: no children */
    const struct crypt_cert *ca;
    int64_t certificate_ms; /* life of those given to children; 0: 90 d */
    const struct crypt_key *tls_key; /* the node's own P-256, for tokens */
    const char *const *allow; /* patterns of suffixes that `auto` may make */
    unsigned allow_count;
    struct bytes attributes; /* of all units here: a line of model_attr */
    struct ident_site site;
    struct model_audit *audit; /* NULL: nobody listens */
    /* GB/T 4754, GB/T 2260; NULL: codes of applications are not checked */
    const struct model_code_list *industries, *regions;
    uint64_t cache_bytes; /* of answers of other nodes; 0: none are kept */
};

struct bytes ident_own_prefix(const struct ident *ident);
struct base_loop *ident_loop(const struct ident *ident);

enum err ident_new(const struct ident_config *config, struct ident **ret_ident,
                   struct base_note *note);
void ident_free(struct ident *ident);
/* The environment fell back (store_kv_config.rewound): read again. */
void ident_rewound(struct ident *ident);

/* --- identifiers --- */

enum ident_state {
    IDENT_RESERVED,
    IDENT_ACTIVE,
    IDENT_SUSPENDED,
    IDENT_RETIRED
};

/* By its name; false: none. */
bool ident_state_find(struct bytes name, enum ident_state *ret_state);

/* Bytes of a record's values: what one call between nodes carries. */
enum { IDENT_VALUES_BYTES = 128 << 10 };

struct ident_record {
    struct bytes id; /* registered spelling */
    struct bytes class_name;
    enum ident_state state;
    struct bytes why; /* it is in this state; or empty */
    int64_t made_ms, changed_ms;
    uint64_t revision;
    struct wire_hs_list values; /* index rising */
};

/* Make it if it is not there; wait as in store_kv_commit.  EXISTS when it is
 * there with another class (nothing is changed). */
enum err ident_register(struct ident *ident, struct bytes id,
                        struct bytes class_name,
                        struct store_journal_wait *wait);
enum err ident_get(struct ident *ident, struct bytes id,
                   struct base_arena *arena, struct ident_record *ret_record);
/* All of a prefix, in order of the folded suffix, until fn says false. */
enum err ident_walk(struct ident *ident, struct bytes prefix,
                    bool (*fn)(void *self, const struct ident_record *record),
                    void *self);

/* Are this prefix's names kept here: its own, or a hosted one's? */
bool ident_hosts(struct ident *ident, struct bytes prefix);

/* From any loop: is this identifier here (or may it be made)?  done runs on
 * call->loop when the answer is durable: OK; ABSENT not registered; DENIED not
 * under our prefix, moving away, or not allowed; LIMIT. */
struct ident_ensure {
    void (*done)(struct ident_ensure *call, enum err err);
    struct base_loop *loop;
    bool create;
    uint8_t id_size;
    uint8_t id[MODEL_ID_MAX];
    /* ident's: */
    struct ident *ident;
    struct base_task task;
    struct store_journal_wait wait;
    enum err err;
};

void ident_ensure(struct ident *ident, struct ident_ensure *call);

/* --- prefixes, joining: their steps are in ident_step.h --- */

enum ident_prefix_state {
    IDENT_PREFIX_APPROVED = 1,
    IDENT_PREFIX_ACTIVE,
    IDENT_PREFIX_SUSPENDED,
    IDENT_PREFIX_REVOKED,
    /* of an application; not told to nodes above */
    IDENT_PREFIX_APPLIED,
    IDENT_PREFIX_RETURNED,
    IDENT_PREFIX_REFUSED
};

const char *ident_prefix_state_name(enum ident_prefix_state state);

struct ident_prefix {
    char name[MODEL_PREFIX_MAX + 1];
    enum ident_prefix_state state;
    int64_t approved_ms, joined_ms;
    uint8_t pin[32]; /* of its tier key; zero: none yet */
    bool direct;     /* granted by this node, not by one below it */
    bool hosted;     /* its names are kept at this node */
    unsigned quota;  /* of names; 0: none */
    char host[MODEL_PREFIX_MAX + 1]; /* the node that serves it */
    char attributes[MODEL_ATTR_MAX + 1];
};

/* SHA-256 of its row, for the audit log; empty: there is none. */
struct bytes ident_prefix_digest(struct ident *ident, struct bytes prefix,
                                 uint8_t to[32]);
enum err ident_prefix_find(struct ident *ident, struct bytes prefix,
                           struct ident_prefix *ret_prefix);
enum err ident_prefix_list(struct ident *ident,
                           void (*fn)(void *self,
                                      const struct ident_prefix *prefix),
                           void *self);
/* EST simpleenroll: user = prefix, password = token text, body = PKCS#10.
 * Gives the certificate (and CA) as PKCS#7.  The same request within an hour
 * gets the same certificate. */
enum err ident_enrol(struct ident *ident, struct bytes prefix,
                     struct bytes token, struct bytes request_der,
                     struct bytes peer_address, struct base_out *ret_pkcs7,
                     struct store_journal_wait *wait, struct base_note *note);
/* RFC 7030's re-enrolment, over the link that the old certificate opened: a new
 * one for the key that the prefix is pinned to.  DENIED, REVOKED, SYNTAX. */
enum err ident_renew(struct ident *ident, struct bytes prefix,
                     struct bytes request_der, struct base_out *ret_pkcs7,
                     struct base_note *note);
/* May this key speak for this prefix?  OK, DENIED (unknown prefix or another
 * key), AGAIN (suspended), REVOKED, EXPIRED. For tier, at each HELLO. */
enum err ident_admit(struct ident *ident, struct bytes prefix,
                     const struct crypt_cert_facts *facts);
/* Called when a prefix is suspended or revoked: tier cuts its link. */
void ident_denied_watch(struct ident *ident,
                        void (*fn)(void *self, struct bytes prefix),
                        void *self);

/* What goes up: this node's own site; after tier has its rows. */
enum err ident_start(struct ident *ident);

/* --- rows for tier --- */
enum model_took ident_take_site(void *ident,
                                const struct model_message *message,
                                struct store_kv_batch *batch,
                                enum err *ret_code);
void ident_take_resolve(void *ident, const struct model_message *message,
                        struct model_answer *answer);
void ident_take_hint(void *ident, const struct model_message *message);
enum model_took ident_take_prefix(void *ident,
                                  const struct model_message *message,
                                  struct store_kv_batch *batch,
                                  enum err *ret_code);

#endif
