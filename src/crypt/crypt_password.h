/* crypt_password.h -- passwords, kept as scrypt (RFC 7914).
 *
 * Why: what is stored must not give the password back, nor let it be guessed
 * fast.  The parameters stand beside the hash, so that they can be raised for
 * new passwords.
 *
 * Limits   N = 2^log_n, log_n 10..17, r 1..16, p 1..4, and 64 MiB at most:
 *          outside them RANGE, for a row may be damaged.  2^15, 8, 1 takes
 *          32 MiB and some 80 ms: not on a loop's thread.
 * Errors   RANGE, IO. */
#ifndef CRYPT_PASSWORD_H
#define CRYPT_PASSWORD_H

#include "base/base_bytes.h"

enum { CRYPT_PASSWORD_LOG_N = 15, CRYPT_PASSWORD_R = 8, CRYPT_PASSWORD_P = 1 };

struct crypt_password {
    uint8_t log_n, r, p; /* log_n 0: there is none */
    uint8_t salt[16], hash[32];
};

/* From its parameters and salt: the hash of this password. */
enum err crypt_password_hash(const struct crypt_password *from,
                             struct bytes password, uint8_t to[32]);

#endif
