/* ident_key.h -- the keys of hosted enterprises.
 *
 * Each hosted prefix has an Ed25519 key of its own, kept at its host (RULINGS
 * 13), so that what it states is signed by it and not by its host.
 *
 * Errors   ABSENT the identifier's prefix is not hosted here.  Memory: the key
 *          is the caller's (crypt_key_free).  Threads: the state loop. */
#ifndef IDENT_KEY_H
#define IDENT_KEY_H

#include "engine/ident/ident.h"

enum err ident_key_hosted(struct ident *ident, struct bytes id,
                          struct crypt_key **ret_key);

#endif
