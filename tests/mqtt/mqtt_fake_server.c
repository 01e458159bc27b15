/* mqtt_fake_server.c -- the door alone, over a store that only counts: for
 * mqtt_cases.py and for measuring the door itself.
 *
 *     mqtt_fake_server PORT [RECEIVE_MAX] */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "door/mqtt/mqtt_door.h"
#include "mqtt_fake.h"
#include "sys/sys_random.h"

static void
stop(void *self)
{
    sys_loop_stop(self);
}

int
main(int argc, char **argv)
{
    struct sys_loop *loop;
    struct net *net;
    struct base_stats stats;
    struct mqtt_door *door;
    struct net_listener *listener;
    struct base_note note = {0};
    struct mqtt_profile profile = mqtt_door_profile_open;
    profile.register_auto = true;
    if (argc > 2)
        profile.receive_max = (uint16_t)atoi(argv[2]);
    base_stat_init(&stats);
    if (argc < 2 || sys_loop_new("mqtt", &loop) != ERR_OK ||
        net_new(loop, &stats, &net) != ERR_OK)
        return 1;
    mqtt_fake_reset(sys_loop_base(loop));
    mqtt_fake.known = false;
    struct mqtt_door_config config = {
        .loop = sys_loop_base(loop),
        .stream = (struct stream *)(void *)&mqtt_fake,
        .keep = (struct stream_keep *)(void *)&mqtt_fake,
        .ident = (struct ident *)(void *)&mqtt_fake,
        .random = sys_random(),
        .stats = &stats,
        .version = "test",
    };
    if (mqtt_door_new(&config, &door) != ERR_OK)
        return 1;
    struct mqtt_listener *mqtt = mqtt_door_listener(door, &profile);
    struct net_listener_config listen = {
        .address = "127.0.0.1",
        .port = (uint16_t)atoi(argv[1]),
        .proto = mqtt_door_proto(mqtt),
        .door = mqtt,
        .plain = true,
        .connections_max = 10000,
        .waiting_max = 1000,
    };
    if (net_listen(net, &listen, &listener, &note) != ERR_OK) {
        fprintf(stderr, "%s\n", note.text);
        return 1;
    }
    sys_loop_signal(loop, SIGTERM, stop, loop);
    sys_loop_signal(loop, SIGINT, stop, loop);
    printf("ready on %u\n", net_listener_port(listener));
    fflush(stdout);
    sys_loop_run(loop);
    mqtt_door_shut(door);
    struct base_out out;
    base_out_grow(&out, 1 << 20);
    base_stat_write(&stats, &out);
    fwrite(out.at, 1, out.size, stderr);
    base_out_done(&out);
    net_free(net);
    mqtt_door_free(door);
    base_stat_done(&stats);
    sys_loop_free(loop);
    return 0;
}
