/* mqtt_topic.h -- one tree of topic levels for subscriptions and retained.
 *
 * Why: the same walk answers "which filters match this topic" and "which kept
 * topics match this filter"; two trees would hold the same names twice.
 *
 * Shape    a node per level; literal children are found by one hash table for
 *          the whole tree, "+" and "#" hang in fields of their own.  A node
 *          stands while something hangs on it: subscriptions, shares, a
 *          retained message, a child.
 *
 *            root -- a -- +  (subs)        a/+
 *                    |--- b  (retained)    a/b
 *                    '--- #  (subs)        a/#  (matches a, too)
 *
 * Rule     wild cards at the first level never match a topic that begins with
 *          "$".
 * Memory   about 100 B and the name per node; at most 4,000,000 of them, as one
 *          small message may need 200.  At most 201 levels: recursion is
 *          bounded.
 * Threads  one owner. */
#ifndef MQTT_TOPIC_H
#define MQTT_TOPIC_H

#include "base/base_bytes.h"

enum { MQTT_TOPIC_NODES = 4000000 };

struct mqtt_sub;
struct mqtt_share;
struct mqtt_message;

struct mqtt_topic_node {
    struct mqtt_topic_node *parent, *first, *next, *prev; /* literal children */
    struct mqtt_topic_node *chain;                        /* hash bucket */
    struct mqtt_topic_node *plus, *rest;
    struct mqtt_sub *subs;
    struct mqtt_share *shares;
    struct mqtt_message *retained;
    uint32_t hash;
    uint16_t size;
    uint8_t level[];
};

struct mqtt_topics {
    struct mqtt_topic_node **buckets, *root;
    size_t room, count, max; /* count: of literal levels */
    uint64_t seed;
};

typedef bool mqtt_topic_fn(void *self, struct mqtt_topic_node *node);

void mqtt_topic_init(struct mqtt_topics *topics, uint64_t seed);
/* What hangs on the nodes must be gone. */
void mqtt_topic_done(struct mqtt_topics *topics);
/* The node of a topic or filter, or NULL. */
struct mqtt_topic_node *mqtt_topic_find(struct mqtt_topics *topics,
                                        struct bytes name);
/* NULL: there are too many. */
struct mqtt_topic_node *mqtt_topic_make(struct mqtt_topics *topics,
                                        struct bytes name);
/* Free it, and what leads to it, as far as nothing hangs there. */
void mqtt_topic_drop(struct mqtt_topics *topics, struct mqtt_topic_node *node);
/* Nodes with subs or shares whose filter matches the topic. */
void mqtt_topic_match(struct mqtt_topics *topics, struct bytes topic,
                      mqtt_topic_fn *fn, void *self);
/* Nodes with a retained message whose topic matches the filter, until fn says
 * false; filter.at NULL: all of them.  fn must not change the tree. */
void mqtt_topic_scan(struct mqtt_topics *topics, struct bytes filter,
                     mqtt_topic_fn *fn, void *self);

#endif
