/* mqtt_gen.c -- `dougong bench mqtt` as a program of its own, for tests. */
#include "ctl/ctl_bench_mqtt.h"

int
main(int argc, char **argv)
{
    return ctl_bench_mqtt(argc - 1, argv + 1);
}
