/* handle_stat.h -- what the door counts.
 *
 * dougong_handle_requests_total{op,transport}, dougong_handle_replies_total
 * {op,code}, dougong_handle_dropped_total{why}, dougong_handle_under_way.  A
 * row of requests or replies is there from its first count on, as there are
 * many.
 */
#ifndef HANDLE_STAT_H
#define HANDLE_STAT_H

#include "base/base_stat.h"

enum handle_stat_drop {
    HANDLE_DROP_SHORT,   /* no envelope */
    HANDLE_DROP_REPLY,   /* a reply: never answered */
    HANDLE_DROP_PART,    /* a part that does not fit */
    HANDLE_DROP_LATE,    /* half a message, 5 s old */
    HANDLE_DROP_CROWDED, /* half a message, memory full */
    HANDLE_DROP_SILENT,  /* asked ten times too much */
    HANDLE_DROPS
};

enum handle_stat_limit {
    HANDLE_LIMIT_REQUESTS,
    HANDLE_LIMIT_RATE,
    HANDLE_LIMIT_PACKETS,
    HANDLE_LIMIT_WAITING,
    HANDLE_LIMIT_SIGNATURES,
    HANDLE_LIMIT_REPLY,
    HANDLE_LIMITS
};

enum { HANDLE_STAT_OPS = 4, HANDLE_STAT_CODES = 24, HANDLE_STAT_LABEL = 48 };

struct handle_stat_row {
    struct base_stat stat;
    bool there;
    char labels[HANDLE_STAT_LABEL];
};

struct handle_stat {
    struct base_stats *stats;
    struct handle_stat_row requests[HANDLE_STAT_OPS][2];
    struct handle_stat_row replies[HANDLE_STAT_OPS][HANDLE_STAT_CODES];
    struct base_stat drops[HANDLE_DROPS], limits[HANDLE_LIMITS], now;
};

void handle_stat_init(struct handle_stat *stat, struct base_stats *stats);
void handle_stat_done(struct handle_stat *stat);
void handle_stat_request(struct handle_stat *stat, uint32_t op, bool udp);
void handle_stat_reply(struct handle_stat *stat, uint32_t op, uint32_t code);
void handle_stat_drop(struct handle_stat *stat, enum handle_stat_drop why,
                      int64_t by);
void handle_stat_limit(struct handle_stat *stat, enum handle_stat_limit which);
void handle_stat_now(struct handle_stat *stat, unsigned requests);

#endif
