/* fault_files_test.c -- the faulty disk keeps its own word. */
#include "fault/fault_files.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { SIZE = 1100, GIB = 1 << 30 };

struct world {
    struct fault_files *disk;
    struct sys_files *files;
    struct sys_file *file; /* /d/f */
};

static void
world_open(struct world *world)
{
    assert_int_equal(world->files->ops->open(world->files, "/d/f",
                                             SYS_FILE_WRITE, &world->file),
                     ERR_OK);
}

static void
world_init(struct world *world, uint64_t seed)
{
    world->disk = fault_files_new(seed);
    world->files = fault_files_base(world->disk);
    assert_int_equal(sys_file_folders(world->files, "/d"), ERR_OK);
    world_open(world);
    assert_int_equal(world->files->ops->sync_folder(world->files, "/d"),
                     ERR_OK);
}

static void
world_done(struct world *world)
{
    world->files->ops->shut(world->files, world->file);
    fault_files_free(world->disk);
}

static enum err
put(struct world *world, uint64_t offset, char what)
{
    uint8_t data[SIZE];
    memset(data, what, sizeof data);
    return world->files->ops->write(world->files, world->file, offset,
                                    base_bytes(data, sizeof data));
}

static enum err
sync_file(struct world *world)
{
    return world->files->ops->sync(world->files, world->file);
}

/* The file's bytes; how many. */
static size_t
get(struct world *world, uint8_t *to, size_t size)
{
    size_t got = 0;
    assert_int_equal(
        world->files->ops->read(world->files, world->file, 0, to, size, &got),
        ERR_OK);
    return got;
}

static void
crash(struct world *world, enum fault_files_loss loss)
{
    fault_files_crash(world->disk, loss);
    assert_int_equal(put(world, 0, 'x'), ERR_IO);
    world->files->ops->shut(world->files, world->file);
    world_open(world);
}

static size_t
count_of(const uint8_t *data, size_t size, char what)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += data[i] == (uint8_t)what;
    return count;
}

static void
what_is_synced_survives_any_loss(void **state)
{
    (void)state;
    for (unsigned loss = FAULT_FILES_TAIL; loss <= FAULT_FILES_NONE; loss++) {
        struct world world;
        uint8_t data[3 * SIZE];
        world_init(&world, loss + 1);
        assert_int_equal(put(&world, 0, 'a'), ERR_OK);
        assert_int_equal(sync_file(&world), ERR_OK);
        assert_int_equal(put(&world, SIZE, 'b'), ERR_OK);
        assert_int_equal(get(&world, data, sizeof data), 2 * SIZE);
        crash(&world, (enum fault_files_loss)loss);
        size_t got = get(&world, data, sizeof data);
        assert_int_equal(count_of(data, SIZE, 'a'), SIZE);
        if (loss == FAULT_FILES_ALL)
            assert_int_equal(got, SIZE);
        if (loss == FAULT_FILES_NONE)
            assert_int_equal(got, 2 * SIZE);
        world_done(&world);
    }
}

static void
a_tail_is_cut_anywhere_in_order(void **state)
{
    (void)state;
    unsigned none = 0, all = 0, inside = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct world world;
        uint8_t data[2 * SIZE] = {0};
        world_init(&world, seed);
        assert_int_equal(put(&world, 0, 'a'), ERR_OK);
        assert_int_equal(put(&world, SIZE, 'b'), ERR_OK);
        crash(&world, FAULT_FILES_TAIL);
        size_t got = get(&world, data, sizeof data);
        size_t a = count_of(data, got, 'a'), b = count_of(data, got, 'b');
        assert_int_equal(a + b, got);
        if (b > 0)
            assert_int_equal(a, SIZE);
        none += got == 0;
        all += got == 2 * SIZE;
        inside += got % SIZE != 0;
        world_done(&world);
    }
    assert_true(inside > 10 && all > 5 && none < 30);
}

static void
any_sectors_of_a_write_survive(void **state)
{
    (void)state;
    unsigned holes = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct world world;
        uint8_t data[SIZE];
        world_init(&world, seed);
        assert_int_equal(put(&world, 0, 'a'), ERR_OK);
        assert_int_equal(sync_file(&world), ERR_OK);
        assert_int_equal(put(&world, 0, 'b'), ERR_OK);
        crash(&world, FAULT_FILES_SECTORS);
        assert_int_equal(get(&world, data, sizeof data), SIZE);
        for (size_t at = 0; at < SIZE; at += 512) {
            size_t size = SIZE - at < 512 ? SIZE - at : 512;
            size_t b = count_of(data + at, size, 'b');
            assert_true(b == 0 || b == size);
            holes += at > 0 && b == size && data[at - 1] == 'a';
        }
        world_done(&world);
    }
    assert_true(holes > 5);
}

static void
names_are_kept_by_sync_folder_in_order(void **state)
{
    (void)state;
    unsigned seen[3] = {0};
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct world world;
        struct sys_file *file;
        world_init(&world, seed);
        const struct sys_files_ops *ops = world.files->ops;
        assert_int_equal(ops->rename(world.files, "/d/f", "/d/g"), ERR_OK);
        assert_int_equal(ops->rename(world.files, "/d/g", "/d/h"), ERR_OK);
        fault_files_crash(world.disk, FAULT_FILES_TAIL);
        static const char *const names[] = {"/d/f", "/d/g", "/d/h"};
        unsigned count = 0;
        for (unsigned i = 0; i < 3; i++)
            if (ops->open(world.files, names[i], SYS_FILE_READ, &file) ==
                ERR_OK) {
                ops->shut(world.files, file);
                seen[i]++;
                count++;
            }
        assert_int_equal(count, 1);
        world_done(&world);
    }
    assert_true(seen[0] > 3 && seen[1] > 3 && seen[2] > 3);
}

static void
rules_hit_the_calls_they_name(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 1);
    fault_files_rule(world.disk,
                     &(struct fault_files_rule){.call = FAULT_FILES_WRITE,
                                                .path = "/f",
                                                .from = 2,
                                                .to = 3,
                                                .err = ERR_FULL});
    fault_files_rule(world.disk,
                     &(struct fault_files_rule){
                         .call = FAULT_FILES_SYNC, .from = 2, .err = ERR_IO});
    static const enum err writes[] = {ERR_OK, ERR_FULL, ERR_FULL, ERR_OK};
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(put(&world, 0, 'a'), writes[i]);
    assert_int_equal(sync_file(&world), ERR_OK);
    assert_int_equal(sync_file(&world), ERR_IO);
    assert_int_equal(sync_file(&world), ERR_IO);
    fault_files_clear(world.disk);
    assert_int_equal(sync_file(&world), ERR_OK);
    assert_int_equal(fault_files_count(world.disk, FAULT_FILES_SYNC), 4);
    world_done(&world);
}

static void
the_disk_fills_up(void **state)
{
    (void)state;
    struct world world;
    uint64_t free_bytes, size;
    world_init(&world, 1);
    const struct sys_files_ops *ops = world.files->ops;
    fault_files_space(world.disk, GIB, GIB - 10000);
    assert_int_equal(ops->reserve(world.files, world.file, 20000), ERR_FULL);
    assert_int_equal(ops->reserve(world.files, world.file, 9000), ERR_OK);
    ops->space(world.files, "/d", &free_bytes, &size);
    assert_int_equal(free_bytes, 1000);
    assert_int_equal(put(&world, 0, 'a'), ERR_OK); /* it has its space */
    assert_int_equal(put(&world, 9000, 'a'), ERR_FULL);
    world_done(&world);
}

static void
after_the_power_is_off_nothing_works(void **state)
{
    (void)state;
    struct world world;
    uint8_t data[SIZE];
    world_init(&world, 1);
    fault_files_off_at(world.disk, 3);
    assert_int_equal(put(&world, 0, 'a'), ERR_OK);
    assert_int_equal(sync_file(&world), ERR_OK);
    assert_int_equal(put(&world, 0, 'b'), ERR_IO);
    assert_true(fault_files_is_off(world.disk));
    assert_int_equal(sync_file(&world), ERR_IO);
    crash(&world, FAULT_FILES_NONE);
    assert_int_equal(get(&world, data, sizeof data), SIZE);
    assert_int_equal(count_of(data, SIZE, 'a'), SIZE);
    world_done(&world);
}

static void
a_writer_locks_its_file_until_the_power_fails(void **state)
{
    (void)state;
    struct world world;
    struct sys_file *second;
    world_init(&world, 1);
    const struct sys_files_ops *ops = world.files->ops;
    assert_int_equal(ops->open(world.files, "/d/f", SYS_FILE_WRITE, &second),
                     ERR_BUSY);
    crash(&world, FAULT_FILES_ALL);
    assert_true(fault_files_rot(world.disk, "/d/f", 0, 1) == false);
    assert_int_equal(put(&world, 0, 'a'), ERR_OK);
    assert_true(fault_files_rot(world.disk, "/d/f", 0, 1));
    world_done(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_synced_survives_any_loss),
        cmocka_unit_test(a_tail_is_cut_anywhere_in_order),
        cmocka_unit_test(any_sectors_of_a_write_survive),
        cmocka_unit_test(names_are_kept_by_sync_folder_in_order),
        cmocka_unit_test(rules_hit_the_calls_they_name),
        cmocka_unit_test(the_disk_fills_up),
        cmocka_unit_test(after_the_power_is_off_nothing_works),
        cmocka_unit_test(a_writer_locks_its_file_until_the_power_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
