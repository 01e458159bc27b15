/* fault_shim_test.c -- each fault of libfault.so really happens.
 *
 * The test runs itself again below the shim, as "probe NAME FILE", kills it or
 * lets it end, and looks at the file without the shim.  FAULT_LIB names the
 * library. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base_mem.h"

enum { BLOCK = 2048, ROOM = 8 * BLOCK };

static const char *self_path;
static char folder[64];
static uint8_t found[ROOM]; /* in the file, after the last run */

/* ---- probes: what runs below the shim ---- */

static void
check(bool holds, int line)
{
    if (holds)
        return;
    fprintf(stderr, "probe: line %d: %s\n", line, strerror(errno));
    exit(99);
}

static int
probe_open(const char *path, int flags)
{
    int fd = open(path, O_RDWR | O_CREAT | flags, 0600);
    check(fd >= 0, __LINE__);
    return fd;
}

static ssize_t
probe_put(int fd, char what, int block)
{
    char data[BLOCK];
    memset(data, what, sizeof data);
    return pwrite(fd, data, sizeof data, (off_t)block * BLOCK);
}

static bool
probe_sees(int fd, char what, int block)
{
    char data[BLOCK], wanted[BLOCK];
    memset(wanted, what, sizeof wanted);
    return pread(fd, data, sizeof data, (off_t)block * BLOCK) == BLOCK &&
           memcmp(data, wanted, BLOCK) == 0;
}

static void
probe_die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* a is synced, b and c are not; all are seen. */
static void
probe_unsynced(const char *path)
{
    int fd = probe_open(path, 0);
    check(probe_put(fd, 'a', 0) == BLOCK, __LINE__);
    check(fdatasync(fd) == 0, __LINE__);
    check(probe_put(fd, 'b', 0) == BLOCK, __LINE__);
    check(probe_put(fd, 'c', 1) == BLOCK, __LINE__);
    check(probe_sees(fd, 'b', 0) && probe_sees(fd, 'c', 1), __LINE__);
    check(lseek(fd, 0, SEEK_END) == 2 * BLOCK, __LINE__);
    close(fd);
    fd = probe_open(path, 0);
    check(probe_sees(fd, 'b', 0), __LINE__);
    probe_die();
}

static void
probe_exit(const char *path)
{
    int fd = probe_open(path, 0);
    check(probe_put(fd, 'a', 0) == BLOCK, __LINE__);
}

/* As LMDB does: at a place that moves, in parts, and then O_DSYNC. */
static void
probe_vectors(const char *path)
{
    int fd = probe_open(path, 0), meta = probe_open(path, O_DSYNC);
    char a[BLOCK], b[BLOCK];
    memset(a, 'a', sizeof a);
    memset(b, 'b', sizeof b);
    struct iovec parts[] = {{a, sizeof a}, {b, sizeof b}};
    check(lseek(fd, BLOCK, SEEK_SET) == BLOCK, __LINE__);
    check(writev(fd, parts, 2) == 2 * BLOCK, __LINE__);
    check(write(fd, a, sizeof a) == BLOCK, __LINE__);
    check(probe_sees(fd, 'b', 2) && probe_sees(fd, 'a', 3), __LINE__);
    check(fdatasync(fd) == 0, __LINE__);
    check(write(fd, b, sizeof b) == BLOCK, __LINE__); /* lost */
    check(probe_put(meta, 'm', 0) == BLOCK, __LINE__);
    probe_die();
}

static void
probe_map(const char *path)
{
    int fd = probe_open(path, 0);
    check(probe_put(fd, 'a', 0) == BLOCK, __LINE__);
    const char *at = mmap(NULL, BLOCK, PROT_READ, MAP_SHARED, fd, 0);
    check(at != MAP_FAILED && at[0] == 'a' && at[BLOCK - 1] == 'a', __LINE__);
}

/* The second sync fails; what it was for is lost, though the third is well. */
static void
probe_sync_fails(const char *path)
{
    int fd = probe_open(path, 0);
    check(probe_put(fd, 'a', 0) == BLOCK && fdatasync(fd) == 0, __LINE__);
    check(probe_put(fd, 'b', 0) == BLOCK, __LINE__);
    check(fdatasync(fd) == -1 && errno == EIO, __LINE__);
    check(probe_sees(fd, 'b', 0), __LINE__);
    check(probe_put(fd, 'c', 1) == BLOCK && fdatasync(fd) == 0, __LINE__);
    probe_die();
}

static void
probe_full(const char *path)
{
    int fd = probe_open(path, 0);
    for (int i = 1; i <= 5; i++) {
        bool full = i == 3 || i == 4;
        ssize_t put = probe_put(fd, 'a', i);
        check(full ? put == -1 && errno == ENOSPC : put == BLOCK, __LINE__);
    }
}

static void
probe_full_file(const char *path)
{
    struct statvfs about;
    char other[128];
    const char *control = getenv("FAULT_ENOSPC_FILE");
    int fd = probe_open(path, 0);
    check(probe_put(fd, 'a', 0) == BLOCK, __LINE__);
    close(open(control, O_CREAT | O_WRONLY, 0600));
    check(probe_put(fd, 'b', 0) == -1 && errno == ENOSPC, __LINE__);
    check(fallocate(fd, 0, 0, ROOM) == -1 && errno == ENOSPC, __LINE__);
    check(posix_fallocate(fd, 0, ROOM) == ENOSPC, __LINE__);
    check(statvfs(folder, &about) == 0 && about.f_bavail == 0, __LINE__);
    snprintf(other, sizeof other, "%s.other", path);
    check(open(other, O_CREAT | O_WRONLY, 0600) == -1 && errno == ENOSPC,
          __LINE__);
    unlink(control);
    check(probe_put(fd, 'c', 0) == BLOCK, __LINE__);
    check(fallocate(fd, 0, 0, ROOM) == 0, __LINE__);
    check(statvfs(folder, &about) == 0 && about.f_bavail > 0, __LINE__);
}

static void
probe_cut(const char *path)
{
    int fd = probe_open(path, 0);
    check(probe_put(fd, 'a', 0) == BLOCK, __LINE__);
    check(probe_put(fd, 'b', 1) == BLOCK, __LINE__);
    check(ftruncate(fd, BLOCK) == 0, __LINE__);
    check(fallocate(fd, 0, 0, 2 * BLOCK) == 0, __LINE__);
    check(probe_sees(fd, 'a', 0) && probe_sees(fd, 0, 1), __LINE__);
    check(fdatasync(fd) == 0, __LINE__);
    probe_die();
}

static const struct {
    const char *name;
    void (*run)(const char *path);
} probes[] = {
    {"unsynced", probe_unsynced},     {"exit", probe_exit},
    {"vectors", probe_vectors},       {"map", probe_map},
    {"sync_fails", probe_sync_fails}, {"full", probe_full},
    {"full_file", probe_full_file},   {"cut", probe_cut},
};

static int
probe_main(const char *name, const char *path)
{
    for (size_t i = 0; i < BASE_COUNT(probes); i++)
        if (strcmp(probes[i].name, name) == 0) {
            probes[i].run(path);
            return 0;
        }
    return 98;
}

/* ---- running them ---- */

struct run {
    char path[128], log[128];
    size_t size;
    int status;
    bool faulted; /* something is in the log */
};

/* settings: NAME=value, ..., NULL. */
static struct run
run_probe(const char *probe, const char *const *settings)
{
    struct run run = {0};
    memset(found, 0, sizeof found);
    snprintf(run.path, sizeof run.path, "%s/data.mdb", folder);
    snprintf(run.log, sizeof run.log, "%s/log", folder);
    unlink(run.path);
    unlink(run.log);
    pid_t child = fork();
    if (child == 0) {
        setenv("LD_PRELOAD", getenv("FAULT_LIB"), 1);
        setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", 1);
        setenv("FAULT_PATHS", "/journal/:data.mdb", 1);
        setenv("FAULT_LOG", run.log, 1);
        for (; settings && *settings; settings++)
            putenv((char *)(uintptr_t)*settings);
        execl(self_path, self_path, "probe", probe, run.path, folder, NULL);
        _exit(97);
    }
    waitpid(child, &run.status, 0);
    int fd = open(run.path, O_RDONLY);
    if (fd >= 0)
        run.size = (size_t)read(fd, found, sizeof found);
    close(fd);
    run.faulted = access(run.log, F_OK) == 0;
    unlink(run.path);
    unlink(run.log);
    return run;
}

static void
assert_block(int block, char what)
{
    for (size_t i = 0; i < BLOCK; i++)
        assert_int_equal(found[(size_t)block * BLOCK + i], what);
}

static void
assert_killed(const struct run *run)
{
    assert_true(WIFSIGNALED(run->status));
    assert_int_equal(WTERMSIG(run->status), SIGKILL);
}

static void
assert_ended(const struct run *run)
{
    assert_true(WIFEXITED(run->status));
    assert_int_equal(WEXITSTATUS(run->status), 0);
}

static void
a_kill_loses_what_was_not_synced(void **state)
{
    (void)state;
    struct run run = run_probe("unsynced", NULL);
    assert_killed(&run);
    assert_int_equal(run.size, 2 * BLOCK);
    assert_block(0, 'a');
    assert_block(1, 0);
    assert_false(run.faulted);
}

static void
an_orderly_end_loses_nothing(void **state)
{
    (void)state;
    struct run run = run_probe("exit", NULL);
    assert_ended(&run);
    assert_block(0, 'a');
}

static void
all_ways_of_writing_are_held_back(void **state)
{
    (void)state;
    struct run run = run_probe("vectors", NULL);
    assert_killed(&run);
    assert_block(0, 'm');
    assert_block(1, 'a');
    assert_block(2, 'b');
    assert_block(3, 'a');
    assert_block(4, 0);
}

static void
a_map_sees_what_was_written_before_it(void **state)
{
    (void)state;
    struct run run = run_probe("map", NULL);
    assert_ended(&run);
}

static void
a_cut_file_stays_cut(void **state)
{
    (void)state;
    struct run run = run_probe("cut", NULL);
    assert_killed(&run);
    assert_block(0, 'a');
    assert_block(1, 0);
}

/* How many bytes of block 0 are new, and whether they are its beginning. */
static size_t
torn_bytes(bool *ret_prefix)
{
    size_t count = 0;
    while (count < BLOCK && found[count] == 'b')
        count++;
    *ret_prefix = true;
    size_t all = count;
    for (size_t i = count; i < BLOCK; i++) {
        if (found[i] == 'b') {
            *ret_prefix = false;
            all++;
        }
    }
    return all;
}

static void
a_torn_write_is_cut_at_many_places(void **state)
{
    (void)state;
    unsigned inside = 0, whole_and_more = 0;
    for (int seed = 1; seed <= 20; seed++) {
        char text[32];
        snprintf(text, sizeof text, "FAULT_SEED=%d", seed);
        const char *settings[] = {"FAULT_TEAR=1", text, NULL};
        struct run run = run_probe("unsynced", settings);
        assert_killed(&run);
        assert_true(run.faulted);
        bool prefix;
        size_t torn = torn_bytes(&prefix);
        assert_true(prefix);
        inside += torn > 0 && torn < BLOCK;
        whole_and_more += found[BLOCK] == 'c';
    }
    assert_true(inside >= 5);
    assert_true(whole_and_more >= 2);
}

static void
scattered_sectors_survive(void **state)
{
    (void)state;
    unsigned holes = 0;
    for (int seed = 1; seed <= 20; seed++) {
        char text[32];
        snprintf(text, sizeof text, "FAULT_SEED=%d", seed);
        const char *settings[] = {"FAULT_SCATTER=2", text, NULL};
        struct run run = run_probe("unsynced", settings);
        assert_killed(&run);
        bool prefix;
        size_t torn = torn_bytes(&prefix);
        assert_int_equal(torn % 512, 0);
        holes += !prefix;
    }
    assert_true(holes >= 3);
}

static void
a_failed_sync_loses_and_the_next_one_lies(void **state)
{
    (void)state;
    const char *settings[] = {"FAULT_SYNC_FAIL_AT=2", NULL};
    struct run run = run_probe("sync_fails", settings);
    assert_killed(&run);
    assert_true(run.faulted);
    assert_block(0, 'a');
    assert_block(1, 'c');
}

static void
chosen_writes_find_no_space(void **state)
{
    (void)state;
    const char *settings[] = {"FAULT_ENOSPC_AT=3..4", NULL};
    struct run run = run_probe("full", settings);
    assert_ended(&run);
    assert_true(run.faulted);
    assert_block(3, 0);
    assert_block(5, 'a');
}

static void
a_control_file_fills_the_disk(void **state)
{
    (void)state;
    char text[128];
    snprintf(text, sizeof text, "FAULT_ENOSPC_FILE=%s/full", folder);
    const char *settings[] = {text, NULL};
    struct run run = run_probe("full_file", settings);
    assert_ended(&run);
    assert_block(0, 'c');
}

static void
the_power_fails_at_the_chosen_step(void **state)
{
    (void)state;
    for (int step = 1; step <= 4; step++) {
        char text[32];
        snprintf(text, sizeof text, "FAULT_KILL_AT=%d", step);
        const char *settings[] = {text, NULL};
        struct run run = run_probe("unsynced", settings);
        assert_killed(&run);
        /* write a, sync, write b, write c: a is there from step 3 on */
        assert_int_equal(found[0], step >= 3 ? 'a' : 0);
        assert_true(run.faulted);
    }
}

static void
other_paths_are_left_alone(void **state)
{
    (void)state;
    const char *settings[] = {"FAULT_PATHS=/nothing/", "FAULT_TEAR=1",
                              "FAULT_ENOSPC_AT=1..99", NULL};
    struct run run = run_probe("unsynced", settings);
    assert_killed(&run);
    assert_block(0, 'b');
    assert_block(1, 'c');
    assert_false(run.faulted);
}

int
main(int count, char **words)
{
    if (count == 5 && strcmp(words[1], "probe") == 0) {
        snprintf(folder, sizeof folder, "%s", words[4]);
        return probe_main(words[2], words[3]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_loses_what_was_not_synced),
        cmocka_unit_test(an_orderly_end_loses_nothing),
        cmocka_unit_test(all_ways_of_writing_are_held_back),
        cmocka_unit_test(a_map_sees_what_was_written_before_it),
        cmocka_unit_test(a_cut_file_stays_cut),
        cmocka_unit_test(a_torn_write_is_cut_at_many_places),
        cmocka_unit_test(scattered_sectors_survive),
        cmocka_unit_test(a_failed_sync_loses_and_the_next_one_lies),
        cmocka_unit_test(chosen_writes_find_no_space),
        cmocka_unit_test(a_control_file_fills_the_disk),
        cmocka_unit_test(the_power_fails_at_the_chosen_step),
        cmocka_unit_test(other_paths_are_left_alone),
    };
    if (!getenv("FAULT_LIB")) {
        fprintf(stderr, "FAULT_LIB is not set\n");
        return 77;
    }
    self_path = words[0];
    strcpy(folder, "/tmp/fault_shim_test.XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(folder);
    return result;
}
