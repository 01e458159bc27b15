/* tier_hold.c -- whatever must wait until the journal has synced.
 *
 * Why: nothing leaves a node before what it tells of is durable (RULINGS 1).
 * The journal may call back inside the call that starts the wait. */
#include "tier/tier_inner.h"

static void
hold_end(struct tier_hold *hold)
{
    struct tier_link *link = hold->link;
    base_list_remove(&hold->all);
    base_mem_free(hold->arg);
    base_mem_free(hold);
    if (link)
        tier_link_unref(link);
}

static void
hold_told(struct store_journal_wait *wait, enum err err)
{
    struct tier_hold *hold = BASE_OUTER(wait, struct tier_hold, wait);
    hold->fn(hold, err);
    hold_end(hold);
}

struct tier_hold *
tier_hold_new(struct tier *tier, struct tier_link *link,
              void (*fn)(struct tier_hold *, enum err), void *self, void *arg)
{
    struct tier_hold *hold = base_mem_zero(sizeof *hold);
    hold->wait.fn = hold_told;
    hold->wait.loop = tier->config.loop;
    hold->tier = tier;
    hold->fn = fn;
    hold->self = self;
    hold->arg = arg;
    hold->link = link;
    if (link)
        tier_link_ref(link);
    base_list_add(&tier->holds, &hold->all);
    return hold;
}

void
tier_hold_drop(struct tier_hold *hold)
{
    hold_end(hold);
}

void
tier_hold_all(struct tier_hold *hold)
{
    store_journal_barrier(hold->tier->config.journal, &hold->wait);
}

void
tier_hold_records(struct tier_hold *hold)
{
    struct store_journal *journal = hold->tier->config.journal;
    store_journal_wait(journal, STORE_JOURNAL_RECORDS,
                       store_journal_appended(journal, STORE_JOURNAL_RECORDS),
                       &hold->wait);
}

void
tier_hold_done(struct tier *tier)
{
    struct base_link *at;
    while ((at = base_list_take(&tier->holds)) != NULL) {
        struct tier_hold *hold = BASE_OUTER(at, struct tier_hold, all);
        base_mem_free(hold->arg);
        base_mem_free(hold);
    }
}
