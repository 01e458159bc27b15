/* api_audit.h -- the audit log over HTTP.
 *
 * GET /api/audit/head         {node, tree_size, timestamp (ms),
 *     sha256_root_hash, tree_head_signature (base64), key_id (16 hex digits),
 *     public_key (DER, base64)}: signed now.
 * GET /api/audit/entries      limit (256, and at most that), next (the index of
 *     the entry before; none: from 0).  {entries: [{index, leaf_input (base64:
 *     the bytes hashed), entry (the same, read; null if it is no JSON)}], next}
 * GET /api/audit/proof        hash (of a leaf: base64 or hex), tree_size (none:
 *     now).  {leaf_index, audit_path: [base64]}
 * GET /api/audit/consistency  first, second (none: now).  {consistency}
 * GET /api/audit/heads        node (a child: the heads kept of its log; none:
 *     the own ones that were sent), limit (1..1000; 100), next.  {heads:
 *     [as above; number, state, epoch, kept_ms of kept ones], next}
 *
 * Problems 400 a malformed parameter; 404 no such leaf, a size beyond the log.
 * Source   RFC 6962 section 4, spec guard 7.
 * api may not know store: app hands in functions.
 * Threads  handlers run on the state loop. */
#ifndef API_AUDIT_H
#define API_AUDIT_H

#include "net/http/net_http.h"
#include "wire/audit/wire_head.h"

enum { API_AUDIT_ROUTES = 5 };

struct api_audit_kept {
    uint64_t number;
    const char *state;
    uint32_t epoch;
    int64_t kept_ms;
    struct wire_head head;
    struct bytes public_der;
};

struct api_audit {
    const char *node;
    uint64_t key_id;
    struct bytes public_der;
    uint64_t (*size)(void *self);
    enum err (*head)(void *self, struct wire_head *ret_head);
    enum err (*list)(void *self, uint64_t start, unsigned limit,
                     bool (*fn)(void *to, uint64_t index, struct bytes entry),
                     void *to);
    enum err (*proof)(void *self, const uint8_t leaf[32], uint64_t size,
                      uint64_t *ret_index, struct base_out *ret_path);
    enum err (*consistency)(void *self, uint64_t first, uint64_t second,
                            struct base_out *ret_path);
    enum err (*sent)(void *self, uint64_t start, unsigned limit,
                     bool (*fn)(void *to, const struct wire_head *head),
                     void *to);
    enum err (*kept)(void *self, struct bytes child, uint64_t start,
                     unsigned limit,
                     bool (*fn)(void *to, const struct api_audit_kept *kept),
                     void *to);
    void *self;
};

void api_audit_routes(struct api_audit *audit, struct base_loop *loop,
                      struct net_http_route routes[API_AUDIT_ROUTES]);

#endif
