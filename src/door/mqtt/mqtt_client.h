/* mqtt_client.h -- the client side: publishes, and does not lose.
 *
 * Why: what the node itself reports goes through the front door like any
 * device's data, and must survive a restart of that door.
 *
 *            connect           CONNACK 00
 *     OFF ------------> GREETING -------> ON -- PUBLISH, QoS 1 -->
 *      ^ 1 s, doubling     |               |    (window: Receive Maximum)
 *      | to 60 s           | refused       | lost, or told to go
 *      '-------------------'---------------'
 *
 * Shape    MQTT 5 or 3.1.1, Clean Start, QoS 1.  A message is kept until its
 *          PUBACK; after a reconnection all that are kept are sent again, in
 *          order.  A refusal for lack of space (97) is tried again after a
 *          reconnection; any other is told, counted, and the message forgotten.
 * Memory   at most 1,000 messages; then the oldest goes, counted.  Who must not
 *          lose any looks at `waiting` first, and goes on in `answered`.
 * Threads  one owner, the loop of `net`.
 * Source   RULINGS 29; MQTT 5.0. */
#ifndef MQTT_CLIENT_H
#define MQTT_CLIENT_H

#include "net/net_conn.h"

enum { MQTT_CLIENT_KEPT = 1000 };

struct mqtt_client;

struct mqtt_client_config {
    struct base_loop *loop;
    struct net *net;
    const char *address;
    uint16_t port;
    struct ssl_ctx_st *context; /* NULL: plain */
    uint8_t version;            /* 4: MQTT 3.1.1; 0, 5: MQTT 5 */
    int wait_max_ms;            /* between attempts; 0: 60 s */
    const char *id;
    const char *user, *password; /* NULL: none */
    const char *name;            /* of the stats' label: client="name" */
    struct base_stats *stats;
    /* On the loop: message `number` needs no more sending; reason below 80h:
     * it is stored.  It may publish.  NULL: nobody asks. */
    void (*answered)(void *self, uint64_t number, uint8_t reason);
    void *self;
};

struct mqtt_client_stats {
    bool on;
    unsigned waiting;  /* kept, not yet acknowledged */
    uint8_t connack;   /* the last code; 0 while there was none */
    unsigned no_space; /* refusals for lack of space since the last PUBACK */
    int64_t sent, acked, refused, dropped;
};

/* config's strings must outlive it. */
struct mqtt_client *mqtt_client_new(const struct mqtt_client_config *config);
/* Before net_free.  What is kept is lost. */
void mqtt_client_free(struct mqtt_client *client);
/* Copies both; returns the message's number, counted from 0. */
uint64_t mqtt_client_publish(struct mqtt_client *client, struct bytes topic,
                             struct bytes payload);
void mqtt_client_stats(const struct mqtt_client *client,
                       struct mqtt_client_stats *ret_stats);

#endif
