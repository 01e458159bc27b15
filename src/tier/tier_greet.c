/* tier_greet.c -- what the two ends tell each other at the start.
 *
 * Why: an offset alone is never believed.  Each end says what it has issued,
 * seen acknowledged and applied, with the chain hash h of what it has applied;
 * the other compares with its own rows.
 *
 *   they applied   what the sender of that log does
 *   <= issued, h equal    goes on above it (rows up to it are acknowledged)
 *   < acknowledged        the receiver was restored: sends again from the kept
 *                         tail, names the rest in a GAP; every state again
 *   h differs             FENCED: the logs have parted
 *   > issued              a child: FENCED; a parent: it was restored itself,
 *                         and goes on above what the child has
 *
 * On first contact each receiver sets its cursor to what the sender says it
 * has seen acknowledged (`acked` and TLV 8): only what is newer is sent. */
#include "tier/tier_inner.h"

enum {
    GREET_TLVS = WIRE_FRAME_BODY_MAX - WIRE_HELLO_HEAD - WIRE_FRAME_NAME_MAX,
    GREET_PACKS = 8 * 1024
};

static enum err
greet_channel(struct tier_greet *greet, struct bytes value)
{
    struct wire_hello_channel channel;
    enum err err = wire_hello_channel_read(value, &channel);
    if (err != ERR_OK || channel.channel >= MODEL_CHANNELS)
        return err; /* a channel that we do not know: skipped */
    struct base_cur cur;
    base_cur_init(&cur, base_bytes(channel.kinds, sizeof channel.kinds));
    greet->kinds[channel.channel] = base_cur_u32le(&cur);
    greet->channels[channel.channel] = channel;
    return ERR_OK;
}

enum err
tier_greet_read(struct bytes body, struct tier_greet *ret_greet)
{
    struct tier_greet *greet = ret_greet;
    struct base_cur cur;
    struct bytes value;
    uint16_t type;
    uint64_t h;
    uint8_t channel;
    *greet = (struct tier_greet){0};
    enum err err = wire_hello_read(body, &greet->hello);
    if (err != ERR_OK)
        return err;
    base_cur_init(&cur, greet->hello.tlvs);
    while (err == ERR_OK && wire_hello_next(&cur, &type, &value) == ERR_OK) {
        if (type == WIRE_HELLO_CHANNEL) {
            err = greet_channel(greet, value);
        } else if (type == WIRE_HELLO_TIMING) {
            greet->timing = true;
            err = wire_hello_timing_read(value, &greet->ping_s,
                                         &greet->spread_ms);
        } else if (type == WIRE_HELLO_SIGNER) {
            greet->sign_key = value;
            err = value.size > TIER_SIGN_KEY ? ERR_SYNTAX : ERR_OK;
        } else if (type == WIRE_HELLO_BASE) {
            err = wire_hello_base_read(value, &channel, &h);
            if (err == ERR_OK && channel < MODEL_CHANNELS)
                greet->base_h[channel] = h;
        }
    }
    return err;
}

/* --- writing --- */

static void
greet_kinds(unsigned channel, struct wire_hello_channel *to)
{
    struct base_out out;
    base_out_fixed(&out, to->kinds, sizeof to->kinds);
    base_out_u32le(&out, tier_channel_kinds(channel));
    if (tier_channel_get(channel)->class == TIER_CLASS_LOG)
        to->kinds[TIER_CHANNEL_GAP / 8] |= 1u << TIER_CHANNEL_GAP % 8;
}

/* Where a receiver of our log may begin at first contact: what it says it has,
 * if the chain agrees, else what was acknowledged. */
static void
greet_log_base(struct tier_log *log, const struct tier_greet *heard,
               struct wire_hello_channel *entry, struct base_out *out)
{
    uint64_t h = 0;
    if (heard) {
        const struct wire_hello_channel *its = &heard->channels[log->channel];
        if (its->applied < entry->acked && tier_log_h(log, its->applied, &h) &&
            h == its->h && its->applied > 0)
            entry->acked = its->applied;
        log->next = entry->acked + 1;
    }
    if (tier_log_h(log, entry->acked, &h))
        wire_hello_base_add(out, log->channel, h);
}

static void
greet_write_channel(struct tier_peer *peer, unsigned channel, bool based,
                    const struct tier_greet *heard, struct base_out *out)
{
    struct wire_hello_channel entry = {.channel = (uint8_t)channel};
    greet_kinds(channel, &entry);
    if (tier_channel_get(channel)->class == TIER_CLASS_LOG) {
        struct tier_log *log = tier_log_get(peer, channel);
        tier_log_refresh(log);
        entry.issued = log->issued;
        entry.acked = log->acked;
        entry.applied = log->applied;
        entry.h = log->applied_h;
        if (based)
            greet_log_base(log, heard, &entry, out);
    } else if (tier_channel_get(channel)->class == TIER_CLASS_STATE) {
        const struct tier_state *state = tier_state_get(peer, channel);
        entry.issued = entry.acked = state->acked;
        entry.applied = state->applied;
    }
    wire_hello_channel_add(out, &entry);
}

static void
greet_write_lists(struct tier *tier, struct base_out *out)
{
    const struct tier_config *config = &tier->config;
    uint8_t *room = base_mem_new(GREET_PACKS);
    struct base_out list;
    if (config->sign_key.size > 0)
        wire_hello_add(out, WIRE_HELLO_SIGNER, config->sign_key);
    if (config->role)
        wire_hello_add(out, WIRE_HELLO_ROLE, base_bytes_text(config->role));
    base_out_fixed(&list, room, GREET_PACKS);
    for (unsigned i = 0; i < config->pack_count && i < TIER_PACKS; i++) {
        struct bytes name = base_bytes_text(config->packs[i].name);
        if (list.size + name.size + 9 <= GREET_PACKS)
            wire_hello_pack_write(&list, config->packs[i].shape8, name);
    }
    wire_hello_add(out, WIRE_HELLO_PACKS, base_out_bytes(&list));
    base_out_reset(&list);
    for (unsigned i = 0; i < config->endpoint_count && i < 8; i++)
        wire_hello_text_write(&list, base_bytes_text(config->endpoints[i]));
    wire_hello_add(out, WIRE_HELLO_ENDPOINTS, base_out_bytes(&list));
    base_mem_free(room);
}

void
tier_greet_write(struct tier_peer *peer, struct wire_hello *hello, bool based,
                 const struct tier_greet *heard, struct base_out *out)
{
    struct tier *tier = peer->tier;
    uint8_t *room = base_mem_new(GREET_TLVS);
    struct base_out tlvs;
    base_out_fixed(&tlvs, room, GREET_TLVS);
    for (unsigned i = 0; i < MODEL_CHANNELS; i++)
        if (tier_channel_live(i))
            greet_write_channel(peer, i, based, heard, &tlvs);
    if (heard) /* a WELCOME */
        wire_hello_timing_add(&tlvs, (uint16_t)tier->config.ping_s,
                              tier->config.spread_ms);
    greet_write_lists(tier, &tlvs);
    must(base_out_ok(&tlvs));
    memcpy(hello->store, store_journal_store_id(tier->config.journal),
           sizeof hello->store);
    hello->software = tier->config.software;
    hello->boot = tier->boot;
    hello->wall_ms = base_loop_wall(tier->config.loop).ms;
    hello->up_ms = (uint64_t)(tier_inner_now(tier) - tier->started_at.ms);
    hello->prefix = tier->own;
    hello->tlvs = base_out_bytes(&tlvs);
    wire_hello_write(out, hello);
    base_mem_free(room);
}

/* --- meeting --- */

static enum err
greet_meet_log(struct tier_log *log, const struct wire_hello_channel *its,
               bool we_are_parent, bool *ret_behind)
{
    uint64_t h = 0;
    tier_log_refresh(log);
    if (we_are_parent && its->issued < log->applied)
        return ERR_FENCED;
    if (its->applied > log->issued) {
        if (!we_are_parent)
            return ERR_FENCED;
        return tier_log_adopt(log, its->applied, its->h);
    }
    if (tier_log_h(log, its->applied, &h) && h != its->h)
        return ERR_FENCED;
    if (its->applied < log->acked) {
        *ret_behind = true;
        log->next = its->applied + 1;
        return ERR_OK;
    }
    log->next = its->applied + 1;
    log->sent = its->applied;
    tier_log_ack(log, its->applied, false, NULL, 0);
    return ERR_OK;
}

enum err
tier_greet_meet(struct tier_peer *peer, const struct tier_greet *greet,
                bool *ret_behind)
{
    *ret_behind = false;
    for (unsigned i = 0; i < MODEL_CHANNELS; i++) {
        const struct wire_hello_channel *its = &greet->channels[i];
        enum err err = ERR_OK;
        if (!tier_channel_live(i))
            continue;
        if (tier_channel_get(i)->class == TIER_CLASS_LOG)
            err = greet_meet_log(tier_log_get(peer, i), its,
                                 peer->no != TIER_PEER_PARENT, ret_behind);
        else if (tier_channel_get(i)->class == TIER_CLASS_STATE &&
                 its->applied < tier_state_get(peer, i)->acked)
            *ret_behind = true;
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

static enum err
greet_base_state(struct tier_state *state)
{
    static const uint64_t zeros[2];
    if (!state->row || state->applied == 0)
        return ERR_OK;
    struct store_kv_batch *batch = store_kv_batch_new(state->row->kv);
    tier_cursor_put(batch, TIER_CURSOR_IN, state->channel, state->peer->no,
                    zeros, 2);
    state->applied = 0;
    return store_kv_commit(state->row->kv, batch, NULL, NULL);
}

enum err
tier_greet_base(struct tier_peer *peer, const struct tier_greet *greet)
{
    for (unsigned i = 0; i < MODEL_CHANNELS; i++) {
        enum err err = ERR_OK;
        if (!tier_channel_live(i))
            continue;
        if (tier_channel_get(i)->class == TIER_CLASS_LOG)
            err = tier_take_base(tier_log_get(peer, i),
                                 greet->channels[i].acked, greet->base_h[i]);
        else if (tier_channel_get(i)->class == TIER_CLASS_STATE)
            err = greet_base_state(tier_state_get(peer, i));
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}
