/* mqtt_topic.c -- the tree of topic levels. */
#include "door/mqtt/mqtt_topic.h"

#include "base/base_hash.h"
#include "base/base_mem.h"
#include "base/base_must.h"

enum { TOPIC_ROOM = 64 };

static struct mqtt_topic_node *
topic_node(struct bytes level, struct mqtt_topic_node *parent)
{
    struct mqtt_topic_node *node = base_mem_zero(sizeof *node + level.size);
    if (level.size)
        memcpy(node->level, level.at, level.size);
    node->size = (uint16_t)level.size;
    node->parent = parent;
    return node;
}

void
mqtt_topic_init(struct mqtt_topics *topics, uint64_t seed)
{
    *topics = (struct mqtt_topics){
        .seed = seed, .room = TOPIC_ROOM, .max = MQTT_TOPIC_NODES};
    topics->buckets = base_mem_zero(topics->room * sizeof *topics->buckets);
    topics->root = topic_node((struct bytes){NULL, 0}, NULL);
}

void
mqtt_topic_done(struct mqtt_topics *topics)
{
    must(topics->count == 0);
    must(!topics->root->plus && !topics->root->rest);
    base_mem_free(topics->root);
    base_mem_free(topics->buckets);
    *topics = (struct mqtt_topics){0};
}

/* Cuts the first level off *rest; false: there is none left. */
static bool
topic_level(struct bytes *rest, struct bytes *ret_level)
{
    if (rest->at == NULL)
        return false;
    size_t slash = base_bytes_find(*rest, '/');
    *ret_level = base_bytes(rest->at, slash);
    if (slash == rest->size)
        *rest = (struct bytes){NULL, 0};
    else
        *rest = base_bytes(rest->at + slash + 1, rest->size - slash - 1);
    return true;
}

static uint32_t
topic_hash(const struct mqtt_topics *topics,
           const struct mqtt_topic_node *parent, struct bytes level)
{
    uint64_t place = (uintptr_t)parent * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)base_hash_xxh3(topics->seed ^ place, level);
}

static struct mqtt_topic_node *
topic_literal(const struct mqtt_topics *topics,
              const struct mqtt_topic_node *parent, struct bytes level,
              uint32_t hash)
{
    struct mqtt_topic_node *node = topics->buckets[hash & (topics->room - 1)];
    for (; node != NULL; node = node->chain)
        if (node->hash == hash && node->parent == parent &&
            base_bytes_equal(base_bytes(node->level, node->size), level))
            return node;
    return NULL;
}

/* The child of a level as written in a filter. */
static struct mqtt_topic_node *
topic_child(const struct mqtt_topics *topics,
            const struct mqtt_topic_node *parent, struct bytes level)
{
    if (level.size == 1 && level.at[0] == '+')
        return parent->plus;
    if (level.size == 1 && level.at[0] == '#')
        return parent->rest;
    return topic_literal(topics, parent, level,
                         topic_hash(topics, parent, level));
}

static void
topic_grow(struct mqtt_topics *topics)
{
    size_t room = topics->room * 2;
    struct mqtt_topic_node **buckets = base_mem_zero(room * sizeof *buckets);
    for (size_t i = 0; i < topics->room; i++)
        for (struct mqtt_topic_node *node = topics->buckets[i], *next; node;
             node = next) {
            next = node->chain;
            node->chain = buckets[node->hash & (room - 1)];
            buckets[node->hash & (room - 1)] = node;
        }
    base_mem_free(topics->buckets);
    topics->buckets = buckets;
    topics->room = room;
}

static struct mqtt_topic_node *
topic_child_make(struct mqtt_topics *topics, struct mqtt_topic_node *parent,
                 struct bytes level)
{
    struct mqtt_topic_node *node = topic_node(level, parent);
    if (level.size == 1 && level.at[0] == '+')
        return parent->plus = node;
    if (level.size == 1 && level.at[0] == '#')
        return parent->rest = node;
    if (topics->count == topics->room)
        topic_grow(topics);
    topics->count++;
    node->hash = topic_hash(topics, parent, level);
    struct mqtt_topic_node **bucket =
        &topics->buckets[node->hash & (topics->room - 1)];
    node->chain = *bucket;
    *bucket = node;
    node->next = parent->first;
    if (node->next)
        node->next->prev = node;
    return parent->first = node;
}

struct mqtt_topic_node *
mqtt_topic_find(struct mqtt_topics *topics, struct bytes name)
{
    struct mqtt_topic_node *node = topics->root;
    struct bytes level;
    while (node != NULL && topic_level(&name, &level))
        node = topic_child(topics, node, level);
    return node;
}

struct mqtt_topic_node *
mqtt_topic_make(struct mqtt_topics *topics, struct bytes name)
{
    struct mqtt_topic_node *node = topics->root;
    struct bytes level, rest = name;
    size_t count = topics->count;
    while (topic_level(&rest, &level))
        count++;
    if (count > topics->max)
        return mqtt_topic_find(topics, name);
    while (topic_level(&name, &level)) {
        struct mqtt_topic_node *child = topic_child(topics, node, level);
        node = child ? child : topic_child_make(topics, node, level);
    }
    return node;
}

static void
topic_unlink(struct mqtt_topics *topics, struct mqtt_topic_node *node)
{
    struct mqtt_topic_node *parent = node->parent;
    if (parent->plus == node) {
        parent->plus = NULL;
        return;
    }
    if (parent->rest == node) {
        parent->rest = NULL;
        return;
    }
    struct mqtt_topic_node **at =
        &topics->buckets[node->hash & (topics->room - 1)];
    while (*at != node)
        at = &(*at)->chain;
    *at = node->chain;
    if (node->prev)
        node->prev->next = node->next;
    else
        parent->first = node->next;
    if (node->next)
        node->next->prev = node->prev;
    topics->count--;
}

void
mqtt_topic_drop(struct mqtt_topics *topics, struct mqtt_topic_node *node)
{
    while (node->parent && !node->first && !node->plus && !node->rest &&
           !node->subs && !node->shares && !node->retained) {
        struct mqtt_topic_node *parent = node->parent;
        topic_unlink(topics, node);
        base_mem_free(node);
        node = parent;
    }
}

/* --- which filters match a topic --- */

struct topic_walk {
    struct mqtt_topics *topics;
    mqtt_topic_fn *fn;
    void *self;
    bool hidden; /* the name begins with "$" */
};

static void
topic_tell(const struct topic_walk *walk, struct mqtt_topic_node *node)
{
    if (node && (node->subs || node->shares))
        walk->fn(walk->self, node);
}

static void
topic_match(const struct topic_walk *walk, struct mqtt_topic_node *node,
            struct bytes rest)
{
    struct bytes level;
    bool wild = node->parent || !walk->hidden;
    if (wild)
        topic_tell(walk, node->rest);
    if (!topic_level(&rest, &level)) {
        topic_tell(walk, node);
        return;
    }
    if (node->plus && wild)
        topic_match(walk, node->plus, rest);
    if (!node->first)
        return;
    uint32_t hash = topic_hash(walk->topics, node, level);
    struct mqtt_topic_node *child =
        topic_literal(walk->topics, node, level, hash);
    if (child)
        topic_match(walk, child, rest);
}

void
mqtt_topic_match(struct mqtt_topics *topics, struct bytes topic,
                 mqtt_topic_fn *fn, void *self)
{
    struct topic_walk walk = {
        .topics = topics,
        .fn = fn,
        .self = self,
        .hidden = topic.size && topic.at[0] == '$',
    };
    topic_match(&walk, topics->root, topic);
}

/* --- which kept topics match a filter --- */

/* The node and all below it. */
static bool
topic_scan_all(const struct topic_walk *walk, struct mqtt_topic_node *node)
{
    if (node->retained && !walk->fn(walk->self, node))
        return false;
    for (struct mqtt_topic_node *child = node->first; child;
         child = child->next)
        if (!topic_scan_all(walk, child))
            return false;
    return true;
}

static bool
topic_is_hidden(const struct mqtt_topic_node *child)
{
    return !child->parent->parent && child->size && child->level[0] == '$';
}

static bool
topic_scan(const struct topic_walk *walk, struct mqtt_topic_node *node,
           struct bytes rest)
{
    struct bytes level;
    if (!topic_level(&rest, &level))
        return !node->retained || walk->fn(walk->self, node);
    bool plus = level.size == 1 && level.at[0] == '+';
    bool all = level.size == 1 && level.at[0] == '#';
    if (!plus && !all) {
        struct mqtt_topic_node *child = topic_child(walk->topics, node, level);
        return !child || topic_scan(walk, child, rest);
    }
    if (all && node->parent && node->retained && !walk->fn(walk->self, node))
        return false;
    for (struct mqtt_topic_node *child = node->first; child;
         child = child->next) {
        if (topic_is_hidden(child))
            continue;
        if (!(all ? topic_scan_all(walk, child)
                  : topic_scan(walk, child, rest)))
            return false;
    }
    return true;
}

void
mqtt_topic_scan(struct mqtt_topics *topics, struct bytes filter,
                mqtt_topic_fn *fn, void *self)
{
    struct topic_walk walk = {.topics = topics, .fn = fn, .self = self};
    if (filter.at)
        topic_scan(&walk, topics->root, filter);
    else
        topic_scan_all(&walk, topics->root);
}
