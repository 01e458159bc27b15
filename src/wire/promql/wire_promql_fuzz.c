/* wire_promql_fuzz.c -- hostile queries; what is refused says where. */
#include <stdlib.h>

#include "base/base_must.h"
#include "wire/promql/wire_promql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned
fuzz_walk(const struct wire_promql_node *node, struct bytes text)
{
    char feature[160];
    unsigned deepest = 0;
    must(node->at <= text.size && node->depth <= WIRE_PROMQL_DEPTH);
    wire_promql_feature(node, feature, sizeof feature);
    for (uint32_t i = 0; i < node->arg_count; i++) {
        unsigned depth = fuzz_walk(node->args[i], text);
        deepest = depth > deepest ? depth : deepest;
    }
    must(node->depth == deepest + 1);
    return node->depth;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = base_bytes(data, size);
    struct base_arena arena;
    const struct wire_promql_node *node;
    struct base_note note = {0};
    char message[512];
    base_arena_init(&arena, 1 << 24);
    enum err err = wire_promql_parse(&arena, text, &node, &note);
    if (err == ERR_OK) {
        fuzz_walk(node, text);
    } else {
        must(note.code == err && note.line > 0 && note.column > 0);
        wire_promql_message(&note, message, sizeof message);
    }
    base_arena_reset(&arena);
    wire_promql_selector(&arena, text, &node, NULL);
    base_arena_done(&arena);
    return 0;
}
