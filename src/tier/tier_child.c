/* tier_child.c -- the child's end of the link to the parent.
 *
 *              timer      OPEN      WELCOME     STORED    REFUSE     lost
 *   WAIT       dial ->    -         -           -         -          -
 *              CALLING
 *   CALLING    -> WAIT    HELLO ->  -           -         by code    -> WAIT
 *   (10 s)     (probe)    GREETING                                   (probe)
 *   GREETING   -> WAIT    -         check ->    -         by code    -> WAIT
 *   (10 s)                          STORING,
 *                                   FENCED
 *   STORING    -> WAIT    -         bad         READY ->  by code    -> WAIT
 *   (10 s)                                      UP
 *   UP         -          -         bad         -         by code    -> WAIT
 *   FENCED, EXPIRED, STOPPED        ignored, counted; AGAIN (a new token) ->
 * WAIT, RETRY (a new certificate) from WAIT, EXPIRED
 *
 * REPAIR (digests) is not in the spine: whatever is not in order is FENCED
 * until `join --again` (RULINGS 34).  The lineage offered is durable before
 * READY; from then on a copy made earlier is told apart.
 *
 * Waiting  first try uniform in 0..spread_ms, then min(60 s, uniform(1 s,
 *          3 x last)); reset only after 60 s UP.  10 min after VERSION, DENIED,
 *          NAME, BAD; 60 s after SUPERSEDED; else as long as the parent says.
 *          With DENIED the parent may say when to ask again (it does to a
 *          suspended child, which may be resumed at any time): then half to
 *          one and a half of that.
 * Probe    where nobody answers at the address at all (no TCP), an attempt
 *          costs the parent nothing, and waiting long only makes figures late
 *          after an outage: at most max(5 s, spread_ms) and up to a second by
 *          chance.  spread_ms keeps the herd of a great parent apart.
 */
#include <stdio.h>

#include "tier/tier_inner.h"

enum child_state {
    CHILD_WAIT,
    CHILD_CALLING,
    CHILD_GREETING,
    CHILD_STORING,
    CHILD_UP,
    CHILD_FENCED,
    CHILD_EXPIRED,
    CHILD_STOPPED,
    CHILD_STATES
};

enum {
    CHILD_BACKOFF_MIN_MS = 1000,
    CHILD_BACKOFF_MAX_MS = 60000,
    CHILD_PROBE_MS = 5000,
    CHILD_CALM_MS = 60000,
    CHILD_LONG_MS = 600000,
};

typedef enum child_state child_step(struct tier *tier,
                                    const struct tier_happened *what);

static void
child_timer(struct tier *tier, int64_t after_ms)
{
    base_loop_timer(tier->config.loop, &tier->up.timer, after_ms);
}

static enum child_state
child_wait(struct tier *tier, int64_t wait_ms)
{
    child_timer(tier, wait_ms);
    return CHILD_WAIT;
}

static enum child_state
child_back_off_within(struct tier *tier, int64_t most_ms)
{
    struct tier_up *up = &tier->up;
    int64_t now = tier_inner_now(tier);
    bool calm = up->up_ms > 0 && now - up->up_ms >= CHILD_CALM_MS;
    up->up_ms = 0;
    if (calm || up->wait_ms == 0) {
        up->wait_ms = CHILD_BACKOFF_MIN_MS;
        return child_wait(tier, (int64_t)base_rng_range(tier->config.random,
                                                        up->spread_ms + 1));
    }
    int64_t most = 3 * up->wait_ms;
    up->wait_ms =
        CHILD_BACKOFF_MIN_MS +
        (int64_t)base_rng_range(tier->config.random,
                                (uint64_t)(most - CHILD_BACKOFF_MIN_MS) + 1);
    if (up->wait_ms > most_ms)
        up->wait_ms = most_ms;
    return child_wait(tier, up->wait_ms);
}

static enum child_state
child_back_off(struct tier *tier)
{
    return child_back_off_within(tier, CHILD_BACKOFF_MAX_MS);
}

/* Nobody answered at the address. */
static enum child_state
child_probe(struct tier *tier)
{
    int64_t most_ms = tier->up.spread_ms;
    if (most_ms < CHILD_PROBE_MS)
        most_ms = CHILD_PROBE_MS;
    most_ms += (int64_t)base_rng_range(tier->config.random, 1000);
    if (most_ms > CHILD_BACKOFF_MAX_MS)
        most_ms = CHILD_BACKOFF_MAX_MS;
    return child_back_off_within(tier, most_ms);
}

static void
child_close(struct tier *tier, unsigned code, const char *why)
{
    struct tier_link *link = tier->up.link;
    tier->up.link = NULL;
    if (link)
        tier_link_close(link, code, 0, why);
}

static enum child_state
child_fence(struct tier *tier, const char *why)
{
    tier_inner_count(tier, TIER_STAT_FENCED, 1);
    tier_alert_raise(tier, "fenced", "parent=%s by=us why=\"%s\"",
                     tier->parent->prefix, why);
    snprintf(tier->parent->why, sizeof tier->parent->why, "%s", why);
    child_close(tier, WIRE_FRAME_FENCED, why);
    return CHILD_FENCED;
}

/* --- steps --- */

static enum child_state
child_ignore(struct tier *tier, const struct tier_happened *what)
{
    (void)what;
    tier_inner_count(tier, TIER_STAT_IGNORED, 1);
    return (enum child_state)tier->up.state;
}

static enum child_state
child_dial(struct tier *tier, const struct tier_happened *what)
{
    const struct tier_config *config = &tier->config;
    struct tier_wire *wire;
    (void)what;
    if (config->parent_count == 0)
        return child_back_off(tier);
    const char *endpoint =
        config->parents[tier->up.endpoint++ % config->parent_count];
    enum err err =
        tier_fault_is_cut(tier->fault)
            ? ERR_IO
            : config->transport->dial(config->transport, tier, endpoint, &wire);
    if (err != ERR_OK) {
        snprintf(tier->parent->why, sizeof tier->parent->why,
                 "cannot connect to %s: %s", endpoint, base_err_text(err));
        return err == ERR_IO ? child_probe(tier) : child_back_off(tier);
    }
    tier->up.link = tier_link_new(tier, wire, true);
    snprintf(tier->up.link->prefix, sizeof tier->up.link->prefix, "%s",
             tier->parent->prefix);
    tier->up.link->peer = tier->parent;
    child_timer(tier, TIER_HANDSHAKE_MS);
    return CHILD_CALLING;
}

static void
child_hello_durable(struct tier_hold *hold, enum err err)
{
    struct bytes *hello = hold->arg;
    struct tier_link *link = hold->link;
    if (err == ERR_OK && link->state != TIER_LINK_CLOSED)
        tier_send_frame(link, WIRE_FRAME_HELLO, 0, 0, 0, *hello);
}

static enum child_state
child_hello(struct tier *tier, const struct tier_happened *what)
{
    struct tier_link *link = tier->up.link;
    const struct tier_wire *wire = link->wire;
    (void)what;
    if (wire->judged != ERR_OK ||
        !base_bytes_equal_folded(base_bytes_text(wire->facts.prefix),
                                 tier->above)) {
        char why[320];
        snprintf(why, sizeof why, "the parent's certificate (%s): %s",
                 wire->facts.prefix,
                 wire->judged != ERR_OK ? base_err_text(wire->judged)
                                        : "another name");
        child_close(tier, 0, why);
        return child_back_off(tier);
    }
    tier->parent->expiry_ms = wire->facts.not_after.ms;
    bool first = tier->self.lineage == 0;
    struct wire_hello hello = {
        .version_min = TIER_VERSION,
        .version_max = TIER_VERSION,
        .flags = first ? WIRE_HELLO_FIRST : 0,
        .epoch = tier->self.epoch,
        .lineage = tier->self.lineage,
    };
    struct bytes *body = base_mem_new(sizeof *body + WIRE_FRAME_BODY_MAX);
    struct base_out out;
    base_out_fixed(&out, body + 1, WIRE_FRAME_BODY_MAX);
    tier_greet_write(tier->parent, &hello, first, NULL, &out);
    must(base_out_ok(&out));
    *body = base_out_bytes(&out);
    child_timer(tier, TIER_HANDSHAKE_MS);
    /* What HELLO tells of our cursors is durable before it leaves. */
    tier->up.state = CHILD_GREETING;
    tier_hold_all(tier_hold_new(tier, link, child_hello_durable, NULL, body));
    return (enum child_state)tier->up.state;
}

static void
child_stored(struct tier_hold *hold, enum err err)
{
    if (hold->link == hold->tier->up.link)
        tier_child_happens(hold->tier, TIER_EVENT_STORED,
                           &(struct tier_happened){.err = err});
}

static enum child_state
child_store(struct tier *tier, const struct tier_greet *greet, bool resync)
{
    struct tier_self *self = &tier->self;
    struct tier_self old = *self;
    struct tier_link *link = tier->up.link;
    memcpy(self->parent_store, greet->hello.store, sizeof self->parent_store);
    self->epoch = greet->hello.epoch;
    self->lineage = greet->hello.lineage;
    self->resync |= resync;
    tier->parent->epoch = greet->hello.epoch;
    tier->parent->boot = greet->hello.boot;
    link->lineage = greet->hello.lineage;
    link->resync = self->resync;
    if (greet->timing) {
        link->ping_s = greet->ping_s ? greet->ping_s : tier->config.ping_s;
        tier->up.spread_ms = greet->spread_ms;
    }
    memcpy(tier->parent->kinds, greet->kinds, sizeof greet->kinds);
    tier_peer_packs(tier->parent, greet->hello.tlvs);
    struct tier_hold *hold =
        tier_hold_new(tier, link, child_stored, NULL, NULL);
    link->state = TIER_LINK_STORING;
    tier->up.state = CHILD_STORING;
    enum err err = tier_peer_save(tier, NULL, hold);
    if (err == ERR_OK)
        return (enum child_state)tier->up.state;
    *self = old;
    child_close(tier, 0, base_err_text(err));
    return child_back_off(tier);
}

static enum child_state
child_welcome(struct tier *tier, const struct tier_happened *what)
{
    struct tier_greet *greet = base_mem_new(sizeof *greet);
    bool first = tier->self.lineage == 0, behind = false;
    enum child_state next;
    enum err err = tier_greet_read(what->body, greet);
    const struct wire_hello *hello = &greet->hello;
    if (err != ERR_OK || hello->version_min != TIER_VERSION ||
        hello->version_max != TIER_VERSION || hello->epoch < tier->self.epoch ||
        !base_bytes_equal_folded(hello->prefix, tier->above)) {
        child_close(tier, WIRE_FRAME_BAD, "WELCOME");
        next = child_back_off(tier);
    } else if (hello->flags & WIRE_HELLO_REPAIR) {
        next = child_fence(tier, "the parent asks for REPAIR");
    } else {
        if (first)
            err = tier_greet_base(tier->parent, greet);
        if (err == ERR_OK)
            err = tier_greet_meet(tier->parent, greet, &behind);
        if (err == ERR_FENCED) {
            next = child_fence(tier, "our log and the parent's have parted");
        } else if (err != ERR_OK) {
            child_close(tier, 0, base_err_text(err));
            next = child_back_off(tier);
        } else {
            if (behind)
                tier_alert_raise(tier, "parent_restored", "parent=%s",
                                 tier->parent->prefix);
            next = child_store(tier, greet,
                               first || behind ||
                                   (hello->flags & WIRE_HELLO_RESYNC) ||
                                   hello->epoch != tier->self.epoch);
        }
    }
    base_mem_free(greet);
    return next;
}

/* Engines have been told to send all again, and have stored that. */
static void
child_resync_told(struct tier *tier)
{
    if (!tier->self.resync)
        return;
    tier->self.resync = false;
    if (tier_peer_save(tier, NULL, NULL) != ERR_OK)
        tier->self.resync = true; /* told once more at the next link */
}

static enum child_state
child_ready(struct tier *tier, const struct tier_happened *what)
{
    struct tier_link *link = tier->up.link;
    uint8_t room[8];
    struct base_out out;
    if (what->err != ERR_OK) {
        child_close(tier, 0, "the lineage could not be stored");
        return child_back_off(tier);
    }
    base_out_fixed(&out, room, sizeof room);
    wire_frame_body_numbers_write(&out, &link->lineage, 1);
    tier_send_frame(link, WIRE_FRAME_READY, 0, 0, 0, base_out_bytes(&out));
    if (tier->up.link != link) /* it broke under READY */
        return (enum child_state)tier->up.state;
    base_loop_timer_clear(tier->config.loop, &tier->up.timer);
    tier->up.up_ms = tier_inner_now(tier);
    tier->up.state = CHILD_UP;
    tier_send_start(link);
    tier_link_up(link);
    child_resync_told(tier);
    return (enum child_state)tier->up.state;
}

/* After DENIED. */
static int64_t
child_told(struct tier *tier, uint32_t wait_ms)
{
    if (wait_ms == 0 || wait_ms > CHILD_LONG_MS / 2)
        return CHILD_LONG_MS;
    return wait_ms / 2 +
           (int64_t)base_rng_range(tier->config.random, (uint64_t)wait_ms + 1);
}

static enum child_state
child_refused(struct tier *tier, const struct tier_happened *what)
{
    struct wire_frame_refuse refuse;
    char text[WIRE_FRAME_TEXT_MAX + 1], why[400];
    if (wire_frame_body_refuse_read(what->body, &refuse) != ERR_OK) {
        child_close(tier, 0, "a REFUSE that cannot be read");
        return child_back_off(tier);
    }
    snprintf(why, sizeof why, "the parent refused: %s: %s",
             wire_frame_body_refusal(refuse.code),
             base_bytes_string(refuse.text, text, sizeof text));
    child_close(tier, 0, why);
    tier_alert_refused(tier->parent, "%s", why);
    switch (refuse.code) {
    case WIRE_FRAME_FENCED:
        tier_inner_count(tier, TIER_STAT_FENCED, 1);
        tier_alert_raise(tier, "fenced", "parent=%s by=parent why=\"%s\"",
                         tier->parent->prefix, text);
        return CHILD_FENCED;
    case WIRE_FRAME_EXPIRED:
        tier_alert_raise(tier, "expired", "parent=%s", tier->parent->prefix);
        return CHILD_EXPIRED;
    case WIRE_FRAME_DENIED:
        return child_wait(tier, child_told(tier, refuse.wait_ms));
    case WIRE_FRAME_VERSION:
    case WIRE_FRAME_NAME:
    case WIRE_FRAME_BAD:
        return child_wait(tier, CHILD_LONG_MS);
    case WIRE_FRAME_SUPERSEDED:
    case WIRE_FRAME_CLOCK:
        return child_wait(tier, CHILD_BACKOFF_MAX_MS);
    default:
        return refuse.wait_ms > 0 ? child_wait(tier, refuse.wait_ms)
                                  : child_back_off(tier);
    }
}

static enum child_state
child_lost(struct tier *tier, const struct tier_happened *what)
{
    child_close(tier, 0, what->why ? what->why : "no answer in 10 s");
    return child_back_off(tier);
}

/* CALLING came to nothing: is anybody there? */
static enum child_state
child_uncalled(struct tier *tier, const struct tier_happened *what)
{
    const struct tier_link *link = tier->up.link;
    bool reached =
        link->wire ? link->wire->ops->reached(link->wire) : link->reached;
    child_close(tier, 0, what->why ? what->why : "no answer in 10 s");
    return reached ? child_back_off(tier) : child_probe(tier);
}

static enum child_state
child_bad(struct tier *tier, const struct tier_happened *what)
{
    child_close(tier, WIRE_FRAME_BAD, what->why ? what->why : "out of turn");
    return child_back_off(tier);
}

static enum child_state
child_drain(struct tier *tier, const struct tier_happened *what)
{
    struct base_cur cur;
    base_cur_init(&cur, what->body);
    uint32_t spread_ms = base_cur_u32le(&cur);
    child_close(tier, 0, "the parent drains");
    return child_wait(tier, (int64_t)base_rng_range(tier->config.random,
                                                    (uint64_t)spread_ms + 1));
}

static enum child_state
child_again(struct tier *tier, const struct tier_happened *what)
{
    (void)what;
    child_close(tier, 0, "joins again");
    tier->up.wait_ms = 0;
    return child_wait(tier, 0);
}

static enum child_state
child_stop(struct tier *tier, const struct tier_happened *what)
{
    (void)what;
    base_loop_timer_clear(tier->config.loop, &tier->up.timer);
    if (tier->up.link && tier->up.link->state == TIER_LINK_UP)
        tier_send_frame(tier->up.link, WIRE_FRAME_DRAIN, 0, 0, 0,
                        base_bytes("\0\0\0\0", 4));
    child_close(tier, 0, "stops");
    return CHILD_STOPPED;
}

/* clang-format off */
#define IGN child_ignore
static child_step *const child_table[CHILD_STATES][TIER_EVENTS] = {
  /*               TIMER       OPEN         HELLO      WELCOME        STORED
     READY      REFUSE         DRAIN        BAD        LOST
     NEWER  CUT  AGAIN        RETRY       STOP */
  [CHILD_WAIT] =  {child_dial, IGN,         IGN,       IGN,           IGN,
     IGN,       IGN,           IGN,         IGN,       IGN,
     IGN,   IGN, child_again, child_dial, child_stop},
  [CHILD_CALLING] = {child_uncalled, child_hello, child_bad, child_bad, IGN,
     child_bad, child_refused, child_lost,  child_bad, child_uncalled,
     IGN,   IGN, child_again, IGN,        child_stop},
  [CHILD_GREETING] = {child_lost, IGN,      child_bad, child_welcome, IGN,
     child_bad, child_refused, child_lost,  child_bad, child_lost,
     IGN,   IGN, child_again, IGN,        child_stop},
  [CHILD_STORING] = {child_lost, IGN,       child_bad, child_bad,     child_ready,
     child_bad, child_refused, child_lost,  child_bad, child_lost,
     IGN,   IGN, child_again, IGN,        child_stop},
  [CHILD_UP] =    {IGN,        IGN,         child_bad, child_bad,     IGN,
     child_bad, child_refused, child_drain, child_bad, child_lost,
     IGN,   IGN, child_again, IGN,        child_stop},
  [CHILD_FENCED] = {IGN,       IGN,         IGN,       IGN,           IGN,
     IGN,       IGN,           IGN,         IGN,       IGN,
     IGN,   IGN, child_again, IGN,        child_stop},
  [CHILD_EXPIRED] = {IGN,      IGN,         IGN,       IGN,           IGN,
     IGN,       IGN,           IGN,         IGN,       IGN,
     IGN,   IGN, child_again, child_dial, child_stop},
  [CHILD_STOPPED] = {IGN,      IGN,         IGN,       IGN,           IGN,
     IGN,       IGN,           IGN,         IGN,       IGN,
     IGN,   IGN, IGN, IGN,         IGN},
};
#undef IGN
/* clang-format on */

void
tier_child_happens(struct tier *tier, enum tier_event event,
                   const struct tier_happened *what)
{
    must(tier->up.state < CHILD_STATES && event < TIER_EVENTS);
    /* A step that calls out sets the state itself first: an event may come back
     * in before it returns. */
    child_step *step = child_table[tier->up.state][event];
    must(step);
    tier->up.state = (uint8_t)step(tier, what);
}

static void
child_timed(struct base_timer *timer)
{
    struct tier_up *up = BASE_OUTER(timer, struct tier_up, timer);
    tier_child_happens(BASE_OUTER(up, struct tier, up), TIER_EVENT_TIMER,
                       &(struct tier_happened){0});
}

void
tier_child_start(struct tier *tier)
{
    tier->up.timer.fn = child_timed;
    tier->up.spread_ms = tier->config.spread_ms;
    tier->up.state = CHILD_STOPPED;
    if (!tier->parent)
        return;
    child_timer(tier, (int64_t)base_rng_range(tier->config.random,
                                              tier->up.spread_ms + 1));
    tier->up.state = CHILD_WAIT;
}

const char *
tier_child_state(const struct tier *tier)
{
    static const char *const names[CHILD_STATES] = {
        [CHILD_WAIT] = "waiting",
        [CHILD_CALLING] = "calling",
        [CHILD_GREETING] = "greeting",
        [CHILD_STORING] = "storing",
        [CHILD_UP] = "up",
        [CHILD_FENCED] = "fenced",
        [CHILD_EXPIRED] = "expired",
        [CHILD_STOPPED] = "stopped",
    };
    return names[tier->up.state];
}
