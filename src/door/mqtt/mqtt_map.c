/* mqtt_map.c -- topics understood once, payloads read and written. */
#include "door/mqtt/mqtt_map.h"

#include <math.h>

#include "base/base_hash.h"
#include "base/base_mem.h"
#include "model/model_id.h"
#include "wire/json/wire_json.h"

enum map_payload { MAP_NUMBER, MAP_READING };
enum map_state {
    MAP_UNKNOWN,
    MAP_LEARNT, /* ident says that it is there */
    MAP_READY,
    MAP_REFUSED, /* ident says no */
    MAP_FAILED,  /* the stream says no */
};
enum { MAP_AGAIN_MS = 1000, MAP_VARIABLES = 8 };

/* One row; templates take {x} from the topic. */
struct map_row {
    const char *topic, *id, *metric;
    enum map_payload payload;
};

static const struct map_row map_builtin[] = {
    {"d/{prefix}/{suffix}/m/{metric}", "{prefix}/{suffix}", "{metric}",
     MAP_NUMBER},
    {"d/{prefix}/{suffix}/t", "{prefix}/{suffix}", "", MAP_READING},
};

struct mqtt_map_entry {
    uint64_t hash;
    struct stream_slot slot;
    struct mono again; /* REFUSED, FAILED: until then */
    enum err why;
    uint8_t state, payload;
    uint16_t topic_size, id_size, metric_size;
    uint8_t bytes[]; /* topic, id, metric */
};

struct map_variable {
    struct bytes name, value;
};

struct map_variables {
    unsigned count;
    struct map_variable at[MAP_VARIABLES];
};

void
mqtt_map_init(struct mqtt_map *map, struct stream *stream, uint64_t seed)
{
    *map = (struct mqtt_map){.stream = stream, .seed = seed};
    map->table = base_mem_zero(MQTT_MAP_TOPICS * sizeof(void *));
    map->points = base_mem_new(MQTT_MAP_POINTS * sizeof *map->points);
    base_out_grow(&map->names, 1 << 20);
}

void
mqtt_map_done(struct mqtt_map *map)
{
    for (size_t i = 0; map->table && i < MQTT_MAP_TOPICS; i++)
        base_mem_free(map->table[i]);
    base_mem_free(map->table);
    base_mem_free(map->points);
    base_out_done(&map->names);
}

static struct bytes
map_topic(const struct mqtt_map_entry *entry)
{
    return base_bytes(entry->bytes, entry->topic_size);
}

struct bytes
mqtt_map_id(const struct mqtt_map_entry *entry)
{
    return base_bytes(entry->bytes + entry->topic_size, entry->id_size);
}

static struct bytes
map_metric(const struct mqtt_map_entry *entry)
{
    return base_bytes(entry->bytes + entry->topic_size + entry->id_size,
                      entry->metric_size);
}

/* --- understanding a topic --- */

static struct bytes
map_cut_level(struct bytes *rest)
{
    size_t slash = base_bytes_find(*rest, '/');
    struct bytes level = base_bytes_slice(*rest, 0, slash);
    *rest = slash < rest->size
                ? base_bytes(rest->at + slash + 1, rest->size - slash - 1)
                : (struct bytes){NULL, 0};
    return level;
}

static bool
map_fits(const struct map_row *row, struct bytes topic,
         struct map_variables *ret_variables)
{
    struct bytes pattern = base_bytes_text(row->topic);
    ret_variables->count = 0;
    while (pattern.at && topic.at) {
        struct bytes want = map_cut_level(&pattern);
        struct bytes have = map_cut_level(&topic);
        if (want.size && want.at[0] == '{') {
            if (have.size == 0 || ret_variables->count == MAP_VARIABLES)
                return false;
            ret_variables->at[ret_variables->count++] = (struct map_variable){
                base_bytes_slice(want, 1, want.size - 2), have};
        } else if (!base_bytes_equal(want, have)) {
            return false;
        }
    }
    return !pattern.at && !topic.at;
}

static int
map_hex(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static void
map_decode(struct bytes text, struct base_out *out)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] != '%') {
            base_out_u8(out, text.at[i]);
            continue;
        }
        int high = i + 2 < text.size ? map_hex(text.at[i + 1]) : -1;
        int low = i + 2 < text.size ? map_hex(text.at[i + 2]) : -1;
        if (high < 0 || low < 0) {
            out->failed = ERR_SYNTAX;
            return;
        }
        base_out_u8(out, (uint8_t)(high << 4 | low));
        i += 2;
    }
}

static void
map_expand(const char *template, const struct map_variables *variables,
           struct base_out *out)
{
    struct bytes rest = base_bytes_text(template);
    while (rest.size) {
        size_t open = base_bytes_find(rest, '{');
        base_out_bytes_add(out, base_bytes_slice(rest, 0, open));
        if (open == rest.size)
            return;
        size_t shut = base_bytes_find(rest, '}');
        struct bytes name = base_bytes_slice(rest, open + 1, shut - open - 1);
        for (unsigned i = 0; i < variables->count; i++)
            if (base_bytes_equal(variables->at[i].name, name))
                map_decode(variables->at[i].value, out);
        rest = base_bytes_slice(rest, shut + 1, rest.size);
    }
}

static bool
map_is_wild(struct bytes level)
{
    return base_bytes_is(level, "+") || base_bytes_is(level, "#");
}

bool
mqtt_map_object(struct bytes topic, struct base_out *out)
{
    struct bytes d = map_cut_level(&topic), prefix = map_cut_level(&topic);
    struct bytes suffix = map_cut_level(&topic);
    if (!base_bytes_is(d, "d") || prefix.size == 0 || map_is_wild(prefix))
        return false;
    bool whole = suffix.size > 0 && !map_is_wild(suffix);
    if (!whole && base_bytes_find(prefix, '%') < prefix.size)
        return false;
    map_decode(prefix, out);
    if (whole) {
        base_out_u8(out, '/');
        map_decode(suffix, out);
    }
    return base_out_ok(out);
}

/* A new entry for a topic that a row fits; NULL: the identifier is unfit. */
static struct mqtt_map_entry *
map_understand(const struct map_row *row, const struct map_variables *variables,
               struct bytes topic)
{
    uint8_t room[MODEL_ID_MAX + MODEL_LABEL_NAME];
    struct base_out out;
    struct model_id parts;
    base_out_fixed(&out, room, sizeof room);
    map_expand(row->id, variables, &out);
    size_t id_size = out.size;
    map_expand(row->metric, variables, &out);
    if (!base_out_ok(&out) ||
        model_id_parse(base_bytes(room, id_size), &parts) != ERR_OK)
        return NULL;
    struct mqtt_map_entry *entry =
        base_mem_new(sizeof *entry + topic.size + out.size);
    *entry = (struct mqtt_map_entry){
        .state = MAP_UNKNOWN,
        .payload = (uint8_t)row->payload,
        .topic_size = (uint16_t)topic.size,
        .id_size = (uint16_t)id_size,
        .metric_size = (uint16_t)(out.size - id_size),
    };
    memcpy(entry->bytes, topic.at, topic.size);
    memcpy(entry->bytes + topic.size, room, out.size);
    return entry;
}

/* Does the stream know it by now? */
static void
map_resolve(struct mqtt_map *map, struct mqtt_map_entry *entry,
            struct mono mono)
{
    enum err err = ERR_OK;
    if (entry->payload == MAP_NUMBER)
        err = stream_resolve(map->stream, mqtt_map_id(entry), map_metric(entry),
                             &entry->slot);
    else if (!stream_knows(map->stream, mqtt_map_id(entry)))
        err = ERR_ABSENT;
    entry->why = err;
    if (err == ERR_OK)
        entry->state = MAP_READY;
    else if (err == ERR_ABSENT && entry->state == MAP_LEARNT)
        entry->state = MAP_REFUSED;
    else if (err != ERR_ABSENT && err != ERR_BUSY && err != ERR_FULL &&
             err != ERR_IO)
        entry->state = MAP_FAILED;
    entry->again.ms = mono.ms + MAP_AGAIN_MS;
}

/* --- the cache --- */

static struct mqtt_map_entry **
map_set(struct mqtt_map *map, uint64_t hash)
{
    size_t sets = MQTT_MAP_TOPICS / MQTT_MAP_WAYS;
    return &map->table[(hash & (sets - 1)) * MQTT_MAP_WAYS];
}

static struct mqtt_map_entry *
map_find(struct mqtt_map *map, struct bytes topic, uint64_t hash,
         uint32_t *ret_hint)
{
    struct mqtt_map_entry **set = map_set(map, hash);
    for (unsigned way = 0; way < MQTT_MAP_WAYS; way++) {
        struct mqtt_map_entry *entry = set[way];
        if (entry && entry->hash == hash &&
            base_bytes_equal(map_topic(entry), topic)) {
            *ret_hint = (uint32_t)(&set[way] - map->table);
            return entry;
        }
    }
    return NULL;
}

static void
map_keep(struct mqtt_map *map, struct mqtt_map_entry *entry, uint64_t hash,
         uint32_t *ret_hint)
{
    struct mqtt_map_entry **set = map_set(map, hash);
    unsigned way = 0;
    while (way < MQTT_MAP_WAYS && set[way])
        way++;
    if (way == MQTT_MAP_WAYS)
        way = map->turn++ % MQTT_MAP_WAYS;
    base_mem_free(set[way]);
    entry->hash = hash;
    set[way] = entry;
    *ret_hint = (uint32_t)(&set[way] - map->table);
}

/* The entry of a topic, made if a mapping fits; NULL: none does. */
static struct mqtt_map_entry *
map_entry(struct mqtt_map *map, struct bytes topic, uint32_t *hint)
{
    struct map_variables variables;
    struct mqtt_map_entry *entry = map->table[*hint & (MQTT_MAP_TOPICS - 1)];
    if (entry && base_bytes_equal(map_topic(entry), topic))
        return entry;
    uint64_t hash = base_hash_xxh3(map->seed, topic);
    entry = map_find(map, topic, hash, hint);
    for (size_t i = 0; !entry && i < BASE_COUNT(map_builtin); i++) {
        if (!map_fits(&map_builtin[i], topic, &variables))
            continue;
        entry = map_understand(&map_builtin[i], &variables, topic);
        if (!entry)
            return NULL;
        map_keep(map, entry, hash, hint);
    }
    return entry;
}

/* --- payloads --- */

static enum mqtt_verdict
map_verdict(enum err err)
{
    switch ((int)err) {
    case ERR_OK:
        return MQTT_KEPT;
    case ERR_ABSENT:
        return MQTT_UNKNOWN;
    case ERR_BUSY:
        return MQTT_LATER;
    case ERR_DENIED:
        return MQTT_REFUSED;
    case ERR_LIMIT:
        return MQTT_OVER;
    case ERR_FULL:
        return MQTT_NO_ROOM;
    case ERR_IO:
        return MQTT_BROKEN;
    default:
        return MQTT_BAD;
    }
}

static enum err
map_number(struct bytes text, struct num *ret_num)
{
    if (base_num_parse(text, ret_num) == ERR_OK &&
        isfinite(base_num_to_double(*ret_num)))
        return ERR_OK;
    bool yes = base_bytes_is(text, "true");
    if (!yes && !base_bytes_is(text, "false"))
        return ERR_SYNTAX;
    *ret_num = (struct num){.mantissa = yes};
    return ERR_OK;
}

static enum err
map_take_number(struct mqtt_map *map, struct mqtt_map_entry *entry,
                struct bytes payload, struct wall wall,
                struct mqtt_map_taken *ret)
{
    struct num num;
    if (map_number(base_bytes_trim(payload), &num) != ERR_OK)
        return base_err_note(&map->note, ERR_SYNTAX,
                             "the payload is not a number, true or false");
    enum err err = stream_write_slot(map->stream, entry->slot, wall.ms, num,
                                     &ret->sequence);
    if (err == ERR_OK)
        ret->samples = 1;
    else
        base_err_note(&map->note, err, "%s", base_err_text(err));
    return err;
}

/* The metric name as it is meant; escapes are rare. */
static struct bytes
map_name(struct mqtt_map *map, const struct wire_json *json, struct bytes name)
{
    if (!json->escaped)
        return name;
    size_t before = map->names.size;
    wire_json_text(name, &map->names);
    return base_bytes_slice(base_out_bytes(&map->names), before,
                            map->names.size);
}

/* The object of "v": names and values into map->points. */
static enum err
map_read_values(struct mqtt_map *map, struct wire_json *json,
                unsigned *ret_count)
{
    struct bytes name = {0}, text = {0};
    unsigned count = 0;
    if (wire_json_next(json, &text) != WIRE_JSON_OBJECT)
        return ERR_SYNTAX;
    for (;;) {
        enum wire_json_kind kind = wire_json_next(json, &name);
        if (kind == WIRE_JSON_OBJECT_END)
            break;
        if (kind != WIRE_JSON_NAME)
            return ERR_SYNTAX;
        if (count == MQTT_MAP_POINTS)
            return ERR_BIG;
        struct stream_point *point = &map->points[count++];
        point->metric = map_name(map, json, name);
        kind = wire_json_next(json, &text);
        if (kind == WIRE_JSON_TRUE || kind == WIRE_JSON_FALSE)
            point->value = (struct num){.mantissa = kind == WIRE_JSON_TRUE};
        else if (kind != WIRE_JSON_NUMBER ||
                 map_number(text, &point->value) != ERR_OK)
            return ERR_TYPE;
    }
    *ret_count = count;
    return ERR_OK;
}

/* One {"ts":ms,"v":{...}}, its opening brace taken already. */
static enum err
map_read_one(struct mqtt_map *map, struct wire_json *json,
             struct stream_sample *sample)
{
    struct bytes name = {0}, text = {0};
    bool values = false;
    map->names.size = 0;
    sample->t = 0;
    sample->count = 0;
    for (;;) {
        enum wire_json_kind kind = wire_json_next(json, &name);
        enum err err = ERR_OK;
        if (kind == WIRE_JSON_OBJECT_END)
            return values && sample->count ? ERR_OK : ERR_SYNTAX;
        if (kind != WIRE_JSON_NAME)
            return ERR_SYNTAX;
        if (base_bytes_is(name, "ts")) {
            kind = wire_json_next(json, &text);
            err = kind == WIRE_JSON_NUMBER ? base_bytes_i64(text, &sample->t)
                                           : ERR_TYPE;
            if (err == ERR_OK && sample->t <= 0)
                err = ERR_TIME;
        } else if (base_bytes_is(name, "v") && !values) {
            values = true;
            err = map_read_values(map, json, &sample->count);
        } else {
            err = ERR_NAME;
        }
        if (err != ERR_OK)
            return err;
    }
}

/* What json stands behind the brace of; given to the stream when `write`, and
 * when `last` only if nothing follows. */
static enum err
map_read_object(struct mqtt_map *map, struct mqtt_map_entry *entry,
                struct wire_json *json, struct wall wall, bool last,
                struct mqtt_map_taken *ret)
{
    struct bytes text;
    struct stream_sample sample = {.id = mqtt_map_id(entry),
                                   .points = map->points};
    enum err err = map_read_one(map, json, &sample);
    if (err == ERR_OK && last && wire_json_next(json, &text) != WIRE_JSON_END)
        err = ERR_SYNTAX;
    if (err != ERR_OK || !ret)
        return err;
    if (sample.t == 0)
        sample.t = wall.ms;
    err = stream_write(map->stream, &sample, &ret->sequence, &map->note);
    if (err == ERR_OK)
        ret->samples += sample.count;
    return err;
}

/* ret NULL: only look. */
static enum err
map_read_all(struct mqtt_map *map, struct mqtt_map_entry *entry,
             struct bytes payload, struct wall wall, struct mqtt_map_taken *ret)
{
    struct wire_json json;
    struct bytes text;
    wire_json_init(&json, payload);
    enum wire_json_kind kind = wire_json_next(&json, &text);
    if (kind == WIRE_JSON_OBJECT)
        return map_read_object(map, entry, &json, wall, true, ret);
    if (kind != WIRE_JSON_ARRAY)
        return ERR_SYNTAX;
    while ((kind = wire_json_next(&json, &text)) == WIRE_JSON_OBJECT) {
        enum err err = map_read_object(map, entry, &json, wall, false, ret);
        if (err != ERR_OK)
            return err;
    }
    return kind == WIRE_JSON_ARRAY_END &&
                   wire_json_next(&json, &text) == WIRE_JSON_END
               ? ERR_OK
               : ERR_SYNTAX;
}

static enum err
map_take_reading(struct mqtt_map *map, struct mqtt_map_entry *entry,
                 struct bytes payload, struct wall wall,
                 struct mqtt_map_taken *ret)
{
    payload = base_bytes_trim(payload);
    bool array = payload.size && payload.at[0] == '[';
    enum err err = ERR_OK;
    map->note.text[0] = 0;
    if (array)
        err = map_read_all(map, entry, payload, wall, NULL);
    if (err == ERR_OK)
        err = map_read_all(map, entry, payload, wall, ret);
    if (err != ERR_OK && map->note.text[0] == 0)
        base_err_note(&map->note, err,
                      "the payload is not {\"ts\":ms,\"v\":{...}} or an "
                      "array of such: %s",
                      base_err_text(err));
    return err;
}

static enum err
map_write(struct mqtt_map *map, struct mqtt_map_entry *entry,
          struct bytes payload, struct wall wall, struct mqtt_map_taken *ret)
{
    return entry->payload == MAP_NUMBER
               ? map_take_number(map, entry, payload, wall, ret)
               : map_take_reading(map, entry, payload, wall, ret);
}

struct mqtt_map_taken
mqtt_map_take(struct mqtt_map *map, struct bytes topic, struct bytes payload,
              struct wall wall, struct mono mono, uint32_t *hint)
{
    struct mqtt_map_taken taken = {.verdict = MQTT_UNTOUCHED};
    if (topic.size < 2 || topic.at[0] != 'd' || topic.at[1] != '/')
        return taken;
    struct mqtt_map_entry *entry = map_entry(map, topic, hint);
    taken.entry = entry;
    taken.verdict = MQTT_UNMAPPED;
    if (!entry)
        return taken;
    if (entry->state >= MAP_REFUSED && mono.ms >= entry->again.ms)
        entry->state = MAP_UNKNOWN;
    if (entry->state <= MAP_LEARNT)
        map_resolve(map, entry, mono);
    if (entry->state == MAP_READY) {
        entry->why = map_write(map, entry, payload, wall, &taken);
        if (entry->why == ERR_ABSENT) /* retired, or not ours any more */
            entry->state = MAP_UNKNOWN;
    } else {
        base_err_note(&map->note, entry->why, "%s", base_err_text(entry->why));
    }
    taken.verdict = map_verdict(entry->why);
    if (entry->state == MAP_REFUSED && entry->why != ERR_FULL &&
        entry->why != ERR_IO)
        taken.verdict = MQTT_REFUSED;
    return taken;
}

void
mqtt_map_learn(struct mqtt_map *map, struct bytes topic, struct bytes id)
{
    uint32_t hint;
    stream_learn(map->stream, id);
    struct mqtt_map_entry *entry =
        map_find(map, topic, base_hash_xxh3(map->seed, topic), &hint);
    if (entry && entry->state == MAP_UNKNOWN)
        entry->state = MAP_LEARNT;
}

void
mqtt_map_refuse(struct mqtt_map *map, struct bytes topic, enum err why,
                struct mono mono)
{
    uint32_t hint;
    struct mqtt_map_entry *entry =
        map_find(map, topic, base_hash_xxh3(map->seed, topic), &hint);
    if (!entry)
        return;
    entry->state = MAP_REFUSED;
    entry->why = why;
    entry->again.ms = mono.ms + MAP_AGAIN_MS;
}
