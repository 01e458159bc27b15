/* tier.c -- one node's tier: made, started, stopped, freed. */
#include "tier/tier.h"

#include <stdio.h>

#include "tier/tier_inner.h"

enum { TIER_PING_S = 20, TIER_SPREAD_MS = 1000, TIER_BODY_MAX = 2 << 20 };

/* clang-format off */
static const struct tier_stat_row {
    const char *name, *labels, *help;
    enum base_stat_kind kind;
} tier_stat_rows[TIER_STATS] = {
  [TIER_STAT_CHILDREN] = {"dougong_tier_links", "kind=\"child\"",
    "Links that are up", BASE_STAT_GAUGE},
  [TIER_STAT_PARENT] = {"dougong_tier_links", "kind=\"parent\"",
    "Links that are up", BASE_STAT_GAUGE},
  [TIER_STAT_HANDSHAKES] = {"dougong_tier_handshakes_total", "result=\"up\"",
    "Links that came up, and that were refused", BASE_STAT_COUNTER},
  [TIER_STAT_REFUSED_LINKS] = {"dougong_tier_handshakes_total",
    "result=\"refused\"", "Links that came up, and that were refused",
    BASE_STAT_COUNTER},
  [TIER_STAT_FENCED] = {"dougong_tier_fenced_total", "",
    "Nodes fenced: a copy, or restored from a backup", BASE_STAT_COUNTER},
  [TIER_STAT_BAD] = {"dougong_tier_bad_frames_total", "",
    "Frames against the protocol; each ends its link", BASE_STAT_COUNTER},
  [TIER_STAT_IGNORED] = {"dougong_tier_ignored_total", "",
    "Events and answers that found nobody waiting", BASE_STAT_COUNTER},
  [TIER_STAT_HINTS_LOST] = {"dougong_tier_hints_lost_total", "",
    "Hints that nobody could be told", BASE_STAT_COUNTER},
  [TIER_STAT_APPLIED] = {"dougong_tier_log_messages_total",
    "result=\"applied\"", "Log messages taken", BASE_STAT_COUNTER},
  [TIER_STAT_DUPLICATES] = {"dougong_tier_log_messages_total",
    "result=\"duplicate\"", "Log messages taken", BASE_STAT_COUNTER},
  [TIER_STAT_REFUSED] = {"dougong_tier_log_messages_total",
    "result=\"refused\"", "Log messages taken", BASE_STAT_COUNTER},
  [TIER_STAT_GAPS] = {"dougong_tier_log_messages_total", "result=\"gap\"",
    "Log messages taken", BASE_STAT_COUNTER},
  [TIER_STAT_GONE_BACK] = {"dougong_tier_log_gone_back_total", "",
    "Times that a log was sent again from its last ACK", BASE_STAT_COUNTER},
  [TIER_STAT_TOP] = {"dougong_tier_top_total", "",
    "Upward posts completed here: this node has no parent",
    BASE_STAT_COUNTER},
  [TIER_STAT_LIMIT] = {"dougong_limit_hit_total", "limit=\"tier_spool\"",
    "Times that a limit was reached", BASE_STAT_COUNTER},
  [TIER_STAT_LOST] = {"dougong_tier_post_dropped_total", "",
    "Posts whose batch was never committed", BASE_STAT_COUNTER},
  [TIER_STAT_PACK_MISMATCH] = {"dougong_tier_pack_mismatch_total", "",
    "Packs that a neighbour holds in another shape", BASE_STAT_COUNTER},
  [TIER_STAT_ALERTS] = {"dougong_tier_alerts_total", "",
    "Alerts raised by the node itself", BASE_STAT_COUNTER},
  [TIER_STAT_SPOOL_ROWS] = {"dougong_spool_rows", "",
    "Log messages posted and not acknowledged", BASE_STAT_GAUGE},
  [TIER_STAT_SPOOL_BYTES] = {"dougong_spool_bytes", "",
    "Bytes of log messages posted and not acknowledged", BASE_STAT_GAUGE},
  [TIER_STAT_RECEIVING] = {"dougong_tier_credit_bytes", "",
    "Receive credit given out", BASE_STAT_GAUGE},
};
/* clang-format on */

static const char *const tier_dirs[TIER_DIRS] = {"in", "out"};

static void
tier_stats_add(struct tier *tier)
{
    struct base_stats *stats = tier->config.stats;
    for (unsigned i = 0; stats && i < TIER_STATS; i++) {
        const struct tier_stat_row *row = &tier_stat_rows[i];
        base_stat_add(stats, &tier->stats[i], row->kind, row->name, row->labels,
                      row->help);
    }
    for (unsigned i = 0; stats && i < MODEL_CHANNELS; i++) {
        struct tier_traffic *traffic = &tier->traffic[i];
        for (unsigned dir = 0; dir < TIER_DIRS && tier_channel_live(i); dir++) {
            snprintf(traffic->labels[dir], sizeof traffic->labels[dir],
                     "channel=\"%s\",dir=\"%s\"", tier_channel_get(i)->name,
                     tier_dirs[dir]);
            base_stat_add(stats, &traffic->messages[dir], BASE_STAT_COUNTER,
                          "dougong_tier_messages_total", traffic->labels[dir],
                          "Messages over links");
            base_stat_add(stats, &traffic->bytes[dir], BASE_STAT_COUNTER,
                          "dougong_tier_bytes_total", traffic->labels[dir],
                          "Message bytes over links");
        }
    }
}

static void
tier_stats_drop(struct tier *tier)
{
    struct base_stats *stats = tier->config.stats;
    for (unsigned i = 0; stats && i < TIER_STATS; i++)
        base_stat_drop(stats, &tier->stats[i]);
    for (unsigned i = 0; stats && i < MODEL_CHANNELS; i++)
        for (unsigned dir = 0; dir < TIER_DIRS && tier_channel_live(i); dir++) {
            base_stat_drop(stats, &tier->traffic[i].messages[dir]);
            base_stat_drop(stats, &tier->traffic[i].bytes[dir]);
        }
}

static enum err
tier_check(const struct tier_config *config, struct base_note *note)
{
    struct bytes own = base_bytes_text(config->prefix);
    struct bytes above = base_bytes_text(config->parent);
    if (model_id_prefix_check(own) != ERR_OK)
        return base_err_note(note, ERR_NAME, "\"%s\" is not a prefix",
                             config->prefix);
    if (above.size > 0 && !model_id_is_child(above, own))
        return base_err_note(note, ERR_NAME,
                             "%s is not one label below its parent %s",
                             config->prefix, config->parent);
    must(config->kvs[0] && config->loop && config->random && config->journal);
    must(above.size == 0 || config->transport);
    return ERR_OK;
}

enum err
tier_new(const struct tier_config *config, struct tier **ret_tier,
         struct base_note *note)
{
    enum err err = tier_check(config, note);
    if (err != ERR_OK)
        return err;
    struct tier *tier = base_mem_zero(sizeof *tier);
    tier->config = *config;
    if (tier->config.ping_s == 0)
        tier->config.ping_s = TIER_PING_S;
    if (tier->config.spread_ms == 0)
        tier->config.spread_ms = TIER_SPREAD_MS;
    if (tier->config.pack_count > TIER_PACKS)
        tier->config.pack_count = TIER_PACKS;
    tier->own = base_bytes_text(config->prefix);
    tier->above = base_bytes_text(config->parent);
    tier->port.ops = &tier_port_ops;
    tier->port.own = tier->own;
    tier->boot = base_rng_u64(config->random);
    tier->cuts = store_journal_cuts(config->journal);
    tier->started_at = base_loop_mono(config->loop);
    base_list_init(&tier->children);
    base_list_init(&tier->links);
    base_list_init(&tier->holds);
    base_list_init(&tier->locals);
    base_list_init(&tier->relays);
    base_list_init(&tier->pokes);
    base_map_init(&tier->by_prefix, tier->boot);
    base_arena_init(&tier->arena, TIER_BODY_MAX);
    tier->poke_task.fn = tier_log_poked;
    tier->poke_timer.fn = tier_log_poke_timer;
    tier_stats_add(tier);
    err = tier_peer_load(tier, note);
    if (err != ERR_OK) {
        tier_free(tier);
        return err;
    }
    *ret_tier = tier;
    return ERR_OK;
}

void
tier_free(struct tier *tier)
{
    struct base_link *at;
    if (!tier)
        return;
    tier_fault_done(tier->fault);
    tier_hold_done(tier);
    tier_call_done(tier);
    while ((at = tier->links.next) != &tier->links)
        tier_link_free(BASE_OUTER(at, struct tier_link, all));
    tier_peer_done(tier);
    tier_stats_drop(tier);
    base_arena_done(&tier->arena);
    base_mem_free(tier);
}

struct model_port *
tier_port(struct tier *tier)
{
    return &tier->port;
}

void
tier_add_log(struct tier *tier, const struct model_log_row *row)
{
    must(tier->log_count < TIER_ROWS && !tier->started && row->kv);
    tier->logs[tier->log_count++] = *row;
}

void
tier_add_call(struct tier *tier, const struct model_call_row *row)
{
    must(tier->call_count < TIER_ROWS && !tier->started);
    tier->calls[tier->call_count++] = *row;
}

void
tier_add_state(struct tier *tier, const struct model_state_row *row)
{
    must(tier->state_count < TIER_ROWS && !tier->started && row->kv);
    tier->states[tier->state_count++] = *row;
}

void
tier_add_event(struct tier *tier, const struct model_event_row *row)
{
    must(tier->event_count < TIER_ROWS && !tier->started);
    tier->events[tier->event_count++] = *row;
}

void
tier_add_hint(struct tier *tier, const struct model_hint_row *row)
{
    must(tier->hint_count < TIER_ROWS && !tier->started);
    tier->hints[tier->hint_count++] = *row;
}

/* Logs on disk with something unacknowledged go on by themselves. */
void
tier_start(struct tier *tier)
{
    must(!tier->started);
    tier->started = true;
    for (unsigned i = 0; i < MODEL_CHANNELS; i++) {
        if (!tier_channel_live(i) ||
            tier_channel_get(i)->class != TIER_CLASS_LOG)
            continue;
        struct tier_log *log = tier_log_get(tier->local, i);
        log->next = log->applied + 1;
        tier_log_refresh(log);
        base_loop_timer(tier->config.loop, &log->again, 0);
    }
    tier_child_start(tier);
}

void
tier_stop(struct tier *tier)
{
    tier->stopping = true;
    tier_child_happens(tier, TIER_EVENT_STOP, &(struct tier_happened){0});
    for (struct base_link *at = tier->links.next; at != &tier->links;) {
        struct tier_link *link = BASE_OUTER(at, struct tier_link, all);
        at = at->next;
        if (link->state == TIER_LINK_CLOSED || link->dialed)
            continue;
        tier_parent_happens(link, TIER_EVENT_STOP, &(struct tier_happened){0});
        at = tier->links.next;
    }
}

uint32_t
tier_epoch(struct tier *tier)
{
    return tier->self.epoch;
}

enum err
tier_raise(struct tier *tier, uint32_t epoch)
{
    struct tier_self old = tier->self;
    if (epoch <= old.epoch)
        return ERR_OK;
    tier->self.epoch = epoch;
    tier->self.lineage = 0;
    tier->self.resync = true;
    enum err err = tier_peer_save(tier, NULL, NULL);
    if (err != ERR_OK)
        tier->self = old;
    return err;
}

enum err
tier_again(struct tier *tier)
{
    enum err err = tier_raise(tier, tier->self.epoch + 1);
    if (err == ERR_OK && tier->started)
        tier_child_happens(tier, TIER_EVENT_AGAIN, &(struct tier_happened){0});
    return err;
}

void
tier_retry(struct tier *tier)
{
    if (tier->parent && tier->started)
        tier_child_happens(tier, TIER_EVENT_RETRY, &(struct tier_happened){0});
}

void
tier_cut(struct tier *tier, struct bytes prefix)
{
    for (struct base_link *at = tier->links.next; at != &tier->links;) {
        struct tier_link *link = BASE_OUTER(at, struct tier_link, all);
        at = at->next;
        if (link->dialed || link->state == TIER_LINK_CLOSED ||
            !base_bytes_equal_folded(base_bytes_text(link->prefix), prefix))
            continue;
        tier_parent_happens(link, TIER_EVENT_CUT, &(struct tier_happened){0});
        at = tier->links.next;
    }
}

static void
tier_rewound_peer(struct tier_peer *peer)
{
    for (unsigned i = 0; peer && i < MODEL_CHANNELS; i++)
        if (peer->logs[i])
            tier_log_reload(peer->logs[i]);
}

/* Logs may have cursors in any environment: all are read again. */
void
tier_rewound(struct tier *tier)
{
    tier->cuts = store_journal_cuts(tier->config.journal);
    if (!tier->started)
        return;
    tier_rewound_peer(tier->local);
    tier_rewound_peer(tier->parent);
    for (struct base_link *at = tier->children.next; at != &tier->children;
         at = at->next) {
        struct tier_peer *peer = BASE_OUTER(at, struct tier_peer, all);
        tier_peer_rewound(peer);
        tier_rewound_peer(peer);
    }
}
