/* ident_key.c -- see ident_key.h. */
#include "engine/ident/ident_key.h"

#include "engine/ident/ident_inner.h"

enum err
ident_key_hosted(struct ident *ident, struct bytes id,
                 struct crypt_key **ret_key)
{
    uint8_t key[MODEL_PREFIX_MAX];
    struct bytes pem,
        prefix = base_bytes_slice(id, 0, base_bytes_find(id, '/'));
    if (prefix.size > sizeof key)
        return ERR_ABSENT;
    base_bytes_fold(prefix, key);
    enum err err = store_kv_get(store_kv_now(ident->config.kv), STORE_TABLE_KEY,
                                base_bytes(key, prefix.size), &pem);
    return err == ERR_OK ? crypt_key_read(pem, CRYPT_KEY_ED25519, ret_key)
                         : err;
}
