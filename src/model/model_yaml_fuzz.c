/* model_yaml_fuzz.c -- any bytes as a pack.yaml, and as its golden file. */
#include "base/base_must.h"
#include "model/model_golden.h"
#include "model/model_source_test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes fuzz_data;

static enum err
fuzz_load(struct model_source *source, const char *path, size_t limit,
          struct base_arena *arena, struct bytes *ret_data)
{
    (void)source;
    if (strstr(path, ".csv"))
        *ret_data = base_bytes_text("code,parent,name_zh,name_en,valid_from,"
                                    "valid_to,flags\na,,,,,,\nb,a,,,,,\n");
    else
        *ret_data = base_arena_bytes(arena, fuzz_data);
    return ret_data->size > limit ? ERR_BIG : ERR_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct source_test_file golden[] = {{"bad/golden/a.yaml", ""},
                                                     {NULL, NULL}};
    struct source_test test = source_test(NULL, golden);
    struct model_pack *pack = NULL;
    struct model_golden_count count;
    struct base_note note = {0};
    fuzz_data = base_bytes(data, size);
    test.source.load = fuzz_load;
    enum err err = model_pack_load(&test.source, "bad", "codes", &pack, &note);
    if (err != ERR_OK) {
        must(note.code == err && note.text[0] && !pack);
        return 0;
    }
    note = (struct base_note){0};
    err = model_golden_run(pack, &test.source, "bad", NULL, &count, &note);
    must(err != ERR_OK && note.code == err && note.text[0]);
    model_pack_free(pack);
    return 0;
}
