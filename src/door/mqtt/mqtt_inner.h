/* mqtt_inner.h -- the structs that the door's own files share; nobody else's.
 *
 * A connection is 40 bytes: it is its client id, until it needs a session; then
 * the id moves there, and the first 8 bytes are the session's address.  What
 * waits, counts or remembers lives in sessions. */
#ifndef MQTT_INNER_H
#define MQTT_INNER_H

#include "base/base_list.h"
#include "base/base_map.h"
#include "door/mqtt/mqtt_door.h"
#include "door/mqtt/mqtt_map.h"
#include "door/mqtt/mqtt_owed.h"
#include "door/mqtt/mqtt_topic.h"
#include "wire/mqtt/wire_mqtt.h"

enum {
    MQTT_ID_INLINE = 23,
    MQTT_ID_MAX = 256,
    MQTT_FILTERS_PER_PACKET = 100,
    MQTT_FILTER_MAX = 1024,
    MQTT_FILTERS_PER_SESSION = 200,
    MQTT_WINDOW = 100,
    MQTT_QUEUE_COUNT = 1000,
    MQTT_QUEUE_BYTES = 8 << 20,
    MQTT_OUT_MAX = 4 << 20, /* unsent bytes above which QoS 0 is dropped */
    MQTT_OWED_BYTES = 1 << 20,
    MQTT_ALIASES_OUT = 1000,
    MQTT_RETAINED_COUNT = 1000000,
    MQTT_RETAINED_BYTES = 1 << 30,
    MQTT_KEEPS = 1024,        /* calls to stream_keep under way */
    MQTT_KEEP_BYTES = 500000, /* one value of stream_keep */
    MQTT_DEADLETTERS = 1000,
    MQTT_FULL_S = 30, /* unless config.full_s */
    MQTT_SYS_MS = 10000,
    MQTT_BUSY_MS = 5,
    MQTT_PACKET_LIMIT = 268435455 + 5,
    MQTT_CONNECT_MAX = 262144, /* while WAITING */
    MQTT_REFUSALS = 100,
};

enum mqtt_state { MQTT_WAITING, MQTT_OPEN, MQTT_FULL, MQTT_ENDED, MQTT_STATES };

/* Why a connection's input is paused. */
enum mqtt_hold {
    MQTT_HOLD_ENSURE = 1, /* ident is asked */
    MQTT_HOLD_OWED = 2,   /* too much uncommitted */
    MQTT_HOLD_BUSY = 4,   /* the store is */
    MQTT_HOLD_FULL = 8,   /* no space, a 3.x client: for good */
};

enum mqtt_step {
    MQTT_DONE,
    MQTT_AGAIN, /* held: the packet stays where it is */
    MQTT_END,   /* the connection is closing */
};

struct mqtt_asking;
struct mqtt_who;

struct mqtt_conn {
    union {
        struct mqtt_who *who;         /* NULL: not known, or open to anybody */
        struct mqtt_asking *question; /* while `asking` */
    };
    uint8_t store[MQTT_ID_INLINE]; /* id and zeros, or the session's address */
    uint8_t version : 3, state : 2, bridge : 1, has_session : 1, asking : 1;
    uint32_t since_s;      /* wall seconds */
    uint16_t keep_alive_s; /* in force; 0: none */
    uint16_t seen;         /* wall seconds mod 65,536: right for 18 hours */
};

_Static_assert(sizeof(struct mqtt_conn) == 40, "as mqtt_door.h counts");

/* A message that must outlive its packet: queued, retained, a will. */
struct mqtt_message {
    uint32_t references;
    uint8_t qos;
    bool retain, has_expiry;
    uint32_t expiry_s;
    int64_t arrived_ms; /* wall */
    uint32_t topic_size, props_size, payload_size;
    uint8_t bytes[];
};

/* A message on its way; bytes are somebody else's. */
struct mqtt_view {
    struct bytes topic, props, payload; /* props: as forwarded */
    uint8_t qos;
    bool retain, has_expiry;
    uint32_t expiry_s;
    int64_t arrived_ms;
    struct mqtt_message *message; /* made when first needed */
};

/* --- subscriptions --- */

struct mqtt_sub {
    struct mqtt_sub *next;  /* of its node or share */
    struct mqtt_sub *match; /* while delivering: the session's next */
    struct base_link link;  /* of its session */
    struct mqtt_session *session;
    struct mqtt_topic_node *node;
    struct mqtt_share *share; /* NULL: a plain one */
    uint32_t subscription_id;
    uint8_t options;
};

struct mqtt_share {
    struct mqtt_share *next; /* of its node */
    struct mqtt_sub *subs;   /* in the order of subscription */
    struct mqtt_sub *turn;   /* who is next */
    uint16_t size;
    uint8_t group[];
};

/* --- sessions --- */

/* Sent, and not finished by the client. */
enum mqtt_sent_state {
    MQTT_SENT_QOS1,
    MQTT_SENT_QOS2,
    MQTT_SENT_RELEASED,
    MQTT_SENT_UNKNOWN,
    MQTT_SENT_STATES
};

struct mqtt_sent {
    uint16_t id;
    uint8_t state;
};

struct mqtt_queued {
    struct base_link link;
    struct mqtt_message *message;
    uint16_t id, subscription_count;
    uint8_t qos;
    bool retain;
    uint32_t subscriptions[];
};

struct mqtt_alias { /* as the client has set it */
    uint32_t hint;
    uint16_t size;
    uint8_t topic[];
};

struct mqtt_will {
    struct mqtt_message *message;
    uint32_t delay_s;
    bool any; /* any reconnection cancels it */
};

struct mqtt_ensure {
    struct ident_ensure call; /* first */
    struct mqtt_door *door;
    struct mqtt_session *session; /* NULL: gone meanwhile */
    uint16_t topic_size;
    uint8_t topic[];
};

struct mqtt_keep {
    struct stream_keep_call call; /* first */
    struct base_link link;        /* of its session, or unlinked */
    struct mqtt_door *door;
    struct mqtt_session *session;
    uint32_t ticket;
};

struct mqtt_session {
    struct mqtt_conn *conn;
    struct mqtt_door *door;
    struct base_link owing, busy, corked; /* the door's lists */
    struct bytes id;                      /* heap */
    uint8_t hold;
    uint64_t messages, delivered; /* PUBLISHes taken, sent */
    uint32_t seen_s;
    uint32_t expiry_s; /* as asked; ends with the connection all the same */

    /* incoming */
    struct mqtt_owed owed;
    size_t owed_bytes;
    uint32_t hint; /* of the last topic */
    uint16_t receiving, receive_max;
    uint8_t *taken; /* bits: incoming QoS 2 ids until PUBREL; 8 KiB or NULL */
    struct mqtt_alias **aliases; /* alias_max pointers, or NULL */
    struct mqtt_ensure *ensure;
    struct base_link keeps;
    struct mqtt_will *will;

    /* outgoing */
    uint16_t window, next_id, sent_count, sent_room;
    struct mqtt_sent *sent;
    struct base_link queue;
    uint32_t queue_count, queue_bytes;
    uint32_t packet_max; /* the client's; UINT32_MAX: none */
    uint16_t alias_max, alias_count;
    struct base_map aliases_out; /* topic -> alias */
    struct base_link subs;
    unsigned sub_count;

    /* while one message is delivered */
    uint64_t delivery;
    struct mqtt_sub *match;
    struct mqtt_session *next;
};

struct mqtt_listener {
    struct mqtt_listener *next;
    struct mqtt_door *door;
    struct mqtt_profile profile;
    struct net_proto proto;
};

/* Client id -> connection; sized once for all that may connect. */
struct mqtt_ids {
    struct mqtt_conn **slots;
    size_t room, count, max;
    uint64_t seed;
};

void mqtt_ids_init(struct mqtt_ids *ids, unsigned max, uint64_t seed);
void mqtt_ids_done(struct mqtt_ids *ids);
struct mqtt_conn *mqtt_ids_find(const struct mqtt_ids *ids, struct bytes id);
bool mqtt_ids_put(struct mqtt_ids *ids, struct mqtt_conn *conn);
void mqtt_ids_remove(struct mqtt_ids *ids, struct mqtt_conn *conn);
/* for (size_t i = 0; (conn = mqtt_ids_next(ids, &i)) != NULL;) */
struct mqtt_conn *mqtt_ids_next(const struct mqtt_ids *ids, size_t *at);

/* --- what is counted --- */

enum mqtt_drop {
    MQTT_DROP_QUEUE,
    MQTT_DROP_SLOW,
    MQTT_DROP_BIG,
    MQTT_DROP_EXPIRED,
    MQTT_DROP_REFUSED,
    MQTT_DROP_SPACE,
    MQTT_DROPS
};

enum mqtt_limit {
    MQTT_LIMIT_CLIENTS,
    MQTT_LIMIT_FILTERS,
    MQTT_LIMIT_QUEUE,
    MQTT_LIMIT_RETAINED,
    MQTT_LIMIT_INPUT,
    MQTT_LIMIT_KEEPS,
    MQTT_LIMIT_LETTERS,
    MQTT_LIMITS
};

enum { MQTT_REFUSED_ROWS = 48 };

struct mqtt_refused_row {
    struct base_stat stat;
    uint8_t type, code;
    char labels[48];
};

struct mqtt_stats {
    struct base_stat connections, sessions, subscriptions, retained, queued;
    struct base_stat waiting, samples, unmapped, deadletters;
    struct base_stat packets[2][WIRE_MQTT_TYPES], bytes[2];
    struct base_stat dropped[MQTT_DROPS], limits[MQTT_LIMITS];
    struct mqtt_refused_row refused[MQTT_REFUSED_ROWS];
    unsigned refused_count;
    uint64_t clients_most, expired;
};

void mqtt_stat_init(struct mqtt_door *door);
void mqtt_stat_done(struct mqtt_door *door);
void mqtt_stat_refused(struct mqtt_door *door, uint8_t type, uint8_t code);

struct mqtt_refusal {
    int64_t t_ms;
    const char *what;
    uint8_t client_size, payload_size;
    uint16_t topic_size;
    uint8_t client[64], topic[256], payload[128];
    char why[128];
};

/* --- the door --- */

struct mqtt_door {
    struct mqtt_door_config config;
    struct mqtt_listener *listeners;
    struct mqtt_ids ids;
    struct mqtt_topics topics;
    struct mqtt_map map;
    struct mqtt_stats stats;
    struct base_link owing, busy, corked;
    struct stream_watch watch;
    struct base_timer busy_timer, sys_timer;
    struct base_map wills; /* client id -> struct mqtt_will_wait */
    struct base_out out, props;
    uint64_t cuts, synced; /* as seen last, in this order */
    uint64_t revocations;  /* of credentials */
    uint64_t delivery;
    uint64_t retained_bytes;
    int64_t retained_count;
    int64_t retained_expiry_ms; /* wall; the first that may have expired */
    unsigned keeps;
    uint64_t letter;               /* the next dead letter's number */
    struct mqtt_refusal *refusals; /* MQTT_REFUSALS of them */
    uint64_t refusal_count;
    struct wall started;
    bool shut;
};

/* mqtt_door.c */
struct mqtt_listener *mqtt_door_listener_of(struct mqtt_conn *conn);
struct mqtt_door *mqtt_door_of(struct mqtt_conn *conn);
/* The wire's answer to a fault; MQTT_END. */
enum mqtt_step mqtt_door_fault(struct mqtt_conn *conn, uint8_t type,
                               enum wire_mqtt_fault fault);
/* Ends it: DISCONNECT with the reason in 5.0 (0: none).  will: publish it. */
enum mqtt_step mqtt_door_end(struct mqtt_conn *conn, uint8_t reason, bool will);
/* No space for a 3.x client: no ack, no reading, the end in 30 s. */
void mqtt_door_full(struct mqtt_conn *conn);
void mqtt_door_hold(struct mqtt_session *session, enum mqtt_hold why);
void mqtt_door_release(struct mqtt_session *session, enum mqtt_hold why);
/* What door->out holds, now: for connections without a session, too. */
void mqtt_door_send(struct mqtt_conn *conn, uint8_t type);
/* Sent at the end of the turn. */
void mqtt_door_write(struct mqtt_session *session, struct bytes data);
void mqtt_door_uncork(struct mqtt_door *door);
/* Acks that are due now. */
void mqtt_door_acks(struct mqtt_session *session);
/* The journal has failed: nothing can be promised any more. */
void mqtt_door_broken(struct mqtt_door *door);

/* mqtt_session.c */
struct mqtt_session *mqtt_session_of(const struct mqtt_conn *conn); /* NULL */
struct mqtt_session *mqtt_session_make(struct mqtt_conn *conn);
void mqtt_session_end(struct mqtt_session *session);
struct bytes mqtt_session_id(const struct mqtt_conn *conn);
/* A long one makes a session. */
void mqtt_session_set_id(struct mqtt_conn *conn, struct bytes id);

/* mqtt_connect.c, mqtt_publish.c, mqtt_subscribe.c, mqtt_deliver.c: a step per
 * packet. */
typedef enum mqtt_step mqtt_take_fn(struct mqtt_conn *conn,
                                    const struct wire_mqtt_head *head,
                                    struct bytes body);
mqtt_take_fn mqtt_connect_take, mqtt_publish_take, mqtt_publish_take_release;
mqtt_take_fn mqtt_subscribe_take, mqtt_subscribe_take_un, mqtt_deliver_take_ack;

/* mqtt_auth.c: app is asked, and the input paused; false: there is nothing to
 * ask for. */
bool mqtt_auth_ask(struct mqtt_conn *conn,
                   const struct wire_mqtt_connect *packet);
/* Is the answer here, and still good?  *ret_err: what it was. */
bool mqtt_auth_known(const struct mqtt_conn *conn, struct mqtt_door *door,
                     enum err *ret_err);
void mqtt_auth_forget(struct mqtt_conn *conn);
/* A device's client id is its identifier, alone or with ":" behind. */
bool mqtt_auth_id_fits(const struct mqtt_conn *conn, struct bytes id);
/* Does another principal hold this id?  A device takes back what is its own. */
bool mqtt_auth_id_held(const struct mqtt_conn *conn,
                       const struct mqtt_conn *holder);
/* Whose it is, and where it lies. */
enum model_grant_kind mqtt_auth_kind(const struct mqtt_conn *conn);
struct bytes mqtt_auth_name(const struct mqtt_conn *conn);
struct bytes mqtt_auth_scope(struct mqtt_conn *conn);
/* topic: or a filter. */
bool mqtt_auth_may(struct mqtt_conn *conn, enum model_grant_action action,
                   struct bytes topic);

/* $SYS, $share: nobody publishes there. */
bool mqtt_publish_is_denied(struct bytes topic);
/* A message from the node itself or a will: map, subscribers, retained. */
void mqtt_publish_inner(struct mqtt_door *door, struct mqtt_view *view,
                        bool keep);
/* What was refused, for the console. */
void mqtt_publish_note(struct mqtt_door *door, const char *what,
                       struct bytes client, struct bytes topic,
                       struct bytes payload, const char *why);

/* mqtt_deliver.c: to all who subscribe; returns how many. */
unsigned mqtt_deliver(struct mqtt_door *door, struct mqtt_session *from,
                      struct mqtt_view *view);
/* To one subscription (retained messages, shares). */
void mqtt_deliver_to(struct mqtt_session *session, struct mqtt_view *view,
                     uint8_t qos, bool retain, const uint32_t *ids,
                     unsigned count);
/* What the window lets go. */
void mqtt_deliver_pump(struct mqtt_session *session);
void mqtt_deliver_drop_queue(struct mqtt_session *session);

/* mqtt_subscribe.c */
void mqtt_subscribe_drop_all(struct mqtt_session *session);

/* mqtt_message.c */
/* A reference more.  One is the view's own: whoever made the view drops it, by
 * mqtt_message_drop(view.message), unless the view came from a message. */
struct mqtt_message *mqtt_message_of(struct mqtt_view *view);
void mqtt_message_drop(struct mqtt_message *message);
struct mqtt_view mqtt_message_view(struct mqtt_message *message);
size_t mqtt_message_size(const struct mqtt_message *message);
/* false: expired; else seconds left in *ret_left when there is an expiry. */
bool mqtt_message_left(const struct mqtt_view *view, struct wall now,
                       uint32_t *ret_left);

/* mqtt_retain.c.  LIMIT: too many or too much. */
enum err mqtt_retain_set(struct mqtt_door *door, struct mqtt_view *view);
void mqtt_retain_sweep(struct mqtt_door *door); /* the expired */
void mqtt_retain_send(struct mqtt_sub *sub, struct bytes filter);
/* Put what was set, or a dead letter, down; session (may be NULL) owes an ack
 * under this ticket. */
void mqtt_retain_keep(struct mqtt_door *door, struct mqtt_session *session,
                      uint32_t ticket, const struct mqtt_view *view);
/* Dead letters are kept, and there is space for them (else it is counted). */
bool mqtt_retain_has_letters(struct mqtt_door *door);
void mqtt_retain_letter(struct mqtt_door *door, struct mqtt_session *session,
                        uint32_t ticket, struct bytes topic,
                        struct bytes payload, const char *why);
enum err mqtt_retain_load(struct mqtt_door *door);
void mqtt_retain_done(struct mqtt_door *door);

/* mqtt_will.c */
void mqtt_will_set(struct mqtt_session *session,
                   const struct wire_mqtt_connect *connect,
                   const struct mqtt_profile *profile);
/* The session ends; publish: not by DISCONNECT 00.  A delay is honoured. */
void mqtt_will_end(struct mqtt_session *session, bool publish);
/* This client id is back. */
void mqtt_will_back(struct mqtt_door *door, struct bytes id, bool clean);
void
mqtt_will_done(struct mqtt_door *door); /* shutting: those waiting go out */

/* mqtt_sys.c */
void mqtt_sys_start(struct mqtt_door *door);

#endif
