/* sys_host.h -- this machine's own figures, read from /proc and statvfs.
 *
 * Shape    counters since boot and sizes now, in the units of RULINGS 29:
 *          busy and all processor time in 1/100 s (USER_HZ ticks; busy = all
 *          but idle and iowait), memory, disk and network in KiB (floor),
 *          summed in bytes or sectors before the floor.  Disks: whole physical
 *          devices (those with /sys/block/NAME/device, or virtio; no loop, ram,
 *          dm, md, partitions).  Network: every interface but lo.
 * Parsers  are pure, over the text of the file, for tests.
 * Errors   IO a file cannot be read, SYNTAX it is not as expected. */
#ifndef SYS_HOST_H
#define SYS_HOST_H

#include "base/base_bytes.h"

struct sys_host {
    int64_t cpu_busy_centis, cpu_all_centis;
    int64_t memory_used_kib, memory_size_kib;
    int64_t disk_read_kib, disk_written_kib;
    int64_t filesystem_used_kib, filesystem_size_kib;
    int64_t net_received_kib, net_sent_kib;
};

/* root: "" (tests give a folder that holds proc/ and sys/). */
enum err sys_host_read(const char *root, const char *data_folder,
                       struct sys_host *ret_host);
/* Resident set of this process in KiB, processor time in us; for /metrics. */
enum err sys_host_self(int64_t *ret_rss_kib, int64_t *ret_cpu_us);

/* The parsers: the text of proc/stat, proc/meminfo, proc/diskstats (whole()
 * says which devices count) and proc/net/dev into their part of host. */
enum err sys_host_stat(struct bytes text, int64_t ticks_per_s,
                       struct sys_host *host);
enum err sys_host_memory(struct bytes text, struct sys_host *host);
enum err sys_host_disks(struct bytes text,
                        bool (*whole)(void *self, struct bytes name),
                        void *self, struct sys_host *host);
enum err sys_host_network(struct bytes text, struct sys_host *host);

#endif
