/* tier_hint.c -- class d: a word to a neighbour that may be lost.
 *
 * Why: a cache that hears of a change a moment later is worth a frame, not a
 * spool.  Nothing is kept: a link that is down, a neighbour that does not know
 * the kind or a queue over its bound drops it, counted; who must know that one
 * was lost numbers them in the body.
 *
 * A hint leaves when all that the node had appended is durable (RULINGS 1). */
#include "tier/tier_inner.h"

enum { HINT_QUEUE_BYTES = 256 * 1024 };

void
tier_hint_send(struct tier *tier, unsigned channel, unsigned kind,
               struct bytes to, struct bytes body)
{
    const struct tier_channel *row = tier_channel_get(channel);
    must(row && row->class == TIER_CLASS_HINT);
    struct tier_peer *peer = tier_peer_route(tier, to, NULL);
    struct tier_link *link = peer ? peer->link : NULL;
    if (!tier_inner_is_up(link) || !(peer->kinds[channel] >> kind & 1) ||
        body.size > row->max ||
        link->flows[channel].queued > HINT_QUEUE_BYTES) {
        tier_inner_count(tier, TIER_STAT_HINTS_LOST, 1);
        return;
    }
    struct wire_frame_message message = {
        .from = tier->own,
        .version = 1,
        .body = body,
    };
    tier_send_later(link,
                    tier_send_make((uint8_t)channel, (uint8_t)kind, 0,
                                   ++link->hint_seq, &message),
                    NULL, NULL);
}

void
tier_hint_message(struct tier_link *link, const struct tier_in *in)
{
    struct tier *tier = link->tier;
    struct model_message message = {
        .channel = in->channel,
        .kind = in->kind,
        .version = in->message.version,
        .from = in->message.from,
        .to = in->message.to,
        .body = in->message.body,
        .seq = in->seq,
    };
    for (unsigned i = 0; i < tier->hint_count; i++) {
        const struct model_hint_row *row = &tier->hints[i];
        if (row->channel != in->channel || row->kind != in->kind ||
            in->message.body.size > row->max ||
            wire_frame_message_crc(in->kind, &in->message) != in->message.crc)
            continue;
        row->take(row->engine, &message);
        return;
    }
    tier_inner_count(tier, TIER_STAT_HINTS_LOST, 1);
}
