/* base_hash.h -- CRC-32C and XXH3-64.
 *
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4) by the SSE4.2 instruction where
 * there is one, else by table; `seed` is 0 or the CRC of what came before. XXH3
 * by libxxhash.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/base_bytes.h"

uint32_t base_hash_crc32c(uint32_t seed, struct bytes data);
/* The fallback, for its test. */
uint32_t base_hash_crc32c_table(uint32_t seed, struct bytes data);
uint64_t base_hash_xxh3(uint64_t seed, struct bytes data);

#endif
