/* tier_list.c -- a node's neighbours, for /api/tree and doctor. */
#include <stdlib.h>

#include "tier/tier_inner.h"

static void
list_lags(const struct tier_peer *peer, struct tier_view *view)
{
    for (unsigned i = 0; i < MODEL_CHANNELS; i++) {
        const struct tier_log *log = peer->logs[i];
        const struct tier_state *state = peer->states[i];
        struct tier_lag *lag = &view->lags[view->lag_count];
        if (!log && !(state && state->row))
            continue;
        *lag = (struct tier_lag){
            .channel = (uint8_t)i,
            .name = tier_channel_get(i)->name,
            .issued = log ? log->issued : state->acked + state->flying_count,
            .acked = log ? log->acked : state->acked,
            .applied = log ? log->applied : state->applied,
            .waiting_bytes = log ? log->issued_bytes - log->acked_bytes : 0,
        };
        view->lag_count++;
    }
}

static const char *
list_state(const struct tier_peer *peer)
{
    if (peer->no == TIER_PEER_PARENT)
        return tier_child_state(peer->tier);
    if (tier_inner_is_up(peer->link))
        return "up";
    return peer->held_until_ms > tier_inner_now(peer->tier) ? "held" : "down";
}

static void
list_one(const struct tier_peer *peer,
         void (*fn)(void *self, const struct tier_view *view), void *self)
{
    struct tier_view *view = base_mem_new(sizeof *view);
    *view = (struct tier_view){
        .prefix = tier_inner_prefix(peer),
        .is_parent = peer->no == TIER_PEER_PARENT,
        .up = tier_inner_is_up(peer->link),
        .state = list_state(peer),
        .peer = peer->address,
        .since_ms = peer->since_ms,
        .seen_ms = peer->seen_ms,
        .rtt_ms = peer->rtt_ms,
        .offset_ms = peer->offset_ms,
        .expiry_ms = peer->expiry_ms,
        .epoch = peer->epoch,
        .lineage = peer->no == TIER_PEER_PARENT ? peer->tier->self.lineage
                                                : peer->confirmed,
        .packs_differ = peer->packs_differ,
        .why = peer->why,
    };
    list_lags(peer, view);
    for (unsigned i = 0; i < TIER_REFUSALS; i++) {
        const char *text =
            peer->refusals[(peer->refusal_at + i) % TIER_REFUSALS];
        if (text)
            view->refusals[view->refusal_count++] = text;
    }
    fn(self, view);
    base_mem_free(view);
}

static int
list_order(const void *a, const void *b)
{
    const struct tier_peer *const *left = a, *const *right = b;
    return base_bytes_compare(tier_inner_prefix(*left),
                              tier_inner_prefix(*right));
}

void
tier_list(struct tier *tier,
          void (*fn)(void *self, const struct tier_view *view), void *self)
{
    const struct tier_peer **sorted =
        base_mem_new((tier->by_prefix.count + 1) * sizeof(*sorted));
    size_t count = 0;
    for (struct base_link *at = tier->children.next; at != &tier->children;
         at = at->next) {
        const struct tier_peer *peer = BASE_OUTER(at, struct tier_peer, all);
        if (peer->known)
            sorted[count++] = peer;
    }
    qsort(sorted, count, sizeof(*sorted), list_order);
    if (tier->parent)
        list_one(tier->parent, fn, self);
    for (size_t i = 0; i < count; i++)
        list_one(sorted[i], fn, self);
    base_mem_free(sorted);
}
