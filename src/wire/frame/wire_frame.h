/* wire_frame.h -- frames of the tier link, and the head of a message in them.
 *
 * Why: a link carries many channels over one TLS connection; a frame never
 * exceeds one TLS record, so that an alarm waits behind at most one.  TLS
 * orders and authenticates every byte, hence no magic and no checksum here;
 * one CRC-32C per message covers memory and disks.
 *
 * Frame    little-endian, 16 bytes and the body:
 *
 *            0  1  type    1 HELLO 2 WELCOME 3 READY 4 REFUSE 5 DATA 6 ACK
 *                          7 CREDIT 8 WANT 9 PING 10 PONG 11 CANCEL 12 DRAIN
 *            1  1  channel 0 unless DATA, ACK, CREDIT, WANT, CANCEL
 *            2  1  kind    0 unless DATA
 *            3  1  flags   DATA 1 first, 2 last, 4 reply, 8 resend, 16 error
 *                          reply (only with 4); ACK 8 go back, 16 error
 *            4  4  body length 0..16,368
 *            8  8  seq     DATA, ACK, CANCEL; else 0
 *
 * Message  at the start of its first frame:
 *
 *            0  4  body bytes
 *            4  4  CRC-32C of kind, from, to, body
 *            8  4  ms left (calls), else 0
 *           12  1  from length      13  1  to length (0: the neighbour)
 *           14  2  body version
 *           16  -  from, to, body
 *
 *          The head with from and to lies whole in the first frame.
 * Memory   nothing allocated; results point into the input.
 * Errors   AGAIN more bytes are needed (wire_frame_read only), SYNTAX, BIG,
 *          SHORT.
 * Source   spec tier 3; doc/formats/tier.md. */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include "base/base_cur.h"
#include "base/base_out.h"

enum {
    WIRE_FRAME_HEAD = 16,
    WIRE_FRAME_BODY_MAX = 16368,
    WIRE_FRAME_MAX = WIRE_FRAME_HEAD + WIRE_FRAME_BODY_MAX,
    WIRE_FRAME_MESSAGE_HEAD = 16,
    WIRE_FRAME_NAME_MAX = 120, /* from, to */
};

enum wire_frame_type {
    WIRE_FRAME_HELLO = 1,
    WIRE_FRAME_WELCOME,
    WIRE_FRAME_READY,
    WIRE_FRAME_REFUSE,
    WIRE_FRAME_DATA,
    WIRE_FRAME_ACK,
    WIRE_FRAME_CREDIT,
    WIRE_FRAME_WANT,
    WIRE_FRAME_PING,
    WIRE_FRAME_PONG,
    WIRE_FRAME_CANCEL,
    WIRE_FRAME_DRAIN,
    WIRE_FRAME_TYPES
};

enum {
    WIRE_FRAME_FIRST = 1,
    WIRE_FRAME_LAST = 2,
    WIRE_FRAME_REPLY = 4,
    WIRE_FRAME_RESEND = 8,
    WIRE_FRAME_ERROR = 16,
};

struct wire_frame {
    uint8_t type, channel, kind, flags;
    uint64_t seq;
    struct bytes body;
};

/* The first frame of data, and how many bytes it takes. */
enum err wire_frame_read(struct bytes data, struct wire_frame *ret_frame,
                         size_t *ret_size);
void wire_frame_write(struct base_out *out, const struct wire_frame *frame);

struct wire_frame_message {
    uint32_t body_size, crc, left_ms;
    uint16_t version;
    struct bytes from, to;
    struct bytes body; /* read: what of it lies in the given bytes */
};

enum err wire_frame_message_read(struct bytes data,
                                 struct wire_frame_message *ret_message);
/* Fills body_size from body; crc is the caller's. */
void wire_frame_message_write(struct base_out *out,
                              const struct wire_frame_message *message);
uint32_t wire_frame_message_crc(uint8_t kind,
                                const struct wire_frame_message *message);

#endif
