/* app_host.c -- see app_host.h.  Names and units: RULINGS 29. */
#include "app/app_host.h"

#include "base/base_mem.h"
#include "door/mqtt/mqtt_host.h"
#include "sys/sys_host.h"

struct app_host {
    struct app_parts *parts;
    struct mqtt_client *client;
    struct mqtt_host *host;
    char secret[PEOPLE_SECRET]; /* new at every start; "": the door is open */
};

static const struct {
    const char *name;
    size_t at;
    uint8_t decimals;
} host_values[] = {
    {"host_cpu_busy_seconds_total", offsetof(struct sys_host, cpu_busy_centis),
     2},
    {"host_cpu_seconds_total", offsetof(struct sys_host, cpu_all_centis), 2},
    {"host_memory_used_kibibytes", offsetof(struct sys_host, memory_used_kib),
     0},
    {"host_memory_size_kibibytes", offsetof(struct sys_host, memory_size_kib),
     0},
    {"host_disk_read_kibibytes_total", offsetof(struct sys_host, disk_read_kib),
     0},
    {"host_disk_written_kibibytes_total",
     offsetof(struct sys_host, disk_written_kib), 0},
    {"host_filesystem_used_kibibytes",
     offsetof(struct sys_host, filesystem_used_kib), 0},
    {"host_filesystem_size_kibibytes",
     offsetof(struct sys_host, filesystem_size_kib), 0},
    {"host_network_receive_kibibytes_total",
     offsetof(struct sys_host, net_received_kib), 0},
    {"host_network_transmit_kibibytes_total",
     offsetof(struct sys_host, net_sent_kib), 0},
};

_Static_assert(BASE_COUNT(host_values) <= MQTT_HOST_VALUES, "all fit");

static unsigned
host_read(void *self, struct mqtt_host_value *values, unsigned room)
{
    struct app_host *host = self;
    struct sys_host now;
    enum err err = sys_host_read("", host->parts->config->data, &now);
    if (err != ERR_OK) {
        base_log_say(&host->parts->log->log, BASE_LOG_WARN, "host",
                     "cannot_read", "why=\"%s\"", base_err_text(err));
        return 0;
    }
    unsigned count = 0;
    for (; count < BASE_COUNT(host_values) && count < room; count++) {
        int64_t value;
        memcpy(&value, (const char *)&now + host_values[count].at,
               sizeof value);
        values[count] = (struct mqtt_host_value){host_values[count].name, value,
                                                 host_values[count].decimals};
    }
    return count;
}

enum err
app_host_new(struct app_parts *parts, struct app_host **ret_host)
{
    const struct app_config *config = parts->config;
    struct app_host *host = base_mem_zero(sizeof *host);
    struct base_loop *loop = sys_loop_base(parts->http_loop);
    const char *id = base_arena_format(&parts->arena, "%s/host", config->node);
    host->parts = parts;
    if (!config->doors[APP_DOOR_MQTT].open) {
        enum err err = app_people_device(parts, id, host->secret);
        if (err != ERR_OK) {
            base_mem_free(host);
            return err;
        }
    }
    struct mqtt_client_config client = {
        .loop = loop,
        .net = parts->http_net,
        .address = config->bind,
        .port = config->doors[APP_DOOR_MQTT].port,
        .id = id,
        .user = host->secret[0] ? id : NULL,
        .password = host->secret[0] ? host->secret : NULL,
        .name = "host",
        .stats = &parts->stats,
    };
    host->client = mqtt_client_new(&client);
    struct mqtt_host_config reports = {
        .loop = loop,
        .client = host->client,
        .topic = base_arena_format(&parts->arena, "d/%s/host/t", config->node),
        .read = host_read,
        .self = host,
    };
    host->host = mqtt_host_new(&reports);
    *ret_host = host;
    return ERR_OK;
}

void
app_host_free(struct app_host *host)
{
    mqtt_host_free(host->host);
    mqtt_client_free(host->client);
    base_mem_free(host);
}
