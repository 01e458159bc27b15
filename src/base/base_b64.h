/* base_b64.h -- base64 (RFC 4648 sections 4 and 5) and hex.
 *
 * Decoding is strict: no white space unless `lines` (RFC 2045 bodies), no
 * stray bits, padding exact in the standard alphabet and absent in base64url.
 */
#ifndef BASE_B64_H
#define BASE_B64_H

#include "base/base_out.h"

enum base_b64_kind { BASE_B64_STANDARD, BASE_B64_URL, BASE_B64_LINES };

void base_b64_write(struct base_out *out, enum base_b64_kind kind,
                    struct bytes data);
enum err base_b64_read(struct bytes text, enum base_b64_kind kind,
                       struct base_out *ret_out);
/* Lower-case hex; to has 2 * size + 1 bytes. */
char *base_b64_hex(struct bytes data, char *to);
enum err base_b64_unhex(struct bytes text, uint8_t *to, size_t size);

#endif
