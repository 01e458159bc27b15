/* crypt_password.c -- over OpenSSL's scrypt. */
#include "crypt/crypt_password.h"

#include <openssl/evp.h>

enum { PASSWORD_MEMORY = 64 << 20 };

enum err
crypt_password_hash(const struct crypt_password *from, struct bytes password,
                    uint8_t to[32])
{
    if (from->log_n < 10 || from->log_n > 17 || from->r < 1 || from->r > 16 ||
        from->p < 1 || from->p > 4)
        return ERR_RANGE;
    uint64_t n = UINT64_C(1) << from->log_n;
    if (128 * n * from->r > PASSWORD_MEMORY)
        return ERR_RANGE;
    /* OpenSSL counts its own small blocks, too. */
    uint64_t most = PASSWORD_MEMORY + (1 << 20);
    return EVP_PBE_scrypt((const char *)password.at, password.size, from->salt,
                          sizeof from->salt, n, from->r, from->p, most, to,
                          32) == 1
               ? ERR_OK
               : ERR_IO;
}
