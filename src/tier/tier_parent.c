/* tier_parent.c -- the parent's end, one machine per link.
 *
 *              OPEN       HELLO       STORED      READY       bad      timer
 *   NEW        -> SHAKING
 *   SHAKING               weigh ->                bad         close    close
 *   (10 s)                STORING,
 *                         or refuse
 *   STORING               bad         WELCOME ->  bad         close    close
 *   (10 s)                            OFFERED
 *   OFFERED               bad                     lineage     close    close
 *   (10 s)                                        matches:
 *                                                 UP
 *   UP                    bad                     bad         REFUSE   (tick)
 *
 *   in every state: lost, silent, stop: close; NEWER (another link in order for
 *   the same child): SUPERSEDED; CUT (suspended, revoked): DENIED.
 *
 * Which HELLO is in order (spec tier 2, RULINGS 34), once certificate, name
 * and admit() are good:
 *
 *   not known                       WELCOME; lineage 1 or the child's + 1.  A
 *                                   child that was linked before means that we
 *                                   were restored: it sends all again
 *   first contact, nothing yet      WELCOME again: the last one was lost
 *   confirmed by the same store
 *   first contact, another key or   WELCOME, a higher epoch, lineage + 1: it
 *   a higher epoch                  joined again with a new token
 *   another store                   DENIED
 *   lineage = confirmed or offered  WELCOME, lineage + 1
 *   lineage newer                   the same, and all again: we were restored
 *   anything else                   FENCED, alert */
#include <stdio.h>

#include "tier/tier_inner.h"

/* A suspended child asks again so soon, more or less: one handshake in 10 s. */
enum { PARENT_SUSPENDED_MS = 10000 };

typedef void parent_step(struct tier_link *link,
                         const struct tier_happened *what);

static void
parent_ignore(struct tier_link *link, const struct tier_happened *what)
{
    (void)what;
    tier_inner_count(link->tier, TIER_STAT_IGNORED, 1);
}

static void
parent_close(struct tier_link *link, const struct tier_happened *what)
{
    tier_link_close(link, 0, 0, what->why ? what->why : "closed");
}

static void
parent_drained(struct tier_link *link, const struct tier_happened *what)
{
    (void)what;
    tier_link_close(link, 0, 0, "the child stops");
}

static void
parent_bad(struct tier_link *link, const struct tier_happened *what)
{
    struct tier *tier = link->tier;
    struct tier_peer *peer = link->peer;
    const char *why = what->why ? what->why : "a frame out of turn";
    if (peer) {
        int64_t now = tier_inner_now(tier);
        peer->bad_ms[peer->bad_at++ % TIER_BAD_MAX] = now;
        int64_t oldest = peer->bad_ms[peer->bad_at % TIER_BAD_MAX];
        if (peer->bad_at >= TIER_BAD_MAX && now - oldest < TIER_BAD_MS &&
            peer->held_until_ms < now) {
            peer->held_until_ms = now + TIER_BAD_MS;
            tier_alert_raise(tier, "held", "peer=%s why=\"%d bad frames\"",
                             peer->prefix, TIER_BAD_MAX);
        }
    }
    tier_link_close(link, WIRE_FRAME_BAD, 0, why);
}

static void
parent_newer(struct tier_link *link, const struct tier_happened *what)
{
    (void)what;
    tier_link_close(link, WIRE_FRAME_SUPERSEDED, 0,
                    "another link for this prefix");
}

static void
parent_cut(struct tier_link *link, const struct tier_happened *what)
{
    tier_link_close(link, WIRE_FRAME_DENIED, PARENT_SUSPENDED_MS,
                    what->why ? what->why : "suspended or revoked");
}

static void
parent_stop(struct tier_link *link, const struct tier_happened *what)
{
    uint8_t room[4];
    struct base_out out;
    (void)what;
    base_out_fixed(&out, room, sizeof room);
    base_out_u32le(&out, link->tier->config.spread_ms);
    if (link->state == TIER_LINK_UP)
        tier_send_frame(link, WIRE_FRAME_DRAIN, 0, 0, 0, base_out_bytes(&out));
    tier_link_close(link, 0, 0, "stops");
}

static void
parent_open(struct tier_link *link, const struct tier_happened *what)
{
    struct tier *tier = link->tier;
    (void)what;
    link->state = TIER_LINK_SHAKING;
    if (tier->stopping)
        tier_link_close(link, WIRE_FRAME_SHUTDOWN, tier->config.spread_ms,
                        "stops");
    else
        base_loop_timer(tier->config.loop, &link->timer, TIER_HANDSHAKE_MS);
}

/* --- HELLO --- */

struct parent_verdict {
    unsigned code; /* 0: WELCOME */
    const char *why;
    uint32_t wait_ms; /* and when to ask again; 0: by the code */
    bool first, resync, fresh;
    uint32_t epoch;
    uint64_t lineage;
};

static struct parent_verdict
parent_refuse(unsigned code, const char *why)
{
    return (struct parent_verdict){.code = code, .why = why};
}

/* Certificate, name, key: is this who it says it is, and may it? */
static struct parent_verdict
parent_judge(struct tier_link *link, const struct wire_hello *hello)
{
    struct tier *tier = link->tier;
    const struct tier_wire *wire = link->wire;
    struct bytes name = base_bytes_text(wire->facts.prefix);
    if (hello->version_min > TIER_VERSION || hello->version_max < TIER_VERSION)
        return parent_refuse(WIRE_FRAME_VERSION, "this node speaks version 1");
    if (wire->judged == ERR_TIME)
        return parent_refuse(WIRE_FRAME_CLOCK, "certificate not yet valid");
    if (wire->judged == ERR_EXPIRED)
        return parent_refuse(WIRE_FRAME_EXPIRED, "certificate expired");
    if (wire->judged != ERR_OK)
        return parent_refuse(WIRE_FRAME_DENIED, "certificate");
    if (hello->link_kind != 0 ||
        (hello->flags & (WIRE_HELLO_RENEW | WIRE_HELLO_REPAIR)))
        return parent_refuse(WIRE_FRAME_DENIED,
                             "this kind of link is not live");
    if (model_id_prefix_check(hello->prefix) != ERR_OK ||
        !base_bytes_equal_folded(hello->prefix, name) ||
        !model_id_is_child(tier->own, name))
        return parent_refuse(WIRE_FRAME_NAME, "not a child of this node");
    if (!tier->config.admit)
        return parent_refuse(0, "");
    enum err err =
        tier->config.admit(tier->config.admit_self, name, &wire->facts);
    if (err == ERR_OK)
        return parent_refuse(0, "");
    if (err == ERR_EXPIRED)
        return parent_refuse(WIRE_FRAME_EXPIRED, "expired");
    if (err == ERR_AGAIN)
        return (struct parent_verdict){.code = WIRE_FRAME_DENIED,
                                       .why = "suspended",
                                       .wait_ms = PARENT_SUSPENDED_MS};
    return parent_refuse(WIRE_FRAME_DENIED, err == ERR_REVOKED
                                                ? "revoked"
                                                : "unknown prefix or key");
}

static struct parent_verdict
parent_first(const struct tier_peer *peer, const struct wire_hello *hello,
             const struct crypt_cert_facts *facts)
{
    struct parent_verdict welcome = {.first = true, .resync = true};
    bool same = memcmp(peer->store, hello->store, sizeof peer->store) == 0;
    bool new_key = memcmp(peer->pin, facts->pin, sizeof peer->pin) != 0;
    welcome.epoch = hello->epoch;
    welcome.lineage = peer->offered + 1;
    if (same && peer->confirmed == 0 && hello->epoch == peer->epoch)
        return welcome;
    if (!new_key && hello->epoch <= peer->epoch)
        return same ? parent_refuse(WIRE_FRAME_FENCED,
                                    "first contact of a store that is known")
                    : parent_refuse(WIRE_FRAME_DENIED, "another store");
    welcome.fresh = true;
    if (welcome.epoch <= peer->epoch)
        welcome.epoch = peer->epoch + 1;
    return welcome;
}

static struct parent_verdict
parent_lineage(const struct tier_peer *peer, const struct wire_hello *hello,
               const struct crypt_cert_facts *facts)
{
    struct parent_verdict welcome = {
        .epoch = hello->epoch,
        .lineage = hello->lineage + 1,
    };
    bool first = hello->flags & WIRE_HELLO_FIRST;
    if (!peer) {
        welcome.first = first;
        welcome.resync = welcome.fresh = true;
        return welcome;
    }
    if (first)
        return parent_first(peer, hello, facts);
    if (memcmp(peer->store, hello->store, sizeof peer->store) != 0)
        return parent_refuse(WIRE_FRAME_DENIED, "another store");
    if (hello->epoch < peer->epoch)
        return parent_refuse(WIRE_FRAME_FENCED, "an older epoch");
    if (hello->lineage < peer->confirmed)
        return parent_refuse(WIRE_FRAME_FENCED,
                             "an older lineage: a copy, or restored");
    /* Newer than all we know of: it is we who were restored. */
    welcome.resync =
        hello->lineage > peer->offered || hello->epoch > peer->epoch;
    return welcome;
}

static void
parent_no(struct tier_link *link, struct tier_peer *peer,
          const struct parent_verdict *verdict)
{
    struct tier *tier = link->tier;
    uint32_t wait_ms = verdict->wait_ms;
    if (verdict->code == WIRE_FRAME_FENCED) {
        tier_inner_count(tier, TIER_STAT_FENCED, 1);
        tier_alert_raise(tier, "fenced", "child=%s address=%s up=%s why=\"%s\"",
                         link->prefix, link->wire->peer,
                         peer && peer->link ? peer->address : "none",
                         verdict->why);
    }
    if (peer)
        tier_alert_refused(peer, "%s: %s",
                           wire_frame_body_refusal(verdict->code),
                           verdict->why);
    if (verdict->code == WIRE_FRAME_BAD && peer)
        wait_ms = TIER_BAD_MS;
    tier_link_close(link, verdict->code, wait_ms, verdict->why);
}

static void
parent_stored(struct tier_hold *hold, enum err err)
{
    tier_parent_happens(hold->link, TIER_EVENT_STORED,
                        &(struct tier_happened){
                            .err = err, .body = *(struct bytes *)hold->arg});
}

/* In order: set the cursors, store the lineage, prepare WELCOME. */
static void
parent_offer(struct tier_link *link, struct tier_peer *peer,
             const struct parent_verdict *verdict,
             const struct tier_greet *greet)
{
    struct tier *tier = link->tier;
    peer->epoch = verdict->epoch;
    peer->offered = verdict->lineage;
    tier_peer_sign_key(peer, greet->sign_key);
    if (verdict->fresh || verdict->first)
        peer->confirmed = 0;
    peer->boot = greet->hello.boot;
    peer->expiry_ms = link->wire->facts.not_after.ms;
    memcpy(peer->store, greet->hello.store, sizeof peer->store);
    memcpy(peer->pin, link->wire->facts.pin, sizeof peer->pin);
    memcpy(peer->kinds, greet->kinds, sizeof peer->kinds);
    tier_peer_packs(peer, greet->hello.tlvs);
    link->lineage = verdict->lineage;
    link->boot = greet->hello.boot;
    struct wire_hello hello = {
        .version_min = TIER_VERSION,
        .version_max = TIER_VERSION,
        .flags = verdict->resync ? WIRE_HELLO_RESYNC : 0,
        .epoch = verdict->epoch,
        .lineage = verdict->lineage,
    };
    struct bytes *body = base_mem_new(sizeof *body + WIRE_FRAME_BODY_MAX);
    struct base_out out;
    base_out_fixed(&out, body + 1, WIRE_FRAME_BODY_MAX);
    tier_greet_write(peer, &hello, verdict->first, greet, &out);
    must(base_out_ok(&out));
    *body = base_out_bytes(&out);
    link->state = TIER_LINK_STORING;
    if (tier_peer_save(tier, peer,
                       tier_hold_new(tier, link, parent_stored, NULL, body)) !=
        ERR_OK)
        tier_link_close(link, WIRE_FRAME_BUSY, 0, "cannot store the lineage");
}

static void
parent_accept(struct tier_link *link, struct tier_peer *peer,
              const struct parent_verdict *verdict,
              const struct tier_greet *greet)
{
    struct tier *tier = link->tier;
    bool behind = false;
    enum err err = ERR_OK;
    if (!peer)
        peer = tier_peer_make(tier, greet->hello.prefix);
    for (struct base_link *at = tier->links.next; at != &tier->links;) {
        struct tier_link *other = BASE_OUTER(at, struct tier_link, all);
        at = at->next;
        if (other != link && other->peer == peer &&
            other->state != TIER_LINK_CLOSED) {
            tier_parent_happens(other, TIER_EVENT_NEWER,
                                &(struct tier_happened){0});
            at = tier->links.next; /* the list may have changed */
        }
    }
    link->peer = peer;
    if (verdict->first)
        err = tier_greet_base(peer, greet);
    else
        err = tier_greet_meet(peer, greet, &behind);
    if (err == ERR_FENCED) {
        struct parent_verdict no = parent_refuse(
            WIRE_FRAME_FENCED, "its log and ours have parted: restored");
        parent_no(link, peer, &no);
    } else if (err != ERR_OK) {
        tier_link_close(link, WIRE_FRAME_BUSY, 0, base_err_text(err));
    } else {
        if (behind || (verdict->resync && !verdict->first))
            tier_alert_raise(tier, behind ? "child_restored" : "restored",
                             "child=%s", peer->prefix);
        else if (verdict->first && !verdict->fresh)
            base_log_say(tier->config.log, BASE_LOG_INFO, "tier",
                         "first_contact_again", "child=%s", peer->prefix);
        link->resync = verdict->first || behind;
        parent_offer(link, peer, verdict, greet);
    }
}

static void
parent_hello(struct tier_link *link, const struct tier_happened *what)
{
    struct tier *tier = link->tier;
    struct tier_greet *greet = base_mem_new(sizeof *greet);
    enum err err = tier_greet_read(what->body, greet);
    if (err != ERR_OK) {
        tier_link_bad(link, "HELLO");
    } else {
        struct tier_peer *peer = tier_peer_find(tier, greet->hello.prefix);
        struct parent_verdict verdict = parent_judge(link, &greet->hello);
        if (verdict.code == 0 && peer &&
            peer->held_until_ms > tier_inner_now(tier))
            verdict =
                parent_refuse(WIRE_FRAME_BAD, "held: too many bad frames");
        if (verdict.code == 0)
            verdict = parent_lineage(peer && peer->known ? peer : NULL,
                                     &greet->hello, &link->wire->facts);
        if (verdict.code == 0)
            parent_accept(link, peer, &verdict, greet);
        else
            parent_no(link, peer, &verdict);
    }
    base_mem_free(greet);
}

static void
parent_welcome(struct tier_link *link, const struct tier_happened *what)
{
    if (what->err != ERR_OK) {
        tier_link_close(link, WIRE_FRAME_BUSY, 0, "cannot store the lineage");
        return;
    }
    link->state = TIER_LINK_OFFERED;
    base_loop_timer(link->tier->config.loop, &link->timer, TIER_HANDSHAKE_MS);
    tier_send_frame(link, WIRE_FRAME_WELCOME, 0, 0, 0, what->body);
}

static void
parent_ready(struct tier_link *link, const struct tier_happened *what)
{
    uint64_t lineage;
    struct tier_peer *peer = link->peer;
    if (wire_frame_body_numbers_read(what->body, &lineage, 1) != ERR_OK ||
        lineage != link->lineage) {
        tier_link_bad(link, "READY with another lineage");
        return;
    }
    peer->confirmed = lineage;
    /* If this is lost with a crash, the lineage is still known as offered. */
    if (tier_peer_save(link->tier, peer, NULL) != ERR_OK) {
        tier_link_close(link, WIRE_FRAME_BUSY, 0, "cannot store the lineage");
        return;
    }
    tier_send_start(link);
    tier_link_up(link);
}

/* clang-format off */
#define IGN parent_ignore
static parent_step *const parent_table[TIER_LINK_STATES][TIER_EVENTS] = {
  /*                  TIMER         OPEN         HELLO         WELCOME     STORED
     READY         REFUSE      DRAIN           BAD         LOST
     NEWER         CUT         AGAIN  RETRY  STOP */
  [TIER_LINK_NEW] =     {IGN,       parent_open, IGN,          IGN,        IGN,
     IGN,          IGN,        IGN,            IGN,        parent_close,
     parent_newer, parent_cut, IGN,   IGN,   parent_stop},
  [TIER_LINK_SHAKING] = {parent_close, IGN,      parent_hello, parent_bad, IGN,
     parent_bad,   parent_bad, parent_drained, parent_bad, parent_close,
     parent_newer, parent_cut, IGN,   IGN,   parent_stop},
  [TIER_LINK_STORING] = {parent_close, IGN,      parent_bad,   parent_bad, parent_welcome,
     parent_bad,   parent_bad, parent_drained, parent_bad, parent_close,
     parent_newer, parent_cut, IGN,   IGN,   parent_stop},
  [TIER_LINK_OFFERED] = {parent_close, IGN,      parent_bad,   parent_bad, IGN,
     parent_ready, parent_close, parent_drained, parent_bad, parent_close,
     parent_newer, parent_cut, IGN,   IGN,   parent_stop},
  [TIER_LINK_UP] =      {IGN,       IGN,         parent_bad,   parent_bad, IGN,
     parent_bad,   parent_close, parent_drained, parent_bad, parent_close,
     parent_newer, parent_cut, IGN,   IGN,   parent_stop},
  [TIER_LINK_CLOSED] =  {IGN,       IGN,         IGN,          IGN,        IGN,
     IGN,          IGN,        IGN,            IGN,        IGN,
     IGN,          IGN,        IGN,   IGN,   IGN},
};
#undef IGN
/* clang-format on */

void
tier_parent_happens(struct tier_link *link, enum tier_event event,
                    const struct tier_happened *what)
{
    must(link->state < TIER_LINK_STATES && event < TIER_EVENTS);
    parent_table[link->state][event](link, what);
}
