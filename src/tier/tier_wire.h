/* tier_wire.h -- a link's transport, as a struct of functions.
 *
 * Why: the same link runs over TLS (tier_net) and over memory with seeded
 * faults (tests/sim).  A wire carries bytes in order and says who is at the
 * other end; an identity claim stands for the certificate.
 *
 *   dial      transport->dial, then (not inside it) tier_wire_open or
 *             tier_wire_closed
 *   accepted  tier_wire_accepted
 *   bytes     tier_wire_feed returns what was consumed; the transport keeps
 *             the rest (at most WIRE_FRAME_MAX - 1) and gives it again with
 *             what follows
 *   end       tier_wire_closed by the transport, or ops->shut by tier: after
 *             either, neither side uses the wire again
 *
 * Claims   `facts` and `judged` are filled before tier_wire_open or _accepted:
 *          judged is OK, or why this certificate is not good now (EXPIRED,
 *          TIME, DENIED).
 * Sending  send() never blocks; waiting() is what is unsent.  Tier stops at
 *          TIER_WIRE_HIGH and goes on at tier_wire_drained, which is called
 *          when waiting has sunk to TIER_WIRE_LOW after it was above.
 * Threads  the tier's loop. */
#ifndef TIER_WIRE_H
#define TIER_WIRE_H

#include "base/base_time.h"
#include "crypt/crypt_cert.h"

enum { TIER_WIRE_HIGH = 32 * 1024, TIER_WIRE_LOW = 16 * 1024 };

struct tier;
struct tier_wire;
struct tier_transport;

struct tier_wire_ops {
    void (*send)(struct tier_wire *wire, struct bytes data);
    size_t (*waiting)(const struct tier_wire *wire);
    /* Has anybody answered at the address that was dialled? */
    bool (*reached)(const struct tier_wire *wire);
    /* What is unsent is still sent. */
    void (*shut)(struct tier_wire *wire);
};

struct tier_wire {
    const struct tier_wire_ops *ops;
    struct crypt_cert_facts facts;
    enum err judged;
    char peer[64]; /* "127.0.0.1:4711" */
    void *link;    /* tier's */
};

struct tier_transport {
    enum err (*dial)(struct tier_transport *transport, struct tier *tier,
                     const char *endpoint, struct tier_wire **ret_wire);
};

void tier_wire_open(struct tier_wire *wire);
void tier_wire_accepted(struct tier *tier, struct tier_wire *wire);
size_t tier_wire_feed(struct tier_wire *wire, const uint8_t *at, size_t size);
void tier_wire_drained(struct tier_wire *wire);
void tier_wire_closed(struct tier_wire *wire, const char *why);
/* max(clock, build date, last stored time): what certificates are judged by. */
struct wall tier_wire_now(struct tier *tier);

#endif
