/* tier_wire.c -- what a transport tells its link. */
#include "tier/tier_inner.h"

void
tier_wire_accepted(struct tier *tier, struct tier_wire *wire)
{
    struct tier_link *link = tier_link_new(tier, wire, false);
    base_bytes_string(base_bytes_text(wire->facts.prefix), link->prefix,
                      sizeof link->prefix);
    tier_link_event(link, TIER_EVENT_OPEN, &(struct tier_happened){0});
}

void
tier_wire_open(struct tier_wire *wire)
{
    struct tier_link *link = wire->link;
    if (link)
        tier_link_event(link, TIER_EVENT_OPEN, &(struct tier_happened){0});
}

size_t
tier_wire_feed(struct tier_wire *wire, const uint8_t *at, size_t size)
{
    struct tier_link *link = wire->link;
    size_t used = 0;
    if (!link)
        return size;
    tier_link_ref(link);
    while (link->state != TIER_LINK_CLOSED) {
        struct wire_frame frame;
        size_t taken;
        enum err err =
            wire_frame_read(base_bytes(at + used, size - used), &frame, &taken);
        if (err == ERR_AGAIN)
            break;
        if (err != ERR_OK) {
            tier_link_bad(link, "not a frame");
            break;
        }
        used += taken;
        tier_link_frame(link, &frame);
    }
    if (link->state == TIER_LINK_CLOSED)
        used = size;
    tier_link_unref(link);
    return used;
}

void
tier_wire_drained(struct tier_wire *wire)
{
    struct tier_link *link = wire->link;
    if (link)
        tier_send_wake(link);
}

void
tier_wire_closed(struct tier_wire *wire, const char *why)
{
    struct tier_link *link = wire->link;
    wire->link = NULL;
    if (!link)
        return;
    link->reached = wire->ops->reached(wire);
    link->wire = NULL;
    tier_link_event(link, TIER_EVENT_LOST, &(struct tier_happened){.why = why});
}

struct wall
tier_wire_now(struct tier *tier)
{
    struct wall now = base_loop_wall(tier->config.loop);
    if (now.ms < tier->config.build_ms)
        now.ms = tier->config.build_ms;
    if (now.ms < tier->self.stored_ms)
        now.ms = tier->self.stored_ms;
    return now;
}
