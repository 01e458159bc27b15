/* tier_fault.c -- see tier_fault.h. */
#include "tier/tier_fault.h"

#include "tier/tier_inner.h"

enum {
    FAULT_HELD_MAX = 10000,
    FAULT_BYTES_MAX = 16 << 20,
    FAULT_OF = 1000,
};

struct fault_held {
    struct base_link all; /* by due_ms */
    int64_t due_ms;
    struct tier_in *in; /* its link is counted */
};

struct tier_fault {
    struct tier *tier;
    struct tier_fault_plan plan;
    struct tier_fault_counts counts;
    struct base_link held;
    struct base_timer timer;
    int64_t last_ms; /* nothing that keeps its order comes before */
    unsigned count;
    size_t bytes;
};

/* --- what is held --- */

static void
fault_schedule(struct tier_fault *fault)
{
    struct base_loop *loop = fault->tier->config.loop;
    base_loop_timer_clear(loop, &fault->timer);
    if (base_list_empty(&fault->held))
        return;
    struct fault_held *first =
        BASE_OUTER(fault->held.next, struct fault_held, all);
    int64_t after_ms = first->due_ms - tier_inner_now(fault->tier);
    base_loop_timer(loop, &fault->timer, after_ms > 0 ? after_ms : 0);
}

/* Behind all that is due no later. */
static void
fault_hold(struct tier_fault *fault, struct tier_in *in, int64_t due_ms)
{
    struct fault_held *held = base_mem_zero(sizeof *held);
    struct base_link *at = fault->held.prev;
    while (at != &fault->held &&
           BASE_OUTER(at, struct fault_held, all)->due_ms > due_ms)
        at = at->prev;
    held->due_ms = due_ms;
    held->in = in;
    base_list_add(at->next, &held->all); /* before the next one */
    tier_link_ref(in->link);
    fault->count++;
    fault->bytes += in->size;
}

static struct tier_in *
fault_take(struct tier_fault *fault, struct fault_held *held)
{
    struct tier_in *in = held->in;
    base_list_remove(&held->all);
    base_mem_free(held);
    fault->count--;
    fault->bytes -= in->size;
    return in;
}

static void
fault_come(struct tier_in *in)
{
    struct tier_link *link = in->link;
    if (link->state == TIER_LINK_CLOSED)
        base_mem_free(in);
    else
        tier_link_deliver(link, in);
    tier_link_unref(link);
}

static void
fault_timer(struct base_timer *timer)
{
    struct tier_fault *fault = BASE_OUTER(timer, struct tier_fault, timer);
    int64_t now_ms = tier_inner_now(fault->tier);
    while (!base_list_empty(&fault->held)) {
        struct fault_held *first =
            BASE_OUTER(fault->held.next, struct fault_held, all);
        if (first->due_ms > now_ms)
            break;
        fault_come(fault_take(fault, first));
    }
    fault_schedule(fault);
}

/* --- what comes --- */

static bool
fault_hits(struct tier_fault *fault, unsigned of_thousand)
{
    return of_thousand > 0 &&
           base_rng_range(fault->tier->config.random, FAULT_OF) < of_thousand;
}

static int64_t
fault_later(struct tier_fault *fault)
{
    uint64_t most = fault->plan.delay_ms ? fault->plan.delay_ms : 1;
    return tier_inner_now(fault->tier) + 1 +
           (int64_t)base_rng_range(fault->tier->config.random, most);
}

/* The same message once more: its texts lie in its own copy. */
static struct tier_in *
fault_copy(const struct tier_in *in)
{
    struct tier_in *copy = base_mem_new(sizeof *copy + in->size);
    memcpy(copy, in, sizeof *copy + in->size);
    must(wire_frame_message_read(base_bytes(copy->data, copy->size),
                                 &copy->message) == ERR_OK);
    return copy;
}

bool
tier_fault_takes(struct tier_fault *fault, struct tier_in *in)
{
    const struct tier_fault_plan *plan = &fault->plan;
    bool quiet = !plan->repeat && !plan->delay && !plan->reorder &&
                 base_list_empty(&fault->held);
    if (quiet || fault->count >= FAULT_HELD_MAX ||
        fault->bytes + 2 * in->size > FAULT_BYTES_MAX)
        return false;
    int64_t due_ms = tier_inner_now(fault->tier);
    if (fault_hits(fault, plan->repeat)) {
        fault->counts.repeated++;
        fault_hold(fault, fault_copy(in), fault_later(fault));
    }
    if (fault_hits(fault, plan->reorder)) {
        fault->counts.reordered++;
        due_ms = fault_later(fault);
    } else {
        if (fault_hits(fault, plan->delay)) {
            fault->counts.delayed++;
            due_ms = fault_later(fault);
        }
        if (due_ms < fault->last_ms)
            due_ms = fault->last_ms;
        fault->last_ms = due_ms;
    }
    fault_hold(fault, in, due_ms);
    fault_schedule(fault);
    return true;
}

/* --- life --- */

bool
tier_fault_is_cut(const struct tier_fault *fault)
{
    return fault && fault->plan.cut;
}

void
tier_fault_open(struct tier *tier)
{
    struct tier_fault *fault = base_mem_zero(sizeof *fault);
    must(!tier->fault);
    fault->tier = tier;
    fault->timer.fn = fault_timer;
    base_list_init(&fault->held);
    tier->fault = fault;
}

void
tier_fault_set(struct tier *tier, const struct tier_fault_plan *plan)
{
    struct tier_fault *fault = tier->fault;
    bool was_cut = fault->plan.cut;
    fault->plan = *plan;
    if (plan->cut && !was_cut) {
        fault->counts.cuts++;
        if (tier_inner_is_up(tier->up.link))
            tier_link_event(tier->up.link, TIER_EVENT_LOST,
                            &(struct tier_happened){.why = "cut on purpose"});
    }
    if (was_cut && !plan->cut)
        tier_retry(tier);
}

struct tier_fault_counts
tier_fault_counts(struct tier *tier)
{
    return tier->fault ? tier->fault->counts : (struct tier_fault_counts){0};
}

/* From tier_free: loops have ended. */
void
tier_fault_done(struct tier_fault *fault)
{
    if (!fault)
        return;
    while (!base_list_empty(&fault->held)) {
        struct tier_in *in = fault_take(
            fault, BASE_OUTER(fault->held.next, struct fault_held, all));
        tier_link_unref(in->link);
        base_mem_free(in);
    }
    base_mem_free(fault);
}
