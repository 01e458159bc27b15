/* ident_row.h -- the rows of ident's tables, packed and read back.
 *
 * All integers little-endian unless a key needs byte order.
 *
 *  PREFIX  key: folded prefix
 *          | 0 | 1  | version 2 (1: the name to the end, no more)  |
 *          | 1 | 1  | state (enum ident_prefix_state)              |
 *          | 2 | 1  | flags: 1 direct child, 2 hosted, 4 moving    |
 *          | 3 | 4  | id u32: the prefix of ID keys, never 0       |
 *          | 7 | 8  | approved ms                                  |
 *          |15 | 8  | joined ms, 0 never                           |
 *          |23 | 32 | SHA-256 of its tier key, zero none           |
 *          |55 | 4  | quota of names, 0 none                       |
 *          |59 | 1  | length, then the registered spelling         |
 *          | - | 1  | length, then the node that serves it (none:  |
 *          |   |    | itself)                                      |
 *          | - | -  | its codes, a line of model_attr, to the end  |
 *  ID      key: prefix id u32 BE (0: records of prefixes, 0.NA), folded suffix
 *          | 0 | 1  | version 2                                    |
 *          | 1 | 1  | state (enum ident_state)                     |
 *          | 2 | 8  | made ms                                      |
 *          |10 | 8  | changed ms                                   |
 *          |18 | 8  | revision                                     |
 *          |26 | 1  | class length, then the class                 |
 *          | - | 1  | length, then the spelling of prefix/suffix   |
 *          | - | 1  | length, then why it is in this state         |
 *          | - | -  | values as in a message: count u32 BE, values |
 *          Version 1 has the spelling to the end behind the class, and no
 *          values: they are made up (ident_record_values).
 *  TOKEN   key: SHA-256 of the secret
 *          | 0 | 1  | version 1                                    |
 *          | 1 | 8  | expires ms                                   |
 *          | 9 | 8  | used ms, 0 not yet                           |
 *          |17 | 32 | SHA-256 of the request it was used for       |
 *          |49 | 1  | prefix length, then the prefix               |
 *          | - | -  | PKCS#7 given, to the end                     |
 *
 * Errors   CORRUPT, VERSION.  Memory: results point into the row. */
#ifndef IDENT_ROW_H
#define IDENT_ROW_H

#include "base/base_cur.h"
#include "base/base_out.h"
#include "engine/ident/ident.h"

enum {
    IDENT_ROW_KEY = 4 + MODEL_ID_MAX,
    IDENT_ROW_PREFIX_MAX = 1024,
    IDENT_ROW_ID_MAX = 1024 + IDENT_VALUES_BYTES,
    IDENT_ROW_TOKEN_MAX = 8192
};

struct ident_row_prefix {
    uint8_t state, flags;
    uint32_t id;
    int64_t approved_ms, joined_ms;
    uint8_t pin[32];
    uint32_t quota;
    struct bytes name, host, attributes;
};

enum { IDENT_ROW_DIRECT = 1, IDENT_ROW_HOSTED = 2, IDENT_ROW_MOVING = 4 };

struct ident_row_token {
    int64_t expires_ms, used_ms;
    uint8_t request[32];
    struct bytes prefix, pkcs7;
};

void ident_row_prefix_write(struct base_out *out,
                            const struct ident_row_prefix *row);
enum err ident_row_prefix_read(struct bytes value,
                               struct ident_row_prefix *ret_row);
void ident_row_id_write(struct base_out *out, const struct ident_record *row);
enum err ident_row_id_read(struct bytes value, struct ident_record *ret_row);
void ident_row_token_write(struct base_out *out,
                           const struct ident_row_token *row);
enum err ident_row_token_read(struct bytes value,
                              struct ident_row_token *ret_row);

#endif
