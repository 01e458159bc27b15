/* handle_parts.h -- messages that come over UDP in several packets.
 *
 * Why: an asker may cut a long question into parts of 492 bytes, which arrive
 * in any order or not at all; what waits for the rest must not be more than a
 * stated number of bytes, whoever sends it.
 *
 * Shape    a message is known by (address, port, request id); a part's place is
 *          sequence x 492, every part but the last carries exactly 492 bytes,
 *          and all say the same size.  A part that came already is dropped.
 * Limits   HANDLE_PARTS_MS from the first part on; HANDLE_PARTS_BYTES of memory
 *          in all, counted as it is really used; beyond it the oldest message
 *          is dropped.  Both are counted.
 * Errors   SYNTAX a part that does not fit its message.
 * Threads  one owner; the clock is an argument. */
#ifndef HANDLE_PARTS_H
#define HANDLE_PARTS_H

#include "net/net_udp.h"
#include "wire/handle/wire_handle.h"

enum { HANDLE_PARTS_MS = 5000, HANDLE_PARTS_BYTES = 4 << 20 };

struct handle_parts;

struct handle_parts_count {
    uint64_t late, crowded; /* messages dropped: 5 s over, memory full */
    size_t bytes, messages; /* now */
};

struct handle_parts *handle_parts_new(uint64_t seed);
void handle_parts_free(struct handle_parts *parts);
/* A packet of a message that has more than one.  AGAIN: more is needed.  OK: it
 * is whole; ret_envelope is its first packet's, ret_payload is valid until the
 * next call. */
enum err handle_parts_put(struct handle_parts *parts,
                          const struct net_udp_peer *peer,
                          const struct wire_handle_envelope *envelope,
                          struct bytes payload, int64_t now_ms,
                          struct wire_handle_envelope *ret_envelope,
                          struct bytes *ret_payload);
/* Drop what has waited too long. */
void handle_parts_tick(struct handle_parts *parts, int64_t now_ms);
const struct handle_parts_count *
handle_parts_counts(const struct handle_parts *parts);

#endif
