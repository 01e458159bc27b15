/* mqtt_host.c -- the host task. */
#include "door/mqtt/mqtt_host.h"

#include <inttypes.h>

#include "base/base_mem.h"

struct mqtt_host {
    struct mqtt_host_config config;
    struct base_timer timer;
    struct base_out out;
};

static void
host_number(struct base_out *out, int64_t mantissa, unsigned decimals)
{
    uint64_t size = (uint64_t)mantissa, power = 1;
    if (mantissa < 0)
        size = 0 - size;
    for (unsigned i = 0; i < decimals; i++)
        power *= 10;
    base_out_format(out, "%s%" PRIu64, mantissa < 0 ? "-" : "", size / power);
    if (decimals)
        base_out_format(out, ".%0*" PRIu64, (int)decimals, size % power);
}

static void
host_report(struct mqtt_host *host, struct wall now)
{
    struct mqtt_host_value values[MQTT_HOST_VALUES];
    struct base_out *out = &host->out;
    unsigned count =
        host->config.read(host->config.self, values, MQTT_HOST_VALUES);
    if (count == 0)
        return;
    base_out_reset(out);
    base_out_format(out, "{\"ts\":%" PRId64 ",\"v\":{", now.ms);
    for (unsigned i = 0; i < count; i++) {
        base_out_format(out, "%s\"%s\":", i ? "," : "", values[i].name);
        host_number(out, values[i].mantissa, values[i].decimals);
    }
    base_out_text(out, "}}");
    mqtt_client_publish(host->config.client,
                        base_bytes_text(host->config.topic),
                        base_out_bytes(out));
}

static void
host_turn(struct base_timer *timer)
{
    struct mqtt_host *host = BASE_OUTER(timer, struct mqtt_host, timer);
    struct wall now = base_loop_wall(host->config.loop);
    int64_t period = host->config.period_ms;
    host_report(host, now);
    base_loop_timer(host->config.loop, &host->timer, period - now.ms % period);
}

struct mqtt_host *
mqtt_host_new(const struct mqtt_host_config *config)
{
    struct mqtt_host *host = base_mem_zero(sizeof *host);
    host->config = *config;
    if (host->config.period_ms == 0)
        host->config.period_ms = MQTT_HOST_PERIOD_MS;
    host->timer.fn = host_turn;
    base_out_grow(&host->out, 65536);
    base_loop_timer(config->loop, &host->timer, 0);
    return host;
}

void
mqtt_host_free(struct mqtt_host *host)
{
    base_loop_timer_clear(host->config.loop, &host->timer);
    base_out_done(&host->out);
    base_mem_free(host);
}
