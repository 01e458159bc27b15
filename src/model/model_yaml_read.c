/* model_yaml_read.c -- a YAML document as a tree, by libyaml's events. */
#include <yaml.h>

#include "model/model_yaml.h"

enum { YAML_DEPTH = 32 };

struct yaml_reader {
    struct model_yaml *yaml;
    const char *file;
    yaml_parser_t parser;
};

static void
yaml_fail_at(struct yaml_reader *reader, const yaml_mark_t *mark, enum err code,
             const char *text)
{
    struct model_yaml_node at = {
        .file = reader->file,
        .line = (uint32_t)mark->line + 1,
        .column = (uint32_t)mark->column + 1,
    };
    model_yaml_fail(reader->yaml, &at, code, "%s", text);
}

/* Give up the event. false: the reading has failed. */
static bool
yaml_next(struct yaml_reader *reader, yaml_event_t *ret_event)
{
    if (!model_yaml_ok(reader->yaml))
        return false;
    if (yaml_parser_parse(&reader->parser, ret_event))
        return true;
    const char *problem = reader->parser.problem;
    bool bytes = reader->parser.error == YAML_READER_ERROR;
    yaml_fail_at(reader,
                 bytes ? &reader->parser.mark : &reader->parser.problem_mark,
                 ERR_SYNTAX, problem ? problem : "not YAML");
    return false;
}

/* Anchors and tags; the same for the three kinds of node. */
static bool
yaml_decorated(struct yaml_reader *reader, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    const char *why = event->type == YAML_ALIAS_EVENT
                          ? "an alias (*name) is not allowed here"
                      : anchor ? "an anchor (&name) is not allowed here"
                      : tag    ? "a tag (!name) is not allowed here"
                               : NULL;
    if (why)
        yaml_fail_at(reader, &event->start_mark, ERR_SYNTAX, why);
    return why != NULL;
}

static size_t
yaml_characters(struct bytes text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++)
        count += (text.at[i] & 0xc0) != 0x80;
    return count;
}

static void
yaml_scalar(struct yaml_reader *reader, const yaml_event_t *event,
            struct model_yaml_node *node)
{
    struct bytes text =
        base_bytes(event->data.scalar.value, event->data.scalar.length);
    node->kind = MODEL_YAML_SCALAR;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->exact = event->start_mark.line == event->end_mark.line &&
                  event->end_mark.column - event->start_mark.column ==
                      yaml_characters(text) + (node->plain ? 0u : 2u);
    node->text.size = text.size;
    node->text.at = (uint8_t *)base_arena_text(reader->yaml->arena, text);
    if (!node->text.at)
        model_yaml_full(reader->yaml);
    else if (base_bytes_find(text, 0) < text.size)
        yaml_fail_at(reader, &event->start_mark, ERR_SYNTAX, "a NUL byte");
}

static struct model_yaml_node *yaml_node(struct yaml_reader *reader,
                                         yaml_event_t *event, unsigned depth);

/* The key of a new member, which no earlier one may have. */
static const struct model_yaml_node *
yaml_key(struct yaml_reader *reader, yaml_event_t *event,
         const struct model_yaml_node *map, unsigned depth)
{
    bool scalar = event->type == YAML_SCALAR_EVENT;
    const struct model_yaml_node *key = yaml_node(reader, event, depth), *other;
    if (!key)
        return NULL;
    if (!scalar || key->text.size == 0)
        model_yaml_fail(reader->yaml, key, ERR_SYNTAX, "a key must be a word");
    if (map->count >= MODEL_YAML_KEYS)
        model_yaml_fail(reader->yaml, key, ERR_LIMIT,
                        "more than %d keys in one map", MODEL_YAML_KEYS);
    for (other = model_yaml_first(map); other; other = other->next)
        if (base_bytes_equal(other->key->text, key->text))
            model_yaml_fail(reader->yaml, key, ERR_NAME,
                            "the key %s stands twice (first in line %u)",
                            (const char *)key->text.at, other->key->line);
    return model_yaml_ok(reader->yaml) ? key : NULL;
}

static void
yaml_children(struct yaml_reader *reader, struct model_yaml_node *node,
              yaml_event_type_t end, unsigned depth)
{
    struct model_yaml_node *last = NULL;
    yaml_event_t event;
    while (yaml_next(reader, &event)) {
        if (event.type == end) {
            yaml_event_delete(&event);
            return;
        }
        const struct model_yaml_node *key = NULL;
        if (node->kind == MODEL_YAML_MAP) {
            key = yaml_key(reader, &event, node, depth + 1);
            if (!key || !yaml_next(reader, &event))
                return;
        }
        struct model_yaml_node *child = yaml_node(reader, &event, depth + 1);
        if (!child)
            return;
        child->key = key;
        if (last)
            last->next = child;
        else
            node->first = child;
        last = child;
        node->count++;
    }
}

/* A node and all below it; deletes the event.  NULL: failed. */
static struct model_yaml_node *
yaml_node(struct yaml_reader *reader, yaml_event_t *event, unsigned depth)
{
    struct model_yaml *yaml = reader->yaml;
    struct model_yaml_node *node = base_arena_alloc(yaml->arena, sizeof *node);
    yaml_event_type_t type = event->type;
    if (!node) {
        model_yaml_full(yaml);
    } else if (depth > YAML_DEPTH) {
        yaml_fail_at(reader, &event->start_mark, ERR_LIMIT,
                     "nested more than 32 deep");
    } else if (!yaml_decorated(reader, event)) {
        node->file = reader->file;
        node->line = (uint32_t)event->start_mark.line + 1;
        node->column = (uint32_t)event->start_mark.column + 1;
        if (type == YAML_SCALAR_EVENT)
            yaml_scalar(reader, event, node);
    }
    yaml_event_delete(event);
    if (!node || !model_yaml_ok(yaml))
        return NULL;
    if (type == YAML_SEQUENCE_START_EVENT) {
        node->kind = MODEL_YAML_LIST;
        yaml_children(reader, node, YAML_SEQUENCE_END_EVENT, depth);
    } else if (type == YAML_MAPPING_START_EVENT) {
        node->kind = MODEL_YAML_MAP;
        yaml_children(reader, node, YAML_MAPPING_END_EVENT, depth);
    }
    return model_yaml_ok(yaml) ? node : NULL;
}

/* The frame round the root: stream and document, one of each. */
static struct model_yaml_node *
yaml_document(struct yaml_reader *reader)
{
    struct model_yaml_node *root = NULL;
    yaml_event_t event;
    bool more = true;
    while (more && yaml_next(reader, &event)) {
        yaml_event_type_t type = event.type;
        more = type != YAML_STREAM_END_EVENT;
        if (type == YAML_DOCUMENT_START_EVENT) {
            if (root)
                yaml_fail_at(reader, &event.start_mark, ERR_SYNTAX,
                             "a second document in one file");
            if (event.data.document_start.version_directive ||
                event.data.document_start.tag_directives.start !=
                    event.data.document_start.tag_directives.end)
                yaml_fail_at(reader, &event.start_mark, ERR_SYNTAX,
                             "directives (%...) are not allowed here");
        } else if (type != YAML_STREAM_START_EVENT &&
                   type != YAML_DOCUMENT_END_EVENT && more) {
            root = yaml_node(reader, &event, 1);
            continue;
        }
        yaml_event_delete(&event);
    }
    yaml_mark_t top = {0};
    if (!root)
        yaml_fail_at(reader, &top, ERR_SYNTAX, "the file is empty");
    return model_yaml_ok(reader->yaml) ? root : NULL;
}

const struct model_yaml_node *
model_yaml_read(struct model_yaml *yaml, struct bytes text, const char *file)
{
    struct yaml_reader reader = {.yaml = yaml, .file = file};
    struct model_yaml_node top = {.file = file};
    if (text.size > MODEL_YAML_SIZE) {
        model_yaml_fail(yaml, &top, ERR_BIG, "more than 1 MiB");
        return NULL;
    }
    if (!yaml_parser_initialize(&reader.parser)) {
        model_yaml_full(yaml);
        return NULL;
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(
        &reader.parser, text.at ? text.at : (const uint8_t *)"", text.size);
    const struct model_yaml_node *root = yaml_document(&reader);
    yaml_parser_delete(&reader.parser);
    return root;
}
