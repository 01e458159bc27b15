/* model_pack_match.c -- which series feed an input, as PromQL writes it:
 * name{label="value", other=~"a|b"}. */
#include <stdlib.h>

#include "model/model_pack_load.h"

enum { MATCH_MAX = 16 };

struct match_reader {
    struct base_arena *arena;
    struct bytes text;
    size_t at;
    struct base_note note; /* code not OK: failed */
    unsigned count;
    struct model_matcher matchers[MATCH_MAX];
};

static void
match_fail(struct match_reader *reader, enum err code, const char *text)
{
    if (reader->note.code == ERR_OK)
        base_err_note_at(&reader->note, code, "", 1, (uint32_t)reader->at + 1,
                         "the matcher: %s", text);
}

static int
match_peek(const struct match_reader *reader)
{
    return reader->at < reader->text.size ? reader->text.at[reader->at] : -1;
}

static void
match_spaces(struct match_reader *reader)
{
    while (match_peek(reader) == ' ')
        reader->at++;
}

static bool
match_mark(struct match_reader *reader, const char *mark)
{
    struct bytes rest =
        base_bytes_slice(reader->text, reader->at, reader->text.size);
    if (!base_bytes_starts(rest, base_bytes_text(mark)))
        return false;
    reader->at += strlen(mark);
    match_spaces(reader);
    return true;
}

static bool
match_letter(int byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           byte == '_' || byte == ':';
}

static struct bytes
match_name(struct match_reader *reader)
{
    size_t start = reader->at;
    while (match_letter(match_peek(reader)) ||
           (reader->at > start && match_peek(reader) >= '0' &&
            match_peek(reader) <= '9'))
        reader->at++;
    struct bytes name =
        base_bytes_slice(reader->text, start, reader->at - start);
    if (name.size == 0 || name.size > MODEL_LABEL_NAME)
        match_fail(reader, ERR_SYNTAX, "expected a name");
    match_spaces(reader);
    return name;
}

static struct bytes
match_value(struct match_reader *reader)
{
    uint8_t *to = base_arena_alloc(reader->arena, reader->text.size + 1);
    size_t size = 0;
    if (!to || match_peek(reader) != '"') {
        match_fail(reader, to ? ERR_SYNTAX : ERR_LIMIT,
                   "expected a value in double quotes");
        return (struct bytes){NULL, 0};
    }
    reader->at++;
    while (match_peek(reader) >= 0 && match_peek(reader) != '"') {
        if (match_peek(reader) == '\\' && reader->at + 1 < reader->text.size)
            reader->at++;
        to[size++] = reader->text.at[reader->at++];
    }
    if (match_peek(reader) != '"')
        match_fail(reader, ERR_SYNTAX, "a quote is not closed");
    else if (size > MODEL_LABEL_VALUE)
        match_fail(reader, ERR_LIMIT, "a value is too long");
    reader->at++;
    match_spaces(reader);
    return base_bytes(to, size);
}

static void
match_add(struct match_reader *reader, struct bytes name,
          enum model_matcher_op op, struct bytes value)
{
    if (reader->count == MATCH_MAX)
        match_fail(reader, ERR_LIMIT, "at most 16 labels");
    else
        reader->matchers[reader->count++] =
            (struct model_matcher){.name = name, .op = op, .value = value};
}

static void
match_labels(struct match_reader *reader)
{
    static const struct {
        const char *mark;
        enum model_matcher_op op;
    } ops[] = {{"=~", MODEL_MATCH_REGEX},
               {"!~", MODEL_MATCH_NOT_REGEX},
               {"!=", MODEL_MATCH_NOT},
               {"=", MODEL_MATCH_EQUAL}};
    while (reader->note.code == ERR_OK && !match_mark(reader, "}")) {
        struct bytes name = match_name(reader);
        unsigned i = 0;
        while (i < 4 && !match_mark(reader, ops[i].mark))
            i++;
        if (i == 4) {
            match_fail(reader, ERR_SYNTAX, "expected = != =~ or !~");
            return;
        }
        match_add(reader, name, ops[i].op, match_value(reader));
        if (!match_mark(reader, ",") && match_peek(reader) != '}')
            match_fail(reader, ERR_SYNTAX, "expected , or }");
    }
}

/* By name, operation, value: the order in the file means nothing, and must not
 * show in the shape. */
static int
match_order(const void *a, const void *b)
{
    const struct model_matcher *x = a, *y = b;
    int order = base_bytes_compare(x->name, y->name);
    if (order == 0)
        order = (int)x->op - (int)y->op;
    return order ? order : base_bytes_compare(x->value, y->value);
}

void
model_pack_match_load(struct model_pack_loader *loader,
                      const struct model_yaml_node *node,
                      struct model_pack_input *input)
{
    struct model_yaml *yaml = &loader->yaml;
    struct match_reader reader = {.arena = yaml->arena, .text = node->text};
    match_spaces(&reader);
    input->metric = match_name(&reader);
    match_add(&reader, base_bytes_text("__name__"), MODEL_MATCH_EQUAL,
              input->metric);
    if (match_mark(&reader, "{"))
        match_labels(&reader);
    if (reader.at < node->text.size)
        match_fail(&reader, ERR_SYNTAX, "text after its end");
    qsort(reader.matchers, reader.count, sizeof reader.matchers[0],
          match_order);
    if (reader.note.code == ERR_OK)
        model_matcher_ready(reader.matchers, reader.count, &reader.note);
    if (reader.note.code != ERR_OK) {
        model_yaml_fail_in(yaml, node, &reader.note);
        return;
    }
    input->matchers =
        model_pack_load_alloc(loader, reader.count, sizeof *input->matchers);
    if (!input->matchers) {
        model_matcher_done(reader.matchers, reader.count);
        return;
    }
    memcpy(input->matchers, reader.matchers,
           reader.count * sizeof *input->matchers);
    input->matcher_count = reader.count;
}
