/* store_audit.h -- the one audit log: an append-only Merkle log.
 *
 * Why: what was done to a node, by whom, must be readable later, and nobody,
 * not even the node's owner, may change it unseen.  The tree's head is signed
 * and kept by the parent (store_audit_send.h, store_audit_keep.h); whoever has
 * all entries can compute the head again.
 *
 * Shape    in the node's environment:
 *   AUDIT_ENTRY  index u64 BE -> the entry's bytes
 *   AUDIT_TREE   level u8, index u64 BE -> 32 B: roots of complete subtrees,
 *                level 0 the leaf hashes (crypt_merkle.h)
 *   AUDIT_LEAF   leaf hash -> index u64 BE
 *   AUDIT_HEAD   size u64 BE -> a head signed and sent: wire_head
 *   Entry: JSON, members in order, no spaces, none missing:
 *     {"action":"prefix.revoke","actor":{"kind":"user","name":"admin"},
 *      "after":"HEX","before":"HEX","node":"88.31","object":"88.31.1001",
 *      "reason":"","time_ms":1763787600000}
 *   escapes as in RFC 8785; digests 64 hex digits or "".
 * Cost     an append reads and writes O(log n) rows, a proof reads O(log^2 n).
 * Crash    entries are in the journal before anybody hears of them; an entry
 *          in another batch than its change can be lost in a crash, but only
 *          together with the change's answer.
 * State    none in memory: a rewind of the environment needs no notice.
 * Threads  the state loop.
 * Limits   entry <= 16 KiB; the log grows until the disk is full: then changes
 *          are refused with FULL, as all writes are.
 * Errors   FULL BUSY IO; ABSENT RANGE of proofs; CORRUPT a row is missing. */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "crypt/crypt_key.h"
#include "crypt/crypt_merkle.h"
#include "model/model_audit.h"
#include "store/store_kv.h"
#include "wire/audit/wire_head.h"

enum { STORE_AUDIT_ENTRY_MAX = 16 << 10 };

struct store_audit_config {
    const char *node; /* prefix */
    struct store_kv *kv;
    struct base_loop *loop;
    const struct crypt_key *key; /* Ed25519, 302 */
};

struct store_audit {
    struct model_audit model;
    struct store_audit_config config;
    /* Told after each append; NULL: nobody. */
    void (*grown)(void *self);
    void *grown_self;
};

void store_audit_init(struct store_audit *audit,
                      const struct store_audit_config *config);

/* Adds the entry to the batch (of the node's environment; NULL: a new one) and
 * commits it; the batch is taken, as in store_kv_commit. */
enum err store_audit_append(struct store_audit *audit,
                            const struct model_audit_event *event,
                            struct store_kv_batch *batch,
                            struct store_journal_wait *wait);

uint64_t store_audit_size(struct store_audit *audit);
/* Signed now. */
enum err store_audit_head(struct store_audit *audit,
                          struct wire_head *ret_head);
/* Entries from start, at most limit, until fn says no; bytes live until the
 * next commit. */
enum err
store_audit_list(struct store_audit *audit, uint64_t start, unsigned limit,
                 bool (*fn)(void *self, uint64_t index, struct bytes entry),
                 void *self);
/* Paths of crypt_merkle.h.  ABSENT: no such leaf; RANGE: not that big. */
enum err store_audit_proof(struct store_audit *audit, const uint8_t leaf[32],
                           uint64_t size, uint64_t *ret_index,
                           struct base_out *ret_path);
enum err store_audit_consistency(struct store_audit *audit, uint64_t first,
                                 uint64_t second, struct base_out *ret_path);

#endif
