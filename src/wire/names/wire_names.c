/* wire_names.c -- see wire_names.h. */
#include "wire/names/wire_names.h"

enum {
    NAMES_VERSION = 1,
    NAMES_PREFIX_VERSION = 2,
    NAMES_AUTHORITY = 1,
    NAMES_KEEPS = 2,
    NAMES_FROM_OWNER = 1,
};

/* A short text; one that is longer fails the whole. */
static void
names_text(struct base_out *out, struct bytes text)
{
    if (text.size > 255 && base_out_ok(out))
        out->failed = ERR_BIG;
    base_out_u8(out, (uint8_t)text.size);
    base_out_bytes_add(out, text);
}

static struct bytes
names_take(struct base_cur *cur)
{
    return base_cur_take(cur, base_cur_u8(cur));
}

static void
names_version(struct base_cur *cur, uint8_t known)
{
    if (base_cur_u8(cur) != known)
        base_cur_fail(cur, ERR_VERSION);
}

static enum err
names_end(struct base_cur *cur)
{
    if (base_cur_ok(cur) && base_cur_left(cur) > 0)
        return ERR_SYNTAX;
    return cur->failed;
}

void
wire_names_question_write(struct base_out *out,
                          const struct wire_names_question *question)
{
    base_out_u8(out, NAMES_VERSION);
    base_out_u8(out, (uint8_t)((question->authority ? NAMES_AUTHORITY : 0) |
                               (question->keeps ? NAMES_KEEPS : 0)));
    base_out_u8(out, question->count);
    base_out_u16le(out, (uint16_t)question->handle.size);
    base_out_bytes_add(out, question->handle);
}

enum err
wire_names_question_read(struct bytes body,
                         struct wire_names_question *ret_question)
{
    struct base_cur cur;
    base_cur_init(&cur, body);
    names_version(&cur, NAMES_VERSION);
    uint8_t flags = base_cur_u8(&cur);
    ret_question->authority = flags & NAMES_AUTHORITY;
    ret_question->keeps = flags & NAMES_KEEPS;
    ret_question->count = base_cur_u8(&cur);
    ret_question->handle = base_cur_take(&cur, base_cur_u16le(&cur));
    if (flags & ~(NAMES_AUTHORITY | NAMES_KEEPS))
        base_cur_fail(&cur, ERR_SYNTAX);
    return names_end(&cur);
}

void
wire_names_answer_write(struct base_out *out,
                        const struct wire_names_answer *answer)
{
    base_out_u8(out, NAMES_VERSION);
    base_out_u8(out, answer->authoritative ? NAMES_FROM_OWNER : 0);
    base_out_u16le(out, answer->code);
    names_text(out, answer->registered);
    names_text(out, base_bytes_slice(answer->message, 0, 255));
    base_out_u8(out, (uint8_t)answer->hop_count);
    for (unsigned i = 0; i < answer->hop_count; i++) {
        names_text(out, answer->hops[i].node);
        names_text(out, answer->hops[i].what);
        base_out_u32le(out, answer->hops[i].ms);
    }
    wire_hs_write_list(out, &answer->values);
}

enum err
wire_names_answer_read(struct bytes body, struct wire_names_answer *ret_answer)
{
    struct base_cur cur;
    base_cur_init(&cur, body);
    names_version(&cur, NAMES_VERSION);
    uint8_t flags = base_cur_u8(&cur);
    ret_answer->authoritative = flags & NAMES_FROM_OWNER;
    ret_answer->code = base_cur_u16le(&cur);
    ret_answer->registered = names_take(&cur);
    ret_answer->message = names_take(&cur);
    ret_answer->hop_count = base_cur_u8(&cur);
    if (ret_answer->hop_count > WIRE_NAMES_HOPS || flags > NAMES_FROM_OWNER)
        base_cur_fail(&cur, ERR_SYNTAX);
    for (unsigned i = 0; base_cur_ok(&cur) && i < ret_answer->hop_count; i++) {
        ret_answer->hops[i].node = names_take(&cur);
        ret_answer->hops[i].what = names_take(&cur);
        ret_answer->hops[i].ms = base_cur_u32le(&cur);
    }
    if (base_cur_ok(&cur))
        wire_hs_read_list(&cur, &ret_answer->values);
    return names_end(&cur);
}

void
wire_names_prefix_write(struct base_out *out,
                        const struct wire_names_prefix *prefix)
{
    base_out_u8(out, NAMES_PREFIX_VERSION);
    base_out_u8(out, prefix->state);
    base_out_bytes_add(out, base_bytes(prefix->pin, sizeof prefix->pin));
    names_text(out, prefix->name);
    names_text(out, prefix->host);
    base_out_u16le(out, (uint16_t)prefix->attributes.size);
    base_out_bytes_add(out, prefix->attributes);
    wire_hs_write_list(out, &prefix->values);
}

enum err
wire_names_prefix_read(struct bytes body, struct wire_names_prefix *ret_prefix)
{
    struct base_cur cur;
    *ret_prefix = (struct wire_names_prefix){0};
    base_cur_init(&cur, body);
    uint8_t version = base_cur_u8(&cur);
    ret_prefix->state = base_cur_u8(&cur);
    struct bytes pin = base_cur_take(&cur, sizeof ret_prefix->pin);
    if (pin.size == sizeof ret_prefix->pin)
        memcpy(ret_prefix->pin, pin.at, pin.size);
    if (version == NAMES_PREFIX_VERSION) {
        ret_prefix->name = names_take(&cur);
        ret_prefix->host = names_take(&cur);
        ret_prefix->attributes = base_cur_take(&cur, base_cur_u16le(&cur));
        if (base_cur_ok(&cur))
            wire_hs_read_list(&cur, &ret_prefix->values);
    } else if (version == NAMES_VERSION) {
        ret_prefix->name = base_cur_rest(&cur);
    } else {
        base_cur_fail(&cur, ERR_VERSION);
    }
    return names_end(&cur);
}

void
wire_names_site_write(struct base_out *out, const struct wire_names_site *site)
{
    base_out_u8(out, NAMES_VERSION);
    names_text(out, site->name);
    wire_hs_write_list(out, &site->values);
}

enum err
wire_names_site_read(struct bytes body, struct wire_names_site *ret_site)
{
    struct base_cur cur;
    base_cur_init(&cur, body);
    names_version(&cur, NAMES_VERSION);
    ret_site->name = names_take(&cur);
    if (base_cur_ok(&cur))
        wire_hs_read_list(&cur, &ret_site->values);
    return names_end(&cur);
}

void
wire_names_change_write(struct base_out *out,
                        const struct wire_names_change *change)
{
    names_text(out, change->prefix);
    base_out_u64le(out, change->hash);
}

void
wire_names_hint_write(struct base_out *out, const struct wire_names_hint *hint)
{
    base_out_u8(out, NAMES_VERSION);
    base_out_u64le(out, hint->boot);
    base_out_u64le(out, hint->seq);
    base_out_u16le(out, (uint16_t)hint->count);
    base_out_bytes_add(out, hint->changes);
}

static void
names_change(struct base_cur *cur, struct wire_names_change *ret_change)
{
    ret_change->prefix = names_take(cur);
    ret_change->hash = base_cur_u64le(cur);
}

enum err
wire_names_hint_read(struct bytes body, struct wire_names_hint *ret_hint)
{
    struct base_cur cur;
    struct wire_names_change change;
    base_cur_init(&cur, body);
    names_version(&cur, NAMES_VERSION);
    ret_hint->boot = base_cur_u64le(&cur);
    ret_hint->seq = base_cur_u64le(&cur);
    ret_hint->count = base_cur_u16le(&cur);
    if (ret_hint->count > WIRE_NAMES_CHANGES)
        base_cur_fail(&cur, ERR_SYNTAX);
    ret_hint->changes = base_bytes(cur.at, base_cur_left(&cur));
    for (unsigned i = 0; base_cur_ok(&cur) && i < ret_hint->count; i++)
        names_change(&cur, &change);
    return names_end(&cur);
}

bool
wire_names_change_next(struct wire_names_hint *hint,
                       struct wire_names_change *ret_change)
{
    struct base_cur cur;
    if (hint->count == 0)
        return false;
    base_cur_init(&cur, hint->changes);
    names_change(&cur, ret_change);
    hint->changes = base_cur_rest(&cur);
    hint->count--;
    return true;
}
