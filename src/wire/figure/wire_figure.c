/* wire_figure.c -- DGF1 batches and their acks; drawn in wire_figure.h. */
#include "wire/figure/wire_figure.h"

#include "base/base_hash.h"

enum { FIGURE_MAGIC = 0x31464744, FIGURE_FLAGS = 15, FIGURE_MARKS = 7 };

/* --- writing --- */

void
wire_figure_begin(struct wire_figure_writer *writer, struct base_out *out,
                  const struct wire_figure_head *head)
{
    *writer = (struct wire_figure_writer){.out = out, .start = out->size};
    base_out_u32le(out, FIGURE_MAGIC);
    base_out_u32le(out, 0); /* length, form, flags: at the end */
    base_out_u64le(out, head->shape8);
    base_out_u32le(out, head->window);
    base_out_u32le(out, head->epoch);
    base_out_u64le(out, head->seq);
    base_out_space(out, 16); /* records, size, CRCs: at the end */
    base_out_u8(out, (uint8_t)head->child.size);
    base_out_bytes_add(out, head->child);
}

void
wire_figure_add(struct wire_figure_writer *writer,
                const struct wire_figure_record *record)
{
    struct base_out *out = writer->out;
    base_out_u8(out, record->marks);
    base_out_varint(out, record->cell - writer->cell);
    base_out_varint(out, record->revision);
    if (record->marks & WIRE_FIGURE_REASON)
        base_out_u8(out, record->reason);
    if (!(record->marks & WIRE_FIGURE_TOMBSTONE))
        base_out_bytes_add(out, record->state);
    writer->cell = record->cell;
    writer->records++;
}

/* Size and sums, when all else stands. */
static struct bytes
figure_sums(struct base_out *out, size_t at)
{
    struct bytes body =
        base_bytes_slice(base_out_bytes(out), at + WIRE_FIGURE_HEAD, out->size);
    base_out_patch_u32le(out, at + 36, (uint32_t)body.size);
    base_out_patch_u32le(out, at + 40, base_hash_crc32c(0, body));
    struct bytes head = base_bytes_slice(base_out_bytes(out), at, 44);
    base_out_patch_u32le(out, at + 44, base_hash_crc32c(0, head));
    return body;
}

enum err
wire_figure_end(struct wire_figure_writer *writer, uint8_t flags)
{
    struct base_out *out = writer->out;
    size_t at = writer->start;
    uint8_t *tail = flags & WIRE_FIGURE_SIGNED
                        ? base_out_space(out, WIRE_FIGURE_TAIL)
                        : NULL;
    if (!base_out_ok(out))
        return out->failed;
    if (tail)
        memset(tail, 0, WIRE_FIGURE_TAIL);
    base_out_patch_u32le(out, at + 4, WIRE_FIGURE_HEAD | (uint32_t)flags << 24);
    base_out_patch_u32le(out, at + 32, writer->records);
    return figure_sums(out, at).size > WIRE_FIGURE_BODY ||
                   writer->records > WIRE_FIGURE_RECORDS
               ? ERR_BIG
               : ERR_OK;
}

void
wire_figure_text(struct bytes message, struct base_out *text)
{
    static const char domain[] = "dougong figures 1"; /* and its zero */
    static const uint8_t zeros[WIRE_FIGURE_HEAD - 36];
    _Static_assert(sizeof domain == WIRE_FIGURE_DOMAIN, "as drawn");
    base_out_bytes_add(text, base_bytes(domain, sizeof domain));
    base_out_bytes_add(text, base_bytes_slice(message, 0, 36));
    base_out_bytes_add(text, base_bytes(zeros, sizeof zeros));
    base_out_bytes_add(text, base_bytes_slice(message, WIRE_FIGURE_HEAD,
                                              message.size - WIRE_FIGURE_HEAD -
                                                  WIRE_FIGURE_TAIL));
}

void
wire_figure_sign(struct wire_figure_writer *writer, uint64_t key_id,
                 const uint8_t signature[WIRE_FIGURE_SIGNATURE])
{
    struct base_out *out = writer->out;
    struct base_out tail;
    base_out_fixed(&tail, out->at + out->size - WIRE_FIGURE_TAIL,
                   WIRE_FIGURE_TAIL);
    base_out_u64be(&tail, key_id);
    base_out_bytes_add(&tail, base_bytes(signature, WIRE_FIGURE_SIGNATURE));
    figure_sums(out, writer->start);
}

/* --- reading --- */

/* The 48 bytes; size and CRC of the body come back beside them. */
static enum err
figure_head(struct base_cur *cur, struct wire_figure_head *head,
            uint32_t *ret_size, uint32_t *ret_crc)
{
    uint32_t magic = base_cur_u32le(cur);
    uint16_t length = base_cur_u16le(cur);
    uint8_t form = base_cur_u8(cur);
    head->flags = base_cur_u8(cur);
    head->shape8 = base_cur_u64le(cur);
    head->window = base_cur_u32le(cur);
    head->epoch = base_cur_u32le(cur);
    head->seq = base_cur_u64le(cur);
    head->records = base_cur_u32le(cur);
    *ret_size = base_cur_u32le(cur);
    *ret_crc = base_cur_u32le(cur);
    uint32_t crc = base_cur_u32le(cur);
    if (!base_cur_ok(cur))
        return ERR_SHORT;
    if (magic != FIGURE_MAGIC || length != WIRE_FIGURE_HEAD)
        return ERR_SYNTAX;
    if (crc != base_hash_crc32c(0, base_bytes(cur->start, 44)))
        return ERR_CORRUPT;
    if (form > 1 || head->flags & ~FIGURE_FLAGS)
        return ERR_SYNTAX;
    if (form == 1 || head->flags & WIRE_FIGURE_ZSTD)
        return ERR_UNSUPPORTED;
    return head->records > WIRE_FIGURE_RECORDS || *ret_size > WIRE_FIGURE_BODY
               ? ERR_BIG
               : ERR_OK;
}

enum err
wire_figure_read(struct bytes message, struct wire_figure_head *ret_head,
                 struct wire_figure_reader *ret_reader)
{
    struct base_cur cur;
    struct wire_figure_head head = {0};
    uint32_t size, crc;
    base_cur_init(&cur, message);
    enum err err = figure_head(&cur, &head, &size, &crc);
    if (err != ERR_OK)
        return err;
    if (base_cur_left(&cur) != size)
        return base_cur_left(&cur) < size ? ERR_SHORT : ERR_SYNTAX;
    struct bytes body = base_cur_rest(&cur);
    if (crc != base_hash_crc32c(0, body))
        return ERR_CORRUPT;
    if (head.flags & WIRE_FIGURE_SIGNED) {
        if (body.size < WIRE_FIGURE_TAIL)
            return ERR_SHORT;
        body.size -= WIRE_FIGURE_TAIL;
        struct base_cur tail;
        base_cur_init(&tail, base_bytes(body.at + body.size, WIRE_FIGURE_TAIL));
        head.key_id = base_cur_u64be(&tail);
        head.signature = base_cur_rest(&tail);
    }
    *ret_reader =
        (struct wire_figure_reader){.left = head.records, .first = true};
    base_cur_init(&ret_reader->cur, body);
    head.child = base_cur_take(&ret_reader->cur, base_cur_u8(&ret_reader->cur));
    if (!base_cur_ok(&ret_reader->cur))
        return ERR_SHORT;
    *ret_head = head;
    return ERR_OK;
}

/* Moves over one state of `slots` bits. */
static struct bytes
figure_state(struct base_cur *cur, unsigned slots)
{
    const uint8_t *at = cur->at;
    uint64_t mask = 0;
    for (unsigned i = 0; i < slots; i += 8)
        mask |= (uint64_t)base_cur_u8(cur) << i;
    if (slots < 64 && mask >> slots)
        base_cur_fail(cur, ERR_SYNTAX);
    for (; mask && base_cur_ok(cur); mask &= mask - 1) {
        base_cur_varint(cur);
        base_cur_zigzag128(cur);
    }
    return base_bytes(at, (size_t)(cur->at - at));
}

enum err
wire_figure_next(struct wire_figure_reader *reader, unsigned slots,
                 struct wire_figure_record *ret_record)
{
    struct base_cur *cur = &reader->cur;
    if (!base_cur_ok(cur))
        return cur->failed;
    if (reader->left == 0) {
        if (base_cur_left(cur) == 0)
            return ERR_ABSENT;
        base_cur_fail(cur, ERR_SYNTAX);
        return ERR_SYNTAX;
    }
    struct wire_figure_record record = {.marks = base_cur_u8(cur)};
    uint64_t step = base_cur_varint(cur);
    record.revision = base_cur_varint(cur);
    if (record.marks & WIRE_FIGURE_REASON)
        record.reason = base_cur_u8(cur);
    bool wrong = record.marks & ~FIGURE_MARKS ||
                 ((record.marks & WIRE_FIGURE_REASON) && !record.reason) ||
                 (step == 0 && !reader->first) ||
                 step >= WIRE_FIGURE_CELLS - reader->cell;
    if (wrong)
        base_cur_fail(cur, ERR_SYNTAX);
    else if (!(record.marks & WIRE_FIGURE_TOMBSTONE))
        record.state = figure_state(cur, slots);
    if (!base_cur_ok(cur))
        return cur->failed;
    record.cell = reader->cell += (uint32_t)step;
    reader->first = false;
    reader->left--;
    *ret_record = record;
    return ERR_OK;
}

/* --- the answer --- */

void
wire_figure_ack_write(struct base_out *out, const struct wire_figure_ack *ack)
{
    base_out_u8(out, 1);
    base_out_u8(out, ack->status);
    base_out_u64le(out, ack->seq);
    base_out_varint(out, ack->applied);
    base_out_varint(out, ack->skipped);
    base_out_varint(out, ack->refused);
    base_out_u16le(out, (uint16_t)ack->code_count);
    for (uint32_t i = 0; i < ack->code_count; i++) {
        base_out_varint(out, ack->codes[i].index);
        base_out_u8(out, ack->codes[i].code);
    }
    base_out_bytes_add(out, ack->wanted);
}

enum err
wire_figure_ack_read(struct bytes body, struct wire_figure_ack *ret_ack)
{
    struct base_cur cur;
    base_cur_init(&cur, body);
    uint8_t version = base_cur_u8(&cur);
    ret_ack->status = base_cur_u8(&cur);
    ret_ack->seq = base_cur_u64le(&cur);
    ret_ack->applied = base_cur_varint(&cur);
    ret_ack->skipped = base_cur_varint(&cur);
    ret_ack->refused = base_cur_varint(&cur);
    ret_ack->code_count = base_cur_u16le(&cur);
    if (base_cur_ok(&cur) && version != 1)
        return ERR_VERSION;
    if (ret_ack->code_count > WIRE_FIGURE_REFUSED)
        return ERR_BIG;
    for (uint32_t i = 0; i < ret_ack->code_count; i++) {
        uint64_t index = base_cur_varint(&cur);
        ret_ack->codes[i].code = base_cur_u8(&cur);
        ret_ack->codes[i].index = (uint32_t)index;
        if (index >= WIRE_FIGURE_RECORDS)
            base_cur_fail(&cur, ERR_SYNTAX);
    }
    ret_ack->wanted = base_cur_rest(&cur);
    if (!base_cur_ok(&cur))
        return cur.failed;
    base_cur_init(&cur, ret_ack->wanted);
    while (base_cur_left(&cur) > 0 && base_cur_ok(&cur)) {
        base_cur_take(&cur, base_cur_u8(&cur));
        base_cur_u64le(&cur);
    }
    return cur.failed;
}

void
wire_figure_want(struct base_out *out, struct bytes pack, uint64_t shape8)
{
    base_out_u8(out, (uint8_t)pack.size);
    base_out_bytes_add(out, pack);
    base_out_u64le(out, shape8);
}

enum err
wire_figure_wanted(const struct wire_figure_ack *ack, struct bytes pack,
                   uint64_t *ret_shape8)
{
    struct base_cur cur;
    base_cur_init(&cur, ack->wanted);
    while (base_cur_left(&cur) > 0) {
        struct bytes name = base_cur_take(&cur, base_cur_u8(&cur));
        uint64_t shape8 = base_cur_u64le(&cur);
        if (!base_cur_ok(&cur))
            break;
        if (base_bytes_equal(name, pack)) {
            *ret_shape8 = shape8;
            return ERR_OK;
        }
    }
    return ERR_ABSENT;
}
