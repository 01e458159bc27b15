/* mqtt_door.h -- the MQTT server: 3.1, 3.1.1 and 5.0, QoS 0, 1 and 2.
 *
 * Why our own: an ack must mean "stored".  It leaves only after fdatasync of
 * the record that carries the message's effect (spec connect 1), and neither
 * Mosquitto nor libmosquitto can wait for that.
 *
 *                     CONNECT ok                no space, 3.x
 *     accept -> WAITING ----------> OPEN ------------------------> FULL
 *                  |                 | DISCONNECT, fault,            |
 *                  | fault, 10 s     | keep alive, takeover     30 s |
 *                  '-------> ENDED <-'<------------------------------'
 *
 * A PUBLISH, in OPEN:
 *
 *     read -> topic, alias -> map -+-> write to stream -> subscribers -> owed
 *                                  |         | BUSY: hold the input, again
 *                                  |         '- FULL, BAD, ...: refused
 *                                  '-> unknown identifier: hold the input, ask
 *                                      ident, again
 *
 *     owed -> (stream synced, retained kept) -> PUBACK or PUBREC, in order
 *
 * Sessions end with their connections for now: Session Expiry 0 is announced to
 * who asks for more.  The session is an object of its own, not the
 * connection's.  QoS 2 takes effect at PUBLISH, once per packet id until PUBREL
 * (5.0, figure 4.3).
 *
 * Who      a listener whose profile is not `anonymous` asks app for every
 *          CONNECT (user name and password, or the certificate shown).  Then a
 *          client publishes where its scope and the right `ingest` reach,
 *          subscribes where `series` does: d/PREFIX/SUFFIX/... is the
 *          identifier's, d/PREFIX/# the prefix's, everything else the node's.
 *          Its connection ends when its credential is revoked.
 * Memory   40 B per idle connection behind net's own, and who it is where that
 *          is asked (some 100 B); a session (heap) from the
 *          first PUBLISH or SUBSCRIBE on, or when CONNECT asks for more than
 *          the defaults.
 * Limits   client id 256 B; 100 filters per SUBSCRIBE, 1,024 B each, 200 per
 *          session; retained 1,000,000 and 1 GiB; per session 1,000 messages
 *          and 8 MiB queued, window 100; 1 MiB of uncommitted input.  Each
 *          counts in dougong_limit_hit_total{limit}.
 * Threads  the ingest loop.
 * Source   spec connect 1, 2, 3, 4. */
#ifndef MQTT_DOOR_H
#define MQTT_DOOR_H

#include "base/base_log.h"
#include "base/base_rng.h"
#include "engine/ident/ident.h"
#include "engine/stream/stream_keep.h"
#include "model/model_client.h"
#include "net/net_conn.h"

struct stream;
struct mqtt_door;
struct mqtt_listener;

/* Who connects?  The door's until done(), which runs on its loop, once. */
struct mqtt_ask {
    struct base_task task; /* the answerer's, and err; self: config's */
    enum err err;
    void *self;
    struct base_arena *arena;          /* for what is said in `who` */
    struct bytes user, password, peer; /* peer: the address alone */
    const uint8_t *pin; /* SHA-256 of the key of its certificate; or NULL: it
                           has shown none that is good now */
    struct model_grant_principal who;
    /* BUSY: not now, it has guessed too often. */
    void (*done)(struct mqtt_ask *ask, enum err err);
};

struct mqtt_door_config {
    struct base_loop *loop;
    const char *node; /* its prefix: to whom topics outside d/ belong */
    void (*ask)(struct mqtt_ask *ask); /* NULL: nobody is known */
    void *ask_self;
    struct stream *stream;
    struct stream_keep *keep; /* NULL: retained live in memory only */
    struct ident *ident;      /* NULL: nothing unknown is asked for */
    struct base_random *random;
    struct base_stats *stats;
    struct base_log *log;
    const char *version;  /* $SYS/broker/version */
    unsigned clients_max; /* 0: 10,000 */
    unsigned full_s; /* 0: 30; a 3.x client that no space is left for is held
                        so long, then closed */
};

/* Before the loops run: reads what is retained. */
enum err mqtt_door_new(const struct mqtt_door_config *config,
                       struct mqtt_door **ret_door);
/* 5.0 clients get DISCONNECT 8B; wills go out; input ends.  Then net closes. */
void mqtt_door_shut(struct mqtt_door *door);
/* After net_free. */
void mqtt_door_free(struct mqtt_door *door);

/* What one listener allows: spec connect 3. */
struct mqtt_profile {
    bool anonymous;     /* false: everyone is asked who he is */
    bool test_denials;  /* subscribing test/nosubscribe is denied */
    bool register_auto; /* else unknown identifiers are refused */
    bool will_wait;     /* a delayed will without Session Expiry waits, too */
    uint16_t receive_max, alias_max, keep_alive_max_s; /* 0: off */
    uint32_t packet_max; /* 0: the protocol's limit, not announced */
};

extern const struct mqtt_profile mqtt_door_profile, mqtt_door_profile_open;

/* For net_listen: proto = mqtt_door_proto(listener), door = listener.  Lives as
 * long as the door. */
struct mqtt_listener *mqtt_door_listener(struct mqtt_door *door,
                                         const struct mqtt_profile *profile);
const struct net_proto *mqtt_door_proto(const struct mqtt_listener *listener);

/* A credential is good no more: who came in with it goes.  On the ingest loop,
 * after the answers that still said yes. */
void mqtt_door_revoke(struct mqtt_door *door, enum model_grant_kind kind,
                      struct bytes name);

/* --- for the console, on the ingest loop --- */

/* One page; walks all that are on once. */
void mqtt_list_clients(struct mqtt_door *door,
                       const struct model_client_query *query,
                       model_client_fn *fn, void *self);
/* An operator ends it: 5.0 clients get DISCONNECT 98.  ABSENT: nobody of that
 * id within this scope. */
enum err mqtt_list_end(struct mqtt_door *door, struct bytes id,
                       struct bytes scope);

/* The last 100 messages that were refused or not understood, newest first. */
void mqtt_list_refusals(struct mqtt_door *door, model_client_refusal_fn *fn,
                        void *self);

/* Publish from inside: no ack, retained in memory only. */
void mqtt_publish_own(struct mqtt_door *door, struct bytes topic,
                      struct bytes payload, bool retain);

#endif
