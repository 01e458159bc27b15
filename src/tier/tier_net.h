/* tier_net.h -- links over TCP and TLS 1.3: the real tier_wire.
 *
 * Shape    net_conn carries the bytes, crypt_tls the contexts
 *          (CRYPT_TLS_TIER_CHILD to dial, _PARENT to accept).  After every
 *          handshake, resumed or not, the peer's certificate becomes the wire's
 *          facts, judged by tier_wire_now; name, pin and deny list are tier's
 *          to check, at HELLO.
 * Wiring   tier_net_new -> config.transport of tier_new -> tier_net_listen.
 * Endpoints "127.0.0.1:8113", "[::1]:8113": numeric.
 * Threads  the state loop, which is the net's.
 * Errors   NAME not such an endpoint, and those of net_listen, net_connect. */
#ifndef TIER_NET_H
#define TIER_NET_H

#include "net/net_conn.h"
#include "tier/tier_wire.h"

struct tier_net;

/* child: the context to dial with; NULL: this node has no parent yet. Counted
 * here: the caller may free his. */
enum err tier_net_new(struct net *net, struct ssl_ctx_st *child,
                      struct tier_net **ret_net);
/* After tier_stop; before net_free. */
void tier_net_free(struct tier_net *tier_net);
/* A new certificate: the next connection shows it, those that live go on. */
void tier_net_context(struct tier_net *tier_net, struct ssl_ctx_st *child);
struct tier_transport *tier_net_transport(struct tier_net *tier_net);

/* Children connect here; port 0: any. */
enum err tier_net_listen(struct tier_net *tier_net, struct tier *tier,
                         const char *address, uint16_t port,
                         struct ssl_ctx_st *parent, struct base_note *note);
/* NULL before tier_net_listen; for its port and a new context. */
struct net_listener *tier_net_listener(struct tier_net *tier_net);

#endif
