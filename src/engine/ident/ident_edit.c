/* ident_edit.c -- see ident_edit.h. */
#include "engine/ident/ident_edit.h"

#include <stdlib.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "engine/ident/ident_inner.h"
#include "wire/figure/wire_unit.h"
#include "wire/handle/wire_hs_admin.h"

enum { EDIT_ARENA = 2 << 20, EDIT_TYPE_MAX = 255 };

struct edit_work {
    struct ident *ident;
    struct ident_edit *edit;
    struct ident_key key;
    struct base_arena arena;
    bool found;
    struct ident_record old, now;
    struct wire_hs_value *given; /* what the caller brings, checked */
    unsigned given_count;
    struct wire_hs_value *all; /* what the record will hold */
    unsigned all_count;
    struct base_out raw; /* all of it, encoded */
};

static const char *const edit_states[] = {
    [IDENT_RESERVED] = "reserved",
    [IDENT_ACTIVE] = "active",
    [IDENT_SUSPENDED] = "suspended",
    [IDENT_RETIRED] = "retired",
};

static const char *
edit_state_name(enum ident_state state)
{
    return (unsigned)state < BASE_COUNT(edit_states) ? edit_states[state] : "?";
}

bool
ident_state_find(struct bytes name, enum ident_state *ret_state)
{
    for (unsigned i = 0; i < BASE_COUNT(edit_states); i++) {
        if (!base_bytes_is(name, edit_states[i]))
            continue;
        *ret_state = (enum ident_state)i;
        return true;
    }
    return false;
}

static enum ident_code
edit_no(struct edit_work *work, enum ident_code code, const char *where,
        const char *text)
{
    base_err_note_at(&work->edit->note, ERR_DENIED, where, 0, 0, "%s", text);
    return code;
}

/* --- the values that the caller brings --- */

static enum ident_code
edit_bad_value(struct edit_work *work, const struct wire_hs_value *value,
               const char *text)
{
    base_err_note_at(&work->edit->note, ERR_SYNTAX, "values", 0, 0,
                     "value %u, type \"%.*s\": %s", value->index,
                     (int)(value->type.size < 64 ? value->type.size : 64),
                     (const char *)value->type.at, text);
    return IDENT_CODE_VALUE_INVALID;
}

static enum ident_code
edit_value_check(struct edit_work *work, const struct wire_hs_value *value)
{
    struct wire_hs_admin admin;
    struct bytes code = ident_record_code(value);
    if (value->index == 0 || value->index > INT32_MAX)
        return edit_bad_value(work, value, "an index is 1 to 2147483647");
    if (value->type.size == 0 || value->type.size > EDIT_TYPE_MAX ||
        !base_bytes_utf8(value->type))
        return edit_bad_value(work, value, "a type is 1 to 255 bytes of UTF-8");
    if (base_bytes_is(value->type, "HS_ADMIN") &&
        wire_hs_admin_read(value->data, &admin) != ERR_OK)
        return edit_bad_value(work, value, "not the data of an HS_ADMIN");
    if (base_bytes_is(value->type, "CLASS") &&
        (value->data.size > WIRE_UNIT_CLASS || !base_bytes_utf8(value->data)))
        return edit_bad_value(work, value,
                              "a class is at most 64 bytes of UTF-8");
    if (code.size > 0 &&
        (!model_attr_key(code) || !model_attr_value(value->data)))
        return edit_bad_value(work, value,
                              "a code is CODE.key: a key of small letters, "
                              "data of letters, digits, _, . and -");
    return IDENT_CODE_OK;
}

static int
edit_by_index(const void *a, const void *b)
{
    const struct wire_hs_value *x = a, *y = b;
    return x->index < y->index ? -1 : x->index > y->index ? 1 : 0;
}

static enum ident_code
edit_given(struct edit_work *work)
{
    struct wire_hs_list list = work->edit->values;
    struct wire_hs_value value;
    uint32_t now_s = (uint32_t)(ident_now(work->ident) / 1000);
    enum ident_code code = IDENT_CODE_OK;
    if (list.count > WIRE_HS_VALUES || list.raw.size > IDENT_VALUES_BYTES)
        return edit_no(work, IDENT_CODE_VALUE_INVALID, "values",
                       "at most 2,048 values and 128 KiB of them");
    work->given =
        base_arena_alloc(&work->arena, (list.count + 1) * sizeof *work->given);
    if (work->given == NULL)
        return edit_no(work, IDENT_CODE_BUSY, "values", "too much at once");
    while (code == IDENT_CODE_OK && wire_hs_next(&list, &value)) {
        code = edit_value_check(work, &value);
        value.timestamp_s = now_s;
        work->given[work->given_count++] = value;
    }
    qsort(work->given, work->given_count, sizeof *work->given, edit_by_index);
    for (unsigned i = 1; code == IDENT_CODE_OK && i < work->given_count; i++)
        if (work->given[i].index == work->given[i - 1].index) {
            edit_bad_value(work, &work->given[i], "an index stands once");
            code = IDENT_CODE_VALUE_EXISTS;
        }
    return code;
}

/* --- what is there --- */

static enum ident_code
edit_find(struct edit_work *work)
{
    struct bytes value;
    enum err err = store_kv_get(store_kv_now(work->ident->config.kv),
                                STORE_TABLE_ID, work->key.key, &value);
    if (err == ERR_ABSENT)
        return IDENT_CODE_OK;
    if (err == ERR_OK) {
        value = base_arena_bytes(&work->arena, value);
        err =
            value.at != NULL ? ident_row_id_read(value, &work->old) : ERR_LIMIT;
    }
    if (err != ERR_OK)
        return edit_no(work, IDENT_CODE_INTERNAL, "id", base_err_text(err));
    work->found = true;
    work->now = work->old;
    struct wire_hs_list list = ident_record_values(&work->old, &work->arena);
    work->all = base_arena_alloc(
        &work->arena, (list.count + work->given_count + 1) * sizeof *work->all);
    if (work->all == NULL)
        return edit_no(work, IDENT_CODE_BUSY, "values", "too much at once");
    while (wire_hs_next(&list, &work->all[work->all_count]))
        work->all_count++;
    return IDENT_CODE_OK;
}

static struct wire_hs_value *
edit_index(struct edit_work *work, uint32_t index)
{
    struct wire_hs_value asked = {.index = index};
    return bsearch(&asked, work->all, work->all_count, sizeof *work->all,
                   edit_by_index);
}

static enum ident_code
edit_absent(struct edit_work *work)
{
    return edit_no(work, IDENT_CODE_ABSENT, "id", "not registered");
}

/* --- the operations --- */

static enum ident_code
edit_room(struct edit_work *work)
{
    const struct ident_served *served = work->key.served;
    if (served->quota == 0 || served->count < served->quota)
        return IDENT_CODE_OK;
    base_err_note_at(&work->edit->note, ERR_LIMIT, "id", 0, 0,
                     "%s may have %u names and has them", served->name,
                     served->quota);
    return IDENT_CODE_NO_ACCESS;
}

static enum ident_code
edit_create(struct edit_work *work)
{
    struct ident_edit *edit = work->edit;
    bool taken = work->found && work->old.state != IDENT_RESERVED;
    if (taken && (!edit->overwrite || work->old.state == IDENT_RETIRED))
        return edit_no(work, IDENT_CODE_EXISTS, "id",
                       work->old.state == IDENT_RETIRED
                           ? "retired: its name is never given again"
                           : "exists already");
    enum ident_code code = work->found ? IDENT_CODE_OK : edit_room(work);
    if (code != IDENT_CODE_OK)
        return code;
    if (!work->found) {
        work->now.id = edit->id;
        work->now.made_ms = ident_now(work->ident);
    }
    if (!taken)
        work->now.state =
            edit->state == IDENT_RESERVED ? IDENT_RESERVED : IDENT_ACTIVE;
    edit->made = !work->found;
    work->all = work->given;
    work->all_count = work->given_count;
    return IDENT_CODE_OK;
}

static enum ident_code
edit_add(struct edit_work *work)
{
    unsigned before = work->all_count;
    if (!work->found)
        return edit_absent(work);
    if (work->given_count == 0)
        return edit_no(work, IDENT_CODE_VALUE_INVALID, "values",
                       "there are none to add");
    for (unsigned i = 0; i < work->given_count; i++) {
        work->all_count = before; /* look among the old ones only */
        struct wire_hs_value *old = edit_index(work, work->given[i].index);
        if (old != NULL && !work->edit->overwrite) {
            edit_bad_value(work, old, "there is one of this index");
            return IDENT_CODE_VALUE_EXISTS;
        }
    }
    unsigned more = 0;
    for (unsigned i = 0; i < work->given_count; i++) {
        struct wire_hs_value *old = edit_index(work, work->given[i].index);
        struct wire_hs_value *to = old ? old : &work->all[before + more++];
        *to = work->given[i];
    }
    work->all_count = before + more;
    qsort(work->all, work->all_count, sizeof *work->all, edit_by_index);
    return IDENT_CODE_OK;
}

static enum ident_code
edit_modify(struct edit_work *work)
{
    if (!work->found)
        return edit_absent(work);
    for (unsigned i = 0; i < work->given_count; i++) {
        struct wire_hs_value *old = edit_index(work, work->given[i].index);
        if (old == NULL) {
            edit_bad_value(work, &work->given[i], "there is none to modify");
            return IDENT_CODE_NO_VALUES;
        }
        if (!(old->permissions & WIRE_HS_ADMIN_WRITE)) {
            edit_bad_value(work, old, "its permissions forbid changes");
            return IDENT_CODE_NO_ACCESS;
        }
        *old = work->given[i];
    }
    return IDENT_CODE_OK;
}

static enum ident_code
edit_remove(struct edit_work *work)
{
    struct ident_edit *edit = work->edit;
    if (!work->found)
        return edit_absent(work);
    for (unsigned i = 0; i < edit->index_count; i++) {
        struct wire_hs_value *old = edit_index(work, edit->indexes[i]);
        if (old == NULL)
            return edit_no(work, IDENT_CODE_NO_VALUES, "index",
                           "no value of this index; nothing was removed");
        memmove(old, old + 1,
                (size_t)(work->all + work->all_count - (old + 1)) *
                    sizeof *old);
        work->all_count--;
    }
    if (work->all_count == 0)
        return edit_no(work, IDENT_CODE_VALUE_INVALID, "index",
                       "a value must be left: delete the identifier instead");
    return IDENT_CODE_OK;
}

static enum ident_code
edit_delete(struct edit_work *work)
{
    if (!work->found)
        return edit_absent(work);
    if (work->old.state == IDENT_RETIRED)
        return edit_no(work, IDENT_CODE_NO_ACCESS, "id",
                       "retired: its name is never given again");
    work->now.state = IDENT_RETIRED; /* for the unit: inactive */
    work->all_count = 0;
    return IDENT_CODE_OK;
}

static enum ident_code
edit_state(struct edit_work *work)
{
    static const uint8_t next[4] = {
        /* from each, a bit for each to */
        [IDENT_RESERVED] = 1 << IDENT_ACTIVE,
        [IDENT_ACTIVE] = 1 << IDENT_SUSPENDED | 1 << IDENT_RETIRED,
        [IDENT_SUSPENDED] = 1 << IDENT_ACTIVE | 1 << IDENT_RETIRED,
        [IDENT_RETIRED] = 0,
    };
    struct ident_edit *edit = work->edit;
    if (!work->found)
        return edit_absent(work);
    if (edit->state != work->old.state &&
        !(next[work->old.state & 3] >> edit->state & 1)) {
        base_err_note_at(&edit->note, ERR_CONFLICT, "state", 0, 0,
                         "from %s it cannot become %s",
                         edit_state_name(work->old.state),
                         edit_state_name(edit->state));
        return IDENT_CODE_NO_ACCESS;
    }
    work->now.state = edit->state;
    work->now.why = base_bytes_slice(edit->why, 0, 255);
    return IDENT_CODE_OK;
}

/* --- writing it --- */

static void
edit_encode(struct edit_work *work)
{
    base_out_grow(&work->raw, IDENT_VALUES_BYTES + 1024);
    for (unsigned i = 0; i < work->all_count; i++)
        wire_hs_write_value(&work->raw, &work->all[i]);
    work->now.values =
        (struct wire_hs_list){work->all_count, base_out_bytes(&work->raw)};
}

static enum ident_code
edit_write(struct edit_work *work, struct store_journal_wait *wait)
{
    struct ident_edit *edit = work->edit;
    uint8_t room[MODEL_ATTR_MAX];
    struct base_out codes;
    base_out_fixed(&codes, room, sizeof room);
    base_out_text(&codes, work->key.served->attributes);
    edit_encode(work);
    ident_record_unit(work->now.values, &work->now.class_name, &codes);
    if (!base_out_ok(&work->raw) || work->raw.size > IDENT_VALUES_BYTES)
        return edit_no(work, IDENT_CODE_VALUE_INVALID, "values",
                       "at most 128 KiB of values");
    work->now.changed_ms = ident_now(work->ident);
    work->now.revision = work->old.revision + 1;
    edit->revision = work->now.revision;
    enum err err = ident_id_write(work->ident, &work->key, &work->now,
                                  edit->op == IDENT_OP_DELETE,
                                  base_out_bytes(&codes), wait);
    if (err == ERR_OK)
        return IDENT_CODE_OK;
    edit_no(work, IDENT_CODE_BUSY, "", base_err_text(err));
    return err == ERR_FULL || err == ERR_IO ? IDENT_CODE_READ_ONLY
                                            : IDENT_CODE_BUSY;
}

/* --- one after the other --- */

static const struct {
    bool values; /* it brings some */
    enum ident_code (*run)(struct edit_work *work);
} edit_ops[IDENT_OPS] = {
    [IDENT_OP_CREATE] = {true, edit_create},
    [IDENT_OP_ADD] = {true, edit_add},
    [IDENT_OP_MODIFY] = {true, edit_modify},
    [IDENT_OP_REMOVE] = {false, edit_remove},
    [IDENT_OP_DELETE] = {false, edit_delete},
    [IDENT_OP_STATE] = {false, edit_state},
};

static enum ident_code
edit_key(struct edit_work *work)
{
    enum err err = ident_id_key(work->ident, work->edit->id, &work->key);
    if (err == ERR_DENIED)
        return edit_no(work, IDENT_CODE_ELSEWHERE, "id",
                       "its prefix is not served by this node");
    if (err != ERR_OK)
        return edit_no(work, IDENT_CODE_INVALID, "id",
                       err == ERR_SYNTAX ? "not UTF-8"
                       : err == ERR_BIG
                           ? "over 255 bytes"
                           : "not PREFIX/SUFFIX: a prefix of labels parted by "
                             "dots, a slash, a name");
    if (work->key.served->state != IDENT_PREFIX_ACTIVE)
        return edit_no(work, IDENT_CODE_ELSEWHERE, "id",
                       "its prefix is suspended or revoked");
    if (work->key.served->moving)
        return edit_no(work, IDENT_CODE_READ_ONLY, "id",
                       "its prefix moves to its own node: change it there");
    return IDENT_CODE_OK;
}

static enum ident_code
edit_if(struct edit_work *work)
{
    const struct ident_edit *edit = work->edit;
    if (edit->if_absent && work->found)
        return edit_no(work, IDENT_CODE_EXISTS, "if", "exists already");
    if (edit->if_revision != 0 && work->old.revision != edit->if_revision)
        return edit_no(work, IDENT_CODE_EXISTS, "if",
                       "it has another revision by now");
    return IDENT_CODE_OK;
}

void
ident_edit(struct ident *ident, struct ident_edit *edit,
           struct store_journal_wait *wait)
{
    struct edit_work work = {.ident = ident, .edit = edit};
    edit->made = false;
    edit->note = (struct base_note){0};
    base_arena_init(&work.arena, EDIT_ARENA);
    edit->code = edit_key(&work);
    if (edit->code == IDENT_CODE_OK && edit_ops[edit->op].values)
        edit->code = edit_given(&work);
    if (edit->code == IDENT_CODE_OK)
        edit->code = edit_find(&work);
    if (edit->code == IDENT_CODE_OK)
        edit->code = edit_if(&work);
    if (edit->code == IDENT_CODE_OK)
        edit->code = edit_ops[edit->op].run(&work);
    if (edit->code == IDENT_CODE_OK)
        edit->code = edit_write(&work, wait);
    base_out_done(&work.raw);
    base_arena_done(&work.arena);
}
