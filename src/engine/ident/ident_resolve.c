/* ident_resolve.c -- see ident_resolve.h. */
#include "engine/ident/ident_resolve.h"

#include "base/base_mem.h"
#include "engine/ident/ident_cache.h"
#include "engine/ident/ident_hint.h"
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

void
ident_resolve_hop(struct ident *ident, struct ident_resolve *call,
                  const char *what)
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
    ident_resolve_hop(ident, call, "held");
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
resolve_key(struct ident *ident, struct ident_resolve *call, struct bytes key)
{
    struct bytes value;
    enum err err = store_kv_get(store_kv_now(ident->config.kv), STORE_TABLE_ID,
                                key, &value);
    if (err == ERR_OK) {
        resolve_row(ident, call, value);
        return;
    }
    ident_resolve_hop(ident, call, "held");
    call->authoritative = true;
    if (err == ERR_ABSENT)
        resolve_answer(ident, call, IDENT_CODE_ABSENT, "not registered");
    else
        resolve_answer(ident, call, IDENT_CODE_INTERNAL, base_err_text(err));
}

static void
resolve_held(struct ident *ident, struct ident_resolve *call,
             const struct ident_served *served, struct bytes suffix)
{
    uint8_t room[IDENT_ROW_KEY];
    struct base_out key;
    if (suffix.size > MODEL_ID_MAX) { /* longer than any registered */
        ident_resolve_hop(ident, call, "held");
        resolve_answer(ident, call, IDENT_CODE_ABSENT, "not registered");
        return;
    }
    base_out_fixed(&key, room, sizeof room);
    base_out_u32be(&key, served->id);
    base_out_bytes_add(&key, suffix); /* folded already */
    resolve_key(ident, call, base_out_bytes(&key));
}

/* --- held elsewhere --- */

static void
resolve_no(struct ident *ident, struct ident_resolve *call,
           enum ident_code code, const char *what, struct bytes prefix)
{
    ident_resolve_hop(ident, call, "unknown");
    resolve_answer(ident, call, code,
                   base_arena_format(&call->arena, "%s %.*s", what,
                                     (int)prefix.size,
                                     (const char *)prefix.at));
}

/* 302 or 303: the sites of this prefix, of this type. */
static void
resolve_refer(struct ident *ident, struct ident_resolve *call,
              struct bytes prefix, const char *type, enum ident_code code,
              enum ident_code without)
{
    struct ident_record record;
    struct bytes wanted = base_bytes_text(type);
    struct ident_resolve sites = {.types = &wanted, .type_count = 1};
    ident_resolve_hop(ident, call, "referral");
    base_arena_init(&sites.arena, IDENT_RESOLVE_ARENA);
    if (call->no_referral ||
        ident_site_get(ident, prefix, &sites.arena, &record) != ERR_OK ||
        ident_record_select(&sites, record.values) != IDENT_CODE_OK) {
        code = without;
    } else {
        call->values.count = sites.values.count;
        call->values.raw = base_arena_bytes(&call->arena, sites.values.raw);
    }
    base_arena_done(&sites.arena);
    resolve_answer(ident, call, code, ident_resolve_text(code));
}

static bool
resolve_has_parent(struct ident *ident)
{
    struct model_port *port = ident->config.port;
    return port->ops->parent != NULL && port->ops->parent(port).size > 0;
}

/* One recursion more: of another node. */
static void
resolve_further(struct ident *ident, struct ident_resolve *call,
                struct bytes node)
{
    if (call->count > IDENT_COUNT_MAX)
        resolve_answer(ident, call, IDENT_CODE_LOOP,
                       ident_resolve_text(IDENT_CODE_LOOP));
    else
        ident_cache_ask(ident->cache, call, node);
}

/* Nobody below knows it: the node above, if there is one. */
static void
resolve_up(struct ident *ident, struct ident_resolve *call, struct bytes prefix)
{
    bool ours = model_id_covers(ident->prefix, prefix);
    if (ours || !resolve_has_parent(ident))
        resolve_no(ident, call, IDENT_CODE_ELSEWHERE, "no node serves", prefix);
    else if (!call->recurse)
        resolve_no(ident, call, IDENT_CODE_ELSEWHERE,
                   "not asked further: no node known here serves", prefix);
    else
        resolve_further(ident, call, (struct bytes){0});
}

/* The node that serves a known prefix. */
static void
resolve_at(struct ident *ident, struct ident_resolve *call,
           const struct ident_row_prefix *row)
{
    if (row->state == IDENT_PREFIX_REVOKED)
        resolve_no(ident, call, IDENT_CODE_ELSEWHERE, "revoked:", row->name);
    else if (row->state == IDENT_PREFIX_SUSPENDED)
        resolve_no(ident, call, IDENT_CODE_ELSEWHERE, "suspended:", row->name);
    else if (row->state != IDENT_PREFIX_ACTIVE)
        resolve_no(ident, call, IDENT_CODE_ELSEWHERE,
                   "granted, but its node has not joined:", row->name);
    else if (!call->recurse)
        resolve_refer(ident, call, row->name, "HS_SITE", IDENT_CODE_REFERRAL,
                      IDENT_CODE_ELSEWHERE);
    else
        resolve_further(ident, call,
                        row->host.size > 0 ? row->host : row->name);
}

/* Is this prefix granted, by a node below? */
static bool
resolve_nearest(struct ident *ident, struct bytes prefix,
                struct ident_row_prefix *ret_row)
{
    return ident_prefix_nearest(ident, prefix, ret_row) == ERR_OK &&
           ident_id_served(ident, ret_row->name) == NULL;
}

static void
resolve_name(struct ident *ident, struct ident_resolve *call,
             struct bytes prefix, struct bytes suffix)
{
    struct ident_row_prefix row;
    const struct ident_served *served = ident_id_served(ident, prefix);
    if (served != NULL && served->state == IDENT_PREFIX_ACTIVE)
        resolve_held(ident, call, served, suffix);
    else if (served != NULL)
        resolve_no(ident, call, IDENT_CODE_ELSEWHERE,
                   served->state == IDENT_PREFIX_REVOKED ? "revoked:"
                                                         : "suspended:",
                   prefix);
    else if (resolve_nearest(ident, prefix, &row))
        resolve_at(ident, call, &row);
    else
        resolve_up(ident, call, prefix);
}

/* 0.NA/P. */
static void
resolve_site(struct ident *ident, struct ident_resolve *call,
             struct bytes prefix)
{
    uint8_t room[IDENT_ROW_KEY];
    struct ident_row_prefix row;
    struct base_arena arena;
    struct ident_record record;
    if (model_id_prefix_check(prefix) != ERR_OK) {
        resolve_no(ident, call, IDENT_CODE_ABSENT, "not a prefix:", prefix);
        return;
    }
    base_arena_init(&arena, IDENT_RESOLVE_ARENA);
    bool here = ident_site_get(ident, prefix, &arena, &record) == ERR_OK;
    base_arena_done(&arena);
    bool ours = model_id_covers(ident->prefix, prefix);
    if (here)
        resolve_key(ident, call, ident_site_key(prefix, room));
    else if (!ours && resolve_has_parent(ident))
        resolve_up(ident, call, prefix);
    else if (!resolve_nearest(ident, prefix, &row))
        resolve_no(ident, call, IDENT_CODE_ABSENT, "no such prefix:", prefix);
    else if (call->recurse && row.state == IDENT_PREFIX_ACTIVE)
        resolve_at(ident, call, &row);
    else
        resolve_refer(ident, call, row.name, "HS_SITE.PREFIX",
                      IDENT_CODE_PREFIX_REFERRAL, IDENT_CODE_ABSENT);
}

static void
resolve_run(struct ident *ident, struct ident_resolve *call)
{
    size_t slash = base_bytes_find(call->folded, '/');
    struct bytes prefix = base_bytes_slice(call->folded, 0, slash);
    struct bytes suffix =
        base_bytes_slice(call->folded, slash + 1, call->folded.size);
    if (base_bytes_is(prefix, "0.NA"))
        resolve_site(ident, call, suffix);
    else if (model_id_prefix_check(prefix) != ERR_OK)
        resolve_no(ident, call, IDENT_CODE_ELSEWHERE, "not a prefix:", prefix);
    else
        resolve_name(ident, call, prefix, suffix);
}

static void
resolve_task(struct base_task *task)
{
    struct ident_resolve *call = BASE_OUTER(task, struct ident_resolve, task);
    struct ident *ident = call->ident;
    call->began_ms = base_loop_mono(ident->config.loop).ms;
    if (call->handle.size == 0) /* a deployed server says so, too */
        resolve_answer(ident, call, IDENT_CODE_ELSEWHERE,
                       "no identifier was given");
    else if (ident_record_name(call->handle, &call->arena, &call->folded) !=
             ERR_OK)
        resolve_answer(ident, call, IDENT_CODE_INVALID,
                       "not UTF-8, or over 2,048 bytes");
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

/* --- asked by another node --- */

struct resolve_taken {
    struct ident_resolve call; /* first */
    struct model_answer *answer;
    /* the handle stands behind it */
};

static void
resolve_answered(struct ident_resolve *call)
{
    struct resolve_taken *taken = BASE_OUTER(call, struct resolve_taken, call);
    struct wire_names_answer answer = {
        .authoritative = call->authoritative,
        .code = (uint16_t)call->code,
        .registered = call->registered,
        .message = base_bytes_text(call->message),
        .hop_count = call->hop_count,
        .values = call->values,
    };
    struct base_out out;
    for (unsigned i = 0; i < call->hop_count; i++)
        answer.hops[i] = (struct wire_names_hop){
            base_bytes_text(call->hops[i].node),
            base_bytes_text(call->hops[i].what), call->hops[i].ms};
    base_out_grow(&out, IDENT_VALUES_BYTES + 8192);
    wire_names_answer_write(&out, &answer);
    taken->answer->answer(taken->answer, base_out_ok(&out) ? ERR_OK : ERR_BIG,
                          base_out_bytes(&out));
    base_out_done(&out);
    ident_resolve_done(call);
    base_mem_free(taken);
}

void
ident_take_resolve(void *self, const struct model_message *message,
                   struct model_answer *answer)
{
    struct ident *ident = self;
    struct wire_names_question question;
    enum err err = wire_names_question_read(message->body, &question);
    if (err != ERR_OK) {
        answer->answer(answer, err, (struct bytes){0});
        return;
    }
    if (question.keeps)
        ident_hint_keeps(ident->hint, message->from);
    struct resolve_taken *taken =
        base_mem_zero(sizeof *taken + question.handle.size);
    uint8_t *handle = (uint8_t *)(taken + 1);
    memcpy(handle, question.handle.at, question.handle.size);
    taken->answer = answer;
    taken->call.done = resolve_answered;
    taken->call.loop = ident->config.loop;
    taken->call.handle = base_bytes(handle, question.handle.size);
    taken->call.public_only = true;
    taken->call.recurse = true;
    taken->call.authority = question.authority;
    taken->call.count = question.count;
    ident_resolve(ident, &taken->call);
}
