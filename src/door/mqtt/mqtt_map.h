/* mqtt_map.h -- from topic and payload to series: what a message means.
 *
 * Why: a topic means the same thing a million times; it is understood once, and
 * then a message costs a comparison and a number.
 *
 * Shape    a table of mappings, first match wins.  One set is built in (spec
 *          connect 4); map.d adds rows of the same shape.
 *
 *            d/{prefix}/{suffix}/m/{metric}   a number; its time is arrival
 *            d/{prefix}/{suffix}/t            {"ts":ms,"v":{name:value,...}}
 *                                             or an array of such
 *
 *          {x} is one level, percent-decoded where it goes into an identifier.
 *          What was understood is kept per topic, with the stream's slot:
 *
 *            (absent) -- a mapping fits --> READY    stream knows it
 *                                       '-> UNKNOWN  ask ident, then learn()
 *            UNKNOWN -- learn --> LEARNT --> READY
 *                    '- refuse --> REFUSED for 1 s (FAILED: the stream's no)
 *
 * Cache    65,536 topics in sets of 4, the oldest of a set goes; callers keep a
 *          hint (where their last topic was found), which is always checked
 *          against the topic itself.
 * Values   numbers as written (base_num), true and false as 1 and 0; anything
 *          else is BAD.  A payload is read whole before anything is written;
 *          an array may still be refused in the middle by the stream (a time
 *          too far ahead): sending it again does no harm, as samples with a
 *          time are the same ones.
 * Limits   1,000 points per object; JSON depth 32.
 * Memory   the cache: 512 KiB and ~100 B per topic in use; 40 KiB of points.
 * Threads  the ingest loop. */
#ifndef MQTT_MAP_H
#define MQTT_MAP_H

#include "base/base_out.h"
#include "engine/stream/stream.h"

enum { MQTT_MAP_TOPICS = 65536, MQTT_MAP_WAYS = 4, MQTT_MAP_POINTS = 1000 };

enum mqtt_verdict {
    MQTT_UNTOUCHED, /* no mapping: nothing to keep */
    MQTT_UNMAPPED,  /* the same, but under d/: the sender meant something */
    MQTT_KEPT,      /* written; durable at `sequence` */
    MQTT_UNKNOWN,   /* the identifier must be asked for; nothing is written */
    MQTT_LATER,     /* the store is busy: the same again soon */
    MQTT_REFUSED,   /* the identifier may not be, or may not be made */
    MQTT_BAD,       /* the payload is not what the topic promises */
    MQTT_OVER,      /* over a limit */
    MQTT_NO_ROOM,   /* no space on the disk */
    MQTT_BROKEN,    /* the journal has failed */
    MQTT_VERDICTS
};

struct mqtt_map_entry;

struct mqtt_map {
    struct stream *stream;
    struct mqtt_map_entry **table; /* MQTT_MAP_TOPICS pointers */
    uint64_t seed;
    uint32_t turn; /* which way of a set goes next */
    struct stream_point *points;
    struct base_out names; /* metric names that had escapes */
    struct base_note note; /* why the last message was refused */
};

struct mqtt_map_taken {
    enum mqtt_verdict verdict;
    unsigned samples;
    uint64_t sequence;
    struct mqtt_map_entry *entry; /* until the next call */
};

void mqtt_map_init(struct mqtt_map *map, struct stream *stream, uint64_t seed);
void mqtt_map_done(struct mqtt_map *map);
/* hint: the caller's, any value at first. */
struct mqtt_map_taken mqtt_map_take(struct mqtt_map *map, struct bytes topic,
                                    struct bytes payload, struct wall wall,
                                    struct mono mono, uint32_t *hint);
struct bytes mqtt_map_id(const struct mqtt_map_entry *entry);
/* Whose a topic or a filter under d/ is: an identifier, or a prefix where the
 * suffix is none or a wildcard.  false: neither; the node's. */
bool mqtt_map_object(struct bytes topic, struct base_out *out);
/* ident's answer for this topic's identifier. */
void mqtt_map_learn(struct mqtt_map *map, struct bytes topic, struct bytes id);
void mqtt_map_refuse(struct mqtt_map *map, struct bytes topic, enum err why,
                     struct mono mono);

#endif
