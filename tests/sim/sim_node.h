/* sim_node.h -- one node of a world: disk, journal, environments, tier, and
 * whatever engines the user builds on them.
 *
 *   struct sim_node node = {.prefix = "88.31", .parent = "88", .ops = &ops,
 *                           .owners = 1 << STORE_JOURNAL_IDENT};
 *   sim_node_init(&node, &world);     makes the disk, starts it
 *
 *   start     journal open -> kvs open -> tier_new -> ops->open -> journal
 *             start -> ops->build (rows with tier_add_*) -> tier_start ->
 *             ops->started
 *   crash     ops->drop (free memory, touch nothing), then all is thrown away,
 *             the disk loses what it likes, and the node starts again later
 *   stop      tier_stop, a while later ops->shut, journal shut; starts again
 *
 * ops->open and ops->build return false when the disk refused them (a power
 * failure in between, a sync that fails): the node crashes and starts again.
 * Opening must work on a disk without faults: anything else is a must().
 *
 * Environments  [0] the node's and those in `owners`; real LMDB, no sync, 64
 *               MiB each, in the world's folder.
 * Faults  sim_node_faults draws crash, power, silent, stop, pause, clock and
 *         sync for every node, once per virtual second. */
#ifndef SIM_NODE_H
#define SIM_NODE_H

#include "fault/fault_files.h"
#include "sim_wire.h"
#include "tier/tier.h"

struct sim_node;

struct sim_node_ops {
    bool (*open)(struct sim_node *node);  /* may be NULL */
    bool (*build)(struct sim_node *node); /* sets node->engines */
    void (*started)(struct sim_node *node);
    /* An environment was rewound (store_kv_config), tier knows; may be NULL. */
    void (*rewound)(struct sim_node *node, unsigned owner);
    void (*shut)(struct sim_node *node); /* orderly, before the journal's */
    void (*drop)(struct sim_node *node); /* the node is dead */
    /* What the node says in its log, by event; may be NULL. */
    void (*logged)(struct sim_node *node, const char *event);
};

struct sim_node {
    const char *prefix, *parent;
    const struct sim_node_ops *ops;
    unsigned owners; /* bits of environments besides the node's */
    uint8_t pin;     /* its key, as a claim */
    enum err judged; /* its certificate, as others judge it */
    enum err (*admit)(void *self, struct bytes prefix,
                      const struct crypt_cert_facts *facts);
    const struct tier_pack *packs;
    unsigned pack_count;
    unsigned ping_s, spread_ms;
    uint64_t file_bytes; /* of the journal; 0: 256 KiB */
    void *user;
    /* the node's */
    struct sim_world *world;
    struct base_link all;
    struct sim_loop loop;
    struct sim_wire_port wire;
    struct fault_files *disk;
    struct sys_files files; /* over the disk: what journals write is folded */
    struct base_rng rng;
    struct base_stats stats;
    struct base_log log;
    struct base_idle idle;
    struct base_timer again; /* in the world's wires: to start again */
    struct store_journal *journal;
    struct store_kv *kvs[TIER_OWNERS];
    struct sim_node_rewound {
        struct sim_node *node;
        unsigned owner;
    } rewinds[TIER_OWNERS];
    struct tier *tier; /* NULL: down */
    void *engines;
    bool ruled; /* the disk has a rule: it may refuse to be opened */
    unsigned starts, crashes;
    char endpoint[64];
    const char *endpoints[1];
};

void sim_node_init(struct sim_node *node, struct sim_world *world);
void sim_node_done(struct sim_node *node);
void sim_node_start(struct sim_node *node);
/* told: neighbours see the connection end. */
void sim_node_crash(struct sim_node *node, enum fault_files_loss loss,
                    bool told);
/* Start again after so long; 0: at the next step. */
void sim_node_later(struct sim_node *node, int64_t ms);
void sim_node_stop(struct sim_node *node);
struct sim_node *sim_node_find(struct sim_world *world, const char *prefix);
/* Run the world for so long with faults of nodes drawn each second; crashed
 * nodes start again by themselves. */
void sim_node_run(struct sim_world *world, int64_t ms);
/* No more faults; all nodes up. */
void sim_node_calm(struct sim_world *world);

#endif
