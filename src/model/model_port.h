/* model_port.h -- how engines speak to the rest of the tree.
 *
 * Why: an engine may not know tier, sockets or levels.  It is handed a port;
 * tier fills it, app wires it.  The receiver may be the engine beside it or
 * the node above, and the sender cannot tell (RULINGS 18, spec tier 7).
 *
 * Four classes of channel:
 *   a state  the engine keeps a dirty set; tier asks it for the next body and
 *            brings back the receiver's answer once that is durable there
 *   b log    posted in the same kv batch as the state it reports; delivered in
 *            order, effect once: tier puts the new cursor into the batch that
 *            the receiver's take() fills
 *   c call   a question with a deadline; exactly one answer
 *   d hint   may vanish
 * tell() carries events between engines of one process (samples folded, object
 * changed); they run on the receiver's loop.
 *
 * `to` names a prefix: the own one (the local row), a child, anything below a
 * child (routed), or empty for the parent.
 * Threads  post, dirty, ask: the state loop only.  tell: any loop.
 * Errors   LIMIT FULL BIG NOROUTE; in done(): TIMEOUT LOST UNSUPPORTED and what
 *          the other side answered. */
#ifndef MODEL_PORT_H
#define MODEL_PORT_H

#include "base/base_arena.h"
#include "base/base_list.h"
#include "base/base_loop.h"

/* spec tier 4: numbers are never reused. */
enum model_channel {
    MODEL_CHANNEL_CONTROL = 0,
    MODEL_CHANNEL_ALARM = 1,
    MODEL_CHANNEL_ORDER = 2,
    MODEL_CHANNEL_RECEIPT = 3,
    MODEL_CHANNEL_LEASE = 4,
    MODEL_CHANNEL_NAME_CALL = 5,
    MODEL_CHANNEL_NAMES = 6,
    MODEL_CHANNEL_HINT = 7,
    MODEL_CHANNEL_FIGURE = 8,
    MODEL_CHANNEL_FIGURE_CALL = 9,
    MODEL_CHANNEL_PACK = 10,
    MODEL_CHANNEL_INTEL = 11,
    MODEL_CHANNEL_DEMAND = 12,
    MODEL_CHANNEL_USAGE = 13,
    MODEL_CHANNEL_GRANT = 14,
    MODEL_CHANNEL_AUDIT = 15,
    MODEL_CHANNEL_REPLICATE = 16,
    MODEL_CHANNEL_SAMPLES = 17,
    MODEL_CHANNEL_BACKFILL = 18,
    MODEL_CHANNEL_TWIN = 19,
    MODEL_CHANNEL_DATA_CALL = 20,
    MODEL_CHANNEL_BULK = 21,
    MODEL_CHANNELS
};

/* The kinds that live in the spine. */
enum model_kind {
    MODEL_KIND_CONTROL_RENEW = 1,       /* c, up: PKCS#10 -> PKCS#7 */
    MODEL_KIND_CONTROL_STATUS = 3,      /* c, both */
    MODEL_KIND_NAMES_PREFIX = 1,        /* b up, to every ancestor */
    MODEL_KIND_NAME_CALL_RESOLVE = 1,   /* c, routed */
    MODEL_KIND_NAMES_SITE = 2,          /* b up: address, keys of a node */
    MODEL_KIND_HINT_INVALIDATE = 1,     /* d, both */
    MODEL_KIND_NAMES_UNIT = 5,          /* b, ident -> rollup */
    MODEL_KIND_FIGURE_BATCH = 1,        /* a up: DGF1 */
    MODEL_KIND_FIGURE_CALL_EXPLAIN = 5, /* c, routed */
    MODEL_KIND_FIGURE_CALL_TABLE = 6,   /* c, routed */
    MODEL_KIND_AUDIT_HEAD = 1,          /* b up: wire_head */
    MODEL_KIND_DATA_CALL_QUERY = 1,     /* c, routed */
    MODEL_KIND_DATA_CALL_SERIES = 2,    /* c, routed */
};

struct store_kv_batch;
struct store_kv;

struct model_message {
    uint8_t channel, kind;
    uint16_t version;
    struct bytes from, to, body;
    uint64_t seq;     /* class a: the sender's; class b: its log's */
    uint32_t left_ms; /* class c */
};

/* Exactly one call of answer() for each question or state body taken; at once
 * or later, on the state loop.  body is copied. The ACK body of class a is at
 * most 2 KiB. */
struct model_answer {
    void (*answer)(struct model_answer *self, enum err err, struct bytes body);
};

/* A question under way; the asker owns it until done() runs, exactly once.  To
 * give up earlier it calls port->forget(). */
struct model_ask {
    void (*done)(struct model_ask *ask, enum err err, struct bytes body);
    /* tier's: */
    struct base_link link;
    struct base_timer timer;
    struct base_task task;
    void *owner;
    uint64_t id;
};

/* An event between engines of one process: made with base_mem_new, fields
 * first, given up to tell(), freed by the port after take. */
enum model_event_kind {
    MODEL_EVENT_FOLD,   /* stream -> rollup: struct model_event_fold */
    MODEL_EVENT_FOLDED, /* rollup -> stream: struct model_event_folded */
    MODEL_EVENT_OBJECT, /* ident -> stream: struct model_event_object */
    MODEL_EVENT_KINDS
};

struct model_event {
    struct base_task task; /* the port's */
    enum model_event_kind kind;
    void *to; /* the port's */
};

struct model_port;

struct model_port_ops {
    enum err (*post)(struct model_port *port, enum model_channel channel,
                     unsigned kind, struct bytes to, struct bytes body,
                     struct store_kv_batch *batch);
    void (*dirty)(struct model_port *port, enum model_channel channel,
                  struct bytes to);
    void (*ask)(struct model_port *port, enum model_channel channel,
                unsigned kind, struct bytes to, struct bytes body,
                unsigned deadline_ms, struct model_ask *ask);
    void (*forget)(struct model_port *port, struct model_ask *ask);
    void (*tell)(struct model_port *port, struct model_event *event);
    /* To a neighbour: the parent (empty) or a direct child.  May be lost. */
    void (*hint)(struct model_port *port, enum model_channel channel,
                 unsigned kind, struct bytes to, struct bytes body);
    /* The prefix of the parent for these channels; empty at the top. */
    struct bytes (*parent)(struct model_port *port);
    /* Direct children that ever linked, as prefixes (state loop). */
    void (*children)(struct model_port *port,
                     void (*fn)(void *self, struct bytes prefix, bool up),
                     void *self);
    /* Does the node that `to` names hold this pack in this shape (as it said
     * when it linked)?  false: its figures stay dirty (RULINGS 35). */
    bool (*agrees)(struct model_port *port, struct bytes to, struct bytes pack,
                   uint64_t shape8);
};

struct model_port {
    const struct model_port_ops *ops;
    struct bytes own; /* this node's prefix */
};

/* What an engine hands to tier, through app. */
enum model_took {
    MODEL_TOOK_OK,
    MODEL_TOOK_REFUSED, /* into dead letters with `code`; never blocks */
    MODEL_TOOK_AGAIN,   /* later: holds this channel only, 60 s at most */
};

struct model_log_row { /* class b */
    enum model_channel channel;
    uint8_t kind;
    uint32_t max;
    struct store_kv *kv; /* the receiver's environment: cursors live there */
    enum model_took (*take)(void *engine, const struct model_message *message,
                            struct store_kv_batch *batch, enum err *ret_code);
    void *engine;
};

struct model_call_row { /* class c */
    enum model_channel channel;
    uint8_t kind;
    uint32_t max;
    void (*take)(void *engine, const struct model_message *message,
                 struct model_answer *answer);
    void *engine;
};

struct model_state_row { /* class a */
    enum model_channel channel;
    uint8_t kind;
    uint32_t max;
    struct store_kv *kv;
    /* sender: the next body for `to` ("" = parent) into the arena, with a seq
     * that rises for ever (the engine keeps it durable).  ABSENT: nothing is
     * dirty beyond what is in flight. */
    enum err (*next)(void *engine, struct bytes to, struct base_arena *arena,
                     struct bytes *ret_body, uint64_t *ret_seq);
    void (*acked)(void *engine, struct bytes to, uint64_t seq,
                  struct bytes ack);
    /* The link came up: nothing is in flight any more.  known: the receiver's
     * highest (epoch, seq); resync: send every state again (flag 2 and 4). */
    void (*linked)(void *engine, struct bytes to, bool resync);
    /* receiver */
    void (*take)(void *engine, const struct model_message *message,
                 struct model_answer *answer);
    void *engine;
};

struct model_hint_row { /* class d; on the state loop */
    enum model_channel channel;
    uint8_t kind;
    uint32_t max;
    void (*take)(void *engine, const struct model_message *message);
    void *engine;
};

struct model_event_row {
    enum model_event_kind kind;
    struct base_loop *loop; /* the receiver's */
    void (*take)(void *engine, struct model_event *event);
    void *engine;
};

#endif
