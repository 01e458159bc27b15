/* base_b64.c -- base64 and hex. */
#include "base/base_b64.h"

static const char b64_standard[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char b64_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

enum { B64_LINE = 57 }; /* bytes that make a line of 76 */

static void
b64_write_run(struct base_out *out, enum base_b64_kind kind, struct bytes data)
{
    const char *set = kind == BASE_B64_URL ? b64_url : b64_standard;
    for (size_t i = 0; i < data.size; i += 3) {
        size_t left = data.size - i;
        uint32_t three = (uint32_t)data.at[i] << 16;
        if (left > 1)
            three |= (uint32_t)data.at[i + 1] << 8;
        if (left > 2)
            three |= data.at[i + 2];
        char four[4] = {set[three >> 18], set[three >> 12 & 63],
                        set[three >> 6 & 63], set[three & 63]};
        size_t size = left > 2 ? 4 : left + 1;
        if (kind != BASE_B64_URL)
            for (; size < 4; size++)
                four[size] = '=';
        base_out_bytes_add(out, base_bytes(four, size));
    }
}

void
base_b64_write(struct base_out *out, enum base_b64_kind kind, struct bytes data)
{
    if (kind != BASE_B64_LINES) {
        b64_write_run(out, kind, data);
        return;
    }
    for (size_t i = 0; i < data.size; i += B64_LINE) {
        b64_write_run(out, kind, base_bytes_slice(data, i, B64_LINE));
        base_out_text(out, "\r\n");
    }
}

static int
b64_value(uint8_t c, enum base_b64_kind kind)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (kind == BASE_B64_URL ? '-' : '+'))
        return 62;
    if (c == (kind == BASE_B64_URL ? '_' : '/'))
        return 63;
    return -1;
}

static bool
b64_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct b64_reader {
    enum base_b64_kind kind;
    uint32_t bits;
    unsigned chars, pads; /* of the group of four under way */
};

/* One character in; whole groups go out. */
static enum err
b64_take(struct b64_reader *reader, uint8_t c, struct base_out *out)
{
    if (c == '=' && reader->kind != BASE_B64_URL) {
        if (reader->chars < 2 || reader->chars + reader->pads >= 4)
            return ERR_SYNTAX;
        reader->pads++;
        return ERR_OK;
    }
    int value = b64_value(c, reader->kind);
    if (value < 0 || reader->pads)
        return ERR_SYNTAX;
    reader->bits = reader->bits << 6 | (uint32_t)value;
    if (++reader->chars == 4) {
        uint8_t three[3] = {(uint8_t)(reader->bits >> 16),
                            (uint8_t)(reader->bits >> 8),
                            (uint8_t)reader->bits};
        base_out_bytes_add(out, base_bytes(three, 3));
        reader->bits = 0;
        reader->chars = 0;
    }
    return ERR_OK;
}

/* The last group: its length, its padding, no stray bits. */
static enum err
b64_finish(const struct b64_reader *reader, struct base_out *out)
{
    if (reader->chars == 0)
        return ERR_OK;
    bool padded = reader->chars + reader->pads == 4;
    if (reader->chars == 1 || (reader->kind != BASE_B64_URL && !padded))
        return ERR_SYNTAX;
    unsigned stray = reader->chars == 2 ? 4 : 2;
    if (reader->bits & ((1u << stray) - 1))
        return ERR_SYNTAX;
    uint32_t bits = reader->bits >> stray;
    if (reader->chars == 3)
        base_out_u16be(out, (uint16_t)bits);
    else
        base_out_u8(out, (uint8_t)bits);
    return ERR_OK;
}

enum err
base_b64_read(struct bytes text, enum base_b64_kind kind,
              struct base_out *ret_out)
{
    struct b64_reader reader = {.kind = kind};
    size_t before = ret_out->size;
    enum err err = ERR_OK;
    for (size_t i = 0; i < text.size && err == ERR_OK; i++)
        if (kind != BASE_B64_LINES || !b64_blank(text.at[i]))
            err = b64_take(&reader, text.at[i], ret_out);
    if (err == ERR_OK)
        err = b64_finish(&reader, ret_out);
    if (err != ERR_OK) {
        ret_out->size = before;
        return err;
    }
    return ret_out->failed;
}

char *
base_b64_hex(struct bytes data, char *to)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < data.size; i++) {
        to[2 * i] = digits[data.at[i] >> 4];
        to[2 * i + 1] = digits[data.at[i] & 15];
    }
    to[2 * data.size] = 0;
    return to;
}

static int
b64_hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum err
base_b64_unhex(struct bytes text, uint8_t *to, size_t size)
{
    if (text.size / 2 != size || text.size % 2)
        return text.size / 2 < size ? ERR_SHORT : ERR_BIG;
    for (size_t i = 0; i < text.size; i++)
        if (b64_hex_value(text.at[i]) < 0)
            return ERR_SYNTAX;
    for (size_t i = 0; i < size; i++)
        to[i] = (uint8_t)((unsigned)b64_hex_value(text.at[2 * i]) << 4 |
                          (unsigned)b64_hex_value(text.at[2 * i + 1]));
    return ERR_OK;
}
