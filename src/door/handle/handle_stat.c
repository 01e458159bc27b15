/* handle_stat.c -- see handle_stat.h. */
#include "door/handle/handle_stat.h"

#include <stdio.h>

#include "base/base_mem.h"
#include "wire/handle/wire_handle.h"

static const char *const stat_ops[HANDLE_STAT_OPS] = {"resolution", "siteinfo",
                                                      "admin", "other"};

/* The last stands for all that are not in it. */
static const uint32_t stat_codes[] = {
    1,   2,   3,   4,   5,   6,   7,   100, 102, 200, 301,
    302, 303, 400, 401, 402, 403, 404, 405, 500, 0,
};

_Static_assert(BASE_COUNT(stat_codes) <= HANDLE_STAT_CODES, "a row each");

static const char *const stat_drops[HANDLE_DROPS] = {
    [HANDLE_DROP_SHORT] = "why=\"short\"",
    [HANDLE_DROP_REPLY] = "why=\"reply\"",
    [HANDLE_DROP_PART] = "why=\"part\"",
    [HANDLE_DROP_LATE] = "why=\"late\"",
    [HANDLE_DROP_CROWDED] = "why=\"crowded\"",
    [HANDLE_DROP_SILENT] = "why=\"silent\"",
};

static const char *const stat_limits[HANDLE_LIMITS] = {
    [HANDLE_LIMIT_REQUESTS] = "limit=\"handle_requests\"",
    [HANDLE_LIMIT_RATE] = "limit=\"handle_rate\"",
    [HANDLE_LIMIT_PACKETS] = "limit=\"handle_packets\"",
    [HANDLE_LIMIT_WAITING] = "limit=\"handle_waiting\"",
    [HANDLE_LIMIT_SIGNATURES] = "limit=\"handle_signatures\"",
    [HANDLE_LIMIT_REPLY] = "limit=\"handle_reply\"",
};

void
handle_stat_init(struct handle_stat *stat, struct base_stats *stats)
{
    stat->stats = stats;
    for (unsigned i = 0; i < HANDLE_DROPS; i++)
        base_stat_add(stats, &stat->drops[i], BASE_STAT_COUNTER,
                      "dougong_handle_dropped_total", stat_drops[i],
                      "Messages and parts that got no answer, by reason.");
    for (unsigned i = 0; i < HANDLE_LIMITS; i++)
        base_stat_add(stats, &stat->limits[i], BASE_STAT_COUNTER,
                      "dougong_limit_hit_total", stat_limits[i],
                      "How often a stated limit refused something.");
    base_stat_add(stats, &stat->now, BASE_STAT_GAUGE,
                  "dougong_handle_under_way", "", "Requests under way.");
}

static void
stat_drop_row(struct handle_stat *stat, struct handle_stat_row *row)
{
    if (row->there)
        base_stat_drop(stat->stats, &row->stat);
}

void
handle_stat_done(struct handle_stat *stat)
{
    for (unsigned op = 0; op < HANDLE_STAT_OPS; op++) {
        for (unsigned i = 0; i < 2; i++)
            stat_drop_row(stat, &stat->requests[op][i]);
        for (unsigned i = 0; i < HANDLE_STAT_CODES; i++)
            stat_drop_row(stat, &stat->replies[op][i]);
    }
    for (unsigned i = 0; i < HANDLE_DROPS; i++)
        base_stat_drop(stat->stats, &stat->drops[i]);
    for (unsigned i = 0; i < HANDLE_LIMITS; i++)
        base_stat_drop(stat->stats, &stat->limits[i]);
    base_stat_drop(stat->stats, &stat->now);
}

static unsigned
stat_op(uint32_t op)
{
    if (op == WIRE_HANDLE_RESOLUTION)
        return 0;
    if (op == WIRE_HANDLE_SITEINFO)
        return 1;
    return op >= WIRE_HANDLE_CREATE && op <= WIRE_HANDLE_LIST_HOMED ? 2 : 3;
}

void
handle_stat_request(struct handle_stat *stat, uint32_t op, bool udp)
{
    struct handle_stat_row *row = &stat->requests[stat_op(op)][udp];
    if (!row->there) {
        snprintf(row->labels, sizeof row->labels, "op=\"%s\",transport=\"%s\"",
                 stat_ops[stat_op(op)], udp ? "udp" : "tcp");
        base_stat_add(stat->stats, &row->stat, BASE_STAT_COUNTER,
                      "dougong_handle_requests_total", row->labels,
                      "Whole messages taken in.");
        row->there = true;
    }
    base_stat_inc(&row->stat, 1);
}

void
handle_stat_reply(struct handle_stat *stat, uint32_t op, uint32_t code)
{
    unsigned i = 0;
    while (stat_codes[i] != code && stat_codes[i] != 0)
        i++;
    struct handle_stat_row *row = &stat->replies[stat_op(op)][i];
    if (!row->there) {
        snprintf(row->labels, sizeof row->labels, "op=\"%s\",code=\"%u\"",
                 stat_ops[stat_op(op)], stat_codes[i]);
        base_stat_add(stat->stats, &row->stat, BASE_STAT_COUNTER,
                      "dougong_handle_replies_total", row->labels,
                      "Replies, by response code (0: any other).");
        row->there = true;
    }
    base_stat_inc(&row->stat, 1);
}

void
handle_stat_drop(struct handle_stat *stat, enum handle_stat_drop why,
                 int64_t by)
{
    base_stat_inc(&stat->drops[why], by);
}

void
handle_stat_limit(struct handle_stat *stat, enum handle_stat_limit which)
{
    base_stat_inc(&stat->limits[which], 1);
}

void
handle_stat_now(struct handle_stat *stat, unsigned requests)
{
    base_stat_set(&stat->now, requests);
}
