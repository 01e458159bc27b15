/* tier.h -- the link between a node, its parent and its children.
 *
 * Why: everything nodes say to each other goes one way: an ACK leaves after the
 * receiver's commit is durable, the sender forgets only after the ACK, and the
 * receiver stores the sender's number in the batch that applies the message.
 * So delivery is at least once, and its effect exactly once, at each hop.
 *
 * Shape    engines hand in rows (model_port.h) before tier_start and are handed
 *          the port; the transport is an argument (tier_wire.h).
 *
 *            engine --post--> spool in its own environment --+
 *                   --dirty-> (tier asks for the next body) -+-> channel queue
 *                   --ask---> call table --------------------+   -> frames
 *            frames -> messages -> take rows -> ACK after the journal's sync
 *
 * Threads  one loop, the state loop, which also owns every environment named in
 *          the configuration; only port->tell may come from any thread.
 * Order    of making: journal, kvs, tier_new, engines, tier_add_*, tier_start.
 *          Of ending: tier_stop, then the loop and the journal end, then
 *          tier_free (it touches neither journal, kv nor engine).
 * Limits   1,000 calls in flight per link and way; spool 256 MiB and 1,000,000
 *          rows a log; receive memory `receive_bytes`; 1,000 alerts kept; the
 *          last 20 refusals per neighbour in words.
 * Source   spec tier; doc/formats/tier.md; RULINGS 1, 2, 18, 34, 35. */
#ifndef TIER_H
#define TIER_H

#include "base/base_log.h"
#include "base/base_rng.h"
#include "base/base_stat.h"
#include "model/model_port.h"
#include "store/store_kv.h"
#include "tier/tier_wire.h"

enum {
    TIER_OWNERS = 6, /* RULINGS 25 */
    TIER_ROWS = 32,  /* of each class */
    TIER_PACKS = 256,
    TIER_CALLS_MAX = 1000,
    TIER_REFUSALS = 20,
};

struct tier;

struct tier_pack {
    const char *name;
    uint64_t shape8; /* the first 8 bytes of its shape, little-endian */
};

struct tier_config {
    const char *prefix, *parent; /* parent "": the top */
    const char *role;
    struct base_loop *loop;
    struct base_random *random;
    struct base_stats *stats;
    struct base_log *log;
    struct store_journal *journal;
    struct store_kv *kvs[TIER_OWNERS]; /* [0] the node's; NULL: none */
    const struct tier_pack *packs;
    unsigned pack_count;
    const char *const *endpoints; /* "host:port": ours, told to the parent */
    unsigned endpoint_count;
    const char *const *parents; /* "host:port": the parent's */
    unsigned parent_count;
    struct bytes sign_key; /* ours, public (DER, <= 64), told to the parent */
    uint32_t software;
    int64_t build_ms; /* no clock is believed that shows less */
    struct tier_transport *transport;
    /* May this key speak for this prefix?  ident_admit; NULL: every one.
     * AGAIN: suspended, it may come again soon. */
    enum err (*admit)(void *self, struct bytes prefix,
                      const struct crypt_cert_facts *facts);
    void *admit_self;
    /* Is this prefix below ours served by this node itself?  Questions to it
     * are answered here until it has a link of its own; NULL: none is. */
    bool (*hosts)(void *self, struct bytes prefix);
    void *hosts_self;
    unsigned ping_s;        /* 0: 20 */
    unsigned spread_ms;     /* 0: 1,000; first connection, and told children */
    uint64_t receive_bytes; /* 0: 512 MiB */
};

/* Strings, packs and environments must outlive the tier. */
enum err tier_new(const struct tier_config *config, struct tier **ret_tier,
                  struct base_note *note);
void tier_free(struct tier *tier);
struct model_port *tier_port(struct tier *tier);

/* Before tier_start; the rows are copied. */
void tier_add_log(struct tier *tier, const struct model_log_row *row);
void tier_add_call(struct tier *tier, const struct model_call_row *row);
void tier_add_state(struct tier *tier, const struct model_state_row *row);
void tier_add_event(struct tier *tier, const struct model_event_row *row);
void tier_add_hint(struct tier *tier, const struct model_hint_row *row);

void tier_start(struct tier *tier);
/* DRAIN to every link, then they close; no new ones. */
void tier_stop(struct tier *tier);

/* This node's epoch (RULINGS 11), also before tier_start; engines stamp their
 * states with it.  It changes only at a link's start, before `linked`. */
uint32_t tier_epoch(struct tier *tier);
/* After a new token (`join --again`): the epoch rises, the next HELLO is a
 * first contact, every state goes up again. */
enum err tier_again(struct tier *tier);
/* The epoch becomes this one, if it is lower; for a node that has no parent
 * yet. */
enum err tier_raise(struct tier *tier, uint32_t epoch);
/* A new certificate or endpoint: try the parent now, unless fenced. */
void tier_retry(struct tier *tier);
/* The key a child signs with, as it told over its link (SubjectPublicKeyInfo);
 * empty: not known. */
struct bytes tier_child_key(struct tier *tier, struct bytes prefix);
/* A prefix was suspended or revoked: its link ends in this turn. */
void tier_cut(struct tier *tier, struct bytes prefix);
/* From store_kv_config.rewound of each environment: cursors are read again. */
void tier_rewound(struct tier *tier);

/* --- what an operator sees --- */

struct tier_lag {
    uint8_t channel;
    const char *name;
    uint64_t issued, acked; /* out: posted, acknowledged */
    uint64_t applied;       /* in */
    uint64_t waiting_bytes;
};

struct tier_view {
    struct bytes prefix;
    bool is_parent, up;
    const char *state; /* "up", "waiting", "fenced", ... */
    const char *peer;  /* address, or "" */
    int64_t since_ms, seen_ms;
    int64_t rtt_ms, offset_ms; /* -1: not known */
    int64_t expiry_ms;         /* of its certificate; 0: not known */
    uint32_t epoch;
    uint64_t lineage;
    unsigned packs_differ;
    unsigned lag_count;
    struct tier_lag lags[MODEL_CHANNELS];
    unsigned refusal_count;
    const char *refusals[TIER_REFUSALS]; /* newest last */
    const char *why; /* the last failure of the link in words, or "" */
};

/* The parent first, then children in byte order of their prefixes. */
void tier_list(struct tier *tier,
               void (*fn)(void *self, const struct tier_view *view),
               void *self);
/* What a person must know, of whoever works beside the tier: the log, a
 * counter, a row of the list below. */
void tier_alert(struct tier *tier, const char *event, const char *text);
struct tier_alert_view {
    uint64_t number; /* rising, from 1 */
    int64_t time_ms;
    struct bytes event, text; /* a word; KEY=VALUE ... */
};
/* Newest first, at most limit, of those with numbers below `before`; 0: of
 * all that are kept. */
void tier_alert_list(struct tier *tier, uint64_t before, unsigned limit,
                     void (*fn)(void *self, const struct tier_alert_view *view),
                     void *self);

#endif
