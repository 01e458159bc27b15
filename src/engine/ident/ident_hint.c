/* ident_hint.c -- see ident_hint.h. */
#include "engine/ident/ident_hint.h"

#include "base/base_mem.h"
#include "base/base_rng.h"
#include "engine/ident/ident_cache.h"
#include "engine/ident/ident_inner.h"

enum {
    HINT_GATHER_MS = 20,
    HINT_BEAT_MS = 10 * 1000,
    HINT_KEEPS_MS = 24 * 3600 * 1000,
    HINT_BYTES = 60 << 10, /* of changes in one hint */
    HINT_HEAD = 32,
};

static int64_t
hint_now(const struct ident_hint *hint)
{
    return base_loop_mono(hint->ident->config.loop).ms;
}

static bool
hint_child_keeps(const struct ident_hint *hint,
                 const struct ident_hint_told *child)
{
    return child->keeps_until_ms > hint_now(hint);
}

bool
ident_hint_wanted(struct ident *ident)
{
    const struct ident_hint *hint = ident->hint;
    if (ident->cache->limit > 0)
        return true;
    for (unsigned i = 0; i < hint->child_count; i++)
        if (hint_child_keeps(hint, &hint->children[i]))
            return true;
    return false;
}

/* --- sending --- */

static void
hint_send(struct ident_hint *hint, struct ident_hint_told *to,
          const struct base_out *changes, unsigned count)
{
    struct model_port *port = hint->ident->config.port;
    struct base_out out;
    base_out_grow(&out, HINT_BYTES + HINT_HEAD);
    wire_names_hint_write(&out, &(struct wire_names_hint){
                                    .boot = hint->boot,
                                    .seq = ++to->seq,
                                    .count = count,
                                    .changes = base_out_bytes(changes),
                                });
    port->ops->hint(port, MODEL_CHANNEL_HINT, MODEL_KIND_HINT_INVALIDATE,
                    base_bytes_text(to->prefix), base_out_bytes(&out));
    base_out_done(&out);
}

static bool
hint_has_parent(const struct ident_hint *hint)
{
    struct model_port *port = hint->ident->config.port;
    return port->ops->parent != NULL && port->ops->parent(port).size > 0;
}

static void
hint_flush(struct ident_hint *hint)
{
    if (hint->up_count > 0 && hint_has_parent(hint))
        hint_send(hint, &hint->parent, &hint->up, hint->up_count);
    for (unsigned i = 0; hint->down_count > 0 && i < hint->child_count; i++)
        if (hint_child_keeps(hint, &hint->children[i]))
            hint_send(hint, &hint->children[i], &hint->down, hint->down_count);
    hint->up_count = hint->down_count = 0;
    base_out_reset(&hint->up);
    base_out_reset(&hint->down);
}

static void
hint_flush_due(struct base_timer *timer)
{
    struct ident_hint *hint = BASE_OUTER(timer, struct ident_hint, flush);
    hint->waits = false;
    hint_flush(hint);
}

/* Without changes, so that a hole is seen and silence is not. */
static void
hint_beat(struct base_timer *timer)
{
    struct ident_hint *hint = BASE_OUTER(timer, struct ident_hint, beat);
    struct base_out none = {0};
    if (hint->parent.seq > 0 && hint_has_parent(hint))
        hint_send(hint, &hint->parent, &none, 0);
    for (unsigned i = 0; i < hint->child_count; i++)
        if (hint_child_keeps(hint, &hint->children[i]))
            hint_send(hint, &hint->children[i], &none, 0);
    base_loop_timer(hint->ident->config.loop, &hint->beat, HINT_BEAT_MS);
}

static void
hint_add(struct ident_hint *hint, struct base_out *to, unsigned *count,
         struct bytes prefix, uint64_t hash)
{
    wire_names_change_write(to, &(struct wire_names_change){prefix, hash});
    ++*count;
    if (*count == WIRE_NAMES_CHANGES ||
        to->size > HINT_BYTES - MODEL_PREFIX_MAX - 16) {
        hint_flush(hint);
    } else if (!hint->waits) {
        hint->waits = true;
        base_loop_timer(hint->ident->config.loop, &hint->flush, HINT_GATHER_MS);
    }
    if (!hint->beats) {
        hint->beats = true;
        base_loop_timer(hint->ident->config.loop, &hint->beat, HINT_BEAT_MS);
    }
}

static void
hint_apply(struct ident_hint *hint, struct bytes prefix, uint64_t hash)
{
    if (hash == 0)
        ident_cache_changed_all(hint->ident->cache, prefix);
    else
        ident_cache_changed(hint->ident->cache, hash);
}

static void
hint_pass(struct ident_hint *hint, struct bytes prefix, uint64_t hash, bool up)
{
    hint_apply(hint, prefix, hash);
    if (up && hint_has_parent(hint))
        hint_add(hint, &hint->up, &hint->up_count, prefix, hash);
    for (unsigned i = 0; i < hint->child_count; i++) {
        if (!hint_child_keeps(hint, &hint->children[i]))
            continue;
        hint_add(hint, &hint->down, &hint->down_count, prefix, hash);
        return;
    }
}

void
ident_hint_changed(struct ident_hint *hint, struct bytes prefix,
                   struct bytes folded)
{
    hint_pass(hint, prefix, folded.size > 0 ? ident_cache_hash(folded) : 0,
              true);
}

/* --- children --- */

static struct ident_hint_told *
hint_child(struct ident_hint *hint, struct bytes prefix)
{
    for (unsigned i = 0; i < hint->child_count; i++)
        if (base_bytes_equal_folded(base_bytes_text(hint->children[i].prefix),
                                    prefix))
            return &hint->children[i];
    if (hint->child_count == IDENT_HINT_CHILDREN)
        return NULL;
    struct ident_hint_told *child = &hint->children[hint->child_count++];
    *child = (struct ident_hint_told){0};
    base_bytes_string(prefix, child->prefix, sizeof child->prefix);
    return child;
}

void
ident_hint_keeps(struct ident_hint *hint, struct bytes prefix)
{
    struct ident_hint_told *child;
    if (!model_id_is_child(hint->ident->prefix, prefix) ||
        (child = hint_child(hint, prefix)) == NULL)
        return;
    child->keeps_until_ms = hint_now(hint) + HINT_KEEPS_MS;
    if (hint->beats)
        return;
    hint->beats = true;
    base_loop_timer(hint->ident->config.loop, &hint->beat, HINT_BEAT_MS);
}

/* --- hearing --- */

/* A hole since the last one: whatever that node tells may have changed. */
static bool
hint_hole(struct ident_hint_heard *from, const struct wire_names_hint *heard)
{
    bool first = from->boot == 0;
    bool hole =
        !first && (from->boot != heard->boot || from->seq + 1 != heard->seq);
    from->boot = heard->boot;
    from->seq = heard->seq;
    return hole;
}

static struct ident_hint_heard *
hint_from(struct ident_hint *hint, struct bytes prefix)
{
    uint8_t folded[MODEL_PREFIX_MAX];
    base_bytes_fold(prefix, folded);
    struct bytes key = base_bytes(folded, prefix.size);
    struct ident_hint_heard *from = base_map_get(&hint->below, key);
    if (from == NULL) {
        from = base_mem_zero(sizeof *from);
        base_map_put(&hint->below, key, from);
    }
    return from;
}

void
ident_take_hint(void *self, const struct model_message *message)
{
    struct ident *ident = self;
    struct ident_hint *hint = ident->hint;
    struct wire_names_hint heard;
    struct wire_names_change change;
    bool above = !model_id_covers(ident->prefix, message->from);
    if (message->from.size > MODEL_PREFIX_MAX ||
        (!above && !model_id_is_child(ident->prefix, message->from)) ||
        wire_names_hint_read(message->body, &heard) != ERR_OK)
        return;
    struct bytes from = above ? base_bytes(NULL, 0) : message->from;
    if (hint_hole(above ? &hint->above : hint_from(hint, from), &heard))
        hint_pass(hint, from, 0, !above);
    if (above)
        ident->cache->heard_ms = hint_now(hint);
    while (wire_names_change_next(&heard, &change))
        if (above || model_id_covers(from, change.prefix)) /* its own to tell */
            hint_pass(hint, change.prefix, change.hash, !above);
}

/* --- begin and end --- */

void
ident_hint_init(struct ident_hint *hint, struct ident *ident)
{
    hint->ident = ident;
    hint->boot = base_rng_u64(ident->config.random) | 1;
    hint->flush.fn = hint_flush_due;
    hint->beat.fn = hint_beat;
    base_map_init(&hint->below, hint->boot);
    base_out_grow(&hint->up, HINT_BYTES);
    base_out_grow(&hint->down, HINT_BYTES);
}

void
ident_hint_done(struct ident_hint *hint)
{
    if (hint->waits)
        base_loop_timer_clear(hint->ident->config.loop, &hint->flush);
    if (hint->beats)
        base_loop_timer_clear(hint->ident->config.loop, &hint->beat);
    void *heard;
    struct bytes key;
    for (size_t at = 0; base_map_next(&hint->below, &at, &key, &heard);)
        base_mem_free(heard);
    base_map_done(&hint->below);
    base_out_done(&hint->up);
    base_out_done(&hint->down);
}
