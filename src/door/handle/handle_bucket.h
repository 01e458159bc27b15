/* handle_bucket.h -- how much may be sent to strangers over UDP.
 *
 * Why: a UDP question of 60 bytes may have an answer of 30,000, and its sender
 * may be somebody else: without a bound this door would be a weapon.  Answers
 * are counted in bytes per network, /24 of IPv4 and /56 of IPv6, as an attacked
 * network is one however many addresses it has.
 *
 *   within `rate`, with `burst` saved up      the answer goes out
 *   beyond it                                 code 3 goes out: small
 *   asked for ten times as much               silence
 *
 * Shape    two token buckets a network; the first is charged what is sent, the
 *          second what was asked for.
 * Memory   fixed: HANDLE_BUCKETS networks, in sets of four; the one unused for
 *          longest gives way, and begins anew when it comes again.
 * Threads  one owner; the clock is an argument. */
#ifndef HANDLE_BUCKET_H
#define HANDLE_BUCKET_H

#include "net/net_udp.h"

enum { HANDLE_BUCKETS = 65536, HANDLE_BUCKET_TIMES = 10 };

enum handle_bucket_verdict {
    HANDLE_BUCKET_SEND,
    HANDLE_BUCKET_BUSY,
    HANDLE_BUCKET_SILENT
};

struct handle_bucket;

/* rate in bytes a second, burst in bytes. */
struct handle_bucket *handle_bucket_new(int64_t rate, int64_t burst,
                                        uint64_t seed);
void handle_bucket_free(struct handle_bucket *buckets);
/* Is there any use in working for him?  Charges nothing. */
bool handle_bucket_hopeless(struct handle_bucket *buckets,
                            const struct net_udp_peer *peer, int64_t now_ms);
/* He is to be sent this much. */
enum handle_bucket_verdict handle_bucket_take(struct handle_bucket *buckets,
                                              const struct net_udp_peer *peer,
                                              size_t bytes, int64_t now_ms);

#endif
