/* model_cells_test.c -- cells told by codes, and what is wrong with others. */
#include "model/model_cells.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>

#include "model/model_source_test.h"

static void
sha256(struct bytes data, uint8_t to[32])
{
    assert_int_equal(
        EVP_Digest(data.at, data.size, to, NULL, EVP_sha256(), NULL), 1);
}

#define CODES "code,parent,name_zh,name_en,valid_from,valid_to,flags\n"
#define HEAD                                                                   \
    "version: 1.0.0\nagency: \"88\"\ntitle: {zh: t, en: T}\n"                  \
    "window: {freq: minute, zone: \"+08:00\", due: 5s, grace: 2m, keep: 2d,\n" \
    "  seal: none}\n"                                                          \
    "grain: object\nscope: \"class == 'host'\"\ncarry: partial\n"
#define INPUTS                                                                 \
    "inputs:\n  n: {unit: s, scale: 0, kind: flow, label: {zh: n, en: n},\n"   \
    "    source: {series: {match: n_total, fold: delta}}}\n"                   \
    "measures:\n  n: {agg: flow, expr: n, unit: s, scale: 0,\n"                \
    "    label: {zh: n, en: n}}\n"

/* Cells, first dim most significant: 310000 C1, C2, D; 440000 C1, C2, D. */
static const struct source_test_file files[] = {
    {"packs/two/pack.yaml",
     "pack: two\n" HEAD "dims: {region: region, ind: ind}\n" INPUTS},
    {"packs/none/pack.yaml", "pack: none\n" HEAD INPUTS},
    {"codes/region.csv", CODES "310000,,a,a,,,\n440000,,b,b,,,\n"},
    {"codes/ind.csv", CODES "C,,c,c,,,\nC1,C,c,c,,,\nC2,C,c,c,,,\nD,,d,d,,,\n"},
    {NULL, NULL},
};

static struct model_pack *two, *none;

static struct model_pack *
load(const char *folder)
{
    struct source_test test = source_test(NULL, files);
    struct model_pack *pack = NULL;
    struct base_note note = {0};
    test.source.sha256 = sha256;
    if (model_pack_load(&test.source, folder, "codes", &pack, &note) != ERR_OK)
        fail_msg("%s %u:%u %s", note.where, note.line, note.column, note.text);
    return pack;
}

static int
setup(void **state)
{
    (void)state;
    two = load("packs/two");
    none = load("packs/none");
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    model_pack_free(two);
    model_pack_free(none);
    return 0;
}

/* "110010": the cells that the text means, in order. */
static const char *
means(const char *text)
{
    static char cells[8];
    struct model_cells read;
    struct base_note note = {0};
    if (model_cells_read(base_bytes_text(text), two, &read, &note) != ERR_OK)
        fail_msg("%s: %s", text, note.text);
    assert_int_equal(two->cells, 6);
    for (uint32_t cell = 0; cell < 6; cell++)
        cells[cell] = model_cells_have(&read, cell) ? '1' : '0';
    assert_int_equal(model_cells_have(&read, 6), read.count == 0);
    return cells;
}

static void
a_code_means_its_leaves_and_what_is_not_named_all(void **state)
{
    (void)state;
    assert_string_equal(means(""), "111111");
    assert_string_equal(means("region=440000"), "000111");
    assert_string_equal(means("ind=C"), "110110");
    assert_string_equal(means("ind=C2"), "010010");
    assert_string_equal(means("ind=D,region=310000"), "001000");
    assert_string_equal(means("region=310000,ind=C"), "110000");
    assert_true(model_cells_have(NULL, 77));
}

static void
each_set_is_written_in_one_way(void **state)
{
    struct model_cells cells;
    uint8_t room[MODEL_CELLS_TEXT];
    struct base_out out;
    (void)state;
    assert_int_equal(model_cells_read(base_bytes_text("ind=C2,region=310000"),
                                      two, &cells, NULL),
                     ERR_OK);
    base_out_fixed(&out, room, sizeof room);
    model_cells_write(&cells, &out);
    assert_true(base_bytes_is(base_out_bytes(&out), "region=310000,ind=C2"));
    assert_int_equal(model_cells_read((struct bytes){0}, none, &cells, NULL),
                     ERR_OK);
    model_cells_write(&cells, &out);
    assert_int_equal(out.size, strlen("region=310000,ind=C2"));
}

static void
a_mistake_names_the_dim_the_code_and_what_there_is(void **state)
{
    static const struct {
        const char *text, *says;
        enum err err;
    } rows[] = {
        {"regio=31",
         "pack two has no dim \"regio\"; did you mean region?; its "
         "dims are region, ind",
         ERR_NAME},
        {"ind=C,region=31",
         "dim region has no code \"31\"; did you mean "
         "310000?; there are 310000, 440000",
         ERR_NAME},
        {"ind=X9", "dim ind has no code \"X9\"; there are C, C1, C2, D",
         ERR_NAME},
        {"ind=", "dim ind has no code \"\"; there are C, C1, C2, D", ERR_NAME},
        {"ind=C1,ind=C2", "dim ind is named twice", ERR_SYNTAX},
        {"C1",
         "\"C1\" is no DIM=CODE; several are parted by commas: "
         "ind=C36,region=310000",
         ERR_SYNTAX},
        {"ind=C1,",
         "\"\" is no DIM=CODE; several are parted by commas: "
         "ind=C36,region=310000",
         ERR_SYNTAX},
    };
    struct model_cells cells;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct base_note note = {0};
        assert_int_equal(
            model_cells_read(base_bytes_text(rows[i].text), two, &cells, &note),
            rows[i].err);
        assert_string_equal(note.where, "cell");
        assert_string_equal(note.text, rows[i].says);
    }
    struct base_note note = {0};
    assert_int_equal(
        model_cells_read(base_bytes_text("ind=C1"), none, &cells, &note),
        ERR_NAME);
    assert_string_equal(note.text,
                        "pack none has no dims: it has one cell only");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_means_its_leaves_and_what_is_not_named_all),
        cmocka_unit_test(each_set_is_written_in_one_way),
        cmocka_unit_test(a_mistake_names_the_dim_the_code_and_what_there_is),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
