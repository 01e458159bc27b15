/* wire_return.c -- see wire_return.h. */
#include "wire/return/wire_return.h"

enum { RETURN_VERSION = 1, RETURN_ED25519 = 1 };

static const char *const return_reasons[WIRE_RETURN_REASONS] = {
    "first", "error", "audit",    "reclassified",
    "late",  "moved", "restated", "void",
};

const char *
wire_return_reason_name(uint8_t reason)
{
    return reason < WIRE_RETURN_REASONS ? return_reasons[reason] : "unknown";
}

const char *
wire_return_verdict_name(uint8_t verdict)
{
    return verdict == WIRE_RETURN_ACCEPTED  ? "accepted"
           : verdict == WIRE_RETURN_QUERIED ? "queried"
                                            : "unknown";
}

void
wire_return_signed(struct base_out *out, bool receipt,
                   struct bytes unsigned_part)
{
    base_out_text(out, receipt ? "dougong receipt 1" : "dougong return 1");
    base_out_u8(out, 0);
    base_out_bytes_add(out, unsigned_part);
}

static size_t
return_texts_size(const struct wire_return *ret)
{
    size_t size = 0;
    for (unsigned i = 0; i < ret->text_count; i++) {
        size += ret->texts[i].check < 128 ? 3U : 4U;
        size += ret->texts[i].text.size;
    }
    return size;
}

void
wire_return_write(struct base_out *out, const struct wire_return *ret)
{
    base_out_text(out, "DGR1");
    base_out_u8(out, RETURN_VERSION);
    base_out_u8(out, RETURN_ED25519);
    base_out_u16le(out, (uint16_t)ret->item_count);
    base_out_u64le(out, ret->shape);
    base_out_u32le(out, ret->window);
    base_out_u32le(out, ret->epoch);
    base_out_u32le(out, ret->revision);
    base_out_u8(out, ret->reason);
    base_out_u8(out, (uint8_t)ret->unit.size);
    base_out_u16le(out, (uint16_t)return_texts_size(ret));
    base_out_u64le(out, (uint64_t)ret->filed_ms);
    base_out_bytes_add(out, ret->unit);
    for (unsigned i = 0; i < ret->item_count; i += 8)
        base_out_u8(out, (uint8_t)(ret->mask >> i));
    for (unsigned i = 0; i < ret->item_count; i++)
        if (ret->mask >> i & 1)
            base_out_zigzag(out, ret->values[i]);
    for (unsigned i = 0; i < ret->text_count; i++) {
        base_out_varint(out, ret->texts[i].check);
        base_out_u16le(out, (uint16_t)ret->texts[i].text.size);
        base_out_bytes_add(out, ret->texts[i].text);
    }
    base_out_u64le(out, ret->key_id);
}

static void
return_texts(struct base_cur *cur, size_t size, struct wire_return *ret)
{
    struct base_cur texts;
    struct bytes all = base_cur_take(cur, size);
    base_cur_init(&texts, all);
    while (base_cur_ok(&texts) && base_cur_left(&texts) > 0) {
        uint64_t check = base_cur_varint(&texts);
        struct bytes text = base_cur_take(&texts, base_cur_u16le(&texts));
        bool order = ret->text_count == 0 ||
                     check > ret->texts[ret->text_count - 1].check;
        if (!base_cur_ok(&texts))
            break;
        if (ret->text_count == WIRE_RETURN_TEXTS || check >= 1 << 14 ||
            text.size > WIRE_RETURN_TEXT_MAX || !order) {
            base_cur_fail(&texts, ERR_SYNTAX);
            break;
        }
        ret->texts[ret->text_count].check = (uint32_t)check;
        ret->texts[ret->text_count++].text = text;
    }
    if (!base_cur_ok(&texts))
        base_cur_fail(cur, texts.failed);
}

static void
return_values(struct base_cur *cur, struct wire_return *ret)
{
    for (unsigned i = 0; i < ret->item_count; i += 8)
        ret->mask |= (uint64_t)base_cur_u8(cur) << i;
    if (ret->item_count < WIRE_RETURN_ITEMS && ret->mask >> ret->item_count)
        base_cur_fail(cur, ERR_SYNTAX);
    for (unsigned i = 0; i < ret->item_count && base_cur_ok(cur); i++)
        if (ret->mask >> i & 1)
            ret->values[i] = base_cur_zigzag(cur);
}

/* The four letters and the version. */
static enum err
return_magic(struct base_cur *cur, const char *magic)
{
    struct bytes found = base_cur_take(cur, 4);
    uint8_t version = base_cur_u8(cur);
    if (!base_cur_ok(cur))
        return cur->failed;
    if (!base_bytes_is(found, magic))
        return ERR_SYNTAX;
    return version == RETURN_VERSION ? ERR_OK : ERR_VERSION;
}

static enum err
return_end(struct base_cur *cur, uint64_t *ret_key, struct bytes *ret_signature)
{
    *ret_key = base_cur_u64le(cur);
    *ret_signature = base_cur_take(cur, WIRE_RETURN_SIGNATURE);
    if (base_cur_ok(cur) && base_cur_left(cur) > 0)
        base_cur_fail(cur, ERR_SYNTAX);
    return cur->failed;
}

enum err
wire_return_read(struct bytes from, struct wire_return *ret_return)
{
    struct wire_return ret = {0};
    struct base_cur cur;
    if (from.size > WIRE_RETURN_MAX)
        return ERR_BIG;
    base_cur_init(&cur, from);
    enum err err = return_magic(&cur, "DGR1");
    if (err != ERR_OK)
        return err;
    uint8_t kind = base_cur_u8(&cur);
    ret.item_count = base_cur_u16le(&cur);
    ret.shape = base_cur_u64le(&cur);
    ret.window = base_cur_u32le(&cur);
    ret.epoch = base_cur_u32le(&cur);
    ret.revision = base_cur_u32le(&cur);
    ret.reason = base_cur_u8(&cur);
    size_t unit = base_cur_u8(&cur), texts = base_cur_u16le(&cur);
    ret.filed_ms = (int64_t)base_cur_u64le(&cur);
    ret.unit = base_cur_take(&cur, unit);
    if (!base_cur_ok(&cur))
        return cur.failed;
    if (kind != RETURN_ED25519 || ret.reason >= WIRE_RETURN_REASONS ||
        unit == 0 || ret.item_count == 0)
        return ERR_SYNTAX;
    if (ret.item_count > WIRE_RETURN_ITEMS)
        return ERR_RANGE;
    return_values(&cur, &ret);
    return_texts(&cur, texts, &ret);
    err = return_end(&cur, &ret.key_id, &ret.signature);
    if (err == ERR_OK)
        *ret_return = ret;
    return err;
}

static void
return_name(struct base_out *out, struct bytes name)
{
    base_out_u8(out, (uint8_t)name.size);
    base_out_bytes_add(out, name);
}

void
wire_return_receipt_write(struct base_out *out,
                          const struct wire_return_receipt *receipt)
{
    base_out_text(out, "DGV1");
    base_out_u8(out, RETURN_VERSION);
    base_out_u8(out, receipt->verdict);
    base_out_u16le(out, (uint16_t)receipt->result_count);
    base_out_bytes_add(out,
                       base_bytes(receipt->sha256, sizeof receipt->sha256));
    base_out_u32le(out, receipt->window);
    base_out_u32le(out, receipt->revision);
    base_out_u64le(out, (uint64_t)receipt->applied_ms);
    return_name(out, receipt->node);
    return_name(out, receipt->unit);
    return_name(out, receipt->pack);
    for (unsigned i = 0; i < receipt->result_count; i++) {
        const struct wire_return_result *one = &receipt->results[i];
        base_out_u16le(out, one->check);
        base_out_u16le(out, one->item);
        base_out_u8(out, one->level);
        base_out_u8(out, one->explained);
    }
    base_out_u64le(out, receipt->key_id);
}

enum err
wire_return_receipt_read(struct bytes from,
                         struct wire_return_receipt *ret_receipt)
{
    struct wire_return_receipt receipt = {0};
    struct base_cur cur;
    if (from.size > WIRE_RETURN_RECEIPT_MAX)
        return ERR_BIG;
    base_cur_init(&cur, from);
    enum err err = return_magic(&cur, "DGV1");
    if (err != ERR_OK)
        return err;
    receipt.verdict = base_cur_u8(&cur);
    receipt.result_count = base_cur_u16le(&cur);
    struct bytes hash = base_cur_take(&cur, sizeof receipt.sha256);
    receipt.window = base_cur_u32le(&cur);
    receipt.revision = base_cur_u32le(&cur);
    receipt.applied_ms = (int64_t)base_cur_u64le(&cur);
    receipt.node = base_cur_take(&cur, base_cur_u8(&cur));
    receipt.unit = base_cur_take(&cur, base_cur_u8(&cur));
    receipt.pack = base_cur_take(&cur, base_cur_u8(&cur));
    if (!base_cur_ok(&cur))
        return cur.failed;
    memcpy(receipt.sha256, hash.at, hash.size);
    if (receipt.verdict != WIRE_RETURN_ACCEPTED &&
        receipt.verdict != WIRE_RETURN_QUERIED)
        return ERR_SYNTAX;
    if (receipt.result_count > WIRE_RETURN_RESULTS)
        return ERR_RANGE;
    for (unsigned i = 0; i < receipt.result_count && base_cur_ok(&cur); i++) {
        receipt.results[i].check = base_cur_u16le(&cur);
        receipt.results[i].item = base_cur_u16le(&cur);
        receipt.results[i].level = base_cur_u8(&cur);
        receipt.results[i].explained = base_cur_u8(&cur);
    }
    err = return_end(&cur, &receipt.key_id, &receipt.signature);
    if (err == ERR_OK)
        *ret_receipt = receipt;
    return err;
}
