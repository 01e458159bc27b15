/* wire_csv_fuzz.c -- hostile files: a record read in pieces is the same record;
 * a number that is written is read again as itself. */
#include "base/base_mem.h"
#include "base/base_must.h"
#include "wire/csv/wire_csv.h"
#include "wire/csv/wire_csv_value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_CELLS = 16 };

static void
fuzz_cell(const struct wire_csv_cell *cell)
{
    struct wire_csv_value value, again;
    struct wall time;
    uint8_t room[128];
    struct base_out out;
    (void)wire_csv_value_time("%Y-%m-%d %H:%M:%S.%f", cell->text, 28800, true,
                              &time);
    (void)wire_csv_value_time("epoch_s", cell->text, 0, false, &time);
    if (wire_csv_value_read(cell->text, '.', &value) != ERR_OK)
        return;
    base_out_fixed(&out, room, sizeof room);
    wire_csv_value_write(value, &out);
    must(base_out_ok(&out));
    must(wire_csv_value_read(base_out_bytes(&out), '.', &again) == ERR_OK);
    must(again.mantissa == value.mantissa && again.exponent == value.exponent);
}

/* The first cell of a record as a pattern for the times of the others; and each
 * number times the one before it. */
static void
fuzz_record(const struct wire_csv_cell *cells, unsigned count)
{
    struct wire_csv_value value, last = {1, 0}, product;
    struct wall time;
    char pattern[64];
    base_bytes_string(cells[0].text, pattern, sizeof pattern);
    bool is_pattern = wire_csv_value_pattern(pattern);
    for (unsigned i = 1; i < count; i++) {
        if (is_pattern)
            (void)wire_csv_value_time(pattern, cells[i].text, 0, true, &time);
        if (wire_csv_value_read(cells[i].text, ',', &value) != ERR_OK)
            continue;
        if (wire_csv_value_times(last, value, &product) == ERR_OK)
            must((product.mantissa == 0) ==
                 (last.mantissa == 0 || value.mantissa == 0));
        last = value;
    }
}

/* What a reading gives when the text is there up to `size`: AGAIN, or the same
 * as when all is there.  Two bytes behind the record are tried, no more: the
 * next record's would only cost time. */
static void
fuzz_cut(struct wire_csv csv, const struct wire_csv *after, enum err whole)
{
    struct wire_csv_cell cells[FUZZ_CELLS];
    unsigned count;
    csv.last = false;
    for (size_t size = csv.at;
         size <= after->text.size && size <= after->at + 2; size++) {
        struct wire_csv cut = csv;
        cut.text.size = size;
        enum err err = wire_csv_next(&cut, cells, FUZZ_CELLS, &count);
        must(err == ERR_AGAIN ||
             (err == whole && cut.at == after->at && cut.line == after->line));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_csv_cell cells[FUZZ_CELLS];
    struct wire_csv csv = {.text = base_bytes(data, size),
                           .line = 1,
                           .separator = ',',
                           .last = true};
    uint8_t *room = base_mem_new(size + 1);
    if (size > 4096) { /* pieces cost their square */
        base_mem_free(room);
        return 0;
    }
    for (;;) {
        unsigned count = 0;
        struct wire_csv before = csv;
        enum err err = wire_csv_next(&csv, cells, FUZZ_CELLS, &count);
        must(err != ERR_AGAIN);
        if (err == ERR_ABSENT)
            break;
        must(csv.at > before.at && csv.at <= size);
        fuzz_cut(before, &csv, err);
        for (unsigned i = 0; i < count; i++) {
            struct base_out out;
            base_out_fixed(&out, room, size + 1);
            wire_csv_text(&cells[i], &out);
            must(base_out_ok(&out));
            fuzz_cell(&cells[i]);
        }
        if (count > 0)
            fuzz_record(cells, count);
    }
    base_mem_free(room);
    return 0;
}
