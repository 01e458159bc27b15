/* wire_hs_key.c -- HS_PUBKEY. */
#include "wire/handle/wire_hs_key.h"

enum { KEY_STRAY = 4 };

static const struct {
    const char *name;
    unsigned parts; /* 0: one, to the end */
} key_kinds[] = {
    [WIRE_HS_KEY_RSA] = {"RSA_PUB_KEY", 2},
    [WIRE_HS_KEY_DSA] = {"DSA_PUB_KEY", 4},
    [WIRE_HS_KEY_DH] = {"DH_PUB_KEY", 3},
    [WIRE_HS_KEY_SM2] = {"SM2_PUB_KEY", 0},
};

static enum wire_hs_key_kind
key_kind(struct bytes name)
{
    for (unsigned i = 0; i < WIRE_HS_KEY_PEM; i++)
        if (base_bytes_is(name, key_kinds[i].name))
            return (enum wire_hs_key_kind)i;
    return WIRE_HS_KEY_KINDS;
}

static void
key_parts(struct base_cur *cur, struct wire_hs_key *key)
{
    unsigned parts = key_kinds[key->kind].parts;
    for (unsigned i = 0; i < parts; i++)
        key->part[i] = wire_hs_read_str(cur);
    if (parts == 0)
        key->part[0] = base_cur_rest(cur);
    key->rest = base_cur_rest(cur);
    bool stray = key->kind == WIRE_HS_KEY_RSA && key->rest.size == KEY_STRAY;
    if (key->rest.size != 0 && !stray)
        base_cur_fail(cur, ERR_SYNTAX);
}

enum err
wire_hs_key_read(struct bytes data, struct wire_hs_key *ret_key)
{
    struct base_cur cur;
    struct wire_hs_key key = {.kind = WIRE_HS_KEY_PEM, .part = {data}};
    if (base_bytes_starts(data, base_bytes_text("-----BEGIN"))) {
        *ret_key = key;
        return ERR_OK;
    }
    base_cur_init(&cur, data);
    key.kind = key_kind(wire_hs_read_str(&cur));
    key.flags = base_cur_u16be(&cur);
    if (key.kind == WIRE_HS_KEY_KINDS)
        base_cur_fail(&cur, ERR_SYNTAX);
    else
        key_parts(&cur, &key);
    if (base_cur_ok(&cur))
        *ret_key = key;
    return cur.failed;
}

void
wire_hs_key_write(struct base_out *out, const struct wire_hs_key *key)
{
    if (key->kind >= WIRE_HS_KEY_PEM) {
        base_out_bytes_add(out, key->part[0]);
        return;
    }
    unsigned parts = key_kinds[key->kind].parts;
    wire_hs_write_str(out, base_bytes_text(key_kinds[key->kind].name));
    base_out_u16be(out, key->flags);
    for (unsigned i = 0; i < parts; i++)
        wire_hs_write_str(out, key->part[i]);
    if (parts == 0)
        base_out_bytes_add(out, key->part[0]);
    base_out_bytes_add(out, key->rest);
}
