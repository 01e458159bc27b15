/* handle_parts.c -- see handle_parts.h. */
#include "door/handle/handle_parts.h"

#include "base/base_list.h"
#include "base/base_map.h"
#include "base/base_mem.h"
#include "base/base_must.h"

struct parts_key {
    struct net_udp_peer peer;
    uint32_t request, zero;
};

_Static_assert(sizeof(struct parts_key) == 32, "no padding: it is hashed");

/* One part, as it came. */
struct parts_piece {
    struct parts_piece *next;
    uint32_t sequence, size;
    uint8_t bytes[];
};

struct parts_message {
    struct base_link link; /* in order of beginning */
    struct parts_key key;
    struct wire_handle_envelope first;
    uint32_t size, count, have;
    int64_t due_ms;
    size_t bytes; /* of memory, itself included */
    struct parts_piece *pieces;
    uint8_t seen[(WIRE_HANDLE_PARTS + 7) / 8];
};

struct handle_parts {
    struct base_map map;
    struct base_link order;
    struct handle_parts_count counts;
    uint8_t whole[WIRE_HANDLE_MESSAGE];
};

struct handle_parts *
handle_parts_new(uint64_t seed)
{
    struct handle_parts *parts = base_mem_zero(sizeof *parts);
    base_map_init(&parts->map, seed);
    base_list_init(&parts->order);
    return parts;
}

static struct bytes
parts_key_bytes(const struct parts_key *key)
{
    return base_bytes(key, sizeof *key);
}

static void
parts_drop(struct handle_parts *parts, struct parts_message *message)
{
    (void)base_map_remove(&parts->map, parts_key_bytes(&message->key));
    base_list_remove(&message->link);
    parts->counts.bytes -= message->bytes;
    parts->counts.messages--;
    while (message->pieces) {
        struct parts_piece *piece = message->pieces;
        message->pieces = piece->next;
        base_mem_free(piece);
    }
    base_mem_free(message);
}

void
handle_parts_free(struct handle_parts *parts)
{
    if (!parts)
        return;
    while (!base_list_empty(&parts->order))
        parts_drop(parts,
                   BASE_OUTER(parts->order.next, struct parts_message, link));
    base_map_done(&parts->map);
    base_mem_free(parts);
}

void
handle_parts_tick(struct handle_parts *parts, int64_t now_ms)
{
    while (!base_list_empty(&parts->order)) {
        struct parts_message *oldest =
            BASE_OUTER(parts->order.next, struct parts_message, link);
        if (oldest->due_ms > now_ms)
            return;
        parts->counts.late++;
        parts_drop(parts, oldest);
    }
}

/* Room for so much more, at the cost of the oldest. */
static void
parts_room(struct handle_parts *parts, size_t bytes)
{
    while (parts->counts.bytes + bytes > HANDLE_PARTS_BYTES) {
        must(!base_list_empty(&parts->order));
        parts->counts.crowded++;
        parts_drop(parts,
                   BASE_OUTER(parts->order.next, struct parts_message, link));
    }
}

static struct parts_message *
parts_begin(struct handle_parts *parts, const struct parts_key *key,
            uint32_t size, int64_t now_ms)
{
    struct parts_message *message = base_mem_zero(sizeof *message);
    message->key = *key;
    message->size = size;
    message->count = (size + WIRE_HANDLE_PART - 1) / WIRE_HANDLE_PART;
    message->due_ms = now_ms + HANDLE_PARTS_MS;
    message->bytes = sizeof *message;
    base_map_put(&parts->map, parts_key_bytes(key), message);
    base_list_add(&parts->order, &message->link);
    parts->counts.messages++;
    parts->counts.bytes += message->bytes;
    return message;
}

/* Of the size that its place asks for? */
static bool
parts_fits(const struct wire_handle_envelope *envelope, size_t size)
{
    uint32_t at = envelope->sequence * (uint32_t)WIRE_HANDLE_PART;
    if (envelope->size > WIRE_HANDLE_MESSAGE ||
        envelope->sequence >= WIRE_HANDLE_PARTS || at >= envelope->size)
        return false;
    uint32_t left = envelope->size - at;
    return size ==
           (left < WIRE_HANDLE_PART ? left : (uint32_t)WIRE_HANDLE_PART);
}

/* Everything is there: put it together, and forget it. */
static struct bytes
parts_whole(struct handle_parts *parts, struct parts_message *message,
            struct wire_handle_envelope *ret_envelope)
{
    uint32_t size = message->size;
    for (struct parts_piece *p = message->pieces; p; p = p->next)
        memcpy(parts->whole + (size_t)p->sequence * WIRE_HANDLE_PART, p->bytes,
               p->size);
    *ret_envelope = message->first;
    parts_drop(parts, message);
    return base_bytes(parts->whole, size);
}

static void
parts_keep(struct handle_parts *parts, struct parts_message *message,
           const struct wire_handle_envelope *envelope, struct bytes payload)
{
    size_t bytes = sizeof(struct parts_piece) + payload.size;
    uint32_t sequence = envelope->sequence;
    struct parts_piece *piece = base_mem_new(bytes);
    piece->next = message->pieces;
    piece->sequence = sequence;
    piece->size = (uint32_t)payload.size;
    memcpy(piece->bytes, payload.at, payload.size);
    message->pieces = piece;
    message->bytes += bytes;
    message->seen[sequence / 8] |= (uint8_t)(1 << sequence % 8);
    message->have++;
    if (sequence == 0)
        message->first = *envelope;
    parts->counts.bytes += bytes;
}

enum err
handle_parts_put(struct handle_parts *parts, const struct net_udp_peer *peer,
                 const struct wire_handle_envelope *envelope,
                 struct bytes payload, int64_t now_ms,
                 struct wire_handle_envelope *ret_envelope,
                 struct bytes *ret_payload)
{
    struct parts_key key = {.peer = *peer, .request = envelope->request};
    if (!parts_fits(envelope, payload.size))
        return ERR_SYNTAX;
    handle_parts_tick(parts, now_ms);
    struct parts_message *message =
        base_map_get(&parts->map, parts_key_bytes(&key));
    if (message && message->size != envelope->size)
        return ERR_SYNTAX;
    uint32_t sequence = envelope->sequence;
    if (message && message->seen[sequence / 8] & 1 << sequence % 8)
        return ERR_AGAIN;
    parts_room(parts, sizeof(struct parts_message) +
                          sizeof(struct parts_piece) + payload.size);
    message = base_map_get(&parts->map, parts_key_bytes(&key));
    if (!message) /* also when the oldest was this one */
        message = parts_begin(parts, &key, envelope->size, now_ms);
    parts_keep(parts, message, envelope, payload);
    if (message->have < message->count)
        return ERR_AGAIN;
    *ret_payload = parts_whole(parts, message, ret_envelope);
    return ERR_OK;
}

const struct handle_parts_count *
handle_parts_counts(const struct handle_parts *parts)
{
    return &parts->counts;
}
