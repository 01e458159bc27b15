/* tier_port.c -- what an engine holds of tier: the port, and the rows it gave.
 */
#include "tier/tier_inner.h"

static struct tier *
port_tier(struct model_port *port)
{
    return BASE_OUTER(port, struct tier, port);
}

static enum err
port_post(struct model_port *port, enum model_channel channel, unsigned kind,
          struct bytes to, struct bytes body, struct store_kv_batch *batch)
{
    struct tier *tier = port_tier(port);
    const struct tier_channel *row = tier_channel_get(channel);
    const struct tier_kind *its = tier_channel_kind(channel, kind);
    must(row && row->class == TIER_CLASS_LOG);
    if (!its || !its->live)
        return ERR_UNSUPPORTED;
    if (body.size > row->max)
        return ERR_BIG;
    if (to.size == 0 && !tier->parent) {
        tier_inner_count(tier, TIER_STAT_TOP, 1);
        return ERR_OK;
    }
    if (to.size > MODEL_PREFIX_MAX)
        return ERR_NOROUTE;
    struct tier_peer *peer = tier_peer_route(tier, to, NULL);
    if (!peer)
        return ERR_NOROUTE;
    struct wire_frame_message message = {
        .from = tier->own,
        .to = to,
        .version = 1,
        .body = body,
    };
    message.crc = wire_frame_message_crc((uint8_t)kind, &message);
    return tier_log_post(peer, channel, kind, &message, batch);
}

static void
port_dirty(struct model_port *port, enum model_channel channel, struct bytes to)
{
    struct tier *tier = port_tier(port);
    struct tier_peer *peer = tier_peer_route(tier, to, NULL);
    if (to.size == 0 && !tier->parent)
        tier_inner_count(tier, TIER_STAT_TOP, 1);
    if (peer && peer->no != TIER_PEER_SELF)
        tier_state_dirty(peer, channel);
}

static void
port_ask(struct model_port *port, enum model_channel channel, unsigned kind,
         struct bytes to, struct bytes body, unsigned deadline_ms,
         struct model_ask *ask)
{
    tier_call_ask(port_tier(port), channel, kind, to, body, deadline_ms, ask);
}

static void
port_forget(struct model_port *port, struct model_ask *ask)
{
    tier_call_forget(port_tier(port), ask);
}

static void
port_told(struct base_task *task)
{
    struct model_event *event = BASE_OUTER(task, struct model_event, task);
    const struct model_event_row *row = event->to;
    row->take(row->engine, event);
    base_mem_free(event);
}

static void
port_tell(struct model_port *port, struct model_event *event)
{
    struct tier *tier = port_tier(port);
    for (unsigned i = 0; i < tier->event_count; i++) {
        struct model_event_row *row = &tier->events[i];
        if (row->kind != event->kind)
            continue;
        event->to = row;
        event->task.fn = port_told;
        base_loop_post(row->loop, &event->task);
        return;
    }
    base_mem_free(event);
}

static void
port_hint(struct model_port *port, enum model_channel channel, unsigned kind,
          struct bytes to, struct bytes body)
{
    tier_hint_send(port_tier(port), channel, kind, to, body);
}

static struct bytes
port_parent(struct model_port *port)
{
    return port_tier(port)->above;
}

static void
port_children(struct model_port *port,
              void (*fn)(void *self, struct bytes prefix, bool up), void *self)
{
    struct tier *tier = port_tier(port);
    for (struct base_link *at = tier->children.next; at != &tier->children;
         at = at->next) {
        const struct tier_peer *peer = BASE_OUTER(at, struct tier_peer, all);
        if (peer->known)
            fn(self, tier_inner_prefix(peer), tier_inner_is_up(peer->link));
    }
}

static bool
port_agrees(struct model_port *port, struct bytes to, struct bytes pack,
            uint64_t shape8)
{
    const struct tier_peer *peer = tier_peer_route(port_tier(port), to, NULL);
    uint64_t name = base_hash_xxh3(0, pack);
    if (peer && peer->no == TIER_PEER_SELF)
        return true;
    for (unsigned i = 0; peer && i < peer->pack_count; i++)
        if (peer->packs[i].name == name && peer->packs[i].shape == shape8)
            return true;
    return false;
}

const struct model_port_ops tier_port_ops = {
    .post = port_post,
    .dirty = port_dirty,
    .ask = port_ask,
    .forget = port_forget,
    .tell = port_tell,
    .hint = port_hint,
    .parent = port_parent,
    .children = port_children,
    .agrees = port_agrees,
};

/* --- rows --- */

const struct model_log_row *
tier_port_log(struct tier *tier, unsigned channel, unsigned kind)
{
    for (unsigned i = 0; i < tier->log_count; i++)
        if (tier->logs[i].channel == channel && tier->logs[i].kind == kind)
            return &tier->logs[i];
    return NULL;
}

const struct model_call_row *
tier_port_call(struct tier *tier, unsigned channel, unsigned kind)
{
    for (unsigned i = tier->call_count; i-- > 0;) /* over tier's own STATUS */
        if (tier->calls[i].channel == channel && tier->calls[i].kind == kind)
            return &tier->calls[i];
    return NULL;
}

const struct model_state_row *
tier_port_state(struct tier *tier, unsigned channel)
{
    for (unsigned i = 0; i < tier->state_count; i++)
        if (tier->states[i].channel == channel)
            return &tier->states[i];
    return NULL;
}
