/* sim_node.c -- see sim_node.h. */
#include "sim_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base_mem.h"
#include "base/base_must.h"

enum {
    NODE_PAUSE_MS = 120000,
    NODE_CLOCK_MS = 3600000, /* wrong by so much at most, */
    NODE_CLOCK_FAR = 24,     /* or by as much as a day, */
    NODE_CLOCK_RARE = 4,     /* one time in four */
    NODE_POWER_CALLS = 40,   /* the power fails within so many calls */
    NODE_FILE = 256 << 10,
    NODE_MAP = 64 << 20,
};

/* --- the disk, folded --- */

static struct sim_node *
node_of(struct sys_files *files)
{
    return BASE_OUTER(files, struct sim_node, files);
}

static struct sys_files *
node_disk(struct sys_files *files)
{
    return fault_files_base(node_of(files)->disk);
}

static enum err
disk_open(struct sys_files *files, const char *path, enum sys_file_mode mode,
          struct sys_file **ret_file)
{
    return node_disk(files)->ops->open(node_disk(files), path, mode, ret_file);
}

static void
disk_shut(struct sys_files *files, struct sys_file *file)
{
    node_disk(files)->ops->shut(node_disk(files), file);
}

/* A file's header holds the time of its making by the real clock: not folded.
 */
static enum err
disk_write(struct sys_files *files, struct sys_file *file, uint64_t offset,
           struct bytes data)
{
    enum err err =
        node_disk(files)->ops->write(node_disk(files), file, offset, data);
    if (offset > 0 && err == ERR_OK)
        sim_world_fold(node_of(files)->world, data.at, data.size);
    return err;
}

static enum err
disk_read(struct sys_files *files, struct sys_file *file, uint64_t offset,
          void *to, size_t size, size_t *ret_size)
{
    return node_disk(files)->ops->read(node_disk(files), file, offset, to, size,
                                       ret_size);
}

static enum err
disk_sync(struct sys_files *files, struct sys_file *file)
{
    return node_disk(files)->ops->sync(node_disk(files), file);
}

static enum err
disk_reserve(struct sys_files *files, struct sys_file *file, uint64_t size)
{
    return node_disk(files)->ops->reserve(node_disk(files), file, size);
}

static enum err
disk_truncate(struct sys_files *files, struct sys_file *file, uint64_t size)
{
    return node_disk(files)->ops->truncate(node_disk(files), file, size);
}

static enum err
disk_size(struct sys_files *files, struct sys_file *file, uint64_t *ret_size)
{
    return node_disk(files)->ops->size(node_disk(files), file, ret_size);
}

static enum err
disk_map(struct sys_files *files, struct sys_file *file, uint64_t size,
         const uint8_t **ret_at)
{
    return node_disk(files)->ops->map(node_disk(files), file, size, ret_at);
}

static void
disk_unmap(struct sys_files *files, const uint8_t *at, uint64_t size)
{
    node_disk(files)->ops->unmap(node_disk(files), at, size);
}

static enum err
disk_rename(struct sys_files *files, const char *from, const char *to)
{
    return node_disk(files)->ops->rename(node_disk(files), from, to);
}

static enum err
disk_remove(struct sys_files *files, const char *path)
{
    return node_disk(files)->ops->remove(node_disk(files), path);
}

static enum err
disk_sync_folder(struct sys_files *files, const char *path)
{
    return node_disk(files)->ops->sync_folder(node_disk(files), path);
}

static enum err
disk_make_folder(struct sys_files *files, const char *path)
{
    return node_disk(files)->ops->make_folder(node_disk(files), path);
}

static enum err
disk_list(struct sys_files *files, const char *path, struct base_arena *arena,
          char ***ret_names, size_t *ret_count)
{
    return node_disk(files)->ops->list(node_disk(files), path, arena, ret_names,
                                       ret_count);
}

static enum err
disk_space(struct sys_files *files, const char *path, uint64_t *ret_free,
           uint64_t *ret_size)
{
    return node_disk(files)->ops->space(node_disk(files), path, ret_free,
                                        ret_size);
}

static const struct sys_files_ops disk_ops = {
    .open = disk_open,
    .shut = disk_shut,
    .write = disk_write,
    .read = disk_read,
    .sync = disk_sync,
    .reserve = disk_reserve,
    .truncate = disk_truncate,
    .size = disk_size,
    .map = disk_map,
    .unmap = disk_unmap,
    .rename = disk_rename,
    .remove = disk_remove,
    .sync_folder = disk_sync_folder,
    .make_folder = disk_make_folder,
    .list = disk_list,
    .space = disk_space,
};

/* --- start --- */

static void
node_logged(struct base_log *log, enum base_log_level level, const char *area,
            const char *event, const char *pairs)
{
    struct sim_node *node = BASE_OUTER(log, struct sim_node, log);
    if (node->ops->logged)
        node->ops->logged(node, event);
    if (getenv("SIM_LOG"))
        fprintf(stderr, "%8lld %-8s %d %s %s %s\n",
                (long long)node->world->now_ms, node->prefix, level, area,
                event, pairs);
}

static void
node_idle(struct base_idle *idle)
{
    struct sim_node *node = BASE_OUTER(idle, struct sim_node, idle);
    for (unsigned i = 0; node->journal && i <= STORE_JOURNAL_SAMPLES; i++)
        store_journal_close(node->journal, i);
}

static void
node_rewound(void *self)
{
    const struct sim_node_rewound *rewound = self;
    struct sim_node *node = rewound->node;
    if (node->tier)
        tier_rewound(node->tier);
    if (node->ops->rewound)
        node->ops->rewound(node, rewound->owner);
}

/* May the disk have been the reason? */
static bool
node_refused(struct sim_node *node)
{
    return node->ruled || fault_files_is_off(node->disk);
}

static enum err
node_open_kv(struct sim_node *node, unsigned owner)
{
    char *folder =
        base_mem_format("%s/%s-%u", node->world->folder, node->prefix, owner);
    struct base_note note = {0};
    node->rewinds[owner] = (struct sim_node_rewound){node, owner};
    struct store_kv_config config = {
        .journal = node->journal,
        .loop = &node->loop.base,
        .stats = &node->stats,
        .log = &node->log,
        .folder = folder,
        .owner = (uint8_t)owner,
        .map_bytes = NODE_MAP,
        .no_sync = true,
        .rewound = node_rewound,
        .self = &node->rewinds[owner],
    };
    enum err err = store_kv_open(&config, &node->kvs[owner], &note);
    if (err != ERR_OK && !node_refused(node))
        fprintf(stderr, "%s: %s %s\n", node->prefix, note.where, note.text);
    base_mem_free(folder);
    return err;
}

static enum err
node_open_stores(struct sim_node *node)
{
    struct base_note note = {0};
    struct store_journal_config config = {
        .files = &node->files,
        .loop = &node->loop.base,
        .random = &node->rng.random,
        .stats = &node->stats,
        .log = &node->log,
        .folder = "/data/journal",
        .shards = 1,
        .file_bytes = node->file_bytes ? node->file_bytes : NODE_FILE,
        .sync_delay_max_ms = 10,
        .ignore_marks = true,
    };
    enum err err = store_journal_open(&config, &node->journal, &note);
    if (err != ERR_OK && !node_refused(node))
        fprintf(stderr, "%s: %s %s\n", node->prefix, note.where, note.text);
    for (unsigned i = 0; i < TIER_OWNERS && err == ERR_OK; i++)
        if (i == 0 || node->owners >> i & 1)
            err = node_open_kv(node, i);
    return err;
}

static enum err
node_open_tier(struct sim_node *node)
{
    struct base_note note = {0};
    struct tier_config config = {
        .prefix = node->prefix,
        .parent = node->parent,
        .role = "sim",
        .loop = &node->loop.base,
        .random = &node->rng.random,
        .stats = &node->stats,
        .log = &node->log,
        .journal = node->journal,
        .packs = node->packs,
        .pack_count = node->pack_count,
        .parents = node->endpoints,
        .parent_count = 1,
        .transport = &node->wire.transport,
        .admit = node->admit,
        .admit_self = node,
        .ping_s = node->ping_s,
        .spread_ms = node->spread_ms ? node->spread_ms : 200,
        .receive_bytes = 64 << 20,
    };
    memcpy(config.kvs, node->kvs, sizeof config.kvs);
    return tier_new(&config, &node->tier, &note);
}

/* Up to where nothing but the disk may stop it. */
static bool
node_open(struct sim_node *node)
{
    enum err err = node_open_stores(node);
    if (err == ERR_OK)
        err = node_open_tier(node);
    if (err == ERR_OK && node->ops->open && !node->ops->open(node))
        err = ERR_IO;
    if (err == ERR_OK)
        err = store_journal_start(node->journal);
    must(err == ERR_OK || node_refused(node));
    return err == ERR_OK;
}

static bool
node_build(struct sim_node *node)
{
    if (!node->ops->build(node))
        return false;
    tier_start(node->tier);
    if (node->ops->started)
        node->ops->started(node);
    return true;
}

void
sim_node_start(struct sim_node *node)
{
    must(!node->tier);
    node->starts++;
    base_loop_timer_clear(&node->world->wires.base, &node->again);
    node->idle.fn = node_idle;
    base_loop_idle(&node->loop.base, &node->idle);
    bool up = node_open(node) && node_build(node);
    if (!up) {
        must(node_refused(node));
        sim_node_crash(node, FAULT_FILES_TAIL, true);
        sim_node_later(node, 1000);
    }
}

static void
node_again(struct base_timer *timer)
{
    struct sim_node *node = BASE_OUTER(timer, struct sim_node, again);
    if (!node->tier)
        sim_node_start(node);
}

void
sim_node_later(struct sim_node *node, int64_t ms)
{
    base_loop_timer(&node->world->wires.base, &node->again, ms);
}

void
sim_node_init(struct sim_node *node, struct sim_world *world)
{
    node->world = world;
    node->files.ops = &disk_ops;
    node->log.write = node_logged;
    node->again.fn = node_again;
    snprintf(node->endpoint, sizeof node->endpoint, "sim:%s", node->parent);
    node->endpoints[0] = node->endpoint;
    base_rng_seed(&node->rng, base_rng_next(&world->rng));
    base_stat_init(&node->stats);
    node->disk = fault_files_new(base_rng_next(&world->rng));
    sim_loop_init(&node->loop, world);
    sim_wire_init(&node->wire, node);
    base_list_add(&world->nodes, &node->all);
    sim_node_start(node);
}

/* --- end --- */

static void
node_drop(struct sim_node *node)
{
    sim_loop_crash(&node->loop); /* before what is posted in it is freed */
    if (node->ops->drop)
        node->ops->drop(node);
    node->engines = NULL;
    for (unsigned i = 0; i < TIER_OWNERS; i++) {
        store_kv_crash(node->kvs[i]);
        node->kvs[i] = NULL;
    }
    store_journal_crash(node->journal);
    node->journal = NULL;
    tier_free(node->tier);
    node->tier = NULL;
    sim_loop_crash(&node->loop);
}

void
sim_node_crash(struct sim_node *node, enum fault_files_loss loss, bool told)
{
    node->crashes++;
    sim_wire_crash(&node->wire, told);
    node_drop(node);
    fault_files_crash(node->disk, loss);
    fault_files_clear(node->disk);
    fault_files_off_at(node->disk, 0);
    node->ruled = false;
    node->loop.paused_until_ms = 0;
}

void
sim_node_stop(struct sim_node *node)
{
    tier_stop(node->tier);
    sim_wire_crash(&node->wire, true);
    if (node->ops->shut)
        node->ops->shut(node);
    for (unsigned i = TIER_OWNERS; i-- > 0;) {
        store_kv_shut(node->kvs[i]);
        node->kvs[i] = NULL;
    }
    store_journal_shut(node->journal);
    node->journal = NULL;
    node_drop(node);
}

static void
node_remove(struct sim_node *node, unsigned owner)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "owner.lock",
                                        ""};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        char *path = base_mem_format("%s/%s-%u/%s", node->world->folder,
                                     node->prefix, owner, names[i]);
        if (names[i][0])
            unlink(path);
        else
            rmdir(path);
        base_mem_free(path);
    }
}

void
sim_node_done(struct sim_node *node)
{
    if (node->tier)
        sim_node_crash(node, FAULT_FILES_NONE, true);
    base_loop_timer_clear(&node->world->wires.base, &node->again);
    for (unsigned i = 0; i < TIER_OWNERS; i++)
        if (i == 0 || node->owners >> i & 1)
            node_remove(node, i);
    fault_files_free(node->disk);
    sim_loop_done(&node->loop);
    base_stat_done(&node->stats);
    base_list_remove(&node->all);
}

struct sim_node *
sim_node_find(struct sim_world *world, const char *prefix)
{
    for (struct base_link *at = world->nodes.next; at != &world->nodes;
         at = at->next) {
        struct sim_node *node = BASE_OUTER(at, struct sim_node, all);
        if (strcmp(node->prefix, prefix) == 0)
            return node;
    }
    return NULL;
}

/* --- faults --- */

static void
node_down(struct sim_node *node)
{
    sim_node_later(node,
                   (int64_t)base_rng_below(&node->world->rng,
                                           node->world->plan.down_max_ms + 1));
}

static enum fault_files_loss
node_loss(struct sim_world *world)
{
    static const enum fault_files_loss kinds[] = {
        FAULT_FILES_TAIL, FAULT_FILES_SECTORS, FAULT_FILES_ALL,
        FAULT_FILES_NONE};
    return kinds[base_rng_below(&world->rng, BASE_COUNT(kinds))];
}

static void
node_rule(struct sim_node *node, enum fault_files_call call, enum err err)
{
    uint64_t from = 1 + base_rng_below(&node->world->rng, 20);
    uint64_t to = from + base_rng_below(&node->world->rng, 10);
    fault_files_clear(node->disk);
    node->ruled = true;
    fault_files_rule(node->disk, &(struct fault_files_rule){
                                     .call = call,
                                     .from = from,
                                     .to = to,
                                     .err = err,
                                 });
}

static void
node_fault(struct sim_node *node)
{
    struct sim_world *world = node->world;
    if (!node->tier)
        return;
    if (sim_world_hits(world, SIM_FAULT_CRASH)) {
        sim_node_crash(node, node_loss(world), true);
        node_down(node);
    } else if (sim_world_hits(world, SIM_FAULT_SILENT)) {
        sim_node_crash(node, node_loss(world), false);
        node_down(node);
    } else if (sim_world_hits(world, SIM_FAULT_STOP)) {
        sim_node_stop(node);
        node_down(node);
    } else if (sim_world_hits(world, SIM_FAULT_POWER)) {
        fault_files_off_at(node->disk,
                           1 + base_rng_below(&world->rng, NODE_POWER_CALLS));
    } else if (sim_world_hits(world, SIM_FAULT_SYNC)) {
        node_rule(node, FAULT_FILES_SYNC, ERR_IO);
    } else if (sim_world_hits(world, SIM_FAULT_FULL)) {
        node_rule(node, FAULT_FILES_WRITE, ERR_FULL);
    } else if (sim_world_hits(world, SIM_FAULT_PAUSE)) {
        node->loop.paused_until_ms =
            world->now_ms + (int64_t)base_rng_below(&world->rng, NODE_PAUSE_MS);
    } else if (sim_world_hits(world, SIM_FAULT_CLOCK)) {
        uint64_t most = NODE_CLOCK_MS;
        if (base_rng_below(&world->rng, NODE_CLOCK_RARE) == 0)
            most *= NODE_CLOCK_FAR;
        node->loop.wall_offset_ms =
            (int64_t)base_rng_below(&world->rng, 2 * most) - (int64_t)most;
    }
}

/* The power went off inside a step, or the journal has failed for good: the
 * node dies where it stands. */
static void
nodes_dead(struct sim_world *world)
{
    for (struct base_link *at = world->nodes.next; at != &world->nodes;
         at = at->next) {
        struct sim_node *node = BASE_OUTER(at, struct sim_node, all);
        if (!node->tier ||
            (!fault_files_is_off(node->disk) &&
             store_journal_state(node->journal) != STORE_JOURNAL_FAILED))
            continue;
        sim_node_crash(node, node_loss(world), base_rng_below(&world->rng, 2));
        node_down(node);
    }
}

void
sim_node_run(struct sim_world *world, int64_t ms)
{
    int64_t until = world->now_ms + ms, second = world->now_ms / 1000;
    while (world->now_ms < until && sim_world_step(world)) {
        nodes_dead(world);
        if (world->now_ms / 1000 == second)
            continue;
        second = world->now_ms / 1000;
        for (struct base_link *at = world->nodes.next; at != &world->nodes;
             at = at->next)
            node_fault(BASE_OUTER(at, struct sim_node, all));
    }
}

void
sim_node_calm(struct sim_world *world)
{
    world->calm = true;
    for (struct base_link *at = world->nodes.next; at != &world->nodes;
         at = at->next) {
        struct sim_node *node = BASE_OUTER(at, struct sim_node, all);
        fault_files_off_at(node->disk, 0);
        fault_files_clear(node->disk);
        node->ruled = false;
        node->loop.paused_until_ms = 0;
        if (!node->tier)
            sim_node_start(node);
    }
}
