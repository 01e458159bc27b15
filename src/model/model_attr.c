/* model_attr.c -- see model_attr.h. */
#include "model/model_attr.h"

static bool
attr_small(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

bool
model_attr_key(struct bytes key)
{
    if (key.size == 0 || key.size > MODEL_ATTR_PART || key.at[0] < 'a' ||
        key.at[0] > 'z')
        return false;
    for (size_t i = 0; i < key.size; i++)
        if (!attr_small(key.at[i]))
            return false;
    return true;
}

bool
model_attr_value(struct bytes value)
{
    if (value.size == 0 || value.size > MODEL_ATTR_PART)
        return false;
    for (size_t i = 0; i < value.size; i++) {
        uint8_t c = value.at[i];
        if (!attr_small(c) && !(c >= 'A' && c <= 'Z') && c != '.' && c != '-')
            return false;
    }
    return true;
}

bool
model_attr_next(struct bytes line, size_t *at, struct bytes *ret_key,
                struct bytes *ret_value)
{
    if (*at >= line.size)
        return false;
    struct bytes rest = base_bytes_slice(line, *at, line.size - *at);
    struct bytes pair = base_bytes_slice(rest, 0, base_bytes_find(rest, ','));
    size_t equals = base_bytes_find(pair, '=');
    *ret_key = base_bytes_slice(pair, 0, equals);
    *ret_value = base_bytes_slice(pair, equals + 1, pair.size);
    *at += pair.size + 1;
    return true;
}

enum err
model_attr_check(struct bytes line)
{
    struct bytes key, value, before = {0};
    size_t at = 0;
    unsigned count = 0;
    if (line.size > MODEL_ATTR_MAX)
        return ERR_LIMIT;
    if (line.size > 0 && line.at[line.size - 1] == ',')
        return ERR_SYNTAX;
    while (model_attr_next(line, &at, &key, &value)) {
        if (++count > MODEL_ATTR_PAIRS)
            return ERR_LIMIT;
        if (!model_attr_key(key) || !model_attr_value(value) ||
            base_bytes_compare(before, key) >= 0)
            return ERR_SYNTAX;
        before = key;
    }
    return ERR_OK;
}

struct bytes
model_attr_get(struct bytes line, struct bytes key)
{
    struct bytes name, value;
    size_t at = 0;
    while (model_attr_next(line, &at, &name, &value))
        if (base_bytes_equal(name, key))
            return value;
    return (struct bytes){0};
}

static void
attr_add(struct base_out *out, struct bytes key, struct bytes value)
{
    if (out->size > 0)
        base_out_u8(out, ',');
    base_out_bytes_add(out, key);
    base_out_u8(out, '=');
    base_out_bytes_add(out, value);
}

void
model_attr_merge(struct bytes under, struct bytes over, struct base_out *out)
{
    struct bytes key[2], value[2];
    size_t at[2] = {0, 0};
    bool more[2];
    more[0] = model_attr_next(under, &at[0], &key[0], &value[0]);
    more[1] = model_attr_next(over, &at[1], &key[1], &value[1]);
    while (more[0] || more[1]) {
        int order = !more[0]   ? 1
                    : !more[1] ? -1
                               : base_bytes_compare(key[0], key[1]);
        unsigned from = order >= 0 ? 1 : 0;
        attr_add(out, key[from], value[from]);
        if (order <= 0)
            more[0] = model_attr_next(under, &at[0], &key[0], &value[0]);
        if (order >= 0)
            more[1] = model_attr_next(over, &at[1], &key[1], &value[1]);
    }
}
