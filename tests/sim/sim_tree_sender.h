/* sim_tree_sender.h -- the machines of one enterprise and what they remember.
 *
 * Why: "acknowledged means stored" can only be judged by somebody outside the
 * node.  A sender lives on when its node crashes: it keeps every sample that
 * it ever made, sends again what was not acknowledged, and at the end says
 * what must be stored and what may be.
 *
 *   made -> HELD --write--> SENT --synced, no cut since--> ACKED
 *             ^               |
 *             +-- cut, crash -+
 *
 * Units    m1, m2, m3 and m4, which appears later than the others: made_total,
 *          energy_total, stock.  host: three of the host pack's series.
 * Samples  one in some seconds and unit; some of them minutes late, some on a
 *          window's edge, some without all metrics; counters reset, units are
 *          silent for minutes, values are NaN or negative now and then.
 *          Acknowledged samples are sent again sometimes, with the same values.
 * Time     of a sample is the world's, not the node's clock.
 * Memory   grows with the samples made: 88 B each. */
#ifndef SIM_TREE_SENDER_H
#define SIM_TREE_SENDER_H

#include "engine/ident/ident.h"
#include "engine/stream/stream.h"
#include "sim_world.h"

enum {
    SIM_TREE_UNITS = 5,
    SIM_TREE_UNIT_LATE = 3,
    SIM_TREE_UNIT_HOST = 4,
    SIM_TREE_METRICS = 3,
};

enum sim_tree_state { SIM_TREE_HELD, SIM_TREE_SENT, SIM_TREE_ACKED };

struct sim_tree_sample {
    int64_t t, release_ms; /* wall; mono of the world */
    uint64_t sequence;
    struct num values[SIM_TREE_METRICS];
    uint8_t mask; /* of metrics that it has */
    uint8_t state;
};

struct sim_tree_unit {
    char id[MODEL_ID_MAX];
    int64_t from_ms; /* mono: it is not there before */
    int64_t next_ms; /* mono: of its next sample */
    int64_t levels[SIM_TREE_METRICS];
    struct sim_tree_sample *samples; /* t rises */
    uint32_t count, room;
};

struct sim_tree_place {
    uint32_t unit, at;
};

struct sim_tree_sender {
    struct sim_world *world;
    struct base_rng rng;
    struct sim_tree_unit units[SIM_TREE_UNITS];
    struct sim_tree_place *open; /* not acknowledged, in order of making */
    uint32_t open_count, open_room;
    uint64_t cuts; /* of the stream, as last seen */
    bool ended;    /* no new samples */
    uint64_t made, writes, again, lost, refused[ERR_COUNT];
};

/* What a life of the node has of its sender. */
struct sim_tree_door {
    struct sim_tree_sender *sender;
    struct base_loop *loop;
    struct ident *ident;
    struct stream *stream;
    struct base_timer tick;
    struct stream_watch watch;
    struct sim_tree_asked {
        struct ident_ensure call;
        struct sim_tree_door *door;
        bool busy;
    } asked[SIM_TREE_UNITS];
};

extern const char
    *const sim_tree_sender_metrics[SIM_TREE_UNITS][SIM_TREE_METRICS];

void sim_tree_sender_init(struct sim_tree_sender *sender,
                          struct sim_world *world, const char *prefix);
void sim_tree_sender_done(struct sim_tree_sender *sender);
/* A life of the node is over: what was not acknowledged may be lost. */
void sim_tree_sender_again(struct sim_tree_sender *sender);
/* All that was made is acknowledged. */
bool sim_tree_sender_settled(const struct sim_tree_sender *sender);
/* What was sent of this unit at this time; NULL: nothing. */
const struct sim_tree_sample *
sim_tree_sender_find(const struct sim_tree_sender *sender, unsigned unit,
                     int64_t t);

/* Fields of the first group are set; rows and engines are live. */
void sim_tree_door_open(struct sim_tree_door *door);

#endif
