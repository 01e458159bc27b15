/* sim_toy.c -- see sim_toy.h. */
#include "sim_toy.h"

#include <stdio.h>

#include "base/base_cur.h"
#include "base/base_mem.h"
#include "base/base_must.h"

enum {
    TOY_TICK_MS = 100,
    TOY_PER_BODY = 8,
    TOY_ENTRY = 18,
    TOY_PAD = 60000, /* so that bodies take several frames */
    TOY_BODY = TOY_PER_BODY * TOY_ENTRY + 2 + TOY_PAD,
    TOY_COUNTS = STORE_TABLE_ID, /* in the ident environment */
    TOY_MAP = STORE_TABLE_UNIT,  /* in the rollup environment */
    TOY_DIRTY = STORE_TABLE_DIRTY,
    TOY_ASKS = 8,
};

struct toy_flight {
    uint64_t seq;
    unsigned count;
    uint16_t keys[TOY_PER_BODY];
    uint64_t revisions[TOY_PER_BODY];
};

struct toy_ask {
    struct model_ask ask;
    struct toy *toy;
    uint64_t number;
    bool busy;
};

struct toy {
    struct sim_node *node;
    struct model_port *port;
    struct store_kv *names, *figures;
    struct sim_toy_count *count;
    struct base_timer tick;
    struct toy_flight flights[4];
    unsigned flight_count;
    struct toy_ask asks[TOY_ASKS];
};

/* --- small rows --- */

static struct bytes
toy_name(char *room, size_t size, const char *what, unsigned road,
         struct bytes whose)
{
    int n = snprintf(room, size, "%s %u %.*s", what, road, (int)whose.size,
                     (const char *)whose.at);
    return base_bytes(room, (size_t)n);
}

static uint64_t
toy_get(struct store_kv *kv, uint16_t table, struct bytes key)
{
    struct bytes value;
    struct base_cur cur;
    if (store_kv_get(store_kv_now(kv), table, key, &value) != ERR_OK)
        return 0;
    base_cur_init(&cur, value);
    return base_cur_u64le(&cur);
}

static void
toy_put(struct store_kv_batch *batch, uint16_t table, struct bytes key,
        uint64_t number, uint64_t more)
{
    uint8_t room[16];
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    base_out_u64le(&out, number);
    base_out_u64le(&out, more);
    store_kv_put(batch, table, key, base_out_bytes(&out));
}

/* --- log --- */

static void
toy_post(struct toy *toy, enum sim_toy_road road, struct bytes to)
{
    char room[160];
    uint8_t body[8];
    struct base_out out;
    struct bytes key = toy_name(room, sizeof room, "posted", road, to);
    struct store_kv_batch *batch = store_kv_batch_new(toy->names);
    uint64_t number = toy_get(toy->names, TOY_COUNTS, key);
    unsigned count = 1 + (unsigned)base_rng_below(&toy->node->rng, 3);
    enum err err = ERR_OK;
    for (unsigned i = 0; i < count && err == ERR_OK; i++) {
        base_out_fixed(&out, body, sizeof body);
        base_out_u64le(&out, ++number);
        err = toy->port->ops->post(toy->port, MODEL_CHANNEL_NAMES,
                                   road == SIM_TOY_UP ? MODEL_KIND_NAMES_PREFIX
                                                      : MODEL_KIND_NAMES_UNIT,
                                   to, base_out_bytes(&out), batch);
    }
    toy_put(batch, TOY_COUNTS, key, number, 0);
    /* A batch dropped now and then: its posts never were. */
    if (err != ERR_OK || base_rng_below(&toy->node->rng, 50) == 0)
        store_kv_batch_free(batch);
    else
        store_kv_commit(toy->names, batch, NULL, NULL);
}

static enum model_took
toy_take(struct toy *toy, enum sim_toy_road road, struct store_kv *kv,
         const struct model_message *message, struct store_kv_batch *batch)
{
    char room[160];
    struct base_cur cur;
    struct bytes key =
        toy_name(room, sizeof room, "taken", road, message->from);
    uint64_t last = toy_get(kv, TOY_COUNTS, key);
    base_cur_init(&cur, message->body);
    uint64_t number = base_cur_u64le(&cur);
    if (!base_cur_ok(&cur) || number <= last)
        toy->count->wrong++;
    if (base_rng_below(&toy->node->rng, 30) == 0)
        return MODEL_TOOK_AGAIN;
    toy->count->skipped += number - last - 1;
    toy_put(batch, TOY_COUNTS, key, number, 0);
    return MODEL_TOOK_OK;
}

static enum model_took
toy_take_up(void *engine, const struct model_message *message,
            struct store_kv_batch *batch, enum err *ret_code)
{
    struct toy *toy = engine;
    (void)ret_code;
    return toy_take(toy, SIM_TOY_UP, toy->names, message, batch);
}

static enum model_took
toy_take_unit(void *engine, const struct model_message *message,
              struct store_kv_batch *batch, enum err *ret_code)
{
    struct toy *toy = engine;
    enum sim_toy_road road = SIM_TOY_SIDE;
    (void)ret_code;
    if (base_bytes_is(message->from, toy->node->prefix))
        road = SIM_TOY_LOCAL;
    else if (base_bytes_is(message->from, toy->node->parent))
        road = SIM_TOY_DOWN;
    return toy_take(toy, road, toy->figures, message, batch);
}

/* --- state --- */

static struct bytes
toy_key(uint8_t room[2], uint16_t key)
{
    room[0] = (uint8_t)(key >> 8);
    room[1] = (uint8_t)key;
    return base_bytes(room, 2);
}

static void
toy_change(struct toy *toy)
{
    uint8_t room[2];
    uint16_t at = (uint16_t)base_rng_below(&toy->node->rng, SIM_TOY_KEYS);
    struct bytes key = toy_key(room, at);
    struct store_kv_batch *batch = store_kv_batch_new(toy->figures);
    toy_put(batch, TOY_MAP, key, toy_get(toy->figures, TOY_MAP, key) + 1,
            base_rng_next(&toy->node->rng));
    toy_put(batch, TOY_DIRTY, key, 1, 0);
    if (store_kv_commit(toy->figures, batch, NULL, NULL) == ERR_OK)
        toy->port->ops->dirty(toy->port, MODEL_CHANNEL_FIGURE,
                              base_bytes(NULL, 0));
}

static bool
toy_flies(const struct toy *toy, uint16_t key)
{
    for (unsigned i = 0; i < toy->flight_count; i++)
        for (unsigned k = 0; k < toy->flights[i].count; k++)
            if (toy->flights[i].keys[k] == key)
                return true;
    return false;
}

static void
toy_fill(struct toy *toy, struct toy_flight *flight, struct base_out *out)
{
    for (uint16_t i = 0; i < SIM_TOY_KEYS && flight->count < TOY_PER_BODY;
         i++) {
        uint8_t room[2];
        struct bytes key = toy_key(room, i), value;
        if (toy_get(toy->figures, TOY_DIRTY, key) == 0 || toy_flies(toy, i) ||
            store_kv_get(store_kv_now(toy->figures), TOY_MAP, key, &value) !=
                ERR_OK)
            continue;
        flight->keys[flight->count] = i;
        flight->revisions[flight->count++] =
            toy_get(toy->figures, TOY_MAP, key);
        base_out_u16le(out, i);
        base_out_bytes_add(out, value);
    }
}

static enum err
toy_next(void *engine, struct bytes to, struct base_arena *arena,
         struct bytes *ret_body, uint64_t *ret_seq)
{
    struct toy *toy = engine;
    struct base_out out;
    struct toy_flight flight = {0};
    struct bytes name = base_bytes_text("seq");
    must(to.size == 0 && toy->flight_count < BASE_COUNT(toy->flights));
    uint8_t *room = base_arena_alloc(arena, TOY_BODY);
    base_out_fixed(&out, room, TOY_BODY);
    base_out_u16le(&out, 0);
    toy_fill(toy, &flight, &out);
    if (flight.count == 0)
        return ERR_ABSENT;
    room[0] = (uint8_t)flight.count;
    if (base_rng_below(&toy->node->rng, 4) == 0)
        base_out_space(&out, base_rng_below(&toy->node->rng, TOY_PAD));
    struct store_kv_batch *batch = store_kv_batch_new(toy->figures);
    flight.seq = toy_get(toy->figures, STORE_TABLE_FOLDED, name) + 1;
    toy_put(batch, STORE_TABLE_FOLDED, name, flight.seq, 0);
    enum err err = store_kv_commit(toy->figures, batch, NULL, NULL);
    if (err != ERR_OK)
        return err;
    toy->flights[toy->flight_count++] = flight;
    *ret_body = base_out_bytes(&out);
    *ret_seq = flight.seq;
    return ERR_OK;
}

static void
toy_acked(void *engine, struct bytes to, uint64_t seq, struct bytes ack)
{
    struct toy *toy = engine;
    unsigned i = 0;
    (void)to;
    must(base_bytes_is(ack, "taken"));
    while (i < toy->flight_count && toy->flights[i].seq != seq)
        i++;
    if (i == toy->flight_count)
        return;
    struct toy_flight flight = toy->flights[i];
    toy->flights[i] = toy->flights[--toy->flight_count];
    struct store_kv_batch *batch = store_kv_batch_new(toy->figures);
    for (unsigned k = 0; k < flight.count; k++) {
        uint8_t room[2];
        struct bytes key = toy_key(room, flight.keys[k]);
        if (toy_get(toy->figures, TOY_MAP, key) == flight.revisions[k])
            store_kv_del(batch, TOY_DIRTY, key);
    }
    store_kv_commit(toy->figures, batch, NULL, NULL);
    toy->port->ops->dirty(toy->port, MODEL_CHANNEL_FIGURE, base_bytes(NULL, 0));
}

static void
toy_linked(void *engine, struct bytes to, bool resync)
{
    struct toy *toy = engine;
    (void)to;
    toy->flight_count = 0;
    if (!resync)
        return;
    struct store_kv_batch *batch = store_kv_batch_new(toy->figures);
    for (uint16_t i = 0; i < SIM_TOY_KEYS; i++) {
        uint8_t room[2];
        if (toy_get(toy->figures, TOY_MAP, toy_key(room, i)) > 0)
            toy_put(batch, TOY_DIRTY, toy_key(room, i), 1, 0);
    }
    store_kv_commit(toy->figures, batch, NULL, NULL);
}

static void
toy_take_state(void *engine, const struct model_message *message,
               struct model_answer *answer)
{
    struct toy *toy = engine;
    struct base_cur cur;
    struct store_kv_batch *batch = store_kv_batch_new(toy->figures);
    base_cur_init(&cur, message->body);
    for (unsigned left = base_cur_u16le(&cur); left > 0; left--) {
        char room[160];
        unsigned key = base_cur_u16le(&cur);
        uint64_t revision = base_cur_u64le(&cur), value = base_cur_u64le(&cur);
        struct bytes name =
            toy_name(room, sizeof room, "copy", key, message->from);
        if (revision > toy_get(toy->figures, TOY_COUNTS, name))
            toy_put(batch, TOY_COUNTS, name, revision, value);
    }
    enum err err = cur.failed;
    if (base_rng_below(&toy->node->rng, 20) == 0 || err != ERR_OK) {
        store_kv_batch_free(batch);
        err = ERR_BUSY;
    } else {
        err = store_kv_commit(toy->figures, batch, NULL, NULL);
    }
    answer->answer(answer, err, base_bytes_text("taken"));
}

/* --- call --- */

static void
toy_echo(void *engine, const struct model_message *message,
         struct model_answer *answer)
{
    struct toy *toy = engine;
    toy->count->echoed++;
    answer->answer(answer, ERR_OK, message->body);
}

static void
toy_done(struct model_ask *ask, enum err err, struct bytes body)
{
    struct toy_ask *mine = BASE_OUTER(ask, struct toy_ask, ask);
    struct sim_toy_count *count = mine->toy->count;
    struct base_cur cur;
    if (!mine->busy)
        count->doubled++;
    mine->busy = false;
    base_cur_init(&cur, body);
    if (err == ERR_OK && base_cur_u64le(&cur) != mine->number)
        count->wrong++;
    if (err == ERR_OK)
        count->answered++;
}

static void
toy_ask(struct toy *toy)
{
    static const char *const everyone[] = {"88",   "88.1",   "88.2", "88.3",
                                           "88.9", "88.1.5", "77",   ""};
    struct toy_ask *mine = NULL;
    uint8_t body[8];
    struct base_out out;
    for (unsigned i = 0; i < TOY_ASKS; i++)
        if (!toy->asks[i].busy)
            mine = &toy->asks[i];
    if (!mine)
        return;
    *mine = (struct toy_ask){.ask.done = toy_done, .toy = toy, .busy = true};
    mine->number = base_rng_next(&toy->node->rng);
    base_out_fixed(&out, body, sizeof body);
    base_out_u64le(&out, mine->number);
    toy->count->asked++;
    toy->port->ops->ask(
        toy->port, MODEL_CHANNEL_DATA_CALL, MODEL_KIND_DATA_CALL_QUERY,
        base_bytes_text(
            everyone[base_rng_below(&toy->node->rng, BASE_COUNT(everyone))]),
        base_out_bytes(&out), 3000, &mine->ask);
    if (base_rng_below(&toy->node->rng, 20) == 0 && mine->busy) {
        toy->port->ops->forget(toy->port, &mine->ask);
        mine->busy = false;
    }
}

/* --- life --- */

static void
toy_post_down(void *self, struct bytes prefix, bool up)
{
    struct toy *toy = self;
    (void)up;
    if (base_rng_below(&toy->node->rng, 3) == 0)
        toy_post(toy, SIM_TOY_DOWN, prefix);
}

static void
toy_tick(struct base_timer *timer)
{
    struct toy *toy = BASE_OUTER(timer, struct toy, tick);
    if (toy->node->world->calm)
        return;
    base_loop_timer(&toy->node->loop.base, timer,
                    1 + (int64_t)base_rng_below(&toy->node->rng, TOY_TICK_MS));
    switch (base_rng_below(&toy->node->rng, 6)) {
    case 0:
        toy_post(toy, SIM_TOY_UP, base_bytes(NULL, 0));
        break;
    case 1:
        toy_post(toy, SIM_TOY_LOCAL, toy->port->own);
        break;
    case 2:
        toy_change(toy);
        break;
    case 3:
        toy_ask(toy);
        break;
    case 4:
        if (*toy->node->parent && strcmp(toy->node->prefix, "88.2") != 0)
            toy_post(toy, SIM_TOY_SIDE, base_bytes_text("88.2"));
        break;
    default:
        toy->port->ops->children(toy->port, toy_post_down, toy);
    }
}

static bool
toy_build(struct sim_node *node)
{
    struct toy *toy = base_mem_zero(sizeof *toy);
    node->engines = toy;
    toy->node = node;
    toy->port = tier_port(node->tier);
    toy->count = node->user;
    toy->names = node->kvs[STORE_JOURNAL_IDENT];
    toy->figures = node->kvs[STORE_JOURNAL_ROLLUP];
    toy->tick.fn = toy_tick;
    tier_add_log(node->tier, &(struct model_log_row){
                                 .channel = MODEL_CHANNEL_NAMES,
                                 .kind = MODEL_KIND_NAMES_PREFIX,
                                 .max = 64,
                                 .kv = toy->names,
                                 .take = toy_take_up,
                                 .engine = toy,
                             });
    tier_add_log(node->tier, &(struct model_log_row){
                                 .channel = MODEL_CHANNEL_NAMES,
                                 .kind = MODEL_KIND_NAMES_UNIT,
                                 .max = 64,
                                 .kv = toy->figures,
                                 .take = toy_take_unit,
                                 .engine = toy,
                             });
    tier_add_state(node->tier, &(struct model_state_row){
                                   .channel = MODEL_CHANNEL_FIGURE,
                                   .kind = MODEL_KIND_FIGURE_BATCH,
                                   .max = TOY_BODY,
                                   .kv = toy->figures,
                                   .next = toy_next,
                                   .acked = toy_acked,
                                   .linked = toy_linked,
                                   .take = toy_take_state,
                                   .engine = toy,
                               });
    tier_add_call(node->tier, &(struct model_call_row){
                                  .channel = MODEL_CHANNEL_DATA_CALL,
                                  .kind = MODEL_KIND_DATA_CALL_QUERY,
                                  .max = 64,
                                  .take = toy_echo,
                                  .engine = toy,
                              });
    return true;
}

static void
toy_started(struct sim_node *node)
{
    struct toy *toy = node->engines;
    base_loop_timer(&node->loop.base, &toy->tick, TOY_TICK_MS);
}

static void
toy_drop(struct sim_node *node)
{
    base_mem_free(node->engines);
}

static void
toy_logged(struct sim_node *node, const char *event)
{
    struct sim_toy_count *count = node->user;
    if (strcmp(event, "gap") == 0)
        count->gaps++;
    if (strcmp(event, "fenced") == 0)
        count->fenced++;
    if (strstr(event, "restored"))
        count->restored++;
}

const struct sim_node_ops sim_toy_ops = {
    .build = toy_build,
    .started = toy_started,
    .drop = toy_drop,
    .logged = toy_logged,
};

/* --- for tests --- */

uint64_t
sim_toy_posted(struct sim_node *from, enum sim_toy_road road, const char *to)
{
    char room[160];
    const struct toy *toy = from->engines;
    return toy_get(
        toy->names, TOY_COUNTS,
        toy_name(room, sizeof room, "posted", road, base_bytes_text(to)));
}

uint64_t
sim_toy_taken(struct sim_node *at, enum sim_toy_road road, const char *from)
{
    char room[160];
    const struct toy *toy = at->engines;
    return toy_get(
        road == SIM_TOY_UP ? toy->names : toy->figures, TOY_COUNTS,
        toy_name(room, sizeof room, "taken", road, base_bytes_text(from)));
}

bool
sim_toy_equal(struct sim_node *parent, struct sim_node *child)
{
    const struct toy *above = parent->engines, *below = child->engines;
    for (uint16_t i = 0; i < SIM_TOY_KEYS; i++) {
        char room[160];
        uint8_t key[2];
        struct bytes mine = {0}, copy = {0};
        store_kv_get(store_kv_now(below->figures), TOY_MAP, toy_key(key, i),
                     &mine);
        store_kv_get(store_kv_now(above->figures), TOY_COUNTS,
                     toy_name(room, sizeof room, "copy", i,
                              base_bytes_text(child->prefix)),
                     &copy);
        if (!base_bytes_equal(mine, copy))
            return false;
    }
    return true;
}
