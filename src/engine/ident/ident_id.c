/* ident_id.c -- identifiers: register, look up, list, and the doors' question.
 *
 * A registration is one batch: the ID row and, in the same batch, the UNIT
 * message to rollup (local road of tier), so that no crash parts them.  stream
 * hears of it at once by an event; what it remembers is a cache. */
#include "base/base_mem.h"
#include "base/base_must.h"
#include "engine/ident/ident_hint.h"
#include "engine/ident/ident_inner.h"
#include "wire/figure/wire_unit.h"

/* --- prefixes whose names are here --- */

struct ident_served *
ident_id_served(struct ident *ident, struct bytes prefix)
{
    uint8_t folded[MODEL_PREFIX_MAX];
    if (prefix.size == 0 || prefix.size > sizeof folded)
        return NULL;
    base_bytes_fold(prefix, folded);
    return base_map_get(&ident->served, base_bytes(folded, prefix.size));
}

struct ident_served *
ident_id_serve(struct ident *ident, const struct ident_row_prefix *row)
{
    uint8_t folded[MODEL_PREFIX_MAX];
    struct ident_served *served = ident_id_served(ident, row->name);
    if (served == NULL) {
        served = base_mem_zero(sizeof *served);
        base_bytes_fold(row->name, folded);
        base_map_put(&ident->served, base_bytes(folded, row->name.size),
                     served);
    }
    served->id = row->id;
    served->state = row->state;
    served->moving = row->flags & IDENT_ROW_MOVING;
    served->quota = row->quota;
    base_bytes_string(row->name, served->name, sizeof served->name);
    base_bytes_string(row->attributes, served->attributes,
                      sizeof served->attributes);
    return served;
}

void
ident_id_unserve(struct ident *ident, struct bytes prefix)
{
    uint8_t folded[MODEL_PREFIX_MAX];
    base_bytes_fold(prefix, folded);
    base_mem_free(
        base_map_remove(&ident->served, base_bytes(folded, prefix.size)));
}

bool
ident_hosts(struct ident *ident, struct bytes prefix)
{
    return ident_id_served(ident, prefix) != NULL;
}

enum err
ident_id_key(struct ident *ident, struct bytes text, struct ident_key *ret_key)
{
    enum err err = model_id_parse(text, &ret_key->id);
    if (err != ERR_OK)
        return err;
    if (ret_key->id.suffix.size == 0)
        return ERR_NAME;
    ret_key->served = ident_id_served(ident, ret_key->id.prefix);
    if (ret_key->served == NULL)
        return ERR_DENIED;
    struct base_out out;
    base_out_fixed(&out, ret_key->room, sizeof ret_key->room);
    base_out_u32be(&out, ret_key->served->id);
    uint8_t *suffix = base_out_space(&out, ret_key->id.suffix.size);
    base_bytes_fold(ret_key->id.suffix, suffix);
    ret_key->key = base_out_bytes(&out);
    return ERR_OK;
}

/* stream is told once the registration is durable: not before, as a cut may
 * take it back. */
struct id_told {
    struct store_journal_wait wait;
    struct model_port *port;
    struct model_event_object *event;
};

static void
id_told_durable(struct store_journal_wait *wait, enum err err)
{
    struct id_told *told = BASE_OUTER(wait, struct id_told, wait);
    if (err == ERR_OK)
        told->port->ops->tell(told->port, &told->event->event);
    else
        base_mem_free(told->event);
    base_mem_free(told);
}

static void
id_tell(struct ident *ident, const struct ident_record *record,
        struct bytes attributes, uint64_t sequence)
{
    struct model_event_object *event = base_mem_zero(sizeof *event);
    event->event.kind = MODEL_EVENT_OBJECT;
    event->active = record->state == IDENT_ACTIVE;
    event->class_size = (uint8_t)record->class_name.size;
    if (event->class_size > 0)
        memcpy(event->class_name, record->class_name.at, event->class_size);
    event->id_size = (uint8_t)record->id.size;
    memcpy(event->id, record->id.at, event->id_size);
    event->attributes_size = (uint16_t)attributes.size;
    if (attributes.size > 0)
        memcpy(event->attributes, attributes.at, attributes.size);
    struct id_told *told = base_mem_zero(sizeof *told);
    told->wait.fn = id_told_durable;
    told->wait.loop = ident->config.loop;
    told->port = ident->config.port;
    told->event = event;
    store_journal_wait(store_kv_journal(ident->config.kv),
                       STORE_JOURNAL_RECORDS, sequence, &told->wait);
}

/* rollup counts what is active, by class and codes: it hears of each change of
 * them in the batch that makes it. */
static enum err
id_unit(struct ident *ident, const struct ident_record *record,
        struct bytes attributes, struct store_kv_batch *batch)
{
    uint8_t room[WIRE_UNIT_MAX];
    struct base_out body;
    struct model_port *port = ident->config.port;
    base_out_fixed(&body, room, sizeof room);
    wire_unit_write(&body, &(struct wire_unit){
                               .id = record->id,
                               .class_name = record->class_name,
                               .active = record->state == IDENT_ACTIVE,
                               .since_ms = record->changed_ms,
                               .attributes = attributes,
                           });
    must(base_out_ok(&body));
    return port->ops->post(port, MODEL_CHANNEL_NAMES, MODEL_KIND_NAMES_UNIT,
                           port->own, base_out_bytes(&body), batch);
}

static void
id_row(struct store_kv_batch *batch, const struct ident_key *key,
       const struct ident_record *record)
{
    struct base_out value;
    base_out_grow(&value, IDENT_ROW_ID_MAX);
    ident_row_id_write(&value, record);
    must(base_out_ok(&value));
    store_kv_put(batch, STORE_TABLE_ID, key->key, base_out_bytes(&value));
    base_out_done(&value);
}

static void
id_hint(struct ident *ident, const struct model_id *id)
{
    uint8_t room[MODEL_ID_MAX];
    struct bytes whole =
        base_bytes(id->prefix.at, id->prefix.size + 1 + id->suffix.size);
    base_bytes_fold(whole, room);
    ident_hint_changed(ident->hint, id->prefix, base_bytes(room, whole.size));
}

enum err
ident_id_write(struct ident *ident, const struct ident_key *key,
               const struct ident_record *record, bool gone,
               struct bytes attributes, struct store_journal_wait *wait)
{
    struct store_kv_batch *batch = store_kv_batch_new(ident->config.kv);
    if (gone)
        store_kv_del(batch, STORE_TABLE_ID, key->key);
    else
        id_row(batch, key, record);
    enum err err = id_unit(ident, record, attributes, batch);
    if (err != ERR_OK) {
        store_kv_batch_free(batch);
        return err;
    }
    uint64_t sequence;
    err = store_kv_commit(ident->config.kv, batch, wait, &sequence);
    if (err != ERR_OK)
        return err;
    if (!gone && record->revision == 1) {
        base_stat_inc(&ident->registered, 1);
        key->served->count++;
    }
    if (gone)
        key->served->count--;
    id_tell(ident, record, attributes, sequence);
    id_hint(ident, &key->id);
    return ERR_OK;
}

/* Nothing to write: wait until what was read is durable. */
static enum err
id_settle(struct ident *ident, struct store_journal_wait *wait)
{
    if (wait == NULL)
        return ERR_OK;
    return store_kv_commit(ident->config.kv,
                           store_kv_batch_new(ident->config.kv), wait, NULL);
}

enum err
ident_register(struct ident *ident, struct bytes id, struct bytes class_name,
               struct store_journal_wait *wait)
{
    struct ident_key key;
    struct bytes value;
    enum err err = ident_id_key(ident, id, &key);
    if (err != ERR_OK)
        return err;
    if (class_name.size > WIRE_UNIT_CLASS || !base_bytes_utf8(class_name))
        return ERR_NAME;
    struct ident_record record;
    err = store_kv_get(store_kv_now(ident->config.kv), STORE_TABLE_ID, key.key,
                       &value);
    if (err == ERR_OK) {
        err = ident_row_id_read(value, &record);
        if (err != ERR_OK)
            return err;
        if (!base_bytes_equal(record.class_name, class_name))
            return ERR_EXISTS;
        return id_settle(ident, wait);
    }
    if (err != ERR_ABSENT)
        return err;
    if (key.served->quota > 0 && key.served->count >= key.served->quota)
        return ERR_LIMIT;
    record = (struct ident_record){
        .id = id,
        .class_name = class_name,
        .state = IDENT_ACTIVE,
        .made_ms = ident_now(ident),
        .changed_ms = ident_now(ident),
        .revision = 1,
    };
    return ident_id_write(ident, &key, &record, false,
                          base_bytes_text(key.served->attributes), wait);
}

enum err
ident_get(struct ident *ident, struct bytes id, struct base_arena *arena,
          struct ident_record *ret_record)
{
    struct ident_key key;
    struct bytes value;
    enum err err = ident_id_key(ident, id, &key);
    if (err == ERR_OK)
        err = store_kv_get(store_kv_now(ident->config.kv), STORE_TABLE_ID,
                           key.key, &value);
    if (err == ERR_OK)
        err = ident_row_id_read(base_arena_bytes(arena, value), ret_record);
    if (err == ERR_OK)
        ret_record->values = ident_record_values(ret_record, arena);
    return err;
}

struct id_walk {
    bool (*fn)(void *self, const struct ident_record *record);
    void *self;
    bool ended;
};

static bool
id_walk_row(void *self, struct bytes key, struct bytes value)
{
    struct id_walk *walk = self;
    struct ident_record record;
    (void)key;
    if (ident_row_id_read(value, &record) == ERR_OK)
        walk->ended = !walk->fn(walk->self, &record);
    return !walk->ended;
}

enum err
ident_walk(struct ident *ident, struct bytes prefix,
           bool (*fn)(void *self, const struct ident_record *record),
           void *self)
{
    const struct ident_served *served = ident_id_served(ident, prefix);
    struct id_walk walk = {fn, self, false};
    uint8_t head[4], room[2][480];
    struct bytes from = {0};
    struct base_out own;
    if (served == NULL)
        return ERR_DENIED;
    base_out_fixed(&own, head, sizeof head);
    base_out_u32be(&own, served->id);
    for (unsigned turn = 0;; turn ^= 1) {
        struct base_out next;
        base_out_fixed(&next, room[turn], sizeof room[turn]);
        enum err err = store_kv_scan(store_kv_now(ident->config.kv),
                                     STORE_TABLE_ID, base_out_bytes(&own), from,
                                     10000, id_walk_row, &walk, &next);
        if (err != ERR_AGAIN || walk.ended)
            return walk.ended ? ERR_OK : err;
        from = base_out_bytes(&next);
    }
}

/* --- the doors' question --- */

/* '*' stands for any bytes. */
static bool
id_glob(const char *pattern, struct bytes text)
{
    const char *star = NULL;
    size_t at = 0, mark = 0;
    while (at < text.size) {
        if (*pattern == '*') {
            star = ++pattern;
            mark = at;
        } else if (*pattern == (char)text.at[at]) {
            pattern++;
            at++;
        } else if (star != NULL) {
            pattern = star;
            at = ++mark;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static bool
id_allowed(struct ident *ident, struct bytes suffix)
{
    if (ident->config.allow_count == 0)
        return true;
    for (unsigned i = 0; i < ident->config.allow_count; i++)
        if (id_glob(ident->config.allow[i], suffix))
            return true;
    return false;
}

/* At most 1,000 automatic registrations in one hour of the clock. */
static bool
id_within_hour(struct ident *ident)
{
    int64_t hour = ident_now(ident) / 3600000;
    if (hour != ident->auto_hour) {
        ident->auto_hour = hour;
        ident->auto_count = 0;
    }
    if (ident->auto_count >= IDENT_AUTO_PER_HOUR) {
        base_stat_inc(&ident->limit_auto, 1);
        return false;
    }
    ident->auto_count++;
    return true;
}

static enum err
id_ensure_made(struct ident *ident, struct ident_ensure *call,
               const struct model_id *parts)
{
    if (!call->create) {
        base_stat_inc(&ident->refused_auto, 1);
        return ERR_ABSENT;
    }
    if (!id_allowed(ident, parts->suffix))
        return ERR_DENIED;
    if (!id_within_hour(ident))
        return ERR_LIMIT;
    return ident_register(ident, base_bytes(call->id, call->id_size),
                          (struct bytes){0}, &call->wait);
}

static enum err
id_ensure(struct ident *ident, struct ident_ensure *call)
{
    struct ident_key key;
    struct bytes value;
    struct ident_record record;
    enum err err =
        ident_id_key(ident, base_bytes(call->id, call->id_size), &key);
    if (err != ERR_OK)
        return err;
    if (key.served->state != IDENT_PREFIX_ACTIVE || key.served->moving)
        return ERR_DENIED;
    err = store_kv_get(store_kv_now(ident->config.kv), STORE_TABLE_ID, key.key,
                       &value);
    if (err == ERR_ABSENT)
        return id_ensure_made(ident, call, &key.id);
    if (err == ERR_OK)
        err = ident_row_id_read(value, &record);
    if (err != ERR_OK)
        return err;
    if (record.state != IDENT_ACTIVE)
        return ERR_DENIED;
    return id_settle(ident, &call->wait);
}

static void
id_ensure_durable(struct store_journal_wait *wait, enum err err)
{
    struct ident_ensure *call = BASE_OUTER(wait, struct ident_ensure, wait);
    call->done(call, err);
}

static void
id_ensure_back(struct base_task *task)
{
    struct ident_ensure *call = BASE_OUTER(task, struct ident_ensure, task);
    call->done(call, call->err);
}

static void
id_ensure_task(struct base_task *task)
{
    struct ident_ensure *call = BASE_OUTER(task, struct ident_ensure, task);
    base_stat_inc(&call->ident->ensured, 1);
    call->wait.fn = id_ensure_durable;
    call->wait.loop = call->loop;
    enum err err = id_ensure(call->ident, call);
    if (err == ERR_OK)
        return; /* the wait will tell */
    call->err = err;
    call->task.fn = id_ensure_back;
    base_loop_post(call->loop, &call->task);
}

void
ident_ensure(struct ident *ident, struct ident_ensure *call)
{
    call->ident = ident;
    call->task.fn = id_ensure_task;
    base_loop_post(ident->config.loop, &call->task);
}
