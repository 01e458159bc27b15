/* ident_step.c -- see ident_step.h. */
#include "engine/ident/ident_step.h"

#include <stdio.h>

#include "base/base_mem.h"
#include "base/base_must.h"
#include "engine/ident/ident_edit.h"
#include "engine/ident/ident_inner.h"

enum { STEP_ROW = 64 << 10, STEP_ARENA = 256 << 10, STEP_VERSION = 1 };

/* NONE: there is no row. */
enum { NONE = 0 };
enum { APPROVED = IDENT_PREFIX_APPROVED, ACTIVE = IDENT_PREFIX_ACTIVE };
enum { SUSPENDED = IDENT_PREFIX_SUSPENDED, REVOKED = IDENT_PREFIX_REVOKED };
enum { APPLIED = IDENT_PREFIX_APPLIED, RETURNED = IDENT_PREFIX_RETURNED };
enum { REFUSED = IDENT_PREFIX_REFUSED };

enum { HOSTED_ANY, HOSTED_NOT, HOSTED_MUST };

/* clang-format off */
static const struct {
    const char *name;
    unsigned from;
    uint8_t to;     /* 0: as it was */
    uint8_t hosted;
    bool judges;    /* not by who applied */
} step_table[IDENT_VERBS] = {
    [IDENT_VERB_APPLY] = {"apply",
        1U << NONE | 1U << RETURNED | 1U << REFUSED, APPLIED, HOSTED_NOT, false},
    [IDENT_VERB_APPROVE] = {"approve",
        1U << NONE | 1U << APPLIED | 1U << APPROVED | 1U << ACTIVE |
        1U << SUSPENDED, 0, HOSTED_ANY, true},
    [IDENT_VERB_RETURN] = {"return", 1U << APPLIED, RETURNED, HOSTED_NOT, true},
    [IDENT_VERB_REFUSE] = {"refuse", 1U << APPLIED, REFUSED, HOSTED_NOT, true},
    [IDENT_VERB_HOST] = {"host",
        1U << NONE | 1U << APPLIED, ACTIVE, HOSTED_NOT, true},
    [IDENT_VERB_JOIN] = {"join",
        1U << APPROVED | 1U << ACTIVE, ACTIVE, HOSTED_ANY, false},
    [IDENT_VERB_SUSPEND] = {"suspend",
        1U << APPROVED | 1U << ACTIVE, SUSPENDED, HOSTED_ANY, false},
    [IDENT_VERB_RESUME] = {"resume",
        1U << SUSPENDED | 1U << ACTIVE, ACTIVE, HOSTED_ANY, false},
    [IDENT_VERB_REVOKE] = {"revoke",
        1U << APPROVED | 1U << ACTIVE | 1U << SUSPENDED, REVOKED, HOSTED_ANY,
        false},
    [IDENT_VERB_EXPORT] = {"export", 1U << ACTIVE, 0, HOSTED_MUST, false},
    [IDENT_VERB_MOVED] = {"moved", 1U << ACTIVE, 0, HOSTED_MUST, false},
};
/* clang-format on */

const char *
ident_step_name(enum ident_verb verb)
{
    return (unsigned)verb < IDENT_VERBS ? step_table[verb].name : "?";
}

bool
ident_step_find(struct bytes name, enum ident_verb *ret_verb)
{
    for (unsigned i = 0; i < IDENT_VERBS; i++) {
        if (!base_bytes_is(name, step_table[i].name))
            continue;
        *ret_verb = (enum ident_verb)i;
        return true;
    }
    return false;
}

bool
ident_step_uscc(struct bytes code)
{
    static const char digits[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    unsigned sum = 0, weight = 1;
    if (code.size != IDENT_USCC)
        return false;
    for (unsigned i = 0; i < IDENT_USCC; i++) {
        const char *at = code.at[i] ? strchr(digits, code.at[i]) : NULL;
        if (at == NULL)
            return false;
        unsigned value = (unsigned)(at - digits);
        if (i == IDENT_USCC - 1)
            return value == (31 - sum) % 31;
        sum = (sum + value * weight) % 31;
        weight = weight * 3 % 31;
    }
    return false;
}

/* --- the application's row ---
 * version u8; name, uscc, industry, region, contact, applicant: u8, bytes; key:
 * u16, bytes; applied ms u64; steps u8, each verb u8, ms u64, actor and reason:
 * u8, bytes. */

static void
step_text(struct base_out *out, struct bytes text)
{
    text = base_bytes_slice(text, 0, IDENT_STEP_TEXT);
    base_out_u8(out, (uint8_t)text.size);
    base_out_bytes_add(out, text);
}

static void
step_put(struct store_kv_batch *batch, struct bytes prefix,
         const struct ident_application *of)
{
    uint8_t key[MODEL_PREFIX_MAX];
    struct base_out out;
    base_out_grow(&out, STEP_ROW);
    base_out_u8(&out, STEP_VERSION);
    step_text(&out, of->name);
    step_text(&out, of->uscc);
    step_text(&out, of->industry);
    step_text(&out, of->region);
    step_text(&out, of->contact);
    step_text(&out, of->applicant);
    base_out_u16le(&out, (uint16_t)of->key.size);
    base_out_bytes_add(&out, of->key);
    base_out_u64le(&out, (uint64_t)of->applied_ms);
    base_out_u8(&out, (uint8_t)of->step_count);
    for (unsigned i = 0; i < of->step_count; i++) {
        base_out_u8(&out, (uint8_t)of->steps[i].verb);
        base_out_u64le(&out, (uint64_t)of->steps[i].at_ms);
        step_text(&out, of->steps[i].actor);
        step_text(&out, of->steps[i].reason);
    }
    must(base_out_ok(&out));
    base_bytes_fold(prefix, key);
    store_kv_put(batch, STORE_TABLE_APPLY, base_bytes(key, prefix.size),
                 base_out_bytes(&out));
    base_out_done(&out);
}

static struct bytes
step_take(struct base_cur *cur)
{
    return base_cur_take(cur, base_cur_u8(cur));
}

static enum err
step_read(struct bytes value, struct ident_application *of)
{
    struct base_cur cur;
    *of = (struct ident_application){0};
    base_cur_init(&cur, value);
    if (base_cur_u8(&cur) != STEP_VERSION)
        return ERR_VERSION;
    of->name = step_take(&cur);
    of->uscc = step_take(&cur);
    of->industry = step_take(&cur);
    of->region = step_take(&cur);
    of->contact = step_take(&cur);
    of->applicant = step_take(&cur);
    of->key = base_cur_take(&cur, base_cur_u16le(&cur));
    of->applied_ms = (int64_t)base_cur_u64le(&cur);
    of->step_count = base_cur_u8(&cur);
    if (of->step_count > IDENT_STEPS)
        base_cur_fail(&cur, ERR_CORRUPT);
    for (unsigned i = 0; base_cur_ok(&cur) && i < of->step_count; i++) {
        of->steps[i].verb = (enum ident_verb)base_cur_u8(&cur);
        of->steps[i].at_ms = (int64_t)base_cur_u64le(&cur);
        of->steps[i].actor = step_take(&cur);
        of->steps[i].reason = step_take(&cur);
    }
    return base_cur_ok(&cur) ? ERR_OK : ERR_CORRUPT;
}

enum err
ident_step_application(struct ident *ident, struct bytes prefix,
                       struct base_arena *arena,
                       struct ident_application *ret_application)
{
    uint8_t key[MODEL_PREFIX_MAX];
    struct bytes value;
    if (model_id_prefix_check(prefix) != ERR_OK)
        return ERR_NAME;
    base_bytes_fold(prefix, key);
    enum err err =
        store_kv_get(store_kv_now(ident->config.kv), STORE_TABLE_APPLY,
                     base_bytes(key, prefix.size), &value);
    if (err != ERR_OK)
        return err;
    value = base_arena_bytes(arena, value);
    return value.at != NULL ? step_read(value, ret_application) : ERR_LIMIT;
}

/* --- judging a step --- */

struct step_work {
    struct ident *ident;
    struct ident_step *step;
    struct base_arena arena;
    struct ident_row_prefix row; /* its texts in arena, or the caller's */
    bool found, has_application, waited; /* its application did */
    struct ident_application application;
    struct store_kv_batch *batch;
    struct base_out values;
    struct wire_hs_list list;
    struct crypt_key *key; /* of a hosted prefix: made now, or there */
    struct bytes before;   /* digest of the row */
    uint8_t before_room[32];
};

static enum err
step_no(struct step_work *work, enum err err, const char *where,
        const char *text)
{
    return base_err_note_at(&work->step->note, err, where, 0, 0, "%s", text);
}

static enum err
step_find(struct step_work *work)
{
    struct ident_row_prefix *row = &work->row;
    struct bytes name = work->step->prefix;
    enum err err = model_id_prefix_check(name);
    if (err != ERR_OK)
        return step_no(work, err, "prefix",
                       "not a prefix: labels of letters, digits, - and _, "
                       "parted by dots");
    if (!model_id_is_child(work->ident->prefix, name))
        return base_err_note_at(
            &work->step->note, ERR_NAME, "prefix", 0, 0,
            "%s grants prefixes of one label below it, such as %s.1001",
            work->ident->config.prefix, work->ident->config.prefix);
    err = ident_prefix_get(work->ident, name, row);
    work->found = err == ERR_OK;
    work->waited = work->found && row->state == APPLIED;
    if (err != ERR_OK && err != ERR_ABSENT)
        return step_no(work, err, "prefix", base_err_text(err));
    work->before = ident_prefix_digest(work->ident, name, work->before_room);
    if (!work->found) {
        *row = (struct ident_row_prefix){.flags = IDENT_ROW_DIRECT,
                                         .id = work->ident->next_id,
                                         .name = name};
    }
    row->name = base_arena_bytes(&work->arena, row->name);
    row->host = base_arena_bytes(&work->arena, row->host);
    row->attributes = base_arena_bytes(&work->arena, row->attributes);
    work->has_application =
        ident_step_application(work->ident, name, &work->arena,
                               &work->application) == ERR_OK;
    return ERR_OK;
}

static enum err
step_allowed(struct step_work *work)
{
    struct ident_step *step = work->step;
    unsigned state = work->found ? work->row.state : NONE;
    bool hosted = work->row.flags & IDENT_ROW_HOSTED;
    unsigned wants = step_table[step->verb].hosted;
    if (state == REVOKED)
        return step_no(work, ERR_REVOKED, "prefix",
                       "this prefix was revoked and is never granted again");
    if (!work->found && !(step_table[step->verb].from >> NONE & 1))
        return step_no(work, ERR_ABSENT, "prefix", "no such prefix here");
    if (!(step_table[step->verb].from >> state & 1) ||
        (wants == HOSTED_NOT && hosted) || (wants == HOSTED_MUST && !hosted))
        return base_err_note_at(
            &step->note, ERR_CONFLICT, "prefix", 0, 0, "%s%.*s is %s: no %s",
            wants == HOSTED_MUST && !hosted ? "not hosted here: " : "",
            (int)step->prefix.size, (const char *)step->prefix.at,
            state == NONE
                ? "not granted"
                : ident_prefix_state_name((enum ident_prefix_state)state),
            step_table[step->verb].name);
    if (step_table[step->verb].judges && work->has_application &&
        step->actor != NULL && step->actor->kind == MODEL_GRANT_USER &&
        base_bytes_equal(step->actor->name, work->application.applicant))
        return step_no(work, ERR_DENIED, "actor",
                       "who applied may not judge the application");
    return ERR_OK;
}

/* --- applying --- */

static bool
step_printable(struct bytes text, size_t least)
{
    return text.size >= least && text.size <= IDENT_STEP_TEXT &&
           base_bytes_utf8(text);
}

static enum err
step_code(struct step_work *work, const struct model_code_list *list,
          const char *field, struct bytes code)
{
    struct base_note note = {0};
    const struct model_code *found =
        list != NULL ? model_code_find(list, code, &note) : NULL;
    if (found != NULL && found->leaf)
        return ERR_OK;
    if (found == NULL && list == NULL && model_attr_value(code))
        return ERR_OK; /* a node without code lists */
    return base_err_note_at(&work->step->note, ERR_NAME, field, 0, 0, "%s",
                            found != NULL ? "a code of the lowest level is "
                                            "wanted"
                            : note.text[0] != '\0' ? note.text
                                                   : "no such code");
}

static enum err
step_codes(struct step_work *work, const struct ident_application *of)
{
    enum { ROOM = 2 * MODEL_ATTR_PART + 16 };
    enum err err = step_code(work, work->ident->config.industries, "industry",
                             of->industry);
    if (err == ERR_OK)
        err =
            step_code(work, work->ident->config.regions, "region", of->region);
    if (err != ERR_OK)
        return err;
    struct base_out line;
    base_out_fixed(&line, base_arena_alloc(&work->arena, ROOM), ROOM);
    base_out_text(&line, "ind=");
    base_out_bytes_add(&line, of->industry);
    base_out_text(&line, ",region=");
    base_out_bytes_add(&line, of->region);
    work->row.attributes = base_out_bytes(&line);
    return line.failed;
}

static enum err
step_apply(struct step_work *work)
{
    const struct ident_application *of = work->step->application;
    if (of == NULL || !step_printable(of->name, 1))
        return step_no(work, ERR_NAME, "name",
                       "the enterprise's name: 1 to 255 bytes of UTF-8");
    if (!ident_step_uscc(of->uscc))
        return step_no(work, ERR_NAME, "uscc",
                       "not a unified social credit code: 18 of "
                       "0-9A-HJ-NPQRTUWXY with a right check character");
    if (!step_printable(of->contact, 1))
        return step_no(work, ERR_NAME, "contact",
                       "who is to be called: 1 to 255 bytes of UTF-8");
    if (of->key.size > 8192 || !base_bytes_utf8(of->key))
        return step_no(work, ERR_BIG, "key", "a public key as PEM text");
    if (work->ident->applied >= IDENT_APPLIED_MAX) {
        base_stat_inc(&work->ident->limit_applied, 1);
        return step_no(work, ERR_LIMIT, "",
                       "1,000 applications wait here for a decision");
    }
    enum err err = step_codes(work, of);
    if (err != ERR_OK)
        return err;
    struct ident_application *now = &work->application;
    unsigned count = work->has_application ? now->step_count : 0;
    now->name = of->name;
    now->uscc = of->uscc;
    now->industry = of->industry;
    now->region = of->region;
    now->contact = of->contact;
    now->key = of->key;
    now->applied_ms = ident_now(work->ident);
    now->step_count = count;
    if (work->step->actor != NULL)
        now->applicant = work->step->actor->name;
    work->has_application = true;
    return ERR_OK;
}

/* --- approving --- */

static enum err
step_approve(struct step_work *work)
{
    struct ident *ident = work->ident;
    uint8_t moving = work->row.flags & (IDENT_ROW_HOSTED | IDENT_ROW_MOVING);
    if (!work->found || work->row.state == APPLIED) {
        work->row.state = APPROVED;
        work->row.approved_ms = ident_now(ident);
    } else if (moving == IDENT_ROW_HOSTED) {
        /* A node that joined beside its host would count again. */
        return step_no(work, ERR_CONFLICT, "prefix",
                       "its names and figures are kept here: export it, and "
                       "import them at its own node first");
    }
    if (work->step->token == NULL)
        return ERR_OK;
    if (ident->config.ca == NULL)
        return step_no(work, ERR_UNSUPPORTED, "",
                       "this node's role has no children");
    enum err err = ident_prefix_token(ident, work->row.name, work->batch,
                                      work->step->token);
    return err == ERR_OK ? ERR_OK : step_no(work, err, "", base_err_text(err));
}

/* --- hosting --- */

static enum err
step_host(struct step_work *work)
{
    struct ident *ident = work->ident;
    uint8_t key[MODEL_PREFIX_MAX];
    struct base_out pem;
    if (ident->served.count >= IDENT_SERVED_MAX)
        return step_no(work, ERR_LIMIT, "", "10,000 prefixes are hosted here");
    work->row.flags |= IDENT_ROW_HOSTED;
    work->row.host = ident->prefix;
    work->row.quota = work->step->quota;
    work->row.approved_ms = work->row.joined_ms = ident_now(ident);
    enum err err = crypt_key_make(CRYPT_KEY_ED25519, &work->key);
    if (err != ERR_OK)
        return step_no(work, err, "key", base_err_text(err));
    base_out_grow(&pem, 8192);
    err = crypt_key_write(work->key, &pem);
    base_bytes_fold(work->row.name, key);
    if (err == ERR_OK)
        store_kv_put(work->batch, STORE_TABLE_KEY,
                     base_bytes(key, work->row.name.size),
                     base_out_bytes(&pem));
    base_out_done(&pem);
    return err;
}

static enum err
step_resume(struct step_work *work)
{
    static const uint8_t none[32];
    work->row.flags &= (uint8_t)~IDENT_ROW_MOVING;
    if (!(work->row.flags & IDENT_ROW_HOSTED) &&
        memcmp(work->row.pin, none, sizeof none) == 0)
        work->row.state = APPROVED;
    return ERR_OK;
}

static enum err
step_export(struct step_work *work)
{
    work->row.flags |= IDENT_ROW_MOVING;
    return ERR_OK;
}

static enum err
step_moved(struct step_work *work)
{
    if (!(work->row.flags & IDENT_ROW_MOVING))
        return step_no(work, ERR_CONFLICT, "prefix",
                       "export its names first, and import them at its node");
    if (!ident_site_kept(work->ident, work->row.name))
        return step_no(work, ERR_CONFLICT, "prefix",
                       "its node has not linked: approve it, let it join and "
                       "run");
    work->row.flags &= (uint8_t) ~(IDENT_ROW_MOVING | IDENT_ROW_HOSTED);
    work->row.host = (struct bytes){0};
    work->row.quota = 0;
    return ERR_OK;
}

static enum err
step_plain(struct step_work *work)
{
    (void)work;
    return ERR_OK;
}

static enum err (*const step_runs[IDENT_VERBS])(struct step_work *work) = {
    [IDENT_VERB_APPLY] = step_apply,   [IDENT_VERB_APPROVE] = step_approve,
    [IDENT_VERB_RETURN] = step_plain,  [IDENT_VERB_REFUSE] = step_plain,
    [IDENT_VERB_HOST] = step_host,     [IDENT_VERB_JOIN] = step_plain,
    [IDENT_VERB_SUSPEND] = step_plain, [IDENT_VERB_RESUME] = step_resume,
    [IDENT_VERB_REVOKE] = step_plain,  [IDENT_VERB_EXPORT] = step_export,
    [IDENT_VERB_MOVED] = step_moved,
};

/* --- writing it --- */

/* The oldest step goes when there are too many. */
static void
step_record(struct step_work *work)
{
    struct ident_application *of = &work->application;
    if (!work->has_application)
        return;
    if (of->step_count == IDENT_STEPS) {
        memmove(of->steps, of->steps + 1,
                (IDENT_STEPS - 1) * sizeof *of->steps);
        of->step_count--;
    }
    of->steps[of->step_count++] = (struct ident_step_done){
        .verb = work->step->verb,
        .at_ms = ident_now(work->ident),
        .actor = work->step->actor != NULL ? work->step->actor->name
                                           : (struct bytes){0},
        .reason = work->step->reason,
    };
    step_put(work->batch, work->row.name, of);
}

static void
step_audit(struct step_work *work)
{
    char action[32];
    uint8_t after[32];
    struct model_grant_principal self = {.kind = MODEL_GRANT_NODE,
                                         .name = work->ident->prefix};
    const struct model_grant_principal *actor = work->step->actor;
    snprintf(action, sizeof action, "prefix.%s",
             step_table[work->step->verb].name);
    (void)model_audit_append(
        work->ident->config.audit,
        &(struct model_audit_event){
            .actor = actor != NULL ? actor : &self,
            .action = action,
            .object = work->row.name,
            .before = work->before,
            .after = ident_prefix_digest(work->ident, work->row.name, after),
            .reason = work->step->reason,
        });
    base_log_say(work->ident->config.log, BASE_LOG_INFO, "ident", action,
                 "prefix=%.*s", (int)work->row.name.size,
                 (const char *)work->row.name.at);
}

/* What is not granted yet is nobody's business above. */
static enum err
step_commit(struct step_work *work, struct store_journal_wait *wait)
{
    struct ident *ident = work->ident;
    struct ident_row_prefix *row = &work->row;
    struct store_kv_batch *batch = work->batch;
    work->batch = NULL;
    if (row->state >= APPLIED) {
        ident_prefix_put(ident, batch, row);
        return store_kv_commit(ident->config.kv, batch, wait, NULL);
    }
    if (work->step->verb == IDENT_VERB_HOST)
        ident_site_hosted(ident, row, work->key, &work->values, &work->list);
    else if (work->step->verb == IDENT_VERB_MOVED)
        ident_site_moved(ident, row, &work->values, &work->list);
    else
        ident_site_granted(ident, row, &work->values, &work->list);
    return ident_site_commit(ident, batch, row, work->list, wait);
}

/* The enterprise as an object of its own prefix: what returns are filed for. */
static void
step_enterprise(struct step_work *work)
{
    char id[MODEL_PREFIX_MAX + 16];
    uint8_t room[1024];
    struct base_out raw;
    struct ident_edit edit = {
        .op = IDENT_OP_CREATE, .overwrite = true, .state = IDENT_ACTIVE};
    snprintf(id, sizeof id, "%.*s/enterprise", (int)work->row.name.size,
             (const char *)work->row.name.at);
    edit.id = base_bytes_text(id);
    base_out_fixed(&raw, room, sizeof room);
    struct wire_hs_value value = {.index = 1,
                                  .ttl_s = WIRE_HS_TTL_S,
                                  .permissions = WIRE_HS_USUAL,
                                  .type = base_bytes_text("CLASS"),
                                  .data = base_bytes_text("enterprise")};
    wire_hs_write_value(&raw, &value);
    edit.values.count = 1;
    if (work->has_application) {
        value.index = 2;
        value.type = base_bytes_text("NAME");
        value.data = work->application.name;
        wire_hs_write_value(&raw, &value);
        value.index = 3;
        value.type = base_bytes_text("USCC");
        value.data = work->application.uscc;
        wire_hs_write_value(&raw, &value);
        edit.values.count = 3;
    }
    edit.values.raw = base_out_bytes(&raw);
    ident_edit(work->ident, &edit, NULL);
}

static void
step_enterprise_state(struct step_work *work, enum ident_state state)
{
    char id[MODEL_PREFIX_MAX + 16];
    snprintf(id, sizeof id, "%.*s/enterprise", (int)work->row.name.size,
             (const char *)work->row.name.at);
    struct ident_edit edit = {.op = IDENT_OP_STATE,
                              .id = base_bytes_text(id),
                              .state = state,
                              .why = work->step->reason};
    ident_edit(work->ident, &edit, NULL);
}

/* What this node remembers of the prefixes that it serves. */
static void
step_served(struct step_work *work)
{
    struct ident *ident = work->ident;
    struct ident_served *served = ident_id_served(ident, work->row.name);
    bool hosted = work->row.flags & IDENT_ROW_HOSTED;
    if (hosted && work->step->verb == IDENT_VERB_HOST) {
        ident_id_serve(ident, &work->row);
        step_enterprise(work);
    } else if (hosted && served != NULL) {
        if (work->row.state != ACTIVE)
            step_enterprise_state(work, IDENT_SUSPENDED);
        ident_id_serve(ident, &work->row);
        if (work->step->verb == IDENT_VERB_RESUME)
            step_enterprise_state(work, IDENT_ACTIVE);
    } else if (served != NULL) {
        ident_id_unserve(ident, work->row.name);
    }
}

static void
step_after(struct step_work *work)
{
    struct ident *ident = work->ident;
    if (work->row.id >= ident->next_id)
        ident->next_id = work->row.id + 1;
    ident->applied += work->row.state == APPLIED;
    ident->applied -= work->waited;
    step_audit(work);
    step_served(work);
    if (ident->denied != NULL &&
        (work->row.state == SUSPENDED || work->row.state == REVOKED))
        ident->denied(ident->denied_self, work->row.name);
}

enum err
ident_step(struct ident *ident, struct ident_step *step,
           struct store_journal_wait *wait)
{
    struct step_work *work = base_mem_zero(sizeof *work);
    *work = (struct step_work){.ident = ident, .step = step};
    step->note = (struct base_note){0};
    base_arena_init(&work->arena, STEP_ARENA);
    work->batch = store_kv_batch_new(ident->config.kv);
    enum err err = step_find(work);
    if (err == ERR_OK)
        err = step_allowed(work);
    if (err == ERR_OK && step_table[step->verb].to != 0)
        work->row.state = step_table[step->verb].to;
    if (err == ERR_OK)
        err = step_runs[step->verb](work);
    if (err == ERR_OK) {
        step_record(work);
        err = step_commit(work, wait);
        if (err != ERR_OK)
            step_no(work, err, "", base_err_text(err));
    }
    step->state = (enum ident_prefix_state)work->row.state;
    if (err == ERR_OK)
        step_after(work);
    if (work->batch != NULL)
        store_kv_batch_free(work->batch);
    crypt_key_free(work->key);
    base_out_done(&work->values);
    base_arena_done(&work->arena);
    base_mem_free(work);
    return err;
}
