/* model_id.c -- identifiers and prefixes. */
#include "model/model_id.h"

static bool
id_label_byte(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || byte == '_' || byte == '-';
}

enum err
model_id_prefix_check(struct bytes prefix)
{
    if (prefix.size > MODEL_PREFIX_MAX)
        return ERR_BIG;
    bool inside = false; /* a label */
    for (size_t i = 0; i < prefix.size; i++) {
        if (prefix.at[i] == '.' ? !inside : !id_label_byte(prefix.at[i]))
            return ERR_NAME;
        inside = prefix.at[i] != '.';
    }
    return inside ? ERR_OK : ERR_NAME;
}

enum err
model_id_parse(struct bytes text, struct model_id *ret_id)
{
    if (text.size > MODEL_ID_MAX)
        return ERR_BIG;
    if (!base_bytes_utf8(text))
        return ERR_SYNTAX;
    size_t slash = base_bytes_find(text, '/');
    struct model_id id = {
        .prefix = base_bytes_slice(text, 0, slash),
        .suffix = base_bytes_slice(text, slash + 1, text.size),
    };
    if (id.suffix.size == 0 || base_bytes_find(text, 0) < text.size)
        return ERR_NAME;
    enum err err = model_id_prefix_check(id.prefix);
    if (err == ERR_OK)
        *ret_id = id;
    return err;
}

bool
model_id_covers(struct bytes outer, struct bytes inner)
{
    if (inner.size < outer.size ||
        !base_bytes_equal_folded(outer, base_bytes(inner.at, outer.size)))
        return false;
    return inner.size == outer.size ||
           (outer.size > 0 && inner.at[outer.size] == '.');
}

struct bytes
model_id_parent(struct bytes prefix)
{
    size_t size = prefix.size;
    while (size > 0 && prefix.at[size - 1] != '.')
        size--;
    return base_bytes(prefix.at, size > 0 ? size - 1 : 0);
}

bool
model_id_is_child(struct bytes parent, struct bytes child)
{
    struct bytes up = model_id_parent(child);
    return up.size > 0 && base_bytes_equal_folded(up, parent);
}
