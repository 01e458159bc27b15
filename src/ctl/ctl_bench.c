/* ctl_bench.c -- `dougong bench mqtt ...`. */
#include "ctl/ctl.h"
#include "ctl/ctl_bench_mqtt.h"

enum ctl_exit
ctl_bench(struct ctl *ctl)
{
    return (enum ctl_exit)ctl_bench_mqtt(ctl->raw_count, ctl->raw);
}
