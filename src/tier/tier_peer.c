/* tier_peer.c -- the parent, this node itself, and every child that ever came.
 *
 * STORE_TABLE_PEER, in the node's environment:
 *   key    the child's prefix, folded
 *   value  0 1 version 1   1 4 number   5 16 store id   21 32 pin
 *          53 4 epoch   57 8 lineage confirmed   65 8 lineage offered
 *          73 8 first contact, ms   81 1 length   82 - prefix as spelled
 *          version 2: then 1 length and the key that it signs with
 *
 * STORE_TABLE_NODE, key "tier":
 *   value  0 1 version 1   1 4 epoch   5 4 next peer number   9 8 lineage
 *          17 16 the parent's store id   33 1 flags: 1 resync owed
 *          34 8 latest clock seen, ms
 *
 * All little-endian. */
#include "tier/tier_inner.h"

enum {
    PEER_VERSION = 2, /* 1 is read too */
    PEER_SELF_VERSION = 1,
    PEER_ROW_MAX = 320,
    PEER_LOAD = 10000
};

static struct bytes
peer_self_key(void)
{
    return base_bytes_text("tier");
}

static struct tier_peer *
peer_new(struct tier *tier, uint32_t no, struct bytes prefix)
{
    struct tier_peer *peer = base_mem_zero(sizeof *peer);
    peer->tier = tier;
    peer->no = no;
    peer->rtt_ms = peer->offset_ms = -1;
    base_bytes_string(prefix, peer->prefix, sizeof peer->prefix);
    return peer;
}

void
tier_peer_sign_key(struct tier_peer *peer, struct bytes key)
{
    must(key.size <= TIER_SIGN_KEY);
    if (key.size == 0)
        return; /* who has told one keeps it */
    memcpy(peer->sign_key, key.at, key.size);
    peer->sign_key_size = (uint8_t)key.size;
}

struct bytes
tier_child_key(struct tier *tier, struct bytes prefix)
{
    const struct tier_peer *peer = tier_peer_find(tier, prefix);
    return peer ? base_bytes(peer->sign_key, peer->sign_key_size)
                : (struct bytes){0};
}

static void
peer_enter(struct tier *tier, struct tier_peer *peer)
{
    uint8_t folded[MODEL_PREFIX_MAX];
    struct bytes prefix = tier_inner_prefix(peer);
    base_bytes_fold(prefix, folded);
    base_map_put(&tier->by_prefix, base_bytes(folded, prefix.size), peer);
    base_list_add(&tier->children, &peer->all);
}

static bool
peer_read(void *self, struct bytes key, struct bytes value)
{
    struct tier *tier = self;
    struct base_cur cur;
    (void)key;
    base_cur_init(&cur, value);
    uint8_t version = base_cur_u8(&cur);
    uint32_t no = base_cur_u32le(&cur);
    struct bytes store = base_cur_take(&cur, 16), pin = base_cur_take(&cur, 32);
    uint32_t epoch = base_cur_u32le(&cur);
    uint64_t confirmed = base_cur_u64le(&cur), offered = base_cur_u64le(&cur);
    int64_t first_ms = (int64_t)base_cur_u64le(&cur);
    struct bytes prefix = base_cur_take(&cur, base_cur_u8(&cur));
    struct bytes sign_key = {0};
    if (version == PEER_VERSION)
        sign_key = base_cur_take(&cur, base_cur_u8(&cur));
    if (!base_cur_ok(&cur) || version == 0 || version > PEER_VERSION ||
        sign_key.size > TIER_SIGN_KEY || no < TIER_PEER_CHILDREN ||
        prefix.size == 0 || prefix.size > MODEL_PREFIX_MAX)
        return true; /* told below: the next number is above it */
    struct tier_peer *peer = peer_new(tier, no, prefix);
    peer->known = true;
    memcpy(peer->store, store.at, sizeof peer->store);
    memcpy(peer->pin, pin.at, sizeof peer->pin);
    peer->epoch = epoch;
    peer->confirmed = confirmed;
    peer->offered = offered;
    peer->first_ms = first_ms;
    tier_peer_sign_key(peer, sign_key);
    peer_enter(tier, peer);
    return true;
}

static enum err
peer_load_self(struct tier *tier, struct base_note *note)
{
    struct tier_self *self = &tier->self;
    struct bytes value;
    *self = (struct tier_self){.epoch = 1, .next_peer = TIER_PEER_CHILDREN};
    enum err err = store_kv_get(store_kv_now(tier->config.kvs[0]),
                                STORE_TABLE_NODE, peer_self_key(), &value);
    if (err == ERR_ABSENT)
        return ERR_OK;
    if (err != ERR_OK)
        return base_err_note(note, err, "the node's own row cannot be read");
    struct base_cur cur;
    base_cur_init(&cur, value);
    uint8_t version = base_cur_u8(&cur);
    self->epoch = base_cur_u32le(&cur);
    self->next_peer = base_cur_u32le(&cur);
    self->lineage = base_cur_u64le(&cur);
    struct bytes store = base_cur_take(&cur, sizeof self->parent_store);
    self->resync = base_cur_u8(&cur) & 1;
    self->stored_ms = (int64_t)base_cur_u64le(&cur);
    if (!base_cur_ok(&cur) || version != PEER_SELF_VERSION)
        return base_err_note(note, ERR_CORRUPT,
                             "the node's own row is not one of version %d",
                             PEER_SELF_VERSION);
    memcpy(self->parent_store, store.at, sizeof self->parent_store);
    return ERR_OK;
}

enum err
tier_peer_load(struct tier *tier, struct base_note *note)
{
    enum err err = peer_load_self(tier, note);
    if (err != ERR_OK)
        return err;
    tier->local = peer_new(tier, TIER_PEER_SELF, tier->own);
    if (tier->above.size > 0)
        tier->parent = peer_new(tier, TIER_PEER_PARENT, tier->above);
    uint8_t room[480];
    struct base_out next;
    base_out_fixed(&next, room, sizeof room);
    do {
        uint8_t from[480];
        size_t size = next.size;
        memcpy(from, room, size);
        base_out_reset(&next);
        err = store_kv_scan(store_kv_now(tier->config.kvs[0]), STORE_TABLE_PEER,
                            base_bytes(NULL, 0), base_bytes(from, size),
                            PEER_LOAD, peer_read, tier, &next);
    } while (err == ERR_AGAIN);
    return err == ERR_OK || err == ERR_ABSENT
               ? ERR_OK
               : base_err_note(note, err, "the children cannot be read");
}

static void
peer_free(struct tier_peer *peer)
{
    if (!peer)
        return;
    for (unsigned i = 0; i < MODEL_CHANNELS; i++) {
        if (peer->logs[i])
            tier_log_free(peer->logs[i]);
        base_mem_free(peer->states[i]);
    }
    for (unsigned i = 0; i < TIER_REFUSALS; i++)
        base_mem_free(peer->refusals[i]);
    base_mem_free(peer->packs);
    base_mem_free(peer);
}

void
tier_peer_done(struct tier *tier)
{
    struct base_link *at;
    while ((at = base_list_take(&tier->children)) != NULL)
        peer_free(BASE_OUTER(at, struct tier_peer, all));
    peer_free(tier->parent);
    peer_free(tier->local);
    base_map_done(&tier->by_prefix);
}

struct tier_peer *
tier_peer_find(struct tier *tier, struct bytes prefix)
{
    uint8_t folded[MODEL_PREFIX_MAX];
    if (prefix.size == 0 || prefix.size > sizeof folded)
        return NULL;
    base_bytes_fold(prefix, folded);
    return base_map_get(&tier->by_prefix, base_bytes(folded, prefix.size));
}

struct tier_peer *
tier_peer_make(struct tier *tier, struct bytes prefix)
{
    struct tier_peer *peer = peer_new(tier, tier->self.next_peer++, prefix);
    peer->first_ms = base_loop_wall(tier->config.loop).ms;
    peer_enter(tier, peer);
    return peer;
}

/* The child that `to` is or lies below: ours and one label more. */
static struct tier_peer *
peer_below(struct tier *tier, struct bytes to)
{
    size_t size = tier->own.size + 1;
    while (size < to.size && to.at[size] != '.')
        size++;
    return tier_peer_find(tier, base_bytes_slice(to, 0, size));
}

struct tier_peer *
tier_peer_route(struct tier *tier, struct bytes to,
                const struct tier_peer *not_back)
{
    struct tier_peer *peer;
    if (to.size > 0 && base_bytes_equal_folded(to, tier->own))
        return tier->local;
    if (to.size > 0 && model_id_covers(tier->own, to))
        peer = peer_below(tier, to);
    else
        peer = tier->parent;
    if (peer && peer->no >= TIER_PEER_CHILDREN && !peer->known)
        return NULL;
    return peer == not_back ? NULL : peer;
}

static void
peer_put_self(struct tier *tier, struct store_kv_batch *batch)
{
    uint8_t room[PEER_ROW_MAX];
    struct base_out out;
    const struct tier_self *self = &tier->self;
    base_out_fixed(&out, room, sizeof room);
    base_out_u8(&out, PEER_SELF_VERSION);
    base_out_u32le(&out, self->epoch);
    base_out_u32le(&out, self->next_peer);
    base_out_u64le(&out, self->lineage);
    base_out_bytes_add(
        &out, base_bytes(self->parent_store, sizeof self->parent_store));
    base_out_u8(&out, self->resync ? 1 : 0);
    base_out_u64le(&out, (uint64_t)self->stored_ms);
    store_kv_put(batch, STORE_TABLE_NODE, peer_self_key(),
                 base_out_bytes(&out));
}

static void
peer_put(struct tier_peer *peer, struct store_kv_batch *batch)
{
    uint8_t room[PEER_ROW_MAX], folded[MODEL_PREFIX_MAX];
    struct bytes prefix = tier_inner_prefix(peer);
    struct base_out out;
    base_out_fixed(&out, room, sizeof room);
    base_out_u8(&out, PEER_VERSION);
    base_out_u32le(&out, peer->no);
    base_out_bytes_add(&out, base_bytes(peer->store, sizeof peer->store));
    base_out_bytes_add(&out, base_bytes(peer->pin, sizeof peer->pin));
    base_out_u32le(&out, peer->epoch);
    base_out_u64le(&out, peer->confirmed);
    base_out_u64le(&out, peer->offered);
    base_out_u64le(&out, (uint64_t)peer->first_ms);
    base_out_u8(&out, (uint8_t)prefix.size);
    base_out_bytes_add(&out, prefix);
    base_out_u8(&out, peer->sign_key_size);
    base_out_bytes_add(&out, base_bytes(peer->sign_key, peer->sign_key_size));
    base_bytes_fold(prefix, folded);
    store_kv_put(batch, STORE_TABLE_PEER, base_bytes(folded, prefix.size),
                 base_out_bytes(&out));
}

enum err
tier_peer_save(struct tier *tier, struct tier_peer *peer,
               struct tier_hold *hold)
{
    struct store_kv *kv = tier->config.kvs[0];
    struct store_kv_batch *batch = store_kv_batch_new(kv);
    int64_t wall_ms = base_loop_wall(tier->config.loop).ms;
    if (wall_ms > tier->self.stored_ms)
        tier->self.stored_ms = wall_ms;
    peer_put_self(tier, batch);
    if (peer)
        peer_put(peer, batch);
    bool known = peer && peer->known;
    if (peer) /* before the commit: it may already tell */
        peer->known = true;
    enum err err = store_kv_commit(kv, batch, hold ? &hold->wait : NULL, NULL);
    if (err != ERR_OK && peer)
        peer->known = known;
    if (err != ERR_OK && hold)
        tier_hold_drop(hold);
    return err;
}

/* A number whose row was cut must not name logs: it could be given again. */
void
tier_peer_rewound(struct tier_peer *peer)
{
    uint8_t folded[MODEL_PREFIX_MAX];
    struct bytes value, prefix = tier_inner_prefix(peer);
    base_bytes_fold(prefix, folded);
    if (store_kv_get(store_kv_now(peer->tier->config.kvs[0]), STORE_TABLE_PEER,
                     base_bytes(folded, prefix.size), &value) == ERR_ABSENT)
        peer->known = false;
}

static void
peer_pack_add(struct tier_peer *peer, struct bytes name, uint64_t shape)
{
    if (peer->pack_count == TIER_PACKS)
        return;
    peer->packs = base_mem_resize(peer->packs,
                                  (peer->pack_count + 1) * sizeof *peer->packs);
    peer->packs[peer->pack_count++] =
        (struct tier_peer_pack){base_hash_xxh3(0, name), shape};
}

/* Another shape under the same name; or a parent that lacks what we send. */
static bool
peer_pack_differs(const struct tier_peer *peer, const struct tier_pack *pack)
{
    uint64_t name = base_hash_xxh3(0, base_bytes_text(pack->name));
    bool named = false;
    for (unsigned i = 0; i < peer->pack_count; i++) {
        if (peer->packs[i].name != name)
            continue;
        if (peer->packs[i].shape == pack->shape8)
            return false;
        named = true;
    }
    return named || peer->no == TIER_PEER_PARENT;
}

static void
peer_pack_told(struct tier_peer *peer, const struct tier_pack *pack)
{
    peer->packs_differ++;
    tier_inner_count(peer->tier, TIER_STAT_PACK_MISMATCH, 1);
    tier_alert_raise(peer->tier, "pack_mismatch",
                     "peer=%s pack=%s ours=%016llx", peer->prefix, pack->name,
                     (unsigned long long)pack->shape8);
}

/* What the neighbour holds, from its HELLO or WELCOME; said once per link. */
void
tier_peer_packs(struct tier_peer *peer, struct bytes tlvs)
{
    struct tier *tier = peer->tier;
    struct base_cur cur, list;
    struct bytes value, name;
    uint64_t shape;
    uint16_t type;
    peer->pack_count = peer->packs_differ = 0;
    base_cur_init(&cur, tlvs);
    while (wire_hello_next(&cur, &type, &value) == ERR_OK) {
        if (type != WIRE_HELLO_PACKS)
            continue;
        base_cur_init(&list, value);
        while (wire_hello_pack_next(&list, &shape, &name) == ERR_OK)
            peer_pack_add(peer, name, shape);
    }
    for (unsigned i = 0; i < tier->config.pack_count; i++)
        if (peer_pack_differs(peer, &tier->config.packs[i]))
            peer_pack_told(peer, &tier->config.packs[i]);
}
