/* model_yaml.c -- refusing, and from nodes to checked values. */
#include "model/model_yaml.h"

#include <stdio.h>

#include "base/base_time.h"
#include "model/model_near.h"

enum err
model_yaml_fail(struct model_yaml *yaml, const struct model_yaml_node *node,
                enum err code, const char *fmt, ...)
{
    if (yaml->failed != ERR_OK)
        return yaml->failed;
    char text[sizeof((struct base_note *)0)->text];
    va_list list;
    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    yaml->failed = code;
    return base_err_note_at(yaml->note, code, node ? node->file : "",
                            node ? node->line : 0, node ? node->column : 0,
                            "%s", text);
}

enum err
model_yaml_fail_in(struct model_yaml *yaml, const struct model_yaml_node *node,
                   const struct base_note *inner)
{
    struct model_yaml_node at = *node;
    if (at.exact && inner->column > 0)
        at.column += (at.plain ? 0u : 1u) + inner->column - 1;
    return model_yaml_fail(yaml, &at, inner->code, "%s", inner->text);
}

enum err
model_yaml_full(struct model_yaml *yaml)
{
    return model_yaml_fail(yaml, NULL, ERR_LIMIT,
                           "more than the %zu bytes of memory it may take",
                           yaml->arena->limit);
}

static const char *
yaml_kind_text(unsigned kinds)
{
    static const char *const texts[8] = {
        "nothing",         "a single value",
        "a list",          "a value or a list",
        "a map",           "a value or a map",
        "a list or a map", "a value, a list or a map",
    };
    return texts[kinds & MODEL_YAML_ANY];
}

bool
model_yaml_is(struct model_yaml *yaml, const struct model_yaml_node *node,
              unsigned kinds)
{
    if (!node || node->kind & kinds)
        return true;
    bool empty =
        node->kind == MODEL_YAML_SCALAR && node->plain && node->text.size == 0;
    model_yaml_fail(yaml, node, ERR_TYPE, "expected %s, found %s",
                    yaml_kind_text(kinds),
                    empty ? "nothing" : yaml_kind_text(node->kind));
    return false;
}

const struct model_yaml_node *
model_yaml_get(const struct model_yaml_node *map, const char *name)
{
    const struct model_yaml_node *node;
    for (node = model_yaml_first(map); node; node = node->next)
        if (node->key && base_bytes_is(node->key->text, name))
            return node;
    return NULL;
}

static unsigned
yaml_key_find(const struct model_yaml_key *keys, unsigned count,
              struct bytes name)
{
    unsigned i = 0;
    while (i < count && !base_bytes_is(name, keys[i].name))
        i++;
    return i;
}

static void
yaml_key_unknown(struct model_yaml *yaml, const struct model_yaml_node *key,
                 const struct model_yaml_key *keys, unsigned count)
{
    struct model_near near;
    model_near_init(&near, key->text);
    for (unsigned i = 0; i < count; i++)
        model_near_offer(&near, keys[i].name);
    model_yaml_fail(yaml, key, ERR_NAME, "unknown key %s%s",
                    (const char *)key->text.at, model_near_hint(&near));
}

void
model_yaml_map(struct model_yaml *yaml, const struct model_yaml_node *map,
               const struct model_yaml_key *keys, unsigned count,
               const struct model_yaml_node **ret_at)
{
    const struct model_yaml_node *node;
    for (unsigned i = 0; ret_at && i < count; i++)
        ret_at[i] = NULL;
    if (!map || !model_yaml_is(yaml, map, MODEL_YAML_MAP))
        return;
    for (node = model_yaml_first(map); node; node = node->next) {
        unsigned i = yaml_key_find(keys, count, node->key->text);
        if (i == count)
            yaml_key_unknown(yaml, node->key, keys, count);
        else if (keys[i].kinds & MODEL_YAML_LATER)
            model_yaml_fail(yaml, node->key, ERR_UNSUPPORTED,
                            "the key %s is not supported yet", keys[i].name);
        else if (model_yaml_is(yaml, node, keys[i].kinds) && ret_at)
            ret_at[i] = node;
    }
    for (unsigned i = 0; i < count; i++)
        if (keys[i].kinds & MODEL_YAML_MUST &&
            !model_yaml_get(map, keys[i].name))
            model_yaml_fail(yaml, map, ERR_NAME, "the key %s is missing",
                            keys[i].name);
}

const char *
model_yaml_text(struct model_yaml *yaml, const struct model_yaml_node *node,
                const char *fallback)
{
    if (!node || !model_yaml_is(yaml, node, MODEL_YAML_SCALAR))
        return fallback;
    if (node->plain && node->text.size == 0) {
        model_yaml_fail(yaml, node, ERR_TYPE, "a value is missing");
        return fallback;
    }
    return (const char *)node->text.at;
}

bool
model_yaml_bool(struct model_yaml *yaml, const struct model_yaml_node *node,
                bool fallback)
{
    const char *text = model_yaml_text(yaml, node, NULL);
    if (!text)
        return fallback;
    bool truth = strcmp(text, "true") == 0;
    if (!node->plain || (!truth && strcmp(text, "false") != 0))
        model_yaml_fail(yaml, node, ERR_TYPE,
                        "expected true or false, found %s", text);
    return truth;
}

int64_t
model_yaml_int(struct model_yaml *yaml, const struct model_yaml_node *node,
               int64_t min, int64_t max, int64_t fallback)
{
    const char *text = model_yaml_text(yaml, node, NULL);
    int64_t value;
    if (!text)
        return fallback;
    enum err err = base_bytes_i64(node->text, &value);
    if (err == ERR_OK && value >= min && value <= max)
        return value;
    model_yaml_fail(yaml, node, err == ERR_SYNTAX ? ERR_TYPE : ERR_RANGE,
                    "expected a whole number from %lld to %lld, found %s",
                    (long long)min, (long long)max, text);
    return fallback;
}

struct dec
model_yaml_dec(struct model_yaml *yaml, const struct model_yaml_node *node,
               struct dec fallback)
{
    const char *text = model_yaml_text(yaml, node, NULL);
    struct dec value;
    if (!text)
        return fallback;
    enum err err = base_dec_parse(node->text, &value);
    if (err == ERR_OK)
        return value;
    model_yaml_fail(yaml, node, err == ERR_SYNTAX ? ERR_TYPE : err,
                    "expected a number of at most 12 decimals, found %s", text);
    return fallback;
}

int64_t
model_yaml_span(struct model_yaml *yaml, const struct model_yaml_node *node,
                int64_t min_ms, int64_t max_ms, int64_t fallback_ms)
{
    const char *text = model_yaml_text(yaml, node, NULL);
    int64_t value;
    if (!text)
        return fallback_ms;
    if (base_time_span(node->text, &value) != ERR_OK)
        model_yaml_fail(yaml, node, ERR_TYPE,
                        "expected a span such as 5s, 2m or 16d12h, found %s",
                        text);
    else if (value < min_ms || value > max_ms)
        model_yaml_fail(yaml, node, ERR_RANGE, "the span %s is too %s", text,
                        value < min_ms ? "short" : "long");
    else
        return value;
    return fallback_ms;
}

unsigned
model_yaml_word(struct model_yaml *yaml, const struct model_yaml_node *node,
                const char *const *names, unsigned live, unsigned count,
                unsigned fallback)
{
    const char *text = model_yaml_text(yaml, node, NULL);
    if (!text)
        return fallback;
    const char *what = node->key ? (const char *)node->key->text.at : "word";
    struct model_near near;
    model_near_init(&near, node->text);
    for (unsigned i = 0; i < count; i++) {
        model_near_offer(&near, names[i]);
        if (strcmp(names[i], text) != 0)
            continue;
        if (i < live)
            return i;
        model_yaml_fail(yaml, node, ERR_UNSUPPORTED,
                        "%s %s is not supported yet", what, text);
        return fallback;
    }
    model_yaml_fail(yaml, node, ERR_NAME, "unknown %s %s%s", what, text,
                    model_near_hint(&near));
    return fallback;
}

/* A copy that stands alone, to be linked anew; what is below it is shared. */
static struct model_yaml_node *
yaml_copy(struct model_yaml *yaml, const struct model_yaml_node *node)
{
    struct model_yaml_node *copy = base_arena_alloc(yaml->arena, sizeof *copy);
    if (!copy) {
        model_yaml_full(yaml);
        return NULL;
    }
    *copy = *node;
    copy->next = NULL;
    return copy;
}

static struct model_yaml_node *
yaml_merge(struct model_yaml *yaml, const struct model_yaml_node *under,
           const struct model_yaml_node *over)
{
    struct model_yaml_node *made = yaml_copy(yaml, over ? over : under);
    const struct model_yaml_node *node;
    if (!made || !under || !over || under->kind != MODEL_YAML_MAP ||
        over->kind != MODEL_YAML_MAP)
        return made;
    const struct model_yaml_node **end = &made->first;
    made->count = 0;
    for (unsigned pass = 0; pass < 2; pass++)
        for (node = model_yaml_first(pass ? over : under); node;
             node = node->next) {
            const char *name = (const char *)node->key->text.at;
            const struct model_yaml_node *other =
                model_yaml_get(pass ? under : over, name);
            if (pass && other)
                continue; /* merged in the first pass */
            struct model_yaml_node *child = yaml_merge(yaml, node, other);
            if (!child)
                return NULL;
            child->key = other ? other->key : node->key;
            *end = child;
            end = &child->next;
            made->count++;
        }
    return made;
}

const struct model_yaml_node *
model_yaml_merge(struct model_yaml *yaml, const struct model_yaml_node *under,
                 const struct model_yaml_node *over)
{
    return under || over ? yaml_merge(yaml, under, over) : NULL;
}
