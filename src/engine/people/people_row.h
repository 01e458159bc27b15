/* people_row.h -- the rows of people's tables, packed and read back.
 *
 * All integers little-endian.
 *
 *  USER    key: folded name
 *          | 0 | 1  | version 1                                       |
 *          | 1 | 1  | flags: 1 disabled                               |
 *          | 2 | 4  | roles (bits of enum model_grant_role)           |
 *          | 6 | 8  | made ms                                         |
 *          |14 | 8  | changed ms                                      |
 *          |22 | 3  | scrypt log2 N (0: no password), r, p            |
 *          |25 | 16 | salt                                            |
 *          |41 | 32 | hash                                            |
 *          |73 | 2  | length of the scope, then the scope             |
 *          | - | -  | name as registered, to the end                  |
 *  SESSION key: SHA-256 of the text
 *          | 0 | 1  | version 1                                       |
 *          | 1 | 1  | kind: 1 session, 2 session by link, 3 link      |
 *          | 2 | 8  | made ms                                         |
 *          |10 | 8  | last used ms, exact to 5 minutes                |
 *          |18 | 8  | ends ms                                         |
 *          |26 | -  | folded name of its user, to the end             |
 *  CREDENTIAL key: "k", SHA-256 of the text; "d", folded device identifier;
 *               "p", SHA-256 of a device's public key
 *          | 0 | 1  | version 1                                       |
 *          | 1 | 4  | roles                                           |
 *          | 5 | 8  | made ms                                         |
 *          |13 | 8  | expires ms, 0 never                             |
 *          |21 | 8  | last used ms, 0 never; exact to 5 minutes       |
 *          |29 | 32 | SHA-256 of a device's secret                    |
 *          |61 | 32 | SHA-256 of its public key, zero none            |
 *          |93 | 2  | length of the scope, then the scope             |
 *          | - | -  | label, or identifier, to the end                |
 *
 * Errors   CORRUPT, VERSION.  Memory: results point into the row. */
#ifndef PEOPLE_ROW_H
#define PEOPLE_ROW_H

#include "base/base_out.h"
#include "crypt/crypt_password.h"

enum { PEOPLE_ROW_MAX = 2048 };

struct people_row_user {
    bool disabled;
    unsigned roles;
    int64_t made_ms, changed_ms;
    struct crypt_password password;
    struct bytes scope, name;
};

enum people_row_kind {
    PEOPLE_ROW_SESSION = 1,
    PEOPLE_ROW_BY_LINK = 2,
    PEOPLE_ROW_LINK = 3
};

struct people_row_session {
    enum people_row_kind kind;
    int64_t made_ms, used_ms, ends_ms;
    struct bytes user;
};

struct people_row_key {
    unsigned roles;
    int64_t made_ms, expires_ms, used_ms;
    uint8_t secret[32], pin[32];
    struct bytes scope, name;
};

void people_row_user_write(struct base_out *out,
                           const struct people_row_user *row);
enum err people_row_user_read(struct bytes value,
                              struct people_row_user *ret_row);
void people_row_session_write(struct base_out *out,
                              const struct people_row_session *row);
enum err people_row_session_read(struct bytes value,
                                 struct people_row_session *ret_row);
void people_row_key_write(struct base_out *out,
                          const struct people_row_key *row);
enum err people_row_key_read(struct bytes value,
                             struct people_row_key *ret_row);

#endif
