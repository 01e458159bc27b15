/* sys_host_test.c -- texts of /proc as kernels write them. */
#include "sys/sys_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const char proc_stat[] = "cpu  100 20 30 4000 500 6 7 8 90 9\n"
                                "cpu0 100 20 30 4000 500 6 7 8 90 9\n"
                                "intr 12 0 1\n";

static const char proc_meminfo[] = "MemTotal:        8041204 kB\n"
                                   "MemFree:          500000 kB\n"
                                   "MemAvailable:    6041204 kB\n"
                                   "HugePages_Total:       0\n";

static const char proc_diskstats[] =
    "   7       0 loop0 50 0 9999 5 0 0 9999 0 0 0 0\n"
    " 254       0 vda 100 2 2001 30 200 3 4003 60 0 70 90 0 0 0 0 0 0\n"
    " 254       1 vda1 100 2 2001 30 200 3 4003 60 0 70 90\n"
    " 259       0 nvme0n1 1 0 8 0 1 0 16 0 0 0 0 0 0 0 0\n";

static const char proc_net_dev[] =
    "Inter-|   Receive                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes\n"
    "    lo: 99999 1 0 0 0 0 0 0 99999 1 0 0 0 0 0 0\n"
    "  eth0:1500 10 0 0 0 0 0 0    3000 20 0 0 0 0 0 0\n"
    "eth0:1: 600 1 0 0 0 0 0 0 100 1 0 0 0 0 0 0\n";

static bool
only_whole(void *self, struct bytes name)
{
    (void)self;
    return base_bytes_is(name, "vda") || base_bytes_is(name, "nvme0n1");
}

static void
guest_time_is_not_counted_twice(void **state)
{
    (void)state;
    struct sys_host host = {0};
    assert_int_equal(sys_host_stat(base_bytes_text(proc_stat), 100, &host),
                     ERR_OK);
    assert_int_equal(host.cpu_all_centis, 4671);
    assert_int_equal(host.cpu_busy_centis, 171);
    assert_int_equal(sys_host_stat(base_bytes_text(proc_stat), 1000, &host),
                     ERR_OK);
    assert_int_equal(host.cpu_all_centis, 467);
}

static void
used_memory_is_what_is_not_available(void **state)
{
    (void)state;
    struct sys_host host = {0};
    assert_int_equal(sys_host_memory(base_bytes_text(proc_meminfo), &host),
                     ERR_OK);
    assert_int_equal(host.memory_size_kib, 8041204);
    assert_int_equal(host.memory_used_kib, 2000000);
}

static void
whole_devices_are_added_in_sectors_then_floored(void **state)
{
    (void)state;
    struct sys_host host = {0};
    assert_int_equal(sys_host_disks(base_bytes_text(proc_diskstats), only_whole,
                                    NULL, &host),
                     ERR_OK);
    assert_int_equal(host.disk_read_kib, 1004);
    assert_int_equal(host.disk_written_kib, 2009);
}

static void
every_interface_but_lo_is_added_in_bytes_then_floored(void **state)
{
    (void)state;
    struct sys_host host = {0};
    assert_int_equal(sys_host_network(base_bytes_text(proc_net_dev), &host),
                     ERR_OK);
    assert_int_equal(host.net_received_kib, 2);
    assert_int_equal(host.net_sent_kib, 3);
}

static void
another_text_is_refused(void **state)
{
    (void)state;
    struct sys_host host = {0};
    struct bytes text = base_bytes_text("a\nb\nc d\n");
    assert_int_equal(sys_host_stat(text, 100, &host), ERR_SYNTAX);
    assert_int_equal(sys_host_memory(text, &host), ERR_SYNTAX);
    assert_int_equal(sys_host_disks(text, only_whole, NULL, &host), ERR_SYNTAX);
    assert_int_equal(sys_host_network(text, &host), ERR_SYNTAX);
    assert_int_equal(sys_host_stat(base_bytes(NULL, 0), 100, &host),
                     ERR_SYNTAX);
}

static void
this_machine_can_be_read(void **state)
{
    (void)state;
    struct sys_host host = {0};
    int64_t rss_kib = 0, cpu_us = -1;
    assert_int_equal(sys_host_read("", ".", &host), ERR_OK);
    assert_true(host.cpu_all_centis >= host.cpu_busy_centis);
    assert_true(host.memory_size_kib > host.memory_used_kib);
    assert_true(host.filesystem_size_kib >= host.filesystem_used_kib);
    assert_int_equal(sys_host_read("/nowhere", ".", &host), ERR_IO);
    assert_int_equal(sys_host_self(&rss_kib, &cpu_us), ERR_OK);
    assert_true(rss_kib > 100 && cpu_us >= 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guest_time_is_not_counted_twice),
        cmocka_unit_test(used_memory_is_what_is_not_available),
        cmocka_unit_test(whole_devices_are_added_in_sectors_then_floored),
        cmocka_unit_test(every_interface_but_lo_is_added_in_bytes_then_floored),
        cmocka_unit_test(another_text_is_refused),
        cmocka_unit_test(this_machine_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
