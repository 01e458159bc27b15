/* mqtt_host.h -- the machine reports itself, as a device would.
 *
 * Every 5 s one PUBLISH through struct mqtt_client: `{"ts":ms,"v":{...}}` with
 * exact decimals, to d/PREFIX/host/t (RULINGS 29).  What is read is app's
 * business: a function that fills in names and values. */
#ifndef MQTT_HOST_H
#define MQTT_HOST_H

#include "door/mqtt/mqtt_client.h"

enum { MQTT_HOST_VALUES = 32, MQTT_HOST_PERIOD_MS = 5000 };

struct mqtt_host_value {
    const char *name;
    int64_t mantissa;
    uint8_t decimals; /* 2: 12345 is 123.45 */
};

struct mqtt_host;

struct mqtt_host_config {
    struct base_loop *loop;
    struct mqtt_client *client;
    const char *topic;
    int64_t period_ms; /* 0: 5 s */
    /* Returns how many values it has filled in; 0: nothing to say now. */
    unsigned (*read)(void *self, struct mqtt_host_value *values, unsigned room);
    void *self;
};

/* The first report goes out at once, the next at multiples of the period. */
struct mqtt_host *mqtt_host_new(const struct mqtt_host_config *config);
void mqtt_host_free(struct mqtt_host *host); /* before its client */

#endif
