/* store_audit.c -- see store_audit.h. */
#include "store/store_audit.h"

#include <inttypes.h>

#include "base/base_b64.h"
#include "base/base_cur.h"

enum {
    AUDIT_NAME = 255,
    AUDIT_TEXT = 512,
    AUDIT_INDEX_KEY = 8,
    AUDIT_TREE_KEY = 9,
    HASH = CRYPT_MERKLE_HASH,
};

/* --- an entry's text --- */

static const char audit_cut[] = "...";

/* Bytes of the character at the start of text; 0: it is none. */
static size_t
audit_character(struct bytes text)
{
    uint8_t lead = text.at[0];
    size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (size > text.size)
        return 0;
    return base_bytes_utf8(base_bytes_slice(text, 0, size)) ? size : 0;
}

/* RFC 8785 section 3.2.2.2. */
static void
audit_escape(struct base_out *out, struct bytes character)
{
    static const char plain[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
    const char *found = memchr(plain, character.at[0], sizeof plain - 1);
    if (found != NULL) {
        base_out_u8(out, '\\');
        base_out_u8(out, (uint8_t)letters[found - plain]);
    } else if (character.at[0] < 0x20) {
        base_out_format(out, "\\u%04x", character.at[0]);
    } else {
        base_out_bytes_add(out, character);
    }
}

static void
audit_string(struct base_out *out, struct bytes text, size_t limit)
{
    static const struct bytes replaced = {(const uint8_t *)"\xef\xbf\xbd", 3};
    size_t at = 0;
    base_out_u8(out, '"');
    while (at < text.size) {
        struct bytes left = base_bytes_slice(text, at, text.size - at);
        size_t size = audit_character(left);
        if (at + size > limit) {
            base_out_text(out, audit_cut);
            break;
        }
        audit_escape(out, size ? base_bytes_slice(left, 0, size) : replaced);
        at += size ? size : 1;
    }
    base_out_u8(out, '"');
}

static void
audit_digest(struct base_out *out, struct bytes digest)
{
    char hex[2 * HASH + 1] = "";
    if (digest.size == HASH)
        base_b64_hex(digest, hex);
    base_out_format(out, "\"%s\"", hex);
}

static void
audit_entry(struct store_audit *audit, const struct model_audit_event *event,
            struct base_out *out)
{
    base_out_text(out, "{\"action\":");
    audit_string(out, base_bytes_text(event->action), AUDIT_NAME);
    base_out_text(out, ",\"actor\":{\"kind\":");
    audit_string(out,
                 base_bytes_text(model_grant_kind_name(event->actor->kind)),
                 AUDIT_NAME);
    base_out_text(out, ",\"name\":");
    audit_string(out, event->actor->name, AUDIT_NAME);
    base_out_text(out, "},\"after\":");
    audit_digest(out, event->after);
    base_out_text(out, ",\"before\":");
    audit_digest(out, event->before);
    base_out_text(out, ",\"node\":");
    audit_string(out, base_bytes_text(audit->config.node), AUDIT_NAME);
    base_out_text(out, ",\"object\":");
    audit_string(out, event->object, AUDIT_TEXT);
    base_out_text(out, ",\"reason\":");
    audit_string(out, event->reason, AUDIT_TEXT);
    base_out_format(out, ",\"time_ms\":%" PRId64 "}",
                    base_loop_wall(audit->config.loop).ms);
}

/* --- rows --- */

static struct store_kv_snap *
audit_now(struct store_audit *audit)
{
    return store_kv_now(audit->config.kv);
}

static struct bytes
audit_index_key(uint64_t index, uint8_t to[AUDIT_INDEX_KEY])
{
    struct base_out out;
    base_out_fixed(&out, to, AUDIT_INDEX_KEY);
    base_out_u64be(&out, index);
    return base_out_bytes(&out);
}

static struct bytes
audit_tree_key(unsigned level, uint64_t index, uint8_t to[AUDIT_TREE_KEY])
{
    struct base_out out;
    base_out_fixed(&out, to, AUDIT_TREE_KEY);
    base_out_u8(&out, (uint8_t)level);
    base_out_u64be(&out, index);
    return base_out_bytes(&out);
}

static uint64_t
audit_u64(struct bytes from)
{
    struct base_cur cur;
    base_cur_init(&cur, from);
    return base_cur_u64be(&cur);
}

/* crypt_merkle_nodes.get */
static enum err
audit_node(void *self, unsigned level, uint64_t index, uint8_t to[HASH])
{
    struct store_audit *audit = self;
    uint8_t key[AUDIT_TREE_KEY];
    struct bytes value;
    enum err err = store_kv_get(audit_now(audit), STORE_TABLE_AUDIT_TREE,
                                audit_tree_key(level, index, key), &value);
    if (err == ERR_ABSENT || (err == ERR_OK && value.size != HASH))
        return ERR_CORRUPT;
    if (err == ERR_OK)
        memcpy(to, value.at, HASH);
    return err;
}

static struct crypt_merkle_nodes
audit_nodes(struct store_audit *audit)
{
    return (struct crypt_merkle_nodes){audit_node, audit};
}

uint64_t
store_audit_size(struct store_audit *audit)
{
    uint8_t last[AUDIT_INDEX_KEY];
    struct bytes key, value;
    if (store_kv_last(audit_now(audit), STORE_TABLE_AUDIT_ENTRY,
                      (struct bytes){0}, audit_index_key(UINT64_MAX, last),
                      &key, &value) != ERR_OK)
        return 0;
    return audit_u64(key) + 1;
}

/* --- appending --- */

/* The leaf, and every subtree that it completes. */
static enum err
audit_grow(struct store_audit *audit, uint64_t index, uint8_t hash[HASH],
           struct store_kv_batch *batch)
{
    for (unsigned level = 0;; level++) {
        uint8_t key[AUDIT_TREE_KEY], left[HASH];
        store_kv_put(batch, STORE_TABLE_AUDIT_TREE,
                     audit_tree_key(level, index, key), base_bytes(hash, HASH));
        if ((index & 1) == 0)
            return ERR_OK;
        enum err err = audit_node(audit, level, index - 1, left);
        if (err != ERR_OK)
            return err;
        crypt_merkle_node(left, hash, hash);
        index >>= 1;
    }
}

static enum err
audit_put(struct store_audit *audit, struct bytes entry,
          struct store_kv_batch *batch)
{
    uint8_t key[AUDIT_INDEX_KEY], leaf[HASH];
    struct bytes at = audit_index_key(store_audit_size(audit), key);
    crypt_merkle_leaf(entry, leaf);
    store_kv_put(batch, STORE_TABLE_AUDIT_ENTRY, at, entry);
    store_kv_put(batch, STORE_TABLE_AUDIT_LEAF, base_bytes(leaf, HASH), at);
    return audit_grow(audit, audit_u64(at), leaf, batch);
}

enum err
store_audit_append(struct store_audit *audit,
                   const struct model_audit_event *event,
                   struct store_kv_batch *batch,
                   struct store_journal_wait *wait)
{
    struct base_out entry;
    if (batch == NULL)
        batch = store_kv_batch_new(audit->config.kv);
    base_out_grow(&entry, STORE_AUDIT_ENTRY_MAX);
    audit_entry(audit, event, &entry);
    enum err err = entry.failed;
    if (err == ERR_OK)
        err = audit_put(audit, base_out_bytes(&entry), batch);
    base_out_done(&entry);
    if (err == ERR_OK)
        err = store_kv_commit(audit->config.kv, batch, wait, NULL);
    else
        store_kv_batch_free(batch);
    if (err == ERR_OK && audit->grown != NULL)
        audit->grown(audit->grown_self);
    return err;
}

static enum err
audit_model_append(struct model_audit *model,
                   const struct model_audit_event *event)
{
    return store_audit_append(BASE_OUTER(model, struct store_audit, model),
                              event, NULL, NULL);
}

void
store_audit_init(struct store_audit *audit,
                 const struct store_audit_config *config)
{
    *audit =
        (struct store_audit){.model = {audit_model_append}, .config = *config};
}

/* --- reading --- */

enum err
store_audit_head(struct store_audit *audit, struct wire_head *ret_head)
{
    struct crypt_merkle_nodes nodes = audit_nodes(audit);
    uint8_t text[WIRE_HEAD_SIGNED];
    struct base_out signature;
    struct wire_head head = {
        .size = store_audit_size(audit),
        .time_ms = base_loop_wall(audit->config.loop).ms,
    };
    enum err err = crypt_merkle_head(&nodes, head.size, head.root);
    if (err != ERR_OK)
        return err;
    wire_head_signed(&head, text);
    base_out_fixed(&signature, head.signature, sizeof head.signature);
    err = crypt_key_sign(audit->config.key, base_bytes(text, sizeof text),
                         &signature);
    if (err == ERR_OK)
        *ret_head = head;
    return err;
}

struct audit_walk {
    bool (*fn)(void *self, uint64_t index, struct bytes entry);
    void *self;
};

static bool
audit_walk(void *self, struct bytes key, struct bytes value)
{
    struct audit_walk *walk = self;
    return walk->fn(walk->self, audit_u64(key), value);
}

enum err
store_audit_list(struct store_audit *audit, uint64_t start, unsigned limit,
                 bool (*fn)(void *self, uint64_t index, struct bytes entry),
                 void *self)
{
    struct audit_walk walk = {fn, self};
    uint8_t key[AUDIT_INDEX_KEY];
    enum err err = store_kv_scan(audit_now(audit), STORE_TABLE_AUDIT_ENTRY,
                                 (struct bytes){0}, audit_index_key(start, key),
                                 limit, audit_walk, &walk, NULL);
    return err == ERR_ABSENT || err == ERR_AGAIN ? ERR_OK : err;
}

enum err
store_audit_proof(struct store_audit *audit, const uint8_t leaf[32],
                  uint64_t size, uint64_t *ret_index, struct base_out *ret_path)
{
    struct crypt_merkle_nodes nodes = audit_nodes(audit);
    struct bytes value;
    enum err err = store_kv_get(audit_now(audit), STORE_TABLE_AUDIT_LEAF,
                                base_bytes(leaf, HASH), &value);
    if (err != ERR_OK)
        return err;
    *ret_index = audit_u64(value);
    if (size > store_audit_size(audit))
        return ERR_RANGE;
    return crypt_merkle_prove(&nodes, *ret_index, size, ret_path);
}

enum err
store_audit_consistency(struct store_audit *audit, uint64_t first,
                        uint64_t second, struct base_out *ret_path)
{
    struct crypt_merkle_nodes nodes = audit_nodes(audit);
    if (second > store_audit_size(audit))
        return ERR_RANGE;
    return crypt_merkle_extend(&nodes, first, second, ret_path);
}
