/* model_yaml.h -- files that a person wrote: packs, roles, node.yaml.
 *
 * Why: an author deserves "packs/host/pack.yaml 12:3 unknown key grian; did
 * you mean grain?", and a reader of such a file a straight run of lines, not
 * an error check after each.  So: a whole document becomes a tree in an arena,
 * a table of keys says what a map may hold, getters take a node that may be
 * NULL (a key that is not there) and give the fallback, and the first error
 * stays, in `failed` and in the note.  Parse straight, check once.
 *
 *     enum { KEY_PORT, KEY_NAMES, KEYS };
 *     static const struct model_yaml_key keys[KEYS] = {
 *         [KEY_PORT] = {"port", MODEL_YAML_SCALAR | MODEL_YAML_MUST},
 *         [KEY_NAMES] = {"names", MODEL_YAML_LIST},
 *     };
 *     const struct model_yaml_node *at[KEYS], *root, *name;
 *     struct model_yaml yaml = {.arena = arena, .note = note};
 *     root = model_yaml_read(&yaml, text, "node.yaml");
 *     model_yaml_map(&yaml, root, keys, KEYS, at);
 *     port = model_yaml_int(&yaml, at[KEY_PORT], 1, 65000, 0);
 *     for (name = model_yaml_first(at[KEY_NAMES]); name; name = name->next)
 *         add(model_yaml_text(&yaml, name, ""));
 *     return yaml.failed;
 *
 * Shape    a member of a map is its value's node, with `key` beside it.
 * Refused  anchors, aliases, tags, directives, several documents, double keys,
 *          keys that are no plain text, NUL, anything but UTF-8.
 * Typing   text: any scalar but an empty plain one.  Numbers, booleans, spans:
 *          YAML's quotes do not matter, except that true and false are plain.
 * Limits   1 MiB, depth 32, 1,024 keys a map; the arena's.
 * Memory   all in the arena; texts end with NUL.
 * Errors   SYNTAX, NAME (unknown key or word), TYPE, RANGE, LIMIT, BIG,
 *          UNSUPPORTED (a key known to the design, not to this version). */
#ifndef MODEL_YAML_H
#define MODEL_YAML_H

#include "base/base_arena.h"
#include "base/base_dec.h"

enum model_yaml_kind {
    MODEL_YAML_SCALAR = 1,
    MODEL_YAML_LIST = 2,
    MODEL_YAML_MAP = 4,
    MODEL_YAML_ANY = 7,
    MODEL_YAML_MUST = 8,   /* in a key table: required */
    MODEL_YAML_LATER = 16, /* in a key table: refused as UNSUPPORTED */
};

enum { MODEL_YAML_SIZE = 1 << 20, MODEL_YAML_KEYS = 1024 };

struct model_yaml_node {
    enum model_yaml_kind kind;
    uint32_t line, column; /* from 1; columns count characters */
    uint32_t count;        /* members or items */
    bool plain;            /* a scalar without quotes */
    bool exact; /* its text stands at the column, on one line, unescaped */
    const char *file;
    struct bytes text; /* of a scalar; a NUL follows */
    const struct model_yaml_node *key, *first, *next;
};

struct model_yaml { /* a reading: zero it, give arena and note */
    struct base_arena *arena;
    struct base_note *note;
    enum err failed;
};

struct model_yaml_key {
    const char *name;
    unsigned kinds; /* of enum model_yaml_kind */
};

/* for (item = model_yaml_first(list); item; item = item->next) */
static inline const struct model_yaml_node *
model_yaml_first(const struct model_yaml_node *of)
{
    return of ? of->first : NULL;
}

/* The root, or NULL; `file` is kept for messages and must live on. */
const struct model_yaml_node *
model_yaml_read(struct model_yaml *yaml, struct bytes text, const char *file);
/* Check a map against its table; ret_at[i] is the value of keys[i] or NULL.  A
 * node that is NULL has no keys.  Without ret_at, ask model_yaml_get. */
void model_yaml_map(struct model_yaml *yaml, const struct model_yaml_node *map,
                    const struct model_yaml_key *keys, unsigned count,
                    const struct model_yaml_node **ret_at);
/* The member of that name, or NULL. */
const struct model_yaml_node *model_yaml_get(const struct model_yaml_node *map,
                                             const char *name);
/* Of one of these kinds, or TYPE; NULL passes. */
bool model_yaml_is(struct model_yaml *yaml, const struct model_yaml_node *node,
                   unsigned kinds);

const char *model_yaml_text(struct model_yaml *yaml,
                            const struct model_yaml_node *node,
                            const char *fallback);
bool model_yaml_bool(struct model_yaml *yaml,
                     const struct model_yaml_node *node, bool fallback);
int64_t model_yaml_int(struct model_yaml *yaml,
                       const struct model_yaml_node *node, int64_t min,
                       int64_t max, int64_t fallback);
struct dec model_yaml_dec(struct model_yaml *yaml,
                          const struct model_yaml_node *node,
                          struct dec fallback);
/* "90s", "16d12h": ms (base_time_span) */
int64_t model_yaml_span(struct model_yaml *yaml,
                        const struct model_yaml_node *node, int64_t min_ms,
                        int64_t max_ms, int64_t fallback_ms);
/* The index of the word in names[0..count); names[live..count) are known but
 * UNSUPPORTED. */
unsigned model_yaml_word(struct model_yaml *yaml,
                         const struct model_yaml_node *node,
                         const char *const *names, unsigned live,
                         unsigned count, unsigned fallback);

/* Refuse, at a node; at a place inside a scalar's text; for want of arena.
 * The first refusal of a reading stands.  Returns yaml->failed. */
enum err model_yaml_fail(struct model_yaml *yaml,
                         const struct model_yaml_node *node, enum err code,
                         const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
enum err model_yaml_fail_in(struct model_yaml *yaml,
                            const struct model_yaml_node *node,
                            const struct base_note *inner);
enum err model_yaml_full(struct model_yaml *yaml);

static inline bool
model_yaml_ok(const struct model_yaml *yaml)
{
    return yaml->failed == ERR_OK;
}

/* `under` with the members of `over` laid on it: maps merge by key, anything
 * else is replaced.  Either may be NULL. */
const struct model_yaml_node *
model_yaml_merge(struct model_yaml *yaml, const struct model_yaml_node *under,
                 const struct model_yaml_node *over);

#endif
