/* sim_wire.c -- see sim_wire.h. */
#include "sim_wire.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "sim_node.h"
#include "wire/frame/wire_frame.h"

enum {
    WIRE_DELAY_MS = 20000,
    WIRE_AGAIN = 32,
    WIRE_STALL_MS = 30000,
    WIRE_SMALL = 1024
};

struct wire_end;

/* Bytes on their way to one end. */
struct wire_chunk {
    struct base_link link;
    size_t size;
    int64_t due_ms;
    bool last; /* then the connection ends */
    bool half; /* a later part of a frame or message: nothing goes before it */
    uint8_t data[];
};

struct wire_end {
    struct tier_wire wire;
    struct base_link all;       /* of its port */
    struct sim_wire_port *port; /* NULL: its node is gone */
    struct wire_end *other;     /* NULL: gone for good */
    struct sim_world *world;
    struct base_link coming;
    struct base_timer timer; /* of the first of coming, or of the opening */
    int64_t not_before_ms;   /* stalled until */
    size_t unsent;           /* bytes this end has sent that have not arrived */
    bool open, shut, deaf;   /* deaf: what comes is lost */
    bool full;
    struct wire_chunk *again; /* a copy that comes after so many more */
    uint64_t again_after;
    char endpoint[128];
    uint8_t *kept; /* not a whole frame yet */
    size_t kept_size;
};

static void end_free(struct wire_end *end);

static void
end_chunks_done(struct wire_end *end)
{
    struct base_link *at;
    while ((at = base_list_take(&end->coming)) != NULL)
        base_mem_free(BASE_OUTER(at, struct wire_chunk, link));
}

/* This end is no more; the other may live on without hearing of it. */
static void
end_free(struct wire_end *end)
{
    if (end->other)
        end->other->other = NULL;
    base_loop_timer_clear(&end->world->wires.base, &end->timer);
    end_chunks_done(end);
    base_mem_free(end->again);
    base_list_remove(&end->all);
    base_mem_free(end->kept);
    base_mem_free(end);
}

static void
end_schedule(struct wire_end *end, int64_t at_ms)
{
    if (at_ms < end->not_before_ms)
        at_ms = end->not_before_ms;
    base_loop_timer(&end->world->wires.base, &end->timer,
                    at_ms - end->world->now_ms);
}

static struct wire_chunk *
end_first(const struct wire_end *end)
{
    return base_list_empty(&end->coming)
               ? NULL
               : BASE_OUTER(end->coming.next, struct wire_chunk, link);
}

static int64_t
end_delay(struct sim_world *world)
{
    int64_t ms =
        (int64_t)base_rng_below(&world->rng, world->plan.delay_max_ms + 1);
    if (sim_world_hits(world, SIM_FAULT_DELAY))
        ms += (int64_t)base_rng_below(&world->rng, WIRE_DELAY_MS);
    return ms;
}

/* --- sending --- */

static void
end_add(struct wire_end *to, struct bytes data, bool last, bool front)
{
    struct wire_chunk *chunk = base_mem_new(sizeof *chunk + data.size);
    *chunk = (struct wire_chunk){.size = data.size, .last = last};
    memcpy(chunk->data, data.at, data.size);
    struct wire_chunk *before =
        end_first(to) ? BASE_OUTER(to->coming.prev, struct wire_chunk, link)
                      : NULL;
    chunk->due_ms = to->world->now_ms + end_delay(to->world);
    if (before && chunk->due_ms < before->due_ms)
        chunk->due_ms = before->due_ms; /* in order */
    if (before && front && !before->half) {
        base_list_add(to->coming.prev, &chunk->link);
        chunk->due_ms = before->due_ms;
    } else {
        base_list_add(&to->coming, &chunk->link);
    }
    if (!before)
        end_schedule(to, chunk->due_ms);
    if (to->other)
        to->other->unsent += data.size;
}

/* A whole message in one small frame, once the greeting is over?  (A large one
 * twice may be more than its credit, and ends the link as BAD: rightly.) */
static bool
frame_is_whole(const struct wire_frame *frame)
{
    unsigned whole = WIRE_FRAME_FIRST | WIRE_FRAME_LAST;
    if (frame->type == WIRE_FRAME_DATA)
        return (frame->flags & whole) == whole &&
               frame->body.size <= WIRE_SMALL;
    return frame->type > WIRE_FRAME_DATA;
}

static bool
frame_corrupt(struct sim_world *world, const struct wire_frame *frame,
              uint8_t *data)
{
    struct wire_frame_message message;
    if (frame->type != WIRE_FRAME_DATA || !(frame->flags & WIRE_FRAME_FIRST) ||
        wire_frame_message_read(frame->body, &message) != ERR_OK ||
        message.body.size == 0)
        return false;
    size_t at = (size_t)(message.body.at - frame->body.at) + WIRE_FRAME_HEAD;
    at += base_rng_below(&world->rng, message.body.size);
    data[at] ^= (uint8_t)(1 + base_rng_below(&world->rng, 255));
    return true;
}

/* A second time: at once, or after the next few. */
static void
end_send_again(struct wire_end *to, struct bytes data)
{
    struct sim_world *world = to->world;
    if (to->again || base_rng_below(&world->rng, 2)) {
        end_add(to, data, false, false);
        return;
    }
    to->again = base_mem_new(sizeof *to->again + data.size);
    to->again->size = data.size;
    memcpy(to->again->data, data.at, data.size);
    to->again_after = base_rng_below(&world->rng, WIRE_AGAIN);
}

static void
end_send_late(struct wire_end *to)
{
    struct wire_chunk *again = to->again;
    if (!again || to->again_after-- > 0)
        return;
    to->again = NULL;
    end_add(to, base_bytes(again->data, again->size), false, false);
    base_mem_free(again);
}

static void
end_send_whole(struct wire_end *to, const struct wire_frame *frame,
               struct bytes data)
{
    struct sim_world *world = to->world;
    end_send_late(to);
    if (sim_world_hits(world, SIM_FAULT_DROP))
        return;
    if (sim_world_hits(world, SIM_FAULT_CORRUPT)) {
        uint8_t *copy = base_mem_copy(data.at, data.size);
        if (!frame_corrupt(world, frame, copy))
            world->hit[SIM_FAULT_CORRUPT]--;
        end_add(to, base_bytes(copy, data.size), false, false);
        base_mem_free(copy);
        return;
    }
    end_add(to, data, false, sim_world_hits(world, SIM_FAULT_REORDER));
    if (sim_world_hits(world, SIM_FAULT_DUPLICATE))
        end_send_again(to, data);
}

static void
wire_send(struct tier_wire *wire, struct bytes data)
{
    struct wire_end *end = BASE_OUTER(wire, struct wire_end, wire);
    struct wire_end *to = end->other;
    struct sim_world *world = end->world;
    struct wire_frame frame;
    size_t size;
    if (!to || end->shut || to->deaf)
        return;
    must(wire_frame_read(data, &frame, &size) == ERR_OK && size == data.size);
    if (sim_world_hits(world, SIM_FAULT_ONE_WAY)) {
        to->deaf = true;
        return;
    }
    if (sim_world_hits(world, SIM_FAULT_CUT)) {
        end_add(to, base_bytes(data.at, base_rng_below(&world->rng, size)),
                true, false);
        end_add(end, base_bytes("", 0), true, false);
        return;
    }
    if (sim_world_hits(world, SIM_FAULT_STALL)) {
        to->not_before_ms =
            world->now_ms + (int64_t)base_rng_below(&world->rng, WIRE_STALL_MS);
        if (end_first(to))
            end_schedule(to, end_first(to)->due_ms);
    }
    if (sim_world_hits(world, SIM_FAULT_SPLIT)) {
        size_t at = base_rng_below(&world->rng, size);
        end_add(to, base_bytes(data.at, at), false, false);
        end_add(to, base_bytes(data.at + at, size - at), false, false);
        BASE_OUTER(to->coming.prev, struct wire_chunk, link)->half = true;
    } else if (frame_is_whole(&frame)) {
        end_send_whole(to, &frame, data);
    } else {
        end_add(to, data, false, false);
        BASE_OUTER(to->coming.prev, struct wire_chunk, link)->half =
            !(frame.flags & WIRE_FRAME_FIRST);
    }
    if (end->unsent >= TIER_WIRE_HIGH)
        end->full = true;
}

static size_t
wire_waiting(const struct tier_wire *wire)
{
    return BASE_OUTER((struct tier_wire *)(uintptr_t)wire, struct wire_end,
                      wire)
        ->unsent;
}

static bool
wire_reached(const struct tier_wire *wire)
{
    return BASE_OUTER((struct tier_wire *)(uintptr_t)wire, struct wire_end,
                      wire)
        ->open;
}

static void
wire_shut(struct tier_wire *wire)
{
    struct wire_end *end = BASE_OUTER(wire, struct wire_end, wire);
    end->shut = true;
    if (end->other)
        end_add(end->other, base_bytes("", 0), true, false);
    end_free(end);
}

static const struct tier_wire_ops wire_ops = {
    .send = wire_send,
    .waiting = wire_waiting,
    .reached = wire_reached,
    .shut = wire_shut,
};

/* --- arriving --- */

static void
end_closed(struct wire_end *end, const char *why)
{
    if (end->port && !end->shut)
        tier_wire_closed(&end->wire, why);
    end_free(end);
}

/* false: the end is gone. */
static bool
end_feed(struct wire_end *end, const struct wire_chunk *chunk)
{
    size_t size = end->kept_size + chunk->size;
    uint8_t *all = base_mem_new(size ? size : 1);
    if (end->kept_size)
        memcpy(all, end->kept, end->kept_size);
    memcpy(all + end->kept_size, chunk->data, chunk->size);
    base_mem_free(end->kept);
    end->kept = NULL;
    end->kept_size = 0;
    sim_world_fold(end->world, all, size);
    struct sim_wire_port *port = end->port;
    size_t used = tier_wire_feed(&end->wire, all, size);
    bool there = false; /* shut() may have freed it */
    for (struct base_link *at = port->ends.next; at != &port->ends;
         at = at->next)
        there |= at == &end->all;
    if (there && used < size) {
        must(size - used < WIRE_FRAME_MAX);
        end->kept = base_mem_copy(all + used, size - used);
        end->kept_size = size - used;
    }
    base_mem_free(all);
    return there;
}

static void
end_drain(struct wire_end *sender, size_t size)
{
    must(sender->unsent >= size);
    sender->unsent -= size;
    if (!sender->full || sender->unsent >= TIER_WIRE_LOW)
        return;
    sender->full = false;
    if (sender->open && !sender->shut && sender->port)
        tier_wire_drained(&sender->wire);
}

static void
end_arrive(struct base_timer *timer)
{
    struct wire_end *end = BASE_OUTER(timer, struct wire_end, timer);
    struct base_link *first = base_list_take(&end->coming);
    must(first != NULL);
    struct wire_chunk *chunk = BASE_OUTER(first, struct wire_chunk, link);
    bool last = chunk->last;
    if (end_first(end))
        end_schedule(end, end_first(end)->due_ms);
    if (end->other)
        end_drain(end->other, chunk->size);
    bool there = true;
    if (!end->deaf && chunk->size > 0)
        there = end_feed(end, chunk);
    base_mem_free(chunk);
    if (there && last && !end->deaf)
        end_closed(end, "the connection ended");
}

/* --- opening --- */

static struct wire_end *
end_new(struct sim_wire_port *port)
{
    struct wire_end *end = base_mem_zero(sizeof *end);
    end->wire.ops = &wire_ops;
    end->port = port;
    end->world = port->world;
    end->timer.fn = end_arrive;
    base_list_init(&end->coming);
    base_list_add(&port->ends, &end->all);
    return end;
}

static void
end_claim(struct wire_end *end, const struct sim_node *whose)
{
    struct tier_wire *wire = &end->wire;
    snprintf(wire->facts.prefix, sizeof wire->facts.prefix, "%s",
             whose->prefix);
    memset(wire->facts.pin, (int)whose->pin, sizeof wire->facts.pin);
    wire->judged = whose->judged;
    snprintf(wire->peer, sizeof wire->peer, "sim:%.40s", whose->prefix);
}

static void
end_connected(struct base_timer *timer)
{
    struct wire_end *end = BASE_OUTER(timer, struct wire_end, timer);
    struct sim_node *node =
        sim_node_find(end->world, end->endpoint + strlen("sim:"));
    if (!node || !node->tier) {
        end_closed(end, "nobody answers");
        return;
    }
    struct wire_end *to = end_new(&node->wire);
    end->other = to;
    to->other = end;
    end->open = to->open = true;
    end->timer.fn = end_arrive;
    end_claim(end, node);
    end_claim(to, end->port->node);
    tier_wire_accepted(node->tier, &to->wire);
    struct sim_wire_port *port = end->port;
    for (struct base_link *at = port->ends.next; at != &port->ends;
         at = at->next)
        if (at == &end->all) {
            tier_wire_open(&end->wire);
            return;
        }
}

static enum err
wire_dial(struct tier_transport *transport, struct tier *tier,
          const char *endpoint, struct tier_wire **ret_wire)
{
    struct sim_wire_port *port =
        BASE_OUTER(transport, struct sim_wire_port, transport);
    (void)tier;
    if (strncmp(endpoint, "sim:", 4) != 0)
        return ERR_NAME;
    struct wire_end *end = end_new(port);
    snprintf(end->endpoint, sizeof end->endpoint, "%s", endpoint);
    end->timer.fn = end_connected;
    end_schedule(end, port->world->now_ms + end_delay(port->world));
    *ret_wire = &end->wire;
    return ERR_OK;
}

void
sim_wire_init(struct sim_wire_port *port, struct sim_node *node)
{
    *port = (struct sim_wire_port){
        .transport.dial = wire_dial,
        .world = node->world,
        .node = node,
    };
    base_list_init(&port->ends);
}

void
sim_wire_crash(struct sim_wire_port *port, bool told)
{
    while (!base_list_empty(&port->ends)) {
        struct wire_end *end =
            BASE_OUTER(port->ends.next, struct wire_end, all);
        end->port = NULL;
        end->shut = true;
        if (end->other && told)
            end_add(end->other, base_bytes("", 0), true, false);
        end_free(end);
    }
}
