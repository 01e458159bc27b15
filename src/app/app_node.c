/* app_node.c -- see app_node.h. */
#include "app/app_node.h"

#include <signal.h>

#include "app/app_parts.h"
#include "engine/ident/ident_key.h"
#include "base/base_mem.h"
#include "sys/sys_random.h"

enum { NODE_ARENA = 1 << 20, NODE_FAREWELL_MS = 100 };

static char *
node_path(struct app_parts *parts, const char *name)
{
    return base_arena_format(&parts->arena, "%s/%s", parts->config->data, name);
}

static enum err
node_failed(struct app_parts *parts, enum err err, const char *what)
{
    if (err != ERR_OK && parts->note->text[0] == '\0')
        base_err_note(parts->note, err, "%s: %s", what, base_err_text(err));
    return err;
}

static bool
node_has(const struct app_parts *parts, enum app_config_engine engine)
{
    return (parts->config->engines & engine) != 0;
}

/* --- steps, in order --- */

static enum err
open_folders(struct app_parts *parts)
{
    static const char *const names[] = {"journal",   "kv/node",   "kv/ident",
                                        "kv/stream", "kv/rollup", "seg"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        const char *path = node_path(parts, names[i]);
        enum err err = sys_file_folders(parts->files, path);
        if (err != ERR_OK)
            return node_failed(parts, err, path);
    }
    return ERR_OK;
}

static enum err
open_loops(struct app_parts *parts)
{
    enum err err = sys_loop_new("state", &parts->state_loop);
    if (err == ERR_OK)
        err = sys_loop_new("ingest", &parts->ingest_loop);
    if (err == ERR_OK)
        err = sys_loop_new("http", &parts->http_loop);
    if (err == ERR_OK) {
        parts->state = sys_loop_base(parts->state_loop);
        parts->ingest = sys_loop_base(parts->ingest_loop);
        err = net_new(parts->state_loop, &parts->stats, &parts->state_net);
    }
    if (err == ERR_OK)
        err = net_new(parts->ingest_loop, &parts->stats, &parts->ingest_net);
    if (err == ERR_OK)
        err = net_new(parts->http_loop, &parts->stats, &parts->http_net);
    parts->started_ms = err == ERR_OK ? base_loop_wall(parts->state).ms : 0;
    return node_failed(parts, err, "event loops");
}

static enum err
open_keys(struct app_parts *parts)
{
    enum err err =
        app_keys_load(parts->files, parts->config, base_loop_wall(parts->state),
                      sys_random(), &parts->keys, parts->note);
    return node_failed(parts, err, "keys");
}

static enum err
open_packs(struct app_parts *parts)
{
    const struct app_config_list *names = &parts->config->packs;
    const char *codes =
        base_arena_format(&parts->arena, "%s/codes", parts->config->packs_dir);
    parts->packs.at =
        base_mem_zero(sizeof *parts->packs.at * (names->count + 1));
    parts->tier_packs =
        base_mem_zero(sizeof *parts->tier_packs * (names->count + 1));
    for (unsigned i = 0; i < names->count; i++) {
        const char *folder = base_arena_format(
            &parts->arena, "%s/%s", parts->config->packs_dir, names->at[i]);
        enum err err = model_pack_load(&parts->source.source, folder, codes,
                                       &parts->packs.at[i], parts->note);
        if (err != ERR_OK)
            return node_failed(parts, err, folder);
        parts->packs.count++;
        parts->tier_packs[i] = (struct tier_pack){parts->packs.at[i]->name,
                                                  parts->packs.at[i]->shape8};
    }
    return ERR_OK;
}

static void
node_close_records(struct base_idle *idle)
{
    struct app_parts *parts = BASE_OUTER(idle, struct app_parts, state_idle);
    store_journal_close(parts->journal, STORE_JOURNAL_RECORDS);
}

static void
node_close_samples(struct base_idle *idle)
{
    struct app_parts *parts = BASE_OUTER(idle, struct app_parts, ingest_idle);
    store_journal_close(parts->journal, STORE_JOURNAL_SAMPLES);
}

static enum err
open_journal(struct app_parts *parts)
{
    struct store_journal_config config = {
        .files = parts->files,
        .loop = parts->state,
        .random = sys_random(),
        .stats = &parts->stats,
        .log = &parts->log->log,
        .folder = node_path(parts, "journal"),
        .shards = 1,
        .file_bytes = parts->config->file_bytes,
        .threads = true,
    };
    enum err err = store_journal_open(&config, &parts->journal, parts->note);
    if (err != ERR_OK)
        return node_failed(parts, err, config.folder);
    parts->state_idle.fn = node_close_records;
    base_loop_idle(parts->state, &parts->state_idle);
    parts->ingest_idle.fn = node_close_samples;
    base_loop_idle(parts->ingest, &parts->ingest_idle);
    return ERR_OK;
}

/* An environment was rewound after a cut of the journal: whoever remembers
 * anything of it reads again. */
struct node_rewound {
    struct app_parts *parts;
    unsigned owner;
};

static void
node_rewound(void *self)
{
    struct node_rewound *rewound = self;
    struct app_parts *parts = rewound->parts;
    if (parts->tier != NULL)
        tier_rewound(parts->tier);
    if (rewound->owner == 0 && parts->people.people != NULL)
        people_rewound(parts->people.people);
    if (rewound->owner == 1 && parts->ident != NULL)
        ident_rewound(parts->ident);
    if (rewound->owner == 3 && parts->rollup != NULL)
        rollup_rewound(parts->rollup);
}

static enum err
open_kvs(struct app_parts *parts)
{
    static const char *const names[] = {"kv/node", "kv/ident", "kv/stream",
                                        "kv/rollup"};
    for (unsigned i = 0; i < BASE_COUNT(names); i++) {
        struct node_rewound *rewound =
            base_arena_alloc(&parts->arena, sizeof *rewound);
        *rewound = (struct node_rewound){parts, i};
        struct store_kv_config config = {
            .journal = parts->journal,
            .loop = parts->state,
            .stats = &parts->stats,
            .log = &parts->log->log,
            .folder = node_path(parts, names[i]),
            .owner = (uint8_t)i,
            .map_bytes = parts->config->map_bytes,
            .rewound = node_rewound,
            .self = rewound,
        };
        enum err err = store_kv_open(&config, &parts->kvs[i], parts->note);
        if (err != ERR_OK)
            return node_failed(parts, err, config.folder);
    }
    return ERR_OK;
}

static uint32_t
node_epoch(void *tier)
{
    return tier_epoch(tier);
}

static struct bytes
node_key_of(void *tier, struct bytes child)
{
    return tier_child_key(tier, child);
}

static struct crypt_key *
node_signer_of(void *self, struct bytes unit)
{
    struct app_parts *parts = self;
    struct crypt_key *key = NULL;
    return ident_key_hosted(parts->ident, unit, &key) == ERR_OK ? key : NULL;
}

static enum err
open_rollup(struct app_parts *parts)
{
    struct rollup_config config = {
        .kv = parts->kvs[3],
        .loop = parts->state,
        .port = tier_port(parts->tier),
        .packs = &parts->packs,
        .codes = parts->config->codes,
        .code_count = parts->config->code_count,
        .epoch = node_epoch,
        .epoch_self = parts->tier,
        .key = parts->keys.sign,
        .key_of = node_key_of,
        .key_self = parts->tier,
        .signer_of = node_signer_of,
        .signer_self = parts,
        .audit = &parts->audit.log.model,
        .stats = &parts->stats,
        .log = &parts->log->log,
    };
    return node_failed(parts, rollup_new(&config, &parts->rollup, parts->note),
                       "rollup");
}

static enum err
open_stream(struct app_parts *parts)
{
    if (!node_has(parts, APP_ENGINE_STREAM))
        return ERR_OK;
    uint64_t seed = base_rng_u64(sys_random());
    struct stream_config config = {
        .journal = parts->journal,
        .shard = 0,
        .loop = parts->ingest,
        .port = tier_port(parts->tier),
        .packs = &parts->packs,
        .stats = &parts->stats,
        .log = &parts->log->log,
        .seed = seed,
    };
    struct store_ts_config ts = {
        .journal = parts->journal,
        .shard = 0,
        .kv = parts->kvs[2],
        .loop = parts->ingest,
        .worker = parts->state,
        .files = parts->files,
        .stats = &parts->stats,
        .log = &parts->log->log,
        .folder = node_path(parts, "seg"),
        .seed = seed,
        .head_bytes = parts->config->head_bytes,
        .retention_ms = parts->config->retention_ms,
        .series_max = parts->config->series,
    };
    enum err err = stream_new(&config, &parts->stream);
    if (err == ERR_OK)
        err = store_ts_open(&ts, &parts->ts, stream_replayed, parts->stream,
                            parts->note);
    if (err == ERR_OK)
        err = stream_keep_new(parts->kvs[2], parts->state, parts->ingest,
                              &parts->keep);
    if (err == ERR_OK)
        err = store_journal_start(parts->journal);
    if (err == ERR_OK)
        err = stream_start(parts->stream, parts->ts,
                           rollup_folded(parts->rollup, 0));
    return node_failed(parts, err, "stream");
}

/* Nodes without samples start the journal here. */
static enum err
open_start(struct app_parts *parts)
{
    if (node_has(parts, APP_ENGINE_STREAM))
        return ERR_OK;
    return node_failed(parts, store_journal_start(parts->journal), "journal");
}

static enum err
open_host(struct app_parts *parts)
{
    if (!parts->config->host)
        return ERR_OK;
    const char *id =
        base_arena_format(&parts->arena, "%s/host", parts->config->node);
    enum err err = ident_register(parts->ident, base_bytes_text(id),
                                  base_bytes_text("host"), NULL);
    return node_failed(parts, err == ERR_EXISTS ? ERR_OK : err, id);
}

static enum err
open_live(struct app_parts *parts)
{
    tier_start(parts->tier);
    rollup_start(parts->rollup);
    return node_failed(parts, app_audit_start(parts), "audit log");
}

static const struct {
    const char *name;
    enum err (*open)(struct app_parts *parts);
} node_steps[] = {
    {"folders", open_folders},   {"loops", open_loops},
    {"keys", open_keys},         {"certificates", app_link_certs},
    {"packs", open_packs},       {"journal", open_journal},
    {"tables", open_kvs},        {"tier", app_link_open},
    {"audit", app_audit_open},   {"faults", app_fault_open},
    {"rollup", open_rollup},     {"stream", open_stream},
    {"start", open_start},       {"ident", app_ident_open},
    {"links", app_link_rows},    {"host", open_host},
    {"people", app_people_open}, {"http", app_http_open},
    {"mqtt", app_mqtt_open},     {"handle", app_handle_open},
    {"live", open_live},
};

/* --- taking down: the reverse, each part if it is there --- */

static void
node_threads_end(struct app_parts *parts)
{
    app_handle_stop(parts);
    if (parts->http_runs) {
        sys_loop_stop(parts->http_loop);
        sys_loop_join(parts->http_loop);
    }
    if (parts->ingest_runs) {
        sys_loop_stop(parts->ingest_loop);
        sys_loop_join(parts->ingest_loop);
    }
    parts->http_runs = parts->ingest_runs = false;
}

static void
node_stores_end(struct app_parts *parts)
{
    if (parts->ts != NULL)
        store_ts_shut(parts->ts);
    for (unsigned i = 0; i < APP_OWNERS; i++)
        if (parts->kvs[i] != NULL)
            store_kv_shut(parts->kvs[i]);
    if (parts->journal != NULL)
        store_journal_shut(parts->journal);
}

/* Doors first, as they call engines; then the stores, which still tell engines
 * what is durable; then engines, which are memory only by now; the links. */
static void
node_doors_end(struct app_parts *parts)
{
    app_handle_shut(parts);
    app_mqtt_shut(parts);
    if (parts->ingest_net != NULL)
        net_free(parts->ingest_net);
    if (parts->http_net != NULL)
        net_free(parts->http_net);
    app_mqtt_free(parts);
    app_http_free(parts);
}

static void
node_loops_end(struct app_parts *parts)
{
    struct sys_loop *loops[] = {parts->state_loop, parts->ingest_loop,
                                parts->http_loop};
    for (size_t i = 0; i < BASE_COUNT(loops); i++)
        if (loops[i] != NULL)
            sys_loop_free(loops[i]);
}

static void
node_free(struct app_parts *parts)
{
    app_people_stop(parts);
    node_doors_end(parts);
    node_stores_end(parts);
    if (parts->stream != NULL)
        stream_free(parts->stream);
    if (parts->keep != NULL)
        stream_keep_free(parts->keep);
    if (parts->rollup != NULL)
        rollup_free(parts->rollup);
    ident_free(parts->ident);
    app_handle_free(parts);
    app_people_free(parts);
    app_link_shut(parts);
    for (unsigned i = 0; i < parts->packs.count; i++)
        model_pack_free(parts->packs.at[i]);
    base_mem_free(parts->packs.at);
    base_mem_free(parts->tier_packs);
    app_keys_done(&parts->keys);
    node_loops_end(parts);
    base_stat_done(&parts->stats);
    base_arena_done(&parts->codes);
    base_arena_done(&parts->arena);
}

static void
node_stop_now(struct base_timer *timer)
{
    struct app_parts *parts = BASE_OUTER(timer, struct app_parts, stop);
    sys_loop_stop(parts->state_loop);
}

/* Links drain and clients are told while the loops still run. */
static void
node_told_to_stop(void *self)
{
    struct app_parts *parts = self;
    if (parts->stop.fn != NULL)
        return;
    base_log_say(&parts->log->log, BASE_LOG_INFO, "node", "stopping", "node=%s",
                 parts->config->node);
    app_audit_stop(parts);
    app_renew_shut(parts);
    tier_stop(parts->tier);
    app_mqtt_stop(parts);
    parts->stop.fn = node_stop_now;
    base_loop_timer(parts->state, &parts->stop, NODE_FAREWELL_MS);
}

static enum err
node_run(struct app_parts *parts)
{
    enum err err =
        sys_loop_signal(parts->state_loop, SIGTERM, node_told_to_stop, parts);
    if (err == ERR_OK)
        err = sys_loop_signal(parts->state_loop, SIGINT, node_told_to_stop,
                              parts);
    if (err == ERR_OK)
        err = sys_loop_start(parts->ingest_loop);
    parts->ingest_runs = err == ERR_OK;
    if (err == ERR_OK)
        err = sys_loop_start(parts->http_loop);
    parts->http_runs = err == ERR_OK;
    if (err == ERR_OK)
        err = app_handle_start(parts);
    if (err == ERR_OK) {
        base_log_say(&parts->log->log, BASE_LOG_INFO, "node", "running",
                     "node=%s role=%s port=%u epoch=%u", parts->config->node,
                     parts->config->role, parts->config->port,
                     tier_epoch(parts->tier));
        sys_loop_run(parts->state_loop);
    }
    node_threads_end(parts);
    return node_failed(parts, err, "threads");
}

enum err
app_node_run(struct app_config *config, struct app_log *log,
             struct base_note *note)
{
    struct app_parts *parts = base_mem_zero(sizeof *parts);
    enum err err = ERR_OK;
    *note = (struct base_note){0};
    parts->config = config;
    parts->log = log;
    parts->note = note;
    parts->files = sys_file_real();
    base_arena_init(&parts->arena, NODE_ARENA);
    base_stat_init(&parts->stats);
    app_source_init(&parts->source, parts->files);
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < BASE_COUNT(node_steps) && err == ERR_OK; i++) {
        err = node_steps[i].open(parts);
        if (err != ERR_OK)
            base_log_say(&log->log, BASE_LOG_ERROR, "node", "cannot_start",
                         "step=%s", node_steps[i].name);
    }
    if (err == ERR_OK)
        err = node_run(parts);
    node_free(parts);
    base_mem_free(parts);
    return err;
}
