/* handle_fake.c -- see handle_fake.h. */
#include "handle_fake.h"

#include <stdlib.h>
#include <string.h>

#include "base/base_b64.h"
#include "base/base_mem.h"

struct fake_record {
    unsigned count;
    size_t size;
    uint8_t values[];
};

static struct bytes
fake_fold(struct bytes handle, uint8_t room[2100])
{
    bool bare = base_bytes_find(handle, '/') == handle.size;
    size_t at = bare ? 5 : 0;
    if (handle.size > 2048)
        return (struct bytes){0};
    memcpy(room, "0.NA/", at);
    base_bytes_fold(handle, room + at);
    return base_bytes(room, at + handle.size);
}

static int
fake_order(const void *a, const void *b)
{
    const struct wire_hs_value *x = a, *y = b;
    return x->index < y->index ? -1 : x->index > y->index;
}

void
handle_fake_put(struct ident *ident, const char *handle, struct bytes values,
                unsigned count)
{
    uint8_t room[2100];
    struct wire_hs_value *at = base_mem_new((count + 1) * sizeof *at);
    struct wire_hs_list list = {count, values};
    struct base_out out;
    for (unsigned i = 0; i < count; i++)
        if (!wire_hs_next(&list, &at[i]))
            abort();
    qsort(at, count, sizeof *at, fake_order);
    struct fake_record *record = base_mem_new(sizeof *record + values.size);
    base_out_fixed(&out, record->values, values.size);
    for (unsigned i = 0; i < count; i++)
        wire_hs_write_value(&out, &at[i]);
    record->count = count;
    record->size = values.size;
    base_mem_free(at);
    base_mem_free(base_map_put(
        &ident->records, fake_fold(base_bytes_text(handle), room), record));
}

void
handle_fake_load(struct ident *ident, const json_t *server)
{
    json_t *row, *hex;
    size_t i, k;
    json_array_foreach(json_object_get(server, "handles"), i, row)
    {
        struct base_out out;
        base_out_grow(&out, 1 << 20);
        json_array_foreach(json_object_get(row, "values_hex"), k, hex)
        {
            const char *text = json_string_value(hex);
            uint8_t *at = base_out_space(&out, strlen(text) / 2);
            if (base_b64_unhex(base_bytes_text(text), at, strlen(text) / 2) !=
                ERR_OK)
                abort();
        }
        handle_fake_put(ident,
                        json_string_value(json_object_get(row, "handle")),
                        base_out_bytes(&out), (unsigned)k);
        base_out_done(&out);
    }
}

void
handle_fake_done(struct ident *ident)
{
    struct bytes key;
    void *value;
    for (size_t i = 0; base_map_next(&ident->records, &i, &key, &value);)
        base_mem_free(value);
    base_map_done(&ident->records);
}

/* --- answering --- */

static bool
fake_wanted(const struct ident_resolve *call, const struct wire_hs_value *value)
{
    bool all = call->index_count == 0 && call->type_count == 0;
    for (unsigned i = 0; i < call->index_count; i++)
        all |= call->indexes[i] == value->index;
    for (unsigned i = 0; i < call->type_count; i++)
        all |= wire_hs_type_matches(call->types[i], value->type);
    return all;
}

/* Those wanted, or why not. */
static enum ident_code
fake_select(struct ident_resolve *call, struct wire_hs_list from)
{
    struct wire_hs_value value;
    struct base_out out;
    enum ident_code code = IDENT_CODE_OK;
    base_out_grow(&out, 1 << 20);
    while (wire_hs_next(&from, &value)) {
        bool open = value.permissions & WIRE_HS_PUBLIC_READ;
        if (!fake_wanted(call, &value) || (!open && call->public_only))
            continue;
        if (!open && !(value.permissions & WIRE_HS_ADMIN_READ))
            code = IDENT_CODE_NO_ACCESS;
        else if (!open && code == IDENT_CODE_OK)
            code = IDENT_CODE_AUTHENTICATE;
        wire_hs_write_value(&out, &value);
        call->values.count++;
    }
    if (call->values.count == 0)
        code = IDENT_CODE_NO_VALUES;
    if (code == IDENT_CODE_OK)
        call->values.raw = base_arena_bytes(&call->arena, base_out_bytes(&out));
    base_out_done(&out);
    return code;
}

/* 303 with the values of the nearest prefix that delegates, or 100. */
static enum ident_code
fake_absent(struct ident *ident, struct ident_resolve *call,
            struct bytes folded)
{
    static const char *const types[] = {"HS_SITE.PREFIX", "HS_SERV.PREFIX"};
    struct bytes wanted[2], rest = folded;
    if (!base_bytes_starts(folded, base_bytes_text("0.NA/")) ||
        call->no_referral)
        return IDENT_CODE_ABSENT;
    for (unsigned i = 0; i < 2; i++)
        wanted[i] = base_bytes_text(types[i]);
    struct fake_record *record = NULL;
    while (!record && rest.size > 5) {
        while (rest.size > 5 && rest.at[rest.size - 1] != '.')
            rest.size--;
        rest.size--;
        record = base_map_get(&ident->records, rest);
    }
    if (!record)
        return IDENT_CODE_ABSENT;
    call->types = wanted;
    call->type_count = 2;
    call->index_count = 0;
    struct wire_hs_list list = {record->count,
                                base_bytes(record->values, record->size)};
    return fake_select(call, list) == IDENT_CODE_OK ? IDENT_CODE_PREFIX_REFERRAL
                                                    : IDENT_CODE_ABSENT;
}

static void
fake_answer(struct ident *ident, struct ident_resolve *call)
{
    uint8_t room[2100];
    struct bytes folded = fake_fold(call->handle, room);
    struct bytes prefix =
        base_bytes_slice(folded, 0, base_bytes_find(folded, '/'));
    struct fake_record *record = base_map_get(&ident->records, folded);
    call->message = "";
    call->authoritative = true;
    if (record)
        call->code = fake_select(
            call, (struct wire_hs_list){
                      record->count, base_bytes(record->values, record->size)});
    else if (base_bytes_is(prefix, ident->homed))
        call->code = fake_absent(ident, call, folded);
    else
        call->code = IDENT_CODE_ELSEWHERE;
    call->done(call);
}

void
ident_resolve(struct ident *ident, struct ident_resolve *call)
{
    base_arena_init(&call->arena, IDENT_RESOLVE_ARENA);
    call->values = (struct wire_hs_list){0};
    if (base_bytes_is(call->handle, "0.NA/own")) { /* the door itself */
        fake_answer(ident, call);
        return;
    }
    ident->asked++;
    ident->last = *call;
    if (!ident->hold) {
        fake_answer(ident, call);
        return;
    }
    call->task.next = ident->held ? &ident->held->task : NULL;
    ident->held = call;
}

/* The last question first: so that a door that mixes them up is seen. */
void
handle_fake_release(struct ident *ident)
{
    ident->hold = false;
    while (ident->held) {
        struct ident_resolve *call = ident->held;
        struct base_task *next = call->task.next;
        ident->held =
            next ? BASE_OUTER(next, struct ident_resolve, task) : NULL;
        fake_answer(ident, call);
    }
}

void
ident_resolve_done(struct ident_resolve *call)
{
    base_arena_done(&call->arena);
}
