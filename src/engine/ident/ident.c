/* ident.c -- opens the engine: its own prefix, its counters. */
#include "engine/ident/ident.h"

#include "base/base_mem.h"
#include "engine/ident/ident_cache.h"
#include "engine/ident/ident_hint.h"
#include "engine/ident/ident_inner.h"

int64_t
ident_now(struct ident *ident)
{
    return base_loop_wall(ident->config.loop).ms;
}

static void
ident_stats(struct ident *ident)
{
    struct base_stats *stats = ident->config.stats;
    base_stat_add(stats, &ident->registered, BASE_STAT_COUNTER,
                  "dougong_ident_registered_total", "",
                  "Identifiers registered.");
    base_stat_add(stats, &ident->ensured, BASE_STAT_COUNTER,
                  "dougong_ident_ensured_total", "",
                  "Questions of doors whether an identifier is there.");
    base_stat_add(stats, &ident->refused_auto, BASE_STAT_COUNTER,
                  "dougong_ident_refused_total", "why=\"not_registered\"",
                  "Identifiers that a door may not use.");
    base_stat_add(stats, &ident->limit_auto, BASE_STAT_COUNTER,
                  "dougong_limit_hit_total", "limit=\"register_per_hour\"",
                  "Times a limit was reached.");
    base_stat_add(stats, &ident->tokens, BASE_STAT_COUNTER,
                  "dougong_ident_tokens_total", "", "Join tokens given out.");
    base_stat_add(stats, &ident->token_refused, BASE_STAT_COUNTER,
                  "dougong_ident_refused_total", "why=\"token\"",
                  "Enrolments with a wrong, used or expired token.");
    base_stat_add(stats, &ident->enrolled, BASE_STAT_COUNTER,
                  "dougong_ident_enrolled_total", "",
                  "Certificates issued to children.");
    base_stat_add(stats, &ident->limit_token, BASE_STAT_COUNTER,
                  "dougong_limit_hit_total", "limit=\"tokens\"",
                  "Times a limit was reached.");
    base_stat_add(stats, &ident->limit_applied, BASE_STAT_COUNTER,
                  "dougong_limit_hit_total", "limit=\"applications\"",
                  "Times a limit was reached.");
    base_stat_add(stats, &ident->resolved[0], BASE_STAT_COUNTER,
                  "dougong_ident_resolved_total", "from=\"here\"",
                  "Resolutions answered with values.");
    base_stat_add(stats, &ident->resolved[1], BASE_STAT_COUNTER,
                  "dougong_ident_resolved_total", "from=\"elsewhere\"",
                  "Resolutions answered with values.");
    base_stat_add(stats, &ident->resolved_not, BASE_STAT_COUNTER,
                  "dougong_ident_unresolved_total", "",
                  "Resolutions answered without values.");
}

/* Prefix numbers are handed out rising; the highest is found at start, and
 * which prefixes are served here. */
static bool
ident_found(void *self, struct bytes key, struct bytes value)
{
    struct ident *ident = self;
    struct ident_row_prefix row;
    (void)key;
    if (ident_row_prefix_read(value, &row) != ERR_OK)
        return true;
    if (row.id >= ident->next_id)
        ident->next_id = row.id + 1;
    ident->applied += row.state == IDENT_PREFIX_APPLIED;
    if (row.flags & IDENT_ROW_HOSTED)
        ident_id_serve(ident, &row);
    return true;
}

static void
ident_number(struct ident *ident)
{
    uint8_t room[2][480];
    struct bytes from = {0};
    ident->next_id = 1;
    ident->applied = 0;
    for (unsigned turn = 0;; turn ^= 1) {
        struct base_out next;
        base_out_fixed(&next, room[turn], sizeof room[turn]);
        enum err err = store_kv_scan(store_kv_now(ident->config.kv),
                                     STORE_TABLE_PREFIX, (struct bytes){0},
                                     from, 10000, ident_found, ident, &next);
        if (err != ERR_AGAIN)
            return;
        from = base_out_bytes(&next);
    }
}

static bool
ident_counted(void *self, const struct ident_record *record)
{
    struct ident_served *served = self;
    (void)record;
    return ++served->count < UINT32_MAX;
}

/* Names are counted where there is a quota of them. */
static void
ident_count(struct ident *ident)
{
    void *value;
    struct bytes key;
    for (size_t at = 0; base_map_next(&ident->served, &at, &key, &value);) {
        struct ident_served *served = value;
        if (served->quota > 0)
            (void)ident_walk(ident, base_bytes_text(served->name),
                             ident_counted, served);
    }
}

static enum err
ident_own(struct ident *ident)
{
    struct ident_row_prefix row = {0};
    enum err err = ident_prefix_get(ident, ident->prefix, &row);
    bool made = err == ERR_ABSENT;
    if (made) {
        row.state = IDENT_PREFIX_ACTIVE;
        row.id = ident->next_id++;
        row.approved_ms = row.joined_ms = ident_now(ident);
        row.name = ident->prefix;
    } else if (err != ERR_OK) {
        return err;
    }
    row.attributes = ident->config.attributes;
    ident_id_serve(ident, &row);
    if (!made)
        return ERR_OK;
    struct store_kv_batch *batch = store_kv_batch_new(ident->config.kv);
    ident_prefix_put(ident, batch, &row);
    return store_kv_commit(ident->config.kv, batch, NULL, NULL);
}

enum err
ident_new(const struct ident_config *config, struct ident **ret_ident,
          struct base_note *note)
{
    struct bytes prefix = base_bytes_text(config->prefix);
    enum err err = model_id_prefix_check(prefix);
    if (err != ERR_OK)
        return base_err_note(note, err,
                             "\"%s\" is no prefix: labels of "
                             "letters, digits, - and _, parted by dots",
                             config->prefix);
    err = model_attr_check(config->attributes);
    if (err != ERR_OK)
        return base_err_note(note, err,
                             "codes: at most %d, keys of small letters, "
                             "codes of letters, digits, _, . and -",
                             MODEL_ATTR_PAIRS);
    struct ident *ident = base_mem_zero(sizeof *ident);
    ident->config = *config;
    ident->prefix = prefix;
    base_map_init(&ident->served, base_rng_u64(config->random));
    ident_stats(ident);
    ident->cache = base_mem_zero(sizeof *ident->cache);
    ident->hint = base_mem_zero(sizeof *ident->hint);
    ident_cache_init(ident->cache, ident, config->cache_bytes);
    ident_hint_init(ident->hint, ident);
    ident_number(ident);
    ident_count(ident);
    err = ident_own(ident);
    if (err != ERR_OK) {
        ident_free(ident);
        return base_err_note(note, err, "the row of prefix %s: %s",
                             config->prefix, base_err_text(err));
    }
    *ret_ident = ident;
    return ERR_OK;
}

struct bytes
ident_own_prefix(const struct ident *ident)
{
    return ident->prefix;
}

struct base_loop *
ident_loop(const struct ident *ident)
{
    return ident->config.loop;
}

static void
ident_forget(struct ident *ident)
{
    void *served;
    struct bytes key;
    for (size_t at = 0; base_map_next(&ident->served, &at, &key, &served);)
        base_mem_free(served);
    base_map_done(&ident->served);
}

/* A node's own row is written at its first start, long before any cut. */
void
ident_rewound(struct ident *ident)
{
    struct ident_row_prefix row;
    ident_forget(ident);
    base_map_init(&ident->served, base_rng_u64(ident->config.random));
    ident_number(ident);
    if (ident_prefix_get(ident, ident->prefix, &row) == ERR_OK) {
        row.attributes = ident->config.attributes;
        ident_id_serve(ident, &row);
    }
    ident_count(ident);
}

enum err
ident_start(struct ident *ident)
{
    return ident_site_start(ident);
}

void
ident_free(struct ident *ident)
{
    if (ident == NULL)
        return;
    ident_cache_done(ident->cache);
    ident_hint_done(ident->hint);
    base_mem_free(ident->cache);
    base_mem_free(ident->hint);
    struct base_stat *all[] = {
        &ident->registered,  &ident->ensured,      &ident->refused_auto,
        &ident->limit_auto,  &ident->tokens,       &ident->token_refused,
        &ident->enrolled,    &ident->limit_token,  &ident->resolved[0],
        &ident->resolved[1], &ident->resolved_not, &ident->limit_applied,
    };
    for (size_t i = 0; i < BASE_COUNT(all); i++)
        base_stat_drop(ident->config.stats, all[i]);
    ident_forget(ident);
    base_mem_free(ident);
}
