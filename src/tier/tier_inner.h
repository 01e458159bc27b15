/* tier_inner.h -- what the files of src/tier share; nobody else includes it.
 *
 *   tier ---- parent (peer 0), self (peer 1), children (peers 2..)
 *     peer -- logs and states by channel, at most one link that is UP
 *       link - wire, flows by channel, calls out and in
 *     holds - everything that waits for the journal; a link lives until its
 *             last hold has ended
 *
 * Peer numbers are kept in the node's environment and never used again: they
 * name the logs in TIER_OUT and TIER_CUR.  Functions stand under the file that
 * holds them. */
#ifndef TIER_INNER_H
#define TIER_INNER_H

#include "base/base_hash.h"
#include "base/base_map.h"
#include "base/base_must.h"
#include "model/model_id.h"
#include "tier/tier.h"
#include "tier/tier_channel.h"
#include "wire/frame/wire_frame.h"
#include "wire/frame/wire_frame_body.h"
#include "wire/frame/wire_hello.h"

enum { TIER_PEER_PARENT = 0, TIER_PEER_SELF = 1, TIER_PEER_CHILDREN = 2 };

enum {
    TIER_VERSION = 1,
    TIER_HANDSHAKE_MS = 10000,
    TIER_BAD_MAX = 20, /* in TIER_BAD_MS: held as long again */
    TIER_BAD_MS = 600000,
    TIER_SIGN_KEY = 64,
    TIER_SPOOL_ROWS = 1000000,
    TIER_SPOOL_BYTES = 256 * 1024 * 1024,
    TIER_KEEP_ROWS = 256,  /* acknowledged rows kept for a restored parent */
    TIER_ACK_MS = 30000,   /* no progress: a log goes back */
    TIER_STATE_MS = 60000, /* no answer to a state: the link is lost */
    TIER_AGAIN_MS = 100,   /* between tries of a held message */
    TIER_HELD_MS = 60000,  /* then it is refused */
    TIER_STATE_FLYING = 4,
    TIER_FIRST_CREDIT = 16 * 1024,
    TIER_ALERTS = 1000,
};

enum tier_stat {
    TIER_STAT_CHILDREN,
    TIER_STAT_PARENT,
    TIER_STAT_HANDSHAKES,
    TIER_STAT_REFUSED_LINKS,
    TIER_STAT_FENCED,
    TIER_STAT_BAD,
    TIER_STAT_IGNORED,
    TIER_STAT_HINTS_LOST,
    TIER_STAT_APPLIED,
    TIER_STAT_DUPLICATES,
    TIER_STAT_GONE_BACK,
    TIER_STAT_GAPS,
    TIER_STAT_REFUSED,
    TIER_STAT_TOP,
    TIER_STAT_LIMIT,
    TIER_STAT_LOST,
    TIER_STAT_PACK_MISMATCH,
    TIER_STAT_ALERTS,
    TIER_STAT_SPOOL_ROWS,
    TIER_STAT_SPOOL_BYTES,
    TIER_STAT_RECEIVING,
    TIER_STATS
};

enum tier_dir { TIER_IN, TIER_OUT, TIER_DIRS };

/* Counters of one live channel. */
struct tier_traffic {
    struct base_stat messages[TIER_DIRS], bytes[TIER_DIRS];
    char labels[TIER_DIRS][64];
};

/* What this node knows of itself, in STORE_TABLE_NODE under "tier". */
struct tier_self {
    uint32_t epoch, next_peer;
    uint64_t lineage; /* of the link to the parent; 0: never linked */
    uint8_t parent_store[16];
    bool resync;       /* owed to the engines at the next link */
    int64_t stored_ms; /* the latest clock seen */
};

struct tier_link;
struct tier_peer;

/* Something that waits for the journal. */
struct tier_hold {
    struct base_link all;
    struct store_journal_wait wait;
    struct tier *tier;
    struct tier_link *link; /* held alive; NULL: none */
    void (*fn)(struct tier_hold *hold, enum err err);
    void (*failed)(struct tier_hold *hold, enum err err); /* tier_send.c */
    void *arg; /* freed afterwards, unless fn sets it to NULL */
    void *self;
    uint64_t value;
};

/* A message to be sent: head, from, to and body as on the wire. */
struct tier_out {
    struct base_link all;
    uint8_t channel, kind, flags;
    uint64_t seq;
    size_t size, at; /* sent so far */
    uint8_t data[];
};

/* A message received, or on its way over the local road. */
struct tier_in {
    struct base_link all;
    struct tier_link *link; /* NULL: local */
    uint8_t channel, kind, flags;
    uint64_t seq;
    struct wire_frame_message message; /* into data */
    size_t size, have;
    uint8_t data[];
};

/* One channel of one link, both ways. */
struct tier_flow {
    struct base_link queue; /* of tier_out */
    size_t queued;
    uint64_t sent, limit, wanted;      /* out: bytes, credit, last WANT */
    uint64_t received, freed, granted; /* in */
    uint64_t asked; /* in: their last WANT that could not be met; 0: none */
    struct tier_in *partial;
};

/* An answer that an engine owes: to a call or a state of a link, or to an ask
 * of an engine beside it. */
struct tier_answer {
    struct model_answer answer;
    struct base_link all;
    struct base_task task;
    struct tier *tier;
    struct tier_link *link; /* NULL: gone, or local */
    struct model_ask *ask;  /* local: who asked; NULL: forgot */
    struct tier_in *in;     /* local: not yet taken */
    uint8_t channel, kind;
    bool state;
    bool relayed; /* handed on: what it tells is not ours */
    enum err err; /* local: refuse with this */
    uint64_t seq;
    char from[MODEL_PREFIX_MAX + 1];
};

/* A class b log between this node and a peer: out (we post) and in. */
struct tier_log {
    struct tier_peer *peer;
    uint8_t channel;
    struct store_kv *kv; /* out */
    /* out: as last read from kv */
    uint64_t issued, issued_bytes, issued_h;
    uint64_t acked, acked_bytes, first;
    uint64_t ready; /* durable: may be sent */
    uint64_t next;  /* to be sent */
    uint64_t sent;  /* the highest that went out over this link */
    int64_t moved_ms;
    bool holding, limited;
    uint64_t gauge_rows, gauge_bytes; /* our part of the gauges */
    struct {            /* posts into a batch that is not yet seen committed */
        uint64_t batch; /* store_kv_batch_id; 0: none */
        uint64_t seq, bytes, h;
    } pending;
    struct base_link poke;
    unsigned pokes;
    /* in */
    uint64_t applied, applied_h, durable;
    uint64_t sequence; /* of the journal, of the last one applied */
    struct base_link inbox;
    struct base_timer again;
    int64_t held_ms; /* since when the first is held; 0: not */
    int64_t nak_ms;
    uint64_t nak_at;
    bool running, waiting, ack_due;
    struct wire_frame_refused *refused;
    unsigned refused_count;
};

/* A class a channel between this node and a peer. */
struct tier_state {
    struct tier_peer *peer;
    uint8_t channel;
    const struct model_state_row *row;
    unsigned flying_count;
    struct {
        uint64_t seq;
        int64_t since_ms;
    } flying[TIER_STATE_FLYING];
    uint64_t acked;   /* out */
    uint64_t applied; /* in */
    int64_t not_before_ms;
    bool more, broken, asking;
};

struct tier_peer_pack {
    uint64_t name, shape;
};

struct tier_peer {
    struct base_link all; /* children */
    struct tier *tier;
    uint32_t no;
    char prefix[MODEL_PREFIX_MAX + 1];
    /* durable, in STORE_TABLE_PEER */
    bool known;
    uint8_t store[16], pin[32];
    uint8_t sign_key[TIER_SIGN_KEY], sign_key_size; /* 0: not known */
    uint32_t epoch;
    uint64_t confirmed, offered;
    int64_t first_ms;
    /* now */
    struct tier_link *link; /* UP, or NULL */
    struct tier_log *logs[MODEL_CHANNELS];
    struct tier_state *states[MODEL_CHANNELS];
    struct tier_peer_pack *packs;
    unsigned pack_count, packs_differ;
    uint32_t kinds[MODEL_CHANNELS];
    int64_t since_ms, seen_ms, rtt_ms, offset_ms, expiry_ms;
    uint64_t boot;
    char *refusals[TIER_REFUSALS];
    unsigned refusal_at;
    char why[160], address[64];
    int64_t bad_ms[TIER_BAD_MAX], held_until_ms;
    unsigned bad_at;
    bool clock_told;
};

enum tier_link_state {
    TIER_LINK_NEW,
    TIER_LINK_SHAKING, /* parent: waits for HELLO */
    TIER_LINK_STORING, /* both: the journal syncs what was agreed */
    TIER_LINK_OFFERED, /* parent: WELCOME sent, waits for READY */
    TIER_LINK_UP,
    TIER_LINK_CLOSED,
    TIER_LINK_STATES
};

struct tier_link {
    struct base_link all;
    struct tier *tier;
    struct tier_peer *peer; /* NULL until HELLO */
    struct tier_wire *wire; /* NULL: gone */
    bool dialed;            /* we are the child */
    uint8_t state;
    unsigned refs;
    int64_t heard_ms, said_ms, ping_ms; /* ping_ms: unanswered since, or 0 */
    unsigned ping_s;
    struct base_timer timer;
    struct base_task task; /* pump */
    bool posted, corked;
    uint64_t lineage, boot, next_id, hint_seq;
    bool resync;
    bool reached; /* when its wire is gone: had anybody answered? */
    struct tier_flow flows[MODEL_CHANNELS];
    struct base_link asks, answers;
    unsigned ask_count, answer_count;
    int64_t rtts[8], offsets[8];
    unsigned sample_count;
    unsigned turn, last[TIER_CHANNEL_PRIORITIES];
    int64_t deficit[TIER_CHANNEL_PRIORITIES];
    char prefix[MODEL_PREFIX_MAX + 1]; /* as claimed */
};

struct tier_up { /* the child's machine: there is at most one parent */
    uint8_t state;
    struct base_timer timer;
    struct tier_link *link;
    unsigned endpoint;
    int64_t wait_ms, up_ms;
    uint32_t spread_ms;
    bool calm; /* waits longer than a backoff: do not shorten it */
};

struct tier {
    struct model_port port; /* first */
    struct tier_config config;
    struct bytes own, above;
    struct tier_self self;
    struct tier_peer *parent, *local;
    struct base_link children, links, holds, locals, relays;
    struct base_map by_prefix;
    struct tier_up up;
    struct base_link pokes;
    struct base_task poke_task;
    struct base_timer poke_timer;
    bool poke_posted, started, stopping;
    uint64_t boot, receiving; /* receive credit given out */
    struct mono started_at;
    uint64_t alert_next, cuts;     /* cuts: of the journal, as last looked at */
    struct base_arena arena;       /* state bodies */
    uint8_t frame[WIRE_FRAME_MAX]; /* being written */
    struct model_log_row logs[TIER_ROWS];
    struct model_call_row calls[TIER_ROWS];
    struct model_state_row states[TIER_ROWS];
    struct model_event_row events[TIER_ROWS];
    struct model_hint_row hints[TIER_ROWS];
    unsigned log_count, call_count, state_count, event_count, hint_count;
    struct base_stat stats[TIER_STATS];
    struct tier_traffic traffic[MODEL_CHANNELS];
    struct tier_fault *fault; /* NULL, but at a demonstration node */
};

static inline int64_t
tier_inner_now(struct tier *tier)
{
    return base_loop_mono(tier->config.loop).ms;
}

static inline void
tier_inner_count(struct tier *tier, enum tier_stat stat, int64_t by)
{
    base_stat_inc(&tier->stats[stat], by);
}

static inline bool
tier_inner_is_up(const struct tier_link *link)
{
    return link && link->state == TIER_LINK_UP;
}

static inline struct bytes
tier_inner_prefix(const struct tier_peer *peer)
{
    return base_bytes_text(peer->prefix);
}

/* What engines call a peer: the parent is "". */
static inline struct bytes
tier_inner_to(const struct tier_peer *peer)
{
    return peer->no == TIER_PEER_PARENT ? base_bytes(NULL, 0)
                                        : tier_inner_prefix(peer);
}

/* --- tier_hold.c --- */
struct tier_hold *tier_hold_new(struct tier *tier, struct tier_link *link,
                                void (*fn)(struct tier_hold *, enum err),
                                void *self, void *arg);
/* Nothing will tell it: give it up. */
void tier_hold_drop(struct tier_hold *hold);
void tier_hold_all(struct tier_hold *hold);     /* all streams, as now */
void tier_hold_records(struct tier_hold *hold); /* the kv batches, as now */
void tier_hold_done(struct tier *tier);

/* --- tier_peer.c --- */
enum err tier_peer_load(struct tier *tier, struct base_note *note);
void tier_peer_done(struct tier *tier);
/* Empty: none was told. */
void tier_peer_sign_key(struct tier_peer *peer, struct bytes key);
struct tier_peer *tier_peer_find(struct tier *tier, struct bytes prefix);
/* A child that is not known yet; its number is durable with its row. */
struct tier_peer *tier_peer_make(struct tier *tier, struct bytes prefix);
/* The peer on the way to `to`, never `not_back`; NULL: none. */
struct tier_peer *tier_peer_route(struct tier *tier, struct bytes to,
                                  const struct tier_peer *not_back);
/* Put the peer's row (NULL: none) and our own; told by hold (may be NULL). */
enum err tier_peer_save(struct tier *tier, struct tier_peer *peer,
                        struct tier_hold *hold);
void tier_peer_rewound(struct tier_peer *peer);
void tier_peer_packs(struct tier_peer *peer, struct bytes tlvs);

/* --- tier_alert.c --- */
void tier_alert_raise(struct tier *tier, const char *event, const char *fmt,
                      ...) __attribute__((format(printf, 3, 4)));
/* Into the peer's last refusals. */
void tier_alert_refused(struct tier_peer *peer, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* --- tier_send.c --- */
void tier_send_frame(struct tier_link *link, uint8_t type, uint8_t channel,
                     uint8_t flags, uint64_t seq, struct bytes body);
struct tier_out *tier_send_make(uint8_t channel, uint8_t kind, uint8_t flags,
                                uint64_t seq,
                                struct wire_frame_message *message);
/* As stored: head, from, to, body. */
struct tier_out *tier_send_copy(uint8_t channel, uint8_t kind, uint8_t flags,
                                uint64_t seq, struct bytes message);
/* Takes out. */
void tier_send_queue(struct tier_link *link, struct tier_out *out);
/* The same once all that was appended to the journal until now is durable;
 * failed (may be NULL) is told in its hold, whose value is out's seq. */
void tier_send_later(struct tier_link *link, struct tier_out *out,
                     void (*failed)(struct tier_hold *, enum err), void *self);
void tier_send_purge(struct tier_link *link, unsigned channel);
void tier_send_wake(struct tier_link *link);
void tier_send_start(struct tier_link *link);
void tier_send_done(struct tier_link *link);
void tier_send_tick(struct tier_link *link);
void tier_send_credit(struct tier_link *link, unsigned channel,
                      uint64_t offset);
void tier_send_wanted(struct tier_link *link, unsigned channel, uint64_t wanted,
                      uint64_t sent);
/* The receiver is done with this much of a channel. */
void tier_send_free(struct tier_link *link, unsigned channel, size_t size);

/* --- tier_link.c --- */
struct tier_link *tier_link_new(struct tier *tier, struct tier_wire *wire,
                                bool dialed);
void tier_link_ref(struct tier_link *link);
void tier_link_unref(struct tier_link *link);
/* A whole message to the channel that takes it; it is given up. */
void tier_link_deliver(struct tier_link *link, struct tier_in *in);
/* code 0: without a REFUSE. Ends calls; the machine is not told. */
void tier_link_close(struct tier_link *link, unsigned code, uint32_t wait_ms,
                     const char *why);
void tier_link_bad(struct tier_link *link, const char *why);
void tier_link_frame(struct tier_link *link, const struct wire_frame *frame);
void tier_link_up(struct tier_link *link);
void tier_link_free(struct tier_link *link);

/* --- tier_child.c, tier_parent.c: the two machines --- */
enum tier_event {
    TIER_EVENT_TIMER,
    TIER_EVENT_OPEN, /* child: the wire is open; parent: accepted */
    TIER_EVENT_HELLO,
    TIER_EVENT_WELCOME,
    TIER_EVENT_STORED,
    TIER_EVENT_READY,
    TIER_EVENT_REFUSE,
    TIER_EVENT_DRAIN,
    TIER_EVENT_BAD,
    TIER_EVENT_LOST,
    TIER_EVENT_NEWER,
    TIER_EVENT_CUT,
    TIER_EVENT_AGAIN,
    TIER_EVENT_RETRY,
    TIER_EVENT_STOP,
    TIER_EVENTS
};

struct tier_happened {
    struct bytes body; /* of the frame */
    const char *why;
    unsigned code;
    enum err err; /* STORED */
};

void tier_child_happens(struct tier *tier, enum tier_event event,
                        const struct tier_happened *what);
void tier_child_start(struct tier *tier);
const char *tier_child_state(const struct tier *tier);
void tier_parent_happens(struct tier_link *link, enum tier_event event,
                         const struct tier_happened *what);

/* To the machine of this end. */
void tier_link_event(struct tier_link *link, enum tier_event event,
                     const struct tier_happened *what);

/* --- tier_greet.c: HELLO and WELCOME, as values --- */
struct tier_greet {
    struct wire_hello hello;
    struct wire_hello_channel channels[MODEL_CHANNELS];
    uint64_t base_h[MODEL_CHANNELS];
    uint32_t kinds[MODEL_CHANNELS];
    bool timing;
    uint16_t ping_s;
    uint32_t spread_ms;
    struct bytes sign_key; /* empty: none was told */
};

enum err tier_greet_read(struct bytes body, struct tier_greet *ret_greet);
/* hello is filled but for TLVs; based: our logs begin where the channels'
 * `acked` say, and TLV 8 is added. */
void tier_greet_write(struct tier_peer *peer, struct wire_hello *hello,
                      bool based, const struct tier_greet *heard,
                      struct base_out *out);
/* Set the cursors of a peer by what it said; *ret_behind: it has less than it
 * once acknowledged. FENCED: it cannot be the same store any more. */
enum err tier_greet_meet(struct tier_peer *peer, const struct tier_greet *greet,
                         bool *ret_behind);
/* First contact: in-cursors are set to the sender's base. */
enum err tier_greet_base(struct tier_peer *peer,
                         const struct tier_greet *greet);

/* --- tier_cursor.c: rows of TIER_OUT and TIER_CUR --- */
enum tier_cursor_what { TIER_CURSOR_OUT = 1, TIER_CURSOR_ACK, TIER_CURSOR_IN };
enum { TIER_CURSOR_KEY = 6, TIER_CURSOR_ROW_KEY = 12, TIER_CURSOR_MAX = 32 };

struct bytes tier_cursor_key(enum tier_cursor_what what, unsigned channel,
                             uint32_t peer, uint8_t to[TIER_CURSOR_KEY]);
struct bytes tier_cursor_row_key(const struct tier_log *log, uint64_t seq,
                                 uint8_t to[TIER_CURSOR_ROW_KEY]);
/* count numbers of 8 bytes; absent: zeros. */
enum err tier_cursor_read(struct store_kv *kv, enum tier_cursor_what what,
                          unsigned channel, uint32_t peer, uint64_t *into,
                          unsigned count);
void tier_cursor_put(struct store_kv_batch *batch, enum tier_cursor_what what,
                     unsigned channel, uint32_t peer, const uint64_t *numbers,
                     unsigned count);
/* The row as it stands must still stand at commit. */
void tier_cursor_expect(struct store_kv *kv, struct store_kv_batch *batch,
                        enum tier_cursor_what what, unsigned channel,
                        uint32_t peer);

struct tier_cursor_row {
    uint64_t bytes;    /* of all rows up to this one */
    uint64_t h_before; /* of the row before it */
    uint8_t kind;
    struct bytes message; /* head, from, to, body */
};

enum err tier_cursor_row(const struct tier_log *log, uint64_t seq,
                         struct tier_cursor_row *ret_row);
uint64_t tier_cursor_chain(uint64_t h, uint64_t seq, uint32_t crc);
uint32_t tier_cursor_crc(struct bytes message);

/* --- tier_log.c: class b, out --- */
struct tier_log *tier_log_get(struct tier_peer *peer, unsigned channel);
enum err tier_log_post(struct tier_peer *peer, unsigned channel, unsigned kind,
                       const struct wire_frame_message *message,
                       struct store_kv_batch *batch);
/* The next ready message, or a GAP for what is missing; NULL: none. */
struct tier_out *tier_log_next(struct tier_log *log);
void tier_log_fill(struct tier_link *link, struct tier_log *log);
/* What has been committed since; sends once durable. */
void tier_log_refresh(struct tier_log *log);
void tier_log_reload(struct tier_log *log);
void tier_log_ack(struct tier_log *log, uint64_t seq, bool go_back,
                  const struct wire_frame_refused *refused, unsigned count);
void tier_log_tick(struct tier_link *link, struct tier_log *log, int64_t now);
/* h of seq, if it can still be told. */
bool tier_log_h(const struct tier_log *log, uint64_t seq, uint64_t *ret_h);
/* We were restored, the peer was not: go on above what it has. */
enum err tier_log_adopt(struct tier_log *log, uint64_t seq, uint64_t h);
void tier_log_poked(struct base_task *task);
void tier_log_poke_timer(struct base_timer *timer);
void tier_log_free(struct tier_log *log);

/* --- tier_take.c: class b, in --- */
/* A message as it is shown to an engine. */
struct model_message tier_take_said(const struct tier_in *in);
/* Takes in; NULL: go on with what is held. */
void tier_take_message(struct tier_log *log, struct tier_in *in);
void tier_take_local(struct tier_log *log);
void tier_take_load(struct tier_log *log);
void tier_take_purge(struct tier_log *log);
enum err tier_take_base(struct tier_log *log, uint64_t seq, uint64_t h);
void tier_take_rewound(struct tier_log *log);

/* --- tier_state.c --- */
struct tier_state *tier_state_get(struct tier_peer *peer, unsigned channel);
void tier_state_dirty(struct tier_peer *peer, unsigned channel);
void tier_state_fill(struct tier_link *link, struct tier_state *state);
void tier_state_linked(struct tier_peer *peer, bool resync);
void tier_state_lost(struct tier_state *state);
void tier_state_message(struct tier_link *link, struct tier_in *in);
void tier_state_ack(struct tier_link *link, const struct wire_frame *frame);
void tier_state_answered(struct tier_answer *answer, enum err err,
                         struct bytes body);
bool tier_state_stuck(const struct tier_state *state, int64_t now);

/* --- tier_hint.c --- */
void tier_hint_send(struct tier *tier, unsigned channel, unsigned kind,
                    struct bytes to, struct bytes body);
void tier_hint_message(struct tier_link *link, const struct tier_in *in);

/* --- tier_call.c --- */
void tier_call_ask(struct tier *tier, unsigned channel, unsigned kind,
                   struct bytes to, struct bytes body, unsigned deadline_ms,
                   struct model_ask *ask);
void tier_call_forget(struct tier *tier, struct model_ask *ask);
void tier_call_message(struct tier_link *link, struct tier_in *in);
void tier_call_cancel(struct tier_link *link, unsigned channel, uint64_t id);
void tier_call_lost(struct tier_link *link);
void tier_call_done(struct tier *tier);
struct tier_answer *tier_call_answer(struct tier_link *link,
                                     const struct tier_in *in, bool state);

/* --- tier_port.c --- */
extern const struct model_port_ops tier_port_ops;
const struct model_log_row *tier_port_log(struct tier *tier, unsigned channel,
                                          unsigned kind);
const struct model_call_row *tier_port_call(struct tier *tier, unsigned channel,
                                            unsigned kind);
const struct model_state_row *tier_port_state(struct tier *tier,
                                              unsigned channel);

/* --- tier_fault --- */

/* Does it keep the message, to give it to tier_link_deliver later? */
bool tier_fault_takes(struct tier_fault *fault, struct tier_in *in);
bool tier_fault_is_cut(const struct tier_fault *fault);
void tier_fault_done(struct tier_fault *fault);

#endif
