/* handle_client.h -- asks another Handle server for an identifier.
 *
 *     UDP, 0.5 s -> UDP, 1 s -> UDP, 1.5 s -> TCP, 10 s -> no answer
 *                \___________\____________\____ code 3 over UDP: TCP at once
 *
 * Why: to walk the tree from outside, to check a node as its clients see it,
 * and to ask servers that are not ours.
 *
 * Believed is only what comes from the address asked, with the request's id
 * (random), and names the handle that was asked for.  What follows from the
 * answer (referrals, HS_SERV) is the asker's.
 *
 * Memory   the ask and what it points to are the asker's and stay until done();
 *          the answer is the ask's and lives until handle_client_end().
 * Threads  the loop's; done() comes from it, exactly once, within 13 s, never
 *          from inside handle_client_ask.
 * Limits   one message of 262,144 bytes.
 * Errors   ask->err: NAME no numeric address; TIMEOUT nobody answered; LOST the
 *          connection was refused or cut; SYNTAX what came is no answer; BIG
 *          the question; IO.  OK: look at `code`.
 * Source   spec identify 2, 8. */
#ifndef HANDLE_CLIENT_H
#define HANDLE_CLIENT_H

#include "base/base_rng.h"
#include "door/handle/handle_parts.h"

struct handle_client_ask {
    /* the asker's */
    void (*done)(struct handle_client_ask *ask);
    struct base_loop *loop;
    struct net *net; /* of that loop */
    struct base_random *random;
    const char *address; /* numeric */
    uint16_t port;
    struct bytes handle;
    const uint32_t *indexes; /* with types a union; both empty: all */
    unsigned index_count;
    const struct bytes *types;
    unsigned type_count;
    uint32_t flags; /* of wire_handle_flag: WIRE_HANDLE_PO, _REC, ... */
    bool tcp_only;
    /* the answer */
    enum err err;
    bool by_tcp;
    struct wire_handle_message reply; /* header.code, header.flags, ... */
    struct wire_handle_values values; /* code 1, 302, 303 */
    struct bytes text;                /* any other code */
    /* the client's */
    struct base_out question, answer;
    struct net_udp_peer peer;
    struct net_udp *udp;
    struct net_conn *conn;
    struct handle_parts *parts;
    struct base_timer timer;
    struct base_task task;
    unsigned tries;
    bool over;
};

void handle_client_ask(struct handle_client_ask *ask);
/* Frees the answer: after done(), or when the loop has ended. */
void handle_client_end(struct handle_client_ask *ask);

#endif
