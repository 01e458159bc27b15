/* handle_door.c -- making, ending, and a turn each second. */
#include "door/handle/handle_door.h"

#include "base/base_mem.h"
#include "door/handle/handle_inner.h"

enum { DOOR_RATE = 1 << 20, DOOR_BURST = 4 << 20, DOOR_TRIES = 16 };

static void
door_tick(struct base_timer *timer)
{
    struct handle_door *door = BASE_OUTER(timer, struct handle_door, tick);
    const struct handle_parts_count *counts = handle_parts_counts(door->parts);
    handle_parts_tick(door->parts, base_loop_mono(door->config.loop).ms);
    handle_stat_drop(&door->stat, HANDLE_DROP_LATE,
                     (int64_t)(counts->late - door->late));
    handle_stat_drop(&door->stat, HANDLE_DROP_CROWDED,
                     (int64_t)(counts->crowded - door->crowded));
    door->late = counts->late;
    door->crowded = counts->crowded;
    door->signatures = HANDLE_SIGNATURES;
    handle_own_tick(door);
    base_loop_timer(door->config.loop, &door->tick, HANDLE_TICK_MS);
}

static enum err
door_free_peers(struct handle_door *door, struct base_note *note)
{
    for (unsigned i = 0; i < door->config.free_count; i++) {
        if (i == HANDLE_DOOR_FREE)
            return base_err_note(note, ERR_LIMIT, "more than %d free peers",
                                 HANDLE_DOOR_FREE);
        const char *text = door->config.free_peers[i];
        if (net_udp_peer(text, 0, &door->free_peers[i]) != ERR_OK)
            return base_err_note(note, ERR_NAME,
                                 "%s is not a numeric address of a free peer",
                                 text);
        door->free_count++;
    }
    return ERR_OK;
}

static void
door_defaults(struct handle_door_config *config)
{
    if (config->requests == 0)
        config->requests = HANDLE_DOOR_REQUESTS;
    if (config->connections == 0)
        config->connections = HANDLE_DOOR_CONNECTIONS;
    if (config->rate_bytes == 0)
        config->rate_bytes = DOOR_RATE;
    if (config->burst_bytes == 0)
        config->burst_bytes = DOOR_BURST;
}

/* UDP and TCP on one port.  Of "any port", UDP's may be taken for TCP. */
static enum err
door_open(struct handle_door *door, struct base_note *note)
{
    enum err err = ERR_EXISTS;
    for (unsigned i = 0; i < DOOR_TRIES && err == ERR_EXISTS; i++) {
        net_udp_shut(door->udp);
        door->udp = NULL;
        err = handle_udp_open(door, note);
        if (err == ERR_OK)
            err = handle_tcp_open(door, note);
        if (door->config.port != 0)
            break;
    }
    return err;
}

enum err
handle_door_new(const struct handle_door_config *config,
                struct handle_door **ret_door, struct base_note *note)
{
    struct handle_door *door = base_mem_zero(sizeof *door);
    door->config = *config;
    door_defaults(&door->config);
    base_list_init(&door->requests);
    handle_stat_init(&door->stat, config->stats);
    door->buckets =
        handle_bucket_new(door->config.rate_bytes, door->config.burst_bytes,
                          base_rng_u64(config->random));
    door->parts = handle_parts_new(base_rng_u64(config->random));
    door->signatures = HANDLE_SIGNATURES;
    door->tick.fn = door_tick;
    handle_own_init(door);
    enum err err = door_free_peers(door, note);
    if (err == ERR_OK)
        err = door_open(door, note);
    if (err != ERR_OK) {
        handle_door_shut(door);
        handle_door_free(door);
        return err;
    }
    base_loop_timer(config->loop, &door->tick, HANDLE_TICK_MS);
    handle_own_tick(door);
    *ret_door = door;
    return ERR_OK;
}

void
handle_door_shut(struct handle_door *door)
{
    base_loop_timer_clear(door->config.loop, &door->tick);
    net_udp_shut(door->udp);
    door->udp = NULL;
    if (door->listener)
        net_listener_shut(door->listener, NULL);
}

void
handle_door_free(struct handle_door *door)
{
    while (!base_list_empty(&door->requests))
        handle_request_free(
            BASE_OUTER(door->requests.next, struct handle_request, link));
    handle_own_done(door);
    handle_bucket_free(door->buckets);
    handle_parts_free(door->parts);
    handle_stat_done(&door->stat);
    base_mem_free(door);
}

uint16_t
handle_door_port(const struct handle_door *door)
{
    return net_udp_port(door->udp);
}
