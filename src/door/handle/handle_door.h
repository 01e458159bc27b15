/* handle_door.h -- the Handle protocol (DO-IRP) over UDP and TCP.
 *
 *   UDP: packet -> dropped, or a whole message, or a part (handle_parts)
 *   TCP: bytes  -> message                                   |
 *                                                            v
 *   message -> refused at once (4, 5, 500, ...) ---------> reply
 *           -> GET_SITEINFO: our HS_SITE, as ident has it  reply
 *           -> RESOLUTION -> ident_resolve (any loop) ---> reply
 *                                                            |
 *   UDP: in packets of 512 B, as far as handle_bucket lets it go
 *   TCP: in the order of the questions
 *
 * A TCP connection:
 *
 *     open -> FIRST (10 s) -> MESSAGE (30 s) -> ASKED (ident's 3 s)
 *                ^               ^                |
 *                |               '-- next -- IDLE (250 ms; sticky: 660 s)
 *     closed: after any of these times; a length that is not one (after its 4)
 *
 * Why one loop of its own: a flood of datagrams then costs the browser and the
 * machines nothing, and a door without session state may later run one per
 * core.  ident answers on its own thread and calls back here.
 *
 * Our site is read from the record of our prefix when the door opens and each
 * minute; its serial and whether we are the primary come from it.  While there
 * is none, GET_SITEINFO is answered 3.
 *
 * Silence  a packet of fewer than 20 bytes, a reply (code not 0), a part that
 *          does not fit, and who asked ten times too much get no answer;
 *          everything else does.
 * Sticky   some clients read to the end of input, others keep connections: so
 *          keep-connection or a session id of the client's makes one stay.
 * Limits   requests under way, 32 of them a connection; 64 packets a UDP reply;
 *          64 MiB of replies waiting on TCP; 200 signatures a second; the rest
 *          in handle_parts.h, handle_bucket.h.  Over any: code 3, counted.
 * Not yet  administration, sessions and proof: code 5 (4 over UDP, as our site
 *          offers it over TCP); the answer to a challenge: 405.
 * Threads  the loop given.
 * Source   RFC 3652; DO-IRP 3.0; spec identify 2, 3, 8. */
#ifndef HANDLE_DOOR_H
#define HANDLE_DOOR_H

#include "base/base_log.h"
#include "base/base_rng.h"
#include "engine/ident/ident_resolve.h"
#include "net/net_conn.h"

struct handle_door;

enum {
    HANDLE_DOOR_REQUESTS = 4096,
    HANDLE_DOOR_CONNECTIONS = 1000,
    HANDLE_DOOR_FREE = 32, /* peers that are not counted */
};

struct handle_door_config {
    struct base_loop *loop;
    struct net *net; /* of that loop */
    struct ident *ident;
    struct base_random *random;
    struct base_stats *stats;
    const char *address;
    uint16_t port;               /* UDP and TCP */
    const struct crypt_key *key; /* RSA; NULL: nothing is signed */
    const char *prefix;          /* ours: 0.NA/PREFIX holds our HS_SITE */
    bool recurse;                /* for anybody; else for this machine only */
    bool china; /* session ids of the client's choosing are no error */
    unsigned connections, requests;  /* 0: as above */
    int64_t rate_bytes, burst_bytes; /* per network; 0: 1 MiB/s, 4 MiB */
    const char *const *free_peers;   /* numeric addresses */
    unsigned free_count;
};

/* Before the loop runs, or on it. */
enum err handle_door_new(const struct handle_door_config *config,
                         struct handle_door **ret_door, struct base_note *note);
/* On the loop, or when it has ended: no more input.  Before net_free. */
void handle_door_shut(struct handle_door *door);
/* After net_free and after ident has ended: it may still hold questions. */
void handle_door_free(struct handle_door *door);

uint16_t handle_door_port(const struct handle_door *door);

#endif
