/* wire_hello.h -- HELLO and WELCOME: who is speaking, and where each log is.
 *
 * Body     little-endian, in one frame:
 *
 *            0  4  "DGT1"
 *            4  1+1 lowest, highest version (WELCOME: both the chosen one)
 *            6  1  link kind: 0 child, 1 direct, 2 replica, 3 cache
 *            7  1  flags: 1 first contact, 2 renew only, 4 REPAIR, 8 urgent
 *                  waiting, 16 (WELCOME) send every state again
 *            8 16  store id
 *           24  4+4 epoch; software version
 *           32  8+8 lineage; boot
 *           48  8+8 wall clock ms; ms since boot
 *           64  2+2 prefix length (<= 120); TLV bytes
 *           68  -  prefix, then TLVs {type u16, length u16, value}
 *
 * TLV      1 role name, <= 64 bytes of UTF-8
 *          2 one per channel, 68 bytes: {channel u8, flags u8 0, u16 0, issued,
 *            acked, applied, h of applied u64 each, kinds known 256 bits, LSB
 *            first}
 *          3 packs: {shape u64, length u8, name} ...
 *          4 endpoints: {length u8, text} ...
 *          5 {ping_s u16, spread_ms u32, then {channel u8, credit u32} ...}
 *          6 key set ids, u64 ...       7 REPAIR's new epoch, u32
 *          8 {channel u8, 7 zero bytes, h of acked u64}, on first contact
 *          Unknown: skipped; with bit 15 set: refused.
 * Errors   SHORT, SYNTAX, BIG, UNSUPPORTED (a TLV with bit 15), VERSION.
 * Memory   nothing allocated; results point into the input. */
#ifndef WIRE_HELLO_H
#define WIRE_HELLO_H

#include "base/base_cur.h"
#include "base/base_out.h"

enum {
    WIRE_HELLO_FIRST = 1,
    WIRE_HELLO_RENEW = 2,
    WIRE_HELLO_REPAIR = 4,
    WIRE_HELLO_URGENT = 8,
    WIRE_HELLO_RESYNC = 16,
};

enum wire_hello_tlv {
    WIRE_HELLO_ROLE = 1,
    WIRE_HELLO_CHANNEL = 2,
    WIRE_HELLO_PACKS = 3,
    WIRE_HELLO_ENDPOINTS = 4,
    WIRE_HELLO_TIMING = 5,
    WIRE_HELLO_KEYS = 6,
    WIRE_HELLO_EPOCH = 7,
    WIRE_HELLO_BASE = 8,
    WIRE_HELLO_SIGNER = 9, /* public key: SubjectPublicKeyInfo */
};

enum { WIRE_HELLO_HEAD = 68, WIRE_HELLO_CHANNEL_SIZE = 68 };

struct wire_hello {
    uint8_t version_min, version_max, link_kind, flags;
    uint8_t store[16];
    uint32_t epoch, software;
    uint64_t lineage, boot;
    int64_t wall_ms;
    uint64_t up_ms;
    struct bytes prefix, tlvs;
};

/* Checks the head, and that the TLVs fill their bytes exactly. */
enum err wire_hello_read(struct bytes body, struct wire_hello *ret_hello);
/* TLVs as already written into hello->tlvs. */
void wire_hello_write(struct base_out *out, const struct wire_hello *hello);

/* Walk: cur starts at hello->tlvs. ABSENT at the end; SYNTAX, UNSUPPORTED. */
enum err wire_hello_next(struct base_cur *cur, uint16_t *ret_type,
                         struct bytes *ret_value);
void wire_hello_add(struct base_out *out, uint16_t type, struct bytes value);

struct wire_hello_channel {
    uint8_t channel;
    uint64_t issued, acked, applied, h;
    uint8_t kinds[32];
};

enum err wire_hello_channel_read(struct bytes value,
                                 struct wire_hello_channel *ret_channel);
void wire_hello_channel_add(struct base_out *out,
                            const struct wire_hello_channel *channel);

/* One pack of the list in cur; ABSENT at its end. */
enum err wire_hello_pack_next(struct base_cur *cur, uint64_t *ret_shape,
                              struct bytes *ret_name);
void wire_hello_pack_write(struct base_out *out, uint64_t shape,
                           struct bytes name);
/* {length u8, text} */
void wire_hello_text_write(struct base_out *out, struct bytes text);

enum err wire_hello_timing_read(struct bytes value, uint16_t *ret_ping_s,
                                uint32_t *ret_spread_ms);
void wire_hello_timing_add(struct base_out *out, uint16_t ping_s,
                           uint32_t spread_ms);
enum err wire_hello_base_read(struct bytes value, uint8_t *ret_channel,
                              uint64_t *ret_h);
void wire_hello_base_add(struct base_out *out, uint8_t channel, uint64_t h);

#endif
