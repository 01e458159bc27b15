/* ident_resolve.c -- see ident_resolve.h. */
#include "engine/ident/ident_resolve.h"

#include "base/base_must.h"
#include "engine/ident/ident_inner.h"

const char *
ident_resolve_text(enum ident_code code)
{
    static const struct {
        enum ident_code code;
        const char *text;
    } table[] = {
        {IDENT_CODE_OK, "ok"},
        {IDENT_CODE_INTERNAL, "an error of this node"},
        {IDENT_CODE_BUSY, "no answer can be had now: try again"},
        {IDENT_CODE_MALFORMED, "the message is not well formed"},
        {IDENT_CODE_UNKNOWN_OP, "this operation is not offered here"},
        {IDENT_CODE_LOOP, "asked around in a circle"},
        {IDENT_CODE_READ_ONLY, "this node takes no changes now"},
        {IDENT_CODE_ABSENT, "not found"},
        {IDENT_CODE_EXISTS, "exists already"},
        {IDENT_CODE_INVALID, "not a well formed identifier"},
        {IDENT_CODE_NO_VALUES, "no such values"},
        {IDENT_CODE_VALUE_EXISTS, "a value of this index exists already"},
        {IDENT_CODE_VALUE_INVALID, "a value is not well formed"},
        {IDENT_CODE_ELSEWHERE, "no node known here serves this prefix"},
        {IDENT_CODE_REFERRAL, "ask the sites given"},
        {IDENT_CODE_PREFIX_REFERRAL, "ask the sites given for this prefix"},
        {IDENT_CODE_FORBIDDEN, "not allowed to you"},
        {IDENT_CODE_NO_ACCESS, "nobody may do this"},
        {IDENT_CODE_AUTHENTICATE, "say who you are"},
    };
    for (size_t i = 0; i < BASE_COUNT(table); i++)
        if (table[i].code == code)
            return table[i].text;
    return "an unknown answer";
}

/* --- answering --- */

static void
resolve_durable(struct store_journal_wait *wait, enum err err)
{
    struct ident_resolve *call = BASE_OUTER(wait, struct ident_resolve, wait);
    if (err != ERR_OK) { /* what it was read from is gone */
        call->code = IDENT_CODE_INTERNAL;
        call->values = (struct wire_hs_list){0};
        call->message = base_err_text(err);
    }
    call->done(call);
}

static void
resolve_hop(struct ident *ident, struct ident_resolve *call, const char *what)
{
    if (call->hop_count == IDENT_HOPS)
        return;
    struct ident_hop *hop = &call->hops[call->hop_count++];
    base_bytes_string(ident->prefix, hop->node, sizeof hop->node);
    base_bytes_string(base_bytes_text(what), hop->what, sizeof hop->what);
    hop->ms =
        (unsigned)(base_loop_mono(ident->config.loop).ms - call->began_ms);
}

/* Read from the catalogue: told when that is durable. */
static void
resolve_answer(struct ident *ident, struct ident_resolve *call,
               enum ident_code code, const char *message)
{
    struct store_journal *journal = store_kv_journal(ident->config.kv);
    call->code = code;
    call->message = message;
    if (code == IDENT_CODE_OK)
        base_stat_inc(&ident->resolved[call->authoritative ? 0 : 1], 1);
    else
        base_stat_inc(&ident->resolved_not, 1);
    call->wait.fn = resolve_durable;
    call->wait.loop = call->loop;
    store_journal_wait(journal, STORE_JOURNAL_RECORDS,
                       store_journal_appended(journal, STORE_JOURNAL_RECORDS),
                       &call->wait);
}

/* --- held here --- */

/* What the life of an identifier means to who asks. */
static enum ident_code
resolve_state(struct ident_resolve *call, const struct ident_record *record)
{
    switch (record->state) {
    case IDENT_ACTIVE:
        return IDENT_CODE_OK;
    case IDENT_RESERVED:
        call->message = "reserved, not in use yet";
        return call->reader ? IDENT_CODE_OK : IDENT_CODE_ABSENT;
    case IDENT_SUSPENDED:
        call->message = "suspended";
        break;
    case IDENT_RETIRED:
        call->message = "retired";
        break;
    }
    if (record->why.size > 0)
        call->message = base_arena_format(&call->arena, "%s: %.*s",
                                          call->message, (int)record->why.size,
                                          (const char *)record->why.at);
    return call->reader ? IDENT_CODE_OK : IDENT_CODE_NO_VALUES;
}

static void
resolve_row(struct ident *ident, struct ident_resolve *call, struct bytes value)
{
    struct ident_record record;
    resolve_hop(ident, call, "held");
    call->authoritative = true;
    call->message = "";
    if (ident_row_id_read(value, &record) != ERR_OK) {
        resolve_answer(ident, call, IDENT_CODE_INTERNAL,
                       "the record is damaged; see dougong doctor");
        return;
    }
    enum ident_code code = resolve_state(call, &record);
    call->registered = base_arena_bytes(&call->arena, record.id);
    if (code == IDENT_CODE_OK)
        code = ident_record_select(call,
                                   ident_record_values(&record, &call->arena));
    if (code != IDENT_CODE_OK && call->message[0] == '\0')
        call->message = ident_resolve_text(code);
    resolve_answer(ident, call, code,
                   code == IDENT_CODE_OK ? "" : call->message);
}

static void
resolve_held(struct ident *ident, struct ident_resolve *call,
             const struct ident_served *served, struct bytes suffix)
{
    uint8_t room[IDENT_ROW_KEY];
    struct base_out key;
    struct bytes value;
    base_out_fixed(&key, room, sizeof room);
    base_out_u32be(&key, served->id);
    base_out_bytes_add(&key, suffix); /* folded already */
    enum err err =
        base_out_ok(&key)
            ? store_kv_get(store_kv_now(ident->config.kv), STORE_TABLE_ID,
                           base_out_bytes(&key), &value)
            : ERR_ABSENT; /* longer than any registered */
    if (err == ERR_OK) {
        resolve_row(ident, call, value);
        return;
    }
    resolve_hop(ident, call, "held");
    call->authoritative = true;
    if (err == ERR_ABSENT)
        resolve_answer(ident, call, IDENT_CODE_ABSENT, "not registered");
    else
        resolve_answer(ident, call, IDENT_CODE_INTERNAL, base_err_text(err));
}

static void
resolve_run(struct ident *ident, struct ident_resolve *call)
{
    size_t slash = base_bytes_find(call->folded, '/');
    struct bytes prefix = base_bytes_slice(call->folded, 0, slash);
    struct bytes suffix =
        base_bytes_slice(call->folded, slash + 1, call->folded.size);
    const struct ident_served *served = ident_id_served(ident, prefix);
    if (served != NULL) {
        resolve_held(ident, call, served, suffix);
        return;
    }
    resolve_hop(ident, call, "unknown");
    resolve_answer(ident, call, IDENT_CODE_ELSEWHERE,
                   ident_resolve_text(IDENT_CODE_ELSEWHERE));
}

static void
resolve_task(struct base_task *task)
{
    struct ident_resolve *call = BASE_OUTER(task, struct ident_resolve, task);
    struct ident *ident = call->ident;
    call->began_ms = base_loop_mono(ident->config.loop).ms;
    if (ident_record_name(call->handle, &call->arena, &call->folded) != ERR_OK)
        resolve_answer(ident, call, IDENT_CODE_INVALID,
                       "not UTF-8, empty, or over 2,048 bytes");
    else if (call->count > IDENT_COUNT_MAX)
        resolve_answer(ident, call, IDENT_CODE_LOOP,
                       ident_resolve_text(IDENT_CODE_LOOP));
    else
        resolve_run(ident, call);
}

void
ident_resolve(struct ident *ident, struct ident_resolve *call)
{
    base_arena_init(&call->arena, IDENT_RESOLVE_ARENA);
    call->ident = ident;
    call->code = IDENT_CODE_INTERNAL;
    call->authoritative = false;
    call->registered = (struct bytes){0};
    call->values = (struct wire_hs_list){0};
    call->message = "";
    call->hop_count = 0;
    call->task = (struct base_task){.fn = resolve_task};
    base_loop_post(ident->config.loop, &call->task);
}

void
ident_resolve_done(struct ident_resolve *call)
{
    base_arena_done(&call->arena);
}
