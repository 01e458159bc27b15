/* rollup_row.c -- see rollup_row.h. */
#include "engine/rollup/rollup_row.h"

#include "base/base_must.h"

enum {
    ROW_CONTRIB_AT = 18, /* of `applied at` in the values */
    ROW_TOTAL_AT = 13,
};

/* --- keys --- */

static void
key_begin(struct rollup_key *key)
{
    base_out_fixed(&key->out, key->room, sizeof key->room);
}

static void
key_name(struct rollup_key *key, struct bytes name)
{
    base_out_u8(&key->out, (uint8_t)name.size);
    base_out_bytes_add(&key->out, name);
}

static void
key_fold(struct rollup_key *key, struct bytes text)
{
    uint8_t *to = text.size ? base_out_space(&key->out, text.size) : NULL;
    if (to)
        base_bytes_fold(text, to);
}

static void
key_child(struct rollup_key *key, struct bytes child)
{
    base_out_u8(&key->out, (uint8_t)child.size);
    key_fold(key, child);
}

static struct bytes
key_end(struct rollup_key *key)
{
    must(base_out_ok(&key->out));
    return base_out_bytes(&key->out);
}

struct bytes
rollup_row_total_all(struct rollup_key *key, struct bytes pack, uint32_t window)
{
    key_begin(key);
    key_name(key, pack);
    base_out_u32be(&key->out, window);
    return key_end(key);
}

struct bytes
rollup_row_total_key(struct rollup_key *key, struct bytes pack, uint32_t window,
                     uint32_t cell)
{
    rollup_row_total_all(key, pack, window);
    base_out_u32be(&key->out, cell);
    return key_end(key);
}

struct bytes
rollup_row_contrib_all(struct rollup_key *key, struct bytes pack,
                       uint32_t window, struct bytes child)
{
    rollup_row_total_all(key, pack, window);
    key_child(key, child);
    return key_end(key);
}

struct bytes
rollup_row_contrib_key(struct rollup_key *key, struct bytes pack,
                       uint32_t window, struct bytes child, uint32_t cell)
{
    rollup_row_contrib_all(key, pack, window, child);
    base_out_u32be(&key->out, cell);
    return key_end(key);
}

struct bytes
rollup_row_unit_key(struct rollup_key *key, struct bytes pack, uint32_t window,
                    struct bytes unit)
{
    rollup_row_contrib_all(key, pack, window, (struct bytes){0});
    key_fold(key, unit);
    return key_end(key);
}

struct bytes
rollup_row_dirty_key(struct rollup_key *key, struct bytes to, struct bytes pack,
                     uint32_t window, uint32_t cell)
{
    key_begin(key);
    key_child(key, to);
    key_name(key, pack);
    base_out_u32be(&key->out, window);
    base_out_u32be(&key->out, cell);
    return key_end(key);
}

struct bytes
rollup_row_vintage_key(struct rollup_key *key, struct bytes pack,
                       uint32_t window, uint32_t version, uint32_t part)
{
    rollup_row_total_all(key, pack, window);
    base_out_u32be(&key->out, version);
    base_out_u32be(&key->out, part);
    return key_end(key);
}

struct bytes
rollup_row_registry_key(struct rollup_key *key, struct bytes unit)
{
    key_begin(key);
    key_fold(key, unit);
    return key_end(key);
}

struct bytes
rollup_row_u32_key(struct rollup_key *key, uint32_t number)
{
    key_begin(key);
    base_out_u32be(&key->out, number);
    return key_end(key);
}

struct bytes
rollup_row_child_key(struct rollup_key *key, uint8_t kind, struct bytes child)
{
    key_begin(key);
    base_out_u8(&key->out, kind);
    if (child.size)
        key_child(key, child);
    return key_end(key);
}

struct bytes
rollup_row_expected_key(struct rollup_key *key, struct bytes child,
                        struct bytes pack, enum model_freq freq, uint32_t cell)
{
    rollup_row_child_key(key, ROLLUP_ROW_EXPECTED, child);
    key_name(key, pack);
    base_out_u8(&key->out, (uint8_t)freq);
    base_out_u32be(&key->out, cell);
    return key_end(key);
}

struct bytes
rollup_row_window_all(struct rollup_key *key, uint8_t kind, struct bytes pack)
{
    key_begin(key);
    base_out_u8(&key->out, kind);
    key_name(key, pack);
    return key_end(key);
}

struct bytes
rollup_row_due_key(struct rollup_key *key, struct bytes pack,
                   enum model_freq freq)
{
    rollup_row_window_all(key, ROLLUP_ROW_DUE, pack);
    base_out_u8(&key->out, (uint8_t)freq);
    return key_end(key);
}

struct bytes
rollup_row_window_key(struct rollup_key *key, struct bytes pack,
                      uint32_t window)
{
    rollup_row_window_all(key, ROLLUP_ROW_WINDOW, pack);
    base_out_u32be(&key->out, window);
    return key_end(key);
}

struct bytes
rollup_row_said_key(struct rollup_key *key, struct bytes pack, uint32_t window,
                    struct bytes child)
{
    rollup_row_window_all(key, ROLLUP_ROW_SAID, pack);
    base_out_u32be(&key->out, window);
    if (child.size)
        key_child(key, child);
    return key_end(key);
}

struct bytes
rollup_row_batch_key(struct rollup_key *key, struct bytes pack, uint32_t window,
                     struct bytes child, uint32_t epoch, uint64_t seq)
{
    rollup_row_contrib_all(key, pack, window, child);
    base_out_u32be(&key->out, epoch);
    base_out_u64be(&key->out, seq);
    return key_end(key);
}

struct bytes
rollup_row_past_all(struct rollup_key *key, struct bytes of)
{
    size_t window = (size_t)of.at[0] + 5; /* P window */
    key_begin(key);
    base_out_bytes_add(&key->out, base_bytes_slice(of, 0, window));
    base_out_u16be(&key->out, (uint16_t)(of.size - window));
    base_out_bytes_add(&key->out, base_bytes_slice(of, window, of.size));
    return key_end(key);
}

struct bytes
rollup_row_past_key(struct rollup_key *key, struct bytes of, int64_t at_ms)
{
    rollup_row_past_all(key, of);
    base_out_u64be(&key->out, (uint64_t)at_ms);
    return key_end(key);
}

int64_t
rollup_row_applied(struct bytes value, bool total)
{
    struct base_cur cur;
    base_cur_init(&cur, value);
    base_cur_take(&cur, total ? ROW_TOTAL_AT : ROW_CONTRIB_AT);
    return (int64_t)base_cur_u64le(&cur);
}

uint32_t
rollup_row_tail(struct bytes key)
{
    struct base_cur cur;
    base_cur_init(&cur, base_bytes_slice(key, key.size - 4, 4));
    return base_cur_u32be(&cur);
}

enum err
rollup_row_source(struct bytes key, size_t all,
                  struct rollup_row_source *ret_source)
{
    struct base_cur cur;
    *ret_source = (struct rollup_row_source){0};
    base_cur_init(&cur, base_bytes_slice(key, all, key.size));
    ret_source->child = base_cur_take(&cur, base_cur_u8(&cur));
    if (ret_source->child.size)
        ret_source->cell = base_cur_u32be(&cur);
    ret_source->unit = base_cur_rest(&cur);
    return base_cur_ok(&cur) ? ERR_OK : ERR_CORRUPT;
}

/* --- values: one walk over the fields reads and writes --- */

struct row_io {
    struct base_out *out; /* NULL: read */
    struct base_cur cur;
    unsigned slots;
    uint8_t version;
};

static void
io_u8(struct row_io *io, uint8_t *at)
{
    if (io->out)
        base_out_u8(io->out, *at);
    else
        *at = base_cur_u8(&io->cur);
}

static void
io_u32(struct row_io *io, uint32_t *at)
{
    if (io->out)
        base_out_u32le(io->out, *at);
    else
        *at = base_cur_u32le(&io->cur);
}

static void
io_u64(struct row_io *io, uint64_t *at)
{
    if (io->out)
        base_out_u64le(io->out, *at);
    else
        *at = base_cur_u64le(&io->cur);
}

static void
io_ms(struct row_io *io, int64_t *at)
{
    uint64_t ms = (uint64_t)*at;
    io_u64(io, &ms);
    *at = (int64_t)ms;
}

static void
io_varint(struct row_io *io, uint64_t *at)
{
    if (io->out)
        base_out_varint(io->out, *at);
    else
        *at = base_cur_varint(&io->cur);
}

static void
io_array(struct row_io *io, uint8_t *at, size_t size)
{
    if (io->out) {
        base_out_bytes_add(io->out, base_bytes(at, size));
        return;
    }
    struct bytes from = base_cur_take(&io->cur, size);
    if (from.size == size)
        memcpy(at, from.at, size);
}

static void
io_text(struct row_io *io, struct bytes *at)
{
    uint8_t size = (uint8_t)at->size;
    io_u8(io, &size);
    if (io->out)
        base_out_bytes_add(io->out, *at);
    else
        *at = base_cur_take(&io->cur, size);
}

static void
io_rest(struct row_io *io, struct bytes *at)
{
    if (io->out)
        base_out_bytes_add(io->out, *at);
    else
        *at = base_cur_rest(&io->cur);
}

static void
io_figure(struct row_io *io, struct model_figure *figure)
{
    if (io->out)
        model_figure_write(io->out, figure, io->slots);
    else
        model_figure_read(&io->cur, figure, io->slots);
}

static void
walk_contrib(struct row_io *io, void *at)
{
    struct rollup_row_contrib *row = at;
    io_u8(io, &row->flags);
    io_u32(io, &row->cell);
    io_u32(io, &row->epoch);
    io_u64(io, &row->revision);
    io_ms(io, &row->at_ms);
    if (io->version >= 2)
        io_u8(io, &row->reason);
    if (row->flags & ROLLUP_ROW_BATCH)
        io_u64(io, &row->seq);
    if (row->flags & ROLLUP_ROW_DIGEST) {
        io_varint(io, &row->samples);
        io_ms(io, &row->first_ms);
        io_ms(io, &row->last_ms);
        io_array(io, row->digest, sizeof row->digest);
    }
    if (row->flags & ROLLUP_ROW_UNIT) {
        io_varint(io, &row->shard);
        io_varint(io, &row->sequence);
        io_varint(io, &row->inputs);
        for (unsigned i = 0; i < MODEL_PACK_INPUTS; i++)
            if (row->inputs >> i & 1) {
                if (io->out)
                    base_out_zigzag(io->out, row->values[i]);
                else
                    row->values[i] = base_cur_zigzag(&io->cur);
            }
        io_text(io, &row->unit);
    }
    io_figure(io, &row->figure);
}

static void
walk_total(struct row_io *io, void *at)
{
    struct rollup_row_total *row = at;
    io_u32(io, &row->epoch);
    io_u64(io, &row->revision);
    io_ms(io, &row->at_ms);
    row->state = base_bytes(io->cur.at, base_cur_left(&io->cur));
    io_figure(io, &row->figure);
}

static void
walk_window(struct row_io *io, void *at)
{
    struct rollup_row_window *row = at;
    io_u8(io, &row->state);
    io_u8(io, &row->flags);
    io_u8(io, &row->slots);
    io_u32(io, &row->vintage);
    io_ms(io, &row->made_ms);
    io_ms(io, &row->seal_at_ms);
    io_ms(io, &row->sealed_ms);
    io_array(io, row->shape, sizeof row->shape);
    if (io->version >= 2) {
        io_u32(io, &row->past);
        io_ms(io, &row->full_ms);
    }
}

static void
walk_child(struct row_io *io, void *at)
{
    struct rollup_row_child *row = at;
    io_u32(io, &row->epoch);
    io_u64(io, &row->seq);
    io_ms(io, &row->at_ms);
    io_rest(io, &row->name);
}

static void
walk_own(struct row_io *io, void *at)
{
    struct rollup_row_own *row = at;
    io_u64(io, &row->seq);
    io_u8(io, &row->resync);
    io_text(io, &row->parent);
    io_rest(io, &row->marked);
}

static void
walk_vintage(struct row_io *io, void *at)
{
    struct rollup_row_vintage *row = at;
    io_ms(io, &row->sealed_ms);
    io_array(io, row->shape, sizeof row->shape);
    io_u8(io, &row->slots);
    io_u64(io, &row->expected);
    io_u64(io, &row->reported);
    io_u32(io, &row->cells);
    io_array(io, row->root, sizeof row->root);
    io_u64(io, &row->key_id);
    io_array(io, row->signature, sizeof row->signature);
}

static void
walk_batch(struct row_io *io, void *at)
{
    struct rollup_row_batch *row = at;
    io_ms(io, &row->at_ms);
    io_u8(io, &row->verdict);
    io_u64(io, &row->key_id);
    io_text(io, &row->key);
    io_rest(io, &row->message);
}

static void
walk_pair(struct row_io *io, void *at)
{
    struct rollup_row_pair *row = at;
    io_u32(io, &row->a);
    io_u64(io, &row->b);
}

/* A row struct of any kind, as a writer walks over a copy. */
union row_any {
    struct rollup_row_contrib contrib;
    struct rollup_row_total total;
    struct rollup_row_window window;
    struct rollup_row_child child;
    struct rollup_row_own own;
    struct rollup_row_vintage vintage;
    struct rollup_row_pair pair;
    struct rollup_row_batch batch;
};

static const struct {
    void (*walk)(struct row_io *io, void *row);
    size_t size;
    uint8_t version; /* written; all from 1 on are read */
} row_kinds[] = {
    /* clang-format off */
    [ROLLUP_ROW_IS_CONTRIB] = {walk_contrib, sizeof(struct rollup_row_contrib), 2},
    [ROLLUP_ROW_IS_TOTAL]   = {walk_total,   sizeof(struct rollup_row_total), 1},
    [ROLLUP_ROW_IS_WINDOW]  = {walk_window,  sizeof(struct rollup_row_window), 2},
    [ROLLUP_ROW_IS_CHILD]   = {walk_child,   sizeof(struct rollup_row_child), 1},
    [ROLLUP_ROW_IS_OWN]     = {walk_own,     sizeof(struct rollup_row_own), 1},
    [ROLLUP_ROW_IS_VINTAGE] = {walk_vintage, sizeof(struct rollup_row_vintage), 1},
    [ROLLUP_ROW_IS_BATCH]   = {walk_batch,   sizeof(struct rollup_row_batch), 1},
    [ROLLUP_ROW_IS_PAIR]    = {walk_pair,    sizeof(struct rollup_row_pair), 1},
    /* clang-format on */
};

struct bytes
rollup_row_write_to(struct base_out *out, enum rollup_row_kind kind,
                    const void *row, unsigned slots)
{
    union row_any copy;
    memcpy(&copy, row, row_kinds[kind].size);
    struct row_io io = {
        .out = out, .slots = slots, .version = row_kinds[kind].version};
    base_out_u8(out, io.version);
    row_kinds[kind].walk(&io, &copy);
    must(base_out_ok(out));
    return base_out_bytes(out);
}

struct bytes
rollup_row_write(struct rollup_value *value, enum rollup_row_kind kind,
                 const void *row, unsigned slots)
{
    base_out_fixed(&value->out, value->room, sizeof value->room);
    return rollup_row_write_to(&value->out, kind, row, slots);
}

enum err
rollup_row_read(struct bytes value, enum rollup_row_kind kind, void *ret_row,
                unsigned slots)
{
    struct row_io io = {.slots = slots};
    memset(ret_row, 0, row_kinds[kind].size);
    base_cur_init(&io.cur, value);
    io.version = base_cur_u8(&io.cur);
    if (base_cur_ok(&io.cur) &&
        (io.version == 0 || io.version > row_kinds[kind].version))
        return ERR_VERSION;
    row_kinds[kind].walk(&io, ret_row);
    if (!base_cur_ok(&io.cur) || base_cur_left(&io.cur) > 0)
        return ERR_CORRUPT;
    return ERR_OK;
}
