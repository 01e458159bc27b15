/* rollup_seal.c -- vintages: what a window said when it was sealed, for ever.
 *
 * The root is a Merkle tree over the window's cells in order, hashed as in
 * RFC 9162 section 2.1.1: leaf SHA-256(00 || cell u32 little-endian || figure),
 * node SHA-256(01 || left || right).  Epochs and revisions are kept beside but
 * not hashed: a correction that is taken back again leaves nothing pending.
 * Signed (Ed25519, key id before the signature): `dougong vintage 1` and a zero
 * byte, then pack length u8, pack, window u32, version u32, and the head up to
 * its root. */
#include "base/base_mem.h"
#include "crypt/crypt_merkle.h"
#include "engine/rollup/rollup_inner.h"

enum {
    SEAL_SCAN = 4096,
    SEAL_PART = 65536,
    SEAL_OBJECT = 400,
    SEAL_BATCH = 900000
};

/* --- going through the totals --- */

struct seal_walk {
    struct rollup *rollup;
    int64_t at_ms;
    struct crypt_merkle tree;
    unsigned slots;
    struct base_out *part; /* NULL: only the root */
    struct bytes name;
    uint32_t window, version, parts;
    struct store_kv_batch *batch;
    uint64_t expected, reported;
    enum err err;
};

static void
seal_part(struct seal_walk *walk)
{
    struct rollup_key key;
    if (!walk->part || walk->part->size == 0)
        return;
    store_kv_put(walk->batch, STORE_TABLE_VINTAGE,
                 rollup_row_vintage_key(&key, walk->name, walk->window,
                                        walk->version, ++walk->parts),
                 base_out_bytes(walk->part));
    base_out_reset(walk->part);
}

static void
seal_cell(struct seal_walk *walk, uint32_t cell,
          const struct rollup_row_total *row)
{
    struct base_out leaf;
    uint8_t room[ROLLUP_ROW_MAX], hash[CRYPT_MERKLE_HASH];
    base_out_fixed(&leaf, room, sizeof room);
    base_out_u32le(&leaf, cell);
    base_out_bytes_add(&leaf, row->state);
    crypt_merkle_leaf(base_out_bytes(&leaf), hash);
    crypt_merkle_add(&walk->tree, hash);
    walk->expected += (uint64_t)row->figure.slots[MODEL_FIGURE_EXPECTED].sum;
    walk->reported += (uint64_t)row->figure.slots[MODEL_FIGURE_REPORTED].sum;
    if (!walk->part)
        return;
    base_out_u32le(walk->part, cell);
    base_out_u32le(walk->part, row->epoch);
    base_out_u64le(walk->part, row->revision);
    base_out_u16le(walk->part, (uint16_t)row->state.size);
    base_out_bytes_add(walk->part, row->state);
    if (walk->part->size > SEAL_PART - ROLLUP_ROW_MAX)
        seal_part(walk);
}

static bool
seal_total(void *self, struct bytes key, struct bytes value)
{
    struct seal_walk *walk = self;
    struct rollup_row_total row;
    walk->err = rollup_past_at(walk->rollup, STORE_TABLE_TOTAL, key,
                               walk->at_ms, &value);
    if (walk->err == ERR_OK)
        walk->err =
            rollup_row_read(value, ROLLUP_ROW_IS_TOTAL, &row, walk->slots);
    if (walk->err == ERR_ABSENT)
        walk->err = ERR_OK; /* it came later */
    else if (walk->err == ERR_OK)
        seal_cell(walk, rollup_row_tail(key), &row);
    return walk->err == ERR_OK;
}

static enum err
seal_all(struct rollup *rollup, struct seal_walk *walk)
{
    struct rollup_key key;
    uint8_t room[ROLLUP_ROW_KEY];
    struct base_out next;
    struct bytes all = rollup_row_total_all(&key, walk->name, walk->window);
    struct bytes from = all;
    enum err err;
    do {
        if (walk->tree.count >= ROLLUP_SEAL_CELLS) {
            base_stat_inc(&rollup->stats.limit_seal, 1);
            return ERR_LIMIT;
        }
        base_out_fixed(&next, room, sizeof room);
        err = store_kv_scan(rollup_snap(rollup), STORE_TABLE_TOTAL, all, from,
                            SEAL_SCAN, seal_total, walk, &next);
        from = base_out_bytes(&next);
    } while (err == ERR_AGAIN && walk->err == ERR_OK);
    seal_part(walk);
    if (walk->err != ERR_OK)
        return walk->err;
    return err == ERR_ABSENT ? ERR_OK : err;
}

enum err
rollup_seal_root(struct rollup *rollup, unsigned pack, uint32_t window,
                 int64_t at_ms, uint8_t ret_root[32], uint32_t *ret_cells)
{
    struct seal_walk walk = {.rollup = rollup,
                             .at_ms = at_ms,
                             .slots = rollup->packs[pack].slots,
                             .name = rollup->packs[pack].name,
                             .window = window};
    enum err err = seal_all(rollup, &walk);
    crypt_merkle_root(&walk.tree, ret_root);
    *ret_cells = (uint32_t)walk.tree.count;
    return err;
}

/* --- sealing --- */

static void
seal_sign(struct rollup *rollup, const struct seal_walk *walk,
          struct rollup_row_vintage *head)
{
    static const char domain[] = "dougong vintage 1"; /* and its zero */
    enum { SEAL_TAIL = 8 + 64 };                      /* key id, signature */
    struct rollup_value value;
    struct base_out text, signature;
    uint8_t room[1024];
    if (!rollup->config.key)
        return;
    base_out_fixed(&text, room, sizeof room);
    base_out_bytes_add(&text, base_bytes(domain, sizeof domain));
    base_out_u8(&text, (uint8_t)walk->name.size);
    base_out_bytes_add(&text, walk->name);
    base_out_u32le(&text, walk->window);
    base_out_u32le(&text, walk->version);
    struct bytes row = rollup_row_write(&value, ROLLUP_ROW_IS_VINTAGE, head, 0);
    base_out_bytes_add(&text, base_bytes_slice(row, 0, row.size - SEAL_TAIL));
    base_out_fixed(&signature, head->signature, sizeof head->signature);
    if (crypt_key_sign(rollup->config.key, base_out_bytes(&text), &signature) ==
        ERR_OK)
        head->key_id = crypt_key_id(rollup->config.key);
}

static enum err
seal_audit(struct rollup *rollup, const struct seal_walk *walk,
           const struct rollup_row_vintage *head,
           const struct model_grant_principal *actor)
{
    const struct model_grant_principal self = {
        .kind = MODEL_GRANT_NODE, .name = rollup->config.port->own};
    char text[MODEL_WINDOW_TEXT];
    uint8_t room[SEAL_OBJECT];
    struct base_out object;
    base_out_fixed(&object, room, sizeof room);
    base_out_bytes_add(&object, walk->name);
    base_out_format(&object, " %s vintage %u",
                    model_window_text(walk->window, text), walk->version);
    return model_audit_append(
        rollup->config.audit,
        &(struct model_audit_event){
            .actor = actor ? actor : &self,
            .action = "figure.seal",
            .object = base_out_bytes(&object),
            .after = base_bytes(head->root, sizeof head->root),
        });
}

static enum err
seal_write(struct rollup *rollup, struct seal_walk *walk,
           struct rollup_row_window *row,
           const struct model_grant_principal *actor)
{
    struct rollup_key key;
    struct rollup_row_vintage head = {
        .sealed_ms = rollup_past_now(rollup),
        .slots = row->slots,
        .expected = walk->expected,
        .reported = walk->reported,
        .cells = (uint32_t)walk->tree.count,
    };
    memcpy(head.shape, row->shape, sizeof head.shape);
    crypt_merkle_root(&walk->tree, head.root);
    seal_sign(rollup, walk, &head);
    rollup_put(walk->batch, STORE_TABLE_VINTAGE,
               rollup_row_vintage_key(&key, walk->name, walk->window,
                                      walk->version, 0),
               ROLLUP_ROW_IS_VINTAGE, &head, 0);
    row->state = ROLLUP_SEALED;
    row->vintage = walk->version;
    row->sealed_ms = head.sealed_ms;
    rollup_put(walk->batch, STORE_TABLE_WINDOW,
               rollup_row_window_key(&key, walk->name, walk->window),
               ROLLUP_ROW_IS_WINDOW, row, 0);
    enum err err = store_kv_commit(rollup->config.kv, walk->batch, NULL, NULL);
    if (err != ERR_OK)
        return err;
    base_stat_inc(&rollup->stats.sealed, 1);
    return seal_audit(rollup, walk, &head, actor);
}

enum err
rollup_seal_window(struct rollup *rollup, unsigned pack, uint32_t window,
                   struct rollup_row_window *row,
                   const struct model_grant_principal *actor)
{
    struct base_out part;
    struct seal_walk *walk = base_mem_new(sizeof *walk);
    *walk = (struct seal_walk){
        .rollup = rollup,
        .slots = row->slots,
        .part = &part,
        .name = rollup->packs[pack].name,
        .window = window,
        .version = row->vintage + 1,
        .batch = store_kv_batch_new(rollup->config.kv),
    };
    base_out_grow(&part, SEAL_PART);
    enum err err = seal_all(rollup, walk);
    base_out_done(&part);
    /* One kv batch is one journal record: the limit of a window's size. */
    if (err == ERR_OK && store_kv_batch_size(walk->batch) > SEAL_BATCH)
        err = ERR_LIMIT;
    if (err == ERR_OK)
        err = seal_write(rollup, walk, row, actor);
    else
        store_kv_batch_free(walk->batch);
    base_mem_free(walk);
    return err;
}

static enum err
seal_refused(enum err err, const struct rollup_pack *pack, uint32_t window,
             const struct rollup_row_window *row, struct base_note *note)
{
    struct wall start, end = {0};
    char text[MODEL_WINDOW_TEXT], when[BASE_TIME_TEXT];
    model_calendar_text(&pack->pack->calendar, window, text);
    if (err == ERR_ABSENT)
        return base_err_note_at(note, err, "at", 0, 0,
                                "nothing has been reported for %s of pack %s",
                                text, pack->pack->name);
    if (err == ERR_EXISTS)
        return base_err_note_at(note, err, "at", 0, 0,
                                "%s of pack %s was sealed at %s as vintage %u",
                                text, pack->pack->name,
                                base_time_text((struct wall){row->sealed_ms},
                                               pack->pack->calendar.zone_s,
                                               when),
                                row->vintage);
    if (err == ERR_BUSY) {
        const struct model_pack_freq *freq =
            model_pack_freq(pack->pack, model_window_freq(window));
        model_calendar_bounds(&pack->pack->calendar, window, &start, &end);
        end.ms += freq ? freq->due_ms : 0;
        return base_err_note_at(
            note, err, "at", 0, 0,
            "%s of pack %s is open until %s: seal it after that", text,
            pack->pack->name,
            base_time_text(end, pack->pack->calendar.zone_s, when));
    }
    return base_err_note_at(note, err, "at", 0, 0,
                            "%s of pack %s was not sealed: %s", text,
                            pack->pack->name, base_err_text(err));
}

enum err
rollup_seal(struct rollup *rollup, struct bytes name, uint32_t window,
            const struct model_grant_principal *actor, struct base_note *note)
{
    struct rollup_key key;
    struct rollup_row_window row = {0};
    struct rollup_name any;
    unsigned pack;
    enum err err = rollup_query_name(rollup, name, base_bytes_text("expected"),
                                     &any, &pack, note);
    if (err != ERR_OK)
        return err;
    rollup_fold_flush(rollup);
    err = rollup_get(rollup, STORE_TABLE_WINDOW,
                     rollup_row_window_key(&key, name, window),
                     ROLLUP_ROW_IS_WINDOW, &row, 0);
    if (err == ERR_OK && row.state != ROLLUP_PROVISIONAL)
        err = row.state == ROLLUP_SEALED ? ERR_EXISTS : ERR_BUSY;
    if (err == ERR_OK)
        err = rollup_seal_window(rollup, pack, window, &row, actor);
    if (err != ERR_OK)
        seal_refused(err, &rollup->packs[pack], window, &row, note);
    return err;
}

/* --- reading a vintage --- */

struct seal_sum {
    struct model_figure *sum;
    const struct model_cells *only;
    unsigned slots;
    enum err err;
};

static bool
seal_sum_part(void *self, struct bytes key, struct bytes value)
{
    struct seal_sum *sum = self;
    struct base_cur cur, state;
    struct model_figure figure;
    (void)key;
    base_cur_init(&cur, value);
    while (sum->err == ERR_OK && base_cur_left(&cur) > 0) {
        uint32_t cell = base_cur_u32le(&cur);
        base_cur_take(&cur, 12); /* epoch, revision */
        base_cur_init(&state, base_cur_take(&cur, base_cur_u16le(&cur)));
        model_figure_read(&state, &figure, sum->slots);
        if (!base_cur_ok(&cur) || !base_cur_ok(&state))
            sum->err = ERR_CORRUPT;
        else if (model_cells_have(sum->only, cell))
            sum->err = model_figure_add(sum->sum, &figure, 1);
    }
    return sum->err == ERR_OK;
}

enum err
rollup_seal_sum(struct rollup *rollup, unsigned pack, uint32_t window,
                uint32_t version, const struct model_cells *only,
                struct rollup_row_vintage *ret_head,
                struct model_figure *ret_sum)
{
    struct bytes name = rollup->packs[pack].name;
    struct rollup_key key, from;
    enum err err =
        rollup_get(rollup, STORE_TABLE_VINTAGE,
                   rollup_row_vintage_key(&key, name, window, version, 0),
                   ROLLUP_ROW_IS_VINTAGE, ret_head, 0);
    if (err != ERR_OK)
        return err;
    *ret_sum = (struct model_figure){0};
    struct seal_sum sum = {
        .sum = ret_sum, .only = only, .slots = ret_head->slots};
    struct bytes all = rollup_row_vintage_key(&key, name, window, version, 0);
    all.size -= 4;
    err = store_kv_scan(rollup_snap(rollup), STORE_TABLE_VINTAGE, all,
                        rollup_row_vintage_key(&from, name, window, version, 1),
                        10000, seal_sum_part, &sum, NULL);
    if (sum.err != ERR_OK)
        return sum.err;
    return err == ERR_ABSENT ? ERR_OK : err;
}

struct seal_version {
    int64_t at_ms;
    uint32_t version;
};

static bool
seal_version_head(void *self, struct bytes key, struct bytes value)
{
    struct seal_version *found = self;
    struct rollup_row_vintage head;
    struct base_cur cur;
    base_cur_init(&cur, base_bytes_slice(key, key.size - 8, 4));
    if (rollup_row_tail(key) == 0 &&
        rollup_row_read(value, ROLLUP_ROW_IS_VINTAGE, &head, 0) == ERR_OK &&
        head.sealed_ms <= found->at_ms)
        found->version = base_cur_u32be(&cur);
    return true;
}

uint32_t
rollup_seal_version(struct rollup *rollup, unsigned pack, uint32_t window,
                    int64_t at_ms)
{
    struct seal_version found = {.at_ms = at_ms};
    struct rollup_key key;
    rollup_scan(rollup, STORE_TABLE_VINTAGE,
                rollup_row_total_all(&key, rollup->packs[pack].name, window),
                seal_version_head, &found);
    return found.version;
}
