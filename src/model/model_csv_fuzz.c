/* model_csv_fuzz.c -- any bytes as a table and as a code list. */
#include "base/base_must.h"
#include "model/model_code.h"
#include "model/model_csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"a", "b", "c"};
    struct bytes text = base_bytes(data, size);
    struct base_arena arena;
    struct base_note note = {0};
    struct model_csv_cell cells[3];
    struct model_code_list list;
    base_arena_init(&arena, 16 << 20);
    struct model_csv csv = {.arena = &arena, .note = &note};
    size_t total = 0;
    model_csv_open(&csv, text, "f.csv", names, 3);
    while (model_csv_next(&csv, cells))
        for (unsigned i = 0; i < 3; i++)
            total += cells[i].text.size;
    must(total <= size);
    must(csv.failed == note.code && (!note.code || note.text[0]));
    note = (struct base_note){0};
    enum err err = model_code_read(&arena, "list", "f.csv", text, &list, &note);
    must(err == note.code && (!err || note.text[0]));
    for (uint32_t i = 0; err == ERR_OK && i < list.count; i++)
        must(model_code_find(&list, base_bytes_text(list.at[i].code), NULL) ==
             &list.at[i]);
    base_arena_done(&arena);
    return 0;
}
