/* wire_frame_body.h -- the small bodies: ACK, REFUSE, CREDIT, PING and others.
 *
 * Bodies   little-endian:
 *
 *   READY    0 8 lineage, as in the WELCOME
 *   REFUSE   0 2 code, 2 4 wait ms, 6 - text, UTF-8, <= 256 bytes
 *   ACK      class b: 0 2 count <= 256, then {8 seq, 2 code} each: refused,
 *            all <= the frame's seq.  With flag 8 "go back": send again from
 *            seq + 1.
 *            class a: the engine's ACK body, <= 2,048 bytes; with flag 16 0 2
 *            code: not taken, nothing is acknowledged
 *   CREDIT   0 8 bytes of DATA bodies that may have been sent on this channel
 *            since the link's start
 *   WANT     0 8 the offset wanted, 8 8 the offset sent so far
 *   PING     0 8 t0, wall clock ms       PONG  t0, t1, t2
 *   DRAIN    0 4 ms in which to come back
 *   CANCEL   empty; the frame's seq is the call's id
 *   error reply (DATA, flags 4 and 16): 0 2 code, then the answer's bytes
 *
 * Codes    an enum err travels as a number of its own, which is never reused
 *          (wire_frame_body_code); an unknown number reads as UNSUPPORTED.
 * Errors   SHORT, SYNTAX, BIG.  A body longer than drawn is SYNTAX. */
#ifndef WIRE_FRAME_BODY_H
#define WIRE_FRAME_BODY_H

#include "base/base_cur.h"
#include "base/base_out.h"

enum {
    WIRE_FRAME_REFUSED_MAX = 256,
    WIRE_FRAME_STATE_ACK_MAX = 2048,
    WIRE_FRAME_TEXT_MAX = 256,
};

enum wire_frame_refusal {
    WIRE_FRAME_BUSY = 1,
    WIRE_FRAME_VERSION,
    WIRE_FRAME_DENIED,
    WIRE_FRAME_NAME,
    WIRE_FRAME_EXPIRED,
    WIRE_FRAME_FENCED,
    WIRE_FRAME_SUPERSEDED,
    WIRE_FRAME_LIMIT,
    WIRE_FRAME_BAD,
    WIRE_FRAME_MOVED,
    WIRE_FRAME_SHUTDOWN,
    WIRE_FRAME_CLOCK,
    WIRE_FRAME_REFUSALS
};

uint16_t wire_frame_body_code(enum err err);
enum err wire_frame_body_err(uint16_t code);
const char *wire_frame_body_refusal(unsigned code);

struct wire_frame_refuse {
    uint16_t code;
    uint32_t wait_ms;
    struct bytes text;
};

enum err wire_frame_body_refuse_read(struct bytes body,
                                     struct wire_frame_refuse *ret_refuse);
void wire_frame_body_refuse_write(struct base_out *out,
                                  const struct wire_frame_refuse *refuse);

struct wire_frame_refused {
    uint64_t seq;
    uint16_t code;
};

/* into: room for WIRE_FRAME_REFUSED_MAX */
enum err wire_frame_body_ack_read(struct bytes body, uint64_t ack_seq,
                                  struct wire_frame_refused *into,
                                  unsigned *ret_count);
void wire_frame_body_ack_write(struct base_out *out,
                               const struct wire_frame_refused *refused,
                               unsigned count);

/* CREDIT, WANT, READY, PING and PONG are 1 to 3 numbers of 8 bytes. */
enum err wire_frame_body_numbers_read(struct bytes body, uint64_t *into,
                                      unsigned count);
void wire_frame_body_numbers_write(struct base_out *out,
                                   const uint64_t *numbers, unsigned count);

#endif
