/* mqtt_sys.c -- $SYS/broker: what the broker says about itself, every 10 s, as
 * retained messages that live in memory only. */
#include <inttypes.h>
#include <stdio.h>

#include "base/base_mem.h"
#include "door/mqtt/mqtt_inner.h"

enum sys_row {
    SYS_VERSION,
    SYS_UPTIME,
    SYS_CONNECTED,
    SYS_DISCONNECTED,
    SYS_TOTAL,
    SYS_MAXIMUM,
    SYS_EXPIRED,
    SYS_RECEIVED,
    SYS_SENT,
    SYS_PUBLISH_RECEIVED,
    SYS_PUBLISH_SENT,
    SYS_PUBLISH_DROPPED,
    SYS_STORE_COUNT,
    SYS_STORE_BYTES,
    SYS_RETAINED,
    SYS_SUBSCRIPTIONS,
    SYS_BYTES_RECEIVED,
    SYS_BYTES_SENT,
    SYS_ROWS
};

static const char *const sys_topics[SYS_ROWS] = {
    [SYS_VERSION] = "version",
    [SYS_UPTIME] = "uptime",
    [SYS_CONNECTED] = "clients/connected",
    [SYS_DISCONNECTED] = "clients/disconnected",
    [SYS_TOTAL] = "clients/total",
    [SYS_MAXIMUM] = "clients/maximum",
    [SYS_EXPIRED] = "clients/expired",
    [SYS_RECEIVED] = "messages/received",
    [SYS_SENT] = "messages/sent",
    [SYS_PUBLISH_RECEIVED] = "publish/messages/received",
    [SYS_PUBLISH_SENT] = "publish/messages/sent",
    [SYS_PUBLISH_DROPPED] = "publish/messages/dropped",
    [SYS_STORE_COUNT] = "store/messages/count",
    [SYS_STORE_BYTES] = "store/messages/bytes",
    [SYS_RETAINED] = "retained messages/count",
    [SYS_SUBSCRIPTIONS] = "subscriptions/count",
    [SYS_BYTES_RECEIVED] = "bytes/received",
    [SYS_BYTES_SENT] = "bytes/sent",
};

static int64_t
sys_sum(struct base_stat *stats, unsigned count)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < count; i++)
        sum += base_stat_get(&stats[i]);
    return sum;
}

/* Sessions end with their connections: none is disconnected, none expires. */
static void
sys_values(struct mqtt_door *door, int64_t *values)
{
    struct mqtt_stats *s = &door->stats;
    struct wall now = base_loop_wall(door->config.loop);
    values[SYS_UPTIME] = (now.ms - door->started.ms) / 1000;
    values[SYS_CONNECTED] = (int64_t)door->ids.count;
    values[SYS_TOTAL] = (int64_t)door->ids.count;
    values[SYS_MAXIMUM] = (int64_t)s->clients_most;
    values[SYS_RECEIVED] = sys_sum(s->packets[0], WIRE_MQTT_TYPES);
    values[SYS_SENT] = sys_sum(s->packets[1], WIRE_MQTT_TYPES);
    values[SYS_PUBLISH_RECEIVED] =
        base_stat_get(&s->packets[0][WIRE_MQTT_PUBLISH]);
    values[SYS_PUBLISH_SENT] = base_stat_get(&s->packets[1][WIRE_MQTT_PUBLISH]);
    values[SYS_PUBLISH_DROPPED] = sys_sum(s->dropped, MQTT_DROPS);
    values[SYS_STORE_COUNT] = door->retained_count;
    values[SYS_STORE_BYTES] = (int64_t)door->retained_bytes;
    values[SYS_RETAINED] = door->retained_count;
    values[SYS_SUBSCRIPTIONS] = base_stat_get(&s->subscriptions);
    values[SYS_BYTES_RECEIVED] = base_stat_get(&s->bytes[0]);
    values[SYS_BYTES_SENT] = base_stat_get(&s->bytes[1]);
}

static void
sys_publish(struct mqtt_door *door)
{
    int64_t values[SYS_ROWS] = {0};
    char topic[64], text[96];
    sys_values(door, values);
    for (unsigned i = 0; i < SYS_ROWS; i++) {
        if (i == SYS_VERSION)
            snprintf(text, sizeof text, "%s",
                     door->config.version ? door->config.version : "");
        else
            snprintf(text, sizeof text, "%" PRId64 "%s", values[i],
                     i == SYS_UPTIME ? " seconds" : "");
        snprintf(topic, sizeof topic, "$SYS/broker/%s", sys_topics[i]);
        mqtt_publish_own(door, base_bytes_text(topic), base_bytes_text(text),
                         true);
    }
}

static void
sys_turn(struct base_timer *timer)
{
    struct mqtt_door *door = BASE_OUTER(timer, struct mqtt_door, sys_timer);
    mqtt_retain_sweep(door);
    sys_publish(door);
    if (stream_state(door->config.stream) == ERR_IO)
        mqtt_door_broken(door);
    else
        base_loop_timer(door->config.loop, &door->sys_timer, MQTT_SYS_MS);
}

void
mqtt_sys_start(struct mqtt_door *door)
{
    door->sys_timer.fn = sys_turn;
    base_loop_timer(door->config.loop, &door->sys_timer, 0);
}
