/* ctl_bench_mqtt.h -- the load generator for MQTT servers, ours or others.
 *
 * Closed loop (a window per connection) or open loop (--rate; latency counts
 * from when a message was due, so a stalled server is not flattered).  Every
 * message is a function of (connection, number): after a reconnection what was
 * not acknowledged is made again, the same.  See --help for the options. */
#ifndef CTL_BENCH_MQTT_H
#define CTL_BENCH_MQTT_H

/* The options alone, without the command's name. */
int ctl_bench_mqtt(int argc, char **argv);

#endif
