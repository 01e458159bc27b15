/* wire_head.h -- signed tree heads of audit logs, and the message to a parent.
 *
 * Signed bytes (56), by the node's Ed25519 key:
 *     off  size  field
 *     0    8     "DGSTH1" and two zero bytes
 *     8    8     size, big-endian
 *     16   8     time, ms, big-endian
 *     24   32    root
 * A head, as kept (112):
 *     0    8     size, big-endian
 *     8    8     time, ms, big-endian
 *     16   32    root
 *     48   64    signature
 * The message audit/HEAD, version 1:
 *     0    1     version, 1
 *     1    4     epoch of the sender, big-endian
 *     5    112   the head
 *     117  8     size of the head sent before, big-endian; 0: none
 *     125  1     bytes of the public key, k
 *     126  k     public key: SubjectPublicKeyInfo (DER)
 *     126+k      consistency path from that size to this: n x 32, n <= 65
 *
 * Memory   nothing allocated; the message points into its bytes.
 * Errors   SHORT, BIG, VERSION, SYNTAX (a path of broken hashes, a first size
 *          above the size). */
#ifndef WIRE_HEAD_H
#define WIRE_HEAD_H

#include "base/base_out.h"

enum {
    WIRE_HEAD_SIGNED = 56,
    WIRE_HEAD_SIZE = 112,
    WIRE_HEAD_PATH_MAX = 65 * 32,
    WIRE_HEAD_MESSAGE_MAX = 126 + 255 + WIRE_HEAD_PATH_MAX,
};

struct wire_head {
    uint64_t size;
    int64_t time_ms;
    uint8_t root[32];
    uint8_t signature[64];
};

struct wire_head_message {
    uint32_t epoch;
    struct wire_head head;
    uint64_t first;
    struct bytes public_der, path;
};

/* What the signature is over. */
void wire_head_signed(const struct wire_head *head,
                      uint8_t to[WIRE_HEAD_SIGNED]);
void wire_head_write(const struct wire_head *head, struct base_out *out);
enum err wire_head_read(struct bytes from, struct wire_head *ret_head);
void wire_head_message_write(const struct wire_head_message *message,
                             struct base_out *out);
enum err wire_head_message_read(struct bytes from,
                                struct wire_head_message *ret_message);

#endif
