/* sim_tree_names.c -- see sim_tree_names.h. */
#include "sim_tree_names.h"

#include "base/base_mem.h"
#include "engine/ident/ident_resolve.h"
#include "engine/ident/ident_step.h"

enum { NAMES_WAIT_MS = 60 * 1000, NAMES_SLICE_MS = 100, NAMES_MAX = 256 << 10 };

void
sim_tree_names_rows(struct sim_node *node, struct ident *ident)
{
    struct store_kv *kv = node->kvs[STORE_JOURNAL_IDENT];
    const struct model_log_row rows[] = {
        {.channel = MODEL_CHANNEL_NAMES,
         .kind = MODEL_KIND_NAMES_PREFIX,
         .max = NAMES_MAX,
         .kv = kv,
         .take = ident_take_prefix,
         .engine = ident},
        {.channel = MODEL_CHANNEL_NAMES,
         .kind = MODEL_KIND_NAMES_SITE,
         .max = NAMES_MAX,
         .kv = kv,
         .take = ident_take_site,
         .engine = ident},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++)
        tier_add_log(node->tier, &rows[i]);
    tier_add_call(node->tier, &(struct model_call_row){
                                  .channel = MODEL_CHANNEL_NAME_CALL,
                                  .kind = MODEL_KIND_NAME_CALL_RESOLVE,
                                  .max = NAMES_MAX,
                                  .take = ident_take_resolve,
                                  .engine = ident,
                              });
    tier_add_hint(node->tier, &(struct model_hint_row){
                                  .channel = MODEL_CHANNEL_HINT,
                                  .kind = MODEL_KIND_HINT_INVALIDATE,
                                  .max = NAMES_MAX,
                                  .take = ident_take_hint,
                                  .engine = ident,
                              });
}

/* Granted once; a disk that is full today is not tomorrow. */
static void
names_grant(struct ident *ident, const char *prefix)
{
    struct ident_prefix known;
    static const enum ident_verb verbs[] = {IDENT_VERB_APPROVE,
                                            IDENT_VERB_JOIN};
    if (ident_prefix_find(ident, base_bytes_text(prefix), &known) == ERR_OK &&
        known.state == IDENT_PREFIX_ACTIVE)
        return;
    for (size_t i = 0; i < BASE_COUNT(verbs); i++) {
        struct ident_step step = {.verb = verbs[i],
                                  .prefix = base_bytes_text(prefix)};
        if (ident_step(ident, &step, NULL) != ERR_OK)
            return;
    }
}

static void
names_grant_all(struct sim_tree_node *node)
{
    struct sim_tree_life *life = sim_tree_life(node);
    for (unsigned i = 0; life != NULL && i < SIM_TREE_NODES; i++)
        if (node->tree->nodes[i].above == node)
            names_grant(life->ident, node->tree->nodes[i].prefix);
}

void
sim_tree_names_start(struct sim_tree_node *node)
{
    names_grant_all(node);
}

struct names_asked {
    struct ident_resolve call;
    unsigned done;
};

static void
names_done(struct ident_resolve *call)
{
    BASE_OUTER(call, struct names_asked, call)->done++;
}

static void
names_ask(struct sim_tree *tree, struct sim_tree_node *at, const char *id)
{
    struct names_asked *asked = base_mem_zero(sizeof *asked);
    int64_t until_ms = tree->world.now_ms + NAMES_WAIT_MS;
    asked->call.done = names_done;
    asked->call.loop = &at->node.loop.base;
    asked->call.handle = base_bytes_text(id);
    asked->call.recurse = true;
    ident_resolve(sim_tree_life(at)->ident, &asked->call);
    while (asked->done == 0 && tree->world.now_ms < until_ms)
        sim_node_run(&tree->world, NAMES_SLICE_MS);
    if (asked->done != 1 || asked->call.code != IDENT_CODE_OK)
        sim_tree_wrong(tree,
                       "%s does not resolve at %s: %u answers, code %d %s", id,
                       at->prefix, asked->done, (int)asked->call.code,
                       asked->done > 0 ? asked->call.message : "");
    if (asked->done > 0) {
        ident_resolve_done(&asked->call);
        base_mem_free(asked);
    }
    tree->result.names++;
}

void
sim_tree_names_check(struct sim_tree *tree)
{
    for (unsigned i = 0; i < SIM_TREE_NODES; i++)
        names_grant_all(&tree->nodes[i]); /* where there was no space for it */
    sim_node_run(&tree->world, NAMES_WAIT_MS);
    for (unsigned i = 0; i < SIM_TREE_NODES; i++)
        for (unsigned k = 0; k < SIM_TREE_ENTERPRISES; k += 4)
            names_ask(tree, &tree->nodes[i],
                      tree->senders[k].units[SIM_TREE_UNIT_HOST].id);
}
