/* ident_cache.c -- see ident_cache.h. */
#include "engine/ident/ident_cache.h"

#include "base/base_hash.h"
#include "base/base_mem.h"
#include "base/base_must.h"
#include "engine/ident/ident_inner.h"

enum {
    CACHE_WAITERS = 1000,
    CACHE_FETCHES = 4096,
    CACHE_ASK_MS = 3000,
    CACHE_LATE_MS = 300,
    CACHE_LIFE_LEAST_MS = 5 * 1000,
    CACHE_LIFE_MOST_MS = 24 * 3600 * 1000,
    CACHE_LIFE_NOT_MS = 60 * 1000,
    CACHE_LIFE_FAILED_MS = 5 * 1000,
    CACHE_STALE_MS = 24 * 3600 * 1000,
    CACHE_SILENT_MS = 60 * 1000, /* above: what it told is not believed on */
    CACHE_HITS = 2,
};

struct ident_cache_entry {
    struct base_link all;
    struct ident_cache *cache;
    uint64_t hash;
    struct bytes handle; /* folded, behind the struct */
    char to[MODEL_PREFIX_MAX + 1];
    struct base_link waiters;
    unsigned waiter_count;
    struct model_ask ask;
    struct base_timer late;
    bool asking, changed; /* changed: what is here must not be given */
    bool used;            /* since the hand passed */
    unsigned hits;
    int64_t began_ms, life_ms, fresh_ms, stale_ms; /* mono; until when */
    size_t size;
    uint8_t *body; /* NULL: nothing yet */
    struct wire_names_answer answer;
};

static int64_t
cache_now(const struct ident_cache *cache)
{
    return base_loop_mono(cache->ident->config.loop).ms;
}

uint64_t
ident_cache_hash(struct bytes folded)
{
    return base_hash_xxh3(0, folded);
}

static struct bytes
cache_key(const uint64_t *hash)
{
    return base_bytes(hash, sizeof *hash);
}

/* --- room --- */

static void
cache_drop(struct ident_cache_entry *entry)
{
    struct ident_cache *cache = entry->cache;
    struct model_port *port = cache->ident->config.port;
    if (entry->asking)
        port->ops->forget(port, &entry->ask);
    base_map_remove(&cache->map, cache_key(&entry->hash));
    base_list_remove(&entry->all);
    base_loop_timer_clear(cache->ident->config.loop, &entry->late);
    cache->bytes -= entry->size;
    base_stat_set(&cache->size, (int64_t)cache->bytes);
    base_mem_free(entry->body);
    base_mem_free(entry);
}

/* The hand goes round once at most: what is being fetched stays. */
static void
cache_evict(struct ident_cache *cache)
{
    size_t left = 2 * cache->map.count;
    while (cache->bytes > cache->limit && left-- > 0) {
        struct ident_cache_entry *entry =
            BASE_OUTER(cache->clock.next, struct ident_cache_entry, all);
        bool stays = entry->asking || entry->used;
        entry->used = false;
        if (stays) {
            base_list_remove(&entry->all);
            base_list_add(&cache->clock, &entry->all);
        } else {
            base_stat_inc(&cache->evicted, 1);
            cache_drop(entry);
        }
    }
}

static struct ident_cache_entry *
cache_make(struct ident_cache *cache, uint64_t hash, struct bytes folded,
           struct bytes to)
{
    struct ident_cache_entry *entry =
        base_mem_zero(sizeof *entry + folded.size);
    uint8_t *handle = (uint8_t *)(entry + 1);
    memcpy(handle, folded.at, folded.size);
    entry->cache = cache;
    entry->hash = hash;
    entry->handle = base_bytes(handle, folded.size);
    entry->size = sizeof *entry + folded.size;
    base_bytes_string(to, entry->to, sizeof entry->to);
    base_list_init(&entry->waiters);
    base_list_add(&cache->clock, &entry->all);
    base_map_put(&cache->map, cache_key(&entry->hash), entry);
    cache->bytes += entry->size;
    return entry;
}

/* --- answering --- */

static void
cache_back(struct base_task *task)
{
    struct ident_resolve *call = BASE_OUTER(task, struct ident_resolve, task);
    call->done(call);
}

static void
cache_hops(const struct ident_cache_entry *entry, struct ident_resolve *call)
{
    for (unsigned i = 0;
         i < entry->answer.hop_count && call->hop_count < IDENT_HOPS; i++) {
        const struct wire_names_hop *from = &entry->answer.hops[i];
        struct ident_hop *hop = &call->hops[call->hop_count++];
        base_bytes_string(from->node, hop->node, sizeof hop->node);
        base_bytes_string(from->what, hop->what, sizeof hop->what);
        hop->ms = from->ms;
    }
}

static void
cache_code(struct ident_cache *cache, struct ident_resolve *call,
           enum ident_code code, const char *message)
{
    struct ident *ident = cache->ident;
    call->code = code;
    call->message = message;
    base_stat_inc(
        code == IDENT_CODE_OK ? &ident->resolved[1] : &ident->resolved_not, 1);
    call->task.fn = cache_back;
    base_loop_post(call->loop, &call->task);
}

/* Copies into the call: the entry may go as soon as this returns. */
static void
cache_give(struct ident_cache_entry *entry, struct ident_resolve *call,
           const char *what)
{
    struct ident_cache *cache = entry->cache;
    const struct wire_names_answer *answer = &entry->answer;
    enum ident_code code = (enum ident_code)answer->code;
    ident_resolve_hop(cache->ident, call, what);
    if (strcmp(what, "cache") != 0 && strcmp(what, "stale") != 0)
        cache_hops(entry, call);
    call->registered = base_arena_bytes(&call->arena, answer->registered);
    if (code == IDENT_CODE_OK)
        code = ident_record_select(call, answer->values);
    const char *message = "";
    if (code != IDENT_CODE_OK)
        message = answer->message.size > 0
                      ? base_arena_text(&call->arena, answer->message)
                      : ident_resolve_text(code);
    cache_code(cache, call, code, message);
}

static void
cache_give_all(struct ident_cache_entry *entry, const char *what)
{
    struct base_link *at;
    while ((at = base_list_take(&entry->waiters)) != NULL)
        cache_give(entry, BASE_OUTER(at, struct ident_resolve, waiting), what);
    entry->waiter_count = 0;
}

static void
cache_fail_all(struct ident_cache_entry *entry, enum err err)
{
    struct base_link *at;
    while ((at = base_list_take(&entry->waiters)) != NULL) {
        struct ident_resolve *call =
            BASE_OUTER(at, struct ident_resolve, waiting);
        ident_resolve_hop(entry->cache->ident, call, "no way");
        cache_code(
            entry->cache, call, IDENT_CODE_BUSY,
            base_arena_format(&call->arena, "%s%s cannot be asked now: %s",
                              entry->to[0] == '\0' ? "the node above" : "node ",
                              entry->to, base_err_text(err)));
    }
    entry->waiter_count = 0;
}

/* --- fetching --- */

/* How long this answer may be given. */
static int64_t
cache_life(const struct ident_cache *cache,
           const struct wire_names_answer *answer)
{
    struct wire_hs_list list = answer->values;
    struct wire_hs_value value;
    int64_t life_ms = CACHE_LIFE_MOST_MS;
    int64_t now_s = ident_now(cache->ident) / 1000;
    if (answer->code == IDENT_CODE_BUSY || answer->code == IDENT_CODE_LOOP ||
        answer->code == IDENT_CODE_INTERNAL)
        return CACHE_LIFE_FAILED_MS;
    if (answer->code != IDENT_CODE_OK)
        return CACHE_LIFE_NOT_MS;
    while (wire_hs_next(&list, &value)) {
        int64_t ttl_s = value.ttl_type == WIRE_HS_ABSOLUTE
                            ? (int64_t)value.ttl_s - now_s
                            : (int64_t)value.ttl_s;
        if (ttl_s * 1000 < life_ms)
            life_ms = ttl_s * 1000;
    }
    return life_ms < CACHE_LIFE_LEAST_MS ? CACHE_LIFE_LEAST_MS : life_ms;
}

static bool
cache_stale(const struct ident_cache_entry *entry)
{
    return entry->body != NULL && !entry->changed &&
           cache_now(entry->cache) < entry->stale_ms;
}

static enum err
cache_keep(struct ident_cache_entry *entry, struct bytes body)
{
    struct ident_cache *cache = entry->cache;
    struct wire_names_answer answer = {0};
    uint8_t *copy = base_mem_new(body.size + 1);
    memcpy(copy, body.at, body.size);
    enum err err = wire_names_answer_read(base_bytes(copy, body.size), &answer);
    if (err != ERR_OK ||
        (answer.code == IDENT_CODE_BUSY && cache_stale(entry))) {
        base_mem_free(copy);
        return err != ERR_OK ? err : ERR_BUSY;
    }
    size_t size = sizeof *entry + entry->handle.size + body.size;
    cache->bytes += size - entry->size;
    entry->size = size;
    base_mem_free(entry->body);
    entry->body = copy;
    entry->answer = answer;
    entry->life_ms = cache_life(cache, &answer);
    entry->fresh_ms = cache_now(cache) + entry->life_ms;
    entry->stale_ms = entry->fresh_ms + CACHE_STALE_MS;
    entry->hits = 0;
    return ERR_OK;
}

static void
cache_answered(struct model_ask *ask, enum err err, struct bytes body)
{
    struct ident_cache_entry *entry =
        BASE_OUTER(ask, struct ident_cache_entry, ask);
    struct ident_cache *cache = entry->cache;
    entry->asking = false;
    cache->fetching--;
    base_loop_timer_clear(cache->ident->config.loop, &entry->late);
    bool changed = entry->changed;
    if (err == ERR_OK)
        err = cache_keep(entry, body);
    if (err == ERR_OK) {
        base_stat_inc(&cache->fetched, 1);
        if (changed && entry->began_ms < 0) { /* changed on the way */
            entry->fresh_ms = 0;
            entry->stale_ms = 0;
        }
        entry->changed = false;
        cache_give_all(entry, entry->to[0] == '\0' ? "up" : "down");
    } else if (cache_stale(entry)) {
        base_stat_inc(&cache->stale, 1);
        cache_give_all(entry, "stale");
    } else {
        base_stat_inc(&cache->failed, 1);
        cache_fail_all(entry, err);
    }
    if (entry->body == NULL)
        cache_drop(entry);
    cache_evict(cache);
    base_stat_set(&cache->size, (int64_t)cache->bytes);
}

static void
cache_late(struct base_timer *timer)
{
    struct ident_cache_entry *entry =
        BASE_OUTER(timer, struct ident_cache_entry, late);
    if (!cache_stale(entry))
        return;
    base_stat_inc(&entry->cache->stale, (int64_t)entry->waiter_count);
    cache_give_all(entry, "stale");
}

static void
cache_fetch(struct ident_cache_entry *entry, bool authority, unsigned count)
{
    struct ident_cache *cache = entry->cache;
    struct ident *ident = cache->ident;
    struct model_port *port = ident->config.port;
    uint8_t room[IDENT_HANDLE_MAX + 64];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    wire_names_question_write(&out, &(struct wire_names_question){
                                        .authority = authority,
                                        .keeps = ident_hint_wanted(ident),
                                        .count = (uint8_t)(count + 1),
                                        .handle = entry->handle,
                                    });
    must(base_out_ok(&out));
    entry->asking = true;
    entry->began_ms = cache_now(cache);
    cache->fetching++;
    entry->ask = (struct model_ask){.done = cache_answered};
    port->ops->ask(port, MODEL_CHANNEL_NAME_CALL, MODEL_KIND_NAME_CALL_RESOLVE,
                   base_bytes_text(entry->to), base_out_bytes(&out),
                   CACHE_ASK_MS, &entry->ask);
}

/* Who hears nothing from above does not know what has changed there. */
static bool
cache_fresh(const struct ident_cache_entry *entry)
{
    const struct ident_cache *cache = entry->cache;
    int64_t now = cache_now(cache);
    if (entry->body == NULL || entry->changed || now >= entry->fresh_ms)
        return false;
    return entry->to[0] != '\0' || cache->heard_ms == 0 ||
           now - cache->heard_ms < CACHE_SILENT_MS;
}

static void
cache_hit(struct ident_cache_entry *entry, struct ident_resolve *call)
{
    struct ident_cache *cache = entry->cache;
    base_stat_inc(&cache->hits, 1);
    entry->used = true;
    entry->hits++;
    cache_give(entry, call, "cache");
    if (!entry->asking && entry->hits >= CACHE_HITS &&
        entry->fresh_ms - cache_now(cache) < entry->life_ms / 10 &&
        cache->fetching < CACHE_FETCHES)
        cache_fetch(entry, true, call->count);
}

static void
cache_join(struct ident_cache_entry *entry, struct ident_resolve *call)
{
    struct ident_cache *cache = entry->cache;
    base_list_add(&entry->waiters, &call->waiting);
    entry->waiter_count++;
    if (cache_stale(entry) && !call->authority && entry->waiter_count == 1) {
        entry->late = (struct base_timer){.fn = cache_late};
        base_loop_timer(cache->ident->config.loop, &entry->late, CACHE_LATE_MS);
    }
    if (!entry->asking)
        cache_fetch(entry, call->authority, call->count);
}

void
ident_cache_ask(struct ident_cache *cache, struct ident_resolve *call,
                struct bytes to)
{
    uint64_t hash = ident_cache_hash(call->folded);
    struct ident_cache_entry *entry =
        base_map_get(&cache->map, cache_key(&hash));
    if (entry != NULL && !entry->asking &&
        (!base_bytes_equal(entry->handle, call->folded) ||
         !base_bytes_equal_folded(base_bytes_text(entry->to), to))) {
        cache_drop(entry);
        entry = NULL;
    }
    bool full = entry == NULL
                    ? cache->fetching >= CACHE_FETCHES
                    : entry->waiter_count >= CACHE_WAITERS ||
                          !base_bytes_equal(entry->handle, call->folded);
    if (full) {
        cache_code(cache, call, IDENT_CODE_BUSY,
                   "too many wait for answers: try again");
        return;
    }
    if (entry == NULL)
        entry = cache_make(cache, hash, call->folded, to);
    if (!call->authority && cache_fresh(entry))
        cache_hit(entry, call);
    else
        cache_join(entry, call);
}

/* --- changes --- */

static void
cache_mark(struct ident_cache_entry *entry)
{
    entry->changed = true;
    entry->began_ms = -1; /* of a fetch under way: before the change */
}

void
ident_cache_changed(struct ident_cache *cache, uint64_t hash)
{
    struct ident_cache_entry *entry =
        base_map_get(&cache->map, cache_key(&hash));
    if (entry != NULL)
        cache_mark(entry);
}

void
ident_cache_changed_all(struct ident_cache *cache, struct bytes prefix)
{
    void *value;
    struct bytes key;
    for (size_t at = 0; base_map_next(&cache->map, &at, &key, &value);) {
        struct ident_cache_entry *entry = value;
        size_t slash = base_bytes_find(entry->handle, '/');
        struct bytes of = base_bytes_slice(entry->handle, 0, slash);
        struct bytes rest =
            base_bytes_slice(entry->handle, slash + 1, entry->handle.size);
        bool site = base_bytes_is(of, "0.NA");
        if (model_id_covers(prefix, site ? rest : of) || prefix.size == 0)
            cache_mark(entry);
    }
}

/* --- begin and end --- */

static const struct {
    const char *what;
    size_t at;
} cache_counts[] = {
    {"event=\"hit\"", offsetof(struct ident_cache, hits)},
    {"event=\"stale\"", offsetof(struct ident_cache, stale)},
    {"event=\"fetched\"", offsetof(struct ident_cache, fetched)},
    {"event=\"failed\"", offsetof(struct ident_cache, failed)},
    {"event=\"evicted\"", offsetof(struct ident_cache, evicted)},
};

static struct base_stat *
cache_count(struct ident_cache *cache, size_t i)
{
    return (struct base_stat *)(void *)((char *)cache + cache_counts[i].at);
}

void
ident_cache_init(struct ident_cache *cache, struct ident *ident, uint64_t limit)
{
    struct base_stats *stats = ident->config.stats;
    cache->ident = ident;
    cache->limit = limit;
    base_map_init(&cache->map, 0);
    base_list_init(&cache->clock);
    for (size_t i = 0; i < BASE_COUNT(cache_counts); i++)
        base_stat_add(stats, cache_count(cache, i), BASE_STAT_COUNTER,
                      "dougong_ident_cache_total", cache_counts[i].what,
                      "What became of questions about names held elsewhere.");
    base_stat_add(stats, &cache->size, BASE_STAT_GAUGE,
                  "dougong_ident_cache_bytes", "",
                  "Answers of other nodes kept in memory.");
}

void
ident_cache_done(struct ident_cache *cache)
{
    struct base_stats *stats = cache->ident->config.stats;
    while (!base_list_empty(&cache->clock))
        cache_drop(
            BASE_OUTER(cache->clock.next, struct ident_cache_entry, all));
    base_map_done(&cache->map);
    for (size_t i = 0; i < BASE_COUNT(cache_counts); i++)
        base_stat_drop(stats, cache_count(cache, i));
    base_stat_drop(stats, &cache->size);
}
