/* mqtt_fake.c */
#include "mqtt_fake.h"

#include <stdio.h>

#include "base/base_map.h"
#include "base/base_mem.h"
#include "base/base_must.h"

struct mqtt_fake mqtt_fake;

static struct base_map fake_ids, fake_slots;
static struct stream_watch *fake_watches;
static struct base_timer fake_timer;
static char fake_names[70000][200];

static void
fake_tell(void)
{
    for (struct stream_watch *w = fake_watches; w; w = w->next)
        w->fn(w);
}

static void
fake_due(struct base_timer *timer)
{
    (void)timer;
    mqtt_fake_sync();
}

void
mqtt_fake_reset(struct base_loop *loop)
{
    base_map_done(&fake_ids);
    base_map_done(&fake_slots);
    mqtt_fake = (struct mqtt_fake){.loop = loop, .known = true};
    base_map_init(&fake_ids, 1);
    base_map_init(&fake_slots, 2);
    fake_watches = NULL;
    fake_timer = (struct base_timer){.fn = fake_due};
}

void
mqtt_fake_sync(void)
{
    mqtt_fake.synced = mqtt_fake.sequence;
    fake_tell();
}

void
mqtt_fake_cut(void)
{
    mqtt_fake.sequence = mqtt_fake.synced;
    mqtt_fake.cuts++;
    fake_tell();
}

const char *
mqtt_fake_last(const char *series)
{
    static char text[BASE_NUM_TEXT];
    for (uint64_t i = mqtt_fake.writes; i-- > 0;)
        if (strcmp(mqtt_fake.rows[i % MQTT_FAKE_ROWS].series, series) == 0)
            return base_num_text(mqtt_fake.rows[i % MQTT_FAKE_ROWS].value,
                                 text);
    return "";
}

static uint64_t
fake_appended(void)
{
    if (mqtt_fake.sync_ms >= 0 && fake_timer.index == 0 && mqtt_fake.loop)
        base_loop_timer(mqtt_fake.loop, &fake_timer, mqtt_fake.sync_ms);
    return ++mqtt_fake.sequence;
}

static void
fake_row(const char *series, int64_t t, struct num value)
{
    struct mqtt_fake_row *row =
        &mqtt_fake.rows[mqtt_fake.writes++ % MQTT_FAKE_ROWS];
    snprintf(row->series, sizeof row->series, "%s", series);
    row->t = t;
    row->value = value;
}

bool
stream_knows(struct stream *stream, struct bytes id)
{
    (void)stream;
    return mqtt_fake.known || base_map_get(&fake_ids, id) != NULL;
}

void
stream_learn(struct stream *stream, struct bytes id)
{
    (void)stream;
    base_map_put(&fake_ids, id, &mqtt_fake);
}

static bool
fake_name_fits(struct bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.at[i];
        bool letter =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return name.size > 0;
}

enum err
stream_write(struct stream *stream, const struct stream_sample *sample,
             uint64_t *ret_sequence, struct base_note *note)
{
    if (!stream_knows(stream, sample->id))
        return ERR_ABSENT;
    if (mqtt_fake.write != ERR_OK)
        return mqtt_fake.write;
    for (unsigned i = 0; i < sample->count; i++)
        if (!fake_name_fits(sample->points[i].metric))
            return base_err_note(note, ERR_NAME, "a metric is unfit");
    for (unsigned i = 0; i < sample->count; i++) {
        char series[200];
        snprintf(series, sizeof series, "%.*s %.*s", (int)sample->id.size,
                 (const char *)sample->id.at,
                 (int)sample->points[i].metric.size,
                 (const char *)sample->points[i].metric.at);
        fake_row(series, sample->t, sample->points[i].value);
    }
    *ret_sequence = fake_appended();
    return ERR_OK;
}

enum err
stream_resolve(struct stream *stream, struct bytes id, struct bytes metric,
               struct stream_slot *ret_slot)
{
    char series[200];
    if (!stream_knows(stream, id))
        return ERR_ABSENT;
    if (!fake_name_fits(metric))
        return ERR_NAME;
    int size = snprintf(series, sizeof series, "%.*s %.*s", (int)id.size,
                        (const char *)id.at, (int)metric.size,
                        (const char *)metric.at);
    struct bytes key = base_bytes(series, (size_t)size);
    char *name = base_map_get(&fake_slots, key);
    if (!name) {
        must(fake_slots.count < BASE_COUNT(fake_names));
        name = fake_names[fake_slots.count];
        memcpy(name, series, (size_t)size + 1);
        base_map_put(&fake_slots, key, name);
    }
    ret_slot->group =
        (uint32_t)((name - fake_names[0]) / (ptrdiff_t)sizeof fake_names[0]);
    return ERR_OK;
}

enum err
stream_write_slot(struct stream *stream, struct stream_slot slot, int64_t t,
                  struct num value, uint64_t *ret_sequence)
{
    (void)stream;
    if (mqtt_fake.write != ERR_OK)
        return mqtt_fake.write;
    fake_row(fake_names[slot.group], t, value);
    *ret_sequence = fake_appended();
    return ERR_OK;
}

uint64_t
stream_synced(struct stream *stream)
{
    (void)stream;
    return mqtt_fake.synced;
}

enum err
stream_state(struct stream *stream)
{
    (void)stream;
    return mqtt_fake.state;
}

bool
stream_low(struct stream *stream)
{
    (void)stream;
    return mqtt_fake.low;
}

uint64_t
stream_cuts(struct stream *stream)
{
    (void)stream;
    return mqtt_fake.cuts;
}

void
stream_watch(struct stream *stream, struct stream_watch *watch)
{
    (void)stream;
    watch->next = fake_watches;
    fake_watches = watch;
}

/* --- stream_keep: forgets, but answers later --- */

static void
fake_kept(struct base_task *task)
{
    struct stream_keep_call *call =
        BASE_OUTER(task, struct stream_keep_call, task);
    call->done(call, call->err);
}

void
stream_keep_put(struct stream_keep *keep, struct stream_keep_call *call,
                enum stream_keep_kind kind, struct bytes name,
                struct bytes value)
{
    (void)keep;
    (void)kind;
    (void)name;
    (void)value;
    mqtt_fake.kept++;
    call->err = mqtt_fake.write;
    call->task.fn = fake_kept;
    base_loop_post(mqtt_fake.loop, &call->task);
}

enum err
stream_keep_load(struct stream_keep *keep, enum stream_keep_kind kind,
                 void (*fn)(void *self, struct bytes name, struct bytes value),
                 void *self)
{
    (void)keep;
    (void)kind;
    (void)fn;
    (void)self;
    return ERR_OK;
}

/* --- ident --- */

static void
fake_ensured(struct base_task *task)
{
    struct ident_ensure *call = BASE_OUTER(task, struct ident_ensure, task);
    call->done(call, call->err);
}

void
ident_ensure(struct ident *ident, struct ident_ensure *call)
{
    (void)ident;
    mqtt_fake.ensured++;
    call->err = call->create ? mqtt_fake.ensure : ERR_ABSENT;
    call->task.fn = fake_ensured;
    base_loop_post(mqtt_fake.loop, &call->task);
}
