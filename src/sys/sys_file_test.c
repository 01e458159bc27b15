/* sys_file_test.c -- the kernel's files in a folder of their own. */
#include "sys/sys_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "base/base_mem.h"

/* A fresh folder, and a path in it. */
struct place {
    char folder[64], path[128];
    struct sys_files *files;
    const struct sys_files_ops *ops;
};

static int
place_made(void **state)
{
    struct place *place = base_mem_zero(sizeof *place);
    strcpy(place->folder, "/tmp/sys_file_test.XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    place->files = sys_file_real();
    place->ops = place->files->ops;
    *state = place;
    return 0;
}

static const char *
in(struct place *place, const char *name)
{
    strcpy(place->path, place->folder);
    strcat(place->path, "/");
    return strcat(place->path, name);
}

static void
emptied(struct place *place, const char *folder)
{
    struct base_arena arena;
    char **names = NULL;
    size_t count = 0;
    base_arena_init(&arena, 1 << 20);
    if (place->ops->list(place->files, folder, &arena, &names, &count) ==
        ERR_OK)
        for (size_t i = 0; i < count; i++)
            emptied(place,
                    base_arena_format(&arena, "%s/%s", folder, names[i]));
    place->ops->remove(place->files, folder);
    base_arena_done(&arena);
}

static int
place_gone(void **state)
{
    struct place *place = *state;
    emptied(place, place->folder);
    base_mem_free(place);
    return 0;
}

static void
what_is_written_is_read_and_mapped(void **state)
{
    struct place *place = *state;
    struct sys_file *file;
    const uint8_t *map;
    uint8_t room[16];
    size_t got = 0;
    uint64_t size = 0;
    assert_int_equal(
        place->ops->open(place->files, in(place, "a"), SYS_FILE_CREATE, &file),
        ERR_OK);
    assert_int_equal(
        place->ops->write(place->files, file, 3, base_bytes_text("pump")),
        ERR_OK);
    assert_int_equal(place->ops->sync(place->files, file), ERR_OK);
    assert_int_equal(place->ops->size(place->files, file, &size), ERR_OK);
    assert_int_equal(size, 7);
    assert_int_equal(
        place->ops->read(place->files, file, 1, room, sizeof room, &got),
        ERR_OK);
    assert_int_equal(got, 6);
    assert_memory_equal(room, "\0\0pump", 6);
    assert_int_equal(place->ops->map(place->files, file, 7, &map), ERR_OK);
    assert_memory_equal(map + 3, "pump", 4);
    place->ops->unmap(place->files, map, 7);
    assert_int_equal(place->ops->map(place->files, file, 0, &map), ERR_RANGE);
    assert_int_equal(place->ops->truncate(place->files, file, 4), ERR_OK);
    assert_int_equal(place->ops->size(place->files, file, &size), ERR_OK);
    assert_int_equal(size, 4);
    place->ops->shut(place->files, file);
    place->ops->shut(place->files, NULL);
}

static void
space_is_reserved_or_the_disk_is_full(void **state)
{
    struct place *place = *state;
    struct sys_file *file;
    uint64_t size = 0, space_free = 0, space = 0;
    assert_int_equal(
        place->ops->open(place->files, in(place, "a"), SYS_FILE_WRITE, &file),
        ERR_OK);
    assert_int_equal(place->ops->reserve(place->files, file, 100000), ERR_OK);
    assert_int_equal(place->ops->reserve(place->files, file, 10), ERR_OK);
    assert_int_equal(place->ops->size(place->files, file, &size), ERR_OK);
    assert_int_equal(size, 100000);
    assert_int_equal(
        place->ops->space(place->files, place->folder, &space_free, &space),
        ERR_OK);
    assert_true(space_free > 0 && space_free <= space);
    enum err err = place->ops->reserve(place->files, file, space + space);
    assert_true(err == ERR_FULL || err == ERR_BIG);
    place->ops->shut(place->files, file);
}

static void
errors_say_what_was_in_the_way(void **state)
{
    struct place *place = *state;
    struct sys_file *file, *other;
    struct base_arena arena;
    char **names;
    size_t count;
    base_arena_init(&arena, 4096);
    assert_int_equal(
        place->ops->open(place->files, in(place, "none"), SYS_FILE_READ, &file),
        ERR_ABSENT);
    assert_int_equal(place->ops->list(place->files, in(place, "none"), &arena,
                                      &names, &count),
                     ERR_ABSENT);
    assert_int_equal(place->ops->remove(place->files, in(place, "none")),
                     ERR_ABSENT);
    assert_int_equal(
        place->ops->open(place->files, in(place, "a"), SYS_FILE_WRITE, &file),
        ERR_OK);
    assert_int_equal(
        place->ops->open(place->files, in(place, "a"), SYS_FILE_CREATE, &other),
        ERR_EXISTS);
    assert_int_equal(
        place->ops->open(place->files, in(place, "a"), SYS_FILE_WRITE, &other),
        ERR_BUSY);
    assert_int_equal(
        place->ops->open(place->files, in(place, "a"), SYS_FILE_READ, &other),
        ERR_OK);
    place->ops->shut(place->files, other);
    place->ops->shut(place->files, file);
    assert_int_equal(place->ops->make_folder(place->files, in(place, "a")),
                     ERR_EXISTS);
    base_arena_done(&arena);
}

static void
folders_are_made_on_the_way_and_listed_in_order(void **state)
{
    struct place *place = *state;
    struct base_arena arena;
    char **names = NULL, *deep;
    size_t count = 7;
    static const char *const made[] = {"b", "a", "B", "10", "9"};
    base_arena_init(&arena, 4096);
    assert_int_equal(sys_file_folders(place->files, in(place, "x//y/z/")),
                     ERR_OK);
    assert_int_equal(sys_file_folders(place->files, in(place, "x/y/z")),
                     ERR_OK);
    deep = base_arena_format(&arena, "%s/x/y/z", place->folder);
    assert_int_equal(
        place->ops->list(place->files, deep, &arena, &names, &count), ERR_OK);
    assert_int_equal(count, 0);
    for (size_t i = 0; i < BASE_COUNT(made); i++)
        assert_int_equal(place->ops->make_folder(
                             place->files,
                             base_arena_format(&arena, "%s/%s", deep, made[i])),
                         ERR_OK);
    assert_int_equal(
        place->ops->list(place->files, deep, &arena, &names, &count), ERR_OK);
    static const char *const sorted[] = {"10", "9", "B", "a", "b"};
    assert_int_equal(count, BASE_COUNT(sorted));
    for (size_t i = 0; i < count; i++)
        assert_string_equal(names[i], sorted[i]);
    struct base_arena small;
    base_arena_init(&small, 32);
    assert_int_equal(
        place->ops->list(place->files, deep, &small, &names, &count),
        ERR_LIMIT);
    base_arena_done(&small);
    base_arena_done(&arena);
}

static void
a_saved_file_is_whole_and_private_if_asked(void **state)
{
    struct place *place = *state;
    struct base_arena arena;
    struct bytes data;
    struct stat about;
    base_arena_init(&arena, 4096);
    in(place, "key");
    assert_int_equal(
        sys_file_save(place->files, place->path, base_bytes_text("old"), false),
        ERR_OK);
    assert_int_equal(sys_file_save(place->files, place->path,
                                   base_bytes_text("newer"), true),
                     ERR_OK);
    assert_int_equal(stat(place->path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(sys_file_load(place->files, place->path, 5, &arena, &data),
                     ERR_OK);
    assert_true(base_bytes_is(data, "newer"));
    assert_int_equal(sys_file_load(place->files, place->path, 4, &arena, &data),
                     ERR_BIG);
    assert_int_equal(
        sys_file_load(place->files, in(place, "key.new"), 4, &arena, &data),
        ERR_ABSENT);
    assert_int_equal(sys_file_save(place->files, in(place, "none/key"),
                                   base_bytes_text("x"), false),
                     ERR_ABSENT);
    assert_int_equal(sys_file_save(place->files, in(place, "empty"),
                                   base_bytes(NULL, 0), false),
                     ERR_OK);
    assert_int_equal(sys_file_load(place->files, place->path, 4, &arena, &data),
                     ERR_OK);
    assert_int_equal(data.size, 0);
    assert_int_equal(place->ops->sync_folder(place->files, place->folder),
                     ERR_OK);
    base_arena_done(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read_and_mapped,
                                        place_made, place_gone),
        cmocka_unit_test_setup_teardown(space_is_reserved_or_the_disk_is_full,
                                        place_made, place_gone),
        cmocka_unit_test_setup_teardown(errors_say_what_was_in_the_way,
                                        place_made, place_gone),
        cmocka_unit_test_setup_teardown(
            folders_are_made_on_the_way_and_listed_in_order, place_made,
            place_gone),
        cmocka_unit_test_setup_teardown(
            a_saved_file_is_whole_and_private_if_asked, place_made, place_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
