/* wire_names_fuzz.c -- whatever is read is written back to the same bytes. */
#include <stdlib.h>

#include "wire/names/wire_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t room[1 << 20];

static void
same(const struct base_out *out, struct bytes input)
{
    if (!base_bytes_equal(base_out_bytes(out), input))
        abort();
}

static void
asked(struct bytes input, struct base_out *out)
{
    struct wire_names_question question;
    struct wire_names_answer answer;
    if (wire_names_question_read(input, &question) == ERR_OK) {
        wire_names_question_write(out, &question);
        same(out, input);
    }
    base_out_reset(out);
    if (wire_names_answer_read(input, &answer) == ERR_OK) {
        wire_names_answer_write(out, &answer);
        same(out, input);
    }
    base_out_reset(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = base_bytes(data, size);
    struct wire_names_prefix prefix;
    struct wire_names_site site;
    struct wire_names_hint hint;
    struct wire_names_change change;
    struct base_out out;
    if (size > sizeof room / 2)
        return 0;
    base_out_fixed(&out, room, sizeof room);
    asked(input, &out);
    if (wire_names_prefix_read(input, &prefix) == ERR_OK && data[0] == 2) {
        wire_names_prefix_write(&out, &prefix);
        same(&out, input);
    }
    base_out_reset(&out);
    if (wire_names_site_read(input, &site) == ERR_OK) {
        wire_names_site_write(&out, &site);
        same(&out, input);
    }
    base_out_reset(&out);
    if (wire_names_hint_read(input, &hint) == ERR_OK) {
        wire_names_hint_write(&out, &hint);
        same(&out, input);
        while (wire_names_change_next(&hint, &change))
            if (change.prefix.size > 255)
                abort();
    }
    return 0;
}
