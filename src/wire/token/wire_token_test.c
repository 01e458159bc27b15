#include "wire/token/wire_token.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/base_b64.h"
#include "base/base_hash.h"

static struct wire_token
token_of(const char *prefix, bool has_key_hash)
{
    struct wire_token token = {.has_key_hash = has_key_hash};
    memset(token.ca_hash, 0xca, sizeof token.ca_hash);
    memset(token.secret, 0x5e, sizeof token.secret);
    if (has_key_hash)
        memset(token.key_hash, 0x4b, sizeof token.key_hash);
    strcpy(token.prefix, prefix);
    return token;
}

static struct bytes
text_of(const struct wire_token *token, struct base_out *out, char *room)
{
    base_out_fixed(out, room, WIRE_TOKEN_TEXT);
    assert_int_equal(wire_token_write(token, out), ERR_OK);
    return base_out_bytes(out);
}

static void
a_token_reads_back_as_it_was_written(void **state)
{
    (void)state;
    char longest[WIRE_TOKEN_PREFIX + 1] = "";
    memset(longest, 'x', WIRE_TOKEN_PREFIX);
    const char *const prefixes[] = {"8", "88.31.1001", "88.31/replica-2",
                                    longest};
    for (unsigned i = 0; i < 8; i++) {
        struct wire_token token = token_of(prefixes[i / 2], i & 1), back;
        struct base_out out;
        char room[WIRE_TOKEN_TEXT];
        struct bytes text = text_of(&token, &out, room);
        assert_int_equal(wire_token_read(text, &back, NULL), ERR_OK);
        assert_memory_equal(&token, &back, sizeof token);
        if (i == 7)
            assert_int_equal(text.size, WIRE_TOKEN_TEXT);
    }
}

static void
the_text_is_as_it_is_drawn(void **state)
{
    (void)state;
    struct wire_token token = token_of("88.31.1001", false);
    struct base_out out;
    char room[WIRE_TOKEN_TEXT + 1] = "";
    text_of(&token, &out, room);
    assert_string_equal(room,
                        "dgj1-AQDKysrKysrKysrKysrKysrKysrKysrKysrKysrKysrKy"
                        "l5eXl5eXl5eXl5eXl5eXl4KODguMzEuMTAwMZDwVHA");
}

static void
every_cut_and_every_changed_letter_is_noticed(void **state)
{
    (void)state;
    struct wire_token token = token_of("88.31.1001", true), back = token;
    struct base_out out;
    struct base_note note;
    char room[WIRE_TOKEN_TEXT];
    struct bytes text = text_of(&token, &out, room);
    for (size_t size = 0; size < text.size; size++) {
        note.text[0] = '\0';
        assert_int_not_equal(
            wire_token_read(base_bytes(text.at, size), &back, &note), ERR_OK);
        assert_true(note.text[0]);
    }
    for (size_t i = 0; i < text.size; i++) {
        char was = room[i];
        room[i] = was == 'A' ? 'B' : 'A';
        assert_int_not_equal(wire_token_read(text, &back, &note), ERR_OK);
        room[i] = was;
    }
    assert_memory_equal(&token, &back, sizeof token);
}

/* Raw bytes with a right checksum. */
static enum err
read_raw(uint8_t *raw, size_t size)
{
    char room[WIRE_TOKEN_TEXT + 8];
    struct base_out out, end;
    struct wire_token back;
    struct base_note note;
    base_out_fixed(&end, raw + size, 4);
    base_out_u32le(&end, base_hash_crc32c(0, base_bytes(raw, size)));
    base_out_fixed(&out, room, sizeof room);
    base_out_text(&out, "dgj1-");
    base_b64_write(&out, BASE_B64_URL, base_bytes(raw, size + 4));
    return wire_token_read(base_out_bytes(&out), &back, &note);
}

static void
each_error_has_its_name(void **state)
{
    (void)state;
    struct wire_token back;
    struct base_note note;
    uint8_t raw[400] = {1, 0, [50] = 2, [51] = '8', [52] = '8'};
    assert_int_equal(read_raw(raw, 53), ERR_OK);
    assert_int_equal(read_raw(raw, 54), ERR_BIG);
    assert_int_equal(read_raw(raw, 52), ERR_SHORT);
    raw[1] = 1;
    assert_int_equal(read_raw(raw, 53), ERR_SHORT);
    raw[1] = 2;
    assert_int_equal(read_raw(raw, 53), ERR_UNSUPPORTED);
    raw[1] = 0;
    raw[0] = 2;
    assert_int_equal(read_raw(raw, 53), ERR_VERSION);
    raw[0] = 1;
    raw[52] = ' ';
    assert_int_equal(read_raw(raw, 53), ERR_SYNTAX);
    raw[50] = 0;
    assert_int_equal(read_raw(raw, 51), ERR_SHORT);
    assert_int_equal(
        wire_token_read(base_bytes_text("dgj2-AAAA"), &back, &note), ERR_NAME);
    assert_int_equal(
        wire_token_read(base_bytes_text("dgj1-AA+A"), &back, &note),
        ERR_SYNTAX);
    assert_int_equal(read_raw(raw, 350), ERR_BIG);
    struct wire_token token = token_of("", false);
    struct base_out out;
    char room[WIRE_TOKEN_TEXT];
    base_out_fixed(&out, room, sizeof room);
    assert_int_equal(wire_token_write(&token, &out), ERR_SYNTAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_reads_back_as_it_was_written),
        cmocka_unit_test(the_text_is_as_it_is_drawn),
        cmocka_unit_test(every_cut_and_every_changed_letter_is_noticed),
        cmocka_unit_test(each_error_has_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
