/* wire_token.c -- the join token's text and back. */
#include "wire/token/wire_token.h"

#include "base/base_b64.h"
#include "base/base_cur.h"
#include "base/base_hash.h"

enum {
    TOKEN_VERSION = 1,
    TOKEN_KEY_HASH = 1, /* the one flag */
    TOKEN_HEAD = 51,
    TOKEN_CRC = 4,
    TOKEN_MIN = TOKEN_HEAD + 1 + TOKEN_CRC,
    TOKEN_MAX = TOKEN_HEAD + WIRE_TOKEN_PREFIX + 32 + TOKEN_CRC,
};

static const char token_mark[] = "dgj1-";

_Static_assert(WIRE_TOKEN_TEXT == sizeof token_mark - 1 + TOKEN_MAX / 3 * 4,
               "the longest token");
_Static_assert(TOKEN_MAX % 3 == 0, "as the sum above assumes");

static bool
token_prefix_fit(struct bytes prefix)
{
    for (size_t i = 0; i < prefix.size; i++)
        if (prefix.at[i] <= ' ' || prefix.at[i] > '~')
            return false;
    return prefix.size >= 1 && prefix.size <= WIRE_TOKEN_PREFIX;
}

enum err
wire_token_write(const struct wire_token *token, struct base_out *out)
{
    uint8_t room[TOKEN_MAX];
    struct base_out raw;
    struct bytes prefix = base_bytes_text(token->prefix);
    if (!token_prefix_fit(prefix))
        return ERR_SYNTAX;
    base_out_fixed(&raw, room, sizeof room);
    base_out_u8(&raw, TOKEN_VERSION);
    base_out_u8(&raw, token->has_key_hash ? TOKEN_KEY_HASH : 0);
    base_out_bytes_add(&raw, base_bytes(token->ca_hash, 32));
    base_out_bytes_add(&raw, base_bytes(token->secret, 16));
    base_out_u8(&raw, (uint8_t)prefix.size);
    base_out_bytes_add(&raw, prefix);
    if (token->has_key_hash)
        base_out_bytes_add(&raw, base_bytes(token->key_hash, 32));
    base_out_u32le(&raw, base_hash_crc32c(0, base_out_bytes(&raw)));
    base_out_text(out, token_mark);
    base_b64_write(out, BASE_B64_URL, base_out_bytes(&raw));
    return out->failed;
}

/* The marks before the checksum: they tell which sum it is. */
static enum err
token_judge(struct bytes raw, struct base_note *note)
{
    if (raw.size < TOKEN_MIN)
        return base_err_note(note, ERR_SHORT,
                             "the token is cut short: it says %zu bytes, the "
                             "shortest has %d",
                             raw.size, TOKEN_MIN);
    if (raw.at[0] != TOKEN_VERSION)
        return base_err_note(note, ERR_VERSION,
                             "the token is of version %u; this program knows "
                             "%d",
                             raw.at[0], TOKEN_VERSION);
    struct base_cur end;
    base_cur_init(&end, base_bytes(raw.at + raw.size - TOKEN_CRC, TOKEN_CRC));
    if (base_cur_u32le(&end) !=
        base_hash_crc32c(0, base_bytes(raw.at, raw.size - TOKEN_CRC)))
        return base_err_note(note, ERR_CORRUPT,
                             "the token's checksum is wrong: it was changed or "
                             "cut when it was copied");
    if (raw.at[1] & ~TOKEN_KEY_HASH)
        return base_err_note(note, ERR_UNSUPPORTED,
                             "the token has flags %02x that this program does "
                             "not know",
                             raw.at[1]);
    return ERR_OK;
}

static enum err
token_fields(struct bytes raw, struct wire_token *ret_token,
             struct base_note *note)
{
    struct wire_token token = {0};
    struct base_cur cur;
    base_cur_init(&cur, base_bytes(raw.at, raw.size - TOKEN_CRC));
    base_cur_u8(&cur);
    token.has_key_hash = base_cur_u8(&cur) & TOKEN_KEY_HASH;
    struct bytes ca_hash = base_cur_take(&cur, 32);
    struct bytes secret = base_cur_take(&cur, 16);
    struct bytes prefix = base_cur_take(&cur, base_cur_u8(&cur));
    struct bytes key_hash = base_cur_take(&cur, token.has_key_hash ? 32 : 0);
    if (!base_cur_ok(&cur))
        return base_err_note(note, ERR_SHORT,
                             "the token's prefix or key hash is cut short");
    if (base_cur_left(&cur))
        return base_err_note(note, ERR_BIG, "the token has %zu bytes too many",
                             base_cur_left(&cur));
    if (!token_prefix_fit(prefix))
        return base_err_note(note, ERR_SYNTAX,
                             "the token's prefix is empty or not printable");
    memcpy(token.ca_hash, ca_hash.at, 32);
    memcpy(token.secret, secret.at, 16);
    base_bytes_string(prefix, token.prefix, sizeof token.prefix);
    if (token.has_key_hash)
        memcpy(token.key_hash, key_hash.at, 32);
    *ret_token = token;
    return ERR_OK;
}

enum err
wire_token_read(struct bytes text, struct wire_token *ret_token,
                struct base_note *note)
{
    uint8_t room[TOKEN_MAX];
    struct base_out raw;
    size_t skip = sizeof token_mark - 1;
    if (!base_bytes_starts(text, base_bytes(token_mark, skip)))
        return base_err_note(note, ERR_NAME, "a join token begins with \"%s\"",
                             token_mark);
    if (text.size > WIRE_TOKEN_TEXT)
        return base_err_note(note, ERR_BIG,
                             "the token has %zu characters; the longest has %d",
                             text.size, WIRE_TOKEN_TEXT);
    base_out_fixed(&raw, room, sizeof room);
    if (base_b64_read(base_bytes_slice(text, skip, text.size - skip),
                      BASE_B64_URL, &raw) != ERR_OK)
        return base_err_note(note, ERR_SYNTAX,
                             "the token holds characters other than A-Z, a-z, "
                             "0-9, - and _, or lacks its last ones");
    enum err err = token_judge(base_out_bytes(&raw), note);
    return err == ERR_OK ? token_fields(base_out_bytes(&raw), ret_token, note)
                         : err;
}
