/* handle_udp.c -- datagrams: which are answered, and how much is sent.
 *
 *     fewer than 20 bytes                               dropped
 *     says that it is a reply (code not 0)              dropped
 *     says no possible size, or longer than 512 bytes   4, if it is a first
 *     one packet, of the size it says                   a message
 *     a part                                            kept, or a message
 *
 * Two servers must never answer each other for ever: whatever may be a part of
 * somebody's reply (sequence above 0) gets no refusal. */
#include "base/base_mem.h"
#include "door/handle/handle_inner.h"

static int64_t
udp_now(const struct handle_door *door)
{
    return base_loop_mono(door->config.loop).ms;
}

static bool
udp_is_free(const struct handle_door *door, const struct net_udp_peer *peer)
{
    if (net_udp_loopback(peer))
        return true;
    for (unsigned i = 0; i < door->free_count; i++)
        if (door->free_peers[i].family == peer->family &&
            memcmp(door->free_peers[i].address, peer->address,
                   sizeof peer->address) == 0)
            return true;
    return false;
}

/* --- out --- */

static void
udp_send_parts(struct handle_request *request)
{
    struct bytes message = base_out_bytes(&request->reply);
    unsigned parts = wire_handle_parts(message);
    for (unsigned i = 0; i < parts; i++) {
        uint8_t packet[WIRE_HANDLE_PACKET];
        struct base_out out;
        base_out_fixed(&out, packet, sizeof packet);
        wire_handle_part(&out, message, i);
        net_udp_send(request->door->udp, &request->peer, base_out_bytes(&out));
    }
}

static void
udp_send_busy(struct handle_request *request, enum handle_stat_limit why,
              const char *text)
{
    struct handle_answer busy = {.code = WIRE_HANDLE_BUSY, .text = text};
    request->message.header.flags &= ~(uint32_t)WIRE_HANDLE_CT;
    handle_stat_limit(&request->door->stat, why);
    handle_reply_write(request, &busy);
    udp_send_parts(request);
}

static void
udp_send_counted(struct handle_request *request)
{
    struct handle_door *door = request->door;
    switch (handle_bucket_take(door->buckets, &request->peer,
                               request->reply.size, udp_now(door))) {
    case HANDLE_BUCKET_SEND:
        udp_send_parts(request);
        break;
    case HANDLE_BUCKET_BUSY:
        udp_send_busy(request, HANDLE_LIMIT_RATE, NULL);
        break;
    case HANDLE_BUCKET_SILENT:
        handle_stat_drop(&door->stat, HANDLE_DROP_SILENT, 1);
        break;
    }
}

void
handle_udp_send(struct handle_request *request)
{
    if (!request->door->udp) {
        handle_request_free(request);
        return;
    }
    if (wire_handle_parts(base_out_bytes(&request->reply)) > HANDLE_UDP_PACKETS)
        udp_send_busy(request, HANDLE_LIMIT_PACKETS,
                      "the answer is too long for UDP: ask over TCP");
    else if (udp_is_free(request->door, &request->peer))
        udp_send_parts(request);
    else
        udp_send_counted(request);
    handle_request_free(request);
}

/* --- in --- */

static void
udp_message(struct handle_door *door, const struct net_udp_peer *peer,
            const struct wire_handle_envelope *envelope, struct bytes payload)
{
    struct handle_request *request = handle_request_new(door, payload);
    request->udp = true;
    request->peer = *peer;
    request->loopback = net_udp_loopback(peer);
    handle_request_begin(request, envelope, payload.size);
}

static void
udp_part(struct handle_door *door, const struct net_udp_peer *peer,
         const struct wire_handle_envelope *envelope, struct bytes payload)
{
    struct wire_handle_envelope first;
    struct bytes whole;
    switch ((unsigned)handle_parts_put(door->parts, peer, envelope, payload,
                                       udp_now(door), &first, &whole)) {
    case ERR_OK:
        udp_message(door, peer, &first, whole);
        break;
    case ERR_AGAIN:
        break;
    default:
        handle_stat_drop(&door->stat, HANDLE_DROP_PART, 1);
    }
}

/* Does its header say that it is a reply?  0 when there is none to see. */
static uint32_t
udp_code(struct bytes payload)
{
    struct base_cur cur;
    base_cur_init(&cur, payload);
    (void)base_cur_u32be(&cur);
    return base_cur_u32be(&cur);
}

static void
udp_input(void *self, const struct net_udp_peer *peer, struct bytes data)
{
    struct handle_door *door = self;
    struct wire_handle_envelope envelope;
    if (wire_handle_read_envelope(data, &envelope) != ERR_OK) {
        handle_stat_drop(&door->stat, HANDLE_DROP_SHORT, 1);
        return;
    }
    struct bytes payload =
        base_bytes_slice(data, WIRE_HANDLE_ENVELOPE, data.size);
    bool possible =
        envelope.size <= WIRE_HANDLE_MESSAGE && data.size <= WIRE_HANDLE_PACKET;
    bool first = envelope.sequence == 0;
    if ((first || !possible) && udp_code(payload) != 0)
        handle_stat_drop(&door->stat, HANDLE_DROP_REPLY, 1);
    else if (!udp_is_free(door, peer) &&
             handle_bucket_hopeless(door->buckets, peer, udp_now(door)))
        handle_stat_drop(&door->stat, HANDLE_DROP_SILENT, 1);
    else if (possible && envelope.size > WIRE_HANDLE_PART)
        udp_part(door, peer, &envelope, payload);
    else if (!first)
        handle_stat_drop(&door->stat, HANDLE_DROP_PART, 1);
    else /* of another size than it says: it will be refused, by name */
        udp_message(door, peer, &envelope,
                    base_bytes_slice(payload, 0, WIRE_HANDLE_PART));
}

enum err
handle_udp_open(struct handle_door *door, struct base_note *note)
{
    struct net_udp_config config = {
        .name = "handle",
        .address = door->config.address,
        .port = door->config.port,
        .counted = true,
        .input = udp_input,
        .self = door,
    };
    return net_udp_open(door->config.net, &config, &door->udp, note);
}
