/* mqtt_stat.c -- what the door counts, as spec connect 8 names it. */
#include <stdio.h>

#include "base/base_mem.h"
#include "door/mqtt/mqtt_inner.h"

static const char *const stat_types[WIRE_MQTT_TYPES] = {
    "none",    "connect",  "connack",    "publish", "puback",      "pubrec",
    "pubrel",  "pubcomp",  "subscribe",  "suback",  "unsubscribe", "unsuback",
    "pingreq", "pingresp", "disconnect", "auth",
};

struct stat_label {
    const char *in, *out;
};

/* clang-format off */
static const struct stat_label stat_packets[WIRE_MQTT_TYPES] = {
#define STAT_PACKET(type) {"type=\"" type "\",dir=\"in\"", \
                           "type=\"" type "\",dir=\"out\""}
    STAT_PACKET("none"), STAT_PACKET("connect"), STAT_PACKET("connack"),
    STAT_PACKET("publish"), STAT_PACKET("puback"), STAT_PACKET("pubrec"),
    STAT_PACKET("pubrel"), STAT_PACKET("pubcomp"), STAT_PACKET("subscribe"),
    STAT_PACKET("suback"), STAT_PACKET("unsubscribe"), STAT_PACKET("unsuback"),
    STAT_PACKET("pingreq"), STAT_PACKET("pingresp"), STAT_PACKET("disconnect"),
    STAT_PACKET("auth"),
#undef STAT_PACKET
};

static const char *const stat_drops[MQTT_DROPS] = {
    [MQTT_DROP_QUEUE]   = "why=\"queue\"",
    [MQTT_DROP_SLOW]    = "why=\"slow\"",
    [MQTT_DROP_BIG]     = "why=\"big\"",
    [MQTT_DROP_EXPIRED] = "why=\"expired\"",
    [MQTT_DROP_REFUSED] = "why=\"refused\"",
    [MQTT_DROP_SPACE]   = "why=\"space\"",
};

static const char *const stat_limits[MQTT_LIMITS] = {
    [MQTT_LIMIT_CLIENTS]  = "limit=\"mqtt_clients\"",
    [MQTT_LIMIT_FILTERS]  = "limit=\"mqtt_filters\"",
    [MQTT_LIMIT_QUEUE]    = "limit=\"mqtt_queue\"",
    [MQTT_LIMIT_RETAINED] = "limit=\"mqtt_retained\"",
    [MQTT_LIMIT_INPUT]    = "limit=\"mqtt_uncommitted_input\"",
    [MQTT_LIMIT_KEEPS]    = "limit=\"mqtt_keeps\"",
    [MQTT_LIMIT_LETTERS]  = "limit=\"mqtt_deadletters_space\"",
};

struct stat_row {
    size_t offset;
    enum base_stat_kind kind;
    const char *name, *labels, *help;
};

#define STAT_AT(field) offsetof(struct mqtt_stats, field)
static const struct stat_row stat_rows[] = {
    {STAT_AT(connections), BASE_STAT_GAUGE, "dougong_mqtt_connections", "",
     "MQTT clients connected now."},
    {STAT_AT(sessions), BASE_STAT_GAUGE, "dougong_mqtt_sessions", "",
     "MQTT clients that have more state than their connection."},
    {STAT_AT(subscriptions), BASE_STAT_GAUGE, "dougong_mqtt_subscriptions", "",
     "MQTT subscriptions."},
    {STAT_AT(retained), BASE_STAT_GAUGE, "dougong_mqtt_retained", "",
     "Retained MQTT messages."},
    {STAT_AT(queued), BASE_STAT_GAUGE, "dougong_mqtt_queued_bytes", "",
     "Bytes of MQTT messages that wait for a client's window."},
    {STAT_AT(waiting), BASE_STAT_GAUGE, "dougong_commit_acks_waiting", "",
     "Acknowledgements that wait for the journal."},
    {STAT_AT(samples), BASE_STAT_COUNTER, "dougong_ingest_samples_total",
     "door=\"mqtt\"", "Samples written, per door."},
    {STAT_AT(unmapped), BASE_STAT_COUNTER, "dougong_ingest_unmapped_total",
     "door=\"mqtt\"", "Messages that no mapping understands, per door."},
    {STAT_AT(deadletters), BASE_STAT_COUNTER,
     "dougong_ingest_deadletter_total", "door=\"mqtt\"",
     "Messages put among the dead letters, per door."},
    {STAT_AT(bytes[0]), BASE_STAT_COUNTER, "dougong_mqtt_bytes_total",
     "dir=\"in\"", "Bytes of MQTT packets."},
    {STAT_AT(bytes[1]), BASE_STAT_COUNTER, "dougong_mqtt_bytes_total",
     "dir=\"out\"", "Bytes of MQTT packets."},
};
/* clang-format on */

static struct base_stat *
stat_at(struct mqtt_stats *stats, size_t offset)
{
    return (struct base_stat *)(void *)((uint8_t *)stats + offset);
}

void
mqtt_stat_init(struct mqtt_door *door)
{
    struct mqtt_stats *stats = &door->stats;
    struct base_stats *list = door->config.stats;
    for (size_t i = 0; i < BASE_COUNT(stat_rows); i++)
        base_stat_add(list, stat_at(stats, stat_rows[i].offset),
                      stat_rows[i].kind, stat_rows[i].name, stat_rows[i].labels,
                      stat_rows[i].help);
    for (unsigned i = 0; i < WIRE_MQTT_TYPES; i++) {
        base_stat_add(list, &stats->packets[0][i], BASE_STAT_COUNTER,
                      "dougong_mqtt_packets_total", stat_packets[i].in,
                      "MQTT packets.");
        base_stat_add(list, &stats->packets[1][i], BASE_STAT_COUNTER,
                      "dougong_mqtt_packets_total", stat_packets[i].out,
                      "MQTT packets.");
    }
    for (unsigned i = 0; i < MQTT_DROPS; i++)
        base_stat_add(list, &stats->dropped[i], BASE_STAT_COUNTER,
                      "dougong_mqtt_dropped_total", stat_drops[i],
                      "Messages that did not reach a subscriber, or the store "
                      "(QoS 0).");
    for (unsigned i = 0; i < MQTT_LIMITS; i++)
        base_stat_add(list, &stats->limits[i], BASE_STAT_COUNTER,
                      "dougong_limit_hit_total", stat_limits[i],
                      "How often a stated limit was reached.");
}

void
mqtt_stat_done(struct mqtt_door *door)
{
    struct mqtt_stats *stats = &door->stats;
    struct base_stats *list = door->config.stats;
    for (size_t i = 0; i < BASE_COUNT(stat_rows); i++)
        base_stat_drop(list, stat_at(stats, stat_rows[i].offset));
    for (unsigned i = 0; i < WIRE_MQTT_TYPES; i++) {
        base_stat_drop(list, &stats->packets[0][i]);
        base_stat_drop(list, &stats->packets[1][i]);
    }
    for (unsigned i = 0; i < MQTT_DROPS; i++)
        base_stat_drop(list, &stats->dropped[i]);
    for (unsigned i = 0; i < MQTT_LIMITS; i++)
        base_stat_drop(list, &stats->limits[i]);
    for (unsigned i = 0; i < stats->refused_count; i++)
        base_stat_drop(list, &stats->refused[i].stat);
}

void
mqtt_stat_refused(struct mqtt_door *door, uint8_t type, uint8_t code)
{
    struct mqtt_stats *stats = &door->stats;
    for (unsigned i = 0; i < stats->refused_count; i++)
        if (stats->refused[i].type == type && stats->refused[i].code == code) {
            base_stat_inc(&stats->refused[i].stat, 1);
            return;
        }
    if (stats->refused_count == MQTT_REFUSED_ROWS)
        return;
    struct mqtt_refused_row *row = &stats->refused[stats->refused_count++];
    row->type = type;
    row->code = code;
    snprintf(row->labels, sizeof row->labels, "packet=\"%s\",code=\"%02X\"",
             stat_types[type & 15], code);
    base_stat_add(door->config.stats, &row->stat, BASE_STAT_COUNTER,
                  "dougong_mqtt_refused_total", row->labels,
                  "Packets refused, by type and reason code; 00: closed "
                  "without a word.");
    base_stat_inc(&row->stat, 1);
}
