#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/base_mem.h"
#include "base/base_rng.h"
#include "fault/fault_files.h"
#include "store/store_ts_segment.h"

struct test_file {
    struct fault_files *disk;
    struct sys_file *file;
    struct store_ts_segment_writer writer;
    uint8_t bytes[1 << 18];
    size_t size;
    struct store_ts_segment_column column;
};

static struct test_file *
file_begin(void)
{
    struct test_file *test = base_mem_zero(sizeof *test);
    test->disk = fault_files_new(1);
    struct sys_files *files = fault_files_base(test->disk);
    assert_int_equal(
        files->ops->open(files, "/s", SYS_FILE_CREATE, &test->file), ERR_OK);
    store_ts_segment_begin(
        &test->writer, files, test->file,
        &(struct store_ts_segment_about){.id = 9,
                                         .shard = 2,
                                         .store = (const uint8_t *)"0123456789"
                                                                   "abcdef",
                                         .sequence = 77,
                                         .t0 = -1});
    return test;
}

static void
file_end(struct test_file *test, struct store_ts_segment *ret_segment)
{
    struct sys_files *files = fault_files_base(test->disk);
    uint64_t bytes;
    uint32_t check;
    assert_int_equal(store_ts_segment_end(&test->writer, &bytes, &check),
                     ERR_OK);
    assert_int_equal(files->ops->read(files, test->file, 0, test->bytes,
                                      sizeof test->bytes, &test->size),
                     ERR_OK);
    assert_int_equal(test->size, bytes);
    assert_int_equal(
        store_ts_segment_open(base_bytes(test->bytes, test->size), ret_segment),
        ERR_OK);
    assert_int_equal(ret_segment->check, check);
    assert_int_equal(ret_segment->id, 9);
    assert_int_equal(ret_segment->shard, 2);
    assert_int_equal(ret_segment->sequence, 77);
}

static void
file_free(struct test_file *test)
{
    struct sys_files *files = fault_files_base(test->disk);
    files->ops->shut(files, test->file);
    fault_files_free(test->disk);
    base_mem_free(test);
}

static struct num
decimal(int64_t mantissa, uint8_t exponent)
{
    return (struct num){
        .mantissa = mantissa, .exponent = exponent, .kind = BASE_NUM_DECIMAL};
}

static void
assert_cell(struct test_file *test, const struct store_ts_segment *segment,
            uint32_t group, uint32_t metric, int64_t t, struct num want)
{
    struct store_ts_segment_block block;
    for (uint32_t i = store_ts_segment_find(segment, group);
         i < segment->blocks; i++) {
        struct store_ts_segment_entry entry =
            store_ts_segment_entry(segment, i);
        assert_int_equal(entry.group, group);
        if (t < entry.t0 || t > entry.t1)
            continue;
        assert_int_equal(store_ts_segment_block(segment, &entry, &block),
                         ERR_OK);
        assert_int_equal(store_ts_segment_column(&block, metric, &test->column),
                         ERR_OK);
        for (uint32_t k = 0; k < test->column.count; k++)
            if (test->column.t[k] == t) {
                struct num got = test->column.values[k];
                assert_int_equal(got.kind, want.kind);
                if (got.kind == BASE_NUM_DECIMAL)
                    assert_int_equal(base_num_compare(got, want), 0);
                else
                    assert_int_equal(got.mantissa, want.mantissa);
                return;
            }
    }
    fail_msg("no value of %u/%u at %ld", group, metric, t);
}

static void
every_value_comes_back(void **state)
{
    (void)state;
    struct test_file *test = file_begin();
    struct base_rng rng;
    base_rng_seed(&rng, 5);
    enum { CELLS = 6000 };
    struct store_ts_segment_cell *cells = base_mem_new(CELLS * sizeof *cells);
    int64_t t = -1000;
    for (size_t i = 0; i < CELLS; i += 2) {
        t += 1 + (int64_t)base_rng_below(&rng, 9);
        cells[i] = (struct store_ts_segment_cell){
            .t = t,
            .metric = 3,
            .value = decimal((int64_t)base_rng_next(&rng) >> 24,
                             (uint8_t)base_rng_below(&rng, 3))};
        cells[i + 1] = cells[i];
        cells[i + 1].metric = i % 3 ? 4 : 8;
        if (base_rng_below(&rng, 5) == 0)
            cells[i + 1].value =
                base_num_double(base_rng_below(&rng, 2) ? 0.1 + 0.2 : -0.0);
    }
    store_ts_segment_group(&test->writer, 11, cells, CELLS);
    store_ts_segment_group(&test->writer, 12, cells, 1);
    struct store_ts_segment segment;
    file_end(test, &segment);
    assert_int_equal(segment.blocks, 4);
    for (size_t i = 0; i < CELLS; i += 1 + i % 17)
        assert_cell(test, &segment, 11, cells[i].metric, cells[i].t,
                    cells[i].value);
    assert_cell(test, &segment, 12, 3, cells[0].t, cells[0].value);
    assert_int_equal(store_ts_segment_find(&segment, 13), segment.blocks);
    base_mem_free(cells);
    file_free(test);
}

static void
values_without_a_common_exponent_part_blocks_and_stay_exact(void **state)
{
    (void)state;
    struct test_file *test = file_begin();
    struct store_ts_segment_cell cells[5] = {
        {.t = 1, .value = decimal(123456789012345678, 0)},
        {.t = 2, .value = decimal(-5, 0)},
        {.t = 3, .value = decimal(7, 15)},
        {.t = 4, .value = decimal(123456789012345677, 0)},
        {.t = 5, .value = decimal(1, 3)},
    };
    store_ts_segment_group(&test->writer, 1, cells, 5);
    struct store_ts_segment segment;
    file_end(test, &segment);
    assert_true(segment.blocks > 1);
    for (unsigned i = 0; i < 5; i++)
        assert_cell(test, &segment, 1, 0, cells[i].t, cells[i].value);
    file_free(test);
}

static enum err
read_all(struct test_file *test, struct bytes file)
{
    struct store_ts_segment segment;
    enum err err = store_ts_segment_open(file, &segment);
    for (uint32_t i = 0; err == ERR_OK && i < segment.blocks; i++) {
        struct store_ts_segment_entry entry =
            store_ts_segment_entry(&segment, i);
        struct store_ts_segment_block block;
        err = store_ts_segment_block(&segment, &entry, &block);
        for (uint32_t m = 0; m < 2 && err == ERR_OK; m++)
            err = store_ts_segment_column(&block, m, &test->column);
    }
    return err;
}

static void
one_flipped_bit_anywhere_is_seen(void **state)
{
    (void)state;
    struct test_file *test = file_begin();
    struct store_ts_segment_cell cells[40];
    for (unsigned i = 0; i < 40; i++)
        cells[i] = (struct store_ts_segment_cell){
            .t = i / 2,
            .metric = i % 2,
            .value = i == 7 ? base_num_double(0.1 + 0.2) : decimal(i, 1)};
    store_ts_segment_group(&test->writer, 1, cells, 40);
    store_ts_segment_group(&test->writer, 2, cells, 20);
    struct store_ts_segment segment;
    file_end(test, &segment);
    struct bytes file = base_bytes(test->bytes, test->size);
    assert_int_equal(read_all(test, file), ERR_OK);
    for (size_t bit = 0; bit < file.size * 8; bit++) {
        test->bytes[bit / 8] = (uint8_t)(test->bytes[bit / 8] ^ 1u << bit % 8);
        assert_int_not_equal(read_all(test, file), ERR_OK);
        test->bytes[bit / 8] = (uint8_t)(test->bytes[bit / 8] ^ 1u << bit % 8);
    }
    for (size_t size = 0; size < file.size; size++)
        assert_int_equal(read_all(test, base_bytes(test->bytes, size)),
                         ERR_CORRUPT);
    file_free(test);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_comes_back),
        cmocka_unit_test(
            values_without_a_common_exponent_part_blocks_and_stay_exact),
        cmocka_unit_test(one_flipped_bit_anywhere_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
