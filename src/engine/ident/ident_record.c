/* ident_record.c -- a record's values: made up, chosen from. */
#include "base/base_must.h"
#include "engine/ident/ident_inner.h"
#include "wire/handle/wire_hs_admin.h"

enum {
    RECORD_CLASS_INDEX = 1,
    RECORD_ADMIN_INDEX = 100,
    RECORD_KEY_INDEX = 300,
    RECORD_RIGHTS = 0x0FFF, /* all twelve */
    RECORD_MADE_UP = 1024,
};

enum err
ident_record_name(struct bytes handle, struct base_arena *arena,
                  struct bytes *ret_folded)
{
    if (handle.size == 0 || handle.size > IDENT_HANDLE_MAX ||
        !base_bytes_utf8(handle))
        return ERR_NAME;
    bool bare = base_bytes_find(handle, '/') == handle.size;
    size_t head = bare ? sizeof "0.NA/" - 1 : 0;
    uint8_t *at = base_arena_alloc(arena, head + handle.size);
    if (at == NULL)
        return ERR_LIMIT;
    memcpy(at, "0.NA/", head);
    base_bytes_fold(handle, at + head);
    *ret_folded = base_bytes(at, head + handle.size);
    return ERR_OK;
}

/* --- made up --- */

static struct wire_hs_value
record_value(const struct ident_record *record, uint32_t index,
             const char *type, struct bytes data)
{
    return (struct wire_hs_value){
        .index = index,
        .timestamp_s = (uint32_t)(record->made_ms / 1000),
        .ttl_s = WIRE_HS_TTL_S,
        .permissions = WIRE_HS_USUAL,
        .type = base_bytes_text(type),
        .data = data,
    };
}

static void
record_admin(const struct ident_record *record, struct base_out *out)
{
    uint8_t home[MODEL_ID_MAX + 5], data[MODEL_ID_MAX + 16];
    struct base_out name, value;
    size_t slash = base_bytes_find(record->id, '/');
    base_out_fixed(&name, home, sizeof home);
    base_out_text(&name, "0.NA/");
    base_out_bytes_add(&name, base_bytes_slice(record->id, 0, slash));
    base_out_fixed(&value, data, sizeof data);
    wire_hs_admin_write(&value,
                        &(struct wire_hs_admin){
                            .rights = RECORD_RIGHTS,
                            .who = {base_out_bytes(&name), RECORD_KEY_INDEX},
                        });
    struct wire_hs_value admin = record_value(
        record, RECORD_ADMIN_INDEX, "HS_ADMIN", base_out_bytes(&value));
    wire_hs_write_value(out, &admin);
}

struct wire_hs_list
ident_record_values(const struct ident_record *record, struct base_arena *arena)
{
    struct wire_hs_list list = record->values;
    uint8_t *room;
    struct base_out out;
    if (list.count > 0 ||
        (room = base_arena_alloc(arena, RECORD_MADE_UP)) == NULL)
        return list;
    base_out_fixed(&out, room, RECORD_MADE_UP);
    if (record->class_name.size > 0) {
        struct wire_hs_value class = record_value(record, RECORD_CLASS_INDEX,
                                                  "CLASS", record->class_name);
        wire_hs_write_value(&out, &class);
        list.count++;
    }
    record_admin(record, &out);
    list.count++;
    must(base_out_ok(&out));
    list.raw = base_out_bytes(&out);
    return list;
}

/* --- what it is --- */

struct bytes
ident_record_code(const struct wire_hs_value *value)
{
    enum { HEAD = sizeof "CODE." - 1 };
    if (value->type.size <= HEAD || memcmp(value->type.at, "CODE.", HEAD) != 0)
        return (struct bytes){0};
    return base_bytes_slice(value->type, HEAD, value->type.size - HEAD);
}

static void
record_pair(struct bytes key, struct bytes code, struct base_out *codes)
{
    uint8_t room[MODEL_ATTR_MAX], line[2 * MODEL_ATTR_PART + 1];
    struct base_out pair, merged;
    base_out_fixed(&pair, line, sizeof line);
    base_out_bytes_add(&pair, key);
    base_out_u8(&pair, '=');
    base_out_bytes_add(&pair, code);
    base_out_fixed(&merged, room, sizeof room);
    model_attr_merge(base_out_bytes(codes), base_out_bytes(&pair), &merged);
    if (!base_out_ok(&merged) ||
        model_attr_check(base_out_bytes(&merged)) != ERR_OK)
        return; /* beyond sixteen: the first ones count */
    base_out_reset(codes);
    base_out_bytes_add(codes, base_out_bytes(&merged));
}

void
ident_record_unit(struct wire_hs_list values, struct bytes *ret_class,
                  struct base_out *codes)
{
    struct wire_hs_value value;
    bool found = false;
    *ret_class = (struct bytes){0};
    while (wire_hs_next(&values, &value)) {
        struct bytes key = ident_record_code(&value);
        if (!found && base_bytes_is(value.type, "CLASS")) {
            *ret_class = value.data;
            found = true;
        }
        if (key.size > 0)
            record_pair(key, value.data, codes);
    }
}

/* --- chosen from --- */

static bool
record_asked(const struct ident_resolve *call,
             const struct wire_hs_value *value)
{
    if (call->index_count == 0 && call->type_count == 0)
        return true;
    for (unsigned i = 0; i < call->index_count; i++)
        if (call->indexes[i] == value->index)
            return true;
    for (unsigned i = 0; i < call->type_count; i++)
        if (wire_hs_type_matches(call->types[i], value->type))
            return true;
    return false;
}

/* The worst that a value means to this asker; OK: it may be shown. */
static enum ident_code
record_judge(const struct ident_resolve *call,
             const struct wire_hs_value *value)
{
    if (value->permissions & WIRE_HS_PUBLIC_READ)
        return IDENT_CODE_OK;
    if (call->public_only)
        return IDENT_CODE_NO_VALUES; /* dropped */
    if (!(value->permissions & WIRE_HS_ADMIN_READ))
        return IDENT_CODE_NO_ACCESS;
    return call->reader ? IDENT_CODE_OK : IDENT_CODE_AUTHENTICATE;
}

/* 401 outranks 402, whichever comes first. */
static enum ident_code
record_worse(enum ident_code a, enum ident_code b)
{
    if (b == IDENT_CODE_NO_ACCESS || a == IDENT_CODE_OK)
        return b;
    return a;
}

enum ident_code
ident_record_select(struct ident_resolve *call, struct wire_hs_list all)
{
    struct wire_hs_value value;
    struct base_out out;
    enum ident_code worst = IDENT_CODE_OK;
    call->values = (struct wire_hs_list){0};
    if (all.raw.size == 0)
        return IDENT_CODE_NO_VALUES;
    uint8_t *room = base_arena_alloc(&call->arena, all.raw.size);
    if (room == NULL)
        return IDENT_CODE_BUSY;
    base_out_fixed(&out, room, all.raw.size);
    for (const uint8_t *from = all.raw.at; wire_hs_next(&all, &value);
         from = all.raw.at) {
        if (!record_asked(call, &value))
            continue;
        enum ident_code code = record_judge(call, &value);
        if (code == IDENT_CODE_NO_VALUES)
            continue;
        worst = record_worse(worst, code);
        base_out_bytes_add(&out, base_bytes(from, (size_t)(all.raw.at - from)));
        call->values.count++;
    }
    if (worst != IDENT_CODE_OK)
        call->values.count = 0;
    else if (call->values.count == 0)
        worst = IDENT_CODE_NO_VALUES;
    call->values.raw = base_bytes(room, call->values.count == 0 ? 0 : out.size);
    return worst;
}
