/* ident_id.c -- identifiers: register, look up, list, and the doors' question.
 *
 * A registration is one batch: the ID row and, in the same batch, the UNIT
 * message to rollup (local road of tier), so that no crash parts them.  stream
 * hears of it at once by an event; what it remembers is a cache. */
#include "base/base_mem.h"
#include "base/base_must.h"
#include "engine/ident/ident_inner.h"
#include "wire/figure/wire_unit.h"

static enum err
id_key(struct ident *ident, struct bytes text, uint8_t key[IDENT_ROW_KEY],
       struct bytes *ret_key, struct model_id *ret_id)
{
    enum err err = model_id_parse(text, ret_id);
    if (err != ERR_OK)
        return err;
    if (ret_id->suffix.size == 0)
        return ERR_NAME;
    if (!base_bytes_equal_folded(ret_id->prefix, ident->prefix))
        return ERR_DENIED;
    struct base_out out;
    base_out_fixed(&out, key, IDENT_ROW_KEY);
    base_out_u32be(&out, ident->prefix_id);
    uint8_t *suffix = base_out_space(&out, ret_id->suffix.size);
    base_bytes_fold(ret_id->suffix, suffix);
    *ret_key = base_out_bytes(&out);
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
        uint64_t sequence)
{
    struct model_event_object *event = base_mem_zero(sizeof *event);
    event->event.kind = MODEL_EVENT_OBJECT;
    event->active = record->state == IDENT_ACTIVE;
    event->class_size = (uint8_t)record->class_name.size;
    if (event->class_size > 0)
        memcpy(event->class_name, record->class_name.at, event->class_size);
    event->id_size = (uint8_t)record->id.size;
    memcpy(event->id, record->id.at, event->id_size);
    struct bytes attributes = ident->config.attributes;
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

static enum err
id_put(struct ident *ident, struct bytes key, const struct ident_record *record,
       struct store_journal_wait *wait)
{
    uint8_t row[IDENT_ROW_MAX], unit[WIRE_UNIT_MAX];
    struct base_out value, body;
    base_out_fixed(&value, row, sizeof row);
    ident_row_id_write(&value, record);
    base_out_fixed(&body, unit, sizeof unit);
    wire_unit_write(&body, &(struct wire_unit){
                               .id = record->id,
                               .class_name = record->class_name,
                               .active = record->state == IDENT_ACTIVE,
                               .since_ms = record->changed_ms,
                               .attributes = ident->config.attributes,
                           });
    must(base_out_ok(&value) && base_out_ok(&body));
    struct store_kv_batch *batch = store_kv_batch_new(ident->config.kv);
    store_kv_put(batch, STORE_TABLE_ID, key, base_out_bytes(&value));
    struct model_port *port = ident->config.port;
    enum err err =
        port->ops->post(port, MODEL_CHANNEL_NAMES, MODEL_KIND_NAMES_UNIT,
                        port->own, base_out_bytes(&body), batch);
    if (err != ERR_OK) {
        store_kv_batch_free(batch);
        return err;
    }
    uint64_t sequence;
    err = store_kv_commit(ident->config.kv, batch, wait, &sequence);
    if (err == ERR_OK) {
        base_stat_inc(&ident->registered, 1);
        id_tell(ident, record, sequence);
    }
    return err;
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
    uint8_t room[IDENT_ROW_KEY];
    struct bytes key, value;
    struct model_id parts;
    enum err err = id_key(ident, id, room, &key, &parts);
    if (err != ERR_OK)
        return err;
    if (class_name.size > 64 || !base_bytes_utf8(class_name))
        return ERR_NAME;
    struct ident_record record;
    err = store_kv_get(store_kv_now(ident->config.kv), STORE_TABLE_ID, key,
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
    record = (struct ident_record){
        .id = id,
        .class_name = class_name,
        .state = IDENT_ACTIVE,
        .made_ms = ident_now(ident),
        .changed_ms = ident_now(ident),
        .revision = 1,
    };
    return id_put(ident, key, &record, wait);
}

enum err
ident_get(struct ident *ident, struct bytes id, struct base_arena *arena,
          struct ident_record *ret_record)
{
    uint8_t room[IDENT_ROW_KEY];
    struct bytes key, value;
    struct model_id parts;
    enum err err = id_key(ident, id, room, &key, &parts);
    if (err == ERR_OK)
        err = store_kv_get(store_kv_now(ident->config.kv), STORE_TABLE_ID, key,
                           &value);
    if (err != ERR_OK)
        return err;
    return ident_row_id_read(base_arena_bytes(arena, value), ret_record);
}

struct id_list {
    void (*fn)(void *self, const struct ident_record *record);
    void *self;
};

static bool
id_list_row(void *self, struct bytes key, struct bytes value)
{
    struct id_list *list = self;
    struct ident_record record;
    (void)key;
    if (ident_row_id_read(value, &record) == ERR_OK)
        list->fn(list->self, &record);
    return true;
}

enum err
ident_list(struct ident *ident, struct bytes prefix, struct bytes after,
           unsigned limit,
           void (*fn)(void *self, const struct ident_record *record),
           void *self)
{
    if (!base_bytes_equal_folded(prefix, ident->prefix))
        return ERR_DENIED;
    if (after.size > MODEL_ID_MAX)
        return ERR_BIG;
    uint8_t head[4], room[IDENT_ROW_KEY + 1];
    struct base_out own, from;
    base_out_fixed(&own, head, sizeof head);
    base_out_u32be(&own, ident->prefix_id);
    base_out_fixed(&from, room, sizeof room);
    base_out_u32be(&from, ident->prefix_id);
    if (after.size > 0) { /* the least key above it */
        base_bytes_fold(after, base_out_space(&from, after.size));
        base_out_u8(&from, 0);
    }
    struct id_list list = {fn, self};
    enum err err = store_kv_scan(store_kv_now(ident->config.kv), STORE_TABLE_ID,
                                 base_out_bytes(&own), base_out_bytes(&from),
                                 limit, id_list_row, &list, NULL);
    return err == ERR_AGAIN ? ERR_OK : err;
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
    uint8_t room[IDENT_ROW_KEY];
    struct bytes key, value;
    struct model_id parts;
    struct ident_record record;
    enum err err =
        id_key(ident, base_bytes(call->id, call->id_size), room, &key, &parts);
    if (err != ERR_OK)
        return err;
    err = store_kv_get(store_kv_now(ident->config.kv), STORE_TABLE_ID, key,
                       &value);
    if (err == ERR_ABSENT)
        return id_ensure_made(ident, call, &parts);
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
