/* wire_names.h -- what nodes say to each other about names.
 *
 * Why: a node that does not hold a name asks the one that does, tells those
 * above of each prefix, and those with a cache of each change.
 *
 *  RESOLVE question          RESOLVE answer            PREFIX version 2
 *  version u8: 1             version u8: 1             version u8: 2
 *  flags u8: 1 from its      flags u8: 1 from the      state u8
 *      owner, no cache           owner itself          pin 32 B
 *      2 the asker keeps it  code u16: DO-IRP's        name: u8, bytes
 *  count u8: recursions      registered: u8, bytes     host: u8, bytes (none:
 *  handle: u16, bytes        message: u8, bytes            the prefix itself)
 *                            hops: u8, each            attributes: u16, bytes
 *  SITE                          node: u8, bytes       values of 0.NA/name
 *  version u8: 1                 what: u8, bytes
 *  name: u8, bytes               ms u32                PREFIX version 1 ends
 *  values                    values                    with the name, no length
 *
 *  INVALIDATE                values: as in a message of DO-IRP: count u32 BE,
 *  version u8: 1             each value (wire_hs)
 *  boot u64, seq u64
 *  count u16, each
 *      prefix: u8, bytes
 *      hash u64: XXH3-64 of the folded handle; 0: all of the prefix
 *
 * All else little-endian; nothing may follow.
 *
 * Limits   WIRE_NAMES_HOPS; 512 changes in a hint.
 * Errors   SHORT, SYNTAX, VERSION.  Memory: results point into the input. */
#ifndef WIRE_NAMES_H
#define WIRE_NAMES_H

#include "wire/handle/wire_hs.h"

enum { WIRE_NAMES_HOPS = 12, WIRE_NAMES_CHANGES = 512, WIRE_NAMES_PIN = 32 };

struct wire_names_question {
    bool authority, keeps;
    uint8_t count;
    struct bytes handle;
};

struct wire_names_hop {
    struct bytes node, what;
    uint32_t ms;
};

struct wire_names_answer {
    bool authoritative;
    uint16_t code;
    struct bytes registered, message;
    struct wire_names_hop hops[WIRE_NAMES_HOPS];
    unsigned hop_count;
    struct wire_hs_list values;
};

struct wire_names_prefix {
    uint8_t state;
    uint8_t pin[WIRE_NAMES_PIN];
    struct bytes name, host, attributes;
    struct wire_hs_list values;
};

struct wire_names_site {
    struct bytes name;
    struct wire_hs_list values;
};

struct wire_names_change {
    struct bytes prefix;
    uint64_t hash;
};

struct wire_names_hint {
    uint64_t boot, seq;
    unsigned count;
    struct bytes changes; /* walked by wire_names_change_next */
};

void wire_names_question_write(struct base_out *out,
                               const struct wire_names_question *question);
enum err wire_names_question_read(struct bytes body,
                                  struct wire_names_question *ret_question);
void wire_names_answer_write(struct base_out *out,
                             const struct wire_names_answer *answer);
enum err wire_names_answer_read(struct bytes body,
                                struct wire_names_answer *ret_answer);
void wire_names_prefix_write(struct base_out *out,
                             const struct wire_names_prefix *prefix);
enum err wire_names_prefix_read(struct bytes body,
                                struct wire_names_prefix *ret_prefix);
void wire_names_site_write(struct base_out *out,
                           const struct wire_names_site *site);
enum err wire_names_site_read(struct bytes body,
                              struct wire_names_site *ret_site);
void wire_names_change_write(struct base_out *out,
                             const struct wire_names_change *change);
void wire_names_hint_write(struct base_out *out,
                           const struct wire_names_hint *hint);
enum err wire_names_hint_read(struct bytes body,
                              struct wire_names_hint *ret_hint);
/* Take the first change off a hint that was read; false: none left. */
bool wire_names_change_next(struct wire_names_hint *hint,
                            struct wire_names_change *ret_change);

#endif
