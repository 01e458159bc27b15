/* net_udp.h -- datagrams in and out of one bound socket of a loop.
 *
 * Why: UDP has no life cycle to share with net_conn; what its doors share is
 * the address of a peer as a value, reading many datagrams per call, and
 * counting what the kernel would not take.
 *
 * Reading  NET_UDP_BATCH datagrams per recvmmsg, at most NET_UDP_TURN a turn;
 *          each is given to input() whole, cut to NET_UDP_ROOM bytes.
 * Sending  at once; a datagram that the kernel has no room for is gone and
 *          counted, as any may be gone on its way.
 * Peers    a value without padding: memcmp and hash take it as it is.
 * Threads  the loop's.
 * Errors   NAME not a numeric address, EXISTS the port is taken, IO. */
#ifndef NET_UDP_H
#define NET_UDP_H

#include "base/base_stat.h"
#include "net/net_conn.h"

enum { NET_UDP_ROOM = 4096, NET_UDP_BATCH = 16, NET_UDP_TURN = 256 };

struct net_udp;

struct net_udp_peer {
    uint8_t address[16]; /* IPv4: the first 4, then 0 */
    uint32_t scope;      /* of a link-local one */
    uint16_t port;
    uint16_t family; /* 4 or 6 */
};

struct net_udp_config {
    const char *name;    /* for counters: "handle" */
    const char *address; /* "127.0.0.1", "::1" */
    uint16_t port;       /* 0: any; see net_udp_port */
    bool counted;        /* in the net's statistics */
    void (*input)(void *self, const struct net_udp_peer *peer,
                  struct bytes data);
    void *self;
};

enum err net_udp_open(struct net *net, const struct net_udp_config *config,
                      struct net_udp **ret_udp, struct base_note *note);
/* Not from inside input(). */
void net_udp_shut(struct net_udp *udp);
uint16_t net_udp_port(const struct net_udp *udp);
void net_udp_send(struct net_udp *udp, const struct net_udp_peer *peer,
                  struct bytes data);

/* A numeric address and port as a peer; NAME. */
enum err net_udp_peer(const char *address, uint16_t port,
                      struct net_udp_peer *ret_peer);
bool net_udp_loopback(const struct net_udp_peer *peer);

#endif
